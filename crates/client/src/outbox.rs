//! Messages on their way out: stored first, sent in order, kept until answered.
//!
//! Relies on the session to say when a connection is usable. Promises that a message is reported
//! failed at most once, never after "sent", and that none is given up while offline.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use wire::codec::Encode as _;
use wire::id::{MessageId, Seq, Uid};
use wire::limits::{BODY_BYTES_MAX, CONTENT_BYTES_MAX, OUTBOX_IN_FLIGHT_MAX, OUTBOX_MAX};
use wire::mask::message as flag;
use wire::proto::{self, client_frame};
use wire::status;
use wire::time::{Now, Timestamp};

use crate::client::Client;
use crate::commit::Then;
use crate::event::{Event, ReadSessionId};
use crate::message::{Content, Conversation, Draft, Message, MessageKey};
use crate::port::store::{Part, Write};
use crate::sorted::Map;
use crate::transfer::needs_upload;

/// Why a message is not taken. Nothing happens and nothing is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No address and no group.
    #[error("the message has no destination")]
    NoDestination,
    /// Neither text, data, file nor location.
    #[error("the message is empty")]
    Empty,
    /// Over `limits::CONTENT_BYTES_MAX`, or its text over `BODY_BYTES_MAX`.
    #[error("the content has {bytes} bytes, the limit is 65536; send it as a file")]
    TooLarge {
        /// Its size, encoded.
        bytes: usize,
    },
    /// Over `limits::OUTBOX_MAX`.
    #[error("100000 messages wait to be sent already")]
    OutboxFull,
    /// Only failed and waiting messages are sent again.
    #[error("the message has been sent, or is not known")]
    NotResendable,
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// With id and time.
    pub message: Message,
    /// Read sessions whose arrays get it now.
    pub sessions: Vec<ReadSessionId>,
}

/// How far a message is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its file is being uploaded; holds back nobody.
    Uploading,
    /// Being stored.
    Storing,
    /// May be sent.
    Ready,
    /// Sent, not answered.
    InFlight,
}

impl Stage {
    /// Of a message that is stored.
    fn of(message: &Message) -> Stage {
        if needs_upload(message) { Stage::Uploading } else { Stage::Ready }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    stages: Map<MessageId, Stage>,
    /// In the order of their places, which is that in which they go out, whichever tab has them;
    /// what has no stage any more is skipped.
    order: VecDeque<(u64, MessageId)>,
    in_flight: usize,
    /// Place of the last message taken.
    last_place: u64,
    /// Messages the page hears of once they are stored, in order.
    announced: VecDeque<(MessageKey, Vec<ReadSessionId>)>,
}

impl Outbox {
    pub fn len(&self) -> usize {
        self.stages.len()
    }

    pub fn contains(&self, key: &MessageKey) -> bool {
        !key.incoming && self.stages.contains_key(&key.id)
    }

    /// Adds a message at its place.
    fn push(&mut self, message: &Message, stage: Stage) {
        self.stages.insert(message.key.id, stage);
        let place = (message.order, message.key.id);
        let index = self.order.partition_point(|known| *known < place);
        if self.order.get(index) != Some(&place) {
            self.order.insert(index, place);
        }
    }

    /// Own messages have their place behind this one, also when the clock was set back.
    pub fn come_behind(&mut self, message: &Message) {
        if !message.key.incoming {
            self.last_place = self.last_place.max(message.order);
        }
    }

    fn set_ready(&mut self, key: &MessageKey) {
        if let Some(stage) = self.stages.get_mut(&key.id)
            && *stage == Stage::Storing
        {
            *stage = Stage::Ready;
        }
    }

    /// Another tab has stored a message to be sent, or that its file is uploaded.
    pub fn adopt(&mut self, message: &Message) {
        match self.stages.get_mut(&message.key.id) {
            None => self.push(message, Stage::of(message)),
            Some(stage @ Stage::Uploading) => *stage = Stage::of(message),
            Some(_) => {}
        }
    }

    /// Messages whose file is not uploaded yet.
    pub fn uploading(&self) -> Vec<MessageId> {
        let uploading = self.stages.iter().filter(|(_, stage)| **stage == Stage::Uploading);
        uploading.map(|(id, _)| *id).collect()
    }

    /// All that wait, in order.
    pub fn waiting(&self) -> impl Iterator<Item = MessageId> {
        self.order.iter().map(|(_, id)| *id).filter(|id| self.stages.contains_key(id))
    }

    /// Whether it has not left yet.
    pub fn is_waiting(&self, key: &MessageKey) -> bool {
        self.contains(key) && self.stages[&key.id] != Stage::InFlight
    }

