//! What the client does with the media of a one-to-one call, and what it hears of it.
//!
//! There is one call at a time. The host owns capture, elements and the peer connection; every
//! command and input names the call, so that what comes late is nobody's.

use alloc::string::String;
use alloc::vec::Vec;
use wire::proto::IceServer;

use super::peer::{Kind, PeerState};

/// Something the host has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Start microphone, and camera when `video`; answered by [`Input::Captured`].
    Capture {
        /// With a picture.
        video: bool,
        /// `MESIBOCALL_VIDEOSOURCE_*`.
        source: u32,
        /// Which camera.
        index: u32,
    },
    /// Send another device in the place of the one that is sent, a picture also where none is; answered
    /// by [`Input::Took`] when there is one.
    Take {
        /// Which track.
        kind: Kind,
        /// `MESIBOCALL_VIDEOSOURCE_*`.
        source: u32,
        /// Which camera or screen.
        index: u32,
    },
    /// Describe this side: an offer, or the answer to one; answered by [`Input::Described`]. The
    /// first makes the connection.
    Describe {
        /// The other side's offer; `None` to make one.
        offer: Option<String>,
        /// Look for a new path.
        restart: bool,
        /// The call is about pictures.
        video: bool,
        /// What helps to find a path.
        servers: Vec<IceServer>,
    },
    /// What was a call by voice has pictures from now on: that of the other side is shown.
    Picture,
    /// The answer to the offer that was made last.
    TakeAnswer(String),
    /// An address of the other side, and the media line it is for.
    AddCandidate(String, String),
    /// `wire::call::mute`: what of this side is silent and black; with `HOLD` the other side, too.
    Mute(u32),
    /// Send these tones.
    Tones(String),
    /// Stop everything, let go of devices and elements.
    Close,
}

/// Something the host tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Capture began, with what the user allowed; nothing at all when both are `false`.
    Captured {
        /// There is sound.
        audio: bool,
        /// There is a picture.
        video: bool,
    },
    /// A device is gone, or the user ended the screen in the browser.
    Lost(Kind),
    /// Another device is sent.
    Took {
        /// Which track.
        kind: Kind,
        /// `MESIBOCALL_VIDEOSOURCE_*`.
        source: u32,
        /// Which camera or screen.
        index: u32,
    },
    /// The local description as it is now.
    Described(String),
    /// An own address, and the media line it is for.
    Candidate(String, String),
    /// The browser could not describe, or take a description.
    Failed(String),
    /// `connectionState` of the connection.
    State(PeerState),
    /// The first media of the other side came.
    Flowing,
    /// The page is closed.
    Leaving,
}
