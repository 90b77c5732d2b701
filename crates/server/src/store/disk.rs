//! Whether the disk takes what is written.
//!
//! Relies on being told of each transaction that has failed or was written, and on being asked to
//! [`look`](Disk::look) when that is due: a server that nobody is sent to any more because of it writes
//! nothing by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rusqlite::{Connection, ErrorCode};
use wire::limits::DISK_LOOKED_AT_EVERY;

/// See the module.
#[derive(Debug, Default)]
pub struct Disk {
    fails: Arc<AtomicBool>,
    look_at: Option<Instant>,
}

impl Disk {
    /// Set as long as it fails.
    pub fn fails(&self) -> Arc<AtomicBool> {
        self.fails.clone()
    }

    /// A transaction did not happen.
    pub fn failed(&mut self, error: &rusqlite::Error) {
        // Damaged pages do not keep others from being written.
        if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) {
            return;
        }
        self.look_at = Some(Instant::now() + DISK_LOOKED_AT_EVERY);
        if !self.fails.swap(true, Ordering::Relaxed) {
            tracing::error!("the disk takes nothing: not ready until it does");
        }
    }

    /// Something is on it.
    pub fn written(&mut self) {
        self.look_at = None;
        if self.fails.swap(false, Ordering::Relaxed) {
            tracing::info!("the disk takes what is written again");
        }
    }

    /// When it has to be looked at, as long as it fails.
    pub fn deadline(&self) -> Option<Instant> {
        self.look_at
    }

    /// Writes a number that is there already.
    pub fn look(&mut self, db: &Connection, version: usize) {
        match db.pragma_update(None, "user_version", version) {
            Ok(()) => self.written(),
            Err(error) => self.failed(&error),
        }
    }
}
