//! The one task that owns the hub: inputs in, outputs performed, the one deadline armed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hub::port::admin::{AdminError, Call, Credential, Letter, Operation, Reply};
use hub::port::hook::{Question, Verdict};
use hub::port::media;
use hub::port::store::{DeviceId, StoreError};
use hub::{Counters, Guards, Hub, Input, Live, Output, Person, UploadKey};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use wire::frame::FrameError;
use wire::id::{AppId, GroupId, SessionId, Ticket, Uid};
use wire::limits::{HUB_INPUTS_MAX, STORE_REQUESTS_MAX};
use wire::mask;
use wire::proto::{Content, client_frame};
use wire::time::Timestamp;

use crate::clock::Clock;
use crate::library::Library;
use crate::media::{MediaHandle, Translation};
use crate::metrics::Metrics;
use crate::orders::{OrderSender, ToSocket};
use crate::push::PushService;
use crate::recording::Recorder;
use crate::store::{Sqlite, Store, StoreReply};
use crate::webhook::{Answer, Webhooks};

/// A year: how long the reply of a backend waits, as any message of a backend that says nothing of it.
const REPLY_EXPIRY_S: u32 = 31_536_000;

/// Whose a token is, `None` when it is worth nothing.
pub type Uploader = Result<Option<hub::Uploader>, StoreError>;

/// What sockets and backends tell the hub.
#[derive(Debug)]
pub enum ToHub {
    /// A socket opened. What is sent to it is bounded by the hub, in bytes.
    Opened(SessionId, IpAddr, OrderSender),
    /// It sent frames, or what is none.
    Frames(SessionId, Vec<Result<client_frame::Body, FrameError>>),
    /// Bytes have left.
    Drained(SessionId, usize),
    /// It is gone.
    Closed(SessionId),
    /// Somebody wants to upload with this token.
    Uploader(String, bool, oneshot::Sender<Uploader>),
    /// These files are gone that nothing names any more.
    FilesRemoved(Vec<String>),
    /// Somebody has uploaded a file: its name and length.
    Filed(Uid, String, u64),
    /// A recording of this room, begun then, cannot go on.
    RecordingFailed(GroupId, Timestamp),
    /// The operator wants to see who is there.
    Live(AppId, oneshot::Sender<Live>),
    /// Push messages cannot be sent there any more.
    PushGone(DeviceId, String),
    /// What the backend of an app says of a message.
    Verdict(Ticket, Verdict),
    /// A backend asks.
    Admin(Box<Call>, oneshot::Sender<Result<Reply, AdminError>>),
    /// The server stops.
    Stop,
}

/// How everybody else reaches the hub.
#[derive(Clone, Debug)]
pub struct HubHandle {
    inputs: mpsc::Sender<ToHub>,
    sessions: Arc<AtomicU64>,
    is_stopping: Arc<AtomicBool>,
    disk_fails: Arc<AtomicBool>,
}

