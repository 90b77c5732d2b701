//! When rooms open, how long calls in them last, and what a member may do less than its group.

mod host;

use host::Host;
use hub::Input;
use hub::port::admin::{GroupFields, MemberFields, Operation};
use hub::port::call::CallFields;
use hub::port::media::{Event, LoopId};
use wire::id::{GroupId, SessionId};
use wire::mask::{call, group as mode, group_error};
use wire::proto::group_request::What;
use wire::proto::*;
use wire::time::{Duration, Timestamp};

const AUDIO_ONLY: u32 = call::VALID | call::AUDIO;

#[test]
fn a_room_opens_at_its_time_and_closes_when_the_conference_is_over() {
    let mut host = Host::new();
    let (gid, [ada, bob]) = room(&mut host);
    let starts = Some(host.now.wall.after(Duration::from_secs(10)));
    set(&mut host, gid, GroupFields { starts, duration_s: Some(20), ..GroupFields::default() });
    assert_eq!(enter(&mut host, gid, ada), Err(group_error::ACCESS_DENIED));
    host.advance(Duration::from_secs(10));
    for session in [ada, bob] {
        enter(&mut host, gid, session).expect("it is open");
    }
    host.advance(Duration::from_millis(19_999));
    assert_eq!(over(&mut host, bob), None);
    host.advance(Duration::from_millis(1));
    assert_eq!([ada, bob].map(|session| over(&mut host, session)), [Some(true); 2]);
    assert_eq!(enter(&mut host, gid, ada), Err(group_error::ACCESS_DENIED));
    // Longer than it was to be: it goes on.
    set(&mut host, gid, GroupFields { duration_s: Some(60), ..GroupFields::default() });
    enter(&mut host, gid, ada).expect("there is time again");
    set(&mut host, gid, GroupFields { starts: Some(Timestamp(0)), ..GroupFields::default() });
    enter(&mut host, gid, bob).expect("it is open");
}

#[test]
fn a_conference_without_a_beginning_lasts_from_its_first_stream() {
    let mut host = Host::new();
    let (gid, [ada, bob]) = room(&mut host);
    set(&mut host, gid, GroupFields { duration_s: Some(20), ..GroupFields::default() });
    enter(&mut host, gid, bob).expect("entered");
    host.advance(Duration::from_secs(15));
    enter(&mut host, gid, ada).expect("entered");
    publish(&mut host, gid, ada, true, true).expect("published");
    host.advance(Duration::from_secs(19));
    assert_eq!(over(&mut host, bob), None);
    host.advance(Duration::from_secs(1));
    assert_eq!([ada, bob].map(|session| over(&mut host, session)), [Some(true); 2]);
    enter(&mut host, gid, ada).expect("another one begins");
    host.advance(Duration::from_secs(25));
    assert_eq!(over(&mut host, ada), None, "it has no stream yet");
}

#[test]
fn a_member_stays_in_a_call_as_long_as_it_may_and_others_go_on() {
    let mut host = Host::new();
    let (gid, [ada, bob]) = room(&mut host);
    let duration = |seconds| CallFields { duration_s: Some(seconds), ..CallFields::default() };
    set_call(&mut host, gid, duration(30));
    edit_call(&mut host, gid, "bob", duration(10));
    for session in [ada, bob] {
        enter(&mut host, gid, session).expect("entered");
    }
    let stream = publish(&mut host, gid, bob, true, true).expect("published");
    host.advance(Duration::from_secs(10));
    assert_eq!((over(&mut host, bob), over(&mut host, ada)), (Some(true), None));
    assert!(host.media.iter().any(|command| {
        matches!(command, hub::port::media::Command::StopStream { stream: id } if id.0 == stream.id)
    }));
    // Changed while the call goes on.
    edit_call(&mut host, gid, "ada", duration(11));
    host.advance(Duration::from_secs(1));
    assert_eq!(over(&mut host, ada), Some(true));
}

