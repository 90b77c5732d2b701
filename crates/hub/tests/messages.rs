//! Messages between sessions: permission, delivery, receipts, restarts.

mod host;

use host::{Host, TOKEN_OF_NOBODY};
use hub::port::admin::{Operation, UserFields, UserRef};
use hub::port::store::Request;
use wire::code::Code;
use wire::limits::{FRAMES_BURST_MAX, HELLO_WITHIN, SILENCE_MAX};
use wire::mask::{group as mode, member as right, user as user_flag};
use wire::proto::*;
use wire::status;
use wire::time::Duration;

#[test]
fn a_message_is_accepted_delivered_and_its_receipts_come_back() {
    let mut host = Host::new();
    let (ada, bob) = two(&mut host);
    host.send(ada, "bob", 7, "hello");
    assert_eq!(host.answers(ada), [(7, status::SENT)]);

    let entries = host.entries(bob);
    let [(1, entry::Body::Message(message))] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((message.from.as_str(), message.id), ("ada", 7));
    host.ack(bob, 1);
    assert_eq!(host.statuses(ada), [(7, status::DELIVERED)]);

    let refs = vec![MessageRef { from_uid: message.from_uid, id: 7, receipt: true }];
    let read = Read { ticket: 1 << 53, messages: refs };
    host.frame(bob, client_frame::Body::Read(read));
    assert_eq!(host.answers(bob), [(1 << 53, status::SENT)]);
    assert_eq!(host.statuses(ada), [(7, status::READ)]);
}

#[test]
fn who_was_away_gets_everything_once_and_in_order() {
    let mut host = Host::new();
    let (ada_token, bob_token) = (host.user("ada"), host.user("bob"));
    let ada = host.sign_in(&ada_token);
    let sent: Vec<_> = (1..=300).map(|id| id.to_string()).collect();
    for id in 1..=300 {
        host.send(ada, "bob", id, &id.to_string());
    }
    host.restart();
    let bob = host.sign_in(&bob_token);
    assert_eq!(host.texts(bob), sent);
    host.ack(bob, 300);
    host.input(hub::Input::Closed { session: bob });
    let bob = host.sign_in(&bob_token);
    assert_eq!(host.texts(bob), Vec::<String>::new());
    let ada = host.sign_in(&ada_token);
    let delivered = host.statuses(ada);
    assert_eq!(delivered.len(), 300);
}

#[test]
fn a_message_sent_again_is_answered_again_and_told_to_nobody() {
    let mut host = Host::new();
    let (ada, bob) = two(&mut host);
    host.send(ada, "bob", 7, "once");
    host.restart();
    let tokens = (host.user("ada"), host.user("bob"));
    let (ada, _) = (host.sign_in(&tokens.0), bob);
    host.send(ada, "bob", 7, "once");
    assert_eq!(host.answers(ada), [(7, status::SENT)]);
    let bob = host.sign_in(&tokens.1);
    assert_eq!(host.texts(bob), ["once"]);
}

#[test]
fn nothing_is_accepted_that_is_not_stored() {
    let mut host = Host::new();
    let (ada, bob) = two(&mut host);
    host.disk_full = true;
    host.send(ada, "bob", 7, "lost?");
    assert_eq!(host.answers(ada), []);
    assert_eq!(host.closed(ada), Some(Code::Storage));
    assert_eq!(host.texts(bob), Vec::<String>::new());
}

#[test]
fn own_other_devices_get_own_messages_and_the_sender_only_its_place() {
    let mut host = Host::new();
    let (token, _) = (host.user("ada"), host.user("bob"));
    let one = host.sign_in_from(&token, 1);
    let two = host.sign_in_from(&token, 1);
    host.send(one, "bob", 7, "hello");
    assert_eq!(host.texts(one), Vec::<String>::new());
    assert_eq!(host.texts(two), ["hello"]);
}

