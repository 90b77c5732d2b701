//! Messages: who may send what where, stored before accepted, read notices.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use wire::code::Code;
use wire::codec::Encode as _;
use wire::frame::encode_deliver;
use wire::id::{AppId, GroupId, MessageId, Seq, SessionId, Ticket, Uid};
use wire::limits::{
    APPEND_MESSAGES_MAX, CONTENT_BYTES_MAX, EXPIRY_DEFAULT, READ_MESSAGES_MAX,
    SESSION_PARKED_FRAMES_MAX,
};
use wire::mask::{contact, group as mode, member as right, message as flag, user as user_flag};
use wire::proto::{
    Accepted, Entry, Message, MessageRef, Read, ReadElsewhere, Rejected, Send, StatusReport, entry,
    server_frame, target,
};
use wire::status;
use wire::time::{Duration, Timestamp};

use crate::changes::{Noted, message_in};
use crate::delivery::{self, note};
use crate::directory::{Missing, Needs};
use crate::hub::{Hub, Pending};
use crate::intercept::{Judged, Judgement, Look, changed};
use crate::port::apps::{feature, rate};
use crate::port::hook::Verdict;
use crate::port::store::{NewMessage, Note, Outcome, Reply, Request, StoreError};

/// Why a message is not sent, as its sender is told.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: u32,
    reason: &'static str,
}

/// A message that is allowed and waits until those before it are stored.
#[derive(Debug)]
pub(crate) struct Outgoing {
    message: Message,
    id: MessageId,
    group: GroupId,
    /// How long it is kept, `None` = for whoever is online now.
    lifetime: Option<Duration>,
    /// Who gets it.
    to: Vec<Uid>,
    look: Look,
}

/// A message that its backend has taken for itself: what its sender is told of it, by whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Consumed {
    id: MessageId,
    peer: Uid,
    status: u32,
}

/// Where an allowed message goes.
struct Destination {
    /// Logs that get it, the sender's not included.
    to: Vec<Uid>,
    group: GroupId,
    /// Never stored, whatever the message says.
    storeless: bool,
}

impl Hub {
    pub(crate) fn on_send(&mut self, id: SessionId, send: &Send) -> Result<(), Needs> {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else {
            return Ok(());
        };
        let (uid, aid, address, key) = (live.uid, live.aid, live.address.clone(), live.key);
        let Some(message_id) = MessageId::new(send.id) else {
            self.reject(id, send.id, fail("the message id is zero or not below 2^53"));
            return Ok(());
        };
        let content = send.content.clone().unwrap_or_default();
        if content.encoded_len() > CONTENT_BYTES_MAX {
            self.reject(id, send.id, fail("the content is larger than 68 KiB"));
            return Ok(());
        }
        let destination = self.destination(uid, aid, send)?;
        let is_out = self.is_out_of_messages(aid)?;
        let within = destination.is_err() || self.charge_class(uid, rate::MESSAGE);
        let destination = destination.and_then(|found| match is_out {
            true => Err(fail("the app has sent as many messages this month as it may (maxmsgs)")),
            false => Ok(found),
        });
        let destination =
            match destination.and_then(|found| within.then_some(found).ok_or(too_many())) {
                Ok(Destination { to, group, storeless }) => {
                    Destination { to: self.by_turns(aid, group, to), group, storeless }
                }
                Err(refusal) => {
                    if refusal.status == status::INVALID_DESTINATION {
                        self.hook_invalid(aid, message_from(send, (uid, address), self.now.wall));
                    }
                    // It may have been stored before the right to send it was taken away.
                    let request = Request::FindMessage { sender: uid, id: message_id };
                    self.ask(request, Pending::Refusal { session: id, id: message_id, refusal });
                    return Ok(());
                }
            };

        let message = message_from(send, (uid, address), self.now.wall);
        let message = Message { content: Some(content), origin: key.0.to_vec(), ..message };
        let Destination { mut to, group, storeless } = destination;
        let loopback = self.loops_back(aid, group, uid);
        let message = Message { loopback, ..message };
        if loopback {
            to.push(uid);
        }
        let is_passing = send.flags & (flag::TRANSIENT | flag::PRESENCE) != 0;
        if send.expiry == Some(0) || is_passing || storeless {
            let look = self.look_at(aid, &message, Judged::Message(id));
            if look == Look::Passed {
                self.send_now(id, &message, (&to, group));
                self.enter_group(id, group);
                return Ok(());
            }
            let outgoing = Outgoing { message, id: message_id, group, lifetime: None, to, look };
            self.queue(id, outgoing);
            return Ok(());
        }
        // It counts from when it was sent; who waits longer for a connection has less of it.
        let seconds = |s: u32| Duration::from_secs(s.into());
        let waited = match send.sent {
            0 => Duration::ZERO,
            sent => Duration::from_millis(self.now.wall.0.saturating_sub(sent)),
        };
        let age = message.content.as_ref().map_or(0, |content| content.age);
        let limits =
            [send.expiry.map(seconds), (age > 0).then(|| seconds(age)), self.kept_for(aid)?];
        let limit = limits.into_iter().flatten().min();
        let lifetime = limit.map_or(EXPIRY_DEFAULT, |limit| limit.saturating_sub(waited));
        if lifetime.is_zero() {
            // It may have been stored the first time.
            let request = Request::FindMessage { sender: uid, id: message_id };
            let refusal = expired();
            self.ask(request, Pending::Refusal { session: id, id: message_id, refusal });
            return Ok(());
        }
        if !to.contains(&uid) {
            to.push(uid);
        }
        let lifetime = Some(lifetime);
        let look = self.look_at(aid, &message, Judged::Message(id));
        self.queue(id, Outgoing { message, id: message_id, group, lifetime, to, look });
        if look == Look::Passed {
            self.enter_group(id, group);
        }
        Ok(())
    }

