//! Waiting rooms (`backend-api.md` 4.8): who has joined a group with a lobby is no member before
//! somebody lets it in.
//!
//! In memory only: who waits is connected, and one that comes back joins again.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{AppId, GroupId, SessionId, Uid};
use wire::limits::{LOBBY_MAX, LOBBY_WAIT_MAX, MEMBERS_PER_REPLY_MAX};
use wire::mask::{admin as may, group_error};
use wire::proto::{self, GroupReply, server_frame};
use wire::time::{Instant, Timestamp};

use crate::directory::{Needs, Roster};
use crate::group_requests::Actor;
use crate::guards::no_room;
use crate::hub::Hub;
use crate::operations::{Job, Progress, no_group, refusal};
use crate::port::admin::{ErrorCode, MemberRow, Param, Reply};
use crate::port::store::Member;

/// Who waits where.
#[derive(Debug, Default)]
pub(crate) struct Lobby {
    waiting: BTreeMap<(GroupId, Uid), Waiting>,
}

#[derive(Clone, Debug)]
struct Waiting {
    aid: AppId,
    session: SessionId,
    /// Of its request, 0 when it has entered the room.
    ticket: u32,
    /// What it becomes.
    member: Member,
    /// Of the PIN it has shown.
    pin: Option<u32>,
    until: Instant,
}

impl Lobby {
    fn of(&self, gid: GroupId, now: Instant) -> impl Iterator<Item = (Uid, &Waiting)> {
        let all = (gid, Uid(0))..=(gid, Uid(u32::MAX));
        let all = self.waiting.range(all).map(|((_, uid), waiting)| (*uid, waiting));
        all.filter(move |(_, waiting)| waiting.until > now)
    }
}

impl Hub {
    /// A socket is gone, and nobody waits there any more.
    pub(crate) fn leave_lobbies(&mut self, session: SessionId) {
        let left = self.lobby.waiting.extract_if(.., |_, waiting| waiting.session == session);
        let left: Vec<_> = left.map(|((gid, _), waiting)| (waiting.aid, gid)).collect();
        for (aid, gid) in left {
            // A group that nobody has looked at for long is not fetched for this.
            if let Ok(Some(roster)) = self.directory.group(aid, gid).map(|roster| roster.cloned()) {
                self.tell_hosts(&roster);
            }
        }
    }

    /// Somebody wants in. Those who can let it in are told.
    pub(crate) fn wait_in_lobby(
        &mut self,
        actor: &Actor,
        roster: &Roster,
        member: Member,
        pin: Option<u32>,
    ) {
        let (gid, now) = (roster.group.gid, self.now.instant);
        self.lobby.waiting.retain(|_, waiting| waiting.until > now);
        if self.lobby.of(gid, now).count() >= LOBBY_MAX {
            return;
        }
        let Actor { aid, session, ticket, .. } = *actor;
        let waiting = Waiting { aid, session, ticket, member, pin, until: now + LOBBY_WAIT_MAX };
        self.lobby.waiting.insert((gid, actor.uid), waiting);
        self.tell_hosts(roster);
    }

    /// All who wait, to all who can let them in.
    fn tell_hosts(&mut self, roster: &Roster) {
        let (told, now) = (self.who_waits(roster.group.gid), self.now.wall);
        for uid in roster.members.keys().filter(|uid| lets_in(roster, **uid, now)) {
            for session in self.online.sessions(*uid).to_vec() {
                self.send(session, server_frame::Body::GroupReply(told.clone()));
            }
        }
    }

    /// Who can let in has come into the room, and sees who waits.
    pub(crate) fn tell_host(&mut self, session: SessionId, uid: Uid, aid: AppId, gid: GroupId) {
        let roster = self.directory.group(aid, gid).ok().flatten();
        let is_host = roster.is_some_and(|roster| lets_in(roster, uid, self.now.wall));
        let told = self.who_waits(gid);
        if is_host && !told.members.is_empty() {
            self.send(session, server_frame::Body::GroupReply(told));
        }
    }

    fn who_waits(&self, gid: GroupId) -> GroupReply {
        let waiting = self.lobby.of(gid, self.now.instant);
        let user = |uid| self.directory.user(uid).ok().flatten();
        let members = waiting.filter_map(|(uid, _)| user(uid)).take(MEMBERS_PER_REPLY_MAX);
        let members = members.map(|user| proto::Member {
            address: user.address.clone(),
            uid: user.uid.0,
            name: user.name.clone(),
            ..proto::Member::default()
        });
        GroupReply {
            waiting: true,
            group: Some(proto::Group { gid: gid.0, ..proto::Group::default() }),
            members: members.collect(),
            ..GroupReply::default()
        }
    }

