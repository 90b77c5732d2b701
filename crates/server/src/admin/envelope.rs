//! Answers as backends expect them (`backend-api.md` 1.4, 1.5): the one conversion to HTTP.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hub::port::admin::{AdminError, ErrorCode, IssuedToken, MemberRow, Reply};
use hub::port::store::User;
use serde_json::{Map, Value, json};
use wire::mask::member as right;
use wire::time::Timestamp;

use super::operation::path;

/// Builds the JSON of an answer.
pub struct Envelope {
    fields: Map<String, Value>,
}

impl Envelope {
    /// Starts with what every answer has: the operation, and the request's own id.
    pub fn new(op: &str, id: Option<&Value>) -> Envelope {
        let mut fields = Map::new();
        fields.insert("op".into(), op.into());
        if let Some(id) = id {
            fields.insert("id".into(), id.clone());
        }
        Envelope { fields }
    }

    /// The operation was done.
    pub fn success(mut self, reply: Reply) -> Response {
        self.fields.insert("result".into(), true.into());
        let Value::Object(more) = body(reply) else { unreachable!("a body is an object") };
        self.fields.extend(more);
        self.respond()
    }

    /// The operation was not done. `json` says in which form parameters are named.
    pub fn failure(mut self, error: &AdminError, json: bool) -> Response {
        let (name, code) = name_and_code(error.code);
        self.fields.insert("result".into(), false.into());
        self.fields.insert("error".into(), name.into());
        self.fields.insert("code".into(), code.into());
        self.fields.insert("cause".into(), error.cause.as_str().into());
        if !error.params.is_empty() {
            let paths: Vec<_> = error.params.iter().map(|param| path(*param, json)).collect();
            self.fields.insert("properties".into(), paths.into());
        }
        self.respond()
    }

    fn respond(self) -> Response {
        let body = Value::Object(self.fields).to_string();
        let mut response = (StatusCode::OK, body).into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, json);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

fn name_and_code(code: ErrorCode) -> (&'static str, u16) {
    match code {
        ErrorCode::BadOp => ("BADOP", 400),
        ErrorCode::AuthFail => ("AUTHFAIL", 401),
        ErrorCode::AppDisabled => ("APPDISABLED", 403),
        ErrorCode::MissingParam => ("MISSINGPARAM", 400),
        ErrorCode::BadParam => ("BADPARAM", 400),
        ErrorCode::BadJson => ("BADJSON", 400),
        ErrorCode::NoUser => ("NOUSER", 404),
        ErrorCode::NoGroup => ("NOGROUP", 404),
        ErrorCode::NotMember => ("NOTMEMBER", 404),
        ErrorCode::Exists => ("EXISTS", 409),
        ErrorCode::Quota => ("QUOTA", 403),
        ErrorCode::NotAllowed => ("NOTALLOWED", 403),
        ErrorCode::RateLimit => ("RATELIMIT", 429),
        ErrorCode::TooLarge => ("TOOLARGE", 413),
        ErrorCode::Unsupported => ("UNSUPPORTED", 501),
        ErrorCode::Server => ("SERVER", 500),
    }
}

fn body(reply: Reply) -> Value {
    match reply {
        Reply::App { aid, name, token } => {
            json!({"token": token, "app": {"aid": aid.0, "name": name, "token": token}})
        }
        Reply::User { user, new, token } => json!({"user": user_row(&user, new, token)}),
        Reply::Group { group, failed } => json!({"group": {
            "gid": group.gid.0,
            "name": group.name,
            "expiry": seconds(group.expires),
            "failed": failed,
        }}),
        Reply::MembersEdited { gid, added, edited, removed, failed } => json!({"group": {
            "gid": gid.0, "added": added, "edited": edited, "removed": removed, "failed": failed,
        }}),
        Reply::Members { members, more } => {
            json!({"members": members.iter().map(member_row).collect::<Vec<_>>(), "more": more})
        }
    }
}

fn user_row(user: &User, new: bool, token: Option<IssuedToken>) -> Value {
    let mut row = json!({"uid": user.uid.0, "address": user.address});
    if new {
        row["new"] = true.into();
    }
    if let Some(token) = token {
        row["token"] = token.token.into();
        row["appid"] = token.app.into();
        row["expiry"] = seconds(token.expires).into();
    }
    row
}

fn member_row(row: &MemberRow) -> Value {
    let may = |bit| u8::from(row.effective & bit != 0);
    json!({
        "uid": row.user.uid.0,
        "address": row.user.address,
        "name": row.user.name,
        "cansend": may(right::SEND),
        "canrecv": may(right::RECV),
        "canpub": may(right::PUB),
        "cansub": may(right::SUB),
        "canlist": may(right::LIST),
        "flags": row.effective,
        "adminflags": row.member.admin_flags,
        "owner": u8::from(row.owner),
        "pin": "",
        "expiry": seconds(row.member.expires),
        "busy": 0,
        "online": u8::from(row.online),
    })
}

/// Epoch seconds, 0 = never.
fn seconds(at: Option<Timestamp>) -> u64 {
    at.map_or(0, |at| at.0 / 1000)
}
