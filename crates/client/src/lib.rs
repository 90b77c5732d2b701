//! The client's decisions: what is sent when, what is shown once, who is in the room.
//!
//! Pure: no clock, socket, randomness or `async`. The page's calls are plain verbs on
//! [`Client`] that answer at once (`send`, `read`, `publish`); what happened outside comes as
//! [`Input`]; everything to be done leaves through [`Client::poll_output`] until it says
//! [`Output::Wait`]. Page listeners are fed from [`Output::Event`] only, so nothing calls back
//! inside the call that caused it.
//!
//! Relies on the host to perform outputs in order and to answer each store ticket once.
//! Promises: stored before sent, stored before acknowledged, announced once, statuses only climb.
#![no_std]

extern crate alloc;

mod ages;
mod call;
mod chance;
mod change;
mod client;
mod commit;
mod connection;
mod count;
mod edits;
mod errand;
mod group;
mod group_call;
mod history;
mod inbox;
mod join;
mod memory;
mod outbox;
mod presence;
mod profile;
mod read_notices;
mod reading;
mod search;
mod session;
mod storing;
mod tabs;
#[cfg(test)]
mod tests;
mod told;
mod transfer;

pub mod event;
pub mod memory_store;
pub mod message;
pub mod port;
pub mod sorted;

pub use call::{CallError, CallWait};
pub use change::{ChangeError, Removal};
pub use client::Client;
pub use edits::Field;
pub use group_call::{OwnStream, Publishing, Room, Stream};
pub use outbox::{SendError, Sent};
pub use presence::OnlineMode;
pub use profile::{GroupInfo, Local, Profile, mark, own_place};
pub use reading::{Scope, Search, SessionChange, SessionFilter, kind};
pub use session::StartError;
pub use transfer::TransferState;

use alloc::boxed::Box;
use alloc::vec::Vec;
use wire::code::Code;
use wire::id::{DeviceKey, Ticket};
use wire::time::Instant;

use event::Event;
use port::{call as call_port, peer, store, tab, transfer as file};

/// Number of one attempt to connect; a late event of a former socket is told apart by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// Something that happened outside.
#[derive(Debug)]
pub enum Input {
    /// The socket is open; `Hello` may be sent.
    SocketOpened {
        /// Which one.
        socket: SocketId,
    },
    /// Bytes came, one frame.
    SocketFrame {
        /// From which one.
        socket: SocketId,
        /// An encoded `ServerFrame`.
        bytes: Vec<u8>,
    },
    /// The socket is gone, or never opened.
    SocketClosed {
        /// Which one.
        socket: SocketId,
        /// Why, when the server said so in its close code.
        code: Option<Code>,
    },
    /// Which browser profile this is: random when nothing could be kept.
    Device(DeviceKey),
    /// The answer to [`Output::OpenStore`].
    StoreOpened(Result<store::Opened, store::StoreError>),
    /// The answer to [`Output::Store`].
    Stored {
        /// Of the request.
        ticket: Ticket,
        /// The answer.
        result: Result<store::Reply, store::StoreError>,
    },
    /// The store vanished: evicted, or deleted by the user. From now on memory serves.
    StoreLost,
    /// The browser says whether there is a network.
    Network {
        /// There is one.
        online: bool,
    },
    /// The page came to the front or went behind.
    Visible(bool),
    /// The peer connections tell something.
    Peer(peer::Input),
    /// The media of this one-to-one call tells something.
    Call(u32, call_port::Input),
    /// A file on its way tells something.
    Transfer(file::Input),
    /// The other tabs of this browser tell something.
    Tab(tab::Input),
    /// The deadline given by [`Output::Wait`] has come.
    Tick,
}

/// Something the host has to do.
#[derive(Debug)]
pub enum Output {
    /// Open a WebSocket to the server; answered by `SocketOpened` or `SocketClosed`.
    Connect {
        /// Its number.
        socket: SocketId,
    },
    /// Send one frame.
    Transmit {
        /// Where.
        socket: SocketId,
        /// An encoded `ClientFrame`.
        bytes: Vec<u8>,
    },
    /// Close it; no further event of it is wanted.
    Disconnect {
        /// Which one.
        socket: SocketId,
    },
    /// Open the database of this name and user, or memory when `name` is `None`. What memory
    /// held before is carried over. Answered by [`Input::StoreOpened`].
    OpenStore {
        /// The page's name for it.
        name: Option<alloc::string::String>,
        /// Keeps two accounts apart: a digest of the token's user part.
        account: alloc::string::String,
    },
    /// Ask the store; answered by [`Input::Stored`].
    Store {
        /// Chosen by the client.
        ticket: Ticket,
        /// The question.
        request: store::Request,
    },
    /// Do something with a peer connection.
    Peer(peer::Command),
    /// Do something with the media of this one-to-one call.
    Call(u32, call_port::Command),
    /// Do something with a file on its way.
    Transfer(file::Command),
    /// Do something about the other tabs of this browser.
    Tab(tab::Command),
    /// Tell the page.
    Event(Box<Event>),
    /// Nothing more to do until this moment or the next input.
    Wait(Instant),
}
