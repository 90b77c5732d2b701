//! Rooms through the whole process: backend, WebSocket, hub, SFU, with the port of the media.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use mesibo_server::Server;
use mesibo_server::config::Config;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use wire::frame::{decode_server, encode_client};
use wire::proto::{
    Answer, Hello, Kind, Negotiate, Publish, ReceiveTrack, RoomEnter, SendTrack, Stream,
    client_frame, server_frame,
};

/// Two lines as a browser offers them: its microphone, and somebody's picture.
const OFFER: &str = "v=0\r\no=- 46117317 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
a=group:BUNDLE 0 1\r\n\
m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
a=fingerprint:sha-256 0E:2D:6B:5B:C1:5D:7A:F8:9C:52:36:2D:19:25:2C:85:0B:8E:E1:92:52:63:F5:16:\
0E:2D:6B:5B:C1:5D:7A:F8\r\na=setup:actpass\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\n\
a=rtpmap:111 opus/48000/2\r\na=ssrc:1001 cname:x\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\na=mid:1\r\na=recvonly\r\na=rtcp-mux\r\n\
a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_in_a_room_is_answered_for_what_its_user_may() {
    let world = World::start().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let gid = world.group(&["ada", "bob"]).await;

    let mut ada = world.enter(&ada, gid).await;
    let own = ada.publish(gid).await;
    let mut bob = world.enter(&bob, gid).await;
    bob.publish(gid).await;

    let receive = vec![ReceiveTrack { mid: "1".into(), stream: own.id, kind: Kind::Video.into() }];
    let answer = bob.negotiate(gid, OFFER, true, receive).await;
    assert_eq!(directions(&answer.answer), ["a=recvonly", "a=sendonly"], "{}", answer.reason);
    assert!(answer.answer.contains("a=ice-lite"));
    assert!(answer.answer.contains(" 127.0.0.1 "), "{}", answer.answer);

    let nobody = vec![ReceiveTrack { mid: "1".into(), stream: 4_711, kind: Kind::Video.into() }];
    let answer = bob.negotiate(gid, OFFER, false, nobody).await;
    assert_eq!(directions(&answer.answer), ["a=recvonly", "a=inactive"], "{}", answer.reason);
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_offer_is_refused_with_its_reason_and_the_next_one_answered() {
    let world = World::start().await;
    let ada = world.user("ada").await;
    let gid = world.group(&["ada"]).await;
    let mut ada = world.enter(&ada, gid).await;
    ada.publish(gid).await;
    for offer in ["hello", "v=0\r\n", &OFFER.replace("a=ice-ufrag:abcd\r\n", "")] {
        let answer = ada.negotiate(gid, offer, true, Vec::new()).await;
        assert_eq!(answer.answer, "");
        assert!(!answer.reason.is_empty());
    }
    let answer = ada.negotiate(gid, OFFER, true, Vec::new()).await;
    assert_eq!(directions(&answer.answer), ["a=recvonly", "a=inactive"], "{}", answer.reason);
    world.server.stop().await;
}

fn directions(sdp: &str) -> Vec<&str> {
    let known = ["a=recvonly", "a=sendonly", "a=sendrecv", "a=inactive"];
    sdp.lines().filter(|line| known.contains(line)).collect()
}

struct World {
    server: Server,
    app: String,
    _data: tempfile::TempDir,
}

impl World {
    async fn start() -> World {
        let data = tempfile::tempdir().unwrap();
        let server = Server::start(Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data: data.path().to_owned(),
            media: "127.0.0.1:0".parse().unwrap(),
            admin_key: Some("the key of these tests, long enough".into()),
            ..Config::default()
        });
        let server = server.await.unwrap();
        let app =
            json!({"op": "appadd", "key": "the key of these tests, long enough", "name": "rooms"});
        let app = backend(server.address, app).await["token"].as_str().unwrap().to_owned();
        World { server, app, _data: data }
    }

    async fn call(&self, mut operation: Value) -> Value {
        operation["token"] = self.app.clone().into();
        backend(self.server.address, operation).await
    }

    async fn user(&self, address: &str) -> String {
        let user = json!({"address": address, "token": {"appid": "rooms", "expiry": 60}});
        let answer = self.call(json!({"op": "useradd", "user": user})).await;
        answer["user"]["token"].as_str().unwrap().to_owned()
    }

    async fn group(&self, members: &[&str]) -> u32 {
        let answer = self.call(json!({"op": "groupadd", "group": {"name": "room"}})).await;
        let gid = answer["group"]["gid"].as_u64().unwrap();
        let rights = json!({"send": true, "recv": true, "pub": true, "sub": true, "list": true});
        let members = json!({"m": members.join(","), "permissions": rights});
        self.call(json!({"op": "groupeditmembers", "group": {"gid": gid, "members": members}}))
            .await;
        gid as u32
    }

    /// A session that is in the room.
    async fn enter(&self, token: &str, gid: u32) -> Session {
        let mut request = format!("ws://{}/ws", self.server.address).into_client_request().unwrap();
        let protocol = "mesibo.v1".parse().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut session = Session { socket, ticket: 0 };
        let hello = Hello { token: token.into(), device: vec![7; 16], ..Hello::default() };
        session.say(client_frame::Body::Hello(hello)).await;
        session.hear(|frame| matches!(frame, server_frame::Body::Welcome(_)).then_some(())).await;
        session.say(client_frame::Body::RoomEnter(RoomEnter { gid })).await;
        session.hear(|frame| matches!(frame, server_frame::Body::RoomState(_)).then_some(())).await;
        session
    }
}

