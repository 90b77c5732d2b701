//! Messages, and the logs that refer to them.
//!
//! Relies on [`Logs`] for the numbers of entries. Promises that a message is stored once, whoever
//! gets it.

use std::collections::BTreeSet;

use bytes::Bytes;
use hub::port::apps::AppSettings;
use hub::port::store::{Expired, LogRow, LoggedMessage, NewMessage, Note, Outcome, Reply};
use prost::Message as _;
use rusqlite::{Connection, OptionalExtension, Row, params};
use wire::id::{AppId, GroupId, MessageId, Seq, Uid};
use wire::limits::{EXPIRED_TOKEN_KEPT, MESSAGE_KEY_KEPT, SHORTENED_AT_ONCE};
use wire::mask;
use wire::time::Timestamp;

use super::files;
use super::history;
use super::logs::Logs;
use super::sqlite::{Sql, signed, unsigned};
use super::usage;

pub(super) fn find_message(db: &Connection, sender: Uid, id: MessageId) -> Sql<Option<Timestamp>> {
    db.prepare_cached("SELECT ts FROM messages WHERE sender = ? AND mid = ?")?
        .query_row(params![sender.0, signed(id.get())], |row| Ok(Timestamp(unsigned(row.get(0)?))))
        .optional()
}

pub(super) fn load_message(
    db: &Connection,
    sender: Uid,
    id: MessageId,
) -> Sql<Option<(Timestamp, Bytes)>> {
    db.prepare_cached("SELECT ts, entry FROM messages WHERE sender = ? AND mid = ?")?
        .query_row(params![sender.0, signed(id.get())], |row| {
            Ok((Timestamp(unsigned(row.get(0)?)), row.get::<_, Vec<u8>>(1)?.into()))
        })
        .optional()
}

pub(super) fn append(
    db: &Connection,
    logs: &mut Logs,
    keeps_history: bool,
    message: &NewMessage,
    to: Vec<Uid>,
) -> Sql<Outcome> {
    let duplicate = |ts| Outcome::Duplicate { ts };
    let others = to.iter().filter(|uid| **uid != message.sender).count();
    let peer = to.iter().find(|uid| **uid != message.sender).copied();
    let peer = peer.or((message.peer != Uid(0)).then_some(message.peer)).unwrap_or(message.sender);
    let (mut open, mut full) = (Vec::with_capacity(to.len()), Vec::new());
    for uid in to {
        match uid != message.sender && logs.is_full(db, uid, message.entry.len())? {
            true => full.push(uid),
            false => open.push(uid),
        }
    }
    if others > 0 && open.iter().all(|uid| *uid == message.sender) {
        let stored = find_message(db, message.sender, message.id)?;
        return Ok(stored.map_or(Outcome::Full, duplicate));
    }
    let inserted = db
        .prepare_cached(
            "INSERT INTO messages (sender, mid, flags, gid, ts, expires, entry)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            message.sender.0,
            signed(message.id.get()),
            message.flags,
            message.group.0,
            signed(message.ts.0),
            signed(message.expires.0),
            &message.entry[..]
        ])?;
    if inserted == 0 {
        let stored = find_message(db, message.sender, message.id)?;
        return Ok(duplicate(stored.unwrap_or(message.ts)));
    }
    let row = db.last_insert_rowid();
    files::add(db, row, &message.entry)?;
    let mut places = Vec::with_capacity(open.len());
    for uid in open {
        let ends = (message.watched && uid != message.sender).then_some(message.expires);
        let bytes = message.entry.len();
        if let Some(seq) = append_row(db, logs, uid, (Some(row), None, bytes), ends)? {
            if keeps_history || wants_history(db, uid)? {
                history::add(db, uid, message, peer, row)?;
            }
            places.push((uid, seq));
        }
    }
    Ok(Outcome::Appended { places, full })
}

