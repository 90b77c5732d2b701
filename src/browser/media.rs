//! Cameras, microphones, screens, and the elements that show them.

use gloo_timers::callback::Timeout;
use js_sys::{Array, Promise, Reflect, global};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DisplayMediaStreamConstraints, Document, HtmlElement, HtmlMediaElement, HtmlVideoElement,
    MediaDeviceInfo, MediaDeviceKind, MediaDevices, MediaStream, MediaStreamConstraints,
    MediaStreamTrack, MediaTrackConstraints,
};

/// `MESIBOCALL_VIDEOSOURCE_*`
const FRONT: u32 = 1;
const REAR: u32 = 2;
pub const SCREEN: u32 = 4;

/// Captures what is wanted; where a part of it cannot be had, the rest.
pub async fn capture(
    source: u32,
    index: u32,
    audio: bool,
    video: bool,
    microphone: &str,
) -> Result<MediaStream, JsValue> {
    let devices = devices()?;
    if source == SCREEN {
        let constraints = DisplayMediaStreamConstraints::new();
        constraints.set_video(&video.into());
        constraints.set_audio(&audio.into());
        return stream(devices.get_display_media_with_constraints(&constraints)?).await;
    }
    let picture = picture(&devices, source, index).await;
    let sound = if audio { sound(&devices, microphone).await } else { false.into() };
    let mut refused = JsValue::UNDEFINED;
    for (audio, video) in [(audio, video), (false, video), (audio, false)] {
        if !audio && !video {
            continue;
        }
        let constraints = MediaStreamConstraints::new();
        constraints.set_audio(&if audio { sound.clone() } else { false.into() });
        constraints.set_video(&if video { picture.clone() } else { false.into() });
        match stream(devices.get_user_media_with_constraints(&constraints)?).await {
            Ok(stream) => return Ok(stream),
            Err(error) if refused.is_undefined() => refused = error,
            Err(_) => {}
        }
    }
    Err(refused)
}

/// The microphone of this id while it is there, else the browser's choice.
async fn sound(devices: &MediaDevices, microphone: &str) -> JsValue {
    let there = match devices.enumerate_devices() {
        Ok(list) if !microphone.is_empty() => JsFuture::from(list).await.unwrap_or_default(),
        _ => return true.into(),
    };
    let is_it = |device: JsValue| {
        let id = Reflect::get(&device, &"deviceId".into()).ok();
        id.and_then(|id| id.as_string()).is_some_and(|id| id == microphone)
    };
    if !Array::from(&there).iter().any(is_it) {
        return true.into();
    }
    // Chromium takes its default all the same where another one is only wished for.
    let (wanted, exactly) = (js_sys::Object::new(), js_sys::Object::new());
    let _ = Reflect::set(&exactly, &"exact".into(), &microphone.into());
    let _ = Reflect::set(&wanted, &"deviceId".into(), &exactly);
    wanted.into()
}

/// Which camera: by its side, or by its number.
async fn picture(devices: &MediaDevices, source: u32, index: u32) -> JsValue {
    let wanted = js_sys::Object::new();
    let set = |name: &str, value: JsValue| {
        let _ = Reflect::set(&wanted, &JsValue::from_str(name), &value);
    };
    match (source, index) {
        (FRONT, 0) => set("facingMode", "user".into()),
        (REAR, 0) => set("facingMode", "environment".into()),
        (_, 0) => return true.into(),
        _ => {
            let Ok(list) = devices.enumerate_devices() else { return true.into() };
            let list = JsFuture::from(list).await.map(|list| Array::from(&list));
            let list = list.unwrap_or_default();
            let cameras =
                list.iter().filter_map(|device| device.dyn_into::<MediaDeviceInfo>().ok());
            let mut cameras = cameras.filter(|device| device.kind() == MediaDeviceKind::Videoinput);
            match cameras.nth(index as usize) {
                Some(camera) => set("deviceId", camera.device_id().into()),
                None => return true.into(),
            }
        }
    }
    wanted.into()
}

/// Its pictures have no more lines than this; a browser that cannot do that leaves them.
pub async fn limit(stream: &MediaStream, lines: Option<u32>) {
    let constraints = MediaTrackConstraints::new();
    if let Some(lines) = lines {
        let most = js_sys::Object::new();
        let _ = Reflect::set(&most, &"max".into(), &lines.into());
        constraints.set_height(&most);
    }
    for track in stream.get_video_tracks() {
        if let Ok(promise) = track
            .unchecked_into::<MediaStreamTrack>()
            .apply_constraints_with_constraints(&constraints)
        {
            let _ = JsFuture::from(promise).await;
        }
    }
}

async fn stream(promise: Promise) -> Result<MediaStream, JsValue> {
    JsFuture::from(promise).await?.dyn_into()
}

pub fn devices() -> Result<MediaDevices, JsValue> {
    let navigator = Reflect::get(&global(), &"navigator".into())?;
    let devices = Reflect::get(&navigator, &"mediaDevices".into())?;
    devices.dyn_into().map_err(|_| {
        "camera and microphone need a page that is served by https or from localhost".into()
    })
}

