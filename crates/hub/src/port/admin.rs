//! What the backend may ask (`backend-api.md` section 2), free of its spellings.
//!
//! The HTTP side turns flat and JSON forms into a [`Call`] and a [`Reply`] into the envelope. A
//! call carries the outcome of reading its parameters, because the credential is judged before
//! them: a bad token with a bad operation is `AUTHFAIL`.

use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{GroupId, Uid};
use wire::time::Timestamp;

use super::store::{Group, Member, TokenHash, User};

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
}

/// A user named by number, by address, or by both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserRef {
    /// By number.
    pub uid: Option<Uid>,
    /// By address.
    pub address: Option<String>,
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
    /// May sign in.
    pub active: Option<bool>,
    /// `wire::mask::user`.
    pub flags: Option<u32>,
    /// Console mark.
    pub pinned: Option<bool>,
    /// Groups the user may create.
    pub groups_max: Option<u32>,
}

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
    /// `wire::mask::call`.
    pub call_flags: Option<u32>,
    /// `MESIBO_RESOLUTION_*`.
    pub resolution: Option<u32>,
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
}

/// An operation whose parameters are sound.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// `userdel`.
    UserDelete {
        /// Who.
        user: UserRef,
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
    /// `groupgetmembers`.
    MembersGet {
        /// Which group.
        gid: GroupId,
        /// Only members with a greater uid.
        after: Uid,
        /// At most so many.
        count: u32,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `appadd`.
    App {
        /// Its number.
        aid: wire::id::AppId,
        /// Its name.
        name: String,
        /// Shown once.
        token: String,
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

/// A row of `groupgetmembers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// Stored rights.
    pub member: Member,
    /// Effective `wire::mask::member` bits.
    pub effective: u32,
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
    AppName,
    UserAddress,
    UserUid,
    UserName,
    UserFlags,
    UserActive,
    UserPinned,
    UserGroups,
    UserProfile,
    TokenAppId,
    TokenExpiry,
    TokenV2,
    Gid,
    GroupName,
    GroupFlags,
    GroupExpiry,
    GroupExpiryExt,
    GroupActive,
    GroupPinned,
    GroupOwner,
    GroupCall,
    GroupProfile,
    GroupType,
    Members,
    MemberRights,
    MemberAdmin,
    MemberExpiry,
    Count,
    After,
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
