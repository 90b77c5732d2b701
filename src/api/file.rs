//! Files as pages see them: what happens to a transfer is told, what pages want is passed on.
//! Records and `MesiboFileTransfer` objects are made in `js/file.js`.

use client::event::{Origin, ReadSessionId};
use client::message::Message;
use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::driver::spawn;

use super::arguments::{message_id, number, text};
use super::listener::{call, method, spellings};
use super::mesibo::Mesibo;
use super::page::Page;
use super::records::{self, Links};

/// What pages may want of a transfer, as `js/file.js` counts it.
const START: u32 = 0;
const STOP: u32 = 1;
const CANCEL: u32 = 2;
const PROGRESS: u32 = 3;
const RESULT: u32 = 4;
const FORGET: u32 = 5;

#[wasm_bindgen]
impl Mesibo {
    #[wasm_bindgen(js_name = setUploadUrl)]
    pub fn set_upload_url(&self, url: JsValue, token: JsValue) {
        self.driver.call(|client, _| client.set_upload_url(text(&url), text(&token)));
    }

    /// Uploads the picture of a profile, a blob, or the number of one that was kept; the callback is
    /// told where it is, or nothing. `job` is kept with it: `js/pictures.js` says what it is.
    #[wasm_bindgen(js_name = _uploadPicture)]
    pub fn upload_picture(&self, picture: JsValue, job: JsValue, callback: Function) -> f64 {
        let kept = message_id(&picture);
        let id = self.driver.call(|client, _| client.upload_picture(kept));
        self.driver.transfers.hold_picture(id, picture.dyn_into().ok(), job);
        self.page().picturing.borrow_mut().insert(id, callback);
        id.get() as f64
    }

    /// 0 to 100, -1 when nothing is on its way.
    #[wasm_bindgen(js_name = _progress)]
    pub fn transfer_progress(&self, mid: JsValue) -> i32 {
        let state = message_id(&mid).and_then(|id| self.driver.look(|c| c.transfer_state(id)));
        state.map_or(-1, |state| i32::from(state.percent))
    }

    #[wasm_bindgen(js_name = _isTransferring)]
    pub fn is_transferring(&self, mid: JsValue) -> bool {
        let state = message_id(&mid).and_then(|id| self.driver.look(|c| c.transfer_state(id)));
        state.is_some_and(|state| state.running)
    }

    #[wasm_bindgen(js_name = _transfer)]
    pub fn transfer(&self, mid: JsValue, verb: u32, value: JsValue, url: JsValue) -> bool {
        let Some(id) = message_id(&mid) else { return false };
        self.driver.call(|client, now| match verb {
            START => client.start_transfer(id),
            STOP => client.stop_transfer(id),
            CANCEL => client.cancel_transfer(now, id, value.is_truthy()),
            PROGRESS => {
                client.page_progress(now, id, number(&value).clamp(0.0, 100.0) as u8);
                true
            }
            RESULT => {
                client.page_result(now, id, value.is_truthy().then(|| text(&url)));
                true
            }
            FORGET => {
                client.forget_picture(id);
                true
            }
            _ => false,
        })
    }
}

impl Page {
    /// Asks the listeners whether one of them does it. After a reload the file is in the database
    /// alone, and they are to have it.
    pub fn on_file_start(&self, message: Message) {
        let driver = self.driver;
        spawn(async move {
            let id = message.key.id;
            driver.transfers.find(id).await;
            let taken = driver.page.ask_about_file("StartFileTransfer", &message);
            driver.call(|client, _| client.begin_transfer(id, taken));
        });
    }

    pub fn on_file_stop(&self, message: &Message) {
        self.ask_about_file("StopFileTransfer", message);
    }

    pub fn on_file_progress(
        &self,
        message: &Message,
        sessions: &[ReadSessionId],
        percent: u8,
        running: bool,
    ) {
        let object = self.known(message);
        let transfer = records::joined().transfer(&object, percent.into(), running);
        self.tell_all("FileTransferProgress", &[transfer]);
        self.tell_message("MessageUpdate", &self.sessions_of(sessions), &[object]);
    }

    fn ask_about_file(&self, name: &str, message: &Message) -> bool {
        let object = self.message(message, Origin::Realtime, Links::default());
        let transfer = records::joined().transfer(&object, 0, true);
        let names = spellings(name);
        let takes = |listener: &JsValue| {
            let found = method(listener, names);
            found.is_some_and(|found| {
                call(&found, listener, std::slice::from_ref(&transfer)) == JsValue::TRUE
            })
        };
        self.listeners().iter().any(takes)
    }
}
