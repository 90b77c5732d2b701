//! Everything that is kept of one user: read for that user, and taken out of what is kept of others.
//!
//! What is left of an erased message is its place, for logs and histories refer to it: it belongs to
//! nobody, says nothing, has expired, and goes with the sweep.

use bytes::Bytes;
use hub::port::apps::Scheduled;
use hub::port::personal::{
    ErasePlace, Known, KnownDevice, PersonalReply, PersonalRequest, StoredFile,
};
use hub::port::store::{DeviceId, Token, TokenId};
use hub::{Person, Trace, file_keys, file_of, name_in};
use rusqlite::{Connection, OptionalExtension, Row, params};
use wire::codec::Decode as _;
use wire::id::{Seq, Uid};
use wire::proto::Message;
use wire::time::Timestamp;

use super::apps::{SCHEDULED_COLUMNS, scheduled};
use super::files as named;
use super::groups::{GROUP_COLUMNS, MEMBER_COLUMNS, group, member};
use super::messages::log_row;
use super::sqlite::{Sql, signed, time, unsigned};
use super::users::load_contacts;

pub(super) fn perform(db: &Connection, request: PersonalRequest) -> Sql<PersonalReply> {
    Ok(match request {
        PersonalRequest::Known { uid } => PersonalReply::Known(known(db, uid)?),
        PersonalRequest::Messages { uid, after, count } => {
            PersonalReply::Messages(messages(db, uid, after, count)?)
        }
        PersonalRequest::Filed { uid, file } => {
            let [digits, medium] = file_keys(&file.name).unwrap_or_default();
            db.prepare_cached(
                "INSERT OR IGNORE INTO files (name, uid, size, ts, digits, medium, aid)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6,
                         coalesce((SELECT aid FROM users WHERE uid = ?2), 0))",
            )?
            .execute(params![
                file.name,
                uid.0,
                signed(file.size),
                signed(file.ts.0),
                digits,
                medium
            ])?;
            PersonalReply::Done
        }
        PersonalRequest::LeftFiles(wanted) => PersonalReply::LeftFiles(named::left(db, &wanted)?),
        PersonalRequest::Unfiled { names } => {
            named::gone(db, &names)?;
            PersonalReply::Done
        }
        PersonalRequest::Erase { who, from, count } => PersonalReply::Erased(match from {
            ErasePlace::Messages(after) => Some(erase_messages(db, &who, after, count)?),
            ErasePlace::Logs(uid, seq) => erase_from_logs(db, &who, (uid, seq), count)?,
        }),
    })
}

fn known(db: &Connection, uid: Uid) -> Sql<Known> {
    let all = [uid.0];
    let remote: Option<Option<String>> = db
        .prepare_cached("SELECT remote FROM users WHERE uid = ?")?
        .query_row(all, |row| row.get(0))
        .optional()?;
    let tokens = rows(
        db,
        "SELECT id, app, any_app, expires FROM tokens WHERE uid = ? ORDER BY id",
        uid.0,
        |row| {
            Ok(Token {
                id: TokenId(unsigned(row.get(0)?)),
                uid,
                app: row.get(1)?,
                any_app: row.get(2)?,
                expires: time(row.get(3)?),
            })
        },
    )?;
    let devices = rows(
        db,
        "SELECT id, token, seen, push FROM devices WHERE uid = ? ORDER BY id",
        uid.0,
        |row| {
            Ok(KnownDevice {
                id: DeviceId(unsigned(row.get(0)?)),
                token: TokenId(unsigned(row.get(1)?)),
                seen: Timestamp(unsigned(row.get(2)?)),
                push: row.get(3)?,
            })
        },
    )?;
    let width = GROUP_COLUMNS.split(',').count();
    let columns = GROUP_COLUMNS.split(", ").map(|name| format!("g.{}", name.trim()));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let of_member = format!(
        "SELECT {columns}, {MEMBER_COLUMNS}
         FROM members m JOIN groups g USING (gid) WHERE m.uid = ? ORDER BY m.gid"
    );
    let groups = rows(db, &of_member, uid.0, |row| Ok((group(row)?, member(row, width, uid)?)))?;
    let waiting = "SELECT seq, entry, NULL, NULL, NULL, NULL, NULL FROM log
                   WHERE uid = ? AND entry IS NOT NULL ORDER BY seq";
    let waiting = rows(db, waiting, uid.0, log_row)?;
    let aid: Option<u32> = db
        .prepare_cached("SELECT aid FROM users WHERE uid = ?")?
        .query_row(all, |row| row.get(0))
        .optional()?;
    let due = format!("SELECT {SCHEDULED_COLUMNS} FROM scheduled WHERE aid = ? ORDER BY id");
    let due = rows(db, &due, aid.unwrap_or_default(), scheduled)?;
    let own =
        |due: &Scheduled| Message::decode(&due.message[..]).is_ok_and(|it| it.from_uid == uid.0);
    Ok(Known {
        remote: remote.flatten().and_then(|remote| remote.parse().ok()),
        tokens,
        devices,
        groups,
        contacts: load_contacts(db, uid)?,
        files: files(db, uid)?,
        scheduled: due.into_iter().filter(own).collect(),
        waiting,
    })
}

