//! What the hub says about media in the SFU's words, and back.
//!
//! The hub names a peer by its session and room, the SFU by a number that is never used again:
//! a fresh offer of the same session and room is another peer. Promises that an event of a peer
//! that was replaced or closed does not reach the hub under its successor's name.

use std::collections::HashMap;

use hub::port::media as hub_media;
use sfu::{Command, Event, Kind, Mapping, PeerId, RoomId, StreamId, View};

/// Which peer is which.
#[derive(Debug, Default)]
pub struct Translation {
    numbers: HashMap<hub_media::Peer, PeerId>,
    peers: HashMap<PeerId, hub_media::Peer>,
    last: u64,
}

impl Translation {
    /// What the SFU has to do for this, in order.
    pub fn commands(&mut self, command: hub_media::Command) -> Vec<Command> {
        match command {
            hub_media::Command::Negotiate { peer, ticket, fresh, offer, send, receive } => {
                let mut commands = Vec::with_capacity(3);
                let known = self.numbers.get(&peer).copied();
                let number = match known {
                    Some(number) if !fresh => number,
                    _ => {
                        if let Some(old) = self.forget(peer) {
                            commands.push(Command::Close { peer: old });
                        }
                        let number = self.name(peer);
                        let room = RoomId(u64::from(peer.room.0));
                        commands.push(Command::Open { peer: number, room });
                        number
                    }
                };
                commands.push(Command::Negotiate {
                    peer: number,
                    ticket: ticket.0,
                    offer,
                    send: send.into_iter().map(mapping).collect(),
                    receive: receive.into_iter().map(mapping).collect(),
                });
                commands
            }
            hub_media::Command::Close { peer } => {
                self.forget(peer).map(|peer| Command::Close { peer }).into_iter().collect()
            }
            hub_media::Command::Pause { stream, kind: of, paused } => {
                vec![Command::Pause { stream: StreamId(stream.0), kind: kind(of), paused }]
            }
            hub_media::Command::View { peer, stream, width, height, priority } => {
                let view = View { width, height, priority };
                let stream = StreamId(stream.0);
                let peer = self.numbers.get(&peer).copied();
                peer.map(|peer| Command::View { peer, stream, view }).into_iter().collect()
            }
            hub_media::Command::Record { stream, into } => {
                vec![Command::Record { stream: StreamId(stream.0), on: into.is_some() }]
            }
            hub_media::Command::StopStream { stream } => {
                vec![Command::StopStream { stream: StreamId(stream.0) }]
            }
            hub_media::Command::StopReceiving { peer } => {
                let peer = self.numbers.get(&peer).copied();
                peer.map(|peer| Command::StopReceiving { peer, stream: None }).into_iter().collect()
            }
        }
    }

    /// What the hub has to know of this, if anything.
    pub fn event(&self, event: Event) -> Option<hub_media::Event> {
        let named = |peer: PeerId| self.peers.get(&peer).copied();
        match event {
            Event::Answer { peer, ticket, sdp } => Some(hub_media::Event::Answer {
                peer: named(peer)?,
                ticket: wire::id::Ticket(ticket),
                answer: Ok(sdp),
            }),
            Event::Refused { peer, ticket, reason } => Some(hub_media::Event::Answer {
                peer: named(peer)?,
                ticket: wire::id::Ticket(ticket),
                answer: Err(reason.to_string()),
            }),
            Event::Disconnected { peer } => Some(hub_media::Event::Lost { peer: named(peer)? }),
            Event::Talking { stream, talking } => {
                let stream = wire::id::StreamId(stream.0);
                Some(hub_media::Event::Talking { stream, talking })
            }
            Event::Speakers { room, streams } => {
                let streams = streams.into_iter().map(|stream| wire::id::StreamId(stream.0));
                let room = wire::id::GroupId(room.0 as u32);
                Some(hub_media::Event::Speakers { room, streams: streams.collect() })
            }
            Event::Quality { peer, quality } => {
                Some(hub_media::Event::Quality { peer: named(peer)?, quality })
            }
            Event::Kept { peer, stream, kept } => {
                let stream = wire::id::StreamId(stream.0);
                Some(hub_media::Event::Kept { peer: named(peer)?, stream, kept })
            }
            Event::Layers { stream, wanted } => {
                Some(hub_media::Event::Layers { stream: wire::id::StreamId(stream.0), wanted })
            }
            Event::Connected { .. } | Event::MediaStarted { .. } | Event::Closed { .. } => None,
        }
    }

    /// What the hub has to know of a command for which the media loop had no room.
    pub fn not_taken(&self, command: &Command) -> Option<hub_media::Event> {
        let Command::Negotiate { peer, ticket, .. } = command else { return None };
        Some(hub_media::Event::Answer {
            peer: self.peers.get(peer).copied()?,
            ticket: wire::id::Ticket(*ticket),
            answer: Err("the media server is overloaded, try again later".into()),
        })
    }

    fn name(&mut self, peer: hub_media::Peer) -> PeerId {
        self.last += 1;
        let number = PeerId(self.last);
        self.numbers.insert(peer, number);
        self.peers.insert(number, peer);
        number
    }

    fn forget(&mut self, peer: hub_media::Peer) -> Option<PeerId> {
        let number = self.numbers.remove(&peer)?;
        self.peers.remove(&number);
        Some(number)
    }
}

fn mapping(track: hub_media::Track) -> Mapping {
    Mapping { mid: track.mid, stream: StreamId(track.stream.0), kind: kind(track.kind) }
}

fn kind(kind: hub_media::Kind) -> Kind {
    match kind {
        hub_media::Kind::Audio => Kind::Audio,
        hub_media::Kind::Video => Kind::Video,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::id::{GroupId, SessionId, Ticket};

    const PEER: hub_media::Peer = hub_media::Peer { session: SessionId(7), room: GroupId(1_000) };

    fn offer(fresh: bool) -> hub_media::Command {
        let (send, receive) = (Vec::new(), Vec::new());
        let (ticket, offer) = (Ticket(3), "v=0".into());
        hub_media::Command::Negotiate { peer: PEER, ticket, fresh, offer, send, receive }
    }

    #[test]
    fn a_fresh_offer_is_another_peer_and_the_old_one_is_heard_no_more() {
        let mut translation = Translation::default();
        let first = translation.commands(offer(true));
        assert!(matches!(first[..], [Command::Open { peer, .. }, Command::Negotiate { .. }]
            if peer == PeerId(1)));
        let again = translation.commands(offer(false));
        assert!(matches!(again[..], [Command::Negotiate { peer: PeerId(1), .. }]));
        assert!(translation.event(Event::Disconnected { peer: PeerId(1) }).is_some());
        let fresh = translation.commands(offer(true));
        assert!(matches!(
            fresh[..],
            [
                Command::Close { peer: PeerId(1) },
                Command::Open { peer: PeerId(2), .. },
                Command::Negotiate { peer: PeerId(2), .. }
            ]
        ));
        assert!(translation.event(Event::Disconnected { peer: PeerId(1) }).is_none());
        assert!(translation.not_taken(&fresh[2]).is_some());
        let closed = translation.commands(hub_media::Command::Close { peer: PEER });
        assert!(matches!(closed[..], [Command::Close { peer: PeerId(2) }]));
        assert!(translation.peers.is_empty() && translation.numbers.is_empty());
    }
}
