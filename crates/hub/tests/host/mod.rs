//! A hub with a store in memory and clients that are only frames: what the tests talk to.
#![allow(dead_code)] // Each test file uses its part.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hub::port::admin::{self, Credential, MemberFields, Operation, TokenWish, UserFields};
use hub::port::apps::AppRequest;
use hub::port::hook::Told;
use hub::port::media;
use hub::port::store::{Request, StoreError};
use hub::{Hub, Input, Output};
use sim::memory_store::{MemoryStore, SyncStore};
use wire::code::Code;
use wire::frame::decode_server;
use wire::id::{GroupId, SessionId, Ticket};
use wire::limits::FRAME_BYTES_MAX;
use wire::proto::*;
use wire::time::{Duration, Instant, Now, Timestamp};

pub struct Host {
    pub hub: Hub,
    pub store: MemoryStore,
    pub now: Now,
    pub media: Vec<media::Command>,
    /// To which loop each of them went.
    pub loops: Vec<media::LoopId>,
    pub answers: Vec<Result<admin::Reply, admin::AdminError>>,
    /// Requests that change something fail while this is set.
    pub disk_full: bool,
    /// These read nothing that is sent to them.
    pub stuck: BTreeSet<SessionId>,
    pub log: Vec<String>,
    pub hooks: Vec<hub::port::hook::Hook>,
    pub pushes: Vec<hub::port::push::Push>,
    pub recalled: Vec<(GroupId, wire::id::Uid, wire::id::MessageId)>,
    pub places: Vec<hub::port::hook::Place>,
    /// Messages that the backend is asked about.
    pub questions: Vec<hub::port::hook::Question>,
    pub uploaders: Vec<Result<Option<hub::Uploader>, StoreError>>,
    /// Requests whose answers are held back.
    held: Option<VecDeque<(Ticket, Request)>>,
    received: BTreeMap<SessionId, Vec<server_frame::Body>>,
    closed: BTreeMap<SessionId, Code>,
    next_session: u64,
    pub app: Credential,
    entropy: u16,
}

pub const TOKEN_OF_NOBODY: &str = "1x1x00000000000000000000000000000000";

impl Host {
    /// A server with one app.
    pub fn new() -> Host {
        let mut host = Host {
            hub: Hub::new(1),
            store: MemoryStore::default(),
            now: Now { instant: Instant(0), wall: Timestamp(1_700_000_000_000) },
            media: Vec::new(),
            loops: Vec::new(),
            answers: Vec::new(),
            disk_full: false,
            stuck: BTreeSet::new(),
            log: Vec::new(),
            hooks: Vec::new(),
            pushes: Vec::new(),
            recalled: Vec::new(),
            places: Vec::new(),
            questions: Vec::new(),
            uploaders: Vec::new(),
            held: None,
            received: BTreeMap::new(),
            closed: BTreeMap::new(),
            next_session: 0,
            app: Credential::AdminKey,
            entropy: 0,
        };
        match host.admin(Operation::AppAdd { name: "demo".into() }) {
            Ok(admin::Reply::App { token, .. }) => {
                host.app = Credential::App(hub::hash_token(&token));
            }
            other => panic!("no app: {other:?}"),
        }
        host
    }

