//! What clients ask to be changed: groups and their own profile. What the asker may do is decided
//! here; what then happens is the operation of the backend.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;
use hashbrown::HashMap;
use wire::id::{AppId, DeviceKey, GroupId, SessionId, Uid};
use wire::limits::{
    IMAGE_URL_BYTES_MAX, MEMBERS_PER_REQUEST_MAX, NAME_BYTES_MAX, PIN_BLOCKED,
    PIN_FAILURES_KEPT_MAX, PIN_FAILURES_MAX, PIN_FAILURES_PER_ADDRESS_MAX, PIN_WINDOW,
    PINS_PER_GROUP_MAX, PROFILE_RECENT_MAX, PROFILE_VALUES_BYTES_MAX, STATUS_BYTES_MAX,
};
use wire::mask::member::SETTABLE;
use wire::mask::{
    admin as may, group as mode, group_error as error, member as right, user as user_flag,
};
use wire::proto::{
    self, GroupReply, GroupRequest, GroupSettings, MembersPut, Permissions, ProfileSave,
    ProfileSaved, group_request::What, server_frame,
};
use wire::time::{Duration, Instant, Timestamp};

use crate::app_operations::{Quota, over_quota};
use crate::directory::{Needs, Roster};
use crate::household::household;
use crate::hub::Hub;
use crate::operations::{After, Job, Progress};
use crate::port::admin::{GroupFields, MemberFields, Reply, UserFields, UserRef};
use crate::port::apps::{feature, number};
use crate::port::call::CallFields;
use crate::port::store::{Group, Member, Pin, Request};
use crate::rights::{Rights, adds_members, demands_pin, widened};
use crate::user_operations::changed_user;

/// A client that asks, and from where.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub session: SessionId,
    pub uid: Uid,
    pub aid: AppId,
    pub address: String,
    pub device: DeviceKey,
    pub ticket: u32,
    pub remote: IpAddr,
}

/// What a client asks for.
#[derive(Debug)]
pub(crate) enum Wish {
    Group(GroupRequest),
    Profile(ProfileSave),
    /// Has written to, or entered, a group that takes everybody who does, or lives on by it.
    Enter(GroupId),
}

impl Hub {
    pub(crate) fn on_group_request(&mut self, id: SessionId, request: &GroupRequest) {
        if let Some(actor) = self.actor(id, request.ticket) {
            self.on_wish(actor, Wish::Group(request.clone()));
        }
    }

    pub(crate) fn on_profile_save(&mut self, id: SessionId, save: &ProfileSave) {
        if let Some(live) = self.sessions.get_mut(&id).and_then(|session| session.live_mut()) {
            live.recent = save.recent.iter().take(PROFILE_RECENT_MAX).cloned().collect();
        }
        if let Some(actor) = self.actor(id, save.ticket) {
            self.on_wish(actor, Wish::Profile(save.clone()));
        }
    }

    pub(crate) fn actor(&self, session: SessionId, ticket: u32) -> Option<Actor> {
        let found = self.sessions.get(&session)?;
        let (live, remote) = (found.live()?, found.remote.to_canonical());
        let (uid, aid, device) = (live.uid, live.aid, live.key);
        Some(Actor { session, uid, aid, address: live.address.clone(), device, ticket, remote })
    }

    /// The asker hears what came of it.
    pub(crate) fn answer_client(&mut self, actor: &Actor, wish: &Wish, result: Result<Reply, u32>) {
        let ticket = actor.ticket;
        if let Wish::Enter(gid) = wish {
            // It has asked for nothing; the entry in its log says what has happened.
            self.entering.remove(&(*gid, actor.uid));
            return;
        }
        let Wish::Group(request) = wish else {
            let saved = ProfileSaved { ticket, ok: result.is_ok() };
            return self.send(actor.session, server_frame::Body::ProfileSaved(saved));
        };
        let mut reply = GroupReply { ticket, ..GroupReply::default() };
        match result {
            Err(error) => {
                reply.error = error;
                let joins = matches!(request.what, Some(What::Join(_)));
                reply.waiting = joins && self.is_waiting(GroupId(request.gid), actor.uid);
            }
            Ok(done) => {
                let gid = match done {
                    Reply::Group { group, .. } => group.gid,
                    _ => GroupId(request.gid),
                };
                if let Ok(Some(roster)) = self.directory.group(actor.aid, gid) {
                    reply.group = self.group_for(roster, actor.uid).ok();
                    reply.pins = self.pins_for(roster, actor.uid);
                }
            }
        }
        self.send(actor.session, server_frame::Body::GroupReply(reply));
    }

