//! What the console (`/console/`, `www/console`) asks: a session for who has the admin key, the
//! operations of the backend API as the operator, and how things are right now.
//!
//! A session is a random cookie that scripts cannot read; only its hash is kept, in memory, so a
//! restart signs the console out. Every request needs a header that pages of other origins cannot
//! send without being asked first, which nobody answers. Relies on the hub for every decision.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use data_encoding::HEXLOWER;
use hub::port::store::TokenHash;
use hub::{Live, LiveRoom, LiveSession, hash_token};
use serde::Deserialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use wire::id::AppId;
use wire::limits::{
    CONSOLE_FILES_COUNTED_MAX, CONSOLE_SESSION_MAX, CONSOLE_SESSIONS_MAX, CONSOLE_STORAGE_AGE_MAX,
};

use crate::Shared;
use crate::admin::{self, refusal_text};
use crate::front::Origin;
use crate::random;

/// Pages of other origins cannot send it (Fetch standard, CORS-safelisted request-headers).
const OURS: &str = "x-console";
const COOKIE: &str = "console";

/// Who is signed in, and what was measured lately.
#[derive(Debug)]
pub struct Console {
    data: PathBuf,
    started: Instant,
    /// Hashes of cookies, oldest first.
    sessions: Mutex<VecDeque<(TokenHash, Instant)>>,
    storage: tokio::sync::Mutex<Option<(Instant, Value)>>,
}

impl Console {
    /// Nobody is signed in.
    pub fn new(data: &Path) -> Console {
        let (sessions, storage) = (Mutex::default(), tokio::sync::Mutex::default());
        Console { data: data.to_owned(), started: Instant::now(), sessions, storage }
    }

    fn enter(&self) -> Option<String> {
        let cookie = random::hex::<32>().ok()?;
        let mut sessions = self.sessions.lock().expect("no panic while looking");
        if sessions.len() >= CONSOLE_SESSIONS_MAX {
            sessions.pop_front();
        }
        sessions.push_back((hash_token(&cookie), Instant::now()));
        Some(cookie)
    }

    fn knows(&self, hash: &TokenHash) -> bool {
        let mut sessions = self.sessions.lock().expect("no panic while looking");
        sessions.retain(|(_, since)| since.elapsed() < CONSOLE_SESSION_MAX);
        sessions.iter().any(|(known, _)| known == hash)
    }

    fn leave(&self, hash: &TokenHash) {
        let mut sessions = self.sessions.lock().expect("no panic while looking");
        sessions.retain(|(known, _)| known != hash);
    }

    /// Bytes of the databases and of the files, and what is left on the disk.
    async fn storage(&self) -> Value {
        let mut measured = self.storage.lock().await;
        if let Some((at, value)) = &*measured
            && at.elapsed() < CONSOLE_STORAGE_AGE_MAX
        {
            return value.clone();
        }
        let data = self.data.clone();
        let value = tokio::task::spawn_blocking(move || measure(&data)).await.unwrap_or_default();
        *measured = Some((Instant::now(), value.clone()));
        value
    }
}

/// The routes below `/console/`; the pages themselves are files of the site.
pub fn routes(shared: &Shared) -> Router<Shared> {
    let signed_in = axum::middleware::from_fn_with_state(shared.clone(), signed_in);
    let ours = axum::middleware::from_fn_with_state(shared.clone(), ours);
    Router::new()
        .route("/console/backend", post(operation))
        .route("/console/live", get(live))
        .route_layer(signed_in)
        .route("/console/session", post(sign_in).delete(sign_out))
        .route_layer(ours)
}

