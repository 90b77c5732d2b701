//! How well a peer's link does, in one number that people understand: 100 is as good as it gets.
//!
//! From what is lost on either way, how long a packet takes, and how much of what the peer wants to
//! see fits into its link. Told when it has changed so that somebody would notice.

use std::time::{Duration, Instant};

use wire::limits::QUALITY_INTERVAL;

/// The quality of one link, as last told.
#[derive(Debug, Default)]
pub struct Quality {
    told: Option<(Instant, u32)>,
}

/// What a link was seen to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Part of the packets that were lost, the worse of both ways.
    pub loss: f32,
    /// To the peer and back.
    pub rtt: Duration,
    /// Of what it wants to see so much fits, percent.
    pub fits: u32,
}

impl Seen {
    /// 1 to 100. A loss of a fifth or a second of delay is as bad as a link can be and still be one.
    fn score(self) -> u32 {
        let loss = (self.loss * 500.0) as i64;
        let late = (self.rtt.as_millis() as i64 - 150).max(0) / 10;
        let small = i64::from(100 - self.fits.min(100)) * 6 / 10;
        (100 - loss - late - small).clamp(1, 100) as u32
    }
}

impl Quality {
    /// What is to be told now, if anything.
    pub fn on_seen(&mut self, now: Instant, seen: Seen) -> Option<u32> {
        const NOTICED: u32 = 10;
        let score = seen.score();
        let (at, before) = self.told.unwrap_or((now - QUALITY_INTERVAL, 100));
        if now < at + QUALITY_INTERVAL || score.abs_diff(before) < NOTICED {
            return None;
        }
        self.told = Some((now, score));
        Some(score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: Seen = Seen { loss: 0.0, rtt: Duration::from_millis(40), fits: 100 };

    #[test]
    fn a_fine_link_is_not_mentioned_a_bad_one_is_and_its_recovery() {
        let now = Instant::now();
        let mut quality = Quality::default();
        assert_eq!(quality.on_seen(now, FINE), None);
        let bad = Seen { loss: 0.1, rtt: Duration::from_millis(350), fits: 50 };
        assert_eq!(quality.on_seen(now, bad), Some(1));
        assert_eq!(quality.on_seen(now, FINE), None, "not more often than somebody wants to know");
        assert_eq!(quality.on_seen(now + QUALITY_INTERVAL, FINE), Some(100));
    }

    #[test]
    fn each_cause_counts() {
        for seen in [
            Seen { loss: 0.05, ..FINE },
            Seen { rtt: Duration::from_millis(450), ..FINE },
            Seen { fits: 40, ..FINE },
        ] {
            assert!((20..=75).contains(&seen.score()), "{seen:?}: {}", seen.score());
        }
    }
}
