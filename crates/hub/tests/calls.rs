//! One-to-one calls: who rings, who is told what, what is written down.

mod host;

use host::Host;
use wire::call as step;
use wire::id::SessionId;
use wire::limits::{
    CALL_RETURN_WITHIN, CALL_RING_MAX, CALL_SDP_BYTES_MAX, CALL_STARTS_PER_MINUTE_MAX,
};
use wire::mask::contact;
use wire::proto::{Call, Contact, Contacts, Pong, client_frame, entry, server_frame};
use wire::time::Duration;

/// Numbers that pages draw.
const ADA: u32 = 11;
const BOB: u32 = 22;

struct Talk {
    host: Host,
    ada: SessionId,
    bob: SessionId,
    tokens: [String; 2],
}

impl Talk {
    fn new() -> Talk {
        let mut host = Host::new();
        let tokens = ["ada", "bob"].map(|name| host.user(name));
        let ada = host.sign_in(&tokens[0]);
        let bob = host.sign_in_from(&tokens[1], 2);
        let mut talk = Talk { host, ada, bob, tokens };
        talk.forget();
        talk
    }

    /// Ada calls Bob; the number of the call.
    fn ringing() -> (Talk, u64) {
        let mut talk = Talk::new();
        talk.start(talk.ada, ADA, "bob");
        let incoming = talk.calls(talk.bob);
        assert_eq!(statuses(&incoming), [step::INCOMING]);
        assert_eq!((&*incoming[0].peer, incoming[0].number), ("ada", 0));
        assert_eq!(talk.told(talk.ada), [step::RINGING]);
        (talk, incoming[0].call)
    }

    fn answered() -> (Talk, u64) {
        let (mut talk, call) = Talk::ringing();
        talk.say(talk.bob, call, BOB, step::ANSWER);
        talk.forget();
        (talk, call)
    }

    fn start(&mut self, by: SessionId, number: u32, peer: &str) {
        let call = Call { number, status: step::INCOMING, peer: peer.into(), ..Call::default() };
        self.frame(by, call);
    }

    fn say(&mut self, by: SessionId, call: u64, number: u32, status: u32) {
        self.frame(by, Call { call, number, status, ..Call::default() });
    }

    /// What a page says of a call that was answered, when it is back.
    fn back(&mut self, by: SessionId, call: u64, number: u32, peer: &str, caller: bool) {
        let now = self.host.now.wall.0;
        let (started, answered) = (now - 9_000, now - 5_000);
        let status = step::RECONNECTING;
        let peer = peer.into();
        let call =
            Call { call, number, status, peer, caller, started, answered, ..Call::default() };
        self.frame(by, call);
    }

    fn frame(&mut self, by: SessionId, call: Call) {
        self.host.frame(by, client_frame::Body::Call(call));
    }

    fn forget(&mut self) {
        self.calls(self.ada);
        self.calls(self.bob);
    }

    fn calls(&mut self, session: SessionId) -> Vec<Call> {
        let frames = self.host.received(session).into_iter();
        let calls = frames.filter_map(|frame| match frame {
            server_frame::Body::Call(call) => Some(call),
            _ => None,
        });
        calls.collect()
    }

    fn told(&mut self, session: SessionId) -> Vec<u32> {
        statuses(&self.calls(session))
    }

    /// Time in which nobody is silent.
    fn advance(&mut self, time: Duration) {
        let mut rest = time;
        while !rest.is_zero() {
            let part = rest.min(Duration::from_secs(10));
            for session in [self.ada, self.bob] {
                self.host.frame(session, client_frame::Body::Pong(Pong { sent: 0 }));
            }
            self.host.advance(part);
            rest -= part;
        }
    }

    fn block(&mut self, by: SessionId, address: &str, flags: u32) {
        let contact = Contact { address: address.into(), flags };
        let contacts = Contacts { ticket: 1, contacts: vec![contact] };
        self.host.frame(by, client_frame::Body::Contacts(contacts));
    }

    /// Records of calls in a user's log, read by a device that was never there.
    fn records(&mut self, who: usize) -> Vec<Call> {
        let (session, _) = self.host.resume(&self.tokens[who].clone(), 0);
        let records = self.host.entries(session).into_iter().filter_map(|(_, body)| match body {
            entry::Body::Call(record) => Some(record),
            _ => None,
        });
        records.collect()
    }
}

