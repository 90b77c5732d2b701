//! The media lines of an offer, as far as they have to be named: kind and mid. Everything else the
//! media server reads.

use wire::proto::Kind;

/// A media line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub kind: Kind,
    pub mid: String,
}

/// The audio and video lines of an offer, in order.
pub fn lines(offer: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut kind = None;
    for line in offer.lines() {
        if let Some(media) = line.strip_prefix("m=") {
            kind = match media.split(' ').next() {
                Some("audio") => Some(Kind::Audio),
                Some("video") => Some(Kind::Video),
                _ => None,
            };
        } else if let (Some(of), Some(mid)) = (kind, line.strip_prefix("a=mid:")) {
            lines.push(Line { kind: of, mid: mid.trim_end().to_owned() });
            kind = None;
        }
    }
    lines
}

/// The user name fragment of an offer, or of a piece of one (RFC 8840).
pub fn fragment(sdp: &str) -> Option<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_lines_are_known_by_kind_and_mid() {
        let offer = "v=0\r\na=ice-ufrag:abc\r\nm=audio 9 X 0\r\na=mid:0\r\nm=application 9 Y\r\n\
            a=mid:1\r\nm=video 9 X 96\r\na=mid:v2\r\n";
        let line = |kind, mid: &str| Line { kind, mid: mid.into() };
        assert_eq!(lines(offer), [line(Kind::Audio, "0"), line(Kind::Video, "v2")]);
        assert_eq!(fragment(offer), Some("abc"));
        assert_eq!(fragment("v=0"), None);
    }
}
