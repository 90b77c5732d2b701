//! Conferences: rooms the page is in, what it publishes and receives there.
//!
//! Relies on the host for capture and the peer connection, on the server for who is there. What
//! the page wants is kept apart from what is so: after a lost connection the room is entered
//! again, own streams are published again, and the list of others is compared with the server's.

use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{GroupId, StreamId};
use wire::mask::resolution;
use wire::proto::{self, client_frame};
use wire::time::{Instant, Now};

use crate::Output;
use crate::client::Client;
use crate::event::{Event, RoomEvent, StreamRef};
use crate::negotiation::Negotiation;
use crate::port::peer::{self, Caps, Command, Kind, Path, PeerState, Receiving, Sending};
use crate::sorted::Map;

/// `MESIBOCALL_HANGUP_REASON_*`
const HANGUP_USER: u32 = 1;
const HANGUP_REMOTE: u32 = 2;
const HANGUP_ERROR: u32 = 3;
const HANGUP_DURATION: u32 = 5;
/// `MESIBOCALL_VIDEOSOURCE_SCREEN`
const SOURCE_SCREEN: u32 = 4;

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
    fn capture(&self, room: GroupId, sid: u32) -> Command {
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
    calls: Map<StreamId, Call>,
    pub(crate) negotiation: Negotiation,
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
    lost: bool,
    /// Speaks now.
    pub talking: bool,
    /// `Stream.layers` of the protocol.
    layers: u32,
    /// `Stream.quality` of the protocol.
    quality: u32,
    /// Camera or screen, and which, of what is captured.
    source: (u32, u32),
    /// The server's number, once it is announced.
    id: Option<StreamId>,
    connected: bool,
}

/// A stream the page receives.
#[derive(Clone, Debug, Default)]
struct Call {
    audio: bool,
    video: bool,
    audio_muted: bool,
    video_muted: bool,
    /// Width, height and priority of its view.
    view: Option<(u32, u32, u32)>,
    connected: bool,
    /// Media has come before.
    begun: bool,
    /// Media has come over the connection there is.
    flowed: bool,
    /// The page was told of its sound.
    heard: bool,
    /// Width and height of the picture as the page was told of it last.
    shape: (u32, u32),
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
    fn tracks(&self) -> (Vec<Sending>, Vec<Receiving>) {
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
    pub(crate) fn deadline(&self) -> Instant {
        match self.entered {
            true => self.negotiation.deadline(),
            false => Instant::FAR_FUTURE,
        }
    }
}

impl Client {
    /// Enters a room, now or as soon as there is a connection, and again after each reconnect.
    pub fn enter_room(&mut self, gid: GroupId) {
        self.rooms.entry(gid).or_default();
        self.be_in_room(gid, true);
    }

    /// Leaves a room: everything in it ends, silently.
    pub fn leave_room(&mut self, gid: GroupId) {
        let Some(room) = self.rooms.remove(&gid) else { return };
        for sid in room.own.keys() {
            self.peer(Command::Release { room: gid, sid: *sid });
        }
        self.peer(Command::Close { room: gid });
        self.be_in_room(gid, false);
    }

    /// The room, while the page is in it.
    pub fn room(&self, gid: GroupId) -> Option<&Room> {
        self.rooms.get(&gid)
    }

    /// Publishes an own stream, or changes the one of this number.
    pub fn publish(&mut self, gid: GroupId, sid: u32, publishing: Publishing) {
        let room = self.rooms.entry(gid).or_default();
        let known = room.own.get(&sid).map(|own| own.publishing.clone());
        let capture = publishing.capture(gid, sid);
        let same_capture = known.as_ref().is_some_and(|known| {
            (known.source, known.index, known.audio, known.video)
                == (publishing.source, publishing.index, publishing.audio, publishing.video)
        });
        match room.own.get_mut(&sid) {
            Some(own) => own.publishing = publishing,
            None => {
                let own = OwnStream {
                    publishing,
                    captured: None,
                    lost: false,
                    talking: false,
                    layers: 0,
                    quality: 0,
                    source: (0, 0),
                    id: None,
                    connected: false,
                };
                room.own.insert(sid, own);
            }
        }
        if same_capture {
            self.announce_stream(gid, sid);
        } else {
            self.peer(capture);
        }
    }

