//! Apple's push service: HTTP/2 with the certificate of the app.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::Full;
use hub::port::apps::PushCredential;
use hub::port::push::Push;
use hyper::{Request, StatusCode};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wire::limits::WEBHOOK_CONNECT_WITHIN;

use super::credential::AppleCertificate;
use super::{Answer, Outcome, body, notice};

/// Where apps in the store, and apps that are being developed, are reached.
const PRODUCTION: &str = "https://api.push.apple.com";
const SANDBOX: &str = "https://api.sandbox.push.apple.com";

/// What is behind a place, as an error of Apple's says.
const OF_ANOTHER_APP: &str = "DeviceTokenNotForTopic";

/// See the module.
pub struct Sender {
    url: String,
    apps: Vec<App>,
}

struct App {
    topic: String,
    client: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Sender {
    /// With all certificates of the app; `url` and `roots` instead of Apple's.
    pub fn new(
        credentials: &[PushCredential],
        sandbox: bool,
        url: Option<&str>,
        roots: Option<&Arc<RootCertStore>>,
    ) -> anyhow::Result<Sender> {
        let apps = credentials.iter().map(|credential| App::new(credential, roots));
        let apps = apps.collect::<anyhow::Result<_>>()?;
        let url = url.unwrap_or(if sandbox { SANDBOX } else { PRODUCTION });
        Ok(Sender { url: url.trim_end_matches('/').to_owned(), apps })
    }

    /// Nothing says of which app a place is: it is tried with one after the other.
    pub async fn send(&self, push: &Push, token: &str, voip: bool) -> anyhow::Result<Answer> {
        let mut last = None;
        for app in &self.apps {
            let answer = app.send(&self.url, push, token, voip).await?;
            if answer.reason != OF_ANOTHER_APP {
                return Ok(answer);
            }
            last = Some(answer);
        }
        last.context("the app has no certificate of Apple's")
    }
}

impl App {
    fn new(credential: &PushCredential, roots: Option<&Arc<RootCertStore>>) -> anyhow::Result<App> {
        let AppleCertificate { topic, chain, key, .. } =
            AppleCertificate::read(&credential.secret)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = match roots {
            Some(roots) => config.with_root_certificates(roots.clone()),
            None => config.with_webpki_roots(),
        };
        let config =
            config.with_client_auth_cert(chain, key).context("key and certificate differ")?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(WEBHOOK_CONNECT_WITHIN));
        connector.enforce_http(false);
        let https = HttpsConnectorBuilder::new().with_tls_config(config).https_only();
        let https = https.enable_http2().wrap_connector(connector);
        let client = legacy::Client::builder(TokioExecutor::new()).http2_only(true).build(https);
        Ok(App { topic, client })
    }

    async fn send(
        &self,
        url: &str,
        push: &Push,
        token: &str,
        voip: bool,
    ) -> anyhow::Result<Answer> {
        let (kind, priority, said) = notice::for_apn(push, voip);
        let topic = match voip && !self.topic.ends_with(".voip") {
            true => format!("{}.voip", self.topic),
            false => self.topic.clone(),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let request = Request::post(format!("{url}/3/device/{token}"))
            .header("apns-topic", topic)
            .header("apns-push-type", kind)
            .header("apns-priority", priority)
            .header("apns-expiration", now + u64::from(push.ttl_s))
            .header("apns-collapse-id", notice::topic(push))
            .body(Full::new(Bytes::from(said.to_string())))?;
        let answer = self.client.request(request).await.context("Apple is not reached")?;
        let status = answer.status();
        let said: Value = serde_json::from_slice(&body(answer).await).unwrap_or_default();
        let reason = said["reason"].as_str().unwrap_or_default().to_owned();
        let outcome = match status {
            status if status.is_success() => Outcome::Taken,
            StatusCode::GONE => Outcome::Gone,
            _ if reason == "BadDeviceToken" => Outcome::Gone,
            status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                Outcome::Later
            }
            _ => Outcome::Never,
        };
        Ok(Answer { status: status.as_u16(), reason, outcome })
    }
}
