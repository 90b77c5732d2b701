//! Rooms: who is in, what is published, who has to hear of it.
//!
//! A room is a group in which somebody is. It exists from the first who enters to the last who
//! leaves. Rights are looked at on every use and again whenever the group changes.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use hashbrown::HashMap;
use wire::frame::encode_server;
use wire::id::{GroupId, SessionId, StreamId, Uid};
use wire::limits::{NAME_BYTES_MAX, ROOMS_PER_SESSION_MAX, STREAMS_PER_SESSION_MAX};
use wire::mask::admin::{CALL_CONTROL, HANGUP};
use wire::mask::{call, group_error, member as right};
use wire::proto::room_control::Verb;
use wire::proto::{
    Publish, RoomControl, RoomEnter, RoomRefused, RoomState, RoomUpdate, Stream, Unpublish,
    server_frame,
};

use wire::time::{Duration, Instant, Timestamp};

use crate::directory::{Needs, Roster};
use crate::hub::Hub;
use crate::negotiation::ONE_LAYER;
use crate::placement::Placement;
use crate::port::media::{Command, Kind, LoopId, Peer};
use crate::port::store::{Group, Member};
use crate::recordings::Recorded;
use crate::rights::{Rights, adds_members};
use crate::sending::portions;

/// `MESIBOCALL_VIDEOSOURCE_SCREEN`
const SOURCE_SCREEN: u32 = 4;
const FULL: &str = "the server carries no more calls at this time: try again later";

#[derive(Debug)]
pub(crate) struct Rooms {
    pub rooms: HashMap<GroupId, Room>,
    /// Where a stream is, for what the media server tells.
    pub streams: HashMap<StreamId, GroupId>,
    next_stream: u64,
    /// Who has to leave when.
    ends: BTreeSet<(Instant, GroupId, SessionId)>,
    /// Which recordings end when.
    pub recordings: BTreeSet<(Instant, GroupId)>,
    pub placement: Placement,
}

#[derive(Debug)]
pub(crate) struct Room {
    /// Where its media is.
    pub at: LoopId,
    /// When the first stream was published.
    begun: Option<Instant>,
    pub occupants: BTreeMap<SessionId, Occupant>,
    pub streams: BTreeMap<StreamId, Published>,
    pub recording: Option<Recorded>,
    /// Who speaks, then who has spoken last.
    pub speakers: Vec<StreamId>,
}

/// A session in a room.
#[derive(Debug)]
pub(crate) struct Occupant {
    pub uid: Uid,
    pub address: String,
    pub rights: Rights,
    pub own: BTreeMap<u32, StreamId>,
    pub receiving: BTreeSet<StreamId>,
    /// Of the latest offer; answers to older ones are dropped.
    pub ticket: Option<u32>,
    /// When it came.
    since: Instant,
    /// When it has to leave.
    ends: Option<Instant>,
}

#[derive(Debug)]
pub(crate) struct Published {
    pub by: SessionId,
    pub stream: Stream,
    /// What an admin has muted: sound, picture.
    pub held: [Held; 2],
}

/// Whether an admin has muted a track. Then nothing of it is forwarded, whatever its publisher
/// sends, until the publisher has agreed and thought again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Held {
    /// No.
    #[default]
    No,
    /// Yes, and the publisher says that it is not muted.
    Muted,
    /// Yes, and the publisher says so, too: its next word counts.
    Agreed,
}

impl Held {
    /// The publisher says whether it is muted.
    fn told(self, muted: bool) -> Held {
        match (self, muted) {
            (Held::Muted | Held::Agreed, true) => Held::Agreed,
            (Held::Muted, false) => Held::Muted,
            (Held::No, _) | (Held::Agreed, false) => Held::No,
        }
    }
}

impl Rooms {
    pub fn new(epoch: u32) -> Rooms {
        // 21 bits of counter above the epoch keep the number exact in JavaScript, too.
        let next_stream = u64::from(epoch) << 21;
        let (rooms, streams, ends) = (HashMap::new(), HashMap::new(), BTreeSet::new());
        let placement = Placement::new();
        Rooms { rooms, streams, next_stream, ends, recordings: BTreeSet::new(), placement }
    }

