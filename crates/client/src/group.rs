//! Questions and changes about groups on their way to the server.
//!
//! Promises one answer for each ticket; what waits while offline goes out in order when online
//! again. A change that may have happened and cannot be repeated is answered as failed.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use wire::id::{GroupId, Uid};
use wire::limits::{GROUP_REQUESTS_MAX, MEMBERS_PER_REPLY_MAX};
use wire::mask::group_error;
use wire::proto::{self, GroupQuery, GroupReply, GroupRequest, client_frame, group_request::What};

use crate::client::Client;
use crate::event::{Event, Member};
use crate::inbox::to_member;
use crate::message::Conversation;
use crate::sorted::Map;

#[derive(Debug, Default)]
pub(crate) struct GroupRequests {
    waiting: VecDeque<(u32, Request)>,
    asked: Map<u32, Request>,
    pub last_ticket: u32,
    /// The last member each group has told: `get_members` goes on behind it.
    told: Map<GroupId, Uid>,
}

#[derive(Clone, Debug)]
struct Request {
    group: GroupId,
    ask: Ask,
}

#[derive(Clone, Debug)]
enum Ask {
    Settings,
    Members {
        after: Uid,
        count: usize,
        gathered: Vec<Member>,
    },
    Change(What),
    /// The edits of the group's profile.
    Publish(What),
}

impl Ask {
    /// Asking twice is asking once.
    fn is_repeatable(&self) -> bool {
        !matches!(self, Ask::Change(What::Create(_) | What::AddPin(_)))
    }
}

impl GroupRequests {
    /// Tickets of two tabs of one browser must differ: both hear what either has changed.
    pub fn new(chance: u64) -> GroupRequests {
        let last_ticket = (chance as u32 & 0x7fff_ffff).max(1);
        GroupRequests { last_ticket, ..GroupRequests::default() }
    }

    pub fn ticket(&mut self) -> u32 {
        self.last_ticket = self.last_ticket.wrapping_add(1).max(1);
        self.last_ticket
    }

    /// The ticket of a request to join this group that is under way, 0 without one: it is answered.
    pub fn joined(&mut self, gid: GroupId) -> u32 {
        let joins = |request: &Request| matches!(request.ask, Ask::Change(What::Join(_)));
        let found = self.asked.iter().find(|(_, it)| it.group == gid && joins(it));
        let ticket = found.map_or(0, |(ticket, _)| *ticket);
        self.asked.remove(&ticket);
        ticket
    }

    /// The connection is gone. What may be repeated goes again; the rest is given.
    pub fn rewind(&mut self) -> Vec<(u32, GroupId)> {
        let asked = core::mem::take(&mut self.asked);
        let (again, lost): (Vec<_>, Vec<_>) = asked
            .iter()
            .map(|(ticket, request)| (*ticket, request.clone()))
            .partition(|(_, request)| request.ask.is_repeatable());
        for entry in again.into_iter().rev() {
            self.waiting.push_front(entry);
        }
        lost.into_iter().map(|(ticket, request)| (ticket, request.group)).collect()
    }
}

impl Client {
    /// Asks for a group's settings; [`Event::GroupSettings`] or [`Event::GroupError`] follows.
    pub fn group_settings(&mut self, group: GroupId) -> u32 {
        self.ask_group(group, Ask::Settings)
    }

    /// Asks for the next `count` members, 0 = all, from the first with `restart`;
    /// [`Event::GroupMembers`] or [`Event::GroupError`] follows.
    pub fn group_members(&mut self, group: GroupId, count: u32, restart: bool) -> u32 {
        if restart {
            self.group_requests.told.remove(&group);
        }
        let after = self.group_requests.told.get(&group).copied().unwrap_or_default();
        let count = if count == 0 { usize::MAX } else { count as usize };
        self.ask_group(group, Ask::Members { after, count, gathered: Vec::new() })
    }

    /// Asks for a change; what follows are the events of what happened, or
    /// [`Event::GroupError`]. Group 0 with `Create`.
    pub fn change_group(&mut self, group: GroupId, what: What) -> u32 {
        self.ask_group(group, Ask::Change(what))
    }

    /// Publishes the edits of a group's profile; ends in `on_published`.
    pub(crate) fn publish_group(&mut self, group: GroupId, settings: proto::GroupSettings) {
        self.ask_group(group, Ask::Publish(What::Set(settings)));
    }

