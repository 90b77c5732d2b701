//! Waiting rooms (`backend-api.md` 4.8): who has joined a group with a lobby is no member before
//! somebody lets it in.
//!
//! In memory only: who waits is connected, and one that comes back joins again.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{AppId, GroupId, SessionId, Uid};
use wire::limits::{LOBBY_MAX, LOBBY_WAIT_MAX};
use wire::mask::{admin as may, group_error};
use wire::proto::{self, GroupReply, server_frame};
use wire::time::Instant;

use crate::directory::{Needs, Roster};
use crate::group_requests::Actor;
use crate::hub::Hub;
use crate::operations::{Progress, no_group, refusal};
use crate::port::admin::{ErrorCode, MemberRow, Param, Reply};
use crate::port::store::Member;

/// Who waits where.
#[derive(Debug, Default)]
pub(crate) struct Lobby {
    waiting: BTreeMap<(GroupId, Uid), Waiting>,
}

#[derive(Clone, Debug)]
struct Waiting {
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
    /// A socket is gone, and nobody waits there any more.
    pub fn forget(&mut self, session: SessionId) {
        self.waiting.retain(|_, waiting| waiting.session != session);
    }

    fn of(&self, gid: GroupId) -> impl Iterator<Item = (Uid, &Waiting)> {
        let all = (gid, Uid(0))..=(gid, Uid(u32::MAX));
        self.waiting.range(all).map(|((_, uid), waiting)| (*uid, waiting))
    }
}

impl Hub {
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
        if self.lobby.of(gid).count() >= LOBBY_MAX {
            return;
        }
        let (session, ticket) = (actor.session, actor.ticket);
        let waiting = Waiting { session, ticket, member, pin, until: now + LOBBY_WAIT_MAX };
        self.lobby.waiting.insert((gid, actor.uid), waiting);
        let user = self.directory.user(actor.uid).ok().flatten();
        let waits = proto::Member {
            address: actor.address.clone(),
            uid: actor.uid.0,
            name: user.map(|user| user.name.clone()).unwrap_or_default(),
            ..proto::Member::default()
        };
        let told = GroupReply {
            waiting: true,
            group: Some(proto::Group { gid: gid.0, ..proto::Group::default() }),
            members: alloc::vec![waits],
            ..GroupReply::default()
        };
        let wall = self.now.wall;
        let lets_in = |uid: &&Uid| roster.rights(**uid, wall).admin_flags & may::ADD_USER != 0;
        for uid in roster.members.keys().filter(lets_in) {
            for session in self.online.sessions(*uid).to_vec() {
                self.send(session, server_frame::Body::GroupReply(told.clone()));
            }
        }
    }

    /// Whether this user waits there.
    pub(crate) fn is_waiting(&self, gid: GroupId, uid: Uid) -> bool {
        let waiting = self.lobby.waiting.get(&(gid, uid));
        waiting.is_some_and(|waiting| waiting.until > self.now.instant)
    }

    /// Lets in, or sends away, those of the addresses who wait.
    pub(crate) fn admit(
        &mut self,
        aid: AppId,
        gid: GroupId,
        members: &[String],
        admit: bool,
    ) -> Result<Progress, Needs> {
        let Some(before) = self.directory.group(aid, gid)?.cloned() else {
            return Ok(no_group().into());
        };
        let (uids, failed) = self.users(aid, members)?;
        let uids: Vec<_> = uids.into_iter().filter(|uid| self.is_waiting(gid, *uid)).collect();
        Needs::check(uids.iter().map(|uid| self.directory.user(*uid)))?;
        if uids.is_empty() {
            let cause = "none of these waits to be let in";
            return Ok(refusal(ErrorCode::NotFound, cause, &[Param::Members]).into());
        }
        let found = uids.iter().filter_map(|uid| self.lobby.waiting.remove(&(gid, *uid)));
        let found: Vec<_> = found.collect();
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
        let waiting = self.lobby.of(gid).filter(|(uid, it)| *uid > after && it.until > now);
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
                user: (**user).clone(),
                owner: false,
                online: true,
            });
        }
        Ok(Progress::Answered(Reply::Members { members, more }))
    }
}
