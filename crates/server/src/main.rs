//! `mesibo-server`: reads the configuration, serves until it is told to stop, or does what the shell
//! asks for.
#![allow(clippy::print_stdout, clippy::print_stderr)] // The one line that says it is ready, or why it is not.

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser};
use mesibo_server::Server;
use mesibo_server::config::{self, Config, Flags};
use mesibo_server::open_files;
use mesibo_server::shell::{self, Command};
use tokio::signal::unix::{SignalKind, signal};

const EXAMPLES: &str = "\
Examples:
  mesibo-server --data /var/lib/mesibo --listen 0.0.0.0:443 --tls-dir /etc/mesibo/tls
  mesibo-server check --data /var/lib/mesibo      can it run here?
  mesibo-server app add shop                      with the server running on ./data: make an app
  mesibo-server user add ada --name Ada           and a user of it
  mesibo-server token issue ada --appid web       the token for Ada's page
  mesibo-server group add Crew --members ada,bob
  mesibo-server backup /backup/today              while it runs
  mesibo-server --data /srv/new restore /backup/today

Every setting is described in docs/operating.md, every operation in docs/backend.md.";

/// Messages, groups, calls and conferences for the web, in one program.
///
/// Without a command it serves. Everything it keeps is in the data folder. Pages load the SDK from
/// it, backends call /backend. A flag overrides its environment variable, that one the file, that one
/// the default.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Program {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        // For people: one line, whatever RUST_BACKTRACE says.
        eprintln!("mesibo-server: {}", on_one_line(&error));
        ExitCode::FAILURE
    })
}

fn run() -> anyhow::Result<ExitCode> {
    // Settings may stand behind a command, too.
    let program = Program::command().mut_args(|flag| match flag.is_positional() {
        true => flag,
        false => flag.global(true),
    });
    let Program { flags, command } = Program::from_arg_matches(&program.get_matches())?;
    let config = flags.config()?;
    match command {
        Some(command) => shell::run(command, &config),
        None => serve(config).context("cannot start"),
    }
}

/// What has happened, and because of what; a cause that says the same again is left out.
fn on_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(|cause| cause.to_string()) {
        let cause = cause.split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.ends_with(&cause) {
            let between = if line.is_empty() { "" } else { ": " };
            line = format!("{line}{between}{cause}");
        }
    }
    line
}

#[tokio::main]
async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let log = tracing_subscriber::fmt().with_env_filter(config.filter()?);
    log.with_writer(std::io::stderr).init();
    for name in config::unknown_variables() {
        tracing::warn!(name, "this environment variable is no setting");
    }

    open_files::allow_all();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = Server::start(config).await?;
    let relay = server.relay.map(|relay| format!(r#","relay":"{relay}""#)).unwrap_or_default();
    let metrics = server.metrics.map(|metrics| format!(r#","metrics":"{metrics}""#));
    let metrics = metrics.unwrap_or_default();
    println!(
        r#"{{"ready":true,"url":"{}","media":"{}"{relay}{metrics}}}"#,
        server.url, server.media
    );
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}
