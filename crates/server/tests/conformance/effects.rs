//! What a connected client sees of a case. It is connected before the request; what must not come
//! is proven by the answer to a later question of its own, or by a later message.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use wire::code::Code;
use wire::proto::group_change::Kind;
use wire::proto::{
    GroupQuery, LogEntry, Message, Publish, RoomEnter, client_frame, entry, server_frame, target,
};

use crate::runner::Runner;
use crate::support::Session;

static MARKERS: AtomicU32 = AtomicU32::new(0);

/// A client that is connected while the request is made.
pub struct Watcher {
    session: Option<Session>,
}

impl Watcher {
    pub async fn before(runner: &Runner, effect: &Value) -> Result<Watcher, String> {
        if effect.get("later_signin").is_some() {
            return Ok(Watcher { session: None });
        }
        let user = effect["user"].as_str().expect("whose effect");
        let token = match effect["session"].as_str() {
            Some(name) => runner.text(name),
            None => {
                let uid = runner.saved.get(user).and_then(Value::as_u64);
                let uid = uid.ok_or(format!("no user {user}"))?;
                runner.tokens.get(&uid).ok_or(format!("no token of {user}"))?.clone()
            }
        };
        let (mut session, welcome) = runner.sign_in(&token).await;
        // What happened before is not an effect.
        let mut seen = welcome.resumed_at;
        while seen < welcome.head {
            let entries = session.entries(1).await;
            seen = entries.last().map_or(seen, |last| last.seq);
        }
        if effect["event"] == "publish_stopped" {
            let gid = runner.gid(effect).expect("a group");
            session.say(client_frame::Body::RoomEnter(RoomEnter { gid })).await;
            let publish = Publish { gid, sid: 1, audio: true, ..Publish::default() };
            session.say(client_frame::Body::Publish(publish)).await;
            let published = session.hear(|frame| match frame {
                server_frame::Body::RoomUpdate(update) => (!update.own.is_empty()).then_some(()),
                server_frame::Body::RoomRefused(refused) => panic!("{refused:?}"),
                _ => None,
            });
            published.await;
        }
        Ok(Watcher { session: Some(session) })
    }

    pub async fn after(&mut self, runner: &Runner, effect: &Value) -> Result<(), String> {
        if let Some(address) = effect["later_signin"].as_str() {
            let (mut session, _) = runner.sign_in(&runner.token_of(address)).await;
            let found = messages_until_marker(runner, &mut session, address, effect).await;
            let wanted = effect["event"] != "none";
            return match found == wanted {
                true => Ok(()),
                false => Err(format!("came at the later sign-in: {found}")),
            };
        }
        let gid = runner.gid(effect);
        let session = self.session.as_mut().expect("a session");
        match effect["event"].as_str().expect("an event") {
            "signout" => ends_with(session, Code::SignedOut).await,
            "closed" => ends_with(session, Code::Suspended).await,
            "none" => {
                session.say(client_frame::Body::GroupQuery(GroupQuery::default())).await;
                match session.next().await {
                    Ok(server_frame::Body::GroupReply(_)) => Ok(()),
                    other => Err(format!("came instead of nothing: {other:?}")),
                }
            }
            "publish_stopped" => {
                // Its publisher is told why.
                let gone = session.hear(|frame| match frame {
                    server_frame::Body::RoomRefused(refused) => refused.publish.then_some(()),
                    _ => None,
                });
                gone.await;
                Ok(())
            }
            "group_joined" => group_event(session, Kind::Joined, gid).await,
            "group_left" => group_event(session, Kind::Left, gid).await,
            "group_deleted" => group_event(session, Kind::Deleted, gid).await,
            "group_settings" => group_event(session, Kind::Settings, gid).await,
            "message" | "file" => loop {
                let entries = session.entries(1).await;
                if entries.iter().filter_map(message).any(|found| fits(found, effect, gid)) {
                    return Ok(());
                }
            },
            other => panic!("no such event: {other}"),
        }
    }
}

async fn ends_with(session: &mut Session, code: Code) -> Result<(), String> {
    let wanted = Some(4000 + code.number() as u16);
    let found = session.end().await;
    if found == wanted { Ok(()) } else { Err(format!("closed with {found:?}, not {wanted:?}")) }
}

async fn group_event(session: &mut Session, kind: Kind, gid: Option<u32>) -> Result<(), String> {
    loop {
        for LogEntry { entry, .. } in session.entries(1).await {
            if let Some(entry::Body::Group(change)) = entry.and_then(|entry| entry.body)
                && change.kind == kind as i32
                && change.group.map(|group| group.gid) == gid
            {
                return Ok(());
            }
        }
    }
}

fn message(entry: &LogEntry) -> Option<&Message> {
    match entry.entry.as_ref()?.body.as_ref()? {
        entry::Body::Message(message) => Some(message),
        _ => None,
    }
}

fn body(message: &Message) -> &str {
    let body = message.content.as_ref().map_or(&[][..], |content| &content.body);
    std::str::from_utf8(body).unwrap_or_default()
}

fn fits(message: &Message, effect: &Value, gid: Option<u32>) -> bool {
    let to = message.to.as_ref().and_then(|to| to.to.as_ref());
    let group = match to {
        Some(target::To::Group(gid)) => Some(*gid),
        _ => None,
    };
    let file = message.content.as_ref().and_then(|content| content.file.as_ref());
    let same = |wanted: &Value, found: &str| wanted.as_str().is_none_or(|wanted| wanted == found);
    same(&effect["text"], body(message))
        && same(&effect["from"], &message.from)
        && same(&effect["url"], file.map_or("", |file| &file.url))
        && gid == group
}

/// Whether the message came before a marker that is sent after it.
async fn messages_until_marker(
    runner: &Runner,
    session: &mut Session,
    address: &str,
    effect: &Value,
) -> bool {
    let marker = format!("marker {}", MARKERS.fetch_add(1, Ordering::Relaxed));
    runner.send(address, &marker);
    let mut found = false;
    loop {
        for message in session.entries(1).await.iter().filter_map(message) {
            if body(message) == marker {
                return found;
            }
            found |= fits(message, effect, None);
        }
    }
}
