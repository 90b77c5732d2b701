//! An offer, read far enough to hold it to what was agreed: which media lines it has, and which
//! way each may flow.
//!
//! A line that the hub did not map is made inactive here, before the WebRTC stack sees it, so that
//! its answer says so too.

use std::collections::HashSet;

use wire::limits::{FRAME_BYTES_MAX, MEDIA_LINES_MAX};

use crate::command::{Kind, Mapping, Refusal};

/// Longest mid and its characters, as the WebRTC stack keeps them apart.
const MID_BYTES: usize = 16;

/// An offer whose media lines are known.
#[derive(Debug)]
pub struct Offer<'a> {
    lines: Vec<&'a str>,
    sections: Vec<Section<'a>>,
}

#[derive(Debug)]
struct Section<'a> {
    mid: &'a str,
    /// Neither audio nor video is refused before anybody sees it.
    kind: Option<Kind>,
    direction: Direction,
    /// Which of the lines say the direction; none means both ways (RFC 8866 6.7).
    direction_lines: Vec<usize>,
    /// Behind its `m=`.
    first_line: usize,
}

/// Seen from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Direction {
    sends: bool,
    receives: bool,
}

impl Direction {
    const BOTH: Direction = Direction { sends: true, receives: true };

    fn parse(line: &str) -> Option<Direction> {
        let (sends, receives) = match line {
            "a=sendrecv" => (true, true),
            "a=sendonly" => (true, false),
            "a=recvonly" => (false, true),
            "a=inactive" => (false, false),
            _ => return None,
        };
        Some(Direction { sends, receives })
    }

    fn line(self) -> &'static str {
        match (self.sends, self.receives) {
            (true, true) => "a=sendrecv",
            (true, false) => "a=sendonly",
            (false, true) => "a=recvonly",
            (false, false) => "a=inactive",
        }
    }
}

impl<'a> Offer<'a> {
    /// Reads the outline; the rest is for the WebRTC stack to judge.
    pub fn parse(sdp: &'a str) -> Result<Offer<'a>, Refusal> {
        let malformed = |what: &str| Refusal::Malformed { what: what.to_owned() };
        if sdp.len() > FRAME_BYTES_MAX {
            return Err(malformed("longer than a frame may be"));
        }
        let lines: Vec<&str> = sdp.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect();
        if lines.first() != Some(&"v=0") {
            return Err(malformed("does not begin with v=0"));
        }
        let mut sections: Vec<Section> = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            if let Some(media) = line.strip_prefix("m=") {
                let kind = match media.split(' ').next() {
                    Some("audio") => Some(Kind::Audio),
                    Some("video") => Some(Kind::Video),
                    _ => None,
                };
                sections.push(Section {
                    mid: "",
                    kind,
                    direction: Direction::BOTH,
                    direction_lines: Vec::new(),
                    first_line: index + 1,
                });
            } else if let Some(section) = sections.last_mut() {
                if let Some(mid) = line.strip_prefix("a=mid:") {
                    section.mid = mid;
                } else if let Some(direction) = Direction::parse(line) {
                    section.direction = direction;
                    section.direction_lines.push(index);
                }
            }
        }
        if sections.is_empty() {
            return Err(malformed("no media line"));
        }
        if sections.iter().any(|section| section.kind.is_none()) {
            let what = "only audio and video lines have a place here".to_owned();
            return Err(Refusal::Unacceptable { what });
        }
        if sections.len() > MEDIA_LINES_MAX {
            let (count, limit) = (sections.len(), MEDIA_LINES_MAX);
            return Err(Refusal::TooManyLines { count, limit });
        }
        let mut mids = HashSet::new();
        for section in &sections {
            let fits = (1..=MID_BYTES).contains(&section.mid.len())
                && section.mid.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !fits {
                return Err(malformed("a media line without a mid of 1 to 16 letters and digits"));
            }
            if !mids.insert(section.mid) {
                return Err(malformed("two media lines with the same mid"));
            }
        }
        Ok(Offer { lines, sections })
    }

