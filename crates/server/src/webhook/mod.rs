//! Events on their way to the backends of apps, by HTTP (`backend-api.md` 2.9.1).
//!
//! What waits is in a database of its own ([`HookQueue`]) and survives the process. Each app has a task
//! of its own, so events of one app keep their order and a slow endpoint slows nobody else. What is
//! not taken after the last try is given up: kept, listed, and tried again when somebody asks.

mod body;
mod client;
mod intercept;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hub::Person;
use hub::port::admin::HookWish;
use hub::port::hook::Told;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use wire::id::AppId;
use wire::limits::WEBHOOK_RETRIES_S;
use wire::time::Timestamp;

use self::client::{Client, Post};
pub use self::intercept::{Answer, Interceptor};
use crate::metrics::Metrics;
use crate::store::{Batch, HookQueue, HookStore};

/// What the operator has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// URLs without TLS may be asked.
    pub allow_http: bool,
    /// Addresses that are not of the public Internet may be asked.
    pub allow_private: bool,
    /// Events of messages say what is in them.
    pub include_body: bool,
    /// An answer counts only when it says `MESIBO OK`.
    pub strict_body: bool,
    /// Waits before the tries that follow the first, seconds.
    pub retries_s: Vec<u64>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            allow_http: false,
            allow_private: false,
            include_body: true,
            strict_body: false,
            retries_s: WEBHOOK_RETRIES_S.into(),
        }
    }
}

/// See the module.
#[derive(Clone)]
pub struct Webhooks {
    client: Arc<Client>,
    queue: HookQueue,
    settings: Arc<Settings>,
    interceptor: Interceptor,
    metrics: Metrics,
}

/// Wakes the task of an app.
#[derive(Default)]
struct Bell {
    /// Something may wait.
    something: Notify,
    /// How often it was said that what waits may be tried at once.
    at_once: watch::Sender<u64>,
}

/// Bells of the apps that have a task.
#[derive(Default)]
struct Bells {
    of: Mutex<HashMap<AppId, Arc<Bell>>>,
}

impl Webhooks {
    /// Opens what waits, and goes on with it. Has to be called within a runtime.
    pub fn open(data: &Path, settings: Settings, metrics: Metrics) -> anyhow::Result<Webhooks> {
        let store = HookStore::open(&data.join("hooks.db"))?;
        let bells = Arc::<Bells>::default();
        let (to_start, mut started) = tokio::sync::mpsc::unbounded_channel();
        let ringing = bells.clone();
        let wake = move |aid, at_once| {
            let mut bells = ringing.of.lock().expect("no panic while ringing");
            let bell = bells.entry(aid).or_insert_with(|| {
                let bell = Arc::<Bell>::default();
                // One for each app, ever: bounded by the number of apps.
                // It hears of whatever is said from now on, however late it starts.
                let _ = to_start.send((aid, bell.clone(), bell.at_once.subscribe()));
                bell
            });
            if at_once {
                bell.at_once.send_modify(|times| *times += 1);
            }
            bell.something.notify_one();
        };
        let queue = HookQueue::start(store, metrics.clone(), Arc::new(wake));
        let client = Arc::new(Client::new(&settings, 1));
        let interceptor = Interceptor::new(&settings, metrics.clone());
        let settings = Arc::new(settings);
        let webhooks = Webhooks { client, queue, settings, interceptor, metrics };
        let all = webhooks.clone();
        tokio::spawn(async move {
            while let Some((aid, bell, said)) = started.recv().await {
                tokio::spawn(all.clone().work(aid, bell, said));
            }
        });
        Ok(webhooks)
    }

    /// Takes what the hub says.
    pub fn take(&self, told: Told) {
        match told {
            Told::Place(place) => self.queue.place(place),
            Told::Over(aid) => self.queue.over(aid),
            Told::Event(hook) => {
                let event = body::event(&hook.event, self.settings.include_body);
                self.queue.push(hook.aid, hook.ts, event.to_string());
            }
        }
    }

    /// Whether something at this URL would be asked at all, as far as its scheme says.
    pub fn may_ask(&self, url: &str) -> bool {
        self.settings.allow_http || !url.starts_with("http://")
    }

    /// Asks about a message before it is accepted.
    pub fn interceptor(&self) -> &Interceptor {
        &self.interceptor
    }

    /// What an operator or a backend wants of what was given up; `None` when it cannot be had.
    pub async fn wish(&self, aid: AppId, wish: HookWish) -> Option<Value> {
        Some(match wish {
            HookWish::List { after, count } => {
                let listed = self.queue.list(aid, after.into(), count as usize).await?;
                let rows = listed.rows.iter().map(|row| {
                    json!({
                        "id": row.id,
                        "ts": row.ts.0,
                        "tries": row.tries,
                        "cause": row.why,
                        "event": serde_json::from_str::<Value>(&row.body).unwrap_or_default(),
                    })
                });
                json!({
                    "hooks": rows.collect::<Vec<_>>(),
                    "more": listed.more,
                    "waiting": listed.waiting.events,
                    "given_up": listed.dead.events,
                })
            }
            HookWish::Retry(ids) => json!({"retried": self.queue.change(aid, ids, true).await?}),
            HookWish::Delete(ids) => json!({"deleted": self.queue.change(aid, ids, false).await?}),
        })
    }

    /// What waits or was given up and names somebody; `None` when it cannot be had.
    pub async fn about(&self, who: Person) -> Option<Vec<Value>> {
        let events = self.queue.about(who).await?;
        Some(events.iter().map(|body| serde_json::from_str(body).unwrap_or_default()).collect())
    }

    /// It goes; `None` when it cannot.
    pub async fn erase(&self, who: Person) -> Option<()> {
        self.queue.erase(who).await
    }

    /// Waits until everything that was taken is written down.
    pub async fn flush(&self) {
        self.queue.flush().await;
    }

    async fn work(self, aid: AppId, bell: Arc<Bell>, mut said: watch::Receiver<u64>) {
        let mut at_once = false;
        loop {
            let Some(batch) = self.queue.next(aid).await else {
                bell.something.notified().await;
                continue;
            };
            let wait = batch.due.0.saturating_sub(now().0);
            if wait > 0 && !at_once {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(wait)) => {}
                    // The place has changed, perhaps while it was being asked, or somebody wants it
                    // now: look again what is first.
                    _ = said.changed() => {
                        at_once = true;
                        continue;
                    }
                }
            }
            at_once = false;
            self.deliver(aid, &batch).await;
        }
    }

    async fn deliver(&self, aid: AppId, batch: &Batch) {
        let Batch { place, request, .. } = batch;
        let events = batch.events.len() as u64;
        let Some((content_type, body)) = body::request(batch) else {
            // This envelope has no words for it.
            return self.queue.taken(aid, *request);
        };
        let post = Post {
            url: &place.url,
            secret: &place.secret,
            content_type,
            body,
            id: *request,
            attempt: batch.tries + 1,
        };
        let failure = match self.client.post(post).await {
            Ok(()) => {
                self.metrics.hooks_delivered.inc_by(events);
                return self.queue.taken(aid, *request);
            }
            Err(failure) => failure,
        };
        self.metrics.hooks_failed.inc();
        let retry = self.settings.retries_s.get(batch.tries).filter(|_| failure.may_pass);
        match retry {
            Some(rest) => {
                let due = Timestamp(now().0 + rest * 1000);
                self.queue.put_off(aid, *request, due);
            }
            None => {
                let why = failure.why;
                tracing::warn!(%aid, events, why, "events are given up: the webhook does not take them");
                self.queue.give_up(aid, *request, why);
            }
        }
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_millis() as u64)
}
