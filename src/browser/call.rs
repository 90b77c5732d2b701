//! The media of a one-to-one call: one capture, one peer connection, the page's elements.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use client::Input;
use client::port::call::{Command, Input as Told};
use client::port::peer::Kind;
use gloo_events::EventListener;
use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    HtmlMediaElement, MediaStream, RtcIceCandidateInit, RtcPeerConnection,
    RtcPeerConnectionIceEvent, RtcRtpSender, RtcRtpTransceiverDirection, RtcRtpTransceiverInit,
    RtcSdpType, RtcSessionDescriptionInit, RtcSignalingState, RtcTrackEvent,
};
use wire::call::mute;
use wire::limits::{CALL_VIEW_INTERVAL, CALL_VIEW_TRIES};
use wire::proto::IceServer;

use super::peer::Describing;
use super::{media, peer};
use crate::driver::Engine;

pub struct CallMedia {
    running: RefCell<Option<Rc<Running>>>,
    /// Elements or ids of the page: for the own picture, and for the other side.
    views: RefCell<(JsValue, JsValue)>,
    driver: Engine,
}

struct Running {
    call: u32,
    local: RefCell<Option<MediaStream>>,
    /// Hear of own tracks that end.
    ended: RefCell<Vec<EventListener>>,
    /// How often another device was asked for, by kind.
    taken: Cell<[u32; 2]>,
    remote: MediaStream,
    peer: RefCell<Option<Connection>>,
    /// Where the other side will be shown.
    view: RefCell<Option<JsValue>>,
    /// Elements that show something.
    shown: RefCell<Vec<HtmlMediaElement>>,
    /// Lets the other side be heard while there is no element for it.
    speaker: RefCell<Option<HtmlMediaElement>>,
    muted: Cell<u32>,
    over: Cell<bool>,
    driver: Engine,
}

/// What an event of the connection means for the client.
type Heard = Box<dyn Fn(&web_sys::Event) -> Option<Told>>;

struct Connection {
    peer: RtcPeerConnection,
    _listeners: Vec<EventListener>,
    tracks: Rc<RefCell<Vec<EventListener>>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.tracks.borrow_mut().clear();
        self.peer.close();
    }
}

impl CallMedia {
    pub fn new(driver: Engine) -> CallMedia {
        CallMedia { running: RefCell::default(), views: RefCell::default(), driver }
    }

    /// Elements or ids for the next call.
    pub fn set_views(&self, local: JsValue, remote: JsValue) {
        *self.views.borrow_mut() = (local, remote);
    }

    pub fn perform(&self, call: u32, command: Command) {
        let failed = match command {
            Command::Capture { video, source, index } => {
                self.capture(call, video, (source, index));
                Ok(())
            }
            Command::Close => {
                if let Some(running) = self.running.take() {
                    running.close();
                }
                Ok(())
            }
            command => match &*self.running.borrow() {
                Some(running) => running.perform(command, &self.views.borrow()),
                None => Ok(()),
            },
        };
        if let Err(error) = failed {
            tell(self.driver, call, Told::Failed(media::reason(&error)));
        }
    }

    /// What the own side sends, for the page to look at.
    pub fn own_stream(&self) -> Option<MediaStream> {
        let running = self.running.borrow();
        running.as_ref().and_then(|running| running.local.borrow().as_ref().map(peer::same))
    }

    fn capture(&self, call: u32, video: bool, source: (u32, u32)) {
        let driver = self.driver;
        let Ok(remote) = MediaStream::new() else {
            return tell(driver, call, Told::Captured { audio: false, video: false });
        };
        let running = Rc::new(Running {
            call,
            local: RefCell::default(),
            ended: RefCell::default(),
            taken: Cell::new([0; 2]),
            remote,
            peer: RefCell::default(),
            view: RefCell::default(),
            shown: RefCell::default(),
            speaker: RefCell::default(),
            muted: Cell::new(0),
            over: Cell::new(false),
            driver: self.driver,
        });
        *self.running.borrow_mut() = Some(running.clone());
        let local_view = self.views.borrow().0.clone();
        let waiting = running.clone();
        let then = move |driver: Engine, stream: Result<MediaStream, JsValue>| {
            let (audio, video) = stream.as_ref().map(peer::kinds).unwrap_or_default();
            if let Ok(stream) = stream {
                *running.local.borrow_mut() = Some(peer::same(&stream));
                running.watch(&stream);
                if video && !local_view.is_null() {
                    running.show(local_view, stream, true);
                }
            }
            driver.input(Input::Call(running.call, Told::Captured { audio, video }));
        };
        let wanted = move || !waiting.over.get();
        peer::capture(driver, source, (true, video), Box::new(wanted), Box::new(then));
    }
}

