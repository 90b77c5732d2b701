//! Moves what was committed out of the write-ahead log into the database, on a thread and a
//! connection of its own, so that no message waits for it.
//!
//! Relies on the writing connection leaving it alone (`wal_autocheckpoint` is off). While that one
//! goes on writing, something is always left: when it has become much, the writer is asked to move
//! the rest, which is little by then, and the log begins again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::JoinHandle;
use std::time::Instant;

use rusqlite::Connection;
use wire::limits::{CHECKPOINT_AFTER, CHECKPOINT_AFTER_ROWS, CHECKPOINT_BEHIND_MAX};

/// See the module. Dropping it waits for what it is doing.
pub struct Checkpoints {
    bell: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// The writer is to move the rest.
    is_long: Arc<AtomicBool>,
    /// Since then.
    rows: u32,
    rung: Instant,
}

impl Checkpoints {
    pub fn start(path: &Path) -> anyhow::Result<Checkpoints> {
        let connection = Connection::open(path)?;
        // One ring waits while it works: more say nothing new.
        let (bell, rings) = mpsc::sync_channel(1);
        let is_long = Arc::<AtomicBool>::default();
        let told = is_long.clone();
        let work = move || move_on_each(&rings, &connection, &told);
        let thread = std::thread::Builder::new().name("checkpoints".into()).spawn(work)?;
        Ok(Checkpoints {
            bell: Some(bell),
            thread: Some(thread),
            is_long,
            rows: 0,
            rung: Instant::now(),
        })
    }

    /// So many rows were committed by this connection.
    pub fn committed(&mut self, rows: u32, writer: &Connection) {
        // As soon as it is told: what is left grows with each commit.
        if self.is_long.swap(false, Ordering::Relaxed) {
            move_frames(writer);
        }
        self.rows = self.rows.saturating_add(rows);
        if self.rows < CHECKPOINT_AFTER_ROWS && self.rung.elapsed() < CHECKPOINT_AFTER {
            return;
        }
        (self.rows, self.rung) = (0, Instant::now());
        if let Some(bell) = &self.bell {
            // It rings already.
            let _ = bell.try_send(());
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.bell = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn move_on_each(rings: &Receiver<()>, connection: &Connection, is_long: &AtomicBool) {
    while rings.recv().is_ok() {
        if move_frames(connection) > i64::from(CHECKPOINT_BEHIND_MAX) {
            is_long.store(true, Ordering::Relaxed);
        }
    }
}

/// Moves what can be moved without waiting for anybody; returns how long the log is, in frames.
fn move_frames(db: &Connection) -> i64 {
    let length = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1));
    length.unwrap_or_else(|error| {
        tracing::error!(%error, "the write-ahead log cannot be moved into the database");
        0
    })
}
