//! How the server is set up: flags over environment over one file over defaults.
//!
//! Every key is in `docs/operating.md` with its default. A key that does not exist and a value that
//! cannot be are errors which name it.

mod file;
mod flags;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZero;
use std::path::PathBuf;

use anyhow::Context;
use hub::Guards;
use ipnet::IpNet;
use wire::limits::{
    ADMIN_LIST_MAX, ADMIN_LIST_SETTING_MAX, FILE_BYTES_MAX, MEDIA_LOAD_MAX_PERCENT,
    MEDIA_LOOPS_MAX, OPERATIONS_BURST, OPERATIONS_PER_SECOND, SESSIONS_PER_USER_MAX,
    WEBHOOK_RETRIES_MAX,
};

pub use self::flags::{Flags, unknown_variables};
use crate::front::Tls;
use crate::{demo, push, turn, webhook};

/// Found where programs are.
const FFMPEG: &str = "ffmpeg";

/// Everything the server is told; nothing of it changes while it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where pages, backends and sockets come to; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The certificate of `listen`; `None`: it speaks plain HTTP.
    pub tls: Option<Tls>,
    /// Proxies that may say for whom they ask.
    pub proxies: Vec<IpNet>,
    /// UDP address of audio and video; port 0 takes a free one.
    pub media: SocketAddr,
    /// Addresses at which clients reach the media port, port 0: with the same one; none: those that
    /// can be found out.
    pub announce: Vec<SocketAddr>,
    /// Media loops, each with a core of its own.
    pub media_loops: usize,
    /// Percent of its core, from which on a media loop takes nobody more.
    pub media_load_max: u32,
    /// The relay for clients that reach neither media nor each other.
    pub turn: turn::Settings,
    /// Folder of database and keys.
    pub data: PathBuf,
    /// Folder with the SDK and the pages; `None`: those in the program, if it has some.
    pub site: Option<PathBuf>,
    /// Makes apps; `None`: the one in the data folder, drawn at the first start.
    pub admin_key: Option<String>,
    /// What is logged, in the words of `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// Who signs in from where is in the log.
    pub log_sign_ins: bool,
    /// Where figures for the operator are, without TLS; `None`: at `listen`.
    pub metrics_listen: Option<SocketAddr>,
    /// Operations a backend may ask for in a second, 0 = without limit.
    pub admin_rate: u32,
    /// And so many at once.
    pub admin_burst: u32,
    /// Networks backends may come from; none: from anywhere.
    pub admin_allow: Vec<IpNet>,
    /// Addresses one app token may be used from, 0 = any number.
    pub admin_sources: usize,
    /// Rows of a list in one answer.
    pub admin_list_max: u32,
    /// Further paths of the backend API.
    pub admin_aliases: Vec<String>,
    /// Origins whose pages may ask the backend API; none: no page may.
    pub admin_cors_origins: Vec<String>,
    /// A refusal has its code as HTTP status, not 200.
    pub admin_http_status: bool,
    /// Where webhooks may be, and how they are asked.
    pub webhooks: webhook::Settings,
    /// The program that makes smaller copies of videos; empty = none.
    pub ffmpeg: String,
    /// Which push services may be asked, and who asks.
    pub push: push::Settings,
    /// Browsers that may be signed in with one token at the same time.
    pub token_sessions: usize,
    /// Messages stay after they were delivered, for devices that have not got them.
    pub history: bool,
    /// URL under which files are downloaded; `None`: the address that was used for the upload.
    pub files_url: Option<String>,
    /// Largest file that may be uploaded, MiB.
    pub upload_max_mb: u64,
    /// Files that nothing has ever named are removed after a while.
    pub files_orphans: bool,
    /// Days after which files are removed, 0 = never.
    pub files_days: u32,
    /// What no app may have more of.
    pub guards: Guards,
    /// The login of the demo pages, `None` when it is off.
    pub demo: Option<demo::Settings>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls: None,
            proxies: vec![
                IpNet::new_assert(Ipv4Addr::LOCALHOST.into(), 8),
                IpNet::new_assert(Ipv6Addr::LOCALHOST.into(), 128),
            ],
            media: SocketAddr::from(([0, 0, 0, 0], 0)),
            announce: Vec::new(),
            media_loops: cores(),
            media_load_max: MEDIA_LOAD_MAX_PERCENT,
            turn: turn::Settings::default(),
            data: "data".into(),
            site: None,
            admin_key: None,
            // str0m warns of every offer with a codec that we do not take.
            log: "info,str0m=error".into(),
            log_sign_ins: false,
            metrics_listen: None,
            admin_rate: OPERATIONS_PER_SECOND,
            admin_burst: OPERATIONS_BURST,
            admin_allow: Vec::new(),
            admin_sources: 0,
            admin_list_max: ADMIN_LIST_MAX,
            admin_aliases: Vec::new(),
            admin_cors_origins: Vec::new(),
            admin_http_status: false,
            webhooks: webhook::Settings::default(),
            ffmpeg: FFMPEG.into(),
            push: push::Settings::default(),
            token_sessions: 1,
            history: true,
            files_url: None,
            upload_max_mb: FILE_BYTES_MAX / 1024 / 1024,
            files_orphans: false,
            files_days: 0,
            guards: Guards::default(),
            demo: None,
        }
    }
}

