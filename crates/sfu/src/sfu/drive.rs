//! Time, and what the WebRTC stacks of the peers say when they are driven.

use std::time::{Duration, Instant};

use str0m::bwe::BweKind;

use super::Sfu;
use crate::command::{Event, Kind};
use crate::demux::Slot;
use crate::line::{Line, Target};
use crate::peer::Link;

impl Sfu {
    pub(super) fn mark_dirty(&mut self, slot: Slot) {
        if let Some(peer) = self.peers[slot].as_mut()
            && !peer.dirty
        {
            peer.dirty = true;
            self.dirty.push(slot);
        }
    }

    /// Lets a peer send what was written to it.
    pub(super) fn drive(&mut self, slot: Slot) {
        let Some(peer) = self.peers[slot].as_mut() else { return };
        peer.dirty = false;
        if peer.tick(self.now).is_err() {
            return self.on_broken(slot);
        }
        self.drain(slot);
    }

    /// Takes all that the peer's WebRTC stack has to say.
    pub(super) fn drain(&mut self, slot: Slot) {
        // As many as a large key frame has packets; the rest goes a moment later.
        const AT_ONCE: Duration = Duration::from_micros(10);
        let mut turns = 256;
        let mut sent = false;
        loop {
            let Some(peer) = self.peers[slot].as_mut() else { return };
            match peer.poll() {
                Ok(str0m::Output::Transmit(transmit)) => {
                    sent = true;
                    let transmit = peer.transmit(transmit);
                    self.outputs.push_back(transmit);
                    // It lets one packet go each time it is driven, and wants to be driven after
                    // the last. It need not say so: looking for its deadline costs as much as a packet.
                    // A link that is being measured keeps the stack's own rhythm.
                    if peer.waiting > 0 && peer.fits == 100 {
                        peer.waiting -= 1;
                        if peer.tick(self.now).is_err() {
                            return self.on_broken(slot);
                        }
                    }
                }
                Ok(str0m::Output::Event(event)) => self.on_rtc_event(slot, event),
                // The stack says "at once" by a time just ahead. When nothing left it is in no hurry.
                Ok(str0m::Output::Timeout(at)) if sent && at <= self.now + AT_ONCE && turns > 0 => {
                    turns -= 1;
                    (sent, peer.waiting) = (false, 0);
                    self.now = self.now.max(at);
                    if peer.tick(self.now).is_err() {
                        return self.on_broken(slot);
                    }
                }
                Ok(str0m::Output::Timeout(at)) => {
                    peer.waiting = 0;
                    return self.arm(slot, at);
                }
                Err(_) => return self.on_broken(slot),
            }
        }
    }

    /// Looks at the peer again at this time, or when its silence becomes a loss.
    pub(super) fn arm(&mut self, slot: Slot, at: Instant) {
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
    pub(super) fn look_at_what_is_due(&mut self) -> bool {
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
        if self.allocate_at.is_some_and(|at| at <= self.now) {
            self.look_at_links();
            return true;
        }
        let Some((_, (stream, kind))) = self.track_deadlines.pop_due(self.now) else {
            return false;
        };
        if let Some(publication) = self.publications.get_mut(&stream) {
            let track = publication.track_mut(kind);
            let talking = track.talking.on_time(self.now);
            let now = self.now;
            let due = track
                .layers
                .iter_mut()
                .filter_map(|layer| layer.key_frames.on_time(now).then_some(layer.rid));
            let asks: Vec<_> = due.collect();
            if let Some(at) = track.due_at() {
                self.track_deadlines.add(at, (stream, kind));
            }
            self.tell_talking(stream, talking);
            for rid in asks {
                self.ask_key_frame(stream, rid);
            }
        }
        true
    }

    pub(super) fn on_rtc_event(&mut self, slot: Slot, event: str0m::Event) {
        match event {
            str0m::Event::RtpPacket(packet) => self.on_packet(slot, &packet),
            str0m::Event::KeyframeRequest(request) => self.on_key_frame_request(slot, request.mid),
            str0m::Event::Connected => self.on_connected(slot),
            str0m::Event::EgressBitrateEstimate(BweKind::Twcc { estimate, can_probe }) => {
                self.on_measurable(slot, can_probe.then(|| estimate.as_u64()));
            }
            str0m::Event::PeerStats(stats) => self.on_stats(slot, &stats),
            str0m::Event::Closed => self.on_lost(slot, Link::Dead),
            _ => {}
        }
    }

    pub(super) fn on_connected(&mut self, slot: Slot) {
        let Some(peer) = self.peers[slot].as_mut() else { return };
        peer.link = Link::Up;
        let event = Event::Connected { peer: peer.id };
        let shown = peer.lines.iter().filter(|line| line.kind == Kind::Video);
        let shown = shown.filter_map(|line| match line.target {
            Target::Layer(rid) => Some((line.source?, rid)),
            Target::Nothing => None,
        });
        let shown: Vec<_> = shown.collect();
        self.tell(event);
        for (stream, rid) in shown {
            self.want_key_frame(stream, rid);
        }
    }

    pub(super) fn on_lost(&mut self, slot: Slot, link: Link) {
        let Some(peer) = self.peers[slot].as_mut() else { return };
        let told = matches!(peer.link, Link::Silent | Link::Dead);
        peer.link = link;
        peer.lines.iter_mut().for_each(Line::interrupt);
        if !told {
            let event = Event::Disconnected { peer: peer.id };
            self.tell(event);
        }
    }

    pub(super) fn on_broken(&mut self, slot: Slot) {
        let Some(peer) = self.peers[slot].as_mut() else { return };
        peer.rtc.disconnect();
        if peer.link != Link::Dead {
            tracing::error!(peer = peer.id.0, "the peer's connection broke");
            self.counters.broken += 1;
            self.on_lost(slot, Link::Dead);
        }
        self.arm(slot, self.now);
    }
}
