//! What is asked of the store about an app as a whole: its settings, its lists, what it has
//! scheduled. Part of the store's port; the same rules hold.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::IpAddr;
use wire::id::{AppId, MessageId, Uid};
use wire::time::Timestamp;

use wire::codec::Decode as _;
use wire::proto::Message;

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
    /// Messages in a month of the calendar (UTC), 0 = without limit.
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
    /// Feature classes, in ascending order of their numbers.
    #[prost(message, repeated, tag = "19")]
    pub classes: Vec<Class>,
    /// Sound of notifications on phones, empty = none.
    #[prost(string, tag = "20")]
    pub push_sound: String,
    /// Least seconds between two push messages to a user who does not come; 0 =
    /// `wire::limits::PUSH_INTERVAL`.
    #[prost(uint32, tag = "21")]
    pub push_interval_s: u32,
    /// The log says what push services answer.
    #[prost(bool, tag = "22")]
    pub push_debug: bool,
    /// Apple's service for apps that are being developed.
    #[prost(bool, tag = "23")]
    pub push_sandbox: bool,
    /// What push services know the app by, never told.
    #[prost(message, repeated, tag = "24")]
    pub push_credentials: Vec<PushCredential>,
    /// Who is asked about each message before it is accepted, empty = nobody.
    #[prost(string, tag = "25")]
    pub intercept_url: String,
    /// Messages do not go when nobody answers; else they do.
    #[prost(bool, tag = "26")]
    pub intercept_closed: bool,
    /// Messages with one of these words go to nobody. In lower case, in order, each once.
    #[prost(string, repeated, tag = "27")]
    pub words: Vec<String>,
}

/// What a push service knows an app by. Each kind and name once.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct PushCredential {
    /// Of [`push_kind`].
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    /// Firebase's project, or Apple's topic.
    #[prost(string, tag = "2")]
    pub name: String,
    /// The file as it was given.
    #[prost(bytes = "bytes", tag = "3")]
    pub secret: Bytes,
    /// Seconds since 1970, 0 = never.
    #[prost(uint64, tag = "4")]
    pub expires_s: u64,
}

/// Push services with credentials.
#[allow(missing_docs)]
pub mod push_kind {
    pub const FCM: u32 = 1;
    pub const APN: u32 = 2;
}

impl AppSettings {
    /// Bit of `push_flags`: notifications say who wrote what.
    pub(crate) const PUSH_VISIBLE: u32 = 0x1;

    /// Whether notifications say who wrote what.
    pub fn shows_pushes(&self) -> bool {
        self.push_flags & AppSettings::PUSH_VISIBLE != 0
    }

    /// Whether messages that were stored under other settings are to end earlier by these.
    pub fn keeps_shorter_than(&self, before: &AppSettings) -> bool {
        let (now, before) = (self.retention_days, before.retention_days);
        now > 0 && (before <= 0 || now < before)
    }
}

/// What users of a class may do (`backend-api.md` 2.11).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Class {
    /// From 1 on.
    #[prost(uint32, tag = "1")]
    pub id: u32,
    /// All that was given: encoded [`ClassFields`].
    #[prost(bytes = "bytes", tag = "2")]
    pub given: Bytes,
    /// Bits of [`feature`] that are taken from its users.
    #[prost(uint64, tag = "3")]
    pub denied: u64,
    /// Limits in the order of [`number`]; 0 = without.
    #[prost(uint32, repeated, tag = "4")]
    pub numbers: Vec<u32>,
    /// How often what may be done.
    #[prost(message, repeated, tag = "5")]
    pub rates: Vec<Rate>,
    /// Where its users upload, empty = where those of the app do.
    #[prost(string, tag = "6")]
    pub upload_url: String,
}

/// Fields of a class as they were given, in order of their paths.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ClassFields {
    /// Each path once.
    #[prost(message, repeated, tag = "1")]
    pub fields: Vec<ClassField>,
}

/// One of them.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ClassField {
    /// Names from the outermost object inwards, with U+0001 between them.
    #[prost(string, tag = "1")]
    pub path: String,
    /// JSON.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// So often within so many seconds.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Rate {
    /// Of [`rate`].
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    /// Seconds.
    #[prost(uint32, tag = "2")]
    pub window_s: u32,
    /// Times.
    #[prost(uint32, tag = "3")]
    pub count: u32,
}

/// What of a class is to be set; the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassPatch {
    /// As they were given.
    pub fields: Vec<ClassField>,
    /// Bits of [`feature`] switched off.
    pub denied: u64,
    /// Bits of [`feature`] switched on.
    pub allowed: u64,
    /// In the order of [`number`].
    pub numbers: [Option<u32>; number::DEFAULTS.len()],
    /// Each replaces those of its kind.
    pub rates: Vec<(u32, Vec<Rate>)>,
    /// See [`Class::upload_url`].
    pub upload_url: Option<String>,
}

