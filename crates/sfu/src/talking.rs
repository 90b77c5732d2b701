//! Whether somebody talks, from the audio levels that the sender writes beside its packets.
//!
//! Levels are those of RFC 6464: 0 is the loudest, -127 silence, in dB. Two thresholds and two
//! times keep a cough from lighting up and a pause between words from going dark.

use std::time::{Duration, Instant};

/// Speech at a normal distance is at -20 to -40 dB; rooms are below -55 dB.
const LOUD_DB: i8 = -45;
/// Who talks already may become quieter by so much.
const STILL_LOUD_DB: i8 = -52;
/// Loud for so long is talking.
const ONSET: Duration = Duration::from_millis(100);
/// A gap of so long ends what might have become an onset.
const ONSET_GAP: Duration = Duration::from_millis(120);
/// Quiet for so long is not talking; pauses between sentences are shorter.
const RELEASE: Duration = Duration::from_millis(800);

/// The state of one audio track.
#[derive(Debug, Default)]
pub struct Talking {
    talking: bool,
    loud_since: Option<Instant>,
    loud_last: Option<Instant>,
}

impl Talking {
    /// One packet. Answers what changed: `Some(true)` begins, `Some(false)` ends.
    pub fn on_level(&mut self, now: Instant, level_db: i8) -> Option<bool> {
        let threshold = if self.talking { STILL_LOUD_DB } else { LOUD_DB };
        if level_db < threshold {
            return self.on_time(now);
        }
        let gap = self.loud_last.map(|last| now.saturating_duration_since(last));
        if gap.is_none_or(|gap| gap > ONSET_GAP) {
            self.loud_since = Some(now);
        }
        self.loud_last = Some(now);
        let since = self.loud_since.unwrap_or(now);
        if !self.talking && now.saturating_duration_since(since) >= ONSET {
            self.talking = true;
            return Some(true);
        }
        None
    }

    /// Talks now.
    pub fn is_talking(&self) -> bool {
        self.talking
    }

    /// Time passed, perhaps without packets.
    pub fn on_time(&mut self, now: Instant) -> Option<bool> {
        if self.ends_at().is_some_and(|at| at <= now) { self.stop() } else { None }
    }

    /// The track is gone or kept back.
    pub fn stop(&mut self) -> Option<bool> {
        let talked = self.talking;
        *self = Talking::default();
        talked.then_some(false)
    }

    /// When talking ends if nothing loud comes; `None` while quiet.
    pub fn ends_at(&self) -> Option<Instant> {
        self.loud_last.filter(|_| self.talking).map(|last| last + RELEASE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: Duration = Duration::from_millis(20);

    #[test]
    fn a_short_noise_is_not_talking() {
        let mut now = Instant::now();
        let mut talking = Talking::default();
        for level in [-20, -20, -20, -90, -90, -90, -90, -90, -90, -90, -20, -20] {
            assert_eq!(talking.on_level(now, level), None);
            now += PACKET;
        }
    }

    #[test]
    fn speech_begins_once_survives_pauses_and_ends_once() {
        let mut now = Instant::now();
        let mut talking = Talking::default();
        let mut changes = Vec::new();
        // One second of speech, a pause of 400 ms, one second of quieter speech, silence.
        for (count, level) in [(50, -30), (20, -80), (50, -50), (100, -80)] {
            for _ in 0..count {
                changes.extend(talking.on_level(now, level));
                now += PACKET;
            }
        }
        assert_eq!(changes, [true, false]);
    }

    #[test]
    fn talking_ends_when_packets_stop() {
        let mut now = Instant::now();
        let mut talking = Talking::default();
        for _ in 0..10 {
            talking.on_level(now, -30);
            now += PACKET;
        }
        let end = talking.ends_at().expect("talks");
        assert_eq!(talking.on_time(end - PACKET), None);
        assert_eq!(talking.on_time(end), Some(false));
        assert_eq!(talking.on_time(end + PACKET), None);
    }
}
