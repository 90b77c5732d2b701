//! The browser SDK: the `Mesibo` JavaScript API over the browser's own WebSocket, IndexedDB and
//! WebRTC.
//!
//! [`api`] holds the classes that pages see, [`driver`] runs the client core, [`browser`] has one
//! file per browser API. Decisions are made in the `client` crate, none here.

mod api;
mod browser;
mod driver;
