//! On-demand media (`backend-api.md` 6.7): what was uploaded to a group is played by its members,
//! at any moment and from any place in it.
//!
//! Who may do what, the hub says, on every request: a URL is signed for one member and for a few
//! hours, and is worth nothing once the member may not watch any more. The files themselves are
//! in the file service under names that nobody is told. Relies on [`shelf`] to remember what there
//! is, on [`renditions`] for smaller copies.

mod renditions;
mod shelf;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path as UrlPath, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use hub::UploadKey;
use hub::port::admin::{Credential, ErrorCode, Letter, MemberRow, Operation, Reply};
use hub::port::apps::Filter;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use wire::id::{AppId, GroupId, Uid};
use wire::limits::{LIBRARY_GROUP_MAX, LIBRARY_LINK_LIFETIME};
use wire::mask::member as right;
use wire::proto::{Content, File};

use self::renditions::Workshop;
pub use self::shelf::Medium;
use self::shelf::Shelf;
use crate::Shared;
use crate::admin;
use crate::clock::unix_seconds;
use crate::files::{Files, Name, allow_all_origins, bearer, give, who};
use crate::front::Origin;
use crate::recording::{Note, Recorder};

/// See the module.
#[derive(Clone)]
pub struct Library(Arc<Inner>);

struct Inner {
    shelf: Arc<Shelf>,
    workshop: Workshop,
    files: Files,
    key: UploadKey,
}

impl Library {
    /// Opens the folder `library` of the data folder. `ffmpeg` makes smaller copies, when it is
    /// there. Has to be called within a runtime.
    pub fn open(
        data: &Path,
        files: Files,
        key: UploadKey,
        ffmpeg: &str,
    ) -> std::io::Result<Library> {
        let shelf = Arc::new(Shelf::open(&data.join("library"))?);
        let workshop = Workshop::start(ffmpeg, files.clone(), shelf.clone());
        Ok(Library(Arc::new(Inner { shelf, workshop, files, key })))
    }

    /// A message was taken back: what came with it goes.
    pub async fn recalled(&self, gid: GroupId, sender: Uid, mid: u64) {
        for medium in self.0.shelf.list(gid) {
            if medium.mid == mid && medium.uid == sender.0 {
                self.remove(&medium).await;
            }
        }
    }

    /// A user is erased: what it has uploaded to groups goes, and what others have recorded of it, copies
    /// too. What it has recorded of others stays, and is nobody's.
    pub async fn erase(&self, uid: Uid) {
        for (_, gid) in self.0.shelf.groups() {
            for mut medium in self.0.shelf.list(gid) {
                let of_others = medium.recording.is_some() && medium.of != 0;
                if medium.of == uid.0 || medium.uid == uid.0 && !of_others {
                    self.remove(&medium).await;
                } else if medium.uid == uid.0 {
                    medium.uid = 0;
                    if let Err(error) = self.0.shelf.put(&medium) {
                        tracing::error!(%error, "a medium cannot be written");
                    }
                }
            }
        }
    }

    /// Files that nothing names any more go, with what was made of them. Answers which are gone.
    pub async fn remove_files(&self, names: Vec<String>) -> Vec<String> {
        let mut gone = Vec::new();
        for name in names {
            if let Some(medium) = self.0.shelf.find(&hub::medium_of(&name)) {
                self.remove(&medium).await;
            }
            if self.0.files.remove_one(&name).await {
                gone.push(name);
            }
        }
        gone
    }

    async fn remove(&self, medium: &Medium) {
        let last = self.0.shelf.remove(medium);
        self.0.workshop.cancel(&medium.id);
        self.0.files.remove(&last.as_ref().unwrap_or(medium).names()).await;
    }

