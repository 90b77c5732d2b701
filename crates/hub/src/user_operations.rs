//! Operations on users: adding, editing, listing, and the one-time codes a backend has users proven
//! with.
//!
//! Decides only; [`operations`](crate::operations) asks the store and tells everybody.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use hashbrown::HashMap;
use wire::code::Code;
use wire::id::{AppId, GroupId, Uid};
use wire::limits::{OTPS_KEPT_MAX, PROFILE_VALUES_BYTES_MAX};
use wire::mask::user as user_flag;
use wire::time::{Duration, Instant};

use crate::app_operations::{Quota, over_quota};
use crate::directory::{Missing, Needs};
use crate::hub::Hub;
use crate::messaging::is_address;
use crate::named_values;
use crate::operations::{After, Job, Progress, refusal};
use crate::port::admin::{
    AdminError, ErrorCode, INFO, IssuedToken, Param, Reply, TokenWish, UserFields, UserRef,
};
use crate::port::apps::{AppRequest, Filter};
use crate::port::store::{App, Note, Request, Token, TokenId, User};
use crate::token::{hash_token, user_token};

impl Hub {
    pub(crate) fn add_user(
        &mut self,
        app: &App,
        address: String,
        fields: UserFields,
        token: Option<TokenWish>,
        job: &Job,
    ) -> Result<Progress, Needs> {
        if !is_address(&address) {
            let cause = "an address has 1 to 63 bytes and no control characters";
            return Ok(refusal(ErrorCode::BadParam, cause, &[Param::UserAddress]).into());
        }
        if let Some(error) = unknown_class(app, &fields) {
            return Ok(error.into());
        }
        let known = self.directory.find_user(app.aid, &address)?.cloned();
        let new = known.is_none();
        if new && let Some(progress) = over_quota(app, job, Quota::Users) {
            return Ok(progress);
        }
        if let Some(otp) = &fields.otp
            && !self.otps.prove(app.aid, &address, otp, self.now.instant)
        {
            let cause = "the one-time code is wrong, expired or used up";
            return Ok(refusal(ErrorCode::BadOtp, cause, &[Param::UserOtp]).into());
        }
        let fresh = User { aid: app.aid, address, active: true, ..User::default() };
        let user = known.map_or(fresh, |user| (*user).clone());
        let user = changed_user(user, fields);
        if let Some(error) = too_large(&user) {
            return Ok(error.into());
        }
        let request = Request::SaveUser { user };
        Ok(Progress::Ask(request, After::UserSaved { remove: None, wish: token, new }))
    }

    pub(crate) fn set_user(
        &mut self,
        app: &App,
        user: &UserRef,
        fields: UserFields,
        (remove, wish): (Option<Option<String>>, Option<TokenWish>),
        entropy: &[u8; 64],
    ) -> Result<Progress, Needs> {
        let user = match self.user(app.aid, user)? {
            Err(error) => return Ok(error.into()),
            Ok(user) => user,
        };
        if let Some(error) = unknown_class(app, &fields) {
            return Ok(error.into());
        }
        let changed = changed_user(user.clone(), fields);
        if let Some(error) = too_large(&changed) {
            return Ok(error.into());
        }
        if changed != user {
            let request = Request::SaveUser { user: changed };
            return Ok(Progress::Ask(request, After::UserSaved { remove, wish, new: false }));
        }
        Ok(match (remove, wish) {
            (Some(app), wish) => {
                let request = Request::DeleteTokens { uid: user.uid, app };
                Progress::Ask(request, After::TokensDeleted { user, wish })
            }
            (None, Some(wish)) => self.issue(user, false, wish, entropy),
            (None, None) => Progress::Answered(Reply::User { user, new: false, token: None }),
        })
    }

