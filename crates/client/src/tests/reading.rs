//! Read sessions and what is told of reading.

use alloc::vec;
use alloc::vec::Vec;
use wire::id::MessageId;
use wire::proto::{self, client_frame};
use wire::status;

use super::{Page, draft, friend, message};
use crate::change::Removal;
use crate::event::{Event, ReadSessionId};
use crate::message::{Draft, MessageKey};
use crate::port::store::{Reply, Request};
use crate::reading::{Scope, SessionFilter};
use crate::{Input, Output};

fn filled() -> Page {
    let mut page = Page::online();
    page.deliver((1..=5).map(|seq| message(seq, seq, "friend", "me", "x")).collect());
    page.forget();
    page
}

fn session(page: &mut Page, receipts: bool, fifo: bool) -> ReadSessionId {
    let scope = Scope::Conversation(friend());
    page.client.open_session(SessionFilter { receipts, fifo, ..SessionFilter::new(scope) })
}

fn read(page: &mut Page, id: ReadSessionId, count: u32) -> (Vec<u64>, bool) {
    page.events.clear();
    page.client.read(id, count);
    page.input(Input::Tick);
    let found = page.events.iter().find_map(|event| match event {
        Event::SessionRead { messages, end, .. } => {
            Some((messages.iter().map(|message| message.key.id.get()).collect(), *end))
        }
        _ => None,
    });
    found.expect("the read is answered")
}

fn notices(page: &Page) -> Vec<proto::Read> {
    let read = |frame: &client_frame::Body| match frame {
        client_frame::Body::Read(read) => Some(read.clone()),
        _ => None,
    };
    page.frames.iter().filter_map(read).collect()
}

#[test]
fn a_session_reads_newest_first_and_knows_its_end() {
    let mut page = filled();
    let id = session(&mut page, false, false);
    assert_eq!(read(&mut page, id, 3), (vec![5, 4, 3], false));
    assert_eq!(read(&mut page, id, 3), (vec![2, 1], true));
    assert_eq!(page.client.read(id, 3), 0);
}

#[test]
fn fifo_is_oldest_first() {
    let mut page = filled();
    let id = session(&mut page, false, true);
    assert_eq!(read(&mut page, id, 2), (vec![1, 2], false));
}

#[test]
fn what_arrived_while_open_is_not_read_again() {
    let mut page = filled();
    let id = session(&mut page, false, false);
    page.client.start_session(id);
    page.deliver(vec![message(6, 6, "friend", "me", "new")]);
    let told = page
        .events
        .iter()
        .any(|event| matches!(event, Event::Message { sessions, .. } if sessions == &vec![id]));
    assert!(told);
    assert_eq!(read(&mut page, id, 2), (vec![5, 4], false));
}

#[test]
fn reading_with_receipts_tells_the_sender_reliably() {
    let mut page = filled();
    let id = session(&mut page, true, false);
    read(&mut page, id, 10);
    let told = notices(&page);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].messages.len(), 5);
    assert!(told[0].messages.iter().all(|read| read.receipt && read.from_uid == 2));
    assert_eq!(page.store.open().reads.len(), 5);
    page.accept(told[0].ticket);
    assert!(page.store.open().reads.is_empty());
}

#[test]
fn a_read_notice_without_an_answer_is_told_again_after_a_reconnect() {
    let mut page = filled();
    let id = session(&mut page, true, false);
    read(&mut page, id, 10);
    page.lose_connection();
    page.wait();
    page.forget();
    page.welcome(5);
    assert_eq!(notices(&page)[0].messages.len(), 5);
}

#[test]
fn a_hidden_page_reads_nothing_until_it_is_seen() {
    let mut page = filled();
    page.input(Input::Visible(false));
    let id = session(&mut page, true, false);
    read(&mut page, id, 10);
    assert!(notices(&page).is_empty());
    page.input(Input::Visible(true));
    assert_eq!(notices(&page).len(), 1);
}

#[test]
fn a_stopped_session_marks_nothing_read() {
    let mut page = filled();
    let id = session(&mut page, true, false);
    page.client.stop_session(id);
    page.deliver(vec![message(6, 6, "friend", "me", "new")]);
    assert!(notices(&page).is_empty());
}

#[test]
fn what_another_device_read_is_read_here() {
    let mut page = filled();
    let read = proto::MessageRef { from_uid: 2, id: 3, receipt: true };
    let body = proto::entry::Body::Read(proto::ReadElsewhere { messages: vec![read] });
    page.deliver(vec![super::entry(6, body)]);
    let read = page.events.iter().find_map(|event| match event {
        Event::MessageRead { message } => Some((message.key.id.get(), message.status)),
        _ => None,
    });
    assert_eq!(read, Some((3, status::RECEIVED_READ)));
    assert!(notices(&page).is_empty());
}

