//! What leaves towards sessions: frames, gathered entries, the end of a session.
//!
//! Promises that a session which reads too slowly is hung up before much waits for it, and that what
//! was gathered goes before what follows it.

use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use wire::code::Code;
use wire::frame::{encode_deliver, encode_server};
use wire::id::{Seq, SessionId, Uid};
use wire::limits::{FRAME_BYTES_MAX, SESSION_LOG_BYTES_MAX, SESSION_SEND_BYTES_MAX};
use wire::proto::{Goodbye, Refused, server_frame};
use wire::time::Duration;

use crate::Output;
use crate::hub::Hub;
use crate::port::store::TokenId;
use crate::session::{Session, Stage};

/// What an entry adds to a frame beside itself, at most: its number and two lengths.
const DELIVER_OVERHEAD_BYTES: usize = 24;

impl Hub {
    /// Sends one frame. A reader too slow for it is hung up and resumes from its log.
    pub(crate) fn send(&mut self, id: SessionId, body: server_frame::Body) {
        self.send_encoded(id, encode_server(body).into());
    }

    /// As [`Hub::send`], for bytes that go to several sessions. What was gathered goes first.
    pub(crate) fn send_encoded(&mut self, id: SessionId, frame: Bytes) {
        self.deliver(id);
        self.transmit(id, frame);
    }

    /// Gathers a new entry for a session that is up to date: what happens at once leaves in one
    /// frame.
    pub(crate) fn gather(&mut self, id: SessionId, seq: Seq, entry: Option<Bytes>) {
        let Some(live) = self.sessions.get_mut(&id).and_then(Session::live_mut) else { return };
        let bytes = entry.as_ref().map_or(0, Bytes::len) + DELIVER_OVERHEAD_BYTES;
        if live.gathered_bytes + bytes > FRAME_BYTES_MAX / 2 {
            self.deliver(id);
        }
        let Some(live) = self.sessions.get_mut(&id).and_then(Session::live_mut) else { return };
        if live.gathered.is_empty() {
            self.undelivered.push(id);
        }
        live.gathered.push((seq, entry));
        live.gathered_bytes += bytes;
        self.counters.deliveries += 1;
    }

    /// Sends what was gathered for a session.
    pub(crate) fn deliver(&mut self, id: SessionId) {
        let Some(live) = self.sessions.get_mut(&id).and_then(Session::live_mut) else { return };
        if live.gathered.is_empty() {
            return;
        }
        live.gathered_bytes = 0;
        let gathered = core::mem::take(&mut live.gathered);
        let entries = gathered.iter().map(|(seq, entry)| (*seq, entry.as_deref()));
        self.transmit(id, encode_deliver(entries).into());
    }

    pub(crate) fn transmit(&mut self, id: SessionId, frame: Bytes) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.queued += frame.len();
        if session.queued > SESSION_SEND_BYTES_MAX {
            self.end(id, Code::TooSlow, "the client reads too slowly");
            return;
        }
        self.outputs.push_back(Output::Send { session: id, frame });
    }

    /// Sends what may be dropped under pressure.
    pub(crate) fn send_droppable(&mut self, id: SessionId, frame: &Bytes) {
        let relaxed =
            |session: &Session| session.queued < SESSION_LOG_BYTES_MAX && session.live().is_some();
        if self.sessions.get(&id).is_some_and(relaxed) {
            self.send_encoded(id, frame.clone());
        }
    }

    /// Says why, closes and forgets.
    pub(crate) fn end(&mut self, id: SessionId, code: Code, reason: &str) {
        self.end_for(id, code, reason, code.retry_after());
    }

    pub(crate) fn end_for(
        &mut self,
        id: SessionId,
        code: Code,
        reason: &str,
        retry_after: Duration,
    ) {
        self.deliver(id);
        let Some(session) = self.sessions.get(&id) else { return };
        if session.live().is_none() && !code.may_retry() {
            let (remote, result) = (session.remote, Err(code));
            self.outputs.push_back(Output::SignIn { remote, result });
        }
        let (code_number, reason) = (code.number(), reason.into());
        let body = if session.live().is_some() || code.may_retry() {
            let retry_after_ms = retry_after.as_millis() as u32;
            server_frame::Body::Goodbye(Goodbye { code: code_number, reason, retry_after_ms })
        } else {
            server_frame::Body::Refused(Refused { code: code_number, reason })
        };
        self.outputs.push_back(Output::Send { session: id, frame: encode_server(body).into() });
        self.outputs.push_back(Output::Close { session: id, code });
        self.forget(id);
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(crate) fn log(&mut self, text: String) {
        self.outputs.push_back(Output::Log { text });
    }

    /// Ends all sessions of a user, or those that use one of these tokens; also those that are
    /// just signing in.
    pub(crate) fn end_sessions_of(
        &mut self,
        uid: Uid,
        tokens: Option<&[TokenId]>,
        code: Code,
        reason: &str,
    ) {
        let candidates = self.online.sessions(uid).iter().copied().chain(self.arriving_of(uid));
        let concerned = candidates.filter(|id| {
            let who = self.sessions.get(id).and_then(Session::who);
            who.is_some_and(|(user, token)| {
                user == uid && tokens.is_none_or(|tokens| tokens.contains(&token))
            })
        });
        for id in concerned.collect::<Vec<_>>() {
            self.end(id, code, reason);
        }
    }

    /// Sessions of a user that are signing in.
    pub(crate) fn arriving_of(&self, uid: Uid) -> impl Iterator<Item = SessionId> {
        let of_user = (uid, SessionId(0))..=(uid, SessionId(u64::MAX));
        self.arriving.range(of_user).map(|(_, id)| *id)
    }

    /// The socket is gone.
    pub(crate) fn forget(&mut self, id: SessionId) {
        let Some(session) = self.sessions.remove(&id) else { return };
        if let Some((uid, _)) = session.who() {
            self.arriving.remove(&(uid, id));
        }
        let Stage::Live(live) = session.stage else { return };
        self.leave_session(live.aid);
        self.leave_lobbies(id);
        for room in &live.rooms {
            self.leave_room(*room, id);
        }
        self.leave_call(live.uid, id);
        self.watchers.forget(id);
        self.nearby.put((live.aid, live.uid, id), None);
        if self.online.remove(live.uid, id) {
            self.hook_presence(live.uid, false);
        }
        if live.shown && !self.is_shown(live.uid) {
            self.on_user_offline(live.uid);
        }
    }
}

/// Cuts a list so that each part fits into a frame with room to spare.
pub(crate) fn portions<T: wire::codec::Encode>(items: Vec<T>) -> Vec<Vec<T>> {
    let mut portions = Vec::new();
    let mut bytes = usize::MAX;
    for item in items {
        let len = item.encoded_len() + 4;
        bytes = bytes.saturating_add(len);
        if bytes > FRAME_BYTES_MAX / 2 {
            bytes = len;
            portions.push(Vec::new());
        }
        if let Some(last) = portions.last_mut() {
            last.push(item);
        }
    }
    portions
}
