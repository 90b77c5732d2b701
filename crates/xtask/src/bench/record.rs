//! The last run that was kept: a fenced JSON block at the end of `docs/performance.md`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::figure::{Figure, table};
use crate::run::{output, read, root, write};

const BEGIN: &str = "<!-- cargo xtask bench --save writes below this line -->\n";
const FENCE: &str = "```json\n";

fn file() -> PathBuf {
    root().join("docs/performance.md")
}

/// Figures of the last run, by name; none when there was no run.
pub fn last() -> anyhow::Result<BTreeMap<String, f64>> {
    let Ok(text) = read(&file()) else { return Ok(BTreeMap::new()) };
    let Some((_, block)) = text.split_once(FENCE) else { return Ok(BTreeMap::new()) };
    let json = block.split("```").next().expect("split yields at least one part");
    let run: Value = serde_json::from_str(json).context("the last run in docs/performance.md")?;
    let figures = run["figures"].as_object().cloned().unwrap_or_default();
    Ok(figures
        .into_iter()
        .filter_map(|(name, value)| Some((name, value["value"].as_f64()?)))
        .collect())
}

/// A run as JSON.
pub fn run(figures: &[Figure]) -> Value {
    let all: Map<String, Value> = figures
        .iter()
        .map(|figure| {
            let value = (figure.value * 1000.0).round() / 1000.0;
            let entry = json!({ "value": value, "unit": figure.unit, "kept": figure.kept() });
            (figure.name.clone(), entry)
        })
        .collect();
    json!({
        "commit": output("git", ["rev-parse", "--short", "HEAD"]).unwrap_or_default(),
        "date": output("date", ["-u", "+%Y-%m-%d"]).unwrap_or_default(),
        "cores": std::thread::available_parallelism().map_or(0, |cores| cores.get()),
        "figures": all,
    })
}

/// Keeps a run: table and JSON replace those of the run before. Figures not measured this time
/// are kept in the JSON, so that a partial run loses nothing.
pub fn save(figures: &[Figure]) -> anyhow::Result<()> {
    let text = read(&file()).unwrap_or_default();
    let head = text.split(BEGIN).next().expect("split yields at least one part");
    let mut run = run(figures);
    if let Some((_, block)) = text.split_once(FENCE) {
        let json = block.split("```").next().expect("split yields at least one part");
        let before: Value = serde_json::from_str(json).context("the last run")?;
        for (name, entry) in before["figures"].as_object().into_iter().flatten() {
            if run["figures"].get(name).is_none() {
                run["figures"][name] = entry.clone();
            }
        }
    }
    let table = table(figures, &last()?);
    write(&file(), format!("{head}{BEGIN}\n{table}\n{FENCE}{run:#}\n```\n"))
}
