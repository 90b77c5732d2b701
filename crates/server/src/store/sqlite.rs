//! The store on SQLite: WAL, `synchronous=FULL`, one transaction for many requests.
//!
//! A request checks everything before it writes anything, so one that is refused leaves no trace
//! in the transaction it shares. When the database itself fails, the whole transaction is rolled
//! back and everything in it that changes something is answered `Failed`.

use std::path::Path;

use anyhow::{Context, bail};
use bytes::Bytes;
use hub::port::store::{
    Contact, DeviceId, Group, LogRow, LoggedMessage, Member, NewMessage, Note, Outcome, Pin, Reply,
    Request, StoreError, Token, TokenHash, TokenId, User,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use wire::id::{AppId, DeviceKey, GroupId, MessageId, Seq, Uid};
use wire::limits::{CONTACTS_MAX, EXPIRED_TOKEN_KEPT, MESSAGE_KEY_KEPT};
use wire::mask::contact;
use wire::time::Timestamp;

use super::apps::{self, APP_COLUMNS, app};
use super::history;
use super::logs::Logs;

/// Numbered migrations: the number of those applied is the database's `user_version`.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001_first.sql"),
    include_str!("schema/0002_sweep.sql"),
    include_str!("schema/0003_profiles.sql"),
    include_str!("schema/0004_history.sql"),
    include_str!("schema/0005_people.sql"),
    include_str!("schema/0006_backend.sql"),
];

/// An open database.
pub struct Sqlite {
    connection: Connection,
    logs: Logs,
    keeps_history: bool,
}

pub(super) type Sql<T> = rusqlite::Result<T>;

/// A group with its members and who they are.
type Roster = (Group, Vec<(Member, User)>);

/// Why a request did not happen: refused by a rule, or the database failed.
pub(super) enum Failure {
    Refused(StoreError),
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        Failure::Database(error)
    }
}

impl Sqlite {
    /// Opens or creates the database and brings its schema up to date.
    pub fn open(path: &Path) -> anyhow::Result<Sqlite> {
        let connection = Connection::open(path)
            .with_context(|| format!("the database {} cannot be opened", path.display()))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "OFF")?;
        connection.set_prepared_statement_cache_capacity(64);
        let mut database = Sqlite { connection, logs: Logs::default(), keeps_history: true };
        database.migrate().with_context(|| format!("database {}", path.display()))?;
        Ok(database)
    }

    /// Keeps no more than what is to be delivered.
    pub fn without_history(self) -> Sqlite {
        Sqlite { keeps_history: false, ..self }
    }

    fn migrate(&mut self) -> anyhow::Result<()> {
        let version: usize =
            self.connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > MIGRATIONS.len() {
            bail!(
                "its schema has version {version}, this program knows up to {}: it was used by a \
                 newer version, run that one",
                MIGRATIONS.len()
            );
        }
        for (index, migration) in MIGRATIONS.iter().enumerate().skip(version) {
            let transaction = self.connection.transaction()?;
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", index + 1)?;
            transaction.commit()?;
        }
        Ok(())
    }

    /// Performs the requests in order as one transaction and gives their answers.
    pub fn perform_all(&mut self, requests: Vec<Request>) -> Vec<Result<Reply, StoreError>> {
        let count = requests.len();
        match self.try_all(requests) {
            Ok(replies) => replies,
            Err(error) => {
                self.logs.forget();
                tracing::error!(%error, requests = count, "storage failed");
                let failed = StoreError::Failed(error.to_string());
                vec![Err(failed); count]
            }
        }
    }

    fn try_all(&mut self, requests: Vec<Request>) -> Sql<Vec<Result<Reply, StoreError>>> {
        // Rolled back when it is dropped without a commit.
        let transaction = self.connection.transaction()?;
        let mut replies = Vec::with_capacity(requests.len());
        for request in requests {
            match perform(&transaction, &mut self.logs, self.keeps_history, request) {
                Ok(reply) => replies.push(Ok(reply)),
                Err(Failure::Refused(error)) => replies.push(Err(error)),
                Err(Failure::Database(error)) => return Err(error),
            }
        }
        self.logs.write(&transaction)?;
        transaction.commit()?;
        Ok(replies)
    }
}

