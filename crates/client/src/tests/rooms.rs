//! Conferences: what the page wants, what is so, and what it is told.

use alloc::vec;
use alloc::vec::Vec;
use wire::id::{GroupId, StreamId};
use wire::proto::{self, client_frame, server_frame};

use super::Page;
use crate::event::{RoomEvent, StreamRef};
use crate::group_call::Publishing;
use crate::port::peer::{Command, Input as Peer, Kind, Path, PeerState, Receiving};
use crate::{Input, Output};

const ROOM: GroupId = GroupId(9);
const THEIRS: StreamId = StreamId(40);

fn theirs() -> proto::Stream {
    let address = "friend".into();
    proto::Stream { id: 40, uid: 2, address, audio: true, video: true, ..Default::default() }
}

fn entered(page: &mut Page, streams: Vec<proto::Stream>) {
    let rights = Some(proto::Rights { member: true, publish: true, ..Default::default() });
    page.server(server_frame::Body::RoomState(proto::RoomState {
        gid: 9,
        streams,
        rights,
        recording: false,
        speakers: vec![],
    }));
}

/// In the room, with a stream of `friend`.
fn in_room() -> Page {
    let mut page = Page::online();
    page.client.enter_room(ROOM);
    page.run();
    entered(&mut page, vec![theirs()]);
    page
}

fn publish(page: &mut Page, sid: u32, id: u64) {
    let publishing = Publishing { audio: true, video: true, ..Publishing::default() };
    page.client.publish(ROOM, sid, publishing);
    page.run();
    page.input(Input::Peer(Peer::Captured { room: ROOM, sid, audio: true, video: true }));
    let own = vec![proto::Stream { id, uid: 1, sid, ..Default::default() }];
    let update = proto::RoomUpdate { gid: 9, own, ..Default::default() };
    page.server(server_frame::Body::RoomUpdate(update));
}

fn captured(page: &mut Page, audio: bool, video: bool) {
    page.run();
    page.input(Input::Peer(Peer::Captured { room: ROOM, sid: 0, audio, video }));
}

fn lose(page: &mut Page, kind: Kind) {
    page.input(Input::Peer(Peer::CaptureEnded { room: ROOM, sid: 0, kind }));
}

fn offers(page: &Page) -> Vec<(u32, bool, usize, usize)> {
    let offer = |command: &Command| match command {
        Command::Offer { ticket, path, sending, receiving, .. } => {
            Some((*ticket, *path == Path::Fresh, sending.len(), receiving.len()))
        }
        _ => None,
    };
    page.commands.iter().filter_map(offer).collect()
}

fn answer(page: &mut Page, ticket: u32) {
    let answer = "v=0".into();
    let answer = proto::Answer { gid: 9, ticket, answer, ..Default::default() };
    page.server(server_frame::Body::Answer(answer));
}

fn state(page: &mut Page, state: PeerState) {
    page.input(Input::Peer(Peer::State { room: ROOM, state }));
}

fn connected(stream: StreamRef) -> RoomEvent {
    RoomEvent::Connected { stream, connected: true }
}

#[test]
fn who_is_there_is_told_on_entering() {
    let page = in_room();
    assert!(page.frames.contains(&client_frame::Body::RoomEnter(proto::RoomEnter { gid: 9 })));
    assert_eq!(page.room_events(), [RoomEvent::Entered, RoomEvent::PublisherJoined(THEIRS)]);
}

#[test]
fn a_room_entered_before_the_connection_is_entered_with_it() {
    let mut page = Page::new();
    page.client.enter_room(ROOM);
    page.start();
    page.welcome(0);
    assert!(page.frames.contains(&client_frame::Body::RoomEnter(proto::RoomEnter { gid: 9 })));
}

#[test]
fn a_published_stream_is_connected_when_its_path_is() {
    let mut page = in_room();
    publish(&mut page, 0, 50);
    assert_eq!(offers(&page), [(1, true, 2, 0)]);
    assert!(!page.room_events().contains(&connected(StreamRef::Own(0))));
    answer(&mut page, 1);
    state(&mut page, PeerState::Connected);
    assert!(page.room_events().contains(&connected(StreamRef::Own(0))));
}

