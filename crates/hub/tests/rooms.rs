//! Rooms: who may enter, publish and receive, and what ends at once when a right goes.

mod host;

use host::Host;
use hub::Input;
use hub::port::admin::{GroupFields, MemberFields, Operation, UserRef};
use hub::port::call::CallFields;
use hub::port::media::{self, Command, Event, Peer};
use wire::id::{GroupId, SessionId, StreamId, Ticket};
use wire::limits::{NAME_BYTES_MAX, ROOMS_PER_SESSION_MAX, STREAMS_PER_SESSION_MAX};
use wire::mask::{admin, call, group as mode, group_error, member as right};
use wire::proto::room_control::Verb;
use wire::proto::*;
use wire::time::Duration;

const SCREEN: u32 = 4;

#[test]
fn who_enters_sees_the_streams_of_others_and_they_see_its_own() {
    let mut host = Host::new();
    let (gid, [ada, bob, _]) = room(&mut host, 0);
    enter(&mut host, gid, ada).expect("entered");
    let own = publish(&mut host, gid, ada, 0).expect("published");
    assert_eq!((own.address.as_str(), own.audio, own.video), ("ada", true, true));
    let state = enter(&mut host, gid, bob).expect("entered");
    assert_eq!(state.streams, std::slice::from_ref(&own));
    assert!(state.rights.is_some_and(|rights| rights.publish && rights.subscribe));

    let second = publish(&mut host, gid, bob, 0).expect("published");
    assert_ne!(second.id, own.id);
    assert_eq!(changed(&mut host, ada), [second]);
}

#[test]
fn a_stream_published_again_is_changed_not_another() {
    let mut host = Host::new();
    let (gid, [ada, bob, _]) = room(&mut host, 0);
    enter(&mut host, gid, ada).expect("entered");
    enter(&mut host, gid, bob).expect("entered");
    let first = publish(&mut host, gid, ada, 0).expect("published");
    host.received(bob);
    let name = "ä".repeat(NAME_BYTES_MAX);
    let again = Publish { audio_muted: true, name: name.clone(), ..wanted(gid, 0) };
    let again = publish_as(&mut host, ada, again).expect("published");
    assert_eq!((again.id, again.audio_muted), (first.id, true));
    assert!(again.name.len() <= NAME_BYTES_MAX && name.starts_with(&again.name));
    assert_eq!(changed(&mut host, bob), [again]);
}

