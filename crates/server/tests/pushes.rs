//! Push messages by Firebase and Apple: services of our own that look at everything they are asked.

mod support;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair as RsaKey, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use bytes::Bytes;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use p12_keystore::{Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, PrivateKey};
use rcgen::{CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs as provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use wire::proto::{PushToken, client_frame, server_frame};

use support::{Program, message};

/// Bytes in hexadecimal digits, as Apple's are.
const IPHONE: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";
/// As Firebase's are.
const ANDROID: &str = "dQ3rXc:APA91bHun4MxP5egoKMwt2KZFBaFUH";

/// One request to a service.
#[derive(Debug)]
struct Asked {
    path: String,
    head: hyper::HeaderMap,
    body: String,
}

/// What a service answers, by path.
type Answers = Arc<Mutex<Box<dyn Fn(&str) -> (u16, Value) + Send>>>;

async fn answered(
    request: Request<Incoming>,
    asked: mpsc::UnboundedSender<Asked>,
    answers: Answers,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = parts.uri.path().to_owned();
    let (status, answer) = answers.lock().unwrap()(&path);
    let body = String::from_utf8(body.to_vec()).unwrap();
    asked.send(Asked { path, head: parts.headers, body }).unwrap();
    let answer = Full::new(Bytes::from(answer.to_string()));
    Ok(Response::builder().status(status).body(answer).unwrap())
}

/// A service; with TLS it speaks HTTP/2.
struct Service {
    address: SocketAddr,
    asked: mpsc::UnboundedReceiver<Asked>,
    answers: Answers,
}

impl Service {
    async fn start(tls: Option<ServerConfig>) -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (told, asked) = mpsc::unbounded_channel();
        let answers: Answers = Arc::new(Mutex::new(Box::new(|_| (200, json!({})))));
        let kept = answers.clone();
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (told, answers, tls) = (told.clone(), kept.clone(), tls.clone());
                tokio::spawn(async move {
                    let service =
                        service_fn(|request| answered(request, told.clone(), answers.clone()));
                    let _ = match tls {
                        None => {
                            http1::Builder::new()
                                .serve_connection(TokioIo::new(socket), service)
                                .await
                        }
                        Some(tls) => match tls.accept(socket).await {
                            Ok(socket) => {
                                http2::Builder::new(TokioExecutor::new())
                                    .serve_connection(TokioIo::new(socket), service)
                                    .await
                            }
                            Err(_) => Ok(()),
                        },
                    };
                });
            }
        });
        Service { address, asked, answers }
    }

    fn answer(&self, answers: impl Fn(&str) -> (u16, Value) + Send + 'static) {
        *self.answers.lock().unwrap() = Box::new(answers);
    }

    async fn next(&mut self) -> Asked {
        let next = tokio::time::timeout(support::PATIENCE, self.asked.recv()).await;
        next.expect("it is asked in time").unwrap()
    }
}

/// A user's device has said where it is woken, and has gone.
async fn sleeping(server: &Program, name: &str, place: &str, voip: bool) {
    let token = server.user(name);
    let mut session = server.sign_in(&token).await;
    let push = PushToken { ticket: 7, token: place.into(), voip };
    session.say(client_frame::Body::PushToken(push)).await;
    session.hear(|frame| matches!(frame, server_frame::Body::Accepted(_)).then_some(())).await;
    drop(session);
    let is_away =
        || server.call(json!({"op": "usersget", "addr": name}))["users"][0]["online"] == 0;
    while !is_away() {
        tokio::task::yield_now().await;
    }
}

