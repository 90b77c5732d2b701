//! One client of the relay: what it says, what it may, what follows.
//!
//! Relies on `turn-server-proto` for the protocol; each client has one of its own, so that nothing
//! of it outlives the client. Relies on the host to perform effects. Promises that a datagram goes
//! nowhere but where [`Peers`](super::peers::Peers) says, and that who has not proven a credential
//! of ours allocates nothing.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use hub::{relay_password, relay_user};
use turn_server_proto::api::{SocketAllocateError, Transmit, TurnServerApi, TurnServerPollRet};
use turn_server_proto::server::TurnServer;
use turn_types::attribute::XorPeerAddress;
use turn_types::stun::attribute::{ErrorCode, Username};
use turn_types::stun::message::{
    IntegrityAlgorithm, LongTermCredentials, Message, MessageClass, MessageIntegrityCredentials,
    MessageWriteVec,
};
use turn_types::stun::prelude::{
    Attribute, AttributeFromRaw, AttributeStaticType, MessageWrite, MessageWriteExt,
};
use turn_types::{AddressFamily, TransportType};
use wire::limits::{RELAY_BYTES_PER_SECOND_MAX, RELAY_IDLE_MAX};

use super::gate::{Gate, Seat};
use crate::clock::unix_seconds;

/// Names the place where credentials are known (RFC 8489 9.2).
const REALM: &str = "mesibo";

/// Something the host has to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this to the client.
    ToClient(Vec<u8>),
    /// Send this from the allocation's socket.
    ToPeer(SocketAddr, Vec<u8>),
    /// Bind a socket; answered by [`Client::on_allocated`].
    Allocate,
    /// Close it.
    Release,
}

/// See the module.
pub struct Client {
    gate: Arc<Gate>,
    began: Instant,
    local: SocketAddr,
    remote: SocketAddr,
    protocol: TurnServer,
    proven: Option<Proven>,
    relayed: Option<SocketAddr>,
    effects: VecDeque<Effect>,
    last_heard: Instant,
    deadline: Instant,
    /// To peers, from peers.
    allowances: [Allowance; 2],
}

/// Who has shown a credential.
struct Proven {
    key: MessageIntegrityCredentials,
    _seat: Seat,
}

/// How many bytes may go now: as many as a second has, growing by the clock.
struct Allowance {
    bytes: u64,
    at: Instant,
}

impl Allowance {
    fn takes(&mut self, now: Instant, bytes: usize) -> bool {
        let passed = now.saturating_duration_since(self.at).as_micros() as u64;
        let grown = passed.saturating_mul(RELAY_BYTES_PER_SECOND_MAX) / 1_000_000;
        if grown > 0 {
            self.bytes = self.bytes.saturating_add(grown).min(RELAY_BYTES_PER_SECOND_MAX);
            self.at = now;
        }
        let fits = bytes as u64 <= self.bytes;
        self.bytes -= if fits { bytes as u64 } else { 0 };
        fits
    }
}

impl Client {
    /// Somebody of whom nothing is known yet.
    pub fn new(now: Instant, gate: Arc<Gate>, local: SocketAddr, remote: SocketAddr) -> Client {
        let allowance = || Allowance { bytes: RELAY_BYTES_PER_SECOND_MAX, at: now };
        Client {
            gate,
            began: now,
            local,
            remote,
            // How messages are cut from a stream is the host's business.
            protocol: TurnServer::new(TransportType::Udp, local, REALM.into()),
            proven: None,
            relayed: None,
            effects: VecDeque::new(),
            last_heard: now,
            deadline: now + RELAY_IDLE_MAX,
            allowances: [allowance(), allowance()],
        }
    }

    /// The client sent a message.
    pub fn on_message(&mut self, now: Instant, bytes: &[u8]) {
        self.last_heard = now;
        if Message::from_bytes(bytes).is_ok_and(|message| !self.takes(&message)) {
            return;
        }
        let (from, to) = (self.remote, self.local);
        let transmit = Transmit::new(bytes, TransportType::Udp, from, to);
        let sent = self.protocol.recv(transmit, self.instant(now)).map(|sent| sent.build());
        if let Some(sent) = sent {
            self.send(now, sent);
        }
        self.drain(now);
    }

