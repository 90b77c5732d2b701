//! The whole: routes inputs to peers and publications, packets to subscribers, outputs to the host.

mod commands;
mod drive;
mod links;
mod packets;
mod requests;
mod speaking;
mod views;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use wire::limits::HELD_FOR;

use crate::command::{Command, Event, Kind, PeerId, RoomId, StreamId};
use crate::deadlines::Deadlines;
use crate::demux::{Demux, Route, Slot};
use crate::peer::Peer;
use crate::publication::Publication;
use crate::recording::Recorded;
use crate::speakers::Speakers;

/// To so many peers a packet is held for the next ones. Below, driving each costs less than waking up
/// once more.
const HELD_FROM_PEERS: usize = 16;

/// What does not change while the SFU lives.
#[derive(Clone, Debug)]
pub struct Config {
    /// The addresses that clients are told: those at which datagrams for the one port arrive,
    /// perhaps through a NAT. The first is taken for datagrams whose destination is none of them.
    pub candidates: Vec<SocketAddr>,
}

/// Something that happened outside.
#[derive(Debug)]
pub enum Input<'a> {
    /// The hub wants something.
    Command(Command),
    /// A datagram came in.
    Datagram {
        /// Who sent it.
        source: SocketAddr,
        /// Where it arrived.
        destination: SocketAddr,
        /// All of it.
        bytes: &'a [u8],
    },
    /// Time passed.
    Tick,
}

/// Something the host has to do.
#[derive(Debug)]
pub enum Output {
    /// Send a datagram. Those for one peer follow each other.
    Transmit(Transmit),
    /// Tell the hub.
    Event(Event),
    /// From now on these datagrams are for this SFU: for a host that has several at one port. Comes before
    /// anything that could make somebody send them.
    Claim(Route),
    /// They are not, unless another SFU has claimed them since.
    Release(Route),
    /// Write down what is recorded.
    Recorded(Recorded),
    /// Nothing more until an input comes or this time; `None` is for ever.
    Wait(Option<Instant>),
}

/// A datagram to send.
#[derive(Debug)]
pub struct Transmit {
    /// Which candidate it leaves from.
    pub source: SocketAddr,
    /// Where it goes.
    pub destination: SocketAddr,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// What went through, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams taken by a peer.
    pub received: u64,
    /// Datagrams that were no peer's, or not understood.
    pub foreign: u64,
    /// RTP packets of published tracks.
    pub packets_in: u64,
    /// RTP packets written to subscribers.
    pub packets_out: u64,
    /// Key frames asked of publishers.
    pub key_frames_asked: u64,
    /// Peers whose WebRTC stack broke. Each is a bug, there or here.
    pub broken: u64,
}

/// The selective forwarding unit.
pub struct Sfu {
    config: Config,
    now: Instant,
    peers: Vec<Option<Peer>>,
    free: Vec<Slot>,
    slots: HashMap<PeerId, Slot>,
    demux: Demux<Slot>,
    publications: HashMap<StreamId, Publication>,
    /// Peers that were written to.
    dirty: Vec<Slot>,
    /// Since when the first of them waits to be driven.
    dirty_since: Option<Instant>,
    peer_deadlines: Deadlines<(Slot, PeerId)>,
    track_deadlines: Deadlines<(StreamId, Kind)>,
    /// When to look at what everybody's link carries; never while nobody is there.
    allocate_at: Option<Instant>,
    /// Who speaks in each room.
    speakers: HashMap<RoomId, Speakers>,
    /// Where those are who have spoken.
    spoke_in: HashMap<StreamId, RoomId>,
    outputs: VecDeque<Output>,
    next_run: u64,
    counters: Counters,
}

impl Sfu {
    /// An SFU without peers.
    pub fn new(now: Instant, config: Config) -> Sfu {
        Sfu {
            config,
            now,
            peers: Vec::new(),
            free: Vec::new(),
            slots: HashMap::new(),
            demux: Demux::default(),
            publications: HashMap::new(),
            dirty: Vec::new(),
            dirty_since: None,
            peer_deadlines: Deadlines::new(),
            track_deadlines: Deadlines::new(),
            allocate_at: None,
            speakers: HashMap::new(),
            spoke_in: HashMap::new(),
            outputs: VecDeque::new(),
            next_run: 0,
            counters: Counters::default(),
        }
    }

    /// Changes state. Time never goes back: an earlier `now` counts as the latest one. Many
    /// inputs may come before the outputs are polled.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        self.now = self.now.max(now);
        match input {
            Input::Command(command) => self.on_command(command),
            Input::Datagram { source, destination, bytes } => {
                self.on_datagram(source, destination, bytes);
            }
            Input::Tick => {}
        }
    }

    /// What follows; to be called until it says [`Output::Wait`].
    pub fn poll_output(&mut self) -> Output {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return output;
            }
            let held_until = self.held_until();
            if held_until.is_none()
                && let Some(slot) = self.dirty.pop()
            {
                self.drive(slot);
                continue;
            }
            if self.look_at_what_is_due() {
                continue;
            }
            let (peers, tracks) = (self.peer_deadlines.next(), self.track_deadlines.next());
            let next = [held_until, peers, tracks, self.allocate_at];
            return Output::Wait(next.into_iter().flatten().min());
        }
    }

    /// What went through so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Peers and streams it knows now.
    pub fn population(&self) -> (usize, usize) {
        (self.slots.len(), self.publications.len())
    }

    /// What goes to many waits a moment for the next packets of its picture: together they cost
    /// each peer little more than one of them.
    fn held_until(&mut self) -> Option<Instant> {
        if self.dirty.len() < HELD_FROM_PEERS {
            // Some were driven already: so are the others.
            self.dirty_since = None;
            return None;
        }
        let since = *self.dirty_since.get_or_insert(self.now);
        Some(since + HELD_FOR).filter(|at| *at > self.now)
    }

    fn claim(&mut self, route: Route, slot: Slot) {
        self.outputs.push_back(Output::Claim(route.clone()));
        self.demux.claim(route, slot);
    }

    fn release(&mut self, route: Route, slot: Slot) {
        if self.demux.is_of(&route, slot) {
            self.demux.release(&route, slot);
            self.outputs.push_back(Output::Release(route));
        }
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
