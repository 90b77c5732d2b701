//! Messages that do not stay, filters, and what others see of this user.

use alloc::vec;
use alloc::vec::Vec;
use wire::limits::{KEYS_BYTES_MAX, RETRACTION_MAX};
use wire::mask::message as flag;
use wire::mask::presence as code;
use wire::proto::{self, client_frame, server_frame};
use wire::status;
use wire::time::Duration;

use super::{Page, UNWANTED, draft, entry, friend, message, report};
use crate::event::Event;
use crate::message::{Age, Content, Conversation, Draft};
use crate::{Input, OnlineMode, Removal};

fn aging(text: &str, age: Age) -> Draft {
    let draft = draft(text, None);
    Draft { content: Content { age, ..draft.content }, ..draft }
}

/// A message of `friend` with an age.
fn aging_message(seq: u64, id: u64, age_read: u32) -> proto::LogEntry {
    let proto::LogEntry { entry: Some(proto::Entry { body: Some(body) }), .. } =
        message(seq, id, "friend", "me", "x")
    else {
        panic!("no message")
    };
    let proto::entry::Body::Message(mut message) = body else { panic!("no message") };
    message.content.as_mut().expect("content").age_read = age_read;
    entry(seq, proto::entry::Body::Message(message))
}

impl Page {
    fn presences(&self) -> Vec<(u32, u32)> {
        let told = self.frames.iter().filter_map(|frame| match frame {
            client_frame::Body::Presence(presence) if presence.to.is_none() => {
                Some((presence.presence, presence.value))
            }
            _ => None,
        });
        told.collect()
    }

    fn removed(&self) -> usize {
        let told = self.events.iter().filter_map(|event| match event {
            Event::Removed { removal: Removal::Messages(keys) } => Some(keys.len()),
            _ => None,
        });
        told.sum()
    }

    fn stored(&mut self) -> usize {
        let conversation = Some(friend());
        let request = crate::port::store::Request::Read {
            conversation,
            from: None,
            count: 99,
            fifo: true,
            query: Default::default(),
        };
        match self.store.perform(request) {
            crate::port::store::Reply::Messages(messages) => messages.len(),
            reply => panic!("no messages: {reply:?}"),
        }
    }

    /// Time goes on, and the browser's timer with it.
    fn advance(&mut self, seconds: u64) {
        self.now.instant = self.now.instant + Duration::from_secs(seconds);
        self.now.wall = self.now.wall.after(Duration::from_secs(seconds));
        self.input(Input::Tick);
    }
}

#[test]
fn a_sent_message_ends_at_its_age_in_memory_store_and_arrays() {
    let mut page = Page::online();
    page.client.send(page.now, aging("a", Age { sent: 5, ..Age::default() })).expect("taken");
    page.input(Input::Tick);
    assert_eq!(page.stored(), 1);
    page.advance(4);
    assert_eq!((page.removed(), page.stored()), (0, 1));
    page.advance(1);
    assert_eq!((page.removed(), page.stored()), (1, 0));
    page.advance(100);
    assert_eq!(page.removed(), 1);
}

#[test]
fn an_age_after_delivery_or_reading_runs_from_the_report() {
    let mut page = Page::online();
    let age = Age { delivered: 60, read: 5, ..Age::default() };
    let sent = page.client.send(page.now, aging("a", age)).expect("taken");
    page.input(Input::Tick);
    let id = sent.message.key.id.get();
    page.accept(id);
    page.advance(30);
    assert_eq!(page.removed(), 0, "nobody has it");
    // Reported half a second after the start of this world's clock.
    page.deliver(vec![report(1, id, status::DELIVERED)]);
    page.advance(20);
    assert_eq!(page.removed(), 0);
    page.deliver(vec![report(2, id, status::READ)]);
    page.input(Input::Tick);
    assert_eq!(page.removed(), 1, "five seconds after it was read are over");
}

#[test]
fn an_end_is_waited_for_after_a_reload() {
    let mut page = Page::online();
    page.client.set_database(Some("db".into()));
    page.run();
    page.deliver(vec![aging_message(1, 7, 10)]);
    assert_eq!(page.removed(), 0);
    let session = page.client.open_session({
        let mut filter = crate::SessionFilter::new(crate::Scope::Conversation(friend()));
        filter.receipts = true;
        filter
    });
    page.client.read(session, 10);
    page.input(Input::Tick);
    let (store, now) = (page.store.clone(), page.now);
    let mut page = Page::with_store(store);
    page.now = now;
    page.client.set_database(Some("db".into()));
    page.run();
    assert_eq!(page.stored(), 1);
    page.advance(11);
    assert_eq!((page.removed(), page.stored()), (1, 0));
}

