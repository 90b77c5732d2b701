//! What a room is made of: who is in it, what is published and what is received.

use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{GroupId, StreamId};
use wire::proto;
use wire::time::Instant;

use super::negotiation::Negotiation;
use crate::event::StreamRef;
use crate::port::peer::{Command, Kind, Receiving, Sending};
use crate::sorted::Map;

/// What the page wants to publish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publishing {
    /// Name shown to others, empty = the profile's.
    pub name: String,
    /// `MESIBOCALL_VIDEOSOURCE_*`.
    pub source: u32,
    /// Which camera or screen.
    pub index: u32,
    /// The most lines of a camera's picture, 0 = as the room and the camera have it.
    pub lines: u32,
    /// With sound.
    pub audio: bool,
    /// With picture.
    pub video: bool,
    /// Sound is muted.
    pub audio_muted: bool,
    /// Picture is muted.
    pub video_muted: bool,
    /// How others should show it, see `Stream.display` of the protocol.
    pub display: u32,
}

impl Publishing {
    pub(super) fn capture(&self, room: GroupId, sid: u32) -> Command {
        let Publishing { source, index, audio, video, .. } = *self;
        Command::Capture { room, sid, source, index, audio, video }
    }
}

/// A room the page is in.
#[derive(Debug, Default)]
pub struct Room {
    /// The server let us in.
    pub entered: bool,
    /// What the user may do here.
    pub rights: proto::Rights,
    /// What is sent here is being recorded.
    pub recording: bool,
    /// Who has the word, then who has spoken last. Of some, nothing else may be known (any more).
    pub speakers: Vec<StreamId>,
    /// Streams of others.
    pub streams: Map<StreamId, Stream>,
    /// Own streams by the page's number.
    pub own: Map<u32, OwnStream>,
    pub(super) calls: Map<StreamId, Call>,
    pub(super) negotiation: Negotiation,
}

/// Somebody's stream, as the server last told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stream {
    /// Uid of the publisher.
    pub uid: u32,
    /// Address of the publisher.
    pub address: String,
    /// The publisher's number of the stream.
    pub sid: u32,
    /// Display name, may be empty.
    pub name: String,
    /// `MESIBOCALL_VIDEOSOURCE_*`.
    pub source: u32,
    /// Has sound.
    pub audio: bool,
    /// Has a picture.
    pub video: bool,
    /// The publisher muted the sound.
    pub audio_muted: bool,
    /// The publisher muted the picture.
    pub video_muted: bool,
    /// Speaks now.
    pub talking: bool,
    /// How the publisher wants it to be shown, see `Stream.display` of the protocol.
    pub display: u32,
    /// How well its link does, 1 to 100; 0 while nothing is known of it.
    pub quality: u32,
}

/// An own stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnStream {
    /// What the page wants.
    pub publishing: Publishing,
    /// What capture gave: sound, picture. `None` while it is asked for.
    pub captured: Option<(bool, bool)>,
    /// A device of it has gone away; it is taken again when it is back.
    pub(super) lost: bool,
    /// Speaks now.
    pub talking: bool,
    /// `Stream.layers` of the protocol.
    pub(super) layers: u32,
    /// `Stream.quality` of the protocol.
    pub(super) quality: u32,
    /// Camera or screen, and which, of what is captured.
    pub(super) source: (u32, u32),
    /// The server's number, once it is announced.
    pub(super) id: Option<StreamId>,
    pub(super) connected: bool,
}

/// A stream the page receives.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    pub(super) audio: bool,
    pub(super) video: bool,
    pub(super) audio_muted: bool,
    pub(super) video_muted: bool,
    /// Width, height and priority of its view.
    pub(super) view: Option<(u32, u32, u32)>,
    pub(super) connected: bool,
    /// Media has come before.
    pub(super) begun: bool,
    /// Media has come over the connection there is.
    pub(super) flowed: bool,
    /// The page was told of its sound.
    pub(super) heard: bool,
    /// Width and height of the picture as the page was told of it last.
    pub(super) shape: (u32, u32),
}

impl Room {
    /// Whether the page receives this stream, or publishes it.
    pub fn is_running(&self, stream: StreamRef) -> bool {
        match stream {
            StreamRef::Own(sid) => self.own.contains_key(&sid),
            StreamRef::Remote(id) => self.calls.contains_key(&id),
        }
    }

    /// The page's number of an own stream.
    pub fn own_of(&self, id: StreamId) -> Option<u32> {
        let mut own = self.own.iter().filter(|(_, own)| own.id == Some(id));
        own.next().map(|(sid, _)| *sid)
    }

    /// The server's number of a stream; 0 of an own one that it does not know yet.
    pub fn id_of(&self, stream: StreamRef) -> StreamId {
        match stream {
            StreamRef::Own(sid) => self.own.get(&sid).and_then(|own| own.id).unwrap_or(StreamId(0)),
            StreamRef::Remote(id) => id,
        }
    }

    /// Whether the page wants a picture of this stream, and there is one.
    pub fn receives_picture(&self, id: StreamId) -> bool {
        self.calls.get(&id).is_some_and(|call| call.video)
            && self.streams.get(&id).is_some_and(|stream| stream.video)
    }

    /// Whether media of this stream flows.
    pub fn is_connected(&self, stream: StreamRef) -> bool {
        match stream {
            StreamRef::Own(sid) => self.own.get(&sid).is_some_and(|own| own.connected),
            StreamRef::Remote(id) => self.calls.get(&id).is_some_and(|call| call.connected),
        }
    }

    /// Sound and picture muted by the publisher, and locally.
    pub fn muted(&self, stream: StreamRef) -> ((bool, bool), (bool, bool)) {
        match stream {
            StreamRef::Own(sid) => {
                let own = self.own.get(&sid).map(|own| &own.publishing);
                let muted = own.map_or((false, false), |own| (own.audio_muted, own.video_muted));
                (muted, muted)
            }
            StreamRef::Remote(id) => {
                let stream = self.streams.get(&id);
                let call = self.calls.get(&id);
                (
                    stream.map_or((false, false), |s| (s.audio_muted, s.video_muted)),
                    call.map_or((false, false), |c| (c.audio_muted, c.video_muted)),
                )
            }
        }
    }

    /// All that shall be sent and received now.
    pub(super) fn tracks(&self) -> (Vec<Sending>, Vec<Receiving>) {
        let mut sending = Vec::new();
        for (sid, own) in self.own.iter().filter(|(_, own)| own.id.is_some()) {
            let (audio, video) = own.captured.unwrap_or_default();
            sending.extend(audio.then_some(Sending { sid: *sid, kind: Kind::Audio }));
            sending.extend(video.then_some(Sending { sid: *sid, kind: Kind::Video }));
        }
        let mut receiving = Vec::new();
        for (id, call) in &self.calls {
            let Some(stream) = self.streams.get(id) else { continue };
            let audio = call.audio && !call.audio_muted && stream.audio;
            let video = call.video && !call.video_muted && stream.video;
            receiving.extend(audio.then_some(Receiving { stream: *id, kind: Kind::Audio }));
            receiving.extend(video.then_some(Receiving { stream: *id, kind: Kind::Video }));
        }
        (sending, receiving)
    }

    /// When to look at it again.
    pub(super) fn deadline(&self) -> Instant {
        match self.entered {
            true => self.negotiation.deadline(),
            false => Instant::FAR_FUTURE,
        }
    }
}
