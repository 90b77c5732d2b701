//! Operations on an app as a whole: its settings, its token, its quotas and its rate.
//!
//! Decides only; [`operations`](crate::operations) asks the store and tells everybody.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use hashbrown::HashMap;
use wire::code::Code;
use wire::id::{AppId, SessionId};
use wire::time::Instant;

use crate::directory::Needs;
use crate::hub::Hub;
use crate::operations::{After, Job, Progress, refusal, storage_failed};
use crate::port::admin::{AppFields, ErrorCode, GroupRow, Operation, Param, Reply};
use crate::port::apps::{AppReply, AppRequest};
use crate::port::store::{App, Group, Request};
use crate::token::{app_token, hash_token};

/// What an app may have only so many of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quota {
    Users,
    Groups,
}

/// Operations each app may still ask for: filled by time, emptied by operations
/// (`backend-api.md` 1.3).
#[derive(Debug)]
pub(crate) struct AppRates {
    /// Operations a second, 0 = without limit.
    pub per_second: u32,
    /// And so many at once.
    pub burst: u32,
    of: HashMap<AppId, (u64, Instant)>,
}

impl AppRates {
    pub fn new(per_second: u32, burst: u32) -> AppRates {
        AppRates { per_second, burst, of: HashMap::new() }
    }

    fn take(&mut self, aid: AppId, now: Instant) -> bool {
        if self.per_second == 0 {
            return true;
        }
        let full = u64::from(self.burst.max(1)) * 1000;
        let (level, since) = self.of.entry(aid).or_insert((full, now));
        let filled = now.since(*since).as_millis() as u64 * u64::from(self.per_second);
        (*level, *since) = ((*level + filled).min(full), now);
        match level.checked_sub(1000) {
            Some(rest) => {
                *level = rest;
                true
            }
            None => false,
        }
    }
}

impl Hub {
    /// Counts an operation; `false` when that is one too many.
    pub(crate) fn charge_app(&mut self, aid: AppId) -> bool {
        self.app_rates.take(aid, self.now.instant)
    }

    /// What the admin key is for.
    pub(crate) fn perform_with_key(
        &mut self,
        operation: Operation,
        entropy: &[u8; 64],
    ) -> Result<Progress, Needs> {
        let app = |aid: Option<AppId>| -> Result<Result<App, Progress>, Needs> {
            let Some(aid) = aid else {
                let cause = "with the admin key, the app has to be named (aid)";
                return Ok(Err(refusal(ErrorCode::MissingParam, cause, &[Param::AppId]).into()));
            };
            let app = self.directory.app(aid)?.cloned();
            let unknown = || refusal(ErrorCode::NotFound, "no such app", &[Param::AppId]).into();
            Ok(app.ok_or_else(unknown))
        };
        Ok(match operation {
            Operation::AppAdd { name } => {
                let token = app_token(entropy);
                let request = Request::CreateApp { name, hash: hash_token(&token) };
                Progress::Ask(request, After::AppCreated { token })
            }
            Operation::AppsGet => {
                Progress::Ask(Request::OfApp(AppRequest::List), After::AppsListed)
            }
            Operation::AppSet { aid, fields } => match app(aid)? {
                Ok(app) => set_app(&app, fields),
                Err(progress) => progress,
            },
            Operation::AppGet { aid } => match app(aid)? {
                Ok(app) => Progress::Answered(Reply::AppRow(app)),
                Err(progress) => progress,
            },
            Operation::AppToken { aid } => match app(aid)? {
                Ok(app) => new_app_token(app, entropy),
                Err(progress) => progress,
            },
            _ => {
                let cause = "this operation takes the app token";
                refusal(ErrorCode::AuthFail, cause, &[Param::Token]).into()
            }
        })
    }

