//! Media: the loops that share the UDP port, and the translation between hub and SFU.

mod figures;
mod handle;
mod load;
mod media_loop;
mod port;
mod queue;
mod recorder_queue;
mod socket;
mod standing;
mod translation;
mod watch;

pub use figures::Figures;
pub use handle::{MediaConfig, MediaHandle, start};
pub use port::PortFigures;
pub use translation::Translation;
pub use watch::Watch;
