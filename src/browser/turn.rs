//! Turns of the page's event loop: a message to oneself comes after what waits there already, and
//! soon, while a timer is held back for four milliseconds, in hidden pages for a second.

use wasm_bindgen::prelude::*;

use crate::driver::Engine;

#[wasm_bindgen]
extern "C" {
    type MessageChannel;

    #[wasm_bindgen(constructor)]
    fn new() -> MessageChannel;

    #[wasm_bindgen(method, getter)]
    fn port1(this: &MessageChannel) -> Port;

    #[wasm_bindgen(method, getter)]
    fn port2(this: &MessageChannel) -> Port;

    type Port;

    #[wasm_bindgen(method, setter)]
    fn set_onmessage(this: &Port, listener: &JsValue);

    #[wasm_bindgen(method, js_name = postMessage)]
    fn post(this: &Port, message: u32);
}

pub struct Turns {
    port: Port,
}

impl Turns {
    pub fn new(driver: Engine) -> Turns {
        let channel = MessageChannel::new();
        let listener = Closure::<dyn Fn()>::new(move || driver.go_on());
        channel.port2().set_onmessage(&listener.into_js_value());
        Turns { port: channel.port1() }
    }

    /// The driver goes on in a later turn.
    pub fn ask(&self) {
        self.port.post(0);
    }
}
