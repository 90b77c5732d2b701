//! Events for the backends of apps: which of them are wanted, and told how often.
//!
//! Says what happened, in order; the host posts it and nobody waits for that.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use hashbrown::HashMap;
use wire::id::{AppId, GroupId, MessageId, Seq, SessionId, Uid};
use wire::limits::{HOOKED_USERS_KEPT_MAX, SWEEP_PAUSE, SWEEP_ROWS_MAX};
use wire::mask::{notify, user as user_flag};
use wire::proto::Message;
use wire::time::{Duration, Instant};

use crate::Output;
use crate::changes::message_in;
use crate::directory::Roster;
use crate::hub::{Hub, Pending};
use crate::port::apps::{AppReply, feature};
use crate::port::hook::{Event, Fate, GroupEvent, Hook, Place, Told, Who};
use crate::port::store::{App, Expired, Group, NewMessage, Reply, Request, StoreError};
use crate::push::{Waking, What};

/// Who was said to have a message waiting, and when: not said again until the user was online, or
/// the interval of the app is over.
#[derive(Debug, Default)]
pub(crate) struct Hooked {
    waiting: HashMap<Uid, Instant>,
    /// What was said last of who came or went, until the interval of its app is over.
    presence: HashMap<Uid, Said>,
    /// When to look whether that is still so.
    doubtful: BTreeSet<(Instant, Uid)>,
    /// Where each backend listens, as the host was told.
    places: HashMap<AppId, Place>,
}

#[derive(Clone, Debug)]
struct Said {
    aid: AppId,
    who: Who,
    online: bool,
    /// Nothing is said of the user before.
    until: Instant,
}

impl Hooked {
    /// When something may have to be said.
    pub fn deadline(&self) -> Instant {
        self.doubtful.first().map_or(Instant::FAR_FUTURE, |(at, _)| *at)
    }
}

/// A message that somebody has, and its backend is to hear of that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeenMessage {
    aid: AppId,
    /// Who has it.
    uid: Uid,
    sender: Uid,
    mid: MessageId,
    /// As far as it is known.
    gid: GroupId,
    read: bool,
}

impl Hub {
    /// A user's first session began or the last one ended.
    pub(crate) fn hook_presence(&mut self, uid: Uid, online: bool) {
        if online {
            self.hooked.waiting.remove(&uid);
            self.is_awake(uid);
        }
        match self.hooked.presence.get(&uid).map(|said| said.until) {
            Some(until) if self.now.instant < until => {
                self.hooked.doubtful.insert((until, uid));
            }
            _ => {
                let Some(user) = self.directory.user(uid).ok().flatten() else { return };
                let (aid, who) = (user.aid, Who { uid, address: user.address.clone() });
                self.say_presence(aid, who, online);
            }
        }
    }

    /// Tells the backend that a user came or went; for the interval of its app nothing more is said of that.
    fn say_presence(&mut self, aid: AppId, who: Who, online: bool) {
        let bit = if online { notify::ONLINE } else { notify::OFFLINE };
        if !self.wants(aid, bit) {
            return;
        }
        self.hook(aid, Event::User { who: who.clone(), online });
        let (now, presence) = (self.now.instant, &mut self.hooked.presence);
        if presence.len() >= HOOKED_USERS_KEPT_MAX {
            presence.retain(|_, said| now < said.until);
        }
        let interval =
            self.directory.app(aid).ok().flatten().map_or(0, |app| app.settings.interval_s);
        // When there is no room, each coming and going of the user is said.
        if interval > 0 && presence.len() < HOOKED_USERS_KEPT_MAX {
            let until = now + Duration::from_secs(interval.into());
            presence.insert(who.uid, Said { aid, who, online, until });
        }
    }

    /// Says what has changed meanwhile of users of whom something was said a while ago.
    pub(crate) fn on_hook_deadlines(&mut self) {
        while let Some((at, uid)) = self.hooked.doubtful.first().copied()
            && at <= self.now.instant
        {
            self.hooked.doubtful.pop_first();
            let online = self.online.contains(uid);
            let Some(said) = self.hooked.presence.remove(&uid) else { continue };
            if said.online != online {
                self.say_presence(said.aid, said.who, online);
            }
        }
    }

    /// A session was welcomed.
    pub(crate) fn hook_login(&mut self, id: SessionId, app: String) {
        let Some(session) = self.sessions.get(&id) else { return };
        let (Some(live), remote) = (session.live(), session.remote) else { return };
        let (aid, who) = (live.aid, Who { uid: live.uid, address: live.address.clone() });
        if self.wants(aid, notify::LOGIN) {
            self.hook(aid, Event::Login { who, remote, app });
        }
    }