#[test]
fn an_admin_takes_from_a_member_what_others_may_send_at_once() {
    let mut host = Host::new();
    let (gid, [ada, bob]) = room(&mut host);
    set_call(&mut host, gid, CallFields { resolution: Some(3), ..CallFields::default() });
    let owner = hub::port::admin::UserRef { address: Some("ada".into()), uid: None };
    set(&mut host, gid, GroupFields { owner: Some(owner), ..GroupFields::default() });
    for session in [ada, bob] {
        enter(&mut host, gid, session).expect("entered");
        publish(&mut host, gid, session, true, true).expect("published");
    }
    host.received(bob);
    let permissions = Permissions {
        call_flags: Some(AUDIO_ONLY),
        call_duration: Some(600),
        resolution: Some(10),
        ..Permissions::default()
    };
    let put = MembersPut { addresses: vec!["bob".into()], permissions: Some(permissions) };
    let request = GroupRequest { ticket: 1, gid: gid.0, what: Some(What::Put(put)) };
    host.frame(ada, client_frame::Body::GroupRequest(request));
    let frames = host.received(bob);
    let refused = |body: &server_frame::Body| matches!(body, server_frame::Body::RoomRefused(_));
    assert!(frames.iter().any(refused), "its picture ends: {frames:?}");
    let told = frames.iter().find_map(|body| match body {
        server_frame::Body::RoomState(state) => state.rights,
        _ => None,
    });
    let told = told.expect("the room says what is left");
    let left = call::DEFAULT & !call::VIDEO & !call::SCREEN;
    assert_eq!((told.call_flags, told.call_duration, told.resolution), (left, 600, 10));
    let sound = publish(&mut host, gid, bob, true, true).expect("sound may be sent");
    assert_eq!((sound.audio, sound.video), (true, false));
    publish(&mut host, gid, ada, true, true).expect("the others may");

    edit_call(&mut host, gid, "bob", CallFields { flags: Some(0), ..CallFields::default() });
    assert!(publish(&mut host, gid, bob, true, true).expect("as the group has it").video);
    let no_sound = CallFields { change: (call::AUDIO, 0), ..CallFields::default() };
    edit_call(&mut host, gid, "bob", no_sound);
    let picture = publish(&mut host, gid, bob, true, true).expect("a picture may be sent");
    assert_eq!((picture.audio, picture.video), (false, true));
}

#[test]
fn who_is_busy_takes_no_turn_unless_all_are() {
    let mut host = Host::new();
    let tokens = ["ada", "bob", "eve"].map(|name| host.user(name));
    let gid = host.group(mode::RECV_ROUND_ROBIN, &["ada", "bob", "eve"]);
    let [ada, bob, eve] = [0, 1, 2].map(|at| host.sign_in_from(&tokens[at], at as u8 + 1));
    let busy = |busy| MemberFields { busy: Some(busy), ..MemberFields::default() };
    edit(&mut host, gid, "bob", busy(true));
    let to = target::To::Group(gid.0);
    for (id, text) in ["one", "two"].iter().enumerate() {
        host.send_to(ada, to.clone(), id as u64 + 1, text, None);
    }
    assert_eq!((host.texts(bob).len(), host.texts(eve).len()), (0, 2));
    edit(&mut host, gid, "eve", busy(true));
    host.send_to(ada, to, 3, "three", None);
    assert_eq!(host.texts(bob).len() + host.texts(eve).len(), 1);
}

#[test]
fn caps_of_rates_are_told_to_who_sends_at_once() {
    let mut host = Host::new();
    let (gid, [ada, bob]) = room(&mut host);
    let caps = |fps, video, audio| CallFields {
        fps: Some(fps),
        video_kbps: Some(video),
        audio_kbps: Some(audio),
        ..CallFields::default()
    };
    for session in [ada, bob] {
        enter(&mut host, gid, session).expect("entered");
    }
    set_call(&mut host, gid, caps(15, 800, 0));
    assert_eq!(told_caps(&mut host, ada), Some((15, 800, 0)));
    edit_call(&mut host, gid, "bob", caps(20, 300, 24));
    assert_eq!(told_caps(&mut host, bob), Some((15, 300, 24)), "less than the group, never more");
    assert_eq!(told_caps(&mut host, ada), None);
    set_call(&mut host, gid, caps(0, 0, 0));
    assert_eq!(told_caps(&mut host, ada), Some((0, 0, 0)));
    assert_eq!(told_caps(&mut host, bob), Some((20, 300, 24)));
}