/// What is counted against [`Rate`]s.
#[allow(missing_docs)]
pub mod rate {
    pub const MESSAGE: u32 = 1;
    pub const CALL: u32 = 2;
    pub const UPLOAD: u32 = 3;
    pub const LOGIN: u32 = 4;
}

/// Limits of a class: places in `Class::numbers`.
#[allow(missing_docs)]
pub mod number {
    pub const GROUPS: usize = 0;
    pub const FILE_MB: usize = 1;
    pub const CALL_S: usize = 2;
    pub const CONF_S: usize = 3;
    /// Steps in which others see when a user was there last.
    pub const LAST_SEEN_S: usize = 4;
    /// What holds unless it is given.
    pub const DEFAULTS: [u32; 5] = [100, 50, 0, 0, 300];
}

/// Switches of a class, a bit each: `own` as they are given, the others with all that switch them
/// off as well.
#[allow(missing_docs)]
pub mod feature {
    pub mod own {
        pub const GROUPS: u64 = 1;
        pub const MESSAGES: u64 = 1 << 1;
        pub const PRESENCE: u64 = 1 << 2;
        pub const CALLS: u64 = 1 << 3;
        pub const SYNC: u64 = 1 << 4;
        pub const PUSH: u64 = 1 << 5;
        pub const FILES: u64 = 1 << 6;
        pub const LOCATION: u64 = 1 << 7;
        pub const MESSAGE_IN: u64 = 1 << 8;
        pub const MESSAGE_OUT: u64 = 1 << 9;
        pub const RICH: u64 = 1 << 10;
        pub const BROADCAST: u64 = 1 << 11;
        pub const READ_RECEIPTS: u64 = 1 << 12;
        pub const DELIVERY_RECEIPTS: u64 = 1 << 13;
        pub const STORAGE: u64 = 1 << 14;
        pub const NO_WEBHOOK: u64 = 1 << 15;
        pub const PRESENCE_IN: u64 = 1 << 16;
        pub const PRESENCE_OUT: u64 = 1 << 17;
        pub const TYPING: u64 = 1 << 18;
        pub const ONLINE: u64 = 1 << 19;
        pub const JOINED: u64 = 1 << 20;
        pub const LAST_SEEN: u64 = 1 << 21;
        pub const CALL_IN: u64 = 1 << 22;
        pub const CALL_OUT: u64 = 1 << 23;
        pub const CALL_VIDEO: u64 = 1 << 24;
        pub const CALL_AUDIO: u64 = 1 << 25;
        pub const CALL_TURN: u64 = 1 << 26;
        pub const CALL_LOG: u64 = 1 << 27;
        pub const CONF_AUDIO: u64 = 1 << 28;
        pub const CONF_VIDEO: u64 = 1 << 29;
        pub const CONF_SCREEN: u64 = 1 << 30;
        pub const CONF_HD: u64 = 1 << 31;
        pub const CONF_FHD: u64 = 1 << 32;
        pub const GROUP_CREATE: u64 = 1 << 33;
        pub const GROUP_MEMBER: u64 = 1 << 34;
        pub const GROUP_MESSAGE: u64 = 1 << 35;
        pub const GROUP_PRESENCE: u64 = 1 << 36;
        pub const GROUP_CALL: u64 = 1 << 37;
        pub const UPLOAD: u64 = 1 << 38;
        pub const UNSIGNED: u64 = 1 << 39;
    }
    /// Off in a class that says nothing of it.
    pub const DENIED_UNLESS_GIVEN: u64 = own::BROADCAST | own::CONF_FHD | own::NO_WEBHOOK;
    /// Files that whoever has the URL may have.
    pub const UNSIGNED: u64 = own::UNSIGNED;
    pub const MESSAGE_IN: u64 = own::MESSAGES | own::MESSAGE_IN;
    pub const MESSAGE_OUT: u64 = own::MESSAGES | own::MESSAGE_OUT;
    pub const RICH: u64 = own::RICH;
    pub const FILES: u64 = own::FILES;
    pub const LOCATION: u64 = own::LOCATION;
    pub const BROADCAST: u64 = own::BROADCAST;
    pub const READ_RECEIPTS: u64 = own::READ_RECEIPTS;
    pub const DELIVERY_RECEIPTS: u64 = own::DELIVERY_RECEIPTS;
    pub const STORAGE: u64 = own::STORAGE;
    pub const PRESENCE_IN: u64 = own::PRESENCE | own::PRESENCE_IN;
    pub const PRESENCE_OUT: u64 = own::PRESENCE | own::PRESENCE_OUT;
    pub const TYPING: u64 = PRESENCE_OUT | own::TYPING;
    pub const JOINED: u64 = PRESENCE_OUT | own::JOINED;
    pub const ONLINE: u64 = PRESENCE_OUT | own::ONLINE;
    pub const LAST_SEEN: u64 = PRESENCE_OUT | own::LAST_SEEN;
    pub const GROUP_PRESENCE: u64 = own::GROUPS | own::GROUP_PRESENCE;
    pub const CALL_IN: u64 = own::CALLS | own::CALL_IN;
    pub const CALL_OUT: u64 = own::CALLS | own::CALL_OUT;
    pub const CALL_VIDEO: u64 = own::CALL_VIDEO;
    pub const CALL_AUDIO: u64 = own::CALL_AUDIO;
    pub const CALL_LOG: u64 = own::CALL_LOG;
    pub const CONF_AUDIO: u64 = own::CONF_AUDIO;
    pub const CONF_VIDEO: u64 = own::CONF_VIDEO;
    pub const CONF_SCREEN: u64 = own::CONF_SCREEN;
    pub const CONF_HD: u64 = own::CONF_HD;
    pub const CONF_FHD: u64 = own::CONF_FHD;
    pub const GROUP_CREATE: u64 = own::GROUPS | own::GROUP_CREATE;
    pub const GROUP_MEMBER: u64 = own::GROUPS | own::GROUP_MEMBER;
    pub const GROUP_MESSAGE: u64 = own::GROUPS | own::GROUP_MESSAGE | MESSAGE_OUT;
    pub const GROUP_CALL: u64 = own::GROUPS | own::CALLS | own::GROUP_CALL;
    pub const UPLOAD: u64 = own::FILES | own::UPLOAD;
    pub const SYNC: u64 = own::SYNC;
    pub const PUSH: u64 = own::PUSH;
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

/// What an app has used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Which app.
    pub aid: AppId,
    /// Sessions at once.
    pub peak: u32,
    /// Messages sent.
    pub messages: u64,
    /// Bytes to sessions, and of files that came.
    pub bytes: u64,
    /// Bytes that were stored.
    pub stored: u64,
    /// Entries read.
    pub reads: u64,
    /// Entries written.
    pub writes: u64,
}

