//! How the server is set up: flags over environment over one file over defaults.
//!
//! Every key is in `docs/operating.md` with its default. A key that does not exist and a value that
//! cannot be are errors which name it.

use std::net::{AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZero;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{CommandFactory, Parser};
use hub::Guards;
use ipnet::IpNet;
use serde::Deserialize;
use wire::limits::{
    ADMIN_LIST_MAX, ADMIN_LIST_SETTING_MAX, FILE_BYTES_MAX, MEDIA_LOAD_MAX_PERCENT,
    MEDIA_LOOPS_MAX, OPERATIONS_BURST, OPERATIONS_PER_SECOND, SESSIONS_PER_USER_MAX,
    WEBHOOK_RETRIES_MAX,
};

use crate::demo;
use crate::front::{Acme, CertificateFiles, Tls};
use crate::{push, turn, webhook};

/// Found where programs are.
const FFMPEG: &str = "ffmpeg";
/// Where certificates are ordered unless another place is named.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

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

/// Messages, groups, calls and conferences for the web, in one program.
///
/// Everything it keeps is in the data folder. Pages load the SDK from it, backends call /backend.
/// A flag overrides its environment variable, that one the file, that one the default.
#[derive(Debug, Default, Parser)]
#[command(version)]
pub struct Flags {
    /// File with any of these settings, in TOML
    #[arg(long, env = "MESIBO_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Address and port for pages, backends and sockets; port 0 takes a free one [127.0.0.1:8080]
    #[arg(long, env = "MESIBO_LISTEN")]
    listen: Option<SocketAddr>,

    /// Folder with the certificate as certbot writes it: privkey.pem, and fullchain.pem or cert.pem
    /// with chain.pem; then pages come by https://
    #[arg(long, env = "MESIBO_TLS_DIR", value_name = "FOLDER")]
    tls_dir: Option<PathBuf>,

    /// Instead of a folder: the certificate in PEM, with its chain behind it
    #[arg(
        long,
        env = "MESIBO_TLS_CERT",
        value_name = "FILE",
        conflicts_with = "tls_dir",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,

    /// And its private key
    #[arg(long, env = "MESIBO_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Instead of files: a domain that a certificate is ordered for by ACME (RFC 8555), which has to
    /// reach port 443 of it; may be repeated
    #[arg(
        long,
        env = "MESIBO_ACME_DOMAINS",
        value_delimiter = ',',
        conflicts_with_all = ["tls_dir", "tls_cert"]
    )]
    acme_domains: Option<Vec<String>>,

    /// Mail address that the ACME server writes to when something is wrong
    #[arg(long, env = "MESIBO_ACME_CONTACT", value_name = "ADDRESS")]
    acme_contact: Option<String>,

    /// Directory of the ACME server [that of Let's Encrypt]
    #[arg(long, env = "MESIBO_ACME_DIRECTORY", value_name = "URL")]
    acme_directory: Option<String>,

    /// Certificates that the ACME server's own goes back to, in PEM [those of the world]
    #[arg(long, env = "MESIBO_ACME_CA", value_name = "FILE")]
    acme_ca: Option<PathBuf>,

    /// Network of proxies that may say for whom they ask (X-Forwarded-For, -Proto, -Host); may be
    /// repeated [127.0.0.0/8, ::1]
    #[arg(long, env = "MESIBO_PROXIES", value_delimiter = ',')]
    proxies: Option<Vec<IpNet>>,

    /// UDP address and port for audio and video; port 0 takes a free one [0.0.0.0:0]
    #[arg(long, env = "MESIBO_MEDIA")]
    media: Option<SocketAddr>,

    /// IP address at which clients reach the media port, with a port when it is another; may be
    /// repeated
    #[arg(long, env = "MESIBO_ANNOUNCE", value_delimiter = ',', value_parser = announced)]
    announce: Option<Vec<SocketAddr>>,

    /// Media loops: threads over which rooms are spread [one for each core]
    #[arg(long, env = "MESIBO_MEDIA_LOOPS")]
    media_loops: Option<usize>,

    /// Percent of its core, from which on a media loop takes nobody more [80]
    #[arg(long, env = "MESIBO_MEDIA_LOAD_MAX")]
    media_load_max: Option<u32>,

    #[command(flatten)]
    turn: turn::TurnFlags,

    /// Folder for the database and keys; made when missing [data]
    #[arg(long, env = "MESIBO_DATA")]
    data: Option<PathBuf>,

    /// Folder with the SDK and the pages to serve, instead of those in the program
    #[arg(long, env = "MESIBO_SITE")]
    site: Option<PathBuf>,

    /// Key that makes apps; without it one is drawn and kept in admin.key of the data folder
    #[arg(long, env = "MESIBO_ADMIN_KEY", hide_env_values = true)]
    admin_key: Option<String>,

    /// What is logged: error, warn, info, debug, trace, or module=level,… [info,str0m=error]
    #[arg(long, env = "MESIBO_LOG")]
    log: Option<String>,

    /// Whether the log says who signs in, or is refused, from which address [false]
    #[arg(long, env = "MESIBO_LOG_SIGN_INS", value_name = "BOOL")]
    log_sign_ins: Option<bool>,

    /// Address and port for /metrics, /healthz and /readyz, without TLS; then /metrics is nowhere else
    /// [at --listen]
    #[arg(long, env = "MESIBO_METRICS_LISTEN", value_name = "ADDRESS")]
    metrics_listen: Option<SocketAddr>,

    /// Operations each app's backend may ask for in a second; 0 = without limit [50]
    #[arg(long, env = "MESIBO_ADMIN_RATE")]
    admin_rate: Option<u32>,

    /// Of those, so many at once [200]
    #[arg(long, env = "MESIBO_ADMIN_BURST")]
    admin_burst: Option<u32>,

    /// Network that backends may come from, such as 192.0.2.0/24; may be repeated [any]
    #[arg(long, env = "MESIBO_ADMIN_ALLOW", value_delimiter = ',')]
    admin_allow: Option<Vec<IpNet>>,

    /// Addresses that one app token may be used from; 0 = any number [0]
    #[arg(long, env = "MESIBO_ADMIN_SOURCES")]
    admin_sources: Option<usize>,

    /// Rows of a list in one answer, 1 to 10000 [1000]
    #[arg(long, env = "MESIBO_ADMIN_LIST_MAX", value_name = "NUMBER")]
    admin_list_max: Option<u32>,

    /// Further path of the backend API, such as /old/api.php; may be repeated [none]
    #[arg(long, env = "MESIBO_ADMIN_ALIASES", value_delimiter = ',', value_name = "PATH")]
    admin_aliases: Option<Vec<String>>,

    /// Origin whose pages may ask the backend API, such as https://tools.example.com; may be repeated.
    /// An app token does not belong into a page [none]
    #[arg(long, env = "MESIBO_ADMIN_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGIN")]
    admin_cors_origins: Option<Vec<String>>,

    /// Whether a refused operation has its code as HTTP status, not 200 [false]
    #[arg(long, env = "MESIBO_ADMIN_HTTP_STATUS", value_name = "BOOL")]
    admin_http_status: Option<bool>,

    /// Program that makes smaller copies of videos of groups; empty makes none [ffmpeg]
    #[arg(long, env = "MESIBO_FFMPEG", value_name = "PROGRAM")]
    ffmpeg: Option<String>,

    /// Whether browsers may be woken by push services inside the network or without TLS [false]
    #[arg(long, env = "MESIBO_PUSH_ALLOW_PRIVATE", value_name = "BOOL")]
    push_allow_private: Option<bool>,

    /// Whom push services may write to, such as mailto:ops@example.com; Apple's asks for it [none]
    #[arg(long, env = "MESIBO_PUSH_CONTACT", value_name = "URL")]
    push_contact: Option<String>,

    /// Where Firebase Cloud Messaging is [https://fcm.googleapis.com]
    #[arg(long, env = "MESIBO_PUSH_FCM", value_name = "URL")]
    push_fcm: Option<String>,

    /// Where Apple's push service is [api.push.apple.com, or its sandbox]
    #[arg(long, env = "MESIBO_PUSH_APN", value_name = "URL")]
    push_apn: Option<String>,

    /// Certificates that the one at push_apn goes back to, in PEM [those of the world]
    #[arg(long, env = "MESIBO_PUSH_APN_CA", value_name = "FILE")]
    push_apn_ca: Option<PathBuf>,

    /// Whether webhooks may be at http:// URLs [false]
    #[arg(long, env = "MESIBO_WEBHOOK_ALLOW_HTTP", value_name = "BOOL")]
    webhook_allow_http: Option<bool>,

    /// Whether webhooks may be at addresses inside the network [false]
    #[arg(long, env = "MESIBO_WEBHOOK_ALLOW_PRIVATE", value_name = "BOOL")]
    webhook_allow_private: Option<bool>,

    /// Whether events of messages say what is in them [true]
    #[arg(long, env = "MESIBO_WEBHOOK_INCLUDE_BODY", value_name = "BOOL")]
    webhook_include_body: Option<bool>,

    /// Whether an answer of a webhook counts only when it says MESIBO OK [false]
    #[arg(long, env = "MESIBO_WEBHOOK_STRICT_BODY", value_name = "BOOL")]
    webhook_strict_body: Option<bool>,

    /// Seconds to wait before each further try to tell a webhook [1,10,60,300,1800]
    #[arg(long, env = "MESIBO_WEBHOOK_RETRIES", value_delimiter = ',')]
    webhook_retries: Option<Vec<u64>>,

    /// Browsers that may be signed in with one token at the same time [1]
    #[arg(long, env = "MESIBO_TOKEN_SESSIONS")]
    token_sessions: Option<usize>,

    /// Whether users' messages stay for their new devices after they were delivered [true]
    #[arg(long, env = "MESIBO_HISTORY", value_name = "BOOL")]
    history: Option<bool>,

    /// URL under which files are downloaded, such as https://files.example.com/files; without it
    /// the address that was used for the upload
    #[arg(long, env = "MESIBO_FILES_URL")]
    files_url: Option<String>,

    /// Largest file that may be uploaded, in MiB [50]
    #[arg(long, env = "MESIBO_UPLOAD_MAX_MB")]
    upload_max_mb: Option<u64>,

    /// Whether files that no message and no profile has ever named are removed after 30 days [false]
    #[arg(long, env = "MESIBO_FILES_ORPHANS", value_name = "BOOL")]
    files_orphans: Option<bool>,

    /// Days after which any file is removed; 0 = never [0]
    #[arg(long, env = "MESIBO_FILES_RETENTION_DAYS", value_name = "DAYS")]
    files_retention_days: Option<u32>,

    /// MiB that all files of an app may take; 0 = without limit [0]
    #[arg(long, env = "MESIBO_FILES_QUOTA_MB", value_name = "MIB")]
    files_quota_mb: Option<u64>,

    /// Members a group may have; 0 = without limit [0]
    #[arg(long, env = "MESIBO_GROUPS_MAX_MEMBERS", value_name = "NUMBER")]
    groups_max_members: Option<u32>,

    /// Groups a user may be a member of; 0 = without limit [0]
    #[arg(long, env = "MESIBO_GROUPS_MAX_GROUPS_PER_USER", value_name = "NUMBER")]
    groups_max_groups_per_user: Option<u32>,

    /// Nothing that is for development only may be switched on [false]
    #[arg(long, env = "MESIBO_PRODUCTION", value_name = "BOOL")]
    production: Option<bool>,

    /// For development: the login of demo pages, by which anybody signs in as anybody [false]
    #[arg(long, env = "MESIBO_DEMO_ENABLED", value_name = "BOOL")]
    demo_enabled: Option<bool>,

    /// Name of the app that demo pages sign in to [demo]
    #[arg(long, env = "MESIBO_DEMO_APP", value_name = "NAME")]
    demo_app: Option<String>,

    /// Code with which demo pages sign in; "random": drawn each time and written to the log
    /// [123456]
    #[arg(long, env = "MESIBO_DEMO_OTP", value_name = "CODE")]
    demo_otp: Option<String>,
}