#[test]
fn another_browser_with_the_same_token_signs_the_first_out() {
    let mut host = Host::new();
    let token = host.user("ada");
    let first = host.sign_in_from(&token, 1);
    host.sign_in_from(&token, 2);
    assert_eq!(host.closed(first), Some(Code::SignedOut));
}

#[test]
fn destinations_that_may_not_be_reached_say_why() {
    let mut host = Host::new();
    let fields = UserFields { flags: Some(user_flag::NO_INCOMING), ..UserFields::default() };
    host.user_with("deaf", fields, 60);
    let (ada, _) = two(&mut host);
    let closed = host.group(mode::SEND_BY_SELECTED, &["ada", "bob"]);
    let foreign = host.group(0, &["bob"]);
    host.received(ada);
    host.send(ada, "nobody", 1, "x");
    host.send(ada, "deaf", 2, "x");
    host.send(ada, "", 3, "x");
    host.send(ada, "a\u{0}b", 4, "x");
    host.send_to(ada, target::To::Group(closed.0), 5, "x", None);
    host.send_to(ada, target::To::Group(foreign.0), 6, "x", None);
    host.send_to(ada, target::To::Group(77), 7, "x", None);
    host.send(ada, "bob", 1 << 53, "x");
    host.send_to(ada, target::To::Address("bob".into()), 9, "x", Some(0));
    assert_eq!(
        host.answers(ada),
        [
            (1, status::INVALID_DESTINATION),
            (2, status::BLOCKED),
            (3, status::INVALID_DESTINATION),
            (4, status::INVALID_DESTINATION),
            (5, status::BLOCKED),
            (6, status::NOT_MEMBER),
            (7, status::INVALID_DESTINATION),
            (1 << 53, status::FAIL),
            (9, status::SENT),
        ]
    );
}

#[test]
fn a_message_for_now_reaches_who_is_online_and_nobody_later() {
    let mut host = Host::new();
    let (ada_token, bob_token) = (host.user("ada"), host.user("bob"));
    let ada = host.sign_in(&ada_token);
    host.send_to(ada, target::To::Address("bob".into()), 1, "now", Some(0));
    assert_eq!(host.answers(ada), [(1, status::USER_OFFLINE)]);
    let bob = host.sign_in(&bob_token);
    host.send_to(ada, target::To::Address("bob".into()), 2, "now", Some(0));
    assert_eq!(host.texts(bob), ["now"]);
}

#[test]
fn a_message_for_now_has_its_receipts_and_is_stored_nowhere() {
    let mut host = Host::new();
    let (ada, bob) = two(&mut host);
    host.send_to(ada, target::To::Address("bob".into()), 2, "now", Some(0));
    assert_eq!(host.answers(ada), [(2, status::SENT)]);
    let entries = host.entries(bob);
    let [(0, entry::Body::Message(message))] = &entries[..] else { panic!("{entries:?}") };
    let refs = |receipt| vec![MessageRef { from_uid: message.from_uid, id: 2, receipt }];
    let ack = |passing| client_frame::Body::Ack(Ack { passing, ..Ack::default() });
    host.frame(bob, ack(refs(false)));
    host.frame(bob, ack(vec![MessageRef { from_uid: 4_711, id: 2, receipt: true }]));
    assert_eq!(host.statuses(ada), []);
    host.frame(bob, ack(refs(true)));
    assert_eq!(host.statuses(ada), [(2, status::DELIVERED)]);
    host.frame(bob, client_frame::Body::Read(Read { ticket: 1 << 53, messages: refs(true) }));
    assert_eq!(host.statuses(ada), [(2, status::READ)]);
    assert!(host.store.stored_messages().is_empty());
}

#[test]
fn a_message_to_oneself_is_one_entry() {
    let mut host = Host::new();
    let token = host.user("ada");
    let (ada, other) = (host.sign_in(&token), host.sign_in(&token));
    host.send(ada, "ada", 7, "note to self");
    assert_eq!(host.answers(ada), [(7, status::SENT)]);
    assert_eq!(host.texts(other), ["note to self"]);
}

