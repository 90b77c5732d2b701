//! Operations on groups, of the backend and of clients: what changes, and what goes into whose log.
//!
//! Decides only; [`operations`](crate::operations) asks the store and tells everybody.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{AppId, GroupId, Uid};
use wire::limits::{MEMBERS_PER_REPLY_MAX, MEMBERS_TOLD_MAX};
use wire::mask::{admin as admin_flag, call, group as mode, member as right};
use wire::proto::{GroupChange, entry, group_change};
use wire::time::Duration;

use crate::delivery::EncodedEntry;
use crate::directory::{Missing, Needs, Roster};
use crate::guards::no_room;
use crate::hub::Hub;
use crate::operations::{After, Job, Progress, no_group, no_members};
use crate::port::admin::{AdminError, GroupFields, MemberFields, MemberRow, Param, Reply};
use crate::port::call::{CallFields, CallSettings};
use crate::port::store::{Group, Member, Note, Request};

/// A group lives a year when nobody said how long (`backend-api.md` 2.4), seconds.
const GROUP_EXPIRY_DEFAULT_S: u32 = 31_536_000;

impl Hub {
    pub(crate) fn add_group(
        &mut self,
        aid: AppId,
        fields: GroupFields,
        (members, rights): (&[String], &MemberFields),
        job: &Job,
    ) -> Result<Progress, Needs> {
        let (uids, mut failed) = self.users(aid, members)?;
        let call = CallSettings { flags: call::DEFAULT, ..CallSettings::default() };
        let fresh = Group { aid, call, active: true, ..Group::default() };
        let fields =
            GroupFields { expiry_s: fields.expiry_s.or(Some(GROUP_EXPIRY_DEFAULT_S)), ..fields };
        let mut group = match self.changed_group(fresh, fields)? {
            Ok(group) => group,
            Err(error) => return Ok(error.into()),
        };
        // The owner first: a group that has no room for it is not made.
        let owner = group.owner.or_else(|| uids.first().copied().filter(|_| is_owner_wish(rights)));
        let mut wanted: Vec<_> = owner.into_iter().collect();
        wanted.extend(uids.iter().copied().filter(|uid| Some(*uid) != owner));
        let wanted = match self.with_room(job, &Roster::default(), wanted, &mut failed)? {
            Ok(wanted) => wanted,
            Err(progress) => return Ok(progress),
        };
        if owner.is_some_and(|owner| !wanted.contains(&owner)) {
            return Ok(no_room(Param::GroupOwner).into());
        }
        let uids: Vec<_> = uids.into_iter().filter(|uid| wanted.contains(uid)).collect();
        let mut put: Vec<_> =
            uids.iter().map(|uid| self.changed_member(None, *uid, rights)).collect();
        if is_owner_wish(rights) {
            group.owner = uids.first().copied().or(group.owner);
        }
        // The owner is a member, named as one or not.
        if let Some(owner) = group.owner.filter(|owner| !uids.contains(owner)) {
            put.push(Member { uid: owner, ..Member::default() });
        }
        // The members are told the number of the group, so it has to exist first.
        let request = Request::SaveGroup {
            group: group.clone(),
            put: Vec::new(),
            remove: Vec::new(),
            unqueue: Vec::new(),
            notes: Vec::new(),
        };
        Ok(Progress::Ask(request, After::GroupCreated { group, put, failed }))
    }

    pub(crate) fn set_group(
        &mut self,
        aid: AppId,
        gid: GroupId,
        fields: GroupFields,
        (members, rights): (&[String], &MemberFields),
        job: &Job,
    ) -> Result<Progress, Needs> {
        let Some(before) = self.directory.group(aid, gid)?.cloned() else {
            return Ok(no_group().into());
        };
        let (mut uids, mut failed) = self.users(aid, members)?;
        let mut after = before.clone();
        after.group = match self.changed_group(after.group, fields)? {
            Ok(group) => group,
            Err(error) => return Ok(error.into()),
        };
        if !members.is_empty() {
            if uids.is_empty() {
                // A list of strangers would empty the group.
                return Ok(no_members().into());
            }
            let listed: BTreeSet<_> = uids.iter().copied().collect();
            let owner = after.group.owner;
            after.members.retain(|uid, _| listed.contains(uid) || owner == Some(*uid));
            uids = match self.with_room(job, &after, uids, &mut failed)? {
                Ok(uids) => uids,
                Err(progress) => return Ok(progress),
            };
            self.put_members(&mut after, &uids, rights);
        }
        let mut touched = uids;
        if let Some(owner) = after.group.owner
            && !after.members.contains_key(&owner)
        {
            match self.with_room(job, &after, [owner].into(), &mut Vec::new())? {
                Ok(fitting) if fitting.is_empty() => return Ok(no_room(Param::GroupOwner).into()),
                Ok(_) => {}
                Err(progress) => return Ok(progress),
            }
            after.members.insert(owner, Member { uid: owner, ..Member::default() });
            touched.push(owner);
        }
        let reply = Reply::Group { group: after.group.clone(), failed };
        self.save_group(&before, after, &touched, reply)
    }

