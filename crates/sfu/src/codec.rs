//! Where a key frame begins, by codec, seen from one RTP payload.
//!
//! A subscriber that starts in the middle of a picture would show rubbish until the next key
//! frame, so forwarding of video begins at one.

use str0m::format::Codec;
use str0m::rtp::Vp8Descriptor;

/// Whether this packet is the first one of a key frame. For a codec that is not known every packet
/// is one: its decoder has to cope.
pub fn starts_key_frame(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Vp8 => Vp8Descriptor::parse(payload)
            .is_ok_and(|descriptor| descriptor.starts_keyframe(payload)),
        Codec::H264 => h264_starts_key_frame(payload),
        Codec::Vp9 => vp9_starts_key_frame(payload),
        _ => true,
    }
}

/// RFC 6184 5.2: a sequence parameter set (7) precedes the picture; a picture (5) may come alone.
fn h264_starts_key_frame(payload: &[u8]) -> bool {
    const STAP_A: u8 = 24;
    const FU_A: u8 = 28;
    let starts = |unit: u8| matches!(unit & 0x1f, 5 | 7);
    let Some(&first) = payload.first() else { return false };
    match first & 0x1f {
        STAP_A => {
            let mut rest = &payload[1..];
            while let [high, low, unit, ..] = *rest {
                let length = 2 + usize::from(u16::from_be_bytes([high, low]));
                let Some(behind) = rest.get(length..) else { return false };
                if starts(unit) {
                    return true;
                }
                rest = behind;
            }
            false
        }
        FU_A => payload.get(1).is_some_and(|header| header & 0x80 != 0 && starts(*header)),
        _ => starts(first),
    }
}

/// RFC 9628 4.2: not predicted from another picture, begin of a frame, lowest spatial layer.
fn vp9_starts_key_frame(payload: &[u8]) -> bool {
    const PICTURE_ID: u8 = 0x80;
    const PREDICTED: u8 = 0x40;
    const LAYERS: u8 = 0x20;
    const BEGIN: u8 = 0x08;
    let Some(&first) = payload.first() else { return false };
    if first & PREDICTED != 0 || first & BEGIN == 0 {
        return false;
    }
    if first & LAYERS == 0 {
        return true;
    }
    let layers_at = match (first & PICTURE_ID != 0, payload.get(1)) {
        (false, _) => 1,
        (true, Some(id)) if id & 0x80 != 0 => 3,
        (true, _) => 2,
    };
    payload.get(layers_at).is_some_and(|layers| (layers >> 1) & 0x07 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vp8_key_frames_are_seen_behind_every_descriptor() {
        assert!(starts_key_frame(Codec::Vp8, &[0x10, 0x00, 1, 2]));
        assert!(!starts_key_frame(Codec::Vp8, &[0x10, 0x01, 1, 2]), "inter frame");
        assert!(!starts_key_frame(Codec::Vp8, &[0x00, 0x00, 1, 2]), "not the first packet");
        assert!(starts_key_frame(Codec::Vp8, &[0x90, 0x80, 0x81, 0x02, 0x00]), "long picture id");
        assert!(!starts_key_frame(Codec::Vp8, &[0x90, 0x80]), "truncated");
    }

    #[test]
    fn h264_key_frames_are_seen_alone_aggregated_and_fragmented() {
        assert!(starts_key_frame(Codec::H264, &[0x67, 1]));
        assert!(starts_key_frame(Codec::H264, &[0x65, 1]));
        assert!(!starts_key_frame(Codec::H264, &[0x61, 1]));
        assert!(starts_key_frame(Codec::H264, &[0x78, 0, 1, 0x09, 0, 2, 0x67, 1]));
        assert!(!starts_key_frame(Codec::H264, &[0x78, 0, 1, 0x09, 0xff, 0xff, 0x67]));
        assert!(starts_key_frame(Codec::H264, &[0x7c, 0x85]));
        assert!(!starts_key_frame(Codec::H264, &[0x7c, 0x05]), "not the first fragment");
    }

    #[test]
    fn vp9_key_frames_begin_in_the_lowest_layer() {
        assert!(starts_key_frame(Codec::Vp9, &[0x08]));
        assert!(!starts_key_frame(Codec::Vp9, &[0x48]), "predicted");
        assert!(starts_key_frame(Codec::Vp9, &[0xa8, 0x80, 0x01, 0x00]));
        assert!(!starts_key_frame(Codec::Vp9, &[0xa8, 0x80, 0x01, 0x02]), "second spatial layer");
        assert!(!starts_key_frame(Codec::Vp9, &[]));
    }
}
