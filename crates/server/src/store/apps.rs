//! What the store knows of an app as a whole: settings, lists, what is scheduled.

use bytes::Bytes;
use hub::port::apps::{AppReply, AppRequest, AppSettings, Filter, Scheduled, UserRow};
use hub::port::store::{App, Group, StoreError, TokenHash, TokenId, User};
use prost::Message as _;
use rusqlite::{Connection, OptionalExtension, Row, params};
use wire::id::{AppId, GroupId, Uid};
use wire::time::Timestamp;

use super::groups::{GROUP_COLUMNS, group, load_pins};
use super::logs::Logs;
use super::sqlite::{Failure, Sql, signed, unsigned};
use super::usage;
use super::users::{USER_COLUMN_COUNT, USER_COLUMNS, delete_user, user};

/// Columns of [`app`].
pub(super) const APP_COLUMNS: &str = "aid, name, active, settings";

pub(super) fn app(row: &Row<'_>) -> Sql<App> {
    let settings: Vec<u8> = row.get(3)?;
    Ok(App {
        aid: AppId(row.get(0)?),
        name: row.get(1)?,
        active: row.get(2)?,
        // Ours, and written as a whole: what cannot be read was not written by us.
        settings: AppSettings::decode(&settings[..]).unwrap_or_default(),
    })
}

pub(super) fn perform(
    db: &Connection,
    logs: &mut Logs,
    request: AppRequest,
) -> Result<AppReply, Failure> {
    Ok(match request {
        AppRequest::Save { app } => {
            save(db, *app)?;
            AppReply::Done
        }
        AppRequest::ReplaceToken { aid, hash } => {
            db.execute("UPDATE apps SET token = ? WHERE aid = ?", params![&hash[..], aid.0])?;
            AppReply::Done
        }
        AppRequest::Delete { aid } => {
            delete(db, logs, aid)?;
            AppReply::Done
        }
        AppRequest::List => {
            let mut all =
                db.prepare_cached(&format!("SELECT {APP_COLUMNS} FROM apps ORDER BY aid"))?;
            AppReply::Apps(all.query_map([], app)?.collect::<Sql<_>>()?)
        }
        AppRequest::Count { aid } => {
            let count = |sql: &str| -> Sql<u64> {
                let count = db.prepare_cached(sql)?.query_row([aid.0], |row| row.get(0))?;
                Ok(unsigned(count))
            };
            AppReply::Counted {
                users: count("SELECT count(*) FROM users WHERE aid = ?")?,
                groups: count("SELECT count(*) FROM groups WHERE aid = ?")?,
            }
        }
        AppRequest::Users { aid, filter } => {
            let (rows, more) = users(db, aid, filter)?;
            AppReply::Users(rows, more)
        }
        AppRequest::Groups { aid, filter } => {
            let (rows, more) = groups(db, aid, &filter)?;
            AppReply::Groups(rows, more)
        }
        AppRequest::DeleteToken { aid, hash } => {
            AppReply::TokenDeleted(delete_token(db, logs, aid, &hash)?)
        }
        AppRequest::SignedIn { uid, remote, at } => {
            usage::count_user(db, uid, at)?;
            db.prepare_cached("UPDATE users SET remote = ?1 WHERE uid = ?2 AND remote IS NOT ?1")?
                .execute(params![remote.to_string(), uid.0])?;
            AppReply::Done
        }
        AppRequest::Use { used, at } => {
            usage::add(db, &used, at)?;
            AppReply::Done
        }
        AppRequest::Sent { aid, month } => AppReply::Sent(usage::sent(db, aid, month)?),
        AppRequest::FilesSize { aid } => {
            let bytes = db
                .prepare_cached("SELECT bytes FROM files_size WHERE aid = ?")?
                .query_row([aid.0], |row| row.get(0))
                .optional()?;
            AppReply::FilesSize(bytes.map_or(0, unsigned))
        }
        AppRequest::Usage { aid, monthly, count } => {
            AppReply::Usage(usage::read(db, aid, monthly, count)?)
        }
        AppRequest::Schedule { messages } => {
            for Scheduled { aid, due, message, only, .. } in messages {
                let only: Vec<u8> = only.iter().flat_map(|uid| uid.0.to_le_bytes()).collect();
                db.prepare_cached(
                    "INSERT INTO scheduled (aid, due, message, only) VALUES (?, ?, ?, ?)",
                )?
                .execute(params![aid.0, signed(due.0), &message[..], only])?;
            }
            AppReply::Done
        }
        AppRequest::Due { now, count } => {
            let mut due = due(db, now, count + 1)?;
            let next = match due.get(count) {
                Some(further) => Some(further.due),
                None => db
                    .prepare_cached("SELECT min(due) FROM scheduled WHERE due > ?")?
                    .query_row([signed(now.0)], |row| row.get::<_, Option<i64>>(0))?
                    .map(|due| Timestamp(unsigned(due))),
            };
            due.truncate(count);
            AppReply::Due(due, next)
        }
        AppRequest::Cancel { aid, sender, mids } => {
            let sql = format!("SELECT {SCHEDULED_COLUMNS} FROM scheduled WHERE aid = ?");
            let rows =
                db.prepare_cached(&sql)?.query_map([aid.0], scheduled)?.collect::<Sql<Vec<_>>>()?;
            let cancelled: Vec<_> =
                rows.into_iter().filter(|row| row.is_of(sender, &mids)).collect();
            for row in &cancelled {
                db.prepare_cached("DELETE FROM scheduled WHERE id = ?")?
                    .execute([signed(row.id)])?;
            }
            AppReply::Cancelled(cancelled)
        }
        AppRequest::Unschedule { id } => {
            db.prepare_cached("DELETE FROM scheduled WHERE id = ?")?.execute([signed(id)])?;
            AppReply::Done
        }
    })
}

