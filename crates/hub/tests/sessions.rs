//! Sessions: signing in, coming back, several at once, and what ends them.

mod host;

use host::{Host, TOKEN_OF_NOBODY};
use hub::Input;
use hub::port::admin::{Operation, TokenWish, UserFields, UserRef};
use hub::port::store::Request;
use wire::code::Code;
use wire::frame::FrameError;
use wire::limits::{
    FRAME_BYTES_MAX, FRAMES_BURST_MAX, MESSAGE_KEY_KEPT, SESSION_LOG_BYTES_MAX,
    SESSION_SEND_BYTES_MAX, SESSIONS_PER_USER_MAX, SWEEP_INTERVAL, SWEEP_PAUSE, SWEEP_ROWS_MAX,
    TOKEN_BYTES_MAX, WINDOW_ENTRIES,
};
use wire::proto::*;
use wire::status;
use wire::time::Duration;

#[test]
fn a_welcome_says_who_one_is_and_what_one_belongs_to() {
    let mut host = Host::new();
    let token = host.user("ada");
    let gid = host.group(0, &["ada"]);
    let (_, welcome) = host.resume(&token, 0);
    assert_eq!(welcome.address, "ada");
    assert_eq!(welcome.now, host.now.wall.0);
    assert_eq!(welcome.groups.iter().map(|group| group.gid).collect::<Vec<_>>(), [gid.0]);
    let rights = welcome.groups[0].rights.expect("the own rights");
    assert!(rights.member && rights.send && rights.publish);
    assert!(welcome.self_profile.is_some_and(|profile| profile.online));
}

#[test]
fn an_app_id_may_be_missing_and_the_log_names_a_wrong_one_but_no_token() {
    let mut host = Host::new();
    let token = host.user("ada");
    let sign_in = |host: &mut Host, app: &str| {
        let session = host.open();
        let hello = Hello {
            token: token.clone(),
            app: app.into(),
            device: vec![1; 16],
            ..Hello::default()
        };
        host.frame(session, client_frame::Body::Hello(hello));
        host.closed(session)
    };
    assert_eq!(sign_in(&mut host, ""), None);
    assert_eq!(sign_in(&mut host, "shop"), Some(Code::WrongApp));
    let line = host.log.last().expect("a line in the log");
    assert!(line.contains("\"web\"") && line.contains("\"shop\""), "{line}");
    assert!(!line.contains(&token));
}

#[test]
fn a_token_for_any_app_signs_in_with_any_app_id() {
    let mut host = Host::new();
    host.user("ada");
    let user = UserRef { uid: None, address: Some("ada".into()) };
    let token = TokenWish { app: String::new(), any_app: true, expiry_minutes: 0 };
    let issued = host.admin(Operation::UserToken { user, token });
    let Ok(hub::port::admin::Reply::User { token: Some(issued), .. }) = issued else {
        panic!("{issued:?}");
    };
    let session = host.sign_in(&issued.token);
    host.advance(Duration::from_secs(1));
    assert_eq!(host.closed(session), None);
}

#[test]
fn tokens_and_device_keys_of_impossible_length_are_refused() {
    let mut host = Host::new();
    let token = host.user("ada");
    for (token, device, code) in [
        ("", 16, Code::BadToken),
        (&"x".repeat(TOKEN_BYTES_MAX + 1), 16, Code::BadToken),
        (&token, 15, Code::Protocol),
    ] {
        let session = host.open();
        let hello = Hello { token: token.into(), device: vec![1; device], ..Hello::default() };
        host.frame(session, client_frame::Body::Hello(hello));
        assert_eq!(host.closed(session), Some(code));
    }
}

#[test]
fn a_token_that_was_replaced_or_deleted_signs_its_sessions_out() {
    let mut host = Host::new();
    let (ada, bob) = (host.user("ada"), host.user("bob"));
    let (ada, bob) = (host.sign_in(&ada), host.sign_in(&bob));
    host.user("ada");
    assert_eq!(host.closed(ada), Some(Code::SignedOut));
    let user = UserRef { uid: None, address: Some("bob".into()) };
    host.admin(Operation::UserTokenDelete { user, app: Some("phone".into()) }).unwrap();
    assert_eq!(host.closed(bob), None, "another app id's token was meant");
    let user = UserRef { uid: None, address: Some("bob".into()) };
    host.admin(Operation::UserTokenDelete { user, app: None }).unwrap();
    assert_eq!(host.closed(bob), Some(Code::SignedOut));
}

