//! The invariants of `ARCHITECTURE.md`, each held by one small test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// 1. The cores are pure.
#[test]
fn wire_client_and_hub_are_no_std() {
    for core in ["wire", "client", "hub"] {
        let source = read(&format!("crates/{core}/src/lib.rs"));
        assert!(source.contains("#![no_std]"), "{core} is not no_std");
    }
}

/// 1. The cores are pure, all the way down.
#[test]
fn wire_client_and_hub_depend_on_no_browser_and_no_runtime() {
    let forbidden = ["web-sys", "js-sys", "wasm-bindgen", "tokio", "std-time", "rand", "getrandom"];
    let graph = dependencies();
    for core in ["wire", "client", "hub"] {
        let all = closure(&graph, core);
        for name in forbidden {
            assert!(!all.contains(name), "{core} depends on {name}");
        }
    }
}

/// Dependencies point one way.
#[test]
fn no_room_uses_one_that_lies_behind_it() {
    let allowed: &[(&str, &[&str])] = &[
        ("wire", &[]),
        ("client", &["wire"]),
        ("hub", &["wire"]),
        ("sfu", &["wire"]),
        ("mesibo-server", &["wire", "hub", "sfu"]),
        ("mesibo", &["wire", "client"]),
        ("xtask", &[]),
    ];
    let graph = dependencies();
    let ours: BTreeSet<&str> = allowed.iter().map(|(name, _)| *name).chain(["sim"]).collect();
    for (room, may_use) in allowed {
        for used in closure(&graph, room).iter().filter(|name| ours.contains(name.as_str())) {
            assert!(used == room || may_use.contains(&used.as_str()), "{room} uses {used}");
        }
    }
}

/// 2. What a page can call stands in `src/api/`, and holds no exclusive borrow.
#[test]
fn exports_to_javascript_stand_in_api_and_take_shared_self() {
    for file in files("src", "rs") {
        let source = std::fs::read_to_string(&file).unwrap();
        let in_api = file.starts_with(root().join("src/api"));
        let (mut exported, mut imports) = (false, false);
        for line in source.lines() {
            imports &= line != "}";
            let line = line.trim();
            // Not `#[wasm_bindgen_test]`, which nobody calls.
            if line.starts_with("#[wasm_bindgen]") || line.starts_with("#[wasm_bindgen(") {
                exported = true;
            } else if exported && !line.starts_with("#[") && !line.starts_with("//") {
                // What the SDK imports from JavaScript may stand next to its use.
                let import = line.starts_with("extern") || line.starts_with("unsafe extern");
                imports |= import;
                assert!(in_api || imports, "{} exports: {line}", file.display());
                exported = false;
            }
            assert!(
                !(in_api && line.starts_with("pub fn") && line.contains("&mut self")),
                "{}: {line}",
                file.display()
            );
        }
    }
}

/// 3. JavaScript decides nothing about messaging.
#[test]
fn javascript_of_the_sdk_owns_no_timer_socket_storage_or_connection() {
    let forbidden = [
        "setTimeout(",
        "setInterval(",
        "new WebSocket",
        "indexedDB",
        "localStorage",
        "RTCPeerConnection(",
        "XMLHttpRequest",
        "fetch(",
    ];
    for file in files("js", "js") {
        let source = std::fs::read_to_string(&file).unwrap();
        for word in forbidden {
            assert!(!source.contains(word), "{} uses {word}", file.display());
        }
    }
}

/// 4. Only the store knows the database, only the SFU knows str0m.
#[test]
fn database_and_str0m_stay_in_their_rooms() {
    for file in files("crates", "rs").into_iter().chain(files("src", "rs")) {
        if file.ends_with("xtask/tests/architecture.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&file).unwrap();
        let store = file.starts_with(root().join("crates/server/src/store"));
        let sfu = file.starts_with(root().join("crates/sfu"));
        assert!(store || !source.contains("rusqlite::"), "{} uses rusqlite", file.display());
        assert!(sfu || !source.contains("str0m::"), "{} uses str0m", file.display());
    }
}

/// 6. A limit outside the one file is a limit nobody finds.
#[test]
fn limits_are_named_in_one_file() {
    let limit_names =
        ["_MAX: usize", "_MAX: u32", "_MAX: u64", "_MAX: Duration", "_WITHIN: Duration"];
    for room in
        ["crates/client/src", "crates/hub/src", "crates/sfu/src", "crates/server/src", "src"]
    {
        for file in files(room, "rs") {
            let source = std::fs::read_to_string(&file).unwrap();
            for line in source.lines().filter(|line| line.trim_start().contains("const ")) {
                let named = limit_names.iter().any(|name| line.contains(name));
                assert!(!named, "{}: {} belongs into limits.rs", file.display(), line.trim());
            }
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !["target", "node_modules", "fuzz"].contains(&name.as_str()) {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    found
}

/// Name of each package to the names it is built and run with, tests and build scripts left out.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for room in ["wire", "client", "hub", "sfu", "mesibo-server", "mesibo", "xtask"] {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
            .args(["--package", room])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let names = String::from_utf8(output.stdout).unwrap();
        let names = names.lines().filter_map(|line| line.split(' ').next());
        graph.insert(room.into(), names.filter(|name| !name.is_empty()).map(Into::into).collect());
    }
    graph
}

fn closure(graph: &BTreeMap<String, BTreeSet<String>>, room: &str) -> BTreeSet<String> {
    graph[room].clone()
}
