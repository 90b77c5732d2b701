//! The one thread that touches what waits for webhooks: many orders share one transaction.
//!
//! Never holds up who gives an event: when the disk stands still, events are dropped and counted.

use std::sync::{Arc, mpsc};

use hub::Person;
use hub::port::hook::Place;
use tokio::sync::oneshot;
use wire::id::AppId;
use wire::limits::WEBHOOK_UNWRITTEN_MAX;
use wire::time::Timestamp;

use super::hooks::{Batch, Dead, HookStore, Size};
use super::sqlite::Sql;
use crate::metrics::Metrics;

/// What is to be done.
enum Order {
    Place(Place),
    Push(AppId, Timestamp, String),
    Over(AppId),
    Next(AppId, oneshot::Sender<Option<Batch>>),
    Taken(AppId, u64),
    PutOff(AppId, u64, Timestamp),
    GiveUp(AppId, u64, String),
    List(AppId, u64, usize, oneshot::Sender<Listed>),
    Change { aid: AppId, ids: Vec<u64>, retry: bool, answer: oneshot::Sender<usize> },
    About(Person, oneshot::Sender<Vec<String>>),
    Erase(Person, oneshot::Sender<()>),
    Flush(oneshot::Sender<()>),
}

/// How it is with the webhook of an app.
#[derive(Debug, Default)]
pub struct Listed {
    pub waiting: Size,
    pub dead: Size,
    /// Some of those given up, and whether there are further ones.
    pub rows: Vec<Dead>,
    pub more: bool,
}

/// How everybody reaches the thread.
#[derive(Clone)]
pub struct HookQueue {
    orders: mpsc::SyncSender<Order>,
    metrics: Metrics,
}

impl HookQueue {
    /// Starts it. `wake` is called for an app when something of it may wait, and why.
    pub fn start(
        mut store: HookStore,
        metrics: Metrics,
        wake: Arc<dyn Fn(AppId, bool) + Send + Sync>,
    ) -> HookQueue {
        let (orders, waiting) = mpsc::sync_channel::<Order>(WEBHOOK_UNWRITTEN_MAX);
        let counted = metrics.clone();
        let work = move || {
            for aid in store.apps() {
                wake(aid, false);
            }
            tell(&counted, &store);
            while let Ok(first) = waiting.recv() {
                let mut batch = vec![first];
                while batch.len() < WEBHOOK_UNWRITTEN_MAX
                    && let Ok(order) = waiting.try_recv()
                {
                    batch.push(order);
                }
                let mut after = Vec::new();
                let wipes = batch.iter().any(|order| matches!(order, Order::Erase(..)));
                let done = store.transaction(|store| {
                    batch.into_iter().try_for_each(|order| perform(store, order, &mut after))
                });
                if let Err(error) = done {
                    tracing::error!(%error, "webhooks: what waits cannot be written down");
                    // Nothing of it has happened: who waits for an answer gets none.
                    after.clear();
                }
                if wipes && let Err(error) = store.wipe() {
                    tracing::error!(%error, "webhooks: the write-ahead log cannot be emptied");
                }
                for after in after {
                    after(&counted, &*wake);
                }
                tell(&counted, &store);
            }
        };
        let thread = std::thread::Builder::new().name("webhooks".into()).spawn(work);
        thread.expect("a thread can be started");
        HookQueue { orders, metrics }
    }

    pub fn place(&self, place: Place) {
        self.tell(Order::Place(place));
    }

    pub fn push(&self, aid: AppId, ts: Timestamp, body: String) {
        if self.orders.try_send(Order::Push(aid, ts, body)).is_err() {
            self.metrics.hooks_dropped.inc();
        }
    }

    pub fn over(&self, aid: AppId) {
        self.tell(Order::Over(aid));
    }

    pub async fn next(&self, aid: AppId) -> Option<Batch> {
        self.ask(|answer| Order::Next(aid, answer)).await.flatten()
    }

    pub fn taken(&self, aid: AppId, request: u64) {
        self.tell(Order::Taken(aid, request));
    }