#[test]
fn who_is_just_signing_in_is_not_overlooked() {
    let mut host = Host::new();
    let token = host.user("ada");
    // Held: the token is found, the device is not open yet.
    host.hold_store();
    let session = host.open();
    host.hello(session, &token, 1, None);
    host.answer_next();
    assert!(matches!(host.held()[..], [Request::OpenDevice { .. }]));
    let user = UserRef { uid: None, address: Some("ada".into()) };
    let call = Operation::UserTokenDelete { user, app: None };
    host.admin_later(call);
    host.release_store();
    assert_eq!(host.closed(session), Some(Code::SignedOut));

    let token = host.user("ada");
    host.hold_store();
    let session = host.open();
    host.hello(session, &token, 1, None);
    host.answer_next();
    let fields = UserFields { active: Some(false), ..UserFields::default() };
    host.admin_later(Operation::UserAdd { address: "ada".into(), fields, token: None });
    host.release_store();
    assert_eq!(host.closed(session), Some(Code::Suspended));
}

#[test]
fn what_is_stored_while_somebody_signs_in_reaches_them_whichever_answer_comes_first() {
    let mut host = Host::new();
    let (ada, bob) = two_tokens(&mut host);
    let (sender, session) = (host.sign_in(&ada), host.sign_in(&bob));
    host.send(sender, "bob", 1, "before");
    host.ack(session, 1);
    host.close(session);
    host.hold_store();
    let session = host.open();
    host.hello(session, &bob, 1, Some(1));
    host.answer_next();
    host.send(sender, "bob", 2, "meanwhile");
    let held = &host.held()[..];
    assert!(matches!(held, [Request::OpenDevice { .. }, Request::Append { .. }]), "{held:?}");
    host.answer_from_the_last();
    assert_eq!(host.texts(session), ["meanwhile"]);
}

#[test]
fn tabs_of_one_browser_each_get_everything_and_the_receipt_comes_once() {
    let mut host = Host::new();
    let (ada, bob) = (host.user("ada"), host.user("bob"));
    let ada = host.sign_in(&ada);
    let (one, two) = (host.sign_in(&bob), host.sign_in(&bob));
    host.send(ada, "bob", 7, "hello");
    assert_eq!(host.texts(one), ["hello"]);
    assert_eq!(host.texts(two), ["hello"]);
    host.received(ada);
    host.ack(one, 1);
    host.ack(two, 1);
    assert_eq!(host.statuses(ada), [(7, status::DELIVERED)]);
}

#[test]
fn a_receipt_that_one_tab_could_not_store_comes_with_what_the_other_one_acknowledges() {
    let mut host = Host::new();
    let (ada, bob) = (host.user("ada"), host.user("bob"));
    let ada = host.sign_in(&ada);
    let (one, two) = (host.sign_in(&bob), host.sign_in(&bob));
    host.send(ada, "bob", 7, "hello");
    host.received(ada);
    host.disk_full = true;
    host.ack(one, 1);
    assert_eq!(host.closed(one), Some(Code::Storage));
    host.disk_full = false;
    host.ack(two, 1);
    assert_eq!(host.statuses(ada), [(7, status::DELIVERED)]);
}

#[test]
fn the_oldest_of_too_many_tabs_is_signed_out() {
    let mut host = Host::new();
    let token = host.user("ada");
    let tabs: Vec<_> = (0..=SESSIONS_PER_USER_MAX).map(|_| host.sign_in(&token)).collect();
    assert_eq!(host.closed(tabs[0]), Some(Code::SignedOut));
    assert!(tabs[1..].iter().all(|tab| host.closed(*tab).is_none()));
}

