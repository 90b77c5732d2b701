//! The client itself: takes inputs apart, keeps the parts, hands out the outputs.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use wire::frame::encode_client;
use wire::id::{GroupId, MessageId, Ticket, Uid};
use wire::limits::{KEYS_BYTES_MAX, PUSH_TOKEN_BYTES_MAX};
use wire::mask::presence as presence_code;
use wire::proto::{self, client_frame, target};
use wire::time::{Now, Timestamp};

use crate::ages::Ages;
use crate::call::Calls;
use crate::chance::Chance;
use crate::change::Retraction;
use crate::commit::{Commits, Then};
use crate::count::Counting;
use crate::edits::Edits;
use crate::errand::Errands;
use crate::event::{ConnectionStatus as Status, Event, ReadSessionId};
use crate::group::GroupRequests;
use crate::group_call::Room;
use crate::history::History;
use crate::inbox::Inbox;
use crate::memory::Messages;
use crate::message::{Age, Conversation, Message, MessageKey};
use crate::outbox::Outbox;
use crate::port::store::{Request, StoredProfile, Write};
use crate::port::tab::Tell;
use crate::presence::{Presences, Showing};
use crate::profile::{KEYS_PLACE, Profile, Profiles};
use crate::read_notices::ReadNotices;
use crate::reading::{Reading, Search};
use crate::session::{Link, Session, StartError, is_token};
use crate::sorted::Map;
use crate::storing::{Database, StoreState};
use crate::tabs::Tabs;
use crate::transfer::Transfers;
use crate::{Input, Output};

/// The client's decisions. See the crate's page.
#[derive(Debug)]
pub struct Client {
    pub(crate) session: Session,
    pub(crate) outbox: Outbox,
    pub(crate) inbox: Inbox,
    pub(crate) reading: Reading,
    pub(crate) read_notices: ReadNotices,
    pub(crate) profiles: Profiles,
    pub(crate) edits: Edits,
    pub(crate) group_requests: GroupRequests,
    pub(crate) presences: Presences,
    pub(crate) rooms: Map<GroupId, Room>,
    pub(crate) calls: Calls,
    pub(crate) memory: Messages,
    pub(crate) commits: Commits,
    pub(crate) transfers: Transfers,
    pub(crate) errands: Errands,
    pub(crate) tabs: Tabs,
    pub(crate) history: History,
    pub(crate) counting: Map<u32, Counting>,
    pub(crate) ages: Ages,
    pub(crate) retraction: Retraction,
    pub(crate) showing: Showing,
    pub(crate) chance: Chance,
    /// Somebody looks at the page, as the browser or the page says.
    pub(crate) visible: bool,
    /// What the page says of it.
    pub(crate) foreground: Option<bool>,
    /// The time of the last input.
    pub(crate) now: Now,
    pub(crate) store: StoreState,
    /// The store is a database, which other tabs see too.
    pub(crate) on_disk: bool,
    pub(crate) database: Database,
    /// What the last `Hello` said of the log.
    pub(crate) resumed: Option<wire::id::Seq>,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) pending: Map<Ticket, Pending>,
    /// Questions that have to see what is being marked.
    pub(crate) held: Vec<(Request, Pending)>,
    pub(crate) next_ticket: u64,
}

/// What an answer of the store is for.
#[derive(Debug)]
pub(crate) enum Pending {
    Commit,
    Inbox,
    Read(ReadSessionId),
    Summary(ReadSessionId),
    /// As [`Pending::Summary`], before the session hears how much it has synced.
    SyncedSummary {
        session: ReadSessionId,
        count: u32,
    },
    HistoryBegins,
    HistoryKnown,
    Find(u32, String),
    Count(u32),
    MarkRead(Conversation, bool),
    MarkUnread,
    Zombies(bool),
    Unread(u32),
    Recent,
    Waiting,
    CatchUp,
}

