//! The server's store in memory: what every other backend has to behave like.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use hub::port::apps::{
    AppReply, AppRequest, Filter, Scheduled, UsageRow, Used, UserRow, day_of, matches,
};
use hub::port::personal::{
    Known, KnownDevice, LeftFiles, PersonalReply, PersonalRequest, StoredFile,
};
use hub::port::store::{
    App, Contact, Copied, DeviceId, Expired, Group, HistoryOf, LogRow, LoggedMessage, Member,
    NewMessage, Note, Outcome, Receipt, Reply, Request, Seen, StoreError, Token, TokenHash,
    TokenId, User,
};
use hub::{Person, Trace, file_keys, file_keys_in};
use wire::codec::Decode as _;
use wire::id::{AppId, DeviceKey, GroupId, MessageId, Seq, Uid};
use wire::limits::{
    CONTACTS_MAX, DEVICE_KEPT, EXPIRED_TOKEN_KEPT, HISTORY_RECEIPTS_MAX, LOG_BYTES_MAX,
    LOG_ENTRIES_MAX, MESSAGE_KEY_KEPT,
};
use wire::mask::{contact, group as mode, user as user_flag};
use wire::time::{Duration, Timestamp};

/// A store that performs one request at a time.
pub trait SyncStore {
    /// Performs a request as one transaction.
    fn perform(&mut self, request: Request) -> Result<Reply, StoreError>;

    /// Closes and opens it again: everything answered so far must still be there.
    fn reopen(self) -> Self;

    /// As if its process had been killed: what devices have acknowledged last may be forgotten, for
    /// they know it themselves; nothing else may.
    fn kill(self) -> Self;
}

/// See the module. Cloning it is taking a snapshot of the disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    apps: BTreeMap<AppId, App>,
    app_tokens: HashMap<TokenHash, AppId>,
    users: BTreeMap<Uid, User>,
    tokens: BTreeMap<TokenId, (Token, TokenHash)>,
    devices: BTreeMap<DeviceId, Device>,
    groups: BTreeMap<GroupId, (Group, BTreeMap<Uid, Member>)>,
    /// Whose and of whom, to flags.
    contacts: BTreeMap<(Uid, Uid), u32>,
    messages: BTreeMap<(Uid, MessageId), Stored>,
    scheduled: BTreeMap<u64, Scheduled>,
    remotes: HashMap<Uid, IpAddr>,
    /// Days that messages up to this place are kept from now on.
    shortenings: BTreeMap<AppId, (u32, u64)>,
    /// By app and day or month, who signed in and what was used.
    usage: BTreeMap<(AppId, u32), (BTreeSet<Uid>, Used)>,
    /// By name, with who has uploaded them.
    files: BTreeMap<String, (Uid, StoredFile)>,
    /// Of which app each of them is.
    file_apps: BTreeMap<String, AppId>,
    /// Those that something has named.
    named: BTreeSet<String>,
    logs: BTreeMap<Uid, Log>,
    /// Own copies: whose, of which conversation, places of messages.
    history: BTreeMap<(Uid, Side), BTreeMap<u64, (Uid, MessageId)>>,
    /// Who got or read a message, by its place, and when; whoever has removed its copy meanwhile too.
    seen: BTreeMap<(u64, Uid), (Timestamp, Timestamp)>,
    /// Numbers are never used again, also of what is gone.
    last: Last,
}

#[derive(Clone, Debug, Default)]
struct Last {
    app: u32,
    user: u32,
    token: u64,
    device: u64,
    group: u32,
    scheduled: u64,
    message: u64,
}

/// The other side of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    User(Uid),
    Group(GroupId),
}

fn is_of(of: HistoryOf, side: Side) -> bool {
    match of {
        HistoryOf::User(uid) => side == Side::User(uid),
        HistoryOf::Group(gid) => side == Side::Group(gid),
        HistoryOf::All | HistoryOf::Latest => true,
    }
}

/// A message, whoever has fetched it.
#[derive(Clone, Debug)]
struct Stored {
    ts: Timestamp,
    expires: Timestamp,
    entry: bytes::Bytes,
    /// Later messages have higher ones.
    place: u64,
}

#[derive(Clone, Debug)]
struct Device {
    token: TokenId,
    uid: Uid,
    key: DeviceKey,
    cursor: Seq,
    seen: Timestamp,
    /// Where push messages go, and whether they are for calls.
    push: (String, bool),
}

#[derive(Clone, Debug, Default)]
struct Log {
    rows: BTreeMap<Seq, LogRow>,
    head: Seq,
    trimmed: Seq,
    /// The furthest any device has come.
    fetched: Seq,
    /// Watched messages that nobody has looked at since they expired.
    watched: BTreeSet<Seq>,
}

impl Log {
    fn append(&mut self, entry: bytes::Bytes, message: Option<LoggedMessage>) -> Seq {
        self.head = Seq(self.head.0 + 1);
        self.rows.insert(self.head, LogRow { seq: self.head, entry, message });
        self.head
    }
}

impl MemoryStore {
    /// The number of the last entry of a user's log.
    pub fn end_of_log(&self, uid: Uid) -> Seq {
        self.logs.get(&uid).map_or(Seq(0), |log| log.head)
    }

    /// Somebody whose own copies have a message twice.
    pub fn repeats_itself(&self) -> Option<Uid> {
        let twice = self.history.iter().find(|(_, copies)| {
            let once: BTreeSet<_> = copies.values().collect();
            once.len() < copies.len()
        });
        twice.map(|((uid, _), _)| *uid)
    }

