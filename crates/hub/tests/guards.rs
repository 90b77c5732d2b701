//! What an operator limits in every app: members of a group, groups of a user, files of an app.

mod host;

use host::Host;
use hub::port::admin::{ErrorCode, GroupFields, MemberFields, Operation, Reply, UserRef};
use hub::{Guards, Hub, Input};
use wire::id::{GroupId, SessionId, Ticket, Uid};
use wire::mask::{group as mode, group_error as error};
use wire::proto::group_request::What;
use wire::proto::*;
use wire::status;
use wire::time::Duration;

fn host(guards: Guards) -> (Host, [SessionId; 3]) {
    let mut host = Host::new();
    let hub = std::mem::replace(&mut host.hub, Hub::new(1));
    host.hub = hub.with_guards(guards);
    let sessions = ["ada", "bob", "eve"].map(|address| {
        let token = host.user(address);
        host.sign_in(&token)
    });
    (host, sessions)
}

fn members_max(members_max: u32) -> Guards {
    Guards { members_max, ..Guards::default() }
}

fn groups_max(groups_per_user_max: u32) -> Guards {
    Guards { groups_per_user_max, ..Guards::default() }
}

fn strings(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|address| address.to_string()).collect()
}

fn edit(gid: GroupId, members: &[&str]) -> Operation {
    Operation::MembersEdit { gid, members: strings(members), rights: MemberFields::default() }
}

fn add(members: &[&str], owner: Option<&str>) -> Operation {
    let owner = owner.map(|owner| UserRef { uid: None, address: Some(owner.into()) });
    let fields = GroupFields { owner, ..GroupFields::default() };
    let rights = MemberFields::default();
    Operation::GroupAdd { fields, members: strings(members), rights }
}

