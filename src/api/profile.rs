//! `MesiboProfile`: a user or a group, and what can be done with the conversation with it.
//!
//! Group methods are on every profile, because pages call them on whatever a callback gave them;
//! on a user they fail softly.

use std::cell::{Ref, RefCell};
use std::rc::Rc;

use client::message::Conversation;
use client::{Field, Local, Profile, Scope, mark, own_place};
use js_sys::Array;
use wasm_bindgen::prelude::*;
use wire::id::GroupId;

use super::arguments::{number, optional_text, property, text};
use super::read_session::{MesiboReadSession, count_unread};
use super::records;
use crate::driver::Engine;

const OK: i32 = 0;
const FAIL: i32 = 0x80;

/// Kinds of profiles, for `instanceof`.
const USER: u32 = 0;
const GROUP: u32 = 1;
const OWN: u32 = 2;

fn group_of(gid: &JsValue) -> Option<GroupId> {
    (!gid.is_undefined()).then(|| super::arguments::gid(gid))
}

/// `MesiboProfile`
#[wasm_bindgen]
pub struct MesiboProfile {
    driver: Engine,
    of: Conversation,
    /// The user's own: its address may not be known yet.
    own: bool,
    /// A detached copy: what nothing but its own edits changes.
    copy: Option<RefCell<Profile>>,
    listeners: Rc<RefCell<Vec<JsValue>>>,
}

impl MesiboProfile {
    /// A profile as an object of the page.
    pub(crate) fn make(driver: Engine, of: Conversation, own: bool) -> JsValue {
        if !own {
            driver.call(|client, _| client.ensure_profile(&of));
        }
        let profile = MesiboProfile { driver, of, own, copy: None, listeners: Rc::default() };
        profile.into_object()
    }

    fn into_object(self) -> JsValue {
        let kind = match (&self.of, self.own) {
            (_, true) => OWN,
            (Conversation::Group(_), _) => GROUP,
            _ => USER,
        };
        records::joined().set_profile_kind(&self.into(), kind)
    }

    /// Changes the copy; `false` when this is none.
    fn change_copy(&self, change: impl FnOnce(&mut Profile)) -> bool {
        self.copy.as_ref().map(|copy| change(&mut copy.borrow_mut())).is_some()
    }

    /// The own profile.
    pub(crate) fn own(driver: Engine) -> JsValue {
        driver.page.profile(&own_place())
    }

    /// A new object for this user or group; the own one for the own address.
    pub(crate) fn of(driver: Engine, of: &Conversation) -> JsValue {
        if *of == own_place() {
            return MesiboProfile::make(driver, of.clone(), true);
        }
        let own = driver.look(|client| match of {
            Conversation::User(address) => client.address() == address,
            Conversation::Group(_) => false,
        });
        match own {
            true => MesiboProfile::own(driver),
            false => MesiboProfile::make(driver, of.clone(), false),
        }
    }

    /// Listeners of this one profile.
    pub(crate) fn listeners_of(profile: &JsValue) -> Vec<JsValue> {
        let listeners = property(profile, "_listeners");
        let listeners = listeners.dyn_into::<js_sys::Function>();
        let listeners = listeners.and_then(|listeners| listeners.call0(profile));
        listeners.map(|listeners| Array::from(&listeners).to_vec()).unwrap_or_default()
    }

    fn look<R>(&self, question: impl FnOnce(&Profile) -> R) -> R {
        question(&self.looked_at())
    }

    /// The copy, or what is known; somebody never heard of when nothing is.
    #[inline(never)]
    fn looked_at(&self) -> Ref<'_, Profile> {
        match &self.copy {
            Some(copy) => copy.borrow(),
            None => self.driver.profile(&self.of),
        }
    }

    /// Where messages go: for the own profile, oneself.
    fn destination(&self) -> Conversation {
        match self.own {
            true => Conversation::User(self.get_address()),
            false => self.of.clone(),
        }
    }

    fn object(&self) -> JsValue {
        self.driver.page.profile(&self.of)
    }

    fn name(&self) -> Option<String> {
        let name = self.look(|profile| profile.shown_name().to_owned());
        Some(name).filter(|name| !name.is_empty())
    }
}

#[wasm_bindgen]
impl MesiboProfile {
    // ---- identity and state ----------------------------------------------------------------

    #[wasm_bindgen(js_name = getAddress)]
    pub fn get_address(&self) -> String {
        match (&self.of, self.own) {
            (_, true) => self.driver.look(|client| client.address().to_owned()),
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
            true => self.driver.look(|client| client.uid().0),
            false => self.look(|profile| profile.uid.0),
        }
    }

    #[wasm_bindgen(js_name = isSelfProfile)]
    pub fn is_self_profile(&self) -> bool {
        self.own
            || !self.is_group()
                && self.get_address() == self.driver.look(|c| c.address().to_owned())
    }