    fn append_notes(&mut self, notes: Vec<Note>) -> Vec<(Uid, Seq)> {
        let places = notes.into_iter().map(|note| {
            if let Some(receipt) = note.receipt {
                self.note_receipt(note.uid, receipt);
            }
            // A log of somebody who is gone is not made again.
            let place = match self.users.contains_key(&note.uid) {
                true => self.logs.entry(note.uid).or_default().append(note.entry, None),
                false => Seq(0),
            };
            (note.uid, place)
        });
        places.collect()
    }

    fn note_receipt(&mut self, sender: Uid, receipt: Receipt) {
        let Some(place) = self.messages.get(&(sender, receipt.id)).map(|it| it.place) else {
            return;
        };
        let mut copies = self.history.iter().filter(|((uid, _), _)| *uid == receipt.by);
        let got = copies.any(|(_, copies)| copies.contains_key(&place));
        if !got && !self.seen.contains_key(&(place, receipt.by)) {
            return;
        }
        let (delivered, read) = self.seen.entry((place, receipt.by)).or_default();
        let first = |at: Timestamp| if at == Timestamp(0) { receipt.at } else { at };
        *delivered = first(*delivered);
        if receipt.read {
            *read = first(*read);
        }
    }

    fn append(&mut self, message: NewMessage, to: Vec<Uid>) -> Outcome {
        let key = (message.sender, message.id);
        if let Some(known) = self.messages.get(&key) {
            return Outcome::Duplicate { ts: known.ts };
        }
        let is_full = |uid: &Uid| {
            let log = self.logs.get(uid).filter(|_| *uid != message.sender);
            log.is_some_and(|log| {
                let waiting = log.rows.range(Seq(log.fetched.0 + 1)..);
                let bytes: usize = waiting.map(|(_, row)| row.entry.len()).sum();
                log.head.0 - log.fetched.0 >= LOG_ENTRIES_MAX
                    || (bytes + message.entry.len()) as u64 > LOG_BYTES_MAX
            })
        };
        let others = to.iter().filter(|uid| **uid != message.sender).count();
        let peer = to.iter().find(|uid| **uid != message.sender).copied();
        let peer = peer.or((message.peer != Uid(0)).then_some(message.peer));
        let (full, to): (Vec<_>, Vec<_>) = to.into_iter().partition(is_full);
        if others > 0 && to.iter().all(|uid| *uid == message.sender) {
            return Outcome::Full;
        }
        self.last.message += 1;
        let (ts, expires) = (message.ts, message.expires);
        let stored = Stored { ts, expires, entry: message.entry.clone(), place: self.last.message };
        self.messages.insert(key, stored);
        let logged = LoggedMessage {
            sender: message.sender,
            id: message.id,
            flags: message.flags,
            group: message.group,
            expires: message.expires,
        };
        // A log of somebody who is gone is not made again.
        let there = to.into_iter().filter(|uid| self.users.contains_key(uid));
        let places = there.map(|uid| {
            let side = match message.group {
                GroupId(0) if uid == message.sender => Side::User(peer.unwrap_or(uid)),
                GroupId(0) => Side::User(message.sender),
                gid => Side::Group(gid),
            };
            self.history.entry((uid, side)).or_default().insert(self.last.message, key);
            let log = self.logs.entry(uid).or_default();
            let seq = log.append(message.entry.clone(), Some(logged));
            if message.watched && uid != message.sender {
                log.watched.insert(seq);
            }
            (uid, seq)
        });
        Outcome::Appended { places: places.collect(), full }
    }

    fn is_shown(&self, uid: Uid, side: Side, now: Timestamp) -> bool {
        let Side::Group(gid) = side else { return true };
        let member = self.groups.get(&gid).and_then(|(_, members)| members.get(&uid));
        member.is_some_and(|member| member.expires.is_none_or(|expires| expires > now))
    }

    fn read_history(
        &self,
        uid: Uid,
        of: HistoryOf,
        (before, after, until): (Option<u64>, Option<u64>, Timestamp),
        count: u32,
        now: Timestamp,
    ) -> Vec<Copied> {
        let mut found = BTreeMap::new();
        for ((whose, side), copies) in &self.history {
            if *whose != uid || !is_of(of, *side) || !self.is_shown(uid, *side, now) {
                continue;
            }
            let newest = if of == HistoryOf::Latest { 1 } else { usize::MAX };
            for (place, key) in copies.iter().rev().take(newest) {
                let Some(stored) = self.messages.get(key) else { continue };
                let wanted = before.is_none_or(|before| *place < before)
                    && after.is_none_or(|after| *place > after)
                    && stored.ts <= until;
                if wanted && stored.expires > now {
                    let receipts = if key.0 == uid { self.seen(uid, *place) } else { Vec::new() };
                    let entry = stored.entry.clone();
                    found.insert(*place, Copied { place: *place, entry, receipts });
                }
            }
        }
        if before.is_none() && after.is_some() {
            while found.len() > count as usize {
                found.pop_last();
            }
        }
        found.into_values().rev().take(count as usize).collect()
    }

