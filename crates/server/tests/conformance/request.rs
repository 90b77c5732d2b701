//! A case's request as bytes, and the answer taken apart. Plain HTTP by hand, as odd clients do it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use data_encoding::BASE64;
use serde_json::{Map, Value};

/// What came back.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body, when it is JSON.
    pub json: Option<Value>,
}

/// Sends what a case describes.
pub fn send(address: SocketAddr, request: &Value) -> Answer {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let method = text("method").unwrap_or("GET");
    let path = match text("url") {
        Some(url) => url.splitn(4, '/').nth(3).map(|path| format!("/{path}")).expect("a path"),
        None => text("path").unwrap_or("/backend").to_owned(),
    };
    let query = request.get("query").and_then(Value::as_object).map(pairs);
    let target = query.map_or(path.clone(), |query| format!("{path}?{query}"));

    let mut headers = String::new();
    let mut body = Vec::new();
    if let Some(json) = request.get("json") {
        headers += "content-type: application/json\r\n";
        body = json.to_string().into_bytes();
    } else if let Some(form) = request.get("form").and_then(Value::as_object) {
        headers += "content-type: application/x-www-form-urlencoded\r\n";
        body = pairs(form).into_bytes();
    } else if let Some(parts) = request.get("multipart").and_then(Value::as_object) {
        headers += "content-type: multipart/form-data; boundary=limit\r\n";
        body = multipart(parts);
    } else if let Some(raw) = text("body") {
        body = raw.into();
    }
    for (name, value) in request.get("headers").and_then(Value::as_object).into_iter().flatten() {
        headers += &format!("{name}: {}\r\n", plain(value));
    }
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(&[head.as_bytes(), &body].concat()).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let status = String::from_utf8_lossy(&answer[..end]);
    let status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
    let json = serde_json::from_slice(&answer[end + 4..]).ok();
    Answer { status: status.expect("a status"), json }
}

fn pairs(fields: &Map<String, Value>) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        text.append_pair(name, &plain(value));
    }
    text.finish()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn multipart(parts: &Map<String, Value>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, part) in parts {
        let disposition = format!("--limit\r\ncontent-disposition: form-data; name=\"{name}\"");
        body.extend_from_slice(disposition.as_bytes());
        match part.get("bytes_b64").and_then(Value::as_str) {
            Some(bytes) => {
                let file = part["name"].as_str().expect("a file name");
                body.extend_from_slice(format!("; filename=\"{file}\"\r\n\r\n").as_bytes());
                body.extend_from_slice(&BASE64.decode(bytes.as_bytes()).unwrap());
            }
            None => body.extend_from_slice(format!("\r\n\r\n{}", plain(part)).as_bytes()),
        }
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--limit--\r\n");
    body
}
