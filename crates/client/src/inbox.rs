//! The user's log on its way in: taken once, stored with its place, then acknowledged and told.
//!
//! One batch at a time: what it needs is loaded, it is applied, stored in one transaction with
//! the cursor, and only then acknowledged and announced. An entry at or before the cursor was
//! taken before.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{GroupId, MessageId, Seq, Uid};
use wire::limits::INBOX_BATCH_MAX;
use wire::mask::message as flag;
use wire::proto::{self, Ack, client_frame, entry, group_change};
use wire::status;

use crate::client::{Client, Pending};
use crate::commit::Then;
use crate::event::{Event, Member};
use crate::message::{Conversation, Message, MessageKey};
use crate::outbox::from_frame;
use crate::port::store::{Part, Request, Write};
use crate::sorted::Set;

#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// The last entry taken.
    taken: Seq,
    /// The last entry stored.
    pub stored: Seq,
    queue: VecDeque<proto::LogEntry>,
    /// Last entry of the batch that is being loaded or stored.
    batch: Option<Seq>,
    /// The batch that waits for messages from the store, or for the page's filter.
    loading: Vec<proto::LogEntry>,
    /// What the batch needs is in memory.
    is_loaded: bool,
    /// Messages that are in no log and wait for the page's filter.
    unlogged: Vec<proto::LogEntry>,
    /// Place of the last message of the log.
    last_place: u64,
    /// What the page is told once the batch is stored.
    events: Vec<Event>,
}

impl Inbox {
    /// The store, opened again, says how far it has come. A batch that is being loaded or stored
    /// goes on: the page has not been told of it yet.
    pub fn restart(&mut self, at: Seq) {
        self.queue.clear();
        self.stored = at;
        self.taken = self.batch.unwrap_or(at).max(at);
    }

    /// Another store, which has nothing of the batch.
    pub fn change_store(&mut self) {
        self.batch = None;
        self.loading.clear();
    }

    /// Whether a batch is being loaded or stored.
    pub fn is_storing(&self) -> bool {
        self.batch.is_some()
    }

    /// The last entry that is stored, or being stored.
    pub fn written(&self) -> Seq {
        let batch = self.batch.filter(|_| self.loading.is_empty());
        batch.unwrap_or(self.stored).max(self.stored)
    }

    /// Tells the page once the present batch is stored.
    pub fn tell_when_stored(&mut self, event: Event) {
        self.events.push(event);
    }

    /// What waits for the batch.
    pub fn untold(&mut self) -> impl Iterator<Item = &mut Event> {
        self.events.iter_mut()
    }

    /// The place of the next message of the log: order in a conversation is the order of the log,
    /// also when the server's clock is set back, and beyond 1,024 messages in a millisecond.
    pub fn next_place(&mut self, wanted: u64) -> u64 {
        self.last_place = wanted.max(self.last_place + 1);
        self.last_place
    }

    /// The next one has its place behind this one, which the store has.
    pub fn come_behind(&mut self, message: &Message) {
        if message.key.incoming {
            self.last_place = self.last_place.max(message.order);
        }
    }

    /// The connection is gone; what was not stored comes again.
    pub fn rewind(&mut self) {
        self.queue.clear();
        self.taken = self.batch.unwrap_or(self.stored);
    }

    /// The server goes on behind this entry. When that is before what it was told, its log went
    /// back to a backup: its word counts.
    pub fn resume(&mut self, asked: Option<Seq>, at: Seq) {
        if asked.is_some_and(|asked| at < asked) {
            (self.taken, self.stored) = (at, at);
        }
        self.taken = self.taken.max(at);
        self.stored = self.stored.max(at);
    }
}

impl Client {
    pub(crate) fn on_deliver(&mut self, entries: Vec<proto::LogEntry>) {
        let mut told_again = false;
        for entry in entries {
            if entry.seq == 0 {
                self.inbox.unlogged.push(entry);
            } else if self.tabs.follows() {
                // The rest is told once it is stored, by the tab that stores it.
                if let Some(entry::Body::Group(change)) = body(&entry) {
                    self.apply_group(change);
                }
            } else if Seq(entry.seq) > self.inbox.taken {
                self.inbox.taken = Seq(entry.seq);
                self.inbox.queue.push_back(entry);
            } else {
                told_again = true;
            }
        }
        if !self.inbox.unlogged.is_empty() {
            self.tell(Event::Filter);
        }
        if self.tabs.follows() {
            return self.tell_what_is_stored();
        }
        // It was stored while there was no connection to say so.
        if told_again && self.inbox.batch.is_none() {
            let seq = self.inbox.stored.0;
            self.transmit(client_frame::Body::Ack(Ack { seq, ..Ack::default() }));
        }
        self.take_batch();
    }

