//! One connected socket: how far its sign-in is, what it waits for, what is on its way to it.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::IpAddr;
use wire::id::{AppId, DeviceKey, GroupId, MessageId, Seq, SessionId, Uid};
use wire::limits::{FRAMES_BURST_MAX, FRAMES_PER_SECOND_MAX};
use wire::proto::client_frame;
use wire::time::{Instant, Timestamp};

use crate::calls::Budget;
use crate::messaging::Outgoing;
use crate::port::store::{Contact, DeviceId, LoggedMessage, Note, TokenId};

#[derive(Debug)]
pub(crate) struct Session {
    pub stage: Stage,
    /// Where it comes from.
    pub remote: IpAddr,
    /// When its socket opened.
    pub since: Instant,
    /// When the client was last heard.
    pub heard: Instant,
    /// Bytes given to the socket that have not left yet.
    pub queued: usize,
    /// Frames that wait until something is loaded, in order.
    pub parked: VecDeque<client_frame::Body>,
    /// Answers of the store that are missing for the first of them, or for the sign-in.
    pub waiting: usize,
    rate: Rate,
}

/// How far the sign-in is.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Nothing was said yet.
    Silent,
    /// The store is asked whose token this is.
    SigningIn,
    /// The user is known, its device is being looked up. With the end of the log, as far as new
    /// entries have told it: the answer may be older.
    Opening(Uid, TokenId, Seq),
    /// The device is known, its groups are being loaded.
    Entering(Box<Entering>),
    /// Signed in.
    Live(Box<Live>),
}

/// A device on its way in.
#[derive(Debug)]
pub(crate) struct Entering {
    pub live: Live,
    pub groups: Vec<GroupId>,
    pub contacts: Vec<Contact>,
    /// Where delivery continues.
    pub resumed_at: Seq,
    pub gap: bool,
    /// App id of its token, empty = any.
    pub app: String,
}

/// A signed-in session.
#[derive(Debug)]
pub(crate) struct Live {
    pub uid: Uid,
    pub aid: AppId,
    pub address: String,
    pub token: TokenId,
    pub device: DeviceId,
    pub key: DeviceKey,
    pub expires: Option<Timestamp>,
    /// Newest entry of the log that the hub knows of.
    pub head: Seq,
    /// Last entry given to the socket, or known to be on the device.
    pub sent: Seq,
    /// The device said in `Hello` that it has all up to here. What of it was not acknowledged
    /// before is read for the receipts only.
    pub has: Seq,
    /// Last entry the device has acknowledged.
    pub acked: Seq,
    /// Entries sent and not acknowledged, in order.
    pub window: VecDeque<InFlight>,
    /// New entries that leave in one frame, and their bytes.
    pub gathered: Vec<(Seq, Option<Bytes>)>,
    pub gathered_bytes: usize,
    /// Messages that wait to be stored, in order.
    pub outgoing: VecDeque<Outgoing>,
    /// Those before them are being stored.
    pub storing: bool,
    /// A part of the log is being read.
    pub reading: bool,
    /// Entries to read at once: fewer when they are large.
    pub page: usize,
    /// An acknowledgement is being stored, and what has come since.
    pub acknowledging: bool,
    pub acknowledge_next: Option<(Seq, Vec<Note>)>,
    pub rooms: Vec<GroupId>,
    /// Calls it has started.
    pub calls: Budget,
    /// When its upload token is to be replaced.
    pub renew_upload: Timestamp,
    /// Whom the user talked with when it saved its profile last, if only those are to be told.
    pub recent: Vec<String>,
    /// Others see the user online by it.
    pub shown: bool,
    /// Who does.
    pub audience: Audience,
    /// Searches, and since when they are counted.
    pub searches: (u32, Instant),
}

/// Who sees a user online.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Whoever watches.
    #[default]
    All,
    /// Members of this group.
    Group(GroupId),
    /// The own contacts with one of these flags: as far as the store has told, in ascending order.
    Contacts {
        flags: u32,
        users: Vec<Uid>,
        /// The question whose answer counts; what was asked before it is out of date.
        asked: u64,
    },
}