impl Running {
    fn perform(
        self: &Rc<Self>,
        command: Command,
        views: &(JsValue, JsValue),
    ) -> Result<(), JsValue> {
        match command {
            Command::Describe { offer, restart, video, servers } => {
                if self.peer.borrow().is_none() {
                    let connection = self.connect(&servers, video && offer.is_none())?;
                    *self.peer.borrow_mut() = Some(connection);
                    *self.view.borrow_mut() = Some(views.1.clone());
                }
                let Some(peer) = self.connection() else { return Ok(()) };
                let describing: Describing = peer.clone().unchecked_into();
                if restart {
                    describing.restart_ice();
                }
                let taken = offer.map(|sdp| take(&peer, RtcSdpType::Offer, &sdp));
                self.then(taken, Some(describing));
            }
            Command::TakeAnswer(sdp) => {
                if let Some(peer) = self.connection() {
                    self.then(Some(take(&peer, RtcSdpType::Answer, &sdp)), None);
                }
            }
            Command::AddCandidate(candidate, line) => {
                let Some(peer) = self.connection() else { return Ok(()) };
                let init = RtcIceCandidateInit::new(&candidate);
                init.set_sdp_mid(Some(&line));
                // One that cannot be used is one way less.
                let added = peer.add_ice_candidate_with_opt_rtc_ice_candidate_init(Some(&init));
                crate::driver::spawn(async move { drop(JsFuture::from(added).await) });
            }
            Command::Mute(muted) => {
                self.muted.set(muted);
                self.apply_mute();
            }
            Command::Tones(tones) => {
                if let Some(dtmf) = self.senders().find_map(|sender| sender.dtmf()) {
                    dtmf.insert_dtmf(&tones);
                }
            }
            Command::Take { kind, source, index } => self.take(kind, (source, index)),
            Command::Capture { .. } | Command::Close => {}
        }
        Ok(())
    }

    fn watch(&self, stream: &MediaStream) {
        let (driver, call) = (self.driver, self.call);
        let ended = peer::when_ended(stream, move |kind| tell(driver, call, Told::Lost(kind)));
        self.ended.borrow_mut().extend(ended);
    }

    /// Another device for a kind of track that is sent: it takes the former one's place everywhere.
    fn take(self: &Rc<Self>, kind: Kind, (source, index): (u32, u32)) {
        let sends = self.local.borrow().as_ref().map(peer::kinds).unwrap_or_default();
        let (place, sent) = if kind == Kind::Audio { (0, sends.0) } else { (1, sends.1) };
        if !sent {
            return;
        }
        let mut taken = self.taken.get();
        taken[place] += 1;
        self.taken.set(taken);
        let (running, waiting) = (self.clone(), self.clone());
        let then = move |driver: Engine, stream: Result<MediaStream, JsValue>| {
            let (Ok(stream), Some(local)) = (stream, running.local.borrow().clone()) else {
                return;
            };
            let Some(fresh) = peer::track_of(&stream, kind) else { return };
            for former in peer::tracks(&local).iter().filter(|track| peer::kind_of(track) == kind) {
                for sender in running.senders() {
                    if sender.track().as_ref() == Some(former) {
                        // Of the same kind: no new offer is needed.
                        let _ = sender.replace_track(Some(&fresh));
                    }
                }
                local.remove_track(former);
                former.stop();
            }
            local.add_track(&fresh);
            running.watch(&stream);
            running.apply_mute();
            tell(driver, running.call, Told::Took { kind, source, index });
        };
        let wanted = move || !waiting.over.get() && waiting.taken.get()[place] == taken[place];
        let kinds = (kind == Kind::Audio, kind == Kind::Video);
        peer::capture(self.driver, (source, index), kinds, Box::new(wanted), Box::new(then));
    }

    fn senders(&self) -> impl Iterator<Item = RtcRtpSender> {
        let senders = self.connection().map(|peer| peer.get_senders()).unwrap_or_default();
        senders.into_iter().filter_map(|sender| sender.dyn_into().ok())
    }

    fn connection(&self) -> Option<RtcPeerConnection> {
        self.peer.borrow().as_ref().map(|connection| connection.peer.clone())
    }

