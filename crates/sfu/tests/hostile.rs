//! Whatever is sent to the SFU, everybody else goes on.

mod world;

use std::net::SocketAddr;
use std::time::Duration;

use sfu::{Command, Event, Input, Kind, Mapping, PeerId, Refusal, StreamId};
use world::{Chance, World, sfu_address};

use Kind::{Audio, Video};

const SECOND: Duration = Duration::from_secs(1);

fn a_call(seed: u64) -> World {
    let mut world = World::new(seed);
    world.open(1);
    world.negotiate(1, &[(10, Audio), (10, Video)], &[]);
    world.open(2);
    world.negotiate(2, &[], &[(10, Audio), (10, Video)]);
    world.run(2 * SECOND);
    world
}

fn offer(world: &mut World, peer: u64, offer: &str, send: Vec<Mapping>) -> Event {
    let command = Command::Negotiate {
        peer: PeerId(peer),
        ticket: 99,
        offer: offer.to_owned(),
        send,
        receive: Vec::new(),
    };
    world.command(command);
    let last = world.events.iter().rev().find(|event| {
        matches!(event, Event::Answer { ticket: 99, .. } | Event::Refused { ticket: 99, .. })
    });
    last.expect("every offer is answered or refused").clone()
}

/// An offer as Chromium makes it, shortened.
const BROWSER: &str = "v=0\r\no=- 46117317 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
a=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS x\r\n\
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n\
a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=ice-options:trickle\r\n\
a=fingerprint:sha-256 0E:2D:6B:5B:C1:5D:7A:F8:9C:52:36:2D:19:25:2C:85:0B:8E:E1:92:52:63:F5:16:\
0E:2D:6B:5B:C1:5D:7A:F8\r\na=setup:actpass\r\na=mid:0\r\n\
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=sendonly\r\na=msid:x y\r\na=rtcp-mux\r\n\
a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\n\
a=ssrc:1001 cname:x\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\na=mid:1\r\na=recvonly\r\na=rtcp-mux\r\n\
a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 transport-cc\r\n\
a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n";

fn mapping(mid: &str, kind: Kind) -> Mapping {
    Mapping { mid: mid.to_owned(), stream: StreamId(70), kind }
}

#[test]
fn what_is_not_mapped_is_answered_inactive() {
    let mut world = World::new(1);
    world.open(7);
    let Event::Answer { sdp, .. } = offer(&mut world, 7, BROWSER, vec![mapping("0", Audio)]) else {
        panic!("{:?}", world.events);
    };
    let directions: Vec<_> = sdp
        .lines()
        .filter(|line| ["a=recvonly", "a=sendonly", "a=sendrecv", "a=inactive"].contains(line))
        .collect();
    assert_eq!(directions, ["a=recvonly", "a=inactive"], "{sdp}");
    assert!(sdp.contains("a=ice-lite"), "{sdp}");
    assert!(sdp.contains(&sfu_address().ip().to_string()), "{sdp}");
}

#[test]
fn malformed_offers_are_refused_and_nobody_else_notices() {
    let mut world = a_call(2);
    world.open(7);
    let without = |line: &str| BROWSER.replace(line, "");
    for sdp in [
        String::new(),
        "hello".to_owned(),
        "v=0\r\n".to_owned(),
        "\0".repeat(1_000),
        "m=".repeat(100_000),
        without("a=ice-ufrag:abcd\r\n"),
        without("a=mid:0\r\n"),
        BROWSER.replace("a=mid:1", "a=mid:0"),
        BROWSER.replace("v=0", "v=1"),
    ] {
        let event = offer(&mut world, 7, &sdp, Vec::new());
        assert!(matches!(event, Event::Refused { .. }), "{sdp:.200}: {event:?}");
    }
    let event = offer(&mut world, 7, BROWSER, vec![mapping("5", Audio)]);
    let reason = Refusal::NoSuchLine { mid: "5".to_owned(), kind: Audio };
    assert_eq!(event, Event::Refused { peer: PeerId(7), ticket: 99, reason });
    let event = offer(&mut world, 8, BROWSER, Vec::new());
    let reason = Refusal::NoSuchPeer { peer: PeerId(8) };
    assert_eq!(event, Event::Refused { peer: PeerId(8), ticket: 99, reason });
    // After all that the peer can still connect.
    let event = offer(&mut world, 7, BROWSER, vec![mapping("0", Audio)]);
    assert!(matches!(event, Event::Answer { .. }), "{event:?}");
    assert!(world.flow(2, 10, Video, SECOND) > 40);
}

