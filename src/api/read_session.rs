//! `MesiboReadSession`: reads a conversation, a summary, or everything.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use client::event::{Origin, ReadSessionId};
use client::message::Conversation;
use client::{Scope, SessionChange, SessionFilter};
use js_sys::{Array, Function, WeakSet};
use wasm_bindgen::prelude::*;

use super::arguments::{number, switched, text};
use super::listener::{call, spellings, tell};
use super::mesibo::Mesibo;
use super::records::{changeable, set};
use crate::driver::Engine;

/// What the engine knows of a session that the page may have dropped.
pub struct Session {
    id: ReadSessionId,
    driver: Engine,
    scope: RefCell<Scope>,
    listener: JsValue,
    /// The page's `MesiboReadSession`, while it is active.
    object: RefCell<JsValue>,
    array: RefCell<Array>,
    /// The messages of the array.
    known: RefCell<WeakSet>,
    fifo: Cell<bool>,
    on_sync: RefCell<JsValue>,
}

impl Session {
    pub fn id(&self) -> u32 {
        self.id.0
    }

    fn is_summary(&self) -> bool {
        *self.scope.borrow() == Scope::Summary
    }

    /// The listener object; a function is told of ends only.
    pub fn listening(&self) -> Option<JsValue> {
        let listens = self.listener.is_object() && !self.listener.is_function();
        listens.then(|| self.listener.clone())
    }

    /// A message of this moment: at the end, or as the newest conversation.
    pub fn arrive(&self, object: &JsValue) {
        if self.is_summary() {
            let array = self.changeable();
            let same = array.iter().position(|entry| is_same_conversation(&entry, object));
            if let Some(index) = same {
                for index in index as u32..array.length() - 1 {
                    array.set(index, array.get(index + 1));
                }
                array.set_length(array.length() - 1);
            }
            array.unshift(object);
        } else if self.is_new(object) {
            self.changeable().push(object);
        }
    }

    /// Not in the array yet, but from now on.
    fn is_new(&self, object: &JsValue) -> bool {
        let (known, object) = (self.known.borrow(), object.unchecked_ref());
        let new = !known.has(object);
        known.add(object);
        new
    }

    /// A message of a read: newest first it is the oldest so far.
    pub fn add_read(&self, object: &JsValue, origin: Origin) {
        if !self.is_new(object) {
            return;
        }
        let array = self.changeable();
        if origin == Origin::Summary || self.fifo.get() {
            array.push(object);
        } else {
            array.unshift(object);
        }
    }

    /// Messages are gone; gives those that were there.
    pub fn remove(&self, gone: &dyn Fn(&JsValue) -> bool) -> Vec<JsValue> {
        let array = self.array.borrow().clone();
        let (removed, left): (Vec<_>, Vec<_>) = array.iter().partition(gone);
        if !removed.is_empty() {
            self.show(left);
        }
        // One that comes back is shown again.
        for object in &removed {
            self.known.borrow().delete(object.unchecked_ref());
        }
        removed
    }

    /// These, and nothing else; gives those that were not there.
    pub fn show(&self, objects: Vec<JsValue>) -> Vec<JsValue> {
        let before: Vec<_> = self.array.borrow().iter().collect();
        let array = self.changeable();
        array.set_length(0);
        for object in &objects {
            array.push(object);
        }
        objects.into_iter().filter(|object| !before.contains(object)).collect()
    }

    pub fn done_reading(&self, count: u32) {
        if let Some(function) = self.listener.dyn_ref::<Function>() {
            call(function, &self.object.borrow().clone(), &[count.into()]);
        }
    }

    /// The answer to `sync`, to whoever asked.
    pub fn synced(&self, count: u32) {
        let session = self.object.borrow().clone();
        let asked = self.on_sync.replace(JsValue::UNDEFINED);
        let listener = if asked.is_null_or_undefined() { self.listener.clone() } else { asked };
        if let Some(function) = listener.dyn_ref::<Function>() {
            call(function, &session, &[count.into()]);
            return;
        }
        let names = spellings("Sync");
        // Pages of 2022 declare the count alone.
        let short = super::listener::method(&listener, names).is_some_and(|f| f.length() == 1);
        let arguments = [session, count.into()];
        tell(&listener, names, if short { &arguments[1..] } else { &arguments });
    }

