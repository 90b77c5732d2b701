//! Messages that are looked at before they are accepted (`backend-api.md` 9): by a list of words, and by
//! the backend of their app, which lets them through, changes them, takes them for itself or refuses them.
//!
//! Relies on the host to answer every question within `limits::INTERCEPT_WITHIN`. Promises that a message
//! that was accepted is never dropped: the judgement comes before it is stored. Who waits for one keeps
//! its own messages in order and holds up nobody else.

use alloc::boxed::Box;
use alloc::string::String;
use wire::codec::Encode as _;
use wire::id::{AppId, SessionId, Ticket};
use wire::limits::CONTENT_BYTES_MAX;
use wire::proto::{Content, Message, target};
use wire::status;

use crate::Output;
use crate::changes::Changing;
use crate::hub::Hub;
use crate::messaging::{Refusal, fail};
use crate::port::hook::{Question, Verdict, Who};
use crate::port::store::App;

/// How far a message that is about to be accepted has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nothing is in its way.
    Passed,
    /// The backend is being asked.
    Asked(Ticket),
    /// It goes to nobody, though its sender has sent it; with a status (`wire::status`) that its sender
    /// is told of it, 0 = none.
    Consumed(u32),
}

/// What waits for a verdict.
#[derive(Debug)]
pub(crate) enum Judged {
    /// A message of this session.
    Message(SessionId),
    /// An edit.
    Change(Box<Changing>),
}

/// What a verdict means here.
pub(crate) enum Judgement {
    Passed,
    Changed { text: Option<String>, title: Option<String>, subtitle: Option<String> },
    Consumed(u32),
    Refused(Refusal),
}

impl Hub {
    /// Looks at a message; [`Look::Asked`] when its backend has to.
    pub(crate) fn look_at(&mut self, aid: AppId, message: &Message, of: Judged) -> Look {
        let Some(app) = self.directory.app(aid).ok().flatten() else { return Look::Passed };
        let settings = &app.settings;
        if message.content.as_ref().is_some_and(|content| has_word(content, &settings.words)) {
            return Look::Consumed(0);
        }
        if settings.intercept_url.is_empty() {
            return Look::Passed;
        }
        let (url, secret) = (settings.intercept_url.clone(), settings.secret.clone());
        let ticket = self.new_ticket();
        let to = match message.to.as_ref().and_then(|to| to.to.as_ref()) {
            Some(target::To::Address(address)) => {
                let user = self.directory.find_user(aid, address).ok().flatten();
                Who { uid: user.map(|user| user.uid).unwrap_or_default(), address: address.clone() }
            }
            _ => Who::default(),
        };
        let question =
            Question { ticket, aid, url, secret, ts: self.now.wall, message: message.clone(), to };
        self.output(Output::Intercept(question.into()));
        self.judged.insert(ticket, of);
        Look::Asked(ticket)
    }

    /// The backend has said what becomes of a message, or has not.
    pub(crate) fn on_verdict(&mut self, ticket: Ticket, verdict: Verdict) {
        match self.judged.remove(&ticket) {
            // Its session is over: it is sent again, and asked about again.
            None => {}
            Some(Judged::Message(session)) => self.on_message_judged(session, ticket, verdict),
            Some(Judged::Change(changing)) => self.on_change_judged(*changing, verdict),
        }
    }

    /// What a verdict means for a message with this content.
    pub(crate) fn judgement(&self, aid: AppId, verdict: Verdict, of: &Content) -> Judgement {
        let app = self.directory.app(aid).ok().flatten();
        let unanswered = || match app.is_some_and(closes) {
            true => Judgement::Refused(fail("the app's backend could not be asked about it")),
            false => Judgement::Passed,
        };
        match verdict {
            Verdict::Pass => Judgement::Passed,
            Verdict::Change { text, title, subtitle } => {
                let changed = changed(of.clone(), (&text, &title, &subtitle));
                match changed.encoded_len() > CONTENT_BYTES_MAX {
                    true => unanswered(),
                    false => Judgement::Changed { text, title, subtitle },
                }
            }
            Verdict::Consume { delivered, read } => Judgement::Consumed(match (read, delivered) {
                (true, _) => status::READ,
                (false, true) => status::DELIVERED,
                (false, false) => 0,
            }),
            Verdict::Refuse => Judgement::Refused(fail("the app's backend has refused it")),
            Verdict::Unanswered => unanswered(),
        }
    }
}

/// Content with other texts.
pub(crate) fn changed(
    content: Content,
    (text, title, subtitle): (&Option<String>, &Option<String>, &Option<String>),
) -> Content {
    Content {
        body: text.as_ref().map_or(content.body, |text| text.clone().into_bytes().into()),
        title: title.clone().unwrap_or(content.title),
        subtitle: subtitle.clone().unwrap_or(content.subtitle),
        ..content
    }
}

/// Whether messages of an app do not go without a verdict.
fn closes(app: &App) -> bool {
    app.settings.intercept_closed
}

/// Whether a text of a message has one of these words, which are in lower case and in order. A word
/// ends where letters and digits do.
fn has_word(content: &Content, words: &[String]) -> bool {
    if words.is_empty() {
        return false;
    }
    // What is no text has no words.
    let body = core::str::from_utf8(&content.body).unwrap_or_default();
    let file = content.file.as_ref().map_or("", |file| file.name.as_str());
    let texts = [body, &content.title, &content.subtitle, &content.footer, &content.fields, file];
    texts.iter().flat_map(|text| text.split(|letter: char| !letter.is_alphanumeric())).any(|word| {
        let word = word.to_lowercase();
        !word.is_empty() && words.binary_search(&word).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    #[test]
    fn words_are_found_whole_and_in_any_case() {
        let mut words: Vec<_> = ["zorn", "übel", "bad"].iter().map(ToString::to_string).collect();
        words.sort_unstable();
        let has = |text: &str| {
            let body = text.to_string().into_bytes().into();
            has_word(&Content { body, ..Content::default() }, &words)
        };
        for hit in ["bad", "BAD!", "so bad, it is", "ÜBEL", "a\nzorn\tb", "(bad)"] {
            assert!(has(hit), "{hit}");
        }
        for miss in ["", "badly", "notbad", "b a d", "bad1", "ubel"] {
            assert!(!has(miss), "{miss}");
        }
        let title = Content { title: "bad".into(), ..Content::default() };
        assert!(has_word(&title, &words));
        let bytes = Content { body: alloc::vec![0xff, b'b', b'a', b'd'].into(), ..title };
        assert!(has_word(&bytes, &words) && !has_word(&bytes, &[]));
    }
}
