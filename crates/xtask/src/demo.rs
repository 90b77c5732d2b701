//! `cargo xtask demo`: everything built, the server running, links to click.
//!
//! Relies on the data folder to remember app, tokens and room between runs: a link that worked
//! yesterday works today. Promises that the server is stopped when we are.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::arguments::Arguments;
use crate::backend::Backend;
use crate::process::terminate;
use crate::run::{read, root, target, write};
use crate::server::{self, Profile, Server};
use crate::{sdk, site};

const APP: &str = "demo";
const ROOM: &str = "Demo room";
/// Address and name.
const USERS: [(&str, &str); 3] = [("ada", "Ada"), ("bob", "Bob"), ("carol", "Carol")];

/// Builds, starts, prints, and stays until it is told to stop.
pub fn demo(mut arguments: Arguments) -> anyhow::Result<bool> {
    let port = arguments.number("--port")?.unwrap_or(8080);
    let data = match arguments.option("--data")? {
        Some(folder) => root().join(folder),
        None => target().join("demo"),
    };
    let as_json = arguments.flag("--json");
    let profile = if arguments.flag("--debug") { Profile::Dev } else { Profile::Release };
    arguments.end()?;

    let site = site::build(&sdk::build()?)?;
    site::print_sizes(&site)?;
    let program = server::build(profile)?;

    // From here on a signal means: stop the server, then us.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let mut server = Server::start(&program, port, &data, &site)?;
    let id = server.id();
    let links = signals.handle();
    std::thread::spawn(move || signals.forever().for_each(|_| terminate(id)));

    let world = Demo::open(&data, &server)?.settle()?;
    if as_json {
        println!("{world}");
    } else {
        print_links(&world);
    }
    let status = server.wait()?;
    links.close();
    // Ended by itself is a failure, ended by a signal is what was asked for.
    Ok(status.success())
}

/// The demo's people and room in one server, and the file that remembers them.
struct Demo<'a> {
    file: PathBuf,
    known: Value,
    backend: Backend,
    server: &'a Server,
}

