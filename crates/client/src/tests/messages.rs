//! Messages on their way out and in: stored first, told once, statuses that only climb.

use alloc::vec;
use alloc::vec::Vec;
use wire::limits::INBOX_BATCH_MAX;
use wire::proto::{self, server_frame};
use wire::status;
use wire::time::Duration;

use super::{Page, draft, message, report};
use crate::event::Event;
use crate::{Input, Output, SendError};

#[test]
fn a_message_is_stored_before_it_is_sent_and_told_once() {
    let mut page = Page::online();
    page.answers = false;
    let id = page.send("hello");
    assert!(page.texts_sent().is_empty() && page.texts_told().is_empty());
    page.answer();
    assert_eq!(page.texts_sent(), ["hello"]);
    assert_eq!(page.texts_told(), ["hello"]);
    page.accept(id);
    page.accept(id);
    assert_eq!(page.message_statuses(), [status::SENT]);
    assert!(page.store.open().outbox.is_empty());
}

#[test]
fn what_was_not_answered_is_sent_again_in_order() {
    let mut page = Page::online();
    let first = page.send("one");
    page.send("two");
    page.send("three");
    page.accept(first);
    page.lose_connection();
    page.wait();
    page.forget();
    page.welcome(0);
    assert_eq!(page.texts_sent(), ["two", "three"]);
    assert!(page.message_statuses().is_empty());
}

#[test]
fn what_waits_survives_a_reload() {
    let mut page = Page::new();
    page.start();
    page.send("one");
    page.send("two");
    let mut page = Page::with_store(page.store.clone());
    page.start();
    page.welcome(0);
    assert_eq!(page.texts_sent(), ["one", "two"]);
}

#[test]
fn a_message_sent_before_the_store_is_open_is_not_lost() {
    let mut page = Page::new();
    let sent = page.client.send(page.now, draft("early", None)).expect("it is taken");
    assert_eq!(sent.message.status, status::OUTBOX);
    page.start();
    page.welcome(0);
    assert_eq!(page.texts_sent(), ["early"]);
}

#[test]
fn a_rejected_message_is_told_failed_and_goes_again_when_asked() {
    let mut page = Page::online();
    let id = page.send("hello");
    let code = status::BLOCKED;
    let rejected = proto::Rejected { id, status: code, ..Default::default() };
    page.server(server_frame::Body::Rejected(rejected));
    assert_eq!(page.message_statuses(), [code]);
    let key = page.events.iter().find_map(|event| match event {
        Event::MessageStatus { message, .. } => Some(message.key.clone()),
        _ => None,
    });
    page.client.resend(&key.expect("a status")).expect("it failed before");
    page.input(Input::Tick);
    page.accept(id);
    assert_eq!(page.texts_sent(), ["hello", "hello"]);
    assert_eq!(page.message_statuses(), [code, status::OUTBOX, status::SENT]);
}

#[test]
fn a_message_for_who_is_online_now_fails_at_once_while_offline() {
    let mut page = Page::new();
    page.start();
    page.send_with("now or never", Some(0));
    assert_eq!(page.message_statuses(), [status::USER_OFFLINE]);
    page.welcome(0);
    assert!(page.texts_sent().is_empty());
}

#[test]
fn a_message_that_waited_too_long_expires_and_is_not_sent() {
    let mut page = Page::online();
    page.lose_connection();
    page.send_with("soon", Some(5));
    page.now.instant = page.now.instant + Duration::from_secs(6);
    page.now.wall.0 += 6_000;
    page.input(Input::Tick);
    let welcome = proto::Welcome {
        uid: 1,
        address: "me".into(),
        now: page.now.wall.0,
        ..proto::Welcome::default()
    };
    if page.socket.is_none() {
        page.wait();
    }
    page.open_socket();
    page.server(server_frame::Body::Welcome(welcome));
    assert_eq!(page.message_statuses(), [status::EXPIRED]);
    assert!(page.texts_sent().is_empty());
}

#[test]
fn a_message_without_content_or_destination_is_not_taken() {
    let mut page = Page::online();
    let empty = page.client.send(page.now, draft("", None));
    assert_eq!(empty.err(), Some(SendError::Empty));
    let mut lost = draft("hello", None);
    lost.to = crate::message::Conversation::User(super::String::new());
    assert_eq!(page.client.send(page.now, lost).err(), Some(SendError::NoDestination));
    page.run();
    assert!(page.events.is_empty() && page.frames.is_empty());
}

