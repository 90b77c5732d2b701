//! Files that nothing names any more: when they are looked for, and what becomes of them.
//!
//! Relies on the store to know which records name which files, on the host to remove them. A file is
//! forgotten by the store when it is gone from the disk, so that a crash in between leaves nothing.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use wire::limits::{FILE_UNNAMED_KEPT, FILES_LEFT_AFTER, FILES_LEFT_AT_ONCE, SWEEP_INTERVAL};
use wire::time::{Duration, Instant, Timestamp};

use crate::Output;
use crate::hub::{Hub, Pending};
use crate::port::personal::{LeftFiles, PersonalReply, PersonalRequest};
use crate::port::store::{Reply, Request, StoreError};

/// What of the files goes, and when that is looked at again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leftovers {
    /// Files that nothing has ever named go, too.
    pub unnamed: bool,
    /// Days after which any file goes, 0 = never.
    pub days: u32,
    at: Option<Instant>,
    /// The store or the host has not answered.
    asking: bool,
}

impl Leftovers {
    /// When it is looked at again.
    pub fn deadline(&self) -> Instant {
        self.at.unwrap_or(Instant::FAR_FUTURE)
    }

    /// A record has gone that may have been the last to name a file.
    pub fn expect(&mut self, now: Instant) {
        let soon = now + FILES_LEFT_AFTER;
        if !self.asking {
            self.at = Some(self.at.map_or(soon, |at| at.min(soon)));
        }
    }
}

impl Hub {
    /// Says which files go besides those that nothing names any more: those that nothing has ever
    /// named, and those older than so many days.
    pub fn with_files(mut self, unnamed: bool, days: u32) -> Hub {
        (self.leftovers.unnamed, self.leftovers.days) = (unnamed, days);
        self
    }

    /// Looks for files that may go, at the start and then now and again.
    pub(crate) fn look_for_leftovers(&mut self) {
        let now = self.now;
        let at = *self.leftovers.at.get_or_insert(now.instant + FILES_LEFT_AFTER);
        if at > now.instant || self.stopping {
            return;
        }
        self.leftovers.at = Some(Instant::FAR_FUTURE);
        self.leftovers.asking = true;
        let ago = |kept: Duration| Timestamp(now.wall.0.saturating_sub(kept.as_millis() as u64));
        let Leftovers { unnamed, days, .. } = self.leftovers;
        let wanted = LeftFiles {
            unnamed_before: unnamed.then(|| ago(FILE_UNNAMED_KEPT)),
            before: (days > 0).then(|| ago(Duration::from_secs(u64::from(days) * 86_400))),
            count: FILES_LEFT_AT_ONCE,
        };
        self.ask(Request::Personal(PersonalRequest::LeftFiles(wanted)), Pending::Leftovers);
    }

    pub(crate) fn on_leftovers(&mut self, result: Result<Reply, StoreError>) {
        match result {
            Ok(Reply::Personal(PersonalReply::LeftFiles(names))) if !names.is_empty() => {
                return self.output(Output::RemoveFiles { names });
            }
            Err(error) => self.log(format!("storage: {error}")),
            _ => {}
        }
        self.look_again(SWEEP_INTERVAL);
    }

    /// The host has removed these.
    pub(crate) fn on_files_removed(&mut self, names: Vec<String>) {
        // Those that cannot be removed are tried again later.
        let rest = if names.is_empty() { SWEEP_INTERVAL } else { FILES_LEFT_AFTER };
        let request = PersonalRequest::Unfiled { names };
        self.ask(Request::Personal(request), Pending::Nothing);
        self.look_again(rest);
    }

    fn look_again(&mut self, rest: Duration) {
        self.leftovers.asking = false;
        self.leftovers.at = Some(self.now.instant + rest);
    }
}
