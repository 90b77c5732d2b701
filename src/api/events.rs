//! How each event of the client is told the page.

use std::rc::Rc;
use std::slice::from_ref;

use client::Removal;
use client::event::{ConnectionStatus, Event, Member, Origin};
use client::message::{Conversation, Message};
use client::own_place;
use js_sys::Array;
use wasm_bindgen::JsValue;
use wire::id::GroupId;
use wire::mask::presence as presence_code;
use wire::status;

use super::arguments::{number, property};
use super::group_change;
use super::group_member::MesiboGroupMember;
use super::listener::{call, first_spellings, method, profile_spellings, spellings, tell, warn};
use super::page::Page;
use super::profile::MesiboProfile;
use super::read_session::Session;
use super::records::{self, Links, payload, set};

impl Page {
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

    /// Messages are gone: out of all arrays first; then each is told of once, as deleted.
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
