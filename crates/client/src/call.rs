//! One-to-one calls: one at a time, from the first ring to the last word.
//!
//! Relies on the host for capture and the peer connection, on the server to bring both sides
//! together. Promises statuses in the order of `client-api.md` 3.13, `CONNECTED` only while media
//! flows both ways, one last status, and devices let go of before it.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use wire::call::{self as step, OVER, mute};
use wire::id::{MessageId, Seq};
use wire::limits::{
    CALL_CANDIDATES_MAX, CALL_CONNECT_WITHIN, CALL_ENDS_UNSAID_MAX, CALL_LOST_MAX,
    CALL_RESTART_AFTER, CALL_RESTART_INTERVAL, CALL_RING, CALL_RING_MAX,
};
use wire::proto::{self, client_frame};
use wire::status;
use wire::time::{Duration, Instant, Now, Timestamp};

use crate::Output;
use crate::client::Client;
use crate::event::Event;
use crate::message::{Content, Conversation, Message, MessageKey};
use crate::outbox::place;
use crate::port::call::{Command, Input};
use crate::port::peer::{Kind, PeerState};
use crate::port::store::{Part, Write};

/// `MESIBOCALL_VIDEOSOURCE_SCREEN`
const SOURCE_SCREEN: u32 = 4;

/// The bit of a kind of track in `wire::call::mute`.
fn bit(kind: Kind) -> u32 {
    if kind == Kind::Audio { mute::AUDIO } else { mute::VIDEO }
}

/// Why a call is not started. The page is told a last status as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Neither `setupVideoCall` nor `setupVoiceCall` was called.
    #[error(
        "nothing is set up for a call: call `setupVideoCall` or `setupVoiceCall` before `call`"
    )]
    NoSetup,
    /// Nobody is named.
    #[error("the address to call is empty")]
    NoAddress,
    /// One at a time.
    #[error("another call is running: hang it up before the next one")]
    Busy,
    /// There is no connection.
    #[error("there is no connection to the server")]
    Offline,
}

/// How long the page lets each part of a call take.
#[derive(Clone, Copy, Debug)]
pub enum CallWait {
    /// Until somebody answers an own call.
    Request,
    /// Until the page answers.
    Answer,
    /// Until media flows.
    Connect,
}

#[derive(Debug)]
pub(crate) struct Calls {
    /// What the page set up for the next call: with a picture.
    setup: Option<bool>,
    /// Which camera the page wants.
    source: (u32, u32),
    /// The screen the next call begins with.
    screen: Option<(u32, u32)>,
    call: Option<Call>,
    /// By [`CallWait`].
    waits: [Duration; 3],
    /// Ends the server has not been told of.
    unsaid: VecDeque<proto::Call>,
}

impl Default for Calls {
    fn default() -> Calls {
        let waits = [CALL_RING, CALL_RING_MAX, CALL_CONNECT_WITHIN];
        let unsaid = VecDeque::new();
        Calls { setup: None, source: (0, 0), screen: None, call: None, waits, unsaid }
    }
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// An own call; devices are asked for.
    Capturing,
    /// The server was asked; `true` once somebody rings.
    Calling(bool),
    /// It rings here.
    Incoming,
    /// The page has answered; devices are asked for.
    Accepting,
    /// The server was told of the answer.
    Answering,
    /// Answered.
    Open,
}

#[derive(Debug)]
struct Call {
    number: u32,
    /// The server's number, 0 until it is known.
    id: u64,
    peer: String,
    /// This side offers.
    caller: bool,
    video: bool,
    started: u64,
    answered: u64,
    stage: Stage,
    /// Then it is given up.
    until: Instant,
    /// Then a new path is looked for.
    restart_at: Instant,
    /// `wire::call::mute`, own side.
    muted: u32,
    /// What of it the other side was told.
    said_muted: u32,
    /// Camera or screen that is sent, and which.
    source: (u32, u32),
    /// What shall be sent when the call by voice may have pictures.
    wish: Option<(u32, u32)>,
    /// `wire::call::mute`: devices that have gone away. They are taken again when they are back.
    lost: u32,
    /// There is a path, media came, media arrived.
    path: bool,
    hears: bool,
    is_heard: bool,
    /// The page was told so.
    connected: bool,
    /// Number of the last offer, and whether its answer is missing.
    ticket: u32,
    unanswered: bool,
    /// A description is being made; candidates wait for it.
    describing: bool,
    candidates: Vec<(String, String)>,
}