    /// Who has the message at this place, among those with the lowest numbers that got it.
    fn seen(&self, sender: Uid, place: u64) -> Vec<Seen> {
        let copies = self.history.iter().filter(|(_, copies)| copies.contains_key(&place));
        let got: BTreeSet<_> = copies.map(|((uid, _), _)| *uid).collect();
        let removed =
            self.seen.range((place, Uid(0))..=(place, Uid(u32::MAX))).map(|seen| seen.0.1);
        let all: BTreeSet<_> =
            got.into_iter().chain(removed).filter(|uid| *uid != sender).collect();
        let some = all.into_iter().take(HISTORY_RECEIPTS_MAX).filter_map(|uid| {
            let (delivered, read) = *self.seen.get(&(place, uid))?;
            let address = self.users.get(&uid)?.address.clone();
            Some(Seen { uid, address, delivered, read })
        });
        some.collect()
    }

    fn remove_from_history(
        &mut self,
        uid: Uid,
        gone: &[(Uid, MessageId)],
        before: Option<(HistoryOf, Timestamp)>,
    ) {
        let messages = &self.messages;
        for ((_, side), copies) in self.history.iter_mut().filter(|((of, _), _)| *of == uid) {
            copies.retain(|_, key| {
                let old = before.is_some_and(|(of, before)| {
                    is_of(of, *side) && messages.get(key).is_none_or(|stored| stored.ts < before)
                });
                !old && !gone.contains(key)
            });
        }
    }

    fn change_message(&mut self, sender: Uid, id: MessageId, entry: &bytes::Bytes) {
        if let Some(stored) = self.messages.get_mut(&(sender, id)) {
            stored.entry.clone_from(entry);
        }
        for row in self.logs.values_mut().flat_map(|log| log.rows.values_mut()) {
            if row.message.is_some_and(|logged| (logged.sender, logged.id) == (sender, id)) {
                row.entry.clone_from(entry);
            }
        }
    }

    fn open_device(&mut self, token: TokenId, uid: Uid, key: DeviceKey, now: Timestamp) -> Reply {
        let log = self.logs.entry(uid).or_default();
        let known =
            self.devices.iter().find(|(_, device)| device.token == token && device.key == key);
        let id = known.map(|(id, _)| *id).unwrap_or_else(|| {
            self.last.device += 1;
            DeviceId(self.last.device)
        });
        let cursor = log.fetched;
        let device = self.devices.entry(id).or_insert(Device {
            token,
            uid,
            key,
            cursor,
            seen: now,
            push: Default::default(),
        });
        device.seen = now;
        let cursor = device.cursor;
        Reply::Device { device: id, cursor, head: log.head, trimmed: log.trimmed }
    }

    fn acknowledge(&mut self, id: DeviceId, uid: Uid, seq: Seq, now: Timestamp) {
        if let Some(device) = self.devices.get_mut(&id) {
            device.cursor = device.cursor.max(seq);
            device.seen = now;
        }
        let kept_from = now.0.saturating_sub(DEVICE_KEPT.as_millis() as u64);
        let holding = self.devices.values().filter(|device| device.uid == uid);
        let behind =
            holding.filter(|device| device.seen.0 >= kept_from).map(|device| device.cursor);
        let all_have = behind.min().unwrap_or(seq);
        let log = self.logs.entry(uid).or_default();
        log.fetched = log.fetched.max(seq);
        let keep = log.rows.split_off(&Seq(all_have.0 + 1));
        log.rows = keep;
        log.trimmed = log.trimmed.max(all_have);
    }

    fn shorten(&mut self, aid: AppId, days: u32, last: u64) {
        let kept = Duration::from_secs(u64::from(days) * 86_400);
        let users = &self.users;
        for ((sender, id), stored) in &mut self.messages {
            let is_of_app = users.get(sender).is_some_and(|user| user.aid == aid);
            if !is_of_app || stored.place > last {
                continue;
            }
            stored.expires = stored.expires.min(stored.ts.after(kept));
            for message in self.logs.values_mut().flat_map(|log| log.rows.values_mut()) {
                if let Some(message) = &mut message.message
                    && (message.sender, message.id) == (*sender, *id)
                {
                    message.expires = stored.expires;
                }
            }
        }
    }

    fn sweep(&mut self, now: Timestamp, count: usize) -> usize {
        if let Some((aid, (days, last))) = self.shortenings.pop_first() {
            self.shorten(aid, days, last);
            return count;
        }
        let is_over =
            |message: &Stored| message.ts.after(MESSAGE_KEY_KEPT).max(message.expires) <= now;
        let over = self.messages.iter().filter(|(_, message)| is_over(message));
        let messages: Vec<_> = over.map(|(key, _)| *key).take(count).collect();
        for key in &messages {
            self.messages.remove(key);
        }
        for copies in self.history.values_mut() {
            copies.retain(|_, key| !messages.contains(key));
        }
        let has_expired = |token: &Token| {
            token.expires.is_some_and(|expires| expires.after(EXPIRED_TOKEN_KEPT) <= now)
        };
        let expired = self.tokens.iter().filter(|(_, (token, _))| has_expired(token));
        let ids: Vec<_> = expired.map(|(id, _)| *id).take(count).collect();
        messages.len() + self.delete_tokens(|token| ids.contains(&token.id)).len()
    }

