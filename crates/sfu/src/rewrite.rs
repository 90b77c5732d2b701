//! Numbers of forwarded packets: sequence and timestamp of one outgoing SSRC, whatever feeds it.
//!
//! A *run* is a stretch of packets from one source without a break: a new publisher, another SSRC,
//! another codec or the end of a pause begins a new one. Within a run, gaps and reordering of the
//! source are kept, so that what is lost on the way in is seen as lost and what is repaired fits
//! in. Between runs numbers go on without a gap.
//!
//! Promises that no sequence number is used twice: SRTP's security rests on it (RFC 3711 9.1).

use std::time::Instant;

/// First sequence number of an SSRC: low, because the receiver assumes a roll-over counter of 0
/// and packets that arrive before the first one must not wrap below it.
const FIRST_SEQUENCE: u64 = 1_000;

/// Which stretch of which source, unique in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId(pub u64);

/// The numbers of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Extended sequence number.
    pub sequence: u64,
    /// RTP timestamp, in ticks of the codec's clock.
    pub time: u32,
}

/// The state of one outgoing SSRC.
#[derive(Debug, Default)]
pub struct Rewrite {
    run: Option<Run>,
    last: Option<Last>,
}

#[derive(Debug)]
struct Run {
    id: RunId,
    source_first: u64,
    sequence_first: u64,
    time_offset: u32,
}

#[derive(Debug)]
struct Last {
    numbers: Numbers,
    at: Instant,
}

impl Rewrite {
    /// Which run is forwarded; `None` before the first and after [`stop`](Self::stop).
    pub fn run(&self) -> Option<RunId> {
        self.run.as_ref().map(|run| run.id)
    }

    /// Nothing more of this run; whatever comes next begins one.
    pub fn stop(&mut self) {
        self.run = None;
    }

    /// Begins a run with this packet of the source. `clock_hz` is the codec's clock rate.
    pub fn begin(&mut self, now: Instant, id: RunId, source: Numbers, clock_hz: u32) -> Numbers {
        let numbers = match &self.last {
            None => Numbers { sequence: FIRST_SEQUENCE, time: source.time },
            Some(last) => {
                let passed = now.saturating_duration_since(last.at).as_micros();
                let ticks = (passed * u128::from(clock_hz) / 1_000_000) as u32;
                Numbers {
                    sequence: last.numbers.sequence + 1,
                    time: last.numbers.time.wrapping_add(ticks.max(1)),
                }
            }
        };
        self.run = Some(Run {
            id,
            source_first: source.sequence,
            sequence_first: numbers.sequence,
            time_offset: numbers.time.wrapping_sub(source.time),
        });
        self.last = Some(Last { numbers, at: now });
        numbers
    }

    /// The numbers of another packet of the run; `None` when it lies before the run's first.
    pub fn next(&mut self, now: Instant, source: Numbers) -> Option<Numbers> {
        let run = self.run.as_ref()?;
        let distance = source.sequence.checked_sub(run.source_first)?;
        let numbers = Numbers {
            sequence: run.sequence_first + distance,
            time: source.time.wrapping_add(run.time_offset),
        };
        if self.last.as_ref().is_none_or(|last| numbers.sequence > last.numbers.sequence) {
            self.last = Some(Last { numbers, at: now });
        }
        Some(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn source(sequence: u64, time: u32) -> Numbers {
        Numbers { sequence, time }
    }

    #[test]
    fn gaps_and_reordering_of_the_source_are_kept() {
        let now = Instant::now();
        let mut rewrite = Rewrite::default();
        let first = rewrite.begin(now, RunId(1), source(70_000, 9), 90_000);
        assert_eq!(first, Numbers { sequence: FIRST_SEQUENCE, time: 9 });
        let next: Vec<_> = [70_003, 70_001, 70_002]
            .map(|sequence| rewrite.next(now, source(sequence, 9)).map(|n| n.sequence))
            .into();
        assert_eq!(next, [3, 1, 2].map(|n| Some(FIRST_SEQUENCE + n)));
        assert_eq!(rewrite.next(now, source(69_999, 9)), None);
    }

    #[test]
    fn a_new_run_goes_on_without_a_gap_in_sequence_and_with_the_time_that_passed() {
        let now = Instant::now();
        let mut rewrite = Rewrite::default();
        rewrite.begin(now, RunId(1), source(5, 1_000), 90_000);
        rewrite.next(now, source(9, 1_000));
        let later = now + Duration::from_millis(100);
        let first = rewrite.begin(later, RunId(2), source(60_000, 77), 90_000);
        assert_eq!(first, Numbers { sequence: FIRST_SEQUENCE + 5, time: 10_000 });
        let next = rewrite.next(later, source(60_001, 77 + 3_000));
        assert_eq!(next, Some(Numbers { sequence: FIRST_SEQUENCE + 6, time: 13_000 }));
    }

    #[test]
    fn timestamps_wrap() {
        let now = Instant::now();
        let mut rewrite = Rewrite::default();
        rewrite.begin(now, RunId(1), source(5, u32::MAX), 90_000);
        assert_eq!(rewrite.next(now, source(6, 2_999)).map(|n| n.time), Some(2_999));
        let again = rewrite.begin(now, RunId(2), source(5, 0), 90_000);
        assert_eq!(again.time, 3_000);
    }
}
