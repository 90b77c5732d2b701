//! What push services are asked to carry: numbers, and who wrote what only when the app wants that.

use hub::port::push::Push;
use serde_json::{Map, Value, json};

/// The same for all: what the service worker, or the app on the phone, reads.
pub fn fields(push: &Push) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.into(), value);
    put("aid", push.aid.0.into());
    put("uid", push.from.0.into());
    put("gid", push.gid.0.into());
    put("type", push.kind.into());
    put("ts", push.ts.0.into());
    if let Some(video) = push.call {
        put("call", if video { "video" } else { "voice" }.into());
    }
    if let Some(alert) = &push.alert {
        put("title", alert.title.as_str().into());
        put("alert", alert.text.as_str().into());
    }
    fields
}

/// Later ones of the same conversation take the place of earlier ones.
pub fn topic(push: &Push) -> String {
    format!("{}-{}-{}", push.aid.0, push.from.0, push.gid.0)
}

/// For Firebase (HTTP v1): data, and what the phone shows by itself when there is something to show.
pub fn for_fcm(push: &Push, token: &str) -> Value {
    let texts = fields(push).into_iter().map(|(name, value)| match value {
        Value::String(text) => (name, text),
        other => (name, other.to_string()),
    });
    let data: std::collections::BTreeMap<_, _> = texts.collect();
    let mut android = json!({
        "priority": if push.call.is_some() { "HIGH" } else { "NORMAL" },
        "ttl": format!("{}s", push.ttl_s),
        "collapse_key": topic(push),
    });
    let mut message = json!({"token": token, "data": data});
    if let Some(alert) = &push.alert {
        message["notification"] = json!({"title": alert.title, "body": alert.text});
        if !push.sound.is_empty() {
            android["notification"] = json!({"sound": push.sound});
        }
    }
    message["android"] = android;
    json!({ "message": message })
}

/// For Apple: how it is sent (`apns-push-type`), its priority, and the body.
pub fn for_apn(push: &Push, voip: bool) -> (&'static str, u16, Value) {
    let mut body = fields(push);
    let mut aps = Map::new();
    let (kind, priority) = match &push.alert {
        _ if voip => ("voip", 10),
        // Apple takes a silent one with this priority only.
        None => {
            aps.insert("content-available".into(), 1.into());
            ("background", 5)
        }
        Some(alert) => {
            aps.insert("alert".into(), json!({"title": alert.title, "body": alert.text}));
            if !push.sound.is_empty() {
                aps.insert("sound".into(), push.sound.as_str().into());
            }
            ("alert", 10)
        }
    };
    body.insert("aps".into(), aps.into());
    (kind, priority, body.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub::port::push::Alert;
    use wire::id::{AppId, Uid};

    fn push() -> Push {
        Push { aid: AppId(1), from: Uid(7), ttl_s: 60, ..Push::default() }
    }

    fn loud() -> Push {
        let alert = Alert { title: "Ada".into(), text: "lunch?".into() };
        Push { alert: Some(alert), sound: "bell".into(), ..push() }
    }

    #[test]
    fn a_silent_one_says_numbers_and_shows_nothing() {
        let message = &for_fcm(&push(), "a token")["message"];
        assert_eq!(message["data"]["uid"], "7", "Firebase takes texts only");
        assert!(message.get("notification").is_none());
        assert_eq!(message["android"]["ttl"], "60s");
        let (kind, priority, body) = for_apn(&push(), false);
        assert_eq!((kind, priority), ("background", 5));
        assert_eq!((&body["aps"], &body["uid"]), (&json!({"content-available": 1}), &json!(7)));
    }

    #[test]
    fn one_that_is_shown_says_who_wrote_what_with_its_sound() {
        let message = &for_fcm(&loud(), "a token")["message"];
        assert_eq!(message["notification"], json!({"title": "Ada", "body": "lunch?"}));
        assert_eq!(message["android"]["notification"]["sound"], "bell");
        let (kind, _, body) = for_apn(&loud(), false);
        let shown = json!({"alert": {"title": "Ada", "body": "lunch?"}, "sound": "bell"});
        assert_eq!((kind, &body["aps"]), ("alert", &shown));
    }

    #[test]
    fn a_call_goes_first_and_to_a_place_for_calls_as_one() {
        let call = Push { call: Some(true), ..push() };
        assert_eq!(for_fcm(&call, "a token")["message"]["android"]["priority"], "HIGH");
        let (kind, priority, body) = for_apn(&call, true);
        assert_eq!((kind, priority, &body["call"]), ("voip", 10, &json!("video")));
    }
}
