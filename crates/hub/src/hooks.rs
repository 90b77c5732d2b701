//! Events for the backends of apps: which of them are wanted, and told how often.
//!
//! Says what happened, in order; the host posts it and nobody waits for that.

use hashbrown::HashMap;
use wire::id::{AppId, GroupId, MessageId, Seq, SessionId, Uid};
use wire::limits::HOOKED_USERS_KEPT_MAX;
use wire::mask::{notify, user as user_flag};
use wire::time::{Duration, Instant};

use crate::Output;
use crate::changes::message_in;
use crate::hub::Hub;
use crate::port::hook::{Event, Fate, Hook, Who};
use crate::port::store::NewMessage;

/// Who was said to have a message waiting, and when: not said again until the user was online, or
/// the interval of the app is over.
#[derive(Debug, Default)]
pub(crate) struct Hooked {
    waiting: HashMap<Uid, Instant>,
}

impl Hub {
    /// A user's first session began or the last one ended.
    pub(crate) fn hook_presence(&mut self, uid: Uid, online: bool) {
        if online {
            self.hooked.waiting.remove(&uid);
        }
        let Some(user) = self.directory.user(uid).ok().flatten() else { return };
        let (aid, who) = (user.aid, Who { uid, address: user.address.clone() });
        let bit = if online { notify::ONLINE } else { notify::OFFLINE };
        if self.wants(aid, bit) {
            self.hook(aid, Event::User { who, online });
        }
    }

    /// A session was welcomed.
    pub(crate) fn hook_login(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        let (Some(live), remote) = (session.live(), session.remote) else { return };
        let (aid, who) = (live.aid, Who { uid: live.uid, address: live.address.clone() });
        if self.wants(aid, notify::LOGIN) {
            self.hook(aid, Event::Login { who, remote });
        }
    }

    /// A message is in these logs.
    pub(crate) fn hook_message(&mut self, message: &NewMessage, places: &[(Uid, Seq)]) {
        let sender = self.directory.user(message.sender).ok().flatten();
        let Some(aid) = sender.map(|user| user.aid) else { return };
        if !self.has_url(aid) {
            return;
        }
        let mut decoded = None;
        for (uid, _) in places.iter().filter(|(uid, _)| *uid != message.sender) {
            let Some(user) = self.directory.user(*uid).ok().flatten().cloned() else { continue };
            let online = self.online.contains(*uid);
            let bit = if online { notify::MESSAGE_ONLINE } else { notify::MESSAGE_OFFLINE };
            let own = !online && user.flags & user_flag::WEBHOOK != 0;
            if !own && !self.wants(aid, bit) || !online && !self.may_say_waiting(aid, *uid) {
                continue;
            }
            if decoded.is_none() {
                decoded = message_in(&message.entry);
            }
            let Some(message) = decoded.clone() else { return };
            let to = Who { uid: *uid, address: user.address.clone() };
            let fate = if online { Fate::Online } else { Fate::Offline };
            self.hook(aid, Event::Message { message, to, fate });
        }
    }

    /// There was no room for a message.
    pub(crate) fn hook_pruned(&mut self, message: &NewMessage) {
        let sender = self.directory.user(message.sender).ok().flatten();
        let Some(aid) = sender.map(|user| user.aid) else { return };
        if self.wants(aid, notify::PRUNED)
            && let Some(message) = message_in(&message.entry)
        {
            let address = match message.to.as_ref().and_then(|to| to.to.as_ref()) {
                Some(wire::proto::target::To::Address(address)) => address.clone(),
                _ => Default::default(),
            };
            let to = Who { uid: Uid(0), address };
            self.hook(aid, Event::Message { message, to, fate: Fate::Pruned });
        }
    }

    /// A message was delivered or read.
    pub(crate) fn hook_status(
        &mut self,
        (aid, uid): (AppId, Uid),
        (sender, mid, gid): (Uid, MessageId, GroupId),
        read: bool,
    ) {
        let bit = if read { notify::READ } else { notify::DELIVERED };
        if !self.wants(aid, bit) {
            return;
        }
        let who = |uid: Uid| {
            let user = self.directory.user(uid).ok().flatten();
            Who { uid, address: user.map(|user| user.address.clone()).unwrap_or_default() }
        };
        let (from, user) = (who(sender), who(uid));
        self.hook(aid, Event::Status { mid, gid, from, user, read });
    }

    fn has_url(&self, aid: AppId) -> bool {
        let app = self.directory.app(aid).ok().flatten();
        app.is_some_and(|app| !app.settings.url.is_empty())
    }

    fn wants(&self, aid: AppId, bit: u32) -> bool {
        let app = self.directory.app(aid).ok().flatten();
        app.is_some_and(|app| {
            let wanted = app.settings.notify;
            !app.settings.url.is_empty() && wanted & notify::MASTER != 0 && wanted & bit != 0
        })
    }

    /// Whether it is time to say that something waits for a user, and that it is said now.
    fn may_say_waiting(&mut self, aid: AppId, uid: Uid) -> bool {
        let app = self.directory.app(aid).ok().flatten();
        let interval = app.map_or(0, |app| app.settings.interval_s);
        let now = self.now.instant;
        if let Some(said) = self.hooked.waiting.get(&uid)
            && (interval == 0 || now < *said + Duration::from_secs(interval.into()))
        {
            return false;
        }
        if self.hooked.waiting.len() >= HOOKED_USERS_KEPT_MAX {
            self.hooked.waiting.clear();
        }
        self.hooked.waiting.insert(uid, now);
        true
    }

    fn hook(&mut self, aid: AppId, event: Event) {
        let Some(app) = self.directory.app(aid).ok().flatten() else { return };
        let settings = &app.settings;
        let default = if settings.secret.is_empty() { 2 } else { 1 };
        let hook = Hook {
            aid,
            url: settings.url.clone(),
            secret: settings.secret.clone(),
            version: settings.webhook_version.unwrap_or(default),
            ts: self.now.wall,
            event,
        };
        self.output(Output::Hook(hook.into()));
    }
}
