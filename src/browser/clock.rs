//! The browser's clocks, and chance for ids and delays.

use js_sys::{Date, Reflect, global};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Crypto, Performance};
use wire::time::{Instant, Now, Timestamp};

/// Both clocks, read now.
pub fn now() -> Now {
    let wall = Date::now();
    // Monotonic where there is one, which is everywhere but in tests of old engines.
    let instant = performance().map_or(wall, |performance| performance.now());
    Now { instant: Instant(instant as u64), wall: Timestamp(wall as u64) }
}

/// A seed nobody else has.
pub fn seed() -> u64 {
    let bytes = random::<8>();
    u64::from_le_bytes(bytes)
}

/// Random bytes of the browser.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let crypto = Reflect::get(&global(), &JsValue::from_str("crypto"));
    let crypto = crypto.ok().and_then(|crypto| crypto.dyn_into::<Crypto>().ok());
    let drawn = crypto.map(|crypto| crypto.get_random_values_with_u8_array(&mut bytes));
    if !matches!(drawn, Some(Ok(_))) {
        bytes.iter_mut().for_each(|byte| *byte = (js_sys::Math::random() * 256.0) as u8);
    }
    bytes
}

fn performance() -> Option<Performance> {
    Reflect::get(&global(), &JsValue::from_str("performance")).ok()?.dyn_into().ok()
}
