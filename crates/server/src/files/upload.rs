//! `POST /upload`: a whole file in a form, as old pages and the SDKs of other platforms send it
//! (`backend-api.md` 6.1, 6.2). Never whole in memory.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hub::{Leave, Uploader};
use serde_json::{Map, Value, json};
use wire::id::GroupId;
use wire::limits::{UPLOAD_FIELD_BYTES_MAX, UPLOAD_FIELDS_MAX};

use super::desk::Interrupted;
use super::name::Name;
use super::picture::{self, Owner};
use super::{allow_all_origins, bearer, who};
use crate::Shared;
use crate::clock::unix_seconds;
use crate::front::Origin;
use crate::library::{self, Untaken};

/// What a form may have beside the file: its other fields and what stands between them.
const FORM_BYTES: u64 = (UPLOAD_FIELDS_MAX * (UPLOAD_FIELD_BYTES_MAX + 512)) as u64;

/// Why there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    AuthFail,
    BadGroup,
    BadImage,
    MissingFile,
    TooLarge,
    NotAllowed,
    RateLimit,
    Quota,
    Server,
}

/// Whether a request to the backend's URL wants to upload.
pub fn is_upload(request: &Request) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.any(|(name, value)| name == "op" && value.trim().eq_ignore_ascii_case("upload"))
}

/// Takes one file.
pub async fn upload(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    request: Request,
) -> Response {
    let mut response = match *request.method() {
        Method::POST => Form::read(&shared, &origin, request).await.answer(&shared, &origin).await,
        Method::OPTIONS => preflight(),
        _ => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST, OPTIONS")]).into_response(),
    };
    allow_all_origins(&mut response);
    response
}

fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*, Authorization"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// What a form has brought: its fields, those of the query among them, and its file.
pub struct Form {
    pub fields: HashMap<String, String>,
    received: Result<Received, Refusal>,
}

/// Of a form of somebody who may upload.
struct Received {
    by: Uploader,
    /// Whose picture it is to be.
    owner: Option<Owner>,
    stored: Option<Stored>,
}

impl Form {
    /// Reads it to its end; the first file in it is stored.
    pub async fn read(shared: &Shared, origin: &Origin, request: Request) -> Form {
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let mut fields = form_urlencoded::parse(query).into_owned().collect();
        let received = receive(shared, origin, request, &mut fields).await;
        Form { fields, received }
    }

    /// The picture that came with it, and its URL.
    pub async fn into_picture(
        self,
        shared: &Shared,
        origin: &Origin,
    ) -> Result<Option<(Name, String)>, &'static str> {
        let received = self.received.map_err(|refusal| refusal.status_and_name().1)?;
        let Some(stored) = received.stored else { return Ok(None) };
        if !stored.is_picture() {
            stored.remove(shared).await;
            return Err(Refusal::BadImage.status_and_name().1);
        }
        let url = shared.files.url_of((origin, &stored.by), &stored.name);
        Ok(Some((stored.name, url)))
    }

    /// Answers who wanted to upload.
    pub async fn answer(self, shared: &Shared, origin: &Origin) -> Response {
        let Form { fields, received } = self;
        // Old pages send the user token and compare with "OK", the others want a boolean.
        let old = fields.contains_key("token") && !fields.contains_key("auth");
        let result = match received {
            Ok(received) => use_received(shared, origin, received, &fields).await,
            Err(refusal) => Err(refusal),
        };
        let mut status = StatusCode::OK;
        let mut body = json!({"op": "upload"});
        match result {
            Ok(told) => {
                body["result"] = if old { "OK".into() } else { true.into() };
                body["ts"] = unix_seconds().into();
                told.into_iter().for_each(|(name, value)| body[name] = value);
            }
            Err(refusal) => {
                if refusal == Refusal::AuthFail {
                    shared.files.failures.count(origin.address);
                }
                let (code, text) = refusal.status_and_name();
                status = code;
                body["result"] = if old { "FAIL".into() } else { false.into() };
                body["error"] = text.into();
            }
        }
        respond(status, &body)
    }
}

struct Stored {
    by: Uploader,
    name: Name,
    original: String,
    size: u64,
}

