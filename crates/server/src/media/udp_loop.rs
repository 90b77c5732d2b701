//! The media loop: one thread that owns the UDP port and the SFU.
//!
//! Receives a batch, feeds it, performs what the SFU asks, waits. Commands come over a bounded
//! queue, events leave over one; neither waits for the other, so hub and media cannot block each
//! other. Promises that a command taken is performed in order, and that no event but a notice of
//! who talks is lost.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};
use sfu::{Command, Event, Input, Output, Recorded, Sfu};
use tokio::sync::mpsc;
use wire::limits::{MEDIA_COMMANDS_MAX, MEDIA_EVENTS_MAX};

use super::load::Load;
use super::recorder_queue::RecorderQueue;
use super::socket::MediaSocket;

/// How the media loop is reached.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// The UDP port of all media; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The addresses at which clients reach that port, each with port 0 or, when something in between
    /// turns one port into another, the outer one. Empty: those that can be found out, the one
    /// of the default route and the loopback.
    pub announce: Vec<SocketAddr>,
}

/// The running loop.
pub struct MediaHandle {
    commands: Option<SyncSender<Command>>,
    waker: Arc<Waker>,
    local_addr: SocketAddr,
    candidates: Vec<SocketAddr>,
    figures: Arc<Figures>,
    thread: Option<JoinHandle<()>>,
}

/// What went through the loop since its start, for metrics.
#[derive(Debug, Default)]
pub struct Figures {
    /// Datagrams that some peer took.
    pub received: AtomicU64,
    /// Datagrams that were nobody's.
    pub foreign: AtomicU64,
    /// RTP packets of publishers.
    pub packets_in: AtomicU64,
    /// RTP packets to subscribers.
    pub packets_out: AtomicU64,
    /// Datagrams the kernel did not take.
    pub dropped: AtomicU64,
    /// Peers now.
    pub peers: AtomicU64,
    /// Processor time of the thread, microseconds; 0 where the system does not say.
    pub cpu_us: AtomicU64,
    /// Of a core, percent, over the last seconds.
    pub load_percent: AtomicU64,
    /// Nobody more should come.
    pub full: AtomicBool,
}

/// Binds the port and starts the thread. What is recorded goes to `recorder`.
pub fn start(
    config: MediaConfig,
    events: mpsc::Sender<Event>,
    recorder: SyncSender<Recorded>,
) -> io::Result<MediaHandle> {
    let mut socket = MediaSocket::bind(config.listen)?;
    let local_addr = socket.socket.local_addr()?;
    let poll = Poll::new()?;
    poll.registry().register(&mut socket.socket, SOCKET, Interest::READABLE)?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
    let (commands, waiting) = sync_channel(MEDIA_COMMANDS_MAX);
    let figures = Arc::new(Figures::default());
    let candidates = candidates(&config, local_addr);
    tracing::info!(port = local_addr.port(), candidates = candidates.len(), "media is ready");
    let media = MediaLoop {
        sfu: Sfu::new(Instant::now(), sfu::Config { candidates: candidates.clone() }),
        socket,
        port: local_addr.port(),
        commands: waiting,
        events,
        undelivered: VecDeque::new(),
        recorder: RecorderQueue::new(recorder),
        figures: figures.clone(),
    };
    let thread = std::thread::Builder::new().name("media".into()).spawn(move || media.run(poll))?;
    let (commands, thread) = (Some(commands), Some(thread));
    Ok(MediaHandle { commands, waker, local_addr, candidates, figures, thread })
}

impl MediaHandle {
    /// Has the SFU do something, in order. Never waits: a command for which there is no room is
    /// handed back.
    pub fn command(&self, command: Command) -> Result<(), Command> {
        let Some(commands) = &self.commands else { return Err(command) };
        match commands.try_send(command) {
            Ok(()) => {
                // A loop that cannot be woken has ended, which the next command finds out.
                let _ = self.waker.wake();
                Ok(())
            }
            Err(TrySendError::Full(command) | TrySendError::Disconnected(command)) => Err(command),
        }
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Where clients are told that it is.
    pub fn candidates(&self) -> &[SocketAddr] {
        &self.candidates
    }

    /// What went through.
    pub fn figures(&self) -> &Arc<Figures> {
        &self.figures
    }

    /// Performs the commands that wait, then ends the thread.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.commands = None;
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the media loop had panicked");
        }
    }
}

