//! WebSockets: one task each, bytes to frames for the hub, frames of the hub to bytes.
//!
//! Keeps nothing but the socket: what a session is, the hub knows. A socket whose frames the hub
//! does not take yet is not read, so that a fast sender waits instead of filling memory.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use wire::SUBPROTOCOL;
use wire::frame::{FrameError, decode_client};
use wire::id::SessionId;
use wire::limits::FRAME_BYTES_MAX;

use crate::Shared;
use crate::hub_task::{HubHandle, ToHub, ToSocket};

/// Bytes read from a socket at once. Frames are small; a larger one just takes several reads.
const READ_BUFFER_BYTES: usize = 1024;
/// Bytes sent before the hub is told of it.
const DRAINED_STEP_BYTES: usize = 16 * 1024;
/// Close codes from here on belong to applications (RFC 6455 section 7.4.2).
const CLOSE_CODE_BASE: u16 = 4000;

/// The route of the gateway.
pub fn routes() -> Router<Shared> {
    Router::new().route("/ws", get(upgrade))
}

async fn upgrade(
    State(shared): State<Shared>,
    ConnectInfo(remote): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    socket: WebSocketUpgrade,
) -> Response {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    if !offered.any(|protocol| protocol.trim() == SUBPROTOCOL) {
        let text = format!("the sub-protocol {SUBPROTOCOL} is required");
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    socket
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        // One byte more, so that a frame over the limit is told apart from a broken one.
        .max_frame_size(FRAME_BYTES_MAX + 1)
        .max_message_size(FRAME_BYTES_MAX + 1)
        .on_upgrade(move |socket| serve(shared.hub, socket, remote))
}

async fn serve(hub: HubHandle, mut socket: WebSocket, remote: SocketAddr) {
    let session = hub.new_session();
    let (orders, mut ordered) = mpsc::unbounded_channel();
    if !hub.tell(ToHub::Opened(session, remote.ip(), orders)).await {
        return;
    }
    let mut drained = 0;
    loop {
        tokio::select! {
            order = ordered.recv() => {
                let Some(order) = order else { break };
                match send(&mut socket, order, &mut ordered).await {
                    Some(bytes) => drained += bytes,
                    None => break,
                }
                if drained >= DRAINED_STEP_BYTES {
                    hub.tell(ToHub::Drained(session, std::mem::take(&mut drained))).await;
                }
            }
            message = socket.next() => {
                let Some(input) = input(session, message) else { break };
                let Some(input) = input else { continue };
                let last = matches!(input, ToHub::Malformed(..));
                if !hub.tell(input).await || (last && !say_goodbye(&mut socket, &mut ordered).await) {
                    break;
                }
            }
        }
    }
    hub.tell(ToHub::Closed(session)).await;
}

/// Sends an order and all that wait behind it with one flush. The bytes sent, `None` at the end.
async fn send(
    socket: &mut WebSocket,
    first: ToSocket,
    ordered: &mut mpsc::UnboundedReceiver<ToSocket>,
) -> Option<usize> {
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(order) = next {
        match order {
            ToSocket::Frame(frame) => {
                bytes += frame.len();
                socket.feed(Message::Binary(frame)).await.ok()?;
            }
            ToSocket::Close(code) => {
                let code = CLOSE_CODE_BASE + code.number() as u16;
                let close = CloseFrame { code, reason: "".into() };
                // The other side may be gone already.
                let _ = socket.send(Message::Close(Some(close))).await;
                return None;
            }
        }
        next = ordered.try_recv().ok();
    }
    socket.flush().await.ok()?;
    Some(bytes)
}

/// What a message of the socket tells the hub; `None` when the socket is at its end.
fn input(
    session: SessionId,
    message: Option<Result<Message, axum::Error>>,
) -> Option<Option<ToHub>> {
    let malformed = |error| Some(Some(ToHub::Malformed(session, error)));
    match message? {
        Ok(Message::Binary(bytes)) => match decode_client(&bytes) {
            Ok(frame) => Some(Some(ToHub::Frame(session, frame))),
            Err(error) => malformed(error),
        },
        // A text frame is read as bytes that are no frame.
        Ok(Message::Text(_)) => malformed(FrameError::Text),
        Ok(Message::Ping(_) | Message::Pong(_)) => Some(None),
        Ok(Message::Close(_)) => None,
        Err(error) => match is_too_large(&error) {
            true => malformed(FrameError::TooLarge { bytes: FRAME_BYTES_MAX + 1 }),
            false => None,
        },
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    // The library's error is not public through axum; its text names the capacity.
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        if error.to_string().contains("too long") {
            return true;
        }
        source = error.source();
    }
    false
}

/// After a frame that cannot be read nothing more is read: the hub's goodbye is sent, unless it
/// lets the session live. `false` when the socket is done.
async fn say_goodbye(
    socket: &mut WebSocket,
    ordered: &mut mpsc::UnboundedReceiver<ToSocket>,
) -> bool {
    match ordered.recv().await {
        Some(order) => send(socket, order, ordered).await.is_some(),
        None => false,
    }
}
