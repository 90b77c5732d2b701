//! Asks the backends of apps about messages before these are accepted (`backend-api.md` 9).
//!
//! Promises an answer within [`INTERCEPT_WITHIN`], whatever the backend does: one that does not answer is
//! left alone for a while, and its senders do not wait for it. Each app has places of its own, so that a
//! slow backend slows nobody else.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hub::port::hook::{Question, Verdict};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use wire::id::AppId;
use wire::limits::{
    INTERCEPT_ANSWER_BYTES_MAX, INTERCEPT_FAILURES_MAX, INTERCEPT_REST, INTERCEPT_WITHIN,
    INTERCEPTS_AT_ONCE_MAX,
};

use super::client::{Client, Post, TAKEN};
use super::{Settings, body};
use crate::metrics::Metrics;

/// See the module.
#[derive(Clone)]
pub struct Interceptor {
    client: Arc<Client>,
    /// One for each app that has ever been asked: bounded by the number of apps.
    backends: Arc<Mutex<HashMap<AppId, Arc<Backend>>>>,
    asked: Arc<AtomicU64>,
    metrics: Metrics,
}

/// What a backend has said.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// What becomes of the message.
    pub verdict: Verdict,
    /// What its sender is to be told, as a message of who it was sent to.
    pub reply: Option<String>,
}

impl Answer {
    const NONE: Answer = Answer { verdict: Verdict::Unanswered, reply: None };
}

struct Backend {
    places: Semaphore,
    breaker: Mutex<Breaker>,
}

/// Whether a backend is asked at all (the pattern is known as circuit breaker).
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    /// Not before then; it is asked about one message, whose answer decides.
    again_at: Option<Instant>,
}

impl Breaker {
    fn lets_ask(&mut self, now: Instant) -> bool {
        match self.again_at {
            None => true,
            Some(at) if now < at => false,
            Some(_) => {
                self.again_at = Some(now + INTERCEPT_REST);
                true
            }
        }
    }

    /// Says whether it stops asking from now on.
    fn has_answered(&mut self, now: Instant, answered: bool) -> bool {
        if answered {
            *self = Breaker::default();
            return false;
        }
        self.failures = self.failures.saturating_add(1);
        let stops = self.failures >= INTERCEPT_FAILURES_MAX;
        if stops {
            self.again_at = Some(now + INTERCEPT_REST);
        }
        self.failures == INTERCEPT_FAILURES_MAX
    }
}

impl Interceptor {
    pub fn new(settings: &Settings, metrics: Metrics) -> Interceptor {
        Interceptor {
            client: Arc::new(Client::new(settings, INTERCEPTS_AT_ONCE_MAX)),
            backends: Arc::default(),
            asked: Arc::default(),
            metrics,
        }
    }

    /// Asks about a message.
    pub async fn ask(&self, question: &Question) -> Answer {
        self.metrics.intercepts.inc();
        let answer = self.try_ask(question).await;
        if answer.verdict == Verdict::Unanswered {
            self.metrics.intercepts_unanswered.inc();
        }
        answer
    }

    async fn try_ask(&self, question: &Question) -> Answer {
        let deadline = Instant::now() + INTERCEPT_WITHIN;
        let backend = self.backend(question.aid);
        if !backend.lock().lets_ask(Instant::now()) {
            return Answer::NONE;
        }
        let Ok(Ok(_place)) = timeout_at(deadline, backend.places.acquire()).await else {
            return Answer::NONE;
        };
        let id = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let post = Post {
            url: &question.url,
            secret: &question.secret,
            content_type: "application/json",
            body: words(question, id).to_string(),
            id,
            attempt: 1,
        };
        let within = deadline.saturating_duration_since(Instant::now());
        let result = self.client.exchange(post, within, INTERCEPT_ANSWER_BYTES_MAX).await;
        let answer = result.map_err(|failure| failure.why).and_then(|body| read(&body));
        let stops = backend.lock().has_answered(Instant::now(), answer.is_ok());
        answer.unwrap_or_else(|why| {
            if stops {
                let (aid, rest) = (question.aid, INTERCEPT_REST.as_secs());
                tracing::warn!(%aid, why, "the backend is not asked about messages for {rest} s");
            }
            Answer::NONE
        })
    }

    fn backend(&self, aid: AppId) -> Arc<Backend> {
        let mut backends = self.backends.lock().expect("no panic while looking");
        let fresh = || Backend {
            places: Semaphore::new(INTERCEPTS_AT_ONCE_MAX),
            breaker: Mutex::default(),
        };
        backends.entry(aid).or_insert_with(|| fresh().into()).clone()
    }
}

