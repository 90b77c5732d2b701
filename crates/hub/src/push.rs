//! Waking who is not there: where push messages of a device go, and who gets one, how often.
//!
//! Relies on the host to send them and to say which places are no more. Promises one for each user
//! until the user was online, or [`PUSH_INTERVAL`] (or what the app has set) is over; calls are told
//! each time.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use hashbrown::HashMap;
use wire::code::Code;
use wire::id::{AppId, GroupId, SessionId, Uid};
use wire::limits::{
    PUSH_ALERT_CHARS_MAX, PUSH_CALL_TTL_S, PUSH_INTERVAL, PUSH_TOKEN_BYTES_MAX, PUSH_TTL_S_MAX,
    PUSHED_USERS_KEPT_MAX,
};
use wire::proto::{Accepted, Message, PushToken, server_frame, target};
use wire::time::{Duration, Instant};

use crate::Output;
use crate::hub::{Hub, Pending};
use crate::port::apps::feature;
use crate::port::hook::{Event, Fate, Who};
use crate::port::push::{Alert, Push, Target};
use crate::port::store::{DeviceId, Reply, Request, StoreError};

/// Who was woken, and when.
#[derive(Debug, Default)]
pub(crate) struct Pushed {
    last: HashMap<Uid, Instant>,
}

/// What is told once it is known where.
#[derive(Debug)]
pub(crate) struct Waking {
    pub aid: AppId,
    pub what: What,
    /// Devices are woken.
    pub wake: BTreeSet<Uid>,
    /// The backend is told.
    pub hook: BTreeSet<Uid>,
}

/// Why somebody is woken.
#[derive(Debug)]
pub(crate) enum What {
    Message(Box<Message>),
    /// From whom, and whether with pictures.
    Call(Uid, bool),
}

impl Hub {
    /// Kept for who sends push messages.
    pub(crate) fn on_push_token(&mut self, id: SessionId, push: &PushToken) {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else { return };
        if push.token.len() > PUSH_TOKEN_BYTES_MAX {
            let refusal = crate::messaging::fail("the push token is too long");
            return self.reject(id, push.ticket, refusal);
        }
        let (token, voip) = (push.token.clone(), push.voip);
        let request = Request::SavePushToken { device: live.device, token, voip };
        self.ask(request, Pending::Push { session: id, ticket: push.ticket });
    }

    pub(crate) fn on_push_token_saved(
        &mut self,
        id: SessionId,
        ticket: u64,
        result: Result<Reply, StoreError>,
    ) {
        match result {
            Ok(_) => {
                let accepted = Accepted { id: ticket, ts: self.now.wall.0, recipients: 0 };
                self.send(id, server_frame::Body::Accepted(accepted));
            }
            Err(_) => self.end(id, Code::Storage, "storage failed"),
        }
    }

    /// Whether a user may be woken now by a message; then it counts as done.
    pub(crate) fn may_wake(&mut self, uid: Uid) -> bool {
        let now = self.now.instant;
        if self.is_denied(uid, feature::PUSH) {
            return false;
        }
        let interval = self.push_interval(uid);
        if self.pushed.last.get(&uid).is_some_and(|last| now < *last + interval) {
            return false;
        }
        if self.pushed.last.len() >= PUSHED_USERS_KEPT_MAX {
            self.pushed.last.clear();
        }
        self.pushed.last.insert(uid, now);
        true
    }

    fn push_interval(&self, uid: Uid) -> Duration {
        let aid = self.directory.user(uid).ok().flatten().map(|user| user.aid);
        let app = aid.and_then(|aid| self.directory.app(aid).ok().flatten());
        match app.map_or(0, |app| app.settings.push_interval_s) {
            0 => PUSH_INTERVAL,
            seconds => Duration::from_secs(seconds.into()),
        }
    }

    /// The user is there: the next message after it has gone wakes it again.
    pub(crate) fn is_awake(&mut self, uid: Uid) {
        self.pushed.last.remove(&uid);
    }

