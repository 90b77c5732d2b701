//! Time as the cores know it: an argument, never a clock they read.

use core::ops::{Add, Sub};
pub use core::time::Duration;

/// A point on a monotonic clock: milliseconds since an arbitrary start.
///
/// Deadlines use it; a wall clock that jumps does not move them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

impl Instant {
    /// Later than any deadline: "never".
    pub const FAR_FUTURE: Instant = Instant(u64::MAX);

    /// Time since `earlier`, zero when that lies ahead.
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, rest: Duration) -> Instant {
        let ms = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
        Instant(self.0.saturating_add(ms))
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.since(earlier)
    }
}

/// A moment of the calendar: milliseconds since 1970 UTC. For display and expiry only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The moment `rest` later.
    pub fn after(self, rest: Duration) -> Timestamp {
        let ms = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
        Timestamp(self.0.saturating_add(ms))
    }
}

/// Both clocks, read once by the host for each input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For deadlines.
    pub instant: Instant,
    /// For timestamps.
    pub wall: Timestamp,
}