    /// Every mapping must have its line, each line at most one mapping a direction.
    pub fn check(&self, mappings: &[Mapping]) -> Result<(), Refusal> {
        let mut mapped = HashSet::new();
        for Mapping { mid, kind, .. } in mappings {
            let exists = |section: &Section| section.mid == mid && section.kind == Some(*kind);
            if !self.sections.iter().any(exists) {
                return Err(Refusal::NoSuchLine { mid: mid.clone(), kind: *kind });
            }
            if !mapped.insert(mid) {
                return Err(Refusal::MappedTwice { mid: mid.clone() });
            }
        }
        Ok(())
    }

    /// The offer with every media line held to its mappings.
    pub fn restricted(mut self, send: &[Mapping], receive: &[Mapping]) -> String {
        let sends: HashSet<&str> = send.iter().map(|mapping| mapping.mid.as_str()).collect();
        let receives: HashSet<&str> = receive.iter().map(|mapping| mapping.mid.as_str()).collect();
        // From the end, so that inserted lines move nothing that is still to come.
        for section in self.sections.iter().rev() {
            let allowed = Direction {
                sends: section.direction.sends && sends.contains(section.mid),
                receives: section.direction.receives && receives.contains(section.mid),
            };
            match section.direction_lines.as_slice() {
                [] => self.lines.insert(section.first_line, allowed.line()),
                stated => stated.iter().for_each(|&index| self.lines[index] = allowed.line()),
            }
        }
        let mut text = self.lines.join("\r\n");
        text.push_str("\r\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::StreamId;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendonly\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=sendrecv\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:x2\r\n";

    fn mapping(mid: &str, kind: Kind) -> Mapping {
        Mapping { mid: mid.to_owned(), stream: StreamId(1), kind }
    }

    #[test]
    fn lines_without_a_mapping_become_inactive() {
        let send = [mapping("1", Kind::Video)];
        let receive = [mapping("x2", Kind::Video)];
        let text = Offer::parse(OFFER).unwrap().restricted(&send, &receive);
        let directions: Vec<_> = text.lines().filter_map(Direction::parse).collect();
        let directions = directions.into_iter().map(Direction::line).collect::<Vec<_>>();
        assert_eq!(directions, ["a=inactive", "a=sendonly", "a=recvonly"]);
    }

    #[test]
    fn mappings_without_their_line_are_refused() {
        let offer = Offer::parse(OFFER).unwrap();
        assert!(offer.check(&[mapping("0", Kind::Audio)]).is_ok());
        for wrong in [mapping("7", Kind::Audio), mapping("0", Kind::Video)] {
            assert!(matches!(offer.check(&[wrong]), Err(Refusal::NoSuchLine { .. })));
        }
        let twice = [mapping("1", Kind::Video), mapping("1", Kind::Video)];
        assert!(matches!(offer.check(&twice), Err(Refusal::MappedTwice { .. })));
    }

    #[test]
    fn what_is_no_offer_is_refused() {
        let duplicate = OFFER.replace("a=mid:x2", "a=mid:1");
        let without = OFFER.replace("a=mid:x2\r\n", "");
        let odd = OFFER.replace("a=mid:x2", "a=mid:<script>");
        for text in ["", "v=0\r\n", "hello", &duplicate, &without, &odd] {
            assert!(matches!(Offer::parse(text), Err(Refusal::Malformed { .. })), "{text}");
        }
        let data =
            format!("{OFFER}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n");
        assert!(matches!(Offer::parse(&data), Err(Refusal::Unacceptable { .. })));
        let many = format!("v=0\r\n{}", "m=audio 9 X 0\r\n".repeat(MEDIA_LINES_MAX + 1));
        assert!(matches!(Offer::parse(&many), Err(Refusal::TooManyLines { .. })));
    }
}