    /// Stops an own stream; `false` when there is none.
    pub fn unpublish(&mut self, gid: GroupId, sid: u32) -> bool {
        let Some(room) = self.rooms.get_mut(&gid) else { return false };
        if room.own.remove(&sid).is_none() {
            return false;
        }
        room.negotiation.change();
        self.peer(Command::Release { room: gid, sid });
        self.transmit(client_frame::Body::Unpublish(proto::Unpublish { gid: gid.0, sid }));
        true
    }

    /// An own stream ended, not by the page.
    fn end_own(&mut self, gid: GroupId, sid: u32, reason: u32) {
        if self.unpublish(gid, sid) {
            self.tell_room(gid, RoomEvent::HungUp { stream: StreamRef::Own(sid), reason });
        }
    }

    /// Receives a stream, or changes which of its tracks.
    pub fn subscribe(&mut self, gid: GroupId, stream: StreamId, audio: bool, video: bool) {
        let Some(room) = self.rooms.get_mut(&gid) else { return };
        let call = room.calls.entry(stream).or_default();
        if (call.audio, call.video) != (audio, video) {
            (call.audio, call.video) = (audio, video);
            call.heard &= audio;
            if !video {
                call.shape = (0, 0);
            }
            room.negotiation.change();
        }
    }

    /// Ends to receive a stream; `false` when it was not received.
    pub fn unsubscribe(&mut self, gid: GroupId, stream: StreamId) -> bool {
        let Some(room) = self.rooms.get_mut(&gid) else { return false };
        let ended = room.calls.remove(&stream).is_some();
        if ended {
            room.negotiation.change();
        }
        ended
    }

    /// Mutes a track: an own one for everybody, somebody's only here.
    pub fn mute(&mut self, gid: GroupId, stream: StreamRef, kind: Kind, muted: bool) {
        let Some(room) = self.rooms.get_mut(&gid) else { return };
        match stream {
            StreamRef::Own(sid) => {
                let Some(own) = room.own.get_mut(&sid) else { return };
                match kind {
                    Kind::Audio => own.publishing.audio_muted = muted,
                    Kind::Video => own.publishing.video_muted = muted,
                }
                self.peer(Command::Mute { room: gid, sid, kind, muted });
                self.announce_stream(gid, sid);
            }
            StreamRef::Remote(id) => {
                let Some(call) = room.calls.get_mut(&id) else { return };
                match kind {
                    Kind::Audio => call.audio_muted = muted,
                    Kind::Video => call.video_muted = muted,
                }
                room.negotiation.change();
            }
        }
        self.tell_mute(gid, stream, false);
    }

    /// How large a stream is shown, see `View` of the protocol: the server sends no larger picture, and
    /// none of what is not wanted.
    pub fn view(&mut self, gid: GroupId, stream: StreamId, view: (u32, u32, u32)) {
        let call = self.rooms.get_mut(&gid).and_then(|room| room.calls.get_mut(&stream));
        if let Some(call) = call
            && call.view.replace(view) != Some(view)
        {
            self.tell_view(gid, stream, view);
        }
    }

    fn tell_view(
        &mut self,
        gid: GroupId,
        stream: StreamId,
        (width, height, priority): (u32, u32, u32),
    ) {
        let view = proto::View { gid: gid.0, stream: stream.0, width, height, priority };
        self.transmit(client_frame::Body::View(view));
    }

    /// Asks something of others in a room, as an admin; the server passes on what is allowed.
    pub fn control(&mut self, control: proto::RoomControl) {
        self.transmit(client_frame::Body::RoomControl(control));
    }

