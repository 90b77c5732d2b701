//! What the hub wants a socket to do, on its way from the hub's task to the socket's.
//!
//! Promises order, and that an empty queue holds no memory: most sockets are idle most of the time.
//! How much waits is bounded by the hub, in bytes.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use bytes::Bytes;
use wire::code::Code;

/// What a socket has to do.
#[derive(Debug)]
pub enum ToSocket {
    /// Send one frame.
    Frame(Bytes),
    /// Send what is queued, then close.
    Close(Code),
}

#[derive(Debug, Default)]
struct Waiting {
    orders: Vec<ToSocket>,
    /// The other end is gone.
    is_over: bool,
    waker: Option<Waker>,
}

/// The hub's end.
#[derive(Debug)]
pub struct OrderSender(Arc<Mutex<Waiting>>);

/// The socket's end.
#[derive(Debug)]
pub struct OrderReceiver(Arc<Mutex<Waiting>>);

/// A new queue.
pub fn orders() -> (OrderSender, OrderReceiver) {
    let waiting = Arc::<Mutex<Waiting>>::default();
    (OrderSender(waiting.clone()), OrderReceiver(waiting))
}

impl OrderSender {
    /// Adds an order. Nobody takes it when the socket is gone, which says so by itself.
    pub fn send(&self, order: ToSocket) {
        self.change(|waiting| {
            if !waiting.is_over {
                waiting.orders.push(order);
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.0.lock().expect("no panic while queueing");
        change(&mut waiting);
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for OrderSender {
    fn drop(&mut self) {
        self.change(|waiting| waiting.is_over = true);
    }
}

impl OrderReceiver {
    /// Waits for orders and takes all of them; `None` when there will be no more. Nothing is lost
    /// when it is dropped while it waits.
    pub async fn take(&mut self) -> Option<Vec<ToSocket>> {
        poll_fn(|context| {
            let mut waiting = self.0.lock().expect("no panic while queueing");
            if !waiting.orders.is_empty() {
                return Poll::Ready(Some(std::mem::take(&mut waiting.orders)));
            }
            if waiting.is_over {
                return Poll::Ready(None);
            }
            match &mut waiting.waker {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            Poll::Pending
        })
        .await
    }
}

impl Drop for OrderReceiver {
    fn drop(&mut self) {
        let mut waiting = self.0.lock().expect("no panic while queueing");
        waiting.is_over = true;
        waiting.orders = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn orders_come_in_order_and_all_at_once_until_the_hub_is_gone() {
        let (sender, mut receiver) = orders();
        let waiting = tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Some(orders) = receiver.take().await {
                seen.extend(orders.into_iter().map(|order| format!("{order:?}")));
            }
            seen
        });
        sender.send(ToSocket::Frame(Bytes::from_static(b"a")));
        tokio::task::yield_now().await;
        sender.send(ToSocket::Frame(Bytes::from_static(b"b")));
        sender.send(ToSocket::Close(Code::Silence));
        drop(sender);
        assert_eq!(waiting.await.unwrap(), ["Frame(b\"a\")", "Frame(b\"b\")", "Close(Silence)"]);
    }

    #[test]
    fn what_nobody_takes_is_not_kept() {
        let (sender, receiver) = orders();
        drop(receiver);
        sender.send(ToSocket::Frame(Bytes::from_static(b"a")));
        assert_eq!(sender.0.lock().unwrap().orders.capacity(), 0);
    }
}
