//! The UDP socket of all media: receives many datagrams in one call and sends those of one size to
//! one peer in one call (GRO and GSO, where the kernel has them).

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use wire::limits::{MEDIA_BATCH_MAX, MEDIA_SEND_BYTES_MAX, MEDIA_SOCKET_BYTES};

/// What one receive may hold: the longest UDP datagram, or several shorter ones.
const RECEIVE_BYTES: usize = 65_536;

/// The socket with its buffers.
pub struct MediaSocket {
    pub socket: mio::net::UdpSocket,
    state: UdpSocketState,
    buffers: Vec<u8>,
    metas: [RecvMeta; MEDIA_BATCH_MAX],
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
        Ok(MediaSocket {
            socket,
            state,
            buffers: vec![0; MEDIA_BATCH_MAX * RECEIVE_BYTES],
            metas: [RecvMeta::default(); MEDIA_BATCH_MAX],
            train: Train::default(),
            dropped: 0,
        })
    }

    /// Takes what waits, up to a batch, and hands on each datagram with where it came from and
    /// where it arrived. `false` when nothing waits.
    pub fn receive(
        &mut self,
        port: u16,
        mut take: impl FnMut(SocketAddr, Option<SocketAddr>, &[u8]),
    ) -> io::Result<bool> {
        let count = {
            let mut buffers = self.buffers.chunks_exact_mut(RECEIVE_BYTES).map(IoSliceMut::new);
            let mut slices: [IoSliceMut; MEDIA_BATCH_MAX] =
                std::array::from_fn(|_| buffers.next().expect("one buffer for each receive"));
            let socket = UdpSockRef::from(&self.socket);
            match self.state.recv(socket, &mut slices, &mut self.metas) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                // An earlier send met a closed port; that says nothing about this one.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => 0,
                Err(error) => return Err(error),
            }
        };
        let received = self.metas.iter().zip(self.buffers.chunks_exact(RECEIVE_BYTES));
        for (meta, buffer) in received.take(count) {
            let destination = meta.dst_ip.map(|ip| SocketAddr::new(ip.to_canonical(), port));
            for datagram in buffer[..meta.len].chunks(meta.stride.max(1)) {
                take(meta.addr, destination, datagram);
            }
        }
        Ok(true)
    }

    /// Sends a datagram, now or together with the next ones; [`flush`](Self::flush) ends that.
    pub fn send(&mut self, destination: SocketAddr, bytes: &[u8]) {
        if !self.train.takes(destination, bytes, self.state.max_gso_segments()) {
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
        let sent = self.state.try_send(UdpSockRef::from(&self.socket), &transmit);
        if sent.is_err() {
            self.dropped += self.train.count as u64;
        }
        self.train.clear();
    }
}

impl AsFd for MediaSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
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
        let mut from = MediaSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
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