impl Client {
    /// A client that is not signed in. `seed` draws ids and delays, `search` finds text for
    /// sessions with a query.
    pub fn new(seed: u64, search: Search) -> Client {
        let mut chance = Chance::new(seed);
        let tabs = Tabs::new(chance.draw());
        Client {
            session: Session::new(),
            outbox: Outbox::default(),
            inbox: Inbox::default(),
            reading: Reading::new(search),
            read_notices: ReadNotices::default(),
            profiles: Profiles::default(),
            edits: Edits::default(),
            group_requests: GroupRequests::new(seed),
            presences: Presences::default(),
            rooms: Map::new(),
            calls: Calls::default(),
            memory: Messages::default(),
            commits: Commits::default(),
            transfers: Transfers::default(),
            errands: Errands::default(),
            tabs,
            history: History::default(),
            counting: Map::new(),
            ages: Ages::default(),
            retraction: Retraction::default(),
            showing: Showing::default(),
            chance,
            visible: true,
            foreground: None,
            now: Now::default(),
            store: StoreState::Closed,
            on_disk: false,
            database: Database::default(),
            resumed: None,
            outputs: VecDeque::new(),
            pending: Map::new(),
            held: Vec::new(),
            next_ticket: 0,
        }
    }

    /// Something happened. Drain [`Client::poll_output`] afterwards.
    pub fn handle_input(&mut self, now: Now, input: Input) {
        self.now = now;
        match input {
            Input::SocketOpened { socket } => self.on_socket_opened(socket),
            Input::SocketFrame { socket, bytes } => {
                if self.session.is_current(socket) {
                    self.session.hear(now);
                    self.on_bytes(now, socket, &bytes);
                }
            }
            Input::SocketClosed { socket, code } => {
                if self.session.is_current(socket) {
                    self.on_connection_lost(now, code);
                }
            }
            Input::Device(key) => self.on_device(now, key),
            Input::StoreOpened(result) => self.on_store_opened(now, result),
            Input::Stored { ticket, result } => self.on_stored(now, ticket, result),
            Input::StoreLost => self.on_store_lost(now),
            Input::Network { online } => self.on_network(now, online),
            Input::Visible(visible) => {
                if self.foreground.is_none() {
                    self.set_visible(now, visible);
                }
            }
            Input::Peer(input) => self.on_peer(now, input),
            Input::Call(call, input) => self.on_call_media(now, call, input),
            Input::Transfer(input) => self.on_transfer(now, input),
            Input::Tab(input) => self.on_tab(now, input),
            Input::Tick => {}
        }
        self.on_deadline(now);
        self.watch_leader(now);
        self.flush(now);
    }

    /// What has to be done next; [`Output::Wait`] when there is nothing.
    pub fn poll_output(&mut self) -> Output {
        let before = self.outputs.len();
        if (before == 0 || self.commits.is_pressing()) && self.store == StoreState::Open {
            // All that was written since the last drain goes into one transaction.
            if let Some(request) = self.commits.next() {
                let told = self.commits.told().to_vec();
                if !told.is_empty() {
                    self.tell_tabs(Tell::Writing(told));
                }
                self.ask(request, Pending::Commit);
                self.outputs.rotate_left(before);
            }
        }
        if let Some(output) = self.outputs.pop_front() {
            return output;
        }
        let mut deadline = self.session.deadline().min(self.room_deadline());
        deadline = deadline.min(self.age_deadline()).min(self.tab_deadline());
        deadline = deadline.min(self.call_deadline());
        if self.session.is_online() {
            deadline = deadline.min(self.transfers.deadline());
        }
        Output::Wait(deadline)
    }

    // ---- the page's verbs: connection ------------------------------------------------------

    /// Remembers the app id; `false` when it is empty.
    pub fn set_app(&mut self, app: String) -> bool {
        if app.is_empty() {
            return false;
        }
        self.session.app = app;
        true
    }

    /// Remembers the token; `false` when it is empty or cannot be one. Another token while
    /// running stops, changes the user and starts again.
    pub fn set_token(&mut self, now: Now, token: String) -> bool {
        if !is_token(&token) {
            return false;
        }
        if self.session.token.as_deref() == Some(&token) {
            return true;
        }
        let account = self.session.token.as_ref().map(|_| self.session.account());
        let was_started = self.session.is_started();
        if was_started {
            self.stop(now);
        }
        self.session.token = Some(token);
        if account.is_some_and(|account| account != self.session.account()) {
            self.change_user();
        }
        if self.database.asked > 0 || self.database.name.is_some() {
            self.open_store();
        }
        if was_started {
            let _ = self.start(now);
        }
        true
    }

