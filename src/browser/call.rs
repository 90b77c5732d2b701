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
            Command::Capture { video } => {
                self.capture(call, video);
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

    fn capture(&self, call: u32, video: bool) {
        let driver = self.driver;
        let Ok(remote) = MediaStream::new() else {
            return tell(driver, call, Told::Captured { audio: false, video: false });
        };
        let running = Rc::new(Running {
            call,
            local: RefCell::default(),
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
        let then = move |driver: Engine, stream: Result<MediaStream, JsValue>| {
            let (audio, video) = stream.as_ref().map(peer::kinds).unwrap_or_default();
            if let Ok(stream) = stream {
                *running.local.borrow_mut() = Some(peer::same(&stream));
                if running.over.get() {
                    return running.close();
                }
                if video && !local_view.is_null() {
                    running.show(local_view, stream, true);
                }
            }
            driver.input(Input::Call(running.call, Told::Captured { audio, video }));
        };
        peer::capture(driver, (0, 0), (true, video), Box::new(then));
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
                let senders = self.connection().map(|peer| peer.get_senders()).unwrap_or_default();
                let senders = senders.iter().filter_map(|it| it.dyn_into::<RtcRtpSender>().ok());
                if let Some(dtmf) = senders.filter_map(|sender| sender.dtmf()).next() {
                    dtmf.insert_dtmf(&tones);
                }
            }
            Command::Capture { .. } | Command::Close => {}
        }
        Ok(())
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
                    *speaker = media::speaker(&stream);
                }
                return false;
            };
            if own {
                element.set_muted(true);
            }
            media::show(&element, Some(&stream));
            if !own && let Some(speaker) = running.speaker.take() {
                media::show(&speaker, None);
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
            media::show(&element, None);
        }
        if let Some(local) = self.local.take() {
            peer::tracks(&local).iter().for_each(web_sys::MediaStreamTrack::stop);
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