    /// When somebody has to leave next.
    pub fn deadline(&self) -> Instant {
        let ends =
            [self.ends.first().map(|(at, ..)| *at), self.recordings.first().map(|end| end.0)];
        ends.into_iter().flatten().min().unwrap_or(Instant::FAR_FUTURE)
    }

    /// Somebody is in it.
    pub fn contains(&self, gid: GroupId) -> bool {
        self.rooms.contains_key(&gid)
    }

    pub fn occupant(&mut self, gid: GroupId, session: SessionId) -> Option<&mut Occupant> {
        self.rooms.get_mut(&gid)?.occupants.get_mut(&session)
    }
}

impl Room {
    fn new(at: LoopId) -> Room {
        Room {
            at,
            begun: None,
            occupants: BTreeMap::new(),
            streams: BTreeMap::new(),
            recording: None,
            speakers: Vec::new(),
        }
    }

    /// Who has to hear of a stream: whoever may list, and whoever receives it.
    fn audience(&self, of: StreamId, by: SessionId) -> Vec<SessionId> {
        let hears = |(session, occupant): (&SessionId, &Occupant)| {
            let concerned = occupant.rights.allow(right::LIST) || occupant.receiving.contains(&of);
            (*session != by && concerned).then_some(*session)
        };
        self.occupants.iter().filter_map(hears).collect()
    }

    fn streams_for(&self, session: SessionId) -> Vec<Stream> {
        let may_list = self.occupants[&session].rights.allow(right::LIST);
        let others = self.streams.values().filter(|published| published.by != session);
        others.filter(|_| may_list).map(|published| published.stream.clone()).collect()
    }
}

impl Hub {
    pub(crate) fn on_room_enter(&mut self, id: SessionId, enter: &RoomEnter) -> Result<(), Needs> {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else {
            return Ok(());
        };
        let (uid, aid, gid) = (live.uid, live.aid, GroupId(enter.gid));
        let address = live.address.clone();
        let too_many = live.rooms.len() >= ROOMS_PER_SESSION_MAX && !live.rooms.contains(&gid);
        let loop_for_it = self.loop_for(gid, uid);
        // A room that does not exist answers like one that is closed to the user.
        let rights = match self.directory.group(aid, gid)? {
            Some(_) if too_many => Err((group_error::GENERAL, "too many rooms of one page")),
            Some(_) if loop_for_it.is_none() => Err((group_error::GENERAL, FULL)),
            Some(roster) => {
                let rights = self.rights_in(roster, uid);
                self.may_enter(&roster.group, rights).map(|()| rights)
            }
            None => Err((group_error::NOT_MEMBER, "not a member of this group")),
        };
        let rights = match rights {
            Ok(rights) => rights,
            Err((error, reason)) => {
                self.counters.rooms_refused += u64::from(reason == FULL);
                let roster = self.directory.group(aid, gid)?;
                let wall = self.now.wall;
                let waits = |roster: &&Roster| {
                    let adds = adds_members(&roster.group, wall);
                    roster.group.lobby && adds && error == group_error::NOT_MEMBER
                };
                if let Some(roster) = roster.filter(waits).cloned()
                    && let Some(actor) = self.actor(id, 0)
                {
                    let member = Member { uid, ..Member::default() };
                    self.wait_in_lobby(&actor, &roster, member, None);
                    let refused = RoomRefused {
                        gid: gid.0,
                        error: group_error::ACCESS_DENIED,
                        reason: "waiting to be let in".into(),
                        waiting: true,
                        ..RoomRefused::default()
                    };
                    self.send(id, server_frame::Body::RoomRefused(refused));
                    return Ok(());
                }
                self.refuse_room(id, gid, error, reason, None);
                return Ok(());
            }
        };
        let Some(at) = loop_for_it else { return Ok(()) };
        let room = self.rooms.rooms.entry(gid).or_insert_with(|| Room::new(at));
        room.occupants.entry(id).or_insert_with(|| {
            self.rooms.placement.enter(at);
            Occupant {
                uid,
                address,
                rights,
                own: BTreeMap::new(),
                receiving: BTreeSet::new(),
                ticket: None,
                since: self.now.instant,
                ends: None,
            }
        });
        self.set_end(gid, id);
        if let Some(live) = self.sessions.get_mut(&id).and_then(|session| session.live_mut())
            && !live.rooms.contains(&gid)
        {
            live.rooms.push(gid);
        }
        self.send_room_state(gid, id);
        self.tell_host(id, uid, aid, gid);
        self.enter_group(id, gid);
        Ok(())
    }

