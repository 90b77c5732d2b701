//! Whole frames out of the payloads of packets in order: VP8 (RFC 7741), VP9 (RFC 9628), H.264
//! (RFC 6184), Opus (RFC 7587).
//!
//! Promises that no part of a frame of which something is lost comes out, nor a picture that was
//! predicted from one.

use wire::limits::RECORDED_FRAME_BYTES_MAX;

use super::Encoding;
use super::order::Packet;
use crate::codec::starts_key_frame;
use crate::picture::{picture_size, vp8_begins_at};
use str0m::format::Codec;

/// A frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Whole {
    pub key: bool,
    pub size: Option<(u32, u32)>,
    pub bytes: Vec<u8>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Assembly {
    /// Of the frame that is being put together.
    time: Option<u32>,
    frame: Whole,
    /// Where the length of an H.264 unit in pieces belongs.
    unit_at: Option<usize>,
    /// Nothing before the next key frame can be shown.
    broken: bool,
}

impl Assembly {
    /// Takes the next packet, `lost` when there was one before it that did not come. Answers the
    /// frame that it ends.
    pub fn on_packet(&mut self, encoding: Encoding, packet: &Packet, lost: bool) -> Option<Whole> {
        if encoding == Encoding::Opus {
            let bytes = packet.payload.to_vec();
            return (!bytes.is_empty()).then_some(Whole { key: true, size: None, bytes });
        }
        if lost {
            self.give_up();
        }
        if self.time != Some(packet.time) {
            // The end of the former frame did not come.
            if self.time.is_some() {
                self.give_up();
            }
            (self.frame, self.unit_at) = (Whole::default(), None);
            self.time = Some(packet.time);
        }
        let codec = codec(encoding);
        if !self.frame.key && starts_key_frame(codec, &packet.payload) {
            self.frame.key = true;
            self.broken = false;
        }
        if self.broken {
            if packet.marker {
                self.time = None;
            }
            return None;
        }
        if self.frame.key && self.frame.size.is_none() {
            self.frame.size = picture_size(codec, &packet.payload);
        }
        let added = match encoding {
            Encoding::Vp8 => self.add_from(vp8_begins_at(&packet.payload), &packet.payload),
            Encoding::Vp9 => self.add_from(vp9_begins_at(&packet.payload), &packet.payload),
            _ => self.add_h264(&packet.payload),
        };
        if added.is_none() || self.frame.bytes.len() > RECORDED_FRAME_BYTES_MAX {
            self.give_up();
            return None;
        }
        if !packet.marker {
            return None;
        }
        self.time = None;
        let whole = std::mem::take(&mut self.frame);
        (!whole.bytes.is_empty() && self.unit_at.is_none()).then_some(whole)
    }

    /// What comes is of no use before a key frame.
    pub fn awaits_key_frame(&self) -> bool {
        self.broken
    }

    fn give_up(&mut self) {
        (self.frame, self.unit_at) = (Whole::default(), None);
        self.broken = true;
    }

    fn add_from(&mut self, begin: Option<usize>, payload: &[u8]) -> Option<()> {
        self.frame.bytes.extend_from_slice(payload.get(begin?..)?);
        Some(())
    }

    fn add_h264(&mut self, payload: &[u8]) -> Option<()> {
        const STAP_A: u8 = 24;
        const FU_A: u8 = 28;
        let bytes = &mut self.frame.bytes;
        let mut add = |unit: &[u8]| {
            bytes.extend_from_slice(&(unit.len() as u32).to_be_bytes());
            bytes.extend_from_slice(unit);
        };
        match payload.first()? & 0x1f {
            1..=23 => add(payload),
            STAP_A => {
                let mut rest = &payload[1..];
                while let [high, low, ..] = *rest {
                    let length = usize::from(u16::from_be_bytes([high, low]));
                    add(rest.get(2..2 + length)?);
                    rest = &rest[2 + length..];
                }
            }
            FU_A => {
                let (indicator, header) = (payload[0], *payload.get(1)?);
                if header & 0x80 != 0 {
                    self.unit_at = Some(bytes.len());
                    bytes.extend_from_slice(&[0, 0, 0, 0, indicator & 0xe0 | header & 0x1f]);
                }
                let at = self.unit_at?;
                bytes.extend_from_slice(&payload[2..]);
                if header & 0x40 != 0 {
                    let length = (bytes.len() - at - 4) as u32;
                    bytes[at..at + 4].copy_from_slice(&length.to_be_bytes());
                    self.unit_at = None;
                }
            }
            _ => return None,
        }
        Some(())
    }
}

fn codec(encoding: Encoding) -> Codec {
    match encoding {
        Encoding::Opus => Codec::Opus,
        Encoding::Vp8 => Codec::Vp8,
        Encoding::Vp9 => Codec::Vp9,
        Encoding::H264 => Codec::H264,
    }
}

