//! Text: what the browser knows of all scripts, and the SDK does not carry.

use js_sys::JsString;

/// The text in lower case.
pub fn lower(text: &str) -> JsString {
    JsString::from(text).to_lower_case()
}

/// Whether a text has another one in it, whatever their case.
pub fn search(text: &str, wanted: &str) -> bool {
    lower(text).includes(&String::from(lower(wanted)), 0)
}
