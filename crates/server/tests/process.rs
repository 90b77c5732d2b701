//! The program as it is started: what it says, what survives a power cut, what bad input does.

mod support;

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use wire::code::Code;
use wire::frame::encode_client;
use wire::limits::{CONTENT_BYTES_MAX, FRAME_BYTES_MAX};
use wire::proto::{Target, client_frame, entry, server_frame, target};
use wire::status;

use support::{ADMIN_KEY, Program, Session, get_at, hello, message};

fn start() -> Program {
    Program::start(Path::new(env!("CARGO_BIN_EXE_mesibo-server")))
}

/// What it says that cannot start, with what it was asked to log left out.
fn not_started(data: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesibo-server"));
    command.args(["--media", "127.0.0.1:0", "--data"]).arg(data).args(arguments);
    let output = command.env("MESIBO_LOG", "error").env("RUST_BACKTRACE", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_cannot_start_says_why_and_what_helps_in_one_line() {
    let (running, folder) = (start(), tempfile::tempdir().unwrap());
    let in_folder = |name: &str, text: &str| {
        let data = folder.path().join(name.replace('.', ""));
        std::fs::create_dir_all(&data).unwrap();
        std::fs::write(data.join(name), text).unwrap();
        data
    };
    let taken = running.address.to_string();
    let fresh = folder.path().join("fresh");
    let file = in_folder("server.toml", "listen = 7").join("server.toml");
    let free = ["--listen", "127.0.0.1:0"];
    for (data, arguments, words) in [
        (&fresh, &["--listen", &taken][..], ["something else has it", "--listen"]),
        (&fresh, &["--listen", "203.0.113.9:80"], ["no such address", "--listen"]),
        (
            &fresh,
            &[&free[..], &["--turn-listen", "203.0.113.9:80"]].concat(),
            ["relay", "--turn-listen"],
        ),
        (&running.data().to_owned(), &free, ["another server uses the data folder", "--data"]),
        (&file.join("data"), &free, ["cannot be made", "--data"]),
        (&in_folder("mesibo.db", &"no database".repeat(99)), &free, ["mesibo.db", "backup"]),
        (&in_folder("upload.key", "zz"), &free, ["upload.key", "remove"]),
        (&in_folder("push.key", "zz"), &free, ["push.key", "remove"]),
        (&fresh, &["--site", "/nowhere"], ["/nowhere (--site)", "no folder"]),
        (&fresh, &["--files-url", "files.example"], ["files.url", "https://"]),
        (
            &fresh,
            &[&free[..], &["--metrics-listen", &taken]].concat(),
            ["something else has it", "--metrics-listen"],
        ),
        (&fresh, &["--tls-dir", "/nowhere"], ["/nowhere/cert.pem", "tls.dir"]),
        (&fresh, &["--config", file.to_str().unwrap()], ["server.toml, line 1, listen", "integer"]),
        (&fresh, &["--log", "a=b=c"], ["a=b=c", "debug"]),
        (&fresh, &["--admin-key", "short"], ["admin_key", "16"]),
    ] {
        let said = not_started(data, arguments);
        assert!(said.starts_with("mesibo-server: ") && said.lines().count() == 1, "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    }
}

#[test]
fn a_server_whose_disk_takes_nothing_is_not_ready_until_it_does() {
    let data = tempfile::tempdir().unwrap();
    // A write beyond the limit is answered with an error then, as one to a full disk is.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_mesibo-server")]);
    command.args(["--listen", "127.0.0.1:0", "--media", "127.0.0.1:0", "--data"]).arg(data.path());
    command.env("MESIBO_ADMIN_KEY", ADMIN_KEY).env("MESIBO_LOG", "off");
    let server = Program::adopt(command, data);
    let limit_files = |bytes: &str| {
        let mut limit = Command::new("prlimit");
        limit.args(["--pid", &server.id().to_string(), &format!("--fsize={bytes}:")]);
        assert!(limit.status().unwrap().success());
    };
    let ready = || server.get("/readyz").0.starts_with("HTTP/1.1 200");
    let add = || server.call(json!({"op": "useradd", "addr": "ada"}));
    assert!(ready());
    limit_files("0");
    assert_eq!(add()["error"], "SERVER");
    assert!(!ready());
    assert!(server.get("/healthz").0.starts_with("HTTP/1.1 200"), "it lives");
    assert_eq!(server.call(json!({"op": "usersget"}))["result"], true, "and reads");
    limit_files("unlimited");
    assert_eq!(add()["result"], true);
    assert!(ready());
}

fn close_code(code: Code) -> Option<u16> {
    Some(4000 + code.number() as u16)
}

async fn accepted(session: &mut Session, id: u64) {
    session
        .hear(|frame| match frame {
            server_frame::Body::Accepted(accepted) if accepted.id == id => Some(()),
            server_frame::Body::Rejected(rejected) => panic!("{rejected:?}"),
            _ => None,
        })
        .await;
}

async fn rejected(session: &mut Session, frame: client_frame::Body) -> u32 {
    session.say(frame).await;
    session
        .hear(|frame| match frame {
            server_frame::Body::Rejected(rejected) => Some(rejected.status),
            server_frame::Body::Accepted(accepted) => panic!("{accepted:?}"),
            _ => None,
        })
        .await
}

/// Bodies of the next messages that come.
async fn bodies(session: &mut Session, count: usize) -> Vec<String> {
    let entries = session.entries(count).await;
    let body = |entry: wire::proto::LogEntry| match entry.entry?.body? {
        entry::Body::Message(message) => String::from_utf8(message.content?.body.to_vec()).ok(),
        _ => None,
    };
    entries.into_iter().filter_map(body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_history_copies_are_kept_of_who_has_them_kept_and_of_nobody_else() {
    let program = Path::new(env!("CARGO_BIN_EXE_mesibo-server"));
    let server = Program::start_with(program, &["--history", "false"]);
    for name in ["bob", "carol"] {
        server.user(name);
    }
    server.call(json!({"op": "userset", "addr": "bob", "flag": "0x10"}));
    let mut ada = server.sign_in(&server.user("ada")).await;
    let kept = |of: &str| {
        let said = server.call(json!({"op": "messagesget", "message": {"address": of}}));
        said["messages"].as_array().unwrap_or_else(|| panic!("{said}")).len()
    };
    for (id, to) in [(1, "bob"), (2, "carol")] {
        ada.say(message(id, to, "kept?")).await;
        accepted(&mut ada, id).await;
    }
    assert_eq!((kept("bob"), kept("carol")), (1, 0));
    let set = server.call(json!({"op": "appset", "app": {"retention": -1}}));
    assert_eq!(set["result"], true, "{set}");
    ada.say(message(3, "carol", "kept now")).await;
    accepted(&mut ada, 3).await;
    assert_eq!(kept("carol"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_a_power_cut_and_comes_once_and_in_order() {
    let mut server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let mut session = server.sign_in(&ada).await;
    for id in 1..=20 {
        session.say(message(id, "bob", format!("number {id}"))).await;
    }
    for id in 1..=20 {
        accepted(&mut session, id).await;
    }
    server.kill_and_start_again();

    let mut ada = server.sign_in(&ada).await;
    // Sent again by a client that did not hear the answer, with one more behind it.
    ada.say(message(20, "bob", "number 20")).await;
    ada.say(message(21, "bob", "number 21")).await;
    accepted(&mut ada, 21).await;
    let mut bob = server.sign_in(&bob).await;
    let expected: Vec<_> = (1..=21).map(|id| format!("number {id}")).collect();
    assert_eq!(bodies(&mut bob, 21).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_says_so_to_its_sessions_and_ends_well() {
    let mut server = start();
    let ada = server.user("ada");
    let mut session = server.sign_in(&ada).await;
    let heard = tokio::spawn(async move { session.end().await });
    let status = tokio::task::spawn_blocking(move || server.terminate()).await.unwrap();
    assert_eq!(heard.await.unwrap(), close_code(Code::ShuttingDown));
    assert!(status.success(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_frame_end_their_session_and_no_other() {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let mut bob = server.sign_in(&bob).await;
    let truncated = &encode_client(message(1, "bob", "hello"))[..9];
    let cases = [
        ("text", Message::Text("hello".into()), Code::Protocol),
        ("truncated", Message::Binary(truncated.to_vec().into()), Code::Protocol),
        ("second hello", Message::Binary(encode_client(hello(&ada)).into()), Code::Protocol),
        ("too large", Message::Binary(vec![0; FRAME_BYTES_MAX + 1].into()), Code::FrameTooLarge),
    ];
    for (name, bad, code) in cases {
        let mut session = server.sign_in(&ada).await;
        session.socket.send(bad).await.unwrap();
        assert_eq!(session.end().await, close_code(code), "{name}");
    }
    let mut early = server.connect().await;
    early.say(message(1, "bob", "hello")).await;
    assert_eq!(early.end().await, close_code(Code::Protocol));

    let mut ada = server.sign_in(&ada).await;
    // Ten megabytes: the server may close before they are all read, which is an error for us.
    let mut huge = server.connect().await;
    let _ = huge.socket.send(Message::Binary(vec![0; 10 << 20].into())).await;
    huge.end().await;
    ada.say(message(2, "bob", "still here")).await;
    assert_eq!(bodies(&mut bob, 1).await, ["still here"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_frame_is_answered_and_its_session_stays() {
    let server = start();
    let ada = server.user("ada");
    let mut ada = server.sign_in(&ada).await;
    // Field 1000, length-delimited, empty.
    ada.socket.send(Message::Binary(vec![0xc2, 0x3e, 0].into())).await.unwrap();
    let field = ada.hear(|frame| match frame {
        server_frame::Body::Unsupported(unsupported) => Some(unsupported.field),
        _ => None,
    });
    assert_eq!(field.await, 1000);
    ada.say(message(1, "ada", "to myself")).await;
    accepted(&mut ada, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_delivered_is_rejected_with_its_reason() {
    let server = start();
    let (ada, _bob) = (server.user("ada"), server.user("bob"));
    let group = server.call(json!({"op": "groupadd", "group": {"name": "closed"}}));
    let gid = group["group"]["gid"].as_u64().unwrap() as u32;
    let mut ada = server.sign_in(&ada).await;

    let nobody = rejected(&mut ada, message(1, "nobody", "hello")).await;
    assert_eq!(nobody, status::INVALID_DESTINATION);
    let client_frame::Body::Send(mut to_group) = message(2, "", "hello") else { unreachable!() };
    to_group.to = Some(Target { to: Some(target::To::Group(gid)) });
    let stranger = rejected(&mut ada, client_frame::Body::Send(to_group)).await;
    assert_eq!(stranger, status::NOT_MEMBER);
    for id in [0, 1 << 53, u64::MAX] {
        let failed = rejected(&mut ada, message(id, "bob", "hello")).await;
        assert_eq!(failed & 0x80, 0x80, "{id}");
    }
    let long = rejected(&mut ada, message(3, "bob", vec![b'x'; CONTENT_BYTES_MAX + 1])).await;
    assert_eq!(long & 0x80, 0x80);
    ada.say(message(4, "bob", "a NUL \0 inside")).await;
    accepted(&mut ada, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_ends_its_session_and_holds_up_nobody() {
    let server = start();
    let (ada, bob, eve) = (server.user("ada"), server.user("bob"), server.user("eve"));
    let (mut ada, mut bob) = (server.sign_in(&ada).await, server.sign_in(&bob).await);
    let mut eve = server.sign_in(&eve).await;
    let flood = async {
        let pong = encode_client(client_frame::Body::Pong(wire::proto::Pong { sent: 1 }));
        let mut sent = 0_u32;
        // Until the server hangs up; a server that never does fails the test by its patience.
        while eve.socket.send(Message::Binary(pong.clone().into())).await.is_ok() {
            sent += 1;
        }
        sent
    };
    let talk = async {
        for id in 1..=50 {
            ada.say(message(id, "bob", format!("{id}"))).await;
            assert_eq!(bodies(&mut bob, 1).await, [format!("{id}")]);
        }
    };
    let flood = tokio::time::timeout(support::PATIENCE * 2, flood);
    let (sent, ()) = tokio::join!(flood, talk);
    assert!(sent.unwrap() >= wire::limits::FRAMES_BURST_MAX / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_never_reads_holds_up_nobody() {
    let server = start();
    let (ada, bob, deaf) = (server.user("ada"), server.user("bob"), server.user("deaf"));
    let deaf = server.sign_in(&deaf).await;
    let (mut ada, mut bob) = (server.sign_in(&ada).await, server.sign_in(&bob).await);
    for id in 1..=200 {
        ada.say(message(id, "deaf", vec![b'x'; 60_000])).await;
        accepted(&mut ada, id).await;
    }
    ada.say(message(1_000, "bob", "hello")).await;
    assert_eq!(bodies(&mut bob, 1).await, ["hello"]);
    drop(deaf);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_at_the_media_port_changes_nothing() {
    let server = start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut state = 1_u32;
    for length in 0..600 {
        let mut byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let mut datagram: Vec<u8> = (0..length).map(|_| byte()).collect();
        // As STUN, DTLS and RTP begin, then anything.
        if let Some(first) = datagram.first_mut() {
            *first = [0, 1, 22, 128, 144, 255][length % 6];
        }
        socket.send_to(&datagram, server.media).unwrap();
    }
    let ada = server.user("ada");
    let mut ada = server.sign_in(&ada).await;
    ada.say(message(1, "ada", "to myself")).await;
    accepted(&mut ada, 1).await;
}

#[test]
fn an_operation_without_a_parameter_it_needs_names_that_parameter() {
    let server = start();
    server.user("ada");
    let gid = server.call(json!({"op": "groupadd", "name": "g"}))["group"]["gid"].clone();
    let operations = [
        (json!({"op": "useradd", "addr": "new", "appid": "tests"}), vec!["addr"]),
        (json!({"op": "usertoken", "addr": "ada", "appid": "tests"}), vec!["appid"]),
        (json!({"op": "groupadd", "name": "h"}), vec![]),
        (json!({"op": "groupset", "gid": gid, "name": "i"}), vec!["gid"]),
        (json!({"op": "groupeditmembers", "gid": gid, "m": "ada"}), vec!["gid", "m"]),
        (json!({"op": "groupgetmembers", "gid": gid}), vec!["gid"]),
        (json!({"op": "groupdel", "gid": gid}), vec!["gid"]),
    ];
    for (operation, needed) in operations {
        for name in needed {
            let mut without = operation.clone();
            without.as_object_mut().unwrap().remove(name);
            let answer = server.call(without);
            assert_eq!(answer["error"], "MISSINGPARAM", "{operation} without {name}: {answer}");
            let named = answer["properties"].as_array().unwrap();
            assert!(named.contains(&Value::from(name)), "{operation} without {name}: {answer}");
        }
        let answer = server.call(operation.clone());
        assert_eq!(answer["result"], true, "{operation}: {answer}");
    }
    assert_eq!(server.call(json!({"op": "nonsense"}))["error"], "BADOP");
    assert_eq!(server.call(json!({}))["result"], false);
    assert_eq!(server.admin(json!({"op": "useradd", "token": "wrong"}))["error"], "AUTHFAIL");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_tell_what_was_done() {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    assert_eq!(server.admin(json!({"op": "useradd", "token": "wrong"}))["error"], "AUTHFAIL");
    let (mut ada, mut bob) = (server.sign_in(&ada).await, server.sign_in(&bob).await);
    for id in 1..=3 {
        ada.say(message(id, "bob", "hello")).await;
        accepted(&mut ada, id).await;
    }
    // Sent again: it is the same message.
    ada.say(message(3, "bob", "hello")).await;
    accepted(&mut ada, 3).await;
    assert_eq!(bodies(&mut bob, 3).await.len(), 3);

    let (head, text) = server.get("/metrics");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let value = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        lines.next().unwrap_or_else(|| panic!("no {name} in {text}")).parse::<f64>().unwrap()
    };
    assert_eq!(value("mesibo_sessions"), 2.0);
    assert_eq!(value("mesibo_messages_accepted_total"), 3.0);
    assert!(value("mesibo_deliveries_total") >= 3.0);
    // The app and the two users; the one without a right to it.
    assert_eq!(value("mesibo_admin_operations_total"), 3.0);
    assert_eq!(value("mesibo_admin_refusals_total"), 1.0);
    assert!(value("mesibo_store_commit_seconds_count") >= 3.0);
    assert!(value("mesibo_store_requests_total") >= value("mesibo_store_commit_seconds_count"));
    assert_eq!(value("mesibo_rooms"), 0.0);
    assert_eq!(value(r#"mesibo_media_packets_forwarded_total{loop="0"}"#), 0.0);
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(!text.contains("ada"), "no user is named: {text}");
}

#[test]
fn a_server_that_is_ready_says_so() {
    let server = start();
    for path in ["/healthz", "/readyz"] {
        let (head, body) = server.get(path);
        assert!(head.starts_with("HTTP/1.1 200") && body == "ok", "{path}: {head} {body}");
    }
}

#[test]
fn figures_are_at_a_port_of_their_own_when_the_operator_names_one() {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesibo-server"));
    command.args(["--listen", "127.0.0.1:0", "--media", "127.0.0.1:0", "--data"]).arg(data.path());
    command.args(["--metrics-listen", "127.0.0.1:0"]).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let open = ready["url"].as_str().unwrap().trim_start_matches("http://").parse().unwrap();
    let own = ready["metrics"].as_str().unwrap().parse().unwrap();
    let status = |at, path: &str| get_at(at, path).0.split(' ').nth(1).unwrap().to_owned();
    let of_all = ["/metrics", "/healthz", "/readyz"].map(|path| status(open, path));
    let of_own = ["/metrics", "/readyz", "/backend"].map(|path| status(own, path));
    let text = get_at(own, "/metrics").1;
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(of_all, ["404", "200", "200"]);
    assert_eq!(of_own, ["200", "200", "404"]);
    assert!(text.contains("mesibo_sessions"));
}

#[test]
fn a_wrong_setting_ends_the_start_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.toml");
    std::fs::write(&file, "listten = \"127.0.0.1:0\"").unwrap();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_mesibo-server"));
    let output = program.env("MESIBO_CONFIG", &file).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains("listten"), "{text}");
}

#[test]
fn a_data_folder_in_use_is_refused_to_a_second_server() {
    let server = start();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_mesibo-server"));
    program.args(["--listen", "127.0.0.1:0", "--media", "127.0.0.1:0", "--data"]);
    let output = program.arg(server.data()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains("another server"), "{text}");
}
