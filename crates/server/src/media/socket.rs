//! The UDP socket of all media: receives many datagrams in one call and sends those of one size to
//! one peer in one call (GRO and GSO, where the kernel has them).
//!
//! One receives, each loop sends: the kernel takes datagrams of several threads at one socket.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use mio::{Interest, Poll, Token};
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use wire::limits::{MEDIA_BATCH_MAX, MEDIA_SEND_BYTES_MAX, MEDIA_SOCKET_BYTES};

/// What one receive may hold: the longest UDP datagram, or several shorter ones.
const RECEIVE_BYTES: usize = 65_536;
/// Where a datagram arrived when the kernel does not say.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The socket.
pub struct MediaSocket {
    socket: mio::net::UdpSocket,
    state: UdpSocketState,
    port: u16,
}

/// The way in, with its buffers.
pub struct MediaReceiver {
    socket: Arc<MediaSocket>,
    buffers: Vec<u8>,
    metas: Vec<RecvMeta>,
}

/// A way out.
pub struct MediaSender {
    socket: Arc<MediaSocket>,
    train: Train,
    /// Datagrams the kernel did not take. The receiver misses them and asks again.
    pub dropped: u64,
}

/// Datagrams of one size to one peer, the last perhaps shorter, waiting to be sent together.
#[derive(Default)]
struct Train {
    destination: Option<SocketAddr>,
    bytes: Vec<u8>,
    segment: usize,
    count: usize,
    closed: bool,
}

impl MediaSocket {
    /// Binds the port. A kernel that grants smaller buffers than asked for is fine.
    pub fn bind(listen: SocketAddr) -> io::Result<MediaSocket> {
        let socket = mio::net::UdpSocket::bind(listen)?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let _ = state.set_recv_buffer_size(UdpSockRef::from(&socket), MEDIA_SOCKET_BYTES);
        let _ = state.set_send_buffer_size(UdpSockRef::from(&socket), MEDIA_SOCKET_BYTES);
        let port = socket.local_addr()?.port();
        Ok(MediaSocket { socket, state, port })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Has whoever polls told when something waits.
    pub fn register(&mut self, poll: &Poll, token: Token) -> io::Result<()> {
        poll.registry().register(&mut self.socket, token, Interest::READABLE)
    }
}

impl MediaReceiver {
    pub fn new(socket: Arc<MediaSocket>) -> MediaReceiver {
        MediaReceiver {
            socket,
            buffers: vec![0; MEDIA_BATCH_MAX * RECEIVE_BYTES],
            metas: vec![RecvMeta::default(); MEDIA_BATCH_MAX],
        }
    }

    /// Takes what waits, up to a batch, and hands on each datagram with where it came from and
    /// where it arrived, as far as that is known. `false` when nothing waits.
    pub fn receive(
        &mut self,
        mut take: impl FnMut(SocketAddr, SocketAddr, &[u8]),
    ) -> io::Result<bool> {
        let MediaSocket { socket, state, port } = &*self.socket;
        let count = {
            let mut buffers = self.buffers.chunks_exact_mut(RECEIVE_BYTES).map(IoSliceMut::new);
            let mut slices: [IoSliceMut; MEDIA_BATCH_MAX] =
                std::array::from_fn(|_| buffers.next().expect("one buffer for each receive"));
            match state.recv(UdpSockRef::from(socket), &mut slices, &mut self.metas) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                // An earlier send met a closed port; that says nothing about this one.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => 0,
                Err(error) => return Err(error),
            }
        };
        let received = self.metas.iter().zip(self.buffers.chunks_exact(RECEIVE_BYTES));
        for (meta, buffer) in received.take(count) {
            let destination = meta.dst_ip.map_or(NOWHERE, |ip| ip.to_canonical());
            let destination = SocketAddr::new(destination, *port);
            for datagram in buffer[..meta.len].chunks(meta.stride.max(1)) {
                take(meta.addr, destination, datagram);
            }
        }
        Ok(true)
    }
}

impl MediaSender {
    pub fn new(socket: Arc<MediaSocket>) -> MediaSender {
        MediaSender { socket, train: Train::default(), dropped: 0 }
    }

    /// Sends a datagram, now or together with the next ones; [`flush`](Self::flush) ends that.
    pub fn send(&mut self, destination: SocketAddr, bytes: &[u8]) {
        if !self.train.takes(destination, bytes, self.socket.state.max_gso_segments()) {
            self.flush();
        }
        self.train.add(destination, bytes);
    }

    /// Sends what waits.
    pub fn flush(&mut self) {
        let Some(destination) = self.train.destination.take() else { return };
        let transmit = Transmit {
            destination,
            ecn: None,
            contents: &self.train.bytes,
            segment_size: (self.train.count > 1).then_some(self.train.segment),
            src_ip: None,
        };
        let MediaSocket { socket, state, .. } = &*self.socket;
        let sent = state.try_send(UdpSockRef::from(socket), &transmit);
        if sent.is_err() {
            self.dropped += self.train.count as u64;
        }
        self.train.clear();
    }
}

impl Train {
    fn takes(&self, destination: SocketAddr, bytes: &[u8], count_max: usize) -> bool {
        self.destination == Some(destination)
            && !self.closed
            && bytes.len() <= self.segment
            && self.count < count_max
            && self.bytes.len() + bytes.len() <= MEDIA_SEND_BYTES_MAX
    }

    fn add(&mut self, destination: SocketAddr, bytes: &[u8]) {
        if self.destination.is_none() {
            self.destination = Some(destination);
            self.segment = bytes.len();
        }
        self.closed = bytes.len() < self.segment;
        self.bytes.extend_from_slice(bytes);
        self.count += 1;
    }

    fn clear(&mut self) {
        self.destination = None;
        self.bytes.clear();
        self.count = 0;
        self.closed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_of_any_size_arrive_whole_and_in_order() {
        let socket = MediaSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut from = MediaSender::new(Arc::new(socket));
        let to = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        to.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        let destination = to.local_addr().unwrap();
        let sizes = [100, 100, 100, 40, 100, 1_150, 1_150, 1, 1_200, 1_200, 1_200];
        for (index, size) in sizes.iter().enumerate() {
            from.send(destination, &vec![index as u8; *size]);
        }
        from.flush();
        let mut buffer = [0; 2_000];
        for (index, size) in sizes.iter().enumerate() {
            let length = to.recv(&mut buffer).unwrap();
            assert_eq!((length, buffer[0]), (*size, index as u8));
        }
        assert_eq!(from.dropped, 0);
    }
}
