//! Everything of an installation, copied into a folder while the server runs, and put back.
//!
//! The databases come first, by SQLite's own online copy: they are as at one moment, and everything
//! that was accepted before is in them. Files come behind: what a message names is there, and a file
//! more does no harm.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};

use crate::{durable, store};

/// Databases, each copied at one moment.
const DATABASES: [&str; 2] = ["mesibo.db", "hooks.db"];
/// What else is kept, copied as it is.
const FILES: [&str; 3] = ["admin.key", "upload.key", "push.key"];

/// Copies the data folder into a new one.
pub fn backup(data: &Path, to: &Path) -> anyhow::Result<ExitCode> {
    ensure!(data.join(DATABASES[0]).exists(), "{} holds no installation", data.display());
    ensure!(!to.exists(), "{} is there already: name a new folder", to.display());
    // Until all of it is there it has another name, so that half a backup is none.
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    if partial.exists() {
        std::fs::remove_dir_all(partial).context("an older, broken backup is in the way")?;
    }
    make_private(partial)?;
    for name in DATABASES.iter().filter(|name| data.join(name).exists()) {
        store::copy(&data.join(name), &partial.join(name))?;
    }
    let count = copy_rest(data, partial)?;
    durable::rename(partial, to)?;
    println!("{}: the databases and {count} files", to.display());
    Ok(ExitCode::SUCCESS)
}

/// Puts a backup into a data folder that holds nothing.
pub fn restore(from: &Path, data: &Path) -> anyhow::Result<ExitCode> {
    let database = from.join(DATABASES[0]);
    ensure!(database.exists(), "{} is no backup: it has no {}", from.display(), DATABASES[0]);
    make_private(data)?;
    let _lock = crate::locked(data)?;
    if data.join(DATABASES[0]).exists() {
        bail!("{} is in use: restore into an empty folder", data.display());
    }
    for name in DATABASES.iter().filter(|name| from.join(name).exists()) {
        store::copy(&from.join(name), &data.join(name))?;
    }
    let count = copy_rest(from, data)?;
    println!("{}: the databases and {count} files; start the server on it", data.display());
    Ok(ExitCode::SUCCESS)
}

/// For its owner only: there are keys in it.
fn make_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("{} cannot be made", folder.display()))
}

fn copy_rest(from: &Path, to: &Path) -> anyhow::Result<usize> {
    let mut count = 0;
    for name in FILES.iter().filter(|name| from.join(name).exists()) {
        durable::copy(&from.join(name), &to.join(name)).with_context(|| name.to_string())?;
        count += 1;
    }
    // What names files comes before them: a file more does no harm.
    let library = from.join("library");
    if library.exists() {
        for group in std::fs::read_dir(library)? {
            let name = Path::new("library").join(group?.file_name());
            count += copy_folder(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(count + copy_folder(&from.join("files"), &to.join("files"))?)
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<usize> {
    let mut count = 0;
    if !from.exists() {
        return Ok(count);
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            durable::copy(&entry.path(), &to.join(entry.file_name()))
                .with_context(|| entry.path().display().to_string())?;
            count += 1;
        }
    }
    Ok(count)
}