    /// Asks for a database of this name, `None` for none. It is opened as soon as the token is
    /// known; [`Event::DatabaseOpened`] comes once for each call.
    pub fn set_database(&mut self, name: Option<String>) {
        let name = name.filter(|name| !name.is_empty());
        if name != self.database.name {
            self.inbox.change_store();
            self.tabs.known_behind = None;
        }
        self.database.name = name;
        self.database.asked += 1;
        if self.session.token.is_some() {
            self.store = StoreState::Closed;
            self.open_store();
        }
    }

    /// Begins to connect and keeps at it until `stop`. Again while running: nothing.
    pub fn start(&mut self, now: Now) -> Result<(), StartError> {
        if self.session.token.is_none() {
            let reason = "no access token was set before start".into();
            self.set_status(Status::AuthFail, reason);
            return Err(StartError::NoToken);
        }
        if self.session.is_started() {
            return Ok(());
        }
        self.session.forget_failures();
        self.session.link = Link::Preparing;
        // Other tabs may have written since it was stopped.
        if self.on_disk && self.session.status != Status::Unknown {
            self.open_store_again();
        }
        self.open_store();
        self.go_on_connecting(now);
        self.flush(now);
        Ok(())
    }

    /// Ends the connection. What waits to be sent keeps waiting.
    pub fn stop(&mut self, now: Now) {
        if !self.session.is_started() {
            return;
        }
        self.hang_up_call(0);
        for room in self.rooms.keys().copied().collect::<Vec<_>>() {
            self.leave_room(room);
        }
        self.drop_socket();
        self.leave_group();
        self.session.link = Link::Idle;
        self.set_status(Status::Stopped, String::new());
        self.flush(now);
    }

    /// Tries now instead of waiting on.
    pub fn reconnect(&mut self, now: Now) {
        self.hurry(now);
        self.flush(now);
    }

    /// What the page was told last.
    pub fn status(&self) -> Status {
        self.session.status
    }

    /// Own number, 0 until known.
    pub fn uid(&self) -> Uid {
        self.session.uid
    }

    /// Own address, empty until known.
    pub fn address(&self) -> &str {
        &self.session.address
    }

    /// The token, when one is set.
    pub fn token(&self) -> Option<&str> {
        self.session.token.as_deref()
    }

    /// The app id, empty when none is set.
    pub fn app(&self) -> &str {
        &self.session.app
    }

    /// The server's clock.
    pub fn server_time(&self, now: Now) -> Timestamp {
        self.session.server_time(now)
    }

    /// Whether somebody looks at the page.
    pub fn is_visible(&self) -> bool {
        self.visible
    }

    /// The page knows better than the browser whether somebody looks at it.
    pub fn set_foreground(&mut self, now: Now, foreground: bool) {
        self.foreground = Some(foreground);
        self.set_visible(now, foreground);
    }

    fn set_visible(&mut self, now: Now, visible: bool) {
        self.visible = visible;
        if visible {
            self.read_what_was_held();
            self.hurry(now);
            self.ask_leader_at_once();
        }
    }

    /// The page's own small values, a JSON object; empty = none.
    pub fn keys(&self) -> &str {
        &self.profiles.keys
    }

    /// Keeps the page's own small values with the database; `false` when they are too large.
    pub fn set_keys(&mut self, keys: String) -> bool {
        let fits = keys.len() <= KEYS_BYTES_MAX;
        if fits {
            self.profiles.keys.clone_from(&keys);
            let address = KEYS_PLACE.into();
            let kept = StoredProfile { address, values: keys, ..StoredProfile::default() };
            self.commits.write(Write::Profile(Box::new(kept)));
        }
        fits
    }

    /// Where push messages of this device go, empty = nowhere; told to the server once.
    pub fn set_push_token(&mut self, token: String, voip: bool) -> bool {
        let fits = token.len() <= PUSH_TOKEN_BYTES_MAX && self.takes_errands();
        if fits {
            self.run_errand(None, |ticket| {
                client_frame::Body::PushToken(proto::PushToken { ticket, token, voip })
            });
        }
        fits
    }

    // ---- the page's verbs: people ----------------------------------------------------------

