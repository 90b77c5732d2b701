//! Waiting rooms: who joins is no member before somebody lets it in.

mod host;

use host::Host;
use hub::port::admin::{GroupFields, MemberFields, Operation, PinAction, PinFields, Reply};
use wire::id::{GroupId, SessionId, Uid};
use wire::limits::LOBBY_WAIT_MAX;
use wire::mask::{admin, group as mode, group_error};
use wire::proto::group_request::What;
use wire::proto::*;

const PIN: u32 = 123_456;

#[test]
fn who_joins_by_a_pin_waits_until_an_admin_lets_it_in() {
    let mut host = Host::new();
    let (gid, [ada, bob]) = lobby(&mut host, 0);
    let reply = ask(&mut host, bob, gid, What::Join(PIN));
    assert_eq!((reply.error, reply.waiting), (group_error::ACCESS_DENIED, true));
    let told = replies(&mut host, ada);
    let [told] = &told[..] else { panic!("{told:?}") };
    assert_eq!((told.waiting, told.members[0].address.as_str()), (true, "bob"));
    assert_eq!(members(&mut host, gid, true), ["bob"]);
    assert_eq!(members(&mut host, gid, false), ["ada"]);

    let admit = Admit { addresses: vec!["bob".into()], admit: true };
    assert_eq!(ask(&mut host, ada, gid, What::Admit(admit.clone())).error, 0);
    assert_eq!(waiting(&mut host, ada), [[""; 0]], "the list is empty again");
    let changes = host.group_changes(bob);
    assert!(changes.iter().any(|it| it.kind == group_change::Kind::Joined as i32), "{changes:?}");
    assert_eq!(members(&mut host, gid, false), ["ada", "bob"]);
    assert_eq!(members(&mut host, gid, true), [""; 0]);
    let again = ask(&mut host, ada, gid, What::Admit(admit)).error;
    assert_eq!(again, group_error::GENERAL, "nobody waits any more");
}

#[test]
fn who_is_sent_away_is_told_and_may_not_let_itself_in() {
    let mut host = Host::new();
    let (gid, [_, bob]) = lobby(&mut host, 0);
    ask(&mut host, bob, gid, What::Join(PIN));
    let admit = Admit { addresses: vec!["bob".into()], admit: true };
    let own = ask(&mut host, bob, gid, What::Admit(admit)).error;
    assert_eq!(own, group_error::NOT_MEMBER);
    host.received(bob);
    decide(&mut host, gid, false);
    let told = replies(&mut host, bob);
    assert_eq!((told[0].error, told[0].waiting), (group_error::ACCESS_DENIED, false));
    assert_eq!(members(&mut host, gid, true), [""; 0]);
    assert_eq!(members(&mut host, gid, false), ["ada"]);
}

#[test]
fn who_enters_the_room_of_an_open_group_waits_too_and_the_backend_lets_it_in() {
    let mut host = Host::new();
    let (gid, [_, bob]) = lobby(&mut host, mode::AUTO_ADD_MEMBER);
    host.frame(bob, client_frame::Body::RoomEnter(RoomEnter { gid: gid.0 }));
    let refused = host.received(bob).into_iter().find_map(|body| match body {
        server_frame::Body::RoomRefused(refused) => Some((refused.error, refused.reason)),
        _ => None,
    });
    assert_eq!(refused, Some((group_error::ACCESS_DENIED, "waiting to be let in".into())));
    decide(&mut host, gid, true);
    host.frame(bob, client_frame::Body::RoomEnter(RoomEnter { gid: gid.0 }));
    let frames = host.received(bob);
    let inside = |body: &server_frame::Body| matches!(body, server_frame::Body::RoomState(_));
    assert!(frames.iter().any(inside), "{frames:?}");
}

