//! A message as the client keeps it: one value for memory, store and page.

use crate::sorted::Map;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use wire::id::{GroupId, MessageId, Uid};
use wire::mask::message as flag;
use wire::proto::{self, target};
use wire::status;
use wire::time::Timestamp;

/// What tells one message from all others: ids are the senders' own, so the sender belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey {
    /// Received, or sent by this user. A message to oneself is two.
    pub incoming: bool,
    /// Address of the sender; empty for outgoing ones.
    pub sender: String,
    /// The sender's id.
    pub id: MessageId,
}

impl MessageKey {
    /// What [`Display`](fmt::Display) made of a key.
    pub fn from_text(text: &str) -> Option<MessageKey> {
        let id = u64::from_str_radix(text.get(1..15)?, 16).ok().and_then(MessageId::new)?;
        Some(MessageKey { incoming: text.starts_with('i'), sender: text.get(15..)?.into(), id })
    }

    /// An own message.
    pub fn outgoing(id: MessageId) -> MessageKey {
        MessageKey { incoming: false, sender: String::new(), id }
    }
}

/// A text for each key, for stores and tables that the browser keeps.
impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.incoming { 'i' } else { 'o' };
        write!(f, "{direction}{:014x}{}", self.id.get(), self.sender)
    }
}

/// A conversation: with a user or in a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conversation {
    /// With the user of this address.
    User(String),
    /// In this group.
    Group(GroupId),
}

impl Conversation {
    /// What a target names; `None` when it names nothing.
    pub fn of(target: &proto::Target) -> Option<Conversation> {
        Some(match target.to.as_ref()? {
            target::To::Address(address) => Conversation::User(address.clone()),
            target::To::Group(gid) => Conversation::Group(GroupId(*gid)),
        })
    }
}

impl From<&Conversation> for proto::Target {
    fn from(conversation: &Conversation) -> proto::Target {
        let to = match conversation {
            Conversation::User(address) => target::To::Address(address.clone()),
            Conversation::Group(gid) => target::To::Group(gid.0),
        };
        proto::Target { to: Some(to) }
    }
}

/// What the page wrote: the parts of a message that are its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// UTF-8 text or bytes.
    pub body: Bytes,
    /// Heading, also the name of a file.
    pub title: String,
    /// Second line.
    pub subtitle: String,
    /// Last line.
    pub footer: String,
    /// Degrees; both or none.
    pub location: Option<(f64, f64)>,
    /// The file that belongs to it.
    pub file: Option<File>,
    /// Id of the message it answers, 0 = none.
    pub in_reply_to: u64,
    /// Was forwarded.
    pub forwarded: bool,
    /// Thread inside the conversation.
    pub thread: u32,
    /// Custom fields, a JSON object; empty = none.
    pub fields: String,
    /// When it disappears.
    pub age: Age,
    /// Application defined.
    pub sensitivity: u32,
    /// Application defined.
    pub user_data: u32,
}

/// When a message disappears, seconds after each of these; 0 = never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Age {
    /// It was sent.
    pub sent: u32,
    /// The other side has it.
    pub delivered: u32,
    /// The other side has read it.
    pub read: u32,
}

/// A file that is somewhere already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// `MESIBO_FILETYPE_*`.
    pub kind: u32,
    /// Where.
    pub url: String,
    /// Bytes.
    pub size: u64,
    /// Its name.
    pub name: String,
    /// MIME type.
    pub mime: String,
    /// An image of it.
    pub thumbnail: Bytes,
    /// Page to open.
    pub launch_url: String,
}

impl File {
    /// Whether there is no file at all, only a page to open, with an image of it at most: a link
    /// preview has neither kind nor place.
    pub fn is_link(&self) -> bool {
        self.kind == 0 && self.url.is_empty()
    }
}

impl From<&Content> for proto::Content {
    fn from(content: &Content) -> proto::Content {
        proto::Content {
            body: content.body.clone(),
            title: content.title.clone(),
            subtitle: content.subtitle.clone(),
            footer: content.footer.clone(),
            latitude: content.location.map(|place| place.0),
            longitude: content.location.map(|place| place.1),
            file: content.file.as_ref().map(|file| proto::File {
                r#type: file.kind,
                url: file.url.clone(),
                size: file.size,
                name: file.name.clone(),
                mime: file.mime.clone(),
                thumbnail: file.thumbnail.clone(),
                launch_url: file.launch_url.clone(),
            }),
            in_reply_to: content.in_reply_to,
            forwarded: content.forwarded,
            thread: content.thread,
            fields: content.fields.clone(),
            age: content.age.sent,
            age_delivered: content.age.delivered,
            age_read: content.age.read,
            sensitivity: content.sensitivity,
            user_data: content.user_data,
        }
    }
}

