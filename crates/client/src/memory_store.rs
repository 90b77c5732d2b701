//! The client's store in memory: for pages without a database, and for tests.
//!
//! What another backend has to behave like.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use wire::id::Seq;
use wire::limits::CATCH_UP_MESSAGES_MAX;
use wire::status;
use wire::time::Timestamp;

use crate::message::{Conversation, Message, MessageKey, Table};
use crate::port::store::{
    Account, Errand, Opened, Part, Position, ReadNotice, Reply, Request, StoredProfile, Write,
};
use crate::sorted::{Map, Set};

/// See the module. Cloning it is taking a snapshot of the disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    messages: Table,
    /// Messages of a conversation in their order.
    places: Map<Conversation, Set<(u64, MessageKey)>>,
    /// All messages in their order.
    all: Set<(u64, MessageKey)>,
    unread: Map<Conversation, Set<(u64, MessageKey)>>,
    reads: Vec<ReadNotice>,
    errands: Vec<Errand>,
    profiles: Map<(String, u32), StoredProfile>,
    ages: Map<MessageKey, Timestamp>,
    cursor: Option<Seq>,
    account: Option<Account>,
}

impl MemoryStore {
    /// What a client is told when it opens this store.
    pub fn open(&self) -> Opened {
        Opened {
            cursor: self.cursor,
            account: self.account.clone(),
            outbox: self.in_order().filter(|message| message.is_in_outbox()).cloned().collect(),
            reads: self.reads.clone(),
            errands: self.errands.clone(),
            profiles: self.profiles.values().cloned().collect(),
            ages: self.ages.iter().map(|(key, end)| (key.clone(), *end)).collect(),
            newest: self.all.iter().rev().take(CATCH_UP_MESSAGES_MAX as usize).cloned().collect(),
        }
    }

    /// Performs a request; memory never fails.
    pub fn perform(&mut self, request: Request) -> Reply {
        match request {
            Request::Commit { writes, strict: _ } => {
                writes.into_iter().for_each(|write| self.write(write));
                Reply::Done
            }
            Request::Messages { keys } => Reply::Messages(
                keys.iter().filter_map(|key| self.messages.get(key).cloned()).collect(),
            ),
            Request::Read { conversation, from, count, fifo, query: _ } => {
                let empty = Set::new();
                let places = match &conversation {
                    None => &self.all,
                    Some(conversation) => self.places.get(conversation).unwrap_or(&empty),
                };
                Reply::Messages(self.page(places, from, count, fifo))
            }
            Request::Summary { from, count } => {
                let newest = self.places.values().filter_map(|places| places.last().cloned());
                let newest: Set<_> = newest.collect();
                Reply::Messages(self.page(&newest, from, count, false))
            }
            Request::ById { id } => {
                let found = self.messages.values().filter(|message| message.key.id == id);
                let (received, own): (Vec<_>, Vec<_>) =
                    found.cloned().partition(|message| message.key.incoming);
                Reply::Messages(own.into_iter().chain(received).collect())
            }
            Request::Unread { conversation } => {
                let counted = self
                    .unread
                    .iter()
                    .filter(|(of, _)| conversation.as_ref().is_none_or(|wanted| wanted == *of));
                Reply::Count(counted.map(|(_, keys)| keys.len() as u32).sum())
            }
            Request::UnreadMessages { conversation, count } => {
                let keys = self.unread.get(&conversation).into_iter().flatten();
                let messages = keys.take(count as usize).map(|(_, key)| self.messages[key].clone());
                Reply::Messages(messages.collect())
            }
        }
    }

    /// Everything in it, as writes for another store.
    pub fn contents(&self) -> Vec<Write> {
        let messages = self.in_order().cloned();
        let new = |message: Message| Write::Message(message.into(), Part::New);
        let mut writes: Vec<_> = messages.map(new).collect();
        writes.extend(self.reads.iter().cloned().map(Write::Read));
        writes.extend(self.errands.iter().cloned().map(Write::Errand));
        writes.extend(self.profiles.values().cloned().map(Box::new).map(Write::Profile));
        let ages = self.ages.iter().map(|(key, end)| Write::Age { key: key.clone(), end: *end });
        writes.extend(ages);
        writes.extend(self.cursor.map(Write::Cursor));
        writes.extend(self.account.clone().map(Write::Account));
        writes
    }

