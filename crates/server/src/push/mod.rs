//! Push messages to browsers that are not there: Web Push (RFC 8030), encrypted (RFC 8291), signed
//! with this installation's key (RFC 8292).
//!
//! Each push service has a queue and a task of its own, so a slow one slows nobody else. What waits
//! is in memory: a restart forgets it, the message itself waits in the store. Relies on the hub for
//! who is woken, and tells it which subscriptions are no more.

mod key;
mod subscription;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use http_body_util::Full;
use hub::port::push::{Push, Target};
use hub::port::store::DeviceId;
use hyper::Request;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use wire::limits::{
    PUSH_AT_ONCE_MAX, PUSH_IDLE_MAX, PUSH_RETRY_AFTER, PUSH_SERVICES_MAX, PUSH_WAITING_MAX,
    PUSH_WITHIN, WEBHOOK_CONNECT_WITHIN,
};

pub use self::key::PushKey;
use self::subscription::Subscription;
use crate::Shared;
use crate::metrics::Metrics;
use crate::outside;

/// What the operator has set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Subscriptions at `http://` and at addresses inside the network are served.
    pub allow_private: bool,
    /// Whom a push service may write to, `mailto:` or `https:`; empty = it is not said.
    pub contact: String,
}

/// A subscription that is no more.
pub type Gone = (DeviceId, String);

/// See the module.
#[derive(Clone)]
pub struct PushService(Arc<Inner>);

struct Inner {
    key: PushKey,
    settings: Settings,
    client: outside::Client,
    metrics: Metrics,
    services: Mutex<HashMap<String, mpsc::Sender<Job>>>,
    gone: mpsc::Sender<Gone>,
}

/// One request.
struct Job {
    device: DeviceId,
    token: String,
    subscription: Subscription,
    payload: String,
    ttl_s: u32,
    urgent: bool,
    /// A later one with the same takes its place while the browser is away.
    topic: String,
}

impl PushService {
    /// With the key of this installation; `gone` hears of subscriptions that are no more.
    pub fn new(
        key: PushKey,
        settings: Settings,
        metrics: Metrics,
        gone: mpsc::Sender<Gone>,
    ) -> PushService {
        let client = outside::client(settings.allow_private, WEBHOOK_CONNECT_WITHIN);
        let services = Mutex::default();
        PushService(Arc::new(Inner { key, settings, client, metrics, services, gone }))
    }

    /// Takes what the hub says. Never waits.
    pub fn take(&self, push: Push) {
        let payload = payload(&push);
        for Target { device, token, .. } in &push.targets {
            // Tokens of other services are for the app's own backend.
            let Some(subscription) = Subscription::parse(token) else { continue };
            if !self.0.settings.allow_private
                && (subscription.endpoint.scheme_str() != Some("https")
                    || outside::is_inside(&subscription.endpoint))
            {
                // Nobody's push service, and never will be one.
                let _ = self.0.gone.try_send((*device, token.clone()));
                continue;
            }
            self.queue(Job {
                device: *device,
                token: token.clone(),
                subscription,
                payload: payload.clone(),
                ttl_s: push.ttl_s,
                urgent: push.call.is_some(),
                topic: format!("{}-{}-{}", push.aid.0, push.from.0, push.gid.0),
            });
        }
    }

    fn queue(&self, job: Job) {
        let origin = job.subscription.origin();
        let mut services = self.0.services.lock().expect("no panic while queueing");
        // Whose task has ended has its sender closed.
        services.retain(|_, service| !service.is_closed());
        if !services.contains_key(&origin) {
            if services.len() >= PUSH_SERVICES_MAX {
                return self.drop_one();
            }
            let (service, jobs) = mpsc::channel(PUSH_WAITING_MAX);
            services.insert(origin.clone(), service);
            tokio::spawn(self.clone().serve(jobs));
        }
        if services[&origin].try_send(job).is_err() {
            self.drop_one();
        }
    }

    fn drop_one(&self) {
        self.0.metrics.pushes_dropped.inc();
    }

    /// The task of one push service; it ends when there was nothing to do for a while.
    async fn serve(self, mut jobs: mpsc::Receiver<Job>) {
        let slots = Arc::new(Semaphore::new(PUSH_AT_ONCE_MAX));
        loop {
            let job = match tokio::time::timeout(PUSH_IDLE_MAX, jobs.recv()).await {
                Ok(Some(job)) => job,
                Ok(None) => return,
                Err(_) => {
                    // What came in this moment is still done.
                    jobs.close();
                    match jobs.recv().await {
                        Some(job) => job,
                        None => return,
                    }
                }
            };
            let slot = slots.clone().acquire_owned().await.expect("never closed");
            let service = self.clone();
            tokio::spawn(async move {
                service.deliver(&job).await;
                drop(slot);
            });
        }
    }

