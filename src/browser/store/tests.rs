//! IndexedDB against memory: whatever is asked of both, both answer the same.

use bytes::Bytes;
use client::Local;
use client::message::{Age, Content, File, Receipt};
use client::port::store::{Account, Errand, Part, ReadNotice, StoredProfile};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use wire::id::{GroupId, MessageId, Uid};
use wire::time::Timestamp;

use super::*;

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn a_database_answers_every_request_as_memory_does() {
    for seed in 1..=6 {
        let mut chance = Chance(seed);
        let disk = fresh(&format!("script-{seed}")).await;
        let mut memory = MemoryStore::default();
        for step in 0..60 {
            let request = request(&mut chance, step);
            let expected = sorted(memory.perform(request.clone()), &request);
            let got = sorted(perform(&disk, request.clone()).await.unwrap(), &request);
            assert_eq!(got, expected, "seed {seed}, step {step}: {request:?}");
        }
        let opened = contents(&disk).await.unwrap();
        assert_eq!(opened_sorted(opened), opened_sorted(memory.open()), "seed {seed}");
    }
}

#[wasm_bindgen_test]
async fn a_message_comes_back_with_every_field() {
    let disk = fresh("fields").await;
    let mut message = message(7, 3, 900);
    message.expiry = Some(0);
    message.recipients = 3;
    message.receipts =
        [("ada".into(), Receipt { delivered: Timestamp(5), read: Timestamp(6) })].into();
    message.content = Content {
        body: Bytes::from_static(&[0, 159, 146, 150]),
        title: "Überschrift".into(),
        subtitle: "s".into(),
        footer: "f".into(),
        location: Some((-90.0, 180.0)),
        file: Some(File {
            kind: 1,
            url: "https://there/it".into(),
            size: 1 << 40,
            name: "it".into(),
            mime: "image/png".into(),
            thumbnail: Bytes::from_static(&[1, 2]),
            launch_url: "https://there".into(),
        }),
        in_reply_to: (1 << 52) + 1,
        forwarded: true,
        thread: u32::MAX,
        fields: "{\"a\":1}".into(),
        age: Age { sent: 1, delivered: u32::MAX, read: 3 },
        sensitivity: 4,
        user_data: u32::MAX,
    };
    put(&disk, [message.clone()]).await;
    let keys = vec![message.key.clone()];
    let reply = perform(&disk, Request::Messages { keys }).await.unwrap();
    assert_eq!(reply, Reply::Messages(vec![message]));
}

#[wasm_bindgen_test]
async fn what_was_stored_is_there_when_the_database_is_opened_again() {
    let disk = fresh("again").await;
    let waiting = message(1, 1, 10);
    let notice = notice(2);
    let account = Account { uid: Uid(u32::MAX), address: "ada".into() };
    let profile = StoredProfile {
        address: "bob".into(),
        uid: 9,
        name: "Bob".into(),
        status: "here".into(),
        image: "https://there".into(),
        last_seen: Timestamp(77),
        values: "{\"a\":1}".into(),
        local: Local {
            name: Some("Robert".into()),
            status: Some(String::new()),
            image: Some("https://own".into()),
            values: Some("{}".into()),
            draft: Some("half".into()),
            marks: u32::MAX,
            contact: 7,
        },
        ..StoredProfile::default()
    };
    let group = StoredProfile { gid: 4, group: vec![8, 1], ..StoredProfile::default() };
    let writes = vec![
        Write::Message(Box::new(waiting.clone()), Part::New),
        Write::Read(notice.clone()),
        Write::Errand(errand(3)),
        Write::Errand(errand(12)),
        Write::Account(account.clone()),
        Write::Profile(Box::new(profile.clone())),
        Write::Profile(Box::new(group.clone())),
        Write::Cursor(Seq(1 << 50)),
        Write::Age { key: notice.key.clone(), end: Timestamp(1 << 50) },
        Write::Age { key: waiting.key.clone(), end: Timestamp(5) },
        Write::Age { key: waiting.key.clone(), end: Timestamp(0) },
    ];
    let ages = vec![(notice.key.clone(), Timestamp(1 << 50))];
    commit(&disk, writes, true).await.unwrap();
    disk.close();
    let disk = schema::open("mesibo-test-again").await.unwrap();
    let opened = contents(&disk).await.unwrap();
    let expected = Opened {
        cursor: Some(Seq(1 << 50)),
        account: Some(account),
        newest: vec![(waiting.order, waiting.key.clone())],
        outbox: vec![waiting],
        reads: vec![notice],
        errands: vec![errand(3), errand(12)],
        profiles: vec![profile, group],
        ages,
    };
    assert_eq!(opened_sorted(opened), opened_sorted(expected));
}

