//! Writes on their way to the store: gathered while one transaction is under way, then written
//! together.
//!
//! Promises that writes happen in the order they were made, that what waits for a write is told
//! after it, and that a transaction that failed is tried again before those behind it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use wire::limits::COMMIT_TRIES_MAX;

use crate::client::Pending;
use crate::port::store::{Request, Write};

/// What waits for a transaction.
#[derive(Debug)]
pub(crate) enum Then {
    /// A message may be sent now.
    Sendable(crate::message::MessageKey),
    /// Log entries are stored: acknowledge and announce.
    Inbox,
    /// A profile with this uploaded picture is stored.
    Placed(wire::id::MessageId),
    /// So many messages of the server's history are stored.
    Synced(u32),
    /// A question that has to see these writes.
    Ask(Box<(Request, Pending)>),
}

#[derive(Debug, Default)]
pub(crate) struct Commits {
    writes: Vec<Write>,
    then: Vec<Then>,
    strict: bool,
    /// A batch of the log is among them.
    batch: bool,
    /// Of the writes, those other tabs have to hear of.
    told: Vec<Write>,
    /// There are other tabs.
    shared: bool,
    under_way: Option<UnderWay>,
    /// How often the present transaction has failed.
    failures: u32,
}

/// The transaction that is under way, kept until it is known to be stored.
#[derive(Debug)]
struct UnderWay {
    writes: Vec<Write>,
    waiting: Vec<Then>,
    strict: bool,
    told: Vec<Write>,
}

impl Commits {
    /// Adds a write to the next transaction.
    pub fn write(&mut self, write: Write) {
        if self.shared {
            self.told.push(write.clone());
        }
        self.writes.push(write);
    }

    /// Adds a write that the other tabs know.
    pub fn repeat(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// There are other tabs, or none. One that has just come hears of all that is not stored yet.
    pub fn share(&mut self, on: bool) {
        if on && !self.shared {
            self.told.clone_from(&self.writes);
            if let Some(under_way) = &mut self.under_way {
                under_way.told.clone_from(&under_way.writes);
            }
        }
        self.shared = on;
    }

    /// There are other tabs.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// What the other tabs have to know of the transaction under way.
    pub fn told(&self) -> &[Write] {
        match &self.under_way {
            Some(under_way) if self.shared => &under_way.told,
            _ => &[],
        }
    }

    /// The next transaction waits for the disk, and this is told after it.
    pub fn then(&mut self, then: Then, strict: bool) {
        self.batch |= matches!(then, Then::Inbox);
        self.then.push(then);
        self.strict |= strict;
    }

    /// Whether the next transaction need not wait for what the page is still to be told: a batch
    /// of the log is in it, and no other tab has to hear of it in its order.
    pub fn is_pressing(&self) -> bool {
        self.batch && !self.shared
    }

    /// Whether writes wait that the store has not been told of.
    pub fn is_waiting(&self) -> bool {
        !self.writes.is_empty()
    }

    /// The next transaction, when there is one and none is under way.
    pub fn next(&mut self) -> Option<Request> {
        if self.under_way.is_some() || (self.writes.is_empty() && self.then.is_empty()) {
            return None;
        }
        let writes = core::mem::take(&mut self.writes);
        let waiting = core::mem::take(&mut self.then);
        let strict = core::mem::take(&mut self.strict);
        self.batch = false;
        let told = core::mem::take(&mut self.told);
        self.under_way = Some(UnderWay { writes: writes.clone(), waiting, strict, told });
        Some(Request::Commit { writes, strict })
    }

    /// Another user: what is not on its way yet, for the former user's store. Nothing waits any
    /// more.
    pub fn leave(&mut self) -> Option<Request> {
        let shared = self.shared;
        let writes = core::mem::take(self).writes;
        self.shared = shared;
        (!writes.is_empty()).then_some(Request::Commit { writes, strict: false })
    }

    /// The transaction has ended, or was given up; gives what waited for it.
    pub fn done(&mut self) -> Vec<Then> {
        self.failures = 0;
        self.under_way.take().map(|under_way| under_way.waiting).unwrap_or_default()
    }

    /// The transaction failed. `true` when it is tried again, together with what was written
    /// meanwhile; `false` when it has to be given up with [`Commits::done`].
    pub fn failed(&mut self) -> bool {
        self.failures += 1;
        if self.failures >= COMMIT_TRIES_MAX {
            return false;
        }
        let Some(mut former) = self.under_way.take() else { return false };
        former.writes.append(&mut self.writes);
        former.waiting.append(&mut self.then);
        former.told.append(&mut self.told);
        self.told = former.told;
        self.writes = former.writes;
        self.then = former.waiting;
        self.strict |= former.strict;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::id::Seq;

    fn writes(request: Option<Request>) -> Vec<Write> {
        match request {
            Some(Request::Commit { writes, .. }) => writes,
            other => panic!("no commit: {other:?}"),
        }
    }

    #[test]
    fn what_failed_is_written_again_before_what_came_later() {
        let mut commits = Commits::default();
        commits.write(Write::Cursor(Seq(1)));
        commits.then(Then::Inbox, false);
        commits.next().expect("there is a write");
        commits.write(Write::Cursor(Seq(2)));
        assert!(commits.next().is_none());
        assert!(commits.failed());
        assert_eq!(writes(commits.next()), [Write::Cursor(Seq(1)), Write::Cursor(Seq(2))]);
        assert_eq!(commits.done().len(), 1);
        assert!(commits.next().is_none());
    }

    #[test]
    fn a_store_that_keeps_failing_is_given_up() {
        let mut commits = Commits::default();
        commits.write(Write::Cursor(Seq(1)));
        commits.then(Then::Inbox, false);
        for attempt in 1..=COMMIT_TRIES_MAX {
            commits.next().expect("it is tried again");
            assert_eq!(commits.failed(), attempt < COMMIT_TRIES_MAX);
        }
        assert_eq!(commits.done().len(), 1);
        assert!(commits.next().is_none());
    }
}
