//! What backends ask for beyond groups and members: lists, codes, PINs, apps, messages now and
//! later.

mod host;

use host::Host;
use hub::port::admin::{
    AppFields, Credential, ErrorCode, GroupFields, Letter, MemberFields, Operation, Param,
    PinAction, PinFields, Reply, TokenWish, UserFields, UserRef,
};
use hub::port::apps::Filter;
use hub::{Hub, hash_token};
use wire::code::Code;
use wire::id::{GroupId, MessageId, Uid};
use wire::limits::LOG_ENTRIES_MAX;
use wire::mask::{group as mode, message as flag, user as user_flag};
use wire::proto::{Content, Send, Target, client_frame, entry, target};
use wire::time::Duration;

fn by_address(address: &str) -> UserRef {
    UserRef { uid: None, address: Some(address.into()) }
}

fn letter(from: &str, to: &[&str], text: &str) -> Letter {
    Letter {
        from: from.into(),
        to: to.iter().map(|to| to.to_string()).collect(),
        flags: 3,
        expiry_s: 600,
        content: Content { body: text.as_bytes().to_vec().into(), ..Content::default() },
        ..Letter::default()
    }
}

fn sent(host: &mut Host, letter: Letter) -> (Vec<u64>, Vec<String>) {
    match host.admin(Operation::Message(letter)) {
        Ok(Reply::Sent { mids, failed }) => (mids, failed),
        other => panic!("not sent: {other:?}"),
    }
}

fn refused(host: &mut Host, operation: Operation) -> (ErrorCode, Vec<Param>) {
    let error = host.admin(operation).expect_err("refused");
    (error.code, error.params)
}

#[test]
fn a_message_of_the_backend_reaches_the_recipient_and_the_senders_own_devices() {
    let mut host = Host::new();
    let (ada, bob) = (host.user("ada"), host.user("bob"));
    let (ada, bob) = (host.sign_in(&ada), host.sign_in_from(&bob, 2));
    let (mids, failed) = sent(&mut host, letter("ada", &["bob", "ghost"], "hi"));
    assert_eq!((mids.len(), mids[1], failed), (2, 0, vec!["ghost".to_owned()]));
    assert_eq!(host.texts(bob), ["hi"]);
    assert_eq!(host.texts(ada), ["hi"]);
    host.ack(bob, 1);
    assert_eq!(host.statuses(ada), [(mids[0], wire::status::DELIVERED)]);
}

#[test]
fn a_message_to_several_is_one_for_each_with_an_id_of_its_own() {
    let mut host = Host::new();
    host.user("ada");
    let (bob, eve) = (host.user("bob"), host.user("eve"));
    let (bob, eve) = (host.sign_in(&bob), host.sign_in_from(&eve, 2));
    let (mids, _) = sent(&mut host, letter("ada", &["bob", "eve"], "hi"));
    assert_ne!(mids[0], mids[1]);
    assert_eq!((host.texts(bob).len(), host.texts(eve).len()), (1, 1));
}

#[test]
fn who_is_named_twice_gets_a_message_once() {
    let mut host = Host::new();
    host.user("ada");
    let (bob, eve) = (host.user("bob"), host.user("eve"));
    let (bob, eve) = (host.sign_in(&bob), host.sign_in_from(&eve, 2));
    let (mids, _) = sent(&mut host, letter("ada", &["bob", "eve", "bob"], "hi"));
    assert_eq!((mids[0], mids.len()), (mids[2], 3));
    assert_eq!((host.texts(bob).len(), host.texts(eve).len()), (1, 1));
}

#[test]
fn a_presence_of_backend_or_page_is_stored_nowhere() {
    let mut host = Host::new();
    let (ada, token) = (host.user("ada"), host.user("bob"));
    let ada = host.sign_in(&ada);
    let presence = |text: &str| Letter { flags: flag::PRESENCE, ..letter("ada", &["bob"], text) };
    let page = |host: &mut Host, id| {
        let to = Target { to: Some(target::To::Address("bob".into())) };
        let content = Content { body: b"of the page".to_vec().into(), ..Content::default() };
        let (flags, to, content) = (flag::PRESENCE, Some(to), Some(content));
        let send = Send { id, to, flags, content, expiry: Some(600), ..Send::default() };
        host.frame(ada, client_frame::Body::Send(send));
    };
    sent(&mut host, presence("missed"));
    page(&mut host, 1);
    let bob = host.sign_in_from(&token, 2);
    assert_eq!(host.texts(bob), [""; 0]);
    sent(&mut host, presence("of the backend"));
    page(&mut host, 2);
    assert_eq!(host.texts(bob), ["of the backend", "of the page"]);
}

