//! A figure: what was measured, and the budget it is held against.

use std::collections::BTreeMap;
use std::fmt::Write;

/// On which side of the budget is well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// At most this much.
    AtMost(f64),
    /// At least this much.
    AtLeast(f64),
    /// Shown, not judged.
    None,
}

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is; the same from run to run.
    pub name: String,
    /// The number itself.
    pub value: f64,
    /// `ms`, `KB` (1,000 bytes), `msg/s`, …
    pub unit: &'static str,
    /// Design, section 9.
    pub budget: Budget,
}

impl Figure {
    /// A number with its budget.
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str, budget: Budget) -> Figure {
        Figure { name: name.into(), value, unit, budget }
    }

    /// Whether it keeps its budget; `None` without one.
    pub fn kept(&self) -> Option<bool> {
        match self.budget {
            Budget::AtMost(most) => Some(self.value <= most),
            Budget::AtLeast(least) => Some(self.value >= least),
            Budget::None => None,
        }
    }

    fn budget_text(&self) -> String {
        match self.budget {
            Budget::AtMost(most) => format!("≤ {}", number(most)),
            Budget::AtLeast(least) => format!("≥ {}", number(least)),
            Budget::None => "–".into(),
        }
    }
}

/// A table in Markdown: it reads well in a terminal and is pasted as it is into the documents.
pub fn table(figures: &[Figure], before: &BTreeMap<String, f64>) -> String {
    let mut table =
        String::from("| what | measured | budget | kept | last run |\n|---|---|---|---|---|\n");
    for figure in figures {
        let kept = match figure.kept() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        let last = match before.get(&figure.name) {
            Some(last) if *last != 0.0 => {
                let change = (figure.value / last - 1.0) * 100.0;
                format!("{} ({change:+.0} %)", number(*last))
            }
            Some(last) => number(*last),
            None => "–".into(),
        };
        let (name, value, unit, budget) =
            (&figure.name, number(figure.value), figure.unit, figure.budget_text());
        writeln!(table, "| {name} | {value} {unit} | {budget} | {kept} | {last} |")
            .expect("writing to a string");
    }
    table
}

/// Three significant digits, thousands apart.
fn number(value: f64) -> String {
    if value.abs() >= 1000.0 {
        let digits = format!("{:.0}", value.abs());
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at) % 3 == 0 {
                text.push(',');
            }
            text.push(digit);
        }
        return if value < 0.0 { format!("-{text}") } else { text };
    }
    let decimals = match value.abs() {
        small if small < 10.0 => 2,
        middle if middle < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').into(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        let written = [0.0, 0.5, 12.34, 180.0, 999.6, 1234.0, 197_000.0].map(number);
        assert_eq!(written, ["0", "0.5", "12.3", "180", "1000", "1,234", "197,000"]);
    }

    #[test]
    fn a_figure_is_held_against_its_budget_and_the_last_run() {
        let figures = [
            Figure::new("a", 50.0, "KB", Budget::AtMost(40.0)),
            Figure::new("b", 50.0, "msg/s", Budget::AtLeast(40.0)),
        ];
        let table = table(&figures, &[("a".to_string(), 40.0)].into());
        assert!(table.contains("| a | 50 KB | ≤ 40 | **no** | 40 (+25 %) |"), "{table}");
        assert!(table.contains("| b | 50 msg/s | ≥ 40 | yes | – |"), "{table}");
    }
}
