//! Chance: seeded scripts with faults, checked by the model.
//!
//! `SEEDS=2000 cargo test -p sim --test chaos` for more, `SEED=4711` for one.
#![allow(clippy::print_stdout)] // What a long run found, for whoever watches it.

use std::sync::atomic::{AtomicU64, Ordering};

use sim::planted::Planted;
use sim::script::{Script, explain, live};

/// Seeds that once failed.
const REMEMBERED: [u64; 0] = [];

/// Failing seeds that are cut down to the steps that matter.
const EXPLAINED_MAX: usize = 3;

#[test]
fn every_seed_keeps_every_promise() {
    if let Ok(seed) = std::env::var("SEED") {
        let seed = seed.parse().expect("SEED is a number");
        return live(seed, Planted::None).unwrap_or_else(|_| panic!("{}", explain(seed)));
    }
    let started = std::time::Instant::now();
    let count = std::env::var("SEEDS").map_or(500, |seeds| seeds.parse().expect("a number"));
    let first = std::env::var("FROM").map_or(0, |from| from.parse().expect("a number"));
    let next = AtomicU64::new(0);
    let work = || {
        let mut broken = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let seed = match REMEMBERED.get(index as usize) {
                Some(seed) => *seed,
                None => first + index - REMEMBERED.len() as u64,
            };
            if seed >= first + count {
                return broken;
            }
            broken.extend(live(seed, Planted::None).err().map(|text| (seed, text)));
        }
    };
    let mut broken: Vec<(u64, String)> = Vec::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            broken.extend(thread.join().expect("a world does not panic"));
        }
    });
    let per_second = count as f64 / started.elapsed().as_secs_f64();
    println!("{count} seeds, {per_second:.0} seeds/second");
    broken.sort();
    let explained: Vec<_> =
        broken.iter().take(EXPLAINED_MAX).map(|(seed, _)| explain(*seed)).collect();
    let list: Vec<_> = broken.iter().map(|(_, text)| text.as_str()).collect();
    assert!(
        broken.is_empty(),
        "{} of {count} seeds:\n{}\n\n{}",
        list.len(),
        list[..list.len().min(30)].join("\n"),
        explained.join("\n\n")
    );
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in 0..5 {
        let lives = [(); 2].map(|()| Script::new(seed).play(Planted::None));
        let [first, second] = lives.map(|world| {
            let seen: Vec<_> = world.pages.into_iter().map(|page| page.seen).collect();
            (world.time, seen)
        });
        assert!(first == second, "seed {seed} has led to two different worlds");
    }
}
