//! What calls in a group are like: settings of a group, and how much less one of its members may.

/// Limits are 0 where there is none, or where a member has the group's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallSettings {
    /// `wire::mask::call`: what may be sent. Without `VALID` they say nothing.
    pub flags: u32,
    /// `MESIBO_RESOLUTION_*`: the largest picture.
    pub resolution: u32,
    /// Seconds that each member may be in a call.
    pub duration_s: u32,
    /// Pictures a second.
    pub fps: u32,
    /// kbit/s of the picture of one stream, all its encodings together.
    pub video_kbps: u32,
    /// kbit/s of the sound of one stream.
    pub audio_kbps: u32,
}

/// Changes of [`CallSettings`]; `None` leaves a field as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // As in `CallSettings`.
pub struct CallFields {
    pub flags: Option<u32>,
    /// Bits of `flags` to clear, and then to set.
    pub change: (u32, u32),
    pub resolution: Option<u32>,
    pub duration_s: Option<u32>,
    pub fps: Option<u32>,
    pub video_kbps: Option<u32>,
    pub audio_kbps: Option<u32>,
}
