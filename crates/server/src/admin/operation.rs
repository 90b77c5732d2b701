//! Parameters of a request turned into an operation that cannot be wrong.
//!
//! Each operation has a flat form (`addr=…`) and a JSON form (`{"user":{"address":…}}`); both
//! may be there, and then the object wins field by field. [`path`] says how a parameter is called
//! in the form that was used.

use hub::port::admin::{
    AdminError, ErrorCode, GroupFields, MemberFields, Operation, Param, TokenWish, UserFields,
    UserRef,
};
use serde_json::{Map, Value};
use wire::id::{GroupId, Uid};
use wire::limits::{
    ADDRESS_BYTES_MAX, ADMIN_LIST_MAX, IMAGE_URL_BYTES_MAX, NAME_BYTES_MAX, STATUS_BYTES_MAX,
};
use wire::mask::{admin as admin_flag, member as right};

use super::parameters::Parameters;

/// Life of a token nobody gave one: a year, in minutes.
const TOKEN_EXPIRY_MINUTES: u32 = 525_600;

type Outcome<T> = Result<T, AdminError>;

/// Reads the operation a request names.
pub fn read(op: &str, parameters: &Parameters) -> Outcome<Operation> {
    match op {
        "appadd" => app_add(parameters),
        "useradd" => user_add(&Fields::new(parameters, "user")),
        "usertoken" => user_token(&Fields::new(parameters, "user")),
        "userdel" | "deluser" => {
            Ok(Operation::UserDelete { user: user(&Fields::new(parameters, "user"))? })
        }
        "groupadd" => group_add(&Fields::new(parameters, "group")),
        "groupset" | "groupedit" => group_set(&Fields::new(parameters, "group")),
        "groupdel" => Ok(Operation::GroupDelete { gid: gid(&Fields::new(parameters, "group"))? }),
        "groupeditmembers" | "addmembers" => edit_members(&Fields::new(parameters, "group")),
        "groupgetmembers" | "getmembers" | "groupmembers" => {
            get_members(&Fields::new(parameters, "group"))
        }
        "userset" | "useredit" | "deltoken" | "usertokendel" | "usersget" | "users" | "userget"
        | "otp" | "groupsget" | "groups" | "groupget" | "grouppin" | "groupadmit" | "message"
        | "messagesget" | "msgget" | "messagedel" | "msgdel" | "appset" | "appget" | "appsget"
        | "apptoken" | "appdel" | "appstats" | "appapn" | "pushupload" | "pushset" | "pushtest"
        | "uacset" | "uacget" | "uacdel" | "upload" | "onpset" | "groupgetmedia" => {
            let cause = format!("{op} is not part of this release");
            Err(AdminError { code: ErrorCode::Unsupported, cause, params: vec![Param::Op] })
        }
        "" => Err(refuse(ErrorCode::BadOp, "the request names no operation (op)", Param::Op)),
        _ => Err(refuse(ErrorCode::BadOp, "there is no such operation", Param::Op)),
    }
}

/// What a parameter is called in the flat or in the JSON form.
pub fn path(param: Param, json: bool) -> &'static str {
    let (flat, object) = match param {
        Param::Op => ("op", "op"),
        Param::Token => ("token", "token"),
        Param::Key => ("key", "key"),
        Param::AppName => ("name", "name"),
        Param::UserAddress => ("addr", "user.address"),
        Param::UserUid => ("uid", "user.uid"),
        Param::UserName => ("name", "user.name"),
        Param::UserFlags => ("flag", "user.flags"),
        Param::UserActive => ("active", "user.active"),
        Param::UserPinned => ("pinned", "user.pinned"),
        Param::UserGroups => ("groups", "user.groups"),
        Param::UserProfile => ("profile", "user.profile"),
        Param::TokenAppId => ("appid", "user.token.appid"),
        Param::TokenExpiry => ("expiry", "user.token.expiry"),
        Param::TokenV2 => ("v2", "user.token.v2"),
        Param::Gid => ("gid", "group.gid"),
        Param::GroupName => ("name", "group.name"),
        Param::GroupFlags => ("flag", "group.flags"),
        Param::GroupExpiry => ("expiry", "group.expiry"),
        Param::GroupExpiryExt => ("expiryext", "group.expiryext"),
        Param::GroupActive => ("active", "group.active"),
        Param::GroupPinned => ("pinned", "group.pinned"),
        Param::GroupOwner => ("owner", "group.owner"),
        Param::GroupCall => ("sflags", "group.call"),
        Param::GroupProfile => ("profile", "group.profile"),
        Param::GroupType => ("type", "group.type"),
        Param::Members => ("m", "group.members.m"),
        Param::MemberRights => ("cs", "group.members.permissions"),
        Param::MemberAdmin => ("admin", "group.members.admin"),
        Param::MemberExpiry => ("expiry", "group.members.expiry"),
        Param::Count => ("count", "count"),
        Param::After => ("after", "after"),
    };
    if json { object } else { flat }
}

