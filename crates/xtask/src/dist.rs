//! `cargo xtask dist`: what is given away, the npm package and the server's program.

use crate::arguments::Arguments;
use crate::run::{copy, files, root};
use crate::server::{self, Profile};
use crate::{sdk, site};

/// Makes `pkg/` and `dist/`: the program beside the folder it serves.
pub fn dist(arguments: Arguments) -> anyhow::Result<bool> {
    arguments.end()?;
    let package = sdk::build()?;
    let site = site::build(&package)?;
    let program = server::build(Profile::Release)?;
    let folder = root().join("dist");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    for file in files(&site) {
        copy(&file, &folder.join("site").join(file.strip_prefix(&site)?))?;
    }
    // Keeps the right to be run.
    std::fs::copy(&program, folder.join("mesibo-server"))?;
    site::print_sizes(&site)?;
    println!("{}\n{}", package.display(), folder.display());
    Ok(true)
}
