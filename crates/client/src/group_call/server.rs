//! What the server tells of a room: who is in it, what each publishes, and its end.

use alloc::vec::Vec;
use wire::id::{GroupId, StreamId};
use wire::proto;
use wire::time::Now;

use super::{HANGUP_DURATION, HANGUP_ERROR, HANGUP_REMOTE, Stream, caps};
use crate::client::Client;
use crate::event::{RoomEvent, StreamRef};
use crate::port::peer::Command;

impl Client {
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
}

/// A link of which nothing is known is as good as can be.
fn best_when_unknown(quality: u32) -> u32 {
    if quality == 0 { 100 } else { quality }
}