    /// The store has answered about an app.
    pub(crate) fn follow_app(&mut self, after: After, reply: AppReply) -> Progress {
        match (after, reply) {
            (After::AppSaved { app, reply }, AppReply::Done) => {
                self.directory.put_app(app.clone(), None);
                self.tell_place(&app);
                if !app.active {
                    self.end_sessions_of_app(app.aid, Code::Suspended, "the app was switched off");
                }
                Progress::Answered(reply)
            }
            (After::ClassSaved { app, id, reply }, AppReply::Done) => {
                self.on_class_saved(app, id);
                Progress::Answered(reply)
            }
            (After::AppToken { app, token }, AppReply::Done) => {
                self.directory.replace_app_token(app.aid, hash_token(&token));
                Progress::Answered(Reply::App { aid: app.aid, name: app.name, token })
            }
            (After::AppDeleted { app }, AppReply::Done) => {
                self.end_sessions_of_app(app.aid, Code::ShuttingDown, "the app was deleted");
                self.directory.remove_app(app.aid);
                self.forget_place(app.aid);
                Progress::Answered(Reply::Done)
            }
            (After::AppsListed, AppReply::Apps(apps)) => Progress::Answered(Reply::Apps(apps)),
            (After::UsageRead { aid, totals }, AppReply::Usage(rows)) => {
                Progress::Answered(Reply::Usage { rows, live: self.live_of(aid), totals })
            }
            (After::Counted, AppReply::Counted { users, groups }) => {
                self.operations.count((users, groups));
                Progress::Again
            }
            (After::TokenDeleted, AppReply::TokenDeleted(None)) => {
                let cause = "no user of this app has such a token";
                refusal(ErrorCode::NotFound, cause, &[Param::UserToken]).into()
            }
            (After::TokenDeleted, AppReply::TokenDeleted(Some((token, user)))) => {
                self.sign_out(user.uid, &[token]);
                Progress::Answered(Reply::User { user, new: false, token: None })
            }
            (After::UsersListed, AppReply::Users(rows, more)) => {
                let rows = rows.into_iter().map(|row| {
                    let devices = self.online.sessions(row.user.uid).len() as u32;
                    (row, devices)
                });
                Progress::Answered(Reply::Users(rows.collect(), more))
            }
            (After::GroupsListed, AppReply::Groups(rows, more)) => {
                let owners = rows.iter().filter_map(|(group, _)| group.owner);
                let owners = owners.map(|uid| self.directory.user(uid).map(|_| ()));
                match Needs::check(owners) {
                    Ok(()) => Progress::Answered(self.group_rows(rows, more)),
                    // The list is asked for again when their addresses are known.
                    Err(needs) => Progress::Load(needs),
                }
            }
            (After::Scheduled { due, mids, failed }, AppReply::Done) => {
                self.schedule.expect(due, self.now);
                Progress::Answered(Reply::Sent { mids, failed })
            }
            (After::Cancelled(recalling), AppReply::Cancelled(cancelled)) => {
                self.on_cancelled(recalling, &cancelled)
            }
            (After::Unscheduled, AppReply::Done) => Progress::Answered(Reply::Done),
            (after, reply) => {
                self.log(alloc::format!("the store answered {after:?} with {reply:?}"));
                storage_failed().into()
            }
        }
    }

    fn group_rows(&self, rows: Vec<(Group, u32)>, more: bool) -> Reply {
        let row = |(group, members): (Group, u32)| {
            let owner = group.owner.and_then(|uid| self.directory.user(uid).ok().flatten());
            let room = self.rooms.rooms.get(&group.gid);
            let left = group.expires.map_or(0, |at| at.0.saturating_sub(self.now.wall.0) / 1000);
            GroupRow {
                owner: owner.map_or(String::new(), |user| user.address.clone()),
                in_call: room.map_or(0, |room| room.streams.len() as u32),
                expires_in_s: left,
                group,
                members,
            }
        };
        Reply::Groups(rows.into_iter().map(row).collect(), more)
    }