    /// Lets go of a message that has not left yet.
    pub fn forget(&mut self, key: &MessageKey) {
        if self.is_waiting(key) {
            self.remove(key.id.get());
        }
    }

    /// What was sent from here and the page has not heard of yet.
    pub fn unannounced(&self) -> Vec<MessageKey> {
        self.announced.iter().map(|(key, _)| key.clone()).collect()
    }

    /// The messages the page has not heard of, and the sessions that will.
    pub fn unannounced_mut(
        &mut self,
    ) -> impl Iterator<Item = (&MessageKey, &mut Vec<ReadSessionId>)> {
        self.announced.iter_mut().map(|(key, sessions)| (&*key, sessions))
    }

    /// The connection is gone: what was not answered goes out again, in order.
    pub fn rewind(&mut self) {
        for stage in self.stages.values_mut().filter(|stage| **stage == Stage::InFlight) {
            *stage = Stage::Ready;
        }
        self.in_flight = 0;
    }

    /// The next message to be sent. One that is still being stored holds back those behind it.
    fn next(&mut self) -> Option<MessageKey> {
        if self.in_flight >= OUTBOX_IN_FLIGHT_MAX {
            return None;
        }
        for (_, id) in &self.order {
            match self.stages.get_mut(id) {
                None | Some(Stage::InFlight | Stage::Uploading) => {}
                Some(Stage::Storing) => return None,
                Some(stage @ Stage::Ready) => {
                    *stage = Stage::InFlight;
                    self.in_flight += 1;
                    return Some(MessageKey::outgoing(*id));
                }
            }
        }
        None
    }

    pub fn remove(&mut self, id: u64) -> Option<MessageKey> {
        let id = MessageId::new(id)?;
        let stage = self.stages.remove(&id)?;
        self.in_flight -= usize::from(stage == Stage::InFlight);
        while self.order.front().is_some_and(|(_, id)| !self.stages.contains_key(id)) {
            self.order.pop_front();
        }
        Some(MessageKey::outgoing(id))
    }

    /// Forgets everything: another user.
    pub fn clear(&mut self) {
        let last_place = self.last_place;
        *self = Outbox { last_place, ..Outbox::default() };
    }
}

impl Client {
    /// A fresh 32-bit id, not 0: `Mesibo.random()`.
    pub fn draw_id(&mut self) -> u32 {
        (self.chance.draw() as u32).max(1)
    }

    /// Takes a message: it has its id, its time and a place in the arrays at once, is stored,
    /// announced, and sent as soon as there is a connection.
    pub fn send(&mut self, now: Now, draft: Draft) -> Result<Sent, SendError> {
        check(&draft)?;
        if self.outbox.len() >= OUTBOX_MAX {
            return Err(SendError::OutboxFull);
        }
        let key = self.new_key(draft.id);
        let ts = self.session.server_time(now);
        // Also behind the last one when the clock was set back meanwhile.
        let order = place(ts, 0).max(self.outbox.last_place + 1);
        self.outbox.last_place = order;
        let peer = match &draft.to {
            Conversation::User(address) => address.clone(),
            Conversation::Group(_) => Default::default(),
        };
        self.presences.message_to(&draft.to);
        let kept_here = draft.flags & (flag::DONT_SEND | flag::SAVE_CUSTOM) != 0;
        let message = Message {
            key: key.clone(),
            conversation: draft.to,
            peer,
            sender_uid: self.session.uid,
            kind: draft.kind,
            flags: draft.flags,
            expiry: draft.expiry,
            ts,
            order,
            status: if kept_here { status::CUSTOM } else { status::OUTBOX },
            content: draft.content,
            modified: false,
            recipients: 0,
            duration: 0,
            receipts: Default::default(),
        };
        let broadcast = draft.flags & flag::BROADCAST != 0;
        let sessions = match broadcast {
            true => Vec::new(),
            false => self.reading.match_arrived(&message),
        };
        if kept_here {
            self.commits.write(Write::Message(Box::new(message.clone()), Part::New));
            self.keep(message.clone());
            return Ok(Sent { message, sessions });
        }
        if draft.announce {
            self.outbox.announced.push_back((key.clone(), sessions.clone()));
        }
        // Stored once its file is kept.
        let upload = needs_upload(&message);
        self.keep(message.clone());
        match upload {
            true => self.prepare_transfer(now, key.id),
            false => self.put_into_outbox(&message, Part::New),
        }
        Ok(Sent { message, sessions })
    }

