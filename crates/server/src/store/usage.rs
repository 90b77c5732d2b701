//! What apps have used, by day and month. Users are counted once in each, exactly.

use hub::port::apps::{UsageRow, Used, day_of};
use rusqlite::{Connection, OptionalExtension, Row, params};
use wire::id::{AppId, Uid};
use wire::limits::USAGE_DAYS_KEPT;
use wire::time::{Duration, Timestamp};

use super::sqlite::{Sql, signed, unsigned};

/// Days have eight digits, months six.
const FIRST_DAY: u32 = 1_000_000;

pub fn count_user(db: &Connection, uid: Uid, at: Timestamp) -> Sql<()> {
    for period in [day_of(at), day_of(at) / 100] {
        let new = db
            .prepare_cached("INSERT OR IGNORE INTO usage_users (period, uid) VALUES (?, ?)")?
            .execute(params![period, uid.0])?;
        if new > 0 {
            db.prepare_cached(
                "INSERT INTO usage (aid, period, users) SELECT aid, ?1, 1 FROM users WHERE uid = ?2
                 ON CONFLICT DO UPDATE SET users = users + 1",
            )?
            .execute(params![period, uid.0])?;
        }
    }
    Ok(())
}

pub fn add(db: &Connection, used: &[Used], at: Timestamp) -> Sql<()> {
    for used in used {
        for period in [day_of(at), day_of(at) / 100] {
            db.prepare_cached(
                "INSERT INTO usage (aid, period, peak, messages, bytes, stored, reads, writes)
                 SELECT aid, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM apps WHERE aid = ?1
                 ON CONFLICT DO UPDATE SET
                   peak = max(peak, ?3), messages = messages + ?4, bytes = bytes + ?5,
                   stored = stored + ?6, reads = reads + ?7, writes = writes + ?8",
            )?
            .execute(params![
                used.aid.0,
                period,
                used.peak,
                signed(used.messages),
                signed(used.bytes),
                signed(used.stored),
                signed(used.reads),
                signed(used.writes)
            ])?;
        }
    }
    Ok(())
}

/// Messages of a month.
pub fn sent(db: &Connection, aid: AppId, month: u32) -> Sql<u64> {
    let sent = db
        .prepare_cached("SELECT messages FROM usage WHERE aid = ? AND period = ?")?
        .query_row(params![aid.0, month], |row| row.get(0))
        .optional()?;
    Ok(sent.map_or(0, unsigned))
}

pub fn read(db: &Connection, aid: AppId, monthly: bool, count: u32) -> Sql<Vec<UsageRow>> {
    let (from, to) = if monthly { (0, FIRST_DAY) } else { (FIRST_DAY, u32::MAX) };
    let mut rows = db.prepare_cached(
        "SELECT period, users, peak, messages, bytes, stored, reads, writes FROM usage
         WHERE aid = ? AND period >= ? AND period < ? ORDER BY period DESC LIMIT ?",
    )?;
    let row = |row: &Row<'_>| {
        let number = |column| -> Sql<u64> { Ok(unsigned(row.get(column)?)) };
        Ok(UsageRow {
            period: row.get(0)?,
            users: number(1)?,
            used: Used {
                aid,
                peak: row.get(2)?,
                messages: number(3)?,
                bytes: number(4)?,
                stored: number(5)?,
                reads: number(6)?,
                writes: number(7)?,
            },
        })
    };
    rows.query_map(params![aid.0, from, to, count], row)?.collect()
}

/// Forgets who was counted in what is over, and days that are long over. The day before stays: a clock
/// may step back.
pub fn sweep(db: &Connection, now: Timestamp, count: usize) -> Sql<usize> {
    let back = |rest: Duration| Timestamp(now.0.saturating_sub(rest.as_millis() as u64));
    let yesterday = day_of(back(Duration::from_secs(86_400)));
    let mut over = 0;
    for (from, to) in [(0, yesterday / 100), (FIRST_DAY, yesterday)] {
        over += db
            .prepare_cached(
                "DELETE FROM usage_users WHERE (period, uid) IN (
                   SELECT period, uid FROM usage_users WHERE period >= ? AND period < ? LIMIT ?)",
            )?
            .execute(params![from, to, count as i64])?;
    }
    let first_kept = day_of(back(USAGE_DAYS_KEPT));
    over += db
        .prepare_cached("DELETE FROM usage WHERE period >= ? AND period < ?")?
        .execute(params![FIRST_DAY, first_kept])?;
    Ok(over)
}
