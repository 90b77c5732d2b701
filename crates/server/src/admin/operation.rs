//! The operations by name: who may ask, what they take, and the parameters of a request turned into
//! one that cannot be wrong.

use hub::port::admin::{AdminError, ErrorCode, Operation, Param};

use super::fields::{Fields, Outcome, refuse};
use super::parameters::Parameters;
use super::{apps, classes, groups, messages, push, users};

/// An operation of this release.
pub struct Entry {
    /// Its name, then the other names that are accepted.
    pub names: &'static [&'static str],
    /// What it takes.
    pub params: &'static [Param],
    pub about: &'static str,
    pub read: fn(&Fields<'_>) -> Outcome<Operation>,
}

/// All operations of this release.
#[rustfmt::skip]
pub const ENTRIES: &[Entry] = &[
    Entry { names: &["useradd"], params: users::ADD, about: "add or edit a user, issue a token", read: users::add },
    Entry { names: &["userset", "useredit"], params: users::SET, about: "edit a user, remove tokens", read: users::set },
    Entry { names: &["usertoken"], params: users::TOKEN, about: "issue, re-issue or delete a token", read: users::token },
    Entry { names: &["userdel", "deluser"], params: users::ONE, about: "delete a user", read: users::delete },
    Entry { names: &["userexport"], params: users::EXPORT, about: "everything that is kept of a user", read: users::export },
    Entry { names: &["usererase"], params: users::ONE, about: "delete a user with everything that was ever kept of it", read: users::erase },
    Entry { names: &["deltoken", "usertokendel"], params: users::DELETE_TOKEN, about: "delete one token", read: users::delete_token },
    Entry { names: &["usersget", "users", "userget"], params: users::GET, about: "list users", read: users::get },
    Entry { names: &["otp"], params: users::OTP, about: "make a one-time code", read: users::otp },
    Entry { names: &["groupadd"], params: groups::ADD, about: "create a group", read: groups::add },
    Entry { names: &["groupset", "groupedit"], params: groups::SET, about: "edit a group", read: groups::set },
    Entry { names: &["groupdel"], params: groups::ONE, about: "delete a group", read: groups::delete },
    Entry { names: &["groupsget", "groups", "groupget"], params: groups::GET, about: "list groups", read: groups::get },
    Entry { names: &["groupeditmembers", "addmembers"], params: groups::EDIT_MEMBERS, about: "add, edit or remove members", read: groups::edit_members },
    Entry { names: &["groupgetmembers", "getmembers", "groupmembers"], params: groups::GET_MEMBERS, about: "list members", read: groups::get_members },
    Entry { names: &["groupadmit"], params: groups::ADMIT, about: "let in who waits, or send it away", read: groups::admit },
    Entry { names: &["grouprecord"], params: groups::RECORD, about: "begin or end a recording of the room, or tell whether there is one", read: groups::record },
    Entry { names: &["grouppin"], params: groups::PIN, about: "add, list or remove pins", read: groups::pin },
    Entry { names: &["message"], params: messages::SEND, about: "send a message", read: messages::send },
    Entry { names: &["messagesget", "msgget"], params: messages::GET, about: "read a user's messages, newest first", read: messages::get },
    Entry { names: &["messagedel", "msgdel"], params: messages::DELETE, about: "delete a user's messages, or take some back", read: messages::delete },
    Entry { names: &["appadd"], params: apps::ADD, about: "make an app; takes the admin key", read: apps::add },
    Entry { names: &["appset"], params: apps::SET, about: "change settings of the app", read: apps::set },
    Entry { names: &["appget"], params: apps::ONE, about: "read settings of the app", read: apps::get },
    Entry { names: &["appsget"], params: &[Param::Key], about: "list all apps; takes the admin key", read: apps::list },
    Entry { names: &["apptoken"], params: apps::ONE, about: "give the app a new token", read: apps::token },
    Entry { names: &["appstats"], params: apps::STATS, about: "what the app has used, by day or month, newest first", read: apps::stats },
    Entry { names: &["pushupload"], params: push::UPLOAD, about: "put a credential of a push service in the place of the former one", read: push::upload },
    Entry { names: &["pushset"], params: push::SET, about: "change and read options of push messages", read: push::set },
    Entry { names: &["pushtest"], params: push::TEST, about: "send a push message to try, and tell what the services answer", read: push::test },
    Entry { names: &["uacset"], params: classes::SET, about: "make a feature class of users, or change it", read: classes::set },
    Entry { names: &["uacget"], params: classes::ONE, about: "read one feature class, or all", read: classes::get },
    Entry { names: &["uacdel"], params: classes::ONE, about: "delete a feature class; its users are left everything", read: classes::delete },
    Entry { names: &["groupgetmedia"], params: groups::ONE, about: "list media of a group that are played on demand", read: groups::media },
    Entry { names: &["hooksget"], params: apps::HOOKS, about: "list events that the webhook has not taken", read: apps::hooks },
    Entry { names: &["hooksretry"], params: &[Param::HookIds], about: "try such events again", read: apps::retry_hooks },
    Entry { names: &["hooksdel"], params: &[Param::HookIds], about: "delete such events", read: apps::delete_hooks },
    Entry { names: &["appdel"], params: &[Param::AppName], about: "delete the app and all it holds", read: apps::delete },
];

