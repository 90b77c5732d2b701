//! Recordings: frames of the media loop into files, one for each stream, with a thread of its own.
//!
//! A file that is being written stands in the folder `recordings` with a note beside it of what it
//! is. Promises that it is playable when the process ends in the middle of it: at the next start it
//! is mended and goes where it would have gone. Relies on [`matroska`] for that.

mod matroska;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hub::port::media::Recording;
use serde::{Deserialize, Serialize};
use sfu::{Encoding, Frame, Kind, Recorded, StreamId};
use tokio::sync::mpsc;
use wire::id::GroupId;
use wire::limits::{
    RECORDED_FRAMES_WAITING_MAX, RECORDED_STREAMS_MAX, RECORDED_TRACKS_WITHIN, RECORDING_BYTES_MAX,
    RECORDINGS_WAITING_MAX,
};
use wire::time::Timestamp;

use crate::files::Name;
use matroska::{Tracks, Writer, media_type};

/// What a file is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub aid: u32,
    pub gid: u32,
    /// Who has begun the recording.
    pub uid: u32,
    /// Whose stream it is, 0 = it was not noted.
    #[serde(default)]
    pub of: u32,
    /// Its name.
    pub title: String,
    /// When the recording began, ms since 1970.
    pub begun: u64,
    /// When this file begins, ms after that.
    pub from: u64,
}

/// What the recorder tells.
#[derive(Debug)]
pub enum Told {
    /// A file is there, and what it is.
    Done(Name, Note),
    /// A recording cannot go on: of which room, and when it began.
    Failed(GroupId, Timestamp),
}

/// How the recorder is reached.
#[derive(Clone)]
pub struct Recorder {
    wanted: Wanted,
    folder: Arc<Path>,
}

/// The streams to be recorded, with what they belong to.
type Wanted = Arc<Mutex<HashMap<StreamId, Recording>>>;

/// What to do with the recorder at the end.
pub struct RecorderThread(JoinHandle<()>);

/// Mends what a crash has left and starts the thread. It ends when nobody sends frames any more.
pub fn start(
    data: &Path,
) -> io::Result<(Recorder, SyncSender<Recorded>, mpsc::Receiver<Told>, RecorderThread)> {
    let folder: Arc<Path> = data.join("recordings").into();
    std::fs::create_dir_all(&folder)?;
    let (frames, waiting) = sync_channel(RECORDED_FRAMES_WAITING_MAX);
    let (tells, told) = mpsc::channel(RECORDINGS_WAITING_MAX);
    let wanted = Wanted::default();
    let recorder = Recorder { wanted: wanted.clone(), folder: folder.clone() };
    let desk = Desk { folder, wanted, tells, streams: HashMap::new(), bytes: HashMap::new() };
    let thread = std::thread::Builder::new().name("recorder".into());
    let thread = thread.spawn(move || desk.run(&waiting))?;
    Ok((recorder, frames, told, RecorderThread(thread)))
}

impl Recorder {
    /// Frames of this stream belong to this recording. `false` when there are too many streams.
    pub fn begin(&self, stream: StreamId, recording: Recording) -> bool {
        let mut wanted = self.wanted.lock().expect("no panic while looking");
        if wanted.len() >= RECORDED_STREAMS_MAX && !wanted.contains_key(&stream) {
            tracing::warn!(limit = RECORDED_STREAMS_MAX, "a stream is not recorded: too many are");
            return false;
        }
        wanted.insert(stream, recording);
        true
    }

    /// Where a file is.
    pub fn path_of(&self, name: &Name) -> PathBuf {
        self.folder.join(name.as_str())
    }

    /// The file is elsewhere, or of no use.
    pub fn forget(&self, name: &Name) {
        forget(&self.folder, name);
    }
}

impl RecorderThread {
    /// Waits until all files are sealed; the media loop has to be gone.
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the recorder had panicked");
        }
    }
}

/// The thread.
struct Desk {
    folder: Arc<Path>,
    wanted: Wanted,
    tells: mpsc::Sender<Told>,
    streams: HashMap<StreamId, Stream>,
    /// Bytes of each recording.
    bytes: HashMap<(GroupId, Timestamp), u64>,
}

/// A stream that is being recorded.
struct Stream {
    recording: Recording,
    /// Frames of a file that is not begun: which tracks it has is not known yet.
    waiting: Vec<Frame>,
    file: Option<Open>,
    /// Sound has come that the file has no track for: another one is begun at the next key frame.
    heard: bool,
}

struct Open {
    writer: Writer,
    name: Name,
    note: Note,
    /// When it begins.
    base: Instant,
}

impl Desk {
    fn run(mut self, frames: &Receiver<Recorded>) {
        self.mend();
        while let Ok(recorded) = frames.recv() {
            match recorded {
                Recorded::Frame(stream, frame) => self.on_frame(stream, frame),
                Recorded::End(stream) => self.end(stream),
            }
        }
        for stream in self.streams.keys().copied().collect::<Vec<_>>() {
            self.end(stream);
        }
    }