/// Whether copies of a user's messages are kept although the operator has none kept: because the user or
/// its app is set so.
fn wants_history(db: &Connection, uid: Uid) -> Sql<bool> {
    let found = db
        .prepare_cached(
            "SELECT u.flags, a.settings FROM users u JOIN apps a USING (aid) WHERE u.uid = ?",
        )?
        .query_row([uid.0], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    Ok(found.is_some_and(|(flags, settings)| {
        let settings = AppSettings::decode(&settings[..]).unwrap_or_default();
        flags & mask::user::RETAIN != 0 || settings.retention_days != 0
    }))
}

/// Adds a row to a log, which refers to a message or has an entry, and counts as so many bytes; `None` when
/// the user is gone.
pub(super) fn append_row(
    db: &Connection,
    logs: &mut Logs,
    uid: Uid,
    (message, entry, bytes): (Option<i64>, Option<&[u8]>, usize),
    ends: Option<Timestamp>,
) -> Sql<Option<Seq>> {
    let Some(seq) = logs.next(db, uid, bytes)? else { return Ok(None) };
    db.prepare_cached("INSERT INTO log (uid, seq, message, entry, ends) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![uid.0, seq, message, entry, ends.map(|at| signed(at.0))])?;
    Ok(Some(Seq(unsigned(seq))))
}

pub(super) fn append_notes(
    db: &Connection,
    logs: &mut Logs,
    notes: Vec<Note>,
) -> Sql<Vec<(Uid, Seq)>> {
    let mut places = Vec::with_capacity(notes.len());
    for note in notes {
        if let Some(receipt) = &note.receipt {
            history::note(db, note.uid, receipt)?;
        }
        let place =
            append_row(db, logs, note.uid, (None, Some(&note.entry), note.entry.len()), None)?;
        places.push((note.uid, place.unwrap_or_default()));
    }
    Ok(places)
}

/// What others have sent to a group and none of a user's devices has fetched leaves its log and its own
/// copies.
pub(super) fn drop_queued(db: &Connection, logs: &mut Logs, uid: Uid, gid: GroupId) -> Sql<()> {
    let Some((head, fetched)) = logs.find(db, uid)?.map(|log| (log.head, log.fetched)) else {
        return Ok(());
    };
    let dropped = db
        .prepare_cached(
            "DELETE FROM log WHERE uid = ?1 AND seq > ?2 AND message IS NOT NULL
             AND EXISTS (SELECT 1 FROM messages m
                         WHERE m.id = log.message AND m.gid = ?3 AND m.sender <> ?1)
             RETURNING message",
        )?
        .query_map(params![uid.0, fetched, gid.0], |row| row.get(0))?
        .collect::<Sql<Vec<i64>>>()?;
    if dropped.is_empty() {
        return Ok(());
    }
    logs.count_again(uid);
    // Its number is in none of the entries any more, and must not be given again.
    db.prepare_cached("UPDATE users SET head = ? WHERE uid = ?")?.execute(params![head, uid.0])?;
    for message in dropped {
        history::drop_one(db, uid, gid, message)?;
    }
    Ok(())
}

pub(super) fn read_log(
    db: &Connection,
    logs: &mut Logs,
    uid: Uid,
    after: Seq,
    count: usize,
    now: Timestamp,
) -> Sql<Reply> {
    let (head, trimmed, fetched) =
        logs.find(db, uid)?.map_or((0, 0, 0), |log| (log.head, log.trimmed, log.fetched));
    let head = Seq(unsigned(head));
    let mut statement = db.prepare_cached(
        "SELECT l.seq, coalesce(l.entry, m.entry), m.sender, m.mid, m.flags, m.gid, m.expires,
                m.gid <> 0 AND m.sender <> l.uid AND l.seq > ?
                  AND NOT EXISTS (SELECT 1 FROM groups g WHERE g.gid = m.gid)
         FROM log l LEFT JOIN messages m ON m.id = l.message
         WHERE l.uid = ? AND l.seq > ? AND (l.entry IS NOT NULL OR m.id IS NOT NULL) ORDER BY l.seq LIMIT ?",
    )?;
    let after_trimmed = signed(after.0).max(trimmed);
    let rows = statement
        .query_map(params![fetched, uid.0, after_trimmed, count as i64], |row| {
            Ok((log_row(row)?, row.get::<_, Option<bool>>(7)?.unwrap_or(false)))
        })?
        .collect::<Sql<Vec<_>>>()?;
    let upto = rows.last().map_or(head.max(after), |(row, _)| row.seq);
    // Here, and not when the group is deleted: nobody waits until that of all its members is gone.
    let ended = rows.iter().filter(|(_, is_of_ended)| *is_of_ended);
    let ended: BTreeSet<_> = ended.filter_map(|(row, _)| Some(row.message?.group)).collect();
    ended.into_iter().try_for_each(|gid| drop_queued(db, logs, uid, gid))?;
    let alive = |row: &LogRow| row.message.is_none_or(|message| message.expires > now);
    let rows = rows.into_iter().filter(|(row, is_of_ended)| !is_of_ended && alive(row));
    Ok(Reply::Log { rows: rows.map(|(row, _)| row).collect(), upto, head })
}

/// Looks at watched messages that have expired, each once in each log: those that no device has fetched,
/// and whether there may be further ones.
pub(super) fn take_expired(
    db: &Connection,
    logs: &mut Logs,
    uid: Option<Uid>,
    now: Timestamp,
    count: usize,
) -> Sql<(Vec<Expired>, bool)> {
    // By the index of ends, also for one user: few have ended and were not looked at yet.
    let mut statement = db.prepare_cached(
        "SELECT l.uid, l.seq, u.aid, u.address,
                CASE WHEN m.gid = 0 OR EXISTS (SELECT 1 FROM groups g WHERE g.gid = m.gid)
                     THEN m.entry END
         FROM log l JOIN users u ON u.uid = l.uid LEFT JOIN messages m ON m.id = l.message
         WHERE l.ends <= ?1 AND (?2 IS NULL OR +l.uid = ?2) ORDER BY l.ends LIMIT ?3",
    )?;
    let of = uid.map(|uid| uid.0);
    let rows = statement.query_map(params![signed(now.0), of, count as i64], |row| {
        let (uid, seq) = (Uid(row.get(0)?), row.get::<_, i64>(1)?);
        Ok((
            uid,
            seq,
            AppId(row.get(2)?),
            row.get::<_, String>(3)?,
            row.get::<_, Option<Vec<u8>>>(4)?,
        ))
    })?;
    let rows = rows.collect::<Sql<Vec<_>>>()?;
    let more = rows.len() == count;
    let mut expired = Vec::new();
    for (uid, seq, aid, address, entry) in rows {
        db.prepare_cached("UPDATE log SET ends = NULL WHERE uid = ? AND seq = ?")?
            .execute(params![uid.0, seq])?;
        let is_fetched = logs.find(db, uid)?.is_none_or(|log| log.fetched >= seq);
        if let Some(entry) = entry.filter(|_| !is_fetched) {
            expired.push(Expired { aid, uid, address, entry: entry.into() });
        }
    }
    Ok((expired, more))
}

pub(super) fn log_row(row: &Row<'_>) -> Sql<LogRow> {
    let entry: Option<Vec<u8>> = row.get(1)?;
    let id: Option<i64> = row.get(3)?;
    let message = match id.and_then(|id| MessageId::new(unsigned(id))) {
        None => None,
        Some(id) => Some(LoggedMessage {
            sender: Uid(row.get(2)?),
            id,
            flags: row.get(4)?,
            group: GroupId(row.get(5)?),
            expires: Timestamp(unsigned(row.get(6)?)),
        }),
    };
    let entry = Bytes::from(entry.unwrap_or_default());
    Ok(LogRow { seq: Seq(unsigned(row.get(0)?)), entry, message })
}

/// Messages that are over, in the words of the index `messages_by_end`. The last of all stays: its
/// number would be given out again, and logs may refer to it.
pub(super) const MESSAGES_OVER: &str =
    "SELECT id FROM messages WHERE max(expires, ts + 604800000) <= ?
     AND id < (SELECT max(id) FROM messages) LIMIT ?";

/// Has messages of an app end that are older than it keeps them now, those of some numbers at a time.
/// Says whether there are more.
fn shorten(db: &Connection) -> Sql<bool> {
    let next = db
        .prepare_cached("SELECT aid, days, next, last FROM shortenings LIMIT 1")?
        .query_row([], |row| {
            Ok((
                row.get::<_, u32>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
            ))
        })
        .optional()?;
    let Some((aid, days, next, last)) = next else { return Ok(false) };
    let end = last.min(next + SHORTENED_AT_ONCE);
    db.prepare_cached(
        "UPDATE messages SET expires = ts + ?1 WHERE id > ?2 AND id <= ?3 AND expires > ts + ?1
         AND sender IN (SELECT uid FROM users WHERE aid = ?4)",
    )?
    .execute(params![days * 86_400_000, next, end, aid])?;
    match end < last {
        true => db
            .prepare_cached("UPDATE shortenings SET next = ? WHERE aid = ?")?
            .execute(params![end, aid])?,
        false => db.prepare_cached("DELETE FROM shortenings WHERE aid = ?")?.execute([aid])?,
    };
    Ok(true)
}

pub(super) fn sweep(db: &Connection, logs: &mut Logs, now: Timestamp, count: usize) -> Sql<usize> {
    if shorten(db)? {
        // There may be more, and what has ended by it is looked for at once.
        return Ok(count);
    }
    debug_assert_eq!(MESSAGE_KEY_KEPT.as_millis(), 604_800_000, "as the index has it");
    let sql = format!("DELETE FROM messages WHERE id IN ({MESSAGES_OVER})");
    let copies = format!("DELETE FROM history WHERE message IN ({MESSAGES_OVER})");
    db.prepare_cached(&copies)?.execute(params![signed(now.0), count as i64])?;
    let messages = db.prepare_cached(&sql)?.execute(params![signed(now.0), count as i64])?;
    let before = now.0.saturating_sub(EXPIRED_TOKEN_KEPT.as_millis() as u64);
    let mut expired = db.prepare_cached("SELECT id, uid FROM tokens WHERE expires <= ? LIMIT ?")?;
    let tokens = expired.query_map(params![signed(before), count as i64], |row| {
        Ok((row.get::<_, i64>(0)?, Uid(row.get(1)?)))
    })?;
    let tokens = tokens.collect::<Sql<Vec<_>>>()?;
    for (token, uid) in &tokens {
        logs.settle(db, *uid)?;
        db.execute("DELETE FROM devices WHERE token = ?", [token])?;
        db.execute("DELETE FROM tokens WHERE id = ?", [token])?;
    }
    Ok(messages + tokens.len() + usage::sweep(db, now, count)?)
}
