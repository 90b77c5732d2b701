//! The login API of the demo pages (`backend-api.md` 7): for development only, off by default.
//!
//! A client of the backend's operations and nothing else: it signs people of one app in who say a
//! phone number and a code that everybody knows. Whoever has it on is reminded of that.

mod groups;
mod login;
mod people;
mod rooms;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use hub::port::admin::{AdminError, Credential, Operation, Reply, UserRef};
use hub::port::apps::Filter;
use hub::port::store::{App, User};
use serde_json::{Map, Value, json};
use wire::limits::TOKEN_BYTES_MIN;

use crate::Shared;
use crate::admin::{Failures, Parameters, ask, read_body};
use crate::clock::unix_seconds;
use crate::files;
use crate::front::Origin;
use crate::site::{self, Site};

/// How often the log says that the module is on.
const REMINDER: Duration = Duration::from_secs(60);

/// What a page sends to somebody who is to come.
const INVITATION: &str = "Let us talk: open the page where I am";

/// What the operator has set.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Name of the app that people are signed in to.
    pub app: String,
    /// The code everybody has; `None`: each is drawn and written to the log.
    pub code: Option<String>,
}

/// The module that is on.
struct Demo {
    settings: Settings,
    /// Codes that were wrong, by address.
    failures: Failures,
    site: Option<Site>,
}

/// Why not; the codes of the demo API are its own.
type Outcome = Result<Map<String, Value>, &'static str>;

/// A request, taken apart.
struct Asked<'a> {
    shared: &'a Shared,
    demo: &'a Demo,
    parameters: &'a Parameters,
    origin: &'a Origin,
    /// Asked where conferences are.
    conference: bool,
    /// The URL of the picture that came along.
    picture: Option<String>,
}

/// Somebody with a user token of the app.
struct Caller {
    app: App,
    user: User,
}

impl Caller {
    /// As operations name it.
    fn named(&self) -> UserRef {
        UserRef { uid: Some(self.user.uid), address: None }
    }
}

/// The routes of the module. Pages of today ask the bare origin, whose pages stay where they are.
pub fn routes(settings: Settings, site: Option<Site>) -> Router<Shared> {
    tokio::spawn(async {
        loop {
            tracing::warn!("demo.enabled: anybody signs in as anybody; not for production");
            tokio::time::sleep(REMINDER).await;
        }
    });
    let demo = Arc::new(Demo { settings, failures: Failures::default(), site });
    let handler = move |State(shared): State<Shared>,
                        Extension(origin): Extension<Origin>,
                        request: Request| {
        let demo = demo.clone();
        async move { handle(shared, &demo, origin, request).await }
    };
    ["/", "/demo/api.php", "/conf/api.php"]
        .iter()
        .fold(Router::new(), |router, path| router.route(path, any(handler.clone())))
}

async fn handle(shared: Shared, demo: &Demo, origin: Origin, request: Request) -> Response {
    if request.uri().path() == "/" && request.method() != Method::POST {
        return match &demo.site {
            Some(site) => site::serve(site, &request.into_parts().0).await,
            None => StatusCode::NOT_FOUND.into_response(),
        };
    }
    if request.method() == Method::OPTIONS {
        let allowed = [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type"),
        ];
        return (StatusCode::NO_CONTENT, allowed).into_response();
    }
    if files::is_upload(&request) {
        return files::upload(State(shared), Extension(origin), request).await;
    }
    let conference = request.uri().path().starts_with("/conf/");
    let content_type = request.headers().get(header::CONTENT_TYPE);
    if content_type.is_some_and(|it| it.as_bytes().starts_with(b"multipart/")) {
        return handle_form(&shared, demo, &origin, conference, request).await;
    }
    let (parts, body) = request.into_parts();
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(status) => return status.into_response(),
    };
    let parameters = Parameters::read(parts.uri.query(), &parts.headers, body).await;
    let parameters = parameters.unwrap_or_default();
    let (shared, origin, parameters) = (&shared, &origin, &parameters);
    let asked = Asked { shared, demo, parameters, origin, conference, picture: None };
    respond(asked.answer().await)
}

/// A form that may have a picture in it, which operations that set one take.
async fn handle_form(
    shared: &Shared,
    demo: &Demo,
    origin: &Origin,
    conference: bool,
    request: Request,
) -> Response {
    let form = files::Form::read(shared, origin, request).await;
    let said = form.fields.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    let parameters = Parameters(said.collect());
    let mut asked =
        Asked { shared, demo, parameters: &parameters, origin, conference, picture: None };
    let op = asked.text("op").to_ascii_lowercase();
    // Older pages say no more than that there is a file.
    if op.is_empty() || op == "upload" {
        let mut response = form.answer(shared, origin).await;
        files::allow_all_origins(&mut response);
        return response;
    }
    let picture = form.into_picture(shared, origin).await;
    let takes = op == "profile" || op == "setgroup" && !asked.is_of_conference();
    let answer = match &picture {
        Err(error) if takes => asked.enveloped(&op, Err(*error)),
        _ => {
            asked.picture = picture.as_ref().ok().and_then(|it| Some(it.as_ref()?.1.clone()));
            asked.answer().await
        }
    };
    if let Ok(Some((name, _))) = picture {
        match takes && answer["result"] == "OK" {
            // So that it is there when others ask for their contacts.
            true => drop(shared.files.thumbnail(&name).await),
            false => shared.files.remove(&[name.as_str().to_owned()]).await,
        }
    }
    respond(answer)
}

