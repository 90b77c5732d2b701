//! The tabs of one browser: one leads and holds the connection, the others speak through it.
//!
//! Relies on the host for locks and a channel ([`port::tab`](crate::port::tab)). Promises that of
//! a group one tab at a time talks to the server about what is stored, that another one takes
//! over when it is closed, killed or does not answer, and that taking over is starting: it opens
//! the store and signs in from there. What is stored is told by [`told`](crate::told); what is
//! not goes through the leading tab as it is.

use alloc::string::String;
use alloc::vec::Vec;
use wire::code::Code;
use wire::id::{GroupId, MessageId};
use wire::limits::{CATCH_UP_MESSAGES_MAX, TAB_PING_INTERVAL, TAB_SILENCE_MAX};
use wire::proto::{self, client_frame, entry, server_frame};
use wire::time::{Instant, Now};

use crate::Output;
use crate::client::Client;
use crate::event::ConnectionStatus as Status;
use crate::message::MessageKey;
use crate::port::store::Write;
use crate::port::tab::{Command, Input, TabId, Tell};
use crate::session::Link;
use crate::sorted::{Map, Set};

/// What this tab is to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    /// In no group: not started.
    #[default]
    Out,
    /// The host was asked.
    Joining,
    /// There are no others, or the page wants none.
    Alone,
    /// Another one leads, or will.
    Following,
    /// This one leads.
    Leading,
}

#[derive(Debug)]
pub(crate) struct Tabs {
    pub id: TabId,
    role: Role,
    /// Unless the page does not want to.
    shares: bool,
    /// The group it is in.
    group: String,
    /// Who leads, when that was heard.
    leader: Option<TabId>,
    /// How much it has told.
    last_told: u64,
    /// The last that was heard of each other tab.
    last_heard: Map<TabId, u64>,
    /// Those that follow this one, with the rooms they are in.
    others: Map<TabId, Set<GroupId>>,
    /// What others are writing.
    pub held: Map<TabId, Vec<Write>>,
    /// Who uploads the file of a message.
    pub uploads: Map<MessageId, TabId>,
    /// All messages of the store behind this place that the page has heard of are in memory, or
    /// were, or are the ones below. `None` until the store is open.
    pub known_behind: Option<u64>,
    /// Messages behind that place that were there when the store was opened: no news.
    pub found: Set<MessageKey>,
    /// So many looks into the store are under way.
    pub catching_up: u32,
    /// What other tabs have told meanwhile, with whether it is stored.
    pub waiting: Vec<(TabId, Vec<Write>, bool)>,
    /// Until then the leading tab has time to answer; it was asked.
    asked: Option<Instant>,
    /// The lock was taken from a tab that did not answer.
    stole: bool,
    /// It is asked again then.
    ask_at: Instant,
}

impl Tabs {
    pub fn new(drawn: u64) -> Tabs {
        Tabs {
            id: TabId(drawn >> 11),
            role: Role::Out,
            shares: true,
            group: String::new(),
            leader: None,
            last_told: 0,
            last_heard: Map::new(),
            others: Map::new(),
            held: Map::new(),
            uploads: Map::new(),
            known_behind: None,
            found: Set::new(),
            catching_up: 0,
            waiting: Vec::new(),
            asked: None,
            stole: false,
            ask_at: Instant(0),
        }
    }

    /// Another tab has the connection.
    pub fn follows(&self) -> bool {
        self.role == Role::Following
    }

    /// Others may write into the store, also while this one is stopped.
    pub fn may_be_several(&self) -> bool {
        self.role != Role::Alone
    }

    /// Whether what another tab has stored is written again, so that it is there even if that tab
    /// was killed meanwhile.
    pub fn leads(&self) -> bool {
        self.role == Role::Leading
    }

    /// Whether a tab may know of the server what this one does not.
    pub fn is_heard_from_server_by(&self, tab: TabId) -> bool {
        !self.leads() && self.leader.is_none_or(|leader| leader == tab)
    }

