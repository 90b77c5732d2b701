//! Each user's own copies of messages, by conversation: what a device without them is given.
//!
//! Relies on messages having climbing numbers, as they have climbing times.

use std::cmp::Reverse;

use bytes::Bytes;
use hub::port::store::{Copied, HistoryOf, NewMessage, Receipt, Seen};
use rusqlite::{Connection, OptionalExtension, params};
use wire::id::{GroupId, MessageId, Uid};
use wire::limits::HISTORY_RECEIPTS_MAX;
use wire::time::Timestamp;

use super::sqlite::{Sql, signed, unsigned};

/// A message is somebody's from now on; `peer` is the one it was sent to.
pub fn add(db: &Connection, uid: Uid, message: &NewMessage, peer: Uid, row: i64) -> Sql<()> {
    let side = match message.group {
        GroupId(0) if uid == message.sender => user(peer),
        GroupId(0) => user(message.sender),
        gid => group(gid),
    };
    db.prepare_cached("INSERT INTO history (uid, side, message) VALUES (?, ?, ?)")?
        .execute(params![uid.0, side, row])?;
    Ok(())
}

/// See `Request::ReadHistory`.
pub fn read(
    db: &Connection,
    uid: Uid,
    of: HistoryOf,
    (before, after, until): (Option<u64>, Option<u64>, Timestamp),
    count: u32,
    now: Timestamp,
) -> Sql<Vec<Copied>> {
    let order = if before.is_none() && after.is_some() { "ASC" } else { "DESC" };
    let before = match before {
        Some(before) => signed(before),
        None => first_after(db, until)?,
    };
    // One step of an index for each conversation, not a look at all of its messages.
    let copies = match of {
        HistoryOf::Latest => {
            "WITH RECURSIVE sides (side) AS (
               SELECT min(side) FROM history WHERE uid = ?1
               UNION ALL
               SELECT (SELECT min(h.side) FROM history h WHERE h.uid = ?1 AND h.side > sides.side)
               FROM sides WHERE sides.side IS NOT NULL),
             h AS (
               SELECT side, (SELECT max(l.message) FROM history l
                             WHERE l.uid = ?1 AND l.side = sides.side) AS message
               FROM sides WHERE side <> 0)"
        }
        HistoryOf::All => {
            "WITH h AS (SELECT side, message FROM history WHERE uid = ?1 AND side <> 0)"
        }
        HistoryOf::User(_) | HistoryOf::Group(_) => {
            "WITH h AS (SELECT side, message FROM history WHERE uid = ?1 AND side = ?5)"
        }
    };
    let sql = format!(
        "{copies} SELECT m.id, m.entry, m.sender FROM h JOIN messages m ON m.id = h.message
         WHERE h.message < ?2 AND h.message > ?6 AND m.expires > ?3 AND ?5 IS NOT NULL
           AND (h.side > 0 OR EXISTS (SELECT 1 FROM members WHERE gid = -h.side AND uid = ?1
                                      AND (expires IS NULL OR expires > ?3)))
         ORDER BY h.message {order} LIMIT ?4"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let (side, after) = (side(of).unwrap_or_default(), signed(after.unwrap_or_default()));
    let values = params![uid.0, before, signed(now.0), count, side, after];
    let rows = statement.query_map(values, |row| {
        let receipts = match Uid(row.get(2)?) == uid {
            true => receipts(db, uid, row.get(0)?)?,
            false => Vec::new(),
        };
        let entry = Bytes::from(row.get::<_, Vec<u8>>(1)?);
        Ok(Copied { place: unsigned(row.get(0)?), entry, receipts })
    })?;
    let mut rows: Vec<_> = rows.collect::<Sql<_>>()?;
    rows.sort_unstable_by_key(|row| Reverse(row.place));
    Ok(rows)
}

