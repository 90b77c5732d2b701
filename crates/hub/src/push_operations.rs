//! Operations on push messages (`backend-api.md` 2.10): options, credentials, a message to try.
//!
//! Decides only; [`operations`](crate::operations) asks the store, the host sends.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use wire::id::{AppId, Uid};
use wire::limits::PUSH_CREDENTIALS_MAX;

use crate::directory::Missing;
use crate::hub::Hub;
use crate::operations::{After, Progress, refusal};
use crate::port::admin::{ErrorCode, Param, PushFields, Reply, UserRef};
use crate::port::apps::{AppRequest, AppSettings, PushCredential};
use crate::port::push::{Alert, Push, Target};
use crate::port::store::{App, DeviceId, Request, User};

/// Puts a credential in the place of the one of its kind and name.
pub(crate) fn put_credential(app: &App, credential: PushCredential) -> Progress {
    let mut app = app.clone();
    let kept = &mut app.settings.push_credentials;
    kept.retain(|one| (one.kind, &one.name) != (credential.kind, &credential.name));
    if kept.len() >= PUSH_CREDENTIALS_MAX {
        let cause = "the app has as many push credentials as it may; delete one (pushset, delete)";
        return refusal(ErrorCode::Quota, cause, &[]).into();
    }
    kept.push(credential);
    save(app)
}

/// Changes the options of push messages.
pub(crate) fn set_push(app: &App, fields: PushFields) -> Progress {
    let mut app = app.clone();
    let settings = &mut app.settings;
    let PushFields { background, sound, interval_s, debug, sandbox, remove } = fields;
    for name in &remove {
        let kept = settings.push_credentials.len();
        settings.push_credentials.retain(|one| one.name != *name);
        if settings.push_credentials.len() == kept {
            let cause = "the app has no push credential of this name";
            return refusal(ErrorCode::NotFound, cause, &[Param::PushDelete]).into();
        }
    }
    match background {
        Some(true) => settings.push_flags &= !AppSettings::PUSH_VISIBLE,
        Some(false) => settings.push_flags |= AppSettings::PUSH_VISIBLE,
        None => {}
    }
    settings.push_sound = sound.unwrap_or(core::mem::take(&mut settings.push_sound));
    settings.push_interval_s = interval_s.unwrap_or(settings.push_interval_s);
    settings.push_debug = debug.unwrap_or(settings.push_debug);
    settings.push_sandbox = sandbox.unwrap_or(settings.push_sandbox);
    save(app)
}

fn save(app: App) -> Progress {
    let request = Request::OfApp(AppRequest::Save { app: Box::new(app.clone()) });
    let reply = Reply::PushSettings(app.clone());
    Progress::Ask(request, After::AppSaved { app, reply })
}

impl Hub {
    /// Asks where a user can be woken.
    pub(crate) fn test_push(&self, app: App, user: &UserRef) -> Result<Progress, Missing> {
        Ok(match self.user(app.aid, user)? {
            Ok(user) => {
                let request = Request::LoadPushTokens { uids: vec![user.uid] };
                Progress::Ask(request, After::PushPlaces { app, user })
            }
            Err(mut error) => {
                error.params = vec![Param::PushAddress];
                error.into()
            }
        })
    }

    /// A message to try, to all places of a user.
    pub(crate) fn on_push_places(
        &self,
        app: &App,
        user: &User,
        places: Vec<(Uid, DeviceId, String, bool)>,
    ) -> Progress {
        let target = |(_, device, token, voip)| Target { device, token, voip };
        let text = "It works: push messages reach this device.";
        let alert = Alert { title: app.name.clone(), text: String::from(text) };
        let push = Push {
            to: user.uid,
            from: user.uid,
            ts: self.now.wall,
            targets: places.into_iter().map(target).collect(),
            ttl_s: wire::limits::PUSH_CALL_TTL_S,
            alert: app.settings.shows_pushes().then_some(alert),
            ..self.bare_push(app.aid)
        };
        Progress::Answered(Reply::PushTest(Box::new(push)))
    }

    /// With what the app has set.
    pub(crate) fn bare_push(&self, aid: AppId) -> Push {
        let app = self.directory.app(aid).ok().flatten();
        let settings = app.map(|app| app.settings.clone()).unwrap_or_default();
        Push {
            aid,
            sound: settings.push_sound,
            debug: settings.push_debug,
            sandbox: settings.push_sandbox,
            credentials: settings.push_credentials,
            ..Push::default()
        }
    }
}
