//! Feature classes: what they take from their users, at once and without a new sign-in.

mod host;

use host::Host;
use hub::port::admin::{
    AdminError, ErrorCode, GroupFields, Letter, Operation, Param, Reply, UserFields, UserRef,
};
use hub::port::apps::feature::own;
use hub::port::apps::{ClassField, ClassPatch, Rate, number, rate};
use hub::{Hub, Input, Leave, Relay, RelayCredential};
use wire::call as step;
use wire::code::Code;
use wire::id::{GroupId, SessionId, Ticket};
use wire::mask::{call as kind, group_error, presence as code};
use wire::proto::*;
use wire::status;
use wire::time::Duration;

/// Ada and Bob, who are there; Ada is of class 1.
struct World {
    host: Host,
    tokens: [String; 2],
    ada: SessionId,
    bob: SessionId,
}

impl World {
    fn new(patch: ClassPatch) -> World {
        let mut host = Host::new();
        host.admin(Operation::ClassSet { id: 1, update: false, patch }).expect("a class");
        let fields = UserFields { uac: Some(1), ..UserFields::default() };
        let tokens = [host.user_with("ada", fields, 60), host.user("bob")];
        let ada = host.sign_in(&tokens[0]);
        let bob = host.sign_in_from(&tokens[1], 2);
        World { host, tokens, ada, bob }
    }

    fn free() -> World {
        World::new(ClassPatch::default())
    }

    fn change(&mut self, patch: ClassPatch) {
        self.host.admin(Operation::ClassSet { id: 1, update: true, patch }).expect("changed");
    }

    fn deny(&mut self, denied: u64) {
        self.change(ClassPatch { denied, allowed: !denied, ..ClassPatch::default() });
    }

    /// A message to Ada in Bob's name.
    fn backend_sends(&mut self, text: &str) -> Result<Reply, AdminError> {
        let body = text.as_bytes().to_vec().into();
        let (from, to) = ("bob".into(), vec!["ada".into()]);
        let content = Content { body, ..Content::default() };
        let letter = Letter { from, to, flags: 3, expiry_s: 60, content, ..Letter::default() };
        self.host.admin(Operation::Message(letter))
    }

    /// What becomes of a message of Ada.
    fn send(&mut self, to: target::To, content: Content) -> u32 {
        self.host.received(self.ada);
        let to = Some(Target { to: Some(to) });
        // Each is another one.
        let id = 1 + self.host.now.instant.0;
        self.host.advance(Duration::from_millis(1));
        let send = Send { id, to, flags: 3, content: Some(content), ..Send::default() };
        self.host.frame(self.ada, client_frame::Body::Send(send));
        self.host.answers(self.ada)[0].1
    }

    fn send_text(&mut self) -> u32 {
        self.send(target::To::Address("bob".into()), Content::default())
    }

    fn calls(&mut self, session: SessionId) -> Vec<u32> {
        let frames = self.host.received(session).into_iter();
        let calls = frames.filter_map(|body| match body {
            server_frame::Body::Call(call) => Some(call.status),
            _ => None,
        });
        calls.collect()
    }

    fn call(&mut self, by: SessionId, number: u32, peer: &str, video: bool) -> Vec<u32> {
        self.host.received(by);
        let call =
            Call { number, status: step::INCOMING, peer: peer.into(), video, ..Call::default() };
        self.host.frame(by, client_frame::Body::Call(call));
        self.calls(by)
    }

    fn presence(&mut self, presence: u32, to: Option<target::To>) {
        let to = to.map(|to| Target { to: Some(to) });
        let presence = Presence { to, presence, ..Presence::default() };
        self.host.frame(self.ada, client_frame::Body::Presence(presence));
    }

    /// Presences that Bob has been told.
    fn seen(&mut self) -> Vec<u32> {
        let frames = self.host.received(self.bob).into_iter();
        let seen = frames.filter_map(|body| match body {
            server_frame::Body::Presence(presence) => Some(presence.presence),
            _ => None,
        });
        seen.collect()
    }

