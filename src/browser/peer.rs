//! Peer connections: one a room. Makes the transceivers the client asks for, offers, takes the
//! answer, tells what flows.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use client::Input;
use client::port::peer::{Caps, Command, Input as Told, Kind, Path, PeerState, Receiving, Sending};
use client::sorted::Map;
use gloo_events::EventListener;
use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    HtmlVideoElement, MediaStream, MediaStreamTrack, RtcBundlePolicy, RtcConfiguration,
    RtcPeerConnection, RtcPeerConnectionState, RtcRtpParameters, RtcRtpTransceiver,
    RtcRtpTransceiverDirection as Direction, RtcRtpTransceiverInit, RtcSdpType,
    RtcSessionDescriptionInit,
};
use wire::id::{GroupId, StreamId};
use wire::proto::IceServer;

use super::media;
use crate::api::records::set;
use crate::driver::Engine;

/// `Stream.layers` of the protocol.
const LAYERS_SAID: u32 = 8;
const ONE_LAYER: u32 = 16;

#[wasm_bindgen]
extern "C" {
    /// What `web_sys` does not have of a connection.
    #[wasm_bindgen(extends = RtcPeerConnection)]
    pub type Describing;

    /// Describes as the state of the connection wants it: an offer, or an answer.
    #[wasm_bindgen(method, js_name = setLocalDescription)]
    pub fn describe(this: &Describing) -> Promise;

    /// The next offer looks for a new path.
    #[wasm_bindgen(method, js_name = restartIce)]
    pub fn restart_ice(this: &Describing);
}

pub struct Peers {
    connections: RefCell<Map<GroupId, Rc<Connection>>>,
    captured: RefCell<Map<(GroupId, u32), Capture>>,
    /// How often each own stream was captured or let go of: what was asked for before comes to nobody.
    asked: RefCell<Map<(GroupId, u32), u32>>,
    devices: RefCell<Option<EventListener>>,
    /// The id of the page's choice, empty = the browser's.
    pub microphone: RefCell<String>,
    driver: Engine,
}

/// What an own stream captures.
struct Capture {
    stream: MediaStream,
    /// `Stream.layers` of the protocol.
    layers: Cell<u32>,
    caps: Cell<Caps>,
    _listeners: Vec<EventListener>,
    /// Tells when its picture has another size.
    _probe: Option<HtmlVideoElement>,
}

impl Drop for Capture {
    fn drop(&mut self) {
        stop(&self.stream);
    }
}

struct Connection {
    peer: RtcPeerConnection,
    sending: RefCell<Map<Sending, RtcRtpTransceiver>>,
    /// Sending transceivers without a track, and in how many encodings: taken again for the next one of
    /// their kind. Each line costs both sides time at every offer, and the server has a limit of them.
    spare: RefCell<Vec<(Kind, u32, RtcRtpTransceiver)>>,
    receiving: RefCell<Map<Receiving, Received>>,
    /// Receiving transceivers without a track: taken again for the next one of their kind.
    idle: RefCell<Vec<(Kind, RtcRtpTransceiver)>>,
    streams: RefCell<Map<StreamId, MediaStream>>,
    _listener: RefCell<Option<EventListener>>,
}

/// A track that is received, and what listens to it.
struct Received {
    transceiver: RtcRtpTransceiver,
    _listeners: Vec<EventListener>,
    /// Tells the shape of a picture nobody has put into an element yet.
    probe: Option<HtmlVideoElement>,
}

impl Received {
    fn tell_again(&self, driver: Engine, room: GroupId, receiving: Receiving) {
        let size = self.probe.as_ref().map(|video| (video.video_width(), video.video_height()));
        let flows = match size {
            Some((width, _)) => width > 0,
            None => !self.transceiver.receiver().track().muted(),
        };
        if flows {
            let (width, height) = size.unwrap_or_default();
            driver.input(Input::Peer(Told::Flowing { room, receiving, width, height }));
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.peer.close();
    }
}

impl Peers {
    pub fn new(driver: Engine) -> Peers {
        Peers {
            connections: RefCell::default(),
            captured: RefCell::default(),
            asked: RefCell::default(),
            devices: RefCell::default(),
            microphone: RefCell::default(),
            driver,
        }
    }

