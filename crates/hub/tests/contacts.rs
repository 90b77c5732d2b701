//! Profiles, contacts and blocks: what is stored, who is told, and what a block takes away.

mod host;

use host::Host;
use wire::id::SessionId;
use wire::limits::{NAME_BYTES_MAX, PROFILE_VALUES_BYTES_MAX};
use wire::mask::{contact, presence as code};
use wire::proto::*;
use wire::status;

#[test]
fn a_published_profile_is_stored_and_told_to_watchers_and_own_devices() {
    let mut host = Host::new();
    let tokens = ["ada", "bob"].map(|name| host.user(name));
    let ada = host.sign_in(&tokens[0]);
    let (laptop, bob) = (host.sign_in(&tokens[0]), host.sign_in(&tokens[1]));
    host.watch(bob, "ada");
    let values = Some("{\"city\":\"Ulm\"}".to_string());
    let save = ProfileSave { ticket: 3, name: Some("Ada L".into()), values, ..Default::default() };
    host.received(ada);
    host.received(laptop);
    host.frame(ada, client_frame::Body::ProfileSave(save));
    // The asker hears what came of it before what it caused.
    let first = &host.peek(ada)[0];
    assert_eq!(*first, server_frame::Body::ProfileSaved(ProfileSaved { ticket: 3, ok: true }));
    for session in [ada, laptop, bob] {
        let told = host.profiles(session);
        assert_eq!(told[0].name, "Ada L");
        assert_eq!(told[0].values, "{\"city\":\"Ulm\"}");
    }
    host.restart();
    let (_, welcome) = host.resume(&tokens[0], 0);
    assert_eq!(welcome.self_profile.expect("own").values, "{\"city\":\"Ulm\"}");
}

#[test]
fn a_profile_that_is_too_large_is_refused_as_a_whole() {
    let mut host = Host::new();
    let token = host.user("ada");
    let ada = host.sign_in(&token);
    host.received(ada);
    let long = |bytes: usize| Some("x".repeat(bytes + 1));
    let saves = [
        ProfileSave { name: long(NAME_BYTES_MAX), ..Default::default() },
        ProfileSave {
            name: Some("new".into()),
            values: long(PROFILE_VALUES_BYTES_MAX),
            ..Default::default()
        },
    ];
    for save in saves {
        host.frame(ada, client_frame::Body::ProfileSave(save));
        let frames = host.received(ada);
        let [server_frame::Body::ProfileSaved(saved)] = &frames[..] else { panic!("{frames:?}") };
        assert!(!saved.ok);
    }
    let (_, welcome) = host.resume(&token, 0);
    assert_eq!(welcome.self_profile.expect("own").name, "");
}

