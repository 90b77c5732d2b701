//! IndexedDB, as much of it as the SDK uses; errors are the browser's own.
//!
//! Written here because each request of a general wrapper is a type with a future of its own,
//! which together were a tenth of the download.

use js_sys::{Array, Function, Promise, Reflect, global};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    type Factory;

    #[wasm_bindgen(method, catch)]
    fn open(this: &Factory, name: &str, version: u32) -> Result<Request, JsValue>;

    #[cfg(test)]
    #[wasm_bindgen(method, catch, js_name = deleteDatabase)]
    fn delete_database(this: &Factory, name: &str) -> Result<Request, JsValue>;

    #[derive(Clone)]
    pub type Database;

    #[wasm_bindgen(method)]
    pub fn close(this: &Database);

    /// The browser has deleted it.
    #[wasm_bindgen(method, setter)]
    fn set_onclose(this: &Database, listener: &JsValue);

    /// Another tab wants to delete it or lay it out anew, and waits until it is closed here.
    #[wasm_bindgen(method, setter)]
    fn set_onversionchange(this: &Database, listener: &JsValue);

    #[wasm_bindgen(method, getter, js_name = objectStoreNames)]
    fn stores(this: &Database) -> JsValue;

    #[wasm_bindgen(method, catch, js_name = deleteObjectStore)]
    fn delete_store(this: &Database, name: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = createObjectStore)]
    pub fn create_store(this: &Database, name: &str, options: &JsValue) -> Result<Table, JsValue>;

    /// `mode`: `readonly` or `readwrite`.
    #[wasm_bindgen(method, catch)]
    pub fn transaction(
        this: &Database,
        stores: &JsValue,
        mode: &str,
        options: &JsValue,
    ) -> Result<Transaction, JsValue>;

    pub type Transaction;

    #[wasm_bindgen(method, catch, js_name = objectStore)]
    pub fn store(this: &Transaction, name: &str) -> Result<Table, JsValue>;

    /// Begins to commit now instead of at the end of the turn.
    #[wasm_bindgen(method, catch)]
    pub fn commit(this: &Transaction) -> Result<(), JsValue>;

    #[wasm_bindgen(method, getter = error)]
    fn failure(this: &Transaction) -> JsValue;

    #[wasm_bindgen(method, setter)]
    fn set_oncomplete(this: &Transaction, listener: &Function);

    #[wasm_bindgen(method, setter)]
    fn set_onabort(this: &Transaction, listener: &Function);

    /// A store, or an index of one: both are asked alike, only a store is written to.
    pub type Table;

    #[wasm_bindgen(method, catch)]
    pub fn index(this: &Table, name: &str) -> Result<Table, JsValue>;

    #[wasm_bindgen(method, catch, js_name = createIndex)]
    pub fn create_index(
        this: &Table,
        name: &str,
        path: &JsValue,
        options: &JsValue,
    ) -> Result<Table, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn get(this: &Table, key: &JsValue) -> Result<Request, JsValue>;

    /// `undefined` = all keys.
    #[wasm_bindgen(method, catch, js_name = getAll)]
    pub fn get_all(this: &Table, keys: &JsValue, count: Option<u32>) -> Result<Request, JsValue>;

    /// As `get_all`, the primary keys alone.
    #[wasm_bindgen(method, catch, js_name = getAllKeys)]
    pub fn get_all_keys(this: &Table, keys: &JsValue, count: u32) -> Result<Request, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn count(this: &Table, keys: &JsValue) -> Result<Request, JsValue>;

    /// `direction`: `next` or `prev`.
    #[wasm_bindgen(method, catch, js_name = openCursor)]
    pub fn open_cursor(this: &Table, keys: &JsValue, direction: &str) -> Result<Request, JsValue>;

    /// A key of `undefined`: the value has it inside.
    #[wasm_bindgen(method, catch)]
    pub fn put(this: &Table, value: &JsValue, key: &JsValue) -> Result<Request, JsValue>;

    /// As `put` with the key inside; refused when the key, or what an index keeps once, is there.
    #[wasm_bindgen(method, catch)]
    pub fn add(this: &Table, value: &JsValue) -> Result<Request, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn delete(this: &Table, key: &JsValue) -> Result<Request, JsValue>;

    pub type Cursor;

    #[wasm_bindgen(method, getter)]
    pub fn value(this: &Cursor) -> JsValue;

    /// The next value is another result of the request that opened the cursor.
    #[wasm_bindgen(method, catch, js_name = continue)]
    pub fn go_on(this: &Cursor) -> Result<(), JsValue>;

    #[derive(Clone)]
    pub type Request;

    #[wasm_bindgen(method, catch, getter)]
    fn result(this: &Request) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter = error)]
    fn reason(this: &Request) -> JsValue;

    #[wasm_bindgen(method, setter)]
    fn set_onsuccess(this: &Request, listener: &Function);

    #[wasm_bindgen(method, setter)]
    fn set_onerror(this: &Request, listener: &Function);

    #[wasm_bindgen(method, setter)]
    fn set_onupgradeneeded(this: &Request, listener: &JsValue);

    #[wasm_bindgen(method, setter)]
    fn set_onblocked(this: &Request, listener: &Function);

    /// A range of keys.
    #[wasm_bindgen(js_name = IDBKeyRange)]
    type Range;

    #[wasm_bindgen(static_method_of = Range, js_class = IDBKeyRange, catch)]
    fn bound(
        from: &JsValue,
        to: &JsValue,
        without_from: bool,
        without_to: bool,
    ) -> Result<JsValue, JsValue>;
}

