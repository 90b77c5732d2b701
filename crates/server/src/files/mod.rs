//! The file service: uploads into the data folder, downloads of what is there.
//!
//! [`upload`](mod@upload) takes a whole file in a form, [`tus`] takes it in pieces that can be
//! resumed, [`download`] gives it to whoever knows its name (or proves more), [`desk`] keeps what is unfinished,
//! [`thumbnail`] makes small pictures.
//! Whose a token is, the hub decides.

mod desk;
mod download;
mod name;
mod picture;
mod thumbnail;
mod tus;
mod upload;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use axum::routing::{any, get};
use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, Mac};
use hub::{UploadKey, Uploader};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Place;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::Sha256;
use tokio::sync::Semaphore;
use wire::id::{AppId, Uid};
use wire::limits::{FILE_LINK_LIFETIME, UPLOADS_AT_ONCE_MAX};

use self::desk::Desk;
use self::thumbnail::Thumbnails;
use crate::Shared;
use crate::admin::Failures;
use crate::clock::unix_seconds;
use crate::front::Origin;
use crate::hub_task::HubHandle;

pub use download::give;
pub use name::Name;
pub use upload::{Form, is_upload, upload};

/// Says where an upload has become a file.
const FILE_URL: HeaderName = HeaderName::from_static("mesibo-file-url");

/// Who uploads, and how it has reached the server.
type By<'a> = (&'a Origin, &'a Uploader);

/// Where files are.
#[derive(Clone)]
pub struct Files {
    stock: Arc<dyn ObjectStore>,
    folder: Arc<Path>,
    desk: Arc<Desk>,
    thumbnails: Arc<Thumbnails>,
    slots: Arc<Semaphore>,
    /// Tokens that were worth nothing, apart from those of backends.
    pub failures: Arc<Failures>,
    /// Where downloads are, when that is not where the upload went.
    url: Option<Arc<str>>,
    bytes_max: u64,
    /// Seals names and links of files that take more than their URL.
    key: UploadKey,
}

/// The routes of the file service.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/upload", any(upload))
        .route("/files/api.php", any(upload))
        .route("/files/tus", any(tus::begin))
        .route("/files/tus/{name}", any(tus::go_on))
        .route("/files/{name}", get(download::download).options(download::preflight))
}

impl Files {
    /// Opens the folders `files`, `uploads` and `thumbnails` of the data folder, makes them when missing.
    pub fn open(
        data: &Path,
        url: Option<String>,
        max_mb: u64,
        key: UploadKey,
    ) -> anyhow::Result<Files> {
        let folder = data.join("files");
        std::fs::create_dir_all(&folder)?;
        let stock = Arc::new(LocalFileSystem::new_with_prefix(&folder)?);
        let desk = Arc::new(Desk::open(&data.join("uploads"), stock.clone())?);
        desk.clone().sweep_every_hour();
        let thumbnails = Arc::new(Thumbnails::open(data.join("thumbnails"))?);
        let url = url.map(|url| url.trim_end_matches('/').into());
        let slots = Arc::new(Semaphore::new(UPLOADS_AT_ONCE_MAX));
        let bytes_max = max_mb.saturating_mul(1024 * 1024);
        let folder = folder.into();
        let failures = Arc::default();
        Ok(Files { stock, folder, desk, thumbnails, slots, failures, url, bytes_max, key })
    }

    /// Tokens that were worth nothing, by address.
    pub fn failures(&self) -> &Failures {
        &self.failures
    }

    /// Where files are uploaded, and below what they are downloaded.
    pub fn places(&self, origin: &Origin) -> (String, String) {
        let origin = &origin.url;
        let download = self.url.as_ref().map_or(format!("{origin}/files"), ToString::to_string);
        (format!("{origin}/upload"), download)
    }

    /// A user is erased: these files of its go, and what it has begun to upload. What is no name of
    /// ours is somebody else's file.
    pub async fn erase(&self, uid: Uid, names: &[String]) -> anyhow::Result<()> {
        self.desk.discard_of(uid).await;
        for name in names.iter().filter_map(|name| Name::read(name)) {
            self.delete(&name).await?;
        }
        Ok(())
    }

    /// A file goes, and what was made of it. One that is gone already is as good as removed.
    async fn delete(&self, name: &Name) -> object_store::Result<()> {
        match self.stock.delete(&Place::from(name.as_str())).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        // In this order: who makes one now looks for the file afterwards.
        self.thumbnails.remove(name).await;
        Ok(())
    }

    /// A small JPEG of a picture, as base64; empty when there is none.
    pub async fn thumbnail(&self, name: &Name) -> String {
        let small = self.thumbnails.of(name, &self.path_of(name)).await;
        BASE64.encode(&small.unwrap_or_default())
    }

    /// As [`Files::thumbnail`], of the picture at a URL. Other places are not asked for theirs, and a
    /// file that takes more than its URL gives nothing away here.
    pub async fn thumbnail_at(&self, url: &str) -> String {
        match open_at(url) {
            Some(name) => self.thumbnail(&name).await,
            None => String::new(),
        }
    }