    /// Own streams stay within what the user may send. Screens are as large as they are: smaller,
    /// they cannot be read.
    fn limit_streams(&mut self, gid: GroupId) {
        let Some(room) = self.rooms.get(&gid) else { return };
        let caps = caps(&room.rights);
        let limits = room.own.iter().map(|(sid, own)| {
            let is_screen = own.publishing.source == SOURCE_SCREEN;
            let lines = caps.lines.filter(|_| !is_screen);
            let own_lines = Some(own.publishing.lines).filter(|lines| *lines > 0 && !is_screen);
            let lines = lines.into_iter().chain(own_lines).min();
            Command::Limit { room: gid, sid: *sid, caps: Caps { lines, ..caps } }
        });
        for command in limits.collect::<Vec<_>>() {
            self.peer(command);
        }
    }

    /// The page speaks into another microphone: streams that run take it.
    pub fn change_microphone(&mut self) {
        self.take(Kind::Audio, (0, 0));
        let streams = self.rooms.iter().flat_map(|(gid, room)| {
            let heard = room.own.iter().filter(|(_, own)| {
                own.captured.is_some_and(|(audio, _)| audio) && own.source.0 != SOURCE_SCREEN
            });
            heard.map(|(sid, own)| own.publishing.capture(*gid, *sid))
        });
        for capture in streams.collect::<Vec<_>>() {
            self.peer(capture);
        }
    }

    // ---- what the server tells -----------------------------------------------------------------

    pub(crate) fn on_room_control(&mut self, control: proto::RoomControl) {
        let room = GroupId(control.gid);
        if self.rooms.contains_key(&room) {
            self.tell_room(room, RoomEvent::Control(control));
        }
    }

    pub(crate) fn on_room_state(&mut self, state: &proto::RoomState) {
        let gid = GroupId(state.gid);
        let Some(room) = self.rooms.get_mut(&gid) else { return };
        let first = !room.entered;
        room.entered = true;
        let before = caps(&room.rights);
        room.rights = state.rights.unwrap_or_default();
        let limited = caps(&room.rights) != before;
        let gone = room.streams.keys().filter(|id| !state.streams.iter().any(|s| s.id == id.0));
        let gone: Vec<_> = gone.copied().collect();
        let captured = room.own.iter().filter(|(_, own)| own.captured.is_some());
        let captured: Vec<_> = captured.map(|(sid, _)| *sid).collect();
        if first {
            room.negotiation.restart();
            self.tell_room(gid, RoomEvent::Entered);
            for sid in captured {
                self.announce_stream(gid, sid);
            }
        }
        if limited {
            self.limit_streams(gid);
        }
        self.on_recording(gid, state.recording);
        self.on_speakers(gid, &state.speakers);
        for id in gone {
            self.on_stream_gone(gid, id);
        }
        for stream in &state.streams {
            self.on_stream(gid, stream);
        }
    }

    pub(crate) fn on_room_update(&mut self, now: Now, update: &proto::RoomUpdate) {
        let gid = GroupId(update.gid);
        if !self.rooms.contains_key(&gid) {
            return;
        }
        if update.closed {
            let (why, reason) = match update.over {
                true => (HANGUP_DURATION, "the call has lasted as long as it may"),
                false => (HANGUP_REMOTE, "the room was closed"),
            };
            return self.on_room_closed(gid, why, update.error, reason, false);
        }
        if let Some(recording) = update.recording {
            self.on_recording(gid, recording);
        }
        if !update.speakers.is_empty() {
            self.on_speakers(gid, &update.speakers);
        }
        if update.lost
            && let Some(room) = self.rooms.get_mut(&gid)
        {
            room.negotiation.search(now);
        }
        for id in &update.gone {
            self.on_stream_gone(gid, StreamId(*id));
        }
        for stream in &update.changed {
            self.on_stream(gid, stream);
        }
        for stream in &update.own {
            self.on_own_stream(gid, stream);
        }
    }