// ---- operations --------------------------------------------------------------------------

fn app_add(parameters: &Parameters) -> Outcome<Operation> {
    let fields = Fields::new(parameters, "app");
    let name = fields.text(fields.find("name", &["name"]), Param::AppName, 64)?;
    match name {
        None => Err(refuse(ErrorCode::MissingParam, "name is missing", Param::AppName)),
        Some(name) if name.len() < 2 => {
            Err(refuse(ErrorCode::BadParam, "name has less than 2 characters", Param::AppName))
        }
        Some(name) => Ok(Operation::AppAdd { name }),
    }
}

fn user_add(fields: &Fields<'_>) -> Outcome<Operation> {
    let address = fields.find("addr", &["address"]);
    let address = fields.text(address, Param::UserAddress, ADDRESS_BYTES_MAX)?;
    let Some(address) = address.filter(|address| !address.is_empty()) else {
        return Err(refuse(ErrorCode::MissingParam, "the address is missing", Param::UserAddress));
    };
    let token = fields.wants_token().then(|| token_wish(fields)).transpose()?;
    Ok(Operation::UserAdd { address, fields: user_fields(fields)?, token })
}

fn user_token(fields: &Fields<'_>) -> Outcome<Operation> {
    let user = user(fields)?;
    let remove = fields.find("delete", &["token", "remove"]);
    if fields.boolean(remove, Param::Token)? == Some(true) {
        let app = fields.find("appid", &["token", "appid"]);
        let app = fields.text(app, Param::TokenAppId, 128)?.filter(|app| !app.is_empty());
        return Ok(Operation::UserTokenDelete { user, app });
    }
    Ok(Operation::UserToken { user, token: token_wish(fields)? })
}

fn group_add(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::GroupAdd {
        fields: group_fields(fields)?,
        members: members(fields)?,
        rights: member_fields(fields)?,
    })
}

fn group_set(fields: &Fields<'_>) -> Outcome<Operation> {
    if fields.find("type", &["type"]).is_some() {
        let cause = "permissions by message type are not part of this release";
        return Err(refuse(ErrorCode::Unsupported, cause, Param::GroupType));
    }
    let changed = group_fields(fields)?;
    Ok(Operation::GroupSet {
        gid: gid(fields)?,
        // An empty name means unchanged.
        fields: GroupFields { name: changed.name.filter(|name| !name.is_empty()), ..changed },
        members: members(fields)?,
        rights: member_fields(fields)?,
    })
}

fn edit_members(fields: &Fields<'_>) -> Outcome<Operation> {
    let gid = gid(fields);
    let members = members(fields)?;
    if members.is_empty() {
        let mut missing = refuse(ErrorCode::MissingParam, "members are missing", Param::Members);
        if let Err(no_gid) = gid {
            missing.params.splice(0..0, no_gid.params);
        }
        return Err(missing);
    }
    let gid = gid?;
    let remove = fields
        .find("delete", &["members", "remove"])
        .or_else(|| fields.find("delete", &["delete"]))
        .or_else(|| fields.find("delete", &["remove"]));
    if fields.boolean(remove, Param::Members)? == Some(true) {
        return Ok(Operation::MembersRemove { gid, members });
    }
    Ok(Operation::MembersEdit { gid, members, rights: member_fields(fields)? })
}

fn get_members(fields: &Fields<'_>) -> Outcome<Operation> {
    let count = fields.integer(fields.top("count"), Param::Count)?.unwrap_or(20);
    let after = fields.integer(fields.top("after"), Param::After)?.unwrap_or(0);
    Ok(Operation::MembersGet {
        gid: gid(fields)?,
        after: Uid(after),
        count: count.clamp(1, ADMIN_LIST_MAX),
    })
}

// ---- parts of operations -----------------------------------------------------------------

fn user(fields: &Fields<'_>) -> Outcome<UserRef> {
    let uid = fields.integer(fields.find("uid", &["uid"]), Param::UserUid)?;
    let address = fields.find("addr", &["address"]);
    let address = fields.text(address, Param::UserAddress, ADDRESS_BYTES_MAX)?;
    let address = address.filter(|address| !address.is_empty());
    if uid.is_none() && address.is_none() {
        return Err(AdminError {
            code: ErrorCode::MissingParam,
            cause: "uid or address of the user is missing".into(),
            params: vec![Param::UserUid, Param::UserAddress],
        });
    }
    Ok(UserRef { uid: uid.map(Uid), address })
}