#[test]
fn a_group_message_for_some_members_reaches_only_them_in_the_groups_thread() {
    let mut host = Host::new();
    host.user("robot");
    let (ada, bob) = (host.user("ada"), host.user("bob"));
    let gid = host.group(mode::SEND_BY_SELECTED, &["ada", "bob"]);
    let (ada, bob) = (host.sign_in(&ada), host.sign_in_from(&bob, 2));
    host.received(ada);
    host.received(bob);
    sent(&mut host, Letter { gid: Some(gid), ..letter("robot", &["bob"], "for bob") });
    assert_eq!(host.texts(ada), [""; 0]);
    let entries = host.entries(bob);
    let [(_, entry::Body::Message(message))] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(
        message.to,
        Some(wire::proto::Target { to: Some(wire::proto::target::To::Group(gid.0)) })
    );
    sent(&mut host, Letter { gid: Some(gid), ..letter("robot", &[], "for all") });
    assert_eq!(
        (host.texts(ada), host.texts(bob)),
        (vec!["for all".into()], vec!["for all".into()])
    );
}

#[test]
fn a_message_without_expiry_is_for_who_is_online_and_leaves_no_trace() {
    let mut host = Host::new();
    host.user("ada");
    let token = host.user("bob");
    sent(&mut host, Letter { expiry_s: 0, ..letter("ada", &["bob"], "missed") });
    let bob = host.sign_in(&token);
    assert_eq!(host.texts(bob), [""; 0]);
    sent(&mut host, Letter { expiry_s: 0, ..letter("ada", &["bob"], "heard") });
    assert_eq!(host.texts(bob), ["heard"]);
    assert!(host.store.stored_messages().is_empty());
}

#[test]
fn a_forced_message_makes_the_users_it_needs_within_the_quota() {
    let mut host = Host::new();
    let quota = AppFields { users_max: Some(2), ..AppFields::default() };
    host.admin(Operation::AppSet { aid: None, fields: quota }).unwrap();
    sent(&mut host, Letter { forced: true, ..letter("ada", &["bob"], "hi") });
    let third = Letter { forced: true, ..letter("ada", &["eve"], "hi") };
    assert_eq!(refused(&mut host, Operation::Message(third)).0, ErrorCode::Quota);
    let token = TokenWish { app: "web".into(), any_app: false, expiry_minutes: 0 };
    let call = Operation::UserToken { user: by_address("bob"), token };
    let Ok(Reply::User { token: Some(issued), .. }) = host.admin(call) else { panic!("no token") };
    let bob = host.sign_in(&issued.token);
    assert_eq!(host.texts(bob), ["hi"]);
}

#[test]
fn what_cannot_be_sent_says_which_parameter_is_at_fault() {
    let mut host = Host::new();
    let mute = UserFields { flags: Some(user_flag::NO_OUTGOING), ..UserFields::default() };
    let deaf = UserFields { flags: Some(user_flag::NO_INCOMING), ..UserFields::default() };
    host.user("ada");
    host.user_with("mute", mute, 60);
    host.user_with("deaf", deaf, 60);
    for (letter, code, param) in [
        (letter("ghost", &["ada"], "x"), ErrorCode::NoUser, Param::MessageFrom),
        (letter("ada", &["ghost"], "x"), ErrorCode::NoUser, Param::MessageTo),
        (letter("mute", &["ada"], "x"), ErrorCode::NotAllowed, Param::MessageFrom),
        (letter("ada", &["deaf"], "x"), ErrorCode::NotAllowed, Param::MessageTo),
        (
            Letter { gid: Some(GroupId(77)), ..letter("ada", &[], "x") },
            ErrorCode::NoGroup,
            Param::MessageGid,
        ),
        (letter("ada", &["mute"], &"x".repeat(70_000)), ErrorCode::TooLarge, Param::MessageBody),
    ] {
        assert_eq!(refused(&mut host, Operation::Message(letter)), (code, vec![param]));
    }
    let notes = vec![
        hub::port::store::Note { uid: Uid(1), ..Default::default() };
        LOG_ENTRIES_MAX as usize
    ];
    use sim::memory_store::SyncStore;
    host.store.perform(hub::port::store::Request::AppendNotes { notes }).unwrap();
    let full = Operation::Message(letter("mute", &["ada"], "x"));
    let unmute = UserFields { flags: Some(0), ..UserFields::default() };
    let set =
        Operation::UserSet { user: by_address("mute"), fields: unmute, remove: None, token: None };
    host.admin(set).unwrap();
    assert_eq!(refused(&mut host, full).0, ErrorCode::Quota);
}

