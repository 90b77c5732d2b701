//! Datagrams on their way from the port to a loop.
//!
//! Two batches take turns, one that is filled and one that is emptied, so that nothing is allocated
//! once they have grown. Promises order, and that a loop that does not keep up is in nobody's way: what
//! finds no room is dropped and counted, as the kernel does it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::Waker;
use wire::limits::{MEDIA_BATCH_MAX, MEDIA_SOCKET_BYTES};

/// Datagrams in the order in which they came.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    datagrams: Vec<Datagram>,
}

#[derive(Debug)]
struct Datagram {
    source: SocketAddr,
    destination: SocketAddr,
    /// In the bytes of the batch.
    end: usize,
}

/// What waits for a loop.
pub struct Queue {
    waiting: Mutex<Batch>,
    waker: Arc<Waker>,
    dropped: AtomicU64,
}

/// The loop's end of it.
pub struct QueueReceiver {
    queue: Arc<Queue>,
    taken: Batch,
    next: usize,
}

impl Batch {
    pub fn push(&mut self, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.datagrams.push(Datagram { source, destination, end: self.bytes.len() });
    }

    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.datagrams.clear();
    }

    fn append(&mut self, other: &mut Batch) {
        let begin = self.bytes.len();
        self.bytes.append(&mut other.bytes);
        let moved = |datagram: Datagram| Datagram { end: begin + datagram.end, ..datagram };
        self.datagrams.extend(other.datagrams.drain(..).map(moved));
    }

    fn get(&self, index: usize) -> (SocketAddr, SocketAddr, &[u8]) {
        let begin = index.checked_sub(1).map_or(0, |before| self.datagrams[before].end);
        let Datagram { source, destination, end } = self.datagrams[index];
        (source, destination, &self.bytes[begin..end])
    }

    /// Bytes of memory.
    fn size(&self) -> usize {
        self.bytes.len() + self.datagrams.len() * size_of::<Datagram>()
    }
}

impl Queue {
    /// An empty queue; whoever empties it is woken by this.
    pub fn new(waker: Arc<Waker>) -> Arc<Queue> {
        Arc::new(Queue { waiting: Mutex::default(), waker, dropped: AtomicU64::new(0) })
    }

    /// Adds what is in the batch, and empties that.
    pub fn put(&self, batch: &mut Batch) {
        let mut waiting = self.waiting();
        let is_first = waiting.is_empty();
        if is_first {
            std::mem::swap(&mut *waiting, batch);
        } else if waiting.size() + batch.size() <= MEDIA_SOCKET_BYTES {
            waiting.append(batch);
        } else {
            self.dropped.fetch_add(batch.datagrams.len() as u64, Relaxed);
        }
        drop(waiting);
        batch.clear();
        if is_first {
            // A loop that cannot be woken has ended; its queue fills and is counted.
            let _ = self.waker.wake();
        }
    }

    /// Datagrams for which there was no room.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    fn waiting(&self) -> MutexGuard<'_, Batch> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueueReceiver {
    pub fn new(queue: Arc<Queue>) -> QueueReceiver {
        QueueReceiver { queue, taken: Batch::default(), next: 0 }
    }

    /// Takes what waits, up to a batch, and hands on each datagram with where it came from and
    /// where it arrived. `false` when nothing waits.
    pub fn receive(&mut self, mut take: impl FnMut(SocketAddr, SocketAddr, &[u8])) -> bool {
        if self.next == self.taken.datagrams.len() {
            self.taken.clear();
            self.next = 0;
            std::mem::swap(&mut *self.queue.waiting(), &mut self.taken);
        }
        let end = self.taken.datagrams.len().min(self.next + MEDIA_BATCH_MAX);
        let waited = self.next < end;
        while self.next < end {
            let (source, destination, bytes) = self.taken.get(self.next);
            // First: one that causes a panic does not come again.
            self.next += 1;
            take(source, destination, bytes);
        }
        waited
    }

    /// Datagrams for which there was no room.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Poll, Token};

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn queue() -> Arc<Queue> {
        let poll = Poll::new().unwrap();
        Queue::new(Arc::new(Waker::new(poll.registry(), Token(0)).unwrap()))
    }

    #[test]
    fn datagrams_arrive_whole_in_order_with_where_they_came_from_whoever_is_faster() {
        let queue = queue();
        let mut receiver = QueueReceiver::new(queue.clone());
        let (mut batch, mut number, mut arrived) = (Batch::default(), 0, 0);
        for round in 0..50_u32 {
            for _ in 0..round % 7 {
                for _ in 0..round {
                    let bytes = vec![number as u8; usize::from(number % 1_300)];
                    batch.push(address(number), address(1), &bytes);
                    number += 1;
                }
                queue.put(&mut batch);
            }
            for _ in 0..round % 5 {
                receiver.receive(|source, destination, bytes| {
                    assert_eq!((source, destination), (address(arrived), address(1)));
                    assert_eq!(bytes, vec![arrived as u8; usize::from(arrived % 1_300)]);
                    arrived += 1;
                });
            }
        }
        while receiver.receive(|source, _, _| {
            assert_eq!(source, address(arrived));
            arrived += 1;
        }) {}
        assert_eq!((arrived, queue.dropped()), (number, 0));
    }

    #[test]
    fn a_loop_that_stands_still_keeps_what_has_room_and_the_rest_is_counted() {
        let (stuck, other) = (queue(), queue());
        let mut receiver = QueueReceiver::new(other.clone());
        let mut batch = Batch::default();
        let (mut put, mut arrived) = (0, 0);
        while stuck.dropped() < 100 {
            for queue in [&stuck, &other] {
                for _ in 0..10 {
                    batch.push(address(1), address(2), &[7; 1_200]);
                }
                queue.put(&mut batch);
            }
            put += 10;
            while receiver.receive(|_, _, _| arrived += 1) {}
        }
        assert_eq!((arrived, other.dropped()), (put, 0), "the other loop gets all");
        let mut kept = 0;
        let mut late = QueueReceiver::new(stuck.clone());
        while late.receive(|_, _, _| kept += 1) {}
        assert_eq!(kept + stuck.dropped(), put);
        assert!(kept * 1_200 > MEDIA_SOCKET_BYTES as u64 / 2);
    }
}
