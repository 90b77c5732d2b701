//! Questions and changes about groups, and who hears what came of them.

use alloc::vec;
use alloc::vec::Vec;
use wire::id::{GroupId, Uid};
use wire::limits::{GROUP_REQUESTS_MAX, MEMBERS_PER_REPLY_MAX};
use wire::mask::group_error;
use wire::proto::group_request::What;
use wire::proto::{self, GroupChange, GroupReply, client_frame, group_change, server_frame};

use super::{Page, entry};
use crate::Input;
use crate::event::Event;

const TEAM: GroupId = GroupId(1_000);

#[test]
fn a_group_that_was_made_is_told_as_created_then_joined_once() {
    let mut page = Page::online();
    let ticket = change(&mut page, GroupId(0), What::Create(named("Team")));
    assert_eq!(page.asked(), [(ticket, 0)]);
    page.reply(GroupReply { ticket, group: Some(team()), ..GroupReply::default() });
    page.deliver(vec![changed(1, group_change::Kind::Joined, ticket)]);
    let told =
        [Event::GroupCreated { group: TEAM, ticket }, Event::GroupJoined { group: TEAM, ticket }];
    assert_eq!(page.events, told);
    assert_eq!(page.client.groups(), [TEAM]);
}

#[test]
fn what_a_change_causes_is_told_to_its_asker_and_what_others_cause_to_nobody_in_particular() {
    let mut page = Page::online();
    let ticket = change(&mut page, TEAM, What::Put(proto::MembersPut::default()));
    page.reply(GroupReply { ticket, group: Some(team()), ..GroupReply::default() });
    page.forget();
    page.deliver(vec![changed(1, group_change::Kind::MembersJoined, ticket)]);
    let mut other = changed(2, group_change::Kind::MembersLeft, ticket);
    if let Some(proto::entry::Body::Group(change)) = &mut other.entry.as_mut().unwrap().body {
        change.origin = vec![9; 16];
        change.by = "boss".into();
    }
    page.deliver(vec![other]);
    let tickets = page.events.iter().filter_map(|event| match event {
        Event::GroupMembersJoined { ticket, .. } | Event::GroupMembersRemoved { ticket, .. } => {
            Some(*ticket)
        }
        _ => None,
    });
    assert_eq!(tickets.collect::<Vec<_>>(), [ticket, 0]);
    let of = crate::message::Conversation::Group(TEAM);
    let info = page.client.profile(&of).and_then(|profile| profile.group.clone());
    assert_eq!(info.expect("a group").changed_by, "boss");
}

#[test]
fn who_is_a_member_already_joins_again() {
    let mut page = Page::online();
    page.deliver(vec![changed(1, group_change::Kind::Joined, 0)]);
    page.forget();
    let ticket = change(&mut page, TEAM, What::Join(7));
    page.reply(GroupReply { ticket, group: Some(team()), ..GroupReply::default() });
    assert_eq!(page.events, [Event::GroupJoined { group: TEAM, ticket }]);
}

#[test]
fn who_waits_to_be_let_in_is_answered_in_the_end_by_whoever_decides() {
    for let_in in [true, false] {
        let mut page = Page::online();
        let ticket = change(&mut page, TEAM, What::Join(7));
        let error = group_error::ACCESS_DENIED;
        page.reply(GroupReply { ticket, error, waiting: true, ..GroupReply::default() });
        let mut joined = changed(1, group_change::Kind::Joined, ticket + 1);
        if let Some(proto::entry::Body::Group(change)) = &mut joined.entry.as_mut().unwrap().body {
            change.origin = vec![9; 16];
        }
        if let_in {
            page.deliver(vec![joined]);
        } else {
            page.reply(GroupReply { ticket, error, ..GroupReply::default() });
        }
        let refused = |waiting| Event::GroupError { group: TEAM, ticket, error, waiting };
        let last = if let_in { Event::GroupJoined { group: TEAM, ticket } } else { refused(false) };
        assert_eq!(page.events, [refused(true), last]);
    }
}

#[test]
fn a_host_is_told_who_waits() {
    let mut page = Page::online();
    let members = vec![proto::Member { uid: 5, address: "bob".into(), ..Default::default() }];
    let group = Some(proto::Group { gid: TEAM.0, ..proto::Group::default() });
    page.reply(GroupReply { waiting: true, group, members, ..GroupReply::default() });
    let [Event::GroupWaiting { group: TEAM, members }] = &page.events[..] else {
        panic!("{:?}", page.events);
    };
    assert_eq!(members[0].address, "bob");
}

#[test]
fn who_leaves_is_told_by_the_log_once() {
    let mut page = Page::online();
    page.deliver(vec![changed(1, group_change::Kind::Joined, 0)]);
    page.forget();
    let ticket = change(&mut page, TEAM, What::Leave(true));
    let left = proto::Group { rights: Some(proto::Rights::default()), ..team() };
    page.reply(GroupReply { ticket, group: Some(left), ..GroupReply::default() });
    assert_eq!(page.events, []);
    page.deliver(vec![changed(2, group_change::Kind::Left, ticket)]);
    assert_eq!(page.events, [Event::GroupLeft { group: TEAM, deleted: false }]);
}

