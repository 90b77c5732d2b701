//! Values of the client as bytes for the database, and back.
//!
//! Protobuf, like the wire: a newer SDK reads what an older one wrote. A field keeps its number, in
//! what writes a value and in what reads it.

use client::Local;
use client::message::{Conversation, Message, MessageKey, Receipt};
use client::port::store::{Account, Errand, ReadNotice, StoredProfile};
use wire::codec::{Decode, Reader, Writer};
use wire::id::{GroupId, MessageId, Uid};
use wire::proto;
use wire::time::Timestamp;

#[derive(Default)]
struct MessageRecord {
    incoming: bool,
    sender: String,
    id: u64,
    address: String,
    gid: u32,
    peer: String,
    sender_uid: u32,
    kind: u32,
    flags: u32,
    expiry: Option<u32>,
    ts: u64,
    order: u64,
    status: u32,
    content: proto::Content,
    recipients: u32,
    receipts: Vec<ReceiptRecord>,
    modified: bool,
    duration: u32,
}

impl Decode for MessageRecord {
    fn field(&mut self, number: u32, from: &mut Reader<'_>) {
        match number {
            1 => from.bool(&mut self.incoming),
            2 => from.text(&mut self.sender),
            3 => from.u64(&mut self.id),
            4 => from.text(&mut self.address),
            5 => from.u32(&mut self.gid),
            6 => from.text(&mut self.peer),
            7 => from.u32(&mut self.sender_uid),
            8 => from.u32(&mut self.kind),
            9 => from.u32(&mut self.flags),
            10 => from.u32(self.expiry.get_or_insert_default()),
            11 => from.u64(&mut self.ts),
            12 => from.u64(&mut self.order),
            13 => from.u32(&mut self.status),
            14 => from.message(&mut self.content),
            15 => from.u32(&mut self.recipients),
            16 => from.push(&mut self.receipts),
            17 => from.bool(&mut self.modified),
            18 => from.u32(&mut self.duration),
            _ => from.skip(),
        }
    }
}

#[derive(Default)]
struct ReceiptRecord {
    address: String,
    receipt: Receipt,
}

impl Decode for ReceiptRecord {
    fn field(&mut self, number: u32, from: &mut Reader<'_>) {
        match number {
            1 => from.text(&mut self.address),
            2 => from.u64(&mut self.receipt.delivered.0),
            3 => from.u64(&mut self.receipt.read.0),
            _ => from.skip(),
        }
    }
}

pub fn message_to_bytes(message: &Message) -> Vec<u8> {
    let (address, gid) = match &message.conversation {
        Conversation::User(address) => (&address[..], 0),
        Conversation::Group(gid) => ("", gid.0),
    };
    let mut to = Writer::default();
    to.bool(1, message.key.incoming);
    to.bytes(2, message.key.sender.as_bytes());
    to.u64(3, message.key.id.get());
    to.bytes(4, address.as_bytes());
    to.u32(5, gid);
    to.bytes(6, message.peer.as_bytes());
    to.u32(7, message.sender_uid.0);
    to.u32(8, message.kind);
    to.u32(9, message.flags);
    to.some_u32(10, message.expiry);
    to.u64(11, message.ts.0);
    to.u64(12, message.order);
    to.u32(13, message.status);
    to.message(14, &proto::Content::from(&message.content));
    to.u32(15, message.recipients);
    for (address, receipt) in message.receipts.iter() {
        let begun = to.begin(16);
        to.bytes(1, address.as_bytes());
        to.u64(2, receipt.delivered.0);
        to.u64(3, receipt.read.0);
        to.end(begun);
    }
    to.bool(17, message.modified);
    to.u32(18, message.duration);
    to.into_bytes()
}

/// `None` for bytes that no version of ours wrote.
pub fn message_from_bytes(bytes: &[u8]) -> Option<Message> {
    let record = MessageRecord::decode(bytes).ok()?;
    let receipts = record.receipts.into_iter().map(|record| (record.address, record.receipt));
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
        content: record.content.into(),
        modified: record.modified,
        recipients: record.recipients,
        duration: record.duration,
        receipts: receipts.collect(),
    })
}

#[derive(Default)]
struct ProfileRecord(StoredProfile);

impl Decode for ProfileRecord {
    fn field(&mut self, number: u32, from: &mut Reader<'_>) {
        let ProfileRecord(profile) = self;
        match number {
            1 => from.text(&mut profile.address),
            2 => from.u32(&mut profile.gid),
            3 => from.u32(&mut profile.uid),
            4 => from.text(&mut profile.name),
            5 => from.text(&mut profile.status),
            6 => from.text(&mut profile.image),
            7 => from.u64(&mut profile.last_seen.0),
            8 => from.bytes(&mut profile.group),
            9 => from.text(&mut profile.values),
            10 => from.message(&mut LocalRecord(&mut profile.local)),
            _ => from.skip(),
        }
    }
}

