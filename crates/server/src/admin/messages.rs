//! Messages of the backend (`backend-api.md` 2.6).

use hub::port::admin::{ErrorCode, Letter, Operation, Param};
use wire::id::GroupId;
use wire::limits::{BODY_BYTES_MAX, LETTER_THUMBNAIL_BYTES_MAX};
use wire::mask::message as flag;
use wire::proto::{Content, File};

use super::fields::{Fields, Outcome, missing, refuse};

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
    if body.is_some() && data.is_some() {
        let cause = "a message has text (message) or bytes (data), not both";
        return Err(refuse(ErrorCode::BadParam, cause, P::MessageData));
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