    /// As [`Files::thumbnail_at`], of one that was made before: for many at once.
    pub async fn known_thumbnail_at(&self, url: &str) -> String {
        let small = match open_at(url) {
            Some(name) => self.thumbnails.known(&name).await,
            None => None,
        };
        BASE64.encode(&small.unwrap_or_default())
    }

    /// Where a file is, for a program that reads it.
    pub fn path_of(&self, name: &Name) -> PathBuf {
        self.folder.join(name.as_str())
    }

    /// Where a program may write what [`Files::finish`] makes a file of.
    pub fn desk_path(&self, name: &Name) -> PathBuf {
        self.desk.path_of(name)
    }

    /// What was written becomes a file.
    pub async fn finish(&self, name: &Name) -> anyhow::Result<()> {
        self.desk.finish(name).await
    }

    /// A file of this server becomes one that can be downloaded, too.
    pub async fn take(&self, from: &Path, name: &Name) -> anyhow::Result<()> {
        self.desk.store(from, name).await
    }

    /// What was written is of no use.
    pub async fn discard(&self, name: &Name) {
        self.desk.discard(name).await;
    }

    /// These files go. What is no name of ours, or is gone, is as good as removed.
    pub async fn remove(&self, names: &[String]) {
        for name in names {
            self.remove_one(name).await;
        }
    }

    /// As [`Files::remove`]; `false` when it is still there.
    pub async fn remove_one(&self, name: &str) -> bool {
        let Some(name) = Name::read(name) else { return true };
        match self.delete(&name).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "a file cannot be removed");
                false
            }
        }
    }

    /// How large a file of this uploader may be.
    fn bytes_max_of(&self, uploader: &Uploader) -> u64 {
        match uploader.max_mb {
            0 => self.bytes_max,
            mb => self.bytes_max.min(u64::from(mb) * 1024 * 1024),
        }
    }

    /// Where a file is downloaded.
    fn url_of(&self, (origin, uploader): By<'_>, name: &Name) -> String {
        let download = match uploader.download_url.trim_end_matches('/') {
            "" => self.places(origin).1,
            url => url.to_owned(),
        };
        match name.is_signed() {
            false => format!("{download}/{name}"),
            true => {
                let expires = unix_seconds() + FILE_LINK_LIFETIME.as_secs();
                let seal = HEXLOWER.encode(&self.link(name, expires).finalize().into_bytes());
                format!("{download}/{name}?e={expires}&s={seal}")
            }
        }
    }

    /// A name for a file of this uploader.
    fn draw(
        &self,
        uploader: &Uploader,
        original: &str,
        media_type: &str,
    ) -> Result<Name, getrandom::Error> {
        match uploader.signed {
            false => Name::draw(original, media_type),
            true => Name::draw_signed(original, media_type, |of| self.seal(uploader.aid, of)),
        }
    }

    /// What says that a name is of this app.
    fn seal(&self, aid: AppId, of: &str) -> String {
        let mut mac = self.mac();
        mac.update(format!("name.{aid}.{of}").as_bytes());
        HEXLOWER.encode(&mac.finalize().into_bytes()[..4])
    }

    /// What says that a link is good until then, in seconds since 1970.
    fn link(&self, name: &Name, expires: u64) -> Hmac<Sha256> {
        let mut mac = self.mac();
        mac.update(format!("file.{name}.{expires}").as_bytes());
        mac
    }

    fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&self.key.0).expect("HMAC takes keys of any length")
    }
}

/// The file that a URL names, when that is all it takes.
fn open_at(url: &str) -> Option<Name> {
    url.rsplit('/').next().and_then(Name::read).filter(|name| !name.is_signed())
}

/// Reads the key that [`crate::kept_key`] keeps.
pub fn upload_key(digits: &str) -> anyhow::Result<UploadKey> {
    let mut key = [0; 32];
    let byte = |at: usize| digits.get(at * 2..at * 2 + 2);
    for (at, place) in key.iter_mut().enumerate() {
        let digits = byte(at).context("upload.key has fewer than 64 digits")?;
        *place = u8::from_str_radix(digits, 16).context("upload.key is not hexadecimal")?;
    }
    Ok(UploadKey(key))
}

/// What is after `Bearer`.
pub fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    Some(value.strip_prefix("Bearer ")?.trim().to_owned())
}

/// Whose a token is; `Err` when it cannot be told now. `begins` when a file is about to come.
pub async fn who(
    hub: &HubHandle,
    credential: String,
    begins: bool,
) -> Result<Option<Uploader>, ()> {
    hub.uploader(credential, begins).await.map_err(|error| {
        tracing::error!(%error, "an uploader cannot be looked up");
    })
}

/// Pages of other origins upload and download.
pub fn allow_all_origins(response: &mut Response) {
    let headers = response.headers_mut();
    let any = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    let shared = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(shared, HeaderValue::from_static("cross-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
