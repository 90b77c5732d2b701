//! Groups and users as the backend changes them, and what their members are told.

mod host;

use host::Host;
use hub::port::admin::{
    Credential, ErrorCode, GroupFields, MemberFields, Operation, Param, Reply, TokenWish,
    UserFields, UserRef,
};
use wire::id::{GroupId, SessionId, Uid};
use wire::limits::{
    MEMBERS_PER_REPLY_MAX, MEMBERS_TOLD_MAX, OPERATIONS_WAITING_MAX, PROFILE_VALUES_BYTES_MAX,
};
use wire::mask::{admin as admin_flag, group as mode, group_error, member as right};
use wire::proto::group_change::Kind;
use wire::proto::*;
use wire::status;
use wire::time::Duration;

#[test]
fn a_user_added_again_is_edited_and_gets_a_new_token() {
    let mut host = Host::new();
    let first = host.user("ada");
    let fields = UserFields { name: Some("Ada".into()), ..UserFields::default() };
    let token = Some(TokenWish { app: "web".into(), any_app: false, expiry_minutes: 0 });
    let operation = Operation::UserAdd { address: "ada".into(), fields, token };
    let Ok(Reply::User { user, new, token: Some(issued) }) = host.admin(operation) else {
        panic!("no user");
    };
    assert_eq!((user.name.as_str(), new, issued.expires), ("Ada", false, None));
    assert_ne!(issued.token, first);
    assert!((48..=128).contains(&issued.token.len()));
    host.sign_in(&issued.token);
}