fn token_wish(fields: &Fields<'_>) -> Outcome<TokenWish> {
    let app = fields.find("appid", &["token", "appid"]);
    let app = fields.text(app, Param::TokenAppId, 128)?.unwrap_or_default();
    let any_app = fields.boolean(fields.find("v2", &["token", "v2"]), Param::TokenV2)?;
    let any_app = any_app.unwrap_or(false);
    if app.is_empty() && !any_app {
        let cause = "the app id of the token is missing (only a v2 token has none)";
        return Err(refuse(ErrorCode::MissingParam, cause, Param::TokenAppId));
    }
    let expiry = fields.find("expiry", &["token", "expiry"]);
    let expiry = fields.integer(expiry, Param::TokenExpiry)?;
    Ok(TokenWish { app, any_app, expiry_minutes: expiry.unwrap_or(TOKEN_EXPIRY_MINUTES) })
}

fn user_fields(fields: &Fields<'_>) -> Outcome<UserFields> {
    let name = fields.find("name", &["name"]).or_else(|| fields.find("name", &["profile", "name"]));
    let profile = |name: &'static str| fields.find("", &["profile", name]);
    let flags = fields.find("flag", &["flags"]).or_else(|| fields.find("flag", &["flag"]));
    let pinned = fields.find("pinned", &["pinned"]).or_else(|| fields.find("pin", &["pinned"]));
    Ok(UserFields {
        name: fields.text(name, Param::UserName, NAME_BYTES_MAX)?,
        status: fields.text(profile("status"), Param::UserProfile, STATUS_BYTES_MAX)?,
        image: fields.text(profile("image"), Param::UserProfile, IMAGE_URL_BYTES_MAX)?,
        active: fields.boolean(fields.find("active", &["active"]), Param::UserActive)?,
        flags: fields.integer(flags, Param::UserFlags)?,
        pinned: fields.boolean(pinned, Param::UserPinned)?,
        groups_max: fields.integer(fields.find("groups", &["groups"]), Param::UserGroups)?,
        values: None,
    })
}

fn gid(fields: &Fields<'_>) -> Outcome<GroupId> {
    match fields.integer(fields.find("gid", &["gid"]), Param::Gid)? {
        None => Err(refuse(ErrorCode::MissingParam, "the group id is missing", Param::Gid)),
        Some(gid) => Ok(GroupId(gid)),
    }
}

fn group_fields(fields: &Fields<'_>) -> Outcome<GroupFields> {
    let flags = fields.find("flag", &["flags"]).or_else(|| fields.find("flag", &["flag"]));
    let profile = |name: &'static str| fields.find("", &["profile", name]);
    let name = fields.find("name", &["name"]).or_else(|| profile("name"));
    let (mut call_flags, mut resolution) = (None, None);
    // Packed: bits 0..23 call flags, 24..31 resolution; -1 leaves both.
    if let Some(packed) = fields.integer(fields.find("sflags", &[]), Param::GroupCall)? {
        call_flags = Some(packed & 0x00ff_ffff);
        resolution = Some(packed >> 24);
    }
    let call = |name: &'static str| fields.find("", &["call", name]);
    if let Some(flags) = fields.integer(call("flags"), Param::GroupCall)? {
        call_flags = Some(flags);
    }
    if let Some(code) = fields.integer(call("resolution"), Param::GroupCall)? {
        resolution = Some(code);
    }
    let owner = fields.find("", &["owner"]).or_else(|| fields.find("", &["uid"]));
    let owner = owner.map(|value| match as_integer(value) {
        Some(uid) => Ok(UserRef { uid: Some(Uid(uid)), address: None }),
        None => {
            let address = fields.text(Some(value), Param::GroupOwner, ADDRESS_BYTES_MAX)?;
            Ok(UserRef { uid: None, address })
        }
    });
    let extension = fields.find("expiryext", &["expiryext"]);
    Ok(GroupFields {
        name: fields.text(name, Param::GroupName, NAME_BYTES_MAX)?,
        status: fields.text(profile("status"), Param::GroupProfile, STATUS_BYTES_MAX)?,
        image: fields.text(profile("image"), Param::GroupProfile, IMAGE_URL_BYTES_MAX)?,
        values: None,
        flags: fields.integer(flags, Param::GroupFlags)?,
        call_flags,
        resolution,
        expiry_s: fields.integer(fields.find("expiry", &["expiry"]), Param::GroupExpiry)?,
        expiry_extension_s: fields.integer(extension, Param::GroupExpiryExt)?,
        active: fields.boolean(fields.find("active", &["active"]), Param::GroupActive)?,
        pinned: fields.boolean(fields.find("pinned", &["pinned"]), Param::GroupPinned)?,
        owner: owner.transpose()?,
    })
}

