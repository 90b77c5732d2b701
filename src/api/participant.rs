//! `MesiboParticipant`: an own stream, or somebody's.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use client::Publishing;
use client::event::StreamRef;
use client::message::Conversation;
use client::port::peer::Kind;
use wasm_bindgen::prelude::*;
use web_sys::{HtmlMediaElement, HtmlVideoElement, MediaStream};

use super::arguments::{number, optional_text, property, text, u32 as to_u32};
use super::group_call::Room;
use super::page::Page;
use crate::browser::media;

/// `MESIBOCALL_VIDEOSOURCE_*`
const SOURCE_SCREEN: u32 = 4;
/// `MESIBO_CALLSTATUS_RECONNECTING`
const STATUS_RECONNECTING: u32 = 0x32;
/// How often an element that is not there yet is looked for (`client-api.md` 3.15.2).
const VIEW_RETRY_MS: u32 = 100;
const VIEW_TRIES: u32 = 20;

/// A participant as the engine holds it.
pub struct Participant {
    room: Weak<Room>,
    stream: StreamRef,
    object: RefCell<JsValue>,
    /// Of the running call.
    pub listener: RefCell<JsValue>,
    on_stream: RefCell<JsValue>,
    on_status: RefCell<JsValue>,
    /// What an own stream publishes, or will.
    publishing: RefCell<Publishing>,
    publishing_now: Cell<bool>,
    view: RefCell<Option<HtmlMediaElement>>,
    /// Counts `setVideoView` calls: an older one gives up its retries.
    views: Cell<u32>,
    /// The callback of the one that still looks for its element.
    looking: RefCell<JsValue>,
    speaker: RefCell<Option<HtmlMediaElement>>,
    shape: Cell<(u32, u32)>,
    /// The source that `on_stream` was told of, since the call or its connection began.
    streamed: Cell<Option<(u32, u32)>>,
    /// Sound and picture as `on_status` was told last, since the call began.
    muted: Cell<(bool, bool)>,
    /// When it spoke last, server's time, ms.
    pub talked: Cell<f64>,
    /// Somebody's stream as it was last known: who has left is still who it was.
    known: RefCell<client::Stream>,
}

impl Participant {
    pub fn make(room: &Rc<Room>, stream: StreamRef) -> Rc<Participant> {
        let participant = Rc::new(Participant {
            room: Rc::downgrade(room),
            stream,
            object: RefCell::default(),
            listener: RefCell::default(),
            on_stream: RefCell::default(),
            on_status: RefCell::default(),
            publishing: RefCell::default(),
            publishing_now: Cell::new(false),
            view: RefCell::default(),
            views: Cell::new(0),
            looking: RefCell::default(),
            speaker: RefCell::default(),
            shape: Cell::default(),
            streamed: Cell::default(),
            muted: Cell::default(),
            talked: Cell::default(),
            known: RefCell::default(),
        });
        let object = JsValue::from(MesiboParticipant { participant: participant.clone() });
        *participant.object.borrow_mut() = object;
        participant
    }

    pub fn object(&self) -> JsValue {
        self.object.borrow().clone()
    }

    pub fn set_name(&self, name: String) {
        self.publishing.borrow_mut().name = name;
        if self.publishing_now.get() {
            self.publish();
        }
    }

    fn publish(&self) {
        let (Some(room), StreamRef::Own(sid)) = (self.room.upgrade(), self.stream) else { return };
        self.publishing_now.set(true);
        let (gid, publishing) = (room.gid.get(), self.publishing.borrow().clone());
        room.driver.call(|client, _| client.publish(gid, sid, publishing));
    }

    fn media(&self) -> Option<MediaStream> {
        let room = self.room.upgrade()?;
        match self.stream {
            StreamRef::Own(sid) => room.driver.peers.own_stream(room.gid.get(), sid),
            StreamRef::Remote(id) => room.driver.peers.remote_stream(room.gid.get(), id),
        }
    }

    /// Shows what there is where it belongs; sound without a view is played all the same.
    pub fn show(&self) {
        let (Some(stream), Some(room)) = (self.media(), self.room.upgrade()) else { return };
        let playback = &room.driver.playback;
        if let Some(view) = &*self.view.borrow() {
            playback.show(view, &stream);
            if let Some(speaker) = self.speaker.take() {
                media::put(&speaker, None);
            }
        } else if matches!(self.stream, StreamRef::Remote(_)) && self.speaker.borrow().is_none() {
            *self.speaker.borrow_mut() = playback.speaker(&stream);
        }
        let device = room.sink.borrow();
        self.elements().iter().for_each(|element| media::play_through(element, &device));
    }

