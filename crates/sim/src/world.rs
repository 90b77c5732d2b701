//! The world: pages, a server, the network between them, and time, which jumps from one event
//! to the next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use client::event::{ConnectionStatus, Event as Told};
use client::message::{Content, Conversation, Draft, Message};
use client::{Client, Output as ClientOutput, Scope, SessionFilter, SocketId};
use hub::port::admin::{
    Call, Credential, GroupFields, MemberFields, Operation, Reply as AdminReply,
};
use hub::port::admin::{TokenWish, UserFields};
use hub::port::store as server_store;
use hub::{Hub, Input as HubInput, Output as HubOutput};
use wire::code::Code;
use wire::frame::decode_client;
use wire::id::{DeviceKey, GroupId, MessageId, SessionId, Ticket};
use wire::time::{Instant, Now, Timestamp};

use crate::chance::Chance;
use crate::memory_store::{MemoryStore, SyncStore};

/// Number of a page's place: one browser profile, through all its reloads.
pub type Place = usize;

/// Bugs that the checks have to find; none in the product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Planted {
    /// No bug.
    #[default]
    None,
    /// The server stores a message again when it is sent again.
    NoDedupe,
    /// The server says "stored" before it is.
    AcceptBeforeStoring,
    /// The browser's store forgets how far the log was taken.
    ForgetCursor,
    /// The browser's store says "stored" before it is.
    BrowserStoresLate,
}

/// What a page saw, for the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// A new life of the page begins.
    Reloaded,
    /// A message callback.
    Message {
        /// Received, not sent.
        incoming: bool,
        /// Who sent it.
        sender: String,
        /// Its id.
        id: MessageId,
        /// Its text.
        text: String,
    },
    /// A status callback.
    Status {
        /// Of which own message.
        id: MessageId,
        /// The message's status now.
        status: u32,
    },
    /// A connection callback.
    Connection(ConnectionStatus),
}

/// A page in a browser profile.
pub struct Page {
    /// Whose.
    pub user: String,
    /// Everything it saw, over all its lives.
    pub seen: Vec<Seen>,
    /// What is on its disk.
    pub disk: client::memory_store::MemoryStore,
    /// The page itself, `None` while the tab is closed.
    pub client: Option<Client>,
    token: String,
    key: DeviceKey,
    /// Grows with each reload: late events of a former life are nobody's.
    life: u32,
    socket: Option<(SocketId, SessionId)>,
    /// The next write fails.
    failing_writes: u32,
    /// Conversation to read with receipts, when the page reads.
    reads: Option<Conversation>,
}

enum Event {
    HubTick,
    Hub {
        life: u32,
        input: Box<HubInput>,
    },
    ServerStore {
        life: u32,
        ticket: Ticket,
        request: Box<server_store::Request>,
    },
    PageTick {
        place: Place,
        life: u32,
    },
    Page {
        place: Place,
        life: u32,
        input: Box<client::Input>,
    },
    PageStore {
        place: Place,
        life: u32,
        ticket: Ticket,
        request: Box<client::port::store::Request>,
    },
}

/// See the module.
pub struct World {
    /// All chance.
    pub chance: Chance,
    /// The pages.
    pub pages: Vec<Page>,
    /// What is on the server's disk.
    pub disk: MemoryStore,
    /// Messages taken by a page's `send` and told to it: what may not be lost.
    pub promised: Vec<Promised>,
    /// The bug of this world.
    pub planted: Planted,
    /// Milliseconds since the world began.
    pub time: u64,
    hub: Option<Hub>,
    hub_life: u32,
    app: Credential,
    next_session: u64,
    sessions: BTreeMap<SessionId, Link>,
    events: BinaryHeap<Reverse<(u64, u64)>>,
    bodies: BTreeMap<u64, Event>,
    next_event: u64,
    answers: Vec<Result<AdminReply, hub::port::admin::AdminError>>,
    entropy: u64,
    /// Requests of the server's store that fail.
    failing_server_writes: u32,
    last_store: u64,
}