impl Backend {
    fn lock(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().expect("no panic while counting")
    }
}

/// As envelope 2 of webhooks, with one message instead of events.
fn words(question: &Question, id: u64) -> Value {
    let message = &question.message;
    let mut of_message = body::message(message, &question.to, true);
    of_message["subtitle"] = message.content.clone().unwrap_or_default().subtitle.into();
    of_message["modified"] = u8::from(message.modified).into();
    json!({
        "server": "mesibo",
        "id": id,
        "v": 2,
        "aid": question.aid.0,
        "ts": question.ts.0,
        "message": of_message,
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Words {
    result: i64,
    message: Option<String>,
    title: Option<String>,
    subtitle: Option<String>,
    status: Option<String>,
    reply: Option<String>,
}

/// Reads an answer; nothing, and what webhooks say, lets a message through.
fn read(body: &[u8]) -> Result<Answer, String> {
    let body = body.trim_ascii();
    if body.is_empty() || body == TAKEN {
        return Ok(Answer { verdict: Verdict::Pass, reply: None });
    }
    let object: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| "its answer cannot be read".to_owned())?;
    let words = Words::deserialize(Value::Object(object));
    let words = words.map_err(|_| "its answer cannot be read".to_owned())?;
    let Words { result, message: text, title, subtitle, status, reply } = words;
    let verdict = match (result, status.as_deref()) {
        (0, _) if text.is_none() && title.is_none() && subtitle.is_none() => Verdict::Pass,
        (0, _) => Verdict::Change { text, title, subtitle },
        (1, Some("fail")) | (-1, _) => Verdict::Refuse,
        (1, None | Some("")) => Verdict::Consume { delivered: false, read: false },
        (1, Some("delivered")) => Verdict::Consume { delivered: true, read: false },
        (1, Some("read")) => Verdict::Consume { delivered: true, read: true },
        _ => return Err("its answer has another result or status than there are".into()),
    };
    Ok(Answer { verdict, reply: reply.filter(|reply| !reply.is_empty()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_backend_that_fails_is_left_alone_and_then_tried_with_one_message() {
        let mut breaker = Breaker::default();
        let now = Instant::now();
        for failure in 1..=INTERCEPT_FAILURES_MAX {
            assert!(breaker.lets_ask(now));
            assert_eq!(breaker.has_answered(now, false), failure == INTERCEPT_FAILURES_MAX);
        }
        assert!(!breaker.lets_ask(now));
        let later = now + INTERCEPT_REST;
        assert!(breaker.lets_ask(later) && !breaker.lets_ask(later), "one message only");
        assert!(!breaker.has_answered(later, false), "that was known");
        assert!(!breaker.lets_ask(later + INTERCEPT_REST - Duration::from_millis(1)));
        assert!(breaker.lets_ask(later + INTERCEPT_REST));
        breaker.has_answered(later, true);
        assert!(breaker.lets_ask(later) && breaker.lets_ask(later));
    }

    #[test]
    fn answers_are_read_as_they_are_documented() {
        let verdict = |body: &str| read(body.as_bytes()).map(|answer| answer.verdict);
        let changed =
            |text: &str| Verdict::Change { text: Some(text.into()), title: None, subtitle: None };
        let consumed = |delivered, read| Verdict::Consume { delivered, read };
        for (body, expected) in [
            ("", Verdict::Pass),
            ("MESIBO OK\n", Verdict::Pass),
            ("{}", Verdict::Pass),
            (r#"{"result":0}"#, Verdict::Pass),
            (r#"{"message":"new"}"#, changed("new")),
            (r#"{"result":1}"#, consumed(false, false)),
            (r#"{"result":1,"status":"delivered"}"#, consumed(true, false)),
            (r#"{"result":1,"status":"read"}"#, consumed(true, true)),
            (r#"{"result":1,"status":"fail"}"#, Verdict::Refuse),
            (r#"{"result":-1}"#, Verdict::Refuse),
        ] {
            assert_eq!(verdict(body), Ok(expected), "{body}");
        }
        for broken in ["OK", "[]", r#"{"result":2}"#, r#"{"result":1,"status":"sent"}"#] {
            assert!(verdict(broken).is_err(), "{broken}");
        }
        let reply = read(br#"{"result":1,"reply":"hi"}"#).unwrap().reply;
        assert_eq!(reply.as_deref(), Some("hi"));
    }
}