#[test]
fn a_second_stream_on_a_connected_path_is_connected_with_its_answer() {
    let mut page = in_room();
    publish(&mut page, 0, 50);
    answer(&mut page, 1);
    state(&mut page, PeerState::Connected);
    page.forget();
    publish(&mut page, 1, 51);
    assert_eq!(offers(&page), [(2, false, 4, 0)]);
    assert!(!page.room_events().contains(&connected(StreamRef::Own(1))));
    answer(&mut page, 2);
    assert!(page.room_events().contains(&connected(StreamRef::Own(1))));
}

#[test]
fn a_subscription_is_connected_when_media_flows_and_hung_up_before_its_publisher_leaves() {
    let mut page = in_room();
    page.client.subscribe(ROOM, THEIRS, true, true);
    page.input(Input::Tick);
    assert_eq!(offers(&page), [(1, true, 0, 2)]);
    answer(&mut page, 1);
    page.events.clear();
    state(&mut page, PeerState::Connected);
    assert!(page.room_events().is_empty());
    let receiving = Receiving { stream: THEIRS, kind: Kind::Video };
    let flowing = Peer::Flowing { room: ROOM, receiving, width: 640, height: 480 };
    page.input(Input::Peer(flowing));
    let update = proto::RoomUpdate { gid: 9, gone: vec![40], ..Default::default() };
    page.server(server_frame::Body::RoomUpdate(update));
    let stream = StreamRef::Remote(THEIRS);
    assert_eq!(
        page.room_events(),
        [
            connected(stream),
            RoomEvent::Video { stream, width: 640, height: 480 },
            RoomEvent::HungUp { stream, reason: 2 },
            RoomEvent::PublisherLeft(THEIRS),
        ]
    );
}

#[test]
fn who_talks_or_is_muted_before_media_comes_is_connected_first() {
    let mut page = in_room();
    page.client.subscribe(ROOM, THEIRS, true, false);
    page.input(Input::Tick);
    answer(&mut page, 1);
    state(&mut page, PeerState::Connected);
    page.events.clear();
    let loud = proto::Stream { talking: true, video_muted: true, ..theirs() };
    let changed = |stream| {
        let update = proto::RoomUpdate { gid: 9, changed: vec![stream], ..Default::default() };
        server_frame::Body::RoomUpdate(update)
    };
    page.server(changed(loud.clone()));
    let receiving = Receiving { stream: THEIRS, kind: Kind::Audio };
    page.input(Input::Peer(Peer::Flowing { room: ROOM, receiving, width: 0, height: 0 }));
    page.server(changed(proto::Stream { talking: false, ..loud }));
    let stream = StreamRef::Remote(THEIRS);
    let news = RoomEvent::ParticipantChanged(stream);
    assert_eq!(
        page.room_events(),
        [
            news.clone(),
            connected(stream),
            RoomEvent::Audio(stream),
            RoomEvent::Mute { stream, audio: false, video: true, remote: true },
            RoomEvent::Talking { stream, talking: true },
            news,
            RoomEvent::Talking { stream, talking: false },
        ]
    );
}

#[test]
fn a_source_that_cannot_be_had_leaves_the_one_that_runs() {
    let mut page = in_room();
    publish(&mut page, 0, 50);
    let camera = Publishing { audio: true, video: true, ..Publishing::default() };
    page.client.publish(ROOM, 0, Publishing { source: 4, ..camera.clone() });
    page.run();
    page.forget();
    let reason = "NotAllowedError".into();
    page.input(Input::Peer(Peer::CaptureFailed { room: ROOM, sid: 0, reason }));
    assert!(matches!(page.room_events()[..], [RoomEvent::CaptureFailed { sid: 0, .. }]));
    let room = page.client.room(ROOM).expect("it is in the room");
    assert_eq!(room.own[&0].publishing, camera);
}

