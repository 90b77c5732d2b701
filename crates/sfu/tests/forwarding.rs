//! Publishers are seen and heard by those who may, and by nobody else.

mod world;

use std::time::Duration;

use sfu::{Command, Event, Kind, PeerId, RoomId, StreamId};
use world::{FAIR, ROOM, Weather, World, gaps};

use Kind::{Audio, Video};

const SECOND: Duration = Duration::from_secs(1);

/// Client 1 publishes stream 10, clients 2 and 3 receive it.
fn one_and_two(seed: u64) -> World {
    let mut world = World::new(seed);
    world.open(1);
    world.negotiate(1, &[(10, Audio), (10, Video)], &[]);
    for id in [2, 3] {
        world.open(id);
        world.negotiate(id, &[], &[(10, Audio), (10, Video)]);
    }
    world.run(2 * SECOND);
    world
}

#[test]
fn sound_and_picture_reach_both_subscribers_complete_and_in_order() {
    let mut world = one_and_two(1);
    world.run(3 * SECOND);
    for id in [2, 3] {
        for (kind, least) in [(Audio, 200), (Video, 300)] {
            let got = world.received(id, 10, kind);
            assert!(got.len() > least, "{id} {kind:?}: {}", got.len());
            assert_eq!(gaps(got), 0);
            assert!(got.is_sorted_by_key(|packet| packet.number), "{kind:?}");
            let steps = got.windows(2).map(|w| w[1].time.wrapping_sub(w[0].time));
            assert!(steps.clone().all(|step| step <= 3_600), "{kind:?}");
        }
        assert!(world.received(id, 10, Video)[0].key, "a picture begins with a key frame");
    }
    for kind in [Audio, Video] {
        assert_eq!(world.count(&Event::MediaStarted { stream: StreamId(10), kind }), 1);
    }
    for peer in [1, 2, 3] {
        assert_eq!(world.count(&Event::Connected { peer: PeerId(peer) }), 1);
    }
    assert_eq!(world.sfu.counters().foreign, 0);
}

#[test]
fn who_subscribes_before_the_publisher_comes_gets_the_first_packet() {
    let mut world = World::new(2);
    world.open(2);
    world.negotiate(2, &[], &[(10, Audio), (10, Video)]);
    world.run(SECOND);
    world.open(1);
    world.negotiate(1, &[(10, Audio), (10, Video)], &[]);
    world.run(2 * SECOND);
    assert_eq!(world.received(2, 10, Audio)[0].number, 0);
    assert_eq!(world.received(2, 10, Video)[0].number, 0);
}

#[test]
fn loss_delay_and_reordering_are_repaired_by_resending() {
    for seed in 0..8 {
        let mut world = one_and_two(seed);
        let jitter = Duration::from_millis(15);
        world.weather =
            Weather { loss_percent: 4, delay: Duration::from_millis(20), jitter, rate: None };
        world.run(10 * SECOND);
        world.weather = FAIR;
        world.run(3 * SECOND);
        for id in [2, 3] {
            let got = world.received(id, 10, Video);
            let lost = gaps(got);
            let sent = got.len() as u64 + lost;
            // Twice 4 % of the packets were lost; nearly all come again.
            assert!(lost * 200 <= sent, "seed {seed}: {lost} of {sent} stay lost");
            let steps = got.windows(2).filter(|w| w[1].sequence < w[0].sequence);
            assert!(steps.count() > 20, "seed {seed}: repaired packets come late");
            let mut numbers: Vec<_> = got.iter().map(|p| (p.sequence, p.number)).collect();
            numbers.sort_unstable();
            assert!(numbers.is_sorted_by_key(|(_, number)| *number), "seed {seed}");
        }
    }
}

