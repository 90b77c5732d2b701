//! What the backend may ask (`backend-api.md` section 2), free of its spellings.
//!
//! The HTTP side turns flat and JSON forms into a [`Call`] and a [`Reply`] into the envelope. A
//! call carries the outcome of reading its parameters, because the credential is judged before
//! them: a bad token with a bad operation is `AUTHFAIL`.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{AppId, GroupId, MessageId, Uid};
use wire::time::Timestamp;

use super::apps::{Class, ClassPatch, Filter, PushCredential, UsageRow, UserRow};
use super::call::CallFields;
use super::personal::Known;
use super::push::Push;
use super::store::{App, Group, Member, Pin, TokenHash, User};

/// A call of the backend.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who asks.
    pub credential: Credential,
    /// What, or why the parameters make no sense.
    pub operation: Result<Operation, AdminError>,
    /// 64 fresh random bytes for tokens that the operation may make.
    pub entropy: [u8; 64],
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Nobody: no token, no key.
    None,
    /// Hash of an app token.
    App(TokenHash),
    /// The installation's admin key, already compared by the host.
    AdminKey,
    /// The same, and the operation is one of this app's backend.
    ForApp(AppId),
}

/// A user named by number, by address, or by both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserRef {
    /// By number.
    pub uid: Option<Uid>,
    /// By address.
    pub address: Option<String>,
}

/// The other side of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum With {
    /// A user, by address.
    User(String),
    /// A group.
    Group(GroupId),
}

/// What to make of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenWish {
    /// App id; empty only with `any_app`.
    pub app: String,
    /// v2.
    pub any_app: bool,
    /// Minutes, 0 = never.
    pub expiry_minutes: u32,
}

/// Fields of a user; `None` leaves them as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFields {
    /// Display name.
    pub name: Option<String>,
    /// Status line.
    pub status: Option<String>,
    /// Picture URL.
    pub image: Option<String>,
    /// Named values, a JSON object.
    pub values: Option<String>,
    /// One of them, [`INFO`], alone; empty takes it away.
    pub info: Option<String>,
    /// May sign in.
    pub active: Option<bool>,
    /// `wire::mask::user`.
    pub flags: Option<u32>,
    /// Console mark.
    pub pinned: Option<bool>,
    /// Groups the user may create.
    pub groups_max: Option<u32>,
    /// Feature class.
    pub uac: Option<u32>,
    /// End-to-end encryption.
    pub e2ee: Option<bool>,
    /// A code made for the address before; when given, nothing happens without a right one.
    pub otp: Option<String>,
}

/// The named value of a profile that backends set (`user.profile.info`).
pub const INFO: &str = "info";

/// Fields of a group; `None` leaves them as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupFields {
    /// Display name.
    pub name: Option<String>,
    /// Status line.
    pub status: Option<String>,
    /// Picture URL.
    pub image: Option<String>,
    /// Named values, a JSON object.
    pub values: Option<String>,
    /// `wire::mask::group`.
    pub flags: Option<u32>,
    /// Bits of them to clear, and then to set.
    pub flags_change: (u32, u32),
    /// What its calls are like.
    pub call: CallFields,
    /// Users who may publish in its room at a time, 0 = without limit.
    pub publishers_max: Option<u32>,
    /// Seconds from now, 0 = never.
    pub expiry_s: Option<u32>,
    /// Seconds.
    pub expiry_extension_s: Option<u32>,
    /// Nobody may send or call when `false`.
    pub active: Option<bool>,
    /// Console mark.
    pub pinned: Option<bool>,
    /// The owner.
    pub owner: Option<UserRef>,
    /// When its room opens, 0 = it is open.
    pub starts: Option<Timestamp>,
    /// Seconds of a conference, 0 = without limit.
    pub duration_s: Option<u32>,
    /// Who joins waits until it is let in.
    pub lobby: Option<bool>,
}

/// Rights to give to the listed members; a right neither given nor denied stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberFields {
    /// `wire::mask::member` bits set to 1.
    pub given: u32,
    /// `wire::mask::member` bits set to 0.
    pub denied: u32,
    /// `wire::mask::admin`; `None` leaves them.
    pub admin_flags: Option<u32>,
    /// Seconds from now until membership ends, 0 = never.
    pub expiry_s: Option<u32>,
    /// Less than the group allows in calls.
    pub call: CallFields,
    /// Takes no turn.
    pub busy: Option<bool>,
}

