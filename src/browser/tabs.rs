//! The other tabs of this browser: a channel to them, locks that end with a tab.
//!
//! What is told is an array of plain values; what the database keeps as bytes travels as the same
//! bytes. Browsers without Web Locks or `BroadcastChannel`, and pages that may not use them, have
//! no other tabs.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use client::Input;
use client::message::{Conversation, MessageKey};
use client::port::store::{Part, Write};
use client::port::tab::{Command, Input as TabInput, TabId, Tell};
use js_sys::{Array, Function, Promise, Reflect, Uint8Array, global};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wire::code::Code;
use wire::id::{GroupId, Seq, Uid};
use wire::time::Timestamp;

use super::record;
use super::schema::object;
use crate::driver::{Engine, spawn};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = BroadcastChannel)]
    type Channel;

    #[wasm_bindgen(constructor, js_class = BroadcastChannel, catch)]
    fn new(name: &str) -> Result<Channel, JsValue>;

    #[wasm_bindgen(method, js_name = postMessage, catch)]
    fn post(this: &Channel, value: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, setter)]
    fn set_onmessage(this: &Channel, listener: &Function);

    #[wasm_bindgen(method)]
    fn close(this: &Channel);

    type Locks;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &Locks,
        name: &str,
        options: &JsValue,
        granted: &JsValue,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_name = AbortController)]
    type Aborter;

    #[wasm_bindgen(constructor, js_class = AbortController)]
    fn new() -> Aborter;

    #[wasm_bindgen(method)]
    fn abort(this: &Aborter);

    #[wasm_bindgen(method, getter)]
    fn signal(this: &Aborter) -> JsValue;
}

pub struct Tabs {
    group: RefCell<Option<Rc<Group>>>,
    driver: Engine,
}

/// A group this tab is in, until it is dropped.
struct Group {
    name: String,
    tab: TabId,
    channel: Channel,
    _on_message: Closure<dyn FnMut(JsValue)>,
    locks: Locks,
    /// Of the request that waits to lead.
    waiting: RefCell<Option<Aborter>>,
    /// Each lets go of a lock.
    releases: RefCell<Vec<Function>>,
}

