//! Firebase Cloud Messaging (HTTP v1), as the app's service account: an access token is had for a signed
//! claim (RFC 7523) and used until it ends.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use aws_lc_rs::{rand, signature};
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http_body_util::Full;
use hub::port::apps::PushCredential;
use hub::port::push::Push;
use hyper::{Request, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::credential::ServiceAccount;
use super::{Answer, Outcome, body, notice};
use crate::outside;

/// What an access token is for.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// A claim holds for an hour, the most that Google takes.
const CLAIM: Duration = Duration::from_secs(3600);
/// So long before it ends an access token is not used any more.
const EARLY: Duration = Duration::from_secs(60);

/// See the module.
pub struct Sender {
    account: ServiceAccount,
    /// Of the service.
    url: String,
    client: outside::Client,
    access: Mutex<Option<(String, Instant)>>,
}

#[derive(Deserialize)]
struct Access {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
}

impl Sender {
    pub fn new(
        credential: &PushCredential,
        base: &str,
        client: outside::Client,
    ) -> anyhow::Result<Sender> {
        let account = ServiceAccount::read(&credential.secret)?;
        let url =
            format!("{}/v1/projects/{}/messages:send", base.trim_end_matches('/'), account.project);
        Ok(Sender { account, url, client, access: Mutex::default() })
    }

    pub async fn send(&self, push: &Push, token: &str) -> anyhow::Result<Answer> {
        let access = self.access().await?;
        let request = Request::post(&self.url)
            .header(header::AUTHORIZATION, format!("Bearer {access}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(notice::for_fcm(push, token).to_string())))?;
        let answer = self.client.request(request).await.context("Firebase is not reached")?;
        let status = answer.status();
        let said: Value = serde_json::from_slice(&body(answer).await).unwrap_or_default();
        let error = &said["error"];
        let details = error["details"].as_array().into_iter().flatten();
        let code = details.filter_map(|it| it["errorCode"].as_str()).next();
        let reason = code.or(error["status"].as_str()).unwrap_or_default().to_owned();
        let outcome = match status {
            status if status.is_success() => Outcome::Taken,
            _ if reason == "UNREGISTERED" => Outcome::Gone,
            StatusCode::UNAUTHORIZED => {
                // Withdrawn, or its key was: the next try asks for another.
                *self.access.lock().await = None;
                Outcome::Later
            }
            status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                Outcome::Later
            }
            _ => Outcome::Never,
        };
        Ok(Answer { status: status.as_u16(), reason, outcome })
    }

    async fn access(&self) -> anyhow::Result<String> {
        let mut access = self.access.lock().await;
        if let Some((token, until)) = &*access
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
            .append_pair("assertion", &self.claim()?)
            .finish();
        let request = Request::post(self.account.token_uri.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form)))?;
        let answer = self.client.request(request).await.context("token_uri is not reached")?;
        let status = answer.status();
        let said = serde_json::from_slice::<Access>(&body(answer).await);
        let said = said.ok().filter(|_| status.is_success());
        let said = said.with_context(|| format!("token_uri gives no access token ({status})"))?;
        let held = Duration::from_secs(said.expires_in).saturating_sub(EARLY);
        *access = Some((said.access_token.clone(), Instant::now() + held));
        Ok(said.access_token)
    }

    /// Says who asks, signed.
    fn claim(&self) -> anyhow::Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let head = json!({"alg": "RS256", "typ": "JWT", "kid": self.account.key_id});
        let claims = json!({
            "iss": self.account.email,
            "scope": SCOPE,
            "aud": self.account.token_uri.to_string(),
            "iat": now.as_secs(),
            "exp": (now + CLAIM).as_secs(),
        });
        let signed = format!("{}.{}", part(head), part(claims));
        let key = &self.account.key;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(
            &signature::RSA_PKCS1_SHA256,
            &rand::SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .map_err(|_| anyhow::anyhow!("the key of the service account does not sign"))?;
        Ok(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature)))
    }
}
