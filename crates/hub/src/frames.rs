//! What comes from sessions: sockets that open, frames, silence; each frame goes to the file that
//! decides on it.
//!
//! Promises that a session's frames are decided on in their order, also when one has to wait for
//! something that is loaded.

use alloc::collections::BTreeSet;
use core::cmp::Reverse;
use core::net::IpAddr;
use wire::code::Code;
use wire::frame::FrameError;
use wire::id::{GroupId, Seq, SessionId};
use wire::limits::{
    HELLO_WITHIN, LOADS_MAX, PING_INTERVAL, RECONNECT_DELAY_MAX, RETURN_STEP,
    SESSION_PARKED_FRAMES_MAX, SILENCE_MAX,
};
use wire::proto::{Ping, Unsupported, client_frame, server_frame};
use wire::time::{Duration, Instant};

use crate::directory::Needs;
use crate::hub::{Hub, Waiter};
use crate::session::{Session, Stage};

impl Hub {
    pub(crate) fn on_opened(&mut self, session: SessionId, remote: IpAddr) {
        self.sessions.insert(session, Session::new(self.now.instant, remote));
        self.deadlines.push(Reverse((self.now.instant + HELLO_WITHIN, session)));
        if self.stopping {
            self.end(session, Code::ShuttingDown, "the server is stopping");
        }
    }