    /// The whole room as this session may see it; what does not fit follows as changes.
    fn send_room_state(&mut self, gid: GroupId, id: SessionId) {
        let Some(room) = self.rooms.rooms.get(&gid) else { return };
        let Some(occupant) = room.occupants.get(&id) else { return };
        let rights = Some(occupant.rights.to_wire());
        let mut streams = portions(room.streams_for(id)).into_iter();
        let first = streams.next().unwrap_or_default();
        let recording = room.recording.is_some();
        let lists = occupant.rights.allow(right::LIST);
        let speakers = room.speakers.iter().filter(|_| lists).map(|stream| stream.0).collect();
        let state = RoomState { gid: gid.0, streams: first, rights, recording, speakers };
        self.send(id, server_frame::Body::RoomState(state));
        for changed in streams {
            let further = RoomUpdate { changed, ..update(gid) };
            self.send(id, server_frame::Body::RoomUpdate(further));
        }
    }

    /// Others are all that may publish at a time.
    fn has_publishers_enough(&self, gid: GroupId, uid: Uid) -> bool {
        let Some(roster) = self.directory.group_in_use(gid) else { return false };
        let limit = roster.group.publishers_max as usize;
        let Some(room) = self.rooms.rooms.get(&gid).filter(|_| limit > 0) else { return false };
        let publishing = room.occupants.values().filter(|who| !who.own.is_empty());
        let publishing: BTreeSet<_> = publishing.map(|who| who.uid).collect();
        !publishing.contains(&uid) && publishing.len() >= limit
    }

    fn may_enter(&self, group: &Group, rights: Rights) -> Result<(), (u32, &'static str)> {
        let useful = rights.allow(right::PUB) || rights.allow(right::SUB);
        if !rights.member && !useful {
            return Err((group_error::NOT_MEMBER, "not a member of this group"));
        }
        if !group.active || group.expires.is_some_and(|expires| expires <= self.now.wall) {
            return Err((group_error::ACCESS_DENIED, "the room is closed"));
        }
        if group.starts.is_some_and(|starts| starts > self.now.wall) {
            return Err((group_error::ACCESS_DENIED, "the room opens later"));
        }
        if end_of(group).is_some_and(|end| end <= self.now.wall) {
            return Err((group_error::ACCESS_DENIED, "the conference is over"));
        }
        if !useful {
            return Err((group_error::PERMISSION, "no right to publish or to subscribe here"));
        }
        Ok(())
    }

    fn refuse_room(
        &mut self,
        id: SessionId,
        gid: GroupId,
        error: u32,
        reason: &str,
        publish: Option<u32>,
    ) {
        let refused = RoomRefused {
            gid: gid.0,
            error,
            reason: reason.into(),
            sid: publish.unwrap_or(0),
            publish: publish.is_some(),
            waiting: false,
        };
        self.send(id, server_frame::Body::RoomRefused(refused));
    }

