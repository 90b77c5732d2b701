//! Answers as backends expect them (`backend-api.md` 1.4, 1.5): the one conversion to HTTP.

use std::net::IpAddr;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use hub::port::admin::{AdminError, ErrorCode, GroupRow, INFO, IssuedToken, MemberRow, Reply};
use hub::port::apps::{UsageRow, UserRow};
use hub::port::call::CallSettings;
use hub::port::store::{App, Pin, User};
use serde_json::{Map, Value, json};
use wire::mask::member as right;
use wire::proto::{Message, target};
use wire::time::Timestamp;

use super::apps::policy_name;
use super::audit::RequestId;
use super::classes;
use super::groups::CALL_NAMES;
use super::push;
use super::table::path;

/// Builds the JSON of an answer.
pub struct Envelope {
    fields: Map<String, Value>,
    /// A refusal has its code as HTTP status.
    http_status: bool,
    request: String,
}

impl Envelope {
    /// Starts with what every answer has: the operation, and the request's own id.
    pub fn new(op: &str, id: Option<&Value>, http_status: bool, request: &RequestId) -> Envelope {
        let mut fields = Map::new();
        fields.insert("op".into(), op.into());
        if let Some(id) = id {
            fields.insert("id".into(), id.clone());
        }
        Envelope { fields, http_status, request: request.0.clone() }
    }

    /// The operation was done.
    pub fn success(self, reply: Reply) -> Response {
        let body = body(self.fields["op"].as_str().unwrap_or_default(), reply);
        self.done(body)
    }

    /// The operation was done, and this is to be told.
    pub fn done(mut self, body: Value) -> Response {
        self.fields.insert("result".into(), true.into());
        let Value::Object(more) = body else { unreachable!("a body is an object") };
        self.fields.extend(more);
        self.respond(StatusCode::OK)
    }

    /// The operation was not done. `json` says in which form parameters are named.
    pub fn failure(mut self, error: &AdminError, json: bool) -> Response {
        let (name, code) = name_and_code(error.code);
        self.fields.insert("result".into(), false.into());
        self.fields.insert("error".into(), name.into());
        self.fields.insert("code".into(), code.into());
        let cause = match error.code {
            // The log has it under this number.
            ErrorCode::Server => format!("{} (request {})", error.cause, self.request),
            _ => error.cause.clone(),
        };
        self.fields.insert("cause".into(), cause.into());
        if !error.params.is_empty() {
            let paths: Vec<_> = error.params.iter().map(|param| path(*param, json)).collect();
            self.fields.insert("properties".into(), paths.into());
        }
        let status = StatusCode::from_u16(code).ok().filter(|_| self.http_status);
        self.respond(status.unwrap_or(StatusCode::OK))
    }