fn perform(
    db: &Connection,
    logs: &mut Logs,
    keeps_history: bool,
    request: Request,
) -> Result<Reply, Failure> {
    Ok(match request {
        Request::FindToken { hash } => Reply::Token(find_token(db, &hash)?),
        Request::OpenDevice { token, uid, key, now } => {
            logs.settle(db, uid)?;
            open_device(db, token, uid, key, now)?
        }
        Request::LoadUser { uid } => Reply::User(
            db.prepare_cached(&select_user("WHERE uid = ?"))?
                .query_row([uid.0], |row| user(row, 0))
                .optional()?,
        ),
        Request::FindUser { aid, address } => Reply::User(
            db.prepare_cached(&select_user("WHERE aid = ? AND address = ?"))?
                .query_row(params![aid.0, address], |row| user(row, 0))
                .optional()?,
        ),
        Request::LoadGroup { gid } => Reply::Group(load_group(db, gid)?),
        Request::LoadMemberships { uid } => {
            let mut statement =
                db.prepare_cached("SELECT gid FROM members WHERE uid = ? ORDER BY gid")?;
            let groups = statement.query_map([uid.0], |row| Ok(GroupId(row.get(0)?)))?;
            Reply::Groups(groups.collect::<Sql<_>>()?)
        }
        Request::Append { messages } => {
            let messages = messages.into_iter();
            let outcomes =
                messages.map(|(message, to)| append(db, logs, keeps_history, &message, to));
            Reply::Stored(outcomes.collect::<Sql<_>>()?)
        }
        Request::ReadHistory { uid, of, before, until, count, now } => {
            Reply::History(history::read(db, uid, of, (before, until), count, now)?)
        }
        Request::RemoveFromHistory { uid, messages, before, notes } => {
            history::remove(db, uid, &messages, before)?;
            Reply::Appended(append_notes(db, logs, notes)?)
        }
        Request::FindMessage { sender, id } => Reply::Message(load_message(db, sender, id)?),
        Request::ChangeMessage { sender, id, entry, notes } => {
            db.prepare_cached("UPDATE messages SET entry = ? WHERE sender = ? AND mid = ?")?
                .execute(params![&entry[..], sender.0, signed(id.get())])?;
            Reply::Appended(append_notes(db, logs, notes)?)
        }
        Request::AppendNotes { notes } => Reply::Appended(append_notes(db, logs, notes)?),
        Request::Acknowledge { device, uid, seq, notes, now } => {
            let (device, seq, now) = (signed(device.0), signed(seq.0), signed(now.0));
            logs.acknowledge(db, uid, device, seq, now)?;
            Reply::Appended(append_notes(db, logs, notes)?)
        }
        Request::ReadLog { uid, after, count, now } => read_log(db, logs, uid, after, count, now)?,
        Request::SetLastOnline { uid, at } => {
            db.prepare_cached("UPDATE users SET last_online = ? WHERE uid = ?")?
                .execute(params![signed(at.0), uid.0])?;
            Reply::Done
        }
        Request::SaveContacts { uid, contacts } => {
            Reply::Contacts(save_contacts(db, uid, contacts)?)
        }
        Request::LoadContacts { uid } => Reply::Contacts(load_contacts(db, uid)?),
        Request::LoadBlockers { uid } => {
            let mut statement = db.prepare_cached(
                "SELECT uid, flags & ?1 FROM contacts WHERE peer = ?2 AND flags & ?1 ORDER BY uid",
            )?;
            let blockers = statement
                .query_map([contact::BLOCK_ANY | contact::LEVELS, uid.0], |row| {
                    Ok((Uid(row.get(0)?), row.get(1)?))
                })?;
            Reply::Blockers(blockers.collect::<Sql<_>>()?)
        }
        Request::Search { aid, by, text, contacts, groups, after_uid, after_gid, count } => {
            let wanted = Wanted { aid, by, text: &text, count };
            let users = find_users(db, &wanted, contacts, after_uid)?;
            let groups = match groups {
                true => find_groups(db, &wanted, after_gid)?,
                false => Vec::new(),
            };
            Reply::Found { users, groups }
        }
        Request::SavePushToken { device, token, voip } => {
            db.prepare_cached("UPDATE devices SET push = ?, push_voip = ? WHERE id = ?")?
                .execute(params![token, voip, signed(device.0)])?;
            Reply::Done
        }
        Request::LoadPushTokens { uid } => {
            let mut statement = db.prepare_cached(
                "SELECT id, push, push_voip FROM devices WHERE uid = ? AND push <> '' ORDER BY id",
            )?;
            let tokens = statement.query_map([uid.0], |row| {
                Ok((DeviceId(unsigned(row.get(0)?)), row.get(1)?, row.get(2)?))
            })?;
            Reply::PushTokens(tokens.collect::<Sql<_>>()?)
        }
        Request::Sweep { now, count } => Reply::Swept(sweep(db, logs, now, count)?),
        Request::OfApp(request) => Reply::OfApp(apps::perform(db, logs, request)?),
        Request::FindApp { hash } => Reply::App(
            db.prepare_cached(&format!("SELECT {APP_COLUMNS} FROM apps WHERE token = ?"))?
                .query_row([&hash[..]], app)
                .optional()?,
        ),
        Request::LoadApp { aid } => Reply::App(
            db.prepare_cached(&format!("SELECT {APP_COLUMNS} FROM apps WHERE aid = ?"))?
                .query_row([aid.0], app)
                .optional()?,
        ),
        Request::CreateApp { name, hash } => {
            let inserted = db
                .prepare_cached(&format!(
                    "INSERT INTO apps (name, active, token) VALUES (?, 1, ?)
                     ON CONFLICT DO NOTHING RETURNING {APP_COLUMNS}"
                ))?
                .query_row(params![name, &hash[..]], app)
                .optional()?;
            Reply::App(Some(inserted.ok_or(Failure::Refused(StoreError::Exists))?))
        }
        Request::SaveUser { user } => Reply::User(Some(save_user(db, user)?)),
        Request::DeleteUser { uid, notes } => {
            logs.settle(db, uid)?;
            delete_user(db, uid)?;
            Reply::Appended(append_notes(db, logs, notes)?)
        }
        Request::IssueToken { token, hash, keep } => {
            logs.settle(db, token.uid)?;
            issue_token(db, token, &hash, keep)?
        }
        Request::DeleteTokens { uid, app } => {
            logs.settle(db, uid)?;
            Reply::TokensDeleted(delete_tokens(db, uid, app.as_deref())?)
        }
        Request::SaveGroup { group, put, remove, notes } => {
            let gid = save_group(db, group, put, remove)?;
            Reply::GroupSaved { gid, places: append_notes(db, logs, notes)? }
        }
        Request::DeleteGroup { gid, notes } => {
            db.execute("DELETE FROM members WHERE gid = ?", [gid.0])?;
            db.execute("DELETE FROM pins WHERE gid = ?", [gid.0])?;
            db.execute("DELETE FROM groups WHERE gid = ?", [gid.0])?;
            Reply::Appended(append_notes(db, logs, notes)?)
        }
    })
}

