//! A world in one thread for tests: clock, network, faults, stores, model. Tests only.

pub mod memory_store;
pub mod store_suite;
