//! `Mesibo`: the API object. Identity, connection, profiles, messages.

use std::cell::Cell;

use client::message::Conversation;
use client::{Client, Local, OnlineMode, Profile, Scope, SendError, mark};
use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;

use super::arguments::{
    conversation, gid, message_id, number, optional_text, property, switched, text, u32 as to_u32,
};
use super::listener::warn;
use super::page::{Page, set_default_server as set_page_server};
use super::profile::MesiboProfile;
use super::read_session::MesiboReadSession;
use super::records::{self, set};
use crate::browser::text::lower;
use crate::driver::Engine;
use wire::mask::{contact, presence as code};

const OK: i32 = 0;
const FAIL: i32 = 0x80;
const BAD_REQUEST: i32 = 0x85;
const BUFFER_FULL: i32 = 0xB4;

thread_local! {
    /// The first instance: what objects without an instance of their own belong to.
    static DEFAULT: Cell<Option<Engine>> = const { Cell::new(None) };
}

/// Where the script came from: the server of instances that are told no other.
#[wasm_bindgen(js_name = setDefaultServer)]
pub fn set_default_server(url: JsValue) {
    set_page_server(text(&url));
}

/// `Mesibo`
#[wasm_bindgen]
pub struct Mesibo {
    pub(super) driver: Engine,
}

impl Mesibo {
    fn make() -> Engine {
        let driver = Engine::new();
        let object = JsValue::from(Mesibo { driver });
        *driver.page.instance.borrow_mut() = object;
        driver
    }

    /// The default instance, made on demand.
    pub(crate) fn default_driver() -> Engine {
        if let Some(driver) = DEFAULT.get() {
            return driver;
        }
        let driver = Mesibo::make();
        DEFAULT.set(Some(driver));
        driver
    }

    pub(crate) fn page(&self) -> &Page {
        &self.driver.page
    }

    /// Where a profile is, unless lists leave it out.
    fn listed(&self, client: &Client, profile: &Profile) -> Option<Conversation> {
        let hidden = profile.local.marks & (mark::HIDDEN | mark::DELETED) != 0;
        if profile.gid == 0 {
            let shown = !hidden && profile.address != client.address();
            return shown.then(|| Conversation::User(profile.address.clone()));
        }
        let member = profile.group.as_ref().is_some_and(|info| info.rights.member);
        let shown = !hidden && (member || !self.page().hides_inactive.get());
        shown.then_some(Conversation::Group(wire::id::GroupId(profile.gid)))
    }
}

#[wasm_bindgen]
impl Mesibo {
    // ---- creation, identity, connection ------------------------------------------------------

    /// What `new Mesibo()` gives: the default instance while nobody signed in with it.
    pub fn create() -> JsValue {
        let default = Mesibo::default_driver();
        let driver = match default.look(|client| client.token().is_some()) {
            true => Mesibo::make(),
            false => default,
        };
        driver.page.instance.borrow().clone()
    }

    #[wasm_bindgen(js_name = getInstance)]
    pub fn get_instance() -> JsValue {
        Mesibo::default_driver().page.instance.borrow().clone()
    }

    #[wasm_bindgen(js_name = setServer)]
    pub fn set_server(&self, url: JsValue) -> bool {
        let url = text(&url);
        let good = url.starts_with("http://") || url.starts_with("https://");
        match good {
            true => self.page().set_server(url),
            false => warn("setServer needs a URL that begins with https:// or http://"),
        }
        good
    }

    #[wasm_bindgen(js_name = setAppId)]
    pub fn set_app_id(&self, id: JsValue) -> bool {
        self.driver.call(|client, _| client.set_app(text(&id)))
    }

    #[wasm_bindgen(js_name = getAppId)]
    pub fn get_app_id(&self) -> String {
        self.driver.look(|client| client.app().to_owned())
    }

    #[wasm_bindgen(js_name = setAccessToken)]
    pub fn set_access_token(&self, token: JsValue, _uid: JsValue) -> bool {
        let Some(token) = token.as_string() else { return false };
        let good = self.driver.call(|client, now| client.set_token(now, token));
        if !good {
            warn("the access token is empty or has an impossible form");
        }
        good
    }