/// Cores that this process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).min(MEDIA_LOOPS_MAX)
}

impl Config {
    fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            (1..=SESSIONS_PER_USER_MAX).contains(&self.token_sessions),
            "tokens.sessions is {}, it can be 1 to {SESSIONS_PER_USER_MAX}",
            self.token_sessions
        );
        anyhow::ensure!(
            (1..=MEDIA_LOOPS_MAX).contains(&self.media_loops),
            "media_loops is {}, it can be 1 to {MEDIA_LOOPS_MAX}",
            self.media_loops
        );
        anyhow::ensure!(
            (1..=100).contains(&self.media_load_max),
            "media_load_max is {}, it can be 1 to 100",
            self.media_load_max
        );
        anyhow::ensure!(
            self.admin_key.as_ref().is_none_or(|key| key.len() >= ADMIN_KEY_BYTES_MIN),
            "admin_key has less than {ADMIN_KEY_BYTES_MIN} characters: it opens everything"
        );
        anyhow::ensure!(
            (1..=ADMIN_LIST_SETTING_MAX).contains(&self.admin_list_max),
            "admin.list_max is {}, it can be 1 to {ADMIN_LIST_SETTING_MAX}",
            self.admin_list_max
        );
        let wrong = self.admin_aliases.iter().find(|path| !path.starts_with('/') || path.len() < 2);
        anyhow::ensure!(wrong.is_none(), "admin.aliases has {wrong:?}, it begins with /");
        anyhow::ensure!(
            self.webhooks.retries_s.len() <= WEBHOOK_RETRIES_MAX,
            "webhook.retries has {} waits, it can have {WEBHOOK_RETRIES_MAX}",
            self.webhooks.retries_s.len()
        );
        let is_base = |url: &String| {
            let uri = url.parse::<axum::http::Uri>().ok();
            let uri = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
            uri.is_some_and(|uri| {
                uri.host().is_some_and(|host| !host.is_empty()) && uri.query().is_none()
            })
        };
        anyhow::ensure!(
            self.files_url.as_ref().is_none_or(is_base),
            "files.url is {:?}, it begins with https:// or http:// and the name of a host",
            self.files_url.as_deref().unwrap_or_default()
        );
        let contact = &self.push.contact;
        anyhow::ensure!(
            contact.is_empty()
                || ["mailto:", "https://"].iter().any(|start| contact.starts_with(start)),
            "push.contact is {contact:?}, it begins with mailto: or https://"
        );
        self.filter().map(|_| ())
    }

    /// What is logged.
    ///
    /// # Errors
    /// When `log` cannot be read.
    pub fn filter(&self) -> anyhow::Result<tracing_subscriber::EnvFilter> {
        let filter = tracing_subscriber::EnvFilter::try_new(&self.log);
        let filter = filter.with_context(|| {
            format!(
                "log is {:?}, which cannot be read: it is error, warn, info, debug or trace",
                self.log
            )
        });
        // They write clients' addresses.
        ["turn_server_proto=off", "stun_proto=off", "stun_types=off"]
            .into_iter()
            .try_fold(filter?, |filter, silent| Ok(filter.add_directive(silent.parse()?)))
    }
}

