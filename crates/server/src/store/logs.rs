//! Where each log stands, kept in memory between transactions, so that a message costs the database
//! its rows and neither a question for each number nor an answer to each acknowledgement.
//!
//! Relies on being the only one that writes these columns and deletes entries, and on
//! [`Logs::write_due`] before each commit. What is in memory only is told by the entries (the newest
//! number) or may be forgotten (what was acknowledged): then the entries are still there.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use rusqlite::{Connection, OptionalExtension, params};
use wire::id::Uid;
use wire::limits::{
    ACKNOWLEDGED_WRITTEN_WITHIN, CONTENT_BYTES_MAX, DEVICE_KEPT, LOG_BYTES_MAX, LOG_ENTRIES_MAX,
    LOGS_KNOWN_MAX,
};

use super::sqlite::Sql;

/// From so many entries on they may be more bytes than there is room for. An entry has a content and names
/// beside it.
const ENTRIES_COUNTED_FROM: i64 = LOG_BYTES_MAX as i64 / (2 * CONTENT_BYTES_MAX as i64);

/// See the module. Numbers are SQLite's: signed, far below 2^63.
#[derive(Debug, Default)]
pub struct Logs {
    known: HashMap<Uid, Log>,
    /// Those that differ from what the database says, and since when.
    changed: VecDeque<(Instant, Uid)>,
}

/// One user's log.
#[derive(Debug)]
pub struct Log {
    /// Newest entry.
    pub head: i64,
    /// Last entry trimmed away.
    pub trimmed: i64,
    /// Furthest any device has come.
    pub fetched: i64,
    /// Bytes of the entries behind `fetched`; `None`: not counted, as long as they cannot be too many.
    waiting_bytes: Option<u64>,
    /// As `trimmed`, in the database.
    deleted: i64,
    devices: Vec<Device>,
    is_changed: bool,
}

#[derive(Debug)]
struct Device {
    id: i64,
    cursor: i64,
    seen: i64,
    is_changed: bool,
}

impl Logs {
    /// The log of a user; `None` when there is no such user.
    pub fn find(&mut self, db: &Connection, uid: Uid) -> Sql<Option<&Log>> {
        Ok(load(&mut self.known, db, uid)?.map(|log| &*log))
    }

    /// Whether a message of so many bytes does not fit until some are fetched.
    pub fn is_full(&mut self, db: &Connection, uid: Uid, bytes: usize) -> Sql<bool> {
        let Some(log) = load(&mut self.known, db, uid)? else { return Ok(false) };
        let entries = log.head - log.fetched;
        if entries >= LOG_ENTRIES_MAX as i64 {
            return Ok(true);
        }
        if entries < ENTRIES_COUNTED_FROM {
            return Ok(false);
        }
        let waiting = match log.waiting_bytes {
            Some(waiting) => waiting,
            None => *log.waiting_bytes.insert(bytes_in(db, uid, log.fetched, log.head)?),
        };
        Ok(waiting + bytes as u64 > LOG_BYTES_MAX)
    }

    /// Entries that waited are gone.
    pub fn count_again(&mut self, uid: Uid) {
        if let Some(log) = self.known.get_mut(&uid) {
            log.waiting_bytes = None;
        }
    }

    /// The number of a new entry of so many bytes; `None` when there is no such user.
    pub fn next(&mut self, db: &Connection, uid: Uid, bytes: usize) -> Sql<Option<i64>> {
        let Some(log) = load(&mut self.known, db, uid)? else { return Ok(None) };
        log.head += 1;
        log.waiting_bytes = log.waiting_bytes.map(|waiting| waiting + bytes as u64);
        Ok(Some(log.head))
    }

    /// A device has everything up to here; what all devices have goes when that is written.
    pub fn acknowledge(
        &mut self,
        db: &Connection,
        uid: Uid,
        device: i64,
        seq: i64,
        now: i64,
    ) -> Sql<()> {
        let Logs { known, changed } = self;
        let Some(log) = load(known, db, uid)? else { return Ok(()) };
        if !log.is_changed {
            log.is_changed = true;
            changed.push_back((Instant::now(), uid));
        }
        if let Some(device) = log.devices.iter_mut().find(|known| known.id == device) {
            device.cursor = device.cursor.max(seq);
            device.seen = now;
            device.is_changed = true;
        }
        let kept_from = now.saturating_sub(DEVICE_KEPT.as_millis() as i64);
        let holding = log.devices.iter().filter(|device| device.seen >= kept_from);
        let all_have = holding.map(|device| device.cursor).min().unwrap_or(seq);
        if seq > log.fetched {
            log.waiting_bytes = match log.waiting_bytes {
                Some(waiting) if log.head - seq >= ENTRIES_COUNTED_FROM => {
                    Some(waiting.saturating_sub(bytes_in(db, uid, log.fetched, seq)?))
                }
                _ => None,
            };
            log.fetched = seq;
        }
        log.trimmed = log.trimmed.max(all_have);
        Ok(())
    }