#[test]
fn a_message_for_now_is_seen_on_the_senders_other_pages_and_by_a_sender_to_itself() {
    let mut host = Host::new();
    let (ada, bob) = (host.user("ada"), host.user("bob"));
    let (page, other, bob) = (host.sign_in(&ada), host.sign_in(&ada), host.sign_in(&bob));
    host.send_to(page, target::To::Address("bob".into()), 1, "now", Some(0));
    assert_eq!(host.texts(bob), ["now"]);
    assert_eq!(host.texts(other), ["now"]);
    assert_eq!(host.texts(page), Vec::<String>::new());
    host.send_to(page, target::To::Address("ada".into()), 2, "me", Some(0));
    assert_eq!(host.texts(other), ["me"]);
    assert_eq!(host.texts(page), ["me"]);
}

#[test]
fn group_messages_reach_members_with_the_right_and_no_others() {
    let mut host = Host::new();
    let (ada, bob) = two(&mut host);
    let tokens = (host.user("carol"), host.user("dave"));
    let (carol, dave) = (host.sign_in(&tokens.0), host.sign_in(&tokens.1));
    let gid = host.group(0, &["ada", "bob", "carol"]);
    host.rights(gid, "carol", 0, right::RECV);
    for session in [ada, bob, carol, dave] {
        host.received(session);
    }
    host.send_to(ada, target::To::Group(gid.0), 1, "team", None);
    assert_eq!(host.texts(bob), ["team"]);
    assert_eq!(host.texts(carol), Vec::<String>::new());
    assert_eq!(host.texts(dave), Vec::<String>::new());

    let members = vec!["bob".into()];
    host.admin(Operation::MembersRemove { gid, members }).unwrap();
    host.received(bob);
    host.send_to(ada, target::To::Group(gid.0), 2, "without bob", None);
    assert_eq!(host.texts(bob), Vec::<String>::new());
    host.send_to(bob, target::To::Group(gid.0), 3, "hello?", None);
    assert_eq!(host.answers(bob), [(3, status::NOT_MEMBER)]);
}

#[test]
fn a_sign_in_is_refused_with_its_reason() {
    let mut host = Host::new();
    let token = host.user("ada");
    let session = host.open();
    host.hello(session, TOKEN_OF_NOBODY, 1, None);
    assert_eq!(host.closed(session), Some(Code::BadToken));

    let session = host.open();
    let app = Hello {
        token: token.clone(),
        app: "other".into(),
        device: vec![1; 16],
        ..Hello::default()
    };
    host.frame(session, client_frame::Body::Hello(app));
    assert_eq!(host.closed(session), Some(Code::WrongApp));

    let live = host.sign_in(&token);
    for _ in 0..5 * 60 {
        host.frame(live, client_frame::Body::Pong(Pong { sent: 0 }));
        host.advance(Duration::from_secs(13));
    }
    assert_eq!(host.closed(live), Some(Code::TokenExpired));
    let session = host.open();
    host.hello(session, &token, 1, None);
    assert_eq!(host.closed(session), Some(Code::TokenExpired));
}

#[test]
fn a_user_switched_off_or_deleted_is_gone_at_once() {
    let mut host = Host::new();
    let (ada, bob) = two(&mut host);
    let fields = UserFields { active: Some(false), ..UserFields::default() };
    host.admin(Operation::UserAdd { address: "ada".into(), fields, token: None }).unwrap();
    assert_eq!(host.closed(ada), Some(Code::Suspended));
    let user = UserRef { uid: None, address: Some("bob".into()) };
    host.admin(Operation::UserDelete { user: user.clone() }).unwrap();
    assert_eq!(host.closed(bob), Some(Code::SignedOut));
    assert!(host.admin(Operation::UserDelete { user }).is_err());
}

#[test]
fn frames_out_of_turn_end_the_session_and_no_other() {
    let mut host = Host::new();
    let (ada, bob) = two(&mut host);
    let early = host.open();
    host.ack(early, 1);
    assert_eq!(host.closed(early), Some(Code::Protocol));
    host.hello(ada, TOKEN_OF_NOBODY, 1, None);
    assert_eq!(host.closed(ada), Some(Code::Protocol));
    assert_eq!(host.closed(bob), None);
}