#[test]
fn after_a_lost_connection_everything_is_made_again() {
    let mut page = in_room();
    publish(&mut page, 0, 50);
    answer(&mut page, 1);
    state(&mut page, PeerState::Connected);
    page.lose_connection();
    page.wait();
    page.forget();
    page.welcome(0);
    entered(&mut page, vec![]);
    let published = |frame: &client_frame::Body| matches!(frame, client_frame::Body::Publish(_));
    assert_eq!(page.frames.iter().filter(|frame| published(frame)).count(), 1);
    assert!(page.room_events().contains(&RoomEvent::PublisherLeft(THEIRS)));
    let own = vec![proto::Stream { id: 60, uid: 1, ..Default::default() }];
    let update = proto::RoomUpdate { gid: 9, own, ..Default::default() };
    page.server(server_frame::Body::RoomUpdate(update));
    assert_eq!(offers(&page).last().map(|offer| (offer.1, offer.2)), Some((true, 2)));
}

#[test]
fn a_screen_that_the_user_stops_sharing_is_a_hang_up() {
    let mut page = in_room();
    let screen = Publishing { source: 4, audio: true, video: true, ..Publishing::default() };
    page.client.publish(ROOM, 0, screen);
    captured(&mut page, true, true);
    page.forget();
    lose(&mut page, Kind::Audio);
    assert_eq!(page.room_events(), [], "it is seen on");
    lose(&mut page, Kind::Video);
    let hung_up = RoomEvent::HungUp { stream: StreamRef::Own(0), reason: 1 };
    assert_eq!(page.room_events(), [hung_up]);
    let unpublish = proto::Unpublish { gid: 9, sid: 0 };
    assert!(page.frames.contains(&client_frame::Body::Unpublish(unpublish)));
}

#[test]
fn who_loses_a_camera_is_heard_on_and_seen_again_when_it_is_back() {
    let mut page = in_room();
    publish(&mut page, 0, 50);
    page.forget();
    let captures = |page: &Page| {
        let capture = |command: &&Command| matches!(command, Command::Capture { video: true, .. });
        page.commands.iter().filter(capture).count()
    };
    page.input(Input::Peer(Peer::DevicesChanged));
    assert_eq!(captures(&page), 0, "nothing is missing");
    lose(&mut page, Kind::Video);
    assert_eq!(captures(&page), 1);
    captured(&mut page, true, false);
    let own = StreamRef::Own(0);
    assert_eq!(page.room_events(), [RoomEvent::Audio(own)]);
    page.input(Input::Peer(Peer::DevicesChanged));
    assert_eq!(captures(&page), 2);
    captured(&mut page, true, true);
    assert!(page.room_events().contains(&RoomEvent::Video { stream: own, width: 0, height: 0 }));
    let seen = |frame: &client_frame::Body| match frame {
        client_frame::Body::Publish(publish) => Some(publish.video),
        _ => None,
    };
    assert_eq!(page.frames.iter().filter_map(seen).collect::<Vec<_>>(), [false, true]);
    page.input(Input::Peer(Peer::DevicesChanged));
    assert_eq!(captures(&page), 2, "nothing is missing any more");
}

#[test]
fn who_has_lost_all_devices_is_hung_up() {
    let mut page = in_room();
    publish(&mut page, 0, 50);
    lose(&mut page, Kind::Audio);
    page.forget();
    let reason = "NotFoundError".into();
    page.input(Input::Peer(Peer::CaptureFailed { room: ROOM, sid: 0, reason }));
    let hung_up = RoomEvent::HungUp { stream: StreamRef::Own(0), reason: 3 };
    assert_eq!(page.room_events().last(), Some(&hung_up));
    assert!(page.commands.contains(&Command::Release { room: ROOM, sid: 0 }));
}

#[test]
fn who_is_muted_from_the_start_is_told_so() {
    let mut page = in_room();
    let muted = Publishing { audio: true, audio_muted: true, ..Publishing::default() };
    page.client.publish(ROOM, 0, muted);
    page.forget();
    captured(&mut page, true, false);
    captured(&mut page, true, false);
    let stream = StreamRef::Own(0);
    let mute = RoomEvent::Mute { stream, audio: true, video: false, remote: false };
    assert_eq!(page.room_events(), [RoomEvent::Audio(stream), mute, RoomEvent::Audio(stream)]);
}

