//! Operations on users and tokens (`backend-api.md` 2.2).

use hub::port::admin::{ErrorCode, Operation, Param, TokenWish, UserFields, UserRef};
use hub::port::apps::Filter;
use serde_json::Value;
use wire::id::Uid;
use wire::limits::{HISTORY_PAGE_MAX, OTP_EXPIRY_S_MAX, OTP_TRIES_MAX};

use super::fields::{Fields, Outcome, missing, refuse};

/// Life of a token nobody gave one: a year, in minutes.
const TOKEN_EXPIRY_MINUTES: u32 = 525_600;
/// Rows of a list nobody gave a number.
pub const LIST_DEFAULT: u32 = 20;
/// Wrong attempts and seconds of a one-time code nobody gave them.
const OTP_TRIES: u32 = 5;
const OTP_EXPIRY_S: u32 = 300;

use Param as P;

pub const ADD: &[Param] = &[
    P::UserAddress,
    P::UserName,
    P::UserActive,
    P::UserFlags,
    P::UserGroups,
    P::UserPinned,
    P::UserStatus,
    P::UserInfo,
    P::UserImage,
    P::UserUac,
    P::UserE2ee,
    P::UserOtp,
    P::TokenAppId,
    P::TokenExpiry,
    P::TokenV2,
];
pub const SET: &[Param] = &[
    P::UserUid,
    P::UserAddress,
    P::UserName,
    P::UserActive,
    P::UserFlags,
    P::UserGroups,
    P::UserPinned,
    P::UserStatus,
    P::UserInfo,
    P::UserImage,
    P::UserUac,
    P::UserE2ee,
    P::TokenRemove,
    P::TokenAppId,
    P::TokenExpiry,
    P::TokenV2,
];
pub const TOKEN: &[Param] =
    &[P::UserUid, P::UserAddress, P::TokenAppId, P::TokenExpiry, P::TokenV2, P::TokenRemove];
pub const ONE: &[Param] = &[P::UserUid, P::UserAddress];
pub const EXPORT: &[Param] = &[P::UserUid, P::UserAddress, P::Place, P::Count];
pub const DELETE_TOKEN: &[Param] = &[P::UserToken, P::UserUid, P::UserAddress, P::TokenAppId];
pub const GET: &[Param] = &[P::UserPattern, P::UserUid, P::UserOnline, P::Count, P::After];
pub const OTP: &[Param] = &[P::OtpAddress, P::OtpTries, P::OtpExpiry, P::OtpReuse];

pub fn add(fields: &Fields<'_>) -> Outcome<Operation> {
    let Some(address) = fields.full_text(P::UserAddress)? else {
        return Err(missing(&[P::UserAddress]));
    };
    let token = wants_token(fields).then(|| token_wish(fields)).transpose()?;
    Ok(Operation::UserAdd { address, fields: user_fields(fields)?, token })
}

pub fn set(fields: &Fields<'_>) -> Outcome<Operation> {
    let user = user(fields)?;
    let changed = UserFields { otp: None, ..user_fields(fields)? };
    if fields.boolean(P::TokenRemove)? == Some(true) {
        let remove = Some(fields.full_text(P::TokenAppId)?);
        return Ok(Operation::UserSet { user, fields: changed, remove, token: None });
    }
    // A token that is not to be removed is not asked for by that.
    let says_so = fields.object(P::TokenRemove).is_some();
    let names_one = [P::TokenAppId, P::TokenV2].into_iter().any(|it| fields.object(it).is_some());
    let wants = wants_token(fields) && (!says_so || names_one);
    let token = wants.then(|| token_wish(fields)).transpose()?;
    Ok(Operation::UserSet { user, fields: changed, remove: None, token })
}

