//! Which browser profile this is: 16 random bytes that all tabs and workers of an origin share.

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wire::id::DeviceKey;

use super::clock::random;
use super::database::{self, Database, done, stored};

const DATABASE: &str = "mesibo-device";
const STORE: &str = "keys";
const KEY: &str = "device";

/// The key of this profile; a new one for each page where the browser keeps nothing.
pub async fn key() -> DeviceKey {
    kept().await.unwrap_or_else(|_| DeviceKey(random()))
}

async fn kept() -> Result<DeviceKey, JsValue> {
    let lay_out = |database: &Database| database.create_store(STORE, &JsValue::UNDEFINED).map(drop);
    let database = database::open(DATABASE, 1, lay_out).await?;
    let transaction = database.transaction(&STORE.into(), "readwrite", &JsValue::UNDEFINED)?;
    let store = transaction.store(STORE)?;
    let known = done(store.get(&KEY.into())?).await?;
    let known = known.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec);
    if let Some(key) = known.and_then(|bytes| DeviceKey::from_slice(&bytes)) {
        return Ok(key);
    }
    let key = DeviceKey(random());
    // Read and written in one transaction: two tabs that start together agree.
    store.put(&Uint8Array::from(&key.0[..]), &KEY.into())?;
    stored(&transaction).await?;
    Ok(key)
}
