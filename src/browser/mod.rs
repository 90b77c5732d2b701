//! One file per browser API: events become inputs, outputs become calls. No decisions.

pub mod call;
pub mod clock;
mod database;
pub mod device;
pub mod media;
pub mod peer;
pub mod playback;
mod record;
mod schema;
mod search;
pub mod socket;
pub mod store;
pub mod surroundings;
pub mod tabs;
pub mod text;
pub mod transfer;
pub mod turn;
