//! What is recorded of a stream: its sound and its picture as whole frames, each with the moment at
//! which it was captured.
//!
//! Relies on [`order`] for packets in order, on [`assembly`] for frames of packets, on [`clock`] for
//! moments. Promises that a picture begins with a key frame, also after a loss or a change of the
//! layer, and that frames of a track come in order.

mod assembly;
mod clock;
mod order;

use std::sync::Arc;
use std::time::Instant;

use str0m::format::{Codec, PayloadParams};
use str0m::rtp::RtpPacket;
use wire::limits::RECORDED_KEY_FRAME_EVERY;

use crate::command::{Kind, StreamId};
use crate::rewrite::RunId;
use assembly::Assembly;
use clock::{Anchor, Clock};
use order::{Order, Packet};

/// How a frame is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 6716.
    Opus,
    /// RFC 6386.
    Vp8,
    /// The VP9 bitstream.
    Vp9,
    /// H.264, units behind their length in four bytes.
    H264,
}

impl Encoding {
    fn of(codec: Codec) -> Option<Encoding> {
        match codec {
            Codec::Opus => Some(Encoding::Opus),
            Codec::Vp8 => Some(Encoding::Vp8),
            Codec::Vp9 => Some(Encoding::Vp9),
            Codec::H264 => Some(Encoding::H264),
            _ => None,
        }
    }

    /// Sound or picture.
    pub fn kind(self) -> Kind {
        if self == Encoding::Opus { Kind::Audio } else { Kind::Video }
    }
}

/// A picture, or a piece of sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// How.
    pub encoding: Encoding,
    /// Can be shown without those before it. Of sound always.
    pub key: bool,
    /// Width and height, where a key frame tells them.
    pub size: Option<(u32, u32)>,
    /// When it was captured, by the clock of the SFU.
    pub captured: Instant,
    /// As a decoder wants it.
    pub bytes: Vec<u8>,
}

/// Something for who writes recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The next frame.
    Frame(StreamId, Frame),
    /// Nothing more of this stream.
    End(StreamId),
}

/// A stream that is being recorded.
#[derive(Debug, Default)]
pub struct Recording {
    anchor: Anchor,
    audio: Recorder,
    video: Recorder,
}

#[derive(Debug, Default)]
struct Recorder {
    /// Which stretch of which layer; none before the first.
    run: Option<RunId>,
    order: Order,
    clock: Clock,
    assembly: Assembly,
    key_at: Option<Instant>,
}

/// A packet, and what is known of it.
pub struct Incoming<'a> {
    pub kind: Kind,
    pub packet: &'a RtpPacket,
    /// What it carries, without its past.
    pub payload: &'a Arc<[u8]>,
    pub run: RunId,
    pub params: &'a PayloadParams,
    /// A decoder may begin here.
    pub begins: bool,
    /// It is of the layer that should be recorded.
    pub wanted: bool,
}

impl Recording {
    /// Takes a packet. Answers the frames that are whole now, and whether a key frame is needed.
    pub fn on_packet(&mut self, now: Instant, incoming: &Incoming) -> (Vec<Frame>, bool) {
        let spec = incoming.params.spec();
        let Some(encoding) = Encoding::of(spec.codec) else { return (Vec::new(), false) };
        let recorder = match incoming.kind {
            Kind::Audio => &mut self.audio,
            Kind::Video => &mut self.video,
        };
        if recorder.run != Some(incoming.run) {
            if !incoming.wanted {
                return (Vec::new(), false);
            }
            if !incoming.begins {
                return (Vec::new(), true);
            }
            *recorder = Recorder { run: Some(incoming.run), ..Recorder::default() };
        }
        let mut frames = Vec::new();
        for (packet, lost) in
            recorder.order.on_packet(now, Packet::of(incoming.packet, incoming.payload))
        {
            let Some(whole) = recorder.assembly.on_packet(encoding, &packet, lost) else {
                continue;
            };
            let captured = recorder.clock.captured(&packet, spec.clock_rate, &mut self.anchor);
            if whole.key {
                recorder.key_at = Some(now);
            }
            let (key, size, bytes) = (whole.key, whole.size, whole.bytes);
            frames.push(Frame { encoding, key, size, captured, bytes });
        }
        let due = |at: Instant| now.saturating_duration_since(at) >= RECORDED_KEY_FRAME_EVERY;
        let needs = recorder.assembly.awaits_key_frame() || recorder.key_at.is_some_and(due);
        (frames, incoming.kind == Kind::Video && needs)
    }
}
