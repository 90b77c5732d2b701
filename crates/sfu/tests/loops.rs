//! Rooms in several media loops that share one port, with real sockets.

mod media;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use media::handle::{self, MediaConfig, MediaHandle};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use sfu::{Command, Event, Kind, Mapping, PeerId, RoomId, StreamId};
use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Input, Output, Rtc};

/// Longest wait for anything. It does not depend on it whether a test passes.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn two_rooms_in_two_loops_exchange_media_through_one_port() {
    let mut world = World::new(2);
    for (room, at) in [(1, 0), (2, 1)] {
        let [publisher, subscriber] = world.pair(room, at);
        assert_eq!(world.clients[&publisher].room, world.clients[&subscriber].room);
    }
    world.until(|world| world.received().all(|(_, count)| count >= 100));
    // A loop counts at the end of each of its rounds, when what it has sent may have come already.
    world.until(|world| {
        world.media.figures().iter().all(|figures| {
            figures.packets_in.load(Relaxed) >= 100 && figures.packets_out.load(Relaxed) >= 100
        })
    });
    let loops = world.media.figures();
    for figures in &loops {
        assert_eq!(figures.peers.load(Relaxed), 2);
        assert_eq!((figures.foreign.load(Relaxed), figures.dropped.load(Relaxed)), (0, 0));
    }
    assert_eq!(world.media.port_figures().foreign.load(Relaxed), 0, "nothing came too early");
    for (id, _) in world.received() {
        let client = &world.clients[&id];
        assert!(client.heard.iter().all(|room| *room == client.room), "media stays in its room");
    }
}

#[test]
fn a_room_that_is_closed_and_made_again_in_another_loop_has_media_at_the_same_addresses() {
    let mut world = World::new(2);
    let before = world.pair(1, 0);
    let other = world.pair(2, 1);
    world.until(|world| world.received().all(|(_, count)| count >= 20));
    let sockets = before.map(|id| world.leave(id, 0));
    let after = world.pair_at(1, 1, sockets.map(Some));
    world.until(|world| world.clients[&after[1]].heard.len() >= 20);
    let peers = world.media.figures().iter().map(|it| it.peers.load(Relaxed)).collect::<Vec<_>>();
    assert_eq!(peers, [0, 4]);
    // The other room has noticed nothing.
    let heard = world.clients[&other[1]].heard.len();
    world.until(|world| world.clients[&other[1]].heard.len() >= heard + 20);
}

#[test]
fn a_client_that_is_somewhere_else_all_of_a_sudden_is_found_in_its_loop() {
    let mut world = World::new(3);
    world.pair(1, 0);
    let moving = world.pair(2, 2);
    world.until(|world| world.received().all(|(_, count)| count >= 20));
    for id in moving {
        world.move_elsewhere(id);
    }
    let heard = world.clients[&moving[1]].heard.len();
    world.until(|world| world.clients[&moving[1]].heard.len() >= heard + 100);
    assert_eq!(world.media.figures()[2].peers.load(Relaxed), 2);
}

// ---- helpers -----------------------------------------------------------------------------

struct World {
    media: MediaHandle,
    events: tokio::sync::mpsc::Receiver<Event>,
    poll: Poll,
    clients: BTreeMap<u64, Client>,
    next_client: u64,
}

struct Client {
    rtc: Rtc,
    room: u64,
    socket: UdpSocket,
    /// As it knows itself; somewhere in between it may have become another one.
    address: SocketAddr,
    deadline: Instant,
    connected: bool,
    publishes: Option<Mid>,
    sequence: u64,
    next_at: Instant,
    /// The room of each packet that came.
    heard: Vec<u64>,
}

impl World {
    fn new(loops: usize) -> World {
        let (sender, events) = tokio::sync::mpsc::channel(1_024);
        let (listen, announce) = ("127.0.0.1:0".parse().unwrap(), Vec::new());
        let config = MediaConfig { listen, announce, loops, load_max: 100 };
        let media = handle::start(config, sender, sync_channel(1).0).unwrap();
        let poll = Poll::new().unwrap();
        World { media, events, poll, clients: BTreeMap::new(), next_client: 0 }
    }

    /// Two people in a room: who sends a picture and who sees it.
    fn pair(&mut self, room: u64, at: usize) -> [u64; 2] {
        self.pair_at(room, at, [None, None])
    }

    fn pair_at(&mut self, room: u64, at: usize, [one, two]: [Option<UdpSocket>; 2]) -> [u64; 2] {
        let publisher = self.join(room, at, one, None);
        [publisher, self.join(room, at, two, Some(publisher))]
    }

