//! WebSockets: bytes out, bytes in.

use std::cell::RefCell;

use client::sorted::Map;
use client::{Input, SocketId};
use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast;
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};
use wire::SUBPROTOCOL;
use wire::code::Code;

use crate::driver::Engine;

/// Close codes of applications begin here (RFC 6455 section 7.4.2).
const CLOSE_CODE_BASE: u16 = 4000;

pub struct Sockets {
    open: RefCell<Map<SocketId, Socket>>,
    driver: Engine,
}

struct Socket {
    socket: WebSocket,
    _listeners: [EventListener; 3],
}

/// What an event of a socket is for the client.
type Handle = Box<dyn Fn(&Event) -> Option<Input>>;

impl Drop for Socket {
    fn drop(&mut self) {
        // Closing one that is closed already does nothing.
        let _ = self.socket.close();
    }
}

impl Sockets {
    pub fn new(driver: Engine) -> Sockets {
        Sockets { open: RefCell::default(), driver }
    }

    /// Opens a socket; what comes of it is told by inputs.
    pub fn open(&self, id: SocketId, server: &str) {
        // `https://host` and `http://host` have the socket at `wss://host/ws` and `ws://host/ws`.
        let rest = server.trim_end_matches('/').strip_prefix("http").unwrap_or_default();
        let url = format!("ws{rest}/ws");
        let Ok(socket) = WebSocket::new_with_str(&url, SUBPROTOCOL) else {
            return self.tell_later(Input::SocketClosed { socket: id, code: None });
        };
        socket.set_binary_type(BinaryType::Arraybuffer);
        let listen = |name: &'static str, handle: Handle| {
            let driver = self.driver;
            EventListener::new(&socket, name, move |event| {
                if let Some(input) = handle(event) {
                    driver.input(input);
                }
            })
        };
        let listeners = [
            listen("open", Box::new(move |_| Some(Input::SocketOpened { socket: id }))),
            listen(
                "message",
                Box::new(move |event| {
                    let data = event.dyn_ref::<MessageEvent>()?.data();
                    let bytes = Uint8Array::new(data.dyn_ref::<ArrayBuffer>()?).to_vec();
                    Some(Input::SocketFrame { socket: id, bytes })
                }),
            ),
            listen(
                "close",
                Box::new(move |event| {
                    let code = event.dyn_ref::<CloseEvent>()?.code().checked_sub(CLOSE_CODE_BASE);
                    let code = code.and_then(|code| Code::from_number(code.into()));
                    Some(Input::SocketClosed { socket: id, code })
                }),
            ),
        ];
        self.open.borrow_mut().insert(id, Socket { socket, _listeners: listeners });
    }

    pub fn send(&self, id: SocketId, bytes: &[u8]) {
        if let Some(socket) = self.open.borrow().get(&id) {
            // One that is closing says so by its close event.
            let _ = socket.socket.send_with_u8_array(bytes);
        }
    }

    pub fn close(&self, id: SocketId) {
        self.open.borrow_mut().remove(&id);
    }

    fn tell_later(&self, input: Input) {
        let driver = self.driver;
        crate::driver::spawn(async move { driver.input(input) });
    }
}
