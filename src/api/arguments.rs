//! What pages pass, read leniently: numeric strings are numbers, `null` is missing, anything
//! else is the default.
//!
//! The browser turns numbers into text and back: it knows how, and as pages expect it.

use client::message::Conversation;
use js_sys::{Number, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wire::id::{GroupId, MessageId};

/// Text; a number as its digits.
pub fn text(value: &JsValue) -> String {
    optional_text(value).unwrap_or_default()
}

/// Text, `None` when there is none.
pub fn optional_text(value: &JsValue) -> Option<String> {
    let digits = || {
        let number = value.dyn_ref::<Number>().filter(|_| optional_number(value).is_some())?;
        number.to_string_with_radix(10).ok().map(String::from)
    };
    value.as_string().or_else(digits)
}

/// A number, truncated; 0 when it is none.
pub fn number(value: &JsValue) -> f64 {
    optional_number(value).map_or(0.0, f64::trunc)
}

/// A number, of a text too; `None` when it is none. Zero is one.
pub fn optional_number(value: &JsValue) -> Option<f64> {
    let text = value.as_string().is_some_and(|text| !text.trim().is_empty());
    let number = if text { Some(value.unchecked_into_f64()) } else { value.as_f64() };
    number.filter(|number| number.is_finite())
}

/// A switch: on, when nothing is said.
pub fn switched(on: &JsValue) -> bool {
    on.is_undefined() || on.is_truthy()
}

/// A number of 32 bits; negative ones wrap as in JavaScript.
pub fn u32(value: &JsValue) -> u32 {
    number(value) as i64 as u32
}

/// The id of a message; `None` when it is none.
pub fn message_id(value: &JsValue) -> Option<MessageId> {
    MessageId::new(number(value).max(0.0) as u64)
}

/// A group id, 0 when it is none.
pub fn gid(value: &JsValue) -> GroupId {
    let number = number(value);
    GroupId(if (0.0..=f64::from(u32::MAX)).contains(&number) { number as u32 } else { 0 })
}

/// A user or a group; the group wins. `None` when both are empty.
pub fn conversation(address: &JsValue, group: &JsValue) -> Option<Conversation> {
    let gid = gid(group);
    if gid.0 != 0 {
        return Some(Conversation::Group(gid));
    }
    let address = text(address);
    (!address.is_empty()).then_some(Conversation::User(address))
}

/// A property; `undefined` when there is none.
pub fn property(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or_default()
}
