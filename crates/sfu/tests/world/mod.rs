//! Clients as browsers are, an SFU and a network between them, in one thread with invented time.
#![allow(dead_code)] // Each test binary uses its part.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sfu::{
    Command, Config, Demux, Event, Input, Kind, Mapping, Output, PeerId, Recorded, RoomId, Route,
    Sfu, StreamId,
};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{
    Direction, KeyframeRequestKind, MediaKind, Mid, Pt, Rid, Simulcast, SimulcastLayer,
};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RedDecoder, RedEncoder, RedundantBlock, RtpWrite};
use str0m::{Candidate, Rtc, RtcConfig};

pub const ROOM: RoomId = RoomId(1);
const PORT: &str = "203.0.113.1:3478";

/// Chance with a seed (xorshift64*).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }

    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What the network does to a datagram.
#[derive(Clone, Copy)]
pub struct Weather {
    pub loss_percent: u64,
    pub delay: Duration,
    /// Up to so much more, which reorders.
    pub jitter: Duration,
    /// Bits a second to one client; what would wait longer than [`QUEUE`] is dropped.
    pub rate: Option<u64>,
}

const QUEUE: Duration = Duration::from_millis(300);

pub const FAIR: Weather = Weather {
    loss_percent: 0,
    delay: Duration::from_millis(10),
    jitter: Duration::ZERO,
    rate: None,
};

struct Flight {
    source: SocketAddr,
    destination: SocketAddr,
    bytes: Vec<u8>,
}

/// One media packet as a subscriber got it.
#[derive(Clone, Debug)]
pub struct Received {
    pub at: Instant,
    pub sequence: u64,
    pub time: u32,
    pub key: bool,
    /// Which stream it says it is of, and its number there.
    pub stream: StreamId,
    pub number: u32,
    /// The number of what it carries once more.
    pub past: Option<u32>,
    /// Which layer of a picture in several, and its number as the line has it.
    pub layer: usize,
    pub picture: u16,
}

/// Names of the layers of a picture in several, its widths, and packets in a frame.
pub const LAYERS: [(&str, u16, u32); 3] = [("0", 320, 1), ("1", 640, 3), ("2", 1_280, 9)];

/// A track that a client sends.
pub struct Source {
    pub mid: Mid,
    pub stream: StreamId,
    pub kind: Kind,
    pub level: i8,
    pub codec: &'static str,
    pub key_requests: u32,
    /// For each layer: whether it is sent, and whether a key frame is due.
    pub layers: Vec<(bool, bool)>,
    pub sent: u32,
    /// The sound before, where a packet carries it once more.
    past: Option<Vec<u8>>,
    sequence: u64,
    /// For each layer.
    sequences: [u64; LAYERS.len()],
    time: u32,
    next_at: Instant,
    key_due: bool,
    key_asked_at: Option<Instant>,
    live: bool,
}

pub struct Client {
    pub id: PeerId,
    pub address: SocketAddr,
    /// As which the network between turns it.
    pub outside: SocketAddr,
    pub rtc: Rtc,
    pub sources: Vec<Source>,
    pub receives: Vec<Mapping>,
    pub received: BTreeMap<(StreamId, Kind), Vec<Received>>,
    pub connected: bool,
    /// Its pictures are sent in several layers.
    pub simulcast: bool,
    pub asked_at: Option<Instant>,
    pending: Option<SdpPendingOffer>,
    deadline: Instant,
}

pub struct World {
    pub now: Instant,
    pub sfu: Sfu,
    pub clients: BTreeMap<u64, Client>,
    pub events: Vec<Event>,
    pub recorded: Vec<Recorded>,
    pub weather: Weather,
    pub chance: Chance,
    /// How many datagrams lose their end on the way to the SFU.
    pub truncate_percent: u64,
    flights: BTreeMap<u64, Flight>,
    arrivals: BinaryHeap<Reverse<(Instant, u64)>>,
    next_flight: u64,
    /// When the thin link to a client has sent what waits.
    busy_until: BTreeMap<SocketAddr, Instant>,
    next_ticket: u64,
    sfu_deadline: Option<Instant>,
    /// What the SFU has claimed.
    routes: Demux<()>,
}