    /// The call has ended: nothing is shown or heard any more.
    pub fn release(&self) {
        self.publishing_now.set(false);
        self.streamed.set(None);
        self.muted.set((false, false));
        for element in self.view.take().into_iter().chain(self.speaker.take()) {
            media::put(&element, None);
        }
        self.give_up_looking();
    }

    /// It publishes what it did before: the page's wish could not be had.
    pub fn take_back_source(&self) {
        if let StreamRef::Own(sid) = self.stream
            && let Some(Some(running)) =
                self.look(|room| room.own.get(&sid).map(|own| own.publishing.clone()))
        {
            *self.publishing.borrow_mut() = running;
        }
    }

    /// The elements it is seen and heard in.
    pub fn elements(&self) -> Vec<HtmlMediaElement> {
        let view = self.view.borrow().clone();
        view.into_iter().chain(self.speaker.borrow().clone()).collect()
    }

    /// What it shows: camera or screen, and which.
    pub fn source(&self) -> (u32, u32) {
        let publishing = self.publishing.borrow();
        match self.stream {
            StreamRef::Own(_) => (publishing.source, publishing.index),
            StreamRef::Remote(_) => (self.remote(|stream| stream.source).unwrap_or(0), 0),
        }
    }

    pub fn start_with(self: &Rc<Self>, source: (u32, u32), audio: bool, video: bool) {
        {
            let mut publishing = self.publishing.borrow_mut();
            (publishing.source, publishing.index) = source;
        }
        self.start(audio, video);
    }

    /// How the publisher wants it to be shown.
    pub fn display(&self) -> u32 {
        self.remote(|stream| stream.display).unwrap_or(0)
    }

    pub fn set_shape(&self, width: u32, height: u32) {
        if width > 0 && height > 0 {
            self.shape.set((width, height));
        } else if let Some(stream) = self.media()
            && let Some(track) = stream.get_video_tracks().iter().next()
            && let Ok(track) = track.dyn_into::<web_sys::MediaStreamTrack>()
        {
            let settings = JsValue::from(track.get_settings());
            let side = |name| to_u32(&property(&settings, name));
            self.shape.set((side("width"), side("height")));
        }
    }

    pub fn aspect_ratio(&self) -> f64 {
        match self.shape.get() {
            (0, _) | (_, 0) => 0.0,
            (width, height) => f64::from(width) / f64::from(height),
        }
    }

    /// Whether there is no picture to wait for: none is sent, or it is muted.
    pub fn is_sound_only(&self) -> bool {
        let is_muted = self.is_muted(Kind::Video);
        let has_picture = match self.stream {
            StreamRef::Own(_) => self.sends().1,
            StreamRef::Remote(id) => self.look(|room| room.receives_picture(id)).unwrap_or(false),
        };
        !has_picture || is_muted.0 || is_muted.1
    }

    /// Whether its media was there before.
    pub fn has_shape(&self) -> bool {
        self.shape.get() != (0, 0)
    }

    /// Media is there: pages of the first generation make an element each time, so not for each shape
    /// that a picture takes.
    pub fn tell_stream(&self) {
        let source = Some(self.source());
        if self.streamed.replace(source) == source {
            return;
        }
        Page::call_back(&self.on_stream.borrow().clone(), &[self.object()]);
    }

    pub fn tell_status(&self, status: u32, video: bool) {
        if status == STATUS_RECONNECTING {
            self.streamed.set(None);
        }
        let arguments = [self.object(), status.into(), video.into(), 0.into()];
        Page::call_back(&self.on_status.borrow().clone(), &arguments);
    }

    pub fn tell_quality(&self, quality: u32) {
        const STATUS_QUALITY: u32 = 0x31;
        let arguments = [self.object(), STATUS_QUALITY.into(), true.into(), quality.into()];
        Page::call_back(&self.on_status.borrow().clone(), &arguments);
    }