/// The name and text of a browser's error.
pub fn reason(error: &JsValue) -> String {
    if let Some(text) = error.as_string() {
        return text;
    }
    let field = |name: &str| {
        Reflect::get(error, &JsValue::from_str(name)).ok().and_then(|value| value.as_string())
    };
    format!("{}: {}", field("name").unwrap_or_default(), field("message").unwrap_or_default())
}

/// In how many sizes a picture is worth sending: each half of the next, none smaller than a stamp.
pub fn sizes(track: &MediaStreamTrack) -> u32 {
    const SIDE_MIN: f64 = 240.0;
    let settings = track.get_settings();
    let side = |name: &str| Reflect::get(&settings, &name.into()).ok()?.as_f64();
    let side = side("width").unwrap_or(0.0).max(side("height").unwrap_or(0.0));
    1 + u32::from(side >= 2.0 * SIDE_MIN) + u32::from(side >= 4.0 * SIDE_MIN)
}

/// By how much the picture at this place is smaller than the largest of so many.
pub fn scale(count: u32, place: u32) -> f64 {
    f64::from(1 << (count - 1 - place))
}

/// So many encodings of a picture, the smallest first. They are called by their place.
pub fn encodings(count: u32) -> Array {
    let encoding = |place: u32| {
        let encoding = js_sys::Object::new();
        let set = |name: &str, value: JsValue| drop(Reflect::set(&encoding, &name.into(), &value));
        set("rid", place.to_string().into());
        set("scaleResolutionDownBy", scale(count, place).into());
        encoding
    };
    (0..count).map(encoding).collect()
}

/// An element nobody sees that tells the shape of a picture.
pub fn probe(track: &MediaStreamTrack) -> Option<HtmlVideoElement> {
    let video: HtmlVideoElement = element("video")?;
    let stream = MediaStream::new().ok()?;
    stream.add_track(track);
    // What is muted plays without a gesture; what is nowhere on the page only when it is told to.
    video.set_muted(true);
    put(&video, Some(&stream));
    if let Ok(playing) = video.play() {
        crate::driver::spawn(async move { drop(JsFuture::from(playing).await) });
    }
    Some(video)
}

/// A new element of this kind.
pub fn element<T: JsCast>(name: &str) -> Option<T> {
    document()?.create_element(name).ok()?.dyn_into().ok()
}

/// The media element of this id, or this element; inside another element one is made.
pub fn view(element: &JsValue) -> Option<HtmlMediaElement> {
    let found: JsValue = match element.as_string() {
        Some(id) => document()?.get_element_by_id(&id)?.into(),
        None => element.clone(),
    };
    if let Some(media) = found.dyn_ref::<HtmlMediaElement>() {
        return Some(media.clone());
    }
    let parent: HtmlElement = found.dyn_into().ok()?;
    if let Ok(Some(known)) = parent.query_selector("video") {
        return known.dyn_into().ok();
    }
    let video: HtmlMediaElement = self::element("video")?;
    let _ = video.set_attribute("playsinline", "");
    parent.append_child(&video).ok()?;
    Some(video)
}

/// Puts a stream into an element, or takes it out.
pub fn put(element: &HtmlMediaElement, stream: Option<&MediaStream>) {
    if element.src_object().as_ref() != stream {
        element.set_src_object(stream);
    }
    if stream.is_some() {
        element.set_autoplay(true);
    }
}

/// Plays through the device of this id, where the browser lets pages choose; empty: the default.
pub fn play_through(element: &HtmlMediaElement, device: &str) {
    let name = |name| Reflect::get(element, &JsValue::from_str(name)).unwrap_or_default();
    let Ok(set) = name("setSinkId").dyn_into::<js_sys::Function>() else { return };
    if name("sinkId").as_string().as_deref() == Some(device) {
        return;
    }
    let done = set.call1(element, &device.into()).and_then(|done| done.dyn_into::<Promise>());
    wasm_bindgen_futures::spawn_local(async move {
        let done = match done {
            Ok(done) => JsFuture::from(done).await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            crate::api::listener::warn(&format!("sound stays where it is: {}", reason(&error)));
        }
    });
}

/// Calls until it succeeds, every `interval_ms`, at most `tries` times more; then the second.
pub fn retry(
    mut attempt: Box<dyn FnMut() -> bool>,
    interval_ms: u32,
    tries: u32,
    failed: Box<dyn FnOnce()>,
) {
    if attempt() {
        return;
    }
    if tries == 0 {
        return failed();
    }
    let next = move || retry(attempt, interval_ms, tries - 1, failed);
    // Lives until it fires, which it does at most `tries` times.
    Timeout::new(interval_ms, next).forget();
}

pub fn document() -> Option<Document> {
    Reflect::get(&global(), &JsValue::from_str("document")).ok()?.dyn_into().ok()
}
