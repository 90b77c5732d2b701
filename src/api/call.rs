//! One-to-one calls, as `js/calls.js` asks for them.

use client::{CallError, CallWait};
use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::MediaStream;
use wire::time::Duration;

use super::arguments::{number, text, u32 as to_u32};
use super::listener::warn;
use super::mesibo::Mesibo;

const OK: i32 = 0;
const FAIL: i32 = 0x80;

#[wasm_bindgen]
impl Mesibo {
    /// What the next call is about, and the elements for it.
    #[wasm_bindgen(js_name = _setupCall)]
    pub fn set_up_call(&self, video: bool, local: JsValue, remote: JsValue) {
        self.driver.call.set_views(local, remote);
        self.driver.call(|client, _| client.set_up_call(video));
    }

    /// `video` when it is a Boolean overrides what was set up.
    #[wasm_bindgen(js_name = _call)]
    pub fn call(&self, address: JsValue, video: JsValue) -> i32 {
        let (peer, video) = (text(&address), video.as_bool());
        let Err(error) = self.driver.call(|client, _| client.call(peer, video)) else { return OK };
        warn(&error.to_string());
        match error {
            CallError::NoSetup | CallError::NoAddress => FAIL,
            CallError::Busy => 0xB3,
            CallError::Offline => 0xB2,
        }
    }

    /// Something about the call there is; `verb` counts in `js/calls.js`. `false` without one.
    #[wasm_bindgen(js_name = _callVerb)]
    pub fn call_verb(&self, verb: u32, value: JsValue, on: bool) -> bool {
        let seconds = Duration::from_secs(number(&value).max(0.0) as u64);
        self.driver.call(|client, _| match verb {
            0 => client.answer_call(on),
            1 => client.hang_up_call(to_u32(&value)),
            2 => client.mute_call(to_u32(&value), on),
            3 => client.send_tones(text(&value)),
            _ => {
                let waits = [CallWait::Request, CallWait::Answer, CallWait::Connect];
                let wait = waits.into_iter().nth(verb as usize - 4);
                wait.map(|wait| client.set_call_wait(wait, seconds)).is_some()
            }
        })
    }

    /// `[address, is about pictures, what is muted, which source is sent]`; without a call the address
    /// is empty.
    #[wasm_bindgen(js_name = _activeCall)]
    pub fn active_call(&self) -> Array {
        self.driver.look(|client| {
            let (peer, video) = client.active_call().unwrap_or_default();
            let (muted, source) = (client.call_muted().into(), client.call_source().into());
            Array::of4(&peer.into(), &video.into(), &muted, &source)
        })
    }

    /// Which camera or screen is sent, now and in later calls.
    #[wasm_bindgen(js_name = _setCallSource)]
    pub fn set_call_source(&self, source: JsValue, index: JsValue) {
        let (source, index) = (to_u32(&source), to_u32(&index));
        self.driver.call(|client, _| client.set_call_source(source, index));
    }

    /// Which microphone calls and rooms hear, now and later; empty = the browser's choice.
    #[wasm_bindgen(js_name = _setMicrophone)]
    pub fn set_microphone(&self, device: String) {
        if self.driver.peers.microphone.replace(device.clone()) != device {
            self.driver.call(|client, _| client.change_microphone());
        }
    }

    /// What the own side sends.
    #[wasm_bindgen(js_name = _callStream)]
    pub fn call_stream(&self) -> Option<MediaStream> {
        self.driver.call.own_stream()
    }
}
