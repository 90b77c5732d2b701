//! A random script from a seed: what people and fate do to a world. A failing one is cut down to
//! the steps that matter.

use std::panic::{AssertUnwindSafe, catch_unwind};

use client::message::Conversation;
use wire::id::GroupId;

use crate::chance::Chance;
use crate::model;
use crate::planted::Planted;
use crate::world::{Place, World};

const USERS: [&str; 3] = ["ada", "bob", "carol"];

/// A page for each user, and a second device.
const PAGES: u64 = USERS.len() as u64 + 1;

/// Longest list of steps a failing script is cut from, in attempts.
const CUTS_MAX: usize = 400;

/// Whom something is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// One of the users, by number.
    User(usize),
    /// The group of all.
    Group,
}

/// Something people or fate do. Each is followed by a while, see [`Script`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The verbs of `World`.
pub enum Step {
    Send { place: Place, to: To, count: u64 },
    SendNow { place: Place, to: To },
    Cut(Place),
    Silence(Place),
    Stop(Place),
    StartAgain(Place),
    KillTab(Place),
    FreezeTab { place: Place, deaf: bool },
    ThawTab(Place),
    OpenTabs,
    RestartServer,
    KillServer,
    StopServer,
    StartServer,
    FailServerWrites(u32),
    FailPageWrites(Place, u32),
    LoseStore(Place),
    Read(Place, To),
    Type(Place, To),
    Show(Place, bool),
    TurnClock(Place, i64),
    TurnServerClock(i64),
    AddMember(usize),
    RemoveMember(usize),
    RenameGroup(u64),
    Pass(u64),
}

/// What happens in a world.
#[derive(Clone, Debug)]
pub struct Script {
    /// Of the world, its delays and draws.
    pub seed: u64,
    /// The first user and the second device have a second tab, which shares the connection.
    pub tabs: bool,
    /// Who has a second device.
    pub second: usize,
    /// The steps, and how long after each the next one follows, ms.
    pub steps: Vec<(Step, u64)>,
}

impl Script {
    /// The script of this seed; in every third one some users have several tabs.
    pub fn new(seed: u64) -> Script {
        let mut chance = Chance::new(!seed);
        let tabs = seed % 3 == 2 || std::env::var_os("TABS").is_some();
        let second = chance.between(0, USERS.len() as u64) as usize;
        let count = chance.between(20, 60);
        let steps = (0..count).map(|_| (step(&mut chance, tabs), chance.between(0, 300))).collect();
        Script { seed, tabs, second, steps }
    }

    /// Lives it. The broken promise, in words.
    pub fn live(&self, planted: Planted) -> Result<(), String> {
        let lived = catch_unwind(AssertUnwindSafe(|| {
            let mut world = self.play(planted);
            model::check(&mut world)
        }));
        lived.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
            Err(format!("panic: {}", text.unwrap_or_default()))
        })
    }

    /// Plays it to its end, everything healed.
    pub fn play(&self, planted: Planted) -> World {
        let mut world = World::new(self.seed);
        world.chaotic = true;
        world.shares = self.tabs;
        for user in USERS {
            world.page(user);
        }
        let device = world.page(USERS[self.second]);
        for first in [0, device].into_iter().filter(|_| self.tabs) {
            let tab = world.tab_of(first);
            world.open_tab(tab);
        }
        let group = world.group(&USERS);
        world.planted = planted;
        for (number, (step, pause)) in self.steps.iter().enumerate() {
            perform(&mut world, group, number, step);
            world.pass(*pause);
        }
        world.heal();
        world
    }

    /// A shorter script that breaks a promise, too.
    pub fn shrink(&self, planted: Planted) -> Script {
        let mut shortest = self.clone();
        let mut length = shortest.steps.len().div_ceil(2);
        let mut attempts = 0;
        while length > 0 {
            let mut from = 0;
            while from < shortest.steps.len() && attempts < CUTS_MAX {
                attempts += 1;
                let mut shorter = shortest.clone();
                let end = (from + length).min(shorter.steps.len());
                shorter.steps.drain(from..end);
                match shorter.live(planted) {
                    Err(_) => shortest = shorter,
                    Ok(()) => from += length,
                }
            }
            length = if length == 1 { 0 } else { length.div_ceil(2) };
        }
        shortest
    }
}

/// Lives a whole world of this seed and checks it. What is broken, the seed, and the shortest
/// script that shows it.
pub fn live(seed: u64, planted: Planted) -> Result<(), String> {
    let script = Script::new(seed);
    script.live(planted).map_err(|broken| format!("SEED={seed}: {broken}"))
}