impl Call {
    fn new(number: u32, peer: String, video: bool, caller: bool) -> Call {
        Call {
            number,
            id: 0,
            peer,
            caller,
            video,
            started: 0,
            answered: 0,
            stage: if caller { Stage::Capturing } else { Stage::Incoming },
            until: Instant::FAR_FUTURE,
            restart_at: Instant::FAR_FUTURE,
            muted: 0,
            said_muted: 0,
            source: (0, 0),
            wish: None,
            lost: 0,
            path: false,
            hears: false,
            is_heard: false,
            connected: false,
            ticket: 0,
            unanswered: false,
            describing: false,
            candidates: Vec::new(),
        }
    }

    /// A frame about this side.
    fn frame(&self, status: u32) -> proto::Call {
        proto::Call {
            call: self.id,
            number: self.number,
            status,
            peer: self.peer.clone(),
            video: self.video,
            caller: self.caller,
            started: self.started,
            answered: self.answered,
            ..proto::Call::default()
        }
    }

    fn rings_here(&self) -> bool {
        matches!(self.stage, Stage::Incoming | Stage::Accepting | Stage::Answering)
    }
}

impl Client {
    // ---- the page's verbs ------------------------------------------------------------------

    /// What the next call, or the answer to the one that rings, is about.
    pub fn set_up_call(&mut self, video: bool) {
        self.calls.setup = Some(video);
    }

    /// How long to wait, for calls that begin later.
    pub fn set_call_wait(&mut self, wait: CallWait, time: Duration) {
        self.calls.waits[wait as usize] = time;
    }

    /// Calls somebody, with a picture as it was set up or as said here.
    ///
    /// Each error but [`CallError::NoSetup`] is also told as the last status of a call.
    pub fn call(&mut self, peer: String, video: Option<bool>) -> Result<(), CallError> {
        let set_up = self.calls.setup.ok_or(CallError::NoSetup)?;
        let number = self.chance.draw() as u32 | 1;
        let refused = match () {
            _ if peer.is_empty() => Some((CallError::NoAddress, step::INVALID_DESTINATION)),
            _ if self.calls.call.is_some() => Some((CallError::Busy, step::BUSY)),
            _ if !self.session.is_online() => Some((CallError::Offline, step::NETWORK_ERROR)),
            _ => None,
        };
        if let Some((error, status)) = refused {
            self.tell(Event::CallStatus { call: number, status });
            return Err(error);
        }
        let video = video.unwrap_or(set_up);
        self.calls.call = Some(Call::new(number, peer, video, true));
        self.capture_for_call(video);
        Ok(())
    }

    /// Answers the call that rings; `false` when there is none. A second time does nothing.
    pub fn answer_call(&mut self, video: bool) -> bool {
        let set_up = self.calls.setup.unwrap_or(false);
        let Some(call) = self.calls.call.as_mut().filter(|call| !call.caller) else { return false };
        if call.stage == Stage::Incoming {
            call.stage = Stage::Accepting;
            let video = video && set_up && call.video;
            self.capture_for_call(video);
        }
        true
    }

    fn capture_for_call(&mut self, video: bool) {
        let screen = if video { self.calls.screen.take() } else { None };
        let (source, index) = screen.unwrap_or(self.calls.source);
        if let Some(call) = &mut self.calls.call {
            call.source = (source, index);
        }
        self.media(Command::Capture { video, source, index });
    }

    /// Rejects, cancels or ends; `false` when there is no such call. 0 is the one there is.
    pub fn hang_up_call(&mut self, number: u32) -> bool {
        let known = self.calls.call.as_ref().filter(|call| [0, call.number].contains(&number));
        let Some(call) = known else { return false };
        let status = if call.stage == Stage::Open { step::COMPLETE } else { step::CANCEL };
        self.finish_call(status, true);
        true
    }

    /// Mutes or unmutes what `mask` names (`wire::call::mute`); `false` when there is no call.
    pub fn mute_call(&mut self, mask: u32, on: bool) -> bool {
        let Some(call) = &mut self.calls.call else { return false };
        let before = call.muted;
        call.muted = if on { before | mask } else { before & !mask };
        let muted = call.muted;
        if muted != before {
            self.media(Command::Mute(muted));
            self.say_muted();
        }
        true
    }