fn save(db: &Connection, app: App) -> Result<(), Failure> {
    let taken: bool = db
        .prepare_cached("SELECT count(*) > 0 FROM apps WHERE name = ? AND aid <> ?")?
        .query_row(params![app.name, app.aid.0], |row| row.get(0))?;
    if taken {
        return Err(Failure::Refused(StoreError::Exists));
    }
    let before = db
        .prepare_cached("SELECT settings FROM apps WHERE aid = ?")?
        .query_row([app.aid.0], |row| row.get::<_, Vec<u8>>(0))
        .optional()?;
    let before = before.and_then(|kept| AppSettings::decode(&kept[..]).ok()).unwrap_or_default();
    if app.settings.keeps_shorter_than(&before) {
        db.prepare_cached(
            "INSERT OR REPLACE INTO shortenings (aid, days, next, last)
             SELECT ?, ?, 0, coalesce(max(id), 0) FROM messages",
        )?
        .execute(params![app.aid.0, app.settings.retention_days])?;
    }
    db.prepare_cached("UPDATE apps SET name = ?, active = ?, settings = ? WHERE aid = ?")?
        .execute(params![app.name, app.active, app.settings.encode_to_vec(), app.aid.0])?;
    Ok(())
}

fn delete(db: &Connection, logs: &mut Logs, aid: AppId) -> Sql<()> {
    let mut users = db.prepare_cached("SELECT uid FROM users WHERE aid = ?")?;
    let uids = users.query_map([aid.0], |row| Ok(Uid(row.get(0)?)))?.collect::<Sql<Vec<_>>>()?;
    for uid in uids {
        logs.settle(db, uid)?;
        delete_user(db, uid)?;
        db.prepare_cached("DELETE FROM messages WHERE sender = ?")?.execute([uid.0])?;
    }
    for sql in [
        "DELETE FROM members WHERE gid IN (SELECT gid FROM groups WHERE aid = ?)",
        "DELETE FROM pins WHERE gid IN (SELECT gid FROM groups WHERE aid = ?)",
        "DELETE FROM groups WHERE aid = ?",
        "DELETE FROM scheduled WHERE aid = ?",
        "DELETE FROM usage WHERE aid = ?",
        "DELETE FROM shortenings WHERE aid = ?",
        "DELETE FROM apps WHERE aid = ?",
    ] {
        db.execute(sql, [aid.0])?;
    }
    Ok(())
}

/// In the words of SQLite, where `?` and `[` have a meaning, too.
fn glob(pattern: &str) -> String {
    pattern.replace('[', "[[]").replace('?', "[?]")
}

