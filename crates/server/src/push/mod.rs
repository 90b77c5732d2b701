//! Push messages to devices that are not there: Web Push (RFC 8030), encrypted (RFC 8291), signed with
//! this installation's key (RFC 8292); Firebase and Apple with the app's own credentials.
//!
//! Each push service has a queue and a task of its own, so a slow one slows nobody else. What waits
//! is in memory: a restart forgets it, the message itself waits in the store. Relies on the hub for
//! who is woken, and tells it which places are no more.

mod apn;
pub mod credential;
mod fcm;
mod key;
mod notice;
mod subscription;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hub::port::apps::{PushCredential, push_kind};
use hub::port::push::{Push, Target};
use hub::port::store::DeviceId;
use hyper::Request;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::rustls::RootCertStore;
use wire::id::AppId;
use wire::limits::{
    PUSH_ANSWER_BYTES_MAX, PUSH_AT_ONCE_MAX, PUSH_IDLE_MAX, PUSH_RETRY_AFTER, PUSH_SERVICES_MAX,
    PUSH_WAITING_MAX, PUSH_WITHIN, WEBHOOK_CONNECT_WITHIN,
};

pub use self::key::PushKey;
use self::subscription::Subscription;
use crate::Shared;
use crate::front::certificates;
use crate::metrics::Metrics;
use crate::outside;

/// What the operator has set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Services at `http://` and at addresses inside the network are asked.
    pub allow_private: bool,
    /// Whom a push service may write to, `mailto:` or `https:`; empty = it is not said.
    pub contact: String,
    /// Where Firebase is, unless at Google's.
    pub fcm: Option<String>,
    /// Where Apple's service is, unless at Apple's.
    pub apn: Option<String>,
    /// Certificates, PEM, that the one at `apn` goes back to.
    pub apn_ca: Option<PathBuf>,
}

/// Where Firebase is.
const FIREBASE: &str = "https://fcm.googleapis.com";

/// A subscription that is no more.
pub type Gone = (DeviceId, String);

/// See the module.
#[derive(Clone)]
pub struct PushService(Arc<Inner>);

struct Inner {
    key: PushKey,
    settings: Settings,
    client: outside::Client,
    apn_roots: Option<Arc<RootCertStore>>,
    metrics: Metrics,
    services: Mutex<HashMap<Service, mpsc::Sender<Job>>>,
    gone: mpsc::Sender<Gone>,
}

/// A push service, as one app knows it when it takes credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Service {
    /// By scheme, name and port.
    Web(String),
    /// By project.
    Fcm(AppId, PushCredential),
    /// By all certificates, and whether it is the one for development.
    Apn(AppId, Vec<PushCredential>, bool),
}

/// How a service is asked.
enum Sender {
    Web,
    Fcm(Box<fcm::Sender>),
    Apn(apn::Sender),
}

/// One request.
struct Job {
    target: Target,
    push: Arc<Push>,
}

/// What a service has said.
pub struct Answer {
    /// Of HTTP.
    status: u16,
    /// In its own words, if any.
    reason: String,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Taken,
    /// The place is no more.
    Gone,
    /// Another try makes sense.
    Later,
    Never,
}

impl PushService {
    /// With the key of this installation; `gone` hears of places that are no more.
    ///
    /// # Errors
    /// When the certificates of the settings cannot be read.
    pub fn new(
        key: PushKey,
        settings: Settings,
        metrics: Metrics,
        gone: mpsc::Sender<Gone>,
    ) -> anyhow::Result<PushService> {
        let client = outside::client(settings.allow_private, WEBHOOK_CONNECT_WITHIN, 1);
        let services = Mutex::default();
        let mut apn_roots = None;
        if let Some(ca) = &settings.apn_ca {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(ca).context("push.apn_ca")? {
                roots.add(certificate)?;
            }
            apn_roots = Some(Arc::new(roots));
        }
        Ok(PushService(Arc::new(Inner {
            key,
            settings,
            client,
            apn_roots,
            metrics,
            services,
            gone,
        })))
    }

    /// Takes what the hub says. Never waits.
    pub fn take(&self, push: Push) {
        let push = Arc::new(push);
        for target in &push.targets {
            let job = Job { target: target.clone(), push: push.clone() };
            match self.service(&push, &target.token) {
                Ok(service) => self.queue(service, job),
                // Nobody's push service, and never will be one.
                Err(Nowhere::Inside) => {
                    let _ = self.0.gone.try_send((target.device, target.token.clone()));
                }
                // For the app's own backend.
                Err(Nowhere::Unknown(_)) => {}
            }
        }
    }