#[test]
fn the_info_of_a_profile_is_one_of_its_named_values_and_leaves_the_others_alone() {
    let mut host = Host::new();
    host.user("ada");
    let set = |host: &mut Host, fields: UserFields| {
        let user = UserRef { uid: None, address: Some("ada".into()) };
        match host.admin(Operation::UserSet { user, fields, remove: None, token: None }) {
            Ok(Reply::User { user, .. }) => Ok(user.values),
            Err(error) => Err(error.code),
            other => panic!("{other:?}"),
        }
    };
    let info = |text: &str| UserFields { info: Some(text.into()), ..UserFields::default() };
    assert_eq!(set(&mut host, info("in a \"shop\"")).unwrap(), r#"{"info":"in a \"shop\""}"#);
    let own = "{\"color\":\"red\",\"info\":\"old\"}\n3 {\"age\":7}".to_owned();
    set(&mut host, UserFields { values: Some(own), ..UserFields::default() }).unwrap();
    let values = set(&mut host, info("new")).unwrap();
    assert_eq!(values, "{\"color\":\"red\",\"info\":\"new\"}\n3 {\"age\":7}");
    assert_eq!(set(&mut host, info("")).unwrap(), "{\"color\":\"red\"}\n3 {\"age\":7}");
    let large = info(&"x".repeat(PROFILE_VALUES_BYTES_MAX));
    assert_eq!(set(&mut host, large), Err(ErrorCode::TooLarge));
}

#[test]
fn the_credential_is_judged_before_the_operation() {
    let mut host = Host::new();
    let code = |host: &mut Host, credential: Credential, operation: Operation| {
        host.admin_as(credential, operation).expect_err("refused").code
    };
    let add = || Operation::AppAdd { name: "more".into() };
    let get = || Operation::GroupDelete { gid: GroupId(77) };
    assert_eq!(code(&mut host, Credential::None, get()), ErrorCode::AuthFail);
    assert_eq!(code(&mut host, Credential::App([9; 32]), get()), ErrorCode::AuthFail);
    assert_eq!(code(&mut host, Credential::AdminKey, get()), ErrorCode::AuthFail);
    let app = host.app.clone();
    assert_eq!(code(&mut host, app.clone(), add()), ErrorCode::AuthFail);
    assert_eq!(code(&mut host, app.clone(), get()), ErrorCode::NoGroup);

    let unreadable = hub::port::admin::AdminError {
        code: ErrorCode::BadOp,
        cause: "no operation".into(),
        params: vec![Param::Op],
    };
    host.ask(Credential::App([9; 32]), Err(unreadable.clone()));
    assert_eq!(host.answers.pop().unwrap().unwrap_err().code, ErrorCode::AuthFail);
    host.ask(app, Err(unreadable.clone()));
    assert_eq!(host.answers.pop().unwrap().unwrap_err(), unreadable);
}

#[test]
fn an_app_name_is_given_once() {
    let mut host = Host::new();
    let again = Operation::AppAdd { name: "demo".into() };
    let refused = host.admin_as(Credential::AdminKey, again).expect_err("taken");
    assert_eq!(refused.code, ErrorCode::Exists);
}

#[test]
fn users_of_one_app_do_not_exist_for_another() {
    let mut host = Host::new();
    let ada = host.user("ada");
    let ada = host.sign_in(&ada);
    let gid = host.group(0, &["ada"]);
    let add = Operation::AppAdd { name: "other".into() };
    let Ok(Reply::App { token, .. }) = host.admin_as(Credential::AdminKey, add) else {
        panic!("no app");
    };
    host.app = Credential::App(hub::hash_token(&token));
    let (bob, twin) = (host.user("bob"), host.user("ada"));
    let (bob, twin) = (host.sign_in(&bob), host.sign_in(&twin));
    host.received(bob);
    host.send(bob, "ada", 1, "to the other one");
    assert_eq!(host.texts(ada), Vec::<String>::new());
    assert_eq!(host.texts(twin), ["to the other one"]);
    host.send_to(bob, target::To::Group(gid.0), 2, "x", None);
    assert_eq!(host.answers(bob), [(1, status::SENT), (2, status::INVALID_DESTINATION)]);
    let refused = host.admin(Operation::GroupDelete { gid }).expect_err("not its group");
    assert_eq!(refused.code, ErrorCode::NoGroup);
}

#[test]
fn a_user_is_named_by_number_by_address_or_by_both_when_they_agree() {
    let mut host = Host::new();
    host.user("ada");
    let Ok(Reply::User { user: ada, .. }) = host.admin(add("ada")) else { panic!("no user") };
    host.user("bob");
    let delete = |host: &mut Host, uid: Option<Uid>, address: Option<&str>| {
        let user = UserRef { uid, address: address.map(String::from) };
        host.admin(Operation::UserDelete { user }).map_err(|error| (error.code, error.params))
    };
    let both = vec![Param::UserUid, Param::UserAddress];
    assert_eq!(delete(&mut host, Some(ada.uid), Some("bob")), Err((ErrorCode::BadParam, both)));
    let unknown = Err((ErrorCode::NoUser, vec![Param::UserUid]));
    assert_eq!(delete(&mut host, Some(Uid(999)), None), unknown);
    assert!(delete(&mut host, Some(ada.uid), Some("ada")).is_ok());
    let gone = Err((ErrorCode::NoUser, vec![Param::UserAddress]));
    assert_eq!(delete(&mut host, None, Some("ada")), gone);
    let Ok(Reply::User { user, new: true, .. }) = host.admin(add("ada")) else { panic!("no") };
    assert_ne!(user.uid, ada.uid, "a number is never used again");
}

#[test]
fn an_impossible_address_is_refused() {
    let mut host = Host::new();
    for address in ["", &"x".repeat(64), "a\u{0}b", "a\nb"] {
        let refused = host.admin(add(address)).expect_err("refused");
        assert_eq!((refused.code, refused.params), (ErrorCode::BadParam, vec![Param::UserAddress]));
    }
}

#[test]
fn members_are_told_of_a_new_group_and_of_who_comes_and_goes() {
    let mut host = Host::new();
    let [ada, bob, carol] = three(&mut host);
    let gid = host.group(0, &["ada", "bob"]);
    assert_eq!(kinds(&mut host, ada), [Kind::Joined]);
    assert_eq!(kinds(&mut host, bob), [Kind::Joined]);

    host.rights(gid, "bob", 0, right::LIST);
    let changes = host.group_changes(bob);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].kind(), Kind::Settings);
    let rights = changes[0].group.as_ref().and_then(|group| group.rights).expect("rights");
    assert!(!rights.list && rights.send);
    assert_eq!(kinds(&mut host, ada), [], "rights of another are not everybody's business");

    host.rights(gid, "carol", 0, 0);
    let joined = host.group_changes(carol);
    assert_eq!(joined[0].kind(), Kind::Joined);
    assert_eq!(joined[0].group.as_ref().map(|group| group.gid), Some(gid.0));
    let coming = host.group_changes(ada);
    assert_eq!(coming[0].kind(), Kind::MembersJoined);
    assert_eq!(coming[0].members[0].address, "carol");
    assert_eq!(kinds(&mut host, bob), [], "who may not list is not told of others");

    remove(&mut host, gid, "carol");
    assert_eq!(kinds(&mut host, carol), [Kind::Left]);
    assert_eq!(kinds(&mut host, ada), [Kind::MembersLeft]);
}

