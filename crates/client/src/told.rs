//! What other tabs have stored: applied here as if it had come, and told the page.
//!
//! A tab tells what it writes before the transaction begins and again when it is stored; in
//! between the others keep it. When a tab is killed, what it was writing counts: the one that
//! leads writes it again. Who comes later, or was away, reads the newest messages of the store;
//! that something was missed a tab sees from the numbers of what it hears. Whoever tells may have
//! slept, so nothing depends on who came first: messages are joined ([`join`](crate::join)), and
//! of log, groups and profiles the word of the leading tab counts.

use alloc::boxed::Box;
use alloc::vec::Vec;
use wire::limits::CATCH_UP_MESSAGES_MAX;
use wire::status;
use wire::time::{Now, Timestamp};

use crate::change::Removal;
use crate::client::{Client, Pending};
use crate::event::Event;
use crate::message::{Conversation, Message, MessageKey};
use crate::port::store::{Part, Request, Write};
use crate::port::tab::{TabId, Tell};
use crate::transfer::needs_upload;

impl Client {
    /// A tab that follows tells the others what waits in it: it may have been alone until now.
    pub(crate) fn tell_what_waits(&mut self) {
        if !self.tabs.follows() {
            return;
        }
        let mut writes = Vec::new();
        for id in self.outbox.waiting() {
            let key = MessageKey::outgoing(id);
            // One whose file another tab uploads is known there.
            let message = self
                .memory
                .get(&key)
                .filter(|message| !needs_upload(message) || self.transfers.contains(&message.key));
            if let Some(message) = message {
                writes.push(Write::Message(Box::new(message.clone()), Part::New));
            }
        }
        writes.extend(self.read_notices.waiting().cloned().map(Write::Read));
        writes.extend(self.errands.waiting().cloned().map(Write::Errand));
        if !writes.is_empty() {
            self.tell_tabs(Tell::Known(writes));
        }
    }

    /// What a message is now, for the store. One that no store keeps is told the other tabs at once.
    pub(crate) fn put(&mut self, message: &Message, part: Part) {
        match message.is_passing() || message.is_for_now() {
            true => self.tell_passing(message, part),
            false => self.commits.write(Write::Message(Box::new(message.clone()), part)),
        }
    }

    /// A message that no store keeps: the others hear of it at once.
    pub(crate) fn tell_passing(&mut self, message: &Message, part: Part) {
        if self.commits.is_shared() {
            self.tell_tabs(Tell::Known([Write::Message(Box::new(message.clone()), part)].into()));
        }
    }