fn files(db: &Connection, uid: Uid) -> Sql<Vec<StoredFile>> {
    let noted = "SELECT name, size, ts FROM files WHERE uid = ? ORDER BY name";
    let mut files = rows(db, noted, uid.0, |row| {
        let (size, ts) = (unsigned(row.get(1)?), Timestamp(unsigned(row.get(2)?)));
        Ok(StoredFile { name: row.get(0)?, size, ts })
    })?;
    let sent = "SELECT entry, ts FROM messages WHERE sender = ?";
    let named = rows(db, sent, uid.0, |row| {
        let entry: Vec<u8> = row.get(0)?;
        Ok(file_of(&entry, Timestamp(unsigned(row.get(1)?))))
    })?;
    let picture = rows(db, "SELECT image FROM users WHERE uid = ?", uid.0, |row| {
        let name = name_in(&row.get::<_, String>(0)?);
        Ok(name.map(|name| StoredFile { name, ..StoredFile::default() }))
    })?;
    for file in named.into_iter().chain(picture).flatten() {
        let is_noted: bool = db
            .prepare_cached("SELECT count(*) > 0 FROM files WHERE name = ?")?
            .query_row([&file.name], |row| row.get(0))?;
        if !is_noted && files.iter().all(|known| known.name != file.name) {
            files.push(file);
        }
    }
    Ok(files)
}

fn messages(db: &Connection, uid: Uid, after: u64, count: u32) -> Sql<Vec<(u64, Bytes)>> {
    let mut statement = db.prepare_cached(
        "SELECT id, entry FROM messages WHERE id IN (
           SELECT id FROM messages WHERE sender = ?1 AND id > ?2
           UNION SELECT message FROM history WHERE uid = ?1 AND side <> 0 AND message > ?2
           UNION SELECT message FROM log WHERE uid = ?1 AND message > ?2)
         ORDER BY id LIMIT ?3",
    )?;
    let rows = statement.query_map(params![uid.0, signed(after), count], |row| {
        Ok((unsigned(row.get(0)?), Bytes::from(row.get::<_, Vec<u8>>(1)?)))
    })?;
    rows.collect()
}

