//! How many packets the media loop forwards in one second of its processor time.
//!
//! The loop is the server's own, in a process of its own, with real sockets on the loopback; the
//! load are `str0m` clients in this one, which decrypt, acknowledge and ask again as browsers do.
//! Video packets of 1,150 bytes leave the publishers in bursts, as the pacer of a browser sends
//! them.
//!
//! `cargo run --release -p sfu --example media_load -- [--publishers N] [--subscribers N] [--burst N]
//! [--rate PACKETS_PER_S] [--seconds N] [--rooms N] [--loops N]`: without subscribers each publisher sees all
//! the others. So many are in each room, and rooms are spread over the loops in turn. The last line is one
//! JSON object.
#![allow(clippy::print_stdout)] // Its result.
#![allow(dead_code)] // The media loop is used in part.

mod media_load {
    pub mod process;
}
#[path = "../tests/media/mod.rs"]
mod media;

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Input, Output, Rtc};

use media_load::process::{Line, MediaProcess};

const PAYLOAD_BYTES: usize = 1_150;

#[derive(Clone, Copy)]
struct Load {
    publishers: u64,
    subscribers: u64,
    burst: u32,
    rate: u32,
    seconds: u64,
    rooms: u64,
    loops: usize,
}

impl Load {
    /// In one room.
    fn people(&self) -> u64 {
        self.publishers + self.subscribers
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (rooms, loops) = (1, 1);
    let mut load =
        Load { publishers: 1, subscribers: 100, burst: 4, rate: 300, seconds: 6, rooms, loops };
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == media_load::process::ARGUMENT) {
        let loops = arguments.nth(1).ok_or("how many loops?")?;
        return media_load::process::serve(loops.parse()?);
    }
    while let Some(name) = arguments.next() {
        let value: u64 = arguments.next().ok_or("a value is missing")?.parse()?;
        match name.as_str() {
            "--publishers" => load.publishers = value,
            "--subscribers" => load.subscribers = value,
            "--burst" => load.burst = value.max(1) as u32,
            "--rate" => load.rate = value.max(1) as u32,
            "--seconds" => load.seconds = value,
            "--rooms" => load.rooms = value.max(1),
            "--loops" => load.loops = value.max(1) as usize,
            _ => return Err(format!("unknown argument {name}").into()),
        }
    }
    let bursts = measure(load)?;
    let single = measure(Load { burst: 1, ..load })?;
    let Load { publishers, subscribers, burst, rate, rooms, loops, .. } = load;
    println!(
        "{{\"packets_per_cpu_s\":{:.0},\"packets_per_cpu_s_without_bursts\":{:.0},\
         \"packets_per_s\":{:.0},\"cpu_share\":{:.3},\"received_share\":{:.4},\
         \"bytes_per_participant\":{:.0},\
         \"publishers\":{publishers},\"subscribers\":{subscribers},\"burst\":{burst},\
         \"rate\":{rate},\"bytes\":{PAYLOAD_BYTES},\"rooms\":{rooms},\"loops\":{loops}}}",
        bursts.per_cpu_s,
        single.per_cpu_s,
        bursts.per_s,
        bursts.cpu_share,
        bursts.received_share,
        bursts.bytes_per_participant,
    );
    Ok(())
}

struct Seen {
    per_cpu_s: f64,
    per_s: f64,
    cpu_share: f64,
    received_share: f64,
    bytes_per_participant: f64,
}

fn measure(load: Load) -> Result<Seen, Box<dyn Error>> {
    let mut media = MediaProcess::start(load.loops)?;
    let empty = media.figures()?;
    let mut crowd = Crowd::new(load)?;
    for index in 0..crowd.clients.len() {
        crowd.join(index, load, &mut media)?;
    }
    crowd.run_until(Instant::now() + Duration::from_secs(60), |crowd| crowd.all_connected())?;
    if !crowd.all_connected() {
        return Err("not all clients connected".into());
    }
    crowd.sending = true;
    crowd.run_for(Duration::from_secs(4))?;

    let received = crowd.received;
    let begin = Instant::now();
    let before = media.figures()?;
    crowd.run_for(Duration::from_secs(load.seconds))?;
    let after = media.figures()?;
    let time = begin.elapsed().as_secs_f64();
    let cpu = after.cpu_s - before.cpu_s;
    let out = after.packets_out - before.packets_out;
    Ok(Seen {
        per_cpu_s: out / cpu,
        per_s: out / time,
        cpu_share: cpu / time,
        received_share: (crowd.received - received) as f64 / out,
        bytes_per_participant: (after.memory - empty.memory) / crowd.clients.len() as f64,
    })
}

struct Crowd {
    clients: Vec<Client>,
    poll: Poll,
    sending: bool,
    received: u64,
    load: Load,
}

struct Client {
    rtc: Rtc,
    socket: mio::net::UdpSocket,
    address: SocketAddr,
    deadline: Instant,
    connected: bool,
    publishes: Option<Publishes>,
}

struct Publishes {
    mid: Mid,
    sequence: u64,
    next_at: Instant,
}

