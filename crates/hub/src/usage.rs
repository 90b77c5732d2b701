//! What apps use: counted in memory, written down once a minute with what is written anyway.
//!
//! Relies on the store to add up what it is given and to count users. Promises that a crash loses
//! at most [`USAGE_INTERVAL`] of it, and that who has sent as many messages as it may sends no more.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use hashbrown::HashMap;
use wire::id::AppId;
use wire::limits::USAGE_INTERVAL;
use wire::time::{Instant, Timestamp};

use crate::directory::Missing;
use crate::hub::{Hub, Pending};
use crate::operations::{After, Progress};
use crate::port::apps::{AppRequest, Used, day_of};
use crate::port::store::{Reply, Request, StoreError};

const DAY_MS: u64 = 86_400_000;

#[derive(Debug, Default)]
pub(crate) struct Usage {
    /// Since it was written down last.
    since: BTreeMap<AppId, Used>,
    /// Sessions of each app now.
    live: HashMap<AppId, u32>,
    /// Messages of a month, of apps whose messages have a limit.
    sent: HashMap<AppId, (u32, u64)>,
    write_at: Option<Instant>,
    /// When the last of it was counted.
    at: Timestamp,
}

impl Usage {
    pub fn deadline(&self) -> Instant {
        self.write_at.unwrap_or(Instant::FAR_FUTURE)
    }
}

impl Hub {
    fn used(&mut self, aid: AppId) -> &mut Used {
        let days = |at: Timestamp| at.0 / DAY_MS;
        if days(self.usage.at) != days(self.now.wall) {
            self.write();
        }
        self.usage.at = self.now.wall;
        self.usage.write_at.get_or_insert(self.now.instant + USAGE_INTERVAL);
        let live = self.usage.live.get(&aid).copied().unwrap_or(0);
        let used = self.usage.since.entry(aid).or_insert(Used { aid, ..Used::default() });
        used.peak = used.peak.max(live);
        used
    }

    /// A session of an app begins.
    pub(crate) fn use_session(&mut self, aid: AppId) {
        *self.usage.live.entry(aid).or_default() += 1;
        self.used(aid);
    }

    /// A session of an app is over.
    pub(crate) fn leave_session(&mut self, aid: AppId) {
        if let Some(live) = self.usage.live.get_mut(&aid) {
            *live -= 1;
            if *live == 0 {
                self.usage.live.remove(&aid);
            }
        }
    }

    /// A message was stored, in so many logs.
    pub(crate) fn use_message(&mut self, aid: AppId, bytes: usize, logs: usize) {
        let used = self.used(aid);
        used.messages += 1;
        used.stored += bytes as u64;
        used.writes += logs as u64;
        if let Some((of, sent)) = self.usage.sent.get_mut(&aid)
            && *of == day_of(self.now.wall) / 100
        {
            *sent += 1;
        }
    }

    /// Bytes went to a session, or came as a file, which stays.
    pub(crate) fn use_bytes(&mut self, aid: AppId, bytes: u64, stays: bool) {
        let used = self.used(aid);
        used.bytes += bytes;
        used.stored += if stays { bytes } else { 0 };
    }

    /// Entries were read for a session.
    pub(crate) fn use_reads(&mut self, aid: AppId, entries: usize) {
        self.used(aid).reads += entries as u64;
    }

    /// Whether an app has sent as many messages this month as it may.
    pub(crate) fn is_out_of_messages(&self, aid: AppId) -> Result<bool, Missing> {
        let max = self.directory.app(aid)?.map_or(0, |app| app.settings.messages_max);
        if max == 0 {
            return Ok(false);
        }
        let month = day_of(self.now.wall) / 100;
        match self.usage.sent.get(&aid).filter(|(of, _)| *of == month) {
            Some((_, sent)) => Ok(*sent >= u64::from(max)),
            None => Err(Missing::Sent(aid, month)),
        }
    }

    /// The store told how many messages are written down.
    pub(crate) fn learn_sent(&mut self, aid: AppId, month: u32, written: u64) {
        let since = self.usage.since.get(&aid).filter(|_| day_of(self.usage.at) / 100 == month);
        let rest = since.map_or(0, |used| used.messages);
        self.usage.sent.insert(aid, (month, written + rest));
    }

    /// Writes down what was counted, when it is time or `now`.
    pub(crate) fn write_usage(&mut self, now: bool) {
        // What is being counted must not be written down meanwhile.
        let counting = self.waiters.keys().any(|missing| matches!(missing, Missing::Sent(..)));
        if !counting && (now || self.usage.deadline() <= self.now.instant) {
            self.write();
        }
    }

    fn write(&mut self) {
        self.usage.write_at = None;
        let used: Vec<_> = core::mem::take(&mut self.usage.since).into_values().collect();
        if !used.is_empty() {
            let at = self.usage.at;
            let request = AppRequest::Use { used: used.clone(), at };
            self.ask(Request::OfApp(request), Pending::Used(used));
        }
    }

    /// It is written down, or is tried again; not when the server stops, which would not wait.
    pub(crate) fn on_used(&mut self, used: Vec<Used>, result: Result<Reply, StoreError>) {
        let Err(error) = result else { return };
        self.log(alloc::format!("storage: {error}"));
        if self.stopping {
            return;
        }
        for lost in used {
            self.used(lost.aid).add(&lost);
        }
    }

    /// `appstats`
    pub(crate) fn get_usage(
        &mut self,
        aid: AppId,
        (monthly, count): (bool, u32),
        counted: Option<(u64, u64)>,
    ) -> Progress {
        let Some(totals) = counted else {
            return Progress::Ask(Request::OfApp(AppRequest::Count { aid }), After::Counted);
        };
        self.write_usage(true);
        let request = AppRequest::Usage { aid, monthly, count };
        Progress::Ask(Request::OfApp(request), After::UsageRead { aid, totals })
    }

    /// Sessions of an app.
    pub(crate) fn live_of(&self, aid: AppId) -> u32 {
        self.usage.live.get(&aid).copied().unwrap_or(0)
    }
}

impl Used {
    /// Both together.
    pub fn add(&mut self, other: &Used) {
        self.peak = self.peak.max(other.peak);
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.stored += other.stored;
        self.reads += other.reads;
        self.writes += other.writes;
    }
}