    async fn deliver(&self, job: &Job) {
        let metrics = &self.0.metrics;
        for last in [false, true] {
            let outcome = tokio::time::timeout(PUSH_WITHIN, self.send(job)).await;
            match outcome.unwrap_or(Outcome::Later) {
                Outcome::Taken => {
                    metrics.pushes_sent.inc();
                    return;
                }
                Outcome::Gone => {
                    metrics.pushes_failed.inc();
                    let _ = self.0.gone.send((job.device, job.token.clone())).await;
                    return;
                }
                Outcome::Later if !last => tokio::time::sleep(PUSH_RETRY_AFTER).await,
                Outcome::Later | Outcome::Never => {
                    metrics.pushes_failed.inc();
                    return;
                }
            }
        }
    }

    async fn send(&self, job: &Job) -> Outcome {
        let Some(body) = job.subscription.encrypt(&job.payload) else { return Outcome::Gone };
        let audience = job.subscription.origin();
        let signature = self.0.key.authorization(&audience, &self.0.settings.contact);
        let request = Request::post(job.subscription.endpoint.clone())
            .header(header::AUTHORIZATION, signature)
            .header(header::CONTENT_ENCODING, "aes128gcm")
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header("ttl", job.ttl_s)
            .header("urgency", if job.urgent { "high" } else { "normal" })
            .header("topic", &job.topic)
            .body(Full::new(Bytes::from(body)));
        let Ok(request) = request else { return Outcome::Never };
        let Ok(answer) = self.0.client.request(request).await else { return Outcome::Later };
        match answer.status() {
            status if status.is_success() => Outcome::Taken,
            StatusCode::NOT_FOUND | StatusCode::GONE => Outcome::Gone,
            status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                Outcome::Later
            }
            status => {
                tracing::warn!(status = status.as_u16(), "a push service refuses our messages");
                Outcome::Never
            }
        }
    }
}

enum Outcome {
    Taken,
    /// The subscription is no more.
    Gone,
    /// Another try makes sense.
    Later,
    Never,
}

/// What the service worker reads.
fn payload(push: &Push) -> String {
    let mut body = json!({
        "aid": push.aid.0,
        "uid": push.from.0,
        "gid": push.gid.0,
        "type": push.kind,
        "ts": push.ts.0,
    });
    if let Some(video) = push.call {
        body["call"] = if video { "video" } else { "voice" }.into();
    }
    if let Some(alert) = &push.alert {
        body["title"] = alert.title.as_str().into();
        body["alert"] = alert.text.as_str().into();
    }
    body.to_string()
}

/// `/push/key`: what pages subscribe with.
pub fn routes() -> Router<Shared> {
    Router::new().route("/push/key", get(public_key))
}

async fn public_key(State(shared): State<Shared>) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        // Pages of other origins subscribe, too.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, shared.push.0.key.public().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64URL_NOPAD;
    use web_push_native::p256::SecretKey;

    fn push(endpoint: &str) -> Push {
        let key = SecretKey::from_slice(&[7; 32]).unwrap().public_key().to_sec1_bytes();
        let keys =
            json!({"p256dh": BASE64URL_NOPAD.encode(&key), "auth": "AAAAAAAAAAAAAAAAAAAAAA"});
        let token = json!({"endpoint": endpoint, "keys": keys}).to_string();
        let target = Target { device: DeviceId(1), token, voip: false };
        Push { targets: vec![target], ..Push::default() }
    }

    #[tokio::test]
    async fn a_subscription_that_leads_inside_is_forgotten_and_never_asked() {
        let (gone, mut forgotten) = mpsc::channel(9);
        let key = PushKey::parse(&"1f".repeat(32)).unwrap();
        let service = PushService::new(key, Settings::default(), Metrics::default(), gone);
        for inside in ["http://push.example.test/", "https://127.0.0.1/", "https://[::1]/"] {
            service.take(push(inside));
            assert!(forgotten.try_recv().is_ok(), "{inside}");
        }
        assert!(service.0.services.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn no_client_can_have_us_ask_everybody_at_once() {
        let (gone, _forgotten) = mpsc::channel(9);
        let key = PushKey::parse(&"1f".repeat(32)).unwrap();
        let metrics = Metrics::default();
        let settings = Settings { allow_private: true, ..Settings::default() };
        let service = PushService::new(key, settings, metrics.clone(), gone);
        for port in 0..=PUSH_SERVICES_MAX {
            service.take(push(&format!("http://127.0.0.1:{}/", port + 1)));
        }
        assert_eq!(metrics.pushes_dropped.get(), 1);
    }
}
