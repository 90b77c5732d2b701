//! The thread that reads the one port of several loops: each datagram goes to the loop where its peer
//! lives.
//!
//! Which one that is, loops say themselves ([`Routes`]) before anybody can send them anything: the
//! fragment of a peer before its answer leaves, its address before the response to its binding
//! request. So no datagram comes too early. Relies on [`Queue`] never to wait: a loop that sends a key
//! frame to a thousand viewers, or stands still, keeps nothing from the others.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;

use mio::{Events, Poll, Token, Waker};
use sfu::{Demux, Route};
use wire::limits::MEDIA_BATCH_MAX;

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

    fn find(&self, source: SocketAddr, datagram: &[u8]) -> (Option<usize>, bool) {
        self.read().find(source, datagram)
    }

    fn knows(&self, source: SocketAddr, at: usize) -> bool {
        self.read().is_of(&Route::Address(source), at)
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
    /// Addresses from which a peer was named that its loop has not claimed, the last ones.
    named: VecDeque<(SocketAddr, usize)>,
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
        let named = VecDeque::new();
        let mut port = Port { receiver, routes, queues, sorted, named, figures };
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
        let Port { receiver, routes, queues, sorted, named, figures } = self;
        let received = receiver.receive(|source, destination, bytes| {
            let (mut at, names_peer) = routes.find(source, bytes);
            match at {
                // A client that was given another address sends right behind its check from there.
                // Whether it is who it says the loop finds out, so nobody gains by saying it.
                Some(at) if names_peer && !routes.knows(source, at) => {
                    named.push_front((source, at));
                    named.truncate(MEDIA_BATCH_MAX);
                }
                None if !names_peer => {
                    let last = named.iter().find(|(address, _)| *address == source);
                    at = last.map(|(_, at)| *at);
                }
                _ => {}
            }
            match at {
                Some(at) => sorted[at].push(source, destination, bytes),
                None => {
                    figures.foreign.fetch_add(1, Relaxed);
                }
            }
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

#[cfg(test)]
mod tests {
    use super::super::queue::QueueReceiver;
    use super::*;
    use std::net::UdpSocket;
    use std::time::{Duration, Instant};

    /// A binding request that names the peer "ab".
    const CHECK: &[u8] = b"\0\x01\0\x0c\x21\x12\xa4\x42tttttttttttt\0\x06\0\x05ab:cd\0\0\0";
    const MEDIA: &[u8] = &[0x80; 40];

    #[test]
    fn what_comes_right_behind_a_check_goes_the_same_way_unless_the_address_is_anothers() {
        let socket = Arc::new(MediaSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap());
        let to = socket.local_addr().unwrap();
        let queue = || {
            let poll = Poll::new().unwrap();
            Queue::new(Arc::new(Waker::new(poll.registry(), WAKE).unwrap()))
        };
        let queues = vec![queue(), queue()];
        let mut loops: Vec<_> = queues.iter().cloned().map(QueueReceiver::new).collect();
        let mut port = Port {
            receiver: MediaReceiver::new(socket),
            routes: Arc::default(),
            queues,
            sorted: vec![Batch::default(), Batch::default()],
            named: VecDeque::new(),
            figures: Arc::default(),
        };
        let [moved, stranger, known] = [(); 3].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        port.routes.claim(Route::Fragment("ab".into()), 1);
        port.routes.claim(Route::Address(known.local_addr().unwrap()), 0);
        for (from, bytes) in [
            (&moved, MEDIA),
            (&moved, CHECK),
            (&moved, MEDIA),
            (&stranger, MEDIA),
            (&known, CHECK),
            (&known, MEDIA),
        ] {
            from.send_to(bytes, to).unwrap();
        }
        let mut arrived = [Vec::new(), Vec::new()];
        let patience = Instant::now() + Duration::from_secs(10);
        while arrived.iter().map(Vec::len).sum::<usize>() < 4 {
            assert!(Instant::now() < patience, "{arrived:?}");
            port.receive();
            for (arrived, queue) in arrived.iter_mut().zip(&mut loops) {
                while queue.receive(|source, _, bytes| arrived.push((source, bytes == CHECK))) {}
            }
        }
        let [moved, known] = [moved, known].map(|socket| socket.local_addr().unwrap());
        let of_one = vec![(moved, true), (moved, false), (known, true)];
        assert_eq!(arrived, [vec![(known, false)], of_one]);
        assert_eq!(port.figures.foreign.load(Relaxed), 2, "before the check, and the stranger's");
    }
}
