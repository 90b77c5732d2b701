//! Static files: the SDK and the demo pages, compressed when they were built.
//!
//! They are in a folder or in the program itself, and are served by the same code from either.
//! Ranges are not: what is large enough for them belongs to a file server.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use sha1::{Digest, Sha1};

/// Nothing but our own files runs; wasm may be compiled; messages go to any server over
/// WebSocket, pictures come from anywhere; what a page made itself (`blob:`, `data:`) it may send.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
     style-src 'self'; connect-src 'self' ws: wss: blob: data:; img-src 'self' data: blob: https:; \
     media-src 'self' blob: https:; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'self'";

/// Files of the program itself: their paths and what is in them. Made by `build.rs`.
type Embedded = &'static [(&'static str, &'static [u8])];

static EMBEDDED: Embedded = &include!(concat!(env!("OUT_DIR"), "/embedded_site.rs"));

/// Where the files are.
#[derive(Clone, Debug)]
pub enum Site {
    /// In a folder; a file that is changed there is served as it is then.
    Folder(PathBuf),
    /// In the program.
    Program(Embedded),
}

impl Site {
    /// What the program carries, if it was built with pages.
    pub fn of_the_program() -> Option<Site> {
        (!EMBEDDED.is_empty()).then_some(Site::Program(EMBEDDED))
    }

    /// The file of this path, which has been made harmless.
    async fn read(&self, path: &str) -> Option<Bytes> {
        match self {
            Site::Folder(folder) => Some(tokio::fs::read(folder.join(path)).await.ok()?.into()),
            Site::Program(files) => {
                let mut found = files.iter().filter(|(name, _)| *name == path);
                found.next().map(|(_, content)| Bytes::from_static(content))
            }
        }
    }

    async fn has_folder(&self, path: &str) -> bool {
        match self {
            Site::Folder(folder) => folder.join(path).is_dir(),
            Site::Program(files) => {
                files.iter().any(|(name, _)| Path::new(name).parent() == Some(Path::new(path)))
            }
        }
    }
}

/// Serves the site, `.br` and `.gz` siblings preferred, behind all other routes.
pub fn routes<S: Clone + Send + Sync + 'static>(site: Site) -> Router<S> {
    Router::new().fallback(move |request: Request| {
        let site = site.clone();
        async move { serve(&site, &request.into_parts().0).await }
    })
}

/// Answers a request for one file.
pub async fn serve(site: &Site, request: &Parts) -> Response {
    let path = request.uri.path();
    let mut response = match request.method {
        Method::GET | Method::HEAD => answer(site, path, &request.headers).await,
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    };
    if request.method == Method::HEAD {
        // Its length stays in the header.
        *response.body_mut() = Body::empty();
    }
    add_headers(path, response.headers_mut());
    response
}

async fn answer(site: &Site, path: &str, headers: &HeaderMap) -> Response {
    let Some(mut name) = name_of(path) else { return StatusCode::NOT_FOUND.into_response() };
    if name.is_empty() || path.ends_with('/') {
        name = format!("{name}/index.html").trim_start_matches('/').to_owned();
    } else if site.has_folder(&name).await {
        let Ok(there) = HeaderValue::try_from(format!("{path}/")) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, there)]).into_response();
    }
    for (coding, ending) in [("br", ".br"), ("gzip", ".gz")] {
        if accepts(headers, coding)
            && let Some(content) = site.read(&format!("{name}{ending}")).await
        {
            return found(&name, content, Some(coding), headers);
        }
    }
    match site.read(&name).await {
        Some(content) => found(&name, content, None, headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The path of a URL as a path of the site, without `/` at either end; `None` when it names
/// nothing that could be there.
fn name_of(path: &str) -> Option<String> {
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let harmless = |part: &str| {
        !part.starts_with('.') && !part.is_empty() && !part.contains(['\\', '\0', ':'])
    };
    (path.is_empty() || path.split('/').all(harmless)).then(|| path.to_owned())
}

fn found(
    name: &str,
    content: Bytes,
    coding: Option<&'static str>,
    headers: &HeaderMap,
) -> Response {
    let hash = Sha1::digest(&content);
    let tag: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = HeaderValue::try_from(format!("\"{tag}\"")).expect("digits are a header value");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|known| known.trim() == tag));
    let length = HeaderValue::from(content.len());
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_LENGTH, length)], content).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