    /// A message in memory.
    pub fn message(&self, key: &MessageKey) -> Option<&Message> {
        self.memory.get(key)
    }

    /// A message in memory, the newest of this id; its sender's half names it as well.
    pub fn find(&self, id: MessageId) -> Option<&Message> {
        let half = id.get() == u64::from(id.low());
        let whole = self.memory.find(|message| message.key.id == id);
        let by_half = |message: &Message| half && message.key.id.low() == id.low();
        self.memory.get(&whole.or_else(|| self.memory.find(by_half))?)
    }

    /// Asks for the message of this id, an own one or of `sender` (empty = anybody);
    /// [`Event::Found`] follows.
    pub fn find_later(&mut self, id: Option<MessageId>, sender: String) -> u32 {
        let ticket = self.group_requests.ticket();
        let known = id.and_then(|id| self.find(id).cloned());
        let Some(id) = id.filter(|_| known.is_none()) else {
            self.tell(Event::Found { ticket, message: known });
            return ticket;
        };
        self.ask_behind_writes(Request::ById { id }, Pending::Find(ticket, sender));
        ticket
    }

    pub(crate) fn on_found(&mut self, ticket: u32, message: Option<Message>) {
        if let Some(message) = message.clone().filter(|found| !self.memory.contains(&found.key)) {
            self.keep(message);
        }
        self.tell(Event::Found { ticket, message });
    }

    /// What is known of a user or group.
    pub fn profile(&self, of: &Conversation) -> Option<&Profile> {
        self.profiles.get(of)
    }

    /// Conversations by their last message, newest first.
    pub fn recent_profiles(&self) -> Vec<Conversation> {
        self.profiles.recent()
    }

    /// The page holds this profile: the server is asked and tells of changes.
    pub fn ensure_profile(&mut self, of: &Conversation) {
        self.profiles.watch(of);
    }

    /// The own profile, empty before the first sign-in.
    pub fn self_profile(&self) -> &Profile {
        self.profiles.own()
    }