    /// Brings the database up to date with one log and forgets it: its devices change.
    pub fn settle(&mut self, db: &Connection, uid: Uid) -> Sql<()> {
        match self.known.remove(&uid) {
            Some(mut log) => log.write(db, uid),
            None => Ok(()),
        }
    }

    /// When something will have to be written.
    pub fn deadline(&self) -> Option<Instant> {
        self.changed.front().map(|(since, _)| *since + ACKNOWLEDGED_WRITTEN_WITHIN)
    }

    /// Writes what has waited long enough.
    pub fn write_due(&mut self, db: &Connection, now: Instant) -> Sql<()> {
        while self.deadline().is_some_and(|due| due <= now) {
            self.write_first(db)?;
        }
        if self.known.len() > LOGS_KNOWN_MAX {
            self.write_all(db)?;
            self.known.clear();
        }
        Ok(())
    }

    /// Brings the database up to date.
    pub fn write_all(&mut self, db: &Connection) -> Sql<()> {
        while !self.changed.is_empty() {
            self.write_first(db)?;
        }
        Ok(())
    }

    fn write_first(&mut self, db: &Connection) -> Sql<()> {
        let first = self.changed.pop_front();
        // It may have been settled meanwhile.
        let log = first.and_then(|(_, uid)| Some((self.known.get_mut(&uid)?, uid)));
        log.map_or(Ok(()), |(log, uid)| log.write(db, uid))
    }

    /// The transaction did not happen.
    pub fn forget(&mut self) {
        *self = Logs::default();
    }
}

fn load<'a>(
    known: &'a mut HashMap<Uid, Log>,
    db: &Connection,
    uid: Uid,
) -> Sql<Option<&'a mut Log>> {
    let place = match known.entry(uid) {
        Entry::Occupied(there) => return Ok(Some(there.into_mut())),
        Entry::Vacant(place) => place,
    };
    let numbers = db
        .prepare_cached("SELECT head, trimmed, fetched FROM users WHERE uid = ?")?
        .query_row([uid.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((head, trimmed, fetched)) = numbers else { return Ok(None) };
    // The number in the user's row is written when entries go: those that came since are there.
    let newest: Option<i64> = db
        .prepare_cached("SELECT max(seq) FROM log WHERE uid = ?")?
        .query_row([uid.0], |row| row.get(0))?;
    let head = newest.map_or(head, |newest| newest.max(head));
    let mut statement = db.prepare_cached("SELECT id, cursor, seen FROM devices WHERE uid = ?")?;
    let devices = statement.query_map([uid.0], |row| {
        Ok(Device { id: row.get(0)?, cursor: row.get(1)?, seen: row.get(2)?, is_changed: false })
    })?;
    let devices = devices.collect::<Sql<_>>()?;
    let (waiting_bytes, deleted, is_changed) = (None, trimmed, false);
    let log = Log { head, trimmed, fetched, waiting_bytes, deleted, devices, is_changed };
    Ok(Some(place.insert(log)))
}

/// Bytes of the entries behind `after`, up to `upto`.
fn bytes_in(db: &Connection, uid: Uid, after: i64, upto: i64) -> Sql<u64> {
    let bytes: i64 = db
        .prepare_cached(
            "SELECT coalesce(sum(length(coalesce(l.entry, m.entry))), 0)
             FROM log l LEFT JOIN messages m ON m.id = l.message
             WHERE l.uid = ? AND l.seq > ? AND l.seq <= ?",
        )?
        .query_row(params![uid.0, after, upto], |row| row.get(0))?;
    Ok(bytes as u64)
}

impl Log {
    fn write(&mut self, db: &Connection, uid: Uid) -> Sql<()> {
        if !self.is_changed {
            return Ok(());
        }
        self.is_changed = false;
        db.prepare_cached("UPDATE users SET head = ?, trimmed = ?, fetched = ? WHERE uid = ?")?
            .execute(params![self.head, self.trimmed, self.fetched, uid.0])?;
        if self.deleted < self.trimmed {
            db.prepare_cached("DELETE FROM log WHERE uid = ? AND seq > ? AND seq <= ?")?
                .execute(params![uid.0, self.deleted, self.trimmed])?;
            self.deleted = self.trimmed;
        }
        for device in self.devices.iter_mut().filter(|device| device.is_changed) {
            device.is_changed = false;
            db.prepare_cached("UPDATE devices SET cursor = ?, seen = ? WHERE id = ?")?
                .execute(params![device.cursor, device.seen, device.id])?;
        }
        Ok(())
    }
}
