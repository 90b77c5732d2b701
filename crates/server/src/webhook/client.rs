//! One request to a URL that an app has chosen: never to an address inside the operator's network,
//! never further than where it was sent, never longer than a few seconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Uri, header};
use sha2::Sha256;
use wire::limits::{WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_CONNECT_WITHIN, WEBHOOK_WITHIN};

use super::Settings;
use crate::outside;

/// What a webhook answers (`backend-api.md` 2.9.1).
pub const TAKEN: &[u8] = b"MESIBO OK";

/// Why an event was not taken.
#[derive(Debug)]
pub struct Failure {
    /// Without the URL: it may have a secret in it.
    pub why: String,
    /// Another try makes sense.
    pub may_pass: bool,
}

/// See the module.
pub struct Client {
    http: outside::Client,
    settings: Settings,
}

/// What is posted.
pub struct Post<'a> {
    pub url: &'a str,
    /// Signs it, empty = it is not signed.
    pub secret: &'a str,
    pub content_type: &'static str,
    pub body: String,
    /// The same each time it is tried.
    pub id: u64,
    /// From 1.
    pub attempt: usize,
}

impl Client {
    /// With so many connections to each place that are kept open.
    pub fn new(settings: &Settings, idle: usize) -> Client {
        let http = outside::client(settings.allow_private, WEBHOOK_CONNECT_WITHIN, idle);
        Client { http, settings: settings.clone() }
    }

    /// Posts a body; any 2xx means that it was taken, unless more is asked for. Redirects are not
    /// followed.
    pub async fn post(&self, post: Post<'_>) -> Result<(), Failure> {
        let body_max = if self.settings.strict_body { WEBHOOK_ANSWER_BYTES_MAX } else { 0 };
        let body = self.exchange(post, WEBHOOK_WITHIN, body_max).await?;
        if self.settings.strict_body && body.trim_ascii() != TAKEN {
            let why = "it did not answer MESIBO OK (webhook.strict_body)".into();
            return Err(Failure { why, may_pass: true });
        }
        Ok(())
    }

    /// Posts a body and gives that of the answer, empty when it is longer than `body_max`. An answer
    /// other than 2xx is a failure.
    pub async fn exchange(
        &self,
        post: Post<'_>,
        within: Duration,
        body_max: usize,
    ) -> Result<Bytes, Failure> {
        let Post { url, secret, content_type, body, id, attempt } = post;
        let never = |why: &str| Failure { why: why.into(), may_pass: false };
        let later = |why: String| Failure { why, may_pass: true };
        let uri: Uri = url.parse().map_err(|_| never("the url cannot be read"))?;
        if uri.scheme_str() != Some("https") && !self.settings.allow_http {
            return Err(never("the url does not begin with https:// (webhook.allow_http)"));
        }
        if !self.settings.allow_private && outside::is_inside(&uri) {
            return Err(never("the address is not public (webhook.allow_private)"));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let mut request = Request::post(uri)
            .header(header::CONTENT_TYPE, content_type)
            .header(header::USER_AGENT, "mesibo-server")
            .header("x-mesibo-id", id)
            .header("x-mesibo-attempt", attempt)
            .header("x-timestamp", now.as_secs());
        if !secret.is_empty() {
            let (of_body, seconds) = (signature(secret, &body), now.as_secs());
            // Says also when it was sent, so that a copy is of no use later.
            let dated = signature(secret, &format!("{seconds}.{body}"));
            request = request
                .header("x-signature", format!("sha256={of_body}"))
                .header("x-mesibo-signature", format!("t={seconds},v1={dated}"));
        }
        let request = request.body(Full::from(body));
        let request = request.map_err(|_| never("the url cannot be asked"))?;
        let answer = tokio::time::timeout(within, self.ask(request, body_max)).await;
        answer.map_err(|_| later("no answer in time".into()))?.map_err(later)
    }

    async fn ask(&self, request: Request<Full<Bytes>>, body_max: usize) -> Result<Bytes, String> {
        let answer = self.http.request(request).await;
        let answer = answer.map_err(|_| "it could not be reached".to_owned())?;
        if !answer.status().is_success() {
            return Err(format!("it answered {}", answer.status().as_u16()));
        }
        if body_max == 0 {
            return Ok(Bytes::new());
        }
        let body = Limited::new(answer.into_body(), body_max).collect().await;
        Ok(body.map(|body| body.to_bytes()).unwrap_or_default())
    }
}

fn signature(secret: &str, body: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length will do");
    mac.update(body.as_bytes());
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_that_must_not_be_asked_is_not_tried_again() {
        let client = Client::new(&Settings::default(), 1);
        let post = |url| {
            let (content_type, body) = ("application/json", "{}".to_owned());
            client.post(Post { url, secret: "", content_type, body, id: 1, attempt: 1 })
        };
        for url in ["http://example.test/", "https://127.0.0.1/", "https://[::1]/", "nonsense"] {
            let failure = post(url).await.unwrap_err();
            assert!(!failure.may_pass, "{url}: {}", failure.why);
        }
        let failure = post("https://localhost/").await.unwrap_err();
        assert_eq!(failure.why, "it could not be reached", "localhost has no public address");
    }

    #[test]
    fn a_body_is_signed_as_the_standard_has_it() {
        // RFC 4231, test case 2.
        let known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", "what do ya want for nothing?"), known);
    }
}
