//! Calling the page: listeners are any object, looked up when the event happens, under every
//! spelling; one that throws does no harm. How stands in `js/told.js`.

use js_sys::{Array, Function};
use wasm_bindgen::{JsCast, JsValue};

use super::records;

/// Whose callback it is; the places are those of `js/told.js`.
#[derive(Clone, Copy)]
enum Whose {
    Page,
    Profile,
    GroupCall,
    /// The page's, in the spellings of the first generation.
    First,
    Admin,
}

/// A callback in all its spellings, the newer first.
#[derive(Clone, Copy)]
pub struct Name<'a>(Whose, &'a str);

/// `Mesibo_on…`
pub fn spellings(name: &str) -> Name<'_> {
    Name(Whose::Page, name)
}

/// `MesiboProfile_on…`
pub fn profile_spellings(name: &str) -> Name<'_> {
    Name(Whose::Profile, name)
}

/// `MesiboGroupcall_On…`
pub fn call_spellings(name: &str) -> Name<'_> {
    Name(Whose::GroupCall, name)
}

/// `Mesibo_On…`
pub fn first_spellings(name: &str) -> Name<'_> {
    Name(Whose::First, name)
}

/// `MesiboGroupcallAdmin_On…`
pub fn admin_spellings(name: &str) -> Name<'_> {
    Name(Whose::Admin, name)
}

/// The first method of this name that the listener has.
pub fn method(listener: &JsValue, Name(whose, name): Name<'_>) -> Option<Function> {
    records::joined().method(listener, whose as u32, name).dyn_into().ok()
}

/// Calls a function of the page. What it throws or rejects with goes to the console.
pub fn call(function: &Function, this: &JsValue, arguments: &[JsValue]) -> JsValue {
    let arguments: Array = arguments.iter().collect();
    records::joined().call(function, this, &arguments)
}

/// Calls the listener's method of this name, if it has one.
pub fn tell(listener: &JsValue, name: Name<'_>, arguments: &[JsValue]) -> bool {
    let Some(function) = method(listener, name) else { return false };
    call(&function, listener, arguments);
    true
}

/// One line for the console.
pub fn warn(text: &str) {
    web_sys::console::warn_1(&format!("mesibo: {text}").into());
}
