//! The program with a certificate: sockets over TLS, renewal while it runs.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::Connector;
use wire::code::Code;
use wire::proto::{entry, server_frame};

use support::{PATIENCE, Program, Session, message};

/// Draws a certificate into the folder, as certbot would; the certificate.
fn draw(folder: &Path) -> CertificateDer<'static> {
    let drawn = rcgen::generate_simple_self_signed(["127.0.0.1".into()]).unwrap();
    std::fs::write(folder.join("privkey.pem"), drawn.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("fullchain.pem"), drawn.cert.pem()).unwrap();
    drawn.cert.der().clone()
}

/// Trusts these certificates and no others.
fn trusting(certificates: &[CertificateDer<'static>]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    certificates.iter().for_each(|certificate| roots.add(certificate.clone()).unwrap());
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

fn with_certificate(folder: &Path, users: [&str; 2]) -> (Program, [String; 2]) {
    let mut server = Program::start(Path::new(env!("CARGO_BIN_EXE_mesibo-server")));
    let tokens = users.map(|user| server.user(user));
    server.kill_and_start_with(&["--tls-dir", folder.to_str().unwrap()]);
    (server, tokens)
}

async fn sign_in(server: &Program, tls: &Arc<ClientConfig>, token: &str) -> Session {
    let mut session = server.connect_by("wss", Some(Connector::Rustls(tls.clone()))).await;
    session.sign_in(token).await;
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_come_over_tls_whole_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let tls = trusting(&[draw(folder.path())]);
    let (mut server, [ada, bob]) = with_certificate(folder.path(), ["ada", "bob"]);
    let mut ada = sign_in(&server, &tls, &ada).await;
    let mut bob = sign_in(&server, &tls, &bob).await;
    let text = |id: u64| format!("{id} ").repeat(9_000);
    // More than all buffers between the two hold.
    for id in 1..=200 {
        ada.say(message(id, "bob", text(id))).await;
    }
    let bodies = |entry: wire::proto::LogEntry| match entry.entry?.body? {
        entry::Body::Message(message) => String::from_utf8(message.content?.body.to_vec()).ok(),
        _ => None,
    };
    let mut received = Vec::new();
    while received.len() < 200 {
        let entries = bob.entries(1).await;
        let last = entries.last().unwrap().seq;
        received.extend(entries.into_iter().filter_map(bodies));
        let ack = wire::proto::Ack { seq: last, ..Default::default() };
        bob.say(wire::proto::client_frame::Body::Ack(ack)).await;
    }
    assert!(received.iter().zip(1..).all(|(received, id)| *received == text(id)));

    let heard = tokio::spawn(async move { bob.end().await });
    let status = tokio::task::spawn_blocking(move || server.terminate()).await.unwrap();
    assert_eq!(heard.await.unwrap(), Some(4000 + Code::ShuttingDown.number() as u16));
    assert!(status.success(), "{status}");
}

/// The certificate that a new connection is shown.
async fn shown(server: &Program, tls: &Arc<ClientConfig>) -> CertificateDer<'static> {
    let socket = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let name = "127.0.0.1".try_into().unwrap();
    let socket = TlsConnector::from(tls.clone()).connect(name, socket).await.unwrap();
    socket.get_ref().1.peer_certificates().unwrap()[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_shown_without_a_restart_and_a_broken_one_never() {
    let folder = tempfile::tempdir().unwrap();
    let first = draw(folder.path());
    let (server, [ada, _]) = with_certificate(folder.path(), ["ada", "bob"]);
    let second = draw(folder.path());
    let tls = trusting(&[first.clone(), second.clone()]);
    let mut before = sign_in(&server, &tls, &ada).await;
    assert_eq!(shown(&server, &tls).await, first);

    server.signal("HUP");
    let begin = Instant::now();
    while shown(&server, &tls).await != second {
        assert!(begin.elapsed() < PATIENCE, "the old certificate is still shown");
    }
    std::fs::write(folder.path().join("privkey.pem"), "no key").unwrap();
    server.signal("HUP");
    before.say(message(1, "bob", "the old connection lives")).await;
    let accepted = |frame| matches!(frame, server_frame::Body::Accepted(_)).then_some(());
    before.hear(accepted).await;
    assert_eq!(shown(&server, &tls).await, second);
}

#[test]
fn a_key_of_another_certificate_is_refused_at_the_start() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    draw(folder.path());
    draw(other.path());
    std::fs::copy(other.path().join("privkey.pem"), folder.path().join("privkey.pem")).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mesibo-server"))
        .args(["--listen", "127.0.0.1:0", "--media", "127.0.0.1:0", "--tls-dir"])
        .arg(folder.path())
        .arg("--data")
        .arg(other.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("do not belong together"), "{said}");
}