#[test]
fn a_device_goes_on_behind_what_it_has() {
    let mut host = Host::new();
    let (ada, bob) = (host.user("ada"), host.user("bob"));
    let sender = host.sign_in(&ada);
    for id in 1..=5 {
        host.send(sender, "bob", id, &id.to_string());
    }
    let (session, welcome) = host.resume(&bob, 3);
    assert_eq!((welcome.resumed_at, welcome.head, welcome.gap), (3, 5, false));
    assert_eq!(host.texts(session), ["4", "5"]);
}

#[test]
fn receipts_are_made_for_what_a_device_has_but_could_not_acknowledge() {
    let mut host = Host::new();
    let (ada, bob) = two_tokens(&mut host);
    let sender = host.sign_in(&ada);
    let session = host.sign_in(&bob);
    for id in 1..=300 {
        host.send(sender, "bob", id, "x");
    }
    // Everything arrived, the connection went before the Ack.
    host.close(session);
    host.received(sender);
    let (session, welcome) = host.resume(&bob, 300);
    assert_eq!(welcome.resumed_at, 300);
    assert_eq!(host.texts(session), Vec::<String>::new());
    let delivered: Vec<_> = (1..=300).map(|id| (id, status::DELIVERED)).collect();
    assert_eq!(host.statuses(sender), delivered);
    // Nothing of it is told a second time.
    host.close(session);
    host.resume(&bob, 300);
    assert_eq!(host.statuses(sender), []);
}

#[test]
fn a_device_with_less_than_it_acknowledged_gets_it_again_or_is_told_of_the_gap() {
    let mut host = Host::new();
    let (ada, bob) = two_tokens(&mut host);
    let sender = host.sign_in(&ada);
    let keeper = host.sign_in_from(&bob, 1);
    for id in 1..=4 {
        host.send(sender, "bob", id, &id.to_string());
    }
    host.ack(keeper, 2);
    host.close(keeper);
    let (session, welcome) = host.resume(&bob, 1);
    // The only device has acknowledged 2: what is before is trimmed.
    assert_eq!((welcome.resumed_at, welcome.gap), (2, true));
    assert_eq!(host.texts(session), ["3", "4"]);
}

#[test]
fn a_device_ahead_of_a_restored_store_goes_on_at_its_head() {
    let mut host = Host::new();
    let (ada, bob) = two_tokens(&mut host);
    let sender = host.sign_in(&ada);
    host.send(sender, "bob", 1, "before");
    let (session, welcome) = host.resume(&bob, 50);
    assert_eq!(welcome.resumed_at, 1);
    host.send(sender, "bob", 2, "after");
    assert_eq!(host.texts(session), ["after"]);
}

#[test]
fn no_more_than_the_window_is_on_its_way_without_an_ack() {
    let mut host = Host::new();
    let (ada, bob) = two_tokens(&mut host);
    let sender = host.sign_in(&ada);
    let count = WINDOW_ENTRIES as u64 + 500;
    for id in 1..=count {
        host.send(sender, "bob", id, "x");
    }
    let session = host.sign_in(&bob);
    assert_eq!(host.entries(session).len(), WINDOW_ENTRIES);
    host.ack(session, 100);
    assert_eq!(host.entries(session).len(), 100);
    host.ack(session, WINDOW_ENTRIES as u64 + 100);
    assert_eq!(host.entries(session).len(), 400);
    host.send(sender, "bob", count + 1, "live again");
    assert_eq!(host.texts(session), ["live again"]);
}

#[test]
fn an_ack_of_what_was_not_sent_counts_as_far_as_it_goes() {
    let mut host = Host::new();
    let (ada, bob) = two_tokens(&mut host);
    let (sender, session) = (host.sign_in(&ada), host.sign_in(&bob));
    host.send(sender, "bob", 1, "x");
    host.received(sender);
    host.ack(session, u64::MAX);
    assert_eq!(host.statuses(sender), [(1, status::DELIVERED)]);
    host.send(sender, "bob", 2, "y");
    assert_eq!(host.texts(session), ["x", "y"]);
}

