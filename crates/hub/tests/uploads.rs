//! Upload tokens: who gets one, how long it holds, whose word counts.

mod host;

use host::{Host, TOKEN_OF_NOBODY};
use hub::port::admin::{Operation, UserFields};
use hub::port::store::StoreError;
use hub::{Hub, Input, Relay, RelayCredential, UploadKey, relay_password};
use wire::id::{AppId, Ticket, Uid};
use wire::limits::{PING_INTERVAL, RELAY_CREDENTIAL_LIFETIME, UPLOAD_TOKEN_LIFETIME};
use wire::proto::{Pong, client_frame, server_frame};
use wire::time::Duration;

fn host() -> Host {
    let mut host = Host::new();
    let hub = std::mem::replace(&mut host.hub, Hub::new(1));
    host.hub = hub.with_upload_key(UploadKey([3; 32]));
    host
}

fn who(host: &mut Host, credential: &str) -> Result<Option<(AppId, Uid)>, StoreError> {
    let credential = credential.into();
    host.input(Input::Uploader { ticket: Ticket(1), credential, begins: false });
    let who = host.uploaders.pop().expect("every question is answered");
    who.map(|who| who.map(|who| (who.aid, who.uid)))
}

#[test]
fn the_welcome_brings_a_token_that_says_who_uploads() {
    let mut host = host();
    let token = host.user("ada");
    let (_, welcome) = host.resume(&token, 0);
    let ada = Ok(Some((AppId(1), Uid(welcome.uid))));
    assert_eq!(who(&mut host, &welcome.upload_token), ada);
    assert_eq!(who(&mut host, &token), ada, "the user token does as well");
    for worthless in ["", TOKEN_OF_NOBODY, "up.1.1.99999999999.00", &"x".repeat(5_000)] {
        assert_eq!(who(&mut host, worthless), Ok(None), "{worthless:?}");
    }
    host.advance(UPLOAD_TOKEN_LIFETIME);
    assert_eq!(who(&mut host, &welcome.upload_token), Ok(None));
    assert_eq!(who(&mut host, &token), Ok(None), "it was for an hour");
}

#[test]
fn a_session_that_lasts_gets_the_next_token_before_the_first_one_ends() {
    let mut host = host();
    let token = host.user_with("ada", UserFields::default(), 0);
    let (session, first) = host.resume(&token, 0);
    let (mut passed, mut renewed) = (Duration::ZERO, Vec::new());
    while passed < UPLOAD_TOKEN_LIFETIME {
        host.frame(session, client_frame::Body::Pong(Pong { sent: 0 }));
        host.advance(PING_INTERVAL);
        passed += PING_INTERVAL;
        renewed.extend(host.received(session).into_iter().filter_map(|frame| match frame {
            server_frame::Body::UploadToken(upload) => Some(upload.token),
            _ => None,
        }));
    }
    assert_eq!(renewed.len(), 2);
    assert_eq!(who(&mut host, &first.upload_token), Ok(None));
    assert!(renewed.iter().all(|token| who(&mut host, token).is_ok_and(|who| who.is_some())));
}

#[test]
fn a_session_is_told_of_relays_with_a_credential_of_its_own_that_is_renewed() {
    let mut host = host();
    let hub = std::mem::replace(&mut host.hub, Hub::new(1));
    let credential = RelayCredential::Secret("north".into());
    let urls = vec!["turn:192.0.2.1:3478".to_owned()];
    host.hub = hub.with_relay(Some(Relay { urls, credential, only: true }));
    let token = host.user_with("ada", UserFields::default(), 0);
    let (session, welcome) = host.resume(&token, 0);
    let [first] = &welcome.ice_servers[..] else { panic!("{:?}", welcome.ice_servers) };
    assert!(first.only && first.urls == "turn:192.0.2.1:3478");
    assert!(first.username.ends_with(&format!(":{}", welcome.uid)), "{}", first.username);
    assert_eq!(first.credential, relay_password("north", &first.username));
    let (mut passed, mut renewed) = (Duration::ZERO, Vec::new());
    while passed < RELAY_CREDENTIAL_LIFETIME {
        host.frame(session, client_frame::Body::Pong(Pong { sent: 0 }));
        host.advance(PING_INTERVAL);
        passed += PING_INTERVAL;
        renewed.extend(host.received(session).into_iter().filter_map(|frame| match frame {
            server_frame::Body::UploadToken(next) => next.ice_servers.into_iter().next(),
            _ => None,
        }));
    }
    assert!(!renewed.is_empty() && renewed.iter().all(|next| next.username > first.username));
}

#[test]
fn who_is_switched_off_or_gone_uploads_nothing() {
    let mut host = host();
    let token = host.user("ada");
    let (_, welcome) = host.resume(&token, 0);
    let off = UserFields { active: Some(false), ..UserFields::default() };
    let operation = Operation::UserAdd { address: "ada".into(), fields: off, token: None };
    host.admin(operation).expect("the user is edited");
    assert_eq!(who(&mut host, &welcome.upload_token), Ok(None));
    assert_eq!(who(&mut host, &token), Ok(None));
}
