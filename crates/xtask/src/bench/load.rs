//! Load generators in Rust: examples of the crates they load.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use super::Built;
use super::figure::{Budget, Figure};
use crate::run::command;

/// Durable one-to-one messages: how many, and how soon at a fixed rate.
pub fn messages(built: &Built) -> anyhow::Result<Vec<Figure>> {
    let seen =
        example("mesibo-server", "message_load", &["--server".as_ref(), built.server.as_os_str()])?;
    let figure = |key: &str, name: &str, unit, budget| {
        anyhow::Ok(Figure::new(name, number(&seen, key)?, unit, budget))
    };
    Ok(vec![
        figure(
            "messages_per_s",
            "durable one-to-one messages",
            "msg/s",
            Budget::AtLeast(30_000.0),
        )?,
        figure("p50_ms", "send → delivered p50 at 5,000 msg/s", "ms", Budget::AtMost(1.0))?,
        figure("p99_ms", "send → delivered p99 at 5,000 msg/s", "ms", Budget::AtMost(5.0))?,
    ])
}

/// A group of 10,000: how soon all are there, how soon a message is with them, and what a delivery costs.
pub fn fan_out(built: &Built) -> anyhow::Result<Vec<Figure>> {
    let seen =
        example("mesibo-server", "fan_out", &["--server".as_ref(), built.server.as_os_str()])?;
    let (p99, deliveries) = (number(&seen, "p99_ms")?, number(&seen, "deliveries_per_cpu_s")?);
    let name = "deliveries to a group of 10,000, per CPU second";
    let sign_ins = number(&seen, "sign_ins_per_s")?;
    Ok(vec![
        Figure::new("10,000 sign in at once", sign_ins, "sign-in/s", Budget::AtLeast(5_000.0)),
        Figure::new("group of 10,000, send → received p99", p99, "ms", Budget::AtMost(250.0)),
        Figure::new(name, deliveries, "delivery/s", Budget::AtLeast(300_000.0)),
    ])
}

/// Forwarded packets for each second of the server's CPU.
pub fn sfu(_: &Built) -> anyhow::Result<Vec<Figure>> {
    let seen = example("sfu", "media_load", &[])?;
    let packets = number(&seen, "packets_per_cpu_s")?;
    let single = number(&seen, "packets_per_cpu_s_without_bursts")?;
    let (name, unit) = ("SFU, forwarded packets per CPU second", "packet/s");
    let mut figures = vec![
        Figure::new(name, packets, unit, Budget::AtLeast(200_000.0)),
        Figure::new(format!("{name}, without bursts"), single, unit, Budget::None),
    ];
    let two = ["--subscribers", "50", "--rooms", "2", "--loops", "2"];
    let spread =
        number(&example("sfu", "media_load", &two.map(str::as_ref))?, "packets_per_cpu_s")?;
    figures.push(Figure::new(
        format!("{name}, two rooms in two loops"),
        spread,
        unit,
        Budget::None,
    ));
    // Pictures of 500 kbit/s each.
    for (room, publishers, subscribers) in
        [("500 viewers of one publisher", "1", "500"), ("20 who see all the others", "20", "0")]
    {
        let people = ["--publishers", publishers, "--subscribers", subscribers, "--rate", "54"];
        let seen = example("sfu", "media_load", &people.map(str::as_ref))?;
        let share = 100.0 * number(&seen, "cpu_share")?;
        let memory = number(&seen, "bytes_per_participant")? / 1e6;
        figures.push(Figure::new(format!("{room}, of a core"), share, "%", Budget::None));
        figures.push(Figure::new(format!("{room}, memory each"), memory, "MB", Budget::None));
    }
    Ok(figures)
}

/// Runs an example of a package, optimised.
fn example(package: &str, name: &str, arguments: &[&std::ffi::OsStr]) -> anyhow::Result<Value> {
    let mut cargo = command("cargo", ["run", "--release", "--package", package]);
    cargo.args(["--example", name, "--"]).args(arguments);
    last_line(cargo)
}

/// Runs a program to its end; its last line is a JSON object.
pub fn last_line(mut program: Command) -> anyhow::Result<Value> {
    let output = program.stdout(Stdio::piped()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("it ended with {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.trim().lines().last().context("it printed nothing")?;
    serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))
}

/// A number out of what a program printed.
pub fn number(seen: &Value, key: &str) -> anyhow::Result<f64> {
    seen[key].as_f64().with_context(|| format!("no number `{key}` in {seen}"))
}
