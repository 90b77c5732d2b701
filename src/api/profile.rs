//! `MesiboProfile`: a user or a group, and what can be done with the conversation with it.
//!
//! Group methods are on every profile, because pages call them on whatever a callback gave them;
//! on a user they fail softly.

use std::cell::RefCell;
use std::rc::Rc;

use client::message::Conversation;
use client::{Profile, Scope};
use js_sys::Array;
use wasm_bindgen::prelude::*;
use wire::id::Uid;
use wire::mask::presence;

use super::arguments::{number, optional_text, property, text};
use super::listener::{call, spellings};
use super::read_session::{MesiboReadSession, count_unread};
use super::records::with_records;
use crate::driver::Driver;

const OK: i32 = 0;
const FAIL: i32 = 0x80;

/// Kinds of profiles, for `instanceof`.
const USER: u32 = 0;
const GROUP: u32 = 1;
const OWN: u32 = 2;

/// `MesiboProfile`
#[wasm_bindgen]
pub struct MesiboProfile {
    driver: Rc<Driver>,
    of: Conversation,
    /// The user's own: its address may not be known yet.
    own: bool,
    listeners: Rc<RefCell<Vec<JsValue>>>,
}

impl MesiboProfile {
    /// A profile as an object of the page.
    pub(crate) fn make(driver: Rc<Driver>, of: Conversation, own: bool) -> JsValue {
        let kind = match (&of, own) {
            (_, true) => OWN,
            (Conversation::Group(_), _) => GROUP,
            _ => USER,
        };
        if !own {
            driver.call(|client, _| client.ensure_profile(&of));
        }
        let profile = MesiboProfile { driver, of, own, listeners: Rc::default() };
        with_records(|records| records.set_profile_kind(&profile.into(), kind))
    }

    /// The own profile.
    pub(crate) fn own(driver: &Rc<Driver>) -> JsValue {
        // No user can have an address with a control character, so this is nobody else's place.
        let place = Conversation::User("\u{0}self".into());
        let make = || MesiboProfile::make(driver.clone(), place.clone(), true);
        driver.page.identity.profile(&place, make)
    }

    /// Listeners of this one profile.
    pub(crate) fn listeners_of(profile: &JsValue) -> Vec<JsValue> {
        let listeners = property(profile, "_listeners");
        let listeners = listeners.dyn_into::<js_sys::Function>();
        let listeners = listeners.and_then(|listeners| listeners.call0(profile));
        listeners.map(|listeners| Array::from(&listeners).to_vec()).unwrap_or_default()
    }

    fn look<R>(&self, question: impl FnOnce(&Profile) -> R) -> R {
        self.driver.look(|client, _| match self.own {
            true => question(client.self_profile()),
            false => question(client.profile(&self.of).unwrap_or(&Profile::default())),
        })
    }

    /// Where messages go: for the own profile, oneself.
    fn destination(&self) -> Conversation {
        match self.own {
            true => Conversation::User(self.get_address()),
            false => self.of.clone(),
        }
    }

    fn tell(&self, code: u32) -> i32 {
        let to = self.destination();
        self.driver.call(|client, now| client.send_presence(now, &to, code, 0, 0));
        OK
    }

    fn object(&self) -> JsValue {
        match self.own {
            true => MesiboProfile::own(&self.driver),
            false => self.driver.page.profile(&self.of),
        }
    }

    fn name(&self) -> Option<String> {
        let name = self.look(|profile| profile.local_name.clone().or(Some(profile.name.clone())));
        name.filter(|name| !name.is_empty())
    }
}

#[wasm_bindgen]
impl MesiboProfile {
    // ---- identity and state ----------------------------------------------------------------

    #[wasm_bindgen(js_name = getAddress)]
    pub fn get_address(&self) -> String {
        match (&self.of, self.own) {
            (_, true) => self.driver.look(|client, _| client.address().to_owned()),
            (Conversation::User(address), _) => address.clone(),
            (Conversation::Group(_), _) => String::new(),
        }
    }

    #[wasm_bindgen(js_name = getGroupId)]
    pub fn get_group_id(&self) -> u32 {
        match &self.of {
            Conversation::Group(gid) => gid.0,
            Conversation::User(_) => 0,
        }
    }

    #[wasm_bindgen(js_name = getUid)]
    pub fn get_uid(&self) -> u32 {
        match self.own {
            true => self.driver.look(|client, _| client.uid().0),
            false => self.look(|profile| profile.uid.0),
        }
    }

