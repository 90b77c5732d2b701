//! The page as the driver sees it: its listeners, the objects it holds, and how each event is
//! told.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::slice::from_ref;

use client::Removal;
use client::event::{ConnectionStatus, Event, Member, Origin, ReadSessionId};
use client::message::{Conversation, Message, MessageKey};
use client::own_place;
use client::sorted::Map;
use js_sys::{Array, Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wire::id::GroupId;
use wire::limits::GROUP_ASKERS_MAX;
use wire::mask::presence as presence_code;
use wire::status;

use super::arguments::{number, property};
use super::group_call::Room;
use super::group_change;
use super::group_member::MesiboGroupMember;
use super::identity::Identity;
use super::listener::{call, first_spellings, method, profile_spellings, spellings, tell, warn};
use super::profile::MesiboProfile;
use super::read_session::Session;
use super::records::{self, Links, payload, set};
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
    asking: RefCell<Map<u32, JsValue>>,
    pub database: RefCell<Vec<Option<Function>>>,
    server: RefCell<Option<String>>,
    /// A question of the page is being answered.
    asked: Cell<bool>,
    /// What the page answered last to questions about a profile.
    answers: RefCell<Map<(&'static str, Conversation), JsValue>>,
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

    pub fn all_listeners(&self) -> Vec<JsValue> {
        self.listeners()
    }

    fn listeners(&self) -> Vec<JsValue> {
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
    fn tell_asker_and_all(&self, ticket: u32, name: &str, arguments: &[JsValue]) {
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

    // ---- events ----------------------------------------------------------------------------

    pub fn tell(&self, event: Event) {
        match event {
            Event::Connection { status, reason } => self.on_connection(status, &reason),
            Event::DatabaseOpened { ok } => {
                let callback = {
                    let mut waiting = self.database.borrow_mut();
                    (!waiting.is_empty()).then(|| waiting.remove(0))
                };
                if let Some(Some(callback)) = callback {
                    call(&callback, &JsValue::UNDEFINED, &[ok.into()]);
                }
            }
            Event::Message { message, sessions, announce } => {
                let object = self.message(&message, Origin::Realtime, Links::default());
                let sessions = self.sessions_of(&sessions);
                sessions.iter().for_each(|session| session.arrive(&object));
                if announce {
                    let payload = payload(&object);
                    self.tell_message("Message", &sessions, &[object, payload]);
                }
            }
            Event::MessageStatus { message, reporter, reported, sessions } => {
                if let Some(why) = refusal(message.status).filter(|_| !message.key.incoming) {
                    warn(&format!("a message was not sent: {why}"));
                }
                let reporter = reporter.map(|address| self.profile(&Conversation::User(address)));
                let links = Links { reporter, reported, ..Links::default() };
                let object = self.message(&message, self.origin_of(&message.key), links);
                self.tell_message("MessageStatus", &self.sessions_of(&sessions), &[object]);
            }
            Event::FileStart { message } => self.on_file_start(message),
            Event::PictureUploaded { id, url } => {
                let callback = self.picturing.borrow_mut().remove(&id);
                if let Some(callback) = callback {
                    call(&callback, &JsValue::UNDEFINED, &[url.into()]);
                }
            }
            Event::FileStop { message } => self.on_file_stop(&message),
            Event::FileProgress { message, sessions, percent, running } => {
                self.on_file_progress(&message, &sessions, percent, running);
            }
            Event::MessageUpdate { message, sessions } => {
                let object = self.known(&message);
                self.tell_message("MessageUpdate", &self.sessions_of(&sessions), &[object]);
            }
            Event::Removed { removal } => self.on_removed(&removal),
            Event::SummaryChanged { session, messages } => {
                if let Some(session) = self.sessions_of(&[session]).pop() {
                    let objects = messages.iter().map(|message| self.known(message)).collect();
                    let fresh = session.show(objects);
                    // An older message is the latest of its conversation now.
                    if let Some(listener) = session.listening() {
                        for object in fresh {
                            tell(&listener, spellings("MessageUpdate"), from_ref(&object));
                        }
                    }
                }
            }
            Event::Found { ticket, message } => {
                let callback = self.finding.borrow_mut().remove(&ticket);
                let object = message.map_or(JsValue::NULL, |message| self.known(&message));
                if let Some(callback) = callback {
                    call(&callback, &JsValue::UNDEFINED, &[object]);
                }
            }
            Event::MessageRead { message } => {
                self.known(&message);
            }
            Event::SessionRead { session, messages, origin, end } => {
                if let Some(session) = self.sessions_of(&[session]).pop() {
                    self.on_session_read(&session, &messages, origin, end);
                }
            }
            Event::SessionSync { session, count } => {
                if let Some(session) = self.sessions_of(&[session]).pop() {
                    session.synced(count);
                }
            }
            Event::UnreadCount { ticket, count } => {
                let callback = self.counting.borrow_mut().remove(&ticket);
                if let Some(callback) = callback {
                    call(&callback, &JsValue::UNDEFINED, &[count.into()]);
                }
            }
            Event::Counted { ticket, counts } => {
                let callback = self.finding.borrow_mut().remove(&ticket);
                let counts = counts.into_iter().flat_map(|(status, count)| [status, count]);
                if let Some(callback) = callback {
                    let counts = counts.map(JsValue::from).collect::<Array>();
                    call(&callback, &JsValue::UNDEFINED, &[counts.into()]);
                }
            }
            Event::Filter => self.on_filter(),
            Event::Searched { ticket, found, more, limited } => {
                let callback = self.finding.borrow_mut().remove(&ticket);
                let found: Array = found.iter().map(|of| self.profile(of)).collect();
                let more = more.map_or(JsValue::NULL, |(uid, gid)| {
                    Array::of2(&uid.into(), &gid.into()).into()
                });
                if let Some(callback) = callback {
                    call(&callback, &JsValue::UNDEFINED, &[found.into(), more, limited.into()]);
                }
            }
            Event::Presence { from, presence, value, data, .. }
                if presence == presence_code::RESERVED =>
            {
                let profile = self.profile(&Conversation::User(from));
                records::joined().on_reserved(&profile, value, &data);
            }
            Event::Presence { from, group, presence, value, interval, data: _ } => {
                self.on_presence(&from, group, presence, value, interval);
            }
            Event::ProfileUpdated { of } => self.tell_profile(&of),
            Event::SelfUpdated => self.tell_profile(&own_place()),
            Event::ProfilePublished { of, ok } => {
                let profile = self.profile(&of);
                for listener in MesiboProfile::listeners_of(&profile) {
                    tell(&listener, profile_spellings("Publish"), &[profile.clone(), ok.into()]);
                }
                for listener in self.listeners() {
                    tell(&listener, profile_spellings("Publish"), &[profile.clone(), ok.into()]);
                }
            }
            Event::GroupCreated { group, ticket } => {
                self.tell_asker_and_all(ticket, "GroupCreated", &[self.group(group)]);
            }
            Event::GroupJoined { group, ticket } => {
                self.tell_asker_and_all(ticket, "GroupJoined", &[self.group(group)]);
            }
            Event::GroupLeft { group, deleted: _ } => {
                self.tell_all("GroupLeft", &[self.group(group)]);
            }
            Event::GroupMembersJoined { group, ticket, members } => {
                let arguments = [self.group(group), self.members(&members)];
                self.tell_asker_and_all(ticket, "GroupMembersJoined", &arguments);
            }
            Event::GroupMembersRemoved { group, ticket, members } => {
                let arguments = [self.group(group), self.members(&members)];
                self.tell_asker_and_all(ticket, "GroupMembersRemoved", &arguments);
            }
            Event::GroupSettings { group, ticket, pins } => {
                let (settings, permissions) = self.settings(group);
                let pins = pins.iter().map(group_change::pin_object).collect::<Array>().into();
                let arguments = [self.group(group), settings, permissions, pins];
                self.tell_asker_and_all(ticket, "GroupSettings", &arguments);
            }
            Event::GroupMembers { group, ticket, members } => {
                let arguments = [self.group(group), self.members(&members)];
                self.tell_asker_and_all(ticket, "GroupMembers", &arguments);
            }
            Event::GroupWaiting { group, members } => {
                let arguments = [self.group(group), self.members(&members)];
                self.tell_all("GroupMembersWaiting", &arguments);
            }
            Event::GroupError { group, ticket, error, waiting } => {
                let asker = self.asking.borrow_mut().remove(&ticket);
                // A bare function waits for what was asked for, not for its refusal.
                let told = asker.clone().filter(|asker| !asker.is_function());
                if let Some(asker) = told {
                    self.remember_asker(ticket, asker);
                }
                let profile = match group {
                    GroupId(0) => JsValue::NULL,
                    group => self.group(group),
                };
                let arguments = [profile, error.into(), waiting.into()];
                self.tell_asker_and_all(ticket, "GroupError", &arguments);
                self.asking.borrow_mut().remove(&ticket);
                if let Some(asker) = asker.filter(|_| waiting) {
                    self.remember_asker(ticket, asker);
                }
            }
            Event::Call { call, from, video } => {
                self.tell_all("Call", &[call.into(), from.into(), video.into()]);
            }
            Event::CallStatus { call, status } => {
                self.tell_all("CallStatus", &[call.into(), status.into()]);
            }
            Event::Room { room, event } => {
                let room = self.rooms.borrow().get(&room).cloned();
                if let Some(room) = room {
                    room.on_event(event);
                }
            }
            Event::Error { text } => {
                warn(&text);
                self.tell_all("Error", &[text.into()]);
            }
        }
    }

    /// Asks whether the page wants what has come.
    fn on_filter(&self) {
        let driver = self.driver;
        let names = spellings("MessageFilter");
        let mut dropped = Vec::new();
        if self.listeners().iter().any(|listener| method(listener, names).is_some()) {
            for message in driver.look(|client| client.unfiltered()) {
                let object = self.message(&message, Origin::Filter, Links::default());
                let unwanted = |listener: &JsValue| {
                    let question = method(listener, names);
                    question.is_some_and(|ask| {
                        call(&ask, listener, from_ref(&object)) == JsValue::FALSE
                    })
                };
                if self.listeners().iter().any(unwanted) {
                    dropped.push(message.key);
                }
            }
        }
        driver.call(|client, _| client.pass(&dropped));
    }

    fn on_connection(&self, status: ConnectionStatus, reason: &str) {
        use ConnectionStatus::{AuthFail, SignOut, Suspend};
        if matches!(status, AuthFail | SignOut | Suspend) {
            warn(reason);
        }
        let arguments = [JsValue::from(status as u32 as f64), JsValue::from(0)];
        self.tell_all("ConnectionStatus", &arguments);
    }

    /// Messages are gone: out of all arrays.
    /// Out of all arrays first; then each is told of once, as deleted.
    fn on_removed(&self, removal: &Removal) {
        let gone: Box<dyn Fn(&JsValue) -> bool> = match removal {
            Removal::Messages(keys) => {
                let objects = keys.iter().filter_map(|key| self.identity.message(key));
                let objects: Vec<_> = objects.collect();
                Box::new(move |entry| objects.contains(entry))
            }
            Removal::Before { conversation, before, keep: _ } => Box::new(move |entry| {
                let of = records::conversation_of(entry);
                number(&property(entry, "ts")) < before.0 as f64
                    && (conversation.is_none() || of == *conversation)
            }),
        };
        let mut sessions: Vec<_> = self.sessions.borrow().values().cloned().collect();
        let mut removed = Vec::new();
        sessions.retain(|session| {
            let objects = session.remove(&gone);
            let had_some = !objects.is_empty();
            removed.extend(objects);
            had_some
        });
        for object in removed {
            // Another session had it, too.
            if number(&property(&object, "status")) != f64::from(status::DELETED) {
                set(&object, "status", &status::DELETED.into());
                self.tell_message("MessageUpdate", &sessions, &[object]);
            }
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

    fn on_session_read(
        &self,
        session: &Rc<Session>,
        messages: &[Message],
        origin: Origin,
        end: bool,
    ) {
        let count = messages.len();
        let mut objects = Vec::with_capacity(count);
        for message in messages {
            let object = self.message(message, origin, Links::default());
            set(&object, "rsid", &session.id().into());
            session.add_read(&object, origin);
            objects.push(object);
        }
        if let Some(listener) = session.listening() {
            let names = spellings("Message");
            for (index, (message, object)) in messages.iter().zip(&objects).enumerate() {
                if index + 1 == count {
                    let links = Links { last: true, ..Links::default() };
                    self.message(message, origin, links);
                }
                tell(&listener, names, &[object.clone(), payload(object)]);
            }
            if end {
                tell(&listener, names, &[JsValue::NULL]);
            }
        }
        session.done_reading(count as u32);
    }

    fn on_presence(
        &self,
        from: &str,
        group: Option<GroupId>,
        presence: u32,
        value: u32,
        interval: u32,
    ) {
        let engine = self.instance.borrow().clone();
        let gid = group.map_or(0, |gid| gid.0);
        let object = records::presence(&engine, (from, gid), presence, value, interval);
        if presence == presence_code::REQUEST {
            return self.tell_all("PresenceRequest", &[object]);
        }
        for listener in self.listeners() {
            if tell(&listener, spellings("Presence"), from_ref(&object)) {
                continue;
            }
            // The first generation hears of presence as a message without data; the newer spelling
            // is of pages that expect messages there.
            if method(&listener, spellings("Presence")).is_none() {
                let arguments = [object.clone(), JsValue::UNDEFINED];
                tell(&listener, first_spellings("Message"), &arguments);
                tell(&listener, spellings("Activity"), &[object.clone(), presence.into()]);
            }
        }
    }

    fn tell_profile(&self, of: &Conversation) {
        let profile = self.profile(of);
        // Asked once for each profile; its name and picture again.
        let keep = |question: &str| question == "CustomizeProfile";
        self.answers.borrow_mut().retain(|(question, whose), _| whose != of || keep(question));
        let driver = self.driver;
        self.profile_updated.set(driver.look_now(|client, now| client.server_time(now).0 as f64));
        for listener in MesiboProfile::listeners_of(&profile) {
            tell(&listener, profile_spellings("Update"), from_ref(&profile));
        }
        self.tell_all("ProfileUpdated", from_ref(&profile));
    }

    fn members(&self, members: &[Member]) -> JsValue {
        let members = members.iter().map(|member| {
            let profile = self.profile(&Conversation::User(member.address.clone()));
            let object = JsValue::from(MesiboGroupMember::new(member.clone(), profile.clone()));
            set(&object, "member", &profile);
            set(&object, "profile", &profile);
            set(&object, "address", &member.address.as_str().into());
            object
        });
        members.collect::<Array>().into()
    }

    /// Settings of a group and the own permissions in it, as plain objects.
    fn settings(&self, gid: GroupId) -> (JsValue, JsValue) {
        let (settings, permissions) = (js_sys::Object::new(), js_sys::Object::new());
        self.driver.look_now(|client, now| {
            let profile = client.profile(&Conversation::Group(gid));
            let Some((profile, info)) =
                profile.and_then(|found| Some((found, found.group.as_ref()?)))
            else {
                return;
            };
            let server_time = client.server_time(now).0;
            let rest = |end: u64| (end.saturating_sub(server_time) / 1000) as f64;
            set(&settings, "name", &profile.name.as_str().into());
            set(&settings, "flags", &f64::from(info.flags).into());
            set(&settings, "callFlags", &f64::from(info.call_flags).into());
            set(&settings, "callDuration", &info.call_duration.into());
            set(&settings, "videoResolution", &info.resolution.into());
            set(&settings, "expiry", &rest(info.expires.0).into());
            let rights = &info.rights;
            let flags = [
                (rights.send, 1),
                (rights.receive, 2),
                (rights.publish, 4),
                (rights.subscribe, 8),
                (rights.list, 16),
            ];
            let flags: u32 = flags.iter().map(|(given, bit)| if *given { *bit } else { 0 }).sum();
            set(&permissions, "flags", &flags.into());
            set(&permissions, "adminFlags", &rights.admin_flags.into());
            set(&permissions, "callFlags", &f64::from(rights.call_flags).into());
            set(&permissions, "callDuration", &rights.call_duration.into());
            set(&permissions, "videoResolution", &rights.resolution.into());
            set(&permissions, "expiry", &rest(rights.expires).into());
        });
        (settings.into(), permissions.into())
    }
}

/// Why a message failed, for who builds the page; that somebody is offline is no fault.
fn refusal(status: u32) -> Option<&'static str> {
    Some(match status {
        status::FAIL => "the server takes no such message",
        status::INBOX_FULL => "too much waits for its receiver",
        status::INVALID_DESTINATION => "there is no such user or group",
        status::EXPIRED => "its time was over before it could leave",
        status::BLOCKED => "its receiver blocks, or nobody has the right to send there",
        status::GROUP_PAUSED => "the group is paused",
        status::NOT_MEMBER => "only members who may send write to this group",
        _ => return None,
    })
}
