//! When a frame was captured, by the clock of the SFU.
//!
//! Who sends tells now and then which of its ticks was at which time of its own clock (RFC 3550
//! 6.4.1), the same clock for sound and picture: so they stay together. Until it does, ticks are
//! counted from the first packet's arrival. Promises a moment within [`TRUSTED`] of the packet's
//! arrival, whatever the sender says.

use std::time::{Duration, Instant, SystemTime};

use str0m::media::Frequency;

use super::order::Packet;

/// Nothing is longer on its way. What a sender says beyond it is wrong.
const TRUSTED: Duration = Duration::from_secs(10);

/// A time of the sender's clock and ours, the same for all tracks of a stream.
pub type Anchor = Option<(SystemTime, Instant)>;

/// Of one layer.
#[derive(Debug, Default)]
pub struct Clock {
    /// Ticks that were at this time.
    base: Option<(u32, Instant)>,
}

impl Clock {
    pub fn captured(&mut self, packet: &Packet, rate: Frequency, anchor: &mut Anchor) -> Instant {
        let near = |at: &Instant| {
            let early = packet.arrived.saturating_duration_since(*at);
            early.max(at.saturating_duration_since(packet.arrived)) <= TRUSTED
        };
        let (ticks, since) = *self.base.get_or_insert((packet.time, packet.arrived));
        let counted = shifted(packet.time.wrapping_sub(ticks), rate)
            .applied(|by| since.checked_add(by), |by| since.checked_sub(by))
            .filter(near);
        let counted = counted.unwrap_or_else(|| {
            self.base = Some((packet.time, packet.arrived));
            packet.arrived
        });
        let mut told = || {
            let (time, ticks) = packet.report?;
            let by = shifted(packet.time.wrapping_sub(ticks), rate);
            let sent = by.applied(|by| time.checked_add(by), |by| time.checked_sub(by))?;
            let (time, at) = *anchor.get_or_insert((sent, counted));
            match sent.duration_since(time) {
                Ok(later) => at.checked_add(later),
                Err(earlier) => at.checked_sub(earlier.duration()),
            }
        };
        told().filter(near).unwrap_or(counted)
    }
}

/// A time, forwards or backwards.
struct Shift {
    by: Duration,
    back: bool,
}

impl Shift {
    fn applied<T>(
        &self,
        forwards: impl Fn(Duration) -> Option<T>,
        backwards: impl Fn(Duration) -> Option<T>,
    ) -> Option<T> {
        if self.back { backwards(self.by) } else { forwards(self.by) }
    }
}

fn shifted(ticks: u32, rate: Frequency) -> Shift {
    let ticks = i64::from(ticks as i32);
    let nanos = ticks.unsigned_abs() * 1_000_000_000 / u64::from(rate.get());
    Shift { by: Duration::from_nanos(nanos), back: ticks < 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const MS: Duration = Duration::from_millis(1);

    fn packet(time: u32, arrived: Instant, report: Option<(SystemTime, u32)>) -> Packet {
        let payload = Arc::from(&[][..]);
        Packet { sequence: 0, time, marker: true, payload, arrived, report }
    }

    #[test]
    fn ticks_count_whatever_the_network_does_and_wrap() {
        let start = Instant::now();
        let (mut clock, mut anchor) = (Clock::default(), None);
        let first = u32::MAX - 100;
        let mut captured = |ticks: u32, arrived| {
            let packet = packet(first.wrapping_add(ticks), arrived, None);
            clock.captured(&packet, Frequency::NINETY_KHZ, &mut anchor)
        };
        assert_eq!(captured(0, start), start);
        assert_eq!(captured(90_000, start + 1_300 * MS), start + 1_000 * MS);
        assert_eq!(captured(45_000, start + 1_400 * MS), start + 500 * MS);
    }

    #[test]
    fn sound_and_picture_that_were_captured_together_are_together() {
        let start = Instant::now();
        let theirs = SystemTime::UNIX_EPOCH + Duration::from_secs(77);
        let (mut sound, mut picture, mut anchor) = (Clock::default(), Clock::default(), None);
        let heard = packet(48_000, start, Some((theirs, 0)));
        let heard = sound.captured(&heard, Frequency::FORTY_EIGHT_KHZ, &mut anchor);
        // Captured at the same moment, a second after the report; 200 ms longer on its way.
        let seen = packet(500_000 + 90_000, start + 200 * MS, Some((theirs, 500_000)));
        let seen = picture.captured(&seen, Frequency::NINETY_KHZ, &mut anchor);
        assert_eq!((heard, seen), (start, start));
    }

    #[test]
    fn what_cannot_be_true_is_not_believed() {
        let start = Instant::now();
        let theirs = SystemTime::UNIX_EPOCH;
        let (mut clock, mut anchor) = (Clock::default(), None);
        let mut captured = |time, arrived, report| {
            clock.captured(&packet(time, arrived, report), Frequency::NINETY_KHZ, &mut anchor)
        };
        assert_eq!(captured(0, start, Some((theirs, 0))), start);
        let later = start + 40 * MS;
        assert_eq!(captured(3_600, later, Some((theirs + 9_999_999 * MS, 0))), later);
        assert_eq!(captured(3_600 + 90_000 * 900, later, None), later, "ticks that jump");
    }
}