    /// When the leading tab has to be asked, or is not waited for any longer.
    fn deadline(&self) -> Instant {
        match self.role {
            Role::Following => self.asked.unwrap_or(self.ask_at),
            _ => Instant::FAR_FUTURE,
        }
    }

    fn ask(&mut self, now: Now) {
        self.asked = Some(now.instant + TAB_SILENCE_MAX);
    }

    fn heard(&mut self, now: Now) {
        self.asked = None;
        self.ask_at = now.instant + TAB_PING_INTERVAL;
    }

    /// The store is open, and has these, newest first. What comes into it from now on is news,
    /// also when this tab is stopped before it has read any of it.
    pub fn know(&mut self, newest: Vec<(u64, MessageKey)>) {
        if self.known_behind.is_some() {
            return;
        }
        let full = newest.len() == CATCH_UP_MESSAGES_MAX as usize;
        let last = newest.last().filter(|_| full);
        self.known_behind = Some(last.map_or(0, |(place, _)| *place));
        self.found = newest.into_iter().map(|(_, key)| key).collect();
    }

    /// Another user: what was told of the former one is nobody's.
    pub fn change_store(&mut self) {
        self.known_behind = None;
        self.catching_up = 0;
        self.waiting.clear();
    }

    fn forget(&mut self) {
        self.leader = None;
        self.others.clear();
        self.held.clear();
    }
}

/// Whether a frame is for all tabs: what is not about one that is stored.
fn is_for_all(body: &server_frame::Body) -> bool {
    use server_frame::Body;
    match body {
        Body::Deliver(deliver) => deliver.entries.iter().any(|entry| {
            entry.seq == 0 || matches!(crate::inbox::body(entry), Some(entry::Body::Group(_)))
        }),
        Body::Welcome(_)
        | Body::Refused(_)
        | Body::Goodbye(_)
        | Body::Accepted(_)
        | Body::Rejected(_)
        | Body::Unsupported(_) => false,
        _ => true,
    }
}

impl Client {
    /// Whether this tab shares one connection with the others of its browser that show the same
    /// account. It does unless told otherwise. `false` once it is started.
    pub fn share_tabs(&mut self, on: bool) -> bool {
        let early = !self.session.is_started();
        if early {
            self.tabs.shares = on;
        }
        early
    }

    /// Signed in, by a connection of its own.
    pub(crate) fn speaks(&self) -> bool {
        self.session.is_online() && !self.tabs.follows()
    }

    /// Whether this tab may connect now, by itself or through another one. It joins its group
    /// before.
    pub(crate) fn is_in_group(&mut self) -> bool {
        match self.tabs.role {
            Role::Out if self.tabs.shares => {
                self.tabs.role = Role::Joining;
                self.tabs.group = self.group_of_tabs();
                let (group, tab) = (self.tabs.group.clone(), self.tabs.id);
                self.push(Output::Tab(Command::Join { group, tab }));
            }
            Role::Out => {
                self.tabs.role = Role::Alone;
                // Another device of this token: the server signs the other tabs out.
                let drawn = [self.chance.draw(), self.chance.draw()];
                let key = drawn.map(u64::to_le_bytes).concat();
                self.session.device = wire::id::DeviceKey::from_slice(&key);
            }
            _ => {}
        }
        !matches!(self.tabs.role, Role::Out | Role::Joining)
    }

    /// Whether the group is the one of this account and database.
    pub(crate) fn is_in_wrong_group(&self) -> bool {
        !matches!(self.tabs.role, Role::Out | Role::Alone)
            && self.tabs.group != self.group_of_tabs()
    }

    pub(crate) fn leave_group(&mut self) {
        if !matches!(self.tabs.role, Role::Out | Role::Alone) {
            self.push(Output::Tab(Command::Leave));
        }
        self.tabs.role = Role::Out;
        self.tabs.forget();
        self.commits.share(false);
    }

