//! A world in one thread for tests: clock, network, faults, stores, model. Tests only.
//!
//! Real clients talk to the real hub; everything else is invented, and all chance comes from one
//! seed, so a failure is replayed from its number.

mod app_suite;
pub mod chance;
pub mod memory_store;
pub mod model;
mod network;
pub mod page;
mod peers;
mod personal_suite;
pub mod planted;
mod queue;
pub mod scenario;
pub mod script;
mod server;
pub mod store_suite;
mod tabs;
pub mod world;
