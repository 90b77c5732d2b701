//! Smaller copies of videos, made by `ffmpeg` in the background: one at a time, for so long, never
//! larger than the original. Without `ffmpeg` there is the original only.
//!
//! The program sees files of ours and nothing else: no network, no other protocol. It is killed
//! when it takes too long, when its medium goes, and when the server ends.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use tokio::process::Command;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc};
use wire::limits::{RENDITION_HEIGHTS, RENDITION_WITHIN, RENDITIONS_WAITING_MAX};

use super::shelf::{Medium, Rendition, Shelf};
use crate::files::{Files, Name};

/// What an original may be: no play-list, which names files of others.
const CONTAINERS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,avi,mpegts,flv";

/// See the module.
pub struct Workshop {
    /// Closed when there is no `ffmpeg`.
    orders: mpsc::Sender<Medium>,
    cancelled: Arc<Cancelled>,
}

/// Media that have gone meanwhile.
#[derive(Default)]
struct Cancelled {
    ids: Mutex<BTreeSet<String>>,
    bell: Notify,
}

impl Cancelled {
    fn has(&self, id: &str) -> bool {
        self.ids.lock().expect("no panic while looking").contains(id)
    }
}

impl Workshop {
    pub fn start(ffmpeg: &str, files: Files, shelf: Arc<Shelf>) -> Workshop {
        let cancelled = Arc::<Cancelled>::default();
        let (orders, mut waiting) = mpsc::channel::<Medium>(RENDITIONS_WAITING_MAX);
        let (ffmpeg, gone) = (ffmpeg.to_owned(), cancelled.clone());
        tokio::spawn(async move {
            if !works(&ffmpeg).await {
                tracing::info!("no ffmpeg: media of groups are played as they were uploaded");
                return;
            }
            while let Some(medium) = waiting.recv().await {
                work(&ffmpeg, &files, &shelf, &gone, medium.clone()).await;
                gone.ids.lock().expect("no panic while looking").remove(&medium.id);
            }
        });
        Workshop { orders, cancelled }
    }

    /// Makes copies when there is time. What finds no room is played as it is.
    pub fn order(&self, medium: Medium) {
        if medium.file_type() == 2
            && let Err(TrySendError::Full(_)) = self.orders.try_send(medium)
        {
            tracing::warn!("too many videos wait for their smaller copies: one is left as it is");
        }
    }

    /// It is gone: what is made of it is of no use.
    pub fn cancel(&self, id: &str) {
        // Whoever waits or works is the only one who could hear of it.
        if !self.orders.is_closed() {
            let mut ids = self.cancelled.ids.lock().expect("no panic while looking");
            ids.insert(id.to_owned());
            while ids.len() > 2 * RENDITIONS_WAITING_MAX {
                ids.pop_first();
            }
            self.cancelled.bell.notify_waiters();
        }
    }
}

async fn works(ffmpeg: &str) -> bool {
    if ffmpeg.is_empty() {
        return false;
    }
    let mut command = Command::new(ffmpeg);
    command.arg("-version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.kill_on_drop(true).status().await.is_ok_and(|status| status.success())
}

async fn work(ffmpeg: &str, files: &Files, shelf: &Shelf, gone: &Cancelled, medium: Medium) {
    let Some(source) = Name::read(&medium.name) else { return };
    let source = files.path_of(&source);
    for height in RENDITION_HEIGHTS {
        let Ok(name) = Name::draw("copy.mp4", "video/mp4") else { return };
        let target = files.desk_path(&name);
        let made = make(ffmpeg, gone, &medium.id, &source, &target, height).await;
        let size = tokio::fs::metadata(&target).await.map_or(0, |found| found.len());
        // A copy that is no smaller helps nobody: so is one of a picture that has fewer lines.
        if !made || size == 0 || size >= medium.size {
            files.discard(&name).await;
            continue;
        }
        let stored = files.finish(&name).await;
        let copy = Rendition { height, size, name: name.as_str().to_owned() };
        // It may have gone while the copy was made.
        if stored.is_err() || !shelf.add(&medium, copy) {
            files.discard(&name).await;
            return files.remove(&[name.as_str().to_owned()]).await;
        }
    }
}

/// Whether there is a copy of this height now.
async fn make(
    ffmpeg: &str,
    gone: &Cancelled,
    id: &str,
    source: &Path,
    target: &Path,
    height: u32,
) -> bool {
    let cancelled = gone.bell.notified();
    tokio::pin!(cancelled);
    cancelled.as_mut().enable();
    if gone.has(id) {
        return false;
    }
    // Never larger than it is; sides that the codec takes.
    let scale = format!("scale=-2:'min({height},trunc(ih/2)*2)'");
    let child = Command::new(ffmpeg)
        .args(["-nostdin", "-loglevel", "error", "-protocol_whitelist", "file"])
        .args(["-format_whitelist", CONTAINERS, "-i"])
        .arg(source)
        .args(["-map", "0:v:0", "-map", "0:a:0?", "-vf", &scale, "-threads", "1"])
        .args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-pix_fmt", "yuv420p"])
        .args(["-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart", "-f", "mp4", "-y"])
        .arg(target)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let Ok(mut child) = child else { return false };
    // Dropped with the child when it is not waited for any longer, and that kills it.
    tokio::select! {
        ended = tokio::time::timeout(RENDITION_WITHIN, child.wait()) => {
            matches!(ended, Ok(Ok(status)) if status.success())
        }
        () = async { loop {
            cancelled.as_mut().await;
            if gone.has(id) { break }
            cancelled.set(gone.bell.notified());
        } } => false,
    }
}
