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
    HtmlMediaElement, MediaStream, MediaStreamTrack, RtcIceCandidateInit, RtcPeerConnection,
    RtcPeerConnectionIceEvent, RtcRtpReceiver, RtcRtpTransceiver, RtcRtpTransceiverDirection,
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
    views: Views,
    driver: Engine,
}

/// Elements or ids of the page: for the own picture, and for the other side.
type Views = Rc<RefCell<(JsValue, JsValue)>>;

struct Running {
    call: u32,
    local: RefCell<Option<MediaStream>>,
    /// Hear of own tracks that end.
    ended: RefCell<Vec<EventListener>>,
    /// How often another device was asked for, by kind.
    taken: Cell<[u32; 2]>,
    remote: MediaStream,
    peer: RefCell<Option<Connection>>,
    /// Pictures of the other side are wanted.
    pictures: Rc<Cell<bool>>,
    views: Views,
    /// There is something to show of the own side, of the other one.
    shows: Cell<(bool, bool)>,
    own_view: View,
    view: View,
    /// Lets the other side be heard while there is no element for it.
    speaker: RefCell<Option<HtmlMediaElement>>,
    muted: Cell<u32>,
    over: Cell<bool>,
    driver: Engine,
}

/// Where one side is shown.
#[derive(Default)]
struct View {
    /// What the page said last: who looks for an older one gives up.
    wanted: RefCell<JsValue>,
    element: RefCell<Option<HtmlMediaElement>>,
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
        CallMedia { running: RefCell::default(), views: Views::default(), driver }
    }

    /// Elements or ids for the next call, and for what the one there is shows.
    pub fn set_views(&self, local: JsValue, remote: JsValue) {
        *self.views.borrow_mut() = (local, remote);
        if let Some(running) = &*self.running.borrow() {
            let (own, other) = running.shows.get();
            for side in [(own, true), (other, false)] {
                if side.0 {
                    running.show(side.1);
                }
            }
        }
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
                Some(running) => running.perform(command),
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
            pictures: Rc::default(),
            views: self.views.clone(),
            shows: Cell::default(),
            own_view: View::default(),
            view: View::default(),
            speaker: RefCell::default(),
            muted: Cell::new(0),
            over: Cell::new(false),
            driver: self.driver,
        });
        *self.running.borrow_mut() = Some(running.clone());
        let waiting = running.clone();
        let wanted = move || !waiting.over.get();
        let then = move |driver: Engine, stream: Result<MediaStream, JsValue>| {
            let (audio, video) = stream.as_ref().map(peer::kinds).unwrap_or_default();
            if let Ok(stream) = stream {
                running.watch(&stream);
                *running.local.borrow_mut() = Some(stream);
                if video {
                    running.show(true);
                }
            }
            driver.input(Input::Call(running.call, Told::Captured { audio, video }));
        };
        if source.0 != media::SCREEN || !video {
            return peer::capture(driver, source, (true, video), Box::new(wanted), Box::new(then));
        }
        // Who shows the screen speaks into the microphone; where one of both cannot be had, the other.
        let (screen_wanted, kinds) = (wanted.clone(), (false, true));
        let then = move |driver: Engine, screen: Result<MediaStream, JsValue>| {
            let both = move |driver: Engine, sound: Result<MediaStream, JsValue>| {
                let stream = match (screen, sound) {
                    (Ok(screen), Ok(sound)) => {
                        peer::tracks(&sound).iter().for_each(|track| screen.add_track(track));
                        Ok(screen)
                    }
                    (screen, sound) => screen.or(sound),
                };
                then(driver, stream);
            };
            peer::capture(driver, (0, 0), (true, false), Box::new(wanted), Box::new(both));
        };
        peer::capture(driver, source, kinds, Box::new(screen_wanted), Box::new(then));
    }
}