    /// A message that is in no log: told at once, once.
    fn on_unlogged(&mut self, entry: &proto::LogEntry, dropped: &[MessageKey]) {
        let Some(entry::Body::Message(message)) = body(entry) else { return };
        let own = self.is_self(message.from_uid);
        let sent = own.then(|| self.own_message(Seq(0), message, self.session.uid)).flatten();
        let received = (!own || self.is_to_self(message)).then(|| self.incoming(Seq(0), message));
        for mut message in sent.into_iter().chain(received.flatten()) {
            let passing = message.flags & flag::BROADCAST != 0 && !message.key.incoming;
            if !self.memory.contains(&message.key) && !dropped.contains(&message.key) && !passing {
                if message.key.incoming {
                    // Of a group without storage, too.
                    message.expiry = Some(0);
                    self.start_age(&mut message, false);
                }
                let event = self.announce(message);
                self.tell(event);
            }
        }
    }

    /// That a message which is in no log came, when its sender wants to hear so. One that is to be
    /// stored nowhere leaves no receipt either.
    fn receipt_of(&self, entry: &proto::LogEntry) -> Option<proto::MessageRef> {
        let Some(entry::Body::Message(message)) = body(entry) else { return None };
        let wanted = message.flags & (flag::DELIVERY_RECEIPT | flag::TRANSIENT);
        let (from_uid, id) = (message.from_uid, message.id);
        let is_told = wanted == flag::DELIVERY_RECEIPT && !self.is_self(from_uid);
        is_told.then_some(proto::MessageRef { from_uid, id, receipt: true })
    }

    pub(crate) fn take_batch(&mut self) {
        let waits = self.inbox.batch.is_some() || self.tabs.catching_up > 0;
        if waits || self.inbox.queue.is_empty() {
            return;
        }
        let first = core::iter::from_fn(|| self.inbox.queue.pop_front());
        let batch: Vec<_> = first.take(INBOX_BATCH_MAX).collect();
        self.inbox.batch = batch.last().map(|entry| Seq(entry.seq));
        let mut keys: Set<_> = batch.iter().flat_map(|entry| self.needs(entry)).collect();
        keys.retain(|key| !self.memory.contains(key));
        self.inbox.loading = batch;
        self.inbox.is_loaded = keys.is_empty();
        if keys.is_empty() {
            return self.tell(Event::Filter);
        }
        // One that the page has removed a moment ago is not found again, and told once more.
        self.ask_behind_writes(Request::Messages { keys: keys.into() }, Pending::Inbox);
    }

