//! A session of the hub that has no page: it enters a room, publishes or watches with one offer, and
//! stays until it is let go.
//!
//! What it may do the hub decides, as for everybody: to it this is a socket like any other. It is
//! not shown online, and acknowledges nothing of its user's log: messages wait for real devices.

use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wire::code::Code;
use wire::frame::decode_server;
use wire::id::SessionId;
use wire::limits::ANSWER_WITHIN;
use wire::mask::group_error;
use wire::proto::{
    Hello, Kind, Negotiate, Pong, Publish, ReceiveTrack, Rights, RoomEnter, SendTrack, Stream,
    client_frame, server_frame,
};

use super::lines::{Line, capped, lines};
use crate::hub_task::{HubHandle, ToHub};
use crate::orders::{OrderReceiver, ToSocket, orders};

/// What a guest wants.
pub enum Wish {
    /// To publish what its offer sends.
    Publish {
        /// The publisher's number of the stream.
        sid: u32,
        /// As it is shown to others.
        name: String,
    },
    /// To watch one stream.
    Watch(Choice),
}

/// Which stream is watched; what is not said may be anything.
#[derive(Default)]
pub struct Choice {
    /// The number of the stream.
    pub stream: Option<u64>,
    /// The publisher's address.
    pub publisher: Option<String>,
    /// The publisher's number of the stream.
    pub sid: Option<u32>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Refusal {
    /// The token is worth nothing.
    Token,
    /// The user may not do this here.
    Right(String),
    /// Nobody publishes what is to be watched.
    NothingThere,
    /// The offer.
    Offer(String),
    /// The server stops, has too much to do, or signed the session out.
    Server,
}

/// Somebody without a page.
pub struct Guest {
    hub: HubHandle,
    session: SessionId,
    orders: OrderReceiver,
    heard: std::vec::IntoIter<ToSocket>,
}

impl Guest {
    /// Signs in, enters the room and offers once; answers with the SDP of the media server.
    pub async fn enter(
        hub: &HubHandle,
        address: IpAddr,
        token: &str,
        gid: u32,
        wish: Wish,
        offer: String,
    ) -> Result<(Guest, String), Refusal> {
        if lines(&offer).is_empty() {
            return Err(Refusal::Offer("the offer has no audio or video line".into()));
        }
        let session = hub.new_session();
        let (sender, orders) = orders();
        if !hub.tell(ToHub::Opened(session, address, sender)).await {
            return Err(Refusal::Server);
        }
        let mut guest = Guest { hub: hub.clone(), session, orders, heard: Vec::new().into_iter() };
        let entered = guest.negotiate(token, gid, wish, offer);
        let answer = tokio::time::timeout(ANSWER_WITHIN, entered).await;
        match answer.unwrap_or(Err(Refusal::Server)) {
            Ok(answer) => Ok((guest, answer)),
            Err(refusal) => {
                guest.leave().await;
                Err(refusal)
            }
        }
    }

    async fn negotiate(
        &mut self,
        token: &str,
        gid: u32,
        wish: Wish,
        offer: String,
    ) -> Result<String, Refusal> {
        use server_frame::Body;
        let lines = lines(&offer);
        // The same token is the same device, so that it may publish and watch at once.
        let device = Sha256::digest(token)[..16].to_vec();
        let (token, version) = (token.to_owned(), "whip".to_owned());
        let hello = Hello { token, device, version, hidden: true, ..Hello::default() };
        self.say(client_frame::Body::Hello(hello)).await;
        let mut offered = false;
        let mut rights = Rights::default();
        loop {
            match self.hear().await? {
                Body::Welcome(_) => {
                    self.say(client_frame::Body::RoomEnter(RoomEnter { gid })).await;
                }
                Body::Refused(refused) => {
                    let ours = [Code::Overloaded, Code::ShuttingDown, Code::Storage];
                    let ours = ours.iter().any(|code| *code as u32 == refused.code);
                    return Err(if ours { Refusal::Server } else { Refusal::Token });
                }
                Body::RoomState(state) if state.gid == gid => match &wish {
                    Wish::Publish { sid, name } => {
                        rights = state.rights.unwrap_or_default();
                        let publish = Publish {
                            gid,
                            sid: *sid,
                            name: name.clone(),
                            audio: lines.iter().any(|line| line.kind == Kind::Audio),
                            video: lines.iter().any(|line| line.kind == Kind::Video),
                            ..Publish::default()
                        };
                        self.say(client_frame::Body::Publish(publish)).await;
                    }
                    Wish::Watch(choice) => {
                        let stream = choice.of(&state.streams).ok_or(Refusal::NothingThere)?;
                        let receive = receive(&lines, stream);
                        self.offer(gid, &offer, Vec::new(), receive).await;
                    }
                },
                Body::RoomUpdate(update) if update.gid == gid => {
                    let announced = !update.own.is_empty() && !offered;
                    if let (Wish::Publish { sid, .. }, true) = (&wish, announced) {
                        offered = true;
                        let send = send(&lines, *sid);
                        self.offer(gid, &offer, send, Vec::new()).await;
                    }
                }
                Body::RoomRefused(refused) if refused.gid == gid => {
                    return Err(match refused.error {
                        group_error::GENERAL => Refusal::Server,
                        _ => Refusal::Right(refused.reason),
                    });
                }
                Body::Answer(answer) if answer.gid == gid => {
                    return match answer.answer.is_empty() {
                        true => Err(Refusal::Offer(answer.reason)),
                        false => Ok(capped(&answer.answer, rights.audio_kbps, rights.video_kbps)),
                    };
                }
                _ => {}
            }
        }
    }