    /// Sends a failed or waiting message again, under the same id.
    pub fn resend(&mut self, key: &MessageKey) -> Result<Message, SendError> {
        let message = self.memory.get(key).ok_or(SendError::NotResendable)?;
        if message.status == status::OUTBOX {
            let message = message.clone();
            self.start_transfer(key.id);
            return Ok(message);
        }
        if message.status & status::FAIL == 0 || key.incoming {
            return Err(SendError::NotResendable);
        }
        let message = Message { status: status::OUTBOX, ..message.clone() };
        self.keep(message.clone());
        self.put_into_outbox(&message, Part::Status);
        self.tell_status(&message, None, status::OUTBOX);
        Ok(message)
    }

    pub(crate) fn put_into_outbox(&mut self, message: &Message, part: Part) {
        let stage = match needs_upload(message) {
            true => {
                self.transfers.add(message.key.id, false);
                Stage::Uploading
            }
            false => Stage::Storing,
        };
        self.outbox.push(message, stage);
        match message.flags & flag::TRANSIENT {
            0 => self.commits.write(Write::Message(Box::new(message.clone()), part)),
            _ => self.tell_passing(message, part),
        }
        self.commits.then(Then::Sendable(message.key.clone()), true);
    }

    /// Its file is uploaded: it goes once it is stored with the URL.
    pub(crate) fn store_for_sending(&mut self, message: &Message) {
        if let Some(stage) = self.outbox.stages.get_mut(&message.key.id) {
            *stage = Stage::Storing;
        }
        self.commits.write(Write::Message(Box::new(message.clone()), Part::Content));
        self.commits.then(Then::Sendable(message.key.clone()), true);
    }

    pub(crate) fn new_key(&mut self, wanted: u32) -> MessageKey {
        let mut low = wanted;
        loop {
            let chance = self.chance.draw();
            let drawn = MessageId::compose(low, chance);
            match drawn.map(MessageKey::outgoing).filter(|key| !self.memory.contains(key)) {
                Some(key) => return key,
                None => low = if wanted == 0 { self.draw_id() } else { wanted },
            }
        }
    }

    /// Messages that waited in the store when it was opened.
    pub(crate) fn restore_outbox(&mut self, waiting: Vec<Message>) {
        for message in waiting {
            let stored = self.take_stored(message);
            // Of one that the server has answered for the store does not know it yet.
            if stored.is_in_outbox() {
                self.outbox.adopt(&stored);
            }
        }
    }

    /// A message is stored: the page hears of it, and it may go.
    pub(crate) fn on_sendable(&mut self, now: Now, key: &MessageKey) {
        self.outbox.set_ready(key);
        self.announce_sent(key);
        self.on_transfer_stored(now, key.id);
        // Only who is online now: there is no sense in waiting.
        let passing =
            |message: &Message| message.expiry == Some(0) || message.flags & flag::TRANSIENT != 0;
        if self.memory.get(key).is_some_and(passing) && !self.session.is_online() {
            self.settle(now, key.id.get(), status::USER_OFFLINE, 0);
        }
    }

    /// The page hears of a message that it has sent, once.
    pub(crate) fn announce_sent(&mut self, key: &MessageKey) {
        let waiting = self.outbox.announced.iter().position(|(waiting, _)| waiting == key);
        let Some(index) = waiting else { return };
        let Some((key, sessions)) = self.outbox.announced.remove(index) else { return };
        if let Some(message) = self.memory.get(&key).cloned() {
            self.tell(Event::Message { message, sessions, announce: true });
        }
    }

    /// Sends what may be sent.
    pub(crate) fn flush_outbox(&mut self, now: Now) {
        while self.speaks()
            && let Some(key) = self.outbox.next()
        {
            let Some(message) = self.memory.get(&key) else { continue };
            if is_expired(message, self.session.server_time(now)) {
                self.settle(now, key.id.get(), status::EXPIRED, 0);
                continue;
            }
            let frame = to_frame(message);
            self.transmit(client_frame::Body::Send(frame));
        }
    }

    pub(crate) fn on_accepted(&mut self, now: Now, accepted: &proto::Accepted) {
        self.settle(now, accepted.id, status::SENT, accepted.recipients);
    }

    pub(crate) fn on_rejected(&mut self, now: Now, rejected: &proto::Rejected) {
        self.settle(now, rejected.id, rejected.status | status::FAIL, 0);
    }

