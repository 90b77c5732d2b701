//! `MesiboGroupCall`: a room, its participants, and how its events are told in the callbacks of
//! all generations.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use client::event::{RoomEvent, StreamRef};
use client::sorted::Map;
use js_sys::Array;
use wasm_bindgen::prelude::*;
use wire::id::GroupId;

use super::arguments::{number, text, u32 as to_u32};
use super::listener::{call, call_spellings, spellings, tell, warn};
use super::participant::Participant;
use super::records::set;
use crate::driver::Engine;

/// Call statuses of the first generation, `MESIBO_CALLSTATUS_*`.
pub const STATUS_MUTE: u32 = 9;
const STATUS_UNMUTE: u32 = 0x0A;
const STATUS_CHANNEL_UP: u32 = 0x30;
const STATUS_RECONNECTING: u32 = 0x32;
const STATUS_COMPLETE: u32 = 0x40;
const STATUS_CANCEL: u32 = 0x41;

const HANGUP_USER: u32 = 1;

/// A room as the page holds it.
pub struct Room {
    pub driver: Engine,
    pub gid: Cell<GroupId>,
    /// The page's `MesiboGroupCall`.
    pub object: RefCell<JsValue>,
    /// Of `groupCall` or `join`; `null` = the global ones.
    listener: RefCell<JsValue>,
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

    /// What the room's own callbacks go to: its listener, else the global ones.
    fn listeners(&self) -> Vec<JsValue> {
        let own = self.listener.borrow().clone();
        if own.is_object() { vec![own] } else { self.driver.page.all_listeners() }
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
        for listener in self.driver.page.all_listeners() {
            for name in names {
                tell(&listener, spellings(name), arguments);
            }
        }
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
                let of = client::message::Conversation::User(address.clone());
                let profile = self.driver.page.profile(&of);
                let subscriber = js_sys::Object::new();
                set(&subscriber, "name", &name.into());
                set(&subscriber, "address", &address.into());
                set(&subscriber, "uid", &uid.into());
                set(&subscriber, "profile", &profile);
                self.tell_room("Subscriber", &[subscriber.clone().into(), joined.into()]);
                self.tell_all(&["Subscriber"], &[subscriber.into()]);
            }
            RoomEvent::Connected { stream, connected } => {
                let participant = self.participant(stream);
                let arguments = [participant.object(), connected.into()];
                self.tell_call(&participant, "Connected", &arguments);
                let status = if connected { STATUS_CHANNEL_UP } else { STATUS_RECONNECTING };
                participant.tell_status(status, false);
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
            }
            RoomEvent::Mute { stream, audio, video, remote } => {
                let participant = self.participant(stream);
                let arguments = [participant.object(), audio.into(), video.into(), remote.into()];
                self.tell_call(&participant, "Mute", &arguments);
                participant.tell_mute(audio, video, (STATUS_MUTE, STATUS_UNMUTE));
            }
            RoomEvent::Talking { stream, talking } => {
                let participant = self.participant(stream);
                self.tell_call(&participant, "Talking", &[participant.object(), talking.into()]);
            }
            RoomEvent::HungUp { stream, reason } => {
                let participant = self.participant(stream);
                participant.release();
                self.tell_call(&participant, "Hangup", &[participant.object(), reason.into()]);
                let by_user = reason == HANGUP_USER;
                participant
                    .tell_status(if by_user { STATUS_CANCEL } else { STATUS_COMPLETE }, false);
            }
            RoomEvent::Refused { sid, error, reason } => {
                warn(&format!("group call: {reason}"));
                if sid.is_none() {
                    self.joined.set(false);
                }
                let profile = self.driver.page.group(self.gid.get());
                self.driver.page.tell_all("GroupError", &[profile, error.into()]);
            }
            RoomEvent::CaptureFailed { sid: _, reason } => {
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
    fn publisher(&self, sid: u32, name: Option<String>) -> JsValue {
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
        self.room.gid.set(gid);
        self.room.driver.page.put_room(&self.room);
        self.room.enter();
        true
    }

    pub fn join(&self, listener: JsValue, _admin: JsValue) {
        if listener.is_object() {
            *self.room.listener.borrow_mut() = listener;
        }
        self.room.driver.page.put_room(&self.room);
        self.room.enter();
    }

    pub fn leave(&self) {
        let gid = self.room.gid.get();
        self.room.joined.set(false);
        for participant in self.room.participants.borrow().values() {
            participant.release();
        }
        self.room.participants.borrow_mut().retain(|stream, _| matches!(stream, StreamRef::Own(_)));
        self.room.driver.call(|client, _| client.leave_room(gid));
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
    /// The group call of this room; the same object for the same room.
    pub fn group_call(&self, gid: GroupId, listener: JsValue) -> JsValue {
        if let Some(room) = self.rooms.borrow().get(&gid) {
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
