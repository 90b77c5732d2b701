//! What the hub asks of the outside and what it is asked: plain data, no behaviour.

pub mod admin;
pub mod apps;
pub mod call;
pub mod hook;
pub mod media;
pub mod personal;
pub mod push;
pub mod store;
