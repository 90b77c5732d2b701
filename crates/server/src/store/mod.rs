//! The store behind the hub: requests in, replies out, many requests per fsync.

mod apps;
mod backup;
mod checkpoints;
mod disk;
mod files;
mod groups;
mod history;
mod hook_queue;
mod hooks;
mod logs;
mod messages;
mod personal;
mod requests;
mod sqlite;
mod tokens;
mod usage;
mod users;
mod writer;

pub use backup::copy;
pub use hook_queue::HookQueue;
pub use hooks::{Batch, HookStore};
pub use sqlite::Sqlite;
pub use writer::{Store, StoreReply};
