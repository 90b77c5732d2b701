//! One offer at a time: changes made meanwhile go into the next one.

use wire::limits::{ANSWER_WITHIN, PEER_LOST_AFTER, RECONNECT_DELAY_MAX, RECONNECT_DELAY_MIN};
use wire::time::{Instant, Now};

use crate::port::peer::PeerState;

#[derive(Debug, Default)]
pub(crate) struct Negotiation {
    /// Something changed since the last offer.
    changed: bool,
    /// The next offer is of a new connection.
    fresh: bool,
    /// There is a connection.
    connection: bool,
    /// Media can flow over it.
    connected: bool,
    under_way: Option<UnderWay>,
    last_ticket: u32,
    /// After a failure: not before.
    retry_at: Option<Instant>,
    failures: u32,
    /// The path is lost since then.
    lost_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    ticket: u32,
    fresh: bool,
    until: Instant,
}

impl Negotiation {
    /// What is sent or received changed.
    pub fn change(&mut self) {
        self.changed = true;
    }

    /// The room was entered: the server knows of no connection.
    pub fn restart(&mut self) {
        let last_ticket = self.last_ticket;
        *self = Negotiation { changed: true, fresh: true, last_ticket, ..Negotiation::default() };
    }

    /// The server is gone; nothing is negotiated until the room is entered again.
    pub fn suspend(&mut self) {
        self.under_way = None;
        self.retry_at = None;
        self.lost_since = None;
    }

    /// The next offer, when one is due: its ticket, and whether it is of a new connection.
    /// `idle` when there is nothing to send or receive.
    pub fn next(&mut self, now: Now, idle: bool) -> Option<(u32, bool)> {
        let at = now.instant;
        if self.under_way.is_some_and(|offer| at >= offer.until)
            || self.lost_since.is_some_and(|since| at >= since + PEER_LOST_AFTER)
        {
            self.fail(now);
        }
        if self.under_way.is_some() || self.retry_at.is_some_and(|retry| at < retry) {
            return None;
        }
        if !self.changed || (idle && !self.connection) {
            return None;
        }
        self.changed = false;
        self.retry_at = None;
        self.last_ticket += 1;
        let fresh = core::mem::take(&mut self.fresh) || !self.connection;
        self.connection = true;
        self.connected &= !fresh;
        let until = at + ANSWER_WITHIN;
        self.under_way = Some(UnderWay { ticket: self.last_ticket, fresh, until });
        Some((self.last_ticket, fresh))
    }

    /// The offer is made; `Some(fresh)` when it is the one under way.
    pub fn offered(&self, ticket: u32) -> Option<bool> {
        self.under_way.filter(|offer| offer.ticket == ticket).map(|offer| offer.fresh)
    }

    /// The answer came; `false` when it is to an older offer.
    pub fn answered(&mut self, ticket: u32) -> bool {
        let current = self.under_way.is_some_and(|offer| offer.ticket == ticket);
        if current {
            self.under_way = None;
        }
        current
    }

    /// Whether everything wanted is on a connection over which media can flow.
    pub fn is_settled(&self) -> bool {
        self.connected && !self.changed && self.under_way.is_none()
    }

    /// It did not work: a new connection, after a while that grows.
    pub fn fail(&mut self, now: Now) {
        let delay = RECONNECT_DELAY_MIN * 2u32.saturating_pow(self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.under_way = None;
        self.lost_since = None;
        self.changed = true;
        self.fresh = true;
        self.retry_at = Some(now.instant + delay.min(RECONNECT_DELAY_MAX));
    }

    /// The connection's state changed.
    pub fn set_state(&mut self, now: Now, state: PeerState) {
        self.connected = state == PeerState::Connected;
        match state {
            PeerState::Connected => {
                self.failures = 0;
                self.lost_since = None;
            }
            PeerState::Disconnected => self.lost_since = Some(now.instant),
            PeerState::Failed => self.fail(now),
            PeerState::Connecting => {}
        }
    }

    /// When to look again.
    pub fn deadline(&self) -> Instant {
        let offer = self.under_way.map(|offer| offer.until);
        let lost = self.lost_since.map(|since| since + PEER_LOST_AFTER);
        let retry = self.retry_at.filter(|_| self.changed);
        [offer, lost, retry].into_iter().flatten().min().unwrap_or(Instant::FAR_FUTURE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Now {
        Now { instant: Instant(ms), ..Now::default() }
    }

    #[test]
    fn changes_during_an_offer_go_into_the_next_one() {
        let mut negotiation = Negotiation::default();
        negotiation.change();
        assert_eq!(negotiation.next(at(0), false), Some((1, true)));
        negotiation.change();
        assert_eq!(negotiation.next(at(1), false), None);
        assert!(negotiation.answered(1));
        assert_eq!(negotiation.next(at(2), false), Some((2, false)));
    }

    #[test]
    fn an_answer_to_an_older_offer_is_nothing() {
        let mut negotiation = Negotiation::default();
        negotiation.change();
        negotiation.next(at(0), false);
        negotiation.restart();
        assert_eq!(negotiation.next(at(1), false), Some((2, true)));
        assert!(!negotiation.answered(1));
    }

    #[test]
    fn an_offer_without_an_answer_becomes_a_new_connection() {
        let mut negotiation = Negotiation::default();
        negotiation.change();
        negotiation.next(at(0), false);
        let late = negotiation.deadline();
        assert_eq!(negotiation.next(Now { instant: late, ..Now::default() }, false), None);
        let retry = negotiation.deadline();
        let next = negotiation.next(Now { instant: retry, ..Now::default() }, false);
        assert_eq!(next, Some((2, true)));
    }

    #[test]
    fn nothing_to_carry_makes_no_connection() {
        let mut negotiation = Negotiation::default();
        negotiation.change();
        assert_eq!(negotiation.next(at(0), true), None);
    }
}