impl HubHandle {
    /// A number for a new socket.
    pub fn new_session(&self) -> SessionId {
        SessionId(self.sessions.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Tells the hub; waits while it is busy. `false` when it has stopped.
    pub async fn tell(&self, input: ToHub) -> bool {
        self.inputs.send(input).await.is_ok()
    }

    /// Asks whose an upload token or user token is; `Ok(None)` when it is worth nothing.
    pub async fn uploader(&self, credential: String, begins: bool) -> Uploader {
        let stopped = || StoreError::Failed("the server is stopping".into());
        let (answer, answered) = oneshot::channel();
        let asked = self.inputs.send(ToHub::Uploader(credential, begins, answer)).await;
        asked.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// A file of somebody is there.
    pub async fn filed(&self, uid: Uid, name: &impl ToString, size: u64) {
        self.tell(ToHub::Filed(uid, name.to_string(), size)).await;
    }

    /// Whether new sessions are welcome.
    pub fn is_serving(&self) -> bool {
        !self.is_stopping.load(Ordering::Relaxed) && !self.inputs.is_closed()
    }

    /// Whether what has to be written cannot be.
    pub fn disk_fails(&self) -> bool {
        self.disk_fails.load(Ordering::Relaxed)
    }

    /// Has it say goodbye to all sessions and end.
    pub async fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.tell(ToHub::Stop).await;
    }

    /// Who is there of an app; `None` when the hub has stopped.
    pub async fn live(&self, aid: AppId) -> Option<Live> {
        let (answer, answered) = oneshot::channel();
        self.inputs.send(ToHub::Live(aid, answer)).await.ok()?;
        answered.await.ok()
    }

    /// Asks for an operation; `None` when the hub has stopped.
    pub async fn admin(&self, call: Call) -> Option<Result<Reply, AdminError>> {
        let (answer, answered) = oneshot::channel();
        self.inputs.send(ToHub::Admin(Box::new(call), answer)).await.ok()?;
        answered.await.ok()
    }
}

/// What the operator has set, as far as the hub and what it tells are concerned.
pub struct Settings {
    /// Browsers that may be signed in with one token.
    pub token_sessions: usize,
    /// Who signs in from where is in the log.
    pub logs_sign_ins: bool,
    /// Operations of one app, a second and at once.
    pub operation_rate: (u32, u32),
    /// Tells backends.
    pub webhooks: Webhooks,
    /// Wakes browsers.
    pub push: PushService,
    /// Media of groups.
    pub library: Library,
    /// Writes recordings.
    pub recorder: Recorder,
    /// Files that nothing has ever named go after a while.
    pub orphans: bool,
    /// Days after which files go, 0 = never.
    pub files_days: u32,
    /// What no app may have more of.
    pub guards: Guards,
    /// Signs upload tokens.
    pub upload_key: UploadKey,
    /// What sessions are told of relays.
    pub relay: Option<hub::Relay>,
}

/// Starts the hub on an open database and a running media server. The task ends when it was told to
/// stop and all its sockets are gone; the media server ends with it.
pub fn start(
    database: Sqlite,
    media: MediaHandle,
    media_events: mpsc::Receiver<sfu::Event>,
    metrics: Metrics,
    settings: Settings,
) -> (HubHandle, tokio::task::JoinHandle<()>) {
    let (inputs, waiting) = mpsc::channel(HUB_INPUTS_MAX);
    let own = inputs.downgrade();
    let handle = HubHandle {
        inputs,
        sessions: Arc::default(),
        is_stopping: Arc::default(),
        disk_fails: database.fails(),
    };
    let mut task = HubTask::new(
        own,
        database,
        media,
        media_events,
        metrics,
        (settings.webhooks, settings.push, settings.library, settings.recorder),
    );
    task.logs_sign_ins = settings.logs_sign_ins;
    let (per_second, burst) = settings.operation_rate;
    task.hub = task
        .hub
        .with_token_sessions(settings.token_sessions)
        .with_operation_rate(per_second, burst)
        .with_upload_key(settings.upload_key)
        .with_files(settings.orphans, settings.files_days)
        .with_guards(settings.guards)
        .with_relay(settings.relay);
    (handle, tokio::spawn(task.run(waiting)))
}

struct HubTask {
    hub: Hub,
    /// The way in; that everybody else has gone is seen all the same.
    own: mpsc::WeakSender<ToHub>,
    clock: Clock,
    store: Store,
    stored: mpsc::UnboundedReceiver<Vec<StoreReply>>,
    /// Requests the store has not answered.
    outstanding: usize,
    sockets: HashMap<SessionId, OrderSender>,
    asking: HashMap<Ticket, oneshot::Sender<Result<Reply, AdminError>>>,
    uploaders: HashMap<Ticket, oneshot::Sender<Uploader>>,
    media: MediaHandle,
    media_events: mpsc::Receiver<sfu::Event>,
    /// How busy each loop is and whether it is full, as the hub was last told.
    media_loads: Vec<(u32, bool)>,
    translation: Translation,
    next_ticket: u64,
    deadline: Option<Instant>,
    stopping: bool,
    /// What the metrics know of.
    counted: Counters,
    webhooks: Webhooks,
    push: PushService,
    library: Library,
    recorder: Recorder,
    metrics: Metrics,
    /// Who signs in from where is in the log.
    logs_sign_ins: bool,
}

impl HubTask {
    fn new(
        own: mpsc::WeakSender<ToHub>,
        database: Sqlite,
        media: MediaHandle,
        media_events: mpsc::Receiver<sfu::Event>,
        metrics: Metrics,
        (webhooks, push, library, recorder): (Webhooks, PushService, Library, Recorder),
    ) -> HubTask {
        // Bounded by `outstanding`: there is never more in it than was asked.
        let (answers, stored) = mpsc::unbounded_channel();
        let counted = metrics.clone();
        let store = Store::start(database, move |replies, took| {
            counted.commit(replies.len(), took);
            // Nobody listens only when the server is gone.
            let _ = answers.send(replies);
        });
        let clock = Clock::start();
        let epoch = (clock.now().wall.0 / 1000) as u32;
        HubTask {
            hub: Hub::new(epoch),
            own,
            clock,
            store,
            stored,
            outstanding: 0,
            sockets: HashMap::new(),
            asking: HashMap::new(),
            uploaders: HashMap::new(),
            media,
            media_events,
            media_loads: Vec::new(),
            translation: Translation::default(),
            next_ticket: 0,
            deadline: None,
            stopping: false,
            counted: Counters::default(),
            webhooks,
            push,
            library,
            recorder,
            metrics,
            logs_sign_ins: false,
        }
    }

    async fn run(mut self, mut inputs: mpsc::Receiver<ToHub>) {
        const BATCH: usize = 256;
        self.input(Input::Ready);
        self.perform_all();
        let mut batch = Vec::with_capacity(BATCH);
        while !(self.stopping && self.sockets.is_empty() && self.outstanding == 0) {
            let deadline = self.deadline;
            let wait = async move {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(replies) = self.stored.recv() => {
                    self.outstanding -= replies.len();
                    for (ticket, result) in replies {
                        self.input(Input::Stored { ticket, result });
                    }
                }
                Some(event) = self.media_events.recv() => {
                    if let Some(event) = self.translation.event(event) {
                        self.input(Input::Media(event));
                    }
                }
                count = inputs.recv_many(&mut batch, BATCH),
                    if self.outstanding < STORE_REQUESTS_MAX =>
                {
                    if count == 0 {
                        break;
                    }
                    self.look_at_media();
                    for input in batch.drain(..) {
                        self.take(input);
                    }
                }
                () = wait => self.input(Input::Tick),
            }
            // First: who hears of something may ask at once how often it was done.
            self.count();
            self.perform_all();
        }
    }

    /// Whoever wants to enter a room finds out how busy the loops are now.
    fn look_at_media(&mut self) {
        let told = std::mem::replace(&mut self.media_loads, self.media.loads());
        for at in 0..self.media_loads.len() {
            let (percent, full) = self.media_loads[at];
            if told.get(at) != Some(&(percent, full)) {
                let at = media::LoopId(at as u32);
                self.input(Input::Media(media::Event::Load { at, percent, full }));
            }
        }
    }

    fn input(&mut self, input: Input) {
        self.hub.handle_input(self.clock.now(), input);
    }

    fn take(&mut self, input: ToHub) {
        match input {
            ToHub::Opened(session, remote, socket) => {
                self.sockets.insert(session, socket);
                self.input(Input::Opened { session, remote });
            }
            ToHub::Frames(session, frames) => {
                for frame in frames {
                    self.input(match frame {
                        Ok(frame) => Input::Frame { session, frame },
                        Err(error) => Input::Malformed { session, error },
                    });
                }
            }
            ToHub::Drained(session, bytes) => self.input(Input::Drained { session, bytes }),
            ToHub::Closed(session) => {
                self.sockets.remove(&session);
                self.input(Input::Closed { session });
            }
            ToHub::Admin(call, answer) => {
                self.next_ticket += 1;
                let ticket = Ticket(self.next_ticket);
                self.asking.insert(ticket, answer);
                self.input(Input::Admin { ticket, call: *call });
            }
            ToHub::RecordingFailed(room, begun) => {
                self.input(Input::Media(media::Event::RecordingFailed { room, begun }));
            }
            ToHub::PushGone(device, token) => self.input(Input::PushGone { device, token }),
            ToHub::Verdict(ticket, verdict) => self.input(Input::Verdict { ticket, verdict }),
            ToHub::Live(aid, answer) => {
                // The console may have gone away meanwhile.
                let _ = answer.send(self.hub.live(self.clock.now(), aid));
            }
            ToHub::Uploader(credential, begins, answer) => {
                self.next_ticket += 1;
                let ticket = Ticket(self.next_ticket);
                self.uploaders.insert(ticket, answer);
                self.input(Input::Uploader { ticket, credential, begins });
            }
            ToHub::FilesRemoved(names) => self.input(Input::FilesRemoved { names }),
            ToHub::Filed(uid, name, size) => self.input(Input::Filed { uid, name, size }),
            ToHub::Stop => {
                self.stopping = true;
                self.input(Input::Stop);
            }
        }
    }

    fn perform_all(&mut self) {
        let mut not_taken = Vec::new();
        loop {
            match self.hub.poll_output() {
                Output::Send { session, frame } => self.socket(session, ToSocket::Frame(frame)),
                Output::Close { session, code } => self.socket(session, ToSocket::Close(code)),
                Output::Store { ticket, request } => {
                    self.outstanding += 1;
                    self.store.ask(ticket, request);
                }
                Output::AdminReply { ticket, result } => {
                    match result.is_ok() {
                        true => self.metrics.operations.inc(),
                        false => self.metrics.refusals.inc(),
                    };
                    if let Some(answer) = self.asking.remove(&ticket) {
                        // The backend may have gone away meanwhile.
                        let _ = answer.send(result);
                    }
                }
                Output::Uploader { ticket, who } => {
                    if let Some(answer) = self.uploaders.remove(&ticket) {
                        // The browser may have gone away meanwhile.
                        let _ = answer.send(who);
                    }
                }
                Output::Media(_, media::Command::Record { stream, into: Some(into) })
                    if !self.recorder.begin(sfu::StreamId(stream.0), into.clone()) => {}
                Output::Media(at, command) => {
                    for command in self.translation.commands(command) {
                        let refused = self.media.command(at.0 as usize, command).err();
                        not_taken.extend(refused.and_then(|it| self.translation.not_taken(&it)));
                    }
                }
                Output::Push(push) => self.push.take(*push),
                Output::Recalled { gid, sender, id } => {
                    let library = self.library.clone();
                    tokio::spawn(async move { library.recalled(gid, sender, id.get()).await });
                }
                Output::RemoveFiles { names } => {
                    let (library, own) = (self.library.clone(), self.own.clone());
                    tokio::spawn(async move {
                        let gone = library.remove_files(names).await;
                        if let Some(hub) = own.upgrade() {
                            let _ = hub.send(ToHub::FilesRemoved(gone)).await;
                        }
                    });
                }
                Output::Intercept(question) => self.ask_backend(*question),
                Output::Hook(told) => self.webhooks.take(*told),
                Output::SignIn { remote, result } if self.logs_sign_ins => match result {
                    Ok(Person { aid, uid, address }) => {
                        tracing::info!(target: "sign_in", %remote, %aid, %uid, address, "signed in");
                    }
                    Err(code) => tracing::info!(target: "sign_in", %remote, ?code, "refused"),
                },
                Output::SignIn { .. } => {}
                Output::Log { text } => tracing::info!("{text}"),
                Output::Wait(deadline) => {
                    self.deadline = self.clock.deadline(deadline);
                    let Some(event) = not_taken.pop() else { break };
                    self.input(Input::Media(event));
                }
            }
        }
    }

    /// Asks the backend of an app about a message, and has the hub wait for nothing.
    fn ask_backend(&mut self, question: Question) {
        let (interceptor, own) = (self.webhooks.interceptor().clone(), self.own.clone());
        tokio::spawn(async move {
            let Answer { verdict, reply } = interceptor.ask(&question).await;
            let Some(hub) = own.upgrade() else { return };
            // In this order: the reply comes behind what it replies to.
            let told = hub.send(ToHub::Verdict(question.ticket, verdict)).await;
            if let (Ok(()), Some(reply)) = (told, reply) {
                let Some(call) = reply_to(&question, reply) else { return };
                // Nobody waits for what comes of it.
                let (answer, _) = oneshot::channel();
                let _ = hub.send(ToHub::Admin(call.into(), answer)).await;
            }
        });
    }

    fn count(&mut self) {
        let now = self.hub.counters();
        let before = std::mem::replace(&mut self.counted, now);
        self.metrics.accepted.inc_by(now.accepted - before.accepted);
        self.metrics.deliveries.inc_by(now.deliveries - before.deliveries);
        self.metrics.rooms_refused.inc_by(now.rooms_refused - before.rooms_refused);
        self.metrics.sessions.set(self.hub.session_count() as u64);
        self.metrics.rooms.set(self.hub.room_count() as u64);
    }

    fn socket(&mut self, session: SessionId, order: ToSocket) {
        if let Some(socket) = self.sockets.get(&session) {
            socket.send(order);
        }
    }
}

/// What a backend wants the sender of a message to be told, as a message of who that was sent to; `None`
/// when that is nobody.
fn reply_to(question: &Question, reply: String) -> Option<Call> {
    if question.to.uid == Uid(0) {
        return None;
    }
    let letter = Letter {
        from: question.to.address.clone(),
        to: [question.message.from.clone()].into(),
        gid: None,
        kind: question.message.r#type,
        flags: mask::message::DEFAULT,
        expiry_s: REPLY_EXPIRY_S,
        when_s: 0,
        forced: false,
        content: Content { body: reply.into_bytes().into(), ..Content::default() },
    };
    let mut entropy = [0; 64];
    getrandom::fill(&mut entropy).ok()?;
    let credential = Credential::ForApp(question.aid);
    Some(Call { credential, operation: Ok(Operation::Message(letter)), entropy })
}
