//! `cargo xtask …`: everything that is done to this repository, one command each.
// A command-line tool speaks on standard output.
#![allow(clippy::print_stdout)]

mod arguments;
mod backend;
mod bench;
mod demo;
mod dist;
mod format;
mod process;
mod run;
mod sdk;
mod server;
mod site;
mod stamp;
mod suite;
mod test;
mod tools;

use std::process::ExitCode;

use arguments::Arguments;

const HELP: &str = "\
cargo xtask <command>

  demo    build everything, start the server, print the links of three users and a room
            --port N       port of the pages, 8080; 0 takes a free one
            --data DIR     folder of the database, target/demo
            --debug        the server without optimisation: quicker to build
            --json         first line on standard output: url, app, tokens, group as one JSON object
  test    prove it: format, clippy, native, simulator, browsers, end to end, package
            --only NAME    only these suites; may be repeated
            --list         their names
  bench   measure the budgets, compare with docs/performance.md
            --only NAME    only these; may be repeated
            --save         write the figures into docs/performance.md
  dist    pkg/ and dist/: the npm package and the server, stripped, its pages in it
  fmt     format everything
  ci      what .ci/run runs: test
";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next();
    let arguments = Arguments::new(words);
    let outcome = match command.as_deref() {
        Some("demo") => demo::demo(arguments),
        Some("test" | "ci") => test::test(arguments),
        Some("bench") => bench::bench(arguments),
        Some("dist") => dist::dist(arguments),
        Some("fmt") => format::write(arguments),
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
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
