//! One-to-one calls of real clients over the real hub. The browsers' media is invented.

use client::Client;
use client::event::Event;
use client::port::peer::PeerState;
use sim::chance::Chance;
use sim::page::Seen;
use sim::scenario::Scenario;
use sim::world::{Place, World};
use wire::call as step;
use wire::call::mute;
use wire::status;
use wire::time::Now;

const RINGS: [u32; 2] = [step::IN_PROGRESS, step::RINGING];
const TALKS: [u32; 4] = [step::IN_PROGRESS, step::RINGING, step::ANSWER, step::CONNECTED];

fn people(seed: u64) -> Scenario {
    Scenario::new(seed).with_clients(["a", "b"]).drive()
}

fn act(scenario: Scenario, page: &str, act: impl FnOnce(&mut Client)) -> Scenario {
    scenario.act(page, |client, now: Now| {
        act(client);
        client.handle_input(now, client::Input::Tick);
    })
}

fn call(scenario: Scenario, from: &str, to: &str) -> Scenario {
    act(scenario, from, |client| {
        client.set_up_call(true);
        client.call(to.into(), None).expect("the call is taken");
    })
}

fn answer(scenario: Scenario, page: &str) -> Scenario {
    act(scenario, page, |client| assert!(client.answer_call(true), "it rings"))
}

fn hang_up(scenario: Scenario, page: &str) -> Scenario {
    act(scenario, page, |client| assert!(client.hang_up_call(0), "there is a call"))
}

/// `b` has answered `a`, and media flows.
fn talking(seed: u64) -> Scenario {
    let scenario = call(people(seed), "a", "b").pass(500);
    answer(scenario, "b").pass(500)
}

/// What a page was told of its calls; a ring is `INCOMING`.
fn told_at(world: &World, place: Place) -> Vec<(u32, u32)> {
    let told = world.told(place).into_iter().filter_map(|told| match told {
        Event::Call { call, .. } => Some((*call, step::INCOMING)),
        Event::CallStatus { call, status } => Some((*call, *status)),
        _ => None,
    });
    told.collect()
}

fn told(scenario: &Scenario, page: &str) -> Vec<u32> {
    told_at(&scenario.world, scenario.place(page)).into_iter().map(|(_, status)| status).collect()
}

/// Statuses of the records a page has stored, and how often it was told of one.
fn records(scenario: &Scenario, page: &str) -> (Vec<u32>, usize) {
    let page = scenario.page(page);
    let kinds = [status::CALL_MISSED, status::CALL_INCOMING, status::CALL_OUTGOING];
    let stored = page.stored().iter().map(|it| it.status).filter(|it| kinds.contains(it)).collect();
    let told = page.seen.iter().filter(|seen| matches!(seen, Seen::Message { .. })).count();
    (stored, told)
}

fn number(scenario: &Scenario, page: &str) -> u32 {
    told_at(&scenario.world, scenario.place(page)).last().expect("there is a call").0
}

#[test]
fn two_people_talk_and_both_have_it_in_their_history() {
    let scenario = hang_up(talking(1).pass(60_000), "b").drive();
    assert_eq!(told(&scenario, "a"), [&TALKS[..], &[step::COMPLETE]].concat());
    let of_b = [step::INCOMING, step::ANSWER, step::CONNECTED, step::COMPLETE];
    assert_eq!(told(&scenario, "b"), of_b);
    assert_eq!(records(&scenario, "a"), (vec![status::CALL_OUTGOING], 1));
    assert_eq!(records(&scenario, "b"), (vec![status::CALL_INCOMING], 1));
    let stored = scenario.page("a").stored();
    assert!((60..62).contains(&stored[0].duration), "{} s", stored[0].duration);
    assert_eq!(stored[0].kind, 3);
}

#[test]
fn all_devices_ring_the_first_answer_wins_and_each_has_the_record_once() {
    let scenario = people(2).with_device("b", "b2").with_device("a", "a2").drive();
    let scenario = call(scenario, "a", "b").pass(500);
    let scenario = answer(answer(scenario, "b2"), "b").pass(500);
    let answers = [told(&scenario, "b"), told(&scenario, "b2")];
    let wins = [step::INCOMING, step::ANSWER, step::CONNECTED].to_vec();
    let loses = [step::INCOMING, step::SWITCHED].to_vec();
    assert!(answers == [loses.clone(), wins.clone()] || answers == [wins, loses], "{answers:?}");
    assert_eq!(told(&scenario, "a2"), []);
    let scenario = hang_up(scenario, "a").drive();
    for (page, status) in [
        ("a", status::CALL_OUTGOING),
        ("a2", status::CALL_OUTGOING),
        ("b", status::CALL_INCOMING),
        ("b2", status::CALL_INCOMING),
    ] {
        assert_eq!(records(&scenario, page), (vec![status], 1), "{page}");
    }
}

