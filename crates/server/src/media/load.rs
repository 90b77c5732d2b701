//! Whether the media loop has room for more: from the processor time that it takes.
//!
//! One loop has one core. Promises to say so before packets wait, and not to take it back at the first
//! calm moment.

use std::time::Duration;

use wire::limits::{MEDIA_LOAD_AGAIN_PERCENT, MEDIA_LOAD_MAX_PERCENT};

/// See the module.
#[derive(Debug, Default)]
pub struct Load {
    /// Of a core, smoothed over the last looks.
    percent: f64,
    full: bool,
}

impl Load {
    /// In this time the loop took so much processor time.
    pub fn on_look(&mut self, passed: Duration, taken: Duration) {
        /// Four looks: one that is long, as when many come at once, does not count for much.
        const KEPT: f64 = 0.75;
        let seen = 100.0 * taken.as_secs_f64() / passed.as_secs_f64().max(1e-3);
        self.percent = self.percent * KEPT + seen.min(100.0) * (1.0 - KEPT);
        let limit = if self.full { MEDIA_LOAD_AGAIN_PERCENT } else { MEDIA_LOAD_MAX_PERCENT };
        self.full = self.percent >= f64::from(limit);
    }

    /// Percent of a core.
    pub fn percent(&self) -> u64 {
        self.percent as u64
    }

    /// Nobody more should come.
    pub fn is_full(&self) -> bool {
        self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_loop_is_full_after_two_seconds_and_has_room_again_once_it_is_calm() {
        let look = Duration::from_millis(500);
        let mut load = Load::default();
        let mut full_after = |percent: u64, looks: u32| {
            (0..looks).for_each(|_| load.on_look(look, look * percent as u32 / 100));
            load.is_full()
        };
        assert!(!full_after(60, 100), "busy, but there is room");
        assert!(!full_after(100, 2), "for a moment");
        assert!(full_after(100, 3));
        assert!(full_after(75, 100), "less, but not calm");
        assert!(!full_after(40, 4));
        assert!(!full_after(75, 100));
    }
}
