//! Packets of one layer in the order in which they were sent.
//!
//! A packet that is missing is waited for, because who sent it is asked for it again; not for ever,
//! and not behind any number of others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use str0m::rtp::RtpPacket;
use wire::limits::{RECORDED_PACKETS_WAITING_MAX, RECORDED_REPAIR_WITHIN};

/// What is needed of a packet.
#[derive(Clone, Debug)]
pub struct Packet {
    pub sequence: u64,
    /// In ticks of the codec's clock.
    pub time: u32,
    pub marker: bool,
    pub payload: Arc<[u8]>,
    pub arrived: Instant,
    /// Of the last report of who sends it: the time of its own clock, and the ticks at that time.
    pub report: Option<(SystemTime, u32)>,
}

impl Packet {
    pub fn of(packet: &RtpPacket, payload: &Arc<[u8]>) -> Packet {
        let report = packet.last_sender_info.as_ref();
        Packet {
            sequence: *packet.seq_no,
            time: packet.header.timestamp,
            marker: packet.header.marker,
            payload: payload.clone(),
            arrived: packet.timestamp,
            report: report.map(|info| (info.ntp_time, info.rtp_time.numer() as u32)),
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Order {
    next: Option<u64>,
    waiting: BTreeMap<u64, Packet>,
    /// Since when the next one is missing.
    missing_since: Option<Instant>,
}

impl Order {
    /// Those whose turn it is now, each with whether something before it is lost.
    pub fn on_packet(&mut self, now: Instant, packet: Packet) -> Vec<(Packet, bool)> {
        let next = *self.next.get_or_insert(packet.sequence);
        if packet.sequence < next {
            return Vec::new();
        }
        self.waiting.insert(packet.sequence, packet);
        let mut turn = self.consecutive(false);
        if turn.is_empty() {
            let since = *self.missing_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= RECORDED_REPAIR_WITHIN
                || self.waiting.len() > RECORDED_PACKETS_WAITING_MAX
            {
                self.next = self.waiting.keys().next().copied();
                turn = self.consecutive(true);
            }
        }
        if !turn.is_empty() {
            self.missing_since = (!self.waiting.is_empty()).then_some(now);
        }
        turn
    }

    fn consecutive(&mut self, mut lost: bool) -> Vec<(Packet, bool)> {
        let mut turn = Vec::new();
        while let Some(packet) = self.next.and_then(|next| self.waiting.remove(&next)) {
            self.next = Some(packet.sequence + 1);
            turn.push((packet, std::mem::take(&mut lost)));
        }
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u64, at: Instant) -> Packet {
        let payload = Arc::from(&[][..]);
        Packet { sequence, time: 0, marker: false, payload, arrived: at, report: None }
    }

    fn feed(order: &mut Order, now: Instant, sequences: &[u64]) -> Vec<(u64, bool)> {
        let turns =
            sequences.iter().flat_map(|sequence| order.on_packet(now, packet(*sequence, now)));
        turns.map(|(packet, lost)| (packet.sequence, lost)).collect()
    }

    #[test]
    fn what_is_missing_is_waited_for_and_then_lost() {
        let start = Instant::now();
        let mut order = Order::default();
        let all = feed(&mut order, start, &[5, 7, 8, 6, 6, 4, 10]);
        assert_eq!(all, [(5, false), (6, false), (7, false), (8, false)]);
        let later = start + RECORDED_REPAIR_WITHIN;
        assert_eq!(feed(&mut order, later, &[11]), [(10, true), (11, false)]);
        assert_eq!(feed(&mut order, later, &[9, 12]), [(12, false)]);
    }

    #[test]
    fn no_more_than_so_many_wait() {
        let start = Instant::now();
        let mut order = Order::default();
        let last = 2 + RECORDED_PACKETS_WAITING_MAX as u64;
        let all: Vec<u64> = [0].into_iter().chain(2..=last + 1).collect();
        let turns = feed(&mut order, start, &all);
        assert_eq!(turns[..3], [(0, false), (2, true), (3, false)]);
    }
}
