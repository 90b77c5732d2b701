//! Who wants what: streams on one side, the lines of subscribers on the other.

use wire::limits::PUBLICATIONS_MAX;

use super::Sfu;
use crate::command::{Kind, StreamId};
use crate::demux::Slot;
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
        }
    }

    /// Enters the peer's lines with the streams that feed them.
    pub(super) fn link(&mut self, slot: Slot) {
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

    /// The line shows the stream as it is now, without a break.
    pub(super) fn is_fed(&self, slot: Slot, line: usize, stream: StreamId) -> bool {
        let run = self.publications.get(&stream).and_then(|p| p.track(Kind::Video).layer);
        let fed = self.peers[slot].as_ref().and_then(|peer| peer.lines[line].run());
        run.is_some_and(|layer| fed == Some(layer.run))
    }
}