    /// Tells the other side what is muted here, once it has answered: also what was before.
    fn say_muted(&mut self) {
        let open = self.calls.call.as_mut().filter(|call| call.stage == Stage::Open);
        let Some(call) = open else { return };
        let changed = core::mem::replace(&mut call.said_muted, call.muted) ^ call.muted;
        let muted = call.muted;
        for (mask, on, off) in [
            (mute::AUDIO | mute::VIDEO, step::MUTE, step::UNMUTE),
            (mute::HOLD, step::HOLD, step::UNHOLD),
        ] {
            if changed & mask != 0 {
                self.signal(if changed & mask & muted != 0 { on } else { off }, |_| {});
            }
        }
    }

    /// Which camera is sent, in the call there is and in later ones; the screen in one call only, the
    /// one there is or the next one. A call by voice becomes one with pictures when the page has set up for
    /// those since.
    pub fn set_call_source(&mut self, source: u32, index: u32) {
        let begun = self.calls.call.as_ref().is_some_and(|call| call.stage != Stage::Incoming);
        self.calls.screen = None;
        if source != SOURCE_SCREEN {
            self.calls.source = (source, index);
        } else if !begun {
            self.calls.screen = Some((source, index));
        }
        let pictures = self.calls.setup == Some(true);
        let Some(call) = &mut self.calls.call else { return };
        if call.video || !begun {
            self.take(Kind::Video, (source, index));
        } else if pictures {
            call.wish = Some((source, index));
            self.ask_for_pictures();
        }
    }

    fn ask_for_pictures(&mut self) {
        let call = self.calls.call.as_ref();
        if call.is_some_and(|call| call.wish.is_some() && call.stage == Stage::Open) {
            self.signal(step::UPDATE, |frame| frame.video = true);
        }
    }

    /// Camera or screen, `MESIBOCALL_VIDEOSOURCE_*`.
    pub fn call_source(&self) -> u32 {
        let next = self.calls.screen.unwrap_or(self.calls.source);
        self.calls.call.as_ref().map_or(next, |call| call.source).0
    }

    /// The server says whether the call is one with pictures; `false` when that is nothing new.
    fn on_call_pictures(&mut self, video: bool) -> bool {
        let Some(call) = &mut self.calls.call else { return false };
        let (number, wish) = (call.number, call.wish.take());
        let begins = video && !call.video;
        call.video |= video;
        if begins {
            self.media(Command::Picture);
            self.tell(Event::CallStatus { call: number, status: step::UPDATE });
        }
        match wish {
            Some(source) if video => self.take(Kind::Video, source),
            Some(_) => {
                let text = "this call may have no pictures: the other side, or the rights of one of \
                            both, do not allow them";
                self.tell(Event::Error { text: text.into() });
            }
            None => return begins,
        }
        true
    }

    /// Takes another device in the place of the one that is sent.
    pub(crate) fn take(&mut self, kind: Kind, (source, index): (u32, u32)) {
        let call = self.calls.call.as_ref();
        if call.is_some_and(|call| !matches!(call.stage, Stage::Capturing | Stage::Incoming)) {
            self.media(Command::Take { kind, source, index });
        }
    }

    /// What had gone away may be back.
    pub(crate) fn take_lost_devices(&mut self) {
        let lost = self.calls.call.as_ref().map_or(0, |call| call.lost);
        for kind in [Kind::Audio, Kind::Video] {
            if lost & bit(kind) != 0 {
                self.take(kind, self.calls.source);
            }
        }
    }

    /// What is muted on the own side, `wire::call::mute`.
    pub fn call_muted(&self) -> u32 {
        self.calls.call.as_ref().map_or(0, |call| call.muted)
    }

    /// Sends tones to the other side; `false` when no call is answered.
    pub fn send_tones(&mut self, tones: String) -> bool {
        let open = self.calls.call.as_ref().is_some_and(|call| call.stage == Stage::Open);
        if open {
            self.media(Command::Tones(tones));
        }
        open
    }

    /// With whom a call is under way or rings, and whether it is about pictures.
    pub fn active_call(&self) -> Option<(&str, bool)> {
        self.calls.call.as_ref().map(|call| (&*call.peer, call.video))
    }

    // ---- what happens ----------------------------------------------------------------------

