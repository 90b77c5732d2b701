//! The name of a stored file: when it came, 128 random bits, its ending. Whoever knows it may
//! have the file; nothing else is a name, so no name leads out of the folder.

use std::fmt;

use crate::clock::unix_seconds;
use crate::random;

/// `<epoch seconds>-<32 hex>.<ending>` (`backend-api.md` 6.3). One that begins with a zero takes more than
/// its URL; the last eight of its digits are the seal of its app.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

/// Of the 32 digits: 96 bits are left that nobody guesses.
const SEAL_DIGITS: usize = 8;

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
        let seconds = unix_seconds();
        Ok(Name(format!("{seconds}-{random}.{}", ending(original, media_type))))
    }

    /// As [`Name::draw`], for one that takes more than its URL. `seal` makes eight digits of the others.
    pub fn draw_signed(
        original: &str,
        media_type: &str,
        seal: impl Fn(&str) -> String,
    ) -> Result<Name, getrandom::Error> {
        let Name(drawn) = Name::draw(original, media_type)?;
        let (stem, end) = drawn.rsplit_once('.').unwrap_or((&drawn, "bin"));
        let (first, _) = stem.split_at(stem.len() - SEAL_DIGITS);
        Ok(Name(format!("0{first}{}.{end}", seal(first))))
    }

    /// Whether it takes more than its URL.
    pub fn is_signed(&self) -> bool {
        self.0.starts_with('0')
    }

    /// What its seal is made of, and its seal.
    pub fn sealed(&self) -> Option<(&str, &str)> {
        let (stem, _) = self.0.strip_prefix('0')?.rsplit_once('.')?;
        stem.split_at_checked(stem.len().checked_sub(SEAL_DIGITS)?)
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
    fn a_name_that_takes_more_than_its_url_has_the_seal_of_its_app() {
        let name = Name::draw_signed("a.png", "", |_| "01234567".into()).unwrap();
        let (first, seal) = name.sealed().unwrap();
        assert_eq!((name.is_signed(), seal), (true, "01234567"));
        assert_eq!(name.as_str(), format!("0{first}01234567.png"));
        assert_eq!(Name::read(name.as_str()), Some(name));
        let plain = Name::draw("a.png", "").unwrap();
        assert!(!plain.is_signed() && plain.sealed().is_none());
    }

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
