//! The relay (TURN, RFC 8656), for clients whose network lets nothing else through.
//!
//! One port for UDP, TCP and, with a certificate, TLS. Each client has a task of its own; a slow or
//! broken one holds up nobody. Relies on the hub to hand out credentials (`hub::Relay`). Promises
//! that nothing but our media and other allocations is reached through it.

mod client;
mod gate;
mod peers;
mod settings;
mod stream;

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use wire::limits::{
    ACCEPT_AGAIN_AFTER, RELAY_MESSAGE_BYTES_MAX, RELAY_PORT_TRIES, RELAY_QUEUE_MAX,
};

use self::client::{Client, Effect};
pub use self::gate::Counted;
use self::gate::{Gate, Place};
pub use self::peers::Peers;
pub use self::settings::{Settings, TurnFile, TurnFlags};

/// Where answers to a client go.
enum Way {
    Datagrams(Arc<UdpSocket>, SocketAddr),
    Stream(mpsc::Sender<Vec<u8>>),
}

/// Binds the port and serves, as long as the runtime lives. Answers where.
///
/// # Errors
/// When the port cannot be had for both UDP and TCP.
pub async fn start(
    listen: SocketAddr,
    secret: String,
    peers: Peers,
    tls: Option<TlsAcceptor>,
    counted: Counted,
) -> io::Result<SocketAddr> {
    let (datagrams, streams) = bind(listen).await?;
    let address = datagrams.local_addr()?;
    let gate = Gate::new(secret, peers, counted);
    tokio::spawn(serve_datagrams(Arc::new(datagrams), address, gate.clone()));
    tokio::spawn(serve_streams(streams, address, gate, tls));
    tracing::info!(port = address.port(), "the relay is ready");
    Ok(address)
}

