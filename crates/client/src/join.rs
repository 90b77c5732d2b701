//! What two sides know of one message, put together: two tabs, or a tab and the store.
//!
//! Promises that nobody undoes what somebody else knew: whoever writes last may know least, so
//! what only climbs climbs, and each [`Part`] brings nothing but itself.

use wire::status;

use crate::message::Message;
use crate::port::store::Part;

impl Message {
    /// Takes in what a write says of the same message. Its place stays.
    pub fn join(&mut self, told: Message, part: Part) {
        let was_emptied = self.is_emptied();
        let emptied = told.is_emptied() && !was_emptied;
        if emptied || (part == Part::Content && !was_emptied) {
            self.content = told.content;
            self.modified = told.modified;
        }
        self.recipients = self.recipients.max(told.recipients);
        let (from, to) = (self.status, told.status);
        let moves = match self.key.incoming {
            true => match (from, to) {
                (status::RECEIVED_NEW, status::RECEIVED_READ) => true,
                (status::RECEIVED_READ, status::RECEIVED_NEW) => part == Part::Unread,
                _ => false,
            },
            false if was_emptied => false,
            // The server took it from one tab when another one had asked at the wrong moment.
            false if from & status::FAIL != 0 => match to {
                status::OUTBOX => part == Part::Status,
                to => (status::SENT..=status::READ).contains(&to),
            },
            false if to & status::FAIL != 0 => from == status::OUTBOX,
            false => to > from,
        };
        if emptied || moves {
            self.status = to;
        }
        for (address, told) in &told.receipts {
            let receipt = self.receipts.entry(address.clone()).or_default();
            receipt.delivered = receipt.delivered.max(told.delivered);
            receipt.read = receipt.read.max(told.read);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use wire::id::{MessageId, Uid};
    use wire::time::Timestamp;

    use super::*;
    use crate::message::{Content, Conversation, MessageKey, Receipt};

    fn own(status: u32) -> Message {
        Message {
            key: MessageKey::outgoing(MessageId::new(7).expect("an id")),
            conversation: Conversation::User("bob".into()),
            peer: "bob".into(),
            sender_uid: Uid(1),
            kind: 0,
            flags: 0,
            expiry: None,
            ts: Timestamp(1),
            order: 1,
            status,
            content: Content { body: "said".to_string().into(), ..Content::default() },
            modified: false,
            recipients: 0,
            duration: 0,
            receipts: Default::default(),
        }
    }

    #[test]
    fn who_knows_less_undoes_nothing() {
        let delivered = Receipt { delivered: Timestamp(5), read: Timestamp(0) };
        let mut known = own(status::DELIVERED);
        known.receipts.insert("bob".into(), delivered);
        let before = known.clone();
        for status in [status::OUTBOX, status::SENT] {
            for part in [Part::New, Part::Status] {
                known.join(own(status), part);
                assert_eq!(known, before);
            }
        }
        known.join(own(status::READ), Part::Status);
        assert_eq!((known.status, known.receipts.get("bob")), (status::READ, Some(&delivered)));
    }

    #[test]
    fn what_was_taken_back_stays_so_and_an_edit_keeps_the_status() {
        let mut known = own(status::READ);
        let content = Content { body: "changed".to_string().into(), ..Content::default() };
        known.join(Message { content, modified: true, ..own(status::SENT) }, Part::Content);
        assert_eq!((known.status, &known.content.body[..]), (status::READ, &b"changed"[..]));
        known.join(Message { content: Content::default(), ..own(status::DELETED) }, Part::Content);
        let emptied = known.clone();
        known.join(own(status::READ), Part::Content);
        assert_eq!(known, emptied);
    }

    #[test]
    fn what_the_server_took_has_not_failed() {
        for (first, second) in [(status::SENT, status::EXPIRED), (status::EXPIRED, status::SENT)] {
            let mut known = own(first);
            known.join(own(second), Part::Status);
            assert_eq!(known.status, status::SENT);
        }
    }

    #[test]
    fn a_failed_message_waits_again_only_when_it_is_sent_again() {
        let mut known = own(status::EXPIRED);
        known.join(own(status::OUTBOX), Part::New);
        assert_eq!(known.status, status::EXPIRED);
        known.join(own(status::OUTBOX), Part::Status);
        assert_eq!(known.status, status::OUTBOX);
    }
}
