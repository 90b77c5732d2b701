//! Calling the page: listeners are any object, looked up when the event happens, under every
//! spelling; one that throws does no harm.

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

/// A callback's names, the newer spelling first.
pub fn spellings(name: &str) -> [String; 4] {
    [
        format!("Mesibo_on{name}"),
        format!("Mesibo_On{name}"),
        format!("mesibo_on{name}"),
        format!("mesibo_On{name}"),
    ]
}

/// The first method of these names that the listener has.
pub fn method(listener: &JsValue, names: &[String]) -> Option<Function> {
    let found = names.iter().filter_map(|name| Reflect::get(listener, &name.into()).ok());
    found.filter_map(|value| value.dyn_into::<Function>().ok()).next()
}

/// Calls a function of the page. What it throws or rejects with goes to the console.
pub fn call(function: &Function, this: &JsValue, arguments: &[JsValue]) -> JsValue {
    let arguments: Array = arguments.iter().collect();
    match function.apply(this, &arguments) {
        Ok(value) => {
            if let Some(promise) = value.dyn_ref::<Promise>() {
                let report = Closure::once_into_js(|error: JsValue| report(&error));
                if let Some(report) = report.dyn_ref::<Function>() {
                    let _ = Reflect::get(promise, &"catch".into())
                        .and_then(|catch| catch.dyn_into::<Function>())
                        .and_then(|catch| catch.call1(promise, report));
                }
            }
            value
        }
        Err(error) => {
            report(&error);
            JsValue::UNDEFINED
        }
    }
}

/// Calls the listener's method of these names, if it has one.
pub fn tell(listener: &JsValue, names: &[String], arguments: &[JsValue]) -> bool {
    let Some(function) = method(listener, names) else { return false };
    call(&function, listener, arguments);
    true
}

fn report(error: &JsValue) {
    web_sys::console::error_2(&"mesibo: a callback of the page failed:".into(), error);
}

/// One line for the console.
pub fn warn(text: &str) {
    web_sys::console::warn_1(&format!("mesibo: {text}").into());
}
