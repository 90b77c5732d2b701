//! What the operator's monitoring reads: counters of the process as Prometheus text.
//!
//! Cheap to count, read only when asked. No label names a user, group or address.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};

use crate::Shared;
use crate::media::Figures;
use crate::turn;

type Number = Gauge<u64, AtomicU64>;

/// What is counted where it happens.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Sockets that are open, signed in or not.
    pub sessions: Number,
    /// Groups with somebody in the room.
    pub rooms: Number,
    /// Messages stored and accepted.
    pub accepted: Counter,
    /// Log entries given to sockets.
    pub deliveries: Counter,
    /// Entries to rooms, and streams, that were refused because media loops were at their limit.
    pub rooms_refused: Counter,
    /// Transactions of the store, and how long each took to be on disk.
    pub commits: Histogram,
    /// Requests in them.
    pub requests: Counter,
    /// Operations of backends that were done, and that were refused.
    pub operations: Counter,
    /// Events that webhooks have taken, and that none has.
    pub hooks_delivered: Counter,
    /// See `hooks_delivered`.
    pub hooks_dropped: Counter,
    /// Requests to webhooks that were not taken.
    pub hooks_failed: Counter,
    /// Messages that backends were asked about before they were accepted, and those without an answer.
    pub intercepts: Counter,
    /// See `intercepts`.
    pub intercepts_unanswered: Counter,
    /// Events that wait for webhooks, and that were given up and are kept.
    pub hooks_waiting: Number,
    /// See `hooks_waiting`.
    pub hooks_dead: Number,
    /// Push messages that a push service has taken, that none has, and that had no room.
    pub pushes_sent: Counter,
    /// See `pushes_sent`.
    pub pushes_failed: Counter,
    /// See `pushes_sent`.
    pub pushes_dropped: Counter,
    /// See `operations`.
    pub refusals: Counter,
    /// What the relay does.
    pub relay: turn::Counted,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            sessions: Number::default(),
            rooms: Number::default(),
            accepted: Counter::default(),
            deliveries: Counter::default(),
            rooms_refused: Counter::default(),
            // 0.1 ms to 1.6 s: one fsync of a fast disk to a disk in trouble.
            commits: Histogram::new(exponential_buckets(0.0001, 2.0, 15)),
            requests: Counter::default(),
            operations: Counter::default(),
            hooks_delivered: Counter::default(),
            hooks_dropped: Counter::default(),
            hooks_failed: Counter::default(),
            intercepts: Counter::default(),
            intercepts_unanswered: Counter::default(),
            hooks_waiting: Number::default(),
            hooks_dead: Number::default(),
            pushes_sent: Counter::default(),
            pushes_failed: Counter::default(),
            pushes_dropped: Counter::default(),
            refusals: Counter::default(),
            relay: turn::Counted::default(),
        }
    }
}

impl Metrics {
    /// A transaction was made.
    pub fn commit(&self, requests: usize, took: Duration) {
        self.requests.inc_by(requests as u64);
        self.commits.observe(took.as_secs_f64());
    }
}

/// All that can be asked for, by name.
#[derive(Debug)]
pub struct Exposition {
    registry: Registry,
    metrics: Metrics,
    media: Vec<Arc<Figures>>,
    loops: LoopMetrics,
    memory: Number,
}