#[test]
fn changed_settings_are_told_with_the_rights_of_each() {
    let mut host = Host::new();
    let [ada, bob, _] = three(&mut host);
    let gid = host.group(0, &["ada", "bob"]);
    host.rights(gid, "ada", right::SEND, 0);
    host.received(ada);
    host.received(bob);
    let fields = GroupFields {
        name: Some("Room".into()),
        flags: Some(mode::SEND_BY_SELECTED),
        ..GroupFields::default()
    };
    set(&mut host, gid, fields, &[]).unwrap();
    let may_send = |host: &mut Host, session: SessionId| {
        let change = host.group_changes(session).pop().expect("a change");
        let group = change.group.expect("the group");
        assert_eq!((change.kind, group.name.as_str()), (Kind::Settings as i32, "Room"));
        group.rights.expect("the own rights").send
    };
    assert!(may_send(&mut host, ada));
    assert!(!may_send(&mut host, bob));
}

#[test]
fn a_deleted_group_is_gone_for_everybody() {
    let mut host = Host::new();
    let [ada, bob, _] = three(&mut host);
    let gid = host.group(0, &["ada", "bob"]);
    host.received(bob);
    host.admin(Operation::GroupDelete { gid }).unwrap();
    assert_eq!(kinds(&mut host, bob), [Kind::Deleted]);
    host.received(ada);
    host.send_to(ada, target::To::Group(gid.0), 1, "x", None);
    assert_eq!(host.answers(ada), [(1, status::INVALID_DESTINATION)]);
    let refused = host.admin(Operation::GroupDelete { gid }).expect_err("gone");
    assert_eq!(refused.code, ErrorCode::NoGroup);
}

#[test]
fn a_member_away_learns_of_changes_when_it_is_back() {
    let mut host = Host::new();
    let token = host.user("ada");
    let gid = host.group(0, &["ada"]);
    remove(&mut host, gid, "ada");
    let (session, welcome) = host.resume(&token, 0);
    assert_eq!(welcome.groups, []);
    assert_eq!(kinds(&mut host, session), [Kind::Joined, Kind::Left]);
}

#[test]
fn what_is_queued_for_a_member_goes_with_its_right_to_receive() {
    let mut host = Host::new();
    let (ada, bob, carol) = (host.user("ada"), host.user("bob"), host.user("carol"));
    let ada = host.sign_in(&ada);
    let gid = host.group(0, &["ada", "bob", "carol"]);
    let texts = |host: &mut Host, token: &str| {
        let session = host.sign_in(token);
        let texts = host.texts(session);
        host.ack(session, u64::MAX);
        host.close(session);
        texts
    };
    host.send_to(ada, target::To::Group(gid.0), 1, "to all", None);
    host.send(ada, "bob", 2, "to you");
    host.rights(gid, "bob", 0, right::RECV);
    assert_eq!(texts(&mut host, &bob), ["to you"]);
    assert_eq!(texts(&mut host, &carol), ["to all"]);

    // The group's own flags take rights as well, and who is removed was told as a member.
    host.send_to(ada, target::To::Group(gid.0), 3, "again", None);
    host.rights(gid, "ada", right::RECV, 0);
    let dave = host.user("dave");
    let rights = MemberFields { given: right::RECV, ..MemberFields::default() };
    let members = vec!["dave".to_owned()];
    host.admin(Operation::MembersEdit { gid, members, rights }).unwrap();
    host.send_to(ada, target::To::Group(gid.0), 4, "and again", None);
    host.admin(Operation::MembersRemove { gid, members: vec!["dave".into()] }).unwrap();
    let fields = GroupFields { flags: Some(mode::RECV_BY_SELECTED), ..GroupFields::default() };
    let (members, rights) = (Vec::new(), MemberFields::default());
    host.admin(Operation::GroupSet { gid, fields, members, rights }).unwrap();
    assert_eq!(texts(&mut host, &carol), Vec::<String>::new());
    assert_eq!(texts(&mut host, &dave), ["and again"]);
}