    fn on_speakers(&mut self, gid: GroupId, speakers: &[u64]) {
        let Some(room) = self.rooms.get_mut(&gid) else { return };
        let speakers: Vec<_> = speakers.iter().map(|id| StreamId(*id)).collect();
        if room.speakers != speakers {
            room.speakers = speakers;
            self.tell_room(gid, RoomEvent::Speakers);
        }
    }

    fn on_recording(&mut self, gid: GroupId, on: bool) {
        let Some(room) = self.rooms.get_mut(&gid) else { return };
        if core::mem::replace(&mut room.recording, on) != on {
            self.tell_room(gid, RoomEvent::Recording(on));
        }
    }

    pub(crate) fn on_room_refused(&mut self, refused: &proto::RoomRefused) {
        let gid = GroupId(refused.gid);
        if !refused.publish {
            let proto::RoomRefused { error, reason, waiting, .. } = refused;
            return self.on_room_closed(gid, HANGUP_REMOTE, *error, reason, *waiting);
        }
        let Some(room) = self.rooms.get_mut(&gid) else { return };
        if room.own.remove(&refused.sid).is_none() {
            return;
        }
        room.negotiation.change();
        self.peer(Command::Release { room: gid, sid: refused.sid });
        let (sid, error, reason) = (Some(refused.sid), refused.error, refused.reason.clone());
        let stream = StreamRef::Own(refused.sid);
        self.tell_room(gid, RoomEvent::HungUp { stream, reason: HANGUP_ERROR });
        self.tell_room(gid, RoomEvent::Refused { sid, error, reason, waiting: false });
    }

    fn on_room_closed(&mut self, gid: GroupId, why: u32, error: u32, reason: &str, waiting: bool) {
        let Some(room) = self.rooms.remove(&gid) else { return };
        for sid in room.own.keys() {
            self.peer(Command::Release { room: gid, sid: *sid });
        }
        self.peer(Command::Close { room: gid });
        for stream in room.calls.keys().map(|id| StreamRef::Remote(*id)) {
            self.tell_room(gid, RoomEvent::HungUp { stream, reason: why });
        }
        for stream in room.own.keys().map(|sid| StreamRef::Own(*sid)) {
            self.tell_room(gid, RoomEvent::HungUp { stream, reason: why });
        }
        for id in room.streams.keys() {
            self.tell_room(gid, RoomEvent::PublisherLeft(*id));
        }
        let reason = reason.into();
        self.tell_room(gid, RoomEvent::Refused { sid: None, error, reason, waiting });
    }

    pub(crate) fn on_subscriber(&mut self, subscriber: &proto::Subscriber) {
        self.tell_room(
            GroupId(subscriber.gid),
            RoomEvent::Subscriber {
                sid: subscriber.sid,
                address: subscriber.address.clone(),
                uid: subscriber.uid,
                name: subscriber.name.clone(),
                joined: subscriber.joined,
            },
        );
    }

    fn on_stream(&mut self, gid: GroupId, told: &proto::Stream) {
        let Some(room) = self.rooms.get_mut(&gid) else { return };
        let id = StreamId(told.id);
        let stream = Stream {
            uid: told.uid,
            address: told.address.clone(),
            sid: told.sid,
            name: told.name.clone(),
            source: told.source,
            audio: told.audio,
            video: told.video,
            audio_muted: told.audio_muted,
            video_muted: told.video_muted,
            talking: told.talking,
            display: told.display,
            quality: told.quality,
        };
        let Some(before) = room.streams.insert(id, stream.clone()) else {
            return self.tell_room(gid, RoomEvent::PublisherJoined(id));
        };
        let call = room.calls.get(&id);
        let (running, begun) = (call.is_some(), call.is_some_and(|call| call.begun));
        // The next picture is of something else.
        if before.source != stream.source
            && let Some(call) = room.calls.get_mut(&id)
        {
            call.shape = (0, 0);
        }
        if running && (before.audio, before.video) != (stream.audio, stream.video) {
            room.negotiation.change();
        }
        let muted = |s: &Stream| (s.audio_muted, s.video_muted);
        if before != stream {
            self.tell_room(gid, RoomEvent::ParticipantChanged(StreamRef::Remote(id)));
        }
        // What was so before its media came is told with it.
        if !begun {
            return;
        }
        let of = StreamRef::Remote(id);
        if muted(&before) != muted(&stream) {
            self.tell_mute(gid, of, true);
        }
        if before.talking != stream.talking {
            self.tell_room(gid, RoomEvent::Talking { stream: of, talking: stream.talking });
        }
        if before.display != stream.display {
            self.tell_room(gid, RoomEvent::Display(id));
        }
        if before.quality != stream.quality {
            let quality = best_when_unknown(stream.quality);
            self.tell_room(gid, RoomEvent::Quality { stream: of, quality });
        }
        if before.source != stream.source {
            self.tell_room(gid, RoomEvent::SourceChanged(of));
        }
    }

