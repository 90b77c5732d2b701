//! Who is online, types or reads along. Never stored, gone with the connection.

use alloc::string::String;
use alloc::vec::Vec;
use wire::id::GroupId;
use wire::limits::{ONLINE_VALID, TYPING_INTERVAL, TYPING_VALID};
use wire::mask::presence as code;
use wire::proto::{Presence, client_frame};
use wire::time::{Duration, Instant, Now};

use crate::client::Client;
use crate::event::ConnectionStatus;
use crate::message::Conversation;
use crate::sorted::{Map, Set};

#[derive(Debug, Default)]
pub(crate) struct Presences {
    /// Who is online, and until when without a new sign of life.
    online: Map<String, Instant>,
    typing: Map<(String, Option<GroupId>), Instant>,
    chatting: Set<(String, Option<GroupId>)>,
    /// When the page last told that it types.
    told: Map<Conversation, Instant>,
}

impl Presences {
    /// `true` when that is news. The server's word holds until it says otherwise.
    pub fn set_online(&mut self, address: &str, online: bool) -> bool {
        self.set_online_until(address, online.then_some(Instant::FAR_FUTURE))
    }

    fn set_online_until(&mut self, address: &str, until: Option<Instant>) -> bool {
        let Some(until) = until else {
            self.typing.retain(|(who, _), _| who != address);
            self.chatting.retain(|(who, _)| who != address);
            return self.online.remove(address).is_some();
        };
        let known = self.online.entry(address.into()).or_default();
        let news = *known == Instant(0);
        *known = until.max(*known);
        news
    }

    pub fn take(&mut self, now: Now, presence: &Presence, group: Option<GroupId>) {
        let who = (presence.from.clone(), group);
        match presence.presence {
            code::ONLINE => {
                // Said by the other page itself, not by the server, it has its end.
                let until = match presence.interval {
                    0 => Instant::FAR_FUTURE,
                    seconds => now.instant + Duration::from_secs(seconds.into()),
                };
                self.set_online_until(&presence.from, Some(until));
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

    pub fn is_online(&self, now: Now, address: &str) -> bool {
        self.online.get(address).is_some_and(|until| *until > now.instant)
    }

    pub fn is_typing(&self, now: Now, address: &str, group: Option<GroupId>) -> bool {
        let until = self.typing.get(&(address.into(), group));
        until.is_some_and(|until| *until > now.instant)
    }

    pub fn is_chatting(&self, address: &str, group: Option<GroupId>) -> bool {
        self.chatting.contains(&(address.into(), group))
    }
}

/// When others see this user online, `MESIBO_ONLINEMODE_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnlineMode {
    /// While it is connected.
    #[default]
    Login,
    /// While somebody looks at the page.
    Foreground,
    /// When the page says so.
    Manual,
}

/// What others are shown of this user.
#[derive(Debug, Default)]
pub(crate) struct Showing {
    mode: OnlineMode,
    /// What the page said, and for whom.
    manual: bool,
    target: u32,
    /// What the server was told in this session.
    told: Option<(bool, u32)>,
    /// Where the user may be found: metres around a place, 0 = nowhere.
    place: (u32, Vec<u8>),
    is_place_told: bool,
}

impl Showing {
    fn wanted(&self, visible: bool) -> bool {
        match self.mode {
            OnlineMode::Login => true,
            OnlineMode::Foreground => visible,
            OnlineMode::Manual => self.manual,
        }
    }

    /// A session begins; whether it is shown from the start.
    pub fn begin(&mut self, visible: bool) -> bool {
        let shown = self.wanted(visible) && self.target == 0;
        self.told = Some((shown, 0));
        self.is_place_told = self.place.0 == 0;
        shown
    }
}

impl Client {
    /// When others see this user online.
    pub fn set_online_mode(&mut self, mode: OnlineMode) {
        self.showing.mode = mode;
    }

    /// Who is told that this user is online: 0 = who watches it, `MESIBO_GROUP_CONTACTS` (8) and
    /// above = the own contacts, from 1000 on the members of this group.
    pub fn set_online_target(&mut self, target: u32) {
        self.showing.target = target;
    }

    /// The page says itself that it is online, or not, to all.
    pub fn show_online(&mut self, online: bool) {
        self.showing.manual = online;
    }

    /// Others who are as near find this user by a search, while it is connected; 0 metres: not any
    /// more. `place` is latitude and longitude as in `proto::Presence`.
    pub fn set_place(&mut self, within: u32, place: Vec<u8>) {
        self.showing.place = (within, place);
        self.showing.is_place_told = false;
    }

    /// Tells a presence; `false` when it is dropped: offline, or typing told a moment ago.
    pub fn send_presence(
        &mut self,
        now: Now,
        to: &Conversation,
        presence: u32,
        value: u32,
        interval: u32,
        data: Vec<u8>,
    ) -> bool {
        if !self.session.is_online() || !self.presences.may_tell(now, to, presence) {
            return false;
        }
        // The other side cannot know when this one is gone.
        let interval = match (presence, interval) {
            (code::ONLINE, 0) => ONLINE_VALID.as_secs() as u32,
            (_, interval) => interval,
        };
        self.transmit(client_frame::Body::Presence(Presence {
            to: Some(to.into()),
            presence,
            value,
            interval,
            data,
            ..Presence::default()
        }));
        true
    }

    /// Somebody wants to know whether this user is there.
    pub(crate) fn answer_request(&mut self, now: Now, from: &str) {
        if self.showing.mode != OnlineMode::Manual && self.showing.wanted(self.visible) {
            let to = Conversation::User(from.into());
            self.send_presence(now, &to, code::ONLINE, 0, 0, Vec::new());
        }
    }

    pub(crate) fn is_shown_online(&self) -> bool {
        self.session.status == ConnectionStatus::Online && self.showing.wanted(self.visible)
    }

    /// Tells the server what others are to see, when that has changed.
    pub(crate) fn flush_showing(&mut self) {
        let wanted = (self.showing.wanted(self.visible), self.showing.target);
        if !self.session.is_online() {
            return;
        }
        if !self.showing.is_place_told {
            self.showing.is_place_told = true;
            let (value, data) = self.showing.place.clone();
            let presence = code::RESERVED;
            let place = Presence { presence, value, data, ..Presence::default() };
            self.transmit(client_frame::Body::Presence(place));
        }
        if self.showing.told == Some(wanted) {
            return;
        }
        self.showing.told = Some(wanted);
        let (shown, value) = wanted;
        let presence = if shown { code::ONLINE } else { code::OFFLINE };
        self.transmit(client_frame::Body::Presence(Presence {
            presence,
            value,
            ..Presence::default()
        }));
    }
}
