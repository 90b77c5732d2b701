//! Peer connections and capture as a browser would have them, without media: every camera is
//! there, every offer can be made, every answer leads to media.

use client::Input;
use client::port::call::{Command as CallCommand, Input as CallInput};
use client::port::peer::{Command, Input as PeerInput, PeerState, Receiving, Sending};

use crate::world::{Place, World};

impl World {
    pub(crate) fn peer_command(&mut self, place: Place, command: Command) {
        match command {
            Command::Capture { room, sid, audio, video, .. } => {
                let captured = PeerInput::Captured { room, sid, audio, video };
                self.peer_later(place, captured);
            }
            Command::Offer { room, ticket, sending, receiving, .. } => {
                let mids =
                    |from: usize, count: usize| (from..from + count).map(|mid| mid.to_string());
                let count = sending.len();
                let wanted = receiving.clone();
                let sending: Vec<(Sending, String)> =
                    sending.into_iter().zip(mids(0, count)).collect();
                let receiving: Vec<(Receiving, String)> =
                    receiving.into_iter().zip(mids(count, wanted.len())).collect();
                self.pages[place].wanted.insert(room, wanted);
                let sdp = format!("offer {ticket}");
                self.peer_later(
                    place,
                    PeerInput::Offered { room, ticket, sdp, sending, receiving },
                );
            }
            Command::Answer { room, .. } => {
                self.peer_later(place, PeerInput::State { room, state: PeerState::Connected });
                for receiving in self.pages[place].wanted.get(&room).cloned().unwrap_or_default() {
                    let (width, height) = (640, 360);
                    self.peer_later(place, PeerInput::Flowing { room, receiving, width, height });
                }
            }
            Command::Close { room } => {
                self.pages[place].wanted.remove(&room);
            }
            Command::Release { .. }
            | Command::Mute { .. }
            | Command::Limit { .. }
            | Command::Layers { .. } => {}
        }
    }

    /// As above, for the media of a call.
    pub(crate) fn call_command(&mut self, place: Place, call: u32, command: CallCommand) {
        let flowing = [CallInput::State(PeerState::Connected), CallInput::Flowing];
        let told = match command {
            CallCommand::Capture { video, .. } => vec![CallInput::Captured { audio: true, video }],
            CallCommand::Describe { offer: None, .. } => vec![
                CallInput::Described("offer".into()),
                CallInput::Candidate("candidate".into(), "0".into()),
            ],
            CallCommand::Describe { offer: Some(_), .. } => {
                let mut told = vec![CallInput::Described("answer".into())];
                told.extend(flowing);
                told
            }
            CallCommand::TakeAnswer(_) => flowing.into(),
            CallCommand::AddCandidate(..)
            | CallCommand::Mute(_)
            | CallCommand::Tones(_)
            | CallCommand::Take { .. }
            | CallCommand::Picture
            | CallCommand::Close => Vec::new(),
        };
        let life = self.pages[place].life;
        for input in told {
            self.page_later(5, place, life, Input::Call(call, input));
        }
    }

    /// The path between two browsers is lost, or found again.
    pub fn call_path(&mut self, place: Place, call: u32, state: PeerState) {
        let life = self.pages[place].life;
        self.page_input(place, life, Input::Call(call, CallInput::State(state)));
    }

    fn peer_later(&mut self, place: Place, input: PeerInput) {
        let life = self.pages[place].life;
        self.page_later(5, place, life, Input::Peer(input));
    }
}
