//! A client of the relay by TCP or TLS: messages cut from a stream, and put into one.
//!
//! TLS is told from TCP by its first byte, so that both have one port. Promises whole messages, and
//! an end for who sends what is none, or does not read.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use wire::limits::{
    HANDSHAKE_WITHIN, RELAY_MESSAGE_BYTES_MAX, RELAY_QUEUE_MAX, RELAY_WRITE_WITHIN,
};

/// First byte of a TLS handshake (RFC 8446 5.1). No STUN message and no channel begins so.
const HANDSHAKE: u8 = 22;

/// What comes in, and where to put what goes out.
type Messages = (mpsc::Receiver<Vec<u8>>, mpsc::Sender<Vec<u8>>);

/// Begins to read and write; `None` when no TLS came about.
pub async fn open(socket: TcpStream, tls: Option<TlsAcceptor>) -> Option<Messages> {
    let _ = socket.set_nodelay(true);
    let mut first = [0];
    timeout(HANDSHAKE_WITHIN, socket.peek(&mut first)).await.ok()?.ok()?;
    match (first[0] == HANDSHAKE, tls) {
        (false, _) => Some(run(socket)),
        (true, Some(tls)) => {
            Some(run(timeout(HANDSHAKE_WITHIN, tls.accept(socket)).await.ok()?.ok()?))
        }
        (true, None) => None,
    }
}

fn run(socket: impl AsyncRead + AsyncWrite + Send + 'static) -> Messages {
    let (mut reader, mut writer) = split(socket);
    let (sender, incoming) = mpsc::channel(RELAY_QUEUE_MAX);
    let (outgoing, mut waiting) = mpsc::channel::<Vec<u8>>(RELAY_QUEUE_MAX);
    tokio::spawn(async move {
        // The stream is read no faster than what is in it is relayed.
        while let Ok(message) = read(&mut reader).await {
            if sender.send(message).await.is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some(mut message) = waiting.recv().await {
            message.resize(on_stream(&message, message.len()), 0);
            let written = timeout(RELAY_WRITE_WITHIN, async {
                writer.write_all(&message).await?;
                writer.flush().await
            });
            if !matches!(written.await, Ok(Ok(()))) {
                break;
            }
        }
        // The reader sees the end as well.
        let _ = writer.shutdown().await;
    });
    (incoming, outgoing)
}

/// The next message, without what fills it up.
async fn read(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    const STUN_HEADER_BYTES: usize = 20;
    const CHANNEL_HEADER_BYTES: usize = 4;
    let mut message = vec![0; CHANNEL_HEADER_BYTES];
    reader.read_exact(&mut message).await?;
    let length = usize::from(u16::from_be_bytes([message[2], message[3]]));
    let header = if is_channel(&message) { CHANNEL_HEADER_BYTES } else { STUN_HEADER_BYTES };
    let length = header + length;
    if length > RELAY_MESSAGE_BYTES_MAX || message[0] >= 0x80 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    message.resize(on_stream(&message, length), 0);
    reader.read_exact(&mut message[CHANNEL_HEADER_BYTES..]).await?;
    message.truncate(length);
    Ok(message)
}

/// Whether a message is of a channel: also by the wider numbers that older clients have (RFC 5766 11).
fn is_channel(message: &[u8]) -> bool {
    message.first().is_some_and(|first| (0x40..0x80).contains(first))
}

/// Bytes of a message of this length in a stream: those of channels are filled up (RFC 8656 12.5).
fn on_stream(message: &[u8], length: usize) -> usize {
    if is_channel(message) { length.next_multiple_of(4) } else { length }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_are_cut_where_they_end_however_they_come() {
        let mut request = vec![0, 1, 0, 4, 0x21, 0x12, 0xa4, 0x42];
        request.resize(24, 7);
        let channel = [0x7f, 1, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0];
        let stream = [&request[..], &channel, &request].concat();
        let mut reader = &stream[..];
        assert_eq!(read(&mut reader).await.unwrap(), request);
        assert_eq!(read(&mut reader).await.unwrap(), channel[..9]);
        assert_eq!(read(&mut reader).await.unwrap(), request);
        assert!(read(&mut reader).await.is_err());
    }

    #[tokio::test]
    async fn what_is_too_long_or_no_message_ends_the_stream() {
        assert!(read(&mut &[0u8, 1, 0xff, 0xff][..]).await.is_err());
        assert!(read(&mut &b"\x80\x00\x00\x00"[..]).await.is_err());
    }
}