    /// Takes a message behind those of its session that are not stored yet.
    fn queue(&mut self, id: SessionId, outgoing: Outgoing) {
        let live = self.sessions.get_mut(&id).and_then(|session| session.live_mut());
        let Some(live) = live else { return };
        if live.outgoing.len() >= SESSION_PARKED_FRAMES_MAX {
            return self.end(id, Code::Overloaded, "too many messages wait for storage");
        }
        live.outgoing.push_back(outgoing);
        self.store_next(id);
    }

    /// A verdict on one of the messages that wait in a session.
    pub(crate) fn on_message_judged(&mut self, id: SessionId, ticket: Ticket, verdict: Verdict) {
        let live = self.sessions.get(&id).and_then(|session| session.live());
        let Some(live) = live else { return };
        let is_it = |outgoing: &Outgoing| outgoing.look == Look::Asked(ticket);
        let Some(place) = live.outgoing.iter().position(is_it) else { return };
        let (uid, aid, group) = (live.uid, live.aid, live.outgoing[place].group);
        let content = live.outgoing[place].message.content.clone().unwrap_or_default();
        let judgement = self.judgement(aid, verdict, &content);
        let live = self.sessions.get_mut(&id).and_then(|session| session.live_mut());
        let Some(live) = live else { return };
        let outgoing = &mut live.outgoing[place];
        let mut passes = true;
        match judgement {
            Judgement::Passed => outgoing.look = Look::Passed,
            Judgement::Changed { text, title, subtitle } => {
                outgoing.look = Look::Passed;
                outgoing.message.content = Some(changed(content, (&text, &title, &subtitle)));
            }
            Judgement::Consumed(status) => {
                outgoing.look = Look::Consumed(status);
                passes = false;
            }
            Judgement::Refused(refusal) => {
                let message = outgoing.id;
                live.outgoing.remove(place);
                passes = false;
                // It may have been let through, and stored, before its sender lost the connection.
                let request = Request::FindMessage { sender: uid, id: message };
                self.ask(request, Pending::Refusal { session: id, id: message, refusal });
            }
        }
        self.store_next(id);
        if passes {
            self.enter_group(id, group);
        }
    }

