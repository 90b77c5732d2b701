//! One media line on which a subscriber receives: what feeds it, and how its packets are written.
//!
//! A line outlives what it shows: the client may map another stream to it, and its SSRC and
//! numbers go on. Promises that a picture begins with a key frame, and that a subscriber that
//! cannot decode what is published gets nothing rather than rubbish.

use std::sync::Arc;
use std::time::Instant;

use str0m::Rtc;
use str0m::format::{CodecConfig, PayloadParams};
use str0m::media::{Mid, Pt, Rid};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite, Ssrc, Vp8Descriptor};

use crate::command::{Kind, StreamId};
use crate::picture::Pictures;
use crate::redundancy::Redundant;
use crate::rewrite::{Numbers, Rewrite, RunId};

/// A packet of a publisher, with what is the same for all its subscribers.
pub struct Incoming<'a> {
    pub packet: &'a RtpPacket,
    pub rid: Option<Rid>,
    pub run: RunId,
    pub params: &'a PayloadParams,
    /// Of a VP8 packet.
    pub vp8: Option<Vp8Descriptor>,
    /// Of sound that carries its past.
    pub redundant: Option<Redundant>,
    /// Forwarding may begin here.
    pub begins: bool,
}

impl Incoming<'_> {
    /// What it carries, without its past.
    pub fn primary(&self) -> &Arc<[u8]> {
        self.redundant.as_ref().map_or(&self.packet.payload, |redundant| &redundant.primary)
    }
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// On its way.
    Sent,
    /// Kept back until a key frame comes.
    AwaitsKeyFrame,
    /// Not for this subscriber: another layer than it shows, older than what it got first, or a
    /// codec it does not have.
    Dropped,
}

/// The sending side of one media line.
#[derive(Debug)]
pub struct Line {
    pub mid: Mid,
    pub ssrc: Ssrc,
    pub kind: Kind,
    /// What is mapped to it now.
    pub source: Option<StreamId>,
    /// Which layer it shall show. Until a key frame of it comes, it goes on with the former.
    pub target: Target,
    /// The peer was told that its link does not carry this.
    pub kept: bool,
    rewrite: Rewrite,
    pictures: Pictures,
    payload: Option<Payload>,
}

/// The subscriber's payload types for a run.
#[derive(Debug)]
struct Payload {
    run: RunId,
    /// None when it does not have the codec.
    pt: Option<Pt>,
    /// Of the codec with its past, if the subscriber can have that.
    red: Option<Pt>,
}

/// What a line shall show of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nothing: it is not seen, or does not fit into the link.
    Nothing,
    /// This layer; `None` is the only one.
    Layer(Option<Rid>),
}

impl Line {
    pub fn new(mid: Mid, ssrc: Ssrc, kind: Kind) -> Line {
        Line {
            mid,
            ssrc,
            kind,
            source: None,
            target: Target::Layer(None),
            kept: false,
            rewrite: Rewrite::default(),
            pictures: Pictures::default(),
            payload: None,
        }
    }

    /// Feeds the line from this stream, or from none. The same stream goes on where it was.
    pub fn map(&mut self, source: Option<StreamId>) {
        if self.source != source {
            self.source = source;
            self.target = Target::Layer(None);
            self.kept = false;
            self.rewrite.stop();
        }
    }

    /// The peer negotiated again: payload types may have changed.
    pub fn renegotiated(&mut self) {
        self.payload = None;
    }

    /// Which run it shows.
    pub fn run(&self) -> Option<RunId> {
        self.rewrite.run()
    }

    /// What comes next begins a run, as after a break.
    pub fn interrupt(&mut self) {
        self.rewrite.stop();
    }

    /// Writes one packet to the subscriber.
    pub fn forward(&mut self, now: Instant, rtc: &mut Rtc, incoming: &Incoming) -> Forwarded {
        let Incoming { packet, rid, run, params, vp8, redundant, begins } = incoming;
        let shown = self.rewrite.run() == Some(*run);
        if self.target == Target::Nothing || !shown && self.target != Target::Layer(*rid) {
            return Forwarded::Dropped;
        }
        let payload = match &self.payload {
            Some(payload) if payload.run == *run => payload,
            _ => {
                let known = subscriber_params(rtc, self.mid, params);
                let (pt, red) = (known.map(|it| it.pt()), known.and_then(|it| it.red()));
                self.payload.insert(Payload { run: *run, pt, red })
            }
        };
        let Some(pt) = payload.pt else { return Forwarded::Dropped };
        let (pt, bytes) = match (redundant, payload.red) {
            // What is inside is named by its payload type, too.
            (Some(redundant), Some(red)) if redundant.pt == pt => (red, &packet.payload),
            _ => (pt, incoming.primary()),
        };
        let source = Numbers { sequence: *packet.seq_no, time: packet.header.timestamp };
        let numbers = if shown {
            self.rewrite.next(now, source)
        } else if *begins {
            Some(self.rewrite.begin(now, *run, source, params.spec().clock_rate.get()))
        } else {
            return Forwarded::AwaitsKeyFrame;
        };
        let Some(numbers) = numbers else { return Forwarded::Dropped };
        let patch = vp8.as_ref().and_then(|descriptor| self.pictures.patch(descriptor, !shown));
        let mut write = RtpWrite::new(
            pt,
            numbers.sequence.into(),
            numbers.time,
            packet.timestamp,
            bytes.clone(),
        )
        .marker(packet.header.marker)
        .ext_vals(end_to_end(&packet.header.ext_vals))
        .nackable(self.kind == Kind::Video);
        if let Some(patch) = patch {
            write = write.vp8_patch(patch);
        }
        match rtc.direct_api().stream_tx(&self.ssrc) {
            Some(stream) => stream.write_rtp(write),
            None => return Forwarded::Dropped,
        }
        Forwarded::Sent
    }
}

/// This codec as the subscriber has it on this line.
fn subscriber_params(rtc: &Rtc, mid: Mid, params: &PayloadParams) -> Option<PayloadParams> {
    let wanted = rtc.media(mid)?.remote_pts();
    let known = rtc.codec_config().params().iter().filter(|known| wanted.contains(&known.pt()));
    let known = CodecConfig::new_from_payload_params(known.copied().collect());
    known.match_params(*params).copied()
}

/// The header extensions that mean the same to the subscriber. Those of one hop (mid, rid,
/// transport-wide sequence number, send time) are written anew by the WebRTC stack.
fn end_to_end(values: &ExtensionValues) -> ExtensionValues {
    ExtensionValues {
        audio_level: values.audio_level,
        voice_activity: values.voice_activity,
        video_orientation: values.video_orientation,
        video_content_type: values.video_content_type,
        play_delay_min: values.play_delay_min,
        play_delay_max: values.play_delay_max,
        ..ExtensionValues::default()
    }
}