#[test]
fn a_picture_is_told_of_again_when_its_shape_changes_and_not_for_its_size() {
    let mut page = in_room();
    page.client.subscribe(ROOM, THEIRS, true, true);
    page.input(Input::Tick);
    answer(&mut page, 1);
    state(&mut page, PeerState::Connected);
    page.events.clear();
    let receiving = Receiving { stream: THEIRS, kind: Kind::Video };
    for (width, height) in [(320, 180), (640, 360), (213, 120), (1280, 720), (360, 640)] {
        page.input(Input::Peer(Peer::Flowing { room: ROOM, receiving, width, height }));
    }
    let shapes = page.room_events().into_iter().filter_map(|event| match event {
        RoomEvent::Video { width, height, .. } => Some((width, height)),
        _ => None,
    });
    assert_eq!(shapes.collect::<Vec<_>>(), [(320, 180), (360, 640)]);
}

#[test]
fn who_ends_a_call_and_begins_it_anew_at_once_is_told_of_its_media_again() {
    let mut page = in_room();
    let flows = |page: &mut Page| {
        let receiving = Receiving { stream: THEIRS, kind: Kind::Audio };
        page.input(Input::Peer(Peer::Flowing { room: ROOM, receiving, width: 0, height: 0 }));
    };
    page.client.subscribe(ROOM, THEIRS, true, true);
    page.input(Input::Tick);
    answer(&mut page, 1);
    state(&mut page, PeerState::Connected);
    flows(&mut page);
    page.events.clear();
    flows(&mut page);
    assert_eq!(page.room_events(), [], "it has been said");
    page.client.unsubscribe(ROOM, THEIRS);
    page.client.subscribe(ROOM, THEIRS, true, true);
    page.input(Input::Tick);
    assert_eq!(offers(&page).len(), 2);
    flows(&mut page);
    let stream = StreamRef::Remote(THEIRS);
    assert_eq!(page.room_events(), [connected(stream), RoomEvent::Audio(stream)]);
}

#[test]
fn what_has_flowed_over_a_path_that_comes_back_is_connected_with_it() {
    let mut page = in_room();
    page.client.subscribe(ROOM, THEIRS, true, true);
    page.input(Input::Tick);
    answer(&mut page, 1);
    state(&mut page, PeerState::Connected);
    let receiving = Receiving { stream: THEIRS, kind: Kind::Audio };
    page.input(Input::Peer(Peer::Flowing { room: ROOM, receiving, width: 0, height: 0 }));
    page.events.clear();
    state(&mut page, PeerState::Disconnected);
    state(&mut page, PeerState::Connected);
    let stream = StreamRef::Remote(THEIRS);
    let lost = RoomEvent::Connected { stream, connected: false };
    assert_eq!(page.room_events(), [lost, connected(stream)]);
}

#[test]
fn a_refused_stream_is_released_and_the_room_stays() {
    let mut page = in_room();
    publish(&mut page, 0, 50);
    page.forget();
    let refused = proto::RoomRefused { gid: 9, error: 3, publish: true, ..Default::default() };
    page.server(server_frame::Body::RoomRefused(refused));
    assert!(page.commands.contains(&Command::Release { room: ROOM, sid: 0 }));
    let told = page.room_events();
    assert!(matches!(told.last(), Some(RoomEvent::Refused { sid: Some(0), error: 3, .. })));
    assert!(page.client.room(ROOM).is_some_and(|room| room.entered && room.own.is_empty()));
}

#[test]
fn leaving_is_silent_and_lets_everything_go() {
    let mut page = in_room();
    publish(&mut page, 0, 50);
    page.client.subscribe(ROOM, THEIRS, true, true);
    page.forget();
    page.client.leave_room(ROOM);
    page.run();
    assert!(page.room_events().is_empty());
    assert!(page.commands.contains(&Command::Release { room: ROOM, sid: 0 }));
    assert!(page.commands.contains(&Command::Close { room: ROOM }));
    assert!(matches!(page.client.poll_output(), Output::Wait(_)));
    assert!(page.client.room(ROOM).is_none());
}

/// In the room, with an own stream that flows; `offers` are looked at from here on.
fn flowing() -> Page {
    let mut page = in_room();
    publish(&mut page, 0, 50);
    answer(&mut page, 1);
    state(&mut page, PeerState::Connected);
    page.forget();
    page
}