    /// Decides on a client's wish from its start.
    pub(crate) fn perform_wish(
        &mut self,
        actor: &Actor,
        wish: &Wish,
        job: &Job,
    ) -> Result<Progress, Needs> {
        match wish {
            Wish::Profile(save) => self.save_profile(actor, save),
            Wish::Group(request) => self.change_group(actor, request, job),
            Wish::Enter(gid) => {
                let roster = self.directory.group(actor.aid, *gid)?;
                let Some(before) = roster.filter(|roster| self.gains_by(roster, actor.uid)) else {
                    return Ok(Progress::Denied(error::GENERAL));
                };
                let (before, mut after) = (before.clone(), before.clone());
                if let Some(expires) = self.prolonged(&before.group) {
                    after.group.expires = Some(expires);
                }
                let fresh = Member { uid: actor.uid, ..Member::default() };
                if adds_members(&before.group, self.now.wall)
                    && !before.group.lobby
                    && !before.rights(actor.uid, self.now.wall).member
                    && self.may_use(actor.uid, feature::GROUP_MEMBER)?
                {
                    match self.with_room(job, &before, [actor.uid].into(), &mut Vec::new())? {
                        Ok(uids) if uids.is_empty() => {}
                        Ok(_) => drop(after.members.insert(actor.uid, fresh)),
                        Err(progress) => return Ok(progress),
                    }
                }
                let reply = Reply::Group { group: after.group.clone(), failed: Vec::new() };
                self.save_group(&before, after, &[actor.uid], reply)
            }
        }
    }

    /// Somebody has done in a group what makes it a member there.
    pub(crate) fn enter_group(&mut self, session: SessionId, gid: GroupId) {
        let Some(actor) = self.actor(session, 0) else { return };
        let Ok(Some(roster)) = self.directory.group(actor.aid, gid) else { return };
        if self.gains_by(roster, actor.uid) && self.entering.insert((gid, actor.uid)) {
            self.on_wish(actor, Wish::Enter(gid));
        }
    }

    /// Whether a group changes when this user does something in it.
    fn gains_by(&self, roster: &Roster, uid: Uid) -> bool {
        let adds = adds_members(&roster.group, self.now.wall)
            && !roster.group.lobby
            && !roster.rights(uid, self.now.wall).member
            && self.room_in(roster) > 0
            && !self.is_denied(uid, feature::GROUP_MEMBER);
        adds || self.prolonged(&roster.group).is_some()
    }

    /// When a group ends that is being used now and lives on by it. Not for each message: once a
    /// twentieth of the time is over.
    fn prolonged(&self, group: &Group) -> Option<Timestamp> {
        let extension = Duration::from_secs(group.expiry_extension_s.into());
        let end = self.now.wall.after(extension);
        let is_due =
            |expires: &Timestamp| *expires > self.now.wall && expires.after(extension / 20) < end;
        group.expires.filter(is_due).filter(|_| !extension.is_zero()).map(|_| end)
    }

    fn save_profile(&mut self, actor: &Actor, save: &ProfileSave) -> Result<Progress, Needs> {
        let Some(user) = self.directory.user(actor.uid)?.cloned() else {
            return Ok(Progress::Denied(error::GENERAL));
        };
        let ProfileSave { name, status, image, values, .. } = save.clone();
        if !texts_fit(&name, &status, &image, &values) {
            return Ok(Progress::Denied(error::GENERAL));
        }
        let fields = UserFields { name, status, image, values, ..UserFields::default() };
        let mut user = changed_user((*user).clone(), fields);
        if let Some(flags) = save.flags {
            user.flags = user.flags & !user_flag::OWN | flags & user_flag::OWN;
        }
        let request = Request::SaveUser { user };
        Ok(Progress::Ask(request, After::UserSaved { remove: None, wish: None, new: false }))
    }

