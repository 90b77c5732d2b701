//! Messages of the backend (`backend-api.md` 2.6).

use hub::port::admin::{ErrorCode, Letter, Operation, Param, UserRef, With};
use wire::id::{GroupId, MessageId, Uid};
use wire::limits::{
    BODY_BYTES_MAX, HISTORY_PAGE_MAX, LETTER_THUMBNAIL_BYTES_MAX, READ_MESSAGES_MAX,
};
use wire::mask::message as flag;
use wire::proto::{Content, File};
use wire::time::Timestamp;

use super::fields::{Fields, Outcome, is_web, missing, refuse};
use super::users::LIST_DEFAULT;

/// A year: how long a message waits when nobody said.
const EXPIRY_S: u32 = 31_536_000;
/// `MESIBO_FILETYPE_OTHER`
const FILE_TYPE_OTHER: u32 = 10;

use Param as P;

pub const SEND: &[Param] = &[
    P::MessageFrom,
    P::MessageTo,
    P::MessageGid,
    P::MessageType,
    P::MessageExpiry,
    P::MessageWhen,
    P::MessageFlags,
    P::MessageForced,
    P::MessageBody,
    P::MessageData,
    P::MessageTitle,
    P::MessageSubtitle,
    P::MessageUrl,
    P::MessageFileType,
    P::MessageSize,
    P::MessageThumbnail,
    P::MessageLatitude,
    P::MessageLongitude,
    P::MessageReply,
];

pub const GET: &[Param] = &[
    P::MessageUser,
    P::MessageUid,
    P::MessagePeer,
    P::MessageGid,
    P::MessageBefore,
    P::MessageAfter,
    P::MessageDeleted,
    P::Count,
];
pub const DELETE: &[Param] = &[
    P::MessageUser,
    P::MessageUid,
    P::MessagePeer,
    P::MessageGid,
    P::MessageBeforeTime,
    P::MessageAll,
    P::MessageRecall,
    P::MessageIds,
];

pub fn get(fields: &Fields<'_>) -> Outcome<Operation> {
    let place = |param| Ok(fields.number(param)?.map(|place| place as u64));
    Ok(Operation::MessagesGet {
        user: user(fields)?,
        with: with(fields)?,
        before: place(P::MessageBefore)?.filter(|at| *at > 0),
        after: place(P::MessageAfter)?,
        count: fields.integer(P::Count)?.unwrap_or(LIST_DEFAULT).clamp(1, HISTORY_PAGE_MAX),
        deleted: fields.boolean(P::MessageDeleted)?.unwrap_or(false),
    })
}

pub fn delete(fields: &Fields<'_>) -> Outcome<Operation> {
    let user = user(fields)?;
    let mids = fields.list(P::MessageIds)?;
    if !mids.is_empty() {
        let mids = mids.iter().map(|mid| MessageId::new(mid.parse().ok()?));
        let mids = mids.collect::<Option<Vec<_>>>();
        let mids = mids.filter(|mids| mids.len() <= READ_MESSAGES_MAX).ok_or_else(|| {
            let cause = "mid is one number of a message or a list of up to 4096";
            refuse(ErrorCode::BadParam, cause, P::MessageIds)
        })?;
        return Ok(Operation::MessagesRecall { user, mids });
    }
    let with = with(fields)?;
    if with.is_none() && fields.boolean(P::MessageAll)? != Some(true) {
        return Err(missing(&[P::MessageIds, P::MessagePeer, P::MessageGid, P::MessageAll]));
    }
    let before = fields.number(P::MessageBeforeTime)?;
    let before = before.map_or(u64::MAX >> 1, |seconds| (seconds * 1000.0) as u64);
    let recall = fields.boolean(P::MessageRecall)?.unwrap_or(false);
    Ok(Operation::MessagesDelete { user, with, before: Timestamp(before), recall })
}

fn user(fields: &Fields<'_>) -> Outcome<UserRef> {
    let (uid, address) = (fields.integer(P::MessageUid)?, fields.full_text(P::MessageUser)?);
    if uid.is_none() && address.is_none() {
        return Err(missing(&[P::MessageUser, P::MessageUid]));
    }
    Ok(UserRef { uid: uid.map(Uid), address })
}

fn with(fields: &Fields<'_>) -> Outcome<Option<With>> {
    let gid = fields.integer(P::MessageGid)?.filter(|gid| *gid != 0);
    Ok(match gid {
        Some(gid) => Some(With::Group(GroupId(gid))),
        None => fields.full_text(P::MessagePeer)?.map(With::User),
    })
}

pub fn send(fields: &Fields<'_>) -> Outcome<Operation> {
    let from = fields.full_text(P::MessageFrom)?;
    let to = fields.list(P::MessageTo)?;
    let gid = fields.integer(P::MessageGid)?.filter(|gid| *gid != 0);
    let body = fields.text(P::MessageBody)?;
    let data = fields.bytes(P::MessageData, BODY_BYTES_MAX)?;
    let url = fields.full_text(P::MessageUrl)?;
    let (latitude, longitude) =
        (fields.number(P::MessageLatitude)?, fields.number(P::MessageLongitude)?);

    let mut absent = Vec::new();
    if from.is_none() {
        absent.push(P::MessageFrom);
    }
    if to.is_empty() && gid.is_none() {
        absent.extend([P::MessageTo, P::MessageGid]);
    }
    let says_nothing = body.as_ref().is_none_or(String::is_empty) && data.is_none();
    if says_nothing && url.is_none() && latitude.is_none() {
        absent.push(P::MessageBody);
    }
    let (Some(from), true) = (from, absent.is_empty()) else { return Err(missing(&absent)) };
    if body.as_ref().is_some_and(|body| !body.is_empty()) && data.is_some() {
        let cause = "a message has text (message) or bytes (data), not both";
        return Err(refuse(ErrorCode::BadParam, cause, P::MessageData));
    }
    // Pages make links of it: what runs when it is opened is none.
    if url.as_ref().is_some_and(|url| !is_web(&url.to_ascii_lowercase())) {
        let cause = "the URL of a file begins with https:// or http://";
        return Err(refuse(ErrorCode::BadParam, cause, P::MessageUrl));
    }
    let file = match url {
        None => None,
        Some(url) => Some(File {
            r#type: fields.integer(P::MessageFileType)?.unwrap_or(FILE_TYPE_OTHER),
            size: fields.number(P::MessageSize)?.unwrap_or(0.0) as u64,
            thumbnail: fields
                .bytes(P::MessageThumbnail, LETTER_THUMBNAIL_BYTES_MAX)?
                .unwrap_or_default()
                .into(),
            url,
            ..File::default()
        }),
    };
    let content = Content {
        body: data.unwrap_or_else(|| body.unwrap_or_default().into_bytes()).into(),
        title: fields.text(P::MessageTitle)?.unwrap_or_default(),
        subtitle: fields.text(P::MessageSubtitle)?.unwrap_or_default(),
        latitude,
        longitude,
        file,
        in_reply_to: fields.number(P::MessageReply)?.unwrap_or(0.0) as u64,
        ..Content::default()
    };
    Ok(Operation::Message(Letter {
        from,
        to,
        gid: gid.map(GroupId),
        kind: fields.integer(P::MessageType)?.unwrap_or(0),
        flags: fields.integer(P::MessageFlags)?.unwrap_or(flag::DEFAULT),
        expiry_s: fields.integer(P::MessageExpiry)?.unwrap_or(EXPIRY_S),
        when_s: fields.integer(P::MessageWhen)?.unwrap_or(0),
        forced: fields.boolean(P::MessageForced)?.unwrap_or(false),
        content,
    }))
}