/// The file, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<SocketAddr>,
    proxies: Option<Vec<IpNet>>,
    media: Option<SocketAddr>,
    announce: Option<Vec<String>>,
    media_loops: Option<usize>,
    media_load_max: Option<u32>,
    #[serde(default)]
    turn: turn::TurnFile,
    data: Option<PathBuf>,
    site: Option<PathBuf>,
    admin_key: Option<String>,
    log: Option<String>,
    log_sign_ins: Option<bool>,
    metrics_listen: Option<SocketAddr>,
    history: Option<bool>,
    #[serde(default)]
    tls: TlsFile,
    #[serde(default)]
    admin: Admin,
    #[serde(default)]
    webhook: Webhook,
    #[serde(default)]
    library: LibraryFile,
    #[serde(default)]
    push: Push,
    #[serde(default)]
    tokens: Tokens,
    #[serde(default)]
    files: Files,
    #[serde(default)]
    groups: Groups,
    production: Option<bool>,
    #[serde(default)]
    demo: Demo,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Demo {
    enabled: Option<bool>,
    app: Option<String>,
    otp: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LibraryFile {
    ffmpeg: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    allow_private: Option<bool>,
    contact: Option<String>,
    fcm: Option<String>,
    apn: Option<String>,
    apn_ca: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhook {
    allow_http: Option<bool>,
    allow_private: Option<bool>,
    include_body: Option<bool>,
    strict_body: Option<bool>,
    retries: Option<Vec<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Admin {
    rate: Option<u32>,
    burst: Option<u32>,
    allow: Option<Vec<IpNet>>,
    max_source_ips: Option<usize>,
    list_max: Option<u32>,
    aliases: Option<Vec<String>>,
    cors_origins: Option<Vec<String>>,
    http_status_from_code: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Files {
    url: Option<String>,
    upload_max_mb: Option<u64>,
    orphans: Option<bool>,
    retention_days: Option<u32>,
    quota_mb: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Groups {
    max_members: Option<u32>,
    max_groups_per_user: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsFile {
    dir: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    chain: Option<PathBuf>,
    #[serde(default)]
    acme: AcmeFile,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AcmeFile {
    domains: Option<Vec<String>>,
    contact: Option<String>,
    directory: Option<String>,
    folder: Option<PathBuf>,
    ca: Option<PathBuf>,
}

impl TlsFile {
    /// Where the certificate comes from; `data` is where one that is ordered is kept.
    fn source(self, data: &Path) -> anyhow::Result<Option<Tls>> {
        let AcmeFile { domains, contact, directory, folder, ca } = self.acme;
        let domains = domains.unwrap_or_default();
        match (self.dir, self.cert, self.key, domains.is_empty()) {
            (None, None, None, true) => Ok(None),
            (None, None, None, false) => Ok(Some(Tls::Acme(Acme {
                domains,
                contact,
                directory: directory.unwrap_or(LETS_ENCRYPT.into()),
                folder: folder.unwrap_or_else(|| data.join("acme")),
                ca,
            }))),
            (Some(folder), None, None, true) => {
                Ok(Some(Tls::Files(CertificateFiles::in_folder(&folder))))
            }
            (None, Some(cert), Some(key), true) => {
                Ok(Some(Tls::Files(CertificateFiles { cert, key, chain: self.chain })))
            }
            _ => anyhow::bail!("tls needs either dir, or cert and key, or acme.domains"),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    sessions: Option<usize>,
}

/// Cores that this process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).min(MEDIA_LOOPS_MAX)
}

/// Where the file is wrong, and why; not what stands there, which may be a secret.
fn in_file(path: &Path, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let number = before.matches('\n').count();
    let key = text.lines().nth(number).and_then(|line| Some(line.split_once('=')?.0.trim()));
    let key = key.map(|key| format!(", {key}")).unwrap_or_default();
    anyhow::anyhow!("{}, line {}{key}: {}", path.display(), number + 1, error.message())
}

/// An address with or, as port 0, without a port.
fn announced(text: &str) -> Result<SocketAddr, AddrParseError> {
    text.parse().map(|ip: IpAddr| SocketAddr::new(ip, 0)).or_else(|_| text.parse())
}

impl Flags {
    /// Reads the file, if one is named, and puts everything together.
    ///
    /// # Errors
    /// When the file cannot be read, a key in it does not exist, or a value cannot be.
    pub fn config(self) -> anyhow::Result<Config> {
        let file = match &self.config {
            None => File::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.with_context(|| format!("{} cannot be read", path.display()))?;
                let folder = path.parent().unwrap_or(Path::new(""));
                let file = toml::from_str::<File>(&text);
                file.map_err(|error| in_file(path, &text, &error))?.within(folder)
            }
        };
        let default = Config::default();
        let by_flags =
            self.tls_dir.is_some() || self.tls_cert.is_some() || self.acme_domains.is_some();
        let mut tls = match by_flags {
            true => TlsFile {
                dir: self.tls_dir,
                cert: self.tls_cert,
                key: self.tls_key,
                chain: None,
                acme: AcmeFile { domains: self.acme_domains, ..file.tls.acme },
            },
            false => file.tls,
        };
        if by_flags && tls.acme.domains.is_none() {
            tls.acme = AcmeFile::default();
        }
        tls.acme.contact = self.acme_contact.or(tls.acme.contact);
        tls.acme.directory = self.acme_directory.or(tls.acme.directory);
        tls.acme.ca = self.acme_ca.or(tls.acme.ca);
        let data = self.data.or(file.data).unwrap_or(default.data);
        let demo = self.demo_enabled.or(file.demo.enabled).unwrap_or(false);
        anyhow::ensure!(
            !(demo && self.production.or(file.production).unwrap_or(false)),
            "production and demo.enabled exclude each other: the demo login lets anybody in"
        );
        let demo = demo.then(|| demo::Settings {
            app: self.demo_app.or(file.demo.app).unwrap_or("demo".into()),
            code: self
                .demo_otp
                .or(file.demo.otp)
                .map_or(Some("123456".into()), |code| (code != "random").then_some(code)),
        });
        let media = self.media.or(file.media).unwrap_or(default.media);
        let config = Config {
            listen: self.listen.or(file.listen).unwrap_or(default.listen),
            tls: tls.source(&data)?,
            proxies: self.proxies.or(file.proxies).unwrap_or(default.proxies),
            media,
            announce: match (self.announce, file.announce) {
                (Some(addresses), _) => addresses,
                (None, Some(addresses)) => {
                    let read = |text: &String| {
                        announced(text).with_context(|| format!("announce has {text:?}"))
                    };
                    addresses.iter().map(read).collect::<anyhow::Result<_>>()?
                }
                (None, None) => default.announce,
            },
            media_loops: self.media_loops.or(file.media_loops).unwrap_or(default.media_loops),
            media_load_max: self
                .media_load_max
                .or(file.media_load_max)
                .unwrap_or(default.media_load_max),
            turn: self.turn.settings(file.turn, media)?,
            data,
            site: self.site.or(file.site),
            admin_key: self.admin_key.or(file.admin_key),
            log: self.log.or(file.log).unwrap_or(default.log),
            log_sign_ins: self.log_sign_ins.or(file.log_sign_ins).unwrap_or(false),
            metrics_listen: self.metrics_listen.or(file.metrics_listen),
            admin_rate: self.admin_rate.or(file.admin.rate).unwrap_or(default.admin_rate),
            admin_burst: self.admin_burst.or(file.admin.burst).unwrap_or(default.admin_burst),
            admin_allow: self.admin_allow.or(file.admin.allow).unwrap_or(default.admin_allow),
            admin_sources: self
                .admin_sources
                .or(file.admin.max_source_ips)
                .unwrap_or(default.admin_sources),
            admin_list_max: self
                .admin_list_max
                .or(file.admin.list_max)
                .unwrap_or(default.admin_list_max),
            admin_aliases: self.admin_aliases.or(file.admin.aliases).unwrap_or_default(),
            admin_cors_origins: self
                .admin_cors_origins
                .or(file.admin.cors_origins)
                .unwrap_or_default(),
            admin_http_status: self
                .admin_http_status
                .or(file.admin.http_status_from_code)
                .unwrap_or(false),
            ffmpeg: self.ffmpeg.or(file.library.ffmpeg).unwrap_or_else(|| FFMPEG.into()),
            push: push::Settings {
                allow_private: self.push_allow_private.or(file.push.allow_private).unwrap_or(false),
                contact: self.push_contact.or(file.push.contact).unwrap_or_default(),
                fcm: self.push_fcm.or(file.push.fcm),
                apn: self.push_apn.or(file.push.apn),
                apn_ca: self.push_apn_ca.or(file.push.apn_ca),
            },
            webhooks: webhook::Settings {
                allow_http: self.webhook_allow_http.or(file.webhook.allow_http).unwrap_or(false),
                allow_private: self
                    .webhook_allow_private
                    .or(file.webhook.allow_private)
                    .unwrap_or(false),
                include_body: self
                    .webhook_include_body
                    .or(file.webhook.include_body)
                    .unwrap_or(true),
                strict_body: self.webhook_strict_body.or(file.webhook.strict_body).unwrap_or(false),
                retries_s: self
                    .webhook_retries
                    .or(file.webhook.retries)
                    .unwrap_or(default.webhooks.retries_s),
            },
            token_sessions: self
                .token_sessions
                .or(file.tokens.sessions)
                .unwrap_or(default.token_sessions),
            history: self.history.or(file.history).unwrap_or(default.history),
            files_url: self.files_url.or(file.files.url),
            upload_max_mb: self
                .upload_max_mb
                .or(file.files.upload_max_mb)
                .unwrap_or(default.upload_max_mb),
            files_orphans: self.files_orphans.or(file.files.orphans).unwrap_or(false),
            files_days: self.files_retention_days.or(file.files.retention_days).unwrap_or(0),
            guards: Guards {
                members_max: self.groups_max_members.or(file.groups.max_members).unwrap_or(0),
                groups_per_user_max: self
                    .groups_max_groups_per_user
                    .or(file.groups.max_groups_per_user)
                    .unwrap_or(0),
                files_max_mb: self.files_quota_mb.or(file.files.quota_mb).unwrap_or(0),
            },
            demo,
        };
        config.check()?;
        Ok(config)
    }
}

/// Variables of the environment that look like settings and are none: a slip of the pen, or what
/// a container platform sets for a service of our name.
pub fn unknown_variables() -> Vec<String> {
    let known = Flags::command();
    let is_known = |name: &str| {
        known.get_arguments().filter_map(|flag| flag.get_env()).any(|known| known == name)
    };
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| name.starts_with("MESIBO_") && !is_known(name)).collect()
}

impl File {
    /// Folders in the file are as seen from where it is.
    fn within(self, folder: &Path) -> File {
        let seen = |path: Option<PathBuf>| path.map(|path| folder.join(path));
        let acme = AcmeFile {
            folder: seen(self.tls.acme.folder),
            ca: seen(self.tls.acme.ca),
            ..self.tls.acme
        };
        let tls = TlsFile {
            dir: seen(self.tls.dir),
            cert: seen(self.tls.cert),
            key: seen(self.tls.key),
            chain: seen(self.tls.chain),
            acme,
        };
        let push = Push { apn_ca: seen(self.push.apn_ca), ..self.push };
        File { data: seen(self.data), site: seen(self.site), tls, push, ..self }
    }
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