    fn changeable(&self) -> Array {
        let array = changeable(&self.array.borrow());
        *self.array.borrow_mut() = array.clone();
        self.show_array();
        array
    }

    /// The array under the name of the first generations.
    fn show_array(&self) {
        let object = self.object.borrow();
        if object.is_object() {
            set(&object, "messages", &self.array.borrow());
        }
    }

    fn forget(&self) {
        self.known.replace(WeakSet::new());
        self.changeable().set_length(0);
    }
}

fn is_same_conversation(entry: &JsValue, message: &JsValue) -> bool {
    let same =
        |name| super::arguments::property(entry, name) == super::arguments::property(message, name);
    let group = number(&super::arguments::property(message, "groupid")) > 0.0;
    same("groupid") && (group || same("peer"))
}

/// `MesiboReadSession`
#[wasm_bindgen]
pub struct MesiboReadSession {
    session: Rc<Session>,
}

impl Drop for MesiboReadSession {
    fn drop(&mut self) {
        let id = self.session.id;
        self.session.driver.call(|client, _| client.close_session(id));
    }
}

impl MesiboReadSession {
    /// A session of this scope; nothing happens before it reads or starts.
    pub(crate) fn make(driver: Engine, scope: Scope, listener: JsValue) -> MesiboReadSession {
        let filter = SessionFilter::new(scope.clone());
        let id = driver.call(|client, _| client.open_session(filter));
        MesiboReadSession {
            session: Rc::new(Session {
                id,
                driver,
                scope: RefCell::new(scope),
                listener,
                object: RefCell::new(JsValue::UNDEFINED),
                array: RefCell::new(Array::new()),
                known: RefCell::new(WeakSet::new()),
                fifo: Cell::new(false),
                on_sync: RefCell::new(JsValue::UNDEFINED),
            }),
        }
    }

    /// As an object of the page that the callbacks get back.
    pub(crate) fn into_object(self) -> JsValue {
        let session = self.session.clone();
        let object = JsValue::from(self);
        *session.object.borrow_mut() = object.clone();
        session.show_array();
        object
    }

    fn activate(&self) {
        let sessions = &self.session.driver.page.sessions;
        sessions.borrow_mut().insert(self.session.id, self.session.clone());
    }

    fn change(&self, change: SessionChange) {
        let id = self.session.id;
        self.session.driver.call(|client, _| client.configure_session(id, change));
    }
}

#[wasm_bindgen]
impl MesiboReadSession {
    #[wasm_bindgen(js_name = createReadSummarySession)]
    pub fn create_read_summary_session(listener: JsValue) -> JsValue {
        MesiboReadSession::make(Mesibo::default_driver(), Scope::Summary, listener).into_object()
    }

    #[wasm_bindgen(js_name = createReadSession)]
    pub fn create_read_session(listener: JsValue) -> JsValue {
        MesiboReadSession::make(Mesibo::default_driver(), Scope::All, listener).into_object()
    }

    /// All active sessions of the default instance.
    #[wasm_bindgen(js_name = _active)]
    pub fn active() -> Array {
        let sessions = Mesibo::default_driver().page.sessions.borrow().clone();
        sessions.values().map(|session| session.object.borrow().clone()).collect()
    }

    pub fn read(&self, count: JsValue) -> u32 {
        self.activate();
        let (id, count) = (self.session.id, number(&count).max(0.0) as u32);
        self.session.driver.call(|client, _| client.read(id, count))
    }

    #[wasm_bindgen(js_name = getMessages)]
    pub fn get_messages(&self) -> Array {
        self.session.array.borrow().clone()
    }

