//! The certificate: read from files, read again when they have changed, without a restart.
//!
//! Files that cannot be used while the server runs change nothing; the log says why. The files may be
//! ours, of a certificate that [`acme`](super::acme) has ordered.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock, RwLockWriteGuard};
use std::time::SystemTime;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use wire::limits::CERTIFICATE_LOOKED_AT_EVERY;

use super::acme::Acme;

/// Where a certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Somebody else keeps it.
    Files(CertificateFiles),
    /// We order it.
    Acme(Acme),
}

/// Where a certificate is kept, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, alone or with its chain behind it.
    pub cert: PathBuf,
    pub key: PathBuf,
    /// The rest of the chain, when it has a file of its own.
    pub chain: Option<PathBuf>,
}

impl CertificateFiles {
    /// The files of a folder as certbot writes it: `privkey.pem`, and `fullchain.pem` or `cert.pem`
    /// with `chain.pem`.
    pub fn in_folder(folder: &Path) -> CertificateFiles {
        let key = folder.join("privkey.pem");
        let full = folder.join("fullchain.pem");
        if full.exists() {
            return CertificateFiles { cert: full, key, chain: None };
        }
        let chain = Some(folder.join("chain.pem")).filter(|chain| chain.exists());
        CertificateFiles { cert: folder.join("cert.pem"), key, chain }
    }

    fn read(&self) -> anyhow::Result<Arc<CertifiedKey>> {
        let mut chain = certificates(&self.cert)?;
        if let Some(rest) = &self.chain {
            chain.append(&mut certificates(rest)?);
        }
        let key = PrivateKeyDer::from_pem_file(&self.key);
        let key = key.with_context(|| format!("{} holds no private key", self.key.display()))?;
        let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
        let mismatch =
            || format!("{} and {} do not belong together", self.cert.display(), self.key.display());
        Ok(Arc::new(certified.with_context(mismatch)?))
    }

    fn changed_at(&self) -> Vec<Option<SystemTime>> {
        let files = [&self.cert, &self.key].into_iter().chain(&self.chain);
        files.map(|file| file.metadata().and_then(|file| file.modified()).ok()).collect()
    }
}

pub fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let unusable = || format!("{} holds no certificate", path.display());
    let found = CertificateDer::pem_file_iter(path).with_context(unusable)?;
    let found: Vec<_> = found.collect::<Result<_, _>>().with_context(unusable)?;
    anyhow::ensure!(!found.is_empty(), unusable());
    Ok(found)
}

/// See the module.
#[derive(Debug)]
pub struct Certificate {
    files: CertificateFiles,
    present: RwLock<Arc<CertifiedKey>>,
    /// What an ACME server is shown that asks for a domain.
    challenges: RwLock<HashMap<String, Arc<CertifiedKey>>>,
    /// We have written the files.
    renewed: Notify,
}

/// What an ACME server speaks that wants to see its challenge (RFC 8737).
const ACME_TLS: &[u8] = b"acme-tls/1";

impl Certificate {
    /// Reads the files, and looks at them again from time to time, and at once on `SIGHUP`.
    ///
    /// # Errors
    /// When a file is missing, is no PEM, or the key is another one's.
    pub fn open(tls: Tls) -> anyhow::Result<Arc<Certificate>> {
        match tls {
            Tls::Files(files) => {
                let read = files.read()?;
                Certificate::show(files, read)
            }
            Tls::Acme(acme) => {
                let files = acme.files();
                let read = files.read().or_else(|_| acme.stopgap())?;
                let certificate = Certificate::show(files, read)?;
                tokio::spawn(acme.keep(certificate.clone()));
                Ok(certificate)
            }
        }
    }

    fn show(
        files: CertificateFiles,
        present: Arc<CertifiedKey>,
    ) -> anyhow::Result<Arc<Certificate>> {
        let (present, challenges) = (RwLock::new(present), RwLock::default());
        let renewed = Notify::new();
        let certificate = Arc::new(Certificate { files, present, challenges, renewed });
        tokio::spawn(certificate.clone().follow(signal(SignalKind::hangup())?));
        Ok(certificate)
    }

    /// The files are new.
    pub fn look_again(&self) {
        self.renewed.notify_one();
    }

    /// An ACME server is going to ask for this domain.
    pub fn put_challenge(&self, domain: String, proof: Arc<CertifiedKey>) {
        self.challenges().insert(domain, proof);
    }

    /// No ACME server asks any more.
    pub fn forget_challenges(&self) {
        self.challenges().clear();
    }

    fn challenges(&self) -> RwLockWriteGuard<'_, HashMap<String, Arc<CertifiedKey>>> {
        self.challenges.write().expect("no panic while a challenge is put")
    }

    /// How TLS is spoken with it.
    pub fn config(self: Arc<Self>) -> Arc<ServerConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions");
        let mut config = config.with_no_client_auth().with_cert_resolver(self);
        config.alpn_protocols = vec![b"http/1.1".to_vec(), ACME_TLS.to_vec()];
        Arc::new(config)
    }

    async fn follow(self: Arc<Self>, mut hangup: Signal) {
        let mut seen = self.files.changed_at();
        loop {
            let told = tokio::select! {
                _ = tokio::time::sleep(CERTIFICATE_LOOKED_AT_EVERY) => false,
                _ = hangup.recv() => true,
                () = self.renewed.notified() => true,
            };
            let changed = self.files.changed_at();
            if told || changed != seen {
                seen = changed;
                self.read_again();
            }
        }
    }

    fn read_again(&self) {
        match self.files.read() {
            Ok(read) => {
                *self.present.write().expect("no panic while a certificate is changed") = read;
                tracing::info!("the certificate was renewed");
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "the new certificate cannot be used, the old one stays");
            }
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut wanted = hello.alpn().into_iter().flatten();
        if wanted.next() == Some(ACME_TLS) && wanted.next().is_none() {
            let challenges = self.challenges.read().expect("no panic while a challenge is put");
            return challenges.get(hello.server_name()?).cloned();
        }
        Some(self.present.read().expect("no panic while a certificate is changed").clone())
    }
}
