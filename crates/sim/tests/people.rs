//! Messages that do not stay, on every device of both users, whatever happens meanwhile.

use client::message::{Age, Content, Conversation, Draft};
use sim::scenario::Scenario;
use wire::mask::message as flag;
use wire::status::DELIVERED;

fn together() -> Scenario {
    Scenario::new(7).with_clients(["a", "b"]).with_device("a", "a2").with_device("b", "b2")
}

fn send(scenario: Scenario, text: &str, age: Age, flags: u32) -> Scenario {
    let body = text.as_bytes().to_vec().into();
    let content = Content { body, age, ..Content::default() };
    let draft = Draft {
        to: Conversation::User("b".into()),
        id: 0,
        kind: 0,
        flags: flag::DEFAULT | flags,
        expiry: None,
        content,
        announce: true,
    };
    scenario.act("a", |client, now| client.send(now, draft).map(drop).expect("it is taken"))
}

fn stored(scenario: &Scenario) -> Vec<usize> {
    let count = |page: &&str| scenario.page(page).stored().len();
    ["a", "a2", "b", "b2"].iter().map(count).collect()
}

#[test]
fn a_message_with_an_age_ends_on_every_device_also_on_one_that_was_closed() {
    let age = Age { sent: 20, ..Age::default() };
    let scenario = send(together(), "soon gone", age, 0).pass(5_000);
    assert_eq!(scenario.received("b2"), ["soon gone"]);
    assert_eq!(stored(&scenario), [1, 1, 1, 1]);
    let scenario = scenario.kill_tab("b2").pass(20_000);
    assert_eq!(stored(&scenario), [0, 0, 0, 1]);
    let scenario = scenario.open_tab("b2").pass(1_000);
    assert_eq!(stored(&scenario), [0, 0, 0, 0]);
}

#[test]
fn who_comes_after_the_end_is_shown_nothing() {
    let age = Age { sent: 20, ..Age::default() };
    let scenario = send(together().kill_tab("b2"), "missed", age, 0).pass(5_000);
    assert_eq!(scenario.received("b"), ["missed"]);
    let scenario = scenario.pass(20_000).open_tab("b2").pass(5_000);
    assert!(scenario.received("b2").is_empty());
    assert_eq!(stored(&scenario), [0, 0, 0, 0]);
}

#[test]
fn an_age_after_reading_runs_on_all_devices_from_the_reading() {
    let age = Age { read: 10, ..Age::default() };
    let scenario = send(together(), "read me", age, 0).pass(60_000);
    assert_eq!(stored(&scenario), [1, 1, 1, 1]);
    let scenario = scenario.read("b2", "a").pass(5_000);
    assert_eq!(stored(&scenario), [1, 1, 1, 1]);
    let scenario = scenario.pass(10_000);
    assert_eq!(stored(&scenario), [0, 0, 0, 0]);
}

#[test]
fn a_server_that_is_killed_changes_nothing_of_an_end() {
    for moment in [0, 10, 50, 200, 1_000] {
        let age = Age { delivered: 30, ..Age::default() };
        let scenario = send(together(), "x", age, 0).pass(moment).kill_server().pass(2_000);
        let scenario = scenario.start_server().pass(20_000);
        assert_eq!(scenario.received("b"), ["x"], "killed after {moment} ms");
        assert_eq!(stored(&scenario), [1, 1, 1, 1], "killed after {moment} ms");
        let scenario = scenario.pass(60_000);
        assert_eq!(stored(&scenario), [0, 0, 0, 0], "killed after {moment} ms");
    }
}

#[test]
fn a_broadcast_is_kept_by_its_receivers_and_by_no_device_of_its_sender() {
    let scenario = send(together(), "to many", Age::default(), flag::BROADCAST).drive();
    assert_eq!(stored(&scenario), [0, 0, 1, 1]);
    assert!(scenario.page("a").seen.iter().any(|seen| {
        matches!(seen, sim::page::Seen::Status { status, .. } if *status == DELIVERED)
    }));
}

#[test]
fn a_broadcast_that_waits_survives_a_reload() {
    let scenario = send(together().cut("a").pass(6_000), "later", Age::default(), flag::BROADCAST);
    let scenario = scenario.pass(1_000).kill_tab("a").open_tab("a").restore("a").drive();
    assert_eq!(scenario.received("b"), ["later"]);
    assert_eq!(stored(&scenario), [0, 0, 1, 1]);
}
