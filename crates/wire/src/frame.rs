//! Frames to bytes and back; nothing that comes from outside can make it panic.

use alloc::vec::Vec;

use crate::codec::{Decode as _, Encode as _, Malformed, Writer, first_field};
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
    Malformed(#[from] Malformed),
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
pub fn encode_deliver<'a>(entries: impl Iterator<Item = (Seq, Option<&'a [u8]>)>) -> Vec<u8> {
    let mut frame = Writer::default();
    let outside = frame.begin(4);
    for (seq, entry) in entries {
        let deliver = frame.begin(1);
        frame.some_u64(1, Some(seq.0));
        frame.some_bytes(2, entry);
        frame.end(deliver);
    }
    frame.end(outside);
    frame.into_bytes()
}

fn check_size(bytes: &[u8]) -> Result<(), FrameError> {
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(FrameError::TooLarge { bytes: bytes.len() });
    }
    Ok(())
}

fn unknown(bytes: &[u8]) -> FrameError {
    FrameError::Unknown { field: first_field(bytes) }
}
