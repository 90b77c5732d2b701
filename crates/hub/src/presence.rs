//! Who is online, who types, and who wants to know: routed, never stored, droppable.

use alloc::vec::Vec;
use bytes::Bytes;
use hashbrown::HashMap;
use wire::frame::encode_server;
use wire::id::{GroupId, SessionId, Uid};
use wire::limits::{MEMBERS_PER_REPLY_MAX, WATCHED_MAX};
use wire::mask::{group_error, member as right, presence as code};
use wire::proto::{
    self, GroupQuery, GroupReply, Presence, Profile, Profiles, Target, Watch, server_frame, target,
};

use crate::directory::{Missing, Roster};
use crate::hub::{Hub, Pending};
use crate::messaging::is_address;
use crate::port::store::{Request, User};
use crate::rights::Rights;
use crate::session::Live;

/// Which sessions want to hear of which users.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    by_user: HashMap<Uid, Vec<SessionId>>,
    by_session: HashMap<SessionId, Vec<Uid>>,
}

impl Watchers {
    fn add(&mut self, session: SessionId, uid: Uid) {
        let watching = self.by_user.entry(uid).or_default();
        if !watching.contains(&session) {
            watching.push(session);
            self.by_session.entry(session).or_default().push(uid);
        }
    }

    /// The session is gone.
    pub fn forget(&mut self, session: SessionId) {
        for uid in self.by_session.remove(&session).unwrap_or_default() {
            if let Some(watching) = self.by_user.get_mut(&uid) {
                watching.retain(|other| *other != session);
                if watching.is_empty() {
                    self.by_user.remove(&uid);
                }
            }
        }
    }

    fn of(&self, uid: Uid) -> Vec<SessionId> {
        self.by_user.get(&uid).cloned().unwrap_or_default()
    }
}

impl Hub {
    pub(crate) fn on_user_online(&mut self, uid: Uid) {
        if let Ok(Some(user)) = self.directory.user(uid) {
            let address = user.address.clone();
            self.tell_watchers(uid, &presence_of(uid, address, code::ONLINE));
        }
    }

    pub(crate) fn on_user_offline(&mut self, live: &Live) {
        let at = self.now.wall;
        self.ask(Request::SetLastOnline { uid: live.uid, at }, Pending::Nothing);
        if let Ok(Some(user)) = self.directory.user(live.uid) {
            self.directory.put_user(User { last_online: at, ..(**user).clone() });
        }
        self.tell_watchers(live.uid, &presence_of(live.uid, live.address.clone(), code::OFFLINE));
    }

    fn tell_watchers(&mut self, uid: Uid, frame: &Bytes) {
        for session in self.watchers.of(uid) {
            self.send_droppable(session, frame);
        }
    }

    /// The published part of a user changed.
    pub(crate) fn tell_profile(&mut self, user: &User) {
        let profiles = Profiles { users: alloc::vec![self.profile_of(user)], groups: Vec::new() };
        let frame = Bytes::from(encode_server(server_frame::Body::Profiles(profiles)));
        let mut sessions = self.watchers.of(user.uid);
        sessions.extend_from_slice(self.online.sessions(user.uid));
        for session in sessions {
            self.send_encoded(session, frame.clone());
        }
    }

