//! Messages the backend sends (`backend-api.md` 2.6): as if their sender had sent them from another
//! device, by the same rules of who gets them and how long they wait.
//!
//! Decides only; [`operations`](crate::operations) asks the store and tells everybody.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use wire::codec::{Decode as _, Encode as _};
use wire::frame::encode_deliver;
use wire::id::{AppId, GroupId, MessageId, Seq, Uid};
use wire::limits::{BODY_BYTES_MAX, CONTENT_BYTES_MAX, GROUP_TURNS_KEPT_MAX, LETTER_ADDRESSES_MAX};
use wire::mask::{group as mode, message as flag, user as user_flag};
use wire::proto::{Message, Target, target};
use wire::time::Duration;

use crate::app_operations::{Quota, over_quota};
use crate::directory::{Needs, Roster};
use crate::hub::Hub;
use crate::messaging::{blocks_messages, encoded, is_address};
use crate::operations::{After, Job, Progress, refusal};
use crate::port::admin::{AdminError, ErrorCode, Letter, Param, Reply};
use crate::port::apps::{AppRequest, Scheduled, feature};
use crate::port::store::{App, NewMessage, Outcome, Request, User};
use crate::user_operations::number;

/// Messages that are being stored.
#[derive(Debug, Default)]
pub(crate) struct SentLetters {
    messages: Vec<NewMessage>,
    /// Their addresses, in the same order; none of a group.
    addresses: Vec<String>,
    /// The answer so far.
    mids: Vec<u64>,
    failed: Vec<String>,
    /// The one of the schedule that it was.
    scheduled: Option<u64>,
}

/// One message, ready to go.
struct Ready {
    message: Message,
    id: MessageId,
    group: GroupId,
    /// Logs that get it, the sender's not included.
    to: Vec<Uid>,
    storeless: bool,
}

impl Hub {
    pub(crate) fn send_letter(
        &mut self,
        app: &App,
        letter: Letter,
        job: &Job,
    ) -> Result<Progress, Needs> {
        let refuse = |code, cause: &str, param| Ok(refusal(code, cause, &[param]).into());
        let content = &letter.content;
        if content.body.len() > BODY_BYTES_MAX || content.encoded_len() > CONTENT_BYTES_MAX {
            let cause = "the message is larger than 64 KiB, or 68 KiB with what is beside its text";
            return refuse(ErrorCode::TooLarge, cause, Param::MessageBody);
        }
        if letter.to.len() > LETTER_ADDRESSES_MAX {
            let cause = "more than 1000 addresses in one message";
            return refuse(ErrorCode::TooLarge, cause, Param::MessageTo);
        }
        if self.is_out_of_messages(app.aid)? {
            let cause = "the app has sent as many messages this month as it may (maxmsgs)";
            return Ok(refusal(ErrorCode::Quota, cause, &[]).into());
        }
        let lookups = core::iter::once(&letter.from).chain(&letter.to);
        Needs::check(lookups.map(|address| self.directory.find_user(app.aid, address)))?;
        if letter.forced {
            let mut all = core::iter::once(&letter.from).chain(&letter.to);
            let missing = all.find(|address| {
                is_address(address)
                    && matches!(self.directory.find_user(app.aid, address), Ok(None))
            });
            if let Some(address) = missing {
                if let Some(progress) = over_quota(app, job, Quota::Users) {
                    return Ok(progress);
                }
                let address = address.clone();
                let user = User { aid: app.aid, address, active: true, ..User::default() };
                return Ok(Progress::Ask(Request::SaveUser { user }, After::UserForced));
            }
        }
        let Some(from) = self.directory.find_user(app.aid, &letter.from)?.cloned() else {
            return refuse(
                ErrorCode::NoUser,
                "the sender is no user of this app",
                Param::MessageFrom,
            );
        };
        if from.flags & user_flag::NO_OUTGOING != 0 {
            let cause = "sending is switched off for this user";
            return refuse(ErrorCode::NotAllowed, cause, Param::MessageFrom);
        }
        let entropy = match &job.asker {
            crate::operations::Asker::Backend { call, .. } => number(&call.entropy),
            _ => 0,
        };
        let message = |to: target::To, index: u64| Message {
            id: mid(entropy, index).get(),
            from_uid: from.uid.0,
            from: from.address.clone(),
            to: Some(Target { to: Some(to) }),
            r#type: letter.kind,
            flags: letter.flags,
            expiry: Some(letter.expiry_s),
            content: Some(letter.content.clone()),
            ..Message::default()
        };

        let mut messages = Vec::new();
        let mut sent = SentLetters::default();
        let mut only = Vec::new();
        if let Some(gid) = letter.gid {
            match self.directory.group(app.aid, gid)? {
                Some(roster) if !self.is_over(roster) => {}
                _ => {
                    return refuse(
                        ErrorCode::NoGroup,
                        "no such group in this app",
                        Param::MessageGid,
                    );
                }
            }
            for address in &letter.to {
                match self.directory.find_user(app.aid, address)? {
                    Some(user) => only.push(user.uid),
                    None => sent.failed.push(address.clone()),
                }
            }
            messages.push(message(target::To::Group(gid.0), 0));
        } else {
            for (index, address) in letter.to.iter().enumerate() {
                // Who is named twice gets it once.
                if sent.addresses.contains(address) {
                    continue;
                }
                if self.directory.find_user(app.aid, address)?.is_some() {
                    messages.push(message(target::To::Address(address.clone()), index as u64));
                    sent.addresses.push(address.clone());
                } else {
                    sent.failed.push(address.clone());
                }
            }
        }
        if !letter.to.is_empty() && sent.failed.len() == letter.to.len() {
            return refuse(ErrorCode::NoUser, "none of the addresses is a user", Param::MessageTo);
        }
        let number = |address: &String| {
            let place = sent.addresses.iter().position(|sent| sent == address);
            place.map_or(0, |place| messages[place].id)
        };
        sent.mids = match letter.gid {
            Some(_) => messages.iter().map(|message| message.id).collect(),
            None => letter.to.iter().map(number).collect(),
        };
        if letter.when_s > 0 {
            return Ok(self.schedule_messages(app.aid, letter.when_s, messages, only, sent));
        }
        self.dispatch(app.aid, messages, &only, sent)
    }