#[test]
fn what_was_removed_a_moment_ago_is_not_told_again_by_news_of_it() {
    let mut page = filled();
    // The store is busy, so that the removal waits.
    page.answers = false;
    page.send("busy");
    let id = MessageId::new(3).unwrap();
    let key = MessageKey { incoming: true, sender: "friend".into(), id };
    page.client.remove(Removal::Messages(vec![key])).expect("it is taken");
    page.input(Input::Tick);
    page.forget();
    let read = proto::MessageRef { from_uid: 2, id: 3, receipt: true };
    let body = proto::entry::Body::Read(proto::ReadElsewhere { messages: vec![read] });
    page.deliver(vec![super::entry(6, body)]);
    page.answer();
    let told = page.events.iter().any(|event| match event {
        Event::Message { message, .. } | Event::MessageRead { message } => message.key.incoming,
        _ => false,
    });
    assert!(!told, "{:?}", page.events);
    assert_eq!(page.acks(), [6]);
}

#[test]
fn what_is_for_now_is_read_and_stored_nowhere_all_the_same() {
    let mut page = filled();
    let id = session(&mut page, true, false);
    read(&mut page, id, 3);
    page.forget();
    let mut passing = message(0, 9, "friend", "me", "now");
    if let Some(proto::entry::Body::Message(message)) =
        passing.entry.as_mut().and_then(|entry| entry.body.as_mut())
    {
        message.expiry = Some(0);
    }
    page.deliver(vec![passing]);
    assert_eq!(page.texts_told(), ["now"]);
    let is_read = |event: &Event| match event {
        Event::MessageRead { message } => message.key.id.get() == 9,
        _ => false,
    };
    assert!(page.events.iter().any(is_read));
    let request = Request::ById { id: MessageId::new(9).unwrap() };
    let stored = page.store.perform(request);
    assert!(matches!(&stored, Reply::Messages(found) if found.is_empty()), "{stored:?}");
}

#[test]
fn unread_messages_are_counted() {
    let mut page = filled();
    let ticket = page.client.count_unread(Some(friend()));
    page.input(Input::Tick);
    assert!(page.events.contains(&Event::UnreadCount { ticket, count: 5 }));
    assert_eq!(page.client.unread(&friend()), 5);
}

#[test]
fn the_store_counts_once_for_all_who_ask_while_it_counts() {
    let mut page = filled();
    page.answers = false;
    let first = page.client.count_unread(Some(friend()));
    let waiting: Vec<_> = (0..50).map(|_| page.client.count_unread(Some(friend()))).collect();
    let of_all = page.client.count_unread(None);
    page.input(Input::Tick);
    assert_eq!(page.held.len(), 2, "of the conversation, and of all");
    let (ticket, request) = page.held.remove(0);
    let of_friend = page.perform(ticket, request);
    page.input(of_friend);
    assert_eq!(page.held.len(), 2, "once more, for those who wait");
    page.answer();
    for ticket in [first, of_all].into_iter().chain(waiting) {
        let answer = Event::UnreadCount { ticket, count: 5 };
        assert_eq!(page.events.iter().filter(|event| **event == answer).count(), 1);
    }
}

/// Whom of the sessions the page is told with each message that came, and what is read.
fn told_and_read(page: &Page) -> (Vec<(u64, Vec<ReadSessionId>)>, Vec<u64>) {
    let mut told = Vec::new();
    let mut read = Vec::new();
    for event in &page.events {
        match event {
            Event::Message { message, sessions, .. } => {
                told.push((message.key.id.get(), sessions.clone()));
            }
            Event::SessionRead { messages, .. } => {
                read.extend(messages.iter().map(|message| message.key.id.get()));
            }
            _ => {}
        }
    }
    (told, read)
}

#[test]
fn what_is_being_stored_when_a_session_begins_comes_once_as_new() {
    let mut page = filled();
    page.answers = false;
    page.deliver((6..=7).map(|seq| message(seq, seq, "friend", "me", "new")).collect());
    let id = session(&mut page, true, false);
    page.client.read(id, 10);
    page.input(Input::Tick);
    page.answer();
    let (told, read) = told_and_read(&page);
    assert_eq!(told, [(6, vec![id]), (7, vec![id])]);
    assert_eq!(read, [5, 4, 3, 2, 1]);
}

