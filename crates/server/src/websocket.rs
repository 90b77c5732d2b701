//! WebSocket frames as a server reads and writes them (RFC 6455).
//!
//! Pure: bytes in, messages out. Promises that nothing is kept between messages, so that a
//! connection at rest costs nothing: a library that keeps its buffers costs 100 KB for each
//! session that was once told much (`docs/decisions/0004-own-websocket-frames.md`).

use wire::limits::WEBSOCKET_HEAD_BYTES_MAX;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A binary message.
    Binary(&'a [u8]),
    /// A text message.
    Text(&'a [u8]),
    /// Has to be answered by a pong with the same bytes.
    Ping(&'a [u8]),
    /// The other side closes, with this code if any. Nothing comes behind it.
    Close(Option<u16>),
}

/// Why nothing more can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The other side does not keep to RFC 6455.
    #[error("not as RFC 6455 has it: {0}")]
    Protocol(&'static str),
    /// Longer than the reader's limit.
    #[error("message has {bytes} bytes")]
    TooLarge {
        /// As far as it is known.
        bytes: usize,
    },
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// Longest content of a control frame (section 5.5).
const CONTROL_BYTES: usize = 125;

/// The reading half of a connection.
#[derive(Debug)]
pub struct Reader {
    /// Longest message, bytes.
    longest: usize,
    /// A frame that has not come to its end.
    partial: Vec<u8>,
    /// A message in several frames that has not come to its end.
    fragments: Option<Box<Fragments>>,
    is_closed: bool,
}

#[derive(Debug)]
struct Fragments {
    kind: u8,
    content: Vec<u8>,
}

impl Reader {
    /// Of a connection that has just begun; messages longer than this are a [`Failure`].
    pub fn new(longest: usize) -> Reader {
        Reader { longest, partial: Vec::new(), fragments: None, is_closed: false }
    }

    /// Takes bytes as they were read and gives each message. The bytes are unmasked in place.
    pub fn read(
        &mut self,
        input: &mut [u8],
        mut each: impl FnMut(Incoming<'_>),
    ) -> Result<(), Failure> {
        if self.partial.is_empty() {
            let taken = self.frames(input, &mut each)?;
            self.partial.extend_from_slice(&input[taken..]);
            return Ok(());
        }
        let mut joined = std::mem::take(&mut self.partial);
        joined.extend_from_slice(input);
        match self.frames(&mut joined, &mut each)? {
            0 => self.partial = joined,
            taken => self.partial.extend_from_slice(&joined[taken..]),
        }
        Ok(())
    }

    /// Takes whole frames; how many bytes they have.
    fn frames(
        &mut self,
        bytes: &mut [u8],
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Result<usize, Failure> {
        let mut taken = 0;
        while !self.is_closed
            && let Some(head) = Head::read(&bytes[taken..])?
        {
            let before = self.fragments.as_ref().map_or(0, |before| before.content.len());
            let together = before.saturating_add(head.length);
            if !head.is_control() && together > self.longest {
                return Err(Failure::TooLarge { bytes: together });
            }
            let start = taken + head.bytes;
            let Some(content) = bytes.get_mut(start..start + head.length) else { break };
            unmask(content, head.mask);
            taken = start + head.length;
            self.frame(&head, content, each)?;
        }
        // What comes behind a close is nobody's.
        Ok(if self.is_closed { bytes.len() } else { taken })
    }

    fn frame(
        &mut self,
        head: &Head,
        content: &[u8],
        each: &mut impl FnMut(Incoming<'_>),
    ) -> Result<(), Failure> {
        let message = |kind, content| match kind {
            TEXT => Incoming::Text(content),
            _ => Incoming::Binary(content),
        };
        match head.kind {
            PING => each(Incoming::Ping(content)),
            PONG => {}
            CLOSE => {
                let code = match content {
                    [] => None,
                    [high, low, reason @ ..] => {
                        let code = u16::from_be_bytes([*high, *low]);
                        if !matches!(code, 1000..=1003 | 1007..=1011 | 3000..=4999) {
                            return Err(Failure::Protocol("a close code that is not to be sent"));
                        }
                        if str::from_utf8(reason).is_err() {
                            return Err(Failure::Protocol("a reason to close that is not UTF-8"));
                        }
                        Some(code)
                    }
                    [_] => return Err(Failure::Protocol("half a close code")),
                };
                self.is_closed = true;
                each(Incoming::Close(code));
            }
            CONTINUATION => {
                let Some(fragments) = &mut self.fragments else {
                    return Err(Failure::Protocol("a continuation of nothing"));
                };
                fragments.content.extend_from_slice(content);
                if head.is_last
                    && let Some(whole) = self.fragments.take()
                {
                    each(message(whole.kind, &whole.content));
                }
            }
            _ if self.fragments.is_some() => {
                return Err(Failure::Protocol("a message within a message"));
            }
            kind if head.is_last => each(message(kind, content)),
            kind => self.fragments = Some(Fragments { kind, content: content.to_vec() }.into()),
        }
        Ok(())
    }
}

/// What stands before a frame's content (section 5.2).
struct Head {
    is_last: bool,
    kind: u8,
    mask: [u8; 4],
    /// Of the content.
    length: usize,
    /// Of the head itself.
    bytes: usize,
}

impl Head {
    /// `None` when it is not there completely.
    fn read(bytes: &[u8]) -> Result<Option<Head>, Failure> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let kind = first & 0x0f;
        if first & 0x70 != 0 {
            return Err(Failure::Protocol("a reserved bit is set"));
        }
        if !matches!(kind, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG) {
            return Err(Failure::Protocol("a kind that does not exist"));
        }
        if second & 0x80 == 0 {
            return Err(Failure::Protocol("not masked"));
        }
        let (length, rest) = match second & 0x7f {
            126 => match rest {
                [a, b, rest @ ..] => (u64::from(u16::from_be_bytes([*a, *b])), rest),
                _ => return Ok(None),
            },
            127 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from_be_bytes(*length), rest),
                None => return Ok(None),
            },
            short => (u64::from(short), rest),
        };
        let head = Head {
            is_last: first & 0x80 != 0,
            kind,
            mask: [0; 4],
            length: usize::try_from(length).unwrap_or(usize::MAX),
            bytes: 0,
        };
        if head.is_control() && (!head.is_last || head.length > CONTROL_BYTES) {
            return Err(Failure::Protocol("a control frame that is long or in parts"));
        }
        let Some((mask, rest)) = rest.split_first_chunk() else { return Ok(None) };
        Ok(Some(Head { mask: *mask, bytes: bytes.len() - rest.len(), ..head }))
    }

    fn is_control(&self) -> bool {
        self.kind & 8 != 0
    }
}

fn unmask(content: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([mask, mask].concat().try_into().expect("twice four bytes"));
    let (words, rest) = content.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

/// Appends a binary message.
pub fn write_binary(out: &mut Vec<u8>, content: &[u8]) {
    write(out, BINARY, content);
}

/// Appends the answer to a ping.
pub fn write_pong(out: &mut Vec<u8>, content: &[u8]) {
    write(out, PONG, content);
}

/// Appends the end. Nothing may follow.
pub fn write_close(out: &mut Vec<u8>, code: u16) {
    write(out, CLOSE, &code.to_be_bytes());
}

fn write(out: &mut Vec<u8>, kind: u8, content: &[u8]) {
    out.reserve(WEBSOCKET_HEAD_BYTES_MAX + content.len());
    out.push(0x80 | kind);
    match content.len() {
        short @ ..=125 => out.push(short as u8),
        medium @ ..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use wire::limits::FRAME_BYTES_MAX;

    use super::*;

    /// A frame as a client writes it.
    fn frame(first: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, 0, content);
        bytes[0] = first;
        bytes[1] |= 0x80;
        let at = bytes.len() - content.len();
        let mask = [1, 2, 3, 0xff];
        bytes.splice(at..at, mask);
        unmask(&mut bytes[at + 4..], mask);
        bytes
    }

    /// All that comes out when these bytes come in parts of this size.
    fn read(bytes: &[u8], part: usize) -> Result<Vec<String>, Failure> {
        let (mut reader, mut seen) = (Reader::new(FRAME_BYTES_MAX), Vec::new());
        for part in bytes.chunks(part) {
            reader.read(&mut part.to_vec(), |incoming| {
                seen.push(match incoming {
                    Incoming::Binary(bytes) => format!("binary {}", bytes.escape_ascii()),
                    Incoming::Text(bytes) => format!("text {}", bytes.escape_ascii()),
                    Incoming::Ping(bytes) => format!("ping {}", bytes.escape_ascii()),
                    Incoming::Close(code) => format!("close {code:?}"),
                });
            })?;
        }
        assert_eq!(reader.partial.capacity() * usize::from(reader.partial.is_empty()), 0);
        Ok(seen)
    }

    #[test]
    fn messages_come_out_however_their_bytes_come_in() {
        let bytes = [
            frame(0x82, b"one"),
            frame(0x02, b"in "),
            frame(0x89, b"are you there"),
            frame(0x00, b"three "),
            frame(0x8a, b"yes"),
            frame(0x80, b"parts"),
            frame(0x81, b"text"),
            frame(0x82, b""),
            frame(0x88, &[0x03, 0xe8]),
            frame(0x82, b"too late"),
        ]
        .concat();
        let expected = [
            "binary one",
            "ping are you there",
            "binary in three parts",
            "text text",
            "binary ",
            "close Some(1000)",
        ];
        for part in 1..=bytes.len() {
            assert_eq!(read(&bytes, part).unwrap(), expected, "{part} bytes at once");
        }
    }

    #[test]
    fn a_message_of_each_way_to_write_its_length_comes_out() {
        for length in [0, 125, 126, 0xffff, 0x1_0000, FRAME_BYTES_MAX] {
            let bytes = frame(0x82, &vec![b'x'; length]);
            assert_eq!(read(&bytes, 16 * 1024).unwrap()[0].len(), "binary ".len() + length);
        }
    }

    #[test]
    fn what_is_too_large_is_known_by_its_head() {
        let mut bytes = frame(0x82, &vec![0; FRAME_BYTES_MAX + 1]);
        bytes.truncate(14);
        assert_eq!(read(&bytes, 14), Err(Failure::TooLarge { bytes: FRAME_BYTES_MAX + 1 }));
        let half = vec![0; FRAME_BYTES_MAX / 2 + 1];
        let parts = [frame(0x02, &half), frame(0x80, &half)].concat();
        assert_eq!(read(&parts, 4096), Err(Failure::TooLarge { bytes: FRAME_BYTES_MAX + 2 }));
        let mut endless = vec![0x82, 0xff];
        endless.extend([0xff; 12]);
        assert!(matches!(read(&endless, 14), Err(Failure::TooLarge { .. })));
    }

    #[test]
    fn what_is_not_as_the_standard_has_it_is_refused() {
        let mut unmasked = Vec::new();
        write_binary(&mut unmasked, b"hello");
        let cases = [
            ("not masked", unmasked),
            ("reserved bit", frame(0xc2, b"")),
            ("unknown kind", frame(0x83, b"")),
            ("unknown control kind", frame(0x8b, b"")),
            ("continuation of nothing", frame(0x80, b"")),
            ("message within a message", [frame(0x02, b""), frame(0x82, b"")].concat()),
            ("ping in parts", frame(0x09, b"")),
            ("long ping", frame(0x89, &[0; 126])),
            ("half a close code", frame(0x88, &[3])),
            ("close code for nobody to send", frame(0x88, &1005_u16.to_be_bytes())),
            ("reason to close that is no text", frame(0x88, &[3, 0xe8, 0xff])),
        ];
        for (name, bytes) in cases {
            assert!(matches!(read(&bytes, 64), Err(Failure::Protocol(_))), "{name}");
        }
    }

    #[test]
    fn whatever_comes_is_taken_or_refused() {
        let mut state = 1_u32;
        let mut byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        for _ in 0..20_000 {
            let mut bytes: Vec<u8> = (0..40).map(|_| byte()).collect();
            // Often a frame that could be one.
            bytes[0] &= 0x8f;
            bytes[1] |= 0x80;
            let _ = read(&bytes, 7);
        }
    }
}
