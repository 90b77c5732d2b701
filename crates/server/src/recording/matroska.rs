//! A file with the sound and the picture of one stream: WebM (Matroska, RFC 9559), written as it
//! comes and playable however it ends.
//!
//! What has come is sorted by time and leaves memory in clusters of a second or so, each written at
//! once. Until [`seal`] the file does not say how long it is; what a crash has left is sealed
//! by what is in it ([`Index::read`]), without what is not whole.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use sfu::{Encoding, Frame, Kind};
use wire::limits::{RECORDED_CLUSTER_LASTS_MAX, RECORDED_REPAIR_WITHIN};

const EBML: u32 = 0x1a45_dfa3;
const SEGMENT: u32 = 0x1853_8067;
const SEEK_HEAD: u32 = 0x114d_9b74;
const INFO: u32 = 0x1549_a966;
const TRACKS: u32 = 0x1654_ae6b;
const CLUSTER: u32 = 0x1f43_b675;
const CLUSTER_TIME: u32 = 0xe7;
const SIMPLE_BLOCK: u32 = 0xa3;
const CUES: u32 = 0x1c53_bb6b;
const VOID: u32 = 0xec;

/// Numbers of the tracks.
const PICTURE: u8 = 1;
const SOUND: u8 = 2;

/// What is kept free at the beginning of the segment for where the index is.
const SEEK_BYTES: usize = 26;
/// What is kept free for the duration.
const DURATION_BYTES: usize = 11;

/// Which tracks a file has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracks {
    pub sound: bool,
    pub picture: Option<Encoding>,
}

/// What is needed to go to a place in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// Time (ms) and place in the segment of the clusters at which one can begin.
    cues: Vec<(u64, u64)>,
    /// Where the last block begins, ms.
    ends: u64,
}

/// See the module.
pub struct Writer {
    file: File,
    /// Bytes of the file.
    length: u64,
    /// Where the content of the segment begins.
    segment: u64,
    tracks: Tracks,
    index: Index,
    /// By time (ms) and the order in which they came.
    waiting: BTreeMap<(u64, u64), Frame>,
    count: u64,
    /// Time of the last block written, ms.
    written: u64,
}

impl Writer {
    /// Begins a file. `first` is the first key frame of the picture, if there is a picture.
    pub fn create(
        path: &Path,
        tracks: Tracks,
        first: Option<&Frame>,
        begun: SystemTime,
    ) -> io::Result<Writer> {
        let (head, segment) = head(tracks, first, begun);
        let mut file = File::create(path)?;
        file.write_all(&head)?;
        Ok(Writer {
            file,
            length: head.len() as u64,
            segment,
            tracks,
            index: Index::default(),
            waiting: BTreeMap::new(),
            count: 0,
            written: 0,
        })
    }

    pub fn tracks(&self) -> Tracks {
        self.tracks
    }

    /// Takes a frame, `at` so long after the beginning.
    pub fn write(&mut self, at: Duration, frame: Frame) -> io::Result<()> {
        self.count += 1;
        // What comes later than it may comes at the earliest time there still is.
        let at = (at.as_millis() as u64).max(self.written);
        self.waiting.insert((at, self.count), frame);
        let (cluster, patience) = (RECORDED_CLUSTER_LASTS_MAX, RECORDED_REPAIR_WITHIN);
        let span = |waiting: &BTreeMap<(u64, u64), Frame>| {
            let (first, last) = (waiting.first_key_value()?.0.0, waiting.last_key_value()?.0.0);
            Some((first, Duration::from_millis(last - first)))
        };
        while let Some((first, span)) = span(&self.waiting)
            && span >= cluster + patience
        {
            self.cluster(first + cluster.as_millis() as u64)?;
        }
        Ok(())
    }

    /// Writes what waits and seals the file; how large it is.
    pub fn finish(mut self) -> io::Result<u64> {
        while !self.waiting.is_empty() {
            self.cluster(u64::MAX)?;
        }
        seal(&mut self.file, self.segment, self.length, &self.index, self.tracks)
    }

