//! Who speaks in a room, as an order: who has the word first, then who has spoken last.
//!
//! Relies on [`talking`](crate::talking) for who speaks at all. Promises that the word goes over when its
//! holder falls silent, or is drowned out for a while, and not by a cough or one loud syllable.

use std::time::{Duration, Instant};

use wire::limits::SPEAKERS_TOLD_MAX;

use crate::command::StreamId;

/// So much louder is drowning out: twice as loud, for an ear.
const LOUDER_DB: f32 = 10.0;
/// For so long.
const LOUDER_FOR: Duration = Duration::from_millis(600);
/// How much of the loudness so far each packet (20 ms) leaves: half of it after 150 ms.
const KEPT: f32 = 0.91;

/// See the module.
#[derive(Debug, Default)]
pub struct Speakers {
    order: Vec<Speaker>,
}

#[derive(Debug)]
struct Speaker {
    stream: StreamId,
    talking: bool,
    /// dB below the loudest there is, smoothed.
    loudness: f32,
    /// Since when it drowns out who has the word.
    louder_since: Option<Instant>,
}

impl Speakers {
    /// The first ones.
    pub fn order(&self) -> Vec<StreamId> {
        self.order.iter().take(SPEAKERS_TOLD_MAX).map(|speaker| speaker.stream).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Somebody begins or ends to talk. Whether the order is another one.
    pub fn on_talking(&mut self, stream: StreamId, talking: bool) -> bool {
        let before = self.order();
        let known = self.order.iter().position(|speaker| speaker.stream == stream);
        let (loudness, louder_since) = (-127.0, None);
        let mut speaker = match known {
            Some(at) => self.order.remove(at),
            None => Speaker { stream, talking, loudness, louder_since },
        };
        speaker.talking = talking;
        let others = self.order.iter().filter(|other| other.talking).count();
        let at = match talking {
            // Behind those who talk: whoever has the word keeps it.
            true => others,
            // Nobody has taken it over: it was the last who spoke.
            false if others == 0 => known.unwrap_or(0),
            false => others,
        };
        self.order.insert(at.min(self.order.len()), speaker);
        self.order() != before
    }

    /// How loud somebody who talks is. Whether the order is another one.
    pub fn on_level(&mut self, now: Instant, stream: StreamId, level_db: i8) -> bool {
        let Some(at) = self.order.iter().position(|speaker| speaker.stream == stream) else {
            return false;
        };
        let first = self.order[0].loudness;
        let speaker = &mut self.order[at];
        speaker.loudness = speaker.loudness * KEPT + f32::from(level_db) * (1.0 - KEPT);
        let louder = at > 0 && speaker.talking && speaker.loudness > first + LOUDER_DB;
        let since = *speaker.louder_since.get_or_insert(now);
        speaker.louder_since = louder.then_some(since);
        let takes_over = louder && now.saturating_duration_since(since) >= LOUDER_FOR;
        if takes_over {
            let mut speaker = self.order.remove(at);
            speaker.louder_since = None;
            self.order.insert(0, speaker);
        }
        takes_over
    }

    /// It is not there any more.
    pub fn remove(&mut self, stream: StreamId) {
        self.order.retain(|speaker| speaker.stream != stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: StreamId = StreamId(1);
    const BOB: StreamId = StreamId(2);
    const EVE: StreamId = StreamId(3);

    #[test]
    fn the_word_is_kept_until_its_holder_falls_silent_and_goes_to_who_talks() {
        let mut speakers = Speakers::default();
        assert!(speakers.on_talking(ADA, true));
        assert!(speakers.on_talking(BOB, true));
        assert_eq!(speakers.order(), [ADA, BOB], "interrupting is not having the word");
        assert!(speakers.on_talking(ADA, false));
        assert_eq!(speakers.order(), [BOB, ADA]);
        assert!(speakers.on_talking(EVE, true));
        assert_eq!(speakers.order(), [BOB, EVE, ADA]);
        assert!(!speakers.on_talking(EVE, false), "nothing has changed");
        assert!(!speakers.on_talking(BOB, false), "who has spoken last stays the first");
        assert!(speakers.on_talking(ADA, true));
        assert_eq!(speakers.order(), [ADA, BOB, EVE]);
        speakers.remove(ADA);
        assert_eq!(speakers.order(), [BOB, EVE]);
    }

    #[test]
    fn who_drowns_out_the_speaker_takes_the_word_and_a_loud_syllable_does_not() {
        let start = Instant::now();
        let mut speakers = Speakers::default();
        speakers.on_talking(ADA, true);
        speakers.on_talking(BOB, true);
        let mut changes = Vec::new();
        for packet in 0..200 {
            let now = start + Duration::from_millis(20 * packet);
            assert!(!speakers.on_level(now, ADA, -40));
            // A syllable after a second, a speech after two.
            let bob = if (50..60).contains(&packet) || packet >= 100 { -15 } else { -45 };
            if speakers.on_level(now, BOB, bob) {
                changes.push(packet);
            }
        }
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert!((125..150).contains(&changes[0]), "{changes:?}");
        assert_eq!(speakers.order(), [BOB, ADA]);
    }
}
