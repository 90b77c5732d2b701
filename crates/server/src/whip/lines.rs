//! The media lines of an offer, as far as they have to be named: kind and mid, and of an answer, as
//! far as they are held to bit rates. Everything else the media server reads and writes.

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
            kind = kind_of(media);
        } else if let (Some(of), Some(mid)) = (kind, line.strip_prefix("a=mid:")) {
            lines.push(Line { kind: of, mid: mid.trim_end().to_owned() });
            kind = None;
        }
    }
    lines
}

fn kind_of(media: &str) -> Option<Kind> {
    match media.split(' ').next() {
        Some("audio") => Some(Kind::Audio),
        Some("video") => Some(Kind::Video),
        _ => None,
    }
}

/// The answer to who publishes, held to so many kbit/s of sound and of picture; 0 = not held.
pub fn capped(answer: &str, audio_kbps: u32, video_kbps: u32) -> String {
    let mut capped = String::with_capacity(answer.len() + 128);
    let mut kbps = 0;
    for line in answer.split_inclusive('\n') {
        if let Some(media) = line.strip_prefix("m=") {
            kbps = match kind_of(media) {
                Some(Kind::Audio) => audio_kbps,
                Some(Kind::Video) => video_kbps,
                None => 0,
            };
        } else if kbps > 0 && line.starts_with("a=") {
            // Bandwidth stands before the attributes; who knows no TIAS knows AS.
            let bits = u64::from(kbps) * 1000;
            capped += &format!("b=AS:{kbps}\r\nb=TIAS:{bits}\r\n");
            kbps = 0;
        }
        capped += line;
    }
    capped
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

    #[test]
    fn an_answer_is_held_to_the_rates_of_its_kinds() {
        let sound = "m=audio 9 X 0\r\nc=IN IP4 0.0.0.0\r\n";
        let picture = "m=video 9 X 96\r\n";
        let answer = format!("v=0\r\na=ice-lite\r\n{sound}a=mid:0\r\n{picture}a=mid:1\r\na=x\r\n");
        assert_eq!(capped(&answer, 0, 0), answer);
        let held = "b=AS:300\r\nb=TIAS:300000\r\n";
        let expected =
            format!("v=0\r\na=ice-lite\r\n{sound}a=mid:0\r\n{picture}{held}a=mid:1\r\na=x\r\n");
        assert_eq!(capped(&answer, 0, 300), expected);
        assert_eq!(capped(&answer, 24, 0).matches("b=TIAS:24000").count(), 1);
    }
}
