//! The life of a message, as `MESIBO_MSGSTATUS_*` numbers it (`client-api.md` 2.3.2).

/// Outgoing: not yet accepted by the server.
pub const OUTBOX: u32 = 0;
/// Outgoing: on the server's disk.
pub const SENT: u32 = 1;
/// Outgoing: a device of the peer has it.
pub const DELIVERED: u32 = 2;
/// Outgoing: the peer has read it.
pub const READ: u32 = 3;
/// Incoming: not read yet.
pub const RECEIVED_NEW: u32 = 0x12;
/// Incoming: read.
pub const RECEIVED_READ: u32 = 0x13;
/// Record of a call that was not answered.
pub const CALL_MISSED: u32 = 0x15;
/// Record of a call that was answered here.
pub const CALL_INCOMING: u32 = 0x16;
/// Record of an own call.
pub const CALL_OUTGOING: u32 = 0x17;
/// Kept by the page itself, never sent.
pub const CUSTOM: u32 = 0x20;
/// Taken back by its sender; a placeholder is left.
pub const DELETED: u32 = 0x21;
/// Erased on this device; a placeholder is left.
pub const WIPED: u32 = 0x22;
/// The place of a conversation without messages.
pub const EMPTY: u32 = 0x27;
/// Any failure has this bit.
pub const FAIL: u32 = 0x80;
/// Online-only message and nobody was online.
pub const USER_OFFLINE: u32 = 0x81;
/// The peer's queue is full.
pub const INBOX_FULL: u32 = 0x82;
/// No such user or group.
pub const INVALID_DESTINATION: u32 = 0x83;
/// Lifetime over before it could be delivered.
pub const EXPIRED: u32 = 0x84;
/// Refused by the peer or by permission.
pub const BLOCKED: u32 = 0x88;
/// The group is paused.
pub const GROUP_PAUSED: u32 = 0x90;
/// The sender is not a member.
pub const NOT_MEMBER: u32 = 0x91;

/// Whether an outgoing message may move from one status to the other: statuses only climb, a
/// failure is left only by sending again.
pub fn climbs(from: u32, to: u32) -> bool {
    match (from & FAIL != 0, to & FAIL != 0) {
        (true, _) => false,
        (false, true) => from <= SENT,
        (false, false) => to > from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_never_goes_back() {
        assert!(climbs(SENT, READ));
        assert!(!climbs(READ, DELIVERED));
        assert!(!climbs(DELIVERED, BLOCKED));
        assert!(climbs(OUTBOX, INVALID_DESTINATION));
        assert!(!climbs(EXPIRED, SENT));
    }
}
