//! How everything is formatted: Rust by rustfmt, scripts and pages by prettier.

use std::process::Command;

use crate::arguments::Arguments;
use crate::run::{cargo, command, node_tool, root, run};
use crate::tools;

/// What prettier looks after. Prose is left to people: its lines are broken by sense.
const SCRIPTS: [&str; 4] = [
    "js/**/*.{js,ts}",
    "www/**/*.{js,css,html}",
    "tests/e2e/**/*.{js,html,ts}",
    "crates/xtask/js/*.js",
];

/// `cargo xtask fmt`
pub fn write(arguments: Arguments) -> anyhow::Result<bool> {
    arguments.end()?;
    tools::node_packages()?;
    cargo(["fmt", "--all"])?;
    run(prettier("--write"))?;
    Ok(true)
}

/// The check of Rust.
pub fn check_rust() -> Command {
    command("cargo", ["fmt", "--all", "--check"])
}

/// The check of scripts and pages.
pub fn check_scripts() -> Command {
    prettier("--check")
}

fn prettier(mode: &str) -> Command {
    let mut words = vec![mode, "--log-level", "warn", "--print-width", "100"];
    // A pattern of a folder without files would be an error.
    let present = |pattern: &&&str| {
        let folder = pattern.split("/*").next().expect("a pattern begins with its folder");
        !crate::run::files(&root().join(folder)).is_empty()
    };
    words.extend(SCRIPTS.iter().filter(present).copied());
    command(node_tool("prettier"), words)
}