    /// The database is gone for this tab, and others may have one: nothing is shared any more.
    pub(crate) fn be_alone(&mut self, now: Now) {
        if matches!(self.tabs.role, Role::Out | Role::Alone) {
            return;
        }
        self.lose_leader();
        self.leave_group();
        self.tabs.role = Role::Alone;
        self.connect_again(now);
    }

    pub(crate) fn tell_tabs(&mut self, tell: Tell) {
        self.tabs.last_told += 1;
        let number = self.tabs.last_told;
        self.push(Output::Tab(Command::Tell { number, tell }));
    }

    /// What a tab has told before it was heard first, or while this one was stopped, is in the
    /// store; of groups and profiles the leading one says how they are now.
    fn find_missed(&mut self, now: Now, from: TabId, number: u64) {
        match self.tabs.last_heard.insert(from, number) {
            last if number == last.unwrap_or(0) + 1 => {}
            None => self.catch_up(),
            Some(_) => {
                self.open_store_again();
                if self.tabs.follows() {
                    self.say_hello(now);
                }
            }
        }
    }

    /// Asks the leading tab for its connection.
    pub(crate) fn say_hello(&mut self, now: Now) {
        self.tabs.ask(now);
        self.tell_tabs(Tell::Hello);
    }

    pub(crate) fn tab_deadline(&self) -> Instant {
        match self.visible {
            true => self.tabs.deadline(),
            // Timers of hidden pages come late; nobody waits for them either.
            false => Instant::FAR_FUTURE,
        }
    }

    /// The leading tab is asked whether it lives, and not waited for for ever.
    pub(crate) fn watch_leader(&mut self, now: Now) {
        if now.instant < self.tab_deadline() {
            return;
        }
        let silent = self.tabs.asked.is_some();
        self.tabs.ask(now);
        match silent {
            true => {
                self.tabs.stole = true;
                self.push(Output::Tab(Command::Steal));
            }
            false => self.tell_tabs(Tell::Ping),
        }
    }

    /// The page is seen again: what is not known is asked for now.
    pub(crate) fn ask_leader_at_once(&mut self) {
        self.tabs.asked = None;
        self.tabs.ask_at = Instant(0);
    }

    pub(crate) fn on_tab(&mut self, now: Now, input: Input) {
        match (self.tabs.role, input) {
            (Role::Joining, Input::Joined) => {
                self.tabs.role = Role::Following;
                self.commits.share(true);
                self.catch_up();
                self.go_on_connecting(now);
            }
            (Role::Joining, Input::Alone) => {
                self.tabs.role = Role::Alone;
                self.go_on_connecting(now);
            }
            (Role::Following, Input::Elected) => self.on_elected(now),
            (Role::Leading, Input::Deposed) => self.on_deposed(now),
            (Role::Leading, Input::Gone(tab)) => self.on_tab_gone(now, tab),
            (Role::Following | Role::Leading, Input::Told { from, number, tell }) => {
                self.find_missed(now, from, number);
                self.on_tell(now, from, tell);
            }
            _ => {}
        }
    }

    /// The connection is this tab's from now on.
    fn on_elected(&mut self, now: Now) {
        self.lose_leader();
        self.tabs.role = Role::Leading;
        let former = self.tabs.leader.take();
        if let Some(former) = former {
            self.tabs.uploads.retain(|_, owner| *owner != former);
        }
        let others = core::mem::take(&mut self.tabs.stole) || former.is_some();
        // One that sleeps hears of it when it wakes up.
        self.commits.share(others);
        let known = self.tabs.held.keys().chain(self.tabs.uploads.values()).chain(&former);
        for tab in known.copied().collect::<Vec<_>>() {
            self.follow(tab);
        }
        self.tell_tabs(Tell::Lead);
        // Others may have written until now, also one that was never heard.
        self.open_store_again();
        self.connect_again(now);
    }

