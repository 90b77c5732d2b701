//! Pictures in several layers: each subscriber gets the one that fits its view and its link.

mod world;

use std::time::Duration;

use sfu::{Command, Event, Kind, PeerId, StreamId, View};
use world::{FAIR, Received, Weather, World, gaps};

use Kind::{Audio, Video};

const SECOND: Duration = Duration::from_secs(1);
const HIDDEN: View = View { width: 0, height: 0, priority: 0 };

/// Client 1 publishes stream 10 in three layers, client 2 receives it.
fn watched(seed: u64) -> World {
    let mut world = World::new(seed);
    world.open(1);
    world.client(1).simulcast = true;
    world.negotiate(1, &[(10, Audio), (10, Video)], &[]);
    world.open(2);
    world.negotiate(2, &[], &[(10, Audio), (10, Video)]);
    world
}

fn view(world: &mut World, peer: u64, width: u32) {
    let view = match width {
        0 => HIDDEN,
        _ => View { width, height: width * 9 / 16, priority: 0 },
    };
    world.command(Command::View { peer: PeerId(peer), stream: StreamId(10), view });
}

/// The layers that come to this client in this time, in the order of packets.
fn layers(world: &mut World, client: u64, time: Duration) -> Vec<usize> {
    let before = world.received(client, 10, Video).len();
    world.run(time);
    let mut layers: Vec<_> =
        world.received(client, 10, Video)[before..].iter().map(|packet| packet.layer).collect();
    layers.dedup();
    layers
}

/// What a decoder needs: a layer begins with a key frame, numbers of pictures never go back.
fn assert_decodable(received: &[Received]) {
    let mut packets = received.to_vec();
    packets.sort_by_key(|packet| packet.sequence);
    for pair in packets.windows(2) {
        let [before, next] = pair else { continue };
        assert_ne!(before.sequence, next.sequence, "a number is used once");
        // What is lost in between may be the key frame.
        if before.layer != next.layer && next.sequence == before.sequence + 1 {
            assert!(next.key, "{before:?} {next:?}");
            assert_eq!(next.picture, (before.picture + 1) & 0x7fff, "{before:?} {next:?}");
        }
        let step = next.picture.wrapping_sub(before.picture) & 0x7fff;
        assert!(step < 100, "{before:?} {next:?}");
        assert!(next.time.wrapping_sub(before.time) < 90_000 * 30, "{before:?} {next:?}");
    }
}

#[test]
fn a_small_view_gets_the_small_layer_a_large_one_the_large_and_a_hidden_one_none() {
    let mut world = watched(1);
    world.open(3);
    world.negotiate(3, &[], &[(10, Audio), (10, Video)]);
    view(&mut world, 2, 200);
    world.run(3 * SECOND);
    assert_eq!(layers(&mut world, 2, SECOND), [0]);
    assert_eq!(layers(&mut world, 3, SECOND), [2], "who says nothing gets all there is");
    view(&mut world, 2, 640);
    world.run(2 * SECOND);
    assert_eq!(layers(&mut world, 2, SECOND), [1]);
    view(&mut world, 2, 0);
    world.run(SECOND);
    assert_eq!(layers(&mut world, 2, SECOND), []);
    assert!(world.flow(2, 10, Audio, SECOND) > 40, "it is still heard");
    view(&mut world, 2, 1_920);
    world.run(4 * SECOND);
    assert_eq!(layers(&mut world, 2, SECOND), [2]);
    for client in [2, 3] {
        let received = world.received(client, 10, Video);
        assert_eq!(gaps(received), 0);
        assert_decodable(received);
    }
}

#[test]
fn no_key_frame_is_asked_for_who_is_not_connected_yet() {
    let mut world = watched(2);
    world.run(3 * SECOND);
    let asked = world.source(1, Video).key_requests;
    world.open(3);
    world.negotiate(3, &[], &[(10, Video)]);
    while world.count(&Event::Connected { peer: PeerId(3) }) == 0 {
        assert_eq!(world.source(1, Video).key_requests, asked, "nobody is there to see it");
        world.run(Duration::from_millis(1));
    }
    world.run(SECOND);
    assert_eq!(world.source(1, Video).key_requests, asked + 1);
    assert!(world.received(3, 10, Video)[0].key);
}

