//! Upload tokens: who gets one, how long it holds, whose word counts.

mod host;

use host::{Host, TOKEN_OF_NOBODY};
use hub::port::admin::{Operation, UserFields};
use hub::port::store::StoreError;
use hub::{Hub, Input, UploadKey};
use wire::id::{AppId, Ticket, Uid};
use wire::limits::{PING_INTERVAL, UPLOAD_TOKEN_LIFETIME};
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