/// Shortest admin key: what a person can draw, and nobody guesses over a network that lets ten
/// tries a minute through.
const ADMIN_KEY_BYTES_MIN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::CertificateFiles;
    use clap::Parser;

    fn flags(words: &[&str]) -> Flags {
        Flags::parse_from(["mesibo-server"].iter().chain(words))
    }

    fn file(text: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.toml");
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap().to_owned();
        (folder, path)
    }

    fn error(text: &str) -> String {
        let (_folder, path) = file(text);
        format!("{:#}", flags(&["--config", &path]).config().unwrap_err())
    }

    #[test]
    fn without_a_file_and_flags_everything_has_its_default() {
        assert_eq!(flags(&[]).config().unwrap(), Config::default());
    }

    #[test]
    fn every_key_of_the_file_counts_and_a_flag_counts_more() {
        let (folder, path) = file(
            r#"
            listen = "0.0.0.0:443"
            proxies = ["10.0.0.0/8"]
            media = "0.0.0.0:3478"
            announce = ["192.0.2.1", "[2001:db8::1]:9"]
            media_loops = 3
            media_load_max = 60
            data = "kept"
            site = "/srv/site"
            admin_key = "a key of the file"
            log = "warn"
            log_sign_ins = true
            metrics_listen = "127.0.0.1:9100"
            history = false
            [turn]
            listen = "0.0.0.0:5349"
            host = "relay.example.com"
            urls = ["turn:192.0.2.9"]
            secret = "north"
            only = true
            [tls]
            cert = "cert.pem"
            key = "key.pem"
            [admin]
            rate = 7
            burst = 9
            allow = ["192.0.2.0/24"]
            max_source_ips = 5
            list_max = 50
            aliases = ["/old/api.php"]
            cors_origins = ["https://tools.example.com"]
            http_status_from_code = true
            [webhook]
            allow_http = true
            include_body = false
            strict_body = true
            retries = [2, 3]
            [library]
            ffmpeg = "/opt/ffmpeg"
            [push]
            contact = "mailto:ops@example.com"
            [tokens]
            sessions = 3
            [files]
            url = "https://files.example.com"
            upload_max_mb = 9
            quota_mb = 70
            [groups]
            max_members = 500
            max_groups_per_user = 40
            [demo]
            enabled = true
            otp = "random"
            "#,
        );
        let local = flags(&["--media", "127.0.0.1:9"]).config().unwrap();
        assert_eq!(local.turn.listen, "127.0.0.1:0".parse().unwrap(), "no wider than media");
        let config = flags(&["--config", &path, "--listen", "[::1]:80"]).config().unwrap();
        let expected = Config {
            listen: "[::1]:80".parse().unwrap(),
            tls: Some(Tls::Files(CertificateFiles {
                cert: folder.path().join("cert.pem"),
                key: folder.path().join("key.pem"),
                chain: None,
            })),
            proxies: vec!["10.0.0.0/8".parse().unwrap()],
            media: "0.0.0.0:3478".parse().unwrap(),
            announce: vec!["192.0.2.1:0".parse().unwrap(), "[2001:db8::1]:9".parse().unwrap()],
            media_loops: 3,
            media_load_max: 60,
            turn: turn::Settings {
                listen: "0.0.0.0:5349".parse().unwrap(),
                host: Some("relay.example.com".into()),
                urls: vec!["turn:192.0.2.9".into()],
                secret: Some("north".into()),
                only: true,
                ..turn::Settings::default()
            },
            data: folder.path().join("kept"),
            site: Some("/srv/site".into()),
            admin_key: Some("a key of the file".into()),
            log: "warn".into(),
            log_sign_ins: true,
            metrics_listen: Some("127.0.0.1:9100".parse().unwrap()),
            admin_rate: 7,
            admin_burst: 9,
            admin_allow: vec!["192.0.2.0/24".parse().unwrap()],
            admin_sources: 5,
            admin_list_max: 50,
            admin_aliases: vec!["/old/api.php".into()],
            admin_cors_origins: vec!["https://tools.example.com".into()],
            admin_http_status: true,
            webhooks: webhook::Settings {
                allow_http: true,
                allow_private: false,
                include_body: false,
                strict_body: true,
                retries_s: vec![2, 3],
            },
            ffmpeg: "/opt/ffmpeg".into(),
            push: push::Settings {
                contact: "mailto:ops@example.com".into(),
                ..push::Settings::default()
            },
            token_sessions: 3,
            history: false,
            files_url: Some("https://files.example.com".into()),
            upload_max_mb: 9,
            files_orphans: false,
            files_days: 0,
            guards: Guards { members_max: 500, groups_per_user_max: 40, files_max_mb: 70 },
            demo: Some(demo::Settings { app: "demo".into(), code: None }),
        };
        assert_eq!(config, expected);
        let all = ["--announce", "192.0.2.9", "--log", "debug", "--token-sessions", "2"];
        let config = flags(&[&["--config", &path][..], &all[..]].concat()).config().unwrap();
        assert_eq!(config.announce, ["192.0.2.9:0".parse().unwrap()]);
        assert_eq!((config.log.as_str(), config.token_sessions), ("debug", 2));
    }

    #[test]
    fn what_is_wrong_in_the_file_is_named() {
        assert!(error("lisen = \"127.0.0.1:80\"").contains("lisen"));
        assert!(error("[tokens]\nsession = 1").contains("session"));
        let text = error("listen = \"here\"");
        assert!(text.contains("listen") && text.contains("server.toml"), "{text}");
        assert!(error("[tokens]\nsessions = 0").contains("tokens.sessions is 0"));
        assert!(error("[admin]\nlist_max = 0").contains("admin.list_max is 0"));
        assert!(error("media_loops = 0").contains("media_loops is 0"));
        assert!(error("media_loops = 65").contains("media_loops is 65"));
        assert!(error("media_load_max = 0").contains("media_load_max is 0"));
        assert!(error("admin_key = \"secret\"").contains("admin_key"));
        assert!(error("production = true\n[demo]\nenabled = true").contains("demo.enabled"));
        assert!(!error("admin_key = \"secret\"").contains("secret"));
        assert!(error("[admin]\naliases = [\"api.php\"]").contains("admin.aliases"));
        assert!(error("[push]\ncontact = \"ops\"").contains("push.contact is \"ops\""));
        assert!(error("announce = [\"here\"]").contains("announce has \"here\""));
        for wrong in ["files.example.com", "ftp://a/b", "https://", "https://a/?b"] {
            let text = error(&format!("[files]\nurl = {wrong:?}"));
            assert!(text.contains("files.url") && text.contains(wrong), "{text}");
        }
        assert!(error("[turn]\nurls = [\"turn:a\"]").contains("turn.secret"));
        assert!(error("[turn]\nurls = [\"stun:a\"]").contains("turn: or turns:"));
        assert!(error("[turn]\nenabled = false\nonly = true").contains("turn.only"));
        assert!(error("log = \"a=b=c\"").contains("a=b=c"));
        assert!(error("data = ").contains("data"));
        let unfinished = error("media = \"0.0.0.0:0\"\nadmin_key = \"a secret of somebody");
        assert!(unfinished.contains("server.toml, line 2, admin_key"), "{unfinished}");
        assert!(!unfinished.contains("somebody"), "{unfinished}");
        let missing = flags(&["--config", "/nowhere/server.toml"]).config().unwrap_err();
        assert!(format!("{missing:#}").contains("/nowhere/server.toml cannot be read"));
    }
}