    /// This tab was not heard for a while, and another one took over.
    fn on_deposed(&mut self, now: Now) {
        self.lose_leader();
        self.tabs.role = Role::Following;
        self.tabs.forget();
        self.commits.share(true);
        self.catch_up();
        self.connect_again(now);
    }

    /// The connection is another tab's from now on.
    fn lose_leader(&mut self) {
        let was_online = self.session.is_online();
        self.drop_socket();
        if was_online {
            let reason = "the connection goes to another tab".into();
            self.set_status(Status::Offline, reason);
        }
    }

    fn connect_again(&mut self, now: Now) {
        self.session.forget_failures();
        self.session.link = Link::Preparing;
        self.go_on_connecting(now);
    }

    fn on_tell(&mut self, now: Now, from: TabId, tell: Tell) {
        match tell {
            Tell::Writing(writes) => drop(self.tabs.held.insert(from, writes)),
            Tell::Written => match self.tabs.held.remove(&from) {
                Some(writes) => self.take_told(now, from, writes, true),
                // It began before this tab listened.
                None => self.catch_up(),
            },
            Tell::Known(writes) => self.take_told(now, from, writes, false),
            Tell::Gone(tab) => {
                self.tabs.held.remove(&tab);
                self.tabs.last_heard.remove(&tab);
            }
            tell if self.tabs.leads() => self.on_follower(now, from, tell),
            tell => self.on_leader(now, from, tell),
        }
    }

    /// A tab that follows says something to this one, which leads.
    fn on_follower(&mut self, now: Now, from: TabId, tell: Tell) {
        match tell {
            Tell::Hello => {
                self.follow(from);
                match self.session.is_online() {
                    true => self.tell_online(now),
                    false => self.tell_tabs(Tell::Pong),
                }
            }
            Tell::Ping => self.tell_tabs(Tell::Pong),
            Tell::Relay(bytes) => self.transmit_bytes(bytes),
            Tell::Room { room, inside } => {
                self.follow(from);
                if let Some(rooms) = self.tabs.others.get_mut(&from) {
                    match inside {
                        true => rooms.insert(room),
                        false => rooms.remove(&room),
                    };
                }
                self.tell_room_to_server(room, inside);
            }
            _ => {}
        }
    }

    fn follow(&mut self, tab: TabId) {
        if self.tabs.others.contains_key(&tab) || tab == self.tabs.id {
            return;
        }
        self.tabs.others.insert(tab, Set::new());
        self.push(Output::Tab(Command::Watch(tab)));
        self.share_commits();
    }

    /// From now on commits are told; the one under way, too.
    fn share_commits(&mut self) {
        let known = self.commits.told().len();
        self.commits.share(true);
        let told = self.commits.told().to_vec();
        if told.len() > known {
            self.tell_tabs(Tell::Writing(told));
        }
    }

    /// Signed in: the others are.
    pub(crate) fn tell_online(&mut self, now: Now) {
        if self.tabs.others.is_empty() {
            return;
        }
        let profiles = self.profiles.of_welcome();
        self.tell_tabs(Tell::Known(profiles));
        self.tell_tabs(Tell::Online {
            uid: self.session.uid,
            address: self.session.address.clone(),
            now: self.session.server_time(now),
            upload_token: self.session.upload_token.clone(),
            upload_url: self.session.upload_url.clone(),
        });
    }

    /// The connection ended: so it did for the others. A token that is refused is this tab's
    /// only: the next one tries its own.
    pub(crate) fn tell_offline(&mut self, code: Option<Code>) {
        if self.tabs.leads() && !self.tabs.others.is_empty() {
            let code = code.filter(|code| {
                code.may_retry() || matches!(code, Code::SignedOut | Code::Suspended)
            });
            self.tell_tabs(Tell::Offline { code });
        }
    }

