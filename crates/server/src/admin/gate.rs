//! Who may knock at the backend API: from which addresses, and how often in vain
//! (`backend-api.md` 1.3). In memory only; a restart forgets all of it.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hub::household;
use hub::port::admin::{AdminError, ErrorCode, Param};
use hub::port::store::TokenHash;
use ipnet::IpNet;
use wire::limits::{ADMIN_FAILURES_PER_MINUTE_MAX, ADMIN_SOURCES_KEPT_MAX};

/// See the module.
#[derive(Debug, Default)]
pub struct Gate {
    /// Where backends may come from; empty = from anywhere.
    allow: Vec<IpNet>,
    /// Addresses one token may be used from, 0 = any number.
    sources_max: usize,
    failures: Failures,
    sources: Mutex<HashMap<TokenHash, BTreeSet<IpAddr>>>,
}

impl Gate {
    pub fn new(allow: Vec<IpNet>, sources_max: usize) -> Gate {
        Gate { allow, sources_max, ..Gate::default() }
    }

    /// Whether an address may ask at all, with this token or without.
    pub fn admits(&self, remote: IpAddr, token: Option<&TokenHash>) -> Result<(), AdminError> {
        let remote = remote.to_canonical();
        let breach = |cause: &str| {
            let (code, cause) = (ErrorCode::TokenBreach, cause.into());
            Err(AdminError { code, cause, params: vec![Param::Token] })
        };
        if !self.allow.is_empty() && !self.allow.iter().any(|net| net.contains(&remote)) {
            return breach("backends do not come from this address (admin.allow)");
        }
        if self.failures.too_many(remote) {
            let cause = "too many failed sign-ins from this address, wait a minute".into();
            return Err(AdminError { code: ErrorCode::RateLimit, cause, params: vec![] });
        }
        let sources = self.sources.lock().expect("no panic while counting");
        let known = token.and_then(|token| sources.get(token));
        let full =
            known.is_some_and(|known| known.len() >= self.sources_max && !known.contains(&remote));
        if self.sources_max > 0 && full {
            tracing::warn!(
                limit = self.sources_max,
                "an app token is used from too many addresses"
            );
            return breach("the token is used from too many addresses (admin.max_source_ips)");
        }
        Ok(())
    }

    /// The token was good.
    pub fn count_source(&self, remote: IpAddr, token: TokenHash) {
        if self.sources_max == 0 {
            return;
        }
        let mut sources = self.sources.lock().expect("no panic while counting");
        if sources.len() >= ADMIN_SOURCES_KEPT_MAX {
            sources.clear();
        }
        sources.entry(token).or_default().insert(remote.to_canonical());
    }

    /// The credential was worth nothing.
    pub fn count_failure(&self, remote: IpAddr) {
        self.failures.count(remote);
    }
}

/// Failed sign-ins by address, or by network where one has many: ten a minute, then none for a minute.
#[derive(Debug, Default)]
pub struct Failures {
    by_address: Mutex<HashMap<IpAddr, (u32, Instant)>>,
}

impl Failures {
    const MINUTE: Duration = Duration::from_secs(60);

    pub fn too_many(&self, address: IpAddr) -> bool {
        let failures = self.by_address.lock().expect("no panic while counting");
        failures.get(&household(address)).is_some_and(|(count, since)| {
            *count >= ADMIN_FAILURES_PER_MINUTE_MAX && since.elapsed() < Self::MINUTE
        })
    }

    pub fn count(&self, address: IpAddr) {
        let mut failures = self.by_address.lock().expect("no panic while counting");
        // Addresses that have behaved for a minute are forgotten, so the map stays small.
        failures.retain(|_, (_, since)| since.elapsed() < Self::MINUTE);
        let (count, since) = failures.entry(household(address)).or_insert((0, Instant::now()));
        *count += 1;
        if *count == ADMIN_FAILURES_PER_MINUTE_MAX {
            *since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn only_the_networks_that_are_named_are_let_in() {
        let gate = Gate::new(vec!["192.0.2.0/30".parse().unwrap()], 0);
        assert!(gate.admits(address(3), None).is_ok());
        assert!(gate.admits("::ffff:192.0.2.3".parse().unwrap(), None).is_ok());
        let refused = gate.admits(address(4), None).unwrap_err();
        assert_eq!(refused.code, ErrorCode::TokenBreach);
    }

    #[test]
    fn a_token_is_good_from_as_many_addresses_as_may_be() {
        let gate = Gate::new(Vec::new(), 2);
        let token = [7; 32];
        for last in [1, 2, 1] {
            assert!(gate.admits(address(last), Some(&token)).is_ok());
            gate.count_source(address(last), token);
        }
        let refused = gate.admits(address(3), Some(&token)).unwrap_err();
        assert_eq!(refused.code, ErrorCode::TokenBreach);
        assert!(gate.admits(address(2), Some(&token)).is_ok());
        assert!(gate.admits(address(3), Some(&[8; 32])).is_ok(), "another token");
    }

    #[test]
    fn an_address_that_fails_too_often_is_not_heard_for_a_while() {
        let gate = Gate::default();
        for _ in 0..ADMIN_FAILURES_PER_MINUTE_MAX {
            assert!(gate.admits(address(1), None).is_ok());
            gate.count_failure(address(1));
        }
        let refused = gate.admits(address(1), None).unwrap_err();
        assert_eq!(refused.code, ErrorCode::RateLimit);
        assert!(gate.admits(address(2), None).is_ok());
    }

    #[test]
    fn who_has_a_whole_network_fails_no_more_often() {
        let gate = Gate::default();
        let address = |last: u32| format!("2001:db8::{last:x}").parse().unwrap();
        for last in 0..ADMIN_FAILURES_PER_MINUTE_MAX {
            gate.count_failure(address(last));
        }
        assert!(gate.admits(address(99), None).is_err());
        assert!(gate.admits("2001:db8:0:1::1".parse().unwrap(), None).is_ok());
    }
}