    /// What a backend is told: without links, which are for members.
    pub fn told(&self, gid: GroupId) -> Value {
        let media = self.0.shelf.list(gid);
        let rows = media.iter().map(|medium| {
            let heights = medium.renditions.iter().map(|copy| copy.height);
            let mut row = about(medium);
            row["heights"] = heights.collect::<Vec<_>>().into();
            row
        });
        json!({"media": rows.collect::<Vec<_>>()})
    }

    /// What the page gets: places that are good for one member and for some hours.
    fn row(&self, origin: &Origin, uid: Uid, medium: &Medium) -> Value {
        let expires = unix_seconds() + LIBRARY_LINK_LIFETIME.as_secs();
        let place = |quality: u32| {
            let seal =
                HEXLOWER.encode(&self.mac(medium, uid, expires, quality).finalize().into_bytes());
            let Medium { aid, gid, id, .. } = medium;
            let of = format!("{}/media/{gid}/{id}", origin.url);
            format!("{of}?a={aid}&u={}&e={expires}&q={quality}&s={seal}", uid.0)
        };
        let qualities = medium.renditions.iter().map(
            |copy| json!({"height": copy.height, "size": copy.size, "url": place(copy.height)}),
        );
        let mut row = about(medium);
        row["qualities"] = qualities.collect::<Vec<_>>().into();
        row["url"] = place(0).into();
        row
    }

    fn mac(&self, medium: &Medium, uid: Uid, expires: u64, quality: u32) -> Hmac<Sha256> {
        let Medium { aid, gid, id, .. } = medium;
        let mut mac = Hmac::new_from_slice(&self.0.key.0).expect("HMAC takes keys of any length");
        mac.update(format!("media.{aid}.{gid}.{id}.{}.{expires}.{quality}", uid.0).as_bytes());
        mac
    }
}

fn about(medium: &Medium) -> Value {
    json!({
        "id": medium.id,
        "mid": medium.mid,
        "uid": medium.uid,
        "title": medium.title,
        "type": medium.kind,
        "size": medium.size,
        "ts": medium.ts,
        "recording": medium.recording.map(|(begun, from)| json!({"begun": begun, "from": from})),
    })
}

/// The routes of the library.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/media/{gid}", get(list).options(preflight))
        .route("/media/{gid}/{id}", get(play).delete(withdraw).options(preflight))
}

async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, DELETE, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Range, If-None-Match, If-Range"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    let mut response = (StatusCode::NO_CONTENT, headers).into_response();
    allow_all_origins(&mut response);
    response
}

/// What a user is in a group, when it is a member with this right.
async fn member(
    shared: &Shared,
    aid: AppId,
    uid: Uid,
    gid: GroupId,
    bit: u32,
) -> Option<MemberRow> {
    let row = admin::member(shared, aid, uid, gid).await;
    row.filter(|row| row.effective & bit != 0)
}

/// A file was uploaded to a group: it is put on the shelf, and members get a message.
///
/// # Errors
/// Why not; the file is gone then.
pub async fn take(
    shared: &Shared,
    origin: &Origin,
    (aid, uid): (AppId, Uid),
    gid: GroupId,
    (name, title, size): (&Name, &str, u64),
) -> Result<(String, u64), Untaken> {
    let library = &shared.library;
    let row = member(shared, aid, uid, gid, right::PUB).await.ok_or(Untaken::NotAllowed)?;
    if library.0.shelf.list(gid).len() >= LIBRARY_GROUP_MAX {
        return Err(Untaken::Full);
    }
    let mut medium = Medium::of_file(aid, gid, uid, name, title, size);
    let url = format!("{}/media/{}/{}", origin.url, gid.0, medium.id);
    let file = File {
        url: url.clone(),
        size,
        name: title.to_owned(),
        r#type: medium.file_type(),
        mime: medium.kind.clone(),
        ..File::default()
    };
    library.0.shelf.put(&medium).map_err(|_| Untaken::Broken)?;
    let letter = Letter {
        from: row.user.address,
        gid: Some(gid),
        flags: wire::mask::message::DEFAULT,
        expiry_s: u32::MAX,
        content: Content { title: title.to_owned(), file: Some(file), ..Content::default() },
        ..Letter::default()
    };
    let told = admin::ask(shared, Credential::ForApp(aid), Operation::Message(letter)).await;
    let Ok(Reply::Sent { mids, .. }) = told else {
        library.0.shelf.remove(&medium);
        return Err(Untaken::NotAllowed);
    };
    medium.mid = mids.first().copied().unwrap_or_default();
    library.0.shelf.put(&medium).map_err(|_| Untaken::Broken)?;
    library.0.workshop.order(medium.clone());
    Ok((url, medium.mid))
}

