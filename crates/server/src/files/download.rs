//! `GET /files/<name>`: a file for whoever knows its name, whole or in part (RFC 9110 section 14).

use std::collections::HashMap;
use std::ops::Range;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use hmac::Mac;
use object_store::path::Path as Place;
use object_store::{GetOptions, GetRange, ObjectStoreExt};

use super::name::Name;
use super::{Files, allow_all_origins, bearer, who};
use crate::Shared;
use crate::clock::unix_seconds;
use crate::front::Origin;

/// Files never change, and nothing of them runs in our origin.
const HEADERS: [(header::HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    (header::ACCEPT_RANGES, "bytes"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Content-Range, Content-Length, ETag, Accept-Ranges"),
];

/// What pages of other origins may ask.
pub async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Range, If-None-Match, If-Range"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    let mut response = (StatusCode::NO_CONTENT, headers).into_response();
    allow_all_origins(&mut response);
    response
}

/// Gives a file, or a part of it.
pub async fn download(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let name = Name::read(&name).ok_or(StatusCode::NOT_FOUND)?;
        if !name.is_signed() {
            return give(&shared.files, &name, &method, &headers).await;
        }
        prove(&shared, &origin, &name, &query.unwrap_or_default(), &headers).await?;
        let mut response = give(&shared.files, &name, &method, &headers).await?;
        let private = HeaderValue::from_static("private, max-age=3600");
        response.headers_mut().insert(header::CACHE_CONTROL, private);
        Ok(response)
    };
    let found: Result<Response, StatusCode> = found.await;
    let mut response = found.unwrap_or_else(IntoResponse::into_response);
    allow_all_origins(&mut response);
    response
}

/// Looks whether who asks for a file that takes more than its URL has a link that is still good, or a
/// token of its app.
async fn prove(
    shared: &Shared,
    origin: &Origin,
    name: &Name,
    query: &str,
    headers: &HeaderMap,
) -> Result<(), StatusCode> {
    let files = &shared.files;
    let said: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    if let (Some(expires), Some(seal)) = (said.get("e"), said.get("s")) {
        let expires = expires.parse().map_err(|_| StatusCode::FORBIDDEN)?;
        let seal = HEXLOWER.decode(seal.as_bytes()).unwrap_or_default();
        let good = files.link(name, expires).verify_slice(&seal).is_ok();
        if good && expires > unix_seconds() {
            return Ok(());
        }
    }
    let credential = said.get("auth").or(said.get("token")).cloned().or(bearer(headers));
    let credential = credential.ok_or(StatusCode::FORBIDDEN)?;
    if files.failures().too_many(origin.address) {
        return Err(StatusCode::TOO_MANY_REQUESTS);
    }
    let asker = who(&shared.hub, credential, false).await;
    let asker = asker.map_err(|()| StatusCode::SERVICE_UNAVAILABLE)?;
    let Some(asker) = asker else {
        files.failures().count(origin.address);
        return Err(StatusCode::UNAUTHORIZED);
    };
    match name.sealed().is_some_and(|(of, seal)| files.seal(asker.aid, of) == seal) {
        true => Ok(()),
        false => Err(StatusCode::FORBIDDEN),
    }
}

/// Gives a file, or a part of it, to whom it may be given.
pub async fn give(
    files: &Files,
    name: &Name,
    method: &Method,
    asked: &HeaderMap,
) -> Result<Response, StatusCode> {
    let stock = &*files.stock;
    let place = Place::from(name.as_str());
    let size = stock.head(&place).await.map_err(status_of)?.size;
    let text = |name| asked.get(name).and_then(|value| value.to_str().ok());
    // What has this name has this content.
    let tag = format!("\"{name}\"");
    let none_match = text(header::IF_NONE_MATCH).unwrap_or_default();
    if none_match
        .split(',')
        .any(|known| ["*", &tag].contains(&known.trim().trim_start_matches("W/")))
    {
        let headers = [(header::ETAG, tag)];
        return Ok((StatusCode::NOT_MODIFIED, HEADERS, headers).into_response());
    }
    let wanted = text(header::RANGE).filter(|_| text(header::IF_RANGE).is_none_or(|it| it == tag));
    let (status, range) = match wanted.and_then(|wanted| part(wanted, size)) {
        None => (StatusCode::OK, 0..size),
        Some(Some(range)) => (StatusCode::PARTIAL_CONTENT, range),
        Some(None) => {
            let headers = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
        }
    };
    let (media_type, shown) = name.media_type();
    let disposition = if shown { "inline" } else { "attachment" };
    let mut headers = vec![
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("{disposition}; filename=\"{name}\"")),
        (header::CONTENT_LENGTH, (range.end - range.start).to_string()),
        (header::ETAG, tag),
    ];
    if status == StatusCode::PARTIAL_CONTENT {
        let (first, last) = (range.start, range.end - 1);
        headers.push((header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}")));
    }
    let body = match *method == Method::HEAD || range.is_empty() {
        true => Body::empty(),
        false => {
            let options =
                GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
            let found = stock.get_opts(&place, options).await.map_err(status_of)?;
            Body::from_stream(found.into_stream())
        }
    };
    let mut response = (status, HEADERS, body).into_response();
    for (name, value) in headers {
        let value = value.parse().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// One range of bytes; `None` when it is to be ignored (several ranges, other units, nonsense),
/// `Some(None)` when there are no such bytes.
fn part(wanted: &str, size: u64) -> Option<Option<Range<u64>>> {
    let (first, last) = wanted.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse());
    if first.is_empty() {
        let count: u64 = number(last)?.ok()?;
        return Some((count > 0 && size > 0).then(|| size.saturating_sub(count)..size));
    }
    let first: u64 = number(first)?.ok()?;
    let end = match last {
        "" => size,
        last => number(last)?.ok().and_then(|last: u64| last.checked_add(1))?.min(size),
    };
    if !last.is_empty() && end <= first && first < size {
        return None;
    }
    Some((first < size).then_some(first..end))
}

fn status_of(error: object_store::Error) -> StatusCode {
    if matches!(error, object_store::Error::NotFound { .. }) {
        return StatusCode::NOT_FOUND;
    }
    tracing::error!(%error, "a file cannot be read");
    StatusCode::INTERNAL_SERVER_ERROR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_the_standard_says() {
        assert_eq!(part("bytes=0-3", 8), Some(Some(0..4)));
        assert_eq!(part("bytes=5-", 8), Some(Some(5..8)));
        assert_eq!(part("bytes=-3", 8), Some(Some(5..8)));
        assert_eq!(part("bytes=-30", 8), Some(Some(0..8)));
        assert_eq!(part("bytes=2-99", 8), Some(Some(2..8)));
        assert_eq!(part("bytes=8-9", 8), Some(None));
        assert_eq!(part("bytes=-0", 8), Some(None));
        assert_eq!(part("bytes=0-", 0), Some(None));
    }

    #[test]
    fn a_range_that_makes_no_sense_is_as_none() {
        for wanted in
            ["", "bytes=", "bytes=-", "bytes=3-2", "bytes=0-1,3-4", "lines=0-3", "bytes=a-b"]
        {
            assert_eq!(part(wanted, 8), None, "{wanted:?}");
        }
    }
}
