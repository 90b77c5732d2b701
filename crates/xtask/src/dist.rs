//! `cargo xtask dist`: what is given away, the npm package and the server's program.

use crate::arguments::Arguments;
use crate::run::root;
use crate::{sdk, server, site};

/// Makes `pkg/` and `dist/`: the program, with its pages in it.
pub fn dist(arguments: Arguments) -> anyhow::Result<bool> {
    arguments.end()?;
    let package = sdk::build()?;
    let site = site::build(&package)?;
    let program = server::build_with_site(&site)?;
    let folder = root().join("dist");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    // Keeps the right to be run.
    std::fs::copy(&program, folder.join("mesibo-server"))?;
    site::print_sizes(&site)?;
    println!("{}\n{}", package.display(), folder.display());
    Ok(true)
}
