//! `cargo xtask test`: every suite, a summary line each, one at the end.

use crate::run::command;
use crate::suite::{self, Outcome};

/// Runs everything; `false` when anything failed.
pub fn test() -> anyhow::Result<bool> {
    let suites = [
        suite::check("format", command("cargo", ["fmt", "--all", "--check"]))?,
        suite::check("clippy", clippy())?,
        suite::tests("native", command("cargo", ["test", "--workspace", "--no-fail-fast"]))?,
    ];
    let all = suites.into_iter().fold(Outcome::default(), Outcome::and);
    println!("{} passed, {} failed", all.passed, all.failed);
    Ok(all.failed == 0)
}

fn clippy() -> std::process::Command {
    command("cargo", ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])
}
