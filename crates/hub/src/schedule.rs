//! Messages that are sent later: when the store is looked at again, and what is on its way.
//!
//! They are on disk until they are sent. One that was sent, and not yet removed when the server
//! ended, has the id it had, so it is not stored twice.

use alloc::vec::Vec;
use wire::limits::SCHEDULED_AT_ONCE_MAX;
use wire::time::{Duration, Instant, Now, Timestamp};

use crate::hub::{Hub, Pending};
use crate::operations::Asker;
use crate::port::apps::{AppReply, AppRequest};
use crate::port::store::{Reply, Request, StoreError};

/// How long to wait when the store could not say what is due.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Schedule {
    /// When something is due.
    next: Instant,
    /// The store is being asked.
    asking: bool,
    /// Messages that are on their way; they are asked for again only behind them.
    sending: usize,
}

impl Default for Schedule {
    /// Nobody knows what was scheduled before: the first look is at once.
    fn default() -> Schedule {
        Schedule { next: Instant(0), asking: false, sending: 0 }
    }
}

impl Schedule {
    /// Something is due then.
    pub fn expect(&mut self, due: Timestamp, now: Now) {
        let rest = Duration::from_millis(due.0.saturating_sub(now.wall.0));
        self.next = self.next.min(now.instant + rest);
    }

    /// When to look again.
    pub fn deadline(&self) -> Instant {
        if self.asking || self.sending > 0 { Instant::FAR_FUTURE } else { self.next }
    }
}

impl Hub {
    /// Asks for what is due.
    pub(crate) fn look_at_schedule(&mut self) {
        if self.schedule.deadline() > self.now.instant || self.stopping {
            return;
        }
        self.schedule.asking = true;
        self.schedule.next = Instant::FAR_FUTURE;
        let request = AppRequest::Due { now: self.now.wall, count: SCHEDULED_AT_ONCE_MAX };
        self.ask(Request::OfApp(request), Pending::Schedule);
    }

    pub(crate) fn on_due(&mut self, result: Result<Reply, StoreError>) {
        self.schedule.asking = false;
        let Ok(Reply::OfApp(AppReply::Due(due, next))) = result else {
            self.log("storage failed: what is scheduled waits".into());
            self.schedule.next = self.now.instant + AFTER_FAILURE;
            return;
        };
        if let Some(next) = next {
            self.schedule.expect(next, self.now);
        }
        self.schedule.sending = due.len();
        let jobs: Vec<_> = due.into_iter().map(Asker::Clock).collect();
        for job in jobs {
            self.take_job(job);
        }
    }

    /// One of those that were due is done.
    pub(crate) fn on_clock_done(&mut self, done: bool) {
        self.schedule.sending = self.schedule.sending.saturating_sub(1);
        if !done {
            let retry = self.now.instant + AFTER_FAILURE;
            self.schedule.next = self.schedule.next.min(retry);
        }
    }
}
