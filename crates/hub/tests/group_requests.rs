//! Groups as clients change them: rights, PINs, and what members are told.

mod host;

use host::Host;
use hub::port::admin::{MemberFields, Operation, PinAction, Reply, UserFields};
use wire::id::{GroupId, SessionId, Uid};
use wire::limits::{OPERATIONS_WAITING_MAX, PIN_BLOCKED, PIN_FAILURES_MAX, PINS_PER_GROUP_MAX};
use wire::mask::{admin as may, call, group as mode, group_error as error, member as right};
use wire::proto::group_change::Kind;
use wire::proto::group_request::What;
use wire::proto::*;
use wire::time::Duration;

#[test]
fn who_creates_a_group_owns_it_and_hears_of_it_before_its_log_does() {
    let mut host = Host::new();
    let [ada, ..] = three(&mut host);
    ask(&mut host, ada, 0, What::Create(named("Team")));
    let frames = host.received(ada);
    let server_frame::Body::GroupReply(reply) = &frames[0] else { panic!("{frames:?}") };
    let group = reply.group.as_ref().expect("a group");
    assert_eq!((group.name.as_str(), group.owner.as_str(), group.expires), ("Team", "ada", 0));
    assert_eq!(group.rights.expect("rights").admin_flags, may::OWNER_ALL);
    let joined = change_in(&frames[1]);
    assert_eq!((joined.kind(), joined.by.as_str(), joined.ticket), (Kind::Joined, "ada", 7));
    assert_eq!(joined.origin, [1; 16]);
}

#[test]
fn only_admins_change_a_group_and_each_only_what_it_may() {
    let mut host = Host::new();
    let [ada, bob, carol] = three(&mut host);
    let gid = create(&mut host, ada);
    put(&mut host, ada, gid, &["bob"], right::ALL, 0);
    let wishes = [
        (What::Set(named("other")), may::MODIFY),
        (putting(&["carol"], right::ALL, None), may::ADD_USER),
        (removing(&["carol"]), may::REM_USER),
        (What::AddPin(Pin::default()), may::ADD_PIN),
        (What::RemovePin(1), may::REMOVE_PIN),
        (What::Delete(true), may::REM_GROUP),
    ];
    for (wish, flag) in wishes {
        assert_eq!(ask(&mut host, carol, gid.0, wish.clone()).error, error::NOT_MEMBER);
        put(&mut host, ada, gid, &["bob"], right::ALL, may::ALL & !flag);
        assert_eq!(ask(&mut host, bob, gid.0, wish.clone()).error, error::PERMISSION, "{wish:?}");
        put(&mut host, ada, gid, &["bob"], right::ALL, flag);
        assert_eq!(ask(&mut host, bob, gid.0, wish.clone()).error, 0, "{wish:?}");
        put_quietly(&mut host, ada, gid, removing(&["carol"]));
    }
    assert_eq!(ask(&mut host, ada, gid.0, What::Leave(true)).error, error::DELETED);
}

#[test]
fn nobody_gives_more_than_it_has_and_the_owner_is_not_touched() {
    let mut host = Host::new();
    let [ada, bob, _] = three(&mut host);
    let gid = create(&mut host, ada);
    put(&mut host, ada, gid, &["bob"], right::ALL, may::ADD_USER | may::REM_USER | may::ADD_ADMIN);
    let wish = |flags| putting(&["carol"], right::ALL, Some(flags));
    let mut by_bob = |what| ask(&mut host, bob, gid.0, what).error;
    assert_eq!(by_bob(wish(may::MODIFY)), error::PERMISSION);
    assert_eq!(by_bob(wish(may::OWNER)), error::PERMISSION);
    assert_eq!(by_bob(wish(may::ADD_USER)), 0);
    assert_eq!(by_bob(wish(0)), error::PERMISSION, "unmaking admins is a right of its own");
    assert_eq!(by_bob(removing(&["carol"])), error::PERMISSION, "so is removing one");
    assert_eq!(by_bob(removing(&["ada"])), error::PERMISSION);
    assert_eq!(by_bob(putting(&["ada"], right::SEND, None)), error::PERMISSION);
    assert_eq!(by_bob(putting(&["carol", "bob"], right::SEND, None)), 0);
}