    fn take_expired(&mut self, of: Option<Uid>, now: Timestamp, count: usize) -> Reply {
        let MemoryStore { logs, users, .. } = self;
        let mut ended = Vec::new();
        for (uid, log) in logs.iter().filter(|(uid, _)| of.is_none_or(|of| **uid == of)) {
            ended.extend(log.watched.iter().filter_map(|seq| {
                // What was trimmed or dropped is not watched any more.
                let ends = log.rows.get(seq).and_then(|row| row.message)?.expires;
                (ends <= now).then_some((ends, *uid, *seq))
            }));
        }
        ended.sort_unstable();
        ended.truncate(count);
        let more = ended.len() == count;
        let mut expired = Vec::new();
        for (_, uid, seq) in ended {
            let (Some(log), Some(user)) = (logs.get_mut(&uid), users.get(&uid)) else { continue };
            log.watched.remove(&seq);
            if seq > log.fetched {
                let (aid, address) = (user.aid, user.address.clone());
                let entry = log.rows[&seq].entry.clone();
                expired.push(Expired { aid, uid, address, entry });
            }
        }
        Reply::Expired(expired, more)
    }

    fn save_group(&mut self, group: Group, put: Vec<Member>, remove: Vec<Uid>) -> GroupId {
        let gid = match group.gid {
            GroupId(0) => {
                self.last.group = (self.last.group + 1).max(GroupId::FIRST.0);
                GroupId(self.last.group)
            }
            gid => gid,
        };
        let (stored, members) = self.groups.entry(gid).or_default();
        *stored = Group { gid, ..group };
        for uid in remove {
            members.remove(&uid);
        }
        for member in put {
            members.insert(member.uid, member);
        }
        gid
    }

    fn drop_queued(&mut self, uid: Uid, gid: GroupId) {
        let Some(log) = self.logs.get_mut(&uid) else { return };
        let mut dropped = BTreeSet::new();
        log.rows.retain(|seq, row| {
            let queued =
                row.message.filter(|message| message.group == gid && message.sender != uid);
            let queued = queued.filter(|_| *seq > log.fetched);
            dropped.extend(queued.map(|message| (message.sender, message.id)));
            queued.is_none()
        });
        if let Some(copies) = self.history.get_mut(&(uid, Side::Group(gid))) {
            copies.retain(|_, message| !dropped.contains(message));
        }
    }

    fn save_contacts(&mut self, uid: Uid, contacts: Vec<Contact>) -> Vec<Contact> {
        let mut count = self.contacts.keys().filter(|(of, _)| *of == uid).count();
        let mut saved = Vec::new();
        for contact in contacts {
            let place = (uid, contact.uid);
            let known = self.contacts.contains_key(&place);
            if contact.flags == 0 {
                count -= usize::from(self.contacts.remove(&place).is_some());
            } else if known || count < CONTACTS_MAX {
                count += usize::from(!known);
                self.contacts.insert(place, contact.flags);
            } else {
                continue;
            }
            saved.push(contact);
        }
        saved
    }

    fn contacts_of(&self, uid: Uid) -> impl Iterator<Item = Contact> {
        let all = self.contacts.range((uid, Uid(0))..=(uid, Uid(u32::MAX)));
        all.filter_map(|((_, peer), flags)| {
            let address = self.users.get(peer)?.address.clone();
            Some(Contact { uid: *peer, address, flags: *flags })
        })
    }

    fn delete_tokens(&mut self, wanted: impl Fn(&Token) -> bool) -> Vec<TokenId> {
        let tokens = self.tokens.iter().filter(|(_, (token, _))| wanted(token));
        let ids: Vec<_> = tokens.map(|(id, _)| *id).collect();
        for id in &ids {
            self.tokens.remove(id);
            self.devices.retain(|_, device| device.token != *id);
        }
        ids
    }

    fn delete_user(&mut self, uid: Uid) {
        self.users.remove(&uid);
        self.delete_tokens(|token| token.uid == uid);
        self.logs.remove(&uid);
        self.history.retain(|(of, _), _| *of != uid);
        self.seen.retain(|(_, by), _| *by != uid);
        self.contacts.retain(|(of, peer), _| *of != uid && *peer != uid);
        for (name, (of, _)) in self.files.iter_mut().filter(|(_, (of, _))| *of == uid) {
            *of = Uid(0);
            self.named.insert(name.clone());
        }
        for (group, members) in self.groups.values_mut() {
            members.remove(&uid);
            if group.owner == Some(uid) {
                let stays = |member: &&Member| member.admin_flags != 0 && member.expires.is_none();
                group.owner = members.values().find(stays).map(|member| member.uid);
            }
        }
    }
}

impl MemoryStore {
    /// What records name files by.
    fn keys_in_use(&self) -> BTreeSet<String> {
        let messages = self.messages.values().map(|stored| &stored.entry[..]);
        let users = self.users.values().flat_map(|it| [it.image.as_bytes(), it.values.as_bytes()]);
        let groups = self.groups.values();
        let groups = groups.flat_map(|(it, _)| [it.image.as_bytes(), it.values.as_bytes()]);
        let said = messages.chain(users).chain(groups);
        said.flat_map(file_keys_in).map(str::to_owned).collect()
    }

    /// Notes which files are named now.
    fn note_named(&mut self) {
        let used = self.keys_in_use();
        let names = self.files.keys().filter(|name| is_named(name, &used)).cloned();
        self.named.extend(names);
    }

    fn left_files(&self, wanted: &LeftFiles) -> Vec<String> {
        let mut used = self.keys_in_use();
        let due = self.scheduled.values().flat_map(|due| file_keys_in(&due.message));
        used.extend(due.map(str::to_owned));
        let is_before = |ts, before: Option<Timestamp>| before.is_some_and(|before| ts < before);
        let left = self.files.iter().filter(|(name, (_, file))| {
            let unnamed = !is_named(name, &used);
            let ever = self.named.contains(*name);
            unnamed && (ever || is_before(file.ts, wanted.unnamed_before))
                || is_before(file.ts, wanted.before)
        });
        left.map(|(name, _)| name.clone()).take(wanted.count).collect()
    }