#[test]
fn a_view_that_becomes_large_has_its_layer_within_seconds_whatever_was_shown_before() {
    for seed in 0..12 {
        let mut world = watched(seed);
        // Delay and jitter make the estimate fall while little is sent.
        world.weather.delay = Duration::from_millis(30 * (seed % 3));
        world.weather.jitter = Duration::from_millis(5 * (seed % 2));
        let before = Duration::from_millis(world.chance.below(6_000));
        world.run(before);
        view(&mut world, 2, [0, 200][(seed / 3 % 2) as usize]);
        let small = Duration::from_millis(1_000 + world.chance.below(12_000));
        world.run(small);
        view(&mut world, 2, 1_920);
        world.run(4 * SECOND);
        assert_eq!(
            layers(&mut world, 2, SECOND),
            [2],
            "seed {seed}: {before:?}, small for {small:?}"
        );
    }
}

#[test]
fn layers_change_at_key_frames_only_whatever_is_lost_and_delayed() {
    for seed in 0..6 {
        let mut world = watched(seed);
        let (delay, jitter) = (Duration::from_millis(30), Duration::from_millis(10));
        world.weather = Weather { loss_percent: 3, delay, jitter, rate: None };
        for _ in 0..12 {
            let width = [0, 160, 640, 1_280][world.chance.below(4) as usize];
            view(&mut world, 2, width);
            world.run(SECOND);
        }
        world.weather = FAIR;
        view(&mut world, 2, 1_280);
        // After such losses the link is thought to be thin, and is measured anew.
        world.run(30 * SECOND);
        let received = world.received(2, 10, Video);
        assert!(received.len() > 100, "seed {seed}: {}", received.len());
        assert_decodable(received);
        let kept: Vec<_> = world
            .events
            .iter()
            .filter(|event| matches!(event, Event::Kept { .. }))
            .cloned()
            .collect();
        assert!(world.flow(2, 10, Video, SECOND) > 20, "seed {seed}: {kept:?}");
    }
}

#[test]
fn a_thin_link_gets_smaller_pictures_and_all_of_the_sound_and_larger_ones_when_it_is_wide_again() {
    let mut world = watched(3);
    world.run(8 * SECOND);
    assert_eq!(layers(&mut world, 2, SECOND), [2]);
    world.weather.rate = Some(700_000);
    world.run(12 * SECOND);
    let small = layers(&mut world, 2, 4 * SECOND);
    assert!(small.iter().all(|layer| *layer < 2), "{small:?}");
    assert!(!small.is_empty());
    let heard = world.flow(2, 10, Audio, 4 * SECOND);
    assert!(heard >= 190, "{heard} of 200");
    world.weather.rate = None;
    world.run(20 * SECOND);
    assert_eq!(layers(&mut world, 2, SECOND), [2]);
    assert_decodable(world.received(2, 10, Video));
}

#[test]
fn a_link_for_sound_alone_gets_the_sound() {
    let mut world = watched(4);
    world.run(3 * SECOND);
    world.weather.rate = Some(120_000);
    world.run(15 * SECOND);
    let heard = world.flow(2, 10, Audio, 4 * SECOND);
    assert!(heard >= 180, "{heard} of 200");
    let kept = |kept| Event::Kept { peer: PeerId(2), stream: StreamId(10), kept };
    assert_eq!(world.count(&kept(true)), world.count(&kept(false)) + 1);
    let quality = |world: &World, of: u64| {
        world.events.iter().rev().find_map(|event| match event {
            Event::Quality { peer: PeerId(peer), quality } if *peer == of => Some(*quality),
            _ => None,
        })
    };
    assert!(quality(&world, 2).is_some_and(|quality| quality < 60), "{:?}", quality(&world, 2));
    assert_eq!(quality(&world, 1), None, "the publisher's own link is fine");
    world.weather.rate = None;
    world.run(30 * SECOND);
    assert!(world.flow(2, 10, Video, SECOND) > 20, "the picture comes back");
    assert_eq!(world.count(&kept(true)), world.count(&kept(false)));
    assert!(quality(&world, 2).is_some_and(|quality| quality > 80), "{:?}", quality(&world, 2));
}