    pub(crate) fn on_publish(&mut self, id: SessionId, publish: &Publish) {
        let gid = GroupId(publish.gid);
        let sid = Some(publish.sid);
        let Some(occupant) = self.rooms.occupant(gid, id) else {
            let reason = "the room was not entered";
            self.refuse_room(id, gid, group_error::NOT_MEMBER, reason, sid);
            return;
        };
        let call_flags = occupant.rights.call.flags;
        let kinds = kinds_allowed(call_flags, publish);
        let (uid, address) = (occupant.uid, occupant.address.clone());
        let known = occupant.own.get(&publish.sid).copied();
        let too_many = known.is_none() && occupant.own.len() >= STREAMS_PER_SESSION_MAX;
        if !occupant.rights.allow(right::PUB) {
            let reason = "no right to publish here";
            self.refuse_room(id, gid, group_error::PERMISSION, reason, sid);
            return;
        }
        if kinds == (false, false) {
            let reason = "the room's settings do not allow this kind of stream";
            self.refuse_room(id, gid, group_error::PERMISSION, reason, sid);
            return;
        }
        if too_many {
            let reason = "too many streams of one page";
            self.refuse_room(id, gid, group_error::GENERAL, reason, sid);
            return;
        }
        if known.is_none() && self.has_publishers_enough(gid, uid) {
            let reason = "as many publish here as the room's settings let";
            self.refuse_room(id, gid, group_error::GENERAL, reason, sid);
            return;
        }
        if known.is_none() && self.rooms.is_full(gid) {
            self.counters.rooms_refused += 1;
            self.refuse_room(id, gid, group_error::GENERAL, FULL, sid);
            return;
        }
        let stream = known.unwrap_or_else(|| {
            self.rooms.next_stream += 1;
            StreamId(self.rooms.next_stream)
        });
        let Some(room) = self.rooms.rooms.get_mut(&gid) else { return };
        let before = room.streams.get(&stream);
        let talking = before.is_some_and(|found| found.stream.talking);
        // Settings that nobody has changed leave it to us.
        let several = call_flags | call::KINDS == call::DEFAULT | call::KINDS
            || call_flags & (call::SIMULCAST | call::SIMULCAST_2) != 0;
        let before_layers = before.map_or(0, |found| found.stream.layers & !ONE_LAYER);
        let was = before.map(|found| found.held).unwrap_or_default();
        let held = [was[0].told(publish.audio_muted), was[1].told(publish.video_muted)];
        let audio_muted = publish.audio_muted || held[0] != Held::No;
        let published = Stream {
            id: stream.0,
            uid: uid.0,
            address,
            sid: publish.sid,
            name: shortened(&publish.name),
            source: publish.source,
            audio: kinds.0,
            video: kinds.1,
            audio_muted,
            video_muted: publish.video_muted || held[1] != Held::No,
            talking: talking && !audio_muted,
            display: publish.display,
            quality: before.map_or(0, |found| found.stream.quality),
            layers: if several { before_layers } else { ONE_LAYER },
        };
        let begins = room.begun.is_none();
        room.begun.get_or_insert(self.now.instant);
        room.streams.insert(stream, Published { by: id, stream: published, held });
        if let Some(occupant) = room.occupants.get_mut(&id) {
            occupant.own.insert(publish.sid, stream);
        }
        self.rooms.streams.insert(stream, gid);
        if begins {
            self.set_ends(gid);
        }
        if known.is_none() {
            self.record(gid, stream);
        }
        self.hold(gid, stream, was, held);
        self.tell_stream(gid, stream);
    }

    pub(crate) fn on_unpublish(&mut self, id: SessionId, unpublish: &Unpublish) {
        let gid = GroupId(unpublish.gid);
        let own = self.rooms.occupant(gid, id).and_then(|found| found.own.remove(&unpublish.sid));
        if let Some(stream) = own {
            self.stop_stream(gid, stream);
        }
    }

    /// Has the media server keep back what is held, and forward what is not any more.
    fn hold(&mut self, gid: GroupId, stream: StreamId, before: [Held; 2], now: [Held; 2]) {
        for (index, kind) in [Kind::Audio, Kind::Video].into_iter().enumerate() {
            let paused = now[index] != Held::No;
            if paused != (before[index] != Held::No) {
                self.command_media(gid, Command::Pause { stream, kind, paused });
            }
        }
    }

    /// An admin mutes a stream, or takes that back.
    fn hold_stream(&mut self, gid: GroupId, id: StreamId, control: &RoomControl) {
        let Some(room) = self.rooms.rooms.get_mut(&gid) else { return };
        let Some(published) = room.streams.get_mut(&id) else { return };
        let before = published.held;
        let stream = &mut published.stream;
        let tracks =
            [(control.audio, &mut stream.audio_muted), (control.video, &mut stream.video_muted)];
        for ((_, muted), held) in
            tracks.into_iter().zip(&mut published.held).filter(|((about, _), _)| *about)
        {
            *held = match (control.enable, *muted, *held) {
                (true, _, Held::Muted) | (true, false, Held::No) => Held::Muted,
                (true, ..) => Held::Agreed,
                // Who has agreed thinks again by itself; who has not is heard again.
                (false, _, Held::Agreed) => Held::Agreed,
                (false, ..) => {
                    *muted &= *held == Held::No;
                    Held::No
                }
            };
            *muted |= *held != Held::No;
        }
        stream.talking &= !stream.audio_muted;
        let now = published.held;
        if now != before {
            self.hold(gid, id, before, now);
            self.tell_stream(gid, id);
        }
    }

