//! Waking who is not there: by whom, how often, and with what.

mod host;

use host::Host;
use hub::Input;
use hub::port::admin::{AppFields, Operation, PushFields, Reply, UserFields, UserRef};
use hub::port::apps::{PushCredential, push_kind};
use hub::port::hook::{Event, Fate};
use hub::port::store::{Note, Request};
use sim::memory_store::SyncStore;
use wire::call as step;
use wire::id::SessionId;
use wire::limits::{
    LOG_ENTRIES_MAX, PUSH_CALL_TTL_S, PUSH_INTERVAL, PUSH_TOKEN_BYTES_MAX, SWEEP_INTERVAL,
};
use wire::mask::{notify, user as user_flag};
use wire::proto::{Call, Pong, PushToken, Send, Target, client_frame, server_frame, target};
use wire::time::Duration;

/// Ada is there; Bob has said where he can be woken, and has gone.
fn ada_and_sleeping_bob(host: &mut Host) -> (SessionId, String) {
    let (ada, bob) = (host.user("ada"), host.user("bob"));
    let session = host.sign_in(&bob);
    subscribe(host, session, "{place}");
    host.close(session);
    (host.sign_in(&ada), bob)
}

fn subscribe(host: &mut Host, session: SessionId, token: &str) {
    let push = PushToken { ticket: 7, token: token.into(), voip: false };
    host.frame(session, client_frame::Body::PushToken(push));
}

/// Nobody is lost meanwhile who is there.
fn a_minute_later(host: &mut Host, there: SessionId) {
    for _ in 0..2 {
        host.advance(PUSH_INTERVAL / 2);
        host.frame(there, client_frame::Body::Pong(Pong::default()));
    }
}

fn set(host: &mut Host, fields: AppFields) {
    host.admin(Operation::AppSet { aid: None, fields }).expect("set");
}

#[test]
fn a_message_to_who_is_away_wakes_once_until_they_were_there() {
    let mut host = Host::new();
    let (ada, bob) = ada_and_sleeping_bob(&mut host);
    host.send(ada, "bob", 1, "a secret");
    host.send(ada, "bob", 2, "another");
    let [push] = &host.pushes[..] else { panic!("once: {:?}", host.pushes) };
    assert_eq!(push.targets[0].token, "{place}");
    assert_eq!((push.alert.clone(), push.call), (None, None), "nothing of the text");
    a_minute_later(&mut host, ada);
    host.send(ada, "bob", 3, "a minute later");
    assert_eq!(host.pushes.len(), 2);
    let session = host.sign_in(&bob);
    host.send(ada, "bob", 4, "he is there");
    host.close(session);
    assert_eq!(host.pushes.len(), 2);
    host.send(ada, "bob", 5, "he has gone again");
    assert_eq!(host.pushes.len(), 3);
}

#[test]
fn who_has_said_no_place_is_not_woken_and_nobody_wakes_themselves() {
    let mut host = Host::new();
    let (ada, _) = ada_and_sleeping_bob(&mut host);
    host.user("carol");
    host.send(ada, "carol", 1, "hello");
    host.send(ada, "ada", 2, "a note");
    assert_eq!(host.pushes, []);
}

#[test]
fn what_a_notification_says_is_the_apps_choice() {
    let mut host = Host::new();
    let (ada, _) = ada_and_sleeping_bob(&mut host);
    set(&mut host, AppFields { push_flags: Some(1), ..AppFields::default() });
    let gid = host.group(0, &["ada", "bob"]);
    host.send_to(ada, wire::proto::target::To::Group(gid.0), 1, "lunch?", None);
    let alert = host.pushes[0].alert.clone().expect("visible");
    assert_eq!((alert.title.as_str(), alert.text.as_str()), ("ada", "lunch?"));
    assert_eq!((host.pushes[0].gid, host.pushes[0].targets.len()), (gid, 1));
}

#[test]
fn a_call_to_who_is_away_wakes_each_time() {
    let mut host = Host::new();
    let (ada, _) = ada_and_sleeping_bob(&mut host);
    for number in [1, 2] {
        let (peer, status) = ("bob".into(), step::INCOMING);
        let call = Call { number, status, peer, video: true, ..Call::default() };
        host.frame(ada, client_frame::Body::Call(call));
        host.advance(Duration::from_secs(1));
    }
    assert_eq!(host.pushes.len(), 2);
    assert_eq!((host.pushes[0].call, host.pushes[0].ttl_s), (Some(true), PUSH_CALL_TTL_S));
}