fn google(token_uri: &str) -> (String, RsaKey) {
    let key = RsaKey::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key).unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        BASE64.encode(der.as_ref())
    );
    let account = json!({
        "type": "service_account",
        "project_id": "shop-1",
        "private_key_id": "key one",
        "private_key": pem,
        "client_email": "push@shop-1.example.test",
        "token_uri": token_uri,
    });
    (account.to_string(), key)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_away_is_woken_by_firebase_as_the_apps_account() {
    let mut service = Service::start(None).await;
    service.answer(|path| match path {
        "/token" => (200, json!({"access_token": "for an hour", "expires_in": 3600})),
        _ => (200, json!({"name": "projects/shop-1/messages/1"})),
    });
    let at = format!("http://{}", service.address);
    let program = Path::new(env!("CARGO_BIN_EXE_mesibo-server"));
    let server = Program::start_with(program, &["--push-allow-private", "true", "--push-fcm", &at]);
    let (account, key) = google(&format!("{at}/token"));

    // As a form with a file, whose name says what it is.
    let form = format!(
        "--x\r\nContent-Disposition: form-data; name=\"op\"\r\n\r\npushupload\r\n\
         --x\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n{}\r\n\
         --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"shop.json\"\r\n\r\n{account}\r\n--x--\r\n",
        server.app()
    );
    let said = server.post("/backend", "multipart/form-data; boundary=x", &form);
    let known = json!([{"type": "fcm", "name": "shop-1", "expiry": 0}]);
    assert_eq!((&said["result"], &said["push"]["credentials"]), (&json!(true), &known), "{said}");
    for op in ["appget", "pushset"] {
        let said = server.call(json!({ "op": op })).to_string();
        assert!(!said.contains("PRIVATE KEY"), "never told again: {said}");
    }

    sleeping(&server, "bob", ANDROID, false).await;
    let mut ada = server.sign_in(&server.user("ada")).await;
    ada.say(message(1, "bob", "a secret")).await;
    let token = service.next().await;
    assert_eq!(token.path, "/token");
    let fields: std::collections::HashMap<_, _> =
        form_urlencoded::parse(token.body.as_bytes()).into_owned().collect();
    assert_eq!(fields["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (signed, signature) = fields["assertion"].rsplit_once('.').unwrap();
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
    public.verify(signed.as_bytes(), &signature).expect("signed by the account");
    let claims = BASE64URL_NOPAD.decode(signed.split_once('.').unwrap().1.as_bytes()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["iss"], "push@shop-1.example.test");
    let sent = service.next().await;
    assert_eq!(sent.path, "/v1/projects/shop-1/messages:send");
    assert_eq!(sent.head["authorization"], "Bearer for an hour");
    let said: Value = serde_json::from_str(&sent.body).unwrap();
    assert_eq!(said["message"]["token"], ANDROID);
    assert_eq!(said["message"]["data"]["aid"], "1");
    assert!(!sent.body.contains("a secret") && said["message"].get("notification").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_tells_what_firebase_says_and_a_place_that_is_no_more_is_forgotten() {
    let service = Service::start(None).await;
    let at = format!("http://{}", service.address);
    let program = Path::new(env!("CARGO_BIN_EXE_mesibo-server"));
    let server = Program::start_with(program, &["--push-allow-private", "true", "--push-fcm", &at]);
    sleeping(&server, "bob", ANDROID, false).await;
    let test = || server.call(json!({"op": "pushtest", "push": {"address": "bob"}}));
    let said = test();
    assert_eq!((&said["sent"], &said["push"]["answers"][0]["type"]), (&json!(0), &json!("fcm")));
    let (account, _) = google(&format!("{at}/token"));
    let file = BASE64.encode(account.as_bytes());
    let said = server.call(json!({"op": "pushupload", "push": {"type": "fcm", "file": file}}));
    assert_eq!(said["result"], true, "{said}");
    service.answer(|path| match path {
        "/token" => (200, json!({"access_token": "t", "expires_in": 3600})),
        _ => (200, json!({"name": "x"})),
    });
    assert_eq!(test()["sent"], 1);
    service.answer(|path| match path {
        "/token" => (200, json!({"access_token": "t", "expires_in": 3600})),
        _ => (
            404,
            json!({"error": {"status": "NOT_FOUND", "details": [{"errorCode": "UNREGISTERED"}]}}),
        ),
    });
    let said = test();
    let answer = json!({"type": "fcm", "status": 404, "answer": "UNREGISTERED"});
    assert_eq!((&said["sent"], &said["push"]["answers"][0]), (&json!(0), &answer));
    while test()["push"]["answers"] != json!([]) {
        tokio::task::yield_now().await;
    }
    let said = server.call(json!({"op": "pushtest", "addr": "nobody"}));
    assert_eq!((&said["error"], &said["properties"][0]), (&json!("NOUSER"), &json!("addr")));
    let said = server.call(json!({"op": "pushset", "push": {"delete": ["shop-1"], "sound": "bell", "background": false}}));
    assert_eq!(said["push"]["credentials"], json!([]));
    assert_eq!((&said["push"]["sound"], &said["push"]["background"]), (&json!("bell"), &json!(0)));
    assert_eq!(server.call(json!({"op": "appget"}))["app"]["pushflags"], 1);
}

/// A CA, and what it has signed: for the service, and for an app as Apple does.
fn apple(folder: &Path) -> (ServerConfig, Vec<u8>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap();
    std::fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    let issuer = Issuer::new(params, key);
    let own_key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(["127.0.0.1".into()]).unwrap();
    let own = own.signed_by(&own_key, &issuer).unwrap();
    let mut app = CertificateParams::default();
    let user_id = DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]);
    app.distinguished_name.push(user_id, "com.example.shop");
    let app_key = KeyPair::generate().unwrap();
    let app = app.signed_by(&app_key, &issuer).unwrap();

    let mut store = KeyStore::new();
    let private = PrivateKey::from_der(app_key.serialized_der()).unwrap();
    let certificate = Certificate::from_der(app.der()).unwrap();
    let chain = p12_keystore::PrivateKeyChain::new("1", private, [certificate]);
    store.add_entry("shop", KeyStoreEntry::PrivateKeyChain(chain));
    // As the keychain of a Mac writes it.
    let algorithm = EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc;
    let file = store.writer("").encryption_algorithm(algorithm).write().unwrap();

    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let provider = Arc::new(provider::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![own.der().clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own_key.serialize_der())),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    (config, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_away_is_woken_by_apple_with_the_apps_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, file) = apple(folder.path());
    let mut service = Service::start(Some(tls)).await;
    let at = format!("https://{}", service.address);
    let ca = folder.path().join("ca.pem");
    let arguments = ["--push-apn", &at, "--push-apn-ca", ca.to_str().unwrap()];
    let program = Path::new(env!("CARGO_BIN_EXE_mesibo-server"));
    let mut server = Program::start_with(program, &arguments);
    let upload = json!({"filename": "shop.p12", "file": BASE64.encode(&file)});
    let said = server.call(json!({"op": "pushupload", "push": upload}));
    assert_eq!(said["push"]["credentials"][0]["name"], "com.example.shop", "{said}");
    // It is still there after a crash.
    server.kill_and_start_with(&arguments);

    sleeping(&server, "bob", IPHONE, false).await;
    let mut ada = server.sign_in(&server.user("ada")).await;
    ada.say(message(1, "bob", "a secret")).await;
    let Asked { path, head, body } = service.next().await;
    assert_eq!(path, format!("/3/device/{IPHONE}"));
    assert_eq!(
        (&head["apns-topic"], &head["apns-push-type"]),
        (&"com.example.shop".parse().unwrap(), &"background".parse().unwrap())
    );
    assert!(body.contains("content-available") && !body.contains("a secret"), "{body}");

    // A place for calls is of the app's other topic.
    sleeping(&server, "eve", &IPHONE.replace('0', "a"), true).await;
    let said = server.call(json!({"op": "pushtest", "push": {"address": "eve"}}));
    assert_eq!(said["sent"], 1, "{said}");
    let asked = service.next().await;
    assert_eq!(asked.head["apns-topic"], "com.example.shop.voip");

    service.answer(|_| (403, json!({"reason": "ExpiredProviderToken"})));
    let said = server.call(json!({"op": "pushtest", "push": {"address": "bob"}}));
    let answer = json!({"type": "apn", "status": 403, "answer": "ExpiredProviderToken"});
    assert_eq!((&said["sent"], &said["push"]["answers"][0]), (&json!(0), &answer));
}
