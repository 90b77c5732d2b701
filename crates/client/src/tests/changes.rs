//! Messages that change after they were sent: seen at once, told to the server, kept until it
//! answers.

use alloc::vec;
use alloc::vec::Vec;
use wire::id::MessageId;
use wire::limits::RETRACTION_MAX;
use wire::proto::{self, client_frame, server_frame};
use wire::status;
use wire::time::{Duration, Timestamp};

use super::{Page, entry, friend, message, report};
use crate::Input;
use crate::change::{ChangeError, Removal};
use crate::event::Event;
use crate::message::{Content, Message, MessageKey};

#[test]
fn an_edited_message_says_the_new_here_at_once_and_the_server_is_told() {
    let mut page = Page::online();
    let key = page.sent("old");
    page.client.edit(page.now, &key, text("new")).expect("it is allowed");
    page.input(crate::Input::Tick);
    let [updated] = &page.updates()[..] else { panic!("one update") };
    assert!(updated.modified);
    assert_eq!(updated.content.body, "new".as_bytes());
    let [(id, Some(content))] = &page.changes()[..] else { panic!("one change") };
    assert_eq!((*id, &content.body[..]), (key.id.get(), &b"new"[..]));
}

#[test]
fn a_message_that_has_not_left_is_edited_without_a_word_to_the_server() {
    let mut page = Page::new();
    page.start();
    let id = page.send("old");
    let key = MessageKey::outgoing(MessageId::new(id).unwrap());
    page.client.edit(page.now, &key, text("new")).expect("it is allowed");
    page.welcome(0);
    assert_eq!(page.texts_sent(), ["new"]);
    assert!(page.changes().is_empty());
    assert!(!page.updates()[0].modified);
}

