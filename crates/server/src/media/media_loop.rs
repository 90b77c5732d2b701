//! A media loop: one thread with its own SFU, for the rooms that the hub has put there.
//!
//! Receives a batch, feeds it, performs what the SFU asks, waits. Commands come over a bounded
//! queue, events leave over one; neither waits for the other, so hub and media cannot block each
//! other. Promises that a command taken is performed in order, that no event but a notice of
//! who talks is lost, and that a panic costs the peers of this loop their connection and nobody
//! anything else.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use sfu::{Command, Event, Input, Output, Recorded, Sfu};
use tokio::sync::mpsc;
use wire::limits::{MEDIA_COMMANDS_MAX, MEDIA_EVENTS_MAX};

use super::figures::Figures;
use super::load::Meter;
use super::port::Routes;
use super::queue::QueueReceiver;
use super::recorder_queue::RecorderQueue;
use super::socket::{MediaReceiver, MediaSender};
use super::standing::Standing;

use std::sync::atomic::Ordering::Relaxed;

/// From where a loop has its datagrams.
pub enum Inlet {
    /// From the socket itself: it is the only loop.
    Port(MediaReceiver),
    /// From the thread that reads the socket for several, which knows by the routes that they are for
    /// this one.
    Queue {
        /// What it was given.
        queue: QueueReceiver,
        /// What is for whom.
        routes: Arc<Routes>,
        /// Its own number.
        at: usize,
    },
}

/// What a loop works with.
pub struct Setup {
    /// Woken when a command or a datagram waits; the socket is registered with it if the loop reads
    /// that itself.
    pub poll: Poll,
    pub waker: Arc<Waker>,
    pub inlet: Inlet,
    pub sender: MediaSender,
    pub candidates: Vec<SocketAddr>,
    /// Percent of its core, from which on it has no room for more.
    pub load_max: u32,
    pub events: mpsc::Sender<Event>,
    pub recorder: SyncSender<Recorded>,
}

/// A running loop.
pub struct LoopHandle {
    commands: Option<SyncSender<Command>>,
    waker: Arc<Waker>,
    pub figures: Arc<Figures>,
    thread: Option<JoinHandle<()>>,
}

/// Tells a loop that a command or a datagram waits.
pub const WAKE: Token = Token(1);

impl LoopHandle {
    /// Starts the thread.
    pub fn start(name: String, setup: Setup) -> io::Result<LoopHandle> {
        let Setup { mut poll, waker, inlet, sender, candidates, load_max, events, recorder } =
            setup;
        let (commands, waiting) = sync_channel(MEDIA_COMMANDS_MAX);
        let figures = Arc::new(Figures::default());
        let config = sfu::Config { candidates };
        let media = MediaLoop {
            sfu: Sfu::new(Instant::now(), config.clone()),
            config,
            inlet,
            sender,
            commands: waiting,
            events,
            undelivered: VecDeque::new(),
            recorder: RecorderQueue::new(recorder),
            standing: Standing::default(),
            figures: figures.clone(),
        };
        let thread = std::thread::Builder::new().name(name);
        let thread = thread.spawn(move || {
            let mut meter = Meter::of_this_thread(load_max);
            media.run(|media| media.serve(&mut poll, &mut meter));
        })?;
        let (commands, thread) = (Some(commands), Some(thread));
        Ok(LoopHandle { commands, waker, figures, thread })
    }

    /// See [`MediaHandle::command`](super::MediaHandle::command).
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
}

impl Drop for LoopHandle {
    /// Performs the commands that wait, then ends the thread.
    fn drop(&mut self) {
        self.commands = None;
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a media loop had panicked");
        }
    }
}

struct MediaLoop {
    sfu: Sfu,
    config: sfu::Config,
    inlet: Inlet,
    sender: MediaSender,
    commands: Receiver<Command>,
    events: mpsc::Sender<Event>,
    undelivered: VecDeque<Event>,
    recorder: RecorderQueue,
    standing: Standing,
    figures: Arc<Figures>,
}

