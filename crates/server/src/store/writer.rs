//! The one thread that touches the database: takes what waits, performs it in one transaction,
//! commits it to disk once, answers all of it.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hub::port::store::{Reply, Request, StoreError};
use wire::id::Ticket;
use wire::limits::STORE_BATCH_MAX;

use super::sqlite::Sqlite;

/// An answer on its way to the hub.
pub type StoreReply = (Ticket, Result<Reply, StoreError>);

/// Handle of the writer thread. Dropping it finishes what waits and closes the database.
pub struct Store {
    requests: Option<mpsc::Sender<(Ticket, Request)>>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Starts the thread on an open database.
    ///
    /// `answer` is called from that thread, in the order of the requests, with the time their
    /// transaction took. How many requests wait
    /// is bounded by the hub's host, see `limits::STORE_REQUESTS_MAX`.
    pub fn start(
        mut database: Sqlite,
        answer: impl Fn(Vec<StoreReply>, Duration) + Send + 'static,
    ) -> Store {
        let (requests, waiting) = mpsc::channel::<(Ticket, Request)>();
        let work = move || {
            loop {
                let (mut tickets, mut batch) = (Vec::new(), Vec::new());
                match next(&waiting, database.deadline()) {
                    Ok((ticket, request)) => {
                        tickets.push(ticket);
                        batch.push(request);
                    }
                    // Nothing is asked: what waits to be written is.
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                while batch.len() < STORE_BATCH_MAX
                    && let Ok((ticket, request)) = waiting.try_recv()
                {
                    tickets.push(ticket);
                    batch.push(request);
                }
                let start = Instant::now();
                let results = database.perform_all(batch);
                if !tickets.is_empty() {
                    answer(tickets.into_iter().zip(results).collect(), start.elapsed());
                }
            }
        };
        let thread = std::thread::Builder::new().name("store".into()).spawn(work);
        let thread = thread.expect("a thread can be started");
        Store { requests: Some(requests), thread: Some(thread) }
    }

    /// Asks; the answer comes through the function given to [`Store::start`].
    pub fn ask(&self, ticket: Ticket, request: Request) {
        if let Some(requests) = &self.requests {
            // The thread ends only when this handle is dropped.
            let _ = requests.send((ticket, request));
        }
    }
}

/// The next request, waited for until then.
fn next(
    waiting: &Receiver<(Ticket, Request)>,
    until: Option<Instant>,
) -> Result<(Ticket, Request), RecvTimeoutError> {
    match until {
        Some(until) => waiting.recv_timeout(until.saturating_duration_since(Instant::now())),
        None => waiting.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