#[test]
fn a_place_that_is_no_more_is_forgotten_unless_there_is_a_newer_one() {
    let mut host = Host::new();
    let (ada, bob) = ada_and_sleeping_bob(&mut host);
    host.send(ada, "bob", 1, "hello");
    let device = host.pushes[0].targets[0].device;
    host.input(Input::PushGone { device, token: "an older place".into() });
    a_minute_later(&mut host, ada);
    host.send(ada, "bob", 2, "hello");
    assert_eq!(host.pushes.len(), 2);
    host.input(Input::PushGone { device, token: "{place}".into() });
    a_minute_later(&mut host, ada);
    host.send(ada, "bob", 3, "hello");
    assert_eq!(host.pushes.len(), 2);
    let session = host.sign_in(&bob);
    subscribe(&mut host, session, &"x".repeat(PUSH_TOKEN_BYTES_MAX + 1));
    let refused = host.received(session);
    assert!(refused.iter().any(|body| matches!(body, server_frame::Body::Rejected(_))));
}

#[test]
fn a_backend_that_sends_push_messages_itself_is_told_where_to() {
    let mut host = Host::new();
    let (ada, _) = ada_and_sleeping_bob(&mut host);
    let url = Some("https://hook.example.test/".into());
    let notify = Some(notify::MASTER | notify::MESSAGE_OFFLINE);
    set(&mut host, AppFields { url, notify, ..AppFields::default() });
    host.user_with(
        "carol",
        UserFields { flags: Some(user_flag::WEBHOOK), ..Default::default() },
        60,
    );
    host.send(ada, "bob", 1, "hello");
    host.send(ada, "carol", 2, "hello");
    let told = host.hooks.iter().filter_map(|hook| match &hook.event {
        Event::Message { to, fate: Fate::Offline(push), .. } => {
            Some((to.address.as_str(), push.as_ref().map(|push| push.token.as_str())))
        }
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [("bob", Some("{place}")), ("carol", None)]);
}

#[test]
fn a_backend_is_told_what_expired_before_somebody_had_it() {
    let mut host = Host::new();
    let (ada, bob) = (host.user("ada"), host.user("bob"));
    let url = Some("https://hook.example.test/".into());
    let notify = Some(notify::MASTER | notify::PRUNED);
    set(&mut host, AppFields { url, notify, ..AppFields::default() });
    host.user("carol");
    let ada = host.sign_in(&ada);
    let send = |host: &mut Host, to: &str, id, expiry| {
        let to = Some(target::To::Address(to.into()));
        let send = Send { id, to: Some(Target { to }), expiry: Some(expiry), ..Send::default() };
        host.frame(ada, client_frame::Body::Send(send));
    };
    send(&mut host, "bob", 1, 60);
    send(&mut host, "bob", 2, 600_000);
    send(&mut host, "carol", 3, 90);
    host.advance(Duration::from_secs(120));
    assert_eq!(pruned(&mut host), []);
    // Who comes before it was looked for does not hide it.
    let bob = host.sign_in_from(&bob, 2);
    host.ack(bob, 2);
    assert_eq!(pruned(&mut host), [(1, "bob".into())]);
    host.close(bob);
    host.advance(SWEEP_INTERVAL);
    assert_eq!(pruned(&mut host), [(3, "carol".into())]);
    host.advance(SWEEP_INTERVAL);
    assert_eq!(pruned(&mut host), []);
}

#[test]
fn a_backend_is_told_for_which_members_there_was_no_room() {
    let mut host = Host::new();
    let ada = host.user("ada");
    host.user("bob");
    host.user("carol");
    let url = Some("https://hook.example.test/".into());
    let notify = Some(notify::MASTER | notify::PRUNED);
    set(&mut host, AppFields { url, notify, ..AppFields::default() });
    let gid = host.group(0, &["ada", "bob", "carol"]);
    let bob = wire::id::Uid(2);
    let notes = vec![Note { uid: bob, ..Note::default() }; LOG_ENTRIES_MAX as usize];
    host.store.perform(Request::AppendNotes { notes }).unwrap();
    let ada = host.sign_in(&ada);
    let to = Some(target::To::Group(gid.0));
    let send = Send { id: 1, to: Some(Target { to }), ..Send::default() };
    host.frame(ada, client_frame::Body::Send(send));
    assert_eq!(pruned(&mut host), [(1, "bob".into())]);
}

#[test]
fn who_comes_and_goes_often_is_told_of_once_in_the_interval_of_the_app() {
    let mut host = Host::new();
    let token = host.user("ada");
    let url = Some("https://hook.example.test/".into());
    let notify = Some(notify::MASTER | notify::ONLINE | notify::OFFLINE);
    set(&mut host, AppFields { url, notify, interval_s: Some(30), ..AppFields::default() });
    let told = |host: &mut Host| {
        let events = std::mem::take(&mut host.hooks).into_iter();
        let told = events.filter_map(|hook| match hook.event {
            Event::User { online, .. } => Some(online),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let ada = host.sign_in(&token);
    assert_eq!(told(&mut host), [true]);
    host.close(ada);
    let again = host.sign_in(&token);
    host.advance(Duration::from_secs(30));
    assert_eq!(told(&mut host), [], "it is as it was said");
    host.close(again);
    assert_eq!(told(&mut host), [false]);
    let ada = host.sign_in(&token);
    host.close(ada);
    host.sign_in(&token);
    host.advance(Duration::from_secs(29));
    assert_eq!(told(&mut host), []);
    host.advance(Duration::from_secs(1));
    assert_eq!(told(&mut host), [true], "what is so in the end is said");
}

fn pruned(host: &mut Host) -> Vec<(u64, String)> {
    let events = std::mem::take(&mut host.hooks).into_iter();
    let told = events.filter_map(|hook| match hook.event {
        Event::Message { message, to, fate: Fate::Pruned } => Some((message.id, to.address)),
        _ => None,
    });
    told.collect()
}

fn set_push(host: &mut Host, fields: PushFields) -> Reply {
    host.admin(Operation::PushSet { fields }).expect("set")
}

#[test]
fn an_app_says_how_often_somebody_is_woken_and_with_what() {
    let mut host = Host::new();
    let (ada, _) = ada_and_sleeping_bob(&mut host);
    let interval_s = Some(PUSH_INTERVAL.as_secs() as u32 * 2);
    let (sound, background) = (Some("bell".into()), Some(false));
    set_push(&mut host, PushFields { interval_s, sound, background, ..PushFields::default() });
    host.send(ada, "bob", 1, "hello");
    assert_eq!(host.pushes[0].sound, "bell");
    assert!(host.pushes[0].alert.is_some());
    a_minute_later(&mut host, ada);
    host.send(ada, "bob", 2, "too early");
    assert_eq!(host.pushes.len(), 1);
    a_minute_later(&mut host, ada);
    host.send(ada, "bob", 3, "now");
    assert_eq!(host.pushes.len(), 2);
}

#[test]
fn a_credential_takes_the_place_of_the_one_of_its_name() {
    let mut host = Host::new();
    ada_and_sleeping_bob(&mut host);
    let mut put = |name: &str, secret: &'static [u8]| {
        let (kind, name, secret) = (push_kind::APN, name.into(), secret.into());
        let credential = PushCredential { kind, name, secret, expires_s: 0 };
        host.admin(Operation::PushUpload { credential })
    };
    put("shop", b"old").expect("the first");
    put("shop", b"new").expect("in its place");
    for name in ["1", "2", "3", "4", "5", "6", "7"] {
        put(name, b"another").expect("there is room");
    }
    assert!(put("one too many", b"another").is_err());
    let remove = ["1", "2", "3", "4", "5", "6", "7"].map(Into::into).to_vec();
    let Reply::PushSettings(app) = set_push(&mut host, PushFields { remove, ..Default::default() })
    else {
        panic!("its settings");
    };
    let [left] = &app.settings.push_credentials[..] else { panic!("one is left") };
    assert_eq!((left.name.as_str(), &left.secret[..]), ("shop", &b"new"[..]));
    let user = UserRef { address: Some("bob".into()), ..UserRef::default() };
    let Ok(Reply::PushTest(push)) = host.admin(Operation::PushTest { user }) else {
        panic!("a message to try");
    };
    assert_eq!((push.targets.len(), push.credentials.len()), (1, 1));
}