/// A message that was taken.
#[derive(Clone, Debug)]
pub struct Promised {
    /// The page it was sent from.
    pub place: Place,
    /// Its id.
    pub id: MessageId,
    /// Where to.
    pub to: Conversation,
    /// Its text.
    pub text: String,
}

/// A connection: bytes arrive in order, until it is cut.
struct Link {
    place: Place,
    life: u32,
    socket: SocketId,
    up: u64,
    down: u64,
    cut: bool,
}

const START: u64 = 1_700_000_000_000;

impl World {
    /// A server with one app and nobody in it.
    pub fn new(seed: u64) -> World {
        let mut world = World {
            chance: Chance::new(seed),
            pages: Vec::new(),
            disk: MemoryStore::default(),
            promised: Vec::new(),
            planted: Planted::None,
            time: 0,
            hub: Some(Hub::new(1)),
            hub_life: 0,
            app: Credential::AdminKey,
            next_session: 0,
            sessions: BTreeMap::new(),
            events: BinaryHeap::new(),
            bodies: BTreeMap::new(),
            next_event: 0,
            answers: Vec::new(),
            entropy: 0,
            failing_server_writes: 0,
            last_store: 0,
        };
        match world.admin(Operation::AppAdd { name: "sim".into() }) {
            AdminReply::App { token, .. } => world.app = Credential::App(hub::hash_token(&token)),
            other => panic!("no app: {other:?}"),
        }
        world
    }

    // ---- backend -------------------------------------------------------------------------

    /// Performs an operation of the backend and waits for its answer.
    pub fn admin(&mut self, operation: Operation) -> AdminReply {
        self.entropy += 1;
        let mut entropy = [0; 64];
        entropy[..8].copy_from_slice(&self.entropy.to_le_bytes());
        let call = Call { credential: self.app.clone(), operation: Ok(operation), entropy };
        self.hub_input(HubInput::Admin { ticket: Ticket(1), call });
        while self.answers.is_empty() {
            assert!(self.step(), "the backend is never answered");
        }
        self.answers.remove(0).unwrap_or_else(|error| panic!("the backend is refused: {error:?}"))
    }

    /// Adds a user with a page that is started. Several pages of one user are several devices.
    pub fn page(&mut self, user: &str) -> Place {
        let place = self.pages.len();
        let operation = Operation::UserAdd {
            address: user.into(),
            fields: UserFields::default(),
            token: Some(TokenWish { app: format!("app{place}"), any_app: true, expiry_minutes: 0 }),
        };
        let AdminReply::User { token: Some(issued), .. } = self.admin(operation) else {
            panic!("no token");
        };
        self.pages.push(Page {
            user: user.into(),
            seen: Vec::new(),
            disk: Default::default(),
            client: None,
            token: issued.token,
            key: DeviceKey([place as u8 + 1; 16]),
            life: 0,
            socket: None,
            failing_writes: 0,
            reads: None,
        });
        self.open_tab(place);
        // From its first sign-in on a device gets everything.
        let online = Seen::Connection(ConnectionStatus::Online);
        while !self.pages[place].seen.contains(&online) {
            assert!(self.step(), "the page never comes online");
        }
        place
    }

    /// Adds a group with these members.
    pub fn group(&mut self, members: &[&str]) -> GroupId {
        let members = members.iter().map(|member| member.to_string()).collect();
        let (fields, rights) = (GroupFields::default(), MemberFields::default());
        match self.admin(Operation::GroupAdd { fields, members, rights }) {
            AdminReply::Group { group, .. } => group.gid,
            other => panic!("no group: {other:?}"),
        }
    }

    // ---- what people and fate do -----------------------------------------------------------

