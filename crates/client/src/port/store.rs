//! What the client asks its store (IndexedDB, or memory) and what it answers.
//!
//! Requests are performed in the order they came and answered once each. A [`Request::Commit`]
//! is one transaction: all of it or nothing.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{MessageId, Seq, Uid};
use wire::time::Timestamp;

use crate::message::{Conversation, Message, MessageKey};
use crate::profile::Local;

/// What a store holds when it is opened; small, whatever its history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opened {
    /// Last log entry in it; `None` when it has never been used.
    pub cursor: Option<Seq>,
    /// Who signed in last.
    pub account: Option<Account>,
    /// Messages that wait to be sent, in their order.
    pub outbox: Vec<Message>,
    /// Read notices that wait to be sent.
    pub reads: Vec<ReadNotice>,
    /// Requests that wait to be answered, in order.
    pub errands: Vec<Errand>,
    /// Users and groups known.
    pub profiles: Vec<StoredProfile>,
    /// When messages disappear.
    pub ages: Vec<(MessageKey, Timestamp)>,
    /// The newest messages, newest first, with their places; at most
    /// [`CATCH_UP_MESSAGES_MAX`](wire::limits::CATCH_UP_MESSAGES_MAX).
    pub newest: Vec<(u64, MessageKey)>,
}

/// Who signed in last with this store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Own number.
    pub uid: Uid,
    /// Own address.
    pub address: String,
}

/// A read notice on its way to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadNotice {
    /// Which message.
    pub key: MessageKey,
    /// Uid of its sender.
    pub sender_uid: Uid,
    /// The sender wants to know.
    pub receipt: bool,
}

/// A request on its way to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// Its place; never used again.
    pub number: u64,
    /// Id of the own message that has to be there first, 0 = none.
    pub after: u64,
    /// The encoded `proto::ClientFrame`.
    pub frame: Vec<u8>,
}

/// A user or group as the store keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredProfile {
    /// Address, empty for a group.
    pub address: String,
    /// Group id, 0 for a user.
    pub gid: u32,
    /// Uid, 0 when not known.
    pub uid: u32,
    /// Published name.
    pub name: String,
    /// Published status line.
    pub status: String,
    /// URL of the picture.
    pub image: String,
    /// When the user was online last.
    pub last_seen: Timestamp,
    /// Group: the encoded `proto::Group`, empty for a user.
    pub group: Vec<u8>,
    /// Published named values.
    pub values: String,
    /// What the page made of it.
    pub local: Local,
}

/// Where a reader stands in a conversation: messages before it come next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// `Message::order` of the last message read.
    pub order: u64,
    /// Its key, for messages of one moment.
    pub key: MessageKey,
}

/// What a write changes of a message: [`Message::join`] has the rule of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Part {
    /// All: nobody has seen it, and a store need not look whether it is there.
    New = 0,
    /// Its status, its receipts.
    Status = 1,
    /// What it says, or that it says nothing any more.
    Content = 2,
    /// All, and it is no news: of the server's history.
    Past = 3,
    /// Its status: the page wants it to be unread again.
    Unread = 4,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Adds a message, or joins it to the one that is there ([`Message::join`]), because tabs that
    /// share a store do not know everything of one another. What follows from it the store keeps
    /// up to date by itself: the latest message and the number of unread ones of each
    /// conversation, and which messages wait to be sent (own ones of status OUTBOX).
    Message(Box<Message>, Part),
    /// Removes a message.
    DeleteMessage(MessageKey),
    /// Removes older messages of a conversation, or of all.
    DeleteBefore {
        /// `None` = all.
        conversation: Option<Conversation>,
        /// Those whose order is below.
        before: u64,
    },
    /// A read notice waits.
    Read(ReadNotice),
    /// It was answered.
    ReadDone(MessageKey),
    /// A request waits, at the end.
    Errand(Errand),
    /// The one of this number was answered.
    ErrandDone(u64),
    /// Everything of the log up to here is in this store.
    Cursor(Seq),
    /// Who signed in.
    Account(Account),
    /// A user or group.
    Profile(Box<StoredProfile>),
    /// All users and groups are forgotten.
    ForgetProfiles,
    /// A message disappears at this moment; `Timestamp(0)`: it has.
    Age {
        /// Which message.
        key: MessageKey,
        /// When.
        end: Timestamp,
    },
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// One transaction. → [`Reply::Done`]
    Commit {
        /// In this order.
        writes: Vec<Write>,
        /// Wait for the disk: outbox and cursor. Otherwise the browser may answer early.
        strict: bool,
    },
    /// → [`Reply::Messages`], those that exist, in any order
    Messages {
        /// Which ones.
        keys: Vec<MessageKey>,
    },
    /// Messages of a conversation, or of all, before a position, newest first (or oldest first
    /// behind a position with `fifo`). → [`Reply::Messages`]
    Read {
        /// `None` = all conversations.
        conversation: Option<Conversation>,
        /// `None` = from the newest (oldest with `fifo`).
        from: Option<Position>,
        /// At most so many.
        count: u32,
        /// Oldest first.
        fifo: bool,
        /// Messages without this text, whatever its case, may be left out. A store that leaves
        /// out some leaves out all.
        query: Option<String>,
    },
    /// Messages of this id, an own one first and from anybody. → [`Reply::Messages`]
    ById {
        /// Which id.
        id: MessageId,
    },
    /// The latest message of each conversation, newest conversation first. → [`Reply::Messages`]
    Summary {
        /// `None` = from the newest.
        from: Option<Position>,
        /// At most so many.
        count: u32,
    },
    /// → [`Reply::Count`]
    Unread {
        /// `None` = all conversations.
        conversation: Option<Conversation>,
    },
    /// Incoming messages of a conversation that are not read yet, at most so many, oldest first.
    /// → [`Reply::Messages`]
    UnreadMessages {
        /// Which one.
        conversation: Conversation,
        /// At most so many.
        count: u32,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It is stored.
    Done,
    /// Messages.
    Messages(Vec<Message>),
    /// A number.
    Count(u32),
}

/// Why the store could not do it; nothing of the request has happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The browser has no storage for this page: private window, or forbidden.
    #[error("the browser gives this page no storage")]
    Unavailable,
    /// A tab with an older version of the SDK holds the storage.
    #[error("another tab of this page, with an older version, holds the storage: close it")]
    Blocked,
    /// The browser's storage is full.
    #[error("the browser's storage for this page is full")]
    Full,
    /// Something else.
    #[error("storage failed: {0}")]
    Failed(String),
}