#[test]
fn acknowledgements_that_come_while_one_is_stored_go_together() {
    let mut host = Host::new();
    let (ada, bob) = two_tokens(&mut host);
    let (sender, session) = (host.sign_in(&ada), host.sign_in(&bob));
    for id in 1..=10 {
        host.send(sender, "bob", id, "x");
    }
    host.received(sender);
    host.hold_store();
    for seq in 1..=10 {
        host.ack(session, seq);
    }
    assert_eq!(host.held().len(), 1);
    host.answer_next();
    assert_eq!(host.held().len(), 1);
    host.release_store();
    assert_eq!(host.statuses(sender).len(), 10);
}

#[test]
fn a_session_whose_ack_cannot_be_stored_comes_back_and_nothing_is_lost() {
    let mut host = Host::new();
    let (ada, bob) = two_tokens(&mut host);
    let (sender, session) = (host.sign_in(&ada), host.sign_in(&bob));
    host.send(sender, "bob", 1, "x");
    host.received(sender);
    host.disk_full = true;
    host.ack(session, 1);
    assert_eq!(host.closed(session), Some(Code::Storage));
    host.disk_full = false;
    let (session, _) = host.resume(&bob, 0);
    assert_eq!(host.texts(session), ["x"]);
    host.ack(session, 1);
    assert_eq!(host.statuses(sender), [(1, status::DELIVERED)]);
}

#[test]
fn frames_keep_their_order_while_something_is_loaded() {
    let mut host = Host::new();
    let (ada, bob) = two_tokens(&mut host);
    host.restart();
    let (sender, session) = (host.sign_in(&ada), host.sign_in(&bob));
    host.user("carol");
    host.restart();
    let (sender, session) = {
        host.close(sender);
        host.close(session);
        (host.sign_in(&ada), host.sign_in(&bob))
    };
    host.received(sender);
    host.hold_store();
    // Carol has to be loaded; Bob is known. Both wait.
    host.send(sender, "carol", 1, "first");
    host.send(sender, "bob", 2, "second");
    host.send(sender, "nobody", 3, "third");
    host.send(sender, "bob", 4, "fourth");
    assert_eq!(host.held().len(), 1);
    host.release_store();
    let (sent, nowhere) = (status::SENT, status::INVALID_DESTINATION);
    let mut answers = host.answers(sender);
    // A refusal waits for no disk.
    answers.sort_unstable();
    assert_eq!(answers, [(1, sent), (2, sent), (3, nowhere), (4, sent)]);
    assert_eq!(host.texts(session), ["second", "fourth"]);
}

#[test]
fn nothing_sent_behind_a_message_that_failed_is_stored() {
    let mut host = Host::new();
    let (ada, bob) = two_tokens(&mut host);
    let (sender, session) = (host.sign_in(&ada), host.sign_in(&bob));
    host.hold_store();
    for id in 1..=3 {
        host.send(sender, "bob", id, &id.to_string());
    }
    assert_eq!(host.held().len(), 1, "one at a time");
    host.disk_full = true;
    host.answer_next();
    host.disk_full = false;
    host.release_store();
    assert_eq!(host.closed(sender), Some(Code::Storage));
    assert_eq!(host.texts(session), Vec::<String>::new());
    let sender = host.sign_in(&ada);
    for id in 1..=3 {
        host.send(sender, "bob", id, &id.to_string());
    }
    assert_eq!(host.texts(session), ["1", "2", "3"]);
}

#[test]
fn many_who_wait_for_the_same_share_one_question() {
    let mut host = Host::new();
    let (ada, bob) = two_tokens(&mut host);
    host.user("carol");
    host.restart();
    let (one, two) = (host.sign_in(&ada), host.sign_in(&bob));
    host.hold_store();
    host.send(one, "carol", 1, "x");
    host.send(two, "carol", 1, "y");
    assert_eq!(host.held().len(), 1);
    host.release_store();
    assert_eq!(host.answers(one), [(1, status::SENT)]);
    assert_eq!(host.answers(two), [(1, status::SENT)]);
}

