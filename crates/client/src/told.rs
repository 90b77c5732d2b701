//! What other tabs have stored: applied here as if it had come, and told the page.
//!
//! A tab tells what it writes before the transaction begins and again when it is stored; in
//! between the others keep it. When a tab is killed, what it was writing counts: the one that
//! leads writes it again, and everything else another tab has written. A tab that has no database
//! writes all of it into its memory.

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
        writes.extend(self.reading.notices().cloned().map(Write::Read));
        writes.extend(self.errands.waiting().cloned().map(Write::Errand));
        if !writes.is_empty() {
            self.tell_tabs(Tell::Known(writes));
        }
    }

    /// A message that no store keeps: the others hear of it at once.
    pub(crate) fn tell_passing(&mut self, message: &Message, part: Part) {
        if self.commits.is_shared() {
            self.tell_tabs(Tell::Known([Write::Message(Box::new(message.clone()), part)].into()));
        }
    }

    /// What a tab that is gone, or that led until now, was writing counts as stored.
    pub(crate) fn take_held(&mut self, now: Now, tab: TabId) {
        if let Some(writes) = self.tabs.held.remove(&tab) {
            self.take_told(now, tab, writes, true);
        }
    }

    /// `news`: what came from the server may be new to the page, because it was the tab that leads
    /// that said so. From one that slept while others led it is old.
    pub(crate) fn take_told(&mut self, now: Now, from: TabId, writes: Vec<Write>, news: bool) {
        let repeats = self.tabs.leads() || !self.is_on_disk();
        let mut removed = false;
        // What the other tab did not know, because it slept or has just come.
        let mut behind = Vec::new();
        for write in writes {
            let write = match write {
                Write::Message(told, part) => {
                    let status = told.status;
                    let message = self.take_message(*told, part, news);
                    self.take_waiting(from, &message);
                    if self.tabs.leads() && message.status != status {
                        behind.push(Write::Message(Box::new(message.clone()), Part::Status));
                    }
                    if message.is_passing() {
                        continue;
                    }
                    self.note_end_of(&message.key);
                    if repeats && part == Part::Content {
                        // Nothing of what it said stays in the store.
                        self.commits.repeat(Write::DeleteMessage(message.key.clone()));
                    }
                    // Where it is the tab that told has stored it.
                    let part = if part == Part::New { Part::Past } else { part };
                    Write::Message(Box::new(message), part)
                }
                // Each tab looks after the end of a message by itself.
                Write::Age { key, end } => Write::Age { key, end },
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
                    self.reading.adopt(&notice);
                    Write::Read(notice)
                }
                // The leading tab alone knows what it has told the server.
                Write::ReadDone(_) if self.tabs.leads() => continue,
                Write::ReadDone(key) => {
                    self.reading.forget(&key);
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
                    self.take_profile(&stored);
                    Write::Profile(stored)
                }
                // One that slept has not heard how far the leading one has come.
                Write::Cursor(_) if self.tabs.leads() => Write::Cursor(self.inbox.stored),
                Write::Cursor(seq) => Write::Cursor(seq),
                write @ (Write::Account(_) | Write::ForgetProfiles) => write,
            };
            if repeats {
                self.commits.repeat(write);
            }
        }
        if !behind.is_empty() {
            self.tell_tabs(Tell::Known(behind));
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

    /// A message another tab has stored; as it is here now. Each part has its own rule, because
    /// what the other tab knew of the rest may be older than what is known here.
    fn take_message(&mut self, message: Message, part: Part, news: bool) -> Message {
        let key = message.key.clone();
        let known = self.memory.get(&key).cloned();
        let Some(before) = known else {
            self.keep(message.clone());
            match part {
                Part::Past => {}
                Part::New if key.incoming && !news => {}
                Part::New => self.tell_arrived(&message),
                Part::Status | Part::Unread => self.tell_told_status(None, &message),
                Part::Content => self.tell_updated(&message),
            }
            return message;
        };
        // Listeners know a message before they hear of its fate.
        self.announce_sent(&key);
        let mut after = before.clone();
        let emptied = message.is_emptied() && !before.is_emptied();
        if emptied || (part == Part::Content && !before.is_emptied()) {
            after.content = message.content;
            after.modified = message.modified;
        }
        after.recipients = after.recipients.max(message.recipients);
        let resent = part == Part::Status
            && before.status & status::FAIL != 0
            && message.status == status::OUTBOX;
        let read = key.incoming && message.status == status::RECEIVED_READ;
        let unread = part == Part::Unread && before.status == status::RECEIVED_READ;
        let may_climb = match key.incoming {
            true => before.status == status::RECEIVED_NEW && read,
            false => !before.is_emptied() && status::climbs(before.status, message.status),
        };
        if emptied || resent || may_climb || unread {
            after.status = message.status;
        }
        for (address, told) in &message.receipts {
            let receipt = after.receipts.entry(address.clone()).or_default();
            receipt.delivered = receipt.delivered.max(told.delivered);
            receipt.read = receipt.read.max(told.read);
        }
        if after == before {
            return after;
        }
        self.keep(after.clone());
        if !needs_upload(&after) && needs_upload(&before) {
            self.drop_transfer(key.id);
        }
        if after.content != before.content || emptied {
            self.tell_updated(&after);
        } else if !after.is_emptied() {
            self.tell_told_status(Some(&before), &after);
        }
        after
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

    /// Reads the newest messages: what came since the store was opened, this tab has not heard of.
    pub(crate) fn catch_up(&mut self) {
        if self.is_on_disk() {
            let count = CATCH_UP_MESSAGES_MAX;
            let request =
                Request::Read { conversation: None, from: None, count, fifo: false, query: None };
            self.ask_behind_writes(request, Pending::CatchUp);
        }
    }

    pub(crate) fn on_caught_up(&mut self, newest_first: Vec<Message>) {
        let newest = newest_first.first().map_or(0, |message| message.order);
        let seen = self.tabs.seen.unwrap_or(newest);
        self.tabs.seen = Some(seen.max(newest));
        for message in newest_first.into_iter().rev() {
            match self.memory.contains(&message.key) {
                true => drop(self.take_message(message, Part::Status, true)),
                false if message.order > seen => drop(self.take_message(message, Part::New, true)),
                false => {}
            }
        }
    }
}