    /// What another tab writes. `stored`: it is on the disk they share. What was known when this
    /// tab came to hear of it is taken first, so that the page is told in order.
    pub(crate) fn take_told(&mut self, now: Now, from: TabId, writes: Vec<Write>, stored: bool) {
        if self.tabs.catching_up > 0 {
            return self.tabs.waiting.push((from, writes, stored));
        }
        let leads = self.tabs.leads();
        // A tab without a database keeps it by itself; of one that is gone it may not be stored.
        let repeats = !self.is_on_disk() || (leads && !stored);
        let of_server = self.tabs.is_heard_from_server_by(from);
        let mut removed = false;
        for write in writes {
            let write = match write {
                Write::Message(told, part) => {
                    let message = self.take_message(*told, part);
                    self.take_waiting(from, &message);
                    if message.is_passing() || message.is_for_now() {
                        continue;
                    }
                    self.note_end_of(&message.key);
                    // Where it is the tab that told has stored it.
                    let part = if part == Part::New { Part::Past } else { part };
                    Write::Message(Box::new(message), part)
                }
                Write::DeleteMessage(key) => {
                    removed = true;
                    self.forget_message(&key);
                    let removal = Removal::Messages([key.clone()].into());
                    self.tell(Event::Removed { removal });
                    Write::DeleteMessage(key)
                }
                Write::DeleteBefore { conversation, before } => {
                    removed = true;
                    self.forget_before(conversation.as_ref(), before);
                    // The place of a moment, see `outbox::place`.
                    let moment = Timestamp(before / 1024);
                    let removal = Removal::Before {
                        conversation: conversation.clone(),
                        before: moment,
                        keep: false,
                    };
                    self.tell(Event::Removed { removal });
                    Write::DeleteBefore { conversation, before }
                }
                Write::Read(notice) => {
                    self.read_notices.adopt(&notice);
                    Write::Read(notice)
                }
                // The leading tab alone knows what it has told the server.
                Write::ReadDone(_) if leads => continue,
                Write::ReadDone(key) => {
                    self.read_notices.forget(&key);
                    Write::ReadDone(key)
                }
                Write::Errand(errand) => {
                    self.errands.adopt(errand.clone());
                    Write::Errand(errand)
                }
                Write::ErrandDone(number) => {
                    self.errands.forget(number);
                    Write::ErrandDone(number)
                }
                Write::Profile(stored) => {
                    self.take_profile(&stored, of_server);
                    Write::Profile(stored)
                }
                // Only the leading one knows how far the log was taken. Who led before it may
                // have set it back.
                Write::Cursor(_) if leads => {
                    if stored {
                        self.commits.repeat(Write::Cursor(self.inbox.written()));
                    }
                    continue;
                }
                write @ (Write::Cursor(_)
                | Write::Age { .. }
                | Write::Account(_)
                | Write::ForgetProfiles) => write,
            };
            if repeats {
                self.commits.repeat(write);
            }
        }
        if removed {
            self.refresh_summaries();
        }
        self.flush(now);
    }

    /// An own message waits to be sent, or not any more, whichever tab has sent it.
    fn take_waiting(&mut self, from: TabId, message: &Message) {
        let key = &message.key;
        if key.incoming {
            return;
        }
        if message.status == status::OUTBOX {
            if !needs_upload(message) {
                self.tabs.uploads.remove(&key.id);
            } else if from == self.tabs.id {
                // Read from the store: whoever uploads its file tells that.
                return;
            } else if !self.transfers.contains(key) {
                self.tabs.uploads.insert(key.id, from);
            }
            self.outbox.adopt(message);
        } else if self.outbox.contains(key) {
            self.drop_transfer(key.id);
            self.tabs.uploads.remove(&key.id);
            self.outbox.remove(key.id.get());
        }
    }

    /// A message that another tab has stored; as it is here now.
    fn take_message(&mut self, told: Message, part: Part) -> Message {
        let key = told.key.clone();
        let Some(before) = self.memory.get(&key).cloned() else {
            self.keep(told.clone());
            match part {
                Part::New if self.is_news(&told) => self.tell_arrived(&told),
                Part::New | Part::Past => {}
                Part::Status | Part::Unread => self.tell_told_status(None, &told),
                Part::Content => self.tell_updated(&told),
            }
            return told;
        };
        // Listeners know a message before they hear of its fate.
        self.announce_sent(&key);
        let mut after = before.clone();
        after.join(told, part);
        if after == before {
            return after;
        }
        self.keep(after.clone());
        if !needs_upload(&after) && needs_upload(&before) {
            self.drop_transfer(key.id);
        }
        if after.content != before.content || (after.is_emptied() && !before.is_emptied()) {
            self.tell_updated(&after);
        } else if !after.is_emptied() {
            self.tell_told_status(Some(&before), &after);
        }
        after
    }

    /// A message that the store has; as it is here now.
    pub(crate) fn take_stored(&mut self, stored: Message) -> Message {
        self.inbox.come_behind(&stored);
        match self.memory.contains(&stored.key) {
            true => self.take_message(stored, Part::Status),
            false => self.take_message(stored, Part::New),
        }
    }

    /// Whether the page has not heard of a message that is not in memory.
    fn is_news(&self, message: &Message) -> bool {
        let known = self.tabs.known_behind.map(|place| place.max(self.memory.forgotten));
        known.is_some_and(|place| message.order > place)
            && !self.tabs.found.contains(&message.key)
            && message.status != status::EMPTY
    }

