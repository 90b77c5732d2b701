//! What is going to happen, in the order of virtual time; nothing sleeps.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Events by time, and by the order in which they were added within one millisecond.
#[derive(Debug)]
pub struct Queue<E> {
    times: BinaryHeap<Reverse<(u64, u64)>>,
    events: BTreeMap<u64, E>,
    added: u64,
}

impl<E> Default for Queue<E> {
    fn default() -> Queue<E> {
        Queue { times: BinaryHeap::new(), events: BTreeMap::new(), added: 0 }
    }
}

impl<E> Queue<E> {
    /// Adds an event at this time, ms.
    pub fn add(&mut self, at: u64, event: E) {
        self.added += 1;
        self.times.push(Reverse((at, self.added)));
        self.events.insert(self.added, event);
    }

    /// When the next one happens.
    pub fn next_at(&self) -> Option<u64> {
        self.times.peek().map(|next| next.0.0)
    }

    /// Takes the next one.
    pub fn take(&mut self) -> Option<(u64, E)> {
        let Reverse((at, number)) = self.times.pop()?;
        let event = self.events.remove(&number).expect("every time has its event");
        Some((at, event))
    }

    /// All that are waiting.
    pub fn waiting(&self) -> impl Iterator<Item = &E> {
        self.events.values()
    }
}
