//! Files by which push services know an app, read once when they come and again when they are used.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use aws_lc_rs::signature::RsaKeyPair;
use bytes::Bytes;
use hub::port::apps::{PushCredential, push_kind};
use hyper::Uri;
use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use serde::Deserialize;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The user id of a subject (RFC 4519 section 2.39): Apple writes the topic there.
const USER_ID: &str = "0.9.2342.19200300.100.1.1";

/// A service account of a Firebase project, as Google's console gives it.
pub struct ServiceAccount {
    pub project: String,
    pub email: String,
    pub key_id: String,
    pub key: RsaKeyPair,
    /// Where access tokens are had.
    pub token_uri: Uri,
}

#[derive(Deserialize)]
struct AccountFile {
    project_id: String,
    client_email: String,
    #[serde(default)]
    private_key_id: String,
    private_key: String,
    token_uri: String,
}

impl ServiceAccount {
    pub fn read(file: &[u8]) -> anyhow::Result<ServiceAccount> {
        let file: AccountFile = serde_json::from_slice(file).map_err(|_| {
            anyhow::anyhow!("the file is no service account: JSON with project_id, client_email, private_key and token_uri")
        })?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(file.private_key.as_bytes()).ok();
        let key = key.and_then(|key| RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).ok());
        let plain =
            |text: &str| text.chars().all(|it| it.is_ascii_alphanumeric() || "-_.:".contains(it));
        ensure!(!file.project_id.is_empty() && plain(&file.project_id), "project_id is none");
        let token_uri: Option<Uri> = file.token_uri.parse().ok();
        let http = |uri: &Uri| matches!(uri.scheme_str(), Some("https" | "http"));
        Ok(ServiceAccount {
            project: file.project_id,
            email: file.client_email,
            key_id: file.private_key_id,
            key: key.context("private_key is no RSA key in PKCS #8 PEM")?,
            token_uri: token_uri.filter(http).context("token_uri is no URL")?,
        })
    }
}

/// A certificate of Apple's for one app, with its key.
pub struct AppleCertificate {
    /// The app's bundle.
    pub topic: String,
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
    /// Seconds since 1970.
    pub expires_s: u64,
}

impl AppleCertificate {
    pub fn read(file: &[u8]) -> anyhow::Result<AppleCertificate> {
        let store = KeyStore::from_pkcs12(file, "", Pkcs12ImportPolicy::Relaxed)
            .map_err(|_| anyhow::anyhow!("the file is no PKCS #12 (.p12) without a password"))?;
        let (_, chain) = store.private_key_chain().context("the file has no private key")?;
        let key = PrivatePkcs8KeyDer::from(chain.key().as_der().to_vec());
        let chain: Vec<_> = chain.certs().iter().map(|it| it.as_der().to_vec()).collect();
        let own = chain.first().context("the file has no certificate")?;
        let (_, own) = X509Certificate::from_der(own).context("its certificate cannot be read")?;
        let user_id =
            own.subject().iter_attributes().find(|it| it.attr_type().to_id_string() == USER_ID);
        let topic = user_id.and_then(|it| it.as_str().ok()).filter(|it| !it.is_empty());
        Ok(AppleCertificate {
            topic: topic.context("its certificate names no app (UID of the subject)")?.to_owned(),
            expires_s: own.validity().not_after.timestamp().max(0) as u64,
            chain: chain.into_iter().map(CertificateDer::from).collect(),
            key: key.into(),
        })
    }
}

/// Looks whether a file is what it has to be.
pub fn read(kind: u32, secret: Bytes) -> anyhow::Result<PushCredential> {
    let (name, expires_s) = match kind {
        push_kind::APN => {
            let found = AppleCertificate::read(&secret)?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            ensure!(found.expires_s > now, "its certificate has expired");
            (found.topic, found.expires_s)
        }
        _ => (ServiceAccount::read(&secret)?.project, 0),
    };
    Ok(PushCredential { kind, name, secret, expires_s })
}
