//! Uploads in pieces that can be resumed: tus 1.0 with creation, termination and expiration
//! (<https://tus.io/protocols/resumable-upload>).
//!
//! An upload has the name of the file it will be. Once it is complete, `Mesibo-File-Url` says
//! where that is.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use hub::{Leave, Uploader};
use object_store::ObjectStoreExt;
use object_store::path::Path as Place;

use super::desk::{Interrupted, Upload};
use super::name::Name;
use super::{By, FILE_URL, allow_all_origins, bearer, who};
use crate::Shared;
use crate::front::Origin;

const VERSION: &str = "1.0.0";
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
/// What the other side may read and send across origins.
const EXPOSED: &str = "Location, Upload-Offset, Upload-Length, Upload-Expires, Tus-Resumable, \
     Tus-Version, Tus-Max-Size, Tus-Extension, Mesibo-File-Url";
const ALLOWED: &str = "Authorization, Content-Type, Tus-Resumable, Upload-Length, Upload-Offset, \
     Upload-Metadata";

/// A header and its value.
type Said = (HeaderName, String);
/// What is said, or why nothing is done.
type Answer = Result<(StatusCode, Vec<Said>), StatusCode>;

/// `/files/tus`: what is possible, and new uploads.
pub async fn begin(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    request: Request,
) -> Response {
    if *request.method() == Method::OPTIONS {
        return options(&shared);
    }
    let begins = request.method() == Method::POST;
    let who = authenticate(&shared, &origin, request.headers(), begins).await;
    let answer = match (who, request.method()) {
        (Err(status), _) => Err(status),
        (Ok(who), &Method::POST) => create(&shared, (&origin, &who), request.headers()).await,
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    };
    respond(answer)
}

/// `/files/tus/<name>`: how far it is, the next piece, the end.
pub async fn go_on(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    if *request.method() == Method::OPTIONS {
        return options(&shared);
    }
    respond(continued(&shared, &origin, &name, request).await)
}

async fn continued(shared: &Shared, origin: &Origin, name: &str, request: Request) -> Answer {
    let who = authenticate(shared, origin, request.headers(), false).await?;
    let name = Name::read(name).ok_or(StatusCode::NOT_FOUND)?;
    let Some(upload) = shared.files.desk.find(&name) else {
        return match *request.method() {
            Method::HEAD => complete(shared, (origin, &who), &name).await,
            _ => Err(StatusCode::NOT_FOUND),
        };
    };
    if upload.owner != (who.aid, who.uid) {
        return Err(StatusCode::FORBIDDEN);
    }
    match *request.method() {
        Method::HEAD => look(shared, (origin, &who), &upload).await,
        Method::PATCH => append(shared, (origin, &who), request, &upload).await,
        Method::DELETE => {
            let _turn = upload.take_turn().await;
            shared.files.desk.discard(&name).await;
            Ok((StatusCode::NO_CONTENT, vec![]))
        }
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    }
}

