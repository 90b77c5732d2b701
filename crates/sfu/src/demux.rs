//! To which peer a datagram belongs, when all share one port.
//!
//! A binding request names its peer by the user name fragment that the SFU gave it, and proves it
//! with that peer's password. From then on its address stands for the peer: one look-up for each
//! packet, however many peers there are. Where several SFUs share a port, the host finds the SFU in
//! the same way, by what each of them claims ([`Output::Claim`](crate::Output::Claim)).

use std::collections::HashMap;
use std::net::SocketAddr;

/// Index of a peer in the SFU's table.
pub type Slot = usize;

/// What datagrams are known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Binding requests that name this user name fragment.
    Fragment(String),
    /// All others from this address.
    Address(SocketAddr),
}

/// Whose a datagram is.
#[derive(Debug)]
pub struct Demux<T> {
    by_address: HashMap<SocketAddr, T>,
    by_fragment: HashMap<String, T>,
}

impl<T> Default for Demux<T> {
    fn default() -> Self {
        Demux { by_address: HashMap::new(), by_fragment: HashMap::new() }
    }
}

impl<T: Copy + PartialEq> Demux<T> {
    /// Whom a binding request names, or who was last proven to send from this address. The second
    /// word says whether it is a binding request; the proof is the caller's business.
    pub fn find(&self, source: SocketAddr, datagram: &[u8]) -> (Option<T>, bool) {
        match local_fragment(datagram) {
            Some(fragment) => (self.by_fragment.get(fragment).copied(), true),
            None => (self.by_address.get(&source).copied(), false),
        }
    }

    /// These datagrams are this one's, whosever they were.
    pub fn claim(&mut self, route: Route, owner: T) {
        match route {
            Route::Fragment(fragment) => drop(self.by_fragment.insert(fragment, owner)),
            Route::Address(address) => drop(self.by_address.insert(address, owner)),
        }
    }

    /// They are nobody's, if they were still this one's.
    pub fn release(&mut self, route: &Route, owner: T) {
        if !self.is_of(route, owner) {
            return;
        }
        match route {
            Route::Fragment(fragment) => drop(self.by_fragment.remove(fragment)),
            Route::Address(address) => drop(self.by_address.remove(address)),
        }
    }

    /// They are this one's.
    pub fn is_of(&self, route: &Route, owner: T) -> bool {
        let known = match route {
            Route::Fragment(fragment) => self.by_fragment.get(fragment),
            Route::Address(address) => self.by_address.get(address),
        };
        known == Some(&owner)
    }

    /// All that is this one's is nobody's.
    pub fn release_all(&mut self, owner: T) {
        self.by_fragment.retain(|_, of| *of != owner);
        self.by_address.retain(|_, of| *of != owner);
    }
}

/// Our own user name fragment in a STUN binding request (RFC 8489 5, RFC 8445 7.2.2), or
/// `None` for anything else.
fn local_fragment(datagram: &[u8]) -> Option<&str> {
    const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
    const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    const USERNAME: u16 = 0x0006;
    const HEADER_BYTES: usize = 20;

    if datagram.get(..2)? != BINDING_REQUEST || datagram.get(4..8)? != MAGIC_COOKIE {
        return None;
    }
    let mut rest = datagram.get(HEADER_BYTES..)?;
    while let [t0, t1, l0, l1, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let value = rest.get(4..4 + length)?;
        if u16::from_be_bytes([t0, t1]) == USERNAME {
            return std::str::from_utf8(value).ok()?.split(':').next();
        }
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding_request(attributes: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, attributes.len() as u8, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend([7; 12]);
        bytes.extend(attributes);
        bytes
    }

    #[test]
    fn the_fragment_is_found_behind_other_attributes() {
        let request = binding_request(b"\x80\x22\x00\x03abc\x00\x00\x06\x00\x05ab:cd\x00\x00\x00");
        assert_eq!(local_fragment(&request), Some("ab"));
    }

    #[test]
    fn truncated_requests_and_other_packets_name_nobody() {
        let request = binding_request(b"\x00\x06\x00\x05ab:cd\x00\x00\x00");
        for length in 0..28 {
            assert_eq!(local_fragment(&request[..length]), None, "{length} bytes");
        }
        assert_eq!(local_fragment(&[0x80; 100]), None);
    }

    #[test]
    fn a_peer_loses_an_address_that_another_proves() {
        let mut demux = Demux::default();
        let address = SocketAddr::from(([127, 0, 0, 1], 2));
        let (route, media) = (Route::Address(address), [0x80; 20]);
        demux.claim(route.clone(), 3);
        demux.claim(route.clone(), 4);
        demux.release(&route, 3);
        assert_eq!(demux.find(address, &media), (Some(4), false));
        demux.release_all(3);
        assert!(demux.is_of(&route, 4));
        demux.release_all(4);
        assert_eq!(demux.find(address, &media), (None, false));
    }
}
