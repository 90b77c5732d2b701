//! How a database is laid out.
//!
//! A message's place has the order negated, so that newest-first, which is how conversations are
//! read, is the ascending order of the key: a page of history is one `getAll` over a range.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

use super::database::{self, Database, names};

/// Version of the layout below.
const VERSION: u32 = 2;

/// Messages: `{c: conversation, o: -order, k: key, u: conversation when unread, w: order when
/// waiting to be sent, d: bytes}` by [c, o, k].
pub const MESSAGES: &str = "messages";
/// Messages by their key.
pub const BY_KEY: &str = "key";
/// All messages, newest first.
pub const BY_ORDER: &str = "order";
/// Unread messages by conversation.
pub const BY_UNREAD: &str = "unread";
/// Messages that wait to be sent, in order.
pub const BY_WAITING: &str = "waiting";
/// The latest message of each conversation: `{c, o, k, d}` by c.
pub const CONVERSATIONS: &str = "conversations";
/// What messages say, in blocks: `{n: number, d: bytes}` by n; see [`search`](super::search).
pub const TEXTS: &str = "texts";
/// Read notices that wait: bytes, by message key.
pub const READS: &str = "reads";
/// Requests that wait: bytes, by number.
pub const ERRANDS: &str = "errands";
/// Profiles: bytes, by address or group.
pub const PROFILES: &str = "profiles";
/// Cursor and account: bytes, by name.
pub const META: &str = "meta";

/// All stores, for transactions.
pub const ALL: [&str; 7] = [MESSAGES, CONVERSATIONS, TEXTS, READS, ERRANDS, PROFILES, META];

/// Opens the database of this name, laid out.
pub async fn open(name: &str) -> Result<Database, JsValue> {
    database::open(name, VERSION, lay_out).await
}

fn lay_out(database: &Database) -> Result<(), JsValue> {
    let keyed = |path| object(&[("keyPath", path)]);
    let unique = object(&[("unique", true.into())]);
    let any = JsValue::UNDEFINED;
    let messages = database.create_store(MESSAGES, &keyed(names(&["c", "o", "k"])))?;
    messages.create_index(BY_KEY, &"k".into(), &unique)?;
    messages.create_index(BY_ORDER, &names(&["o", "k"]), &any)?;
    messages.create_index(BY_UNREAD, &"u".into(), &any)?;
    messages.create_index(BY_WAITING, &"w".into(), &any)?;
    database.create_store(TEXTS, &keyed("n".into()))?;
    let conversations = database.create_store(CONVERSATIONS, &keyed("c".into()))?;
    conversations.create_index(BY_ORDER, &names(&["o", "k"]), &any)?;
    for store in [READS, ERRANDS, PROFILES, META] {
        database.create_store(store, &any)?;
    }
    Ok(())
}

/// A plain object with these fields.
pub fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // Setting a property of a plain object cannot fail.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}