    /// The page sends a text; nothing happens while its tab is closed.
    pub fn send(&mut self, place: Place, to: Conversation, text: &str) {
        let now = self.now();
        let Some(client) = self.pages[place].client.as_mut() else { return };
        let content = Content { body: text.as_bytes().to_vec().into(), ..Content::default() };
        let draft = Draft {
            to: to.clone(),
            id: 0,
            kind: 0,
            flags: 3,
            expiry: None,
            content,
            announce: true,
        };
        let Ok(sent) = client.send(now, draft) else { return };
        let id = sent.message.key.id;
        self.promised.push(Promised { place, id, to, text: text.into() });
        self.drain_page(place);
    }

    /// The page opens a conversation and reads it, with receipts.
    pub fn read(&mut self, place: Place, conversation: Conversation) {
        self.pages[place].reads = Some(conversation);
        self.open_conversation(place);
        self.drain_page(place);
    }

    /// The page tells that it types.
    pub fn type_to(&mut self, place: Place, to: &Conversation) {
        let now = self.now();
        if let Some(client) = self.pages[place].client.as_mut() {
            client.send_presence(now, to, wire::mask::presence::TYPING, 0, 0);
            self.drain_page(place);
        }
    }

    /// The connection breaks. Either side may notice late; what was on its way is gone.
    pub fn cut(&mut self, place: Place) {
        let Some((socket, session)) = self.pages[place].socket.take() else { return };
        let (noticed_up, noticed_down) =
            (self.chance.between(1, 5_000), self.chance.between(1, 5_000));
        if let Some(link) = self.sessions.get_mut(&session) {
            link.cut = true;
        }
        let life = self.pages[place].life;
        let closed = client::Input::SocketClosed { socket, code: None };
        self.at(noticed_down, Event::Page { place, life, input: Box::new(closed) });
        let life = self.hub_life;
        let closed = HubInput::Closed { session };
        self.at(noticed_up, Event::Hub { life, input: Box::new(closed) });
    }

    /// The tab is killed: what was not on its disk is gone.
    pub fn kill_tab(&mut self, place: Place) {
        self.cut(place);
        self.pages[place].client = None;
        self.pages[place].life += 1;
    }

    /// A new tab on the same disk.
    pub fn open_tab(&mut self, place: Place) {
        if self.pages[place].client.is_some() {
            return;
        }
        let now = self.now();
        let mut client = Client::new(self.chance.draw());
        let page = &mut self.pages[place];
        page.life += 1;
        page.seen.push(Seen::Reloaded);
        client.set_token(now, page.token.clone());
        client.set_database(Some("sim".into()));
        client.start(now).expect("there is a token");
        client.handle_input(now, client::Input::Device(page.key));
        page.client = Some(client);
        self.open_conversation(place);
        self.drain_page(place);
    }

    /// kill -9: only what is on disk is left. It starts again at once.
    pub fn restart_server(&mut self) {
        self.hub_life += 1;
        self.hub = Some(Hub::new(self.hub_life + 1));
        for (session, link) in std::mem::take(&mut self.sessions) {
            if self.pages[link.place].socket == Some((link.socket, session)) {
                self.pages[link.place].socket = None;
                let closed = client::Input::SocketClosed { socket: link.socket, code: None };
                let (place, life) = (link.place, link.life);
                let noticed = self.chance.between(1, 2_000);
                self.at(noticed, Event::Page { place, life, input: Box::new(closed) });
            }
        }
    }

    /// The next writes of the server's store fail.
    pub fn fail_server_writes(&mut self, count: u32) {
        self.failing_server_writes += count;
    }

    /// The next writes of this browser fail.
    pub fn fail_page_writes(&mut self, place: Place, count: u32) {
        self.pages[place].failing_writes += count;
    }

    /// Lets this much time pass.
    pub fn pass(&mut self, ms: u64) {
        let end = self.time + ms;
        while self.events.peek().is_some_and(|next| next.0.0 <= end) {
            self.step();
        }
        self.time = end;
    }

