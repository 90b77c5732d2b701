//! A stamp says from what a step's outputs were made, so that an unchanged step is not run again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::run::write;

/// What a step is made from: files by content, and words such as versions.
#[derive(Default)]
pub struct Stamp {
    hasher: DefaultHasher,
}

impl Stamp {
    /// Adds text: a version, an argument.
    pub fn word(mut self, word: &str) -> Stamp {
        word.hash(&mut self.hasher);
        self
    }

    /// Adds files by name and content. Fails when one cannot be read.
    pub fn files(mut self, files: &[PathBuf]) -> anyhow::Result<Stamp> {
        for file in files {
            file.hash(&mut self.hasher);
            let content =
                std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            content.hash(&mut self.hasher);
        }
        Ok(self)
    }

    /// Runs `step` unless its outputs are there and were made from the same. Says in `file` from
    /// what only after the step went well.
    pub fn step(
        self,
        file: &Path,
        outputs: &[PathBuf],
        step: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let now = format!("{:016x}\n", self.hasher.finish());
        let before = std::fs::read_to_string(file).unwrap_or_default();
        if before == now && outputs.iter().all(|output| output.exists()) {
            return Ok(());
        }
        step()?;
        write(file, now)
    }
}

/// Sixteen hexadecimal digits that stand for a content.
pub fn digest(content: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_runs_again_only_when_what_it_is_made_from_changed() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        let (input, output, stamp) =
            (folder.join("input"), folder.join("output"), folder.join("stamp"));
        let mut runs = 0;
        let mut step = |content: &str| {
            write(&input, content).unwrap();
            let made_from = Stamp::default().files(std::slice::from_ref(&input)).unwrap();
            let outputs = [output.clone()];
            made_from
                .step(&stamp, &outputs, || {
                    runs += 1;
                    write(&output, content)
                })
                .unwrap();
            runs
        };
        assert_eq!(step("a"), 1);
        assert_eq!(step("a"), 1);
        assert_eq!(step("b"), 2);
        std::fs::remove_file(&output).unwrap();
        assert_eq!(step("b"), 3);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