#[test]
fn a_scheduled_message_is_sent_at_its_time_once_and_survives_a_restart() {
    let mut host = Host::new();
    host.user("ada");
    let token = host.user("bob");
    let later = Letter { when_s: 60, ..letter("ada", &["bob"], "later") };
    let (mids, _) = sent(&mut host, later);
    assert_ne!(mids[0], 0);
    let bob = host.sign_in(&token);
    host.advance(Duration::from_secs(59));
    assert_eq!(host.texts(bob), [""; 0]);
    host.restart();
    let bob = host.sign_in(&token);
    assert_eq!(host.texts(bob), [""; 0]);
    host.advance(Duration::from_secs(1));
    assert_eq!(host.texts(bob), ["later"]);
    host.advance(Duration::from_secs(600));
    assert_eq!(host.texts(bob), [""; 0]);
}

#[test]
fn a_scheduled_message_is_cancelled_by_its_number_and_is_not_sent() {
    let mut host = Host::new();
    let (_, bob) = (host.user("ada"), host.user("bob"));
    let bob = host.sign_in(&bob);
    let later = |text: &str| Letter { when_s: 20, ..letter("ada", &["bob"], text) };
    let (first, _) = sent(&mut host, later("cancelled"));
    let (second, _) = sent(&mut host, later("sent"));
    let cancel = |user: &str, mid: u64| Operation::MessagesRecall {
        user: by_address(user),
        mids: MessageId::new(mid).into_iter().collect(),
    };
    assert_eq!(refused(&mut host, cancel("bob", first[0])).0, ErrorCode::NotFound, "not his");
    assert_eq!(host.admin(cancel("ada", first[0])), Ok(Reply::Deleted(Some(1))));
    assert_eq!(refused(&mut host, cancel("ada", first[0])).0, ErrorCode::NotFound);
    host.advance(Duration::from_secs(20));
    assert_eq!(host.texts(bob), ["sent"]);
    assert_eq!(host.admin(cancel("ada", second[0])), Ok(Reply::Deleted(Some(1))), "taken back");
}

#[test]
fn a_scheduled_message_whose_sender_is_gone_is_dropped() {
    let mut host = Host::new();
    host.user("ada");
    let token = host.user("bob");
    let later = |text| Letter { when_s: 60, ..letter("ada", &["bob"], text) };
    sent(&mut host, later("one"));
    host.admin(Operation::UserDelete { user: by_address("ada") }).unwrap();
    let bob = host.sign_in(&token);
    host.advance(Duration::from_secs(60));
    assert_eq!(host.texts(bob), [""; 0]);
    host.user("ada");
    sent(&mut host, later("two"));
    host.advance(Duration::from_secs(60));
    let bob = host.sign_in(&token);
    assert_eq!(host.texts(bob), ["two"]);
}

#[test]
fn a_scheduled_message_to_a_group_that_is_over_by_then_is_dropped() {
    let mut host = Host::new();
    let tokens = [host.user("ada"), host.user("bob")];
    let gid = host.group(0, &["ada", "bob"]);
    let later = |text| Letter { gid: Some(gid), when_s: 60, ..letter("ada", &[], text) };
    sent(&mut host, later("one"));
    host.advance(Duration::from_secs(60));
    let bob = host.sign_in(&tokens[1]);
    assert_eq!(host.texts(bob), ["one"]);
    host.close(bob);
    sent(&mut host, later("two"));
    let fields = GroupFields { expiry_s: Some(30), ..GroupFields::default() };
    let (members, rights) = (Vec::new(), MemberFields::default());
    host.admin(Operation::GroupSet { gid, fields, members, rights }).unwrap();
    host.advance(Duration::from_secs(60));
    let bob = host.sign_in(&tokens[1]);
    assert_eq!(host.texts(bob), ["one"], "which it has not acknowledged");
}