    pub(crate) fn edit_members(
        &mut self,
        aid: AppId,
        gid: GroupId,
        (members, rights): (&[String], &MemberFields),
        job: &Job,
    ) -> Result<Progress, Needs> {
        let Some(before) = self.directory.group(aid, gid)?.cloned() else {
            return Ok(no_group().into());
        };
        let (uids, mut failed) = self.users(aid, members)?;
        if uids.is_empty() {
            return Ok(no_members().into());
        }
        let uids = match self.with_room(job, &before, uids, &mut failed)? {
            Ok(uids) if uids.is_empty() => return Ok(no_room(Param::Members).into()),
            Ok(uids) => uids,
            Err(progress) => return Ok(progress),
        };
        let edited = uids.iter().filter(|uid| before.members.contains_key(*uid)).count() as u32;
        let added = uids.len() as u32 - edited;
        let mut after = before.clone();
        self.put_members(&mut after, &uids, rights);
        let reply = Reply::MembersEdited { gid, added, edited, removed: 0, failed };
        self.save_group(&before, after, &uids, reply)
    }

    pub(crate) fn remove_members(
        &mut self,
        aid: AppId,
        gid: GroupId,
        members: &[String],
    ) -> Result<Progress, Needs> {
        let Some(before) = self.directory.group(aid, gid)?.cloned() else {
            return Ok(no_group().into());
        };
        let (uids, failed) = self.users(aid, members)?;
        if uids.is_empty() {
            return Ok(no_members().into());
        }
        let mut after = before.clone();
        for uid in &uids {
            after.members.remove(uid);
            if after.group.owner == Some(*uid) {
                after.group.owner = None;
            }
        }
        let removed = (before.members.len() - after.members.len()) as u32;
        let reply = Reply::MembersEdited { gid, added: 0, edited: 0, removed, failed };
        self.save_group(&before, after, &[], reply)
    }

    pub(crate) fn get_members(
        &mut self,
        aid: AppId,
        gid: GroupId,
        after: Uid,
        count: u32,
    ) -> Result<Progress, Needs> {
        let Some(roster) = self.directory.group(aid, gid)? else { return Ok(no_group().into()) };
        let mut uids: Vec<_> = roster.members.keys().copied().filter(|uid| *uid > after).collect();
        uids.sort_unstable();
        let more = uids.len() > count as usize;
        uids.truncate(count as usize);
        Needs::check(uids.iter().map(|uid| self.directory.user(*uid)))?;
        let mut members = Vec::with_capacity(uids.len());
        for uid in uids {
            let member = roster.members[&uid].clone();
            let Some(user) = self.directory.user(uid)? else { continue };
            let rights = roster.rights(uid, self.now.wall);
            members.push(MemberRow {
                effective: rights.may,
                effective_admin: rights.admin_flags,
                member,
                user: (**user).clone(),
                owner: roster.group.owner == Some(uid),
                online: self.online.contains(uid),
            });
        }
        Ok(Progress::Answered(Reply::Members { members, more }))
    }

    pub(crate) fn delete_group(&mut self, aid: AppId, gid: GroupId) -> Result<Progress, Needs> {
        let Some(roster) = self.directory.group(aid, gid)?.cloned() else {
            return Ok(no_group().into());
        };
        let change = self.change(group_change::Kind::Deleted, &roster, None, false, &[])?;
        let notes: Vec<_> = roster.members.keys().map(|uid| change.to(*uid)).collect();
        let request = Request::DeleteGroup { gid, notes: notes.clone() };
        Ok(Progress::Ask(request, After::GroupDeleted { group: roster.group, notes }))
    }

