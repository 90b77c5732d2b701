//! The two clocks of the machine, in the hub's units.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use wire::time::{self, Now, Timestamp};

/// Whole seconds since 1970, now.
pub fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Counts from when it was started.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that stands at zero now.
    pub fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    /// Both clocks, read now.
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            instant: time::Instant(self.start.elapsed().as_millis() as u64),
            wall: Timestamp(wall.as_millis() as u64),
        }
    }

    /// When a deadline of the hub is, `None` for never.
    pub fn deadline(&self, at: time::Instant) -> Option<Instant> {
        self.start.checked_add(std::time::Duration::from_millis(at.0))
    }
}