    fn personal(&mut self, request: PersonalRequest) -> PersonalReply {
        match request {
            PersonalRequest::Known { uid } => PersonalReply::Known(self.known(uid)),
            PersonalRequest::Messages { uid, after, count } => {
                let copies = self.history.iter().filter(|((of, _), _)| *of == uid);
                let copies = copies.flat_map(|(_, copies)| copies.values());
                let own = self.messages.keys().filter(|(sender, _)| *sender == uid);
                let keys: BTreeSet<_> = copies.chain(own).collect();
                let rows = keys.into_iter().filter_map(|key| self.messages.get(key));
                let rows = rows.filter(|stored| stored.place > after);
                let rows: BTreeMap<_, _> =
                    rows.map(|stored| (stored.place, stored.entry.clone())).collect();
                PersonalReply::Messages(rows.into_iter().take(count as usize).collect())
            }
            PersonalRequest::Filed { uid, file } => {
                let aid = self.users.get(&uid).map_or(AppId(0), |user| user.aid);
                self.file_apps.entry(file.name.clone()).or_insert(aid);
                self.files.entry(file.name.clone()).or_insert((uid, file));
                PersonalReply::Done
            }
            PersonalRequest::LeftFiles(wanted) => {
                PersonalReply::LeftFiles(self.left_files(&wanted))
            }
            PersonalRequest::Unfiled { names } => {
                self.files.retain(|name, _| !names.contains(name));
                self.file_apps.retain(|name, _| !names.contains(name));
                PersonalReply::Done
            }
            PersonalRequest::Erase { who, .. } => {
                self.erase(&who);
                PersonalReply::Erased(None)
            }
        }
    }

    fn known(&self, uid: Uid) -> Known {
        let mut files: Vec<_> = self.files.values().filter(|(of, _)| *of == uid).cloned().collect();
        let sent = self.messages.iter().filter(|((sender, _), _)| *sender == uid);
        let named = sent.filter_map(|(_, stored)| hub::file_of(&stored.entry, stored.ts));
        let picture = self.users.get(&uid).and_then(|user| hub::name_in(&user.image));
        let picture = picture.map(|name| StoredFile { name, ..StoredFile::default() });
        for file in named.chain(picture) {
            let is_known = files.iter().any(|(_, known)| known.name == file.name);
            if !self.files.contains_key(&file.name) && !is_known {
                files.push((uid, file));
            }
        }
        let devices = self.devices.iter().filter(|(_, device)| device.uid == uid);
        let groups = self.groups.values().filter_map(|(group, members)| {
            Some((Group { pins: Vec::new(), ..group.clone() }, members.get(&uid)?.clone()))
        });
        let contacts = self.contacts.iter().filter(|((of, _), _)| *of == uid);
        let own = |due: &&Scheduled| {
            let message = wire::proto::Message::decode(&due.message[..]);
            message.is_ok_and(|message| message.from_uid == uid.0)
        };
        let log = self.logs.get(&uid).into_iter().flat_map(|log| log.rows.values());
        Known {
            remote: self.remotes.get(&uid).copied(),
            tokens: self
                .tokens
                .values()
                .map(|(token, _)| token)
                .filter(|it| it.uid == uid)
                .cloned()
                .collect(),
            devices: devices
                .map(|(id, device)| KnownDevice {
                    id: *id,
                    token: device.token,
                    seen: device.seen,
                    push: device.push.0.clone(),
                })
                .collect(),
            groups: groups.collect(),
            contacts: contacts
                .map(|((_, peer), flags)| Contact {
                    uid: *peer,
                    address: self
                        .users
                        .get(peer)
                        .map_or_else(String::new, |user| user.address.clone()),
                    flags: *flags,
                })
                .collect(),
            files: files.into_iter().map(|(_, file)| file).collect(),
            scheduled: self.scheduled.values().filter(own).cloned().collect(),
            waiting: log.filter(|row| row.message.is_none()).cloned().collect(),
        }
    }

    fn erase(&mut self, who: &Person) {
        let of_app = |users: &BTreeMap<Uid, User>, uid: &Uid| {
            users.get(uid).is_some_and(|user| user.aid == who.aid)
        };
        let users = &self.users;
        self.messages.retain(|(sender, _), stored| {
            !of_app(users, sender) || who.trace(&stored.entry) != Trace::All
        });
        let messages = &self.messages;
        for copies in self.history.values_mut() {
            copies.retain(|_, key| messages.contains_key(key));
        }
        self.scheduled.retain(|_, due| {
            let message = wire::proto::Message::decode(&due.message[..]);
            due.aid != who.aid || !message.is_ok_and(|message| who.is_in(&message))
        });
        for (uid, log) in &mut self.logs {
            let is_of_app = of_app(users, uid);
            log.rows.retain(|_, row| match row.message {
                Some(logged) => messages.contains_key(&(logged.sender, logged.id)),
                None if !is_of_app => true,
                None => match who.trace(&row.entry) {
                    Trace::None => true,
                    Trace::All => false,
                    Trace::Besides(rest) => {
                        row.entry = rest;
                        true
                    }
                },
            });
        }
    }