/// Messages from and to somebody, among the next so many; what is scheduled, with the first of them.
fn erase_messages(db: &Connection, who: &Person, after: u64, count: usize) -> Sql<ErasePlace> {
    if after == 0 {
        unschedule(db, who)?;
    }
    // A message to this address may be one to a user of another app. Whose sender is gone is told by
    // the copy of who got it; one that nobody has a copy of is nobody's.
    let mut statement = db.prepare_cached(
        "SELECT m.id, CASE WHEN m.sender = ?1 OR m.gid = 0 AND instr(m.entry, CAST(?2 AS BLOB))
           AND CASE WHEN u.uid IS NULL
             THEN NOT EXISTS (SELECT 1 FROM history h WHERE h.message = m.id AND h.uid <> ?1)
             ELSE u.aid = ?3 END
         THEN m.entry END
         FROM messages m LEFT JOIN users u ON u.uid = m.sender
         WHERE m.id > ?4 ORDER BY m.id LIMIT ?5",
    )?;
    let values = params![who.uid.0, who.address, who.aid.0, signed(after), count as i64];
    let looked_at = statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let looked_at = looked_at.collect::<Sql<Vec<(i64, Option<Vec<u8>>)>>>()?;
    for (id, entry) in &looked_at {
        if entry.as_ref().is_none_or(|entry| who.trace(entry) != Trace::All) {
            continue;
        }
        db.prepare_cached("DELETE FROM history WHERE message = ?")?.execute([id])?;
        named::replace(db, *id, &[])?;
        db.prepare_cached(
            "UPDATE messages SET sender = 0, mid = id, gid = 0, flags = 0, expires = 0, entry = x''
             WHERE id = ?",
        )?
        .execute([id])?;
    }
    Ok(match looked_at.last().filter(|_| looked_at.len() == count) {
        Some((last, _)) => ErasePlace::Messages(unsigned(*last)),
        None => ErasePlace::Logs(Uid(0), Seq(0)),
    })
}

/// What logs of others say of somebody, among the next so many entries.
fn erase_from_logs(
    db: &Connection,
    who: &Person,
    (uid, seq): (Uid, Seq),
    count: usize,
) -> Sql<Option<ErasePlace>> {
    let mut statement = db.prepare_cached(
        "SELECT l.uid, l.seq, CASE WHEN l.entry IS NOT NULL AND u.aid = ?1
           AND instr(l.entry, CAST(?2 AS BLOB)) THEN l.entry END
         FROM log l LEFT JOIN users u ON u.uid = l.uid
         WHERE (l.uid, l.seq) > (?3, ?4) ORDER BY l.uid, l.seq LIMIT ?5",
    )?;
    let values = params![who.aid.0, who.address, uid.0, signed(seq.0), count as i64];
    let looked_at =
        statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let looked_at = looked_at.collect::<Sql<Vec<(u32, i64, Option<Vec<u8>>)>>>()?;
    for (uid, seq, entry) in &looked_at {
        match entry.as_ref().map_or(Trace::None, |entry| who.trace(entry)) {
            Trace::None => {}
            Trace::All => {
                // The newest entry tells where the log stands: its number is not given again.
                db.prepare_cached("UPDATE users SET head = max(head, ?) WHERE uid = ?")?
                    .execute(params![seq, uid])?;
                db.prepare_cached("DELETE FROM log WHERE uid = ? AND seq = ?")?
                    .execute(params![uid, seq])?;
            }
            Trace::Besides(rest) => {
                db.prepare_cached("UPDATE log SET entry = ? WHERE uid = ? AND seq = ?")?
                    .execute(params![&rest[..], uid, seq])?;
            }
        }
    }
    let last = looked_at.last().filter(|_| looked_at.len() == count);
    Ok(last.map(|(uid, seq, _)| ErasePlace::Logs(Uid(*uid), Seq(unsigned(*seq)))))
}

fn unschedule(db: &Connection, who: &Person) -> Sql<()> {
    let sql = format!("SELECT {SCHEDULED_COLUMNS} FROM scheduled WHERE aid = ? ORDER BY id");
    for due in rows(db, &sql, who.aid.0, scheduled)? {
        if Message::decode(&due.message[..]).is_ok_and(|message| who.is_in(&message)) {
            db.execute("DELETE FROM scheduled WHERE id = ?", [signed(due.id)])?;
        }
    }
    Ok(())
}

fn rows<T>(
    db: &Connection,
    sql: &str,
    of: u32,
    row: impl FnMut(&Row<'_>) -> Sql<T>,
) -> Sql<Vec<T>> {
    db.prepare(sql)?.query_map([of], row)?.collect()
}