impl Drop for MediaHandle {
    fn drop(&mut self) {
        self.end();
    }
}

const SOCKET: Token = Token(0);
const WAKE: Token = Token(1);

struct MediaLoop {
    sfu: Sfu,
    socket: MediaSocket,
    port: u16,
    commands: Receiver<Command>,
    events: mpsc::Sender<Event>,
    undelivered: VecDeque<Event>,
    recorder: RecorderQueue,
    figures: Arc<Figures>,
}

impl MediaLoop {
    fn run(mut self, mut poll: Poll) {
        /// How soon a full queue of events is tried again.
        const RETRY: Duration = Duration::from_millis(5);
        /// How often the thread looks at its own processor time.
        const CPU_EVERY: Duration = Duration::from_millis(500);
        let schedstat = own_schedstat();
        let mut cpu_at = Instant::now();
        let mut load = Load::default();
        let mut ready = Events::with_capacity(8);
        let mut deadline = None;
        loop {
            let now = Instant::now();
            let mut timeout = deadline.map(|at: Instant| at.saturating_duration_since(now));
            if !self.undelivered.is_empty() || self.recorder.is_behind() {
                timeout = Some(timeout.map_or(RETRY, |timeout| timeout.min(RETRY)));
            }
            match poll.poll(&mut ready, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::error!(%error, "the media loop cannot wait any more");
                    return;
                }
            }
            // Readiness is told once: what waits has to be taken to its end.
            loop {
                let goes_on = self.take_commands();
                let received = self.receive();
                self.sfu.handle_input(Instant::now(), Input::Tick);
                deadline = self.perform();
                self.publish_figures();
                let passed = cpu_at.elapsed();
                if passed >= CPU_EVERY {
                    cpu_at = Instant::now();
                    let cpu_us = schedstat.as_ref().and_then(processor_time_us).unwrap_or(0);
                    let before = self.figures.cpu_us.swap(cpu_us, Relaxed);
                    load.on_look(passed, Duration::from_micros(cpu_us.saturating_sub(before)));
                    self.figures.load_percent.store(load.percent(), Relaxed);
                    self.figures.full.store(load.is_full(), Relaxed);
                }
                if !goes_on {
                    return;
                }
                if !received {
                    break;
                }
            }
        }
    }

    /// `false` when no more will come.
    fn take_commands(&mut self) -> bool {
        while self.undelivered.len() < MEDIA_EVENTS_MAX {
            match self.commands.try_recv() {
                Ok(command) => self.sfu.handle_input(Instant::now(), Input::Command(command)),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        true
    }

    /// Feeds one batch; `false` when nothing waited.
    fn receive(&mut self) -> bool {
        let now = Instant::now();
        let MediaLoop { sfu, socket, port, .. } = self;
        let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), *port);
        let received = socket.receive(*port, |source, destination, bytes| {
            let destination = destination.unwrap_or(nowhere);
            sfu.handle_input(now, Input::Datagram { source, destination, bytes });
        });
        received.unwrap_or_else(|error| {
            tracing::warn!(%error, "the media socket cannot be read");
            false
        })
    }

    /// Does what the SFU asks; answers when it wants to be looked at again.
    fn perform(&mut self) -> Option<Instant> {
        let deadline = loop {
            match self.sfu.poll_output() {
                Output::Transmit(transmit) => {
                    self.socket.send(transmit.destination, &transmit.bytes);
                }
                Output::Event(event) => {
                    let droppable = matches!(event, Event::Talking { .. } | Event::Speakers { .. });
                    if !droppable || self.undelivered.len() < MEDIA_EVENTS_MAX {
                        self.undelivered.push_back(event);
                    }
                }
                Output::Recorded(recorded) => self.recorder.take(recorded),
                Output::Wait(deadline) => break deadline,
            }
        };
        self.recorder.catch_up();
        self.socket.flush();
        while let Some(event) = self.undelivered.pop_front() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(event)) => {
                    self.undelivered.push_front(event);
                    break;
                }
                // Nobody listens when the server stops.
                Err(mpsc::error::TrySendError::Closed(_)) => {}
            }
        }
        deadline
    }

    fn publish_figures(&self) {
        let counters = self.sfu.counters();
        let Figures { received, foreign, packets_in, packets_out, dropped, peers, .. } =
            &*self.figures;
        received.store(counters.received, Relaxed);
        foreign.store(counters.foreign, Relaxed);
        packets_in.store(counters.packets_in, Relaxed);
        packets_out.store(counters.packets_out, Relaxed);
        dropped.store(self.socket.dropped, Relaxed);
        peers.store(self.sfu.population().0 as u64, Relaxed);
    }
}

