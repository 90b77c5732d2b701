//! Connections between pages and the server: delay, breaks noticed late, silence.
//!
//! Bytes of one connection arrive in order. Those of an old connection may arrive after a new
//! one was opened: each connection has its own delay.

use client::SocketId;
use hub::Input as HubInput;
use std::collections::BTreeMap;
use wire::id::SessionId;

use crate::planted::Planted;
use crate::world::{Event, Place, World};

/// All connections of a world.
#[derive(Debug, Default)]
pub(crate) struct Network {
    pub links: BTreeMap<SessionId, Link>,
    sessions: u64,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub place: Place,
    /// Life of the page.
    pub life: u32,
    pub socket: SocketId,
    /// Life of the server.
    server_life: u32,
    /// When the last bytes of each direction arrive.
    up: u64,
    down: u64,
    /// Longest time on the way, ms.
    delay_max: u64,
    flow: Flow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Open,
    /// Nothing new gets through; what is on its way arrives.
    Broken,
    /// Nothing gets through, and neither end knows.
    Silent,
}

impl World {
    pub(crate) fn connect(&mut self, place: Place, socket: SocketId) {
        let life = self.pages[place].life;
        let after = self.chance.between(1, 200);
        let unlucky = self.chaotic && self.chance.one_in(8);
        if unlucky || !self.pages[place].reachable || !self.is_serving() {
            let input = client::Input::SocketClosed { socket, code: None };
            return self.page_later(after, place, life, input);
        }
        self.network.sessions += 1;
        let session = SessionId(self.network.sessions);
        let slow = self.chaotic && self.chance.one_in(4);
        let delay_max = if slow { 2_000 } else { 60 };
        let (up, down) = (self.time + after, self.time + after);
        let (server_life, flow) = (self.server.life, Flow::Open);
        let link = Link { place, life, socket, server_life, up, down, delay_max, flow };
        self.network.links.insert(session, link);
        self.pages[place].socket = Some((socket, session));
        let remote = std::net::IpAddr::from([127, 0, 0, 1]);
        self.up(session, HubInput::Opened { session, remote });
        self.down(session, |socket| client::Input::SocketOpened { socket });
    }

    /// Something travels to the server.
    pub(crate) fn up(&mut self, session: SessionId, input: HubInput) {
        let Some((delay, swap)) = self.travel(session) else { return };
        let Some(link) = self.network.links.get_mut(&session) else { return };
        let at = link.up.max(self.time + delay);
        link.up = if swap { link.up } else { at };
        let (life, event) = (link.server_life, Box::new(input));
        self.queue.add(at, Event::Up { session, life, input: event });
    }

    /// Something travels to the page.
    pub(crate) fn down(
        &mut self,
        session: SessionId,
        input: impl FnOnce(SocketId) -> client::Input,
    ) {
        let Some((delay, swap)) = self.travel(session) else { return };
        let Some(link) = self.network.links.get_mut(&session) else { return };
        let at = link.down.max(self.time + delay);
        link.down = if swap { link.down } else { at };
        let (place, life, event) = (link.place, link.life, Box::new(input(link.socket)));
        self.queue.add(at, Event::Down { session, place, life, input: event });
    }

    /// How long the next bytes take, and whether the planted bug makes others overtake them.
    fn travel(&mut self, session: SessionId) -> Option<(u64, bool)> {
        let link = self.network.links.get(&session)?;
        let delay_max = link.delay_max;
        if link.flow != Flow::Open {
            return None;
        }
        let delay = self.chance.between(1, delay_max);
        let swap = self.planted == Planted::SwapFrames && self.chance.one_in(8);
        Some((if swap { delay + 100 } else { delay }, swap))
    }

    /// Whether what was on its way arrives.
    pub(crate) fn gets_through(&self, session: SessionId) -> bool {
        self.network.links.get(&session).is_some_and(|link| link.flow != Flow::Silent)
    }

    /// The page's connection breaks; both ends notice some time later.
    pub(crate) fn break_link(&mut self, place: Place) {
        let Some((socket, session)) = self.pages[place].socket.take() else { return };
        let (up, down) = (self.chance.between(1, 5_000), self.chance.between(1, 5_000));
        self.set_flow(session, Flow::Broken);
        let closed = client::Input::SocketClosed { socket, code: None };
        let life = self.pages[place].life;
        self.page_later(down, place, life, closed);
        self.hub_notices(up, session);
    }

    /// The page's connection is dead, and neither end is told.
    pub(crate) fn silence_link(&mut self, place: Place) {
        if let Some((_, session)) = self.pages[place].socket {
            self.set_flow(session, Flow::Silent);
        }
    }

    /// The page hangs up: what it said before still arrives.
    pub(crate) fn page_hangs_up(&mut self, place: Place, socket: SocketId) {
        let current = self.pages[place].socket;
        if let Some((_, session)) = current.filter(|(known, _)| *known == socket) {
            self.pages[place].socket = None;
            self.up(session, HubInput::Closed { session });
            self.set_flow(session, Flow::Broken);
        }
    }

    /// The server hangs up: what it said before still arrives.
    pub(crate) fn server_hangs_up(&mut self, session: SessionId, code: wire::code::Code) {
        self.down(session, |socket| client::Input::SocketClosed { socket, code: Some(code) });
        self.set_flow(session, Flow::Broken);
    }

    /// The server is gone: all connections break.
    pub(crate) fn break_all(&mut self) {
        let heard = |_: &SessionId, link: &mut Link| link.flow != Flow::Silent;
        let broken: Vec<_> = self.network.links.extract_if(.., heard).collect();
        for (session, link) in broken {
            let (place, life, socket) = (link.place, link.life, link.socket);
            if self.pages[place].socket == Some((socket, session)) {
                self.pages[place].socket = None;
            }
            let noticed = self.chance.between(1, 2_000);
            let closed = client::Input::SocketClosed { socket, code: None };
            // After what was on its way.
            let noticed = noticed.max(link.down.saturating_sub(self.time));
            self.page_later(noticed, place, life, closed);
        }
    }

    fn hub_notices(&mut self, after: u64, session: SessionId) {
        let Some(link) = self.network.links.get(&session) else { return };
        let at = link.up.max(self.time + after);
        let (life, input) = (link.server_life, Box::new(HubInput::Closed { session }));
        self.queue.add(at, Event::Up { session, life, input });
    }

    fn set_flow(&mut self, session: SessionId, flow: Flow) {
        let link = self.network.links.get_mut(&session);
        // What was lost in silence does not come back.
        if let Some(link) = link.filter(|link| link.flow != Flow::Silent) {
            link.flow = flow;
        }
    }
}
