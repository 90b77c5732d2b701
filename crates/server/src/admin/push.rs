//! Operations on push messages (`backend-api.md` 2.10).

use bytes::Bytes;
use hub::port::admin::{ErrorCode, Operation, Param, PushFields, UserRef};
use hub::port::apps::push_kind;
use hub::port::store::App;
use serde_json::{Value, json};
use wire::id::Uid;
use wire::limits::PUSH_CREDENTIAL_BYTES_MAX;

use super::fields::{Fields, Outcome, missing, refuse};
use crate::push::credential;

use Param as P;

pub const UPLOAD: &[Param] = &[P::PushFile, P::PushFileName, P::PushType];
pub const SET: &[Param] = &[
    P::PushBackground,
    P::PushSound,
    P::PushInterval,
    P::PushDebug,
    P::PushSandbox,
    P::PushDelete,
];
pub const TEST: &[Param] = &[P::PushAddress, P::PushUid];

pub fn upload(fields: &Fields<'_>) -> Outcome<Operation> {
    let Some(file) = fields.bytes(P::PushFile, PUSH_CREDENTIAL_BYTES_MAX)? else {
        return Err(missing(&[P::PushFile]));
    };
    let name = fields.full_text(P::PushFileName)?.unwrap_or_default().to_ascii_lowercase();
    let kind = match (fields.full_text(P::PushType)?.as_deref(), name.rsplit_once('.')) {
        (Some("fcm"), _) | (None, Some((_, "json"))) => push_kind::FCM,
        (Some("apn"), _) | (None, Some((_, "p12"))) => push_kind::APN,
        _ => {
            let cause = "type is fcm or apn, or the name of the file ends in .json or .p12";
            return Err(refuse(ErrorCode::BadParam, cause, P::PushType));
        }
    };
    match credential::read(kind, Bytes::from(file)) {
        Ok(credential) => Ok(Operation::PushUpload { credential }),
        Err(error) => Err(refuse(ErrorCode::BadParam, &format!("{error:#}"), P::PushFile)),
    }
}

pub fn set(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::PushSet {
        fields: PushFields {
            background: fields.boolean(P::PushBackground)?,
            sound: fields.text(P::PushSound)?,
            interval_s: fields.integer(P::PushInterval)?,
            debug: fields.boolean(P::PushDebug)?,
            sandbox: fields.boolean(P::PushSandbox)?,
            remove: fields.list(P::PushDelete)?,
        },
    })
}

pub fn test(fields: &Fields<'_>) -> Outcome<Operation> {
    let uid = fields.integer(P::PushUid)?.map(Uid);
    let address = fields.full_text(P::PushAddress)?;
    match uid.is_none() && address.is_none() {
        true => Err(missing(&[P::PushAddress])),
        false => Ok(Operation::PushTest { user: UserRef { uid, address } }),
    }
}

/// Without secrets.
pub fn row(app: &App) -> Value {
    let settings = &app.settings;
    let credentials = settings.push_credentials.iter().map(|one| {
        let kind = if one.kind == push_kind::APN { "apn" } else { "fcm" };
        json!({"type": kind, "name": one.name, "expiry": one.expires_s})
    });
    json!({
        "background": u8::from(!settings.shows_pushes()),
        "sound": settings.push_sound,
        "interval": settings.push_interval_s,
        "debug": u8::from(settings.push_debug),
        "sandbox": u8::from(settings.push_sandbox),
        "credentials": credentials.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::parameters::Parameters;
    use super::*;
    use data_encoding::BASE64;

    fn upload_of(file: &[u8], name: &str) -> Outcome<Operation> {
        let object = json!({"push": {"file": BASE64.encode(file), "filename": name}});
        let Value::Object(object) = object else { unreachable!() };
        upload(&Fields { given: &Parameters(object), list_max: 1 })
    }

    #[test]
    fn a_file_that_is_no_credential_is_refused_with_what_is_wrong() {
        for (file, name, param) in [
            (&b"{}"[..], "account.json", P::PushFile),
            (b"{\"project_id\":\"p\",\"client_email\":\"e\",\"private_key\":\"k\",\"token_uri\":\"https://t.test\"}", "a.JSON", P::PushFile),
            (b"none", "app.p12", P::PushFile),
            (b"none", "app.txt", P::PushType),
            (&[0; PUSH_CREDENTIAL_BYTES_MAX + 1], "app.p12", P::PushFile),
        ] {
            assert_eq!(upload_of(file, name).unwrap_err().params, [param], "{name}");
        }
    }
}
