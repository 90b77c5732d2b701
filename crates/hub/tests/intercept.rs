//! Messages that are looked at before they are accepted: by the backend of their app, by its words.

mod host;

use host::Host;
use hub::Input;
use hub::port::admin::{AppFields, Operation, Reply, UserRef, With};
use hub::port::hook::Verdict;
use wire::id::{SessionId, Ticket};
use wire::limits::CONTENT_BYTES_MAX;
use wire::proto::*;
use wire::status;

fn host() -> (Host, [SessionId; 3]) {
    let mut host = Host::new();
    let sessions = ["ada", "bob", "eve"].map(|address| {
        let token = host.user(address);
        host.sign_in(&token)
    });
    for session in sessions {
        host.received(session);
    }
    (host, sessions)
}

fn asked() -> (Host, [SessionId; 3]) {
    let (mut host, sessions) = host();
    set(&mut host, |fields| fields.intercept_url = Some("https://shop.example.com/look".into()));
    (host, sessions)
}

fn set(host: &mut Host, change: impl Fn(&mut AppFields)) {
    let mut fields = AppFields::default();
    change(&mut fields);
    host.admin(Operation::AppSet { aid: None, fields }).expect("the app is set");
}

/// The ticket of the question about this message.
fn question(host: &Host, id: u64) -> Ticket {
    let of = host.questions.iter().rev().find(|question| question.message.id == id);
    of.unwrap_or_else(|| panic!("nobody is asked about {id}")).ticket
}

fn judge(host: &mut Host, id: u64, verdict: Verdict) {
    let ticket = question(host, id);
    host.input(Input::Verdict { ticket, verdict });
}

fn consume(delivered: bool, read: bool) -> Verdict {
    Verdict::Consume { delivered, read }
}

fn text(text: &str) -> Verdict {
    Verdict::Change { text: Some(text.into()), title: None, subtitle: None }
}