    pub(crate) fn on_presence(
        &mut self,
        id: SessionId,
        presence: &Presence,
    ) -> Result<(), Missing> {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else {
            return Ok(());
        };
        let (uid, aid) = (live.uid, live.aid);
        let told = Presence { from_uid: uid.0, from: live.address.clone(), ..presence.clone() };
        let (told, to) = match presence.to.as_ref().and_then(|target| target.to.as_ref()) {
            Some(target::To::Address(address)) if is_address(address) => {
                let Some(user) = self.directory.find_user(aid, address)? else { return Ok(()) };
                (Presence { to: None, ..told }, alloc::vec![user.uid])
            }
            Some(target::To::Group(gid)) => {
                let Some(roster) = self.directory.group(aid, GroupId(*gid))? else { return Ok(()) };
                let rights = Rights::of(&roster.group, roster.members.get(&uid), uid);
                if !roster.group.active || !rights.allow(right::SEND) {
                    return Ok(());
                }
                let others = roster.members.keys().copied().filter(|other| *other != uid);
                (told, others.filter(|other| self.online.contains(*other)).collect())
            }
            _ => return Ok(()),
        };
        let frame = Bytes::from(encode_server(server_frame::Body::Presence(told)));
        for uid in to {
            for session in self.online.sessions(uid).to_vec() {
                if session != id {
                    self.send_droppable(session, &frame);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn on_watch(&mut self, id: SessionId, watch: &Watch) -> Result<(), Missing> {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else {
            return Ok(());
        };
        let (uid, aid) = (live.uid, live.aid);
        let mut users = Vec::with_capacity(watch.addresses.len());
        let mut watched = Vec::with_capacity(watch.addresses.len());
        for address in &watch.addresses {
            let user = match is_address(address) {
                true => self.directory.find_user(aid, address)?,
                false => None,
            };
            match user {
                Some(user) => {
                    users.push(self.profile_of(user));
                    watched.push(user.uid);
                }
                None => users.push(Profile { address: address.clone(), ..Profile::default() }),
            }
        }
        let mut groups = Vec::with_capacity(watch.groups.len());
        for gid in &watch.groups {
            if let Some(roster) = self.directory.group(aid, GroupId(*gid))?
                && Rights::of(&roster.group, roster.members.get(&uid), uid) != Rights::default()
            {
                groups.push(self.group_for(roster, uid));
            }
        }
        if let Some(live) = self.sessions.get_mut(&id).and_then(|session| session.live_mut()) {
            let room = WATCHED_MAX.saturating_sub(live.watched);
            watched.truncate(room);
            live.watched += watched.len();
        }
        for uid in watched {
            self.watchers.add(id, uid);
        }
        self.send(id, server_frame::Body::Profiles(Profiles { users, groups }));
        Ok(())
    }

    pub(crate) fn on_group_query(
        &mut self,
        id: SessionId,
        query: &GroupQuery,
    ) -> Result<(), Missing> {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else {
            return Ok(());
        };
        let (uid, aid) = (live.uid, live.aid);
        let mut reply = GroupReply { ticket: query.ticket, ..GroupReply::default() };
        match self.directory.group(aid, GroupId(query.gid))? {
            Some(roster) if roster.members.contains_key(&uid) => {
                reply.group = Some(self.group_for(roster, uid));
                if query.members {
                    let wanted = match query.count {
                        0 => MEMBERS_PER_REPLY_MAX,
                        count => MEMBERS_PER_REPLY_MAX.min(count as usize),
                    };
                    let after = Uid(query.after_uid);
                    let mut uids: Vec<_> =
                        roster.members.keys().copied().filter(|uid| *uid > after).collect();
                    uids.sort_unstable();
                    uids.truncate(wanted);
                    for member in uids {
                        reply.members.push(self.member_for(roster, member)?);
                    }
                }
            }
            _ => reply.error = group_error::NOT_MEMBER,
        }
        self.send(id, server_frame::Body::GroupReply(reply));
        Ok(())
    }

    /// A user as others see it.
    pub(crate) fn profile_of(&self, user: &User) -> Profile {
        Profile {
            address: user.address.clone(),
            uid: user.uid.0,
            name: user.name.clone(),
            status: user.status.clone(),
            image: user.image.clone(),
            online: self.online.contains(user.uid),
            last_seen: user.last_online.0,
        }
    }

    /// A group as this user sees it.
    pub(crate) fn group_for(&self, roster: &Roster, uid: Uid) -> proto::Group {
        let group = &roster.group;
        let owner = group.owner.and_then(|owner| self.directory.user(owner).ok().flatten());
        proto::Group {
            gid: group.gid.0,
            name: group.name.clone(),
            flags: group.flags,
            call_flags: group.call_flags,
            resolution: group.resolution,
            active: group.active,
            expires: group.expires.map_or(0, |expires| expires.0),
            owner: owner.map(|user| user.address.clone()).unwrap_or_default(),
            rights: Some(Rights::of(group, roster.members.get(&uid), uid).to_wire()),
            image: group.image.clone(),
            status: group.status.clone(),
        }
    }

    /// A member as other members see it.
    pub(crate) fn member_for(&self, roster: &Roster, uid: Uid) -> Result<proto::Member, Missing> {
        let rights = Rights::of(&roster.group, roster.members.get(&uid), uid);
        let user = self.directory.user(uid)?;
        Ok(proto::Member {
            address: user.map(|user| user.address.clone()).unwrap_or_default(),
            uid: uid.0,
            flags: rights.may,
            admin_flags: rights.admin_flags,
            name: user.map(|user| user.name.clone()).unwrap_or_default(),
        })
    }
}

fn presence_of(uid: Uid, from: alloc::string::String, presence: u32) -> Bytes {
    let presence =
        Presence { to: None::<Target>, from_uid: uid.0, from, presence, value: 0, interval: 0 };
    encode_server(server_frame::Body::Presence(presence)).into()
}
