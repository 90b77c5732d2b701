//! What is recorded of streams: whole frames with their moments, whatever the network does.

mod world;

use std::time::{Duration, Instant};

use sfu::{Command, Encoding, Event, Frame, Kind, Recorded, StreamId};
use world::{FAIR, ROOM, Weather, World};

use Kind::{Audio, Video};

const SECOND: Duration = Duration::from_secs(1);
const STREAM: StreamId = StreamId(10);

/// Client 1 publishes stream 10.
fn published(seed: u64, simulcast: bool) -> World {
    let mut world = World::new(seed);
    world.open(1);
    world.client(1).simulcast = simulcast;
    world.negotiate(1, &[(10, Audio), (10, Video)], &[]);
    world.run(SECOND);
    world
}

#[test]
fn sound_that_carries_its_past_is_recorded_once() {
    let mut world = World::new(21);
    world.open_as(1, ROOM, |config| config.enable_opus(true, true));
    world.negotiate(1, &[(10, Audio)], &[]);
    record(&mut world, true);
    world.run(4 * SECOND);
    let sound = frames(&world, Audio);
    assert!(sound.len() > 100);
    // What the source writes, and not 74 bytes more.
    assert!(sound.iter().all(|frame| frame.bytes.len() == 74));
}

fn record(world: &mut World, on: bool) {
    world.command(Command::Record { stream: STREAM, on });
}

fn frames(world: &World, kind: Kind) -> Vec<&Frame> {
    let frames = world.recorded.iter().filter_map(|recorded| match recorded {
        Recorded::Frame(STREAM, frame) if frame.encoding.kind() == kind => Some(frame),
        _ => None,
    });
    frames.collect()
}

fn steps(frames: &[&Frame]) -> Vec<Duration> {
    let pairs = frames.windows(2).map(|pair| (pair[0].captured, pair[1].captured));
    pairs.map(|(before, after): (Instant, Instant)| after.duration_since(before)).collect()
}

#[test]
fn a_stream_that_nobody_watches_is_recorded_from_a_key_frame_on_until_it_stops() {
    let mut world = published(1, false);
    record(&mut world, true);
    world.run(15 * SECOND);
    let (sound, picture) = (frames(&world, Audio), frames(&world, Video));
    assert!(sound.len() > 700 && picture.len() > 350, "{} {}", sound.len(), picture.len());
    assert!(sound.iter().all(|frame| frame.encoding == Encoding::Opus && frame.key));
    assert!(picture[0].key && picture[0].encoding == Encoding::Vp8);
    let keys = picture.iter().filter(|frame| frame.key).count();
    assert_eq!(keys, 2, "a key frame for who seeks, now and then");
    for step in steps(&sound) {
        assert!(step.abs_diff(Duration::from_millis(20)) < Duration::from_millis(1), "{step:?}");
    }
    for step in steps(&picture) {
        assert!(step.abs_diff(Duration::from_millis(40)) < Duration::from_millis(1), "{step:?}");
    }
    record(&mut world, false);
    assert_eq!(world.recorded.last(), Some(&Recorded::End(STREAM)));
    let count = world.recorded.len();
    world.run(SECOND);
    assert_eq!(world.recorded.len(), count);
    record(&mut world, true);
    world.run(SECOND);
    world.command(Command::StopStream { stream: STREAM });
    assert_eq!(world.recorded.last(), Some(&Recorded::End(STREAM)));
    record(&mut world, false);
    assert_eq!(world.sfu.population().1, 0, "nothing is kept of it");
}

#[test]
fn what_is_lost_and_late_is_repaired_or_left_out_up_to_a_key_frame() {
    for seed in 0..4 {
        let mut world = published(seed, false);
        record(&mut world, true);
        let (delay, jitter) = (Duration::from_millis(40), Duration::from_millis(30));
        world.weather = Weather { loss_percent: 10, delay, jitter, rate: None };
        world.run(10 * SECOND);
        world.weather = FAIR;
        world.run(3 * SECOND);
        let picture = frames(&world, Video);
        assert!(picture.len() > 150, "seed {seed}: {}", picture.len());
        // A frame of the simulated publisher has three packets: descriptors off, all there.
        let length = picture[0].bytes.len();
        assert!(picture.iter().all(|frame| frame.bytes.len() == length), "seed {seed}");
        let interval = Duration::from_millis(40);
        let pairs = picture.windows(2).zip(steps(&picture));
        for (pair, step) in pairs {
            let follows = step.abs_diff(interval) < Duration::from_millis(5);
            assert!(follows || pair[1].key, "seed {seed}: a gap of {step:?}");
        }
    }
}

#[test]
fn the_largest_layer_is_recorded_and_wanted_of_its_publisher() {
    let mut world = published(3, true);
    record(&mut world, true);
    world.run(6 * SECOND);
    let unwanted = |event: &Event| matches!(event, Event::Layers { wanted, .. } if wanted & 4 == 0);
    assert!(!world.events.iter().any(unwanted), "nobody watches, but it is recorded");
    let picture = frames(&world, Video);
    assert_eq!(picture[0].size, Some((1_280, 720)));
    assert!(picture.len() > 100);
    // The publisher's link does not carry it any more.
    let large = world.source(1, Video).layers.last_mut().unwrap();
    large.0 = false;
    let before = frames(&world, Video).len();
    world.run(5 * SECOND);
    let picture = frames(&world, Video);
    let other = picture[before..].iter().filter_map(|frame| frame.size).next();
    assert_eq!(other, Some((640, 360)));
    assert!(picture.len() > before + 50, "it goes on");
}

#[test]
fn a_track_that_is_kept_back_is_not_recorded_and_its_time_goes_on() {
    let mut world = published(4, false);
    record(&mut world, true);
    world.run(2 * SECOND);
    world.command(Command::Pause { stream: STREAM, kind: Video, paused: true });
    world.run(3 * SECOND);
    let count = frames(&world, Video).len();
    world.command(Command::Pause { stream: STREAM, kind: Video, paused: false });
    world.run(2 * SECOND);
    let picture = frames(&world, Video);
    assert!(picture[count].key);
    let gap = steps(&picture)[count - 1];
    assert!(gap >= 3 * SECOND && gap < 4 * SECOND, "{gap:?}");
}