/// Behind the payload descriptor (RFC 9628 4.2).
fn vp9_begins_at(payload: &[u8]) -> Option<usize> {
    let flags = *payload.first()?;
    let has = |bit: u8| flags & bit != 0;
    let (number, predicted, layers, flexible, structure) =
        (has(0x80), has(0x40), has(0x20), has(0x10), has(0x02));
    let mut at = 1;
    if number {
        at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
    }
    if layers {
        at += if flexible { 1 } else { 2 };
    }
    if flexible && predicted {
        // As long as the last bit says that another one follows.
        while payload.get(at)? & 1 != 0 {
            at += 1;
        }
        at += 1;
    }
    if structure {
        let what = *payload.get(at)?;
        at += 1;
        if what & 0x10 != 0 {
            at += 4 * (usize::from(what >> 5) + 1);
        }
        if what & 0x08 != 0 {
            let pictures = *payload.get(at)?;
            at += 1;
            for _ in 0..pictures {
                at += 1 + usize::from(payload.get(at)? >> 2 & 3);
            }
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Instant;

    fn packet(time: u32, marker: bool, payload: &[u8]) -> Packet {
        let arrived = Instant::now();
        Packet { sequence: 0, time, marker, payload: Arc::from(payload), arrived, report: None }
    }

    fn feed(encoding: Encoding, packets: &[(u32, bool, bool, &[u8])]) -> Vec<(bool, Vec<u8>)> {
        let mut assembly = Assembly::default();
        let whole = packets.iter().filter_map(|(time, marker, lost, payload)| {
            assembly.on_packet(encoding, &packet(*time, *marker, payload), *lost)
        });
        whole.map(|whole| (whole.key, whole.bytes)).collect()
    }

    #[test]
    fn vp8_frames_are_whole_and_after_a_loss_begin_with_a_key_frame() {
        let frames = feed(
            Encoding::Vp8,
            &[
                (1, false, false, &[0x10, 0x00, 1]),
                (1, true, false, &[0x90, 0x80, 0x12, 2][..]),
                (2, true, false, &[0x10, 0x01, 3]),
                (3, true, true, &[0x10, 0x01, 4]),
                (4, false, false, &[0x10, 0x00, 5]),
                (4, true, true, &[0x00, 6]),
                (5, true, false, &[0x10, 0x00, 7]),
            ],
        );
        let expected = [(true, vec![0, 1, 2]), (false, vec![1, 3]), (true, vec![0, 7])];
        assert_eq!(frames, expected);
    }

    #[test]
    fn h264_units_alone_aggregated_and_in_pieces_stand_behind_their_length() {
        let frames = feed(
            Encoding::H264,
            &[
                (1, false, false, &[0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 2]),
                (1, false, false, &[0x7c, 0x85, 3]),
                (1, false, false, &[0x7c, 0x05, 4]),
                (1, true, false, &[0x7c, 0x45, 5]),
                (2, true, false, &[0x61, 6]),
                // The beginning of the unit is missing.
                (3, true, false, &[0x7c, 0x41, 7]),
                (4, true, false, &[0x61, 8]),
            ],
        );
        let key = [&[0, 0, 0, 2, 0x67, 1, 0, 0, 0, 2, 0x68, 2][..], &[0, 0, 0, 4, 0x65, 3, 4, 5]];
        assert_eq!(frames, [(true, key.concat()), (false, vec![0, 0, 0, 2, 0x61, 6])]);
    }

    #[test]
    fn vp9_descriptors_of_every_kind_are_taken_off() {
        let payloads: [&[u8]; 6] = [
            &[0x08, 0xaa],
            &[0x88, 0x12, 0xaa],
            &[0x88, 0x92, 0x34, 0xaa],
            &[0xa8, 0x92, 0x34, 0x00, 0x01, 0xaa],
            &[0xf0, 0x12, 0x00, 0x03, 0x02, 0xaa],
            &[0x0a, 0x18, 1, 0x40, 0, 0xf0, 2, 0x04, 1, 0x00, 0xaa],
        ];
        for payload in payloads {
            let begin = vp9_begins_at(payload).map(|at| &payload[at..]);
            assert_eq!(begin, Some(&[0xaa][..]), "{payload:x?}");
        }
        assert_eq!(vp9_begins_at(&[0x80]), None);
    }

    #[test]
    fn no_bytes_of_anybody_make_it_panic() {
        let mut state = 0x1234_5678_u64;
        let mut byte = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as u8
        };
        for encoding in [Encoding::Vp8, Encoding::Vp9, Encoding::H264] {
            let mut assembly = Assembly::default();
            for time in 0..20_000 {
                let payload: Vec<u8> = (0..byte() % 24).map(|_| byte()).collect();
                let packet = packet(time / 3, byte() % 3 == 0, &payload);
                assembly.on_packet(encoding, &packet, byte() % 16 == 0);
            }
        }
    }
}
