//! The folder the server serves: SDK and pages, compressed once, at build time.
//!
//! `/mesibo.js` the classic script · `/sdk/` the ES package · everything of `www/` at its own path.
//! Each script has a copy with a hash in its name that never changes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};

use crate::run::{command, copy, files, root, target};
use crate::stamp::{Stamp, digest};

/// What is worth compressing; pictures and the like are compressed already.
const COMPRESSED: [&str; 7] = ["js", "wasm", "css", "html", "svg", "json", "ts"];

/// Lays `target/site` out from a built package; returns its folder.
pub fn build(package: &Path) -> anyhow::Result<PathBuf> {
    let (pages, site) = (root().join("www"), target().join("site"));
    let mut inputs = files(package);
    inputs.extend(files(&pages));
    inputs.push(root().join("crates/xtask/js/compress.js"));
    let made_from = Stamp::default().files(&inputs)?;
    let outputs = [site.join("mesibo.js"), site.join("mesibo.js.br")];
    made_from.step(&target().join("site.stamp"), &outputs, || {
        if site.exists() {
            std::fs::remove_dir_all(&site)?;
        }
        lay_out(package, &pages, &site)?;
        compress(&site)
    })?;
    Ok(site)
}

fn lay_out(package: &Path, pages: &Path, site: &Path) -> anyhow::Result<()> {
    for page in files(pages).iter().filter(|file| !is_note(file)) {
        copy(page, &site.join(page.strip_prefix(pages)?))?;
    }
    for name in ["index.js", "index.d.ts", "mesibo_bg.wasm"] {
        copy(&package.join(name), &site.join("sdk").join(name))?;
    }
    let script = package.join("mesibo.js");
    copy(&script, &site.join("mesibo.js"))?;
    let hash = digest(&std::fs::read(&script)?);
    copy(&script, &site.join(format!("mesibo.{hash}.js")))
}

/// Notes for those who write the pages stay at home.
fn is_note(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "md")
}

fn compress(site: &Path) -> anyhow::Result<()> {
    let worth = |file: &PathBuf| {
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        COMPRESSED.contains(&ending)
    };
    let list: Vec<_> = files(site).into_iter().filter(worth).collect();
    let mut child = command("node", ["crates/xtask/js/compress.js"])
        .stdin(Stdio::piped())
        .spawn()
        .context("node cannot be started")?;
    let mut input = child.stdin.take().expect("standard input is piped");
    input.write_all(serde_json::to_string(&list)?.as_bytes())?;
    drop(input);
    let status = child.wait()?;
    if !status.success() {
        bail!("compressing the site ended with {status}");
    }
    Ok(())
}

/// Length of a file and of its compressed siblings, bytes.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// As it is.
    pub raw: u64,
    /// `.gz`
    pub gzip: u64,
    /// `.br`
    pub brotli: u64,
}

/// The sizes of a file of the site.
pub fn size(file: &Path) -> anyhow::Result<Size> {
    let length = |ending: &str| -> anyhow::Result<u64> {
        let path = PathBuf::from(format!("{}{ending}", file.display()));
        Ok(std::fs::metadata(&path).with_context(|| format!("no {}", path.display()))?.len())
    };
    Ok(Size { raw: length("")?, gzip: length(".gz")?, brotli: length(".br")? })
}

/// The sizes of the SDK, on standard error.
pub fn print_sizes(site: &Path) -> anyhow::Result<()> {
    for name in ["mesibo.js", "sdk/index.js", "sdk/mesibo_bg.wasm"] {
        let size = size(&site.join(name))?;
        let kilobytes = |bytes: u64| bytes as f64 / 1000.0;
        let (raw, gzip, brotli) =
            (kilobytes(size.raw), kilobytes(size.gzip), kilobytes(size.brotli));
        eprintln!("{name:20} {raw:8.1} KB  gzip {gzip:7.1} KB  brotli {brotli:7.1} KB");
    }
    Ok(())
}
