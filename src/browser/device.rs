//! Which browser profile this is: 16 random bytes that all tabs and workers of an origin share.

use idb::{DatabaseEvent, Factory, ObjectStoreParams, Query, TransactionMode};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wire::id::DeviceKey;

use super::clock::random;

const DATABASE: &str = "mesibo-device";
const STORE: &str = "keys";
const KEY: &str = "device";

/// The key of this profile; a new one for each page where the browser keeps nothing.
pub async fn key() -> DeviceKey {
    kept().await.unwrap_or_else(|_| DeviceKey(random()))
}

async fn kept() -> Result<DeviceKey, idb::Error> {
    let mut request = Factory::new()?.open(DATABASE, Some(1))?;
    request.on_upgrade_needed(|event| {
        if let Ok(database) = event.database() {
            // It fails only when the store is there already.
            let _ = database.create_object_store(STORE, ObjectStoreParams::new());
        }
    });
    let database = request.await?;
    let transaction = database.transaction(&[STORE], TransactionMode::ReadWrite)?;
    let store = transaction.object_store(STORE)?;
    let name = JsValue::from_str(KEY);
    let known = store.get(Query::Key(name.clone()))?.await?;
    let known = known.and_then(|value| value.dyn_into::<Uint8Array>().ok());
    if let Some(key) = known.and_then(|bytes| DeviceKey::from_slice(&bytes.to_vec())) {
        return Ok(key);
    }
    let key = DeviceKey(random());
    // Read and written in one transaction: two tabs that start together agree.
    store.put(&Uint8Array::from(&key.0[..]), Some(&name))?.await?;
    transaction.await?;
    Ok(key)
}
