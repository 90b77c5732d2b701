//! One request to a URL that an app has chosen: never to an address inside the operator's network,
//! never further than where it was sent, never longer than a few seconds.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Uri, header};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use sha2::Sha256;
use tower_service::Service;
use wire::limits::{WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_CONNECT_WITHIN, WEBHOOK_WITHIN};

use super::Settings;

/// What a webhook answers (`backend-api.md` 2.9.1).
const TAKEN: &[u8] = b"MESIBO OK";

/// Why an event was not taken.
#[derive(Debug)]
pub struct Failure {
    /// Without the URL: it may have a secret in it.
    pub why: String,
    /// Another try makes sense.
    pub may_pass: bool,
}

type Connector = HttpsConnector<HttpConnector<Resolver>>;

/// See the module.
pub struct Client {
    http: legacy::Client<Connector, Full<Bytes>>,
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
    pub fn new(settings: &Settings) -> Client {
        let resolver = Resolver { allow_private: settings.allow_private };
        let mut connector = HttpConnector::new_with_resolver(resolver);
        connector.set_connect_timeout(Some(WEBHOOK_CONNECT_WITHIN));
        connector.enforce_http(false);
        let https = hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots();
        let https = https.https_or_http().enable_http1().wrap_connector(connector);
        let http =
            legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(1).build(https);
        Client { http, settings: settings.clone() }
    }

    /// Posts a body; any 2xx means that it was taken, unless more is asked for. Redirects are not
    /// followed.
    pub async fn post(&self, post: Post<'_>) -> Result<(), Failure> {
        let Post { url, secret, content_type, body, id, attempt } = post;
        let never = |why: &str| Failure { why: why.into(), may_pass: false };
        let later = |why: String| Failure { why, may_pass: true };
        let uri: Uri = url.parse().map_err(|_| never("the url cannot be read"))?;
        if uri.scheme_str() != Some("https") && !self.settings.allow_http {
            return Err(never("the url does not begin with https:// (webhook.allow_http)"));
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        // A name is judged by what it resolves to.
        if let Ok(address) = host.parse::<IpAddr>()
            && !self.settings.allow_private
            && !is_public(address)
        {
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
        let answer = tokio::time::timeout(WEBHOOK_WITHIN, self.ask(request)).await;
        answer.map_err(|_| later("no answer in time".into()))?.map_err(later)
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Result<(), String> {
        let answer = self.http.request(request).await;
        let answer = answer.map_err(|_| "it could not be reached".to_owned())?;
        if !answer.status().is_success() {
            return Err(format!("it answered {}", answer.status().as_u16()));
        }
        if self.settings.strict_body {
            let body = Limited::new(answer.into_body(), WEBHOOK_ANSWER_BYTES_MAX).collect().await;
            let text = body.map(|body| body.to_bytes()).unwrap_or_default();
            if text.trim_ascii() != TAKEN {
                return Err("it did not answer MESIBO OK (webhook.strict_body)".into());
            }
        }
        Ok(())
    }
}

fn signature(secret: &str, body: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length will do");
    mac.update(body.as_bytes());
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

/// Looks names up and leaves out what must not be reached: after the look-up, so that a name
/// cannot lead inside.
#[derive(Clone)]
struct Resolver {
    allow_private: bool,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<_> =
                found.filter(|address| private || is_public(address.ip())).collect();
            match found.is_empty() {
                true => Err(io::Error::other("the name has no public address")),
                false => Ok(found.into_iter()),
            }
        })
    }
}

/// Whether an address is of the public Internet (IANA's special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let protocols = (first, second, third) == (192, 0, 0);
    let benchmarks = first == 198 && (18..20).contains(&second);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || first == 0
        || first >= 240
        || shared
        || protocols
        || benchmarks)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Global unicast, without documentation and without what wraps IPv4 (6to4, Teredo).
    let [first, second, ..] = address.segments();
    let global = first & 0xe000 == 0x2000;
    let wrapped = first == 0x2002 || (first, second) == (0x2001, 0);
    global && !wrapped && (first, second) != (0x2001, 0xdb8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_are_told_from_those_outside() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "2001:db8::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }

    #[tokio::test]
    async fn a_url_that_must_not_be_asked_is_not_tried_again() {
        let client = Client::new(&Settings::default());
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
