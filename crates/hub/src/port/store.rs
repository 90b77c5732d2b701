//! What the hub asks the store, and what it answers: requests are data, each is one transaction.
//!
//! A store answers every ticket once, in any order, but performs the requests in the order they
//! came. A mutating request is answered only after it is on disk. Every backend runs the same
//! conformance suite (`sim::store_suite`).

use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use wire::id::{AppId, DeviceKey, GroupId, MessageId, Seq, Uid};
use wire::time::Timestamp;

use super::apps::{AppReply, AppRequest, AppSettings};
use super::call::CallSettings;
use super::personal::{PersonalReply, PersonalRequest};

/// SHA-256 of a token; the token itself is never stored.
pub type TokenHash = [u8; 32];

/// Number of a token, unique in the installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub u64);

/// Number of a device: one browser profile that signed in with one token. A cursor in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u64);

/// An app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct App {
    /// Its number.
    pub aid: AppId,
    /// Its name, 2 to 64 bytes.
    pub name: String,
    /// Switched on.
    pub active: bool,
    /// See there.
    pub settings: AppSettings,
}

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Assigned by the store.
    pub uid: Uid,
    /// Whose user.
    pub aid: AppId,
    /// Unique in the app.
    pub address: String,
    /// Display name, may be empty.
    pub name: String,
    /// Status line shown to peers.
    pub status: String,
    /// URL of the picture.
    pub image: String,
    /// Named values, a JSON object; empty = none.
    pub values: String,
    /// May sign in.
    pub active: bool,
    /// `wire::mask::user`.
    pub flags: u32,
    /// Console mark.
    pub pinned: bool,
    /// Groups the user may create, `None` = unlimited.
    pub groups_max: Option<u32>,
    /// End of the last session, `Timestamp(0)` = never.
    pub last_online: Timestamp,
    /// Number of the feature class, 0 = everything allowed.
    pub uac: u32,
    /// End-to-end encryption, `None` = as the app has it.
    pub e2ee: Option<bool>,
}

/// A user token, without the token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// Assigned by the store.
    pub id: TokenId,
    /// Whose.
    pub uid: Uid,
    /// App id the client must present; empty with `any_app`.
    pub app: String,
    /// A v2 token: any app id will do.
    pub any_app: bool,
    /// `None` = never.
    pub expires: Option<Timestamp>,
}

/// A group, which is also a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Assigned by the store, at least `GroupId::FIRST`.
    pub gid: GroupId,
    /// Whose group.
    pub aid: AppId,
    /// Display name, may be empty.
    pub name: String,
    /// Status line.
    pub status: String,
    /// URL of the picture.
    pub image: String,
    /// Named values, a JSON object; empty = none.
    pub values: String,
    /// `wire::mask::group`.
    pub flags: u32,
    /// `false`: nobody may send or call.
    pub active: bool,
    /// Console mark.
    pub pinned: bool,
    /// `None` = never.
    pub expires: Option<Timestamp>,
    /// Seconds that each use moves the expiry ahead at least, 0 = off.
    pub expiry_extension_s: u32,
    /// The user above all admins.
    pub owner: Option<Uid>,
    /// Numbers to join with, in ascending order.
    pub pins: Vec<Pin>,
    /// Nobody calls before, `None` = any time.
    pub starts: Option<Timestamp>,
    /// Seconds from then, or from the first stream, until the call in it ends; 0 = without limit.
    pub duration_s: u32,
    /// What its calls are like.
    pub call: CallSettings,
    /// Users who may publish in its room at a time, 0 = without limit.
    pub publishers_max: u32,
    /// Who joins waits until it is let in.
    pub lobby: bool,
}

/// A number that makes whoever knows it a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pin {
    /// Unique in its group.
    pub pin: u32,
    /// `wire::mask::member` bits it gives; 0 = as the group has it for members.
    pub flags: u32,
    /// `wire::mask::admin` bits it gives.
    pub admin_flags: u32,
    /// What who joins with it may send in calls, as in [`CallSettings`].
    pub call_flags: u32,
    /// The largest picture it allows them, `MESIBO_RESOLUTION_*`; 0 = the group's.
    pub resolution: u32,
    /// Seconds that they may be in a call, 0 = as long as the group allows.
    pub call_duration_s: u32,
    /// Seconds that a membership by it lasts, 0 = for ever.
    pub member_expiry_s: u32,
    /// Nobody joins with it later than this, `None` = never.
    pub expires: Option<Timestamp>,
    /// How often it may be used, 0 = without limit.
    pub uses: u32,
    /// How often it was.
    pub used: u32,
}

