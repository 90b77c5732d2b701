//! A suite is one or several programs whose outcomes are counted and told in one line.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::Context;

/// What came of one or several suites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed, and programs that did.
    pub failed: u32,
    /// Tests that say of themselves that they did not run.
    pub skipped: u32,
}

impl Outcome {
    /// One thing that failed as a whole.
    pub const FAILED: Outcome = Outcome { passed: 0, failed: 1, skipped: 0 };

    /// Both together.
    pub fn and(self, other: Outcome) -> Outcome {
        Outcome {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        match self.skipped {
            0 => Ok(()),
            skipped => write!(f, ", {skipped} skipped"),
        }
    }
}

/// A check without tests of its own: it passes or fails as one.
pub fn check(mut command: Command) -> anyhow::Result<Outcome> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("{program} cannot be started"))?;
    let passed = u32::from(status.success());
    Ok(Outcome { passed, failed: 1 - passed, skipped: 0 })
}

/// Runs a program that prints the result lines of Rust's or Node's test runner, and adds them up.
///
/// A program that ends well without having run a test counts as failed: nothing was proved.
pub fn tests(mut command: Command) -> anyhow::Result<Outcome> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} cannot be started"))?;
    let output = BufReader::new(child.stdout.take().expect("standard output is piped"));
    let mut outcome = Outcome::default();
    for line in output.lines() {
        let line = line?;
        println!("{line}");
        if let Some(counted) = rust_result(&line).or_else(|| node_result(&line)) {
            outcome = outcome.and(counted);
        }
    }
    let status = child.wait()?;
    if !status.success() && outcome.failed == 0 {
        eprintln!("xtask: {program} ended with {status} without saying which test failed");
        outcome = outcome.and(Outcome::FAILED);
    }
    if outcome.passed + outcome.failed == 0 {
        eprintln!("xtask: no test ran");
        outcome = outcome.and(Outcome::FAILED);
    }
    Ok(outcome)
}

/// `test result: ok. 5 passed; 0 failed; 1 ignored; …`
fn rust_result(line: &str) -> Option<Outcome> {
    let counts = line.trim().strip_prefix("test result: ")?;
    let count = |word: &str| {
        let before = counts.split(';').find_map(|part| part.trim().strip_suffix(word))?;
        before.rsplit(' ').find(|part| !part.is_empty())?.parse().ok()
    };
    Some(Outcome {
        passed: count("passed")?,
        failed: count("failed")?,
        skipped: count("ignored").unwrap_or_default(),
    })
}

/// `ℹ pass 5`, one line for each count, at the end of Node's report.
fn node_result(line: &str) -> Option<Outcome> {
    let (word, number) = line.strip_prefix("ℹ ")?.split_once(' ')?;
    let number = number.parse().ok()?;
    let none = Outcome::default();
    match word {
        "pass" => Some(Outcome { passed: number, ..none }),
        "fail" | "cancelled" => Some(Outcome { failed: number, ..none }),
        "skipped" | "todo" => Some(Outcome { skipped: number, ..none }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_line_of_rusts_test_harness_is_counted() {
        let line = "test result: FAILED. 9 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out";
        assert_eq!(rust_result(line), Some(Outcome { passed: 9, failed: 1, skipped: 2 }));
        assert_eq!(rust_result("running 5 tests"), None);
    }

    #[test]
    fn the_report_of_nodes_test_runner_is_counted() {
        let report = "ℹ tests 4\nℹ suites 0\nℹ pass 2\nℹ fail 1\nℹ cancelled 1\nℹ skipped 0\n\
                      ℹ todo 0\nℹ duration_ms 12.5";
        let outcome = report.lines().filter_map(node_result).fold(Outcome::default(), Outcome::and);
        assert_eq!(outcome, Outcome { passed: 2, failed: 2, skipped: 0 });
    }

    #[test]
    fn a_program_that_runs_no_test_has_failed() {
        let nothing = crate::run::command("true", [""; 0]);
        assert_eq!(super::tests(nothing).unwrap(), Outcome::FAILED);
    }
}
