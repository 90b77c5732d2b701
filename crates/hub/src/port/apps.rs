//! What is asked of the store about an app as a whole: its settings, its lists, what it has
//! scheduled. Part of the store's port; the same rules hold.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::IpAddr;
use wire::id::{AppId, Uid};
use wire::time::Timestamp;

use super::store::{App, Group, TokenHash, TokenId, User};

/// Settings of an app (`backend-api.md` 2.7), kept as one record. A field that is 0 or empty has
/// its default; fields are only ever added.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct AppSettings {
    /// Users it may have, 0 = without limit.
    #[prost(uint32, tag = "1")]
    pub users_max: u32,
    /// Groups it may have, 0 = without limit.
    #[prost(uint32, tag = "2")]
    pub groups_max: u32,
    /// Messages; told, not counted.
    #[prost(uint32, tag = "3")]
    pub messages_max: u32,
    /// Where events are posted, empty = nowhere.
    #[prost(string, tag = "4")]
    pub url: String,
    /// `wire::mask::notify`: which events.
    #[prost(uint32, tag = "5")]
    pub notify: u32,
    /// Signs the events.
    #[prost(string, tag = "6")]
    pub secret: String,
    /// 0 to 2; absent: 1 with a secret, else 2.
    #[prost(uint32, optional, tag = "7")]
    pub webhook_version: Option<u32>,
    /// Least seconds between two events of a message to the same user who is offline.
    #[prost(uint32, tag = "8")]
    pub interval_s: u32,
    /// Kept and told, for old consoles.
    #[prost(string, tag = "9")]
    pub fcm_id: String,
    /// See `fcm_id`.
    #[prost(string, tag = "10")]
    pub fcm_key: String,
    /// Kept and told.
    #[prost(uint32, tag = "11")]
    pub push_flags: u32,
    /// Kept and told.
    #[prost(uint32, tag = "12")]
    pub flags: u32,
    /// Days, -1 = for ever.
    #[prost(sint32, tag = "13")]
    pub retention_days: i32,
    /// Where clients upload.
    #[prost(string, tag = "14")]
    pub upload_url: String,
    /// Where clients download.
    #[prost(string, tag = "15")]
    pub download_url: String,
    /// MiB.
    #[prost(uint32, tag = "16")]
    pub upload_max_mb: u32,
    /// Newest tokens of a user and app id that stay valid; 0 = 1, `u32::MAX` = all.
    #[prost(uint32, tag = "17")]
    pub tokens_kept: u32,
    /// End-to-end encryption is switched off.
    #[prost(bool, tag = "18")]
    pub no_e2ee: bool,
}

/// Which rows of a list, in ascending order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Address or name; `*` stands for any run of characters, without one it has to be equal.
    pub pattern: String,
    /// This number only.
    pub id: Option<u32>,
    /// Only greater numbers.
    pub after: u32,
    /// At most so many.
    pub count: u32,
    /// Only these users, or only others.
    pub among: Option<(bool, BTreeSet<Uid>)>,
}

/// A row of `usersget`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserRow {
    /// Who.
    pub user: User,
    /// App id of the newest token, empty = none.
    pub app: String,
    /// Where the last sign-in came from.
    pub remote: Option<IpAddr>,
}

/// A message that is sent later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// Assigned by the store.
    pub id: u64,
    /// Of which app.
    pub aid: AppId,
    /// When.
    pub due: Timestamp,
    /// An encoded `proto::Message`, complete but for its time.
    pub message: Bytes,
    /// Of a group, only these members; empty = all.
    pub only: Vec<Uid>,
}

/// A question about an app. Each is one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppRequest {
    /// Replaces name, activity and settings. → [`AppReply::Done`];
    /// `StoreError::Exists` when the name is taken
    Save {
        /// All fields.
        app: App,
    },
    /// Gives it a new token; the former one is worth nothing any more. → [`AppReply::Done`]
    ReplaceToken {
        /// Which app.
        aid: AppId,
        /// Of the new token.
        hash: TokenHash,
    },
    /// Removes it with all it holds. → [`AppReply::Done`]
    Delete {
        /// Which app.
        aid: AppId,
    },
    /// → [`AppReply::Apps`], in ascending order
    List,
    /// → [`AppReply::Counted`]
    Count {
        /// Which app.
        aid: AppId,
    },
    /// → [`AppReply::Users`]
    Users {
        /// Which app.
        aid: AppId,
        /// Which of them.
        filter: Filter,
    },
    /// → [`AppReply::Groups`]
    Groups {
        /// Which app.
        aid: AppId,
        /// Which of them.
        filter: Filter,
    },
    /// Removes one token with its devices. → [`AppReply::TokenDeleted`]
    DeleteToken {
        /// Of this app's users only.
        aid: AppId,
        /// Of the token.
        hash: TokenHash,
    },
    /// A user has signed in from there. → [`AppReply::Done`]
    SignedIn {
        /// Who.
        uid: Uid,
        /// From where.
        remote: IpAddr,
    },
    /// Keeps messages until they are due; their `id` is ignored. → [`AppReply::Done`]
    Schedule {
        /// The messages.
        messages: Vec<Scheduled>,
    },
    /// Those that are due, earliest first; they stay until they are removed. → [`AppReply::Due`]
    Due {
        /// Due then.
        now: Timestamp,
        /// At most so many.
        count: usize,
    },
    /// Removes one. → [`AppReply::Done`]
    Unschedule {
        /// Which one.
        id: u64,
    },
}

/// An answer about an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppReply {
    /// It is on disk.
    Done,
    /// All apps.
    Apps(Vec<App>),
    /// How much an app holds.
    Counted {
        /// Users.
        users: u64,
        /// Groups.
        groups: u64,
    },
    /// Part of a list, and whether there are further ones.
    Users(Vec<UserRow>, bool),
    /// Groups and how many members each has, and whether there are further ones.
    Groups(Vec<(Group, u32)>, bool),
    /// Whose the token was, `None` when unknown.
    TokenDeleted(Option<(TokenId, User)>),
    /// What is due, and when the next one behind them is.
    Due(Vec<Scheduled>, Option<Timestamp>),
}

/// Whether a text is as a pattern says, in which `*` stands for any run of characters.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    let mut rest = rest;
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_run_and_nothing_else_does() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "any"),
            ("bo@*", "bo@example.test"),
            ("*.test", "bo@example.test"),
            ("a*b*c", "a--b--b-c"),
            ("a**c", "ac"),
            ("[a]?", "[a]?"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("bo", "bob"),
            ("a*b", "ab-"),
            ("ab*bc", "abc"),
            ("?", "a"),
            ("a*b*c", "acb"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
