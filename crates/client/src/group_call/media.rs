//! What the peer connections of rooms tell, and what is offered to them.

use alloc::vec::Vec;
use wire::id::GroupId;
use wire::proto::{self, client_frame};
use wire::time::{Instant, Now};

use super::{HANGUP_ERROR, HANGUP_USER, Room, SOURCE_SCREEN};
use crate::client::Client;
use crate::event::{Event, RoomEvent, StreamRef};
use crate::port::peer::{self, Command, Kind, Path, PeerState, Receiving};

impl Client {
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
}

/// The same relation of width and height, but for what scaling rounds.
fn is_same_shape(before: (u32, u32), now: (u32, u32)) -> bool {
    let (a, b) = (u64::from(before.0) * u64::from(now.1), u64::from(now.0) * u64::from(before.1));
    a > 0 && a.abs_diff(b) * 50 <= a
}