/// Which media loop a figure is of: `loop="0"`.
type Loop = [(&'static str, String); 1];

/// What there is of each media loop.
#[derive(Clone, Debug, Default)]
struct LoopMetrics {
    packets_in: Family<Loop, Counter>,
    packets_out: Family<Loop, Counter>,
    dropped: Family<Loop, Counter>,
    restarts: Family<Loop, Counter>,
    peers: Family<Loop, Number>,
    load: Family<Loop, Number>,
}

impl LoopMetrics {
    fn register(&self, registry: &mut Registry) {
        let LoopMetrics { packets_in, packets_out, dropped, restarts, peers, load } = self.clone();
        let help = "RTP packets from publishers";
        registry.register("mesibo_media_packets_received", help, packets_in);
        let help = "RTP packets to subscribers";
        registry.register("mesibo_media_packets_forwarded", help, packets_out);
        let help = "Datagrams of media for which there was no room, in or out";
        registry.register("mesibo_media_dropped", help, dropped);
        let help = "Times a media loop has begun anew after a panic";
        registry.register("mesibo_media_restarts", help, restarts);
        registry.register("mesibo_media_peers", "Peer connections", peers);
        let help = "Processor time of a media loop, percent of its core";
        registry.register("mesibo_media_load_percent", help, load);
    }

    fn take(&self, media: &[Arc<Figures>]) {
        for (at, figures) in media.iter().enumerate() {
            let of = [("loop", at.to_string())];
            let count = |family: &Family<Loop, Counter>, value: &AtomicU64| {
                family.get_or_create(&of).inner().store(value.load(Relaxed), Relaxed);
            };
            count(&self.packets_in, &figures.packets_in);
            count(&self.packets_out, &figures.packets_out);
            count(&self.dropped, &figures.dropped);
            count(&self.restarts, &figures.restarts);
            self.peers.get_or_create(&of).set(figures.peers.load(Relaxed));
            self.load.get_or_create(&of).set(figures.load_percent.load(Relaxed));
        }
    }
}

impl Exposition {
    /// Names everything.
    pub fn new(metrics: &Metrics, media: Vec<Arc<Figures>>) -> Exposition {
        let mut registry = Registry::default();
        let (loops, memory) = (LoopMetrics::default(), Number::default());
        let Metrics { sessions, rooms, accepted, deliveries, .. } = metrics.clone();
        let Metrics { commits, requests, operations, refusals, .. } = metrics.clone();
        let Metrics { hooks_delivered, hooks_dropped, .. } = metrics.clone();
        let Metrics { hooks_failed, hooks_waiting, hooks_dead, .. } = metrics.clone();
        registry.register("mesibo_sessions", "WebSockets that are open", sessions);
        registry.register("mesibo_rooms", "Rooms with somebody in them", rooms);
        registry.register("mesibo_messages_accepted", "Messages stored and accepted", accepted);
        registry.register("mesibo_deliveries", "Log entries given to sockets", deliveries);
        let help = "Transactions of the store until they are on disk";
        registry.register("mesibo_store_commit_seconds", help, commits);
        registry.register("mesibo_store_requests", "Requests to the store", requests);
        let help = "Operations of backends that were done";
        registry.register("mesibo_admin_operations", help, operations);
        let help = "Operations of backends that were refused";
        registry.register("mesibo_admin_refusals", help, refusals);
        let help = "Events that webhooks have taken";
        registry.register("mesibo_webhook_events", help, hooks_delivered);
        let help = "Events that are lost: too many were waiting or given up";
        registry.register("mesibo_webhook_dropped", help, hooks_dropped);
        let help = "Requests that webhooks have not taken";
        registry.register("mesibo_webhook_failures", help, hooks_failed);
        let Metrics { intercepts, intercepts_unanswered, .. } = metrics.clone();
        let help = "Messages that backends were asked about before they were accepted";
        registry.register("mesibo_intercepts", help, intercepts);
        let help = "Of those, messages about which a backend has said nothing in time";
        registry.register("mesibo_intercepts_unanswered", help, intercepts_unanswered);
        let help = "Events that wait for webhooks";
        registry.register("mesibo_webhook_waiting", help, hooks_waiting);
        let help = "Events that were given up and are kept";
        registry.register("mesibo_webhook_given_up", help, hooks_dead);
        let Metrics { pushes_sent, pushes_failed, pushes_dropped, .. } = metrics.clone();
        registry.register("mesibo_pushes", "Push messages that a service has taken", pushes_sent);
        let help = "Push messages that no service has taken";
        registry.register("mesibo_push_failures", help, pushes_failed);
        let help = "Push messages for which there was no room";
        registry.register("mesibo_push_dropped", help, pushes_dropped);
        let turn::Counted { allocations, bytes, refused } = metrics.relay.clone();
        registry.register("mesibo_relay_allocations", "Allocations of the relay", allocations);
        registry.register("mesibo_relay_bytes", "Bytes that the relay has passed on", bytes);
        let help = "Clients and allocations that the relay has not taken";
        registry.register("mesibo_relay_refused", help, refused);
        loops.register(&mut registry);
        let help = "Entries to rooms, and streams, refused because media loops were at their limit";
        registry.register("mesibo_media_refusals", help, metrics.rooms_refused.clone());
        let help = "Memory of the process, 0 where the system does not say";
        registry.register("process_resident_memory_bytes", help, memory.clone());
        let metrics = metrics.clone();
        Exposition { registry, metrics, media, loops, memory }
    }

    /// What the console shows.
    pub fn figures(&self) -> Value {
        let metrics = &self.metrics;
        let media = |of: fn(&Figures) -> &AtomicU64| -> u64 {
            self.media.iter().map(|figures| of(figures).load(Relaxed)).sum()
        };
        json!({
            "sessions": metrics.sessions.get(),
            "rooms": metrics.rooms.get(),
            "accepted": metrics.accepted.get(),
            "deliveries": metrics.deliveries.get(),
            "operations": metrics.operations.get(),
            "refusals": metrics.refusals.get(),
            "hooks_delivered": metrics.hooks_delivered.get(),
            "hooks_failed": metrics.hooks_failed.get(),
            "hooks_waiting": metrics.hooks_waiting.get(),
            "hooks_given_up": metrics.hooks_dead.get(),
            "hooks_dropped": metrics.hooks_dropped.get(),
            "intercepts": metrics.intercepts.get(),
            "intercepts_unanswered": metrics.intercepts_unanswered.get(),
            "pushes_sent": metrics.pushes_sent.get(),
            "pushes_failed": metrics.pushes_failed.get(),
            "relay_allocations": metrics.relay.allocations.get(),
            "relay_bytes": metrics.relay.bytes.get(),
            "relay_refused": metrics.relay.refused.get(),
            "peers": media(|figures| &figures.peers),
            "packets_in": media(|figures| &figures.packets_in),
            "packets_out": media(|figures| &figures.packets_out),
            "memory": resident_bytes(),
        })
    }

    /// The text as Prometheus reads it.
    fn text(&self) -> String {
        self.loops.take(&self.media);
        self.memory.set(resident_bytes().unwrap_or(0));
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes everything");
        text
    }
}

/// For everybody. `/healthz`: the process answers. `/readyz`: it takes sessions and what they send.
pub fn health_routes() -> Router<Shared> {
    Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready))
}

/// And `/metrics`, for the operator: how it is.
pub fn routes() -> Router<Shared> {
    health_routes().route("/metrics", get(metrics))
}

async fn ready(State(shared): State<Shared>) -> Response {
    match (shared.hub.is_serving(), shared.hub.disk_fails()) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "stopping").into_response(),
        (_, true) => (StatusCode::SERVICE_UNAVAILABLE, "the disk takes nothing").into_response(),
        (true, false) => "ok".into_response(),
    }
}

async fn metrics(State(shared): State<Shared>) -> Response {
    const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, TYPE)], shared.exposition.text()).into_response()
}

/// Memory of this process, from where Linux tells it.
fn resident_bytes() -> Option<u64> {
    const PAGE_BYTES: u64 = 4096;
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}
