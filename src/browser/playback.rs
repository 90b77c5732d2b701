//! Streams in elements of the page. What the browser does not play before the user has touched the page
//! begins with the next gesture, or when the page says so.

use std::cell::RefCell;

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlMediaElement, MediaStream};

use super::media;
use crate::driver::Engine;

pub struct Playback {
    /// Elements the browser has refused to play.
    waiting: RefCell<Vec<HtmlMediaElement>>,
    gestures: RefCell<Vec<EventListener>>,
    driver: Engine,
}

impl Playback {
    pub fn new(driver: Engine) -> Playback {
        Playback { waiting: RefCell::default(), gestures: RefCell::default(), driver }
    }

    /// Puts a stream into an element.
    pub fn show(&self, element: &HtmlMediaElement, stream: &MediaStream) {
        media::put(element, Some(stream));
        self.play(element.clone());
    }

    /// A sound-only element for a stream that is in no view.
    pub fn speaker(&self, stream: &MediaStream) -> Option<HtmlMediaElement> {
        let audio = media::element("audio")?;
        self.show(&audio, stream);
        Some(audio)
    }

    /// Tries once more what was refused.
    pub fn resume(&self) {
        let waiting = self.waiting.borrow().clone();
        waiting.into_iter().for_each(|element| self.play(element));
    }

    fn play(&self, element: HtmlMediaElement) {
        let driver = self.driver;
        crate::driver::spawn(async move {
            // One that was emptied meanwhile would never say that it plays.
            let refused = match element.src_object().and_then(|_| element.play().ok()) {
                None => false,
                Some(playing) => JsFuture::from(playing)
                    .await
                    .is_err_and(|error| media::reason(&error).starts_with("NotAllowedError")),
            };
            driver.playback.played(element, refused);
        });
    }

    fn played(&self, element: HtmlMediaElement, refused: bool) {
        let mut waiting = self.waiting.borrow_mut();
        let before = waiting.is_empty();
        waiting.retain(|other| *other != element);
        if refused {
            waiting.push(element);
        }
        let none = waiting.is_empty();
        drop(waiting);
        if before == none {
            return;
        }
        *self.gestures.borrow_mut() = if none { Vec::new() } else { self.gestures() };
        self.driver.page.tell_all("PlaybackBlocked", &[(!none).into()]);
    }

    /// What browsers take for a gesture: a finger counts when it is lifted. The page may keep them to
    /// itself, so they are heard of before it.
    fn gestures(&self) -> Vec<EventListener> {
        let Some(document) = media::document() else { return Vec::new() };
        let listen = |name: &'static str| {
            let driver = self.driver;
            let options = EventListenerOptions::run_in_capture_phase();
            EventListener::new_with_options(&document, name, options, move |_| {
                driver.playback.resume();
            })
        };
        ["pointerup", "keydown"].map(listen).into()
    }
}