/// Fields of an app; `None` leaves them as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // As in `AppSettings`.
pub struct AppFields {
    pub name: Option<String>,
    pub active: Option<bool>,
    pub users_max: Option<u32>,
    pub groups_max: Option<u32>,
    pub messages_max: Option<u32>,
    pub url: Option<String>,
    pub notify: Option<u32>,
    pub secret: Option<String>,
    pub webhook_version: Option<u32>,
    pub interval_s: Option<u32>,
    pub fcm_id: Option<String>,
    pub fcm_key: Option<String>,
    pub push_flags: Option<u32>,
    pub flags: Option<u32>,
    pub retention_days: Option<i32>,
    pub upload_url: Option<String>,
    pub download_url: Option<String>,
    pub upload_max_mb: Option<u32>,
    pub tokens_kept: Option<u32>,
    pub e2ee: Option<bool>,
    pub intercept_url: Option<String>,
    pub intercept_closed: Option<bool>,
    pub words: Option<Vec<String>>,
}

/// Options of push messages; `None` leaves them as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // As in `AppSettings`.
pub struct PushFields {
    /// Nothing is shown unless the app on the device shows it.
    pub background: Option<bool>,
    pub sound: Option<String>,
    pub interval_s: Option<u32>,
    pub debug: Option<bool>,
    pub sandbox: Option<bool>,
    /// Names of credentials to delete.
    pub remove: Vec<String>,
}

/// A PIN to add or to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinFields {
    /// The number wished for; `None` draws one.
    pub pin: Option<u32>,
    /// `wire::mask::member` bits that whoever joins with it is given.
    pub flags: Option<u32>,
    /// `wire::mask::admin` bits.
    pub admin_flags: Option<u32>,
    /// Seconds from now until it is worth nothing, 0 = never.
    pub expiry_s: Option<u32>,
    /// How often it may be used, 0 = without limit.
    pub uses: Option<u32>,
}

/// What `grouppin` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinAction {
    /// Only tell those there are.
    List,
    /// Add one, or change the one that is there.
    Put(PinFields),
    /// Remove one.
    Remove(u32),
}

/// What to do with events that were given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookWish {
    /// Tell them.
    List {
        /// Only those with a greater number.
        after: u32,
        /// At most so many.
        count: u32,
    },
    /// Try these again, or all when none is named.
    Retry(Vec<u64>),
    /// Delete these, or all when none is named.
    Delete(Vec<u64>),
}

/// A message of the backend (`backend-api.md` 2.6).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Letter {
    /// Address of the sender.
    pub from: String,
    /// Addresses; with a group, only these members.
    pub to: Vec<String>,
    /// To a group.
    pub gid: Option<GroupId>,
    /// Application type.
    pub kind: u32,
    /// `wire::mask::message`.
    pub flags: u32,
    /// Seconds from the sending, 0 = only if online then.
    pub expiry_s: u32,
    /// Seconds from now until it is sent.
    pub when_s: u32,
    /// Users that are missing are made.
    pub forced: bool,
    /// What it says.
    pub content: wire::proto::Content,
}

impl Eq for Letter {}

