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
    last_in(&read(&file()).unwrap_or_default())
}

fn last_in(text: &str) -> anyhow::Result<BTreeMap<String, f64>> {
    let figures = json_in(text)?["figures"].as_object().cloned().unwrap_or_default();
    Ok(figures
        .into_iter()
        .filter_map(|(name, value)| Some((name, value["value"].as_f64()?)))
        .collect())
}

/// The block of a document, `null` when it has none.
fn json_in(text: &str) -> anyhow::Result<Value> {
    let Some((_, block)) = text.split_once(FENCE) else { return Ok(Value::Null) };
    let json = block.split("```").next().expect("split yields at least one part");
    serde_json::from_str(json).context("the last run in docs/performance.md")
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

/// Keeps a run: table and JSON replace those of the run before. Figures that were not measured this
/// time stay as they were, in both, so that a partial run loses nothing.
pub fn save(figures: &[Figure]) -> anyhow::Result<()> {
    let text = read(&file()).unwrap_or_default();
    write(&file(), kept(&text, figures, run(figures))?)
}

/// The document with this run in it.
fn kept(text: &str, figures: &[Figure], mut run: Value) -> anyhow::Result<String> {
    let (head, former) = text.split_once(BEGIN).unwrap_or((text, ""));
    let former_rows = former.lines().filter(|line| line.starts_with("| ")).skip(1);
    let fresh = table(figures, &last_in(text)?);
    let name = |row: &str| row.split(" | ").next().unwrap_or_default().to_string();
    let (mut rows, mut added): (Vec<_>, Vec<_>) = (Vec::new(), fresh.lines().skip(2).collect());
    for row in former_rows {
        match added.iter().position(|fresh| name(fresh) == name(row)) {
            Some(index) => rows.push(added.remove(index)),
            None => rows.push(row),
        }
    }
    rows.append(&mut added);
    for (name, entry) in json_in(text)?["figures"].as_object().into_iter().flatten() {
        if run["figures"].get(name).is_none() {
            run["figures"][name] = entry.clone();
        }
    }
    let top: Vec<_> = fresh.lines().take(2).collect();
    let (top, rows) = (top.join("\n"), rows.join("\n"));
    Ok(format!("{head}{BEGIN}\n{top}\n{rows}\n\n{FENCE}{run:#}\n```\n"))
}

#[cfg(test)]
mod tests {
    use super::super::figure::Budget;
    use super::*;

    #[test]
    fn a_run_of_some_figures_keeps_the_rows_of_the_others() {
        let figure = |name, value| Figure::new(name, value, "ms", Budget::AtMost(5.0));
        let save = |text: &str, figures: &[Figure]| kept(text, figures, run(figures)).unwrap();
        let first = save("words\n", &[figure("a", 1.0), figure("b", 2.0)]);
        let second = save(&first, &[figure("b", 3.0), figure("c", 9.0)]);
        let rows: Vec<_> = second.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
        assert_eq!(
            rows,
            [
                "| a | 1 ms | ≤ 5 | yes | – |",
                "| b | 3 ms | ≤ 5 | yes | 2 (+50 %) |",
                "| c | 9 ms | ≤ 5 | **no** | – |"
            ]
        );
        assert_eq!(last_in(&second).unwrap().len(), 3);
        assert!(second.starts_with("words\n"));
    }
}
