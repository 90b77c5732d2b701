//! How the SDK is built: Rust to WebAssembly, its JavaScript side, one classic script, one ES package.
//!
//! Relies on `js/classic.js`, `js/index.js` and `js/index.d.ts`, which import the generated side as
//! `mesibo-core` and the WebAssembly as `mesibo-core.wasm`. Promises `pkg/`, complete, and that a
//! step whose inputs did not change is not run again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::run::{command, copy, files, node_tool, read, root, run, target, write};
use crate::stamp::Stamp;
use crate::tools;

/// Browsers of the last three years: what the SDK's own browser interfaces need anyway.
const SYNTAX: &str = "--target=es2022";

/// WebAssembly features that rustc switches on for its target; `wasm-opt` must know them, but not
/// use others.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
];

/// A panic ends the engine without words, and carries none: neither text nor place.
const NO_LAST_WORDS: &str =
    "-Cpanic=immediate-abort -Zunstable-options -Zlocation-detail=none -Zfmt-debug=none";

/// How `wasm-opt` makes it small, in this order.
const WASM_PASSES: [&str; 10] = [
    // The first kilobyte is the far end of the stack, which traps when it gets there.
    "--low-memory-unused",
    "-Oz",
    "--flatten",
    "--rereloop",
    "-Oz",
    "-Oz",
    // Functions of one kind beside each other: gzip looks back 32 KB only.
    "--reorder-functions-by-name",
    "--strip-debug",
    "--strip-producers",
    "--minify-imports-and-exports-and-modules",
];

/// Builds `pkg/`; returns its folder.
pub fn build() -> anyhow::Result<PathBuf> {
    tools::wasm_target()?;
    tools::standard_library()?;
    tools::node_packages()?;
    let bin = tools::wasm_bindgen()?;
    let wasm = compile()?;
    let generated = bind(&bin, &wasm)?;
    package(&generated)
}

