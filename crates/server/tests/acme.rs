//! A certificate by ACME, from a real ACME server: Debian's `pebble`, which has to be there
//! (`apt-get install pebble`), so by hand: `cargo test -p mesibo-server --test acme -- --ignored`.

mod support;

use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::parse_x509_certificate;

use support::{PATIENCE, Program};

const DOMAIN: &str = "chat.example.test";
/// Life of a certificate, seconds: renewed when a third is left.
const LIFE_S: u64 = 12;

/// Killed when it goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(program: &str, arguments: &[&str]) -> Running {
    let child = Command::new(program)
        .args(arguments)
        .env("PEBBLE_VA_NOSLEEP", "1")
        // It refuses good nonces by chance, which has no seed: an order would fail now and then, and be
        // tried again a minute later.
        .env("PEBBLE_WFE_NONCEREJECT", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Running(child.unwrap_or_else(|error| panic!("{program} (apt-get install pebble): {error}")))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn free_udp_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Takes whatever certificate is shown.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &aws_lc_rs::default_provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &aws_lc_rs::default_provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// The certificate that a new connection is shown.
async fn shown(server: &Program) -> CertificateDer<'static> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().dangerous();
    let config = config.with_custom_certificate_verifier(Arc::new(Anybody)).with_no_client_auth();
    let socket = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from(DOMAIN).unwrap();
    let socket = TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap();
    socket.get_ref().1.peer_certificates().unwrap()[0].clone()
}

/// Waits for a certificate that pebble has signed, other than these.
async fn next(server: &Program, known: &[CertificateDer<'static>]) -> CertificateDer<'static> {
    let begin = Instant::now();
    loop {
        let certificate = shown(server).await;
        let (_, parsed) = parse_x509_certificate(&certificate).unwrap();
        let by_pebble = parsed.issuer().to_string().contains("Pebble");
        if by_pebble && !known.contains(&certificate) {
            let names = parsed.subject_alternative_name().unwrap().expect("it has names");
            let names = format!("{:?}", names.value.general_names);
            assert!(names.contains(DOMAIN), "{names}");
            return certificate;
        }
        assert!(begin.elapsed() < PATIENCE, "still shown: {}", parsed.issuer());
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pebble: apt-get install pebble"]
async fn a_certificate_is_had_kept_and_renewed_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let drawn = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    std::fs::write(path("ca.pem"), drawn.cert.pem()).unwrap();
    std::fs::write(path("ca.key"), drawn.signing_key.serialize_pem()).unwrap();

    let mut server = Program::start(Path::new(env!("CARGO_BIN_EXE_mesibo-server")));
    let [acme, management, port] = [(); 3].map(|()| free_port());
    let dns = free_udp_port();
    let config = json!({"pebble": {
        "listenAddress": format!("127.0.0.1:{acme}"),
        "managementListenAddress": format!("127.0.0.1:{management}"),
        "certificate": path("ca.pem"),
        "privateKey": path("ca.key"),
        "httpPort": 9,
        "tlsPort": port,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": false,
        "certificateValidityPeriod": LIFE_S,
    }});
    std::fs::write(path("pebble.json"), config.to_string()).unwrap();
    let dns = format!("127.0.0.1:{dns}");
    let names = free_port();
    let names = format!("127.0.0.1:{names}");
    let none = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""];
    let some = ["-defaultIPv4", "127.0.0.1", "-dns01", &dns, "-management", &names];
    let _names = run("pebble-challtestsrv", &[&none[..], &some[..]].concat());
    let strict = ["-strict", "-config", &path("pebble.json"), "-dnsserver", &dns];
    let _pebble = run("pebble", &strict);

    let begin = Instant::now();
    while tokio::net::TcpStream::connect(("127.0.0.1", acme)).await.is_err() {
        assert!(begin.elapsed() < PATIENCE, "pebble does not listen");
        tokio::task::yield_now().await;
    }

    let directory = format!("https://localhost:{acme}/dir");
    let ca = path("ca.pem");
    let flags = [
        "--acme-domains",
        DOMAIN,
        "--acme-contact",
        "ops@example.test",
        "--acme-directory",
        &directory,
        "--acme-ca",
        &ca,
    ];
    server.kill_and_start_at(port, &flags);
    let first = next(&server, &[]).await;
    let second = next(&server, std::slice::from_ref(&first)).await;
    server.kill_and_start_at(port, &flags);
    // What was kept is shown at once, or what has taken its place.
    let third = shown(&server).await;
    assert_ne!(third, first);
    let (_, parsed) = parse_x509_certificate(&third).unwrap();
    assert!(parsed.issuer().to_string().contains("Pebble"), "{}", parsed.issuer());
    let kept = std::fs::read_to_string(server.data().join("acme/certificate.pem")).unwrap();
    assert!(kept.contains("PRIVATE KEY") && kept.contains("CERTIFICATE"));
    assert_ne!(first, second);
}
