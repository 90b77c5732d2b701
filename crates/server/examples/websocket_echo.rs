//! Sends back what it is sent, through the gateway's frame layer: for the Autobahn test suite
//! (`docs/testing.md`). `websocket_echo [PORT]`.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

use data_encoding::BASE64;
use mesibo_server::websocket::{Failure, Incoming, Reader, write_binary, write_close, write_pong};
use sha1::{Digest, Sha1};

/// The suite's longest message.
const LONGEST: usize = 16 * 1024 * 1024;
const TEXT_OPCODE: u8 = 1;
const NORMAL: u16 = 1000;
const PROTOCOL: u16 = 1002;
const NOT_UTF8: u16 = 1007;
const TOO_LARGE: u16 = 1009;

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(9001);
    for stream in TcpListener::bind(("127.0.0.1", port))?.incoming() {
        let stream = stream?;
        std::thread::spawn(move || echo(stream));
    }
    Ok(())
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut early = shake_hands(&mut stream)?;
    let mut reader = Reader::new(LONGEST);
    let mut buffer = vec![0; 64 * 1024];
    let (mut answer, mut close) = (Vec::new(), None);
    loop {
        let mut read = early.len();
        buffer[..read].copy_from_slice(&std::mem::take(&mut early));
        if read == 0 {
            read = stream.read(&mut buffer)?;
        }
        if read == 0 {
            return Ok(());
        }
        let result = reader.read(&mut buffer[..read], |incoming| match incoming {
            _ if close.is_some() => {}
            Incoming::Binary(content) => write_binary(&mut answer, content),
            Incoming::Text(content) if std::str::from_utf8(content).is_err() => {
                close = Some(NOT_UTF8);
            }
            Incoming::Text(content) => {
                let start = answer.len();
                write_binary(&mut answer, content);
                answer[start] = 0x80 | TEXT_OPCODE;
            }
            Incoming::Ping(content) => write_pong(&mut answer, content),
            Incoming::Close(code) => close = Some(code.unwrap_or(NORMAL)),
        });
        match result {
            Ok(()) => {}
            Err(Failure::Protocol(_)) => close = Some(PROTOCOL),
            Err(Failure::TooLarge { .. }) => close = Some(TOO_LARGE),
        }
        if let Some(code) = close {
            write_close(&mut answer, code);
        }
        stream.write_all(&answer)?;
        answer.clear();
        if close.is_some() {
            return stream.shutdown(std::net::Shutdown::Write);
        }
    }
}

/// Reads the request and accepts it; gives what came behind it.
fn shake_hands(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let (mut request, mut part) = (Vec::new(), [0; 1024]);
    let end = loop {
        let read = stream.read(&mut part)?;
        request.extend_from_slice(&part[..read]);
        if let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&request[..end]);
    let is_key = |line: &&str| line.to_ascii_lowercase().starts_with("sec-websocket-key:");
    let key = head.lines().find(is_key).and_then(|line| line.split_once(':'));
    let key = key.ok_or(io::ErrorKind::InvalidData)?.1.trim();
    let hash = Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = BASE64.encode(&hash.finalize());
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )?;
    Ok(request[end..].to_vec())
}