#[test]
fn flags_that_mean_nothing_here_are_kept_and_one_that_asks_for_a_deletion_is_not() {
    let mut host = Host::new();
    host.user("ada");
    let gid = host.group(mode::DELETE | 0x400_0000 | mode::SEND_BY_SELECTED, &["ada"]);
    use hub::port::store::{Reply, Request};
    use sim::memory_store::SyncStore;
    let Ok(Reply::Group(Some((group, _)))) = host.store.perform(Request::LoadGroup { gid }) else {
        panic!("no group");
    };
    assert_eq!(group.flags, 0x400_0000 | mode::SEND_BY_SELECTED);
}

#[test]
fn a_user_is_added_only_with_the_code_that_was_made_for_it() {
    let mut host = Host::new();
    let make = Operation::Otp { address: "ada".into(), tries: 2, expiry_s: 60, reuse: false };
    let Ok(Reply::Otp(code)) = host.admin(make) else { panic!("no code") };
    assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()));
    let add = |otp: &str| Operation::UserAdd {
        address: "ada".into(),
        fields: UserFields { otp: Some(otp.into()), ..UserFields::default() },
        token: None,
    };
    assert_eq!(refused(&mut host, add("wrong")), (ErrorCode::BadOtp, vec![Param::UserOtp]));
    assert!(matches!(host.admin(add(&code)), Ok(Reply::User { new: true, .. })));
    assert_eq!(refused(&mut host, add(&code)).0, ErrorCode::BadOtp, "used up");
}

#[test]
fn users_are_listed_as_they_are_with_their_sessions_counted() {
    let mut host = Host::new();
    let ada = host.user("ada");
    host.user("bob");
    host.sign_in(&ada);
    let list = |host: &mut Host, online| {
        let filter = Filter { pattern: "*".into(), count: 9, ..Filter::default() };
        match host.admin(Operation::UsersGet { filter, online }) {
            Ok(Reply::Users(rows, false)) => {
                rows.iter().map(|(row, devices)| (row.user.address.clone(), *devices)).collect()
            }
            other => panic!("{other:?}"),
        }
    };
    let row = |address: &str, devices| (address.to_owned(), devices);
    let all: Vec<_> = list(&mut host, None);
    assert_eq!(all, [row("ada", 1), row("bob", 0)]);
    assert_eq!(list(&mut host, Some(true)), [row("ada", 1)]);
    assert_eq!(list(&mut host, Some(false)), [row("bob", 0)]);
}

#[test]
fn a_pin_is_drawn_changed_and_removed() {
    let mut host = Host::new();
    host.user("ada");
    let gid = host.group(0, &["ada"]);
    let pins = |host: &mut Host, action| match host.admin(Operation::GroupPin { gid, action }) {
        Ok(Reply::Pins(pins)) => pins,
        other => panic!("{other:?}"),
    };
    let viewer = PinFields { flags: Some(0x1b), ..PinFields::default() };
    let drawn = pins(&mut host, PinAction::Put(viewer));
    assert!((10_000_000..100_000_000).contains(&drawn[0].pin), "{drawn:?}");
    let own = PinFields { pin: Some(123_456), uses: Some(1), ..PinFields::default() };
    assert_eq!(pins(&mut host, PinAction::Put(own)).len(), 2);
    let more = PinFields { pin: Some(123_456), flags: Some(0x1f), ..PinFields::default() };
    let changed = pins(&mut host, PinAction::Put(more));
    assert_eq!((changed[0].flags, changed[0].uses, changed.len()), (0x1f, 1, 2));
    assert_eq!(pins(&mut host, PinAction::Remove(123_456)), drawn);
    let gone = Operation::GroupPin { gid, action: PinAction::Remove(123_456) };
    assert_eq!(refused(&mut host, gone), (ErrorCode::NotFound, vec![Param::Pin]));
    let short = PinFields { pin: Some(99_999), ..PinFields::default() };
    let short = Operation::GroupPin { gid, action: PinAction::Put(short) };
    assert_eq!(refused(&mut host, short), (ErrorCode::BadParam, vec![Param::Pin]));
}

#[test]
fn a_new_app_token_takes_the_place_of_the_former_and_touches_no_client() {
    let mut host = Host::new();
    let ada = host.user("ada");
    let ada = host.sign_in(&ada);
    let former = host.app.clone();
    let Ok(Reply::App { token, .. }) = host.admin(Operation::AppToken { aid: None }) else {
        panic!("no token");
    };
    let error = host.admin_as(former, Operation::AppGet { aid: None }).unwrap_err();
    assert_eq!(error.code, ErrorCode::AuthFail);
    host.app = Credential::App(hash_token(&token));
    host.admin(Operation::AppGet { aid: None }).unwrap();
    assert_eq!(host.closed(ada), None);
}