    #[wasm_bindgen(js_name = isActive)]
    pub fn is_active(&self) -> bool {
        self.look(|profile| {
            let member = profile.group.as_ref().is_some_and(|info| info.rights.member);
            profile.local.marks & mark::DELETED == 0 && (member || !self.is_group())
        })
    }

    #[wasm_bindgen(js_name = isOnline)]
    pub fn is_online(&self) -> bool {
        let address = self.get_address();
        self.driver.look_now(|client, now| client.is_online(now, &address))
    }

    /// In this group; without one, to this user.
    #[wasm_bindgen(js_name = _isTyping)]
    pub fn is_typing(&self, gid: JsValue) -> bool {
        let (address, gid) = (self.get_address(), group_of(&gid));
        self.driver.look_now(|client, now| client.is_typing(now, &address, gid))
    }

    /// In this group; without one, with this user.
    #[wasm_bindgen(js_name = _isChatting)]
    pub fn is_chatting(&self, gid: JsValue) -> bool {
        let (address, gid) = (self.get_address(), group_of(&gid));
        self.driver.look(|client| client.is_chatting(&address, gid))
    }

    /// Milliseconds, 0 = never.
    #[wasm_bindgen(js_name = _lastSeen)]
    pub fn last_seen(&self) -> f64 {
        let seen = match self.is_online() {
            true => self.driver.look_now(|client, now| client.server_time(now).0),
            false => self.look(|profile| profile.last_seen.0),
        };
        seen as f64
    }

    // ---- names -----------------------------------------------------------------------------

