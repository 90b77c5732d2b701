//! What needs the running server, and mostly a browser: the programs in `tests/e2e/bench`.
//!
//! Each prints one JSON object of numbers on its last line.

use serde_json::Value;

use super::Built;
use super::figure::{Budget, Figure};
use super::load::last_line;
use crate::run::command;
use crate::tools;

/// The server from start to ready, and what it holds then.
pub fn start(built: &Built) -> anyhow::Result<Vec<Figure>> {
    let seen = node(built, "start")?;
    Ok(vec![
        figure(&seen, "ready_ms", "server start → ready", "ms", Budget::AtMost(200.0))?,
        figure(&seen, "rss_mb", "server memory at start", "MB", Budget::AtMost(25.0))?,
    ])
}

/// A page from script tag to usable to online.
pub fn usable(built: &Built) -> anyhow::Result<Vec<Figure>> {
    let seen = node(built, "page")?;
    Ok(vec![
        figure(&seen, "usable_ms", "script tag → new Mesibo() p50", "ms", Budget::AtMost(40.0))?,
        figure(&seen, "online_ms", "start() → online p50", "ms", Budget::AtMost(150.0))?,
    ])
}

/// The newest page of a long history, from IndexedDB in a profile on disk.
pub fn history(built: &Built) -> anyhow::Result<Vec<Figure>> {
    let seen = node(built, "history")?;
    let name = "50 of 100,000 messages p50";
    Ok(vec![
        figure(&seen, "read_ms", name, "ms", Budget::AtMost(30.0))?,
        figure(&seen, "stored_per_s", "messages sent offline and stored", "msg/s", Budget::None)?,
        figure(
            &seen,
            "search_rare_ms",
            "a text that one of 100,000 messages has p50",
            "ms",
            Budget::AtMost(100.0),
        )?,
        figure(
            &seen,
            "search_common_ms",
            "50 of 100,000 messages with a text p50",
            "ms",
            Budget::AtMost(100.0),
        )?,
        figure(
            &seen,
            "summary_ms",
            "summary of 1,000 conversations p50",
            "ms",
            Budget::AtMost(50.0),
        )?,
    ])
}

/// Many messages on their way into a page.
pub fn backlog(built: &Built) -> anyhow::Result<Vec<Figure>> {
    let seen = node(built, "backlog")?;
    let stream = "20,000 messages sent, received, stored, told";
    let longest = "longest turn while a backlog of 10,000 comes in";
    Ok(vec![
        figure(&seen, "stream_ms", stream, "ms", Budget::AtMost(4000.0))?,
        figure(&seen, "backlog_ms", "a backlog of 10,000 messages", "ms", Budget::None)?,
        figure(&seen, "longest_ms", longest, "ms", Budget::AtMost(16.0))?,
    ])
}

/// The messenger page, scrolled by the wheel through a long conversation and back.
pub fn scrolling(built: &Built) -> anyhow::Result<Vec<Figure>> {
    let seen = node(built, "scrolling")?;
    let name = |which: &str| format!("scrolling through 10,000 messages, frame {which}");
    Ok(vec![
        figure(&seen, "p50_ms", &name("p50"), "ms", Budget::None)?,
        figure(&seen, "p95_ms", &name("p95"), "ms", Budget::None)?,
        figure(&seen, "p99_ms", &name("p99"), "ms", Budget::AtMost(33.4))?,
        figure(&seen, "longest_ms", &name("longest"), "ms", Budget::None)?,
    ])
}

/// From the end of the tab that leads to what the next one says to the server.
pub fn tabs(built: &Built) -> anyhow::Result<Vec<Figure>> {
    let seen = node(built, "tabs")?;
    let within = Budget::AtMost(1000.0);
    Ok(vec![
        figure(&seen, "closed_ms", "leading tab closed → first frame p50", "ms", within)?,
        figure(&seen, "closed_longest_ms", "the same, longest of ten", "ms", within)?,
        figure(&seen, "killed_ms", "leading tab killed → first frame p50", "ms", within)?,
        figure(&seen, "killed_longest_ms", "the same when killed, longest of ten", "ms", within)?,
    ])
}

/// Sessions that only listen.
pub fn idle(built: &Built) -> anyhow::Result<Vec<Figure>> {
    let seen = node(built, "idle")?;
    Ok(vec![
        figure(
            &seen,
            "kb_each",
            "idle session, server memory each at 10,000",
            "KB",
            Budget::AtMost(6.144),
        )?,
        figure(&seen, "cpu_percent", "10,000 idle sessions, of a core", "%", Budget::AtMost(2.0))?,
    ])
}

/// From asking for a stream to seeing it.
pub fn first_frame(built: &Built) -> anyhow::Result<Vec<Figure>> {
    let seen = node(built, "first-frame")?;
    Ok(vec![
        figure(&seen, "p50_ms", "subscribe → first frame p50", "ms", Budget::AtMost(500.0))?,
        figure(&seen, "p95_ms", "subscribe → first frame p95", "ms", Budget::AtMost(900.0))?,
    ])
}

/// Two people in a room over networks that lose, are far, are narrow, go dark, change their address.
pub fn impaired(built: &Built) -> anyhow::Result<Vec<Figure>> {
    let seen = node(built, "impaired")?;
    let mut figures = Vec::new();
    for (key, network) in [
        ("good", "a good network"),
        ("loss", "5 % loss each way"),
        ("far", "200 ms there and back, 20 ms jitter"),
        ("narrow", "300 kbit/s each way"),
    ] {
        for (what, name, unit) in [
            ("frozen_percent", "picture frozen", "%"),
            ("fps", "pictures", "/s"),
            ("concealed_percent", "sound made up", "%"),
        ] {
            let name = format!("{network}: {name}");
            figures.push(figure(&seen, &format!("{key}_{what}"), &name, unit, Budget::None)?);
        }
    }
    let dark = "10 s of darkness over → pictures again";
    figures.push(figure(&seen, "dark_ms", dark, "ms", Budget::None)?);
    figures.push(figure(
        &seen,
        "moved_ms",
        "address changed → pictures again",
        "ms",
        Budget::None,
    )?);
    Ok(figures)
}

fn node(built: &Built, name: &str) -> anyhow::Result<Value> {
    let mut node = command("node", [format!("tests/e2e/bench/{name}.js")]);
    node.env("E2E_SERVER", &built.server)
        .env("E2E_SITE", &built.site)
        // Ten thousand users are made at once.
        .env("MESIBO_ADMIN_RATE", "0")
        .env("E2E_GECKODRIVER", tools::geckodriver()?);
    last_line(node)
}

fn figure(
    seen: &Value,
    key: &str,
    name: &str,
    unit: &'static str,
    budget: Budget,
) -> anyhow::Result<Figure> {
    Ok(Figure::new(name, super::load::number(seen, key)?, unit, budget))
}
