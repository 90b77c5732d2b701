//! Who may use the relay, and how much of it: the secret, the seats of each user, the peers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use wire::limits::{RELAY_ALLOCATIONS_PER_USER_MAX, RELAY_CLIENTS_MAX, RELAY_UNPROVEN_MAX};

use super::peers::Peers;

/// See the module.
pub struct Gate {
    /// The hub makes passwords from it as well.
    pub secret: String,
    pub peers: Peers,
    seats: Mutex<HashMap<u32, usize>>,
    clients: AtomicUsize,
    unproven: AtomicUsize,
    pub counted: Counted,
}

/// What the operator's monitoring reads.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Allocations there are.
    pub allocations: Gauge<u64, AtomicU64>,
    /// Bytes from clients to peers and back.
    pub bytes: Counter,
    /// Clients and allocations that were not taken: too many, or without a right to it.
    pub refused: Counter,
}

/// One client of a user; given back when dropped.
pub struct Seat {
    gate: Arc<Gate>,
    uid: u32,
}

/// One client of whom nothing is known; given back when dropped.
pub struct Place(Arc<Gate>, Option<()>);

impl Gate {
    pub fn new(secret: String, peers: Peers, counted: Counted) -> Arc<Gate> {
        let (seats, clients, unproven) = Default::default();
        Arc::new(Gate { secret, peers, seats, clients, unproven, counted })
    }

    /// A further client of this user, unless there are too many.
    pub fn seat(self: &Arc<Self>, uid: u32) -> Option<Seat> {
        let mut seats = self.seats.lock().expect("nothing panics while it has the seats");
        let taken = seats.entry(uid).or_default();
        if *taken >= RELAY_ALLOCATIONS_PER_USER_MAX {
            return None;
        }
        *taken += 1;
        Some(Seat { gate: self.clone(), uid })
    }

    /// A further client, unless there are too many.
    pub fn place(self: &Arc<Self>) -> Option<Place> {
        let room = self.clients.load(Relaxed) < RELAY_CLIENTS_MAX
            && self.unproven.load(Relaxed) < RELAY_UNPROVEN_MAX;
        if !room {
            self.counted.refused.inc();
        }
        room.then(|| {
            self.clients.fetch_add(1, Relaxed);
            self.unproven.fetch_add(1, Relaxed);
            Place(self.clone(), Some(()))
        })
    }
}

impl Place {
    /// It is known now who this is.
    pub fn prove(&mut self) {
        if self.1.take().is_some() {
            self.0.unproven.fetch_sub(1, Relaxed);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.prove();
        self.0.clients.fetch_sub(1, Relaxed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.gate.seats.lock().expect("nothing panics while it has the seats");
        if let Some(taken) = seats.get_mut(&self.uid) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.uid);
            }
        }
    }
}
