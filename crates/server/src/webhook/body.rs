//! Events in the words of `backend-api.md` 2.9: envelope 1 or 2, and the objects in it.

use data_encoding::BASE64;
use hub::port::hook::{Event, Fate, Hook, Who};
use serde_json::{Value, json};
use wire::proto::{Message, target};

/// The body of one request; the events share place, secret and version.
pub fn envelope(id: u64, batch: &[Hook]) -> Value {
    let first = &batch[0];
    let mut body = json!({
        "server": "mesibo",
        "id": id,
        "v": first.version,
        "aid": first.aid.0,
        "ts": first.ts.0,
        "events": batch.iter().map(|hook| event(&hook.event)).collect::<Vec<_>>(),
    });
    if first.version == 1 {
        body["secret"] = first.secret.as_str().into();
    }
    body
}

fn event(event: &Event) -> Value {
    match event {
        Event::User { who, online } => {
            let status = if *online { "online" } else { "offline" };
            json!({"type": "user", "user": user(who), "status": status})
        }
        Event::Login { who, remote } => {
            json!({"type": "login", "user": user(who), "device": {"ip": remote.to_string()}})
        }
        Event::Message { message: of, to, fate } => {
            let (status, online) = match fate {
                Fate::Online => ("online", 1),
                Fate::Offline => ("offline", 0),
                Fate::Pruned => ("pruned", 0),
            };
            let message = message(of, to);
            json!({"type": "message", "message": message, "status": status, "online": online})
        }
        Event::Status { mid, gid, from, user: who, read } => json!({
            "type": "status",
            "status": if *read { "read" } else { "delivered" },
            "message": {"mid": mid.get(), "gid": gid.0},
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

fn message(message: &Message, to: &Who) -> Value {
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
    match std::str::from_utf8(&content.body) {
        Ok(text) => body["message"] = text.into(),
        Err(_) => body["data"] = BASE64.encode(&content.body).into(),
    }
    body
}
