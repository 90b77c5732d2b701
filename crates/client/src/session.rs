//! The connection: signed in or on the way to it, and what the page is told of it.
//!
//! Relies on the host for sockets. Promises the status sequences of `client-api.md` 5.2, never
//! the same status twice in a row, and no attempt after a refusal that will not change.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use wire::code::Code;
use wire::id::{DeviceKey, Uid};
use wire::limits::{
    RECONNECT_DELAY_MAX, RECONNECT_DELAY_MIN, SILENCE_MAX, TOKEN_BYTES_MAX, TOKEN_BYTES_MIN,
    WELCOME_WITHIN,
};
use wire::proto;
use wire::time::{Duration, Instant, Now, Timestamp};

use crate::SocketId;
use crate::chance::Chance;
use crate::event::ConnectionStatus as Status;

/// Why `start` does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// There is no token.
    #[error("not signed in: call `setAccessToken` before `start`")]
    NoToken,
}

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Not started, stopped, or refused for good.
    Idle,
    /// Started; store or device key are not known yet.
    Preparing,
    /// Between two attempts.
    Waiting { until: Instant },
    /// The browser says there is no network.
    NoNetwork,
    /// The socket is being opened, or `Hello` was said.
    Opening { socket: SocketId, until: Instant },
    /// Signed in.
    Online { socket: SocketId },
}

#[derive(Debug)]
pub(crate) struct Session {
    pub app: String,
    pub token: Option<String>,
    pub uid: Uid,
    pub address: String,
    /// Goes with uploads; empty when the server takes none.
    pub upload_token: String,
    /// Where uploads go as forms; empty = to the server.
    pub upload_url: String,
    /// What helps to find a path between two browsers.
    pub ice_servers: Vec<proto::IceServer>,
    pub device: Option<DeviceKey>,
    pub link: Link,
    pub status: Status,
    /// Server clock minus own monotonic clock, ms: a wall clock that jumps does not move it.
    /// `None` before the first sign-in.
    clock_offset: Option<i64>,
    heard: Instant,
    attempts: u32,
    sockets: u64,
    network: bool,
}

impl Session {
    pub fn new() -> Session {
        Session {
            app: String::new(),
            token: None,
            uid: Uid(0),
            address: String::new(),
            upload_token: String::new(),
            upload_url: String::new(),
            ice_servers: Vec::new(),
            device: None,
            link: Link::Idle,
            status: Status::Unknown,
            clock_offset: None,
            heard: Instant(0),
            attempts: 0,
            sockets: 0,
            network: true,
        }
    }

    pub fn socket(&self) -> Option<SocketId> {
        match self.link {
            Link::Online { socket } => Some(socket),
            _ => None,
        }
    }

    pub fn is_online(&self) -> bool {
        self.socket().is_some()
    }

    pub fn is_started(&self) -> bool {
        self.link != Link::Idle
    }

    /// The socket this event is for, unless it is one of an earlier attempt.
    pub fn is_current(&self, socket: SocketId) -> bool {
        match self.link {
            Link::Opening { socket: current, .. } | Link::Online { socket: current } => {
                current == socket
            }
            _ => false,
        }
    }

    pub fn set_clock(&mut self, now: Now, server: u64) {
        self.clock_offset = Some(server as i64 - now.instant.0 as i64);
    }

    pub fn server_time(&self, now: Now) -> Timestamp {
        match self.clock_offset {
            Some(offset) => Timestamp(now.instant.0.saturating_add_signed(offset)),
            None => now.wall,
        }
    }

    /// Begins an attempt.
    pub fn open(&mut self, now: Now) -> SocketId {
        self.sockets += 1;
        let socket = SocketId(self.sockets);
        self.link = Link::Opening { socket, until: now.instant + WELCOME_WITHIN };
        self.heard = now.instant;
        socket
    }

    /// Signed in.
    pub fn enter(&mut self, now: Now, socket: SocketId) {
        self.link = Link::Online { socket };
        self.attempts = 0;
        self.heard = now.instant;
    }

    pub fn hear(&mut self, now: Now) {
        self.heard = now.instant;
    }

    /// The next attempt is made after a while that grows, and is drawn so that many clients of
    /// one server do not come back together.
    pub fn back_off(&mut self, now: Now, chance: &mut Chance, at_least: Duration) {
        let bound = RECONNECT_DELAY_MIN * 2u32.saturating_pow(self.attempts.min(16));
        let bound = bound.min(RECONNECT_DELAY_MAX);
        self.attempts = self.attempts.saturating_add(1);
        let jitter = chance.below(bound.as_millis() as u64 + 1);
        let delay = Duration::from_millis(jitter).max(at_least);
        self.link = match self.network {
            true => Link::Waiting { until: now.instant + delay },
            false => Link::NoNetwork,
        };
    }

