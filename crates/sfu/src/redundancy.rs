//! Sound that carries its past: each packet has the one before it once more (RED, RFC 2198), so that
//! one that is lost is heard all the same.
//!
//! Publishers that can send it are asked to. It goes on as it is to subscribers that can have it, and
//! to all others without its past.

use std::sync::Arc;

use str0m::format::PayloadParams;
use str0m::media::Pt;
use str0m::rtp::{RedDecoder, RtpPacket};

/// A packet's sound without its past.
pub struct Redundant {
    /// As the publisher calls the codec, in the packet too.
    pub pt: Pt,
    pub primary: Arc<[u8]>,
}

impl Redundant {
    /// `None` for a packet that has no past; an error for one that is malformed, or mixes codecs.
    pub fn of(packet: &RtpPacket, params: &PayloadParams) -> Result<Option<Redundant>, ()> {
        if params.red() != Some(packet.header.payload_type) {
            return Ok(None);
        }
        let blocks = RedDecoder::decode(&packet.payload).map_err(drop)?;
        let pt = params.pt();
        let primary = blocks.last().filter(|_| blocks.iter().all(|block| block.pt == *pt));
        let primary = primary.ok_or(())?.payload.into();
        Ok(Some(Redundant { pt, primary }))
    }
}

/// The answer with redundancy before the codec that it carries, where both are: what comes first is
/// what is sent.
pub fn preferred(answer: &str) -> String {
    let lines: Vec<&str> = answer.lines().collect();
    let mut preferred = String::with_capacity(answer.len());
    for (index, line) in lines.iter().enumerate() {
        let section = lines[index + 1..].iter().take_while(|line| !line.starts_with("m="));
        let redundant = section.filter_map(|line| {
            let (pt, codec) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
            codec.starts_with("red/").then_some(pt)
        });
        match line.strip_prefix("m=audio ").and_then(|_| redundant.last()) {
            Some(pt) => preferred += &first(line, pt),
            None => preferred += line,
        }
        preferred += "\r\n";
    }
    preferred
}

/// A media line with this payload type before all others: they are its words behind the third.
fn first(media: &str, pt: &str) -> String {
    let words = media.split(' ');
    let before = words.clone().take(3);
    let others = words.skip(3).filter(|word| *word != pt);
    before.chain([pt]).chain(others).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redundancy_comes_first_in_lines_of_sound_that_have_it() {
        let with = "m=audio 9 UDP/TLS/RTP/SAVPF 111 9 63\r\na=mid:0\r\n\
            a=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n";
        let without = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n";
        let video = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtpmap:97 red/90000\r\n";
        let answer = format!("v=0\r\n{with}{without}{video}");
        let expected = answer.replace("SAVPF 111 9 63", "SAVPF 63 111 9");
        assert_eq!(preferred(&answer), expected);
    }
}