fn kept(host: &mut Host, address: &str, peer: &str) -> Vec<u64> {
    let user = UserRef { uid: None, address: Some(address.into()) };
    let with = Some(With::User(peer.into()));
    let get =
        Operation::MessagesGet { user, with, before: None, after: None, count: 9, deleted: false };
    match host.admin(get) {
        Ok(Reply::Messages { rows, .. }) => rows.iter().map(|row| row.message.id).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_waits_for_its_verdict_and_holds_up_those_behind_it_and_nobody_else() {
    let (mut host, [ada, bob, eve]) = asked();
    host.send(ada, "bob", 1, "first");
    host.send(ada, "bob", 2, "second");
    host.send(eve, "bob", 3, "other");
    assert!(host.answers(ada).is_empty() && host.texts(bob).is_empty());
    let question = &host.questions[0];
    assert_eq!((question.to.address.as_str(), question.message.from.as_str()), ("bob", "ada"));
    judge(&mut host, 3, Verdict::Pass);
    assert_eq!(
        (host.answers(eve), host.texts(bob)),
        (vec![(3, status::SENT)], vec!["other".into()])
    );
    judge(&mut host, 2, Verdict::Pass);
    assert!(host.texts(bob).is_empty(), "not before the first");
    judge(&mut host, 1, Verdict::Pass);
    assert_eq!(host.texts(bob), ["first", "second"]);
    assert_eq!(host.answers(ada), [(1, status::SENT), (2, status::SENT)]);
    host.input(Input::Verdict { ticket: Ticket(1), verdict: Verdict::Refuse });
}

#[test]
fn a_backend_changes_what_a_message_says() {
    let (mut host, [ada, bob, _]) = asked();
    host.send(ada, "bob", 1, "raw");
    judge(&mut host, 1, text("polite"));
    assert_eq!(host.texts(bob), ["polite"]);
    assert_eq!(kept(&mut host, "ada", "bob"), [1]);
}

#[test]
fn a_refused_message_fails_unless_it_was_let_through_before() {
    let (mut host, [ada, bob, _]) = asked();
    host.send(ada, "bob", 1, "no");
    host.send(ada, "bob", 2, "yes");
    judge(&mut host, 1, Verdict::Refuse);
    judge(&mut host, 2, Verdict::Pass);
    assert_eq!(host.answers(ada), [(1, status::FAIL), (2, status::SENT)]);
    assert_eq!(host.texts(bob), ["yes"]);
    // The answer was lost, and the backend thinks otherwise now.
    host.send(ada, "bob", 2, "yes");
    judge(&mut host, 2, Verdict::Refuse);
    assert_eq!(host.answers(ada), [(2, status::SENT)]);
    assert!(host.texts(bob).is_empty());
}

#[test]
fn without_an_answer_messages_go_or_not_as_the_app_says() {
    let (mut host, [ada, bob, _]) = asked();
    host.send(ada, "bob", 1, "open");
    judge(&mut host, 1, Verdict::Unanswered);
    assert_eq!(host.texts(bob), ["open"]);
    set(&mut host, |fields| fields.intercept_closed = Some(true));
    host.received(ada);
    host.send(ada, "bob", 2, "closed");
    judge(&mut host, 2, Verdict::Unanswered);
    assert_eq!(host.answers(ada), [(2, status::FAIL)]);
    host.send(ada, "bob", 3, "larger than there are messages");
    judge(&mut host, 3, text(&"x".repeat(CONTENT_BYTES_MAX + 1)));
    assert_eq!(host.answers(ada), [(3, status::FAIL)], "it is as good as no answer");
    assert!(host.texts(bob).is_empty());
}

#[test]
fn a_consumed_message_is_kept_for_its_sender_and_goes_to_nobody() {
    let (mut host, [ada, bob, _]) = asked();
    for (id, delivered, read) in [(1, false, false), (2, true, false), (3, true, true)] {
        host.send(ada, "bob", id, "to the backend");
        judge(&mut host, id, consume(delivered, read));
    }
    assert!(host.texts(bob).is_empty() && host.hooks.is_empty());
    let frames = host.received(ada);
    let sent = frames.iter().filter(|it| matches!(it, server_frame::Body::Accepted(_))).count();
    assert_eq!(sent, 3);
    let entries = frames.into_iter().filter_map(|body| match body {
        server_frame::Body::Deliver(deliver) => Some(deliver.entries),
        _ => None,
    });
    let bodies = entries.flatten().filter_map(|row| row.entry?.body);
    let told: Vec<_> = bodies
        .map(|body| match body {
            entry::Body::Status(report) => (report.id, report.status, report.address),
            other => panic!("an own message comes back: {other:?}"),
        })
        .collect();
    assert_eq!(told, [(2, status::DELIVERED, "bob".into()), (3, status::READ, "bob".into())]);
    assert_eq!(kept(&mut host, "ada", "bob"), [3, 2, 1], "in the conversation it was written in");
    assert!(kept(&mut host, "bob", "ada").is_empty());
    // Sent again after the answer was lost, and let through now: it was accepted once.
    host.send(ada, "bob", 1, "to the backend");
    judge(&mut host, 1, Verdict::Pass);
    assert_eq!(host.answers(ada), [(1, status::SENT)]);
    assert!(host.texts(bob).is_empty());
}

#[test]
fn a_message_for_now_waits_too_and_keeps_its_place() {
    let (mut host, [ada, bob, _]) = asked();
    host.send_to(ada, target::To::Address("bob".into()), 1, "now", Some(0));
    host.send(ada, "bob", 2, "kept");
    judge(&mut host, 2, Verdict::Pass);
    assert!(host.texts(bob).is_empty());
    judge(&mut host, 1, text("changed"));
    assert_eq!(host.texts(bob), ["changed", "kept"]);
    host.received(ada);
    host.send_to(ada, target::To::Address("bob".into()), 3, "now", Some(0));
    judge(&mut host, 3, consume(false, false));
    assert_eq!(host.answers(ada), [(3, status::SENT)]);
    assert!(host.texts(bob).is_empty());
}

#[test]
fn who_loses_the_connection_meanwhile_sends_again_and_is_asked_about_again() {
    let (mut host, [ada, bob, _]) = asked();
    host.send(ada, "bob", 1, "once");
    let first = question(&host, 1);
    host.close(ada);
    host.input(Input::Verdict { ticket: first, verdict: Verdict::Pass });
    assert!(host.texts(bob).is_empty());
    let token = host.user("ada");
    let ada = host.sign_in(&token);
    host.received(ada);
    host.send(ada, "bob", 1, "once");
    assert_ne!(question(&host, 1), first);
    judge(&mut host, 1, Verdict::Pass);
    assert_eq!(host.texts(bob), ["once"]);
}

#[test]
fn an_edit_is_looked_at_as_a_message_is() {
    let (mut host, [ada, bob, _]) = asked();
    host.send(ada, "bob", 1, "first");
    judge(&mut host, 1, Verdict::Pass);
    host.received(ada);
    host.received(bob);
    let edit = |host: &mut Host, ticket: u64, text: Option<&str>| {
        let to = Some(Target { to: Some(target::To::Address("bob".into())) });
        let content = text
            .map(|text| Content { body: text.as_bytes().to_vec().into(), ..Content::default() });
        host.frame(ada, client_frame::Body::Change(Change { ticket, id: 1, to, content }));
    };
    let said = |host: &mut Host| -> Vec<Option<String>> {
        let changed = host.entries(bob).into_iter().filter_map(|(_, body)| match body {
            entry::Body::Changed(changed) => Some(changed.content),
            _ => None,
        });
        let text = |content: Content| String::from_utf8_lossy(&content.body).into_owned();
        changed.map(|content| content.map(text)).collect()
    };
    edit(&mut host, 100, Some("worse"));
    assert!(host.questions.last().is_some_and(|question| question.message.modified));
    judge(&mut host, 1, Verdict::Refuse);
    assert_eq!((host.answers(ada), said(&mut host)), (vec![(100, status::FAIL)], vec![]));
    edit(&mut host, 101, Some("better"));
    judge(&mut host, 1, text("best"));
    assert_eq!(host.answers(ada), [(101, status::SENT)]);
    assert_eq!(said(&mut host), [Some("best".to_owned())]);
    let questions = host.questions.len();
    edit(&mut host, 102, None);
    assert_eq!((host.questions.len(), said(&mut host)), (questions, vec![None]), "taken back");
}

#[test]
fn a_message_with_a_word_of_the_list_goes_to_nobody_and_its_sender_does_not_notice() {
    let (mut host, [ada, bob, _]) = host();
    set(&mut host, |fields| fields.words = Some(vec!["zorn".into()]));
    host.received(ada);
    host.send(ada, "bob", 1, "so ein ZORN!");
    host.send(ada, "bob", 2, "zornig");
    assert_eq!(host.answers(ada), [(1, status::SENT), (2, status::SENT)]);
    assert_eq!(host.texts(bob), ["zornig"]);
    let to = Some(Target { to: Some(target::To::Address("bob".into())) });
    let content = Some(Content { body: b"Zorn".to_vec().into(), ..Content::default() });
    let edit = Change { ticket: 100, id: 2, to, content };
    host.frame(ada, client_frame::Body::Change(edit));
    assert_eq!(host.answers(ada), [(100, status::FAIL)]);
    assert!(host.entries(bob).is_empty(), "nor by an edit");
}
