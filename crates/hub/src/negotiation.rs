//! What passes between a client's offers and the media server: only what is allowed, only the
//! latest answer, and who receives whose stream.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{GroupId, SessionId, StreamId, Ticket, Uid};
use wire::limits::SUBSCRIPTIONS_MAX;
use wire::mask::member as right;
use wire::proto::{Answer, Kind, Negotiate, RoomUpdate, Stream, Subscriber, View, server_frame};

use crate::hub::Hub;
use crate::port::media::{self, Command, Event, Peer, Track};

/// `Stream.layers`: the other bits say which encodings are watched.
const LAYERS_SAID: u32 = 8;
/// `Stream.layers`: the room's settings do not want several encodings.
pub(crate) const ONE_LAYER: u32 = 16;

impl Hub {
    pub(crate) fn on_negotiate(&mut self, id: SessionId, negotiate: &Negotiate) {
        let gid = GroupId(negotiate.gid);
        let room = self.rooms.rooms.get_mut(&gid);
        let Some(room) = room.filter(|room| room.occupants.contains_key(&id)) else {
            let reason = String::from("the room was not entered");
            let answer =
                Answer { gid: gid.0, ticket: negotiate.ticket, answer: String::new(), reason };
            return self.send(id, server_frame::Body::Answer(answer));
        };
        let occupant = &room.occupants[&id];

        // A media line carries one track; what is said of it again does not count.
        let mut mids = BTreeSet::new();
        let mut send = Vec::new();
        for track in &negotiate.send {
            let kind = kind(track.kind);
            if let Some(stream) = occupant.own.get(&track.sid)
                && let Some(published) = room.streams.get(stream)
                && has(&published.stream, kind)
                && mids.insert(track.mid.as_str())
            {
                send.push(Track { mid: track.mid.clone(), stream: *stream, kind });
            }
        }
        let mut receive = Vec::new();
        for track in &negotiate.receive {
            let stream = StreamId(track.stream);
            if occupant.rights.allow(right::SUB)
                && receive.len() < 2 * SUBSCRIPTIONS_MAX
                && room.streams.get(&stream).is_some_and(|found| found.by != id)
                && mids.insert(track.mid.as_str())
            {
                receive.push(Track { mid: track.mid.clone(), stream, kind: kind(track.kind) });
            }
        }

        let before = occupant.receiving.clone();
        let after: BTreeSet<_> = receive.iter().map(|track| track.stream).collect();
        let who = (occupant.uid, occupant.address.clone());
        let first = occupant.ticket.is_none();
        if first || negotiate.fresh {
            // What was said of the former connection's encodings says nothing of the new one's.
            for stream in occupant.own.values() {
                if let Some(published) = room.streams.get_mut(stream) {
                    published.stream.layers &= ONE_LAYER;
                }
            }
        }
        if let Some(occupant) = room.occupants.get_mut(&id) {
            occupant.receiving = after.clone();
            occupant.ticket = Some(negotiate.ticket);
        }
        let command = Command::Negotiate {
            peer: Peer { session: id, room: gid },
            ticket: Ticket(negotiate.ticket.into()),
            fresh: first || negotiate.fresh,
            offer: negotiate.offer.clone(),
            send,
            receive,
        };
        self.command_media(gid, command);
        for stream in after.difference(&before) {
            self.tell_subscriber(gid, *stream, (who.0, &who.1), true);
        }
        for stream in before.difference(&after) {
            self.tell_subscriber(gid, *stream, (who.0, &who.1), false);
        }
    }

    /// How large somebody shows a stream is for the media server to know.
    pub(crate) fn on_view(&mut self, id: SessionId, view: &View) {
        let (gid, stream) = (GroupId(view.gid), StreamId(view.stream));
        let Some(room) = self.rooms.rooms.get(&gid) else { return };
        if room.occupants.contains_key(&id) && room.streams.contains_key(&stream) {
            let peer = Peer { session: id, room: gid };
            let View { width, height, priority, .. } = *view;
            self.command_media(gid, Command::View { peer, stream, width, height, priority });
        }
    }

    /// Tells a publisher who began or ended to receive its stream.
    pub(crate) fn tell_subscriber(
        &mut self,
        gid: GroupId,
        stream: StreamId,
        (uid, address): (Uid, &str),
        joined: bool,
    ) {
        let Some(room) = self.rooms.rooms.get(&gid) else { return };
        let Some(published) = room.streams.get(&stream) else { return };
        let name = self.directory.user(uid).ok().flatten().map(|user| user.name.clone());
        let subscriber = Subscriber {
            gid: gid.0,
            sid: published.stream.sid,
            uid: uid.0,
            address: address.into(),
            name: name.unwrap_or_default(),
            joined,
        };
        self.send(published.by, server_frame::Body::Subscriber(subscriber));
    }

