//! What has to be looked at when, without a search through everything for each packet.
//!
//! A heap that is corrected late: moving a deadline further away costs nothing, and the old entry
//! only leads to one look too many.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Times at which things of type `T` want attention.
#[derive(Debug)]
pub struct Deadlines<T> {
    heap: BinaryHeap<Reverse<(Instant, T)>>,
}

impl<T: Ord + Copy> Deadlines<T> {
    /// None yet.
    pub fn new() -> Self {
        Deadlines { heap: BinaryHeap::new() }
    }

    /// Look at this then.
    pub fn add(&mut self, at: Instant, what: T) {
        self.heap.push(Reverse((at, what)));
    }

    /// The next one that is due.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, T)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(due)| due)
    }

    /// When the next one is due.
    pub fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }
}