    fn change_group(
        &mut self,
        actor: &Actor,
        request: &GroupRequest,
        job: &Job,
    ) -> Result<Progress, Needs> {
        let denied = |error| Ok(Progress::Denied(error));
        let (aid, gid) = (actor.aid, GroupId(request.gid));
        let Some(what) = &request.what else { return denied(error::GENERAL) };
        if let What::Create(settings) = what {
            return self.create_group(actor, settings, job);
        }
        let Some(roster) = self.directory.group(aid, gid)?.cloned() else {
            return match what {
                What::Join(_) => Ok(self.wrong_pin(actor)),
                _ => denied(error::DELETED),
            };
        };
        if matches!(what, What::Join(_)) && !self.may_use(actor.uid, feature::GROUP_MEMBER)? {
            return denied(error::PERMISSION);
        }
        if let What::Join(pin) = what {
            return self.join(actor, roster, *pin, job);
        }
        let rights = roster.rights(actor.uid, self.now.wall);
        if !rights.member {
            return denied(error::NOT_MEMBER);
        }
        let allowed = |flag| rights.admin_flags & flag != 0;
        let nobody = MemberFields::default();
        match what {
            What::Set(settings) if allowed(may::MODIFY) => match group_fields(settings) {
                Some(fields) => self.set_group(aid, gid, fields, (&[], &nobody), job),
                None => denied(error::GENERAL),
            },
            What::Put(put) if allowed(may::ADD_USER) => {
                self.put_by(actor, &roster, (rights, put), job)
            }
            What::Remove(remove) if allowed(may::REM_USER) => {
                if remove.addresses.len() > MEMBERS_PER_REQUEST_MAX {
                    return denied(error::GENERAL);
                }
                let (uids, _) = self.users(aid, &remove.addresses)?;
                let protected = |uid: &Uid| {
                    let admin = roster.members.get(uid).is_some_and(|m| m.admin_flags != 0);
                    let owner = roster.group.owner == Some(*uid);
                    *uid != actor.uid
                        && (owner && !allowed(may::REM_OWNER) || admin && !allowed(may::REM_ADMIN))
                };
                if uids.iter().any(protected) {
                    return denied(error::PERMISSION);
                }
                self.remove_members(aid, gid, &remove.addresses)
            }
            What::Delete(_) if allowed(may::REM_GROUP) => self.delete_group(aid, gid),
            What::Leave(_) => {
                let member = roster.members.get(&actor.uid);
                let bound = member.is_some_and(|m| m.given & right::NO_SELF_DELETE != 0);
                if bound || roster.group.flags & mode::NO_SELF_DELETE != 0 {
                    return denied(error::PERMISSION);
                }
                self.remove_members(aid, gid, core::slice::from_ref(&actor.address))
            }
            What::Admit(admit) if allowed(may::ADD_USER) => {
                if admit.addresses.len() > MEMBERS_PER_REQUEST_MAX {
                    return denied(error::GENERAL);
                }
                self.admit(aid, gid, (&admit.addresses, admit.admit), job)
            }
            What::AddPin(pin) if allowed(may::ADD_PIN) => self.put_pin(roster, rights, pin, true),
            What::EditPin(pin) if allowed(may::ADD_PIN) => self.put_pin(roster, rights, pin, false),
            What::RemovePin(pin) if allowed(may::REMOVE_PIN) => {
                let mut after = roster.clone();
                after.group.pins.retain(|known| known.pin != *pin);
                after.end_with_pin(*pin);
                self.save_pins(&roster, after)
            }
            _ => denied(error::PERMISSION),
        }
    }

