//! The history that the server keeps for each user: older messages for a device that has not got
//! them.
//!
//! Relies on the store to give nobody more than the own copies, and those of groups to members
//! only. A session has one question under way; what it says meanwhile waits.

use alloc::vec::Vec;
use core::iter;

use wire::code::Code;
use wire::codec::Encode as _;
use wire::id::{AppId, GroupId, SessionId};
use wire::limits::{FRAME_BYTES_MAX, HISTORY_COST_FRAMES, HISTORY_PAGE_MAX};
use wire::proto::{
    Entry, History, HistoryPart, LogEntry, StatusReport, Target, entry, server_frame, target,
};
use wire::status;
use wire::time::Timestamp;

use crate::changes::message_in;
use crate::directory::{Missing, Needs};
use crate::hub::{Hub, Pending};
use crate::port::apps::feature;
use crate::port::store::{Copied, HistoryOf, Reply, Request, Seen, StoreError};

impl Hub {
    /// What a target names; `None` when there is no such user.
    pub(crate) fn history_of(
        &self,
        aid: AppId,
        of: Option<&Target>,
    ) -> Result<Option<HistoryOf>, Missing> {
        Ok(match of.and_then(|of| of.to.as_ref()) {
            None => Some(HistoryOf::All),
            Some(target::To::Group(gid)) => Some(HistoryOf::Group(GroupId(*gid))),
            Some(target::To::Address(address)) => {
                self.directory.find_user(aid, address)?.map(|user| HistoryOf::User(user.uid))
            }
        })
    }

    pub(crate) fn on_history(&mut self, id: SessionId, wanted: &History) -> Result<(), Needs> {
        let now = self.now;
        let live = self.sessions.get(&id).and_then(|session| session.live());
        let Some((uid, aid)) = live.map(|live| (live.uid, live.aid)) else { return Ok(()) };
        let of = match wanted.of.is_none() && wanted.latest {
            true => Some(HistoryOf::Latest),
            false => self.history_of(aid, wanted.of.as_ref())?,
        };
        let ticket = wanted.ticket;
        let Some(of) = of.filter(|_| !self.is_denied(uid, feature::SYNC)) else {
            let nothing = HistoryPart { ticket, ..HistoryPart::default() };
            self.send(id, server_frame::Body::History(nothing));
            return Ok(());
        };
        let Some(session) = self.sessions.get_mut(&id) else { return Ok(()) };
        if !session.charge(now.instant, HISTORY_COST_FRAMES) {
            self.end(id, Code::RateLimit, "too many questions for the history");
            return Ok(());
        }
        session.waiting += 1;
        let count = wanted.count.clamp(1, HISTORY_PAGE_MAX);
        let before = (wanted.before > 0).then_some(wanted.before);
        let until = Timestamp(if wanted.until == 0 { u64::MAX >> 1 } else { wanted.until });
        let request =
            Request::ReadHistory { uid, of, before, after: None, until, count, now: now.wall };
        self.ask(request, Pending::History { session: id, ticket, count });
        Ok(())
    }

    pub(crate) fn on_history_read(
        &mut self,
        id: SessionId,
        ticket: u32,
        count: u32,
        result: Result<Reply, StoreError>,
    ) {
        let Ok(Reply::History(rows)) = result else {
            return self.end(id, Code::Storage, "storage failed");
        };
        let live = self.sessions.get(&id).and_then(|session| session.live());
        if let Some(aid) = live.map(|live| live.aid) {
            self.use_reads(aid, rows.len());
        }
        let mut part = HistoryPart { ticket, ..HistoryPart::default() };
        let (mut bytes, mut taken) = (0, 0);
        for Copied { place, entry: row, receipts } in &rows {
            bytes += row.len() + 16;
            bytes += receipts.iter().map(|seen| 2 * (seen.address.len() + 48)).sum::<usize>();
            if bytes > FRAME_BYTES_MAX / 2 && taken > 0 {
                break;
            }
            taken += 1;
            part.before = *place;
            // What was taken back is shown to nobody any more.
            let Some(message) = message_in(row).filter(|message| !message.recalled) else {
                continue;
            };
            let reports = receipts.iter().flat_map(|seen| reports(message.id, seen));
            let reports: Vec<_> = reports.map(entry::Body::Status).collect();
            for body in iter::once(entry::Body::Message(message)).chain(reports) {
                let entry = Some(Entry { body: Some(body) });
                part.entries.push(LogEntry { seq: *place, entry });
            }
        }
        if taken == rows.len() && rows.len() < count as usize {
            part.before = 0;
        }
        debug_assert!(part.encoded_len() <= FRAME_BYTES_MAX, "its rows were counted");
        self.send(id, server_frame::Body::History(part));
        self.go_on(id);
    }
}

/// As the log told the devices that were there.
fn reports(id: u64, seen: &Seen) -> impl Iterator<Item = StatusReport> {
    let times = [(status::DELIVERED, seen.delivered), (status::READ, seen.read)];
    let known = times.into_iter().filter(|(_, at)| *at != Timestamp(0));
    known.map(move |(status, at)| StatusReport {
        id,
        uid: seen.uid.0,
        address: seen.address.clone(),
        status,
        ts: at.0,
    })
}
