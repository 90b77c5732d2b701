//! Conferences of real clients with the real hub: who is there, who is told, what the media
//! server is asked to do. The browsers' peer connections are invented; media is `sfu`'s to test.

use std::collections::BTreeSet;

use client::Publishing;
use client::event::{Event, RoomEvent, StreamRef};
use client::port::peer::Kind;
use hub::port::media::Command;
use sim::chance::Chance;
use sim::scenario::Scenario;
use sim::world::{Place, World};
use wire::id::{GroupId, StreamId};

const PEOPLE: [&str; 3] = ["a", "b", "c"];

/// Three members, online, in no room yet.
fn outside(seed: u64) -> (Scenario, GroupId) {
    let mut scenario = Scenario::new(seed).with_clients(PEOPLE);
    let room = scenario.world.group(&PEOPLE);
    (scenario.drive(), room)
}

/// Three members in the room, each publishing a camera.
fn inside(seed: u64) -> (Scenario, GroupId) {
    let (mut scenario, room) = outside(seed);
    for page in PEOPLE {
        scenario = enter(scenario, page, room);
        scenario = publish(scenario, page, room, 0);
    }
    (scenario.drive(), room)
}

fn enter(scenario: Scenario, page: &str, room: GroupId) -> Scenario {
    scenario.act(page, |client, now| {
        client.enter_room(room);
        client.handle_input(now, client::Input::Tick);
    })
}

fn camera() -> Publishing {
    Publishing { source: 1, audio: true, video: true, ..Publishing::default() }
}

fn publish(scenario: Scenario, page: &str, room: GroupId, sid: u32) -> Scenario {
    scenario.act(page, |client, now| {
        client.publish(room, sid, camera());
        client.handle_input(now, client::Input::Tick);
    })
}

/// Streams of others a page knows, by address and number.
fn roster(world: &World, place: Place, room: GroupId) -> BTreeSet<(String, u32)> {
    let client = world.pages[place].client.as_ref().expect("its tab is open");
    let streams = client.room(room).map(|room| room.streams.values());
    streams.into_iter().flatten().map(|stream| (stream.address.clone(), stream.sid)).collect()
}

fn others<const N: usize>(streams: [(&str, u32); N]) -> BTreeSet<(String, u32)> {
    streams.map(|(address, sid)| (address.into(), sid)).into()
}

fn seen(scenario: &Scenario, page: &str, room: GroupId) -> BTreeSet<(String, u32)> {
    roster(&scenario.world, scenario.place(page), room)
}

fn stream_of(scenario: &Scenario, page: &str, room: GroupId, whose: &str) -> StreamId {
    let client = scenario.page(page).client.as_ref().expect("its tab is open");
    let mut streams = client.room(room).expect("it is in the room").streams.iter();
    let (id, _) = streams.find(|(_, stream)| stream.address == whose).expect("it is published");
    *id
}

fn told(scenario: &Scenario, page: &str, wanted: &RoomEvent) -> usize {
    let same = |told: &&Event| matches!(told, Event::Room { event, .. } if event == wanted);
    scenario.told(page).into_iter().filter(same).count()
}

#[test]
fn everybody_in_a_room_knows_the_streams_of_the_others() {
    let (scenario, room) = inside(1);
    assert_eq!(seen(&scenario, "a", room), others([("b", 0), ("c", 0)]));
    assert_eq!(seen(&scenario, "b", room), others([("a", 0), ("c", 0)]));
    assert_eq!(seen(&scenario, "c", room), others([("a", 0), ("b", 0)]));
}

#[test]
fn a_subscription_reaches_the_media_server_and_media_flows() {
    let (scenario, room) = inside(2);
    let stream = stream_of(&scenario, "a", room, "b");
    let scenario = scenario.act("a", |client, now| {
        client.subscribe(room, stream, true, true);
        client.handle_input(now, client::Input::Tick);
    });
    let scenario = scenario.drive();
    let received = scenario.world.media().iter().filter_map(|command| match command {
        Command::Negotiate { receive, .. } => {
            Some(receive.iter().filter(|t| t.stream == stream).count())
        }
        _ => None,
    });
    assert_eq!(received.max(), Some(2), "sound and picture");
    let connected = RoomEvent::Connected { stream: StreamRef::Remote(stream), connected: true };
    assert_eq!(told(&scenario, "a", &connected), 1);
    let joined = |told: &&Event| matches!(told, Event::Room { event: RoomEvent::Subscriber { address, joined: true, .. }, .. } if address == "a");
    assert_eq!(scenario.told("b").into_iter().filter(joined).count(), 1);
}

#[test]
fn who_mutes_is_seen_muted_by_the_others() {
    let (scenario, room) = inside(3);
    let scenario = scenario.act("a", |client, now| {
        client.mute(room, StreamRef::Own(0), Kind::Audio, true);
        client.handle_input(now, client::Input::Tick);
    });
    let scenario = scenario.drive();
    for page in ["b", "c"] {
        let client = scenario.page(page).client.as_ref().expect("its tab is open");
        let id = stream_of(&scenario, page, room, "a");
        let stream = &client.room(room).expect("it is in the room").streams[&id];
        assert!(stream.audio_muted && !stream.video_muted, "{page}");
    }
}

