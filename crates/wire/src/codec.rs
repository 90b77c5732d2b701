//! Protobuf: messages to bytes and back, one shared reader and one shared writer.
//!
//! A message says what its fields are called in [`Decode::field`] and [`Encode::encode`], each a
//! line a field; everything else stands here once, because a client carries it in its download.
//! `build.rs` writes those lines from the schema. Nothing that comes from outside makes it panic.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

/// Bytes that are no message: truncated, no Protobuf, text that is not UTF-8, or a field of
/// another type than the schema says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("truncated, or not Protobuf")]
pub struct Malformed;

const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const CHUNK: u8 = 2;
const FIXED32: u8 = 5;

/// What can be read.
pub trait Decode {
    /// Reads the field of this number; [`Reader::skip`] one that is not known.
    fn field(&mut self, number: u32, from: &mut Reader<'_>);

    /// Reads a whole message.
    fn decode(bytes: &[u8]) -> Result<Self, Malformed>
    where
        Self: Default,
    {
        let mut message = Self::default();
        let mut reader = Reader { rest: bytes, wire_type: VARINT, failed: false };
        reader.fields(&mut message);
        if reader.failed { Err(Malformed) } else { Ok(message) }
    }
}

/// What can be written.
pub trait Encode {
    /// Writes all fields, by number.
    fn encode(&self, to: &mut Writer);

    /// The message as bytes.
    fn encode_to_vec(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.encode(&mut writer);
        writer.bytes
    }

    /// So many bytes it has.
    fn encoded_len(&self) -> usize {
        self.encode_to_vec().len()
    }
}

/// The number of a message's first field, 0 when there is none.
pub(crate) fn first_field(bytes: &[u8]) -> u32 {
    let mut reader = Reader { rest: bytes, wire_type: VARINT, failed: false };
    u32::try_from(reader.varint() >> 3).unwrap_or(0)
}

/// What is left of a message. Once something is wrong it has no more fields, so that nobody has
/// to ask after each.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// Of the field whose turn it is.
    wire_type: u8,
    failed: bool,
}

impl<'a> Reader<'a> {
    fn fail(&mut self) {
        self.rest = &[];
        self.failed = true;
    }

    fn fields(&mut self, message: &mut dyn Decode) {
        while !self.rest.is_empty() {
            let key = self.varint();
            self.wire_type = (key & 7) as u8;
            match u32::try_from(key >> 3) {
                Ok(number) if number != 0 => message.field(number, self),
                _ => self.fail(),
            }
        }
    }

    fn varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let Some((byte, rest)) = self.rest.split_first() else { break };
            // A tenth byte has room for one bit.
            if shift == 63 && *byte > 1 {
                break;
            }
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return value;
            }
        }
        self.fail();
        0
    }

    fn take(&mut self, len: u64) -> &'a [u8] {
        let split = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
        match split {
            Some((taken, rest)) => {
                self.rest = rest;
                taken
            }
            None => {
                self.fail();
                &[]
            }
        }
    }

    fn expect(&mut self, wire_type: u8) {
        if self.wire_type != wire_type {
            self.fail();
        }
    }

    fn chunk(&mut self) -> &'a [u8] {
        self.expect(CHUNK);
        let len = self.varint();
        self.take(len)
    }

    /// A field that is not known.
    pub fn skip(&mut self) {
        match self.wire_type {
            VARINT => _ = self.varint(),
            FIXED64 => _ = self.take(8),
            CHUNK => _ = self.chunk(),
            FIXED32 => _ = self.take(4),
            _ => self.fail(),
        }
    }

    /// A number.
    pub fn u64(&mut self, into: &mut u64) {
        self.expect(VARINT);
        *into = self.varint();
    }

    /// A number.
    pub fn u32(&mut self, into: &mut u32) {
        self.expect(VARINT);
        *into = self.varint() as u32;
    }

    /// The number of an enumeration's value.
    pub fn i32(&mut self, into: &mut i32) {
        self.expect(VARINT);
        *into = self.varint() as i32;
    }

    /// Yes or no.
    pub fn bool(&mut self, into: &mut bool) {
        self.expect(VARINT);
        *into = self.varint() != 0;
    }

    /// A number with a point.
    pub fn f64(&mut self, into: &mut f64) {
        self.expect(FIXED64);
        if let Ok(bytes) = self.take(8).try_into() {
            *into = f64::from_le_bytes(bytes);
        }
    }

    /// Text.
    pub fn text(&mut self, into: &mut String) {
        match core::str::from_utf8(self.chunk()) {
            Ok(text) => *into = text.into(),
            Err(_) => self.fail(),
        }
    }

    /// Bytes.
    pub fn bytes(&mut self, into: &mut Vec<u8>) {
        *into = self.chunk().into();
    }

    /// Bytes that can be shared.
    pub fn shared(&mut self, into: &mut Bytes) {
        *into = Bytes::copy_from_slice(self.chunk());
    }

    /// A message within this one.
    pub fn message(&mut self, into: &mut dyn Decode) {
        let inner = self.chunk();
        let rest = core::mem::replace(&mut self.rest, inner);
        self.fields(into);
        if !self.failed {
            self.rest = rest;
        }
    }

    /// One more of a list of messages.
    pub fn push<T: Decode + Default>(&mut self, list: &mut Vec<T>) {
        let mut item = T::default();
        self.message(&mut item);
        list.push(item);
    }

    /// One more of a list of texts.
    pub fn push_text(&mut self, list: &mut Vec<String>) {
        let mut item = String::new();
        self.text(&mut item);
        list.push(item);
    }

    /// Numbers of a list: packed, or one more.
    pub fn numbers(&mut self, mut add: impl FnMut(u64)) {
        if self.wire_type == VARINT {
            return add(self.varint());
        }
        let packed = self.chunk();
        let rest = core::mem::replace(&mut self.rest, packed);
        while !self.rest.is_empty() {
            add(self.varint());
        }
        if !self.failed {
            self.rest = rest;
        }
    }
}

