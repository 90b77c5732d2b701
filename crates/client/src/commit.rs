//! Writes on their way to the store: gathered while one transaction is under way, then written
//! together.
//!
//! Promises that writes happen in the order they were made, and that what waits for a write is
//! told after it.

use alloc::vec::Vec;

use crate::port::store::{Request, Write};

/// What waits for a transaction.
#[derive(Debug)]
pub(crate) enum Then {
    /// A message may be sent now.
    Sendable(crate::message::MessageKey),
    /// Log entries are stored: acknowledge and announce.
    Inbox,
}

#[derive(Debug, Default)]
pub(crate) struct Commits {
    writes: Vec<Write>,
    then: Vec<Then>,
    strict: bool,
    under_way: bool,
    /// What waits for the transaction that is under way.
    waiting: Vec<Then>,
}

impl Commits {
    /// Adds a write to the next transaction.
    pub fn write(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// The next transaction waits for the disk, and this is told after it.
    pub fn then(&mut self, then: Then, strict: bool) {
        self.then.push(then);
        self.strict |= strict;
    }

    /// The next transaction, when there is one and none is under way.
    pub fn next(&mut self) -> Option<Request> {
        if self.under_way || (self.writes.is_empty() && self.then.is_empty()) {
            return None;
        }
        self.under_way = true;
        self.waiting = core::mem::take(&mut self.then);
        let strict = core::mem::take(&mut self.strict);
        Some(Request::Commit { writes: core::mem::take(&mut self.writes), strict })
    }

    /// The transaction has ended; gives what waited for it.
    pub fn done(&mut self) -> Vec<Then> {
        self.under_way = false;
        core::mem::take(&mut self.waiting)
    }
}