struct Session {
    socket: tokio_tungstenite::WebSocketStream<
        tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>,
    >,
    ticket: u32,
}

impl Session {
    async fn say(&mut self, frame: client_frame::Body) {
        self.socket.send(Message::Binary(encode_client(frame).into())).await.unwrap();
    }

    /// Waits for the frame that is wanted.
    async fn hear<T>(&mut self, wanted: impl Fn(server_frame::Body) -> Option<T>) -> T {
        const PATIENCE: Duration = Duration::from_secs(20);
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next());
            let message = next.await.expect("it comes").expect("the socket is open").unwrap();
            if let Message::Binary(bytes) = message
                && let Some(found) = wanted(decode_server(&bytes).unwrap())
            {
                return found;
            }
        }
    }

    /// Publishes a camera; answers how the server knows it.
    async fn publish(&mut self, gid: u32) -> Stream {
        let publish = Publish { gid, audio: true, video: true, ..Publish::default() };
        self.say(client_frame::Body::Publish(publish)).await;
        self.hear(|frame| match frame {
            server_frame::Body::RoomUpdate(mut update) => update.own.pop(),
            _ => None,
        })
        .await
    }

    /// Offers, with the microphone in the first line.
    async fn negotiate(
        &mut self,
        gid: u32,
        offer: &str,
        fresh: bool,
        receive: Vec<ReceiveTrack>,
    ) -> Answer {
        self.ticket += 1;
        let send = vec![SendTrack { mid: "0".into(), sid: 0, kind: Kind::Audio.into() }];
        let ticket = self.ticket;
        let offer = offer.into();
        let negotiate = Negotiate { gid, ticket, offer, send, receive, fresh };
        self.say(client_frame::Body::Negotiate(negotiate)).await;
        self.hear(|frame| match frame {
            server_frame::Body::Answer(answer) if answer.ticket == ticket => Some(answer),
            _ => None,
        })
        .await
    }
}

/// One operation of the backend API, as a backend sends it.
async fn backend(server: SocketAddr, operation: Value) -> Value {
    let body = operation.to_string();
    let exchange = move || {
        let mut socket = TcpStream::connect(server).unwrap();
        let head = format!(
            "POST /backend HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(body.as_bytes()).unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        let (_, answer) = text.split_once("\r\n\r\n").unwrap();
        let answer: Value = serde_json::from_str(answer).unwrap();
        assert_eq!(answer["result"], true, "{body}: {answer}");
        answer
    };
    tokio::task::spawn_blocking(exchange).await.unwrap()
}