#[test]
fn no_more_users_publish_at_a_time_than_the_room_lets() {
    let mut host = Host::new();
    let (gid, [ada, bob]) = room(&mut host);
    let one = GroupFields { publishers_max: Some(1), ..GroupFields::default() };
    set(&mut host, gid, one);
    for session in [ada, bob] {
        enter(&mut host, gid, session).expect("entered");
    }
    publish(&mut host, gid, ada, true, true).expect("the first");
    assert_eq!(publish(&mut host, gid, bob, true, true), Err(group_error::GENERAL));
    publish(&mut host, gid, ada, true, false).expect("it publishes already");
    host.frame(ada, client_frame::Body::Unpublish(Unpublish { gid: gid.0, sid: 0 }));
    publish(&mut host, gid, bob, true, true).expect("there is room now");
    assert_eq!(publish(&mut host, gid, ada, true, true), Err(group_error::GENERAL));
}

#[test]
fn a_full_media_server_lets_nobody_more_in_and_takes_no_further_stream_until_it_has_room() {
    let mut host = Host::new();
    let (gid, [ada, bob]) = room(&mut host);
    enter(&mut host, gid, ada).expect("entered");
    let before = publish(&mut host, gid, ada, true, true).expect("published");
    load(&mut host, 0, 85, true);
    assert_eq!(enter(&mut host, gid, bob), Err(group_error::GENERAL));
    enter(&mut host, gid, ada).expect("it is inside");
    let muted = Publish { gid: gid.0, audio: true, audio_muted: true, ..Publish::default() };
    host.frame(ada, client_frame::Body::Publish(muted));
    let again = publish(&mut host, gid, ada, true, true).expect("it is the same stream");
    assert_eq!(again.id, before.id);
    let screen = Publish { gid: gid.0, sid: 1, video: true, source: 4, ..Publish::default() };
    host.received(ada);
    host.frame(ada, client_frame::Body::Publish(screen));
    assert!(host.received(ada).iter().any(|body| matches!(
        body,
        server_frame::Body::RoomRefused(RoomRefused { publish: true, sid: 1, .. })
    )));
    assert_eq!(host.hub.counters().rooms_refused, 2);
    load(&mut host, 0, 60, false);
    enter(&mut host, gid, bob).expect("there is room");
}

#[test]
fn rooms_are_spread_over_the_loops_stay_where_they_are_and_each_loop_refuses_for_itself() {
    let mut host = Host::new();
    let (one, [ada, bob]) = room(&mut host);
    let (two, three) = (host.group(0, &["ada", "bob"]), host.group(0, &["ada", "bob"]));
    load(&mut host, 0, 0, false);
    load(&mut host, 1, 0, false);
    for (gid, at) in [(one, 0), (two, 1)] {
        enter(&mut host, gid, ada).expect("entered");
        assert_eq!(loop_of(&mut host, gid, ada), LoopId(at));
    }
    // The loop of the first room is full: the room stays there, and those who are inside.
    load(&mut host, 0, 90, true);
    assert_eq!(enter(&mut host, one, bob), Err(group_error::GENERAL));
    enter(&mut host, one, ada).expect("it is inside");
    enter(&mut host, two, bob).expect("the other loop has room");
    enter(&mut host, three, ada).expect("a new room goes where there is room");
    assert_eq!(loop_of(&mut host, three, ada), LoopId(1));
    load(&mut host, 1, 81, true);
    leave(&mut host, three, ada);
    assert_eq!(enter(&mut host, three, ada), Err(group_error::GENERAL), "all are full");
    // It has room again, and what was there ends in order before it is somewhere else.
    load(&mut host, 0, 20, false);
    enter(&mut host, three, ada).expect("entered");
    assert_eq!(loop_of(&mut host, three, ada), LoopId(0));
    assert_eq!(loop_of(&mut host, one, ada), LoopId(0));
    assert_eq!(loop_of(&mut host, two, ada), LoopId(1));
    host.loops.clear();
    leave(&mut host, two, ada);
    assert!(!host.loops.is_empty() && host.loops.iter().all(|at| *at == LoopId(1)));
}