    /// Stores what waits in a session with one request, and no other before that is answered: when
    /// it fails, no message behind it may succeed, or those sent again would come after it.
    fn store_next(&mut self, id: SessionId) {
        while let Some(outgoing) = self.next_unstored(id) {
            match outgoing.look {
                Look::Consumed(_) => {
                    let (raw_id, ts) = (outgoing.id.get(), self.now.wall.0);
                    let accepted = Accepted { id: raw_id, ts, recipients: 0 };
                    self.send(id, server_frame::Body::Accepted(accepted));
                }
                _ => self.send_now(id, &outgoing.message, (&outgoing.to, outgoing.group)),
            }
        }
        let Some(live) = self.sessions.get_mut(&id).and_then(|session| session.live_mut()) else {
            return;
        };
        let is_ready = |outgoing: &&Outgoing| {
            outgoing.lifetime.is_some() && !matches!(outgoing.look, Look::Asked(_))
        };
        let count = live.outgoing.iter().take(APPEND_MESSAGES_MAX).take_while(is_ready).count();
        if live.storing || count == 0 {
            return;
        }
        live.storing = true;
        let aid = live.aid;
        // Their time is the one at which they get their places in the logs, so that both climb
        // together.
        let ts = self.now.wall;
        let mut messages = Vec::with_capacity(count);
        let mut consumed = Vec::new();
        for Outgoing { message, id, group, lifetime, mut to, look } in live.outgoing.drain(..count)
        {
            let sender = Uid(message.from_uid);
            let mut peer = Uid(0);
            if let Look::Consumed(status) = look {
                if group == GroupId(0) {
                    peer = to.iter().copied().find(|uid| *uid != sender).unwrap_or_default();
                }
                to = [sender].into();
                consumed.push(Consumed { id, peer, status });
            }
            let message = NewMessage {
                sender,
                id,
                flags: message.flags,
                group,
                peer,
                ts,
                expires: ts.after(lifetime.unwrap_or_default()),
                watched: false,
                entry: encoded(Message { ts: ts.0, ..message }),
            };
            messages.push((message, to));
        }
        if live.outgoing.is_empty() {
            live.outgoing = VecDeque::new();
        }
        if self.watches_ends(aid) {
            messages.iter_mut().for_each(|(message, _)| message.watched = true);
        }
        let asked = messages.iter().map(|(message, _)| message.clone()).collect();
        let pending = Pending::Append { session: id, messages: asked, consumed };
        self.ask(Request::Append { messages }, pending);
    }

    /// The next message of a session, if it is one that is not stored and nothing keeps it waiting.
    fn next_unstored(&mut self, id: SessionId) -> Option<Outgoing> {
        let live = self.sessions.get_mut(&id)?.live_mut()?;
        let first = live.outgoing.front().filter(|first| first.lifetime.is_none())?;
        match live.storing || matches!(first.look, Look::Asked(_)) {
            true => None,
            false => live.outgoing.pop_front(),
        }
    }

    /// How long messages of an app are kept at most, `None` = as long as their senders want.
    pub(crate) fn kept_for(&self, aid: AppId) -> Result<Option<Duration>, Missing> {
        let days = self.directory.app(aid)?.map_or(0, |app| app.settings.retention_days);
        // 0 and -1: the operator's `history` decides alone.
        let days = u64::try_from(days).ok().filter(|days| *days > 0);
        Ok(days.map(|days| Duration::from_secs(days * 86_400)))
    }

