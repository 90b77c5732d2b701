//! The front door: takes connections, speaks TLS, knows who is really asking.
//!
//! Every request carries its [`Origin`]. A connection that does not say what it wants in time is
//! closed, so that slow ones fill no memory; a handshake keeps nobody else waiting. When so many are
//! connected that open files would run out, a further one is closed at once: those who are in, the
//! store and uploads go on.

mod acme;
mod certificate;
mod origin;
mod socket;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;
use wire::limits::{ACCEPT_AGAIN_AFTER, HANDSHAKE_WITHIN, REQUEST_HEAD_WITHIN};

pub use self::acme::Acme;
pub use self::certificate::{Certificate, CertificateFiles, Tls, certificates};
pub use self::origin::{Origin, Proxies};
use self::socket::Stream;

pub use self::socket::Socket;

/// See the module.
pub struct Door {
    pub listener: TcpListener,
    /// `None`: what is in front of us speaks TLS, or nobody does.
    pub certificate: Option<Arc<Certificate>>,
    pub proxies: Proxies,
    pub router: Router,
    /// Connections at the same time.
    pub seats: usize,
}

impl Door {
    /// Lets everybody in as long as there are seats, until it is dropped.
    pub async fn open(self) {
        let seats = Arc::new(Semaphore::new(self.seats));
        let mut is_full = false;
        let inside = Arc::new(Inside {
            tls: self.certificate.map(|certificate| TlsAcceptor::from(certificate.config())),
            proxies: self.proxies,
            router: self.router,
        });
        loop {
            match self.listener.accept().await {
                Ok((socket, peer)) => match seats.clone().try_acquire_owned() {
                    Ok(seat) => {
                        is_full = false;
                        tokio::spawn(inside.clone().receive(socket, peer, seat));
                    }
                    // Told once, not for each of them.
                    Err(_) if is_full => {}
                    Err(_) => {
                        is_full = true;
                        tracing::error!(
                            connections = self.seats,
                            "no more connections are taken: allow more open files (ulimit -n)"
                        );
                    }
                },
                // Of one connection, which is gone already.
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "no connection can be taken");
                    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                }
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

struct Inside {
    tls: Option<TlsAcceptor>,
    proxies: Proxies,
    router: Router,
}

impl Inside {
    async fn receive(
        self: Arc<Self>,
        socket: TcpStream,
        peer: SocketAddr,
        seat: OwnedSemaphorePermit,
    ) {
        // Frames are small and must not wait for each other.
        let _ = socket.set_nodelay(true);
        let stream = match &self.tls {
            None => Stream::Plain(socket),
            Some(tls) => match timeout(HANDSHAKE_WITHIN, tls.accept(socket)).await {
                Ok(Ok(socket)) => Stream::Tls(Box::new(socket)),
                Ok(Err(error)) => return tracing::debug!(%error, "no TLS came about"),
                Err(_) => return tracing::debug!("a TLS handshake took too long"),
            },
        };
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(axum::body::Body::new);
            let origin = self.proxies.origin(peer.ip(), self.tls.is_some(), request.headers());
            request.extensions_mut().insert(origin);
            self.router.clone().call(request)
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(REQUEST_HEAD_WITHIN);
        let connection = http.serve_connection(TokioIo::new(Socket::new(stream, seat)), answer);
        // A client that hangs up in the middle is nobody's mistake.
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a connection broke");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn door(certificate: Option<Arc<Certificate>>, seats: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (proxies, router) = (Proxies::default(), Router::new());
        tokio::spawn(Door { listener, certificate, proxies, router, seats }.open());
        address
    }

    /// What is answered until the connection is closed. Time is invented: it passes as soon as all
    /// wait for it.
    async fn answer_to(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_say_what_it_wants_is_not_waited_for() {
        let address = door(None, 9).await;
        assert_eq!(answer_to(address, b"").await, b"");
        assert_eq!(answer_to(address, b"GET / HTTP/1.1\r\nhost:").await, b"");
    }

    #[tokio::test(start_paused = true)]
    async fn a_handshake_that_goes_nowhere_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let drawn = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
        std::fs::write(folder.path().join("cert.pem"), drawn.cert.pem()).unwrap();
        std::fs::write(folder.path().join("privkey.pem"), drawn.signing_key.serialize_pem())
            .unwrap();
        let files = CertificateFiles::in_folder(folder.path());
        let address = door(Some(Certificate::open(Tls::Files(files)).unwrap()), 9).await;
        // The beginning of a ClientHello.
        assert_eq!(answer_to(address, &[22, 3, 1, 2, 0, 1]).await, b"");
    }

    #[tokio::test]
    async fn more_than_have_a_seat_are_not_let_in_until_one_leaves() {
        let address = door(None, 1).await;
        let ask = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n";
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(ask).await.unwrap();
        assert!(first.read(&mut [0; 64]).await.unwrap() > 0, "it is in, and stays");
        let mut second = TcpStream::connect(address).await.unwrap();
        assert!(matches!(second.read(&mut [0; 64]).await, Ok(0) | Err(_)), "closed at once");
        drop(first);
        // The door hears of it a moment later.
        loop {
            let mut third = TcpStream::connect(address).await.unwrap();
            let _ = third.write_all(ask).await;
            if third.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {
                break;
            }
        }
    }
}
