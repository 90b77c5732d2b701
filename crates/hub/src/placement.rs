//! On which loop of the media server a room is: chosen when the first one enters, kept until the last one
//! has left.
//!
//! Relies on the media server to say how busy each of its loops is. Promises that nobody is sent to a
//! loop that has no room.

use alloc::collections::BTreeMap;
use wire::id::{GroupId, Uid};

use crate::Output;
use crate::hub::Hub;
use crate::port::media::{Command, LoopId};
use crate::rooms::Rooms;

/// Loops that differ by less than this are equally busy, percent of a core: what is told is an
/// average of seconds, and rooms that begin together are not to end up together.
const STEP_PERCENT: u32 = 10;

/// See the module.
#[derive(Debug)]
pub(crate) struct Placement {
    loops: BTreeMap<LoopId, Load>,
}

#[derive(Debug, Default)]
struct Load {
    percent: u32,
    full: bool,
    /// Sessions in its rooms.
    occupants: usize,
}

impl Placement {
    /// One loop, which has room until something else is said.
    pub fn new() -> Placement {
        Placement { loops: BTreeMap::from([(LoopId(0), Load::default())]) }
    }

    /// How busy a loop is. `true` when it has become full, or has room again.
    pub fn on_load(&mut self, at: LoopId, percent: u32, full: bool) -> bool {
        let load = self.loops.entry(at).or_default();
        load.percent = percent;
        core::mem::replace(&mut load.full, full) != full
    }

    /// Where a new room goes: to the least busy loop, of equally busy ones to where fewer people are.
    /// `None` when all are full.
    pub fn choose(&self) -> Option<LoopId> {
        let free = self.loops.iter().filter(|(_, load)| !load.full);
        let chosen = free.min_by_key(|(_, load)| (load.percent / STEP_PERCENT, load.occupants));
        chosen.map(|(at, _)| *at)
    }

    /// Nobody more may come to it.
    pub fn is_full(&self, at: LoopId) -> bool {
        self.loops.get(&at).is_some_and(|load| load.full)
    }

    /// Somebody has entered a room there.
    pub fn enter(&mut self, at: LoopId) {
        self.loops.entry(at).or_default().occupants += 1;
    }

    /// Somebody has left a room there.
    pub fn leave(&mut self, at: LoopId) {
        let load = self.loops.entry(at).or_default();
        load.occupants = load.occupants.saturating_sub(1);
    }
}

impl Rooms {
    /// The loop of this room takes nothing more.
    pub fn is_full(&self, gid: GroupId) -> bool {
        self.rooms.get(&gid).is_some_and(|room| self.placement.is_full(room.at))
    }
}

impl Hub {
    /// Where the media of the room is, or would be; `None` when there is no room for one more. Who is
    /// inside, perhaps with a session that was cut off, costs nothing more.
    pub(crate) fn loop_for(&self, gid: GroupId, uid: Uid) -> Option<LoopId> {
        let Some(room) = self.rooms.rooms.get(&gid) else { return self.rooms.placement.choose() };
        let inside = room.occupants.values().any(|who| who.uid == uid);
        Some(room.at).filter(|at| inside || !self.rooms.placement.is_full(*at))
    }

    /// Tells the loop of the media server that has the room.
    pub(crate) fn command_media(&mut self, gid: GroupId, command: Command) {
        if let Some(at) = self.rooms.rooms.get(&gid).map(|room| room.at) {
            self.output(Output::Media(at, command));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: LoopId = LoopId(0);
    const TWO: LoopId = LoopId(1);

    #[test]
    fn a_room_goes_where_less_is_done_then_where_fewer_people_are_and_never_to_a_full_loop() {
        let mut placement = Placement::new();
        assert_eq!(placement.choose(), Some(ONE), "there is always one");
        placement.on_load(TWO, 0, false);
        assert_eq!(placement.choose(), Some(ONE));
        placement.enter(ONE);
        assert_eq!(placement.choose(), Some(TWO), "nothing is known of its load yet");
        placement.on_load(ONE, 31, false);
        placement.on_load(TWO, 38, false);
        assert_eq!(placement.choose(), Some(TWO), "that is as busy");
        placement.on_load(TWO, 42, false);
        assert_eq!(placement.choose(), Some(ONE));
        assert!(placement.on_load(ONE, 31, true), "it does not answer");
        assert!(!placement.on_load(ONE, 31, true));
        assert_eq!(placement.choose(), Some(TWO));
        assert!(placement.on_load(TWO, 82, true));
        assert_eq!(placement.choose(), None);
        assert!(placement.is_full(TWO));
        placement.leave(ONE);
        placement.on_load(ONE, 0, false);
        assert_eq!(placement.choose(), Some(ONE));
    }
}
