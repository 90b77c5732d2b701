//! The hub itself: takes inputs apart, keeps the parts, hands out the outputs.
//!
//! What comes from sessions is taken apart in `frames` and leaves by `sending`; decisions stand in the
//! files named for them (`signin`, `messaging`, `delivery`, `presence`, `contacts`, `rooms`,
//! `operations`, …), each a set of methods of [`Hub`] over the parts below. A decision that needs
//! what is not in memory changes nothing and says what it [`Needs`]; its frame is parked in the
//! session, so a session's frames keep their order.

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, BinaryHeap, VecDeque};
use alloc::vec::Vec;
use core::cmp::Reverse;
use hashbrown::HashMap;
use wire::code::Code;
use wire::id::{DeviceKey, GroupId, MessageId, Seq, SessionId, Ticket, Uid};
use wire::limits::{SWEEP_INTERVAL, SWEEP_PAUSE, SWEEP_ROWS_MAX};
use wire::time::{Duration, Instant, Now};

use crate::app_operations::AppRates;
use crate::calls::Calls;
use crate::changes::{Changing, Noted};
use crate::classes::ClassRates;
use crate::directory::{Directory, Missing, Needs};
use crate::files::Leftovers;
use crate::group_requests::WrongPins;
use crate::guards::Guards;
use crate::hooks::{Hooked, SeenMessage};
use crate::intercept::Judged;
use crate::lobby::Lobby;
use crate::messaging::{Consumed, Refusal};
use crate::nearby::Nearby;
use crate::operations::Operations;
use crate::port::apps::{AppReply, AppRequest, Used};
use crate::port::personal::{PersonalRequest, StoredFile};
use crate::port::store::{NewMessage, Note, Reply, Request, StoreError, User};
use crate::presence::Watchers;
use crate::push::{Pushed, Waking};
use crate::relay::Relay;
use crate::rooms::Rooms;
use crate::schedule::Schedule;
use crate::session::{Online, Session, Stage};
use crate::upload::{UploadKey, Uploader};
use crate::usage::Usage;
use crate::user_operations::Otps;
use crate::{Input, Output};

/// The server's decisions. See the crate's page.
#[derive(Debug)]
pub struct Hub {
    pub(crate) sessions: HashMap<SessionId, Session>,
    pub(crate) online: Online,
    /// Sessions whose user is known and who are not live yet.
    pub(crate) arriving: BTreeSet<(Uid, SessionId)>,
    pub(crate) directory: Directory,
    pub(crate) watchers: Watchers,
    /// Questions for contacts who see somebody online, so far.
    pub(crate) audiences_asked: u64,
    pub(crate) nearby: Nearby,
    pub(crate) rooms: Rooms,
    pub(crate) calls: Calls,
    pub(crate) operations: Operations,
    pub(crate) wrong_pins: WrongPins,
    pub(crate) lobby: Lobby,
    /// Who is being made a member by what it has done.
    pub(crate) entering: BTreeSet<(GroupId, Uid)>,
    /// Who got the last message of a group whose members take turns.
    pub(crate) turns: HashMap<GroupId, Uid>,
    pub(crate) otps: Otps,
    pub(crate) hooked: Hooked,
    /// What waits for a verdict.
    pub(crate) judged: HashMap<Ticket, Judged>,
    pub(crate) pushed: Pushed,
    pub(crate) app_rates: AppRates,
    pub(crate) usage: Usage,
    pub(crate) class_rates: ClassRates,
    pub(crate) schedule: Schedule,
    pub(crate) guards: Guards,
    pub(crate) stopping: bool,
    pub(crate) upload_key: Option<UploadKey>,
    pub(crate) relay: Option<Relay>,
    /// Browsers that may be signed in with one token.
    pub(crate) token_sessions: usize,
    pub(crate) counters: Counters,
    /// The time of the input that is being handled.
    pub(crate) now: Now,
    pub(crate) outputs: VecDeque<Output>,
    /// Sessions with entries that are gathered for one frame.
    pub(crate) undelivered: Vec<SessionId>,
    pending: HashMap<Ticket, Pending>,
    /// Who waits for something that is being loaded.
    pub(crate) waiters: HashMap<Missing, Vec<Waiter>>,
    next_ticket: u64,
    /// When to look at a session again: one entry each.
    pub(crate) deadlines: BinaryHeap<Reverse<(Instant, SessionId)>>,
    /// When the store is swept again; `None` before the first input.
    sweep_at: Option<Instant>,
    pub(crate) leftovers: Leftovers,
    is_sweeping: bool,
}

