//! Being seen: online or not, by whom; found by search; which values of a profile.

mod host;

use host::Host;
use wire::id::SessionId;
use wire::limits::{SEARCH_RESULTS_MAX, SEARCHES_PER_MINUTE_MAX};
use wire::mask::{contact, presence as code, user as user_flag};
use wire::proto::*;
use wire::status;
use wire::time::Duration;

#[test]
fn who_is_hidden_is_seen_offline_by_all_and_gets_messages() {
    let mut host = Host::new();
    let tokens = ["ada", "bob"].map(|name| host.user(name));
    let bob = host.sign_in(&tokens[1]);
    host.watch(bob, "ada");
    let ada = hidden(&mut host, &tokens[0]);
    assert_eq!(host.presences(bob), []);
    assert!(!host.watch(bob, "ada").online);
    host.send(bob, "ada", 1, "hello");
    assert_eq!(host.texts(ada), ["hello"]);

    show(&mut host, ada, code::ONLINE, 0);
    show(&mut host, ada, code::ONLINE, 0);
    assert_eq!(host.presences(bob), [("ada".to_string(), code::ONLINE)]);
    show(&mut host, ada, code::OFFLINE, 0);
    assert_eq!(host.presences(bob), [("ada".to_string(), code::OFFLINE)]);
    // Seen by a second browser, until that is gone.
    let phone = host.sign_in_from(&tokens[0], 1);
    assert_eq!(host.presences(bob), [("ada".to_string(), code::ONLINE)]);
    host.close(phone);
    assert_eq!(host.presences(bob), [("ada".to_string(), code::OFFLINE)]);
    host.close(ada);
    assert_eq!(host.presences(bob), []);
}

#[test]
fn only_the_audience_sees_who_is_online() {
    let mut host = Host::new();
    let tokens = ["ada", "bob", "carol"].map(|name| host.user(name));
    let group = host.group(0, &["ada", "bob"]);
    let [ada, bob, carol] = [0, 1, 2].map(|index: usize| host.sign_in(&tokens[index]));
    for watcher in [bob, carol] {
        assert!(host.watch(watcher, "ada").online);
    }
    show(&mut host, ada, code::ONLINE, group.0);
    assert_eq!(host.presences(bob), []);
    assert_eq!(host.presences(carol), [("ada".to_string(), code::OFFLINE)]);
    let contacts = vec![Contact { address: "carol".into(), flags: contact::CONTACT }];
    host.frame(ada, client_frame::Body::Contacts(Contacts { ticket: 1, contacts }));
    show(&mut host, ada, code::ONLINE, 8);
    assert_eq!(host.presences(bob), [("ada".to_string(), code::OFFLINE)]);
    assert_eq!(host.presences(carol), [("ada".to_string(), code::ONLINE)]);
    assert!(!host.watch(bob, "ada").online);
    host.received(carol);
    let contacts = vec![
        Contact { address: "bob".into(), flags: contact::CONTACT },
        Contact { address: "carol".into(), flags: 0 },
    ];
    host.frame(ada, client_frame::Body::Contacts(Contacts { ticket: 2, contacts }));
    assert_eq!(host.presences(bob), [("ada".to_string(), code::ONLINE)]);
    assert_eq!(host.presences(carol), [("ada".to_string(), code::OFFLINE)]);
    show(&mut host, ada, code::ONLINE, group.0);
    show(&mut host, ada, code::ONLINE, 8);
    host.received(bob);
    let contacts = vec![Contact { address: "bob".into(), flags: 0 }];
    host.frame(ada, client_frame::Body::Contacts(Contacts { ticket: 3, contacts }));
    assert_eq!(host.presences(bob), [("ada".to_string(), code::OFFLINE)]);
    show(&mut host, ada, code::ONLINE, 0);
    assert_eq!(host.presences(bob), [("ada".to_string(), code::ONLINE)]);
}

#[test]
fn contacts_that_are_loaded_late_do_not_narrow_an_audience_that_was_widened_meanwhile() {
    let mut host = Host::new();
    let tokens = ["ada", "bob"].map(|name| host.user(name));
    let [ada, bob] = [0, 1].map(|index: usize| host.sign_in(&tokens[index]));
    assert!(host.watch(bob, "ada").online);
    host.hold_store();
    show(&mut host, ada, code::ONLINE, 8);
    assert_eq!(host.presences(bob), [("ada".to_string(), code::OFFLINE)]);
    show(&mut host, ada, code::ONLINE, 0);
    assert_eq!(host.presences(bob), [("ada".to_string(), code::ONLINE)]);
    host.release_store();
    assert_eq!(host.presences(bob), []);
    assert!(host.watch(bob, "ada").online);
}