    pub(crate) fn on_call_media(&mut self, now: Now, number: u32, input: Input) {
        if input == Input::Leaving {
            self.hang_up_call(0);
            return;
        }
        let Some(call) = self.calls.call.as_mut().filter(|call| call.number == number) else {
            return;
        };
        match input {
            Input::Captured { audio, video } => self.on_call_captured(now, audio || video),
            Input::Lost(kind) => {
                call.lost |= bit(kind);
                self.take(kind, self.calls.source);
            }
            Input::Took { kind, source, index } => {
                call.lost &= !bit(kind);
                if kind == Kind::Video {
                    call.source = (source, index);
                }
            }
            Input::Described(sdp) => {
                call.describing = false;
                let candidates = core::mem::take(&mut call.candidates);
                let caller = call.caller;
                self.signal(step::SDP, |frame| match caller {
                    true => frame.offer = sdp,
                    false => frame.answer = sdp,
                });
                for (candidate, line) in candidates {
                    self.signal_candidate(candidate, line);
                }
            }
            Input::Candidate(candidate, line) => {
                if !call.describing {
                    self.signal_candidate(candidate, line);
                } else if call.candidates.len() < CALL_CANDIDATES_MAX {
                    call.candidates.push((candidate, line));
                }
            }
            Input::Failed(reason) => {
                call.describing = false;
                let text = alloc::format!("the browser refused a step of the call: {reason}");
                self.tell(Event::Error { text });
            }
            Input::State(PeerState::Connected) => {
                call.path = true;
                call.restart_at = Instant::FAR_FUTURE;
                self.look_at_call();
            }
            Input::State(state @ (PeerState::Disconnected | PeerState::Failed)) => {
                call.path = false;
                if call.caller {
                    let patience = match state {
                        PeerState::Failed => Duration::ZERO,
                        _ => CALL_RESTART_AFTER,
                    };
                    call.restart_at = call.restart_at.min(now.instant + patience);
                }
                if core::mem::take(&mut call.connected) {
                    call.until = now.instant + CALL_LOST_MAX;
                    self.tell(Event::CallStatus { call: number, status: step::RECONNECTING });
                }
            }
            Input::State(PeerState::Connecting) | Input::Leaving => {}
            Input::Flowing => {
                if !core::mem::replace(&mut call.hears, true) {
                    self.signal(step::CONNECTED, |_| {});
                    self.look_at_call();
                }
            }
        }
    }

    /// Devices are there, or none.
    fn on_call_captured(&mut self, now: Now, any: bool) {
        if !any {
            return self.finish_call(step::HARDWARE_ERROR, true);
        }
        let wait = self.calls.waits[CallWait::Request as usize];
        let Some(call) = &mut self.calls.call else { return };
        let (number, muted) = (call.number, call.muted);
        match call.stage {
            Stage::Capturing => {
                call.stage = Stage::Calling(false);
                call.started = self.session.server_time(now).0;
                call.until = now.instant + wait;
                let start = call.frame(step::INCOMING);
                self.tell(Event::CallStatus { call: number, status: step::IN_PROGRESS });
                self.transmit(client_frame::Body::Call(start));
            }
            Stage::Accepting => {
                call.stage = Stage::Answering;
                let answer = call.frame(step::ANSWER);
                self.transmit(client_frame::Body::Call(answer));
            }
            _ => return,
        }
        if muted != 0 {
            self.media(Command::Mute(muted));
        }
    }

