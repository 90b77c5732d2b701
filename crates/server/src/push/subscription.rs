//! Where a browser is woken, as its page has said: the JSON of a `PushSubscription`.

use data_encoding::BASE64URL_NOPAD;
use hyper::Uri;
use serde::Deserialize;
use web_push_native::p256::PublicKey;
use web_push_native::{Auth, encrypt};

/// See the module.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// An absolute `https` or `http` URL.
    pub endpoint: Uri,
    key: PublicKey,
    auth: Auth,
}

#[derive(Deserialize)]
struct Said {
    endpoint: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

impl Subscription {
    /// `None` when it is none.
    pub fn parse(token: &str) -> Option<Subscription> {
        let Said { endpoint, keys } = serde_json::from_str(token).ok()?;
        let bytes = |text: &str| BASE64URL_NOPAD.decode(text.trim_end_matches('=').as_bytes()).ok();
        let endpoint: Uri = endpoint.parse().ok()?;
        let http = matches!(endpoint.scheme_str(), Some("https" | "http"));
        let auth = bytes(&keys.auth).filter(|auth| auth.len() == 16)?;
        let key = PublicKey::from_sec1_bytes(&bytes(&keys.p256dh)?).ok()?;
        http.then(|| Subscription { endpoint, key, auth: Auth::clone_from_slice(&auth) })
    }

    /// Scheme, name and port of the push service.
    pub fn origin(&self) -> String {
        let scheme = self.endpoint.scheme_str().unwrap_or_default();
        let authority = self.endpoint.authority().map(|it| it.as_str()).unwrap_or_default();
        // A name before an @ belongs to no origin.
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("{scheme}://{host}")
    }

    /// A body that nobody but this browser reads.
    pub fn encrypt(&self, text: &str) -> Option<Vec<u8>> {
        encrypt(text.as_bytes().to_vec(), &self.key, &self.auth).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use web_push_native::decrypt;
    use web_push_native::p256::SecretKey;

    #[test]
    fn only_the_browser_that_subscribed_reads_what_is_sent() {
        let secret = SecretKey::from_slice(&[7; 32]).unwrap();
        let p256dh = BASE64URL_NOPAD.encode(&secret.public_key().to_sec1_bytes());
        let auth = BASE64URL_NOPAD.encode(&[9; 16]);
        let token = json!({"endpoint": "https://u@push.test/x", "expirationTime": null,
            "keys": {"p256dh": p256dh, "auth": auth}});
        let subscription = Subscription::parse(&token.to_string()).unwrap();
        assert_eq!(subscription.origin(), "https://push.test");
        let body = subscription.encrypt("to you").unwrap();
        let read = |secret: &SecretKey, auth: u8| {
            decrypt(body.clone(), secret, &Auth::clone_from_slice(&[auth; 16]))
        };
        assert_eq!(read(&secret, 9).unwrap(), b"to you");
        assert!(read(&secret, 8).is_err());
        assert!(read(&SecretKey::from_slice(&[8; 32]).unwrap(), 9).is_err());
    }

    #[test]
    fn what_is_no_subscription_is_none() {
        let key = BASE64URL_NOPAD.encode(&[4; 65]);
        for token in [
            "".into(),
            "a token of another service".into(),
            "{}".into(),
            json!({"endpoint": "/x", "keys": {"p256dh": key, "auth": ""}}).to_string(),
            json!({"endpoint": "https://a.test/", "keys": {"p256dh": key, "auth": "AA"}})
                .to_string(),
        ] {
            assert!(Subscription::parse(&token).is_none(), "{token}");
        }
    }
}
