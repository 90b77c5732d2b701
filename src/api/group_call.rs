//! `MesiboGroupCall`: a room, its participants, and how its events are told in the callbacks of
//! all generations.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use client::event::{RoomEvent, StreamRef};
use client::message::Conversation;
use client::port::peer::Kind;
use client::sorted::Map;
use js_sys::Array;
use wasm_bindgen::prelude::*;
use wire::id::{GroupId, StreamId};
use wire::proto::RoomControl;
use wire::proto::room_control::Verb;

use super::arguments::{number, property, text, u32 as to_u32};
use super::listener::{admin_spellings, call, call_spellings, method, spellings, tell, warn};
use super::participant::Participant;
use super::records::{self, set};
use crate::browser::media;
use crate::driver::Engine;

/// Call statuses of the first generation, `MESIBO_CALLSTATUS_*`.
pub const STATUS_MUTE: u32 = 9;
const STATUS_UNMUTE: u32 = 0x0A;
const STATUS_CHANNEL_UP: u32 = 0x30;
const STATUS_RECONNECTING: u32 = 0x32;
const STATUS_COMPLETE: u32 = 0x40;
const STATUS_CANCEL: u32 = 0x41;

const HANGUP_USER: u32 = 1;
const HANGUP_REMOTE: u32 = 2;

/// A room as the page holds it.
pub struct Room {
    pub driver: Engine,
    pub gid: Cell<GroupId>,
    /// The page's `MesiboGroupCall`.
    pub object: RefCell<JsValue>,
    /// Of `groupCall` or `join`; `null` = the global ones.
    listener: RefCell<JsValue>,
    /// Of `join`: hears of what admins ask for.
    admin_listener: RefCell<JsValue>,
    /// The device sound comes from, empty = the browser's choice.
    pub sink: RefCell<String>,
    participants: RefCell<Map<StreamRef, Rc<Participant>>>,
    joined: Cell<bool>,
}

impl Room {
    pub fn make(driver: Engine, gid: GroupId, listener: JsValue) -> Rc<Room> {
        let room = Rc::new(Room {
            driver,
            gid: Cell::new(gid),
            object: RefCell::default(),
            listener: RefCell::new(listener),
            admin_listener: RefCell::default(),
            sink: RefCell::default(),
            participants: RefCell::default(),
            joined: Cell::new(false),
        });
        *room.object.borrow_mut() = JsValue::from(MesiboGroupCall { room: room.clone() });
        room
    }

    /// The object of a stream, made when there is none.
    pub fn participant(self: &Rc<Room>, stream: StreamRef) -> Rc<Participant> {
        if let Some(known) = self.participants.borrow().get(&stream) {
            return known.clone();
        }
        let made = Participant::make(self, stream);
        self.participants.borrow_mut().insert(stream, made.clone());
        made
    }

    pub fn enter(&self) {
        if self.gid.get().0 != 0 && !self.joined.replace(true) {
            let gid = self.gid.get();
            self.driver.call(|client, _| client.enter_room(gid));
        }
    }

    /// Tells this listener from now on, if it is one.
    fn listen(&self, listener: JsValue) {
        if listener.is_object() {
            *self.listener.borrow_mut() = listener;
        }
    }

    /// What the room's own callbacks go to: its listener, else the global ones.
    fn listeners(&self) -> Vec<JsValue> {
        let own = self.listener.borrow().clone();
        if own.is_object() { vec![own] } else { self.driver.page.listeners() }
    }

    fn tell_room(&self, name: &str, arguments: &[JsValue]) {
        let names = call_spellings(name);
        for listener in self.listeners() {
            tell(&listener, names, arguments);
        }
    }

    /// A callback about a running call: to the call's listener, else the room's.
    fn tell_call(&self, participant: &Participant, name: &str, arguments: &[JsValue]) {
        let names = call_spellings(name);
        let own = participant.listener.borrow().clone();
        let listeners = if own.is_object() { vec![own] } else { self.listeners() };
        for listener in listeners {
            tell(&listener, names, arguments);
        }
    }

