//! What a video payload says of its picture: the size, of key frames; VP8's numbers of pictures,
//! which go on without a break when a line changes to another layer.

use str0m::format::Codec;
use str0m::rtp::{Vp8Descriptor, Vp8Patch};

/// Width and height, where this first packet of a key frame tells them.
pub fn picture_size(codec: Codec, payload: &[u8]) -> Option<(u32, u32)> {
    let (width, height) = match codec {
        Codec::Vp8 => vp8_size(payload)?,
        Codec::H264 => h264_size(payload)?,
        _ => return None,
    };
    (width > 0 && height > 0).then_some((width, height))
}

/// Where the picture begins behind the payload descriptor (RFC 7741 4.2).
pub fn vp8_begins_at(payload: &[u8]) -> Option<usize> {
    let mut at = 1;
    if payload.first()? & 0x80 != 0 {
        let extension = *payload.get(1)?;
        at = 2;
        if extension & 0x80 != 0 {
            at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
        }
        at += usize::from(extension & 0x40 != 0);
        at += usize::from(extension & 0x30 != 0);
    }
    Some(at)
}

/// RFC 6386 9.1: a frame tag of three bytes, a start code, twice 14 bits.
fn vp8_size(payload: &[u8]) -> Option<(u32, u32)> {
    const START: [u8; 3] = [0x9d, 0x01, 0x2a];
    let at = vp8_begins_at(payload)?;
    let header = payload.get(at + 3..at + 10)?;
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    (header[..3] == START).then(|| (side(header[3], header[4]), side(header[5], header[6])))
}

/// The sequence parameter set, alone or first in an aggregate (RFC 6184 5.7.1).
fn h264_size(payload: &[u8]) -> Option<(u32, u32)> {
    const SEQUENCE: u8 = 7;
    const STAP_A: u8 = 24;
    let unit = match payload.first()? & 0x1f {
        SEQUENCE => payload,
        STAP_A => {
            let length = usize::from(u16::from_be_bytes([*payload.get(1)?, *payload.get(2)?]));
            payload.get(3..3 + length).filter(|unit| unit.first().map(|t| t & 0x1f) == Some(7))?
        }
        _ => return None,
    };
    // Behind 00 00 a 03 is there so that no start code comes about (H.264 7.4.1).
    let mut plain = Vec::with_capacity(unit.len());
    for &byte in unit.get(1..)? {
        if byte != 3 || !plain.ends_with(&[0, 0]) {
            plain.push(byte);
        }
    }
    sequence_size(&mut Bits { bytes: &plain, at: 0 })
}

/// H.264 7.3.2.1.1, as far as the size.
fn sequence_size(bits: &mut Bits) -> Option<(u32, u32)> {
    const WITH_CHROMA: [u32; 9] = [100, 110, 122, 244, 44, 83, 86, 118, 128];
    let profile = bits.take(8)?;
    bits.take(16)?;
    bits.golomb()?;
    let mut chroma = 1;
    if WITH_CHROMA.contains(&profile) {
        chroma = bits.golomb()?;
        if chroma == 3 {
            bits.take(1)?;
        }
        bits.golomb()?;
        bits.golomb()?;
        bits.take(1)?;
        // No encoder of a browser sends scaling lists.
        if bits.take(1)? == 1 {
            return None;
        }
    }
    bits.golomb()?;
    match bits.golomb()? {
        0 => drop(bits.golomb()?),
        1 => return None,
        _ => {}
    }
    bits.golomb()?;
    bits.take(1)?;
    let width = 16 * (bits.golomb()?.min(4_096) + 1);
    let map_units = bits.golomb()?.min(4_096) + 1;
    let frames_only = bits.take(1)?;
    if frames_only == 0 {
        bits.take(1)?;
    }
    bits.take(1)?;
    let height = 16 * map_units * (2 - frames_only);
    if bits.take(1)? == 0 {
        return Some((width, height));
    }
    let mut crop = [0; 4];
    for side in &mut crop {
        *side = bits.golomb()?.min(4_096);
    }
    let (across, down) = match chroma {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    let down = down * (2 - frames_only);
    Some((
        width.checked_sub(across * (crop[0] + crop[1]))?,
        height.checked_sub(down * (crop[2] + crop[3]))?,
    ))
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// Exp-Golomb (H.264 9.1).
    fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
        }
        (zeros < 32).then_some(())?;
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}