#[test]
fn a_flood_of_frames_ends_the_session() {
    let mut host = Host::new();
    let (ada, bob) = two(&mut host);
    for _ in 0..=FRAMES_BURST_MAX {
        host.ack(ada, 0);
    }
    assert_eq!(host.closed(ada), Some(Code::RateLimit));
    assert_eq!(host.closed(bob), None);
}

#[test]
fn silence_ends_a_session_and_a_pong_keeps_it() {
    let mut host = Host::new();
    let (ada, bob) = two(&mut host);
    let mute = host.open();
    host.advance(HELLO_WITHIN);
    assert_eq!(host.closed(mute), Some(Code::Silence));
    for _ in 0..10 {
        host.advance(SILENCE_MAX / 3);
        let pinged = host.received(bob);
        assert!(pinged.iter().any(|body| matches!(body, server_frame::Body::Ping(_))));
        host.frame(bob, client_frame::Body::Pong(Pong { sent: 0 }));
    }
    assert_eq!(host.closed(ada), Some(Code::Silence));
    assert_eq!(host.closed(bob), None);
}

#[test]
fn watchers_are_told_of_online_offline_and_new_names() {
    let mut host = Host::new();
    let (ada, bob) = two(&mut host);
    let watch = Watch { addresses: vec!["bob".into(), "nobody".into()], groups: vec![] };
    host.received(ada);
    host.frame(ada, client_frame::Body::Watch(watch));
    let frames = host.received(ada);
    let [server_frame::Body::Profiles(profiles)] = &frames[..] else { panic!("{frames:?}") };
    assert!(profiles.users[0].online);
    assert_eq!(profiles.users[1].uid, 0);

    let fields = UserFields { name: Some("Bob".into()), ..UserFields::default() };
    host.admin(Operation::UserAdd { address: "bob".into(), fields, token: None }).unwrap();
    host.input(hub::Input::Closed { session: bob });
    let frames = host.received(ada);
    let [server_frame::Body::Profiles(profiles), server_frame::Body::Presence(presence)] =
        &frames[..]
    else {
        panic!("{frames:?}");
    };
    assert_eq!(profiles.users[0].name, "Bob");
    assert_eq!((presence.from.as_str(), presence.presence), ("bob", 2));
}

fn two(host: &mut Host) -> (wire::id::SessionId, wire::id::SessionId) {
    let tokens = (host.user("ada"), host.user("bob"));
    let sessions = (host.sign_in(&tokens.0), host.sign_in(&tokens.1));
    host.received(sessions.0);
    host.received(sessions.1);
    sessions
}

// ---- changes -----------------------------------------------------------------------------------

fn change(id: u64, to: &str, text: Option<&str>) -> client_frame::Body {
    let to = Some(Target { to: Some(target::To::Address(to.into())) });
    let content =
        text.map(|text| Content { body: text.as_bytes().to_vec().into(), ..Content::default() });
    client_frame::Body::Change(Change { ticket: (1 << 54) + id, id, to, content })
}

fn changes(host: &mut Host, session: wire::id::SessionId) -> Vec<(u64, bool)> {
    let entries = host.entries(session).into_iter();
    let changed = entries.filter_map(|(_, body)| match body {
        entry::Body::Changed(changed) => Some((changed.id, changed.content.is_some())),
        _ => None,
    });
    changed.collect()
}