impl Stored {
    fn told(&self, url: &str) -> Map<String, Value> {
        let told = [("url", url.into()), ("file", url.into()), ("size", self.size.into())];
        let name = ("name", self.original.as_str().into());
        told.into_iter().chain([name]).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// As far as its name says.
    fn is_picture(&self) -> bool {
        self.name.media_type().0.starts_with("image/")
    }

    async fn remove(&self, shared: &Shared) {
        shared.files.remove(&[self.name.as_str().to_owned()]).await;
    }
}

/// Takes what the form has.
async fn receive(
    shared: &Shared,
    origin: &Origin,
    mut request: Request,
    fields: &mut HashMap<String, String>,
) -> Result<Received, Refusal> {
    let files = &shared.files;
    if shared.files.failures.too_many(origin.address) {
        return Err(Refusal::RateLimit);
    }
    let length = content_length(request.headers());
    if length.is_some_and(|bytes| bytes > files.bytes_max + FORM_BYTES) {
        return Err(Refusal::TooLarge);
    }
    let _slot = files.slots.try_acquire().map_err(|_| Refusal::RateLimit)?;
    let bearer = bearer(request.headers());
    // The limit is ours, counted while it comes.
    DefaultBodyLimit::disable().apply(&mut request);
    let form = Multipart::from_request(request, &()).await;
    let mut received = None;
    if let Ok(mut form) = form {
        for _ in 0..UPLOAD_FIELDS_MAX {
            let Ok(Some(field)) = form.next_field().await else { break };
            let Some(original) = field.file_name().map(str::to_owned) else {
                put_field(fields, field).await?;
                continue;
            };
            // One file is all there may be; what is behind it are fields.
            if received.is_some() {
                continue;
            }
            // Who it is comes before the file: nothing of a stranger is written to the disk.
            let by = authenticate(shared, fields, bearer.clone()).await?;
            if original.is_empty() {
                received = Some(Received { by, owner: None, stored: None });
                continue;
            }
            let owner = match is_set(fields, "profile") {
                true => Some(picture::owner(shared, &by, group_of(fields)).await?),
                false => None,
            };
            let bytes_max = files.bytes_max_of(&by);
            // Nobody knows before how long a file is; the form around it is no shorter.
            let room = by.bytes_left.unwrap_or(u64::MAX);
            let bytes_max = bytes_max.min(length.unwrap_or(room));
            let reserved = files.desk.reserve(by.aid, bytes_max, by.bytes_left);
            let _reserved = reserved.ok_or(Refusal::Quota)?;
            let stored = store(shared, by.clone(), field, (original, bytes_max)).await?;
            received = Some(Received { by, owner, stored: Some(stored) });
        }
    }
    match received {
        Some(received) => Ok(received),
        None => {
            let by = authenticate(shared, fields, bearer).await?;
            Ok(Received { by, owner: None, stored: None })
        }
    }
}

/// Does what an upload is for; what the answer says of it.
async fn use_received(
    shared: &Shared,
    origin: &Origin,
    received: Received,
    fields: &HashMap<String, String>,
) -> Result<Map<String, Value>, Refusal> {
    let Received { by, owner, stored } = received;
    let Some(stored) = stored else {
        if !is_set(fields, "delete") {
            return Err(Refusal::MissingFile);
        }
        let owner = picture::owner(shared, &by, group_of(fields)).await?;
        return picture::set(shared, &by, owner, "").await.ok_or(Refusal::Server);
    };
    let streamed = fields.get("source").is_some_and(|source| source == "stream");
    match (owner, group_of(fields).filter(|_| streamed)) {
        (Some(owner), _) => put_on_profile(shared, origin, owner, stored).await,
        (None, Some(gid)) => put_on_shelf(shared, origin, gid, stored).await,
        (None, None) => {
            let url = shared.files.url_of((origin, &stored.by), &stored.name);
            Ok(stored.told(&url))
        }
    }
}

fn group_of(fields: &HashMap<String, String>) -> Option<GroupId> {
    fields.get("gid").and_then(|gid| gid.trim().parse().ok()).map(GroupId)
}

async fn store(
    shared: &Shared,
    by: Uploader,
    field: Field<'_>,
    (original, bytes_max): (String, u64),
) -> Result<Stored, Refusal> {
    let files = &shared.files;
    let media_type = field.content_type().unwrap_or_default();
    let name = files.draw(&by, &original, media_type).map_err(|_| Refusal::Server)?;
    let received = files.desk.receive(&name, bytes_max, field, None).await;
    let size = match received {
        Ok(size) => size,
        Err(interrupted) => {
            files.desk.discard(&name).await;
            return Err(match interrupted {
                Interrupted::TooLarge => Refusal::TooLarge,
                Interrupted::Sender => Refusal::MissingFile,
                Interrupted::Disk(error) => {
                    tracing::error!(%error, "an upload cannot be written");
                    Refusal::Server
                }
            });
        }
    };
    if let Err(error) = files.desk.finish(&name).await {
        tracing::error!(%error, "an upload cannot be stored");
        files.desk.discard(&name).await;
        return Err(Refusal::Server);
    }
    shared.hub.filed(by.uid, &name, size).await;
    Ok(Stored { by, name, original, size })
}

/// An image becomes the picture of its owner.
async fn put_on_profile(
    shared: &Shared,
    origin: &Origin,
    owner: Owner,
    stored: Stored,
) -> Result<Map<String, Value>, Refusal> {
    let url = shared.files.url_of((origin, &stored.by), &stored.name);
    let set = match stored.is_picture() {
        true => picture::set(shared, &stored.by, owner, &url).await.ok_or(Refusal::Server),
        false => Err(Refusal::BadImage),
    };
    match set {
        Ok(told) => {
            let mut all = stored.told(&url);
            all.extend(told);
            all.insert("photo".into(), stored.name.as_str().into());
            all.insert("tn".into(), shared.files.thumbnail(&stored.name).await.into());
            Ok(all)
        }
        Err(refusal) => {
            stored.remove(shared).await;
            Err(refusal)
        }
    }
}

/// Media of a group have a place of their own, for its members.
async fn put_on_shelf(
    shared: &Shared,
    origin: &Origin,
    gid: GroupId,
    stored: Stored,
) -> Result<Map<String, Value>, Refusal> {
    let who = (stored.by.aid, stored.by.uid);
    let what = (&stored.name, stored.original.as_str(), stored.size);
    match library::take(shared, origin, who, gid, what).await {
        Ok((url, mid)) => {
            let mut told = stored.told(&url);
            told.insert("mid".into(), mid.into());
            Ok(told)
        }
        Err(untaken) => {
            stored.remove(shared).await;
            Err(match untaken {
                Untaken::NotAllowed => Refusal::NotAllowed,
                Untaken::Full => Refusal::Quota,
                Untaken::Broken => Refusal::Server,
            })
        }
    }
}

async fn authenticate(
    shared: &Shared,
    fields: &HashMap<String, String>,
    bearer: Option<String>,
) -> Result<Uploader, Refusal> {
    let given = fields.get("auth").or_else(|| fields.get("token")).cloned().or(bearer);
    match who(&shared.hub, given.unwrap_or_default(), true).await {
        Ok(Some(who)) => match who.leave {
            Leave::Granted => Ok(who),
            Leave::NotAllowed => Err(Refusal::NotAllowed),
            Leave::TooMany => Err(Refusal::RateLimit),
        },
        Ok(None) => Err(Refusal::AuthFail),
        Err(()) => Err(Refusal::Server),
    }
}

/// Adds a text field; later ones override earlier ones, and the query.
async fn put_field(
    fields: &mut HashMap<String, String>,
    mut field: Field<'_>,
) -> Result<(), Refusal> {
    let name = field.name().unwrap_or_default().to_owned();
    let mut text = Vec::new();
    while let Ok(Some(chunk)) = field.chunk().await {
        if text.len() + chunk.len() > UPLOAD_FIELD_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        text.extend_from_slice(&chunk);
    }
    fields.insert(name, String::from_utf8_lossy(&text).into_owned());
    Ok(())
}

fn is_set(fields: &HashMap<String, String>, name: &str) -> bool {
    fields.get(name).is_some_and(|value| !value.is_empty() && value != "0")
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl Refusal {
    fn status_and_name(self) -> (StatusCode, &'static str) {
        match self {
            // The envelope of the backend API: what went wrong stands in the body.
            Refusal::AuthFail => (StatusCode::OK, "AUTHFAIL"),
            Refusal::BadGroup => (StatusCode::OK, "BADGROUP"),
            Refusal::BadImage => (StatusCode::OK, "BADIMAGE"),
            Refusal::MissingFile => (StatusCode::OK, "MISSINGFILE"),
            Refusal::NotAllowed => (StatusCode::OK, "NOTALLOWED"),
            Refusal::RateLimit => (StatusCode::OK, "RATELIMIT"),
            Refusal::Quota => (StatusCode::OK, "QUOTA"),
            Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "TOOLARGE"),
            Refusal::Server => (StatusCode::INTERNAL_SERVER_ERROR, "SERVER"),
        }
    }
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
