//! The media loops in a process of its own, so that its memory can be told from its clients'.
//!
//! One line in, one line out, over its standard input and output.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::Ordering::Relaxed;

use sfu::{Command, Event, Kind, Mapping, PeerId, RoomId, StreamId};

use crate::media::handle::{self, MediaConfig, MediaHandle};

/// The program's first argument when it is that process; the other one is how many loops.
pub const ARGUMENT: &str = "--media";
const NEW_LINE: char = '\u{1}';

/// A media line of a client, and what it is for.
pub struct Line {
    pub mid: String,
    pub stream: u64,
    pub sends: bool,
}

/// What the loops have done so far, and the thread that reads the port for several.
pub struct Figures {
    pub cpu_s: f64,
    pub packets_out: f64,
    /// Of the process, bytes.
    pub memory: f64,
}

/// The process, seen from the clients.
pub struct MediaProcess {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl MediaProcess {
    pub fn start(loops: usize) -> Result<MediaProcess, Box<dyn Error>> {
        let mut program = std::process::Command::new(std::env::current_exe()?);
        program.arg(ARGUMENT).arg(loops.to_string());
        program.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = program.spawn()?;
        let to = process.stdin.take().ok_or("no way in")?;
        let from = BufReader::new(process.stdout.take().ok_or("no way out")?);
        Ok(MediaProcess { process, to, from })
    }

    /// Has an offer answered.
    pub fn negotiate(
        &mut self,
        peer: u64,
        room: u64,
        offer: &str,
        lines: &[Line],
    ) -> Result<String, Box<dyn Error>> {
        let lines =
            lines.iter().map(|Line { mid, stream, sends }| format!("{mid} {stream} {sends}"));
        let lines = lines.collect::<Vec<_>>().join(",");
        let offer = offer.replace("\r\n", &NEW_LINE.to_string());
        let answer = self.ask(&format!("{peer}\t{room}\t{lines}\t{offer}"))?;
        Ok(answer.replace(NEW_LINE, "\r\n"))
    }

    pub fn figures(&mut self) -> Result<Figures, Box<dyn Error>> {
        let told = self.ask("figures")?;
        let mut numbers = told.split(' ').map(str::parse);
        let mut next = || Ok::<f64, Box<dyn Error>>(numbers.next().ok_or("too few figures")??);
        Ok(Figures { cpu_s: next()? / 1e6, packets_out: next()?, memory: next()? })
    }

    fn ask(&mut self, line: &str) -> Result<String, Box<dyn Error>> {
        writeln!(self.to, "{line}")?;
        let mut answer = String::new();
        self.from.read_line(&mut answer)?;
        Ok(answer.trim_end_matches('\n').to_owned())
    }
}

impl Drop for MediaProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Is that process, until nobody asks any more.
pub fn serve(loops: usize) -> Result<(), Box<dyn Error>> {
    let (sender, mut events) = tokio::sync::mpsc::channel(1_024);
    let listen = "127.0.0.1:0".parse()?;
    let config = MediaConfig { listen, announce: Vec::new(), loops, load_max: 100 };
    let media = handle::start(config, sender, std::sync::mpsc::sync_channel(1).0)?;
    for line in std::io::stdin().lines() {
        let line = line?;
        // Events of the media that flows are nobody's.
        while events.try_recv().is_ok() {}
        let answer = match line.splitn(4, '\t').collect::<Vec<_>>()[..] {
            [peer, room, lines, offer] => {
                let room: u64 = room.parse()?;
                let at = room as usize % loops;
                negotiate(&media, at, (PeerId(peer.parse()?), RoomId(room)), lines, offer)?;
                loop {
                    match events.blocking_recv().ok_or("the media loop ended")? {
                        Event::Answer { sdp, .. } => break sdp.replace("\r\n", "\u{1}"),
                        Event::Refused { reason, .. } => return Err(reason.into()),
                        _ => {}
                    }
                }
            }
            _ => {
                let of_port = media.port_figures().cpu_us.load(Relaxed);
                let loops = media.figures();
                let cpu_us = loops.iter().map(|it| it.cpu_us.load(Relaxed)).sum::<u64>();
                let out = loops.iter().map(|it| it.packets_out.load(Relaxed)).sum::<u64>();
                format!("{} {out} {}", of_port + cpu_us, memory()?)
            }
        };
        println!("{answer}");
    }
    Ok(())
}

fn negotiate(
    media: &MediaHandle,
    at: usize,
    (peer, room): (PeerId, RoomId),
    lines: &str,
    offer: &str,
) -> Result<(), Box<dyn Error>> {
    let (mut send, mut receive) = (Vec::new(), Vec::new());
    for line in lines.split(',') {
        let [mid, stream, sends] = line.split(' ').collect::<Vec<_>>()[..] else {
            return Err("a line has three words".into());
        };
        let stream = StreamId(stream.parse()?);
        let mapping = Mapping { mid: mid.into(), stream, kind: Kind::Video };
        if sends.parse()? { send.push(mapping) } else { receive.push(mapping) }
    }
    let refused = |_| "the media loop takes no command";
    media.command(at, Command::Open { peer, room }).map_err(refused)?;
    let offer = offer.replace(NEW_LINE, "\r\n");
    let negotiate = Command::Negotiate { peer, ticket: 0, offer, send, receive };
    media.command(at, negotiate).map_err(refused)?;
    Ok(())
}

/// Bytes of this process that are in memory.
fn memory() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024)
}
