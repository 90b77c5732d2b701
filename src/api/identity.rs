//! Same thing, same object: the only place that knows how.
//!
//! Profiles stay for as long as the engine. Messages stay for as long as the page can reach them.

use std::cell::RefCell;
use std::collections::HashMap;

use client::message::{Conversation, MessageKey};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    type WeakRef;

    #[wasm_bindgen(constructor)]
    fn new(target: &JsValue) -> WeakRef;

    #[wasm_bindgen(method)]
    fn deref(this: &WeakRef) -> JsValue;
}

/// How many dead references may gather before they are swept.
const SWEEP_EVERY: usize = 4_096;

#[derive(Default)]
pub struct Identity {
    profiles: RefCell<HashMap<Conversation, JsValue>>,
    messages: RefCell<HashMap<MessageKey, WeakRef>>,
    swept: RefCell<usize>,
}

impl Identity {
    /// The object of this user or group, made when there is none.
    pub fn profile(&self, of: &Conversation, make: impl FnOnce() -> JsValue) -> JsValue {
        if let Some(known) = self.profiles.borrow().get(of) {
            return known.clone();
        }
        let made = make();
        self.profiles.borrow_mut().insert(of.clone(), made.clone());
        made
    }

    /// The object of this message, `None` when the page has none.
    pub fn message(&self, key: &MessageKey) -> Option<JsValue> {
        let object = self.messages.borrow().get(key)?.deref();
        (!object.is_undefined()).then_some(object)
    }

    /// This object is that message from now on.
    pub fn put_message(&self, key: MessageKey, object: &JsValue) {
        let mut messages = self.messages.borrow_mut();
        messages.insert(key, WeakRef::new(object));
        let mut swept = self.swept.borrow_mut();
        if messages.len() > *swept + SWEEP_EVERY {
            messages.retain(|_, reference| !reference.deref().is_undefined());
            *swept = messages.len();
        }
    }
}