#[test]
fn a_session_that_begins_when_the_first_of_several_is_told_gets_the_others_once_as_new() {
    let mut page = filled();
    page.answers = false;
    page.deliver((6..=7).map(|seq| message(seq, seq, "friend", "me", "new")).collect());
    let (ticket, request) = page.held.remove(0);
    let stored = page.perform(ticket, request);
    page.answers = true;
    page.client.handle_input(page.now, stored);
    // The page opens the conversation in the listener that hears of the first.
    let first = core::iter::from_fn(|| Some(page.client.poll_output())).find(|output| {
        let event = if let Output::Event(event) = output { Some(&**event) } else { None };
        matches!(event, Some(Event::Message { message, .. }) if message.key.id.get() == 6)
    });
    assert!(first.is_some());
    let id = session(&mut page, true, false);
    page.client.read(id, 10);
    page.input(Input::Tick);
    let (told, read) = told_and_read(&page);
    assert_eq!(told, [(7, vec![id])]);
    assert_eq!(read, [6, 5, 4, 3, 2, 1]);
    // It was shown, and its sender hears of it; the others wait for the answer to this.
    let of = notices(&page).into_iter().flat_map(|read| read.messages);
    assert_eq!(of.map(|message| message.id).collect::<Vec<_>>(), [7]);
}

#[test]
fn what_was_sent_and_waits_to_be_written_comes_once_as_new() {
    let mut page = filled();
    page.answers = false;
    // The first is on its way to the store, the second waits for it.
    let sent = [page.send("first"), page.send("second")];
    let id = session(&mut page, false, false);
    page.client.read(id, 10);
    let counted = page.client.count_unread(Some(friend()));
    page.input(Input::Tick);
    page.answer();
    let (told, read) = told_and_read(&page);
    assert_eq!(told, sent.map(|sent| (sent, vec![id])));
    assert_eq!(read, [5, 4, 3, 2, 1]);
    assert!(page.events.contains(&Event::UnreadCount { ticket: counted, count: 5 }));
}

#[test]
fn what_the_page_has_shown_itself_and_waits_to_be_written_is_read() {
    let mut page = filled();
    page.answers = false;
    let draft = Draft { announce: false, ..draft("legacy", None) };
    let sent = page.client.send(page.now, draft).expect("it is sent").message.key.id.get();
    let id = session(&mut page, false, false);
    page.client.read(id, 10);
    page.input(Input::Tick);
    page.answer();
    assert_eq!(told_and_read(&page), (vec![], vec![5, 4, 3, 2, 1, sent]));
}

#[test]
fn what_was_marked_is_counted_so_though_the_store_is_slow() {
    let mut page = filled();
    page.answers = false;
    page.client.mark_conversation_read(&friend(), false);
    let none = page.client.count_unread(Some(friend()));
    page.client.mark_unread(&friend());
    let one = page.client.count_unread(Some(friend()));
    page.input(Input::Tick);
    page.answer();
    assert!(page.events.contains(&Event::UnreadCount { ticket: none, count: 0 }));
    assert!(page.events.contains(&Event::UnreadCount { ticket: one, count: 1 }));
}

#[test]
fn a_status_that_comes_during_a_read_hides_no_message_from_it() {
    let mut page = Page::online();
    let sent = page.send("hello");
    page.answers = false;
    let id = session(&mut page, false, false);
    page.client.read(id, 10);
    page.input(Input::Tick);
    page.accept(sent);
    page.answer();
    let read = page.events.iter().find_map(|event| match event {
        Event::SessionRead { messages, .. } => Some(messages.len()),
        _ => None,
    });
    assert_eq!(read, Some(1));
}

#[test]
fn what_is_removed_during_a_read_is_not_shown_by_it() {
    for scope in [Scope::Conversation(friend()), Scope::Summary] {
        let mut page = filled();
        let id = page.client.open_session(SessionFilter::new(scope));
        page.answers = false;
        page.client.read(id, 1);
        page.input(Input::Tick);
        page.client.remove(Removal::Messages(vec![message_key(5)])).expect("it is taken");
        page.input(Input::Tick);
        page.answer();
        let read = page.events.iter().find_map(|event| match event {
            Event::SessionRead { messages, .. } => Some(messages[0].key.id.get()),
            _ => None,
        });
        assert_eq!(read, Some(4));
    }
}

fn message_key(id: u64) -> MessageKey {
    let id = MessageId::new(id).expect("it is an id");
    MessageKey { incoming: true, sender: "friend".into(), id }
}
