//! The part of [`store_suite`](crate::store_suite) about everything that is kept of one user.

use bytes::Bytes;
use hub::Person;
use hub::port::apps::{AppRequest, Scheduled};
use hub::port::personal::{
    ErasePlace, Known, LeftFiles, PersonalReply, PersonalRequest, StoredFile,
};
use hub::port::store::{Contact, HistoryOf, NewMessage, Note, Reply, Request, User};
use wire::codec::Encode as _;
use wire::id::{AppId, DeviceKey, GroupId, MessageId, Uid};
use wire::mask::contact::CONTACT;
use wire::proto::{
    Content, Entry, File, GroupChange, Member, Message, StatusReport, Target, entry, group_change,
    target,
};
use wire::time::Timestamp;

use crate::memory_store::SyncStore;
use crate::store_suite::{issue, log, perform, save_group, user};

const NOW: Timestamp = Timestamp(1_000_000);

pub(crate) fn personal_suite<S: SyncStore>(make: &mut impl FnMut() -> S) {
    everything_of_a_user_is_known(make());
    an_erased_user_is_in_nobodys_records(make());
    who_has_the_same_address_in_another_app_is_not_touched(make());
    a_file_belongs_to_who_uploaded_it(make());
    a_file_goes_with_the_last_record_that_names_it(make());
}

fn everything_of_a_user_is_known(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let token = issue(&mut store, bob.uid, "web", [1; 32]);
    let key = DeviceKey([3; 16]);
    perform(&mut store, Request::OpenDevice { token, uid: bob.uid, key, now: NOW });
    let gid = save_group(&mut store, &[&ada, &bob]);
    let contact = Contact { uid: ada.uid, address: "ada".into(), flags: CONTACT };
    perform(&mut store, Request::SaveContacts { uid: bob.uid, contacts: vec![contact.clone()] });
    let messages = [
        send(&mut store, &bob, to("ada"), 1, &[&ada]),
        send(&mut store, &ada, to("bob"), 2, &[&bob]),
        send(&mut store, &ada, group(gid), 3, &[&bob]),
    ];
    send(&mut store, &ada, to("ada"), 4, &[]);
    let status =
        note(&bob, entry::Body::Status(StatusReport { uid: 1, ..StatusReport::default() }));
    perform(&mut store, Request::AppendNotes { notes: vec![status.clone()] });
    schedule(&mut store, &bob, "ada");
    schedule(&mut store, &ada, "bob");
    let file = StoredFile { name: "1-a.png".into(), size: 7, ts: NOW };
    file_of(&mut store, bob.uid, file.clone());

    let known = known(&mut store, bob.uid);
    assert_eq!(known.tokens.iter().map(|token| token.id).collect::<Vec<_>>(), [token]);
    assert_eq!(known.devices.iter().map(|device| device.seen).collect::<Vec<_>>(), [NOW]);
    assert_eq!(known.groups.iter().map(|(group, _)| group.gid).collect::<Vec<_>>(), [gid]);
    assert_eq!((known.contacts, known.files), (vec![contact], vec![file]));
    assert_eq!(known.waiting.iter().map(|row| &row.entry).collect::<Vec<_>>(), [&status.entry]);
    assert_eq!(known.scheduled.len(), 1);

    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let request = PersonalRequest::Messages { uid: bob.uid, after, count: 2 };
        let PersonalReply::Messages(rows) = personal(&mut store, request) else { panic!() };
        let Some((last, _)) = rows.last() else { break };
        after = *last;
        found.extend(rows.into_iter().map(|(_, entry)| entry));
    }
    assert_eq!(found, messages);
}

fn an_erased_user_is_in_nobodys_records(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let gid = save_group(&mut store, &[&ada, &bob]);
    send(&mut store, &bob, to("ada"), 1, &[&ada]);
    send(&mut store, &ada, to("bob"), 2, &[&bob]);
    send(&mut store, &bob, group(gid), 3, &[&ada]);
    let other = send(&mut store, &ada, group(gid), 4, &[&bob]);
    schedule(&mut store, &bob, "ada");
    schedule(&mut store, &ada, "bob");
    let delivered = StatusReport { uid: bob.uid.0, address: "bob".into(), ..Default::default() };
    let change = |members: &[&User], by: &str| {
        let members = members.iter().map(|user| Member {
            uid: user.uid.0,
            address: user.address.clone(),
            ..Member::default()
        });
        GroupChange {
            kind: group_change::Kind::MembersLeft as i32,
            members: members.collect(),
            by: by.into(),
            ..GroupChange::default()
        }
    };
    let notes = vec![
        note(&ada, entry::Body::Status(delivered)),
        note(&ada, entry::Body::Group(change(&[&bob], ""))),
        note(&ada, entry::Body::Group(change(&[&ada, &bob], "bob"))),
    ];
    perform(&mut store, Request::AppendNotes { notes });

    erase(&mut store, &bob);
    let rest = note(&ada, entry::Body::Group(change(&[&ada], "")));
    let left: Vec<_> = log(&mut store, ada.uid, 0).into_iter().map(|row| row.entry).collect();
    assert_eq!(left, [other.clone(), rest.entry]);
    let all = Request::ReadHistory {
        uid: ada.uid,
        of: HistoryOf::All,
        before: None,
        after: None,
        until: NOW,
        count: 9,
        now: NOW,
    };
    let Reply::History(rows) = perform(&mut store, all) else { panic!("no history") };
    assert_eq!(rows.into_iter().map(|row| row.entry).collect::<Vec<_>>(), [other]);
    let id = MessageId::new(1).expect("an id");
    let find = Request::FindMessage { sender: bob.uid, id };
    assert_eq!(perform(&mut store, find), Reply::Message(None));
    let due = AppRequest::Due { now: Timestamp(u64::MAX >> 1), count: 9 };
    let Reply::OfApp(hub::port::apps::AppReply::Due(due, _)) =
        perform(&mut store, Request::OfApp(due))
    else {
        panic!("nothing is told");
    };
    assert_eq!(due, []);
}