fn members(fields: &Fields<'_>) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    let values = match fields.find("m", &["members", "m"]) {
        None => return Ok(found),
        Some(Value::Array(values)) => values.iter().collect(),
        Some(value) => vec![value],
    };
    for value in values {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(refuse(ErrorCode::BadParam, "a member is no text", Param::Members)),
        };
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        found.extend(items.map(str::to_owned));
    }
    Ok(found)
}

/// JSON names of the admin rights.
const ADMIN_NAMES: [(&str, u32); 13] = [
    ("modify", admin_flag::MODIFY),
    ("adduser", admin_flag::ADD_USER),
    ("remuser", admin_flag::REM_USER),
    ("addadmin", admin_flag::ADD_ADMIN),
    ("remadmin", admin_flag::REM_ADMIN),
    ("remowner", admin_flag::REM_OWNER),
    ("remgroup", admin_flag::REM_GROUP),
    ("callcontrol", admin_flag::CALL_CONTROL),
    ("hangup", admin_flag::HANGUP),
    ("owner", admin_flag::OWNER),
    ("addpin", admin_flag::ADD_PIN),
    ("removepin", admin_flag::REMOVE_PIN),
    ("listpin", admin_flag::LIST_PIN),
];

fn member_fields(fields: &Fields<'_>) -> Outcome<MemberFields> {
    let rights: [(&str, &str, u32); 6] = [
        ("cs", "send", right::SEND),
        ("cr", "recv", right::RECV),
        ("canpub", "pub", right::PUB),
        ("cansub", "sub", right::SUB),
        ("canlist", "list", right::LIST),
        ("", "record", right::RECORD),
    ];
    let mut changed = MemberFields::default();
    if let Some(flags) =
        fields.integer(fields.find("", &["members", "flags"]), Param::MemberRights)?
    {
        changed.given = flags & (right::ALL | right::RECORD);
        changed.denied = right::ALL & !flags;
    }
    for (flat, json, bit) in rights {
        let value = fields.find(flat, &["members", "permissions", json]);
        match fields.boolean(value, Param::MemberRights)? {
            None => {}
            Some(true) => {
                changed.given |= bit;
                changed.denied &= !bit;
            }
            Some(false) => {
                changed.denied |= bit;
                changed.given &= !bit;
            }
        }
    }
    let numeric = fields.find("", &["members", "adminflags"]);
    changed.admin_flags = fields.integer(numeric, Param::MemberAdmin)?;
    if let Some(Value::Object(admin)) = fields.find("", &["members", "admin"]) {
        let mut flags = changed.admin_flags.unwrap_or(0);
        for (name, bit) in ADMIN_NAMES {
            let value = admin.get(name).filter(|value| !value.is_null());
            if fields.boolean(value, Param::MemberAdmin)? == Some(true) {
                flags |= bit;
            }
        }
        changed.admin_flags = Some(flags);
    }
    let expiry = fields.find("", &["members", "expiry"]);
    changed.expiry_s = fields.integer(expiry, Param::MemberExpiry)?;
    Ok(changed)
}

// ---- fields ------------------------------------------------------------------------------

/// The flat parameters and the operation's object, looked through together.
struct Fields<'a> {
    flat: &'a Parameters,
    object: Option<&'a Map<String, Value>>,
}

impl<'a> Fields<'a> {
    fn new(flat: &'a Parameters, object: &str) -> Fields<'a> {
        Fields { flat, object: flat.get(object).and_then(Value::as_object) }
    }

    /// The value at this path of the object, else the flat one of this name. A flat -1 or empty
    /// number means "leave it".
    fn find(&self, flat: &str, path: &[&str]) -> Option<&'a Value> {
        let mut value = None;
        let mut object = self.object;
        for (index, name) in path.iter().enumerate() {
            let found =
                object.and_then(|object| object.get(*name)).filter(|found| !found.is_null());
            if index + 1 == path.len() {
                value = found;
            }
            object = found.and_then(Value::as_object);
        }
        value.or_else(|| self.top(flat).filter(|value| *value != "-1" && *value != -1))
    }

