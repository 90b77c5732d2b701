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

#[test]
fn messenger_pages_of_2019_keep_contacts_and_groups() {
    let arguments = ["--demo-enabled", "true", "--demo-app", "tests"];
    let server = Program::start_with(program(), &arguments);
    let ask = |query: &str| -> Value {
        serde_json::from_str(&server.get(&format!("/demo/api.php?{query}")).1).unwrap()
    };
    let [kim, lee, mo] = ["155501100", "155501200", "155501300"].map(|phone| {
        let login = format!("op=login&appid=web&code=123456&name=N{phone}&phone={phone}");
        ask(&login)["token"].as_str().expect("a token").to_owned()
    });
    let get = |token: &str, rest: &str| ask(&format!("op=getcontacts&ts=0&token={token}{rest}"));
    let phones = |answer: &Value| -> Vec<String> {
        let rows = answer["contacts"].as_array().expect("rows").iter();
        rows.map(|row| row["phone"].as_str().expect("text").to_owned()).collect()
    };
    assert_eq!(phones(&get(&kim, "")), [""; 0]);
    let found = get(&kim, "&phones=%2B155501200,000155501300,155501999");
    assert_eq!(phones(&found), ["155501200", "155501300"]);
    let row = &found["contacts"][0];
    assert_eq!((&row["name"], &row["gid"]), (&"N155501200".into(), &"0".into()));
    assert_eq!(found["u"]["phone"], "155501100");
    assert_eq!(ask(&format!("op=delcontacts&phones=155501300&token={kim}"))["result"], "OK");
    assert_eq!(phones(&get(&kim, "")), ["155501200"]);

    let made = ask(&format!("op=setgroup&gid=0&name=Team&m=155501200&token={kim}"));
    assert_eq!((&made["result"], &made["name"]), (&"OK".into(), &"Team".into()), "{made}");
    let gid = made["gid"].to_string();
    let members = |answer: Value| answer["members"].as_str().expect("members").to_owned();
    assert_eq!(members(made), "1:155501100,155501200");
    let listed = &get(&lee, "")["contacts"][0];
    assert_eq!((&listed["gid"], &listed["phone"]), (&gid.clone().into(), &"".into()), "{listed}");
    let of =
        |token: &str, op: &str, rest: &str| ask(&format!("op={op}&gid={gid}&token={token}{rest}"));
    assert_eq!(of(&mo, "getgroup", "")["error"], "NOTMEMBER");
    assert_eq!(of(&lee, "editmembers", "&m=155501300")["error"], "BADGROUP", "no admin");
    assert_eq!(of(&kim, "setadmin", "&m=155501300&admin=1")["error"], "NOTMEMBER");
    let admins = of(&kim, "setadmin", "&m=155501200&admin=1");
    assert_eq!(members(admins), "2:155501100,155501200");
    let edited = of(&lee, "editmembers", "&m=155501300");
    assert_eq!(members(edited), "2:155501100,155501200,155501300");
    assert_eq!(of(&lee, "editmembers", "&m=155501100&delete=1")["error"], "BADUSER", "the owner");
    assert_eq!(of(&mo, "profile", "&name=Mine")["error"], "BADGROUP");
    assert_eq!(of(&lee, "profile", "&name=Crew&status=at%20sea")["result"], "OK");
    assert_eq!(of(&mo, "getgroup", "")["name"], "Crew");
    assert_eq!(of(&mo, "delgroup", "")["result"], "OK");
    assert_eq!(of(&mo, "getgroup", "")["error"], "NOTMEMBER", "he has left");
    assert_eq!(of(&kim, "delgroup", "")["result"], "OK");
    assert_eq!(of(&kim, "getgroup", "")["error"], "NOTMEMBER", "it is gone");
    assert_eq!(ask(&format!("op=profile&status=here&token={kim}"))["result"], "OK");
    assert_eq!(get(&kim, "")["u"]["status"], "here");
    assert_eq!(phones(&get(&kim, "&reset=1")), [""; 0]);
}

