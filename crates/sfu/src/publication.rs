//! One stream: its two tracks, who publishes them and who wants them.

use std::time::Instant;

use str0m::media::Rid;
use wire::limits::VIDEO_LAYERS_MAX;

use crate::command::{Kind, RoomId};
use crate::demux::Slot;
use crate::layer::Layer;
use crate::recording::Recording;
use crate::rewrite::RunId;
use crate::talking::Talking;

/// A stream, published or only wanted yet.
#[derive(Debug, Default)]
pub struct Publication {
    audio: Track,
    video: Track,
    /// It is being recorded.
    pub recording: Option<Box<Recording>>,
}

/// Its sound or its picture.
#[derive(Debug, Default)]
pub struct Track {
    pub publisher: Option<Publisher>,
    pub subscribers: Vec<Subscriber>,
    /// Kept back from everybody.
    pub paused: bool,
    /// Its first packet was reported.
    pub started: bool,
    /// What is being sent, the smallest first; empty until the first packet, and after a pause.
    pub layers: Vec<Layer>,
    /// Which of them were last said to be wanted.
    pub wanted: Option<u32>,
    /// Since when some of those are not watched by anybody.
    pub unwatched_since: Option<Instant>,
    pub talking: Talking,
}

/// Who sends a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publisher {
    pub slot: Slot,
    pub room: RoomId,
}

/// Who wants a track, and on which of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscriber {
    pub slot: Slot,
    pub line: usize,
    pub room: RoomId,
}

impl Publication {
    pub fn track(&self, kind: Kind) -> &Track {
        match kind {
            Kind::Audio => &self.audio,
            Kind::Video => &self.video,
        }
    }

    pub fn track_mut(&mut self, kind: Kind) -> &mut Track {
        match kind {
            Kind::Audio => &mut self.audio,
            Kind::Video => &mut self.video,
        }
    }

    /// In which room its sound is.
    pub fn heard_in(&self) -> Option<RoomId> {
        self.audio.publisher.map(|publisher| publisher.room)
    }

    /// Nobody would miss it.
    pub fn is_idle(&self) -> bool {
        self.recording.is_none()
            && [&self.audio, &self.video].iter().all(|track| {
                track.publisher.is_none() && track.subscribers.is_empty() && !track.paused
            })
    }
}

impl Track {
    /// Nobody publishes it any more. Answers what that does to talking.
    pub fn unpublish(&mut self) -> Option<bool> {
        self.publisher = None;
        self.started = false;
        self.layers.clear();
        (self.wanted, self.unwatched_since) = (None, None);
        self.talking.stop()
    }

    /// Keeps it back, or forwards it again, as a new run. Answers what that does to talking.
    pub fn pause(&mut self, paused: bool) -> Option<bool> {
        self.paused = paused;
        self.layers.clear();
        if paused { self.talking.stop() } else { None }
    }

    /// When it wants attention.
    pub fn due_at(&self) -> Option<Instant> {
        let asks = self.layers.iter().filter_map(|layer| layer.key_frames.due_at());
        asks.chain(self.talking.ends_at()).min()
    }

    /// The largest layer that is being sent.
    pub fn largest(&self, now: Instant) -> Option<RunId> {
        let alive = self.layers.iter().rev().find(|layer| !layer.meter.is_silent(now));
        alive.or(self.layers.last()).map(|layer| layer.run)
    }

    pub fn layer(&mut self, rid: Option<Rid>) -> Option<&mut Layer> {
        self.layers.iter_mut().find(|layer| layer.rid == rid)
    }

    /// Takes a layer that begins, in the place of its former self. `false` when there are too many.
    pub fn add(&mut self, layer: Layer) -> bool {
        // A publisher that goes from one encoding to several, or back, has no use for the former.
        self.layers
            .retain(|known| known.rid != layer.rid && known.rid.is_some() == layer.rid.is_some());
        if self.layers.len() >= VIDEO_LAYERS_MAX {
            return false;
        }
        self.layers.push(layer);
        self.sort();
        true
    }

    /// Puts the layers in order: by size, by name while one of the sizes is not known.
    pub fn sort(&mut self) {
        if self.layers.iter().all(|layer| layer.size.is_some()) {
            let pixels = |(width, height)| u64::from(width) * u64::from(height);
            self.layers.sort_by_key(|layer| layer.size.map(pixels));
        } else {
            self.layers.sort_by_key(|layer| layer.rid.map(|rid| rid.to_string()));
        }
    }
}
