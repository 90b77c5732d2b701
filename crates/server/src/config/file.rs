//! The file of settings, as it is written.
//!
//! A key that does not exist is an error which names it and not what stands there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use ipnet::IpNet;
use serde::Deserialize;

use crate::front::{Acme, CertificateFiles, Tls};
use crate::turn;

/// Where certificates are ordered unless another place is named.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// The file, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub listen: Option<SocketAddr>,
    pub proxies: Option<Vec<IpNet>>,
    pub media: Option<SocketAddr>,
    pub announce: Option<Vec<String>>,
    pub media_loops: Option<usize>,
    pub media_load_max: Option<u32>,
    #[serde(default)]
    pub turn: turn::TurnFile,
    pub data: Option<PathBuf>,
    pub site: Option<PathBuf>,
    pub admin_key: Option<String>,
    pub log: Option<String>,
    pub log_sign_ins: Option<bool>,
    pub metrics_listen: Option<SocketAddr>,
    pub history: Option<bool>,
    #[serde(default)]
    pub tls: TlsFile,
    #[serde(default)]
    pub admin: Admin,
    #[serde(default)]
    pub webhook: Webhook,
    #[serde(default)]
    pub library: LibraryFile,
    #[serde(default)]
    pub push: Push,
    #[serde(default)]
    pub tokens: Tokens,
    #[serde(default)]
    pub files: Files,
    #[serde(default)]
    pub groups: Groups,
    pub production: Option<bool>,
    #[serde(default)]
    pub demo: Demo,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demo {
    pub enabled: Option<bool>,
    pub app: Option<String>,
    pub otp: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LibraryFile {
    pub ffmpeg: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    pub allow_private: Option<bool>,
    pub contact: Option<String>,
    pub fcm: Option<String>,
    pub apn: Option<String>,
    pub apn_ca: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    pub allow_http: Option<bool>,
    pub allow_private: Option<bool>,
    pub include_body: Option<bool>,
    pub strict_body: Option<bool>,
    pub retries: Option<Vec<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    pub rate: Option<u32>,
    pub burst: Option<u32>,
    pub allow: Option<Vec<IpNet>>,
    pub max_source_ips: Option<usize>,
    pub list_max: Option<u32>,
    pub aliases: Option<Vec<String>>,
    pub cors_origins: Option<Vec<String>>,
    pub http_status_from_code: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    pub url: Option<String>,
    pub upload_max_mb: Option<u64>,
    pub orphans: Option<bool>,
    pub retention_days: Option<u32>,
    pub quota_mb: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    pub max_members: Option<u32>,
    pub max_groups_per_user: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFile {
    pub dir: Option<PathBuf>,
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub chain: Option<PathBuf>,
    #[serde(default)]
    pub acme: AcmeFile,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcmeFile {
    pub domains: Option<Vec<String>>,
    pub contact: Option<String>,
    pub directory: Option<String>,
    pub folder: Option<PathBuf>,
    pub ca: Option<PathBuf>,
}

impl TlsFile {
    /// Where the certificate comes from; `data` is where one that is ordered is kept.
    pub fn source(self, data: &Path) -> anyhow::Result<Option<Tls>> {
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
pub struct Tokens {
    pub sessions: Option<usize>,
}

impl File {
    /// Reads it.
    ///
    /// # Errors
    /// When it cannot be read, a key in it does not exist, or a value cannot be.
    pub fn read(path: &Path) -> anyhow::Result<File> {
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("{} cannot be read", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let file = toml::from_str::<File>(&text);
        Ok(file.map_err(|error| in_file(path, &text, &error))?.within(folder))
    }

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

/// Where the file is wrong, and why; not what stands there, which may be a secret.
fn in_file(path: &Path, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let number = before.matches('\n').count();
    let key = text.lines().nth(number).and_then(|line| Some(line.split_once('=')?.0.trim()));
    let key = key.map(|key| format!(", {key}")).unwrap_or_default();
    anyhow::anyhow!("{}, line {}{key}: {}", path.display(), number + 1, error.message())
}