#[test]
fn added_members_get_exactly_the_rights_named_and_all_are_told_who_did_it() {
    let mut host = Host::new();
    let [ada, bob, carol] = three(&mut host);
    let gid = create(&mut host, ada);
    put(&mut host, ada, gid, &["bob"], 0, 0);
    host.received(bob);
    put(&mut host, ada, gid, &["carol", "nobody"], right::ALL & !right::PUB, 0);
    let joined = &host.group_changes(carol)[0];
    assert_eq!(joined.kind(), Kind::Joined);
    let rights = joined.group.as_ref().and_then(|group| group.rights).expect("rights");
    assert!(rights.send && !rights.publish, "what is not named is denied");
    let told = &host.group_changes(bob)[0];
    assert_eq!((told.kind(), told.by.as_str()), (Kind::MembersJoined, "ada"));
    assert_eq!(told.members[0].address, "carol");
    let reply = ask(&mut host, ada, gid.0, putting(&["nobody"], 0, None));
    assert_eq!(reply.error, error::GENERAL);
}

#[test]
fn members_leave_unless_they_are_bound() {
    let mut host = Host::new();
    let [ada, bob, carol] = three(&mut host);
    let gid = create(&mut host, ada);
    put(&mut host, ada, gid, &["bob"], right::ALL | right::NO_SELF_DELETE, 0);
    put(&mut host, ada, gid, &["carol"], right::ALL, 0);
    let leave = || What::Leave(true);
    assert_eq!(ask(&mut host, bob, gid.0, leave()).error, error::PERMISSION);
    host.received(carol);
    ask_only(&mut host, carol, gid.0, leave());
    assert_eq!(change_in(&host.received(carol)[1]).kind(), Kind::Left);
    let settings = GroupSettings { flags: Some(mode::NO_SELF_DELETE), ..Default::default() };
    assert_eq!(ask(&mut host, ada, gid.0, What::Set(settings)).error, 0);
    assert_eq!(ask(&mut host, ada, gid.0, leave()).error, error::PERMISSION);
}

#[test]
fn a_pin_makes_members_until_it_is_used_up_removed_or_expired() {
    let mut host = Host::new();
    let [ada, bob, carol] = three(&mut host);
    let gid = create(&mut host, ada);
    let reply = ask(&mut host, ada, gid.0, adding(5_000, right::ALL & !right::PUB, 0, 1));
    assert_eq!(reply.pins.iter().map(|pin| pin.pin).collect::<Vec<_>>(), [5_000]);
    let second = ask(&mut host, ada, gid.0, adding(5_000, right::ALL, 60, 0));
    assert_eq!(second.pins.iter().map(|pin| pin.pin).collect::<Vec<_>>(), [5_000, 5_001]);

    let reply = ask(&mut host, bob, gid.0, What::Join(5_000));
    let rights = reply.group.and_then(|group| group.rights).expect("rights");
    assert!(rights.member && rights.send && !rights.publish);
    assert_eq!(reply.pins, [], "who may not list sees none");
    assert_eq!(ask(&mut host, carol, gid.0, What::Join(5_000)).error, error::BAD_PIN, "used up");
    // A better PIN adds what it gives.
    let reply = ask(&mut host, bob, gid.0, What::Join(5_001));
    assert!(reply.group.and_then(|group| group.rights).expect("rights").publish);

    let edited = Pin { pin: 5_001, uses: 3, ..Pin::default() };
    let reply = ask(&mut host, ada, gid.0, What::EditPin(edited));
    assert_eq!((reply.pins[1].uses, reply.pins[1].expiry), (3, 0));
    let unknown = What::EditPin(Pin { pin: 9, ..Pin::default() });
    assert_eq!(ask(&mut host, ada, gid.0, unknown).error, error::BAD_PIN);
    assert_eq!(ask(&mut host, ada, gid.0, What::RemovePin(5_001)).pins.len(), 1);
    assert_eq!(ask(&mut host, carol, gid.0, What::Join(5_001)).error, error::BAD_PIN);
    let short = ask(&mut host, ada, gid.0, adding(6_000, 0, 30, 0));
    assert_eq!(short.pins.len(), 2);
    host.advance(Duration::from_secs(30));
    assert_eq!(ask(&mut host, carol, gid.0, What::Join(6_000)).error, error::BAD_PIN);
}

