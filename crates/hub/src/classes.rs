//! Feature classes (`backend-api.md` 2.11): what an operator leaves to the users of a class. A class
//! holds for its users from the moment it is stored; class 0, and one that is not there, leave
//! everything.
//!
//! Decides only; [`operations`](crate::operations) asks the store and tells everybody.

use alloc::boxed::Box;
use alloc::vec::Vec;
use hashbrown::HashMap;
use prost::Message as _;
use wire::id::{AppId, SessionId, Uid};
use wire::limits::{CLASS_BYTES_MAX, CLASS_RATES_KEPT_MAX, CLASSES_MAX};
use wire::mask::{call, group as mode, member as right, resolution};
use wire::time::{Duration, Instant};

use crate::directory::{Missing, Roster};
use crate::hub::Hub;
use crate::operations::{After, Progress, refusal};
use crate::port::admin::{ErrorCode, Param, Reply};
use crate::port::apps::{AppRequest, Class, ClassFields, ClassPatch, feature, number};
use crate::port::store::{App, Group, Request, User};
use crate::rights::{Rights, smaller};

/// Picture sizes that are left to who may not send HD, and to who may not send full HD.
const VGA: u32 = 2;
const HD: u32 = 3;

/// How often users of classes with rates have done what is counted: for each window since when.
#[derive(Debug, Default)]
pub(crate) struct ClassRates {
    of: HashMap<(Uid, u32), Vec<(Instant, u32)>>,
}

impl ClassRates {
    /// Counts one; `false` when a window of the class is full.
    fn take(&mut self, uid: Uid, class: &Class, kind: u32, now: Instant) -> bool {
        let rates: Vec<_> = class.rates.iter().filter(|rate| rate.kind == kind).collect();
        if rates.is_empty() {
            return true;
        }
        if self.of.len() >= CLASS_RATES_KEPT_MAX && !self.of.contains_key(&(uid, kind)) {
            self.of.clear();
        }
        let windows = self.of.entry((uid, kind)).or_default();
        windows.resize(rates.len(), (now, 0));
        for (window, rate) in windows.iter_mut().zip(&rates) {
            if now.since(window.0) >= Duration::from_secs(rate.window_s.into()) {
                *window = (now, 0);
            }
        }
        if windows.iter().zip(&rates).any(|(window, rate)| window.1 >= rate.count) {
            return false;
        }
        windows.iter_mut().for_each(|window| window.1 += 1);
        true
    }
}

impl Class {
    /// Whether one of these is taken from its users.
    pub(crate) fn denies(&self, feature: u64) -> bool {
        self.denied & feature != 0
    }

    /// A limit, `None` = without.
    pub(crate) fn limit(&self, number: usize) -> Option<u32> {
        self.numbers.get(number).copied().filter(|limit| *limit > 0)
    }
}

impl Rights {
    /// What of them a class leaves.
    fn within(mut self, class: &Class) -> Rights {
        if class.denies(feature::GROUP_MESSAGE) {
            self.may &= !right::SEND;
        }
        if class.denies(feature::GROUP_CALL) {
            self.may &= !(right::PUB | right::SUB | right::LIST);
        }
        let kinds = [
            (feature::CONF_AUDIO, call::AUDIO),
            (feature::CONF_VIDEO, call::VIDEO),
            (feature::CONF_SCREEN, call::SCREEN),
        ];
        let denied = kinds.into_iter().filter(|(feature, _)| class.denies(*feature));
        let denied = denied.fold(0, |denied, (_, kind)| denied | kind);
        if denied != 0 {
            // Settings that nobody has changed allow everything.
            let all =
                if self.call.flags & call::VALID == 0 { call::DEFAULT | call::DATA } else { 0 };
            self.call.flags = (self.call.flags | all) & !denied;
        }
        let largest = match () {
            () if class.denies(feature::CONF_HD) => VGA,
            () if class.denies(feature::CONF_FHD) => HD,
            () => 0,
        };
        self.call.resolution = resolution::smaller(self.call.resolution, largest);
        if let Some(limit) = class.limit(number::CONF_S) {
            self.call.duration_s = smaller(self.call.duration_s, limit);
        }
        self
    }
}

impl Hub {
    /// The class of a user, `None` = everything is left to it.
    pub(crate) fn class_of(&self, user: &User) -> Result<Option<&Class>, Missing> {
        if user.uac == 0 {
            return Ok(None);
        }
        let app = self.directory.app(user.aid)?;
        Ok(app.and_then(|app| app.settings.classes.iter().find(|class| class.id == user.uac)))
    }