    fn watch(&mut self) -> Profile {
        self.host.received(self.bob);
        let watch = Watch { addresses: vec!["ada".into()], ..Watch::default() };
        self.host.frame(self.bob, client_frame::Body::Watch(watch));
        let found = self.host.received(self.bob).into_iter().find_map(|body| match body {
            server_frame::Body::Profiles(profiles) => profiles.users.into_iter().next(),
            _ => None,
        });
        found.expect("a profile")
    }

    fn group_error(&mut self, gid: u32, what: group_request::What) -> u32 {
        self.host.received(self.ada);
        let request = GroupRequest { ticket: 1, gid, what: Some(what) };
        self.host.frame(self.ada, client_frame::Body::GroupRequest(request));
        let reply = self.host.received(self.ada).into_iter().find_map(|body| match body {
            server_frame::Body::GroupReply(reply) => Some(reply.error),
            _ => None,
        });
        reply.expect("a reply")
    }

    fn create(&mut self) -> u32 {
        let settings = GroupSettings { name: Some("crew".into()), ..GroupSettings::default() };
        self.group_error(0, group_request::What::Create(settings))
    }

    /// What Ada is told she may do in a room.
    fn enter(&mut self, gid: GroupId) -> Option<Rights> {
        self.host.received(self.ada);
        let enter = RoomEnter { gid: gid.0 };
        self.host.frame(self.ada, client_frame::Body::RoomEnter(enter));
        self.room_rights()
    }

    fn room_rights(&mut self) -> Option<Rights> {
        let frames = self.host.received(self.ada).into_iter();
        let mut states = frames.filter_map(|body| match body {
            server_frame::Body::RoomState(state) => state.rights,
            _ => None,
        });
        states.next_back()
    }

    fn upload(&mut self) -> Leave {
        let (ticket, credential) = (Ticket(9), self.tokens[0].clone());
        self.host.input(Input::Uploader { ticket, credential, begins: true });
        let who = self.host.uploaders.pop().expect("an answer");
        who.expect("the store works").expect("it is known").leave
    }
}

fn rates(kind: u32, window_s: u32, count: u32) -> ClassPatch {
    let rates = vec![(kind, vec![Rate { kind, window_s, count }])];
    ClassPatch { rates, ..ClassPatch::default() }
}

#[test]
fn a_class_is_made_changed_read_and_deleted() {
    let mut host = Host::new();
    let field = |path: &str, value: &str| ClassField { path: path.into(), value: value.into() };
    let patch = |fields: Vec<ClassField>| ClassPatch { fields, ..ClassPatch::default() };
    let set = |update, patch| Operation::ClassSet { id: 7, update, patch };
    let refused = |result: Result<Reply, hub::port::admin::AdminError>| result.unwrap_err().code;
    assert_eq!(refused(host.admin(set(true, patch(vec![])))), ErrorCode::NotFound);
    let first = vec![field("name", "\"guests\""), field("app\u{1}data", "1")];
    host.admin(set(false, patch(first))).unwrap();
    assert_eq!(refused(host.admin(set(false, patch(vec![])))), ErrorCode::Exists);
    host.admin(set(true, patch(vec![field("app", "\"plain\"")]))).unwrap();
    let Ok(Reply::Classes(found)) = host.admin(Operation::ClassesGet { id: Some(7) }) else {
        panic!("no class");
    };
    let given = <hub::port::apps::ClassFields as prost::Message>::decode(&found[0].given[..]);
    assert_eq!(given.unwrap().fields, [field("app", "\"plain\""), field("name", "\"guests\"")]);
    host.restart();
    let Ok(Reply::Classes(all)) = host.admin(Operation::ClassesGet { id: None }) else {
        panic!("no classes");
    };
    assert_eq!(all, found, "it is on disk");
    host.admin(Operation::ClassDelete { id: 7 }).unwrap();
    assert_eq!(refused(host.admin(Operation::ClassDelete { id: 7 })), ErrorCode::NotFound);
}

