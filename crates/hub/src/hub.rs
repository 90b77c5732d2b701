//! The hub itself: takes inputs apart, keeps the parts, hands out the outputs.
//!
//! Decisions stand in the files named for them (`signin`, `messaging`, `delivery`, `presence`,
//! `contacts`, `rooms`, `operations`, …), each a set of methods of [`Hub`] over the parts below. A decision that
//! needs what is not in memory changes nothing and says what it [`Needs`]; its frame is parked in
//! the session, so a session's frames keep their order.

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, BinaryHeap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::cmp::Reverse;
use core::net::IpAddr;
use hashbrown::HashMap;
use wire::code::Code;
use wire::frame::{FrameError, encode_deliver, encode_server};
use wire::id::{DeviceKey, GroupId, MessageId, Seq, SessionId, Ticket, Uid};
use wire::limits::{
    FRAME_BYTES_MAX, HELLO_WITHIN, LOADS_MAX, PING_INTERVAL, RECONNECT_DELAY_MAX, RETURN_STEP,
    SESSION_LOG_BYTES_MAX, SESSION_PARKED_FRAMES_MAX, SESSION_SEND_BYTES_MAX, SILENCE_MAX,
    SWEEP_INTERVAL, SWEEP_PAUSE, SWEEP_ROWS_MAX,
};
use wire::proto::{Goodbye, Ping, Refused, Unsupported, client_frame, server_frame};
use wire::time::{Duration, Instant, Now};

use crate::app_operations::AppRates;
use crate::calls::Calls;
use crate::changes::{Changing, Noted};
use crate::directory::{Directory, Missing, Needs};
use crate::group_requests::WrongPins;
use crate::hooks::Hooked;
use crate::messaging::Refusal;
use crate::operations::Operations;
use crate::port::apps::AppRequest;
use crate::port::store::{NewMessage, Note, Reply, Request, StoreError, TokenId};
use crate::presence::Watchers;
use crate::rooms::Rooms;
use crate::schedule::Schedule;
use crate::session::{Online, Session, Stage};
use crate::upload::UploadKey;
use crate::user_operations::Otps;
use crate::{Input, Output};

/// What an entry adds to a frame beside itself, at most: its number and two lengths.
const DELIVER_OVERHEAD_BYTES: usize = 24;

/// The server's decisions. See the crate's page.
#[derive(Debug)]
pub struct Hub {
    pub(crate) sessions: HashMap<SessionId, Session>,
    pub(crate) online: Online,
    /// Sessions whose user is known and who are not live yet.
    pub(crate) arriving: BTreeSet<(Uid, SessionId)>,
    pub(crate) directory: Directory,
    pub(crate) watchers: Watchers,
    pub(crate) rooms: Rooms,
    pub(crate) calls: Calls,
    pub(crate) operations: Operations,
    pub(crate) wrong_pins: WrongPins,
    /// Who is being made a member by what it has done.
    pub(crate) entering: BTreeSet<(GroupId, Uid)>,
    /// Who got the last message of a group whose members take turns.
    pub(crate) turns: HashMap<GroupId, Uid>,
    pub(crate) otps: Otps,
    pub(crate) hooked: Hooked,
    pub(crate) app_rates: AppRates,
    pub(crate) schedule: Schedule,
    pub(crate) stopping: bool,
    pub(crate) upload_key: Option<UploadKey>,
    /// Browsers that may be signed in with one token.
    pub(crate) token_sessions: usize,
    pub(crate) counters: Counters,
    /// The time of the input that is being handled.
    pub(crate) now: Now,
    outputs: VecDeque<Output>,
    /// Sessions with entries that are gathered for one frame.
    undelivered: Vec<SessionId>,
    pending: HashMap<Ticket, Pending>,
    /// Who waits for something that is being loaded.
    waiters: HashMap<Missing, Vec<Waiter>>,
    next_ticket: u64,
    /// When to look at a session again: one entry each.
    deadlines: BinaryHeap<Reverse<(Instant, SessionId)>>,
    /// When the store is swept again; `None` before the first input.
    sweep_at: Option<Instant>,
    is_sweeping: bool,
}