pub fn sfu_address() -> SocketAddr {
    PORT.parse().unwrap()
}

impl World {
    pub fn new(seed: u64) -> World {
        let now = Instant::now();
        let config = Config { candidates: vec![sfu_address()] };
        World {
            now,
            sfu: Sfu::new(now, config),
            clients: BTreeMap::new(),
            events: Vec::new(),
            recorded: Vec::new(),
            weather: FAIR,
            chance: Chance::new(seed),
            truncate_percent: 0,
            flights: BTreeMap::new(),
            arrivals: BinaryHeap::new(),
            next_flight: 0,
            busy_until: BTreeMap::new(),
            next_ticket: 0,
            sfu_deadline: None,
            routes: Demux::default(),
        }
    }

    /// A client with every codec, in the common room.
    pub fn open(&mut self, id: u64) {
        self.open_as(id, ROOM, |config| config);
    }

    pub fn open_as(
        &mut self,
        id: u64,
        room: RoomId,
        configure: impl FnOnce(RtcConfig) -> RtcConfig,
    ) {
        // A client that comes again comes from another port.
        self.next_flight += 1;
        let port = 10_000 + (self.next_flight % 50_000) as u16;
        let address = SocketAddr::from(([10, 0, 0, id as u8], port));
        let config = Rtc::builder()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .enable_h264(true);
        let mut rtc = configure(config).build(self.now);
        rtc.add_local_candidate(Candidate::host(address, Protocol::Udp).unwrap());
        let client = Client {
            id: PeerId(id),
            address,
            outside: address,
            rtc,
            sources: Vec::new(),
            receives: Vec::new(),
            received: BTreeMap::new(),
            connected: false,
            simulcast: false,
            asked_at: None,
            pending: None,
            deadline: self.now,
        };
        self.clients.insert(id, client);
        self.command(Command::Open { peer: PeerId(id), room });
    }

    pub fn command(&mut self, command: Command) {
        self.sfu.handle_input(self.now, Input::Command(command));
        self.drain_sfu();
    }

    /// The client adds tracks to publish and streams to receive, and offers.
    pub fn negotiate(&mut self, id: u64, send: &[(u64, Kind)], receive: &[(u64, Kind)]) {
        let now = self.now;
        let client = self.clients.get_mut(&id).unwrap();
        let mut api = client.rtc.sdp_api();
        for (stream, kind) in send {
            let several = client.simulcast && *kind == Kind::Video;
            let simulcast = several.then(|| Simulcast {
                send: LAYERS.iter().map(|(rid, ..)| SimulcastLayer::new(rid)).collect(),
                recv: Vec::new(),
            });
            let mid = api.add_media(media_kind(*kind), Direction::SendOnly, None, None, simulcast);
            client.sources.push(Source {
                mid,
                stream: StreamId(*stream),
                kind: *kind,
                level: -30,
                codec: "",
                key_requests: 0,
                layers: if several { vec![(true, true); LAYERS.len()] } else { Vec::new() },
                sent: 0,
                past: None,
                sequence: 65_500,
                sequences: [65_500, 100, 30_000],
                time: 0u32.wrapping_sub(90_000),
                next_at: now,
                key_due: true,
                key_asked_at: None,
                live: true,
            });
        }
        for (stream, kind) in receive {
            let mid = api.add_media(media_kind(*kind), Direction::RecvOnly, None, None, None);
            client.receives.push(Mapping {
                mid: mid.to_string(),
                stream: StreamId(*stream),
                kind: *kind,
            });
        }
        let (offer, pending) = api.apply().expect("something was added");
        client.pending = Some(pending);
        let offer = offer.to_sdp_string();
        self.offer(id, offer);
    }

    /// The client is somewhere else all of a sudden, and looks for a new path on the same connection.
    pub fn restart_ice(&mut self, id: u64) {
        self.next_flight += 1;
        let port = 10_000 + (self.next_flight % 50_000) as u16;
        let client = self.clients.get_mut(&id).unwrap();
        client.address = SocketAddr::from(([10, 0, 1, id as u8], port));
        client.outside = client.address;
        client.rtc.add_local_candidate(Candidate::host(client.address, Protocol::Udp).unwrap());
        let mut api = client.rtc.sdp_api();
        // The former address is as good as gone: nothing arrives there.
        api.ice_restart(true);
        let (offer, pending) = api.apply().expect("a restart is a change");
        client.pending = Some(pending);
        let offer = offer.to_sdp_string();
        self.offer(id, offer);
    }

