//! The HTTP API for backends: one URL, `op` selects the operation (`backend-api.md` 1).
//!
//! Reads the request, asks the hub, writes the envelope. The hub decides, the credential first.

mod apps;
mod audit;
mod classes;
mod envelope;
mod fields;
mod gate;
mod groups;
mod messages;
mod openapi;
mod operation;
mod parameters;
mod personal;
mod push;
mod table;
mod users;

use axum::Extension;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use futures_util::{StreamExt, stream};
use hub::port::admin::{
    AdminError, Call, Credential, ErrorCode, MemberRow, Operation, Param, Reply,
};
use serde_json::Value;
use subtle::ConstantTimeEq;
use tokio::time::{Instant, timeout, timeout_at};
use wire::id::{AppId, GroupId, Uid};
use wire::limits::{ADMIN_BODY_BYTES_MAX, ADMIN_BODY_WITHIN, UPLOAD_FIELD_BYTES_MAX};

pub use self::audit::Audit;
use self::audit::RequestId;
use self::envelope::{Envelope, name_and_code};
use self::fields::as_integer;
pub use self::gate::{Failures, Gate};
use self::parameters::OBJECTS;
pub use self::parameters::Parameters;
use crate::Shared;
use crate::front::Origin;

/// Paths that backends in the field use.
const PATHS: [&str; 5] = ["/api.php", "/backend", "/backend/", "/mesiboapi", "/mesiboapi/"];

/// The routes of the admin API.
pub fn routes() -> Router<Shared> {
    let router = Router::new().route("/openapi.json", get(openapi::serve));
    PATHS.iter().fold(router, |router, path| router.route(path, any(handle)))
}

/// Answers at these paths too, whatever else is there.
pub fn with_aliases(router: Router, shared: Shared, aliases: Vec<String>) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| {
        let is_alias = aliases.iter().any(|alias| alias == request.uri().path());
        let shared = shared.clone();
        async move {
            let Some(origin) = request.extensions().get::<Origin>().cloned().filter(|_| is_alias)
            else {
                return next.run(request).await;
            };
            handle(State(shared), Extension(origin), request).await
        }
    }))
}

/// How answers look beyond what is in them.
#[derive(Clone, Debug, Default)]
pub struct Manners {
    /// Pages of these origins may ask.
    pub cors_origins: Vec<String>,
    /// A refusal has its code as HTTP status.
    pub http_status: bool,
    /// Rows of a list in one answer.
    pub list_max: u32,
}

async fn handle(
    State(shared): State<Shared>,
    Extension(origin): Extension<Origin>,
    request: Request,
) -> Response {
    // Old pages upload to the URL of the backend, and say so in the URL or in the form.
    let (is_upload, request) = match crate::files::is_upload(&request) {
        true => (true, request),
        false => is_upload_form(request).await,
    };
    if is_upload {
        return crate::files::upload(State(shared), Extension(origin), request).await;
    }
    let manners = shared.manners.clone();
    let page = request.headers().get(header::ORIGIN).cloned();
    let page = page.filter(|page| manners.cors_origins.iter().any(|known| known == page));
    let mut response = match page.is_some() && request.method() == Method::OPTIONS {
        true => StatusCode::NO_CONTENT.into_response(),
        false => answer(shared, &origin, request).await,
    };
    if let Some(page) = page {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, page);
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
        let allowed = HeaderValue::from_static("Content-Type, Authorization");
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    response
}