    /// A message is in these logs: backends are told, who is not there is woken.
    pub(crate) fn hook_message(&mut self, message: &NewMessage, places: &[(Uid, Seq)]) {
        let sender = self.directory.user(message.sender).ok().flatten();
        let Some(aid) = sender.map(|user| user.aid) else { return };
        let has_url = self.has_url(aid);
        let mut decoded = None;
        let (mut wake, mut hook) = (BTreeSet::new(), BTreeSet::new());
        for (uid, _) in places.iter().filter(|(uid, _)| *uid != message.sender) {
            if !self.online.contains(*uid) {
                if self.may_wake(*uid) {
                    wake.insert(*uid);
                }
                let user = self.directory.user(*uid).ok().flatten();
                let own = user.is_some_and(|user| {
                    let class = self.class_of(user).ok().flatten();
                    user.flags & user_flag::WEBHOOK != 0
                        || class.is_some_and(|class| !class.denies(feature::own::NO_WEBHOOK))
                });
                if has_url
                    && (own || self.wants(aid, notify::MESSAGE_OFFLINE))
                    && self.may_say_waiting(aid, *uid)
                {
                    hook.insert(*uid);
                }
                continue;
            }
            if !self.wants(aid, notify::MESSAGE_ONLINE) {
                continue;
            }
            let Some(user) = self.directory.user(*uid).ok().flatten().cloned() else { continue };
            if decoded.is_none() {
                decoded = message_in(&message.entry);
            }
            let Some(message) = decoded.clone() else { return };
            let to = Who { uid: *uid, address: user.address.clone() };
            self.hook(aid, Event::Message { message, to, fate: Fate::Online });
        }
        if !(wake.is_empty() && hook.is_empty())
            && let Some(message) = decoded.or_else(|| message_in(&message.entry))
        {
            self.wake(Waking { aid, what: What::Message(message.into()), wake, hook });
        }
    }

    /// There was no room for a message.
    pub(crate) fn hook_pruned(&mut self, message: &NewMessage) {
        let sender = self.directory.user(message.sender).ok().flatten();
        let Some(aid) = sender.map(|user| user.aid) else { return };
        if self.wants(aid, notify::PRUNED)
            && let Some(message) = message_in(&message.entry)
        {
            let to = addressee(&message);
            self.hook(aid, Event::Message { message, to, fate: Fate::Pruned });
        }
    }

    /// Some members of a group do not get a message, as there was no room for it.
    pub(crate) fn hook_left_out(&mut self, message: &NewMessage, full: &[Uid]) {
        let sender = self.directory.user(message.sender).ok().flatten();
        let Some(aid) = sender.map(|user| user.aid) else { return };
        if full.is_empty() || !self.wants(aid, notify::PRUNED) {
            return;
        }
        let Some(message) = message_in(&message.entry) else { return };
        for uid in full {
            let (message, to) = (message.clone(), self.who(*uid));
            self.hook(aid, Event::Message { message, to, fate: Fate::Pruned });
        }
    }

    /// Whether an app is to hear when a message expires that somebody has not got.
    pub(crate) fn watches_ends(&self, aid: AppId) -> bool {
        self.wants(aid, notify::PRUNED)
    }

    /// Has messages looked at that have expired, of one user or of all.
    pub(crate) fn look_for_expired(&mut self, uid: Option<Uid>) {
        let request = Request::TakeExpired { uid, now: self.now.wall, count: SWEEP_ROWS_MAX };
        self.ask(request, Pending::Expired { of_all: uid.is_none() });
    }

