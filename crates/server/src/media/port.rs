//! The thread that reads the one port of several loops: each datagram goes to the loop where its peer
//! lives.
//!
//! Which one that is, loops say themselves ([`Routes`]) before anybody can send them anything: the
//! fragment of a peer before its answer leaves, its address before the response to its binding
//! request. So no datagram comes too early. Relies on [`Queue`] never to wait: a loop that sends a key
//! frame to a thousand viewers, or stands still, keeps nothing from the others.

use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;

use mio::{Events, Poll, Token, Waker};
use sfu::{Demux, Route};

use super::load::Meter;
use super::queue::{Batch, Queue};
use super::socket::{MediaReceiver, MediaSocket};

/// Which loop a datagram is for.
#[derive(Debug, Default)]
pub struct Routes(RwLock<Demux<usize>>);

impl Routes {
    /// From now on these datagrams are for this loop.
    pub fn claim(&self, route: Route, at: usize) {
        // Peers prove their address every few seconds, and it is nearly always the same.
        if !self.read().is_of(&route, at) {
            self.write().claim(route, at);
        }
    }

    /// They are not, unless another loop has claimed them since.
    pub fn release(&self, route: &Route, at: usize) {
        self.write().release(route, at);
    }

    /// Nothing is for this loop.
    pub fn release_all(&self, at: usize) {
        self.write().release_all(at);
    }

    fn find(&self, source: SocketAddr, datagram: &[u8]) -> Option<usize> {
        self.read().find(source, datagram).0
    }

    fn read(&self) -> RwLockReadGuard<'_, Demux<usize>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Demux<usize>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread did, since its start.
#[derive(Debug, Default)]
pub struct PortFigures {
    /// Datagrams that were for no loop.
    pub foreign: AtomicU64,
    /// Processor time of the thread, microseconds; 0 where the system does not say.
    pub cpu_us: AtomicU64,
    /// It does not keep up with more.
    pub full: AtomicBool,
}

/// The running thread.
pub struct PortThread {
    ends: Arc<AtomicBool>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

struct Port {
    receiver: MediaReceiver,
    routes: Arc<Routes>,
    queues: Vec<Arc<Queue>>,
    /// What goes into each queue when the batch is read.
    sorted: Vec<Batch>,
    figures: Arc<PortFigures>,
}

const SOCKET: Token = Token(0);
const WAKE: Token = Token(1);

/// What polls the port.
pub fn poll(socket: &mut MediaSocket) -> io::Result<Poll> {
    let poll = Poll::new()?;
    socket.register(&poll, SOCKET)?;
    Ok(poll)
}

impl PortThread {
    /// Starts to read.
    pub fn start(
        poll: Poll,
        receiver: MediaReceiver,
        routes: Arc<Routes>,
        queues: Vec<Arc<Queue>>,
        figures: Arc<PortFigures>,
        load_max: u32,
    ) -> io::Result<PortThread> {
        let waker = Waker::new(poll.registry(), WAKE)?;
        let ends = Arc::new(AtomicBool::new(false));
        let ended = ends.clone();
        let sorted = queues.iter().map(|_| Batch::default()).collect();
        let mut port = Port { receiver, routes, queues, sorted, figures };
        let thread = std::thread::Builder::new().name("media-port".into()).spawn(move || {
            let (mut poll, mut meter) = (poll, Meter::of_this_thread(load_max));
            // A panic here is a bug that one datagram found; all loops depend on the next ones.
            while catch_unwind(AssertUnwindSafe(|| port.run(&mut poll, &mut meter, &ended)))
                .is_err()
            {
                tracing::error!("the thread of the media port had panicked, and goes on");
            }
        })?;
        Ok(PortThread { ends, waker, thread: Some(thread) })
    }
}

impl Drop for PortThread {
    fn drop(&mut self) {
        self.ends.store(true, Relaxed);
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Port {
    fn run(&mut self, poll: &mut Poll, meter: &mut Meter, ended: &AtomicBool) {
        let mut ready = Events::with_capacity(8);
        loop {
            // Readiness is told once: what waits has to be taken to its end.
            let received = self.receive();
            if let Some((cpu_us, load)) = meter.look() {
                self.figures.cpu_us.store(cpu_us, Relaxed);
                self.figures.full.store(load.is_full(), Relaxed);
            }
            if received {
                continue;
            }
            if ended.load(Relaxed) {
                return;
            }
            match poll.poll(&mut ready, Some(super::load::LOOK_EVERY)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::error!(%error, "the media port cannot be waited for any more");
                    self.figures.full.store(true, Relaxed);
                    return;
                }
            }
        }
    }

    /// Sorts one batch; `false` when nothing waited.
    fn receive(&mut self) -> bool {
        let Port { receiver, routes, queues, sorted, figures } = self;
        let received =
            receiver.receive(|source, destination, bytes| match routes.find(source, bytes) {
                Some(at) => sorted[at].push(source, destination, bytes),
                None => drop(figures.foreign.fetch_add(1, Relaxed)),
            });
        for (queue, batch) in queues.iter().zip(sorted) {
            if !batch.is_empty() {
                queue.put(batch);
            }
        }
        received.unwrap_or_else(|error| {
            tracing::warn!(%error, "the media socket cannot be read");
            false
        })
    }
}