/// An operation whose parameters are sound.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // One at a time, in a queue.
pub enum Operation {
    /// `appadd`, with the admin key only.
    AppAdd {
        /// 2 to 64 bytes.
        name: String,
    },
    /// `useradd`: add or edit, and issue a token when wished.
    UserAdd {
        /// 1 to 63 bytes.
        address: String,
        /// What to set.
        fields: UserFields,
        /// Token to issue.
        token: Option<TokenWish>,
    },
    /// `usertoken` with a token to issue.
    UserToken {
        /// Whose.
        user: UserRef,
        /// What kind.
        token: TokenWish,
    },
    /// `usertoken` with delete.
    UserTokenDelete {
        /// Whose.
        user: UserRef,
        /// Only this app id's.
        app: Option<String>,
    },
    /// `userset`: edit a user that is there, remove tokens, issue one.
    UserSet {
        /// Whose.
        user: UserRef,
        /// What to set.
        fields: UserFields,
        /// Remove tokens: of this app id, or all.
        remove: Option<Option<String>>,
        /// Token to issue.
        token: Option<TokenWish>,
    },
    /// `deltoken` with the token itself.
    TokenDelete {
        /// Of the token.
        hash: TokenHash,
    },
    /// `usersget`.
    UsersGet {
        /// Which of them; `among` is filled in by the hub.
        filter: Filter,
        /// Only those who are online, or are not.
        online: Option<bool>,
    },
    /// `otp`.
    Otp {
        /// For whom; need not be a user yet.
        address: String,
        /// Wrong attempts allowed.
        tries: u32,
        /// Seconds.
        expiry_s: u32,
        /// The one that is there is given again, and may be used more than once.
        reuse: bool,
    },
    /// `userdel`.
    UserDelete {
        /// Who.
        user: UserRef,
    },
    /// `userexport`: everything that is kept of a user, a part at a time.
    UserExport {
        /// Who.
        user: UserRef,
        /// A place that an earlier answer gave; 0 begins with all that is no message.
        after: u64,
        /// Messages at most.
        count: u32,
    },
    /// Changes who a user's contacts are, and tells who they are then. For parts of this process.
    Contacts {
        /// Whose.
        user: UserRef,
        /// Addresses of users who are contacts from now on; others are left out.
        add: Vec<String>,
        /// Addresses of users who are not any more.
        remove: Vec<String>,
    },
    /// `usererase`: the user goes, and what records of others say of it.
    UserErase {
        /// Who.
        user: UserRef,
        /// Files and events are gone, which the host sees to between both steps.
        rest: bool,
    },
    /// `groupadd`.
    GroupAdd {
        /// What to set.
        fields: GroupFields,
        /// First members.
        members: Vec<String>,
        /// Their rights.
        rights: MemberFields,
    },
    /// `groupset`; a list of members replaces the present one, an empty one leaves it.
    GroupSet {
        /// Which one.
        gid: GroupId,
        /// What to set.
        fields: GroupFields,
        /// Replacement list.
        members: Vec<String>,
        /// Rights of the listed.
        rights: MemberFields,
    },
    /// `groupdel`.
    GroupDelete {
        /// Which one.
        gid: GroupId,
    },
    /// `groupsget`.
    GroupsGet {
        /// Which of them.
        filter: Filter,
    },
    /// `grouppin`.
    GroupPin {
        /// Which group.
        gid: GroupId,
        /// What to do.
        action: PinAction,
    },
    /// `message`.
    Message(Letter),
    /// `messagesget`: a user's own copies of messages.
    MessagesGet {
        /// Whose.
        user: UserRef,
        /// Exchanged with whom; `None` = all.
        with: Option<With>,
        /// A place that an earlier answer gave.
        before: Option<u64>,
        /// The same; without `before`, those that came next after it.
        after: Option<u64>,
        /// At most so many.
        count: u32,
        /// Those that were taken back as well.
        deleted: bool,
    },
    /// `messagedel` of a conversation, or of everything: a user's own copies.
    MessagesDelete {
        /// Whose.
        user: UserRef,
        /// Exchanged with whom; `None` = all.
        with: Option<With>,
        /// Stored before.
        before: Timestamp,
        /// The user's devices remove theirs too.
        recall: bool,
    },
    /// `messagedel` of messages by their numbers: taken back from everybody.
    MessagesRecall {
        /// Their sender.
        user: UserRef,
        /// Their numbers.
        mids: Vec<MessageId>,
    },
    /// `appstats`.
    AppStats {
        /// Months instead of days.
        monthly: bool,
        /// Rows wanted.
        count: u32,
    },
    /// `uacset`.
    ClassSet {
        /// From 1 on.
        id: u32,
        /// It has to be there, else it must not be.
        update: bool,
        /// What is set.
        patch: ClassPatch,
    },
    /// `uacget`.
    ClassesGet {
        /// `None` = all.
        id: Option<u32>,
    },
    /// `uacdel`.
    ClassDelete {
        /// Which one.
        id: u32,
    },
    /// `appset`.
    AppSet {
        /// Which one, with the admin key.
        aid: Option<AppId>,
        /// What to set.
        fields: AppFields,
    },
    /// `appget`.
    AppGet {
        /// Which one, with the admin key.
        aid: Option<AppId>,
    },
    /// `appsget`, with the admin key only.
    AppsGet,
    /// `apptoken`.
    AppToken {
        /// Which one, with the admin key.
        aid: Option<AppId>,
    },
    /// `hooksget`, `hooksretry`, `hooksdel`: about events that its webhook has not taken. The hub
    /// says only that it may be done.
    Hooks(HookWish),
    /// `groupgetmedia`: what was uploaded to it to be played. The hub says only that it may be done.
    GroupMedia {
        /// Which group.
        gid: GroupId,
    },
    /// `pushupload`.
    PushUpload {
        /// Read and found good by the host.
        credential: PushCredential,
    },
    /// `pushset`.
    PushSet {
        /// What to set.
        fields: PushFields,
    },
    /// `pushtest`.
    PushTest {
        /// Who is woken.
        user: UserRef,
    },
    /// `appdel`.
    AppDelete {
        /// Has to be the app's, for safety.
        name: String,
    },
    /// `groupeditmembers` without delete: add or edit.
    MembersEdit {
        /// Which group.
        gid: GroupId,
        /// Addresses.
        members: Vec<String>,
        /// Their rights.
        rights: MemberFields,
    },
    /// `groupeditmembers` with delete.
    MembersRemove {
        /// Which group.
        gid: GroupId,
        /// Addresses.
        members: Vec<String>,
    },
    /// `groupadmit`: who waits in the lobby is let in, or sent away.
    GroupAdmit {
        /// Which group.
        gid: GroupId,
        /// Addresses.
        members: Vec<String>,
        /// In.
        admit: bool,
    },
    /// `grouprecord`: begin or end a recording, or only tell whether there is one.
    GroupRecord {
        /// Which group.
        gid: GroupId,
        /// Begin or end.
        on: Option<bool>,
    },
    /// `groupgetmembers`.
    MembersGet {
        /// Which group.
        gid: GroupId,
        /// Those who wait to be let in, instead.
        pending: bool,
        /// Only members with a greater uid.
        after: Uid,
        /// At most so many.
        count: u32,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// `appadd`.
    App {
        /// Its number.
        aid: AppId,
        /// Its name.
        name: String,
        /// Shown once.
        token: String,
    },
    /// `appset`, `appget`.
    AppRow(App),
    /// `appsget`.
    Apps(Vec<App>),
    /// `appstats`.
    Usage {
        /// Newest first.
        rows: Vec<UsageRow>,
        /// Sessions there are.
        live: u32,
        /// Users and groups there are.
        totals: (u64, u64),
    },
    /// `uacset`, `uacget`.
    Classes(Vec<Class>),
    /// The host does this.
    Hooks(AppId, HookWish),
    /// `pushupload`, `pushset`.
    PushSettings(App),
    /// `pushtest`: the host sends it and tells what came back.
    PushTest(Box<Push>),
    /// `grouprecord`.
    Recording {
        /// Which group.
        gid: GroupId,
        /// Since when its room is being recorded, `None`: it is not.
        begun: Option<Timestamp>,
    },
    /// The host tells what there is.
    Media(GroupId),
    /// `appdel`.
    Done,
    /// `usersget`, and whether there are further ones.
    Users(Vec<(UserRow, u32)>, bool),
    /// A user's contacts, in ascending order of uid.
    Contacts(Vec<User>),
    /// `otp`: six digits.
    Otp(String),
    /// `groupsget`, and whether there are further ones.
    Groups(Vec<GroupRow>, bool),
    /// `grouppin`.
    Pins(Vec<Pin>),
    /// `message`: ids in the order of the addresses, 0 for one that was refused, and those.
    Sent {
        /// See above.
        mids: Vec<u64>,
        /// Addresses that get nothing.
        failed: Vec<String>,
    },
    /// `messagesget`: newest first.
    Messages {
        /// Those that are shown.
        rows: Vec<KeptRow>,
        /// Where to go on, `None` = there was nothing.
        next: Option<u64>,
    },
    /// `messagedel`: how many were taken back, when they were named.
    Deleted(Option<u32>),
    /// `userexport`.
    Personal {
        /// Its record.
        user: User,
        /// What is no message; with the first part.
        known: Option<alloc::boxed::Box<Known>>,
        /// Messages, oldest first.
        messages: Vec<wire::proto::Message>,
        /// Where to go on; `None` when that was all.
        next: Option<u64>,
    },
    /// `usererase` has begun: the user is out. The host removes these files, and events.
    Erasing {
        /// Who.
        user: User,
        /// Names of files.
        files: Vec<String>,
    },
    /// `useradd`, `usertoken`, `userdel`.
    User {
        /// As it is now (as it was, for `userdel`).
        user: User,
        /// Was added just now.
        new: bool,
        /// The token, when one was issued.
        token: Option<IssuedToken>,
    },
    /// `groupadd`, `groupset`, `groupdel`.
    Group {
        /// As it is now.
        group: Group,
        /// Addresses that are no users.
        failed: Vec<String>,
    },
    /// `groupeditmembers`.
    MembersEdited {
        /// Which group.
        gid: GroupId,
        /// New members.
        added: u32,
        /// Members that were there.
        edited: u32,
        /// Members that are gone.
        removed: u32,
        /// Addresses that are no users.
        failed: Vec<String>,
    },
    /// `groupgetmembers`.
    Members {
        /// In ascending order of uid.
        members: Vec<MemberRow>,
        /// There are further ones.
        more: bool,
    },
}

/// A token, told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token itself.
    pub token: String,
    /// Its app id.
    pub app: String,
    /// `None` = never.
    pub expires: Option<Timestamp>,
}