    fn top(&self, name: &str) -> Option<&'a Value> {
        self.flat.get(name)
    }

    /// The flat form makes a token when an app id or v2 is given, the JSON form when there is a
    /// `token` object.
    fn wants_token(&self) -> bool {
        match self.object {
            Some(object) => object.get("token").is_some_and(Value::is_object),
            None => self.top("appid").is_some() || self.top("v2").is_some(),
        }
    }

    /// Text, trimmed, without control characters.
    fn text(
        &self,
        value: Option<&Value>,
        param: Param,
        bytes_max: usize,
    ) -> Outcome<Option<String>> {
        let text = match value {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(refuse(ErrorCode::BadParam, "the value is no text", param)),
        };
        if text.len() > bytes_max {
            let cause = format!("the value has {} bytes, the limit is {bytes_max}", text.len());
            return Err(AdminError { code: ErrorCode::BadParam, cause, params: vec![param] });
        }
        if text.chars().any(|char| char.is_control() && !matches!(char, '\t' | '\n' | '\r')) {
            let cause = "the value has control characters";
            return Err(refuse(ErrorCode::BadParam, cause, param));
        }
        Ok(Some(text))
    }

    fn integer(&self, value: Option<&Value>, param: Param) -> Outcome<Option<u32>> {
        match value {
            None => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(value) => match as_integer(value) {
                Some(number) => Ok(Some(number)),
                None => {
                    let cause = "the value is no number of 32 bits";
                    Err(refuse(ErrorCode::BadParam, cause, param))
                }
            },
        }
    }

    fn boolean(&self, value: Option<&Value>, param: Param) -> Outcome<Option<bool>> {
        let Some(value) = value else { return Ok(None) };
        let known = match value {
            Value::Bool(value) => Some(*value),
            Value::Number(number) => match number.as_u64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "1" | "true" => Some(true),
                "0" | "false" | "" => Some(false),
                _ => None,
            },
            _ => None,
        };
        match known {
            Some(value) => Ok(Some(value)),
            None => Err(refuse(ErrorCode::BadParam, "the value is neither true nor false", param)),
        }
    }
}

/// A JSON number, a decimal or a `0x` string of 32 bits.
fn as_integer(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => u32::try_from(number.as_u64()?).ok(),
        Value::String(text) => match text.trim().strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => text.trim().parse().ok(),
        },
        Value::Bool(value) => Some(u32::from(*value)),
        _ => None,
    }
}

fn refuse(code: ErrorCode, cause: &str, param: Param) -> AdminError {
    AdminError { code, cause: cause.into(), params: vec![param] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(op: &str, value: Value) -> Outcome<Operation> {
        let Value::Object(map) = value else { panic!("an object") };
        read(op, &Parameters(map))
    }

    #[test]
    fn flat_and_json_form_say_the_same() {
        let flat = json!({"gid": "1000", "m": "a, b,,", "cs": "1", "canpub": "0"});
        let object = json!({"group": {"gid": 1000, "members": {
            "m": ["a", "b"], "permissions": {"send": true, "pub": false}}}});
        assert_eq!(parse("groupeditmembers", flat), parse("addmembers", object));
    }

    #[test]
    fn the_object_wins_field_by_field() {
        let both = json!({"addr": "flat", "name": "Flat", "user": {"address": "object"}});
        let Ok(Operation::UserAdd { address, fields, token }) = parse("useradd", both) else {
            panic!("refused");
        };
        assert_eq!(
            (address.as_str(), fields.name.as_deref(), token),
            ("object", Some("Flat"), None)
        );
    }

    #[test]
    fn packed_call_settings_are_unpacked() {
        let packed = json!({"sflags": "50364679"});
        let Ok(Operation::GroupAdd { fields, .. }) = parse("groupadd", packed) else {
            panic!("refused");
        };
        assert_eq!((fields.resolution, fields.call_flags), (Some(3), Some(0x8107)));
    }

    #[test]
    fn minus_one_leaves_a_flat_field_alone() {
        let Ok(Operation::GroupSet { fields, .. }) =
            parse("groupset", json!({"gid": 1000, "flag": "-1", "name": "", "sflags": -1}))
        else {
            panic!("refused");
        };
        assert_eq!(fields, GroupFields::default());
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_their_parameter() {
        for bad in [json!(-5), json!("4294967296"), json!("0xfffffffff"), json!(1.5), json!("x")] {
            let error = parse("groupdel", json!({"gid": bad})).unwrap_err();
            assert_eq!((error.code, &error.params[..]), (ErrorCode::BadParam, &[Param::Gid][..]));
        }
    }
}