    /// Handles an input and performs all outputs.
    pub fn input(&mut self, input: Input) {
        self.hub.handle_input(self.now, input);
        loop {
            match self.hub.poll_output() {
                Output::Wait(_) => break,
                Output::Send { session, frame } => {
                    let body = decode_server(&frame).expect("the hub sends frames");
                    self.received.entry(session).or_default().push(body);
                    assert!(frame.len() <= FRAME_BYTES_MAX, "a frame has {} bytes", frame.len());
                    if !self.stuck.contains(&session) {
                        let bytes = frame.len();
                        self.hub.handle_input(self.now, Input::Drained { session, bytes });
                    }
                }
                Output::Close { session, code } => {
                    self.closed.insert(session, code);
                }
                Output::Store { ticket, request } => match &mut self.held {
                    Some(held) => held.push_back((ticket, request)),
                    None => self.perform(ticket, request),
                },
                Output::AdminReply { result, .. } => self.answers.push(result),
                Output::Media(at, command) => {
                    self.loops.push(at);
                    self.media.push(command);
                }
                Output::RemoveFiles { names } => self.input(Input::FilesRemoved { names }),
                Output::Recalled { gid, sender, id } => self.recalled.push((gid, sender, id)),
                Output::Push(push) => self.pushes.push(*push),
                Output::Hook(told) => match *told {
                    Told::Event(hook) => self.hooks.push(hook),
                    Told::Place(place) => self.places.push(place),
                    Told::Over(_) => self.hooks.clear(),
                },
                Output::Intercept(question) => self.questions.push(*question),
                Output::Uploader { who, .. } => self.uploaders.push(who),
                Output::SignIn { .. } => {}
                Output::Log { text } => self.log.push(text),
            }
        }
    }

    fn perform(&mut self, ticket: Ticket, request: Request) {
        let answer = self.answer(ticket, request);
        self.hub.handle_input(self.now, answer);
    }

    fn answer(&mut self, ticket: Ticket, request: Request) -> Input {
        let changes = matches!(
            request,
            Request::Append { .. }
                | Request::AppendNotes { .. }
                | Request::Acknowledge { .. }
                | Request::OfApp(AppRequest::Use { .. })
        );
        let result = match self.disk_full && changes {
            true => Err(StoreError::Failed("disk full".into())),
            false => self.store.perform(request),
        };
        Input::Stored { ticket, result }
    }

    /// From now on the store takes requests and answers none.
    pub fn hold_store(&mut self) {
        self.held = Some(VecDeque::new());
    }

    /// What the store has not answered yet.
    pub fn held(&self) -> Vec<&Request> {
        self.held.iter().flatten().map(|(_, request)| request).collect()
    }

    /// The store answers the next request it holds.
    pub fn answer_next(&mut self) {
        let next = self.held.as_mut().and_then(VecDeque::pop_front);
        let (ticket, request) = next.expect("a request is held");
        self.perform(ticket, request);
        self.input(Input::Tick);
    }

    /// The store performs all it holds in order; its answers come in the opposite one.
    pub fn answer_from_the_last(&mut self) {
        let held = self.held.take().expect("the store holds requests");
        let answers: Vec<_> =
            held.into_iter().map(|(t, request)| self.answer(t, request)).collect();
        for answer in answers.into_iter().rev() {
            self.input(answer);
        }
    }

    /// The store answers all it holds, and whatever follows at once.
    pub fn release_store(&mut self) {
        while self.held.as_ref().is_some_and(|held| !held.is_empty()) {
            self.answer_next();
        }
        self.held = None;
    }

    pub fn advance(&mut self, rest: Duration) {
        self.now.instant = self.now.instant + rest;
        self.now.wall = self.now.wall.after(rest);
        self.input(Input::Tick);
    }

    /// kill -9 and start again: only what the store has is left.
    pub fn restart(&mut self) {
        self.hub = Hub::new(2);
        self.received.clear();
        // It asks what is scheduled.
        self.input(Input::Tick);
    }

    // ---- backend -------------------------------------------------------------------------

    pub fn admin(&mut self, operation: Operation) -> Result<admin::Reply, admin::AdminError> {
        let credential = self.app.clone();
        self.admin_as(credential, operation)
    }

    pub fn admin_as(
        &mut self,
        credential: Credential,
        operation: Operation,
    ) -> Result<admin::Reply, admin::AdminError> {
        self.ask(credential, Ok(operation));
        self.answers.pop().expect("every operation is answered")
    }

    /// Asks for an operation whose answer comes later, into `answers`.
    pub fn admin_later(&mut self, operation: Operation) {
        self.ask(self.app.clone(), Ok(operation));
    }

