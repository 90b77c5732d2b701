//! The world: pages, a server, the network between them, and time, which jumps from one event
//! to the next.
//!
//! Real clients talk to the real hub. What people and fate do are the verbs of [`World`]; all
//! chance comes from its seed.

use std::collections::BTreeMap;

use client::event::ConnectionStatus;
use client::message::{Content, Conversation, Draft};
use hub::Input as HubInput;
use hub::port::admin::{
    Credential, GroupFields, MemberFields, Operation, Reply as AdminReply, TokenWish, UserFields,
};
use hub::port::store as server_store;
use wire::id::{DeviceKey, GroupId, MessageId, SessionId, Ticket};
use wire::time::{Instant, Now, Timestamp};

use crate::chance::Chance;
use crate::memory_store::MemoryStore;
use crate::network::Network;
use crate::page::{Page, Seen};
use crate::planted::Planted;
use crate::queue::Queue;
use crate::server::Server;
use crate::tabs::Groups;

/// Number of a page's place: one browser profile, through all its reloads.
pub type Place = usize;

/// Something that is going to happen.
#[derive(Debug)]
pub(crate) enum Event {
    HubTick,
    Hub {
        life: u32,
        input: Box<HubInput>,
    },
    Up {
        session: SessionId,
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
    Down {
        session: SessionId,
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
    /// Messages taken by a page's `send`: what may not be lost.
    pub promised: Vec<Promised>,
    /// What was only for who was online: shown at most once, kept by nobody but its sender.
    pub passing: Vec<Promised>,
    /// Who became a member of which group, or was removed, and when the backend knew.
    pub memberships: Vec<Membership>,
    /// How the groups are called.
    pub group_names: BTreeMap<GroupId, String>,
    /// The bug of this world.
    pub planted: Planted,
    /// Milliseconds since the world began.
    pub time: u64,
    /// A wall clock was turned: after a reload, messages may stand where the clock was wrong.
    pub clocks_turned: bool,
    /// Connections fail and are slow, stores are slow, of their own accord.
    pub chaotic: bool,
    pub(crate) server: Server,
    pub(crate) network: Network,
    /// Browsers have locks and channels, so that their tabs share a connection.
    pub shares: bool,
    pub(crate) groups: Groups,
    pub(crate) queue: Queue<Event>,
}

/// A message that was taken.
#[derive(Clone, Debug)]
pub struct Promised {
    /// The page it was sent from.
    pub place: Place,
    /// In this life of the page.
    pub life: u32,
    /// When, milliseconds since the world began.
    pub at: u64,
    /// Its id.
    pub id: MessageId,
    /// Where to.
    pub to: Conversation,
    /// Its text.
    pub text: String,
}

/// A change of a group's members.
#[derive(Clone, Debug)]
pub struct Membership {
    /// When the backend asked for it, and when it was answered.
    pub asked: u64,
    /// See `asked`.
    pub answered: u64,
    /// Which group.
    pub group: GroupId,
    /// Whose membership.
    pub user: String,
    /// Is a member from now on.
    pub member: bool,
}

/// When the world begins, ms since 1970.
const START: u64 = 1_700_000_000_000;

/// How long [`World::drive`] lets the world find its peace, ms.
const PEACE_WITHIN: u64 = 300_000;

impl World {
    /// A server with one app and nobody in it. Connections and stores work and are quick.
    pub fn new(seed: u64) -> World {
        let mut world = World {
            chance: Chance::new(seed),
            pages: Vec::new(),
            disk: MemoryStore::default(),
            promised: Vec::new(),
            passing: Vec::new(),
            memberships: Vec::new(),
            group_names: BTreeMap::new(),
            planted: Planted::None,
            time: 0,
            clocks_turned: false,
            chaotic: false,
            server: Server::new(),
            network: Network::default(),
            shares: false,
            groups: Groups::new(),
            queue: Queue::default(),
        };
        match world.admin(Operation::AppAdd { name: "sim".into() }) {
            AdminReply::App { token, .. } => {
                world.server.app = Credential::App(hub::hash_token(&token));
            }
            other => panic!("no app: {other:?}"),
        }
        world
    }

    // ---- backend -------------------------------------------------------------------------

    /// Adds a user, or a device of one, with a page that is started and online: from its first
    /// sign-in on a device gets everything.
    pub fn page(&mut self, user: &str) -> Place {
        let place = self.pages.len();
        let app = format!("app{place}");
        let place = self.closed_page(user, TokenWish { app, any_app: true, expiry_minutes: 0 });
        self.open_tab(place);
        while self.status(place) != ConnectionStatus::Online {
            assert!(self.step(), "the page never comes online");
        }
        place
    }

    /// As [`World::page`] with this kind of token, and not opened yet.
    pub fn closed_page(&mut self, user: &str, token: TokenWish) -> Place {
        let place = self.pages.len();
        let fields = UserFields::default();
        let operation = Operation::UserAdd { address: user.into(), fields, token: Some(token) };
        let AdminReply::User { token: Some(issued), user: stored, .. } = self.admin(operation)
        else {
            panic!("no token");
        };
        let key = DeviceKey([place as u8 + 1; 16]);
        self.pages.push(Page::new(user, stored.uid, issued.token, key));
        place
    }

    /// Another browser with the same token, not opened yet.
    pub fn second_browser(&mut self, place: Place) -> Place {
        let key = DeviceKey([self.pages.len() as u8 + 1; 16]);
        let first = &self.pages[place];
        let page = Page::new(&first.user, first.uid, first.token.clone(), key);
        self.pages.push(page);
        self.pages.len() - 1
    }

    /// Adds a group with these members.
    pub fn group(&mut self, members: &[&str]) -> GroupId {
        self.group_with(GroupFields::default(), members)
    }

    /// Adds a group with these members and settings.
    pub fn group_with(&mut self, fields: GroupFields, members: &[&str]) -> GroupId {
        let asked = self.time;
        let names = members.iter().map(|member| member.to_string()).collect();
        let rights = MemberFields::default();
        let group = match self.admin(Operation::GroupAdd { fields, members: names, rights }) {
            AdminReply::Group { group, .. } => {
                self.group_names.insert(group.gid, group.name);
                group.gid
            }
            other => panic!("no group: {other:?}"),
        };
        for user in members {
            self.note_membership(asked, group, user, true);
        }
        group
    }

    /// Makes the user a member.
    pub fn add_member(&mut self, gid: GroupId, user: &str) {
        let (asked, rights) = (self.time, MemberFields::default());
        self.admin(Operation::MembersEdit { gid, members: vec![user.into()], rights });
        self.note_membership(asked, gid, user, true);
    }

    /// Takes the user's membership away.
    pub fn remove_member(&mut self, gid: GroupId, user: &str) {
        let asked = self.time;
        self.admin(Operation::MembersRemove { gid, members: vec![user.into()] });
        self.note_membership(asked, gid, user, false);
    }

    /// Gives the group another name.
    pub fn rename_group(&mut self, gid: GroupId, name: &str) {
        let fields = GroupFields { name: Some(name.into()), ..GroupFields::default() };
        let (members, rights) = (Vec::new(), MemberFields::default());
        self.admin(Operation::GroupSet { gid, fields, members, rights });
        self.group_names.insert(gid, name.into());
    }

    fn note_membership(&mut self, asked: u64, group: GroupId, user: &str, member: bool) {
        let answered = self.time;
        let user = user.into();
        self.memberships.push(Membership { asked, answered, group, user, member });
    }

    // ---- what people and fate do -----------------------------------------------------------

    /// The page sends a text. Its id, unless it is refused at once or its tab is closed.
    pub fn send(&mut self, place: Place, to: Conversation, text: &str) -> Option<MessageId> {
        let sent = self.hand_over(place, to, text, None)?;
        let id = sent.id;
        self.promised.push(sent);
        self.drain_page(place);
        Some(id)
    }

    /// The page sends a text that is only for who is online now.
    pub fn send_now(&mut self, place: Place, to: Conversation, text: &str) -> Option<MessageId> {
        let sent = self.hand_over(place, to, text, Some(0))?;
        let id = sent.id;
        self.passing.push(sent);
        self.drain_page(place);
        Some(id)
    }

    fn hand_over(
        &mut self,
        place: Place,
        to: Conversation,
        text: &str,
        expiry: Option<u32>,
    ) -> Option<Promised> {
        let content = Content { body: text.as_bytes().to_vec().into(), ..Content::default() };
        let draft =
            Draft { to: to.clone(), id: 0, kind: 0, flags: 3, expiry, content, announce: true };
        if self.pages[place].frozen {
            return None;
        }
        let now = self.page_now(place);
        let id = self.pages[place].client.as_mut()?.send(now, draft).ok()?.message.key.id;
        let (life, at, text) = (self.pages[place].life, self.time, text.into());
        Some(Promised { place, life, at, id, to, text })
    }

    /// The page opens a conversation and reads it, with receipts.
    pub fn read(&mut self, place: Place, conversation: Conversation) {
        if self.pages[place].frozen {
            return;
        }
        self.pages[place].reads = Some(conversation);
        self.open_conversation(place);
        self.drain_page(place);
    }

    /// The page tells that it types.
    pub fn type_to(&mut self, place: Place, to: &Conversation) {
        let typing = wire::mask::presence::TYPING;
        self.with(place, |client, now| client.send_presence(now, to, typing, 0, 0, Vec::new()));
    }

    /// The page comes to the front, or goes behind.
    pub fn show(&mut self, place: Place, visible: bool) {
        let life = self.pages[place].life;
        self.page_input(place, life, client::Input::Visible(visible));
    }

    /// The connection breaks. Either side may notice late; new ones can be made.
    pub fn cut(&mut self, place: Place) {
        self.break_link(place);
    }

    /// The connection is dead, and neither side is told.
    pub fn silence(&mut self, place: Place) {
        self.silence_link(place);
    }

    /// The page ends its connection.
    pub fn stop(&mut self, place: Place) {
        self.with(place, |client, now| client.stop(now));
    }

    /// The page connects again after [`World::stop`].
    pub fn start(&mut self, place: Place) {
        self.with(place, |client, now| client.start(now).expect("it has a token"));
    }

    /// The tab is killed: what was not on its disk is gone.
    pub fn kill_tab(&mut self, place: Place) {
        self.break_link(place);
        let time = self.time;
        self.pages[place].close(time);
        self.leave_groups(place);
    }

    /// kill -9, and it starts again at once.
    pub fn restart_server(&mut self) {
        self.kill_server();
        self.start_server();
    }

    /// The next writes of the server's store fail.
    pub fn fail_server_writes(&mut self, count: u32) {
        self.server.failing_writes += count;
    }

    /// The next writes of this browser fail.
    pub fn fail_page_writes(&mut self, place: Place, count: u32) {
        self.pages[place].failing_writes += count;
    }

    /// The browser deletes its storage, and tells an open page.
    pub fn lose_store(&mut self, place: Place) {
        let (time, key) = (self.time, self.pages[place].key);
        for place in 0..self.pages.len() {
            if self.pages[place].key == key {
                self.pages[place].lose_store(time);
                let life = self.pages[place].life;
                self.page_later(1, place, life, client::Input::StoreLost);
            }
        }
    }

    /// The wall clock of this page's machine jumps.
    pub fn turn_clock(&mut self, place: Place, ms: i64) {
        self.clocks_turned = true;
        self.pages[place].wall_offset += ms;
    }

    /// The wall clock of the server jumps.
    pub fn turn_server_clock(&mut self, ms: i64) {
        self.clocks_turned = true;
        self.server.wall_offset += ms;
    }

    /// Everything works again, all tabs are open, and enough time passes for everybody to get
    /// everything.
    pub fn heal(&mut self) {
        self.start_server();
        self.server.failing_writes = 0;
        for place in 0..self.pages.len() {
            self.pages[place].failing_writes = 0;
            self.pages[place].reachable = true;
            self.thaw_tab(place);
            self.open_tab(place);
            self.start(place);
            self.show(place, true);
        }
        self.pass(180_000);
    }

    // ---- what can be seen ------------------------------------------------------------------

    /// What the page was told last of its connection.
    pub fn status(&self, place: Place) -> ConnectionStatus {
        let page = &self.pages[place];
        page.client.as_ref().map_or(ConnectionStatus::Unknown, |client| client.status())
    }

    /// What the media server was told.
    pub fn media(&self) -> &[hub::port::media::Command] {
        &self.server.media
    }

    /// What the page was told that is neither a message, a status nor of the connection.
    pub fn told(&self, place: Place) -> Vec<&client::event::Event> {
        let told = self.pages[place].seen.iter().filter_map(|seen| match seen {
            Seen::Other(event) => Some(&**event),
            _ => None,
        });
        told.collect()
    }

    // ---- time ----------------------------------------------------------------------------

    /// Lets this much time pass.
    pub fn pass(&mut self, ms: u64) {
        let end = self.time + ms;
        while self.queue.next_at().is_some_and(|at| at <= end) {
            self.step();
        }
        self.time = end;
    }

    /// Lets time pass until nothing is on its way any more: from one deadline to the next,
    /// nothing sleeps.
    ///
    /// # Panics
    /// When there is no peace within five minutes of virtual time.
    pub fn drive(&mut self) {
        let deadline = self.time + PEACE_WITHIN;
        while !self.is_quiet() {
            assert!(
                self.time < deadline,
                "no peace: {:?}",
                self.queue.waiting().collect::<Vec<_>>()
            );
            self.step();
        }
    }

    /// Nothing is on its way, and every page that could be online is.
    fn is_quiet(&self) -> bool {
        let tick = |event: &Event| matches!(event, Event::HubTick | Event::PageTick { .. });
        self.pages.iter().all(|page| self.is_settled(page)) && self.queue.waiting().all(tick)
    }

    fn is_settled(&self, page: &Page) -> bool {
        use ConnectionStatus::{AuthFail, Online, SignOut, Stopped, Suspend, Unknown};
        let Some(client) = &page.client else { return true };
        let settled = [AuthFail, Online, SignOut, Stopped, Suspend, Unknown];
        !page.reachable || !self.is_serving() || settled.contains(&client.status())
    }

    pub(crate) fn server_now(&self) -> Now {
        self.now_with(self.server.wall_offset)
    }

    pub(crate) fn page_now(&self, place: Place) -> Now {
        self.now_with(self.pages[place].wall_offset)
    }

    fn now_with(&self, offset: i64) -> Now {
        let wall = (START + self.time).saturating_add_signed(offset);
        Now { instant: Instant(self.time), wall: Timestamp(wall) }
    }

    /// Performs the next event; `false` when there is none.
    pub(crate) fn step(&mut self) -> bool {
        let Some((at, event)) = self.queue.take() else { return false };
        self.time = self.time.max(at);
        match event {
            Event::HubTick => self.hub_tick(at),
            Event::Hub { life, input } => {
                if life == self.server.life {
                    self.hub_input(*input);
                }
            }
            Event::Up { session, life, input } => {
                let arrives =
                    matches!(*input, HubInput::Closed { .. }) || self.gets_through(session);
                if life == self.server.life && arrives {
                    self.hub_input(*input);
                }
            }
            Event::ServerStore { life, ticket, request } => {
                if life == self.server.life {
                    self.perform_for_server(ticket, *request);
                }
            }
            Event::PageTick { place, life } => self.page_tick(place, life, at),
            Event::Page { place, life, input } => self.page_input(place, life, *input),
            Event::Down { session, place, life, input } => {
                self.arrive(session, place, life, *input)
            }
            Event::PageStore { place, life, ticket, request } => {
                self.perform_for_page(place, life, ticket, *request);
            }
        }
        true
    }

    /// Something reaches a page; the server's queue for it drains.
    fn arrive(&mut self, session: SessionId, place: Place, life: u32, input: client::Input) {
        let bytes = match &input {
            client::Input::SocketFrame { bytes, .. } => bytes.len(),
            _ => 0,
        };
        // After the server's end its last words are still on their way.
        let link_gone = !self.network.links.contains_key(&session);
        if !link_gone && !self.gets_through(session) {
            return;
        }
        if bytes > 0 && !link_gone {
            self.hub_input(HubInput::Drained { session, bytes });
        }
        self.page_input(place, life, input);
    }
}