    fn on_stream_gone(&mut self, gid: GroupId, id: StreamId) {
        let Some(room) = self.rooms.get_mut(&gid) else { return };
        let called = room.calls.remove(&id).is_some();
        let known = room.streams.remove(&id).is_some();
        if called {
            room.negotiation.change();
            let stream = StreamRef::Remote(id);
            self.tell_room(gid, RoomEvent::HungUp { stream, reason: HANGUP_REMOTE });
        }
        if known {
            self.tell_room(gid, RoomEvent::PublisherLeft(id));
        }
    }

    fn on_own_stream(&mut self, gid: GroupId, told: &proto::Stream) {
        let Some(room) = self.rooms.get_mut(&gid) else { return };
        let Some(own) = room.own.get_mut(&told.sid) else { return };
        let fresh = own.id.replace(StreamId(told.id)) != Some(StreamId(told.id));
        let talking = core::mem::replace(&mut own.talking, told.talking) != told.talking;
        let layers = core::mem::replace(&mut own.layers, told.layers) != told.layers;
        let quality = core::mem::replace(&mut own.quality, told.quality) != told.quality;
        if fresh {
            room.negotiation.change();
        }
        if quality {
            let (stream, quality) = (StreamRef::Own(told.sid), best_when_unknown(told.quality));
            self.tell_room(gid, RoomEvent::Quality { stream, quality });
        }
        if layers {
            self.peer(Command::Layers { room: gid, sid: told.sid, layers: told.layers });
        }
        if talking {
            let (stream, talking) = (StreamRef::Own(told.sid), told.talking);
            self.tell_room(gid, RoomEvent::Talking { stream, talking });
        }
    }

    /// The network is another one.
    pub(crate) fn look_for_paths(&mut self, now: Now) {
        let entered = self.rooms.values_mut().filter(|room| room.entered);
        entered.for_each(|room| room.negotiation.search(now));
    }

    /// The connection to the server is gone, and with it all that it knew of us.
    pub(crate) fn suspend_rooms(&mut self) {
        let gids: Vec<_> = self.rooms.keys().copied().collect();
        for gid in gids {
            let Some(room) = self.rooms.get_mut(&gid) else { continue };
            room.entered = false;
            room.negotiation.suspend();
            room.own.values_mut().for_each(|own| own.id = None);
            self.tell_connected(gid, false);
        }
    }

    /// Signed in: all rooms are entered again.
    pub(crate) fn enter_rooms_again(&mut self) {
        let gids: Vec<_> = self.rooms.keys().copied().collect();
        for gid in gids {
            self.be_in_room(gid, true);
        }
    }

    // ---- what the peer connection tells ----------------------------------------------------------

