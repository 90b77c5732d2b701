//! Messages and presences as the page's own records: plain objects filled in one go.

use client::event::Origin;
use client::message::{Age, Content, Conversation, Draft, File, Message};
use js_sys::{Array, ArrayBuffer, Uint8Array};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

use super::arguments::{number, optional_number, optional_text, property, text, u32};

#[wasm_bindgen]
extern "C" {
    /// What `js/install.js` gives: the records are made there.
    #[derive(Clone)]
    pub type Records;

    /// One way into JavaScript for each message: those for each of its fields were most of what
    /// a message cost.
    #[wasm_bindgen(method, js_name = putMessage)]
    #[allow(clippy::too_many_arguments)]
    fn put_message(
        this: &Records,
        record: &JsValue,
        engine: &JsValue,
        numbers: &[f64],
        body: &[u8],
        peer: &str,
        title: &str,
        subtitle: &str,
        footer: &str,
        fields: &str,
        own: &JsValue,
        links: &JsValue,
    ) -> JsValue;

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

    /// A picture that was being uploaded when the page was left.
    #[wasm_bindgen(method, js_name = resumePicture)]
    pub fn resume_picture(this: &Records, engine: &JsValue, id: &JsValue, job: &JsValue);

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

    /// The object of somebody who watches an own stream: the same one until it watches no more.
    #[wasm_bindgen(method)]
    pub fn subscriber(this: &Records, room: &JsValue, fields: &JsValue, joined: bool) -> JsValue;

    #[wasm_bindgen(method, js_name = toBase64)]
    pub fn to_base64(this: &Records, text: &str) -> String;

    #[wasm_bindgen(method, js_name = setProfileKind)]
    pub fn set_profile_kind(this: &Records, profile: &JsValue, kind: u32) -> JsValue;
}

thread_local! {
    static RECORDS: RefCell<Option<Records>> = const { RefCell::new(None) };
}

/// Joins the engine and the records; called once, before anything else.
#[wasm_bindgen]
pub fn install(records: Records) {
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
    let (mut recipients, mut received) = (0, 0);
    if group > 0 {
        (recipients, received) = (message.recipients, counted.count() as u32);
    }
    let (own, hidden) = (js_sys::Object::new(), js_sys::Object::new());
    if let Some((latitude, longitude)) = content.location {
        set(&own, "latitude", &latitude.into());
        set(&own, "longitude", &longitude.into());
        set(&own, "filetype", &LOCATION.into());
    }
    if let Some(file) = &content.file {
        if !file.is_link() {
            set(&own, "filetype", &file.kind.into());
            set(&own, "size", &(file.size as f64).into());
        }
        for (name, url) in [("fileurl", &file.url), ("launchurl", &file.launch_url)] {
            if !url.is_empty() {
                set(&own, name, &url.as_str().into());
            }
        }
        if !file.thumbnail.is_empty() {
            set(&own, "tn", &Uint8Array::from(&file.thumbnail[..]));
        }
        set(&hidden, "name", &file.name.as_str().into());
        set(&hidden, "mime", &file.mime.as_str().into());
    }
    if !message.receipts.is_empty() {
        set(&hidden, "receipts", &receipts_of(message));
    }
    if let Some(blob) = &links.blob {
        set(&hidden, "blob", blob);
    }
    if let Some(reporter) = &links.reporter {
        set(&hidden, "reporter", reporter);
        set(&hidden, "reported", &links.reported.into());
    }
    let Age { sent, delivered, read } = content.age;
    // As `js/message.js` takes them apart.
    let numbers = [
        message.ts.0 as f64,
        message.key.id.get() as f64,
        message.key.id.low().into(),
        content.in_reply_to as f64,
        group.into(),
        message.kind.into(),
        message.expiry.map_or(-1.0, f64::from),
        message.status.into(),
        message.flags.into(),
        (origin as u32).into(),
        recipients.into(),
        received.into(),
        message.key.incoming.into(),
        links.last.into(),
        content.forwarded.into(),
        message.modified.into(),
        message.duration.into(),
        content.thread.into(),
        sent.into(),
        delivered.into(),
        read.into(),
        content.sensitivity.into(),
        content.user_data.into(),
    ];
    joined().put_message(
        record.unwrap_or(&JsValue::UNDEFINED),
        engine,
        &numbers,
        &content.body,
        &message.peer,
        &content.title,
        &content.subtitle,
        &content.footer,
        &content.fields,
        &own,
        &hidden,
    )
}

/// `MESIBO_FILETYPE_LOCATION`
const LOCATION: u32 = 4;

/// Numbers of a draft that its record keeps hidden.
const NUMBERS: [&str; 5] = ["age", "ageDelivered", "ageRead", "sensitivity", "userNumber"];

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
    let given = |name| optional_number(&property(record, name));
    let place = |name| given(name).filter(|degrees| *degrees > -720.0);
    let flag = property(record, "flag");
    let expiry = given("expiry").filter(|seconds| *seconds >= 0.0);
    let url = text(&property(record, "fileurl"));
    let launch_url = text(&property(record, "launchurl"));
    let kind = u32(&property(record, "filetype"));
    // What has a type and no place is a file on its way: it stays what it is.
    let is_link = matches!(kind, 0 | LOCATION) && !launch_url.is_empty();
    // Of a file that came with a message: its title is another thing.
    let hidden = |name| optional_text(&property(extras, name)).filter(|text| !text.is_empty());
    let file = (!url.is_empty() || is_link).then(|| File {
        kind: if url.is_empty() { 0 } else { kind },
        url,
        size: number(&property(record, "size")).max(0.0) as u64,
        name: hidden("name").unwrap_or_else(|| text(&property(record, "title"))),
        mime: hidden("mime").unwrap_or_default(),
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