// ---- sign-in -----------------------------------------------------------------------------

fn find_token(db: &Connection, hash: &TokenHash) -> Sql<Option<(Token, User)>> {
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

fn open_device(
    db: &Connection,
    token: TokenId,
    uid: Uid,
    key: DeviceKey,
    now: Timestamp,
) -> Sql<Reply> {
    let (head, trimmed, fetched): (i64, i64, i64) = db
        .prepare_cached("SELECT head, trimmed, fetched FROM users WHERE uid = ?")?
        .query_row([uid.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
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

fn issue_token(db: &Connection, token: Token, hash: &TokenHash, keep: u32) -> Sql<Reply> {
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

fn delete_tokens(db: &Connection, uid: Uid, app: Option<&str>) -> Sql<Vec<TokenId>> {
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

// ---- log ---------------------------------------------------------------------------------

fn find_message(db: &Connection, sender: Uid, id: MessageId) -> Sql<Option<Timestamp>> {
    db.prepare_cached("SELECT ts FROM messages WHERE sender = ? AND mid = ?")?
        .query_row(params![sender.0, signed(id.get())], |row| Ok(Timestamp(unsigned(row.get(0)?))))
        .optional()
}

fn load_message(db: &Connection, sender: Uid, id: MessageId) -> Sql<Option<(Timestamp, Bytes)>> {
    db.prepare_cached("SELECT ts, entry FROM messages WHERE sender = ? AND mid = ?")?
        .query_row(params![sender.0, signed(id.get())], |row| {
            Ok((Timestamp(unsigned(row.get(0)?)), row.get::<_, Vec<u8>>(1)?.into()))
        })
        .optional()
}

fn append(
    db: &Connection,
    logs: &mut Logs,
    keeps_history: bool,
    message: &NewMessage,
    to: Vec<Uid>,
) -> Sql<Outcome> {
    let duplicate = |ts| Outcome::Duplicate { ts };
    let others = to.iter().filter(|uid| **uid != message.sender).count();
    let peer = to.iter().find(|uid| **uid != message.sender).copied().unwrap_or(message.sender);
    let mut open = Vec::with_capacity(to.len());
    for uid in to {
        if uid == message.sender || !logs.is_full(db, uid)? {
            open.push(uid);
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
    let mut places = Vec::with_capacity(open.len());
    for uid in open {
        if let Some(seq) = append_row(db, logs, uid, Some(row), None)? {
            if keeps_history {
                history::add(db, uid, message, peer, row)?;
            }
            places.push((uid, seq));
        }
    }
    Ok(Outcome::Appended(places))
}

/// Adds a row to a log; `None` when the user is gone.
fn append_row(
    db: &Connection,
    logs: &mut Logs,
    uid: Uid,
    message: Option<i64>,
    entry: Option<&[u8]>,
) -> Sql<Option<Seq>> {
    let Some(seq) = logs.next(db, uid)? else { return Ok(None) };
    db.prepare_cached("INSERT INTO log (uid, seq, message, entry) VALUES (?, ?, ?, ?)")?
        .execute(params![uid.0, seq, message, entry])?;
    Ok(Some(Seq(unsigned(seq))))
}

fn append_notes(db: &Connection, logs: &mut Logs, notes: Vec<Note>) -> Sql<Vec<(Uid, Seq)>> {
    let mut places = Vec::with_capacity(notes.len());
    for note in notes {
        let place = append_row(db, logs, note.uid, None, Some(&note.entry))?;
        places.push((note.uid, place.unwrap_or_default()));
    }
    Ok(places)
}

fn read_log(
    db: &Connection,
    logs: &mut Logs,
    uid: Uid,
    after: Seq,
    count: usize,
    now: Timestamp,
) -> Sql<Reply> {
    let (head, trimmed) = logs.find(db, uid)?.map_or((0, 0), |log| (log.head, log.trimmed));
    let head = Seq(unsigned(head));
    let mut statement = db.prepare_cached(
        "SELECT l.seq, coalesce(l.entry, m.entry), m.sender, m.mid, m.flags, m.gid, m.expires
         FROM log l LEFT JOIN messages m ON m.id = l.message
         WHERE l.uid = ? AND l.seq > ? AND (l.entry IS NOT NULL OR m.id IS NOT NULL) ORDER BY l.seq LIMIT ?",
    )?;
    let rows =
        statement.query_map(params![uid.0, signed(after.0).max(trimmed), count as i64], log_row)?;
    let rows = rows.collect::<Sql<Vec<_>>>()?;
    let upto = rows.last().map_or(head.max(after), |row| row.seq);
    let alive = |row: &LogRow| row.message.is_none_or(|message| message.expires > now);
    Ok(Reply::Log { rows: rows.into_iter().filter(alive).collect(), upto, head })
}

fn log_row(row: &Row<'_>) -> Sql<LogRow> {
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
const MESSAGES_OVER: &str = "SELECT id FROM messages WHERE max(expires, ts + 604800000) <= ?
     AND id < (SELECT max(id) FROM messages) LIMIT ?";

fn sweep(db: &Connection, logs: &mut Logs, now: Timestamp, count: usize) -> Sql<usize> {
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
    Ok(messages + tokens.len())
}

// ---- users and groups --------------------------------------------------------------------

pub(super) const USER_COLUMNS: &str = "u.uid, u.aid, u.address, u.name, u.status, u.image, \
                                       u.active, u.flags, u.pinned, u.groups_max, \
                                       u.last_online, u.profile, u.uac, u.e2ee";
pub(super) const USER_COLUMN_COUNT: usize = 14;

fn select_user(filter: &str) -> String {
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

fn save_user(db: &Connection, user: User) -> Result<User, Failure> {
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
        user.image,
        user.active,
        user.flags,
        user.pinned,
        user.groups_max,
        signed(user.last_online.0),
        user.values,
        user.uac,
        user.e2ee
    ])?;
    let uid = if new { Uid(db.last_insert_rowid() as u32) } else { user.uid };
    Ok(User { uid, ..user })
}

pub(super) fn delete_user(db: &Connection, uid: Uid) -> Sql<()> {
    delete_tokens(db, uid, None)?;
    for sql in [
        "DELETE FROM devices WHERE uid = ?",
        "DELETE FROM log WHERE uid = ?",
        "DELETE FROM history WHERE uid = ?",
        "DELETE FROM members WHERE uid = ?",
        "DELETE FROM contacts WHERE ?1 IN (uid, peer)",
        "UPDATE groups SET owner = NULL WHERE owner = ?",
        "DELETE FROM users WHERE uid = ?",
    ] {
        db.execute(sql, [uid.0])?;
    }
    Ok(())
}

/// What a search is for.
struct Wanted<'a> {
    aid: AppId,
    by: Uid,
    text: &'a str,
    count: usize,
}

/// Among those that want to be found, and the asker's contacts.
fn find_users(db: &Connection, wanted: &Wanted<'_>, contacts: bool, after: Uid) -> Sql<Vec<User>> {
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

fn find_groups(db: &Connection, wanted: &Wanted<'_>, after: GroupId) -> Sql<Vec<Group>> {
    let sql = format!(
        "SELECT {GROUP_COLUMNS} FROM groups WHERE aid = ? AND gid > ? AND flags & 1048576 <> 0
         AND instr(lower(name), lower(?)) ORDER BY gid LIMIT ?"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let given = params![wanted.aid.0, after.0, wanted.text, wanted.count as i64];
    statement.query_map(given, group)?.collect()
}

/// Columns of [`group`].
pub(super) const GROUP_COLUMNS: &str = "gid, aid, name, status, image, flags, call_flags, \
                                        resolution, active, pinned, expires, \
                                        expiry_extension_s, owner, profile";

/// The group without its PINs.
pub(super) fn group(row: &Row<'_>) -> Sql<Group> {
    Ok(Group {
        gid: GroupId(row.get(0)?),
        aid: AppId(row.get(1)?),
        name: row.get(2)?,
        status: row.get(3)?,
        image: row.get(4)?,
        flags: row.get(5)?,
        call_flags: row.get(6)?,
        resolution: row.get(7)?,
        active: row.get(8)?,
        pinned: row.get(9)?,
        expires: time(row.get(10)?),
        expiry_extension_s: row.get(11)?,
        owner: row.get::<_, Option<u32>>(12)?.map(Uid),
        values: row.get(13)?,
        pins: Vec::new(),
    })
}

fn load_group(db: &Connection, gid: GroupId) -> Sql<Option<Roster>> {
    let group = db
        .prepare_cached(&format!("SELECT {GROUP_COLUMNS} FROM groups WHERE gid = ?"))?
        .query_row([gid.0], group)
        .optional()?;
    let Some(group) = group else { return Ok(None) };
    let group = Group { pins: load_pins(db, gid)?, ..group };
    let sql = format!(
        "SELECT {USER_COLUMNS}, m.given, m.denied, m.admin_flags, m.expires
         FROM members m JOIN users u USING (uid) WHERE m.gid = ?"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let members = statement.query_map([gid.0], |row| {
        let user = user(row, 0)?;
        let member = Member {
            uid: user.uid,
            given: row.get(USER_COLUMN_COUNT)?,
            denied: row.get(USER_COLUMN_COUNT + 1)?,
            admin_flags: row.get(USER_COLUMN_COUNT + 2)?,
            expires: time(row.get(USER_COLUMN_COUNT + 3)?),
        };
        Ok((member, user))
    })?;
    let members = members.collect::<Sql<Vec<_>>>()?;
    Ok(Some((group, members)))
}

fn save_group(db: &Connection, group: Group, put: Vec<Member>, remove: Vec<Uid>) -> Sql<GroupId> {
    let new = group.gid == GroupId(0);
    db.prepare_cached(
        "INSERT INTO groups (gid, aid, name, status, image, flags, call_flags, resolution, active,
                             pinned, expires, expiry_extension_s, owner, profile)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (gid) DO UPDATE SET
           name = excluded.name, status = excluded.status, image = excluded.image,
           flags = excluded.flags, call_flags = excluded.call_flags,
           resolution = excluded.resolution, active = excluded.active, pinned = excluded.pinned,
           expires = excluded.expires, expiry_extension_s = excluded.expiry_extension_s,
           owner = excluded.owner, profile = excluded.profile",
    )?
    .execute(params![
        (!new).then_some(group.gid.0),
        group.aid.0,
        group.name,
        group.status,
        group.image,
        group.flags,
        group.call_flags,
        group.resolution,
        group.active,
        group.pinned,
        group.expires.map(|at| signed(at.0)),
        group.expiry_extension_s,
        group.owner.map(|uid| uid.0),
        group.values
    ])?;
    let gid = if new { GroupId(db.last_insert_rowid() as u32) } else { group.gid };
    save_pins(db, gid, group.pins, new)?;
    for uid in remove {
        db.prepare_cached("DELETE FROM members WHERE gid = ? AND uid = ?")?
            .execute([gid.0, uid.0])?;
    }
    for member in put {
        db.prepare_cached(
            "INSERT OR REPLACE INTO members (gid, uid, given, denied, admin_flags, expires)
             VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            gid.0,
            member.uid.0,
            member.given,
            member.denied,
            member.admin_flags,
            member.expires.map(|at| signed(at.0))
        ])?;
    }
    Ok(gid)
}

pub(super) fn load_pins(db: &Connection, gid: GroupId) -> Sql<Vec<Pin>> {
    let mut statement = db.prepare_cached(
        "SELECT pin, flags, admin_flags, member_expiry_s, expires, uses, used
         FROM pins WHERE gid = ? ORDER BY pin",
    )?;
    let pins = statement.query_map([gid.0], |row| {
        Ok(Pin {
            pin: row.get(0)?,
            flags: row.get(1)?,
            admin_flags: row.get(2)?,
            member_expiry_s: row.get(3)?,
            expires: time(row.get(4)?),
            uses: row.get(5)?,
            used: row.get(6)?,
        })
    })?;
    pins.collect()
}

/// Writes the PINs of a group where they have changed.
fn save_pins(db: &Connection, gid: GroupId, pins: Vec<Pin>, new: bool) -> Sql<()> {
    let former = if new { Vec::new() } else { load_pins(db, gid)? };
    for gone in former.iter().filter(|former| pins.iter().all(|pin| pin.pin != former.pin)) {
        db.execute("DELETE FROM pins WHERE gid = ? AND pin = ?", [gid.0, gone.pin])?;
    }
    for pin in pins.into_iter().filter(|pin| !former.contains(pin)) {
        db.prepare_cached(
            "INSERT OR REPLACE INTO pins
               (gid, pin, flags, admin_flags, member_expiry_s, expires, uses, used)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            gid.0,
            pin.pin,
            pin.flags,
            pin.admin_flags,
            pin.member_expiry_s,
            pin.expires.map(|at| signed(at.0)),
            pin.uses,
            pin.used
        ])?;
    }
    Ok(())
}

// ---- contacts ----------------------------------------------------------------------------

fn save_contacts(db: &Connection, uid: Uid, contacts: Vec<Contact>) -> Sql<Vec<Contact>> {
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

fn load_contacts(db: &Connection, uid: Uid) -> Sql<Vec<Contact>> {
    let mut statement = db.prepare_cached(
        "SELECT c.peer, u.address, c.flags FROM contacts c JOIN users u ON u.uid = c.peer
         WHERE c.uid = ? ORDER BY c.peer",
    )?;
    let contacts = statement.query_map([uid.0], |row| {
        Ok(Contact { uid: Uid(row.get(0)?), address: row.get(1)?, flags: row.get(2)? })
    })?;
    contacts.collect()
}

// ---- numbers -----------------------------------------------------------------------------

/// SQLite's integers are signed; ours stay far below 2^63.
pub(super) fn signed(number: u64) -> i64 {
    number as i64
}

pub(super) fn unsigned(number: i64) -> u64 {
    number as u64
}

fn time(ms: Option<i64>) -> Option<Timestamp> {
    ms.map(|ms| Timestamp(unsigned(ms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::memory_store::SyncStore;
    use sim::store_suite::store_suite;

    struct OnDisk {
        folder: tempfile::TempDir,
        database: Sqlite,
    }

    impl OnDisk {
        fn new() -> OnDisk {
            let folder = tempfile::tempdir().unwrap();
            let database = Sqlite::open(&folder.path().join("test.db")).unwrap();
            OnDisk { folder, database }
        }
    }

    impl SyncStore for OnDisk {
        fn perform(&mut self, request: Request) -> Result<Reply, StoreError> {
            self.database.perform_all(vec![request]).remove(0)
        }

        fn reopen(self) -> OnDisk {
            let OnDisk { folder, database } = self;
            drop(database);
            let database = Sqlite::open(&folder.path().join("test.db")).unwrap();
            OnDisk { folder, database }
        }
    }

    #[test]
    fn sqlite_passes_the_suite() {
        store_suite(OnDisk::new);
    }

    #[test]
    fn a_refused_request_leaves_no_trace_in_the_batch_it_shares() {
        let mut disk = OnDisk::new();
        let make = |hash| Request::CreateApp { name: "one".into(), hash };
        let find = Request::FindApp { hash: [1; 32] };
        let replies = disk.database.perform_all(vec![make([1; 32]), make([2; 32]), find]);
        assert!(matches!(replies[0], Ok(Reply::App(Some(_)))));
        assert_eq!(replies[1], Err(StoreError::Exists));
        assert_eq!(replies[2], replies[0]);
    }

    #[test]
    fn the_sweep_looks_at_nothing_but_what_it_removes() {
        let disk = OnDisk::new();
        let explain = format!("EXPLAIN QUERY PLAN {MESSAGES_OVER}");
        let mut plan = disk.database.connection.prepare(&explain).unwrap();
        let steps = plan.query_map([1, 1], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<_> = steps.map(Result::unwrap).collect();
        assert!(steps[0].contains("messages_by_end"), "{steps:?}");
    }

    #[test]
    fn a_database_of_a_newer_version_is_not_touched() {
        let disk = OnDisk::new();
        let path = disk.folder.path().join("test.db");
        disk.database.connection.pragma_update(None, "user_version", 99).unwrap();
        let error = format!("{:#}", Sqlite::open(&path).err().expect("refused"));
        assert!(error.contains("newer version"), "{error}");
    }
}