/// What was done, for the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages stored and accepted, each once.
    pub accepted: u64,
    /// Log entries given to sessions.
    pub deliveries: u64,
}

/// What an answer of the store is for.
#[derive(Debug)]
pub(crate) enum Pending {
    Load(Missing),
    Token {
        session: SessionId,
        hello: wire::proto::Hello,
    },
    Device {
        session: SessionId,
        token: crate::port::store::Token,
        key: DeviceKey,
        resume: Option<u64>,
        shown: bool,
    },
    Memberships {
        session: SessionId,
    },
    ContactList {
        session: SessionId,
    },
    Contacts {
        session: SessionId,
        uid: Uid,
        ticket: u32,
    },
    /// Contacts with these flags are shown that the user is online.
    Audience {
        session: SessionId,
        flags: u32,
    },
    Search {
        session: SessionId,
        search: wire::proto::Search,
    },
    Push {
        session: SessionId,
        ticket: u64,
    },
    Append {
        session: SessionId,
        messages: Vec<NewMessage>,
    },
    Refusal {
        session: SessionId,
        id: MessageId,
        refusal: Refusal,
    },
    Change(Box<Changing>),
    Noted(Noted),
    Notes(Vec<Note>),
    Acknowledge {
        session: SessionId,
        notes: Vec<Note>,
    },
    Log {
        session: SessionId,
    },
    History {
        session: SessionId,
        ticket: u32,
        count: u32,
    },
    Admin,
    Uploader {
        ticket: Ticket,
    },
    Sweep,
    Ready,
    Schedule,
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiter {
    Session(SessionId),
    Admin,
}

impl Hub {
    /// A hub that knows nobody. `epoch` must be higher than any given to an earlier hub of the
    /// same installation (seconds since 1970 do): it keeps the ids of streams apart.
    pub fn new(epoch: u32) -> Hub {
        Hub {
            sessions: HashMap::new(),
            online: Online::default(),
            arriving: BTreeSet::new(),
            directory: Directory::default(),
            watchers: Watchers::default(),
            rooms: Rooms::new(epoch),
            calls: Calls::new(epoch),
            operations: Operations::default(),
            wrong_pins: WrongPins::default(),
            entering: BTreeSet::new(),
            turns: HashMap::new(),
            otps: Otps::default(),
            hooked: Hooked::default(),
            app_rates: AppRates::new(0, 0),
            schedule: Schedule::default(),
            stopping: false,
            upload_key: None,
            token_sessions: 1,
            counters: Counters::default(),
            now: Now::default(),
            outputs: VecDeque::new(),
            undelivered: Vec::new(),
            pending: HashMap::new(),
            waiters: HashMap::new(),
            next_ticket: 0,
            deadlines: BinaryHeap::new(),
            sweep_at: None,
            is_sweeping: false,
        }
    }

    /// As many browsers may be signed in with one token, instead of one.
    pub fn with_token_sessions(self, token_sessions: usize) -> Hub {
        Hub { token_sessions, ..self }
    }

    /// Each app may ask for so many operations a second, and so many at once; 0 = without limit.
    pub fn with_operation_rate(self, per_second: u32, burst: u32) -> Hub {
        Hub { app_rates: AppRates::new(per_second, burst), ..self }
    }

    /// Something happened. Drain [`Hub::poll_output`] afterwards.
    pub fn handle_input(&mut self, now: Now, input: Input) {
        self.now = now;
        match input {
            Input::Opened { session, remote } => self.on_opened(session, remote),
            Input::Frame { session, frame } => self.on_frame(session, frame),
            Input::Malformed { session, error } => self.on_malformed(session, &error),
            Input::Drained { session, bytes } => self.on_drained(session, bytes),
            Input::Closed { session } => self.forget(session),
            Input::Stored { ticket, result } => self.on_stored(ticket, result),
            Input::Admin { ticket, call } => self.on_admin(ticket, call),
            Input::Uploader { ticket, credential } => self.on_uploader(ticket, &credential),
            Input::Media(event) => self.on_media(event),
            Input::Ready => self.ask(Request::OfApp(AppRequest::List), Pending::Ready),
            Input::Tick => {}
            Input::Stop => self.on_stop(),
        }
        self.on_deadlines();
        self.on_call_deadlines();
        self.sweep();
        self.look_at_schedule();
    }

