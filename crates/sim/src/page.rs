//! The pages' side of a world: real clients, their stores with faults, what they saw.
//!
//! A store performs its requests in order, each some time after it was asked; a killed tab loses
//! those not yet performed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use client::event::{ConnectionStatus, Event as Told};
use client::memory_store::MemoryStore;
use client::message::{Conversation, Message};
use client::port::peer::Receiving;
use client::port::store::{Reply, Request, StoreError, Write};
use client::port::tab::Input as TabInput;
use client::{Client, Input, Output, Scope, SessionFilter, SocketId};
use wire::frame::decode_client;
use wire::id::{DeviceKey, GroupId, MessageId, SessionId, Ticket, Uid};
use wire::limits::{COMMIT_TRIES_MAX, FRAME_BYTES_MAX};
use wire::time::Instant;

use crate::planted::Planted;
use crate::world::{Event, Place, World};

/// What a page saw, for the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// A new life of the page begins.
    Reloaded {
        /// Its number.
        life: u32,
    },
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
    Connection {
        /// The status now.
        status: ConnectionStatus,
        /// The line for the console.
        reason: String,
    },
    /// Anything else.
    Other(Box<Told>),
}

/// A page in a browser profile.
pub struct Page {
    /// Address of its user.
    pub user: String,
    /// Number of its user.
    pub uid: Uid,
    /// Everything it saw, over all its lives.
    pub seen: Vec<Seen>,
    /// What is on its disk, shared with the other tabs of its browser.
    pub disk: Rc<RefCell<MemoryStore>>,
    /// The page itself, `None` while the tab is closed.
    pub client: Option<Client>,
    /// Its token, as the backend issued it.
    pub token: String,
    /// App id the page sets, empty for none.
    pub app: String,
    /// Which browser profile.
    pub key: DeviceKey,
    /// Grows with each reload: late events of a former life are nobody's.
    pub life: u32,
    /// The network lets it through.
    pub reachable: bool,
    /// When this life began, or its database was open: from then on it is told of everything.
    /// What another tab has stored before is history.
    pub hears_from: u64,
    /// When the browser deleted its storage, or the tab was closed whose messages it could not
    /// store: nothing older is expected on this disk.
    pub lost_at: Option<u64>,
    /// Own messages that were on its disk.
    pub committed: BTreeSet<MessageId>,
    /// The next writes fail.
    pub(crate) failing_writes: u32,
    failed_in_a_row: u32,
    /// What came in this life may be in memory only, as the page was told.
    pub(crate) memory_only: bool,
    pub(crate) socket: Option<(SocketId, SessionId)>,
    /// The browser has stopped it.
    pub frozen: bool,
    /// What other tabs tell meanwhile is dropped.
    pub deaf: bool,
    /// What came meanwhile.
    pub asleep: Vec<Input>,
    /// Serves instead of the disk until the tab is closed.
    volatile: Option<MemoryStore>,
    /// Conversation to read with receipts, when the page reads.
    pub(crate) reads: Option<Conversation>,
    /// How far its wall clock is off, ms.
    pub(crate) wall_offset: i64,
    /// What the last offer of each room wants to receive.
    pub(crate) wanted: BTreeMap<GroupId, Vec<Receiving>>,
    last_store: u64,
    tick_at: u64,
}

impl Page {
    pub(crate) fn new(user: &str, uid: Uid, token: String, key: DeviceKey) -> Page {
        Page {
            user: user.into(),
            uid,
            seen: Vec::new(),
            disk: Rc::default(),
            client: None,
            token,
            app: String::new(),
            key,
            life: 0,
            reachable: true,
            hears_from: 0,
            lost_at: None,
            committed: BTreeSet::new(),
            failing_writes: 0,
            failed_in_a_row: 0,
            memory_only: false,
            socket: None,
            frozen: false,
            deaf: false,
            asleep: Vec::new(),
            volatile: None,
            reads: None,
            wall_offset: 0,
            wanted: BTreeMap::new(),
            last_store: 0,
            tick_at: u64::MAX,
        }
    }

    /// What the page was told of its connection, in this and all former lives.
    pub fn statuses(&self) -> Vec<ConnectionStatus> {
        let statuses = self.seen.iter().filter_map(|seen| match seen {
            Seen::Connection { status, .. } => Some(*status),
            _ => None,
        });
        statuses.collect()
    }

    /// Texts of the messages it was told of: received, or own ones.
    pub fn texts(&self, wanted: bool) -> Vec<String> {
        let texts = self.seen.iter().filter_map(|seen| match seen {
            Seen::Message { incoming, text, .. } if *incoming == wanted => Some(text.clone()),
            _ => None,
        });
        texts.collect()
    }

