//! What this repository needs beside cargo and Node, which version, and how it is installed.
//!
//! Everything is looked for first and installed only when missing or of another version. Nothing
//! is downloaded from anywhere but the registries of Rust, npm and Debian.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

use crate::run::{command, on_path, output, root, run, target};
use crate::stamp::Stamp;

/// Equals the version of the `wasm-bindgen` crate: the two share a private format.
const WASM_BINDGEN: &str = "0.2.130";
/// Drives Firefox. Debian has no package of it, its own releases are not in a registry.
const GECKODRIVER: &str = "0.37.1";
/// The one that fits `rust-toolchain.toml`.
const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// Oldest Node that runs the test runner's options we use.
const NODE_MAJOR_MIN: u32 = 20;

/// Debian's browsers: the program that shows that a package is there, and the package.
const BROWSERS: [(&str, &str); 3] =
    [("chromium", "chromium"), ("chromedriver", "chromium-driver"), ("firefox-esr", "firefox-esr")];

fn say(what: &str, why: &str) {
    eprintln!("xtask: installing {what}: {why}");
}

/// The standard library for WebAssembly.
pub fn wasm_target() -> anyhow::Result<()> {
    if sysroot()?.join("lib/rustlib").join(WASM_TARGET).join("lib").is_dir() {
        return Ok(());
    }
    say(WASM_TARGET, "the SDK is WebAssembly");
    // Added to the toolchain that is there: `rustup toolchain install` would fetch all of it again.
    run(command("rustup", ["target", "add", WASM_TARGET]))
}

/// The text of the standard library: the SDK has its own build of it.
pub fn standard_library() -> anyhow::Result<()> {
    if sysroot()?.join("lib/rustlib/src/rust/library/Cargo.lock").is_file() {
        return Ok(());
    }
    say("rust-src", "the SDK's standard library is built for its size");
    run(command("rustup", ["component", "add", "rust-src"]))
}

/// Where the toolchain is.
fn sysroot() -> anyhow::Result<PathBuf> {
    let place = output("rustc", ["--print", "sysroot"])
        .context("rustc does not answer; install the toolchain of rust-toolchain.toml: `rustup toolchain install --no-self-update`")?;
    Ok(place.into())
}

/// The folder with `wasm-bindgen` and `wasm-bindgen-test-runner` of the pinned version.
pub fn wasm_bindgen() -> anyhow::Result<PathBuf> {
    let why = "makes the JavaScript side of the SDK, runs its tests in browsers";
    cargo_tool("wasm-bindgen", "wasm-bindgen-cli", WASM_BINDGEN, why)
}

/// `geckodriver` of the pinned version.
pub fn geckodriver() -> anyhow::Result<PathBuf> {
    let folder =
        cargo_tool("geckodriver", "geckodriver", GECKODRIVER, "drives Firefox in the tests")?;
    Ok(folder.join("geckodriver"))
}

/// Looks for a program of one version on the `PATH` and in `target/tools`, installs it there.
fn cargo_tool(program: &str, package: &str, version: &str, why: &str) -> anyhow::Result<PathBuf> {
    let ours = target().join("tools");
    let found = on_path(program).into_iter().chain([ours.join("bin").join(program)]);
    for file in found {
        // `wasm-bindgen 0.2.130`, `geckodriver 0.37.1 (…)`
        let says = output(&file, ["--version"]).unwrap_or_default();
        if says.split_whitespace().nth(1) == Some(version) {
            return Ok(file.parent().expect("a program has a folder").to_path_buf());
        }
    }
    say(&format!("{package} {version}"), why);
    // Not `--locked`: a lock file made elsewhere may name versions that a registry mirror lags behind.
    let root = ours.to_string_lossy().into_owned();
    // Unoptimised: built in a third of the time, and what they do takes seconds either way.
    let mut install = command("cargo", ["install", "--debug", package, "--root", &root]);
    install.args(["--version", &format!("={version}")]).env("CARGO_PROFILE_DEV_DEBUG", "false");
    run(install)?;
    Ok(ours.join("bin"))
}

/// The development tools of `package.json`.
pub fn node_packages() -> anyhow::Result<()> {
    let says = output("node", ["--version"])
        .with_context(|| format!("node is missing: install Node.js {NODE_MAJOR_MIN} or newer"))?;
    let major = says.trim_start_matches('v').split('.').next().and_then(|text| text.parse().ok());
    if major.is_none_or(|major: u32| major < NODE_MAJOR_MIN) {
        bail!("node is {says}: install Node.js {NODE_MAJOR_MIN} or newer");
    }
    let root = root();
    let lock = root.join("package-lock.json");
    let made_from = Stamp::default().files(&[root.join("package.json"), lock])?;
    let modules = root.join("node_modules");
    made_from.step(&modules.join(".xtask-stamp"), std::slice::from_ref(&modules), || {
        say("node_modules", "esbuild, wasm-opt, TypeScript and what drives the browsers");
        run(command("npm", ["ci", "--no-audit", "--no-fund"]))
    })
}

/// The browsers and what drives them.
#[derive(Clone, Debug)]
pub struct Browsers {
    /// Drives Chromium, `/usr/bin/chromedriver`.
    pub chromedriver: PathBuf,
    /// Drives Firefox.
    pub geckodriver: PathBuf,
}

/// Chromium, Firefox and their drivers.
pub fn browsers() -> anyhow::Result<Browsers> {
    let missing: Vec<_> = BROWSERS
        .iter()
        .filter(|(program, _)| on_path(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if !missing.is_empty() {
        debian_packages(&missing, "the tests run in real browsers")?;
    }
    let chromedriver = on_path("chromedriver").context("chromedriver is not on the PATH")?;
    Ok(Browsers { chromedriver, geckodriver: geckodriver()? })
}

fn debian_packages(packages: &[&str], why: &str) -> anyhow::Result<()> {
    if on_path("apt-get").is_none() {
        bail!(
            "{} missing, and this is not Debian or Ubuntu, where they would be installed by \
             themselves: install Chromium, ChromeDriver and Firefox so that `chromium`, \
             `chromedriver` and `firefox-esr` are on the PATH",
            packages.join(", ")
        );
    }
    say(&packages.join(" "), why);
    // Another apt-get may be at work: wait for its lock instead of failing.
    let wait = ["-o", "DPkg::Lock::Timeout=120"];
    run(as_root([&["apt-get"], &wait[..], &["update"]].concat()))?;
    let install = ["install", "--yes", "--no-install-recommends"];
    run(as_root([&["apt-get"], &wait[..], &install[..], packages].concat()))
}

/// A command for the administrator; through `sudo` when we are not.
fn as_root(words: Vec<&str>) -> Command {
    let words = match output("id", ["-u"]).as_deref() {
        Some("0") => words,
        _ => [vec!["sudo"], words].concat(),
    };
    let mut command = command(words[0], &words[1..]);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
