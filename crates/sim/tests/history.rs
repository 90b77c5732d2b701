//! The server's history: what a device without it is given, and what it is not.

use client::event::{Event, ReadSessionId};
use client::message::Conversation;
use client::{Removal, Scope, SessionFilter};
use sim::scenario::Scenario;
use wire::id::GroupId;
use wire::status;
use wire::time::Timestamp;

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

/// The page asks for so many older messages of this scope, and is answered.
fn sync(scenario: Scenario, page: &str, scope: Scope, count: u32) -> Scenario {
    let scenario = scenario.act(page, |client, _| {
        let session = client.open_session(SessionFilter::new(scope));
        client.sync(session, count);
    });
    settled(scenario)
}

/// What a page has just asked for is done.
fn settled(scenario: Scenario) -> Scenario {
    scenario.pass(100).drive()
}

/// What the answers said, in their order.
fn answers(scenario: &Scenario, page: &str) -> Vec<u32> {
    let told = scenario.told(page).into_iter();
    let counts = told.filter_map(|event| match event {
        Event::SessionSync { session: ReadSessionId(_), count } => Some(*count),
        _ => None,
    });
    counts.collect()
}

fn with(address: &str) -> Scope {
    Scope::Conversation(Conversation::User(address.into()))
}

/// b has lost its storage after thirty messages.
fn forgetful() -> Scenario {
    let scenario = Scenario::new(7).with_clients(["a", "b"]);
    let scenario = scenario.send_numbers("a", "b", 0..10).drive();
    let scenario = scenario.send_numbers("b", "a", 10..20).drive();
    let scenario = scenario.send_numbers("a", "b", 20..30).drive();
    let scenario = scenario.kill_tab("b").lose_store("b").open_tab("b").drive();
    assert_eq!(scenario.stored("b", true), Vec::<String>::new());
    scenario
}

#[test]
fn a_browser_that_has_lost_its_storage_gets_its_history_page_by_page() {
    let scenario = forgetful().send("a", "b", ["new"]).drive();
    let told = scenario.received("b").len();
    let scenario = sync(scenario, "b", with("a"), 12);
    assert_eq!(scenario.stored("b", true), [numbers(20..30), vec!["new".into()]].concat());
    assert_eq!(scenario.stored("b", false), ["19"], "eleven new ones: one of the twelve was known");
    let scenario = sync(scenario, "b", with("a"), 100);
    let scenario = sync(scenario, "b", with("a"), 100);
    assert_eq!(answers(&scenario, "b"), [11, 19, 0]);
    let received = [numbers(0..10), numbers(20..30), vec!["new".into()]].concat();
    assert_eq!(scenario.stored("b", true), received, "in their old order");
    assert_eq!(scenario.stored("b", false), numbers(10..20));
    assert_eq!(scenario.received("b").len(), told, "nothing of it is news");
    let page = scenario.page("b").stored();
    let old = page.iter().filter(|message| message.key.incoming).take(20);
    assert!(old.clone().count() == 20);
    assert!(old.into_iter().all(|message| message.status == status::RECEIVED_READ));
    assert!(page.iter().filter(|m| !m.key.incoming).all(|m| m.status == status::DELIVERED));
}