#[test]
fn what_is_done_to_a_message_right_after_it_was_sent_is_told_after_it() {
    let mut page = Page::online();
    let (change, remove) = (page.queue("edited"), page.queue("removed"));
    page.client.edit(page.now, &change, text("new")).expect("it is allowed");
    page.client.remove(Removal::Messages(vec![remove.clone()])).expect("it is taken");
    let recall = page.queue("recalled");
    page.client.recall(page.now, &recall).expect("it is allowed");
    let clear = page.queue("cleared");
    let before = Timestamp(1 << 42);
    let all = Removal::Before { conversation: None, before, keep: false };
    page.client.remove(all).expect("it is taken");
    page.input(Input::Tick);
    let told = page.events.iter().filter_map(|event| match event {
        Event::Message { message, announce: true, .. } => Some((&message.key, "sent")),
        Event::MessageUpdate { message, .. } => Some((&message.key, "changed")),
        Event::Removed { removal: Removal::Messages(keys) } => Some((&keys[0], "removed")),
        Event::Removed { removal: Removal::Before { .. } } => Some((&clear, "removed")),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    for (key, then) in
        [(&change, "changed"), (&remove, "removed"), (&recall, "changed"), (&clear, "removed")]
    {
        let of: Vec<_> = told.iter().filter(|(of, _)| *of == key).map(|(_, what)| *what).collect();
        assert_eq!(of, ["sent", then], "{told:?}");
    }
}

#[test]
fn only_own_messages_of_the_last_hour_are_changed() {
    let mut page = Page::online();
    page.deliver(vec![message(1, 5, "friend", "me", "theirs")]);
    let sender = "friend".into();
    let theirs = MessageKey { incoming: true, sender, id: MessageId::new(5).unwrap() };
    assert_eq!(page.client.recall(page.now, &theirs), Err(ChangeError::Denied));
    let key = page.sent("mine");
    assert!(page.client.may_change(page.now, &key));
    page.now.instant = page.now.instant + RETRACTION_MAX + Duration::from_secs(1);
    assert_eq!(page.client.edit(page.now, &key, text("late")), Err(ChangeError::Denied));
    assert!(page.changes().is_empty());
}

#[test]
fn a_recall_survives_reload_and_goes_out_until_it_is_answered() {
    let mut page = Page::online();
    let key = page.sent("regretted");
    page.lose_connection();
    page.client.recall(page.now, &key).expect("it is allowed");
    page.input(crate::Input::Tick);
    assert_eq!(page.updates()[0].status, status::DELETED);
    assert!(page.updates()[0].content.body.is_empty());

    let mut page = Page::with_store(page.store);
    page.start();
    page.welcome(0);
    assert_eq!(page.changes(), [(key.id.get(), None)]);
    let ticket = page.tickets()[0];
    page.accept(ticket);
    page.lose_connection();
    page.wait();
    page.welcome(0);
    assert_eq!(page.changes().len(), 1, "it was answered");
}

#[test]
fn a_change_waits_until_its_message_was_answered() {
    let mut page = Page::online();
    let id = page.send("in flight");
    let key = MessageKey::outgoing(MessageId::new(id).unwrap());
    page.client.recall(page.now, &key).expect("it is allowed");
    page.input(crate::Input::Tick);
    assert!(page.changes().is_empty());
    page.accept(id);
    assert_eq!(page.changes(), [(id, None)]);
    assert!(page.message_statuses().is_empty(), "what is recalled is not told as sent");
}

#[test]
fn a_status_that_was_being_stored_does_not_undo_an_edit() {
    let mut page = Page::online();
    let key = page.sent("old");
    page.answers = false;
    page.deliver(vec![report(1, key.id.get(), status::DELIVERED)]);
    page.client.edit(page.now, &key, text("new")).expect("it is allowed");
    page.input(Input::Tick);
    page.answer();
    let told = page.events.iter().rev().find_map(|event| match event {
        Event::MessageStatus { message, .. } => Some(message.clone()),
        _ => None,
    });
    let told = told.expect("the status is told");
    assert_eq!((&told.content.body[..], told.modified), (&b"new"[..], true));
    assert_eq!(told.status, status::DELIVERED);
}

#[test]
fn what_the_sender_changes_changes_here() {
    let mut page = Page::online();
    page.deliver(vec![message(1, 5, "friend", "me", "old")]);
    page.deliver(vec![changed(2, 5, Some("new"))]);
    page.deliver(vec![changed(3, 5, Some("new"))]);
    page.deliver(vec![changed(4, 5, None)]);
    page.deliver(vec![changed(5, 5, Some("too late"))]);
    page.deliver(vec![changed(6, 99, None)]);
    let updates: Vec<_> = page.updates();
    assert_eq!(updates.len(), 2);
    assert_eq!((updates[0].modified, &updates[0].content.body[..]), (true, &b"new"[..]));
    assert_eq!((updates[1].status, updates[1].content.body.len()), (status::DELETED, 0));
    assert_eq!(page.acks().last(), Some(&6));
}

#[test]
fn a_message_taken_back_before_it_came_is_not_shown() {
    let mut page = Page::online();
    let mut recalled = message(1, 5, "friend", "me", "");
    if let Some(proto::Entry { body: Some(proto::entry::Body::Message(message)) }) =
        &mut recalled.entry
    {
        message.recalled = true;
    }
    page.deliver(vec![recalled]);
    assert!(page.texts_told().is_empty());
    assert_eq!(page.acks(), [1]);
}

#[test]
fn a_removed_message_is_gone_here_and_on_the_other_devices() {
    let mut page = Page::online();
    let key = page.sent("gone");
    page.client.remove(Removal::Messages(vec![key.clone()])).expect("it is taken");
    page.input(crate::Input::Tick);
    let removed = Event::Removed { removal: Removal::Messages(vec![key.clone()]) };
    assert!(page.events.contains(&removed));
    assert!(page.client.message(&key).is_none());

    let mut other = Page::online();
    other.deliver(vec![message(1, 5, "friend", "me", "theirs")]);
    other.forget();
    let messages = vec![proto::MessageRef { from_uid: 2, id: 5, receipt: false }];
    let removed = proto::Removed { messages, of: None, before: 0, keep: false };
    other.deliver(vec![entry(2, proto::entry::Body::Removed(removed))]);
    assert!(matches!(&other.events[..], [Event::Removed { .. }]), "{:?}", other.events);
}

#[test]
fn a_removed_conversation_takes_its_unsent_messages_along() {
    let mut page = Page::new();
    page.start();
    page.send("never to be sent");
    let before = Timestamp(page.now.wall.0 + 1);
    let removal = Removal::Before { conversation: Some(friend()), before, keep: false };
    page.client.remove(removal).expect("it is taken");
    page.input(crate::Input::Tick);
    page.welcome(0);
    assert!(page.texts_sent().is_empty());
    assert!(page.store.open().outbox.is_empty());
    let removals = page.frames.iter().filter(|f| matches!(f, client_frame::Body::Remove(_)));
    assert_eq!(removals.count(), 1);
}

fn text(text: &str) -> Content {
    Content { body: text.as_bytes().to_vec().into(), ..Content::default() }
}

fn changed(seq: u64, id: u64, text: Option<&str>) -> proto::LogEntry {
    let content = text.map(|text| proto::Content {
        body: text.as_bytes().to_vec().into(),
        ..proto::Content::default()
    });
    let changed = proto::Changed { from_uid: 2, from: "friend".into(), id, content, ts: 1 };
    entry(seq, proto::entry::Body::Changed(changed))
}

impl Page {
    /// A message the server has.
    fn sent(&mut self, text: &str) -> MessageKey {
        let id = self.send(text);
        self.accept(id);
        self.forget();
        MessageKey::outgoing(MessageId::new(id).unwrap())
    }

    fn updates(&self) -> Vec<Message> {
        let update = |event: &Event| match event {
            Event::MessageUpdate { message, .. } => Some(message.clone()),
            _ => None,
        };
        self.events.iter().filter_map(update).collect()
    }

    fn changes(&self) -> Vec<(u64, Option<proto::Content>)> {
        let change = |frame: &client_frame::Body| match frame {
            client_frame::Body::Change(change) => Some((change.id, change.content.clone())),
            _ => None,
        };
        self.frames.iter().filter_map(change).collect()
    }

    fn tickets(&self) -> Vec<u64> {
        let ticket = |frame: &client_frame::Body| match frame {
            client_frame::Body::Change(change) => Some(change.ticket),
            _ => None,
        };
        self.frames.iter().filter_map(ticket).collect()
    }
}

#[test]
fn a_refused_change_is_told() {
    let mut page = Page::online();
    let key = page.sent("mine");
    page.client.recall(page.now, &key).expect("it is allowed");
    page.input(crate::Input::Tick);
    let rejected = proto::Rejected { id: page.tickets()[0], status: 0x80, reason: "no".into() };
    page.server(server_frame::Body::Rejected(rejected));
    assert!(page.events.iter().any(|event| matches!(event, Event::Error { .. })));
}