    pub fn perform(&self, command: Command) {
        match command {
            Command::Capture { room, sid, source, index, audio, video } => {
                self.capture((room, sid), source, index, audio, video);
            }
            Command::Release { room, sid } => {
                self.ask((room, sid));
                self.captured.borrow_mut().remove(&(room, sid));
            }
            Command::Mute { room, sid, kind, muted } => {
                if let Some(capture) = self.captured.borrow().get(&(room, sid)) {
                    let muted_tracks = tracks(&capture.stream).into_iter();
                    muted_tracks.filter(|track| kind_of(track) == kind).for_each(|track| {
                        track.set_enabled(!muted);
                    });
                }
            }
            Command::Limit { room, sid, caps } => {
                if let Some(capture) = self.captured.borrow().get(&(room, sid)) {
                    capture.caps.set(caps);
                    let stream = same(&capture.stream);
                    crate::driver::spawn(async move { media::limit(&stream, caps.lines).await });
                }
                self.tune(room, sid);
            }
            Command::Layers { room, sid, layers } => {
                if let Some(capture) = self.captured.borrow().get(&(room, sid)) {
                    capture.layers.set(layers);
                }
                self.tune(room, sid);
            }
            Command::Offer { room, ticket, path, servers, sending, receiving } => {
                let connection = self.connection(room, path, &servers);
                self.offer(room, ticket, connection, sending, receiving);
            }
            Command::Answer { room, ticket: _, sdp } => self.answer(room, sdp),
            Command::Close { room } => {
                self.connections.borrow_mut().remove(&room);
                self.captured.borrow_mut().retain(|(of, _), _| *of != room);
            }
        }
    }

    /// The connection of a room, as the browser has it.
    pub fn connection_of(&self, room: GroupId) -> JsValue {
        let connections = self.connections.borrow();
        connections.get(&room).map_or(JsValue::UNDEFINED, |connection| (&connection.peer).into())
    }

    /// The media of an own stream, once it is captured.
    pub fn own_stream(&self, room: GroupId, sid: u32) -> Option<MediaStream> {
        self.captured.borrow().get(&(room, sid)).map(|capture| same(&capture.stream))
    }

    /// The media of somebody's stream, while it is received.
    pub fn remote_stream(&self, room: GroupId, stream: StreamId) -> Option<MediaStream> {
        let connections = self.connections.borrow();
        let streams = connections.get(&room)?.streams.borrow();
        streams.get(&stream).cloned()
    }

    fn capture(&self, of: (GroupId, u32), source: u32, index: u32, audio: bool, video: bool) {
        let driver = self.driver;
        let (room, sid) = of;
        let then = move |driver: Engine, stream: Result<MediaStream, JsValue>| {
            let told = match stream {
                Err(error) => Told::CaptureFailed { room, sid, reason: media::reason(&error) },
                Ok(stream) => {
                    let (audio, video) = kinds(&stream);
                    driver.peers.take_capture(of, stream);
                    Told::Captured { room, sid, audio, video }
                }
            };
            driver.input(Input::Peer(told));
        };
        let asked = self.ask(of);
        let wanted = move || driver.peers.asked.borrow().get(&of) == Some(&asked);
        capture(driver, (source, index), (audio, video), Box::new(wanted), Box::new(then));
    }

    fn ask(&self, of: (GroupId, u32)) -> u32 {
        let mut asked = self.asked.borrow_mut();
        let count = asked.entry(of).or_default();
        *count += 1;
        *count
    }

    /// Hears of devices that come and go, from the first one that is used on.
    pub fn watch_devices(&self) {
        let mut devices = self.devices.borrow_mut();
        if devices.is_none()
            && let Ok(source) = media::devices()
        {
            let driver = self.driver;
            let tell = move |_: &web_sys::Event| driver.input(Input::Peer(Told::DevicesChanged));
            *devices = Some(EventListener::new(&source, "devicechange", tell));
        }
    }

