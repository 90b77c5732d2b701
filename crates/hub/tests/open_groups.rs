//! Groups that take whoever comes, and groups whose members take turns.

mod host;

use host::Host;
use hub::port::admin::{GroupFields, Letter, MemberFields, Operation, PinAction, PinFields, Reply};
use hub::port::apps::Filter;
use wire::id::{GroupId, SessionId, Uid};
use wire::limits::{PIN_FAILURES_MAX, PIN_FAILURES_PER_ADDRESS_MAX};
use wire::mask::{group as mode, group_error as error};
use wire::proto::{
    Content, GroupRequest, RoomEnter, client_frame, group_request::What, server_frame, target,
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