    #[wasm_bindgen(js_name = setDatabase)]
    pub fn set_database(&self, name: JsValue, callback: JsValue) -> bool {
        self.page().database.borrow_mut().push(callback.dyn_into::<Function>().ok());
        self.driver.call(|client, _| client.set_database(optional_text(&name)));
        true
    }

    #[wasm_bindgen(js_name = addListener)]
    pub fn add_listener(&self, listener: JsValue) -> bool {
        self.page().add_listener(&listener)
    }

    #[wasm_bindgen(js_name = removeListener)]
    pub fn remove_listener(&self, listener: JsValue) -> bool {
        self.page().remove_listener(&listener)
    }

    pub fn start(&self) -> i32 {
        self.driver.begin();
        match self.driver.call(|client, now| client.start(now)) {
            Ok(()) => OK,
            Err(error) => {
                warn(&error.to_string());
                FAIL
            }
        }
    }

    pub fn stop(&self) -> i32 {
        self.driver.call(|client, now| client.stop(now));
        OK
    }

    pub fn reconnect(&self) -> bool {
        self.driver.call(|client, now| client.reconnect(now));
        true
    }

    #[wasm_bindgen(js_name = getConnectionStatus)]
    pub fn get_connection_status(&self) -> u32 {
        self.driver.look(|client| client.status() as u32)
    }

    #[wasm_bindgen(js_name = getUid)]
    pub fn get_uid(&self) -> u32 {
        self.driver.look(|client| client.uid().0)
    }

    #[wasm_bindgen(js_name = getAddress)]
    pub fn get_address(&self) -> String {
        self.driver.look(|client| client.address().to_owned())
    }

    #[wasm_bindgen(js_name = enableCrossTabSessions)]
    pub fn enable_cross_tab_sessions(&self, on: JsValue) -> bool {
        self.driver.call(|client, _| client.share_tabs(switched(&on)))
    }

    pub fn version() -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    #[wasm_bindgen(js_name = getTimestamp)]
    pub fn get_timestamp(&self) -> f64 {
        self.driver.look_now(|client, now| client.server_time(now).0 as f64)
    }

    // ---- profiles and groups -----------------------------------------------------------------

    #[wasm_bindgen(js_name = getProfile)]
    pub fn get_profile(&self, address: JsValue, group: JsValue) -> JsValue {
        conversation(&address, &group).map_or(JsValue::NULL, |of| self.page().profile(&of))
    }

    #[wasm_bindgen(js_name = getProfileIfExists)]
    pub fn get_profile_if_exists(&self, address: JsValue, group: JsValue) -> JsValue {
        let of = conversation(&address, &group);
        let known = of.filter(|of| self.driver.look(|client| client.profile(of).is_some()));
        known.map_or(JsValue::NULL, |of| self.page().profile(&of))
    }

    #[wasm_bindgen(js_name = getSelfProfile)]
    pub fn get_self_profile(&self) -> JsValue {
        MesiboProfile::own(self.driver)
    }

    #[wasm_bindgen(js_name = getGroupProfiles)]
    pub fn get_group_profiles(&self) -> Array {
        let groups = self.driver.look(|client| client.groups());
        groups.into_iter().map(|gid| self.page().group(gid)).collect()
    }

    /// By name; without `all` no user who is nothing to this one: whom the page asked about once, or
    /// who is a member of some group.
    #[wasm_bindgen(js_name = _sorted)]
    pub fn sorted_profiles(&self, all: bool) -> Array {
        let known = self.driver.look(|client| {
            let shown = client.profiles().filter_map(|profile| {
                let Local { contact: bits, name: given, .. } = &profile.local;
                let known = bits & (contact::CONTACT | contact::SUBSCRIBED) != 0 || given.is_some();
                if !(all || known || profile.gid != 0) {
                    return None;
                }
                let name = String::from(lower(profile.shown_name()));
                let of = self.listed(client, profile)?;
                Some((name.is_empty(), name, profile.address.clone(), of))
            });
            shown.collect::<Vec<_>>()
        });
        // The browser's sort: one of Rust's own is five kilobytes.
        let order: Array = (0..known.len()).map(JsValue::from).collect();
        let at = |index: JsValue| &known[to_u32(&index) as usize];
        let order = order.sort_by(&mut |a, b| at(a).cmp(at(b)) as i32);
        order.iter().map(|index| self.page().profile(&at(index).3)).collect()
    }