fn who_has_the_same_address_in_another_app_is_not_touched(mut store: impl SyncStore) {
    let bob = user(&mut store, AppId(1), "bob");
    let (eve, other) = (user(&mut store, AppId(2), "eve"), user(&mut store, AppId(2), "bob"));
    let message = send(&mut store, &eve, to("bob"), 1, &[&other]);
    erase(&mut store, &bob);
    let left: Vec<_> = log(&mut store, other.uid, 0).into_iter().map(|row| row.entry).collect();
    assert_eq!(left, [message]);
}

fn a_file_belongs_to_who_uploaded_it(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let file = |name: &str| StoredFile { name: name.into(), size: 1, ts: NOW };
    file_of(&mut store, ada.uid, file("1-a.png"));
    file_of(&mut store, bob.uid, file("1-a.png"));
    let sent = |name: &str, id, forwarded| {
        let url = format!("https://x.test/files/{name}?a=b");
        let file = File { url, size: 1, ..File::default() };
        let content = Content { file: Some(file), forwarded, ..Content::default() };
        new_message(&bob, to("ada"), id, Some(content))
    };
    // Of the first it is known that it is Ada's, of the third that somebody else sent it before.
    let messages = [sent("1-a.png", 1, false), sent("1-b.png", 2, false), sent("1-c.png", 3, true)];
    let messages = messages.map(|message| (message, vec![ada.uid, bob.uid]));
    perform(&mut store, Request::Append { messages: messages.into() });
    let image = "https://x.test/files/1-d.png".to_owned();
    perform(&mut store, Request::SaveUser { user: User { image, ..bob.clone() } });
    let names = |known: Known| known.files.into_iter().map(|file| file.name).collect::<Vec<_>>();
    assert_eq!(names(known(&mut store, bob.uid)), ["1-b.png", "1-d.png"]);
    assert_eq!(names(known(&mut store, ada.uid)), ["1-a.png"]);
}

fn a_file_goes_with_the_last_record_that_names_it(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let name = |digit: &str| format!("1795312345-{}.png", digit.repeat(32));
    let names = ["1", "2", "3", "4", "5"].map(name);
    for name in &names {
        file_of(&mut store, ada.uid, StoredFile { name: name.clone(), size: 1, ts: NOW });
    }
    let [once, twice, pictured, unnamed, played] = names;
    let message = |url: String, id| {
        let content = Content { file: Some(File { url, ..File::default() }), ..Content::default() };
        new_message(&ada, to("bob"), id, Some(content))
    };
    let send = |store: &mut _, url: String, id| {
        let messages = vec![(message(url, id), vec![ada.uid, bob.uid])];
        perform(store, Request::Append { messages });
    };
    send(&mut store, format!("https://x.test/files/{once}"), 1);
    send(&mut store, format!("https://x.test/files/{twice}?e=1&s=2"), 2);
    send(&mut store, format!("https://x.test/files/{twice}"), 3);
    send(&mut store, format!("https://x.test/media/1000/{}", hub::medium_of(&played)), 4);
    let save = |store: &mut _, image: String| {
        perform(store, Request::SaveUser { user: User { image, ..bob.clone() } });
    };
    save(&mut store, format!("https://x.test/files/{pictured}"));
    let left = |store: &mut _, unnamed_before| {
        let wanted = LeftFiles { unnamed_before, before: None, count: 9 };
        let reply = personal(store, PersonalRequest::LeftFiles(wanted));
        let PersonalReply::LeftFiles(names) = reply else { panic!("{reply:?}") };
        names
    };
    let nothing: [String; 0] = [];
    assert_eq!(left(&mut store, None), nothing);
    assert_eq!(left(&mut store, Some(NOW)), nothing, "it has just come");
    assert_eq!(left(&mut store, Some(Timestamp(NOW.0 + 1))), [unnamed.as_str()]);

    let take_back = |store: &mut _, id| {
        let entry = new_message(&ada, to("bob"), id, None).entry;
        let id = MessageId::new(id).expect("a small number is an id");
        let notes = Vec::new();
        perform(store, Request::ChangeMessage { sender: ada.uid, id, entry, notes });
    };
    take_back(&mut store, 1);
    take_back(&mut store, 2);
    assert_eq!(left(&mut store, None), [once.as_str()], "of the other there is another message");
    let mut store = store.kill();
    assert_eq!(left(&mut store, None), [once.as_str()]);
    personal(&mut store, PersonalRequest::Unfiled { names: vec![once] });
    assert_eq!(left(&mut store, None), nothing);
    save(&mut store, String::new());
    assert_eq!(left(&mut store, None), [pictured.as_str()]);
    save(&mut store, format!("https://x.test/files/{pictured}"));
    assert_eq!(left(&mut store, None), nothing, "it is named again");
    let sweep = Request::Sweep { now: Timestamp(NOW.0 + 700_000_000), count: 9 };
    send(&mut store, "https://x.test/".into(), 5);
    perform(&mut store, sweep);
    assert_eq!(left(&mut store, None), [twice.as_str(), &played], "their messages were over");
    perform(&mut store, Request::DeleteUser { uid: bob.uid, notes: Vec::new() });
    perform(&mut store, Request::DeleteUser { uid: ada.uid, notes: Vec::new() });
    let mut all = [twice, pictured, unnamed, played];
    all.sort();
    assert_eq!(left(&mut store, None), all, "what nobody has a message with goes with its owner");
    let wanted = LeftFiles { before: Some(Timestamp(NOW.0 + 1)), count: 2, ..LeftFiles::default() };
    let reply = personal(&mut store, PersonalRequest::LeftFiles(wanted));
    assert!(matches!(reply, PersonalReply::LeftFiles(names) if names.len() <= 2));
}

