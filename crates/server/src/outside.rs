//! Requests to places that others have named: webhooks, push services.
//!
//! Promises never to reach an address inside the operator's network unless that was allowed, and
//! never to follow a redirect.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Uri;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use tower_service::Service;

/// See the module.
pub type Client = legacy::Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// A client that reaches public addresses only, or all.
/// So many connections to each place are kept open.
pub fn client(allow_private: bool, connect_within: Duration, idle: usize) -> Client {
    let mut connector = HttpConnector::new_with_resolver(Resolver { allow_private });
    connector.set_connect_timeout(Some(connect_within));
    connector.enforce_http(false);
    let https = hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots();
    let https = https.https_or_http().enable_http1().wrap_connector(connector);
    legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(idle).build(https)
}

/// Whether a URL names an address that is not public. A name is judged by what it resolves to,
/// when it is.
pub fn is_inside(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host.parse().is_ok_and(|address| !is_public(address))
}

/// Looks names up and leaves out what must not be reached: after the look-up, so that a name
/// cannot lead inside.
#[derive(Clone)]
pub struct Resolver {
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
}
