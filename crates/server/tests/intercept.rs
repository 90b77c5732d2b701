//! Messages that the backend of their app is asked about, by HTTP, against the program itself.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use support::{PATIENCE, Program, Session, message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use wire::proto::{entry, server_frame};
use wire::status;

/// A backend that says of a message what is in it.
struct Backend {
    url: String,
    /// What it was asked: head in small letters, and body.
    asked: mpsc::UnboundedReceiver<(String, Value)>,
    count: Arc<AtomicUsize>,
}

impl Backend {
    async fn open() -> Backend {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/look", listener.local_addr().unwrap());
        let (tell, asked) = mpsc::unbounded_channel();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, tell.clone(), counted.clone()));
            }
        });
        Backend { url, asked, count }
    }

    async fn next(&mut self) -> (String, Value) {
        tokio::time::timeout(PATIENCE, self.asked.recv()).await.expect("in time").expect("open")
    }
}

/// Answers the requests of one connection; what says `silence` is never answered.
async fn serve(
    mut socket: TcpStream,
    tell: mpsc::UnboundedSender<(String, Value)>,
    count: Arc<AtomicUsize>,
) {
    let mut bytes = Vec::new();
    loop {
        let (head, body) = loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1).expect("a length");
                let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
                if body.len() >= length {
                    break (head, body.to_owned());
                }
            }
            let mut piece = [0; 4096];
            match socket.read(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(read) => bytes.extend_from_slice(&piece[..read]),
            }
        };
        bytes.clear();
        count.fetch_add(1, Ordering::SeqCst);
        let body: Value = serde_json::from_str(&body).unwrap();
        let wish = body["message"]["message"].as_str().unwrap_or_default().to_owned();
        let _ = tell.send((head, body));
        if wish.starts_with("silence") {
            return std::future::pending().await;
        }
        let answer = if wish.starts_with('{') { wish } else { "MESIBO OK".into() };
        let length = answer.len();
        let answer = format!("HTTP/1.1 200 x\r\ncontent-length: {length}\r\n\r\n{answer}");
        if socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn world(backend: &Backend, more: Value) -> (Program, Session, Session) {
    let arguments = ["--webhook-allow-http", "true", "--webhook-allow-private", "true"];
    let server = Program::start_with(Path::new(env!("CARGO_BIN_EXE_mesibo-server")), &arguments);
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let mut app = json!({"intercept": backend.url, "secret": "north"});
    app.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = server.call(json!({"op": "appset", "app": app}));
    assert_eq!(answer["app"]["intercept"], backend.url, "{answer}");
    let (ada, bob) = (server.sign_in(&ada).await, server.sign_in(&bob).await);
    (server, ada, bob)
}

/// The answer to a message that was sent.
async fn answer(session: &mut Session, id: u64) -> u32 {
    session
        .hear(|frame| match frame {
            server_frame::Body::Accepted(accepted) if accepted.id == id => Some(status::SENT),
            server_frame::Body::Rejected(rejected) if rejected.id == id => Some(rejected.status),
            _ => None,
        })
        .await
}

/// The texts of the next messages that come.
async fn texts(session: &mut Session, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        for row in session.entries(1).await {
            if let Some(entry::Body::Message(message)) = row.entry.and_then(|entry| entry.body) {
                let content = message.content.unwrap_or_default();
                texts.push(String::from_utf8_lossy(&content.body).into_owned());
            }
        }
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_lets_messages_through_changes_takes_refuses_and_answers_them() {
    let mut backend = Backend::open().await;
    let (_server, mut ada, mut bob) = world(&backend, json!({})).await;
    let wishes = [
        (1, "hello", status::SENT),
        (2, r#"{"message": "polite"}"#, status::SENT),
        (3, r#"{"result": -1}"#, status::FAIL),
        (4, "the last", status::SENT),
        // At the end: the reply comes behind its answer.
        (5, r#"{"result": 1, "reply": "I am the backend"}"#, status::SENT),
    ];
    for (id, wish, expected) in wishes {
        ada.say(message(id, "bob", wish)).await;
        assert_eq!(answer(&mut ada, id).await, expected, "{wish}");
    }
    assert_eq!(texts(&mut bob, 3).await, ["hello", "polite", "the last"]);
    assert_eq!(texts(&mut ada, 1).await, ["I am the backend"]);
    let (head, body) = backend.next().await;
    assert!(head.starts_with("post /look") && head.contains("x-signature: sha256="), "{head}");
    let message = &body["message"];
    assert_eq!((&body["server"], &body["v"]), (&"mesibo".into(), &2.into()));
    assert_eq!((&message["mid"], &message["from"]["address"]), (&1.into(), &"ada".into()));
    assert_eq!((&message["to"]["address"], &message["message"]), (&"bob".into(), &"hello".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_silent_is_soon_not_asked_any_more_and_its_messages_go() {
    let backend = Backend::open().await;
    let (_server, mut ada, mut bob) = world(&backend, json!({})).await;
    for id in 1..=5 {
        ada.say(message(id, "bob", format!("silence {id}"))).await;
    }
    for id in 1..=5 {
        assert_eq!(answer(&mut ada, id).await, status::SENT);
    }
    let silent = ["silence 1", "silence 2", "silence 3", "silence 4", "silence 5"];
    assert_eq!(texts(&mut bob, 5).await, silent);
    for id in 6..=9 {
        ada.say(message(id, "bob", format!("silence {id}"))).await;
        assert_eq!(answer(&mut ada, id).await, status::SENT);
    }
    assert_eq!(backend.count.load(Ordering::SeqCst), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_must_be_asked_and_is_not_there_lets_nothing_through() {
    let mut backend = Backend::open().await;
    // Nobody listens there.
    backend.url = "http://127.0.0.1:1/look".into();
    let (server, mut ada, mut bob) = world(&backend, json!({"interceptfail": "closed"})).await;
    ada.say(message(1, "bob", "one")).await;
    assert_eq!(answer(&mut ada, 1).await, status::FAIL);
    let off = server.call(json!({"op": "appset", "app": {"intercept": "", "words": "Zorn, bad"}}));
    assert_eq!(off["app"]["words"], json!(["bad", "zorn"]), "{off}");
    for (id, text) in [(2, "not so bad"), (3, "fine")] {
        ada.say(message(id, "bob", text)).await;
        assert_eq!(answer(&mut ada, id).await, status::SENT);
    }
    assert_eq!(texts(&mut bob, 1).await, ["fine"]);
    let none = server.call(json!({"op": "appset", "app": {"words": []}}));
    assert_eq!(none["app"]["words"], json!([]), "{none}");
}