impl<'a> Demo<'a> {
    fn open(data: &Path, server: &'a Server) -> anyhow::Result<Demo<'a>> {
        let file = data.join("demo.json");
        let known = match file.exists() {
            true => serde_json::from_str(&read(&file)?)
                .with_context(|| format!("{} is damaged: delete the folder", file.display()))?,
            false => Value::Null,
        };
        Ok(Demo { file, known, backend: Backend::new(&server.url)?, server })
    }

    /// Makes what is missing; what is there keeps its tokens.
    fn settle(self) -> anyhow::Result<Value> {
        let app_token = self.app_token()?;
        let users: Vec<Value> = USERS
            .iter()
            .map(|(address, name)| self.user(&app_token, address, name))
            .collect::<anyhow::Result<_>>()?;
        let gid = self.room(&app_token)?;
        let mut world = json!({
            "url": self.server.url,
            "app": APP,
            "app_token": app_token,
            "users": users,
            "group": { "gid": gid, "name": ROOM },
        });
        write(&self.file, format!("{world:#}\n"))?;
        // For us: tells whether a user is still the one the token was made for.
        for user in world["users"].as_array_mut().expect("just made") {
            user.as_object_mut().expect("just made").remove("uid");
        }
        Ok(world)
    }

    /// The remembered token of the app, if the server still knows it.
    fn app_token(&self) -> anyhow::Result<String> {
        if let Some(token) = self.known["app_token"].as_str() {
            let answer = self.backend.try_call(&json!({ "op": "appget", "token": token }))?;
            if answer["error"] != "AUTHFAIL" {
                return Ok(token.into());
            }
        }
        let operation = json!({ "op": "appadd", "key": self.server.admin_key, "name": APP });
        let answer = self.backend.call(&operation)?;
        Ok(answer["token"].as_str().context("appadd gave no token")?.into())
    }

    /// A user with a token that works: the remembered one when the user is still the same.
    fn user(&self, app_token: &str, address: &str, name: &str) -> anyhow::Result<Value> {
        let user = json!({ "address": address, "name": name });
        let operation = json!({ "op": "useradd", "token": app_token, "user": user });
        let uid = self.backend.call(&operation)?["user"]["uid"].clone();
        let users = self.known["users"].as_array();
        let known = users.into_iter().flatten().find(|user| user["address"] == address);
        if let Some(known) = known
            && known["uid"] == uid
            && self.known["app_token"] == app_token
        {
            return Ok(json!({
                "address": address, "name": name, "token": known["token"], "uid": uid
            }));
        }
        // Never expires: a demo's link is kept in a drawer.
        let token = json!({ "appid": APP, "expiry": 0 });
        let user = json!({ "uid": uid, "token": token });
        let operation = json!({ "op": "usertoken", "token": app_token, "user": user });
        let answer = self.backend.call(&operation)?;
        let token = answer["user"]["token"].as_str().context("usertoken gave no token")?;
        Ok(json!({ "address": address, "name": name, "token": token, "uid": uid }))
    }

    /// The room, all three in it with every right.
    fn room(&self, app_token: &str) -> anyhow::Result<Value> {
        let addresses = USERS.map(|(address, _)| address).join(",");
        let permissions =
            json!({ "send": true, "recv": true, "pub": true, "sub": true, "list": true });
        let members = json!({ "m": addresses, "permissions": permissions });
        let edit = |gid: &Value| {
            let group = json!({ "gid": gid, "members": members });
            json!({ "op": "groupeditmembers", "token": app_token, "group": group })
        };
        let known = &self.known["group"]["gid"];
        if known.is_number() && self.backend.try_call(&edit(known))?["result"] == true {
            return Ok(known.clone());
        }
        let group = json!({ "name": ROOM, "expiry": 0 });
        let operation = json!({ "op": "groupadd", "token": app_token, "group": group });
        let gid = self.backend.call(&operation)?["group"]["gid"].clone();
        self.backend.call(&edit(&gid))?;
        Ok(gid)
    }
}

/// For people.
fn print_links(world: &Value) {
    let url = world["url"].as_str().expect("we put it there");
    let mut shown = world.clone();
    // Opens the whole app: a browser must never see it.
    shown.as_object_mut().expect("we made it").remove("app_token");
    println!("\nReady. All in one page:\n\n  {url}/#demo={}\n", encode(&shown.to_string()));
    println!("Or each in a window or browser of their own, and the room:\n");
    for user in world["users"].as_array().expect("we put it there") {
        let name = user["name"].as_str().expect("we put it there");
        println!("  {name:8} {url}/messenger/#{}", fragment(world, user));
        println!("  {:8} {url}/conference/#{}", "", fragment(world, user));
    }
    println!("\nCtrl-C stops the server.");
}

/// What a demo page reads behind the `#`: who it is and whom it talks to.
fn fragment(world: &Value, user: &Value) -> String {
    let text = |value: &Value| value.as_str().map(percent).unwrap_or_else(|| value.to_string());
    let others = world["users"].as_array().expect("we put it there").iter();
    let peers: Vec<_> = others
        .filter(|other| other["address"] != user["address"])
        .map(|other| format!("{}:{}", text(&other["address"]), text(&other["name"])))
        .collect();
    let group = &world["group"];
    format!(
        "app={}&token={}&name={}&peers={}&group={}:{}",
        text(&world["app"]),
        text(&user["token"]),
        text(&user["name"]),
        peers.join(","),
        group["gid"],
        text(&group["name"])
    )
}

/// For a fragment: everything but letters, digits and `-_.~` as `%XX`.
fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let one = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// Base64 for URLs, without padding (RFC 4648, section 5).
fn encode(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |bits: u32| char::from(ALPHABET[(bits & 63) as usize]);
    let mut encoded = String::new();
    for three in text.as_bytes().chunks(3) {
        let byte = |at: usize| u32::from(*three.get(at).unwrap_or(&0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let digits = [digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), digit(bits)];
        encoded.extend(&digits[..=three.len()]);
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_for_urls() {
        assert_eq!(encode(""), "");
        assert_eq!(encode("M"), "TQ");
        assert_eq!(encode("Ma"), "TWE");
        assert_eq!(encode("Man?~"), "TWFuP34");
        assert_eq!(percent("Demo room"), "Demo%20room");
    }
}
