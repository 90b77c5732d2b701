//! Messages and presences as the page's own records: plain objects filled in one go.

use client::event::Origin;
use client::message::{Age, Content, Conversation, Draft, File, Message};
use js_sys::{Array, ArrayBuffer, Uint8Array};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

use super::arguments::{number, optional_text, property, text, u32};

#[wasm_bindgen]
extern "C" {
    /// What `js/install.js` gives: the records are made there.
    #[derive(Clone)]
    pub type Records;

    #[wasm_bindgen(method, js_name = putMessage)]
    fn put_message(this: &Records, record: &JsValue, fields: &JsValue, links: &JsValue) -> JsValue;

    #[wasm_bindgen(method, js_name = isIncoming)]
    fn is_incoming(this: &Records, record: &JsValue) -> bool;

    #[wasm_bindgen(method, js_name = makePresence)]
    fn make_presence(this: &Records, fields: &JsValue, links: &JsValue) -> JsValue;

    /// A presence of the SDK itself.
    #[wasm_bindgen(method, js_name = onReserved)]
    pub fn on_reserved(this: &Records, profile: &JsValue, kind: u32, data: &[u8]);

    /// The file that the page gave, as a promise of a blob.
    #[wasm_bindgen(method, js_name = readFile)]
    pub fn read_file(this: &Records, content: &JsValue, fetched: &JsValue) -> js_sys::Promise;

    /// A small picture of it, as a promise of bytes or `null`.
    #[wasm_bindgen(method, js_name = thumbnailOf)]
    pub fn thumbnail_of(
        this: &Records,
        content: &JsValue,
        blob: &JsValue,
        limit: u32,
    ) -> js_sys::Promise;

    /// The `MesiboFileTransfer` of a message, brought up to date.
    #[wasm_bindgen(method)]
    pub fn transfer(this: &Records, record: &JsValue, percent: u32, running: bool) -> JsValue;

    /// The first method of this name that a listener has, else `undefined`.
    #[wasm_bindgen(method)]
    pub fn method(this: &Records, listener: &JsValue, whose: u32, name: &str) -> JsValue;

    /// What a function of the page answers; it does not throw.
    #[wasm_bindgen(method)]
    pub fn call(
        this: &Records,
        function: &js_sys::Function,
        own: &JsValue,
        arguments: &Array,
    ) -> JsValue;

    #[wasm_bindgen(method, js_name = toBase64)]
    pub fn to_base64(this: &Records, text: &str) -> String;

    #[wasm_bindgen(method, js_name = setProfileKind)]
    pub fn set_profile_kind(this: &Records, profile: &JsValue, kind: u32) -> JsValue;

    /// What a page reads of a message. Missing fields stay `undefined`.
    #[wasm_bindgen(extends = js_sys::Object)]
    type Fields;

    #[wasm_bindgen(method, setter)]
    fn set_mid(this: &Fields, value: f64);
    #[wasm_bindgen(method, setter)]
    fn set_id(this: &Fields, value: u32);
    #[wasm_bindgen(method, setter)]
    fn set_refid(this: &Fields, value: f64);
    #[wasm_bindgen(method, setter)]
    fn set_ts(this: &Fields, value: f64);
    #[wasm_bindgen(method, setter)]
    fn set_peer(this: &Fields, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_groupid(this: &Fields, value: u32);
    #[wasm_bindgen(method, setter)]
    fn set_type(this: &Fields, value: u32);
    #[wasm_bindgen(method, setter)]
    fn set_expiry(this: &Fields, value: f64);
    #[wasm_bindgen(method, setter)]
    fn set_status(this: &Fields, value: u32);
    #[wasm_bindgen(method, setter)]
    fn set_flag(this: &Fields, value: u32);
    #[wasm_bindgen(method, setter)]
    fn set_origin(this: &Fields, value: u32);
    #[wasm_bindgen(method, setter)]
    fn set_rcount(this: &Fields, value: u32);
    #[wasm_bindgen(method, setter)]
    fn set_rc(this: &Fields, value: u32);
    #[wasm_bindgen(method, setter)]
    fn set_title(this: &Fields, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_subtitle(this: &Fields, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_footer(this: &Fields, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_latitude(this: &Fields, value: f64);
    #[wasm_bindgen(method, setter)]
    fn set_longitude(this: &Fields, value: f64);
    #[wasm_bindgen(method, setter)]
    fn set_filetype(this: &Fields, value: u32);
    #[wasm_bindgen(method, setter)]
    fn set_fileurl(this: &Fields, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_launchurl(this: &Fields, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_size(this: &Fields, value: f64);
    #[wasm_bindgen(method, setter)]
    fn set_data(this: &Fields, value: &Uint8Array);
    #[wasm_bindgen(method, setter)]
    fn set_tn(this: &Fields, value: &Uint8Array);
}

thread_local! {
    static RECORDS: RefCell<Option<Records>> = const { RefCell::new(None) };
}

/// Joins the engine and the records; called once, before anything else.
#[wasm_bindgen]
pub fn install(records: Records) {
    console_error_panic_hook::set_once();
    RECORDS.set(Some(records));
}

/// The records. They are there before any object of the API is.
pub fn joined() -> Records {
    RECORDS.with_borrow(Option::clone).expect("install comes first")
}

/// Whether a record is of a message that was received.
pub fn is_incoming(record: &JsValue) -> bool {
    joined().is_incoming(record)
}

/// What belongs to a message and is not the page's.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// The last of a read.
    pub last: bool,
    /// Whose report a status callback is about.
    pub reporter: Option<JsValue>,
    /// What was reported.
    pub reported: u32,
    /// The file itself, while it is nowhere else.
    pub blob: Option<JsValue>,
}

/// Makes the record of a message, or brings the one there is up to date.
pub fn put(
    record: Option<&JsValue>,
    engine: &JsValue,
    message: &Message,
    origin: Origin,
    links: Links,
) -> JsValue {
    let content = &message.content;
    let receipts = message.receipts.values();
    let counted = receipts.filter(|receipt| match message.status {
        wire::status::READ => receipt.read.0 > 0,
        _ => receipt.delivered.0 > 0,
    });
    let group = group_of(message);
    let fields: Fields = js_sys::Object::new().unchecked_into();
    fields.set_mid(message.key.id.get() as f64);
    fields.set_id(message.key.id.low());
    fields.set_refid(content.in_reply_to as f64);
    fields.set_ts(message.ts.0 as f64);
    fields.set_peer(&message.peer);
    fields.set_groupid(group);
    fields.set_type(message.kind);
    fields.set_expiry(message.expiry.map_or(-1.0, f64::from));
    fields.set_status(message.status);
    fields.set_flag(message.flags);
    fields.set_origin(origin as u32);
    fields.set_rcount(if group > 0 { message.recipients } else { 0 });
    fields.set_rc(if group > 0 { counted.count() as u32 } else { 0 });
    type Setter = fn(&Fields, &str);
    let texts: [(&str, Setter); 3] = [
        (&content.title, Fields::set_title),
        (&content.subtitle, Fields::set_subtitle),
        (&content.footer, Fields::set_footer),
    ];
    for (text, set) in texts {
        if !text.is_empty() {
            set(&fields, text);
        }
    }
    if let Some((latitude, longitude)) = content.location {
        fields.set_latitude(latitude);
        fields.set_longitude(longitude);
        fields.set_filetype(LOCATION);
    }
    fields.set_data(&Uint8Array::from(&content.body[..]));
    if let Some(file) = &content.file {
        if !file.is_link() {
            fields.set_filetype(file.kind);
            fields.set_size(file.size as f64);
        }
        if !file.url.is_empty() {
            fields.set_fileurl(&file.url);
        }
        if !file.launch_url.is_empty() {
            fields.set_launchurl(&file.launch_url);
        }
        if !file.thumbnail.is_empty() {
            fields.set_tn(&Uint8Array::from(&file.thumbnail[..]));
        }
    }
    let hidden = js_sys::Object::new();
    set(&hidden, "engine", engine);
    set(&hidden, "incoming", &message.key.incoming.into());
    set(&hidden, "last", &links.last.into());
    set(&hidden, "forwarded", &content.forwarded.into());
    set(&hidden, "modified", &message.modified.into());
    set(&hidden, "callDuration", &message.duration.into());
    set(&hidden, "thread", &content.thread.into());
    set(&hidden, "fields", &content.fields.as_str().into());
    set(&hidden, "receipts", &receipts_of(message));
    for (name, value) in NUMBERS.into_iter().zip(numbers_of(content)) {
        if value > 0 {
            set(&hidden, name, &value.into());
        }
    }
    if let Some(file) = &content.file {
        set(&hidden, "name", &file.name.as_str().into());
        set(&hidden, "mime", &file.mime.as_str().into());
    }
    if let Some(blob) = &links.blob {
        set(&hidden, "blob", blob);
    }
    if let Some(reporter) = &links.reporter {
        set(&hidden, "reporter", reporter);
        set(&hidden, "reported", &links.reported.into());
    }
    let record = record.cloned().unwrap_or_default();
    joined().put_message(&record, &fields, &hidden)
}

/// `MESIBO_FILETYPE_LOCATION`
const LOCATION: u32 = 4;

/// Numbers of a message that its record keeps hidden.
const NUMBERS: [&str; 5] = ["age", "ageDelivered", "ageRead", "sensitivity", "userNumber"];

fn numbers_of(content: &Content) -> [u32; 5] {
    let Age { sent, delivered, read } = content.age;
    [sent, delivered, read, content.sensitivity, content.user_data]
}

/// The record of a presence.
pub fn presence(
    engine: &JsValue,
    (from, group): (&str, u32),
    presence: u32,
    value: u32,
    interval: u32,
) -> JsValue {
    let fields = js_sys::Object::new();
    set(&fields, "peer", &from.into());
    set(&fields, "groupid", &group.into());
    set(&fields, "presence", &presence.into());
    set(&fields, "value", &value.into());
    set(&fields, "interval", &interval.into());
    let hidden = js_sys::Object::new();
    set(&hidden, "engine", engine);
    set(&hidden, "incoming", &true.into());
    joined().make_presence(&fields, &hidden)
}

/// The payload of a message as the second argument of its callback.
pub fn payload(record: &JsValue) -> JsValue {
    property(record, "data")
}

/// The conversation a record belongs to; `None` when it has no destination.
pub fn conversation_of(record: &JsValue) -> Option<Conversation> {
    super::arguments::conversation(&property(record, "peer"), &property(record, "groupid"))
}

/// What the page wrote into a record (or passed as parameters), as a draft. `extras` is what the
/// record keeps hidden; `to` wins over the record's own destination.
pub fn draft(
    record: &JsValue,
    extras: &JsValue,
    to: Option<Conversation>,
    body: Option<&JsValue>,
) -> Draft {
    let own = conversation_of(record);
    let data = property(record, "data");
    let message = property(record, "message");
    let body = match body {
        Some(body) => bytes(body),
        None if !bytes(&data).is_empty() => bytes(&data),
        None => bytes(&message),
    };
    let place = |name| property(record, name).as_f64().filter(|degrees| *degrees > -720.0);
    let flag = property(record, "flag");
    let expiry = property(record, "expiry").as_f64().filter(|seconds| *seconds >= 0.0);
    let url = text(&property(record, "fileurl"));
    let launch_url = text(&property(record, "launchurl"));
    let kind = u32(&property(record, "filetype"));
    // What has a type and no place is a file on its way: it stays what it is.
    let is_link = matches!(kind, 0 | LOCATION) && !launch_url.is_empty();
    let file = (!url.is_empty() || is_link).then(|| File {
        kind: if url.is_empty() { 0 } else { kind },
        url,
        size: number(&property(record, "size")).max(0.0) as u64,
        name: text(&property(record, "title")),
        mime: String::new(),
        thumbnail: bytes(&property(record, "tn")).into(),
        launch_url,
    });
    let [sent, delivered, read, sensitivity, user_data] =
        NUMBERS.map(|name| u32(&property(extras, name)));
    Draft {
        to: to.or(own).unwrap_or(Conversation::User(String::new())),
        id: 0,
        kind: u32(&property(record, "type")),
        flags: if flag.is_null_or_undefined() { wire::mask::message::DEFAULT } else { u32(&flag) },
        expiry: expiry.map(|seconds| seconds as u32),
        content: Content {
            body: body.into(),
            title: text(&property(record, "title")),
            subtitle: text(&property(record, "subtitle")),
            footer: text(&property(record, "footer")),
            location: place("latitude").zip(place("longitude")),
            file,
            in_reply_to: number(&property(record, "refid")).max(0.0) as u64,
            forwarded: property(extras, "forwarded").is_truthy(),
            thread: u32(&property(extras, "thread")),
            fields: text(&property(extras, "fields")),
            age: Age { sent, delivered, read },
            sensitivity,
            user_data,
        },
        announce: true,
    }
}

/// A file that is nowhere yet, as the page's record describes it.
pub fn local_file(record: &JsValue, content: &JsValue) -> File {
    File {
        kind: u32(&property(record, "filetype")),
        size: number(&property(record, "size")).max(0.0) as u64,
        name: text(&property(content, "name")),
        mime: text(&property(content, "mime")),
        thumbnail: bytes(&property(record, "tn")).into(),
        launch_url: text(&property(record, "launchurl")),
        ..File::default()
    }
}

/// Text as UTF-8, bytes as they are.
fn bytes(value: &JsValue) -> Vec<u8> {
    if let Some(buffer) = value.dyn_ref::<ArrayBuffer>() {
        return Uint8Array::new(buffer).to_vec();
    }
    if ArrayBuffer::is_view(value) {
        let view = value.unchecked_ref::<Uint8Array>();
        return Uint8Array::new_with_byte_offset_and_length(
            &view.buffer(),
            view.byte_offset(),
            view.byte_length(),
        )
        .to_vec();
    }
    optional_text(value).unwrap_or_default().into_bytes()
}

fn group_of(message: &Message) -> u32 {
    match &message.conversation {
        Conversation::Group(gid) => gid.0,
        Conversation::User(_) => 0,
    }
}

fn receipts_of(message: &Message) -> JsValue {
    let receipts = js_sys::Object::new();
    for (address, receipt) in &message.receipts {
        let times = js_sys::Object::new();
        set(&times, "delivered", &(receipt.delivered.0 as f64).into());
        set(&times, "read", &(receipt.read.0 as f64).into());
        set(&receipts, address, &times);
    }
    receipts.into()
}

/// Sets a property; of a plain object that cannot fail.
pub fn set(object: &JsValue, name: &str, value: &JsValue) {
    let _ = js_sys::Reflect::set(object, &JsValue::from_str(name), value);
}

/// Adds to an array of the page, which may have frozen it: then a copy goes on.
pub fn changeable(array: &Array) -> Array {
    if js_sys::Object::is_frozen(array) || js_sys::Object::is_sealed(array) {
        return array.slice(0, array.length());
    }
    array.clone()
}
