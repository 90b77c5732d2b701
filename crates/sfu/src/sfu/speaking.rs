//! Who speaks in each room, and who has the word.

use super::Sfu;
use crate::command::{Event, RoomId, StreamId};

impl Sfu {
    /// Somebody began or ended to talk, if anything changed.
    pub(super) fn tell_talking(&mut self, stream: StreamId, talking: Option<bool>) {
        let Some(talking) = talking else { return };
        self.tell(Event::Talking { stream, talking });
        let room = self.publications.get(&stream).and_then(|found| found.heard_in());
        // Who ends may be gone already.
        let Some(room) = room.or(self.spoke_in.get(&stream).copied()) else { return };
        self.spoke_in.insert(stream, room);
        if self.speakers.entry(room).or_default().on_talking(stream, talking) {
            self.tell_speakers(room);
        }
    }

    /// How loud somebody is who talks.
    pub(super) fn on_loudness(&mut self, stream: StreamId, level_db: i8) {
        let now = self.now;
        let Some(room) = self.spoke_in.get(&stream).copied() else { return };
        let Some(speakers) = self.speakers.get_mut(&room) else { return };
        if speakers.on_level(now, stream, level_db) {
            self.tell_speakers(room);
        }
    }

    /// The stream is no more.
    pub(super) fn forget_speaker(&mut self, stream: StreamId) {
        let Some(room) = self.spoke_in.remove(&stream) else { return };
        if let Some(speakers) = self.speakers.get_mut(&room) {
            speakers.remove(stream);
            match speakers.is_empty() {
                true => drop(self.speakers.remove(&room)),
                false => self.tell_speakers(room),
            }
        }
    }

    fn tell_speakers(&mut self, room: RoomId) {
        if let Some(speakers) = self.speakers.get(&room) {
            let streams = speakers.order();
            self.tell(Event::Speakers { room, streams });
        }
    }
}