    /// The server says something about a call.
    pub(crate) fn on_call(&mut self, now: Now, frame: proto::Call) {
        if frame.status == step::INCOMING {
            return self.on_ring(now, frame);
        }
        let Some(call) = &mut self.calls.call else { return };
        let same_call = frame.call > 0 && call.id == frame.call;
        if frame.number != call.number && (frame.number > 0 || !same_call) {
            // Another device or tab has answered.
            if same_call && frame.status == step::ANSWER && call.rings_here() {
                self.finish_call(step::SWITCHED, false);
            }
            return;
        }
        let number = call.number;
        if frame.call > 0 {
            call.id = frame.call;
        }
        match frame.status {
            step::RINGING if call.stage == Stage::Calling(false) => {
                call.stage = Stage::Calling(true);
                self.tell(Event::CallStatus { call: number, status: step::RINGING });
            }
            step::ANSWER if call.stage != Stage::Open => {
                call.stage = Stage::Open;
                // When each has called the other, the server says who offers.
                call.caller = frame.caller;
                call.started = frame.started;
                call.answered = frame.answered;
                call.until = now.instant + self.calls.waits[CallWait::Connect as usize];
                self.tell(Event::CallStatus { call: number, status: step::ANSWER });
                if frame.caller {
                    self.offer(false);
                }
                self.say_muted();
                self.ask_for_pictures();
            }
            step::UPDATE => {
                if self.on_call_pictures(frame.video) {
                    return;
                }
                let Some(call) = &mut self.calls.call else { return };
                // What was said while one of us was away is lost.
                let again = call.caller && (call.unanswered || !call.path);
                if call.hears {
                    self.signal(step::CONNECTED, |_| {});
                }
                if again {
                    self.offer(true);
                }
            }
            step::SDP if call.stage == Stage::Open => self.on_call_description(frame),
            step::CONNECTED => {
                call.is_heard = true;
                self.look_at_call();
            }
            step::MUTE | step::UNMUTE | step::HOLD | step::UNHOLD => {
                self.tell(Event::CallStatus { call: number, status: frame.status });
            }
            status if status & OVER != 0 => self.finish_call(status, false),
            _ => {}
        }
    }

    fn on_ring(&mut self, now: Now, frame: proto::Call) {
        // One at a time; and when each calls the other, the server answers for both.
        if self.calls.call.is_some() || MessageId::new(frame.call).is_none() {
            return;
        }
        let number = self.chance.draw() as u32 | 1;
        let mut call = Call::new(number, frame.peer.clone(), frame.video, false);
        call.id = frame.call;
        call.started = frame.started;
        call.until = now.instant + self.calls.waits[CallWait::Answer as usize];
        self.calls.call = Some(call);
        self.tell(Event::Call { call: number, from: frame.peer, video: frame.video });
    }

    fn on_call_description(&mut self, frame: proto::Call) {
        let servers = self.session.ice_servers.clone();
        let Some(call) = &mut self.calls.call else { return };
        if !frame.candidate.is_empty() {
            self.media(Command::AddCandidate(frame.candidate, frame.line));
        } else if !frame.answer.is_empty() {
            // An answer to an older offer is not for the one that was made since.
            if call.caller && call.unanswered && frame.ticket == call.ticket {
                call.unanswered = false;
                self.media(Command::TakeAnswer(frame.answer));
            }
        } else if !call.caller {
            call.ticket = frame.ticket;
            call.describing = true;
            let (offer, restart, video) = (Some(frame.offer), false, call.video);
            self.media(Command::Describe { offer, restart, video, servers });
        }
    }

    /// Makes an offer, unless one is being made.
    fn offer(&mut self, restart: bool) {
        let servers = self.session.ice_servers.clone();
        let Some(call) = self.calls.call.as_mut().filter(|call| !call.describing) else { return };
        call.ticket += 1;
        call.unanswered = true;
        call.describing = true;
        let video = call.video;
        self.media(Command::Describe { offer: None, restart, video, servers });
    }

    /// Tells the page when media flows both ways.
    fn look_at_call(&mut self) {
        let Some(call) = &mut self.calls.call else { return };
        if call.path && call.hears && call.is_heard && !call.connected {
            call.connected = true;
            call.until = Instant::FAR_FUTURE;
            let call = call.number;
            self.tell(Event::CallStatus { call, status: step::CONNECTED });
        }
    }

    /// What is due now: giving up, or looking for a new path.
    pub(crate) fn flush_call(&mut self, now: Now) {
        let online = self.session.is_online();
        let Some(call) = &mut self.calls.call else { return };
        if now.instant >= call.until {
            let (status, say) = match call.stage {
                Stage::Open => (step::NETWORK_ERROR, true),
                // Other devices of the user may go on ringing.
                _ => (step::NO_ANSWER, call.caller),
            };
            return self.finish_call(status, say);
        }
        if now.instant >= call.restart_at {
            call.restart_at = now.instant + CALL_RESTART_INTERVAL;
            if online && call.stage == Stage::Open {
                self.offer(true);
            }
        }
    }

    /// The network is another one: the one who offers looks for a new path.
    pub(crate) fn look_for_call_path(&mut self, now: Now) {
        if let Some(call) = self.calls.call.as_mut().filter(|call| call.caller) {
            call.restart_at = now.instant;
        }
    }

