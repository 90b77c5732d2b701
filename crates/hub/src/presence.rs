//! Who is online, who types, and who wants to know: routed, never stored, droppable.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use hashbrown::HashMap;
use wire::code::Code;
use wire::frame::encode_server;
use wire::id::{GroupId, SessionId, Uid};
use wire::limits::{
    MEMBERS_PER_REPLY_MAX, PRESENCE_DATA_BYTES_MAX, PRESENCE_MEMBERS_MAX, WATCHED_MAX,
};
use wire::mask::{contact, group_error, member as right, presence as code, user as user_flag};
use wire::proto::{
    self, GroupQuery, GroupReply, Presence, Profile, Profiles, Watch, server_frame, target,
};

use crate::directory::{Missing, Needs, Roster};
use crate::hub::{Hub, Pending};
use crate::messaging::is_address;
use crate::nearby::Place;
use crate::port::apps::{feature, number};
use crate::port::store::{Reply, Request, StoreError, User};
use crate::rights::Rights;
use crate::sending::portions;
use crate::session::{Audience, Session};

/// `MESIBO_GROUP_CONTACTS`: from here on the own contacts, below it whoever watches.
const GROUP_CONTACTS: u32 = 8;
const GROUP_CONTACT_SUBSCRIBERS: u32 = 9;

/// Which sessions want to hear of which users.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    by_user: HashMap<Uid, BTreeSet<SessionId>>,
    by_session: HashMap<SessionId, BTreeSet<Uid>>,
}

impl Watchers {
    /// A session wants to hear of a user, unless it watches as many as it may.
    fn add(&mut self, session: SessionId, uid: Uid) {
        let watched = self.by_session.entry(session).or_default();
        if watched.len() < WATCHED_MAX && watched.insert(uid) {
            self.by_user.entry(uid).or_default().insert(session);
        }
    }

    /// The session is gone.
    pub fn forget(&mut self, session: SessionId) {
        for uid in self.by_session.remove(&session).unwrap_or_default() {
            if let Some(watching) = self.by_user.get_mut(&uid) {
                watching.remove(&session);
                if watching.is_empty() {
                    self.by_user.remove(&uid);
                }
            }
        }
    }

    pub fn of(&self, uid: Uid) -> Vec<SessionId> {
        self.by_user.get(&uid).map_or_else(Vec::new, |found| found.iter().copied().collect())
    }
}

impl Hub {
    pub(crate) fn on_user_online(&mut self, uid: Uid) {
        if let Ok(Some(user)) = self.directory.user(uid) {
            let address = user.address.clone();
            self.tell_watchers(uid, &presence_of(uid, address, code::ONLINE));
        }
    }

    pub(crate) fn on_user_offline(&mut self, uid: Uid) {
        let at = self.now.wall;
        self.ask(Request::SetLastOnline { uid, at }, Pending::Nothing);
        if let Ok(Some(user)) = self.directory.user(uid) {
            let address = user.address.clone();
            self.directory.put_user(User { last_online: at, ..(**user).clone() });
            self.tell_watchers(uid, &presence_of(uid, address, code::OFFLINE));
        }
    }

    /// Whether others see the user online.
    pub(crate) fn is_shown(&self, uid: Uid) -> bool {
        let sessions = self.online.sessions(uid).iter().filter_map(|id| self.sessions.get(id));
        !self.is_denied(uid, feature::ONLINE)
            && sessions.filter_map(Session::live).any(|live| live.shown)
    }

    /// Whether this other one does.
    pub(crate) fn is_shown_to(&self, uid: Uid, viewer: Uid) -> bool {
        if self.is_denied(uid, feature::ONLINE) || self.is_denied(viewer, feature::PRESENCE_IN) {
            return false;
        }
        let sessions = self.online.sessions(uid).iter().filter_map(|id| self.sessions.get(id));
        sessions.filter_map(Session::live).any(|live| {
            live.shown
                && match &live.audience {
                    Audience::All => true,
                    Audience::Contacts { users, .. } => users.binary_search(&viewer).is_ok(),
                    Audience::Group(gid) => {
                        let roster = self.directory.group(live.aid, *gid).ok().flatten();
                        roster.is_some_and(|roster| roster.member(viewer, self.now.wall).is_some())
                    }
                }
        })
    }

