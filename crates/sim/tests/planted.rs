//! The checks are checked: bugs planted at the borders of the cores are found by the seeds.
//!
//! `cargo test -p sim --test planted -- --nocapture` prints the table of `docs/testing.md`.
#![allow(clippy::print_stdout)] // What a long run found, for whoever watches it.

use sim::planted::Planted;
use sim::script::live;

/// So many seeds may be needed to find a planted bug; the chaos test runs 500.
const SEEDS_MAX: u64 = 200;

#[test]
fn each_planted_bug_is_found() {
    let mut missed = Vec::new();
    for planted in Planted::ALL {
        let found =
            (0..SEEDS_MAX).find_map(|seed| live(seed, planted).err().map(|text| (seed, text)));
        match found {
            Some((seed, text)) => println!("| {planted:?} | {} | {text} |", seed + 1),
            None => missed.push(planted),
        }
    }
    assert!(missed.is_empty(), "not found by {SEEDS_MAX} seeds: {missed:?}");
}
