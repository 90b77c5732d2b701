//! Puts the pages into the program: every file of the folder that `MESIBO_EMBED_SITE` names.
//! Without it the program has none of its own.

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-env-changed=MESIBO_EMBED_SITE");
    let mut list = String::from("[\n");
    if let Some(folder) = std::env::var_os("MESIBO_EMBED_SITE") {
        let folder = Path::new(&folder).canonicalize().expect("MESIBO_EMBED_SITE is a folder");
        println!("cargo::rerun-if-changed={}", folder.display());
        for file in files(&folder) {
            let name = file.strip_prefix(&folder).expect("it was found in there");
            let name = name.to_str().expect("our own names are UTF-8");
            writeln!(list, "({name:?}, include_bytes!({file:?}) as &[u8]),").expect("a string");
        }
    }
    list.push(']');
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    std::fs::write(out.join("embedded_site.rs"), list).expect("the folder of the build is ours");
}

/// Every file below a folder, sorted by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder can be read") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
