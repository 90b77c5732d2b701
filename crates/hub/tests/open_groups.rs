//! Groups that take whoever comes, and groups whose members take turns.

mod host;

use host::Host;
use hub::port::admin::{GroupFields, Letter, MemberFields, Operation, PinAction, PinFields, Reply};
use hub::port::apps::Filter;
use wire::id::{GroupId, SessionId, Uid};
use wire::limits::{PIN_FAILURES_MAX, PIN_FAILURES_PER_ADDRESS_MAX};
use wire::mask::{group as mode, group_error as error, member};
use wire::proto::{
    Content, GroupRequest, RoomEnter, client_frame, entry, group_request::What, server_frame,
    target,
};
use wire::time::Duration;

fn members(host: &mut Host, gid: GroupId) -> Vec<String> {
    match host.admin(Operation::MembersGet { gid, pending: false, after: Uid(0), count: 100 }) {
        Ok(Reply::Members { members, .. }) => {
            members.into_iter().map(|row| row.user.address).collect()
        }
        other => panic!("not listed: {other:?}"),
    }
}

fn write(host: &mut Host, session: SessionId, gid: GroupId, id: u64, text: &str) {
    host.send_to(session, target::To::Group(gid.0), id, text, None);
}

#[test]
fn who_writes_to_an_open_group_becomes_a_member_and_gets_what_others_write() {
    let mut host = Host::new();
    let (ada, bob) = (host.user("ada"), host.user("bob"));
    let gid = host.group(mode::AUTO_ADD_MEMBER, &["ada"]);
    let (ada, bob) = (host.sign_in(&ada), host.sign_in_from(&bob, 2));
    for id in 1..=3 {
        write(&mut host, bob, gid, id, "hello");
    }
    assert_eq!(host.texts(ada), ["hello"; 3]);
    assert_eq!(members(&mut host, gid), ["ada", "bob"]);
    host.received(bob);
    write(&mut host, ada, gid, 4, "welcome");
    assert_eq!(host.texts(bob), ["welcome"]);
}

#[test]
fn who_enters_the_room_of_an_open_group_becomes_a_member() {
    let mut host = Host::new();
    let bob = host.user("bob");
    let gid = host.group(mode::AUTO_ADD_MEMBER, &[]);
    let bob = host.sign_in(&bob);
    host.frame(bob, client_frame::Body::RoomEnter(RoomEnter { gid: gid.0 }));
    assert_eq!(members(&mut host, gid), ["bob"]);
}

#[test]
fn a_message_to_members_who_take_turns_reaches_one_who_is_there() {
    let mut host = Host::new();
    let tokens = ["ada", "bob", "eve", "kim"].map(|address| host.user(address));
    let gid = host.group(mode::RECV_ROUND_ROBIN, &["ada", "bob", "eve", "kim"]);
    let [ada, bob, eve, _] = [0, 1, 2, 3].map(|at| match at {
        3 => SessionId(0),
        at => host.sign_in_from(&tokens[at], at as u8 + 1),
    });
    for (id, text) in ["one", "two", "three"].iter().enumerate() {
        write(&mut host, ada, gid, id as u64 + 1, text);
    }
    assert_eq!(host.texts(bob), ["one", "three"]);
    assert_eq!(host.texts(eve), ["two"], "kim is away");
    host.close(bob);
    host.close(eve);
    let content = Content { body: "four".into(), ..Content::default() };
    let from = "ada".to_owned();
    let letter = Letter { from, gid: Some(gid), expiry_s: 600, content, ..Letter::default() };
    assert!(host.admin(Operation::Message(letter)).is_ok());
    let texts = [1, 2, 3].map(|at| {
        let session = host.sign_in_from(&tokens[at], at as u8 + 1);
        host.texts(session).iter().filter(|text| *text == "four").count()
    });
    assert_eq!(texts.iter().sum::<usize>(), 1, "nobody is there, one gets it all the same");
}