    /// The new capture takes the place of the former one, also on the wire.
    fn take_capture(&self, of: (GroupId, u32), stream: MediaStream) {
        let (room, sid) = of;
        let driver = self.driver;
        let mut listeners = when_ended(&stream, move |kind| {
            driver.input(Input::Peer(Told::CaptureEnded { room, sid, kind }));
        });
        // The user may change the size of a shared window, the page that of a camera.
        let probe = track_of(&stream, Kind::Video).and_then(|track| media::probe(&track));
        listeners.extend(probe.as_ref().map(|video| {
            EventListener::new(video, "resize", move |_| driver.peers.tune(room, sid))
        }));
        if let Some(connection) = self.connections.borrow().get(&room) {
            for (sending, transceiver) in connection.sending.borrow().iter() {
                if sending.sid == sid {
                    let track = track_of(&stream, sending.kind);
                    // Same kind of track: no new offer is needed.
                    let _ = transceiver.sender().replace_track(track.as_ref());
                }
            }
        }
        let (layers, caps) = self.tuning(of);
        let (layers, caps) = (Cell::new(layers), Cell::new(caps));
        let capture = Capture { stream, layers, caps, _listeners: listeners, _probe: probe };
        self.captured.borrow_mut().insert(of, capture);
        self.tune(room, sid);
    }

    fn tuning(&self, of: (GroupId, u32)) -> (u32, Caps) {
        let captured = self.captured.borrow();
        captured.get(&of).map(|found| (found.layers.get(), found.caps.get())).unwrap_or_default()
    }

    /// Has the browser send the encodings of an own picture that are wanted and no others, and all
    /// of the stream within its caps.
    fn tune(&self, room: GroupId, sid: u32) {
        let connections = self.connections.borrow();
        let Some(connection) = connections.get(&room) else { return };
        for (track, line) in
            connection.sending.borrow().iter().filter(|(track, _)| track.sid == sid)
        {
            self.tune_line(room, *track, line);
        }
    }

    fn tune_line(&self, room: GroupId, track: Sending, line: &RtcRtpTransceiver) {
        let (layers, caps) = self.tuning((room, track.sid));
        let kbps = match track.kind {
            Kind::Audio => caps.audio_kbps,
            Kind::Video => caps.video_kbps,
        };
        let (parameters, encodings) = encodings(line);
        // The source may be smaller than the one the encodings were made for: then the first of
        // them have its sizes, and those above have nothing to send.
        let all = encodings.length();
        // Not of the sender's own track: a new one is there only when the browser has replaced it.
        let source = self.own_stream(room, track.sid).and_then(|own| track_of(&own, track.kind));
        let count = source.map_or(all, |track| media::sizes(&track).min(all));
        // Each encoding has four times the pixels of the one before it.
        let shares = f64::from((4_u32.pow(count) - 1) / 3);
        for (index, encoding) in encodings.iter().enumerate() {
            let bits = 1000.0 * f64::from(kbps) * f64::from(4_u32.pow(index as u32)) / shares;
            let bits = (kbps > 0).then_some(bits);
            set(&encoding, "maxBitrate", &bits.into());
            if track.kind == Kind::Video {
                let fps = (caps.fps > 0).then_some(caps.fps);
                set(&encoding, "maxFramerate", &fps.into());
                let whole = layers & LAYERS_SAID == 0 || layers & ONE_LAYER != 0;
                let place = index as u32;
                // Who wants a larger one than there is gets the largest.
                let wanted = match place + 1 == count {
                    true => (layers % LAYERS_SAID) >> place != 0,
                    false => layers >> place & 1 != 0,
                };
                set(&encoding, "active", &(place < count && (whole || wanted)).into());
                if all > 1 && place < count {
                    let scale = media::scale(count, place);
                    set(&encoding, "scaleResolutionDownBy", &scale.into());
                }
            }
        }
        let set = JsFuture::from(line.sender().set_parameters_with_parameters(&parameters));
        // One that was closed meanwhile sends nothing anyway.
        crate::driver::spawn(async move { drop(set.await) });
    }

