//! One-to-one calls: who rings, who answers first, what each side is told, what is written down.
//!
//! A user is in one call at a time. Media goes between the browsers; here signals are passed on,
//! from the moment a device has answered and to that one only. Relies on clients to say
//! `RECONNECTING` when they are back: after a restart of the server a call is known again once both
//! sides have said so. Promises one end for each side, and one record in each log.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;
use wire::call::{self, OVER};
use wire::id::{AppId, DeviceKey, SessionId, Uid};
use wire::limits::{
    CALL_RETURN_WITHIN, CALL_RING_MAX, CALL_SDP_BYTES_MAX, CALL_SIGNALS_MAX, CALL_SIGNALS_WINDOW,
    CALL_STARTS_PER_MINUTE_MAX,
};
use wire::mask::{contact, user as user_flag};
use wire::proto::{self, entry, server_frame};
use wire::time::{Duration, Instant, Timestamp};

use crate::delivery::note;
use crate::directory::{Missing, Needs};
use crate::hub::{Hub, Pending};
use crate::messaging::is_address;
use crate::port::apps::{feature, number, rate};
use crate::port::store::{Request, User};

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Calls {
    calls: HashMap<u64, Call>,
    of_user: HashMap<Uid, u64>,
    /// When to look at a call again: one entry each.
    due: BTreeSet<(Instant, u64)>,
    /// Calls with lower numbers were made before this process.
    first: u64,
    last: u64,
}

#[derive(Debug)]
struct Call {
    caller: Side,
    callee: Side,
    video: bool,
    started: Timestamp,
    answered: Option<Timestamp>,
    /// Not answered by then: it ends.
    rings_until: Instant,
    /// Answered, it is over then: a side's feature class does not leave it longer ones.
    ends: Instant,
    /// Known from what one side said after a restart; the other has not come back yet.
    claimed_by: Option<Uid>,
    due: Instant,
}

/// One user in a call, with the page that speaks for it.
#[derive(Debug)]
struct Side {
    uid: Uid,
    address: String,
    /// Drawn by the page; 0 while several ring.
    number: u32,
    device: Option<DeviceKey>,
    /// `None` while it rings, or while the connection is lost.
    session: Option<SessionId>,
    /// Then it is not waited for any longer.
    back_by: Instant,
    signals: Budget,
}

/// Events of one kind that are still allowed.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    since: Instant,
    used: u32,
}

impl Budget {
    /// `false` when it was one too many.
    fn take(&mut self, now: Instant, window: Duration, max: u32) -> bool {
        if now.since(self.since) >= window {
            *self = Budget { since: now, used: 0 };
        }
        self.used += 1;
        self.used <= max
    }
}

impl Side {
    fn new(uid: Uid, address: String) -> Side {
        Side {
            uid,
            address,
            number: 0,
            device: None,
            session: None,
            back_by: Instant::FAR_FUTURE,
            signals: Budget::default(),
        }
    }

    /// This page speaks for the user from now on.
    fn attach(&mut self, session: SessionId, device: DeviceKey, number: u32) {
        self.session = Some(session);
        self.device = Some(device);
        self.number = number;
        self.back_by = Instant::FAR_FUTURE;
    }
}

impl Call {
    /// The side of this user, and the other one.
    fn sides(&mut self, uid: Uid) -> Option<(&mut Side, &mut Side)> {
        match uid {
            _ if uid == self.caller.uid => Some((&mut self.caller, &mut self.callee)),
            _ if uid == self.callee.uid => Some((&mut self.callee, &mut self.caller)),
            _ => None,
        }
    }

    /// This user is called, and nobody has answered.
    fn rings(&self, uid: Uid) -> bool {
        self.answered.is_none() && self.callee.uid == uid
    }

    fn next_due(&self) -> Instant {
        let rings = if self.answered.is_none() { self.rings_until } else { Instant::FAR_FUTURE };
        rings.min(self.ends).min(self.caller.back_by).min(self.callee.back_by)
    }

    fn frame(&self, id: u64, status: u32, caller: bool) -> proto::Call {
        let (own, other) = match caller {
            true => (&self.caller, &self.callee),
            false => (&self.callee, &self.caller),
        };
        proto::Call {
            call: id,
            number: own.number,
            status,
            peer: other.address.clone(),
            video: self.video,
            caller,
            started: self.started.0,
            answered: self.answered.map_or(0, |at| at.0),
            ..proto::Call::default()
        }
    }
}