/// What one user is to another one, in that one's eyes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// The other one.
    pub uid: Uid,
    /// Its address.
    pub address: String,
    /// `wire::mask::contact`.
    pub flags: u32,
}

/// One user in one group. A right is given, denied, or neither (`backend-api.md` 4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub uid: Uid,
    /// `wire::mask::member` bits with right = 1.
    pub given: u32,
    /// `wire::mask::member` bits with right = 0.
    pub denied: u32,
    /// `wire::mask::admin`.
    pub admin_flags: u32,
    /// End of membership, `None` = never.
    pub expires: Option<Timestamp>,
    /// Less than the group allows in calls.
    pub call: CallSettings,
    /// Takes no turn where messages go to one member after the other.
    pub busy: bool,
    /// By which PIN it has joined last, 0 = by none.
    pub pin: u32,
}

/// A message as the store sees it: a key and bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// With `id` the key; stored once.
    pub sender: Uid,
    /// See `sender`.
    pub id: MessageId,
    /// `wire::mask::message`.
    pub flags: u32,
    /// 0 = one to one.
    pub group: GroupId,
    /// Of one that only its sender gets, to whom it was; 0 = it goes where the logs are.
    pub peer: Uid,
    /// When the hub accepted it.
    pub ts: Timestamp,
    /// Not delivered later than this.
    pub expires: Timestamp,
    /// Its app wants to hear when it has expired before a recipient had it.
    pub watched: bool,
    /// An encoded `proto::Entry`, the same for everybody.
    pub entry: Bytes,
}

impl NewMessage {
    /// As the logs it is referred to from know it.
    pub fn logged(&self) -> LoggedMessage {
        LoggedMessage {
            sender: self.sender,
            id: self.id,
            flags: self.flags,
            group: self.group,
            expires: self.expires,
        }
    }
}

/// A log entry that is no message: status, read, group change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// Whose log.
    pub uid: Uid,
    /// An encoded `proto::Entry`.
    pub entry: Bytes,
    /// Set when it says who has a message of that user: kept with that one's copy.
    pub receipt: Option<Receipt>,
}

/// Somebody has a message, or has read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The sender's id of the message.
    pub id: MessageId,
    /// Who has it.
    pub by: Uid,
    /// And has read it.
    pub read: bool,
    /// Since when.
    pub at: Timestamp,
}

/// A user's own copy of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Later messages have higher ones.
    pub place: u64,
    /// An encoded `proto::Entry`.
    pub entry: Bytes,
    /// Of an own message, who is known to have it: at most `limits::HISTORY_RECEIPTS_MAX`, by uid.
    pub receipts: Vec<Seen>,
}

/// What is known of one who got a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Who.
    pub uid: Uid,
    /// The address.
    pub address: String,
    /// When the message was delivered, `Timestamp(0)` = not known.
    pub delivered: Timestamp,
    /// When it was read.
    pub read: Timestamp,
}

/// A log entry as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Its place.
    pub seq: Seq,
    /// An encoded `proto::Entry`.
    pub entry: Bytes,
    /// Set when the entry is a message.
    pub message: Option<LoggedMessage>,
}

/// What the hub needs to know of a logged message without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedMessage {
    /// Who sent it.
    pub sender: Uid,
    /// Its id.
    pub id: MessageId,
    /// `wire::mask::message`.
    pub flags: u32,
    /// 0 = one to one.
    pub group: GroupId,
    /// Not delivered later than this.
    pub expires: Timestamp,
}

/// A message that has expired before somebody had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// In which app.
    pub aid: AppId,
    /// Who did not get it.
    pub uid: Uid,
    /// The address.
    pub address: String,
    /// An encoded `proto::Entry`.
    pub entry: Bytes,
}

/// Which of a user's own copies of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryOf {
    /// Exchanged with this user.
    User(Uid),
    /// Of this group.
    Group(GroupId),
    /// All.
    All,
    /// The newest of each conversation.
    Latest,
}