    /// The client offers again what it has, with what its lines are mapped to now.
    pub fn renegotiate(&mut self, id: u64) {
        let client = self.clients.get_mut(&id).unwrap();
        let mut api = client.rtc.sdp_api();
        api.add_media(MediaKind::Audio, Direction::Inactive, None, None, None);
        // In a browser the wish outlives an answer that says otherwise, in str0m it does not.
        for mapping in &client.receives {
            api.set_direction(Mid::from(mapping.mid.as_str()), Direction::RecvOnly);
        }
        let (offer, pending) = api.apply().unwrap();
        client.pending = Some(pending);
        let offer = offer.to_sdp_string();
        self.offer(id, offer);
    }

    fn offer(&mut self, id: u64, offer: String) {
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        let client = self.clients.get_mut(&id).unwrap();
        let send = client.sources.iter().filter(|source| source.live);
        let send = send.map(|source| Mapping {
            mid: source.mid.to_string(),
            stream: source.stream,
            kind: source.kind,
        });
        let (send, receive) = (send.collect(), client.receives.clone());
        self.command(Command::Negotiate { peer: PeerId(id), ticket, offer, send, receive });
        let answer = self.events.iter().find_map(|event| match event {
            Event::Answer { ticket: answered, sdp, .. } if *answered == ticket => Some(sdp.clone()),
            _ => None,
        });
        let answer = answer.unwrap_or_else(|| panic!("no answer: {:?}", self.events.last()));
        let client = self.clients.get_mut(&id).unwrap();
        let answer = SdpAnswer::from_sdp_string(&answer).unwrap();
        let pending = client.pending.take().unwrap();
        client.rtc.sdp_api().accept_answer(pending, answer).unwrap();
        self.drain_client(id);
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let sources = self.clients.values().flat_map(|client| {
                let live = client.sources.iter().filter(|source| source.live && client.connected);
                live.map(|source| source.next_at)
            });
            let next = sources
                .chain(self.clients.values().map(|client| client.deadline))
                .chain(self.sfu_deadline)
                .chain(self.arrivals.peek().map(|Reverse((at, _))| *at))
                .min()
                .unwrap_or(end);
            if next >= end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            self.step();
        }
    }

    fn step(&mut self) {
        while let Some(Reverse((at, number))) = self.arrivals.peek().copied() {
            if at > self.now {
                break;
            }
            self.arrivals.pop();
            let flight = self.flights.remove(&number).unwrap();
            self.arrive(flight);
        }
        if self.sfu_deadline.is_some_and(|at| at <= self.now) {
            self.sfu.handle_input(self.now, Input::Tick);
        }
        self.drain_sfu();
        let ids: Vec<u64> = self.clients.keys().copied().collect();
        for id in ids {
            self.send_media(id);
            let client = self.clients.get_mut(&id).unwrap();
            if client.deadline <= self.now {
                client.rtc.handle_input(str0m::Input::Timeout(self.now)).unwrap();
                self.drain_client(id);
            }
        }
        // Several datagrams, ticks and writes came before this: outputs are polled in one go.
        self.drain_sfu();
    }

    fn send_media(&mut self, id: u64) {
        let now = self.now;
        let client = self.clients.get_mut(&id).unwrap();
        if !client.connected {
            return;
        }
        let mut wrote = false;
        for source in client.sources.iter_mut().filter(|source| source.live) {
            if source.next_at > now {
                continue;
            }
            wrote = true;
            let (interval, ticks) = match source.kind {
                Kind::Audio => (Duration::from_millis(20), 960),
                Kind::Video => (Duration::from_millis(40), 3_600),
            };
            source.next_at = now + interval;
            source.time = source.time.wrapping_add(ticks);
            let params = client.rtc.codec_config().params().iter();
            let wanted = client.rtc.media(source.mid).unwrap().remote_pts().to_vec();
            let mut params = params.filter(|params| {
                let codec = params.spec().codec;
                let named = source.codec.is_empty() || format!("{codec:?}") == source.codec;
                named && wanted.contains(&params.pt())
            });
            let Some(params) = params.next() else { continue };
            if !source.layers.is_empty() {
                let pt = params.pt();
                send_layers(&mut client.rtc, source, pt, now);
                continue;
            }
            let (pt, red) = (params.pt(), params.red());
            let is_h264 = format!("{:?}", params.spec().codec) == "H264";
            let key = source.kind == Kind::Video && std::mem::take(&mut source.key_due);
            let packets = if source.kind == Kind::Audio { 1 } else { 3 };
            for index in 0..packets {
                let head: [u8; 2] = match (index == 0, key, is_h264) {
                    (true, true, false) => [0x10, 0],
                    (true, false, false) => [0x10, 1],
                    (false, _, false) => [0x00, 1],
                    (true, true, true) => [0x7c, 0x85],
                    (_, _, true) => [0x7c, 0x01],
                };
                let mut payload = head.to_vec();
                payload.extend(source.stream.0.to_be_bytes());
                payload.extend(source.sent.to_be_bytes());
                payload.resize(payload.len() + if packets == 1 { 60 } else { 900 }, 0xab);
                let mut carrier = pt;
                if let Some(red) = red {
                    carrier = red;
                    let past = source.past.replace(payload.clone());
                    let past = past.map(|past| RedundantBlock {
                        pt: *pt,
                        timestamp_offset: 960,
                        payload: past,
                    });
                    payload = RedEncoder::encode(*pt, &payload, past.as_slice());
                }
                let mut api = client.rtc.direct_api();
                let stream = api.stream_tx_by_mid(source.mid, None).unwrap();
                stream.write_rtp(
                    RtpWrite::new(carrier, source.sequence.into(), source.time, now, payload)
                        .marker(index + 1 == packets)
                        .nackable(source.kind == Kind::Video)
                        .ext_vals(ExtensionValues {
                            audio_level: (source.kind == Kind::Audio).then_some(source.level),
                            voice_activity: (source.kind == Kind::Audio).then_some(true),
                            ..Default::default()
                        }),
                );
                source.sequence += 1;
                source.sent += 1;
            }
        }
        if wrote {
            client.rtc.handle_input(str0m::Input::Timeout(now)).unwrap();
            self.drain_client(id);
        }
    }

    fn drain_client(&mut self, id: u64) {
        let mut sent = Vec::new();
        let client = self.clients.get_mut(&id).unwrap();
        loop {
            match client.rtc.poll_output().unwrap() {
                str0m::Output::Timeout(at) => {
                    client.deadline = at.max(self.now + Duration::from_millis(1));
                    break;
                }
                str0m::Output::Transmit(transmit) => sent.push(Flight {
                    source: if transmit.source == client.address {
                        client.outside
                    } else {
                        transmit.source
                    },
                    destination: transmit.destination,
                    bytes: transmit.contents.into(),
                }),
                str0m::Output::Event(event) => client.on_event(self.now, event),
            }
        }
        for flight in sent {
            self.fly(flight);
        }
    }

    pub fn drain_sfu(&mut self) {
        loop {
            match self.sfu.poll_output() {
                Output::Wait(at) => {
                    self.sfu_deadline = at;
                    break;
                }
                Output::Event(event) => self.events.push(event),
                Output::Claim(route) => self.routes.claim(route, ()),
                Output::Release(route) => self.routes.release(&route, ()),
                Output::Recorded(recorded) => self.recorded.push(recorded),
                Output::Transmit(transmit) => self.fly(Flight {
                    source: transmit.source,
                    destination: transmit.destination,
                    bytes: transmit.bytes,
                }),
            }
        }
    }

    fn fly(&mut self, flight: Flight) {
        if self.chance.percent(self.weather.loss_percent) {
            return;
        }
        let jitter = self.weather.jitter.as_micros() as u64;
        let jitter = if jitter == 0 { 0 } else { self.chance.below(jitter) };
        let mut begin = self.now;
        if let Some(rate) = self.weather.rate.filter(|_| flight.destination != sfu_address()) {
            let free = self.busy_until.entry(flight.destination).or_insert(self.now);
            begin = begin.max(*free);
            if begin > self.now + QUEUE {
                return;
            }
            let bits = (flight.bytes.len() as u64 + 28) * 8;
            begin += Duration::from_micros(bits * 1_000_000 / rate);
            *free = begin;
        }
        let at = begin + self.weather.delay + Duration::from_micros(jitter);
        self.next_flight += 1;
        self.flights.insert(self.next_flight, flight);
        self.arrivals.push(Reverse((at, self.next_flight)));
    }

    fn arrive(&mut self, flight: Flight) {
        let Flight { source, destination, mut bytes } = flight;
        if destination == sfu_address() {
            if self.chance.percent(self.truncate_percent) {
                bytes.truncate(self.chance.below(bytes.len() as u64) as usize);
            }
            let (claimed, names_peer) = self.routes.find(source, &bytes);
            let before = self.sfu.counters().received;
            let input = Input::Datagram { source, destination, bytes: &bytes };
            self.sfu.handle_input(self.now, input);
            let taken = self.sfu.counters().received > before;
            let is_some = claimed.is_some();
            assert!(is_some || !taken, "a host with several SFUs would not have handed it over");
            if taken && names_peer {
                // What comes right behind a check such a host hands over, too.
                self.routes.claim(Route::Address(source), ());
            }
            return;
        }
        let client = self.clients.values_mut().find(|client| client.outside == destination);
        let Some(client) = client else { return };
        let destination = client.address;
        let Ok(datagram) = Receive::new(Protocol::Udp, source, destination, &bytes) else { return };
        let id = client.id.0;
        let input = str0m::Input::Receive(self.now, datagram);
        client.rtc.handle_input(input).unwrap();
        self.drain_client(id);
    }

    /// A router in between turns the client's address into another one from now on, which the client
    /// does not notice.
    pub fn change_address(&mut self, id: u64) {
        self.next_flight += 1;
        let client = self.clients.get_mut(&id).unwrap();
        client.outside = SocketAddr::from(([10, 0, 2, id as u8], 10_000 + self.next_flight as u16));
    }

    /// The client's process is gone without a word.
    pub fn kill(&mut self, id: u64) {
        self.clients.remove(&id);
    }

    pub fn client(&mut self, id: u64) -> &mut Client {
        self.clients.get_mut(&id).unwrap()
    }

    pub fn source(&mut self, id: u64, kind: Kind) -> &mut Source {
        let sources = &mut self.clients.get_mut(&id).unwrap().sources;
        sources.iter_mut().find(|source| source.kind == kind).unwrap()
    }

    /// What this client got of a track.
    pub fn received(&self, id: u64, stream: u64, kind: Kind) -> &[Received] {
        let key = (StreamId(stream), kind);
        self.clients[&id].received.get(&key).map_or(&[], Vec::as_slice)
    }

    /// How many packets of a track come to this client in this time.
    pub fn flow(&mut self, id: u64, stream: u64, kind: Kind, time: Duration) -> usize {
        let before = self.received(id, stream, kind).len();
        self.run(time);
        self.received(id, stream, kind).len() - before
    }

    pub fn count(&self, wanted: &Event) -> usize {
        self.events.iter().filter(|event| *event == wanted).count()
    }
}