    fn connection(
        &self,
        room: GroupId,
        path: Path,
        servers: &[IceServer],
    ) -> Result<Rc<Connection>, JsValue> {
        let known = self.connections.borrow().get(&room).cloned();
        if let Some(connection) = known.filter(|_| path != Path::Fresh) {
            if path == Path::Searched {
                connection.peer.unchecked_ref::<Describing>().restart_ice();
            }
            return Ok(connection);
        }
        let peer = RtcPeerConnection::new_with_configuration(&configuration(servers))?;
        let driver = self.driver;
        let told_by = peer.clone();
        let listener = EventListener::new(&peer, "connectionstatechange", move |_| {
            let state = state_of(&told_by);
            driver.input(Input::Peer(Told::State { room, state }));
        });
        let connection = Rc::new(Connection {
            peer,
            sending: RefCell::default(),
            spare: RefCell::default(),
            receiving: RefCell::default(),
            idle: RefCell::default(),
            streams: RefCell::default(),
            _listener: RefCell::new(Some(listener)),
        });
        self.connections.borrow_mut().insert(room, connection.clone());
        Ok(connection)
    }

    fn offer(
        &self,
        room: GroupId,
        ticket: u32,
        connection: Result<Rc<Connection>, JsValue>,
        sending: Vec<Sending>,
        receiving: Vec<Receiving>,
    ) {
        let made = connection.and_then(|connection| {
            self.send_exactly(room, &connection, &sending)?;
            self.receive_exactly(room, &connection, &receiving);
            Ok(connection)
        });
        let driver = self.driver;
        crate::driver::spawn(async move {
            let described = match made {
                Ok(connection) => describe(&connection).await.map(|sdp| (connection, sdp)),
                Err(error) => Err(error),
            };
            let told = match described {
                Err(error) => Told::Failed { room, reason: media::reason(&error) },
                Ok((connection, sdp)) => {
                    let sending = connection.sending.borrow();
                    let sending = sending
                        .iter()
                        .filter_map(|(track, line)| Some((*track, line.mid()?)))
                        .collect();
                    let receiving = connection.receiving.borrow();
                    let receiving = receiving
                        .iter()
                        .filter_map(|(track, line)| Some((*track, line.transceiver.mid()?)))
                        .collect();
                    Told::Offered { room, ticket, sdp, sending, receiving }
                }
            };
            driver.input(Input::Peer(told));
        });
    }

    fn send_exactly(
        &self,
        room: GroupId,
        connection: &Connection,
        wanted: &[Sending],
    ) -> Result<(), JsValue> {
        let mut sending = connection.sending.borrow_mut();
        let mut spare = connection.spare.borrow_mut();
        sending.retain(|track, transceiver| {
            let keep = wanted.contains(track);
            if !keep {
                transceiver.set_direction(Direction::Inactive);
                let _ = transceiver.sender().replace_track(None);
                let count = encodings(transceiver).1.length();
                spare.push((track.kind, count, transceiver.clone()));
            }
            keep
        });
        for track in wanted {
            if sending.contains_key(track) {
                continue;
            }
            let Some(stream) = self.own_stream(room, track.sid) else { continue };
            let Some(media) = track_of(&stream, track.kind) else { continue };
            let several =
                track.kind == Kind::Video && self.tuning((room, track.sid)).0 & ONE_LAYER == 0;
            let count = if several { media::sizes(&media) } else { 1 };
            let known = spare.iter().position(|(kind, of, _)| (*kind, *of) == (track.kind, count));
            let transceiver = match known {
                Some(index) => {
                    let transceiver = spare.swap_remove(index).2;
                    transceiver.set_direction(Direction::Sendonly);
                    let _ = transceiver.sender().replace_track(Some(&media));
                    transceiver
                }
                None => {
                    let init = RtcRtpTransceiverInit::new();
                    init.set_direction(Direction::Sendonly);
                    init.set_streams(&Array::of1(&stream));
                    if count > 1 {
                        init.set_send_encodings(&media::encodings(count));
                    }
                    let peer = &connection.peer;
                    peer.add_transceiver_with_media_stream_track_and_init(&media, &init)
                }
            };
            self.tune_line(room, *track, &transceiver);
            sending.insert(*track, transceiver);
        }
        Ok(())
    }