/// Known operations that are not part of this release.
const LATER: &[&str] = &["appapn", "upload", "onpset"];

/// Whether the admin key does this operation itself; any other it does for the app it names.
pub fn is_of_installation(op: &str) -> bool {
    ["appadd", "appset", "appget", "appsget", "apptoken"].contains(&op)
}

/// Whether an operation is done with the admin key and with no token.
pub fn takes_key_only(op: &str) -> bool {
    ["appadd", "appsget"].contains(&op)
}

/// The first name of an operation there is, of this release or a later one.
pub fn known(op: &str) -> Option<&'static str> {
    let entry = ENTRIES.iter().find(|entry| entry.names.contains(&op));
    entry.map(|entry| entry.names[0]).or(LATER.iter().find(|name| **name == op).copied())
}

/// Reads the operation a request names; a list it asks for has at most so many rows.
pub fn read(op: &str, given: &Parameters, list_max: u32) -> Outcome<Operation> {
    if let Some(entry) = ENTRIES.iter().find(|entry| entry.names.contains(&op)) {
        return (entry.read)(&Fields { given, list_max });
    }
    if LATER.contains(&op) {
        let cause = format!("{op} is not part of this release");
        return Err(AdminError { code: ErrorCode::Unsupported, cause, params: vec![Param::Op] });
    }
    Err(match op {
        "" => refuse(ErrorCode::BadOp, "the request names no operation (op)", Param::Op),
        _ => refuse(ErrorCode::BadOp, "there is no such operation", Param::Op),
    })
}

#[cfg(test)]
mod tests {
    use hub::port::admin::GroupFields;
    use serde_json::{Value, json};

    use super::*;

    fn parse(op: &str, value: Value) -> Outcome<Operation> {
        let Value::Object(map) = value else { panic!("an object") };
        read(op, &Parameters(map), 1_000)
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
        assert_eq!((fields.call.resolution, fields.call.flags), (Some(3), Some(0x8107)));
    }

    #[test]
    fn permissions_and_named_call_bits_change_only_what_they_name() {
        let named = json!({"group": {"gid": 1000, "permissions": {"send": "selected", "sub": "anyone"},
            "call": {"video": false, "screen": true}}});
        let Ok(Operation::GroupSet { fields, .. }) = parse("groupset", named) else {
            panic!("refused");
        };
        assert_eq!(fields.flags_change, (0x1 | 0x2 | 0x3000, 0x1 | 0x2000));
        assert_eq!(fields.call.change, (0x4, 0x100));
        let wrong = json!({"group": {"gid": 1000, "permissions": {"send": "nobody"}}});
        assert_eq!(parse("groupset", wrong).unwrap_err().params, [Param::GroupModes]);
    }