#[test]
fn a_storm_of_key_frame_requests_reaches_the_publisher_at_most_once_an_interval() {
    let mut world = World::new(3);
    world.open(1);
    world.negotiate(1, &[(10, Video)], &[]);
    for id in 2..12 {
        world.open(id);
        world.negotiate(id, &[], &[(10, Video)]);
    }
    world.run(3 * SECOND);
    let before = world.source(1, Video).key_requests;
    for _ in 0..20 {
        for id in 2..12 {
            let mid = world.client(id).receives[0].mid.clone();
            world.client(id).ask_key_frame(&mid);
        }
        world.run(Duration::from_millis(10));
    }
    world.run(2 * SECOND);
    let asked = world.source(1, Video).key_requests - before;
    assert!((1..=2).contains(&asked), "{asked}");
}

#[test]
fn a_late_subscriber_begins_with_a_key_frame_soon() {
    let mut world = one_and_two(4);
    world.run(5 * SECOND);
    world.open(4);
    world.negotiate(4, &[], &[(10, Video)]);
    world.run(SECOND);
    let got = world.received(4, 10, Video);
    assert!(got[0].key && got[0].number > 100);
    assert!(got.len() > 30, "{}", got.len());
}

#[test]
fn subscribers_that_come_one_after_the_other_all_see_a_picture_soon() {
    for seed in 0..5 {
        let mut world = one_and_two(20 + seed);
        world.weather.jitter = Duration::from_millis(20);
        for id in 4..14 {
            world.open(id);
            world.negotiate(id, &[], &[(40, Video)]);
        }
        world.run(2 * SECOND);
        for id in 4..14 {
            let from = world.now;
            world.client(id).receives[0].stream = StreamId(10);
            world.renegotiate(id);
            world.run(Duration::from_millis(70));
            world.client(id).asked_at = Some(from);
        }
        world.run(SECOND);
        for id in 4..14 {
            let asked = world.client(id).asked_at.unwrap();
            let first = world.received(id, 10, Video)[0].at - asked;
            assert!(first < Duration::from_millis(500), "seed {seed}, {id}: {first:?}");
        }
    }
}

#[test]
fn a_paused_track_reaches_nobody_and_comes_back_without_a_gap() {
    let mut world = one_and_two(5);
    for kind in [Audio, Video] {
        let stream = StreamId(10);
        world.command(Command::Pause { stream, kind, paused: true });
        world.run(SECOND / 10);
        assert_eq!(world.flow(2, 10, kind, 2 * SECOND), 0, "{kind:?}");
        let other = if kind == Audio { Video } else { Audio };
        assert!(world.flow(2, 10, other, SECOND) > 40, "{other:?} goes on");
        let before = world.received(2, 10, kind).len();
        world.command(Command::Pause { stream, kind, paused: false });
        assert!(world.flow(2, 10, kind, SECOND) > 40, "{kind:?} is back");
        let got = world.received(2, 10, kind);
        assert_eq!(gaps(got), 0);
        assert!(got[before].key || kind == Audio, "the picture begins anew");
        let (last, first) = (&got[before - 1], &got[before]);
        let ticks = first.time.wrapping_sub(last.time);
        let hertz = if kind == Audio { 48_000 } else { 90_000 };
        assert!((2 * hertz..5 * hertz).contains(&ticks), "the time that passed: {ticks}");
    }
}

#[test]
fn a_track_paused_before_it_is_published_stays_back() {
    let mut world = World::new(6);
    world.command(Command::Pause { stream: StreamId(10), kind: Audio, paused: true });
    world.open(1);
    world.negotiate(1, &[(10, Audio), (10, Video)], &[]);
    world.open(2);
    world.negotiate(2, &[], &[(10, Audio), (10, Video)]);
    world.run(2 * SECOND);
    assert_eq!(world.received(2, 10, Audio).len(), 0);
    assert!(world.received(2, 10, Video).len() > 50);
}