#[test]
fn a_note_is_kept_and_never_sent() {
    let mut page = Page::online();
    let note = Draft { flags: flag::SAVE_CUSTOM, ..draft("note", None) };
    let sent = page.client.send(page.now, note).expect("taken");
    page.input(Input::Tick);
    assert_eq!(sent.message.status, status::CUSTOM);
    assert_eq!((page.texts_sent().len(), page.texts_told().len(), page.stored()), (0, 0, 1));
}

#[test]
fn what_is_transient_is_stored_nowhere_and_fails_when_nobody_is_there() {
    let mut page = Page::online();
    let transient = || Draft { flags: flag::TRANSIENT, ..draft("now", None) };
    let sent = page.client.send(page.now, transient()).expect("taken");
    page.input(Input::Tick);
    assert_eq!((page.texts_sent(), page.stored()), (vec!["now".into()], 0));
    page.accept(sent.message.key.id.get());
    assert_eq!((page.message_statuses(), page.stored()), (vec![status::SENT], 0));
    page.lose_connection();
    page.forget();
    page.client.send(page.now, transient()).expect("taken");
    page.input(Input::Tick);
    assert_eq!(page.message_statuses(), [status::USER_OFFLINE]);
}

#[test]
fn what_came_for_now_is_acknowledged_when_its_sender_asks() {
    let mut page = Page::online();
    let arrives = |id, flags| {
        let mut entry = message(0, id, "friend", "me", "now");
        let Some(proto::entry::Body::Message(told)) =
            entry.entry.as_mut().and_then(|entry| entry.body.as_mut())
        else {
            panic!("no message")
        };
        told.flags = flags;
        entry
    };
    for (id, flags) in [(1, flag::DEFAULT), (2, 0), (3, flag::DEFAULT | flag::TRANSIENT)] {
        page.deliver(vec![arrives(id, flags)]);
    }
    assert_eq!(page.texts_told().len(), 3);
    let passing = page.frames.iter().filter_map(|frame| match frame {
        client_frame::Body::Ack(ack) => Some(&ack.passing),
        _ => None,
    });
    let told: Vec<_> = passing.flatten().map(|told| (told.id, told.receipt)).collect();
    assert_eq!(told, [(1, true)]);
}

#[test]
fn what_the_filter_does_not_want_is_acknowledged_and_nothing_else() {
    let mut page = Page::online();
    let unwanted = |seq, id| {
        let proto::LogEntry { entry: Some(proto::Entry { body: Some(body) }), .. } =
            message(seq, id, "friend", "me", "spam")
        else {
            panic!("no message")
        };
        let proto::entry::Body::Message(mut message) = body else { panic!("no message") };
        message.r#type = UNWANTED;
        entry(seq, proto::entry::Body::Message(message))
    };
    page.deliver(vec![unwanted(1, 7), message(2, 8, "friend", "me", "hello"), unwanted(0, 9)]);
    assert_eq!(page.texts_told(), ["hello"]);
    assert_eq!(page.acks(), [2]);
    assert_eq!(page.stored(), 1);
}

#[test]
fn the_server_is_told_once_who_is_to_see_the_user() {
    let mut page = Page::new();
    page.client.set_online_mode(OnlineMode::Foreground);
    page.client.set_foreground(page.now, false);
    page.start();
    page.welcome(0);
    let hello = page.frames.iter().find_map(|frame| match frame {
        client_frame::Body::Hello(hello) => Some(hello.hidden),
        _ => None,
    });
    assert_eq!((hello, page.presences()), (Some(true), vec![]));
    // What the browser says does not count any more.
    page.input(Input::Visible(true));
    assert!(!page.client.is_visible());
    page.client.set_foreground(page.now, true);
    page.input(Input::Tick);
    page.input(Input::Tick);
    page.client.set_online_target(8);
    page.input(Input::Tick);
    page.client.set_online_mode(OnlineMode::Manual);
    page.input(Input::Tick);
    let told = [(code::ONLINE, 0), (code::ONLINE, 8), (code::OFFLINE, 8)];
    assert_eq!(page.presences(), told);
}

