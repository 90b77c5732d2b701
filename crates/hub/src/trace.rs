//! What records say of somebody: which entries name a user, and what is left of them without.
//!
//! The stores decide by it, so that all of them take out the same.

use alloc::string::String;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
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

/// What records name a file of ours by, among the 32 hexadecimal digits in them: its own digits, and those
/// of a medium of a group that is made of it.
pub fn file_keys(name: &str) -> Option<[String; 2]> {
    let digits = name.split(['-', '.']).nth(1).filter(|digits| is_key(digits.as_bytes()))?;
    Some([digits.into(), medium_of(name)])
}

/// The number of the medium that is made of a file. It tells nothing of the file's name.
pub fn medium_of(name: &str) -> String {
    let hash = Sha256::new_with_prefix("medium").chain_update(name).finalize();
    HEXLOWER.encode(&hash[..KEY_DIGITS / 2])
}

const KEY_DIGITS: usize = 32;

fn is_key(digits: &[u8]) -> bool {
    let hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    digits.len() == KEY_DIGITS && digits.iter().all(hex)
}

/// All in a record that may be such a key, wherever it stands.
pub fn file_keys_in(record: &[u8]) -> impl Iterator<Item = &str> {
    // What follows may be the next field, which may begin with any byte.
    let runs = record.split(|byte| !byte.is_ascii_alphanumeric());
    let keys = runs.filter_map(|run| run.get(..KEY_DIGITS)).filter(|run| is_key(run));
    keys.filter_map(|key| core::str::from_utf8(key).ok())
}

/// What stands behind the last slash of a URL.
pub fn name_in(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    path.rsplit_once('/').map(|(_, name)| name.into()).filter(|name: &String| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;

    #[test]
    fn a_file_is_found_wherever_a_record_names_it() {
        let name = "1795312345-00112233445566778899aabbccddeeff.png";
        let [digits, medium] = file_keys(name).unwrap();
        assert!(digits == "00112233445566778899aabbccddeeff" && digits != medium);
        for record in [
            format!("https://x.test/files/{name}?e=1&s=2"),
            format!("look at {name}!"),
            format!("{{\"photo\":\"{name}\"}}"),
        ] {
            assert_eq!(file_keys_in(record.as_bytes()).collect::<Vec<_>>(), [&digits]);
        }
        let elsewhere = format!("/media/1000/{medium}j x{digits}");
        assert_eq!(file_keys_in(elsewhere.as_bytes()).collect::<Vec<_>>(), [&medium]);
        assert_eq!(file_keys("1-a.png"), None);
    }
}