#[test]
fn a_store_that_fails_once_loses_nothing() {
    let mut page = Page::online();
    page.failing = 1;
    page.send("hello");
    assert_eq!(page.texts_sent(), ["hello"]);
    assert_eq!(page.store.open().outbox.len(), 1);
}

#[test]
fn a_delivered_entry_is_acknowledged_and_told_only_when_it_is_stored() {
    let mut page = Page::online();
    page.answers = false;
    page.deliver(vec![message(1, 11, "friend", "me", "hi")]);
    assert!(page.acks().is_empty() && page.texts_told().is_empty());
    page.answer();
    assert_eq!(page.acks(), [1]);
    assert_eq!(page.texts_told(), ["hi"]);
}

#[test]
fn the_store_has_the_next_batch_before_the_page_is_told_of_this_one() {
    let mut page = Page::online();
    page.answers = false;
    let count = INBOX_BATCH_MAX as u64 + 1;
    page.deliver((1..=count).map(|seq| message(seq, seq, "friend", "me", "hello")).collect());
    assert_eq!((page.held.len(), page.texts_told().len()), (1, 0));
    let (ticket, request) = page.held.remove(0);
    let stored = page.perform(ticket, request);
    page.client.handle_input(page.now, stored);
    // The page is asked whether it wants the next ones, they go to the store, it is told.
    assert!(matches!(page.client.poll_output(), Output::Event(event) if *event == Event::Filter));
    page.client.pass(&[]);
    assert!(matches!(page.client.poll_output(), Output::Store { .. }));
    assert!(matches!(page.client.poll_output(), Output::Event(event) if *event != Event::Filter));
    assert!(page.acks().is_empty());
}

#[test]
fn an_entry_that_comes_again_is_told_once() {
    let mut page = Page::online();
    page.deliver(vec![message(1, 11, "friend", "me", "hi")]);
    page.deliver(vec![message(1, 11, "friend", "me", "hi"), message(2, 12, "friend", "me", "you")]);
    assert_eq!(page.texts_told(), ["hi", "you"]);
}

#[test]
fn a_reload_goes_on_behind_what_was_stored() {
    let mut page = Page::online();
    page.deliver(vec![message(1, 11, "friend", "me", "hi")]);
    let mut page = Page::with_store(page.store.clone());
    page.start();
    page.welcome(1);
    page.deliver(vec![message(1, 11, "friend", "me", "hi")]);
    assert!(page.texts_told().is_empty());
}

#[test]
fn what_the_server_knows_of_no_store_is_told_without_a_cursor() {
    let mut page = Page::online();
    page.deliver(vec![message(0, 11, "friend", "me", "flash")]);
    assert_eq!(page.texts_told(), ["flash"]);
    assert!(page.acks().is_empty());
}

#[test]
fn statuses_only_climb() {
    let mut page = Page::online();
    let id = page.send("hello");
    page.deliver(vec![report(1, id, status::READ)]);
    page.deliver(vec![report(2, id, status::DELIVERED)]);
    page.accept(id);
    assert!(page.message_statuses().iter().all(|told| *told == status::READ));
}

#[test]
fn a_status_of_an_unknown_message_is_nothing() {
    let mut page = Page::online();
    page.deliver(vec![report(1, 99, status::READ)]);
    assert!(page.message_statuses().is_empty());
    assert_eq!(page.acks(), [1]);
}

#[test]
fn a_message_from_another_own_device_is_an_outgoing_one() {
    let mut page = Page::online();
    page.deliver(vec![message(1, 11, "me", "friend", "from my phone")]);
    let Some(Event::Message { message, .. }) = page.events.first() else { panic!("not told") };
    assert!(!message.key.incoming);
    assert_eq!(message.status, status::SENT);
    assert_eq!(message.conversation, super::friend());
}

#[test]
fn an_unlogged_message_from_another_own_device_is_an_outgoing_one() {
    let mut page = Page::online();
    page.deliver(vec![message(0, 11, "me", "friend", "flash")]);
    let Some(Event::Message { message, .. }) = page.events.first() else { panic!("not told") };
    assert_eq!(page.events.len(), 1);
    assert!(!message.key.incoming);
    assert_eq!(message.conversation, super::friend());
}

