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
                let body = serde_json::from_str(&text).unwrap();
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

async fn world(endpoint: &Endpoint, given: &Value) -> Runner {
    let allowed = ["--webhook-allow-http", "true", "--webhook-allow-private", "true"];
    let mut runner = Runner::start_with(&allowed).await;
    for id in ["G00", "G00b"] {
        runner.set_up(id).await;
    }
    let mut app = json!({"url": endpoint.url, "secret": ""});
    app.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    let answer = runner.server.call(json!({"op": "appset", "app": app}));
    assert_eq!(answer["result"], true, "{answer}");
    runner
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
    runner.send("g-bo", "hello");
    let entry = session.entries(1).await.remove(0);
    let ack = wire::proto::Ack { seq: entry.seq };
    session.say(wire::proto::client_frame::Body::Ack(ack)).await;
    let told = endpoint.next().await.body;
    let delivered = json!({"type": "status", "status": "delivered", "message": {"mid": "$int"},
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
}