#[test]
fn messages_that_a_class_does_not_leave_are_refused_from_that_moment_on() {
    let mut world = World::free();
    let gid = world.host.group(0, &["ada", "bob"]);
    let to_bob = || target::To::Address("bob".into());
    let file = || Content { file: Some(File::default()), ..Content::default() };
    let place = || Content { latitude: Some(1.0), longitude: Some(1.0), ..Content::default() };
    assert_eq!(world.send(to_bob(), file()), status::SENT);
    world.deny(own::RICH);
    assert_eq!(world.send(to_bob(), file()), status::BLOCKED);
    assert_eq!(world.send_text(), status::SENT);
    world.deny(own::FILES);
    assert_eq!(world.send(to_bob(), file()), status::BLOCKED);
    assert_eq!(world.send(to_bob(), place()), status::SENT);
    world.deny(own::LOCATION);
    assert_eq!(world.send(to_bob(), place()), status::BLOCKED);
    world.deny(own::GROUP_MESSAGE);
    assert_eq!(world.send(target::To::Group(gid.0), Content::default()), status::BLOCKED);
    assert_eq!(world.send_text(), status::SENT);
    world.deny(own::MESSAGES);
    assert_eq!(world.send_text(), status::BLOCKED);
    world.deny(own::MESSAGE_IN);
    assert_eq!(world.send_text(), status::SENT);
    world.host.received(world.bob);
    world.host.send(world.bob, "ada", 77, "no");
    assert_eq!(world.host.answers(world.bob), [(77, status::BLOCKED)]);
    let refused = world.backend_sends("no").expect_err("refused");
    assert_eq!(refused.code, ErrorCode::NotAllowed);
    world.host.admin(Operation::ClassDelete { id: 1 }).unwrap();
    world.backend_sends("yes").expect("taken");
    world.host.send(world.bob, "ada", 78, "yes");
    assert_eq!(world.host.answers(world.bob), [(78, status::SENT)]);
}

#[test]
fn receipts_are_told_only_as_far_as_the_class_of_the_reader_leaves_it() {
    for (denied, expected) in [
        (0, vec![(1, status::DELIVERED), (1, status::READ)]),
        (own::READ_RECEIPTS, vec![(1, status::DELIVERED)]),
        (own::DELIVERY_RECEIPTS, vec![(1, status::READ)]),
    ] {
        let mut world = World::free();
        world.deny(denied);
        world.host.send(world.bob, "ada", 1, "hello");
        let entries = world.host.entries(world.ada);
        world.host.received(world.bob);
        world.host.ack(world.ada, entries.last().expect("a message").0);
        let from_uid = 2;
        let messages = vec![MessageRef { from_uid, id: 1, receipt: true }];
        let read = Read { ticket: 1, messages };
        world.host.frame(world.ada, client_frame::Body::Read(read));
        assert_eq!(world.host.statuses(world.bob), expected);
    }
}

#[test]
fn who_may_send_only_so_often_is_refused_beyond_it() {
    let mut world = World::new(rates(rate::MESSAGE, 60, 2));
    let sent = [0; 3].map(|_| world.send_text());
    assert_eq!(sent, [status::SENT, status::SENT, status::FAIL]);
    for _ in 0..4 {
        world.host.advance(Duration::from_secs(15));
        world.host.frame(world.ada, client_frame::Body::Pong(Pong { sent: 0 }));
    }
    assert_eq!(world.send_text(), status::SENT);
}

#[test]
fn sign_ins_and_uploads_have_their_rates() {
    let mut world = World::new(rates(rate::LOGIN, 60, 2));
    assert_eq!(world.upload(), Leave::Granted);
    let again = |world: &mut World| {
        let session = world.host.open();
        let token = world.tokens[0].clone();
        world.host.hello(session, &token, 1, None);
        world.host.closed(session)
    };
    assert_eq!(again(&mut world), None);
    assert_eq!(again(&mut world), Some(Code::RateLimit));
    world.change(rates(rate::UPLOAD, 60, 1));
    assert_eq!([world.upload(), world.upload()], [Leave::Granted, Leave::TooMany]);
    world.deny(own::UPLOAD);
    assert_eq!(world.upload(), Leave::NotAllowed);
}

