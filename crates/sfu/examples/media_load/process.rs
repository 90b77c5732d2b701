//! The media loop in a process of its own, so that its memory can be told from its clients'.
//!
//! One line in, one line out, over its standard input and output.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::Ordering::Relaxed;

use sfu::{Command, Event, Kind, Mapping, PeerId, RoomId, StreamId};

use crate::udp_loop::{self, MediaConfig, MediaHandle};

/// The program's only argument when it is that process.
pub const ARGUMENT: &str = "--media";
const NEW_LINE: char = '\u{1}';

/// A media line of a client, and what it is for.
pub struct Line {
    pub mid: String,
    pub stream: u64,
    pub sends: bool,
}

/// What the loop has done so far.
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
    pub fn start() -> Result<MediaProcess, Box<dyn Error>> {
        let mut program = std::process::Command::new(std::env::current_exe()?);
        program.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = program.spawn()?;
        let to = process.stdin.take().ok_or("no way in")?;
        let from = BufReader::new(process.stdout.take().ok_or("no way out")?);
        Ok(MediaProcess { process, to, from })
    }

    /// Has an offer answered.
    pub fn negotiate(
        &mut self,
        peer: u64,
        offer: &str,
        lines: &[Line],
    ) -> Result<String, Box<dyn Error>> {
        let lines =
            lines.iter().map(|Line { mid, stream, sends }| format!("{mid} {stream} {sends}"));
        let lines = lines.collect::<Vec<_>>().join(",");
        let offer = offer.replace("\r\n", &NEW_LINE.to_string());
        let answer = self.ask(&format!("{peer}\t{lines}\t{offer}"))?;
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
pub fn serve() -> Result<(), Box<dyn Error>> {
    let (sender, mut events) = tokio::sync::mpsc::channel(1_024);
    let config = MediaConfig { listen: "127.0.0.1:0".parse()?, announce: Vec::new() };
    let media = udp_loop::start(config, sender, std::sync::mpsc::sync_channel(1).0)?;
    for line in std::io::stdin().lines() {
        let line = line?;
        // Events of the media that flows are nobody's.
        while events.try_recv().is_ok() {}
        let answer = match line.splitn(3, '\t').collect::<Vec<_>>()[..] {
            [peer, lines, offer] => {
                negotiate(&media, PeerId(peer.parse()?), lines, offer)?;
                loop {
                    match events.blocking_recv().ok_or("the media loop ended")? {
                        Event::Answer { sdp, .. } => break sdp.replace("\r\n", "\u{1}"),
                        Event::Refused { reason, .. } => return Err(reason.into()),
                        _ => {}
                    }
                }
            }
            _ => {
                let figures = media.figures();
                let (cpu_us, out) = (&figures.cpu_us, &figures.packets_out);
                format!("{} {} {}", cpu_us.load(Relaxed), out.load(Relaxed), memory()?)
            }
        };
        println!("{answer}");
    }
    Ok(())
}

fn negotiate(
    media: &MediaHandle,
    peer: PeerId,
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
    media.command(Command::Open { peer, room: RoomId(1) }).map_err(refused)?;
    let offer = offer.replace(NEW_LINE, "\r\n");
    media.command(Command::Negotiate { peer, ticket: 0, offer, send, receive }).map_err(refused)?;
    Ok(())
}

/// Bytes of this process that are in memory.
fn memory() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024)
}