    pub(crate) fn call_deadline(&self) -> Instant {
        let call = self.calls.call.as_ref();
        call.map_or(Instant::FAR_FUTURE, |call| call.until.min(call.restart_at))
    }

    /// There is a connection again: the server hears what became of the call meanwhile.
    pub(crate) fn return_to_call(&mut self) {
        for end in core::mem::take(&mut self.calls.unsaid) {
            self.say_end(end);
        }
        let Some(call) = &self.calls.call else { return };
        let status = match call.stage {
            Stage::Capturing => return,
            Stage::Calling(_) => step::INCOMING,
            Stage::Incoming | Stage::Accepting | Stage::Open => step::RECONNECTING,
            Stage::Answering => step::ANSWER,
        };
        let frame = call.frame(status);
        self.transmit(client_frame::Body::Call(frame));
    }

    /// The call ends: devices are let go of, then the page is told. `say` when the server does not
    /// know it yet.
    pub(crate) fn finish_call(&mut self, status: u32, say: bool) {
        let Some(call) = self.calls.call.take() else { return };
        if say && call.stage != Stage::Capturing {
            let end = call.frame(status);
            match self.session.is_online() {
                true => self.transmit(client_frame::Body::Call(end)),
                false => {
                    self.calls.unsaid.push_back(end);
                    if self.calls.unsaid.len() > CALL_ENDS_UNSAID_MAX {
                        self.calls.unsaid.pop_front();
                    }
                }
            }
        }
        self.push(Output::Call(call.number, Command::Close));
        self.tell(Event::CallStatus { call: call.number, status });
    }

    /// After a restart the server knows the call only from what is said of it.
    fn say_end(&mut self, end: proto::Call) {
        if end.answered > 0 {
            let here = proto::Call { status: step::RECONNECTING, ..end.clone() };
            self.transmit(client_frame::Body::Call(here));
        }
        self.transmit(client_frame::Body::Call(end));
    }

    fn signal_candidate(&mut self, candidate: String, line: String) {
        self.signal(step::SDP, |frame| (frame.candidate, frame.line) = (candidate, line));
    }

    /// Says something to the other side.
    fn signal(&mut self, status: u32, fill: impl FnOnce(&mut proto::Call)) {
        let Some(call) = &self.calls.call else { return };
        let (call, number, ticket) = (call.id, call.number, call.ticket);
        let mut frame = proto::Call { call, number, status, ticket, ..proto::Call::default() };
        fill(&mut frame);
        self.transmit(client_frame::Body::Call(frame));
    }

    fn media(&mut self, command: Command) {
        if let Some(call) = &self.calls.call {
            self.push(Output::Call(call.number, command));
        }
    }

    // ---- the record ------------------------------------------------------------------------

    /// A call is over: its record is a message of the conversation.
    pub(crate) fn apply_call(&mut self, seq: Seq, record: &proto::Call) {
        let Some(id) = MessageId::new(record.call) else { return };
        let sender = if record.caller { String::new() } else { record.peer.clone() };
        let key = MessageKey { incoming: !record.caller, sender, id };
        if self.memory.contains(&key) {
            return;
        }
        let of = Conversation::User(record.peer.clone());
        self.profiles.watch(&of);
        let status = match (record.caller, record.answered) {
            (true, _) => status::CALL_OUTGOING,
            (false, 0) => status::CALL_MISSED,
            (false, _) => status::CALL_INCOMING,
        };
        let picture = if record.video { step::kind::VIDEO } else { 0 };
        let seconds = record.ended.saturating_sub(record.answered) / 1000;
        let place = place(Timestamp(record.ended), seq.0);
        let message = Message {
            key,
            conversation: of,
            peer: record.peer.clone(),
            sender_uid: wire::id::Uid(0),
            kind: step::kind::AUDIO | picture,
            flags: 0,
            expiry: None,
            ts: Timestamp(record.started),
            order: self.inbox.next_place(place),
            status,
            content: Content::default(),
            modified: false,
            recipients: 0,
            duration: if record.answered > 0 { seconds as u32 } else { 0 },
            receipts: Default::default(),
        };
        self.commits.write(Write::Message(Box::new(message.clone()), Part::New));
        let event = self.announce(message);
        self.inbox.tell_when_stored(event);
    }
}
