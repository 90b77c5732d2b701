//! What is asked of the store about everything it keeps of one user: to show it to that user, and to
//! take it out. Part of the store's port; the same rules hold.

use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::IpAddr;
use wire::id::{Seq, Uid};
use wire::time::Timestamp;

use super::apps::Scheduled;
use super::store::{Contact, DeviceId, Group, LogRow, Member, Token, TokenId};
use crate::Person;

/// A question about one user. Each is one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonalRequest {
    /// All but messages. → [`PersonalReply::Known`]
    Known {
        /// Of whom.
        uid: Uid,
    },
    /// Messages the user has sent, has a copy of, or is going to get, in ascending order of their
    /// places. → [`PersonalReply::Messages`]
    Messages {
        /// Of whom.
        uid: Uid,
        /// Exclusive, a place that an earlier answer gave.
        after: u64,
        /// At most so many.
        count: u32,
    },
    /// The user has uploaded a file. → [`PersonalReply::Done`]
    Filed {
        /// Who.
        uid: Uid,
        /// Which file.
        file: StoredFile,
    },
    /// Files that may be removed. → [`PersonalReply::LeftFiles`]
    LeftFiles(LeftFiles),
    /// These files are gone. → [`PersonalReply::Done`]
    Unfiled {
        /// Their names.
        names: Vec<String>,
    },
    /// One step of taking out what others' records say of a user: messages from and to the user say
    /// nothing any more and nobody has copies of them, entries of others' logs do not name the user,
    /// nothing of or for the user is scheduled. The user itself goes with `Request::DeleteUser`.
    /// → [`PersonalReply::Erased`]
    Erase {
        /// Whom.
        who: Person,
        /// Where the step begins.
        from: ErasePlace,
        /// At most so many rows are looked at.
        count: usize,
    },
}

/// An answer about one user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // One at a time.
pub enum PersonalReply {
    /// It is on disk.
    Done,
    /// See [`PersonalRequest::Known`].
    Known(Known),
    /// Places and encoded `proto::Entry`.
    Messages(Vec<(u64, Bytes)>),
    /// Names of files.
    LeftFiles(Vec<String>),
    /// Where the next step begins, `None` when that was the last.
    Erased(Option<ErasePlace>),
}

/// Files that are of no use: those that records have named, and none does any more, and more if wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftFiles {
    /// Files that came before this and that nothing has ever named.
    pub unnamed_before: Option<Timestamp>,
    /// All files that came before this.
    pub before: Option<Timestamp>,
    /// At most so many.
    pub count: usize,
}

/// Everything that is kept of a user beside messages and the user's own record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Where the last sign-in came from.
    pub remote: Option<IpAddr>,
    /// Without the tokens themselves, which are not kept.
    pub tokens: Vec<Token>,
    /// Browsers that have signed in with them.
    pub devices: Vec<KnownDevice>,
    /// Groups, without their PINs, and what the user is in each.
    pub groups: Vec<(Group, Member)>,
    /// Contacts and blocks.
    pub contacts: Vec<Contact>,
    /// Files the user has uploaded. Of older ones it was not noted by whom: those that the user's
    /// picture and own messages name, and nobody else has uploaded.
    pub files: Vec<StoredFile>,
    /// Messages of the user that are going to be sent.
    pub scheduled: Vec<Scheduled>,
    /// What waits in the user's log: statuses, calls, changes of groups.
    pub waiting: Vec<LogRow>,
}

/// A browser that has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDevice {
    /// Which one.
    pub id: DeviceId,
    /// With which token.
    pub token: TokenId,
    /// When it was last heard of.
    pub seen: Timestamp,
    /// Where push messages go, empty = nowhere.
    pub push: String,
}

/// A file that was uploaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredFile {
    /// Its name in the file service.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it came.
    pub ts: Timestamp,
}

/// How far an erasure has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasePlace {
    /// Messages behind this place.
    Messages(u64),
    /// Entries of logs behind this one.
    Logs(Uid, Seq),
}

impl ErasePlace {
    /// Where it begins.
    pub const START: ErasePlace = ErasePlace::Messages(0);
}