#[test]
fn only_who_opted_in_is_found_and_not_by_who_is_blocked() {
    let mut host = Host::new();
    let tokens = ["ada", "bob", "carol"].map(|name| host.user(name));
    let [ada, bob, carol] = [0, 1, 2].map(|index: usize| host.sign_in(&tokens[index]));
    let name = |name: &str, flags| ProfileSave {
        name: Some(name.into()),
        flags: Some(flags),
        ..ProfileSave::default()
    };
    for (session, save) in [
        (ada, name("Ada Lovelace", user_flag::SEARCHABLE | user_flag::NO_OUTGOING)),
        (bob, name("Bob Lovelace", 0)),
    ] {
        host.frame(session, client_frame::Body::ProfileSave(save));
    }
    host.send(ada, "bob", 1, "a user cannot take rights from itself");
    assert_eq!(host.texts(bob).len(), 1);
    let found = search(&mut host, carol, "lovelace");
    assert_eq!(found, ["ada"]);
    assert_eq!(search(&mut host, carol, "bob"), [""; 0]);
    assert_eq!(search(&mut host, ada, "lovelace"), [""; 0], "nobody finds itself");
    let contacts = vec![Contact { address: "carol".into(), flags: contact::BLOCKED }];
    host.frame(ada, client_frame::Body::Contacts(Contacts { ticket: 1, contacts }));
    assert_eq!(search(&mut host, carol, "lovelace"), [""; 0]);
    assert_eq!(search(&mut host, bob, "lovelace"), ["ada"]);
    host.frame(ada, client_frame::Body::ProfileSave(name("Ada", 0)));
    assert_eq!(search(&mut host, bob, "ada"), [""; 0], "taken back");
}

#[test]
fn who_is_near_is_found_while_connected_and_not_by_who_is_blocked() {
    let mut host = Host::new();
    let tokens = ["ada", "bob", "carol"].map(|name| host.user(name));
    let [ada, bob, carol] = [0, 1, 2].map(|index: usize| host.sign_in(&tokens[index]));
    let at =
        |latitude: f64, longitude: f64| [latitude.to_le_bytes(), longitude.to_le_bytes()].concat();
    let tell = |host: &mut Host, session, value, data| {
        let (presence, to) = (code::RESERVED, None);
        let told = Presence { presence, to, value, data, ..Presence::default() };
        host.frame(session, client_frame::Body::Presence(told));
    };
    let near = |host: &mut Host, session, text: &str, within| {
        let (latitude, longitude) = (Some(48.4), Some(10.0));
        let wanted = Search { text: text.into(), latitude, longitude, within, ..Search::default() };
        found(host, session, wanted).users.into_iter().map(|user| user.address).collect::<Vec<_>>()
    };
    tell(&mut host, ada, 1_000, at(48.4, 10.001));
    tell(&mut host, bob, 1_000, at(48.4, 10.002));
    tell(&mut host, carol, 1_000, at(99.0, 10.0));
    assert_eq!(near(&mut host, carol, "", 500), ["ada", "bob"]);
    assert_eq!(near(&mut host, carol, "BOB", 500), ["bob"]);
    assert_eq!(near(&mut host, carol, "", 100), ["ada"]);
    assert_eq!(
        near(&mut host, ada, "", 500),
        ["bob"],
        "not oneself, and not from nowhere on earth"
    );
    let contacts = vec![Contact { address: "carol".into(), flags: contact::BLOCKED }];
    host.frame(ada, client_frame::Body::Contacts(Contacts { ticket: 1, contacts }));
    assert_eq!(near(&mut host, carol, "", 500), ["bob"]);
    tell(&mut host, bob, 0, vec![]);
    assert_eq!(near(&mut host, carol, "", 500), [""; 0]);
    tell(&mut host, bob, 1_000, at(48.4, 10.002));
    host.close(bob);
    assert_eq!(near(&mut host, carol, "", 500), [""; 0]);
}

