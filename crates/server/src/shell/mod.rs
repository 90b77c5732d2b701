//! Commands of the operator's shell: what can be done with an installation beside serving.
//!
//! Users, groups, tokens and apps are changed by the running server, through its control socket;
//! backup, restore and the doctor work with the data folder.
#![allow(clippy::print_stdout)] // They are for people.
#![allow(missing_docs)] // Names of arguments speak for themselves; what is here is the help text.

mod backup;
mod check;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::control::SOCKET;

pub use self::check::free_mib;

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look whether the server can run here: ports, certificate, clock, disk, limits
    Check,
    /// Copy everything into a new folder, while the server runs
    Backup {
        /// Folder to make; must not be there
        folder: PathBuf,
    },
    /// Put a backup into an empty data folder
    Restore {
        /// A folder that `backup` has made
        folder: PathBuf,
    },
    /// Make, list and change apps
    #[command(subcommand)]
    App(App),
    /// Make, list and change users of an app
    #[command(subcommand)]
    User(User),
    /// Issue and withdraw tokens of users
    #[command(subcommand)]
    Token(Token),
    /// Make, list and change groups of an app
    #[command(subcommand)]
    Group(Group),
    /// Do any operation of the backend API: `op groupset gid=1000 name=Crew`
    Op {
        /// Its name
        op: String,
        /// Its parameters in the flat form, name=value
        parameters: Vec<String>,
        #[command(flatten)]
        of: Of,
    },
}