#[test]
fn twenty_thousand_messages_come_and_go_in_any_state_of_the_connection() {
    let mut page = Page::new();
    page.start();
    for _ in 0..2_000 {
        page.client.send(page.now, draft("x", None)).expect("it is taken");
    }
    page.input(Input::Tick);
    page.welcome(0);
    let ids: Vec<_> = page.store.open().outbox.iter().map(|message| message.key.id.get()).collect();
    ids.iter().for_each(|id| page.accept(*id));
    assert_eq!(page.texts_sent().len(), 2_000);
    assert!(page.store.open().outbox.is_empty());
    for first in (1..=20_000).step_by(100) {
        let entries = (first..first + 100).map(|seq| message(seq, seq, "friend", "me", "x"));
        page.deliver(entries.collect());
    }
    assert_eq!(page.acks().last(), Some(&20_000));
}

#[test]
fn what_was_stored_without_a_connection_is_acknowledged_when_it_comes_again() {
    let mut page = Page::online();
    page.answers = false;
    page.deliver(vec![message(1, 5, "friend", "me", "hello")]);
    page.lose_connection();
    page.answer();
    page.wait();
    page.welcome(0);
    page.forget();
    page.deliver(vec![message(1, 5, "friend", "me", "hello")]);
    assert_eq!(page.acks(), [1]);
    assert!(page.texts_told().is_empty(), "it was told before");
}

#[test]
fn who_has_sent_a_message_is_seen_typing_the_next_one() {
    let mut page = Page::online();
    assert!(page.types());
    assert!(!page.types(), "a moment ago");
    page.send("hello");
    assert!(page.types());
}

#[test]
fn a_message_to_oneself_is_two() {
    let mut page = Page::online();
    page.deliver(vec![message(1, 11, "me", "me", "note")]);
    assert_eq!(page.texts_told(), ["note", "note"]);
}

#[test]
fn a_message_to_a_group_that_loops_back_is_two_and_one_that_does_not_is_one() {
    let mut page = Page::online();
    let mut looped = message(1, 11, "me", "me", "heard");
    for (seq, loopback) in [(1, true), (2, false)] {
        let mut entry = looped.clone();
        entry.seq = seq;
        let Some(proto::Entry { body: Some(proto::entry::Body::Message(message)) }) =
            &mut entry.entry
        else {
            panic!("no message")
        };
        message.id = 10 + seq;
        message.to = Some(proto::Target { to: Some(proto::target::To::Group(1_000)) });
        message.loopback = loopback;
        looped = entry.clone();
        page.deliver(vec![entry]);
    }
    assert_eq!(page.texts_told(), ["heard", "heard", "heard"]);
}

#[test]
fn order_is_the_order_of_the_log_whatever_the_size_of_the_deliveries() {
    let mut page = Page::online();
    let entries = (1..=3_000).map(|seq| message(seq, seq, "friend", "me", "x"));
    for chunk in entries.collect::<Vec<_>>().chunks(700) {
        page.deliver(chunk.to_vec());
    }
    let ids = page.events.iter().filter_map(|event| match event {
        Event::Message { message, .. } => Some(message.key.id.get()),
        _ => None,
    });
    assert!(ids.eq(1..=3_000));
    assert_eq!(page.acks().last(), Some(&3_000));
}

#[test]
fn another_user_gets_nothing_of_the_former_one() {
    let mut page = Page::online();
    page.answers = false;
    page.client.send(page.now, draft("secret", None)).expect("it is taken");
    let other = "1x2xee494e98fce6e6b4".into();
    assert!(page.client.set_token(page.now, other));
    let mut writes = 0;
    let mut opened = false;
    loop {
        match page.client.poll_output() {
            crate::Output::Wait(_) => break,
            crate::Output::OpenStore { .. } => {
                opened = true;
                let nothing = crate::port::store::Opened::default();
                page.client.handle_input(page.now, Input::StoreOpened(Ok(nothing)));
            }
            crate::Output::Store {
                request: crate::port::store::Request::Summary { .. }, ..
            } => {}
            crate::Output::Store { request, .. } => {
                assert!(!opened, "{request:?} goes into the new user's store");
                writes += 1;
            }
            _ => {}
        }
    }
    assert!(opened);
    assert_eq!(writes, 1);
}