    /// Somebody who is not there was called.
    pub(crate) fn wake_for_call(&mut self, from: Uid, to: Uid, video: bool) {
        let Some(aid) = self.directory.user(from).ok().flatten().map(|user| user.aid) else {
            return;
        };
        if self.is_denied(to, feature::PUSH) {
            return;
        }
        let (wake, hook) = (BTreeSet::from([to]), BTreeSet::new());
        self.wake(Waking { aid, what: What::Call(from, video), wake, hook });
    }

    /// Asks where, then tells.
    pub(crate) fn wake(&mut self, waking: Waking) {
        let uids: BTreeSet<_> = waking.wake.union(&waking.hook).copied().collect();
        if !uids.is_empty() {
            let request = Request::LoadPushTokens { uids: uids.into_iter().collect() };
            self.ask(request, Pending::Waking(Box::new(waking)));
        }
    }

    pub(crate) fn on_push_tokens(&mut self, waking: Waking, result: Result<Reply, StoreError>) {
        let tokens = match result {
            Ok(Reply::PushTokens(tokens)) => tokens,
            // The backend is told all the same.
            _ => Vec::new(),
        };
        let mut targets: HashMap<Uid, Vec<Target>> = HashMap::new();
        for (uid, device, token, voip) in tokens {
            targets.entry(uid).or_default().push(Target { device, token, voip });
        }
        let Waking { aid, what, wake, hook } = waking;
        if let What::Message(message) = &what {
            for uid in hook {
                let Some(user) = self.directory.user(uid).ok().flatten() else { continue };
                let to = Who { uid, address: user.address.clone() };
                let push = targets.get(&uid).and_then(|found| found.first()).cloned();
                let message = Message::clone(message);
                self.hook(aid, Event::Message { message, to, fate: Fate::Offline(push) });
            }
        }
        for to in wake {
            // Who has come meanwhile sees it.
            if let Some(targets) = targets.remove(&to).filter(|_| !self.online.contains(to)) {
                let push = self.push(aid, &what, to, targets);
                self.output(Output::Push(Box::new(push)));
            }
        }
    }

    fn push(&self, aid: AppId, what: &What, to: Uid, targets: Vec<Target>) -> Push {
        let app = self.directory.app(aid).ok().flatten();
        let visible = app.is_some_and(|app| app.settings.shows_pushes());
        let name = |uid: Uid| -> String {
            let user = self.directory.user(uid).ok().flatten();
            user.map(|user| if user.name.is_empty() { &user.address } else { &user.name })
                .cloned()
                .unwrap_or_default()
        };
        let bare = Push { to, ts: self.now.wall, targets, ..self.bare_push(aid) };
        match what {
            What::Call(from, video) => Push {
                from: *from,
                call: Some(*video),
                ttl_s: PUSH_CALL_TTL_S,
                alert: visible.then(|| Alert { title: name(*from), text: String::new() }),
                ..bare
            },
            What::Message(message) => {
                let from = Uid(message.from_uid);
                let gid = match message.to.as_ref().and_then(|to| to.to.as_ref()) {
                    Some(target::To::Group(gid)) => GroupId(*gid),
                    _ => GroupId(0),
                };
                let alert = || {
                    let group = self.directory.group(aid, gid).ok().flatten();
                    let group = group.map(|found| found.group.name.clone());
                    let content = message.content.clone().unwrap_or_default();
                    let text = core::str::from_utf8(&content.body).unwrap_or_default();
                    let text = if text.is_empty() { &content.title } else { text };
                    let text: String = text.chars().take(PUSH_ALERT_CHARS_MAX).collect();
                    match group.filter(|group| !group.is_empty()) {
                        Some(title) => {
                            Alert { title, text: alloc::format!("{}: {text}", name(from)) }
                        }
                        None => Alert { title: name(from), text },
                    }
                };
                Push {
                    from,
                    gid,
                    kind: message.r#type,
                    ttl_s: message.expiry.unwrap_or(PUSH_TTL_S_MAX).min(PUSH_TTL_S_MAX),
                    alert: visible.then(alert),
                    ..bare
                }
            }
        }
    }

    /// Nothing can be sent there any more, unless the device has said something else meanwhile.
    pub(crate) fn on_push_gone(&mut self, device: DeviceId, token: String) {
        self.ask(Request::DropPushToken { device, token }, Pending::Nothing);
    }
}
