//! Conferences: rooms the page is in, what it publishes and receives there.
//!
//! Relies on the host for capture and the peer connection, on the server for who is there. What
//! the page wants is kept apart from what is so: after a lost connection the room is entered
//! again, own streams are published again, and the list of others is compared with the server's.

mod media;
mod negotiation;
mod room;
mod server;

use alloc::vec::Vec;
use wire::id::{GroupId, StreamId};
use wire::mask::resolution;
use wire::proto::{self, client_frame};
use wire::time::Now;

use crate::Output;
use crate::client::Client;
use crate::event::{Event, RoomEvent, StreamRef};
use crate::port::peer::{Caps, Command, Kind};

pub use room::{OwnStream, Publishing, Room, Stream};

/// `MESIBOCALL_HANGUP_REASON_*`
const HANGUP_USER: u32 = 1;
const HANGUP_REMOTE: u32 = 2;
const HANGUP_ERROR: u32 = 3;
const HANGUP_DURATION: u32 = 5;
/// `MESIBOCALL_VIDEOSOURCE_SCREEN`
const SOURCE_SCREEN: u32 = 4;

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

/// What a user's rights leave of its streams.
fn caps(rights: &proto::Rights) -> Caps {
    Caps {
        lines: resolution::lines(rights.resolution),
        fps: rights.fps,
        video_kbps: rights.video_kbps,
        audio_kbps: rights.audio_kbps,
    }
}