/// The steps that matter for a seed that breaks a promise, for people.
pub fn explain(seed: u64) -> String {
    let script = Script::new(seed).shrink(Planted::None);
    let broken = script.live(Planted::None).err().unwrap_or_default();
    let steps: Vec<_> = script.steps.iter().map(|step| format!("  {step:?}")).collect();
    format!(
        "SEED={seed} cargo test -p sim --test chaos\n{broken}\nsecond device: {}\n{}",
        USERS[script.second],
        steps.join("\n")
    )
}

fn step(chance: &mut Chance, tabs: bool) -> Step {
    let place = chance.between(0, if tabs { PAGES + 2 } else { PAGES }) as Place;
    let user = chance.between(0, USERS.len() as u64) as usize;
    let to = if chance.one_in(4) { To::Group } else { To::User(user) };
    match chance.between(0, if tabs { 43 } else { 40 }) {
        0..16 => Step::Send { place, to, count: chance.between(1, 6) },
        16 => Step::SendNow { place, to },
        17..20 => Step::Cut(place),
        20 => Step::Silence(place),
        21 | 22 => Step::KillTab(place),
        23 | 24 => Step::OpenTabs,
        25 => Step::RestartServer,
        26 => match chance.between(0, 3) {
            0 => Step::KillServer,
            1 => Step::StopServer,
            _ => Step::StartServer,
        },
        27 => Step::FailServerWrites(chance.between(1, 4) as u32),
        28 => Step::FailPageWrites(place, chance.between(1, 3) as u32),
        29 if chance.one_in(4) => Step::LoseStore(place),
        29 | 30 => Step::Read(place, to),
        31 => Step::Type(place, to),
        32 => Step::Show(place, chance.one_in(2)),
        33 => {
            let jump = chance.between(0, 7_200_000) as i64 - 3_600_000;
            if chance.one_in(2) {
                Step::TurnClock(place, jump)
            } else {
                Step::TurnServerClock(jump)
            }
        }
        34 => Step::RemoveMember(user),
        35 => Step::AddMember(user),
        36 => Step::RenameGroup(chance.between(0, 100)),
        37 => Step::Stop(place),
        38 => Step::StartAgain(place),
        40 => Step::FreezeTab { place, deaf: chance.one_in(2) },
        41 | 42 => Step::ThawTab(place),
        _ => Step::Pass(chance.between(100, 20_000)),
    }
}

fn perform(world: &mut World, group: GroupId, number: usize, step: &Step) {
    let conversation = |to: &To| match to {
        To::User(user) => Conversation::User(USERS[*user].into()),
        To::Group => Conversation::Group(group),
    };
    match step {
        Step::Send { place, to, count } => {
            for part in 0..*count {
                world.send(*place, conversation(to), &format!("{number}/{part}"));
            }
        }
        Step::SendNow { place, to } => {
            world.send_now(*place, conversation(to), &format!("{number}/now"));
        }
        Step::Cut(place) => world.cut(*place),
        Step::Silence(place) => world.silence(*place),
        Step::Stop(place) => world.stop(*place),
        Step::StartAgain(place) => {
            world.stop(*place);
            world.start(*place);
        }
        Step::KillTab(place) => world.kill_tab(*place),
        Step::FreezeTab { place, deaf } => world.freeze_tab(*place, *deaf),
        Step::ThawTab(place) => world.thaw_tab(*place),
        Step::OpenTabs => (0..world.pages.len()).for_each(|place| world.open_tab(place)),
        Step::RestartServer => world.restart_server(),
        Step::KillServer => world.kill_server(),
        Step::StopServer => world.stop_server(),
        Step::StartServer => world.start_server(),
        Step::FailServerWrites(count) => world.fail_server_writes(*count),
        Step::FailPageWrites(place, count) => world.fail_page_writes(*place, *count),
        // With several tabs there would be two stores of one device: the one of the open tabs, in
        // memory, and the new one of the next tab.
        Step::LoseStore(place) if world.tabs(*place) > 1 => {}
        Step::LoseStore(place) => world.lose_store(*place),
        Step::Read(place, to) => world.read(*place, conversation(to)),
        Step::Type(place, to) => world.type_to(*place, &conversation(to)),
        Step::Show(place, visible) => world.show(*place, *visible),
        Step::TurnClock(place, ms) => world.turn_clock(*place, *ms),
        Step::TurnServerClock(ms) => world.turn_server_clock(*ms),
        Step::AddMember(user) => world.add_member(group, USERS[*user]),
        Step::RemoveMember(user) => world.remove_member(group, USERS[*user]),
        Step::RenameGroup(name) => world.rename_group(group, &format!("name {name}")),
        Step::Pass(ms) => world.pass(*ms),
    }
}