    fn end_sessions_of_app(&mut self, aid: AppId, code: Code, reason: &str) {
        let of_app = |(id, session): (&SessionId, &crate::session::Session)| {
            let (uid, _) = session.who()?;
            let user = self.directory.user(uid).ok().flatten()?;
            (user.aid == aid).then_some(*id)
        };
        let mut ended: Vec<_> = self.sessions.iter().filter_map(of_app).collect();
        ended.sort_unstable();
        for id in ended {
            self.end(id, code, reason);
        }
    }
}

/// Changes the settings of an app.
pub(crate) fn set_app(app: &App, fields: AppFields) -> Progress {
    let mut app = app.clone();
    app.name = fields.name.unwrap_or(app.name);
    app.active = fields.active.unwrap_or(app.active);
    let settings = &mut app.settings;
    macro_rules! set {
        ($($name:ident),*) => {
            $(if let Some(value) = fields.$name { settings.$name = value; })*
        };
    }
    set!(users_max, groups_max, messages_max, url, notify, secret, interval_s, fcm_id, fcm_key);
    set!(push_flags, flags, retention_days, upload_url, download_url, upload_max_mb, tokens_kept);
    set!(intercept_url, intercept_closed, words);
    settings.webhook_version = fields.webhook_version.or(settings.webhook_version);
    settings.no_e2ee = fields.e2ee.map_or(settings.no_e2ee, |e2ee| !e2ee);
    let request = Request::OfApp(AppRequest::Save { app: Box::new(app.clone()) });
    let reply = Reply::AppRow(app.clone());
    Progress::Ask(request, After::AppSaved { app, reply })
}

pub(crate) fn new_app_token(app: App, entropy: &[u8; 64]) -> Progress {
    let token = app_token(entropy);
    let request = AppRequest::ReplaceToken { aid: app.aid, hash: hash_token(&token) };
    Progress::Ask(Request::OfApp(request), After::AppToken { app, token })
}

pub(crate) fn delete_app(app: App, name: &str) -> Progress {
    if app.name != name {
        let cause = "name is not the app's; it is asked for so that no app goes by mistake";
        return refusal(ErrorCode::BadParam, cause, &[Param::AppName]).into();
    }
    let request = Request::OfApp(AppRequest::Delete { aid: app.aid });
    Progress::Ask(request, After::AppDeleted { app })
}

/// Counts what an app has, when it may not have more than so many; `None` when there is room.
pub(crate) fn over_quota(app: &App, job: &Job, quota: Quota) -> Option<Progress> {
    let limit = match quota {
        Quota::Users => app.settings.users_max,
        Quota::Groups => app.settings.groups_max,
    };
    if limit == 0 {
        return None;
    }
    let Some((users, groups)) = job.counted else {
        let request = Request::OfApp(AppRequest::Count { aid: app.aid });
        return Some(Progress::Ask(request, After::Counted));
    };
    let count = if quota == Quota::Users { users } else { groups };
    let cause = match quota {
        Quota::Users => "the app has as many users as it may (maxusers)",
        Quota::Groups => "the app has as many groups as it may (maxgroups)",
    };
    (count >= u64::from(limit)).then(|| refusal(ErrorCode::Quota, cause, &[]).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::time::Duration;

    #[test]
    fn an_app_may_ask_in_bursts_and_not_without_end() {
        let mut rates = AppRates::new(2, 3);
        let now = Instant(0);
        for _ in 0..3 {
            assert!(rates.take(AppId(1), now));
        }
        assert!(!rates.take(AppId(1), now));
        assert!(rates.take(AppId(2), now), "each app has its own");
        let later = now + Duration::from_secs(1);
        assert!(rates.take(AppId(1), later) && rates.take(AppId(1), later));
        assert!(!rates.take(AppId(1), later));
        let mut unlimited = AppRates::new(0, 0);
        assert!((0..10_000).all(|_| unlimited.take(AppId(1), now)));
    }
}
