//! One offer at a time: changes made meanwhile go into the next one. A lost path is looked for anew,
//! then on a new connection, then from a room that was entered again; each has its deadline.

use wire::limits::{
    ANSWER_WITHIN, PEER_RESTART_AFTER, PEER_RESTART_WITHIN, PEER_TRIES_MAX, RECONNECT_DELAY_MAX,
    RECONNECT_DELAY_MIN,
};
use wire::time::{Instant, Now};

use crate::port::peer::{Path, PeerState};

#[derive(Debug, Default)]
pub(super) struct Negotiation {
    /// Something changed since the last offer.
    changed: bool,
    /// The next offer is of a new connection.
    fresh: bool,
    /// The next offer looks for a new path.
    search: bool,
    /// There is a connection.
    connection: bool,
    /// Media can flow over it.
    connected: bool,
    under_way: Option<UnderWay>,
    last_ticket: u32,
    /// After a failure: not before.
    retry_at: Option<Instant>,
    failures: u32,
    lost: Option<Lost>,
    /// Media flows again: what was missed meanwhile is to be asked for.
    recovered: bool,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    ticket: u32,
    fresh: bool,
    until: Instant,
}

/// How far the search for a lost path is.
#[derive(Clone, Copy, Debug)]
enum Lost {
    /// It may come back until then.
    Waiting(Instant),
    /// Another one is looked for until then.
    Searching(Instant),
}