impl Client {
    fn on_event(&mut self, now: Instant, event: str0m::Event) {
        match event {
            str0m::Event::Connected => {
                self.connected = true;
                self.sources.iter_mut().for_each(|source| source.next_at = now);
            }
            str0m::Event::KeyframeRequest(request) => {
                assert_eq!(request.kind, KeyframeRequestKind::Pli);
                for source in self.sources.iter_mut().filter(|s| s.mid == request.mid) {
                    source.key_requests += 1;
                    let rid = request.rid.map(|rid| rid.to_string());
                    let asked = LAYERS.iter().position(|(name, ..)| Some(*name) == rid.as_deref());
                    if let Some((_, due)) = asked.and_then(|index| source.layers.get_mut(index)) {
                        *due = true;
                        continue;
                    }
                    // As libwebrtc does.
                    const IGNORED: Duration = Duration::from_millis(300);
                    if source.key_asked_at.is_none_or(|at| now >= at + IGNORED) {
                        source.key_asked_at = Some(now);
                        source.key_due = true;
                    }
                }
            }
            str0m::Event::RtpPacket(packet) => {
                if packet.payload.is_empty() {
                    return;
                }
                let pt = packet.header.payload_type;
                let redundant = self.rtc.codec_config().find(|it| it.red() == Some(pt)).is_some();
                let blocks = redundant.then(|| RedDecoder::decode(&packet.payload).unwrap());
                let past = blocks.as_ref().filter(|blocks| blocks.len() > 1);
                let past = past.map(|blocks| number_in(blocks[0].payload));
                let payload = match &blocks {
                    Some(blocks) => blocks.last().unwrap().payload,
                    None => &packet.payload[..],
                };
                let several = payload[0] & 0x80 != 0;
                let body = &payload[if several { 14 } else { 2 }..];
                let stream = StreamId(u64::from_be_bytes(body[..8].try_into().unwrap()));
                let number = u32::from_be_bytes(body[8..12].try_into().unwrap());
                let kind = if payload.len() > 200 { Kind::Video } else { Kind::Audio };
                self.received.entry((stream, kind)).or_default().push(Received {
                    at: now,
                    sequence: *packet.seq_no,
                    time: packet.header.timestamp,
                    key: match several {
                        true => payload[0] == 0x90 && payload[4] == 0,
                        false => matches!(payload[..2], [0x10, 0] | [0x7c, 0x85]),
                    },
                    stream,
                    number,
                    past,
                    layer: if several { usize::from(body[12]) } else { 0 },
                    picture: match several {
                        true => u16::from_be_bytes([payload[2], payload[3]]) & 0x7fff,
                        false => 0,
                    },
                });
            }
            _ => {}
        }
    }

