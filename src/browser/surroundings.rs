//! What happens around the page: it is seen or hidden, the network comes and goes.

use client::Input;
use gloo_events::EventListener;
use js_sys::{Reflect, global};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, EventTarget, VisibilityState};

use crate::driver::Engine;

/// Listens for as long as it lives.
pub struct Surroundings {
    _listeners: Vec<EventListener>,
}

impl Surroundings {
    pub fn watch(driver: Engine) -> Surroundings {
        let mut listeners = Vec::new();
        if let Ok(target) = global().dyn_into::<EventTarget>() {
            for (name, online) in [("online", true), ("offline", false)] {
                listeners.push(EventListener::new(&target, name, move |_| {
                    driver.input(Input::Network { online });
                }));
            }
        }
        // A page that is left says goodbye to who it talks with.
        if let Ok(target) = global().dyn_into::<EventTarget>() {
            listeners.push(EventListener::new(&target, "pagehide", move |_| {
                driver.input(Input::Call(0, client::port::call::Input::Leaving));
            }));
        }
        if let Some(document) = document() {
            let target = document.clone();
            listeners.push(EventListener::new(&document, "visibilitychange", move |_| {
                driver.input(Input::Visible(is_visible(&target)));
            }));
        }
        Surroundings { _listeners: listeners }
    }
}

/// Whether somebody can see the page. A worker counts as seen.
pub fn is_page_visible() -> bool {
    document().is_none_or(|document| is_visible(&document))
}

fn is_visible(document: &Document) -> bool {
    document.visibility_state() == VisibilityState::Visible
}

fn document() -> Option<Document> {
    Reflect::get(&global(), &JsValue::from_str("document")).ok()?.dyn_into().ok()
}
