//! The server's decisions: who may send what to whom, and who has to be told.
//!
//! Pure: no clock, socket, lock, randomness or `async`. The host changes the state with
//! [`Hub::handle_input`], then drains [`Hub::poll_output`] until it says [`Output::Wait`]. What
//! the hub wants stored, sent or forwarded leaves as data; results come back as later inputs.
//!
//! Relies on the host to perform outputs in order, and on the store to answer each ticket once.
//! Promises that `Accepted` leaves only after the store said the message is on disk.
#![no_std]

extern crate alloc;

mod app_operations;
mod calls;
mod changes;
mod classes;
mod contacts;
mod delivery;
mod directory;
mod files;
mod follow_up;
mod frames;
mod group_operations;
mod group_requests;
mod guards;
mod history;
mod hooks;
mod household;
mod hub;
mod intercept;
mod kept_messages;
mod letters;
mod live;
mod lobby;
mod messaging;
mod named_values;
mod nearby;
mod negotiation;
mod operations;
mod personal_operations;
mod pins;
mod placement;
mod presence;
mod push;
mod push_operations;
mod recordings;
mod relay;
mod rights;
mod rooms;
mod schedule;
mod search;
mod sending;
mod session;
mod signin;
mod token;
mod trace;
mod upload;
mod usage;
mod user_operations;

pub mod port;

pub use guards::Guards;
pub use household::household;
pub use hub::{Counters, Hub};
pub use live::{Live, LivePerson, LiveRoom, LiveSession, LiveWaiting};
pub use relay::{Relay, RelayCredential, relay_password, relay_user};
pub use token::hash_token;
pub use trace::{Person, Trace, file_keys, file_keys_in, file_of, medium_of, name_in};
pub use upload::{Leave, UploadKey, Uploader};

use alloc::string::String;
use bytes::Bytes;
use wire::code::Code;
use wire::id::{GroupId, MessageId, SessionId, Ticket, Uid};
use wire::proto::client_frame;
use wire::time::Instant;

use port::{admin, hook, media, store};

/// Something that happened outside.
#[derive(Debug)]
pub enum Input {
    /// A socket opened; nothing is known of it yet.
    Opened {
        /// Chosen by the host, never used again.
        session: SessionId,
        /// Where it comes from, for logs and limits by address.
        remote: core::net::IpAddr,
    },
    /// A session sent a frame that could be read.
    Frame {
        /// Who sent it.
        session: SessionId,
        /// What it said.
        frame: client_frame::Body,
    },
    /// A session sent something that is no frame.
    Malformed {
        /// Who sent it.
        session: SessionId,
        /// Why it could not be read.
        error: wire::frame::FrameError,
    },
    /// Bytes left the queue of a session. Told now and then, not for each frame.
    Drained {
        /// Whose queue.
        session: SessionId,
        /// Bytes since the last time.
        bytes: usize,
    },
    /// A socket is gone. Nothing is sent to this session any more.
    Closed {
        /// Which one.
        session: SessionId,
    },
    /// The store answers an [`Output::Store`].
    Stored {
        /// The ticket of the request.
        ticket: Ticket,
        /// What it says.
        result: Result<store::Reply, store::StoreError>,
    },
    /// The backend asks for an operation.
    Admin {
        /// Chosen by the host, copied into [`Output::AdminReply`].
        ticket: Ticket,
        /// The question.
        call: admin::Call,
    },
    /// Somebody wants to upload a file; answered by [`Output::Uploader`].
    Uploader {
        /// Chosen by the host, copied into the answer.
        ticket: Ticket,
        /// An upload token or a user token.
        credential: String,
        /// A file is about to come, which counts against the rate of the user's class.
        begins: bool,
    },
    /// What an app's backend says to an [`Output::Intercept`].
    Verdict {
        /// Of the question.
        ticket: Ticket,
        /// What becomes of the message.
        verdict: hook::Verdict,
    },
    /// Push messages cannot be sent there any more.
    PushGone {
        /// Whose place.
        device: store::DeviceId,
        /// What its page had said.
        token: String,
    },
    /// The host has removed these of an [`Output::RemoveFiles`].
    FilesRemoved {
        /// Names in the file service.
        names: alloc::vec::Vec<String>,
    },
    /// Somebody has uploaded a file.
    Filed {
        /// Who.
        uid: Uid,
        /// Its name in the file service.
        name: String,
        /// Bytes.
        size: u64,
    },
    /// The media server tells something.
    Media(media::Event),
    /// The server serves: backends that want to know are told.
    Ready,
    /// The deadline given by [`Output::Wait`] has come, or time just went on.
    Tick,
    /// The server is going to stop: tell all sessions, refuse new ones.
    Stop,
}

/// Something the host has to do.
#[derive(Debug)]
pub enum Output {
    /// Send these bytes, one frame.
    Send {
        /// To whom.
        session: SessionId,
        /// An encoded `ServerFrame`; the same bytes may go to many sessions.
        frame: Bytes,
    },
    /// Send what is queued, then close the socket.
    Close {
        /// Which one.
        session: SessionId,
        /// Why.
        code: Code,
    },
    /// Ask the store; answered by [`Input::Stored`] with the same ticket.
    Store {
        /// Chosen by the hub.
        ticket: Ticket,
        /// The question.
        request: store::Request,
    },
    /// Answer the backend.
    AdminReply {
        /// Ticket of the call.
        ticket: Ticket,
        /// The answer.
        result: Result<admin::Reply, admin::AdminError>,
    },
    /// Whose the credential is, `None` when it is worth nothing.
    Uploader {
        /// Of the question.
        ticket: Ticket,
        /// The user.
        who: Result<Option<Uploader>, store::StoreError>,
    },
    /// Ask the backend of an app about a message; answered by [`Input::Verdict`] with its ticket, within
    /// `limits::INTERCEPT_WITHIN`.
    Intercept(alloc::boxed::Box<hook::Question>),
    /// Tell the backend of an app.
    Hook(alloc::boxed::Box<hook::Told>),
    /// A message to a group was taken back: what was kept for it alone goes.
    Recalled {
        /// Of which group.
        gid: GroupId,
        /// Its sender.
        sender: Uid,
        /// Its number.
        id: MessageId,
    },
    /// Nothing names these files any more: remove them, then say so ([`Input::FilesRemoved`]).
    RemoveFiles {
        /// Names in the file service.
        names: alloc::vec::Vec<String>,
    },
    /// Wake the devices of somebody who is not there.
    Push(alloc::boxed::Box<port::push::Push>),
    /// Tell a loop of the media server. Commands of one room go to one loop, in order.
    Media(media::LoopId, media::Command),
    /// Somebody has signed in, or was refused.
    SignIn {
        /// From where.
        remote: core::net::IpAddr,
        /// Who, or why not.
        result: Result<Person, Code>,
    },
    /// A line for the server's log, nothing personal in it.
    Log {
        /// What happened, for operators.
        text: String,
    },
    /// Nothing more to do until this moment or the next input.
    Wait(Instant),
}