    pub fn put_off(&self, aid: AppId, request: u64, due: Timestamp) {
        self.tell(Order::PutOff(aid, request, due));
    }

    pub fn give_up(&self, aid: AppId, request: u64, why: String) {
        self.tell(Order::GiveUp(aid, request, why));
    }

    pub async fn list(&self, aid: AppId, after: u64, count: usize) -> Option<Listed> {
        self.ask(|answer| Order::List(aid, after, count, answer)).await
    }

    pub async fn change(&self, aid: AppId, ids: Vec<u64>, retry: bool) -> Option<usize> {
        self.ask(|answer| Order::Change { aid, ids, retry, answer }).await
    }

    /// Events that name somebody.
    pub async fn about(&self, who: Person) -> Option<Vec<String>> {
        self.ask(|answer| Order::About(who, answer)).await
    }

    /// They go; `None` when they cannot.
    pub async fn erase(&self, who: Person) -> Option<()> {
        self.ask(|answer| Order::Erase(who, answer)).await
    }

    /// Waits until everything before is written down.
    pub async fn flush(&self) {
        self.ask(Order::Flush).await;
    }

    /// Nobody waits for these: a full queue means that the disk stands still, and what they would
    /// have changed is found as it was by the next.
    fn tell(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            tracing::error!("webhooks: the disk does not keep up");
        }
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.orders.try_send(order(answer)).ok()?;
        answered.await.ok()
    }
}

/// What happens when the transaction is over.
type After = Box<dyn FnOnce(&Metrics, &dyn Fn(AppId, bool))>;

fn perform(store: &mut HookStore, order: Order, after: &mut Vec<After>) -> Sql<()> {
    let mut then = |work: After| after.push(work);
    match order {
        Order::Place(place) => {
            // Known after a restart: what waits for a better moment goes on waiting.
            let changed = store.put_place(&place)?;
            then(Box::new(move |_, wake| wake(place.aid, changed)));
        }
        Order::Push(aid, ts, body) => {
            let dropped = store.push(aid, ts, &body)?;
            then(Box::new(move |metrics, wake| {
                metrics.hooks_dropped.inc_by(dropped as u64);
                wake(aid, false);
            }));
        }
        Order::Over(aid) => store.forget(aid)?,
        Order::Next(aid, answer) => {
            let next = store.next(aid)?;
            then(Box::new(move |_, _| drop(answer.send(next))));
        }
        Order::Taken(aid, request) => store.taken(aid, request)?,
        Order::PutOff(aid, request, due) => store.put_off(aid, request, due)?,
        Order::GiveUp(aid, request, why) => {
            let dropped = store.give_up(aid, request, &why)?;
            then(Box::new(move |metrics, _| {
                metrics.hooks_dropped.inc_by(dropped as u64);
            }));
        }
        Order::List(aid, from, count, answer) => {
            let ((waiting, dead), (rows, more)) =
                (store.sizes_of(aid), store.list_dead(aid, from, count)?);
            then(Box::new(move |_, _| drop(answer.send(Listed { waiting, dead, rows, more }))));
        }
        Order::Change { aid, ids, retry, answer } => {
            let changed = store.change_dead(aid, &ids, retry)?;
            then(Box::new(move |_, wake| {
                // Who asked may be gone.
                let _ = answer.send(changed);
                wake(aid, retry);
            }));
        }
        Order::About(who, answer) => {
            let events = store.about(&who)?;
            then(Box::new(move |_, _| drop(answer.send(events))));
        }
        Order::Erase(who, answer) => {
            store.erase(&who)?;
            then(Box::new(move |_, _| {
                // Who asked may be gone.
                let _ = answer.send(());
            }));
        }
        Order::Flush(answer) => then(Box::new(move |_, _| {
            let _ = answer.send(());
        })),
    }
    Ok(())
}

fn tell(metrics: &Metrics, store: &HookStore) {
    let (waiting, dead) = store.totals();
    metrics.hooks_waiting.set(waiting as u64);
    metrics.hooks_dead.set(dead as u64);
}
