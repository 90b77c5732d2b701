//! A certificate from an ACME server (RFC 8555): ordered when there is none that fits, and again when a
//! third of its life is left.
//!
//! Relies on that server to reach port 443 of each domain, where [`Certificate`] answers its
//! TLS-ALPN-01 challenge (RFC 8737). Promises that the file of the certificate is whole at any moment,
//! and that what cannot be renewed now is tried again.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use bytes::Bytes;
use hyper::Request;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType,
    Error, HttpClient, Identifier, NewAccount, NewOrder, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use serde::{Deserialize, Serialize};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wire::limits::{
    ACME_LOOKED_AT_EVERY, ACME_ORDER_WITHIN, ACME_RETRY_AFTER, ACME_RETRY_AFTER_MAX,
};
use x509_parser::extensions::GeneralName;

use crate::durable;

use super::certificate::{Certificate, CertificateFiles, certificates};

/// Where a certificate is ordered, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acme {
    /// Names the certificate is for.
    pub domains: Vec<String>,
    /// Who is written to when something is wrong: a mail address.
    pub contact: Option<String>,
    /// URL of the ACME server's directory.
    pub directory: String,
    /// Keeps account and certificate.
    pub folder: PathBuf,
    /// What the ACME server's own certificate goes back to, when that is nothing the world knows.
    pub ca: Option<PathBuf>,
}

/// The account as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    directory: String,
    credentials: AccountCredentials,
}

impl Acme {
    /// Where the certificate is kept, with its key.
    pub fn files(&self) -> CertificateFiles {
        let path = self.folder.join("certificate.pem");
        CertificateFiles { cert: path.clone(), key: path, chain: None }
    }

    /// Shown until there is a certificate.
    pub fn stopgap(&self) -> anyhow::Result<Arc<CertifiedKey>> {
        certified(CertificateParams::new(self.domains.clone())?)
    }

    /// Orders and renews for ever.
    pub async fn keep(self, certificate: Arc<Certificate>) {
        let mut retry_after = ACME_RETRY_AFTER;
        loop {
            let rest = self.due_in(SystemTime::now());
            if !rest.is_zero() {
                // Not all at once: the clock may be set meanwhile.
                tokio::time::sleep(rest.min(ACME_LOOKED_AT_EVERY)).await;
                continue;
            }
            match self.renew(&certificate).await {
                Ok(()) => retry_after = ACME_RETRY_AFTER,
                Err(error) => {
                    let (error, retry_s) = (format!("{error:#}"), retry_after.as_secs());
                    tracing::error!(error, retry_s, "no certificate could be had by ACME");
                    tokio::time::sleep(retry_after).await;
                    retry_after = (retry_after * 2).min(ACME_RETRY_AFTER_MAX);
                }
            }
        }
    }

    /// How long the kept certificate is good enough; zero when there is none for these domains.
    pub fn due_in(&self, now: SystemTime) -> Duration {
        let due = self
            .read_validity()
            .map_or(UNIX_EPOCH, |(from, to)| to - to.duration_since(from).unwrap_or_default() / 3);
        due.duration_since(now).unwrap_or_default()
    }