    /// Asks with whatever the HTTP side has read.
    pub fn ask(&mut self, credential: Credential, operation: Result<Operation, admin::AdminError>) {
        self.entropy = self.entropy.wrapping_add(1);
        let mut entropy = [self.entropy as u8; 64];
        entropy[..2].copy_from_slice(&self.entropy.to_le_bytes());
        let call = admin::Call { credential, operation, entropy };
        self.input(Input::Admin { ticket: Ticket(1), call });
    }

    /// Adds a user and gives its token.
    pub fn user(&mut self, address: &str) -> String {
        self.user_with(address, UserFields::default(), 60)
    }

    pub fn user_with(&mut self, address: &str, fields: UserFields, expiry_minutes: u32) -> String {
        let token = Some(TokenWish { app: "web".into(), any_app: false, expiry_minutes });
        let operation = Operation::UserAdd { address: address.into(), fields, token };
        match self.admin(operation) {
            Ok(admin::Reply::User { token: Some(issued), .. }) => issued.token,
            other => panic!("no user: {other:?}"),
        }
    }

    /// Adds a group with these members and flags.
    pub fn group(&mut self, flags: u32, members: &[&str]) -> GroupId {
        let fields = admin::GroupFields { flags: Some(flags), ..Default::default() };
        let members = members.iter().map(|member| member.to_string()).collect();
        let rights = MemberFields::default();
        match self.admin(Operation::GroupAdd { fields, members, rights }) {
            Ok(admin::Reply::Group { group, .. }) => group.gid,
            other => panic!("no group: {other:?} {:?}", self.log),
        }
    }

    pub fn rights(&mut self, gid: GroupId, member: &str, given: u32, denied: u32) {
        let rights = MemberFields { given, denied, ..Default::default() };
        let members = vec![member.to_string()];
        self.admin(Operation::MembersEdit { gid, members, rights }).expect("the member is edited");
    }

    // ---- clients -------------------------------------------------------------------------

    pub fn open(&mut self) -> SessionId {
        self.next_session += 1;
        let session = SessionId(self.next_session);
        let remote = core::net::IpAddr::from([127, 0, 0, 1]);
        self.input(Input::Opened { session, remote });
        session
    }

    pub fn hello(&mut self, session: SessionId, token: &str, device: u8, resume: Option<u64>) {
        let hello = Hello {
            token: token.into(),
            app: "web".into(),
            device: vec![device; 16],
            resume,
            version: "test".into(),
            ..Hello::default()
        };
        self.frame(session, client_frame::Body::Hello(hello));
    }

    /// Opens a session that has its log up to `seq`, from browser 1.
    pub fn resume(&mut self, token: &str, seq: u64) -> (SessionId, Welcome) {
        let session = self.open();
        self.hello(session, token, 1, Some(seq));
        let welcome = self.peek(session).iter().find_map(|body| match body {
            server_frame::Body::Welcome(welcome) => Some(welcome.clone()),
            _ => None,
        });
        (session, welcome.expect("a welcome"))
    }

    pub fn close(&mut self, session: SessionId) {
        self.input(Input::Closed { session });
    }

    /// Opens a session and signs in from browser 1.
    pub fn sign_in(&mut self, token: &str) -> SessionId {
        self.sign_in_from(token, 1)
    }

    pub fn sign_in_from(&mut self, token: &str, device: u8) -> SessionId {
        let session = self.open();
        self.hello(session, token, device, None);
        assert_eq!(self.closed(session), None, "signing in failed");
        session
    }

    pub fn frame(&mut self, session: SessionId, frame: client_frame::Body) {
        self.input(Input::Frame { session, frame });
    }

    pub fn send(&mut self, session: SessionId, to: &str, id: u64, text: &str) {
        self.send_to(session, target::To::Address(to.into()), id, text, None);
    }

    pub fn send_to(
        &mut self,
        session: SessionId,
        to: target::To,
        id: u64,
        text: &str,
        expiry: Option<u32>,
    ) {
        let content = Content { body: text.as_bytes().to_vec().into(), ..Content::default() };
        let send = Send {
            id,
            to: Some(Target { to: Some(to) }),
            flags: 3,
            expiry,
            content: Some(content),
            ..Send::default()
        };
        self.frame(session, client_frame::Body::Send(send));
    }

