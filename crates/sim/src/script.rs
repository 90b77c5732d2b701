//! A random script from a seed: what people and fate do to a world.

use std::collections::BTreeMap;

use client::message::Conversation;

use crate::model;
use crate::world::{Planted, World};

const USERS: [&str; 3] = ["ada", "bob", "carol"];

/// Lives a whole world of this seed and checks it. The broken promise in words, with the seed.
pub fn live(seed: u64, planted: Planted) -> Result<(), String> {
    let (world, members) = play(seed, planted);
    model::check(&world, &members).map_err(|broken| format!("seed {seed}: {broken}"))
}

/// Plays the script of this seed to its end. The world, and the members of its groups.
pub fn play(seed: u64, planted: Planted) -> (World, BTreeMap<u32, Vec<String>>) {
    let mut world = World::new(seed);
    for user in USERS {
        world.page(user);
    }
    // One of them has a second device.
    let second = *world.chance.pick(&USERS);
    world.page(second);
    let group = world.group(&USERS);
    let members = BTreeMap::from([(group.0, USERS.map(str::to_string).to_vec())]);
    world.planted = planted;

    let steps = world.chance.between(20, 60);
    for step in 0..steps {
        let place = world.chance.between(0, world.pages.len() as u64) as usize;
        let to = match world.chance.between(0, 5) {
            0 => Conversation::Group(group),
            _ => Conversation::User(world.chance.pick(&USERS).to_string()),
        };
        match world.chance.between(0, 20) {
            0..9 => {
                for part in 0..world.chance.between(1, 6) {
                    world.send(place, to.clone(), &format!("{seed}/{step}/{part}"));
                }
            }
            9 | 10 => world.cut(place),
            11 => world.kill_tab(place),
            12 | 13 => (0..world.pages.len()).for_each(|place| world.open_tab(place)),
            14 => world.restart_server(),
            15 => {
                let count = world.chance.between(1, 4) as u32;
                world.fail_server_writes(count);
            }
            16 => world.read(place, to),
            17 => world.type_to(place, &to),
            _ => {
                let long = world.chance.between(100, 20_000);
                world.pass(long);
            }
        }
        let short = world.chance.between(0, 300);
        world.pass(short);
    }
    world.heal();
    (world, members)
}