#[test]
fn a_list_of_unknown_users_is_loaded_together() {
    let mut host = Host::new();
    let token = host.user("ada");
    for index in 0..50 {
        host.user(&format!("user {index}"));
    }
    host.restart();
    let session = host.sign_in(&token);
    host.received(session);
    host.hold_store();
    let addresses = (0..50).map(|index| format!("user {index}")).collect();
    let watch = Watch { addresses, groups: vec![1, 2] };
    host.frame(session, client_frame::Body::Watch(watch));
    assert_eq!(host.held().len(), 52);
    host.release_store();
    let frames = host.received(session);
    let [server_frame::Body::Profiles(profiles)] = &frames[..] else { panic!("{frames:?}") };
    assert!(profiles.users.iter().all(|user| user.uid != 0));
    assert!(profiles.groups.is_empty());
}

#[test]
fn a_reader_too_slow_is_hung_up_and_resumes_from_its_log() {
    let mut host = Host::new();
    let (ada, bob) = two_tokens(&mut host);
    let (sender, session) = (host.sign_in(&ada), host.sign_in(&bob));
    host.received(session);
    host.stuck.insert(session);
    let big = "x".repeat(50_000);
    for id in 1..=100 {
        host.send(sender, "bob", id, &big);
    }
    // The log waits; it is not what fills the socket.
    assert_eq!(host.closed(session), None);
    assert!(host.texts(session).len() * big.len() <= SESSION_LOG_BYTES_MAX + 2 * big.len());
    // What cannot wait is what ends it.
    for id in 1..=SESSION_SEND_BYTES_MAX as u64 {
        host.send(session, &"n".repeat(60), id, "");
        if host.closed(session).is_some() {
            break;
        }
        host.advance(Duration::from_millis(1));
    }
    assert_eq!(host.closed(session), Some(Code::TooSlow));
    let session = host.sign_in(&bob);
    assert_eq!(host.texts(session).len(), 100);
}

#[test]
fn frames_that_cannot_be_read_are_answered_as_documented() {
    let mut host = Host::new();
    let (ada, bob) = two_tokens(&mut host);
    let bystander = host.sign_in(&bob);
    let truncated = wire::frame::decode_client(&[0x22, 0x7f, 1]).expect_err("truncated");
    for (error, code) in [
        (FrameError::TooLarge { bytes: FRAME_BYTES_MAX + 1 }, Code::FrameTooLarge),
        (FrameError::Text, Code::Protocol),
        (truncated, Code::Protocol),
    ] {
        let session = host.sign_in(&ada);
        host.input(Input::Malformed { session, error });
        assert_eq!(host.closed(session), Some(code));
        let goodbye = host.received(session).pop();
        let Some(server_frame::Body::Goodbye(goodbye)) = goodbye else { panic!("{goodbye:?}") };
        assert_eq!(goodbye.code, code.number());
    }
    let session = host.sign_in(&ada);
    host.received(session);
    host.input(Input::Malformed { session, error: FrameError::Unknown { field: 99 } });
    let frames = host.received(session);
    assert!(matches!(&frames[..], [server_frame::Body::Unsupported(it)] if it.field == 99));
    assert_eq!(host.closed(session), None);
    assert_eq!(host.closed(bystander), None);
}

#[test]
fn a_flood_of_unknown_frames_ends_the_session_too() {
    let mut host = Host::new();
    let token = host.user("ada");
    let session = host.sign_in(&token);
    for _ in 0..=FRAMES_BURST_MAX {
        host.input(Input::Malformed { session, error: FrameError::Unknown { field: 99 } });
    }
    assert_eq!(host.closed(session), Some(Code::RateLimit));
}

#[test]
fn a_stopping_server_tells_everybody_and_takes_nobody() {
    let mut host = Host::new();
    let token = host.user("ada");
    let session = host.sign_in(&token);
    host.input(Input::Stop);
    assert_eq!(host.closed(session), Some(Code::ShuttingDown));
    let late = host.open();
    assert_eq!(host.closed(late), Some(Code::ShuttingDown));
}