#[test]
fn a_paused_group_takes_no_messages_and_an_expired_one_is_no_destination() {
    let mut host = Host::new();
    let [ada, ..] = three(&mut host);
    let gid = host.group(0, &["ada", "bob"]);
    let pause = GroupFields { active: Some(false), ..GroupFields::default() };
    set(&mut host, gid, pause, &[]).unwrap();
    host.received(ada);
    host.send_to(ada, target::To::Group(gid.0), 1, "x", None);
    assert_eq!(host.answers(ada), [(1, status::GROUP_PAUSED)]);
    let fields = GroupFields { active: Some(true), expiry_s: Some(60), ..GroupFields::default() };
    set(&mut host, gid, fields, &[]).unwrap();
    host.send_to(ada, target::To::Group(gid.0), 2, "x", None);
    host.advance(Duration::from_secs(40));
    host.ack(ada, 0);
    host.advance(Duration::from_secs(21));
    host.send_to(ada, target::To::Group(gid.0), 3, "x", None);
    assert_eq!(host.answers(ada), [(2, status::SENT), (3, status::INVALID_DESTINATION)]);
}

#[test]
fn a_membership_with_an_end_ends() {
    let mut host = Host::new();
    let [ada, bob, _] = three(&mut host);
    let gid = host.group(0, &["ada"]);
    let rights = MemberFields { expiry_s: Some(10), ..MemberFields::default() };
    host.admin(Operation::MembersEdit { gid, members: vec!["bob".into()], rights }).unwrap();
    host.received(bob);
    host.send_to(bob, target::To::Group(gid.0), 1, "x", None);
    host.advance(Duration::from_secs(10));
    host.send_to(bob, target::To::Group(gid.0), 2, "x", None);
    assert_eq!(host.answers(bob), [(1, status::SENT), (2, status::NOT_MEMBER)]);
    host.received(bob);
    host.send_to(ada, target::To::Group(gid.0), 3, "for members", None);
    assert_eq!(host.texts(bob), Vec::<String>::new());
}

#[test]
fn what_an_admin_may_ends_with_the_membership() {
    let mut host = Host::new();
    three(&mut host);
    let gid = host.group(0, &["ada"]);
    let admin_flags = Some(wire::mask::admin::MODIFY);
    let rights = MemberFields { admin_flags, expiry_s: Some(10), ..MemberFields::default() };
    host.admin(Operation::MembersEdit { gid, members: vec!["bob".into()], rights }).unwrap();
    let mut may = || {
        let listed = Operation::MembersGet { gid, pending: false, after: Uid(0), count: 100 };
        let Ok(Reply::Members { members, .. }) = host.admin(listed) else { panic!("no members") };
        let bob = members.into_iter().find(|row| row.user.address == "bob");
        host.advance(Duration::from_secs(10));
        bob.expect("he is listed").effective_admin
    };
    assert_eq!((may(), may()), (wire::mask::admin::MODIFY, 0));
}

#[test]
fn anyone_may_write_to_an_open_group_and_members_get_it() {
    let mut host = Host::new();
    let [ada, bob, _] = three(&mut host);
    let gid = host.group(mode::SEND_BY_ANYONE, &["ada"]);
    host.received(bob);
    host.send_to(bob, target::To::Group(gid.0), 1, "question", None);
    assert_eq!(host.answers(bob), [(1, status::SENT)]);
    assert_eq!(host.texts(ada), ["question"]);
}