    /// A datagram came to the allocation's socket.
    pub fn on_peer(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        let Some((from, to)) = self.gate.peers.outward(source).zip(self.relayed) else { return };
        if !self.allowances[1].takes(now, bytes.len()) {
            return;
        }
        let transmit = Transmit::new(bytes, TransportType::Udp, from, to);
        let sent = self.protocol.recv(transmit, self.instant(now)).map(|sent| sent.build());
        if let Some(sent) = sent {
            self.effects.push_back(Effect::ToClient(sent.data));
        }
    }

    /// The socket has this port, or there is none.
    pub fn on_allocated(&mut self, now: Instant, port: Option<u16>) {
        let address = port.map(|port| self.gate.peers.relayed(port));
        self.relayed = address;
        self.allocated(
            now,
            AddressFamily::IPV4,
            address.ok_or(SocketAllocateError::InsufficientCapacity),
        );
        self.drain(now);
    }

    /// Time passed.
    pub fn on_time(&mut self, now: Instant) {
        self.drain(now);
    }

    /// What follows.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`on_time`](Self::on_time) has something to do.
    pub fn deadline(&self) -> Instant {
        match self.relayed {
            Some(_) => self.deadline,
            None => self.deadline.min(self.last_heard + RELAY_IDLE_MAX),
        }
    }

    /// Nothing is kept for it, and it was not heard for long.
    pub fn is_over(&self, now: Instant) -> bool {
        self.relayed.is_none() && now >= self.last_heard + RELAY_IDLE_MAX
    }

    /// It has shown a credential of ours.
    pub fn is_proven(&self) -> bool {
        self.proven.is_some()
    }

    /// Whether the protocol shall see a message; otherwise it was answered.
    fn takes(&mut self, message: &Message<'_>) -> bool {
        if message.has_class(MessageClass::Request)
            && self.proven.is_none()
            && let Some((username, password)) = self.credential(message)
        {
            let credentials = LongTermCredentials::new(username.clone(), password.clone());
            let key = credentials.to_key(REALM.into()).into();
            if message.validate_integrity(&key).is_ok() {
                let uid = relay_user(&username).map_or(0, |(_, uid)| uid.0);
                let Some(seat) = self.gate.seat(uid) else {
                    self.refuse(message, &key, ErrorCode::ALLOCATION_QUOTA_REACHED);
                    return false;
                };
                self.protocol.add_user(username, password);
                self.proven = Some(Proven { key, _seat: seat });
            }
        }
        let mut peers = message.iter_attributes().filter_map(|(_, attribute)| {
            let is_peer = attribute.get_type() == XorPeerAddress::TYPE;
            is_peer.then(|| XorPeerAddress::from_raw(attribute).ok()).flatten()
        });
        let id = message.transaction_id();
        if peers.all(|peer| self.gate.peers.permits(peer.addr(id).ip())) {
            return true;
        }
        let known = self.proven.as_ref().map(|proven| proven.key.clone());
        if let Some(key) = known.filter(|key| {
            message.has_class(MessageClass::Request) && message.validate_integrity(key).is_ok()
        }) {
            self.refuse(message, &key, ErrorCode::FORBIDDEN);
        }
        false
    }

    /// The user name of a request and the password that belongs to it, when it is one of ours that
    /// has not ended.
    fn credential(&self, message: &Message<'_>) -> Option<(String, String)> {
        let username = message.attribute::<Username>().ok()?.username().to_owned();
        let (expires, _) = relay_user(&username)?;
        if expires <= unix_seconds() {
            return None;
        }
        let password = relay_password(&self.gate.secret, &username);
        Some((username, password))
    }

    fn refuse(&mut self, request: &Message<'_>, key: &MessageIntegrityCredentials, code: u16) {
        self.gate.counted.refused.inc();
        let mut answer = Message::builder_error(request, MessageWriteVec::new());
        let error = ErrorCode::builder(code).build();
        let signed = error.ok().and_then(|error| answer.add_attribute(&error).ok());
        let signed =
            signed.and_then(|()| answer.add_message_integrity(key, IntegrityAlgorithm::Sha1).ok());
        if signed.is_some() {
            self.effects.push_back(Effect::ToClient(answer.finish()));
        }
    }

