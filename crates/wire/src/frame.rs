//! Frames to bytes and back; nothing that comes from outside can make it panic.

use alloc::vec::Vec;
use prost::Message as _;
use prost::encoding::{encode_varint, encoded_len_varint};

use crate::id::Seq;
use crate::limits::FRAME_BYTES_MAX;
use crate::proto::{ClientFrame, ServerFrame, client_frame, server_frame};

/// Why bytes are not a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Larger than allowed; the session ends with `FrameTooLarge`.
    #[error("frame has {bytes} bytes, the limit is {limit}", limit = FRAME_BYTES_MAX)]
    TooLarge {
        /// Size of what came.
        bytes: usize,
    },
    /// Truncated or no Protobuf; the session ends with `Protocol`.
    #[error("frame cannot be read: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// A text frame; ours are binary. The session ends with `Protocol`.
    #[error("frame is text, not binary")]
    Text,
    /// A frame that this version does not know; answered with `Unsupported`.
    #[error("frame kind {field} is not known here")]
    Unknown {
        /// Its field number, 0 when the frame is empty.
        field: u32,
    },
}

/// Reads what a client sent.
pub fn decode_client(bytes: &[u8]) -> Result<client_frame::Body, FrameError> {
    check_size(bytes)?;
    ClientFrame::decode(bytes)?.body.ok_or_else(|| unknown(bytes))
}

/// Reads what the server sent.
pub fn decode_server(bytes: &[u8]) -> Result<server_frame::Body, FrameError> {
    check_size(bytes)?;
    ServerFrame::decode(bytes)?.body.ok_or_else(|| unknown(bytes))
}

/// The bytes of a client's frame.
pub fn encode_client(body: client_frame::Body) -> Vec<u8> {
    ClientFrame { body: Some(body) }.encode_to_vec()
}

/// The bytes of a server's frame.
pub fn encode_server(body: server_frame::Body) -> Vec<u8> {
    ServerFrame { body: Some(body) }.encode_to_vec()
}

/// The bytes of a `Deliver` frame around entries that are encoded already, so that an entry for
/// many is encoded once. `None` keeps a place without an entry.
pub fn encode_deliver<'a>(
    entries: impl Iterator<Item = (Seq, Option<&'a [u8]>)> + Clone,
) -> Vec<u8> {
    const VARINT: u8 = 0;
    const BYTES: u8 = 2;
    let key = |field: u8, wire_type: u8| field << 3 | wire_type;
    let entry_len = |(seq, entry): (Seq, Option<&[u8]>)| {
        let bytes =
            entry.map_or(0, |entry| 1 + encoded_len_varint(entry.len() as u64) + entry.len());
        1 + encoded_len_varint(seq.0) + bytes
    };

    let lens = entries.clone().map(entry_len);
    let len: usize = lens.map(|len| 1 + encoded_len_varint(len as u64) + len).sum();
    let mut frame = Vec::with_capacity(1 + encoded_len_varint(len as u64) + len);
    frame.push(key(4, BYTES));
    encode_varint(len as u64, &mut frame);
    for (seq, entry) in entries {
        frame.push(key(1, BYTES));
        encode_varint(entry_len((seq, entry)) as u64, &mut frame);
        frame.push(key(1, VARINT));
        encode_varint(seq.0, &mut frame);
        if let Some(bytes) = entry {
            frame.push(key(2, BYTES));
            encode_varint(bytes.len() as u64, &mut frame);
            frame.extend_from_slice(bytes);
        }
    }
    frame
}

fn check_size(bytes: &[u8]) -> Result<(), FrameError> {
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(FrameError::TooLarge { bytes: bytes.len() });
    }
    Ok(())
}

fn unknown(bytes: &[u8]) -> FrameError {
    let key = prost::decode_length_delimiter(bytes).unwrap_or(0);
    FrameError::Unknown { field: u32::try_from(key >> 3).unwrap_or(0) }
}