/// A question to the store. Each is one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A page signs in. → [`Reply::Token`]
    FindToken {
        /// Of the token it showed.
        hash: TokenHash,
    },
    /// Finds or makes the device of this token and browser profile. → [`Reply::Device`]
    ///
    /// A new device starts where the first of the user's devices has come, at 0 when there is
    /// none: what nobody has fetched is not lost, what somebody has is not repeated.
    OpenDevice {
        /// Which token.
        token: TokenId,
        /// Whose log.
        uid: Uid,
        /// Which browser profile.
        key: DeviceKey,
        /// A device not seen for `limits::DEVICE_KEPT` does not hold the log back any more.
        now: Timestamp,
    },
    /// → [`Reply::User`]
    LoadUser {
        /// Which one.
        uid: Uid,
    },
    /// → [`Reply::User`]
    FindUser {
        /// In which app.
        aid: AppId,
        /// Exact address.
        address: String,
    },
    /// → [`Reply::Group`]
    LoadGroup {
        /// Which one.
        gid: GroupId,
    },
    /// → [`Reply::Groups`]
    LoadMemberships {
        /// Whose.
        uid: Uid,
    },
    /// In how many groups users are, neither membership nor group having ended.
    /// → [`Reply::MembershipCounts`], one for each
    CountMemberships {
        /// Whose.
        uids: Vec<Uid>,
        /// For what has ended.
        now: Timestamp,
    },

    /// Stores messages in this order, each once, and refers to them from each log, the sender's
    /// included, in the order of theirs. → [`Reply::Stored`], one outcome for each
    ///
    /// A log in which `limits::LOG_ENTRIES_MAX` entries wait that none of its user's devices has
    /// fetched, or so many that the message makes them more than `limits::LOG_BYTES_MAX`, gets nothing. A
    /// user that is gone is left out as well.
    Append {
        /// Each with those whose logs get it.
        messages: Vec<(NewMessage, Vec<Uid>)>,
    },
    /// Watched messages that have expired before any device of somebody who was to get them had them,
    /// each for each such user once. → [`Reply::Expired`]
    TakeExpired {
        /// Only this user's; `None` = anybody's.
        uid: Option<Uid>,
        /// What has expired then.
        now: Timestamp,
        /// At most so many are looked at.
        count: usize,
    },
    /// → [`Reply::Message`]
    FindMessage {
        /// Whose.
        sender: Uid,
        /// Its id.
        id: MessageId,
    },
    /// A user's own copies of messages, newest first: those of groups only while a member,
    /// expired ones never. Without `before`, those next to `after`. → [`Reply::History`]
    ReadHistory {
        /// Whose.
        uid: Uid,
        /// Of what.
        of: HistoryOf,
        /// Exclusive, a place that an earlier answer gave.
        before: Option<u64>,
        /// The same, the other way.
        after: Option<u64>,
        /// Stored no later.
        until: Timestamp,
        /// At most so many.
        count: u32,
        /// For expiry and membership.
        now: Timestamp,
    },
    /// A user's own copies of messages are removed; others keep theirs.
    /// → [`Reply::Appended`], one place per note
    RemoveFromHistory {
        /// Whose.
        uid: Uid,
        /// These, by sender and id.
        messages: Vec<(Uid, MessageId)>,
        /// And those of a conversation, or of all, stored before a moment.
        before: Option<(HistoryOf, Timestamp)>,
        /// Entries for logs.
        notes: Vec<Note>,
    },
    /// Replaces what a message says, also for those who have not fetched it, and tells the
    /// others. → [`Reply::Appended`], one place per note
    ChangeMessage {
        /// Whose.
        sender: Uid,
        /// Its id.
        id: MessageId,
        /// An encoded `proto::Entry`.
        entry: Bytes,
        /// Entries for logs.
        notes: Vec<Note>,
    },
    /// Adds notes to logs. → [`Reply::Appended`], one place per note
    AppendNotes {
        /// The notes.
        notes: Vec<Note>,
    },
    /// Tells the senders and moves a device's cursor ahead, which alone may be forgotten when the
    /// process is killed. Trims what all of the user's devices have. → [`Reply::Appended`], one place per note
    Acknowledge {
        /// Which device.
        device: DeviceId,
        /// Whose log.
        uid: Uid,
        /// Everything up to here is in the device's store. Never moves back.
        seq: Seq,
        /// Statuses for the senders' logs.
        notes: Vec<Note>,
        /// See [`Request::OpenDevice`].
        now: Timestamp,
    },
    /// Entries behind `after`, oldest first, expired messages left out. → [`Reply::Log`]
    ReadLog {
        /// Whose log.
        uid: Uid,
        /// Exclusive.
        after: Seq,
        /// At most so many.
        count: usize,
        /// For the expiry.
        now: Timestamp,
    },
    /// → [`Reply::Done`]
    SetLastOnline {
        /// Who.
        uid: Uid,
        /// When.
        at: Timestamp,
    },

    /// Puts these contacts of a user, flags 0 removes one. Those beyond `limits::CONTACTS_MAX` are
    /// left out. → [`Reply::Contacts`], the ones that were put or removed
    SaveContacts {
        /// Whose.
        uid: Uid,
        /// Who and what they are.
        contacts: Vec<Contact>,
    },
    /// All contacts of a user, by uid. → [`Reply::Contacts`]
    LoadContacts {
        /// Whose.
        uid: Uid,
    },
    /// Users and groups that want to be found (`wire::mask::user::SEARCHABLE`,
    /// `wire::mask::group::SEARCHABLE`), in ascending order: part of the name in any case of ASCII,
    /// or the whole address. Never the asker. → [`Reply::Found`]
    Search {
        /// In which app.
        aid: AppId,
        /// Who asks.
        by: Uid,
        /// Not empty.
        text: String,
        /// Its contacts too, whatever they want.
        contacts: bool,
        /// Groups too.
        groups: bool,
        /// Users behind this one.
        after_uid: Uid,
        /// Groups behind this one.
        after_gid: GroupId,
        /// At most so many of each.
        count: usize,
    },
    /// Where push messages of a device go, empty = nowhere; no other device is there any more: a
    /// browser has one place, whoever uses it. → [`Reply::Done`]
    SavePushToken {
        /// Which device.
        device: DeviceId,
        /// Where.
        token: String,
        /// For calls.
        voip: bool,
    },
    /// Where push messages of users go. → [`Reply::PushTokens`], by user and device
    LoadPushTokens {
        /// Whose.
        uids: Vec<Uid>,
    },
    /// Forgets where push messages of a device go, if it is still this. → [`Reply::Done`]
    DropPushToken {
        /// Which device.
        device: DeviceId,
        /// Where.
        token: String,
    },
    /// Who blocks this user in whole or in part, or lets it see levels of its profile.
    /// → [`Reply::Blockers`]
    LoadBlockers {
        /// The one who is blocked.
        uid: Uid,
    },
    /// Removes what nobody needs any more: messages that have expired and that no client sends
    /// again (`limits::MESSAGE_KEY_KEPT`), tokens that expired some time ago
    /// (`limits::EXPIRED_TOKEN_KEPT`) with their devices. → [`Reply::Swept`]
    Sweep {
        /// What has expired then.
        now: Timestamp,
        /// At most so many messages, and tokens.
        count: usize,
    },

    /// Something about an app as a whole. → [`Reply::OfApp`]
    OfApp(AppRequest),
    /// Something about all that is kept of a user. → [`Reply::Personal`]
    Personal(PersonalRequest),
    /// Finds the app of a token. → [`Reply::App`]
    FindApp {
        /// Of the app token.
        hash: TokenHash,
    },
    /// → [`Reply::App`]
    LoadApp {
        /// Which one.
        aid: AppId,
    },
    /// → [`Reply::App`]; [`StoreError::Exists`] when the name is taken
    CreateApp {
        /// Its name.
        name: String,
        /// Of its token.
        hash: TokenHash,
    },
    /// `uid` 0 creates and assigns one, else replaces. → [`Reply::User`];
    /// [`StoreError::Exists`] when a new address is taken
    SaveUser {
        /// All fields.
        user: User,
    },
    /// Removes user, tokens, devices, log, contacts, memberships and the list of its files; where it
    /// was the owner the admin with the lowest number is, whose membership has no end, or nobody. Nothing of it can be read from the disk any more. → [`Reply::Appended`], one place per note
    DeleteUser {
        /// Who.
        uid: Uid,
        /// Entries for the logs of others.
        notes: Vec<Note>,
    },
    /// Adds a token; of the same user and app id the newest `keep` stay, this one included.
    /// → [`Reply::TokenIssued`]
    IssueToken {
        /// `id` is ignored.
        token: Token,
        /// Of the token.
        hash: TokenHash,
        /// At least 1 (`backend-api.md` 3.3).
        keep: u32,
    },
    /// Removes tokens, with their devices. → [`Reply::TokensDeleted`]
    DeleteTokens {
        /// Whose.
        uid: Uid,
        /// Only this app id's; `None` = all.
        app: Option<String>,
    },
    /// `gid` 0 creates and assigns one, else replaces the group's own fields. `put` and `remove`
    /// change members, `notes` tell users, all or nothing. The group's PINs are part of it. → [`Reply::GroupSaved`]
    ///
    /// Those in `unqueue` receive nothing more of it: what others have sent to it and none of their
    /// devices has fetched leaves their logs and their own copies.
    SaveGroup {
        /// All fields.
        group: Group,
        /// Members to add or replace.
        put: Vec<Member>,
        /// Members to remove; unknown ones are skipped.
        remove: Vec<Uid>,
        /// Members whose queue of it goes.
        unqueue: Vec<Uid>,
        /// Entries for logs.
        notes: Vec<Note>,
    },
    /// Removes a group and its members, with what is queued of it for them, as `unqueue` does.
    /// → [`Reply::Appended`], one place per note
    DeleteGroup {
        /// Which one.
        gid: GroupId,
        /// Entries for logs.
        notes: Vec<Note>,
    },
}