    /// Everything works again, and enough time passes for everybody to get everything.
    pub fn heal(&mut self) {
        self.failing_server_writes = 0;
        for place in 0..self.pages.len() {
            self.pages[place].failing_writes = 0;
            self.open_tab(place);
        }
        self.pass(180_000);
    }

    // ---- time ----------------------------------------------------------------------------

    fn now(&self) -> Now {
        Now { instant: Instant(self.time), wall: Timestamp(START + self.time) }
    }

    fn at(&mut self, after: u64, event: Event) {
        self.next_event += 1;
        self.events.push(Reverse((self.time + after, self.next_event)));
        self.bodies.insert(self.next_event, event);
    }

    /// Performs the next event; `false` when there is none.
    fn step(&mut self) -> bool {
        let Some(Reverse((time, number))) = self.events.pop() else { return false };
        self.time = self.time.max(time);
        match self.bodies.remove(&number).expect("every event has a body") {
            Event::HubTick => self.hub_input(HubInput::Tick),
            Event::Hub { life, input } => {
                if life == self.hub_life {
                    self.hub_input(*input);
                }
            }
            Event::ServerStore { life, ticket, request } => {
                if life == self.hub_life {
                    self.perform_for_server(ticket, *request);
                }
            }
            Event::PageTick { place, life } => self.page_input(place, life, client::Input::Tick),
            Event::Page { place, life, input } => self.page_input(place, life, *input),
            Event::PageStore { place, life, ticket, request } => {
                self.perform_for_page(place, life, ticket, *request);
            }
        }
        true
    }

    // ---- server --------------------------------------------------------------------------

    fn hub_input(&mut self, input: HubInput) {
        let now = self.now();
        let Some(hub) = self.hub.as_mut() else { return };
        hub.handle_input(now, input);
        loop {
            let Some(hub) = self.hub.as_mut() else { return };
            match hub.poll_output() {
                HubOutput::Wait(deadline) => {
                    if deadline != Instant::FAR_FUTURE {
                        self.at(deadline.0.saturating_sub(self.time).max(1), Event::HubTick);
                    }
                    break;
                }
                HubOutput::Send { session, frame } => {
                    let bytes = frame.len();
                    self.down(session, |socket| client::Input::SocketFrame {
                        socket,
                        bytes: frame.to_vec(),
                    });
                    if let Some(hub) = self.hub.as_mut() {
                        hub.handle_input(now, HubInput::Drained { session, bytes });
                    }
                }
                HubOutput::Close { session, code } => self.close(session, code),
                HubOutput::Store { ticket, request } => self.ask_server_store(ticket, request),
                HubOutput::AdminReply { result, .. } => self.answers.push(result),
                HubOutput::Media(_) | HubOutput::Log { .. } => {}
            }
        }
    }

    fn close(&mut self, session: SessionId, code: Code) {
        self.down(session, |socket| client::Input::SocketClosed { socket, code: Some(code) });
        if let Some(link) = self.sessions.get_mut(&session) {
            link.cut = true;
            if self.pages[link.place].socket == Some((link.socket, session)) {
                self.pages[link.place].socket = None;
            }
        }
    }

    /// Requests are performed one after the other, each a while after it was asked.
    fn ask_server_store(&mut self, ticket: Ticket, request: server_store::Request) {
        if self.planted == Planted::AcceptBeforeStoring
            && let server_store::Request::Append { to, .. } = &request
        {
            let places = to.iter().map(|uid| (*uid, wire::id::Seq(0))).collect();
            let reply = Ok(server_store::Reply::Appended(places));
            let input = HubInput::Stored { ticket, result: reply };
            let life = self.hub_life;
            self.at(1, Event::Hub { life, input: Box::new(input) });
        }
        let due = self.last_store.max(self.time + self.chance.between(1, 40));
        self.last_store = due;
        let life = self.hub_life;
        let event = Event::ServerStore { life, ticket, request: Box::new(request) };
        self.at(due - self.time, event);
    }

