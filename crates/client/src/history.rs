//! The server's history: older messages than the store has, asked for when a page wants them.
//!
//! One question at a time, behind the removals that wait. What comes is stored in its old place,
//! without a receipt and as read, and is not announced: the page reads it then. Relies on the
//! server to give nothing that the user has removed.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use wire::id::Seq;
use wire::limits::{HISTORY_PAGE_MAX, MESSAGE_KEY_KEPT, READ_COUNT_DEFAULT, SYNCS_MAX};
use wire::proto::{self, client_frame, entry};
use wire::status;

use crate::client::{Client, Pending};
use crate::commit::Then;
use crate::event::{Event, ReadSessionId};
use crate::message::{Message, MessageKey};
use crate::outbox::PLACES_PER_MS;
use crate::port::store::{Part, Request, Write};
use crate::reading::Scope;
use crate::sorted::Set;

/// An own message has its place by the time it was written, and may have waited for a connection:
/// so much later the server may have stored what came before it. A week (`MESSAGE_KEY_KEPT`).
const WRITTEN_AHEAD_MS: u64 = MESSAGE_KEY_KEPT.as_millis() as u64;

/// Number of the question among the client's frames: what an older server says it does not know.
pub(crate) const FRAME: u32 = 11;

#[derive(Debug, Default)]
pub(crate) struct History {
    /// Questions of the page, in order; the first is under way.
    wanted: VecDeque<Wanted>,
    last_ticket: u32,
    /// Messages of an answer, until it is known which of them the store has.
    found: Vec<Message>,
}

#[derive(Debug)]
struct Wanted {
    session: ReadSessionId,
    count: u32,
    step: Step,
    /// Where the server goes on.
    before: u64,
    /// Stored by the server no later, 0 = does not matter.
    until: u64,
    /// Place of the oldest message so far: what follows comes before it.
    last_place: u64,
}

/// How far a question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Waiting,
    /// The store is asked where it begins.
    Beginning,
    Ready,
    /// The server is asked, by this ticket.
    Asked(u32),
    /// What it gave is looked up, then stored.
    Storing,
}

impl History {
    /// The connection is gone: what was not answered is asked again.
    pub fn rewind(&mut self) {
        if let Some(first) = self.wanted.front_mut()
            && matches!(first.step, Step::Asked(_))
        {
            first.step = Step::Ready;
        }
    }
}

impl Client {
    /// Asks the server for messages that the store does not have, `count` 0 = the default; as soon
    /// as there is a connection. [`Event::SessionSync`] follows.
    pub fn sync(&mut self, session: ReadSessionId, count: u32) {
        if self.history.wanted.len() >= SYNCS_MAX {
            return self.tell(Event::SessionSync { session, count: 0 });
        }
        let count = if count == 0 { READ_COUNT_DEFAULT } else { count.min(HISTORY_PAGE_MAX) };
        // Behind what the session has asked for already.
        let before = self.reading.synced(session);
        let (step, until) = (if before > 0 { Step::Ready } else { Step::Waiting }, 0);
        let wanted = Wanted { session, count, step, before, until, last_place: u64::MAX };
        self.history.wanted.push_back(wanted);
        self.flush_history();
    }

    /// Takes the first question a step further.
    pub(crate) fn flush_history(&mut self) {
        let online = self.session.is_online() && self.is_store_open() && !self.has_errands();
        let Some(first) = self.history.wanted.front_mut().filter(|_| online) else { return };
        let scope = self.reading.scope(first.session);
        match (first.step, scope) {
            (Step::Waiting, Some(scope @ (Scope::All | Scope::Conversation(_)))) => {
                first.step = Step::Beginning;
                let conversation = match scope {
                    Scope::Conversation(conversation) => Some(conversation),
                    _ => None,
                };
                let request =
                    Request::Read { conversation, from: None, count: 1, fifo: true, query: None };
                self.ask_behind_writes(request, Pending::HistoryBegins);
            }
            (Step::Waiting | Step::Ready, Some(scope)) => {
                self.history.last_ticket += 1;
                let ticket = self.history.last_ticket;
                first.step = Step::Asked(ticket);
                let of = match &scope {
                    Scope::Conversation(conversation) => Some(conversation.into()),
                    Scope::All | Scope::Summary => None,
                };
                let question = proto::History {
                    ticket,
                    of,
                    latest: scope == Scope::Summary,
                    before: first.before,
                    until: first.until,
                    count: first.count,
                };
                self.transmit(client_frame::Body::History(question));
            }
            // The page has dropped the session.
            (Step::Waiting | Step::Ready, None) => {
                self.finish_sync(0);
                self.flush_history();
            }
            (Step::Beginning | Step::Asked(_) | Step::Storing, _) => {}
        }
    }