pub fn token(fields: &Fields<'_>) -> Outcome<Operation> {
    if fields.boolean(P::TokenRemove)? == Some(true) {
        let app = fields.full_text(P::TokenAppId)?;
        return Ok(Operation::UserTokenDelete { user: user(fields)?, app });
    }
    match (user(fields), token_wish(fields)) {
        (Ok(user), Ok(token)) => Ok(Operation::UserToken { user, token }),
        (Err(one), Err(other)) if one.code == ErrorCode::MissingParam && other.code == one.code => {
            Err(missing(&[one.params, other.params].concat()))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

pub fn delete(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::UserDelete { user: user(fields)? })
}

pub fn delete_token(fields: &Fields<'_>) -> Outcome<Operation> {
    if let Some(token) = fields.full_text(P::UserToken)? {
        return Ok(Operation::TokenDelete { hash: hub::hash_token(&token) });
    }
    let user = user(fields).map_err(|error| match error.code {
        ErrorCode::MissingParam => missing(&[P::UserToken, P::UserUid]),
        _ => error,
    })?;
    Ok(Operation::UserTokenDelete { user, app: fields.full_text(P::TokenAppId)? })
}

pub fn get(fields: &Fields<'_>) -> Outcome<Operation> {
    let pattern = fields.full_text(P::UserPattern)?.unwrap_or_else(|| "*".into());
    let filter = Filter { pattern, id: fields.integer(P::UserUid)?, ..page(fields)? };
    Ok(Operation::UsersGet { filter, online: fields.boolean(P::UserOnline)? })
}

pub fn export(fields: &Fields<'_>) -> Outcome<Operation> {
    let after = fields.number(P::Place)?.unwrap_or(0.0) as u64;
    let count = fields.integer(P::Count)?.unwrap_or(HISTORY_PAGE_MAX);
    let count = count.clamp(1, HISTORY_PAGE_MAX);
    Ok(Operation::UserExport { user: user(fields)?, after, count })
}

pub fn erase(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::UserErase { user: user(fields)?, rest: false })
}

pub fn otp(fields: &Fields<'_>) -> Outcome<Operation> {
    let Some(address) = fields.full_text(P::OtpAddress)? else {
        return Err(missing(&[P::OtpAddress]));
    };
    let tries = fields.integer(P::OtpTries)?.unwrap_or(OTP_TRIES);
    let expiry_s = fields.integer(P::OtpExpiry)?.unwrap_or(OTP_EXPIRY_S);
    if !(1..=OTP_TRIES_MAX).contains(&tries) {
        return Err(refuse(ErrorCode::BadParam, "tries can be 1 to 100", P::OtpTries));
    }
    if !(1..=OTP_EXPIRY_S_MAX).contains(&expiry_s) {
        return Err(refuse(ErrorCode::BadParam, "expiry can be 1 to 86400 s", P::OtpExpiry));
    }
    let reuse = fields.boolean(P::OtpReuse)?.unwrap_or(false);
    Ok(Operation::Otp { address, tries, expiry_s, reuse })
}

/// Which part of a list.
pub fn page(fields: &Fields<'_>) -> Outcome<Filter> {
    let count = fields.integer(P::Count)?.unwrap_or(LIST_DEFAULT);
    Ok(Filter {
        after: fields.integer(P::After)?.unwrap_or(0),
        count: count.clamp(1, fields.list_max),
        ..Filter::default()
    })
}

fn user(fields: &Fields<'_>) -> Outcome<UserRef> {
    let uid = fields.integer(P::UserUid)?;
    let address = fields.full_text(P::UserAddress)?;
    if uid.is_none() && address.is_none() {
        return Err(missing(&[P::UserUid, P::UserAddress]));
    }
    Ok(UserRef { uid: uid.map(Uid), address })
}

/// The flat form makes a token when an app id or v2 is given, the JSON form when there is a
/// `token` object.
fn wants_token(fields: &Fields<'_>) -> bool {
    if !fields.has_object("user") {
        return fields.flat(P::TokenAppId).is_some() || fields.flat(P::TokenV2).is_some();
    }
    let user = fields.given.get("user").and_then(Value::as_object);
    user.and_then(|user| user.get("token")).is_some_and(Value::is_object)
}

fn token_wish(fields: &Fields<'_>) -> Outcome<TokenWish> {
    let app = fields.text(P::TokenAppId)?.unwrap_or_default();
    let any_app = fields.boolean(P::TokenV2)?.unwrap_or(false);
    if app.is_empty() && !any_app {
        let cause = "the app id of the token is missing (only a v2 token has none)";
        return Err(refuse(ErrorCode::MissingParam, cause, P::TokenAppId));
    }
    let expiry_minutes = fields.integer(P::TokenExpiry)?.unwrap_or(TOKEN_EXPIRY_MINUTES);
    Ok(TokenWish { app, any_app, expiry_minutes })
}

fn user_fields(fields: &Fields<'_>) -> Outcome<UserFields> {
    Ok(UserFields {
        name: fields.text(P::UserName)?,
        status: fields.text(P::UserStatus)?,
        image: fields.text(P::UserImage)?,
        info: fields.text(P::UserInfo)?,
        active: fields.boolean(P::UserActive)?,
        flags: fields.integer(P::UserFlags)?,
        pinned: fields.boolean(P::UserPinned)?,
        groups_max: fields.integer(P::UserGroups)?,
        uac: fields.integer(P::UserUac)?,
        e2ee: fields.boolean(P::UserE2ee)?,
        otp: fields.text(P::UserOtp)?,
        values: None,
    })
}