    /// Who gets this message, if it may be sent at all.
    fn destination(
        &self,
        uid: Uid,
        aid: wire::id::AppId,
        send: &Send,
    ) -> Result<Result<Destination, Refusal>, Missing> {
        let refuse = |status, reason| Ok(Err(Refusal { status, reason }));
        let sender = self.directory.user(uid)?;
        if sender.is_none_or(|user| user.flags & user_flag::NO_OUTGOING != 0) {
            return refuse(status::BLOCKED, "sending is switched off for this user");
        }
        if !self.may_use(uid, needed(send))? {
            return refuse(
                status::BLOCKED,
                "the user's feature class does not leave it this message",
            );
        }
        match send.to.as_ref().and_then(|target| target.to.as_ref()) {
            None => refuse(status::INVALID_DESTINATION, "the message has no destination"),
            Some(target::To::Address(address)) => {
                if !is_address(address) {
                    return refuse(status::INVALID_DESTINATION, "no such user");
                }
                let Some(peer) = self.directory.find_user(aid, address)? else {
                    return refuse(status::INVALID_DESTINATION, "no such user");
                };
                let class = self.class_of(peer)?;
                if peer.flags & user_flag::NO_INCOMING != 0
                    || class.is_some_and(|class| class.denies(feature::MESSAGE_IN))
                {
                    return refuse(status::BLOCKED, "the user does not receive messages");
                }
                if self.directory.blockers(uid)?.get(&peer.uid).is_some_and(blocks_messages) {
                    return refuse(status::BLOCKED, "the user has blocked this sender");
                }
                let unkept = peer.flags & user_flag::NO_OFFLINE_STORAGE != 0
                    || class.is_some_and(|class| class.denies(feature::STORAGE));
                let storeless = unkept && !self.online.contains(peer.uid);
                Ok(Ok(Destination { to: alloc::vec![peer.uid], group: GroupId(0), storeless }))
            }
            Some(target::To::Group(gid)) => {
                let gid = GroupId(*gid);
                let Some(roster) = self.directory.group(aid, gid)? else {
                    return refuse(status::INVALID_DESTINATION, "no such group");
                };
                let group = &roster.group;
                if group.expires.is_some_and(|expires| expires <= self.now.wall) {
                    return refuse(status::INVALID_DESTINATION, "the group has expired");
                }
                if !group.active {
                    return refuse(status::GROUP_PAUSED, "the group is paused");
                }
                let rights = self.rights_in(roster, uid);
                if !rights.allow(right::SEND) {
                    return if rights.member {
                        refuse(status::BLOCKED, "no right to send to this group")
                    } else {
                        refuse(status::NOT_MEMBER, "not a member of this group")
                    };
                }
                let blockers = self.directory.blockers(uid)?;
                let to = self.group_receivers(roster, uid, blockers);
                let storeless = group.flags & mode::NO_STORAGE != 0;
                Ok(Ok(Destination { to, group: gid, storeless }))
            }
        }
    }

    /// A message that is not stored: for whoever is online now, the sender's other devices too.
    fn send_now(&mut self, id: SessionId, message: &Message, (to, group): (&[Uid], GroupId)) {
        let (sender, raw_id) = (Uid(message.from_uid), message.id);
        let others = |uid: &&Uid| group == GroupId(0) || **uid != sender;
        let reached = to.iter().filter(others).filter(|uid| self.online.contains(**uid)).count();
        if reached == 0 && group == GroupId(0) {
            let refusal = Refusal { status: status::USER_OFFLINE, reason: "nobody is online" };
            return self.reject(id, raw_id, refusal);
        }
        let accepted = Accepted { id: raw_id, ts: self.now.wall.0, recipients: reached as u32 };
        self.send(id, server_frame::Body::Accepted(accepted));
        let entry = encoded(message.clone());
        let frame = Bytes::from(encode_deliver([(Seq(0), Some(&entry[..]))].into_iter()));
        let to_self = to.contains(&sender);
        let own = (!to_self).then_some(sender);
        for uid in to.iter().copied().chain(own) {
            for session in self.online.sessions(uid).to_vec() {
                if session != id || to_self {
                    self.send_encoded(session, frame.clone());
                }
            }
        }
    }