/// What was done, for the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages stored and accepted, each once.
    pub accepted: u64,
    /// Log entries given to sessions.
    pub deliveries: u64,
    /// Entries to rooms, and streams, that were refused because the media server was full.
    pub rooms_refused: u64,
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
    /// Who sees the user of this session online.
    Audience {
        session: SessionId,
        asked: u64,
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
        consumed: Vec<Consumed>,
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
        seq: Seq,
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
    Waking(Box<Waking>),
    StatusHook(SeenMessage),
    Admin,
    Uploader {
        ticket: Ticket,
        begins: bool,
    },
    UploaderApp {
        ticket: Ticket,
        begins: bool,
        user: User,
    },
    FilesSize {
        ticket: Ticket,
        who: Uploader,
    },
    Used(Vec<Used>),
    Sweep,
    Expired {
        of_all: bool,
    },
    Leftovers,
    Ready,
    Schedule,
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiter {
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
            nearby: Nearby::default(),
            watchers: Watchers::default(),
            audiences_asked: 0,
            rooms: Rooms::new(epoch),
            calls: Calls::new(epoch),
            operations: Operations::default(),
            wrong_pins: WrongPins::default(),
            lobby: Lobby::default(),
            entering: BTreeSet::new(),
            turns: HashMap::new(),
            otps: Otps::default(),
            hooked: Hooked::default(),
            judged: HashMap::new(),
            pushed: Pushed::default(),
            app_rates: AppRates::new(0, 0),
            usage: Usage::default(),
            class_rates: ClassRates::default(),
            schedule: Schedule::default(),
            guards: Guards::default(),
            stopping: false,
            upload_key: None,
            relay: None,
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
            leftovers: Leftovers::default(),
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
            Input::Uploader { ticket, credential, begins } => {
                self.on_uploader(ticket, &credential, begins);
            }
            Input::PushGone { device, token } => self.on_push_gone(device, token),
            Input::Verdict { ticket, verdict } => self.on_verdict(ticket, verdict),
            Input::Filed { uid, name, size } => {
                if let Ok(Some(user)) = self.directory.user(uid) {
                    self.use_bytes(user.aid, size, true);
                }
                let file = StoredFile { name, size, ts: now.wall };
                let request = PersonalRequest::Filed { uid, file };
                self.ask(Request::Personal(request), Pending::Nothing);
            }
            Input::FilesRemoved { names } => self.on_files_removed(names),
            Input::Media(event) => self.on_media(event),
            Input::Ready => self.ask(Request::OfApp(AppRequest::List), Pending::Ready),
            Input::Tick => {}
            Input::Stop => self.on_stop(),
        }
        self.on_deadlines();
        self.on_call_deadlines();
        self.on_room_deadlines();
        self.on_hook_deadlines();
        self.sweep();
        self.look_for_leftovers();
        self.write_usage(self.stopping);
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
            let wait = session
                .min(self.schedule.deadline())
                .min(self.calls.deadline())
                .min(self.rooms.deadline())
                .min(self.usage.deadline())
                .min(self.hooked.deadline())
                .min(self.leftovers.deadline());
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

    /// Has the store remove what nobody needs, one small step at a time.
    fn sweep(&mut self) {
        let now = self.now.instant;
        let at = *self.sweep_at.get_or_insert(now + SWEEP_INTERVAL);
        if at <= now && !self.is_sweeping && !self.stopping {
            self.is_sweeping = true;
            self.sweep_at = Some(Instant::FAR_FUTURE);
            self.look_for_expired(None);
            let request = Request::Sweep { now: self.now.wall, count: SWEEP_ROWS_MAX };
            self.ask(request, Pending::Sweep);
        }
    }

    fn on_swept(&mut self, result: &Result<Reply, StoreError>) {
        self.is_sweeping = false;
        if matches!(result, Ok(Reply::Swept(1..))) {
            self.leftovers.expect(self.now.instant);
        }
        let rest = match result {
            Ok(Reply::Swept(removed)) if *removed >= SWEEP_ROWS_MAX => SWEEP_PAUSE,
            _ => SWEEP_INTERVAL,
        };
        self.sweep_within(rest);
        if let Err(error) = result {
            self.log(alloc::format!("storage: {error}"));
        }
    }

    /// Not later than so, if it is time already.
    pub(crate) fn sweep_within(&mut self, rest: Duration) {
        let at = self.now.instant + rest;
        self.sweep_at = Some(self.sweep_at.map_or(at, |sooner| sooner.min(at)));
    }

    // ---- store ---------------------------------------------------------------------------

    pub(crate) fn ask(&mut self, request: Request, pending: Pending) {
        if matches!(request, Request::ChangeMessage { .. } | Request::DeleteUser { .. }) {
            self.leftovers.expect(self.now.instant);
        }
        let ticket = self.new_ticket();
        self.pending.insert(ticket, pending);
        self.outputs.push_back(Output::Store { ticket, request });
    }

    pub(crate) fn new_ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
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

    pub(crate) fn load(&mut self, missing: Missing, waiter: Waiter) {
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
            Pending::Audience { session, asked } => self.on_audience(session, asked, result),
            Pending::Search { session, search } => self.on_found(session, &search, result),
            Pending::StatusHook(seen) => self.on_seen_message(seen, result),
            Pending::Waking(waking) => self.on_push_tokens(*waking, result),
            Pending::Push { session, ticket } => self.on_push_token_saved(session, ticket, result),
            Pending::Memberships { session } => self.on_memberships(session, result),
            Pending::ContactList { session } => self.on_contact_list(session, result),
            Pending::Contacts { session, uid, ticket } => {
                self.on_contacts_saved(session, uid, ticket, result);
            }
            Pending::Append { session, messages, consumed } => {
                self.on_appended(session, &messages, &consumed, result);
            }
            Pending::Refusal { session, id, refusal } => {
                self.on_refusal(session, id, refusal, result);
            }
            Pending::Change(changing) => self.on_change_found(*changing, result),
            Pending::Noted(noted) => self.on_noted(noted, result),
            Pending::Notes(notes) => self.on_notes(&notes, result),
            Pending::Acknowledge { session, seq, notes } => {
                self.on_acknowledged(session, seq, &notes, result);
            }
            Pending::Log { session } => self.on_log(session, result),
            Pending::History { session, ticket, count } => {
                self.on_history_read(session, ticket, count, result);
            }
            Pending::Admin => self.on_admin_stored(result),
            Pending::Uploader { ticket, begins } => {
                self.on_uploader_found(ticket, begins, result);
            }
            Pending::UploaderApp { ticket, begins, user } => {
                self.on_uploader_app(ticket, begins, &user, result);
            }
            Pending::FilesSize { ticket, who } => self.on_files_size(ticket, who, result),
            Pending::Used(used) => self.on_used(used, result),
            Pending::Sweep => self.on_swept(&result),
            Pending::Expired { of_all } => self.on_expired(of_all, result),
            Pending::Leftovers => self.on_leftovers(result),
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
            Ok(Reply::OfApp(AppReply::Sent(written))) => {
                if let Missing::Sent(aid, month) = missing {
                    self.learn_sent(aid, month, written);
                }
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
