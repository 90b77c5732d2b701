//! Runs the cases of a suite in order: fills variables in, sends, compares, saves what later cases
//! use, and has the effects on connected clients checked.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::{Value, json};
use wire::proto::{Welcome, server_frame};

use crate::effects::Watcher;
use crate::matcher::mismatch;
use crate::request;
use crate::support::{ADMIN_KEY, Program, Session, hello};

/// One server and what its cases have saved.
pub struct Runner {
    pub server: Program,
    cases: Vec<Value>,
    pub saved: HashMap<String, Value>,
    /// The newest token of each user, whatever case it came from.
    pub tokens: HashMap<u64, String>,
}

/// What became of the cases that ran: `None` for those that passed.
#[derive(Default)]
pub struct Outcome(BTreeMap<String, Option<String>>);

impl Outcome {
    pub fn ran(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    pub fn of(&self, id: &str) -> Option<&String> {
        self.0.get(id)?.as_ref()
    }

    pub fn failed(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().filter_map(|(id, text)| Some((id, text.as_ref()?)))
    }
}

impl Runner {
    /// A case of the table that is run by hand.
    pub fn case_named(id: &str) -> Value {
        let cases: Vec<Value> = serde_json::from_str(include_str!("cases.json")).unwrap();
        cases.into_iter().find(|case| case["id"] == id).expect("such a case")
    }

    pub async fn start_with(arguments: &[&str]) -> Runner {
        let program = Path::new(env!("CARGO_BIN_EXE_mesibo-server"));
        let server = Program::start_with(program, arguments);
        let cases = serde_json::from_str(include_str!("cases.json")).unwrap();
        let app = Value::from(server.app());
        let key = Value::from(ADMIN_KEY);
        let saved = HashMap::from([("APP".into(), app), ("KEY".into(), key)]);
        Runner { server, cases, saved, tokens: HashMap::new() }
    }

    /// Runs a suite after the cases of others that it builds on.
    pub async fn suite(&mut self, name: &str, setup: &[&str]) -> Outcome {
        for id in setup {
            self.set_up(id).await;
        }
        let mut outcome = Outcome::default();
        let cases: Vec<_> =
            self.cases.iter().filter(|case| case["suite"] == name).cloned().collect();
        assert!(!cases.is_empty(), "there is no suite {name}");
        for case in cases {
            for id in case["setup"].as_array().into_iter().flatten() {
                self.set_up(id.as_str().unwrap()).await;
            }
            let id = case["id"].as_str().unwrap().to_owned();
            let failure = self.case(&case).await.err();
            outcome.0.insert(id, failure);
        }
        outcome
    }

    /// A case that others build on; it must pass.
    pub async fn set_up(&mut self, id: &str) {
        let case = self.cases.iter().find(|case| case["id"] == id).cloned();
        let passed = self.case(&case.expect("such a case")).await;
        passed.unwrap_or_else(|text| panic!("setup {id}: {text}"));
    }

    async fn case(&mut self, case: &Value) -> Result<(), String> {
        if case["request"].to_string().contains("${GA_UPLOAD_AUTH}") {
            let token = self.text("GA_T");
            let (_, welcome) = self.sign_in(&token).await;
            self.saved.insert("GA_UPLOAD_AUTH".into(), welcome.upload_token.into());
        }
        let request = self.filled(&case["request"]);
        let mut watcher = match case.get("effect") {
            None => None,
            Some(effect) => Some(Watcher::before(self, effect).await?),
        };
        let answer = request::send(self.server.address, &request);
        let status = case["status"].as_u64().unwrap_or(200);
        if u64::from(answer.status) != status {
            return Err(format!("HTTP status {}, should be {status}", answer.status));
        }
        if case["expect"].is_null() {
            return Ok(());
        }
        let expected = self.filled(&case["expect"]);
        let found = answer.json.ok_or("the answer is no JSON")?;
        if let Some(text) = mismatch(&expected, Some(&found)) {
            return Err(format!("{text}; the answer was {found}"));
        }
        if let (Some(uid), Some(token)) =
            (found["user"]["uid"].as_u64(), found["user"]["token"].as_str())
        {
            self.tokens.insert(uid, token.to_owned());
        }
        for (path, name) in case["save"].as_object().into_iter().flatten() {
            let pointer = format!("/{}", path.replace('.', "/"));
            let value = found.pointer(&pointer).ok_or(format!("{path} is not there to save"))?;
            self.saved.insert(name.as_str().unwrap().to_owned(), value.clone());
        }
        if let Some(check) = case["check"].as_str() {
            self.check(check)?;
        }
        match &mut watcher {
            Some(watcher) => watcher.after(self, &case["effect"]).await,
            None => Ok(()),
        }
    }

    /// `${NAME}` replaced: a text that is nothing else becomes the value itself.
    pub fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))
                {
                    return self.saved.get(name).unwrap_or_else(|| panic!("no {name}")).clone();
                }
                let mut text = text.clone();
                for (name, value) in &self.saved {
                    let value = value.as_str().map_or(value.to_string(), str::to_owned);
                    text = text.replace(&format!("${{{name}}}"), &value);
                }
                text.into()
            }
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, field)| (name.clone(), self.filled(field))).collect()
            }
            other => other.clone(),
        }
    }

    /// `NAME >= number`, joined by `and`.
    fn check(&self, text: &str) -> Result<(), String> {
        for part in text.split(" and ") {
            let (name, least) = part.split_once(" >= ").expect("a comparison");
            let value = &self.saved[name];
            let value = value.as_u64().or_else(|| value.as_str()?.parse().ok());
            if value.is_none_or(|value| value < least.parse().unwrap()) {
                return Err(format!("{name} is {value:?}, should be {least} at least"));
            }
        }
        Ok(())
    }

    /// A saved text.
    pub fn text(&self, name: &str) -> String {
        let value = self.saved.get(name).unwrap_or_else(|| panic!("no {name}"));
        value.as_str().expect("a text").to_owned()
    }

    /// A fresh token of a user with this address.
    pub fn token_of(&self, address: &str) -> String {
        let user = json!({"address": address, "token": {"appid": "conformance"}});
        let answer = self.server.call(json!({"op": "usertoken", "user": user}));
        answer["user"]["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// A session that is welcome.
    pub async fn sign_in(&self, token: &str) -> (Session, Welcome) {
        let mut session = self.server.connect().await;
        session.say(hello(token)).await;
        let welcome = session.hear(|frame| match frame {
            server_frame::Body::Welcome(welcome) => Some(welcome),
            server_frame::Body::Refused(refused) => panic!("{refused:?}"),
            _ => None,
        });
        let welcome = welcome.await;
        (session, welcome)
    }

    /// The saved number of a group.
    pub fn gid(&self, effect: &Value) -> Option<u32> {
        let name = effect["gid"].as_str()?;
        self.saved.get(name).and_then(Value::as_u64).map(|gid| gid as u32)
    }

    /// Sends a message from the backend.
    pub fn send(&self, to: &str, text: &str) {
        let message = json!({"from": "g-ana", "to": to, "message": text});
        let answer = self.server.call(json!({"op": "message", "message": message}));
        assert_eq!(answer["result"], true, "{answer}");
    }
}
