//! A page, a browser and a server in miniature: the client's parts driven through its ports, with
//! time that is invented.

mod calls;
mod changes;
mod connection;
mod groups;
mod messages;
mod people;
mod profiles;
mod reading;
mod rooms;
mod tabs;
mod transfers;

use alloc::string::String;
use alloc::vec::Vec;
use wire::frame::{decode_client, encode_server};
use wire::id::{DeviceKey, Ticket};
use wire::proto::{self, client_frame, server_frame};
use wire::time::{Instant, Now, Timestamp};

use crate::event::{ConnectionStatus, Event, RoomEvent};
use crate::memory_store::MemoryStore;
use crate::message::{Content, Conversation, Draft, MessageKey};
use crate::port::store::{Request, StoreError};
use crate::port::{call, peer, tab, transfer};
use crate::{Client, Input, Output, SocketId};

const TOKEN: &str = "1x1xee494e98fce6e6b4";

/// Type of the messages that the page's filter does not let through.
const UNWANTED: u32 = 99;

/// The host: performs what the client wants and writes it down.
struct Page {
    client: Client,
    store: MemoryStore,
    /// The store answers at once.
    answers: bool,
    /// Requests that are held back.
    held: Vec<(Ticket, Request)>,
    /// There may be other tabs; this one is the first.
    shares: bool,
    /// The next so many commits fail.
    failing: u32,
    now: Now,
    deadline: Instant,
    socket: Option<SocketId>,
    connects: usize,
    events: Vec<Event>,
    frames: Vec<client_frame::Body>,
    commands: Vec<peer::Command>,
    call_commands: Vec<(u32, call::Command)>,
    transfers: Vec<transfer::Command>,
}

fn search(text: &str, wanted: &str) -> bool {
    text.to_lowercase().contains(&wanted.to_lowercase())
}

impl Page {
    fn new() -> Page {
        Page::with_store(MemoryStore::default())
    }

    fn with_store(store: MemoryStore) -> Page {
        let mut client = Client::new(7, search);
        let now = Now { instant: Instant(1_000), wall: Timestamp(1_700_000_000_000) };
        assert!(client.set_app("com.example".into()));
        assert!(client.set_token(now, TOKEN.into()));
        client.handle_input(now, Input::Device(DeviceKey([1; 16])));
        Page {
            client,
            store,
            answers: true,
            held: Vec::new(),
            shares: false,
            failing: 0,
            now,
            deadline: Instant::FAR_FUTURE,
            socket: None,
            connects: 0,
            events: Vec::new(),
            frames: Vec::new(),
            commands: Vec::new(),
            call_commands: Vec::new(),
            transfers: Vec::new(),
        }
    }

    /// Signed in as user 1, `me`.
    fn online() -> Page {
        let mut page = Page::new();
        page.start();
        page.welcome(0);
        page.forget();
        page
    }

    fn start(&mut self) {
        self.client.start(self.now).expect("there is a token");
        self.run();
    }

    fn run(&mut self) {
        loop {
            match self.client.poll_output() {
                Output::Connect { socket } => {
                    self.socket = Some(socket);
                    self.connects += 1;
                }
                Output::Transmit { bytes, .. } => {
                    self.frames.push(decode_client(&bytes).expect("a frame of ours"));
                }
                Output::Disconnect { .. } => self.socket = None,
                Output::OpenStore { .. } => {
                    let opened = Input::StoreOpened(Ok(self.store.open()));
                    self.client.handle_input(self.now, opened);
                }
                Output::Store { ticket, request } => match self.answers {
                    true => {
                        let stored = self.perform(ticket, request);
                        self.client.handle_input(self.now, stored);
                    }
                    false => self.held.push((ticket, request)),
                },
                Output::Peer(command) => self.commands.push(command),
                Output::Call(call, command) => self.call_commands.push((call, command)),
                Output::Transfer(command) => self.transfers.push(command),
                Output::Tab(tab::Command::Join { .. }) => {
                    let inputs: &[_] = match self.shares {
                        true => &[tab::Input::Joined, tab::Input::Elected],
                        false => &[tab::Input::Alone],
                    };
                    for input in inputs {
                        self.client.handle_input(self.now, Input::Tab(input.clone()));
                    }
                }
                Output::Tab(_) => {}
                Output::Event(event) if *event == Event::Filter => {
                    let unwanted = |message: &crate::message::Message| message.kind == UNWANTED;
                    let dropped = self.client.unfiltered().into_iter().filter(unwanted);
                    let dropped: Vec<_> = dropped.map(|message| message.key).collect();
                    self.client.pass(&dropped);
                    // As the driver does after each call of the page.
                    self.client.handle_input(self.now, Input::Tick);
                }
                Output::Event(event) => self.events.push(*event),
                Output::Wait(until) => {
                    self.deadline = until;
                    return;
                }
            }
        }
    }

    fn input(&mut self, input: Input) {
        self.client.handle_input(self.now, input);
        self.run();
    }

    fn perform(&mut self, ticket: Ticket, request: Request) -> Input {
        let commit = matches!(request, Request::Commit { .. });
        let result = match commit && self.failing > 0 {
            true => Err(StoreError::Full),
            false => Ok(self.store.perform(request)),
        };
        self.failing -= u32::from(result.is_err());
        Input::Stored { ticket, result }
    }

    /// What the store held back is performed and answered, in order, and what that leads to.
    fn answer(&mut self) {
        while !self.held.is_empty() {
            let (ticket, request) = self.held.remove(0);
            let stored = self.perform(ticket, request);
            self.input(stored);
        }
        self.answers = true;
    }

    fn server(&mut self, body: server_frame::Body) {
        let socket = self.socket.expect("a socket");
        self.input(Input::SocketFrame { socket, bytes: encode_server(body) });
    }

