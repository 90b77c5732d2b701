//! A suite is one program whose outcome is counted and told in one line.

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
}

impl Outcome {
    /// Both together.
    pub fn and(self, other: Outcome) -> Outcome {
        Outcome { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

/// A check without tests of its own: it passes or fails as one.
pub fn check(name: &str, mut command: Command) -> anyhow::Result<Outcome> {
    let status = command.status().with_context(|| format!("{name} cannot be started"))?;
    let passed = u32::from(status.success());
    Ok(summary(name, Outcome { passed, failed: 1 - passed }))
}

/// Runs a program that prints the result lines of Rust's test harness, and adds them up.
pub fn tests(name: &str, mut command: Command) -> anyhow::Result<Outcome> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{name} cannot be started"))?;
    let output = BufReader::new(child.stdout.take().expect("standard output is piped"));
    let mut outcome = Outcome::default();
    for line in output.lines() {
        let line = line?;
        println!("{line}");
        if let Some(counted) = result_line(&line) {
            outcome = outcome.and(counted);
        }
    }
    // A crash, or a program that did not build, prints no result line.
    if !child.wait()?.success() && outcome.failed == 0 {
        outcome.failed = 1;
    }
    Ok(summary(name, outcome))
}

fn summary(name: &str, outcome: Outcome) -> Outcome {
    println!("{name}: {} passed, {} failed", outcome.passed, outcome.failed);
    outcome
}

/// `test result: ok. 5 passed; 0 failed; …`
fn result_line(line: &str) -> Option<Outcome> {
    let counts = line.trim().strip_prefix("test result: ")?;
    let count = |word: &str| {
        let before = counts.split(';').find_map(|part| part.trim().strip_suffix(word))?;
        before.rsplit(' ').find(|part| !part.is_empty())?.parse().ok()
    };
    Some(Outcome { passed: count("passed")?, failed: count("failed")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_line_of_the_test_harness_is_counted() {
        let line = "test result: FAILED. 9 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(result_line(line), Some(Outcome { passed: 9, failed: 1 }));
        assert_eq!(result_line("running 5 tests"), None);
    }
}