/// A row of `messagesget`.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptRow {
    /// Where a further answer goes on.
    pub place: u64,
    /// `wire::status`.
    pub status: u32,
    /// Says nothing when it was taken back.
    pub message: wire::proto::Message,
}

/// A row of `groupsget`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// As it is stored.
    pub group: Group,
    /// Address of the owner, empty = none.
    pub owner: String,
    /// How many.
    pub members: u32,
    /// Streams in its room now.
    pub in_call: u32,
    /// Seconds until it expires.
    pub expires_in_s: u64,
}

/// A row of `groupgetmembers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// Stored rights.
    pub member: Member,
    /// Effective `wire::mask::member` bits.
    pub effective: u32,
    /// Effective `wire::mask::admin` bits.
    pub effective_admin: u32,
    /// Who.
    pub user: User,
    /// Is the owner.
    pub owner: bool,
    /// Has a session now.
    pub online: bool,
}

/// Names of the error codes in `backend-api.md` 1.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ErrorCode {
    BadOp,
    AuthFail,
    AppDisabled,
    MissingParam,
    BadParam,
    BadJson,
    NoUser,
    NoGroup,
    NotMember,
    NotFound,
    BadOtp,
    TokenBreach,
    Exists,
    Quota,
    NotAllowed,
    RateLimit,
    TooLarge,
    Unsupported,
    Server,
}