impl Calls {
    pub fn new(epoch: u32) -> Calls {
        // As the numbers of streams: exact in JavaScript, and never given twice.
        let first = u64::from(epoch) << 21;
        Calls {
            calls: HashMap::new(),
            of_user: HashMap::new(),
            due: BTreeSet::new(),
            first,
            last: first,
        }
    }

    pub fn deadline(&self) -> Instant {
        self.due.first().map_or(Instant::FAR_FUTURE, |first| first.0)
    }

    fn put(&mut self, id: u64, call: Call) {
        self.of_user.insert(call.caller.uid, id);
        self.of_user.insert(call.callee.uid, id);
        self.calls.insert(id, call);
        self.reckon(id);
    }

    fn remove(&mut self, id: u64) -> Option<Call> {
        let call = self.calls.remove(&id)?;
        self.due.remove(&(call.due, id));
        self.of_user.remove(&call.caller.uid);
        self.of_user.remove(&call.callee.uid);
        Some(call)
    }

    /// Its deadlines have changed.
    fn reckon(&mut self, id: u64) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        self.due.remove(&(call.due, id));
        call.due = call.next_due();
        self.due.insert((call.due, id));
    }
}

impl Hub {
    pub(crate) fn on_call(&mut self, id: SessionId, frame: &proto::Call) -> Result<(), Needs> {
        let live = self.sessions.get(&id).and_then(|session| session.live());
        let Some(live) = live.filter(|_| frame.number > 0) else { return Ok(()) };
        let by = Speaker { session: id, uid: live.uid, aid: live.aid, device: live.key };
        match frame.status {
            call::INCOMING => self.on_call_start(&by, frame)?,
            call::RECONNECTING => self.on_call_return(&by, frame)?,
            call::ANSWER => self.on_call_answer(&by, frame),
            call::UPDATE => self.on_call_picture(&by, frame)?,
            status if status & OVER != 0 => self.on_call_end(&by, frame),
            _ => self.on_call_signal(&by, frame),
        }
        Ok(())
    }

    /// Tells one page, which is in no call that is known here, that its own is over.
    fn refuse_call(&mut self, by: &Speaker, frame: &proto::Call, status: u32) {
        let (call, number) = (frame.call, frame.number);
        let refused = proto::Call { call, number, status, ..proto::Call::default() };
        self.send(by.session, server_frame::Body::Call(refused));
    }