#[test]
fn unsubscribing_stops_and_subscribing_again_starts_many_times() {
    let mut world = one_and_two(7);
    let mapped = world.client(2).receives.clone();
    for round in 0..20 {
        world.client(2).receives.clear();
        world.renegotiate(2);
        world.run(SECOND / 10);
        assert_eq!(world.flow(2, 10, Video, SECOND / 2), 0, "round {round}");
        world.client(2).receives = mapped.clone();
        world.renegotiate(2);
        assert!(world.flow(2, 10, Video, SECOND) > 20, "round {round}");
        assert!(world.flow(3, 10, Video, SECOND / 2) > 20, "the other goes on");
    }
    assert_eq!(gaps(world.received(2, 10, Video)), 0, "one SSRC, numbers without a gap");
}

#[test]
fn a_line_can_show_another_stream() {
    let mut world = one_and_two(8);
    world.open(4);
    world.negotiate(4, &[(40, Video)], &[]);
    world.run(SECOND);
    world.client(2).receives.retain(|mapping| mapping.kind == Video);
    world.client(2).receives[0].stream = StreamId(40);
    world.renegotiate(2);
    world.run(SECOND / 10);
    assert!(world.flow(2, 40, Video, SECOND) > 40);
    assert_eq!(world.flow(2, 10, Video, SECOND), 0);
    let first = &world.received(2, 40, Video)[0];
    let last = world.received(2, 10, Video).last().unwrap();
    assert!(first.key);
    assert_eq!(first.sequence, last.sequence + 1, "the same SSRC goes on");
}

#[test]
fn a_publisher_that_comes_again_with_the_same_stream_is_seen_again() {
    let mut world = one_and_two(9);
    for _ in 0..5 {
        world.command(Command::Close { peer: PeerId(1) });
        assert_eq!(world.events.last(), Some(&Event::Closed { peer: PeerId(1) }));
        world.run(SECOND / 10);
        assert_eq!(world.flow(2, 10, Video, SECOND), 0);
        world.open(1);
        world.negotiate(1, &[(10, Audio), (10, Video)], &[]);
        world.run(SECOND);
        assert!(world.flow(2, 10, Video, SECOND) > 60);
        assert!(world.flow(3, 10, Audio, SECOND) > 40);
    }
    assert_eq!(gaps(world.received(2, 10, Video)), 0);
    for peer in [1, 2, 3] {
        world.command(Command::Close { peer: PeerId(peer) });
    }
    assert_eq!(world.sfu.population(), (0, 0), "nothing is left behind");
}

#[test]
fn a_stream_taken_over_by_another_peer_of_its_user_flows_from_there() {
    let mut world = one_and_two(10);
    world.open(4);
    world.negotiate(4, &[(10, Video)], &[]);
    world.run(SECOND);
    world.command(Command::Close { peer: PeerId(1) });
    assert!(world.flow(2, 10, Video, SECOND) > 40);
    assert_eq!(gaps(world.received(2, 10, Video)), 0);
}

#[test]
fn a_stopped_stream_and_a_stopped_receiver_get_nothing_without_an_offer() {
    let mut world = one_and_two(11);
    world.command(Command::StopReceiving { peer: PeerId(2), stream: Some(StreamId(10)) });
    world.run(SECOND / 10);
    assert_eq!(world.flow(2, 10, Audio, SECOND), 0);
    assert!(world.flow(3, 10, Audio, SECOND) > 40);
    world.command(Command::StopStream { stream: StreamId(10) });
    world.run(SECOND / 10);
    assert_eq!(world.flow(3, 10, Audio, SECOND), 0);
    assert_eq!(world.flow(3, 10, Video, SECOND), 0);
}

#[test]
fn media_does_not_cross_rooms() {
    let mut world = one_and_two(12);
    world.open_as(4, RoomId(2), |config| config);
    world.negotiate(4, &[], &[(10, Audio), (10, Video)]);
    world.run(2 * SECOND);
    assert!(world.client(4).connected);
    assert_eq!(world.received(4, 10, Audio).len(), 0);
    assert_eq!(world.received(4, 10, Video).len(), 0);
}

