//! `cargo xtask bench`: the budgets, measured; as a table, as JSON, beside the last run.
//!
//! Relies on the numbers of one run being comparable only to those of the same kind of machine:
//! what a run on a busy machine says is said with its load.

mod figure;
mod load;
mod page;
mod record;
mod sizes;

use anyhow::bail;

use crate::arguments::Arguments;
use crate::run::{target, write};
use crate::server::{self, Profile};
use crate::{sdk, site, tools};
use figure::Figure;

/// What every measurement may use.
pub struct Built {
    /// The site, compressed.
    pub site: std::path::PathBuf,
    /// The server, as it is delivered.
    pub server: std::path::PathBuf,
}

type Measure = fn(&Built) -> anyhow::Result<Vec<Figure>>;

const MEASURES: [(&str, Measure); 13] = [
    ("sizes", sizes::measure),
    ("start", page::start),
    ("page", page::usable),
    ("history", page::history),
    ("backlog", page::backlog),
    ("scrolling", page::scrolling),
    ("tabs", page::tabs),
    ("messages", load::messages),
    ("fan-out", load::fan_out),
    ("idle", page::idle),
    ("sfu", load::sfu),
    ("first-frame", page::first_frame),
    ("impaired", page::impaired),
];

/// Measures everything, or what was asked for.
pub fn bench(mut arguments: Arguments) -> anyhow::Result<bool> {
    let only = arguments.options("--only")?;
    let save = arguments.flag("--save");
    arguments.end()?;
    if let Some(unknown) = only.iter().find(|name| !MEASURES.iter().any(|(known, _)| known == name))
    {
        let known: Vec<_> = MEASURES.iter().map(|(name, _)| *name).collect();
        bail!("no measurement `{unknown}`; there are {}", known.join(", "));
    }
    tools::browsers()?;
    let site = site::build(&sdk::build()?)?;
    let built = Built { site, server: server::build(Profile::Release)? };
    let (mut figures, mut failed) = (Vec::new(), Vec::new());
    for (name, measure) in MEASURES {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        match measure(&built) {
            Ok(more) => figures.extend(more),
            Err(error) => {
                eprintln!("xtask: {name} could not be measured: {error:#}");
                failed.push(name);
            }
        }
    }
    let before = record::last()?;
    print!("{}", figure::table(&figures, &before));
    let run = record::run(&figures);
    write(&target().join("bench.json"), format!("{run:#}\n"))?;
    if save {
        record::save(&figures)?;
    }
    if !failed.is_empty() {
        bail!("not measured: {}", failed.join(", "));
    }
    Ok(true)
}
