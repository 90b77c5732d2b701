//! Who is online, types or reads along. Never stored, gone with the connection.

use alloc::string::String;
use wire::id::GroupId;
use wire::limits::{TYPING_INTERVAL, TYPING_VALID};
use wire::mask::presence as code;
use wire::proto::Presence;
use wire::time::{Duration, Instant, Now};

use crate::message::Conversation;
use crate::sorted::{Map, Set};

#[derive(Debug, Default)]
pub(crate) struct Presences {
    online: Set<String>,
    typing: Map<(String, Option<GroupId>), Instant>,
    chatting: Set<(String, Option<GroupId>)>,
    /// When the page last told that it types.
    told: Map<Conversation, Instant>,
}

impl Presences {
    pub fn set_online(&mut self, address: &str, online: bool) -> bool {
        match online {
            true => self.online.insert(address.into()),
            false => {
                self.typing.retain(|(who, _), _| who != address);
                self.chatting.retain(|(who, _)| who != address);
                self.online.remove(address)
            }
        }
    }

    pub fn take(&mut self, now: Now, presence: &Presence, group: Option<GroupId>) {
        let who = (presence.from.clone(), group);
        match presence.presence {
            code::ONLINE => {
                self.set_online(&presence.from, true);
            }
            code::OFFLINE => {
                self.set_online(&presence.from, false);
            }
            code::TYPING => {
                let valid = match presence.interval {
                    0 => TYPING_VALID,
                    seconds => Duration::from_secs(seconds.into()),
                };
                self.typing.insert(who, now.instant + valid);
            }
            code::TYPING_CLEARED => {
                self.typing.remove(&who);
            }
            code::JOINED | code::CHATTING => {
                self.chatting.insert(who);
            }
            code::LEFT => {
                self.chatting.remove(&who);
            }
            _ => {}
        }
    }

    /// A message is the end of typing it.
    pub fn message_from(&mut self, address: &str, group: Option<GroupId>) {
        self.typing.remove(&(address.into(), group));
    }

    /// The same over there: the next key pressed is news.
    pub fn message_to(&mut self, to: &Conversation) {
        self.told.remove(to);
    }

    /// Whether this typing notice is worth sending: one in a while is enough.
    pub fn may_tell(&mut self, now: Now, to: &Conversation, presence: u32) -> bool {
        if presence != code::TYPING {
            self.told.remove(to);
            return true;
        }
        let due = self.told.get(to).is_none_or(|told| now.instant.since(*told) >= TYPING_INTERVAL);
        if due {
            self.told.insert(to.clone(), now.instant);
        }
        due
    }

    /// The connection is gone, and with it all that was known.
    pub fn forget(&mut self) {
        *self = Presences::default();
    }

    pub fn is_online(&self, address: &str) -> bool {
        self.online.contains(address)
    }

    pub fn is_typing(&self, now: Now, address: &str, group: Option<GroupId>) -> bool {
        let until = self.typing.get(&(address.into(), group));
        until.is_some_and(|until| *until > now.instant)
    }

    pub fn is_chatting(&self, address: &str, group: Option<GroupId>) -> bool {
        self.chatting.contains(&(address.into(), group))
    }
}
