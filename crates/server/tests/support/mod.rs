//! The server's own program on a data folder of its own, and sessions over plain WebSockets.
//!
//! Relies on what the program says when it is ready. A wait that is not over in time is an error.
#![allow(dead_code)] // Each program that includes this uses a part of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::Connector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use wire::frame::{decode_server, encode_client};
use wire::proto::{
    Content, Hello, LogEntry, Pong, Send, Target, client_frame, server_frame, target,
};

/// How long anything may take that has to come; a busy machine is slow.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// What makes apps.
pub const ADMIN_KEY: &str = "a key that only these tests know";

/// A running server; killed at the end.
pub struct Program {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where its media loop listens.
    pub media: SocketAddr,
    app: String,
    program: PathBuf,
    data: tempfile::TempDir,
}

impl Program {
    /// Starts it on a new data folder, with one app.
    pub fn start(program: &Path) -> Program {
        Program::start_with(program, &[])
    }

    /// As [`Program::start`], with more arguments, this time only.
    pub fn start_with(program: &Path, arguments: &[&str]) -> Program {
        let data = tempfile::tempdir().unwrap();
        let (child, address, media) = spawn(program, data.path(), 0, arguments);
        let program = program.to_owned();
        let mut server = Program { child, address, media, app: String::new(), program, data };
        let app = server.admin(json!({"op": "appadd", "key": ADMIN_KEY, "name": "tests"}));
        server.app = app["token"].as_str().unwrap().to_owned();
        server
    }

    /// A program that is set up by hand, with one app.
    pub fn adopt(mut command: Command, data: tempfile::TempDir) -> Program {
        let program = PathBuf::from(command.get_program());
        let (child, address, media) = ready(&mut command);
        let mut server = Program { child, address, media, app: String::new(), program, data };
        let app = server.admin(json!({"op": "appadd", "key": ADMIN_KEY, "name": "tests"}));
        server.app = app["token"].as_str().unwrap().to_owned();
        server
    }

    /// Starts it on what was restored from a backup of another one.
    pub fn start_restored(&self, data: tempfile::TempDir) -> Program {
        let (child, address, media) = spawn(&self.program, data.path(), 0, &[]);
        let (app, program) = (self.app.clone(), self.program.clone());
        Program { child, address, media, app, program, data }
    }

    /// As a power cut, and nothing after it.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As a power cut, then a start on the same data folder.
    pub fn kill_and_start_again(&mut self) {
        self.kill_and_start_with(&[]);
    }

    /// As [`Program::kill_and_start_again`], with more arguments, this time only.
    pub fn kill_and_start_with(&mut self, arguments: &[&str]) {
        self.kill_and_start_at(0, arguments);
    }

    /// As [`Program::kill_and_start_with`], on this port.
    pub fn kill_and_start_at(&mut self, port: u16, arguments: &[&str]) {
        self.kill();
        let (child, address, media) = spawn(&self.program, self.data.path(), port, arguments);
        (self.child, self.address, self.media) = (child, address, media);
    }

    /// In order; how it ended.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        self.signal("TERM");
        self.child.wait().unwrap()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(kill.success());
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Token of the app.
    pub fn app(&self) -> &str {
        &self.app
    }

    /// One operation with the token of the app.
    pub fn call(&self, mut operation: Value) -> Value {
        operation["token"] = self.app.clone().into();
        self.admin(operation)
    }

    /// One operation of the backend API, as it is.
    pub fn admin(&self, operation: Value) -> Value {
        self.post("/backend", "application/json", operation.to_string())
    }

    /// One request with a body; the JSON that comes back.
    pub fn post(&self, path: &str, content_type: &str, body: impl AsRef<[u8]>) -> Value {
        let body = body.as_ref();
        let mut socket = TcpStream::connect(self.address).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        let (_, answer) = text.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(answer).unwrap()
    }

    /// Asks for a path: head and body of the answer.
    pub fn get(&self, path: &str) -> (String, String) {
        get_at(self.address, path)
    }