    /// All publishers that are there, as the first generation is told of them.
    fn everybody(&self) -> Array {
        let participants = self.participants.borrow();
        let remote =
            participants.iter().filter(|(stream, _)| matches!(stream, StreamRef::Remote(_)));
        remote.map(|(_, participant)| participant.object()).collect()
    }

    /// The first generation's callbacks are global.
    fn tell_all(&self, names: &[&str], arguments: &[JsValue]) {
        for listener in self.driver.page.listeners() {
            for name in names {
                tell(&listener, spellings(name), arguments);
            }
        }
    }

    /// Asks the page whether it does what an admin wants. Without a listener it is muted, stopped
    /// and sent away; a camera is never started, nor anything shown, unasked.
    fn on_control(self: &Rc<Room>, control: &RoomControl) {
        let of = Conversation::User(control.by.clone());
        let mut arguments = vec![self.driver.page.profile(&of), true.into()];
        let (audio, video) = (control.audio, control.video);
        let own = self.participant(StreamRef::Own(control.sid));
        let about = StreamId(control.about);
        let name = match control.verb() {
            Verb::Mute => {
                let enable = control.enable.into();
                arguments.extend([own.object(), audio.into(), video.into(), enable]);
                "Mute"
            }
            Verb::Stop => {
                arguments.push(own.object());
                "StopPublishing"
            }
            Verb::Publish => {
                let (sid, source, index) = (control.sid, control.source, control.index);
                arguments.extend([sid.into(), audio.into(), video.into()]);
                arguments.extend([source.into(), index.into()]);
                "StartPublishing"
            }
            Verb::Subscribe => {
                let shown = self.participant(self.stream_of(about)).object();
                arguments.extend([shown, audio.into(), video.into()]);
                "Subscribe"
            }
            Verb::FullScreen => {
                arguments.push(self.participant(self.stream_of(about)).object());
                "MakeFullScreen"
            }
            Verb::Leave => "Leave",
            Verb::Record | Verb::Unknown => return,
        };
        let names = admin_spellings(name);
        let listener = self.admin_listener.borrow().clone();
        let listeners = if listener.is_object() { vec![listener] } else { self.listeners() };
        let asked = listeners
            .iter()
            .filter_map(|listener| Some(call(&method(listener, names)?, listener, &arguments)));
        let answers: Vec<_> = asked.collect();
        if answers.contains(&JsValue::FALSE) {
            return;
        }
        match control.verb() {
            Verb::Mute => {
                for (wanted, kind) in [(audio, Kind::Audio), (video, Kind::Video)] {
                    if wanted {
                        own.mute(kind, control.enable);
                    }
                }
            }
            Verb::Stop => {
                let (gid, sid) = (self.gid.get(), control.sid);
                if self.driver.call(|client, _| client.unpublish(gid, sid)) {
                    let stream = StreamRef::Own(sid);
                    self.on_event(RoomEvent::HungUp { stream, reason: HANGUP_REMOTE });
                }
            }
            Verb::Leave => self.leave(),
            Verb::Publish if !answers.is_empty() => {
                own.start_with((control.source, control.index), audio, video);
            }
            Verb::Subscribe if !answers.is_empty() => {
                if let remote @ StreamRef::Remote(_) = self.stream_of(about) {
                    self.participant(remote).start(audio, video);
                }
            }
            _ => {}
        }
    }

    /// Who has the word, then who has spoken last, as far as they are there.
    fn speakers(self: &Rc<Room>) -> Array {
        let gid = self.gid.get();
        let speakers = self.driver.look(|client| {
            let room = client.room(gid);
            let there = |room: &client::Room| {
                let all = room.speakers.iter().map(|id| match room.own_of(*id) {
                    Some(sid) => StreamRef::Own(sid),
                    None => StreamRef::Remote(*id),
                });
                let known = |stream: &StreamRef| match stream {
                    StreamRef::Own(_) => true,
                    StreamRef::Remote(id) => room.streams.contains_key(id),
                };
                all.filter(known).collect::<Vec<_>>()
            };
            room.map(there).unwrap_or_default()
        });
        speakers.into_iter().map(|stream| self.participant(stream).object()).collect()
    }