#[test]
fn a_presence_said_by_the_other_page_has_its_end_and_the_servers_has_none() {
    let mut page = Page::online();
    let said = |from: &str, interval| {
        let presence = code::ONLINE;
        let from = from.into();
        server_frame::Body::Presence(proto::Presence {
            from,
            presence,
            interval,
            ..proto::Presence::default()
        })
    };
    page.server(said("friend", 90));
    page.server(said("other", 0));
    assert!(page.client.is_online(page.now, "friend") && page.client.is_online(page.now, "other"));
    let later = wire::time::Now {
        instant: page.now.instant + Duration::from_secs(90),
        wall: page.now.wall,
    };
    assert!(!page.client.is_online(later, "friend") && page.client.is_online(later, "other"));
}

#[test]
fn a_request_is_answered_unless_the_user_is_not_shown() {
    let mut page = Page::online();
    let answers = |page: &mut Page| {
        page.forget();
        let presence = proto::Presence { from: "friend".into(), ..proto::Presence::default() };
        page.server(server_frame::Body::Presence(presence));
        let answers = page.frames.iter().filter(|frame| {
            matches!(frame, client_frame::Body::Presence(answer) if answer.to.is_some() && answer.interval > 0)
        });
        answers.count()
    };
    assert_eq!(answers(&mut page), 1);
    page.client.set_online_mode(OnlineMode::Manual);
    page.client.show_online(true);
    assert_eq!(answers(&mut page), 0);
    page.client.set_online_mode(OnlineMode::Foreground);
    page.client.set_foreground(page.now, false);
    assert_eq!(answers(&mut page), 0);
}

#[test]
fn a_search_keeps_what_is_known_of_own_groups_and_tells_where_to_go_on() {
    let mut page = Page::online();
    let wanted = || proto::Search { text: "x".into(), ..proto::Search::default() };
    let ticket = page.client.search(wanted()).expect("online");
    let users = vec![proto::Profile { address: "ada".into(), uid: 9, ..proto::Profile::default() }];
    let groups = vec![proto::Group { gid: 1_000, name: "g".into(), ..proto::Group::default() }];
    let found = proto::Found { ticket, users, groups, more: true, limited: false };
    page.server(server_frame::Body::Found(found));
    let found =
        vec![Conversation::User("ada".into()), Conversation::Group(wire::id::GroupId(1_000))];
    let told = Event::Searched { ticket, found, more: Some((9, 1_000)), limited: false };
    assert!(page.events.contains(&told));
    page.lose_connection();
    assert_eq!(page.client.search(wanted()), None);
}

#[test]
fn small_values_survive_a_reload_and_have_a_limit() {
    let mut page = Page::online();
    assert!(page.client.set_keys("{\"a\":\"1\"}".into()));
    page.input(Input::Tick);
    assert!(!page.client.set_keys("x".repeat(KEYS_BYTES_MAX + 1)));
    let mut page = Page::with_store(page.store);
    page.client.set_database(Some("db".into()));
    page.run();
    assert_eq!(page.client.keys(), "{\"a\":\"1\"}");
    assert_eq!(page.client.profiles().count(), 0, "they are nobody's profile");
}

#[test]
fn a_push_token_is_told_until_it_is_answered() {
    let mut page = Page::online();
    assert!(page.client.set_push_token("p".into(), false));
    page.input(Input::Tick);
    let tokens = |page: &Page| {
        let told = page.frames.iter().filter_map(|frame| match frame {
            client_frame::Body::PushToken(push) => Some((push.ticket, push.token.clone())),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    page.lose_connection();
    page.wait();
    page.welcome(0);
    let told = tokens(&page);
    assert_eq!(told.len(), 2);
    assert_eq!(told[0], told[1]);
    page.accept(told[0].0);
    page.lose_connection();
    page.wait();
    page.welcome(0);
    assert_eq!(tokens(&page).len(), 2);
}

#[test]
fn how_long_a_message_may_be_changed_can_only_be_less() {
    let mut page = Page::online();
    let id = page.send("x");
    page.accept(id);
    let key = crate::message::MessageKey::outgoing(wire::id::MessageId::new(id).expect("an id"));
    page.client.set_retraction_interval(u32::MAX);
    assert_eq!(u64::from(page.client.retraction_interval()), RETRACTION_MAX.as_secs());
    assert!(page.client.may_change(page.now, &key));
    page.client.set_retraction_interval(0);
    page.advance(1);
    assert!(!page.client.may_change(page.now, &key));
}
