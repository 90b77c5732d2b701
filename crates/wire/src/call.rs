//! The steps of a one-to-one call, as `MESIBO_CALLSTATUS_*` numbers them (`client-api.md` 2.3.6).

/// It rings; upwards: somebody shall be called.
pub const INCOMING: u32 = 1;
/// The call begins.
pub const IN_PROGRESS: u32 = 2;
/// A device of the other side rings.
pub const RINGING: u32 = 3;
/// It was answered.
pub const ANSWER: u32 = 5;
/// Both sides are connected to the server again, or the call is one with pictures from now on;
/// upwards: it shall be.
pub const UPDATE: u32 = 6;
/// An offer, an answer or a candidate.
pub const SDP: u32 = 8;
/// The side muted something.
pub const MUTE: u32 = 9;
/// The side took that back.
pub const UNMUTE: u32 = 0x0a;
/// The side holds the call.
pub const HOLD: u32 = 0x0b;
/// The side took that back.
pub const UNHOLD: u32 = 0x0c;
/// Media flows; between clients: yours reaches me.
pub const CONNECTED: u32 = 0x30;
/// The path is lost for the moment; upwards: here I am again.
pub const RECONNECTING: u32 = 0x32;
/// Every status with this bit ends the call.
pub const OVER: u32 = 0x40;
/// Hung up after it was answered.
pub const COMPLETE: u32 = 0x40;
/// Hung up before it was answered.
pub const CANCEL: u32 = 0x41;
/// It rang for too long.
pub const NO_ANSWER: u32 = 0x42;
/// In another call, or declined.
pub const BUSY: u32 = 0x43;
/// No device of the other side is connected.
pub const OFFLINE: u32 = 0x45;
/// No such user.
pub const INVALID_DESTINATION: u32 = 0x46;
/// The other side takes no calls.
pub const NO_CALLS: u32 = 0x48;
/// The other side takes no video calls.
pub const NO_VIDEO_CALLS: u32 = 0x49;
/// The caller may not call, or calls too often.
pub const NOT_ALLOWED: u32 = 0x4a;
/// One has blocked the other.
pub const BLOCKED: u32 = 0x4b;
/// Another device or tab answered.
pub const SWITCHED: u32 = 0x4d;
/// Neither camera nor microphone can be had.
pub const HARDWARE_ERROR: u32 = 0x61;
/// No path for media, or a side was gone for too long.
pub const NETWORK_ERROR: u32 = 0x62;

/// `MESIBO_MUTESTATUS_*`: what a side has muted.
pub mod mute {
    #![allow(missing_docs)]
    pub const AUDIO: u32 = 1;
    pub const VIDEO: u32 = 2;
    pub const HOLD: u32 = 4;
}

/// The type of a call's record in the history: `MESIBO_CALLFLAG_*`.
pub mod kind {
    #![allow(missing_docs)]
    pub const AUDIO: u32 = 1;
    pub const VIDEO: u32 = 2;
}
