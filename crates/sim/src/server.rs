//! The server's side of a world: the hub, its store with faults, its media server that only
//! answers, the backend.
//!
//! Requests of the store are performed one after the other, each some time after it was asked.
//! kill -9 drops those not yet performed, and answers not yet heard.

use hub::port::admin::{AdminError, Call, Credential, Operation, Reply as AdminReply};
use hub::port::{media, store};
use hub::{Hub, Input, Output};
use wire::id::{Seq, Ticket, Uid};
use wire::limits::FRAME_BYTES_MAX;
use wire::time::Instant;

use crate::memory_store::SyncStore;
use crate::planted::Planted;
use crate::world::{Event, World};

/// See the module.
pub(crate) struct Server {
    pub hub: Option<Hub>,
    /// Grows with each start: late events of a former process are nobody's.
    pub life: u32,
    /// Who the backend is.
    pub app: Credential,
    /// Writes that fail.
    pub failing_writes: u32,
    /// How far its wall clock is off, ms.
    pub wall_offset: i64,
    /// What the media server was told.
    pub media: Vec<media::Command>,
    answers: Vec<Result<AdminReply, AdminError>>,
    entropy: u64,
    /// When the last request asked is performed.
    last_store: u64,
    tick_at: u64,
}

impl Server {
    pub fn new() -> Server {
        Server {
            hub: Some(Hub::new(1)),
            life: 1,
            app: Credential::AdminKey,
            failing_writes: 0,
            wall_offset: 0,
            media: Vec::new(),
            answers: Vec::new(),
            entropy: 0,
            last_store: 0,
            tick_at: u64::MAX,
        }
    }
}

impl World {
    pub(crate) fn is_serving(&self) -> bool {
        self.server.hub.is_some()
    }

    /// Performs an operation of the backend and waits for its answer.
    ///
    /// # Panics
    /// When it is refused.
    pub fn admin(&mut self, operation: Operation) -> AdminReply {
        self.try_admin(operation)
            .unwrap_or_else(|error| panic!("the backend is refused: {error:?}"))
    }

    /// As [`World::admin`], with the refusal.
    pub fn try_admin(&mut self, operation: Operation) -> Result<AdminReply, AdminError> {
        self.start_server();
        self.server.entropy += 1;
        let mut entropy = [0; 64];
        entropy[..8].copy_from_slice(&self.server.entropy.to_le_bytes());
        let credential = self.server.app.clone();
        let call = Call { credential, operation: Ok(operation), entropy };
        self.hub_input(Input::Admin { ticket: Ticket(1), call });
        while self.server.answers.is_empty() {
            assert!(self.step(), "the backend is never answered");
        }
        self.server.answers.remove(0)
    }

    /// kill -9: only what is on disk is left.
    pub fn kill_server(&mut self) {
        self.server.hub = None;
        self.server.life += 1;
        self.server.media.clear();
        self.break_all();
    }

    /// SIGTERM: tells everybody, performs what was asked, ends.
    pub fn stop_server(&mut self) {
        self.hub_input(Input::Stop);
        let stopped = |world: &World| {
            let life = world.server.life;
            let asked =
                |event: &Event| matches!(event, Event::ServerStore { life: of, .. } if *of == life);
            !world.queue.waiting().any(asked)
        };
        while !stopped(self) && self.step() {}
        self.server.hub = None;
        self.server.life += 1;
        self.server.media.clear();
        self.break_all();
    }

    /// Starts it again, unless it runs.
    pub fn start_server(&mut self) {
        if self.server.hub.is_none() {
            self.server.life += 1;
            self.server.hub = Some(Hub::new(self.server.life));
            self.server.tick_at = u64::MAX;
        }
    }

    pub(crate) fn hub_tick(&mut self, at: u64) {
        if self.server.tick_at == at {
            self.server.tick_at = u64::MAX;
            self.hub_input(Input::Tick);
        }
    }

