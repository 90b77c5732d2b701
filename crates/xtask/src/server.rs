//! The server's program: built, and started on a data folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::process::Process;
use crate::run::{cargo, command, run, target};

/// How much the compiler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The one the tests have built already.
    Dev,
    /// What is delivered and measured.
    Release,
}

/// Builds the server; returns its program.
pub fn build(profile: Profile) -> anyhow::Result<PathBuf> {
    let folder = match profile {
        Profile::Dev => {
            // As the native tests are built: another choice of packages would switch other features
            // of the dependencies on, and half of them would be built again.
            let all = ["build", "--workspace", "--exclude", "mesibo", "--exclude", "sim"];
            cargo([&all[..], &["--bins", "--tests"]].concat())?;
            "debug"
        }
        Profile::Release => {
            cargo(["build", "--release", "--package", "mesibo-server", "--bin", "mesibo-server"])?;
            "release"
        }
    };
    Ok(target().join(folder).join("mesibo-server"))
}

/// Builds the server that is given away: the pages of this folder are in it.
pub fn build_with_site(site: &Path) -> anyhow::Result<PathBuf> {
    let package = ["--package", "mesibo-server", "--bin", "mesibo-server"];
    let mut cargo = command("cargo", [&["build", "--release"], &package[..]].concat());
    cargo.env("MESIBO_EMBED_SITE", site);
    run(cargo)?;
    Ok(target().join("release/mesibo-server"))
}

/// A server that is ready.
pub struct Server {
    process: Process,
    /// Where it listens, `http://127.0.0.1:8080`.
    pub url: String,
    /// Makes apps; drawn anew at each start and kept nowhere.
    pub admin_key: String,
}

impl Server {
    /// Starts it and waits until it says that it is ready.
    pub fn start(program: &Path, port: u16, data: &Path, site: &Path) -> anyhow::Result<Server> {
        std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
        let admin_key = random_key()?;
        let mut command = command(program, ["--listen", &format!("127.0.0.1:{port}")]);
        command.arg("--data").arg(data).arg("--site").arg(site);
        // Not on the command line, where every process could read it.
        command.env("MESIBO_ADMIN_KEY", &admin_key);
        let mut process = Process::start(command)?;
        let Some(line) = process.line()? else {
            bail!("the server ended before it was ready ({}); see above", process.wait()?);
        };
        let ready: Value = serde_json::from_str(&line).context("the server's first line")?;
        let url = ready["url"].as_str().context("the server did not say where it listens")?;
        Ok(Server { process, url: url.into(), admin_key })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it ends by itself or is told to.
    pub fn wait(&mut self) -> anyhow::Result<std::process::ExitStatus> {
        self.process.wait()
    }
}

/// 256 bits of the system's randomness, hexadecimal.
fn random_key() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    let mut source = std::fs::File::open("/dev/urandom").context("no /dev/urandom")?;
    std::io::Read::read_exact(&mut source, &mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