// ---- helpers -----------------------------------------------------------------------------

fn load(host: &mut Host, at: u32, percent: u32, full: bool) {
    host.input(Input::Media(Event::Load { at: LoopId(at), percent, full }));
}

/// Where an offer in this room goes.
fn loop_of(host: &mut Host, gid: GroupId, session: SessionId) -> LoopId {
    host.loops.clear();
    let negotiate =
        Negotiate { gid: gid.0, ticket: 1, offer: "v=0".into(), ..Negotiate::default() };
    host.frame(session, client_frame::Body::Negotiate(negotiate));
    assert_eq!(host.loops.len(), 1);
    host.loops[0]
}

fn leave(host: &mut Host, gid: GroupId, session: SessionId) {
    host.frame(session, client_frame::Body::RoomLeave(RoomLeave { gid: gid.0 }));
}

/// Ada and Bob, members of a group.
fn room(host: &mut Host) -> (GroupId, [SessionId; 2]) {
    let sessions = ["ada", "bob"].map(|name| {
        let token = host.user(name);
        host.sign_in(&token)
    });
    (host.group(0, &["ada", "bob"]), sessions)
}

fn set(host: &mut Host, gid: GroupId, fields: GroupFields) {
    let rights = MemberFields::default();
    host.admin(Operation::GroupSet { gid, fields, members: vec![], rights }).expect("set");
}

fn set_call(host: &mut Host, gid: GroupId, call: CallFields) {
    set(host, gid, GroupFields { call, ..GroupFields::default() });
}

fn edit_call(host: &mut Host, gid: GroupId, who: &str, call: CallFields) {
    edit(host, gid, who, MemberFields { call, ..MemberFields::default() });
}

/// Frames a second, kbit/s of pictures and of sound, if the room has told them again.
fn told_caps(host: &mut Host, session: SessionId) -> Option<(u32, u32, u32)> {
    let told = host.received(session).into_iter().filter_map(|body| match body {
        server_frame::Body::RoomState(state) => state.rights,
        _ => None,
    });
    told.map(|rights| (rights.fps, rights.video_kbps, rights.audio_kbps)).last()
}

fn edit(host: &mut Host, gid: GroupId, who: &str, rights: MemberFields) {
    let members = vec![who.to_owned()];
    host.admin(Operation::MembersEdit { gid, members, rights }).expect("edited");
}

fn enter(host: &mut Host, gid: GroupId, session: SessionId) -> Result<(), u32> {
    host.received(session);
    host.frame(session, client_frame::Body::RoomEnter(RoomEnter { gid: gid.0 }));
    let answer = host.received(session).into_iter().find_map(|body| match body {
        server_frame::Body::RoomState(_) => Some(Ok(())),
        server_frame::Body::RoomRefused(refused) => Some(Err(refused.error)),
        _ => None,
    });
    answer.expect("an answer")
}

fn publish(
    host: &mut Host,
    gid: GroupId,
    session: SessionId,
    audio: bool,
    video: bool,
) -> Result<Stream, u32> {
    host.received(session);
    let wanted = Publish { gid: gid.0, audio, video, ..Publish::default() };
    host.frame(session, client_frame::Body::Publish(wanted));
    let answer = host.received(session).into_iter().find_map(|body| match body {
        server_frame::Body::RoomUpdate(update) => update.own.into_iter().next().map(Ok),
        server_frame::Body::RoomRefused(refused) => Some(Err(refused.error)),
        _ => None,
    });
    answer.expect("an answer")
}

/// Whether the room was closed because its time was over.
fn over(host: &mut Host, session: SessionId) -> Option<bool> {
    host.received(session).into_iter().find_map(|body| match body {
        server_frame::Body::RoomUpdate(update) => update.closed.then_some(update.over),
        _ => None,
    })
}