    #[wasm_bindgen(js_name = getRecentProfiles)]
    pub fn get_recent_profiles(&self) -> Array {
        let recent = self.driver.look(|client| {
            let recent = client.recent_profiles().into_iter();
            let shown = recent.filter(|of| {
                client.profile(of).is_none_or(|profile| self.listed(client, profile).is_some())
            });
            shown.collect::<Vec<_>>()
        });
        recent.iter().map(|of| self.page().profile(of)).collect()
    }

    #[wasm_bindgen(js_name = hideInactiveGroupProfiles)]
    pub fn hide_inactive_group_profiles(&self, reset: JsValue) {
        self.page().hides_inactive.set(!reset.is_truthy());
    }

    #[wasm_bindgen(js_name = getLastProfileUpdateTimestamp)]
    pub fn get_last_profile_update_timestamp(&self) -> f64 {
        self.page().profile_updated.get()
    }

    #[wasm_bindgen(js_name = resetProfileCustomizations)]
    pub fn reset_profile_customizations(&self) {
        self.page().forget_answers();
    }

    /// A group of its own; `js/groups.js` has looked at the name.
    #[wasm_bindgen(js_name = _createGroup)]
    pub fn create_group(&self, settings: JsValue, listener: JsValue) {
        let none = wire::id::GroupId(0);
        self.page().change_group(none, "create", Vec::new(), &settings, listener);
    }

    /// `bits` are of `wire::mask::contact`.
    #[wasm_bindgen(js_name = _syncContacts)]
    pub fn sync_contacts(&self, addresses: Vec<String>, bits: u32) {
        self.driver.call(|client, _| client.sync_contacts(addresses, bits));
    }

    /// A token is set.
    #[wasm_bindgen(js_name = _hasToken)]
    pub fn has_token(&self) -> bool {
        self.driver.look(|client| client.token().is_some())
    }

    // ---- messages ----------------------------------------------------------------------------

    #[wasm_bindgen(js_name = getUniqueMessageId)]
    pub fn get_unique_message_id(&self) -> u32 {
        self.driver.call(|client, _| client.draw_id())
    }

    #[wasm_bindgen(js_name = sendMessage)]
    pub fn send_message(&self, parameters: JsValue, id: JsValue, body: JsValue) -> i32 {
        let to = conversation(&property(&parameters, "peer"), &property(&parameters, "groupid"));
        self.page().send_legacy(&parameters, to, &id, &body)
    }

    #[wasm_bindgen(js_name = readDbSession)]
    pub fn read_db_session(
        &self,
        address: JsValue,
        group: JsValue,
        search: JsValue,
        on_read: JsValue,
    ) -> JsValue {
        let (address, group, search, on_read) = match address.is_function() {
            true => (JsValue::NULL, JsValue::NULL, JsValue::NULL, address),
            false => (address, group, search, on_read),
        };
        let scope = conversation(&address, &group).map_or(Scope::All, Scope::Conversation);
        let session = MesiboReadSession::make(self.driver, scope, on_read);
        session.set_query(search);
        session.into_object()
    }

    #[wasm_bindgen(js_name = sendReadReceipt)]
    pub fn send_read_receipt(&self, first: JsValue, second: JsValue, third: JsValue) -> i32 {
        let (of, mid) = match first.is_object() {
            true => (conversation(&property(&first, "peer"), &property(&first, "groupid")), second),
            false => (conversation(&first, &second), third),
        };
        let id = message_id(&mid);
        let (Some(of), Some(id)) = (of, id) else { return BAD_REQUEST };
        let known = self.driver.call(|client, _| client.send_read_receipt(&of, id));
        if known { OK } else { FAIL }
    }

    #[wasm_bindgen(js_name = isReading)]
    pub fn is_reading(&self, message: JsValue) -> bool {
        let of = conversation(&property(&message, "peer"), &property(&message, "groupid"));
        of.is_some_and(|of| self.driver.look(|client| client.is_reading(&of)))
    }

    /// Plays what the browser has kept back until the user touched the page; to be called in a gesture.
    #[wasm_bindgen(js_name = resumePlayback)]
    pub fn resume_playback(&self) {
        self.driver.playback.resume();
    }

    // ---- group calls -------------------------------------------------------------------------

