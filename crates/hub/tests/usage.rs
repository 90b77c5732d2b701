//! What apps use: told by day and month, written down now and then, and limited.

mod host;

use host::Host;
use hub::Input;
use hub::port::admin::{AppFields, ErrorCode, Letter, Operation, Reply};
use hub::port::apps::UsageRow;
use wire::limits::USAGE_INTERVAL;
use wire::proto::{Pong, client_frame};
use wire::status;
use wire::time::{Duration, Timestamp};

fn usage(host: &mut Host, monthly: bool) -> (Vec<UsageRow>, u32) {
    match host.admin(Operation::AppStats { monthly, count: 31 }) {
        Ok(Reply::Usage { rows, live, .. }) => (rows, live),
        other => panic!("{other:?}"),
    }
}

fn limit(host: &mut Host, messages_max: u32) {
    let fields = AppFields { messages_max: Some(messages_max), ..AppFields::default() };
    host.admin(Operation::AppSet { aid: None, fields }).expect("it is set");
}

#[test]
fn sessions_messages_and_users_are_counted() {
    let mut host = Host::new();
    let tokens = ["ada", "bob", "carol"].map(|name| host.user(name));
    let [ada, _, carol] = [0, 1, 2].map(|index: usize| host.sign_in(&tokens[index]));
    for id in 1..=3 {
        host.send(ada, "bob", id, "hello");
    }
    host.send(ada, "bob", 3, "sent again");
    host.close(carol);
    let (rows, live) = usage(&mut host, false);
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((live, row.users, row.used.peak, row.used.messages), (2, 3, 3, 3));
    assert_eq!(row.period, 20231114);
    assert_eq!(row.used.writes, 6, "in the logs of both");
    assert!(row.used.bytes > 0 && row.used.stored > 0);
    let (months, _) = usage(&mut host, true);
    assert_eq!((months[0].period, &months[0].used), (202311, &row.used));
}

#[test]
fn a_crash_loses_no_more_than_was_counted_last() {
    let mut host = Host::new();
    let token = host.user("ada");
    let ada = host.sign_in(&token);
    host.send(ada, "ada", 1, "kept");
    host.advance(USAGE_INTERVAL / 2);
    host.frame(ada, client_frame::Body::Pong(Pong { sent: 0 }));
    host.advance(USAGE_INTERVAL / 2);
    host.frame(ada, client_frame::Body::Pong(Pong { sent: 0 }));
    host.send(ada, "ada", 2, "lost");
    host.restart();
    assert_eq!(usage(&mut host, false).0[0].used.messages, 1);
}

#[test]
fn a_server_that_stops_while_its_disk_is_full_does_not_try_for_ever() {
    let mut host = Host::new();
    let token = host.user("ada");
    let ada = host.sign_in(&token);
    host.send(ada, "ada", 1, "kept");
    host.disk_full = true;
    host.input(Input::Stop);
    assert_eq!(host.log.iter().filter(|line| line.contains("disk full")).count(), 1);
}

#[test]
fn an_app_sends_as_many_messages_a_month_as_it_may() {
    let mut host = Host::new();
    // The last moments of November.
    host.now.wall = Timestamp(1_701_388_799_000);
    let token = host.user("ada");
    limit(&mut host, 2);
    let ada = host.sign_in(&token);
    for (id, expected) in [(1, status::SENT), (2, status::SENT), (3, status::FAIL)] {
        host.send(ada, "ada", id, "hello");
        assert_eq!(host.answers(ada), [(id, expected)]);
    }
    host.send(ada, "ada", 2, "again");
    assert_eq!(host.answers(ada), [(2, status::SENT)], "it was stored before");
    let letter = Letter { from: "ada".into(), to: vec!["ada".into()], ..Letter::default() };
    let refused = host.admin(Operation::Message(letter)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Quota);
    host.restart();
    let ada = host.sign_in(&token);
    host.received(ada);
    // What was counted in the last minute is gone with the crash.
    host.send(ada, "ada", 4, "hello");
    host.send(ada, "ada", 5, "hello");
    host.send(ada, "ada", 6, "hello");
    assert_eq!(host.answers(ada).last(), Some(&(6, status::FAIL)));
    host.advance(Duration::from_secs(2));
    host.send(ada, "ada", 7, "a new month");
    assert_eq!(host.answers(ada), [(7, status::SENT)]);
}
