//! Everything that is kept of one user, as its backend is told it; and the part of erasing a user that
//! is not in the database: files and events.

use hub::Person;
use hub::port::admin::{AdminError, Credential, Operation, Reply, UserRef};
use hub::port::personal::Known;
use hub::port::store::User;
use serde_json::{Value, json};
use wire::codec::Decode as _;
use wire::proto::{Entry, Message, entry};

use super::envelope::{message_row, seconds};
use super::{ask, refused};
use crate::Shared;
use crate::front::Origin;

/// What is no message, with the first part; messages; where to go on.
type Part = (Option<Box<Known>>, Vec<Message>, Option<u64>);

/// A part of everything; `None` when the events cannot be read.
pub async fn export(
    shared: &Shared,
    origin: &Origin,
    user: &User,
    (known, messages, next): Part,
) -> Option<Value> {
    let mut body = json!({
        "messages": messages.iter().map(message_row).collect::<Vec<_>>(),
        "next": next,
    });
    let Some(known) = known else { return Some(body) };
    let (_, download) = shared.files.places(origin);
    body["user"] = json!({
        "uid": user.uid.0,
        "address": user.address,
        "name": user.name,
        "status": user.status,
        "image": user.image,
        "values": user.values,
        "active": user.active,
        "flag": user.flags,
        "pinned": user.pinned,
        "groups": user.groups_max,
        "uac": user.uac,
        "e2ee": user.e2ee,
        "lastonline": user.last_online.0 / 1000,
        "ip": known.remote.map(|remote| remote.to_string()),
    });
    body["tokens"] = list(&known.tokens, |token| {
        json!({
            "id": token.id.0,
            "appid": token.app,
            "v2": token.any_app,
            "expiry": seconds(token.expires),
        })
    });
    body["devices"] = list(&known.devices, |device| {
        json!({
            "token": device.token.0,
            "seen": device.seen.0 / 1000,
            "push": device.push,
        })
    });
    body["groups"] = list(&known.groups, |(group, member)| {
        json!({
            "gid": group.gid.0,
            "name": group.name,
            "owner": group.owner == Some(user.uid),
            "given": member.given,
            "denied": member.denied,
            "adminflags": member.admin_flags,
            "expiry": seconds(member.expires),
        })
    });
    body["contacts"] = list(
        &known.contacts,
        |contact| json!({"uid": contact.uid.0, "address": contact.address, "flags": contact.flags}),
    );
    body["files"] = list(&known.files, |file| {
        json!({
            "name": file.name,
            "url": format!("{download}/{}", file.name),
            "size": file.size,
            "ts": file.ts.0 / 1000,
        })
    });
    body["scheduled"] = list(&known.scheduled, |due| {
        let message = Message::decode(&due.message[..]).unwrap_or_default();
        json!({"due": due.due.0 / 1000, "message": message_row(&message)})
    });
    let waiting = known.waiting.iter().filter_map(|row| Entry::decode(&row.entry[..]).ok()?.body);
    let waiting = waiting.collect::<Vec<_>>();
    body["waiting"] = waiting.iter().map(waiting_row).collect::<Vec<_>>().into();
    body["events"] = shared.webhooks.about(Person::from(user)).await?.into();
    Some(body)
}

fn list<T>(rows: &[T], row: impl Fn(&T) -> Value) -> Value {
    rows.iter().map(row).collect::<Vec<_>>().into()
}

/// What waits in the user's log beside messages.
fn waiting_row(body: &entry::Body) -> Value {
    match body {
        entry::Body::Status(status) => json!({
            "type": "status",
            "mid": status.id,
            "by": status.address,
            "status": status.status,
            "ts": status.ts / 1000,
        }),
        entry::Body::Call(call) => json!({
            "type": "call",
            "peer": call.peer,
            "video": call.video,
            "status": call.status,
            "ts": call.started / 1000,
        }),
        entry::Body::Group(change) => json!({
            "type": "group",
            "gid": change.group.as_ref().map(|group| group.gid),
            "by": change.by,
            "members": change.members.iter().map(|it| it.address.as_str()).collect::<Vec<_>>(),
        }),
        entry::Body::Changed(changed) => json!({
            "type": "changed",
            "from": changed.from,
            "mid": changed.id,
            "ts": changed.ts / 1000,
        }),
        entry::Body::Read(read) => json!({
            "type": "read",
            "mids": read.messages.iter().map(|message| message.id).collect::<Vec<_>>(),
        }),
        entry::Body::Removed(removed) => json!({
            "type": "removed",
            "mids": removed.messages.iter().map(|message| message.id).collect::<Vec<_>>(),
        }),
        entry::Body::Message(message) => message_row(message),
    }
}

/// The user is shut out: its files and the events that name it go, then the rest.
pub async fn erase(
    shared: &Shared,
    credential: Credential,
    user: User,
    files: &[String],
) -> Result<Reply, AdminError> {
    if let Err(error) = shared.files.erase(user.uid, files).await {
        tracing::error!(%error, "files of a user cannot be deleted");
        return Err(refused("files of the user cannot be deleted; ask again"));
    }
    shared.library.erase(user.uid).await;
    let erased = shared.webhooks.erase(Person::from(&user)).await;
    erased.ok_or_else(|| refused("the disk does not keep up; ask again"))?;
    let uid = user.uid;
    let user = UserRef { uid: Some(uid), address: None };
    let erased = ask(shared, credential, Operation::UserErase { user, rest: true }).await;
    // What was recorded until the user was shut out may have been sealed only now.
    shared.library.erase(uid).await;
    erased
}
