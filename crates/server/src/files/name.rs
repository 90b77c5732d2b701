//! The name of a stored file: when it came, 128 random bits, its ending. Whoever knows it may
//! have the file; nothing else is a name, so no name leads out of the folder.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::random;

/// `<epoch seconds>-<32 hex>.<ending>` (`backend-api.md` 6.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

/// Endings, their types, and whether a browser may show them in place. What is not listed, and
/// what could run (HTML, SVG), is downloaded.
const TYPES: [(&str, &str, bool); 38] = [
    ("png", "image/png", true),
    ("jpg", "image/jpeg", true),
    ("jpeg", "image/jpeg", true),
    ("gif", "image/gif", true),
    ("webp", "image/webp", true),
    ("avif", "image/avif", true),
    ("bmp", "image/bmp", true),
    ("heic", "image/heic", true),
    ("svg", "image/svg+xml", false),
    ("mp4", "video/mp4", true),
    ("m4v", "video/mp4", true),
    ("webm", "video/webm", true),
    ("mov", "video/quicktime", true),
    ("ogv", "video/ogg", true),
    ("mkv", "video/x-matroska", true),
    ("3gp", "video/3gpp", true),
    ("mp3", "audio/mpeg", true),
    ("m4a", "audio/mp4", true),
    ("aac", "audio/aac", true),
    ("ogg", "audio/ogg", true),
    ("oga", "audio/ogg", true),
    ("opus", "audio/ogg", true),
    ("wav", "audio/wav", true),
    ("weba", "audio/webm", true),
    ("flac", "audio/flac", true),
    ("amr", "audio/amr", true),
    ("pdf", "application/pdf", true),
    ("txt", "text/plain; charset=utf-8", false),
    ("csv", "text/csv; charset=utf-8", false),
    ("md", "text/markdown; charset=utf-8", false),
    ("json", "application/json", false),
    ("xml", "application/xml", false),
    ("html", "text/html; charset=utf-8", false),
    ("htm", "text/html; charset=utf-8", false),
    ("zip", "application/zip", false),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", false),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", false),
];

impl Name {
    /// A new name for a file that was called so, or has this type. Fails when the system gives no
    /// random numbers.
    pub fn draw(original: &str, media_type: &str) -> Result<Name, getrandom::Error> {
        let random = random::hex::<16>()?;
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = since_1970.map_or(0, |since| since.as_secs());
        Ok(Name(format!("{seconds}-{random}.{}", ending(original, media_type))))
    }

    /// A name of ours.
    pub fn read(text: &str) -> Option<Name> {
        let (seconds, rest) = text.split_once('-')?;
        let (random, end) = rest.split_once('.')?;
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let good = (1..=12).contains(&seconds.len())
            && seconds.bytes().all(|byte| byte.is_ascii_digit())
            && random.len() == 32
            && random.bytes().all(hex)
            && is_ending(end);
        good.then(|| Name(text.to_owned()))
    }

    /// Its 32 random digits.
    pub fn digits(&self) -> &str {
        self.0.split(['-', '.']).nth(1).unwrap_or_default()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its type, and whether it may be shown in place.
    pub fn media_type(&self) -> (&'static str, bool) {
        let end = self.0.rsplit('.').next().unwrap_or_default();
        let known = TYPES.iter().find(|(ending, _, _)| *ending == end);
        known.map_or(("application/octet-stream", false), |(_, kind, shown)| (kind, *shown))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ending of a file's own name; without one that we take that of its type, or `bin`.
fn ending(original: &str, media_type: &str) -> String {
    let end = original.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
    let media_type = media_type.split(';').next().unwrap_or_default();
    let of_type = TYPES.iter().find(|(_, known, _)| known.split(';').next() == Some(media_type));
    end.filter(|end| is_ending(end))
        .unwrap_or_else(|| of_type.map_or("bin", |(end, _, _)| end).into())
}

fn is_ending(end: &str) -> bool {
    (1..=8).contains(&end.len())
        && end.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_drawn_can_be_read() {
        let name = Name::draw("Holiday.PNG", "").unwrap();
        assert!(name.as_str().ends_with(".png"));
        assert_eq!(Name::read(name.as_str()), Some(name.clone()));
        assert_eq!(name.media_type(), ("image/png", true));
        assert_ne!(Name::draw("Holiday.PNG", "").unwrap(), name);
    }

    #[test]
    fn an_ending_that_we_do_not_take_becomes_bin() {
        for original in ["", "none", "a.", "a.b/c", "a.toolongend", "a.ü", "../.."] {
            assert!(Name::draw(original, "").unwrap().as_str().ends_with(".bin"), "{original:?}");
        }
    }

    #[test]
    fn a_file_without_an_ending_gets_that_of_its_type() {
        for (media_type, end) in
            [("image/jpeg", ".jpg"), ("text/plain", ".txt"), ("audio/ogg;codecs=opus", ".ogg")]
        {
            assert!(Name::draw("", media_type).unwrap().as_str().ends_with(end), "{media_type}");
        }
    }

    #[test]
    fn nothing_else_is_a_name() {
        let hex = "0123456789abcdef0123456789abcdef";
        assert!(Name::read(&format!("1-{hex}.png")).is_some());
        let others = [
            "..".to_owned(),
            "../mesibo.db".into(),
            format!("1-{hex}"),
            format!("1-{hex}.png/.."),
            format!("1-{hex}.p.ng"),
            format!("1-{}.png", hex.to_uppercase()),
            format!("-{hex}.png"),
            format!("1-{hex}0.png"),
            format!("1-{hex}.png\0"),
        ];
        for other in others {
            assert_eq!(Name::read(&other), None, "{other:?}");
        }
    }

    #[test]
    fn what_could_run_is_not_shown_in_place() {
        for end in ["html", "htm", "svg", "xml", "js", "xhtml", "bin"] {
            let name = Name::draw(&format!("a.{end}"), "image/png").unwrap();
            assert!(!name.media_type().1, "{end}");
        }
    }
}