/// Opens the database of this name. One that is new is laid out; one older than `version` is
/// emptied and laid out afresh: what it held the server gives again.
pub async fn open(
    name: &str,
    version: u32,
    lay_out: fn(&Database) -> Result<(), JsValue>,
) -> Result<Database, JsValue> {
    let factory = Reflect::get(&global(), &JsValue::from_str("indexedDB"))?;
    let request = factory.unchecked_into::<Factory>().open(name, version)?;
    let opening = request.clone();
    request.set_onupgradeneeded(&Closure::once_into_js(move || {
        if let Ok(database) = opening.result() {
            let database: &Database = database.unchecked_ref();
            // The transaction of the upgrade fails with it, and the request tells.
            let _ = Array::from(&database.stores())
                .iter()
                .try_for_each(|store| database.delete_store(&store))
                .and_then(|()| lay_out(database));
        }
    }));
    // A tab with an older version does not let go of it: that may last for days.
    let blocked = request.clone();
    let settled = Promise::new(&mut |opened, failed| {
        request.set_onsuccess(&opened);
        request.set_onerror(&failed);
        request.set_onblocked(&failed);
    });
    JsFuture::from(settled).await.map_err(|_| blocked_or_failed(&blocked))?;
    Ok(blocked.result()?.unchecked_into())
}

/// Why it was not opened. One that is blocked and opens later is closed again.
fn blocked_or_failed(request: &Request) -> JsValue {
    if request.result().is_ok() {
        return request.reason();
    }
    let late = request.clone();
    request.set_onsuccess(
        Closure::once_into_js(move || {
            if let Ok(database) = late.result() {
                database.unchecked_ref::<Database>().close();
            }
        })
        .unchecked_ref(),
    );
    JsValue::from_str(BLOCKED)
}

/// What [`open`] fails with when a tab with an older version holds the database.
pub const BLOCKED: &str = "blocked";

/// Tells when the database is taken away; it is closed then.
pub fn watch(database: &Database, lost: impl Fn() + 'static) {
    let closing = database.clone();
    let listener = Closure::<dyn Fn()>::new(move || {
        closing.close();
        lost();
    })
    .into_js_value();
    database.set_onclose(&listener);
    database.set_onversionchange(&listener);
}

/// Deletes the database of this name.
#[cfg(test)]
pub async fn delete(name: &str) -> Result<(), JsValue> {
    let factory = Reflect::get(&global(), &JsValue::from_str("indexedDB"))?;
    let request = factory.unchecked_into::<Factory>().delete_database(name)?;
    done(request).await.map(drop)
}

/// What a request gave; `undefined` when nothing was found.
pub fn done(request: Request) -> impl Future<Output = Result<JsValue, JsValue>> {
    // Listening begins here, not when somebody waits for it.
    let settled = Promise::new(&mut |succeeded, failed| {
        request.set_onsuccess(&succeeded);
        request.set_onerror(&failed);
    });
    async move {
        match JsFuture::from(settled).await {
            Ok(_) => request.result(),
            Err(_) => Err(request.reason()),
        }
    }
}

/// What requests of one transaction gave, in their order: that is how they are answered, so that
/// nobody listens but to the last. When one fails, all behind it do.
pub async fn answers(asked: Vec<Request>) -> Result<Vec<JsValue>, JsValue> {
    if let Some(last) = asked.last() {
        done(last.clone()).await?;
    }
    asked.iter().map(Request::result).collect()
}

/// All of the transaction is stored, or nothing.
pub async fn stored(transaction: &Transaction) -> Result<(), JsValue> {
    let settled = Promise::new(&mut |completed, aborted| {
        transaction.set_oncomplete(&completed);
        transaction.set_onabort(&aborted);
    });
    match JsFuture::from(settled).await {
        Ok(_) => Ok(()),
        Err(_) => Err(transaction.failure()),
    }
}

/// The keys from one to another, with or without the two themselves.
pub fn range(
    (from, with_from): (&JsValue, bool),
    (to, with_to): (&JsValue, bool),
) -> Result<JsValue, JsValue> {
    Range::bound(from, to, !with_from, !with_to)
}

/// A list of texts: names of stores, a path of several fields.
pub fn names(names: &[&str]) -> JsValue {
    names.iter().map(|name| JsValue::from_str(name)).collect::<Array>().into()
}
