//! What the hub says to the media server and hears from it.
//!
//! The hub decides who may publish and receive; the media server only ever gets what is allowed.

use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{AppId, GroupId, SessionId, StreamId, Ticket, Uid};
use wire::time::Timestamp;

/// One of the loops of the media server, each with a processor of its own. A room is in one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoopId(pub u32);

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
pub struct Track {
    /// The `mid` of the media line.
    pub mid: String,
    /// Which stream.
    pub stream: StreamId,
    /// Which of its tracks.
    pub kind: Kind,
}

/// A client's peer connection in one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// Whose.
    pub session: SessionId,
    /// In which room.
    pub room: GroupId,
}

/// What a recorded stream belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Whose app.
    pub aid: AppId,
    /// The room; its members may watch.
    pub room: GroupId,
    /// Who has begun it, 0 = the backend.
    pub by: Uid,
    /// Who is seen and heard.
    pub of: Uid,
    /// When it began: one recording of a room is told from the next by it.
    pub begun: Timestamp,
    /// Name of who is seen and heard.
    pub name: String,
}

/// Something the media server has to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Answer this offer. `fresh` replaces the peer connection by a new one; the first offer of
    /// a peer is always fresh. The mapping is the whole one: what is missing stops.
    Negotiate {
        /// Whose offer.
        peer: Peer,
        /// Copied into the answer.
        ticket: Ticket,
        /// New peer connection.
        fresh: bool,
        /// SDP.
        offer: String,
        /// What the peer publishes.
        send: Vec<Track>,
        /// What the peer receives.
        receive: Vec<Track>,
    },
    /// Forget this peer and all it publishes and receives.
    Close {
        /// Which one.
        peer: Peer,
    },
    /// Keep a track back from everybody, or forward it again.
    Pause {
        /// Which stream.
        stream: StreamId,
        /// Which of its tracks.
        kind: Kind,
        /// Keep it back.
        paused: bool,
    },
    /// How large a peer shows a stream.
    View {
        /// Who shows it.
        peer: Peer,
        /// Which stream.
        stream: StreamId,
        /// Pixels of the place it is shown in, 0 when it is not seen.
        width: u32,
        /// Pixels.
        height: u32,
        /// Higher comes first when the link is thin.
        priority: u32,
    },
    /// Record a stream until it stops; `None`: no more.
    Record {
        /// Which one.
        stream: StreamId,
        /// Into what.
        into: Option<Recording>,
    },
    /// Stop forwarding a published stream to anybody, without waiting for an offer.
    StopStream {
        /// Which one.
        stream: StreamId,
    },
    /// Stop forwarding anything to this peer, without waiting for an offer.
    StopReceiving {
        /// Which one.
        peer: Peer,
    },
}

/// Something that happened in the media server.
#[derive(Clone, Debug)]
pub enum Event {
    /// The answer to an offer.
    Answer {
        /// Whose.
        peer: Peer,
        /// Of the command.
        ticket: Ticket,
        /// SDP, or why there is none.
        answer: Result<String, String>,
    },
    /// Somebody speaks or stopped.
    Talking {
        /// Which stream.
        stream: StreamId,
        /// Speaks now.
        talking: bool,
    },
    /// Who speaks in a room: who has the word first, then who has spoken last.
    Speakers {
        /// Where.
        room: GroupId,
        /// Their streams.
        streams: Vec<StreamId>,
    },
    /// How well a peer's link does, when that has changed.
    Quality {
        /// Whose.
        peer: Peer,
        /// 1 to 100, the best.
        quality: u32,
    },
    /// A peer's link does not carry a picture that it wants to see, or carries it again.
    Kept {
        /// Whose link.
        peer: Peer,
        /// Which stream.
        stream: StreamId,
        /// It does not get it.
        kept: bool,
    },
    /// Which encodings of a picture somebody watches.
    Layers {
        /// Which stream.
        stream: StreamId,
        /// Bit n: encoding n of the publisher.
        wanted: u32,
    },
    /// How busy a loop is. Told of each loop when the server starts; until then there is one.
    Load {
        /// Which one.
        at: LoopId,
        /// Of its processor.
        percent: u32,
        /// It has no room for more.
        full: bool,
    },
    /// A recording cannot go on: the disk is full, or it has become too large.
    RecordingFailed {
        /// Of which room.
        room: GroupId,
        /// When it began.
        begun: Timestamp,
    },
    /// The media path of this peer is gone; its client may still be connected.
    Lost {
        /// Which one.
        peer: Peer,
    },
}
