//! What is on its way to the recorder: a disk that is slow keeps no call waiting.
//!
//! Promises that the end of a stream arrives, and that no picture arrives which was predicted from
//! one that did not.

use std::collections::HashSet;
use std::sync::mpsc::{SyncSender, TrySendError};

use sfu::{Kind, Recorded, StreamId};

/// See the module.
pub struct RecorderQueue {
    recorder: SyncSender<Recorded>,
    /// Whose pictures are left out up to the next key frame.
    gaps: HashSet<StreamId>,
    /// Streams whose end found no room.
    ended: Vec<StreamId>,
}

impl RecorderQueue {
    pub fn new(recorder: SyncSender<Recorded>) -> RecorderQueue {
        RecorderQueue { recorder, gaps: HashSet::new(), ended: Vec::new() }
    }

    pub fn take(&mut self, recorded: Recorded) {
        self.catch_up();
        let picture = match &recorded {
            Recorded::Frame(stream, frame) if frame.encoding.kind() == Kind::Video => {
                Some((*stream, frame.key))
            }
            _ => None,
        };
        if picture.is_some_and(|(stream, key)| !key && self.gaps.contains(&stream)) {
            return;
        }
        match (self.recorder.try_send(recorded), picture) {
            (Ok(()), Some((stream, _))) => drop(self.gaps.remove(&stream)),
            (Err(TrySendError::Full(Recorded::End(stream))), _) => self.ended.push(stream),
            (Err(TrySendError::Full(_)), Some((stream, _))) => drop(self.gaps.insert(stream)),
            // Sound has a gap then; nobody listens when the server stops.
            _ => {}
        }
    }

    /// Something waits for room.
    pub fn is_behind(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Tells again what found no room.
    pub fn catch_up(&mut self) {
        while let Some(stream) = self.ended.pop() {
            if let Err(TrySendError::Full(_)) = self.recorder.try_send(Recorded::End(stream)) {
                self.ended.push(stream);
                break;
            }
            self.gaps.remove(&stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sfu::{Encoding, Frame};
    use std::sync::mpsc::sync_channel;
    use std::time::Instant;

    #[test]
    fn what_finds_no_room_is_left_out_up_to_a_key_frame_and_the_end_arrives() {
        let (sender, recorder) = sync_channel(2);
        let mut queue = RecorderQueue::new(sender);
        let (stream, captured) = (StreamId(1), Instant::now());
        let picture = |key, number: u8| {
            let (encoding, bytes) = (Encoding::Vp8, vec![number]);
            Recorded::Frame(stream, Frame { encoding, key, size: None, captured, bytes })
        };
        for number in 0..4 {
            queue.take(picture(number == 0, number));
        }
        let mut arrived: Vec<_> = recorder.try_iter().collect();
        queue.take(picture(false, 4));
        queue.take(picture(true, 5));
        queue.take(picture(false, 6));
        queue.take(Recorded::End(stream));
        assert!(queue.is_behind());
        arrived.extend(recorder.try_iter());
        queue.catch_up();
        arrived.extend(recorder.try_iter());
        let expected = [
            picture(true, 0),
            picture(false, 1),
            picture(true, 5),
            picture(false, 6),
            Recorded::End(stream),
        ];
        assert_eq!(arrived, expected);
    }
}