    fn perform_for_server(&mut self, ticket: Ticket, mut request: server_store::Request) {
        use server_store::Request;
        let writes = matches!(
            request,
            Request::Append { .. } | Request::AppendNotes { .. } | Request::Acknowledge { .. }
        );
        if self.planted == Planted::NoDedupe
            && let Request::Append { message, .. } = &mut request
        {
            self.disk.forget_message(message.sender, message.id);
        }
        let result = if writes && self.failing_server_writes > 0 {
            self.failing_server_writes -= 1;
            Err(server_store::StoreError::Failed("invented".into()))
        } else {
            self.disk.perform(request)
        };
        // A crash may come between the disk and the answer.
        let life = self.hub_life;
        let input = Box::new(HubInput::Stored { ticket, result });
        let after = self.chance.between(0, 3);
        self.at(after, Event::Hub { life, input });
    }

    // ---- network -------------------------------------------------------------------------

    fn connect(&mut self, place: Place, socket: SocketId) {
        let life = self.pages[place].life;
        let reached = !self.chance.one_in(8);
        let after = self.chance.between(1, 200);
        if !reached {
            let input = Box::new(client::Input::SocketClosed { socket, code: None });
            return self.at(after, Event::Page { place, life, input });
        }
        self.next_session += 1;
        let session = SessionId(self.next_session);
        let (up, down) = (self.time + after, self.time + after);
        self.sessions.insert(session, Link { place, life, socket, up, down, cut: false });
        self.pages[place].socket = Some((socket, session));
        let remote = std::net::IpAddr::from([127, 0, 0, 1]);
        self.up(session, HubInput::Opened { session, remote });
        self.down(session, |socket| client::Input::SocketOpened { socket });
    }

    fn up(&mut self, session: SessionId, input: HubInput) {
        let delay = self.chance.between(1, 60);
        let Some(link) = self.sessions.get_mut(&session).filter(|link| !link.cut) else { return };
        link.up = link.up.max(self.time + delay);
        let (after, life) = (link.up - self.time, self.hub_life);
        self.at(after, Event::Hub { life, input: Box::new(input) });
    }

    fn down(&mut self, session: SessionId, input: impl FnOnce(SocketId) -> client::Input) {
        let delay = self.chance.between(1, 60);
        let Some(link) = self.sessions.get_mut(&session).filter(|link| !link.cut) else { return };
        link.down = link.down.max(self.time + delay);
        let (after, place, life) = (link.down - self.time, link.place, link.life);
        let input = Box::new(input(link.socket));
        self.at(after, Event::Page { place, life, input });
    }

    // ---- pages ---------------------------------------------------------------------------

    fn open_conversation(&mut self, place: Place) {
        let page = &mut self.pages[place];
        let (Some(client), Some(conversation)) = (&mut page.client, page.reads.clone()) else {
            return;
        };
        let mut filter = SessionFilter::new(Scope::Conversation(conversation));
        filter.receipts = true;
        let session = client.open_session(filter);
        client.read(session, 1_000);
    }

    fn page_input(&mut self, place: Place, life: u32, input: client::Input) {
        let now = self.now();
        let page = &mut self.pages[place];
        if page.life != life {
            return;
        }
        if let client::Input::SocketClosed { socket, .. } = &input
            && page.socket.is_some_and(|(current, _)| current == *socket)
        {
            page.socket = None;
        }
        if let Some(client) = page.client.as_mut() {
            client.handle_input(now, input);
            self.drain_page(place);
        }
    }