    /// Other tabs get what is for them.
    pub(crate) fn relay(&mut self, body: &server_frame::Body, bytes: &[u8]) {
        if self.tabs.leads() && !self.tabs.others.is_empty() && is_for_all(body) {
            self.tell_tabs(Tell::Frame(bytes.to_vec()));
        }
    }

    /// The tab that leads says something to this one, which follows.
    fn on_leader(&mut self, now: Now, from: TabId, tell: Tell) {
        if let Tell::Lead = tell {
            self.tabs.leader = Some(from);
            self.catch_up();
            self.lose_leader();
            return self.connect_again(now);
        }
        // What the others tell the leading one, and the last words of a former one.
        let for_all = matches!(
            tell,
            Tell::Pong | Tell::Online { .. } | Tell::Offline { .. } | Tell::Frame(_)
        );
        if !for_all || *self.tabs.leader.get_or_insert(from) != from {
            return;
        }
        self.tabs.heard(now);
        match tell {
            Tell::Online { uid, address, now: clock, upload_token, upload_url } => {
                if self.session.is_online() || self.session.link == Link::NoNetwork {
                    return;
                }
                self.set_status(Status::Connecting, String::new());
                let socket = self.session.open(now);
                self.session.set_clock(now, clock.0);
                self.session.uid = uid;
                self.session.address = address;
                self.session.upload_token = upload_token;
                self.session.upload_url = upload_url;
                self.session.enter(now, socket);
                self.set_status(Status::Online, String::new());
                self.on_signed_in(now);
            }
            Tell::Offline { code } => {
                let waits = matches!(self.session.link, Link::Opening { .. } | Link::Online { .. });
                if waits || code.is_some_and(|code| !code.may_retry()) {
                    self.on_connection_lost(now, code);
                }
            }
            Tell::Frame(bytes) => {
                if let Some(socket) = self.session.socket() {
                    self.session.hear(now);
                    self.on_bytes(now, socket, &bytes);
                }
            }
            _ => {}
        }
    }

    /// A tab that followed is closed or killed.
    fn on_tab_gone(&mut self, now: Now, tab: TabId) {
        let Some(rooms) = self.tabs.others.remove(&tab) else { return };
        self.tabs.last_heard.remove(&tab);
        self.tell_tabs(Tell::Gone(tab));
        // What it was writing counts, stored or not.
        if let Some(writes) = self.tabs.held.remove(&tab) {
            self.tell_tabs(Tell::Known(writes.clone()));
            self.take_told(now, tab, writes, false);
        }
        for room in rooms.iter() {
            self.tell_room_to_server(*room, false);
        }
        self.tabs.uploads.retain(|_, owner| *owner != tab);
        self.adopt_uploads();
        self.adopt_edits();
    }

    /// Files that nobody uploads any more.
    pub(crate) fn adopt_uploads(&mut self) {
        for id in self.outbox.uploading() {
            let key = crate::message::MessageKey::outgoing(id);
            if !self.tabs.uploads.contains_key(&id) && !self.transfers.contains(&key) {
                self.transfers.add(id, true);
            }
        }
    }

    // ---- rooms -----------------------------------------------------------------------------

    /// The server hears that this tab is in a room, or not any more.
    pub(crate) fn be_in_room(&mut self, room: GroupId, inside: bool) {
        match self.tabs.follows() {
            true if self.session.is_online() => self.tell_tabs(Tell::Room { room, inside }),
            true => {}
            false => self.tell_room_to_server(room, inside),
        }
    }

    /// All tabs are one for the server: the last one that is in a room leaves it.
    fn tell_room_to_server(&mut self, room: GroupId, inside: bool) {
        let gid = room.0;
        if inside {
            return self.transmit(client_frame::Body::RoomEnter(proto::RoomEnter { gid }));
        }
        let others = || self.tabs.others.values().any(|rooms| rooms.contains(&room));
        if !self.rooms.contains_key(&room) && !others() {
            self.transmit(client_frame::Body::RoomLeave(proto::RoomLeave { gid }));
        }
    }
}