/// A message that is being written. A value that is the default takes no bytes.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// The bytes of all that was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn key(&mut self, number: u32, wire_type: u8) {
        self.varint(u64::from(number << 3 | u32::from(wire_type)));
    }

    /// A number.
    pub fn u64(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.some_u64(number, Some(value));
        }
    }

    /// A number, if there is one.
    pub fn some_u64(&mut self, number: u32, value: Option<u64>) {
        if let Some(value) = value {
            self.key(number, VARINT);
            self.varint(value);
        }
    }

    /// A number.
    pub fn u32(&mut self, number: u32, value: u32) {
        self.u64(number, value.into());
    }

    /// A number, if there is one.
    pub fn some_u32(&mut self, number: u32, value: Option<u32>) {
        self.some_u64(number, value.map(u64::from));
    }

    /// Yes or no.
    pub fn bool(&mut self, number: u32, value: bool) {
        self.u64(number, value.into());
    }

    /// Yes or no, if it was said.
    pub fn some_bool(&mut self, number: u32, value: Option<bool>) {
        self.some_u64(number, value.map(u64::from));
    }

    /// A number with a point, if there is one.
    pub fn some_f64(&mut self, number: u32, value: Option<f64>) {
        if let Some(value) = value {
            self.key(number, FIXED64);
            self.bytes.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// Text or bytes.
    pub fn bytes(&mut self, number: u32, value: &[u8]) {
        if !value.is_empty() {
            self.some_bytes(number, Some(value));
        }
    }

    /// Text or bytes, if there are some.
    pub fn some_bytes(&mut self, number: u32, value: Option<&[u8]>) {
        if let Some(value) = value {
            self.key(number, CHUNK);
            self.varint(value.len() as u64);
            self.bytes.extend_from_slice(value);
        }
    }

    /// A message within this one.
    pub fn message(&mut self, number: u32, message: &impl Encode) {
        let outer = self.begin(number);
        message.encode(self);
        self.end(outer);
    }

    /// What is written until [`Writer::end`] is a message of its own.
    pub fn begin(&mut self, number: u32) -> usize {
        self.key(number, CHUNK);
        // Room for the length; most messages are short.
        self.bytes.push(0);
        self.bytes.len()
    }

    /// The message that began here is complete.
    pub fn end(&mut self, start: usize) {
        let len = self.bytes.len() - start;
        match u8::try_from(len) {
            Ok(len @ 0..0x80) => self.bytes[start - 1] = len,
            _ => {
                let message = self.bytes.split_off(start);
                self.bytes.pop();
                self.varint(len as u64);
                self.bytes.extend_from_slice(&message);
            }
        }
    }

    /// Numbers, packed.
    pub fn numbers(&mut self, number: u32, values: impl ExactSizeIterator<Item = u64>) {
        if values.len() != 0 {
            let outer = self.begin(number);
            values.for_each(|value| self.varint(value));
            self.end(outer);
        }
    }
}
