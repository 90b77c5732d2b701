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

    pub fn contains(&self, key: &MessageKey) -> bool {
        self.known.contains_key(key)
    }

    /// Keys of all messages of this kind.
    pub fn matching(&self, wanted: impl Fn(&Message) -> bool) -> Vec<MessageKey> {
        let known = self.order.iter().filter_map(|key| self.known.get(key));
        known.filter(|message| wanted(message)).map(|message| message.key.clone()).collect()
    }

    pub fn remove(&mut self, key: &MessageKey) {
        if self.known.remove(key).is_some() {
            self.order.retain(|known| known != key);
        }
    }

    /// Adds or replaces a message. `keep` names those that must not be forgotten.
    pub fn put(&mut self, message: Message, keep: impl Fn(&MessageKey) -> bool) {
        let key = message.key.clone();
        if self.known.insert(key.clone(), message).is_none() {
            self.order.push_back(key);
        }
        // Those that must stay go to the end of the line, once around at most.
        for _ in 0..self.order.len() {
            if self.known.len() <= MESSAGES_IN_MEMORY_MAX {
                break;
            }
            let Some(oldest) = self.order.pop_front() else { break };
            if keep(&oldest) {
                self.order.push_back(oldest);
            } else {
                self.known.remove(&oldest);
            }
        }
    }

    /// Forgets everything: another user.
    pub fn clear(&mut self) {
        *self = Messages::default();
    }
}
