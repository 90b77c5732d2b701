//! The store on SQLite: WAL, `synchronous=FULL`, one transaction for many requests.
//!
//! A request that is refused leaves no trace in the transaction it shares. When the database itself fails, the whole transaction is rolled
//! back and everything in it that changes something is answered `Failed`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, bail};
use hub::port::apps::AppRequest;
use hub::port::store::{Reply, Request, StoreError};
use rusqlite::{Connection, ErrorCode};
use wire::limits::STORE_CACHE_KILOBYTES;
use wire::time::Timestamp;

use super::checkpoints::Checkpoints;
use super::disk::Disk;
use super::logs::Logs;
use super::requests::perform;

/// Numbered migrations: the number of those applied is the database's `user_version`.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001_first.sql"),
    include_str!("schema/0002_sweep.sql"),
    include_str!("schema/0003_profiles.sql"),
    include_str!("schema/0004_history.sql"),
    include_str!("schema/0005_people.sql"),
    include_str!("schema/0006_backend.sql"),
    include_str!("schema/0007_personal.sql"),
    include_str!("schema/0008_push.sql"),
    include_str!("schema/0009_rooms.sql"),
    include_str!("schema/0010_usage.sql"),
    include_str!("schema/0011_retention.sql"),
    include_str!("schema/0012_receipts.sql"),
    include_str!("schema/0013_files.sql"),
    include_str!("schema/0014_call_limits.sql"),
    include_str!("schema/0015_guards.sql"),
    include_str!("schema/0016_expired.sql"),
    include_str!("schema/0017_pins.sql"),
];
/// From this version on what is deleted is overwritten.
const OVERWRITING: usize = 7;

/// An open database.
pub struct Sqlite {
    /// Ends before the connection: the last one to close empties the write-ahead log.
    checkpoints: Checkpoints,
    connection: Connection,
    logs: Logs,
    disk: Disk,
    keeps_history: bool,
    /// Somebody is gone whose records still stand in the write-ahead log.
    is_to_be_wiped: bool,
}

pub(super) type Sql<T> = rusqlite::Result<T>;

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
        // A damaged file is found out by any of the first statements.
        Sqlite::try_open(path).map_err(|error| {
            let help = match error
                .downcast_ref::<rusqlite::Error>()
                .and_then(|it| it.sqlite_error_code())
            {
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                    " is damaged: restore the last backup into a new folder (docs/operating.md)"
                }
                Some(_) => " cannot be used: look whether it can be written (mesibo-server check)",
                None => "",
            };
            error.context(format!("database {}{help}", path.display()))
        })
    }

    fn try_open(path: &Path) -> anyhow::Result<Sqlite> {
        let connection = Connection::open(path).context("it cannot be opened")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "OFF")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "cache_size", -i64::from(STORE_CACHE_KILOBYTES))?;
        connection.set_prepared_statement_cache_capacity(64);
        let mut database = Sqlite {
            checkpoints: Checkpoints::start(path)?,
            connection,
            logs: Logs::default(),
            disk: Disk::default(),
            keeps_history: true,
            is_to_be_wiped: false,
        };
        database.migrate()?;
        Ok(database)
    }

    /// Keeps no more than what is to be delivered.
    pub fn without_history(mut self) -> Sqlite {
        self.keeps_history = false;
        self
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
        if version < MIGRATIONS.len() {
            // All or none, and one wait for the disk: a new server has all of them before it.
            let transaction = self.connection.transaction()?;
            for migration in &MIGRATIONS[version..] {
                transaction.execute_batch(migration)?;
            }
            transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
            transaction.commit()?;
        }
        if (1..OVERWRITING).contains(&version) {
            tracing::info!("what was deleted is being overwritten, once; this may take a while");
            self.connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?;
        }
        Ok(())
    }

    /// Empties the write-ahead log, which holds pages as they were. While a backup reads them it
    /// cannot be; then it is after a later transaction.
    fn wipe(&mut self) {
        let wiped = wipe(&self.connection);
        // What was asked for is on disk all the same.
        self.is_to_be_wiped = wiped.unwrap_or_else(|error| {
            tracing::error!(%error, "the write-ahead log cannot be emptied");
            true
        });
    }

    /// Set as long as nothing can be written.
    pub fn fails(&self) -> Arc<AtomicBool> {
        self.disk.fails()
    }

    /// Until when something has to be written even when no request comes.
    pub fn deadline(&self) -> Option<Instant> {
        [self.logs.deadline(), self.disk.deadline()].into_iter().flatten().min()
    }

    /// Performs the requests in order as one transaction and gives their answers.
    pub fn perform_all(&mut self, requests: Vec<Request>) -> Vec<Result<Reply, StoreError>> {
        let count = requests.len();
        let is_gone = |request: &Request| {
            matches!(
                request,
                Request::DeleteUser { .. } | Request::OfApp(AppRequest::Delete { .. })
            )
        };
        self.is_to_be_wiped |= requests.iter().any(is_gone);
        if self.disk.deadline().is_some_and(|due| due <= Instant::now()) {
            self.disk.look(&self.connection, MIGRATIONS.len());
        }
        match self.try_all(requests) {
            Ok(replies) => replies,
            Err(error) => {
                self.logs.forget();
                self.disk.failed(&error);
                tracing::error!(%error, requests = count, "storage failed");
                let failed = StoreError::Failed(error.to_string());
                vec![Err(failed); count]
            }
        }
    }

    /// Writes what may still be in memory only; what fails is offered to its devices again.
    fn write_logs(&mut self) -> Sql<()> {
        let transaction = self.connection.transaction()?;
        self.logs.write_all(&transaction)?;
        transaction.commit()
    }

    fn try_all(&mut self, requests: Vec<Request>) -> Sql<Vec<Result<Reply, StoreError>>> {
        // Rolled back when it is dropped without a commit.
        let before = self.connection.total_changes();
        let transaction = self.connection.transaction()?;
        let mut replies = Vec::with_capacity(requests.len());
        for request in requests {
            match perform(&transaction, &mut self.logs, self.keeps_history, request) {
                Ok(reply) => replies.push(Ok(reply)),
                Err(Failure::Refused(error)) => replies.push(Err(error)),
                Err(Failure::Database(error)) => return Err(error),
            }
        }
        self.logs.write_due(&transaction, Instant::now())?;
        transaction.commit()?;
        // SQLite counts in 32 bits.
        let rows = self.connection.total_changes().wrapping_sub(before) as u32;
        if rows > 0 {
            self.disk.written();
        }
        self.checkpoints.committed(rows, &self.connection);
        if self.is_to_be_wiped {
            self.wipe();
        }
        Ok(replies)
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        if let Err(error) = self.write_logs() {
            tracing::warn!(%error, "what devices have acknowledged last is not written");
        }
    }
}

