//! How the relay is set up, and what clients are told of it.

use std::net::SocketAddr;

use clap::Args;
use hub::{Relay, RelayCredential};
use serde::Deserialize;

/// What the operator says about relays.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// There is a relay.
    pub enabled: bool,
    /// Where ours listens, by UDP and TCP; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Name or address at which clients reach it, with a port when something in between changes it;
    /// `None`: the first one announced for media.
    pub host: Option<String>,
    /// Others' relays, instead of ours.
    pub urls: Vec<String>,
    /// What we share with them, coturn's `static-auth-secret`.
    pub secret: Option<String>,
    /// Or the user name and password all clients use.
    pub fixed: Option<(String, String)>,
    /// Clients use no other way.
    pub only: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            enabled: true,
            listen: SocketAddr::from(([0, 0, 0, 0], 0)),
            host: None,
            urls: Vec::new(),
            secret: None,
            fixed: None,
            only: false,
        }
    }
}

/// The flags.
#[derive(Debug, Default, Args)]
pub struct TurnFlags {
    /// Whether there is a relay (TURN) for clients whose network lets nothing else through [true]
    #[arg(long, env = "MESIBO_TURN", value_name = "BOOL")]
    turn: Option<bool>,

    /// Address and port of the relay, for UDP, TCP and TLS; port 0 takes a free one [address of media, port 0]
    #[arg(long, env = "MESIBO_TURN_LISTEN", value_name = "ADDRESS")]
    turn_listen: Option<SocketAddr>,

    /// Name or IP address at which clients reach the relay, with a port when it is another; TLS needs
    /// the name in the certificate [the first one announced for media]
    #[arg(long, env = "MESIBO_TURN_HOST", value_name = "HOST")]
    turn_host: Option<String>,

    /// URL of a relay to use instead, such as turn:relay.example.com:3478; may be repeated
    #[arg(long, env = "MESIBO_TURN_URLS", value_delimiter = ',', value_name = "URL")]
    turn_urls: Option<Vec<String>>,

    /// Secret that is shared with it (coturn: static-auth-secret)
    #[arg(long, env = "MESIBO_TURN_SECRET", hide_env_values = true)]
    turn_secret: Option<String>,

    /// Or the user name that all clients use there
    #[arg(long, env = "MESIBO_TURN_USERNAME")]
    turn_username: Option<String>,

    /// And its password
    #[arg(long, env = "MESIBO_TURN_PASSWORD", hide_env_values = true)]
    turn_password: Option<String>,

    /// Whether clients use the relay and no other way: nobody learns another's address [false]
    #[arg(long, env = "MESIBO_TURN_ONLY", value_name = "BOOL")]
    turn_only: Option<bool>,
}

/// The table of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnFile {
    enabled: Option<bool>,
    listen: Option<SocketAddr>,
    host: Option<String>,
    urls: Option<Vec<String>>,
    secret: Option<String>,
    username: Option<String>,
    password: Option<String>,
    only: Option<bool>,
}

impl TurnFlags {
    /// `media` is what media listens at.
    ///
    /// # Errors
    /// When others' relays are named without what opens them, or are no relays.
    pub fn settings(self, file: TurnFile, media: SocketAddr) -> anyhow::Result<Settings> {
        let default = Settings::default();
        let username = self.turn_username.or(file.username);
        let password = self.turn_password.or(file.password);
        let settings = Settings {
            enabled: self.turn.or(file.enabled).unwrap_or(default.enabled),
            // Where media is not heard, the relay is not either.
            listen: self.turn_listen.or(file.listen).unwrap_or((media.ip(), 0).into()),
            host: self.turn_host.or(file.host),
            urls: self.turn_urls.or(file.urls).unwrap_or_default(),
            secret: self.turn_secret.or(file.secret),
            fixed: username.zip(password),
            only: self.turn_only.or(file.only).unwrap_or(default.only),
        };
        for url in &settings.urls {
            let known = ["turn:", "turns:"].iter().any(|scheme| url.starts_with(scheme));
            anyhow::ensure!(known, "turn.urls has {url:?}, it begins with turn: or turns:");
        }
        anyhow::ensure!(
            settings.urls.is_empty() || settings.secret.is_some() || settings.fixed.is_some(),
            "turn.urls needs turn.secret, or turn.username and turn.password"
        );
        anyhow::ensure!(
            settings.enabled || !settings.only,
            "turn.only needs a relay, and turn is switched off"
        );
        Ok(settings)
    }
}

impl Settings {
    /// Whether ours has to run.
    pub fn is_ours(&self) -> bool {
        self.enabled && self.urls.is_empty()
    }

    /// What clients are told of others' relays.
    pub fn of_others(&self) -> Option<Relay> {
        let fixed = self.fixed.clone();
        let fixed = fixed.map(|(username, password)| RelayCredential::Fixed { username, password });
        let credential = self.secret.clone().map(RelayCredential::Secret).or(fixed)?;
        let usable = self.enabled && !self.urls.is_empty();
        usable.then(|| Relay { urls: self.urls.clone(), credential, only: self.only })
    }

    /// What clients are told of ours, which listens on this port and is announced by default here.
    pub fn of_ours(&self, port: u16, announced: SocketAddr, secret: String, tls: bool) -> Relay {
        let host = match &self.host {
            Some(host) if has_port(host) => host.clone(),
            Some(host) => format!("{host}:{port}"),
            None => SocketAddr::new(announced.ip(), port).to_string(),
        };
        let mut urls =
            vec![format!("turn:{host}?transport=udp"), format!("turn:{host}?transport=tcp")];
        // Without a name there is none that the certificate could be for.
        if tls && self.host.is_some() {
            urls.push(format!("turns:{host}?transport=tcp"));
        }
        Relay { urls, credential: RelayCredential::Secret(secret), only: self.only }
    }
}

fn has_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(name, port)| {
        port.parse::<u16>().is_ok() && (name.ends_with(']') || !name.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(host: Option<&str>, tls: bool) -> Vec<String> {
        let settings = Settings { host: host.map(str::to_owned), ..Settings::default() };
        settings.of_ours(5349, "[2001:db8::1]:3478".parse().unwrap(), "north".into(), tls).urls
    }

    #[test]
    fn clients_are_told_of_each_way_to_the_relay() {
        assert_eq!(
            urls(Some("relay.example.com"), true),
            [
                "turn:relay.example.com:5349?transport=udp",
                "turn:relay.example.com:5349?transport=tcp",
                "turns:relay.example.com:5349?transport=tcp"
            ]
        );
        assert_eq!(urls(Some("192.0.2.1:443"), false)[0], "turn:192.0.2.1:443?transport=udp");
        assert_eq!(urls(Some("[2001:db8::2]:1"), false)[0], "turn:[2001:db8::2]:1?transport=udp");
        assert_eq!(urls(Some("[2001:db8::2]"), false)[0], "turn:[2001:db8::2]:5349?transport=udp");
        assert_eq!(urls(None, true).len(), 2, "there is no name for a certificate");
        assert_eq!(urls(None, true)[0], "turn:[2001:db8::1]:5349?transport=udp");
    }
}
