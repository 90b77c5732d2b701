//! Same thing, same object: the only place that knows how.
//!
//! Profiles stay for as long as the engine. Messages stay for as long as the page can reach them.

use std::cell::{Cell, RefCell};

use client::message::{Conversation, MessageKey};
use client::sorted::Map;
use wasm_bindgen::JsCast;
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
const SWEEP_EVERY: u32 = 4_096;

#[derive(Default)]
pub struct Identity {
    profiles: RefCell<Map<Conversation, JsValue>>,
    /// [`WeakRef`]s by the text of the key.
    messages: js_sys::Map,
    swept: Cell<u32>,
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
        let known = self.messages.get(&key.to_string().into());
        let object = known.dyn_ref::<WeakRef>()?.deref();
        (!object.is_undefined()).then_some(object)
    }

    /// This object is that message from now on.
    pub fn put_message(&self, key: &MessageKey, object: &JsValue) {
        let messages = &self.messages;
        messages.set(&key.to_string().into(), &WeakRef::new(object));
        if messages.size() > self.swept.get() + SWEEP_EVERY {
            messages.for_each(&mut |reference, key| {
                if reference.unchecked_ref::<WeakRef>().deref().is_undefined() {
                    messages.delete(&key);
                }
            });
            self.swept.set(messages.size());
        }
    }
}