    #[wasm_bindgen(js_name = getName)]
    pub fn get_name(&self) -> JsValue {
        if let Some(name) = self.name() {
            return name.into();
        }
        self.ask("GetProfileName".into())
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

    #[wasm_bindgen(js_name = setTemporaryName)]
    pub fn set_temporary_name(&self, name: JsValue) {
        let name = optional_text(&name);
        if !self.change_copy(|copy| copy.temporary_name.clone_from(&name)) {
            self.driver.call(|client, _| client.name_temporarily(&self.of, name));
        }
    }

    // ---- for js/profile.js -------------------------------------------------------------------

    /// A text as it is shown: `Field`, 5 the own named values, 6 the owner of a group, 7 who
    /// changed it last.
    #[wasm_bindgen(js_name = _read)]
    pub fn read(&self, field: u32) -> Option<String> {
        let text = self.look(|profile| {
            let Local { status, image, values, draft, .. } = &profile.local;
            let group = profile.group.as_ref();
            match field {
                0 => Some(profile.shown_name().to_owned()),
                1 => status.clone().or(Some(profile.status.clone())),
                2 => image.clone().or(Some(profile.image.clone())),
                3 => Some(profile.values.clone()),
                4 => draft.clone(),
                5 => values.clone(),
                6 => group.map(|info| info.owner.clone()),
                _ => group.map(|info| info.changed_by.clone()),
            }
        });
        text.filter(|text| !text.is_empty())
    }

    /// Changes a text, `Field`. For the own profile and own groups an empty one is a text too.
    #[wasm_bindgen(js_name = _edit)]
    pub fn edit(&self, field: u32, text: JsValue) {
        let Some(field) = Field::from_number(field) else { return };
        let published = self.own || self.is_group();
        let text = match optional_text(&text) {
            None if published && field != Field::Draft && field != Field::Values => {
                Some(String::new())
            }
            text => text.filter(|text| published || !text.is_empty()),
        };
        if !self.change_copy(|copy| copy.local.set(field, text.clone())) {
            self.driver.call(|client, _| client.edit_profile(&self.of, field, text));
        }
    }

    /// `client::mark`, and 0x100000: the server knows it.
    #[wasm_bindgen(js_name = _marks)]
    pub fn marks(&self) -> u32 {
        self.look(|profile| profile.local.marks | if profile.looked_up { 0x10_0000 } else { 0 })
    }

    #[wasm_bindgen(js_name = _mark)]
    pub fn mark(&self, bits: u32, on: bool) {
        if !self.change_copy(|copy| copy.local.mark(bits, on)) {
            self.driver.call(|client, _| client.mark_profile(&self.of, bits, on));
        }
    }

    /// `wire::mask::contact`
    #[wasm_bindgen(js_name = _contact)]
    pub fn contact(&self) -> u32 {
        self.look(|profile| profile.local.contact)
    }

    #[wasm_bindgen(js_name = _markContact)]
    pub fn mark_contact(&self, bits: u32, on: bool) {
        if !self.change_copy(|copy| copy.local.mark_contact(bits, on)) {
            self.driver.call(|client, _| client.mark_contact(&self.of, bits, on));
        }
    }

    #[wasm_bindgen(js_name = _isGroup)]
    pub fn is_group(&self) -> bool {
        matches!(self.of, Conversation::Group(_))
    }

    /// The group's conference was entered.
    #[wasm_bindgen(js_name = _inRoom)]
    pub fn in_room(&self) -> bool {
        let Conversation::Group(gid) = self.of else { return false };
        self.driver.look(|client| client.room(gid).is_some_and(|room| room.entered))
    }

    /// The profile of another user.
    #[wasm_bindgen(js_name = _profile)]
    pub fn profile(&self, address: String) -> JsValue {
        self.driver.page.profile(&Conversation::User(address))
    }

    #[wasm_bindgen(js_name = _adminFlags)]
    pub fn admin_flags(&self) -> u32 {
        self.look(|profile| profile.group.as_ref().map_or(0, |info| info.rights.admin_flags))
    }

    /// Keeps and publishes the edits; `values` are all named values, as JSON. A copy is nobody's.
    #[wasm_bindgen(js_name = _save)]
    /// `incomplete`: something of it could not be uploaded.
    pub fn save(&self, values: String, incomplete: Option<bool>) -> bool {
        let complete = incomplete != Some(true);
        self.copy.is_none()
            && self.driver.call(|client, _| client.save_profile(&self.of, values, complete))
    }

    /// Keeps the edits on this side only.
    #[wasm_bindgen(js_name = _keep)]
    pub fn keep(&self) {
        if self.copy.is_none() {
            self.driver.call(|client, _| client.keep_profile(&self.of));
        }
    }

    #[wasm_bindgen(js_name = _remove)]
    pub fn remove(&self, local: bool, synced: bool) {
        self.driver.call(|client, _| client.remove_profile(&self.of, local, synced));
    }

    /// Takes back what was not saved.
    #[wasm_bindgen(js_name = _reset)]
    pub fn reset(&self) {
        if !self.change_copy(|copy| copy.local = copy.kept.clone()) {
            self.driver.call(|client, _| client.reset_profile(&self.of));
        }
    }

    /// As it is now, whatever comes.
    #[wasm_bindgen(js_name = cloneProfile)]
    pub fn clone_profile(&self) -> JsValue {
        let copy = Some(RefCell::new(self.look(Profile::clone)));
        let (driver, of, own) = (self.driver, self.of.clone(), self.own);
        MesiboProfile { driver, of, own, copy, listeners: Rc::default() }.into_object()
    }

    pub fn reload(&self) {
        self.driver.call(|client, _| client.reload_profile(&self.of));
    }

    #[wasm_bindgen(js_name = broadcastChanges)]
    pub fn broadcast_changes(&self) {
        self.driver.call(|client, _| client.announce_profile(&self.of));
    }

    /// The page's answer to a question about this profile.
    #[wasm_bindgen(js_name = _ask)]
    pub fn ask(&self, question: String) -> JsValue {
        let question = match question.as_str() {
            "GetProfileName" => "GetProfileName",
            _ => "GetProfileImage",
        };
        self.driver.page.ask(question, &self.of, &self.object())
    }

    /// See [`Page::change_group`](super::page::Page::change_group).
    #[wasm_bindgen(js_name = _change)]
    pub fn change(&self, verb: String, addresses: Vec<String>, object: JsValue, listener: JsValue) {
        if let Conversation::Group(gid) = self.of {
            self.driver.page.change_group(gid, &verb, addresses, &object, listener);
        }
    }

    // ---- conversation ----------------------------------------------------------------------

    /// The API object it belongs to.
    #[wasm_bindgen(js_name = _engine)]
    pub fn engine(&self) -> JsValue {
        self.driver.page.instance.borrow().clone()
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
        MesiboReadSession::make(self.driver, scope, listener).into_object()
    }

    #[wasm_bindgen(js_name = readDbSession)]
    pub fn read_db_session(&self, search: JsValue, on_read: JsValue) -> JsValue {
        let (search, on_read) = match search.is_function() {
            true => (JsValue::UNDEFINED, search),
            false => (search, on_read),
        };
        let scope = Scope::Conversation(self.destination());
        let session = MesiboReadSession::make(self.driver, scope, on_read);
        session.set_query(search);
        session.into_object()
    }

    /// `MESIBO_PRESENCE_*`
    #[wasm_bindgen(js_name = _tell)]
    pub fn tell(&self, code: u32) -> i32 {
        let to = self.destination();
        self.driver.call(|client, now| client.send_presence(now, &to, code, 0, 0, Vec::new()));
        OK
    }

    #[wasm_bindgen(js_name = getUnreadMessageCount)]
    pub fn get_unread_message_count(&self, callback: JsValue) -> u32 {
        count_unread(self.driver, Some(self.destination()), callback)
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
        self.driver.page.remember_asker(ticket, listener);
        OK
    }

    #[wasm_bindgen(js_name = getMembers)]
    pub fn get_members(&self, count: JsValue, restart: JsValue, listener: JsValue) -> i32 {
        let Conversation::Group(gid) = self.of else { return FAIL };
        let count = number(&count).max(0.0) as u32;
        let restart = restart.is_truthy();
        let ticket = self.driver.call(|client, _| client.group_members(gid, count, restart));
        self.driver.page.remember_asker(ticket, listener);
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
