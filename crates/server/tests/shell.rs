//! Commands of the operator's shell, as they are typed; and what the server writes down of secrets.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::{ADMIN_KEY, Program, hello, message};
use wire::proto::server_frame;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_mesibo-server"))
}

fn run(data: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.args(words).arg("--data").arg(data).output().unwrap()
}

/// The answer of a command that has to succeed.
fn done(data: &Path, words: &[&str]) -> Value {
    let output = run(data, words);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{words:?}: {text} {output:?}");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{words:?}: {text}"))
}

/// What a command that has to fail says.
fn failed(data: &Path, words: &[&str]) -> String {
    let output = run(data, words);
    assert!(!output.status.success(), "{words:?}");
    let both = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shell_makes_and_changes_what_a_backend_does() {
    let server = Program::start(program());
    let data = server.data();
    assert_eq!(done(data, &["user", "add", "ada", "--name", "Ada"])["user"]["address"], "ada");
    done(data, &["user", "add", "bob"]);
    let issued = done(data, &["token", "issue", "ada", "--appid", "web"]);
    let token = issued["user"]["token"].as_str().unwrap();
    let mut hello = hello(token);
    if let wire::proto::client_frame::Body::Hello(hello) = &mut hello {
        hello.app = "web".into();
    }
    let mut session = server.connect().await;
    session.say(hello).await;
    session.hear(|frame| matches!(frame, server_frame::Body::Welcome(_)).then_some(())).await;

    let made = done(data, &["group", "add", "Crew", "--members", "ada"]);
    let gid = made["group"]["gid"].to_string();
    assert_eq!(done(data, &["group", "join", &gid, "bob"])["group"]["added"], 1);
    assert_eq!(done(data, &["group", "leave", &gid, "ada"])["group"]["removed"], 1);
    assert_eq!(done(data, &["group", "members", &gid])["members"][0]["address"], "bob");
    let gid_is = format!("gid={gid}");
    done(data, &["op", "groupset", &gid_is, "name=Team"]);
    assert_eq!(done(data, &["group", "list"])["groups"][0]["name"], "Team");
    done(data, &["group", "delete", &gid]);
    assert_eq!(done(data, &["user", "list", "a*"])["users"][0]["online"], 1);
    done(data, &["token", "delete", "ada"]);
    assert!(session.end().await.is_some(), "who uses a withdrawn token is signed out");
    done(data, &["user", "suspend", "bob"]);
    done(data, &["user", "allow", "bob"]);
    done(data, &["user", "delete", "bob"]);
    assert!(failed(data, &["user", "delete", "bob"]).contains("NOUSER"));

    let token = done(data, &["app", "add", "second"])["token"].clone();
    assert!(failed(data, &["user", "list"]).contains("--app"), "two apps");
    done(data, &["user", "add", "ada", "--app", "second"]);
    assert_ne!(done(data, &["app", "token", "second"])["token"], token);
    assert_eq!(done(data, &["app", "list"])["apps"].as_array().unwrap().len(), 2);
    let log = std::fs::read_to_string(data.join("audit.log")).unwrap();
    assert!(log.contains(r#""op":"userdel""#) && log.contains(r#""by":"operator for app 1""#));
    // Quoted: the digits of a request's number may spell it, too.
    assert!(!log.contains(r#""ada""#) && !log.contains(token.as_str().unwrap()), "{log}");
}

#[test]
fn without_a_server_the_shell_says_what_helps() {
    let empty = tempfile::tempdir().unwrap();
    assert!(failed(empty.path(), &["user", "list"]).contains("--data"));
    assert!(failed(empty.path(), &["backup", "/nowhere/at/all"]).contains("no installation"));
    let help = Command::new(program()).arg("--help").output().unwrap();
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for word in ["backup", "restore", "check", "user add", "docs/operating.md"] {
        assert!(help.contains(word), "{help}");
    }
}

#[test]
fn the_doctor_finds_what_is_in_the_way() {
    let server = Program::start(program());
    let output = run(server.data(), &["check"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("ok   server"), "{text}");
    let empty = tempfile::tempdir().unwrap();
    let taken = server.address.to_string();
    let text = failed(empty.path(), &["check", "--listen", &taken]);
    assert!(text.contains("BAD  port") && text.contains("--listen"), "{text}");
    let text = failed(empty.path(), &["check", "--site", "/nowhere"]);
    assert!(text.contains("BAD  pages: /nowhere is no folder: --site"), "{text}");
    let free = ["check", "--listen", "127.0.0.1:0", "--announce", "127.0.0.1"];
    let output = run(empty.path(), &free);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for what in ["ok   port", "ok   media port", "ok   data folder", "ok   space"] {
        assert!(text.contains(what), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_busy_server_that_is_killed_then_has_everything_accepted_before() {
    let mut server = Program::start(program());
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let mut session = server.sign_in(&ada).await;
    let (mut before, mut sent) = (0, 0);
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let (data, to) = (server.data().to_owned(), copy.to_str().unwrap().to_owned());
    let mut backup = None;
    // It goes on while the copy is made.
    loop {
        sent += 1;
        session.say(message(sent, "bob", format!("message {sent}"))).await;
        let accepted = |frame| match frame {
            server_frame::Body::Accepted(accepted) if accepted.id == sent => Some(()),
            _ => None,
        };
        session.hear(accepted).await;
        if sent == 100 {
            before = sent;
            let (data, to) = (data.clone(), to.clone());
            backup = Some(tokio::task::spawn_blocking(move || run(&data, &["backup", &to])));
        }
        if backup.as_ref().is_some_and(|backup| backup.is_finished()) {
            break;
        }
    }
    let output = backup.unwrap().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    server.kill();
    assert!(failed(server.data(), &["backup", copy.to_str().unwrap()]).contains("there already"));

    let data = tempfile::tempdir().unwrap();
    let output = run(data.path(), &["restore", copy.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    assert!(failed(data.path(), &["restore", copy.to_str().unwrap()]).contains("in use"));
    let restored = server.start_restored(data);
    let mut session = restored.sign_in(&bob).await;
    let entries = session.entries(before as usize).await;
    let texts = entries.iter().filter_map(|entry| match entry.entry.as_ref()?.body.as_ref()? {
        wire::proto::entry::Body::Message(message) => Some(message.content.clone()?.body),
        _ => None,
    });
    let texts: Vec<_> = texts.take(before as usize).collect();
    let expected: Vec<_> = (1..=before).map(|id| format!("message {id}")).collect();
    assert!(texts.iter().map(|text| &text[..]).eq(expected.iter().map(|text| text.as_bytes())));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_from_where_is_in_the_log_when_the_operator_wants_it() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("server.log");
    let mut child = Command::new(program());
    child.args(["--listen", "127.0.0.1:0", "--media", "127.0.0.1:0", "--log-sign-ins", "true"]);
    child.arg("--data").arg(data.path()).env("MESIBO_ADMIN_KEY", ADMIN_KEY).env("NO_COLOR", "1");
    child.stdout(std::process::Stdio::piped()).stderr(std::fs::File::create(&log).unwrap());
    let mut server = Program::adopt(child, data);
    let ada = server.user("ada");
    server.sign_in(&ada).await;
    let mut refused = server.connect().await;
    refused.say(hello("a-token-that-is-none")).await;
    refused.end().await;
    server.terminate();
    let text = std::fs::read_to_string(server.data().join("server.log")).unwrap();
    let welcome = r#"sign_in: signed in remote=127.0.0.1 aid=1 uid=1 address="ada""#;
    assert!(text.contains(welcome), "{text}");
    assert!(text.contains("sign_in: refused remote=127.0.0.1 code=BadToken"), "{text}");
    assert!(!text.contains(&ada) && !text.contains("a-token-that-is-none"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_log_however_much_is_logged() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("server.log");
    let mut child = Command::new(program());
    child.args(["--listen", "127.0.0.1:0", "--media", "127.0.0.1:0", "--log", "trace", "--data"]);
    child.arg(data.path()).env("MESIBO_ADMIN_KEY", ADMIN_KEY);
    child.stdout(std::process::Stdio::piped()).stderr(std::fs::File::create(&log).unwrap());
    let mut server = Program::adopt(child, data);
    let app = json!({"secret": "webhook-secret-1", "url": "https://hook.test/with-secret-2"});
    assert_eq!(server.call(json!({"op": "appset", "app": app}))["result"], true);
    let (ada, bob) = (server.user("ada-secret-3"), server.user("bob-secret-4"));
    let otp = server.call(json!({"op": "otp", "otp": {"address": "ada-secret-3"}}));
    let wrong = "a-wrong-token-secret-5";
    assert_eq!(server.admin(json!({"op": "usersget", "token": wrong}))["error"], "AUTHFAIL");
    server.admin(json!({"op": "secret-6", "token": server.app()}));
    server.get(&format!("/api.php?op=usersget&token={}", server.app()));
    let mut session = server.sign_in(&ada).await;
    let mut other = server.sign_in(&bob).await;
    session.say(message(1, "bob-secret-4", "text-secret-7")).await;
    other.entries(1).await;
    let message = json!({"from": "ada-secret-3", "to": "bob-secret-4", "message": "secret-8"});
    server.call(json!({"op": "message", "message": message}));
    other.entries(1).await;
    let mut refused = server.connect().await;
    refused.say(hello(wrong)).await;
    refused.end().await;
    server.terminate();
    for file in ["server.log", "audit.log"] {
        let text = std::fs::read_to_string(server.data().join(file)).unwrap();
        assert!(!text.is_empty());
        let secrets =
            ["secret-", ADMIN_KEY, server.app(), &ada, &bob, otp["otp"].as_str().unwrap()];
        for secret in secrets {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{file} has a secret");
        }
    }
}
