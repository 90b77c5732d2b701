//! Recordings of rooms: who begins and ends them, and that everybody in the room knows.
//!
//! A recording is of all streams of a room, those that come later too. It ends when somebody with
//! the right says so, when the last one leaves, when it has lasted for [`RECORDING_LASTS_MAX`], or
//! when the media server cannot go on. Promises that nothing is recorded of which somebody in the
//! room was not told.

use wire::id::{AppId, GroupId, SessionId, StreamId, Uid};
use wire::limits::RECORDING_LASTS_MAX;
use wire::mask::member as right;
use wire::proto::{RoomUpdate, server_frame};
use wire::time::{Instant, Timestamp};

use crate::directory::Missing;
use crate::hub::Hub;
use crate::operations::{Progress, no_group, refusal};
use crate::port::admin::{ErrorCode, Param, Reply};
use crate::port::media::{Command, Recording};

/// A room is being recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recorded {
    by: Uid,
    begun: Timestamp,
    pub ends: Instant,
}

impl Hub {
    /// Somebody begins or ends a recording. Without the right to it nothing happens: pages offer it
    /// to those who have it.
    pub(crate) fn on_record(&mut self, id: SessionId, gid: GroupId, on: bool) {
        let Some(occupant) = self.rooms.occupant(gid, id) else { return };
        let (by, allowed) = (occupant.uid, occupant.rights.allow(right::RECORD));
        if allowed {
            self.set_recording(gid, by, on);
        }
    }

    /// The backend begins or ends a recording, or asks for it.
    pub(crate) fn record_group(
        &mut self,
        aid: AppId,
        gid: GroupId,
        on: Option<bool>,
    ) -> Result<Progress, Missing> {
        if self.directory.group(aid, gid)?.is_none() {
            return Ok(no_group().into());
        }
        match (on, self.rooms.rooms.contains_key(&gid)) {
            (Some(true), false) => {
                let cause = "nobody is in the room";
                return Ok(refusal(ErrorCode::NotFound, cause, &[Param::Gid]).into());
            }
            (Some(on), _) => self.set_recording(gid, Uid(0), on),
            (None, _) => {}
        }
        let recording = self.rooms.rooms.get(&gid).and_then(|room| room.recording);
        let begun = recording.map(|recording| recording.begun);
        Ok(Progress::Answered(Reply::Recording { gid, begun }))
    }

    fn set_recording(&mut self, gid: GroupId, by: Uid, on: bool) {
        let Some(room) = self.rooms.rooms.get_mut(&gid) else { return };
        if room.recording.is_some() == on {
            return;
        }
        if !on {
            return self.end_recording(gid);
        }
        let ends = self.now.instant + RECORDING_LASTS_MAX;
        room.recording = Some(Recorded { by, begun: self.now.wall, ends });
        let streams: alloc::vec::Vec<_> = room.streams.keys().copied().collect();
        self.rooms.recordings.insert((ends, gid));
        // First: who is recorded knows it.
        self.tell_recording(gid, true);
        for stream in streams {
            self.record(gid, stream);
        }
    }

    /// A stream of a room is recorded when the room is.
    pub(crate) fn record(&mut self, gid: GroupId, stream: StreamId) {
        let Some(room) = self.rooms.rooms.get(&gid) else { return };
        let Some(Recorded { by, begun, .. }) = room.recording else { return };
        let Some(published) = room.streams.get(&stream) else { return };
        let Some(roster) = self.directory.group_in_use(gid) else { return };
        let name = match published.stream.name.is_empty() {
            true => published.stream.address.clone(),
            false => published.stream.name.clone(),
        };
        let of = Uid(published.stream.uid);
        let into = Recording { aid: roster.group.aid, room: gid, by, of, begun, name };
        self.command_media(gid, Command::Record { stream, into: Some(into) });
    }

    fn end_recording(&mut self, gid: GroupId) {
        let Some(room) = self.rooms.rooms.get_mut(&gid) else { return };
        let Some(ended) = room.recording.take() else { return };
        let streams: alloc::vec::Vec<_> = room.streams.keys().copied().collect();
        self.rooms.recordings.remove(&(ended.ends, gid));
        for stream in streams {
            self.command_media(gid, Command::Record { stream, into: None });
        }
        self.tell_recording(gid, false);
    }

    /// The media server cannot go on with a recording.
    pub(crate) fn on_recording_failed(&mut self, gid: GroupId, begun: Timestamp) {
        let room = self.rooms.rooms.get(&gid);
        let recording = room.and_then(|room| room.recording);
        if recording.is_some_and(|recording| recording.begun == begun) {
            self.end_recording(gid);
        }
    }

    /// Recordings that have lasted as long as they may.
    pub(crate) fn on_recording_deadlines(&mut self) {
        while let Some((at, gid)) = self.rooms.recordings.first().copied() {
            if at > self.now.instant {
                break;
            }
            self.end_recording(gid);
            // The room may have been gone before.
            self.rooms.recordings.remove(&(at, gid));
        }
    }

    fn tell_recording(&mut self, gid: GroupId, on: bool) {
        let Some(room) = self.rooms.rooms.get(&gid) else { return };
        let everybody = room.occupants.keys().copied().collect();
        let update = RoomUpdate { gid: gid.0, recording: Some(on), ..RoomUpdate::default() };
        self.send_to_all(everybody, server_frame::Body::RoomUpdate(update));
    }
}
