//! What the backend of an app is told of by webhook (`backend-api.md` 2.9.2), free of its spelling.

use alloc::string::String;
use core::net::IpAddr;
use wire::id::{AppId, GroupId, MessageId, Ticket, Uid};
use wire::proto::Message;
use wire::time::Timestamp;

use super::push::Target;

/// What the host is told about webhooks.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // Events are what most of them are.
pub enum Told {
    /// Where a backend wants to hear of events, those included that wait: before the first event
    /// of an app, and whenever it changes.
    Place(Place),
    /// Something happened.
    Event(Hook),
    /// The app is gone, and so is what waits for its backend.
    Over(AppId),
}

/// Where the backend of an app wants to hear of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Of which app.
    pub aid: AppId,
    /// Where they are posted, empty = nowhere.
    pub url: String,
    /// Signs them; empty = they are not signed.
    pub secret: String,
    /// Envelope 0, 1 or 2.
    pub version: u32,
}

/// Something that happened in an app.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// In which app.
    pub aid: AppId,
    /// When it happened.
    pub ts: Timestamp,
    /// What happened.
    pub event: Event,
}

/// A message that the backend of its app is asked about before it is accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// For the answer.
    pub ticket: Ticket,
    /// Of which app.
    pub aid: AppId,
    /// Whom to ask.
    pub url: String,
    /// Signs the question, empty = it is not signed.
    pub secret: String,
    /// When it was asked.
    pub ts: Timestamp,
    /// As its sender has sent it; an edit says so.
    pub message: Message,
    /// For whom, when it is for one.
    pub to: Who,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Pass,
    /// It goes on with these texts instead of its own.
    Change {
        /// Instead of its body.
        text: Option<String>,
        /// See `text`.
        title: Option<String>,
        /// See `text`.
        subtitle: Option<String>,
    },
    /// The backend has it, and nobody else gets it.
    Consume {
        /// Its sender is told that it was delivered.
        delivered: bool,
        /// Or read.
        read: bool,
    },
    /// Its sender is told that it was not sent.
    Refuse,
    /// Nobody has answered.
    Unanswered,
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
        /// App id of its token, empty = any.
        app: String,
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
    /// A one-to-one call is over.
    Call {
        /// Who called.
        from: Who,
        /// Who was called.
        to: Who,
        /// With pictures.
        video: bool,
        /// `wire::call`: how it ended, in the eyes of who called.
        status: u32,
        /// Seconds from the answer to the end, 0 = never answered.
        duration_s: u64,
    },
    /// A group was made, changed or deleted, or somebody came or went.
    Group {
        /// Which one.
        gid: GroupId,
        /// Its name.
        name: String,
        /// Who came or went.
        user: Option<Who>,
        /// What happened.
        what: GroupEvent,
    },
    /// The server has started, or is going to stop.
    Server {
        /// Which of both.
        started: bool,
    },
    /// A message was delivered or read.
    Status {
        /// Which message.
        mid: MessageId,
        /// In which group, 0 = none.
        gid: GroupId,
        /// Its type, 0 also when it is not kept any more.
        kind: u32,
        /// Its sender.
        from: Who,
        /// Who has it.
        user: Who,
        /// Read, not only delivered.
        read: bool,
    },
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its recipient is online.
    Online,
    /// It waits. With the place where a push message would wake its recipient, for backends that
    /// send those themselves.
    Offline(Option<Target>),
    /// There was no room for it, or it has expired before its recipient had it.
    Pruned,
    /// There is nobody it could be for.
    Invalid,
}

/// What happened to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum GroupEvent {
    Created,
    Changed,
    Joined,
    Left,
    Deleted,
}
