//! Small pictures of pictures: what pages of the first generation show before the picture itself has
//! come (`tn` of `backend-api.md` 6.2 and 7).
//!
//! Whoever uploads says what is in a file, so nothing of it is believed: its size, its pixels and the
//! memory to decode it have limits that are looked at before, and decoding has a thread of its own.
//! Promises that a picture that cannot be made small is as good as any other otherwise, and is not
//! tried twice.

use std::fs::File;
use std::io::{self, BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use image::{
    DynamicImage, GenericImageView, ImageDecoder, ImageError, ImageReader, Limits, Rgb, RgbImage,
};
use tokio::sync::Semaphore;
use wire::limits::{
    THUMBNAIL_MEMORY_MAX, THUMBNAIL_SIDE_MAX, THUMBNAIL_SOURCE_BYTES_MAX,
    THUMBNAIL_SOURCE_PIXELS_MAX, THUMBNAIL_WAIT_MAX, THUMBNAILS_AT_ONCE_MAX,
};

use super::Name;

/// Width and height that pages of the first generation show.
const SIDE: u32 = 100;
/// Of JPEG, in percent: 3 KB of a face.
const QUALITY: u8 = 75;
/// Behind what is transparent.
const BACKGROUND: u32 = 255;

/// Small pictures that are there, and the one that is being made.
pub struct Thumbnails {
    /// Each is called as what it was made of, and empty when that is not to be made small.
    folder: PathBuf,
    making: Arc<Semaphore>,
}

/// Why a picture is not made small.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    /// More than [`THUMBNAIL_SOURCE_BYTES_MAX`].
    #[error("{0} bytes are too many")]
    Long(u64),
    /// More than [`THUMBNAIL_SOURCE_PIXELS_MAX`], or longer than [`THUMBNAIL_SIDE_MAX`].
    #[error("{0} x {1} pixels are too many")]
    Large(u32, u32),
    /// No picture, of a kind that is not read here, or it takes too much memory.
    #[error("{0}")]
    Undecodable(#[from] ImageError),
    /// The disk, not the picture: worth another try.
    #[error("{0}")]
    Disk(#[from] io::Error),
}

impl Thumbnails {
    /// Opens the folder, makes it when missing.
    pub fn open(folder: PathBuf) -> io::Result<Thumbnails> {
        std::fs::create_dir_all(&folder)?;
        let making = Arc::new(Semaphore::new(THUMBNAILS_AT_ONCE_MAX));
        Ok(Thumbnails { folder, making })
    }

    /// A JPEG of 100 x 100 pixels of this file, made when it is first asked for; `None` when there
    /// is none, or not in time.
    pub async fn of(&self, name: &Name, source: &Path) -> Option<Vec<u8>> {
        let kept = self.folder.join(name.as_str());
        if let Some(known) = self.known(name).await {
            return Some(known).filter(|known| !known.is_empty());
        }
        let (making, source) = (self.making.clone(), source.to_owned());
        let made = async move {
            // Who decodes has its place until it is done, also when nobody waits any more.
            let place = making.acquire_owned().await.ok()?;
            let made = tokio::task::spawn_blocking(move || {
                let made = make_and_keep(&source, &kept);
                drop(place);
                made
            });
            made.await.ok().flatten()
        };
        tokio::time::timeout(THUMBNAIL_WAIT_MAX, made).await.ok().flatten()
    }

    /// What was made before, empty when that was not possible.
    pub async fn known(&self, name: &Name) -> Option<Vec<u8>> {
        tokio::fs::read(self.folder.join(name.as_str())).await.ok()
    }

    /// What it was made of is gone.
    pub async fn remove(&self, name: &Name) {
        // Most files have none.
        let _ = tokio::fs::remove_file(self.folder.join(name.as_str())).await;
    }
}

fn make_and_keep(source: &Path, kept: &Path) -> Option<Vec<u8>> {
    let made = match make(source) {
        Ok(made) => made,
        Err(Unusable::Disk(error)) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::error!(%error, "a picture cannot be read");
            }
            return None;
        }
        Err(unusable) => {
            tracing::debug!(%unusable, "a picture is not made small");
            Vec::new()
        }
    };
    if let Err(error) = std::fs::write(kept, &made) {
        tracing::error!(%error, "a small picture cannot be written");
    }
    // The file may have been removed meanwhile; whoever did that has looked here before.
    if !source.exists() {
        let _ = std::fs::remove_file(kept);
    }
    Some(made).filter(|made| !made.is_empty())
}