    /// `sees` when it shall receive a picture even if there is none to send.
    fn connect(self: &Rc<Self>, servers: &[IceServer], sees: bool) -> Result<Connection, JsValue> {
        let peer = RtcPeerConnection::new_with_configuration(&peer::configuration(servers))?;
        let (call, tracks) = (self.call, Rc::new(RefCell::default()));
        let on = |name: &'static str, heard: Heard| {
            let driver = self.driver;
            EventListener::new(&peer, name, move |event| {
                if let Some(told) = heard(event) {
                    tell(driver, call, told);
                }
            })
        };
        let told_by = peer.clone();
        let state = on(
            "connectionstatechange",
            Box::new(move |_| Some(Told::State(peer::state_of(&told_by)))),
        );
        let candidate = on(
            "icecandidate",
            Box::new(|event| {
                let event = event.unchecked_ref::<RtcPeerConnectionIceEvent>();
                let found = event.candidate().filter(|found| !found.candidate().is_empty())?;
                Some(Told::Candidate(found.candidate(), found.sdp_mid().unwrap_or_default()))
            }),
        );
        let (remote, driver, listening) = (peer::same(&self.remote), self.driver, tracks.clone());
        let track = on(
            "track",
            Box::new(move |event| {
                let track = event.unchecked_ref::<RtcTrackEvent>().track();
                remote.add_track(&track);
                let flows = EventListener::new(&track, "unmute", move |_| {
                    tell(driver, call, Told::Flowing)
                });
                RefCell::<Vec<_>>::borrow_mut(&listening).push(flows);
                None
            }),
        );
        let mut has_picture = false;
        if let Some(local) = &*self.local.borrow() {
            for track in peer::tracks(local) {
                has_picture |= peer::kind_of(&track) == Kind::Video;
                peer.add_track_0(&track, local);
            }
        }
        if sees && !has_picture {
            let init = RtcRtpTransceiverInit::new();
            init.set_direction(RtcRtpTransceiverDirection::Recvonly);
            peer.add_transceiver_with_str_and_init("video", &init);
        }
        Ok(Connection { peer, _listeners: vec![state, candidate, track], tracks })
    }

    /// When the description is taken, the own one is made, if it is wanted.
    fn then(self: &Rc<Self>, taken: Option<Promise>, describing: Option<Describing>) {
        let running = self.clone();
        let answers = taken.is_some();
        crate::driver::spawn(async move {
            let done = async {
                if let Some(taken) = taken {
                    JsFuture::from(taken).await?;
                    // Its tracks are in it.
                    if let Some(view) = running.view.take() {
                        running.show(view, peer::same(&running.remote), false);
                    }
                }
                let Some(peer) = describing else { return Ok(None) };
                // Two offers that came one behind the other have one answer.
                if !answers || peer.signaling_state() == RtcSignalingState::HaveRemoteOffer {
                    JsFuture::from(peer.describe()).await?;
                }
                Ok(peer.local_description().map(|local| local.sdp()))
            };
            match done.await {
                Ok(None) => {}
                Ok(Some(sdp)) => tell(running.driver, running.call, Told::Described(sdp)),
                Err(error) if !running.over.get() => {
                    tell(running.driver, running.call, Told::Failed(media::reason(&error)));
                }
                Err(_) => {}
            }
        });
    }

    /// Shows a stream where the page wants it, as soon as that is there. The other side is heard
    /// before.
    fn show(self: &Rc<Self>, view: JsValue, stream: MediaStream, own: bool) {
        let running = self.clone();
        let attempt = move || {
            if running.over.get() {
                return true;
            }
            let Some(element) = media::view(&view) else {
                let mut speaker = running.speaker.borrow_mut();
                if !own && speaker.is_none() {
                    *speaker = running.driver.playback.speaker(&stream);
                }
                return false;
            };
            if own {
                element.set_muted(true);
            }
            running.driver.playback.show(&element, &stream);
            if !own && let Some(speaker) = running.speaker.take() {
                media::put(&speaker, None);
            }
            running.shown.borrow_mut().push(element);
            true
        };
        let interval = CALL_VIEW_INTERVAL.as_millis() as u32;
        media::retry(Box::new(attempt), interval, CALL_VIEW_TRIES, Box::new(|| {}));
    }

    fn apply_mute(&self) {
        let (muted, held) = (self.muted.get(), self.muted.get() & mute::HOLD != 0);
        if let Some(local) = &*self.local.borrow() {
            for track in peer::tracks(local) {
                let bit =
                    if peer::kind_of(&track) == Kind::Audio { mute::AUDIO } else { mute::VIDEO };
                track.set_enabled(!held && muted & bit == 0);
            }
        }
        for track in peer::tracks(&self.remote) {
            track.set_enabled(!held);
        }
    }

    fn close(&self) {
        self.over.set(true);
        self.peer.take();
        for element in self.shown.take().into_iter().chain(self.speaker.take()) {
            media::put(&element, None);
        }
        self.ended.take();
        if let Some(local) = self.local.take() {
            peer::stop(&local);
        }
    }
}

fn take(peer: &RtcPeerConnection, kind: RtcSdpType, sdp: &str) -> Promise {
    let description = RtcSessionDescriptionInit::new(kind);
    description.set_sdp(sdp);
    peer.set_remote_description(&description)
}

fn tell(driver: Engine, call: u32, told: Told) {
    driver.input(Input::Call(call, told));
}
