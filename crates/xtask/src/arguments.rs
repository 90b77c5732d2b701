//! The words behind a command: flags, and options with one value.

use anyhow::{Context, bail};

/// What is left of the command line.
pub struct Arguments {
    words: Vec<String>,
}

impl Arguments {
    /// The words after the command's name.
    pub fn new(words: impl Iterator<Item = String>) -> Arguments {
        // `--port=1` is the same as `--port 1`.
        let words = words.flat_map(|word| match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => vec![name.into(), value.into()],
            _ => vec![word],
        });
        Arguments { words: words.collect() }
    }

    /// Takes a flag out; `true` when it was there.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() < before
    }

    /// Takes an option and its value out; fails when the value is missing.
    pub fn option(&mut self, name: &str) -> anyhow::Result<Option<String>> {
        let Some(at) = self.words.iter().position(|word| word == name) else { return Ok(None) };
        self.words.remove(at);
        if at >= self.words.len() {
            bail!("`{name}` needs a value");
        }
        Ok(Some(self.words.remove(at)))
    }

    /// Takes every occurrence of an option out.
    pub fn options(&mut self, name: &str) -> anyhow::Result<Vec<String>> {
        let mut values = Vec::new();
        while let Some(value) = self.option(name)? {
            values.push(value);
        }
        Ok(values)
    }

    /// A number in place of text; fails when it is none.
    pub fn number(&mut self, name: &str) -> anyhow::Result<Option<u16>> {
        let value = self.option(name)?;
        let parse = |text: String| {
            text.parse().with_context(|| format!("`{name} {text}` is not a number up to 65535"))
        };
        value.map(parse).transpose()
    }

    /// Fails when a word was not understood.
    pub fn end(self) -> anyhow::Result<()> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => bail!("`{word}` is not understood here; `cargo xtask help` lists all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Arguments {
        Arguments::new(line.split_whitespace().map(String::from))
    }

    #[test]
    fn flags_and_options_are_taken_out_in_any_order() {
        let mut all = arguments("--only a --json --port=9 --only b");
        assert!(all.flag("--json"));
        assert!(!all.flag("--json"));
        assert_eq!(all.options("--only").unwrap(), ["a", "b"]);
        assert_eq!(all.number("--port").unwrap(), Some(9));
        all.end().unwrap();
    }

    #[test]
    fn a_word_nobody_took_is_an_error_that_names_it() {
        let error = arguments("--prot 1").end().unwrap_err();
        assert!(error.to_string().contains("--prot"));
        assert!(arguments("--port").number("--port").is_err());
        assert!(arguments("--port x").number("--port").is_err());
    }
}