#[test]
fn declined_cancelled_and_unanswered_calls_are_missed() {
    let declined = hang_up(call(people(3), "a", "b").pass(500), "b").drive();
    assert_eq!(told(&declined, "a"), [&RINGS[..], &[step::BUSY]].concat());
    assert_eq!(told(&declined, "b"), [step::INCOMING, step::CANCEL]);
    let cancelled = hang_up(call(people(4), "a", "b").pass(500), "a").drive();
    assert_eq!(told(&cancelled, "a"), [&RINGS[..], &[step::CANCEL]].concat());
    assert_eq!(told(&cancelled, "b"), [step::INCOMING, step::CANCEL]);
    let unanswered = call(people(5), "a", "b").pass(46_000).drive();
    assert_eq!(told(&unanswered, "a"), [&RINGS[..], &[step::NO_ANSWER]].concat());
    assert_eq!(told(&unanswered, "b"), [step::INCOMING, step::NO_ANSWER]);
    for scenario in [declined, cancelled, unanswered] {
        assert_eq!(records(&scenario, "b"), (vec![status::CALL_MISSED], 1));
        assert_eq!(records(&scenario, "a"), (vec![status::CALL_OUTGOING], 1));
    }
}

#[test]
fn who_was_away_finds_the_missed_call() {
    let scenario = people(6).kill_tab("b").pass(60_000);
    let scenario = call(scenario, "a", "b").pass(1_000);
    assert_eq!(told(&scenario, "a"), [step::IN_PROGRESS, step::OFFLINE]);
    let scenario = scenario.open_tab("b").drive();
    assert_eq!(records(&scenario, "b"), (vec![status::CALL_MISSED], 1));
    assert_eq!(told(&scenario, "b"), []);
}

#[test]
fn a_third_one_is_told_that_they_are_busy() {
    let scenario = talking(7).with_clients(["c"]);
    let scenario = call(scenario, "c", "b").pass(1_000);
    assert_eq!(told(&scenario, "c"), [step::IN_PROGRESS, step::BUSY]);
    assert_eq!(records(&scenario, "b").0, [status::CALL_MISSED]);
    assert_eq!(told(&scenario, "b").len(), 3, "nothing rings");
}

#[test]
fn who_call_each_other_at_the_same_time_talk() {
    let scenario = call(call(people(8), "a", "b"), "b", "a").pass(1_000);
    for page in ["a", "b"] {
        let told = told(&scenario, page);
        assert_eq!(told[told.len() - 2..], TALKS[2..], "{page}: {told:?}");
        assert!(!told.contains(&step::INCOMING), "{page} is not rung by who it calls");
    }
    let scenario = hang_up(scenario, "b").drive();
    let records = [records(&scenario, "a").0, records(&scenario, "b").0].concat();
    assert_eq!(records.len(), 2);
    assert!(records.contains(&status::CALL_INCOMING) && records.contains(&status::CALL_OUTGOING));
}

#[test]
fn a_lost_connection_to_the_server_is_not_noticed_in_a_call() {
    let scenario = talking(9).cut("a").pass(10_000).restore("a").pass(5_000);
    let scenario = hang_up(scenario, "b").drive();
    assert_eq!(told(&scenario, "a"), [&TALKS[..], &[step::COMPLETE]].concat());
    // Nor in one that rings.
    let scenario = call(people(10), "a", "b").pass(500).cut("a").cut("b").pass(5_000);
    let scenario = answer(scenario.restore("a").restore("b").pass(8_000), "b").pass(1_000);
    assert_eq!(told(&scenario, "a"), TALKS);
    assert_eq!(told(&scenario, "b"), [step::INCOMING, step::ANSWER, step::CONNECTED]);
}

#[test]
fn who_hangs_up_without_a_connection_has_hung_up() {
    let scenario = hang_up(talking(11).cut("a").pass(2_000), "a").pass(1_000);
    assert_eq!(told(&scenario, "a").last(), Some(&step::COMPLETE));
    let scenario = scenario.restore("a").drive();
    assert_eq!(told(&scenario, "b").last(), Some(&step::COMPLETE));
    assert_eq!((records(&scenario, "a").1, records(&scenario, "b").1), (1, 1));
}

#[test]
fn a_page_that_never_comes_back_ends_the_call() {
    let scenario = talking(12).kill_tab("b").pass(60_000).drive();
    assert_eq!(told(&scenario, "a"), [&TALKS[..], &[step::NETWORK_ERROR]].concat());
    let scenario = scenario.open_tab("b").drive();
    assert_eq!(records(&scenario, "b"), (vec![status::CALL_INCOMING], 1));
}

#[test]
fn a_call_survives_a_kill_of_the_server() {
    let scenario = talking(13).kill_server().pass(2_000).start_server().pass(20_000);
    assert_eq!(told(&scenario, "a"), TALKS);
    let scenario = hang_up(scenario, "a").drive();
    assert_eq!(told(&scenario, "b").last(), Some(&step::COMPLETE));
    assert_eq!((records(&scenario, "a").1, records(&scenario, "b").1), (1, 1));
    // And it goes on ringing.
    let scenario = call(people(14), "a", "b").pass(500);
    let scenario = scenario.kill_server().pass(2_000).start_server().pass(20_000);
    let scenario = answer(scenario, "b").pass(1_000);
    assert_eq!(told(&scenario, "a"), TALKS);
    assert_eq!(told(&scenario, "b"), [step::INCOMING, step::ANSWER, step::CONNECTED]);
}