    /// Whether this user waits there.
    pub(crate) fn is_waiting(&self, gid: GroupId, uid: Uid) -> bool {
        let waiting = self.lobby.waiting.get(&(gid, uid));
        waiting.is_some_and(|waiting| waiting.until > self.now.instant)
    }

    /// Everybody who waits anywhere.
    pub(crate) fn all_who_wait(&self) -> impl Iterator<Item = (GroupId, Uid)> {
        let now = self.now.instant;
        let waiting = self.lobby.waiting.iter().filter(move |(_, waiting)| waiting.until > now);
        waiting.map(|(place, _)| *place)
    }

    /// Lets in, or sends away, those of the addresses who wait.
    pub(crate) fn admit(
        &mut self,
        aid: AppId,
        gid: GroupId,
        (members, admit): (&[String], bool),
        job: &Job,
    ) -> Result<Progress, Needs> {
        let Some(before) = self.directory.group(aid, gid)?.cloned() else {
            return Ok(no_group().into());
        };
        let (uids, mut failed) = self.users(aid, members)?;
        let uids: Vec<_> = uids.into_iter().filter(|uid| self.is_waiting(gid, *uid)).collect();
        Needs::check(uids.iter().map(|uid| self.directory.user(*uid)))?;
        if uids.is_empty() {
            let cause = "none of these waits to be let in";
            return Ok(refusal(ErrorCode::NotFound, cause, &[Param::Members]).into());
        }
        let uids = match admit {
            false => uids,
            // Those for whom there is no room go on waiting.
            true => match self.with_room(job, &before, uids, &mut failed)? {
                Ok(uids) if uids.is_empty() => return Ok(no_room(Param::Members).into()),
                Ok(uids) => uids,
                Err(progress) => return Ok(progress),
            },
        };
        let found = uids.iter().filter_map(|uid| self.lobby.waiting.remove(&(gid, *uid)));
        let found: Vec<_> = found.collect();
        self.tell_hosts(&before);
        let (added, removed) = if admit { (uids.len(), 0) } else { (0, uids.len()) };
        let (added, removed) = (added as u32, removed as u32);
        let reply = Reply::MembersEdited { gid, added, edited: 0, removed, failed };
        if !admit {
            for waiting in found {
                let error = group_error::ACCESS_DENIED;
                let refused = GroupReply { ticket: waiting.ticket, error, ..GroupReply::default() };
                self.send(waiting.session, server_frame::Body::GroupReply(refused));
            }
            return Ok(Progress::Answered(reply));
        }
        let mut after = before.clone();
        for Waiting { member, pin, .. } in found {
            if let Some(pin) = after.group.pins.iter_mut().find(|known| Some(known.pin) == pin) {
                pin.used += 1;
            }
            after.members.insert(member.uid, member);
        }
        self.save_group(&before, after, &uids, reply)
    }

    /// `groupgetmembers` with `pending`.
    pub(crate) fn get_waiting(
        &mut self,
        aid: AppId,
        gid: GroupId,
        after: Uid,
        count: u32,
    ) -> Result<Progress, Needs> {
        if self.directory.group(aid, gid)?.is_none() {
            return Ok(no_group().into());
        }
        let now = self.now.instant;
        let waiting = self.lobby.of(gid, now).filter(|(uid, _)| *uid > after);
        let waiting: Vec<_> = waiting.map(|(uid, it)| (uid, it.member.clone())).collect();
        let more = waiting.len() > count as usize;
        let shown = &waiting[..waiting.len().min(count as usize)];
        Needs::check(shown.iter().map(|(uid, _)| self.directory.user(*uid)))?;
        let mut members = Vec::with_capacity(shown.len());
        for (uid, member) in shown {
            let Some(user) = self.directory.user(*uid)? else { continue };
            members.push(MemberRow {
                member: member.clone(),
                effective: 0,
                effective_admin: 0,
                user: (**user).clone(),
                owner: false,
                online: true,
            });
        }
        Ok(Progress::Answered(Reply::Members { members, more }))
    }
}

fn lets_in(roster: &Roster, uid: Uid, now: Timestamp) -> bool {
    roster.rights(uid, now).admin_flags & may::ADD_USER != 0
}