    /// Whether another tab has stored this and the page has not heard of it yet.
    pub(crate) fn is_unheard(&self, message: &Message) -> bool {
        let unknown = self.tabs.may_be_several() && !self.memory.contains(&message.key);
        unknown && self.is_news(message)
    }

    /// What a session reads of a conversation: the page hears now of what other tabs have stored.
    pub(crate) fn take_page(&mut self, page: &[Message]) {
        let unheard = page.iter().filter(|message| self.is_unheard(message));
        let mut unheard: Vec<_> = unheard.cloned().collect();
        unheard.sort_by_key(|message| message.order);
        for message in unheard {
            self.take_message(message, Part::New);
        }
    }

    fn tell_arrived(&mut self, message: &Message) {
        if message.key.incoming {
            let group = match &message.conversation {
                Conversation::Group(gid) => Some(*gid),
                Conversation::User(_) => None,
            };
            self.presences.message_from(&message.peer, group);
        }
        let sessions = self.reading.match_arrived(message);
        self.tell_in_order(Event::Message { message: message.clone(), sessions, announce: true });
    }

    /// What this tab is storing itself came first: a tab that slept has led until now.
    fn tell_in_order(&mut self, event: Event) {
        match self.inbox.is_storing() {
            true => self.inbox.tell_when_stored(event),
            false => self.tell(event),
        }
    }

    fn tell_updated(&mut self, message: &Message) {
        let sessions = self.reading.matching(message);
        self.tell_in_order(Event::MessageUpdate { message: message.clone(), sessions });
    }

    fn tell_told_status(&mut self, before: Option<&Message>, message: &Message) {
        if message.key.incoming {
            return self.tell_in_order(Event::MessageRead { message: message.clone() });
        }
        let known = |address| before.and_then(|before| before.receipts.get(address));
        let news = message.receipts.iter().find(|(address, now)| known(*address) != Some(now));
        let reported = match news {
            Some((_, now)) if now.read != Timestamp(0) => status::READ,
            Some(_) => status::DELIVERED,
            None => message.status,
        };
        let reporter = news.map(|(address, _)| address.clone());
        let sessions = self.reading.matching(message);
        let message = message.clone();
        self.tell_in_order(Event::MessageStatus { message, reporter, reported, sessions });
    }

    // ---- what was stored while this tab did not listen ----------------------------------------

    /// Reads the newest messages: the page is told of those it has not heard of. What waits here
    /// may have been sent by another tab.
    pub(crate) fn catch_up(&mut self) {
        if !self.is_on_disk() {
            self.tabs.known_behind.get_or_insert(0);
            return self.tell_what_waits();
        }
        self.tabs.catching_up += 1;
        let keys: Vec<_> = self.outbox.waiting().map(MessageKey::outgoing).collect();
        if !keys.is_empty() {
            self.ask_behind_writes(Request::Messages { keys }, Pending::Waiting);
        }
        let count = CATCH_UP_MESSAGES_MAX;
        let request =
            Request::Read { conversation: None, from: None, count, fifo: false, query: None };
        self.ask_behind_writes(request, Pending::CatchUp);
    }

    pub(crate) fn on_waiting(&mut self, stored: Vec<Message>) {
        for message in stored {
            let message = self.take_stored(message);
            self.take_waiting(self.tabs.id, &message);
        }
    }

    /// `None`: the store could not be read.
    pub(crate) fn on_caught_up(&mut self, now: Now, newest_first: Vec<Message>) {
        for message in newest_first.into_iter().rev() {
            let message = self.take_stored(message);
            self.take_waiting(self.tabs.id, &message);
        }
        self.tabs.catching_up = self.tabs.catching_up.saturating_sub(1);
        if self.tabs.catching_up > 0 {
            return;
        }
        for (from, writes, stored) in core::mem::take(&mut self.tabs.waiting) {
            self.take_told(now, from, writes, stored);
        }
        self.tell_what_waits();
        self.take_batch();
    }
}