#[test]
fn only_the_sender_changes_a_message_and_only_for_a_while() {
    let mut host = Host::new();
    let (ada, bob) = two(&mut host);
    host.send(ada, "bob", 7, "old");
    host.answers(ada);
    host.frame(ada, change(7, "bob", Some("new")));
    assert_eq!(host.answers(ada), [((1 << 54) + 7, status::SENT)]);
    assert_eq!(changes(&mut host, bob), [(7, true)]);

    // Bob has sent no such message, and Ada has sent it to nobody else.
    host.frame(bob, change(7, "ada", None));
    assert_eq!(host.answers(bob), [((1 << 54) + 7, status::FAIL)]);
    host.frame(ada, change(7, "ada", None));
    assert_eq!(host.answers(ada), [((1 << 54) + 7, status::FAIL)]);

    host.frame(ada, change(7, "bob", None));
    host.answers(ada);
    host.frame(ada, change(7, "bob", Some("again")));
    assert_eq!(host.answers(ada), [((1 << 54) + 7, status::FAIL)], "it was recalled");

    host.send(ada, "bob", 8, "old");
    host.answers(ada);
    host.now.wall = host.now.wall.after(wire::limits::RETRACTION_MAX + Duration::from_secs(1));
    host.frame(ada, change(8, "bob", None));
    assert_eq!(host.answers(ada), [((1 << 54) + 8, status::FAIL)], "it is too old");
}

#[test]
fn a_change_reaches_all_members_who_receive() {
    let mut host = Host::new();
    let (ada, bob) = two(&mut host);
    let carol = host.user("carol");
    let carol = host.sign_in(&carol);
    let gid = host.group(0, &["ada", "bob"]);
    let to = Target { to: Some(target::To::Group(gid.0)) };
    let content = Some(Content { body: b"hello".to_vec().into(), ..Content::default() });
    let send = Send { id: 7, to: Some(to.clone()), content, ..Send::default() };
    host.frame(ada, client_frame::Body::Send(send));
    let recall = Change { ticket: 1 << 54, id: 7, to: Some(to), content: None };
    host.frame(ada, client_frame::Body::Change(recall));
    assert_eq!(changes(&mut host, bob), [(7, false)]);
    assert!(changes(&mut host, carol).is_empty());
}

#[test]
fn what_a_session_sends_while_the_disk_is_busy_is_stored_by_one_request_in_order() {
    let mut host = Host::new();
    let (ada, bob) = two(&mut host);
    host.send(ada, "bob", 100, "now bob is known");
    host.entries(bob);
    host.hold_store();
    for id in 1..=5 {
        host.send(ada, "bob", id, "hello");
    }
    assert!(matches!(host.held()[..], [Request::Append { .. }]), "one at a time");
    host.answer_next();
    let [Request::Append { messages }] = host.held()[..] else { panic!("{:?}", host.held()) };
    let ids: Vec<_> = messages.iter().map(|(message, _)| message.id.get()).collect();
    assert_eq!(ids, [2, 3, 4, 5]);

    host.received(bob);
    host.release_store();
    let received = host.received(bob);
    let [server_frame::Body::Deliver(deliver)] = &received[..] else { panic!("{received:?}") };
    let seqs: Vec<_> = deliver.entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, [3, 4, 5, 6], "what is stored together is told in one frame");
}

#[test]
fn the_host_hears_of_a_message_with_a_file_that_a_member_has_taken_back() {
    let mut host = Host::new();
    let [ada, bob] = ["ada", "bob"].map(|name| host.user(name));
    let (ada, _bob) = (host.sign_in(&ada), host.sign_in(&bob));
    let gid = host.group(0, &["ada", "bob"]);
    let to = Target { to: Some(target::To::Group(gid.0)) };
    for (id, file) in [(1, Some(File::default())), (2, None)] {
        let content = Content { title: "film".into(), file, ..Content::default() };
        let (to, content) = (Some(to.clone()), Some(content));
        let send = Send { id, to, flags: 3, content, ..Send::default() };
        host.frame(ada, client_frame::Body::Send(send));
    }
    for id in [1, 2] {
        let change = Change { ticket: id, id, to: Some(to.clone()), ..Change::default() };
        host.frame(ada, client_frame::Body::Change(change));
    }
    let told: Vec<_> = host.recalled.iter().map(|(gid, _, id)| (*gid, id.get())).collect();
    assert_eq!(told, [(gid, 1)], "only what may have something kept for it");
}
