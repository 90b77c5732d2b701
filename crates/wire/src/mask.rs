//! Bit masks of groups, members, admins and calls, shared by page, backend and rules.
//!
//! Values and meaning: `client-api.md` 2.3.7, `backend-api.md` 4.1 to 4.4.

/// Group flags: who may do what.
pub mod group {
    #![allow(missing_docs)]
    pub const SEND_BY_SELECTED: u32 = 0x1;
    pub const SEND_BY_ANYONE: u32 = 0x2;
    pub const AUTO_ADD_MEMBER: u32 = 0x8;
    pub const RECV_BY_SELECTED: u32 = 0x10;
    pub const RECV_ROUND_ROBIN: u32 = 0x20;
    pub const NO_STORAGE: u32 = 0x40;
    pub const RECV_LOOPBACK: u32 = 0x80;
    pub const PUB_BY_SELECTED: u32 = 0x100;
    pub const PUB_BY_ANYONE: u32 = 0x200;
    pub const SUB_BY_SELECTED: u32 = 0x1000;
    pub const SUB_BY_ANYONE: u32 = 0x2000;
    pub const LIST_BY_SELECTED: u32 = 0x1_0000;
    pub const LIST_BY_ANYONE: u32 = 0x2_0000;
    pub const NO_SELF_DELETE: u32 = 0x4_0000;
    /// Wants to be found by who is no member.
    pub const SEARCHABLE: u32 = 0x10_0000;
    pub const DELETE: u32 = 0x8000_0000;
}

/// Member flags: rights given to one member.
pub mod member {
    #![allow(missing_docs)]
    pub const SEND: u32 = 0x1;
    pub const RECV: u32 = 0x2;
    pub const PUB: u32 = 0x4;
    pub const SUB: u32 = 0x8;
    pub const LIST: u32 = 0x10;
    pub const RECORD: u32 = 0x20;
    /// The membership has an end; told, never set.
    pub const EXPIRY: u32 = 0x100;
    /// The membership ends when the PIN is removed by which it began.
    pub const DELETE_WITH_PIN: u32 = 0x200;
    pub const ADMIN: u32 = 0x1000;
    pub const NO_SELF_DELETE: u32 = 0x2000;
    /// Of a PIN: its group is joined by PIN only, and this one is for everybody.
    pub const SHARED_PIN: u32 = 0x8000;
    pub const ALL: u32 = 0x1f;
    /// What is given and taken one by one.
    pub const SETTABLE: u32 = ALL | RECORD | DELETE_WITH_PIN | NO_SELF_DELETE;
}

/// Admin flags: what an admin may do.
pub mod admin {
    #![allow(missing_docs)]
    pub const MODIFY: u32 = 0x1;
    pub const ADD_USER: u32 = 0x10;
    pub const REM_USER: u32 = 0x20;
    pub const ADD_ADMIN: u32 = 0x40;
    pub const REM_ADMIN: u32 = 0x80;
    pub const REM_OWNER: u32 = 0x100;
    pub const REM_GROUP: u32 = 0x200;
    pub const CALL_CONTROL: u32 = 0x400;
    pub const HANGUP: u32 = 0x800;
    pub const OWNER: u32 = 0x1000;
    pub const ADD_PIN: u32 = 0x2000;
    pub const REMOVE_PIN: u32 = 0x4000;
    pub const LIST_PIN: u32 = 0x8000;
    pub const ALL: u32 = 0xefff;
    pub const OWNER_ALL: u32 = 0xffff;
}

/// Call flags of a room.
pub mod call {
    #![allow(missing_docs)]
    pub const VALID: u32 = 0x1;
    pub const AUDIO: u32 = 0x2;
    pub const VIDEO: u32 = 0x4;
    pub const DATA: u32 = 0x8;
    pub const SCREEN: u32 = 0x100;
    pub const SIMULCAST: u32 = 0x200;
    pub const SIMULCAST_2: u32 = 0x400;
    pub const RATIO_43: u32 = 0x800;
    pub const RECORD: u32 = 0x1000;
    pub const TALKING: u32 = 0x8000;
    pub const FIXED_BITRATE: u32 = 0x1_0000;
    pub const FIXED_RESOLUTION: u32 = 0x2_0000;
    pub const FIXED_FPS: u32 = 0x4_0000;
    pub const H264: u32 = 0x8_0000;
    /// What may be sent.
    pub const KINDS: u32 = AUDIO | VIDEO | DATA | SCREEN;
    /// Room settings nobody has changed (`client-api.md` 7.4).
    pub const DEFAULT: u32 = 0x8107;
}

/// Sizes of pictures, `MESIBO_RESOLUTION_*`.
pub mod resolution {
    /// The height of the largest picture in lines, `None` = any.
    pub fn lines(code: u32) -> Option<u32> {
        const LINES: [(u32, u32); 8] =
            [(1, 240), (2, 480), (3, 720), (4, 1_080), (5, 2_160), (8, 120), (9, 180), (10, 360)];
        LINES.iter().find(|(known, _)| *known == code).map(|(_, lines)| *lines)
    }

    /// The smaller one of two; one that is not known is no limit.
    pub fn smaller(one: u32, other: u32) -> u32 {
        match (lines(one), lines(other)) {
            (None, _) => other,
            (Some(_), None) => one,
            (Some(a), Some(b)) => {
                if b < a {
                    other
                } else {
                    one
                }
            }
        }
    }
}

