//! To which peer a datagram belongs, when all share one port.
//!
//! A binding request names its peer by the user name fragment that the SFU gave it, and proves it
//! with that peer's password. From then on its address stands for the peer: one look-up for each
//! packet, however many peers there are.

use std::collections::HashMap;
use std::net::SocketAddr;

/// Index of a peer in the SFU's table.
pub type Slot = usize;

/// The two ways to a peer.
#[derive(Debug, Default)]
pub struct Demux {
    by_address: HashMap<SocketAddr, Slot>,
    by_fragment: HashMap<String, Slot>,
}

impl Demux {
    /// Who was last proven to send from this address.
    pub fn by_address(&self, source: SocketAddr) -> Option<Slot> {
        self.by_address.get(&source).copied()
    }

    /// Whom a binding request names; the proof is the caller's business.
    pub fn by_fragment(&self, fragment: &str) -> Option<Slot> {
        self.by_fragment.get(fragment).copied()
    }

    /// The peer was given this user name fragment.
    pub fn add_fragment(&mut self, fragment: String, slot: Slot) {
        self.by_fragment.insert(fragment, slot);
    }

    /// The fragment is void.
    pub fn remove_fragment(&mut self, fragment: &str) {
        self.by_fragment.remove(fragment);
    }

    /// The peer has proven that it sends from here.
    pub fn add_address(&mut self, source: SocketAddr, slot: Slot) {
        self.by_address.insert(source, slot);
    }

    /// The address is nobody's, if it was still this peer's.
    pub fn remove_address(&mut self, source: SocketAddr, slot: Slot) {
        if self.by_address(source) == Some(slot) {
            self.by_address.remove(&source);
        }
    }
}

/// The SFU's own user name fragment in a STUN binding request (RFC 8489 5, RFC 8445 7.2.2), or
/// `None` for anything else.
pub fn local_fragment(datagram: &[u8]) -> Option<&str> {
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
        demux.add_address(address, 3);
        demux.add_address(address, 4);
        demux.remove_address(address, 3);
        assert_eq!(demux.by_address(address), Some(4));
    }
}