    async fn offer(&self, gid: u32, offer: &str, send: Vec<SendTrack>, receive: Vec<ReceiveTrack>) {
        let (ticket, fresh, offer) = (1, true, offer.to_owned());
        let negotiate = Negotiate { gid, ticket, offer, send, receive, fresh };
        self.say(client_frame::Body::Negotiate(negotiate)).await;
    }

    /// Stays until the room is closed, its media is lost, or the session ends.
    pub async fn stay(&mut self) {
        while let Ok(frame) = self.hear().await {
            if let server_frame::Body::RoomUpdate(update) = frame
                && (update.closed || update.lost)
            {
                return;
            }
        }
    }

    /// Gone, with all it published.
    pub async fn leave(self) {
        self.hub.tell(ToHub::Closed(self.session)).await;
    }

    async fn say(&self, frame: client_frame::Body) {
        self.hub.tell(ToHub::Frames(self.session, vec![Ok(frame)])).await;
    }

    /// The next frame that is not about the connection itself.
    async fn hear(&mut self) -> Result<server_frame::Body, Refusal> {
        loop {
            match self.heard.next() {
                Some(ToSocket::Frame(bytes)) => {
                    self.hub.tell(ToHub::Drained(self.session, bytes.len())).await;
                    match decode_server(&bytes) {
                        Ok(server_frame::Body::Ping(ping)) => {
                            let pong = Pong { sent: ping.sent };
                            self.say(client_frame::Body::Pong(pong)).await;
                        }
                        Ok(frame) => return Ok(frame),
                        Err(_) => {}
                    }
                }
                Some(ToSocket::Close(_)) => return Err(Refusal::Server),
                None => {
                    let orders = self.orders.take().await.ok_or(Refusal::Server)?;
                    self.heard = orders.into_iter();
                }
            }
        }
    }
}

impl Choice {
    fn of<'a>(&self, streams: &'a [Stream]) -> Option<&'a Stream> {
        streams.iter().find(|stream| {
            self.stream.is_none_or(|id| stream.id == id)
                && self.publisher.as_ref().is_none_or(|address| stream.address == *address)
                && self.sid.is_none_or(|sid| stream.sid == sid)
        })
    }
}

/// The first line of each kind carries it.
fn first_of_each(lines: &[Line]) -> impl Iterator<Item = &Line> {
    let kinds = [Kind::Audio, Kind::Video];
    kinds.into_iter().filter_map(|kind| lines.iter().find(|line| line.kind == kind))
}

fn send(lines: &[Line], sid: u32) -> Vec<SendTrack> {
    let track = |line: &Line| SendTrack { mid: line.mid.clone(), sid, kind: line.kind.into() };
    first_of_each(lines).map(track).collect()
}

fn receive(lines: &[Line], stream: &Stream) -> Vec<ReceiveTrack> {
    let stream = stream.id;
    let track =
        |line: &Line| ReceiveTrack { mid: line.mid.clone(), stream, kind: line.kind.into() };
    first_of_each(lines).map(track).collect()
}

/// How long somebody who comes before the publisher is asked to wait.
pub const COME_AGAIN: Duration = Duration::from_secs(2);