    /// Writes one cluster of what was captured before this time, up to the next key frame.
    fn cluster(&mut self, before: u64) -> io::Result<()> {
        let Some((&(begin, _), _)) = self.waiting.first_key_value() else { return Ok(()) };
        let longest = begin + RECORDED_CLUSTER_LASTS_MAX.as_millis() as u64;
        let mut content = Vec::new();
        element(&mut content, CLUSTER_TIME, &begin.to_be_bytes());
        let mut is_place = false;
        let mut is_first = true;
        while let Some(entry) = self.waiting.first_entry() {
            let (at, _) = *entry.key();
            let is_picture = entry.get().encoding.kind() == Kind::Video;
            let begins = is_picture && entry.get().key;
            if !is_first && (begins || at >= before.min(longest)) {
                break;
            }
            let frame = entry.remove();
            // One can begin at a key frame; where there is no picture, anywhere.
            is_place |= is_first && (begins || self.tracks.picture.is_none());
            is_first = false;
            let track = if is_picture { PICTURE } else { SOUND };
            block(&mut content, track, (at - begin) as i16, &frame);
            self.written = at;
            self.index.ends = self.index.ends.max(at);
        }
        if is_place {
            self.index.cues.push((begin, self.length - self.segment));
        }
        let mut cluster = Vec::with_capacity(content.len() + 12);
        id(&mut cluster, CLUSTER);
        wide_length(&mut cluster, content.len() as u64);
        cluster.extend_from_slice(&content);
        self.file.write_all(&cluster)?;
        self.length += cluster.len() as u64;
        Ok(())
    }
}

/// Seals what a crash has left; how large it is then. `None` when there is nothing to be played.
pub fn mend(path: &Path) -> io::Result<Option<u64>> {
    let mut file = File::options().read(true).write(true).open(path)?;
    let Some((segment, end, index, tracks)) = Index::read(&mut file)? else { return Ok(None) };
    file.set_len(end)?;
    seal(&mut file, segment, end, &index, tracks).map(Some)
}

impl Index {
    /// Reads a file up to its last whole cluster: where its segment begins, where that cluster
    /// ends, and what is in between.
    fn read(file: &mut File) -> io::Result<Option<(u64, u64, Index, Tracks)>> {
        let length = file.metadata()?.len();
        let mut reader = io::BufReader::with_capacity(1 << 16, file);
        let Some((EBML, size)) = header(&mut reader)? else { return Ok(None) };
        reader.seek_relative(size.unwrap_or(0) as i64)?;
        let Some((SEGMENT, _)) = header(&mut reader)? else { return Ok(None) };
        let segment = reader.stream_position()?;
        let mut index = Index::default();
        let mut tracks = Tracks::default();
        let mut end = None;
        loop {
            let begin = reader.stream_position()?;
            let Some((name, Some(size))) = header(&mut reader)? else { break };
            let content = reader.stream_position()?;
            if content.saturating_add(size) > length {
                break;
            }
            if name == CLUSTER {
                let mut bytes = vec![0; size as usize];
                reader.read_exact(&mut bytes)?;
                index.add(begin - segment, &bytes, &mut tracks);
                end = Some(content + size);
            } else {
                // An index that was being written when it happened is written again.
                if name == CUES {
                    break;
                }
                reader.seek_relative(size as i64)?;
            }
        }
        Ok(end.map(|end| (segment, end, index, tracks)))
    }