/// A parameter, free of its spelling: the HTTP side knows whether to write `addr` or
/// `user.address`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Param {
    Op,
    Token,
    Key,
    Count,
    After,
    Place,
    UserAddress,
    UserUid,
    UserName,
    UserActive,
    UserFlags,
    UserPinned,
    UserGroups,
    UserStatus,
    UserInfo,
    UserImage,
    UserUac,
    UserE2ee,
    UserOtp,
    UserPattern,
    UserOnline,
    UserToken,
    TokenAppId,
    TokenExpiry,
    TokenV2,
    TokenRemove,
    OtpAddress,
    OtpTries,
    OtpExpiry,
    OtpReuse,
    Gid,
    GroupName,
    GroupPattern,
    GroupFlags,
    GroupModes,
    GroupExpiry,
    GroupExpiryExt,
    GroupActive,
    GroupPinned,
    GroupOwner,
    GroupCall,
    GroupStatus,
    GroupImage,
    GroupType,
    GroupStart,
    GroupDuration,
    GroupLobby,
    Members,
    MembersRemove,
    MembersAdmit,
    MembersPending,
    GroupRecord,
    MemberSend,
    MemberReceive,
    MemberPublish,
    MemberSubscribe,
    MemberList,
    MemberRecord,
    MemberRights,
    MemberAdmin,
    MemberAdminFlags,
    MemberExpiry,
    MemberCall,
    MemberBusy,
    Pin,
    PinSend,
    PinReceive,
    PinPublish,
    PinSubscribe,
    PinList,
    PinFlags,
    PinAdmin,
    PinExpiry,
    PinUses,
    PinDelete,
    MessageFrom,
    MessageTo,
    MessageGid,
    MessageType,
    MessageExpiry,
    MessageWhen,
    MessageFlags,
    MessageForced,
    MessageBody,
    MessageData,
    MessageTitle,
    MessageSubtitle,
    MessageUrl,
    MessageFileType,
    MessageSize,
    MessageThumbnail,
    MessageLatitude,
    MessageLongitude,
    MessageReply,
    MessageUser,
    MessageUid,
    MessagePeer,
    MessageBefore,
    MessageAfter,
    MessageBeforeTime,
    MessageDeleted,
    MessageAll,
    MessageRecall,
    MessageIds,
    AppId,
    AppName,
    AppActive,
    AppUsersMax,
    AppGroupsMax,
    AppMessagesMax,
    AppUrl,
    AppNotify,
    AppSecret,
    AppWebhookVersion,
    AppInterval,
    AppFcmId,
    AppFcmKey,
    AppPushFlags,
    AppFlags,
    AppRetention,
    AppUploadUrl,
    AppDownloadUrl,
    AppUploadMax,
    AppTokenPolicy,
    AppE2ee,
    AppIntercept,
    AppInterceptFail,
    AppWords,
    PushFile,
    PushFileName,
    PushType,
    PushBackground,
    PushSound,
    PushInterval,
    PushDebug,
    PushSandbox,
    PushDelete,
    PushAddress,
    PushUid,
    HookIds,
    StatsCount,
    StatsMonthly,
    Class,
    ClassId,
    ClassUpdate,
}

/// Why an operation was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminError {
    /// Its name.
    pub code: ErrorCode,
    /// One English sentence.
    pub cause: String,
    /// Parameters at fault.
    pub params: Vec<Param>,
}