    #[wasm_bindgen(js_name = isGroup)]
    pub fn is_group(&self) -> bool {
        matches!(self.of, Conversation::Group(_))
    }

    #[wasm_bindgen(js_name = isSelfProfile)]
    pub fn is_self_profile(&self) -> bool {
        self.own
            || !self.is_group()
                && self.get_address() == self.driver.look(|c, _| c.address().to_owned())
    }

    #[wasm_bindgen(js_name = isActive)]
    pub fn is_active(&self) -> bool {
        !self.is_group()
            || self.look(|profile| profile.group.as_ref().is_some_and(|info| info.rights.member))
    }

    #[wasm_bindgen(js_name = isOnline)]
    pub fn is_online(&self) -> bool {
        let address = self.get_address();
        self.driver.look(|client, _| client.is_online(&address))
    }

    #[wasm_bindgen(js_name = isTyping)]
    pub fn is_typing(&self) -> bool {
        let address = self.get_address();
        self.driver.look(|client, now| client.is_typing(now, &address, None))
    }

    #[wasm_bindgen(js_name = isTypingInGroup)]
    pub fn is_typing_in_group(&self, gid: JsValue) -> bool {
        let (address, gid) = (self.get_address(), super::arguments::gid(&gid));
        self.driver.look(|client, now| client.is_typing(now, &address, Some(gid)))
    }

    #[wasm_bindgen(js_name = isChatting)]
    pub fn is_chatting(&self) -> bool {
        let address = self.get_address();
        self.driver.look(|client, _| client.is_chatting(&address, None))
    }

    #[wasm_bindgen(js_name = isChattingInGroup)]
    pub fn is_chatting_in_group(&self, gid: JsValue) -> bool {
        let (address, gid) = (self.get_address(), super::arguments::gid(&gid));
        self.driver.look(|client, _| client.is_chatting(&address, Some(gid)))
    }

    #[wasm_bindgen(js_name = getLastSeen)]
    pub fn get_last_seen(&self) -> JsValue {
        let seen = match self.is_online() {
            true => self.driver.look(|client, now| client.server_time(now).0),
            false => self.look(|profile| profile.last_seen.0),
        };
        match seen {
            0 => JsValue::NULL,
            ts => with_records(|records| records.new_date_time(ts as f64)),
        }
    }

    // ---- names -----------------------------------------------------------------------------

    #[wasm_bindgen(js_name = getName)]
    pub fn get_name(&self) -> JsValue {
        if let Some(name) = self.name() {
            return name.into();
        }
        self.driver.page.ask_name(&self.object())
    }

    #[wasm_bindgen(js_name = getNameOrAddress)]
    pub fn get_name_or_address(&self, prefix: JsValue) -> String {
        if let Some(name) = self.get_name().as_string() {
            return name;
        }
        match &self.of {
            Conversation::Group(gid) => format!("Group-{gid}"),
            Conversation::User(_) => {
                format!("{}{}", optional_text(&prefix).unwrap_or_default(), self.get_address())
            }
        }
    }

    #[wasm_bindgen(js_name = setName)]
    pub fn set_name(&self, name: JsValue) {
        let (of, name) = (self.of.clone(), optional_text(&name).filter(|name| !name.is_empty()));
        if !self.own {
            self.driver.call(|client, _| client.set_local_name(&of, name));
        }
    }

    #[wasm_bindgen(js_name = getStatus)]
    pub fn get_status(&self) -> String {
        self.look(|profile| profile.status.clone())
    }

    // ---- conversation ----------------------------------------------------------------------

    /// The API object it belongs to.
    #[wasm_bindgen(js_name = _engine)]
    pub fn engine(&self) -> JsValue {
        self.driver.page.instance.borrow().clone()
    }

    #[wasm_bindgen(js_name = newMessage)]
    pub fn new_message(&self) -> JsValue {
        let engine = self.driver.page.instance.borrow().clone();
        with_records(|records| records.new_message(&self.object(), &engine))
    }

    #[wasm_bindgen(js_name = newPresence)]
    pub fn new_presence(&self) -> JsValue {
        let engine = self.driver.page.instance.borrow().clone();
        with_records(|records| records.new_presence(&self.object(), &engine))
    }

