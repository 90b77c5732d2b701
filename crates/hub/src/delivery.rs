//! Logs on their way to devices: in order, within the window, from memory when the device is
//! up to date and from the store when it is not.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;
use wire::code::Code;
use wire::frame::encode_deliver;
use wire::id::{MessageId, Seq, SessionId, Uid};
use wire::limits::{FRAME_BYTES_MAX, LOG_PAGE_ENTRIES, SESSION_LOG_BYTES_MAX, WINDOW_ENTRIES};
use wire::proto::{Entry, StatusReport, entry};
use wire::status;
use wire::time::Timestamp;

use crate::hub::{Hub, Pending};
use crate::port::apps::feature;
use crate::port::store::{LoggedMessage, Note, Receipt, Reply, Request, StoreError};
use crate::session::{InFlight, Stage};

impl Hub {
    /// A new entry is in a user's log: whoever is up to date gets it at once.
    ///
    /// `origin` has sent it and gets its place only.
    pub(crate) fn on_new_entry(
        &mut self,
        (uid, seq): (Uid, Seq),
        entry: &Bytes,
        message: Option<&LoggedMessage>,
        origin: Option<SessionId>,
    ) {
        // Who is signing in was told where the log ended before.
        for id in self.arriving_of(uid).collect::<Vec<_>>() {
            match self.sessions.get_mut(&id).map(|session| &mut session.stage) {
                Some(Stage::Opening(_, _, head)) => *head = seq.max(*head),
                Some(Stage::Entering(entering)) => {
                    entering.live.head = seq.max(entering.live.head);
                }
                _ => {}
            }
        }
        let mut index = 0;
        while let Some(id) = self.online.sessions(uid).get(index).copied() {
            index += 1;
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            let relaxed = session.queued < SESSION_LOG_BYTES_MAX;
            let Some(live) = session.live_mut() else { continue };
            live.head = live.head.max(seq);
            let next = seq.0 == live.sent.0 + 1;
            if live.reading || !next || !relaxed || live.window.len() >= WINDOW_ENTRIES {
                self.continue_log(id);
                continue;
            }
            live.sent = seq;
            live.window.push_back(InFlight::new(seq, message, uid));
            let entry = (origin != Some(id)).then(|| entry.clone());
            self.gather(id, seq, entry);
            if !self.sessions.contains_key(&id) {
                // It was too slow: the next session has taken its place.
                index -= 1;
            }
        }
    }

    /// Reads on in the log of a session that is behind, when there is room on the way to it.
    pub(crate) fn continue_log(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let relaxed = session.queued < SESSION_LOG_BYTES_MAX;
        let Some(live) = session.live_mut() else { return };
        let room = WINDOW_ENTRIES.saturating_sub(live.window.len());
        if live.reading || live.sent >= live.head || room == 0 || !relaxed {
            return;
        }
        live.reading = true;
        let (aid, uid) = (live.aid, live.uid);
        let request = Request::ReadLog {
            uid,
            after: live.sent,
            count: room.min(live.page),
            now: self.now.wall,
        };
        if self.watches_ends(aid) {
            // What has expired is left out, and goes when the device has what is behind it.
            self.look_for_expired(Some(uid));
        }
        self.ask(request, Pending::Log { session: id });
    }