#[test]
fn in_a_group_that_loops_back_the_sender_gets_its_own_message_where_it_wrote_it_too() {
    let mut host = Host::new();
    let tokens = ["ada", "bob"].map(|address| host.user(address));
    let gid = host.group(mode::RECV_LOOPBACK, &["ada", "bob"]);
    let [page, other, bob] = [0, 0, 1].map(|at| host.sign_in(&tokens[at]));
    write(&mut host, page, gid, 1, "stored");
    host.send_to(page, target::To::Group(gid.0), 2, "for now", Some(0));
    let frames = host.received(page);
    let recipients = frames.iter().filter_map(|frame| match frame {
        server_frame::Body::Accepted(accepted) => Some(accepted.recipients),
        _ => None,
    });
    assert_eq!(recipients.collect::<Vec<_>>(), [1, 1], "who writes is no recipient");
    let looped = |frames: &[server_frame::Body]| {
        let delivered = frames.iter().filter_map(|frame| match frame {
            server_frame::Body::Deliver(deliver) => Some(deliver.entries.clone()),
            _ => None,
        });
        let bodies = delivered.flatten().filter_map(|entry| entry.entry?.body);
        let messages = bodies.filter_map(|body| match body {
            entry::Body::Message(message) => Some((message.id, message.loopback)),
            _ => None,
        });
        messages.collect::<Vec<_>>()
    };
    for frames in [frames, host.received(other), host.received(bob)] {
        assert_eq!(looped(&frames), [(1, true), (2, true)]);
    }
    // From the backend it is as from another device.
    let content = Content { body: "three".into(), ..Content::default() };
    let from = "ada".to_owned();
    let letter = Letter { from, gid: Some(gid), expiry_s: 600, content, ..Letter::default() };
    assert!(host.admin(Operation::Message(letter)).is_ok());
    assert!(looped(&host.received(page))[0].1);
    // Who may not receive there does not hear itself either.
    let rights = MemberFields { denied: member::RECV, ..MemberFields::default() };
    let members = vec!["ada".to_owned()];
    host.admin(Operation::MembersEdit { gid, members, rights }).expect("edited");
    host.received(page);
    write(&mut host, page, gid, 4, "unheard");
    assert_eq!(looped(&host.received(page)), []);
}

#[test]
fn many_users_of_one_address_guess_no_more_pins_than_the_address_may() {
    let mut host = Host::new();
    let gid = host.group(0, &[]);
    let put = PinFields { pin: Some(123_456), ..PinFields::default() };
    let pin = Operation::GroupPin { gid, action: PinAction::Put(put) };
    assert!(host.admin(pin).is_ok());
    let join = |host: &mut Host, name: &str, pin: u32| {
        let token = host.user(name);
        let session = host.sign_in(&token);
        let request = GroupRequest { ticket: 1, gid: gid.0, what: Some(What::Join(pin)) };
        host.frame(session, client_frame::Body::GroupRequest(request));
        let reply = host.received(session).into_iter().find_map(|body| match body {
            server_frame::Body::GroupReply(reply) => Some(reply.error),
            _ => None,
        });
        reply.expect("an answer")
    };
    for guess in 0..PIN_FAILURES_PER_ADDRESS_MAX {
        let name = format!("guesser {}", guess / (PIN_FAILURES_MAX - 1));
        assert_eq!(join(&mut host, &name, 100_000 + guess), error::BAD_PIN);
    }
    assert_eq!(join(&mut host, "somebody else", 123_456), error::ACCESS_DENIED);
    let filter = Filter { id: Some(gid.0), pattern: "*".into(), count: 1, ..Filter::default() };
    let Ok(Reply::Groups(rows, _)) = host.admin(Operation::GroupsGet { filter }) else {
        panic!("not listed");
    };
    assert_eq!(rows[0].members, 0);
}

