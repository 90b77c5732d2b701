//! Where a peer is: the addresses it was proven to send from, and when it was last heard at each.
//!
//! The WebRTC stack sends to the address that ICE has nominated, also for 15 s after that fell
//! silent. Promises the address of a peer that moved as soon as it was proven to be elsewhere.

use std::net::SocketAddr;
use std::time::Instant;

use wire::limits::{PATH_SILENT_AFTER, PEER_ADDRESSES_MAX};

/// See the module.
#[derive(Debug, Default)]
pub struct Paths {
    paths: Vec<Path>,
}

#[derive(Debug)]
struct Path {
    address: SocketAddr,
    heard: Instant,
}

impl Paths {
    /// A datagram of the peer came from here.
    pub fn on_heard(&mut self, now: Instant, address: SocketAddr) {
        if let Some(path) = self.paths.iter_mut().find(|path| path.address == address) {
            path.heard = now;
        }
    }

    /// It was proven that the peer sends from here. Answers the address that is forgotten for it.
    pub fn on_proof(&mut self, now: Instant, address: SocketAddr) -> Option<SocketAddr> {
        if self.paths.iter().any(|path| path.address == address) {
            self.on_heard(now, address);
            return None;
        }
        self.paths.push(Path { address, heard: now });
        if self.paths.len() <= PEER_ADDRESSES_MAX {
            return None;
        }
        let oldest = self.paths.iter().enumerate().min_by_key(|(_, path)| path.heard);
        oldest.map(|(index, _)| index).map(|index| self.paths.remove(index).address)
    }

    /// All of them.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.paths.iter().map(|path| path.address)
    }

    /// Where to send what is meant for the nominated address: there, or where the peer was heard
    /// last if it has been silent there for a while by then.
    pub fn instead_of(&self, nominated: SocketAddr) -> SocketAddr {
        let Some(latest) = self.paths.iter().max_by_key(|path| path.heard) else {
            return nominated;
        };
        let here = self.paths.iter().find(|path| path.address == nominated);
        let moved = here.is_none_or(|path| {
            latest.heard.saturating_duration_since(path.heard) >= PATH_SILENT_AFTER
        });
        if moved { latest.address } else { nominated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn a_peer_is_where_it_was_nominated_until_it_is_silent_there_and_heard_elsewhere() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut paths = Paths::default();
        assert_eq!(paths.instead_of(address(1)), address(1), "nothing is known");
        paths.on_proof(at(0), address(1));
        paths.on_proof(at(500), address(2));
        assert_eq!(paths.instead_of(address(1)), address(1), "both are in use");
        paths.on_heard(at(999), address(2));
        paths.on_heard(at(5_000), address(9));
        assert_eq!(paths.instead_of(address(1)), address(1), "nobody has proven that one");
        paths.on_heard(at(1_000), address(2));
        assert_eq!(paths.instead_of(address(1)), address(2));
        paths.on_heard(at(1_100), address(1));
        assert_eq!(paths.instead_of(address(1)), address(1), "it is back");
    }

    #[test]
    fn a_peer_keeps_the_addresses_where_it_was_heard_last() {
        let start = Instant::now();
        let mut paths = Paths::default();
        for port in 1..=PEER_ADDRESSES_MAX as u16 {
            let now = start + Duration::from_millis(port.into());
            assert_eq!(paths.on_proof(now, address(port)), None);
        }
        let now = start + Duration::from_secs(1);
        paths.on_heard(now, address(1));
        assert_eq!(paths.on_proof(now, address(99)), Some(address(2)));
        assert_eq!(paths.addresses().count(), PEER_ADDRESSES_MAX);
    }
}