fn users(db: &Connection, aid: AppId, filter: Filter) -> Sql<(Vec<UserRow>, bool)> {
    let select = format!(
        "SELECT {USER_COLUMNS}, u.remote,
                (SELECT app FROM tokens t WHERE t.uid = u.uid ORDER BY t.id DESC LIMIT 1)
         FROM users u WHERE u.aid = ?1 AND u.uid > ?2 AND u.address GLOB ?3"
    );
    let pattern = glob(&filter.pattern);
    let row = |row: &Row<'_>| -> Sql<UserRow> {
        let remote: Option<String> = row.get(USER_COLUMN_COUNT)?;
        Ok(UserRow {
            user: user(row, 0)?,
            remote: remote.and_then(|remote| remote.parse().ok()),
            app: row.get::<_, Option<String>>(USER_COLUMN_COUNT + 1)?.unwrap_or_default(),
        })
    };
    let count = filter.count as usize;
    let mut found = Vec::new();
    // Those who are online are few: each is looked up, and nobody else.
    let named = match (&filter.id, &filter.among) {
        (Some(id), _) => Some(vec![Uid(*id)]),
        (None, Some((true, among))) => Some(among.iter().copied().collect()),
        (None, _) => None,
    };
    match named {
        Some(uids) => {
            let mut one = db.prepare_cached(&format!("{select} AND u.uid = ?4"))?;
            for uid in uids {
                let values = params![aid.0, filter.after, pattern, uid.0];
                found.extend(one.query_row(values, row).optional()?);
                if found.len() > count {
                    break;
                }
            }
        }
        None => {
            let mut all = db.prepare_cached(&format!("{select} ORDER BY u.uid"))?;
            let rows = all.query_map(params![aid.0, filter.after, pattern], row)?;
            for row in rows {
                found.push(row?);
                if found.len() > count + filter.among.as_ref().map_or(0, |(_, some)| some.len()) {
                    break;
                }
            }
        }
    }
    if let Some((wanted, among)) = &filter.among {
        found.retain(|row| among.contains(&row.user.uid) == *wanted);
    }
    let more = found.len() > count;
    found.truncate(count);
    Ok((found, more))
}

fn groups(db: &Connection, aid: AppId, filter: &Filter) -> Sql<(Vec<(Group, u32)>, bool)> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {GROUP_COLUMNS}, (SELECT count(*) FROM members m WHERE m.gid = g.gid)
         FROM groups g WHERE aid = ? AND gid > ? AND name GLOB ? AND gid = coalesce(?, gid)
         ORDER BY gid LIMIT ?"
    ))?;
    let count = filter.count as usize;
    let values = params![aid.0, filter.after, glob(&filter.pattern), filter.id, count as i64 + 1];
    let rows = statement.query_map(values, |row| {
        let members = row.get(GROUP_COLUMNS.split(',').count())?;
        Ok((group(row)?, members))
    })?;
    let mut rows = rows.collect::<Sql<Vec<(Group, u32)>>>()?;
    let more = rows.len() > count;
    rows.truncate(count);
    for (group, _) in &mut rows {
        group.pins = load_pins(db, GroupId(group.gid.0))?;
    }
    Ok((rows, more))
}

fn delete_token(
    db: &Connection,
    logs: &mut Logs,
    aid: AppId,
    hash: &TokenHash,
) -> Sql<Option<(TokenId, User)>> {
    let sql = format!(
        "SELECT {USER_COLUMNS}, t.id FROM tokens t JOIN users u USING (uid)
         WHERE t.hash = ? AND u.aid = ?"
    );
    let found = db
        .prepare_cached(&sql)?
        .query_row(params![&hash[..], aid.0], |row| {
            Ok((row.get::<_, i64>(USER_COLUMN_COUNT)?, user(row, 0)?))
        })
        .optional()?;
    let Some((id, user)) = found else { return Ok(None) };
    logs.settle(db, user.uid)?;
    db.execute("DELETE FROM devices WHERE token = ?", [id])?;
    db.execute("DELETE FROM tokens WHERE id = ?", [id])?;
    Ok(Some((TokenId(unsigned(id)), user)))
}

/// Columns of [`scheduled`].
pub(super) const SCHEDULED_COLUMNS: &str = "id, aid, due, message, only";

pub(super) fn scheduled(row: &Row<'_>) -> Sql<Scheduled> {
    let only: Vec<u8> = row.get(4)?;
    let uid = |bytes: &[u8]| bytes.try_into().map(|bytes| Uid(u32::from_le_bytes(bytes))).ok();
    Ok(Scheduled {
        id: unsigned(row.get(0)?),
        aid: AppId(row.get(1)?),
        due: Timestamp(unsigned(row.get(2)?)),
        message: Bytes::from(row.get::<_, Vec<u8>>(3)?),
        only: only.chunks(4).filter_map(uid).collect(),
    })
}

fn due(db: &Connection, now: Timestamp, count: usize) -> Sql<Vec<Scheduled>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {SCHEDULED_COLUMNS} FROM scheduled WHERE due <= ? ORDER BY due, id LIMIT ?"
    ))?;
    statement.query_map(params![signed(now.0), count as i64], scheduled)?.collect()
}