    /// Of the kinds of track whose state is another one than before.
    pub fn tell_mute(&self, audio: bool, video: bool, (mute, unmute): (u32, u32)) {
        let before = self.muted.replace((audio, video));
        for (was, is, of_video) in [(before.0, audio, false), (before.1, video, true)] {
            if was != is {
                self.tell_status(if is { mute } else { unmute }, of_video);
            }
        }
    }

    /// Sound and picture of an own stream: what there is, or is wanted as long as nothing is known.
    fn sends(&self) -> (bool, bool) {
        let StreamRef::Own(sid) = self.stream else { return (false, false) };
        let captured = self.look(|room| room.own.get(&sid).and_then(|own| own.captured));
        let publishing = self.publishing.borrow();
        captured.flatten().unwrap_or((publishing.audio, publishing.video))
    }

    /// Asks the client's room about this stream.
    fn look<R>(&self, question: impl FnOnce(&client::Room) -> R) -> Option<R> {
        let room = self.room.upgrade()?;
        let gid = room.gid.get();
        room.driver.look(|client| client.room(gid).map(question))
    }

    fn remote<R>(&self, question: impl FnOnce(&client::Stream) -> R) -> Option<R> {
        matches!(self.stream, StreamRef::Remote(_)).then(|| {
            self.remember();
            question(&self.known.borrow())
        })
    }

    /// Takes note of what is known now.
    pub fn remember(&self) {
        let StreamRef::Remote(id) = self.stream else { return };
        if let Some(Some(stream)) = self.look(|room| room.streams.get(&id).cloned()) {
            *self.known.borrow_mut() = stream;
        }
    }

    pub fn mute(&self, kind: Kind, muted: bool) {
        let Some(room) = self.room.upgrade() else { return };
        if matches!(self.stream, StreamRef::Own(_)) {
            let mut publishing = self.publishing.borrow_mut();
            match kind {
                Kind::Audio => publishing.audio_muted = muted,
                Kind::Video => publishing.video_muted = muted,
            }
        }
        let (gid, stream) = (room.gid.get(), self.stream);
        room.driver.call(|client, _| client.mute(gid, stream, kind, muted));
    }

    fn toggle(&self, kind: Kind) -> bool {
        let muted = !self.is_muted(kind).1;
        self.mute(kind, muted);
        muted
    }

    /// Muted by the publisher, and here.
    fn is_muted(&self, kind: Kind) -> (bool, bool) {
        if let StreamRef::Own(_) = self.stream {
            let publishing = self.publishing.borrow();
            let muted = match kind {
                Kind::Audio => publishing.audio_muted,
                Kind::Video => publishing.video_muted,
            };
            return (muted, muted);
        }
        let ((audio, video), (here_audio, here_video)) =
            self.look(|room| room.muted(self.stream)).unwrap_or_default();
        match kind {
            Kind::Audio => (audio, here_audio),
            Kind::Video => (video, here_video),
        }
    }

    pub fn start(self: &Rc<Self>, audio: bool, video: bool) -> bool {
        let Some(room) = self.room.upgrade() else { return false };
        self.streamed.set(None);
        match self.stream {
            StreamRef::Own(_) => {
                let mut publishing = self.publishing.borrow_mut();
                (publishing.audio, publishing.video) = (audio, video);
                drop(publishing);
                self.publish();
            }
            StreamRef::Remote(id) => {
                let gid = room.gid.get();
                room.driver.call(|client, _| client.subscribe(gid, id, audio, video));
            }
        }
        true
    }

    /// Whoever still looks for an element hears that it is not taken.
    fn give_up_looking(&self) -> u32 {
        tell_later(self.looking.take(), false);
        self.views.set(self.views.get() + 1);
        self.views.get()
    }

    fn attach(self: &Rc<Self>, element: JsValue, callback: JsValue, interval: u32, tries: u32) {
        let mine = self.give_up_looking();
        if element.is_null_or_undefined() {
            if let Some(view) = self.view.take() {
                media::put(&view, None);
            }
            self.show();
            return;
        }
        *self.looking.borrow_mut() = callback;
        let participant = self.clone();
        let attempt = move || {
            if participant.views.get() != mine {
                return true;
            }
            let Some(view) = media::view(&element) else { return false };
            if matches!(participant.stream, StreamRef::Own(_)) {
                view.set_muted(true);
            }
            *participant.view.borrow_mut() = Some(view);
            participant.show();
            tell_later(participant.looking.take(), true);
            true
        };
        let participant = self.clone();
        let failed = move || Page::call_back(&participant.looking.take(), &[false.into()]);
        media::retry(Box::new(attempt), interval, tries, Box::new(failed));
    }
}

