//! Recordings of rooms: who may, who is told, what the media server is asked for.

mod host;

use host::Host;
use hub::Input;
use hub::port::admin::{ErrorCode, GroupFields, MemberFields, Operation, Reply, UserFields};
use hub::port::media::{Command, Event, Recording};
use wire::id::{GroupId, SessionId, Uid};
use wire::limits::RECORDING_LASTS_MAX;
use wire::proto::room_control::Verb;
use wire::proto::*;
use wire::time::Duration;

#[test]
fn who_may_begins_and_ends_a_recording_and_everybody_there_and_later_is_told() {
    let mut host = Host::new();
    let (gid, [ada, bob, carol]) = room(&mut host);
    assert!(enter(&mut host, gid, ada).rights.expect("rights").record);
    assert!(!enter(&mut host, gid, bob).rights.expect("rights").record);
    let camera = publish(&mut host, gid, bob, "Bob");
    host.media.clear();
    record(&mut host, gid, bob, true);
    assert_eq!(recorded(&mut host), [], "without the right nothing happens");
    host.received(ada);
    record(&mut host, gid, ada, true);
    assert_eq!([ada, bob].map(|session| told(&mut host, session)), [[true]; 2]);
    let begun = recorded(&mut host);
    let [(stream, Some(into))] = &begun[..] else { panic!("{begun:?}") };
    assert_eq!((*stream, into.room, into.name.as_str()), (camera, gid, "Bob"));
    record(&mut host, gid, ada, true);
    assert_eq!(recorded(&mut host), [], "it is recorded already");

    assert!(enter(&mut host, gid, carol).recording, "who comes later");
    let screen = publish(&mut host, gid, carol, "Carol");
    let later = recorded(&mut host);
    assert_eq!(later.len(), 1);
    assert_eq!(
        (later[0].0, &later[0].1.as_ref().map(|into| into.begun)),
        (screen, &Some(into.begun))
    );
    publish(&mut host, gid, carol, "Carol again");
    assert_eq!(recorded(&mut host), [], "a change is no new stream");

    host.received(ada);
    record(&mut host, gid, ada, false);
    assert_eq!([ada, bob, carol].map(|session| told(&mut host, session)), [[false]; 3]);
    assert_eq!(recorded(&mut host), [(camera, None), (screen, None)]);
}

#[test]
fn the_backend_begins_and_ends_a_recording_and_everybody_is_told() {
    let mut host = Host::new();
    let (gid, [ada, _, _]) = room(&mut host);
    let ask = |host: &mut Host, on| host.admin(Operation::GroupRecord { gid, on });
    assert!(ask(&mut host, Some(true)).is_err(), "nobody is there");
    assert_eq!(ask(&mut host, None), Ok(Reply::Recording { gid, begun: None }));
    enter(&mut host, gid, ada);
    let camera = publish(&mut host, gid, ada, "Ada");
    host.received(ada);
    let Ok(Reply::Recording { begun: Some(begun), .. }) = ask(&mut host, Some(true)) else {
        panic!("it is recorded");
    };
    assert_eq!(told(&mut host, ada), [true]);
    let recorded_now = recorded(&mut host);
    let [(stream, Some(into))] = &recorded_now[..] else { panic!("{recorded_now:?}") };
    assert_eq!((*stream, into.by, into.begun), (camera, Uid(0), begun));
    assert_ne!(into.of, Uid(0), "whose stream it is");
    assert_eq!(ask(&mut host, Some(false)), Ok(Reply::Recording { gid, begun: None }));
    assert_eq!((told(&mut host, ada), recorded(&mut host)), (vec![false], vec![(camera, None)]));
    let unknown = host.admin(Operation::GroupRecord { gid: GroupId(9), on: None });
    assert_eq!(unknown.unwrap_err().code, ErrorCode::NoGroup);
}

#[test]
fn a_recording_ends_when_it_has_lasted_long_enough_or_cannot_go_on() {
    let mut host = Host::new();
    let (gid, [ada, bob, _]) = room(&mut host);
    enter(&mut host, gid, ada);
    publish(&mut host, gid, ada, "Ada");
    record(&mut host, gid, ada, true);
    wait(&mut host, &[ada, bob], RECORDING_LASTS_MAX - Duration::from_secs(1));
    enter(&mut host, gid, bob);
    host.received(ada);
    wait(&mut host, &[ada, bob], Duration::from_secs(1));
    assert_eq!([ada, bob].map(|session| told(&mut host, session)), [[false]; 2]);

    record(&mut host, gid, ada, true);
    let begun = recorded(&mut host).pop().and_then(|(_, into)| into).expect("recorded").begun;
    host.received(ada);
    let failed = |begun| Input::Media(Event::RecordingFailed { room: gid, begun });
    host.input(failed(begun.after(Duration::from_secs(1))));
    assert_eq!(told(&mut host, ada), [] as [bool; 0], "that was another one");
    host.input(failed(begun));
    assert_eq!(told(&mut host, ada), [false]);
}

