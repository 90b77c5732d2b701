//! How a database is laid out.
//!
//! A message's place has the order negated, so that newest-first, which is how conversations are
//! read, is the ascending order of the key: a page of history is one `getAll` over a range.

use idb::{Database, DatabaseEvent, Factory, IndexParams, KeyPath, ObjectStoreParams};

/// Version of the layout below.
const VERSION: u32 = 1;

/// Messages: `{c: conversation, o: -order, k: key, u: conversation when unread, d: bytes}` by
/// [c, o, k].
pub const MESSAGES: &str = "messages";
/// Messages by their key.
pub const BY_KEY: &str = "key";
/// All messages, newest first.
pub const BY_ORDER: &str = "order";
/// Unread messages by conversation.
pub const BY_UNREAD: &str = "unread";
/// The latest message of each conversation: `{c, o, k, d}` by c.
pub const CONVERSATIONS: &str = "conversations";
/// Keys of waiting messages, by a growing number; `key` of [`MESSAGES`].
pub const OUTBOX: &str = "outbox";
/// Read notices that wait: bytes, by message key.
pub const READS: &str = "reads";
/// Profiles: bytes, by address or group.
pub const PROFILES: &str = "profiles";
/// Cursor and account: bytes, by name.
pub const META: &str = "meta";

/// All stores, for transactions.
pub const ALL: [&str; 6] = [MESSAGES, CONVERSATIONS, OUTBOX, READS, PROFILES, META];

/// Opens the database of this name, laid out.
pub async fn open(name: &str) -> Result<Database, idb::Error> {
    let mut request = Factory::new()?.open(name, Some(VERSION))?;
    request.on_upgrade_needed(|event| {
        if let Ok(database) = event.database() {
            // The transaction of the upgrade fails with it, and `open` tells.
            let _ = lay_out(&database);
        }
    });
    request.await
}

fn lay_out(database: &Database) -> Result<(), idb::Error> {
    let keyed = |path: KeyPath| {
        let mut params = ObjectStoreParams::new();
        params.key_path(Some(path));
        params
    };
    let messages =
        database.create_object_store(MESSAGES, keyed(KeyPath::new_array(["c", "o", "k"])))?;
    let mut unique = IndexParams::new();
    unique.unique(true);
    messages.create_index(BY_KEY, KeyPath::new_single("k"), Some(unique))?;
    messages.create_index(BY_ORDER, KeyPath::new_array(["o", "k"]), None)?;
    messages.create_index(BY_UNREAD, KeyPath::new_single("u"), None)?;
    let conversations =
        database.create_object_store(CONVERSATIONS, keyed(KeyPath::new_single("c")))?;
    conversations.create_index(BY_ORDER, KeyPath::new_array(["o", "k"]), None)?;
    let mut numbered = ObjectStoreParams::new();
    numbered.auto_increment(true);
    let outbox = database.create_object_store(OUTBOX, numbered)?;
    outbox.create_index(BY_KEY, KeyPath::new_single("k"), None)?;
    for store in [READS, PROFILES, META] {
        database.create_object_store(store, ObjectStoreParams::new())?;
    }
    Ok(())
}