    /// Whether a user's class leaves it all of this (`port::apps::feature`).
    pub(crate) fn may_use(&self, uid: Uid, feature: u64) -> Result<bool, Missing> {
        let Some(user) = self.directory.user(uid)? else { return Ok(true) };
        Ok(self.class_of(user)?.is_none_or(|class| !class.denies(feature)))
    }

    /// The same for somebody who is in memory with its app, as who is connected is.
    pub(crate) fn is_denied(&self, uid: Uid, feature: u64) -> bool {
        matches!(self.may_use(uid, feature), Ok(false))
    }

    /// A limit of somebody who is in memory.
    pub(crate) fn class_limit(&self, uid: Uid, number: usize) -> Option<u32> {
        let user = self.directory.user(uid).ok().flatten()?;
        self.class_of(user).ok().flatten()?.limit(number)
    }

    /// What a user may do in a group, as far as its class leaves that to it. Who is not in memory
    /// does nothing just now, and hears of it when it comes.
    pub(crate) fn rights_in(&self, roster: &Roster, uid: Uid) -> Rights {
        let mut rights = roster.rights(uid, self.now.wall);
        let group = &roster.group;
        if !rights.member && group.flags & mode::AUTO_ADD_MEMBER != 0 && self.room_in(roster) == 0 {
            // There is no room for who would become a member by what it does.
            let flags = group.flags & !mode::AUTO_ADD_MEMBER;
            let group = Group { flags, ..group.clone() };
            rights = Rights::of(&group, None, uid, self.now.wall);
        }
        let Ok(Some(user)) = self.directory.user(uid) else { return rights };
        self.class_of(user).ok().flatten().map_or(rights, |class| rights.within(class))
    }

    /// Counts what a user of a class with rates does (`port::apps::rate`); `false` when that is once
    /// too often. For who is in memory.
    pub(crate) fn charge_class(&mut self, uid: Uid, kind: u32) -> bool {
        let Some(user) = self.directory.user(uid).ok().flatten().cloned() else { return true };
        let Some(class) = self.class_of(&user).ok().flatten().cloned() else { return true };
        self.charge(uid, &class, kind)
    }

    /// As [`Hub::charge_class`], when the class is known.
    pub(crate) fn charge(&mut self, uid: Uid, class: &Class, kind: u32) -> bool {
        self.class_rates.take(uid, class, kind, self.now.instant)
    }

    /// Users who are there get another class, or theirs changes: what is not left to them any more
    /// ends now.
    pub(crate) fn change_class(&mut self, uids: &[Uid], change: impl FnOnce(&mut Hub)) {
        let seen: Vec<_> = uids.iter().map(|uid| (*uid, self.viewers(*uid))).collect();
        change(self);
        for (uid, viewers) in seen {
            self.tell_shown(uid, viewers);
        }
        let occupants = self.rooms.rooms.iter().flat_map(|(gid, room)| {
            let theirs = room.occupants.iter().filter(|(_, it)| uids.contains(&it.uid));
            theirs.map(|(session, _)| (*gid, *session))
        });
        let mut occupants: Vec<_> = occupants.collect();
        occupants.sort_unstable();
        for (gid, session) in occupants {
            self.review_occupant(gid, session, false);
        }
        for uid in uids {
            self.review_call(*uid);
        }
    }

    /// A class of an app is stored, or gone.
    pub(crate) fn on_class_saved(&mut self, app: App, id: u32) {
        let aid = app.aid;
        let mut uids = self.online_of_class(aid, id);
        uids.sort_unstable();
        uids.dedup();
        self.change_class(&uids, |hub| hub.directory.put_app(app, None));
    }

    fn online_of_class(&self, aid: AppId, id: u32) -> Vec<Uid> {
        let live = self.sessions.values().filter_map(|session| session.live());
        let of_class = live.filter(|live| {
            let user = self.directory.user(live.uid).ok().flatten();
            live.aid == aid && user.is_some_and(|user| user.uac == id)
        });
        of_class.map(|live| live.uid).collect()
    }

    /// Whether the class of somebody who signs in leaves it one more sign-in.
    pub(crate) fn may_sign_in(&mut self, id: SessionId, uid: Uid) -> bool {
        use wire::code::Code;
        let may = self.charge_class(uid, crate::port::apps::rate::LOGIN);
        if !may {
            self.end(id, Code::RateLimit, "too many sign-ins for the user's feature class");
        }
        may
    }
}