    fn ask_group(&mut self, group: GroupId, ask: Ask) -> u32 {
        let requests = &mut self.group_requests;
        let ticket = requests.ticket();
        if requests.waiting.len() + requests.asked.len() >= GROUP_REQUESTS_MAX {
            let error = group_error::GENERAL;
            self.tell(Event::GroupError { group, ticket, error, waiting: false });
        } else {
            requests.waiting.push_back((ticket, Request { group, ask }));
        }
        ticket
    }

    /// Sends what waits.
    pub(crate) fn flush_groups(&mut self) {
        while self.session.is_online()
            && let Some((ticket, request)) = self.group_requests.waiting.pop_front()
        {
            let gid = request.group.0;
            let query = |members, after: Uid, count: usize| {
                let count = count.min(MEMBERS_PER_REPLY_MAX) as u32;
                let query = GroupQuery { ticket, gid, members, after_uid: after.0, count };
                client_frame::Body::GroupQuery(query)
            };
            let frame = match &request.ask {
                Ask::Settings => query(false, Uid(0), 0),
                Ask::Members { after, count, gathered } => {
                    query(true, *after, count.saturating_sub(gathered.len()))
                }
                Ask::Change(what) | Ask::Publish(what) => {
                    let what = Some(what.clone());
                    client_frame::Body::GroupRequest(GroupRequest { ticket, gid, what })
                }
            };
            self.group_requests.asked.insert(ticket, request);
            self.transmit(frame);
        }
    }

    /// The connection is gone.
    pub(crate) fn rewind_groups(&mut self) {
        for (ticket, group) in self.group_requests.rewind() {
            let error = group_error::GENERAL;
            self.tell(Event::GroupError { group, ticket, error, waiting: false });
        }
    }

    pub(crate) fn on_group_reply(&mut self, reply: &GroupReply) {
        let ticket = reply.ticket;
        if ticket == 0 && reply.waiting {
            let group = GroupId(reply.group.as_ref().map_or(0, |group| group.gid));
            let members = reply.members.iter().map(|member| to_member(member, "")).collect();
            return self.tell(Event::GroupWaiting { group, members });
        }
        let Some(Request { group, ask }) = self.group_requests.asked.remove(&ticket) else {
            return;
        };
        if reply.error != 0 {
            if let Ask::Publish(_) = ask {
                self.on_published(&Conversation::Group(group), None, false);
            }
            let (error, waiting) = (reply.error, reply.waiting);
            if waiting {
                // The answer is still to come.
                self.group_requests.asked.insert(ticket, Request { group, ask });
            }
            return self.tell(Event::GroupError { group, ticket, error, waiting });
        }
        let known = reply.group.as_ref();
        let group = known.map_or(group, |known| GroupId(known.gid));
        let of = Conversation::Group(group);
        let mut changed = false;
        // The end of a membership is told by the log.
        let is_member = |known: &&proto::Group| known.rights.is_some_and(|rights| rights.member);
        if let Some(known) = known.filter(is_member) {
            changed = self.profiles.put_group(known);
            self.store_profile(&of);
        }
        let pins = reply.pins.clone();
        match ask {
            Ask::Members { after, count, mut gathered } => {
                let owner = known.map(|known| known.owner.as_str()).unwrap_or_default();
                let wanted = count.saturating_sub(gathered.len()).min(MEMBERS_PER_REPLY_MAX);
                gathered.extend(reply.members.iter().map(|member| to_member(member, owner)));
                let after = reply.members.last().map_or(after, |member| Uid(member.uid));
                if reply.members.len() >= wanted && gathered.len() < count {
                    let ask = Ask::Members { after, count, gathered };
                    return self
                        .group_requests
                        .waiting
                        .push_front((ticket, Request { group, ask }));
                }
                self.group_requests.told.insert(group, after);
                self.tell(Event::GroupMembers { group, ticket, members: gathered });
            }
            Ask::Change(What::Create(_)) => {
                self.tell(Event::GroupCreated { group, ticket });
                self.tell(Event::GroupJoined { group, ticket });
            }
            Ask::Change(What::Join(_)) => self.tell(Event::GroupJoined { group, ticket }),
            // Told by the log.
            Ask::Change(What::Put(_) | What::Remove(_) | What::Leave(_) | What::Delete(_)) => {}
            Ask::Change(What::Admit(_)) => {}
            Ask::Settings | Ask::Change(_) => {
                self.tell(Event::GroupSettings { group, ticket, pins });
                if changed {
                    self.tell(Event::ProfileUpdated { of });
                }
            }
            Ask::Publish(What::Set(sent)) => {
                let sent = (sent.name, sent.status, sent.image, sent.values);
                self.on_published(&of, Some(sent), true);
            }
            Ask::Publish(_) => {}
        }
    }
}