    /// The page says whether, and to whom, it is online.
    fn show(&mut self, id: SessionId, shown: bool, target: u32) -> Result<(), Needs> {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else {
            return Ok(());
        };
        let aid = live.aid;
        let audience = match target {
            0..GROUP_CONTACTS => Audience::All,
            GROUP_CONTACTS..1_000 => {
                let flags = match target {
                    GROUP_CONTACTS | GROUP_CONTACT_SUBSCRIBERS => contact::CONTACT,
                    _ => contact::SUBSCRIBED,
                };
                self.show_to_contacts(id, shown, flags);
                return Ok(());
            }
            gid => {
                self.directory.group(aid, GroupId(gid))?;
                Audience::Group(GroupId(gid))
            }
        };
        self.set_shown(id, shown, audience);
        Ok(())
    }

    /// Contacts with one of these flags see the user online, once the store has told who they are.
    fn show_to_contacts(&mut self, id: SessionId, shown: bool, flags: u32) {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else { return };
        let uid = live.uid;
        let users = match &live.audience {
            Audience::Contacts { flags: same, users, .. } if *same == flags => users.clone(),
            _ => Vec::new(),
        };
        self.audiences_asked += 1;
        let asked = self.audiences_asked;
        self.set_shown(id, shown, Audience::Contacts { flags, users, asked });
        self.ask(Request::LoadContacts { uid }, Pending::Audience { session: id, asked });
    }

    /// The user's contacts have changed: so has who sees it online, where that is its contacts.
    pub(crate) fn follow_contacts(&mut self, uid: Uid) {
        for id in self.online.sessions(uid).to_vec() {
            let live = self.sessions.get(&id).and_then(|session| session.live());
            if let Some((Audience::Contacts { flags, .. }, shown)) =
                live.map(|live| (&live.audience, live.shown))
            {
                self.show_to_contacts(id, shown, *flags);
            }
        }
    }

    pub(crate) fn on_audience(
        &mut self,
        id: SessionId,
        answered: u64,
        result: Result<Reply, StoreError>,
    ) {
        let Ok(Reply::Contacts(contacts)) = result else {
            return self.end(id, Code::Storage, "storage failed");
        };
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else { return };
        let shown = live.shown;
        let (flags, asked) = match live.audience {
            Audience::Contacts { flags, asked, .. } if asked == answered => (flags, asked),
            // The page has said another audience meanwhile, or the contacts were asked for again.
            _ => return,
        };
        let chosen = contacts.into_iter().filter(|contact| contact.flags & flags != 0);
        let mut users: Vec<_> = chosen.map(|contact| contact.uid).collect();
        users.sort_unstable();
        self.set_shown(id, shown, Audience::Contacts { flags, users, asked });
    }

    /// Watchers for whom that is a change are told.
    fn set_shown(&mut self, id: SessionId, shown: bool, audience: Audience) {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else { return };
        let uid = live.uid;
        let was_shown = self.is_shown(uid);
        let viewers = self.viewers(uid);
        if let Some(live) = self.sessions.get_mut(&id).and_then(|session| session.live_mut()) {
            (live.shown, live.audience) = (shown, audience);
        }
        if was_shown && !self.is_shown(uid) {
            let at = self.now.wall;
            self.ask(Request::SetLastOnline { uid, at }, Pending::Nothing);
            if let Ok(Some(user)) = self.directory.user(uid) {
                self.directory.put_user(User { last_online: at, ..(**user).clone() });
            }
        }
        self.tell_shown(uid, viewers);
    }

