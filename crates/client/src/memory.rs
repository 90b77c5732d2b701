//! Messages in memory: the recent ones, and all that wait to be sent.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use wire::limits::MESSAGES_IN_MEMORY_MAX;

use crate::message::{Message, MessageKey, Table};

#[derive(Debug, Default)]
pub(crate) struct Messages {
    known: Table,
    /// Oldest first.
    order: VecDeque<MessageKey>,
    /// The furthest place of a message that was forgotten to make room.
    pub forgotten: u64,
}

impl Messages {
    pub fn get(&self, key: &MessageKey) -> Option<&Message> {
        self.known.get(key)
    }

    pub fn get_mut(&mut self, key: &MessageKey) -> Option<&mut Message> {
        self.known.get_mut(key)
    }

    /// The key of the newest message of this kind.
    pub fn find(&self, wanted: impl Fn(&Message) -> bool) -> Option<MessageKey> {
        let newest_first = self.order.iter().rev();
        newest_first
            .filter_map(|key| self.known.get(key))
            .find(|m| wanted(m))
            .map(|m| m.key.clone())
    }

    /// All, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Message> {
        self.order.iter().filter_map(|key| self.known.get(key))
    }

    pub fn contains(&self, key: &MessageKey) -> bool {
        self.known.contains_key(key)
    }

    /// Forgets all messages of this kind; their keys.
    pub fn take(&mut self, wanted: impl Fn(&Message) -> bool) -> Vec<MessageKey> {
        let known = &mut self.known;
        let mut taken = Vec::new();
        self.order.retain(|key| {
            let gone = known.get(key).is_some_and(&wanted);
            if gone {
                known.remove(key);
                taken.push(key.clone());
            }
            !gone
        });
        taken
    }

    pub fn remove(&mut self, key: &MessageKey) {
        if self.known.remove(key).is_some() {
            self.order.retain(|known| known != key);
        }
    }

    /// Adds or replaces a message. `keep` names those that must not be forgotten, at most `kept`
    /// of them: they do not count.
    pub fn put(&mut self, message: Message, kept: usize, keep: impl Fn(&MessageKey) -> bool) {
        let key = message.key.clone();
        if self.known.insert(key.clone(), message).is_none() {
            self.order.push_back(key);
        }
        while self.known.len() > MESSAGES_IN_MEMORY_MAX + kept {
            let Some(oldest) = self.order.pop_front() else { break };
            if keep(&oldest) {
                // To the end of the line.
                self.order.push_back(oldest);
            } else {
                let message = self.known.remove(&oldest);
                self.forgotten = self.forgotten.max(message.map_or(0, |message| message.order));
            }
        }
    }

    /// Forgets everything: another user.
    pub fn clear(&mut self) {
        *self = Messages::default();
    }
}
