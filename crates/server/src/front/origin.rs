//! Where a request comes from: the client's own address and the URL it used, also when a proxy that
//! is trusted stands in between.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use ipnet::IpNet;

/// Where a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The client's address; limits and bans count by it.
    pub address: IpAddr,
    /// This server as the client sees it, such as `https://chat.example.com`.
    pub url: String,
}

/// Networks of proxies whose word counts. What anybody else says of whom they speak for is ignored:
/// otherwise a ban by address would be a matter of choosing another one.
#[derive(Clone, Debug, Default)]
pub struct Proxies(pub Vec<IpNet>);

impl Proxies {
    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// `secure`: the connection itself has TLS.
    pub fn origin(&self, peer: IpAddr, secure: bool, headers: &HeaderMap) -> Origin {
        let mut address = peer.to_canonical();
        let is_proxied = self.trusts(address);
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if is_proxied {
            // The nearest one is last; each proxy adds whom it has seen.
            let said = headers.get_all("x-forwarded-for").iter().rev();
            let said = said.filter_map(|value| value.to_str().ok());
            for said in said.flat_map(|list| list.rsplit(',')) {
                let Ok(before) = said.trim().parse::<IpAddr>() else { break };
                address = before.to_canonical();
                if !self.trusts(address) {
                    break;
                }
            }
        }
        let proxied = |name| text(name).filter(|_| is_proxied);
        let secure = proxied("x-forwarded-proto").map_or(secure, |scheme| scheme == "https");
        let host = proxied("x-forwarded-host").or_else(|| text(header::HOST.as_str()));
        let scheme = if secure { "https" } else { "http" };
        Origin { address, url: format!("{scheme}://{}", host.unwrap_or("localhost")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn origin(peer: &str, headers: &[(&'static str, &'static str)]) -> (String, String) {
        let proxies = Proxies(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        let origin = proxies.origin(peer.parse().unwrap(), false, &headers.collect());
        (origin.address.to_string(), origin.url)
    }

    #[test]
    fn who_is_no_proxy_speaks_for_nobody() {
        let said = [
            ("host", "chat.example.com"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example.com"),
        ];
        let expected = ("203.0.113.9".into(), "http://chat.example.com".into());
        assert_eq!(origin("203.0.113.9", &said), expected);
    }

    #[test]
    fn a_proxy_says_who_is_asking_and_by_which_name() {
        let said = [
            ("host", "127.0.0.1:8080"),
            ("x-forwarded-for", "192.0.2.66, 192.0.2.1, 10.1.1.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "chat.example.com"),
        ];
        // What the client itself had put in front is not believed.
        let expected = ("192.0.2.1".into(), "https://chat.example.com".into());
        assert_eq!(origin("::ffff:10.0.0.1", &said), expected);
        assert_eq!(origin("::1", &said), expected);
    }

    #[test]
    fn a_proxy_that_says_nothing_is_who_asks() {
        let expected = ("10.0.0.1".into(), "http://localhost".into());
        assert_eq!(origin("10.0.0.1", &[("x-forwarded-for", "unknown")]), expected);
    }
}
