//! The page as the driver sees it: its listeners and the objects it holds.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::slice::from_ref;

use client::event::{Origin, ReadSessionId};
use client::message::{Conversation, Message, MessageKey};
use client::sorted::Map;
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wire::id::GroupId;
use wire::limits::GROUP_ASKERS_MAX;

use super::arguments::property;
use super::group_call::Room;
use super::identity::Identity;
use super::listener::{call, method, spellings, tell};
use super::profile::MesiboProfile;
use super::read_session::Session;
use super::records::{self, Links};
use crate::driver::Engine;

thread_local! {
    static DEFAULT_SERVER: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The server of instances that were told no other: where the script came from.
pub fn set_default_server(url: String) {
    DEFAULT_SERVER.set(url);
}

pub struct Page {
    pub driver: Engine,
    /// The `Mesibo` object of this engine.
    pub instance: RefCell<JsValue>,
    listeners: RefCell<Vec<JsValue>>,
    pub identity: Identity,
    pub sessions: RefCell<Map<ReadSessionId, Rc<Session>>>,
    /// Callbacks that wait for the answer to a question, by its ticket.
    pub counting: RefCell<Map<u32, Function>>,
    pub finding: RefCell<Map<u32, Function>>,
    /// Callbacks that wait for a picture to be uploaded.
    pub picturing: RefCell<Map<wire::id::MessageId, Function>>,
    /// Listeners given to group methods, by the ticket of their question.
    pub(super) asking: RefCell<Map<u32, JsValue>>,
    pub database: RefCell<Vec<Option<Function>>>,
    server: RefCell<Option<String>>,
    /// A question of the page is being answered.
    asked: Cell<bool>,
    /// What the page answered last to questions about a profile.
    pub(super) answers: RefCell<Map<(&'static str, Conversation), JsValue>>,
    /// When a profile changed last.
    pub profile_updated: Cell<f64>,
    /// Groups the user is not in are left out of lists.
    pub hides_inactive: Cell<bool>,
    pub rooms: RefCell<Map<GroupId, Rc<Room>>>,
}

impl Page {
    pub fn new(driver: Engine) -> Page {
        Page {
            driver,
            instance: RefCell::new(JsValue::NULL),
            listeners: RefCell::default(),
            identity: Identity::default(),
            sessions: RefCell::default(),
            counting: RefCell::default(),
            finding: RefCell::default(),
            picturing: RefCell::default(),
            asking: RefCell::default(),
            database: RefCell::default(),
            server: RefCell::default(),
            asked: Cell::new(false),
            answers: RefCell::default(),
            profile_updated: Cell::new(0.0),
            hides_inactive: Cell::new(false),
            rooms: RefCell::default(),
        }
    }

    pub fn set_server(&self, url: String) {
        *self.server.borrow_mut() = Some(url);
    }

    pub fn server(&self) -> String {
        self.server.borrow().clone().unwrap_or_else(|| DEFAULT_SERVER.with_borrow(String::clone))
    }

    // ---- listeners -------------------------------------------------------------------------

    pub fn add_listener(&self, listener: &JsValue) -> bool {
        if listener.is_null() {
            self.listeners.borrow_mut().clear();
            return true;
        }
        if !listener.is_object() && !listener.is_function() {
            return false;
        }
        let mut listeners = self.listeners.borrow_mut();
        if !listeners.contains(listener) {
            listeners.push(listener.clone());
        }
        true
    }

    pub fn remove_listener(&self, listener: &JsValue) -> bool {
        let mut listeners = self.listeners.borrow_mut();
        let before = listeners.len();
        listeners.retain(|known| known != listener);
        listeners.len() != before
    }

    pub fn listeners(&self) -> Vec<JsValue> {
        self.listeners.borrow().clone()
    }

    /// Tells all listeners, in the order in which they were added.
    pub fn tell_all(&self, name: &str, arguments: &[JsValue]) {
        let names = spellings(name);
        for listener in self.listeners() {
            tell(&listener, names, arguments);
        }
    }

    /// Tells the asker first, then the others; nobody twice.
    pub fn tell_asker_and_all(&self, ticket: u32, name: &str, arguments: &[JsValue]) {
        let names = spellings(name);
        let asker = self.asking.borrow().get(&ticket).cloned();
        if let Some(asker) = &asker {
            match asker.dyn_ref::<Function>() {
                Some(function) => {
                    // Told once; what follows is for listeners.
                    self.asking.borrow_mut().remove(&ticket);
                    call(function, &JsValue::UNDEFINED, arguments);
                }
                None => {
                    tell(asker, names, arguments);
                }
            }
        }
        for listener in self.listeners().iter().filter(|listener| Some(*listener) != asker.as_ref())
        {
            tell(listener, names, arguments);
        }
    }

    /// Session listeners first, then global ones; no object twice.
    pub fn tell_message(&self, name: &str, sessions: &[Rc<Session>], arguments: &[JsValue]) {
        let names = spellings(name);
        let mut told: Vec<JsValue> = Vec::new();
        let from_sessions = sessions.iter().filter_map(|session| session.listening());
        for listener in from_sessions.chain(self.listeners()) {
            if !told.contains(&listener) {
                tell(&listener, names, arguments);
                told.push(listener);
            }
        }
    }

    // ---- objects ---------------------------------------------------------------------------

    pub fn profile(&self, of: &Conversation) -> JsValue {
        let profile = self.identity.profile(of, || MesiboProfile::of(self.driver, of));
        self.ask("CustomizeProfile", of, &profile);
        profile
    }

    /// Asks the listeners about a profile, once until it changes. No recursion: inside an answer
    /// there is none.
    pub fn ask(&self, question: &'static str, of: &Conversation, profile: &JsValue) -> JsValue {
        let place = (question, of.clone());
        if let Some(known) = self.answers.borrow().get(&place) {
            return known.clone();
        }
        if self.asked.replace(true) {
            return JsValue::NULL;
        }
        let names = spellings(question);
        let mut answer = None;
        for listener in self.listeners() {
            if let Some(question) = method(&listener, names) {
                let said = call(&question, &listener, from_ref(profile));
                let useful = said.is_string() || said.is_object() && !said.has_type::<Promise>();
                let said = if useful { said } else { JsValue::NULL };
                let found = !said.is_null();
                answer = Some(said);
                if found {
                    break;
                }
            }
        }
        self.asked.set(false);
        let Some(answer) = answer else { return JsValue::NULL };
        self.answers.borrow_mut().insert(place, answer.clone());
        answer
    }

    /// All questions about profiles are asked again.
    pub fn forget_answers(&self) {
        self.answers.borrow_mut().clear();
    }

    /// The listener hears first of what this question causes.
    pub fn remember_asker(&self, ticket: u32, listener: JsValue) {
        let mut asking = self.asking.borrow_mut();
        if listener.is_object() || listener.is_function() {
            asking.insert(ticket, listener);
        }
        while asking.len() > GROUP_ASKERS_MAX {
            let oldest = asking.keys().next().copied();
            oldest.map(|ticket| asking.remove(&ticket));
        }
    }

    pub fn group(&self, gid: GroupId) -> JsValue {
        self.profile(&Conversation::Group(gid))
    }

    /// The object of a message, as the message is now.
    pub fn message(&self, message: &Message, origin: Origin, mut links: Links) -> JsValue {
        if message.content.file.as_ref().is_some_and(|file| file.url.is_empty()) {
            let blob = self.driver.transfers.blob(message.key.id);
            links.blob = blob.map(JsValue::from);
        }
        let known = self.identity.message(&message.key);
        let engine = self.instance.borrow().clone();
        let object = records::put(known.as_ref(), &engine, message, origin, links);
        if known.is_none() {
            self.identity.put_message(&message.key, &object);
        }
        object
    }

    /// The object of a message that is not news: its origin stays.
    pub fn known(&self, message: &Message) -> JsValue {
        self.message(message, self.origin_of(&message.key), Links::default())
    }

    /// Makes a record that the page wrote itself the object of its message.
    pub fn adopt(&self, record: &JsValue, message: &Message) {
        let engine = self.instance.borrow().clone();
        records::put(Some(record), &engine, message, Origin::Realtime, Links::default());
        self.identity.put_message(&message.key, record);
    }

    /// The origin an object has already: a status does not change it.
    pub fn origin_of(&self, key: &MessageKey) -> Origin {
        let known = self.identity.message(key).map(|object| property(&object, "origin"));
        match known.and_then(|origin| origin.as_f64()) {
            Some(1.0) => Origin::Database,
            Some(2.0) => Origin::Summary,
            _ => Origin::Realtime,
        }
    }

    pub fn sessions_of(&self, ids: &[ReadSessionId]) -> Vec<Rc<Session>> {
        let sessions = self.sessions.borrow();
        ids.iter().filter_map(|id| sessions.get(id).cloned()).collect()
    }
}
