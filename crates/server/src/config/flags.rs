//! The settings as flags and environment variables, and how they go together with those of the file.

use std::net::{AddrParseError, IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use hub::Guards;
use ipnet::IpNet;

use super::file::{AcmeFile, File, TlsFile};
use super::{Config, FFMPEG};
use crate::{demo, push, turn, webhook};

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

impl Flags {
    /// Reads the file, if one is named, and puts everything together.
    ///
    /// # Errors
    /// When the file cannot be read, a key in it does not exist, or a value cannot be.
    pub fn config(self) -> anyhow::Result<Config> {
        let file = match &self.config {
            None => File::default(),
            Some(path) => File::read(path)?,
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

/// An address with or, as port 0, without a port.
fn announced(text: &str) -> Result<SocketAddr, AddrParseError> {
    text.parse().map(|ip: IpAddr| SocketAddr::new(ip, 0)).or_else(|_| text.parse())
}