    pub(crate) fn on_log(&mut self, id: SessionId, result: Result<Reply, StoreError>) {
        let Some(live) = self.sessions.get_mut(&id).and_then(|session| session.live_mut()) else {
            return;
        };
        live.reading = false;
        let Ok(Reply::Log { rows, upto, head }) = result else {
            return self.end(id, Code::Storage, "storage failed");
        };
        live.head = live.head.max(head);
        let aid = live.aid;
        // Large entries: what would fill the socket is read again when there is room.
        let mut bytes = 0;
        let fitting = rows.iter().take_while(|row| {
            bytes += row.entry.len();
            bytes <= SESSION_LOG_BYTES_MAX
        });
        let fitting = fitting.count().max(1).min(rows.len());
        live.page =
            if fitting < rows.len() { fitting } else { LOG_PAGE_ENTRIES.min(2 * live.page) };
        let upto = if fitting < rows.len() { rows[fitting - 1].seq } else { upto };
        let rows = &rows[..fitting];
        live.sent = live.sent.max(upto);
        for row in rows {
            live.window.push_back(InFlight::new(row.seq, row.message.as_ref(), live.uid));
        }
        let had = live.has.min(live.sent);
        self.use_reads(aid, rows.len());
        // One frame for many entries, cut where it would grow beyond the limit.
        let mut rest = &rows[rows.partition_point(|row| row.seq <= had)..];
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|row| {
                bytes += row.entry.len() + 16;
                bytes <= FRAME_BYTES_MAX / 2
            });
            let count = fits.count().max(1);
            let entries = rest[..count].iter().map(|row| (row.seq, Some(&row.entry[..])));
            self.send_encoded(id, encode_deliver(entries).into());
            self.counters.deliveries += count as u64;
            rest = &rest[count..];
        }
        // What the device has, but had no time to acknowledge before it was cut off.
        self.on_ack(id, had);
        self.continue_log(id);
    }

    /// The device has everything up to here: its cursor moves, and the senders are told.
    pub(crate) fn on_ack(&mut self, id: SessionId, seq: Seq) {
        let now = self.now.wall;
        let who = self.sessions.get(&id).and_then(|session| session.live()).map(|live| live.uid);
        let told = who.is_some_and(|uid| !self.is_denied(uid, feature::DELIVERY_RECEIPTS));
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(live) = session.live_mut() else { return };
        let seq = seq.min(live.sent);
        if seq <= live.acked && live.window.front().is_none_or(|first| first.seq > seq) {
            return;
        }
        let mut notes = Vec::new();
        let mut delivered = Vec::new();
        while let Some(first) = live.window.front()
            && first.seq <= seq
        {
            // Another tab of this browser may have acknowledged it before.
            if let Some((sender, message, group)) = first.receipt.filter(|_| first.seq > live.acked)
            {
                let report = StatusReport {
                    id: message.get(),
                    uid: live.uid.0,
                    address: live.address.clone(),
                    status: status::DELIVERED,
                    ts: now.0,
                };
                if told {
                    notes.push(receipt(sender, message, report));
                }
                delivered.push((sender, message, group));
            }
            live.window.pop_front();
        }
        live.acked = live.acked.max(seq);
        if live.window.is_empty() && live.window.capacity() > 32 {
            // A burst is over: most sessions are idle most of the time.
            live.window = VecDeque::new();
        }
        match &mut live.acknowledge_next {
            Some((next, waiting)) => {
                *next = seq.max(*next);
                waiting.append(&mut notes);
            }
            None => live.acknowledge_next = Some((seq, notes)),
        }
        let of = (live.aid, live.uid);
        for message in delivered {
            self.hook_status(of, message, false);
        }
        self.store_acknowledgement(id);
        self.continue_log(id);
    }

    /// The other tabs of a device need not report what one has reported, once it is stored.
    fn tell_tabs(&mut self, id: SessionId, seq: Seq) {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else { return };
        let (uid, device) = (live.uid, live.device);
        for index in 0.. {
            let Some(other) = self.online.sessions(uid).get(index).copied() else { break };
            let Some(tab) = self.sessions.get_mut(&other).and_then(|found| found.live_mut()) else {
                continue;
            };
            if tab.device == device {
                tab.acked = tab.acked.max(seq);
            }
        }
    }

    /// One acknowledgement of a session is stored at a time; what comes meanwhile goes together.
    fn store_acknowledgement(&mut self, id: SessionId) {
        let now = self.now.wall;
        let Some(live) = self.sessions.get_mut(&id).and_then(|session| session.live_mut()) else {
            return;
        };
        if live.acknowledging {
            return;
        }
        let Some((seq, notes)) = live.acknowledge_next.take() else { return };
        live.acknowledging = true;
        let (device, uid) = (live.device, live.uid);
        let request = Request::Acknowledge { device, uid, seq, notes: notes.clone(), now };
        self.ask(request, Pending::Acknowledge { session: id, seq, notes });
    }

    pub(crate) fn on_acknowledged(
        &mut self,
        id: SessionId,
        seq: Seq,
        notes: &[Note],
        result: Result<Reply, StoreError>,
    ) {
        if let Some(live) = self.sessions.get_mut(&id).and_then(|session| session.live_mut()) {
            live.acknowledging = false;
        }
        if result.is_err() {
            // The cursor has not moved: the device gets the entries again and acknowledges again.
            return self.end(id, Code::Storage, "storage failed");
        }
        self.tell_tabs(id, seq);
        self.on_notes(notes, result);
        self.store_acknowledgement(id);
    }

    /// Notes are in the logs: whoever is up to date gets them at once.
    pub(crate) fn on_notes(&mut self, notes: &[Note], result: Result<Reply, StoreError>) {
        match result {
            Ok(Reply::Appended(places) | Reply::GroupSaved { places, .. }) => {
                for (place, note) in places.into_iter().zip(notes) {
                    self.on_new_entry(place, &note.entry, None, None);
                }
            }
            Ok(_) => {}
            Err(error) => self.log(alloc::format!("storage: {error}")),
        }
    }
}

/// A log entry that is no message, encoded once for all it goes to.
pub(crate) struct EncodedEntry(Bytes);

impl EncodedEntry {
    pub fn new(body: entry::Body) -> EncodedEntry {
        use wire::codec::Encode as _;
        EncodedEntry(Entry { body: Some(body) }.encode_to_vec().into())
    }

    /// For the log of this user.
    pub fn to(&self, uid: Uid) -> Note {
        Note { uid, entry: self.0.clone(), receipt: None }
    }
}

/// A log entry that is no message, for one user.
pub(crate) fn note(uid: Uid, body: entry::Body) -> Note {
    EncodedEntry::new(body).to(uid)
}

/// A log entry for the sender of a message: who has it, which is kept with the message too.
pub(crate) fn receipt(sender: Uid, id: MessageId, report: StatusReport) -> Note {
    let (by, at) = (Uid(report.uid), Timestamp(report.ts));
    let receipt = Receipt { id, by, read: report.status == status::READ, at };
    Note { receipt: Some(receipt), ..note(sender, entry::Body::Status(report)) }
}