/// Numbers of VP8 pictures on one line (RFC 7741 4.2), whatever layer feeds it.
#[derive(Debug, Default)]
pub struct Pictures {
    last: Option<Vp8Numbers>,
    /// Added to the numbers of the run that is forwarded.
    ahead: Vp8Numbers,
}

#[derive(Clone, Copy, Debug, Default)]
struct Vp8Numbers {
    picture: u16,
    base: u8,
}

impl Pictures {
    /// How to write this packet. `begins` when it is the first of a run.
    pub fn patch(&mut self, descriptor: &Vp8Descriptor, begins: bool) -> Option<Vp8Patch> {
        let source = Vp8Numbers {
            picture: descriptor.picture_id()?,
            base: descriptor.tl0_pic_idx().unwrap_or(0),
        };
        if begins {
            self.ahead = self.last.map_or_else(Vp8Numbers::default, |last| Vp8Numbers {
                picture: last.picture.wrapping_add(1).wrapping_sub(source.picture),
                base: last.base.wrapping_add(1).wrapping_sub(source.base),
            });
        }
        let picture = source.picture.wrapping_add(self.ahead.picture) & 0x7fff;
        let base = source.base.wrapping_add(self.ahead.base);
        // Late packets of an earlier picture do not turn it back.
        let newer = |last: Vp8Numbers| picture.wrapping_sub(last.picture) & 0x7fff < 0x4000;
        if begins || self.last.is_none_or(newer) {
            self.last = Some(Vp8Numbers { picture, base });
        }
        if (self.ahead.picture, self.ahead.base) == (0, 0) {
            return None;
        }
        let mut patch = descriptor.patch().picture_id(picture);
        if descriptor.tl0_pic_idx().is_some() {
            patch = patch.tl0_pic_idx(base);
        }
        // Seven bits: the descriptor has no place for more.
        patch.build().or_else(|_| descriptor.patch().picture_id(picture & 0x7f).build()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vp8_key_frame_tells_its_size_behind_every_descriptor() {
        let frame = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x41];
        for descriptor in [&[0x10][..], &[0x90, 0x80, 0x81, 0x02], &[0x90, 0xe0, 0x05, 1, 2]] {
            let payload = [descriptor, &frame].concat();
            assert_eq!(picture_size(Codec::Vp8, &payload), Some((640, 360)), "{descriptor:?}");
        }
        assert_eq!(picture_size(Codec::Vp8, &[0x10, 1, 2]), None);
    }

    #[test]
    fn an_h264_sequence_tells_its_size_alone_and_aggregated() {
        // As x264 writes it: high profile, cropped from 1280 × 736.
        let sequence = [
            0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00,
            0x03, 0x00, 0x10,
        ];
        let size = picture_size(Codec::H264, &sequence);
        assert_eq!(size, Some((1_280, 720)));
        // As openh264 writes it: baseline.
        let baseline = [0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x1e, 0xd0, 0x0f, 0x08];
        assert_eq!(picture_size(Codec::H264, &baseline), Some((640, 480)));
        let mut aggregate = vec![0x78, 0, sequence.len() as u8];
        aggregate.extend(sequence);
        assert_eq!(picture_size(Codec::H264, &aggregate), size);
        for length in 0..9 {
            assert_eq!(picture_size(Codec::H264, &sequence[..length]), None);
        }
    }

    fn descriptor(picture: u16, base: u8) -> Vp8Descriptor {
        let [high, low] = picture.to_be_bytes();
        let payload = [0x90, 0xe0, 0x80 | high, low, base, 0x20, 0x01, 0];
        Vp8Descriptor::parse(&payload).unwrap()
    }

    #[test]
    fn numbers_of_pictures_go_on_from_one_layer_to_the_next() {
        let mut pictures = Pictures::default();
        assert!(pictures.patch(&descriptor(100, 7), true).is_none(), "as it came");
        assert!(pictures.patch(&descriptor(102, 8), false).is_none());
        assert!(pictures.patch(&descriptor(101, 7), false).is_none(), "late");
        assert!(pictures.patch(&descriptor(9_000, 200), true).is_some());
        let last = pictures.last.unwrap();
        assert_eq!((last.picture, last.base), (103, 9));
        pictures.patch(&descriptor(9_001, 201), false);
        let last = pictures.last.unwrap();
        assert_eq!((last.picture, last.base), (104, 10));
        pictures.patch(&descriptor(32_767, 0), true);
        pictures.patch(&descriptor(0, 1), false);
        assert_eq!(pictures.last.unwrap().picture, 106);
    }
}
