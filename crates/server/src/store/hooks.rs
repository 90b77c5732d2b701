//! Events that wait for the backends of apps, and those that were given up: a database of its own,
//! `hooks.db`, so that a webhook in trouble does not hold messages up.
//!
//! Promises that what was put in is there after the process was killed. Not after a power cut: the
//! last moments may be missing, as an event is not worth a write to the disk of its own.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, bail};
use hub::Person;
use hub::port::hook::Place;
use rusqlite::{Connection, OptionalExtension, params};
use wire::id::AppId;
use wire::limits::{
    WEBHOOK_BATCH_MAX, WEBHOOK_DEAD_BYTES_MAX, WEBHOOK_DEAD_MAX, WEBHOOK_QUEUE_BYTES_MAX,
    WEBHOOK_QUEUE_MAX,
};
use wire::time::Timestamp;

use super::sqlite::{Sql, signed, unsigned, wipe};

const SCHEMA: &str = "
CREATE TABLE places (
  aid     INTEGER PRIMARY KEY,
  url     TEXT    NOT NULL,
  secret  TEXT    NOT NULL,
  version INTEGER NOT NULL,
  request INTEGER NOT NULL DEFAULT 0       -- number of the last one
) STRICT;
CREATE TABLE events (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  aid     INTEGER NOT NULL,
  ts      INTEGER NOT NULL,                -- when it happened
  body    TEXT    NOT NULL,                -- JSON
  request INTEGER NOT NULL DEFAULT 0,      -- the one it goes with, 0: none yet
  tries   INTEGER NOT NULL DEFAULT 0,
  due     INTEGER NOT NULL DEFAULT 0,      -- not tried before
  dead    TEXT                             -- why it was given up; NULL: it waits
) STRICT;
CREATE INDEX events_waiting ON events (aid, id) WHERE dead IS NULL;
CREATE INDEX events_dead ON events (aid, id) WHERE dead IS NOT NULL;
PRAGMA user_version = 1;
";

/// Events of app `?1` that name the user with this number or address, in the words of
/// `webhook::body`.
const ABOUT: &str = "aid = ?1 AND EXISTS (
  SELECT 1 FROM json_tree(body) t
  WHERE t.path IN ('$.user', '$.from', '$.message.from', '$.message.to', '$.call.from', '$.call.to')
    AND (t.key = 'uid' AND t.value = ?2 OR t.key = 'address' AND t.value = ?3))";

/// See the module.
pub struct HookStore {
    db: Connection,
    waiting: HashMap<AppId, Size>,
    dead: HashMap<AppId, Size>,
}

/// How much there is of one app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub events: usize,
    pub bytes: usize,
}

/// Events that go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub place: Place,
    /// The same each time it is tried.
    pub request: u64,
    /// Of the first one.
    pub ts: Timestamp,
    /// How often it was tried.
    pub tries: usize,
    /// When to try it.
    pub due: Timestamp,
    /// As JSON.
    pub events: Vec<String>,
}

/// An event that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    pub id: u64,
    pub ts: Timestamp,
    pub tries: usize,
    pub why: String,
    /// As JSON.
    pub body: String,
}