    pub(crate) fn on_media(&mut self, event: Event) {
        match event {
            Event::Answer { peer, ticket, answer } => {
                let latest = self.rooms.occupant(peer.room, peer.session).and_then(|o| o.ticket);
                if latest.map(|latest| Ticket(latest.into())) != Some(ticket) {
                    return;
                }
                let (answer, reason) = match answer {
                    Ok(sdp) => (sdp, String::new()),
                    Err(reason) => (String::new(), reason),
                };
                let ticket = ticket.0 as u32;
                let answer = Answer { gid: peer.room.0, ticket, answer, reason };
                self.send(peer.session, server_frame::Body::Answer(answer));
            }
            Event::Talking { stream, talking } => {
                let Some(gid) = self.rooms.streams.get(&stream).copied() else { return };
                let Some(room) = self.rooms.rooms.get_mut(&gid) else { return };
                let Some(published) = room.streams.get_mut(&stream) else { return };
                let talking = talking && !published.stream.audio_muted;
                if published.stream.talking != talking {
                    published.stream.talking = talking;
                    self.tell_stream(gid, stream);
                }
            }
            Event::Speakers { room: gid, streams } => self.on_speakers(gid, streams),
            Event::Quality { peer, quality } => {
                let Some(room) = self.rooms.rooms.get_mut(&peer.room) else { return };
                let Some(occupant) = room.occupants.get(&peer.session) else { return };
                let own: Vec<_> = occupant.own.values().copied().collect();
                for stream in own {
                    let published = self.rooms.rooms.get_mut(&peer.room);
                    if let Some(found) = published.and_then(|room| room.streams.get_mut(&stream)) {
                        found.stream.quality = quality;
                        self.tell_stream(peer.room, stream);
                    }
                }
            }
            Event::Kept { peer, stream, kept } => {
                let Some(room) = self.rooms.rooms.get(&peer.room) else { return };
                let Some(published) = room.streams.get(&stream) else { return };
                let mut stream = published.stream.clone();
                if kept {
                    stream.quality = 1;
                }
                let changed = alloc::vec![stream];
                let update = RoomUpdate { gid: peer.room.0, changed, ..RoomUpdate::default() };
                self.send(peer.session, server_frame::Body::RoomUpdate(update));
            }
            Event::Layers { stream, wanted } => {
                let Some(gid) = self.rooms.streams.get(&stream).copied() else { return };
                let Some(room) = self.rooms.rooms.get_mut(&gid) else { return };
                let Some(published) = room.streams.get_mut(&stream) else { return };
                let told = &mut published.stream;
                told.layers = (told.layers & ONE_LAYER) | LAYERS_SAID | wanted;
                let (by, own) = (published.by, alloc::vec![told.clone()]);
                let update = RoomUpdate { gid: gid.0, own, ..RoomUpdate::default() };
                self.send(by, server_frame::Body::RoomUpdate(update));
            }
            Event::Load { at, percent, full } => {
                if self.rooms.placement.on_load(at, percent, full) {
                    let now = match full {
                        true => "takes no more: nobody is let into its rooms",
                        false => "has room again",
                    };
                    self.log(format!("media loop {} {now}, {percent} percent", at.0));
                }
            }
            Event::RecordingFailed { room, begun } => self.on_recording_failed(room, begun),
            // A page sees the state of its own connection and offers afresh; others do not.
            Event::Lost { peer } => {
                self.log(format!("media of session {} in room {} lost", peer.session, peer.room));
                let (gid, lost) = (peer.room.0, true);
                let update = RoomUpdate { gid, lost, ..RoomUpdate::default() };
                self.send(peer.session, server_frame::Body::RoomUpdate(update));
            }
        }
    }
}

fn has(stream: &Stream, kind: media::Kind) -> bool {
    match kind {
        media::Kind::Audio => stream.audio,
        media::Kind::Video => stream.video,
    }
}

fn kind(kind: i32) -> media::Kind {
    match Kind::try_from(kind) {
        Ok(Kind::Video) => media::Kind::Video,
        _ => media::Kind::Audio,
    }
}