    fn on_call_start(&mut self, by: &Speaker, frame: &proto::Call) -> Result<(), Needs> {
        let known = self.calls.of_user.get(&by.uid).copied();
        if let Some(id) = known
            && let Some(call) = self.calls.calls.get_mut(&id)
            && (call.caller.uid, call.caller.number) == (by.uid, frame.number)
        {
            // It is back, and has not heard how far it is.
            call.caller.attach(by.session, by.device, frame.number);
            let status = if call.answered.is_some() { call::ANSWER } else { call::RINGING };
            let again = call.frame(id, status, true);
            self.calls.reckon(id);
            self.send(by.session, server_frame::Body::Call(again));
            return Ok(());
        }
        if frame.call > self.calls.first {
            // It ended while the page was away.
            self.refuse_call(by, frame, call::NO_ANSWER);
            return Ok(());
        }
        let callee = match self.callee(by, frame)? {
            Ok(callee) => callee,
            Err(status) => {
                self.refuse_call(by, frame, status);
                return Ok(());
            }
        };
        let caller = self.directory.user(by.uid)?.map(|user| user.address.clone());
        let now = self.now.instant;
        let session = self.sessions.get_mut(&by.session).and_then(|found| found.live_mut());
        if session.is_none_or(|live| !live.calls.take(now, MINUTE, CALL_STARTS_PER_MINUTE_MAX))
            || !self.charge_class(by.uid, rate::CALL)
        {
            self.refuse_call(by, frame, call::NOT_ALLOWED);
            return Ok(());
        }
        if let Some(id) = known
            && let Some(former) = self.calls.calls.get(&id)
        {
            let own = &former.caller;
            if former.rings(by.uid) {
                if former.caller.uid == callee.uid {
                    // Each calls the other: they have found one another.
                    self.take_answer(id, by, frame);
                    return Ok(());
                }
                self.finish_call(id, call::BUSY, call::CANCEL);
            } else if own.uid == by.uid && own.session.is_none() && own.device == Some(by.device) {
                // Its page was closed and did not come back.
                self.finish_call(id, call::NETWORK_ERROR, call::NETWORK_ERROR);
            } else {
                self.refuse_call(by, frame, call::BUSY);
                return Ok(());
            }
        }
        let mut calling = Side::new(by.uid, caller.unwrap_or_default());
        calling.attach(by.session, by.device, frame.number);
        let call = Call {
            caller: calling,
            callee: Side::new(callee.uid, callee.address.clone()),
            video: frame.video,
            started: self.now.wall,
            answered: None,
            rings_until: now + CALL_RING_MAX,
            ends: Instant::FAR_FUTURE,
            claimed_by: None,
            due: Instant::FAR_FUTURE,
        };
        // The number it had before a restart, so that a page that rings knows it: it rings when it is
        // back.
        let free = frame.call > 0 && !self.calls.calls.contains_key(&frame.call);
        let id = if free { frame.call } else { self.calls.last + 1 };
        self.calls.last = self.calls.last.max(id);
        if self.calls.of_user.contains_key(&callee.uid) {
            self.refuse_call(by, frame, call::BUSY);
            self.record_call(id, &call, call::BUSY);
        } else if !free && !self.online.contains(callee.uid) {
            self.refuse_call(by, frame, call::OFFLINE);
            self.record_call(id, &call, call::OFFLINE);
            self.wake_for_call(by.uid, callee.uid, frame.video);
        } else {
            let (ringing, incoming) =
                (call.frame(id, call::RINGING, true), call.frame(id, call::INCOMING, false));
            self.calls.put(id, call);
            self.send(by.session, server_frame::Body::Call(ringing));
            self.tell_user(callee.uid, incoming);
        }
        Ok(())
    }

    /// Whom this is a call for, or why it is none.
    fn callee(&self, by: &Speaker, frame: &proto::Call) -> Result<Result<Arc<User>, u32>, Missing> {
        let caller = self.directory.user(by.uid)?;
        if caller.is_none_or(|user| user.flags & user_flag::NO_OUTGOING != 0) {
            return Ok(Err(call::NOT_ALLOWED));
        }
        let kind = if frame.video { feature::CALL_VIDEO } else { feature::CALL_AUDIO };
        if !self.may_use(by.uid, feature::CALL_OUT | kind)? {
            return Ok(Err(call::NOT_ALLOWED));
        }
        if !is_address(&frame.peer) {
            return Ok(Err(call::INVALID_DESTINATION));
        }
        let found = self.directory.find_user(by.aid, &frame.peer)?;
        let Some(callee) = found.filter(|user| user.uid != by.uid) else {
            return Ok(Err(call::INVALID_DESTINATION));
        };
        let blocks = self.directory.blockers(by.uid)?.get(&callee.uid).copied().unwrap_or(0);
        let blocked = self.directory.blockers(callee.uid)?.get(&by.uid).copied().unwrap_or(0);
        Ok(match () {
            _ if callee.flags & user_flag::NO_INCOMING != 0 => Err(call::NO_CALLS),
            _ if (blocks & (contact::BLOCKED | contact::BLOCK_CALLS))
                | (blocked & contact::BLOCKED)
                != 0 =>
            {
                Err(call::BLOCKED)
            }
            _ if !self.may_use(callee.uid, feature::CALL_IN)? => Err(call::NO_CALLS),
            _ if frame.video
                && (blocks & contact::BLOCK_VIDEO_CALLS != 0
                    || !self.may_use(callee.uid, feature::CALL_VIDEO)?) =>
            {
                Err(call::NO_VIDEO_CALLS)
            }
            _ if !frame.video && !self.may_use(callee.uid, feature::CALL_AUDIO)? => {
                Err(call::NO_CALLS)
            }
            _ => Ok(callee.clone()),
        })
    }

    /// A session that comes while it rings rings, too.
    pub(crate) fn ring_late(&mut self, uid: Uid, session: SessionId) {
        let Some(id) = self.calls.of_user.get(&uid).copied() else { return };
        let call = self.calls.calls.get(&id).filter(|call| call.rings(uid));
        if let Some(incoming) = call.map(|call| call.frame(id, call::INCOMING, false)) {
            self.send(session, server_frame::Body::Call(incoming));
        }
    }