    pub fn ack(&mut self, session: SessionId, seq: u64) {
        self.frame(session, client_frame::Body::Ack(Ack { seq, ..Ack::default() }));
    }

    /// What came since the last look.
    pub fn received(&mut self, session: SessionId) -> Vec<server_frame::Body> {
        self.received.remove(&session).unwrap_or_default()
    }

    /// What came since the last look, without taking it.
    pub fn peek(&self, session: SessionId) -> &[server_frame::Body] {
        self.received.get(&session).map_or(&[], Vec::as_slice)
    }

    /// Watches somebody; what the server says of it.
    pub fn watch(&mut self, session: SessionId, address: &str) -> Profile {
        self.received(session);
        let watch = Watch { addresses: vec![address.into()], groups: vec![] };
        self.frame(session, client_frame::Body::Watch(watch));
        self.profiles(session).remove(0)
    }

    /// Profiles told since the last look.
    pub fn profiles(&mut self, session: SessionId) -> Vec<Profile> {
        let frames = self.received(session).into_iter();
        let users = frames.filter_map(|body| match body {
            server_frame::Body::Profiles(profiles) => Some(profiles.users),
            _ => None,
        });
        users.flatten().collect()
    }

    /// Presences told since the last look: of whom, and which.
    pub fn presences(&mut self, session: SessionId) -> Vec<(String, u32)> {
        let frames = self.received(session).into_iter();
        let told = frames.filter_map(|body| match body {
            server_frame::Body::Presence(presence) => Some((presence.from, presence.presence)),
            _ => None,
        });
        told.collect()
    }

    /// Group changes in the log since the last look.
    pub fn group_changes(&mut self, session: SessionId) -> Vec<GroupChange> {
        let entries = self.entries(session).into_iter();
        let changes = entries.filter_map(|(_, body)| match body {
            entry::Body::Group(change) => Some(change),
            _ => None,
        });
        changes.collect()
    }

    /// Message statuses in the log since the last look: id to status.
    pub fn statuses(&mut self, session: SessionId) -> Vec<(u64, u32)> {
        let entries = self.entries(session).into_iter();
        let reports = entries.filter_map(|(_, body)| match body {
            entry::Body::Status(report) => Some((report.id, report.status)),
            _ => None,
        });
        reports.collect()
    }

    pub fn closed(&self, session: SessionId) -> Option<Code> {
        self.closed.get(&session).copied()
    }

    /// Log entries that came since the last look.
    pub fn entries(&mut self, session: SessionId) -> Vec<(u64, entry::Body)> {
        let frames = self.received(session).into_iter();
        let delivered = frames.filter_map(|body| match body {
            server_frame::Body::Deliver(deliver) => Some(deliver.entries),
            _ => None,
        });
        let entries = delivered.flatten();
        entries.filter_map(|entry| Some((entry.seq, entry.entry?.body?))).collect()
    }

    /// Texts of the messages that came since the last look.
    pub fn texts(&mut self, session: SessionId) -> Vec<String> {
        let messages = self.entries(session).into_iter().filter_map(|(_, body)| match body {
            entry::Body::Message(message) => message.content,
            _ => None,
        });
        messages.map(|content| String::from_utf8_lossy(&content.body).into_owned()).collect()
    }

    /// Accepted and rejected messages since the last look: id to status.
    pub fn answers(&mut self, session: SessionId) -> Vec<(u64, u32)> {
        let frames = self.received(session).into_iter();
        let answers = frames.filter_map(|body| match body {
            server_frame::Body::Accepted(accepted) => Some((accepted.id, wire::status::SENT)),
            server_frame::Body::Rejected(rejected) => Some((rejected.id, rejected.status)),
            _ => None,
        });
        answers.collect()
    }
}