    pub(crate) fn on_peer(&mut self, now: Now, input: peer::Input) {
        match input {
            peer::Input::Captured { room: gid, sid, audio, video } => {
                let Some(room) = self.rooms.get_mut(&gid) else { return };
                let Some(own) = room.own.get_mut(&sid) else { return };
                let publishing = own.publishing.clone();
                let source = (publishing.source, publishing.index);
                let before = own.captured.replace((audio, video)).map(|_| own.source);
                own.source = source;
                own.lost &= (audio, video) != (publishing.audio, publishing.video);
                // What is not announced yet is offered when the server knows of it.
                if own.id.is_some() {
                    room.negotiation.change();
                }
                for (kind, muted) in
                    [(Kind::Audio, publishing.audio_muted), (Kind::Video, publishing.video_muted)]
                {
                    if muted {
                        self.peer(Command::Mute { room: gid, sid, kind, muted });
                    }
                }
                self.limit_streams(gid);
                let stream = StreamRef::Own(sid);
                if before.is_some_and(|before| before != source) {
                    self.tell_room(gid, RoomEvent::SourceChanged(stream));
                }
                let shown = match video {
                    true => RoomEvent::Video { stream, width: 0, height: 0 },
                    false => RoomEvent::Audio(stream),
                };
                self.tell_room(gid, shown);
                if before.is_none() && (publishing.audio_muted || publishing.video_muted) {
                    self.tell_mute(gid, stream, false);
                }
                self.announce_stream(gid, sid);
            }
            peer::Input::CaptureFailed { room: gid, sid, reason } => {
                let Some(room) = self.rooms.get_mut(&gid) else { return };
                // Who changes the source and thinks better of it goes on with the former one.
                let running = room.own.get_mut(&sid).filter(|own| own.captured.is_some());
                if let Some(own) = running.filter(|own| !own.lost) {
                    (own.publishing.source, own.publishing.index) = own.source;
                    return self.tell_room(gid, RoomEvent::CaptureFailed { sid, reason });
                }
                self.tell_room(gid, RoomEvent::CaptureFailed { sid, reason });
                self.end_own(gid, sid, HANGUP_ERROR);
            }
            peer::Input::CaptureEnded { room: gid, sid, kind } => {
                let Some(own) = self.rooms.get_mut(&gid).and_then(|room| room.own.get_mut(&sid))
                else {
                    return;
                };
                match (own.source.0 == SOURCE_SCREEN, kind) {
                    (true, Kind::Video) => self.end_own(gid, sid, HANGUP_USER),
                    // What is seen goes on without its sound.
                    (true, Kind::Audio) => {}
                    // A device is gone: another one, or what is left.
                    (false, _) => {
                        own.lost = true;
                        let capture = own.publishing.capture(gid, sid);
                        self.peer(capture);
                    }
                }
            }
            peer::Input::DevicesChanged => {
                self.take_lost_devices();
                let streams = self.rooms.iter().flat_map(|(gid, room)| {
                    let lost = room.own.iter().filter(|(_, own)| own.lost);
                    lost.map(|(sid, own)| own.publishing.capture(*gid, *sid))
                });
                for capture in streams.collect::<Vec<_>>() {
                    self.peer(capture);
                }
            }
            peer::Input::Offered { room: gid, ticket, sdp, sending, receiving } => {
                let Some(room) = self.rooms.get_mut(&gid) else { return };
                let Some(fresh) = room.negotiation.offered(ticket) else { return };
                let kind = |kind| match kind {
                    Kind::Audio => proto::Kind::Audio as i32,
                    Kind::Video => proto::Kind::Video as i32,
                };
                let send = sending.into_iter().map(|(track, mid)| proto::SendTrack {
                    mid,
                    sid: track.sid,
                    kind: kind(track.kind),
                });
                let receive = receiving.into_iter().map(|(track, mid)| proto::ReceiveTrack {
                    mid,
                    stream: track.stream.0,
                    kind: kind(track.kind),
                });
                let frame = proto::Negotiate {
                    gid: gid.0,
                    ticket,
                    offer: sdp,
                    send: send.collect(),
                    receive: receive.collect(),
                    fresh,
                };
                self.transmit(client_frame::Body::Negotiate(frame));
            }
            peer::Input::Failed { room: gid, reason } => {
                let Some(room) = self.rooms.get_mut(&gid) else { return };
                room.negotiation.fail(now);
                self.tell(Event::Error { text: reason });
            }
            peer::Input::State { room: gid, state } => {
                let Some(room) = self.rooms.get_mut(&gid) else { return };
                room.negotiation.set_state(now, state);
                match state {
                    PeerState::Connected => self.tell_connected(gid, true),
                    PeerState::Disconnected | PeerState::Failed => self.tell_connected(gid, false),
                    PeerState::Connecting => {}
                }
            }
            peer::Input::Flowing { room, receiving, width, height } => {
                self.on_flowing(room, receiving, width, height);
            }
        }
    }