#[test]
fn a_recording_ends_with_the_last_who_leaves_and_the_next_lasts_as_long() {
    let mut host = Host::new();
    let (gid, [ada, bob, _]) = room(&mut host);
    enter(&mut host, gid, ada);
    record(&mut host, gid, ada, true);
    enter(&mut host, gid, bob);
    host.frame(ada, client_frame::Body::RoomLeave(RoomLeave { gid: gid.0 }));
    wait(&mut host, &[ada, bob], Duration::from_secs(60));
    assert!(enter(&mut host, gid, ada).recording, "it goes on without who began it");
    for session in [ada, bob] {
        host.frame(session, client_frame::Body::RoomLeave(RoomLeave { gid: gid.0 }));
    }
    assert!(!enter(&mut host, gid, ada).recording);
    record(&mut host, gid, ada, true);
    host.received(ada);
    wait(&mut host, &[ada, bob], RECORDING_LASTS_MAX - Duration::from_secs(30));
    assert_eq!(told(&mut host, ada), [] as [bool; 0]);
    wait(&mut host, &[ada], Duration::from_secs(30));
    assert_eq!(told(&mut host, ada), [false]);
}

// ---- helpers -----------------------------------------------------------------------------

/// Ada, who owns a group, Bob and Carol.
fn room(host: &mut Host) -> (GroupId, [SessionId; 3]) {
    let names = ["ada", "bob", "carol"];
    let sessions = names.map(|name| {
        let token = host.user_with(name, UserFields::default(), 24 * 60);
        host.sign_in(&token)
    });
    let gid = host.group(0, &names);
    let owner = hub::port::admin::UserRef { address: Some("ada".into()), uid: None };
    let fields = GroupFields { owner: Some(owner), ..GroupFields::default() };
    let rights = MemberFields::default();
    host.admin(Operation::GroupSet { gid, fields, members: vec![], rights }).expect("set");
    (gid, sessions)
}

fn enter(host: &mut Host, gid: GroupId, session: SessionId) -> RoomState {
    host.received(session);
    host.frame(session, client_frame::Body::RoomEnter(RoomEnter { gid: gid.0 }));
    let state = host.received(session).into_iter().find_map(|body| match body {
        server_frame::Body::RoomState(state) => Some(state),
        _ => None,
    });
    state.expect("entered")
}

fn publish(host: &mut Host, gid: GroupId, session: SessionId, name: &str) -> wire::id::StreamId {
    host.received(session);
    let name = name.into();
    let wanted = Publish { gid: gid.0, name, audio: true, video: true, ..Publish::default() };
    host.frame(session, client_frame::Body::Publish(wanted));
    let stream = host.received(session).into_iter().find_map(|body| match body {
        server_frame::Body::RoomUpdate(update) => update.own.first().map(|stream| stream.id),
        _ => None,
    });
    wire::id::StreamId(stream.expect("published"))
}

/// Time passes for sessions that answer.
fn wait(host: &mut Host, sessions: &[SessionId], time: Duration) {
    const STEP: Duration = Duration::from_secs(20);
    let mut left = time;
    while !left.is_zero() {
        let step = left.min(STEP);
        host.advance(step);
        left -= step;
        for session in sessions {
            host.frame(*session, client_frame::Body::Pong(Pong::default()));
        }
    }
}

fn record(host: &mut Host, gid: GroupId, session: SessionId, enable: bool) {
    let (gid, verb) = (gid.0, Verb::Record as i32);
    let control = RoomControl { gid, verb, enable, ..RoomControl::default() };
    host.frame(session, client_frame::Body::RoomControl(control));
}

/// What the media server was asked to record since the last time.
fn recorded(host: &mut Host) -> Vec<(wire::id::StreamId, Option<Recording>)> {
    let commands = std::mem::take(&mut host.media).into_iter();
    let recorded = commands.filter_map(|command| match command {
        Command::Record { stream, into } => Some((stream, into)),
        _ => None,
    });
    recorded.collect()
}

/// What was said of recordings.
fn told(host: &mut Host, session: SessionId) -> Vec<bool> {
    let frames = host.received(session).into_iter();
    let told = frames.filter_map(|body| match body {
        server_frame::Body::RoomUpdate(update) => update.recording,
        _ => None,
    });
    told.collect()
}
