//! Which records name which files, so that a file can go with the last of them.
//!
//! Records say nothing of it themselves: what looks like a name of ours is looked up. Triggers of the
//! schema note what goes with a record.

use hub::file_keys_in;
use hub::port::personal::LeftFiles;
use rusqlite::{Connection, params};
use wire::id::{GroupId, Uid};

use super::sqlite::{Sql, signed};

/// The record of a user among those that name files.
pub fn of_user(uid: Uid) -> i64 {
    -i64::from(uid.0)
}

/// The record of a group among those that name files.
pub fn of_group(gid: GroupId) -> i64 {
    -(1 << 32) - i64::from(gid.0)
}

/// A new record says this.
pub fn add(db: &Connection, record: i64, said: &[u8]) -> Sql<()> {
    for key in file_keys_in(said) {
        db.prepare_cached(
            "INSERT OR IGNORE INTO file_uses (name, record)
             SELECT name, ?2 FROM files WHERE digits = ?1 AND digits <> ''
             UNION SELECT name, ?2 FROM files WHERE medium = ?1 AND medium <> ''",
        )?
        .execute(params![key, record])?;
    }
    Ok(())
}

/// A record says this instead of what it has said.
pub fn replace(db: &Connection, record: i64, said: &[&[u8]]) -> Sql<()> {
    db.prepare_cached("DELETE FROM file_uses WHERE record = ?")?.execute([record])?;
    said.iter().try_for_each(|said| add(db, record, said))
}

/// Files that may go: nothing names them any more, or nothing ever has, or they are too old.
pub fn left(db: &Connection, wanted: &LeftFiles) -> Sql<Vec<String>> {
    db.prepare_cached(
        "DELETE FROM files_left WHERE EXISTS (SELECT 1 FROM file_uses u WHERE u.name = files_left.name)
         OR NOT EXISTS (SELECT 1 FROM files f WHERE f.name = files_left.name AND f.named = 1)",
    )?
    .execute([])?;
    // What is scheduled names files, too, and is no message yet.
    let unscheduled = "NOT EXISTS (SELECT 1 FROM scheduled s
                       WHERE instr(s.message, CAST(f.digits AS BLOB)) AND f.digits <> '')";
    let mut statement = db.prepare_cached(&format!(
        "SELECT f.name FROM files_left l JOIN files f USING (name) WHERE {unscheduled}
         UNION ALL SELECT f.name FROM files f WHERE f.named = 0 AND f.ts < ?1 AND {unscheduled}
         UNION ALL SELECT f.name FROM files f WHERE f.ts < ?2
         LIMIT ?3"
    ))?;
    let before = |at: Option<wire::time::Timestamp>| at.map_or(i64::MIN, |at| signed(at.0));
    let values = params![before(wanted.unnamed_before), before(wanted.before), wanted.count as i64];
    let mut names: Vec<String> =
        statement.query_map(values, |row| row.get(0))?.collect::<Sql<_>>()?;
    names.sort();
    names.dedup();
    Ok(names)
}

/// These files are gone.
pub fn gone(db: &Connection, names: &[String]) -> Sql<()> {
    for name in names {
        for sql in [
            "DELETE FROM files WHERE name = ?",
            "DELETE FROM file_uses WHERE name = ?",
            "DELETE FROM files_left WHERE name = ?",
        ] {
            db.prepare_cached(sql)?.execute([name])?;
        }
    }
    Ok(())
}