/// A kind of track is wanted unless the page says that it is not.
fn wanted(value: &JsValue) -> bool {
    value.is_null_or_undefined() || value.is_truthy()
}

/// Nothing calls back inside the call that causes it.
fn tell_later(callback: JsValue, attached: bool) {
    if !callback.is_function() {
        return;
    }
    crate::driver::spawn(async move {
        Page::call_back(&callback, &[attached.into()]);
    });
}

/// `MesiboParticipant`
#[wasm_bindgen]
pub struct MesiboParticipant {
    participant: Rc<Participant>,
}

#[wasm_bindgen]
impl MesiboParticipant {
    // ---- identity ----------------------------------------------------------------------------

    #[wasm_bindgen(js_name = getUid)]
    pub fn get_uid(&self) -> u32 {
        match self.participant.stream {
            StreamRef::Own(_) => self
                .participant
                .room
                .upgrade()
                .map_or(0, |room| room.driver.look(|client| client.uid().0)),
            StreamRef::Remote(_) => self.participant.remote(|stream| stream.uid).unwrap_or(0),
        }
    }

    #[wasm_bindgen(js_name = getSid)]
    pub fn get_sid(&self) -> u32 {
        match self.participant.stream {
            StreamRef::Own(sid) => sid,
            StreamRef::Remote(_) => self.participant.remote(|stream| stream.sid).unwrap_or(0),
        }
    }

    #[wasm_bindgen(js_name = getAddress)]
    pub fn get_address(&self) -> String {
        match self.participant.stream {
            StreamRef::Own(_) => self.participant.room.upgrade().map_or_else(String::new, |room| {
                room.driver.look(|client| client.address().to_owned())
            }),
            StreamRef::Remote(_) => {
                self.participant.remote(|stream| stream.address.clone()).unwrap_or_default()
            }
        }
    }

    #[wasm_bindgen(js_name = getName)]
    pub fn get_name(&self) -> String {
        let given = match self.participant.stream {
            StreamRef::Own(_) => self.participant.publishing.borrow().name.clone(),
            StreamRef::Remote(_) => {
                self.participant.remote(|stream| stream.name.clone()).unwrap_or_default()
            }
        };
        if !given.is_empty() {
            return given;
        }
        let profile = self.get_profile();
        let name = property(&profile, "getNameOrAddress").dyn_into::<js_sys::Function>();
        let name = name.and_then(|name| name.call0(&profile));
        name.map(|name| text(&name)).unwrap_or_else(|_| self.get_address())
    }

    #[wasm_bindgen(js_name = setName)]
    pub fn set_name(&self, name: JsValue) {
        self.participant.set_name(text(&name));
    }

    #[wasm_bindgen(js_name = getProfile)]
    pub fn get_profile(&self) -> JsValue {
        let Some(room) = self.participant.room.upgrade() else { return JsValue::NULL };
        match self.participant.stream {
            StreamRef::Own(_) => super::profile::MesiboProfile::own(room.driver),
            StreamRef::Remote(_) => {
                room.driver.page.profile(&Conversation::User(self.get_address()))
            }
        }
    }

    #[wasm_bindgen(js_name = isLocal)]
    pub fn is_local(&self) -> bool {
        matches!(self.participant.stream, StreamRef::Own(_))
    }

    #[wasm_bindgen(js_name = getGroupCall)]
    pub fn get_group_call(&self) -> JsValue {
        self.participant.room.upgrade().map_or(JsValue::NULL, |room| room.object.borrow().clone())
    }

    // ---- media -------------------------------------------------------------------------------

    /// `(audio, video, listener)`, `(audio, video, audioMute, videoMute, listener)`, or the first
    /// generation's `(o, element, on_stream, on_status)`.
    pub fn call(
        &self,
        first: JsValue,
        second: JsValue,
        third: JsValue,
        fourth: JsValue,
        fifth: JsValue,
    ) -> bool {
        let element = second.is_string() || second.is_object() && !second.is_function();
        let functions = third.is_function() && !element || fourth.is_function();
        if first.is_object() || element || functions {
            return self.call_first_generation(&first, second, third, fourth);
        }
        let participant = &self.participant;
        let (listener, muted) = match fifth.is_object() {
            true => (fifth, (third.is_truthy(), fourth.is_truthy())),
            false => (third, (false, false)),
        };
        if listener.is_object() {
            *participant.listener.borrow_mut() = listener;
        }
        if muted != (false, false) {
            let mut publishing = participant.publishing.borrow_mut();
            (publishing.audio_muted, publishing.video_muted) = muted;
        }
        participant.start(wanted(&first), wanted(&second))
    }