fn statuses(calls: &[Call]) -> Vec<u32> {
    calls.iter().map(|call| call.status).collect()
}

#[test]
fn a_call_rings_is_answered_and_ends_with_a_record_for_each() {
    let (mut talk, call) = Talk::ringing();
    talk.advance(Duration::from_secs(3));
    talk.say(talk.bob, call, BOB, step::ANSWER);
    let (to_ada, to_bob) = (talk.calls(talk.ada), talk.calls(talk.bob));
    assert_eq!((to_ada[0].status, to_ada[0].number, to_ada[0].caller), (step::ANSWER, ADA, true));
    assert_eq!((to_bob[0].status, to_bob[0].number, to_bob[0].caller), (step::ANSWER, BOB, false));
    talk.advance(Duration::from_secs(7));
    talk.say(talk.ada, call, ADA, step::COMPLETE);
    assert_eq!(talk.told(talk.bob), [step::COMPLETE]);
    for (who, peer, caller) in [(0, "bob", true), (1, "ada", false)] {
        let records = talk.records(who);
        assert_eq!(records.len(), 1, "{peer}");
        let record = &records[0];
        assert_eq!((record.call, &*record.peer, record.caller), (call, peer, caller));
        assert_eq!(record.answered - record.started, 3_000);
        assert_eq!(record.ended - record.answered, 7_000);
        assert_eq!(record.status, step::COMPLETE);
    }
}

#[test]
fn no_description_leaves_before_the_answer_and_then_it_goes_to_the_other_side_only() {
    let (mut talk, call) = Talk::ringing();
    let second = talk.host.sign_in_from(&talk.tokens[1].clone(), 2);
    let offer = || Call {
        call,
        number: ADA,
        status: step::SDP,
        offer: "o".into(),
        peer: "forged".into(),
        ..Call::default()
    };
    talk.frame(talk.ada, offer());
    assert_eq!(talk.told(talk.bob), []);
    talk.say(talk.bob, call, BOB, step::ANSWER);
    talk.forget();
    talk.calls(second);
    talk.frame(talk.ada, offer());
    let got = talk.calls(talk.bob);
    assert_eq!((&*got[0].offer, got[0].number, &*got[0].peer), ("o", BOB, ""));
    assert_eq!(talk.told(second), []);
    // Nobody else speaks for a side, and nothing boundless is passed on.
    talk.frame(talk.ada, Call { number: ADA + 1, ..offer() });
    talk.frame(talk.ada, Call { offer: "x".repeat(CALL_SDP_BYTES_MAX + 1), ..offer() });
    assert_eq!(talk.told(talk.bob), []);
}

#[test]
fn all_sessions_ring_and_the_first_answer_wins() {
    let mut talk = Talk::new();
    let second = talk.host.sign_in_from(&talk.tokens[1].clone(), 2);
    talk.start(talk.ada, ADA, "bob");
    let late = talk.host.sign_in_from(&talk.tokens[1].clone(), 2);
    let call = talk.calls(talk.bob)[0].call;
    assert_eq!(talk.told(second), [step::INCOMING]);
    assert_eq!(talk.told(late), [step::INCOMING], "who comes while it rings");
    talk.say(second, call, BOB, step::ANSWER);
    talk.say(late, call, BOB + 1, step::ANSWER);
    for ringing in [talk.bob, late] {
        let told = talk.calls(ringing);
        assert_eq!((told[0].status, told[0].number), (step::ANSWER, BOB), "it was another one");
    }
    talk.say(late, call, BOB + 1, step::ANSWER);
    assert_eq!(talk.told(late), [step::SWITCHED]);
}

#[test]
fn the_caller_gives_up_and_the_callee_declines() {
    let (mut talk, call) = Talk::ringing();
    talk.say(talk.ada, 0, ADA, step::CANCEL);
    assert_eq!(talk.told(talk.bob), [step::CANCEL]);
    talk.say(talk.bob, call, BOB, step::ANSWER);
    assert_eq!(talk.told(talk.bob), [step::CANCEL], "too late");

    let (mut talk, call) = Talk::ringing();
    talk.say(talk.bob, call, BOB, step::CANCEL);
    assert_eq!(talk.told(talk.ada), [step::BUSY]);
    let record = talk.records(1).remove(0);
    assert_eq!((record.answered, record.caller, record.status), (0, false, step::BUSY));
}