#[test]
fn requests_made_offline_wait_and_go_out_in_order() {
    let mut page = Page::new();
    let settings = page.client.group_settings(TEAM);
    let create = page.client.change_group(GroupId(0), What::Create(named("x")));
    let members = page.client.group_members(TEAM, 0, true);
    page.start();
    page.welcome(0);
    assert_eq!(page.asked(), [(settings, TEAM.0), (create, 0), (members, TEAM.0)]);
}

#[test]
fn what_can_be_repeated_goes_again_after_a_reconnect_and_the_rest_has_failed() {
    let mut page = Page::online();
    let put = change(&mut page, TEAM, What::Put(proto::MembersPut::default()));
    let create = change(&mut page, GroupId(0), What::Create(named("x")));
    let pin = change(&mut page, TEAM, What::AddPin(proto::Pin::default()));
    let join = change(&mut page, TEAM, What::Join(7));
    page.forget();
    page.lose_connection();
    let error = group_error::GENERAL;
    for (group, ticket) in [(GroupId(0), create), (TEAM, pin)] {
        assert!(page.events.contains(&Event::GroupError { group, ticket, error, waiting: false }));
    }
    page.wait();
    page.welcome(0);
    assert_eq!(page.asked(), [(put, TEAM.0), (join, TEAM.0)]);
}

#[test]
fn one_request_too_many_is_refused_at_once() {
    let mut page = Page::new();
    for _ in 0..GROUP_REQUESTS_MAX {
        page.client.group_settings(TEAM);
    }
    let ticket = page.client.group_settings(TEAM);
    page.input(Input::Tick);
    let error = group_error::GENERAL;
    assert_eq!(page.events, [Event::GroupError { group: TEAM, ticket, error, waiting: false }]);
}

#[test]
fn members_come_page_by_page_until_there_are_none() {
    let mut page = Page::online();
    let ask = |page: &mut Page, restart| {
        let ticket = page.client.group_members(TEAM, 2, restart);
        page.input(Input::Tick);
        let Some(client_frame::Body::GroupQuery(query)) = page.frames.pop() else { panic!() };
        assert_eq!(query.ticket, ticket);
        query.after_uid
    };
    assert_eq!(ask(&mut page, false), 0);
    page.members(1, 2);
    assert_eq!(ask(&mut page, false), 2);
    page.members(3, 1);
    assert_eq!(ask(&mut page, false), 3);
    page.members(4, 0);
    assert_eq!(ask(&mut page, false), 3);
    page.members(4, 0);
    assert_eq!(ask(&mut page, true), 0);
    let counts = page.events.iter().filter_map(|event| match event {
        Event::GroupMembers { members, .. } => Some(members.len()),
        _ => None,
    });
    assert_eq!(counts.collect::<Vec<_>>(), [2, 1, 0, 0]);
}

#[test]
fn all_members_are_told_together_however_many_answers_they_need() {
    let mut page = Page::online();
    page.client.group_members(TEAM, 0, true);
    page.input(Input::Tick);
    let many = MEMBERS_PER_REPLY_MAX as u32;
    page.members(1, many);
    assert_eq!(page.events, []);
    let Some(client_frame::Body::GroupQuery(query)) = page.frames.last() else { panic!() };
    assert_eq!(Uid(query.after_uid), Uid(many));
    page.members(many + 1, 1);
    let [Event::GroupMembers { members, .. }] = &page.events[..] else { panic!() };
    assert_eq!(members.len(), MEMBERS_PER_REPLY_MAX + 1);
}

// ---- helpers -----------------------------------------------------------------------------

fn named(name: &str) -> proto::GroupSettings {
    proto::GroupSettings { name: Some(name.into()), ..Default::default() }
}

fn team() -> proto::Group {
    let rights = Some(proto::Rights { member: true, ..Default::default() });
    proto::Group { gid: TEAM.0, name: "Team".into(), rights, ..Default::default() }
}

fn change(page: &mut Page, group: GroupId, what: What) -> u32 {
    let ticket = page.client.change_group(group, what);
    page.input(Input::Tick);
    ticket
}

fn changed(seq: u64, kind: group_change::Kind, ticket: u32) -> proto::LogEntry {
    let change = GroupChange {
        kind: kind as i32,
        group: Some(team()),
        members: vec![proto::Member::default()],
        by: "me".into(),
        origin: vec![1; 16],
        ticket,
    };
    entry(seq, proto::entry::Body::Group(change))
}

impl Page {
    /// Tickets and groups of what the server was asked.
    fn asked(&self) -> Vec<(u32, u32)> {
        let asked = |frame: &client_frame::Body| match frame {
            client_frame::Body::GroupRequest(request) => Some((request.ticket, request.gid)),
            client_frame::Body::GroupQuery(query) => Some((query.ticket, query.gid)),
            _ => None,
        };
        self.frames.iter().filter_map(asked).collect()
    }

    fn reply(&mut self, reply: GroupReply) {
        self.server(server_frame::Body::GroupReply(reply));
    }

    /// The last question is answered with so many members, numbered from `first`.
    fn members(&mut self, first: u32, count: u32) {
        let ticket = self.client.group_requests.last_ticket;
        let members =
            (first..first + count).map(|uid| proto::Member { uid, ..Default::default() }).collect();
        self.reply(GroupReply { ticket, members, ..GroupReply::default() });
    }
}