    /// What an admin asks of others goes to them, with who asks. Without the right to it, or about
    /// what is not there, it goes nowhere: pages offer it to admins only. Mute, stop and leave hold
    /// whatever the page that is asked does.
    pub(crate) fn on_room_control(&mut self, id: SessionId, control: &RoomControl) {
        let gid = GroupId(control.gid);
        let Some(room) = self.rooms.rooms.get(&gid) else { return };
        let Some(admin) = room.occupants.get(&id) else { return };
        let needed = match control.verb() {
            Verb::Record => return self.on_record(id, gid, control.enable),
            Verb::Unknown => return,
            Verb::Stop | Verb::Leave => CALL_CONTROL | HANGUP,
            Verb::Mute | Verb::Publish | Verb::Subscribe | Verb::FullScreen => CALL_CONTROL,
        };
        let is_about_something = matches!(control.verb(), Verb::Subscribe | Verb::FullScreen);
        let known = |stream: u64| room.streams.get(&StreamId(stream));
        if admin.rights.admin_flags & needed != needed
            || (is_about_something && known(control.about).is_none())
        {
            return;
        }
        let mut control = RoomControl { by: admin.address.clone(), ..control.clone() };
        let targets = match control.stream {
            0 => room.occupants.keys().copied().filter(|other| *other != id).collect(),
            stream => {
                let Some(published) = known(stream) else { return };
                if control.verb() != Verb::Publish {
                    control.sid = published.stream.sid;
                }
                alloc::vec![published.by]
            }
        };
        let (verb, stream) = (control.verb(), StreamId(control.stream));
        self.send_to_all(targets.clone(), server_frame::Body::RoomControl(control.clone()));
        match verb {
            Verb::Mute => self.hold_stream(gid, stream, &control),
            Verb::Stop => {
                let room = self.rooms.rooms.get_mut(&gid);
                for occupant in room.into_iter().flat_map(|room| room.occupants.values_mut()) {
                    occupant.own.retain(|_, own| *own != stream);
                }
                self.stop_stream(gid, stream);
            }
            Verb::Leave => targets.into_iter().for_each(|other| self.leave_room(gid, other)),
            _ => {}
        }
    }

    /// The stream as it is now, to everybody concerned and to its publisher.
    pub(crate) fn tell_stream(&mut self, gid: GroupId, id: StreamId) {
        let Some(room) = self.rooms.rooms.get(&gid) else { return };
        let Some(Published { by, stream, .. }) = room.streams.get(&id) else { return };
        let (by, stream) = (*by, stream.clone());
        let audience = room.audience(id, by);
        let changed = RoomUpdate { changed: alloc::vec![stream.clone()], ..update(gid) };
        let own = RoomUpdate { own: alloc::vec![stream], ..update(gid) };
        self.send_to_all(audience, server_frame::Body::RoomUpdate(changed));
        self.send(by, server_frame::Body::RoomUpdate(own));
    }

    /// Who speaks has changed: those are told who may know who is there.
    pub(crate) fn on_speakers(&mut self, gid: GroupId, streams: Vec<StreamId>) {
        let Some(room) = self.rooms.rooms.get_mut(&gid) else { return };
        room.speakers = streams.into_iter().filter(|id| room.streams.contains_key(id)).collect();
        let speakers = room.speakers.iter().map(|stream| stream.0).collect();
        let lists = |(_, occupant): &(&SessionId, &Occupant)| occupant.rights.allow(right::LIST);
        let audience = room.occupants.iter().filter(lists).map(|(session, _)| *session).collect();
        let update = RoomUpdate { speakers, ..update(gid) };
        self.send_to_all(audience, server_frame::Body::RoomUpdate(update));
    }

    pub(crate) fn send_to_all(&mut self, sessions: Vec<SessionId>, body: server_frame::Body) {
        let frame = Bytes::from(encode_server(body));
        for session in sessions {
            self.send_encoded(session, frame.clone());
        }
    }