/// Decodes, takes the square in the middle, turns it as the camera was held, encodes. Nothing else
/// of the file is left: not where it was taken, nor with what.
fn make(source: &Path) -> Result<Vec<u8>, Unusable> {
    let file = File::open(source)?;
    let length = file.metadata()?.len();
    if length > THUMBNAIL_SOURCE_BYTES_MAX {
        return Err(Unusable::Long(length));
    }
    // What it is says its content; its name was chosen by who uploaded it.
    let mut reader = ImageReader::new(BufReader::new(file)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(THUMBNAIL_MEMORY_MAX);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > THUMBNAIL_SOURCE_PIXELS_MAX || width.max(height) > THUMBNAIL_SIDE_MAX {
        return Err(Unusable::Large(width, height));
    }
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    let picture = DynamicImage::from_decoder(decoder)?;
    let side = width.min(height);
    let square = picture.view((width - side) / 2, (height - side) / 2, side, side);
    let small = image::imageops::thumbnail(&*square, SIDE, SIDE);
    let mut opaque = RgbImage::new(SIDE, SIDE);
    for (pixel, below) in small.pixels().zip(opaque.pixels_mut()) {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        let mixed = |colour| ((colour * alpha + BACKGROUND * (255 - alpha)) / 255) as u8;
        *below = Rgb([red, green, blue].map(mixed));
    }
    let mut small = DynamicImage::ImageRgb8(opaque);
    small.apply_orientation(orientation);
    let mut made = Cursor::new(Vec::new());
    small.write_with_encoder(JpegEncoder::new_with_quality(&mut made, QUALITY))?;
    Ok(made.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder, ImageFormat, Rgba, RgbaImage};

    const RED: [u8; 3] = [255, 0, 0];
    const BLUE: [u8; 3] = [0, 0, 255];

    /// Left half red, right half blue.
    fn halves(width: u32, height: u32) -> DynamicImage {
        let colour = |x| Rgb(if x < width / 2 { RED } else { BLUE });
        DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, _| colour(x)))
    }

    fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, content).unwrap();
        (folder, path)
    }

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut all = Cursor::new(Vec::new());
        picture.write_to(&mut all, format).unwrap();
        all.into_inner()
    }

    fn small(content: &[u8]) -> Result<RgbImage, Unusable> {
        let (_folder, path) = file(content);
        let made = make(&path)?;
        assert_eq!(image::guess_format(&made).unwrap(), ImageFormat::Jpeg);
        let small = image::load_from_memory(&made).unwrap().to_rgb8();
        assert_eq!(small.dimensions(), (SIDE, SIDE));
        Ok(small)
    }

    /// JPEG loses a little.
    fn is_near(pixel: &Rgb<u8>, colour: [u8; 3]) -> bool {
        pixel.0.iter().zip(colour).all(|(one, other)| one.abs_diff(other) < 24)
    }

    /// A PNG that says to be so large, of one bit each, and has no more than that.
    fn bomb(width: u32, height: u32) -> Vec<u8> {
        let chunk = |kind: &[u8], content: &[u8]| {
            let named = [kind, content].concat();
            let length = (content.len() as u32).to_be_bytes();
            [&length[..], &named, &checksum(&named).to_be_bytes()].concat()
        };
        let said = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[1, 0, 0, 0, 0]].concat();
        let parts = [chunk(b"IHDR", &said), chunk(b"IDAT", &[0x78, 1]), chunk(b"IEND", b"")];
        [b"\x89PNG\r\n\x1a\n".to_vec(), parts.concat()].concat()
    }

    fn checksum(bytes: &[u8]) -> u32 {
        let mut sum = u32::MAX;
        for byte in bytes {
            sum ^= u32::from(*byte);
            for _ in 0..8 {
                sum = (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg());
            }
        }
        !sum
    }

    #[test]
    fn of_each_kind_the_square_in_the_middle_is_made_small() {
        let kinds = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif];
        for kind in kinds {
            for (width, height) in [(300, 120), (90, 240), (400, 400), (60, 36)] {
                let small = small(&encoded(&halves(width, height), kind)).unwrap();
                let ends = (small.get_pixel(4, 50), small.get_pixel(95, 50));
                assert!(is_near(ends.0, RED) && is_near(ends.1, BLUE), "{kind:?}: {ends:?}");
            }
        }
    }

    #[test]
    fn what_is_transparent_becomes_white() {
        let clear = DynamicImage::ImageRgba8(RgbaImage::from_pixel(8, 8, Rgba([9, 9, 9, 0])));
        let small = small(&encoded(&clear, ImageFormat::Png)).unwrap();
        assert!(is_near(small.get_pixel(50, 50), [255; 3]));
    }

    #[test]
    fn a_picture_is_turned_as_the_camera_was_held() {
        let wide = halves(64, 64).to_rgb8();
        let mut all = Vec::new();
        let mut encoder = JpegEncoder::new(&mut all);
        // Exif of one entry: orientation (0x0112) is 6, a quarter to the right.
        let exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        encoder.set_exif_metadata(exif.to_vec()).unwrap();
        encoder.write_image(&wide, 64, 64, ExtendedColorType::Rgb8).unwrap();
        let small = small(&all).unwrap();
        assert!(is_near(small.get_pixel(50, 4), RED), "{:?}", small.get_pixel(50, 4));
        assert!(is_near(small.get_pixel(50, 95), BLUE), "{:?}", small.get_pixel(50, 95));
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_decoded() {
        for (width, height) in [(50_000, 50_000), (6_000, 6_000), (1, 50_000), (2_000_000, 1)] {
            let refused = small(&bomb(width, height)).map(|_| ());
            assert!(matches!(refused, Err(Unusable::Large(_, _))), "{width}: {refused:?}");
        }
        // The same in what may be decoded is only broken.
        let broken = small(&bomb(500, 500)).map(|_| ());
        assert!(matches!(broken, Err(Unusable::Undecodable(_))), "{broken:?}");
    }

    #[tokio::test]
    async fn a_picture_is_looked_at_once_and_goes_with_what_it_was_made_of() {
        let (folder, path) = file(b"no picture");
        let name = Name::draw("a.png", "").unwrap();
        let thumbnails = Thumbnails::open(folder.path().join("thumbnails")).unwrap();
        assert_eq!(thumbnails.of(&name, &path).await, None);
        std::fs::write(&path, encoded(&halves(8, 8), ImageFormat::Png)).unwrap();
        assert_eq!(thumbnails.of(&name, &path).await, None, "it is known to be none");
        thumbnails.remove(&name).await;
        let small = thumbnails.of(&name, &path).await.expect("a picture now");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(thumbnails.of(&name, &path).await, Some(small), "it is kept");
        thumbnails.remove(&name).await;
        assert_eq!(thumbnails.of(&name, &path).await, None);
        assert_eq!(std::fs::read_dir(folder.path().join("thumbnails")).unwrap().count(), 0);
    }
}
