//! A copy of a database as it is at one moment, while others write to it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

/// Copies a database and looks whether the copy is whole.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let work = || -> rusqlite::Result<String> {
        // Not read-only: what a killed server has left in the log belongs to it.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let source = Connection::open_with_flags(from, flags)?;
        let mut copy = Connection::open(to)?;
        // All pages in one step: between steps a busy server would begin it anew each time. Writers
        // go on meanwhile, in the log.
        Backup::new(&source, &mut copy)?.run_to_completion(i32::MAX, Duration::ZERO, None)?;
        copy.pragma_query_value(None, "quick_check", |row| row.get(0))
    };
    let found = work().with_context(|| format!("{} cannot be copied", from.display()))?;
    ensure!(found == "ok", "the copy of {} is broken: {found}", from.display());
    Ok(())
}