#[test]
fn a_pin_says_what_its_members_may_send_in_calls_and_a_wider_one_gives_more() {
    const VGA: u32 = 2;
    const HD: u32 = 3;
    let mut host = Host::new();
    let [ada, bob, _] = three(&mut host);
    let gid = create(&mut host, ada);
    let limits = |call_flags, resolution, call_duration| Permissions {
        flags: right::ALL,
        call_flags: Some(call_flags),
        resolution: Some(resolution),
        call_duration: Some(call_duration),
        ..Permissions::default()
    };
    let adding = |pin, permissions| {
        What::AddPin(Pin { pin, permissions: Some(permissions), ..Pin::default() })
    };
    let sound = call::VALID | call::AUDIO;
    let listeners = limits(sound, VGA, 60);
    let told = ask(&mut host, ada, gid.0, adding(5_000, listeners)).pins[0];
    assert_eq!(told.permissions.map(|it| it.call_flags), Some(Some(sound)));
    let pictures = limits(call::VALID | call::VIDEO, HD, 30);
    ask(&mut host, ada, gid.0, adding(5_001, pictures));
    ask(&mut host, ada, gid.0, self::adding(5_002, right::ALL, 0, 0));

    let mut joined = |pin| {
        let reply = ask(&mut host, bob, gid.0, What::Join(pin));
        let rights = reply.group.and_then(|group| group.rights).expect("rights");
        (rights.call_flags & call::KINDS, rights.resolution, rights.call_duration)
    };
    assert_eq!(joined(5_000), (call::AUDIO, VGA, 60));
    assert_eq!(joined(5_001), (call::AUDIO | call::VIDEO, HD, 60));
    assert_eq!(joined(5_000), (call::AUDIO | call::VIDEO, HD, 60), "never less");
    assert_eq!(joined(5_002), (call::DEFAULT & call::KINDS, 0, 0), "all that the group allows");
}

#[test]
fn a_membership_that_goes_with_its_pin_ends_with_it_and_no_other_does() {
    let mut host = Host::new();
    let [ada, bob, carol] = three(&mut host);
    let gid = create(&mut host, ada);
    let guest = right::ALL | right::DELETE_WITH_PIN;
    for (pin, flags) in [(5_000, guest), (5_001, guest), (5_002, right::ALL)] {
        assert_eq!(ask(&mut host, ada, gid.0, adding(pin, flags, 0, 0)).error, 0);
    }
    assert_eq!(ask(&mut host, bob, gid.0, What::Join(5_000)).error, 0);
    // Who stays anyhow is not made a guest by joining as one, who was a guest may stay.
    put(&mut host, ada, gid, &["carol"], right::ALL, 0);
    assert_eq!(ask(&mut host, carol, gid.0, What::Join(5_000)).error, 0);
    let get = || Operation::MembersGet { gid, pending: false, after: Uid(0), count: 9 };
    let Ok(Reply::Members { members, .. }) = host.admin(get()) else { panic!("no members") };
    let pins: Vec<_> =
        members.iter().map(|row| (row.user.address.as_str(), row.member.pin)).collect();
    assert_eq!(pins, [("ada", 0), ("bob", 5_000), ("carol", 5_000)]);
    host.received(bob);
    assert_eq!(ask(&mut host, ada, gid.0, What::RemovePin(5_000)).error, 0);
    assert_eq!(host.group_changes(bob)[0].kind(), Kind::Left);
    assert_eq!(ask(&mut host, bob, gid.0, What::Leave(true)).error, error::NOT_MEMBER);
    assert_eq!(ask(&mut host, carol, gid.0, What::Join(5_001)).error, 0, "she is still in");

    assert_eq!(ask(&mut host, bob, gid.0, What::Join(5_001)).error, 0);
    assert_eq!(ask(&mut host, bob, gid.0, What::Join(5_002)).error, 0);
    let action = PinAction::Remove(5_001);
    host.admin(Operation::GroupPin { gid, action }).expect("the backend removes it");
    let Ok(Reply::Members { members, .. }) = host.admin(get()) else { panic!("no members") };
    assert_eq!(members.len(), 3, "nobody was a guest any more");
}