    fn on_flowing(&mut self, gid: GroupId, receiving: Receiving, width: u32, height: u32) {
        let Some(room) = self.rooms.get_mut(&gid) else { return };
        let Some(call) = room.calls.get_mut(&receiving.stream) else { return };
        let stream = StreamRef::Remote(receiving.stream);
        call.flowed = true;
        let known = match receiving.kind {
            Kind::Audio => core::mem::replace(&mut call.heard, true),
            // Sizes come and go with the link; what the page is told of is the shape.
            Kind::Video => {
                let shape = core::mem::replace(&mut call.shape, (width, height));
                is_same_shape(shape, (width, height))
            }
        };
        let first = !core::mem::replace(&mut call.connected, true);
        let begins = !core::mem::replace(&mut call.begun, true);
        let told = room.streams.get(&receiving.stream).cloned().unwrap_or_default();
        if first {
            self.tell_room(gid, RoomEvent::Connected { stream, connected: true });
        }
        if first || !known {
            let flows = match receiving.kind {
                Kind::Audio => RoomEvent::Audio(stream),
                Kind::Video => RoomEvent::Video { stream, width, height },
            };
            self.tell_room(gid, flows);
        }
        if first && (told.audio_muted || told.video_muted) {
            self.tell_mute(gid, stream, true);
        }
        if begins && told.talking {
            self.tell_room(gid, RoomEvent::Talking { stream, talking: true });
        }
        if begins && told.display != 0 {
            self.tell_room(gid, RoomEvent::Display(receiving.stream));
        }
    }

    pub(crate) fn on_answer(&mut self, now: Now, answer: &proto::Answer) {
        let gid = GroupId(answer.gid);
        let Some(room) = self.rooms.get_mut(&gid) else { return };
        if !room.negotiation.answered(answer.ticket) {
            return;
        }
        if answer.answer.is_empty() {
            room.negotiation.fail(now);
            let text = alloc::format!("the server refused the media offer: {}", answer.reason);
            return self.tell(Event::Error { text });
        }
        // What was added to a connection that stands has its path with the answer.
        let settled = room.negotiation.is_settled();
        let views = room.calls.iter().filter_map(|(id, call)| Some((*id, call.view?)));
        for (stream, view) in views.collect::<Vec<_>>() {
            self.tell_view(gid, stream, view);
        }
        let (ticket, sdp) = (answer.ticket, answer.answer.clone());
        self.peer(Command::Answer { room: gid, ticket, sdp });
        if settled {
            self.tell_connected(gid, true);
        }
    }

    /// Makes the offers that are due.
    pub(crate) fn negotiate(&mut self, now: Now) {
        let gids: Vec<_> = self.rooms.keys().copied().collect();
        for gid in gids {
            let Some(room) = self.rooms.get_mut(&gid) else { continue };
            if !room.entered {
                continue;
            }
            let (sending, receiving) = room.tracks();
            let idle = sending.is_empty() && receiving.is_empty();
            if let Some((ticket, path)) = room.negotiation.next(now, idle) {
                if path == Path::Fresh {
                    room.own.values_mut().for_each(|own| own.layers = 0);
                    room.calls.values_mut().for_each(|call| call.flowed = false);
                }
                let servers = self.session.ice_servers.clone();
                self.peer(Command::Offer { room: gid, ticket, path, servers, sending, receiving });
            } else if room.negotiation.is_in_vain() {
                room.entered = false;
                room.negotiation.suspend();
                self.be_in_room(gid, true);
            } else if room.negotiation.has_recovered() {
                // Who came and went meanwhile.
                self.be_in_room(gid, true);
            }
        }
    }

