//! Who wants what: streams on one side, the lines of subscribers on the other.

use str0m::media::Rid;
use wire::limits::PUBLICATIONS_MAX;

use super::Sfu;
use crate::command::{Kind, StreamId};
use crate::demux::Slot;
use crate::line::Target;
use crate::peer::Link;
use crate::publication::{Publication, Subscriber};

impl Sfu {
    /// The stream, remembered from now on; `None` when there are too many.
    pub(super) fn publication(&mut self, stream: StreamId) -> Option<&mut Publication> {
        if self.publications.len() >= PUBLICATIONS_MAX && !self.publications.contains_key(&stream) {
            tracing::warn!(limit = PUBLICATIONS_MAX, "no room for another stream");
            return None;
        }
        Some(self.publications.entry(stream).or_default())
    }

    pub(super) fn forget_if_idle(&mut self, stream: StreamId) {
        if self.publications.get(&stream).is_some_and(Publication::is_idle) {
            self.publications.remove(&stream);
            self.forget_speaker(stream);
        }
    }

    /// Enters the peer's lines with the streams that feed them.
    pub(super) fn link(&mut self, slot: Slot) {
        let Some(peer) = self.peers[slot].as_ref() else { return };
        let (room, up) = (peer.room, peer.link == Link::Up);
        let fed = peer.lines.iter().enumerate();
        let fed = fed.filter_map(|(index, line)| Some((index, line.source?, line.kind)));
        let fed: Vec<_> = fed.collect();
        let mut pictures = Vec::new();
        for (line, stream, kind) in fed {
            let Some(publication) = self.publication(stream) else { continue };
            publication.track_mut(kind).subscribers.push(Subscriber { slot, line, room });
            if kind == Kind::Video {
                pictures.push((line, stream));
            }
        }
        self.allocate(slot);
        for (line, stream) in pictures.into_iter().filter(|_| up) {
            let target = self.peers[slot].as_ref().map(|peer| peer.lines[line].target);
            if let Some(Target::Layer(rid)) = target
                && !self.is_fed(slot, line, stream, rid)
            {
                self.want_key_frame(stream, rid);
            }
        }
    }

    /// Takes the peer's lines out of the streams that feed them.
    pub(super) fn unlink(&mut self, slot: Slot) {
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

    /// The line shows this layer as it is now, without a break.
    fn is_fed(&self, slot: Slot, line: usize, stream: StreamId, rid: Option<Rid>) -> bool {
        let fed = self.peers[slot].as_ref().and_then(|peer| peer.lines[line].run());
        let track = self.publications.get(&stream).map(|found| found.track(Kind::Video));
        let mut layers = track.into_iter().flat_map(|track| &track.layers);
        layers.any(|layer| layer.rid == rid && fed == Some(layer.run))
    }
}
