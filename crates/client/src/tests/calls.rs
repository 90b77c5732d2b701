//! Rules of one side of a call, with a server and a browser that say what the test wants.

use alloc::vec::Vec;
use wire::call as step;
use wire::limits::{CALL_CONNECT_WITHIN, CALL_RESTART_AFTER};
use wire::proto::{Call, client_frame, server_frame};

use super::Page;
use crate::event::Event;
use crate::port::call::{Command, Input as Media};
use crate::port::peer::{Input as Peer, Kind, PeerState};
use crate::{CallError, Input};

const CALL: u64 = 77;

impl Page {
    /// An own call that was answered, with the number the page knows it by.
    fn in_call() -> (Page, u32) {
        let mut page = Page::online();
        page.client.set_up_call(true);
        page.client.call("friend".into(), None).expect("it is taken");
        page.input(Input::Tick);
        let number = page.call_commands[0].0;
        page.media(number, Media::Captured { audio: true, video: true });
        page.says(number, step::RINGING, |_| {});
        page.says(number, step::ANSWER, |frame| frame.caller = true);
        (page, number)
    }

    fn media(&mut self, call: u32, media: Media) {
        self.input(Input::Call(call, media));
    }

    /// The server says something about the call.
    fn says(&mut self, number: u32, status: u32, fill: impl FnOnce(&mut Call)) {
        let mut frame = Call { call: CALL, number, status, ..Call::default() };
        fill(&mut frame);
        self.server(server_frame::Body::Call(frame));
    }

    fn told(&self) -> Vec<u32> {
        let told = self.events.iter().filter_map(|event| match event {
            Event::CallStatus { status, .. } => Some(*status),
            Event::Call { .. } => Some(step::INCOMING),
            _ => None,
        });
        told.collect()
    }

    fn said(&self) -> Vec<&Call> {
        let said = self.frames.iter().filter_map(|frame| match frame {
            client_frame::Body::Call(call) => Some(call),
            _ => None,
        });
        said.collect()
    }

    fn commands_of_call(&self) -> Vec<&Command> {
        self.call_commands.iter().map(|(_, command)| command).collect()
    }
}

#[test]
fn a_call_is_connected_when_media_flows_both_ways_and_not_before() {
    let (mut page, call) = Page::in_call();
    page.media(call, Media::State(PeerState::Connected));
    page.media(call, Media::Flowing);
    assert_eq!(page.told(), [step::IN_PROGRESS, step::RINGING, step::ANSWER]);
    assert_eq!(page.said().last().map(|said| said.status), Some(step::CONNECTED));
    page.says(call, step::CONNECTED, |_| {});
    assert_eq!(page.told().last(), Some(&step::CONNECTED));
}

#[test]
fn candidates_wait_for_the_description_they_belong_to() {
    let (mut page, call) = Page::in_call();
    page.frames.clear();
    page.media(call, Media::Candidate("c".into(), "0".into()));
    assert!(page.said().is_empty());
    page.media(call, Media::Described("o".into()));
    let said = page.said();
    assert_eq!((&*said[0].offer, said[0].ticket, &*said[1].candidate), ("o", 1, "c"));
}

#[test]
fn an_answer_to_an_older_offer_is_dropped() {
    let (mut page, call) = Page::in_call();
    page.media(call, Media::Described("o".into()));
    page.media(call, Media::State(PeerState::Disconnected));
    page.now.instant = page.now.instant + CALL_RESTART_AFTER;
    page.input(Input::Tick);
    page.media(call, Media::Described("o2".into()));
    let answer = |page: &mut Page, ticket| {
        page.says(call, step::SDP, |frame| {
            (frame.answer, frame.ticket) = ("a".into(), ticket);
        });
        page.commands_of_call().iter().any(|it| matches!(it, Command::TakeAnswer(_)))
    };
    assert!(!answer(&mut page, 1));
    assert!(answer(&mut page, 2));
}

#[test]
fn a_call_without_a_path_is_given_up_and_the_other_side_is_told() {
    let (mut page, _) = Page::in_call();
    page.now.instant = page.now.instant + CALL_CONNECT_WITHIN;
    page.input(Input::Tick);
    assert_eq!(page.told().last(), Some(&step::NETWORK_ERROR));
    assert_eq!(page.said().last().map(|said| said.status), Some(step::NETWORK_ERROR));
    assert_eq!(page.commands_of_call().last(), Some(&&Command::Close));
}

#[test]
fn what_comes_too_late_is_nobodys() {
    let (mut page, call) = Page::in_call();
    assert!(page.client.hang_up_call(call));
    assert!(!page.client.hang_up_call(0), "there is none any more");
    page.input(Input::Tick);
    page.forget();
    page.media(call, Media::Described("o".into()));
    page.says(call, step::COMPLETE, |_| {});
    assert!(page.told().is_empty() && page.said().is_empty());
}

#[test]
fn a_call_that_cannot_begin_is_refused_and_told_once() {
    let mut page = Page::online();
    assert_eq!(page.client.call("friend".into(), None), Err(CallError::NoSetup));
    page.client.set_up_call(false);
    assert_eq!(page.client.call("".into(), None), Err(CallError::NoAddress));
    assert_eq!(page.client.call("friend".into(), None), Ok(()));
    assert_eq!(page.client.call("other".into(), None), Err(CallError::Busy));
    page.input(Input::Tick);
    assert_eq!(page.told(), [step::INVALID_DESTINATION, step::BUSY]);
}

