//! How many files the process may have open: each connection is one, and so is every file it reads.

use rustix::process::{Resource, getrlimit, setrlimit};
use wire::limits::OPEN_FILES_KEPT_OF;

/// Allows as many as may be allowed: shells and service managers give few at first, for the sake of
/// programs that cannot have many.
pub fn allow_all() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the number of open files stays as it is");
    }
}

/// How many there may be; `None` = any number.
pub fn allowed() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Connections that leave enough for the store, uploads and what is asked of others.
pub fn for_connections() -> usize {
    let most = tokio::sync::Semaphore::MAX_PERMITS;
    let seats = allowed().map(|allowed| allowed - allowed / OPEN_FILES_KEPT_OF);
    seats.and_then(|seats| usize::try_from(seats).ok()).map_or(most, |seats| seats.min(most))
}