    pub(crate) fn list_users(
        &self,
        aid: AppId,
        mut filter: Filter,
        online: Option<bool>,
    ) -> Progress {
        if let Some(wanted) = online {
            let live = self.sessions.values().filter_map(|session| session.live());
            let of_app = live.filter(|live| live.aid == aid).map(|live| live.uid);
            filter.among = Some((wanted, of_app.collect::<BTreeSet<Uid>>()));
        }
        Progress::Ask(Request::OfApp(AppRequest::Users { aid, filter }), After::UsersListed)
    }

    pub(crate) fn make_otp(
        &mut self,
        aid: AppId,
        address: String,
        (tries, expiry_s, reuse): (u32, u32, bool),
        entropy: &[u8; 64],
    ) -> Progress {
        if !is_address(&address) {
            let cause = "an address has 1 to 63 bytes and no control characters";
            return refusal(ErrorCode::BadParam, cause, &[Param::OtpAddress]).into();
        }
        let now = self.now.instant;
        let until = now + Duration::from_secs(expiry_s.into());
        let drawn = number(entropy) % 1_000_000;
        let code =
            self.otps.make((aid, address), Otp { code: drawn as u32, tries, until, reuse }, now);
        Progress::Answered(Reply::Otp(format!("{code:06}")))
    }

    pub(crate) fn user(
        &self,
        aid: AppId,
        wanted: &UserRef,
    ) -> Result<Result<User, AdminError>, Missing> {
        let found = match (&wanted.uid, &wanted.address) {
            (Some(uid), _) => self.directory.user(*uid)?.filter(|user| user.aid == aid),
            (None, Some(address)) => self.directory.find_user(aid, address)?,
            (None, None) => None,
        };
        let Some(user) = found else {
            let param = if wanted.uid.is_some() { Param::UserUid } else { Param::UserAddress };
            return Ok(Err(refusal(ErrorCode::NoUser, "no such user in this app", &[param])));
        };
        if wanted.address.as_ref().is_some_and(|address| *address != user.address) {
            let params = [Param::UserUid, Param::UserAddress];
            let cause = "uid and address name different users";
            return Ok(Err(refusal(ErrorCode::BadParam, cause, &params)));
        }
        Ok(Ok((**user).clone()))
    }

    /// Users of these addresses, and the addresses that are none.
    pub(crate) fn users(
        &self,
        aid: AppId,
        addresses: &[String],
    ) -> Result<(Vec<Uid>, Vec<String>), Needs> {
        Needs::check(addresses.iter().map(|address| self.directory.find_user(aid, address)))?;
        let mut found = Vec::with_capacity(addresses.len());
        let mut failed = Vec::new();
        let mut seen = BTreeSet::new();
        for address in addresses {
            match self.directory.find_user(aid, address)? {
                Some(user) if seen.insert(user.uid) => found.push(user.uid),
                Some(_) => {}
                None => failed.push(address.clone()),
            }
        }
        Ok((found, failed))
    }

    pub(crate) fn issue(
        &self,
        user: User,
        new: bool,
        wish: TokenWish,
        entropy: &[u8; 64],
    ) -> Progress {
        let expires = (wish.expiry_minutes != 0)
            .then(|| self.now.wall.after(Duration::from_secs(u64::from(wish.expiry_minutes) * 60)));
        let token = user_token(user.aid, user.uid, entropy);
        let issued = IssuedToken { token, app: wish.app.clone(), expires };
        let app = self.directory.app(user.aid).ok().flatten();
        let request = Request::IssueToken {
            token: Token {
                id: TokenId(0),
                uid: user.uid,
                app: wish.app,
                any_app: wish.any_app,
                expires,
            },
            hash: hash_token(&issued.token),
            keep: app.map_or(1, |app| app.settings.tokens_kept.max(1)),
        };
        Progress::Ask(request, After::TokenIssued { user, new, issued })
    }