#[test]
fn another_tab_that_answers_takes_the_call_over() {
    let mut page = Page::online();
    page.says(0, step::INCOMING, |frame| frame.peer = "friend".into());
    page.says(0, step::INCOMING, |frame| frame.peer = "friend".into());
    assert_eq!(page.told(), [step::INCOMING], "it is the same one");
    assert!(page.client.answer_call(true) && page.client.answer_call(true));
    page.says(5, step::ANSWER, |_| {});
    assert_eq!(page.told(), [step::INCOMING, step::SWITCHED]);
}

#[test]
fn what_is_muted_before_the_answer_is_told_with_it() {
    let mut page = Page::online();
    page.client.set_up_call(true);
    page.client.call("friend".into(), None).expect("it is taken");
    page.input(Input::Tick);
    let number = page.call_commands[0].0;
    page.client.mute_call(step::mute::AUDIO, true);
    page.media(number, Media::Captured { audio: true, video: true });
    page.says(number, step::RINGING, |_| {});
    assert!(!page.said().iter().any(|said| said.status == step::MUTE));
    page.says(number, step::ANSWER, |frame| frame.caller = true);
    let said = |page: &Page, status| page.said().iter().filter(|it| it.status == status).count();
    assert_eq!(said(&page, step::MUTE), 1);
    page.client.mute_call(step::mute::AUDIO, false);
    page.client.mute_call(step::mute::HOLD, true);
    page.run();
    assert_eq!((said(&page, step::UNMUTE), said(&page, step::HOLD)), (1, 1));
}

#[test]
fn a_camera_that_is_lost_or_a_screen_that_is_stopped_gives_way_to_the_camera_there_is() {
    let (mut page, call) = Page::in_call();
    let takes = |page: &Page| {
        let take = |command: &&Command| match **command {
            Command::Take { kind, source, index } => Some((kind, source, index)),
            _ => None,
        };
        page.commands_of_call().iter().filter_map(take).collect::<Vec<_>>()
    };
    let took = |source| Media::Took { kind: Kind::Video, source, index: 0 };
    page.client.set_call_source(4, 0);
    page.run();
    assert_eq!(page.client.call_source(), 0, "not yet");
    page.media(call, took(4));
    assert_eq!(page.client.call_source(), 4);
    page.media(call, Media::Lost(Kind::Video));
    assert_eq!(takes(&page), [(Kind::Video, 4, 0), (Kind::Video, 0, 0)]);
    page.input(Input::Peer(Peer::DevicesChanged));
    assert_eq!(takes(&page).len(), 3, "there was none");
    page.media(call, took(0));
    page.input(Input::Peer(Peer::DevicesChanged));
    assert_eq!((takes(&page).len(), page.client.call_source()), (3, 0));
}

#[test]
fn a_call_by_voice_becomes_one_with_pictures_when_the_server_says_so() {
    let mut page = Page::online();
    page.client.set_up_call(false);
    page.client.call("friend".into(), None).expect("it is taken");
    page.input(Input::Tick);
    let call = page.call_commands[0].0;
    page.media(call, Media::Captured { audio: true, video: false });
    page.says(call, step::RINGING, |_| {});
    let takes = |page: &Page| {
        let take = |command: &&&Command| matches!(command, Command::Take { .. });
        page.commands_of_call().iter().filter(take).count()
    };
    let asked = |page: &Page| page.said().iter().filter(|said| said.status == step::UPDATE).count();
    // Of a page that has set up for voice this is about later calls.
    page.client.set_call_source(1, 0);
    page.client.set_up_call(true);
    page.client.set_call_source(0, 0);
    page.run();
    assert_eq!(asked(&page), 0, "nobody has answered");
    page.says(call, step::ANSWER, |frame| frame.caller = true);
    assert_eq!((asked(&page), takes(&page)), (1, 0));
    page.says(call, step::UPDATE, |_| {});
    assert!(matches!(page.events.last(), Some(Event::Error { .. })), "it may not");
    assert_eq!(page.client.active_call(), Some(("friend", false)));

    page.client.set_call_source(0, 0);
    page.run();
    page.says(call, step::UPDATE, |frame| frame.video = true);
    assert_eq!(page.told().last(), Some(&step::UPDATE));
    assert_eq!((asked(&page), takes(&page)), (2, 1));
    assert!(page.commands_of_call().contains(&&Command::Picture));
    assert_eq!(page.client.active_call(), Some(("friend", true)));
    page.says(call, step::UPDATE, |frame| frame.video = true);
    let updates = page.told().iter().filter(|status| **status == step::UPDATE).count();
    assert_eq!((updates, takes(&page)), (1, 1), "told once");
}

#[test]
fn the_screen_is_what_the_next_call_begins_with_and_no_other_one() {
    let mut page = Page::online();
    page.client.set_up_call(true);
    page.client.set_call_source(4, 1);
    assert_eq!(page.client.call_source(), 4);
    for (source, index) in [(4, 1), (0, 0)] {
        page.client.call("friend".into(), None).expect("it is taken");
        page.input(Input::Tick);
        let capture = Command::Capture { video: true, source, index };
        assert!(matches!(page.call_commands.last(), Some((_, command)) if *command == capture));
        page.client.hang_up_call(0);
        page.input(Input::Tick);
    }
}
