//! Looking for people and groups that want to be found.

use alloc::vec::Vec;
use wire::id::GroupId;
use wire::proto::{self, client_frame};

use crate::client::Client;
use crate::event::Event;
use crate::message::Conversation;

impl Client {
    /// Asks the server; [`Event::Searched`] with this ticket follows. `None` while offline.
    pub fn search(&mut self, wanted: proto::Search) -> Option<u32> {
        if !self.session.is_online() {
            return None;
        }
        let ticket = self.group_requests.ticket();
        self.transmit(client_frame::Body::Search(proto::Search { ticket, ..wanted }));
        Some(ticket)
    }

    pub(crate) fn on_searched(&mut self, found: &proto::Found) {
        let mut all = Vec::with_capacity(found.users.len() + found.groups.len());
        for user in &found.users {
            self.profiles.put_user(user);
            all.push(Conversation::User(user.address.clone()));
        }
        for group in &found.groups {
            let gid = GroupId(group.gid);
            // Of its own groups a member knows more.
            if !self.profiles.is_member(gid) {
                self.profiles.put_group(group);
            }
            all.push(Conversation::Group(gid));
        }
        let last = (
            found.users.last().map_or(0, |user| user.uid),
            found.groups.last().map_or(0, |group| group.gid),
        );
        let more = found.more.then_some(last);
        let (ticket, limited) = (found.ticket, found.limited);
        self.tell(Event::Searched { ticket, found: all, more, limited });
    }
}
