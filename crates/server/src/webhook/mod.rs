//! Events on their way to the backends of apps, by HTTP (`backend-api.md` 2.9.1).
//!
//! Each app has a queue and a task of its own while there is something in it, so events of one app
//! keep their order and a slow endpoint slows nobody else. What is not taken after a few tries is
//! dropped and counted. Queues are in memory: what waits when the server ends is lost.

mod body;
mod client;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hub::port::hook::Hook;
use wire::id::AppId;
use wire::limits::{WEBHOOK_BATCH_MAX, WEBHOOK_QUEUE_MAX};

pub use client::Client;

use crate::metrics::Metrics;

/// Waits before the tries that follow the first.
const RETRIES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(10), Duration::from_secs(60)];

/// What the operator allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// URLs without TLS.
    pub http: bool,
    /// Addresses that are not of the public Internet.
    pub private: bool,
}

/// See the module.
#[derive(Clone)]
pub struct Webhooks {
    client: Arc<Client>,
    queues: Arc<Mutex<HashMap<AppId, Queue>>>,
    metrics: Metrics,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Hook>,
    /// Of the last request; grows also over restarts.
    last_id: u64,
    is_busy: bool,
}

impl Webhooks {
    pub fn new(allowed: Allowed, metrics: Metrics) -> Webhooks {
        Webhooks { client: Arc::new(Client::new(allowed)), queues: Arc::default(), metrics }
    }

    /// Puts an event behind those of its app. Beyond `limits::WEBHOOK_QUEUE_MAX` the oldest goes.
    pub fn push(&self, hook: Hook) {
        let aid = hook.aid;
        let mut queues = self.queues.lock().expect("no panic while queueing");
        let queue = queues.entry(aid).or_default();
        if queue.waiting.len() >= WEBHOOK_QUEUE_MAX {
            queue.waiting.pop_front();
            self.metrics.hooks_dropped.inc();
        }
        queue.waiting.push_back(hook);
        if !queue.is_busy {
            queue.is_busy = true;
            tokio::spawn(self.clone().work(aid));
        }
    }

    async fn work(self, aid: AppId) {
        while let Some((id, batch)) = self.next(aid) {
            self.deliver(aid, id, &batch).await;
        }
    }

    /// The next events that go together: to one place, with one secret.
    fn next(&self, aid: AppId) -> Option<(u64, Vec<Hook>)> {
        let mut queues = self.queues.lock().expect("no panic while queueing");
        let queue = queues.get_mut(&aid)?;
        let Some(first) = queue.waiting.pop_front() else {
            queue.is_busy = false;
            return None;
        };
        let mut batch = vec![first];
        while batch.len() < WEBHOOK_BATCH_MAX
            && let Some(next) = queue.waiting.front()
            && (&next.url, &next.secret, next.version)
                == (&batch[0].url, &batch[0].secret, batch[0].version)
        {
            batch.extend(queue.waiting.pop_front());
        }
        queue.last_id = batch[0].ts.0.max(queue.last_id + 1);
        Some((queue.last_id, batch))
    }

    async fn deliver(&self, aid: AppId, id: u64, batch: &[Hook]) {
        let body = body::envelope(id, batch).to_string();
        let (url, secret) = (&batch[0].url, &batch[0].secret);
        let mut retries = RETRIES.iter();
        loop {
            let failure = match self.client.post(url, secret, &body).await {
                Ok(()) => {
                    self.metrics.hooks_delivered.inc_by(batch.len() as u64);
                    return;
                }
                Err(failure) => failure,
            };
            match retries.next().filter(|_| failure.may_pass) {
                Some(rest) => tokio::time::sleep(*rest).await,
                None => {
                    let (events, why) = (batch.len(), failure.why);
                    tracing::warn!(%aid, events, why, "events were not taken by the webhook");
                    self.metrics.hooks_dropped.inc_by(batch.len() as u64);
                    return;
                }
            }
        }
    }
}