#[test]
fn a_line_that_is_not_mapped_carries_nothing() {
    let mut world = World::new(13);
    world.open(1);
    world.negotiate(1, &[(10, Audio), (10, Video)], &[]);
    world.open(2);
    world.negotiate(2, &[], &[(10, Audio), (10, Video)]);
    world.run(2 * SECOND);
    // The hub withdrew the picture, of the publisher this time.
    let mapped = |source: &world::Source| source.kind == Audio;
    let offer_without: Vec<_> = world.client(1).sources.iter().map(mapped).collect();
    assert_eq!(offer_without, [true, false]);
    let hidden = world.client(1).sources.pop().unwrap();
    world.renegotiate(1);
    world.client(1).sources.push(hidden);
    world.run(SECOND / 10);
    assert_eq!(world.flow(2, 10, Video, SECOND), 0);
    assert!(world.flow(2, 10, Audio, SECOND) > 40);
}

#[test]
fn sound_keeps_its_past_for_who_can_have_it_and_loses_it_for_others() {
    let mut world = World::new(31);
    for id in [1, 2] {
        world.open_as(id, ROOM, |config| config.enable_opus(true, true));
    }
    world.open(3);
    world.negotiate(1, &[(10, Audio)], &[]);
    for id in [2, 3] {
        world.negotiate(id, &[], &[(10, Audio)]);
    }
    world.run(3 * SECOND);
    let with = world.received(2, 10, Audio);
    assert!(with.len() > 100 && gaps(with) == 0);
    assert!(with.iter().all(|packet| packet.past == packet.number.checked_sub(1)));
    let without = world.received(3, 10, Audio);
    assert!(without.len() > 100 && gaps(without) == 0);
    assert!(without.iter().all(|packet| packet.past.is_none()));
}

#[test]
fn who_cannot_decode_the_codec_gets_nothing_of_it() {
    let mut world = World::new(14);
    world.open(1);
    world.negotiate(1, &[(10, Audio), (10, Video)], &[]);
    world.source(1, Video).codec = "H264";
    world.open_as(2, world::ROOM, |config| config.enable_h264(false));
    world.negotiate(2, &[], &[(10, Audio), (10, Video)]);
    world.open_as(3, world::ROOM, |config| config.enable_vp8(false));
    world.negotiate(3, &[], &[(10, Audio), (10, Video)]);
    world.run(3 * SECOND);
    assert_eq!(world.received(2, 10, Video).len(), 0);
    assert!(world.received(2, 10, Audio).len() > 80);
    assert!(world.received(3, 10, Video).len() > 80);
}

#[test]
fn a_lost_peer_is_reported_once_and_may_come_back() {
    let mut world = one_and_two(15);
    let fair = world.weather;
    world.weather.loss_percent = 100;
    world.run(14 * SECOND);
    for peer in [1, 2, 3] {
        assert_eq!(world.count(&Event::Disconnected { peer: PeerId(peer) }), 1);
    }
    world.weather = fair;
    world.run(5 * SECOND);
    assert_eq!(world.count(&Event::Connected { peer: PeerId(2) }), 2);
    assert!(world.flow(2, 10, Video, SECOND) > 40);
}

#[test]
fn a_peer_that_looks_for_a_new_path_goes_on_over_the_same_connection() {
    let mut world = one_and_two(18);
    for peer in [1, 2] {
        world.restart_ice(peer);
    }
    world.run(3 * SECOND);
    for peer in [2, 3] {
        assert!(world.flow(peer, 10, Video, SECOND) > 40);
        assert!(world.flow(peer, 10, Audio, SECOND) > 40);
    }
    for peer in [1, 2] {
        assert_eq!(world.count(&Event::Disconnected { peer: PeerId(peer) }), 0);
    }
}

#[test]
fn a_killed_client_is_reported_lost() {
    let mut world = one_and_two(16);
    world.kill(1);
    world.run(12 * SECOND);
    assert_eq!(world.count(&Event::Disconnected { peer: PeerId(1) }), 1);
    assert_eq!(world.count(&Event::Disconnected { peer: PeerId(2) }), 0);
}

