//! Uploads that are not finished: a file each for what has come, and a note of what it will be.
//!
//! Promises that what was received stays until the upload is continued, finished, withdrawn or
//! too old, also across a restart; and that one upload is written by one request at a time, the
//! latest.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use object_store::path::Path as Place;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Value, json};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{MutexGuard, Semaphore, watch};
use wire::id::{AppId, Uid};
use wire::limits::{
    FILE_PART_BYTES, FILES_FINISHING_MAX, UPLOAD_SILENCE_MAX, UPLOAD_UNFINISHED_KEPT,
    UPLOADS_UNFINISHED_MAX,
};

use super::name::Name;
use crate::clock::unix_seconds;

const HOUR: Duration = Duration::from_secs(3600);

pub struct Desk {
    folder: PathBuf,
    stock: Arc<dyn ObjectStore>,
    uploads: Mutex<HashMap<Name, Arc<Upload>>>,
    /// Bytes that are coming as a whole, by app.
    coming: Mutex<HashMap<AppId, u64>>,
    finishing: Semaphore,
}

/// An upload that can be continued.
pub struct Upload {
    pub name: Name,
    pub owner: (AppId, Uid),
    /// Bytes it will have.
    pub length: u64,
    /// Seconds since 1970.
    pub expires: u64,
    /// Who writes.
    turn: tokio::sync::Mutex<()>,
    /// How many have asked for the turn: who writes makes way for the next.
    asked: watch::Sender<u64>,
}

/// The turn to work on an upload, until somebody else wants it.
pub struct Turn<'a> {
    next: watch::Receiver<u64>,
    _turn: MutexGuard<'a, ()>,
}

/// Room that is taken until a file is counted, or is not going to be.
pub struct Reservation<'a> {
    desk: &'a Desk,
    aid: AppId,
    bytes: u64,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut coming = self.desk.coming.lock().expect("no panic while counting");
        if let Some(bytes) = coming.get_mut(&self.aid) {
            *bytes -= self.bytes;
            if *bytes == 0 {
                coming.remove(&self.aid);
            }
        }
    }
}

/// Why receiving ended before its end.
#[derive(Debug)]
pub enum Interrupted {
    /// More came than there may be.
    TooLarge,
    /// The sender went away, was silent for too long, or has begun again elsewhere.
    Sender,
    /// The disk.
    Disk(io::Error),
}

impl From<io::Error> for Interrupted {
    fn from(error: io::Error) -> Interrupted {
        Interrupted::Disk(error)
    }
}