    /// The stream ends: no packet of it is forwarded any more, and everybody concerned is told.
    fn stop_stream(&mut self, gid: GroupId, id: StreamId) {
        self.rooms.streams.remove(&id);
        let Some(room) = self.rooms.rooms.get_mut(&gid) else { return };
        let Some(published) = room.streams.remove(&id) else { return };
        room.speakers.retain(|speaker| *speaker != id);
        let audience = room.audience(id, published.by);
        for occupant in room.occupants.values_mut() {
            occupant.receiving.remove(&id);
        }
        self.command_media(gid, Command::StopStream { stream: id });
        let gone = RoomUpdate { gone: alloc::vec![id.0], ..update(gid) };
        self.send_to_all(audience, server_frame::Body::RoomUpdate(gone));
    }

    pub(crate) fn leave_room(&mut self, gid: GroupId, id: SessionId) {
        let Some(room) = self.rooms.rooms.get_mut(&gid) else { return };
        let Some(occupant) = room.occupants.remove(&id) else { return };
        self.rooms.placement.leave(room.at);
        if let Some(at) = occupant.ends {
            self.rooms.ends.remove(&(at, gid, id));
        }
        if let Some(live) = self.sessions.get_mut(&id).and_then(|session| session.live_mut()) {
            live.rooms.retain(|other| *other != gid);
        }
        if occupant.ticket.is_some() {
            let peer = Peer { session: id, room: gid };
            self.command_media(gid, Command::Close { peer });
        }
        for stream in occupant.own.values() {
            self.stop_stream(gid, *stream);
        }
        for stream in &occupant.receiving {
            self.tell_subscriber(gid, *stream, (occupant.uid, &occupant.address), false);
        }
        if self.rooms.rooms.get(&gid).is_some_and(|room| room.occupants.is_empty()) {
            // A recording ends with its streams.
            let room = self.rooms.rooms.remove(&gid);
            if let Some(recording) = room.and_then(|room| room.recording) {
                self.rooms.recordings.remove(&(recording.ends, gid));
            }
        }
    }

    /// The group, its members or their rights changed: what is no longer allowed ends now.
    ///
    /// `deleted` when the group is gone.
    pub(crate) fn on_room_rights(&mut self, gid: GroupId, deleted: bool) {
        let Some(room) = self.rooms.rooms.get(&gid) else { return };
        for id in room.occupants.keys().copied().collect::<Vec<_>>() {
            self.review_occupant(gid, id, deleted);
        }
    }

    /// Looks again at what one session may do in a room it has entered.
    pub(crate) fn review_occupant(&mut self, gid: GroupId, id: SessionId, deleted: bool) {
        let Some(occupant) = self.rooms.occupant(gid, id) else { return };
        let uid = occupant.uid;
        let roster = self.directory.group_in_use(gid).filter(|_| !deleted);
        let allowed = match roster {
            Some(roster) => {
                let rights = self.rights_in(roster, uid);
                self.may_enter(&roster.group, rights).map(|()| rights)
            }
            None => Err((group_error::DELETED, "the group was deleted")),
        };
        match allowed {
            Ok(rights) => {
                self.narrow(gid, id, rights);
                self.set_end(gid, id);
            }
            Err((error, _)) => {
                let closed = RoomUpdate { closed: true, error, ..update(gid) };
                self.send(id, server_frame::Body::RoomUpdate(closed));
                self.leave_room(gid, id);
            }
        }
    }

    /// The call in a room has begun.
    fn set_ends(&mut self, gid: GroupId) {
        let Some(room) = self.rooms.rooms.get(&gid) else { return };
        for id in room.occupants.keys().copied().collect::<Vec<_>>() {
            self.set_end(gid, id);
        }
    }

