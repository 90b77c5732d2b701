//! Frames to bytes and back; nothing that comes from outside can make it panic.

use alloc::vec::Vec;
use prost::Message as _;

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
