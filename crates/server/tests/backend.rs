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

/// An answer to bytes as they are.
fn raw(server: &Program, request: &str) -> String {
    use std::io::{Read, Write};
    let mut socket = std::net::TcpStream::connect(server.address).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer.to_ascii_lowercase()
}

#[test]
fn kept_messages_are_read_and_taken_back_over_http() {
    let server = Program::start(program());
    for address in ["ada", "bob"] {
        server.user(address);
    }
    let message = json!({"from": "ada", "to": "bob", "message": "hello", "title": "Plan"});
    let mid = server.call(json!({"op": "message", "message": message}))["mid"].clone();
    let read = || server.call(json!({"op": "messagesget", "message": {"address": "bob"}}));
    let row = &read()["messages"][0];
    assert_eq!((&row["mid"], &row["from"], &row["to"]), (&mid, &"ada".into(), &"bob".into()));
    assert_eq!((&row["message"], &row["rich"]), (&"hello".into(), &1.into()));
    let delete = json!({"op": "messagedel", "message": {"address": "ada", "mid": [mid]}});
    assert_eq!(server.call(delete)["deleted"], 1);
    assert_eq!(read()["messages"], json!([]));
    let nothing = server.call(json!({"op": "messagedel", "message": {"address": "ada"}}));
    assert_eq!(nothing["error"], "MISSINGPARAM");
}

#[test]
fn pages_ask_the_backend_only_from_origins_the_operator_names() {
    let arguments = ["--admin-cors-origins", "https://tools.test", "--admin-http-status", "true"];
    let server = Program::start_with(program(), &arguments);
    let ask = |method: &str, origin: &str| {
        raw(
            &server,
            &format!(
                "{method} /backend?op=usersget&token=wrong HTTP/1.1\r\nhost: x\r\n\
                 origin: {origin}\r\nconnection: close\r\n\r\n"
            ),
        )
    };
    let allowed = "access-control-allow-origin: https://tools.test";
    let preflight = ask("OPTIONS", "https://tools.test");
    assert!(preflight.starts_with("http/1.1 204") && preflight.contains(allowed), "{preflight}");
    let answer = ask("GET", "https://tools.test");
    assert!(answer.starts_with("http/1.1 401") && answer.contains(allowed), "{answer}");
    assert!(!ask("GET", "https://other.test").contains("access-control"));
}
