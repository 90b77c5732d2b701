//! What backends and operators ask of the program beyond the conformance table.

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::Program;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_mesibo-server"))
}

#[test]
fn with_the_admin_key_an_operator_does_what_the_backend_of_an_app_does() {
    let server = Program::start(program());
    let user = json!({"address": "ada"});
    let with = |key: &str, aid: u32| {
        server.admin(json!({"op": "useradd", "key": key, "aid": aid, "user": user}))
    };
    assert_eq!(with(support::ADMIN_KEY, 1)["user"]["address"], "ada");
    assert_eq!(with(support::ADMIN_KEY, 2)["error"], "NOTFOUND");
    assert_eq!(with("another key", 1)["error"], "AUTHFAIL");
}

#[test]
fn the_login_of_demo_pages_hides_mail_addresses_and_wrong_codes_are_counted() {
    let arguments = ["--demo-enabled", "true", "--demo-app", "tests"];
    let server = Program::start_with(program(), &arguments);
    let ask = |query: &str| -> Value {
        serde_json::from_str(&server.get(&format!("/conf/api.php?{query}")).1).unwrap()
    };
    assert_eq!(ask("op=login&email=Kim@example.test")["error"], "MISSINGNAME");
    let login = "op=login&name=Kim&email=Kim@example.test&code=";
    let answer = ask(&format!("{login}123456"));
    assert_eq!(answer["result"], "OK", "{answer}");
    assert!(!answer["address"].as_str().unwrap().contains("kim"), "{answer}");
    let token = answer["token"].as_str().unwrap();
    assert_eq!(ask(&format!("op=rooms&token={token}"))["count"], 0);
    assert_eq!(ask(&format!("op=logout&token={token}"))["result"], "OK");
    assert_eq!(ask(&format!("op=rooms&token={token}"))["error"], "AUTHFAIL");
    for _ in 0..10 {
        assert_eq!(ask(&format!("{login}000000"))["error"], "BADCODE");
    }
    assert_eq!(ask(&format!("{login}123456"))["error"], "BADCODE", "the address is not heard");
    let usual = Program::start(program());
    assert!(usual.get("/conf/api.php?op=loginui").0.contains("404"), "off by default");
}