/// Events an app's webhook is told of (`backend-api.md` 2.9.2).
pub mod notify {
    #![allow(missing_docs)]
    pub const MASTER: u32 = 0x1;
    pub const ONLINE: u32 = 0x10;
    pub const OFFLINE: u32 = 0x20;
    pub const MESSAGE_ONLINE: u32 = 0x100;
    pub const MESSAGE_OFFLINE: u32 = 0x200;
    pub const DELIVERED: u32 = 0x400;
    pub const READ: u32 = 0x800;
    pub const INVALID: u32 = 0x1000;
    pub const PRUNED: u32 = 0x2000;
    pub const CALL: u32 = 0x4000;
    pub const GROUP: u32 = 0x8000;
    pub const LOGIN: u32 = 0x1_0000;
    pub const SERVER: u32 = 0x2_0000;
}

/// Message flags.
pub mod message {
    #![allow(missing_docs)]
    pub const DELIVERY_RECEIPT: u32 = 0x1;
    pub const READ_RECEIPT: u32 = 0x2;
    pub const DEFAULT: u32 = 0x3;
    /// Stored nowhere: for who is online now.
    pub const TRANSIENT: u32 = 0x4;
    /// Says how somebody is, as typing does: stored nowhere either.
    pub const PRESENCE: u32 = 0x8;
    /// One of many copies: belongs to no conversation of its sender.
    pub const BROADCAST: u32 = 0x20;
    /// A note of the page: kept here, never sent.
    pub const DONT_SEND: u32 = 0x20_0000;
    /// See [`DONT_SEND`].
    pub const SAVE_CUSTOM: u32 = 0x200_0000;
}

/// User flags.
pub mod user {
    #![allow(missing_docs)]
    pub const NO_OFFLINE_STORAGE: u32 = 0x1;
    /// The webhook is told of messages while the user is away.
    pub const WEBHOOK: u32 = 0x2;
    pub const NO_OUTGOING: u32 = 0x4;
    pub const NO_INCOMING: u32 = 0x8;
    /// The server keeps copies of its messages, also where it keeps none of others'.
    pub const RETAIN: u32 = 0x10;
    /// May be found by search.
    pub const SEARCHABLE: u32 = 0x100;
    /// Who watches is not told of changes; it sees them when it asks.
    pub const LAZY: u32 = 0x200;
    /// Of those who watch, only who is seen online is told of changes.
    pub const ONLINE_ONLY: u32 = 0x400;
    /// Of those who watch, only whom the user talks with is told of changes.
    pub const RECENT_ONLY: u32 = 0x800;
    /// What users set themselves; backends do not touch it.
    pub const OWN: u32 = SEARCHABLE | LAZY | ONLINE_ONLY | RECENT_ONLY;
}

/// What a user is to another one, in its own eyes. Blocks are enforced by the server.
pub mod contact {
    #![allow(missing_docs)]
    pub const CONTACT: u32 = 0x1;
    pub const SUBSCRIBED: u32 = 0x2;
    /// One-to-one messages, calls and presence, both ways.
    pub const BLOCKED: u32 = 0x10;
    pub const BLOCK_MESSAGES: u32 = 0x20;
    pub const BLOCK_CALLS: u32 = 0x40;
    pub const BLOCK_VIDEO_CALLS: u32 = 0x80;
    /// What the other writes to groups both are in.
    pub const BLOCK_GROUP_MESSAGES: u32 = 0x100;
    /// The other sees an address and nothing else.
    pub const BLOCK_PROFILE: u32 = 0x200;
    /// The other is not told of changes and presence.
    pub const BLOCK_SUBSCRIPTION: u32 = 0x400;
    pub const BLOCK_ANY: u32 = 0x7f0;
    /// Access levels 1 to 15 of the own profile that this user may see, as bits from 16 on.
    pub const LEVELS: u32 = 0xfffe_0000;
    pub const ALL: u32 = CONTACT | SUBSCRIBED | BLOCK_ANY | LEVELS;
}

/// Presence codes (`client-api.md` 2.3.5).
pub mod presence {
    #![allow(missing_docs)]
    pub const REQUEST: u32 = 0;
    pub const ONLINE: u32 = 1;
    pub const OFFLINE: u32 = 2;
    pub const TYPING: u32 = 3;
    pub const TYPING_CLEARED: u32 = 4;
    pub const CHATTING: u32 = 5;
    pub const JOINED: u32 = 10;
    pub const LEFT: u32 = 11;
    /// Of the SDK itself: places that are shared.
    pub const RESERVED: u32 = 255;
}

/// Group errors told to a client (`client-api.md` 2.3.7).
pub mod group_error {
    #![allow(missing_docs)]
    pub const NONE: u32 = 0;
    pub const NOT_MEMBER: u32 = 1;
    pub const PERMISSION: u32 = 2;
    pub const BAD_PIN: u32 = 3;
    pub const ACCESS_DENIED: u32 = 4;
    pub const NOT_SHARED_PIN: u32 = 5;
    pub const GENERAL: u32 = 10;
    pub const DELETED: u32 = 11;
}
