//! The public classes, one file each, thin: arguments in, a verb of the client, answer out.
//!
//! Bad input never throws: arguments are taken as they come and read leniently.

pub mod arguments;
mod call;
mod changes;
mod events;
mod file;
pub mod group_call;
mod group_change;
mod group_member;
mod identity;
pub mod listener;
mod mesibo;
pub mod page;
mod participant;
mod profile;
mod read_session;
pub mod records;