impl MediaLoop {
    /// Works until it is told to end, also after a panic.
    fn run(mut self, mut work: impl FnMut(&mut MediaLoop)) {
        while catch_unwind(AssertUnwindSafe(|| work(&mut self))).is_err() {
            self.begin_anew();
        }
    }

    /// The SFU cannot be trusted any more: another one takes its place. Clients are told that their
    /// connection is gone, and come again.
    fn begin_anew(&mut self) {
        let (lost, standing) = self.standing.begin_anew();
        tracing::error!(peers = lost.len(), "a media loop had panicked, and begins anew");
        self.figures.restarts.fetch_add(1, Relaxed);
        self.inlet.release_all();
        self.sfu = Sfu::new(Instant::now(), self.config.clone());
        self.undelivered.extend(lost);
        for command in standing {
            self.sfu.handle_input(Instant::now(), Input::Command(command));
        }
    }

    fn serve(&mut self, poll: &mut Poll, meter: &mut Meter) {
        /// How soon a full queue of events is tried again.
        const RETRY: Duration = Duration::from_millis(5);
        /// How often it shows that it is alive when there is nothing to do.
        const IDLE: Duration = Duration::from_secs(1);
        let mut ready = Events::with_capacity(8);
        loop {
            // Readiness is told once: what waits has to be taken to its end.
            let deadline = loop {
                let goes_on = self.take_commands();
                let received = self.receive();
                self.sfu.handle_input(Instant::now(), Input::Tick);
                let deadline = self.perform();
                self.publish_figures();
                if let Some((cpu_us, load)) = meter.look() {
                    self.figures.cpu_us.store(cpu_us, Relaxed);
                    self.figures.load_percent.store(load.percent(), Relaxed);
                    self.figures.full.store(load.is_full(), Relaxed);
                }
                if !goes_on {
                    return;
                }
                if !received {
                    break deadline;
                }
            };
            let now = Instant::now();
            let until = deadline.map(|at: Instant| at.saturating_duration_since(now));
            let mut timeout = until.map_or(IDLE, |until| until.min(IDLE));
            if !self.undelivered.is_empty() || self.recorder.is_behind() {
                timeout = timeout.min(RETRY);
            }
            match poll.poll(&mut ready, Some(timeout)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::error!(%error, "a media loop cannot wait any more");
                    return;
                }
            }
        }
    }

    /// `false` when no more will come.
    fn take_commands(&mut self) -> bool {
        while self.undelivered.len() < MEDIA_EVENTS_MAX {
            match self.commands.try_recv() {
                Ok(command) => {
                    self.standing.on_command(&command);
                    self.sfu.handle_input(Instant::now(), Input::Command(command));
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        true
    }

    /// Feeds one batch; `false` when nothing waited.
    fn receive(&mut self) -> bool {
        let now = Instant::now();
        let MediaLoop { sfu, inlet, .. } = self;
        let received = inlet.receive(|source, destination, bytes| {
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
                    self.sender.send(transmit.destination, &transmit.bytes);
                }
                Output::Event(event) => {
                    let droppable = matches!(event, Event::Talking { .. } | Event::Speakers { .. });
                    if !droppable || self.undelivered.len() < MEDIA_EVENTS_MAX {
                        self.undelivered.push_back(event);
                    }
                }
                Output::Claim(route) => self.inlet.claim(route),
                Output::Release(route) => self.inlet.release(&route),
                Output::Recorded(recorded) => self.recorder.take(recorded),
                Output::Wait(deadline) => break deadline,
            }
        };
        self.recorder.catch_up();
        self.sender.flush();
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
        let figures = &*self.figures;
        figures.turns.fetch_add(1, Relaxed);
        figures.received.store(counters.received, Relaxed);
        figures.foreign.store(counters.foreign, Relaxed);
        figures.packets_in.store(counters.packets_in, Relaxed);
        figures.packets_out.store(counters.packets_out, Relaxed);
        figures.dropped.store(self.sender.dropped + self.inlet.dropped(), Relaxed);
        figures.peers.store(self.sfu.population().0 as u64, Relaxed);
    }
}

impl Inlet {
    fn receive(&mut self, take: impl FnMut(SocketAddr, SocketAddr, &[u8])) -> io::Result<bool> {
        match self {
            Inlet::Port(receiver) => receiver.receive(take),
            Inlet::Queue { queue, .. } => Ok(queue.receive(take)),
        }
    }

    /// Who reads the socket itself gets everything anyway.
    fn claim(&self, route: sfu::Route) {
        if let Inlet::Queue { routes, at, .. } = self {
            routes.claim(route, *at);
        }
    }

    fn release(&self, route: &sfu::Route) {
        if let Inlet::Queue { routes, at, .. } = self {
            routes.release(route, *at);
        }
    }

    fn release_all(&self) {
        if let Inlet::Queue { routes, at, .. } = self {
            routes.release_all(*at);
        }
    }

    /// Datagrams that found no room on their way to the loop.
    fn dropped(&self) -> u64 {
        match self {
            Inlet::Port(_) => 0,
            Inlet::Queue { queue, .. } => queue.dropped(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sfu::{Kind, PeerId, RoomId, StreamId};

    #[test]
    fn after_a_panic_peers_are_told_and_what_was_kept_back_stays_kept_back() {
        let (commands, waiting) = sync_channel(8);
        let (events, mut told) = mpsc::channel(8);
        let (poll, queue_poll) = (Poll::new().unwrap(), Poll::new().unwrap());
        let waker = Arc::new(Waker::new(queue_poll.registry(), WAKE).unwrap());
        let socket = super::super::socket::MediaSocket::bind("127.0.0.1:0".parse().unwrap());
        let config = sfu::Config { candidates: Vec::new() };
        let routes = Arc::new(Routes::default());
        let queue = QueueReceiver::new(super::super::queue::Queue::new(waker));
        let media = MediaLoop {
            sfu: Sfu::new(Instant::now(), config.clone()),
            config,
            inlet: Inlet::Queue { queue, routes, at: 0 },
            sender: MediaSender::new(Arc::new(socket.unwrap())),
            commands: waiting,
            events,
            undelivered: VecDeque::new(),
            recorder: RecorderQueue::new(sync_channel(1).0),
            standing: Standing::default(),
            figures: Arc::default(),
        };
        let figures = media.figures.clone();
        let [here, gone] = [1, 2].map(PeerId);
        let [muted, stopped, heard] = [1, 2, 3].map(StreamId);
        let pause = |stream, paused| Command::Pause { stream, kind: Kind::Audio, paused };
        for command in [
            Command::Open { peer: here, room: RoomId(1) },
            Command::Open { peer: gone, room: RoomId(1) },
            Command::Close { peer: gone },
            pause(muted, true),
            pause(stopped, true),
            Command::StopStream { stream: stopped },
            pause(heard, true),
            pause(heard, false),
        ] {
            commands.send(command).unwrap();
        }
        let (mut poll, mut meter, mut turn) = (poll, Meter::of_this_thread(80), 0);
        let mut commands = Some(commands);
        media.run(|media| {
            turn += 1;
            if turn == 1 {
                media.take_commands();
                assert_eq!(media.sfu.population(), (1, 1));
                panic!("a bug of this test");
            }
            assert_eq!(media.sfu.population(), (0, 1), "no peer, and the muted stream");
            commands.take().map(|commands| commands.send(pause(muted, false)));
            media.serve(&mut poll, &mut meter);
            assert_eq!(media.sfu.population(), (0, 0), "it serves again");
        });
        let told: Vec<_> = std::iter::from_fn(|| told.blocking_recv()).collect();
        // What the SFU had not said yet is gone with it.
        assert_eq!(told, [Event::Disconnected { peer: here }]);
        assert_eq!(figures.restarts.load(Relaxed), 1);
    }
}
