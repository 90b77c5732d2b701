//! What a backend reads, deletes and takes back of the messages that are kept.

mod host;

use host::Host;
use hub::port::admin::{AppFields, ErrorCode, Letter, Operation, Reply, UserFields, UserRef, With};
use wire::id::MessageId;
use wire::proto::entry;
use wire::status;
use wire::time::{Duration, Timestamp};

const EVER: Timestamp = Timestamp(u64::MAX >> 1);

fn of(address: &str) -> UserRef {
    UserRef { uid: None, address: Some(address.into()) }
}

fn kept(
    host: &mut Host,
    address: &str,
    (before, after): (Option<u64>, Option<u64>),
    count: u32,
) -> (Vec<u64>, Option<u64>) {
    let with = Some(With::User(if address == "ada" { "bob" } else { "ada" }.into()));
    let user = of(address);
    let operation = Operation::MessagesGet { user, with, before, after, count, deleted: false };
    match host.admin(operation) {
        Ok(Reply::Messages { rows, next }) => {
            (rows.iter().map(|row| row.message.id).collect(), next)
        }
        other => panic!("not read: {other:?}"),
    }
}

/// Ada has written three messages to Bob, who has not been there.
fn world() -> (Host, String, wire::id::SessionId) {
    let mut host = Host::new();
    let (ada, bob) = (host.user("ada"), host.user("bob"));
    let ada = host.sign_in(&ada);
    for id in 1..=3 {
        host.send(ada, "bob", id, &format!("message {id}"));
    }
    host.received(ada);
    (host, bob, ada)
}

#[test]
fn kept_messages_are_read_newest_first_and_in_parts() {
    let (mut host, ..) = world();
    let (mids, next) = kept(&mut host, "bob", (None, None), 2);
    assert_eq!(mids, [3, 2]);
    let (mids, first) = kept(&mut host, "bob", (next, None), 2);
    assert_eq!(mids, [1]);
    assert_eq!(kept(&mut host, "bob", (None, first), 1), ([2].into(), next), "the other way");
    assert_eq!(kept(&mut host, "bob", (None, first), 9).0, [3, 2]);
    assert_eq!(kept(&mut host, "bob", (None, Some(0)), 2).0, [2, 1], "from the beginning");
    let (_, last) = kept(&mut host, "bob", (None, next), 9);
    assert_eq!(kept(&mut host, "bob", (None, last), 9), ([].into(), None));
    assert_eq!(kept(&mut host, "bob", (last, first), 9).0, [2], "between both");
    let (user, deleted) = (of("eve"), false);
    let nobody =
        Operation::MessagesGet { user, with: None, before: None, after: None, count: 2, deleted };
    assert_eq!(host.admin(nobody).unwrap_err().code, ErrorCode::NoUser);
}

#[test]
fn a_conversation_is_deleted_for_one_of_both_and_its_devices_are_told_when_asked() {
    let (mut host, bob, ada) = world();
    let delete = |recall| Operation::MessagesDelete {
        user: of("ada"),
        with: Some(With::User("bob".into())),
        before: EVER,
        recall,
    };
    assert_eq!(host.admin(delete(false)), Ok(Reply::Deleted(None)));
    assert!(kept(&mut host, "ada", (None, None), 9).0.is_empty());
    assert!(host.entries(ada).is_empty());
    assert_eq!(host.admin(delete(true)), Ok(Reply::Deleted(None)));
    assert!(matches!(host.entries(ada)[..], [(_, entry::Body::Removed(_))]));
    let bob = host.sign_in(&bob);
    assert_eq!(host.texts(bob).len(), 3, "of the other one nothing is deleted");
}

#[test]
fn messages_taken_back_by_the_backend_say_nothing_to_anybody() {
    let (mut host, bob, ada) = world();
    let recall = |mids: &[u64]| Operation::MessagesRecall {
        user: of("ada"),
        mids: mids.iter().filter_map(|mid| MessageId::new(*mid)).collect(),
    };
    assert_eq!(host.admin(recall(&[1, 2, 77])), Ok(Reply::Deleted(Some(2))));
    let changed = host.entries(ada).into_iter().filter_map(|(_, body)| match body {
        entry::Body::Changed(changed) => Some((changed.id, changed.content.is_none())),
        _ => None,
    });
    assert_eq!(changed.collect::<Vec<_>>(), [(2, true), (1, true)]);
    let bob = host.sign_in(&bob);
    assert_eq!(host.texts(bob), ["message 3"]);
    assert_eq!(kept(&mut host, "bob", (None, None), 9).0, [3]);
    let (user, with, before, after) = (of("ada"), None, None, None);
    let all = Operation::MessagesGet { user, with, before, after, count: 9, deleted: true };
    let Ok(Reply::Messages { rows, .. }) = host.admin(all) else { panic!("not read") };
    let shown = rows.iter().map(|row| (row.message.id, row.status, row.message.content.is_some()));
    let expected =
        [(3, status::SENT, true), (2, status::DELETED, false), (1, status::DELETED, false)];
    assert_eq!(shown.collect::<Vec<_>>(), expected, "who asks for them sees where they were");
    assert_eq!(host.admin(recall(&[77])).unwrap_err().code, ErrorCode::NotFound);
}

#[test]
fn messages_older_than_the_retention_of_their_app_are_given_to_nobody() {
    let mut host = Host::new();
    let fields = AppFields { retention_days: Some(2), ..AppFields::default() };
    host.admin(Operation::AppSet { aid: None, fields }).expect("set");
    let [ada, bob] = ["ada", "bob"].map(|name| host.user_with(name, UserFields::default(), 0));
    let session = host.sign_in(&ada);
    host.send(session, "bob", 1, "for two days");
    let letter = |text: &str, expiry_s| {
        let content = wire::proto::Content { body: text.to_owned().into(), ..Default::default() };
        let (from, to) = ("ada".to_owned(), vec!["bob".to_owned()]);
        Operation::Message(Letter { from, to, expiry_s, content, ..Letter::default() })
    };
    host.admin(letter("for two days, from the backend", 31_536_000)).expect("sent");
    host.admin(letter("for a day", 86_400)).expect("sent");
    host.close(session);
    host.advance(Duration::from_secs(2 * 86_400 - 1));
    assert_eq!(kept(&mut host, "bob", (None, None), 9).0.len(), 2);
    host.advance(Duration::from_secs(1));
    assert_eq!(kept(&mut host, "bob", (None, None), 9).0, [0; 0]);
    assert_eq!(kept(&mut host, "ada", (None, None), 9).0, [0; 0]);
    let session = host.sign_in(&bob);
    assert_eq!(host.texts(session), [""; 0]);
}