    fn respond(self, status: StatusCode) -> Response {
        let body = Value::Object(self.fields).to_string();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, json);
        if let Ok(request) = HeaderValue::try_from(self.request) {
            headers.insert("x-request-id", request);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// As `backend-api.md` 1.5 has them.
pub fn name_and_code(code: ErrorCode) -> (&'static str, u16) {
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
        ErrorCode::NotFound => ("NOTFOUND", 404),
        ErrorCode::BadOtp => ("BADOTP", 401),
        ErrorCode::TokenBreach => ("TOKENBREACH", 403),
        ErrorCode::Exists => ("EXISTS", 409),
        ErrorCode::Quota => ("QUOTA", 403),
        ErrorCode::NotAllowed => ("NOTALLOWED", 403),
        ErrorCode::RateLimit => ("RATELIMIT", 429),
        ErrorCode::TooLarge => ("TOOLARGE", 413),
        ErrorCode::Unsupported => ("UNSUPPORTED", 501),
        ErrorCode::Server => ("SERVER", 500),
    }
}

fn body(op: &str, reply: Reply) -> Value {
    match reply {
        Reply::App { aid, name, token } => {
            json!({"token": token, "app": {"aid": aid.0, "name": name, "token": token}})
        }
        Reply::AppRow(app) => json!({"app": app_row(&app)}),
        Reply::PushSettings(app) => json!({"push": push::row(&app)}),
        Reply::Usage { rows, live, totals: (users, groups) } => {
            let mut rows: Vec<_> = rows.iter().map(usage_row).collect();
            for (index, row) in rows.iter_mut().enumerate() {
                row["live"] = if index == 0 { live } else { 0 }.into();
            }
            json!({"appstats": rows, "totals": {"users": users, "groups": groups}})
        }
        Reply::Classes(found) => {
            let rows: Vec<_> = found.iter().map(classes::row).collect();
            match &rows[..] {
                [one] => json!({"uac": one, "uacs": rows}),
                _ => json!({"uacs": rows}),
            }
        }
        Reply::Apps(apps) => json!({"apps": apps.iter().map(app_row).collect::<Vec<_>>()}),
        // These are told elsewhere.
        Reply::Done
        | Reply::Contacts(_)
        | Reply::Media(_)
        | Reply::PushTest(_)
        | Reply::Hooks(..)
        | Reply::Personal { .. }
        | Reply::Erasing { .. } => {
            json!({})
        }
        Reply::Users(rows, more) => {
            json!({"users": rows.iter().map(listed_user).collect::<Vec<_>>(), "more": more})
        }
        Reply::Otp(code) => json!({"otp": code}),
        Reply::Groups(rows, more) => {
            json!({"groups": rows.iter().map(listed_group).collect::<Vec<_>>(), "more": more})
        }
        Reply::Recording { gid, begun } => json!({"group": {
            "gid": gid.0, "recording": u8::from(begun.is_some()), "begun": seconds(begun),
        }}),
        Reply::Pins(pins) => json!({"pins": pins.iter().map(pin_row).collect::<Vec<_>>()}),
        Reply::Sent { mids, failed } => {
            let mut body = json!({"mid": mids.iter().find(|mid| **mid != 0)});
            if mids.len() > 1 || !failed.is_empty() {
                body["mids"] = mids.into();
                body["failed"] = failed.into();
            }
            body
        }
        Reply::Messages { rows, next } => {
            let messages = rows.iter().map(|row| {
                let mut shown = message_row(&row.message);
                shown["status"] = row.status.into();
                shown
            });
            let messages: Vec<_> = messages.collect();
            json!({"messages": messages, "next": next})
        }
        Reply::Deleted(None) => json!({}),
        Reply::Deleted(Some(count)) => json!({"deleted": count}),
        Reply::User { user, new, token } => {
            let mut row = user_row(&user, token);
            if op == "useradd" {
                row["new"] = new.into();
            }
            json!({"user": row})
        }
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

fn usage_row(row: &UsageRow) -> Value {
    let UsageRow { period, users, used } = row;
    let date = match period {
        0..1_000_000 => format!("{}-{:02}", period / 100, period % 100),
        _ => format!("{}-{:02}-{:02}", period / 10_000, period / 100 % 100, period % 100),
    };
    json!({
        "date": date,
        "u_mau": users,
        "u_connpeak": used.peak,
        "u_msg": used.messages,
        "u_bw": used.bytes,
        "d_storage": used.stored,
        "d_reads": used.reads,
        "d_writes": used.writes,
    })
}

fn user_row(user: &User, token: Option<IssuedToken>) -> Value {
    let mut row = json!({"uid": user.uid.0, "address": user.address});
    if let Some(token) = token {
        row["token"] = token.token.into();
        row["appid"] = token.app.into();
        row["expiry"] = seconds(token.expires).into();
    }
    row
}

fn listed_user((row, devices): &(UserRow, u32)) -> Value {
    let UserRow { user, app, remote } = row;
    let ipv4 = match remote.map(|remote| remote.to_canonical()) {
        Some(IpAddr::V4(address)) => u32::from(address),
        _ => 0,
    };
    json!({
        "uid": user.uid.0,
        "address": user.address,
        "name": user.name,
        "active": u8::from(user.active),
        "pinned": u8::from(user.pinned),
        "flag": user.flags,
        "groups": user.groups_max,
        "online": u8::from(*devices > 0),
        "lastonline": user.last_online.0 / 1000,
        "ipaddr": ipv4,
        "ip": remote.map(|remote| remote.to_string()).unwrap_or_default(),
        "appid": app,
        // Only hashes are kept.
        "token": "",
        "uac": user.uac,
        "e2ee": user.e2ee,
        "devices": devices,
        "profile": {
            "name": user.name, "status": user.status, "image": user.image, "info": info_in(&user.values),
        },
    })
}

fn call_settings(call: CallSettings) -> Value {
    json!({
        "flags": call.flags,
        "resolution": call.resolution,
        "duration": call.duration_s,
        "fps": call.fps,
        "videobitrate": call.video_kbps,
        "audiobitrate": call.audio_kbps,
    })
}

/// What everybody sees of the named values of a profile (`proto::Profile`) under [`INFO`].
fn info_in(values: &str) -> String {
    let shown = values.lines().find(|line| line.starts_with('{')).unwrap_or_default();
    let shown: Map<String, Value> = serde_json::from_str(shown).unwrap_or_default();
    shown.get(INFO).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn listed_group(row: &GroupRow) -> Value {
    let group = &row.group;
    let mut call = call_settings(group.call);
    for (name, bit) in CALL_NAMES {
        call[name] = (group.call.flags & bit != 0).into();
    }
    call["maxpublishers"] = group.publishers_max.into();
    json!({
        "gid": group.gid.0,
        "name": group.name,
        "flag": group.flags,
        "active": u8::from(group.active),
        "pinned": u8::from(group.pinned),
        "expiry": seconds(group.expires),
        "expinsec": row.expires_in_s,
        "expiryext": group.expiry_extension_s,
        "members": row.members,
        "owner": row.owner,
        "call": call,
        "pins": group.pins.len(),
        "incall": row.in_call,
        "start": seconds(group.starts),
        "duration": group.duration_s,
        "lobby": u8::from(group.lobby),
        "profile": {"name": group.name, "status": group.status, "image": group.image},
    })
}

fn pin_row(pin: &Pin) -> Value {
    json!({
        "pin": pin.pin.to_string(),
        "flags": pin.flags,
        "adminflags": pin.admin_flags,
        "expiry": seconds(pin.expires),
        "uses": pin.uses,
        "used": pin.used,
    })
}

/// Names as in the columns that the platform documents (`backend-api.md` 8.6).
pub fn message_row(message: &Message) -> Value {
    let content = message.content.clone().unwrap_or_default();
    let (mut to, mut gid) = (String::new(), 0);
    match message.to.as_ref().and_then(|to| to.to.as_ref()) {
        Some(target::To::Address(address)) => to = address.clone(),
        Some(target::To::Group(group)) => gid = *group,
        None => {}
    }
    let url = content.file.map(|file| file.url).unwrap_or_default();
    let mut row = json!({
        "mid": message.id,
        "refid": content.in_reply_to,
        "uid": message.from_uid,
        "from": message.from,
        "to": to,
        "gid": gid,
        "type": message.r#type,
        "flags": message.flags,
        "ts": message.ts / 1000,
        "rich": u8::from(!content.title.is_empty() || !url.is_empty()),
        "title": content.title,
        "subtitle": content.subtitle,
        "image": url,
        "latitude": content.latitude,
        "longitude": content.longitude,
    });
    match std::str::from_utf8(&content.body) {
        Ok(text) => row["message"] = text.into(),
        Err(_) => row["data"] = BASE64.encode(&content.body).into(),
    }
    row
}

/// Without secrets.
fn app_row(app: &App) -> Value {
    let settings = &app.settings;
    let version = settings.webhook_version;
    json!({
        "aid": app.aid.0,
        "name": app.name,
        "active": u8::from(app.active),
        "q_users": settings.users_max,
        "q_groups": settings.groups_max,
        "q_msgs": settings.messages_max,
        "url": settings.url,
        "notify": settings.notify,
        "ninterval": settings.interval_s,
        "webhookversion": version.unwrap_or(if settings.secret.is_empty() { 2 } else { 1 }),
        "fcm_id": settings.fcm_id,
        "pushflags": settings.push_flags,
        "flag": settings.flags,
        "retention": settings.retention_days,
        "uploadurl": settings.upload_url,
        "downloadurl": settings.download_url,
        "upload_maxmb": settings.upload_max_mb,
        "token_policy": policy_name(settings.tokens_kept),
        "e2ee": u8::from(!settings.no_e2ee),
        "intercept": settings.intercept_url,
        "interceptfail": if settings.intercept_closed { "closed" } else { "open" },
        "words": settings.words,
    })
}

fn member_row(row: &MemberRow) -> Value {
    let member = &row.member;
    let may = |bit| u8::from(row.effective & bit != 0);
    let also = [
        (member.expires.is_some(), right::EXPIRY),
        (member.admin_flags != 0, right::ADMIN),
        (true, member.given & (right::DELETE_WITH_PIN | right::NO_SELF_DELETE)),
    ];
    let flags =
        also.into_iter().filter(|(has, _)| *has).fold(row.effective, |all, (_, it)| all | it);
    json!({
        "uid": row.user.uid.0,
        "address": row.user.address,
        "name": row.user.name,
        "cansend": may(right::SEND),
        "canrecv": may(right::RECV),
        "canpub": may(right::PUB),
        "cansub": may(right::SUB),
        "canlist": may(right::LIST),
        "flags": flags,
        "adminflags": row.member.admin_flags,
        "owner": u8::from(row.owner),
        "pin": if member.pin == 0 { String::new() } else { member.pin.to_string() },
        "expiry": seconds(row.member.expires),
        "busy": u8::from(row.member.busy),
        "call": call_settings(row.member.call),
        "online": u8::from(row.online),
    })
}

/// Epoch seconds, 0 = never.
pub fn seconds(at: Option<Timestamp>) -> u64 {
    at.map_or(0, |at| at.0 / 1000)
}