    /// Notes when somebody has to leave: its time in a call is over, or that of the whole room.
    fn set_end(&mut self, gid: GroupId, id: SessionId) {
        let Some(roster) = self.directory.group_in_use(gid) else { return };
        let (whole, closes) = (roster.group.duration_s, end_of(&roster.group));
        let now = self.now;
        let Some(room) = self.rooms.rooms.get_mut(&gid) else { return };
        let begun = room.begun;
        let Some(occupant) = room.occupants.get_mut(&id) else { return };
        let after = |since: Instant, seconds: u32| {
            (seconds > 0).then(|| since + Duration::from_secs(seconds.into()))
        };
        let closes =
            closes.map(|at| now.instant + Duration::from_millis(at.0.saturating_sub(now.wall.0)));
        let closes = closes.or_else(|| after(begun?, whole));
        let ends = [after(occupant.since, occupant.rights.call.duration_s), closes];
        let ends = ends.into_iter().flatten().min();
        let before = core::mem::replace(&mut occupant.ends, ends);
        if before != ends {
            before.map(|at| self.rooms.ends.remove(&(at, gid, id)));
            ends.map(|at| self.rooms.ends.insert((at, gid, id)));
        }
    }

    /// Whose time is over leaves, and is told why.
    pub(crate) fn on_room_deadlines(&mut self) {
        self.on_recording_deadlines();
        while let Some((at, gid, id)) = self.rooms.ends.first().copied() {
            if at > self.now.instant {
                break;
            }
            let error = group_error::ACCESS_DENIED;
            let closed = RoomUpdate { closed: true, error, over: true, ..update(gid) };
            self.send(id, server_frame::Body::RoomUpdate(closed));
            self.leave_room(gid, id);
            // It may have been gone before.
            self.rooms.ends.remove(&(at, gid, id));
        }
    }

    /// Applies changed rights to somebody who stays.
    fn narrow(&mut self, gid: GroupId, id: SessionId, rights: Rights) {
        let Some(occupant) = self.rooms.occupant(gid, id) else { return };
        let before = core::mem::replace(&mut occupant.rights, rights);
        let own: Vec<_> = occupant.own.iter().map(|(sid, stream)| (*sid, *stream)).collect();
        let received = match rights.allow(right::SUB) {
            true => BTreeSet::new(),
            false => core::mem::take(&mut occupant.receiving),
        };
        let who = (occupant.uid, occupant.address.clone());
        for (sid, stream) in own {
            let published = self.rooms.rooms[&gid].streams.get(&stream);
            let allowed = published.is_some_and(|found| {
                let wanted = &found.stream;
                rights.allow(right::PUB)
                    && narrow_kinds(rights.call.flags, wanted.source, (wanted.audio, wanted.video))
                        == (wanted.audio, wanted.video)
            });
            if !allowed {
                if let Some(occupant) = self.rooms.occupant(gid, id) {
                    occupant.own.remove(&sid);
                }
                self.stop_stream(gid, stream);
                let reason = "the right to publish this was withdrawn";
                self.refuse_room(id, gid, group_error::PERMISSION, reason, Some(sid));
            }
        }
        if !received.is_empty() {
            let peer = Peer { session: id, room: gid };
            self.command_media(gid, Command::StopReceiving { peer });
            for stream in received {
                self.tell_subscriber(gid, stream, (who.0, &who.1), false);
            }
        }
        if before != rights {
            self.send_room_state(gid, id);
        }
    }
}

/// When a conference with a beginning is over.
fn end_of(group: &Group) -> Option<Timestamp> {
    let duration = Duration::from_secs(group.duration_s.into());
    group.starts.filter(|_| !duration.is_zero()).map(|starts| starts.after(duration))
}

fn update(gid: GroupId) -> RoomUpdate {
    RoomUpdate { gid: gid.0, ..RoomUpdate::default() }
}

/// What of an announced stream the room's settings allow: (audio, video).
fn kinds_allowed(call_flags: u32, publish: &Publish) -> (bool, bool) {
    narrow_kinds(call_flags, publish.source, (publish.audio, publish.video))
}

fn narrow_kinds(call_flags: u32, source: u32, (audio, video): (bool, bool)) -> (bool, bool) {
    if call_flags & call::VALID == 0 {
        return (audio, video);
    }
    let picture = if source == SOURCE_SCREEN { call::SCREEN } else { call::VIDEO };
    (audio && call_flags & call::AUDIO != 0, video && call_flags & picture != 0)
}

fn shortened(name: &str) -> String {
    name[..name.floor_char_boundary(NAME_BYTES_MAX)].into()
}