#[test]
fn accepted_tells_how_many_members_will_get_a_group_message() {
    let mut host = Host::new();
    let [ada, bob, _] = three(&mut host);
    let gid = host.group(0, &["ada", "bob", "carol"]);
    let alone = host.group(0, &["ada"]);
    host.rights(gid, "bob", 0, right::RECV);
    host.received(ada);
    for (id, gid) in [(1, gid), (2, alone)] {
        host.send_to(ada, target::To::Group(gid.0), id, "x", None);
    }
    host.send(ada, "bob", 3, "x");
    let recipients = host.received(ada).into_iter().filter_map(|body| match body {
        server_frame::Body::Accepted(accepted) => Some((accepted.id, accepted.recipients)),
        _ => None,
    });
    assert_eq!(recipients.collect::<Vec<_>>(), [(1, 1), (2, 0), (3, 1)]);
    assert_eq!(host.texts(bob), ["x"]);
}

#[test]
fn delivery_in_a_group_is_reported_by_each_member() {
    let mut host = Host::new();
    let [ada, bob, carol] = three(&mut host);
    let gid = host.group(0, &["ada", "bob", "carol"]);
    for session in [ada, bob, carol] {
        host.received(session);
    }
    host.send_to(ada, target::To::Group(gid.0), 1, "x", None);
    host.received(ada);
    for session in [bob, carol] {
        let (seq, _) = host.entries(session)[0];
        host.ack(session, seq);
    }
    let reports = host.entries(ada).into_iter().filter_map(|(_, body)| match body {
        entry::Body::Status(report) => Some((report.address, report.status)),
        _ => None,
    });
    let expected = [("bob".into(), status::DELIVERED), ("carol".into(), status::DELIVERED)];
    assert_eq!(reports.collect::<Vec<_>>(), expected);
}

#[test]
fn a_replacement_list_keeps_the_owner_and_refuses_strangers() {
    let mut host = Host::new();
    let [ada, ..] = three(&mut host);
    let owner = MemberFields { admin_flags: Some(admin_flag::OWNER), ..MemberFields::default() };
    let fields = GroupFields::default();
    let add = Operation::GroupAdd { fields, members: vec!["ada".into()], rights: owner };
    let Ok(Reply::Group { group, .. }) = host.admin(add) else { panic!("no group") };
    let gid = group.gid;
    set(&mut host, gid, GroupFields::default(), &["bob", "ghost"]).unwrap();
    let members = members(&mut host, gid);
    assert_eq!(members, [("ada".into(), true), ("bob".into(), false)]);

    let refused = set(&mut host, gid, GroupFields::default(), &["ghost"]).expect_err("strangers");
    assert_eq!((refused.code, refused.params), (ErrorCode::NoUser, vec![Param::Members]));
    assert_eq!(self::members(&mut host, gid).len(), 2);

    // The backend is above the owner.
    remove(&mut host, gid, "ada");
    assert_eq!(self::members(&mut host, gid), [("bob".into(), false)]);
    assert!(kinds(&mut host, ada).contains(&Kind::Left));
}

#[test]
fn an_owner_named_by_the_backend_is_a_member() {
    let mut host = Host::new();
    three(&mut host);
    let owner = Some(UserRef { uid: None, address: Some("ada".into()) });
    let fields = GroupFields { owner, ..GroupFields::default() };
    let rights = MemberFields::default();
    let add = Operation::GroupAdd { fields, members: vec!["bob".into()], rights };
    let Ok(Reply::Group { group, .. }) = host.admin(add) else { panic!("no group") };
    let expected = [("ada".into(), true), ("bob".into(), false)];
    assert_eq!(members(&mut host, group.gid), expected);

    let owner = Some(UserRef { uid: None, address: Some("carol".into()) });
    set(&mut host, group.gid, GroupFields { owner, ..GroupFields::default() }, &[]).unwrap();
    assert!(members(&mut host, group.gid).contains(&("carol".into(), true)));
    let owner = Some(UserRef { uid: None, address: Some("ghost".into()) });
    let fields = GroupFields { owner, ..GroupFields::default() };
    let refused = set(&mut host, group.gid, fields, &[]).expect_err("no such owner");
    assert_eq!((refused.code, refused.params), (ErrorCode::NoUser, vec![Param::GroupOwner]));
}