    /// Where a token leads.
    fn service(&self, push: &Push, token: &str) -> Result<Service, Nowhere> {
        if let Some(subscription) = Subscription::parse(token) {
            let is_public = subscription.endpoint.scheme_str() == Some("https")
                && !outside::is_inside(&subscription.endpoint);
            return match is_public || self.0.settings.allow_private {
                true => Ok(Service::Web(subscription.origin())),
                false => Err(Nowhere::Inside),
            };
        }
        // Apple's are bytes in hexadecimal digits, Firebase's have a colon and other letters.
        let is_apple = token.len() >= 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
        let kind = if is_apple { push_kind::APN } else { push_kind::FCM };
        let known = push.credentials.iter().filter(|one| one.kind == kind);
        let known: Vec<_> = known.cloned().collect();
        match known.first() {
            None => Err(Nowhere::Unknown(if is_apple { "apn" } else { "fcm" })),
            Some(_) if is_apple => Ok(Service::Apn(push.aid, known, push.sandbox)),
            Some(first) => Ok(Service::Fcm(push.aid, first.clone())),
        }
    }

    fn queue(&self, service: Service, job: Job) {
        let mut services = self.0.services.lock().expect("no panic while queueing");
        // Whose task has ended has its sender closed.
        services.retain(|_, service| !service.is_closed());
        if !services.contains_key(&service) {
            if services.len() >= PUSH_SERVICES_MAX {
                return self.drop_one();
            }
            let (jobs, waiting) = mpsc::channel(PUSH_WAITING_MAX);
            services.insert(service.clone(), jobs);
            tokio::spawn(self.clone().serve(service.clone(), waiting));
        }
        if services[&service].try_send(job).is_err() {
            self.drop_one();
        }
    }

    fn drop_one(&self) {
        self.0.metrics.pushes_dropped.inc();
    }

    fn sender(&self, service: &Service) -> anyhow::Result<Sender> {
        let settings = &self.0.settings;
        Ok(match service {
            Service::Web(_) => Sender::Web,
            Service::Fcm(_, credential) => {
                let base = settings.fcm.as_deref().unwrap_or(FIREBASE);
                Sender::Fcm(Box::new(fcm::Sender::new(credential, base, self.0.client.clone())?))
            }
            Service::Apn(_, credentials, sandbox) => Sender::Apn(apn::Sender::new(
                credentials,
                *sandbox,
                settings.apn.as_deref(),
                self.0.apn_roots.as_ref(),
            )?),
        })
    }