    /// What goes into whose log when a user leaves all of its groups.
    pub(crate) fn leaving_notes(
        &self,
        aid: AppId,
        uid: Uid,
        memberships: &[GroupId],
    ) -> Result<Vec<Note>, Needs> {
        Needs::check(memberships.iter().map(|gid| self.directory.group(aid, *gid)))?;
        let mut notes = Vec::new();
        for gid in memberships {
            let Some(before) = self.directory.group(aid, *gid)? else { continue };
            let mut after = before.clone();
            after.lose(uid);
            let changes = self.membership_notes(before, &after, &[])?;
            notes.extend(changes.into_iter().filter(|note| note.uid != uid));
        }
        Ok(notes)
    }

    pub(crate) fn delete_user(
        &mut self,
        aid: AppId,
        user: User,
        memberships: Option<&[GroupId]>,
    ) -> Result<Progress, Needs> {
        let Some(memberships) = memberships else {
            let request = Request::LoadMemberships { uid: user.uid };
            return Ok(Progress::Ask(request, After::Memberships));
        };
        let notes = self.leaving_notes(aid, user.uid, memberships)?;
        let request = Request::DeleteUser { uid: user.uid, notes: notes.clone() };
        Ok(Progress::Ask(request, After::UserDeleted { user, notes }))
    }

    pub(crate) fn on_user_saved(&mut self, user: &User) {
        let before = self.directory.user(user.uid).ok().flatten().cloned();
        let seen = before.as_ref().map_or(user.last_online, |before| before.last_online);
        // The user may have gone offline while the change was being stored.
        let user = &User { last_online: seen.max(user.last_online), ..user.clone() };
        match before.as_ref().is_some_and(|before| before.uac != user.uac) {
            true => self.change_class(&[user.uid], |hub| hub.directory.put_user(user.clone())),
            false => self.directory.put_user(user.clone()),
        }
        if !user.active {
            let reason = "the account was switched off";
            self.end_sessions_of(user.uid, None, Code::Suspended, reason);
        }
        let shown = |user: &User| {
            let User { name, status, image, values, .. } = user.clone();
            (name, status, image, values)
        };
        if before.is_some_and(|before| shown(&before) != shown(user)) {
            self.tell_profile(user);
        }
    }

    /// These tokens are no more: who uses them is signed out.
    pub(crate) fn sign_out(&mut self, uid: Uid, tokens: &[TokenId]) {
        let reason = "the token was withdrawn";
        self.end_sessions_of(uid, Some(tokens), Code::SignedOut, reason);
    }
}

/// A class that is not there would leave everything to the user, which nobody wants who names one.
fn unknown_class(app: &App, fields: &UserFields) -> Option<AdminError> {
    let id = fields.uac.filter(|id| *id > 0)?;
    let known = app.settings.classes.iter().any(|class| class.id == id);
    let cause = "no such class in this app";
    (!known).then(|| refusal(ErrorCode::NotFound, cause, &[Param::UserUac]))
}

pub(crate) fn changed_user(user: User, fields: UserFields) -> User {
    let values = fields.values.unwrap_or(user.values);
    User {
        name: fields.name.unwrap_or(user.name),
        status: fields.status.unwrap_or(user.status),
        image: fields.image.unwrap_or(user.image),
        values: match fields.info {
            None => values,
            Some(info) => named_values::with(&values, INFO, &info),
        },
        active: fields.active.unwrap_or(user.active),
        // What users set themselves stays.
        flags: fields
            .flags
            .map_or(user.flags, |flags| flags & !user_flag::OWN | user.flags & user_flag::OWN),
        pinned: fields.pinned.unwrap_or(user.pinned),
        groups_max: fields.groups_max.or(user.groups_max),
        uac: fields.uac.unwrap_or(user.uac),
        e2ee: fields.e2ee.or(user.e2ee),
        ..user
    }
}

/// Named values that are too many for a profile.
fn too_large(user: &User) -> Option<AdminError> {
    let cause = "the named values of the profile, info among them, are larger than 16 KiB";
    let refused = || refusal(ErrorCode::TooLarge, cause, &[Param::UserInfo]);
    (user.values.len() > PROFILE_VALUES_BYTES_MAX).then(refused)
}