#[test]
fn a_token_that_expires_ends_its_session_at_that_moment() {
    let mut host = Host::new();
    let token = host.user_with("ada", UserFields::default(), 1);
    let session = host.sign_in(&token);
    for second in 0..60 {
        assert_eq!(host.closed(session), None, "after {second} s");
        host.frame(session, client_frame::Body::Pong(Pong::default()));
        host.advance(Duration::from_secs(1));
    }
    assert_eq!(host.closed(session), Some(Code::TokenExpired));
    let session = host.open();
    host.hello(session, TOKEN_OF_NOBODY, 1, None);
    assert_eq!(host.closed(session), Some(Code::BadToken));
}

fn two_tokens(host: &mut Host) -> (String, String) {
    (host.user("ada"), host.user("bob"))
}

#[test]
fn what_is_stored_while_a_device_signs_in_reaches_it() {
    let mut host = Host::new();
    let (a, b) = (host.user("a"), host.user("b"));
    let sender = host.sign_in(&a);
    let device = host.sign_in(&b);
    host.send(sender, "b", 1, "before");
    host.ack(device, 1);
    host.close(device);

    host.hold_store();
    let device = host.open();
    host.hello(device, &b, 1, Some(1));
    host.answer_next();
    assert!(matches!(host.held()[..], [.., Request::OpenDevice { .. }]));
    host.send(sender, "b", 2, "meanwhile");
    host.release_store();
    assert_eq!(host.texts(device), ["meanwhile"]);
}

#[test]
fn as_many_browsers_as_the_operator_allows_use_one_token() {
    let mut host = Host::new();
    host.hub = hub::Hub::new(1).with_token_sessions(2);
    let token = host.user("ada");
    let first = host.sign_in_from(&token, 1);
    let first_tab = host.sign_in_from(&token, 1);
    let second = host.sign_in_from(&token, 2);
    assert_eq!([first, first_tab, second].map(|session| host.closed(session)), [None; 3]);
    let third = host.sign_in_from(&token, 3);
    let out = Some(Code::SignedOut);
    let closed = [first, first_tab, second, third].map(|session| host.closed(session));
    assert_eq!(closed, [out, out, None, None], "the browser that came first goes");
}

#[test]
fn the_store_is_swept_now_and_then_in_steps_with_pauses() {
    let mut host = Host::new();
    let token = host.user_with("ada", UserFields::default(), 0);
    let mut ada = host.sign_in(&token);
    for id in 1..=(SWEEP_ROWS_MAX as u64 + 1) {
        host.send_to(ada, target::To::Address("ada".into()), id, "soon over", Some(1));
    }
    host.close(ada);
    let count = |host: &Host| host.store.stored_messages().len();
    assert_eq!(count(&host), SWEEP_ROWS_MAX + 1);
    host.advance(MESSAGE_KEY_KEPT);
    assert_eq!(count(&host), 1, "one step");
    // The host calls when it was asked to.
    host.advance(SWEEP_PAUSE);
    assert_eq!(count(&host), 0, "the next");

    ada = host.sign_in(&token);
    host.send_to(ada, target::To::Address("ada".into()), 1, "soon over", Some(1));
    host.close(ada);
    let wait = |host: &mut Host| match host.hub.poll_output() {
        hub::Output::Wait(at) => at.since(host.now.instant),
        other => panic!("{other:?}"),
    };
    assert!(wait(&mut host) <= SWEEP_INTERVAL);
    assert_eq!(count(&host), 1);
}

#[test]
fn those_who_are_sent_away_by_a_stop_are_asked_back_one_after_the_other() {
    let mut host = Host::new();
    let tokens = ["ada", "bob", "carol"].map(|address| host.user(address));
    let sessions = tokens.map(|token| host.sign_in(&token));
    host.input(Input::Stop);
    let waits = sessions.map(|session| {
        let said = host.received(session).into_iter().find_map(|frame| match frame {
            server_frame::Body::Goodbye(goodbye) => Some(goodbye.retry_after_ms),
            _ => None,
        });
        said.expect("a goodbye")
    });
    assert_eq!(waits, [0, 1, 2]);
}