    fn call_first_generation(
        &self,
        options: &JsValue,
        element: JsValue,
        on_stream: JsValue,
        on_status: JsValue,
    ) -> bool {
        let participant = &self.participant;
        // Where a function was expected there may be a listener.
        for listener in [&on_stream, &on_status] {
            if listener.is_object() && !listener.is_function() {
                *participant.listener.borrow_mut() = listener.clone();
            }
        }
        *participant.on_stream.borrow_mut() = on_stream;
        *participant.on_status.borrow_mut() = on_status;
        // 1 is the camera, 2 and 4 the screen; pages also say it in words, or how many lines the
        // camera's picture may have.
        let source = property(options, "source");
        let word = text(&source);
        let lines = word.strip_suffix('p').and_then(|lines| lines.parse().ok());
        if word == "screen" || matches!(to_u32(&source), 2 | 4) {
            participant.publishing.borrow_mut().source = SOURCE_SCREEN;
        } else if to_u32(&source) == 1 || lines.is_some() {
            let mut publishing = participant.publishing.borrow_mut();
            publishing.source = 0;
            publishing.lines = lines.unwrap_or(0);
        }
        // The room's name, for who has none of its own yet.
        let unnamed = participant.publishing.borrow().name.is_empty();
        if let Some(name) = optional_text(&property(options, "name"))
            && unnamed
            && !name.is_empty()
        {
            participant.set_name(name);
        }
        if let Some(room) = participant.room.upgrade()
            && room.gid.get().0 == 0
        {
            room.gid.set(super::arguments::gid(&property(options, "groupid")));
            room.driver.page.put_room(&room);
            room.enter();
        }
        // Both kinds may be said as later generations do.
        let said = (options.as_bool(), element.as_bool());
        if element.is_string() || element.is_object() {
            participant.attach(element, JsValue::UNDEFINED, VIEW_RETRY_MS, VIEW_TRIES);
        }
        let wanted = |said: Option<bool>, name| said.unwrap_or(wanted(&property(options, name)));
        participant.start(wanted(said.0, "audio"), wanted(said.1, "video"))
    }

    #[wasm_bindgen(js_name = setListener)]
    pub fn set_listener(&self, listener: JsValue) {
        *self.participant.listener.borrow_mut() = listener;
    }

    #[wasm_bindgen(js_name = setVideoSource)]
    pub fn set_video_source(&self, source: JsValue, index: JsValue) {
        {
            let mut publishing = self.participant.publishing.borrow_mut();
            publishing.source = to_u32(&source);
            publishing.index = to_u32(&index);
        }
        if self.participant.publishing_now.get() {
            self.participant.publish();
        }
    }

    #[wasm_bindgen(js_name = getVideoSource)]
    pub fn get_video_source(&self) -> u32 {
        self.participant.source().0
    }

    /// How an admin's requests name it: `Stream.id`, 0 of one that is not there.
    #[wasm_bindgen(js_name = _key)]
    pub fn key(&self) -> f64 {
        let stream = self.participant.stream;
        self.participant.look(|room| room.id_of(stream).0 as f64).unwrap_or(0.0)
    }

    #[wasm_bindgen(js_name = _stream)]
    pub fn stream(&self) -> Option<MediaStream> {
        self.participant.media()
    }

    #[wasm_bindgen(js_name = _suggest)]
    pub fn suggest(&self, display: u32) {
        self.participant.publishing.borrow_mut().display = display;
        if self.participant.publishing_now.get() {
            self.participant.publish();
        }
    }

    /// How large it is shown: pixels, 0 when it is not wanted, and how important it is.
    #[wasm_bindgen(js_name = _view)]
    pub fn view(&self, width: u32, height: u32, priority: u32) {
        if let (Some(room), StreamRef::Remote(id)) =
            (self.participant.room.upgrade(), self.participant.stream)
        {
            let gid = room.gid.get();
            room.driver.call(|client, _| client.view(gid, id, (width, height, priority)));
        }
    }