    /// `null` when the group id is 0.
    #[wasm_bindgen(js_name = groupCall)]
    pub fn group_call(&self, listener: JsValue, group: JsValue) -> JsValue {
        match gid(&group) {
            wire::id::GroupId(0) => JsValue::NULL,
            gid => self.page().group_call(gid, listener),
        }
    }

    /// The first generation: the room is set later, the listeners are the global ones.
    #[wasm_bindgen(js_name = initGroupCall)]
    pub fn init_group_call(&self) -> JsValue {
        let room = super::group_call::Room::make(self.driver, wire::id::GroupId(0), JsValue::NULL);
        room.object.borrow().clone()
    }

    // ---- for the records of js/message.js ------------------------------------------------------

    #[wasm_bindgen(js_name = _send)]
    pub fn send_record(
        &self,
        record: JsValue,
        extras: JsValue,
        announce: bool,
        content: JsValue,
    ) -> i32 {
        let mut draft = records::draft(&record, &extras, None, None);
        if content.is_object() {
            draft.content.file = Some(records::local_file(&record, &content));
        }
        let wanted = match number(&property(&record, "mid")) {
            0.0 => to_u32(&property(&record, "id")),
            // Sent before: a new message with a new id.
            _ => 0,
        };
        let draft = client::message::Draft { id: wanted, announce, ..draft };
        let sent = self.page().send(draft, Some(&record), content);
        sent.unwrap_or_else(|error| result_of(&error))
    }

    #[wasm_bindgen(js_name = _resend)]
    pub fn resend_record(&self, record: JsValue) -> bool {
        let id = message_id(&property(&record, "mid"));
        let Some(id) = id else { return false };
        let key = client::message::MessageKey::outgoing(id);
        self.driver.call(|client, _| client.resend(&key)).is_ok()
    }

    /// Without a destination: online or offline for all, or where one may be found.
    #[wasm_bindgen(js_name = _sendPresence)]
    pub fn send_presence(
        &self,
        peer: JsValue,
        group: JsValue,
        presence: u32,
        value: u32,
        interval: u32,
        data: Vec<u8>,
    ) -> i32 {
        self.driver.call(|client, now| {
            match conversation(&peer, &group) {
                Some(to) => {
                    client.send_presence(now, &to, presence, value, interval, data);
                }
                None if matches!(presence, code::ONLINE | code::OFFLINE) => {
                    client.show_online(presence == code::ONLINE);
                }
                None if presence == code::RESERVED => client.set_place(value, data),
                None => return BAD_REQUEST,
            }
            OK
        })
    }

    // ---- for js/settings.js ----------------------------------------------------------------------

    /// Sets something, and gives what is so now; the numbers are those of `js/settings.js`.
    #[wasm_bindgen(js_name = _setting)]
    pub fn setting(&self, which: u32, value: JsValue) -> u32 {
        let number = to_u32(&value);
        self.driver.call(|client, now| match which {
            0 => {
                if !value.is_undefined() {
                    client.set_foreground(now, value.is_truthy());
                }
                client.is_visible().into()
            }
            1 => {
                client.set_online_mode(match number {
                    2 => OnlineMode::Foreground,
                    3 => OnlineMode::Manual,
                    _ => OnlineMode::Login,
                });
                number
            }
            2 => {
                client.set_online_target(number);
                number
            }
            3 => {
                if !value.is_undefined() {
                    client.set_retraction_interval(number);
                }
                client.retraction_interval()
            }
            4 | 5 => {
                client.set_retraction_policy(number, which == 5);
                number
            }
            _ => {
                if !value.is_undefined() {
                    client.enable_transfers(value.is_truthy());
                }
                client.transfers_enabled().into()
            }
        })
    }

    /// The page's own small values, JSON.
    #[wasm_bindgen(js_name = _keys)]
    pub fn keys(&self) -> String {
        self.driver.look(|client| client.keys().to_owned())
    }

    #[wasm_bindgen(js_name = _setKeys)]
    pub fn set_keys(&self, keys: String) -> bool {
        self.driver.call(|client, _| client.set_keys(keys))
    }

    #[wasm_bindgen(js_name = _setPushToken)]
    pub fn set_push_token(&self, token: String, voip: bool) -> bool {
        self.driver.call(|client, _| client.set_push_token(token, voip))
    }

