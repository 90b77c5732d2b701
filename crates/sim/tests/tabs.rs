//! Several tabs of one browser: one connection, everything in all of them, hand-over.

use client::Input;
use client::event::{ConnectionStatus, Event};
use client::message::Conversation;
use client::port::store::Request;
use client::port::tab::Input as TabInput;
use sim::planted::Planted;
use sim::scenario::Scenario;
use wire::limits::{TAB_PING_INTERVAL, TAB_SILENCE_MAX};
use wire::status;

/// Ada has two tabs, the first one leads; bob has one.
fn two_tabs() -> Scenario {
    Scenario::new(5).with_sharing().with_clients(["ada", "bob"]).with_tab("ada", "second").drive()
}

/// What the simulated browser takes to give a lock and to open its store.
const ELECTION_MS_MAX: u64 = 10;
/// What the simulated network takes for a connection, a frame to the server and one back.
const SIGN_IN_MS_MAX: u64 = 350;

fn connections(scenario: &Scenario) -> usize {
    scenario.world.connections(scenario.place("ada"))
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[test]
fn two_tabs_are_one_connection_and_both_are_online() {
    let scenario = two_tabs();
    assert_eq!(connections(&scenario), 1);
    for page in ["ada", "second"] {
        assert_eq!(scenario.connection(page).last(), Some(&ConnectionStatus::Online), "{page}");
    }
}

#[test]
fn what_comes_and_what_either_sends_is_in_both_with_its_status() {
    let scenario = two_tabs()
        .send("bob", "ada", ["1", "2"])
        .send("second", "bob", ["3"])
        .send("ada", "bob", ["4"])
        .drive();
    for page in ["ada", "second"] {
        assert_eq!(scenario.received(page), ["1", "2"], "{page}");
        let mut sent = scenario.sent(page);
        sent.sort();
        assert_eq!(sent, ["3", "4"], "{page}");
        let statuses = scenario.statuses(page);
        assert_eq!(statuses.iter().filter(|s| **s == status::DELIVERED).count(), 2, "{page}");
    }
    let mut received = scenario.received("bob");
    received.sort();
    assert_eq!(received, ["3", "4"]);
}

#[test]
fn what_one_tab_reads_is_read_in_the_other_and_the_sender_knows() {
    let scenario = two_tabs().send("bob", "ada", ["1"]).drive().read("second", "bob").drive();
    assert_eq!(scenario.statuses("bob").last(), Some(&status::READ));
    let read = scenario.told("ada").into_iter().any(|told| {
        matches!(told, Event::MessageRead { message } if message.status == status::RECEIVED_READ)
    });
    assert!(read, "the first tab has not heard of it");
    let mut disk = scenario.page("ada").disk.borrow().clone();
    let unread = disk.perform(Request::Unread { conversation: None });
    assert_eq!(unread, client::port::store::Reply::Count(0));
}

#[test]
fn when_the_leading_tab_is_killed_the_other_goes_on_and_nothing_is_lost_or_twice() {
    for ms in 0..120 {
        let scenario = two_tabs()
            .send_numbers("bob", "ada", 0..50)
            .send_numbers("second", "bob", 50..70)
            .pass(ms)
            .kill_tab("ada")
            .drive();
        assert_eq!(scenario.received("second"), numbers(0..50), "killed after {ms} ms");
        assert_eq!(scenario.received("bob"), numbers(50..70), "killed after {ms} ms");
        assert_eq!(scenario.stored("second", true), numbers(0..50), "killed after {ms} ms");
        assert_eq!(scenario.stored("second", false), numbers(50..70), "killed after {ms} ms");
        assert_eq!(connections(&scenario), 1);
        let delivered = scenario.statuses("second").iter().filter(|s| **s == 2).count();
        assert_eq!(delivered, 20, "killed after {ms} ms");
    }
}

#[test]
fn when_a_tab_that_follows_is_killed_what_it_has_stored_is_sent() {
    for ms in 0..60 {
        let scenario = two_tabs().send_numbers("second", "bob", 0..20).pass(ms).kill_tab("second");
        let stored = scenario.stored("ada", false);
        let scenario = scenario.drive();
        let received = scenario.received("bob");
        assert!(stored.iter().all(|text| received.contains(text)), "killed after {ms} ms");
        assert_eq!(scenario.stored("ada", false), received, "killed after {ms} ms");
    }
}

#[test]
fn a_frozen_leading_tab_loses_the_lead_after_its_silence_and_catches_up_when_it_thaws() {
    let silence = (TAB_PING_INTERVAL + TAB_SILENCE_MAX).as_millis() as u64;
    let scenario = two_tabs().freeze_tab("ada");
    let known = scenario.connection("second").len();
    let scenario = scenario.pass(silence + ELECTION_MS_MAX);
    let since = &scenario.connection("second")[known..];
    assert!(since.contains(&ConnectionStatus::Connecting), "it has taken the lead: {since:?}");
    let scenario = scenario.pass(SIGN_IN_MS_MAX);
    assert_eq!(scenario.connection("second").last(), Some(&ConnectionStatus::Online));
    assert_eq!(connections(&scenario), 2, "the frozen one has not hung up");
    let scenario = scenario
        .send_numbers("bob", "ada", 0..50)
        .send_numbers("second", "bob", 50..70)
        .pass(5_000);
    assert_eq!(scenario.received("second"), numbers(0..50));
    assert_eq!(scenario.received("bob"), numbers(50..70));
    let scenario = scenario.thaw_tab("ada").drive();
    assert_eq!(connections(&scenario), 1);
    assert_eq!(scenario.received("ada"), numbers(0..50));
    assert_eq!(scenario.sent("ada"), numbers(50..70));
    assert_eq!(scenario.stored("ada", true), numbers(0..50));
}

#[test]
fn a_tab_that_stops_hands_over_and_has_everything_when_it_starts_again() {
    let mut scenario = two_tabs();
    let ada = scenario.place("ada");
    scenario.world.with(ada, |client, now| client.stop(now));
    let mut scenario = scenario.drive().send("bob", "ada", ["1"]).drive();
    assert_eq!(scenario.received("second"), ["1"]);
    assert!(scenario.received("ada").is_empty());
    scenario.world.with(ada, |client, now| client.start(now)).expect("it is open").expect("token");
    let scenario = scenario.drive();
    assert_eq!(scenario.received("ada"), ["1"]);
    assert_eq!(connections(&scenario), 1);
}

#[test]
fn a_tab_that_does_not_share_signs_the_others_out() {
    let mut scenario = two_tabs();
    let second = scenario.place("second");
    scenario.world.with(second, |client, now| {
        assert!(!client.share_tabs(false), "it is running");
        client.stop(now);
        assert!(client.share_tabs(false));
        client.start(now)
    });
    let scenario = scenario.drive();
    assert_eq!(scenario.connection("ada").last(), Some(&ConnectionStatus::SignOut));
    assert_eq!(scenario.connection("second").last(), Some(&ConnectionStatus::Online));
}

#[test]
fn edits_recalls_and_removals_of_one_tab_are_seen_in_the_other() {
    let mut scenario = two_tabs().send("second", "bob", ["a", "b", "c"]).drive();
    let place = scenario.place("second");
    let own = scenario.page("second").stored();
    let key = |wanted: &str| {
        let found = own.iter().find(|message| sim::page::text(message) == wanted);
        found.expect("it was sent").key.clone()
    };
    scenario.world.with(place, |client, now| {
        let (edited, recalled, removed) = (key("a"), key("b"), key("c"));
        let content = client::message::Content { body: "A".into(), ..Default::default() };
        client.edit(now, &edited, content).expect("it is young");
        client.recall(now, &recalled).expect("it is young");
        client.remove(client::Removal::Messages(vec![removed])).expect("few wait");
    });
    let scenario = scenario.drive();
    assert_eq!(scenario.stored("ada", false), ["A", ""]);
    assert_eq!(scenario.stored("bob", true), ["A", "", "c"]);
    let updates = scenario.told("ada").into_iter();
    assert_eq!(updates.filter(|told| matches!(told, Event::MessageUpdate { .. })).count(), 2);
}

#[test]
fn a_room_entered_in_a_tab_that_follows_is_left_when_it_is_killed() {
    let mut scenario = two_tabs();
    let room = scenario.world.group(&["ada", "bob"]);
    let (second, bob) = (scenario.place("second"), scenario.place("bob"));
    scenario.world.with(bob, |client, _| client.enter_room(room));
    scenario.world.with(second, |client, _| {
        client.enter_room(room);
        let publishing = client::Publishing { audio: true, ..Default::default() };
        client.publish(room, 0, publishing);
    });
    let scenario = scenario.drive();
    let streams = |scenario: &Scenario| {
        let client = scenario.page("bob").client.as_ref().expect("it is open");
        client.room(room).expect("bob is in it").streams.len()
    };
    assert_eq!(streams(&scenario), 1);
    let scenario = scenario.kill_tab("second").drive();
    assert_eq!(streams(&scenario), 0);
}

#[test]
fn groups_and_presence_reach_a_tab_that_follows() {
    let mut scenario = two_tabs();
    let group = scenario.world.group(&["ada", "bob"]);
    let scenario = scenario.drive();
    let second = scenario.page("second").client.as_ref().expect("it is open");
    assert_eq!(second.groups(), [group]);
    let mut scenario = scenario;
    let bob = scenario.place("bob");
    scenario.world.type_to(bob, &Conversation::User("ada".into()));
    let scenario = scenario.drive();
    for page in ["ada", "second"] {
        let typing = scenario
            .told(page)
            .into_iter()
            .any(|told| matches!(told, Event::Presence { from, .. } if from == "bob"));
        assert!(typing, "{page}");
    }
}

#[test]
fn a_browser_that_never_says_that_a_tab_is_gone_would_be_noticed() {
    let mut scenario = two_tabs();
    scenario.world.planted = Planted::ForgetTab;
    let room = scenario.world.group(&["ada", "bob"]);
    let (second, bob) = (scenario.place("second"), scenario.place("bob"));
    scenario.world.with(bob, |client, _| client.enter_room(room));
    scenario.world.with(second, |client, _| {
        client.enter_room(room);
        client.publish(room, 0, client::Publishing { audio: true, ..Default::default() });
    });
    let scenario = scenario.drive().kill_tab("second").drive();
    let client = scenario.page("bob").client.as_ref().expect("it is open");
    assert_eq!(client.room(room).expect("bob is in it").streams.len(), 1);
}

#[test]
fn what_a_frozen_tab_was_not_told_it_finds_when_it_hears_the_others_again() {
    for frozen in ["ada", "second"] {
        let other = if frozen == "ada" { "second" } else { "ada" };
        let scenario = two_tabs()
            .freeze_deaf_tab(frozen)
            .pass(1_000)
            .send_numbers("bob", "ada", 0..50)
            .send_numbers(other, "bob", 50..70)
            .pass(5_000);
        assert_eq!(scenario.received(frozen), numbers(0..0));
        let scenario = scenario.thaw_tab(frozen).drive();
        for page in [frozen, other] {
            assert_eq!(scenario.received(page), numbers(0..50), "{frozen} was frozen");
            assert_eq!(scenario.sent(page), numbers(50..70), "{frozen} was frozen");
        }
    }
}

#[test]
fn a_tab_that_wakes_up_and_thinks_that_it_leads_misses_nothing() {
    let scenario = two_tabs().freeze_tab("ada").pass(1_000).send_numbers("bob", "ada", 0..50);
    let mut scenario = scenario.pass(5_000);
    let ada = scenario.place("ada");
    // It hears what the others tell before it hears that its lock is gone.
    let asleep = &mut scenario.world.pages[ada].asleep;
    let lost = |input: &Input| matches!(input, Input::Tab(TabInput::Deposed));
    let deposed: Vec<_> = asleep.extract_if(.., |input| lost(input)).collect();
    assert_eq!(deposed.len(), 1, "the lead was taken from it");
    asleep.extend(deposed);
    let scenario = scenario.thaw_tab("ada").drive();
    assert_eq!(scenario.received("ada"), numbers(0..50));
    assert_eq!(scenario.received("second"), numbers(0..50));
}