    /// What the last process has left.
    fn mend(&self) {
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let Some(name) = entry.file_name().to_str().and_then(Name::read) else { continue };
            let note = std::fs::read(note_of(&self.folder, &name)).ok();
            let note = note.and_then(|text| serde_json::from_slice(&text).ok());
            match (note, matroska::mend(&entry.path())) {
                (Some(note), Ok(Some(_))) => {
                    tracing::info!("a recording was mended");
                    self.tell(Told::Done(name, note));
                }
                // Nothing in it can be played.
                (_, Ok(_)) => forget(&self.folder, &name),
                (_, Err(error)) => tracing::error!(%error, "a recording cannot be mended"),
            }
        }
    }

    fn on_frame(&mut self, id: StreamId, frame: Frame) {
        if !self.streams.contains_key(&id) {
            let wanted = self.wanted.lock().expect("no panic while looking").get(&id).cloned();
            let Some(recording) = wanted else { return };
            let stream = Stream { recording, waiting: Vec::new(), file: None, heard: false };
            self.streams.insert(id, stream);
        }
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let (room, begun) = (stream.recording.room, stream.recording.begun);
        let before = self.bytes.entry((room, begun)).or_default();
        *before += frame.bytes.len() as u64;
        let full = *before > RECORDING_BYTES_MAX;
        let taken = stream.on_frame(&self.folder, frame);
        let done = taken.as_ref().ok().cloned().flatten();
        if let Some((name, note)) = done {
            self.tell(Told::Done(name, note));
        }
        if let Err(error) = &taken {
            tracing::error!(%error, "a recording cannot be written");
            // What there is of it is mended at the next start.
            self.streams.remove(&id);
            self.wanted.lock().expect("no panic while looking").remove(&id);
        }
        if full || taken.is_err() {
            self.tell(Told::Failed(room, begun));
        }
    }

    fn end(&mut self, id: StreamId) {
        self.wanted.lock().expect("no panic while looking").remove(&id);
        let Some(mut stream) = self.streams.remove(&id) else { return };
        let (room, begun) = (stream.recording.room, stream.recording.begun);
        let others =
            |other: &Stream| (other.recording.room, other.recording.begun) == (room, begun);
        if !self.streams.values().any(others) {
            self.bytes.remove(&(room, begun));
        }
        let opened = match stream.file {
            None if !stream.waiting.is_empty() => stream.open(&self.folder),
            _ => Ok(()),
        };
        match opened.and_then(|()| stream.close()) {
            Ok(Some((name, note))) => self.tell(Told::Done(name, note)),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "a recording cannot be finished"),
        }
    }

    fn tell(&self, told: Told) {
        if self.tells.try_send(told).is_err() {
            tracing::warn!("a recording waits for the next start: too many wait");
        }
    }
}

impl Stream {
    /// Takes the next frame; a file that it ends.
    fn on_frame(&mut self, folder: &Path, frame: Frame) -> io::Result<Option<(Name, Note)>> {
        let is_sound = frame.encoding.kind() == Kind::Audio;
        let Some(open) = &mut self.file else {
            self.waiting.push(frame);
            let tracks = self.tracks();
            let (first, last) = (&self.waiting[0], &self.waiting[self.waiting.len() - 1]);
            let waited = last.captured.saturating_duration_since(first.captured);
            if tracks.sound && tracks.picture.is_some() || waited >= RECORDED_TRACKS_WITHIN {
                self.open(folder)?;
            }
            return Ok(None);
        };
        let tracks = open.writer.tracks();
        let fits = match is_sound {
            true => tracks.sound,
            false => tracks.picture == Some(frame.encoding) && !(self.heard && frame.key),
        };
        if fits {
            let at = frame.captured.saturating_duration_since(open.base);
            open.writer.write(at, frame)?;
            return Ok(None);
        }
        if is_sound && tracks.picture.is_some() {
            self.heard = true;
            return Ok(None);
        }
        if !is_sound && !frame.key {
            return Ok(None);
        }
        let done = self.close()?;
        self.waiting.push(frame);
        Ok(done)
    }

    /// Of what waits.
    fn tracks(&self) -> Tracks {
        let mut tracks = Tracks::default();
        for frame in &self.waiting {
            match frame.encoding {
                Encoding::Opus => tracks.sound = true,
                encoding => tracks.picture = Some(encoding),
            }
        }
        tracks
    }