    pub(crate) fn on_expired(&mut self, of_all: bool, result: Result<Reply, StoreError>) {
        let (expired, more) = match result {
            Ok(Reply::Expired(expired, more)) => (expired, more),
            Ok(_) => return,
            Err(error) => return self.log(alloc::format!("storage: {error}")),
        };
        if more && of_all {
            self.sweep_within(SWEEP_PAUSE);
        }
        for Expired { aid, uid, address, entry } in expired {
            if self.watches_ends(aid)
                && let Some(message) = message_in(&entry)
            {
                let to = Who { uid, address };
                self.hook(aid, Event::Message { message, to, fate: Fate::Pruned });
            }
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
        // Neither a log nor who has read it says of which type it was, but the message does.
        let request = Request::FindMessage { sender, id: mid };
        self.ask(request, Pending::StatusHook(SeenMessage { aid, uid, sender, mid, gid, read }));
    }

    pub(crate) fn on_seen_message(&mut self, seen: SeenMessage, result: Result<Reply, StoreError>) {
        let SeenMessage { aid, uid, sender, mid, gid, read } = seen;
        let found = match result {
            Ok(Reply::Message(found)) => found.and_then(|(_, entry)| message_in(&entry)),
            _ => None,
        };
        let of_group = found.as_ref().and_then(|message| match message.to.as_ref()?.to {
            Some(wire::proto::target::To::Group(gid)) => Some(GroupId(gid)),
            _ => None,
        });
        let (gid, kind) = (of_group.unwrap_or(gid), found.map_or(0, |message| message.r#type));
        let (from, user) = (self.who(sender), self.who(uid));
        self.hook(aid, Event::Status { mid, gid, kind, from, user, read });
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

    /// A client wrote to somebody there is not.
    pub(crate) fn hook_invalid(&mut self, aid: AppId, message: Message) {
        if self.wants(aid, notify::INVALID) {
            let to = addressee(&message);
            self.hook(aid, Event::Message { message, to, fate: Fate::Invalid });
        }
    }

    /// A one-to-one call is over.
    pub(crate) fn hook_call(
        &mut self,
        (from, to): (Uid, Uid),
        video: bool,
        status: u32,
        duration: Duration,
    ) {
        let Some(aid) = self.directory.user(from).ok().flatten().map(|user| user.aid) else {
            return;
        };
        if self.wants(aid, notify::CALL) {
            let (from, to) = (self.who(from), self.who(to));
            let duration_s = duration.as_secs();
            self.hook(aid, Event::Call { from, to, video, status, duration_s });
        }
    }

    /// A group was made, changed or deleted.
    pub(crate) fn hook_group(&mut self, group: &Group, what: GroupEvent) {
        if self.wants(group.aid, notify::GROUP) {
            let (gid, name) = (group.gid, group.name.clone());
            self.hook(group.aid, Event::Group { gid, name, user: None, what });
        }
    }

    /// A group is about to become this.
    pub(crate) fn hook_group_change(&mut self, after: &Roster) {
        let group = &after.group;
        if !self.wants(group.aid, notify::GROUP) {
            return;
        }
        let Some(before) = self.directory.group(group.aid, group.gid).ok().flatten().cloned()
        else {
            return;
        };
        if before.group != *group {
            self.hook_group(group, GroupEvent::Changed);
        }
        let missing = |there: &Roster, here: &Roster| -> Vec<Uid> {
            let gone = here.members.keys().filter(|uid| !there.members.contains_key(*uid));
            gone.copied().collect()
        };
        let (joined, left) = (missing(&before, after), missing(after, &before));
        for (uids, what) in [(joined, GroupEvent::Joined), (left, GroupEvent::Left)] {
            for uid in uids {
                let (gid, name, user) = (group.gid, group.name.clone(), Some(self.who(uid)));
                self.hook(group.aid, Event::Group { gid, name, user, what });
            }
        }
    }

    /// The apps there are, now that the server serves.
    pub(crate) fn on_ready(&mut self, result: Result<Reply, StoreError>) {
        match result {
            Ok(Reply::OfApp(AppReply::Apps(apps))) => {
                for app in apps {
                    self.tell_place(&app);
                    if self.directory.app(app.aid).is_err() {
                        self.directory.put_app(app, None);
                    }
                }
                self.hook_server(true);
            }
            Ok(_) => {}
            Err(error) => self.log(alloc::format!("storage: {error}")),
        }
    }

    /// The server has started, or is going to stop.
    pub(crate) fn hook_server(&mut self, started: bool) {
        let mut aids: Vec<_> = self.hooked.places.keys().copied().collect();
        aids.sort_unstable();
        for aid in aids {
            if self.wants(aid, notify::SERVER) {
                self.hook(aid, Event::Server { started });
            }
        }
    }

    /// Tells the host where the backend of this app listens, unless it knows.
    pub(crate) fn tell_place(&mut self, app: &App) {
        let settings = &app.settings;
        let default = if settings.secret.is_empty() { 2 } else { 1 };
        let place = Place {
            aid: app.aid,
            url: settings.url.clone(),
            secret: settings.secret.clone(),
            version: settings.webhook_version.unwrap_or(default),
        };
        if self.hooked.places.get(&app.aid) != Some(&place) {
            self.hooked.places.insert(app.aid, place.clone());
            self.output(Output::Hook(Told::Place(place).into()));
        }
    }

    /// An app is gone.
    pub(crate) fn forget_place(&mut self, aid: AppId) {
        self.hooked.places.remove(&aid);
        self.output(Output::Hook(Told::Over(aid).into()));
    }

    fn who(&self, uid: Uid) -> Who {
        let user = self.directory.user(uid).ok().flatten();
        Who { uid, address: user.map(|user| user.address.clone()).unwrap_or_default() }
    }

    pub(crate) fn hook(&mut self, aid: AppId, event: Event) {
        let Some(app) = self.directory.app(aid).ok().flatten().cloned() else { return };
        self.tell_place(&app);
        let hook = Hook { aid, ts: self.now.wall, event };
        self.output(Output::Hook(Told::Event(hook).into()));
    }
}

/// Whom a message names, known or not.
fn addressee(message: &Message) -> Who {
    let address = match message.to.as_ref().and_then(|to| to.to.as_ref()) {
        Some(wire::proto::target::To::Address(address)) => address.clone(),
        _ => Default::default(),
    };
    Who { uid: Uid(0), address }
}