    pub(crate) fn on_frame(&mut self, id: SessionId, frame: client_frame::Body) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if !session.hear(self.now.instant) {
            return self.end(id, Code::RateLimit, "too many frames");
        }
        if session.waiting > 0 {
            if session.parked.len() >= SESSION_PARKED_FRAMES_MAX {
                return self.end(id, Code::Overloaded, "too many frames wait for storage");
            }
            session.parked.push_back(frame);
            return;
        }
        self.take_frame(id, frame);
    }

    /// Decides on a frame, or parks it until what it needs is loaded.
    pub(crate) fn take_frame(&mut self, id: SessionId, frame: client_frame::Body) {
        let Err(needs) = self.decide(id, &frame) else { return };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.parked.push_front(frame);
            self.load_for_session(needs, id);
        }
    }

    pub(crate) fn load_for_session(&mut self, Needs(missing): Needs, id: SessionId) {
        if self.waiters.len() + missing.len() > LOADS_MAX {
            return self.end(id, Code::Overloaded, "too much is being loaded");
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.waiting = missing.len();
        for missing in missing {
            self.load(missing, Waiter::Session(id));
        }
    }

    pub(crate) fn decide(
        &mut self,
        id: SessionId,
        frame: &client_frame::Body,
    ) -> Result<(), Needs> {
        use client_frame::Body;
        let Some(session) = self.sessions.get_mut(&id) else { return Ok(()) };
        match (&session.stage, frame) {
            (Stage::Silent, Body::Hello(hello)) => {
                self.on_hello(id, hello);
                Ok(())
            }
            (Stage::Silent, _) => {
                self.end(id, Code::Protocol, "the first frame must be hello");
                Ok(())
            }
            (_, Body::Hello(_)) => {
                self.end(id, Code::Protocol, "hello was said already");
                Ok(())
            }
            (_, Body::Pong(_)) => Ok(()),
            (_, Body::Ack(ack)) => {
                let told = self.on_passing(id, &ack.passing);
                if told.is_ok() {
                    self.on_ack(id, Seq(ack.seq));
                }
                told
            }
            (_, Body::Send(send)) => self.on_send(id, send),
            (_, Body::Read(read)) => self.on_read(id, read),
            (_, Body::Change(change)) => self.on_change(id, change),
            (_, Body::Remove(remove)) => self.on_remove(id, remove),
            (_, Body::History(wanted)) => self.on_history(id, wanted),
            (_, Body::Presence(presence)) => self.on_presence(id, presence),
            (_, Body::Watch(watch)) => self.on_watch(id, watch),
            (_, Body::GroupQuery(query)) => self.on_group_query(id, query),
            (_, Body::GroupRequest(request)) => {
                self.on_group_request(id, request);
                Ok(())
            }
            (_, Body::ProfileSave(save)) => {
                self.on_profile_save(id, save);
                Ok(())
            }
            (_, Body::Contacts(contacts)) => self.on_contacts(id, contacts),
            (_, Body::Search(search)) => {
                self.on_search(id, search);
                Ok(())
            }
            (_, Body::PushToken(push)) => {
                self.on_push_token(id, push);
                Ok(())
            }
            (_, Body::RoomEnter(enter)) => self.on_room_enter(id, enter),
            (_, Body::RoomLeave(leave)) => {
                self.leave_room(GroupId(leave.gid), id);
                Ok(())
            }
            (_, Body::Publish(publish)) => {
                self.on_publish(id, publish);
                Ok(())
            }
            (_, Body::Unpublish(unpublish)) => {
                self.on_unpublish(id, unpublish);
                Ok(())
            }
            (_, Body::View(view)) => {
                self.on_view(id, view);
                Ok(())
            }
            (_, Body::RoomControl(control)) => {
                self.on_room_control(id, control);
                Ok(())
            }
            (_, Body::Call(call)) => self.on_call(id, call),
            (_, Body::Negotiate(negotiate)) => {
                self.on_negotiate(id, negotiate);
                Ok(())
            }
        }
    }

    pub(crate) fn on_malformed(&mut self, id: SessionId, error: &FrameError) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if !session.hear(self.now.instant) {
            return self.end(id, Code::RateLimit, "too many frames");
        }
        match error {
            FrameError::Unknown { field } => {
                self.send(id, server_frame::Body::Unsupported(Unsupported { field: *field }));
            }
            FrameError::TooLarge { .. } => self.end(id, Code::FrameTooLarge, "frame too large"),
            FrameError::Malformed(_) | FrameError::Text => {
                self.end(id, Code::Protocol, "frame cannot be read")
            }
        }
    }

    pub(crate) fn on_drained(&mut self, id: SessionId, bytes: usize) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.queued = session.queued.saturating_sub(bytes);
        if let Some(aid) = session.live().map(|live| live.aid) {
            self.use_bytes(aid, bytes as u64, false);
        }
        self.continue_log(id);
    }

    pub(crate) fn on_stop(&mut self) {
        self.stopping = true;
        self.hook_server(false);
        let sessions: BTreeSet<_> = self.sessions.keys().copied().collect();
        // Not all at one moment: each waits a little longer than the one before, up to a bound.
        let mut rest = Duration::ZERO;
        for session in sessions {
            self.end_for(session, Code::ShuttingDown, "the server is stopping", rest);
            rest = (rest + RETURN_STEP).min(RECONNECT_DELAY_MAX);
        }
    }

    pub(crate) fn on_deadlines(&mut self) {
        while let Some(Reverse((at, id))) = self.deadlines.peek().copied() {
            if at > self.now.instant {
                break;
            }
            self.deadlines.pop();
            let Some(session) = self.sessions.get(&id) else { continue };
            let silent_at = session.heard + SILENCE_MAX;
            let live = session.live();
            let expires = live.and_then(|live| live.expires);
            if matches!(session.stage, Stage::Silent) || silent_at <= self.now.instant {
                self.end(id, Code::Silence, "nothing was heard for too long");
            } else if expires.is_some_and(|expires| expires <= self.now.wall) {
                self.end(id, Code::TokenExpired, "the token has expired");
            } else {
                if let Some(live) = live {
                    // Groups and memberships may have come to their end meanwhile.
                    for room in live.rooms.clone() {
                        self.review_occupant(room, id, false);
                    }
                    self.send(id, server_frame::Body::Ping(Ping { sent: self.now.wall.0 }));
                    self.renew_upload_token(id);
                }
                let ping = self.now.instant + PING_INTERVAL;
                let expiry = expires.map_or(Instant::FAR_FUTURE, |expires| {
                    self.now.instant + Duration::from_millis(expires.0 - self.now.wall.0)
                });
                self.deadlines.push(Reverse((ping.min(silent_at).min(expiry), id)));
            }
        }
    }
}