fn paths(page: &Page) -> Vec<(u32, Path)> {
    let path = |command: &Command| match command {
        Command::Offer { ticket, path, .. } => Some((*ticket, *path)),
        _ => None,
    };
    page.commands.iter().filter_map(path).collect()
}

fn enters(page: &Page) -> usize {
    let enter = client_frame::Body::RoomEnter(proto::RoomEnter { gid: 9 });
    page.frames.iter().filter(|frame| **frame == enter).count()
}

#[test]
fn a_lost_path_is_looked_for_and_then_asked_who_came_meanwhile() {
    let mut page = flowing();
    state(&mut page, PeerState::Disconnected);
    assert_eq!(paths(&page), []);
    page.wait();
    assert_eq!(paths(&page), [(2, Path::Searched)]);
    answer(&mut page, 2);
    assert_eq!(enters(&page), 0);
    state(&mut page, PeerState::Connected);
    assert_eq!(enters(&page), 1);
    entered(&mut page, vec![theirs(), proto::Stream { id: 41, sid: 1, ..theirs() }]);
    assert!(page.room_events().contains(&RoomEvent::PublisherJoined(StreamId(41))));
    assert_eq!(paths(&page).len(), 1, "what stood still stands");
}

#[test]
fn what_the_server_does_not_hear_and_another_network_are_looked_for_at_once() {
    let mut page = flowing();
    let lost = proto::RoomUpdate { gid: 9, lost: true, ..Default::default() };
    page.server(server_frame::Body::RoomUpdate(lost));
    assert_eq!(paths(&page), [(2, Path::Searched)]);
    let mut page = flowing();
    page.input(Input::Network { online: true });
    assert_eq!(paths(&page), [(2, Path::Searched)]);
}

#[test]
fn a_path_that_is_not_found_becomes_a_new_connection_and_then_a_room_entered_again() {
    let mut page = flowing();
    state(&mut page, PeerState::Failed);
    assert_eq!(paths(&page), [(2, Path::Searched)]);
    answer(&mut page, 2);
    state(&mut page, PeerState::Failed);
    for ticket in 3.. {
        if enters(&page) > 0 {
            break;
        }
        page.wait();
        assert_eq!(paths(&page).last(), Some(&(ticket, Path::Fresh)));
        answer(&mut page, ticket);
        state(&mut page, PeerState::Failed);
    }
    page.forget();
    entered(&mut page, vec![theirs()]);
    assert!(page.frames.iter().any(|frame| matches!(frame, client_frame::Body::Publish(_))));
    assert!(matches!(paths(&page)[..], [(_, Path::Fresh)]));
}

#[test]
fn the_page_is_told_once_when_a_recording_begins_or_ends_also_by_entering_again() {
    let mut page = in_room();
    let update = |recording| {
        let update = proto::RoomUpdate { gid: 9, recording, ..Default::default() };
        server_frame::Body::RoomUpdate(update)
    };
    page.server(update(Some(true)));
    page.server(update(Some(true)));
    page.server(update(None));
    assert!(page.client.room(ROOM).expect("in it").recording);
    entered(&mut page, vec![theirs()]);
    let events = page.room_events();
    let told = events.into_iter().filter(|event| matches!(event, RoomEvent::Recording(_)));
    assert_eq!(told.collect::<Vec<_>>(), [true, false].map(RoomEvent::Recording));
}

#[test]
fn the_page_is_told_when_somebody_else_has_the_word_and_the_order_stands_until_then() {
    let mut page = in_room();
    let update = |speakers| {
        let update = proto::RoomUpdate { gid: 9, speakers, ..Default::default() };
        server_frame::Body::RoomUpdate(update)
    };
    for speakers in [vec![40, 41], vec![40, 41], vec![], vec![41, 40]] {
        page.server(update(speakers));
    }
    assert_eq!(page.client.room(ROOM).expect("in it").speakers, [StreamId(41), StreamId(40)]);
    let events = page.room_events().into_iter();
    assert_eq!(events.filter(|event| *event == RoomEvent::Speakers).count(), 2);
}
