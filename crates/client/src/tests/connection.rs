//! Status sequences of `client-api.md` 5.2.

use alloc::vec;
use wire::code::Code;
use wire::proto::{self, client_frame, server_frame};
use wire::time::Duration;

use super::Page;
use crate::event::ConnectionStatus as Status;
use crate::{Client, Input, StartError};

fn refuse(page: &mut Page, code: Code) {
    let refused = proto::Refused { code: code.number(), reason: "no".into() };
    page.server(server_frame::Body::Refused(refused));
}

#[test]
fn connecting_comes_before_online() {
    let mut page = Page::new();
    page.start();
    assert_eq!(page.statuses(), [Status::Connecting]);
    page.welcome(0);
    assert_eq!(page.statuses(), [Status::Connecting, Status::Online]);
    assert!(matches!(page.frames[0], client_frame::Body::Hello(_)));
}

#[test]
fn start_without_a_token_is_refused() {
    let mut client = Client::new(1, super::search);
    assert_eq!(client.start(super::Now::default()), Err(StartError::NoToken));
    assert_eq!(client.status(), Status::AuthFail);
}

// Rules: 5.2.9.
#[test]
fn a_refused_token_is_not_tried_again() {
    for (code, status) in [
        (Code::BadToken, Status::AuthFail),
        (Code::WrongApp, Status::AuthFail),
        (Code::TokenExpired, Status::AuthFail),
        (Code::Suspended, Status::Suspend),
        (Code::SignedOut, Status::SignOut),
    ] {
        let mut page = Page::new();
        page.start();
        page.open_socket();
        refuse(&mut page, code);
        assert_eq!(page.statuses(), [Status::Connecting, status]);
        page.input(Input::Visible(true));
        page.input(Input::Network { online: true });
        assert_eq!(page.connects, 1);
        assert_eq!(page.deadline, super::Instant::FAR_FUTURE);
    }
}

#[test]
fn an_unreachable_server_is_tried_again_after_a_while() {
    let mut page = Page::new();
    page.start();
    page.lose_connection();
    page.wait();
    let expected = [Status::Connecting, Status::ConnectFailure, Status::Connecting];
    assert_eq!(page.statuses(), expected);
    assert_eq!(page.connects, 2);
}

#[test]
fn a_lost_connection_is_offline_and_then_connecting() {
    let mut page = Page::online();
    page.lose_connection();
    page.wait();
    assert_eq!(page.statuses(), [Status::Offline, Status::Connecting]);
}

#[test]
fn silence_is_a_lost_connection() {
    let mut page = Page::online();
    page.wait();
    assert_eq!(page.statuses(), [Status::Offline]);
}

#[test]
fn a_ping_is_answered_at_once() {
    let mut page = Page::online();
    page.server(server_frame::Body::Ping(proto::Ping { sent: 5 }));
    assert_eq!(page.frames, [client_frame::Body::Pong(proto::Pong { sent: 5 })]);
}

#[test]
fn without_a_network_nothing_is_tried_until_it_is_back() {
    let mut page = Page::online();
    page.input(Input::Network { online: false });
    page.client.reconnect(page.now);
    page.run();
    assert_eq!(page.statuses(), [Status::NoNetwork]);
    page.input(Input::Network { online: true });
    assert_eq!(page.statuses(), [Status::NoNetwork, Status::Connecting]);
}

#[test]
fn a_stopping_server_is_left_alone_for_the_time_it_asks_for() {
    let mut page = Page::online();
    let code = Code::ShuttingDown.number();
    let goodbye = proto::Goodbye { code, retry_after_ms: 20_000, ..Default::default() };
    page.server(server_frame::Body::Goodbye(goodbye));
    assert!(page.deadline >= page.now.instant + Duration::from_secs(20));
    page.wait();
    assert_eq!(page.statuses(), [Status::Shutdown, Status::Connecting]);
}

#[test]
fn stop_ends_it_and_start_begins_again() {
    let mut page = Page::online();
    page.client.stop(page.now);
    page.client.stop(page.now);
    page.run();
    assert_eq!(page.statuses(), [Status::Stopped]);
    assert_eq!(page.deadline, super::Instant::FAR_FUTURE);
    page.start();
    page.welcome(0);
    assert_eq!(page.statuses(), [Status::Stopped, Status::Connecting, Status::Online]);
}

#[test]
fn a_frame_of_a_former_socket_is_nothing() {
    let mut page = Page::online();
    let former = page.socket.expect("a socket");
    page.lose_connection();
    page.wait();
    page.forget();
    page.input(Input::SocketClosed { socket: former, code: None });
    page.input(Input::SocketOpened { socket: former });
    assert!(page.events.is_empty() && page.frames.is_empty());
}

#[test]
fn memberships_are_what_the_server_says_at_sign_in() {
    use crate::event::Event;
    use wire::id::GroupId;
    let mut page = Page::new();
    let rights = Some(proto::Rights { member: true, ..Default::default() });
    let group = |gid| proto::Group { gid, rights, ..Default::default() };
    let welcome = |groups| {
        let address = "me".into();
        proto::Welcome { uid: 1, address, groups, ..Default::default() }
    };
    page.start();
    page.open_socket();
    page.server(server_frame::Body::Welcome(welcome(vec![group(5), group(6)])));
    assert_eq!(page.client.groups(), [GroupId(5), GroupId(6)]);
    page.lose_connection();
    page.wait();
    page.forget();
    page.open_socket();
    page.server(server_frame::Body::Welcome(welcome(vec![group(6)])));
    let left = Event::GroupLeft { group: GroupId(5), deleted: false };
    assert!(page.events.contains(&left));
    assert_eq!(page.client.groups(), [GroupId(6)]);
}