    /// What has to be done next; [`Output::Wait`] when there is nothing.
    pub fn poll_output(&mut self) -> Output {
        if self.outputs.is_empty() {
            for session in core::mem::take(&mut self.undelivered) {
                self.deliver(session);
            }
        }
        self.outputs.pop_front().unwrap_or_else(|| {
            let session = self.deadlines.peek().map_or(Instant::FAR_FUTURE, |next| next.0.0);
            let wait = session.min(self.schedule.deadline()).min(self.calls.deadline());
            Output::Wait(self.sweep_at.map_or(wait, |sweep| sweep.min(wait)))
        })
    }

    /// Sessions that are connected, for the operator.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Rooms with somebody in them, for the operator.
    pub fn room_count(&self) -> usize {
        self.rooms.rooms.len()
    }

    /// What was done since the start, for the operator.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    // ---- sessions ------------------------------------------------------------------------

    fn on_opened(&mut self, session: SessionId, remote: IpAddr) {
        self.sessions.insert(session, Session::new(self.now.instant, remote));
        self.deadlines.push(Reverse((self.now.instant + HELLO_WITHIN, session)));
        if self.stopping {
            self.end(session, Code::ShuttingDown, "the server is stopping");
        }
    }

    fn on_frame(&mut self, id: SessionId, frame: client_frame::Body) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if !session.hear(self.now.instant) {
            return self.end(id, Code::RateLimit, "too many frames");
        }
        if session.waiting > 0 {
            if session.parked.len() >= SESSION_PARKED_FRAMES_MAX {
                return self.end(id, Code::Overloaded, "too many frames wait for storage");
            }
            session.parked.push_back(frame);
            return;
        }
        self.take_frame(id, frame);
    }

