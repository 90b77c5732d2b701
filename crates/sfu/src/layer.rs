//! One encoding of a published track: what it costs, how large its picture is, whether it lives.
//!
//! Without simulcast a track has one. With it there are up to [`VIDEO_LAYERS_MAX`], of one capture,
//! each with an SSRC and an `a=rid` of its own.

use std::time::{Duration, Instant};

use str0m::format::PayloadParams;
use str0m::media::{Pt, Rid};
use str0m::rtp::Ssrc;
use wire::limits::{LAYER_SILENT_AFTER, VIDEO_LAYERS_MAX};

use crate::key_frames::KeyFrames;
use crate::rewrite::RunId;

/// An encoding that is being sent.
#[derive(Debug)]
pub struct Layer {
    pub rid: Option<Rid>,
    pub ssrc: Ssrc,
    pub params: PayloadParams,
    pub run: RunId,
    pub key_frames: KeyFrames,
    /// Width and height of its picture, once a key frame has told.
    pub size: Option<(u32, u32)>,
    pub meter: Meter,
}

impl Layer {
    /// Whether a packet of this SSRC and payload type is its next one.
    pub fn goes_on(&self, ssrc: Ssrc, pt: Pt) -> bool {
        self.ssrc == ssrc && is_of(&self.params, pt)
    }
}

/// Whether a packet of this payload type is of this codec, with its past or without.
pub fn is_of(params: &PayloadParams, pt: Pt) -> bool {
    params.pt() == pt || params.red() == Some(pt)
}

/// Bits a second, over the last second or so.
#[derive(Debug)]
pub struct Meter {
    since: Instant,
    last: Instant,
    bytes: u64,
    rate: Option<u64>,
}

impl Meter {
    const WINDOW: Duration = Duration::from_millis(500);

    pub fn new(now: Instant) -> Meter {
        Meter { since: now, last: now, bytes: 0, rate: None }
    }

    pub fn on_packet(&mut self, now: Instant, bytes: usize) {
        let passed = now.saturating_duration_since(self.since);
        if passed >= Meter::WINDOW {
            // After a silence the window says nothing about the rate.
            if passed < 2 * Meter::WINDOW {
                let seen = self.bytes * 8_000 / passed.as_millis().max(1) as u64;
                self.rate = Some(self.rate.map_or(seen, |rate| (rate + seen) / 2));
            }
            (self.since, self.bytes) = (now, 0);
        }
        self.bytes += bytes as u64;
        self.last = now;
    }

    /// Bits a second; `None` while that is not known.
    pub fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// Nothing came for a while.
    pub fn is_silent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= LAYER_SILENT_AFTER
    }
}

impl Layer {
    /// Its place in the client's list of encodings: pages of this SDK call them "0", "1", "2".
    pub fn bit(&self) -> u32 {
        let number = self.rid.and_then(|rid| rid.parse::<u32>().ok());
        number.filter(|bit| (*bit as usize) < VIDEO_LAYERS_MAX).map_or(0, |bit| 1 << bit)
    }

    /// Whether its picture need not be enlarged much to fill this place; one that is a little
    /// smaller is not seen to be. Of a size that is not known yet it is not known.
    pub fn fills(&self, (width, height): (u32, u32)) -> bool {
        const ENLARGED_PERCENT: u64 = 125;
        self.size.is_some_and(|(own_width, own_height)| {
            let reaches = |own: u32, wanted: u32| {
                u64::from(own) * ENLARGED_PERCENT >= u64::from(wanted) * 100
            };
            // The picture is fitted into its place: one of the sides decides.
            reaches(own_width, width) || reaches(own_height, height)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_knows_the_rate_after_a_second_and_a_silence_does_not_count() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        for packet in 0..100 {
            meter.on_packet(start + Duration::from_millis(packet * 10), 1_250);
        }
        let rate = meter.rate().expect("known");
        assert!((900_000..1_100_000).contains(&rate), "{rate}");
        assert!(!meter.is_silent(start + Duration::from_secs(1)));
        let later = start + Duration::from_secs(10);
        assert!(meter.is_silent(later));
        meter.on_packet(later, 1_250);
        assert_eq!(meter.rate(), Some(rate));
    }
}
