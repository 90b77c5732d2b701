//! What a backend does: operations by HTTP, as `docs/protocol.md` leaves them to the API's own pages.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

/// Longest wait for an answer of the server on this machine. Then the command fails.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A server's admin interface.
pub struct Backend {
    authority: String,
}

impl Backend {
    /// `http://127.0.0.1:8080`
    pub fn new(url: &str) -> anyhow::Result<Backend> {
        let authority = url.strip_prefix("http://").context("the server's URL is not http")?;
        Ok(Backend { authority: authority.trim_end_matches('/').into() })
    }

    /// Runs one operation. Fails with the server's own code and cause.
    pub fn call(&self, operation: &Value) -> anyhow::Result<Value> {
        let answer = self.try_call(operation)?;
        if answer["result"] != true {
            bail!("{} answers {}: {}", operation["op"], answer["error"], answer["cause"]);
        }
        Ok(answer)
    }

    /// Runs one operation; the answer may be a refusal.
    pub fn try_call(&self, operation: &Value) -> anyhow::Result<Value> {
        let body = operation.to_string();
        let request = format!(
            "POST /backend HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.authority,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.authority)
            .with_context(|| format!("no server at {}", self.authority))?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).context("the server did not answer")?;
        // HTTP/1.0: the body is what follows the empty line, never in chunks.
        let (head, body) = answer.split_once("\r\n\r\n").context("not an HTTP answer")?;
        let status = head.lines().next().unwrap_or_default();
        serde_json::from_str(body).with_context(|| format!("the server answers {status}, not JSON"))
    }
}