    fn on_call_answer(&mut self, by: &Speaker, frame: &proto::Call) {
        let Some(call) = self.calls.calls.get(&frame.call).filter(|it| it.callee.uid == by.uid)
        else {
            return self.refuse_call(by, frame, call::CANCEL);
        };
        match call.answered {
            None => self.take_answer(frame.call, by, frame),
            Some(_) if call.callee.number != frame.number => {
                self.refuse_call(by, frame, call::SWITCHED);
            }
            Some(_) => {
                let again = call.frame(frame.call, call::ANSWER, false);
                self.send(by.session, server_frame::Body::Call(again));
            }
        }
    }

    /// This page answers first. All that ring are told which one it was.
    fn take_answer(&mut self, id: u64, by: &Speaker, frame: &proto::Call) {
        let now = self.now.wall;
        let Some(call) = self.calls.calls.get(&id) else { return };
        let ends = self.end_of_call([call.caller.uid, call.callee.uid], now);
        let Some(call) = self.calls.calls.get_mut(&id) else { return };
        call.answered = Some(now);
        call.ends = ends;
        call.callee.attach(by.session, by.device, frame.number);
        let to_callee = call.frame(id, call::ANSWER, false);
        let to_caller = proto::Call { video: frame.video, ..call.frame(id, call::ANSWER, true) };
        let (uid, caller) = (call.callee.uid, call.caller.session);
        self.calls.reckon(id);
        self.tell_user(uid, to_callee);
        self.tell_side(caller, to_caller);
    }

    /// Passes on what one side says to the other.
    fn on_call_signal(&mut self, by: &Speaker, frame: &proto::Call) {
        let now = self.now.instant;
        let known = self.calls.calls.get_mut(&frame.call);
        let Some(call) = known.filter(|call| call.answered.is_some()) else { return };
        let Some((own, other)) = call.sides(by.uid) else { return };
        let long = frame.offer.len().max(frame.answer.len()).max(frame.candidate.len());
        if own.number != frame.number
            || long > CALL_SDP_BYTES_MAX
            || !own.signals.take(now, CALL_SIGNALS_WINDOW, CALL_SIGNALS_MAX)
        {
            return;
        }
        let passed = proto::Call { number: other.number, peer: String::new(), ..frame.clone() };
        let to = other.session;
        self.tell_side(to, passed);
    }

    /// A side of a call by voice wants to show a picture. Both are told that they may; the asker alone
    /// that there is none, where a video call would be refused.
    fn on_call_picture(&mut self, by: &Speaker, frame: &proto::Call) -> Result<(), Needs> {
        let now = self.now.instant;
        let known = self.calls.calls.get_mut(&frame.call);
        let Some(call) = known.filter(|call| call.answered.is_some()) else { return Ok(()) };
        let Some((own, other)) = call.sides(by.uid) else { return Ok(()) };
        let other = other.uid;
        if own.number != frame.number
            || !own.signals.take(now, CALL_SIGNALS_WINDOW, CALL_SIGNALS_MAX)
        {
            return Ok(());
        }
        let blocks = self.directory.blockers(by.uid)?.get(&other).copied().unwrap_or(0);
        let may = blocks & contact::BLOCK_VIDEO_CALLS == 0
            && self.may_use(by.uid, feature::CALL_VIDEO)?
            && self.may_use(other, feature::CALL_VIDEO)?;
        let Some(call) = self.calls.calls.get_mut(&frame.call) else { return Ok(()) };
        call.video |= may;
        let both = [(&call.caller, true), (&call.callee, false)];
        let told = both.map(|(side, caller)| {
            let hears = may || side.uid == by.uid;
            (side.session.filter(|_| hears), call.frame(frame.call, call::UPDATE, caller))
        });
        for (session, update) in told {
            self.tell_side(session, update);
        }
        Ok(())
    }