/// A row of `appstats`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageRow {
    /// A day as [`day_of`] has it, or a month without the day.
    pub period: u32,
    /// Different users that signed in.
    pub users: u64,
    /// The rest.
    pub used: Used,
}

/// The day of a moment, in UTC, to be read by people: 20261231.
pub fn day_of(at: Timestamp) -> u32 {
    // Days of the Gregorian calendar counted in years from March on (Hinnant, "chrono-compatible
    // low-level date algorithms").
    let days = at.0 / 86_400_000 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = match month < 10 {
        true => (era * 400 + year, month + 3),
        false => (era * 400 + year + 1, month - 9),
    };
    (year * 10_000 + month * 100 + day) as u32
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

impl Scheduled {
    /// Whether it is a message of this user with one of these numbers.
    pub fn is_of(&self, sender: Uid, mids: &[MessageId]) -> bool {
        Message::decode(&self.message[..]).is_ok_and(|message| {
            message.from_uid == sender.0 && mids.iter().any(|mid| mid.get() == message.id)
        })
    }
}

/// A question about an app. Each is one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppRequest {
    /// Replaces name, activity and settings; when messages are kept shorter by them, sweeps find those
    /// that are there, too. → [`AppReply::Done`];
    /// `StoreError::Exists` when the name is taken
    Save {
        /// All fields.
        app: Box<App>,
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
        /// When: it counts as a user of that day and month.
        at: Timestamp,
    },
    /// Adds what was used to a day and its month. → [`AppReply::Done`]
    Use {
        /// Each app once.
        used: Vec<Used>,
        /// Which day.
        at: Timestamp,
    },
    /// → [`AppReply::Sent`]
    Sent {
        /// Which app.
        aid: AppId,
        /// As [`day_of`] has it, without the day.
        month: u32,
    },
    /// → [`AppReply::FilesSize`]
    FilesSize {
        /// Which app.
        aid: AppId,
    },
    /// → [`AppReply::Usage`]
    Usage {
        /// Which app.
        aid: AppId,
        /// Months instead of days.
        monthly: bool,
        /// At most so many.
        count: u32,
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
    /// Removes those with these numbers that a user would send. → [`AppReply::Cancelled`]
    Cancel {
        /// Of which app.
        aid: AppId,
        /// Whose.
        sender: Uid,
        /// Numbers of messages.
        mids: Vec<MessageId>,
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
    /// Messages of a month.
    Sent(u64),
    /// Bytes of all files that its users have uploaded.
    FilesSize(u64),
    /// Newest first.
    Usage(Vec<UsageRow>),
    /// What is not going to be sent.
    Cancelled(Vec<Scheduled>),
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
    use super::{day_of, matches};
    use wire::time::Timestamp;

    #[test]
    fn a_moment_has_its_day() {
        for (seconds, day) in [
            (0, 19700101),
            (951_782_399, 20000228),
            (951_868_799, 20000229),
            (951_868_800, 20000301),
            (1_767_225_599, 20251231),
            (1_767_225_600, 20260101),
            (4_107_542_399, 21000228),
            (4_107_542_400, 21000301),
        ] {
            assert_eq!(day_of(Timestamp(seconds * 1_000)), day);
        }
    }

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
