//! Requests that have to reach the server, however long that takes: stored, sent in order, sent
//! again until they are answered.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use wire::frame::encode_client;
use wire::id::MessageId;
use wire::limits::{ERRANDS_IN_FLIGHT_MAX, ERRANDS_MAX};
use wire::proto::client_frame;

use crate::client::Client;
use crate::event::Event;
use crate::message::MessageKey;
use crate::port::store::{Errand, Write};

/// Tickets of errands lie beyond all message ids and those of read notices, so that one
/// `Accepted` serves all.
const FIRST_TICKET: u64 = 1 << 54;

/// The low bits of a number are the tab's own, so that no two tabs take the same; above them it
/// counts. 2^33 errands are more than anybody has.
const TAB_BITS: u32 = 20;

#[derive(Debug, Default)]
pub(crate) struct Errands {
    /// With whether it was sent on this connection.
    waiting: VecDeque<(Errand, bool)>,
    last: u64,
}

impl Errands {
    /// The connection is gone: what was not answered is sent again.
    pub fn rewind(&mut self) {
        self.waiting.iter_mut().for_each(|(_, sent)| *sent = false);
    }

    /// Errands that waited in the store when it was opened.
    pub fn restore(&mut self, stored: Vec<Errand>) {
        stored.into_iter().for_each(|errand| self.adopt(errand));
    }

    /// Another tab has an errand.
    pub fn adopt(&mut self, errand: Errand) {
        self.last = self.last.max(errand.number >> TAB_BITS);
        let place = self.waiting.partition_point(|(known, _)| known.number < errand.number);
        if self.waiting.get(place).is_none_or(|(known, _)| known.number != errand.number) {
            self.waiting.insert(place, (errand, false));
        }
    }

    /// Another tab's errand is done.
    pub fn forget(&mut self, number: u64) {
        self.waiting.retain(|(errand, _)| errand.number != number);
    }

    /// All that wait, in order.
    pub fn waiting(&self) -> impl Iterator<Item = &Errand> {
        self.waiting.iter().map(|(errand, _)| errand)
    }

    /// The errand of this ticket is done; its number.
    fn take(&mut self, ticket: u64) -> Option<u64> {
        let number = ticket.checked_sub(FIRST_TICKET)?;
        let index = self.waiting.iter().position(|(errand, _)| errand.number == number)?;
        self.waiting.remove(index);
        Some(number)
    }
}

impl Client {
    /// Whether one more can be taken.
    pub(crate) fn takes_errands(&self) -> bool {
        self.errands.waiting.len() < ERRANDS_MAX
    }

    /// Whether the server has not answered all.
    pub(crate) fn has_errands(&self) -> bool {
        !self.errands.waiting.is_empty()
    }

    /// Takes a request to the server; `after` is the message that has to be there first.
    pub(crate) fn run_errand(
        &mut self,
        after: Option<MessageId>,
        request: impl FnOnce(u64) -> client_frame::Body,
    ) {
        self.errands.last += 1;
        let number = (self.errands.last << TAB_BITS) | (self.tabs.id.0 & ((1 << TAB_BITS) - 1));
        let frame = encode_client(request(FIRST_TICKET + number));
        let errand = Errand { number, after: after.map_or(0, MessageId::get), frame };
        self.commits.write(Write::Errand(errand.clone()));
        self.errands.waiting.push_back((errand, false));
    }

    /// Sends what may be sent.
    pub(crate) fn flush_errands(&mut self) {
        if !self.speaks() {
            return;
        }
        let outbox = &self.outbox;
        let first = self.errands.waiting.iter_mut().take(ERRANDS_IN_FLIGHT_MAX);
        let mut frames = Vec::new();
        for (errand, sent) in first {
            let after = MessageId::new(errand.after).map(MessageKey::outgoing);
            if after.is_some_and(|message| outbox.contains(&message)) {
                break;
            }
            if !core::mem::replace(sent, true) {
                frames.push(errand.frame.clone());
            }
        }
        frames.into_iter().for_each(|frame| self.transmit_bytes(frame));
    }

    /// The server has answered; `true` when it was the answer to an errand.
    pub(crate) fn on_errand_answered(&mut self, ticket: u64, refused: Option<&str>) -> bool {
        let Some(number) = self.errands.take(ticket) else { return false };
        self.commits.write(Write::ErrandDone(number));
        if let Some(reason) = refused {
            let text = alloc::format!("the server refused a change: {reason}");
            self.tell(Event::Error { text });
        }
        true
    }
}
