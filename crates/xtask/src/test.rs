//! `cargo xtask test`: every suite, a summary line each, one at the end.
//!
//! A suite whose tools cannot be had fails; it is never left out.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::arguments::Arguments;
use crate::run::{command, root};
use crate::server::{self, Profile};
use crate::suite::{self, Outcome};
use crate::{format, sdk, site, tools};

/// Longest run of one file of end-to-end tests. On a CI machine two have taken more than five minutes;
/// only what hangs is to be ended by this.
const FILE_MAX: Duration = Duration::from_secs(1_200);

type Suite = fn() -> anyhow::Result<Outcome>;

/// Cheap ones first: who made a slip hears of it soon.
const SUITES: [(&str, Suite); 8] = [
    ("format", format_suite),
    ("clippy", clippy),
    ("native", native),
    ("simulator", simulator),
    ("wasm-chromium", wasm_chromium),
    ("wasm-firefox", wasm_firefox),
    ("package", package),
    ("end-to-end", end_to_end),
];

/// Runs everything, or what was asked for; `false` when anything failed.
pub fn test(mut arguments: Arguments) -> anyhow::Result<bool> {
    let only = arguments.options("--only")?;
    let list = arguments.flag("--list");
    arguments.end()?;
    if list {
        SUITES.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(true);
    }
    if let Some(unknown) = only.iter().find(|name| !SUITES.iter().any(|(suite, _)| suite == name)) {
        bail!("no suite `{unknown}`; `cargo xtask test --list` names them");
    }
    let mut outcomes = Vec::new();
    for (name, suite) in SUITES {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        let start = Instant::now();
        let outcome = suite().unwrap_or_else(|error| {
            eprintln!("xtask: {name}: {error:#}");
            Outcome::FAILED
        });
        eprintln!("xtask: {name} took {} s", start.elapsed().as_secs());
        println!("{name}: {outcome}");
        outcomes.push((name, outcome));
    }
    println!();
    for (name, outcome) in &outcomes {
        println!("{name}: {outcome}");
    }
    let all =
        outcomes.into_iter().map(|(_, outcome)| outcome).fold(Outcome::default(), Outcome::and);
    println!("{all}");
    Ok(all.failed == 0)
}

fn format_suite() -> anyhow::Result<Outcome> {
    tools::node_packages()?;
    Ok(suite::check(format::check_rust())?.and(suite::check(format::check_scripts())?))
}

/// Both halves: what runs on the machine, and what runs in the browser.
fn clippy() -> anyhow::Result<Outcome> {
    tools::wasm_target()?;
    let deny = ["--", "--deny", "warnings"];
    let native = [&["clippy", "--workspace", "--all-targets", "--exclude", "mesibo"], &deny[..]];
    let target = ["--target", "wasm32-unknown-unknown", "--tests"];
    let browser = [&["clippy", "--package", "mesibo"], &target[..], &deny[..]];
    let native = suite::check(command("cargo", native.concat()))?;
    Ok(native.and(suite::check(command("cargo", browser.concat()))?))
}

/// Everything that needs no browser; the simulator has a suite of its own.
fn native() -> anyhow::Result<Outcome> {
    let exclude = ["--exclude", "mesibo", "--exclude", "sim"];
    let words = [&["test", "--workspace", "--no-fail-fast"], &exclude[..]];
    suite::tests(command("cargo", words.concat()))
}

/// Optimised: five hundred seeds in a minute.
fn simulator() -> anyhow::Result<Outcome> {
    let words = ["test", "--package", "sim", "--profile", "chaos", "--no-fail-fast"];
    suite::tests(command("cargo", words))
}

fn wasm_chromium() -> anyhow::Result<Outcome> {
    let browsers = tools::browsers()?;
    wasm("CHROMEDRIVER", &browsers.chromedriver)
}

fn wasm_firefox() -> anyhow::Result<Outcome> {
    let browsers = tools::browsers()?;
    wasm("GECKODRIVER", &browsers.geckodriver)
}

/// The SDK's own tests, in the browser of this driver, by the runner that `wasm-pack test` uses.
fn wasm(variable: &str, driver: &Path) -> anyhow::Result<Outcome> {
    tools::wasm_target()?;
    let runner = tools::wasm_bindgen()?.join("wasm-bindgen-test-runner");
    let target = ["--target", "wasm32-unknown-unknown"];
    let words =
        [&["test", "--package", "mesibo", "--lib", "--tests", "--no-fail-fast"], &target[..]];
    let mut command = command("cargo", words.concat());
    // The runner takes the first driver it finds: leave it one.
    for other in ["CHROMEDRIVER", "GECKODRIVER", "SAFARIDRIVER"] {
        command.env_remove(other);
    }
    // A browser's first start on a new machine reads all of it from the disk, which may take longer
    // than the 5 s for the driver and the 20 s for the tests that the runner has by itself.
    command.env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60").env("WASM_BINDGEN_TEST_TIMEOUT", "300");
    command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner).env(variable, driver);
    suite::tests(command)
}

/// The npm package as a stranger would use it.
fn package() -> anyhow::Result<Outcome> {
    in_browsers(&["tests/e2e/package"])
}

/// Real browsers, the real server, the built SDK.
fn end_to_end() -> anyhow::Result<Outcome> {
    let all = std::env::var("E2E_FILE").is_err();
    if all {
        // What an earlier run has recorded says nothing about this one.
        let _ = std::fs::remove_dir_all(root().join("tests/e2e/output/coverage"));
    }
    let outcome = in_browsers(&["tests/e2e", "tests/e2e/surface"])?;
    // A run of some files has not seen everything: it judges nothing.
    if !all {
        return Ok(outcome);
    }
    let judge = ["--test", "--test-reporter=spec", "tests/e2e/coverage/coverage.test.js"];
    Ok(outcome.and(suite::tests(command("node", judge))?))
}

/// Runs `*.test.js` of these folders with everything they need in the environment.
fn in_browsers(folders: &[&str]) -> anyhow::Result<Outcome> {
    let browsers = tools::browsers()?;
    let site = site::build(&sdk::build()?)?;
    let server = server::build(Profile::Dev)?;
    let mut node = node_tests(folders)?;
    node.env("E2E_SERVER", server)
        .env("E2E_SITE", site)
        .env("E2E_GECKODRIVER", browsers.geckodriver)
        .env("E2E_XTASK", std::env::current_exe()?);
    suite::tests(node)
}

/// Two files at a time: a test waits more than it computes. `E2E_FILE=room` runs only files with
/// this in their name.
fn node_tests(folders: &[&str]) -> anyhow::Result<Command> {
    let mut words = vec!["--test".to_string(), "--test-concurrency=2".into()];
    // A file whose test hangs, or that left something running, fails instead of holding up all.
    words.push(format!("--test-timeout={}", FILE_MAX.as_millis()));
    words.push("--test-reporter=spec".into());
    let wanted = std::env::var("E2E_FILE").unwrap_or_default();
    for folder in folders {
        let Ok(entries) = std::fs::read_dir(root().join(folder)) else { continue };
        let mut files: Vec<_> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.ends_with(".test.js") && name.contains(&wanted))
            .map(|name| format!("{folder}/{name}"))
            .collect();
        files.sort();
        words.extend(files);
    }
    // Without a file `node --test` would look for some by itself.
    let has_files = words.iter().any(|word| word.ends_with(".test.js"));
    anyhow::ensure!(has_files, "no file of {folders:?} has E2E_FILE={wanted} in its name");
    Ok(command("node", words))
}
