//! The media server of the process: the port, its loops, and how they are reached.
//!
//! One loop reads the port itself. Several have a thread that reads it for them ([`port`](super::port));
//! all send through the one socket. Relies on the hub to name the loop with each command, and never two
//! for one room.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::SyncSender;

use mio::{Poll, Waker};
use sfu::{Command, Event, Recorded};
use tokio::sync::mpsc;
use wire::limits::MEDIA_LOOPS_MAX;

use super::figures::Figures;
use super::media_loop::{Inlet, LoopHandle, Setup, WAKE};
use super::port::{self, PortFigures, PortThread, Routes};
use super::queue::{Queue, QueueReceiver};
use super::socket::{MediaReceiver, MediaSender, MediaSocket};

/// How the media server is reached, and how much it may use.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// The UDP port of all media; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The addresses at which clients reach that port, each with port 0 or, when something in between
    /// turns one port into another, the outer one. Empty: those that can be found out, the one
    /// of the default route and the loopback.
    pub announce: Vec<SocketAddr>,
    /// How many loops, each with a core of its own; at least one.
    pub loops: usize,
    /// Percent of its core, from which on a loop takes nobody more.
    pub load_max: u32,
}

/// The running media server.
pub struct MediaHandle {
    /// Before the port: they say goodbye through it.
    loops: Vec<LoopHandle>,
    _port: Option<PortThread>,
    port_figures: Arc<PortFigures>,
    local_addr: SocketAddr,
    candidates: Vec<SocketAddr>,
}

/// Binds the port and starts the threads. What is recorded goes to `recorder`.
pub fn start(
    config: MediaConfig,
    events: mpsc::Sender<Event>,
    recorder: SyncSender<Recorded>,
) -> io::Result<MediaHandle> {
    let mut socket = MediaSocket::bind(config.listen)?;
    let local_addr = socket.local_addr()?;
    let candidates = candidates(&config, local_addr);
    let count = config.loops.clamp(1, MEDIA_LOOPS_MAX);
    let mut port_poll = Some(port::poll(&mut socket)?);
    let socket = Arc::new(socket);
    let routes = Arc::new(Routes::default());
    let port_figures = Arc::new(PortFigures::default());
    let (mut loops, mut queues) = (Vec::new(), Vec::new());
    for at in 0..count {
        let own = if count == 1 { port_poll.take() } else { None };
        let reads = own.is_some();
        let poll = own.map_or_else(Poll::new, Ok)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let inlet = if reads {
            Inlet::Port(MediaReceiver::new(socket.clone()))
        } else {
            let queue = Queue::new(waker.clone());
            queues.push(queue.clone());
            Inlet::Queue { queue: QueueReceiver::new(queue), routes: routes.clone(), at }
        };
        let setup = Setup {
            poll,
            waker,
            inlet,
            sender: MediaSender::new(socket.clone()),
            candidates: candidates.clone(),
            load_max: config.load_max,
            events: events.clone(),
            recorder: recorder.clone(),
        };
        loops.push(LoopHandle::start(format!("media-{at}"), setup)?);
    }
    let port = match port_poll {
        Some(poll) => {
            let receiver = MediaReceiver::new(socket);
            let (figures, load_max) = (port_figures.clone(), config.load_max);
            Some(PortThread::start(poll, receiver, routes, queues, figures, load_max)?)
        }
        None => None,
    };
    let (port_number, addresses) = (local_addr.port(), candidates.len());
    tracing::info!(port = port_number, candidates = addresses, loops = count, "media is ready");
    Ok(MediaHandle { loops, _port: port, port_figures, local_addr, candidates })
}