#[test]
fn a_long_answer_comes_in_parts_and_too_many_questions_find_nothing() {
    let mut host = Host::new();
    let token = host.user("asker");
    let flags = Some(user_flag::SEARCHABLE);
    for number in 0..=SEARCH_RESULTS_MAX {
        let token = host.user(&format!("u{number}"));
        let session = host.sign_in(&token);
        let save = ProfileSave { name: Some("many".into()), flags, ..ProfileSave::default() };
        host.frame(session, client_frame::Body::ProfileSave(save));
    }
    let asker = host.sign_in(&token);
    let first = found(&mut host, asker, Search { text: "many".into(), ..Search::default() });
    assert_eq!((first.users.len(), first.more), (SEARCH_RESULTS_MAX, true));
    let after_uid = first.users.last().expect("many").uid;
    let rest = Search { text: "many".into(), after_uid, ..Search::default() };
    let rest = found(&mut host, asker, rest);
    assert_eq!((rest.users.len(), rest.more), (1, false));
    for _ in 2..SEARCHES_PER_MINUTE_MAX {
        assert!(!found(&mut host, asker, Search { text: "x".into(), ..Search::default() }).limited);
    }
    let last = found(&mut host, asker, Search { text: "many".into(), ..Search::default() });
    assert!(last.limited && last.users.is_empty());
    host.advance(Duration::from_secs(30));
    host.frame(asker, client_frame::Body::Pong(Pong { sent: 0 }));
    host.advance(Duration::from_secs(31));
    assert_eq!(search(&mut host, asker, "many").len(), SEARCH_RESULTS_MAX);
}

#[test]
fn values_of_a_level_are_seen_by_whom_they_were_given_and_taken_back_at_once() {
    let mut host = Host::new();
    let tokens = ["ada", "bob", "carol"].map(|name| host.user(name));
    let [ada, bob, carol] = [0, 1, 2].map(|index: usize| host.sign_in(&tokens[index]));
    for watcher in [bob, carol] {
        host.watch(watcher, "ada");
    }
    let values = "{\"city\":\"Ulm\"}\n2 {\"phone\":\"1\"}\n3 {\"secret\":1}";
    let save = ProfileSave { values: Some(values.into()), ..ProfileSave::default() };
    host.frame(ada, client_frame::Body::ProfileSave(save));
    let public = "{\"city\":\"Ulm\"}";
    assert_eq!(host.profiles(bob)[0].values, public);
    assert_eq!(host.profiles(ada)[0].values, values, "one's own are all there");
    let give = |host: &mut Host, flags| {
        let contacts = vec![Contact { address: "bob".into(), flags }];
        host.frame(ada, client_frame::Body::Contacts(Contacts { ticket: 1, contacts }));
    };
    host.profiles(carol);
    give(&mut host, 1 << (2 + 16));
    assert_eq!(host.profiles(bob)[0].values, format!("{public}\n2 {{\"phone\":\"1\"}}"));
    assert_eq!(host.profiles(carol).len(), 0);
    assert_eq!(host.watch(carol, "ada").values, public);
    host.restart();
    let bob = host.sign_in(&tokens[1]);
    assert!(host.watch(bob, "ada").values.contains("phone"));
    let ada = host.sign_in(&tokens[0]);
    let contacts = vec![Contact { address: "bob".into(), flags: 0 }];
    host.frame(ada, client_frame::Body::Contacts(Contacts { ticket: 1, contacts }));
    assert_eq!(host.profiles(bob)[0].values, public);
}

#[test]
fn who_tells_lazily_is_seen_when_asked() {
    let mut host = Host::new();
    let tokens = ["ada", "bob"].map(|name| host.user(name));
    let [ada, bob] = [0, 1].map(|index: usize| host.sign_in(&tokens[index]));
    host.watch(bob, "ada");
    let save = ProfileSave {
        name: Some("Ada".into()),
        flags: Some(user_flag::LAZY),
        ..ProfileSave::default()
    };
    host.frame(ada, client_frame::Body::ProfileSave(save));
    assert_eq!(host.profiles(bob).len(), 0);
    assert_eq!(host.watch(bob, "ada").name, "Ada");
}

