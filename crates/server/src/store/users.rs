//! Users, whom they know, and who is found by a search.

use hub::port::store::{Contact, StoreError, User};
use rusqlite::{Connection, OptionalExtension, Row, params};
use wire::id::{AppId, Uid};
use wire::limits::CONTACTS_MAX;
use wire::time::Timestamp;

use super::files;
use super::sqlite::{Failure, Sql, signed, unsigned};
use super::tokens::delete_tokens;

pub(super) const USER_COLUMNS: &str = "u.uid, u.aid, u.address, u.name, u.status, u.image, \
                                       u.active, u.flags, u.pinned, u.groups_max, \
                                       u.last_online, u.profile, u.uac, u.e2ee";
pub(super) const USER_COLUMN_COUNT: usize = 14;

pub(super) fn select_user(filter: &str) -> String {
    format!("SELECT {USER_COLUMNS} FROM users u {filter}")
}

/// The user whose [`USER_COLUMNS`] begin at this column.
pub(super) fn user(row: &Row<'_>, at: usize) -> Sql<User> {
    Ok(User {
        uid: Uid(row.get(at)?),
        aid: AppId(row.get(at + 1)?),
        address: row.get(at + 2)?,
        name: row.get(at + 3)?,
        status: row.get(at + 4)?,
        image: row.get(at + 5)?,
        active: row.get(at + 6)?,
        flags: row.get(at + 7)?,
        pinned: row.get(at + 8)?,
        groups_max: row.get(at + 9)?,
        last_online: Timestamp(unsigned(row.get(at + 10)?)),
        values: row.get(at + 11)?,
        uac: row.get(at + 12)?,
        e2ee: row.get(at + 13)?,
    })
}

pub(super) fn save_user(db: &Connection, user: User) -> Result<User, Failure> {
    let taken: Option<u32> = db
        .prepare_cached("SELECT uid FROM users WHERE aid = ? AND address = ?")?
        .query_row(params![user.aid.0, user.address], |row| row.get(0))
        .optional()?;
    if taken.is_some_and(|uid| uid != user.uid.0) {
        return Err(Failure::Refused(StoreError::Exists));
    }
    let new = user.uid == Uid(0);
    let uid = (!new).then_some(user.uid.0);
    db.prepare_cached(
        "INSERT INTO users (uid, aid, address, name, status, image, active, flags, pinned,
                            groups_max, last_online, profile, uac, e2ee)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (uid) DO UPDATE SET
           address = excluded.address, name = excluded.name, status = excluded.status,
           image = excluded.image, active = excluded.active, flags = excluded.flags,
           pinned = excluded.pinned, groups_max = excluded.groups_max, profile = excluded.profile,
           uac = excluded.uac, e2ee = excluded.e2ee",
    )?
    .execute(params![
        uid,
        user.aid.0,
        user.address,
        user.name,
        user.status,
        &user.image,
        user.active,
        user.flags,
        user.pinned,
        user.groups_max,
        signed(user.last_online.0),
        &user.values,
        user.uac,
        user.e2ee
    ])?;
    let uid = if new { Uid(db.last_insert_rowid() as u32) } else { user.uid };
    files::replace(db, files::of_user(uid), &[user.image.as_bytes(), user.values.as_bytes()])?;
    Ok(User { uid, ..user })
}

pub(super) fn delete_user(db: &Connection, uid: Uid) -> Sql<()> {
    delete_tokens(db, uid, None)?;
    for sql in [
        "DELETE FROM devices WHERE uid = ?",
        "DELETE FROM log WHERE uid = ?",
        "DELETE FROM usage_users WHERE uid = ?",
        "DELETE FROM history WHERE uid = ?",
        // Others may have messages with them.
        "INSERT OR IGNORE INTO files_left SELECT name FROM files WHERE uid = ?",
        "UPDATE files SET uid = 0, named = 1 WHERE uid = ?",
        "DELETE FROM members WHERE uid = ?",
        "DELETE FROM contacts WHERE ?1 IN (uid, peer)",
        "UPDATE groups SET owner = (SELECT min(m.uid) FROM members m WHERE m.gid = groups.gid
                                    AND m.admin_flags <> 0 AND m.expires IS NULL)
         WHERE owner = ?",
        "DELETE FROM users WHERE uid = ?",
    ] {
        db.execute(sql, [uid.0])?;
    }
    Ok(())
}

/// What a search is for.
pub(super) struct Wanted<'a> {
    pub aid: AppId,
    pub by: Uid,
    pub text: &'a str,
    pub count: usize,
}

/// Among those that want to be found, and the asker's contacts.
pub(super) fn find_users(
    db: &Connection,
    wanted: &Wanted<'_>,
    contacts: bool,
    after: Uid,
) -> Sql<Vec<User>> {
    // Each part of the union has an index of its own.
    let sql = select_user(
        "WHERE u.uid IN (
           SELECT uid FROM users WHERE aid = ?1 AND uid > ?3 AND flags & 256 <> 0
           UNION SELECT peer FROM contacts WHERE ?5 AND uid = ?2 AND flags & 1)
         AND u.aid = ?1 AND u.uid <> ?2 AND u.uid > ?3
         AND (instr(lower(u.name), lower(?4)) OR lower(u.address) = lower(?4))
         ORDER BY u.uid LIMIT ?6",
    );
    let mut statement = db.prepare_cached(&sql)?;
    let (aid, by, count) = (wanted.aid.0, wanted.by.0, wanted.count as i64);
    let given = params![aid, by, after.0, wanted.text, contacts, count];
    statement.query_map(given, |row| user(row, 0))?.collect()
}

pub(super) fn save_contacts(
    db: &Connection,
    uid: Uid,
    contacts: Vec<Contact>,
) -> Sql<Vec<Contact>> {
    let mut count: usize = db
        .prepare_cached("SELECT count(*) FROM contacts WHERE uid = ?")?
        .query_row([uid.0], |row| row.get(0))?;
    let mut saved = Vec::with_capacity(contacts.len());
    for contact in contacts {
        if contact.flags == 0 {
            count -= db
                .prepare_cached("DELETE FROM contacts WHERE uid = ? AND peer = ?")?
                .execute([uid.0, contact.uid.0])?;
            saved.push(contact);
            continue;
        }
        let known = db
            .prepare_cached("UPDATE contacts SET flags = ? WHERE uid = ? AND peer = ?")?
            .execute([contact.flags, uid.0, contact.uid.0])?
            > 0;
        if !known && count >= CONTACTS_MAX {
            continue;
        }
        if !known {
            db.prepare_cached("INSERT INTO contacts (uid, peer, flags) VALUES (?, ?, ?)")?
                .execute([uid.0, contact.uid.0, contact.flags])?;
            count += 1;
        }
        saved.push(contact);
    }
    Ok(saved)
}

pub(super) fn load_contacts(db: &Connection, uid: Uid) -> Sql<Vec<Contact>> {
    let mut statement = db.prepare_cached(
        "SELECT c.peer, u.address, c.flags FROM contacts c JOIN users u ON u.uid = c.peer
         WHERE c.uid = ? ORDER BY c.peer",
    )?;
    let contacts = statement.query_map([uid.0], |row| {
        Ok(Contact { uid: Uid(row.get(0)?), address: row.get(1)?, flags: row.get(2)? })
    })?;
    contacts.collect()
}