#[test]
fn contacts_are_told_at_sign_in_and_to_the_other_devices_at_once() {
    let mut host = Host::new();
    let tokens = ["ada", "bob"].map(|name| host.user(name));
    let ada = host.sign_in(&tokens[0]);
    let laptop = host.sign_in(&tokens[0]);
    host.received(laptop);
    let saved = put(&mut host, ada, &[("bob", contact::CONTACT), ("nobody", contact::CONTACT)]);
    assert_eq!(saved.contacts, [of("bob", contact::CONTACT)], "nobody is nobody's contact");
    let frames = host.received(laptop);
    let [server_frame::Body::Contacts(told)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((told.ticket, &told.contacts[..]), (0, &[of("bob", contact::CONTACT)][..]));
    host.restart();
    let (ada, welcome) = host.resume(&tokens[0], 0);
    assert_eq!(welcome.contacts, [of("bob", contact::CONTACT)]);
    put(&mut host, ada, &[("bob", 0)]);
    assert_eq!(host.resume(&tokens[0], 0).1.contacts, []);
}

#[test]
fn who_is_blocked_reaches_nobody_and_sees_nothing() {
    let mut host = Host::new();
    let tokens = ["ada", "bob"].map(|name| host.user(name));
    let [ada, bob] = [0, 1].map(|index: usize| host.sign_in(&tokens[index]));
    host.watch(bob, "ada");
    host.watch(ada, "bob");
    put(&mut host, ada, &[("bob", contact::BLOCKED)]);
    assert_eq!(host.presences(bob), [("ada".to_string(), code::OFFLINE)]);
    host.send(bob, "ada", 1, "hello");
    assert_eq!(host.answers(bob), [(1, status::BLOCKED)]);
    type_to(&mut host, bob, "ada");
    assert_eq!(host.received(ada).len(), 0);
    // One way only: the one who blocks may write.
    host.send(ada, "bob", 1, "last word");
    assert_eq!(host.texts(bob), ["last word"]);

    // The same after everything was forgotten, and for who was away.
    host.restart();
    let bob = host.sign_in(&tokens[1]);
    host.watch(bob, "ada");
    let ada = host.sign_in(&tokens[0]);
    assert_eq!(host.presences(bob), []);
    host.send(bob, "ada", 2, "hello again");
    assert_eq!(host.answers(bob), [(2, status::BLOCKED)]);
    let seen = host.watch(bob, "ada");
    assert!(!seen.online);

    put(&mut host, ada, &[("bob", 0)]);
    assert_eq!(host.presences(bob), [("ada".to_string(), code::ONLINE)]);
    host.send(bob, "ada", 3, "friends");
    assert_eq!(host.texts(ada), ["friends"]);
}

#[test]
fn a_partial_block_takes_its_part_only() {
    let mut host = Host::new();
    let tokens = ["ada", "bob", "carol"].map(|name| host.user(name));
    let [ada, bob, carol] = [0, 1, 2].map(|index: usize| host.sign_in(&tokens[index]));
    let group = host.group(0, &["ada", "bob", "carol"]);
    for session in [ada, bob, carol] {
        host.received(session);
    }
    let in_group = |host: &mut Host, id| {
        host.send_to(bob, target::To::Group(group.0), id, "to all", None);
    };
    put(&mut host, ada, &[("bob", contact::BLOCK_GROUP_MESSAGES)]);
    in_group(&mut host, 1);
    assert_eq!((host.texts(ada), host.texts(carol)), (vec![], vec!["to all".to_string()]));
    host.send(bob, "ada", 2, "to you");
    assert_eq!(host.texts(ada), ["to you"]);

    put(&mut host, ada, &[("bob", contact::BLOCK_MESSAGES)]);
    in_group(&mut host, 3);
    assert_eq!(host.texts(ada), ["to all"]);
    host.received(bob);
    host.send(bob, "ada", 4, "to you");
    assert_eq!(host.answers(bob), [(4, status::BLOCKED)]);
    assert!(host.watch(bob, "ada").online, "presence is not part of it");

    put(&mut host, ada, &[("bob", contact::BLOCK_PROFILE)]);
    rename(&mut host, ada, "Secret");
    let seen = host.watch(bob, "ada");
    assert_eq!((seen.name.as_str(), seen.uid != 0), ("", true));
    put(&mut host, ada, &[("bob", contact::BLOCK_SUBSCRIPTION)]);
    host.received(bob);
    rename(&mut host, ada, "Quiet");
    assert_eq!(host.profiles(bob), []);
}

// ---- helpers -----------------------------------------------------------------------------

fn of(address: &str, flags: u32) -> Contact {
    Contact { address: address.into(), flags }
}

fn put(host: &mut Host, session: SessionId, contacts: &[(&str, u32)]) -> Contacts {
    let contacts = contacts.iter().map(|(address, flags)| of(address, *flags)).collect();
    host.received(session);
    host.frame(session, client_frame::Body::Contacts(Contacts { ticket: 9, contacts }));
    let told = host.received(session).into_iter().find_map(|body| match body {
        server_frame::Body::Contacts(told) if told.ticket == 9 => Some(told),
        _ => None,
    });
    told.expect("an answer")
}

fn type_to(host: &mut Host, session: SessionId, address: &str) {
    let to = Some(Target { to: Some(target::To::Address(address.into())) });
    let presence = Presence { to, presence: code::TYPING, ..Presence::default() };
    host.frame(session, client_frame::Body::Presence(presence));
}

fn rename(host: &mut Host, session: SessionId, name: &str) {
    let save = ProfileSave { name: Some(name.into()), ..ProfileSave::default() };
    host.frame(session, client_frame::Body::ProfileSave(save));
}