/// Who has an own message.
fn receipts(db: &Connection, sender: Uid, row: i64) -> Sql<Vec<Seen>> {
    let mut statement = db.prepare_cached(
        "SELECT h.uid, u.address, h.delivered, h.read
         FROM (SELECT uid, delivered, read FROM history WHERE message = ? AND uid <> ?
               ORDER BY uid LIMIT ?) h
         JOIN users u ON u.uid = h.uid WHERE h.delivered IS NOT NULL",
    )?;
    let time = |ms: Option<i64>| Timestamp(unsigned(ms.unwrap_or_default()));
    let rows = statement.query_map(params![row, sender.0, HISTORY_RECEIPTS_MAX as i64], |row| {
        let (delivered, read) = (time(row.get(2)?), time(row.get(3)?));
        Ok(Seen { uid: Uid(row.get(0)?), address: row.get(1)?, delivered, read })
    })?;
    rows.collect()
}

/// Somebody has a message of this user: noted with that one's copy.
pub fn note(db: &Connection, sender: Uid, receipt: &Receipt) -> Sql<()> {
    let at = signed(receipt.at.0);
    db.prepare_cached(
        "UPDATE history SET delivered = coalesce(delivered, ?1), read = coalesce(read, ?2)
         WHERE uid = ?3 AND message = (SELECT id FROM messages WHERE sender = ?4 AND mid = ?5)",
    )?
    .execute(params![
        at,
        receipt.read.then_some(at),
        receipt.by.0,
        sender.0,
        signed(receipt.id.get())
    ])?;
    Ok(())
}

/// See `Request::RemoveFromHistory`.
pub fn remove(
    db: &Connection,
    uid: Uid,
    messages: &[(Uid, MessageId)],
    before: Option<(HistoryOf, Timestamp)>,
) -> Sql<()> {
    // What its sender is to know of it stays, as a copy of no conversation.
    for verb in [
        "UPDATE history SET side = 0 WHERE delivered IS NOT NULL AND",
        "DELETE FROM history WHERE side <> 0 AND",
    ] {
        let single = format!(
            "{verb} uid = ? AND message = (SELECT id FROM messages WHERE sender = ? AND mid = ?)"
        );
        for (sender, id) in messages {
            db.prepare_cached(&single)?.execute(params![uid.0, sender.0, signed(id.get())])?;
        }
        if let Some((of, before)) = before {
            let first_kept = first_after(db, Timestamp(before.0.saturating_sub(1)))?;
            let old = format!("{verb} uid = ?1 AND message < ?2 AND (?3 IS NULL OR side = ?3)");
            db.prepare_cached(&old)?.execute(params![uid.0, first_kept, side(of)])?;
        }
    }
    Ok(())
}

/// A message to a group that this user was never given is no copy of its own.
pub fn drop_one(db: &Connection, uid: Uid, gid: GroupId, message: i64) -> Sql<()> {
    db.prepare_cached(
        "DELETE FROM history WHERE uid = ? AND side = ? AND message = ? AND delivered IS NULL",
    )?
    .execute(params![uid.0, group(gid), message])?;
    Ok(())
}

/// The first number that a message stored later than this may have. Found by halving: numbers climb
/// with time, and an index by time would cost every message.
fn first_after(db: &Connection, ts: Timestamp) -> Sql<i64> {
    let last: Option<i64> =
        db.prepare_cached("SELECT max(id) FROM messages")?.query_row([], |row| row.get(0))?;
    let (mut low, mut high) = (0, last.unwrap_or(0) + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        // Numbers of swept messages are missing.
        let next: Option<(i64, i64)> = db
            .prepare_cached("SELECT id, ts FROM messages WHERE id >= ? ORDER BY id LIMIT 1")?
            .query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match next {
            Some((id, stored)) if stored <= signed(ts.0) => low = id + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

fn side(of: HistoryOf) -> Option<i64> {
    match of {
        HistoryOf::User(uid) => Some(user(uid)),
        HistoryOf::Group(gid) => Some(group(gid)),
        HistoryOf::All | HistoryOf::Latest => None,
    }
}

fn user(uid: Uid) -> i64 {
    i64::from(uid.0)
}

fn group(gid: GroupId) -> i64 {
    -i64::from(gid.0)
}