#[test]
fn an_app_that_is_switched_off_lets_nobody_in_until_it_is_on_again() {
    let mut host = Host::new();
    let token = host.user("ada");
    let ada = host.sign_in(&token);
    let Ok(Reply::AppRow(app)) = host.admin(Operation::AppGet { aid: None }) else { panic!() };
    let switch = |active| Operation::AppSet {
        aid: Some(app.aid),
        fields: AppFields { active: Some(active), ..AppFields::default() },
    };
    assert_eq!(refused(&mut host, switch(false)).0, ErrorCode::NotAllowed, "takes the admin key");
    host.admin_as(Credential::AdminKey, switch(false)).unwrap();
    assert_eq!(host.closed(ada), Some(Code::Suspended));
    assert_eq!(refused(&mut host, Operation::AppGet { aid: None }).0, ErrorCode::AppDisabled);
    let turned_away = host.open();
    host.hello(turned_away, &token, 1, None);
    assert_eq!(host.closed(turned_away), Some(Code::Suspended));
    host.admin_as(Credential::AdminKey, switch(true)).unwrap();
    host.sign_in(&token);
}

#[test]
fn an_app_is_deleted_by_its_name_and_its_clients_go() {
    let mut host = Host::new();
    let token = host.user("ada");
    let ada = host.sign_in(&token);
    let delete = |name: &str| Operation::AppDelete { name: name.into() };
    assert_eq!(refused(&mut host, delete("other")), (ErrorCode::BadParam, vec![Param::AppName]));
    assert_eq!(host.closed(ada), None);
    host.admin(delete("demo")).unwrap();
    assert_eq!(host.closed(ada), Some(Code::ShuttingDown));
    assert_eq!(refused(&mut host, Operation::AppGet { aid: None }).0, ErrorCode::AuthFail);
    let again = host.open();
    host.hello(again, &token, 1, None);
    assert_eq!(host.closed(again), Some(Code::BadToken));
}

#[test]
fn tokens_stay_as_the_apps_policy_says() {
    let mut host = Host::new();
    let keep = AppFields { tokens_kept: Some(2), ..AppFields::default() };
    host.admin(Operation::AppSet { aid: None, fields: keep }).unwrap();
    let (first, second) = (host.user("ada"), host.user("ada"));
    let (one, two) = (host.sign_in(&first), host.sign_in_from(&second, 2));
    assert_eq!((host.closed(one), host.closed(two)), (None, None));
    host.user("ada");
    assert_eq!((host.closed(one), host.closed(two)), (Some(Code::SignedOut), None));
}

#[test]
fn one_token_is_withdrawn_by_itself() {
    let mut host = Host::new();
    let token = host.user("ada");
    let ada = host.sign_in(&token);
    let unknown = Operation::TokenDelete { hash: [0; 32] };
    assert_eq!(refused(&mut host, unknown), (ErrorCode::NotFound, vec![Param::UserToken]));
    host.admin(Operation::TokenDelete { hash: hash_token(&token) }).unwrap();
    assert_eq!(host.closed(ada), Some(Code::SignedOut));
}

#[test]
fn an_app_that_asks_too_often_is_slowed_down() {
    let mut host = Host::new();
    let hub = std::mem::replace(&mut host.hub, Hub::new(1));
    host.hub = hub.with_operation_rate(1, 2);
    let get = || Operation::AppGet { aid: None };
    host.admin(get()).unwrap();
    host.admin(get()).unwrap();
    assert_eq!(refused(&mut host, get()).0, ErrorCode::RateLimit);
    host.advance(Duration::from_secs(1));
    host.admin(get()).unwrap();
}

#[test]
fn a_group_over_the_quota_is_refused_to_backend_and_client() {
    let mut host = Host::new();
    let quota = AppFields { groups_max: Some(1), ..AppFields::default() };
    host.admin(Operation::AppSet { aid: None, fields: quota }).unwrap();
    host.user("ada");
    host.group(0, &["ada"]);
    let add = Operation::GroupAdd {
        fields: Default::default(),
        members: vec![],
        rights: Default::default(),
    };
    assert_eq!(refused(&mut host, add).0, ErrorCode::Quota);
}