    /// Begins a file with what waits.
    fn open(&mut self, folder: &Path) -> io::Result<()> {
        let tracks = self.tracks();
        let waiting = std::mem::take(&mut self.waiting);
        let Some(base) = waiting.iter().map(|frame| frame.captured).min() else { return Ok(()) };
        let begun = SystemTime::now().checked_sub(base.elapsed()).unwrap_or(UNIX_EPOCH);
        let since = begun.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let Recording { aid, room, by, of, begun: recording, name } = &self.recording;
        let note = Note {
            aid: aid.0,
            gid: room.0,
            uid: by.0,
            of: of.0,
            title: name.clone(),
            begun: recording.0,
            from: since.saturating_sub(recording.0),
        };
        let name = Name::draw("", media_type(tracks).0).map_err(io::Error::other)?;
        std::fs::write(note_of(folder, &name), serde_json::to_vec(&note)?)?;
        let first = waiting.iter().find(|frame| frame.key && frame.encoding.kind() == Kind::Video);
        let mut writer = Writer::create(&folder.join(name.as_str()), tracks, first, begun)?;
        for frame in waiting {
            writer.write(frame.captured.saturating_duration_since(base), frame)?;
        }
        self.heard = false;
        self.file = Some(Open { writer, name, note, base });
        Ok(())
    }

    fn close(&mut self) -> io::Result<Option<(Name, Note)>> {
        let Some(Open { writer, name, note, .. }) = self.file.take() else { return Ok(None) };
        writer.finish()?;
        Ok(Some((name, note)))
    }
}

fn note_of(folder: &Path, name: &Name) -> PathBuf {
    folder.join(format!("{name}.json"))
}

fn forget(folder: &Path, name: &Name) {
    // In this order: a note without a file says nothing.
    for path in [folder.join(name.as_str()), note_of(folder, name)] {
        // It may be gone already.
        let _ = std::fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use wire::id::{AppId, Uid};

    const STREAM: StreamId = StreamId(7);

    fn recording() -> Recording {
        let (aid, room, by) = (AppId(1), GroupId(1000), Uid(5));
        Recording { aid, room, by, of: by, begun: Timestamp(1_000), name: "Ada".into() }
    }

    fn frame(encoding: Encoding, start: Instant, at_ms: u64, key: bool) -> Recorded {
        let captured = start + Duration::from_millis(at_ms);
        let size = key.then_some((320, 180));
        Recorded::Frame(STREAM, Frame { encoding, key, size, captured, bytes: vec![1; 100] })
    }

    /// What becomes of these frames: kinds of the files.
    fn files(data: &Path, frames: impl Iterator<Item = Recorded>) -> Vec<(String, Note)> {
        let (recorder, sender, mut told, thread) = start(data).unwrap();
        assert!(recorder.begin(STREAM, recording()));
        frames.for_each(|frame| sender.send(frame).unwrap());
        drop(sender);
        thread.join();
        let mut files = Vec::new();
        while let Ok(Told::Done(name, note)) = told.try_recv() {
            assert!(recorder.path_of(&name).exists());
            files.push((name.media_type().0.to_owned(), note));
            recorder.forget(&name);
        }
        files
    }

    #[test]
    fn a_stream_becomes_a_file_and_another_one_when_its_tracks_change() {
        let data = tempfile::tempdir().unwrap();
        let start = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        let both = (0..200).flat_map(|index| {
            let sound = frame(Encoding::Opus, start, index * 20, true);
            let picture = frame(Encoding::Vp8, start, index * 20, index % 50 == 0);
            [sound, picture]
        });
        let other =
            (200..300).map(|index| frame(Encoding::H264, start, index * 20, index % 50 == 0));
        let files = files(data.path(), both.chain(other));
        let kinds: Vec<_> = files.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["video/webm", "video/x-matroska"]);
        assert_eq!((files[0].1.gid, files[0].1.title.as_str()), (1000, "Ada"));
        assert!(files[1].1.from >= files[0].1.from + 3_990, "{files:?}");
    }

    #[test]
    fn sound_alone_is_a_file_and_a_picture_that_comes_late_begins_another() {
        let data = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let frames = (0..500).flat_map(|index| {
            let picture =
                (index >= 250).then(|| frame(Encoding::Vp8, start, index * 20, index % 50 == 0));
            [Some(frame(Encoding::Opus, start, index * 20, true)), picture].into_iter().flatten()
        });
        let files = files(data.path(), frames);
        let kinds: Vec<_> = files.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["audio/webm", "video/webm"]);
    }

    #[test]
    fn what_a_crash_has_left_is_there_after_the_next_start() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("recordings");
        std::fs::create_dir_all(&folder).unwrap();
        let start = Instant::now();
        let mut stream =
            Stream { recording: recording(), waiting: Vec::new(), file: None, heard: false };
        for index in 0..300 {
            for encoding in [Encoding::Opus, Encoding::Vp8] {
                let Recorded::Frame(_, frame) = frame(encoding, start, index * 20, index == 0)
                else {
                    unreachable!()
                };
                stream.on_frame(&folder, frame).unwrap();
            }
        }
        // As if the process were killed: nothing is finished.
        drop(stream);
        let files = files(data.path(), std::iter::empty());
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].1.title, "Ada");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }
}