fn members(host: &mut Host, gid: GroupId) -> Vec<String> {
    let get = Operation::MembersGet { gid, pending: false, after: Uid(0), count: 99 };
    match host.admin(get) {
        Ok(Reply::Members { members, .. }) => {
            members.into_iter().map(|row| row.user.address).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn ask(host: &mut Host, session: SessionId, gid: GroupId, what: What) -> u32 {
    host.received(session);
    let request = GroupRequest { ticket: 7, gid: gid.0, what: Some(what) };
    host.frame(session, client_frame::Body::GroupRequest(request));
    let replies = host.received(session).into_iter().filter_map(|body| match body {
        server_frame::Body::GroupReply(reply) => Some(reply.error),
        _ => None,
    });
    replies.last().expect("an answer")
}

#[test]
fn a_group_takes_no_more_members_than_it_may_and_says_who_has_no_room() {
    let (mut host, _) = host(members_max(2));
    let Ok(Reply::Group { group, failed }) = host.admin(add(&["ada", "bob", "eve"], None)) else {
        panic!("the group is made for those who fit");
    };
    assert_eq!(failed, ["eve"]);
    assert_eq!(members(&mut host, group.gid), ["ada", "bob"]);
    let refused = host.admin(edit(group.gid, &["eve"])).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Quota);
    let edited = host.admin(edit(group.gid, &["eve", "ada"])).unwrap();
    let Reply::MembersEdited { added, edited, failed, .. } = edited else { panic!("{edited:?}") };
    assert_eq!((added, edited, failed), (0, 1, strings(&["eve"])));
    // Who is replaced makes room.
    let set = Operation::GroupSet {
        gid: group.gid,
        fields: GroupFields::default(),
        members: strings(&["eve", "bob"]),
        rights: MemberFields::default(),
    };
    host.admin(set).unwrap();
    assert_eq!(members(&mut host, group.gid), ["bob", "eve"]);
}

#[test]
fn a_membership_that_has_ended_takes_no_room() {
    let (mut host, _) = host(members_max(1));
    let gid = host.group(0, &["ada"]);
    let brief = MemberFields { expiry_s: Some(10), ..MemberFields::default() };
    let edit_ada = Operation::MembersEdit { gid, members: strings(&["ada"]), rights: brief };
    host.admin(edit_ada).unwrap();
    assert_eq!(host.admin(edit(gid, &["bob"])).unwrap_err().code, ErrorCode::Quota);
    host.advance(Duration::from_secs(10));
    host.admin(edit(gid, &["bob"])).unwrap();
    assert_eq!(host.admin(edit(gid, &["ada"])).unwrap_err().code, ErrorCode::Quota);
}

#[test]
fn a_user_is_in_no_more_groups_than_it_may_until_it_leaves_one() {
    let (mut host, [ada, ..]) = host(groups_max(2));
    let first = host.group(0, &["ada", "bob"]);
    host.group(0, &["ada"]);
    let third = host.group(0, &["ada", "bob"]);
    assert_eq!(members(&mut host, third), ["bob"]);
    assert_eq!(host.admin(edit(third, &["ada"])).unwrap_err().code, ErrorCode::Quota);
    let owned = host.admin(add(&[], Some("ada"))).unwrap_err();
    assert_eq!(owned.code, ErrorCode::Quota, "an owner is a member");
    let settings = GroupSettings { name: Some("own".into()), ..GroupSettings::default() };
    let create = What::Create(settings);
    assert_eq!(ask(&mut host, ada, GroupId(0), create.clone()), error::ACCESS_DENIED);
    assert_eq!(ask(&mut host, ada, first, What::Leave(true)), 0);
    assert_eq!(ask(&mut host, ada, GroupId(0), create), 0);
}

#[test]
fn nobody_joins_a_full_group_by_pin_or_out_of_the_waiting_room() {
    let (mut host, [_, bob, eve]) = host(members_max(2));
    let gid = host.group(0, &["ada"]);
    let put = hub::port::admin::PinFields { pin: Some(123_456), ..Default::default() };
    let action = hub::port::admin::PinAction::Put(put);
    host.admin(Operation::GroupPin { gid, action }).unwrap();
    assert_eq!(ask(&mut host, bob, gid, What::Join(123_456)), 0);
    assert_eq!(ask(&mut host, eve, gid, What::Join(123_456)), error::ACCESS_DENIED);
    assert_eq!(ask(&mut host, bob, gid, What::Join(123_456)), 0, "who is in may join again");
    let lobby = GroupFields { lobby: Some(true), ..GroupFields::default() };
    let rights = MemberFields::default();
    host.admin(Operation::GroupSet { gid, fields: lobby, members: Vec::new(), rights }).unwrap();
    assert_eq!(ask(&mut host, eve, gid, What::Join(123_456)), error::ACCESS_DENIED);
    let admit = Operation::GroupAdmit { gid, members: strings(&["eve"]), admit: true };
    assert_eq!(host.admin(admit.clone()).unwrap_err().code, ErrorCode::Quota);
    host.admin(Operation::MembersRemove { gid, members: strings(&["bob"]) }).unwrap();
    host.admin(admit).expect("she has gone on waiting");
    assert_eq!(members(&mut host, gid), ["ada", "eve"]);
}

#[test]
fn an_open_group_that_is_full_takes_nobody_and_nothing_from_outside() {
    let (mut host, [ada, _, eve]) = host(members_max(2));
    let gid = host.group(mode::AUTO_ADD_MEMBER, &["ada", "bob"]);
    host.received(eve);
    host.send_to(eve, target::To::Group(gid.0), 1, "let me in", None);
    assert_eq!(host.answers(eve), [(1, status::NOT_MEMBER)]);
    host.admin(Operation::MembersRemove { gid, members: strings(&["bob"]) }).unwrap();
    host.entries(ada);
    host.send_to(eve, target::To::Group(gid.0), 2, "now", None);
    assert_eq!(host.answers(eve), [(2, status::SENT)]);
    assert_eq!(host.texts(ada), ["now"]);
    assert_eq!(members(&mut host, gid), ["ada", "eve"]);
}

#[test]
fn who_begins_to_upload_is_told_how_much_room_its_app_has() {
    let (mut host, _) = host(Guards { files_max_mb: 1, ..Guards::default() });
    let (ada, other) = (host.user("ada"), host.user("bob"));
    let left = |host: &mut Host, token: &str, begins| {
        let credential = token.to_owned();
        host.input(Input::Uploader { ticket: Ticket(1), credential, begins });
        let who = host.uploaders.pop().expect("an answer").expect("the store works");
        who.expect("a user").bytes_left
    };
    const MIB: u64 = 1024 * 1024;
    assert_eq!(left(&mut host, &ada, true), Some(MIB));
    assert_eq!(left(&mut host, &ada, false), None, "nothing is coming");
    let name = "1700000000-00000000000000000000000000000001.png".to_owned();
    host.input(Input::Filed { uid: Uid(1), name: name.clone(), size: MIB - 10 });
    assert_eq!(left(&mut host, &other, true), Some(10), "of the app, not of the user");
    host.input(Input::Filed { uid: Uid(2), name: name.replace('1', "2"), size: 11 });
    assert_eq!(left(&mut host, &ada, true), Some(0));
    host.input(Input::FilesRemoved { names: vec![name] });
    assert_eq!(left(&mut host, &ada, true), Some(MIB - 11));
}