    pub(crate) fn hub_input(&mut self, input: Input) {
        let now = self.server_now();
        let Some(hub) = self.server.hub.as_mut() else { return };
        hub.handle_input(now, input);
        while let Some(hub) = self.server.hub.as_mut() {
            match hub.poll_output() {
                Output::Wait(deadline) => {
                    if deadline != Instant::FAR_FUTURE {
                        let at = deadline.0.max(self.time + 1);
                        if at < self.server.tick_at {
                            self.server.tick_at = at;
                            self.queue.add(at, Event::HubTick);
                        }
                    }
                    return;
                }
                Output::Send { session, frame } => {
                    assert!(frame.len() <= FRAME_BYTES_MAX, "a frame has {} bytes", frame.len());
                    let bytes = frame.to_vec();
                    self.down(session, |socket| client::Input::SocketFrame { socket, bytes });
                }
                Output::Close { session, code } => self.server_hangs_up(session, code),
                Output::Store { ticket, request } => self.ask_server_store(ticket, request),
                Output::AdminReply { result, .. } => self.server.answers.push(result),
                Output::Media(_, command) => self.media_command(command),
                // No app of the simulation has asked to be asked.
                Output::Intercept(_)
                | Output::Uploader { .. }
                | Output::Hook(_)
                | Output::Push(_)
                | Output::Recalled { .. }
                | Output::RemoveFiles { .. }
                | Output::SignIn { .. }
                | Output::Log { .. } => {}
            }
        }
    }

    /// The media server answers every offer; media itself is tested elsewhere.
    fn media_command(&mut self, command: media::Command) {
        if let media::Command::Negotiate { peer, ticket, offer, .. } = &command {
            let answer = Ok(format!("answer to {offer}"));
            let event = media::Event::Answer { peer: *peer, ticket: *ticket, answer };
            let input = Input::Media(event);
            self.hub_later(5, input);
        }
        self.server.media.push(command);
    }

    fn hub_later(&mut self, after: u64, input: Input) {
        let life = self.server.life;
        self.queue.add(self.time + after, Event::Hub { life, input: Box::new(input) });
    }

    fn ask_server_store(&mut self, ticket: Ticket, request: store::Request) {
        if self.planted == Planted::AcceptBeforeStoring
            && let store::Request::Append { messages } = &request
        {
            let nowhere = |to: &[Uid]| to.iter().map(|uid| (*uid, Seq(0))).collect();
            let accepted = |to| store::Outcome::Appended { places: nowhere(to), full: Vec::new() };
            let outcomes = messages.iter().map(|(_, to)| accepted(to)).collect();
            let result = Ok(store::Reply::Stored(outcomes));
            self.hub_later(1, Input::Stored { ticket, result });
        }
        let longest = if self.chaotic { 40 } else { 3 };
        let due = self.server.last_store.max(self.time + self.chance.between(1, longest));
        self.server.last_store = due;
        let life = self.server.life;
        let event = Event::ServerStore { life, ticket, request: Box::new(request) };
        self.queue.add(due, event);
    }

    pub(crate) fn perform_for_server(&mut self, ticket: Ticket, mut request: store::Request) {
        use store::Request;
        self.plant_in_server_store(&mut request);
        let writes = matches!(
            request,
            Request::Append { .. } | Request::AppendNotes { .. } | Request::Acknowledge { .. }
        );
        // What was acknowledged last may be lost with the server; what was told of it is not.
        if let Request::Acknowledge { notes, .. } = &mut request
            && self.chance.one_in(8)
        {
            request = Request::AppendNotes { notes: std::mem::take(notes) };
        }
        let result = if writes && self.server.failing_writes > 0 {
            self.server.failing_writes -= 1;
            Err(store::StoreError::Failed("invented".into()))
        } else {
            self.disk.perform(request)
        };
        // A crash may come between the disk and the answer.
        let after = self.chance.between(0, 3);
        self.hub_later(after, Input::Stored { ticket, result });
    }

    fn plant_in_server_store(&mut self, request: &mut store::Request) {
        use store::Request;
        match (self.planted, request) {
            (Planted::NoDedupe, Request::Append { messages }) => {
                for (message, _) in messages {
                    self.disk.forget_message(message.sender, message.id);
                }
            }
            (Planted::LoseReceipts, Request::Acknowledge { notes, .. })
                if self.chance.one_in(4) =>
            {
                notes.clear();
            }
            (Planted::KeepRemovedMember, Request::SaveGroup { remove, .. }) => remove.clear(),
            _ => {}
        }
    }
}
