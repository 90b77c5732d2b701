//! The client's store: IndexedDB where the browser has it, memory where not.
//!
//! One task performs the requests in the order they came, so a read sees the writes before it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use client::Input;
use client::memory_store::MemoryStore;
use client::message::{Conversation, Message, MessageKey};
use client::port::store::{Opened, Part, Position, Reply, Request, StoreError, Write};
use client::sorted::Map;
use js_sys::{Array, Reflect, Set, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wire::id::{Seq, Ticket};
use wire::limits::{CATCH_UP_MESSAGES_MAX, PUTS_PER_TURN};
use wire::status;
use wire::time::Timestamp;

use super::database::{self, Cursor, Database, Table, answers, done, names, stored};
use super::media::reason;
use super::record;
use super::schema::{self, object};
use super::search;
use crate::driver::Engine;

#[cfg(all(test, target_arch = "wasm32"))]
mod tests;

/// What the driver asks. Bounded by what the client has outstanding.
enum Order {
    Open { name: Option<String>, account: String },
    Ask { ticket: Ticket, request: Request },
}

pub struct Store {
    orders: RefCell<VecDeque<Order>>,
    /// Out while the task has it.
    backend: RefCell<Option<Backend>>,
    driver: Engine,
}

enum Backend {
    Memory(Box<MemoryStore>),
    /// With whether it was taken away.
    Indexed(Database, Rc<Cell<bool>>),
}

impl Store {
    pub fn new(driver: Engine) -> Store {
        let backend = Backend::Memory(Box::default());
        Store { orders: RefCell::default(), backend: RefCell::new(Some(backend)), driver }
    }

    pub fn open(&self, name: Option<String>, account: &str) {
        self.order(Order::Open { name, account: account.into() });
    }

    pub fn ask(&self, ticket: Ticket, request: Request) {
        self.order(Order::Ask { ticket, request });
    }

    fn order(&self, order: Order) {
        self.orders.borrow_mut().push_back(order);
        if let Some(backend) = self.backend.take() {
            crate::driver::spawn(work(self.driver, backend));
        }
    }

    fn next(&self) -> Option<Order> {
        self.orders.borrow_mut().pop_front()
    }

    /// Nothing more to do.
    fn rest(&self, backend: Backend) {
        *self.backend.borrow_mut() = Some(backend);
    }
}

async fn work(driver: Engine, mut backend: Backend) {
    while let Some(order) = driver.store.next() {
        let input = match order {
            Order::Open { name, account } => {
                let lost = move || driver.input(Input::StoreLost);
                Input::StoreOpened(open(&mut backend, name, &account, lost).await)
            }
            Order::Ask { ticket, request } => {
                if matches!(&backend, Backend::Indexed(_, lost) if lost.get()) {
                    backend = Backend::Memory(Box::default());
                }
                let result = match &mut backend {
                    Backend::Memory(memory) => Ok(memory.perform(request)),
                    Backend::Indexed(disk, _) => perform(disk, request).await.map_err(failure),
                };
                Input::Stored { ticket, result }
            }
        };
        driver.input(input);
    }
    driver.store.rest(backend);
}

/// Opens what is asked for; what memory held goes along. Memory stays when there is no database.
async fn open(
    backend: &mut Backend,
    name: Option<String>,
    account: &str,
    lost: impl Fn() + 'static,
) -> Result<Opened, StoreError> {
    let held = match backend {
        Backend::Memory(memory) => memory.contents(),
        Backend::Indexed(..) => Vec::new(),
    };
    let Some(name) = name else {
        let memory = match backend {
            Backend::Memory(memory) => memory.clone(),
            Backend::Indexed(..) => Box::default(),
        };
        let opened = memory.open();
        *backend = Backend::Memory(memory);
        return Ok(opened);
    };
    let name = format!("mesibo-{name}-{account}");
    let disk = schema::open(&name).await.map_err(|error| match error == database::BLOCKED {
        true => StoreError::Blocked,
        false => StoreError::Unavailable,
    })?;
    if !held.is_empty() {
        // The cursor of memory counts only where there is none.
        let known = contents(&disk).await.map_err(failure)?.cursor.is_some();
        let writes = held.into_iter().filter(|write| !(known && matches!(write, Write::Cursor(_))));
        commit(&disk, writes.collect(), false).await.map_err(failure)?;
    }
    let opened = contents(&disk).await.map_err(failure)?;
    let taken = Rc::new(Cell::new(false));
    let flag = Rc::downgrade(&taken);
    database::watch(&disk, move || {
        // Nobody minds when another one is in use meanwhile.
        if let Some(taken) = flag.upgrade() {
            taken.set(true);
            lost();
        }
    });
    if let Backend::Indexed(former, _) = std::mem::replace(backend, Backend::Indexed(disk, taken)) {
        former.close();
    }
    Ok(opened)
}

fn failure(error: JsValue) -> StoreError {
    let text = reason(&error);
    match text.starts_with("QuotaExceeded") {
        true => StoreError::Full,
        false => StoreError::Failed(text),
    }
}

async fn perform(disk: &Database, request: Request) -> Result<Reply, JsValue> {
    let values = match request {
        Request::Commit { writes, strict } => {
            commit(disk, writes, strict).await?;
            return Ok(Reply::Done);
        }
        Request::Messages { keys } => {
            let keys = keys.iter().map(ToString::to_string).collect();
            by_keys(&read(disk, schema::MESSAGES)?, keys).await?
        }
        Request::Read { conversation, from, count, fifo, query: Some(query) } => {
            let transaction = disk.transaction(
                &names(&[schema::MESSAGES, schema::TEXTS]),
                "readonly",
                &JsValue::UNDEFINED,
            )?;
            let of = conversation.as_ref().map(conversation_name);
            let from = from.map(|from| (from.order, from.key.to_string()));
            let blocks = transaction.store(schema::TEXTS)?;
            let keys = search::find(&blocks, of.as_deref(), from, fifo, count, &query).await?;
            by_keys(&transaction.store(schema::MESSAGES)?, keys).await?
        }
        Request::Read { conversation, from, count, fifo, query: None } => {
            let store = read(disk, schema::MESSAGES)?;
            let prefix = conversation.as_ref().map(conversation_text);
            let range = range(prefix.as_ref(), from.as_ref(), fifo)?;
            let table = if prefix.is_some() { store } else { store.index(schema::BY_ORDER)? };
            match fifo {
                true => last_first(&table, &range, count).await?,
                false => all(&table, &range, Some(count)).await?,
            }
        }
        Request::Summary { from, count } => {
            let index = read(disk, schema::CONVERSATIONS)?.index(schema::BY_ORDER)?;
            all(&index, &range(None, from.as_ref(), false)?, Some(count)).await?
        }
        Request::ById { id } => {
            let index = read(disk, schema::MESSAGES)?.index(schema::BY_KEY)?;
            let own = MessageKey::outgoing(id);
            let received = MessageKey { incoming: true, ..own.clone() };
            // The address of the sender comes behind the id, and is in no other script's reach.
            let begin = text(&received);
            let end = format!("{received}\u{ffff}").into();
            let own = done(index.get(&text(&own))?);
            let found = all(&index, &database::range((&begin, true), (&end, true))?, None).await?;
            found.unshift(&own.await?);
            found
        }
        Request::Unread { conversation } => {
            let index = read(disk, schema::MESSAGES)?.index(schema::BY_UNREAD)?;
            let of = conversation.as_ref().map(conversation_text).unwrap_or_default();
            let count = done(index.count(&of)?).await?;
            return Ok(Reply::Count(count.as_f64().unwrap_or_default() as u32));
        }
        Request::UnreadMessages { conversation, count } => {
            let index = read(disk, schema::MESSAGES)?.index(schema::BY_UNREAD)?;
            // Newest first in the index.
            last_first(&index, &conversation_text(&conversation), count).await?
        }
    };
    Ok(Reply::Messages(values.iter().filter_map(|value| message_of(&value)).collect()))
}

/// Messages of these keys, asked for at once; `undefined` for those that are not there.
async fn by_keys(messages: &Table, keys: Vec<String>) -> Result<Array, JsValue> {
    let index = messages.index(schema::BY_KEY)?;
    let asked: Result<Vec<_>, _> = keys.into_iter().map(|key| index.get(&key.into())).collect();
    Ok(answers(asked?).await?.into_iter().collect())
}

/// At most so many values, in the order of their keys.
async fn all(table: &Table, keys: &JsValue, count: Option<u32>) -> Result<Array, JsValue> {
    Ok(done(table.get_all(keys, count)?).await?.unchecked_into())
}

/// At most so many values, from the end: of a range whose order is newest first.
async fn last_first(table: &Table, keys: &JsValue, count: u32) -> Result<Array, JsValue> {
    let values = Array::new();
    let request = table.open_cursor(keys, "prev")?;
    while values.length() < count {
        let found = done(request.clone()).await?;
        if found.is_null() {
            break;
        }
        let cursor: Cursor = found.unchecked_into();
        values.push(&cursor.value());
        cursor.go_on()?;
    }
    Ok(values)
}

// ---- writing -----------------------------------------------------------------------------

/// What is new is not looked for: that costs as much as storing it. When it is there the browser
/// refuses it; then all are looked for.
async fn commit(disk: &Database, writes: Vec<Write>, strict: bool) -> Result<(), JsValue> {
    match write(disk, &writes, strict, false).await {
        Err(_) => write(disk, &writes, strict, true).await,
        stored => stored,
    }
}

/// One transaction. Without `careful`, messages that are new are taken for it.
async fn write(
    disk: &Database,
    writes: &[Write],
    strict: bool,
    careful: bool,
) -> Result<(), JsValue> {
    let durability = if strict { "strict" } else { "relaxed" };
    let options = object(&[("durability", durability.into())]);
    let transaction = disk.transaction(&names(&schema::ALL), "readwrite", &options)?;
    let store = |name| transaction.store(name);
    let inside = JsValue::UNDEFINED;
    let messages = store(schema::MESSAGES)?;
    let mut known = known(&messages, writes, careful).await?;
    // Conversations whose latest message may be another one now.
    let changed = Set::default();
    let mut texts = search::Changes::default();
    let mut put = 0;
    for write in writes {
        match write {
            Write::Message(told, part) => {
                let former = known.remove(&told.key);
                let mut message = former.clone().unwrap_or_else(|| (**told).clone());
                if former.is_some() {
                    message.join((**told).clone(), *part);
                }
                let place = place(&message);
                if former.as_ref().is_none_or(|former| former.content != message.content) {
                    // Nothing of what it said stays.
                    if former.is_some() {
                        texts.remove(message.key.to_string());
                    }
                    texts.add(&conversation_name(&message.conversation), &message);
                }
                let value = message_value(&message, &place);
                let request = match former {
                    Some(_) => messages.put(&value, &inside)?,
                    // Refused when it is there all the same.
                    None => messages.add(&value)?,
                };
                changed.add(&place.get(0));
                known.insert(message.key.clone(), message);
                put += 1;
                if put % PUTS_PER_TURN == 0 {
                    done(request).await?;
                }
            }
            Write::DeleteMessage(of) => {
                if let Some(message) = known.remove(of) {
                    messages.delete(&place(&message))?;
                    changed.add(&conversation_text(&message.conversation));
                    texts.remove(of.to_string());
                }
            }
            Write::DeleteBefore { conversation, before } => {
                known.retain(|_, message| {
                    let elsewhere =
                        conversation.as_ref().is_some_and(|of| *of != message.conversation);
                    elsewhere || message.order >= *before
                });
                texts.remove_before(conversation.as_ref().map(conversation_name), *before);
                let those = match conversation {
                    Some(conversation) => Array::of1(&conversation_text(conversation)),
                    // Those that this commit begins are not in the table yet.
                    None => all_conversations(&store(schema::CONVERSATIONS)?)
                        .await?
                        .concat(&Array::from(&changed)),
                };
                for conversation in those {
                    messages.delete(&older(&conversation, *before)?)?;
                    changed.add(&conversation);
                }
            }
            Write::Read(notice) => {
                let bytes = bytes(&record::notice_to_bytes(notice));
                store(schema::READS)?.put(&bytes, &text(&notice.key))?;
            }
            Write::ReadDone(key) => {
                store(schema::READS)?.delete(&text(key))?;
            }
            Write::Errand(errand) => {
                let bytes = bytes(&record::errand_to_bytes(errand));
                store(schema::ERRANDS)?.put(&bytes, &(errand.number as f64).into())?;
            }
            Write::ErrandDone(number) => {
                store(schema::ERRANDS)?.delete(&(*number as f64).into())?;
            }
            Write::Profile(profile) => {
                let bytes = bytes(&record::profile_to_bytes(profile));
                let key = format!("{}/{}", profile.gid, profile.address);
                store(schema::PROFILES)?.put(&bytes, &key.into())?;
            }
            Write::ForgetProfiles => {
                // Texts come before arrays.
                let all = database::range((&"".into(), true), (&Array::new().into(), true))?;
                store(schema::PROFILES)?.delete(&all)?;
            }
            Write::Age { key, end } => {
                let (meta, place) = (store(schema::META)?, format!("{AGE}{key}").into());
                match end.0 {
                    0 => meta.delete(&place)?,
                    end => meta.put(&format!("{end} {key}").into(), &place)?,
                };
            }
            Write::Cursor(seq) => {
                store(schema::META)?.put(&(seq.0 as f64).into(), &"cursor".into())?;
            }
            Write::Account(account) => {
                let bytes = bytes(&record::account_to_bytes(account));
                store(schema::META)?.put(&bytes, &"account".into())?;
            }
        }
    }
    texts.write(&store(schema::TEXTS)?).await?;
    let conversations = store(schema::CONVERSATIONS)?;
    let changed: Vec<_> = Array::from(&changed).iter().collect();
    let newest = |of| messages.get_all(&range(Some(of), None, false)?, Some(1));
    let newest: Result<Vec<_>, JsValue> = changed.iter().map(newest).collect();
    for (conversation, newest) in changed.iter().zip(answers(newest?).await?) {
        match newest.unchecked_into::<Array>().get(0) {
            none if none.is_undefined() => conversations.delete(conversation)?,
            newest => conversations.put(&newest, &inside)?,
        };
    }
    transaction.commit()?;
    stored(&transaction).await
}

async fn all_conversations(conversations: &Table) -> Result<Array, JsValue> {
    let names = Array::new();
    for latest in all(conversations, &JsValue::UNDEFINED, None).await? {
        names.push(&Reflect::get(&latest, &"c".into())?);
    }
    Ok(names)
}

/// The messages of these writes, as they are. All are asked for at once.
async fn known(
    messages: &Table,
    writes: &[Write],
    careful: bool,
) -> Result<Map<MessageKey, Message>, JsValue> {
    let keys = writes.iter().filter_map(|write| match write {
        Write::Message(_, Part::New) if !careful => None,
        Write::Message(message, _) => Some(message.key.to_string()),
        Write::DeleteMessage(key) => Some(key.to_string()),
        _ => None,
    });
    let found = by_keys(messages, keys.collect()).await?;
    let found = found.iter().filter_map(|value| message_of(&value));
    Ok(found.map(|message| (message.key.clone(), message)).collect())
}

// ---- reading all that is small -------------------------------------------------------------

async fn contents(disk: &Database) -> Result<Opened, JsValue> {
    let all_keys = JsValue::UNDEFINED;
    let transaction = disk.transaction(&names(&schema::ALL), "readonly", &JsValue::UNDEFINED)?;
    let meta = transaction.store(schema::META)?;
    let cursor = done(meta.get(&"cursor".into())?).await?;
    let account = done(meta.get(&"account".into())?).await?;
    let waiting = transaction.store(schema::MESSAGES)?.index(schema::BY_WAITING)?;
    let outbox = all(&waiting, &all_keys, None).await?;
    let reads = all(&transaction.store(schema::READS)?, &all_keys, None).await?;
    let errands = all(&transaction.store(schema::ERRANDS)?, &all_keys, None).await?;
    let profiles = all(&transaction.store(schema::PROFILES)?, &all_keys, None).await?;
    let ages = database::range((&AGE.into(), false), (&AGES_END.into(), true))?;
    let ages = all(&meta, &ages, None).await?;
    let by_order = transaction.store(schema::MESSAGES)?.index(schema::BY_ORDER)?;
    let newest: Array =
        done(by_order.get_all_keys(&all_keys, CATCH_UP_MESSAGES_MAX)?).await?.unchecked_into();
    Ok(Opened {
        ages: ages.iter().filter_map(|age| age_of(&age.as_string()?)).collect(),
        cursor: cursor.as_f64().map(|cursor| Seq(cursor as u64)),
        account: to_vec(&account).and_then(|bytes| record::account_from_bytes(&bytes)),
        outbox: outbox.iter().filter_map(|value| message_of(&value)).collect(),
        reads: reads.iter().filter_map(|v| record::notice_from_bytes(&to_vec(&v)?)).collect(),
        errands: errands.iter().filter_map(|v| record::errand_from_bytes(&to_vec(&v)?)).collect(),
        profiles: profiles
            .iter()
            .filter_map(|v| record::profile_from_bytes(&to_vec(&v)?))
            .collect(),
        newest: newest.iter().filter_map(|place| order_of(&place.unchecked_into())).collect(),
    })
}

/// When a message disappears: of `META`, by this and its key.
const AGE: &str = "age ";
/// Behind all of them.
const AGES_END: &str = "age!";

fn age_of(text: &str) -> Option<(MessageKey, Timestamp)> {
    let (end, key) = text.split_once(' ')?;
    Some((MessageKey::from_text(key)?, Timestamp(end.parse().ok()?)))
}

// ---- values and keys -----------------------------------------------------------------------

/// Its primary key: conversation, negated order, key.
fn place(message: &Message) -> Array {
    let conversation = conversation_text(&message.conversation);
    let order = JsValue::from_f64(-(message.order as f64));
    Array::of3(&conversation, &order, &text(&message.key))
}

/// Order and key of a primary key.
fn order_of(place: &Array) -> Option<(u64, MessageKey)> {
    let order = -place.get(1).as_f64()?;
    Some((order as u64, MessageKey::from_text(&place.get(2).as_string()?)?))
}

fn message_value(message: &Message, place: &Array) -> JsValue {
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
    if message.is_in_outbox() {
        fields.push(("w", (message.order as f64).into()));
    }
    object(&fields)
}

fn message_of(value: &JsValue) -> Option<Message> {
    let data = Reflect::get(value, &JsValue::from_str("d")).ok()?;
    record::message_from_bytes(&to_vec(&data)?)
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

fn to_vec(value: &JsValue) -> Option<Vec<u8>> {
    value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}

fn text(key: &MessageKey) -> JsValue {
    key.to_string().into()
}

fn conversation_name(conversation: &Conversation) -> String {
    match conversation {
        Conversation::User(address) => format!("u{address}"),
        Conversation::Group(gid) => format!("g{gid}"),
    }
}

fn conversation_text(conversation: &Conversation) -> JsValue {
    conversation_name(conversation).into()
}

/// Keys behind a position: [c, -order, k] in a conversation, [-order, k] over all.
fn range(
    conversation: Option<&JsValue>,
    from: Option<&Position>,
    fifo: bool,
) -> Result<JsValue, JsValue> {
    let key =
        |rest: &[JsValue]| JsValue::from(conversation.into_iter().chain(rest).collect::<Array>());
    // Arrays sort behind all other keys, an empty one before all other arrays.
    let begin = key(&[]);
    let end = key(&[Array::new().into()]);
    let position = from.map(|from| key(&[(-(from.order as f64)).into(), text(&from.key)]));
    match (position, fifo) {
        (None, _) => database::range((&begin, true), (&end, true)),
        (Some(position), false) => database::range((&position, false), (&end, true)),
        (Some(position), true) => database::range((&begin, true), (&position, false)),
    }
}

/// Keys of the messages of a conversation whose order is below this.
fn older(conversation: &JsValue, before: u64) -> Result<JsValue, JsValue> {
    // Behind all keys of exactly this order, and before all of the conversation's end.
    let last: JsValue = Array::new().into();
    let begin = Array::of3(conversation, &(-(before as f64)).into(), &last);
    let end = Array::of2(conversation, &last);
    database::range((&begin, false), (&end, true))
}

/// A store, to be read.
fn read(disk: &Database, store: &str) -> Result<Table, JsValue> {
    disk.transaction(&store.into(), "readonly", &JsValue::UNDEFINED)?.store(store)
}