    /// A hash map has no order that is the same each time.
    fn in_order(&self) -> impl Iterator<Item = &Message> {
        self.all.iter().map(|(_, key)| &self.messages[key])
    }

    fn page(
        &self,
        places: &Set<(u64, MessageKey)>,
        from: Option<Position>,
        count: u32,
        fifo: bool,
    ) -> Vec<Message> {
        let from = from.map(|from| (from.order, from.key));
        let message = |(_, key): &(u64, MessageKey)| self.messages[key].clone();
        let count = count as usize;
        if fifo {
            let rest = from.as_ref().map_or(places.as_slice(), |from| places.behind(from));
            rest.iter().take(count).map(message).collect()
        } else {
            let rest = from.as_ref().map_or(places.as_slice(), |from| places.before(from));
            rest.iter().rev().take(count).map(message).collect()
        }
    }

    fn write(&mut self, write: Write) {
        match write {
            Write::Message(message, part) => self.put(*message, part),
            Write::DeleteMessage(key) => self.remove(&key),
            Write::DeleteBefore { conversation, before } => {
                let gone = self.messages.values().filter(|message| {
                    message.order < before
                        && conversation.as_ref().is_none_or(|of| *of == message.conversation)
                });
                let gone: Vec<_> = gone.map(|message| message.key.clone()).collect();
                gone.iter().for_each(|key| self.remove(key));
            }
            Write::Read(notice) => {
                self.reads.retain(|known| known.key != notice.key);
                self.reads.push(notice);
            }
            Write::ReadDone(key) => self.reads.retain(|notice| notice.key != key),
            Write::Errand(errand) => {
                let place = self.errands.partition_point(|known| known.number < errand.number);
                match self.errands.get_mut(place).filter(|known| known.number == errand.number) {
                    Some(known) => *known = errand,
                    None => self.errands.insert(place, errand),
                }
            }
            Write::ErrandDone(number) => self.errands.retain(|errand| errand.number != number),
            Write::Age { key, end: Timestamp(0) } => {
                self.ages.remove(&key);
            }
            Write::Age { key, end } => {
                self.ages.insert(key, end);
            }
            Write::Cursor(seq) => self.cursor = Some(seq),
            Write::Account(account) => self.account = Some(account),
            Write::ForgetProfiles => self.profiles.clear(),
            Write::Profile(profile) => {
                self.profiles.insert((profile.address.clone(), profile.gid), *profile);
            }
        }
    }

    fn put(&mut self, mut message: Message, part: Part) {
        let known = self.messages.get(&message.key);
        if let Some(known) = known {
            let told = core::mem::replace(&mut message, known.clone());
            message.join(told, part);
        }
        let place = (message.order, message.key.clone());
        let stays = known.is_some_and(|known| {
            let unread = |message: &Message| message.status == status::RECEIVED_NEW;
            unread(known) == unread(&message)
        });
        if stays {
            self.messages.insert(message.key.clone(), message);
            return;
        }
        self.remove(&message.key);
        self.places.entry(message.conversation.clone()).or_default().insert(place.clone());
        self.all.insert(place.clone());
        if message.status == status::RECEIVED_NEW {
            self.unread.entry(message.conversation.clone()).or_default().insert(place);
        }
        self.messages.insert(message.key.clone(), message);
    }

    fn remove(&mut self, key: &MessageKey) {
        let Some(message) = self.messages.remove(key) else { return };
        let place = (message.order, message.key);
        self.all.remove(&place);
        for index in [&mut self.places, &mut self.unread] {
            if let Some(places) = index.get_mut(&message.conversation) {
                places.remove(&place);
                if places.is_empty() {
                    index.remove(&message.conversation);
                }
            }
        }
    }
}
