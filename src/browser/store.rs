//! The client's store: IndexedDB where the browser has it, memory where not.
//!
//! One task performs the requests in the order they came, so a read sees the writes before it.

use std::rc::Weak;

use client::Input;
use client::memory_store::MemoryStore;
use client::message::{Conversation, Message, MessageKey};
use client::port::store::{Opened, Position, Reply, Request, StoreError, Write};
use futures::StreamExt;
use futures::channel::mpsc;
use idb::request::OpenCursorStoreRequest;
use idb::{CursorDirection, Database, KeyRange, ObjectStore, Query, Transaction, TransactionMode};
use js_sys::{Array, Function, Map, Object, Reflect, Set, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wire::id::{Seq, Ticket};
use wire::status;

use super::{record, schema};
use crate::driver::Driver;

#[cfg(all(test, target_arch = "wasm32"))]
mod tests;

/// What the driver asks. Bounded by what the client has outstanding.
enum Order {
    Open { name: Option<String>, account: String },
    Ask { ticket: Ticket, request: Request },
}

pub struct Store {
    orders: mpsc::UnboundedSender<Order>,
}

impl Store {
    pub fn new(driver: Weak<Driver>) -> Store {
        let (orders, waiting) = mpsc::unbounded();
        wasm_bindgen_futures::spawn_local(work(driver, waiting));
        Store { orders }
    }

    pub fn open(&self, name: Option<String>, account: &str) {
        // The task ends only with this handle.
        let _ = self.orders.unbounded_send(Order::Open { name, account: account.into() });
    }

    pub fn ask(&self, ticket: Ticket, request: Request) {
        let _ = self.orders.unbounded_send(Order::Ask { ticket, request });
    }
}

enum Backend {
    Memory(Box<MemoryStore>),
    Indexed(Disk),
}

/// A database, also as the browser gave it: the `idb` crate cannot say how durable a transaction
/// has to be.
struct Disk {
    database: Database,
    raw: JsValue,
}

impl TryFrom<Database> for Disk {
    type Error = idb::Error;

    fn try_from(database: Database) -> Result<Disk, idb::Error> {
        let raw = JsValue::from(database);
        Ok(Disk { database: Database::try_from(raw.clone())?, raw })
    }
}

async fn work(driver: Weak<Driver>, mut waiting: mpsc::UnboundedReceiver<Order>) {
    let mut backend = Backend::Memory(Box::default());
    while let Some(order) = waiting.next().await {
        let input = match order {
            Order::Open { name, account } => {
                let opened = open(&mut backend, name, &account).await;
                Input::StoreOpened(opened)
            }
            Order::Ask { ticket, request } => {
                let result = match &mut backend {
                    Backend::Memory(memory) => Ok(memory.perform(request)),
                    Backend::Indexed(disk) => perform(disk, request).await.map_err(failure),
                };
                Input::Stored { ticket, result }
            }
        };
        let Some(driver) = driver.upgrade() else { break };
        driver.input(input);
    }
}

/// Opens what is asked for; what memory held goes along. Memory stays when there is no database.
async fn open(
    backend: &mut Backend,
    name: Option<String>,
    account: &str,
) -> Result<Opened, StoreError> {
    let held = match backend {
        Backend::Memory(memory) => memory.contents(),
        Backend::Indexed(_) => Vec::new(),
    };
    let Some(name) = name else {
        let memory = match backend {
            Backend::Memory(memory) => memory.clone(),
            Backend::Indexed(_) => Box::default(),
        };
        let opened = memory.open();
        *backend = Backend::Memory(memory);
        return Ok(opened);
    };
    let name = format!("mesibo-{name}-{account}");
    let disk = schema::open(&name).await.and_then(Disk::try_from);
    let disk = disk.map_err(|_| StoreError::Unavailable)?;
    if !held.is_empty() {
        // The cursor of memory counts only where there is none.
        let known = contents(&disk).await.map_err(failure)?.cursor.is_some();
        let writes = held.into_iter().filter(|write| !(known && matches!(write, Write::Cursor(_))));
        commit(&disk, writes.collect(), false).await.map_err(failure)?;
    }
    let opened = contents(&disk).await.map_err(failure)?;
    *backend = Backend::Indexed(disk);
    Ok(opened)
}

fn failure(error: idb::Error) -> StoreError {
    let text = error.to_string();
    match text.contains("QuotaExceeded") {
        true => StoreError::Full,
        false => StoreError::Failed(text),
    }
}

async fn perform(disk: &Disk, request: Request) -> Result<Reply, idb::Error> {
    match request {
        Request::Commit { writes, strict } => {
            commit(disk, writes, strict).await?;
            Ok(Reply::Done)
        }
        Request::Messages { keys } => {
            let transaction = read_only(disk, schema::MESSAGES)?;
            let index = transaction.object_store(schema::MESSAGES)?.index(schema::BY_KEY)?;
            let mut found = Vec::with_capacity(keys.len());
            for key in keys {
                let value = index.get(JsValue::from_str(&key_text(&key)))?.await?;
                found.extend(value.as_ref().and_then(message_of));
            }
            Ok(Reply::Messages(found))
        }
        Request::Read { conversation, from, count, fifo } => {
            let transaction = read_only(disk, schema::MESSAGES)?;
            let store = transaction.object_store(schema::MESSAGES)?;
            let prefix = conversation.as_ref().map(conversation_text);
            let range = range(prefix.as_deref(), from.as_ref(), fifo)?;
            let (range, limit) = (Some(range.into()), Some(count));
            let index = || store.index(schema::BY_ORDER);
            let values = match (prefix.is_some(), fifo) {
                (true, false) => store.get_all(range, limit)?.await?,
                (false, false) => index()?.get_all(range, limit)?.await?,
                (true, true) => last_first(store.open_cursor(range, LAST_FIRST)?, count).await?,
                (false, true) => {
                    last_first(index()?.open_cursor(range, LAST_FIRST)?, count).await?
                }
            };
            Ok(Reply::Messages(values.iter().filter_map(message_of).collect()))
        }
        Request::Summary { from, count } => {
            let transaction = read_only(disk, schema::CONVERSATIONS)?;
            let index = transaction.object_store(schema::CONVERSATIONS)?.index(schema::BY_ORDER)?;
            let range = range(None, from.as_ref(), false)?;
            let values = index.get_all(Some(range.into()), Some(count))?.await?;
            Ok(Reply::Messages(values.iter().filter_map(message_of).collect()))
        }
        Request::Unread { conversation } => {
            let transaction = read_only(disk, schema::MESSAGES)?;
            let index = transaction.object_store(schema::MESSAGES)?.index(schema::BY_UNREAD)?;
            let of = conversation.map(|of| Query::Key(JsValue::from_str(&conversation_text(&of))));
            Ok(Reply::Count(index.count(of)?.await?))
        }
        Request::UnreadMessages { conversation, count } => {
            let transaction = read_only(disk, schema::MESSAGES)?;
            let index = transaction.object_store(schema::MESSAGES)?.index(schema::BY_UNREAD)?;
            let of = Query::Key(JsValue::from_str(&conversation_text(&conversation)));
            // Newest first in the index.
            let values = last_first(index.open_cursor(Some(of), LAST_FIRST)?, count).await?;
            Ok(Reply::Messages(values.iter().filter_map(message_of).collect()))
        }
    }
}

/// From the end of a range whose order is newest first.
const LAST_FIRST: Option<CursorDirection> = Some(CursorDirection::Prev);

/// At most so many values of a cursor.
async fn last_first(
    request: OpenCursorStoreRequest,
    count: u32,
) -> Result<Vec<JsValue>, idb::Error> {
    let mut values = Vec::new();
    let Some(cursor) = request.await? else { return Ok(values) };
    let mut cursor = cursor.into_managed();
    while (values.len() as u32) < count {
        let Some(value) = cursor.value()? else { break };
        values.push(value);
        cursor.next(None).await?;
    }
    Ok(values)
}

// ---- writing -----------------------------------------------------------------------------

async fn commit(disk: &Disk, writes: Vec<Write>, strict: bool) -> Result<(), idb::Error> {
    let raw = read_write(disk, strict)?;
    let transaction = Transaction::try_from(raw.clone())?;
    let messages = transaction.object_store(schema::MESSAGES)?;
    let places = places(&messages, &writes).await?;
    // Conversations whose latest message may be another one now.
    let changed = Set::default();
    for write in writes {
        match write {
            Write::Message(message) => {
                let place = place(&message);
                let key = place.get(2);
                // In another place it would be there twice.
                if let Some(old) = places.get(&key).dyn_ref::<Array>()
                    && (old.get(0) != place.get(0) || old.get(1) != place.get(1))
                {
                    messages.delete(JsValue::from(old.clone()))?;
                    changed.add(&old.get(0));
                }
                messages.put(&message_value(&message), None)?;
                changed.add(&place.get(0));
                places.set(&key, &place);
            }
            Write::DeleteMessage(key) => {
                let key = JsValue::from_str(&key_text(&key));
                if let Some(place) = places.get(&key).dyn_ref::<Array>() {
                    messages.delete(JsValue::from(place.clone()))?;
                    changed.add(&place.get(0));
                    places.delete(&key);
                }
            }
            Write::Outbox(key) => {
                let outbox = transaction.object_store(schema::OUTBOX)?;
                let key = JsValue::from_str(&key_text(&key));
                if outbox.index(schema::BY_KEY)?.get_key(key.clone())?.await?.is_none() {
                    outbox.put(&object(&[("k", key)]), None)?;
                }
            }
            Write::OutboxDone(key) => {
                let outbox = transaction.object_store(schema::OUTBOX)?;
                let key = JsValue::from_str(&key_text(&key));
                if let Some(number) = outbox.index(schema::BY_KEY)?.get_key(key)?.await? {
                    outbox.delete(number)?;
                }
            }
            Write::Read(notice) => {
                let bytes = bytes(&record::notice_to_bytes(&notice));
                let key = JsValue::from_str(&key_text(&notice.key));
                transaction.object_store(schema::READS)?.put(&bytes, Some(&key))?;
            }
            Write::ReadDone(key) => {
                let key = JsValue::from_str(&key_text(&key));
                transaction.object_store(schema::READS)?.delete(key)?;
            }
            Write::Profile(profile) => {
                let bytes = bytes(&record::profile_to_bytes(&profile));
                let key = format!("{}/{}", profile.gid, profile.address);
                let store = transaction.object_store(schema::PROFILES)?;
                store.put(&bytes, Some(&JsValue::from_str(&key)))?;
            }
            Write::Cursor(seq) => {
                let value = JsValue::from_f64(seq.0 as f64);
                let key = JsValue::from_str("cursor");
                transaction.object_store(schema::META)?.put(&value, Some(&key))?;
            }
            Write::Account(account) => {
                let bytes = bytes(&record::account_to_bytes(&account));
                let key = JsValue::from_str("account");
                transaction.object_store(schema::META)?.put(&bytes, Some(&key))?;
            }
        }
    }
    let conversations = transaction.object_store(schema::CONVERSATIONS)?;
    for conversation in Array::from(&changed) {
        let name = conversation.as_string().unwrap_or_default();
        let newest = range(Some(&name), None, false)?;
        match messages.get_all(Some(newest.into()), Some(1))?.await?.first() {
            Some(latest) => drop(conversations.put(latest, None)?),
            None => drop(conversations.delete(conversation)?),
        }
    }
    let result = transaction.commit()?.await?;
    if result.is_aborted() {
        let reason = Reflect::get(&raw, &JsValue::from_str("error")).unwrap_or_default();
        return Err(idb::Error::TransactionCommitError(reason));
    }
    Ok(())
}

/// Where the messages of these writes are: key to place. All is asked at once.
async fn places(messages: &ObjectStore, writes: &[Write]) -> Result<Map, idb::Error> {
    let index = messages.index(schema::BY_KEY)?;
    let mut asked = Vec::new();
    for write in writes {
        let key = match write {
            Write::Message(message) => &message.key,
            Write::DeleteMessage(key) => key,
            _ => continue,
        };
        let key = JsValue::from_str(&key_text(key));
        asked.push((key.clone(), index.get_key(key)?));
    }
    let places = Map::new();
    for (key, request) in asked {
        if let Some(place) = request.await? {
            places.set(&key, &place);
        }
    }
    Ok(places)
}

// ---- reading all that is small -------------------------------------------------------------

async fn contents(disk: &Disk) -> Result<Opened, idb::Error> {
    let transaction = disk.database.transaction(&schema::ALL, TransactionMode::ReadOnly)?;
    let meta = transaction.object_store(schema::META)?;
    let cursor = meta.get(JsValue::from_str("cursor"))?.await?;
    let account = meta.get(JsValue::from_str("account"))?.await?;
    let index = transaction.object_store(schema::MESSAGES)?.index(schema::BY_KEY)?;
    let mut outbox = Vec::new();
    for entry in transaction.object_store(schema::OUTBOX)?.get_all(None, None)?.await? {
        let key = Reflect::get(&entry, &JsValue::from_str("k")).unwrap_or_default();
        let value = index.get(key)?.await?;
        outbox.extend(value.as_ref().and_then(message_of));
    }
    let reads = transaction.object_store(schema::READS)?.get_all(None, None)?.await?;
    let profiles = transaction.object_store(schema::PROFILES)?.get_all(None, None)?.await?;
    Ok(Opened {
        cursor: cursor.and_then(|cursor| cursor.as_f64()).map(|cursor| Seq(cursor as u64)),
        account: account.and_then(|value| record::account_from_bytes(&to_vec(&value)?)),
        outbox,
        reads: reads.iter().filter_map(|v| record::notice_from_bytes(&to_vec(v)?)).collect(),
        profiles: profiles.iter().filter_map(|v| record::profile_from_bytes(&to_vec(v)?)).collect(),
    })
}

// ---- values and keys -----------------------------------------------------------------------

/// Its primary key: conversation, negated order, key.
fn place(message: &Message) -> Array {
    let conversation = JsValue::from_str(&conversation_text(&message.conversation));
    let order = JsValue::from_f64(-(message.order as f64));
    Array::of3(&conversation, &order, &JsValue::from_str(&key_text(&message.key)))
}

fn message_value(message: &Message) -> JsValue {
    let place = place(message);
    let conversation = place.get(0);
    let mut fields = vec![
        ("c", conversation.clone()),
        ("o", place.get(1)),
        ("k", place.get(2)),
        ("d", bytes(&record::message_to_bytes(message))),
    ];
    if message.status == status::RECEIVED_NEW {
        fields.push(("u", conversation));
    }
    object(&fields)
}

fn message_of(value: &JsValue) -> Option<Message> {
    let data = Reflect::get(value, &JsValue::from_str("d")).ok()?;
    record::message_from_bytes(&to_vec(&data)?)
}

fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // Setting a property of a plain object cannot fail.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

fn to_vec(value: &JsValue) -> Option<Vec<u8>> {
    value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}

fn conversation_text(conversation: &Conversation) -> String {
    match conversation {
        Conversation::User(address) => format!("u{address}"),
        Conversation::Group(gid) => format!("g{gid}"),
    }
}

fn key_text(key: &MessageKey) -> String {
    let direction = if key.incoming { 'i' } else { 'o' };
    format!("{direction}{:014x}{}", key.id.get(), key.sender)
}

/// Keys behind a position: [c, -order, k] in a conversation, [-order, k] over all.
fn range(
    conversation: Option<&str>,
    from: Option<&Position>,
    fifo: bool,
) -> Result<KeyRange, idb::Error> {
    let key = |rest: &[JsValue]| {
        let key: Array = conversation.map(JsValue::from_str).into_iter().collect();
        rest.iter().for_each(|part| {
            key.push(part);
        });
        JsValue::from(key)
    };
    // Arrays sort behind all other keys, an empty one before all other arrays.
    let begin = key(&[]);
    let end = key(&[Array::new().into()]);
    let position = from.map(|from| {
        key(&[JsValue::from_f64(-(from.order as f64)), JsValue::from_str(&key_text(&from.key))])
    });
    match (position, fifo) {
        (None, _) => KeyRange::bound(&begin, &end, None, None),
        (Some(position), false) => KeyRange::bound(&position, &end, Some(true), None),
        (Some(position), true) => KeyRange::bound(&begin, &position, None, Some(true)),
    }
}

fn read_only(disk: &Disk, store: &str) -> Result<Transaction, idb::Error> {
    disk.database.transaction(&[store], TransactionMode::ReadOnly)
}

/// A transaction over all stores; `strict` waits for the disk.
fn read_write(disk: &Disk, strict: bool) -> Result<JsValue, idb::Error> {
    let durability = if strict { "strict" } else { "relaxed" };
    let options = object(&[("durability", JsValue::from_str(durability))]);
    let names: Array = schema::ALL.iter().map(|name| JsValue::from_str(name)).collect();
    Reflect::get(&disk.raw, &JsValue::from_str("transaction"))
        .and_then(|function| function.dyn_into::<Function>())
        .and_then(|begin| begin.call3(&disk.raw, &names, &JsValue::from_str("readwrite"), &options))
        .map_err(idb::Error::TransactionOpenFailed)
}