impl Lost {
    fn until(self) -> Instant {
        let (Lost::Waiting(at) | Lost::Searching(at)) = self;
        at
    }
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
        self.lost = None;
    }

    /// The path may not be there any more: another one is looked for, on the same connection.
    pub fn search(&mut self, now: Now) {
        if self.connection && !self.fresh && !matches!(self.lost, Some(Lost::Searching(_))) {
            self.lost = Some(Lost::Searching(now.instant + PEER_RESTART_WITHIN));
            self.search = true;
            self.changed = true;
        }
    }

    /// The next offer, when one is due: its ticket, and by which path. `idle` when there is nothing
    /// to send or receive.
    pub fn next(&mut self, now: Now, idle: bool) -> Option<(u32, Path)> {
        let at = now.instant;
        match self.lost.filter(|lost| at >= lost.until()) {
            Some(Lost::Waiting(_)) => self.search(now),
            Some(Lost::Searching(_)) => self.fail(now),
            None => {}
        }
        if self.under_way.is_some_and(|offer| at >= offer.until) {
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
        let search = core::mem::take(&mut self.search);
        self.connection = true;
        self.connected &= !fresh;
        let until = at + ANSWER_WITHIN;
        self.under_way = Some(UnderWay { ticket: self.last_ticket, fresh, until });
        let path = match (fresh, search) {
            (true, _) => Path::Fresh,
            (_, true) => Path::Searched,
            _ => Path::Standing,
        };
        Some((self.last_ticket, path))
    }

    /// Whether new connections do not help: the room has to be entered again.
    pub fn is_in_vain(&self) -> bool {
        self.failures >= PEER_TRIES_MAX
    }

    /// Whether media flows again since this was asked last.
    pub fn has_recovered(&mut self) -> bool {
        core::mem::take(&mut self.recovered)
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
        self.lost = None;
        self.search = false;
        self.changed = true;
        self.fresh = true;
        self.retry_at = Some(now.instant + delay.min(RECONNECT_DELAY_MAX));
    }

    /// The connection's state changed.
    pub fn set_state(&mut self, now: Now, state: PeerState) {
        let before = core::mem::replace(&mut self.connected, state == PeerState::Connected);
        match state {
            PeerState::Connected => {
                self.recovered |= self.failures > 0 || self.lost.is_some();
                self.failures = 0;
                self.lost = None;
            }
            PeerState::Disconnected if self.lost.is_none() => {
                self.lost = Some(Lost::Waiting(now.instant + PEER_RESTART_AFTER));
            }
            PeerState::Disconnected => {}
            // What never had a path does not get one by asking again.
            PeerState::Failed if before || matches!(self.lost, Some(Lost::Waiting(_))) => {
                self.search(now);
            }
            PeerState::Failed => self.fail(now),
            PeerState::Connecting => {}
        }
    }

    /// When to look again.
    pub fn deadline(&self) -> Instant {
        let offer = self.under_way.map(|offer| offer.until);
        let lost = self.lost.map(Lost::until);
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
        assert_eq!(negotiation.next(at(0), false), Some((1, Path::Fresh)));
        negotiation.change();
        assert_eq!(negotiation.next(at(1), false), None);
        assert!(negotiation.answered(1));
        assert_eq!(negotiation.next(at(2), false), Some((2, Path::Standing)));
    }

    #[test]
    fn an_answer_to_an_older_offer_is_nothing() {
        let mut negotiation = Negotiation::default();
        negotiation.change();
        negotiation.next(at(0), false);
        negotiation.restart();
        assert_eq!(negotiation.next(at(1), false), Some((2, Path::Fresh)));
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
        assert_eq!(next, Some((2, Path::Fresh)));
    }

    #[test]
    fn nothing_to_carry_makes_no_connection() {
        let mut negotiation = Negotiation::default();
        negotiation.change();
        assert_eq!(negotiation.next(at(0), true), None);
    }

    /// Connected with the first offer.
    fn connected() -> Negotiation {
        let mut negotiation = Negotiation::default();
        negotiation.change();
        negotiation.next(at(0), false);
        negotiation.answered(1);
        negotiation.set_state(at(1), PeerState::Connected);
        assert!(!negotiation.has_recovered());
        negotiation
    }

    fn due(negotiation: &mut Negotiation) -> Option<(u32, Path)> {
        let now = Now { instant: negotiation.deadline(), ..Now::default() };
        negotiation.next(now, false)
    }

    #[test]
    fn a_lost_path_is_looked_for_then_the_connection_is_a_new_one_then_the_room_is_entered() {
        let mut negotiation = connected();
        negotiation.set_state(at(10), PeerState::Disconnected);
        assert_eq!(negotiation.next(at(11), false), None);
        assert_eq!(due(&mut negotiation), Some((2, Path::Searched)));
        negotiation.answered(2);
        negotiation.set_state(at(20_000), PeerState::Disconnected);
        assert_eq!(due(&mut negotiation), None);
        for ticket in 3..3 + PEER_TRIES_MAX - 1 {
            assert!(!negotiation.is_in_vain());
            assert_eq!(due(&mut negotiation), Some((ticket, Path::Fresh)));
            negotiation.answered(ticket);
            negotiation.set_state(at(30_000), PeerState::Failed);
        }
        assert!(negotiation.is_in_vain());
    }

    #[test]
    fn a_path_that_comes_back_by_itself_costs_no_offer() {
        let mut negotiation = connected();
        negotiation.set_state(at(10), PeerState::Disconnected);
        negotiation.set_state(at(20), PeerState::Connected);
        assert_eq!(negotiation.deadline(), Instant::FAR_FUTURE);
        assert!(negotiation.has_recovered());
    }

    #[test]
    fn a_connection_that_never_had_a_path_is_replaced_at_once() {
        let mut negotiation = Negotiation::default();
        negotiation.change();
        negotiation.next(at(0), false);
        negotiation.answered(1);
        negotiation.set_state(at(1), PeerState::Failed);
        assert_eq!(due(&mut negotiation), Some((2, Path::Fresh)));
    }

    #[test]
    fn changes_during_a_search_go_with_it() {
        let mut negotiation = connected();
        negotiation.change();
        negotiation.search(at(5));
        assert_eq!(negotiation.next(at(5), false), Some((2, Path::Searched)));
        negotiation.search(at(6));
        negotiation.answered(2);
        assert_eq!(negotiation.next(at(7), false), None);
    }
}
