//! Webhooks: the cases of the conformance table, and what a bad endpoint causes.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::matcher::mismatch;
use crate::runner::Runner;
use crate::support::PATIENCE;

/// What was posted: its head in small letters, and its body.
struct Posted {
    head: String,
    text: String,
    body: Value,
}

/// An endpoint of a backend. It answers with these codes, then with 200.
struct Endpoint {
    url: String,
    posted: mpsc::UnboundedReceiver<Posted>,
}

impl Endpoint {
    async fn open(codes: &[u16]) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (tell, posted) = mpsc::unbounded_channel();
        let mut codes = VecDeque::from(codes.to_vec());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                let (head, text) = loop {
                    let mut piece = [0; 4096];
                    let count = socket.read(&mut piece).await.unwrap();
                    bytes.extend_from_slice(&piece[..count]);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let head = head.to_ascii_lowercase();
                    let length = head.split("content-length: ").nth(1).expect("a length");
                    let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
                    if body.len() >= length {
                        break (head, body.to_owned());
                    }
                };
                let code = codes.pop_front().unwrap_or(200);
                let answer = format!(
                    "HTTP/1.1 {code} x\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 9\r\n\
                     connection: close\r\n\r\nMESIBO OK"
                );
                socket.write_all(answer.as_bytes()).await.unwrap();
                let body = serde_json::from_str(&text).unwrap_or_default();
                if tell.send(Posted { head, text, body }).is_err() {
                    break;
                }
            }
        });
        Endpoint { url, posted }
    }

    async fn next(&mut self) -> Posted {
        timeout(PATIENCE, self.posted.recv()).await.expect("in time").expect("open")
    }

    /// The body that has an event with this text of a message.
    async fn until_message(&mut self, wanted: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            for event in self.next().await.body["events"].as_array().unwrap() {
                if event["message"]["message"] == wanted {
                    return events;
                }
                events.push(event.clone());
            }
        }
    }
}

const ALLOWED: [&str; 4] = ["--webhook-allow-http", "true", "--webhook-allow-private", "true"];

async fn world(endpoint: &Endpoint, given: &Value) -> Runner {
    world_with(endpoint, given, "0,1").await
}

async fn world_with(endpoint: &Endpoint, given: &Value, retries: &str) -> Runner {
    let mut runner = Runner::start_with(&arguments(retries)).await;
    for id in ["G00", "G00b"] {
        runner.set_up(id).await;
    }
    let mut app = json!({"url": endpoint.url, "secret": ""});
    app.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    let answer = runner.server.call(json!({"op": "appset", "app": app}));
    assert_eq!(answer["result"], true, "{answer}");
    runner
}

fn arguments(retries: &str) -> Vec<&str> {
    [&ALLOWED[..], &["--webhook-retries", retries]].concat()
}