/// An answer of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing to say but that it is on disk.
    Done,
    /// The token and its user, `None` when unknown.
    Token(Option<(Token, User)>),
    /// A device and where it stands.
    Device {
        /// Which one.
        device: DeviceId,
        /// All up to here was acknowledged by it.
        cursor: Seq,
        /// Newest entry of the log, 0 when empty.
        head: Seq,
        /// All entries up to here may have been trimmed.
        trimmed: Seq,
    },
    /// `None` when unknown.
    User(Option<User>),
    /// The group with its members and who they are, `None` when unknown.
    Group(Option<(Group, Vec<(Member, User)>)>),
    /// Groups of a user.
    Groups(Vec<GroupId>),
    /// How many groups users are in.
    MembershipCounts(Vec<(Uid, u32)>),
    /// Contacts of a user.
    Contacts(Vec<Contact>),
    /// What a search has found.
    Found {
        /// By uid.
        users: Vec<User>,
        /// By gid.
        groups: Vec<Group>,
    },
    /// Device, token, for calls.
    PushTokens(Vec<(Uid, DeviceId, String, bool)>),
    /// Who blocks a user, and how, or lets it see what (`wire::mask::contact`).
    Blockers(Vec<(Uid, u32)>),
    /// Places in the logs, in the order asked.
    Appended(Vec<(Uid, Seq)>),
    /// Messages and tokens that were removed.
    Swept(usize),
    /// What has expired, and whether there may be more.
    Expired(Vec<Expired>, bool),
    /// What became of each message, in the order asked.
    Stored(Vec<Outcome>),
    /// The message was stored before.
    Duplicate {
        /// When.
        ts: Timestamp,
    },
    /// When the message was stored and its encoded `proto::Entry`, `None` when it never was.
    Message(Option<(Timestamp, Bytes)>),
    /// Messages, newest first.
    History(Vec<Copied>),
    /// Part of a log.
    Log {
        /// The entries.
        rows: Vec<LogRow>,
        /// The last place looked at: reading goes on behind it even when rows were left out.
        upto: Seq,
        /// Newest entry of the log.
        head: Seq,
    },
    /// `None` when unknown.
    App(Option<App>),
    /// To [`Request::OfApp`].
    OfApp(AppReply),
    /// To [`Request::Personal`].
    Personal(PersonalReply),
    /// The new token, and the former ones that were removed.
    TokenIssued {
        /// The new one.
        token: TokenId,
        /// Removed ones.
        replaced: Vec<TokenId>,
    },
    /// The tokens that were removed.
    TokensDeleted(Vec<TokenId>),
    /// The group as it is now, and the places of the notes.
    GroupSaved {
        /// Which one.
        gid: GroupId,
        /// Places in the logs, in the order asked.
        places: Vec<(Uid, Seq)>,
    },
}

/// What became of a message that was to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored.
    Appended {
        /// Its places in the logs, in the order asked.
        places: Vec<(Uid, Seq)>,
        /// Whose logs had no room for it.
        full: Vec<Uid>,
    },
    /// (sender, id) was there already. Nothing has changed.
    Duplicate {
        /// When it was stored.
        ts: Timestamp,
    },
    /// The logs of all but the sender are full. Nothing has changed.
    Full,
}

/// Why the store could not do it. Nothing of the request has happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A unique name is taken.
    #[error("the name or address is taken")]
    Exists,
    /// Disk full, read-only, corrupt: the operator's log says more.
    #[error("storage failed: {0}")]
    Failed(String),
}