/// Whether the client takes this coding (RFC 9110 section 12.5.3).
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut offers = values.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    offers.any(|offer| {
        let (name, weight) = offer.split_once(';').unwrap_or((offer, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        name.trim().eq_ignore_ascii_case(coding) && weight.parse().is_ok_and(|q: f32| q > 0.0)
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "wasm" => "application/wasm",
        "txt" | "md" | "ts" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "pdf" => "application/pdf",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

fn add_headers(path: &str, headers: &mut HeaderMap) {
    let cache = match is_hashed(path) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let mut more = vec![
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(self), microphone=(self), display-capture=(self)",
        ),
    ];
    // Pages of other origins load the SDK from here.
    if path.starts_with("/mesibo") || path.starts_with("/sdk/") {
        more.push((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
        let shared = HeaderName::from_static("cross-origin-resource-policy");
        more.push((shared, "cross-origin"));
    }
    for (name, value) in more {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// `name.0123abcd.js`: its content never changes.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut parts = name.rsplit('.').skip(1);
    parts.next().is_some_and(|hash| {
        hash.len() >= 8
            && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
            && parts.next().is_some()
    })
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    const FILES: [(&str, &str); 9] = [
        ("index.html", "<h1>hello</h1>"),
        ("mesibo.js", "the SDK"),
        ("mesibo.js.br", "the SDK in brotli"),
        ("mesibo.js.gz", "the SDK in gzip"),
        ("mesibo.0123abcdef.js", "the SDK for ever"),
        ("messenger/index.html", "a page"),
        ("messenger/messenger.js", "a script"),
        ("sdk/mesibo_bg.wasm", "the engine"),
        ("style/logo.svg", "a picture"),
    ];

    struct Seen {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    }

    impl Seen {
        fn header(&self, name: &str) -> &str {
            let mut found = self.headers.iter().filter(|(known, _)| known == name);
            found.next().map_or("", |(_, value)| value)
        }
    }

    /// Asks a folder and a program with the same files; both say the same.
    async fn get(method: Method, path: &str, headers: &[(HeaderName, &str)]) -> Seen {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in FILES {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let files: Vec<_> = FILES.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        let program = Site::Program(Vec::leak(files));
        let mut both = Vec::new();
        for site in [Site::Folder(folder.path().to_owned()), program] {
            let mut request = Request::builder().method(method.clone()).uri(path);
            for (name, value) in headers {
                request = request.header(name, *value);
            }
            let request = request.body(()).unwrap().into_parts().0;
            let response = serve(&site, &request).await;
            let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
            let headers = response.headers().iter();
            let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
            let status = response.status().as_u16();
            let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
            both.push(Seen { status, headers, body: String::from_utf8(body.to_vec()).unwrap() });
        }
        let (program, folder) = (both.pop().unwrap(), both.pop().unwrap());
        assert_eq!(program.status, folder.status, "{path}");
        assert_eq!(program.headers, folder.headers, "{path}");
        assert_eq!(program.body, folder.body, "{path}");
        program
    }

    #[tokio::test]
    async fn pages_and_scripts_have_their_types_wherever_they_are_kept() {
        let cases = [
            ("/", "<h1>hello</h1>", "text/html; charset=utf-8"),
            ("/mesibo.js", "the SDK", "text/javascript; charset=utf-8"),
            ("/messenger/", "a page", "text/html; charset=utf-8"),
            ("/messenger/%6dessenger.js", "a script", "text/javascript; charset=utf-8"),
            ("/sdk/mesibo_bg.wasm", "the engine", "application/wasm"),
            ("/style/logo.svg", "a picture", "image/svg+xml"),
        ];
        for (path, body, kind) in cases {
            let seen = get(Method::GET, path, &[]).await;
            assert_eq!((seen.status, seen.body.as_str()), (200, body), "{path}");
            assert_eq!(seen.header("content-type"), kind, "{path}");
            assert_eq!(seen.header("cache-control"), "no-cache", "{path}");
            assert_eq!(seen.header("content-encoding"), "", "{path}");
            assert_eq!(seen.header("x-content-type-options"), "nosniff", "{path}");
        }
        let hashed = get(Method::GET, "/mesibo.0123abcdef.js", &[]).await;
        assert_eq!(hashed.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(hashed.header("access-control-allow-origin"), "*");
    }

    #[tokio::test]
    async fn what_was_compressed_is_served_to_those_who_take_it() {
        let cases = [
            ("gzip, deflate, br", "br", "the SDK in brotli"),
            ("gzip;q=1.0, br;q=0", "gzip", "the SDK in gzip"),
            ("GZIP", "gzip", "the SDK in gzip"),
            ("identity", "", "the SDK"),
        ];
        for (offered, coding, body) in cases {
            let offered = [(header::ACCEPT_ENCODING, offered)];
            let seen = get(Method::GET, "/mesibo.js", &offered).await;
            assert_eq!((seen.header("content-encoding"), seen.body.as_str()), (coding, body));
            assert_eq!(seen.header("content-type"), "text/javascript; charset=utf-8");
            assert_eq!(seen.header("vary"), "accept-encoding");
        }
        let plain =
            get(Method::GET, "/style/logo.svg", &[(header::ACCEPT_ENCODING, "br, gzip")]).await;
        assert_eq!((plain.header("content-encoding"), plain.body.as_str()), ("", "a picture"));
    }

    #[tokio::test]
    async fn what_a_browser_has_is_not_sent_again() {
        let first = get(Method::GET, "/mesibo.js", &[]).await;
        let tag = first.header("etag").to_owned();
        let again = get(Method::GET, "/mesibo.js", &[(header::IF_NONE_MATCH, &tag)]).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""));
        let both = [(header::IF_NONE_MATCH, tag.as_str()), (header::ACCEPT_ENCODING, "br")];
        assert_eq!(get(Method::GET, "/mesibo.js", &both).await.status, 200, "another content");
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found_and_nothing_outside_is() {
        let paths = [
            "/nothing.js",
            "/../Cargo.toml",
            "/%2e%2e/Cargo.toml",
            "/messenger/..%2f..%2fx",
            "//etc/passwd",
            "/%00",
            "/.hidden",
            "/sdk/",
        ];
        for path in paths {
            assert_eq!(get(Method::GET, path, &[]).await.status, 404, "{path}");
        }
        let folder = get(Method::GET, "/messenger", &[]).await;
        assert_eq!((folder.status, folder.header("location")), (307, "/messenger/"));
        let head = get(Method::HEAD, "/mesibo.js", &[]).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert_eq!(head.header("content-length"), "7");
        assert_eq!(get(Method::POST, "/mesibo.js", &[]).await.status, 405);
    }

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        assert!(is_hashed("/mesibo.0123abcdef.js"));
        assert!(!is_hashed("/mesibo.js"));
        assert!(!is_hashed("/0123abcdef.js"));
    }
}