// ---- helpers -----------------------------------------------------------------------------

fn personal(store: &mut impl SyncStore, request: PersonalRequest) -> PersonalReply {
    match perform(store, Request::Personal(request)) {
        Reply::Personal(reply) => reply,
        other => panic!("not about a user: {other:?}"),
    }
}

fn known(store: &mut impl SyncStore, uid: Uid) -> Known {
    match personal(store, PersonalRequest::Known { uid }) {
        PersonalReply::Known(known) => known,
        other => panic!("nothing is known: {other:?}"),
    }
}

fn file_of(store: &mut impl SyncStore, uid: Uid, file: StoredFile) {
    personal(store, PersonalRequest::Filed { uid, file });
}

fn erase(store: &mut impl SyncStore, user: &User) {
    let mut from = ErasePlace::START;
    loop {
        let request = PersonalRequest::Erase { who: Person::from(user), from, count: 2 };
        match personal(store, request) {
            PersonalReply::Erased(Some(next)) => from = next,
            PersonalReply::Erased(None) => break,
            other => panic!("not erased: {other:?}"),
        }
    }
    perform(store, Request::DeleteUser { uid: user.uid, notes: vec![] });
}

fn to(address: &str) -> target::To {
    target::To::Address(address.into())
}

fn group(gid: GroupId) -> target::To {
    target::To::Group(gid.0)
}

fn wire_message(from: &User, to: target::To, id: u64, content: Option<Content>) -> Message {
    Message {
        id,
        from_uid: from.uid.0,
        from: from.address.clone(),
        to: Some(Target { to: Some(to) }),
        content,
        ..Message::default()
    }
}

fn new_message(from: &User, to: target::To, id: u64, content: Option<Content>) -> NewMessage {
    let group = match &to {
        target::To::Group(gid) => GroupId(*gid),
        target::To::Address(_) => GroupId(0),
    };
    let message = wire_message(from, to, id, content);
    NewMessage {
        sender: from.uid,
        id: MessageId::new(id).expect("a small number is an id"),
        flags: 3,
        group,
        peer: Uid(0),
        ts: NOW,
        expires: Timestamp(NOW.0 + 60_000),
        watched: false,
        entry: Entry { body: Some(entry::Body::Message(message)) }.encode_to_vec().into(),
    }
}

/// Stores a message and says how it is stored.
fn send(
    store: &mut impl SyncStore,
    from: &User,
    to: target::To,
    id: u64,
    others: &[&User],
) -> Bytes {
    let message = new_message(from, to, id, None);
    let entry = message.entry.clone();
    let to = others.iter().map(|user| user.uid).chain([from.uid]).collect();
    perform(store, Request::Append { messages: vec![(message, to)] });
    entry
}

fn note(of: &User, body: entry::Body) -> Note {
    Note { uid: of.uid, entry: Entry { body: Some(body) }.encode_to_vec().into(), receipt: None }
}

fn schedule(store: &mut impl SyncStore, from: &User, address: &str) {
    let message = wire_message(from, to(address), 9, None).encode_to_vec().into();
    let scheduled = Scheduled { id: 0, aid: from.aid, due: NOW, message, only: vec![] };
    perform(store, Request::OfApp(AppRequest::Schedule { messages: vec![scheduled] }));
}