#[test]
fn mutilated_offers_are_answered_or_refused_and_never_bring_the_sfu_down() {
    let mut world = a_call(3);
    let mut chance = Chance::new(3);
    let mut refused = 0;
    for round in 0..1_500 {
        let mut bytes = BROWSER.as_bytes().to_vec();
        for _ in 0..=chance.below(4) {
            let at = chance.below(bytes.len() as u64) as usize;
            let until = (at + chance.below(40) as usize).min(bytes.len());
            match chance.below(4) {
                0 => drop(bytes.drain(at..until)),
                1 => bytes[at] = chance.next() as u8,
                2 => {
                    let copy = bytes[at..until].to_vec();
                    bytes.splice(at..at, copy);
                }
                _ => bytes.truncate(at.max(1)),
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let peer = 100 + round % 7;
        world.open(peer);
        let event = offer(&mut world, peer, &text, Vec::new());
        refused += u32::from(matches!(event, Event::Refused { .. }));
        world.kill(peer);
    }
    assert!(refused > 300, "{refused}");
    assert!(world.flow(2, 10, Video, SECOND) > 40);
}

#[test]
fn garbage_is_counted_and_dropped_wherever_it_comes_from() {
    let mut world = a_call(4);
    let mut chance = Chance::new(4);
    let stranger = SocketAddr::from(([198, 51, 100, 9], 9));
    let (publisher, subscriber) = (world.client(1).address, world.client(2).address);
    let before = world.received(2, 10, Video).len();
    let foreign = world.sfu.counters().foreign;
    for round in 0..20_000u32 {
        let length = chance.below(200) as usize;
        let mut bytes: Vec<u8> = (0..length).map(|_| chance.next() as u8).collect();
        if let Some(first) = bytes.first_mut() {
            // As RTP, RTCP, DTLS, STUN and as nothing known.
            *first = [0x80, 0x90, 0x16, 0x00, 0x40, 0xff][(round % 6) as usize];
        }
        let source = [stranger, publisher, subscriber][(round / 7 % 3) as usize];
        let input = Input::Datagram { source, destination: sfu_address(), bytes: &bytes };
        let now = world.now;
        world.sfu.handle_input(now, input);
        if round % 50 == 0 {
            world.drain_sfu();
            world.run(Duration::from_millis(10));
        }
    }
    world.run(SECOND);
    assert!(world.sfu.counters().foreign - foreign > 6_000);
    assert_eq!(world.sfu.counters().broken, 0);
    let got = world.received(2, 10, Video);
    assert!(got.len() - before > 300, "{}", got.len() - before);
    assert_eq!(world::gaps(got), 0);
    let lost = world.events.iter().filter(|event| matches!(event, Event::Disconnected { .. }));
    assert_eq!(lost.count(), 0);
}

#[test]
fn truncated_packets_of_a_peer_are_dropped() {
    let mut world = World::new(5);
    world.weather.loss_percent = 0;
    world.open(1);
    world.negotiate(1, &[(10, Video)], &[]);
    world.open(2);
    world.negotiate(2, &[], &[(10, Video)]);
    world.truncate_percent = 20;
    world.run(5 * SECOND);
    world.truncate_percent = 0;
    world.run(3 * SECOND);
    assert!(world.flow(2, 10, Video, SECOND) > 60);
    assert_eq!(world.sfu.counters().broken, 0);
}

#[test]
fn commands_about_what_does_not_exist_have_no_effect() {
    let mut world = a_call(6);
    for stream in 100..200 {
        world.command(Command::Pause { stream: StreamId(stream), kind: Video, paused: false });
        world.command(Command::StopStream { stream: StreamId(stream) });
        world.command(Command::StopReceiving { peer: PeerId(stream), stream: None });
        world.command(Command::Close { peer: PeerId(stream) });
    }
    assert_eq!(world.sfu.population(), (2, 1));
    assert!(world.flow(2, 10, Video, SECOND) > 40);
}

#[test]
fn opening_a_peer_again_replaces_it() {
    let mut world = a_call(7);
    world.open(2);
    world.negotiate(2, &[], &[(10, Video)]);
    world.run(SECOND);
    assert!(world.flow(2, 10, Video, SECOND) > 40);
    assert_eq!(world.sfu.population(), (2, 1));
}