    fn create_group(
        &mut self,
        actor: &Actor,
        settings: &GroupSettings,
        job: &Job,
    ) -> Result<Progress, Needs> {
        let Some(user) = self.directory.user(actor.uid)?.cloned() else {
            return Ok(Progress::Denied(error::GENERAL));
        };
        let class = self.class_of(&user)?;
        if class.is_some_and(|class| class.denies(feature::GROUP_CREATE)) {
            return Ok(Progress::Denied(error::PERMISSION));
        }
        let of_class = class.and_then(|class| class.limit(number::GROUPS));
        if let Some(limit) = [user.groups_max, of_class].into_iter().flatten().min() {
            let Some(memberships) = &job.memberships else {
                let request = Request::LoadMemberships { uid: user.uid };
                return Ok(Progress::Ask(request, After::Memberships));
            };
            let group = |gid: &GroupId| self.directory.group(actor.aid, *gid);
            Needs::check(memberships.iter().map(group))?;
            let owned = memberships.iter().filter(|gid| {
                let roster = group(gid).ok().flatten();
                roster.is_some_and(|roster| roster.group.owner == Some(user.uid))
            });
            if owned.count() >= limit as usize {
                return Ok(Progress::Denied(error::PERMISSION));
            }
        }
        let app = self.directory.app(actor.aid)?.cloned().unwrap_or_default();
        if let Some(progress) = over_quota(&app, job, Quota::Groups) {
            return Ok(progress);
        }
        let fields = group_fields(settings);
        let named = settings.name.as_ref().is_some_and(|name| !name.is_empty());
        let Some(fields) = fields.filter(|_| named) else {
            return Ok(Progress::Denied(error::GENERAL));
        };
        let fields = GroupFields {
            expiry_s: fields.expiry_s.or(Some(0)),
            owner: Some(UserRef { uid: Some(user.uid), address: None }),
            ..fields
        };
        self.add_group(actor.aid, fields, (&[], &MemberFields::default()), job)
    }

    /// Adds members or changes their rights, no further than the asker's own rights go.
    fn put_by(
        &mut self,
        actor: &Actor,
        roster: &Roster,
        (rights, put): (Rights, &MembersPut),
        job: &Job,
    ) -> Result<Progress, Needs> {
        if put.addresses.len() > MEMBERS_PER_REQUEST_MAX {
            return Ok(Progress::Denied(error::GENERAL));
        }
        let allowed = |flag| rights.admin_flags & flag != 0;
        let permissions = put.permissions.unwrap_or_default();
        let (uids, _) = self.users(actor.aid, &put.addresses)?;
        let forbidden = |uid: &Uid| {
            if roster.group.owner == Some(*uid) {
                return *uid != actor.uid && !allowed(may::REM_OWNER);
            }
            let had = roster.members.get(uid).map_or(0, |member| member.admin_flags);
            let will = permissions.admin_flags.unwrap_or(had);
            let (gained, lost) = (will & !had, had & !will);
            gained != 0 && (!allowed(may::ADD_ADMIN) || gained & !rights.admin_flags != 0)
                || lost != 0 && *uid != actor.uid && !allowed(may::REM_ADMIN)
        };
        if uids.iter().any(forbidden) {
            return Ok(Progress::Denied(error::PERMISSION));
        }
        let gid = roster.group.gid;
        let rights = member_fields(&permissions);
        self.edit_members(actor.aid, gid, (&put.addresses, &rights), job)
    }

    // ---- PINs ----------------------------------------------------------------------------

    /// The PINs a user may see.
    pub(crate) fn pins_for(&self, roster: &Roster, uid: Uid) -> Vec<proto::Pin> {
        let now = self.now.wall;
        if roster.rights(uid, now).admin_flags & may::LIST_PIN == 0 {
            return Vec::new();
        }
        let usable = roster.group.pins.iter().filter(|pin| pin.expires.is_none_or(|at| at > now));
        let told = usable.map(|pin| proto::Pin {
            pin: pin.pin,
            permissions: Some(permissions_of(pin)),
            expiry: pin.expires.map_or(0, |at| (at.0.saturating_sub(now.0) / 1_000) as u32),
            uses: pin.uses,
            used: pin.used,
        });
        told.collect()
    }

    fn put_pin(
        &mut self,
        roster: Roster,
        rights: Rights,
        wish: &proto::Pin,
        new: bool,
    ) -> Result<Progress, Needs> {
        let permissions = wish.permissions.unwrap_or_default();
        let admin_flags = permissions.admin_flags.unwrap_or(0);
        let beyond = admin_flags & (!rights.admin_flags | may::OWNER) != 0;
        if beyond || admin_flags != 0 && rights.admin_flags & may::ADD_ADMIN == 0 {
            return Ok(Progress::Denied(error::PERMISSION));
        }
        let mut after = roster.clone();
        let pins = &mut after.group.pins;
        let seconds = |expiry: u32| Duration::from_secs(expiry.into());
        let mut pin = Pin {
            pin: wish.pin,
            flags: permissions.flags,
            admin_flags,
            call_flags: permissions.call_flags.unwrap_or(0),
            resolution: permissions.resolution.unwrap_or(0),
            call_duration_s: permissions.call_duration.unwrap_or(0),
            member_expiry_s: permissions.expiry.unwrap_or(0),
            expires: (wish.expiry != 0).then(|| self.now.wall.after(seconds(wish.expiry))),
            uses: wish.uses,
            used: 0,
        };
        if new {
            pins.retain(|known| known.expires.is_none_or(|at| at > self.now.wall));
            if pins.len() >= PINS_PER_GROUP_MAX {
                return Ok(Progress::Denied(error::GENERAL));
            }
            while pin.pin == 0 || pins.iter().any(|known| known.pin == pin.pin) {
                pin.pin = pin.pin.wrapping_add(1);
            }
            pins.push(pin);
            pins.sort_unstable_by_key(|pin| pin.pin);
        } else {
            let Some(known) = pins.iter_mut().find(|known| known.pin == pin.pin) else {
                return Ok(Progress::Denied(error::BAD_PIN));
            };
            pin.used = known.used;
            *known = pin;
        }
        self.save_pins(&roster, after)
    }

