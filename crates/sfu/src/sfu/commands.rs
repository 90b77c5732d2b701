//! What the hub commands: peers come, offer and go, streams are kept back or stopped.

use wire::limits::PEERS_MAX;

use super::{Output, Sfu};
use crate::command::{Command, Event, Kind, Mapping, PeerId, Refusal, RoomId, StreamId};
use crate::demux::{Route, Slot};
use crate::line::Line;
use crate::peer::Peer;
use crate::publication::Publisher;
use crate::recording::Recorded;

impl Sfu {
    pub(super) fn on_command(&mut self, command: Command) {
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
            Command::View { peer, stream, view } => self.view(peer, stream, view),
            Command::Record { stream, on } => self.record(stream, on),
            Command::StopStream { stream } => self.stop_stream(stream),
            Command::StopReceiving { peer, stream } => self.stop_receiving(peer, stream),
            Command::Close { peer } => {
                self.close(peer);
                self.tell(Event::Closed { peer });
            }
        }
    }

    pub(super) fn open(&mut self, id: PeerId, room: RoomId) {
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

    pub(super) fn negotiate(
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
            self.release(Route::Fragment(old), slot);
        }
        self.claim(Route::Fragment(fragment), slot);

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
    pub(super) fn publish(&mut self, slot: Slot, stream: StreamId, kind: Kind) {
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

    pub(super) fn unpublish(&mut self, slot: Slot, stream: StreamId, kind: Kind) {
        let Some(publication) = self.publications.get_mut(&stream) else { return };
        let track = publication.track_mut(kind);
        if track.publisher.is_some_and(|publisher| publisher.slot == slot) {
            let talking = track.unpublish();
            self.tell_talking(stream, talking);
        }
        self.forget_if_idle(stream);
    }

    pub(super) fn pause(&mut self, stream: StreamId, kind: Kind, paused: bool) {
        let Some(publication) = self.publication(stream) else { return };
        let track = publication.track_mut(kind);
        if track.paused == paused {
            return self.forget_if_idle(stream);
        }
        let talking = track.pause(paused);
        self.tell_talking(stream, talking);
        self.forget_if_idle(stream);
    }

    fn record(&mut self, stream: StreamId, on: bool) {
        let now = self.now;
        let Some(publication) = self.publication(stream) else { return };
        if on {
            publication.recording.get_or_insert_default();
            self.allocate_at.get_or_insert(now);
        } else if publication.recording.take().is_some() {
            self.outputs.push_back(Output::Recorded(Recorded::End(stream)));
        }
        self.review_layers(stream);
        self.forget_if_idle(stream);
    }

    pub(super) fn stop_stream(&mut self, stream: StreamId) {
        let Some(mut publication) = self.publications.remove(&stream) else { return };
        self.forget_speaker(stream);
        if publication.recording.is_some() {
            self.outputs.push_back(Output::Recorded(Recorded::End(stream)));
        }
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

    pub(super) fn stop_receiving(&mut self, id: PeerId, stream: Option<StreamId>) {
        let Some(&slot) = self.slots.get(&id) else { return };
        self.unlink(slot);
        if let Some(peer) = self.peers[slot].as_mut() {
            let stopped = |line: &&mut Line| stream.is_none() || line.source == stream;
            peer.lines.iter_mut().filter(stopped).for_each(|line| line.map(None));
        }
        self.link(slot);
    }

    pub(super) fn close(&mut self, id: PeerId) {
        let Some(slot) = self.slots.remove(&id) else { return };
        self.unlink(slot);
        let Some(mut peer) = self.peers[slot].take() else { return };
        for (_, stream, kind) in std::mem::take(&mut peer.publishes) {
            self.unpublish(slot, stream, kind);
        }
        if let Some(fragment) = peer.fragment.take() {
            self.release(Route::Fragment(fragment), slot);
        }
        for address in peer.paths.addresses() {
            self.release(Route::Address(address), slot);
        }
        self.free.push(slot);
        // Says goodbye, so that the other side need not wait for silence.
        if peer.rtc.close().is_ok() && peer.tick(self.now).is_ok() {
            while let Ok(output) = peer.poll() {
                match output {
                    str0m::Output::Transmit(transmit) => {
                        self.outputs.push_back(peer.transmit(transmit));
                    }
                    str0m::Output::Event(_) => {}
                    str0m::Output::Timeout(_) => break,
                }
            }
        }
    }
}