#[test]
fn a_stranger_is_refused_and_gets_nothing() {
    let mut host = Host::new();
    let (gid, [ada, _, stranger]) = room(&mut host, 0);
    remove(&mut host, gid, "carol");
    host.received(stranger);
    assert_eq!(enter(&mut host, gid, stranger), Err(group_error::NOT_MEMBER));
    assert_eq!(enter(&mut host, GroupId(77), stranger), Err(group_error::NOT_MEMBER));
    enter(&mut host, gid, ada).expect("entered");
    let stream = publish(&mut host, gid, ada, 0).expect("published");
    assert_eq!(publish(&mut host, gid, stranger, 0), Err(group_error::NOT_MEMBER));
    host.media.clear();
    host.received(stranger);
    negotiate(&mut host, gid, stranger, 1, &[], &[stream.id]);
    assert!(host.media.is_empty());
    let frames = host.received(stranger);
    let [server_frame::Body::Answer(answer)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((answer.ticket, answer.answer.as_str()), (1, ""));
}

#[test]
fn in_an_open_webinar_anyone_watches_and_only_speakers_publish() {
    let mut host = Host::new();
    let flags = mode::PUB_BY_SELECTED | mode::SUB_BY_ANYONE | mode::LIST_BY_ANYONE;
    let (gid, [ada, bob, viewer]) = room(&mut host, flags);
    host.rights(gid, "ada", right::PUB, 0);
    remove(&mut host, gid, "carol");
    for session in [ada, bob, viewer] {
        host.received(session);
    }
    enter(&mut host, gid, ada).expect("entered");
    let stream = publish(&mut host, gid, ada, 0).expect("published");
    enter(&mut host, gid, bob).expect("entered");
    assert_eq!(publish(&mut host, gid, bob, 0), Err(group_error::PERMISSION));
    let state = enter(&mut host, gid, viewer).expect("a viewer needs no membership");
    assert_eq!(state.streams.len(), 1);
    negotiate(&mut host, gid, viewer, 1, &[0], &[stream.id]);
    let (send, receive) = last_negotiation(&host);
    assert_eq!((send.len(), receive.len()), (0, 1));
}

#[test]
fn a_closed_room_and_a_member_without_rights_are_refused() {
    let mut host = Host::new();
    let (gid, [ada, bob, _]) = room(&mut host, 0);
    host.rights(gid, "bob", 0, right::PUB | right::SUB);
    host.received(bob);
    assert_eq!(enter(&mut host, gid, bob), Err(group_error::PERMISSION));
    set(&mut host, gid, GroupFields { active: Some(false), ..GroupFields::default() });
    host.received(ada);
    assert_eq!(enter(&mut host, gid, ada), Err(group_error::ACCESS_DENIED));
}

#[test]
fn settings_of_the_room_turn_kinds_off() {
    let mut host = Host::new();
    let (gid, [ada, ..]) = room(&mut host, 0);
    let voice = call::VALID | call::AUDIO;
    set_kinds(&mut host, gid, voice);
    host.received(ada);
    enter(&mut host, gid, ada).expect("entered");
    let stream = publish(&mut host, gid, ada, 0).expect("audio is allowed");
    assert_eq!((stream.audio, stream.video), (true, false));
    let screen = Publish { source: SCREEN, audio: false, ..wanted(gid, 1) };
    assert_eq!(publish_as(&mut host, ada, screen.clone()), Err(group_error::PERMISSION));
    negotiate(&mut host, gid, ada, 1, &[0], &[]);
    let (send, _) = last_negotiation(&host);
    assert!(send.iter().all(|track| track.kind == media::Kind::Audio) && send.len() == 1);

    let screens = voice | call::SCREEN;
    set_kinds(&mut host, gid, screens);
    host.received(ada);
    assert!(publish_as(&mut host, ada, screen).expect("screens are allowed").video);
}

#[test]
fn an_offer_is_passed_on_with_what_is_allowed_of_it() {
    let mut host = Host::new();
    let (gid, [ada, bob, carol]) = room(&mut host, 0);
    let (other, _) = (host.group(0, &["carol"]), host.received(carol));
    for session in [ada, bob] {
        enter(&mut host, gid, session).expect("entered");
    }
    enter(&mut host, other, carol).expect("entered");
    let own = publish(&mut host, gid, ada, 0).expect("published");
    let theirs = publish(&mut host, gid, bob, 0).expect("published");
    let foreign = publish(&mut host, other, carol, 0).expect("published");
    // Unknown sid 9, the own stream, a stream of another room, one that never was.
    negotiate(&mut host, gid, ada, 1, &[0, 9], &[theirs.id, own.id, foreign.id, 12345]);
    let Some(Command::Negotiate { peer, ticket, fresh, send, receive, .. }) = host.media.last()
    else {
        panic!("{:?}", host.media);
    };
    assert_eq!((*peer, *ticket, *fresh), (Peer { session: ada, room: gid }, Ticket(1), true));
    assert!(send.iter().all(|track| track.stream == StreamId(own.id)) && send.len() == 2);
    assert!(receive.iter().all(|track| track.stream == StreamId(theirs.id)));
    assert_eq!(receive.len(), 1);
    negotiate(&mut host, gid, ada, 2, &[0], &[]);
    let Some(Command::Negotiate { fresh, .. }) = host.media.last() else { panic!("no offer") };
    assert!(!fresh);
}

#[test]
fn a_media_line_said_twice_carries_what_was_said_first() {
    let mut host = Host::new();
    let (gid, [ada, bob, _]) = room(&mut host, 0);
    enter(&mut host, gid, ada).expect("entered");
    enter(&mut host, gid, bob).expect("entered");
    let stream = publish(&mut host, gid, bob, 0).expect("published");
    let track = ReceiveTrack { mid: "0".into(), stream: stream.id, kind: 1 };
    let offer = Negotiate {
        gid: gid.0,
        ticket: 1,
        receive: vec![track.clone(), ReceiveTrack { kind: 0, ..track }],
        ..Negotiate::default()
    };
    host.frame(ada, client_frame::Body::Negotiate(offer));
    let (_, receive) = last_negotiation(&host);
    assert_eq!(receive.len(), 1);
    assert_eq!(receive[0].kind, media::Kind::Video);
}

#[test]
fn who_has_the_word_is_told_to_those_who_may_know_who_is_there() {
    let mut host = Host::new();
    let (gid, [ada, bob, carol]) = room(&mut host, 0);
    host.rights(gid, "carol", 0, right::LIST);
    for session in [ada, carol] {
        enter(&mut host, gid, session).expect("entered");
    }
    let stream = publish(&mut host, gid, ada, 0).expect("published");
    for session in [ada, carol] {
        host.received(session);
    }
    let unknown = wire::id::StreamId(7);
    let streams = vec![unknown, wire::id::StreamId(stream.id)];
    host.input(Input::Media(Event::Speakers { room: gid, streams }));
    let told = |host: &mut Host, session| {
        let frames = host.received(session).into_iter();
        let told = frames.filter_map(|body| match body {
            server_frame::Body::RoomUpdate(update) => Some(update.speakers),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(told(&mut host, ada), [vec![stream.id]]);
    assert_eq!(told(&mut host, carol), [] as [Vec<u64>; 0]);
    assert_eq!(enter(&mut host, gid, bob).expect("entered").speakers, [stream.id]);
    host.frame(ada, client_frame::Body::Unpublish(Unpublish { gid: gid.0, sid: 0 }));
    assert_eq!(enter(&mut host, gid, bob).expect("entered").speakers, [] as [u64; 0]);
}

#[test]
fn only_the_latest_offer_is_answered() {
    let mut host = Host::new();
    let (gid, [ada, ..]) = room(&mut host, 0);
    enter(&mut host, gid, ada).expect("entered");
    negotiate(&mut host, gid, ada, 1, &[], &[]);
    negotiate(&mut host, gid, ada, 2, &[], &[]);
    host.received(ada);
    let peer = Peer { session: ada, room: gid };
    let answer = |ticket, answer: Result<&str, &str>| {
        let answer = answer.map(String::from).map_err(String::from);
        Input::Media(Event::Answer { peer, ticket: Ticket(ticket), answer })
    };
    host.input(answer(1, Ok("old")));
    assert_eq!(host.received(ada), []);
    host.input(answer(2, Ok("new")));
    let frames = host.received(ada);
    let [server_frame::Body::Answer(told)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((told.ticket, told.answer.as_str()), (2, "new"));
    host.input(answer(2, Err("no sound line")));
    let frames = host.received(ada);
    let [server_frame::Body::Answer(told)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((told.answer.as_str(), told.reason.as_str()), ("", "no sound line"));
}

#[test]
fn a_publisher_hears_who_begins_and_ends_to_receive() {
    let mut host = Host::new();
    let (gid, [ada, bob, _]) = room(&mut host, 0);
    enter(&mut host, gid, ada).expect("entered");
    enter(&mut host, gid, bob).expect("entered");
    let stream = publish(&mut host, gid, ada, 3).expect("published");
    host.received(ada);
    negotiate(&mut host, gid, bob, 1, &[], &[stream.id]);
    assert_eq!(subscribers(&mut host, ada), [(3, "bob".into(), true)]);
    negotiate(&mut host, gid, bob, 2, &[], &[stream.id]);
    assert_eq!(subscribers(&mut host, ada), []);
    negotiate(&mut host, gid, bob, 3, &[], &[]);
    assert_eq!(subscribers(&mut host, ada), [(3, "bob".into(), false)]);
    negotiate(&mut host, gid, bob, 4, &[], &[stream.id]);
    host.close(bob);
    assert_eq!(subscribers(&mut host, ada).last(), Some(&(3, "bob".into(), false)));
}

#[test]
fn who_leaves_or_is_cut_off_is_gone_for_the_others_at_once() {
    let mut host = Host::new();
    let (gid, [ada, bob, carol]) = room(&mut host, 0);
    for session in [ada, bob, carol] {
        enter(&mut host, gid, session).expect("entered");
    }
    let first = publish(&mut host, gid, ada, 0).expect("published");
    let second = publish(&mut host, gid, bob, 0).expect("published");
    let third = publish(&mut host, gid, bob, 1).expect("published");
    negotiate(&mut host, gid, bob, 1, &[0], &[]);
    host.received(carol);
    host.media.clear();
    let unpublish = Unpublish { gid: gid.0, sid: 1 };
    host.frame(bob, client_frame::Body::Unpublish(unpublish));
    assert_eq!(gone(&mut host, carol), [third.id]);

    host.close(bob);
    assert_eq!(gone(&mut host, carol), [second.id]);
    assert!(host.media.iter().any(|command| matches!(
        command,
        Command::Close { peer } if *peer == Peer { session: bob, room: gid }
    )));
    host.frame(ada, client_frame::Body::RoomLeave(RoomLeave { gid: gid.0 }));
    assert_eq!(gone(&mut host, carol), [first.id]);
    assert_eq!(publish(&mut host, gid, ada, 0), Err(group_error::NOT_MEMBER));
}

#[test]
fn talking_is_told_to_everybody_but_not_of_a_muted_stream() {
    let mut host = Host::new();
    let (gid, [ada, bob, _]) = room(&mut host, 0);
    enter(&mut host, gid, ada).expect("entered");
    enter(&mut host, gid, bob).expect("entered");
    let stream = publish(&mut host, gid, ada, 0).expect("published");
    host.received(bob);
    let talking = |talking| Input::Media(Event::Talking { stream: StreamId(stream.id), talking });
    host.input(talking(true));
    host.input(talking(true));
    let told = changed(&mut host, bob);
    assert_eq!(told.len(), 1);
    assert!(told[0].talking);
    let muted = Publish { audio_muted: true, ..wanted(gid, 0) };
    publish_as(&mut host, ada, muted).expect("published");
    assert!(!changed(&mut host, bob)[0].talking);
    host.input(talking(true));
    assert_eq!(changed(&mut host, bob), []);
}

#[test]
fn what_the_media_server_sees_of_links_and_views_is_told_to_whom_it_concerns() {
    let mut host = Host::new();
    let (gid, [ada, bob, carol]) = room(&mut host, 0);
    for session in [ada, bob, carol] {
        enter(&mut host, gid, session).expect("entered");
    }
    let stream = publish(&mut host, gid, ada, 0).expect("published");
    negotiate(&mut host, gid, ada, 1, &[0], &[]);
    let view = |stream| View { gid: gid.0, stream, width: 320, height: 180, priority: 1 };
    host.frame(bob, client_frame::Body::View(view(stream.id)));
    host.frame(bob, client_frame::Body::View(view(stream.id + 1)));
    let views = host.media.iter().filter(|command| matches!(command, Command::View { .. }));
    assert_eq!(views.count(), 1, "of a stream that is there");
    [ada, bob, carol].into_iter().for_each(|session| drop(host.received(session)));

    let id = StreamId(stream.id);
    host.input(Input::Media(Event::Layers { stream: id, wanted: 0b011 }));
    let own: Vec<_> = updates(&mut host, ada).into_iter().flat_map(|update| update.own).collect();
    assert_eq!(own.iter().map(|stream| stream.layers).collect::<Vec<_>>(), [8 + 0b011]);
    assert_eq!(changed(&mut host, bob), []);
    negotiate(&mut host, gid, ada, 2, &[0], &[]);

    let peer = Peer { session: ada, room: gid };
    host.input(Input::Media(Event::Quality { peer, quality: 40 }));
    for session in [bob, carol] {
        assert_eq!(changed(&mut host, session).pop().map(|stream| stream.quality), Some(40));
    }
    let peer = Peer { session: bob, room: gid };
    for (kept, quality) in [(true, 1), (false, 40)] {
        host.input(Input::Media(Event::Kept { peer, stream: id, kept }));
        assert_eq!(changed(&mut host, bob).pop().map(|stream| stream.quality), Some(quality));
        assert_eq!(changed(&mut host, carol), []);
    }
}

#[test]
fn what_an_admin_asks_goes_to_whom_it_is_for_and_names_the_admin() {
    let mut host = Host::new();
    let (gid, [ada, bob, carol]) = room_with_an_admin(&mut host);
    let stream = publish(&mut host, gid, bob, 3).expect("published");
    let ask = |verb: Verb, stream, about| {
        let sid = 9;
        let by = "somebody else".into();
        let verb = verb as i32;
        RoomControl { gid: gid.0, verb, stream, about, sid, by, ..RoomControl::default() }
    };
    let mut asked = |by, control: RoomControl| {
        [ada, bob, carol].into_iter().for_each(|session| drop(host.received(session)));
        host.frame(by, client_frame::Body::RoomControl(control));
        [ada, bob, carol].map(|session| controls(&mut host, session).pop())
    };
    let [none, told, other] = asked(ada, ask(Verb::Mute, stream.id, 0));
    let told = told.expect("bob is asked");
    assert_eq!((none, other, told.by.as_str(), told.sid), (None, None, "ada", 3));
    let [_, told, _] = asked(ada, ask(Verb::Publish, stream.id, 0));
    assert_eq!(told.expect("bob is asked").sid, 9, "the stream to start");

    // Neither who is no admin, nor about what is not there.
    for verb in [Verb::Mute, Verb::Stop, Verb::Publish, Verb::Leave, Verb::FullScreen] {
        assert_eq!(asked(bob, ask(verb, 0, stream.id)), [None, None, None], "{verb:?}");
    }
    assert_eq!(asked(ada, ask(Verb::Stop, stream.id + 1, 0)), [None, None, None]);
    assert_eq!(asked(ada, ask(Verb::FullScreen, 0, stream.id + 1)), [None, None, None]);
    assert_eq!(asked(ada, ask(Verb::Unknown, 0, 0)), [None, None, None]);
    let [none, told, other] = asked(ada, ask(Verb::Leave, 0, 0));
    assert!(none.is_none() && told.is_some() && other.is_some());
}

#[test]
fn what_an_admin_mutes_stops_and_sends_away_is_forwarded_no_more_whatever_the_page_does() {
    let mut host = Host::new();
    let (gid, [ada, bob, carol]) = room_with_an_admin(&mut host);
    let stream = publish(&mut host, gid, bob, 0).expect("published");
    let ask = |host: &mut Host, verb: Verb, stream, enable| {
        let (verb, audio) = (verb as i32, true);
        let control =
            RoomControl { gid: gid.0, verb, stream, audio, enable, ..RoomControl::default() };
        host.frame(ada, client_frame::Body::RoomControl(control));
    };
    let paused = |host: &mut Host| {
        let said = host.media.drain(..).filter_map(|command| match command {
            Command::Pause { stream: of, kind: media::Kind::Audio, paused } => {
                assert_eq!(of.0, stream.id);
                Some(paused)
            }
            _ => None,
        });
        said.collect::<Vec<_>>()
    };
    let bob_says = |host: &mut Host, audio_muted| {
        let stream = Publish { audio_muted, ..wanted(gid, 0) };
        publish_as(host, bob, stream).expect("published").audio_muted
    };
    ask(&mut host, Verb::Mute, stream.id, true);
    assert_eq!(paused(&mut host), [true]);
    assert!(changed(&mut host, carol).pop().is_some_and(|stream| stream.audio_muted));
    // The page goes on; the admin lets it.
    assert!(bob_says(&mut host, false), "still muted");
    assert_eq!(paused(&mut host), []);
    ask(&mut host, Verb::Mute, stream.id, false);
    assert_eq!(paused(&mut host), [false]);
    assert!(changed(&mut host, carol).pop().is_some_and(|stream| !stream.audio_muted));
    // It agrees, and is heard when it thinks again.
    ask(&mut host, Verb::Mute, stream.id, true);
    assert!(bob_says(&mut host, true));
    assert_eq!(paused(&mut host), [true]);
    assert!(!bob_says(&mut host, false));
    assert_eq!(paused(&mut host), [false]);

    host.received(carol);
    ask(&mut host, Verb::Stop, stream.id, false);
    assert_eq!(gone(&mut host, carol), [stream.id]);
    negotiate(&mut host, gid, bob, 1, &[0], &[]);
    assert_eq!(last_negotiation(&host).0, [], "nothing of it is taken any more");
    ask(&mut host, Verb::Leave, 0, false);
    assert_eq!(publish(&mut host, gid, bob, 0), Err(group_error::NOT_MEMBER));
}

#[test]
fn the_right_to_publish_withdrawn_stops_the_stream_at_once() {
    let mut host = Host::new();
    let (gid, [ada, bob, _]) = room(&mut host, 0);
    enter(&mut host, gid, ada).expect("entered");
    enter(&mut host, gid, bob).expect("entered");
    let stream = publish(&mut host, gid, ada, 0).expect("published");
    host.received(ada);
    host.received(bob);
    host.rights(gid, "ada", 0, right::PUB);
    assert!(host.media.iter().any(|command| matches!(
        command,
        Command::StopStream { stream: stopped } if stopped.0 == stream.id
    )));
    assert_eq!(gone(&mut host, bob), [stream.id]);
    let frames = host.received(ada);
    assert!(frames.iter().any(|body| matches!(
        body,
        server_frame::Body::RoomRefused(refused)
            if refused.publish && refused.error == group_error::PERMISSION
    )));
    assert!(frames.iter().any(|body| matches!(
        body,
        server_frame::Body::RoomState(state)
            if state.rights.is_some_and(|rights| !rights.publish)
    )));
    assert_eq!(publish(&mut host, gid, ada, 0), Err(group_error::PERMISSION));
}

#[test]
fn the_right_to_subscribe_withdrawn_stops_receiving_at_once() {
    let mut host = Host::new();
    let (gid, [ada, bob, _]) = room(&mut host, 0);
    enter(&mut host, gid, ada).expect("entered");
    enter(&mut host, gid, bob).expect("entered");
    let stream = publish(&mut host, gid, ada, 0).expect("published");
    negotiate(&mut host, gid, bob, 1, &[], &[stream.id]);
    host.received(ada);
    host.rights(gid, "bob", 0, right::SUB);
    assert!(host.media.iter().any(|command| matches!(
        command,
        Command::StopReceiving { peer } if *peer == Peer { session: bob, room: gid }
    )));
    assert_eq!(subscribers(&mut host, ada), [(0, "bob".into(), false)]);
    negotiate(&mut host, gid, bob, 2, &[], &[stream.id]);
    let (_, receive) = last_negotiation(&host);
    assert!(receive.is_empty());
}

#[test]
fn the_right_to_list_withdrawn_closes_the_roster() {
    let mut host = Host::new();
    let (gid, [ada, bob, _]) = room(&mut host, 0);
    enter(&mut host, gid, ada).expect("entered");
    enter(&mut host, gid, bob).expect("entered");
    publish(&mut host, gid, ada, 0).expect("published");
    host.rights(gid, "bob", 0, right::LIST);
    let state = host.received(bob).into_iter().rev().find_map(|body| match body {
        server_frame::Body::RoomState(state) => Some(state),
        _ => None,
    });
    assert_eq!(state.expect("the room as it is now").streams, []);
    publish(&mut host, gid, ada, 1).expect("published");
    assert_eq!(changed(&mut host, bob), []);
    host.rights(gid, "bob", right::LIST, 0);
    let frames = host.received(bob);
    assert!(frames.iter().any(|body| matches!(
        body,
        server_frame::Body::RoomState(state) if state.streams.len() == 2
    )));
}

#[test]
fn group_flags_and_call_flags_take_effect_at_once() {
    let mut host = Host::new();
    let (gid, [ada, bob, _]) = room(&mut host, 0);
    enter(&mut host, gid, ada).expect("entered");
    enter(&mut host, gid, bob).expect("entered");
    let camera = publish(&mut host, gid, ada, 0).expect("published");
    let voice = Publish { video: false, ..wanted(gid, 1) };
    let voice = publish_as(&mut host, ada, voice).expect("published");
    host.received(bob);
    let flags = call::VALID | call::AUDIO;
    set_kinds(&mut host, gid, flags);
    assert_eq!(gone(&mut host, bob), [camera.id]);
    let flags = mode::PUB_BY_SELECTED;
    set(&mut host, gid, GroupFields { flags: Some(flags), ..GroupFields::default() });
    assert_eq!(gone(&mut host, bob), [voice.id]);
}

#[test]
fn who_is_removed_and_everybody_in_a_closed_or_deleted_room_is_sent_out() {
    let mut host = Host::new();
    let (gid, [ada, bob, carol]) = room(&mut host, 0);
    for session in [ada, bob, carol] {
        enter(&mut host, gid, session).expect("entered");
    }
    let stream = publish(&mut host, gid, bob, 0).expect("published");
    for session in [ada, bob, carol] {
        host.received(session);
    }
    remove(&mut host, gid, "bob");
    assert_eq!(closed(&mut host, bob), Some(group_error::NOT_MEMBER));
    assert_eq!(gone(&mut host, carol), [stream.id]);

    let user = UserRef { uid: None, address: Some("carol".into()) };
    let theirs = publish(&mut host, gid, carol, 0).expect("published");
    host.received(ada);
    host.admin(Operation::UserDelete { user }).unwrap();
    assert_eq!(gone(&mut host, ada), [theirs.id]);

    host.admin(Operation::GroupDelete { gid }).unwrap();
    assert_eq!(closed(&mut host, ada), Some(group_error::DELETED));

    let gid = host.group(0, &["ada"]);
    enter(&mut host, gid, ada).expect("entered");
    set(&mut host, gid, GroupFields { active: Some(false), ..GroupFields::default() });
    assert_eq!(closed(&mut host, ada), Some(group_error::ACCESS_DENIED));
}

#[test]
fn a_room_ends_with_its_group_and_a_stay_with_the_membership() {
    let mut host = Host::new();
    let (gid, [ada, bob, _]) = room(&mut host, 0);
    let rights = MemberFields { expiry_s: Some(20), ..MemberFields::default() };
    host.admin(Operation::MembersEdit { gid, members: vec!["bob".into()], rights }).unwrap();
    set(&mut host, gid, GroupFields { expiry_s: Some(40), ..GroupFields::default() });
    for session in [ada, bob] {
        enter(&mut host, gid, session).expect("entered");
    }
    let mut pass = |seconds| {
        for _ in 0..seconds / 5 {
            for session in [ada, bob] {
                host.frame(session, client_frame::Body::Pong(Pong::default()));
            }
            host.advance(Duration::from_secs(5));
        }
        (closed(&mut host, ada), closed(&mut host, bob))
    };
    assert_eq!(pass(10), (None, None));
    assert_eq!(pass(25), (None, Some(group_error::NOT_MEMBER)));
    assert_eq!(pass(20), (Some(group_error::ACCESS_DENIED), None));
}

#[test]
fn streams_of_one_page_and_rooms_of_one_session_are_limited() {
    let mut host = Host::new();
    let (gid, [ada, ..]) = room(&mut host, 0);
    enter(&mut host, gid, ada).expect("entered");
    for sid in 0..STREAMS_PER_SESSION_MAX as u32 {
        publish(&mut host, gid, ada, sid).expect("published");
    }
    assert_eq!(publish(&mut host, gid, ada, 99), Err(group_error::GENERAL));
    publish(&mut host, gid, ada, 1).expect("a change is no further stream");
    for _ in 1..ROOMS_PER_SESSION_MAX {
        let gid = host.group(0, &["ada"]);
        enter(&mut host, gid, ada).expect("entered");
    }
    let one_more = host.group(0, &["ada"]);
    assert_eq!(enter(&mut host, one_more, ada), Err(group_error::GENERAL));
    enter(&mut host, gid, ada).expect("entering again is no further room");
}

#[test]
fn a_large_room_comes_in_frames_that_fit() {
    let mut host = Host::new();
    let (gid, [ada, bob, carol]) = room(&mut host, 0);
    for session in [ada, bob] {
        enter(&mut host, gid, session).expect("entered");
    }
    // Many tabs with many streams each.
    let token = host.user("dora");
    host.rights(gid, "dora", 0, 0);
    let mut count = 0;
    for _ in 0..wire::limits::SESSIONS_PER_USER_MAX {
        let tab = host.sign_in(&token);
        enter(&mut host, gid, tab).expect("entered");
        for sid in 0..STREAMS_PER_SESSION_MAX as u32 {
            let stream = Publish { name: "n".repeat(NAME_BYTES_MAX), ..wanted(gid, sid) };
            publish_as(&mut host, tab, stream).expect("published");
            count += 1;
        }
    }
    let state = enter(&mut host, gid, carol).expect("entered");
    let further = changed(&mut host, carol);
    assert_eq!(state.streams.len() + further.len(), count);
}

#[test]
fn a_stream_has_another_number_after_a_restart() {
    let mut host = Host::new();
    let (gid, [ada, ..]) = room(&mut host, 0);
    enter(&mut host, gid, ada).expect("entered");
    let before = publish(&mut host, gid, ada, 0).expect("published");
    host.restart();
    let token = host.user("ada");
    let ada = host.sign_in(&token);
    enter(&mut host, gid, ada).expect("entered");
    let after = publish(&mut host, gid, ada, 0).expect("published");
    assert!(after.id > before.id && after.id < 1 << 53);
}

// ---- helpers -----------------------------------------------------------------------------

/// A room with Ada, Bob and Carol as members, all signed in.
fn room(host: &mut Host, flags: u32) -> (GroupId, [SessionId; 3]) {
    let sessions = ["ada", "bob", "carol"].map(|address| {
        let token = host.user(address);
        host.sign_in(&token)
    });
    let gid = host.group(flags, &["ada", "bob", "carol"]);
    for session in sessions {
        host.received(session);
    }
    (gid, sessions)
}

/// All of them are in it, and Ada may control calls.
fn room_with_an_admin(host: &mut Host) -> (GroupId, [SessionId; 3]) {
    let (gid, sessions) = room(host, 0);
    let flags = admin::CALL_CONTROL | admin::HANGUP;
    let rights = MemberFields { admin_flags: Some(flags), ..MemberFields::default() };
    host.admin(Operation::MembersEdit { gid, members: vec!["ada".into()], rights }).unwrap();
    for session in sessions {
        enter(host, gid, session).expect("entered");
    }
    (gid, sessions)
}

fn set(host: &mut Host, gid: GroupId, fields: GroupFields) {
    let (members, rights) = (Vec::new(), MemberFields::default());
    host.admin(Operation::GroupSet { gid, fields, members, rights }).expect("the group is set");
}

fn set_kinds(host: &mut Host, gid: GroupId, flags: u32) {
    let call = CallFields { flags: Some(flags), ..CallFields::default() };
    set(host, gid, GroupFields { call, ..GroupFields::default() });
}

fn remove(host: &mut Host, gid: GroupId, address: &str) {
    let members = vec![address.to_string()];
    host.admin(Operation::MembersRemove { gid, members }).expect("the member is removed");
}

fn enter(host: &mut Host, gid: GroupId, session: SessionId) -> Result<RoomState, u32> {
    let before = host.peek(session).len();
    host.frame(session, client_frame::Body::RoomEnter(RoomEnter { gid: gid.0 }));
    match host.peek(session).get(before) {
        Some(server_frame::Body::RoomState(state)) => Ok(state.clone()),
        Some(server_frame::Body::RoomRefused(refused)) if !refused.publish => Err(refused.error),
        other => panic!("no answer: {other:?}"),
    }
}

fn wanted(gid: GroupId, sid: u32) -> Publish {
    Publish { gid: gid.0, sid, audio: true, video: true, ..Publish::default() }
}

fn publish(host: &mut Host, gid: GroupId, session: SessionId, sid: u32) -> Result<Stream, u32> {
    publish_as(host, session, wanted(gid, sid))
}

fn publish_as(host: &mut Host, session: SessionId, wanted: Publish) -> Result<Stream, u32> {
    let (before, sid) = (host.peek(session).len(), wanted.sid);
    host.frame(session, client_frame::Body::Publish(wanted));
    match host.peek(session).get(before) {
        Some(server_frame::Body::RoomUpdate(update)) if update.own.len() == 1 => {
            Ok(update.own[0].clone())
        }
        Some(server_frame::Body::RoomRefused(refused)) if refused.publish => {
            assert_eq!(refused.sid, sid);
            Err(refused.error)
        }
        other => panic!("no answer: {other:?}"),
    }
}

/// Offers both kinds of each own stream, and asks for the picture of others.
fn negotiate(
    host: &mut Host,
    gid: GroupId,
    session: SessionId,
    ticket: u32,
    send: &[u32],
    receive: &[u64],
) {
    let mut mids = (0..).map(|mid: u32| mid.to_string());
    let mut mid = || mids.next().expect("there is always a further number");
    let send = send.iter().flat_map(|sid| [(*sid, Kind::Audio), (*sid, Kind::Video)]);
    let send = send.map(|(sid, kind)| SendTrack { mid: mid(), sid, kind: kind as i32 }).collect();
    let receive = receive
        .iter()
        .map(|stream| ReceiveTrack { mid: mid(), stream: *stream, kind: Kind::Video as i32 })
        .collect();
    let offer = "v=0".into();
    let negotiate = Negotiate { gid: gid.0, ticket, offer, send, receive, fresh: false };
    host.frame(session, client_frame::Body::Negotiate(negotiate));
}

fn last_negotiation(host: &Host) -> (Vec<media::Track>, Vec<media::Track>) {
    let last = host.media.iter().rev().find_map(|command| match command {
        Command::Negotiate { send, receive, .. } => Some((send.clone(), receive.clone())),
        _ => None,
    });
    last.expect("an offer was passed on")
}

fn updates(host: &mut Host, session: SessionId) -> Vec<RoomUpdate> {
    let frames = host.received(session).into_iter();
    let updates = frames.filter_map(|body| match body {
        server_frame::Body::RoomUpdate(update) => Some(update),
        _ => None,
    });
    updates.collect()
}

fn changed(host: &mut Host, session: SessionId) -> Vec<Stream> {
    updates(host, session).into_iter().flat_map(|update| update.changed).collect()
}

fn gone(host: &mut Host, session: SessionId) -> Vec<u64> {
    updates(host, session).into_iter().flat_map(|update| update.gone).collect()
}

fn controls(host: &mut Host, session: SessionId) -> Vec<RoomControl> {
    let asked = host.received(session).into_iter().filter_map(|body| match body {
        server_frame::Body::RoomControl(control) => Some(control),
        _ => None,
    });
    asked.collect()
}

fn closed(host: &mut Host, session: SessionId) -> Option<u32> {
    updates(host, session).into_iter().find(|update| update.closed).map(|update| update.error)
}

fn subscribers(host: &mut Host, session: SessionId) -> Vec<(u32, String, bool)> {
    let frames = host.received(session).into_iter();
    let subscribers = frames.filter_map(|body| match body {
        server_frame::Body::Subscriber(it) => Some((it.sid, it.address, it.joined)),
        _ => None,
    });
    subscribers.collect()
}

#[test]
fn the_operator_sees_who_is_there_of_one_app() {
    let mut host = Host::new();
    let (gid, [ada, ..]) = room(&mut host, 0);
    enter(&mut host, gid, ada).expect("entered");
    publish(&mut host, gid, ada, 0).expect("published");
    let live = host.hub.live(host.now, wire::id::AppId(1));
    assert_eq!((live.session_count, live.sessions.len()), (3, 3));
    let [room] = &live.rooms[..] else { panic!("one room") };
    assert_eq!((room.gid, room.people.len(), room.people[0].streams.len()), (gid, 1, 1));
    let other = host.hub.live(host.now, wire::id::AppId(2));
    assert_eq!(other, hub::Live::default());
}