    /// Asks for a key frame of what this line shows.
    pub fn ask_key_frame(&mut self, mid: &str) {
        let mut api = self.rtc.direct_api();
        let stream = api.stream_rx_by_mid(Mid::from(mid), None).unwrap();
        stream.request_keyframe(KeyframeRequestKind::Pli);
        self.deadline = Instant::now() - Duration::from_secs(3_600);
    }
}

/// The number of a piece of sound.
fn number_in(sound: &[u8]) -> u32 {
    u32::from_be_bytes(sound[10..14].try_into().unwrap())
}

/// One frame of each layer that is sent.
fn send_layers(rtc: &mut Rtc, source: &mut Source, pt: Pt, now: Instant) {
    for (index, (rid, width, packets)) in LAYERS.into_iter().enumerate() {
        let (active, key) = source.layers[index];
        if !active {
            continue;
        }
        source.layers[index].1 = false;
        // Each layer counts for itself.
        let picture = (source.sequence as u16).wrapping_add(1_000 * index as u16) & 0x7fff;
        for packet in 0..packets {
            let mut payload = vec![if packet == 0 { 0x90 } else { 0x80 }, 0x80];
            payload.extend((0x8000 | picture).to_be_bytes());
            payload.extend([u8::from(!key), 0, 0, 0x9d, 0x01, 0x2a]);
            payload.extend(width.to_le_bytes());
            payload.extend((width / 16 * 9).to_le_bytes());
            payload.extend(source.stream.0.to_be_bytes());
            payload.extend(source.sent.to_be_bytes());
            payload.push(index as u8);
            payload.resize(1_000, 0xab);
            let mut api = rtc.direct_api();
            let stream = api.stream_tx_by_mid(source.mid, Some(Rid::from(rid))).unwrap();
            let sequence = source.sequences[index];
            source.sequences[index] += 1;
            let time = source.time.wrapping_add(77 * index as u32);
            let write = RtpWrite::new(pt, sequence.into(), time, now, payload);
            stream.write_rtp(write.marker(packet + 1 == packets).nackable(true));
            source.sent += 1;
        }
    }
    source.sequence += 1;
}

fn media_kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
    }
}

/// Sequence numbers in order of number, without doubles: do they leave gaps?
pub fn gaps(received: &[Received]) -> u64 {
    let mut sequences: Vec<u64> = received.iter().map(|packet| packet.sequence).collect();
    sequences.sort_unstable();
    sequences.dedup();
    match sequences.as_slice() {
        [] => 0,
        [first, .., last] => last - first + 1 - sequences.len() as u64,
        [_] => 0,
    }
}