#[test]
fn nobody_waits_after_it_has_gone_or_for_ever() {
    let mut host = Host::new();
    let (gid, [ada, bob]) = lobby(&mut host, 0);
    ask(&mut host, bob, gid, What::Join(PIN));
    host.close(bob);
    assert_eq!(members(&mut host, gid, true), [""; 0]);
    let token = host.user("eve");
    let eve = host.sign_in(&token);
    ask(&mut host, eve, gid, What::Join(PIN));
    assert_eq!(members(&mut host, gid, true), ["eve"]);
    assert_eq!(waiting(&mut host, ada), [vec!["bob"], vec![], vec!["eve"]]);
    host.advance(LOBBY_WAIT_MAX);
    assert_eq!(members(&mut host, gid, true), [""; 0]);
}

#[test]
fn a_host_who_comes_later_sees_who_waits_already() {
    let mut host = Host::new();
    let (gid, [ada, bob]) = lobby(&mut host, 0);
    ask(&mut host, bob, gid, What::Join(PIN));
    host.received(ada);
    host.frame(ada, client_frame::Body::RoomEnter(RoomEnter { gid: gid.0 }));
    assert_eq!(waiting(&mut host, ada), [["bob"]]);
}

// ---- helpers -----------------------------------------------------------------------------

/// A group with a lobby, of Ada who may let in; Bob has its PIN.
fn lobby(host: &mut Host, flags: u32) -> (GroupId, [SessionId; 2]) {
    let sessions = ["ada", "bob"].map(|name| {
        let token = host.user(name);
        host.sign_in(&token)
    });
    let gid = host.group(flags, &["ada"]);
    let fields = GroupFields { lobby: Some(true), ..GroupFields::default() };
    let rights = MemberFields::default();
    host.admin(Operation::GroupSet { gid, fields, members: vec![], rights }).expect("set");
    let rights = MemberFields { admin_flags: Some(admin::ADD_USER), ..MemberFields::default() };
    let members = vec!["ada".to_owned()];
    host.admin(Operation::MembersEdit { gid, members, rights }).expect("edited");
    let put = PinFields { pin: Some(PIN), ..PinFields::default() };
    host.admin(Operation::GroupPin { gid, action: PinAction::Put(put) }).expect("a pin");
    for session in sessions {
        host.received(session);
    }
    (gid, sessions)
}

fn decide(host: &mut Host, gid: GroupId, admit: bool) {
    let members = vec!["bob".to_owned()];
    host.admin(Operation::GroupAdmit { gid, members, admit }).expect("decided");
}

fn ask(host: &mut Host, session: SessionId, gid: GroupId, what: What) -> GroupReply {
    let request = GroupRequest { ticket: 7, gid: gid.0, what: Some(what) };
    host.frame(session, client_frame::Body::GroupRequest(request));
    let found = host.peek(session).iter().rev().find_map(|body| match body {
        server_frame::Body::GroupReply(reply) if reply.ticket == 7 => Some(reply.clone()),
        _ => None,
    });
    found.expect("an answer")
}

fn replies(host: &mut Host, session: SessionId) -> Vec<GroupReply> {
    let frames = host.received(session).into_iter();
    let replies = frames.filter_map(|body| match body {
        server_frame::Body::GroupReply(reply) if !(reply.ticket == 7 && reply.waiting) => {
            Some(reply)
        }
        _ => None,
    });
    replies.collect()
}

/// The lists of those who wait, as this session was told them.
fn waiting(host: &mut Host, session: SessionId) -> Vec<Vec<String>> {
    let lists = replies(host, session).into_iter().filter(|reply| reply.waiting);
    let addresses = |reply: GroupReply| reply.members.into_iter().map(|member| member.address);
    lists.map(|reply| addresses(reply).collect()).collect()
}

fn members(host: &mut Host, gid: GroupId, pending: bool) -> Vec<String> {
    let listed = Operation::MembersGet { gid, pending, after: Uid(0), count: 9 };
    match host.admin(listed) {
        Ok(Reply::Members { members, .. }) => {
            members.into_iter().map(|row| row.user.address).collect()
        }
        other => panic!("not listed: {other:?}"),
    }
}