    /// The task of one push service; it ends when there was nothing to do for a while.
    async fn serve(self, service: Service, mut jobs: mpsc::Receiver<Job>) {
        let sender = match self.sender(&service) {
            Ok(sender) => Arc::new(sender),
            Err(error) => return tracing::warn!("push messages of an app are not sent: {error:#}"),
        };
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
            let (service, sender) = (self.clone(), sender.clone());
            tokio::spawn(async move {
                service.deliver(&sender, &job).await;
                drop(slot);
            });
        }
    }

    async fn deliver(&self, sender: &Sender, job: &Job) {
        let metrics = &self.0.metrics;
        for last in [false, true] {
            let answer = self.try_once(sender, job).await;
            if job.push.debug {
                let Answer { status, reason, .. } = &answer;
                tracing::info!(app = job.push.aid.0, status, reason, "push");
            }
            match answer.outcome {
                Outcome::Taken => {
                    metrics.pushes_sent.inc();
                    return;
                }
                Outcome::Gone => {
                    metrics.pushes_failed.inc();
                    self.forget(&job.target).await;
                    return;
                }
                Outcome::Later if !last => tokio::time::sleep(PUSH_RETRY_AFTER).await,
                Outcome::Later | Outcome::Never => {
                    metrics.pushes_failed.inc();
                    let Answer { status, reason, .. } = answer;
                    tracing::warn!(status, reason, "a push service does not take our message");
                    return;
                }
            }
        }
    }

    async fn forget(&self, target: &Target) {
        let _ = self.0.gone.send((target.device, target.token.clone())).await;
    }

    async fn try_once(&self, sender: &Sender, job: &Job) -> Answer {
        let Job { target: Target { token, voip, .. }, push } = job;
        let asked = async {
            match sender {
                Sender::Web => self.send_to_browser(push, token).await,
                Sender::Fcm(fcm) => fcm.send(push, token).await,
                Sender::Apn(apn) => apn.send(push, token, *voip).await,
            }
        };
        let later = |reason: String| Answer { status: 0, reason, outcome: Outcome::Later };
        match tokio::time::timeout(PUSH_WITHIN, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => later(error.to_string()),
            Err(_) => later("no answer in time".into()),
        }
    }

    async fn send_to_browser(&self, push: &Push, token: &str) -> anyhow::Result<Answer> {
        let subscription = Subscription::parse(token).context("the subscription is none")?;
        let payload = serde_json::Value::from(notice::fields(push)).to_string();
        let Some(encrypted) = subscription.encrypt(&payload) else {
            let reason = "the key of the subscription is none".into();
            return Ok(Answer { status: 0, reason, outcome: Outcome::Gone });
        };
        let audience = subscription.origin();
        let signature = self.0.key.authorization(&audience, &self.0.settings.contact);
        let request = Request::post(subscription.endpoint)
            .header(header::AUTHORIZATION, signature)
            .header(header::CONTENT_ENCODING, "aes128gcm")
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header("ttl", push.ttl_s)
            .header("urgency", if push.call.is_some() { "high" } else { "normal" })
            .header("topic", notice::topic(push))
            .body(Full::new(Bytes::from(encrypted)))?;
        let answer = self.0.client.request(request).await;
        let status = answer.context("the push service is not reached")?.status();
        let outcome = match status {
            status if status.is_success() => Outcome::Taken,
            StatusCode::NOT_FOUND | StatusCode::GONE => Outcome::Gone,
            status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                Outcome::Later
            }
            _ => Outcome::Never,
        };
        Ok(Answer { status: status.as_u16(), reason: String::new(), outcome })
    }

    /// Sends at once, and tells what came back of each place.
    pub async fn test(&self, push: Push) -> Value {
        let push = Arc::new(push);
        let (mut sent, mut answers) = (0, Vec::new());
        for target in &push.targets {
            let (kind, answer) = self.test_one(&push, target).await;
            sent += u32::from(answer.outcome == Outcome::Taken);
            let Answer { status, reason, .. } = answer;
            answers.push(json!({"type": kind, "status": status, "answer": reason}));
        }
        json!({"sent": sent, "push": {"answers": answers}})
    }

    async fn test_one(&self, push: &Arc<Push>, target: &Target) -> (&'static str, Answer) {
        let never = |reason: String| Answer { status: 0, reason, outcome: Outcome::Never };
        let service = match self.service(push, &target.token) {
            Ok(service) => service,
            Err(Nowhere::Inside) => {
                let why = "the push service is inside the network, or without TLS";
                return ("webpush", never(why.into()));
            }
            Err(Nowhere::Unknown(kind)) => {
                return (kind, never("the app has no credential for it (pushupload)".into()));
            }
        };
        let kind = match &service {
            Service::Web(_) => "webpush",
            Service::Fcm(..) => "fcm",
            Service::Apn(..) => "apn",
        };
        let sender = match self.sender(&service) {
            Ok(sender) => sender,
            Err(error) => return (kind, never(error.to_string())),
        };
        let job = Job { target: target.clone(), push: push.clone() };
        let answer = self.try_once(&sender, &job).await;
        if answer.outcome == Outcome::Gone {
            self.forget(target).await;
        }
        (kind, answer)
    }
}

/// Why a token leads nowhere.
enum Nowhere {
    /// It is a subscription whose service must not be asked.
    Inside,
    /// It is of a service that the app has no credential for.
    Unknown(&'static str),
}

/// The beginning of what a service has answered.
async fn body(answer: hyper::Response<hyper::body::Incoming>) -> Bytes {
    let body = Limited::new(answer.into_body(), PUSH_ANSWER_BYTES_MAX).collect().await;
    body.map(|body| body.to_bytes()).unwrap_or_default()
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
        let service = PushService::new(key, Settings::default(), Metrics::default(), gone).unwrap();
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
        let service = PushService::new(key, settings, metrics.clone(), gone).unwrap();
        for port in 0..=PUSH_SERVICES_MAX {
            service.take(push(&format!("http://127.0.0.1:{}/", port + 1)));
        }
        assert_eq!(metrics.pushes_dropped.get(), 1);
    }
}