#[test]
fn changes_are_told_to_whom_the_user_wants_and_the_others_see_them_when_they_ask() {
    let mut host = Host::new();
    let tokens = ["ada", "bob", "carol", "dave"].map(|name| host.user(name));
    let [ada, bob, carol] = [0, 1, 2].map(|index: usize| host.sign_in(&tokens[index]));
    // Connected, and not seen online.
    let dave = hidden(&mut host, &tokens[3]);
    let watchers = [bob, carol, dave];
    for watcher in watchers {
        host.watch(watcher, "ada");
    }
    let mut told = |flags, name: &str, recent: &[&str]| {
        let save = ProfileSave {
            name: Some(name.into()),
            flags,
            recent: recent.iter().map(|address| (*address).into()).collect(),
            ..ProfileSave::default()
        };
        host.frame(ada, client_frame::Body::ProfileSave(save));
        let told = watchers.map(|watcher| host.profiles(watcher).len());
        for watcher in watchers {
            assert_eq!(host.watch(watcher, "ada").name, name);
        }
        told
    };
    assert_eq!(told(Some(0), "to all", &[]), [1, 1, 1]);
    assert_eq!(told(Some(user_flag::LAZY), "to none", &["bob"]), [0, 0, 0]);
    assert_eq!(told(Some(user_flag::ONLINE_ONLY), "to who is online", &[]), [1, 1, 0]);
    assert_eq!(told(Some(user_flag::RECENT_ONLY), "to bob", &["bob", "nobody"]), [1, 0, 0]);
    assert_eq!(told(None, "to dave", &["dave"]), [0, 0, 1]);
    assert_eq!(told(Some(0), "to all again", &[]), [1, 1, 1]);
}

#[test]
fn a_lifetime_counts_from_the_sending_and_one_that_is_over_is_refused() {
    let mut host = Host::new();
    let tokens = ["ada", "bob"].map(|name| host.user(name));
    let ada = host.sign_in(&tokens[0]);
    let now = host.watch(ada, "bob").last_seen;
    assert_eq!(now, 0);
    let (_, welcome) = host.resume(&tokens[1], 0);
    let message = |id, expiry, age, waited: u64| {
        let content = Content { body: "x".as_bytes().to_vec().into(), age, ..Content::default() };
        let to = Some(Target { to: Some(target::To::Address("bob".into())) });
        let (content, sent) = (Some(content), welcome.now - waited);
        client_frame::Body::Send(Send { id, to, expiry, sent, content, ..Send::default() })
    };
    for (id, expiry, age, waited, answer) in [
        ((1 << 32) | 1, Some(10), 0, 9_000, status::SENT),
        ((1 << 32) | 2, Some(10), 0, 10_000, status::EXPIRED),
        ((1 << 32) | 3, None, 0, 99_000, status::SENT),
        ((1 << 32) | 4, None, 5, 6_000, status::EXPIRED),
    ] {
        host.frame(ada, message(id, expiry, age, waited));
        assert_eq!(host.answers(ada), [(id, answer)]);
    }
    // Sent again because the answer was lost.
    host.frame(ada, message((1 << 32) | 1, Some(10), 0, 20_000));
    assert_eq!(host.answers(ada), [((1 << 32) | 1, status::SENT)]);
}

// ---- helpers -----------------------------------------------------------------------------

fn hidden(host: &mut Host, token: &str) -> SessionId {
    let session = host.open();
    let hello = Hello {
        token: token.into(),
        app: "web".into(),
        device: vec![1; 16],
        hidden: true,
        ..Hello::default()
    };
    host.frame(session, client_frame::Body::Hello(hello));
    session
}

fn show(host: &mut Host, session: SessionId, presence: u32, value: u32) {
    let presence = Presence { presence, value, ..Presence::default() };
    host.frame(session, client_frame::Body::Presence(presence));
}

fn found(host: &mut Host, session: SessionId, search: Search) -> Found {
    host.received(session);
    host.frame(session, client_frame::Body::Search(Search { ticket: 5, ..search }));
    let found = host.received(session).into_iter().find_map(|body| match body {
        server_frame::Body::Found(found) if found.ticket == 5 => Some(found),
        _ => None,
    });
    found.expect("an answer")
}

fn search(host: &mut Host, session: SessionId, text: &str) -> Vec<String> {
    let found = found(host, session, Search { text: text.into(), ..Search::default() });
    found.users.into_iter().map(|user| user.address).collect()
}