#[test]
fn unknown_members_are_reported_and_only_unknown_ones_are_an_error() {
    let mut host = Host::new();
    three(&mut host);
    let gid = host.group(0, &["ada"]);
    let edit = |members: &[&str]| {
        let members = members.iter().map(|member| member.to_string()).collect();
        Operation::MembersEdit { gid, members, rights: MemberFields::default() }
    };
    let reply = host.admin(edit(&["ghost", "ada", "bob", "bob"])).unwrap();
    let failed = vec!["ghost".to_string()];
    assert_eq!(reply, Reply::MembersEdited { gid, added: 1, edited: 1, removed: 0, failed });
    let refused = host.admin(edit(&["ghost"])).expect_err("no users");
    assert_eq!((refused.code, refused.params), (ErrorCode::NoUser, vec![Param::Members]));

    let members = vec!["carol".to_string(), "bob".into()];
    let reply = host.admin(Operation::MembersRemove { gid, members }).unwrap();
    let expected =
        Reply::MembersEdited { gid, added: 0, edited: 0, removed: 1, failed: Vec::new() };
    assert_eq!(reply, expected, "removing a non-member is no error");
}

#[test]
fn a_right_is_given_denied_or_left_as_it_is() {
    let mut host = Host::new();
    three(&mut host);
    let gid = host.group(mode::PUB_BY_SELECTED, &["ada"]);
    let rights = |host: &mut Host| {
        let get = Operation::MembersGet { gid, pending: false, after: Uid(0), count: 1 };
        let Ok(Reply::Members { members, .. }) = host.admin(get) else { panic!("no members") };
        (members[0].member.given, members[0].member.denied, members[0].effective)
    };
    let members_may = right::ALL & !right::PUB;
    assert_eq!(rights(&mut host), (0, 0, members_may));
    host.rights(gid, "ada", right::PUB, right::SEND);
    assert_eq!(rights(&mut host), (right::PUB, right::SEND, right::ALL & !right::SEND));
    host.rights(gid, "ada", right::SEND, 0);
    assert_eq!(rights(&mut host), (right::PUB | right::SEND, 0, right::ALL));
}

#[test]
fn members_are_listed_in_pages() {
    let mut host = Host::new();
    three(&mut host);
    let gid = host.group(0, &["ada", "bob", "carol"]);
    let get = |after, count| Operation::MembersGet { gid, pending: false, after, count };
    let Ok(Reply::Members { members, more: true }) = host.admin(get(Uid(0), 2)) else {
        panic!("no members");
    };
    let last = members[1].user.uid;
    assert!(members.iter().all(|row| row.online));
    let Ok(Reply::Members { members, more: false }) = host.admin(get(last, 2)) else {
        panic!("no members");
    };
    assert_eq!(members.len(), 1);
    assert_eq!(members[0].user.address, "carol");
}