/// Both have the same number.
async fn bind(listen: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut tries = 0;
    loop {
        let datagrams = UdpSocket::bind(listen).await?;
        match TcpListener::bind(datagrams.local_addr()?).await {
            Ok(streams) => return Ok((datagrams, streams)),
            Err(_) if listen.port() == 0 && tries < RELAY_PORT_TRIES => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn serve_datagrams(socket: Arc<UdpSocket>, address: SocketAddr, gate: Arc<Gate>) {
    let mut clients: HashMap<SocketAddr, mpsc::Sender<Vec<u8>>> = HashMap::new();
    let (over, mut ended) = mpsc::channel::<SocketAddr>(RELAY_QUEUE_MAX);
    let mut buffer = vec![0; RELAY_MESSAGE_BYTES_MAX];
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            Some(remote) = ended.recv() => {
                // It may have come back meanwhile.
                if clients.get(&remote).is_some_and(mpsc::Sender::is_closed) {
                    clients.remove(&remote);
                }
                continue;
            }
        };
        // A port that was closed when we sent to it.
        let Ok((length, remote)) = received else { continue };
        let message = buffer[..length].to_vec();
        let message = match clients.get(&remote).map(|client| client.try_send(message)) {
            Some(Ok(()) | Err(mpsc::error::TrySendError::Full(_))) => continue,
            Some(Err(mpsc::error::TrySendError::Closed(message))) => message,
            None => buffer[..length].to_vec(),
        };
        let Some(place) = gate.place() else { continue };
        let (client, incoming) = mpsc::channel(RELAY_QUEUE_MAX);
        let _ = client.try_send(message);
        clients.insert(remote, client);
        let way = Way::Datagrams(socket.clone(), remote);
        let (gate, over) = (gate.clone(), over.clone());
        tokio::spawn(async move {
            serve(gate, place, address, remote, incoming, way).await;
            let _ = over.send(remote).await;
        });
    }
}

async fn serve_streams(
    listener: TcpListener,
    address: SocketAddr,
    gate: Arc<Gate>,
    tls: Option<TlsAcceptor>,
) {
    loop {
        let Ok((socket, remote)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            continue;
        };
        let Some(place) = gate.place() else { continue };
        let (gate, tls) = (gate.clone(), tls.clone());
        tokio::spawn(async move {
            let Some((incoming, outgoing)) = stream::open(socket, tls).await else { return };
            serve(gate, place, address, remote, incoming, Way::Stream(outgoing)).await;
        });
    }
}

/// One client, until it is over.
async fn serve(
    gate: Arc<Gate>,
    mut place: Place,
    local: SocketAddr,
    remote: SocketAddr,
    mut incoming: mpsc::Receiver<Vec<u8>>,
    way: Way,
) {
    let now = || tokio::time::Instant::now().into_std();
    let mut client = Client::new(now(), gate.clone(), local, remote);
    let mut relay: Option<Relay> = None;
    let mut buffer = vec![0; RELAY_MESSAGE_BYTES_MAX];
    while !client.is_over(now()) {
        tokio::select! {
            message = incoming.recv() => match message {
                Some(message) => client.on_message(now(), &message),
                None => return,
            },
            received = receive(relay.as_ref(), &mut buffer) => {
                if let Ok((length, source)) = received {
                    gate.counted.bytes.inc_by(length as u64);
                    client.on_peer(now(), source, &buffer[..length]);
                }
            }
            () = tokio::time::sleep_until(client.deadline().into()) => client.on_time(now()),
        }
        while let Some(effect) = client.poll() {
            match effect {
                // What does not fit is lost, as on any network.
                Effect::ToClient(bytes) => match &way {
                    Way::Datagrams(socket, remote) => drop(socket.try_send_to(&bytes, *remote)),
                    Way::Stream(outgoing) => drop(outgoing.try_send(bytes)),
                },
                Effect::ToPeer(peer, bytes) => {
                    if let Some(relay) = &relay {
                        gate.counted.bytes.inc_by(bytes.len() as u64);
                        let _ = relay.socket.try_send_to(&bytes, peer);
                    }
                }
                Effect::Allocate => {
                    relay = Relay::bind(gate.clone()).await.ok();
                    client.on_allocated(now(), relay.as_ref().map(|relay| relay.port));
                }
                Effect::Release => relay = None,
            }
        }
        if client.is_proven() {
            place.prove();
        }
    }
}

async fn receive(relay: Option<&Relay>, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    match relay {
        Some(relay) => relay.socket.recv_from(buffer).await,
        None => pending().await,
    }
}

/// The socket of an allocation. It is inside the machine; peers know it by another address.
struct Relay {
    socket: UdpSocket,
    port: u16,
    gate: Arc<Gate>,
}

impl Relay {
    async fn bind(gate: Arc<Gate>) -> io::Result<Relay> {
        let socket = UdpSocket::bind((gate.peers.inside(), 0)).await?;
        let port = socket.local_addr()?.port();
        gate.peers.add(port);
        gate.counted.allocations.inc();
        Ok(Relay { socket, port, gate })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.gate.peers.remove(self.port);
        self.gate.counted.allocations.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::{Certificate, CertificateFiles, Tls};
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};
    use turn_types::stun::message::{BINDING, Message, MessageWriteVec};
    use turn_types::stun::prelude::MessageWrite;

    async fn relay(tls: Option<TlsAcceptor>) -> SocketAddr {
        let media = "127.0.0.1:9".parse().unwrap();
        let peers = Peers::new(media, vec![media]);
        start("127.0.0.1:0".parse().unwrap(), "north".into(), peers, tls, Counted::default())
            .await
            .unwrap()
    }

    fn request() -> Vec<u8> {
        Message::builder_request(BINDING, MessageWriteVec::new()).finish()
    }

    async fn is_answered(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        for _ in 0..2 {
            stream.write_all(&request()).await.unwrap();
            let mut answer = vec![0; 20];
            stream.read_exact(&mut answer).await.unwrap();
            let rest = usize::from(u16::from_be_bytes([answer[2], answer[3]]));
            answer.resize(20 + rest, 0);
            stream.read_exact(&mut answer[20..]).await.unwrap();
            assert!(Message::from_bytes(&answer).unwrap().is_response());
        }
    }

    #[tokio::test]
    async fn one_port_speaks_udp_tcp_and_tls() {
        let folder = tempfile::tempdir().unwrap();
        let drawn = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
        let key = drawn.signing_key.serialize_pem();
        std::fs::write(folder.path().join("cert.pem"), drawn.cert.pem()).unwrap();
        std::fs::write(folder.path().join("privkey.pem"), key).unwrap();
        let certificate =
            Certificate::open(Tls::Files(CertificateFiles::in_folder(folder.path()))).unwrap();
        let address = relay(Some(TlsAcceptor::from(certificate.config()))).await;

        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.send_to(&request(), address).await.unwrap();
        let mut answer = [0; 200];
        let length = socket.recv(&mut answer).await.unwrap();
        assert!(Message::from_bytes(&answer[..length]).unwrap().is_response());

        is_answered(TcpStream::connect(address).await.unwrap()).await;

        let mut roots = RootCertStore::empty();
        roots.add(drawn.cert.der().clone()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let trusting = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(trusting));
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        is_answered(connector.connect(name, stream).await.unwrap()).await;
    }

    #[tokio::test]
    async fn who_sends_what_is_no_message_is_cut_off() {
        let address = relay(None).await;
        for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[22, 3, 1, 2, 0, 1], &[0xff; 64]] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(nonsense).await.unwrap();
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            assert!(answer.is_empty());
        }
    }
}
