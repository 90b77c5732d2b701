//! Tokens and the devices that sign in with them.

use hub::port::store::{DeviceId, Reply, Token, TokenHash, TokenId, User};
use rusqlite::{Connection, OptionalExtension, params};
use wire::id::{DeviceKey, Seq, Uid};
use wire::time::Timestamp;

use super::logs::Logs;
use super::sqlite::{Sql, signed, time, unsigned};
use super::users::{USER_COLUMN_COUNT, USER_COLUMNS, user};

pub(super) fn find_token(db: &Connection, hash: &TokenHash) -> Sql<Option<(Token, User)>> {
    let sql = format!(
        "SELECT {USER_COLUMNS}, t.id, t.app, t.any_app, t.expires
         FROM tokens t JOIN users u USING (uid) WHERE t.hash = ?"
    );
    let found = db.prepare_cached(&sql)?.query_row([&hash[..]], |row| {
        let user = user(row, 0)?;
        let token = Token {
            id: TokenId(unsigned(row.get(USER_COLUMN_COUNT)?)),
            uid: user.uid,
            app: row.get(USER_COLUMN_COUNT + 1)?,
            any_app: row.get(USER_COLUMN_COUNT + 2)?,
            expires: time(row.get(USER_COLUMN_COUNT + 3)?),
        };
        Ok((token, user))
    });
    found.optional()
}

pub(super) fn open_device(
    db: &Connection,
    logs: &mut Logs,
    token: TokenId,
    uid: Uid,
    key: DeviceKey,
    now: Timestamp,
) -> Sql<Reply> {
    let log = logs.find(db, uid)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let (head, trimmed, fetched) = (log.head, log.trimmed, log.fetched);
    // Its devices change.
    logs.settle(db, uid)?;
    let (device, cursor): (i64, i64) = db
        .prepare_cached(
            "INSERT INTO devices (token, uid, key, cursor, seen) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (token, key) DO UPDATE SET seen = excluded.seen RETURNING id, cursor",
        )?
        .query_row(params![signed(token.0), uid.0, &key.0[..], fetched, signed(now.0)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(Reply::Device {
        device: DeviceId(unsigned(device)),
        cursor: Seq(unsigned(cursor)),
        head: Seq(unsigned(head)),
        trimmed: Seq(unsigned(trimmed)),
    })
}

pub(super) fn issue_token(
    db: &Connection,
    token: Token,
    hash: &TokenHash,
    keep: u32,
) -> Sql<Reply> {
    let mut older = db.prepare_cached(
        "SELECT id FROM tokens WHERE uid = ? AND app = ? ORDER BY id DESC LIMIT -1 OFFSET ?",
    )?;
    let kept = keep.saturating_sub(1);
    let older = older.query_map(params![token.uid.0, token.app, kept], |row| row.get(0))?;
    let mut replaced = Vec::new();
    for id in older.collect::<Sql<Vec<i64>>>()? {
        db.execute("DELETE FROM devices WHERE token = ?", [id])?;
        db.execute("DELETE FROM tokens WHERE id = ?", [id])?;
        replaced.push(TokenId(unsigned(id)));
    }
    db.prepare_cached(
        "INSERT INTO tokens (uid, app, any_app, expires, hash) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![
        token.uid.0,
        token.app,
        token.any_app,
        token.expires.map(|at| signed(at.0)),
        &hash[..]
    ])?;
    Ok(Reply::TokenIssued { token: TokenId(unsigned(db.last_insert_rowid())), replaced })
}

pub(super) fn delete_tokens(db: &Connection, uid: Uid, app: Option<&str>) -> Sql<Vec<TokenId>> {
    let mut statement = db.prepare_cached(
        "DELETE FROM tokens WHERE uid = ?1 AND (?2 IS NULL OR app = ?2) RETURNING id",
    )?;
    let ids = statement.query_map(params![uid.0, app], |row| row.get::<_, i64>(0))?;
    let ids = ids.collect::<Sql<Vec<_>>>()?;
    for id in &ids {
        db.execute("DELETE FROM devices WHERE token = ?", [id])?;
    }
    Ok(ids.into_iter().map(|id| TokenId(unsigned(id))).collect())
}