/// What was given up, once there are so many.
async fn given_up(runner: &Runner, count: u64) -> Value {
    let wanted = async {
        loop {
            let listed = runner.server.call(json!({"op": "hooksget"}));
            if listed["given_up"] == count && listed["waiting"] == 0 {
                return listed;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wanted).await.expect("in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn w01_a_user_who_goes_is_told_in_the_first_envelope() {
    let mut endpoint = Endpoint::open(&[]).await;
    let case = Runner::case_named("W01");
    let runner = world(&endpoint, &case["given"]).await;
    let (session, _) = runner.sign_in(&runner.text("GB_T")).await;
    drop(session);
    let expected = runner.filled(&case["hook"]);
    loop {
        let posted = endpoint.next().await;
        if mismatch(&expected, Some(&posted.body)).is_none() {
            return;
        }
        let online = posted.body["events"][0]["status"] == "online";
        assert!(online, "{} is not {expected}", posted.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn w02_of_a_user_who_is_away_it_is_said_once_that_messages_wait() {
    let mut endpoint = Endpoint::open(&[]).await;
    let case = Runner::case_named("W02");
    let runner = world(&endpoint, &case["given"]).await;
    runner.send("g-bo", "first");
    runner.send("g-bo", "second");
    let posted = endpoint.next().await;
    let expected = runner.filled(&case["hook"]);
    assert_eq!(mismatch(&expected, Some(&posted.body)), None, "{}", posted.body);
    assert_eq!(posted.body["events"].as_array().unwrap().len() as u64, case["count"]);
    assert_eq!(posted.body["events"][0]["message"]["message"], "first");
    // Whoever was online again is told of again; between both there was nothing.
    let (mut session, _) = runner.sign_in(&runner.text("GB_T")).await;
    runner.server.call(json!({"op": "userset", "user": {"address": "g-bo", "active": false}}));
    session.end().await;
    runner.send("g-bo", "third");
    assert_eq!(endpoint.until_message("third").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_not_taken_comes_again_as_it_was_and_signed() {
    let mut endpoint = Endpoint::open(&[302]).await;
    let given = json!({"notify": 0x201, "secret": "s3", "webhookversion": 2});
    let runner = world(&endpoint, &given).await;
    runner.send("g-bo", "hello");
    let (first, again) = (endpoint.next().await, endpoint.next().await);
    assert_eq!(first.body, again.body);
    assert!(first.head.contains("x-signature: sha256="), "{}", first.head);
    assert!(first.head.contains("x-timestamp: "), "{}", first.head);
    assert!(!first.text.contains("s3"), "{}", first.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_and_reading_of_a_message_are_told() {
    let mut endpoint = Endpoint::open(&[]).await;
    let runner = world(&endpoint, &json!({"notify": 0xc01})).await;
    let (mut session, _) = runner.sign_in(&runner.text("GB_T")).await;
    let message = json!({"from": "g-ana", "to": "g-bo", "message": "hello", "type": 7});
    runner.server.call(json!({"op": "message", "message": message}));
    let entry = session.entries(1).await.remove(0);
    let ack = wire::proto::Ack { seq: entry.seq, ..Default::default() };
    session.say(wire::proto::client_frame::Body::Ack(ack)).await;
    let told = endpoint.next().await.body;
    let delivered = json!({"type": "status", "status": "delivered", "message": {"mid": "$int", "type": 7},
        "from": {"address": "g-ana"}, "user": {"address": "g-bo"}});
    assert_eq!(mismatch(&delivered, Some(&told["events"][0])), None, "{told}");
    let message = wire::proto::MessageRef {
        from_uid: runner.saved["GA"].as_u64().unwrap() as u32,
        id: told["events"][0]["message"]["mid"].as_u64().unwrap(),
        receipt: true,
    };
    let read = wire::proto::Read { ticket: 1, messages: vec![message] };
    session.say(wire::proto::client_frame::Body::Read(read)).await;
    let told = endpoint.next().await.body;
    assert_eq!(told["events"][0]["status"], "read", "{told}");
    assert_eq!(told["events"][0]["message"]["type"], 7, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_survives_a_killed_server_and_goes_to_where_the_backend_is_then() {
    let mut endpoint = Endpoint::open(&[500; 100]).await;
    let given = json!({"notify": 0x201, "webhookversion": 2});
    let mut runner = world_with(&endpoint, &given, "3600").await;
    runner.send("g-bo", "hello");
    let first = endpoint.next().await;
    runner.server.kill_and_start_with(&arguments("3600"));
    let mut better = Endpoint::open(&[]).await;
    let app = json!({"url": better.url});
    assert_eq!(runner.server.call(json!({"op": "appset", "app": app}))["result"], true);
    assert_eq!(better.next().await.body, first.body, "without waiting for an hour");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_never_taken_is_kept_listed_and_tried_again_when_asked() {
    let mut endpoint = Endpoint::open(&[500, 503, 404]).await;
    let runner = world_with(&endpoint, &json!({"notify": 0x201}), "0,0").await;
    runner.send("g-bo", "hello");
    for attempt in 1..=3 {
        let head = endpoint.next().await.head;
        assert!(head.contains(&format!("x-mesibo-attempt: {attempt}")), "{head}");
    }
    let listed = given_up(&runner, 1).await;
    let row = &listed["hooks"][0];
    assert_eq!((&row["tries"], &row["cause"]), (&3.into(), &"it answered 404".into()));
    assert_eq!(row["event"]["message"]["message"], "hello");
    let ids = json!([row["id"]]);
    assert_eq!(runner.server.call(json!({"op": "hooksretry", "ids": ids}))["retried"], 1);
    assert_eq!(endpoint.next().await.body["events"][0], row["event"]);
    assert_eq!(given_up(&runner, 0).await["hooks"], json!([]));
    assert_eq!(runner.server.call(json!({"op": "hooksdel"}))["deleted"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_says_nothing_slows_no_other() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut endpoint = Endpoint::open(&[]).await;
    let runner = world(&endpoint, &json!({"notify": 0x201})).await;
    let other = json!({"op": "appadd", "key": crate::support::ADMIN_KEY, "name": "silent"});
    let other = runner.server.admin(other)["token"].clone();
    let call = |mut operation: Value| {
        operation["token"] = other.clone();
        let answer = runner.server.admin(operation);
        assert_eq!(answer["result"], true, "{answer}");
    };
    let url = format!("http://{}/", silent.local_addr().unwrap());
    call(json!({"op": "appset", "app": {"url": url, "notify": 0x201}}));
    for address in ["ann", "bob"] {
        call(json!({"op": "useradd", "user": {"address": address}}));
    }
    call(json!({"op": "message", "message": {"from": "ann", "to": "bob", "message": "lost"}}));
    let (asked, _) = timeout(PATIENCE, silent.accept()).await.expect("in time").unwrap();
    runner.send("g-bo", "hello");
    assert_eq!(endpoint.next().await.body["events"][0]["message"]["message"], "hello");
    drop(asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_envelope_is_a_form() {
    let mut endpoint = Endpoint::open(&[]).await;
    let given = json!({"notify": 0x201, "secret": "s3", "webhookversion": 0});
    let runner = world(&endpoint, &given).await;
    runner.send("g-bo", "hello");
    let posted = endpoint.next().await;
    assert!(posted.head.contains("application/x-www-form-urlencoded"), "{}", posted.head);
    let uid = &runner.saved["GB"];
    assert_eq!(posted.text, format!("secret=s3&uid={uid}&aid=1&from=g-ana&to=g-bo&e=256"));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_unknown_destinations_and_the_server_itself_are_told_of() {
    let mut endpoint = Endpoint::open(&[]).await;
    let mut runner = world(&endpoint, &json!({"notify": 0x2_9001})).await;
    let mut events = std::collections::VecDeque::new();
    let group = json!({"name": "Crew", "members": {"m": "g-bo"}});
    let made = runner.server.call(json!({"op": "groupadd", "group": group}));
    let gid = made["group"]["gid"].clone();
    let about = |mut fields: Value| {
        fields["gid"] = gid.clone();
        fields
    };
    for (op, group) in [
        ("groupset", about(json!({"name": "Team"}))),
        ("groupeditmembers", about(json!({"members": {"m": "g-bo", "remove": true}}))),
        ("groupdel", about(json!({}))),
    ] {
        runner.server.call(json!({"op": op, "group": group}));
    }
    let (mut session, _) = runner.sign_in(&runner.text("GB_T")).await;
    session.say(crate::support::message(77, "nobody", "hello")).await;
    for expected in [
        json!({"type": "group", "status": "created", "group": {"gid": gid, "name": "Crew"}}),
        json!({"type": "group", "status": "joined", "user": {"address": "g-bo"}}),
        json!({"type": "group", "status": "changed", "group": {"name": "Team"}}),
        json!({"type": "group", "status": "left", "user": {"address": "g-bo"}}),
        json!({"type": "group", "status": "deleted"}),
        json!({"type": "message", "status": "invalid", "message": {"to": {"address": "nobody"}}}),
    ] {
        while events.is_empty() {
            events.extend(endpoint.next().await.body["events"].as_array().unwrap().clone());
        }
        let event = events.pop_front().unwrap();
        assert_eq!(mismatch(&expected, Some(&event)), None, "{event}");
    }
    runner.server.kill_and_start_with(&arguments("0"));
    // What was taken a moment before the end may come once more.
    let started = json!({"type": "server", "status": "started"});
    while !endpoint.next().await.body["events"].as_array().unwrap().contains(&started) {}
}