    fn receive_exactly(&self, room: GroupId, connection: &Connection, wanted: &[Receiving]) {
        let mut receiving = connection.receiving.borrow_mut();
        let mut idle = connection.idle.borrow_mut();
        let mut streams = connection.streams.borrow_mut();
        receiving.retain(|track, received| {
            let keep = wanted.contains(track);
            if !keep {
                received.transceiver.set_direction(Direction::Inactive);
                if let Some(stream) = streams.get(&track.stream) {
                    stream.remove_track(&received.transceiver.receiver().track());
                }
                idle.push((track.kind, received.transceiver.clone()));
            }
            keep
        });
        streams.retain(|id, _| wanted.iter().any(|track| track.stream == *id));
        for track in wanted {
            if let Some(received) = receiving.get(track) {
                // Who has ended it and begins anew hears of it, too. On a lost path nothing flows.
                if state_of(&connection.peer) == PeerState::Connected {
                    received.tell_again(self.driver, room, *track);
                }
                continue;
            }
            let known = idle.iter().position(|(kind, _)| *kind == track.kind);
            let transceiver = match known {
                Some(index) => idle.swap_remove(index).1,
                None => {
                    let kind = if track.kind == Kind::Audio { "audio" } else { "video" };
                    connection.peer.add_transceiver_with_str(kind)
                }
            };
            transceiver.set_direction(Direction::Recvonly);
            let media = transceiver.receiver().track();
            let stream = streams.entry(track.stream).or_insert_with(|| {
                MediaStream::new().unwrap_or_else(|_| unreachable!("a window has media streams"))
            });
            stream.add_track(&media);
            receiving.insert(*track, self.listen(room, *track, transceiver, &media));
        }
    }

    /// Tells when media of a track begins, and the shape of a picture.
    fn listen(
        &self,
        room: GroupId,
        receiving: Receiving,
        transceiver: RtcRtpTransceiver,
        track: &MediaStreamTrack,
    ) -> Received {
        let tell = {
            let driver = self.driver;
            move |width: u32, height: u32| {
                let told = Told::Flowing { room, receiving, width, height };
                driver.input(Input::Peer(told));
            }
        };
        let probe = match receiving.kind {
            Kind::Audio => None,
            Kind::Video => media::probe(track),
        };
        let listeners = match &probe {
            None => vec![EventListener::new(track, "unmute", move |_| tell(0, 0))],
            Some(video) => {
                let shown = video.clone();
                let on_resize = move |_: &web_sys::Event| {
                    tell(shown.video_width(), shown.video_height());
                };
                vec![EventListener::new(video, "resize", on_resize)]
            }
        };
        Received { transceiver, _listeners: listeners, probe }
    }