/// Whoever asks is our own page, from an address that may.
async fn ours(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    request: Request,
    next: Next,
) -> Response {
    if !request.headers().contains_key(OURS) {
        return refused(StatusCode::FORBIDDEN, "FORBIDDEN", "only the console's own page may ask");
    }
    if let Err(error) = shared.gate.admits(origin.address, None) {
        let (name, code) = refusal_text(&error);
        let status = StatusCode::from_u16(code).unwrap_or(StatusCode::FORBIDDEN);
        return refused(status, name, &error.cause);
    }
    let mut response = next.run(request).await;
    let no_store = header::HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

async fn signed_in(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    match cookie(request.headers()) {
        Some(hash) if shared.console.knows(&hash) => next.run(request).await,
        _ => refused(StatusCode::UNAUTHORIZED, "AUTHFAIL", "not signed in, or not any more"),
    }
}

#[derive(Deserialize)]
struct SignIn {
    key: String,
}

async fn sign_in(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    Json(wish): Json<SignIn>,
) -> Response {
    let right = wish.key.trim().as_bytes().ct_eq(shared.admin_key.as_bytes());
    tracing::info!(ok = bool::from(right), "sign-in to the console");
    if !bool::from(right) {
        shared.gate.count_failure(origin.address);
        return refused(StatusCode::UNAUTHORIZED, "AUTHFAIL", "this is not the admin key");
    }
    let Some(cookie) = shared.console.enter() else {
        let cause = "the system gives no random numbers";
        return refused(StatusCode::INTERNAL_SERVER_ERROR, "SERVER", cause);
    };
    let secure = if origin.url.starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={cookie}; Path=/console; HttpOnly; SameSite=Strict{secure}");
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}

async fn sign_out(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if let Some(hash) = cookie(&headers) {
        shared.console.leave(&hash);
    }
    let gone = format!("{COOKIE}=; Path=/console; HttpOnly; SameSite=Strict; Max-Age=0");
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response()
}

async fn operation(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    request: Request,
) -> Response {
    admin::answer(Shared { by_operator: true, ..shared }, &origin, request).await
}

#[derive(Deserialize)]
struct Which {
    aid: u32,
}

async fn live(State(shared): State<Shared>, Query(Which { aid }): Query<Which>) -> Response {
    let Some(live) = shared.hub.live(AppId(aid)).await else {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "SERVER", "the server is stopping");
    };
    let Live { sessions, session_count, rooms, room_count, waiting } = live;
    let waiting = waiting
        .iter()
        .map(|one| json!({"gid": one.gid.0, "group": one.group, "address": one.address}));
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_ms": shared.console.started.elapsed().as_millis() as u64,
        "figures": shared.exposition.figures(),
        "storage": shared.console.storage().await,
        "sessions": sessions.iter().map(session_row).collect::<Vec<_>>(),
        "session_count": session_count,
        "rooms": rooms.iter().map(room_row).collect::<Vec<_>>(),
        "room_count": room_count,
        "waiting": waiting.collect::<Vec<_>>(),
    }))
    .into_response()
}

fn session_row(session: &LiveSession) -> Value {
    json!({
        "uid": session.uid.0,
        "address": session.address,
        "name": session.name,
        "ip": session.remote.to_canonical().to_string(),
        // Enough to tell two browsers apart.
        "device": HEXLOWER.encode(&session.device.0[..3]),
        "seconds": session.age.as_secs(),
        "shown": session.shown,
        "rooms": session.rooms,
        "behind": session.behind,
    })
}

fn room_row(room: &LiveRoom) -> Value {
    let people = room.people.iter().map(|person| {
        let streams = person.streams.iter().map(|stream| {
            json!({
                "name": stream.name,
                "source": stream.source,
                "audio": stream.audio,
                "video": stream.video,
                "audio_muted": stream.audio_muted,
                "video_muted": stream.video_muted,
                "talking": stream.talking,
                "quality": stream.quality,
            })
        });
        json!({
            "uid": person.uid.0,
            "address": person.address,
            "streams": streams.collect::<Vec<_>>(),
            "receiving": person.receiving,
        })
    });
    json!({
        "gid": room.gid.0,
        "name": room.name,
        "recording": room.recording,
        "people": people.collect::<Vec<_>>(),
    })
}

fn cookie(headers: &HeaderMap) -> Option<TokenHash> {
    let lists = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lists.flat_map(|list| list.split(';'));
    let found = pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    Some(hash_token(found))
}

fn refused(status: StatusCode, error: &str, cause: &str) -> Response {
    (status, Json(json!({"result": false, "error": error, "cause": cause}))).into_response()
}

fn measure(data: &Path) -> Value {
    let length = |name: &str| std::fs::metadata(data.join(name)).map_or(0, |found| found.len());
    let database = |name: &str| -> u64 {
        ["", "-wal", "-shm"].iter().map(|ending| length(&format!("{name}{ending}"))).sum()
    };
    let (files, file_count) = folder(&data.join("files"));
    json!({
        "database": database("mesibo.db"),
        "webhooks": database("hooks.db"),
        "files": files,
        "file_count": file_count,
        "all_files": file_count < CONSOLE_FILES_COUNTED_MAX,
        "uploads": folder(&data.join("uploads")).0,
        "free": crate::shell::free_mib(data).map(|mib| mib * 1024 * 1024),
    })
}

/// Bytes and number of the files in a folder.
fn folder(path: &Path) -> (u64, usize) {
    let Ok(entries) = std::fs::read_dir(path) else { return (0, 0) };
    let lengths = entries.flatten().take(CONSOLE_FILES_COUNTED_MAX);
    let lengths = lengths.filter_map(|entry| Some(entry.metadata().ok()?.len()));
    lengths.fold((0, 0), |(bytes, count), length| (bytes + length, count + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_beyond_the_limit_signs_the_oldest_out() {
        let console = Console::new(Path::new("."));
        let first = console.enter().unwrap();
        let second = console.enter().unwrap();
        for _ in 1..CONSOLE_SESSIONS_MAX {
            console.enter().unwrap();
        }
        assert!(!console.knows(&hash_token(&first)));
        assert!(console.knows(&hash_token(&second)));
        console.leave(&hash_token(&second));
        assert!(!console.knows(&hash_token(&second)));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "consoles=1; a=b; console=abc".parse().unwrap());
        assert_eq!(cookie(&headers), Some(hash_token("abc")));
        headers.insert(header::COOKIE, "xconsole=abc".parse().unwrap());
        assert_eq!(cookie(&headers), None);
    }
}