    pub(crate) fn on_appended(
        &mut self,
        session: SessionId,
        messages: &[NewMessage],
        consumed: &[Consumed],
        result: Result<Reply, StoreError>,
    ) {
        if let Some(live) = self.sessions.get_mut(&session).and_then(|found| found.live_mut()) {
            live.storing = false;
        }
        let Ok(Reply::Stored(outcomes)) = result else {
            // No answer: the client sends them again when it is back, and all behind them.
            return self.end(session, Code::Storage, "storage failed");
        };
        // All answers first, so that the places of the messages leave in one frame behind them.
        for (message, outcome) in messages.iter().zip(&outcomes) {
            let (ts, recipients) = match outcome {
                Outcome::Appended { places, .. } if message.group != GroupId(0) => {
                    (message.ts, others(places, message.sender))
                }
                Outcome::Appended { .. } => (message.ts, 1),
                Outcome::Duplicate { ts } => (*ts, 1),
                Outcome::Full => {
                    let reason = "too many messages wait for the recipient";
                    let refusal = Refusal { status: status::INBOX_FULL, reason };
                    self.reject(session, message.id.get(), refusal);
                    self.hook_pruned(message);
                    continue;
                }
            };
            let accepted = Accepted { id: message.id.get(), ts: ts.0, recipients };
            self.send(session, server_frame::Body::Accepted(accepted));
        }
        for (message, outcome) in messages.iter().zip(outcomes) {
            let Outcome::Appended { places, full } = outcome else { continue };
            self.hook_left_out(message, &full);
            self.counters.accepted += 1;
            if let Ok(Some(sender)) = self.directory.user(message.sender) {
                self.use_message(sender.aid, message.entry.len(), places.len());
            }
            let consumed = consumed.iter().find(|consumed| consumed.id == message.id);
            match consumed {
                Some(consumed) => self.tell_consumed(message.sender, consumed),
                None => self.hook_message(message, &places),
            }
            // A message to oneself also arrives where it was sent.
            let to_self = consumed.is_none()
                && match message.group {
                    GroupId(0) => others(&places, message.sender) == 0,
                    _ => self.is_looped(message),
                };
            let origin = (!to_self).then_some(session);
            let logged = message.logged();
            for place in places {
                self.on_new_entry(place, &message.entry, Some(&logged), origin);
            }
        }
        self.store_next(session);
    }

    /// Whether a message to a group comes back to where it was sent. It is decoded for groups only
    /// where that happens.
    fn is_looped(&self, message: &NewMessage) -> bool {
        let sender = self.directory.user(message.sender).ok().flatten();
        sender.is_some_and(|user| self.loops_back(user.aid, message.group, user.uid))
            && message_in(&message.entry).is_some_and(|message| message.loopback)
    }

    /// What the sender of a message that its backend has taken is told of it.
    fn tell_consumed(&mut self, sender: Uid, consumed: &Consumed) {
        let Consumed { id, peer, status } = *consumed;
        let Some(user) = self.directory.user(peer).ok().flatten().filter(|_| status != 0) else {
            return;
        };
        let address = user.address.clone();
        let report =
            StatusReport { id: id.get(), uid: peer.0, address, status, ts: self.now.wall.0 };
        let notes = alloc::vec![delivery::receipt(sender, id, report)];
        self.ask(Request::AppendNotes { notes: notes.clone() }, Pending::Notes(notes));
    }

    /// A repeated message is answered as it was the first time, whatever has changed since.
    pub(crate) fn on_refusal(
        &mut self,
        session: SessionId,
        id: MessageId,
        refusal: Refusal,
        result: Result<Reply, StoreError>,
    ) {
        match result {
            Ok(Reply::Message(Some((ts, _)))) => {
                let accepted = Accepted { id: id.get(), ts: ts.0, recipients: 1 };
                self.send(session, server_frame::Body::Accepted(accepted));
            }
            Ok(_) => self.reject(session, id.get(), refusal),
            Err(_) => self.end(session, Code::Storage, "storage failed"),
        }
    }

    pub(crate) fn reject(&mut self, session: SessionId, id: u64, refusal: Refusal) {
        let reason = String::from(refusal.reason);
        let rejected = Rejected { id, status: refusal.status, reason };
        self.send(session, server_frame::Body::Rejected(rejected));
    }

    /// The user has read messages: the senders and the user's other devices are told.
    pub(crate) fn on_read(&mut self, id: SessionId, read: &Read) -> Result<(), Needs> {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else {
            return Ok(());
        };
        let uid = live.uid;
        if read.messages.len() > READ_MESSAGES_MAX {
            self.reject(id, read.ticket, fail("too many messages in one read notice"));
            return Ok(());
        }
        let mut notes = self.receipts(id, &read.messages, status::READ)?;
        let elsewhere = ReadElsewhere { messages: read.messages.clone() };
        notes.push(note(uid, entry::Body::Read(elsewhere)));
        let request = Request::AppendNotes { notes: notes.clone() };
        self.ask(request, Pending::Noted(Noted { session: id, ticket: read.ticket, notes }));
        Ok(())
    }

