//! One client's peer connection: the WebRTC stack, and what its media lines stand for.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use str0m::bwe::Bitrate;
use str0m::change::SdpOffer;
use str0m::media::{Mid, Rid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::Ssrc;
use str0m::{Candidate, Rtc, RtcError};
use wire::limits::{
    LINK_BITS_FIRST, LINK_MEASURED_EVERY, MEDIA_LINES_MAX, PEER_SILENCE_MAX, RESEND_PACKETS_MAX,
};

use crate::command::{Kind, Mapping, PeerId, Refusal, RoomId, StreamId, View};
use crate::line::Line;
use crate::offer::Offer;
use crate::path::Paths;
use crate::quality::Quality;
use crate::redundancy::preferred;
use crate::sfu::{Output, Transmit};

/// A peer in the SFU's table.
pub struct Peer {
    pub id: PeerId,
    pub room: RoomId,
    pub rtc: Rtc,
    pub link: Link,
    /// Where it may receive. Subscribers are known by their place in it, which changes only in
    /// [`map`](Self::map).
    pub lines: Vec<Line>,
    /// What it publishes, by media line.
    pub publishes: Vec<(Mid, StreamId, Kind)>,
    /// How it shows streams, where it has said so.
    pub views: HashMap<StreamId, View>,
    /// Bits a second that its link is thought to carry; `None` when that cannot be known.
    pub estimate: Option<u64>,
    /// Bits a second that are sent now and would be sent if there were room, as the WebRTC stack was
    /// last told.
    pub asked: (u64, u64),
    /// How much of what it wants to see it gets, percent.
    pub fits: u32,
    pub quality: Quality,
    /// Since when its pictures do not fit into that.
    pub thin_since: Option<Instant>,
    /// When its link is measured anew if a picture that was made larger still does not fit.
    pub measure_at: Option<Instant>,
    /// When that was done last.
    pub measured_at: Option<Instant>,
    /// Its own name in binding requests.
    pub fragment: Option<String>,
    pub paths: Paths,
    /// Wants to be driven.
    pub dirty: bool,
    /// Packets that were written to it and have not left, at least.
    pub waiting: u32,
    /// When it wants to be driven.
    pub deadline: Instant,
    /// The earliest time at which it is known to be looked at.
    pub armed: Option<Instant>,
    heard: Instant,
    routes: HashMap<Ssrc, Option<Route>>,
}

/// Whether media can flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Not yet.
    New,
    /// Yes.
    Up,
    /// Not heard for too long; may come back.
    Silent,
    /// Closed by the other side, or broken. A new peer has to take its place.
    Dead,
}

/// What an SSRC of this peer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    pub stream: StreamId,
    pub kind: Kind,
    pub rid: Option<Rid>,
}

/// The WebRTC stack gave up, by an error or by a panic.
#[derive(Debug)]
pub struct Broken;

impl Peer {
    pub fn new(now: Instant, id: PeerId, room: RoomId, candidates: &[SocketAddr]) -> Peer {
        Peer {
            id,
            room,
            rtc: new_rtc(now, candidates),
            link: Link::New,
            lines: Vec::new(),
            publishes: Vec::new(),
            views: HashMap::new(),
            estimate: None,
            asked: (0, 0),
            fits: 100,
            quality: Quality::default(),
            thin_since: None,
            measure_at: None,
            measured_at: None,
            fragment: None,
            paths: Paths::default(),
            dirty: false,
            waiting: 0,
            deadline: now,
            armed: None,
            heard: now,
            routes: HashMap::new(),
        }
    }

    /// Answers an offer. After a refusal nothing has changed that matters.
    pub fn negotiate(
        &mut self,
        now: Instant,
        offer: &str,
        send: &[Mapping],
        receive: &[Mapping],
        candidates: &[SocketAddr],
    ) -> Result<String, Refusal> {
        if !self.rtc.is_alive() {
            let what = "the connection is closed, a new one has to be opened".into();
            return Err(Refusal::Unacceptable { what });
        }
        let outline = Offer::parse(offer)?;
        outline.check(send)?;
        outline.check(receive)?;
        let restricted = outline.restricted(send, receive);
        // The parser's own message would repeat the offer, addresses included.
        let parsed = guarded(|| SdpOffer::from_sdp_string(&restricted))
            .and_then(Result::ok)
            .ok_or_else(|| Refusal::Malformed { what: "not a session description".into() })?;
        match guarded(|| self.rtc.sdp_api().accept_offer(parsed)) {
            Some(Ok(answer)) => Ok(preferred(&answer.to_sdp_string())),
            failed => {
                if self.link == Link::New {
                    self.rtc = new_rtc(now, candidates);
                } else if failed.is_none() {
                    self.rtc.disconnect();
                }
                let what = match failed {
                    Some(Err(RtcError::RemoteSdp(what))) => what,
                    Some(Err(_)) => "it contradicts what was negotiated".into(),
                    _ => "the media server could not cope with it".into(),
                };
                Err(Refusal::Unacceptable { what })
            }
        }
    }

