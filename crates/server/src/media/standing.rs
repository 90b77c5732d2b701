//! What holds in a loop whatever becomes of its SFU: who is there, and what the hub has said of streams.
//!
//! After a panic the loop begins anew with it. Promises that what was kept back stays kept back.

use std::collections::BTreeSet;

use sfu::{Command, Event, Kind, PeerId, StreamId};

/// See the module.
#[derive(Debug, Default)]
pub struct Standing {
    peers: BTreeSet<PeerId>,
    paused: BTreeSet<(StreamId, Kind)>,
    recorded: BTreeSet<StreamId>,
}

impl Standing {
    /// The SFU is told this.
    pub fn on_command(&mut self, command: &Command) {
        match command {
            Command::Open { peer, .. } => drop(self.peers.insert(*peer)),
            Command::Close { peer } => drop(self.peers.remove(peer)),
            Command::Pause { stream, kind, paused: true } => {
                self.paused.insert((*stream, *kind));
            }
            Command::Pause { stream, kind, paused: false } => {
                self.paused.remove(&(*stream, *kind));
            }
            Command::Record { stream, on: true } => drop(self.recorded.insert(*stream)),
            Command::Record { stream, on: false } => drop(self.recorded.remove(stream)),
            Command::StopStream { stream } => {
                self.recorded.remove(stream);
                self.paused.remove(&(*stream, Kind::Audio));
                self.paused.remove(&(*stream, Kind::Video));
            }
            Command::Negotiate { .. } | Command::View { .. } | Command::StopReceiving { .. } => {}
        }
    }

    /// The SFU is gone, and with it all peers. What the hub has to hear, and the next SFU.
    pub fn begin_anew(&mut self) -> (Vec<Event>, Vec<Command>) {
        let lost = std::mem::take(&mut self.peers).into_iter();
        let lost = lost.map(|peer| Event::Disconnected { peer }).collect();
        let paused = self.paused.iter();
        let paused = paused.map(|&(stream, kind)| Command::Pause { stream, kind, paused: true });
        let recorded = self.recorded.iter().map(|&stream| Command::Record { stream, on: true });
        (lost, paused.chain(recorded).collect())
    }
}