    /// All messages in its store, oldest first.
    pub fn stored(&self) -> Vec<Message> {
        let request = Request::Read {
            conversation: None,
            from: None,
            count: u32::MAX,
            fifo: true,
            query: None,
        };
        let mut store = self.volatile.clone().unwrap_or_else(|| self.disk.borrow().clone());
        match store.perform(request) {
            Reply::Messages(messages) => messages,
            other => panic!("no messages: {other:?}"),
        }
    }

    /// What it serves from.
    fn store<R>(&mut self, ask: impl FnOnce(&mut MemoryStore) -> R) -> R {
        match &mut self.volatile {
            Some(volatile) => ask(volatile),
            None => ask(&mut self.disk.borrow_mut()),
        }
    }

    /// A page of the same browser with the same token, not opened yet.
    pub(crate) fn another_tab(&self) -> Page {
        let page = Page::new(&self.user, self.uid, self.token.clone(), self.key);
        Page { disk: self.disk.clone(), app: self.app.clone(), ..page }
    }

    /// The browser deletes its storage; memory serves until the tab is closed.
    pub(crate) fn lose_store(&mut self, at: u64) {
        *self.disk.borrow_mut() = MemoryStore::default();
        self.volatile = self.client.is_some().then(MemoryStore::default);
        self.lost_at = Some(at);
        self.memory_only = self.client.is_some();
    }

    /// The tab is gone.
    pub(crate) fn close(&mut self, at: u64) {
        self.client = None;
        if std::mem::take(&mut self.memory_only) {
            self.lost_at = Some(at);
        }
        self.life += 1;
        self.frozen = false;
        self.asleep.clear();
        self.wanted.clear();
        self.volatile = None;
    }

    fn see(&mut self, told: Told) {
        let seen = match told {
            Told::Message { message, announce: true, .. } => Seen::Message {
                incoming: message.key.incoming,
                sender: message.key.sender.clone(),
                id: message.key.id,
                text: text(&message),
            },
            Told::MessageStatus { message, .. } => {
                Seen::Status { id: message.key.id, status: message.status }
            }
            Told::Connection { status, reason } => Seen::Connection { status, reason },
            other => Seen::Other(Box::new(other)),
        };
        self.seen.push(seen);
    }
}

/// The text of a message.
pub fn text(message: &Message) -> String {
    String::from_utf8_lossy(&message.content.body).into_owned()
}

fn own_message(write: &Write) -> Option<MessageId> {
    match write {
        Write::Message(message, _) if !message.key.incoming => Some(message.key.id),
        _ => None,
    }
}

impl World {
    /// A new tab on the same disk, unless one is open.
    pub fn open_tab(&mut self, place: Place) {
        if self.pages[place].client.is_some() {
            return;
        }
        let now = self.page_now(place);
        let mut client = Client::new(self.chance.draw(), |text, wanted| {
            text.to_lowercase().contains(&wanted.to_lowercase())
        });
        let page = &mut self.pages[place];
        page.life += 1;
        page.tick_at = u64::MAX;
        page.seen.push(Seen::Reloaded { life: page.life });
        page.hears_from = self.time;
        client.set_app(page.app.clone());
        client.set_token(now, page.token.clone());
        client.set_database(Some("sim".into()));
        client.start(now).expect("there is a token");
        client.handle_input(now, Input::Device(page.key));
        page.client = Some(client);
        self.open_conversation(place);
        self.drain_page(place);
    }

    pub(crate) fn open_conversation(&mut self, place: Place) {
        let page = &mut self.pages[place];
        let (Some(client), Some(conversation)) = (&mut page.client, page.reads.clone()) else {
            return;
        };
        let mut filter = SessionFilter::new(Scope::Conversation(conversation));
        filter.receipts = true;
        let session = client.open_session(filter);
        client.read(session, 1_000);
    }

    /// Lets the page do something, and performs what follows. `None` while its tab is closed.
    pub fn with<R>(
        &mut self,
        place: Place,
        act: impl FnOnce(&mut Client, wire::time::Now) -> R,
    ) -> Option<R> {
        if self.pages[place].frozen {
            return None;
        }
        let now = self.page_now(place);
        let result = act(self.pages[place].client.as_mut()?, now);
        self.drain_page(place);
        Some(result)
    }

    pub(crate) fn page_later(&mut self, after: u64, place: Place, life: u32, input: Input) {
        self.queue.add(self.time + after, Event::Page { place, life, input: Box::new(input) });
    }

    pub(crate) fn page_tick(&mut self, place: Place, life: u32, at: u64) {
        if self.pages[place].life == life && self.pages[place].tick_at == at {
            self.pages[place].tick_at = u64::MAX;
            self.page_input(place, life, Input::Tick);
        }
    }

