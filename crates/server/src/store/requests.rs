//! What each request is for the database: each is performed within the transaction that it shares.
//!
//! A request checks everything before it writes anything, so that one which is refused leaves no trace.

use hub::port::store::{DeviceId, Reply, Request, StoreError};
use rusqlite::{Connection, OptionalExtension, params};
use wire::id::{GroupId, Uid};
use wire::mask::contact;

use super::apps::{self, APP_COLUMNS, app};
use super::files;
use super::groups::{count_memberships, find_groups, load_group, save_group};
use super::history;
use super::logs::Logs;
use super::messages::{
    append, append_notes, drop_queued, load_message, read_log, sweep, take_expired,
};
use super::personal;
use super::sqlite::{Failure, Sql, signed, unsigned};
use super::tokens::{delete_tokens, find_token, issue_token, open_device};
use super::users::{
    Wanted, delete_user, find_users, load_contacts, save_contacts, save_user, select_user, user,
};

/// Does what a request asks for; the database is committed, or rolled back, by who calls.
pub(super) fn perform(
    db: &Connection,
    logs: &mut Logs,
    keeps_history: bool,
    request: Request,
) -> Result<Reply, Failure> {
    Ok(match request {
        Request::FindToken { hash } => Reply::Token(find_token(db, &hash)?),
        Request::OpenDevice { token, uid, key, now } => {
            open_device(db, logs, token, uid, key, now)?
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
        Request::CountMemberships { uids, now } => {
            Reply::MembershipCounts(count_memberships(db, uids, now)?)
        }
        Request::Append { messages } => {
            let messages = messages.into_iter();
            let outcomes =
                messages.map(|(message, to)| append(db, logs, keeps_history, &message, to));
            Reply::Stored(outcomes.collect::<Sql<_>>()?)
        }
        Request::TakeExpired { uid, now, count } => {
            let (expired, more) = take_expired(db, logs, uid, now, count)?;
            Reply::Expired(expired, more)
        }
        Request::ReadHistory { uid, of, before, after, until, count, now } => {
            Reply::History(history::read(db, uid, of, (before, after, until), count, now)?)
        }
        Request::RemoveFromHistory { uid, messages, before, notes } => {
            history::remove(db, uid, &messages, before)?;
            Reply::Appended(append_notes(db, logs, notes)?)
        }
        Request::FindMessage { sender, id } => Reply::Message(load_message(db, sender, id)?),
        Request::ChangeMessage { sender, id, entry, notes } => {
            let changed: Option<i64> = db
                .prepare_cached(
                    "UPDATE messages SET entry = ? WHERE sender = ? AND mid = ? RETURNING id",
                )?
                .query_row(params![&entry[..], sender.0, signed(id.get())], |row| row.get(0))
                .optional()?;
            if let Some(record) = changed {
                files::replace(db, record, &[&entry])?;
            }
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
            db.prepare_cached("UPDATE devices SET push = '' WHERE push = ? AND push <> ''")?
                .execute([&token])?;
            db.prepare_cached("UPDATE devices SET push = ?, push_voip = ? WHERE id = ?")?
                .execute(params![token, voip, signed(device.0)])?;
            Reply::Done
        }
        Request::LoadPushTokens { uids } => {
            let mut statement = db.prepare_cached(
                "SELECT id, push, push_voip FROM devices WHERE uid = ? AND push <> '' ORDER BY id",
            )?;
            let mut tokens = Vec::new();
            for uid in uids {
                let rows = statement.query_map([uid.0], |row| {
                    Ok((uid, DeviceId(unsigned(row.get(0)?)), row.get(1)?, row.get(2)?))
                })?;
                for row in rows {
                    tokens.push(row?);
                }
            }
            Reply::PushTokens(tokens)
        }
        Request::DropPushToken { device, token } => {
            db.prepare_cached("UPDATE devices SET push = '' WHERE id = ? AND push = ?")?
                .execute(params![signed(device.0), token])?;
            Reply::Done
        }
        Request::Sweep { now, count } => Reply::Swept(sweep(db, logs, now, count)?),
        Request::OfApp(request) => Reply::OfApp(apps::perform(db, logs, request)?),
        Request::Personal(request) => {
            // It reads places of logs, and takes out entries.
            logs.write_all(db)?;
            Reply::Personal(personal::perform(db, request)?)
        }
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
        Request::SaveGroup { group, put, remove, unqueue, notes } => {
            let gid = save_group(db, group, put, remove)?;
            unqueue.into_iter().try_for_each(|uid| drop_queued(db, logs, uid, gid))?;
            Reply::GroupSaved { gid, places: append_notes(db, logs, notes)? }
        }
        Request::DeleteGroup { gid, notes } => {
            // What is queued of it is left out when its members read on, and goes then.
            db.execute("DELETE FROM members WHERE gid = ?", [gid.0])?;
            db.execute("DELETE FROM pins WHERE gid = ?", [gid.0])?;
            db.execute("DELETE FROM groups WHERE gid = ?", [gid.0])?;
            Reply::Appended(append_notes(db, logs, notes)?)
        }
    })
}