#[test]
fn who_speaks_is_told_and_who_stops() {
    let mut world = one_and_two(17);
    let talking = |talking| Event::Talking { stream: StreamId(10), talking };
    assert_eq!(world.count(&talking(true)), 1);
    world.source(1, Audio).level = -90;
    world.run(2 * SECOND);
    assert_eq!(world.count(&talking(false)), 1);
    world.source(1, Audio).level = -30;
    world.run(SECOND);
    assert_eq!(world.count(&talking(true)), 2);
    world.command(Command::Pause { stream: StreamId(10), kind: Audio, paused: true });
    world.run(SECOND);
    assert_eq!(world.count(&talking(false)), 2);
}

#[test]
fn everybody_in_a_room_of_four_sees_the_other_three() {
    let mut world = World::new(18);
    for id in 1..=4 {
        world.open(id);
        world.negotiate(id, &[(10 * id, Audio), (10 * id, Video)], &[]);
        world.run(SECOND / 4);
    }
    for id in 1..=4u64 {
        for other in (1..=4u64).filter(|other| *other != id) {
            world.negotiate(id, &[], &[(10 * other, Audio), (10 * other, Video)]);
            world.run(SECOND / 10);
        }
    }
    world.run(3 * SECOND);
    for id in 1..=4u64 {
        for other in (1..=4u64).filter(|other| *other != id) {
            let got = world.received(id, 10 * other, Video);
            assert!(got.len() > 150 && got[0].key && gaps(got) == 0, "{id} sees {other}");
            assert!(world.received(id, 10 * other, Audio).len() > 100, "{id} hears {other}");
        }
    }
}

#[test]
fn who_has_the_word_is_told_of_the_room_and_nobody_of_another_one() {
    let mut world = World::new(11);
    for (client, stream) in [(1, 10), (2, 20)] {
        world.open(client);
        world.negotiate(client, &[(stream, Audio)], &[]);
        world.source(client, Audio).level = -90;
    }
    world.open_as(3, RoomId(2), |config| config);
    world.negotiate(3, &[(30, Audio)], &[]);
    world.run(2 * SECOND);
    let told = |world: &World, wanted: RoomId| {
        let last = world.events.iter().rev().find_map(|event| match event {
            Event::Speakers { room, streams } if *room == wanted => Some(streams.clone()),
            _ => None,
        });
        last.unwrap_or_default()
    };
    assert_eq!(told(&world, ROOM), []);
    assert_eq!(told(&world, RoomId(2)), [StreamId(30)]);
    world.source(2, Audio).level = -30;
    world.run(SECOND);
    world.source(1, Audio).level = -35;
    world.run(2 * SECOND);
    assert_eq!(told(&world, ROOM), [StreamId(20), StreamId(10)], "one who has the word keeps it");
    world.source(2, Audio).level = -90;
    world.run(2 * SECOND);
    assert_eq!(told(&world, ROOM), [StreamId(10), StreamId(20)]);
    world.source(2, Audio).level = -10;
    world.run(3 * SECOND);
    assert_eq!(told(&world, ROOM), [StreamId(20), StreamId(10)], "one who drowns out the other");
    world.command(Command::StopStream { stream: StreamId(20) });
    world.source(1, Audio).level = -90;
    world.run(2 * SECOND);
    world.source(1, Audio).level = -30;
    world.run(SECOND);
    assert_eq!(told(&world, ROOM), [StreamId(10)], "who is gone is not told of");
}

#[test]
fn who_has_another_address_all_of_a_sudden_is_served_there_after_its_next_check() {
    let mut world = one_and_two(9);
    for client in [1, 2] {
        world.change_address(client);
        // `str0m` checks its path every 3 s at most.
        world.run(4 * SECOND);
        for (id, kind, least) in [(2, Audio, 45), (2, Video, 70), (3, Audio, 45), (3, Video, 70)] {
            let flow = world.flow(id, 10, kind, SECOND);
            assert!(flow >= least, "after {client} moved: {id} {kind:?} {flow}");
        }
    }
    let lost = |event: &&Event| matches!(event, Event::Disconnected { .. });
    assert_eq!(world.events.iter().find(lost), None);
}
