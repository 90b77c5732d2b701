//! How often a publisher is asked for a key frame: a storm of requests becomes one.

use std::time::Instant;

use wire::limits::{KEY_FRAME_INTERVAL, KEY_FRAME_WAIT};

/// The requests for one video layer.
#[derive(Debug, Default)]
pub struct KeyFrames {
    asked_at: Option<Instant>,
    wanted: bool,
}

impl KeyFrames {
    /// Somebody needs a key frame. `true`: ask the publisher now. Otherwise it was just asked, and
    /// is asked again at [`due_at`](Self::due_at).
    pub fn want(&mut self, now: Instant) -> bool {
        if self.asked_at.is_some_and(|at| now < at + KEY_FRAME_INTERVAL) {
            self.wanted = true;
            return false;
        }
        self.asked_at = Some(now);
        self.wanted = false;
        true
    }

    /// A subscriber still waits for a key frame. `true`: the last request counts as lost.
    pub fn still_waiting(&mut self, now: Instant) -> bool {
        let lost = self.asked_at.is_none_or(|at| now >= at + KEY_FRAME_WAIT);
        lost && self.want(now)
    }

    /// A key frame came: whoever asked before has what it asked for.
    pub fn on_key_frame(&mut self) {
        self.wanted = false;
    }

    /// Time passed. `true`: ask the publisher now.
    pub fn on_time(&mut self, now: Instant) -> bool {
        self.due_at().is_some_and(|at| at <= now) && self.want(now)
    }

    /// When a request that had to wait is due.
    pub fn due_at(&self) -> Option<Instant> {
        self.asked_at.filter(|_| self.wanted).map(|at| at + KEY_FRAME_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_storm_becomes_one_request_now_and_one_later() {
        let start = Instant::now();
        let mut frames = KeyFrames::default();
        let asked = (0..100).filter(|ms| frames.want(start + Duration::from_millis(*ms))).count();
        assert_eq!(asked, 1);
        let due = frames.due_at().expect("one waits");
        assert_eq!(due, start + KEY_FRAME_INTERVAL);
        assert!(!frames.on_time(due - Duration::from_millis(1)));
        assert!(frames.on_time(due));
        assert_eq!(frames.due_at(), None);
    }

    #[test]
    fn a_key_frame_answers_the_request_that_waits() {
        let start = Instant::now();
        let mut frames = KeyFrames::default();
        assert!(frames.want(start));
        assert!(!frames.want(start + Duration::from_millis(1)));
        frames.on_key_frame();
        assert_eq!(frames.due_at(), None);
        assert!(!frames.on_time(start + KEY_FRAME_INTERVAL));
    }

    #[test]
    fn a_lost_request_is_repeated() {
        let start = Instant::now();
        let mut frames = KeyFrames::default();
        assert!(frames.still_waiting(start));
        assert!(!frames.still_waiting(start + KEY_FRAME_WAIT / 2));
        assert!(frames.still_waiting(start + KEY_FRAME_WAIT));
    }
}