struct LocalRecord<'a>(&'a mut Local);

impl Decode for LocalRecord<'_> {
    fn field(&mut self, number: u32, from: &mut Reader<'_>) {
        let LocalRecord(local) = self;
        match number {
            1 => from.text(local.name.get_or_insert_default()),
            2 => from.text(local.status.get_or_insert_default()),
            3 => from.text(local.image.get_or_insert_default()),
            4 => from.text(local.values.get_or_insert_default()),
            5 => from.text(local.draft.get_or_insert_default()),
            6 => from.u32(&mut local.marks),
            7 => from.u32(&mut local.contact),
            _ => from.skip(),
        }
    }
}

pub fn profile_to_bytes(profile: &StoredProfile) -> Vec<u8> {
    let mut to = Writer::default();
    to.bytes(1, profile.address.as_bytes());
    to.u32(2, profile.gid);
    to.u32(3, profile.uid);
    to.bytes(4, profile.name.as_bytes());
    to.bytes(5, profile.status.as_bytes());
    to.bytes(6, profile.image.as_bytes());
    to.u64(7, profile.last_seen.0);
    to.bytes(8, &profile.group);
    to.bytes(9, profile.values.as_bytes());
    let local = &profile.local;
    let begun = to.begin(10);
    // What only the page that made it can show is not kept.
    let image = local.image.as_ref().filter(|url| !url.starts_with("blob:"));
    let texts = [
        local.name.as_ref(),
        local.status.as_ref(),
        image,
        local.values.as_ref(),
        local.draft.as_ref(),
    ];
    for (number, text) in (1..).zip(texts) {
        to.some_bytes(number, text.map(String::as_bytes));
    }
    to.u32(6, local.marks);
    to.u32(7, local.contact);
    to.end(begun);
    to.into_bytes()
}

pub fn profile_from_bytes(bytes: &[u8]) -> Option<StoredProfile> {
    ProfileRecord::decode(bytes).ok().map(|record| record.0)
}

#[derive(Default)]
struct NoticeRecord {
    sender: String,
    id: u64,
    sender_uid: u32,
    receipt: bool,
}

impl Decode for NoticeRecord {
    fn field(&mut self, number: u32, from: &mut Reader<'_>) {
        match number {
            1 => from.text(&mut self.sender),
            2 => from.u64(&mut self.id),
            3 => from.u32(&mut self.sender_uid),
            4 => from.bool(&mut self.receipt),
            _ => from.skip(),
        }
    }
}

pub fn notice_to_bytes(notice: &ReadNotice) -> Vec<u8> {
    let mut to = Writer::default();
    to.bytes(1, notice.key.sender.as_bytes());
    to.u64(2, notice.key.id.get());
    to.u32(3, notice.sender_uid.0);
    to.bool(4, notice.receipt);
    to.into_bytes()
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

#[derive(Default)]
struct ErrandRecord {
    number: u64,
    after: u64,
    frame: Vec<u8>,
}

impl Decode for ErrandRecord {
    fn field(&mut self, number: u32, from: &mut Reader<'_>) {
        match number {
            1 => from.u64(&mut self.number),
            2 => from.u64(&mut self.after),
            3 => from.bytes(&mut self.frame),
            _ => from.skip(),
        }
    }
}

pub fn errand_to_bytes(errand: &Errand) -> Vec<u8> {
    let mut to = Writer::default();
    to.u64(1, errand.number);
    to.u64(2, errand.after);
    to.bytes(3, &errand.frame);
    to.into_bytes()
}

pub fn errand_from_bytes(bytes: &[u8]) -> Option<Errand> {
    let ErrandRecord { number, after, frame } = ErrandRecord::decode(bytes).ok()?;
    Some(Errand { number, after, frame })
}

#[derive(Default)]
struct AccountRecord(Account);

impl Decode for AccountRecord {
    fn field(&mut self, number: u32, from: &mut Reader<'_>) {
        match number {
            1 => from.u32(&mut self.0.uid.0),
            2 => from.text(&mut self.0.address),
            _ => from.skip(),
        }
    }
}

pub fn account_to_bytes(account: &Account) -> Vec<u8> {
    let mut to = Writer::default();
    to.u32(1, account.uid.0);
    to.bytes(2, account.address.as_bytes());
    to.into_bytes()
}

pub fn account_from_bytes(bytes: &[u8]) -> Option<Account> {
    AccountRecord::decode(bytes).ok().map(|record| record.0)
}