/// What a join by a PIN is answered.
fn join(host: &mut Host, session: SessionId, gid: GroupId, pin: u32) -> u32 {
    let request = GroupRequest { ticket: 1, gid: gid.0, what: Some(What::Join(pin)) };
    host.frame(session, client_frame::Body::GroupRequest(request));
    let reply = host.received(session).into_iter().find_map(|body| match body {
        server_frame::Body::GroupReply(reply) if reply.ticket == 1 => Some(reply.error),
        _ => None,
    });
    reply.expect("an answer")
}

#[test]
fn a_group_with_a_shared_pin_demands_one_and_its_other_pins_are_for_one_user_each() {
    let mut host = Host::new();
    let tokens = ["ada", "bob", "eve"].map(|address| host.user(address));
    let gid = host.group(mode::AUTO_ADD_MEMBER, &[]);
    let [ada, bob, eve] = [0, 1, 2].map(|at| host.sign_in_from(&tokens[at], at as u8 + 1));
    let put = |host: &mut Host, pin, flags| {
        let put = PinFields { pin: Some(pin), flags: Some(flags), ..PinFields::default() };
        host.admin(Operation::GroupPin { gid, action: PinAction::Put(put) }).expect("made");
    };
    // As pages have always made them: whoever knows one joins.
    put(&mut host, 111_111, member::ALL);
    assert_eq!([ada, bob].map(|who| join(&mut host, who, gid, 111_111)), [error::NONE; 2]);
    write(&mut host, eve, gid, 1, "open");
    assert_eq!(members(&mut host, gid), ["ada", "bob", "eve"]);
    let everybody = vec!["ada".to_owned(), "bob".to_owned(), "eve".to_owned()];
    host.admin(Operation::MembersRemove { gid, members: everybody }).expect("removed");

    put(&mut host, 222_222, member::ALL | member::SHARED_PIN);
    put(&mut host, 333_333, member::ALL);
    host.received(eve);
    write(&mut host, eve, gid, 2, "who knows the group is not in it");
    host.frame(eve, client_frame::Body::RoomEnter(RoomEnter { gid: gid.0 }));
    assert_eq!(members(&mut host, gid), [""; 0]);
    host.received(eve);
    assert_eq!(join(&mut host, ada, gid, 333_333), error::NONE);
    assert_eq!(join(&mut host, bob, gid, 333_333), error::NOT_SHARED_PIN);
    assert_eq!(join(&mut host, ada, gid, 333_333), error::NONE, "it is hers");
    assert_eq!([bob, eve].map(|who| join(&mut host, who, gid, 222_222)), [error::NONE; 2]);
    assert_eq!(members(&mut host, gid), ["ada", "bob", "eve"]);
    assert_eq!(join(&mut host, bob, gid, 111_111), error::NOT_SHARED_PIN, "it was used before");
}

#[test]
fn a_group_that_is_used_lives_on_and_one_that_is_not_ends() {
    let mut host = Host::new();
    let token = host.user("ada");
    let fields = GroupFields {
        expiry_s: Some(100),
        expiry_extension_s: Some(1_000),
        ..GroupFields::default()
    };
    let members = vec!["ada".to_owned()];
    let made = host.admin(Operation::GroupAdd { fields, members, rights: MemberFields::default() });
    let Ok(Reply::Group { group, .. }) = made else { panic!("no group: {made:?}") };
    let gid = group.gid;
    for id in 1..=5 {
        host.advance(Duration::from_secs(90));
        let ada = host.sign_in(&token);
        write(&mut host, ada, gid, id, "still here");
        assert_eq!(host.answers(ada), [(id, wire::status::SENT)]);
    }
    let filter = Filter { id: Some(gid.0), pattern: "*".into(), count: 1, ..Filter::default() };
    let Ok(Reply::Groups(rows, _)) = host.admin(Operation::GroupsGet { filter }) else {
        panic!("not listed");
    };
    assert!((900..=1_000).contains(&rows[0].expires_in_s), "{}", rows[0].expires_in_s);
    host.advance(Duration::from_secs(1_001));
    let ada = host.sign_in(&token);
    write(&mut host, ada, gid, 9, "too late");
    assert_eq!(host.answers(ada), [(9, wire::status::INVALID_DESTINATION)]);
}
