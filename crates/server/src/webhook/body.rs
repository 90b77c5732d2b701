//! Events in the words of `backend-api.md` 2.9: envelope 1 or 2, and the objects in it.

use data_encoding::BASE64;
use hub::port::hook::{Event, Fate, GroupEvent, Who};
use hub::port::push::Target;
use serde_json::{Value, json};
use wire::mask::notify;
use wire::proto::{Message, target};

use crate::store::Batch;

/// What is posted for these events and how it is called, `None` when their envelope has no words
/// for them.
pub fn request(batch: &Batch) -> Option<(&'static str, String)> {
    let Batch { place, events, .. } = batch;
    if place.version == 0 {
        return Some(("application/x-www-form-urlencoded", oldest(batch)?));
    }
    let events = events.iter().map(|event| serde_json::from_str(event).unwrap_or_default());
    let mut body = json!({
        "server": "mesibo",
        "id": batch.request,
        "v": place.version,
        "aid": place.aid.0,
        "ts": batch.ts.0,
        "events": events.collect::<Vec<Value>>(),
    });
    if place.version == 1 {
        body["secret"] = place.secret.as_str().into();
    }
    Some(("application/json", body.to_string()))
}

/// The form from before there were envelopes: who came, who went, who wrote to whom.
fn oldest(batch: &Batch) -> Option<String> {
    let event: Value = serde_json::from_str(batch.events.first()?).ok()?;
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let (uid, from, to, bit) = match (event["type"].as_str()?, event["status"].as_str()?) {
        ("user", "online") => (&event["user"]["uid"], &Value::Null, &Value::Null, notify::ONLINE),
        ("user", "offline") => (&event["user"]["uid"], &Value::Null, &Value::Null, notify::OFFLINE),
        ("message", _) => {
            let (from, to) = (&event["message"]["from"], &event["message"]["to"]);
            (&to["uid"], &from["address"], &to["address"], notify::MESSAGE_ONLINE)
        }
        _ => return None,
    };
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("secret", &batch.place.secret)
        .append_pair("uid", &text(uid))
        .append_pair("aid", &batch.place.aid.0.to_string())
        .append_pair("from", &text(from))
        .append_pair("to", &text(to))
        .append_pair("e", &bit.to_string());
    Some(form.finish())
}

/// An event as envelopes 1 and 2 have it.
pub fn event(event: &Event, include_body: bool) -> Value {
    match event {
        Event::User { who, online } => {
            let status = if *online { "online" } else { "offline" };
            json!({"type": "user", "user": user(who), "status": status})
        }
        Event::Login { who, remote, app } => {
            // Browsers are the only ones there are.
            let device = json!({"platform": "javascript", "appid": app, "ip": remote.to_string()});
            json!({"type": "login", "user": user(who), "device": device})
        }
        Event::Message { message: of, to, fate } => {
            let (status, online) = match fate {
                Fate::Online => ("online", 1),
                Fate::Offline(_) => ("offline", 0),
                Fate::Pruned => ("pruned", 0),
                Fate::Invalid => ("invalid", 0),
            };
            let message = message(of, to, include_body);
            let mut body =
                json!({"type": "message", "message": message, "status": status, "online": online});
            if let Fate::Offline(Some(Target { token, voip, .. })) = fate {
                let kind = if token.starts_with('{') { "webpush" } else { "" };
                body["push"] = json!({"token": token, "type": kind, "voip": u8::from(*voip)});
            }
            body
        }
        Event::Call { from, to, video, status, duration_s } => json!({"type": "call", "call": {
            "from": user(from),
            "to": user(to),
            "gid": 0,
            "video": video,
            "status": status,
            "duration": duration_s,
        }}),
        Event::Group { gid, name, user: who, what } => {
            let status = match what {
                GroupEvent::Created => "created",
                GroupEvent::Changed => "changed",
                GroupEvent::Joined => "joined",
                GroupEvent::Left => "left",
                GroupEvent::Deleted => "deleted",
            };
            let group = json!({"gid": gid.0, "name": name});
            let mut body = json!({"type": "group", "group": group, "status": status});
            if let Some(who) = who {
                body["user"] = user(who);
            }
            body
        }
        Event::Server { started } => {
            json!({"type": "server", "status": if *started { "started" } else { "stopping" }})
        }
        Event::Status { mid, gid, kind, from, user: who, read } => json!({
            "type": "status",
            "status": if *read { "read" } else { "delivered" },
            "message": {"mid": mid.get(), "gid": gid.0, "type": kind},
            "from": user(from),
            "user": user(who),
        }),
    }
}

fn user(who: &Who) -> Value {
    let mut user = json!({});
    if who.uid.0 != 0 {
        user["uid"] = who.uid.0.into();
    }
    if !who.address.is_empty() {
        user["address"] = who.address.as_str().into();
    }
    user
}

pub fn message(message: &Message, to: &Who, include_body: bool) -> Value {
    let content = message.content.clone().unwrap_or_default();
    let gid = match message.to.as_ref().and_then(|to| to.to.as_ref()) {
        Some(target::To::Group(gid)) => *gid,
        _ => 0,
    };
    let mut body = json!({
        "mid": message.id,
        "refid": content.in_reply_to,
        "from": {"uid": message.from_uid, "address": message.from},
        "to": user(to),
        "gid": gid,
        "type": message.r#type,
        "flags": message.flags,
        "expiry": message.expiry,
        "ts": message.ts,
        "title": content.title,
        "url": content.file.map(|file| file.url).unwrap_or_default(),
    });
    if !include_body {
        return body;
    }
    match std::str::from_utf8(&content.body) {
        Ok(text) => body["message"] = text.into(),
        Err(_) => body["data"] = BASE64.encode(&content.body).into(),
    }
    body
}