    #[test]
    fn an_old_flag_of_members_is_the_present_one() {
        let old = json!({"group": {"gid": 1000, "members": {"m": "a", "flags": 0x81f}}});
        let new = json!({"group": {"gid": 1000, "members": {"m": "a", "flags": "0x201f"}}});
        assert_eq!(parse("groupeditmembers", old), parse("groupeditmembers", new));
        let pin = |flags| parse("grouppin", json!({"gid": 1000, "flags": flags}));
        assert_eq!(pin(0x81f), pin(0x201f));
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
        let bad = [json!(-5), json!("4294967296"), json!("0xfffffffff"), json!(1.5), json!("x")];
        let huge = [json!(1e300), json!(-1.0), json!(18_446_744_073_709_551_615_u64), json!([7])];
        for bad in bad.into_iter().chain(huge) {
            let error = parse("groupdel", json!({"gid": bad})).unwrap_err();
            assert_eq!((error.code, &error.params[..]), (ErrorCode::BadParam, &[Param::Gid][..]));
        }
    }

    #[test]
    fn a_number_without_a_fraction_is_an_integer_however_it_is_written() {
        for good in [json!(1000), json!(1000.0), json!(" 1000 "), json!("0x3e8"), json!(1e3)] {
            assert_eq!(
                parse("groupdel", json!({"gid": good})),
                parse("groupdel", json!({"gid": "1000"}))
            );
        }
    }

    #[test]
    fn a_token_that_is_not_to_be_removed_is_left_alone() {
        let kept = json!({"user": {"uid": 7, "token": {"remove": false}}});
        let Ok(Operation::UserSet { remove, token, .. }) = parse("userset", kept) else {
            panic!("refused");
        };
        assert_eq!((remove, token), (None, None));
        let empty = json!({"user": {"uid": 7, "token": {}}});
        assert_eq!(parse("userset", empty).unwrap_err().params, [Param::TokenAppId]);
        let unreadable = parse("deltoken", json!({"uid": "x"})).unwrap_err();
        assert_eq!(
            (unreadable.code, &unreadable.params[..]),
            (ErrorCode::BadParam, &[Param::UserUid][..])
        );
    }

    #[test]
    fn flat_and_object_form_keep_messages_for_ever() {
        for forever in [json!({"retention": "-1"}), json!({"app": {"retention": -1}})] {
            let Ok(Operation::AppSet { fields, .. }) = parse("appset", forever) else {
                panic!("refused");
            };
            assert_eq!(fields.retention_days, Some(-1));
        }
    }

    #[test]
    fn every_parameter_that_is_missing_is_named() {
        let error = parse("message", json!({"message": {}})).unwrap_err();
        let named = [Param::MessageFrom, Param::MessageTo, Param::MessageGid, Param::MessageBody];
        assert_eq!((error.code, &error.params[..]), (ErrorCode::MissingParam, &named[..]));
    }

    #[test]
    fn all_that_is_missing_is_named_for_members_and_tokens_too() {
        for (op, named) in [
            ("groupadmit", &[Param::Gid, Param::Members][..]),
            ("addmembers", &[Param::Gid, Param::Members]),
            ("usertoken", &[Param::UserUid, Param::UserAddress, Param::TokenAppId]),
        ] {
            let error = parse(op, json!({})).unwrap_err();
            assert_eq!((error.code, &error.params[..]), (ErrorCode::MissingParam, named), "{op}");
        }
    }

    #[test]
    fn an_operation_of_a_later_release_is_known() {
        assert_eq!(parse("appapn", json!({})).unwrap_err().code, ErrorCode::Unsupported);
        assert_eq!(parse("nosuchop", json!({})).unwrap_err().code, ErrorCode::BadOp);
    }
}