/// Whether a form is an upload by what its first parts say, and the request as it was.
async fn is_upload_form(request: Request) -> (bool, Request) {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    if !content_type.is_some_and(|it| it.as_bytes().starts_with(b"multipart/form-data")) {
        return (false, request);
    }
    let (parts, body) = request.into_parts();
    let mut rest = body.into_data_stream();
    let mut begun = Vec::new();
    let mut read = 0;
    let until = Instant::now() + ADMIN_BODY_WITHIN;
    // What does not come is found out by whoever reads on.
    while read < UPLOAD_FIELD_BYTES_MAX
        && let Ok(Some(chunk)) = timeout_at(until, rest.next()).await
    {
        // What cannot be read ends it, and is told to whoever reads on.
        read = read.saturating_add(chunk.as_ref().map_or(usize::MAX, Bytes::len));
        begun.push(chunk);
    }
    let bytes: Vec<u8> = begun.iter().flatten().flat_map(|chunk| chunk.to_vec()).collect();
    let said = b"name=\"op\"\r\n\r\nupload\r\n";
    let is_upload = bytes.windows(said.len()).any(|window| window == said);
    let body = Body::from_stream(stream::iter(begun).chain(rest));
    (is_upload, Request::from_parts(parts, body))
}

/// The whole body of an operation, or what is said when it is too large or does not come in time.
pub async fn read_body(body: Body) -> Result<Bytes, StatusCode> {
    match timeout(ADMIN_BODY_WITHIN, to_bytes(body, ADMIN_BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// Answers a request for an operation.
pub async fn answer(shared: Shared, origin: &Origin, request: Request) -> Response {
    if request.method() == Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    if !shared.hub.is_serving() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let (parts, body) = request.into_parts();
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(status) => return status.into_response(),
    };
    let read = Parameters::read(parts.uri.query(), &parts.headers, body).await;
    let (parameters, broken) = match read {
        Ok(parameters) => (parameters, false),
        Err(_) => (Parameters::default(), true),
    };
    let text = |name: &str| parameters.get(name).and_then(Value::as_str).map(str::trim);
    let op: String = text("op").unwrap_or_default().chars().take(32).collect();
    let op = op.to_ascii_lowercase();
    let request = RequestId::draw();
    let http_status = shared.manners.http_status;
    let envelope = Envelope::new(&op, parameters.get("id"), http_status, &request);
    let is_object = |name: &&str| parameters.get(name).is_some_and(Value::is_object);
    let json = OBJECTS.iter().any(is_object);

    if broken {
        let cause = "the body is not a JSON object".into();
        let error = AdminError { code: ErrorCode::BadJson, cause, params: vec![] };
        return envelope.failure(&error, json);
    }
    let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let token = text("token").filter(|token| !token.is_empty()).or(bearer);
    // Old backends send their token with everything.
    let token = token.filter(|_| text("key").is_none() || !operation::takes_key_only(&op));
    let mut credential = credential(token, text("key"), &shared.admin_key);
    if credential == Credential::None && shared.by_operator {
        credential = Credential::AdminKey;
    }
    if credential == Credential::AdminKey
        && !operation::is_of_installation(&op)
        && let Some(aid) = parameters.get("aid").and_then(as_integer)
    {
        credential = Credential::ForApp(AppId(aid));
    }
    let token = match &credential {
        Credential::App(hash) => Some(*hash),
        _ => None,
    };
    if !shared.by_operator
        && let Err(error) = shared.gate.admits(origin.address, token.as_ref())
    {
        return envelope.failure(&error, json);
    }
    let operation = operation::read(&op, &parameters, shared.manners.list_max);
    let operation = operation.and_then(|operation| askable(&shared, operation));
    let result = match perform(&shared, credential.clone(), operation).await {
        Ok(Reply::Erasing { user, files }) => {
            personal::erase(&shared, credential.clone(), user, &files).await
        }
        other => other,
    };
    // What is no operation may be anything, a token too.
    let known = operation::known(&op).unwrap_or("unknown");
    tracing::info!(request = request.0, op = known, ok = result.is_ok(), "backend");
    shared.audit.note(known, &request, (&credential, origin.address), &result);
    match result {
        Ok(Reply::Media(gid)) => envelope.done(shared.library.told(gid)),
        Ok(Reply::PushTest(push)) => envelope.done(shared.push.test(*push).await),
        Ok(Reply::Hooks(aid, wish)) => match shared.webhooks.wish(aid, wish).await {
            Some(body) => envelope.done(body),
            None => envelope.failure(&refused("the disk does not keep up"), json),
        },
        Ok(Reply::Personal { user, known, messages, next }) => {
            let part = (known, messages, next);
            match personal::export(&shared, origin, &user, part).await {
                Some(body) => envelope.done(body),
                None => envelope.failure(&refused("the disk does not keep up"), json),
            }
        }
        Ok(reply) => {
            if let Some(token) = token {
                shared.gate.count_source(origin.address, token);
            }
            envelope.success(reply)
        }
        Err(error) => {
            if error.code == ErrorCode::AuthFail {
                shared.gate.count_failure(origin.address);
            }
            envelope.failure(&error, json)
        }
    }
}

/// Refuses a URL that would never be asked.
fn askable(shared: &Shared, operation: Operation) -> Result<Operation, AdminError> {
    let Operation::AppSet { fields, .. } = &operation else { return Ok(operation) };
    for (url, param) in [(&fields.url, Param::AppUrl), (&fields.intercept_url, Param::AppIntercept)]
    {
        if url.as_ref().is_some_and(|url| !shared.webhooks.may_ask(url)) {
            let cause = "the URL has to begin with https:// (webhook.allow_http)";
            return Err(fields::refuse(ErrorCode::BadParam, cause, param));
        }
    }
    Ok(operation)
}

fn credential(token: Option<&str>, key: Option<&str>, admin_key: &str) -> Credential {
    match (token, key) {
        (Some(token), _) if !token.is_empty() => Credential::App(hub::hash_token(token)),
        (_, Some(key)) if bool::from(key.as_bytes().ct_eq(admin_key.as_bytes())) => {
            Credential::AdminKey
        }
        _ => Credential::None,
    }
}

/// Name and number of a refusal.
pub fn refusal_text(error: &AdminError) -> (&'static str, u16) {
    name_and_code(error.code)
}

/// Does an operation for a part of this process.
pub async fn ask(
    shared: &Shared,
    credential: Credential,
    operation: Operation,
) -> Result<Reply, AdminError> {
    perform(shared, credential, Ok(operation)).await
}

/// What a user is in a group, when it is a member and may sign in.
pub async fn member(shared: &Shared, aid: AppId, uid: Uid, gid: GroupId) -> Option<MemberRow> {
    let after = Uid(uid.0.checked_sub(1)?);
    let wanted = Operation::MembersGet { gid, after, count: 1, pending: false };
    let reply = ask(shared, Credential::ForApp(aid), wanted).await.ok()?;
    let Reply::Members { members, .. } = reply else { return None };
    members.into_iter().find(|row| row.user.uid == uid && row.user.active)
}

fn refused(cause: &str) -> AdminError {
    AdminError { code: ErrorCode::Server, cause: cause.into(), params: Vec::<Param>::new() }
}

async fn perform(
    shared: &Shared,
    credential: Credential,
    operation: Result<Operation, AdminError>,
) -> Result<Reply, AdminError> {
    let mut entropy = [0; 64];
    getrandom::fill(&mut entropy).map_err(|_| refused("the system gives no random numbers"))?;
    let call = Call { credential, operation, entropy };
    shared.hub.admin(call).await.ok_or_else(|| refused("the server is stopping"))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_not_waited_for_without_end() {
        let drop = |n: u64| async move {
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), n + 1))
        };
        let dripping = Body::from_stream(stream::unfold(0, drop));
        assert_eq!(read_body(dripping).await, Err(StatusCode::REQUEST_TIMEOUT));
        assert_eq!(read_body(Body::from("{}")).await, Ok(Bytes::from_static(b"{}")));
        let large = Body::from(vec![b' '; ADMIN_BODY_BYTES_MAX + 1]);
        assert_eq!(read_body(large).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