#[test]
fn a_lost_path_is_found_again_or_the_call_ends() {
    let scenario = talking(15);
    let lose = |scenario: Scenario| {
        let (a, b) = (number(&scenario, "a"), number(&scenario, "b"));
        let (at, bt) = (scenario.place("a"), scenario.place("b"));
        scenario.then(|world| {
            world.call_path(at, a, PeerState::Disconnected);
            world.call_path(bt, b, PeerState::Disconnected);
        })
    };
    let scenario = lose(scenario).pass(1_000);
    assert_eq!(told(&scenario, "b").last(), Some(&step::RECONNECTING));
    let scenario = scenario.pass(5_000);
    for page in ["a", "b"] {
        let told = told(&scenario, page);
        assert_eq!(told[told.len() - 2..], [step::RECONNECTING, step::CONNECTED], "{page}");
    }
    // Without the server nobody finds another path.
    let scenario = lose(scenario.cut("a").cut("b")).pass(40_000);
    assert_eq!(told(&scenario, "a").last(), Some(&step::NETWORK_ERROR));
    assert_eq!(told(&scenario, "b").last(), Some(&step::NETWORK_ERROR));
}

#[test]
fn the_other_side_is_told_of_mute_and_hold() {
    let scenario = act(talking(16), "a", |client| {
        assert!(client.mute_call(mute::AUDIO, true));
        assert!(client.mute_call(mute::AUDIO, true), "nothing changes");
        assert!(client.mute_call(mute::AUDIO, false));
        assert!(client.mute_call(mute::HOLD, true));
        assert!(client.mute_call(mute::HOLD, false));
    });
    let scenario = scenario.pass(1_000);
    let expected = [step::MUTE, step::UNMUTE, step::HOLD, step::UNHOLD];
    assert_eq!(told(&scenario, "b")[3..], expected);
}

/// Whatever happens: each call has one last status, in order, and one record on each device.
#[test]
fn calls_end_once_whatever_happens() {
    let (mut talks, mut ends) = (0, 0);
    for seed in 0..200 {
        let mut chance = Chance::new(seed);
        let mut scenario = Scenario::new(seed).with_clients(["a", "b", "c"]).with_device("a", "a2");
        scenario = scenario.drive();
        scenario.world.chaotic = true;
        let pages = ["a", "b", "c", "a2"];
        for _ in 0..chance.between(10, 60) {
            let (page, peer) = (*chance.pick(&pages), *chance.pick(&["a", "b", "c"]));
            let place = scenario.place(page);
            let choice = chance.between(0, 20);
            let world = &mut scenario.world;
            match choice {
                0..7 => drop(world.with(place, |client, _| {
                    client.set_up_call(true);
                    client.call(peer.into(), None)
                })),
                7..12 => drop(world.with(place, |client, _| client.answer_call(true))),
                12 | 13 => drop(world.with(place, |client, _| client.hang_up_call(0))),
                14 | 15 => world.cut(place),
                16 => world.silence(place),
                17 => {
                    world.kill_tab(place);
                    world.open_tab(place);
                }
                18 => world.restart_server(),
                _ => {}
            }
            world.pass(chance.between(0, 4_000));
        }
        scenario.world.heal();
        for place in 0..scenario.world.pages.len() {
            scenario.world.with(place, |client, _| client.hang_up_call(0));
        }
        scenario.world.heal();
        scenario.world.drive();
        for page in pages {
            let told = told_at(&scenario.world, scenario.place(page));
            let mut calls: Vec<u32> = told.iter().map(|(call, _)| *call).collect();
            calls.sort_unstable();
            calls.dedup();
            for call in calls {
                let of: Vec<_> = told.iter().filter(|(it, _)| *it == call).map(|it| it.1).collect();
                let over = of.iter().filter(|status| **status & step::OVER != 0).count();
                // A tab that was killed hears nothing more.
                let last = of.last().is_some_and(|status| status & step::OVER != 0);
                assert!(over <= 1 && (over == 0 || last), "seed {seed}, {page}: {of:x?}");
                let steps = [step::IN_PROGRESS, step::RINGING, step::ANSWER];
                let first: Vec<_> = of.iter().filter(|it| steps.contains(it)).collect();
                assert!(first.is_sorted(), "seed {seed}, {page}: {of:x?}");
                let talked = of.iter().position(|status| *status == step::CONNECTED);
                let answered = of.iter().position(|status| *status == step::ANSWER);
                assert!(talked.is_none() || answered < talked, "seed {seed}, {page}: {of:x?}");
                talks += usize::from(talked.is_some());
                ends += over;
            }
            let open = scenario.page(page).client.as_ref().expect("all tabs are open");
            assert_eq!(open.active_call(), None, "seed {seed}, {page}");
        }
        let stored = |page: &str| records(&scenario, page).0.len();
        assert_eq!(stored("a"), stored("a2"), "seed {seed}: both devices have the same history");
    }
    assert!(talks > 100 && ends > 500, "the seeds talk too little: {talks} talks, {ends} ends");
}