    /// All profiles known.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.all()
    }

    /// Groups the user is a member of.
    pub fn groups(&self) -> Vec<GroupId> {
        self.profiles.groups()
    }

    /// Is online now; this user, when others see it online.
    pub fn is_online(&self, now: Now, address: &str) -> bool {
        match address == self.session.address {
            true => self.is_shown_online(),
            false => self.presences.is_online(now, address),
        }
    }

    /// Types now, to the user or in this group.
    pub fn is_typing(&self, now: Now, address: &str, group: Option<GroupId>) -> bool {
        self.presences.is_typing(now, address, group)
    }

    /// Has the conversation open now.
    pub fn is_chatting(&self, address: &str, group: Option<GroupId>) -> bool {
        self.presences.is_chatting(address, group)
    }

    // ---- outputs ---------------------------------------------------------------------------

    pub(crate) fn tell(&mut self, event: Event) {
        if let Event::Message { message, sessions, .. } = &event
            && message.key.incoming
        {
            let (sessions, key) = (sessions.clone(), message.key.clone());
            self.outputs.push_back(Output::Event(Box::new(event)));
            return self.on_shown(&sessions, &key);
        }
        self.outputs.push_back(Output::Event(Box::new(event)));
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(crate) fn transmit(&mut self, body: client_frame::Body) {
        if self.session.is_online() {
            self.transmit_bytes(encode_client(body));
        }
    }

    pub(crate) fn transmit_bytes(&mut self, bytes: Vec<u8>) {
        match self.session.socket() {
            Some(_) if self.tabs.follows() => self.tell_tabs(Tell::Relay(bytes)),
            Some(socket) => self.outputs.push_back(Output::Transmit { socket, bytes }),
            None => {}
        }
    }

    pub(crate) fn ask(&mut self, request: Request, pending: Pending) {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.pending.insert(ticket, pending);
        self.outputs.push_back(Output::Store { ticket, request });
    }

    /// As [`Client::ask`], behind what is written already: what the page has sent it can read.
    pub(crate) fn ask_behind_writes(&mut self, request: Request, pending: Pending) {
        match self.commits.is_waiting() {
            true => self.commits.then(Then::Ask(Box::new((request, pending))), false),
            false => self.ask_behind_marks(request, pending),
        }
    }

    /// What is marked read or unread is looked for first, and then written.
    pub(crate) fn ask_behind_marks(&mut self, request: Request, pending: Pending) {
        match self.is_marking() {
            true => self.held.push((request, pending)),
            false => self.ask(request, pending),
        }
    }

    pub(crate) fn is_marking(&self) -> bool {
        let marks = |of: &Pending| matches!(of, Pending::MarkRead(..) | Pending::MarkUnread);
        self.pending.values().any(marks)
    }

    /// Keeps a message in memory.
    pub(crate) fn keep(&mut self, message: Message) {
        if !message.is_passing() {
            self.profiles.note_message(&message.conversation, message.order);
        }
        let (outbox, transfers) = (&self.outbox, &self.transfers);
        let kept = outbox.len() + transfers.len();
        let aging = (message.content.age != Age::default()).then(|| message.key.clone());
        self.memory.put(message, kept, |key| outbox.contains(key) || transfers.contains(key));
        if let Some(key) = aging {
            self.note_age(&key);
        }
    }

    pub(crate) fn store_profile(&mut self, of: &Conversation) {
        if let Some(stored) = self.profiles.stored(of) {
            self.commits.write(Write::Profile(Box::new(stored)));
        }
    }

    pub(crate) fn is_store_open(&self) -> bool {
        self.store == StoreState::Open
    }

    pub(crate) fn is_on_disk(&self) -> bool {
        self.on_disk
    }

    pub(crate) fn set_status(&mut self, status: Status, reason: String) {
        if self.session.status != status {
            self.session.status = status;
            self.tell(Event::Connection { status, reason });
        }
    }

    /// All parts say what is to go out.
    pub(crate) fn flush(&mut self, now: Now) {
        self.negotiate(now);
        self.flush_call(now);
        self.flush_transfers(now);
        self.flush_outbox(now);
        self.flush_reads();
        self.flush_edits();
        self.flush_groups();
        self.flush_errands();
        self.flush_history();
        self.flush_showing();
        while self.session.is_online()
            && let Some(watch) = self.profiles.question()
        {
            self.transmit(client_frame::Body::Watch(watch));
        }
    }

    // ---- what the server tells ---------------------------------------------------------------

    pub(crate) fn on_presence(&mut self, now: Now, presence: &proto::Presence) {
        let group = presence.to.as_ref().and_then(|target| match target.to {
            Some(target::To::Group(gid)) => Some(GroupId(gid)),
            _ => None,
        });
        self.presences.take(now, presence, group);
        if presence.presence == presence_code::REQUEST {
            self.answer_request(now, &presence.from);
        }
        if presence.presence == presence_code::OFFLINE {
            let of = Conversation::User(presence.from.clone());
            self.profiles.get_mut(&of).last_seen = self.session.server_time(now);
        }
        self.tell(Event::Presence {
            from: presence.from.clone(),
            group,
            presence: presence.presence,
            value: presence.value,
            interval: presence.interval,
            data: presence.data.clone(),
        });
    }

    pub(crate) fn on_profiles(&mut self, profiles: &proto::Profiles) {
        for user in &profiles.users {
            let of = Conversation::User(user.address.clone());
            if user.address == self.session.address {
                self.profiles.put_user(user);
                if self.profiles.put_own(user) {
                    self.tell(Event::SelfUpdated);
                }
                continue;
            }
            let announced = self.edits.announced.remove(&of);
            // Who was looked up by a synchroniser and is nobody is not told of.
            let found = user.uid != 0;
            let changed = self.profiles.put_user(user) && (found || !announced);
            let changed = changed || announced && found;
            let turned = self.presences.set_online(&user.address, user.online) && user.online;
            if changed {
                self.store_profile(&of);
                self.tell(Event::ProfileUpdated { of });
            }
            if turned {
                self.tell(Event::Presence {
                    from: user.address.clone(),
                    group: None,
                    presence: presence_code::ONLINE,
                    value: 0,
                    interval: 0,
                    data: Vec::new(),
                });
            }
        }
        for group in &profiles.groups {
            if self.profiles.put_group(group) {
                let of = Conversation::Group(GroupId(group.gid));
                self.store_profile(&of);
                self.tell(Event::ProfileUpdated { of });
            }
        }
    }
}