impl MediaHandle {
    /// Has the SFU of a loop do something, in order. Never waits: a command for which there is no room is
    /// handed back.
    pub fn command(&self, at: usize, command: Command) -> Result<(), Command> {
        match self.loops.get(at) {
            Some(media) => media.command(command),
            None => Err(command),
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

    /// What went through each loop.
    pub fn figures(&self) -> Vec<Arc<Figures>> {
        self.loops.iter().map(|media| media.figures.clone()).collect()
    }

    /// How busy each loop is, percent of its core, and whether nobody more should come to it.
    pub fn loads(&self) -> Vec<(u32, bool)> {
        let port_full = self.port_figures.full.load(Relaxed);
        let load = |media: &LoopHandle| {
            let figures = &media.figures;
            (figures.load_percent.load(Relaxed) as u32, port_full || figures.is_full())
        };
        self.loops.iter().map(load).collect()
    }

    /// What the thread did that reads the port for several loops.
    pub fn port_figures(&self) -> &Arc<PortFigures> {
        &self.port_figures
    }

    /// Performs the commands that wait, then ends the threads.
    pub fn stop(self) {}
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

#[cfg(test)]
mod tests {
    use super::*;
    use sfu::{PeerId, RoomId};
    use std::sync::mpsc::sync_channel;
    use std::time::{Duration, Instant};

    fn media(loops: usize, events: usize) -> (MediaHandle, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::channel(events);
        let (listen, announce) = ("127.0.0.1:0".parse().unwrap(), Vec::new());
        let (recorder, _) = sync_channel(1);
        let config = MediaConfig { listen, announce, loops, load_max: 80 };
        (start(config, sender, recorder).unwrap(), receiver)
    }

    #[test]
    fn commands_are_performed_in_order_and_answered() {
        for (loops, at) in [(1, 0), (2, 0), (2, 1)] {
            let (media, mut events) = media(loops, 16);
            let peer = PeerId(1);
            media.command(at, Command::Open { peer, room: RoomId(1) }).unwrap();
            let (offer, send, receive) = ("no".to_owned(), Vec::new(), Vec::new());
            media
                .command(at, Command::Negotiate { peer, ticket: 5, offer, send, receive })
                .unwrap();
            media.command(at, Command::Close { peer }).unwrap();
            assert!(media.command(loops, Command::Close { peer }).is_err(), "no such loop");
            assert!(matches!(events.blocking_recv(), Some(Event::Refused { ticket: 5, .. })));
            assert_eq!(events.blocking_recv(), Some(Event::Closed { peer }));
            media.stop();
            assert_eq!(events.blocking_recv(), None);
        }
    }

    #[test]
    fn what_is_commanded_before_the_stop_is_done_before_it() {
        let (media, mut events) = media(1, 2_000);
        for peer in 0..1_000 {
            media.command(0, Command::Close { peer: PeerId(peer) }).unwrap();
        }
        media.stop();
        for peer in 0..1_000 {
            assert_eq!(events.blocking_recv(), Some(Event::Closed { peer: PeerId(peer) }));
        }
    }

    #[test]
    fn a_server_that_does_not_listen_gets_every_event_later() {
        let (media, mut events) = media(1, 1);
        for peer in 0..500 {
            media.command(0, Command::Close { peer: PeerId(peer) }).unwrap();
        }
        for peer in 0..500 {
            assert_eq!(events.blocking_recv(), Some(Event::Closed { peer: PeerId(peer) }));
        }
    }

    #[test]
    fn foreign_datagrams_are_counted() {
        for loops in [1, 2] {
            let (media, events) = media(loops, 16);
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            for length in 1..=100 {
                socket.send_to(&vec![0x80; length], media.local_addr()).unwrap();
            }
            let patience = Instant::now() + Duration::from_secs(10);
            let foreign = || {
                let of_loops =
                    media.figures().iter().map(|it| it.foreign.load(Relaxed)).sum::<u64>();
                of_loops + media.port_figures().foreign.load(Relaxed)
            };
            while foreign() < 100 {
                assert!(Instant::now() < patience, "{:?}", media.figures());
                std::thread::yield_now();
            }
            drop(events);
        }
    }
}