    /// The device has messages that are in no log: their senders are told.
    pub(crate) fn on_passing(
        &mut self,
        id: SessionId,
        messages: &[MessageRef],
    ) -> Result<(), Needs> {
        // Nearly every acknowledgement: of what is in the log.
        if messages.is_empty() {
            return Ok(());
        }
        let messages = &messages[..messages.len().min(READ_MESSAGES_MAX)];
        let notes = self.receipts(id, messages, status::DELIVERED)?;
        if !notes.is_empty() {
            self.ask(Request::AppendNotes { notes: notes.clone() }, Pending::Notes(notes));
        }
        Ok(())
    }

    /// What the senders of these messages are told of them, by this user.
    fn receipts(
        &mut self,
        id: SessionId,
        messages: &[MessageRef],
        status: u32,
    ) -> Result<Vec<Note>, Needs> {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else {
            return Ok(Vec::new());
        };
        let (uid, aid) = (live.uid, live.aid);
        Needs::check(messages.iter().map(|message| self.directory.user(Uid(message.from_uid))))?;
        let is_read = status == status::READ;
        let needed = if is_read { feature::READ_RECEIPTS } else { feature::DELIVERY_RECEIPTS };
        let told = self.may_use(uid, needed)?;
        let mut notes: Vec<Note> = Vec::with_capacity(messages.len() + 1);
        let mut seen = Vec::new();
        for MessageRef { from_uid, id, receipt } in messages {
            let sender = Uid(*from_uid);
            // A sender that is gone, or of another app, is told nothing.
            let known = self.directory.user(sender)?.is_some_and(|user| user.aid == aid);
            let message =
                MessageId::new(*id).filter(|_| *receipt && known && sender != uid && told);
            if let Some(message) = message {
                let address = live.address.clone();
                let report =
                    StatusReport { id: *id, uid: uid.0, address, status, ts: self.now.wall.0 };
                notes.push(delivery::receipt(sender, message, report));
                seen.push((sender, message, GroupId(0)));
            }
        }
        for message in seen {
            self.hook_status((aid, uid), message, is_read);
        }
        Ok(notes)
    }
}

/// What a client sends as others get it.
fn message_from(send: &Send, (uid, address): (Uid, String), now: Timestamp) -> Message {
    Message {
        id: send.id,
        from_uid: uid.0,
        from: address,
        to: send.to.clone(),
        r#type: send.r#type,
        flags: send.flags,
        expiry: send.expiry,
        sent: send.sent,
        ts: now.0,
        content: send.content.clone(),
        ..Message::default()
    }
}

/// How many logs but the sender's have it.
fn others(places: &[(Uid, Seq)], sender: Uid) -> u32 {
    places.iter().filter(|(uid, _)| *uid != sender).count() as u32
}

pub(crate) fn blocks_messages(flags: &u32) -> bool {
    flags & (contact::BLOCKED | contact::BLOCK_MESSAGES) != 0
}

/// A message as an entry of a log.
pub(crate) fn encoded(message: Message) -> Bytes {
    let entry = Entry { body: Some(entry::Body::Message(message)) };
    entry.encode_to_vec().into()
}

/// What of a class a message takes.
fn needed(send: &Send) -> u64 {
    let content = send.content.as_ref();
    let is_file = content.is_some_and(|content| content.file.is_some());
    let is_place = content.is_some_and(|content| content.latitude.is_some());
    let is_rich = is_file || is_place || content.is_some_and(|content| !content.title.is_empty());
    let parts = [
        (true, feature::MESSAGE_OUT),
        (is_rich, feature::RICH),
        (is_file, feature::FILES),
        (is_place, feature::LOCATION),
        (send.flags & flag::BROADCAST != 0, feature::BROADCAST),
    ];
    parts.into_iter().fold(0, |needed, (has, part)| if has { needed | part } else { needed })
}

fn too_many() -> Refusal {
    let reason = "more messages than the user's feature class leaves it";
    Refusal { status: status::FAIL, reason }
}

fn expired() -> Refusal {
    Refusal { status: status::EXPIRED, reason: "the lifetime was over before it came here" }
}

pub(crate) fn fail(reason: &'static str) -> Refusal {
    Refusal { status: status::FAIL, reason }
}

/// Whether a user could have this address.
pub(crate) fn is_address(address: &str) -> bool {
    (1..=wire::limits::ADDRESS_BYTES_MAX).contains(&address.len())
        && !address.chars().any(char::is_control)
}
