//! Feature classes as backends give and read them (`backend-api.md` 2.11): all that is given is kept
//! and given back; what of it is enforced is read out of it.

use hub::port::admin::{ErrorCode, Operation, Param};
use hub::port::apps::feature::own;
use hub::port::apps::{Class, ClassField, ClassFields, ClassPatch, Rate, number, rate};
use prost::Message as _;
use serde_json::{Map, Value};
use wire::limits::{APP_SETTING_BYTES_MAX, CLASS_WINDOWS_MAX};

use super::fields::{Fields, Outcome, boolean, integer, is_web, missing, refuse};

use Param as P;

/// The object first, then what is in it.
pub const SET: &[Param] = &[P::Class, P::ClassId, P::ClassUpdate];
pub const ONE: &[Param] = &[P::ClassId];

/// Between the names of a path; control characters are in no name.
const WITHIN: char = '\u{1}';

/// What is 0 or 1, and enforced.
const SWITCHES: [(&str, u64); 40] = [
    ("features.group", own::GROUPS),
    ("features.message", own::MESSAGES),
    ("features.presence", own::PRESENCE),
    ("features.call", own::CALLS),
    ("features.sync", own::SYNC),
    ("features.push", own::PUSH),
    ("features.files", own::FILES),
    ("features.location", own::LOCATION),
    ("message.incoming", own::MESSAGE_IN),
    ("message.outgoing", own::MESSAGE_OUT),
    ("message.rich", own::RICH),
    ("message.broadcast", own::BROADCAST),
    ("message.read_receipts", own::READ_RECEIPTS),
    ("message.delivery_receipts", own::DELIVERY_RECEIPTS),
    ("message.storage", own::STORAGE),
    ("message.webhook", own::NO_WEBHOOK),
    ("presence.incoming", own::PRESENCE_IN),
    ("presence.outgoing", own::PRESENCE_OUT),
    ("presence.typing", own::TYPING),
    ("presence.online", own::ONLINE),
    ("presence.joined", own::JOINED),
    ("presence.lastseen", own::LAST_SEEN),
    ("call.incoming", own::CALL_IN),
    ("call.outgoing", own::CALL_OUT),
    ("call.video", own::CALL_VIDEO),
    ("call.audio", own::CALL_AUDIO),
    ("call.turn", own::CALL_TURN),
    ("call.log", own::CALL_LOG),
    ("conf.audio", own::CONF_AUDIO),
    ("conf.video", own::CONF_VIDEO),
    ("conf.screen", own::CONF_SCREEN),
    ("conf.hd", own::CONF_HD),
    ("conf.fhd", own::CONF_FHD),
    ("group.create", own::GROUP_CREATE),
    ("group.member", own::GROUP_MEMBER),
    ("group.message", own::GROUP_MESSAGE),
    ("group.presence", own::GROUP_PRESENCE),
    ("group.call", own::GROUP_CALL),
    ("file.upload", own::UPLOAD),
    ("file.signed", own::UNSIGNED),
];

const NUMBERS: [(&str, usize); 5] = [
    ("group.max_groups", number::GROUPS),
    ("file.max_size", number::FILE_MB),
    ("call.maxdur", number::CALL_S),
    ("conf.maxdur", number::CONF_S),
    ("presence.lastseen_resolution", number::LAST_SEEN_S),
];

const RATES: [(&str, u32); 4] = [
    ("ratelimit.message", rate::MESSAGE),
    ("ratelimit.call", rate::CALL),
    ("ratelimit.upload", rate::UPLOAD),
    ("ratelimit.login", rate::LOGIN),
];

pub fn set(fields: &Fields<'_>) -> Outcome<Operation> {
    let Some(Value::Object(given)) = fields.object(P::Class) else {
        return Err(missing(&[P::Class]));
    };
    let id = fields.integer(P::ClassId)?.filter(|id| *id > 0);
    let id = id.ok_or_else(|| missing(&[P::ClassId]))?;
    let update = fields.boolean(P::ClassUpdate)?.unwrap_or(false);
    let mut patch = ClassPatch::default();
    flatten(given, String::new(), &mut patch.fields)?;
    patch.fields.retain(|field| !["id", "update"].contains(&field.path.as_str()));
    let value = |path: &str| {
        let mut names = path.split('.');
        let first = given.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name)).filter(|value| !value.is_null())
    };
    for (path, bit) in SWITCHES {
        if let Some(value) = value(path) {
            let given = boolean(value, P::Class).map_err(|_| broken(path, "is neither 0 nor 1"))?;
            // The only one that takes something away when it is on.
            match given != (bit == own::UNSIGNED) {
                true => patch.allowed |= bit,
                false => patch.denied |= bit,
            }
        }
    }
    for (path, place) in NUMBERS {
        if let Some(value) = value(path) {
            patch.numbers[place] =
                integer(value, P::Class).map_err(|_| broken(path, "is no number of 32 bits"))?;
        }
    }
    for (path, kind) in RATES {
        if let Some(value) = value(path) {
            let text = value.as_str().unwrap_or("?");
            let rates = rates(kind, text).ok_or_else(|| broken(path, RATE_HELP))?;
            patch.rates.push((kind, rates));
        }
    }
    if let Some(value) = value("file.upload_url") {
        let url = value.as_str().filter(|url| is_upload_url(url));
        let url = url.ok_or_else(|| broken("file.upload_url", "is neither empty nor an URL"))?;
        patch.upload_url = Some(url.into());
    }
    Ok(Operation::ClassSet { id, update, patch })
}

