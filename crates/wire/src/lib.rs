//! What client and server say: frames, ids, codes, limits, time.
//!
//! The schema is `proto/mesibo.proto`, the story is `docs/protocol.md`. Pure and `no_std`, so
//! that the browser, the server and the simulator share every byte of it.
#![no_std]

extern crate alloc;

pub mod call;
pub mod code;
pub mod codec;
pub mod frame;
pub mod id;
pub mod limits;
pub mod mask;
pub mod status;
pub mod time;

/// The frames, as `build.rs` writes them from the schema.
#[allow(missing_docs, clippy::all)]
pub mod proto {
    use alloc::string::String;
    use alloc::vec::Vec;

    use bytes::Bytes;

    use crate::codec::{Decode, Encode, Reader, Writer};

    include!(concat!(env!("OUT_DIR"), "/mesibo.v1.rs"));
}

/// The WebSocket sub-protocol both ends must agree on.
pub const SUBPROTOCOL: &str = "mesibo.v1";