impl From<proto::Content> for Content {
    fn from(content: proto::Content) -> Content {
        Content {
            body: content.body,
            title: content.title,
            subtitle: content.subtitle,
            footer: content.footer,
            location: content.latitude.zip(content.longitude),
            file: content.file.map(|file| File {
                kind: file.r#type,
                url: file.url,
                size: file.size,
                name: file.name,
                mime: file.mime,
                thumbnail: file.thumbnail,
                launch_url: file.launch_url,
            }),
            in_reply_to: content.in_reply_to,
            forwarded: content.forwarded,
            thread: content.thread,
            fields: content.fields,
            age: Age {
                sent: content.age,
                delivered: content.age_delivered,
                read: content.age_read,
            },
            sensitivity: content.sensitivity,
            user_data: content.user_data,
        }
    }
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Where to.
    pub to: Conversation,
    /// The sender's own 32-bit id, 0 = draw one.
    pub id: u32,
    /// Application defined.
    pub kind: u32,
    /// `wire::mask::message`.
    pub flags: u32,
    /// Seconds; `None` = server default, 0 = only who is online now.
    pub expiry: Option<u32>,
    /// What to say.
    pub content: Content,
    /// Made by `newMessage`: the page hears of it through `Mesibo_onMessage`. Legacy sends
    /// appear in session arrays only (`client-api.md` 5.4).
    pub announce: bool,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Which one.
    pub key: MessageKey,
    /// Where it belongs.
    pub conversation: Conversation,
    /// The other user: sender of an incoming one, destination of an outgoing one, empty for an
    /// outgoing group message.
    pub peer: String,
    /// Uid of the sender, 0 when not known (own, before the first sign-in).
    pub sender_uid: Uid,
    /// Application defined.
    pub kind: u32,
    /// `wire::mask::message`.
    pub flags: u32,
    /// Seconds.
    pub expiry: Option<u32>,
    /// When it was sent, server clock: shown, never used for order of delivery.
    pub ts: Timestamp,
    /// Place in the conversation, for reading: outgoing ones by `ts`, incoming ones by arrival.
    pub order: u64,
    /// `wire::status`.
    pub status: u32,
    /// What it says.
    pub content: Content,
    /// Changed after it was sent.
    pub modified: bool,
    /// Group message: who will get it.
    pub recipients: u32,
    /// Record of a call: seconds from the answer to the end.
    pub duration: u32,
    /// Who has it: address to times. One-to-one: the peer only.
    pub receipts: Map<String, Receipt>,
}

impl Message {
    /// An own message that is not kept once it is sent.
    pub(crate) fn is_passing(&self) -> bool {
        !self.key.incoming && self.flags & (flag::TRANSIENT | flag::BROADCAST) != 0
    }

    /// A received one that is in no log: shown to who is there, kept nowhere.
    pub(crate) fn is_for_now(&self) -> bool {
        self.key.incoming && (self.expiry == Some(0) || self.flags & flag::TRANSIENT != 0)
    }

    /// An own one that the server has not answered for.
    pub fn is_in_outbox(&self) -> bool {
        !self.key.incoming && self.status == status::OUTBOX
    }

    /// Somebody has an own message, or has read it; `false` when that is no news.
    pub(crate) fn take_report(&mut self, report: &proto::StatusReport) -> bool {
        let receipt = self.receipts.entry(report.address.clone()).or_default();
        let at = Timestamp(report.ts);
        let field = match report.status {
            status::DELIVERED => &mut receipt.delivered,
            status::READ => &mut receipt.read,
            _ => return false,
        };
        if *field != Timestamp(0) {
            return false;
        }
        *field = at;
        if report.status == status::READ && receipt.delivered == Timestamp(0) {
            receipt.delivered = at;
        }
        // Who has it proves that the server took it, from whichever tab.
        if status::climbs(self.status, report.status) || self.status & status::FAIL != 0 {
            self.status = report.status;
        }
        true
    }

    /// Recalled or wiped: only its place is left.
    pub fn is_emptied(&self) -> bool {
        matches!(self.status, status::DELETED | status::WIPED)
    }
}

/// Messages by their keys. The hash is the smallest there is, not one that withstands chosen keys:
/// the server limits what a sender can send, and a table full of collisions is slow, not wrong.
pub(crate) type Table = HashMap<MessageKey, Message, FxBuildHasher>;

/// When a recipient got and read a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// `Timestamp(0)` = not yet.
    pub delivered: Timestamp,
    /// `Timestamp(0)` = not yet.
    pub read: Timestamp,
}

/// Messages, oldest first.
pub type Messages = Vec<Message>;