/// A recorded stream is put on the shelf. What cannot be is tried again at the next start.
pub async fn keep(shared: &Shared, recorder: &Recorder, name: &Name, note: &Note) {
    let library = &shared.library;
    let path = recorder.path_of(name);
    let stored = async {
        let size = tokio::fs::metadata(&path).await?.len();
        shared.files.take(&path, name).await?;
        let medium = Medium {
            // The same as the last time, if that was cut off.
            id: hub::medium_of(name.as_str()),
            aid: note.aid,
            gid: note.gid,
            uid: note.uid,
            of: note.of,
            title: note.title.clone(),
            kind: name.media_type().0.to_owned(),
            size,
            ts: (note.begun + note.from) / 1_000,
            name: name.as_str().to_owned(),
            recording: Some((note.begun, note.from)),
            ..Medium::default()
        };
        library.0.shelf.put(&medium)?;
        anyhow::Ok(medium)
    };
    match stored.await {
        // Who was erased while it was sealed has gone from here, too.
        Ok(medium) if medium.of != 0 && !is_user(shared, AppId(medium.aid), medium.of).await => {
            recorder.forget(name);
            library.remove(&medium).await;
        }
        Ok(medium) => {
            recorder.forget(name);
            library.0.workshop.order(medium);
        }
        Err(error) => tracing::error!(%error, "a recording cannot be kept yet"),
    }
}

/// Whether there is such a user; when that cannot be told, it is taken for one.
async fn is_user(shared: &Shared, aid: AppId, uid: u32) -> bool {
    let filter = Filter { pattern: "*".into(), id: Some(uid), count: 1, ..Filter::default() };
    let wanted = Operation::UsersGet { filter, online: None };
    match admin::ask(shared, Credential::ForApp(aid), wanted).await {
        Ok(Reply::Users(rows, _)) => !rows.is_empty(),
        _ => true,
    }
}

/// Why something was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untaken {
    /// No right to publish in this group, or none to write there.
    NotAllowed,
    /// There is too much already.
    Full,
    /// The disk.
    Broken,
}

/// Everything of a group, newest first, for a member who may watch.
async fn list(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    UrlPath(gid): UrlPath<u32>,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let (aid, uid) = asker(&shared, &origin, &headers).await?;
        let gid = GroupId(gid);
        let known = member(&shared, aid, uid, gid, right::SUB).await;
        known.ok_or(StatusCode::FORBIDDEN)?;
        let media = shared.library.0.shelf.list(gid);
        let rows = media.iter().filter(|medium| medium.aid == aid.0);
        let rows: Vec<_> = rows.map(|medium| shared.library.row(&origin, uid, medium)).collect();
        Ok(Json(json!({"result": true, "media": rows})).into_response())
    };
    finish(answer.await)
}

