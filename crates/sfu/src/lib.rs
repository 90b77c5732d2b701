//! Who hears and sees whom: RTP of publishers in, RTP for each subscriber out.
//!
//! [`Sfu`] is one value with two methods. [`Sfu::handle_input`] changes state: a datagram, a
//! command of the hub, the passing of time. [`Sfu::poll_output`] gives what follows from it until
//! [`Output::Wait`]. Relies on `str0m` for ICE, DTLS, SRTP and RTCP of each peer; has no socket, no
//! clock, no thread. Promises that a subscriber only gets what the latest commands allow, and that
//! no datagram or session description of one peer harms another.
//!
//! A peer is one client's peer connection in one room. It always offers, the SFU always answers.
//! A stream is one participant's camera or screen with at most one audio and one video track:
//!
//! ```text
//! Publication ─ Track (audio, video) ─ Layer ──▶ Line (one media line of a subscriber)
//!                    key frames, talking           rewriting: SSRC, sequence, timestamp
//! ```

mod allocation;
mod codec;
mod command;
mod deadlines;
mod demux;
mod key_frames;
mod layer;
mod line;
mod offer;
mod path;
mod peer;
mod picture;
mod publication;
mod quality;
mod recording;
mod redundancy;
mod rewrite;
mod sfu;
mod speakers;
mod talking;

pub use command::{Command, Event, Kind, Mapping, PeerId, Refusal, RoomId, StreamId, View};
pub use demux::{Demux, Route};
pub use recording::{Encoding, Frame, Recorded};
pub use sfu::{Config, Counters, Input, Output, Sfu, Transmit};
