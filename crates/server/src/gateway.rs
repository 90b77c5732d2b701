//! WebSockets: one task each, bytes to frames for the hub, frames of the hub to bytes.
//!
//! Keeps nothing but the socket: what a session is, the hub knows. A socket whose frames the hub
//! does not take yet is not read, so that a fast sender waits instead of filling memory. At rest a
//! connection holds no buffer: what is read and written goes through one of the thread's.

use std::cell::RefCell;
use std::io;
use std::net::IpAddr;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use data_encoding::BASE64;
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncWriteExt, Interest};
use wire::SUBPROTOCOL;
use wire::frame::{FrameError, decode_client};
use wire::id::SessionId;
use wire::limits::{CLOSE_WITHIN, FRAME_BYTES_MAX, SOCKET_READ_BYTES_MAX, SOCKET_WRITE_BYTES_MAX};
use wire::proto::client_frame;

use crate::Shared;
use crate::front::{Origin, Socket};
use crate::hub_task::{HubHandle, ToHub};
use crate::orders::{OrderReceiver, ToSocket, orders};
use crate::websocket::{Failure, Incoming, Reader, write_binary, write_close, write_pong};

/// Bytes sent before the hub is told of it.
const DRAINED_STEP_BYTES: usize = 16 * 1024;
/// Close codes from here on belong to applications (RFC 6455 section 7.4.2).
const CLOSE_CODE_BASE: u16 = 4000;
/// Nothing to complain about, and a breach of RFC 6455 (section 7.4.1).
const CLOSE_NORMAL: u16 = 1000;
const CLOSE_PROTOCOL: u16 = 1002;

/// The route of the gateway.
pub fn routes() -> Router<Shared> {
    Router::new().route("/ws", get(upgrade))
}

async fn upgrade(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    mut request: Request,
) -> Response {
    let refuse = |text: String| (StatusCode::BAD_REQUEST, text).into_response();
    let headers = request.headers();
    let key = headers.get(header::SEC_WEBSOCKET_KEY).cloned();
    let version = headers.get(header::SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes);
    let (Some(key), Some(b"13"), true) =
        (key, version, names(headers, header::UPGRADE, "websocket"))
    else {
        return refuse("a WebSocket is required, version 13".into());
    };
    if !names(headers, header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        return refuse(format!("the sub-protocol {SUBPROTOCOL} is required"));
    }
    let Some(upgrade) = request.extensions_mut().remove::<hyper::upgrade::OnUpgrade>() else {
        return refuse("the connection cannot become a WebSocket".into());
    };
    tokio::spawn(async move {
        // A client that goes away meanwhile has said nothing yet.
        let Ok(upgraded) = upgrade.await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<Socket>>() else {
            return tracing::error!("the socket of a WebSocket is not what it was");
        };
        // Boxed, and nothing else kept: what is left of this task is a pointer to what it does from
        // now on. What hyper has read too much is in its own large buffer.
        let (socket, mut early) = (parts.io.into_inner(), parts.read_buf.to_vec());
        drop(parts.read_buf);
        Box::pin(serve(shared.hub, socket, &mut early, origin.address)).await;
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept_key(key.as_bytes()));
    response
}

/// Whether a header of this name has this word in its list.
fn names(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut words = values.flat_map(|value| value.split(','));
    words.any(|found| found.trim().eq_ignore_ascii_case(word))
}

/// The answer to a client's key (RFC 6455 section 4.2.2).
fn accept_key(key: &[u8]) -> HeaderValue {
    let hash = Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let text = BASE64.encode(&hash.finalize());
    HeaderValue::try_from(text).expect("base64 is a header value")
}

async fn serve(hub: HubHandle, socket: Socket, early: &mut [u8], address: IpAddr) {
    let session = hub.new_session();
    let (sender, mut ordered) = orders();
    if !hub.tell(ToHub::Opened(session, address, sender)).await {
        return;
    }
    let mut connection = Connection::new(socket);
    if connection.converse(&hub, session, early, &mut ordered).await.is_ok() {
        // Longer than this nobody waits for a client that neither reads nor hangs up.
        let _ = tokio::time::timeout(CLOSE_WITHIN, connection.farewell()).await;
    }
    hub.tell(ToHub::Closed(session)).await;
}

struct Connection {
    socket: Socket,
    reader: Reader,
    /// What the hub ordered and was not put together yet.
    orders: std::vec::IntoIter<ToSocket>,
    /// Bytes that the kernel has not taken yet.
    unsent: Vec<u8>,
    /// Bytes of the hub's frames that are on their way to the kernel, and that have left since the
    /// hub was told.
    leaving: usize,
    drained: usize,
    end: Option<End>,
}

/// Nothing more is read from the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// What the hub has to say to a frame that was too large is waited for.
    Refusing,
    /// Everything is said.
    Said,
}

thread_local! {
    /// Where bytes are read to, and where frames are put together.
    static BUFFERS: RefCell<(Vec<u8>, Vec<u8>)> =
        RefCell::new((vec![0; SOCKET_READ_BYTES_MAX], Vec::new()));
}

impl Connection {
    fn new(socket: Socket) -> Connection {
        let reader = Reader::new(FRAME_BYTES_MAX);
        let (orders, unsent) = (Vec::new().into_iter(), Vec::new());
        Connection { socket, reader, orders, unsent, leaving: 0, drained: 0, end: None }
    }

