//! The store behind the hub: requests in, replies out, many requests per fsync.

mod apps;
mod history;
mod logs;
mod sqlite;
mod writer;

pub use sqlite::Sqlite;
pub use writer::{Store, StoreReply};
