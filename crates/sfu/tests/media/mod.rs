//! The server's media loops: what has real sockets is tried and measured with real clients, and those need
//! `str0m`, which is this crate's only.
#![allow(dead_code)] // Each user takes its part.

#[path = "../../../server/src/media/figures.rs"]
pub mod figures;
#[path = "../../../server/src/media/handle.rs"]
pub mod handle;
#[path = "../../../server/src/media/load.rs"]
mod load;
#[path = "../../../server/src/media/media_loop.rs"]
mod media_loop;
#[path = "../../../server/src/media/port.rs"]
mod port;
#[path = "../../../server/src/media/queue.rs"]
mod queue;
#[path = "../../../server/src/media/recorder_queue.rs"]
mod recorder_queue;
#[path = "../../../server/src/media/socket.rs"]
mod socket;
#[path = "../../../server/src/media/standing.rs"]
mod standing;