#[wasm_bindgen_test]
async fn a_commit_that_the_browser_refuses_leaves_nothing() {
    let disk = fresh("refused").await;
    put(&disk, [message(1, 1, 10)]).await;
    disk.close();
    let refused = commit(&disk, vec![Write::Cursor(Seq(9))], false).await;
    assert!(refused.is_err(), "a closed database stores nothing");
    let disk = schema::open("mesibo-test-refused").await.unwrap();
    assert_eq!(contents(&disk).await.unwrap().cursor, None);
}

#[wasm_bindgen_test]
async fn what_is_told_to_be_new_and_is_there_is_there_once_and_keeps_what_was_known() {
    let disk = fresh("moved").await;
    let read = Message { status: status::RECEIVED_READ, ..message(4, 1, 11) };
    put(&disk, [message(2, 1, 10), read.clone()]).await;
    put(&disk, [message(6, 2, 12), message(2, 1, 13), message(4, 1, 11)]).await;
    let request =
        Request::Read { conversation: None, from: None, count: 9, fifo: true, query: None };
    let Ok(Reply::Messages(found)) = perform(&disk, request).await else { panic!("no messages") };
    assert_eq!(found, [message(2, 1, 10), read, message(6, 2, 12)]);
}

#[wasm_bindgen_test]
async fn what_memory_held_goes_along_into_a_database() {
    fresh("moves").await.close();
    let mut memory = MemoryStore::default();
    let kept = message(1, 1, 10);
    let writes = vec![Write::Message(Box::new(kept.clone()), Part::New), Write::Cursor(Seq(3))];
    memory.perform(Request::Commit { writes, strict: false });
    let mut backend = Backend::Memory(Box::new(memory));
    let opened = open(&mut backend, Some("test".into()), "moves", || {}).await.unwrap();
    assert_eq!(opened.outbox, [kept]);
    assert_eq!(opened.cursor, Some(Seq(3)));
    assert!(matches!(backend, Backend::Indexed(..)));
}

#[wasm_bindgen_test]
fn the_place_of_a_message_is_what_its_value_is_found_by() {
    let message = message(5, 2, 1 << 51);
    let place = place(&message);
    let value = message_value(&message, &place);
    for (index, name) in ["c", "o", "k"].into_iter().enumerate() {
        let part = Reflect::get(&value, &JsValue::from_str(name)).unwrap();
        assert_eq!(part, place.get(index as u32), "{name}");
    }
    assert_eq!(message_of(&value), Some(message));
}

#[wasm_bindgen_test]
fn bytes_that_nobody_wrote_are_no_message() {
    assert_eq!(record::message_from_bytes(&[0xff, 0xff]), None);
    assert_eq!(record::message_from_bytes(&[]), None);
    assert_eq!(record::notice_from_bytes(&[]), None);
    assert_eq!(message_of(&JsValue::NULL), None);
}

// ---- below: what the tests are made of -------------------------------------------------------

/// A small generator of numbers: the tests are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// An empty database of this name.
async fn fresh(name: &str) -> Database {
    let name = format!("mesibo-test-{name}");
    database::delete(&name).await.unwrap();
    schema::open(&name).await.unwrap()
}

async fn put(disk: &Database, messages: impl IntoIterator<Item = Message>) {
    let writes = messages.into_iter().map(|message| Write::Message(Box::new(message), Part::New));
    commit(disk, writes.collect(), false).await.unwrap();
}