fn compile() -> anyhow::Result<PathBuf> {
    let wasm32 = "wasm32-unknown-unknown";
    // Nothing but the library for JavaScript: as a Rust library beside it, which is how it stands
    // in Cargo.toml, whatever is public would stay in, a tenth of the size.
    let mut words = vec!["rustc", "--package", "mesibo", "--lib", "--crate-type", "cdylib"];
    // The standard library made for this one program (`docs/decisions/0019`), in a folder of its
    // own: nothing else is to be built like this.
    words.extend(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"]);
    let folder = target().join("sdk/cargo");
    let place = folder.to_string_lossy();
    words.extend(["--profile", "sdk", "--target", wasm32, "--target-dir", &place]);
    let mut cargo = command("cargo", words);
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", NO_LAST_WORDS);
    run(cargo)?;
    Ok(folder.join(wasm32).join("sdk/mesibo.wasm"))
}

/// The JavaScript side, and the WebAssembly made small.
fn bind(bin: &Path, wasm: &Path) -> anyhow::Result<PathBuf> {
    let folder = target().join("sdk/es");
    let glue = folder.join("mesibo_core.js");
    let small = folder.join("mesibo_core_bg.wasm");
    let outputs = [glue.clone(), small.clone()];
    let made_from = Stamp::default()
        .word(&tools_version())
        .word(&[&WASM_PASSES[..], &WASM_FEATURES].concat().concat())
        .files(&[wasm.to_path_buf()])?;
    made_from.step(&target().join("sdk/bind.stamp"), &outputs, || {
        let out = folder.to_string_lossy().into_owned();
        let mut words = vec!["--target", "web", "--out-dir", &out, "--out-name", "mesibo_core"];
        // The loaders in js/ say where the WebAssembly is; a second mention would send bundlers
        // after a file that the package does not have.
        words.extend(["--omit-default-module-path", "--remove-producers-section"]);
        let mut wasm_bindgen = command(bin.join("wasm-bindgen"), words);
        wasm_bindgen.arg(wasm);
        run(wasm_bindgen)?;
        let file = small.to_string_lossy().into_owned();
        let mut words = Vec::from(WASM_PASSES);
        words.extend(WASM_FEATURES);
        words.extend(["-o", &file, &file]);
        let wasm_opt = command(node_tool("wasm-opt"), words).stdout(Stdio::piped()).output()?;
        anyhow::ensure!(wasm_opt.status.success(), "wasm-opt ended with {}", wasm_opt.status);
        let names = serde_json::from_slice(&wasm_opt.stdout)?;
        write(&glue, rename(&read(&glue)?, &names))
    })?;
    Ok(folder)
}

/// What `wasm-opt` says of the short names it gave to what JavaScript and WebAssembly call of each
/// other: for `imports` and `exports` a list, each entry of which ends with name, short name.
type Names = HashMap<String, Vec<Vec<String>>>;

/// The generated JavaScript with the short names: imports are fields of an object of their module,
/// exports are fields of `wasm`.
fn rename(glue: &str, names: &Names) -> String {
    let list = |kind: &str| -> HashMap<&str, &str> {
        let entries = names.get(kind).into_iter().flatten();
        let pairs = entries.filter_map(|entry| entry.last_chunk());
        pairs.map(|[name, short]| (&name[..], &short[..])).collect()
    };
    let (imports, exports) = (list("imports"), list("exports"));
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "_$".contains(letter);
    let mut renamed = String::with_capacity(glue.len());
    for piece in glue.split_inclusive(|letter| !is_word(letter)) {
        let word = piece.trim_end_matches(|letter| !is_word(letter));
        let known = if renamed.ends_with("wasm.") { &exports } else { &imports };
        renamed.push_str(known.get(word).unwrap_or(&word));
        renamed.push_str(&piece[word.len()..]);
    }
    // All imports come from one module; it has a short name, too.
    renamed.replace("\"./mesibo_core_bg.js\": import0", "\"a\": import0")
}

/// The classic script, the ES package, and what a package says about itself.
fn package(generated: &Path) -> anyhow::Result<PathBuf> {
    let (root, folder) = (root(), root().join("pkg"));
    let mut inputs = files(&root.join("js"));
    inputs.extend(files(generated));
    let texts = ["LICENSE-MIT", "LICENSE-APACHE"];
    inputs.extend(texts.iter().map(|name| root.join(name)));
    inputs.extend(
        ["wasm-as-text.js", "text-to-wasm.wat"].map(|name| root.join("crates/xtask/js").join(name)),
    );
    inputs.retain(|file| file.exists());
    let outputs = ["mesibo.js", "index.js", "mesibo_bg.wasm", "index.d.ts", "package.json"];
    let outputs = outputs.map(|name| folder.join(name));
    let made_from = Stamp::default().word(&tools_version()).files(&inputs)?;
    made_from.step(&target().join("sdk/package.stamp"), &outputs, || {
        // What an earlier build left must not be taken for part of this one.
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        let wasm = generated.join("mesibo_core_bg.wasm");
        let decoder = target().join("sdk/text-to-wasm.wasm");
        let text = root.join("crates/xtask/js/text-to-wasm.wat");
        let mut assemble = command(node_tool("wasm-opt"), ["-Oz", "-o"]);
        assemble.args([&decoder, &text]);
        run(assemble)?;
        let inline = target().join("sdk/wasm-as-text.js");
        let mut write_inline = command("node", ["crates/xtask/js/wasm-as-text.js"]);
        write_inline.args([&decoder, &wasm, &inline]);
        run(write_inline)?;
        let inline = format!("--alias:mesibo-core.wasm={}", inline.display());
        // In a classic script the page is the only module: nothing there may ask for its own URL.
        let classic = ["--format=iife", &inline, "--define:import.meta.url=\"\""];
        bundle(generated, "js/classic.js", &folder.join("mesibo.js"), &classic)?;
        bundle(generated, "js/index.js", &folder.join("index.js"), &["--format=esm"])?;
        copy(&wasm, &folder.join("mesibo_bg.wasm"))?;
        copy(&root.join("js/index.d.ts"), &folder.join("index.d.ts"))?;
        for name in texts {
            copy(&root.join(name), &folder.join(name))?;
        }
        write(&folder.join("README.md"), README)?;
        write(&folder.join("package.json"), manifest()?)
    })?;
    Ok(folder)
}

fn bundle(generated: &Path, entry: &str, to: &Path, more: &[&str]) -> anyhow::Result<()> {
    let glue = generated.join("mesibo_core.js");
    let mut esbuild = command(node_tool("esbuild"), [entry, "--bundle", "--minify", SYNTAX]);
    esbuild
        // With one letter beyond Latin-1, browsers hold the whole script in two bytes a letter and take
        // twice as long to read it.
        .args(["--log-level=warning", "--legal-comments=none", "--charset=ascii"])
        .arg(format!("--alias:mesibo-core={}", glue.display()))
        .arg(format!("--outfile={}", to.display()))
        .args(more);
    run(esbuild)
}

/// The package's own `package.json`.
fn manifest() -> anyhow::Result<String> {
    let manifest = serde_json::json!({
        "name": "mesibo",
        "version": version()?,
        "description": "Messages, groups, presence, calls and conferences in the browser, with the `Mesibo` JavaScript API.",
        "license": "MIT OR Apache-2.0",
        "type": "module",
        // Importing runs nothing; only the classic script defines globals.
        "sideEffects": ["./mesibo.js"],
        "main": "./index.js",
        "module": "./index.js",
        "types": "./index.d.ts",
        "exports": {
            ".": { "types": "./index.d.ts", "default": "./index.js" },
            "./mesibo.js": "./mesibo.js",
            "./mesibo_bg.wasm": "./mesibo_bg.wasm",
            "./package.json": "./package.json"
        },
        "files": ["index.js", "index.d.ts", "mesibo.js", "mesibo_bg.wasm", "README.md", "LICENSE-MIT", "LICENSE-APACHE"]
    });
    Ok(format!("{manifest:#}\n"))
}

/// The version in the root's `Cargo.toml`.
pub fn version() -> anyhow::Result<String> {
    let text = read(&root().join("Cargo.toml"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("version = "));
    Ok(line.expect("the workspace has a version").trim_matches('"').to_string())
}

/// Part of every stamp: another tool makes another output.
fn tools_version() -> String {
    read(&root().join("package-lock.json")).unwrap_or_default()
}

const README: &str = r#"# mesibo

Messages, groups, presence, calls and conferences in the browser: Rust compiled to WebAssembly, with the
`Mesibo` JavaScript API.

```html
<script src="https://your.server/mesibo.js"></script>
<script src="page.js"></script>
```

or, with a bundler or as an ES module:

```js
import init from "mesibo";

const { Mesibo } = await init();
const api = Mesibo.getInstance();
```

It needs a `mesibo-server`, which serves the classic script itself. MIT or Apache-2.0, as you prefer.
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generated_javascript_gets_the_short_names_and_keeps_the_rest() {
        let names = r#"{ "imports": [["./mesibo_core_bg.js", "__wbg_send_12", "$"]],
            "exports": [["memory", "a"], ["mesibo_start", "b"]] }"#;
        let glue = "const import0 = { __wbg_send_12: function() { wasm.mesibo_start(memory) } };\n\
            return { \"./mesibo_core_bg.js\": import0, to: wasm.memory.buffer };";
        let renamed = "const import0 = { $: function() { wasm.b(memory) } };\n\
            return { \"a\": import0, to: wasm.a.buffer };";
        assert_eq!(rename(glue, &serde_json::from_str(names).unwrap()), renamed);
    }
}