#[test]
fn layers_that_nobody_watches_are_not_wanted_and_are_again_when_somebody_does() {
    let mut world = watched(5);
    let told = |world: &World| {
        world.events.iter().rev().find_map(|event| match event {
            Event::Layers { stream: StreamId(10), wanted } => Some(*wanted),
            _ => None,
        })
    };
    world.run(6 * SECOND);
    assert_eq!(told(&world), Some(0b101), "the largest, and the smallest for thin times");
    view(&mut world, 2, 200);
    world.run(5 * SECOND);
    assert_eq!(told(&world), Some(0b001));
    for (index, layer) in world.source(1, Video).layers.iter_mut().enumerate() {
        layer.0 = index == 0;
    }
    world.run(3 * SECOND);
    view(&mut world, 2, 640);
    assert_eq!(told(&world), Some(0b011), "at once");
    world.source(1, Video).layers[1] = (true, true);
    world.run(2 * SECOND);
    assert_eq!(layers(&mut world, 2, SECOND), [1]);
    view(&mut world, 2, 0);
    world.run(5 * SECOND);
    assert_eq!(told(&world), Some(0));
    assert_decodable(world.received(2, 10, Video));
}

#[test]
fn an_encoding_that_has_never_come_is_wanted_as_soon_as_those_that_have_are_too_small() {
    let mut world = World::new(8);
    world.open(1);
    world.client(1).simulcast = true;
    world.negotiate(1, &[(10, Audio), (10, Video)], &[]);
    // A browser begins with the smallest, and nobody watches yet.
    for layer in &mut world.source(1, Video).layers[1..] {
        layer.0 = false;
    }
    world.run(6 * SECOND);
    let told = |world: &World| {
        world.events.iter().rev().find_map(|event| match event {
            Event::Layers { stream: StreamId(10), wanted } => Some(*wanted),
            _ => None,
        })
    };
    assert_eq!(told(&world), Some(0));
    world.open(2);
    world.negotiate(2, &[], &[(10, Audio), (10, Video)]);
    view(&mut world, 2, 200);
    world.run(5 * SECOND);
    assert_eq!(told(&world), Some(0b001));
    view(&mut world, 2, 640);
    assert_eq!(told(&world), Some(0b111), "at once");
    world.source(1, Video).layers[1] = (true, true);
    world.run(6 * SECOND);
    assert_eq!(told(&world), Some(0b011), "the second is enough");
    assert_eq!(layers(&mut world, 2, SECOND), [1]);
    assert_decodable(world.received(2, 10, Video));
}

#[test]
fn the_more_important_of_two_pictures_stays_large_when_the_link_is_thin() {
    let mut world = watched(6);
    world.open(3);
    world.client(3).simulcast = true;
    world.negotiate(3, &[(30, Video)], &[]);
    world.negotiate(2, &[], &[(30, Video)]);
    let view = View { priority: 5, ..View::default() };
    world.command(Command::View { peer: PeerId(2), stream: StreamId(30), view });
    world.weather.rate = Some(1_100_000);
    world.run(20 * SECOND);
    let before = [10, 30].map(|stream| world.received(2, stream, Video).len());
    world.run(4 * SECOND);
    let largest = |stream: u64, from: usize| {
        world.received(2, stream, Video)[from..].iter().map(|packet| packet.layer).max()
    };
    let (other, important) = (largest(10, before[0]), largest(30, before[1]));
    assert!(important > other, "{important:?} and {other:?}");
}