    fn save_pins(&mut self, before: &Roster, after: Roster) -> Result<Progress, Needs> {
        let reply = Reply::Group { group: after.group.clone(), failed: Vec::new() };
        self.save_group(before, after, &[], reply)
    }

    fn join(
        &mut self,
        actor: &Actor,
        roster: Roster,
        number: u32,
        job: &Job,
    ) -> Result<Progress, Needs> {
        let now = self.now;
        if self.wrong_pins.is_blocked(actor, now.instant) {
            return Ok(Progress::Denied(error::ACCESS_DENIED));
        }
        let usable = |pin: &&mut Pin| {
            pin.pin == number
                && pin.expires.is_none_or(|at| at > now.wall)
                && (pin.uses == 0 || pin.used < pin.uses)
        };
        let mut after = roster.clone();
        let Some(pin) = after.group.pins.iter_mut().find(usable) else {
            return Ok(self.wrong_pin(actor));
        };
        let group = &roster.group;
        if !group.active || group.expires.is_some_and(|at| at <= now.wall) {
            return Ok(Progress::Denied(error::ACCESS_DENIED));
        }
        let own = roster.member(actor.uid, now.wall).is_some_and(|member| member.pin == number);
        let for_one = demands_pin(group, now.wall) && pin.flags & right::SHARED_PIN == 0;
        if for_one && pin.used > 0 && !own {
            return Ok(match self.wrong_pin(actor) {
                Progress::Denied(error::BAD_PIN) => Progress::Denied(error::NOT_SHARED_PIN),
                denied => denied,
            });
        }
        let member = match roster.member(actor.uid, now.wall) {
            // What the PIN gives is added to what is there. A membership that goes with a PIN goes with
            // the one shown last, and with none as soon as one is shown that it does not go with.
            Some(member) => {
                if for_one && !own {
                    pin.used += 1;
                }
                let given = pin.flags & SETTABLE & !right::DELETE_WITH_PIN;
                let lasting = right::DELETE_WITH_PIN & !pin.flags;
                Member {
                    given: (member.given | given) & !lasting,
                    denied: member.denied & !given,
                    admin_flags: member.admin_flags | pin.admin_flags,
                    call: widened(member.call, pin),
                    pin: number,
                    ..member.clone()
                }
            }
            None => {
                if !group.lobby {
                    pin.used += 1;
                }
                let rights = member_fields(&permissions_of(pin));
                Member { pin: number, ..self.changed_member(None, actor.uid, &rights) }
            }
        };
        if group.lobby && roster.member(actor.uid, now.wall).is_none() {
            self.wait_in_lobby(actor, &roster, member, Some(number));
            return Ok(Progress::Denied(error::ACCESS_DENIED));
        }
        match self.with_room(job, &roster, [actor.uid].into(), &mut Vec::new())? {
            Ok(uids) if uids.is_empty() => return Ok(Progress::Denied(error::ACCESS_DENIED)),
            Ok(_) => {}
            Err(progress) => return Ok(progress),
        }
        // A membership that has ended is not one, so its end is told before the new beginning.
        let mut before = roster.clone();
        before.members.retain(|uid, _| *uid != actor.uid || roster.rights(*uid, now.wall).member);
        after.members.insert(actor.uid, member);
        let reply = Reply::Group { group: after.group.clone(), failed: Vec::new() };
        self.save_group(&before, after, &[actor.uid], reply)
    }