    /// Whose stream this is: somebody's, or an own one.
    fn stream_of(&self, id: StreamId) -> StreamRef {
        let gid = self.gid.get();
        let own = self.driver.look(|client| client.room(gid).and_then(|room| room.own_of(id)));
        own.map_or(StreamRef::Remote(id), StreamRef::Own)
    }

    fn leave(&self) {
        let gid = self.gid.get();
        self.joined.set(false);
        for participant in self.participants.borrow().values() {
            participant.release();
        }
        self.participants.borrow_mut().retain(|stream, _| matches!(stream, StreamRef::Own(_)));
        self.driver.call(|client, _| client.leave_room(gid));
    }

    pub fn on_event(self: &Rc<Room>, event: RoomEvent) {
        match event {
            RoomEvent::Entered => {}
            RoomEvent::PublisherJoined(id) => {
                let participant = self.participant(StreamRef::Remote(id));
                participant.remember();
                let object = participant.object();
                self.tell_room("Publisher", &[object.clone(), true.into()]);
                let latest = Array::of1(&object);
                self.tell_all(&["Participants"], &[self.everybody().into(), latest.into()]);
                self.tell_all(&["Participant"], &[object]);
            }
            RoomEvent::PublisherLeft(id) => {
                let participant = self.participant(StreamRef::Remote(id));
                self.participants.borrow_mut().remove(&StreamRef::Remote(id));
                self.tell_room("Publisher", &[participant.object(), false.into()]);
                participant.release();
            }
            RoomEvent::ParticipantChanged(stream) => {
                self.participant(stream).remember();
                let arguments = [self.everybody().into(), self.participant(stream).object()];
                let names = ["ParticipantUpdated", "ParticipantsUpdated"];
                self.tell_all(&names, &arguments);
            }
            RoomEvent::Subscriber { sid: _, address, uid, name, joined } => {
                let of = Conversation::User(address.clone());
                let profile = self.driver.page.profile(&of);
                let fields = js_sys::Object::new();
                set(&fields, "name", &name.into());
                set(&fields, "address", &address.into());
                set(&fields, "uid", &uid.into());
                set(&fields, "profile", &profile);
                let room = self.object.borrow().clone();
                let subscriber = records::joined().subscriber(&room, &fields, joined);
                self.tell_room("Subscriber", &[subscriber.clone(), joined.into()]);
                self.tell_all(&["Subscriber"], &[subscriber]);
            }
            RoomEvent::Connected { stream, connected } => {
                let participant = self.participant(stream);
                let arguments = [participant.object(), connected.into()];
                self.tell_call(&participant, "Connected", &arguments);
                let status = if connected { STATUS_CHANNEL_UP } else { STATUS_RECONNECTING };
                participant.tell_status(status, false);
                if connected && participant.has_shape() {
                    participant.tell_stream();
                }
            }
            RoomEvent::Video { stream, width, height } => {
                let participant = self.participant(stream);
                participant.set_shape(width, height);
                participant.show();
                let ratio = participant.aspect_ratio();
                let arguments = [participant.object(), ratio.into(), (ratio >= 1.0).into()];
                self.tell_call(&participant, "Video", &arguments);
                participant.tell_stream();
            }
            RoomEvent::Audio(stream) => {
                let participant = self.participant(stream);
                participant.show();
                self.tell_call(&participant, "Audio", &[participant.object()]);
                if participant.is_sound_only() {
                    participant.tell_stream();
                }
            }
            RoomEvent::Mute { stream, audio, video, remote } => {
                let participant = self.participant(stream);
                let arguments = [participant.object(), audio.into(), video.into(), remote.into()];
                self.tell_call(&participant, "Mute", &arguments);
                participant.tell_mute(audio, video, (STATUS_MUTE, STATUS_UNMUTE));
            }
            RoomEvent::Talking { stream, talking } => {
                let participant = self.participant(stream);
                let now = self.driver.look_now(|client, now| client.server_time(now).0 as f64);
                participant.talked.set(now);
                self.tell_call(&participant, "Talking", &[participant.object(), talking.into()]);
            }
            RoomEvent::SourceChanged(stream) => {
                let participant = self.participant(stream);
                let (source, index) = participant.source();
                let arguments = [participant.object(), source.into(), index.into()];
                self.tell_call(&participant, "VideoSourceChanged", &arguments);
            }
            RoomEvent::Display(id) => {
                let participant = self.participant(StreamRef::Remote(id));
                let display = participant.display();
                let (visible, full) = (display & 2 != 0, display & 4 != 0);
                let arguments =
                    [participant.object(), visible.into(), full.into(), (display >> 8).into()];
                self.tell_call(&participant, "VisibilityPreference", &arguments);
            }
            RoomEvent::Quality { stream, quality } => {
                let participant = self.participant(stream);
                self.tell_call(&participant, "Quality", &[participant.object(), quality.into()]);
                participant.tell_quality(quality);
            }
            RoomEvent::Control(control) => self.on_control(&control),
            RoomEvent::Speakers => self.tell_room("Speakers", &[self.speakers().into()]),
            RoomEvent::Recording(on) => self.tell_room("Recording", &[on.into()]),
            RoomEvent::HungUp { stream, reason } => {
                let participant = self.participant(stream);
                participant.release();
                self.tell_call(&participant, "Hangup", &[participant.object(), reason.into()]);
                let by_user = reason == HANGUP_USER;
                participant
                    .tell_status(if by_user { STATUS_CANCEL } else { STATUS_COMPLETE }, false);
            }
            RoomEvent::Refused { sid, error, reason, waiting } => {
                warn(&format!("group call: {reason}"));
                if sid.is_none() {
                    self.joined.set(false);
                }
                let profile = self.driver.page.group(self.gid.get());
                let arguments = [profile, error.into(), waiting.into()];
                self.driver.page.tell_all("GroupError", &arguments);
            }
            RoomEvent::CaptureFailed { sid, reason } => {
                self.participant(StreamRef::Own(sid)).take_back_source();
                warn(&format!("camera or microphone: {reason}"));
                let text = format!("camera or microphone cannot be used: {reason}");
                self.driver.page.tell_all("Error", &[text.into()]);
            }
        }
    }
}

