//! `mesibo-server`: reads the configuration, serves until it is told to stop.
#![allow(clippy::print_stdout)] // The one line that says it is ready.

use clap::Parser;
use mesibo_server::Server;
use mesibo_server::config::Config;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // str0m warns of every offer with a codec that we do not take.
    let filter = EnvFilter::try_from_env("MESIBO_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,str0m=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = Server::start(Config::parse()).await?;
    println!(r#"{{"ready":true,"url":"http://{}","media":"{}"}}"#, server.address, server.media);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    server.stop().await;
    Ok(())
}