    #[wasm_bindgen(js_name = getTalkTimestamp)]
    pub fn get_talk_timestamp(&self) -> f64 {
        self.participant.talked.get()
    }

    #[wasm_bindgen(js_name = setVideoView)]
    pub fn set_video_view(
        &self,
        element: JsValue,
        callback: JsValue,
        interval: JsValue,
        tries: JsValue,
    ) {
        let or = |value: &JsValue, default| match number(value) {
            given if given > 0.0 => given as u32,
            _ => default,
        };
        let (interval, tries) = (or(&interval, VIEW_RETRY_MS), or(&tries, VIEW_TRIES));
        self.participant.attach(element, callback, interval, tries);
    }

    #[wasm_bindgen(js_name = getVideoView)]
    pub fn get_video_view(&self) -> JsValue {
        let view = self.participant.view.borrow().clone().map(JsValue::from);
        view.filter(|view| view.has_type::<HtmlVideoElement>()).unwrap_or(JsValue::NULL)
    }

    pub fn hangup(&self) -> bool {
        let Some(room) = self.participant.room.upgrade() else { return false };
        let gid = room.gid.get();
        self.participant.release();
        match self.participant.stream {
            StreamRef::Own(sid) => room.driver.call(|client, _| client.unpublish(gid, sid)),
            StreamRef::Remote(id) => room.driver.call(|client, _| client.unsubscribe(gid, id)),
        }
    }

    #[wasm_bindgen(js_name = isCallInProgress)]
    pub fn is_call_in_progress(&self) -> bool {
        self.participant.look(|room| room.is_running(self.participant.stream)).unwrap_or(false)
    }

    #[wasm_bindgen(js_name = isCallConnected)]
    pub fn is_call_connected(&self) -> bool {
        self.participant.look(|room| room.is_connected(self.participant.stream)).unwrap_or(false)
    }

    #[wasm_bindgen(js_name = hasVideo)]
    pub fn has_video(&self) -> bool {
        match self.participant.stream {
            StreamRef::Own(_) => self.participant.sends().1,
            StreamRef::Remote(_) => self.participant.remote(|stream| stream.video).unwrap_or(false),
        }
    }

    #[wasm_bindgen(js_name = hasAudio)]
    pub fn has_audio(&self) -> bool {
        match self.participant.stream {
            StreamRef::Own(_) => self.participant.sends().0,
            StreamRef::Remote(_) => self.participant.remote(|stream| stream.audio).unwrap_or(false),
        }
    }

    #[wasm_bindgen(js_name = getAspectRatio)]
    pub fn get_aspect_ratio(&self) -> f64 {
        self.participant.aspect_ratio()
    }

    // ---- mute and talking --------------------------------------------------------------------

    #[wasm_bindgen(js_name = toggleMute)]
    pub fn toggle_mute(&self, video: JsValue) -> bool {
        self.participant.toggle(if video.is_truthy() { Kind::Video } else { Kind::Audio })
    }

    pub fn mute(&self, audio: JsValue, video: JsValue, enable: JsValue) {
        for (wanted, kind) in [(audio, Kind::Audio), (video, Kind::Video)] {
            if wanted.is_truthy() {
                self.participant.mute(kind, enable.is_truthy());
            }
        }
    }

    /// Without `remote`: muted by anybody; `false`: here; `true`: by the publisher.
    #[wasm_bindgen(js_name = getMuteStatus)]
    pub fn get_mute_status(&self, video: JsValue, remote: JsValue) -> bool {
        let kind = if video.is_truthy() { Kind::Video } else { Kind::Audio };
        let (publisher, here) = self.participant.is_muted(kind);
        match remote.is_null_or_undefined() {
            true => publisher || here,
            false if remote.is_truthy() => publisher,
            false => here,
        }
    }

    #[wasm_bindgen(js_name = isTalking)]
    pub fn is_talking(&self) -> bool {
        match self.participant.stream {
            StreamRef::Own(sid) => {
                let own = self.participant.look(|room| room.own.get(&sid).map(|own| own.talking));
                own.flatten().unwrap_or(false)
            }
            StreamRef::Remote(_) => {
                self.participant.remote(|stream| stream.talking).unwrap_or(false)
            }
        }
    }
}