    fn open_socket(&mut self) {
        let socket = self.socket.expect("a socket");
        self.input(Input::SocketOpened { socket });
    }

    fn welcome(&mut self, resumed_at: u64) {
        self.open_socket();
        self.server(server_frame::Body::Welcome(proto::Welcome {
            uid: 1,
            address: "me".into(),
            now: 1_700_000_000_000,
            upload_token: "up.1".into(),
            resumed_at,
            head: resumed_at,
            ..proto::Welcome::default()
        }));
    }

    fn lose_connection(&mut self) {
        let socket = self.socket.expect("a socket");
        self.input(Input::SocketClosed { socket, code: None });
    }

    /// Time goes on to the moment the client waits for.
    fn wait(&mut self) {
        assert_ne!(self.deadline, Instant::FAR_FUTURE, "the client waits for nothing");
        self.now.instant = self.deadline.max(self.now.instant);
        self.input(Input::Tick);
    }

    fn deliver(&mut self, entries: Vec<proto::LogEntry>) {
        self.server(server_frame::Body::Deliver(proto::Deliver { entries }));
    }

    fn send(&mut self, text: &str) -> u64 {
        self.send_with(text, None)
    }

    fn send_with(&mut self, text: &str, expiry: Option<u32>) -> u64 {
        let sent = self.client.send(self.now, draft(text, expiry)).expect("it is taken");
        self.input(Input::Tick);
        sent.message.key.id.get()
    }

    /// Sent in the turn in which more follows.
    fn queue(&mut self, text: &str) -> MessageKey {
        self.client.send(self.now, draft(text, None)).expect("it is taken").message.key
    }

    /// A key is pressed; whether the other side is told.
    fn types(&mut self) -> bool {
        self.client.send_presence(
            self.now,
            &friend(),
            wire::mask::presence::TYPING,
            0,
            0,
            Vec::new(),
        )
    }

    fn accept(&mut self, id: u64) {
        let accepted = proto::Accepted { id, ts: 1, recipients: 1 };
        self.server(server_frame::Body::Accepted(accepted));
    }

    fn forget(&mut self) {
        self.events.clear();
        self.frames.clear();
        self.commands.clear();
        self.call_commands.clear();
        self.transfers.clear();
    }

    fn statuses(&self) -> Vec<ConnectionStatus> {
        let status = |event: &Event| match event {
            Event::Connection { status, .. } => Some(*status),
            _ => None,
        };
        self.events.iter().filter_map(status).collect()
    }

    /// Texts of the messages that went to the server.
    fn texts_sent(&self) -> Vec<String> {
        let text = |frame: &client_frame::Body| match frame {
            client_frame::Body::Send(send) => Some(text_of(send.content.as_ref())),
            _ => None,
        };
        self.frames.iter().filter_map(text).collect()
    }

    /// Texts of the messages listeners were told.
    fn texts_told(&self) -> Vec<String> {
        let text = |event: &Event| match event {
            Event::Message { message, announce: true, .. } => {
                Some(String::from_utf8_lossy(&message.content.body).into_owned())
            }
            _ => None,
        };
        self.events.iter().filter_map(text).collect()
    }

    /// Statuses of sent messages the page was told.
    fn message_statuses(&self) -> Vec<u32> {
        let status = |event: &Event| match event {
            Event::MessageStatus { message, .. } => Some(message.status),
            _ => None,
        };
        self.events.iter().filter_map(status).collect()
    }

    /// Places in the log.
    fn acks(&self) -> Vec<u64> {
        let ack = |frame: &client_frame::Body| match frame {
            client_frame::Body::Ack(ack) if ack.seq > 0 => Some(ack.seq),
            _ => None,
        };
        self.frames.iter().filter_map(ack).collect()
    }

    fn room_events(&self) -> Vec<RoomEvent> {
        let told = |event: &Event| match event {
            Event::Room { event, .. } => Some(event.clone()),
            _ => None,
        };
        self.events.iter().filter_map(told).collect()
    }
}

fn text_of(content: Option<&proto::Content>) -> String {
    let body = content.map(|content| content.body.clone()).unwrap_or_default();
    String::from_utf8_lossy(&body).into_owned()
}

fn friend() -> Conversation {
    Conversation::User("friend".into())
}

fn draft(text: &str, expiry: Option<u32>) -> Draft {
    let body = text.as_bytes().to_vec().into();
    let content = Content { body, ..Content::default() };
    Draft { to: friend(), id: 0, kind: 0, flags: 3, expiry, content, announce: true }
}

fn entry(seq: u64, body: proto::entry::Body) -> proto::LogEntry {
    proto::LogEntry { seq, entry: Some(proto::Entry { body: Some(body) }) }
}

/// A message of `friend`, or of the user from another device.
fn message(seq: u64, id: u64, from: &str, to: &str, text: &str) -> proto::LogEntry {
    let content = proto::Content { body: text.as_bytes().to_vec().into(), ..Default::default() };
    let to = proto::target::To::Address(to.into());
    entry(
        seq,
        proto::entry::Body::Message(proto::Message {
            id,
            from_uid: if from == "me" { 1 } else { 2 },
            from: from.into(),
            to: Some(proto::Target { to: Some(to) }),
            flags: 3,
            sent: 1_700_000_000_000,
            ts: 1_700_000_000_000,
            content: Some(content),
            ..proto::Message::default()
        }),
    )
}

fn report(seq: u64, id: u64, status: u32) -> proto::LogEntry {
    let address = "friend".into();
    let report = proto::StatusReport { id, uid: 2, address, status, ts: 1_700_000_000_500 };
    entry(seq, proto::entry::Body::Status(report))
}