#[test]
fn nobody_rings_for_ever() {
    let (mut talk, _) = Talk::ringing();
    talk.advance(CALL_RING_MAX);
    assert_eq!(talk.told(talk.ada), [step::NO_ANSWER]);
    assert_eq!(talk.told(talk.bob), [step::NO_ANSWER]);
    assert_eq!(talk.records(0).len(), 1);
}

#[test]
fn who_is_in_a_call_is_busy_and_finds_the_missed_one() {
    let (mut talk, _) = Talk::answered();
    let token = talk.host.user("eve");
    let eve = talk.host.sign_in_from(&token, 3);
    talk.start(eve, 33, "bob");
    assert_eq!(talk.told(eve), [step::BUSY]);
    assert_eq!(talk.told(talk.bob), []);
    // Nor does somebody in a call make a second one.
    talk.start(talk.bob, BOB + 1, "eve");
    assert_eq!(talk.told(talk.bob), [step::BUSY]);
    let missed = talk.records(1);
    assert_eq!((missed.len(), &*missed[0].peer, missed[0].answered), (1, "eve", 0));
}

#[test]
fn who_cannot_be_called_does_not_ring() {
    let mut talk = Talk::new();
    let token = talk.host.user("zoe");
    for (peer, status) in [
        ("nobody", step::INVALID_DESTINATION),
        ("", step::INVALID_DESTINATION),
        ("ada", step::INVALID_DESTINATION),
        ("zoe", step::OFFLINE),
    ] {
        talk.start(talk.ada, ADA, peer);
        assert_eq!(talk.told(talk.ada), [status], "{peer}");
    }
    let zoe = talk.host.sign_in_from(&token, 4);
    let entries = talk.host.entries(zoe);
    assert!(matches!(&entries[..], [(_, entry::Body::Call(missed))] if missed.peer == "ada"));
    for (by, of, flags, video, status) in [
        (talk.bob, "ada", contact::BLOCK_CALLS, false, step::BLOCKED),
        (talk.bob, "ada", contact::BLOCK_VIDEO_CALLS, true, step::NO_VIDEO_CALLS),
        (talk.bob, "ada", contact::BLOCKED, false, step::BLOCKED),
        (talk.ada, "bob", contact::BLOCKED, false, step::BLOCKED),
    ] {
        talk.block(by, of, flags);
        talk.forget();
        let (status_up, peer) = (step::INCOMING, "bob".into());
        let call = Call { number: ADA, status: status_up, peer, video, ..Call::default() };
        talk.frame(talk.ada, call);
        assert_eq!((talk.told(talk.ada), talk.told(talk.bob)), (vec![status], vec![]));
        talk.block(by, of, 0);
    }
}

#[test]
fn a_call_by_voice_gets_pictures_unless_a_video_call_would_be_refused() {
    let (mut talk, call) = Talk::answered();
    let update = Call { call, number: BOB, status: step::UPDATE, ..Call::default() };
    talk.block(talk.ada, "bob", contact::BLOCK_VIDEO_CALLS);
    talk.forget();
    talk.frame(talk.bob, update.clone());
    let refused = talk.calls(talk.bob);
    assert_eq!((statuses(&refused), refused[0].video), (vec![step::UPDATE], false));
    assert_eq!(talk.told(talk.ada), []);
    // It is Bob who may not show himself.
    talk.frame(talk.ada, Call { number: ADA, ..update.clone() });
    for (session, number) in [(talk.ada, ADA), (talk.bob, BOB)] {
        let told = talk.calls(session);
        assert_eq!(statuses(&told), [step::UPDATE]);
        assert_eq!((told[0].video, told[0].number), (true, number));
    }
    talk.say(talk.ada, call, ADA, step::COMPLETE);
    assert!(talk.records(0)[0].video, "as it was in the end");

    let (mut talk, call) = Talk::ringing();
    talk.frame(talk.ada, Call { call, number: ADA, ..update });
    assert_eq!((talk.told(talk.ada), talk.told(talk.bob)), (vec![], vec![]));
}

#[test]
fn who_call_each_other_have_found_one_another() {
    let mut talk = Talk::new();
    talk.start(talk.ada, ADA, "bob");
    talk.start(talk.bob, BOB, "ada");
    let (to_ada, to_bob) = (talk.calls(talk.ada), talk.calls(talk.bob));
    assert_eq!(statuses(&to_ada), [step::RINGING, step::ANSWER]);
    assert_eq!(statuses(&to_bob), [step::INCOMING, step::ANSWER]);
    assert_eq!((to_ada[1].number, to_ada[1].caller), (ADA, true));
    assert_eq!((to_bob[1].number, to_bob[1].caller), (BOB, false));
}