/// `MesiboGroupCall`
#[wasm_bindgen]
pub struct MesiboGroupCall {
    room: Rc<Room>,
}

impl MesiboGroupCall {
    /// `null` where the user may not publish, as far as that is known by now.
    fn publisher(&self, sid: u32, name: Option<String>) -> JsValue {
        let gid = self.room.gid.get();
        let may_not = |room: &client::Room| room.entered && !room.rights.publish;
        let refused = self.room.driver.look(|client| client.room(gid).is_some_and(may_not));
        if refused && !self.room.participants.borrow().contains_key(&StreamRef::Own(sid)) {
            warn("the rights in this group do not allow to publish");
            return JsValue::NULL;
        }
        let participant = self.room.participant(StreamRef::Own(sid));
        if let Some(name) = name {
            participant.set_name(name);
        }
        participant.object()
    }
}

#[wasm_bindgen]
impl MesiboGroupCall {
    #[wasm_bindgen(js_name = setRoom)]
    pub fn set_room(&self, gid: JsValue) -> bool {
        let gid = super::arguments::gid(&gid);
        if gid.0 == 0 {
            return false;
        }
        // Another room: what is in the former one ends.
        if self.room.gid.get() != gid && self.room.joined.get() {
            self.room.leave();
        }
        self.room.gid.set(gid);
        self.room.driver.page.put_room(&self.room);
        self.room.enter();
        true
    }

    pub fn join(&self, listener: JsValue, admin: JsValue) {
        self.room.listen(listener);
        *self.room.admin_listener.borrow_mut() = admin;
        self.room.driver.page.put_room(&self.room);
        self.room.enter();
    }

    pub fn leave(&self) {
        self.room.leave();
    }

