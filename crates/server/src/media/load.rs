//! Whether a media loop has room for more: from the processor time that its thread takes.
//!
//! One loop has one core. Promises to say so before packets wait, and not to take it back at the first
//! calm moment.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use wire::limits::MEDIA_LOAD_AGAIN;

/// How often a thread looks at its processor time.
pub const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The processor time of a thread, looked at by itself.
#[derive(Debug)]
pub struct Meter {
    schedstat: Option<PathBuf>,
    looked_at: Instant,
    cpu_us: u64,
    load: Load,
}

impl Meter {
    /// It has no room for more from this load on, percent of a core.
    pub fn of_this_thread(load_max: u32) -> Meter {
        // Where Linux tells it.
        let thread = std::fs::read_link("/proc/thread-self").ok();
        let schedstat = thread.map(|thread| Path::new("/proc").join(thread).join("schedstat"));
        Meter { schedstat, looked_at: Instant::now(), cpu_us: 0, load: Load::new(load_max) }
    }

    /// Looks, when it is time to: microseconds so far, 0 where the system does not say, and the load.
    pub fn look(&mut self) -> Option<(u64, &Load)> {
        let passed = self.looked_at.elapsed();
        if passed < LOOK_EVERY {
            return None;
        }
        self.looked_at = Instant::now();
        let cpu_us = self.schedstat.as_deref().and_then(processor_time_us).unwrap_or(0);
        let before = std::mem::replace(&mut self.cpu_us, cpu_us);
        self.load.on_look(passed, Duration::from_micros(cpu_us.saturating_sub(before)));
        Some((cpu_us, &self.load))
    }
}

fn processor_time_us(schedstat: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(schedstat).ok()?;
    let nanoseconds: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1_000)
}

/// See the module.
#[derive(Debug)]
pub struct Load {
    /// Of a core, smoothed over the last looks.
    percent: f64,
    percent_max: f64,
    full: bool,
}

impl Load {
    pub fn new(percent_max: u32) -> Load {
        Load { percent: 0.0, percent_max: percent_max.into(), full: false }
    }

    /// In this time the loop took so much processor time.
    pub fn on_look(&mut self, passed: Duration, taken: Duration) {
        /// Four looks: one that is long, as when many come at once, does not count for much.
        const KEPT: f64 = 0.75;
        let seen = 100.0 * taken.as_secs_f64() / passed.as_secs_f64().max(1e-3);
        self.percent = self.percent * KEPT + seen.min(100.0) * (1.0 - KEPT);
        let again = self.percent_max * MEDIA_LOAD_AGAIN;
        self.full = self.percent >= if self.full { again } else { self.percent_max };
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
        let mut load = Load::new(80);
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