    fn schedule_messages(
        &self,
        aid: AppId,
        when_s: u32,
        messages: Vec<Message>,
        only: Vec<Uid>,
        sent: SentLetters,
    ) -> Progress {
        let due = self.now.wall.after(Duration::from_secs(when_s.into()));
        let scheduled = messages.into_iter().map(|message| Scheduled {
            id: 0,
            aid,
            due,
            message: message.encode_to_vec().into(),
            only: only.clone(),
        });
        let request = AppRequest::Schedule { messages: scheduled.collect() };
        let after = After::Scheduled { due, mids: sent.mids, failed: sent.failed };
        Progress::Ask(Request::OfApp(request), after)
    }

    /// A message of the schedule whose time has come.
    pub(crate) fn send_scheduled(&mut self, scheduled: &Scheduled) -> Result<Progress, Needs> {
        let request = Request::OfApp(AppRequest::Unschedule { id: scheduled.id });
        let Ok(message) = Message::decode(&scheduled.message[..]) else {
            return Ok(Progress::Ask(request, After::Unscheduled));
        };
        let sent = SentLetters {
            addresses: match message.to.as_ref().and_then(|to| to.to.as_ref()) {
                Some(target::To::Address(address)) => [address.clone()].into(),
                _ => Vec::new(),
            },
            mids: [message.id].into(),
            scheduled: Some(scheduled.id),
            ..SentLetters::default()
        };
        self.dispatch(scheduled.aid, [message].into(), &scheduled.only, sent)
    }

    /// Sends what may be sent now: to who is online, or into the logs.
    fn dispatch(
        &mut self,
        aid: AppId,
        messages: Vec<Message>,
        only: &[Uid],
        mut sent: SentLetters,
    ) -> Result<Progress, Needs> {
        let kept_for = self.kept_for(aid)?;
        let mut ready = Vec::with_capacity(messages.len());
        let mut refused = None;
        for message in messages {
            match self.readied(aid, message, only)? {
                Ok(message) => ready.push(message),
                Err((id, error)) => {
                    sent.refuse(id);
                    refused = Some(error);
                }
            }
        }
        if let Some(error) = refused
            && ready.is_empty()
        {
            return Ok(match sent.scheduled {
                None => error.into(),
                Some(id) => {
                    let request = Request::OfApp(AppRequest::Unschedule { id });
                    Progress::Ask(request, After::Unscheduled)
                }
            });
        }
        let mut stored = Vec::new();
        for Ready { message, id, group, to, storeless } in ready {
            let mut to = self.by_turns(aid, group, to);
            let ts = self.now.wall;
            let (sender, expiry) = (Uid(message.from_uid), message.expiry.unwrap_or(0));
            let flags = message.flags;
            let loopback = only.is_empty() && self.loops_back(aid, group, sender);
            if loopback {
                to.push(sender);
            }
            let entry = encoded(Message { sent: ts.0, ts: ts.0, loopback, ..message });
            if storeless || expiry == 0 || flags & (flag::TRANSIENT | flag::PRESENCE) != 0 {
                self.send_to_online(sender, &to, &entry);
                continue;
            }
            let lifetime = Duration::from_secs(expiry.into());
            let lifetime = kept_for.map_or(lifetime, |kept| kept.min(lifetime));
            let expires = ts.after(lifetime);
            let peer = Uid(0);
            let watched = self.watches_ends(aid);
            let message =
                NewMessage { sender, id, flags, group, peer, ts, expires, watched, entry };
            let mut logs = to;
            if !logs.contains(&sender) {
                logs.push(sender);
            }
            stored.push((message, logs));
        }
        if stored.is_empty() {
            return Ok(match sent.scheduled {
                None => Progress::Answered(Reply::Sent { mids: sent.mids, failed: sent.failed }),
                Some(id) => {
                    let request = Request::OfApp(AppRequest::Unschedule { id });
                    Progress::Ask(request, After::Unscheduled)
                }
            });
        }
        sent.messages = stored.iter().map(|(message, _)| message.clone()).collect();
        Ok(Progress::Ask(Request::Append { messages: stored }, After::LettersStored(sent)))
    }

