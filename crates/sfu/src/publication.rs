//! One stream: its two tracks, who publishes them and who wants them.

use std::time::Instant;

use str0m::format::PayloadParams;
use str0m::media::{Pt, Rid};
use str0m::rtp::Ssrc;

use crate::command::{Kind, RoomId};
use crate::demux::Slot;
use crate::key_frames::KeyFrames;
use crate::rewrite::RunId;
use crate::talking::Talking;

/// A stream, published or only wanted yet.
#[derive(Debug, Default)]
pub struct Publication {
    audio: Track,
    video: Track,
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
    /// What is forwarded; `None` until the first packet, and after a pause.
    pub layer: Option<Layer>,
    pub key_frames: KeyFrames,
    pub talking: Talking,
}

/// One encoding of a track. Only the first that comes is forwarded.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    pub ssrc: Ssrc,
    pub rid: Option<Rid>,
    pub pt: Pt,
    pub params: PayloadParams,
    pub run: RunId,
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

    /// Nobody would miss it.
    pub fn is_idle(&self) -> bool {
        [&self.audio, &self.video]
            .iter()
            .all(|track| track.publisher.is_none() && track.subscribers.is_empty() && !track.paused)
    }
}

impl Track {
    /// Nobody publishes it any more. Answers what that does to talking.
    pub fn unpublish(&mut self) -> Option<bool> {
        self.publisher = None;
        self.started = false;
        self.layer = None;
        self.key_frames = KeyFrames::default();
        self.talking.stop()
    }

    /// Keeps it back, or forwards it again, as a new run. Answers what that does to talking.
    pub fn pause(&mut self, paused: bool) -> Option<bool> {
        self.paused = paused;
        self.layer = None;
        if paused { self.talking.stop() } else { None }
    }

    /// When it wants attention.
    pub fn due_at(&self) -> Option<Instant> {
        [self.key_frames.due_at(), self.talking.ends_at()].into_iter().flatten().min()
    }
}
