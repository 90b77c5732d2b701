//! What the SFU is told to do and what it tells: plain data, free of `str0m`.
//!
//! The hub decides who may publish and receive; the SFU only ever hears what is allowed.

use thiserror::Error;

/// One client's peer connection in one room. Assigned by the hub, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// A room: media never crosses from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub u64);

/// One published stream: a camera or a screen with at most one audio and one video track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

/// One media line of an offer that carries, or wants, one track of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The `a=mid` of the media line.
    pub mid: String,
    /// Which stream.
    pub stream: StreamId,
    /// Which of its tracks.
    pub kind: Kind,
}

/// How somebody shows a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Pixels of the place it is shown in; 0 when it is not seen.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Higher comes first when the link is thin.
    pub priority: u32,
}

impl Default for View {
    /// As large as there is: nothing was said.
    fn default() -> View {
        View { width: u32::MAX, height: u32::MAX, priority: 0 }
    }
}

/// Something the SFU has to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// A peer may come. Its first offer follows.
    Open {
        /// Its number; one that is in use is closed first.
        peer: PeerId,
        /// Where it is.
        room: RoomId,
    },
    /// Answer this offer. The mappings are the whole list: what is missing stops.
    Negotiate {
        /// Whose offer.
        peer: PeerId,
        /// Copied into the answer.
        ticket: u64,
        /// SDP.
        offer: String,
        /// What the peer publishes.
        send: Vec<Mapping>,
        /// What the peer receives. Streams that nobody publishes yet flow when they are.
        receive: Vec<Mapping>,
    },
    /// Forward a track or keep it back: mute, or a right withdrawn. Holds for everybody, until
    /// changed or the stream stops, also when it comes before the track.
    Pause {
        /// Which stream.
        stream: StreamId,
        /// Which of its tracks.
        kind: Kind,
        /// Keep it back.
        paused: bool,
    },
    /// How a peer shows a stream. Holds until changed, also when it comes before the media line.
    View {
        /// Who shows it.
        peer: PeerId,
        /// Which stream.
        stream: StreamId,
        /// How.
        view: View,
    },
    /// Record a stream, or no more. Holds until changed or the stream stops.
    Record {
        /// Which one.
        stream: StreamId,
        /// Record it.
        on: bool,
    },
    /// Stop forwarding a published stream to anybody, without waiting for an offer.
    StopStream {
        /// Which one.
        stream: StreamId,
    },
    /// Stop forwarding to this peer, without waiting for an offer.
    StopReceiving {
        /// Which one.
        peer: PeerId,
        /// Only this stream; `None` is all.
        stream: Option<StreamId>,
    },
    /// Forget this peer and all it publishes and receives.
    Close {
        /// Which one.
        peer: PeerId,
    },
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The answer to an offer.
    Answer {
        /// Whose.
        peer: PeerId,
        /// Of the command.
        ticket: u64,
        /// SDP.
        sdp: String,
    },
    /// An offer could not be answered; what was negotiated before stays as it was.
    Refused {
        /// Whose.
        peer: PeerId,
        /// Of the command.
        ticket: u64,
        /// Why.
        reason: Refusal,
    },
    /// Media can flow: ICE and DTLS are done. Also when a lost peer is heard again.
    Connected {
        /// Whose connection.
        peer: PeerId,
    },
    /// The media path is gone: silence for [`PEER_SILENCE_MAX`](wire::limits::PEER_SILENCE_MAX),
    /// or the other side closed it.
    Disconnected {
        /// Whose connection.
        peer: PeerId,
    },
    /// The first packet of a published track came in.
    MediaStarted {
        /// Which stream.
        stream: StreamId,
        /// Which of its tracks.
        kind: Kind,
    },
    /// Somebody speaks or stopped.
    Talking {
        /// Which stream.
        stream: StreamId,
        /// Speaks now.
        talking: bool,
    },
    /// Who speaks in a room: who has the word first, then who has spoken last. No more than
    /// [`SPEAKERS_TOLD_MAX`](wire::limits::SPEAKERS_TOLD_MAX).
    Speakers {
        /// Where.
        room: RoomId,
        /// Their streams.
        streams: Vec<StreamId>,
    },
    /// How well a peer's link does: when that has changed so that somebody would notice.
    Quality {
        /// Whose link.
        peer: PeerId,
        /// 1 to 100, the best.
        quality: u32,
    },
    /// A peer does not get a picture that it wants to see because its link does not carry it, or
    /// gets it again.
    Kept {
        /// Whose link.
        peer: PeerId,
        /// Which stream.
        stream: StreamId,
        /// It does not get it.
        kept: bool,
    },
    /// Which encodings of a picture somebody watches. The others need not be sent. Until it is said
    /// the first time all are wanted.
    Layers {
        /// Which stream.
        stream: StreamId,
        /// Bit n: the encoding whose `a=rid` is the number n.
        wanted: u32,
    },
    /// A peer is forgotten, as commanded.
    Closed {
        /// Which one.
        peer: PeerId,
    },
}

/// Why an offer was not answered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// `Open` did not come, or the peer was closed.
    #[error("no such peer {}: open it first", .peer.0)]
    NoSuchPeer {
        /// As commanded.
        peer: PeerId,
    },
    /// More peers than [`PEERS_MAX`](wire::limits::PEERS_MAX).
    #[error("the media server has {limit} peers, its limit")]
    TooManyPeers {
        /// The limit.
        limit: usize,
    },
    /// Not SDP, or SDP that does not describe what it must.
    #[error("malformed offer: {what}")]
    Malformed {
        /// What is wrong.
        what: String,
    },
    /// More lines than [`MEDIA_LINES_MAX`](wire::limits::MEDIA_LINES_MAX).
    #[error("the offer has {count} media lines, the limit is {limit}")]
    TooManyLines {
        /// In the offer.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// A mapping names a media line that the offer does not have, or has with another kind.
    #[error("no {kind:?} line with mid {mid:?} in the offer")]
    NoSuchLine {
        /// As mapped.
        mid: String,
        /// As mapped.
        kind: Kind,
    },
    /// Two mappings of one direction name the same media line.
    #[error("mid {mid:?} is mapped twice")]
    MappedTwice {
        /// As mapped.
        mid: String,
    },
    /// The offer does not follow from what was negotiated before.
    #[error("the offer cannot be accepted: {what}")]
    Unacceptable {
        /// What the WebRTC stack said.
        what: String,
    },
}

impl Refusal {
    /// A stable name, for logs and other programs.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::NoSuchPeer { .. } => "no-such-peer",
            Refusal::TooManyPeers { .. } => "too-many-peers",
            Refusal::Malformed { .. } => "malformed-offer",
            Refusal::TooManyLines { .. } => "too-many-lines",
            Refusal::NoSuchLine { .. } => "no-such-line",
            Refusal::MappedTwice { .. } => "mapped-twice",
            Refusal::Unacceptable { .. } => "unacceptable-offer",
        }
    }
}
