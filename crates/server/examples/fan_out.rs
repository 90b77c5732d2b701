//! A large group against the real server: how soon its members are signed in when all of them come at
//! once, how soon a message is with everybody, and how many deliveries a second of the server's CPU makes.
//!
//! `fan_out --server PROGRAM` starts the program on a folder of its own and prints one JSON line.
//! Members acknowledge what they get, and the sender hears of each: as in life.
#![allow(clippy::print_stdout)] // The line.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::mpsc;
use wire::proto::{Ack, Content, Send, Target, client_frame, entry, server_frame, target};

use support::{Program, Session};

/// Members of the group, all of them connected.
const MEMBERS: usize = 10_000;
/// Members that one operation adds.
const ADDED_AT_ONCE: usize = 500;
/// Messages whose ways are timed, one after the other.
const TIMED: usize = 20;
/// Messages sent in one go; what is measured then is the CPU they take.
const BURST: usize = 50;
const BODY_BYTES: usize = 100;
/// A clock tick of `/proc`: a hundredth of a second on every Linux.
const TICKS_PER_S: f64 = 100.0;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let flag = arguments.next();
    anyhow::ensure!(flag.as_deref() == Some("--server"), "usage: fan_out --server PROGRAM");
    let program: PathBuf = arguments.next().context("--server needs the program")?.into();
    let server = Program::start(&program);
    let (group, sign_ins_per_s) = Group::of(&server).await;
    let (deliveries_per_cpu_s, p99_ms) = group.measure(&server).await?;
    let seen = json!({
        "sign_ins_per_s": sign_ins_per_s,
        "p99_ms": p99_ms,
        "deliveries_per_cpu_s": deliveries_per_cpu_s,
    });
    println!("{seen}");
    Ok(())
}

struct Group {
    gid: u32,
    sender: Session,
    /// When a member had a message, each time.
    arrivals: mpsc::UnboundedReceiver<Instant>,
}

impl Group {
    /// The group, and how many of its members were signed in a second when all came at once.
    async fn of(server: &Program) -> (Group, f64) {
        let answer = server.call(json!({"op": "groupadd", "group": {"name": "everybody"}}));
        let gid = answer["group"]["gid"].as_u64().expect("a group") as u32;
        let addresses: Vec<_> = (0..MEMBERS).map(|at| format!("member-{at}")).collect();
        let sender = server.user("sender");
        let tokens: Vec<_> = addresses.iter().map(|address| server.user(address)).collect();
        for some in addresses.chunks(ADDED_AT_ONCE).chain([&["sender".to_owned()][..]]) {
            let permissions = json!({"send": true, "recv": true});
            let members = json!({"m": some.join(","), "permissions": permissions});
            let group = json!({"gid": gid, "members": members});
            let answer = server.call(json!({"op": "groupeditmembers", "group": group}));
            assert_eq!(answer["result"], true, "{answer}");
        }
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let begin = Instant::now();
        let sessions = join_all(tokens.iter().map(|token| server.sign_in(token))).await;
        let sign_ins_per_s = MEMBERS as f64 / begin.elapsed().as_secs_f64();
        for session in sessions {
            tokio::spawn(receive(session, arrived.clone()));
        }
        (Group { gid, sender: server.sign_in(&sender).await, arrivals }, sign_ins_per_s)
    }

    /// Deliveries a CPU second, and the 99th percentile of the ways, ms.
    async fn measure(mut self, server: &Program) -> anyhow::Result<(f64, f64)> {
        let mut took = Vec::with_capacity(TIMED * MEMBERS);
        for id in 1..=TIMED {
            let begin = Instant::now();
            self.send(id).await;
            for _ in 0..MEMBERS {
                let arrival = self.arrivals.recv().await.context("the members stay")?;
                took.push(arrival - begin);
            }
            self.accepted().await;
        }
        took.sort_unstable();
        let p99 = took[took.len() * 99 / 100].as_secs_f64() * 1000.0;
        let before = cpu_time(server)?;
        for id in 1..=BURST {
            self.send(TIMED + id).await;
        }
        for _ in 0..BURST * MEMBERS {
            self.arrivals.recv().await.context("the members stay")?;
        }
        let deliveries = (BURST * MEMBERS) as f64 / (cpu_time(server)? - before).as_secs_f64();
        Ok((deliveries, p99))
    }

    async fn send(&mut self, id: usize) {
        let to = Target { to: Some(target::To::Group(self.gid)) };
        let body = vec![b'x'; BODY_BYTES].into();
        let content = Some(Content { body, ..Content::default() });
        let send = Send { id: id as u64, to: Some(to), content, ..Send::default() };
        self.sender.say(client_frame::Body::Send(send)).await;
    }

    async fn accepted(&mut self) {
        let accepted = |frame| matches!(frame, server_frame::Body::Accepted(_)).then_some(());
        self.sender.hear(accepted).await;
    }
}

/// A member: acknowledges what comes, as a client does that has stored it.
async fn receive(mut session: Session, arrived: mpsc::UnboundedSender<Instant>) {
    while let Ok(frame) = session.next().await {
        let server_frame::Body::Deliver(deliver) = frame else { continue };
        let now = Instant::now();
        let is_message = |entry: &&wire::proto::LogEntry| {
            let body = entry.entry.as_ref().and_then(|entry| entry.body.as_ref());
            matches!(body, Some(entry::Body::Message(_)))
        };
        for _ in deliver.entries.iter().filter(is_message) {
            // Nobody listens once it is measured.
            let _ = arrived.send(now);
        }
        if let Some(last) = deliver.entries.last() {
            session.say(client_frame::Body::Ack(Ack { seq: last.seq, ..Ack::default() })).await;
        }
    }
}

/// What the server's process has used so far.
fn cpu_time(server: &Program) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.id()))?;
    let (_, rest) = stat.rsplit_once(')').context("the name of the process")?;
    let fields: Vec<_> = rest.split_whitespace().collect();
    // `utime` and `stime` are the 14th and 15th of all, the name being the second.
    let ticks = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(Duration::from_secs_f64(ticks / TICKS_PER_S))
}