#[test]
fn who_is_not_shown_any_more_is_offline_at_once() {
    let mut world = World::free();
    assert!(world.watch().online);
    world.deny(own::ONLINE);
    assert_eq!(world.seen(), [code::OFFLINE]);
    assert!(!world.watch().online);
    world.deny(0);
    assert_eq!(world.seen(), [code::ONLINE]);
    let to_bob = || Some(target::To::Address("bob".into()));
    world.presence(code::TYPING, to_bob());
    world.deny(own::TYPING);
    world.presence(code::TYPING, to_bob());
    world.presence(20, to_bob());
    assert_eq!(world.seen(), [code::TYPING, 20]);
    // By moving the user to another class, too.
    let uid = |uac| {
        let user = UserRef { uid: None, address: Some("ada".into()) };
        let fields = UserFields { uac: Some(uac), ..UserFields::default() };
        Operation::UserSet { user, fields, remove: None, token: None }
    };
    world.host.admin(uid(0)).unwrap();
    world.presence(code::TYPING, to_bob());
    assert_eq!(world.seen(), [code::TYPING]);
    world.host.admin(uid(1)).unwrap();
    world.deny(own::LAST_SEEN);
    world.host.close(world.ada);
    assert_eq!(world.watch().last_seen, 0);
    world.deny(0);
    assert_eq!(world.watch().last_seen % 300_000, 0);
    assert_ne!(world.watch().last_seen, 0);
}

#[test]
fn calls_that_a_class_does_not_leave_do_not_begin_and_do_not_go_on() {
    let mut world = World::free();
    world.deny(own::CALL_VIDEO);
    assert_eq!(world.call(world.ada, 1, "bob", true), [step::NOT_ALLOWED]);
    assert_eq!(world.call(world.bob, 2, "ada", true), [step::NO_VIDEO_CALLS]);
    world.deny(own::CALL_IN);
    assert_eq!(world.call(world.bob, 3, "ada", false), [step::NO_CALLS]);
    assert_eq!(world.call(world.ada, 4, "bob", false), [step::RINGING]);
    world.deny(own::CALLS);
    assert_eq!(world.calls(world.ada), [step::NOT_ALLOWED]);
    assert_eq!(world.call(world.ada, 5, "bob", false), [step::NOT_ALLOWED]);
}

#[test]
fn a_call_is_over_when_the_class_of_a_side_says_so() {
    let mut world = World::free();
    let mut numbers = [None; 5];
    numbers[number::CALL_S] = Some(20);
    world.change(ClassPatch { numbers, denied: own::CALL_LOG, ..ClassPatch::default() });
    world.call(world.bob, 3, "ada", false);
    let call = world.host.received(world.ada).into_iter().find_map(|body| match body {
        server_frame::Body::Call(call) => Some(call.call),
        _ => None,
    });
    let answer = Call { call: call.unwrap(), number: 4, status: step::ANSWER, ..Call::default() };
    world.host.frame(world.ada, client_frame::Body::Call(answer));
    world.calls(world.bob);
    world.host.advance(Duration::from_secs(19));
    assert_eq!(world.calls(world.bob), []);
    world.host.advance(Duration::from_secs(1));
    assert_eq!(world.calls(world.bob), [step::COMPLETE]);
    let is_call = |entries: Vec<(u64, entry::Body)>| {
        entries.iter().any(|(_, body)| matches!(body, entry::Body::Call(_)))
    };
    let of_ada = world.host.entries(world.ada);
    assert!(!is_call(of_ada), "her class keeps no calls");
}

#[test]
fn relays_are_for_who_may_use_them() {
    let mut world = World::free();
    let credential = RelayCredential::Secret("north".into());
    let relay = Relay { urls: vec!["turn:a".into()], credential, only: false };
    let hub = std::mem::replace(&mut world.host.hub, Hub::new(9));
    world.host.hub = hub.with_relay(Some(relay));
    let token = world.tokens[0].clone();
    assert_eq!(world.host.resume(&token, 0).1.ice_servers.len(), 1);
    world.deny(own::CALL_TURN);
    assert_eq!(world.host.resume(&token, 0).1.ice_servers.len(), 0);
}