    pub(crate) fn page_input(&mut self, place: Place, life: u32, input: Input) {
        let now = self.page_now(place);
        let page = &mut self.pages[place];
        if page.life != life {
            return;
        }
        if page.frozen {
            if !page.deaf || !matches!(input, Input::Tab(TabInput::Told { .. })) {
                page.asleep.push(input);
            }
            return;
        }
        if let Input::SocketClosed { socket, .. } = &input
            && page.socket.is_some_and(|(current, _)| current == *socket)
        {
            page.socket = None;
        }
        if let Some(client) = page.client.as_mut() {
            client.handle_input(now, input);
            self.drain_page(place);
        }
    }

    pub(crate) fn drain_page(&mut self, place: Place) {
        let life = self.pages[place].life;
        while let Some(client) = self.pages[place].client.as_mut() {
            match client.poll_output() {
                // No script sends files.
                Output::Transfer(_) => {}
                Output::Wait(deadline) => {
                    if deadline != Instant::FAR_FUTURE {
                        let at = deadline.0.max(self.time + 1);
                        if at < self.pages[place].tick_at {
                            self.pages[place].tick_at = at;
                            self.queue.add(at, Event::PageTick { place, life });
                        }
                    }
                    return;
                }
                Output::Connect { socket } => self.connect(place, socket),
                Output::Transmit { socket, bytes } => {
                    assert!(bytes.len() <= FRAME_BYTES_MAX, "a frame has {} bytes", bytes.len());
                    let current = self.pages[place].socket;
                    if let Some((_, session)) = current.filter(|(known, _)| *known == socket) {
                        let frame = decode_client(&bytes).expect("clients send frames");
                        self.up(session, hub::Input::Frame { session, frame });
                    }
                }
                Output::Disconnect { socket } => self.page_hangs_up(place, socket),
                Output::OpenStore { .. } => {
                    let opened = self.pages[place].store(|store| store.open());
                    let after = self.chance.between(1, 30);
                    self.page_later(after, place, life, Input::StoreOpened(Ok(opened)));
                }
                Output::Store { ticket, request } => self.ask_page_store(place, ticket, request),
                Output::Peer(command) => self.peer_command(place, command),
                Output::Tab(command) => self.tab_command(place, command),
                Output::Call(call, command) => self.call_command(place, call, command),
                // Scripts want everything.
                Output::Event(told) if *told == Told::Filter => client.pass(&[]),
                Output::Event(told) => {
                    if self.shares && matches!(*told, Told::DatabaseOpened { .. }) {
                        self.pages[place].hears_from = self.time;
                    }
                    self.pages[place].see(*told);
                }
            }
        }
    }

    fn ask_page_store(&mut self, place: Place, ticket: Ticket, request: Request) {
        let life = self.pages[place].life;
        if self.planted == Planted::BrowserStoresLate && matches!(request, Request::Commit { .. }) {
            self.page_later(1, place, life, Input::Stored { ticket, result: Ok(Reply::Done) });
        }
        let longest = if self.chaotic { 30 } else { 3 };
        let due = self.pages[place].last_store.max(self.time + self.chance.between(1, longest));
        self.pages[place].last_store = due;
        let event = Event::PageStore { place, life, ticket, request: Box::new(request) };
        self.queue.add(due, event);
    }

    pub(crate) fn perform_for_page(
        &mut self,
        place: Place,
        life: u32,
        ticket: Ticket,
        mut request: Request,
    ) {
        if self.pages[place].life != life {
            return;
        }
        if let Request::Commit { writes, .. } = &mut request {
            let planted = self.planted;
            writes.retain(|write| match (planted, write) {
                (Planted::ForgetCursor, Write::Cursor(_))
                | (Planted::ForgetReadNotice, Write::Read(_)) => false,
                (Planted::ForgetOutbox, Write::Message(message, _)) => !message.is_in_outbox(),
                _ => true,
            });
        }
        let page = &mut self.pages[place];
        let is_commit = matches!(request, Request::Commit { .. });
        let result = if is_commit && page.failing_writes > 0 {
            page.failing_writes -= 1;
            page.failed_in_a_row += 1;
            if page.failed_in_a_row >= COMMIT_TRIES_MAX {
                // Of all tabs: they share the disk.
                let browser = page.key;
                let tabs = self.pages.iter_mut().filter(|page| page.key == browser);
                tabs.for_each(|page| page.memory_only = page.client.is_some());
            }
            Err(StoreError::Full)
        } else {
            if let Request::Commit { writes, .. } = &request {
                page.failed_in_a_row = 0;
                page.committed.extend(writes.iter().filter_map(own_message));
            }
            Ok(page.store(|store| store.perform(request)))
        };
        let after = self.chance.between(0, 3);
        self.page_later(after, place, life, Input::Stored { ticket, result });
    }
}