    /// Where files go, and what goes along; where the server is.
    #[wasm_bindgen(js_name = _uploadTarget)]
    pub fn upload_target(&self) -> Vec<String> {
        let server = self.page().server();
        self.driver.look(|client| {
            let (url, token) = client.upload_target();
            let url = match url.is_empty() {
                true => format!("{}/upload", server.trim_end_matches('/')),
                false => url.to_owned(),
            };
            vec![url, token.to_owned(), server.to_string()]
        })
    }

    /// `wanted` has the fields of `proto::Search`. `false` while offline; the callback is told
    /// profiles, where to go on behind if there are more, and whether there were too many searches.
    #[wasm_bindgen(js_name = _search)]
    pub fn search(&self, wanted: JsValue, callback: Function) -> bool {
        let number = |name| to_u32(&property(&wanted, name));
        let degrees = |name| property(&wanted, name).as_f64();
        let search = wire::proto::Search {
            ticket: 0,
            text: text(&property(&wanted, "text")),
            contacts: property(&wanted, "contacts").is_truthy(),
            groups: property(&wanted, "groups").is_truthy(),
            after_uid: number("uid"),
            after_gid: number("gid"),
            seen_since: super::arguments::number(&property(&wanted, "since")) as u64,
            latitude: degrees("latitude"),
            longitude: degrees("longitude"),
            within: number("within"),
        };
        let ticket = self.driver.call(|client, _| client.search(search));
        if let Some(ticket) = ticket {
            self.page().finding.borrow_mut().insert(ticket, callback);
        }
        ticket.is_some()
    }

    /// Tells all listeners something that JavaScript knows.
    #[wasm_bindgen(js_name = _tell)]
    pub fn tell(&self, name: &str, arguments: Vec<JsValue>) {
        self.page().tell_all(name, &arguments);
    }

    /// The profile a record is about: its peer; for an outgoing group message the own one.
    #[wasm_bindgen(js_name = _profileOf)]
    pub fn profile_of(&self, record: JsValue) -> JsValue {
        let peer = text(&property(&record, "peer"));
        match peer.is_empty() {
            true if gid(&property(&record, "groupid")).0 > 0 => self.get_self_profile(),
            true => JsValue::NULL,
            false => self.page().profile(&Conversation::User(peer)),
        }
    }
}

impl Page {
    /// Hands a message to the client. The page's record becomes its object.
    fn send(
        &self,
        draft: client::message::Draft,
        record: Option<&JsValue>,
        content: JsValue,
    ) -> Result<i32, SendError> {
        let driver = self.driver;
        let sent = driver.call(|client, now| client.send(now, draft))?;
        if content.is_object() && driver.look(|client| client.transfers_enabled()) {
            driver.transfers.hold(sent.message.key.id, content);
        }
        let object = match record {
            Some(record) => {
                self.adopt(record, &sent.message);
                record.clone()
            }
            None => {
                self.message(&sent.message, client::event::Origin::Realtime, Default::default())
            }
        };
        for session in self.sessions_of(&sent.sessions) {
            session.arrive(&object);
        }
        Ok(OK)
    }

    /// A send of the first generations: parameters, id, text. The page shows it by itself.
    pub fn send_legacy(
        &self,
        parameters: &JsValue,
        to: Option<Conversation>,
        id: &JsValue,
        body: &JsValue,
    ) -> i32 {
        let Some(to) = to else { return BAD_REQUEST };
        // Missing, it is the `message` of the parameters.
        let body = Some(body).filter(|body| !body.is_null_or_undefined());
        let draft = records::draft(parameters, &JsValue::UNDEFINED, Some(to), body);
        let mut wanted = to_u32(id);
        if wanted == 0 {
            wanted = self.driver.call(|client, _| client.draw_id());
        }
        if parameters.is_object() && !property(parameters, "id").is_truthy() {
            set(parameters, "id", &wanted.into());
        }
        let draft = client::message::Draft { id: wanted, announce: false, ..draft };
        self.send(draft, None, JsValue::UNDEFINED).unwrap_or_else(|error| result_of(&error))
    }
}

fn result_of(error: &SendError) -> i32 {
    warn(&error.to_string());
    match error {
        SendError::OutboxFull => BUFFER_FULL,
        _ => BAD_REQUEST,
    }
}