    /// Takes over the mappings of an accepted offer.
    pub fn map(&mut self, send: &[Mapping], receive: &[Mapping]) {
        self.routes.clear();
        self.publishes = send
            .iter()
            .map(|mapping| (Mid::from(mapping.mid.as_str()), mapping.stream, mapping.kind))
            .filter(|(mid, ..)| {
                self.rtc.media(*mid).is_some_and(|media| media.direction().is_receiving())
            })
            .collect();
        // A line whose place another one took has no SSRC any more.
        let rtc = &mut self.rtc;
        self.lines.retain(|line| rtc.direct_api().stream_tx(&line.ssrc).is_some());
        let mut wanted: HashMap<Mid, &Mapping> =
            receive.iter().map(|mapping| (Mid::from(mapping.mid.as_str()), mapping)).collect();
        for line in &mut self.lines {
            let sends =
                self.rtc.media(line.mid).is_some_and(|media| media.direction().is_sending());
            let mapping = wanted.remove(&line.mid).filter(|_| sends);
            line.map(mapping.map(|mapping| mapping.stream));
            line.renegotiated();
        }
        for (mid, mapping) in wanted {
            if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(mid, None) {
                // The publisher has paced its packets already. Held back once more they would come
                // late, and probes of the link would be too thin to measure it.
                stream.set_unpaced(true);
                let mut line = Line::new(mid, stream.ssrc(), mapping.kind);
                line.map(Some(mapping.stream));
                self.lines.push(line);
            }
        }
    }

    /// Takes a datagram. `false` when it is not this peer's, or nothing can be made of it.
    pub fn receive(&mut self, now: Instant, datagram: Receive, proof: bool) -> bool {
        let input = str0m::Input::Receive(now, datagram);
        if proof && !self.rtc.accepts(&input) {
            return false;
        }
        let taken = guarded(|| self.rtc.handle_input(input));
        match taken {
            Some(Ok(())) => {
                self.heard = now;
                true
            }
            // A forged packet must not end a connection.
            Some(Err(_)) => false,
            None => {
                self.rtc.disconnect();
                false
            }
        }
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Instant) -> Result<(), Broken> {
        match guarded(|| self.rtc.handle_input(str0m::Input::Timeout(now))) {
            Some(Ok(())) => Ok(()),
            _ => Err(Broken),
        }
    }

    /// What the WebRTC stack has to say.
    pub fn poll(&mut self) -> Result<str0m::Output, Broken> {
        match guarded(|| self.rtc.poll_output()) {
            Some(Ok(output)) => Ok(output),
            _ => Err(Broken),
        }
    }

    /// What it sends, and where that goes. An answer to a check goes where the check came from.
    pub fn transmit(&self, transmit: str0m::net::Transmit) -> Output {
        const STUN_MAX: u8 = 3;
        let str0m::net::Transmit { source, destination, contents, .. } = transmit;
        let bytes: Vec<u8> = contents.into();
        let destination = match bytes.first() {
            Some(first) if *first > STUN_MAX => self.paths.instead_of(destination),
            _ => destination,
        };
        Output::Transmit(Transmit { source, destination, bytes })
    }

    /// What a packet with this SSRC is; `None` when it is not mapped.
    pub fn route(&mut self, ssrc: Ssrc) -> Option<Route> {
        if let Some(route) = self.routes.get(&ssrc) {
            return *route;
        }
        let route =
            self.rtc.direct_api().stream_rx(&ssrc).map(|stream| (stream.mid(), stream.rid()));
        let route = route.and_then(|(mid, rid)| {
            let (_, stream, kind) = self.publishes.iter().find(|(known, ..)| *known == mid)?;
            Some(Route { stream: *stream, kind: *kind, rid })
        });
        // Each line has an SSRC for media and may change it; what is beyond that is made up.
        if self.routes.len() > 4 * MEDIA_LINES_MAX {
            self.routes.clear();
        }
        self.routes.insert(ssrc, route);
        route
    }

    /// It no longer publishes this stream.
    pub fn unpublish(&mut self, stream: StreamId) {
        self.publishes.retain(|(_, published, _)| *published != stream);
        self.routes.clear();
    }

    /// When its silence becomes a loss; `None` when it is not up.
    pub fn silent_at(&self) -> Option<Instant> {
        (self.link == Link::Up).then(|| self.heard + PEER_SILENCE_MAX)
    }
}

fn new_rtc(now: Instant, candidates: &[SocketAddr]) -> Rtc {
    let mut rtc = Rtc::builder()
        .set_ice_lite(true)
        .set_rtp_mode(true)
        .set_send_buffer_video(RESEND_PACKETS_MAX)
        .enable_bwe(Some(Bitrate::bps(LINK_BITS_FIRST)))
        .set_stats_interval(Some(LINK_MEASURED_EVERY))
        .clear_codecs()
        .enable_opus(true, true)
        .enable_vp8(true)
        .enable_h264(true)
        .enable_vp9(true)
        .build(now);
    for address in candidates {
        match Candidate::host(*address, Protocol::Udp) {
            Ok(candidate) => {
                rtc.add_local_candidate(candidate);
            }
            Err(_) => tracing::warn!("a local candidate is not usable"),
        }
    }
    rtc
}

/// Runs a call into the WebRTC stack; `None` when it panicked. A panic there is a bug that one
/// peer found, and must stay that peer's.
fn guarded<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}