impl Drop for Group {
    fn drop(&mut self) {
        self.channel.close();
        self.stop_waiting();
        for release in self.releases.take() {
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

impl Group {
    fn stop_waiting(&self) {
        if let Some(aborter) = self.waiting.take() {
            aborter.abort();
        }
    }

    /// Asks for a lock and keeps it; fails when it is refused, given up, or taken away.
    fn hold(
        self: &Rc<Group>,
        name: &str,
        options: &JsValue,
        granted: impl FnOnce() + 'static,
    ) -> Result<JsFuture, JsValue> {
        let group = Rc::downgrade(self);
        let granted = Closure::once_into_js(move |_: JsValue| {
            let Some(group) = group.upgrade() else { return JsValue::UNDEFINED };
            let held = Promise::new(&mut |release, _| group.releases.borrow_mut().push(release));
            drop(group);
            granted();
            held.into()
        });
        self.locks.request(name, options, &granted).map(JsFuture::from)
    }
}

impl Tabs {
    pub fn new(driver: Engine) -> Tabs {
        Tabs { group: RefCell::default(), driver }
    }

    pub fn perform(&self, command: Command) {
        if let Command::Join { group, tab } = command {
            return self.join(group, tab);
        }
        let Some(group) = self.group.borrow().clone() else { return };
        match command {
            Command::Join { .. } => {}
            Command::Leave => drop(self.group.take()),
            Command::Steal => {
                group.stop_waiting();
                spawn(lead(Rc::downgrade(&group), self.driver, true));
            }
            Command::Watch(tab) => {
                let driver = self.driver;
                let granted = Closure::once_into_js(move |_: JsValue| {
                    tell(driver, TabInput::Gone(tab));
                });
                let name = lock_of(&group.name, tab);
                // A request that is refused has a tab that was here before.
                let _ = group.locks.request(&name, &object(&[]), &granted);
            }
            // A channel that is closed says nothing.
            Command::Tell { number, tell } => {
                drop(group.channel.post(&value_of(group.tab, number, tell)));
            }
        }
    }

    fn join(&self, group: String, tab: TabId) {
        let server = self.driver.page.server();
        let driver = self.driver;
        let joined = open(format!("mesibo {server} {group}"), tab, driver);
        *self.group.borrow_mut() = joined.clone();
        spawn(async move {
            let Some(group) = joined else { return tell(driver, TabInput::Alone) };
            let name = lock_of(&group.name, tab);
            let here = Rc::new(Cell::new(false));
            let (begun, weak, heir) = (here.clone(), Rc::downgrade(&group), driver);
            let held = group.hold(&name, &object(&[]), move || {
                begun.set(true);
                tell(heir, TabInput::Joined);
                spawn(lead(weak, heir, false));
            });
            drop(group);
            let refused = match held {
                Ok(held) => held.await.is_err(),
                Err(_) => true,
            };
            if refused && !here.get() {
                tell(driver, TabInput::Alone);
            }
        });
    }
}

fn open(name: String, tab: TabId, driver: Engine) -> Option<Rc<Group>> {
    let get = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).ok();
    let locks = get(&get(&global(), "navigator")?, "locks").filter(|locks| locks.is_object())?;
    get(&global(), "BroadcastChannel").filter(|channel| channel.is_function())?;
    let channel = Channel::new(&name).ok()?;
    let on_message = Closure::new(move |event: JsValue| {
        let data = get(&event, "data").unwrap_or_default();
        if let Some(told) = data.dyn_ref::<Array>().and_then(told_of) {
            tell(driver, told);
        }
    });
    channel.set_onmessage(on_message.as_ref().unchecked_ref());
    Some(Rc::new(Group {
        name,
        tab,
        channel,
        _on_message: on_message,
        locks: locks.unchecked_into(),
        waiting: RefCell::default(),
        releases: RefCell::default(),
    }))
}

/// Waits for the lock of who leads, again each time it was taken away.
async fn lead(group: Weak<Group>, driver: Engine, mut steal: bool) {
    while let Some(here) = group.upgrade() {
        let aborter = Aborter::new();
        let options = match steal {
            true => object(&[("steal", true.into())]),
            false => object(&[("signal", aborter.signal())]),
        };
        *here.waiting.borrow_mut() = Some(aborter);
        let elected = Rc::new(Cell::new(false));
        let (granted, heir) = (elected.clone(), driver);
        let held = here.hold(&here.name, &options, move || {
            granted.set(true);
            tell(heir, TabInput::Elected);
        });
        drop(here);
        let Ok(held) = held else { return };
        // Let go of, or given up: by this tab itself.
        if held.await.is_ok() || !elected.get() {
            return;
        }
        tell(driver, TabInput::Deposed);
        steal = false;
    }
}

fn tell(driver: Engine, input: TabInput) {
    driver.input(Input::Tab(input));
}

fn lock_of(group: &str, tab: TabId) -> String {
    format!("{group} {}", tab.0)
}

// ---- what is told, as a value ----------------------------------------------------------------

fn number(number: u64) -> JsValue {
    JsValue::from_f64(number as f64)
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

fn key_value(key: &MessageKey) -> JsValue {
    key.to_string().into()
}

fn value_of(from: TabId, said: u64, tell: Tell) -> JsValue {
    let none = JsValue::UNDEFINED;
    let writes = |writes: Vec<Write>| writes.iter().map(write_value).collect::<Array>().into();
    let (kind, first, second) = match tell {
        Tell::Hello => (0, none.clone(), none),
        Tell::Lead => (1, none.clone(), none),
        Tell::Online { uid, address, now, upload_token, upload_url } => {
            let who = Array::of2(&uid.0.into(), &address.into());
            (
                2,
                who.into(),
                Array::of3(&number(now.0), &upload_token.into(), &upload_url.into()).into(),
            )
        }
        Tell::Offline { code } => (3, code.map_or(none.clone(), |c| c.number().into()), none),
        Tell::Frame(frame) => (4, bytes(&frame), none),
        Tell::Relay(frame) => (5, bytes(&frame), none),
        Tell::Room { room, inside } => (6, room.0.into(), inside.into()),
        Tell::Writing(list) => (7, writes(list), none),
        Tell::Written => (8, none.clone(), none),
        Tell::Known(list) => (9, writes(list), none),
        Tell::Gone(tab) => (10, number(tab.0), none),
        Tell::Ping => (11, none.clone(), none),
        Tell::Pong => (12, none.clone(), none),
    };
    Array::of5(&number(from.0), &kind.into(), &first, &second, &number(said)).into()
}

/// `None` for what an older or newer SDK in another tab says.
fn told_of(value: &Array) -> Option<TabInput> {
    let (first, second) = (value.get(2), value.get(3));
    let tell = match whole(&value.get(1))? {
        0 => Tell::Hello,
        1 => Tell::Lead,
        2 => {
            let (who, rest) = (first.dyn_ref::<Array>()?, second.dyn_ref::<Array>()?);
            Tell::Online {
                uid: Uid(whole(&who.get(0))? as u32),
                address: who.get(1).as_string()?,
                now: Timestamp(whole(&rest.get(0))?),
                upload_token: rest.get(1).as_string()?,
                upload_url: rest.get(2).as_string()?,
            }
        }
        3 => Tell::Offline { code: whole(&first).and_then(|n| Code::from_number(n as u32)) },
        4 => Tell::Frame(to_vec(&first)?),
        5 => Tell::Relay(to_vec(&first)?),
        6 => Tell::Room { room: GroupId(whole(&first)? as u32), inside: second.is_truthy() },
        7 => Tell::Writing(writes_of(&first)?),
        8 => Tell::Written,
        9 => Tell::Known(writes_of(&first)?),
        10 => Tell::Gone(TabId(whole(&first)?)),
        11 => Tell::Ping,
        12 => Tell::Pong,
        _ => return None,
    };
    let (from, number) = (TabId(whole(&value.get(0))?), whole(&value.get(4))?);
    Some(TabInput::Told { from, number, tell })
}

fn write_value(write: &Write) -> JsValue {
    let none = JsValue::UNDEFINED;
    let (kind, first, second) = match write {
        Write::Message(message, part) => {
            (0, bytes(&record::message_to_bytes(message)), (*part as u32).into())
        }
        Write::DeleteMessage(key) => (1, key_value(key), none),
        Write::DeleteBefore { conversation, before } => {
            let of = match conversation {
                None => none,
                Some(Conversation::User(address)) => address.as_str().into(),
                Some(Conversation::Group(gid)) => gid.0.into(),
            };
            (2, of, number(*before))
        }
        Write::Read(notice) => (5, bytes(&record::notice_to_bytes(notice)), none),
        Write::ReadDone(key) => (6, key_value(key), none),
        Write::Errand(errand) => (7, bytes(&record::errand_to_bytes(errand)), none),
        Write::ErrandDone(done) => (8, number(*done), none),
        Write::Cursor(seq) => (9, number(seq.0), none),
        Write::Account(account) => (10, bytes(&record::account_to_bytes(account)), none),
        Write::Profile(profile) => (11, bytes(&record::profile_to_bytes(profile)), none),
        Write::ForgetProfiles => (13, none.clone(), none),
        Write::Age { key, end } => (12, key_value(key), number(end.0)),
    };
    Array::of3(&kind.into(), &first, &second).into()
}

fn writes_of(value: &JsValue) -> Option<Vec<Write>> {
    Some(value.dyn_ref::<Array>()?.iter().filter_map(|write| write_of(&write)).collect())
}

fn write_of(value: &JsValue) -> Option<Write> {
    let value = value.dyn_ref::<Array>()?;
    let (first, second) = (value.get(1), value.get(2));
    Some(match whole(&value.get(0))? {
        0 => {
            let parts = [Part::New, Part::Status, Part::Content, Part::Past, Part::Unread];
            let part = *parts.get(whole(&second)? as usize)?;
            Write::Message(record::message_from_bytes(&to_vec(&first)?)?.into(), part)
        }
        1 => Write::DeleteMessage(key_of(&first)?),
        2 => {
            let gid = || whole(&first).map(|gid| Conversation::Group(GroupId(gid as u32)));
            let conversation = first.as_string().map(Conversation::User).or_else(gid);
            Write::DeleteBefore { conversation, before: whole(&second)? }
        }
        5 => Write::Read(record::notice_from_bytes(&to_vec(&first)?)?),
        6 => Write::ReadDone(key_of(&first)?),
        7 => Write::Errand(record::errand_from_bytes(&to_vec(&first)?)?),
        8 => Write::ErrandDone(whole(&first)?),
        9 => Write::Cursor(Seq(whole(&first)?)),
        10 => Write::Account(record::account_from_bytes(&to_vec(&first)?)?),
        13 => Write::ForgetProfiles,
        12 => Write::Age { key: key_of(&first)?, end: Timestamp(whole(&second)?) },
        11 => Write::Profile(record::profile_from_bytes(&to_vec(&first)?)?.into()),
        _ => return None,
    })
}

fn key_of(value: &JsValue) -> Option<MessageKey> {
    MessageKey::from_text(&value.as_string()?)
}

fn whole(value: &JsValue) -> Option<u64> {
    value.as_f64().map(|number| number as u64)
}

fn to_vec(value: &JsValue) -> Option<Vec<u8>> {
    value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}