impl HookStore {
    /// Opens or makes it.
    pub fn open(path: &Path) -> anyhow::Result<HookStore> {
        let db = Connection::open(path)
            .with_context(|| format!("the database {} cannot be opened", path.display()))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "NORMAL")?;
        db.pragma_update(None, "secure_delete", "ON")?;
        match db.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))? {
            0 => db.execute_batch(SCHEMA)?,
            1 => {}
            version => bail!("{} is of a newer version ({version})", path.display()),
        }
        let mut store = HookStore { db, waiting: HashMap::new(), dead: HashMap::new() };
        store.waiting = store.sizes("dead IS NULL")?;
        store.dead = store.sizes("dead IS NOT NULL")?;
        Ok(store)
    }

    fn sizes(&self, which: &str) -> Sql<HashMap<AppId, Size>> {
        let sql = format!(
            "SELECT aid, count(*), sum(length(CAST(body AS BLOB))) FROM events WHERE {which} GROUP BY aid"
        );
        let mut statement = self.db.prepare(&sql)?;
        let rows = statement.query_map([], |row| {
            Ok((AppId(row.get(0)?), Size { events: row.get(1)?, bytes: row.get(2)? }))
        })?;
        rows.collect()
    }

    /// Everything in `work` is one transaction.
    pub fn transaction<T>(&mut self, work: impl FnOnce(&mut HookStore) -> Sql<T>) -> Sql<T> {
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        let result = work(self);
        let ended = self.db.execute_batch(if result.is_ok() { "COMMIT" } else { "ROLLBACK" });
        if result.is_err() || ended.is_err() {
            // What was counted may not have happened.
            self.waiting = self.sizes("dead IS NULL")?;
            self.dead = self.sizes("dead IS NOT NULL")?;
        }
        let value = result?;
        ended?;
        Ok(value)
    }

    /// What waits and what was given up, of all apps.
    pub fn totals(&self) -> (usize, usize) {
        let events = |sizes: &HashMap<AppId, Size>| sizes.values().map(|size| size.events).sum();
        (events(&self.waiting), events(&self.dead))
    }

    /// Of one app.
    pub fn sizes_of(&self, aid: AppId) -> (Size, Size) {
        let of = |sizes: &HashMap<AppId, Size>| sizes.get(&aid).copied().unwrap_or_default();
        (of(&self.waiting), of(&self.dead))
    }

    /// Apps for whose backends something waits.
    pub fn apps(&self) -> Vec<AppId> {
        let waiting = self.waiting.iter().filter(|(_, size)| size.events > 0);
        waiting.map(|(aid, _)| *aid).collect()
    }

    /// Whether this is news.
    pub fn put_place(&mut self, place: &Place) -> Sql<bool> {
        let changed = self
            .db
            .prepare_cached(
                "INSERT INTO places (aid, url, secret, version) VALUES (?, ?, ?, ?)
                 ON CONFLICT (aid) DO UPDATE SET
                   url = excluded.url, secret = excluded.secret, version = excluded.version
                 WHERE url <> excluded.url OR secret <> excluded.secret
                    OR version <> excluded.version",
            )?
            .execute(params![place.aid.0, place.url, place.secret, place.version])?;
        Ok(changed > 0)
    }

    /// Puts an event behind those of its app. What is too much is given up, the oldest first;
    /// returns how many events given up earlier were deleted for that.
    pub fn push(&mut self, aid: AppId, ts: Timestamp, body: &str) -> Sql<usize> {
        self.db
            .prepare_cached("INSERT INTO events (aid, ts, body) VALUES (?, ?, ?)")?
            .execute(params![aid.0, signed(ts.0), body])?;
        let waiting = self.waiting.entry(aid).or_default();
        waiting.events += 1;
        waiting.bytes += body.len();
        while self.waiting[&aid].events > WEBHOOK_QUEUE_MAX
            || self.waiting[&aid].bytes > WEBHOOK_QUEUE_BYTES_MAX
        {
            self.bury(
                aid,
                "id = (SELECT min(id) FROM events WHERE aid = ?1 AND dead IS NULL)",
                0,
                "too many events waited",
            )?;
        }
        self.trim_dead(aid)
    }

    /// Events of an app are given up; `which` may ask for `?2`.
    fn bury(&mut self, aid: AppId, which: &str, value: u64, why: &str) -> Sql<()> {
        let sql = format!(
            "UPDATE events SET dead = ?3 WHERE aid = ?1 AND dead IS NULL AND ?2 = ?2 AND {which}
             RETURNING length(CAST(body AS BLOB))"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map(params![aid.0, signed(value), why], |row| row.get(0))?;
        let lengths = rows.collect::<Sql<Vec<usize>>>()?;
        let moved = Size { events: lengths.len(), bytes: lengths.iter().sum() };
        shrink(&mut self.waiting, aid, moved);
        grow(&mut self.dead, aid, moved);
        Ok(())
    }

    fn trim_dead(&mut self, aid: AppId) -> Sql<usize> {
        let mut deleted = 0;
        while self.dead.get(&aid).is_some_and(|dead| {
            dead.events > WEBHOOK_DEAD_MAX || dead.bytes > WEBHOOK_DEAD_BYTES_MAX
        }) {
            let length = self
                .db
                .prepare_cached(
                    "DELETE FROM events WHERE id =
                       (SELECT min(id) FROM events WHERE aid = ? AND dead IS NOT NULL)
                     RETURNING length(CAST(body AS BLOB))",
                )?
                .query_row([aid.0], |row| row.get(0))?;
            shrink(&mut self.dead, aid, Size { events: 1, bytes: length });
            deleted += 1;
        }
        Ok(deleted)
    }

    /// What is tried next, `None` when nothing waits or there is nowhere to send it.
    pub fn next(&mut self, aid: AppId) -> Sql<Option<Batch>> {
        let place = self
            .db
            .prepare_cached("SELECT url, secret, version, request FROM places WHERE aid = ?")?
            .query_row([aid.0], |row| {
                let (url, secret, version) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok((Place { aid, url, secret, version }, unsigned(row.get(3)?)))
            })
            .optional()?;
        let Some((place, last)) = place.filter(|(place, _)| !place.url.is_empty()) else {
            return Ok(None);
        };
        let mut statement = self.db.prepare_cached(
            "SELECT id, ts, body, request, tries, due FROM events
             WHERE aid = ? AND dead IS NULL ORDER BY id LIMIT ?",
        )?;
        // The oldest envelope has room for one event.
        let count = if place.version == 0 { 1 } else { WEBHOOK_BATCH_MAX };
        let rows = statement.query_map(params![aid.0, count], |row| {
            let key: (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let state: (i64, usize, i64) = (row.get(3)?, row.get(4)?, row.get(5)?);
            Ok((key, state))
        })?;
        let rows = rows.collect::<Sql<Vec<_>>>()?;
        let Some(((_, ts, _), (request, tries, due))) = rows.first().cloned() else {
            return Ok(None);
        };
        let together = rows.into_iter().take_while(|(_, state)| state.0 == request);
        let (ids, events): (Vec<_>, Vec<_>) = together.map(|((id, _, body), _)| (id, body)).unzip();
        let mut request = unsigned(request);
        if request == 0 {
            request = last + 1;
            self.db
                .prepare_cached("UPDATE places SET request = ? WHERE aid = ?")?
                .execute(params![signed(request), aid.0])?;
            for id in ids {
                self.db
                    .prepare_cached("UPDATE events SET request = ? WHERE id = ?")?
                    .execute(params![signed(request), id])?;
            }
        }
        let (ts, due) = (Timestamp(unsigned(ts)), Timestamp(unsigned(due)));
        Ok(Some(Batch { place, request, ts, tries, due, events }))
    }

    /// A request was taken.
    pub fn taken(&mut self, aid: AppId, request: u64) -> Sql<()> {
        let mut statement = self.db.prepare_cached(
            "DELETE FROM events WHERE aid = ? AND request = ? AND dead IS NULL
             RETURNING length(CAST(body AS BLOB))",
        )?;
        let rows = statement.query_map(params![aid.0, signed(request)], |row| row.get(0))?;
        let lengths = rows.collect::<Sql<Vec<usize>>>()?;
        let gone = Size { events: lengths.len(), bytes: lengths.iter().sum() };
        shrink(&mut self.waiting, aid, gone);
        Ok(())
    }

    /// A request was not taken, and is tried again then.
    pub fn put_off(&mut self, aid: AppId, request: u64, due: Timestamp) -> Sql<()> {
        self.db
            .prepare_cached(
                "UPDATE events SET tries = tries + 1, due = ?
                 WHERE aid = ? AND request = ? AND dead IS NULL",
            )?
            .execute(params![signed(due.0), aid.0, signed(request)])?;
        Ok(())
    }

    /// A request was not taken, and that was the last try. Returns how many older ones were deleted.
    pub fn give_up(&mut self, aid: AppId, request: u64, why: &str) -> Sql<usize> {
        self.put_off(aid, request, Timestamp(0))?;
        self.bury(aid, "request = ?2", request, why)?;
        self.trim_dead(aid)
    }

    /// Events given up, oldest first, and whether there are further ones.
    pub fn list_dead(&self, aid: AppId, after: u64, count: usize) -> Sql<(Vec<Dead>, bool)> {
        let mut statement = self.db.prepare_cached(
            "SELECT id, ts, tries, dead, body FROM events
             WHERE aid = ? AND dead IS NOT NULL AND id > ? ORDER BY id LIMIT ?",
        )?;
        let rows = statement.query_map(params![aid.0, signed(after), count as i64 + 1], |row| {
            Ok(Dead {
                id: unsigned(row.get(0)?),
                ts: Timestamp(unsigned(row.get(1)?)),
                tries: row.get(2)?,
                why: row.get(3)?,
                body: row.get(4)?,
            })
        })?;
        let mut rows = rows.collect::<Sql<Vec<_>>>()?;
        let more = rows.len() > count;
        rows.truncate(count);
        Ok((rows, more))
    }

    /// Events given up wait again, in their old places, or are deleted: these, or all. Returns how
    /// many there were.
    pub fn change_dead(&mut self, aid: AppId, ids: &[u64], retry: bool) -> Sql<usize> {
        let change = match retry {
            true => "UPDATE events SET dead = NULL, request = 0, tries = 0, due = 0",
            false => "DELETE FROM events",
        };
        let sql = format!(
            "{change} WHERE aid = ?1 AND dead IS NOT NULL AND (?2 < 0 OR id = ?2)
             RETURNING length(CAST(body AS BLOB))"
        );
        let wanted: Vec<i64> = match ids.is_empty() {
            true => vec![-1],
            false => ids.iter().map(|id| signed(*id)).collect(),
        };
        let mut changed = Size::default();
        let mut statement = self.db.prepare_cached(&sql)?;
        for id in wanted {
            let rows = statement.query_map(params![aid.0, id], |row| row.get::<_, usize>(0))?;
            for length in rows.collect::<Sql<Vec<_>>>()? {
                changed.events += 1;
                changed.bytes += length;
            }
        }
        shrink(&mut self.dead, aid, changed);
        if retry {
            grow(&mut self.waiting, aid, changed);
        }
        Ok(changed.events)
    }

    /// Events that name somebody, oldest first.
    pub fn about(&self, who: &Person) -> Sql<Vec<String>> {
        let sql = format!("SELECT body FROM events WHERE {ABOUT} ORDER BY id");
        let mut statement = self.db.prepare(&sql)?;
        let rows = statement
            .query_map(params![who.aid.0, who.uid.0, who.address], |row| row.get::<_, String>(0))?;
        rows.collect()
    }

    /// They go, waiting or given up.
    pub fn erase(&mut self, who: &Person) -> Sql<()> {
        self.db.execute(
            &format!("DELETE FROM events WHERE {ABOUT}"),
            params![who.aid.0, who.uid.0, who.address],
        )?;
        self.waiting = self.sizes("dead IS NULL")?;
        self.dead = self.sizes("dead IS NOT NULL")?;
        Ok(())
    }

    /// Nothing of what was deleted can be read from the disk any more. Not within a transaction.
    pub fn wipe(&self) -> Sql<()> {
        wipe(&self.db).map(drop)
    }

    /// An app is gone.
    pub fn forget(&mut self, aid: AppId) -> Sql<()> {
        self.db.execute("DELETE FROM events WHERE aid = ?", [aid.0])?;
        self.db.execute("DELETE FROM places WHERE aid = ?", [aid.0])?;
        self.waiting.remove(&aid);
        self.dead.remove(&aid);
        Ok(())
    }
}

fn grow(sizes: &mut HashMap<AppId, Size>, aid: AppId, by: Size) {
    let size = sizes.entry(aid).or_default();
    size.events += by.events;
    size.bytes += by.bytes;
}

fn shrink(sizes: &mut HashMap<AppId, Size>, aid: AppId, by: Size) {
    let size = sizes.entry(aid).or_default();
    size.events = size.events.saturating_sub(by.events);
    size.bytes = size.bytes.saturating_sub(by.bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const APP: AppId = AppId(1);

    fn store() -> (tempfile::TempDir, HookStore) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = HookStore::open(&folder.path().join("hooks.db")).unwrap();
        let place =
            Place { aid: APP, url: "https://a.test".into(), version: 2, ..Place::default() };
        store.put_place(&place).unwrap();
        (folder, store)
    }

    fn bodies(store: &mut HookStore) -> Vec<String> {
        store.next(APP).unwrap().map_or(Vec::new(), |batch| batch.events)
    }

    #[test]
    fn a_request_keeps_its_number_and_its_events_until_it_is_taken() {
        let (folder, mut store) = store();
        for body in ["1", "2"] {
            store.push(APP, Timestamp(5), body).unwrap();
        }
        let first = store.next(APP).unwrap().unwrap();
        assert_eq!(first.events, ["1", "2"]);
        store.push(APP, Timestamp(6), "3").unwrap();
        store.put_off(APP, first.request, Timestamp(9)).unwrap();
        drop(store);
        let mut store = HookStore::open(&folder.path().join("hooks.db")).unwrap();
        assert_eq!(store.apps(), [APP]);
        let again = store.next(APP).unwrap().unwrap();
        assert_eq!(again, Batch { tries: 1, due: Timestamp(9), ..first.clone() });
        store.taken(APP, first.request).unwrap();
        let next = store.next(APP).unwrap().unwrap();
        assert_eq!((next.request, next.events), (first.request + 1, vec!["3".to_owned()]));
        store.taken(APP, next.request).unwrap();
        assert_eq!((store.next(APP).unwrap(), store.totals()), (None, (0, 0)));
    }

    #[test]
    fn what_was_given_up_is_listed_and_comes_again_before_what_is_younger() {
        let (_folder, mut store) = store();
        store.push(APP, Timestamp(5), "1").unwrap();
        let first = store.next(APP).unwrap().unwrap();
        store.give_up(APP, first.request, "it answered 500").unwrap();
        store.push(APP, Timestamp(6), "2").unwrap();
        let (dead, more) = store.list_dead(APP, 0, 10).unwrap();
        assert_eq!((dead.len(), more), (1, false));
        assert_eq!((dead[0].tries, dead[0].why.as_str()), (1, "it answered 500"));
        assert_eq!(store.change_dead(APP, &[77], true).unwrap(), 0);
        assert_eq!(store.change_dead(APP, &[dead[0].id], true).unwrap(), 1);
        assert_eq!(bodies(&mut store), ["1", "2"]);
        assert_eq!(store.totals(), (2, 0));
    }

    #[test]
    fn too_many_bytes_or_events_push_the_oldest_out() {
        let (_folder, mut store) = store();
        let large = "x".repeat(WEBHOOK_QUEUE_BYTES_MAX / 2);
        for _ in 0..3 {
            assert_eq!(store.push(APP, Timestamp(5), &large).unwrap(), 0);
        }
        let (waiting, dead) = store.sizes_of(APP);
        assert_eq!((waiting.events, dead.events), (2, 1));
        assert_eq!(store.change_dead(APP, &[], false).unwrap(), 1);
        store
            .transaction(|store| {
                (0..=WEBHOOK_QUEUE_MAX)
                    .try_for_each(|_| store.push(APP, Timestamp(5), "1").map(drop))
            })
            .unwrap();
        assert_eq!(store.sizes_of(APP).0.events, WEBHOOK_QUEUE_MAX);
        store.forget(APP).unwrap();
        assert_eq!(store.totals(), (0, 0));
    }

    #[test]
    fn who_is_erased_is_named_by_no_event_any_more() {
        let (_folder, mut store) = store();
        let user = |uid: u32, address: &str| json!({"uid": uid, "address": address});
        let to_eve = json!({"from": user(8, "ada"), "to": user(9, "eve"), "message": "bob"});
        let bodies = [
            json!({"type": "user", "user": user(7, "bob")}),
            json!({"type": "status", "from": {"uid": 7}, "user": user(8, "ada")}),
            json!({"type": "message", "message": {"from": user(8, "ada"), "to": user(7, "bob")}}),
            json!({"type": "call", "call": {"from": user(7, "bob"), "to": user(8, "ada")}}),
            json!({"type": "message", "message": to_eve}),
        ];
        for body in &bodies {
            store.push(APP, Timestamp(5), &body.to_string()).unwrap();
        }
        let bob = Person { aid: APP, uid: wire::id::Uid(7), address: "bob".into() };
        assert_eq!(store.about(&bob).unwrap().len(), 4);
        store.erase(&bob).unwrap();
        assert_eq!((store.about(&bob).unwrap().len(), store.totals()), (0, (1, 0)));
    }

    #[test]
    fn without_a_place_everything_waits() {
        let (_folder, mut store) = store();
        store.push(APP, Timestamp(5), "1").unwrap();
        store.put_place(&Place { aid: APP, ..Place::default() }).unwrap();
        assert_eq!(store.next(APP).unwrap(), None);
    }
}
