//! What the host sends to wake a device (`backend-api.md` 2.10), free of its spelling.

use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{AppId, GroupId, Uid};
use wire::time::Timestamp;

use super::apps::PushCredential;
use super::store::DeviceId;

/// Somebody who is not there has something to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Push {
    /// In which app.
    pub aid: AppId,
    /// Who is woken.
    pub to: Uid,
    /// Where.
    pub targets: Vec<Target>,
    /// Who wrote, or called.
    pub from: Uid,
    /// To which group, 0 = none.
    pub gid: GroupId,
    /// Type of the message.
    pub kind: u32,
    /// When.
    pub ts: Timestamp,
    /// Somebody has called, with pictures or without.
    pub call: Option<bool>,
    /// How long it is worth telling, seconds.
    pub ttl_s: u32,
    /// Who wrote what, when the app wants that to be shown.
    pub alert: Option<Alert>,
    /// Heard with it, empty = nothing.
    pub sound: String,
    /// The log says what the services answer.
    pub debug: bool,
    /// Apple's service for apps that are being developed.
    pub sandbox: bool,
    /// What services with credentials know the app by.
    pub credentials: Vec<PushCredential>,
}

/// One device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Which one.
    pub device: DeviceId,
    /// What its page has said: a subscription of Web Push as JSON, or a token of another service.
    pub token: String,
    /// For calls.
    pub voip: bool,
}

/// What a notification says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alert {
    /// Name of the sender, or of the group.
    pub title: String,
    /// The beginning of the message.
    pub text: String,
}
