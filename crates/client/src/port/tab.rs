//! What a tab says to the other tabs of its group, and what it asks of the browser for that.
//!
//! A group is the tabs of one browser that show one account from one database. The host needs a
//! channel that brings what one tab tells to all others in order, and locks that the browser lets
//! go of when a tab is gone. What a stopped tab is told may be lost.

use alloc::string::String;
use alloc::vec::Vec;
use wire::code::Code;
use wire::id::{GroupId, Uid};
use wire::time::Timestamp;

use super::store::Write;

/// One tab in one of its lives; below 2^53, drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TabId(pub u64);

/// Something the host has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Hear the channel of the group, hold a lock of this tab's own, wait for the lock of the one
    /// that leads. Answered by [`Input::Joined`] or [`Input::Alone`], then maybe
    /// [`Input::Elected`].
    Join {
        /// Of the group.
        group: String,
        /// This tab.
        tab: TabId,
    },
    /// Let go of all that; no input of it is wanted any more.
    Leave,
    /// Take the lock from who has it.
    Steal,
    /// Say when this tab's own lock is free: [`Input::Gone`].
    Watch(TabId),
    /// To all others, in order.
    Tell {
        /// How many it has told with this one: who misses one finds the gap.
        number: u64,
        /// What.
        tell: Tell,
    },
}

/// Something the host tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The channel is heard.
    Joined,
    /// The browser has no locks or no channel: there are no other tabs.
    Alone,
    /// This tab has the lock.
    Elected,
    /// Another one took it; the host waits for it again.
    Deposed,
    /// A tab that was watched is closed or killed, or has left.
    Gone(TabId),
    /// Another tab said this.
    Told {
        /// Which one.
        from: TabId,
        /// The number that [`Command::Tell`] gave it.
        number: u64,
        /// What.
        tell: Tell,
    },
}

/// What one tab says to all others.
#[derive(Clone, Debug, PartialEq)]
pub enum Tell {
    /// I follow: is there a connection? For the one that leads.
    Hello,
    /// I lead from now on.
    Lead,
    /// The one that leads is signed in.
    Online {
        /// As whom.
        uid: Uid,
        /// As whom.
        address: String,
        /// The server's clock.
        now: Timestamp,
        /// Goes with uploads.
        upload_token: String,
        /// Where they go, when that is not the server.
        upload_url: String,
    },
    /// Its connection ended.
    Offline {
        /// Why, when the server said so.
        code: Option<Code>,
    },
    /// A frame of the server that is for all.
    Frame(Vec<u8>),
    /// A frame for the server.
    Relay(Vec<u8>),
    /// I enter this room, or leave it.
    Room {
        /// Which one.
        room: GroupId,
        /// Enter.
        inside: bool,
    },
    /// A transaction begins: to be kept until it is known to be stored.
    Writing(Vec<Write>),
    /// It is stored.
    Written,
    /// What the store has already, or only this tab knows.
    Known(Vec<Write>),
    /// This tab is gone: what it was writing is [`Tell::Known`] now.
    Gone(TabId),
    /// Is there anybody who leads? For the one that does.
    Ping,
    /// The answer.
    Pong,
}