    fn of_app(&mut self, request: AppRequest) -> Result<AppReply, StoreError> {
        Ok(match request {
            AppRequest::Save { app } => {
                if self.apps.values().any(|it| it.name == app.name && it.aid != app.aid) {
                    return Err(StoreError::Exists);
                }
                let before = self.apps.insert(app.aid, App::clone(&app)).unwrap_or_default();
                if app.settings.keeps_shorter_than(&before.settings) {
                    let days = app.settings.retention_days.unsigned_abs();
                    self.shortenings.insert(app.aid, (days, self.last.message));
                }
                AppReply::Done
            }
            AppRequest::ReplaceToken { aid, hash } => {
                self.app_tokens.retain(|_, of| *of != aid);
                self.app_tokens.insert(hash, aid);
                AppReply::Done
            }
            AppRequest::Delete { aid } => {
                let of_app = self.users.values().filter(|user| user.aid == aid);
                for uid in of_app.map(|user| user.uid).collect::<Vec<_>>() {
                    self.delete_user(uid);
                    self.messages.retain(|(sender, _), _| *sender != uid);
                }
                self.groups.retain(|_, (group, _)| group.aid != aid);
                self.scheduled.retain(|_, scheduled| scheduled.aid != aid);
                self.usage.retain(|(of, _), _| *of != aid);
                self.shortenings.remove(&aid);
                self.app_tokens.retain(|_, of| *of != aid);
                self.apps.remove(&aid);
                AppReply::Done
            }
            AppRequest::List => AppReply::Apps(self.apps.values().cloned().collect()),
            AppRequest::Count { aid } => AppReply::Counted {
                users: self.users.values().filter(|user| user.aid == aid).count() as u64,
                groups: self.groups.values().filter(|(group, _)| group.aid == aid).count() as u64,
            },
            AppRequest::Users { aid, filter } => {
                let of_app = self.users.values().filter(|user| user.aid == aid);
                let rows = of_app.filter(|user| fits(&filter, user.uid.0, &user.address));
                let among = |user: &&User| {
                    let wanted = filter.among.as_ref();
                    wanted.is_none_or(|(wanted, some)| some.contains(&user.uid) == *wanted)
                };
                let rows = rows.filter(among).map(|user| {
                    let tokens = self.tokens.values().rev();
                    let newest = tokens.map(|(token, _)| token).find(|it| it.uid == user.uid);
                    let app = newest.map(|token| token.app.clone()).unwrap_or_default();
                    let remote = self.remotes.get(&user.uid).copied();
                    UserRow { user: user.clone(), app, remote }
                });
                let (rows, more) = cut(rows, filter.count);
                AppReply::Users(rows, more)
            }
            AppRequest::Groups { aid, filter } => {
                let of_app = self.groups.values().filter(|(group, _)| group.aid == aid);
                let rows = of_app.filter(|(group, _)| fits(&filter, group.gid.0, &group.name));
                let rows = rows.map(|(group, members)| (group.clone(), members.len() as u32));
                let (rows, more) = cut(rows, filter.count);
                AppReply::Groups(rows, more)
            }
            AppRequest::DeleteToken { aid, hash } => {
                let token = self.tokens.values().find(|(_, known)| *known == hash);
                let token = token.map(|(token, _)| (token.id, self.users[&token.uid].clone()));
                let token = token.filter(|(_, user)| user.aid == aid);
                if let Some((id, _)) = &token {
                    self.delete_tokens(|token| token.id == *id);
                }
                AppReply::TokenDeleted(token)
            }
            AppRequest::SignedIn { uid, remote, at } => {
                self.remotes.insert(uid, remote);
                if let Some(aid) = self.users.get(&uid).map(|user| user.aid) {
                    for period in [day_of(at), day_of(at) / 100] {
                        let (users, _) = self.usage.entry((aid, period)).or_default();
                        users.insert(uid);
                    }
                }
                AppReply::Done
            }
            AppRequest::Use { used, at } => {
                for used in used.iter().filter(|used| self.apps.contains_key(&used.aid)) {
                    for period in [day_of(at), day_of(at) / 100] {
                        let (_, sum) = self.usage.entry((used.aid, period)).or_default();
                        sum.aid = used.aid;
                        sum.add(used);
                    }
                }
                AppReply::Done
            }
            AppRequest::Sent { aid, month } => {
                let of_month = self.usage.get(&(aid, month));
                AppReply::Sent(of_month.map_or(0, |(_, used)| used.messages))
            }
            AppRequest::FilesSize { aid } => {
                let of_app =
                    self.files.iter().filter(|(name, _)| self.file_apps.get(*name) == Some(&aid));
                AppReply::FilesSize(of_app.map(|(_, (_, file))| file.size).sum())
            }
            AppRequest::Usage { aid, monthly, count } => {
                let rows = self
                    .usage
                    .iter()
                    .rev()
                    .filter(|((of, period), _)| *of == aid && (*period < 1_000_000) == monthly);
                let rows = rows.map(|((_, period), (users, used))| UsageRow {
                    period: *period,
                    users: users.len() as u64,
                    used: Used { aid, ..used.clone() },
                });
                AppReply::Usage(rows.take(count as usize).collect())
            }
            AppRequest::Schedule { messages } => {
                for message in messages {
                    self.last.scheduled += 1;
                    let id = self.last.scheduled;
                    self.scheduled.insert(id, Scheduled { id, ..message });
                }
                AppReply::Done
            }
            AppRequest::Due { now, count } => {
                let mut all: Vec<_> = self.scheduled.values().cloned().collect();
                all.sort_by_key(|scheduled| (scheduled.due, scheduled.id));
                let due = all.iter().filter(|scheduled| scheduled.due <= now).count().min(count);
                let next = all.get(due).map(|next| next.due);
                all.truncate(due);
                AppReply::Due(all, next)
            }
            AppRequest::Cancel { aid, sender, mids } => {
                let due = self
                    .scheduled
                    .extract_if(.., |_, due| due.aid == aid && due.is_of(sender, &mids));
                AppReply::Cancelled(due.map(|(_, due)| due).collect())
            }
            AppRequest::Unschedule { id } => {
                self.scheduled.remove(&id);
                AppReply::Done
            }
        })
    }
}

