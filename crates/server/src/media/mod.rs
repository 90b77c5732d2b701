//! Media: the loop that owns the UDP port, and the translation between hub and SFU.

mod load;
mod recorder_queue;
mod socket;
mod translation;
mod udp_loop;

pub use translation::Translation;
pub use udp_loop::{Figures, MediaConfig, MediaHandle, start};