    pub(crate) fn room_deadline(&self) -> Instant {
        self.rooms.values().map(Room::deadline).min().unwrap_or(Instant::FAR_FUTURE)
    }

    // ---- telling ---------------------------------------------------------------------------------

    fn announce_stream(&mut self, gid: GroupId, sid: u32) {
        let Some(room) = self.rooms.get(&gid).filter(|room| room.entered) else { return };
        let Some(own) = room.own.get(&sid) else { return };
        let Some((audio, video)) = own.captured else { return };
        let name = match own.publishing.name.is_empty() {
            true => self.profiles.own().name.clone(),
            false => own.publishing.name.clone(),
        };
        let publish = proto::Publish {
            gid: gid.0,
            sid,
            name,
            source: own.publishing.source,
            audio,
            video,
            audio_muted: own.publishing.audio_muted,
            video_muted: own.publishing.video_muted,
            display: own.publishing.display,
        };
        self.transmit(client_frame::Body::Publish(publish));
    }

    fn tell_mute(&mut self, gid: GroupId, stream: StreamRef, remote: bool) {
        let Some(room) = self.rooms.get(&gid) else { return };
        let (by_publisher, here) = room.muted(stream);
        let audio = by_publisher.0 || here.0;
        let video = by_publisher.1 || here.1;
        self.tell_room(gid, RoomEvent::Mute { stream, audio, video, remote });
    }

    /// The path of all media came, or is lost for the moment. Of others' streams it is said when
    /// their media flows, or at once when it has flowed over the same connection before, or they are
    /// muted altogether.
    fn tell_connected(&mut self, gid: GroupId, connected: bool) {
        let Some(room) = self.rooms.get_mut(&gid) else { return };
        let mut changed = Vec::new();
        for (sid, own) in room.own.iter_mut() {
            if own.connected != connected && (own.id.is_some() || !connected) {
                own.connected = connected;
                changed.push(StreamRef::Own(*sid));
            }
        }
        let mut muted = Vec::new();
        for (id, call) in room.calls.iter_mut() {
            let nothing_flows = room.streams.get(id).is_some_and(|stream| {
                (!stream.audio || stream.audio_muted) && (!stream.video || stream.video_muted)
            });
            if call.connected != connected && (nothing_flows || call.flowed || !connected) {
                call.connected = connected;
                changed.push(StreamRef::Remote(*id));
                if connected && nothing_flows {
                    call.begun = true;
                    muted.push(StreamRef::Remote(*id));
                }
            }
        }
        for stream in changed {
            self.tell_room(gid, RoomEvent::Connected { stream, connected });
        }
        for stream in muted {
            self.tell_mute(gid, stream, true);
        }
    }

    fn tell_room(&mut self, room: GroupId, event: RoomEvent) {
        self.tell(Event::Room { room, event });
    }

    fn peer(&mut self, command: Command) {
        self.push(Output::Peer(command));
    }
}

/// The same relation of width and height, but for what scaling rounds.
fn is_same_shape(before: (u32, u32), now: (u32, u32)) -> bool {
    let (a, b) = (u64::from(before.0) * u64::from(now.1), u64::from(now.0) * u64::from(before.1));
    a > 0 && a.abs_diff(b) * 50 <= a
}

/// What a user's rights leave of its streams.
fn caps(rights: &proto::Rights) -> Caps {
    Caps {
        lines: resolution::lines(rights.resolution),
        fps: rights.fps,
        video_kbps: rights.video_kbps,
        audio_kbps: rights.audio_kbps,
    }
}

/// A link of which nothing is known is as good as can be.
fn best_when_unknown(quality: u32) -> u32 {
    if quality == 0 { 100 } else { quality }
}
