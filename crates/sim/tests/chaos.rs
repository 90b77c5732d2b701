//! Chance: seeded scripts with faults, checked by the model.
//!
//! `SEEDS=2000 cargo test -p sim --test chaos` for more, `SEED=4711` for one.

use std::sync::atomic::{AtomicU64, Ordering};

use sim::script::live;
use sim::world::Planted;

/// Seeds that once failed.
const REMEMBERED: [u64; 0] = [];

#[test]
fn every_seed_keeps_every_promise() {
    if let Ok(seed) = std::env::var("SEED") {
        return live(seed.parse().expect("SEED is a number"), Planted::None).unwrap();
    }
    let count = std::env::var("SEEDS").map_or(500, |seeds| seeds.parse().expect("a number"));
    let next = AtomicU64::new(0);
    let work = || {
        let mut broken = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= count {
                return broken;
            }
            broken.extend(live(seed, Planted::None).err());
        }
    };
    let mut broken: Vec<_> =
        REMEMBERED.iter().filter_map(|s| live(*s, Planted::None).err()).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            broken.extend(thread.join().expect("a world does not panic"));
        }
    });
    assert!(broken.is_empty(), "{} of {count} seeds: {:#?}", broken.len(), &broken[..broken.len().min(10)]);
}

#[test]
fn each_planted_bug_is_found() {
    for planted in [
        Planted::NoDedupe,
        Planted::AcceptBeforeStoring,
        Planted::ForgetCursor,
        Planted::BrowserStoresLate,
    ] {
        let found = (0..200).find(|seed| live(*seed, planted).is_err());
        assert!(found.is_some(), "{planted:?} is not found by 200 seeds");
        println!("{planted:?} is found by seed {}", found.unwrap_or_default());
    }
}