    /// Who watches a user, and whether it sees the user online.
    pub(crate) fn viewers(&self, uid: Uid) -> Vec<(SessionId, Uid, bool)> {
        let viewers = self.watchers.of(uid).into_iter().filter_map(|watcher| {
            let viewer = self.sessions.get(&watcher)?.live()?.uid;
            Some((watcher, viewer, self.is_shown_to(uid, viewer)))
        });
        viewers.collect()
    }

    /// Those for whom that has changed are told.
    pub(crate) fn tell_shown(&mut self, uid: Uid, viewers: Vec<(SessionId, Uid, bool)>) {
        let Ok(Some(user)) = self.directory.user(uid) else { return };
        let address = user.address.clone();
        for (watcher, viewer, before) in viewers {
            let now = self.is_shown_to(uid, viewer);
            if now == before || self.is_blocked_from(uid, watcher, contact::BLOCK_SUBSCRIPTION) {
                continue;
            }
            let code = if now { code::ONLINE } else { code::OFFLINE };
            self.send_droppable(watcher, &presence_of(uid, address.clone(), code));
        }
    }

    fn tell_watchers(&mut self, uid: Uid, frame: &Bytes) {
        for session in self.watchers.of(uid) {
            let viewer = self.sessions.get(&session).and_then(|session| session.live());
            let deaf = viewer.is_some_and(|live| self.is_denied(live.uid, feature::PRESENCE_IN));
            if !deaf && !self.is_blocked_from(uid, session, contact::BLOCK_SUBSCRIPTION) {
                self.send_droppable(session, frame);
            }
        }
    }

    /// The published part of a user changed.
    pub(crate) fn tell_profile(&mut self, user: &User) {
        let own = self.profile_of(user);
        let profiles = Profiles { users: alloc::vec![own], groups: Vec::new() };
        let frame = Bytes::from(encode_server(server_frame::Body::Profiles(profiles)));
        for session in self.online.sessions(user.uid).to_vec() {
            self.send_encoded(session, frame.clone());
        }
        if user.flags & user_flag::LAZY != 0 {
            return;
        }
        let hidden = contact::BLOCK_SUBSCRIPTION | contact::BLOCK_PROFILE;
        for session in self.watchers.of(user.uid) {
            if self.hears_of(user, session) && !self.is_blocked_from(user.uid, session, hidden) {
                self.tell_profile_to(user, session);
            }
        }
    }

    /// Whether the user wants this watcher to be told of changes. Who is not sees them when it asks.
    fn hears_of(&self, user: &User, watcher: SessionId) -> bool {
        let Some(viewer) = self.sessions.get(&watcher).and_then(|session| session.live()) else {
            return false;
        };
        if user.flags & user_flag::ONLINE_ONLY != 0 && !self.is_shown(viewer.uid) {
            return false;
        }
        let own = self.online.sessions(user.uid).iter().filter_map(|id| self.sessions.get(id));
        user.flags & user_flag::RECENT_ONLY == 0
            || own.filter_map(Session::live).any(|live| live.recent.contains(&viewer.address))
    }

    /// What this session may see of a user.
    pub(crate) fn tell_profile_to(&mut self, user: &User, session: SessionId) {
        let live = self.sessions.get(&session).and_then(|session| session.live());
        let Some(viewer) = live.map(|live| live.uid) else { return };
        let users = alloc::vec![self.profile_for(user, viewer)];
        let profiles = Profiles { users, groups: Vec::new() };
        self.send(session, server_frame::Body::Profiles(profiles));
    }