    fn answer(&self, room: GroupId, sdp: String) {
        let Some(connection) = self.connections.borrow().get(&room).cloned() else { return };
        let driver = self.driver;
        crate::driver::spawn(async move {
            let answer = RtcSessionDescriptionInit::new(RtcSdpType::Answer);
            answer.set_sdp(&sdp);
            let taken = JsFuture::from(connection.peer.set_remote_description(&answer)).await;
            if let Err(error) = taken {
                let reason = media::reason(&error);
                driver.input(Input::Peer(Told::Failed { room, reason }));
            }
        });
    }
}

/// Makes an offer and takes it as the local description; the server needs none of our
/// candidates, so there is no waiting for them.
async fn describe(connection: &Connection) -> Result<String, JsValue> {
    let offer = JsFuture::from(connection.peer.create_offer()).await?;
    let sdp = Reflect::get(&offer, &JsValue::from_str("sdp"))?.as_string().unwrap_or_default();
    let description = RtcSessionDescriptionInit::new(RtcSdpType::Offer);
    description.set_sdp(&sdp);
    JsFuture::from(connection.peer.set_local_description(&description)).await?;
    Ok(connection.peer.local_description().map_or(sdp, |local| local.sdp()))
}

/// How a line sends, and the encodings in that.
fn encodings(line: &RtcRtpTransceiver) -> (RtcRtpParameters, Array) {
    let parameters = line.sender().get_parameters();
    let encodings = Reflect::get(&parameters, &"encodings".into()).unwrap_or_default();
    (parameters, Array::from(&encodings))
}

/// What is done with a capture.
pub type Then = Box<dyn FnOnce(Engine, Result<MediaStream, JsValue>)>;

/// Captures, and tells the page of it: that it may be asked for its permission, and what came. What
/// is not wanted any more by then is let go of.
pub fn capture(
    driver: Engine,
    (source, index): (u32, u32),
    (audio, video): (bool, bool),
    wanted: Box<dyn Fn() -> bool>,
    then: Then,
) {
    crate::driver::spawn(async move {
        driver.page.tell_all("Permission", &[true.into()]);
        let microphone = driver.peers.microphone.borrow().clone();
        let stream = media::capture(source, index, audio, video, &microphone).await;
        driver.page.tell_all("Permission", &[false.into()]);
        if !wanted() {
            return stream.iter().for_each(stop);
        }
        driver.peers.watch_devices();
        let shown = stream.as_ref().map_or(JsValue::NULL, JsValue::from);
        driver.page.tell_all("LocalMedia", &[shown]);
        then(driver, stream);
    });
}

/// Lets go of the devices.
pub fn stop(stream: &MediaStream) {
    tracks(stream).iter().for_each(MediaStreamTrack::stop);
}

/// Tells which track ends by itself: its device is gone, or the user has stopped it in the browser.
pub fn when_ended(
    stream: &MediaStream,
    tell: impl Fn(Kind) + Clone + 'static,
) -> Vec<EventListener> {
    let listen = |track: &MediaStreamTrack| {
        let (kind, tell) = (kind_of(track), tell.clone());
        EventListener::new(track, "ended", move |_| tell(kind))
    };
    tracks(stream).iter().map(listen).collect()
}

/// The same stream once more. `clone()` would be the browser's: other tracks, which nobody mutes or
/// stops.
pub fn same(stream: &MediaStream) -> MediaStream {
    Clone::clone(stream)
}

/// Whether there is sound, and a picture.
pub fn kinds(stream: &MediaStream) -> (bool, bool) {
    (stream.get_audio_tracks().length() > 0, stream.get_video_tracks().length() > 0)
}

/// How a connection is made: one path for all media (fewer candidates, sooner there), and who helps
/// to find it.
pub fn configuration(servers: &[IceServer]) -> RtcConfiguration {
    let configuration = RtcConfiguration::new();
    configuration.set_bundle_policy(RtcBundlePolicy::MaxBundle);
    let list = Array::new();
    for server in servers {
        let object = Object::new();
        set(&object, "urls", &server.urls.as_str().into());
        set(&object, "username", &server.username.as_str().into());
        set(&object, "credential", &server.credential.as_str().into());
        list.push(&object);
        if server.only {
            set(&configuration, "iceTransportPolicy", &"relay".into());
        }
    }
    configuration.set_ice_servers(&list);
    configuration
}

/// A connection's state as the client knows it.
pub fn state_of(peer: &RtcPeerConnection) -> PeerState {
    match peer.connection_state() {
        RtcPeerConnectionState::Connected => PeerState::Connected,
        RtcPeerConnectionState::Disconnected => PeerState::Disconnected,
        RtcPeerConnectionState::Failed => PeerState::Failed,
        _ => PeerState::Connecting,
    }
}

pub fn tracks(stream: &MediaStream) -> Vec<MediaStreamTrack> {
    stream.get_tracks().iter().filter_map(|track| track.dyn_into().ok()).collect()
}

pub fn track_of(stream: &MediaStream, kind: Kind) -> Option<MediaStreamTrack> {
    tracks(stream).into_iter().find(|track| kind_of(track) == kind)
}

pub fn kind_of(track: &MediaStreamTrack) -> Kind {
    if track.kind() == "audio" { Kind::Audio } else { Kind::Video }
}
