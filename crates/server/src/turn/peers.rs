//! Whom a client of the relay may reach: our media and other allocations, nobody else.
//!
//! Sockets of allocations are bound to an address inside this machine, so the network is out of
//! reach in both directions, whatever a client asks for. Clients know media and allocations by the
//! addresses that are announced; here one is turned into the other. An address that is not, to the
//! letter, one of those is refused: there is no list of bad addresses that could have a hole.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Mutex;

/// See the module.
#[derive(Debug)]
pub struct Peers {
    /// Where clients are told that our media is.
    announced: Vec<SocketAddr>,
    /// Where it is for a socket of this machine.
    media: SocketAddr,
    /// The address that allocations are said to have.
    relayed: IpAddr,
    /// Ports of allocations.
    allocations: Mutex<HashSet<u16>>,
}

impl Peers {
    /// `bound`: what the media socket is bound to, `announced`: what clients are told of it.
    pub fn new(bound: SocketAddr, announced: Vec<SocketAddr>) -> Peers {
        let inside = match bound.ip() {
            ip if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            ip => ip,
        };
        let of_family = |is: &&SocketAddr| is.is_ipv4() == inside.is_ipv4();
        let relayed = announced.iter().find(of_family).map_or(inside, SocketAddr::ip);
        let media = SocketAddr::new(inside, bound.port());
        Peers { announced, media, relayed, allocations: Mutex::default() }
    }

    /// What the socket of an allocation is bound to.
    pub fn inside(&self) -> IpAddr {
        self.media.ip()
    }

    /// Whether a client may send to some port of this address.
    pub fn permits(&self, address: IpAddr) -> bool {
        address == self.relayed || self.announced.iter().any(|media| media.ip() == address)
    }

    /// Where a datagram for this peer goes; `None`: nowhere.
    pub fn inward(&self, peer: SocketAddr) -> Option<SocketAddr> {
        if self.announced.contains(&peer) {
            return Some(self.media);
        }
        let known = peer.ip() == self.relayed && self.is_allocated(peer.port());
        known.then(|| SocketAddr::new(self.inside(), peer.port()))
    }

    /// As whom a client knows the sender of a datagram; `None`: as nobody.
    pub fn outward(&self, source: SocketAddr) -> Option<SocketAddr> {
        if source == self.media {
            let same_family = |media: &&SocketAddr| media.is_ipv4() == self.relayed.is_ipv4();
            return self.announced.iter().find(same_family).copied();
        }
        let known = source.ip() == self.inside() && self.is_allocated(source.port());
        known.then(|| self.relayed(source.port()))
    }

    /// The address an allocation is said to have.
    pub fn relayed(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.relayed, port)
    }

    /// A port is an allocation's from now on.
    pub fn add(&self, port: u16) {
        self.ports().insert(port);
    }

    /// A port is no allocation's any more.
    pub fn remove(&self, port: u16) {
        self.ports().remove(&port);
    }

    fn is_allocated(&self, port: u16) -> bool {
        self.ports().contains(&port)
    }

    fn ports(&self) -> std::sync::MutexGuard<'_, HashSet<u16>> {
        self.allocations.lock().expect("nothing panics while it has the ports")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> SocketAddr {
        address.parse().unwrap()
    }

    fn peers() -> Peers {
        Peers::new(at("0.0.0.0:3478"), vec![at("203.0.113.7:3478"), at("[2001:db8::7]:3478")])
    }

    #[test]
    fn nothing_but_our_media_and_allocations_is_reached() {
        let peers = peers();
        peers.add(40_000);
        assert_eq!(peers.inward(at("203.0.113.7:3478")), Some(at("127.0.0.1:3478")));
        assert_eq!(peers.inward(at("[2001:db8::7]:3478")), Some(at("127.0.0.1:3478")));
        assert_eq!(peers.inward(at("203.0.113.7:40000")), Some(at("127.0.0.1:40000")));
        for refused in [
            "127.0.0.1:3478",
            "127.0.0.1:40000",
            "[::ffff:127.0.0.1]:3478",
            "[::ffff:203.0.113.7]:3478",
            "[::1]:3478",
            "[::]:3478",
            "0.0.0.0:3478",
            "10.0.0.1:3478",
            "192.168.1.1:3478",
            "172.16.0.1:40000",
            "100.64.0.1:3478",
            "169.254.169.254:80",
            "[fd00:ec2::254]:80",
            "[fe80::1]:3478",
            "[64:ff9b::7f00:1]:3478",
            "224.0.0.1:3478",
            "255.255.255.255:3478",
            "8.8.8.8:53",
        ] {
            assert_eq!(peers.inward(at(refused)), None, "{refused}");
            assert!(!peers.permits(at(refused).ip()), "{refused}");
        }
        for other_port in ["203.0.113.7:22", "203.0.113.7:8080", "[2001:db8::7]:40000"] {
            assert_eq!(peers.inward(at(other_port)), None, "{other_port}");
        }
        peers.remove(40_000);
        assert_eq!(peers.inward(at("203.0.113.7:40000")), None);
    }

    #[test]
    fn what_comes_in_is_known_by_the_announced_address_or_not_at_all() {
        let peers = peers();
        peers.add(40_000);
        assert_eq!(peers.outward(at("127.0.0.1:3478")), Some(at("203.0.113.7:3478")));
        assert_eq!(peers.outward(at("127.0.0.1:40000")), Some(at("203.0.113.7:40000")));
        assert_eq!(peers.outward(at("127.0.0.1:8080")), None);
        assert_eq!(peers.outward(at("10.0.0.1:3478")), None);
    }

    #[test]
    fn a_private_address_is_reached_only_when_our_media_is_announced_there() {
        let peers = Peers::new(at("10.0.0.5:3478"), vec![at("10.0.0.5:3478")]);
        assert_eq!(peers.inward(at("10.0.0.5:3478")), Some(at("10.0.0.5:3478")));
        assert_eq!(peers.inside(), at("10.0.0.5:0").ip());
        assert_eq!(peers.inward(at("10.0.0.6:3478")), None);
    }
}
