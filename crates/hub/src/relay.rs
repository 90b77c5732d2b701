//! Relays (TURN): what a session is told, so that media finds a way where there is no direct one.
//!
//! A credential is short-lived and made from a secret that the relay knows as well: the user name is
//! when it ends and whose it is, the password an HMAC of that (draft-uberti-behave-turn-rest, which
//! coturn calls `use-auth-secret`). Nothing is stored for it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use data_encoding::BASE64;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use wire::id::Uid;
use wire::limits::RELAY_CREDENTIAL_LIFETIME;
use wire::proto::IceServer;

use crate::hub::Hub;
use crate::port::apps::feature;

/// The relays that sessions are told of.
#[derive(Clone)]
pub struct Relay {
    /// `turn:` and `turns:` URLs.
    pub urls: Vec<String>,
    /// Who may use them.
    pub credential: RelayCredential,
    /// Media takes no other way: no user learns another's address.
    pub only: bool,
}

/// How a relay knows its users.
#[derive(Clone)]
pub enum RelayCredential {
    /// Both of us know this; each user gets a credential of its own.
    Secret(String),
    /// All use the same.
    Fixed {
        /// User name.
        username: String,
        /// Password.
        password: String,
    },
}

/// Secrets are kept out of logs.
impl core::fmt::Debug for Relay {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Relay").field("urls", &self.urls).finish_non_exhaustive()
    }
}

/// The password that belongs to a user name.
pub fn relay_password(secret: &str, username: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes any key");
    mac.update(username.as_bytes());
    BASE64.encode(&mac.finalize().into_bytes())
}

/// When a user name ends, seconds since 1970, and whose it is; `None` when it is none of ours.
pub fn relay_user(username: &str) -> Option<(u64, Uid)> {
    let (expires, uid) = username.split_once(':')?;
    Some((expires.parse().ok()?, Uid(uid.parse().ok()?)))
}

impl Hub {
    /// Sessions are told of these relays.
    pub fn with_relay(mut self, relay: Option<Relay>) -> Hub {
        self.relay = relay;
        self
    }

    /// What a session of this user is told; nothing without relays.
    pub(crate) fn ice_servers(&self, uid: Uid) -> Vec<IceServer> {
        let Some(Relay { urls, credential, only }) = &self.relay else { return Vec::new() };
        if self.is_denied(uid, feature::own::CALL_TURN) {
            return Vec::new();
        }
        let (username, credential) = match credential {
            RelayCredential::Fixed { username, password } => (username.clone(), password.clone()),
            RelayCredential::Secret(secret) => {
                let expires = self.now.wall.after(RELAY_CREDENTIAL_LIFETIME).0 / 1000;
                let username = format!("{expires}:{}", uid.0);
                let password = relay_password(secret, &username);
                (username, password)
            }
        };
        let server = |urls: &String| IceServer {
            urls: urls.clone(),
            username: username.clone(),
            credential: credential.clone(),
            only: *only,
        };
        urls.iter().map(server).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_what_coturn_makes_of_the_same_secret() {
        // echo -n 1893456000:7 | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(relay_password("north", "1893456000:7"), "8Dn3iwnskdmhEZ5lni/FfsjhPHc=");
        assert_eq!(relay_user("1893456000:7"), Some((1_893_456_000, Uid(7))));
        assert_eq!(relay_user("admin"), None);
    }
}