    /// From when to when the kept certificate is good, when it is for these domains.
    fn read_validity(&self) -> Option<(SystemTime, SystemTime)> {
        let chain = certificates(&self.files().cert).ok()?;
        let (_, certificate) = x509_parser::parse_x509_certificate(chain.first()?).ok()?;
        let names = certificate.subject_alternative_name().ok()??;
        let has = |domain: &String| {
            let is_it = |name: &GeneralName<'_>| matches!(name, GeneralName::DNSName(name) if name == domain);
            names.value.general_names.iter().any(is_it)
        };
        let at = |seconds: i64| UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap_or(0));
        let validity = certificate.validity();
        let (from, to) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        self.domains.iter().all(has).then(|| (at(from), at(to)))
    }

    async fn renew(&self, certificate: &Arc<Certificate>) -> anyhow::Result<()> {
        tracing::info!(domains = self.domains.len(), "a certificate is being ordered by ACME");
        let account = self.account().await.context("the ACME account")?;
        let names: Vec<_> = self.domains.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&names)).await?;
        let patience = RetryPolicy::new().timeout(ACME_ORDER_WITHIN);
        let answered = async {
            let mut authorizations = order.authorizations();
            while let Some(authorization) = authorizations.next().await {
                let mut authorization = authorization?;
                if authorization.status == AuthorizationStatus::Valid {
                    continue;
                }
                let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
                let mut challenge = challenge.context("the ACME server offers no TLS-ALPN-01")?;
                let domain = challenge.identifier().to_string();
                let proof = challenge.key_authorization();
                let mut params = CertificateParams::new([domain.clone()])?;
                let proof = CustomExtension::new_acme_identifier(proof.digest().as_ref());
                params.custom_extensions.push(proof);
                certificate.put_challenge(domain, certified(params)?);
                challenge.set_ready().await?;
            }
            let status = order.poll_ready(&patience).await?;
            anyhow::ensure!(
                status == OrderStatus::Ready,
                "the ACME server did not find its proof on port 443 of each domain: {status:?}"
            );
            let key = order.finalize().await?;
            let chain = order.poll_certificate(&patience).await?;
            anyhow::Ok(format!("{chain}\n{key}"))
        };
        let answered = answered.await;
        certificate.forget_challenges();
        write(&self.files().cert, answered?.as_bytes())?;
        certificate.look_again();
        Ok(())
    }

    /// The account that is kept for this server, or a new one.
    async fn account(&self) -> anyhow::Result<Account> {
        let path = self.folder.join("account.json");
        let kept = fs::read(&path).ok().and_then(|kept| serde_json::from_slice::<Kept>(&kept).ok());
        if let Some(kept) = kept.filter(|kept| kept.directory == self.directory) {
            return Ok(self.builder()?.from_credentials(kept.credentials).await?);
        }
        let contact = self.contact.iter().map(|contact| format!("mailto:{contact}"));
        let contact: Vec<_> = contact.collect();
        let contact: Vec<_> = contact.iter().map(String::as_str).collect();
        let wanted = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let directory = self.directory.clone();
        let made = self.builder()?.create(&wanted, directory.clone(), None).await?;
        let (account, credentials) = made;
        write(&path, &serde_json::to_vec(&Kept { directory, credentials })?)?;
        Ok(account)
    }

    fn builder(&self) -> anyhow::Result<instant_acme::AccountBuilder> {
        let https = match &self.ca {
            None => HttpsConnectorBuilder::new().with_webpki_roots(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(ca)? {
                    roots.add(certificate)?;
                }
                let provider = Arc::new(aws_lc_rs::default_provider());
                let config = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                HttpsConnectorBuilder::new().with_tls_config(config)
            }
        };
        let https = https.https_only().enable_http1().build();
        let client = legacy::Client::builder(TokioExecutor::new()).build(https);
        Ok(Account::builder_with_http(Box::new(Http(client))))
    }
}

struct Http(legacy::Client<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>);

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let asked = self.0.request(request);
        Box::pin(async move {
            match tokio::time::timeout(ACME_ORDER_WITHIN, asked).await {
                Ok(Ok(answer)) => Ok(answer.into()),
                Ok(Err(error)) => Err(Error::Other(Box::new(error))),
                Err(_) => Err(Error::Str("the ACME server does not answer")),
            }
        })
    }
}

/// A certificate that nobody has signed.
fn certified(params: CertificateParams) -> anyhow::Result<Arc<CertifiedKey>> {
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let chain = vec![certificate.der().clone()];
    // `from_der` would look into the certificate, and does not know what a challenge has in it.
    let key = aws_lc_rs::default_provider().key_provider.load_private_key(key)?;
    Ok(Arc::new(CertifiedKey::new(chain, key)))
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    durable::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_due_when_a_third_of_its_life_is_left_or_it_is_for_others() {
        let folder = tempfile::tempdir().unwrap();
        let acme = |domain: &str| Acme {
            domains: vec![domain.into()],
            contact: None,
            directory: "https://acme.example.test/dir".into(),
            folder: folder.path().into(),
            ca: None,
        };
        let of_ours = acme("chat.example.test");
        assert_eq!(of_ours.due_in(UNIX_EPOCH), Duration::ZERO, "there is none");
        let mut params = CertificateParams::new(of_ours.domains.clone()).unwrap();
        params.not_before = rcgen::date_time_ymd(1970, 1, 1);
        params.not_after = rcgen::date_time_ymd(1970, 1, 31);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem() + &key.serialize_pem();
        write(&of_ours.files().cert, pem.as_bytes()).unwrap();
        let days = |days: u64| Duration::from_secs(days * 86_400);
        assert_eq!(of_ours.due_in(UNIX_EPOCH), days(20));
        assert_eq!(of_ours.due_in(UNIX_EPOCH + days(19)), days(1));
        assert_eq!(of_ours.due_in(UNIX_EPOCH + days(25)), Duration::ZERO);
        assert_eq!(acme("other.example.test").due_in(UNIX_EPOCH), Duration::ZERO);
    }
}