fn key(id: u64) -> MessageKey {
    let incoming = id.is_multiple_of(2);
    let sender = if incoming { format!("sender-{}", id % 3) } else { String::new() };
    MessageKey { incoming, sender, id: MessageId::new(id + 1).unwrap() }
}

fn conversation(number: u64) -> Conversation {
    match number {
        0 => Conversation::Group(GroupId(1)),
        1 => Conversation::User("1".into()),
        // A prefix of another one, and what comes behind digits.
        2 => Conversation::User("10".into()),
        _ => Conversation::User("ü".into()),
    }
}

fn message(id: u64, of: u64, order: u64) -> Message {
    let key = key(id);
    Message {
        status: if key.incoming { status::RECEIVED_NEW } else { 0 },
        peer: key.sender.clone(),
        key,
        conversation: conversation(of),
        sender_uid: Uid(id as u32),
        kind: 1,
        flags: 3,
        expiry: None,
        ts: Timestamp(order),
        order,
        content: Content { body: format!("{id}").into_bytes().into(), ..Content::default() },
        modified: id.is_multiple_of(5),
        recipients: 0,
        duration: 0,
        receipts: Default::default(),
    }
}

fn notice(id: u64) -> ReadNotice {
    let key = MessageKey { incoming: true, ..key(id) };
    ReadNotice { key, sender_uid: Uid(2), receipt: true }
}

fn errand(number: u64) -> Errand {
    Errand { number, after: 1 << 50, frame: vec![number as u8; 3] }
}

/// Anything a client may ask. Ids come back, so messages are joined and deleted; no two have one
/// order.
fn request(chance: &mut Chance, step: u64) -> Request {
    let from = chance
        .one_in(2)
        .then(|| Position { order: chance.below(1 << 20) << 12, key: key(chance.below(30)) });
    let some = chance.one_in(2).then(|| conversation(chance.below(4)));
    let count = chance.below(8) as u32 + 1;
    match chance.below(12) {
        0 => Request::Messages { keys: (0..5).map(|_| key(chance.below(30))).collect() },
        1 | 2 => {
            let fifo = chance.one_in(2);
            Request::Read { conversation: some, from, count, fifo, query: None }
        }
        3 => Request::Summary { from, count },
        4 => Request::Unread { conversation: some },
        5 => Request::UnreadMessages { conversation: conversation(chance.below(4)), count },
        _ => {
            let writes = (0..chance.below(7)).map(|index| write(chance, step * 8 + index));
            Request::Commit { writes: writes.collect(), strict: chance.one_in(4) }
        }
    }
}

fn write(chance: &mut Chance, number: u64) -> Write {
    let id = chance.below(30);
    match chance.below(19) {
        0 | 1 => Write::DeleteMessage(key(id)),
        4 => Write::Read(notice(id)),
        5 => Write::ReadDone(notice(id).key),
        6 => Write::Cursor(Seq(number)),
        7 => Write::Account(Account { uid: Uid(number as u32), address: "ada".into() }),
        8 => Write::Profile(Box::new(StoredProfile {
            address: format!("{}", id % 4),
            name: format!("{number}"),
            ..StoredProfile::default()
        })),
        2 => Write::ForgetProfiles,
        9 => Write::Errand(errand(number)),
        10 => Write::ErrandDone(number.saturating_sub(chance.below(9))),
        11 => Write::DeleteBefore {
            conversation: chance.one_in(2).then(|| conversation(chance.below(4))),
            before: chance.below(1 << 20) << 12,
        },
        _ => {
            let order = (chance.below(1 << 20) << 12) + number + 1;
            let mut message = message(id, id % 4, order);
            message.content.title = format!("{number}");
            if chance.one_in(3) {
                message.status = if message.key.incoming {
                    status::RECEIVED_READ
                } else {
                    chance.below(4) as u32
                };
            }
            let parts = [Part::New, Part::Status, Part::Content, Part::Unread];
            Write::Message(Box::new(message), parts[chance.below(4) as usize])
        }
    }
}