/// Who asks, by the token in the header.
async fn asker(
    shared: &Shared,
    origin: &Origin,
    headers: &HeaderMap,
) -> Result<(AppId, Uid), StatusCode> {
    if shared.files.failures.too_many(origin.address) {
        return Err(StatusCode::TOO_MANY_REQUESTS);
    }
    let credential = bearer(headers).unwrap_or_default();
    match who(&shared.hub, credential, false).await {
        Ok(Some(who)) => Ok((who.aid, who.uid)),
        Ok(None) => {
            shared.files.failures.count(origin.address);
            Err(StatusCode::UNAUTHORIZED)
        }
        Err(()) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

#[derive(Deserialize)]
struct Link {
    a: u32,
    u: u32,
    e: u64,
    q: u32,
    s: String,
}

/// The file or a part of it, by a link; what there is of it, by a token.
async fn play(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    UrlPath((gid, id)): UrlPath<(u32, String)>,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let library = &shared.library;
    let answer = async {
        let gid = GroupId(gid);
        let medium = library.0.shelf.read(gid, &id).ok_or(StatusCode::NOT_FOUND);
        let Ok(Query(link)) = Query::<Link>::try_from_uri(&uri) else {
            let (aid, uid) = asker(&shared, &origin, &headers).await?;
            // A stranger is not told what there is.
            let known = member(&shared, aid, uid, gid, right::SUB).await;
            known.ok_or(StatusCode::FORBIDDEN)?;
            let medium = medium?;
            return Ok(Json(library.row(&origin, uid, &medium)).into_response());
        };
        let medium = medium?;
        let seal = HEXLOWER.decode(link.s.as_bytes()).unwrap_or_default();
        let uid = Uid(link.u);
        let good = library.mac(&medium, uid, link.e, link.q).verify_slice(&seal).is_ok();
        if !good || link.a != medium.aid || link.e <= unix_seconds() {
            return Err(StatusCode::FORBIDDEN);
        }
        let known = member(&shared, AppId(link.a), uid, gid, right::SUB).await;
        known.ok_or(StatusCode::FORBIDDEN)?;
        let name = medium.name_of(link.q).ok_or(StatusCode::NOT_FOUND)?;
        let mut response = give(&shared.files, &name, &method, &headers).await?;
        let private = HeaderValue::from_static("private, max-age=3600");
        response.headers_mut().insert(header::CACHE_CONTROL, private);
        Ok(response)
    };
    finish(answer.await)
}

/// Takes something away for good: who has put it there may, and who may record.
async fn withdraw(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    UrlPath((gid, id)): UrlPath<(u32, String)>,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let (aid, uid) = asker(&shared, &origin, &headers).await?;
        let gid = GroupId(gid);
        let medium = shared.library.0.shelf.read(gid, &id).filter(|medium| medium.aid == aid.0);
        let own = medium.as_ref().is_some_and(|medium| medium.uid == uid.0);
        let right = if own { right::SUB } else { right::RECORD };
        member(&shared, aid, uid, gid, right).await.ok_or(StatusCode::FORBIDDEN)?;
        // What came with a message goes with it.
        let medium = medium.filter(|medium| medium.recording.is_some());
        shared.library.remove(&medium.ok_or(StatusCode::NOT_FOUND)?).await;
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    finish(answer.await)
}

fn finish(answer: Result<Response, StatusCode>) -> Response {
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    allow_all_origins(&mut response);
    response
}

/// Media of groups that are gone are removed, from now on.
pub fn sweep_every_hour(shared: Shared) {
    const HOUR: Duration = Duration::from_secs(3600);
    tokio::spawn(async move {
        loop {
            sweep(&shared).await;
            tokio::time::sleep(HOUR).await;
        }
    });
}

async fn sweep(shared: &Shared) {
    for (aid, gid) in shared.library.0.shelf.groups() {
        let wanted = Operation::MembersGet { gid, after: Uid(0), count: 1, pending: false };
        let reply = admin::ask(shared, Credential::ForApp(aid), wanted).await;
        let gone = |code| [ErrorCode::NoGroup, ErrorCode::NotFound].contains(&code);
        if reply.is_err_and(|error| gone(error.code)) {
            for medium in shared.library.0.shelf.list(gid) {
                shared.library.remove(&medium).await;
            }
        }
    }
}
