//! Operations on users: adding, editing, listing, and the one-time codes a backend has users proven
//! with.
//!
//! Decides only; [`operations`](crate::operations) asks the store and tells everybody.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use hashbrown::HashMap;
use wire::id::{AppId, Uid};
use wire::limits::OTPS_KEPT_MAX;
use wire::time::{Duration, Instant};

use crate::app_operations::{Quota, over_quota};
use crate::directory::Needs;
use crate::hub::Hub;
use crate::messaging::is_address;
use crate::operations::{After, Job, Progress, changed_user, refusal};
use crate::port::admin::{ErrorCode, Param, Reply, TokenWish, UserFields, UserRef};
use crate::port::apps::{AppRequest, Filter};
use crate::port::store::{App, Request, User};

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
        let request = Request::SaveUser { user: changed_user(user, fields) };
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
        let changed = changed_user(user.clone(), fields);
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