    /// A cluster at this place of the segment.
    fn add(&mut self, place: u64, mut content: &[u8], tracks: &mut Tracks) {
        let mut begin = 0;
        let mut is_first = true;
        while let Ok(Some((name, Some(size)))) = header(&mut content) {
            let Some((bytes, rest)) = content.split_at_checked(size as usize) else { return };
            content = rest;
            match (name, bytes) {
                (CLUSTER_TIME, _) => {
                    begin = bytes.iter().fold(0, |time, byte| time << 8 | u64::from(*byte));
                }
                (SIMPLE_BLOCK, [track, high, low, flags, ..]) => {
                    let at = begin + u64::from(u16::from_be_bytes([*high, *low]));
                    self.ends = self.ends.max(at);
                    let is_picture = track & 0x7f == PICTURE;
                    // Which encoding is of no consequence for the index.
                    match is_picture {
                        true => tracks.picture = Some(Encoding::Vp8),
                        false => tracks.sound = true,
                    }
                    if is_first && flags & 0x80 != 0 && (is_picture || tracks.picture.is_none()) {
                        self.cues.push((begin, place));
                    }
                    is_first = false;
                }
                _ => {}
            }
        }
    }
}

/// Says how long the file is and where one can begin.
fn seal(file: &mut File, segment: u64, end: u64, index: &Index, tracks: Tracks) -> io::Result<u64> {
    let mut cues = Vec::new();
    let track = if tracks.picture.is_some() { PICTURE } else { SOUND };
    for (time, place) in &index.cues {
        let mut position = Vec::new();
        element(&mut position, 0xf7, &[track]);
        element(&mut position, 0xf1, &place.to_be_bytes());
        let mut cue = Vec::new();
        element(&mut cue, 0xb3, &time.to_be_bytes());
        element(&mut cue, 0xb7, &position);
        element(&mut cues, 0xbb, &cue);
    }
    let mut tail = Vec::new();
    if !cues.is_empty() {
        element(&mut tail, CUES, &cues);
    }
    file.seek(SeekFrom::Start(end))?;
    file.write_all(&tail)?;
    // First what is behind: a file that is cut off in between is one without an index.
    file.sync_all()?;

    let mut seek = Vec::new();
    element(&mut seek, 0x53ab, &CUES.to_be_bytes());
    element(&mut seek, 0x53ac, &(end - segment).to_be_bytes());
    let mut seeks = Vec::new();
    element(&mut seeks, 0x4dbb, &seek);
    let mut head = Vec::new();
    element(&mut head, SEEK_HEAD, &seeks);
    debug_assert_eq!(head.len(), SEEK_BYTES);
    if !tail.is_empty() {
        file.seek(SeekFrom::Start(segment))?;
        file.write_all(&head)?;
    }
    // The information stands right behind: its name, its length in one byte, its first element.
    let mut duration = Vec::new();
    // A last piece of sound has 20 ms.
    element(&mut duration, 0x4489, &((index.ends + 20) as f64).to_be_bytes());
    debug_assert_eq!(duration.len(), DURATION_BYTES);
    file.seek(SeekFrom::Start(segment + SEEK_BYTES as u64 + 5))?;
    file.write_all(&duration)?;
    let length = end + tail.len() as u64;
    let mut size = Vec::new();
    wide_length(&mut size, length - segment);
    file.seek(SeekFrom::Start(segment - 8))?;
    file.write_all(&size)?;
    file.sync_all()?;
    Ok(length)
}

