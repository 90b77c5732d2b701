//! `mesibo-server`: reads the configuration, serves until it is told to stop.
#![allow(clippy::print_stdout)] // The one line that says it is ready.

use clap::Parser;
use mesibo_server::Server;
use mesibo_server::config::{self, Flags};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Flags::parse().config()?;
    let log = tracing_subscriber::fmt().with_env_filter(config.filter()?);
    log.with_writer(std::io::stderr).init();
    for name in config::unknown_variables() {
        tracing::warn!(name, "this environment variable is no setting");
    }

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = Server::start(config).await?;
    println!(r#"{{"ready":true,"url":"{}","media":"{}"}}"#, server.url, server.media);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    server.stop().await;
    Ok(())
}