    fn wrong_pin(&mut self, actor: &Actor) -> Progress {
        let now = self.now.instant;
        let blocked = self.wrong_pins.is_blocked(actor, now);
        self.wrong_pins.count(Guesser::User(actor.uid), now);
        self.wrong_pins.count(Guesser::Address(household(actor.remote)), now);
        Progress::Denied(if blocked { error::ACCESS_DENIED } else { error::BAD_PIN })
    }
}

/// What a PIN gives.
fn permissions_of(pin: &Pin) -> Permissions {
    Permissions {
        flags: pin.flags,
        admin_flags: Some(pin.admin_flags),
        expiry: Some(pin.member_expiry_s),
        call_flags: Some(pin.call_flags),
        call_duration: Some(pin.call_duration_s),
        resolution: Some(pin.resolution),
    }
}

/// Flags other than 0 are all that is given; what is missing is denied.
fn member_fields(permissions: &Permissions) -> MemberFields {
    let given = permissions.flags & SETTABLE;
    MemberFields {
        given,
        denied: if given == 0 { 0 } else { SETTABLE & !given },
        admin_flags: permissions.admin_flags,
        expiry_s: permissions.expiry,
        call: CallFields {
            flags: permissions.call_flags,
            resolution: permissions.resolution,
            duration_s: permissions.call_duration,
            ..CallFields::default()
        },
        ..MemberFields::default()
    }
}

/// `None` when a text is too long.
fn group_fields(settings: &GroupSettings) -> Option<GroupFields> {
    let GroupSettings {
        name,
        flags,
        call_flags,
        resolution,
        expiry,
        status,
        image,
        values,
        call_duration,
    } = settings.clone();
    texts_fit(&name, &status, &image, &values).then(|| GroupFields {
        name,
        status,
        image,
        values,
        flags,
        call: CallFields {
            flags: call_flags,
            resolution,
            duration_s: call_duration,
            ..CallFields::default()
        },
        expiry_s: expiry,
        ..GroupFields::default()
    })
}

fn texts_fit(
    name: &Option<String>,
    status: &Option<String>,
    image: &Option<String>,
    values: &Option<String>,
) -> bool {
    let limits = [
        (name, NAME_BYTES_MAX),
        (status, STATUS_BYTES_MAX),
        (image, IMAGE_URL_BYTES_MAX),
        (values, PROFILE_VALUES_BYTES_MAX),
    ];
    limits.iter().all(|(text, limit)| text.as_ref().is_none_or(|text| text.len() <= *limit))
}

/// Wrong PINs of each user and address: a PIN has eight digits, so nobody may try many.
#[derive(Debug, Default)]
pub(crate) struct WrongPins {
    of: HashMap<Guesser, Failures>,
}

/// Who tries PINs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Guesser {
    User(Uid),
    /// Users are made for nothing; addresses are not. Of a household.
    Address(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    since: Instant,
    blocked_until: Instant,
}

impl WrongPins {
    fn is_blocked(&self, actor: &Actor, now: Instant) -> bool {
        let guessers = [Guesser::User(actor.uid), Guesser::Address(household(actor.remote))];
        let failures = guessers.iter().filter_map(|guesser| self.of.get(guesser));
        failures.into_iter().any(|failures| failures.blocked_until > now)
    }

    fn count(&mut self, who: Guesser, now: Instant) {
        let max = match who {
            Guesser::User(_) => PIN_FAILURES_MAX,
            Guesser::Address(_) => PIN_FAILURES_PER_ADDRESS_MAX,
        };
        let is_over = |failures: &Failures| {
            now >= failures.since + PIN_WINDOW && now >= failures.blocked_until
        };
        if self.of.len() >= PIN_FAILURES_KEPT_MAX && !self.of.contains_key(&who) {
            self.of.retain(|_, failures| !is_over(failures));
            if self.of.len() >= PIN_FAILURES_KEPT_MAX {
                self.of.clear();
            }
        }
        let fresh = Failures { count: 0, since: now, blocked_until: now };
        let failures = self.of.entry(who).or_insert(fresh);
        if is_over(failures) {
            *failures = fresh;
        }
        failures.count += 1;
        if failures.count >= max {
            *failures = Failures { count: 0, since: now, blocked_until: now + PIN_BLOCKED };
        }
    }
}