    fn drain_page(&mut self, place: Place) {
        let life = self.pages[place].life;
        loop {
            let Some(client) = self.pages[place].client.as_mut() else { return };
            match client.poll_output() {
                ClientOutput::Wait(deadline) => {
                    if deadline != Instant::FAR_FUTURE {
                        let after = deadline.0.saturating_sub(self.time).max(1);
                        self.at(after, Event::PageTick { place, life });
                    }
                    break;
                }
                ClientOutput::Connect { socket } => self.connect(place, socket),
                ClientOutput::Transmit { socket, bytes } => {
                    if let Some((current, session)) = self.pages[place].socket
                        && current == socket
                    {
                        let frame = decode_client(&bytes).expect("clients send frames");
                        self.up(session, HubInput::Frame { session, frame });
                    }
                }
                ClientOutput::Disconnect { socket } => {
                    if self.pages[place].socket.is_some_and(|(current, _)| current == socket)
                        && let Some((_, session)) = self.pages[place].socket.take()
                    {
                        self.up(session, HubInput::Closed { session });
                        if let Some(link) = self.sessions.get_mut(&session) {
                            link.cut = true;
                        }
                    }
                }
                ClientOutput::OpenStore { .. } => {
                    let opened = self.pages[place].disk.open();
                    let input = Box::new(client::Input::StoreOpened(Ok(opened)));
                    let after = self.chance.between(1, 30);
                    self.at(after, Event::Page { place, life, input });
                }
                ClientOutput::Store { ticket, request } => {
                    self.ask_page_store(place, life, ticket, request);
                }
                ClientOutput::Peer(_) => {}
                ClientOutput::Event(told) => self.pages[place].see(*told),
            }
        }
    }

    fn ask_page_store(
        &mut self,
        place: Place,
        life: u32,
        ticket: Ticket,
        request: client::port::store::Request,
    ) {
        if self.planted == Planted::BrowserStoresLate {
            let result = Ok(client::port::store::Reply::Done);
            let input = Box::new(client::Input::Stored { ticket, result });
            if matches!(request, client::port::store::Request::Commit { .. }) {
                self.at(1, Event::Page { place, life, input });
            }
        }
        // In order: the store of one page is asked at the same moment or later.
        let after = self.chance.between(1, 3) + 10;
        let event = Event::PageStore { place, life, ticket, request: Box::new(request) };
        let _ = after;
        self.at(12, event);
    }

    fn perform_for_page(
        &mut self,
        place: Place,
        life: u32,
        ticket: Ticket,
        mut request: client::port::store::Request,
    ) {
        use client::port::store::{Request, StoreError, Write};
        let page = &mut self.pages[place];
        if page.life != life {
            return;
        }
        if self.planted == Planted::ForgetCursor
            && let Request::Commit { writes, .. } = &mut request
        {
            writes.retain(|write| !matches!(write, Write::Cursor(_)));
        }
        let is_commit = matches!(request, Request::Commit { .. });
        let result = if is_commit && page.failing_writes > 0 {
            page.failing_writes -= 1;
            Err(StoreError::Full)
        } else {
            Ok(page.disk.perform(request))
        };
        let input = Box::new(client::Input::Stored { ticket, result });
        let after = self.chance.between(0, 3);
        self.at(after, Event::Page { place, life, input });
    }
}

impl Page {
    fn see(&mut self, told: Told) {
        let seen = match told {
            Told::Message { message, .. } => Seen::Message {
                incoming: message.key.incoming,
                sender: message.key.sender.clone(),
                id: message.key.id,
                text: text(&message),
            },
            Told::MessageStatus { message, .. } => {
                Seen::Status { id: message.key.id, status: message.status }
            }
            Told::Connection { status, .. } => Seen::Connection(status),
            _ => return,
        };
        self.seen.push(seen);
    }

    /// All messages on its disk.
    pub fn stored(&self) -> Vec<Message> {
        use client::port::store::{Reply, Request};
        let request = Request::Read { conversation: None, from: None, count: u32::MAX, fifo: true };
        match self.disk.clone().perform(request) {
            Reply::Messages(messages) => messages,
            other => panic!("no messages: {other:?}"),
        }
    }
}

/// The text of a message.
pub fn text(message: &Message) -> String {
    String::from_utf8_lossy(&message.content.body).into_owned()
}