#[test]
fn rooms_are_narrowed_while_one_is_in_them() {
    let mut world = World::free();
    let gid = world.host.group(0, &["ada", "bob"]);
    world.deny(own::CONF_SCREEN);
    let rights = world.enter(gid).expect("she is in");
    assert!(rights.publish && rights.call_flags & kind::SCREEN == 0);
    world.host.received(world.ada);
    let publish = Publish { gid: gid.0, sid: 1, audio: true, video: true, ..Publish::default() };
    world.host.frame(world.ada, client_frame::Body::Publish(publish));
    world.host.received(world.ada);
    world.deny(own::CONF_VIDEO | own::CONF_HD);
    let refused =
        world.host.peek(world.ada).iter().any(
            |body| matches!(body, server_frame::Body::RoomRefused(refused) if refused.sid == 1),
        );
    assert!(refused, "her picture is stopped");
    assert_eq!(world.room_rights().expect("she is told").resolution, 2);
    world.deny(own::GROUP_CALL);
    let closed = world
        .host
        .received(world.ada)
        .into_iter()
        .any(|body| matches!(body, server_frame::Body::RoomUpdate(update) if update.closed));
    assert!(closed);
    assert_eq!(world.enter(gid), None);
}

#[test]
fn groups_are_made_and_joined_as_far_as_a_class_leaves_it() {
    let mut world = World::free();
    let mut numbers = [None; 5];
    numbers[number::GROUPS] = Some(1);
    world.change(ClassPatch { numbers, ..ClassPatch::default() });
    assert_eq!(world.create(), 0);
    assert_eq!(world.create(), group_error::PERMISSION);
    world.deny(own::GROUP_CREATE);
    assert_eq!(world.create(), group_error::PERMISSION);
    let fields = GroupFields::default();
    let rights = Default::default();
    let added = world.host.admin(Operation::GroupAdd { fields, members: vec![], rights });
    let Ok(Reply::Group { group, .. }) = added else { panic!("no group") };
    world.deny(own::GROUP_MEMBER);
    let join = group_request::What::Join(12_345_678);
    assert_eq!(world.group_error(group.gid.0, join.clone()), group_error::PERMISSION);
    world.deny(0);
    assert_eq!(world.group_error(group.gid.0, join), group_error::BAD_PIN);
}

#[test]
fn a_user_is_of_no_class_that_is_not_there() {
    let mut world = World::free();
    let fields = || UserFields { uac: Some(9), ..UserFields::default() };
    let user = UserRef { uid: None, address: Some("ada".into()) };
    let set = Operation::UserSet { user, fields: fields(), remove: None, token: None };
    let add = Operation::UserAdd { address: "carol".into(), fields: fields(), token: None };
    for operation in [set, add] {
        let refused = world.host.admin(operation).unwrap_err();
        assert_eq!(
            (refused.code, &refused.params[..]),
            (ErrorCode::NotFound, &[Param::UserUac][..])
        );
    }
}

#[test]
fn history_and_waking_can_be_taken_away() {
    let mut world = World::free();
    assert_eq!(world.send_text(), status::SENT);
    let history = |world: &mut World| {
        world.host.received(world.ada);
        let wanted = History { ticket: 1, count: 10, ..History::default() };
        world.host.frame(world.ada, client_frame::Body::History(wanted));
        let part = world.host.received(world.ada).into_iter().find_map(|body| match body {
            server_frame::Body::History(part) => Some(part.entries.len()),
            _ => None,
        });
        part.expect("an answer")
    };
    assert_eq!(history(&mut world), 1);
    world.deny(own::SYNC | own::PUSH);
    assert_eq!(history(&mut world), 0);
    let push = PushToken { ticket: 1, token: "t".into(), ..PushToken::default() };
    world.host.frame(world.ada, client_frame::Body::PushToken(push));
    world.host.close(world.ada);
    world.host.send(world.bob, "ada", 1, "hello");
    assert_eq!(world.host.pushes.len(), 0);
    world.deny(own::STORAGE);
    world.host.received(world.bob);
    world.host.send(world.bob, "ada", 2, "not kept");
    assert_eq!(world.host.answers(world.bob), [(2, status::USER_OFFLINE)]);
    world.backend_sends("not kept either").expect("taken");
    let ada = world.host.sign_in(&world.tokens[0]);
    assert_eq!(world.host.texts(ada), ["", "hello"]);
    world.host.close(ada);
    world.deny(0);
    world.host.send(world.bob, "ada", 3, "hello");
    assert_eq!(world.host.pushes.len(), 1);
}