    /// Decides on a frame, or parks it until what it needs is loaded.
    fn take_frame(&mut self, id: SessionId, frame: client_frame::Body) {
        let Err(needs) = self.decide(id, &frame) else { return };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.parked.push_front(frame);
            self.load_for_session(needs, id);
        }
    }

    fn load_for_session(&mut self, Needs(missing): Needs, id: SessionId) {
        if self.waiters.len() + missing.len() > LOADS_MAX {
            return self.end(id, Code::Overloaded, "too much is being loaded");
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.waiting = missing.len();
        for missing in missing {
            self.load(missing, Waiter::Session(id));
        }
    }

    fn decide(&mut self, id: SessionId, frame: &client_frame::Body) -> Result<(), Needs> {
        use client_frame::Body;
        let Some(session) = self.sessions.get_mut(&id) else { return Ok(()) };
        match (&session.stage, frame) {
            (Stage::Silent, Body::Hello(hello)) => {
                self.on_hello(id, hello);
                Ok(())
            }
            (Stage::Silent, _) => {
                self.end(id, Code::Protocol, "the first frame must be hello");
                Ok(())
            }
            (_, Body::Hello(_)) => {
                self.end(id, Code::Protocol, "hello was said already");
                Ok(())
            }
            (_, Body::Pong(_)) => Ok(()),
            (_, Body::Ack(ack)) => {
                self.on_ack(id, Seq(ack.seq));
                Ok(())
            }
            (_, Body::Send(send)) => self.on_send(id, send),
            (_, Body::Read(read)) => self.on_read(id, read),
            (_, Body::Change(change)) => self.on_change(id, change),
            (_, Body::Remove(remove)) => self.on_remove(id, remove),
            (_, Body::History(wanted)) => self.on_history(id, wanted),
            (_, Body::Presence(presence)) => self.on_presence(id, presence),
            (_, Body::Watch(watch)) => self.on_watch(id, watch),
            (_, Body::GroupQuery(query)) => self.on_group_query(id, query),
            (_, Body::GroupRequest(request)) => {
                self.on_group_request(id, request);
                Ok(())
            }
            (_, Body::ProfileSave(save)) => {
                self.on_profile_save(id, save);
                Ok(())
            }
            (_, Body::Contacts(contacts)) => self.on_contacts(id, contacts),
            (_, Body::Search(search)) => {
                self.on_search(id, search);
                Ok(())
            }
            (_, Body::PushToken(push)) => {
                self.on_push_token(id, push);
                Ok(())
            }
            (_, Body::RoomEnter(enter)) => self.on_room_enter(id, enter),
            (_, Body::RoomLeave(leave)) => {
                self.leave_room(GroupId(leave.gid), id);
                Ok(())
            }
            (_, Body::Publish(publish)) => self.on_publish(id, publish),
            (_, Body::Unpublish(unpublish)) => {
                self.on_unpublish(id, unpublish);
                Ok(())
            }
            (_, Body::RoomControl(control)) => {
                self.on_room_control(id, control);
                Ok(())
            }
            (_, Body::Call(call)) => self.on_call(id, call),
            (_, Body::Negotiate(negotiate)) => {
                self.on_negotiate(id, negotiate);
                Ok(())
            }
        }
    }

    fn on_malformed(&mut self, id: SessionId, error: &FrameError) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if !session.hear(self.now.instant) {
            return self.end(id, Code::RateLimit, "too many frames");
        }
        match error {
            FrameError::Unknown { field } => {
                self.send(id, server_frame::Body::Unsupported(Unsupported { field: *field }));
            }
            FrameError::TooLarge { .. } => self.end(id, Code::FrameTooLarge, "frame too large"),
            FrameError::Malformed(_) | FrameError::Text => {
                self.end(id, Code::Protocol, "frame cannot be read")
            }
        }
    }

    fn on_drained(&mut self, id: SessionId, bytes: usize) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.queued = session.queued.saturating_sub(bytes);
        self.continue_log(id);
    }

    fn on_stop(&mut self) {
        self.stopping = true;
        self.hook_server(false);
        let sessions: BTreeSet<_> = self.sessions.keys().copied().collect();
        // Not all at one moment: each waits a little longer than the one before, up to a bound.
        let mut rest = Duration::ZERO;
        for session in sessions {
            self.end_for(session, Code::ShuttingDown, "the server is stopping", rest);
            rest = (rest + RETURN_STEP).min(RECONNECT_DELAY_MAX);
        }
    }

    fn on_deadlines(&mut self) {
        while let Some(Reverse((at, id))) = self.deadlines.peek().copied() {
            if at > self.now.instant {
                break;
            }
            self.deadlines.pop();
            let Some(session) = self.sessions.get(&id) else { continue };
            let silent_at = session.heard + SILENCE_MAX;
            let live = session.live();
            let expires = live.and_then(|live| live.expires);
            if matches!(session.stage, Stage::Silent) || silent_at <= self.now.instant {
                self.end(id, Code::Silence, "nothing was heard for too long");
            } else if expires.is_some_and(|expires| expires <= self.now.wall) {
                self.end(id, Code::TokenExpired, "the token has expired");
            } else {
                if let Some(live) = live {
                    // Groups and memberships may have come to their end meanwhile.
                    for room in live.rooms.clone() {
                        self.review_occupant(room, id, false);
                    }
                    self.send(id, server_frame::Body::Ping(Ping { sent: self.now.wall.0 }));
                    self.renew_upload_token(id);
                }
                let ping = self.now.instant + PING_INTERVAL;
                let expiry = expires.map_or(Instant::FAR_FUTURE, |expires| {
                    self.now.instant + Duration::from_millis(expires.0 - self.now.wall.0)
                });
                self.deadlines.push(Reverse((ping.min(silent_at).min(expiry), id)));
            }
        }
    }

    /// Has the store remove what nobody needs, one small step at a time.
    fn sweep(&mut self) {
        let now = self.now.instant;
        let at = *self.sweep_at.get_or_insert(now + SWEEP_INTERVAL);
        if at <= now && !self.is_sweeping && !self.stopping {
            self.is_sweeping = true;
            self.sweep_at = Some(Instant::FAR_FUTURE);
            let request = Request::Sweep { now: self.now.wall, count: SWEEP_ROWS_MAX };
            self.ask(request, Pending::Sweep);
        }
    }

    fn on_swept(&mut self, result: &Result<Reply, StoreError>) {
        self.is_sweeping = false;
        let rest = match result {
            Ok(Reply::Swept(removed)) if *removed >= SWEEP_ROWS_MAX => SWEEP_PAUSE,
            _ => SWEEP_INTERVAL,
        };
        self.sweep_at = Some(self.now.instant + rest);
        if let Err(error) = result {
            self.log(alloc::format!("storage: {error}"));
        }
    }

    // ---- sending -------------------------------------------------------------------------

    /// Sends one frame. A reader too slow for it is hung up and resumes from its log.
    pub(crate) fn send(&mut self, id: SessionId, body: server_frame::Body) {
        self.send_encoded(id, encode_server(body).into());
    }

    /// As [`Hub::send`], for bytes that go to several sessions. What was gathered goes first.
    pub(crate) fn send_encoded(&mut self, id: SessionId, frame: Bytes) {
        self.deliver(id);
        self.transmit(id, frame);
    }

    /// Gathers a new entry for a session that is up to date: what happens at once leaves in one
    /// frame.
    pub(crate) fn gather(&mut self, id: SessionId, seq: Seq, entry: Option<Bytes>) {
        let Some(live) = self.sessions.get_mut(&id).and_then(Session::live_mut) else { return };
        let bytes = entry.as_ref().map_or(0, Bytes::len) + DELIVER_OVERHEAD_BYTES;
        if live.gathered_bytes + bytes > FRAME_BYTES_MAX / 2 {
            self.deliver(id);
        }
        let Some(live) = self.sessions.get_mut(&id).and_then(Session::live_mut) else { return };
        if live.gathered.is_empty() {
            self.undelivered.push(id);
        }
        live.gathered.push((seq, entry));
        live.gathered_bytes += bytes;
        self.counters.deliveries += 1;
    }

    /// Sends what was gathered for a session.
    fn deliver(&mut self, id: SessionId) {
        let Some(live) = self.sessions.get_mut(&id).and_then(Session::live_mut) else { return };
        if live.gathered.is_empty() {
            return;
        }
        live.gathered_bytes = 0;
        let gathered = core::mem::take(&mut live.gathered);
        let entries = gathered.iter().map(|(seq, entry)| (*seq, entry.as_deref()));
        self.transmit(id, encode_deliver(entries).into());
    }

    fn transmit(&mut self, id: SessionId, frame: Bytes) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.queued += frame.len();
        if session.queued > SESSION_SEND_BYTES_MAX {
            self.end(id, Code::TooSlow, "the client reads too slowly");
            return;
        }
        self.outputs.push_back(Output::Send { session: id, frame });
    }

    /// Sends what may be dropped under pressure.
    pub(crate) fn send_droppable(&mut self, id: SessionId, frame: &Bytes) {
        let relaxed =
            |session: &Session| session.queued < SESSION_LOG_BYTES_MAX && session.live().is_some();
        if self.sessions.get(&id).is_some_and(relaxed) {
            self.send_encoded(id, frame.clone());
        }
    }

    /// Says why, closes and forgets.
    pub(crate) fn end(&mut self, id: SessionId, code: Code, reason: &str) {
        self.end_for(id, code, reason, code.retry_after());
    }

    fn end_for(&mut self, id: SessionId, code: Code, reason: &str, retry_after: Duration) {
        self.deliver(id);
        let Some(session) = self.sessions.get(&id) else { return };
        let (code_number, reason) = (code.number(), reason.into());
        let body = if session.live().is_some() || code.may_retry() {
            let retry_after_ms = retry_after.as_millis() as u32;
            server_frame::Body::Goodbye(Goodbye { code: code_number, reason, retry_after_ms })
        } else {
            server_frame::Body::Refused(Refused { code: code_number, reason })
        };
        self.outputs.push_back(Output::Send { session: id, frame: encode_server(body).into() });
        self.outputs.push_back(Output::Close { session: id, code });
        self.forget(id);
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(crate) fn log(&mut self, text: String) {
        self.outputs.push_back(Output::Log { text });
    }

    /// Ends all sessions of a user, or those that use one of these tokens; also those that are
    /// just signing in.
    pub(crate) fn end_sessions_of(
        &mut self,
        uid: Uid,
        tokens: Option<&[TokenId]>,
        code: Code,
        reason: &str,
    ) {
        let candidates = self.online.sessions(uid).iter().copied().chain(self.arriving_of(uid));
        let concerned = candidates.filter(|id| {
            let who = self.sessions.get(id).and_then(Session::who);
            who.is_some_and(|(user, token)| {
                user == uid && tokens.is_none_or(|tokens| tokens.contains(&token))
            })
        });
        for id in concerned.collect::<Vec<_>>() {
            self.end(id, code, reason);
        }
    }

    /// Sessions of a user that are signing in.
    pub(crate) fn arriving_of(&self, uid: Uid) -> impl Iterator<Item = SessionId> {
        let of_user = (uid, SessionId(0))..=(uid, SessionId(u64::MAX));
        self.arriving.range(of_user).map(|(_, id)| *id)
    }

    /// The socket is gone.
    pub(crate) fn forget(&mut self, id: SessionId) {
        let Some(session) = self.sessions.remove(&id) else { return };
        if let Some((uid, _)) = session.who() {
            self.arriving.remove(&(uid, id));
        }
        let Stage::Live(live) = session.stage else { return };
        for room in &live.rooms {
            self.leave_room(*room, id);
        }
        self.leave_call(live.uid, id);
        self.watchers.forget(id);
        if self.online.remove(live.uid, id) {
            self.hook_presence(live.uid, false);
        }
        if live.shown && !self.is_shown(live.uid) {
            self.on_user_offline(live.uid);
        }
    }

    // ---- store ---------------------------------------------------------------------------

    pub(crate) fn ask(&mut self, request: Request, pending: Pending) {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.pending.insert(ticket, pending);
        self.outputs.push_back(Output::Store { ticket, request });
    }

    pub(crate) fn load_for_admin(&mut self, Needs(missing): Needs) {
        for missing in missing {
            self.load(missing, Waiter::Admin);
        }
    }

    /// Loads something a session is going to need; it waits for one answer more.
    pub(crate) fn load_ahead(&mut self, missing: Missing, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.waiting += 1;
            self.load(missing, Waiter::Session(id));
        }
    }

    pub(crate) fn is_loading(&self, missing: &Missing) -> bool {
        self.waiters.contains_key(missing)
    }

    fn load(&mut self, missing: Missing, waiter: Waiter) {
        let waiters = self.waiters.entry(missing.clone()).or_default();
        waiters.push(waiter);
        if waiters.len() == 1 {
            self.ask(missing.request(), Pending::Load(missing));
        }
    }

    fn on_stored(&mut self, ticket: Ticket, result: Result<Reply, StoreError>) {
        let Some(pending) = self.pending.remove(&ticket) else { return };
        match pending {
            Pending::Load(missing) => self.on_loaded(missing, result),
            Pending::Token { session, hello } => self.on_token(session, &hello, result),
            Pending::Device { session, token, key, resume, shown } => {
                self.on_device(session, token, (key, resume, shown), result);
            }
            Pending::Audience { session, flags } => self.on_audience(session, flags, result),
            Pending::Search { session, search } => self.on_found(session, &search, result),
            Pending::Push { session, ticket } => self.on_push_token_saved(session, ticket, result),
            Pending::Memberships { session } => self.on_memberships(session, result),
            Pending::ContactList { session } => self.on_contact_list(session, result),
            Pending::Contacts { session, uid, ticket } => {
                self.on_contacts_saved(session, uid, ticket, result);
            }
            Pending::Append { session, messages } => self.on_appended(session, &messages, result),
            Pending::Refusal { session, id, refusal } => {
                self.on_refusal(session, id, refusal, result);
            }
            Pending::Change(changing) => self.on_change_found(*changing, result),
            Pending::Noted(noted) => self.on_noted(noted, result),
            Pending::Notes(notes) => self.on_notes(&notes, result),
            Pending::Acknowledge { session, notes } => {
                self.on_acknowledged(session, &notes, result);
            }
            Pending::Log { session } => self.on_log(session, result),
            Pending::History { session, ticket, count } => {
                self.on_history_read(session, ticket, count, result);
            }
            Pending::Admin => self.on_admin_stored(result),
            Pending::Uploader { ticket } => self.on_uploader_found(ticket, result),
            Pending::Sweep => self.on_swept(&result),
            Pending::Ready => self.on_ready(result),
            Pending::Schedule => self.on_due(result),
            Pending::Nothing => {
                if let Err(error) = result {
                    self.log(alloc::format!("storage: {error}"));
                }
            }
        }
    }

    fn on_loaded(&mut self, missing: Missing, result: Result<Reply, StoreError>) {
        match result {
            Ok(Reply::User(Some(user))) => self.directory.learn_user(user),
            Ok(Reply::Group(Some((group, members)))) => {
                self.directory.learn_group(group, members);
            }
            Ok(Reply::Blockers(blockers)) => {
                if let Missing::Blockers(uid) = missing {
                    self.directory.learn_blockers(uid, blockers);
                }
            }
            Ok(Reply::App(Some(app))) => {
                let hash = match &missing {
                    Missing::AppToken(hash) => Some(*hash),
                    _ => None,
                };
                self.directory.put_app(app, hash);
            }
            Ok(_) => self.directory.learn_nothing(&missing),
            Err(error) => {
                self.log(alloc::format!("storage: {error}"));
                for waiter in self.waiters.remove(&missing).unwrap_or_default() {
                    match waiter {
                        Waiter::Session(id) => {
                            self.end(id, Code::Storage, "storage failed");
                        }
                        Waiter::Admin => self.on_admin_load_failed(),
                    }
                }
                return;
            }
        }
        for waiter in self.waiters.remove(&missing).unwrap_or_default() {
            match waiter {
                Waiter::Session(id) => self.go_on(id),
                Waiter::Admin => self.on_admin_loaded(),
            }
        }
        let Hub { directory, online, rooms, .. } = self;
        directory.trim(|uid| online.contains(uid), |gid| rooms.contains(gid));
    }

    /// One answer a session waited for is there; with the last one it takes up what is parked.
    pub(crate) fn go_on(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.waiting = session.waiting.saturating_sub(1);
        if session.waiting > 0 {
            return;
        }
        if matches!(session.stage, Stage::Entering(_))
            && let Err(needs) = self.try_welcome(id)
        {
            return self.load_for_session(needs, id);
        }
        while let Some(session) = self.sessions.get_mut(&id)
            && session.waiting == 0
            && let Some(frame) = session.parked.pop_front()
        {
            self.take_frame(id, frame);
        }
    }
}

/// Cuts a list so that each part fits into a frame with room to spare.
pub(crate) fn portions<T: wire::codec::Encode>(items: Vec<T>) -> Vec<Vec<T>> {
    let mut portions = Vec::new();
    let mut bytes = usize::MAX;
    for item in items {
        let len = item.encoded_len() + 4;
        bytes = bytes.saturating_add(len);
        if bytes > FRAME_BYTES_MAX / 2 {
            bytes = len;
            portions.push(Vec::new());
        }
        if let Some(last) = portions.last_mut() {
            last.push(item);
        }
    }
    portions
}
