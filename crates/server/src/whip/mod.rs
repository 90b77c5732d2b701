//! WHIP (RFC 9725) and WHEP: broadcasters and players that are not pages of ours, in the same rooms,
//! with the same tokens and rights.
//!
//! `POST /whip/<gid>` publishes, `POST /whep/<gid>` watches; the token of a user goes as `Bearer`.
//! What is made so has a URL of its own, which nobody can guess: `DELETE` ends it, `PATCH` takes
//! candidates. The media server learns where a client is from what it sends, so it needs none of
//! them; another connection for the same session (an ICE restart) it does not take.

mod guest;
mod lines;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use serde::Deserialize;
use tokio::sync::oneshot;
use wire::limits::CALL_SDP_BYTES_MAX;

use self::guest::{COME_AGAIN, Choice, Guest, Refusal, Wish};
use self::lines::fragment;
use crate::Shared;
use crate::files::bearer;
use crate::front::Origin;
use crate::random;

const SDP: &str = "application/sdp";
const CANDIDATES: &str = "application/trickle-ice-sdpfrag";

/// Everybody who is there without a page.
#[derive(Clone, Default)]
pub struct Whip(Arc<Mutex<HashMap<String, Stay>>>);

struct Stay {
    /// Of the client's side of the connection.
    fragment: Option<String>,
    tag: String,
    /// Dropped: it has to leave.
    _until: oneshot::Sender<()>,
}

/// What may be said of a stream in the URL.
#[derive(Deserialize)]
struct Asked {
    stream: Option<u64>,
    publisher: Option<String>,
    sid: Option<u32>,
    name: Option<String>,
}

/// The routes of broadcasters and players.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/whip/{gid}", post(publish).options(preflight))
        .route("/whep/{gid}", post(watch).options(preflight))
        .route("/whip/stay/{id}", one())
        .route("/whep/stay/{id}", one())
        .layer(DefaultBodyLimit::max(CALL_SDP_BYTES_MAX))
}

fn one() -> axum::routing::MethodRouter<Shared> {
    axum::routing::delete(leave).patch(candidates).options(preflight)
}

async fn publish(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    Path(gid): Path<u32>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    offer: Bytes,
) -> Response {
    let (sid, name) = (asked.sid.unwrap_or(0), asked.name.unwrap_or_default());
    enter(&shared, &origin, ("whip", gid), Wish::Publish { sid, name }, &headers, &offer).await
}

async fn watch(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    Path(gid): Path<u32>,
    Query(Asked { stream, publisher, sid, .. }): Query<Asked>,
    headers: HeaderMap,
    offer: Bytes,
) -> Response {
    let wish = Wish::Watch(Choice { stream, publisher, sid });
    enter(&shared, &origin, ("whep", gid), wish, &headers, &offer).await
}

async fn enter(
    shared: &Shared,
    origin: &Origin,
    (way, gid): (&str, u32),
    wish: Wish,
    headers: &HeaderMap,
    offer: &[u8],
) -> Response {
    if !is(headers, SDP) {
        return refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "an offer of application/sdp is wanted",
        );
    }
    let Ok(offer) = std::str::from_utf8(offer) else {
        return refused(StatusCode::BAD_REQUEST, "the offer is no text");
    };
    let failures = shared.files.failures();
    if failures.too_many(origin.address) {
        return refused(StatusCode::TOO_MANY_REQUESTS, "too many tokens that are worth nothing");
    }
    let Some(token) = bearer(headers) else { return refusal(Refusal::Token) };
    let (hub, address) = (&shared.hub, origin.address);
    let (mut guest, answer) =
        match Guest::enter(hub, address, &token, gid, wish, offer.to_owned()).await {
            Ok(entered) => entered,
            Err(why) => {
                if matches!(why, Refusal::Token) {
                    failures.count(origin.address);
                }
                return refusal(why);
            }
        };
    let (Ok(id), Ok(tag)) = (random::hex::<16>(), random::hex::<16>()) else {
        return refusal(Refusal::Server);
    };
    let (until, told) = oneshot::channel();
    let fragment = fragment(offer).map(str::to_owned);
    let stay = Stay { fragment, tag: format!("\"{tag}\""), _until: until };
    let entity = stay.tag.clone();
    let all = shared.whip.clone();
    all.0.lock().expect("no panic while looking").insert(id.clone(), stay);
    let location = format!("/{way}/stay/{id}");
    tokio::spawn(async move {
        tokio::select! {
            _ = told => {}
            () = guest.stay() => {}
        }
        all.0.lock().expect("no panic while looking").remove(&id);
        guest.leave().await;
    });
    let said = [
        (header::CONTENT_TYPE, SDP),
        (header::LOCATION, &location),
        (header::ETAG, &entity),
        (header::HeaderName::from_static("accept-patch"), CANDIDATES),
    ];
    allowed((StatusCode::CREATED, said, answer).into_response())
}

async fn leave(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    let known = shared.whip.0.lock().expect("no panic while looking").remove(&id);
    let status = if known.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    allowed(status.into_response())
}

async fn candidates(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    piece: String,
) -> Response {
    let all = shared.whip.0.lock().expect("no panic while looking");
    let Some(stay) = all.get(&id) else { return allowed(StatusCode::NOT_FOUND.into_response()) };
    if !is(&headers, CANDIDATES) {
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "candidates are wanted");
    }
    let same = |known: &HeaderValue| known == "*" || known.as_bytes() == stay.tag.as_bytes();
    if headers.get(header::IF_MATCH).is_some_and(|known| !same(known)) {
        return refused(StatusCode::PRECONDITION_FAILED, "this session is over");
    }
    if fragment(&piece).is_some_and(|other| stay.fragment.as_deref() != Some(other)) {
        let what = "an ICE restart is not possible: begin a new session";
        return refused(StatusCode::UNPROCESSABLE_ENTITY, what);
    }
    allowed(StatusCode::NO_CONTENT.into_response())
}

async fn preflight() -> Response {
    let said = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, PATCH, DELETE, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, If-Match"),
        (header::HeaderName::from_static("accept-post"), SDP),
    ];
    allowed((StatusCode::NO_CONTENT, said).into_response())
}

fn is(headers: &HeaderMap, kind: &str) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    said.is_some_and(|said| said.split(';').next().is_some_and(|said| said.trim() == kind))
}

fn refusal(why: Refusal) -> Response {
    match why {
        Refusal::Token => {
            let mut response =
                refused(StatusCode::UNAUTHORIZED, "a user token is wanted: Authorization: Bearer");
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
        Refusal::Right(reason) => refused(StatusCode::FORBIDDEN, &reason),
        Refusal::Offer(reason) => refused(StatusCode::BAD_REQUEST, &reason),
        Refusal::NothingThere => {
            later(refused(StatusCode::CONFLICT, "nobody publishes this now: come again"))
        }
        Refusal::Server => {
            later(refused(StatusCode::SERVICE_UNAVAILABLE, "not possible just now: come again"))
        }
    }
}

fn later(mut response: Response) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(COME_AGAIN.as_secs()));
    response
}

fn refused(status: StatusCode, reason: &str) -> Response {
    allowed((status, reason.to_owned()).into_response())
}

/// Pages of any origin may ask: what they may do their token says.
fn allowed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let exposed = HeaderValue::from_static("Location, ETag, Accept-Patch, Retry-After");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    response
}