    /// Who gets this message now; the error says why nobody does.
    #[allow(clippy::type_complexity)]
    fn readied(
        &self,
        aid: AppId,
        message: Message,
        only: &[Uid],
    ) -> Result<Result<Ready, (u64, AdminError)>, Needs> {
        let raw = message.id;
        let refuse = |code, cause: &str, param| Ok(Err((raw, refusal(code, cause, &[param]))));
        let sender = Uid(message.from_uid);
        let Some(id) = MessageId::new(raw) else {
            return refuse(ErrorCode::Server, "the message has no id", Param::MessageBody);
        };
        let from = self.directory.user(sender)?;
        if from.is_none_or(|user| user.flags & user_flag::NO_OUTGOING != 0) {
            let cause = "sending is switched off for this user";
            return refuse(ErrorCode::NotAllowed, cause, Param::MessageFrom);
        }
        let blockers = self.directory.blockers(sender)?;
        match message.to.as_ref().and_then(|to| to.to.as_ref()) {
            Some(target::To::Group(gid)) => {
                let group = GroupId(*gid);
                // One of the schedule may find it over.
                let roster = self.directory.group(aid, group)?;
                let Some(roster) = roster.filter(|roster| !self.is_over(roster)) else {
                    return refuse(ErrorCode::NoGroup, "no such group", Param::MessageGid);
                };
                if !roster.group.active {
                    return refuse(ErrorCode::NotAllowed, "the group is paused", Param::MessageGid);
                }
                let to = self.group_receivers(roster, sender, blockers);
                let to = to.into_iter().filter(|uid| only.is_empty() || only.contains(uid));
                let to = to.collect();
                let storeless = roster.group.flags & wire::mask::group::NO_STORAGE != 0;
                Ok(Ok(Ready { message, id, group, to, storeless }))
            }
            Some(target::To::Address(address)) => {
                let Some(peer) = self.directory.find_user(aid, address)? else {
                    return refuse(ErrorCode::NoUser, "no such user", Param::MessageTo);
                };
                let class = self.class_of(peer)?;
                let denies = |part| class.is_some_and(|class| class.denies(part));
                let blocked = peer.flags & user_flag::NO_INCOMING != 0
                    || denies(feature::MESSAGE_IN)
                    || blockers.get(&peer.uid).is_some_and(blocks_messages);
                if blocked {
                    let cause = "the user does not take messages of this sender";
                    return refuse(ErrorCode::NotAllowed, cause, Param::MessageTo);
                }
                let unkept =
                    peer.flags & user_flag::NO_OFFLINE_STORAGE != 0 || denies(feature::STORAGE);
                let storeless = unkept && !self.online.contains(peer.uid);
                let to = [peer.uid].into();
                Ok(Ok(Ready { message, id, group: GroupId(0), to, storeless }))
            }
            None => refuse(ErrorCode::MissingParam, "no destination", Param::MessageTo),
        }
    }

    /// Members a message of this sender reaches.
    pub(crate) fn group_receivers(
        &self,
        roster: &Roster,
        sender: Uid,
        blockers: &BTreeMap<Uid, u32>,
    ) -> Vec<Uid> {
        let accepts = |receiver: &Uid| {
            let blocks = blockers.get(receiver).copied().unwrap_or_default();
            *receiver != sender && blocks & wire::mask::contact::BLOCK_GROUP_MESSAGES == 0
        };
        roster.receivers(self.now.wall).filter(accepts).collect()
    }