    /// The fate of a message in the outbox is known.
    pub(crate) fn settle(&mut self, _now: Now, id: u64, status: u32, recipients: u32) {
        let Some(key) = self.outbox.remove(id) else { return };
        self.drop_transfer(key.id);
        let Some(message) = self.memory.get_mut(&key) else { return };
        message.recipients = recipients;
        if status::climbs(message.status, status) {
            message.status = status;
        }
        let message = message.clone();
        if message.is_passing() {
            self.commits.repeat(Write::DeleteMessage(key));
            self.tell_passing(&message, Part::Status);
        } else {
            self.commits.write(Write::Message(Box::new(message.clone()), Part::Status));
        }
        if message.is_emptied() {
            return;
        }
        // Reports that are being stored came first, and are told first.
        let sessions = self.reading.matching(&message);
        let event = Event::MessageStatus { message, reporter: None, reported: status, sessions };
        match self.inbox.is_storing() {
            true => self.inbox.tell_when_stored(event),
            false => self.tell(event),
        }
    }

    pub(crate) fn tell_status(&mut self, message: &Message, reporter: Option<&str>, reported: u32) {
        let sessions = self.reading.matching(message);
        self.tell(Event::MessageStatus {
            message: message.clone(),
            reporter: reporter.map(Into::into),
            reported,
            sessions,
        });
    }

    /// An own message that came by the log: sent from another device, or by a store that is lost.
    pub(crate) fn own_message(&self, seq: Seq, from: &proto::Message, uid: Uid) -> Option<Message> {
        let id = MessageId::new(from.id)?;
        let mut message = from_frame(from, seq)?;
        message.key = MessageKey::outgoing(id);
        message.status = status::SENT;
        message.sender_uid = uid;
        message.peer = match &message.conversation {
            Conversation::User(address) => address.clone(),
            Conversation::Group(_) => Default::default(),
        };
        Some(message)
    }
}

/// Places in a conversation within a millisecond.
pub(crate) const PLACES_PER_MS: u64 = 1024;

/// Place in a conversation: by time, and by a number within a millisecond. Below 2^53.
pub(crate) fn place(ts: Timestamp, counter: u64) -> u64 {
    ts.0 * PLACES_PER_MS + counter % PLACES_PER_MS
}

fn check(draft: &Draft) -> Result<(), SendError> {
    let reachable = match &draft.to {
        Conversation::User(address) => !address.is_empty(),
        Conversation::Group(gid) => gid.0 != 0,
    };
    if !reachable {
        return Err(SendError::NoDestination);
    }
    check_content(&draft.content)
}

pub(crate) fn check_content(content: &Content) -> Result<(), SendError> {
    let empty = content.body.is_empty()
        && content.title.is_empty()
        && content.file.is_none()
        && content.location.is_none()
        && content.fields.is_empty();
    if empty {
        return Err(SendError::Empty);
    }
    let bytes = proto::Content::from(content).encoded_len();
    if content.body.len() > BODY_BYTES_MAX || bytes > CONTENT_BYTES_MAX {
        return Err(SendError::TooLarge { bytes });
    }
    Ok(())
}

fn is_expired(message: &Message, now: Timestamp) -> bool {
    let lifetime = message.expiry.filter(|seconds| *seconds > 0);
    lifetime.is_some_and(|seconds| message.ts.0 + u64::from(seconds) * 1000 <= now.0)
}

fn to_frame(message: &Message) -> proto::Send {
    proto::Send {
        id: message.key.id.get(),
        to: Some((&message.conversation).into()),
        r#type: message.kind,
        flags: message.flags,
        expiry: message.expiry,
        sent: message.ts.0,
        content: Some(proto::Content::from(&message.content)),
    }
}

/// A message of the log as an incoming one; `None` when it has no id or no destination.
pub(crate) fn from_frame(from: &proto::Message, seq: Seq) -> Option<Message> {
    let id = MessageId::new(from.id)?;
    // With a user it names the reader, who is not the other side: the caller sets that right.
    let conversation = Conversation::of(from.to.as_ref()?)?;
    let content = Content::from(from.content.clone().unwrap_or_default());
    let sent = if from.sent == 0 { from.ts } else { from.sent.min(from.ts) };
    Some(Message {
        key: MessageKey { incoming: true, sender: from.from.clone(), id },
        conversation,
        peer: from.from.clone(),
        sender_uid: Uid(from.from_uid),
        kind: from.r#type,
        flags: from.flags,
        expiry: from.expiry,
        ts: Timestamp(sent),
        order: place(Timestamp(from.ts), seq.0),
        status: status::RECEIVED_NEW,
        content,
        modified: from.modified,
        recipients: 0,
        duration: 0,
        receipts: Default::default(),
    })
}
