//! Names for things that would otherwise all be numbers.

use core::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// An app: a tenant with its own users and groups. Never 0.
    AppId(u32)
);
id!(
    /// A user. Unique in the installation, never 0, never used again.
    Uid(u32)
);
id!(
    /// A group, also a conference room. At least [`GroupId::FIRST`], never used again.
    GroupId(u32)
);
id!(
    /// Place of an entry in one user's log: 1, 2, 3 …
    Seq(u64)
);
id!(
    /// One connected socket, for as long as the server process lives.
    SessionId(u64)
);
id!(
    /// One published stream, unique for as long as the server process lives.
    StreamId(u64)
);
id!(
    /// Number of a question whose answer comes back as a later input.
    Ticket(u64)
);

impl GroupId {
    /// Pages refuse smaller ones (`backend-api.md` 2.4).
    pub const FIRST: GroupId = GroupId(1000);
}

/// The id a sender gives a message: below 2^53, low half the sender's own 32-bit id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(u64);

impl MessageId {
    /// First number that a JavaScript Number cannot tell from its neighbour.
    const END: u64 = 1 << 53;

    /// `None` for 0, for a zero low half and from 2^53 on.
    pub fn new(raw: u64) -> Option<MessageId> {
        (raw < Self::END && raw & 0xffff_ffff != 0).then_some(MessageId(raw))
    }

    /// The id with this low half; `chance` fills the 21 bits above it.
    ///
    /// The upper part keeps two messages apart when a page counts its ids from 1 after each
    /// reload. `None` when `low` is 0.
    pub fn compose(low: u32, chance: u64) -> Option<MessageId> {
        MessageId::new(((chance & 0x1f_ffff) << 32) | u64::from(low))
    }

    /// The whole number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The sender's own 32 bits.
    pub fn low(self) -> u32 {
        self.0 as u32
    }
}

/// 128 random bits that a browser profile keeps: all its tabs are one device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey(pub [u8; 16]);

impl DeviceKey {
    /// `None` when the length is not 16.
    pub fn from_slice(bytes: &[u8]) -> Option<DeviceKey> {
        bytes.try_into().ok().map(DeviceKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_keeps_the_senders_half_and_fits_a_javascript_number() {
        let id = MessageId::compose(0xdead_beef, u64::MAX).unwrap();
        assert_eq!(id.low(), 0xdead_beef);
        assert!(id.get() < 1 << 53);
    }

    #[test]
    fn zero_and_too_large_are_no_message_ids() {
        assert_eq!(MessageId::new(0), None);
        assert_eq!(MessageId::new(1 << 32), None);
        assert_eq!(MessageId::new(1 << 53), None);
        assert_eq!(MessageId::compose(0, 7), None);
    }
}