const RATE_HELP: &str = "is not like 60:30,600:60 (seconds:times, at most 8 of them)";

pub fn get(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::ClassesGet { id: fields.integer(P::ClassId)?.filter(|id| *id > 0) })
}

pub fn delete(fields: &Fields<'_>) -> Outcome<Operation> {
    let id = fields.integer(P::ClassId)?.ok_or_else(|| missing(&[P::ClassId]))?;
    Ok(Operation::ClassDelete { id })
}

/// Whether clients can be told to upload there.
pub fn is_upload_url(url: &str) -> bool {
    url.is_empty() || is_web(url) && url.len() <= APP_SETTING_BYTES_MAX
}

fn broken(path: &str, how: &str) -> hub::port::admin::AdminError {
    refuse(ErrorCode::BadParam, &format!("{path} {how}"), P::Class)
}

/// `60:30,600:60`; empty = none.
fn rates(kind: u32, text: &str) -> Option<Vec<Rate>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let rate = |part: &str| {
        let (window, count) = part.split_once(':')?;
        let (window_s, count) = (window.trim().parse().ok()?, count.trim().parse().ok()?);
        (window_s > 0).then_some(Rate { kind, window_s, count })
    };
    let rates: Vec<_> = parts.map(rate).collect::<Option<_>>()?;
    (rates.len() <= CLASS_WINDOWS_MAX).then_some(rates)
}

fn flatten(from: &Map<String, Value>, within: String, to: &mut Vec<ClassField>) -> Outcome<()> {
    for (name, value) in from {
        if name.chars().any(char::is_control) {
            return Err(refuse(ErrorCode::BadParam, "a name has control characters", P::Class));
        }
        let path = match within.as_str() {
            "" => name.clone(),
            within => format!("{within}{WITHIN}{name}"),
        };
        match value {
            Value::Null => {}
            Value::Object(section) if !section.is_empty() => flatten(section, path, to)?,
            value => to.push(ClassField { path, value: value.to_string() }),
        }
    }
    Ok(())
}

/// As it was given.
pub fn row(class: &Class) -> Value {
    let given = ClassFields::decode(&class.given[..]).unwrap_or_default();
    let mut row = Map::new();
    for field in &given.fields {
        let mut names: Vec<_> = field.path.split(WITHIN).collect();
        let last = names.pop().unwrap_or_default();
        let section = names.into_iter().try_fold(&mut row, |section, name| {
            section.entry(name).or_insert_with(|| Map::new().into()).as_object_mut()
        });
        if let (Some(section), Ok(value)) = (section, serde_json::from_str(&field.value)) {
            section.insert(last.into(), value);
        }
    }
    row.insert("id".into(), class.id.into());
    row.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::parameters::Parameters;
    use super::*;

    fn parse(uac: Value) -> Outcome<ClassPatch> {
        let Value::Object(map) = json!({ "uac": uac }) else { unreachable!() };
        match set(&Fields { given: &Parameters(map), list_max: 1 })? {
            Operation::ClassSet { patch, .. } => Ok(patch),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_given_is_given_back_and_read() {
        let given = json!({"id": 7, "name": "guests", "features": {"call": 0, "push": "1"},
            "group": {"max_groups": "3"}, "location": {"user": {"reach": 5}},
            "ratelimit": {"message": "60:30, 600:60"}});
        let patch = parse(given.clone()).unwrap();
        assert_eq!((patch.denied, patch.allowed), (own::CALLS, own::PUSH));
        assert_eq!(patch.numbers[number::GROUPS], Some(3));
        let expected = [(60, 30), (600, 60)].map(|(window_s, count)| Rate {
            kind: rate::MESSAGE,
            window_s,
            count,
        });
        assert_eq!(patch.rates, [(rate::MESSAGE, expected.to_vec())]);
        let given_fields = ClassFields { fields: patch.fields }.encode_to_vec().into();
        assert_eq!(row(&Class { id: 7, given: given_fields, ..Class::default() }), given);
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_name() {
        for (broken, path) in [
            (json!({"id": 1, "call": {"video": 2}}), "call.video"),
            (json!({"id": 1, "file": {"max_size": -1}}), "file.max_size"),
            (json!({"id": 1, "ratelimit": {"login": "60"}}), "ratelimit.login"),
            (json!({"id": 1, "file": {"upload_url": "ftp://x"}}), "file.upload_url"),
        ] {
            let error = parse(broken).unwrap_err();
            assert!(error.cause.starts_with(path), "{}", error.cause);
        }
        assert_eq!(parse(json!({"name": "x"})).unwrap_err().code, ErrorCode::MissingParam);
    }
}
