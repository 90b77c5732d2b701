//! Real clients, the real hub, one thread: what the slice promises, told as scenarios.

use client::event::{ConnectionStatus, Event};
use client::message::Conversation;
use sim::page::Seen;
use sim::scenario::Scenario;
use wire::status::{DELETED, DELIVERED, NOT_MEMBER, OUTBOX, READ, SENT};

use ConnectionStatus::{
    AuthFail, ConnectFailure, Connecting, NoNetwork, Offline, Online, Shutdown, SignOut, Stopped,
};

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

fn together() -> Scenario {
    Scenario::new(7).with_clients(["a", "b"])
}

/// Why the page's connection ended, as its console says.
fn last_reason(scenario: &Scenario, page: &str) -> String {
    let mut reasons = scenario.page(page).seen.iter().filter_map(|seen| match seen {
        Seen::Connection { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    reasons.next_back().expect("it was told something")
}

// ---- messages --------------------------------------------------------------------------------

#[test]
fn interleaved_messages_arrive_once_and_in_order_and_their_statuses_climb_to_read() {
    let mut scenario = together().read("b", "a").read("a", "b");
    for number in 0..100 {
        let next = number..number + 1;
        scenario = scenario.send_numbers("a", "b", next.clone()).send_numbers("b", "a", next);
        scenario = scenario.pass(u64::from(number % 7));
    }
    let scenario = scenario.drive();
    assert_eq!(scenario.received("a"), numbers(0..100));
    assert_eq!(scenario.received("b"), numbers(0..100));
    assert_eq!(scenario.stored("b", true), numbers(0..100));
    assert_eq!(scenario.statuses("a"), [READ; 100]);
    assert_eq!(scenario.statuses("b"), [READ; 100]);
}

#[test]
fn queued_messages_keep_their_order_across_a_reconnect() {
    let scenario = together().cut("a").pass(6_000).send("a", "b", ["1", "2"]);
    assert_eq!(scenario.statuses("a"), [0_u32; 0], "nothing is stored before time passes");
    let scenario = scenario.pass(1_000);
    assert_eq!(scenario.statuses("a"), [OUTBOX, OUTBOX]);
    let scenario = scenario.restore("a").drive();
    assert_eq!(scenario.received("b"), ["1", "2"]);
    assert_eq!(scenario.statuses("a"), [DELIVERED, DELIVERED]);
}

#[test]
fn who_is_offline_gets_everything_after_the_server_was_killed() {
    let scenario = together().kill_tab("b").pass(6_000).send_numbers("a", "b", 0..20).drive();
    assert_eq!(scenario.statuses("a"), [SENT; 20]);
    let scenario = scenario.kill_server().pass(3_000).start_server().open_tab("b").drive();
    assert_eq!(scenario.received("b"), numbers(0..20));
    assert_eq!(scenario.statuses("a"), [DELIVERED; 20]);
}

#[test]
fn a_kill_between_store_and_answer_loses_nothing_and_doubles_nothing() {
    // Of a short exchange, from sending to the last receipt, the server is killed in every
    // millisecond.
    for moment in 0..400 {
        let scenario = together().send_numbers("a", "b", 0..5).pass(moment);
        let scenario = scenario.kill_server().pass(100).start_server().drive();
        assert_eq!(scenario.received("b"), numbers(0..5), "killed after {moment} ms");
        assert_eq!(scenario.statuses("a"), [DELIVERED; 5], "killed after {moment} ms");
    }
}

#[test]
fn a_page_cut_and_reloaded_while_sending_has_sent_everything_once() {
    for moment in 0..400 {
        let scenario = together().send_numbers("a", "b", 0..20).pass(20).cut("a").pass(moment);
        let scenario = scenario.kill_tab("a").restore("a").open_tab("a").drive();
        assert_eq!(scenario.received("b"), numbers(0..20), "cut after {moment} ms");
        assert_eq!(scenario.statuses("a"), [DELIVERED; 20]);
    }
}

#[test]
fn messages_queue_while_the_server_is_down_and_go_out_when_it_is_back() {
    let scenario = together().send("a", "b", ["before"]).drive().kill_server().pass(3_000);
    let scenario = scenario.kill_tab("a").open_tab("a").pass(1_000);
    assert_eq!(scenario.stored("a", false), ["before"], "history is there without a server");
    let scenario = scenario.send("a", "b", ["1", "2"]).pass(1_000).kill_tab("a");
    let scenario = scenario.open_tab("a").pass(1_000).start_server().drive();
    assert_eq!(scenario.received("b"), ["before", "1", "2"]);
}

#[test]
fn every_device_of_both_users_has_every_message() {
    let scenario = together().with_device("a", "a2").with_device("b", "b2").cut("b2").pass(6_000);
    let scenario = scenario.send("a", "b", ["1"]).drive().send("a2", "b", ["2"]).drive();
    let scenario = scenario.restore("b2").drive();
    for page in ["b", "b2"] {
        assert_eq!(scenario.received(page), ["1", "2"], "{page}");
    }
    for page in ["a", "a2"] {
        assert_eq!(scenario.sent(page), ["1", "2"], "{page}");
        assert_eq!(scenario.statuses(page), [DELIVERED, DELIVERED], "{page}");
    }
}

#[test]
fn what_one_device_has_read_is_read_on_the_other_and_the_sender_knows() {
    let scenario = together().with_device("b", "b2").send("a", "b", ["1"]).drive();
    let unread = |scenario: &Scenario| scenario.page("b2").stored()[0].status;
    assert_eq!(unread(&scenario), wire::status::RECEIVED_NEW);
    let scenario = scenario.read("b", "a").drive();
    assert_eq!(unread(&scenario), wire::status::RECEIVED_READ);
    assert_eq!(scenario.statuses("a"), [READ]);
}

#[test]
fn a_hidden_page_reads_when_it_is_seen_again() {
    let scenario = together().read("b", "a");
    let b = scenario.place("b");
    let scenario = scenario.then(|world| world.show(b, false)).send("a", "b", ["1"]).drive();
    assert_eq!(scenario.statuses("a"), [DELIVERED]);
    let scenario = scenario.then(|world| world.show(b, true)).drive();
    assert_eq!(scenario.statuses("a"), [READ]);
}

#[test]
fn a_message_to_oneself_is_sent_and_received() {
    let scenario = Scenario::new(1).with_clients(["a"]).send("a", "a", ["note"]).drive();
    assert_eq!(
        (scenario.sent("a"), scenario.received("a")),
        (vec!["note".into()], vec!["note".into()])
    );
}

#[test]
fn more_than_a_thousand_messages_in_one_millisecond_keep_their_order() {
    let scenario = together().send_numbers("a", "b", 0..2_500).drive();
    assert_eq!(scenario.received("b"), numbers(0..2_500));
    assert_eq!(scenario.stored("b", true), numbers(0..2_500));
    assert_eq!(scenario.stored("a", false), numbers(0..2_500));
}

#[test]
fn a_wall_clock_that_is_set_back_does_not_reorder_a_conversation() {
    let scenario = together().send("a", "b", ["1"]).drive();
    let a = scenario.place("a");
    let scenario = scenario.then(|world| world.turn_clock(a, -3_600_000));
    let scenario = scenario.send("a", "b", ["2"]).drive();
    let scenario = scenario.then(|world| world.turn_server_clock(-3_600_000));
    let scenario = scenario.send("a", "b", ["3"]).drive();
    assert_eq!(scenario.stored("a", false), ["1", "2", "3"]);
    assert_eq!(scenario.stored("b", true), ["1", "2", "3"]);
}

#[test]
fn a_message_whose_storing_failed_is_stored_again_and_overtaken_by_none() {
    let scenario = together().then(|world| world.fail_server_writes(1));
    let scenario = scenario.send_numbers("a", "b", 0..10).drive();
    assert_eq!(scenario.received("b"), numbers(0..10));
}

#[test]
fn a_browser_that_cannot_store_for_a_moment_loses_nothing_when_its_tab_is_killed() {
    let scenario = together();
    let b = scenario.place("b");
    let scenario = scenario.then(|world| world.fail_page_writes(b, 2));
    let scenario = scenario.send("a", "b", ["1"]).drive().kill_tab("b").open_tab("b").drive();
    assert_eq!(scenario.received("b"), ["1"]);
    assert_eq!(scenario.stored("b", true), ["1"]);
}

#[test]
fn a_page_without_storage_goes_on_from_memory_and_says_so() {
    let scenario = together().send("a", "b", ["1"]).drive().lose_store("b").pass(100);
    let scenario = scenario.send("a", "b", ["2"]).send("b", "a", ["3"]).drive();
    assert_eq!(scenario.received("b"), ["1", "2"]);
    assert_eq!(scenario.received("a"), ["3"]);
    let warned = |told: &&Event| matches!(told, Event::Error { text } if text.contains("storage"));
    assert!(scenario.told("b").iter().any(warned));
}

#[test]
fn a_device_whose_storage_is_gone_gets_what_it_had_not_acknowledged() {
    let scenario = together().send("a", "b", ["1"]).drive().kill_tab("b").pass(6_000);
    let scenario = scenario.send("a", "b", ["2"]).drive().lose_store("b").open_tab("b").drive();
    assert_eq!(scenario.stored("b", true), ["2"]);
}

// ---- connections -----------------------------------------------------------------------------

#[test]
fn a_dead_connection_is_noticed_and_replaced_and_nothing_is_lost() {
    let scenario = together().silence("a").send("a", "b", ["1"]).silence("b").pass(120_000).drive();
    assert_eq!(scenario.received("b"), ["1"]);
    assert!(scenario.connection("a").ends_with(&[Online, Offline, Connecting, Online]));
}

#[test]
fn late_frames_of_an_old_connection_disturb_nobody() {
    for seed in 0..40 {
        let mut scenario = Scenario::new(seed).with_clients(["a", "b"]);
        scenario.world.chaotic = true;
        let (a, b) = (scenario.place("a"), scenario.place("b"));
        for number in 0..10 {
            scenario = scenario.send_numbers("a", "b", number..number + 1).pass(7);
            scenario = scenario.then(|world| world.cut(if number % 2 == 0 { a } else { b }));
            scenario = scenario.act("a", |client, now| client.reconnect(now));
        }
        let scenario = scenario.drive();
        assert_eq!(scenario.received("b"), numbers(0..10), "seed {seed}");
    }
}

#[test]
fn a_stopping_server_says_so_and_everybody_comes_back() {
    let scenario = together().send("a", "b", ["1"]).stop_server().pass(1_000);
    assert!(scenario.connection("a").contains(&Shutdown));
    let scenario = scenario.start_server().drive();
    assert_eq!(scenario.received("b"), ["1"]);
    assert_eq!(scenario.connection("b").last(), Some(&Online));
}

#[test]
fn a_server_that_cannot_be_reached_is_tried_again_and_again_but_not_in_a_storm() {
    let scenario = together().kill_server().pass(600_000);
    let attempts = scenario.connection("a").iter().filter(|s| **s == Connecting).count();
    assert!((20..200).contains(&attempts), "{attempts} attempts in ten minutes");
    assert!(scenario.connection("a").contains(&ConnectFailure));
    let scenario = scenario.start_server().drive();
    assert_eq!(scenario.connection("a").last(), Some(&Online));
}

#[test]
fn a_page_that_is_stopped_stays_stopped_and_goes_on_when_started() {
    let scenario = together().act("a", |client, now| client.stop(now)).pass(60_000);
    assert_eq!(scenario.connection("a").last(), Some(&Stopped));
    let scenario = scenario.send("b", "a", ["1"]).drive();
    assert_eq!(scenario.received("a"), [""; 0]);
    let scenario = scenario.act("a", |client, now| client.start(now)).drive();
    assert_eq!(scenario.received("a"), ["1"]);
}

#[test]
fn a_browser_without_network_says_so_and_connects_at_once_when_it_is_back() {
    let network = |online| client::Input::Network { online };
    let scenario = together().act("a", |client, now| client.handle_input(now, network(false)));
    let scenario = scenario.pass(60_000);
    assert_eq!(scenario.connection("a"), [Connecting, Online, NoNetwork]);
    let scenario = scenario.act("a", |client, now| client.handle_input(now, network(true)));
    let scenario = scenario.pass(1_000);
    assert_eq!(scenario.connection("a"), [Connecting, Online, NoNetwork, Connecting, Online]);
}

// ---- who may be here -------------------------------------------------------------------------

#[test]
fn a_second_browser_with_the_same_token_signs_the_first_out() {
    let scenario = together().with_second_browser("a", "a2").open_tab("a2").drive();
    assert_eq!(scenario.connection("a"), [Connecting, Online, SignOut]);
    assert_eq!(scenario.connection("a2"), [Connecting, Online]);
    let scenario = scenario.pass(600_000);
    assert_eq!(scenario.connection("a").len(), 3, "there is no storm");
    assert!(last_reason(&scenario, "a").contains("another browser"));
}

#[test]
fn a_token_deleted_while_online_signs_out_and_does_not_work_again() {
    let scenario = together().delete_tokens("a").pass(600_000);
    assert_eq!(scenario.connection("a"), [Connecting, Online, SignOut]);
    let scenario = scenario.kill_tab("a").open_tab("a").pass(600_000);
    assert!(scenario.connection("a").ends_with(&[SignOut, Connecting, AuthFail]));
    assert!(!last_reason(&scenario, "a").is_empty());
}

#[test]
fn a_wrong_app_id_is_refused_once_with_a_reason() {
    let scenario = Scenario::new(3).with_token("a", "web", "other", 0).open_tab("a").pass(600_000);
    assert_eq!(scenario.connection("a"), [Connecting, AuthFail]);
    assert!(last_reason(&scenario, "a").contains("app id"));
    let scenario = Scenario::new(3).with_token("a", "web", "web", 0).open_tab("a").drive();
    assert_eq!(scenario.connection("a"), [Connecting, Online]);
}

#[test]
fn a_token_that_expires_ends_the_session_and_is_refused_afterwards() {
    let scenario = Scenario::new(3).with_token("a", "web", "web", 1).open_tab("a").pass(30_000);
    assert_eq!(scenario.connection("a"), [Connecting, Online]);
    let scenario = scenario.pass(600_000);
    assert_eq!(scenario.connection("a"), [Connecting, Online, AuthFail]);
    assert!(last_reason(&scenario, "a").contains("expired"));
    let scenario = scenario.kill_tab("a").open_tab("a").pass(60_000);
    assert!(scenario.connection("a").ends_with(&[Connecting, AuthFail]));
}

#[test]
fn a_token_nobody_issued_is_refused_once() {
    let mut scenario = together().kill_tab("a");
    let a = scenario.place("a");
    scenario.world.pages[a].token = "1x1x00000000000000000000000000000000".into();
    let scenario = scenario.open_tab("a").pass(600_000);
    assert!(scenario.connection("a").ends_with(&[Connecting, AuthFail]));
}

#[test]
fn a_new_token_after_a_refusal_goes_online() {
    let scenario = together().delete_tokens("a").pass(1_000);
    let mut scenario = scenario;
    let second = scenario.world.page("a");
    let token = scenario.world.pages[second].token.clone();
    scenario.world.kill_tab(second);
    let scenario = scenario.act("a", move |client, now| {
        assert!(client.set_token(now, token));
        client.start(now)
    });
    assert_eq!(scenario.drive().connection("a").last(), Some(&Online));
}

// ---- groups ----------------------------------------------------------------------------------

fn in_a_group() -> (Scenario, wire::id::GroupId) {
    let mut scenario = Scenario::new(5).with_clients(["a", "b", "c"]);
    let group = scenario.world.group(&["a", "b", "c"]);
    (scenario.drive(), group)
}

#[test]
fn a_group_message_reaches_every_member_and_is_delivered() {
    let (scenario, group) = in_a_group();
    let scenario = scenario.cut("c").send_group("a", group, ["1", "2"]).pass(5_000);
    let scenario = scenario.restore("c").drive();
    for member in ["b", "c"] {
        assert_eq!(scenario.received(member), ["1", "2"], "{member}");
    }
    assert_eq!(scenario.received("a"), [""; 0]);
    assert_eq!(scenario.statuses("a"), [DELIVERED, DELIVERED]);
}

#[test]
fn a_removed_member_gets_nothing_more_and_its_messages_are_refused() {
    let (scenario, group) = in_a_group();
    let scenario = scenario.cut("c").send_group("a", group, ["before"]).drive();
    let scenario = scenario.then(|world| world.remove_member(group, "c"));
    let scenario = scenario.send_group("a", group, ["after"]).restore("c").drive();
    assert_eq!(scenario.received("b"), ["before", "after"]);
    assert_eq!(scenario.received("c"), ["before"]);
    let left = Event::GroupLeft { group, deleted: false };
    assert_eq!(scenario.told("c").iter().filter(|told| ***told == left).count(), 1);
    let scenario = scenario.send_group("c", group, ["not any more"]).drive();
    assert_eq!(scenario.statuses("c"), [NOT_MEMBER]);
    assert_eq!(scenario.received("b"), ["before", "after"]);
}

#[test]
fn a_message_that_was_stored_is_not_refused_when_it_is_sent_again_by_a_removed_member() {
    // The sender is cut off in every millisecond, and removed before it comes back.
    for moment in 0..400 {
        let (scenario, group) = in_a_group();
        let scenario = scenario.send_group("a", group, ["1"]).pass(moment).cut("a");
        let scenario = scenario.pass(10_000).then(|world| world.remove_member(group, "a"));
        let scenario = scenario.restore("a").drive();
        let status = scenario.statuses("a")[0];
        let arrived = scenario.received("b") == ["1"];
        assert_eq!(status & wire::status::FAIL == 0, arrived, "cut after {moment} ms: {status:#x}");
    }
}

#[test]
fn memberships_and_names_are_known_everywhere_after_any_absence() {
    let (scenario, group) = in_a_group();
    let scenario = scenario.kill_tab("c").pass(6_000);
    let scenario = scenario.then(|world| {
        world.remove_member(group, "b");
        world.rename_group(group, "renamed");
        world.add_member(group, "b");
        world.remove_member(group, "c");
        world.add_member(group, "c");
    });
    let scenario = scenario.open_tab("c").drive();
    for page in ["a", "b", "c"] {
        let client = scenario.page(page).client.as_ref().expect("its tab is open");
        assert_eq!(client.groups(), [group], "{page}");
        let profile = client.profile(&Conversation::Group(group)).expect("it knows the group");
        assert_eq!(profile.name, "renamed", "{page}");
    }
}

// ---- messages that change --------------------------------------------------------------------

fn last_own(scenario: &Scenario, page: &str) -> client::message::MessageKey {
    let own = scenario.page(page).stored().into_iter().rfind(|message| !message.key.incoming);
    own.expect("it has sent something").key
}

fn recall_last(scenario: Scenario, page: &str) -> Scenario {
    let key = last_own(&scenario, page);
    scenario.act(page, |client, now| client.recall(now, &key).expect("it is allowed"))
}

fn edit_last(scenario: Scenario, page: &str, text: &str) -> Scenario {
    let key = last_own(&scenario, page);
    let body = text.as_bytes().to_vec().into();
    let content = client::message::Content { body, ..Default::default() };
    scenario.act(page, |client, now| client.edit(now, &key, content).expect("it is allowed"))
}

#[test]
fn a_recall_reaches_every_device_whatever_happens_meanwhile() {
    for moment in 0..300 {
        let scenario = together().with_device("a", "a2").with_device("b", "b2");
        let scenario = scenario.send("a", "b", ["regretted"]).drive().cut("b2").cut("a");
        let scenario = recall_last(scenario, "a").pass(moment).restore("a").pass(moment);
        let scenario = scenario.kill_server().pass(50).start_server().restore("b2").drive();
        for page in ["a", "a2", "b", "b2"] {
            let stored = scenario.page(page).stored();
            assert_eq!(stored.len(), 1, "{page} after {moment} ms");
            assert_eq!(stored[0].status, DELETED, "{page} after {moment} ms");
            assert!(stored[0].content.body.is_empty());
        }
    }
}

#[test]
fn an_edit_made_offline_reaches_who_has_the_message_and_who_has_not_fetched_it() {
    let scenario = together().with_device("b", "b2").cut("b2").pass(6_000);
    let scenario = scenario.send("a", "b", ["old"]).drive().cut("a").pass(6_000);
    let scenario = edit_last(scenario, "a", "new").pass(100).kill_tab("a").open_tab("a");
    let scenario = scenario.restore("a").drive().restore("b2").drive();
    for page in ["b", "b2"] {
        assert_eq!(scenario.stored(page, true), ["new"], "{page}");
        assert!(scenario.page(page).stored()[0].modified, "{page}");
    }
    assert_eq!(scenario.received("b2"), ["new"], "the old was never shown there");
}

#[test]
fn what_is_recalled_before_it_was_fetched_is_shown_to_nobody() {
    let scenario = together().kill_tab("b").send("a", "b", ["regretted"]).drive();
    let scenario = recall_last(scenario, "a").drive().open_tab("b").drive();
    assert!(scenario.received("b").is_empty());
    assert!(scenario.page("b").stored().is_empty());
}

#[test]
fn a_removed_message_is_gone_from_the_own_devices_and_nowhere_else() {
    let scenario = together().with_device("a", "a2").send("a", "b", ["1", "2"]).drive();
    let key = last_own(&scenario, "a");
    let removal = client::Removal::Messages(vec![key]);
    let scenario =
        scenario.act("a", |client, _| client.remove(removal).expect("it is taken")).drive();
    assert_eq!(scenario.stored("a", false), ["1"]);
    assert_eq!(scenario.stored("a2", false), ["1"]);
    assert_eq!(scenario.stored("b", true), ["1", "2"]);
}