    fn join(&mut self, room: u64, at: usize, socket: Option<UdpSocket>, shows: Option<u64>) -> u64 {
        self.next_client += 1;
        let id = self.next_client;
        let socket =
            socket.unwrap_or_else(|| UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap());
        let socket = self.listen(socket, id);
        let address = socket.local_addr().unwrap();
        let now = Instant::now();
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .build(now);
        rtc.add_local_candidate(Candidate::host(address, Protocol::Udp).unwrap());
        let mut api = rtc.sdp_api();
        let direction = if shows.is_some() { Direction::RecvOnly } else { Direction::SendOnly };
        let mid = api.add_media(MediaKind::Video, direction, None, None, None);
        let (offer, pending) = api.apply().unwrap();
        let stream = StreamId(shows.unwrap_or(id));
        let mapping = vec![Mapping { mid: mid.to_string(), stream, kind: Kind::Video }];
        let (send, receive) =
            if shows.is_some() { (Vec::new(), mapping) } else { (mapping, Vec::new()) };
        let (peer, offer) = (PeerId(id), offer.to_sdp_string());
        let open = Command::Open { peer, room: RoomId(room) };
        self.media.command(at, open).unwrap();
        let negotiate = Command::Negotiate { peer, ticket: id, offer, send, receive };
        self.media.command(at, negotiate).unwrap();
        let answer = loop {
            match self.events.blocking_recv().unwrap() {
                Event::Answer { ticket, sdp, .. } if ticket == id => break sdp,
                Event::Refused { reason, .. } => panic!("{reason}"),
                _ => {}
            }
        };
        let answer = SdpAnswer::from_sdp_string(&answer).unwrap();
        rtc.sdp_api().accept_answer(pending, answer).unwrap();
        let mut client = Client {
            rtc,
            room,
            socket,
            address,
            deadline: now,
            connected: false,
            publishes: shows.is_none().then_some(mid),
            sequence: 1,
            next_at: now,
            heard: Vec::new(),
        };
        client.drain();
        self.clients.insert(id, client);
        id
    }

    fn listen(&self, mut socket: UdpSocket, id: u64) -> UdpSocket {
        let token = Token(id as usize);
        self.poll.registry().register(&mut socket, token, Interest::READABLE).unwrap();
        socket
    }

    /// Its connection ends; the socket is still its own.
    fn leave(&mut self, id: u64, at: usize) -> UdpSocket {
        self.media.command(at, Command::Close { peer: PeerId(id) }).unwrap();
        let mut client = self.clients.remove(&id).unwrap();
        self.poll.registry().deregister(&mut client.socket).unwrap();
        client.socket
    }

    /// The network between has another address for it.
    fn move_elsewhere(&mut self, id: u64) {
        let socket = self.listen(UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap(), id);
        self.clients.get_mut(&id).unwrap().socket = socket;
    }

    /// Who sees pictures, and how many packets came so far.
    fn received(&self) -> impl Iterator<Item = (u64, usize)> {
        let viewers = self.clients.iter().filter(|(_, client)| client.publishes.is_none());
        viewers.map(|(id, client)| (*id, client.heard.len()))
    }

    fn until(&mut self, done: impl Fn(&World) -> bool) {
        let patience = Instant::now() + PATIENCE;
        let mut ready = Events::with_capacity(64);
        while !done(self) {
            assert!(Instant::now() < patience, "{:?}", self.media.figures());
            while self.events.try_recv().is_ok() {}
            self.poll.poll(&mut ready, Some(Duration::from_millis(2))).unwrap();
            for client in self.clients.values_mut() {
                client.live();
            }
        }
    }
}

impl Client {
    fn live(&mut self) {
        let mut buffer = [0; 2_000];
        while let Ok((length, source)) = self.socket.recv_from(&mut buffer) {
            let datagram = Receive::new(Protocol::Udp, source, self.address, &buffer[..length]);
            // What was sent to who had the socket before may come late.
            let _ = self.rtc.handle_input(Input::Receive(Instant::now(), datagram.unwrap()));
            self.drain();
        }
        let now = Instant::now();
        if self.send(now) || self.deadline <= now {
            self.rtc.handle_input(Input::Timeout(now)).unwrap();
            self.drain();
        }
    }

    /// Writes a small key frame that says of which room it is.
    fn send(&mut self, now: Instant) -> bool {
        let Some(mid) = self.publishes.filter(|_| self.connected && self.next_at <= now) else {
            return false;
        };
        self.next_at = now + Duration::from_millis(5);
        let Some(pt) = self.rtc.media(mid).and_then(|media| media.remote_pts().first().copied())
        else {
            return false;
        };
        let mut payload = vec![0x10, 0];
        payload.extend(self.room.to_be_bytes());
        payload.resize(400, 0xab);
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(mid, None) else { return false };
        let time = (self.sequence * 450) as u32;
        let write = RtpWrite::new(pt, self.sequence.into(), time, now, payload);
        stream.write_rtp(write.marker(true).nackable(true));
        self.sequence += 1;
        true
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) => {
                    self.deadline = at;
                    return;
                }
                Output::Transmit(transmit) => {
                    // A full buffer loses the packet, as a network does.
                    let _ = self.socket.send_to(&transmit.contents, transmit.destination);
                }
                Output::Event(str0m::Event::Connected) => self.connected = true,
                Output::Event(str0m::Event::RtpPacket(packet)) => {
                    let room = packet.payload[2..10].try_into().unwrap();
                    self.heard.push(u64::from_be_bytes(room));
                }
                Output::Event(_) => {}
            }
        }
    }
}