    /// Whether the sender of a message to a group is one of those who get it.
    pub(crate) fn loops_back(&self, aid: AppId, gid: GroupId, sender: Uid) -> bool {
        let roster = self.directory.group(aid, gid).ok().flatten();
        roster.is_some_and(|roster| {
            roster.group.flags & mode::RECV_LOOPBACK != 0
                && roster.receivers(self.now.wall).any(|uid| uid == sender)
        })
    }

    /// Of a group whose members take turns, the one whose turn it is: somebody who is online, if
    /// anybody is.
    pub(crate) fn by_turns(&mut self, aid: AppId, gid: GroupId, to: Vec<Uid>) -> Vec<Uid> {
        let roster = self.directory.group(aid, gid).ok().flatten();
        let turns = roster.is_some_and(|roster| roster.group.flags & mode::RECV_ROUND_ROBIN != 0);
        if !turns || to.len() < 2 {
            return to;
        }
        // Nobody who is there and free: somebody who is free, or at least somebody.
        let is_busy = |uid: &Uid| {
            let member = roster.and_then(|roster| roster.members.get(uid));
            member.is_some_and(|member| member.busy)
        };
        let free: Vec<_> = to.iter().copied().filter(|uid| !is_busy(uid)).collect();
        let to = if free.is_empty() { to } else { free };
        let mut there: Vec<_> =
            to.iter().copied().filter(|uid| self.online.contains(*uid)).collect();
        if there.is_empty() {
            there = to;
        }
        there.sort_unstable();
        let last = self.turns.get(&gid).copied().unwrap_or_default();
        let next = there.iter().find(|uid| **uid > last).or(there.first()).copied();
        if self.turns.len() >= GROUP_TURNS_KEPT_MAX {
            self.turns.clear();
        }
        self.turns.extend(next.map(|next| (gid, next)));
        next.into_iter().collect()
    }

    fn is_over(&self, roster: &Roster) -> bool {
        roster.group.expires.is_some_and(|expires| expires <= self.now.wall)
    }

    /// A message that is not stored: for who is online now, the sender's devices too.
    fn send_to_online(&mut self, sender: Uid, to: &[Uid], entry: &Bytes) {
        let frame = Bytes::from(encode_deliver([(Seq(0), Some(&entry[..]))].into_iter()));
        let own = (!to.contains(&sender)).then_some(sender);
        for uid in to.iter().copied().chain(own) {
            for session in self.online.sessions(uid).to_vec() {
                self.send_encoded(session, frame.clone());
            }
        }
    }

    /// The messages are on disk, or were not taken.
    pub(crate) fn on_letters_stored(
        &mut self,
        mut sent: SentLetters,
        outcomes: Vec<Outcome>,
    ) -> Progress {
        let mut full = 0;
        for (message, outcome) in core::mem::take(&mut sent.messages).iter().zip(outcomes) {
            match outcome {
                Outcome::Appended { places, full } => {
                    self.counters.accepted += 1;
                    self.hook_left_out(message, &full);
                    if let Ok(Some(sender)) = self.directory.user(message.sender) {
                        self.use_message(sender.aid, message.entry.len(), places.len());
                    }
                    self.hook_message(message, &places);
                    let logged = message.logged();
                    for place in places {
                        self.on_new_entry(place, &message.entry, Some(&logged), None);
                    }
                }
                // Of the schedule, and sent before the server ended.
                Outcome::Duplicate { .. } => {}
                Outcome::Full => {
                    full += 1;
                    self.hook_pruned(message);
                    sent.refuse(message.id.get());
                }
            }
        }
        if let Some(id) = sent.scheduled {
            let request = Request::OfApp(AppRequest::Unschedule { id });
            return Progress::Ask(request, After::Unscheduled);
        }
        if full > 0 && sent.mids.iter().all(|mid| *mid == 0) {
            let cause = "too many messages wait for the recipient";
            return refusal(ErrorCode::Quota, cause, &[Param::MessageTo]).into();
        }
        Progress::Answered(Reply::Sent { mids: sent.mids, failed: sent.failed })
    }
}

impl SentLetters {
    /// This one goes to nobody.
    fn refuse(&mut self, id: u64) {
        let Some(place) = self.mids.iter().position(|mid| *mid == id) else { return };
        self.mids[place] = 0;
        if let Some(address) = self.addresses.get(place) {
            self.failed.push(address.clone());
        }
    }
}

/// The id of the n-th message of a request: random, the rest counted up.
fn mid(chance: u64, index: u64) -> MessageId {
    let low = (chance as u32).wrapping_add(index as u32).max(1);
    MessageId::compose(low, chance >> 32).unwrap_or_default()
}
