//! What the client does with files on their way, and what it hears of them.
//!
//! The host holds what the page gave, keeps it beside the message when there is a database, and
//! moves the bytes. When, how often and what a failure means is decided here.

use alloc::string::String;
use bytes::Bytes;
use wire::id::MessageId;

/// Something the host has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Read what the page gave for this message, keep it, make a thumbnail; answered by
    /// [`Input::Prepared`] or [`Input::Missing`].
    Prepare {
        /// Of this message.
        id: MessageId,
    },
    /// Upload it; answered by [`Input::Uploaded`], [`Input::Failed`] or [`Input::Missing`].
    Upload {
        /// Of this message.
        id: MessageId,
        /// Its name.
        name: String,
        /// Where to.
        target: Target,
    },
    /// Stop uploading; no further input of it is wanted.
    Abort {
        /// Of this message.
        id: MessageId,
    },
    /// It is not needed any more.
    Forget {
        /// Of this message.
        id: MessageId,
    },
}

/// Where a file goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To the server, in pieces that can be resumed.
    Server {
        /// Upload token.
        token: String,
        /// From the start, whatever was sent before.
        fresh: bool,
    },
    /// To a service of the page, as one form (`client-api.md` 3.11.3).
    Form {
        /// Where it is.
        url: String,
        /// What it wants as `auth`.
        token: String,
        /// Who uploads.
        uid: u32,
    },
}

/// Something the host tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// It is kept, as far as the browser keeps anything.
    Prepared {
        /// Of this message.
        id: MessageId,
        /// Bytes.
        size: u64,
        /// MIME type, empty when not known.
        mime: String,
        /// A small image of it, empty when there is none.
        thumbnail: Bytes,
    },
    /// There is nothing to upload: it cannot be read, or the browser has deleted it.
    Missing {
        /// Of this message.
        id: MessageId,
        /// For the console.
        reason: String,
    },
    /// Some of it has arrived.
    Progress {
        /// Of this message.
        id: MessageId,
        /// Bytes.
        sent: u64,
        /// Bytes in all.
        total: u64,
    },
    /// All of it has arrived.
    Uploaded {
        /// Of this message.
        id: MessageId,
        /// Where it is now.
        url: String,
    },
    /// The attempt has failed.
    Failed {
        /// Of this message.
        id: MessageId,
        /// HTTP status, 0 when there was no answer.
        status: u16,
    },
}
