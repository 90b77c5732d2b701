//! Runs other programs in the repository's root and says which.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository exists")
}

/// A program to be run in the root, announced on standard error.
pub fn command<S: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    eprintln!("$ {program} {}", words.join(" "));
    command
}

/// Runs cargo and fails when it fails.
pub fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> anyhow::Result<()> {
    let status = command("cargo", arguments).status().context("cargo cannot be started")?;
    if !status.success() {
        bail!("cargo ended with {status}");
    }
    Ok(())
}
