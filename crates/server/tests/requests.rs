//! Requests as old backends send them (`backend-api.md` 1.2 and 1.3), to the program itself.

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{ADMIN_KEY, FORM, Program, form};

fn start(arguments: &[&str]) -> Program {
    let server = Program::start_with(Path::new(env!("CARGO_BIN_EXE_mesibo-server")), arguments);
    for address in ["ada", "bob", "carol"] {
        server.user(address);
    }
    server
}

const JSON: &str = "application/json";
const URLENCODED: &str = "application/x-www-form-urlencoded";

#[test]
fn what_is_null_in_json_overrides_nothing_of_the_url() {
    let server = start(&[]);
    let path = format!("/backend?op=userset&token={}&addr=ada", server.app());
    let answer = server.post(&path, JSON, r#"{"op": null, "user": null, "addr": null}"#);
    assert_eq!((&answer["op"], &answer["user"]["address"]), (&"userset".into(), &"ada".into()));
}

#[test]
fn a_list_of_members_is_the_same_however_a_form_writes_it() {
    let server = start(&[]);
    let made = server.call(json!({"op": "groupadd", "name": "Crew"}));
    let gid = made["group"]["gid"].to_string();
    let path = format!("/api.php?op=groupeditmembers&token={}&gid={gid}", server.app());
    let parts = form(&[("m", "ada"), ("m", "bob, carol")], None);
    for (content_type, body) in [
        (URLENCODED, b"m=ada,bob+,,carol".to_vec()),
        (URLENCODED, b"m=ada&m=bob&m=carol".to_vec()),
        (URLENCODED, b"m[]=ada&m[]=bob&m[]=carol".to_vec()),
        // As PHP's http_build_query writes an array.
        (URLENCODED, b"m%5B0%5D=ada&m%5B1%5D=bob&m%5B2%5D=carol".to_vec()),
        (FORM, parts),
    ] {
        let text = String::from_utf8_lossy(&body).into_owned();
        let answer = server.post(&path, content_type, &body);
        assert_eq!(answer["group"]["added"], 3, "{text}: {answer}");
        let mut removing = body;
        match content_type == FORM {
            true => removing = form(&[("m", "ada,bob,carol"), ("delete", "1")], None),
            false => removing.extend_from_slice(b"&delete=1"),
        }
        let answer = server.post(&path, content_type, removing);
        assert_eq!(answer["group"]["removed"], 3, "{text}: {answer}");
    }
}

#[test]
fn numbers_without_a_fraction_and_rows_wanted_of_messages_are_understood() {
    let server = start(&[]);
    for text in ["one", "two"] {
        let message = json!({"from": "ada", "to": "bob", "message": text, "expiry": 60.0});
        assert_eq!(server.call(json!({"op": "message", "message": message}))["result"], true);
    }
    let wanted = json!({"address": "bob", "count": 1});
    let read = server.call(json!({"op": "messagesget", "message": wanted}));
    assert_eq!(read["messages"].as_array().map(Vec::len), Some(1), "{read}");
    let nobody = server.call(json!({"op": "messagesget", "message": {"address": "nobody"}}));
    assert_eq!(
        (&nobody["error"], &nobody["properties"]),
        (&"NOUSER".into(), &json!(["message.address"]))
    );
    assert_eq!(server.call(json!({"op": "usersget", "count": 1.0}))["more"], true);
}

#[test]
fn the_key_counts_where_only_it_does_and_the_header_where_no_token_is() {
    let server = start(&[]);
    let with_token = server.call(json!({"op": "appadd", "key": ADMIN_KEY, "name": "second"}));
    assert_eq!(with_token["app"]["name"], "second", "{with_token}");
    let wrong = server.call(json!({"op": "appsget", "key": "not the key"}));
    assert_eq!(wrong["error"], "AUTHFAIL");
    let both = server.call(json!({"op": "usersget", "key": ADMIN_KEY, "user": {"address": "ada"}}));
    assert_eq!(both["users"][0]["address"], "ada", "elsewhere the token does");
}

#[test]
fn a_list_has_no_more_rows_than_the_operator_allows() {
    let server = start(&["--admin-list-max", "2"]);
    let list = |more: Value| {
        let mut asked = json!({"op": "usersget", "count": 100});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.call(asked)
    };
    let first = list(json!({}));
    assert_eq!((first["users"].as_array().map(Vec::len), &first["more"]), (Some(2), &json!(true)));
    let rest = list(json!({"after": first["users"][1]["uid"]}));
    assert_eq!((rest["users"].as_array().map(Vec::len), &rest["more"]), (Some(1), &json!(false)));
}

#[test]
fn the_url_of_a_file_is_one_that_a_browser_loads() {
    let server = start(&[]);
    let send = |url: &str| {
        let message = json!({"from": "ada", "to": "bob", "title": "Plan", "url": url});
        server.call(json!({"op": "message", "message": message}))
    };
    assert_eq!(send("HTTPS://files.example.test/p.pdf")["result"], true);
    for wrong in
        ["javascript:alert(1)", "data:text/html,x", "files/p.pdf", "\u{e4}\u{e4}\u{e4}\u{e4}"]
    {
        let answer = send(wrong);
        let expected = (json!("BADPARAM"), json!(["message.url"]));
        assert_eq!((answer["error"].clone(), answer["properties"].clone()), expected, "{wrong}");
    }
}

#[test]
fn a_resolution_that_is_none_is_refused_and_changes_nothing() {
    let server = start(&[]);
    let gid = server.call(json!({"op": "groupadd", "name": "Crew"}))["group"]["gid"].clone();
    let flat = |code: u32| json!({"op": "groupset", "gid": gid, "sflags": (code << 24) | 7});
    let set = |code: u32| {
        let group = json!({"gid": gid, "call": {"resolution": code}});
        json!({"op": "groupset", "group": group})
    };
    assert_eq!(server.call(set(3))["result"], true);
    for wrong in [server.call(set(77)), server.call(flat(77)), server.call(set(6))] {
        let told = (&wrong["error"], &wrong["properties"]);
        assert!(*told.0 == "BADPARAM" && *told.1 != json!(null), "{wrong}");
    }
    assert_eq!(server.call(flat(10))["result"], true);
    let found = server.call(json!({"op": "groupget", "gid": gid}));
    assert_eq!(found["groups"][0]["call"]["resolution"], 10);
}

#[test]
fn a_user_that_was_there_is_not_new() {
    let server = start(&[]);
    let add = |address: &str| {
        server.call(json!({"op": "useradd", "addr": address}))["user"]["new"].clone()
    };
    assert_eq!([add("ada"), add("dave"), add("dave")], [json!(false), json!(true), json!(false)]);
}

#[test]
fn a_webhook_that_would_never_be_asked_is_not_set() {
    let set = |server: &Program, name: &str, url: &str| {
        let answer = server.call(json!({"op": "appset", "app": {name: url}}));
        (answer["result"].clone(), answer["properties"][0].clone())
    };
    let (strict, lenient) = (start(&[]), start(&["--webhook-allow-http", "true"]));
    for (name, path) in [("url", "app.url"), ("intercept", "app.intercept")] {
        let plain = "http://hooks.example.test/";
        assert_eq!(set(&strict, name, plain), (false.into(), path.into()));
        assert_eq!(set(&lenient, name, plain).0, true);
        assert_eq!(set(&strict, name, "https://hooks.example.test/").0, true);
        assert_eq!(set(&strict, name, "").0, true);
    }
}

#[test]
fn the_backend_answers_at_further_paths_that_the_operator_names() {
    let server = start(&["--admin-aliases", "/old/api.php,/v1"]);
    for path in ["/old/api.php", "/v1", "/backend"] {
        let asked = json!({"op": "usersget", "token": server.app(), "count": 1}).to_string();
        let answer = server.post(path, JSON, &asked);
        assert_eq!(answer["result"], true, "{path}: {answer}");
    }
    assert!(server.get("/old/other.php").0.starts_with("HTTP/1.1 404"));
    assert!(server.get("/readyz").0.starts_with("HTTP/1.1 200"));
    let said: Value = serde_json::from_str(&server.get("/v1?op=nothing").1).unwrap();
    assert_eq!(said["error"], "AUTHFAIL");
}
