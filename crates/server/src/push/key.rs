//! The key by which push services know this installation (RFC 8292, "VAPID"): a P-256 key pair,
//! drawn at the first start.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use serde_json::{Value, json};
use web_push_native::p256::ecdsa::signature::Signer;
use web_push_native::p256::ecdsa::{Signature, SigningKey};
use wire::limits::PUSH_SIGNED_FOR;

/// See the module.
pub struct PushKey {
    secret: SigningKey,
    public: String,
}

impl PushKey {
    /// Reads the key that [`crate::kept_key`] keeps.
    pub fn parse(digits: &str) -> anyhow::Result<PushKey> {
        let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok();
        let secret = bytes.and_then(|bytes| SigningKey::from_slice(&bytes).ok());
        let secret = secret.context("push.key is not a P-256 key of 64 hexadecimal digits")?;
        let public = secret.verifying_key().to_encoded_point(false);
        let public = BASE64URL_NOPAD.encode(public.as_bytes());
        Ok(PushKey { secret, public })
    }

    /// What pages subscribe with: an uncompressed point, base64url.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// Says to a push service, by its origin, who asks.
    pub fn authorization(&self, audience: &str, contact: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut claims = json!({"aud": audience, "exp": (now + PUSH_SIGNED_FOR).as_secs()});
        if !contact.is_empty() {
            claims["sub"] = contact.into();
        }
        let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(json!({"typ": "JWT", "alg": "ES256"})), part(claims));
        let signature: Signature = self.secret.sign(signed.as_bytes());
        let signature = BASE64URL_NOPAD.encode(&signature.to_bytes());
        format!("vapid t={signed}.{signature}, k={}", self.public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use web_push_native::p256::ecdsa::signature::Verifier;

    #[test]
    fn a_push_service_can_check_who_asks() {
        let key = PushKey::parse(&"1f".repeat(32)).unwrap();
        let said = key.authorization("https://push.example.test", "mailto:ops@example.test");
        let token = said.strip_prefix("vapid t=").unwrap();
        let (token, public) = token.split_once(", k=").unwrap();
        assert_eq!(public, key.public());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        let signature = Signature::from_slice(&signature).unwrap();
        key.secret.verifying_key().verify(signed.as_bytes(), &signature).unwrap();
        let claims = signed.split_once('.').unwrap().1;
        let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["aud"], "https://push.example.test");
        assert_eq!(claims["sub"], "mailto:ops@example.test");
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        for bad in ["", "zz", &"00".repeat(32), &"ff".repeat(32)] {
            assert!(PushKey::parse(bad).is_err(), "{bad}");
        }
    }
}
