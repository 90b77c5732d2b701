//! What the backend of an app is told of by webhook (`backend-api.md` 2.9.2), free of its spelling.

use alloc::string::String;
use core::net::IpAddr;
use wire::id::{AppId, GroupId, MessageId, Uid};
use wire::proto::Message;
use wire::time::Timestamp;

/// Something that happened in an app, and where its backend wants to hear of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// In which app.
    pub aid: AppId,
    /// Where it is posted.
    pub url: String,
    /// Signs it; empty = it is not signed.
    pub secret: String,
    /// Envelope 1 or 2.
    pub version: u32,
    /// When it happened.
    pub ts: Timestamp,
    /// What happened.
    pub event: Event,
}

/// A user in an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// Number, 0 = not known.
    pub uid: Uid,
    /// Address, empty = not known.
    pub address: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // A message is what most of them are.
pub enum Event {
    /// The first session of a user began, or the last one ended.
    User {
        /// Who.
        who: Who,
        /// Which of both.
        online: bool,
    },
    /// A session was welcomed.
    Login {
        /// Who.
        who: Who,
        /// From where.
        remote: IpAddr,
    },
    /// A message came for somebody.
    Message {
        /// As it is stored.
        message: Message,
        /// For whom.
        to: Who,
        /// What became of it.
        fate: Fate,
    },
    /// A message was delivered or read.
    Status {
        /// Which message.
        mid: MessageId,
        /// In which group, 0 = none.
        gid: GroupId,
        /// Its sender.
        from: Who,
        /// Who has it.
        user: Who,
        /// Read, not only delivered.
        read: bool,
    },
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its recipient is online.
    Online,
    /// It waits.
    Offline,
    /// There was no room for it.
    Pruned,
}
