//! What a media loop shows of itself.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// What went through a loop since its start.
#[derive(Debug, Default)]
pub struct Figures {
    /// Rounds of the loop: at least one a second.
    pub turns: AtomicU64,
    /// Datagrams that some peer took.
    pub received: AtomicU64,
    /// Datagrams that were nobody's.
    pub foreign: AtomicU64,
    /// RTP packets of publishers.
    pub packets_in: AtomicU64,
    /// RTP packets to subscribers.
    pub packets_out: AtomicU64,
    /// Datagrams the kernel did not take, and those that found no room on their way to the loop.
    pub dropped: AtomicU64,
    /// Peers now.
    pub peers: AtomicU64,
    /// Processor time of the thread, microseconds; 0 where the system does not say.
    pub cpu_us: AtomicU64,
    /// Of a core, percent, over the last seconds.
    pub load_percent: AtomicU64,
    /// It has no room for more.
    pub full: AtomicBool,
    /// Times it has begun anew after a panic.
    pub restarts: AtomicU64,
    /// It stands still.
    pub still: AtomicBool,
}

impl Figures {
    /// Nobody more should come.
    pub fn is_full(&self) -> bool {
        self.full.load(Relaxed) || self.still.load(Relaxed)
    }
}