    /// Stores a group that changed from `before` to `after`, and tells whom it concerns.
    pub(crate) fn save_group(
        &mut self,
        before: &Roster,
        after: Roster,
        touched: &[Uid],
        reply: Reply,
    ) -> Result<Progress, Needs> {
        let notes = self.membership_notes(before, &after, touched)?;
        let put = touched.iter().filter_map(|uid| after.members.get(uid).cloned()).collect();
        let gone = before.members.keys().filter(|uid| !after.members.contains_key(*uid));
        // Who is removed keeps what was sent to it while it was a member (`backend-api.md` 5.1).
        let received = before.receivers(self.now.wall);
        let hears = |uid: &Uid| after.rights(*uid, self.now.wall).allow(right::RECV);
        let unqueue = received.filter(|uid| after.members.contains_key(uid) && !hears(uid));
        let request = Request::SaveGroup {
            group: after.group.clone(),
            put,
            remove: gone.copied().collect(),
            unqueue: unqueue.collect(),
            notes: notes.clone(),
        };
        Ok(Progress::Ask(request, After::GroupSaved { roster: after, notes, reply }))
    }

    /// What goes into whose log when a group changes: joined, left, settings, others' coming and
    /// going.
    pub(crate) fn membership_notes(
        &self,
        before: &Roster,
        after: &Roster,
        touched: &[Uid],
    ) -> Result<Vec<Note>, Needs> {
        use group_change::Kind;
        let not_in = |other: &Roster, roster: &Roster| -> Vec<Uid> {
            let missing = roster.members.keys().filter(|uid| !other.members.contains_key(*uid));
            missing.copied().collect()
        };
        let joined = not_in(before, after);
        let left = not_in(after, before);
        Needs::check(joined.iter().chain(&left).map(|uid| self.directory.user(*uid)))?;

        let mut notes = Vec::new();
        for uid in &joined {
            notes.push(self.change(Kind::Joined, after, Some(*uid), true, &[])?.to(*uid));
        }
        for uid in &left {
            notes.push(self.change(Kind::Left, after, Some(*uid), false, &[])?.to(*uid));
        }
        // The same for everybody, so encoded once; cut where a frame would grow too large.
        let mut roster_changes = Vec::new();
        for (kind, uids) in [(Kind::MembersJoined, &joined), (Kind::MembersLeft, &left)] {
            for uids in uids.chunks(MEMBERS_PER_REPLY_MAX) {
                roster_changes.push(self.change(kind, after, None, false, uids)?);
            }
        }
        // Who gave a member other rights hears of it; rights of another are nobody else's business.
        if let Some(actor) = self.operations.actor() {
            let renewed = |uid: &&Uid| {
                let (known, now) = (before.members.get(*uid), after.members.get(*uid));
                known.is_some() && now.is_some() && known != now
            };
            let renewed: Vec<_> = touched.iter().filter(renewed).copied().collect();
            if !renewed.is_empty() {
                let change = self.change(Kind::MembersJoined, after, None, false, &renewed)?;
                notes.push(change.to(actor.uid));
            }
        }
        // PINs are told to who asks for them.
        let shown = |roster: &Roster| Group { pins: Vec::new(), ..roster.group.clone() };
        let settings = shown(before) != shown(after);
        let values = before.group.values != after.group.values;
        let touched: BTreeSet<_> = touched.iter().copied().collect();
        let many = after.members.len() > MEMBERS_TOLD_MAX;
        for uid in after.members.keys().filter(|uid| before.members.contains_key(*uid)) {
            if many && !self.online.contains(*uid) && !touched.contains(uid) {
                continue;
            }
            let rights = after.rights(*uid, self.now.wall);
            if settings || rights != before.rights(*uid, self.now.wall) {
                notes.push(self.change(Kind::Settings, after, Some(*uid), values, &[])?.to(*uid));
            }
            if rights.allow(right::LIST) {
                notes.extend(roster_changes.iter().map(|change| change.to(*uid)));
            }
        }
        Ok(notes)
    }

    /// A change of a group as an entry; with `for_user` the group's rights are that user's. Its
    /// named values are large, and so told only when they are news.
    pub(crate) fn change(
        &self,
        kind: group_change::Kind,
        roster: &Roster,
        for_user: Option<Uid>,
        values: bool,
        members: &[Uid],
    ) -> Result<EncodedEntry, Missing> {
        let mut group = self.group_for(roster, for_user.unwrap_or_default())?;
        if for_user.is_none() {
            group.rights = None;
        }
        if !values {
            group.values = None;
        }
        let mut rows = Vec::with_capacity(members.len());
        for uid in members {
            rows.push(self.member_for(roster, *uid)?);
        }
        let actor = self.operations.actor();
        let change = GroupChange {
            kind: kind as i32,
            group: Some(group),
            members: rows,
            by: actor.map(|actor| actor.address.clone()).unwrap_or_default(),
            origin: actor.map(|actor| actor.device.0.to_vec()).unwrap_or_default(),
            ticket: actor.map_or(0, |actor| actor.ticket),
        };
        Ok(EncodedEntry::new(entry::Body::Group(change)))
    }