impl Desk {
    /// Opens the folder; what has no note there was never promised to anybody.
    pub fn open(folder: &Path, stock: Arc<dyn ObjectStore>) -> io::Result<Desk> {
        std::fs::create_dir_all(folder)?;
        let mut uploads = HashMap::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let Some(text) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if let Some(name) = Name::read(text) {
                match read_note(folder, &name) {
                    Some(upload) => drop(uploads.insert(name, Arc::new(upload))),
                    None => std::fs::remove_file(&path)?,
                }
            }
        }
        let finishing = Semaphore::new(FILES_FINISHING_MAX);
        let (folder, uploads) = (folder.to_owned(), Mutex::new(uploads));
        Ok(Desk { folder, stock, uploads, coming: Mutex::default(), finishing })
    }

    /// Deletes what is too old, from now on.
    pub fn sweep_every_hour(self: Arc<Self>) {
        tokio::spawn(async move {
            loop {
                self.sweep(unix_seconds()).await;
                tokio::time::sleep(HOUR).await;
            }
        });
    }

    async fn sweep(&self, now: u64) {
        let old = |upload: &&Arc<Upload>| upload.expires <= now;
        let old: Vec<_> = self.lock().values().filter(old).cloned().collect();
        for upload in old {
            self.discard(&upload.name).await;
        }
    }

    /// Takes room for a file of an app that may have `left` more bytes; what is on its way counts, as
    /// do uploads that can be continued. `None` when there is none.
    pub fn reserve(&self, aid: AppId, bytes: u64, left: Option<u64>) -> Option<Reservation<'_>> {
        let mut coming = self.coming.lock().expect("no panic while counting");
        let all = coming.entry(aid).or_default();
        if let Some(left) = left {
            let of_app = self.lock();
            let of_app = of_app.values().filter(|upload| upload.owner.0 == aid);
            let unfinished: u64 = of_app.map(|upload| upload.length).sum();
            if unfinished.saturating_add(*all).saturating_add(bytes) > left {
                return None;
            }
        }
        *all += bytes;
        Some(Reservation { desk: self, aid, bytes })
    }

    /// Begins an upload that can be continued. `Ok(None)` when its owner has too many.
    pub async fn begin(
        &self,
        name: Name,
        owner: (AppId, Uid),
        length: u64,
    ) -> io::Result<Option<Arc<Upload>>> {
        let of_owner = |upload: &&Arc<Upload>| upload.owner == owner;
        if self.lock().values().filter(of_owner).count() >= UPLOADS_UNFINISHED_MAX {
            return Ok(None);
        }
        let expires = unix_seconds() + UPLOAD_UNFINISHED_KEPT.as_secs();
        let upload = Arc::new(Upload::new(name, owner, length, expires));
        File::create(self.path_of(&upload.name)).await?;
        tokio::fs::write(self.note_of(&upload.name), upload.note().to_string()).await?;
        self.lock().insert(upload.name.clone(), upload.clone());
        Ok(Some(upload))
    }

    pub fn find(&self, name: &Name) -> Option<Arc<Upload>> {
        self.lock().get(name).cloned()
    }

    /// Bytes received.
    pub async fn received(&self, upload: &Upload) -> io::Result<u64> {
        Ok(tokio::fs::metadata(self.path_of(&upload.name)).await?.len())
    }

    /// Deletes what was received, and what was noted of it; a file it has become stays.
    pub async fn discard(&self, name: &Name) {
        self.lock().remove(name);
        // In this order: what has no note is deleted at the next start.
        for path in [self.note_of(name), self.path_of(name)] {
            // It may be gone already.
            let _ = tokio::fs::remove_file(path).await;
        }
    }

    /// Deletes all that somebody has begun to upload.
    pub async fn discard_of(&self, uid: Uid) {
        let of_user = |upload: &&Arc<Upload>| upload.owner.1 == uid;
        let uploads: Vec<_> = self.lock().values().filter(of_user).cloned().collect();
        for upload in uploads {
            let _turn = upload.take_turn().await;
            self.discard(&upload.name).await;
        }
    }

    /// Adds what comes to what was received, up to `length` in all; returns how much there is.
    /// What came before an interruption is kept.
    pub async fn receive<E>(
        &self,
        name: &Name,
        length: u64,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
        mut turn: Option<Turn<'_>>,
    ) -> Result<u64, Interrupted> {
        let path = self.path_of(name);
        let mut file = OpenOptions::new().append(true).create(true).open(path).await?;
        let mut received = file.metadata().await?.len();
        let result = loop {
            let next = tokio::time::timeout(UPLOAD_SILENCE_MAX, body.next());
            let chunk = tokio::select! {
                () = somebody_else(&mut turn) => break Err(Interrupted::Sender),
                next = next => next,
            };
            match chunk {
                Ok(Some(Ok(chunk))) if received + chunk.len() as u64 > length => {
                    break Err(Interrupted::TooLarge);
                }
                Ok(Some(Ok(chunk))) => {
                    file.write_all(&chunk).await?;
                    received += chunk.len() as u64;
                }
                Ok(None) => break Ok(received),
                Ok(Some(Err(_))) | Err(_) => break Err(Interrupted::Sender),
            }
        };
        file.flush().await?;
        result
    }

    /// Makes a file of what was received: from now on it can be downloaded.
    pub async fn finish(&self, name: &Name) -> anyhow::Result<()> {
        self.store(&self.path_of(name), name).await?;
        self.discard(name).await;
        Ok(())
    }

    /// Makes a copy of a file that can be downloaded.
    pub async fn store(&self, from: &Path, name: &Name) -> anyhow::Result<()> {
        let _place = self.finishing.acquire().await?;
        let mut file = File::open(from).await?;
        let mut stored = self.stock.put_multipart(&Place::from(name.as_str())).await?;
        let result = async {
            loop {
                let mut part = BytesMut::with_capacity(FILE_PART_BYTES);
                while part.len() < FILE_PART_BYTES && file.read_buf(&mut part).await? > 0 {}
                if part.is_empty() {
                    break;
                }
                stored.put_part(part.freeze().into()).await?;
            }
            stored.complete().await?;
            anyhow::Ok(())
        };
        if let Err(error) = result.await {
            // What is left of it is in the way of nobody.
            let _ = stored.abort().await;
            return Err(error);
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Name, Arc<Upload>>> {
        self.uploads.lock().expect("no panic while looking")
    }

    pub fn path_of(&self, name: &Name) -> PathBuf {
        self.folder.join(name.as_str())
    }

    fn note_of(&self, name: &Name) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }
}