    /// Something the protocol wants sent, to the client or from the allocation.
    fn send(&mut self, now: Instant, sent: Transmit<Vec<u8>>) {
        if self.relayed != Some(sent.from) {
            self.effects.push_back(Effect::ToClient(sent.data));
        } else if let Some(peer) = self.gate.peers.inward(sent.to)
            && self.allowances[0].takes(now, sent.data.len())
        {
            self.effects.push_back(Effect::ToPeer(peer, sent.data));
        }
    }

    fn drain(&mut self, now: Instant) {
        let instant = self.instant(now);
        loop {
            while let Some(sent) = self.protocol.poll_transmit(instant) {
                self.send(now, sent);
            }
            match self.protocol.poll(instant) {
                TurnServerPollRet::WaitUntil(at) => {
                    self.deadline = now + at.saturating_duration_since(instant);
                    return;
                }
                TurnServerPollRet::AllocateSocket { allocation_transport, family, .. } => {
                    let one_way = allocation_transport == TransportType::Udp
                        && family == AddressFamily::IPV4
                        && self.relayed.is_none();
                    if one_way {
                        self.effects.push_back(Effect::Allocate);
                    } else {
                        let error = SocketAllocateError::AddressFamilyNotSupported;
                        self.allocated(now, family, Err(error));
                    }
                }
                TurnServerPollRet::SocketClose { .. } => {
                    self.relayed = None;
                    self.effects.push_back(Effect::Release);
                }
                // Connections of peers by TCP (RFC 6062) are not to be had.
                TurnServerPollRet::TcpConnect { .. } | TurnServerPollRet::TcpClose { .. } => {}
            }
        }
    }

    fn allocated(
        &mut self,
        now: Instant,
        family: AddressFamily,
        address: Result<SocketAddr, SocketAllocateError>,
    ) {
        let udp = TransportType::Udp;
        let (local, remote, instant) = (self.local, self.remote, self.instant(now));
        self.protocol.allocated_socket(udp, local, remote, udp, family, address, instant);
    }