    #[wasm_bindgen(js_name = sendMessage)]
    pub fn send_message(&self, id: JsValue, text: JsValue) -> i32 {
        let to = Some(self.destination());
        let parameters = js_sys::Object::new();
        self.driver.page.send_legacy(&parameters, to, &id, &text)
    }

    #[wasm_bindgen(js_name = createReadSession)]
    pub fn create_read_session(&self, listener: JsValue) -> JsValue {
        let scope = Scope::Conversation(self.destination());
        MesiboReadSession::make(self.driver.clone(), scope, listener).into_object()
    }

    #[wasm_bindgen(js_name = readDbSession)]
    pub fn read_db_session(&self, search: JsValue, on_read: JsValue) -> JsValue {
        let (search, on_read) = match search.is_function() {
            true => (JsValue::UNDEFINED, search),
            false => (search, on_read),
        };
        let scope = Scope::Conversation(self.destination());
        let session = MesiboReadSession::make(self.driver.clone(), scope, on_read);
        session.set_query(search);
        session.into_object()
    }

    #[wasm_bindgen(js_name = sendTyping)]
    pub fn send_typing(&self) -> i32 {
        self.tell(presence::TYPING)
    }

    #[wasm_bindgen(js_name = sendJoined)]
    pub fn send_joined(&self) -> i32 {
        self.tell(presence::JOINED)
    }

    #[wasm_bindgen(js_name = sendLeft)]
    pub fn send_left(&self) -> i32 {
        self.tell(presence::LEFT)
    }

    #[wasm_bindgen(js_name = getUnreadMessageCount)]
    pub fn get_unread_message_count(&self, callback: JsValue) -> u32 {
        count_unread(&self.driver, Some(self.destination()), callback)
    }

    #[wasm_bindgen(js_name = matches)]
    pub fn matches(&self, message: JsValue) -> bool {
        match self.destination() {
            Conversation::Group(gid) => {
                super::arguments::gid(&property(&message, "groupid")) == gid
            }
            Conversation::User(address) => {
                number(&property(&message, "groupid")) == 0.0
                    && text(&property(&message, "peer")) == address
            }
        }
    }

    // ---- group -----------------------------------------------------------------------------

    #[wasm_bindgen(js_name = getSettings)]
    pub fn get_settings(&self, listener: JsValue) -> i32 {
        let Conversation::Group(gid) = self.of else { return FAIL };
        let ticket = self.driver.call(|client, _| client.group_settings(gid));
        self.driver.page.asking.borrow_mut().insert(ticket, listener);
        OK
    }

    #[wasm_bindgen(js_name = getMembers)]
    pub fn get_members(&self, count: JsValue, _restart: JsValue, listener: JsValue) -> i32 {
        let Conversation::Group(gid) = self.of else { return FAIL };
        let count = number(&count).max(0.0) as u32;
        let ticket = self.driver.call(|client, _| client.group_members(gid, Uid(0), count));
        self.driver.page.asking.borrow_mut().insert(ticket, listener);
        OK
    }

    // ---- listeners -------------------------------------------------------------------------

    #[wasm_bindgen(js_name = addListener)]
    pub fn add_listener(&self, listener: JsValue) -> bool {
        let known = self.listeners.borrow().contains(&listener);
        if listener.is_object() && !known {
            self.listeners.borrow_mut().push(listener.clone());
        }
        listener.is_object()
    }

    #[wasm_bindgen(js_name = removeListener)]
    pub fn remove_listener(&self, listener: JsValue) {
        self.listeners.borrow_mut().retain(|known| *known != listener);
    }

    #[wasm_bindgen(js_name = _listeners)]
    pub fn listeners(&self) -> Array {
        self.listeners.borrow().iter().collect()
    }
}

impl super::page::Page {
    /// Asks the listeners for a name that nobody has given. No recursion, no caching of nothing.
    pub fn ask_name(&self, profile: &JsValue) -> JsValue {
        if self.asking_name.replace(true) {
            return JsValue::NULL;
        }
        let names = spellings("GetProfileName");
        let mut answer = JsValue::NULL;
        for listener in self.all_listeners() {
            if let Some(question) = super::listener::method(&listener, &names) {
                let name = call(&question, &listener, std::slice::from_ref(profile));
                if name.is_string() {
                    answer = name;
                    break;
                }
            }
        }
        self.asking_name.set(false);
        answer
    }
}
