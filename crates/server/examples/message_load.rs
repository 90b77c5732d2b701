//! Durable one-to-one messages against the real server: how many a second, and how soon they are
//! there at a fixed rate.
//!
//! `load --server PROGRAM` starts the program on a folder of its own and prints one JSON line.
#![allow(clippy::print_stdout)] // The line.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use wire::frame::{decode_server, encode_client};
use wire::proto::{Ack, Deliver, Pong, client_frame, entry, server_frame};

use support::{Program, Session, message};

/// Pairs that send as fast as the server answers.
const PAIRS: usize = 400;
/// Messages of one sender without an answer.
const IN_FLIGHT: usize = 32;
const THROUGHPUT_FOR: Duration = Duration::from_secs(8);
/// Pairs that send at a fixed rate.
const PACED_PAIRS: usize = 100;
/// One message of each of them in this time: 5,000 a second.
const PACE: Duration = Duration::from_millis(20);
const LATENCY_FOR: Duration = Duration::from_secs(8);
const BODY_BYTES: usize = 100;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let flag = arguments.next();
    anyhow::ensure!(flag.as_deref() == Some("--server"), "usage: load --server PROGRAM");
    let program: PathBuf = arguments.next().context("--server needs the program")?.into();
    let server = Program::start(&program);

    let mut pairs = Vec::new();
    for at in 0..PAIRS {
        let (from, to) = (format!("from-{at}"), format!("to-{at}"));
        let (sender, receiver) = (server.user(&from), server.user(&to));
        pairs.push((server.sign_in(&sender).await, server.sign_in(&receiver).await, to));
    }
    let (pairs, accepted) = throughput(pairs).await;
    let messages_per_s = accepted as f64 / THROUGHPUT_FOR.as_secs_f64();
    let mut latencies = latency(pairs).await;
    latencies.sort_unstable();
    let percentile = |percent: usize| {
        let at = (latencies.len() * percent / 100).min(latencies.len() - 1);
        latencies[at].as_secs_f64() * 1000.0
    };
    println!(
        "{}",
        serde_json::json!({
            "messages_per_s": messages_per_s,
            "p50_ms": percentile(50),
            "p99_ms": percentile(99),
            "latencies": latencies.len(),
        })
    );
    Ok(())
}

type Pair = (Session, Session, String);

/// Senders with a window, until the time is over and everything is accepted. The pairs whose
/// receivers have everything, and the messages that were accepted within the time.
async fn throughput(pairs: Vec<Pair>) -> (Vec<Pair>, u64) {
    let until = Instant::now() + THROUGHPUT_FOR;
    let mut running = JoinSet::new();
    for (mut sender, mut receiver, to) in pairs {
        running.spawn(async move {
            let (expected, mut total) = tokio::sync::watch::channel(None);
            let receiving = async {
                let mut received = 0;
                while *total.borrow_and_update() != Some(received) {
                    tokio::select! {
                        deliver = delivered(&mut receiver) => received += messages(&deliver) as u64,
                        _ = total.changed() => {}
                    }
                }
            };
            let sending = async {
                let (mut sent, mut answered, mut in_time) = (0, 0, 0);
                while Instant::now() < until || answered < sent {
                    let mut fed = false;
                    while sent - answered < IN_FLIGHT as u64 && Instant::now() < until {
                        sent += 1;
                        feed(&mut sender, message(sent, &to, [b'x'; BODY_BYTES])).await;
                        fed = true;
                    }
                    if fed {
                        sender.socket.flush().await.expect("the server reads");
                    }
                    if let server_frame::Body::Accepted(_) = heard(&mut sender).await {
                        answered += 1;
                        in_time += u64::from(Instant::now() < until);
                    }
                }
                expected.send_replace(Some(sent));
                (sent, in_time)
            };
            let ((_, in_time), ()) = tokio::join!(sending, receiving);
            ((sender, receiver, to), in_time)
        });
    }
    let mut accepted = 0;
    let mut pairs = Vec::new();
    while let Some(done) = running.join_next().await {
        let (pair, in_time) = done.expect("a pair ends well");
        pairs.push(pair);
        accepted += in_time;
    }
    (pairs, accepted)
}

/// Senders at a fixed rate, whether the server answers or not; how long each message took.
async fn latency(mut pairs: Vec<Pair>) -> Vec<Duration> {
    pairs.truncate(PACED_PAIRS);
    let start = Instant::now();
    let count = (LATENCY_FOR.as_micros() / PACE.as_micros()) as u64;
    let mut running = JoinSet::new();
    for (at, (mut sender, mut receiver, to)) in pairs.into_iter().enumerate() {
        running.spawn(async move {
            // Not all at the same moment.
            let first = start + PACE * at as u32 / PACED_PAIRS as u32;
            let mut clock = tokio::time::interval_at(first.into(), PACE);
            let sending = async {
                let (mut sent, mut answered) = (0, 0);
                while answered < count {
                    tokio::select! {
                        _ = clock.tick(), if sent < count => {
                            sent += 1;
                            let now = start.elapsed().as_nanos() as u64;
                            // Ids that the first measurement has not used.
                            let id = (1 << 40) + sent;
                            sender.say(message(id, &to, now.to_le_bytes())).await;
                        }
                        frame = heard(&mut sender) => {
                            answered += u64::from(matches!(frame, server_frame::Body::Accepted(_)));
                        }
                    }
                }
            };
            let receiving = async {
                let mut took = Vec::new();
                while took.len() < count as usize {
                    let deliver = delivered(&mut receiver).await;
                    let now = start.elapsed().as_nanos() as u64;
                    took.extend(bodies(&deliver).map(|body| {
                        let sent = u64::from_le_bytes(body.try_into().expect("eight bytes"));
                        Duration::from_nanos(now - sent)
                    }));
                }
                took
            };
            tokio::join!(sending, receiving).1
        });
    }
    running.join_all().await.into_iter().flatten().collect()
}

async fn feed(session: &mut Session, frame: client_frame::Body) {
    let bytes = encode_client(frame).into();
    session.socket.feed(Message::Binary(bytes)).await.expect("the server reads");
}

/// The next frame; what is delivered is acknowledged, pings are answered. May be dropped while
/// it waits.
async fn heard(session: &mut Session) -> server_frame::Body {
    loop {
        let message = session.socket.next().await.expect("the session stays").expect("it is read");
        let Message::Binary(bytes) = message else { continue };
        let frame = decode_server(&bytes).expect("a frame");
        match &frame {
            server_frame::Body::Deliver(deliver) => {
                if let Some(last) = deliver.entries.last() {
                    session
                        .say(client_frame::Body::Ack(Ack { seq: last.seq, ..Ack::default() }))
                        .await;
                }
            }
            server_frame::Body::Ping(ping) => {
                session.say(client_frame::Body::Pong(Pong { sent: ping.sent })).await;
            }
            _ => {}
        }
        return frame;
    }
}

async fn delivered(session: &mut Session) -> Deliver {
    loop {
        if let server_frame::Body::Deliver(deliver) = heard(session).await {
            return deliver;
        }
    }
}

fn bodies(deliver: &Deliver) -> impl Iterator<Item = &[u8]> {
    deliver.entries.iter().filter_map(|entry| match entry.entry.as_ref()?.body.as_ref()? {
        entry::Body::Message(message) => Some(&message.content.as_ref()?.body[..]),
        _ => None,
    })
}

fn messages(deliver: &Deliver) -> usize {
    bodies(deliver).count()
}