#[test]
fn a_side_that_comes_back_goes_on_and_one_that_does_not_ends_the_call() {
    let (mut talk, call) = Talk::answered();
    talk.host.close(talk.bob);
    talk.host.advance(CALL_RETURN_WITHIN / 2);
    talk.bob = talk.host.sign_in_from(&talk.tokens[1].clone(), 2);
    talk.back(talk.bob, call, BOB, "ada", false);
    assert_eq!(
        (talk.told(talk.ada), talk.told(talk.bob)),
        (vec![step::UPDATE], vec![step::UPDATE])
    );
    talk.host.close(talk.bob);
    talk.advance(CALL_RETURN_WITHIN);
    assert_eq!(talk.told(talk.ada), [step::NETWORK_ERROR]);
    assert_eq!(talk.records(0).len(), 1);
}

#[test]
fn a_call_survives_a_restart_of_the_server_when_both_come_back() {
    let (mut talk, call) = Talk::answered();
    talk.host.restart();
    talk.ada = talk.host.sign_in(&talk.tokens[0].clone());
    talk.bob = talk.host.sign_in_from(&talk.tokens[1].clone(), 2);
    talk.back(talk.bob, call, BOB, "ada", false);
    assert_eq!(talk.told(talk.ada), [], "one alone is no call");
    talk.back(talk.ada, call, ADA, "bob", true);
    assert_eq!(
        (talk.told(talk.ada), talk.told(talk.bob)),
        (vec![step::UPDATE], vec![step::UPDATE])
    );
    talk.say(talk.ada, call, ADA, step::COMPLETE);
    assert_eq!(talk.told(talk.bob), [step::COMPLETE]);
    let records = (talk.records(0), talk.records(1));
    assert_eq!((records.0.len(), records.1.len()), (1, 1));
    assert!(records.0[0].caller && !records.1[0].caller);
}

#[test]
fn nobody_writes_a_call_into_the_log_of_somebody_who_did_not_say_so() {
    let mut talk = Talk::new();
    talk.host.restart();
    talk.ada = talk.host.sign_in(&talk.tokens[0].clone());
    talk.bob = talk.host.sign_in_from(&talk.tokens[1].clone(), 2);
    talk.back(talk.ada, (1 << 21) + 7, ADA, "bob", true);
    talk.advance(CALL_RETURN_WITHIN);
    assert_eq!(talk.told(talk.ada), [step::NETWORK_ERROR]);
    assert_eq!((talk.records(0).len(), talk.records(1).len()), (1, 0));
}

#[test]
fn a_call_that_rings_goes_on_ringing_after_a_restart() {
    let (mut talk, call) = Talk::ringing();
    talk.host.restart();
    talk.bob = talk.host.sign_in_from(&talk.tokens[1].clone(), 2);
    talk.say(talk.bob, call, BOB, step::RECONNECTING);
    assert_eq!(talk.told(talk.bob), []);
    talk.ada = talk.host.sign_in(&talk.tokens[0].clone());
    let (number, status, peer) = (ADA, step::INCOMING, String::from("bob"));
    talk.frame(talk.ada, Call { call, number, status, peer, ..Call::default() });
    let again = talk.calls(talk.bob);
    assert_eq!((again[0].status, again[0].call), (step::INCOMING, call), "the same call");
    assert_eq!(talk.told(talk.ada), [step::RINGING]);
}

#[test]
fn who_calls_too_often_is_refused() {
    let mut talk = Talk::new();
    for _ in 0..CALL_STARTS_PER_MINUTE_MAX {
        talk.start(talk.ada, ADA, "bob");
        talk.say(talk.ada, 0, ADA, step::CANCEL);
    }
    talk.forget();
    talk.start(talk.ada, ADA, "bob");
    assert_eq!((talk.told(talk.ada), talk.told(talk.bob)), (vec![step::NOT_ALLOWED], vec![]));
    talk.advance(Duration::from_secs(60));
    talk.start(talk.ada, ADA, "bob");
    assert_eq!(talk.told(talk.ada), [step::RINGING]);
}
