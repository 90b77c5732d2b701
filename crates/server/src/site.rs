//! Static files: the SDK and the demo pages, compressed when they were built.

use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tower_http::services::ServeDir;

/// Nothing but our own files runs; wasm may be compiled; messages go to any server over
/// WebSocket, pictures come from anywhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
     style-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob: https:; \
     media-src 'self' blob: https:; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'self'";

/// Serves this folder, `.br` and `.gz` siblings preferred, behind all other routes.
pub fn routes<S: Clone + Send + Sync + 'static>(folder: &Path) -> Router<S> {
    let files = ServeDir::new(folder).precompressed_br().precompressed_gzip();
    Router::new().fallback_service(files).layer(middleware::from_fn(add_headers))
}

async fn add_headers(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let cache = match is_hashed(&path) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let mut headers = vec![
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
        headers.push((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
        let shared = HeaderName::from_static("cross-origin-resource-policy");
        headers.push((shared, "cross-origin"));
    }
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
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
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        assert!(is_hashed("/mesibo.0123abcdef.js"));
        assert!(!is_hashed("/mesibo.js"));
        assert!(!is_hashed("/0123abcdef.js"));
    }
}