#[test]
fn pins_survive_a_restart_and_have_a_limit() {
    let mut host = Host::new();
    let tokens = ["ada", "bob"].map(|name| host.user(name));
    let ada = host.sign_in(&tokens[0]);
    let gid = create(&mut host, ada);
    for pin in 1..=PINS_PER_GROUP_MAX as u32 {
        assert_eq!(ask(&mut host, ada, gid.0, adding(pin, 0, 0, 0)).error, 0);
    }
    assert_eq!(ask(&mut host, ada, gid.0, adding(999, 0, 0, 0)).error, error::GENERAL);
    host.restart();
    let bob = host.sign_in(&tokens[1]);
    assert_eq!(ask(&mut host, bob, gid.0, What::Join(7)).error, 0);
}

#[test]
fn a_pin_gives_no_more_admin_flags_than_its_maker_has() {
    let mut host = Host::new();
    let [ada, bob, _] = three(&mut host);
    let gid = create(&mut host, ada);
    put(&mut host, ada, gid, &["bob"], right::ALL, may::ADD_PIN | may::ADD_ADMIN);
    let pin = |admin_flags| {
        let permissions = Permissions { admin_flags: Some(admin_flags), ..Default::default() };
        What::AddPin(Pin { pin: 1, permissions: Some(permissions), ..Pin::default() })
    };
    assert_eq!(ask(&mut host, bob, gid.0, pin(may::REM_GROUP)).error, error::PERMISSION);
    assert_eq!(ask(&mut host, ada, gid.0, pin(may::OWNER)).error, error::PERMISSION);
    assert_eq!(ask(&mut host, bob, gid.0, pin(may::ADD_PIN)).error, 0);
}

#[test]
fn pins_cannot_be_guessed_and_tell_nothing_of_groups() {
    let mut host = Host::new();
    let [ada, bob, carol] = three(&mut host);
    let gid = create(&mut host, ada);
    ask(&mut host, ada, gid.0, adding(5_000, 0, 0, 0));
    for attempt in 0..PIN_FAILURES_MAX {
        // Of a group that is none every other time: the answer is the same.
        let gid = gid.0 + attempt % 2 * 1_000;
        assert_eq!(ask(&mut host, bob, gid, What::Join(1)).error, error::BAD_PIN);
    }
    let right = || What::Join(5_000);
    assert_eq!(ask(&mut host, bob, gid.0, right()).error, error::ACCESS_DENIED);
    assert_eq!(ask(&mut host, carol, gid.0, right()).error, 0, "others are not concerned");
    host.advance(Duration::from_secs(30));
    host.ack(bob, 0);
    host.advance(PIN_BLOCKED - Duration::from_secs(30));
    assert_eq!(ask(&mut host, bob, gid.0, right()).error, 0);
}

#[test]
fn nobody_joins_a_paused_group() {
    let mut host = Host::new();
    let [ada, bob, _] = three(&mut host);
    let gid = create(&mut host, ada);
    ask(&mut host, ada, gid.0, adding(5_000, 0, 0, 0));
    let fields = hub::port::admin::GroupFields { active: Some(false), ..Default::default() };
    let rights = MemberFields::default();
    host.admin(Operation::GroupSet { gid, fields, members: vec![], rights }).unwrap();
    assert_eq!(ask(&mut host, bob, gid.0, What::Join(5_000)).error, error::ACCESS_DENIED);
}

#[test]
fn a_user_creates_no_more_groups_than_it_may() {
    let mut host = Host::new();
    let fields = UserFields { groups_max: Some(1), ..UserFields::default() };
    let token = host.user_with("ada", fields, 60);
    let ada = host.sign_in(&token);
    host.group(0, &["ada"]);
    create(&mut host, ada);
    let reply = ask(&mut host, ada, 0, What::Create(named("second")));
    assert_eq!((reply.error, reply.group), (error::PERMISSION, None));
    assert_eq!(ask(&mut host, ada, 0, What::Create(named(""))).error, error::PERMISSION);
}

