//! Key frames: who needs one, and the publisher that is asked.

use str0m::media::{KeyframeRequestKind, Mid, Rid};

use super::Sfu;
use crate::command::{Kind, StreamId};
use crate::demux::Slot;
use crate::line::Target;

impl Sfu {
    /// Somebody needs a key frame of this layer, now or as soon as it may be asked.
    pub(super) fn want_key_frame(&mut self, stream: StreamId, rid: Option<Rid>) {
        let Some(publication) = self.publications.get_mut(&stream) else { return };
        let track = publication.track_mut(Kind::Video);
        if track.publisher.is_none() || track.paused || !track.started {
            return;
        }
        let Some(layer) = track.layer(rid) else { return };
        let waited = layer.key_frames.due_at();
        if layer.key_frames.want(self.now) {
            self.ask_key_frame(stream, rid);
        } else if let Some(at) = layer.key_frames.due_at().filter(|_| waited.is_none()) {
            self.track_deadlines.add(at, (stream, Kind::Video));
        }
    }

    pub(super) fn ask_key_frame(&mut self, stream: StreamId, rid: Option<Rid>) {
        let Some(publication) = self.publications.get(&stream) else { return };
        let track = publication.track(Kind::Video);
        let Some(slot) = track.publisher.map(|publisher| publisher.slot) else { return };
        let Some(peer) = self.peers[slot].as_mut() else { return };
        let published = peer.publishes.iter();
        let mut published = published.filter(|(_, id, kind)| *id == stream && *kind == Kind::Video);
        let Some(&(mid, ..)) = published.next() else { return };
        let mut api = peer.rtc.direct_api();
        if let Some(receiver) = api.stream_rx_by_mid(mid, rid) {
            receiver.request_keyframe(KeyframeRequestKind::Pli);
            self.counters.key_frames_asked += 1;
            self.mark_dirty(slot);
        }
    }

    /// A subscriber asks for a key frame of what one of its lines shows.
    pub(super) fn on_key_frame_request(&mut self, slot: Slot, mid: Mid) {
        let Some(peer) = self.peers[slot].as_ref() else { return };
        let line = peer.lines.iter().find(|line| line.mid == mid && line.kind == Kind::Video);
        if let Some(line) = line
            && let (Some(stream), Target::Layer(rid)) = (line.source, line.target)
        {
            self.want_key_frame(stream, rid);
        }
    }
}