    fn on_call_end(&mut self, by: &Speaker, frame: &proto::Call) {
        let id = match frame.call {
            0 => self.calls.of_user.get(&by.uid).copied().unwrap_or(0),
            id => id,
        };
        let Some(call) = self.calls.calls.get_mut(&id) else { return };
        let (rings, answered) = (call.rings(by.uid), call.answered.is_some());
        let Some((own, _)) = call.sides(by.uid) else { return };
        if own.number != frame.number && (!rings || frame.call == 0) {
            return;
        }
        let status = match frame.status {
            call::NETWORK_ERROR => call::NETWORK_ERROR,
            _ if answered => call::COMPLETE,
            call::NO_ANSWER => call::NO_ANSWER,
            _ => call::CANCEL,
        };
        let to_caller = if rings { call::BUSY } else { status };
        self.finish_call(id, to_caller, status);
    }

    /// A page says that it is in a call: its connection was lost, or the server was restarted.
    fn on_call_return(&mut self, by: &Speaker, frame: &proto::Call) -> Result<(), Needs> {
        let id = frame.call;
        if !self.calls.calls.contains_key(&id) {
            return self.on_call_unknown(by, frame);
        }
        let Some(call) = self.calls.calls.get_mut(&id) else { return Ok(()) };
        if call.rings(by.uid) {
            return Ok(());
        }
        let confirms = call.claimed_by.is_some_and(|uid| uid != by.uid);
        let known = call.sides(by.uid).filter(|(own, _)| confirms || own.number == frame.number);
        let Some((own, _)) = known else {
            self.refuse_call(by, frame, call::SWITCHED);
            return Ok(());
        };
        own.attach(by.session, by.device, frame.number);
        if confirms {
            call.claimed_by = None;
        }
        let both = (call.frame(id, call::UPDATE, true), call.frame(id, call::UPDATE, false));
        let (caller, callee) = (call.caller.session, call.callee.session);
        self.calls.reckon(id);
        if caller.is_some() && callee.is_some() {
            self.tell_side(caller, both.0);
            self.tell_side(callee, both.1);
        }
        Ok(())
    }

    /// A call of a former process is taken up when one side says so; it is a call again when the
    /// other does.
    fn on_call_unknown(&mut self, by: &Speaker, frame: &proto::Call) -> Result<(), Needs> {
        if frame.call == 0 || frame.call > self.calls.first {
            let over = if frame.answered > 0 { call::COMPLETE } else { call::CANCEL };
            self.refuse_call(by, frame, over);
            return Ok(());
        }
        // A page that rings waits for the caller, who is back soon or gives up.
        if frame.answered == 0 {
            return Ok(());
        }
        let peer = match is_address(&frame.peer) {
            true => self.directory.find_user(by.aid, &frame.peer)?.cloned(),
            false => None,
        };
        let own = self.directory.user(by.uid)?.cloned();
        let free = |user: &Arc<User>| !self.calls.of_user.contains_key(&user.uid);
        let (Some(own), Some(peer)) = (own.filter(free), peer.filter(free)) else {
            self.refuse_call(by, frame, call::NETWORK_ERROR);
            return Ok(());
        };
        if own.uid == peer.uid {
            self.refuse_call(by, frame, call::INVALID_DESTINATION);
            return Ok(());
        }
        let mut here = Side::new(own.uid, own.address.clone());
        here.attach(by.session, by.device, frame.number);
        let mut away = Side::new(peer.uid, peer.address.clone());
        away.back_by = self.now.instant + CALL_RETURN_WITHIN;
        let (caller, callee) = if frame.caller { (here, away) } else { (away, here) };
        let call = Call {
            caller,
            callee,
            video: frame.video,
            started: Timestamp(frame.started.min(self.now.wall.0)),
            answered: Some(Timestamp(frame.answered.min(self.now.wall.0))),
            rings_until: Instant::FAR_FUTURE,
            ends: self.end_of_call([own.uid, peer.uid], Timestamp(frame.answered)),
            claimed_by: Some(by.uid),
            due: Instant::FAR_FUTURE,
        };
        self.calls.put(frame.call, call);
        Ok(())
    }

    /// The connection of a page is lost. Media goes on; the page has some time to come back.
    pub(crate) fn leave_call(&mut self, uid: Uid, session: SessionId) {
        let Some(id) = self.calls.of_user.get(&uid).copied() else { return };
        let back_by = self.now.instant + CALL_RETURN_WITHIN;
        let sides = self.calls.calls.get_mut(&id).and_then(|call| call.sides(uid));
        let Some((own, _)) = sides.filter(|(own, _)| own.session == Some(session)) else { return };
        own.session = None;
        own.back_by = back_by;
        self.calls.reckon(id);
    }

