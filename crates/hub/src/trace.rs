//! What records say of somebody: which entries name a user, and what is left of them without.
//!
//! The stores decide by it, so that all of them take out the same.

use alloc::string::String;
use bytes::Bytes;
use wire::codec::{Decode as _, Encode as _};
use wire::id::{AppId, Uid};
use wire::proto::{Entry, Message, Target, entry, group_change, target};
use wire::time::Timestamp;

use crate::port::personal::StoredFile;
use crate::port::store::User;

/// Somebody, as records name a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Of which app.
    pub aid: AppId,
    /// Its number.
    pub uid: Uid,
    /// Its address.
    pub address: String,
}

/// What becomes of an entry when somebody is erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// It says nothing of that user.
    None,
    /// It says this when it does not name the user.
    Besides(Bytes),
    /// It is about nothing else.
    All,
}

impl From<&User> for Person {
    fn from(user: &User) -> Person {
        Person { aid: user.aid, uid: user.uid, address: user.address.clone() }
    }
}

impl Person {
    /// Looks for the user in an encoded `proto::Entry` of the same app.
    pub fn trace(&self, entry: &[u8]) -> Trace {
        let Some(body) = Entry::decode(entry).ok().and_then(|entry| entry.body) else {
            return Trace::None;
        };
        let mut change = match body {
            entry::Body::Message(message) => return self.all_if(self.is_in(&message)),
            entry::Body::Status(status) => return self.all_if(status.uid == self.uid.0),
            entry::Body::Changed(changed) => return self.all_if(changed.from_uid == self.uid.0),
            entry::Body::Removed(removed) => return self.all_if(self.is_target(&removed.of)),
            entry::Body::Call(call) => return self.all_if(call.peer == self.address),
            entry::Body::Read(_) => return Trace::None,
            entry::Body::Group(change) => change,
        };
        let before = change.clone();
        change.members.retain(|member| member.uid != self.uid.0);
        let group = change.group.iter_mut().map(|group| &mut group.owner);
        for name in group.chain([&mut change.by]).filter(|name| **name == self.address) {
            name.clear();
        }
        use group_change::Kind::{MembersJoined, MembersLeft};
        let of_members = [MembersJoined as i32, MembersLeft as i32].contains(&change.kind);
        if change == before {
            Trace::None
        } else if of_members && change.members.is_empty() {
            Trace::All
        } else {
            let entry = Entry { body: Some(entry::Body::Group(change)) };
            Trace::Besides(entry.encode_to_vec().into())
        }
    }

    /// Whether a message is from or to the user.
    pub fn is_in(&self, message: &Message) -> bool {
        message.from_uid == self.uid.0 || self.is_target(&message.to)
    }

    fn is_target(&self, to: &Option<Target>) -> bool {
        let to = to.as_ref().and_then(|to| to.to.as_ref());
        matches!(to, Some(target::To::Address(address)) if *address == self.address)
    }

    fn all_if(&self, concerned: bool) -> Trace {
        if concerned { Trace::All } else { Trace::None }
    }
}

/// The file that a message of the user's own brought along, as far as its URL names it. One that was
/// passed on belongs to somebody else.
pub fn file_of(entry: &[u8], ts: Timestamp) -> Option<StoredFile> {
    let Some(entry::Body::Message(message)) = Entry::decode(entry).ok()?.body else { return None };
    let content = message.content.filter(|content| !content.forwarded)?;
    let file = content.file.filter(|file| !file.url.is_empty())?;
    let name = name_in(&file.url)?;
    Some(StoredFile { name, size: file.size, ts })
}

/// What stands behind the last slash of a URL.
pub fn name_in(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    path.rsplit_once('/').map(|(_, name)| name.into()).filter(|name: &String| !name.is_empty())
}