impl Crowd {
    fn new(load: Load) -> io::Result<Crowd> {
        let poll = Poll::new()?;
        let mut clients = Vec::new();
        for index in 0..load.rooms * load.people() {
            let mut socket = mio::net::UdpSocket::bind("127.0.0.1:0".parse().expect("an address"))?;
            let readable = Interest::READABLE;
            poll.registry().register(&mut socket, Token(index as usize), readable)?;
            let now = Instant::now();
            let mut rtc = Rtc::builder()
                .set_rtp_mode(true)
                .clear_codecs()
                .enable_opus(true, false)
                .enable_vp8(true)
                .build(now);
            let address = socket.local_addr()?;
            let candidate = Candidate::host(address, Protocol::Udp).map_err(io::Error::other)?;
            rtc.add_local_candidate(candidate);
            let (connected, publishes) = (false, None);
            clients.push(Client { rtc, socket, address, deadline: now, connected, publishes });
        }
        Ok(Crowd { clients, poll, sending: false, received: 0, load })
    }

    /// Publishers offer one picture each, subscribers want all of those in their room.
    fn join(
        &mut self,
        index: usize,
        load: Load,
        media: &mut MediaProcess,
    ) -> Result<(), Box<dyn Error>> {
        let client = &mut self.clients[index];
        let (peer, people) = (index as u64, load.people());
        let (room, place) = (peer / people, peer % people);
        let mut api = client.rtc.sdp_api();
        let mut line = |direction| api.add_media(MediaKind::Video, direction, None, None, None);
        let mut lines = Vec::new();
        if place < load.publishers {
            let mid = line(Direction::SendOnly);
            lines.push(Line { mid: mid.to_string(), stream: peer, sends: true });
            client.publishes = Some(Publishes { mid, sequence: 1, next_at: Instant::now() });
        }
        if place >= load.publishers || load.subscribers == 0 {
            let first = room * people;
            for stream in (first..first + load.publishers).filter(|stream| *stream != peer) {
                let mid = line(Direction::RecvOnly).to_string();
                lines.push(Line { mid, stream, sends: false });
            }
        }
        let (offer, pending): (_, SdpPendingOffer) = api.apply().ok_or("nothing to offer")?;
        let answer = media.negotiate(peer, room, &offer.to_sdp_string(), &lines)?;
        let answer = SdpAnswer::from_sdp_string(&answer)?;
        client.rtc.sdp_api().accept_answer(pending, answer)?;
        client.drain()?;
        self.run_for(Duration::from_millis(5))
    }

    fn all_connected(&self) -> bool {
        self.clients.iter().all(|client| client.connected)
    }

    fn run_for(&mut self, time: Duration) -> Result<(), Box<dyn Error>> {
        self.run_until(Instant::now() + time, |_| false)
    }

    fn run_until(
        &mut self,
        end: Instant,
        done: impl Fn(&Crowd) -> bool,
    ) -> Result<(), Box<dyn Error>> {
        let mut ready = Events::with_capacity(1_024);
        let mut buffer = [0; 2_000];
        while Instant::now() < end && !done(self) {
            self.poll.poll(&mut ready, Some(Duration::from_millis(1)))?;
            for event in &ready {
                let client = &mut self.clients[event.token().0];
                while let Ok((length, source)) = client.socket.recv_from(&mut buffer) {
                    let destination = client.address;
                    let bytes = &buffer[..length];
                    let datagram = Receive::new(Protocol::Udp, source, destination, bytes)?;
                    client.rtc.handle_input(Input::Receive(Instant::now(), datagram))?;
                    self.received += client.drain()?;
                }
            }
            let now = Instant::now();
            for client in &mut self.clients {
                let wrote = self.sending && client.send(now, self.load);
                if wrote || client.deadline <= now {
                    client.rtc.handle_input(Input::Timeout(now))?;
                    self.received += client.drain()?;
                }
            }
        }
        Ok(())
    }
}

impl Client {
    /// Writes a burst if one is due.
    fn send(&mut self, now: Instant, load: Load) -> bool {
        let Some(publishes) = &mut self.publishes else { return false };
        if publishes.next_at > now {
            return false;
        }
        publishes.next_at += Duration::from_secs(1) * load.burst / load.rate;
        let Some(pt) = self.rtc.media(publishes.mid).and_then(|m| m.remote_pts().first().copied())
        else {
            return false;
        };
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(publishes.mid, None) else { return false };
        for _ in 0..load.burst {
            // Every packet is a small key frame: nobody has to wait for one.
            let mut payload = [0xab; PAYLOAD_BYTES];
            payload[..2].copy_from_slice(&[0x10, 0]);
            let time = (publishes.sequence * u64::from(90_000 / load.rate.min(90_000))) as u32;
            let write = RtpWrite::new(pt, publishes.sequence.into(), time, now, payload);
            stream.write_rtp(write.marker(true).nackable(true));
            publishes.sequence += 1;
        }
        true
    }

    /// Sends what is to be sent; answers how many media packets came.
    fn drain(&mut self) -> Result<u64, Box<dyn Error>> {
        let mut received = 0;
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(at) => {
                    self.deadline = at;
                    return Ok(received);
                }
                Output::Transmit(transmit) => {
                    // A full buffer loses the packet, as a network does.
                    let _ = self.socket.send_to(&transmit.contents, transmit.destination);
                }
                Output::Event(str0m::Event::Connected) => self.connected = true,
                Output::Event(str0m::Event::RtpPacket(_)) => received += 1,
                Output::Event(_) => {}
            }
        }
    }
}