async fn authenticate(
    shared: &Shared,
    origin: &Origin,
    headers: &HeaderMap,
    begins: bool,
) -> Result<Uploader, StatusCode> {
    if headers.get(RESUMABLE).is_none_or(|version| version != VERSION) {
        return Err(StatusCode::PRECONDITION_FAILED);
    }
    if shared.files.failures.too_many(origin.address) {
        return Err(StatusCode::TOO_MANY_REQUESTS);
    }
    match who(&shared.hub, bearer(headers).unwrap_or_default(), begins).await {
        Ok(Some(who)) => match who.leave {
            Leave::Granted => Ok(who),
            Leave::NotAllowed => Err(StatusCode::FORBIDDEN),
            Leave::TooMany => Err(StatusCode::TOO_MANY_REQUESTS),
        },
        Ok(None) => {
            shared.files.failures.count(origin.address);
            Err(StatusCode::UNAUTHORIZED)
        }
        Err(()) => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

async fn create(shared: &Shared, by: By<'_>, headers: &HeaderMap) -> Answer {
    let files = &shared.files;
    let length = number(headers, &LENGTH).ok_or(StatusCode::BAD_REQUEST)?;
    if length > files.bytes_max_of(by.1) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    // What is begun counts as long as it is unfinished.
    let reserved = files.desk.reserve(by.1.aid, length, by.1.bytes_left);
    let _reserved = reserved.ok_or(StatusCode::FORBIDDEN)?;
    let metadata = headers.get(METADATA).and_then(|value| value.to_str().ok());
    let said = |key| metadata.and_then(|metadata| value_of(metadata, key)).unwrap_or_default();
    let name = files
        .draw(by.1, &said("filename"), &said("filetype"))
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let owner = (by.1.aid, by.1.uid);
    let begun = files.desk.begin(name, owner, length).await.map_err(disk)?;
    let upload = begun.ok_or(StatusCode::TOO_MANY_REQUESTS)?;
    let mut said = vec![
        (header::LOCATION, format!("{}/files/tus/{}", by.0.url, upload.name)),
        (EXPIRES, expires(&upload)),
    ];
    if length == 0 {
        finish(shared, by, &upload, &mut said).await?;
    }
    Ok((StatusCode::CREATED, said))
}

async fn look(shared: &Shared, by: By<'_>, upload: &Arc<Upload>) -> Answer {
    // Who still writes, from a connection that is lost, stops: the number has to be the last.
    let _turn = upload.take_turn().await;
    let Ok(received) = shared.files.desk.received(upload).await else {
        // It was finished while the turn was waited for.
        return complete(shared, by, &upload.name).await;
    };
    let mut said = vec![
        (OFFSET, received.to_string()),
        (LENGTH, upload.length.to_string()),
        (EXPIRES, expires(upload)),
    ];
    if received == upload.length {
        finish(shared, by, upload, &mut said).await?;
    }
    Ok((StatusCode::OK, said))
}

/// An upload that is a file already: whoever knows its name may know how long it is.
async fn complete(shared: &Shared, by: By<'_>, name: &Name) -> Answer {
    let found = shared.files.stock.head(&Place::from(name.as_str())).await;
    let size = found.map_err(|_| StatusCode::NOT_FOUND)?.size.to_string();
    let url = shared.files.url_of(by, name);
    Ok((StatusCode::OK, vec![(OFFSET, size.clone()), (LENGTH, size), (FILE_URL, url)]))
}

async fn append(shared: &Shared, by: By<'_>, request: Request, upload: &Arc<Upload>) -> Answer {
    let desk = &shared.files.desk;
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let stream = HeaderValue::from_static("application/offset+octet-stream");
    if headers.get(header::CONTENT_TYPE) != Some(&stream) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let offset = number(&headers, &OFFSET).ok_or(StatusCode::BAD_REQUEST)?;
    let slot = shared.files.slots.try_acquire();
    let _slot = slot.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let turn = upload.take_turn().await;
    let known = desk.received(upload).await.map_err(|_| StatusCode::NOT_FOUND)?;
    if known != offset {
        return Err(StatusCode::CONFLICT);
    }
    let body = body.into_data_stream();
    let received = desk.receive(&upload.name, upload.length, body, Some(turn)).await;
    let received = received.map_err(|interrupted| match interrupted {
        Interrupted::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Interrupted::Sender => StatusCode::REQUEST_TIMEOUT,
        Interrupted::Disk(error) => disk(error),
    })?;
    let mut said = vec![(OFFSET, received.to_string()), (EXPIRES, expires(upload))];
    if received == upload.length {
        let _turn = upload.take_turn().await;
        finish(shared, by, upload, &mut said).await?;
    }
    Ok((StatusCode::NO_CONTENT, said))
}

/// Makes a file of it and says where.
async fn finish(
    shared: &Shared,
    by: By<'_>,
    upload: &Upload,
    said: &mut Vec<Said>,
) -> Result<(), StatusCode> {
    // Somebody else may have had the turn, and finished it.
    if shared.files.desk.find(&upload.name).is_some() {
        shared.files.desk.finish(&upload.name).await.map_err(|error| {
            tracing::error!(%error, "an upload cannot be stored");
            StatusCode::INTERNAL_SERVER_ERROR
        })?;
        shared.hub.filed(upload.owner.1, &upload.name, upload.length).await;
    }
    said.push((FILE_URL, shared.files.url_of(by, &upload.name)));
    Ok(())
}

fn options(shared: &Shared) -> Response {
    let max = shared.files.bytes_max.to_string();
    let allowed = "POST, HEAD, PATCH, DELETE, OPTIONS";
    let said = vec![
        (HeaderName::from_static("tus-version"), VERSION.to_owned()),
        (HeaderName::from_static("tus-max-size"), max),
        (HeaderName::from_static("tus-extension"), "creation,termination,expiration".to_owned()),
        (header::ACCESS_CONTROL_ALLOW_METHODS, allowed.to_owned()),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED.to_owned()),
        (header::ACCESS_CONTROL_MAX_AGE, "86400".to_owned()),
    ];
    respond(Ok((StatusCode::NO_CONTENT, said)))
}

fn respond(answer: Answer) -> Response {
    let (status, said) = answer.unwrap_or_else(|status| (status, vec![]));
    let mut response = status.into_response();
    allow_all_origins(&mut response);
    let headers = response.headers_mut();
    headers.insert(RESUMABLE, HeaderValue::from_static(VERSION));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    if status == StatusCode::PRECONDITION_FAILED {
        headers.insert("tus-version", HeaderValue::from_static(VERSION));
    }
    for (name, value) in said {
        // A host name that is no header value leaves its header out.
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    response
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

/// A value of the metadata: base64 of UTF-8.
fn value_of(metadata: &str, key: &str) -> Option<String> {
    let pairs = metadata.split(',').filter_map(|pair| pair.trim().split_once(' '));
    let value = pairs.filter(|(known, _)| *known == key).map(|(_, value)| value.trim()).next()?;
    String::from_utf8(BASE64.decode(value.as_bytes()).ok()?).ok()
}

/// As HTTP writes times (RFC 9110 section 5.6.7).
fn expires(upload: &Upload) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(upload.expires))
}

fn disk(error: std::io::Error) -> StatusCode {
    tracing::error!(%error, "an upload cannot be written");
    StatusCode::INSUFFICIENT_STORAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_file_is_read_from_the_metadata() {
        let name = |metadata| value_of(metadata, "filename");
        assert_eq!(name("filename YS5wbmc=").as_deref(), Some("a.png"));
        assert_eq!(name("filetype aQ==, filename w7wucGRm").as_deref(), Some("ü.pdf"));
        assert_eq!(name("filename ,filetype aQ=="), None);
        assert_eq!(name("filename"), None);
        assert_eq!(name("filename !"), None);
    }
}