impl Running {
    fn perform(self: &Rc<Self>, command: Command) -> Result<(), JsValue> {
        match command {
            Command::Describe { offer, restart, video, servers } => {
                if self.peer.borrow().is_none() {
                    self.pictures.set(video);
                    let connection = self.connect(&servers, offer.is_none())?;
                    *self.peer.borrow_mut() = Some(connection);
                }
                let Some(peer) = self.connection() else { return Ok(()) };
                let describing: Describing = peer.clone().unchecked_into();
                if restart {
                    describing.restart_ice();
                }
                let taken = offer.map(|sdp| take(&peer, RtcSdpType::Offer, &sdp));
                self.then(taken, Some(describing));
            }
            Command::Picture => {
                self.pictures.set(true);
                if let Some(connection) = &*self.peer.borrow() {
                    connection.peer.get_receivers().iter().for_each(|receiver| {
                        let receiver: RtcRtpReceiver = receiver.unchecked_into();
                        add(&self.remote, &receiver.track(), true);
                    });
                }
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
                let mut lines = self.lines(Kind::Audio);
                if let Some(dtmf) = lines.find_map(|line| line.sender().dtmf()) {
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

    /// Another device for a kind of track: it takes the former one's place everywhere, a first picture
    /// that of none.
    fn take(self: &Rc<Self>, kind: Kind, (source, index): (u32, u32)) {
        let sends = self.local.borrow().as_ref().map(peer::kinds).unwrap_or_default();
        let place = usize::from(kind == Kind::Video);
        if kind == Kind::Audio && !sends.0 {
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
            // Of the same kind: no new offer is needed.
            for line in running.lines(kind) {
                let _ = line.sender().replace_track(Some(&fresh));
            }
            for former in peer::tracks(&local).iter().filter(|track| peer::kind_of(track) == kind) {
                local.remove_track(former);
                former.stop();
            }
            local.add_track(&fresh);
            running.watch(&stream);
            running.apply_mute();
            if kind == Kind::Video && !running.shows.get().0 {
                running.show(true);
            }
            tell(driver, running.call, Told::Took { kind, source, index });
        };
        let wanted = move || !waiting.over.get() && waiting.taken.get()[place] == taken[place];
        let kinds = (kind == Kind::Audio, kind == Kind::Video);
        peer::capture(self.driver, (source, index), kinds, Box::new(wanted), Box::new(then));
    }

    /// The media lines for a kind of track.
    fn lines(&self, kind: Kind) -> impl Iterator<Item = RtcRtpTransceiver> {
        let lines = self.connection().map(|peer| peer.get_transceivers()).unwrap_or_default();
        let lines = lines.into_iter().map(JsCast::unchecked_into::<RtcRtpTransceiver>);
        lines.filter(move |line| peer::kind_of(&line.receiver().track()) == kind)
    }

    fn connection(&self) -> Option<RtcPeerConnection> {
        self.peer.borrow().as_ref().map(|connection| connection.peer.clone())
    }

    /// Who offers has a line for a picture even if there is none to send: it may come later.
    fn connect(
        self: &Rc<Self>,
        servers: &[IceServer],
        offers: bool,
    ) -> Result<Connection, JsValue> {
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
        let pictures = self.pictures.clone();
        let track = on(
            "track",
            Box::new(move |event| {
                let track = event.unchecked_ref::<RtcTrackEvent>().track();
                add(&remote, &track, pictures.get());
                let (remote, pictures) = (peer::same(&remote), pictures.clone());
                // `clone()` would be the browser's: another track.
                let flowing = Clone::clone(&track);
                let flows = EventListener::new(&track, "unmute", move |_| {
                    add(&remote, &flowing, pictures.get());
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
        if offers && !has_picture {
            peer.add_transceiver_with_str("video");
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
                    if !running.shows.get().1 {
                        running.show(false);
                    }
                }
                let Some(peer) = describing else { return Ok(None) };
                if answers {
                    let both = RtcRtpTransceiverDirection::Sendrecv;
                    running.lines(Kind::Video).for_each(|line| line.set_direction(both));
                }
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

    /// Shows a side where the page wants it, as soon as that is there. The other side is heard before.
    fn show(self: &Rc<Self>, own: bool) {
        let (mut shows, views) = (self.shows.get(), self.views.borrow());
        let (there, wanted) = if own { (&mut shows.0, &views.0) } else { (&mut shows.1, &views.1) };
        // It stays where it is.
        if wanted.is_null_or_undefined() && (own || *there) {
            return;
        }
        *there = true;
        self.shows.set(shows);
        let (running, wanted) = (self.clone(), wanted.clone());
        *running.view_of(own).wanted.borrow_mut() = wanted.clone();
        let attempt = move || {
            let view = running.view_of(own);
            if running.over.get() || *view.wanted.borrow() != wanted {
                return true;
            }
            let remote = || Some(peer::same(&running.remote));
            let stream = if own { running.local.borrow().clone() } else { remote() };
            let Some(stream) = stream else { return true };
            let Some(element) = media::view(&wanted) else {
                let mut speaker = running.speaker.borrow_mut();
                if !own && speaker.is_none() && view.element.borrow().is_none() {
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
            let former = view.element.replace(Some(element.clone()));
            if let Some(former) = former.filter(|former| *former != element) {
                media::put(&former, None);
            }
            true
        };
        let interval = CALL_VIEW_INTERVAL.as_millis() as u32;
        media::retry(Box::new(attempt), interval, CALL_VIEW_TRIES, Box::new(|| {}));
    }

    fn view_of(&self, own: bool) -> &View {
        if own { &self.own_view } else { &self.view }
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
        let shown = [&self.own_view, &self.view].map(|view| view.element.take());
        for element in shown.into_iter().flatten().chain(self.speaker.take()) {
            media::put(&element, None);
        }
        self.ended.take();
        if let Some(local) = self.local.take() {
            peer::stop(&local);
        }
    }
}

/// Sound is part of a stream at once; a picture when it flows, for elements play nothing before that,
/// and only if it is wanted.
fn add(stream: &MediaStream, track: &MediaStreamTrack, pictures: bool) {
    if peer::kind_of(track) == Kind::Audio || pictures && !track.muted() {
        stream.add_track(track);
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