/// Moves the write-ahead log into the database and empties it. Says whether a reader was in the way.
pub(super) fn wipe(db: &Connection) -> Sql<bool> {
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
}

/// SQLite's integers are signed; ours stay far below 2^63.
pub(super) fn signed(number: u64) -> i64 {
    number as i64
}

pub(super) fn unsigned(number: i64) -> u64 {
    number as u64
}

pub(super) fn time(ms: Option<i64>) -> Option<Timestamp> {
    ms.map(|ms| Timestamp(unsigned(ms)))
}

#[cfg(test)]
mod tests {
    use super::super::messages::MESSAGES_OVER;
    use super::*;
    use sim::memory_store::SyncStore;
    use sim::store_suite::store_suite;
    use std::sync::atomic::Ordering;

    struct OnDisk {
        folder: tempfile::TempDir,
        database: Sqlite,
    }

    impl OnDisk {
        fn new() -> OnDisk {
            OnDisk::open(tempfile::tempdir().unwrap())
        }

        fn open(folder: tempfile::TempDir) -> OnDisk {
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
            OnDisk::open(folder)
        }

        fn kill(self) -> OnDisk {
            let OnDisk { folder, database } = self;
            // Its locks are those of a process, so a second connection of this one finds none.
            std::mem::forget(database);
            OnDisk::open(folder)
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
    fn a_disk_that_takes_nothing_is_told_of_until_it_does_again() {
        let mut disk = OnDisk::new();
        let fails = disk.database.fails();
        let fails = || fails.load(Ordering::Relaxed);
        let read_only = |disk: &OnDisk, on| {
            disk.database.connection.pragma_update(None, "query_only", on).unwrap();
        };
        let make =
            |name: &str| Request::CreateApp { name: name.into(), hash: [name.len() as u8; 32] };
        let find = Request::FindApp { hash: [1; 32] };
        for (at, again_by) in ["writing", "looking"].into_iter().enumerate() {
            read_only(&disk, true);
            assert!(disk.perform(find.clone()).is_ok() && !fails());
            assert!(disk.perform(make("1")).is_err() && fails());
            assert!(
                disk.perform(find.clone()).is_ok() && fails(),
                "what is read says nothing of it"
            );
            disk.database.disk.look(&disk.database.connection, MIGRATIONS.len());
            assert!(fails() && disk.database.deadline().is_some());
            read_only(&disk, false);
            match again_by {
                "writing" => assert!(disk.perform(make(&"x".repeat(at + 2))).is_ok()),
                _ => disk.database.disk.look(&disk.database.connection, MIGRATIONS.len()),
            }
            assert!(!fails() && disk.database.deadline().is_none(), "by {again_by}");
        }
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
    fn what_an_older_version_has_deleted_is_overwritten_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let db = Connection::open(&path).unwrap();
        for migration in &MIGRATIONS[..OVERWRITING - 1] {
            db.execute_batch(migration).unwrap();
        }
        db.execute_batch(
            "PRAGMA secure_delete = OFF; PRAGMA user_version = 6;
             INSERT INTO apps (name, active, token) VALUES ('a-mark', 1, x'00');
             DELETE FROM apps;",
        )
        .unwrap();
        drop(db);
        let holds_mark = || {
            let bytes = std::fs::read(&path).unwrap();
            bytes.windows(6).any(|part| part == b"a-mark")
        };
        assert!(holds_mark());
        drop(Sqlite::open(&path).unwrap());
        assert!(!holds_mark());
    }

    #[test]
    fn a_damaged_database_is_named_and_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        std::fs::write(&path, [7; 8_192]).unwrap();
        let error = format!("{:#}", Sqlite::open(&path).err().expect("refused"));
        assert!(error.contains("test.db") && error.contains("not a database"), "{error}");
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
