//! What was read: marked here, told the other own devices and, if they want to know, the senders.
//!
//! Each notice is kept until the server has answered it; one frame of them is under way at a time.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use wire::id::MessageId;
use wire::limits::READS_PER_FRAME_MAX;
use wire::mask::message as flag;
use wire::proto::{self, client_frame};
use wire::status;

use crate::client::Client;
use crate::event::Event;
use crate::message::{Conversation, Message, MessageKey};
use crate::port::store::{ReadNotice, Write};

/// Tickets of read notices lie beyond all message ids, so that one `Accepted` serves both.
const FIRST_TICKET: u64 = 1 << 53;

#[derive(Debug, Default)]
pub(crate) struct ReadNotices {
    /// What the server has not answered, in order.
    waiting: VecDeque<ReadNotice>,
    /// The frame under way: its ticket and how many notices it holds.
    told: Option<(u64, usize)>,
    last_ticket: u64,
}

impl ReadNotices {
    /// The connection is gone: what was not answered is told again.
    pub fn rewind(&mut self) {
        self.told = None;
    }

    pub fn restore(&mut self, notices: Vec<ReadNotice>) {
        for notice in notices.into_iter().rev() {
            if !self.waiting.iter().any(|known| known.key == notice.key) {
                self.waiting.push_front(notice);
            }
        }
    }

    /// Another tab has read something.
    pub fn adopt(&mut self, notice: &ReadNotice) {
        if !self.waiting.iter().any(|known| known.key == notice.key) {
            self.waiting.push_back(notice.clone());
        }
    }

    /// Another tab has told the server.
    pub fn forget(&mut self, key: &MessageKey) {
        self.waiting.retain(|notice| notice.key != *key);
    }

    /// What the server has not been told.
    pub fn waiting(&self) -> impl Iterator<Item = &ReadNotice> {
        self.waiting.iter()
    }

    /// Another user: what the former one has read means nothing.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.told = None;
    }
}

impl Client {
    pub(crate) fn mark_read(&mut self, keys: &[MessageKey]) {
        self.mark_read_telling(keys, true);
    }

    /// `tells`: the senders hear of it if they want to.
    pub(crate) fn mark_read_telling(&mut self, keys: &[MessageKey], tells: bool) {
        for key in keys {
            let Some(message) = self.set_read(key) else { continue };
            let notice = ReadNotice {
                key: key.clone(),
                sender_uid: message.sender_uid,
                receipt: tells && message.flags & flag::READ_RECEIPT != 0,
            };
            self.commits.write(Write::Read(notice.clone()));
            self.read_notices.waiting.push_back(notice);
            self.tell(Event::MessageRead { message });
        }
    }

    /// Marks a message read and tells its sender now, whatever is visible. `false` when it is not
    /// in memory, or not an unread one.
    pub fn send_read_receipt(&mut self, conversation: &Conversation, id: MessageId) -> bool {
        let low = id.low();
        let is_it = |message: &Message| {
            message.key.incoming
                && message.conversation == *conversation
                && (message.key.id == id || message.key.id.low() == low)
        };
        let is_unread = |message: &Message| message.status == status::RECEIVED_NEW;
        let key = self.memory.find(|message| is_unread(message) && is_it(message));
        let known = key.is_some() || self.memory.find(is_it).is_some();
        self.mark_read(&key.into_iter().collect::<Vec<_>>());
        known
    }

    /// Tells the server what was read, one frame at a time.
    pub(crate) fn flush_reads(&mut self) {
        if !self.speaks()
            || self.read_notices.told.is_some()
            || self.read_notices.waiting.is_empty()
        {
            return;
        }
        let notices = self.read_notices.waiting.iter().take(READS_PER_FRAME_MAX);
        let messages: Vec<_> = notices
            .map(|notice| proto::MessageRef {
                from_uid: notice.sender_uid.0,
                id: notice.key.id.get(),
                receipt: notice.receipt,
            })
            .collect();
        self.read_notices.last_ticket += 1;
        let ticket = FIRST_TICKET + self.read_notices.last_ticket;
        self.read_notices.told = Some((ticket, messages.len()));
        self.transmit(client_frame::Body::Read(proto::Read { ticket, messages }));
    }

    /// `true` when this answers a read notice and not a message.
    pub(crate) fn on_read_accepted(&mut self, ticket: u64) -> bool {
        if ticket < FIRST_TICKET {
            return false;
        }
        if let Some((told, count)) = self.read_notices.told
            && told == ticket
        {
            self.read_notices.told = None;
            for _ in 0..count {
                let Some(notice) = self.read_notices.waiting.pop_front() else { break };
                self.commits.write(Write::ReadDone(notice.key));
            }
        }
        true
    }
}