    /// Makes a user; returns the token.
    pub fn user(&self, address: &str) -> String {
        let user = json!({"address": address, "token": {"appid": "tests", "expiry": 600}});
        let answer = self.call(json!({"op": "useradd", "user": user}));
        answer["user"]["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// A socket on which nothing was said yet.
    pub async fn connect(&self) -> Session {
        self.connect_by("ws", None).await
    }

    /// As [`Program::connect`], with TLS as this connector speaks it.
    pub async fn connect_by(&self, scheme: &str, tls: Option<Connector>) -> Session {
        let url = format!("{scheme}://{}/ws", self.address);
        let mut request = url.into_client_request().unwrap();
        let protocol = wire::SUBPROTOCOL.parse().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        // As browsers do: a small frame does not wait for the answer to the one before it.
        let nagle_off = true;
        // Its 128 KB are filled with zeroes before each read: a load would be that and little else.
        let config = Some(WebSocketConfig::default().read_buffer_size(8_192));
        let connected =
            tokio_tungstenite::connect_async_tls_with_config(request, config, nagle_off, tls).await;
        let (socket, _) = connected.unwrap();
        Session { socket }
    }

    /// A session that is welcome.
    pub async fn sign_in(&self, token: &str) -> Session {
        let mut session = self.connect().await;
        session.sign_in(token).await;
        session
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks for a path at an address: head and body of the answer.
pub fn get_at(address: SocketAddr, path: &str) -> (String, String) {
    let mut socket = TcpStream::connect(address).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn spawn(program: &Path, data: &Path, port: u16, more: &[&str]) -> (Child, SocketAddr, SocketAddr) {
    let mut command = Command::new(program);
    command
        .args(["--listen", &format!("127.0.0.1:{port}"), "--media", "127.0.0.1:0", "--data"])
        .arg(data)
        .args(more);
    command.env("MESIBO_ADMIN_KEY", ADMIN_KEY).env("MESIBO_LOG", "error");
    // Tests ask for more at once than a backend does.
    command.env("MESIBO_ADMIN_RATE", "0");
    ready(&mut command)
}

/// Starts it and waits until it says that it is ready.
fn ready(command: &mut Command) -> (Child, SocketAddr, SocketAddr) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let (_, url) = ready["url"].as_str().unwrap().split_once("://").unwrap();
    let media = ready["media"].as_str().unwrap();
    (child, url.parse().unwrap(), media.parse().unwrap())
}

/// The first frame of a session.
pub fn hello(token: &str) -> client_frame::Body {
    let hello = Hello { token: token.into(), device: vec![7; 16], ..Hello::default() };
    client_frame::Body::Hello(hello)
}

/// A message to a user.
pub fn message(id: u64, to: &str, body: impl Into<Vec<u8>>) -> client_frame::Body {
    let to = Target { to: Some(target::To::Address(to.into())) };
    let content = Some(Content { body: body.into().into(), ..Content::default() });
    client_frame::Body::Send(Send { id, to: Some(to), content, ..Send::default() })
}

/// One WebSocket.
pub struct Session {
    /// For what is no frame.
    pub socket: tokio_tungstenite::WebSocketStream<
        tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>,
    >,
}

impl Session {
    /// Says whose it is, and is welcome.
    pub async fn sign_in(&mut self, token: &str) {
        self.say(hello(token)).await;
        self.hear(|frame| matches!(frame, server_frame::Body::Welcome(_)).then_some(())).await;
    }

    /// Sends a frame.
    pub async fn say(&mut self, frame: client_frame::Body) {
        self.socket.send(Message::Binary(encode_client(frame).into())).await.unwrap();
    }

    /// The next frame that is no ping; `Err` with the close code when the session has ended.
    pub async fn next(&mut self) -> Result<server_frame::Body, Option<u16>> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            match next.expect("something comes in time") {
                Some(Ok(Message::Binary(bytes))) => match decode_server(&bytes).unwrap() {
                    server_frame::Body::Ping(ping) => {
                        self.say(client_frame::Body::Pong(Pong { sent: ping.sent })).await;
                    }
                    frame => return Ok(frame),
                },
                Some(Ok(Message::Close(close))) => {
                    return Err(close.map(|close| close.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// Waits for the frame that is wanted.
    pub async fn hear<T>(&mut self, wanted: impl Fn(server_frame::Body) -> Option<T>) -> T {
        loop {
            let frame = self.next().await.unwrap_or_else(|code| panic!("closed with {code:?}"));
            if let Some(found) = wanted(frame) {
                return found;
            }
        }
    }

    /// Waits for the end of the session; its close code.
    pub async fn end(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    /// Waits for this many entries that are not the session's own.
    pub async fn entries(&mut self, count: usize) -> Vec<LogEntry> {
        let mut entries = Vec::new();
        while entries.len() < count {
            let delivered = self.hear(|frame| match frame {
                server_frame::Body::Deliver(deliver) => Some(deliver.entries),
                _ => None,
            });
            entries.extend(delivered.await.into_iter().filter(|entry| entry.entry.is_some()));
        }
        entries
    }
}

/// What [`form`] is.
pub const FORM: &str = "multipart/form-data; boundary=limit";

/// A form as browsers send one, with a file in it or without.
pub fn form(fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Vec<u8> {
    let mut body = Vec::new();
    let part = "--limit\r\nContent-Disposition: form-data; name=";
    for (name, value) in fields {
        write!(body, "{part}\"{name}\"\r\n\r\n{value}\r\n").unwrap();
    }
    if let Some((name, content)) = file {
        write!(body, "{part}\"photo\"; filename=\"{name}\"\r\n\r\n").unwrap();
        body.extend_from_slice(content);
        write!(body, "\r\n").unwrap();
    }
    write!(body, "--limit--\r\n").unwrap();
    body
}

/// A picture as pages upload them.
pub fn picture() -> Vec<u8> {
    let picture = image::RgbImage::from_pixel(320, 200, image::Rgb([200, 40, 40]));
    let mut all = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut all, image::ImageFormat::Png).unwrap();
    all.into_inner()
}

/// A small picture of an answer.
pub fn decoded(small: &Value) -> image::DynamicImage {
    let bytes = data_encoding::BASE64.decode(small.as_str().unwrap().as_bytes()).unwrap();
    image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg).unwrap()
}
