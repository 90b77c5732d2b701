//! What the client does with peer connections, and what it hears from them.
//!
//! One peer connection per room. The client offers, the server answers. The host owns capture,
//! elements and the connection object; which tracks are on it is decided here.

use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{GroupId, StreamId};
use wire::proto::IceServer;

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

/// A track of an own stream that shall be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sending {
    /// Own stream, by the page's number.
    pub sid: u32,
    /// Which track.
    pub kind: Kind,
}

/// A track of somebody's stream that shall be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receiving {
    /// Whose stream.
    pub stream: StreamId,
    /// Which track.
    pub kind: Kind,
}

/// The most an own stream may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// Lines of its picture, `None` = as the camera gives it.
    pub lines: Option<u32>,
    /// Pictures a second, 0 = as the camera gives them.
    pub fps: u32,
    /// kbit/s of its picture, all encodings together; 0 = as the link allows.
    pub video_kbps: u32,
    /// kbit/s of its sound, 0 = as the browser has it.
    pub audio_kbps: u32,
}

/// How an offer's media travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// As before.
    Standing,
    /// Over the same connection by a new path (ICE restart).
    Searched,
    /// Over a new connection; the one there is is closed.
    Fresh,
}

/// Something the host has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Start camera, microphone or screen for an own stream; answered by [`Input::Captured`], unless it
    /// is released or captured once more before.
    Capture {
        /// Room.
        room: GroupId,
        /// Own stream.
        sid: u32,
        /// `MESIBOCALL_VIDEOSOURCE_*`.
        source: u32,
        /// Which camera or screen.
        index: u32,
        /// Want a microphone.
        audio: bool,
        /// Want a picture.
        video: bool,
    },
    /// Stop its tracks.
    Release {
        /// Room.
        room: GroupId,
        /// Own stream.
        sid: u32,
    },
    /// Enable or disable a captured track in place: muted tracks send silence or black.
    Mute {
        /// Room.
        room: GroupId,
        /// Own stream.
        sid: u32,
        /// Which track.
        kind: Kind,
        /// Muted now.
        muted: bool,
    },
    /// Keep an own stream within these caps, in place.
    Limit {
        /// Room.
        room: GroupId,
        /// Own stream.
        sid: u32,
        /// Instead of the former ones.
        caps: Caps,
    },
    /// Which encodings of an own picture to send, as `Stream.layers` of the protocol has it.
    Layers {
        /// Room.
        room: GroupId,
        /// Own stream.
        sid: u32,
        /// Bits.
        layers: u32,
    },
    /// Make the connection send and receive exactly these tracks and make an offer; answered by
    /// [`Input::Offered`].
    Offer {
        /// Room.
        room: GroupId,
        /// Copied into the answer.
        ticket: u32,
        /// On which connection.
        path: Path,
        /// What helps to find a path.
        servers: Vec<IceServer>,
        /// All to be sent.
        sending: Vec<Sending>,
        /// All to be received.
        receiving: Vec<Receiving>,
    },
    /// The server's answer to the offer of this ticket. Tracks of [`Receiving`] are on the
    /// transceivers the host made for them.
    Answer {
        /// Room.
        room: GroupId,
        /// Of the offer.
        ticket: u32,
        /// SDP.
        sdp: String,
    },
    /// Close the connection; capture of published streams ends with `Release`.
    Close {
        /// Room.
        room: GroupId,
    },
}

/// Something the host tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Capture began, with what the user allowed.
    Captured {
        /// Room.
        room: GroupId,
        /// Own stream.
        sid: u32,
        /// There is a microphone.
        audio: bool,
        /// There is a picture.
        video: bool,
    },
    /// Capture was refused or there is no device.
    CaptureFailed {
        /// Room.
        room: GroupId,
        /// Own stream.
        sid: u32,
        /// For people.
        reason: String,
    },
    /// The user ended it in the browser (screen sharing), or the device is gone.
    CaptureEnded {
        /// Room.
        room: GroupId,
        /// Own stream.
        sid: u32,
        /// Which track.
        kind: Kind,
    },
    /// Cameras or microphones came or went.
    DevicesChanged,
    /// The offer is the connection's local description now.
    Offered {
        /// Room.
        room: GroupId,
        /// Of the command.
        ticket: u32,
        /// SDP.
        sdp: String,
        /// Media line of each track to be sent.
        sending: Vec<(Sending, String)>,
        /// Media line of each track to be received.
        receiving: Vec<(Receiving, String)>,
    },
    /// The browser could not make the offer or take the answer; a new connection is needed.
    Failed {
        /// Room.
        room: GroupId,
        /// For the console.
        reason: String,
    },
    /// `connectionState` of the connection.
    State {
        /// Room.
        room: GroupId,
        /// What it is now.
        state: PeerState,
    },
    /// The first media of this track was decoded, or its picture has another size; for what flows
    /// already it is said again with each offer.
    Flowing {
        /// Room.
        room: GroupId,
        /// Which one.
        receiving: Receiving,
        /// Pixels, 0 for audio.
        width: u32,
        /// Pixels, 0 for audio.
        height: u32,
    },
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// Not yet.
    Connecting,
    /// Media can flow.
    Connected,
    /// Lost for the moment.
    Disconnected,
    /// Lost for good: a new one is needed.
    Failed,
}