/// All before the first cluster, and where in it the content of the segment begins.
fn head(tracks: Tracks, first: Option<&Frame>, begun: SystemTime) -> (Vec<u8>, u64) {
    let mut head = Vec::new();
    let mut about = Vec::new();
    let kind = media_type(tracks).1;
    for (name, value) in [(0x4286, 1), (0x42f7, 1), (0x42f2, 4), (0x42f3, 8)] {
        element(&mut about, name, &[value]);
    }
    element(&mut about, 0x4282, kind.as_bytes());
    element(&mut about, 0x4287, &[4]);
    element(&mut about, 0x4285, &[2]);
    element(&mut head, EBML, &about);
    id(&mut head, SEGMENT);
    // Of a length that is not known: as long as the file is.
    head.extend_from_slice(&[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let segment = head.len() as u64;
    element(&mut head, VOID, &[0; SEEK_BYTES - 2]);
    let mut info = Vec::new();
    element(&mut info, VOID, &[0; DURATION_BYTES - 2]);
    element(&mut info, 0x002a_d7b1, &1_000_000_u32.to_be_bytes());
    element(&mut info, 0x4d80, b"mesibo");
    element(&mut info, 0x5741, b"mesibo");
    element(&mut info, 0x4461, &since_2001(begun).to_be_bytes());
    element(&mut head, INFO, &info);
    debug_assert!(info.len() < 127, "its length has one byte");
    let mut all = Vec::new();
    if let Some(encoding) = tracks.picture {
        element(&mut all, 0xae, &picture_entry(encoding, first));
    }
    if tracks.sound {
        element(&mut all, 0xae, &sound_entry());
    }
    element(&mut head, TRACKS, &all);
    (head, segment)
}

/// Media type of such a file, and its kind of document. WebM has VP8 and VP9 only.
pub fn media_type(tracks: Tracks) -> (&'static str, &'static str) {
    match tracks.picture {
        Some(Encoding::H264) => ("video/x-matroska", "matroska"),
        Some(_) => ("video/webm", "webm"),
        None => ("audio/webm", "webm"),
    }
}

fn picture_entry(encoding: Encoding, first: Option<&Frame>) -> Vec<u8> {
    // Players go by the picture itself where they differ.
    const USUAL: (u32, u32) = (640, 360);
    let (width, height) = first.and_then(|frame| frame.size).unwrap_or(USUAL);
    let mut entry = entry(PICTURE, 1);
    match encoding {
        Encoding::Vp9 => element(&mut entry, 0x86, b"V_VP9"),
        Encoding::H264 => {
            element(&mut entry, 0x86, b"V_MPEG4/ISO/AVC");
            let parameters = first.and_then(|frame| avc_parameters(&frame.bytes));
            element(&mut entry, 0x63a2, &parameters.unwrap_or_default());
        }
        _ => element(&mut entry, 0x86, b"V_VP8"),
    }
    let mut shape = Vec::new();
    element(&mut shape, 0xb0, &width.to_be_bytes());
    element(&mut shape, 0xba, &height.to_be_bytes());
    element(&mut entry, 0xe0, &shape);
    entry
}

fn sound_entry() -> Vec<u8> {
    const RATE: u32 = 48_000;
    let mut entry = entry(SOUND, 2);
    element(&mut entry, 0x86, b"A_OPUS");
    // RFC 7845 5.1: version 1, two channels, nothing to skip, no gain, one stream.
    let mut parameters = b"OpusHead\x01\x02\0\0".to_vec();
    parameters.extend_from_slice(&RATE.to_le_bytes());
    parameters.extend_from_slice(&[0, 0, 0]);
    element(&mut entry, 0x63a2, &parameters);
    // What a decoder needs before it is right again: 80 ms (RFC 7845 4.6), in ns.
    element(&mut entry, 0x56bb, &80_000_000_u32.to_be_bytes());
    let mut sampling = Vec::new();
    element(&mut sampling, 0xb5, &f64::from(RATE).to_be_bytes());
    element(&mut sampling, 0x9f, &[2]);
    element(&mut entry, 0xe1, &sampling);
    entry
}

/// Number, kind (1 picture, 2 sound), one frame in each block.
fn entry(number: u8, kind: u8) -> Vec<u8> {
    let mut entry = Vec::new();
    for (name, value) in [(0xd7, number), (0x73c5, number), (0x83, kind), (0x9c, 0)] {
        element(&mut entry, name, &[value]);
    }
    entry
}

/// ISO/IEC 14496-15 5.3.3.1: the parameter sets of the first key frame.
fn avc_parameters(mut frame: &[u8]) -> Option<Vec<u8>> {
    let (mut sequence, mut picture) = (None, None);
    while let Some((length, rest)) = frame.split_first_chunk::<4>() {
        let (unit, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        match unit.first()? & 0x1f {
            7 => sequence = sequence.or(Some(unit)),
            8 => picture = picture.or(Some(unit)),
            _ => {}
        }
        frame = rest;
    }
    let (sequence, picture) = (sequence.filter(|unit| unit.len() >= 4)?, picture?);
    let mut parameters = vec![1, sequence[1], sequence[2], sequence[3], 0xff, 0xe1];
    parameters.extend_from_slice(&u16::try_from(sequence.len()).ok()?.to_be_bytes());
    parameters.extend_from_slice(sequence);
    parameters.push(1);
    parameters.extend_from_slice(&u16::try_from(picture.len()).ok()?.to_be_bytes());
    parameters.extend_from_slice(picture);
    Some(parameters)
}

fn block(to: &mut Vec<u8>, track: u8, time: i16, frame: &Frame) {
    id(to, SIMPLE_BLOCK);
    wide_length(to, frame.bytes.len() as u64 + 4);
    to.push(0x80 | track);
    to.extend_from_slice(&time.to_be_bytes());
    to.push(if frame.key { 0x80 } else { 0 });
    to.extend_from_slice(&frame.bytes);
}

/// Nanoseconds since the beginning of 2001, as Matroska counts.
fn since_2001(time: SystemTime) -> i64 {
    const SECONDS: u64 = 978_307_200;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let since = since.saturating_sub(Duration::from_secs(SECONDS));
    i64::try_from(since.as_nanos()).unwrap_or_default()
}

/// An element: name, length, content.
fn element(to: &mut Vec<u8>, name: u32, content: &[u8]) {
    id(to, name);
    match content.len() {
        short @ 0..127 => to.push(0x80 | short as u8),
        long => wide_length(to, long as u64),
    }
    to.extend_from_slice(content);
}

/// A name has its own length in its first bits.
fn id(to: &mut Vec<u8>, name: u32) {
    let skip = name.leading_zeros() as usize / 8;
    to.extend_from_slice(&name.to_be_bytes()[skip..]);
}

/// A length in eight bytes.
fn wide_length(to: &mut Vec<u8>, length: u64) {
    to.extend_from_slice(&(0x0100_0000_0000_0000 | length).to_be_bytes());
}

/// Name and length of the next element; no length when it is not known, nothing at the end.
fn header(from: &mut impl Read) -> io::Result<Option<(u32, Option<u64>)>> {
    let Some((name, _)) = number(from, 4, true)? else { return Ok(None) };
    let Some((length, unknown)) = number(from, 8, false)? else { return Ok(None) };
    Ok(Some((name as u32, (!unknown).then_some(length))))
}

/// A number that says its own length; whether all its bits are set. Nothing when it is cut off or
/// longer than it may be.
fn number(from: &mut impl Read, longest: u32, whole: bool) -> io::Result<Option<(u64, bool)>> {
    let mut first = [0];
    if from.read(&mut first)? == 0 {
        return Ok(None);
    }
    let more = first[0].leading_zeros();
    if more >= longest {
        return Ok(None);
    }
    let mask = 0xff_u8.checked_shr(more + 1).unwrap_or(0);
    let mut value = u64::from(if whole { first[0] } else { first[0] & mask });
    let mut full = first[0] & mask == mask;
    for _ in 0..more {
        let mut next = [0];
        if from.read(&mut next)? == 0 {
            return Ok(None);
        }
        value = value << 8 | u64::from(next[0]);
        full &= next[0] == 0xff;
    }
    Ok(Some((value, full)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const VP8: Tracks = Tracks { sound: true, picture: Some(Encoding::Vp8) };

    fn picture(key: bool) -> Frame {
        let size = key.then_some((320, 180));
        let (encoding, captured) = (Encoding::Vp8, Instant::now());
        Frame { encoding, key, size, captured, bytes: vec![1; 2_000] }
    }

    fn sound() -> Frame {
        let (encoding, captured) = (Encoding::Opus, Instant::now());
        Frame { encoding, key: true, size: None, captured, bytes: vec![2; 80] }
    }

    /// Five seconds; sound comes late.
    fn written(path: &Path) -> Writer {
        let now = SystemTime::now();
        let mut writer = Writer::create(path, VP8, Some(&picture(true)), now).unwrap();
        for at in (0..5_000).step_by(20) {
            if at % 40 == 0 {
                let key = at % 2_000 == 0;
                writer.write(Duration::from_millis(at), picture(key)).unwrap();
            }
            if let Some(at) = at.checked_sub(300) {
                writer.write(Duration::from_millis(at), sound()).unwrap();
            }
        }
        writer
    }

    fn read(path: &Path) -> (u64, Index) {
        let mut file = File::open(path).unwrap();
        let (_, end, index, tracks) = Index::read(&mut file).unwrap().expect("something");
        assert_eq!(tracks, VP8);
        (end, index)
    }

    #[test]
    fn a_finished_file_says_how_long_it_is_and_where_one_can_begin() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.webm");
        let size = written(&path).finish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), size);
        let (end, index) = read(&path);
        let times: Vec<u64> = index.cues.iter().map(|(time, _)| *time).collect();
        assert_eq!((times, index.ends), (vec![0, 2_000, 4_000], 4_960));
        let bytes = std::fs::read(&path).unwrap();
        for (_, place) in &index.cues {
            let mut file = File::open(&path).unwrap();
            let (segment, ..) = Index::read(&mut file).unwrap().expect("something");
            let at = (segment + place) as usize;
            assert_eq!(bytes[at..at + 4], CLUSTER.to_be_bytes());
        }
        assert_eq!(bytes[end as usize..end as usize + 4], CUES.to_be_bytes());
        let duration = [&[0x44, 0x89, 0x88][..], &4_980_f64.to_be_bytes()].concat();
        assert!(bytes.windows(11).any(|window| window == duration));
    }

    #[test]
    fn blocks_are_in_the_order_of_their_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.webm");
        written(&path).finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(4).position(|window| window == CLUSTER.to_be_bytes()).unwrap();
        let mut rest = &bytes[at..];
        let (mut times, mut begin) = (Vec::new(), 0);
        while let Ok(Some((name, Some(size)))) = header(&mut rest) {
            let content = &rest[..if name == CLUSTER { 0 } else { size as usize }];
            match name {
                CLUSTER_TIME => begin = u64::from_be_bytes(content.try_into().unwrap()),
                SIMPLE_BLOCK => {
                    times.push(begin + u64::from(u16::from_be_bytes([content[1], content[2]])));
                }
                _ => {}
            }
            rest = &rest[content.len()..];
        }
        assert_eq!(times.len(), 125 + 235);
        assert!(times.is_sorted());
    }

    #[test]
    fn what_a_crash_has_left_is_mended_wherever_it_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.webm");
        let writer = written(&path);
        let whole = writer.length;
        // What was in memory is lost.
        drop(writer);
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len() as u64, whole);
        let mut lengths = Vec::new();
        for cut in (0..bytes.len()).step_by(997).chain([bytes.len()]) {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            let Some(size) = mend(&path).unwrap() else { continue };
            assert_eq!(std::fs::metadata(&path).unwrap().len(), size);
            let (_, index) = read(&path);
            assert_eq!(index.cues[0].0, 0);
            lengths.push(index.ends);
            assert_eq!(mend(&path).unwrap(), Some(size), "done twice it is the same");
        }
        assert!(lengths.is_sorted() && lengths.last() >= Some(&2_900), "{lengths:?}");
    }

    #[test]
    fn parameter_sets_of_h264_are_found() {
        let frame = [&[0, 0, 0, 5, 0x67, 0x42, 0xe0, 0x1f, 9][..], &[0, 0, 0, 2, 0x68, 7]].concat();
        let expected = [1, 0x42, 0xe0, 0x1f, 0xff, 0xe1, 0, 5, 0x67, 0x42, 0xe0, 0x1f, 9];
        let expected = [&expected[..], &[1, 0, 2, 0x68, 7]].concat();
        assert_eq!(avc_parameters(&frame), Some(expected));
        assert_eq!(avc_parameters(&frame[..7]), None);
    }
}