impl Upload {
    fn new(name: Name, owner: (AppId, Uid), length: u64, expires: u64) -> Upload {
        let (turn, asked) = (tokio::sync::Mutex::new(()), watch::Sender::new(0));
        Upload { name, owner, length, expires, turn, asked }
    }

    /// Waits for the turn; who has it makes way at once.
    pub async fn take_turn(&self) -> Turn<'_> {
        self.asked.send_modify(|count| *count += 1);
        let next = self.asked.subscribe();
        Turn { next, _turn: self.turn.lock().await }
    }

    fn note(&self) -> Value {
        let (aid, uid) = self.owner;
        json!({"aid": aid.0, "uid": uid.0, "length": self.length, "expires": self.expires})
    }
}

fn read_note(folder: &Path, name: &Name) -> Option<Upload> {
    let text = std::fs::read(folder.join(format!("{name}.json"))).ok()?;
    let note: Value = serde_json::from_slice(&text).ok()?;
    let number = |field: &str| note.get(field)?.as_u64();
    let owner = (AppId(number("aid")? as u32), Uid(number("uid")? as u32));
    Some(Upload::new(name.clone(), owner, number("length")?, number("expires")?))
}

/// Ends when somebody else wants the turn; never without one.
async fn somebody_else(turn: &mut Option<Turn<'_>>) {
    match turn {
        // The sender lives as long as the upload.
        Some(turn) => drop(turn.next.changed().await),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use object_store::memory::InMemory;

    const OWNER: (AppId, Uid) = (AppId(1), Uid(2));

    fn desk(folder: &tempfile::TempDir) -> Desk {
        Desk::open(folder.path(), Arc::new(InMemory::new())).unwrap()
    }

    fn bytes(parts: &[&'static str]) -> impl Stream<Item = Result<Bytes, ()>> + Unpin + use<> {
        stream::iter(parts.iter().map(|part| Ok(Bytes::from(*part))).collect::<Vec<_>>())
    }

    #[tokio::test]
    async fn what_is_too_old_is_deleted_and_the_rest_stays_across_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let name = Name::draw("a.txt", "").unwrap();
        {
            let desk = desk(&folder);
            desk.begin(name.clone(), OWNER, 4).await.unwrap().expect("the first one");
            assert_eq!(desk.receive(&name, 4, bytes(&["ab"]), None).await.unwrap(), 2);
        }
        let desk = desk(&folder);
        let upload = desk.find(&name).expect("it is still there");
        assert_eq!((upload.owner, upload.length), (OWNER, 4));
        assert_eq!(desk.received(&upload).await.unwrap(), 2);
        desk.sweep(upload.expires - 1).await;
        assert!(desk.find(&name).is_some());
        desk.sweep(upload.expires).await;
        assert!(desk.find(&name).is_none());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_has_no_note_is_gone_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let name = Name::draw("a.txt", "").unwrap();
        desk(&folder).receive(&name, 9, bytes(&["ab"]), None).await.unwrap();
        desk(&folder);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn who_writes_makes_way_for_who_comes_next() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(&folder);
        let name = Name::draw("a.txt", "").unwrap();
        let upload = desk.begin(name.clone(), OWNER, 9).await.unwrap().expect("the first one");
        let turn = upload.take_turn().await;
        let stalled = stream::once(async { Ok::<_, ()>(Bytes::from("ab")) });
        let stalled = Box::pin(stalled.chain(stream::pending()));
        let (first, ()) = tokio::join!(desk.receive(&name, 9, stalled, Some(turn)), async {
            drop(upload.take_turn().await);
        });
        assert!(matches!(first, Err(Interrupted::Sender)), "{first:?}");
        assert!(desk.received(&upload).await.unwrap() <= 2);
    }

    #[tokio::test]
    async fn a_user_has_a_limited_number_of_unfinished_uploads() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(&folder);
        for _ in 0..UPLOADS_UNFINISHED_MAX {
            let name = Name::draw("a", "").unwrap();
            assert!(desk.begin(name, OWNER, 1).await.unwrap().is_some());
        }
        assert!(desk.begin(Name::draw("a", "").unwrap(), OWNER, 1).await.unwrap().is_none());
        let other = (AppId(1), Uid(3));
        assert!(desk.begin(Name::draw("a", "").unwrap(), other, 1).await.unwrap().is_some());
    }
}