/// Messages asked for by their keys come in any order.
fn sorted(reply: Reply, request: &Request) -> Reply {
    match (reply, request) {
        (Reply::Messages(mut messages), Request::Messages { .. }) => {
            messages.sort_by(|a, b| a.key.cmp(&b.key));
            Reply::Messages(messages)
        }
        (reply, _) => reply,
    }
}

fn opened_sorted(mut opened: Opened) -> Opened {
    opened.reads.sort_by(|a, b| a.key.cmp(&b.key));
    opened.profiles.sort_by(|a, b| (a.gid, &a.address).cmp(&(b.gid, &b.address)));
    opened
}

#[wasm_bindgen_test]
async fn a_search_finds_what_messages_say_now_and_nothing_that_is_gone() {
    let disk = fresh("search").await;
    let mut memory = MemoryStore::default();
    let mut chance = Chance(11);
    let words = ["apple", "Birne", "ZIMT", "straße", "grün"];
    let says = |message: &Message| String::from_utf8(message.content.body.to_vec()).unwrap();
    for step in 0..300_u64 {
        let id = chance.below(40);
        let write = match chance.below(12) {
            0 => Write::DeleteMessage(key(id)),
            1 => Write::DeleteBefore {
                conversation: chance.one_in(2).then(|| conversation(chance.below(4))),
                before: chance.below(1 << 20) << 12,
            },
            _ => {
                let mut message = message(id, id % 4, (id << 12) + 1);
                let word = words[chance.below(5) as usize];
                message.content.body = format!("{step} {word} pie").into_bytes().into();
                message.content.title = if chance.one_in(3) { "Zimt" } else { "" }.into();
                Write::Message(Box::new(message), Part::New)
            }
        };
        // What a message says changes by its removal, as the client does it.
        let writes = match &write {
            Write::Message(message, _) => vec![Write::DeleteMessage(message.key.clone()), write],
            _ => vec![write],
        };
        commit(&disk, writes.clone(), false).await.unwrap();
        memory.perform(Request::Commit { writes, strict: false });
        if step % 10 != 0 {
            continue;
        }
        let conversation = chance.one_in(2).then(|| conversation(chance.below(4)));
        let (fifo, query) =
            (chance.one_in(2), ["zimt", "STRASSE", "straße", "Ü", "1"][step as usize / 10 % 5]);
        let read = |from, count, query| Request::Read {
            conversation: conversation.clone(),
            from,
            count,
            fifo,
            query,
        };
        let Reply::Messages(all) = memory.perform(read(None, u32::MAX, None)) else { panic!() };
        let wanted = all.into_iter().filter(|message| {
            super::super::text::search(&says(message), query)
                || super::super::text::search(&message.content.title, query)
        });
        let wanted: Vec<_> = wanted.collect();
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let request = read(from.clone(), 3, Some(query.into()));
            let Reply::Messages(page) = perform(&disk, request).await.unwrap() else { panic!() };
            let Some(last) = page.last() else { break };
            from = Some(Position { order: last.order, key: last.key.clone() });
            found.extend(page);
        }
        assert_eq!(found, wanted, "step {step}, {query:?}");
    }
}

#[wasm_bindgen_test]
async fn a_removed_message_is_in_no_block() {
    let disk = fresh("blocks").await;
    let mut secret = message(1, 1, 10);
    secret.content.body = b"a secret".to_vec().into();
    put(&disk, [secret.clone(), message(3, 1, 11)]).await;
    let stays = || async {
        let blocks = read(&disk, schema::TEXTS).unwrap();
        let blocks = all(&blocks, &JsValue::UNDEFINED, None).await.unwrap();
        let bytes = blocks.iter().flat_map(|block| {
            to_vec(&Reflect::get(&block, &"d".into()).unwrap()).unwrap_or_default()
        });
        let bytes: Vec<u8> = bytes.collect();
        bytes.windows(6).any(|part| part == b"secret")
    };
    assert!(stays().await);
    let emptied = Message { content: Content::default(), ..secret.clone() };
    let writes =
        vec![Write::DeleteMessage(secret.key), Write::Message(Box::new(emptied), Part::Content)];
    commit(&disk, writes, false).await.unwrap();
    assert!(!stays().await);
}