    /// The oldest message of the store is known.
    pub(crate) fn on_history_begins(&mut self, oldest: Option<&Message>) {
        if let Some(first) = self.history.wanted.front_mut() {
            first.step = Step::Ready;
            first.until = oldest.map_or(0, |oldest| {
                let waited = if oldest.key.incoming { 0 } else { WRITTEN_AHEAD_MS };
                oldest.order / PLACES_PER_MS + waited
            });
        }
    }

    pub(crate) fn on_history_part(&mut self, part: proto::HistoryPart) {
        let asked = Step::Asked(part.ticket);
        let Some(first) = self.history.wanted.front_mut().filter(|first| first.step == asked)
        else {
            return;
        };
        first.step = Step::Storing;
        first.before = part.before;
        let mut last_place = first.last_place;
        let mut found: Vec<Message> = Vec::new();
        for entry in part.entries {
            match entry.entry.and_then(|entry| entry.body) {
                Some(entry::Body::Message(message)) => {
                    for mut message in self.both_sides(Seq(entry.seq), &message) {
                        message.order = message.order.min(last_place - 1);
                        last_place = message.order;
                        found.push(message);
                    }
                }
                // Behind an own message: who has it.
                Some(entry::Body::Status(report)) => {
                    let last = found.last_mut();
                    let of = last.filter(|it| !it.key.incoming && it.key.id.get() == report.id);
                    of.map(|message| message.take_report(&report));
                }
                _ => {}
            }
        }
        if let Some(first) = self.history.wanted.front_mut() {
            first.last_place = last_place;
        }
        let keys: Vec<_> = found.iter().map(|message| message.key.clone()).collect();
        self.history.found = found;
        self.ask_behind_writes(Request::Messages { keys }, Pending::HistoryKnown);
    }

    /// A message of the history as this user has it: sent, received, or both. As read: another
    /// device has had it.
    fn both_sides(&self, place: Seq, message: &proto::Message) -> Vec<Message> {
        if message.recalled {
            return Vec::new();
        }
        let own = self.is_self(message.from_uid);
        let sent = own.then(|| self.own_message(place, message, self.session.uid)).flatten();
        let received = (!own || self.is_to_self(message)).then(|| self.incoming(place, message));
        let received = received.flatten();
        let received = received.map(|it| Message { status: status::RECEIVED_READ, ..it });
        sent.into_iter().chain(received).collect()
    }

    /// Which of the messages the store has already is known; the others are stored.
    pub(crate) fn on_history_known(&mut self, known: &[Message]) {
        let known: Set<&MessageKey> = known.iter().map(|message| &message.key).collect();
        let mut count = 0;
        for message in core::mem::take(&mut self.history.found) {
            let is_here = known.contains(&&message.key) || self.memory.contains(&message.key);
            if is_here || self.is_over(&message) {
                continue;
            }
            count += 1;
            self.note_sender(&message);
            self.profiles.note_message(&message.conversation, message.order);
            self.commits.write(Write::Message(Box::new(message.clone()), Part::Past));
            self.keep(message);
        }
        let Some(first) = self.history.wanted.front_mut() else { return };
        if count == 0 && first.before > 0 {
            first.step = Step::Ready;
            return;
        }
        self.commits.then(Then::Synced(count), false);
    }

    /// The answer of the server is stored, or there is none.
    pub(crate) fn finish_sync(&mut self, count: u32) {
        let Some(done) = self.history.wanted.pop_front() else { return };
        let session = done.session;
        if count > 0 {
            // A summary shows the conversations that were found without being read again.
            if let Some(shown) = self.reading.shown_of_summary(session) {
                let request = Request::Summary { from: None, count: shown + READ_COUNT_DEFAULT };
                self.ask_behind_writes(request, Pending::SyncedSummary { session, count });
                return self.reading.reopen(session, done.before);
            }
            self.reading.reopen(session, done.before);
        }
        self.tell(Event::SessionSync { session, count });
    }

    /// The server is older than this SDK and keeps no history.
    pub(crate) fn on_history_unsupported(&mut self) {
        while !self.history.wanted.is_empty() {
            self.finish_sync(0);
        }
    }
}