    pub(crate) fn on_presence(&mut self, id: SessionId, presence: &Presence) -> Result<(), Needs> {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else {
            return Ok(());
        };
        let (uid, aid) = (live.uid, live.aid);
        if presence.data.len() > PRESENCE_DATA_BYTES_MAX {
            return Ok(());
        }
        let to = presence.to.as_ref().and_then(|target| target.to.as_ref());
        let of_group = match to {
            Some(target::To::Group(_)) => feature::GROUP_PRESENCE,
            _ => 0,
        };
        let needed = match presence.presence {
            code::TYPING | code::TYPING_CLEARED => feature::TYPING,
            code::JOINED | code::LEFT => feature::JOINED,
            _ => feature::PRESENCE_OUT,
        };
        if to.is_some() && !self.may_use(uid, needed | of_group)? {
            return Ok(());
        }
        let told = Presence { from_uid: uid.0, from: live.address.clone(), ..presence.clone() };
        let (told, to) = match presence.to.as_ref().and_then(|target| target.to.as_ref()) {
            Some(target::To::Address(address)) if is_address(address) => {
                let Some(user) = self.directory.find_user(aid, address)? else { return Ok(()) };
                if self.directory.blocks(user.uid, uid, contact::BLOCKED) {
                    return Ok(());
                }
                (Presence { to: None, ..told }, alloc::vec![user.uid])
            }
            Some(target::To::Group(gid)) => {
                let Some(roster) = self.directory.group(aid, GroupId(*gid))? else { return Ok(()) };
                let rights = self.rights_in(roster, uid);
                if !roster.group.active
                    || !rights.allow(right::SEND)
                    || roster.members.len() > PRESENCE_MEMBERS_MAX
                {
                    return Ok(());
                }
                let others = roster
                    .members
                    .values()
                    .filter(|other| other.uid != uid && other.is_current(self.now.wall));
                let others = others.map(|other| other.uid);
                (told, others.filter(|other| self.online.contains(*other)).collect())
            }
            None if matches!(presence.presence, code::ONLINE | code::OFFLINE) => {
                return self.show(id, presence.presence == code::ONLINE, presence.value);
            }
            None if presence.presence == code::RESERVED => {
                let place = match presence.value {
                    0 => None,
                    within => Place::from_bytes(&presence.data, within),
                };
                self.nearby.put((aid, uid, id), place);
                return Ok(());
            }
            _ => return Ok(()),
        };
        let frame = Bytes::from(encode_server(server_frame::Body::Presence(told)));
        for uid in to
            .into_iter()
            .filter(|to| !self.is_denied(*to, feature::PRESENCE_IN))
            .collect::<Vec<_>>()
        {
            for session in self.online.sessions(uid).to_vec() {
                if session != id {
                    self.send_droppable(session, &frame);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn on_watch(&mut self, id: SessionId, watch: &Watch) -> Result<(), Needs> {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else {
            return Ok(());
        };
        let (uid, aid) = (live.uid, live.aid);
        let addresses = || watch.addresses.iter().take(WATCHED_MAX);
        let gids = || watch.groups.iter().take(WATCHED_MAX).map(|gid| GroupId(*gid));
        let find = |address: &String| match is_address(address) {
            true => self.directory.find_user(aid, address),
            false => Ok(None),
        };
        let lookups = addresses().map(|address| find(address).map(drop));
        Needs::check(lookups.chain(gids().map(|gid| self.directory.group(aid, gid).map(drop))))?;

        let mut users = Vec::with_capacity(watch.addresses.len().min(WATCHED_MAX));
        let mut watched = Vec::with_capacity(users.capacity());
        for address in addresses() {
            match find(address)? {
                Some(user) => {
                    users.push(self.profile_for(user, uid));
                    watched.push(user.uid);
                }
                None => users.push(Profile { address: address.clone(), ..Profile::default() }),
            }
        }
        let mut groups = Vec::new();
        for gid in gids() {
            if let Some(roster) = self.directory.group(aid, gid)?
                && roster.rights(uid, self.now.wall) != Rights::default()
            {
                groups.push(self.group_for(roster, uid)?);
            }
        }
        for uid in watched {
            self.watchers.add(id, uid);
        }
        for users in portions(users) {
            let profiles = Profiles { users, groups: Vec::new() };
            self.send(id, server_frame::Body::Profiles(profiles));
        }
        self.send_groups(id, groups);
        Ok(())
    }

    pub(crate) fn send_groups(&mut self, id: SessionId, groups: Vec<proto::Group>) {
        for groups in portions(groups) {
            let profiles = Profiles { users: Vec::new(), groups };
            self.send(id, server_frame::Body::Profiles(profiles));
        }
    }

    pub(crate) fn on_group_query(
        &mut self,
        id: SessionId,
        query: &GroupQuery,
    ) -> Result<(), Needs> {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else {
            return Ok(());
        };
        let (uid, aid) = (live.uid, live.aid);
        let mut reply = GroupReply { ticket: query.ticket, ..GroupReply::default() };
        match self.directory.group(aid, GroupId(query.gid))? {
            Some(roster) if roster.member(uid, self.now.wall).is_some() => {
                reply.group = Some(self.group_for(roster, uid)?);
                if query.members {
                    let wanted = match query.count {
                        0 => MEMBERS_PER_REPLY_MAX,
                        count => MEMBERS_PER_REPLY_MAX.min(count as usize),
                    };
                    let after = Uid(query.after_uid);
                    let members = roster
                        .members
                        .values()
                        .filter(|member| member.uid > after && member.is_current(self.now.wall));
                    let mut uids: Vec<_> = members.map(|member| member.uid).collect();
                    uids.sort_unstable();
                    uids.truncate(wanted);
                    Needs::check(uids.iter().map(|uid| self.directory.user(*uid)))?;
                    for member in uids {
                        reply.members.push(self.member_for(roster, member)?);
                    }
                } else {
                    reply.pins = self.pins_for(roster, uid);
                }
            }
            Some(_) => reply.error = group_error::NOT_MEMBER,
            None => reply.error = group_error::DELETED,
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
            online: self.is_shown(user.uid),
            last_seen: self.last_seen(user),
            values: user.values.clone(),
        }
    }

    /// When others see that a user was there last, ms; 0 when they do not.
    fn last_seen(&self, user: &User) -> u64 {
        let Ok(Some(class)) = self.class_of(user) else { return user.last_online.0 };
        let step = u64::from(class.limit(number::LAST_SEEN_S).unwrap_or(0)) * 1_000;
        match class.denies(feature::LAST_SEEN) {
            true => 0,
            false => user.last_online.0 - user.last_online.0.checked_rem(step).unwrap_or(0),
        }
    }

    /// A group as this user sees it.
    pub(crate) fn group_for(&self, roster: &Roster, uid: Uid) -> Result<proto::Group, Missing> {
        let group = &roster.group;
        let owner = match group.owner {
            Some(owner) => self.directory.user(owner)?,
            None => None,
        };
        Ok(proto::Group {
            gid: group.gid.0,
            name: group.name.clone(),
            flags: group.flags,
            call_flags: group.call.flags,
            resolution: group.call.resolution,
            active: group.active,
            expires: group.expires.map_or(0, |expires| expires.0),
            owner: owner.map(|user| user.address.clone()).unwrap_or_default(),
            rights: Some(self.rights_in(roster, uid).to_wire()),
            image: group.image.clone(),
            status: group.status.clone(),
            values: Some(group.values.clone()),
            call_duration: group.call.duration_s,
        })
    }

    /// A member as other members see it.
    pub(crate) fn member_for(&self, roster: &Roster, uid: Uid) -> Result<proto::Member, Missing> {
        let rights = roster.rights(uid, self.now.wall);
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

pub(crate) fn presence_of(uid: Uid, from: String, presence: u32) -> Bytes {
    let presence = Presence { from_uid: uid.0, from, presence, ..Presence::default() };
    encode_server(server_frame::Body::Presence(presence)).into()
}