/// The addresses clients are told.
fn candidates(config: &MediaConfig, local: SocketAddr) -> Vec<SocketAddr> {
    let mut addresses = config.announce.clone();
    if addresses.is_empty() {
        if local.ip().is_unspecified() {
            addresses.extend(default_route_address().map(|ip| SocketAddr::new(ip, 0)));
            addresses.push((Ipv4Addr::LOCALHOST, 0).into());
        } else {
            addresses.push(local);
        }
    }
    let mut candidates: Vec<SocketAddr> = Vec::new();
    for address in addresses {
        let port = if address.port() == 0 { local.port() } else { address.port() };
        let candidate = SocketAddr::new(address.ip(), port);
        if !candidates.contains(&candidate) {
            candidates.push(candidate);
        }
    }
    candidates
}

/// This machine's address towards the network: asks the routing table, sends nothing.
fn default_route_address() -> Option<IpAddr> {
    const DOCUMENTATION: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(DOCUMENTATION).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// Where Linux tells the processor time of the calling thread.
fn own_schedstat() -> Option<PathBuf> {
    let thread = std::fs::read_link("/proc/thread-self").ok()?;
    Some(PathBuf::from("/proc").join(thread).join("schedstat"))
}

fn processor_time_us(schedstat: &PathBuf) -> Option<u64> {
    let text = std::fs::read_to_string(schedstat).ok()?;
    let nanoseconds: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sfu::{PeerId, RoomId};

    fn media(events: usize) -> (MediaHandle, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::channel(events);
        let listen = "127.0.0.1:0".parse().unwrap();
        let (recorder, _) = sync_channel(1);
        (start(MediaConfig { listen, announce: Vec::new() }, sender, recorder).unwrap(), receiver)
    }

    #[test]
    fn commands_are_performed_in_order_and_answered() {
        let (media, mut events) = media(16);
        let peer = PeerId(1);
        media.command(Command::Open { peer, room: RoomId(1) }).unwrap();
        let (offer, send, receive) = ("no".to_owned(), Vec::new(), Vec::new());
        media.command(Command::Negotiate { peer, ticket: 5, offer, send, receive }).unwrap();
        media.command(Command::Close { peer }).unwrap();
        assert!(matches!(events.blocking_recv(), Some(Event::Refused { ticket: 5, .. })));
        assert_eq!(events.blocking_recv(), Some(Event::Closed { peer }));
        media.stop();
        assert_eq!(events.blocking_recv(), None);
    }

    #[test]
    fn what_is_commanded_before_the_stop_is_done_before_it() {
        let (media, mut events) = media(2_000);
        for peer in 0..1_000 {
            media.command(Command::Close { peer: PeerId(peer) }).unwrap();
        }
        media.stop();
        for peer in 0..1_000 {
            assert_eq!(events.blocking_recv(), Some(Event::Closed { peer: PeerId(peer) }));
        }
    }

    #[test]
    fn a_server_that_does_not_listen_gets_every_event_later() {
        let (media, mut events) = media(1);
        for peer in 0..500 {
            media.command(Command::Close { peer: PeerId(peer) }).unwrap();
        }
        for peer in 0..500 {
            assert_eq!(events.blocking_recv(), Some(Event::Closed { peer: PeerId(peer) }));
        }
    }

    #[test]
    fn foreign_datagrams_are_counted() {
        let (media, events) = media(16);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for length in 1..=100 {
            socket.send_to(&vec![0x80; length], media.local_addr()).unwrap();
        }
        let patience = Instant::now() + Duration::from_secs(10);
        while media.figures().foreign.load(Relaxed) < 100 {
            assert!(Instant::now() < patience, "{:?}", media.figures());
            std::thread::yield_now();
        }
        drop(events);
    }
}
