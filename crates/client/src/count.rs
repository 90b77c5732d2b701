//! Messages counted, and marked read or unread as a whole: what the store holds of a conversation.

use alloc::vec::Vec;
use wire::limits::FILTERED_READ_MAX;
use wire::status;

use crate::client::{Client, Pending};
use crate::event::Event;
use crate::message::{Conversation, Message, MessageKey};
use crate::port::store::{Part, Position, Request, Write};
use crate::sorted::Map;

/// A count under way.
#[derive(Debug)]
pub(crate) struct Counting {
    conversation: Option<Conversation>,
    thread: u32,
    counts: Map<u32, u32>,
}

impl Client {
    /// Counts messages by their status, of a thread or of all (0). [`Event::Counted`] with this
    /// ticket follows.
    pub fn count_messages(&mut self, conversation: Option<Conversation>, thread: u32) -> u32 {
        let ticket = self.group_requests.ticket();
        self.count_page(&conversation, None, ticket);
        self.counting.insert(ticket, Counting { conversation, thread, counts: Map::new() });
        ticket
    }

    fn count_page(&mut self, of: &Option<Conversation>, from: Option<Position>, ticket: u32) {
        let (conversation, count) = (of.clone(), FILTERED_READ_MAX);
        let request = Request::Read { conversation, from, count, fifo: false, query: None };
        self.ask_behind_writes(request, Pending::Count(ticket));
    }

    pub(crate) fn on_count_page(&mut self, ticket: u32, page: &[Message]) {
        let Some(mut counting) = self.counting.remove(&ticket) else { return };
        for message in page {
            let wanted = counting.thread == 0 || counting.thread == message.content.thread;
            if wanted && message.status != status::EMPTY {
                *counting.counts.entry(message.status).or_default() += 1;
            }
        }
        match page.last().filter(|_| page.len() == FILTERED_READ_MAX as usize) {
            Some(last) => {
                let from = Position { order: last.order, key: last.key.clone() };
                self.count_page(&counting.conversation, Some(from), ticket);
                self.counting.insert(ticket, counting);
            }
            None => {
                let counts = counting.counts.into_iter().collect();
                self.tell(Event::Counted { ticket, counts });
            }
        }
    }

    /// All of a conversation is read now. `tells`: the senders hear of it if they want to.
    pub fn mark_conversation_read(&mut self, of: &Conversation, tells: bool) {
        let (conversation, count) = (of.clone(), FILTERED_READ_MAX);
        let request = Request::UnreadMessages { conversation, count };
        self.ask_behind_writes(request, Pending::MarkRead(of.clone(), tells));
    }

    pub(crate) fn on_unread_messages(&mut self, of: Conversation, tells: bool, page: Vec<Message>) {
        let keys: Vec<_> = page.iter().map(|message| message.key.clone()).collect();
        self.keep_all(page);
        self.mark_read_telling(&keys, tells);
        if keys.len() == FILTERED_READ_MAX as usize {
            self.mark_conversation_read(&of, tells);
        }
    }

    /// The newest received message of a conversation is unread again, on this device.
    pub fn mark_unread(&mut self, of: &Conversation) {
        let (conversation, count) = (Some(of.clone()), FILTERED_READ_MAX);
        let request = Request::Read { conversation, from: None, count, fifo: false, query: None };
        self.ask_behind_writes(request, Pending::MarkUnread);
    }

    pub(crate) fn on_newest(&mut self, page: Vec<Message>) {
        let newest = page.into_iter().find(|message| message.key.incoming);
        let Some(newest) = newest.filter(|newest| newest.status == status::RECEIVED_READ) else {
            return;
        };
        let message = Message { status: status::RECEIVED_NEW, ..newest };
        self.keep(message.clone());
        self.commits.write(Write::Message(message.clone().into(), Part::Unread));
        self.tell(Event::MessageRead { message });
    }

    fn keep_all(&mut self, messages: Vec<Message>) {
        for message in messages {
            let key: &MessageKey = &message.key;
            if !self.memory.contains(key) {
                self.keep(message);
            }
        }
    }
}