    pub(crate) fn on_inbox_loaded(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.take_stored(message);
        }
        self.inbox.is_loaded = true;
        self.tell(Event::Filter);
    }

    /// Messages that came and that the page was not asked about yet.
    pub fn unfiltered(&self) -> Vec<Message> {
        let loaded = if self.inbox.is_loaded { &self.inbox.loading[..] } else { &[] };
        let entries = self.inbox.unlogged.iter().chain(loaded);
        let messages = entries.filter_map(|entry| match body(entry) {
            Some(entry::Body::Message(message)) if !message.recalled => {
                let own = self.is_self(message.from_uid) && !self.is_to_self(message);
                self.incoming(Seq(entry.seq), message).filter(|_| !own)
            }
            _ => None,
        });
        messages.filter(|message| !self.memory.contains(&message.key)).collect()
    }

    /// The answer to [`Event::Filter`]: those the page does not want are left out.
    pub fn pass(&mut self, dropped: &[MessageKey]) {
        let unlogged = core::mem::take(&mut self.inbox.unlogged);
        let passing: Vec<_> = unlogged.iter().filter_map(|entry| self.receipt_of(entry)).collect();
        // Before what reading them will say.
        if !passing.is_empty() && self.speaks() {
            self.transmit(client_frame::Body::Ack(Ack { seq: 0, passing }));
        }
        for entry in unlogged {
            self.on_unlogged(&entry, dropped);
        }
        if self.inbox.is_loaded && !self.inbox.loading.is_empty() {
            let batch = core::mem::take(&mut self.inbox.loading);
            self.apply_batch(batch, dropped);
        }
    }

    /// Messages an entry is about.
    fn needs(&self, entry: &proto::LogEntry) -> Vec<MessageKey> {
        let own = |id| MessageId::new(id).map(MessageKey::outgoing);
        match body(entry) {
            Some(entry::Body::Status(report)) => own(report.id).into_iter().collect(),
            Some(entry::Body::Message(message)) if self.is_self(message.from_uid) => {
                own(message.id).into_iter().collect()
            }
            Some(entry::Body::Read(read)) => {
                let keys = read.messages.iter().filter_map(|read| self.key_of(read));
                keys.collect()
            }
            Some(entry::Body::Changed(changed)) => self.changed_keys(changed),
            _ => Vec::new(),
        }
    }

    /// The incoming message that a read notice of another device names.
    pub(crate) fn key_of(&self, read: &proto::MessageRef) -> Option<MessageKey> {
        let id = MessageId::new(read.id)?;
        let sender = self.address_of(Uid(read.from_uid))?;
        Some(MessageKey { incoming: true, sender, id })
    }

    fn address_of(&self, uid: Uid) -> Option<String> {
        if self.is_self(uid.0) {
            return Some(self.session.address.clone());
        }
        self.profiles.all().find(|profile| profile.uid == uid).map(|found| found.address.clone())
    }

    pub(crate) fn is_self(&self, uid: u32) -> bool {
        self.session.uid != Uid(0) && Uid(uid) == self.session.uid
    }

    pub(crate) fn is_to_self(&self, message: &proto::Message) -> bool {
        use proto::target::To;
        let to = message.to.as_ref().and_then(|target| target.to.as_ref());
        message.loopback
            || matches!(to, Some(To::Address(address)) if *address == self.session.address)
    }

    fn apply_batch(&mut self, batch: Vec<proto::LogEntry>, dropped: &[MessageKey]) {
        for entry in &batch {
            match body(entry) {
                Some(entry::Body::Message(message)) => {
                    self.apply_message(Seq(entry.seq), message, dropped);
                }
                Some(entry::Body::Status(report)) => self.apply_status(report),
                Some(entry::Body::Read(read)) => self.apply_read(read),
                Some(entry::Body::Group(change)) => self.apply_group(change),
                Some(entry::Body::Changed(changed)) => self.apply_changed(changed),
                Some(entry::Body::Removed(removed)) => self.apply_removed(removed),
                Some(entry::Body::Call(record)) => self.apply_call(Seq(entry.seq), record),
                // A place without an entry, or an entry of a newer server.
                None => {}
            }
        }
        if let Some(last) = self.inbox.batch {
            self.commits.write(Write::Cursor(last));
        }
        // A tail lost by a power failure is behind the cursor in the same transaction: the
        // server sends it again.
        self.commits.then(Then::Inbox, false);
    }

    /// The batch is stored.
    pub(crate) fn on_inbox_stored(&mut self) {
        if let Some(last) = self.inbox.batch.take() {
            self.inbox.stored = self.inbox.stored.max(last);
        }
        let events = core::mem::take(&mut self.inbox.events);
        // The store has the next batch to do while the page is told of this one.
        self.take_batch();
        self.tell_stored(events);
        if self.speaks() {
            let seq = self.inbox.stored.0;
            self.transmit(client_frame::Body::Ack(Ack { seq, ..Ack::default() }));
        }
    }

    fn tell_what_is_stored(&mut self) {
        let events = core::mem::take(&mut self.inbox.events);
        self.tell_stored(events);
    }

    /// What the page has changed while a batch was stored is not undone by the news of the batch:
    /// contents are told as they are now.
    fn tell_stored(&mut self, events: Vec<Event>) {
        for mut event in events {
            if let Event::Message { message, .. }
            | Event::MessageStatus { message, .. }
            | Event::MessageUpdate { message, .. }
            | Event::MessageRead { message } = &mut event
                && let Some(now) = self.memory.get(&message.key)
                && now.content != message.content
            {
                message.content.clone_from(&now.content);
                message.modified = now.modified;
                if now.is_emptied() {
                    message.status = now.status;
                }
            }
            self.tell(event);
        }
    }

    fn apply_message(&mut self, seq: Seq, message: &proto::Message, dropped: &[MessageKey]) {
        // Taken back before it got here.
        if message.recalled {
            return;
        }
        let to_self = self.is_to_self(message);
        if self.is_self(message.from_uid) {
            let own = self.own_message(seq, message, self.session.uid);
            if let Some(mut own) = own
                && !self.memory.contains(&own.key)
                && own.flags & flag::BROADCAST == 0
                && !self.is_over(&own)
            {
                own.order = self.inbox.next_place(own.order);
                self.commits.write(Write::Message(Box::new(own.clone()), Part::New));
                let event = self.announce(own);
                self.inbox.events.push(event);
            }
            if !to_self {
                return;
            }
        }
        let Some(mut message) = self.incoming(seq, message) else { return };
        let unwanted = dropped.contains(&message.key) || self.is_over(&message);
        if self.memory.contains(&message.key) || unwanted {
            return;
        }
        self.start_age(&mut message, false);
        message.order = self.inbox.next_place(message.order);
        let group = match &message.conversation {
            Conversation::Group(gid) => Some(*gid),
            Conversation::User(_) => None,
        };
        self.presences.message_from(&message.peer, group);
        self.note_sender(&message);
        self.commits.write(Write::Message(Box::new(message.clone()), Part::New));
        let event = self.announce(message);
        self.inbox.events.push(event);
    }

    /// Read notices of other devices name the sender by its number.
    pub(crate) fn note_sender(&mut self, message: &Message) {
        let of = Conversation::User(message.peer.clone());
        let known = self.profiles.get(&of).is_some_and(|profile| profile.uid == message.sender_uid);
        if !known && message.key.incoming {
            self.profiles.get_mut(&of).uid = message.sender_uid;
            self.profiles.watch(&of);
            self.store_profile(&of);
        }
    }

    pub(crate) fn incoming(&self, seq: Seq, message: &proto::Message) -> Option<Message> {
        let mut message = from_frame(message, seq)?;
        if let Conversation::User(_) = message.conversation {
            message.conversation = Conversation::User(message.peer.clone());
        }
        Some(message)
    }

    pub(crate) fn announce(&mut self, message: Message) -> Event {
        let sessions = self.reading.match_arrived(&message);
        self.keep(message.clone());
        Event::Message { message, sessions, announce: true }
    }

    fn apply_status(&mut self, report: &proto::StatusReport) {
        let Some(id) = MessageId::new(report.id) else { return };
        let Some(message) = self.memory.get_mut(&MessageKey::outgoing(id)) else { return };
        if message.is_emptied() {
            return;
        }
        if !message.take_report(report) {
            return;
        }
        let message = message.clone();
        self.put(&message, Part::Status);
        self.note_age(&message.key);
        let sessions = self.reading.matching(&message);
        self.inbox.events.push(Event::MessageStatus {
            message,
            reporter: Some(report.address.clone()),
            reported: report.status,
            sessions,
        });
    }

    fn apply_read(&mut self, read: &proto::ReadElsewhere) {
        for read in &read.messages {
            let Some(key) = self.key_of(read) else { continue };
            if let Some(message) = self.set_read(&key) {
                self.inbox.events.push(Event::MessageRead { message });
            }
        }
    }

    /// Marks an incoming message read here; the message when it was not yet.
    pub(crate) fn set_read(&mut self, key: &MessageKey) -> Option<Message> {
        let message = self.memory.get_mut(key)?;
        if message.status != status::RECEIVED_NEW {
            return None;
        }
        message.status = status::RECEIVED_READ;
        let mut message = message.clone();
        self.start_age(&mut message, true);
        self.keep(message.clone());
        self.put(&message, Part::Status);
        Some(message)
    }

    fn apply_group(&mut self, change: &proto::GroupChange) {
        use group_change::Kind;
        let Some(group) = &change.group else { return };
        let gid = GroupId(group.gid);
        let of = Conversation::Group(gid);
        let members: Vec<_> =
            change.members.iter().map(|member| to_member(member, &group.owner)).collect();
        let was_member = self.profiles.is_member(gid);
        let own = self.session.device.is_some_and(|device| change.origin == device.0);
        let ticket = if own { change.ticket } else { 0 };
        match Kind::try_from(change.kind) {
            Ok(Kind::Joined) => {
                self.profiles.put_group(group);
                if !was_member {
                    // Let in by somebody else.
                    let asked = self.group_requests.joined(gid);
                    let ticket = if own { ticket } else { asked };
                    self.inbox.events.push(Event::GroupJoined { group: gid, ticket });
                }
            }
            Ok(kind @ (Kind::Left | Kind::Deleted)) => {
                let deleted = kind == Kind::Deleted;
                if self.profiles.leave_group(gid) {
                    self.inbox.events.push(Event::GroupLeft { group: gid, deleted });
                }
            }
            Ok(Kind::Settings) => {
                if self.profiles.put_group(group) {
                    self.inbox.events.push(Event::ProfileUpdated { of: of.clone() });
                }
            }
            Ok(Kind::MembersJoined) => {
                self.inbox.events.push(Event::GroupMembersJoined { group: gid, ticket, members });
            }
            Ok(Kind::MembersLeft) => {
                self.inbox.events.push(Event::GroupMembersRemoved { group: gid, ticket, members });
            }
            Ok(Kind::Unspecified) | Err(_) => return,
        }
        if let Some(info) = &mut self.profiles.get_mut(&of).group {
            info.changed_by.clone_from(&change.by);
        }
        self.store_profile(&of);
    }
}

pub(crate) fn body(entry: &proto::LogEntry) -> Option<&entry::Body> {
    entry.entry.as_ref()?.body.as_ref()
}

pub(crate) fn to_member(member: &proto::Member, owner: &str) -> Member {
    Member {
        address: member.address.clone(),
        uid: member.uid,
        name: member.name.clone(),
        flags: member.flags,
        admin_flags: member.admin_flags,
        owner: !owner.is_empty() && member.address == owner,
    }
}
