//! What the client asks of the browser and what it hears from it: plain data, no behaviour.

pub mod call;
pub mod peer;
pub mod store;
pub mod tab;
pub mod transfer;