    pub fn sync(&self, count: JsValue, listener: JsValue) {
        self.activate();
        *self.session.on_sync.borrow_mut() = listener;
        let (id, count) = (self.session.id, number(&count).max(0.0) as u32);
        self.session.driver.call(|client, _| client.sync(id, count));
    }

    #[wasm_bindgen(js_name = getUnreadCount)]
    pub fn get_unread_count(&self, callback: JsValue) -> u32 {
        let scope = match &*self.session.scope.borrow() {
            Scope::Conversation(conversation) => Some(conversation.clone()),
            Scope::All | Scope::Summary => None,
        };
        count_unread(self.session.driver, scope, callback)
    }

    pub fn start(&self) -> u32 {
        self.activate();
        let id = self.session.id;
        self.session.driver.call(|client, _| client.start_session(id));
        0
    }

    pub fn stop(&self) {
        let id = self.session.id;
        self.session.driver.page.sessions.borrow_mut().remove(&id);
        self.session.driver.call(|client, _| client.stop_session(id));
    }

    pub fn restart(&self) {
        self.session.forget();
        let id = self.session.id;
        self.session.driver.call(|client, _| client.restart_session(id));
    }

    #[wasm_bindgen(js_name = enableReadReceipt)]
    pub fn enable_read_receipt(&self, on: JsValue) {
        self.change(SessionChange::Receipts(switched(&on)));
    }

    #[wasm_bindgen(js_name = enableFifo)]
    pub fn enable_fifo(&self, on: JsValue) {
        self.session.fifo.set(switched(&on));
        self.change(SessionChange::Fifo(switched(&on)));
    }

    #[wasm_bindgen(js_name = enableSummary)]
    pub fn enable_summary(&self, on: JsValue) {
        let on = switched(&on);
        let scope = if on { Scope::Summary } else { Scope::All };
        let mut known = self.session.scope.borrow_mut();
        if !matches!(*known, Scope::Conversation(_)) {
            *known = scope;
        }
        drop(known);
        self.change(SessionChange::Summary(on));
    }

    #[wasm_bindgen(js_name = setQuery)]
    pub fn set_query(&self, query: JsValue) {
        self.change(SessionChange::Query(Some(text(&query))));
    }

    /// `kinds`: bits of `client::kind`.
    #[wasm_bindgen(js_name = _enable)]
    pub fn enable_kinds(&self, kinds: u32, on: JsValue) {
        self.change(SessionChange::Kinds(kinds, on.is_truthy()));
    }

    #[wasm_bindgen(js_name = setThreadId)]
    pub fn set_thread_id(&self, thread: JsValue) {
        self.change(SessionChange::Thread(super::arguments::u32(&thread)));
    }

    /// The API object it belongs to.
    #[wasm_bindgen(js_name = _engine)]
    pub fn engine(&self) -> JsValue {
        self.session.driver.page.instance.borrow().clone()
    }

    #[wasm_bindgen(js_name = isSummary)]
    pub fn is_summary(&self) -> bool {
        self.session.is_summary()
    }

    #[wasm_bindgen(js_name = getProfile)]
    pub fn get_profile(&self) -> JsValue {
        match &*self.session.scope.borrow() {
            Scope::Conversation(of) => self.session.driver.page.profile(of),
            Scope::All | Scope::Summary => JsValue::NULL,
        }
    }

    #[wasm_bindgen(js_name = getSession)]
    pub fn get_session(&self) -> u32 {
        self.session.id.0
    }
}

/// Counts unread messages; the callback gets the number, the answer is what was counted last.
pub fn count_unread(driver: Engine, of: Option<Conversation>, callback: JsValue) -> u32 {
    let known = of.as_ref().map_or(0, |of| driver.look(|client| client.unread(of)));
    if let Ok(callback) = callback.dyn_into::<Function>() {
        let ticket = driver.call(|client, _| client.count_unread(of));
        driver.page.counting.borrow_mut().insert(ticket, callback);
    }
    known
}
