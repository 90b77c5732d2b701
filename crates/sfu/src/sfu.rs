//! The whole: routes inputs to peers and publications, packets to subscribers, outputs to the host.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::media::KeyframeRequestKind;
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpPacket;
use wire::limits::{PEERS_MAX, PUBLICATIONS_MAX};

use crate::codec::starts_key_frame;
use crate::command::{Command, Event, Kind, Mapping, PeerId, Refusal, RoomId, StreamId};
use crate::deadlines::Deadlines;
use crate::demux::{Demux, Slot, local_fragment};
use crate::line::{Forwarded, Incoming};
use crate::peer::{Link, Peer};
use crate::publication::{Layer, Publication, Publisher, Subscriber};
use crate::rewrite::RunId;

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
    demux: Demux,
    publications: HashMap<StreamId, Publication>,
    /// Peers that were written to.
    dirty: Vec<Slot>,
    peer_deadlines: Deadlines<(Slot, PeerId)>,
    track_deadlines: Deadlines<(StreamId, Kind)>,
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
            peer_deadlines: Deadlines::new(),
            track_deadlines: Deadlines::new(),
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
            if let Some(slot) = self.dirty.pop() {
                self.drive(slot);
                continue;
            }
            if self.look_at_what_is_due() {
                continue;
            }
            let next = [self.peer_deadlines.next(), self.track_deadlines.next()];
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

    // ---- commands ------------------------------------------------------------------------

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Open { peer, room } => self.open(peer, room),
            Command::Negotiate { peer, ticket, offer, send, receive } => {
                let event = match self.negotiate(peer, &offer, send, receive) {
                    Ok(sdp) => Event::Answer { peer, ticket, sdp },
                    Err(reason) => Event::Refused { peer, ticket, reason },
                };
                self.tell(event);
            }
            Command::Pause { stream, kind, paused } => self.pause(stream, kind, paused),
            Command::StopStream { stream } => self.stop_stream(stream),
            Command::StopReceiving { peer, stream } => self.stop_receiving(peer, stream),
            Command::Close { peer } => {
                self.close(peer);
                self.tell(Event::Closed { peer });
            }
        }
    }

    fn open(&mut self, id: PeerId, room: RoomId) {
        self.close(id);
        if self.slots.len() >= PEERS_MAX {
            tracing::warn!(limit = PEERS_MAX, "no room for another peer");
            return;
        }
        let peer = Peer::new(self.now, id, room, &self.config.candidates);
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.peers.push(None);
                self.peers.len() - 1
            }
        };
        self.peers[slot] = Some(peer);
        self.slots.insert(id, slot);
    }

    fn negotiate(
        &mut self,
        id: PeerId,
        offer: &str,
        send: Vec<Mapping>,
        receive: Vec<Mapping>,
    ) -> Result<String, Refusal> {
        let Some(&slot) = self.slots.get(&id) else {
            let full = self.slots.len() >= PEERS_MAX;
            return Err(match full {
                true => Refusal::TooManyPeers { limit: PEERS_MAX },
                false => Refusal::NoSuchPeer { peer: id },
            });
        };
        let Some(peer) = self.peers[slot].as_mut() else {
            return Err(Refusal::NoSuchPeer { peer: id });
        };
        let answer = peer.negotiate(self.now, offer, &send, &receive, &self.config.candidates);
        self.mark_dirty(slot);
        let answer = answer?;

        self.unlink(slot);
        let Some(peer) = self.peers[slot].as_mut() else {
            return Err(Refusal::NoSuchPeer { peer: id });
        };
        let before = std::mem::take(&mut peer.publishes);
        peer.map(&send, &receive);
        let after = peer.publishes.clone();
        let fragment = peer.rtc.direct_api().local_ice_credentials().ufrag;
        let outdated = peer.fragment.replace(fragment.clone()).filter(|old| *old != fragment);
        if let Some(old) = outdated {
            self.demux.remove_fragment(&old);
        }
        self.demux.add_fragment(fragment, slot);

        for (_, stream, kind) in before.iter().filter(|published| !after.contains(published)) {
            self.unpublish(slot, *stream, *kind);
        }
        for (_, stream, kind) in after {
            self.publish(slot, stream, kind);
        }
        self.link(slot);
        Ok(answer)
    }

    /// The peer sends this track from now on, whoever did before.
    fn publish(&mut self, slot: Slot, stream: StreamId, kind: Kind) {
        let Some(room) = self.peers[slot].as_ref().map(|peer| peer.room) else { return };
        let publisher = Publisher { slot, room };
        let Some(publication) = self.publication(stream) else { return };
        let track = publication.track_mut(kind);
        if track.publisher != Some(publisher) {
            let talking = track.unpublish();
            track.publisher = Some(publisher);
            self.tell_talking(stream, talking);
        }
    }

    fn unpublish(&mut self, slot: Slot, stream: StreamId, kind: Kind) {
        let Some(publication) = self.publications.get_mut(&stream) else { return };
        let track = publication.track_mut(kind);
        if track.publisher.is_some_and(|publisher| publisher.slot == slot) {
            let talking = track.unpublish();
            self.tell_talking(stream, talking);
        }
        self.forget_if_idle(stream);
    }

    fn pause(&mut self, stream: StreamId, kind: Kind, paused: bool) {
        let Some(publication) = self.publication(stream) else { return };
        let track = publication.track_mut(kind);
        if track.paused == paused {
            return self.forget_if_idle(stream);
        }
        let talking = track.pause(paused);
        self.tell_talking(stream, talking);
        if !paused && kind == Kind::Video {
            self.want_key_frame(stream);
        }
        self.forget_if_idle(stream);
    }

    fn stop_stream(&mut self, stream: StreamId) {
        let Some(mut publication) = self.publications.remove(&stream) else { return };
        for kind in [Kind::Audio, Kind::Video] {
            let track = publication.track_mut(kind);
            if let Some(publisher) = track.publisher
                && let Some(peer) = self.peers[publisher.slot].as_mut()
            {
                peer.unpublish(stream);
            }
            for subscriber in &track.subscribers {
                if let Some(peer) = self.peers[subscriber.slot].as_mut() {
                    peer.lines[subscriber.line].map(None);
                }
            }
            let talking = track.unpublish();
            self.tell_talking(stream, talking);
        }
    }

    fn stop_receiving(&mut self, id: PeerId, stream: Option<StreamId>) {
        let Some(&slot) = self.slots.get(&id) else { return };
        self.unlink(slot);
        if let Some(peer) = self.peers[slot].as_mut() {
            let stopped = |line: &&mut crate::line::Line| stream.is_none() || line.source == stream;
            peer.lines.iter_mut().filter(stopped).for_each(|line| line.map(None));
        }
        self.link(slot);
    }

    fn close(&mut self, id: PeerId) {
        let Some(slot) = self.slots.remove(&id) else { return };
        self.unlink(slot);
        let Some(mut peer) = self.peers[slot].take() else { return };
        for (_, stream, kind) in std::mem::take(&mut peer.publishes) {
            self.unpublish(slot, stream, kind);
        }
        if let Some(fragment) = &peer.fragment {
            self.demux.remove_fragment(fragment);
        }
        for address in &peer.addresses {
            self.demux.remove_address(*address, slot);
        }
        self.free.push(slot);
        // Says goodbye, so that the other side need not wait for silence.
        if peer.rtc.close().is_ok() && peer.tick(self.now).is_ok() {
            while let Ok(output) = peer.poll() {
                match output {
                    str0m::Output::Transmit(transmit) => self.transmit(transmit),
                    str0m::Output::Event(_) => {}
                    str0m::Output::Timeout(_) => break,
                }
            }
        }
    }

    // ---- who wants what ------------------------------------------------------------------

    /// The stream, remembered from now on; `None` when there are too many.
    fn publication(&mut self, stream: StreamId) -> Option<&mut Publication> {
        if self.publications.len() >= PUBLICATIONS_MAX && !self.publications.contains_key(&stream) {
            tracing::warn!(limit = PUBLICATIONS_MAX, "no room for another stream");
            return None;
        }
        Some(self.publications.entry(stream).or_default())
    }

    fn forget_if_idle(&mut self, stream: StreamId) {
        if self.publications.get(&stream).is_some_and(Publication::is_idle) {
            self.publications.remove(&stream);
        }
    }

    /// Enters the peer's lines with the streams that feed them.
    fn link(&mut self, slot: Slot) {
        let Some(peer) = self.peers[slot].as_ref() else { return };
        let (room, up) = (peer.room, peer.link == Link::Up);
        let fed = peer.lines.iter().enumerate();
        let fed = fed.filter_map(|(index, line)| Some((index, line.source?, line.kind)));
        let fed: Vec<_> = fed.collect();
        for (line, stream, kind) in fed {
            let Some(publication) = self.publication(stream) else { continue };
            publication.track_mut(kind).subscribers.push(Subscriber { slot, line, room });
            if up && kind == Kind::Video && !self.is_fed(slot, line, stream) {
                self.want_key_frame(stream);
            }
        }
    }

    /// Takes the peer's lines out of the streams that feed them.
    fn unlink(&mut self, slot: Slot) {
        let Some(peer) = self.peers[slot].as_ref() else { return };
        let sources: Vec<_> =
            peer.lines.iter().filter_map(|line| Some((line.source?, line.kind))).collect();
        for (stream, kind) in sources {
            if let Some(publication) = self.publications.get_mut(&stream) {
                publication.track_mut(kind).subscribers.retain(|known| known.slot != slot);
            }
            self.forget_if_idle(stream);
        }
    }

    /// The line shows the stream as it is now, without a break.
    fn is_fed(&self, slot: Slot, line: usize, stream: StreamId) -> bool {
        let run = self.publications.get(&stream).and_then(|p| p.track(Kind::Video).layer);
        let fed = self.peers[slot].as_ref().and_then(|peer| peer.lines[line].run());
        run.is_some_and(|layer| fed == Some(layer.run))
    }

    // ---- datagrams -----------------------------------------------------------------------

    fn on_datagram(&mut self, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) {
        let claimed = local_fragment(bytes).map(|fragment| self.demux.by_fragment(fragment));
        let proof = claimed.is_some();
        let slot = claimed.unwrap_or_else(|| self.demux.by_address(source));
        let datagram = Receive::new(Protocol::Udp, source, self.candidate(destination), bytes);
        let (Some(slot), Ok(datagram)) = (slot, datagram) else {
            self.counters.foreign += 1;
            return;
        };
        let Some(peer) = self.peers[slot].as_mut() else {
            self.counters.foreign += 1;
            return;
        };
        if !peer.receive(self.now, datagram, proof) {
            self.counters.foreign += 1;
            return self.drain(slot);
        }
        self.counters.received += 1;
        if proof {
            self.demux.add_address(source, slot, &mut peer.addresses);
        }
        if peer.link == Link::Silent && peer.rtc.is_connected() {
            self.on_connected(slot);
        }
        self.drain(slot);
    }

    /// The candidate a datagram was meant for.
    fn candidate(&self, destination: SocketAddr) -> SocketAddr {
        let known = self.config.candidates.contains(&destination);
        let first = self.config.candidates.first().filter(|_| !known);
        first.copied().unwrap_or(destination)
    }

    /// A packet of a publisher goes to all who want it.
    fn on_packet(&mut self, slot: Slot, packet: &RtpPacket) {
        let Some(peer) = self.peers[slot].as_mut() else { return };
        let Some(route) = peer.route(packet.header.ssrc) else { return };
        let Some(publication) = self.publications.get_mut(&route.stream) else { return };
        let track = publication.track_mut(route.kind);
        let Some(publisher) = track.publisher.filter(|publisher| publisher.slot == slot) else {
            return;
        };
        self.counters.packets_in += 1;
        let mut started = false;
        if !track.started {
            track.started = true;
            started = true;
        }
        let mut talking = None;
        let mut asks = false;
        if !track.paused {
            if let Some(level) = packet.header.ext_vals.audio_level {
                talking = track.talking.on_level(self.now, level);
            }
            let (ssrc, pt) = (packet.header.ssrc, packet.header.payload_type);
            let layer = match &track.layer {
                Some(layer) if layer.ssrc == ssrc && layer.pt == pt => *layer,
                Some(layer) if layer.rid != route.rid => return,
                _ => {
                    let known = peer.rtc.codec_config().find(|params| params.pt() == pt);
                    let Some(params) = known.copied() else { return };
                    self.next_run += 1;
                    let run = RunId(self.next_run);
                    *track.layer.insert(Layer { ssrc, rid: route.rid, pt, params, run })
                }
            };
            let incoming = Incoming {
                packet,
                run: layer.run,
                params: &layer.params,
                begins: starts_key_frame(layer.params.spec().codec, &packet.payload),
            };
            if incoming.begins {
                track.key_frames.on_key_frame();
            }
            let mut awaited = false;
            for subscriber in track.subscribers.iter().filter(|s| s.room == publisher.room) {
                let Some(peer) = self.peers[subscriber.slot].as_mut() else { continue };
                if peer.link != Link::Up {
                    continue;
                }
                let line = &mut peer.lines[subscriber.line];
                match line.forward(self.now, &mut peer.rtc, &incoming) {
                    Forwarded::Sent => {
                        self.counters.packets_out += 1;
                        if !peer.dirty {
                            peer.dirty = true;
                            self.dirty.push(subscriber.slot);
                        }
                    }
                    Forwarded::AwaitsKeyFrame => awaited = true,
                    Forwarded::Dropped => {}
                }
            }
            asks = awaited && track.key_frames.still_waiting(self.now);
        }
        let ends_at = track.talking.ends_at().filter(|_| talking == Some(true));
        if let Some(at) = ends_at {
            self.track_deadlines.add(at, (route.stream, route.kind));
        }
        if started {
            self.tell(Event::MediaStarted { stream: route.stream, kind: route.kind });
        }
        self.tell_talking(route.stream, talking);
        if asks {
            self.ask_key_frame(route.stream);
        }
    }

    // ---- key frames ----------------------------------------------------------------------

    /// Somebody needs a key frame of this stream, now or as soon as it may be asked.
    fn want_key_frame(&mut self, stream: StreamId) {
        let Some(publication) = self.publications.get_mut(&stream) else { return };
        let track = publication.track_mut(Kind::Video);
        if track.publisher.is_none() || track.paused || !track.started {
            return;
        }
        let waited = track.key_frames.due_at();
        if track.key_frames.want(self.now) {
            self.ask_key_frame(stream);
        } else if let Some(at) = track.key_frames.due_at().filter(|_| waited.is_none()) {
            self.track_deadlines.add(at, (stream, Kind::Video));
        }
    }

    fn ask_key_frame(&mut self, stream: StreamId) {
        let Some(publication) = self.publications.get(&stream) else { return };
        let track = publication.track(Kind::Video);
        let Some(slot) = track.publisher.map(|publisher| publisher.slot) else { return };
        let Some(peer) = self.peers[slot].as_mut() else { return };
        let published = peer.publishes.iter();
        let mut published = published.filter(|(_, id, kind)| *id == stream && *kind == Kind::Video);
        let Some(&(mid, ..)) = published.next() else { return };
        let rid = track.layer.and_then(|layer| layer.rid);
        let mut api = peer.rtc.direct_api();
        if let Some(receiver) = api.stream_rx_by_mid(mid, rid) {
            receiver.request_keyframe(KeyframeRequestKind::Pli);
            self.counters.key_frames_asked += 1;
            self.mark_dirty(slot);
        }
    }

    /// A subscriber asks for a key frame of what one of its lines shows.
    fn on_key_frame_request(&mut self, slot: Slot, mid: str0m::media::Mid) {
        let Some(peer) = self.peers[slot].as_ref() else { return };
        let line = peer.lines.iter().find(|line| line.mid == mid && line.kind == Kind::Video);
        if let Some(stream) = line.and_then(|line| line.source) {
            self.want_key_frame(stream);
        }
    }

    // ---- time ----------------------------------------------------------------------------

    fn mark_dirty(&mut self, slot: Slot) {
        if let Some(peer) = self.peers[slot].as_mut()
            && !peer.dirty
        {
            peer.dirty = true;
            self.dirty.push(slot);
        }
    }

    /// Lets a peer send what was written to it.
    fn drive(&mut self, slot: Slot) {
        let Some(peer) = self.peers[slot].as_mut() else { return };
        peer.dirty = false;
        if peer.tick(self.now).is_err() {
            return self.on_broken(slot);
        }
        self.drain(slot);
    }

    /// Takes all that the peer's WebRTC stack has to say.
    fn drain(&mut self, slot: Slot) {
        loop {
            let Some(peer) = self.peers[slot].as_mut() else { return };
            match peer.poll() {
                Ok(str0m::Output::Transmit(transmit)) => self.transmit(transmit),
                Ok(str0m::Output::Event(event)) => self.on_rtc_event(slot, event),
                Ok(str0m::Output::Timeout(at)) => return self.arm(slot, at),
                Err(_) => return self.on_broken(slot),
            }
        }
    }

    /// Looks at the peer again at this time, or when its silence becomes a loss.
    fn arm(&mut self, slot: Slot, at: Instant) {
        // A stack that wants to be driven again at once gets so a moment later: others wait too.
        const MOMENT: Duration = Duration::from_millis(1);
        const HORIZON: Duration = Duration::from_secs(60);
        let Some(peer) = self.peers[slot].as_mut() else { return };
        let alive = peer.rtc.is_alive();
        let at = [Some(at).filter(|_| alive), peer.silent_at()].into_iter().flatten().min();
        peer.deadline = at.unwrap_or(self.now + HORIZON);
        peer.deadline = peer.deadline.clamp(self.now + MOMENT, self.now + HORIZON);
        if peer.armed.is_none_or(|armed| peer.deadline < armed) {
            peer.armed = Some(peer.deadline);
            self.peer_deadlines.add(peer.deadline, (slot, peer.id));
        }
    }

    /// `true` when something was due.
    fn look_at_what_is_due(&mut self) -> bool {
        if let Some((at, (slot, id))) = self.peer_deadlines.pop_due(self.now) {
            let peer = self.peers[slot].as_mut().filter(|peer| peer.id == id);
            if let Some(peer) = peer.filter(|peer| peer.armed == Some(at)) {
                peer.armed = None;
                if peer.deadline > self.now {
                    let deadline = peer.deadline;
                    self.arm(slot, deadline);
                } else {
                    if peer.silent_at().is_some_and(|silent| silent <= self.now) {
                        self.on_lost(slot, Link::Silent);
                    }
                    self.mark_dirty(slot);
                }
            }
            return true;
        }
        let Some((_, (stream, kind))) = self.track_deadlines.pop_due(self.now) else {
            return false;
        };
        if let Some(publication) = self.publications.get_mut(&stream) {
            let track = publication.track_mut(kind);
            let talking = track.talking.on_time(self.now);
            let asks = track.key_frames.on_time(self.now);
            if let Some(at) = track.due_at() {
                self.track_deadlines.add(at, (stream, kind));
            }
            self.tell_talking(stream, talking);
            if asks {
                self.ask_key_frame(stream);
            }
        }
        true
    }

    // ---- what the WebRTC stack says ------------------------------------------------------

    fn on_rtc_event(&mut self, slot: Slot, event: str0m::Event) {
        match event {
            str0m::Event::RtpPacket(packet) => self.on_packet(slot, &packet),
            str0m::Event::KeyframeRequest(request) => self.on_key_frame_request(slot, request.mid),
            str0m::Event::Connected => self.on_connected(slot),
            str0m::Event::Closed => self.on_lost(slot, Link::Dead),
            _ => {}
        }
    }

    fn on_connected(&mut self, slot: Slot) {
        let Some(peer) = self.peers[slot].as_mut() else { return };
        peer.link = Link::Up;
        let event = Event::Connected { peer: peer.id };
        let shown = peer.lines.iter().filter(|line| line.kind == Kind::Video);
        let shown: Vec<_> = shown.filter_map(|line| line.source).collect();
        self.tell(event);
        for stream in shown {
            self.want_key_frame(stream);
        }
    }

    fn on_lost(&mut self, slot: Slot, link: Link) {
        let Some(peer) = self.peers[slot].as_mut() else { return };
        let told = matches!(peer.link, Link::Silent | Link::Dead);
        peer.link = link;
        peer.lines.iter_mut().for_each(crate::line::Line::interrupt);
        if !told {
            let event = Event::Disconnected { peer: peer.id };
            self.tell(event);
        }
    }

    fn on_broken(&mut self, slot: Slot) {
        let Some(peer) = self.peers[slot].as_mut() else { return };
        peer.rtc.disconnect();
        if peer.link != Link::Dead {
            tracing::error!(peer = peer.id.0, "the peer's connection broke");
            self.counters.broken += 1;
            self.on_lost(slot, Link::Dead);
        }
        self.arm(slot, self.now);
    }

    fn transmit(&mut self, transmit: str0m::net::Transmit) {
        self.outputs.push_back(Output::Transmit(Transmit {
            source: transmit.source,
            destination: transmit.destination,
            bytes: transmit.contents.into(),
        }));
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn tell_talking(&mut self, stream: StreamId, talking: Option<bool>) {
        if let Some(talking) = talking {
            self.tell(Event::Talking { stream, talking });
        }
    }
}
