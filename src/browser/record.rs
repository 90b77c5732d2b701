//! Values of the client as bytes for the database, and back.
//!
//! Protobuf, like the wire: a newer SDK reads what an older one wrote.

use client::Local;
use client::message::{Conversation, Message, MessageKey, Receipt};
use client::port::store::{Account, Errand, ReadNotice, StoredProfile};
use prost::Message as _;
use wire::id::{GroupId, MessageId, Uid};
use wire::time::Timestamp;

#[derive(Clone, PartialEq, prost::Message)]
struct MessageRecord {
    #[prost(bool, tag = "1")]
    incoming: bool,
    #[prost(string, tag = "2")]
    sender: String,
    #[prost(uint64, tag = "3")]
    id: u64,
    #[prost(string, tag = "4")]
    address: String,
    #[prost(uint32, tag = "5")]
    gid: u32,
    #[prost(string, tag = "6")]
    peer: String,
    #[prost(uint32, tag = "7")]
    sender_uid: u32,
    #[prost(uint32, tag = "8")]
    kind: u32,
    #[prost(uint32, tag = "9")]
    flags: u32,
    #[prost(uint32, optional, tag = "10")]
    expiry: Option<u32>,
    #[prost(uint64, tag = "11")]
    ts: u64,
    #[prost(uint64, tag = "12")]
    order: u64,
    #[prost(uint32, tag = "13")]
    status: u32,
    #[prost(message, optional, tag = "14")]
    content: Option<wire::proto::Content>,
    #[prost(uint32, tag = "15")]
    recipients: u32,
    #[prost(message, repeated, tag = "16")]
    receipts: Vec<ReceiptRecord>,
    #[prost(bool, tag = "17")]
    modified: bool,
    #[prost(uint32, tag = "18")]
    duration: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ReceiptRecord {
    #[prost(string, tag = "1")]
    address: String,
    #[prost(uint64, tag = "2")]
    delivered: u64,
    #[prost(uint64, tag = "3")]
    read: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ProfileRecord {
    #[prost(string, tag = "1")]
    address: String,
    #[prost(uint32, tag = "2")]
    gid: u32,
    #[prost(uint32, tag = "3")]
    uid: u32,
    #[prost(string, tag = "4")]
    name: String,
    #[prost(string, tag = "5")]
    status: String,
    #[prost(string, tag = "6")]
    image: String,
    #[prost(uint64, tag = "7")]
    last_seen: u64,
    #[prost(bytes = "vec", tag = "8")]
    group: Vec<u8>,
    #[prost(string, tag = "9")]
    values: String,
    #[prost(message, optional, tag = "10")]
    local: Option<LocalRecord>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct LocalRecord {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    status: Option<String>,
    #[prost(string, optional, tag = "3")]
    image: Option<String>,
    #[prost(string, optional, tag = "4")]
    values: Option<String>,
    #[prost(string, optional, tag = "5")]
    draft: Option<String>,
    #[prost(uint32, tag = "6")]
    marks: u32,
    #[prost(uint32, tag = "7")]
    contact: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct NoticeRecord {
    #[prost(string, tag = "1")]
    sender: String,
    #[prost(uint64, tag = "2")]
    id: u64,
    #[prost(uint32, tag = "3")]
    sender_uid: u32,
    #[prost(bool, tag = "4")]
    receipt: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ErrandRecord {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(uint64, tag = "2")]
    after: u64,
    #[prost(bytes = "vec", tag = "3")]
    frame: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AccountRecord {
    #[prost(uint32, tag = "1")]
    uid: u32,
    #[prost(string, tag = "2")]
    address: String,
}

pub fn message_to_bytes(message: &Message) -> Vec<u8> {
    let (address, gid) = match &message.conversation {
        Conversation::User(address) => (address.clone(), 0),
        Conversation::Group(gid) => (String::new(), gid.0),
    };
    let receipts = message.receipts.iter().map(|(address, receipt)| ReceiptRecord {
        address: address.clone(),
        delivered: receipt.delivered.0,
        read: receipt.read.0,
    });
    let record = MessageRecord {
        incoming: message.key.incoming,
        sender: message.key.sender.clone(),
        id: message.key.id.get(),
        address,
        gid,
        peer: message.peer.clone(),
        sender_uid: message.sender_uid.0,
        kind: message.kind,
        flags: message.flags,
        expiry: message.expiry,
        ts: message.ts.0,
        order: message.order,
        status: message.status,
        content: Some((&message.content).into()),
        recipients: message.recipients,
        duration: message.duration,
        receipts: receipts.collect(),
        modified: message.modified,
    };
    record.encode_to_vec()
}

/// `None` for bytes that no version of ours wrote.
pub fn message_from_bytes(bytes: &[u8]) -> Option<Message> {
    let record = MessageRecord::decode(bytes).ok()?;
    let receipts = record.receipts.into_iter().map(|receipt| {
        let times =
            Receipt { delivered: Timestamp(receipt.delivered), read: Timestamp(receipt.read) };
        (receipt.address, times)
    });
    Some(Message {
        key: MessageKey {
            incoming: record.incoming,
            sender: record.sender,
            id: MessageId::new(record.id)?,
        },
        conversation: match record.gid {
            0 => Conversation::User(record.address),
            gid => Conversation::Group(GroupId(gid)),
        },
        peer: record.peer,
        sender_uid: Uid(record.sender_uid),
        kind: record.kind,
        flags: record.flags,
        expiry: record.expiry,
        ts: Timestamp(record.ts),
        order: record.order,
        status: record.status,
        content: record.content.unwrap_or_default().into(),
        modified: record.modified,
        recipients: record.recipients,
        duration: record.duration,
        receipts: receipts.collect(),
    })
}

pub fn profile_to_bytes(profile: &StoredProfile) -> Vec<u8> {
    let profile = profile.clone();
    let local = profile.local;
    let record = ProfileRecord {
        address: profile.address,
        gid: profile.gid,
        uid: profile.uid,
        name: profile.name,
        status: profile.status,
        image: profile.image,
        last_seen: profile.last_seen.0,
        group: profile.group,
        values: profile.values,
        local: (local != Local::default()).then(|| LocalRecord {
            name: local.name,
            status: local.status,
            // What only the page that made it can show.
            image: local.image.filter(|url| !url.starts_with("blob:")),
            values: local.values,
            draft: local.draft,
            marks: local.marks,
            contact: local.contact,
        }),
    };
    record.encode_to_vec()
}

pub fn profile_from_bytes(bytes: &[u8]) -> Option<StoredProfile> {
    let record = ProfileRecord::decode(bytes).ok()?;
    let local = record.local.unwrap_or_default();
    Some(StoredProfile {
        address: record.address,
        gid: record.gid,
        uid: record.uid,
        name: record.name,
        status: record.status,
        image: record.image,
        last_seen: Timestamp(record.last_seen),
        group: record.group,
        values: record.values,
        local: Local {
            name: local.name,
            status: local.status,
            image: local.image,
            values: local.values,
            draft: local.draft,
            marks: local.marks,
            contact: local.contact,
        },
    })
}

pub fn notice_to_bytes(notice: &ReadNotice) -> Vec<u8> {
    let record = NoticeRecord {
        sender: notice.key.sender.clone(),
        id: notice.key.id.get(),
        sender_uid: notice.sender_uid.0,
        receipt: notice.receipt,
    };
    record.encode_to_vec()
}

pub fn notice_from_bytes(bytes: &[u8]) -> Option<ReadNotice> {
    let record = NoticeRecord::decode(bytes).ok()?;
    let id = MessageId::new(record.id)?;
    Some(ReadNotice {
        key: MessageKey { incoming: true, sender: record.sender, id },
        sender_uid: Uid(record.sender_uid),
        receipt: record.receipt,
    })
}

pub fn errand_to_bytes(errand: &Errand) -> Vec<u8> {
    let Errand { number, after, frame } = errand.clone();
    ErrandRecord { number, after, frame }.encode_to_vec()
}

pub fn errand_from_bytes(bytes: &[u8]) -> Option<Errand> {
    let ErrandRecord { number, after, frame } = ErrandRecord::decode(bytes).ok()?;
    Some(Errand { number, after, frame })
}

pub fn account_to_bytes(account: &Account) -> Vec<u8> {
    AccountRecord { uid: account.uid.0, address: account.address.clone() }.encode_to_vec()
}

pub fn account_from_bytes(bytes: &[u8]) -> Option<Account> {
    let record = AccountRecord::decode(bytes).ok()?;
    Some(Account { uid: Uid(record.uid), address: record.address })
}