    fn changed_group(
        &self,
        group: Group,
        fields: GroupFields,
    ) -> Result<Result<Group, AdminError>, Missing> {
        let owner = match &fields.owner {
            None => group.owner,
            Some(owner) => match self.user(group.aid, owner)? {
                Ok(user) => Some(user.uid),
                Err(error) => {
                    return Ok(Err(AdminError { params: [Param::GroupOwner].into(), ..error }));
                }
            },
        };
        let expires = match fields.expiry_s {
            None => group.expires,
            Some(0) => None,
            Some(seconds) => Some(self.now.wall.after(Duration::from_secs(seconds.into()))),
        };
        Ok(Ok(Group {
            name: fields.name.unwrap_or(group.name),
            status: fields.status.unwrap_or(group.status),
            image: fields.image.unwrap_or(group.image),
            values: fields.values.unwrap_or(group.values),
            // What asks for a deletion is no property of a group.
            flags: changed(fields.flags.unwrap_or(group.flags), fields.flags_change)
                & !mode::DELETE,
            call: changed_call(group.call, fields.call),
            publishers_max: fields.publishers_max.unwrap_or(group.publishers_max),
            active: fields.active.unwrap_or(group.active),
            pinned: fields.pinned.unwrap_or(group.pinned),
            expiry_extension_s: fields.expiry_extension_s.unwrap_or(group.expiry_extension_s),
            gid: group.gid,
            aid: group.aid,
            expires,
            owner,
            pins: group.pins,
            starts: fields.starts.map_or(group.starts, |at| (at.0 > 0).then_some(at)),
            duration_s: fields.duration_s.unwrap_or(group.duration_s),
            lobby: fields.lobby.unwrap_or(group.lobby),
        }))
    }

    fn put_members(&self, roster: &mut Roster, uids: &[Uid], rights: &MemberFields) {
        for uid in uids {
            let member = self.changed_member(roster.members.get(uid), *uid, rights);
            roster.members.insert(*uid, member);
        }
        if is_owner_wish(rights) {
            roster.group.owner = uids.first().copied().or(roster.group.owner);
        }
    }

    pub(crate) fn changed_member(
        &self,
        known: Option<&Member>,
        uid: Uid,
        fields: &MemberFields,
    ) -> Member {
        let member = known.cloned().unwrap_or(Member { uid, ..Member::default() });
        let admin_flags = fields.admin_flags.map(|flags| flags & !admin_flag::OWNER);
        Member {
            uid,
            given: (member.given | fields.given) & !fields.denied,
            denied: (member.denied | fields.denied) & !fields.given,
            admin_flags: admin_flags.unwrap_or(member.admin_flags),
            expires: match fields.expiry_s {
                None => member.expires,
                Some(0) => None,
                Some(seconds) => Some(self.now.wall.after(Duration::from_secs(seconds.into()))),
            },
            call: changed_call(member.call, fields.call),
            busy: fields.busy.unwrap_or(member.busy),
            pin: member.pin,
        }
    }
}

fn changed_call(call: CallSettings, fields: CallFields) -> CallSettings {
    let flags = fields.flags.unwrap_or(call.flags);
    CallSettings {
        flags: match (fields.change, flags & call::VALID) {
            ((0, 0), _) => flags,
            // One that is named makes the others count as they are by default.
            (change, 0) => changed(call::VALID | call::KINDS, change),
            (change, _) => changed(flags, change),
        },
        resolution: fields.resolution.unwrap_or(call.resolution),
        duration_s: fields.duration_s.unwrap_or(call.duration_s),
        fps: fields.fps.unwrap_or(call.fps),
        video_kbps: fields.video_kbps.unwrap_or(call.video_kbps),
        audio_kbps: fields.audio_kbps.unwrap_or(call.audio_kbps),
    }
}

/// Bits of a mask cleared, and then others set.
fn changed(flags: u32, (clear, set): (u32, u32)) -> u32 {
    flags & !clear | set
}

fn is_owner_wish(rights: &MemberFields) -> bool {
    rights.admin_flags.is_some_and(|flags| flags & admin_flag::OWNER != 0)
}
