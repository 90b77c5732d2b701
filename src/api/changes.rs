//! What pages do with messages that exist: edit, recall, wipe, remove, look up.

use client::Removal;
use client::message::MessageKey;
use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;
use wire::time::Timestamp;

use super::arguments::{conversation, message_id, number, property, text};
use super::listener::warn;
use super::mesibo::Mesibo;
use super::records;

const OK: i32 = 0;
const BAD_REQUEST: i32 = 0x85;
const DENIED: i32 = 0xC1;

/// Which message a record is of.
fn key(record: &JsValue) -> Option<MessageKey> {
    let id = message_id(&property(record, "mid"))?;
    let incoming = records::is_incoming(record);
    let sender = if incoming { text(&property(record, "peer")) } else { String::new() };
    Some(MessageKey { incoming, sender, id })
}

#[wasm_bindgen]
impl Mesibo {
    /// Gives a sent message the content its record has now.
    #[wasm_bindgen(js_name = _edit)]
    pub fn edit_record(&self, record: JsValue, extras: JsValue) -> i32 {
        let Some(key) = key(&record) else { return BAD_REQUEST };
        let content = records::draft(&record, &extras, None, None).content;
        match self.driver.call(|client, now| client.edit(now, &key, content)) {
            Ok(()) => OK,
            Err(error) => {
                warn(&error.to_string());
                match error {
                    client::ChangeError::Content(_) => BAD_REQUEST,
                    _ => DENIED,
                }
            }
        }
    }

    /// Takes a sent message back from everybody.
    #[wasm_bindgen(js_name = _recall)]
    pub fn recall_record(&self, record: JsValue) -> bool {
        let Some(key) = key(&record) else { return false };
        let recalled = self.driver.call(|client, now| client.recall(now, &key));
        recalled.inspect_err(|error| warn(&error.to_string())).is_ok()
    }

    /// Whether a message may still be edited or recalled.
    #[wasm_bindgen(js_name = _mayChange)]
    pub fn may_change_record(&self, record: JsValue) -> bool {
        let look = |key| self.driver.look_now(|client, now| client.may_change(now, &key));
        key(&record).is_some_and(look)
    }

    /// Erases what messages say on this device.
    #[wasm_bindgen(js_name = _wipe)]
    pub fn wipe_records(&self, records: Array) -> bool {
        let keys: Vec<_> = records.iter().filter_map(|record| key(&record)).collect();
        self.driver.call(|client, _| client.wipe(&keys));
        !keys.is_empty()
    }

    /// Removes messages from the own devices.
    #[wasm_bindgen(js_name = _remove)]
    pub fn remove_records(&self, records: Array) -> bool {
        let keys: Vec<_> = records.iter().filter_map(|record| key(&record)).collect();
        !keys.is_empty() && self.remove(Removal::Messages(keys))
    }

    /// Removes messages of a conversation, or of all when there is none, sent before a moment.
    #[wasm_bindgen(js_name = _removeBefore)]
    pub fn remove_before(
        &self,
        address: JsValue,
        group: JsValue,
        before: JsValue,
        keep: bool,
    ) -> bool {
        let conversation = conversation(&address, &group);
        let before = Timestamp(number(&before).max(0.0) as u64);
        self.remove(Removal::Before { conversation, before, keep })
    }

    /// Empties the database.
    #[wasm_bindgen(js_name = _reset)]
    pub fn reset(&self, messages: bool, profiles: bool) {
        self.driver.call(|client, _| client.reset_store(messages, profiles));
    }

    #[wasm_bindgen(js_name = _removeZombies)]
    pub fn remove_zombies(&self, only_groups: bool) {
        self.driver.call(|client, _| client.remove_zombies(only_groups));
    }

    /// Counts messages of a conversation, or of all, by their status; the callback gets
    /// `[status, count, status, …]`.
    #[wasm_bindgen(js_name = _countMessages)]
    pub fn count_messages(
        &self,
        address: JsValue,
        group: JsValue,
        thread: u32,
        callback: Function,
    ) {
        let of = conversation(&address, &group);
        let ticket = self.driver.call(|client, _| client.count_messages(of, thread));
        self.page().finding.borrow_mut().insert(ticket, callback);
    }

    /// Marks all of a conversation read, or with `unread` its newest message unread.
    #[wasm_bindgen(js_name = _mark)]
    pub fn mark(&self, address: JsValue, group: JsValue, unread: bool, tells: bool) {
        let Some(of) = conversation(&address, &group) else { return };
        self.driver.call(|client, _| match unread {
            true => client.mark_unread(&of),
            false => client.mark_conversation_read(&of, tells),
        });
    }

    /// The message of this id: in memory now, else from the database, later, to the callback.
    #[wasm_bindgen(js_name = getMessage)]
    pub fn get_message(&self, mid: JsValue, callback: JsValue, sender: JsValue) -> JsValue {
        let id = message_id(&mid);
        let known = id.and_then(|id| self.driver.look(|client| client.find(id).cloned()));
        let object = known.map_or(JsValue::NULL, |message| self.page().known(&message));
        let Some(callback) = callback.dyn_ref::<Function>() else { return object };
        let sender = text(&sender);
        let ticket = self.driver.call(|client, _| client.find_later(id, sender));
        self.page().finding.borrow_mut().insert(ticket, callback.clone());
        object
    }
}

impl Mesibo {
    fn remove(&self, removal: Removal) -> bool {
        let removed = self.driver.call(|client, _| client.remove(removal));
        removed.inspect_err(|error| warn(&error.to_string())).is_ok()
    }
}
