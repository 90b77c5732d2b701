//! A connection, with TLS or without: for HTTP a stream, for a WebSocket a socket that is asked
//! whether it is ready, so that one at rest needs no buffer.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::server::TlsStream;

pub struct Socket {
    stream: Stream,
    /// Given back when it is closed.
    _seat: OwnedSemaphorePermit,
}

pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    pub fn new(stream: Stream, seat: OwnedSemaphorePermit) -> Socket {
        Socket { stream, _seat: seat }
    }

    /// Waits until there may be something to read, or room to write.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        match &self.stream {
            Stream::Plain(socket) => socket.ready(interest).await,
            Stream::Tls(socket) => socket.get_ref().0.ready(interest).await,
        }
    }

    /// Reads what is there; [`io::ErrorKind::WouldBlock`] when there is nothing.
    pub fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(socket) => socket.try_read(buffer),
            Stream::Tls(socket) => {
                // All of it: what is decrypted already makes no socket ready.
                let mut buffer = ReadBuf::new(buffer);
                while buffer.remaining() > 0 {
                    let before = buffer.filled().len();
                    match now(|context| Pin::new(&mut *socket).poll_read(context, &mut buffer)) {
                        Ok(()) if buffer.filled().len() > before => {}
                        Err(error) if before == 0 => return Err(error),
                        Ok(()) | Err(_) => break,
                    }
                }
                Ok(buffer.filled().len())
            }
        }
    }

    /// Whether bytes that were read from the network wait behind a full buffer.
    pub fn has_more(&self) -> bool {
        match &self.stream {
            Stream::Plain(_) => false,
            Stream::Tls(socket) => !socket.get_ref().1.wants_read(),
        }
    }

    /// Writes what there is room for; [`io::ErrorKind::WouldBlock`] when there is none.
    pub fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(socket) => socket.try_write(bytes),
            Stream::Tls(socket) => now(|context| Pin::new(socket).poll_write(context, bytes)),
        }
    }

    /// Whether bytes that were taken are not with the kernel yet.
    pub fn holds_back(&self) -> bool {
        match &self.stream {
            Stream::Plain(_) => false,
            Stream::Tls(socket) => socket.get_ref().1.wants_write(),
        }
    }

    /// Gives the kernel what was held back, as far as it takes it.
    pub fn try_flush(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(_) => Ok(()),
            Stream::Tls(socket) => match now(|context| Pin::new(socket).poll_flush(context)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                done => done,
            },
        }
    }

    /// Nothing more is written: the other side is told so.
    pub async fn shutdown(&mut self) -> io::Result<()> {
        poll_fn(|context| Pin::new(&mut *self).poll_shutdown(context)).await
    }
}

/// What can be done without waiting; whoever calls asks [`Socket::ready`] before the next time.
fn now<T>(act: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<T>>) -> io::Result<T> {
    match act(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(socket) => Pin::new(socket).poll_read(context, buffer),
            Stream::Tls(socket) => Pin::new(socket).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            Stream::Tls(socket) => Pin::new(socket).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(socket) => Pin::new(socket).poll_flush(context),
            Stream::Tls(socket) => Pin::new(socket).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Stream::Tls(socket) => Pin::new(socket).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(socket) => Pin::new(socket).poll_write_vectored(context, parts),
            Stream::Tls(socket) => Pin::new(socket).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
