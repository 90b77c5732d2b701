//! Messages that disappear: some time after they were sent, delivered or read, on both sides.
//!
//! Relies on the store to keep what is due across reloads. Promises that a message whose time is
//! over leaves memory, store and arrays; each device looks after its own.

use alloc::vec::Vec;
use wire::limits::AGES_MAX;
use wire::time::{Duration, Instant, Now, Timestamp};

use crate::change::Removal;
use crate::client::Client;
use crate::message::{Age, Message, MessageKey, Receipt};
use crate::port::store::Write;
use crate::sorted::{Map, Set};

#[derive(Debug, Default)]
pub(crate) struct Ages {
    due: Set<(Timestamp, MessageKey)>,
    ends: Map<MessageKey, Timestamp>,
}

impl Ages {
    /// Notes the end of a message; `false` when that is no news.
    fn put(&mut self, key: &MessageKey, end: Timestamp) -> bool {
        let former = self.ends.get(key).copied();
        if former == Some(end) || former.is_none() && self.ends.len() >= AGES_MAX {
            return false;
        }
        if let Some(former) = former {
            self.due.remove(&(former, key.clone()));
        }
        self.ends.insert(key.clone(), end);
        self.due.insert((end, key.clone()))
    }

    /// Forgets everything: another user.
    pub fn clear(&mut self) {
        *self = Ages::default();
    }

    fn next(&self) -> Option<&(Timestamp, MessageKey)> {
        self.due.as_slice().first()
    }

    /// What the store has kept.
    pub fn restore(&mut self, kept: Vec<(MessageKey, Timestamp)>) {
        for (key, end) in kept {
            self.put(&key, end);
        }
    }
}

/// When it ends, as far as that is known.
fn end_of(message: &Message) -> Option<Timestamp> {
    let Age { sent, delivered, read } = message.content.age;
    let first = |time: fn(&Receipt) -> Timestamp| {
        let times = message.receipts.values().map(time).filter(|time| time.0 > 0);
        times.min().unwrap_or_default()
    };
    let starts = [
        (sent, message.ts),
        (delivered, first(|receipt| receipt.delivered)),
        (read, first(|receipt| receipt.read)),
    ];
    let known = starts.into_iter().filter(|(seconds, start)| *seconds > 0 && start.0 > 0);
    known.map(|(seconds, start)| start.after(Duration::from_secs(seconds.into()))).min()
}

impl Client {
    /// Its end may be known now, or come earlier.
    pub(crate) fn note_age(&mut self, key: &MessageKey) {
        let Some(end) = self.memory.get(key).and_then(end_of) else { return };
        if self.ages.put(key, end) {
            self.commits.write(Write::Age { key: key.clone(), end });
        }
    }

    /// As [`Client::note_age`], of a message another tab has stored with its end.
    pub(crate) fn note_end_of(&mut self, key: &MessageKey) {
        if let Some(end) = self.memory.get(key).and_then(end_of) {
            self.ages.put(key, end);
        }
    }

    /// Removes what is over.
    pub(crate) fn end_messages(&mut self, now: Now) {
        let time = self.session.server_time(now);
        let mut over = Vec::new();
        while let Some(first) = self.ages.next().filter(|(end, _)| *end <= time).cloned() {
            self.ages.due.remove(&first);
            let key = first.1;
            self.ages.ends.remove(&key);
            self.commits.write(Write::Age { key: key.clone(), end: Timestamp(0) });
            over.push(key);
        }
        if !over.is_empty() {
            self.apply_removal(Removal::Messages(over));
        }
    }

    /// When the next message is over.
    pub(crate) fn age_deadline(&self) -> Instant {
        let Some((end, _)) = self.ages.next() else { return Instant::FAR_FUTURE };
        let rest = end.0.saturating_sub(self.session.server_time(self.now).0);
        self.now.instant + Duration::from_millis(rest)
    }

    /// An incoming message is here, or was read: its time runs.
    pub(crate) fn start_age(&self, message: &mut Message, read: bool) {
        if message.content.age == Age::default() {
            return;
        }
        let at = self.session.server_time(self.now);
        let receipt = message.receipts.entry(Default::default()).or_default();
        if receipt.delivered == Timestamp(0) {
            receipt.delivered = at;
        }
        if read {
            receipt.read = at;
        }
    }

    /// Whether a message is over before it is here.
    pub(crate) fn is_over(&self, message: &Message) -> bool {
        end_of(message).is_some_and(|end| end <= self.session.server_time(self.now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_end_of_a_message_counts() {
        let mut ages = Ages::default();
        let key = MessageKey::outgoing(wire::id::MessageId::new(7).expect("an id"));
        assert!(ages.put(&key, Timestamp(20)));
        assert!(!ages.put(&key, Timestamp(20)));
        assert!(ages.put(&key, Timestamp(10)));
        assert_eq!(ages.next(), Some(&(Timestamp(10), key.clone())));
        assert_eq!(ages.due.len(), 1);
        assert_eq!(MessageKey::from_text(&alloc::format!("{key}")), Some(key));
    }
}