fn fits(filter: &Filter, id: u32, name: &str) -> bool {
    id > filter.after && filter.id.is_none_or(|only| only == id) && matches(&filter.pattern, name)
}

fn cut<T>(rows: impl Iterator<Item = T>, count: u32) -> (Vec<T>, bool) {
    let mut rows: Vec<_> = rows.take(count as usize + 1).collect();
    let more = rows.len() > count as usize;
    rows.truncate(count as usize);
    (rows, more)
}

impl SyncStore for MemoryStore {
    fn perform(&mut self, request: Request) -> Result<Reply, StoreError> {
        if !self.files.is_empty() {
            self.note_named();
        }
        Ok(match request {
            Request::FindToken { hash } => {
                let found = self.tokens.values().find(|(_, known)| *known == hash);
                Reply::Token(
                    found.map(|(token, _)| (token.clone(), self.users[&token.uid].clone())),
                )
            }
            Request::OpenDevice { token, uid, key, now } => self.open_device(token, uid, key, now),
            Request::LoadUser { uid } => Reply::User(self.users.get(&uid).cloned()),
            Request::FindUser { aid, address } => {
                let mut users = self.users.values();
                Reply::User(users.find(|user| user.aid == aid && user.address == address).cloned())
            }
            Request::LoadGroup { gid } => Reply::Group(self.groups.get(&gid).map(|found| {
                let (group, members) = found;
                let members = members.values().map(|m| (m.clone(), self.users[&m.uid].clone()));
                (group.clone(), members.collect())
            })),
            Request::LoadMemberships { uid } => {
                let groups =
                    self.groups.iter().filter(|(_, (_, members))| members.contains_key(&uid));
                Reply::Groups(groups.map(|(gid, _)| *gid).collect())
            }
            Request::CountMemberships { uids, now } => {
                let is_over = |expires: Option<Timestamp>| expires.is_some_and(|at| at <= now);
                let groups = |uid| {
                    let there = self.groups.values().filter(|(group, _)| !is_over(group.expires));
                    let members = there.filter_map(|(_, members)| members.get(uid));
                    members.filter(|member| !is_over(member.expires)).count() as u32
                };
                Reply::MembershipCounts(uids.iter().map(|uid| (*uid, groups(uid))).collect())
            }
            Request::Append { messages } => {
                let messages = messages.into_iter();
                Reply::Stored(messages.map(|(message, to)| self.append(message, to)).collect())
            }
            Request::FindMessage { sender, id } => {
                let found = self.messages.get(&(sender, id));
                Reply::Message(found.map(|found| (found.ts, found.entry.clone())))
            }
            Request::ReadHistory { uid, of, before, after, until, count, now } => {
                Reply::History(self.read_history(uid, of, (before, after, until), count, now))
            }
            Request::RemoveFromHistory { uid, messages, before, notes } => {
                self.remove_from_history(uid, &messages, before);
                Reply::Appended(self.append_notes(notes))
            }
            Request::ChangeMessage { sender, id, entry, notes } => {
                self.change_message(sender, id, &entry);
                Reply::Appended(self.append_notes(notes))
            }
            Request::AppendNotes { notes } => Reply::Appended(self.append_notes(notes)),
            Request::Acknowledge { device, uid, seq, notes, now } => {
                self.acknowledge(device, uid, seq, now);
                Reply::Appended(self.append_notes(notes))
            }
            Request::ReadLog { uid, after, count, now } => {
                let log = self.logs.entry(uid).or_default();
                let rows: Vec<_> = log
                    .rows
                    .range(Seq(after.0 + 1)..)
                    .take(count)
                    .map(|(_, row)| row.clone())
                    .collect();
                let upto = rows.last().map_or(log.head.max(after), |row| row.seq);
                let alive = |row: &LogRow| row.message.is_none_or(|message| message.expires > now);
                Reply::Log { rows: rows.into_iter().filter(alive).collect(), upto, head: log.head }
            }
            Request::SetLastOnline { uid, at } => {
                if let Some(user) = self.users.get_mut(&uid) {
                    user.last_online = at;
                }
                Reply::Done
            }
            Request::SaveContacts { uid, contacts } => {
                Reply::Contacts(self.save_contacts(uid, contacts))
            }
            Request::LoadContacts { uid } => Reply::Contacts(self.contacts_of(uid).collect()),
            Request::LoadBlockers { uid } => {
                let of = self.contacts.iter().filter(|((_, peer), _)| *peer == uid);
                let mask = contact::BLOCK_ANY | contact::LEVELS;
                let blocks = of.map(|((by, _), flags)| (*by, flags & mask));
                Reply::Blockers(blocks.filter(|(_, flags)| *flags != 0).collect())
            }
            Request::Search { aid, by, text, contacts, groups, after_uid, after_gid, count } => {
                let text = text.to_ascii_lowercase();
                let named = |name: &str| name.to_ascii_lowercase().contains(&text);
                let is_contact = |uid| {
                    let flags = self.contacts.get(&(by, uid)).copied().unwrap_or_default();
                    contacts && flags & contact::CONTACT != 0
                };
                let users = self.users.values().filter(|user| {
                    user.aid == aid
                        && user.uid != by
                        && user.uid > after_uid
                        && (user.flags & user_flag::SEARCHABLE != 0 || is_contact(user.uid))
                        && (named(&user.name) || user.address.eq_ignore_ascii_case(&text))
                });
                let found = self.groups.values().map(|(group, _)| group).filter(|group| {
                    groups
                        && group.aid == aid
                        && group.gid > after_gid
                        && group.flags & mode::SEARCHABLE != 0
                        && named(&group.name)
                });
                Reply::Found {
                    users: users.take(count).cloned().collect(),
                    groups: found.take(count).cloned().collect(),
                }
            }
            Request::SavePushToken { device, token, voip } => {
                for other in self.devices.values_mut().filter(|other| other.push.0 == token) {
                    other.push = Default::default();
                }
                if let Some(device) = self.devices.get_mut(&device) {
                    device.push = (token, voip);
                }
                Reply::Done
            }
            Request::LoadPushTokens { uids } => {
                let tokens = uids.iter().flat_map(|uid| {
                    let devices = self.devices.iter().filter(|(_, device)| device.uid == *uid);
                    let known = devices.filter(|(_, device)| !device.push.0.is_empty());
                    known.map(|(id, device)| (*uid, *id, device.push.0.clone(), device.push.1))
                });
                Reply::PushTokens(tokens.collect())
            }
            Request::DropPushToken { device, token } => {
                let found = self.devices.get_mut(&device);
                if let Some(device) = found.filter(|device| device.push.0 == token) {
                    device.push = Default::default();
                }
                Reply::Done
            }
            Request::TakeExpired { uid, now, count } => self.take_expired(uid, now, count),
            Request::Sweep { now, count } => Reply::Swept(self.sweep(now, count)),
            Request::OfApp(request) => Reply::OfApp(self.of_app(request)?),
            Request::Personal(request) => Reply::Personal(self.personal(request)),
            Request::FindApp { hash } => {
                Reply::App(self.app_tokens.get(&hash).map(|aid| self.apps[aid].clone()))
            }
            Request::LoadApp { aid } => Reply::App(self.apps.get(&aid).cloned()),
            Request::CreateApp { name, hash } => {
                if self.apps.values().any(|app| app.name == name) {
                    return Err(StoreError::Exists);
                }
                self.last.app += 1;
                let app = App { aid: AppId(self.last.app), name, active: true, ..App::default() };
                self.apps.insert(app.aid, app.clone());
                self.app_tokens.insert(hash, app.aid);
                Reply::App(Some(app))
            }
            Request::SaveUser { mut user } => {
                let taken = |other: &User| {
                    other.aid == user.aid && other.address == user.address && other.uid != user.uid
                };
                if self.users.values().any(taken) {
                    return Err(StoreError::Exists);
                }
                if user.uid == Uid(0) {
                    self.last.user += 1;
                    user.uid = Uid(self.last.user);
                }
                self.users.insert(user.uid, user.clone());
                Reply::User(Some(user))
            }
            Request::DeleteUser { uid, notes } => {
                self.delete_user(uid);
                Reply::Appended(self.append_notes(notes))
            }
            Request::IssueToken { token, hash, keep } => {
                let of_app = self
                    .tokens
                    .values()
                    .filter(|(old, _)| old.uid == token.uid && old.app == token.app);
                let mut older: Vec<_> = of_app.map(|(old, _)| old.id).collect();
                older.truncate((older.len() + 1).saturating_sub(keep as usize));
                let replaced = self.delete_tokens(|old| older.contains(&old.id));
                self.last.token += 1;
                let id = TokenId(self.last.token);
                self.tokens.insert(id, (Token { id, ..token }, hash));
                Reply::TokenIssued { token: id, replaced }
            }
            Request::DeleteTokens { uid, app } => {
                let wanted = |token: &Token| {
                    token.uid == uid && app.as_ref().is_none_or(|app| *app == token.app)
                };
                Reply::TokensDeleted(self.delete_tokens(wanted))
            }
            Request::SaveGroup { group, put, remove, unqueue, notes } => {
                let gid = self.save_group(group, put, remove);
                unqueue.into_iter().for_each(|uid| self.drop_queued(uid, gid));
                Reply::GroupSaved { gid, places: self.append_notes(notes) }
            }
            Request::DeleteGroup { gid, notes } => {
                let members = self.groups.remove(&gid).map(|(_, members)| members);
                for uid in members.into_iter().flat_map(BTreeMap::into_keys) {
                    self.drop_queued(uid, gid);
                }
                Reply::Appended(self.append_notes(notes))
            }
        })
    }

    fn reopen(self) -> MemoryStore {
        self
    }

    fn kill(self) -> MemoryStore {
        self
    }
}

impl MemoryStore {
    /// Messages in all logs, for a model to compare with.
    pub fn stored_messages(&self) -> BTreeSet<(Uid, MessageId)> {
        self.messages.keys().copied().collect()
    }
}

impl MemoryStore {
    /// For a planted bug: as if this message had never been stored.
    pub fn forget_message(&mut self, sender: Uid, id: MessageId) {
        self.messages.remove(&(sender, id));
    }
}
fn is_named(name: &str, used: &BTreeSet<String>) -> bool {
    file_keys(name).is_some_and(|keys| keys.iter().any(|key| used.contains(key)))
}