    /// Until everything is said; an error when the socket is gone.
    async fn converse(
        &mut self,
        hub: &HubHandle,
        session: SessionId,
        early: &mut [u8],
        ordered: &mut OrderReceiver,
    ) -> io::Result<()> {
        if !early.is_empty() {
            let frames = self.take(early);
            self.tell(hub, session, frames).await?;
        }
        while self.end != Some(End::Said) {
            let reads = self.end.is_none();
            let writes = self.is_leaving();
            let interest = match writes {
                true if reads => Interest::READABLE | Interest::WRITABLE,
                true => Interest::WRITABLE,
                // An error is told whatever is asked for.
                false => Interest::READABLE,
            };
            tokio::select! {
                orders = ordered.take(), if !writes => {
                    // Without orders the hub is gone.
                    self.orders = orders.ok_or(io::ErrorKind::BrokenPipe)?.into_iter();
                    self.follow()?;
                }
                ready = self.socket.ready(interest), if reads || writes => {
                    let ready = ready?;
                    if writes && ready.is_writable() {
                        self.send_rest()?;
                        self.follow()?;
                    }
                    if reads && ready.is_readable() {
                        loop {
                            let frames = self.read()?;
                            self.tell(hub, session, frames).await?;
                            if self.end.is_some() || !self.socket.has_more() {
                                break;
                            }
                        }
                    }
                }
            }
            if self.drained >= DRAINED_STEP_BYTES {
                hub.tell(ToHub::Drained(session, std::mem::take(&mut self.drained))).await;
            }
        }
        Ok(())
    }

    async fn tell(
        &self,
        hub: &HubHandle,
        session: SessionId,
        frames: Vec<Result<client_frame::Body, FrameError>>,
    ) -> io::Result<()> {
        match frames.is_empty() || hub.tell(ToHub::Frames(session, frames)).await {
            true => Ok(()),
            false => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Reads what is there, once.
    fn read(&mut self) -> io::Result<Vec<Result<client_frame::Body, FrameError>>> {
        BUFFERS.with_borrow_mut(|(buffer, _)| match self.socket.try_read(buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => Ok(self.take(&mut buffer[..count])),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Vec::new()),
            Err(error) => Err(error),
        })
    }

    /// What bytes of the socket tell the hub.
    fn take(&mut self, bytes: &mut [u8]) -> Vec<Result<client_frame::Body, FrameError>> {
        let (mut frames, mut answer, mut closed) = (Vec::new(), Vec::new(), None);
        let read = self.reader.read(bytes, |incoming| match incoming {
            Incoming::Binary(bytes) => frames.push(decode_client(bytes)),
            // Ours are binary.
            Incoming::Text(_) => frames.push(Err(FrameError::Text)),
            Incoming::Ping(content) => write_pong(&mut answer, content),
            Incoming::Close(_) => closed = Some(CLOSE_NORMAL),
        });
        match read {
            Ok(()) => {}
            Err(Failure::TooLarge { bytes }) => {
                frames.push(Err(FrameError::TooLarge { bytes }));
                self.end = Some(End::Refusing);
            }
            Err(Failure::Protocol(reason)) => {
                tracing::debug!(reason, "a WebSocket breaks the rules");
                closed = Some(CLOSE_PROTOCOL);
            }
        }
        if let Some(code) = closed {
            write_close(&mut answer, code);
            self.end = Some(End::Said);
        }
        self.unsent.append(&mut answer);
        frames
    }

    /// Puts orders together and sends them with few calls, until the kernel takes no more.
    fn follow(&mut self) -> io::Result<()> {
        BUFFERS.with_borrow_mut(|(_, out)| {
            while !self.is_leaving() && self.end != Some(End::Said) {
                match self.orders.next() {
                    Some(ToSocket::Frame(frame)) => {
                        self.leaving += frame.len();
                        write_binary(out, &frame);
                    }
                    Some(ToSocket::Close(code)) => {
                        write_close(out, CLOSE_CODE_BASE + code.number() as u16);
                        self.end = Some(End::Said);
                    }
                    None => {
                        self.orders = Vec::new().into_iter();
                        break;
                    }
                }
                if out.len() >= SOCKET_WRITE_BYTES_MAX {
                    self.send(out)?;
                }
            }
            self.send(out)
        })
    }

    /// Gives the kernel what it takes and keeps the rest; leaves `out` empty.
    fn send(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let mut sent = 0;
        while self.unsent.is_empty() && sent < out.len() {
            match self.socket.try_write(&out[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    out.clear();
                    return Err(error);
                }
            }
        }
        self.unsent.extend_from_slice(&out[sent..]);
        self.socket.try_flush()?;
        if !self.is_leaving() {
            self.drained += std::mem::take(&mut self.leaving);
        }
        out.clear();
        out.shrink_to(SOCKET_WRITE_BYTES_MAX);
        Ok(())
    }

    /// Whether the kernel has not taken everything yet.
    fn is_leaving(&self) -> bool {
        !self.unsent.is_empty() || self.socket.holds_back()
    }

    fn send_rest(&mut self) -> io::Result<()> {
        let mut rest = std::mem::take(&mut self.unsent);
        self.send(&mut rest)
    }

    /// Sends what is left, then waits for the other side to hang up: closing a socket on what was
    /// not read would take away what was sent.
    async fn farewell(&mut self) -> io::Result<()> {
        self.socket.write_all(&std::mem::take(&mut self.unsent)).await?;
        self.socket.shutdown().await?;
        loop {
            self.socket.ready(Interest::READABLE).await?;
            let read = BUFFERS.with_borrow_mut(|(buffer, _)| self.socket.try_read(buffer));
            match read {
                Ok(0) => return Ok(()),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_standard_is_answered_as_the_standard_says() {
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