    pub(crate) fn on_call_deadlines(&mut self) {
        while let Some((at, id)) = self.calls.due.first().copied()
            && at <= self.now.instant
        {
            let Some(call) = self.calls.calls.get(&id) else { return };
            match call.answered {
                Some(_) if call.ends <= self.now.instant => {
                    self.finish_call(id, call::COMPLETE, call::COMPLETE);
                }
                Some(_) => self.finish_call(id, call::NETWORK_ERROR, call::NETWORK_ERROR),
                None if call.rings_until <= self.now.instant => {
                    self.finish_call(id, call::NO_ANSWER, call::NO_ANSWER);
                }
                None => self.finish_call(id, call::CANCEL, call::CANCEL),
            }
        }
    }

    /// When a call that was answered then is over, by what the classes of both sides leave them.
    fn end_of_call(&self, sides: [Uid; 2], answered: Timestamp) -> Instant {
        let limits = sides.into_iter().filter_map(|uid| self.class_limit(uid, number::CALL_S));
        let Some(limit) = limits.min() else { return Instant::FAR_FUTURE };
        let passed = Duration::from_millis(self.now.wall.0.saturating_sub(answered.0));
        self.now.instant + Duration::from_secs(limit.into()).saturating_sub(passed)
    }

    /// The feature class of a user has changed: a call it is not left any more is over.
    pub(crate) fn review_call(&mut self, uid: Uid) {
        let Some(id) = self.calls.of_user.get(&uid).copied() else { return };
        let Some(call) = self.calls.calls.get(&id) else { return };
        let kind = if call.video { feature::CALL_VIDEO } else { feature::CALL_AUDIO };
        let way = if call.caller.uid == uid { feature::CALL_OUT } else { feature::CALL_IN };
        if self.is_denied(uid, way | kind) {
            return self.finish_call(id, call::NOT_ALLOWED, call::NOT_ALLOWED);
        }
        if let Some(answered) = call.answered {
            let ends = self.end_of_call([call.caller.uid, call.callee.uid], answered);
            if let Some(call) = self.calls.calls.get_mut(&id) {
                call.ends = ends;
            }
            self.calls.reckon(id);
        }
    }

    fn finish_call(&mut self, id: u64, to_caller: u32, to_callee: u32) {
        let Some(call) = self.calls.remove(id) else { return };
        self.tell_side(call.caller.session, call.frame(id, to_caller, true));
        let last = call.frame(id, to_callee, false);
        match call.answered {
            Some(_) => self.tell_side(call.callee.session, last),
            None => self.tell_user(call.callee.uid, last),
        }
        self.record_call(id, &call, to_caller);
    }

    /// Writes the call into the logs of both; into the own one only of who speaks for both.
    fn record_call(&mut self, id: u64, call: &Call, status: u32) {
        let ended = self.now.wall.0;
        let duration = call.answered.map_or(0, |answered| ended.saturating_sub(answered.0));
        let (sides, took) = ((call.caller.uid, call.callee.uid), Duration::from_millis(duration));
        self.hook_call(sides, call.video, status, took);
        let mut notes = Vec::with_capacity(2);
        for (uid, caller) in [(call.caller.uid, true), (call.callee.uid, false)] {
            let noted = call.claimed_by.is_none_or(|claims| claims == uid);
            if noted && !self.is_denied(uid, feature::CALL_LOG) {
                let record = proto::Call { ended, number: 0, ..call.frame(id, status, caller) };
                notes.push(note(uid, entry::Body::Call(record)));
            }
        }
        self.ask(Request::AppendNotes { notes: notes.clone() }, Pending::Notes(notes));
    }

    fn tell_side(&mut self, session: Option<SessionId>, frame: proto::Call) {
        if let Some(session) = session {
            self.send(session, server_frame::Body::Call(frame));
        }
    }

    fn tell_user(&mut self, uid: Uid, frame: proto::Call) {
        for session in self.online.sessions(uid).to_vec() {
            self.send(session, server_frame::Body::Call(frame.clone()));
        }
    }
}

/// Who said something.
struct Speaker {
    session: SessionId,
    uid: Uid,
    aid: AppId,
    device: DeviceKey,
}
