//! What messages say, packed: a search looks at a few hundred blocks of bytes and not at every
//! message.
//!
//! A line for each message, `conversation FE place+key FE text FF`, in lower case: `FE` and `FF` are in
//! no UTF-8. The place is the order counted from its end, so that newest first is ascending. Relies
//! on [`store`](super::store) to add a line with each message and to take it out with it, in the
//! same transaction: what was taken back is in no block either.

use client::message::Message;
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use super::database::{Table, done};
use super::schema::object;
use super::text::lower;

/// A block that has this many bytes gets no more lines. Each commit writes the last block again.
const BLOCK_BYTES: usize = 16 * 1024;

const FIELD: u8 = 0xFE;
const LINE: u8 = 0xFF;

/// Lines that go, and lines that come.
#[derive(Default)]
pub struct Changes {
    added: Vec<u8>,
    /// Beginnings of lines: all of a message, or of a conversation.
    gone: Vec<Gone>,
}

enum Gone {
    Message(String),
    /// Of this conversation, or of all, what is behind this place.
    Older(Option<String>, String),
}

/// Of a message that has this order.
fn place(order: u64) -> String {
    format!("{:014x}", (1 << 56) - 1 - order)
}

impl Changes {
    pub fn add(&mut self, conversation: &str, message: &Message) {
        let content = &message.content;
        let body = core::str::from_utf8(&content.body).unwrap_or_default();
        let name = content.file.as_ref().map_or("", |file| file.name.as_str());
        let texts = [body, content.title.as_str(), content.subtitle.as_str(), name];
        if texts.iter().all(|text| text.is_empty()) {
            return;
        }
        let added = &mut self.added;
        added.extend_from_slice(conversation.as_bytes());
        added.push(FIELD);
        added.extend_from_slice(place(message.order).as_bytes());
        added.extend_from_slice(message.key.to_string().as_bytes());
        added.push(FIELD);
        added.extend_from_slice(String::from(lower(&texts.join("\n"))).as_bytes());
        added.push(LINE);
    }

    pub fn remove(&mut self, key: String) {
        self.gone_is(Gone::Message(key));
    }

    pub fn remove_before(&mut self, conversation: Option<String>, order: u64) {
        self.gone_is(Gone::Older(conversation, place(order)));
    }

    fn gone_is(&mut self, gone: Gone) {
        // Lines of the same commit, too.
        if let Some(rest) = without(&self.added, core::slice::from_ref(&gone)) {
            self.added = rest;
        }
        self.gone.push(gone);
    }

    /// Brings the blocks up to date.
    pub async fn write(self, blocks: &Table) -> Result<(), JsValue> {
        let inside = JsValue::UNDEFINED;
        if !self.gone.is_empty() {
            for block in all(blocks).await? {
                if let Some(rest) = without(&bytes_of(&block)?, &self.gone) {
                    blocks.put(&value(&Reflect::get(&block, &"n".into())?, &rest), &inside)?;
                }
            }
        }
        if self.added.is_empty() {
            return Ok(());
        }
        let last = done(blocks.open_cursor(&inside, "prev")?).await?;
        let (mut number, mut bytes) = (0.0, Vec::new());
        if !last.is_null() {
            let last = last.unchecked_into::<super::database::Cursor>().value();
            number = Reflect::get(&last, &"n".into())?.as_f64().unwrap_or_default();
            bytes = bytes_of(&last)?;
        }
        if bytes.len() + self.added.len() > BLOCK_BYTES {
            number += 1.0;
            bytes.clear();
        }
        bytes.extend_from_slice(&self.added);
        blocks.put(&value(&number.into(), &bytes), &inside)?;
        Ok(())
    }
}

/// Keys of messages with this text, at most so many: newest first, or oldest first with `fifo`,
/// behind a message.
pub async fn find(
    blocks: &Table,
    conversation: Option<&str>,
    from: Option<(u64, String)>,
    fifo: bool,
    count: u32,
    text: &str,
) -> Result<Vec<String>, JsValue> {
    let wanted = String::from(lower(text)).into_bytes();
    let from = from.map(|(order, key)| place(order) + &key);
    let in_reading_order = |a: &[u8], b: &[u8]| if fifo { b.cmp(a) } else { a.cmp(b) };
    // Nearly always blocks are in the order of their messages: begun at the right end, what comes
    // later is soon farther away than all that was found.
    let blocks = all(blocks).await?;
    if !fifo {
        blocks.reverse();
    }
    let mut found = Vec::<String>::new();
    for block in blocks {
        let bytes = bytes_of(&block)?;
        if !contains(&bytes, &wanted) {
            continue;
        }
        for line in bytes.split(|byte| *byte == LINE) {
            let Some([of, at, says]) = fields(line) else { continue };
            let is_behind = |place: &String| in_reading_order(at, place.as_bytes()).is_gt();
            let elsewhere = conversation.is_some_and(|wanted| wanted.as_bytes() != of);
            let is_read = from.as_ref().is_some_and(|from| !is_behind(from));
            let is_far = found.len() == count as usize && found.last().is_some_and(is_behind);
            if elsewhere || is_read || is_far || !contains(says, &wanted) {
                continue;
            }
            let Ok(at) = core::str::from_utf8(at) else { continue };
            let index = found.partition_point(is_behind);
            found.insert(index, at.to_owned());
            found.truncate(count as usize);
        }
    }
    Ok(found.iter().map(|place| place.get(14..).unwrap_or_default().to_owned()).collect())
}

fn fields(line: &[u8]) -> Option<[&[u8]; 3]> {
    let mut fields = line.splitn(3, |byte| *byte == FIELD);
    Some([fields.next()?, fields.next()?, fields.next()?])
}

/// The lines that stay; `None` when all do.
fn without(lines: &[u8], gone: &[Gone]) -> Option<Vec<u8>> {
    let is_gone = |line: &[u8]| {
        let Some([of, at, _]) = fields(line) else { return false };
        gone.iter().any(|gone| match gone {
            Gone::Message(key) => at.get(14..) == Some(key.as_bytes()),
            Gone::Older(conversation, place) => {
                conversation.as_ref().is_none_or(|wanted| wanted.as_bytes() == of)
                    && at.get(..14) > Some(place.as_bytes())
            }
        })
    };
    let lines = lines.split_inclusive(|byte| *byte == LINE);
    if !lines.clone().any(is_gone) {
        return None;
    }
    Some(lines.filter(|line| !is_gone(line)).collect::<Vec<_>>().concat())
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    let Some(first) = wanted.first() else { return true };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = &rest[at..];
        if rest.starts_with(wanted) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

async fn all(blocks: &Table) -> Result<Array, JsValue> {
    Ok(done(blocks.get_all(&JsValue::UNDEFINED, None)?).await?.unchecked_into())
}

fn value(number: &JsValue, bytes: &[u8]) -> JsValue {
    object(&[("n", number.clone()), ("d", Uint8Array::from(bytes).into())])
}

fn bytes_of(block: &JsValue) -> Result<Vec<u8>, JsValue> {
    Ok(Reflect::get(block, &"d".into())?.unchecked_into::<Uint8Array>().to_vec())
}