#[test]
fn named_values_of_a_group_are_told_when_they_change_and_not_else() {
    let mut host = Host::new();
    let [ada, bob, _] = three(&mut host);
    let gid = create(&mut host, ada);
    put(&mut host, ada, gid, &["bob"], right::ALL, 0);
    host.received(bob);
    let values = Some("{\"topic\":\"tea\"}".to_string());
    let settings = GroupSettings { values: values.clone(), ..GroupSettings::default() };
    ask(&mut host, ada, gid.0, What::Set(settings));
    let told = |host: &mut Host| host.group_changes(bob)[0].group.clone().expect("a group").values;
    assert_eq!(told(&mut host), values);
    ask(&mut host, ada, gid.0, What::Set(named("renamed")));
    assert_eq!(told(&mut host), None);
}

#[test]
fn a_crowd_of_requests_is_answered_one_by_one_or_refused() {
    let mut host = Host::new();
    let [ada, ..] = three(&mut host);
    let gid = create(&mut host, ada);
    host.hold_store();
    for _ in 0..=OPERATIONS_WAITING_MAX {
        ask_only(&mut host, ada, gid.0, What::Set(named("x")));
    }
    let refused = host.received(ada);
    let [server_frame::Body::GroupReply(reply)] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!(reply.error, error::GENERAL);
    host.release_store();
    let replies = host.received(ada).into_iter();
    let done =
        replies.filter(|body| matches!(body, server_frame::Body::GroupReply(r) if r.error == 0));
    assert_eq!(done.count(), OPERATIONS_WAITING_MAX);
}

// ---- helpers -----------------------------------------------------------------------------

fn three(host: &mut Host) -> [SessionId; 3] {
    let tokens = ["ada", "bob", "carol"].map(|name| host.user(name));
    let sessions = [0, 1, 2].map(|index: usize| host.sign_in(&tokens[index]));
    for session in sessions {
        host.received(session);
    }
    sessions
}

fn named(name: &str) -> GroupSettings {
    GroupSettings { name: Some(name.into()), ..GroupSettings::default() }
}

fn ask_only(host: &mut Host, session: SessionId, gid: u32, what: What) {
    let request = GroupRequest { ticket: 7, gid, what: Some(what) };
    host.frame(session, client_frame::Body::GroupRequest(request));
}

fn ask(host: &mut Host, session: SessionId, gid: u32, what: What) -> GroupReply {
    let before = host.peek(session).len();
    ask_only(host, session, gid, what);
    let replies = host.peek(session)[before..].iter().filter_map(|body| match body {
        server_frame::Body::GroupReply(reply) => Some(reply.clone()),
        _ => None,
    });
    let mut replies: Vec<_> = replies.collect();
    assert_eq!((replies.len(), replies[0].ticket), (1, 7));
    replies.remove(0)
}

fn create(host: &mut Host, session: SessionId) -> GroupId {
    let reply = ask(host, session, 0, What::Create(named("Team")));
    host.received(session);
    GroupId(reply.group.expect("a group").gid)
}

fn putting(addresses: &[&str], flags: u32, admin_flags: Option<u32>) -> What {
    let permissions = Some(Permissions { flags, admin_flags, ..Permissions::default() });
    let addresses = addresses.iter().map(|address| address.to_string()).collect();
    What::Put(MembersPut { addresses, permissions })
}

fn removing(addresses: &[&str]) -> What {
    let addresses = addresses.iter().map(|address| address.to_string()).collect();
    What::Remove(MembersRemove { addresses })
}

fn put(host: &mut Host, by: SessionId, gid: GroupId, who: &[&str], flags: u32, admin_flags: u32) {
    put_quietly(host, by, gid, putting(who, flags, Some(admin_flags)));
}

/// As long as the group is there.
fn put_quietly(host: &mut Host, by: SessionId, gid: GroupId, what: What) {
    let reply = ask(host, by, gid.0, what);
    assert!(matches!(reply.error, 0 | error::DELETED), "{reply:?}");
    host.received(by);
}

fn adding(pin: u32, flags: u32, expiry: u32, uses: u32) -> What {
    let permissions = Some(Permissions { flags, ..Permissions::default() });
    What::AddPin(Pin { pin, permissions, expiry, uses, used: 0 })
}

fn change_in(body: &server_frame::Body) -> GroupChange {
    let server_frame::Body::Deliver(deliver) = body else { panic!("{body:?}") };
    match deliver.entries[0].entry.as_ref().and_then(|entry| entry.body.as_ref()) {
        Some(entry::Body::Group(change)) => change.clone(),
        other => panic!("{other:?}"),
    }
}