#[test]
fn forms_of_messenger_pages_set_pictures_that_others_see_small() {
    let arguments = ["--demo-enabled", "true", "--demo-app", "tests"];
    let server = Program::start_with(program(), &arguments);
    let ask = |query: &str| -> Value {
        serde_json::from_str(&server.get(&format!("/demo/api.php?{query}")).1).unwrap()
    };
    let login = |phone: &str| ask(&format!("op=login&appid=web&code=123456&name=N&phone={phone}"));
    let [kim, lee] = ["155501100", "155501200"].map(login);
    assert_eq!((&kim["photo"], &kim["tn"]), (&"".into(), &"".into()));
    let [kim, lee] = [kim, lee].map(|answer| answer["token"].as_str().unwrap().to_owned());
    let files = || std::fs::read_dir(server.data().join("files")).unwrap().count();

    let set = post_form(&server, &[("op", "profile"), ("token", &kim), ("name", "Kim")], "a.png");
    assert_eq!(set["result"], "OK", "{set}");
    let again = login("155501100");
    assert_eq!(support::decoded(&again["tn"]).width(), 100);
    assert!(again["photo"].as_str().unwrap().ends_with(".png"), "{again}");
    let found = ask(&format!("op=getcontacts&ts=0&phones=155501100&token={lee}"));
    assert_eq!(
        (&found["contacts"][0]["photo"], &found["contacts"][0]["tn"]),
        (&again["photo"], &again["tn"])
    );

    let made = post_form(
        &server,
        &[("op", "setgroup"), ("token", &kim), ("name", "Crew"), ("gid", "0")],
        "b.png",
    );
    assert_eq!((&made["result"], &made["name"]), (&"OK".into(), &"Crew".into()), "{made}");
    assert!(made["photo"].as_str().unwrap().ends_with(".png"), "{made}");
    let gid = made["gid"].to_string();
    assert_eq!(files(), 2);

    // What is not allowed leaves nothing.
    let refused = [
        post_form(&server, &[("op", "profile"), ("token", &lee), ("gid", &gid)], "c.png"),
        post_form(&server, &[("op", "profile"), ("token", &lee)], "c.txt"),
        post_form(&server, &[("op", "profile"), ("token", "nobody's, and long")], "c.png"),
        post_form(&server, &[("op", "nothing"), ("token", &lee)], "c.png"),
    ];
    let errors = refused.map(|answer| answer["error"].as_str().unwrap().to_owned());
    assert_eq!(errors, ["NOTMEMBER", "BADIMAGE", "AUTHFAIL", "BADOP"]);
    assert_eq!(files(), 2);
    // Forms without a file are as any others.
    let login = [("op", "login"), ("appid", "web"), ("phone", "155501200"), ("code", "123456")];
    assert_eq!(post_form(&server, &login, "")["result"], "OK");
}

/// What the demo answers to a form with a picture, none without a name for it.
fn post_form(server: &Program, fields: &[(&str, &str)], file: &str) -> Value {
    let picture = support::picture();
    let file = (!file.is_empty()).then_some((file, &picture[..]));
    server.post("/demo/api.php", support::FORM, support::form(fields, file))
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
    // What has come since: from the beginning, then from where that has ended.
    let since = |after: &Value| {
        let of = json!({"address": "bob", "after": after, "count": 1});
        server.call(json!({"op": "messagesget", "message": of}))
    };
    let first = since(&0.into());
    assert_eq!(first["messages"][0]["mid"], mid);
    assert_eq!(since(&first["next"])["messages"], json!([]));
    let message = json!({"from": "ada", "to": "bob", "message": "news"});
    server.call(json!({"op": "message", "message": message}));
    assert_eq!(since(&first["next"])["messages"][0]["message"], "news");
    let delete = json!({"op": "messagedel", "message": {"address": "ada", "mid": [mid]}});
    assert_eq!(server.call(delete)["deleted"], 1);
    assert_eq!(read()["messages"].as_array().map(Vec::len), Some(1));
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
