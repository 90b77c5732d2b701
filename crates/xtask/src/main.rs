//! `cargo xtask …`: everything that is done to this repository, one command each.
// A command-line tool speaks on standard output.
#![allow(clippy::print_stdout)]

mod run;
mod suite;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  test    prove it: format, clippy, native tests, simulator seeds
  fmt     format everything
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let outcome = match arguments.next().as_deref() {
        Some("test") => test::test(),
        Some("fmt") => run::cargo(["fmt", "--all"]).map(|()| true),
        None | Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            Ok(true)
        }
        Some(unknown) => {
            eprintln!("no command `{unknown}`\n\n{HELP}");
            Ok(false)
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