/// A number of 64 random bits.
pub(crate) fn number(entropy: &[u8; 64]) -> u64 {
    entropy[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// One-time codes that were handed out. In memory only: a restart makes them worthless, and the
/// backend asks for others.
#[derive(Debug, Default)]
pub(crate) struct Otps {
    of: HashMap<(AppId, String), Otp>,
}

#[derive(Clone, Debug)]
struct Otp {
    code: u32,
    /// Wrong attempts that are left.
    tries: u32,
    until: Instant,
    reuse: bool,
}

impl Otps {
    /// Keeps a code, or gives the one that is there when both may be used again.
    fn make(&mut self, who: (AppId, String), otp: Otp, now: Instant) -> u32 {
        if let Some(known) = self.of.get(&who)
            && known.reuse
            && otp.reuse
            && known.until > now
            && known.tries > 0
        {
            return known.code;
        }
        if self.of.len() >= OTPS_KEPT_MAX {
            self.of.retain(|_, otp| otp.until > now);
            if self.of.len() >= OTPS_KEPT_MAX {
                self.of.clear();
            }
        }
        let code = otp.code;
        self.of.insert(who, otp);
        code
    }

    /// The address is nobody's any more.
    pub fn forget(&mut self, aid: AppId, address: &str) {
        self.of.remove(&(aid, String::from(address)));
    }

    /// Whether this is the code of the address. A right one is used up, unless it may be used
    /// again; a wrong one costs an attempt.
    fn prove(&mut self, aid: AppId, address: &str, shown: &str, now: Instant) -> bool {
        let who = (aid, String::from(address));
        let Some(otp) = self.of.get_mut(&who) else { return false };
        let open = otp.until > now && otp.tries > 0;
        let right = open && format!("{:06}", otp.code) == shown;
        match (right, otp.reuse) {
            (true, true) => {}
            (false, _) if open => otp.tries -= 1,
            _ => {
                self.of.remove(&who);
            }
        }
        right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: AppId = AppId(1);
    const NOW: Instant = Instant(0);

    fn otp(tries: u32, reuse: bool) -> Otp {
        Otp { code: 4_711, tries, until: NOW + Duration::from_secs(60), reuse }
    }

    #[test]
    fn a_code_is_good_once_and_only_for_its_address() {
        let mut otps = Otps::default();
        otps.make((APP, "ada".into()), otp(2, false), NOW);
        assert!(!otps.prove(APP, "bob", "004711", NOW));
        assert!(!otps.prove(AppId(2), "ada", "004711", NOW));
        assert!(otps.prove(APP, "ada", "004711", NOW));
        assert!(!otps.prove(APP, "ada", "004711", NOW));
    }

    #[test]
    fn wrong_attempts_and_time_use_a_code_up() {
        let mut otps = Otps::default();
        otps.make((APP, "ada".into()), otp(2, true), NOW);
        assert!(!otps.prove(APP, "ada", "4711", NOW));
        assert!(!otps.prove(APP, "ada", "000000", NOW));
        assert!(!otps.prove(APP, "ada", "004711", NOW), "two attempts are gone");
        otps.make((APP, "ada".into()), otp(2, true), NOW);
        assert!(otps.prove(APP, "ada", "004711", NOW));
        assert!(otps.prove(APP, "ada", "004711", NOW), "may be used again");
        assert!(!otps.prove(APP, "ada", "004711", NOW + Duration::from_secs(60)));
    }

    #[test]
    fn a_reusable_code_is_given_again() {
        let mut otps = Otps::default();
        otps.make((APP, "ada".into()), otp(2, true), NOW);
        let next = Otp { code: 1, ..otp(2, true) };
        assert_eq!(otps.make((APP, "ada".into()), next, NOW), 4_711);
        let fresh = Otp { code: 2, ..otp(2, false) };
        assert_eq!(otps.make((APP, "ada".into()), fresh, NOW), 2);
    }
}