    fn instant(&self, now: Instant) -> turn_types::Instant {
        let since = now.saturating_duration_since(self.began);
        turn_types::Instant::from_nanos(since.as_nanos() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::gate::Counted;
    use super::*;
    use crate::turn::peers::Peers;
    use turn_types::attribute::{Data, Lifetime, RequestedTransport};
    use turn_types::message::{ALLOCATE, CREATE_PERMISSION, REFRESH, SEND};
    use turn_types::stun::attribute::{Nonce, Realm};
    use turn_types::stun::message::{MessageType, Method};
    use wire::limits::RELAY_ALLOCATIONS_PER_USER_MAX;

    const SECRET: &str = "north";
    const MEDIA: &str = "203.0.113.7:3478";
    const PORT: u16 = 40_000;

    fn at(address: &str) -> SocketAddr {
        address.parse().unwrap()
    }

    fn gate() -> Arc<Gate> {
        Gate::new(
            SECRET.into(),
            Peers::new(at("0.0.0.0:3478"), vec![at(MEDIA)]),
            Counted::default(),
        )
    }

    /// A client with what its browser knows.
    struct Browser {
        client: Client,
        now: Instant,
        key: MessageIntegrityCredentials,
        username: String,
        nonce: String,
    }

    impl Browser {
        /// `ends`: seconds from now.
        fn new(gate: &Arc<Gate>, uid: u32, ends: i64) -> Browser {
            let expires = unix_seconds().saturating_add_signed(ends);
            let username = format!("{expires}:{uid}");
            let password = relay_password(SECRET, &username);
            let key = LongTermCredentials::new(username.clone(), password).to_key(REALM.into());
            let now = Instant::now();
            let client = Client::new(now, gate.clone(), at("10.0.0.5:5349"), at("192.0.2.1:9"));
            Browser { client, now, key: key.into(), username, nonce: String::new() }
        }

        /// Sends a request and answers the error code, 0 = success, and the other effects.
        fn ask(
            &mut self,
            method: Method,
            fill: impl Fn(&mut MessageWriteVec),
        ) -> (u16, Vec<Effect>) {
            let mut request = Message::builder_request(method, MessageWriteVec::new());
            fill(&mut request);
            if !self.nonce.is_empty() {
                request.add_attribute(&Username::new(&self.username).unwrap()).unwrap();
                request.add_attribute(&Realm::new(REALM).unwrap()).unwrap();
                request.add_attribute(&Nonce::new(&self.nonce).unwrap()).unwrap();
                request.add_message_integrity(&self.key, IntegrityAlgorithm::Sha1).unwrap();
            }
            self.client.on_message(self.now, &request.finish());
            let mut others = Vec::new();
            let mut code = None;
            while let Some(effect) = self.client.poll() {
                match effect {
                    Effect::ToClient(bytes) => {
                        let answer = Message::from_bytes(&bytes).unwrap();
                        let error = answer.attribute::<ErrorCode>().ok();
                        code = Some(error.map_or(0, |error| error.code()));
                        if let Ok(nonce) = answer.attribute::<Nonce>() {
                            self.nonce = nonce.nonce().to_owned();
                        }
                    }
                    Effect::Allocate => {
                        self.client.on_allocated(self.now, Some(PORT));
                        others.push(Effect::Allocate);
                    }
                    other => others.push(other),
                }
            }
            (code.expect("a request is answered"), others)
        }

        fn allocate(&mut self) -> u16 {
            let udp = |request: &mut MessageWriteVec| {
                request.add_attribute(&RequestedTransport::new(RequestedTransport::UDP)).unwrap();
            };
            assert_eq!(self.ask(ALLOCATE, udp).0, ErrorCode::UNAUTHORIZED);
            self.ask(ALLOCATE, udp).0
        }

        fn permit(&mut self, peer: &str) -> u16 {
            let add = |request: &mut MessageWriteVec| {
                let peer = XorPeerAddress::new(at(peer), request.transaction_id());
                request.add_attribute(&peer).unwrap();
            };
            self.ask(CREATE_PERMISSION, add).0
        }

        fn send(&mut self, peer: &str) -> Vec<Effect> {
            let kind = MessageType::from_class_method(MessageClass::Indication, SEND);
            let id = turn_types::stun::message::TransactionId::generate();
            let mut message = Message::builder(kind, id, MessageWriteVec::new());
            message.add_attribute(&XorPeerAddress::new(at(peer), id)).unwrap();
            message.add_attribute(&Data::new(b"media")).unwrap();
            self.client.on_message(self.now, &message.finish());
            std::iter::from_fn(|| self.client.poll()).collect()
        }
    }

    #[test]
    fn who_shows_a_credential_of_ours_relays_to_our_media_and_back() {
        let mut browser = Browser::new(&gate(), 7, 60);
        assert_eq!(browser.allocate(), 0);
        assert_eq!(browser.permit(MEDIA), 0);
        let relayed = Effect::ToPeer(at("127.0.0.1:3478"), b"media".to_vec());
        assert_eq!(browser.send(MEDIA), [relayed]);
        browser.client.on_peer(browser.now, at("127.0.0.1:3478"), b"back");
        let Some(Effect::ToClient(bytes)) = browser.client.poll() else { panic!("nothing came") };
        let message = Message::from_bytes(&bytes).unwrap();
        let peer = message.attribute::<XorPeerAddress>().unwrap();
        assert_eq!(peer.addr(message.transaction_id()), at(MEDIA));
        assert_eq!(message.attribute::<Data>().unwrap().data(), b"back");
    }

    #[test]
    fn two_allocations_reach_each_other_and_nobody_else() {
        let gate = gate();
        let mut browser = Browser::new(&gate, 7, 60);
        browser.allocate();
        gate.peers.add(41_000);
        assert_eq!(browser.permit("203.0.113.7:41000"), 0);
        let relayed = Effect::ToPeer(at("127.0.0.1:41000"), b"media".to_vec());
        assert_eq!(browser.send("203.0.113.7:41000"), [relayed]);
        assert_eq!(browser.send("203.0.113.7:22"), []);
        browser.client.on_peer(browser.now, at("127.0.0.1:22"), b"inside");
        assert_eq!(browser.client.poll(), None);
    }

    #[test]
    fn every_other_address_is_refused() {
        let mut browser = Browser::new(&gate(), 7, 60);
        browser.allocate();
        for peer in [
            "127.0.0.1:3478",
            "0.0.0.0:3478",
            "10.0.0.1:80",
            "192.168.0.1:80",
            "172.16.0.1:80",
            "169.254.169.254:80",
            "[::ffff:127.0.0.1]:3478",
            "[::1]:3478",
            "[fd00:ec2::254]:80",
            "[fe80::1]:80",
            "8.8.8.8:53",
        ] {
            assert_eq!(browser.permit(peer), ErrorCode::FORBIDDEN, "{peer}");
            assert_eq!(browser.send(peer), [], "{peer}");
        }
    }

    #[test]
    fn nothing_is_allocated_for_a_credential_that_ended_or_is_another_secrets() {
        let gate = gate();
        let mut late = Browser::new(&gate, 7, -1);
        assert_eq!(late.allocate(), ErrorCode::UNAUTHORIZED);
        let mut stranger = Browser::new(&gate, 7, 60);
        let guessed = LongTermCredentials::new(stranger.username.clone(), "guessed".into());
        stranger.key = guessed.to_key(REALM.into()).into();
        assert_eq!(stranger.allocate(), ErrorCode::UNAUTHORIZED);
        assert!(!stranger.client.is_proven() && !late.client.is_proven());
    }

    #[test]
    fn a_user_has_so_many_allocations_and_others_are_not_touched() {
        let gate = gate();
        let mut browsers: Vec<_> = (0..RELAY_ALLOCATIONS_PER_USER_MAX)
            .map(|_| {
                let mut browser = Browser::new(&gate, 7, 60);
                assert_eq!(browser.allocate(), 0);
                browser
            })
            .collect();
        assert_eq!(Browser::new(&gate, 7, 60).allocate(), ErrorCode::ALLOCATION_QUOTA_REACHED);
        assert_eq!(gate.counted.refused.get(), 1);
        assert_eq!(Browser::new(&gate, 8, 60).allocate(), 0);
        browsers.pop();
        assert_eq!(Browser::new(&gate, 7, 60).allocate(), 0);
    }

    #[test]
    fn an_allocation_ends_when_it_is_given_up_or_not_renewed() {
        let gate = gate();
        let mut browser = Browser::new(&gate, 7, 60);
        browser.allocate();
        let (code, effects) = browser.ask(REFRESH, |request| {
            request.add_attribute(&Lifetime::new(0)).unwrap();
        });
        assert_eq!((code, &effects[..]), (0, &[Effect::Release][..]));
        let mut silent = Browser::new(&gate, 7, 60);
        silent.allocate();
        let mut now = silent.now;
        let mut released = false;
        while !silent.client.is_over(now) {
            now = silent.client.deadline().max(now + std::time::Duration::from_secs(1));
            silent.client.on_time(now);
            released |= silent.client.poll() == Some(Effect::Release);
        }
        assert!(released);
    }

    #[test]
    fn more_than_an_allocation_may_relay_is_dropped() {
        let mut browser = Browser::new(&gate(), 7, 60);
        browser.allocate();
        browser.permit(MEDIA);
        let fits = RELAY_BYTES_PER_SECOND_MAX as usize / b"media".len();
        browser.client.allowances[0].bytes = 2 * b"media".len() as u64;
        let sent: usize = (0..3).map(|_| browser.send(MEDIA).len()).sum();
        assert_eq!(sent, 2);
        browser.now += std::time::Duration::from_secs(5);
        assert_eq!(browser.send(MEDIA).len(), 1);
        assert!(browser.client.allowances[0].bytes <= (fits * b"media".len()) as u64);
    }

    #[test]
    fn the_relayed_address_is_the_announced_one_and_garbage_changes_nothing() {
        let mut browser = Browser::new(&gate(), 7, 60);
        for length in 0..200 {
            for first in [0u8, 1, 0x40, 0x4f, 0x80, 0xff] {
                let mut garbage = vec![first; length];
                garbage.iter_mut().enumerate().skip(1).for_each(|(i, byte)| *byte = (i * 7) as u8);
                browser.client.on_message(browser.now, &garbage);
            }
        }
        while browser.client.poll().is_some() {}
        assert_eq!(browser.allocate(), 0);
        assert_eq!(browser.client.relayed, Some(at(&format!("203.0.113.7:{PORT}"))));
    }
}