/// Which app.
#[derive(Debug, clap::Args)]
pub struct Of {
    /// Name of the app; not needed when there is only one
    #[arg(long)]
    app: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum App {
    /// Make one; prints its token, once
    Add { name: String },
    /// List all
    List,
    /// Give it another token; the former one is worth nothing at once
    Token { name: String },
}

#[derive(Debug, Subcommand)]
pub enum User {
    /// Make one, or change its name
    Add {
        address: String,
        /// Name that others see
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// List those whose address is as the pattern; * stands for any run
    List {
        #[arg(default_value = "*")]
        pattern: String,
        #[command(flatten)]
        of: Of,
    },
    /// Let one sign in again
    Allow {
        address: String,
        #[command(flatten)]
        of: Of,
    },
    /// Sign one out and let it sign in no more
    Suspend {
        address: String,
        #[command(flatten)]
        of: Of,
    },
    /// Print everything that is kept of one, as one JSON
    Export {
        address: String,
        #[command(flatten)]
        of: Of,
    },
    /// Delete one with everything that was ever kept of it, in records of others too
    Erase {
        address: String,
        #[command(flatten)]
        of: Of,
    },
    /// Delete one, with everything that is kept for it
    Delete {
        address: String,
        #[command(flatten)]
        of: Of,
    },
}

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Issue one; prints it, once
    Issue {
        address: String,
        /// App id that the page sets (setAppName)
        #[arg(long)]
        appid: String,
        /// Minutes it is good for; 0 = for ever
        #[arg(long, default_value_t = 525_600)]
        expiry: u32,
        #[command(flatten)]
        of: Of,
    },
    /// Withdraw those of a user; who uses one is signed out
    Delete {
        address: String,
        /// Only those of this app id
        #[arg(long)]
        appid: Option<String>,
        #[command(flatten)]
        of: Of,
    },
}

#[derive(Debug, Subcommand)]
pub enum Group {
    /// Make one; prints its number
    Add {
        name: String,
        /// Addresses of members, with commas between
        #[arg(long, default_value = "")]
        members: String,
        #[command(flatten)]
        of: Of,
    },
    /// List those whose name is as the pattern; * stands for any run
    List {
        #[arg(default_value = "*")]
        pattern: String,
        #[command(flatten)]
        of: Of,
    },
    /// List its members
    Members {
        gid: u32,
        #[command(flatten)]
        of: Of,
    },
    /// Add members, with commas between their addresses
    Join {
        gid: u32,
        members: String,
        #[command(flatten)]
        of: Of,
    },
    /// Remove members, with commas between their addresses
    Leave {
        gid: u32,
        members: String,
        #[command(flatten)]
        of: Of,
    },
    /// Delete one
    Delete {
        gid: u32,
        #[command(flatten)]
        of: Of,
    },
}

/// Does it; prints what came of it.
pub fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    let data = &config.data;
    let (operation, of) = match command {
        Command::Check => return Ok(check::check(config)),
        Command::Backup { folder } => return backup::backup(data, &folder),
        Command::Restore { folder } => return backup::restore(&folder, data),
        Command::App(app) => (app_operation(data, app)?, None),
        Command::User(User::Export { address, of }) => return export(data, &address, of),
        Command::User(user) => user_operation(user),
        Command::Token(token) => token_operation(token),
        Command::Group(group) => group_operation(group),
        Command::Op { op, parameters, of } => (any_operation(op, &parameters)?, Some(of)),
    };
    let answer = match of {
        None => ask(data, &operation)?,
        Some(of) => ask(data, &with_app(data, operation, of)?)?,
    };
    println!("{answer:#}");
    Ok(if answer["result"] == true { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn app_operation(data: &Path, app: App) -> anyhow::Result<Value> {
    Ok(match app {
        App::Add { name } => json!({"op": "appadd", "name": name}),
        App::List => json!({"op": "appsget"}),
        App::Token { name } => with_app(data, json!({"op": "apptoken"}), Of { app: Some(name) })?,
    })
}

fn user_operation(user: User) -> (Value, Option<Of>) {
    match user {
        User::Add { address, name, of } => {
            (json!({"op": "useradd", "addr": address, "name": name}), Some(of))
        }
        User::List { pattern, of } => {
            (json!({"op": "usersget", "addr": pattern, "count": 1000}), Some(of))
        }
        User::Allow { address, of } => {
            (json!({"op": "userset", "addr": address, "active": true}), Some(of))
        }
        User::Suspend { address, of } => {
            (json!({"op": "userset", "addr": address, "active": false}), Some(of))
        }
        User::Erase { address, of } => (json!({"op": "usererase", "addr": address}), Some(of)),
        // Done before.
        User::Export { address, of } => (json!({"op": "userexport", "addr": address}), Some(of)),
        User::Delete { address, of } => (json!({"op": "userdel", "addr": address}), Some(of)),
    }
}

/// Prints all parts of what is kept of a user as one.
fn export(data: &Path, address: &str, of: Of) -> anyhow::Result<ExitCode> {
    let operation = json!({"op": "userexport", "addr": address});
    let mut operation = with_app(data, operation, of)?;
    let mut all = ask(data, &operation)?;
    while let Some(next) = all["next"].as_u64() {
        operation["after"] = next.into();
        let mut part = ask(data, &operation)?;
        let more = part["messages"].as_array_mut().map(std::mem::take).unwrap_or_default();
        if let Some(messages) = all["messages"].as_array_mut() {
            messages.extend(more);
        }
        all["next"] = part["next"].take();
    }
    println!("{all:#}");
    Ok(if all["result"] == true { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn token_operation(token: Token) -> (Value, Option<Of>) {
    match token {
        Token::Issue { address, appid, expiry, of } => {
            let token = json!({"appid": appid, "expiry": expiry});
            let user = json!({"address": address, "token": token});
            (json!({"op": "usertoken", "user": user}), Some(of))
        }
        Token::Delete { address, appid, of } => {
            (json!({"op": "usertoken", "addr": address, "appid": appid, "delete": 1}), Some(of))
        }
    }
}

fn group_operation(group: Group) -> (Value, Option<Of>) {
    let members = |gid: u32, members: String, remove: u8| json!({"op": "groupeditmembers", "gid": gid, "m": members, "delete": remove});
    match group {
        Group::Add { name, members, of } => {
            (json!({"op": "groupadd", "name": name, "m": members, "expiry": 0}), Some(of))
        }
        Group::List { pattern, of } => {
            (json!({"op": "groupsget", "name": pattern, "count": 1000}), Some(of))
        }
        Group::Members { gid, of } => {
            (json!({"op": "groupgetmembers", "gid": gid, "count": 1000}), Some(of))
        }
        Group::Join { gid, members: who, of } => (members(gid, who, 0), Some(of)),
        Group::Leave { gid, members: who, of } => (members(gid, who, 1), Some(of)),
        Group::Delete { gid, of } => (json!({"op": "groupdel", "gid": gid}), Some(of)),
    }
}

fn any_operation(op: String, parameters: &[String]) -> anyhow::Result<Value> {
    let mut operation = Map::from_iter([("op".to_owned(), Value::from(op))]);
    for parameter in parameters {
        let Some((name, value)) = parameter.split_once('=') else {
            bail!("{parameter:?} is not name=value");
        };
        operation.insert(name.into(), value.into());
    }
    Ok(operation.into())
}

/// The operation with the number of the app that is meant.
fn with_app(data: &Path, mut operation: Value, of: Of) -> anyhow::Result<Value> {
    let listed = ask(data, &json!({"op": "appsget"}))?;
    let apps = listed["apps"].as_array().context("the server lists no apps")?;
    let named = |app: &&Value| of.app.as_ref().is_none_or(|name| app["name"] == **name);
    let found: Vec<_> = apps.iter().filter(named).collect();
    match (&found[..], &of.app) {
        ([app], _) => operation["aid"] = app["aid"].clone(),
        (_, Some(name)) => bail!("there is no app {name:?}: `app list` shows them"),
        ([], None) => bail!("there is no app yet: `app add NAME` makes one"),
        (several, None) => bail!("there are {} apps: say which with --app NAME", several.len()),
    }
    Ok(operation)
}

/// Has the running server do an operation.
fn ask(data: &Path, operation: &Value) -> anyhow::Result<Value> {
    let path = data.join(SOCKET);
    let mut socket = UnixStream::connect(&path).with_context(|| {
        format!("no server uses the data folder {} (name another with --data)", data.display())
    })?;
    let body = operation.to_string();
    write!(
        socket,
        "POST /backend HTTP/1.1\r\nhost: control\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
    let body = body.context("the server hung up")?;
    serde_json::from_str(body).context("the server's answer cannot be read")
}