    /// An admin asks something of the publisher of a stream, 0 = of everybody else. `wanted` has the
    /// fields of `RoomControl`; those that are missing are 0.
    #[wasm_bindgen(js_name = _control)]
    pub fn control(&self, verb: i32, wanted: JsValue) {
        let field = |name| property(&wanted, name);
        let control = RoomControl {
            gid: self.room.gid.get().0,
            verb,
            stream: number(&field("stream")) as u64,
            about: number(&field("about")) as u64,
            sid: to_u32(&field("sid")),
            source: to_u32(&field("source")),
            index: to_u32(&field("index")),
            audio: field("audio").is_truthy(),
            video: field("video").is_truthy(),
            enable: field("enable").is_truthy(),
            by: String::new(),
        };
        self.room.driver.call(|client, _| client.control(control));
    }

    #[wasm_bindgen(js_name = getSpeakers)]
    pub fn get_speakers(&self) -> Array {
        self.room.speakers()
    }

    /// The browser's own connection, for its statistics; undefined while there is none.
    #[wasm_bindgen(js_name = _peer)]
    pub fn peer(&self) -> JsValue {
        self.room.driver.peers.connection_of(self.room.gid.get())
    }

    /// Bit 0: it is being recorded; bit 1: the user may begin and end that.
    #[wasm_bindgen(js_name = _recording)]
    pub fn recording(&self) -> u32 {
        let gid = self.room.gid.get();
        self.room.driver.look(|client| {
            let bits = |room: &client::Room| {
                u32::from(room.recording) | u32::from(room.rights.record) << 1
            };
            client.room(gid).map_or(0, bits)
        })
    }

    /// The room's callbacks go to these.
    #[wasm_bindgen(js_name = _listeners)]
    pub fn room_listeners(&self) -> Array {
        self.room.listeners().into_iter().collect()
    }

    #[wasm_bindgen(js_name = _setSink)]
    pub fn set_sink(&self, device: String) {
        for participant in self.room.participants.borrow().values() {
            participant.elements().iter().for_each(|view| media::play_through(view, &device));
        }
        *self.room.sink.borrow_mut() = device;
    }

    #[wasm_bindgen(js_name = createPublisher)]
    pub fn create_publisher(&self, sid: JsValue) -> JsValue {
        self.publisher(to_u32(&sid), None)
    }

    /// `(name, address)`, or `(sid, name, address)`.
    #[wasm_bindgen(js_name = getLocalParticipant)]
    pub fn get_local_participant(
        &self,
        first: JsValue,
        second: JsValue,
        third: JsValue,
    ) -> JsValue {
        let numbered = !third.is_undefined() && (first.as_f64().is_some() || number(&first) > 0.0);
        match numbered {
            true => self.publisher(to_u32(&first), Some(text(&second))),
            false => self.publisher(0, Some(text(&first))),
        }
    }

    #[wasm_bindgen(js_name = getParticipants)]
    pub fn get_participants(&self) -> Array {
        self.room.everybody()
    }

    /// Whether the own admin flags allow to control others' calls.
    #[wasm_bindgen(js_name = hasAdminPermissions)]
    pub fn has_admin_permissions(&self, hangup: JsValue) -> bool {
        use wire::mask::admin::{CALL_CONTROL, HANGUP};
        let wanted = CALL_CONTROL | if hangup.is_truthy() { HANGUP } else { 0 };
        let gid = self.room.gid.get();
        let flags = self
            .room
            .driver
            .look(|client| client.room(gid).map_or(0, |room| room.rights.admin_flags));
        flags & wanted == wanted
    }
}

impl super::page::Page {
    /// The group call of this room; the same object for the same room, and who asks last listens.
    pub fn group_call(&self, gid: GroupId, listener: JsValue) -> JsValue {
        if let Some(room) = self.rooms.borrow().get(&gid) {
            room.listen(listener);
            return room.object.borrow().clone();
        }
        let driver = self.driver;
        let room = Room::make(driver, gid, listener);
        self.put_room(&room);
        room.object.borrow().clone()
    }

    pub fn put_room(&self, room: &Rc<Room>) {
        self.rooms.borrow_mut().insert(room.gid.get(), room.clone());
    }

    /// A callback function of a participant call of the first generation.
    pub fn call_back(function: &JsValue, arguments: &[JsValue]) {
        if let Some(function) = function.dyn_ref::<js_sys::Function>() {
            call(function, &JsValue::UNDEFINED, arguments);
        }
    }
}