/// An entry on its way, with what its acknowledgement will mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFlight {
    pub seq: Seq,
    /// Sender, id and group of a message whose sender wants to know of its delivery.
    pub receipt: Option<(Uid, MessageId, GroupId)>,
}

impl InFlight {
    pub fn new(seq: Seq, message: Option<&LoggedMessage>, to: Uid) -> InFlight {
        let wanted = message.filter(|message| {
            message.flags & wire::mask::message::DELIVERY_RECEIPT != 0 && message.sender != to
        });
        InFlight { seq, receipt: wanted.map(|of| (of.sender, of.id, of.group)) }
    }
}

impl Session {
    pub fn new(now: Instant, remote: IpAddr) -> Session {
        Session {
            remote,
            since: now,
            stage: Stage::Silent,
            heard: now,
            queued: 0,
            parked: VecDeque::new(),
            waiting: 0,
            rate: Rate { allowance: FRAMES_BURST_MAX, since: now },
        }
    }

    pub fn live(&self) -> Option<&Live> {
        match &self.stage {
            Stage::Live(live) => Some(live),
            _ => None,
        }
    }

    /// Who it is, as soon as the token was found.
    pub fn who(&self) -> Option<(Uid, TokenId)> {
        match &self.stage {
            Stage::Silent | Stage::SigningIn => None,
            Stage::Opening(uid, token, _) => Some((*uid, *token)),
            Stage::Entering(entering) => Some((entering.live.uid, entering.live.token)),
            Stage::Live(live) => Some((live.uid, live.token)),
        }
    }

    pub fn live_mut(&mut self) -> Option<&mut Live> {
        match &mut self.stage {
            Stage::Live(live) => Some(live),
            _ => None,
        }
    }

    /// Notes that a frame came; `false` when that is one too many.
    pub fn hear(&mut self, now: Instant) -> bool {
        self.heard = now;
        self.rate.take(now, 1)
    }

    /// Notes that a frame costs as much as many; `false` when that is too much.
    pub fn charge(&mut self, now: Instant, frames: u32) -> bool {
        self.rate.take(now, frames)
    }
}

/// Frames a session may still send: filled by time, emptied by frames.
#[derive(Debug)]
struct Rate {
    allowance: u32,
    since: Instant,
}

impl Rate {
    fn take(&mut self, now: Instant, frames: u32) -> bool {
        let ms = now.since(self.since).as_millis() as u64;
        let filled = ms * u64::from(FRAMES_PER_SECOND_MAX) / 1000;
        if filled > 0 {
            let allowance = u64::from(self.allowance).saturating_add(filled);
            self.allowance = allowance.min(u64::from(FRAMES_BURST_MAX)) as u32;
            self.since = now;
        }
        match self.allowance.checked_sub(frames) {
            Some(rest) => {
                self.allowance = rest;
                true
            }
            None => false,
        }
    }
}

/// The sessions of each user, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Online {
    sessions: hashbrown::HashMap<Uid, Vec<SessionId>>,
}

impl Online {
    /// Adds a session; `true` when it is the user's first.
    pub fn add(&mut self, uid: Uid, session: SessionId) -> bool {
        let sessions = self.sessions.entry(uid).or_default();
        sessions.push(session);
        sessions.len() == 1
    }

    /// Removes a session; `true` when it was the user's last.
    pub fn remove(&mut self, uid: Uid, session: SessionId) -> bool {
        let Some(sessions) = self.sessions.get_mut(&uid) else { return false };
        sessions.retain(|other| *other != session);
        if sessions.is_empty() {
            self.sessions.remove(&uid);
            return true;
        }
        false
    }

    pub fn sessions(&self, uid: Uid) -> &[SessionId] {
        self.sessions.get(&uid).map_or(&[], Vec::as_slice)
    }

    pub fn contains(&self, uid: Uid) -> bool {
        self.sessions.contains_key(&uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::time::Duration;

    #[test]
    fn a_burst_is_allowed_and_a_flood_is_not() {
        let start = Instant(0);
        let mut session = Session::new(start, IpAddr::from([127, 0, 0, 1]));
        for _ in 0..FRAMES_BURST_MAX {
            assert!(session.hear(start));
        }
        assert!(!session.hear(start));
        assert!(session.hear(start + Duration::from_secs(1)));
    }
}
