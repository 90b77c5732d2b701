//! The way of a datagram: to its peer, and what it carries to all who want it.

use std::mem::replace;
use std::net::SocketAddr;

use str0m::format::Codec;
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, Vp8Descriptor};

use super::{Output, Sfu};
use crate::codec::starts_key_frame;
use crate::command::{Event, Kind};
use crate::demux::{Route, Slot};
use crate::key_frames::KeyFrames;
use crate::layer::{Layer, Meter, is_of};
use crate::line::{Forwarded, Incoming};
use crate::peer::Link;
use crate::picture::picture_size;
use crate::recording::{self, Recorded};
use crate::redundancy::Redundant;
use crate::rewrite::RunId;

impl Sfu {
    pub(super) fn on_datagram(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: &[u8],
    ) {
        let (slot, proof) = self.demux.find(source, bytes);
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
        let is_back = peer.link == Link::Silent && peer.rtc.is_connected();
        if proof {
            let forgotten = peer.paths.on_proof(self.now, source);
            self.claim(Route::Address(source), slot);
            if let Some(forgotten) = forgotten {
                self.release(Route::Address(forgotten), slot);
            }
        } else {
            peer.paths.on_heard(self.now, source);
        }
        if is_back {
            self.on_connected(slot);
        }
        self.drain(slot);
    }

    /// The candidate a datagram was meant for.
    pub(super) fn candidate(&self, destination: SocketAddr) -> SocketAddr {
        let known = self.config.candidates.contains(&destination);
        let first = self.config.candidates.first().filter(|_| !known);
        first.copied().unwrap_or(destination)
    }

    /// A packet of a publisher goes to all who want it.
    pub(super) fn on_packet(&mut self, slot: Slot, packet: &RtpPacket) {
        let Some(peer) = self.peers[slot].as_mut() else { return };
        let Some(route) = peer.route(packet.header.ssrc) else { return };
        let Some(publication) = self.publications.get_mut(&route.stream) else { return };
        let track = publication.track_mut(route.kind);
        let Some(publisher) = track.publisher.filter(|publisher| publisher.slot == slot) else {
            return;
        };
        self.counters.packets_in += 1;
        let mut talking = None;
        let mut loudness = None;
        let mut asks = false;
        if !track.paused {
            if let Some(level) = packet.header.ext_vals.audio_level {
                talking = track.talking.on_level(self.now, level);
                loudness = track.talking.is_talking().then_some(level);
            }
            let (ssrc, pt) = (packet.header.ssrc, packet.header.payload_type);
            let known = track.layer(route.rid).is_some_and(|layer| layer.goes_on(ssrc, pt));
            if !known {
                let params = peer.rtc.codec_config().find(|params| is_of(params, pt));
                let Some(&params) = params else { return };
                self.next_run += 1;
                let begins = Layer {
                    rid: route.rid,
                    ssrc,
                    params,
                    run: RunId(self.next_run),
                    key_frames: KeyFrames::default(),
                    size: None,
                    meter: Meter::new(self.now),
                };
                if !track.add(begins) {
                    return;
                }
            }
            let Some(layer) = track.layer(route.rid) else { return };
            layer.meter.on_packet(self.now, packet.payload.len());
            let codec = layer.params.spec().codec;
            let begins = starts_key_frame(codec, &packet.payload);
            let mut changed = !known;
            if begins {
                layer.key_frames.on_key_frame();
                let size = picture_size(codec, &packet.payload).filter(|_| route.rid.is_some());
                if size.is_some() && size != layer.size {
                    layer.size = size;
                    changed = true;
                }
            }
            let (run, params) = (layer.run, layer.params);
            let Ok(redundant) = Redundant::of(packet, &params) else { return };
            if changed && route.kind == Kind::Video {
                track.sort();
                self.allocate_all(route.stream);
            }
            let incoming = Incoming {
                packet,
                rid: route.rid,
                run,
                params: &params,
                vp8: (codec == Codec::Vp8 && route.rid.is_some())
                    .then(|| Vp8Descriptor::parse(&packet.payload).ok())
                    .flatten(),
                redundant,
                begins,
            };
            let Some(publication) = self.publications.get_mut(&route.stream) else { return };
            let track = publication.track_mut(route.kind);
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
                        peer.waiting += 1;
                        if !peer.dirty {
                            peer.dirty = true;
                            self.dirty.push(subscriber.slot);
                        }
                    }
                    Forwarded::AwaitsKeyFrame => awaited = true,
                    Forwarded::Dropped => {}
                }
            }
            let wanted = track.largest(self.now) == Some(run);
            if let Some(recording) = &mut publication.recording {
                let kind = route.kind;
                let payload = incoming.primary();
                let recorded = recording::Incoming {
                    kind,
                    packet,
                    payload,
                    run,
                    params: &params,
                    begins,
                    wanted,
                };
                let (frames, needs) = recording.on_packet(self.now, &recorded);
                awaited |= needs;
                let frames = frames.into_iter().map(|frame| Recorded::Frame(route.stream, frame));
                self.outputs.extend(frames.map(Output::Recorded));
            }
            if let Some(layer) = publication.track_mut(route.kind).layer(route.rid) {
                asks = awaited && layer.key_frames.still_waiting(self.now);
            }
        }
        let Some(publication) = self.publications.get_mut(&route.stream) else { return };
        let track = publication.track_mut(route.kind);
        let ends_at = track.talking.ends_at().filter(|_| talking == Some(true));
        if let Some(at) = ends_at {
            self.track_deadlines.add(at, (route.stream, route.kind));
        }
        if !replace(&mut track.started, true) {
            self.tell(Event::MediaStarted { stream: route.stream, kind: route.kind });
        }
        self.tell_talking(route.stream, talking);
        if let Some(level) = loudness {
            self.on_loudness(route.stream, level);
        }
        if asks {
            self.ask_key_frame(route.stream, route.rid);
        }
    }
}