#[test]
fn own_messages_of_the_history_say_who_has_them_and_who_has_read_them() {
    let mut scenario = Scenario::new(11).with_clients(["a", "b", "c"]);
    let mut group = GroupId(0);
    scenario = scenario.then(|world| group = world.group(&["a", "b", "c"]));
    scenario = scenario.send("a", "b", ["read"]).send_group("a", group, ["to both"]).drive();
    scenario = scenario.read("b", "a").drive().cut("b").send("a", "b", ["sent"]).drive();
    let seen = scenario.page("a").stored();
    scenario = scenario.with_device("a", "a2").drive();
    assert!(scenario.page("a2").stored().is_empty());
    scenario = sync(scenario, "a2", Scope::All, 100);
    assert_eq!(scenario.statuses("a2"), [status::READ, status::DELIVERED, status::SENT]);
    let copies = scenario.page("a2").stored();
    let receipts = |messages: &[client::message::Message]| {
        messages.iter().map(|message| message.receipts.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        receipts(&copies),
        receipts(&seen),
        "from whom, and when, as the first device has it"
    );
    assert_eq!(copies[1].receipts.len(), 2);

    scenario = scenario.restore("b").drive().read("b", "a").drive();
    assert_eq!(scenario.statuses("a2")[2], status::READ, "and what comes later is told by the log");
}

#[test]
fn the_history_of_a_summary_is_the_newest_message_of_each_conversation() {
    let scenario = Scenario::new(3).with_clients(["a", "b", "c"]);
    let scenario = scenario.send_numbers("a", "b", 0..9).send_numbers("c", "b", 10..13).drive();
    let scenario = scenario.send_numbers("b", "c", 20..22).drive();
    let scenario = scenario.kill_tab("b").lose_store("b").open_tab("b").drive();
    let scenario = sync(scenario, "b", Scope::Summary, 100);
    assert_eq!(scenario.stored("b", true), ["8"]);
    assert_eq!(scenario.stored("b", false), ["21"]);
    let scenario = sync(scenario, "b", Scope::Summary, 100);
    assert_eq!(answers(&scenario, "b"), [2, 0]);
    let scenario = sync(scenario, "b", Scope::All, 100);
    assert_eq!(scenario.stored("b", true).len(), 12);
}

#[test]
fn what_was_removed_or_taken_back_is_not_given_again() {
    let scenario = Scenario::new(5).with_clients(["a", "b"]).with_device("b", "b2").drive();
    let scenario = scenario.send_numbers("a", "b", 0..6).drive();
    let mut keys = Vec::new();
    let page = scenario.page("b").stored();
    keys.extend(page.iter().map(|message| message.key.clone()));
    let taken_back = scenario.page("a").stored()[1].key.clone();
    let scenario = scenario.act("b", |client, _| {
        client.remove(Removal::Messages(vec![keys[4].clone()])).expect("it is taken");
    });
    let scenario = scenario.act("a", |client, now| client.recall(now, &taken_back).expect("young"));
    let scenario = settled(scenario);
    let scenario = scenario.kill_tab("b2").lose_store("b2").open_tab("b2").drive();
    let scenario = sync(scenario, "b2", with("a"), 100);
    assert_eq!(scenario.stored("b2", true), ["0", "2", "3", "5"]);

    // And nothing at all of what goes as a whole.
    let scenario = scenario.pass(1_000).act("b", |client, now| {
        let conversation = Some(Conversation::User("a".into()));
        let before = Timestamp(client.server_time(now).0 + 1);
        client.remove(Removal::Before { conversation, before, keep: false }).expect("it is taken");
    });
    let scenario = settled(scenario).kill_tab("b2").lose_store("b2").open_tab("b2").drive();
    let scenario = sync(scenario, "b2", Scope::All, 100);
    assert_eq!(scenario.stored("b2", true), Vec::<String>::new());
    assert_eq!(scenario.stored("a", false).len(), 6, "others keep theirs");
}

#[test]
fn the_history_of_a_group_is_for_its_members_from_when_they_joined() {
    let mut scenario = Scenario::new(9).with_clients(["a", "b", "c"]);
    let mut group = GroupId(0);
    scenario = scenario.then(|world| group = world.group(&["a", "b"]));
    scenario = scenario.send_group("a", group, ["1", "2"]).drive();
    scenario = scenario.then(|world| world.add_member(group, "c"));
    scenario = scenario.send_group("a", group, ["3"]).drive();
    scenario = scenario.kill_tab("c").lose_store("c").open_tab("c").drive();
    let of = Scope::Conversation(Conversation::Group(group));
    scenario = sync(scenario, "c", of.clone(), 100);
    assert_eq!(scenario.stored("c", true), ["3"]);
    scenario = scenario.then(|world| world.remove_member(group, "b"));
    scenario = scenario.drive().kill_tab("b").lose_store("b").open_tab("b").drive();
    scenario = sync(scenario, "b", of, 100);
    scenario = sync(scenario, "b", Scope::All, 100);
    assert_eq!(answers(&scenario, "b"), [0, 0]);
    assert_eq!(scenario.stored("b", true), Vec::<String>::new());
}

#[test]
fn a_question_without_a_connection_is_answered_when_there_is_one() {
    let scenario = forgetful().cut("b").pass(6_000);
    let scenario = scenario.act("b", |client, _| {
        let session = client.open_session(SessionFilter::new(with("a")));
        client.sync(session, 5);
    });
    let scenario = scenario.pass(3_000);
    assert_eq!(answers(&scenario, "b"), [0_u32; 0]);
    let scenario = scenario.restore("b").drive();
    assert_eq!(answers(&scenario, "b"), [5]);
    assert_eq!(scenario.stored("b", true), numbers(25..30));
}