    /// Makes the next attempt the first one again.
    pub fn forget_failures(&mut self) {
        self.attempts = 0;
    }

    pub fn set_network(&mut self, online: bool) {
        self.network = online;
    }

    pub fn has_network(&self) -> bool {
        self.network
    }

    /// When to look at the connection again.
    pub fn deadline(&self) -> Instant {
        match self.link {
            Link::Idle | Link::Preparing | Link::NoNetwork => Instant::FAR_FUTURE,
            Link::Waiting { until } | Link::Opening { until, .. } => until,
            Link::Online { .. } => self.heard + SILENCE_MAX,
        }
    }

    /// What of the user is known from the token, so that two accounts never share a database:
    /// `<aid>x<uid>x…` of our server's tokens, a digest of others.
    pub fn account(&self) -> String {
        let token = self.token.as_deref().unwrap_or_default();
        let mut parts = token.split('x');
        if let (Some(aid), Some(uid), Some(_)) = (parts.next(), parts.next(), parts.next())
            && !aid.is_empty()
            && !uid.is_empty()
            && aid.len() < 8
            && uid.len() < 8
        {
            return format!("{aid}-{uid}");
        }
        // FNV-1a: no secret, only a name.
        let digest = token.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{digest:016x}")
    }
}

/// Whether a token could be one: length, and characters that go into URLs.
pub(crate) fn is_token(token: &str) -> bool {
    (TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
}

/// What the page is told when the server ends or refuses the session: status, one line for the
/// console.
pub(crate) fn status_of(code: Option<Code>, reason: &str) -> (Status, String) {
    let said = |what: &str| match reason.is_empty() {
        true => what.to_string(),
        false => format!("{what}: {reason}"),
    };
    match code {
        None => (Status::Offline, "the connection was lost".to_string()),
        Some(Code::BadToken) => (Status::AuthFail, said("the server refused the access token")),
        Some(Code::WrongApp) => {
            (Status::AuthFail, said("the access token does not belong to the app id that was set"))
        }
        Some(Code::TokenExpired) => (Status::AuthFail, said("the access token has expired")),
        Some(Code::Suspended) => (Status::Suspend, said("the account is switched off")),
        Some(Code::SignedOut) => (Status::SignOut, said("signed out by the server")),
        Some(Code::ShuttingDown) => (Status::Shutdown, said("the server is stopping")),
        Some(_) => (Status::Offline, said("the server ended the connection")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_users_never_share_an_account_name_and_a_new_token_keeps_it() {
        let mut session = Session::new();
        let mut account = |token: &str| {
            session.token = Some(token.into());
            session.account()
        };
        assert_eq!(account("1x2xaaaa"), account("1x2xbbbb"));
        assert_ne!(account("1x2xaaaa"), account("1x3xaaaa"));
        assert_ne!(account("opaque-token-one"), account("opaque-token-two"));
    }

    #[test]
    fn the_wait_grows_to_its_bound_and_is_drawn() {
        let mut session = Session::new();
        let mut chance = Chance::new(1);
        let now = Now::default();
        let mut waits = alloc::vec::Vec::new();
        for _ in 0..40 {
            session.back_off(now, &mut chance, Duration::ZERO);
            waits.push(session.deadline().0);
        }
        assert!(waits[0] <= 500);
        assert!(waits.iter().all(|wait| *wait <= 30_000));
        assert!(waits[20..].iter().any(|wait| *wait > 15_000));
        assert_ne!(waits[20], waits[21]);
    }

    #[test]
    fn a_wall_clock_that_jumps_does_not_move_the_servers_clock() {
        let mut session = Session::new();
        let mut now = Now { instant: Instant(500), wall: Timestamp(7_000) };
        assert_eq!(session.server_time(now), Timestamp(7_000));
        session.set_clock(now, 90_000);
        now = Now { instant: Instant(600), wall: Timestamp(1) };
        assert_eq!(session.server_time(now), Timestamp(90_100));
    }

    #[test]
    fn a_token_of_impossible_form_is_seen() {
        assert!(is_token("1x1xee494e98fce6e6b4"));
        assert!(!is_token(""));
        assert!(!is_token("short"));
        assert!(!is_token("has spaces in it and more"));
    }
}
