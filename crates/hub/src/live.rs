//! Who is there right now, for the operator: sessions and rooms of one app, read from memory.
//!
//! Relies on nothing being changed by looking. Promises at most [`LIVE_ROWS_MAX`] sessions and
//! as many rooms.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;
use wire::id::{AppId, DeviceKey, GroupId, SessionId, Uid};
use wire::limits::LIVE_ROWS_MAX;
use wire::proto::Stream;
use wire::time::{Duration, Now};

use crate::hub::Hub;

/// What is there of one app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// Signed-in sessions, newest first.
    pub sessions: Vec<LiveSession>,
    /// How many there are of the app.
    pub session_count: usize,
    /// Rooms with somebody in them, in ascending order.
    pub rooms: Vec<LiveRoom>,
    /// How many there are of the app.
    pub room_count: usize,
    /// Who is to be let into a group, by group.
    pub waiting: Vec<LiveWaiting>,
}

/// Somebody who is to be let in.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveWaiting {
    /// Into which group.
    pub gid: GroupId,
    /// Its name.
    pub group: String,
    /// Who.
    pub address: String,
}

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveSession {
    /// Whose.
    pub uid: Uid,
    /// Whose.
    pub address: String,
    /// Whose, as others see it; empty when it has none.
    pub name: String,
    /// Where it comes from.
    pub remote: IpAddr,
    /// The same for all sessions of one browser.
    pub device: DeviceKey,
    /// How long it has been connected.
    pub age: Duration,
    /// Others see the user online by it.
    pub shown: bool,
    /// Rooms it is in.
    pub rooms: usize,
    /// Entries of its log that it has not acknowledged.
    pub behind: u64,
}

/// A group with somebody in its room.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveRoom {
    /// Which group.
    pub gid: GroupId,
    /// Its name.
    pub name: String,
    /// It is being recorded.
    pub recording: bool,
    /// Who is in.
    pub people: Vec<LivePerson>,
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq)]
pub struct LivePerson {
    /// By which session.
    pub session: SessionId,
    /// Who.
    pub uid: Uid,
    /// Who.
    pub address: String,
    /// What they publish.
    pub streams: Vec<Stream>,
    /// Streams of others that they receive.
    pub receiving: usize,
}

impl Hub {
    /// Sessions and rooms of one app as they are at this moment.
    pub fn live(&self, now: Now, aid: AppId) -> Live {
        let of_app = |(id, session): (&SessionId, &crate::session::Session)| {
            let live = session.live().filter(|live| live.aid == aid)?;
            Some((*id, now.instant.since(session.since), session.remote, live.uid))
        };
        let mut found: Vec<_> = self.sessions.iter().filter_map(of_app).collect();
        let session_count = found.len();
        found.sort_unstable_by_key(|(id, ..)| core::cmp::Reverse(*id));
        found.truncate(LIVE_ROWS_MAX);
        let sessions = found.into_iter().filter_map(|(id, age, remote, uid)| {
            let live = self.sessions[&id].live()?;
            let user = self.directory.user(uid).ok().flatten();
            Some(LiveSession {
                uid,
                address: live.address.clone(),
                name: user.map(|user| user.name.clone()).unwrap_or_default(),
                remote,
                device: live.key,
                age,
                shown: live.shown,
                rooms: live.rooms.len(),
                behind: live.head.0.saturating_sub(live.acked.0),
            })
        });
        let sessions = sessions.collect();
        let of_app = |gid: &GroupId| matches!(self.directory.group(aid, *gid), Ok(Some(_)));
        let mut gids: Vec<_> = self.rooms.rooms.keys().copied().filter(of_app).collect();
        let room_count = gids.len();
        gids.sort_unstable();
        gids.truncate(LIVE_ROWS_MAX);
        let rooms = gids.into_iter().filter_map(|gid| self.live_room(aid, gid)).collect();
        let waiting = self.all_who_wait().filter_map(|(gid, uid)| {
            let group = &self.directory.group(aid, gid).ok().flatten()?.group;
            let address = self.directory.user(uid).ok().flatten()?.address.clone();
            Some(LiveWaiting { gid, group: group.name.clone(), address })
        });
        let waiting = waiting.take(LIVE_ROWS_MAX).collect();
        Live { sessions, session_count, rooms, room_count, waiting }
    }

    fn live_room(&self, aid: AppId, gid: GroupId) -> Option<LiveRoom> {
        let group = &self.directory.group(aid, gid).ok().flatten()?.group;
        let room = self.rooms.rooms.get(&gid)?;
        let people = room.occupants.iter().map(|(session, occupant)| {
            let own = room.streams.values().filter(|published| published.by == *session);
            LivePerson {
                session: *session,
                uid: occupant.uid,
                address: occupant.address.clone(),
                streams: own.map(|published| published.stream.clone()).collect(),
                receiving: occupant.receiving.len(),
            }
        });
        let recording = room.recording.is_some();
        Some(LiveRoom { gid, name: group.name.clone(), recording, people: people.collect() })
    }
}