#[test]
fn who_leaves_is_gone_for_the_others_at_once() {
    let (scenario, room) = inside(4);
    let stream = stream_of(&scenario, "b", room, "a");
    let scenario = scenario.act("a", |client, now| {
        client.leave_room(room);
        client.handle_input(now, client::Input::Tick);
    });
    let scenario = scenario.pass(500);
    assert_eq!(seen(&scenario, "b", room), others([("c", 0)]));
    assert_eq!(told(&scenario, "b", &RoomEvent::PublisherLeft(stream)), 1);
}

#[test]
fn a_tab_that_is_killed_is_gone_for_the_others() {
    let (scenario, room) = inside(5);
    let scenario = scenario.kill_tab("a").drive();
    assert_eq!(seen(&scenario, "b", room), others([("c", 0)]));
    assert_eq!(seen(&scenario, "c", room), others([("b", 0)]));
}

#[test]
fn a_page_whose_connection_died_is_gone_and_comes_back() {
    let (scenario, room) = inside(6);
    let dead = stream_of(&scenario, "b", room, "a");
    let scenario = scenario.silence("a").pass(120_000).drive();
    assert_eq!(told(&scenario, "b", &RoomEvent::PublisherLeft(dead)), 1);
    for (page, expected) in
        [("a", [("b", 0), ("c", 0)]), ("b", [("a", 0), ("c", 0)]), ("c", [("a", 0), ("b", 0)])]
    {
        assert_eq!(seen(&scenario, page, room), others(expected), "{page}");
    }
}

#[test]
fn after_a_kill_of_the_server_everybody_is_in_the_room_again() {
    let (scenario, room) = inside(7);
    let scenario = scenario.kill_server().pass(2_000).start_server().drive();
    assert_eq!(seen(&scenario, "a", room), others([("b", 0), ("c", 0)]));
    assert_eq!(seen(&scenario, "b", room), others([("a", 0), ("c", 0)]));
    assert_eq!(seen(&scenario, "c", room), others([("a", 0), ("b", 0)]));
}

#[test]
fn a_room_asked_for_while_offline_is_entered_when_online() {
    let (scenario, room) = outside(8);
    let scenario = scenario.cut("a").pass(6_000);
    let scenario = publish(enter(scenario, "a", room), "a", room, 0);
    let scenario = enter(scenario, "b", room).pass(1_000).restore("a").drive();
    assert_eq!(seen(&scenario, "b", room), others([("a", 0)]));
    assert_eq!(told(&scenario, "a", &RoomEvent::Entered), 1);
}

#[test]
fn who_is_no_member_is_refused_and_learns_nothing() {
    let (mut scenario, room) = inside(9);
    scenario = scenario.with_clients(["d"]);
    let scenario = enter(scenario, "d", room).drive();
    assert_eq!(seen(&scenario, "d", room), others([]));
    let refused = |told: &&Event| {
        matches!(told, Event::Room { event: RoomEvent::Refused { sid: None, .. }, .. })
    };
    assert_eq!(scenario.told("d").into_iter().filter(refused).count(), 1);
}

#[test]
fn a_member_removed_by_the_backend_is_out_of_the_room() {
    let (scenario, room) = inside(10);
    let scenario = scenario.then(|world| world.remove_member(room, "c")).drive();
    assert_eq!(seen(&scenario, "c", room), others([]));
    assert_eq!(seen(&scenario, "a", room), others([("b", 0)]));
    let closed = |command: &Command| matches!(command, Command::Close { .. });
    // Of a peer connection that was made for its camera.
    assert!(scenario.world.media().iter().any(closed));
}

#[test]
fn rosters_converge_whatever_happens() {
    let mut streams_seen = 0;
    for seed in 0..150 {
        let (mut scenario, room) = outside(seed);
        let mut chance = Chance::new(seed);
        scenario.world.chaotic = true;
        for _ in 0..chance.between(5, 40) {
            let page = *chance.pick(&PEOPLE);
            let place = scenario.place(page);
            let sid = chance.between(0, 2) as u32;
            let choice = chance.between(0, 16);
            let world = &mut scenario.world;
            match choice {
                0..4 => drop(world.with(place, |client, _| client.enter_room(room))),
                4..8 => drop(world.with(place, |client, _| client.publish(room, sid, camera()))),
                8 | 9 => drop(world.with(place, |client, _| client.unpublish(room, sid))),
                10 => drop(world.with(place, |client, _| client.leave_room(room))),
                11 | 12 => world.cut(place),
                13 => world.silence(place),
                14 => {
                    world.kill_tab(place);
                    world.open_tab(place);
                }
                _ => world.restart_server(),
            }
            world.pass(chance.between(0, 500));
        }
        scenario.world.heal();
        scenario.world.drive();
        let world = &scenario.world;
        let own = |place: Place| {
            let page = &world.pages[place];
            let client = page.client.as_ref().expect("all tabs are open");
            // What is published before the room is entered waits for that.
            let own = client.room(room).filter(|room| room.entered).map(|room| room.own.keys());
            let own = own.into_iter().flatten().map(|sid| (page.user.clone(), *sid));
            own.collect::<Vec<_>>()
        };
        for place in 0..world.pages.len() {
            let client = world.pages[place].client.as_ref().expect("all tabs are open");
            if client.room(room).is_none_or(|room| !room.entered) {
                continue;
            }
            let published = (0..world.pages.len()).filter(|other| *other != place).flat_map(own);
            let published: BTreeSet<_> = published.collect();
            assert_eq!(roster(world, place, room), published, "seed {seed}, page {place}");
            streams_seen += published.len();
        }
    }
    assert!(streams_seen > 100, "the seeds do not fill the room: {streams_seen} streams");
}