impl Asked<'_> {
    async fn answer(&self) -> Value {
        let op = self.text("op").to_ascii_lowercase();
        if op.is_empty() {
            return json!({"code": "NOOP", "result": "FAIL"});
        }
        let outcome = match op.as_str() {
            "login" => self.login().await,
            "loginui" => Ok(fields(json!({"ui": "0"}))),
            "logout" => self.logout().await,
            op => match self.caller().await {
                None => Err("AUTHFAIL"),
                Some(caller) => self.answer_to(&caller, op).await,
            },
        };
        self.enveloped(&op, outcome)
    }

    /// An outcome in the envelope of this API.
    fn enveloped(&self, op: &str, outcome: Outcome) -> Value {
        let (result, mut body) = match outcome {
            Ok(body) => ("OK", body),
            Err(error) => ("FAIL", fields(json!({"error": error}))),
        };
        tracing::info!(op, result, "demo");
        body.insert("op".into(), op.into());
        body.insert("ts".into(), unix_seconds().into());
        body.insert("result".into(), result.into());
        body.into()
    }

    /// What takes a token.
    async fn answer_to(&self, caller: &Caller, op: &str) -> Outcome {
        match op {
            "setgroup" if self.is_of_conference() => self.make_room(caller).await,
            "setgroup" => self.set_group(caller).await,
            "joingroup" => self.join_room(caller).await,
            "rooms" => self.list_rooms(caller).await,
            "profile" => self.set_profile(caller).await,
            "getcontacts" => self.get_contacts(caller).await,
            "delcontacts" => self.delete_contacts(caller).await,
            "delgroup" => self.delete_group(caller).await,
            "editmembers" => self.edit_group_members(caller).await,
            "setadmin" => self.set_admin(caller).await,
            "getgroup" => self.get_group(caller).await,
            _ => Err("BADOP"),
        }
    }

    /// Pages of conferences and of the messenger make groups by the same operation.
    fn is_of_conference(&self) -> bool {
        let given = |name| !self.text(name).is_empty();
        self.conference || given("resolution") || given("pin")
    }

    /// What a page shares to invite somebody.
    fn share(&self) -> Value {
        json!({"text": INVITATION, "subject": "Join me", "title": "Join me"})
    }

    /// A parameter as text, empty when it is not there.
    fn text(&self, name: &str) -> String {
        match self.parameters.get(name) {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    /// A switch that is on.
    fn is_on(&self, name: &str) -> bool {
        matches!(self.text(name).as_str(), "1" | "true")
    }

    /// The app that people are signed in to.
    async fn app(&self) -> Option<App> {
        let reply = ask(self.shared, Credential::AdminKey, Operation::AppsGet).await;
        let Ok(Reply::Apps(apps)) = reply else { return None };
        let app = apps.into_iter().find(|app| app.name == self.demo.settings.app);
        if app.is_none() {
            tracing::warn!(app = self.demo.settings.app, "demo.app: there is no such app");
        }
        app
    }

    /// Does an operation for the app.
    async fn ask(&self, app: &App, operation: Operation) -> Result<Reply, AdminError> {
        ask(self.shared, Credential::ForApp(app.aid), operation).await
    }

    /// Whose the token is that came along.
    async fn caller(&self) -> Option<Caller> {
        let token = self.text("token");
        if token.len() < TOKEN_BYTES_MIN {
            return None;
        }
        let who = self.shared.hub.uploader(token, false).await.ok()??;
        let app = self.app().await.filter(|app| app.aid == who.aid)?;
        let filter =
            Filter { id: Some(who.uid.0), pattern: "*".into(), count: 1, ..Filter::default() };
        let users = self.ask(&app, Operation::UsersGet { filter, online: None }).await;
        let Ok(Reply::Users(users, _)) = users else { return None };
        let (row, _) = users.into_iter().next()?;
        Some(Caller { app, user: row.user })
    }
}

fn fields(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(fields) => fields,
        _ => unreachable!("an answer is an object"),
    }
}

fn respond(body: Value) -> Response {
    let mut response = body.to_string().into_response();
    let headers = response.headers_mut();
    let named = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    for (name, value) in named {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