/// `uacset`
pub(crate) fn set_class(app: &App, id: u32, update: bool, patch: &ClassPatch) -> Progress {
    let mut app = app.clone();
    let classes = &mut app.settings.classes;
    let place = classes.iter().position(|class| class.id == id);
    let class = match (place, update) {
        (None, true) => return no_class(),
        (Some(_), false) => {
            let cause = "there is a class with this id; update 1 changes it";
            return refusal(ErrorCode::Exists, cause, &[Param::ClassId]).into();
        }
        (Some(place), true) => &mut classes[place],
        (None, false) if classes.len() >= CLASSES_MAX => {
            let cause = alloc::format!("the app has {CLASSES_MAX} classes already");
            return refusal(ErrorCode::Quota, &cause, &[]).into();
        }
        (None, false) => {
            let place = classes.partition_point(|class| class.id < id);
            let numbers = number::DEFAULTS.to_vec();
            let fresh =
                Class { id, denied: feature::DENIED_UNLESS_GIVEN, numbers, ..Class::default() };
            classes.insert(place, fresh);
            &mut classes[place]
        }
    };
    apply(class, patch);
    if class.given.len() > CLASS_BYTES_MAX {
        let cause = alloc::format!("a class has at most {CLASS_BYTES_MAX} bytes");
        return refusal(ErrorCode::TooLarge, &cause, &[Param::Class]).into();
    }
    let reply = Reply::Classes(alloc::vec![class.clone()]);
    save(app, id, reply)
}

fn apply(class: &mut Class, patch: &ClassPatch) {
    let mut all = ClassFields::decode(&class.given[..]).unwrap_or_default();
    for field in &patch.fields {
        // What was a value may become a section, and the other way round.
        let within = alloc::format!("{}\u{1}", field.path);
        all.fields.retain(|known| {
            let outer = alloc::format!("{}\u{1}", known.path);
            known.path != field.path
                && !known.path.starts_with(&within)
                && !field.path.starts_with(&outer)
        });
        all.fields.push(field.clone());
    }
    all.fields.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    class.given = all.encode_to_vec().into();
    class.denied = class.denied & !patch.allowed | patch.denied;
    for (known, given) in class.numbers.iter_mut().zip(patch.numbers) {
        *known = given.unwrap_or(*known);
    }
    for (kind, rates) in &patch.rates {
        class.rates.retain(|rate| rate.kind != *kind);
        class.rates.extend(rates.iter().cloned());
    }
    if let Some(url) = &patch.upload_url {
        class.upload_url = url.clone();
    }
}

/// `uacget`
pub(crate) fn get_classes(app: &App, id: Option<u32>) -> Progress {
    let wanted = app.settings.classes.iter().filter(|class| id.is_none_or(|id| class.id == id));
    let wanted: Vec<_> = wanted.cloned().collect();
    match id.is_some() && wanted.is_empty() {
        true => no_class(),
        false => Progress::Answered(Reply::Classes(wanted)),
    }
}

/// `uacdel`
pub(crate) fn delete_class(app: &App, id: u32) -> Progress {
    let mut app = app.clone();
    let before = app.settings.classes.len();
    app.settings.classes.retain(|class| class.id != id);
    match app.settings.classes.len() == before {
        true => no_class(),
        false => save(app, id, Reply::Done),
    }
}

fn save(app: App, id: u32, reply: Reply) -> Progress {
    let request = Request::OfApp(AppRequest::Save { app: Box::new(app.clone()) });
    Progress::Ask(request, After::ClassSaved { app, id, reply })
}

fn no_class() -> Progress {
    refusal(ErrorCode::NotFound, "no such class in this app", &[Param::ClassId]).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::apps::{Rate, rate};
    use crate::port::call::CallSettings;

    #[test]
    fn every_window_of_a_rate_holds() {
        let mut rates = ClassRates::default();
        let rate = |window_s, count| Rate { kind: rate::MESSAGE, window_s, count };
        let class = Class { rates: alloc::vec![rate(10, 2), rate(100, 3)], ..Class::default() };
        let mut take = |at| {
            let now = Instant(0) + Duration::from_secs(at);
            rates.take(Uid(1), &class, rate::MESSAGE, now)
        };
        assert!(take(0) && take(1) && !take(2));
        assert!(take(10) && !take(20), "three in a hundred seconds");
        assert!(take(100));
    }

    #[test]
    fn rights_are_narrowed_and_never_widened() {
        let denied = feature::CONF_SCREEN | feature::CONF_FHD;
        let class = Class { denied, numbers: alloc::vec![0, 0, 0, 9, 0], ..Class::default() };
        let rights = Rights::default().within(&class);
        assert_eq!(rights.call.flags, (call::DEFAULT | call::DATA) & !call::SCREEN);
        assert_eq!((rights.call.resolution, rights.call.duration_s), (HD, 9));
        let small = CallSettings { resolution: VGA, duration_s: 5, ..CallSettings::default() };
        let kept = Rights { call: small, ..Rights::default() }.within(&class);
        assert_eq!((kept.call.resolution, kept.call.duration_s), (VGA, 5));
    }
}