#[test]
fn a_page_of_members_is_for_members_only() {
    let mut host = Host::new();
    let [ada, _, carol] = three(&mut host);
    let gid = host.group(0, &["ada", "bob"]);
    let query = |after_uid, count| {
        let query = GroupQuery { ticket: 5, gid: gid.0, members: true, after_uid, count };
        client_frame::Body::GroupQuery(query)
    };
    host.received(carol);
    host.frame(carol, query(0, 0));
    let frames = host.received(carol);
    let [server_frame::Body::GroupReply(reply)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((reply.error, &reply.group), (group_error::NOT_MEMBER, &None));

    host.received(ada);
    host.frame(ada, query(0, 1));
    let frames = host.received(ada);
    let [server_frame::Body::GroupReply(reply)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((reply.ticket, reply.error, reply.members.len()), (5, 0, 1));
    host.frame(ada, query(reply.members[0].uid, 0));
    let frames = host.received(ada);
    let [server_frame::Body::GroupReply(reply)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(reply.members[0].address, "bob");
    assert_eq!(reply.members[0].flags, right::ALL);
}

#[test]
fn a_deleted_user_leaves_its_groups() {
    let mut host = Host::new();
    let [ada, bob, _] = three(&mut host);
    let gid = host.group(0, &["ada", "bob"]);
    host.received(ada);
    let user = UserRef { uid: None, address: Some("bob".into()) };
    host.admin(Operation::UserDelete { user }).unwrap();
    assert_eq!(host.closed(bob), Some(wire::code::Code::SignedOut));
    let left = host.group_changes(ada);
    assert_eq!((left[0].kind(), left[0].members[0].address.as_str()), (Kind::MembersLeft, "bob"));
    assert_eq!(members(&mut host, gid), [("ada".into(), false)]);
    host.send(ada, "bob", 1, "are you there?");
    assert_eq!(host.answers(ada), [(1, status::INVALID_DESTINATION)]);
}

#[test]
fn what_a_deleted_user_owned_is_its_oldest_admins() {
    let mut host = Host::new();
    let [_, bob, carol] = three(&mut host);
    let gid = host.group(0, &["ada", "bob", "carol"]);
    let owned = MemberFields { admin_flags: Some(admin_flag::OWNER), ..MemberFields::default() };
    let flags = MemberFields { admin_flags: Some(admin_flag::MODIFY), ..MemberFields::default() };
    for (member, rights) in [("ada", owned), ("carol", flags)] {
        let members = vec![member.to_owned()];
        host.admin(Operation::MembersEdit { gid, members, rights }).unwrap();
    }
    host.received(bob);
    host.received(carol);
    let user = UserRef { uid: None, address: Some("ada".into()) };
    host.admin(Operation::UserDelete { user }).unwrap();
    let told = |host: &mut Host, session| {
        let changes = host.group_changes(session).into_iter();
        let rights = changes.filter_map(|change| change.group?.rights);
        rights.map(|rights| rights.admin_flags).next_back()
    };
    assert_eq!(told(&mut host, carol), Some(admin_flag::OWNER_ALL), "and hears of it");
    assert_eq!(told(&mut host, bob), Some(0));
    assert_eq!(members(&mut host, gid), [("bob".into(), false), ("carol".into(), true)]);
}

#[test]
fn in_a_large_group_only_who_is_online_is_told_of_others_and_in_frames_that_fit() {
    let mut host = Host::new();
    let token = host.user("a watching member");
    let addresses: Vec<_> = (0..MEMBERS_TOLD_MAX + 200)
        .map(|index| format!("member number {index} {}", "x".repeat(40)))
        .collect();
    for address in &addresses {
        host.admin(add(address)).unwrap();
    }
    let watching = host.sign_in(&token);
    let gid = host.group(0, &["a watching member"]);
    host.received(watching);
    let rights = MemberFields::default();
    host.admin(Operation::MembersEdit { gid, members: addresses.clone(), rights }).unwrap();
    let told: Vec<_> = host.group_changes(watching);
    assert!(told.iter().all(|change| change.members.len() <= MEMBERS_PER_REPLY_MAX));
    let count: usize = told.iter().map(|change| change.members.len()).sum();
    assert_eq!(count, addresses.len());
    remove(&mut host, gid, &addresses[0]);
    assert_eq!(kinds(&mut host, watching), [Kind::MembersLeft]);
}

#[test]
fn changes_are_made_one_after_the_other_and_each_sees_the_one_before() {
    let mut host = Host::new();
    three(&mut host);
    let gid = host.group(0, &["ada"]);
    host.restart();
    host.hold_store();
    let edit = |given, denied| Operation::MembersEdit {
        gid,
        members: vec!["bob".into()],
        rights: MemberFields { given, denied, ..MemberFields::default() },
    };
    host.admin_later(edit(right::PUB, 0));
    host.admin_later(edit(right::SUB, 0));
    host.admin_later(Operation::MembersGet { gid, pending: false, after: Uid(0), count: 10 });
    assert_eq!(host.held().len(), 1, "one change at a time");
    host.release_store();
    let Some(Ok(Reply::Members { members, .. })) = host.answers.pop() else { panic!("no list") };
    let bob = members.iter().find(|row| row.user.address == "bob").expect("a member");
    assert_eq!(bob.member.given, right::PUB | right::SUB);
    assert_eq!(host.answers.len(), 2);
}

#[test]
fn too_many_waiting_operations_are_refused() {
    let mut host = Host::new();
    host.restart();
    host.hold_store();
    for index in 0..=OPERATIONS_WAITING_MAX {
        host.admin_later(add(&format!("user {index}")));
    }
    let refused = host.answers.pop().expect("an answer").expect_err("refused");
    assert_eq!(refused.code, ErrorCode::RateLimit);
    host.release_store();
    assert_eq!(host.answers.len(), OPERATIONS_WAITING_MAX);
    assert!(host.answers.iter().all(Result::is_ok));
}

#[test]
fn a_new_name_is_told_to_who_watches_and_to_the_user() {
    let mut host = Host::new();
    let [ada, bob, carol] = three(&mut host);
    let watch = Watch { addresses: vec!["bob".into()], groups: vec![] };
    host.frame(ada, client_frame::Body::Watch(watch));
    for session in [ada, bob, carol] {
        host.received(session);
    }
    let fields = UserFields { name: Some("Bob".into()), ..UserFields::default() };
    host.admin(Operation::UserAdd { address: "bob".into(), fields, token: None }).unwrap();
    for session in [ada, bob] {
        let frames = host.received(session);
        let [server_frame::Body::Profiles(profiles)] = &frames[..] else { panic!("{frames:?}") };
        assert_eq!(profiles.users[0].name, "Bob");
    }
    assert_eq!(host.received(carol), []);
}

#[test]
fn typing_reaches_its_addressee_and_members_online_and_nobody_else() {
    let mut host = Host::new();
    let [ada, bob, carol] = three(&mut host);
    let gid = host.group(0, &["ada", "bob"]);
    for session in [ada, bob, carol] {
        host.received(session);
    }
    let typing = |to| {
        let to = Some(Target { to: Some(to) });
        let presence = wire::mask::presence::TYPING;
        client_frame::Body::Presence(Presence { to, presence, ..Presence::default() })
    };
    host.frame(ada, typing(target::To::Address("bob".into())));
    let frames = host.received(bob);
    let [server_frame::Body::Presence(presence)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((presence.from.as_str(), &presence.to), ("ada", &None));

    host.frame(ada, typing(target::To::Group(gid.0)));
    let frames = host.received(bob);
    let [server_frame::Body::Presence(presence)] = &frames[..] else { panic!("{frames:?}") };
    let group = presence.to.as_ref().and_then(|to| to.to.clone());
    assert_eq!(group, Some(target::To::Group(gid.0)));
    assert_eq!(host.received(carol), []);
    assert_eq!(host.received(ada), []);

    host.frame(carol, typing(target::To::Group(gid.0)));
    host.frame(carol, typing(target::To::Address("nobody".into())));
    assert_eq!(host.received(bob), [], "who may not send may not type");
}

// ---- helpers -----------------------------------------------------------------------------

/// Ada, Bob and Carol, signed in.
fn three(host: &mut Host) -> [SessionId; 3] {
    let sessions = ["ada", "bob", "carol"].map(|address| {
        let token = host.user(address);
        host.sign_in(&token)
    });
    for session in sessions {
        host.received(session);
    }
    sessions
}

fn add(address: &str) -> Operation {
    let fields = UserFields::default();
    Operation::UserAdd { address: address.into(), fields, token: None }
}

fn set(
    host: &mut Host,
    gid: GroupId,
    fields: GroupFields,
    members: &[&str],
) -> Result<Reply, hub::port::admin::AdminError> {
    let members = members.iter().map(|member| member.to_string()).collect();
    let rights = MemberFields::default();
    host.admin(Operation::GroupSet { gid, fields, members, rights })
}

fn remove(host: &mut Host, gid: GroupId, address: &str) {
    let members = vec![address.to_string()];
    host.admin(Operation::MembersRemove { gid, members }).expect("the member is removed");
}

/// Addresses of the members, and whether each is the owner.
fn members(host: &mut Host, gid: GroupId) -> Vec<(String, bool)> {
    match host.admin(Operation::MembersGet { gid, pending: false, after: Uid(0), count: 100 }) {
        Ok(Reply::Members { members, .. }) => {
            members.into_iter().map(|row| (row.user.address, row.owner)).collect()
        }
        other => panic!("no members: {other:?}"),
    }
}

fn kinds(host: &mut Host, session: SessionId) -> Vec<Kind> {
    host.group_changes(session).iter().map(|change| change.kind()).collect()
}
