//! The promises, checked against what the pages saw and what is on their disks.
//!
//! None lost, none twice, nothing invented, order, statuses only climb and arrive where they
//! should, what is for now is kept by nobody, unread counts equal what the store says, memberships
//! converge, the connection's statuses follow their rules. A promise that does not hold is told in
//! words.

use std::collections::{BTreeMap, BTreeSet};

use client::event::{ConnectionStatus, Event as Told};
use client::message::{Conversation, Message};
use wire::id::MessageId;
use wire::status;

use crate::page::{Page, Seen, text};
use crate::world::{Place, Promised, World};

/// What the rights of somebody in a group come to, for a message of some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Member,
    Stranger,
    /// It changed since: either is right.
    Open,
}

/// Checks everything; the first broken promise in words. The world has to be healed before.
pub fn check(world: &mut World) -> Result<(), String> {
    for (place, page) in world.pages.iter().enumerate() {
        none_twice(world, place, page)?;
        statuses_climb(place, page)?;
        own_message_before_its_status(world, place, page)?;
        connection_follows_its_rules(place, page)?;
        nothing_invented(world, place, page)?;
        order_of_each_sender(world, place, page)?;
        memberships_converge(world, place, page)?;
        the_log_is_taken_to_its_end(world, place, page)?;
    }
    if let Some(uid) = world.disk.repeats_itself() {
        return Err(format!("the server keeps a message twice for user {uid}"));
    }
    for sent in &world.promised {
        arrives_or_is_refused(world, sent)?;
        is_read_everywhere(world, sent)?;
    }
    for sent in &world.passing {
        is_kept_by_nobody(world, sent)?;
        is_answered_truly(world, sent)?;
    }
    unread_counts_are_right(world)
}

/// The own message in a page's store.
fn own(page: &Page, id: MessageId) -> Option<Message> {
    page.stored().into_iter().find(|message| !message.key.incoming && message.key.id == id)
}

fn received(page: &Page, sent: &Promised) -> Vec<Message> {
    let same = |message: &Message| message.key.incoming && message.key.id == sent.id;
    page.stored().into_iter().filter(same).collect()
}

/// Whether a page, or another tab of its browser, was ever told that its message failed.
fn was_refused(world: &World, sent: &Promised) -> bool {
    let failure = |seen: &Seen| match seen {
        Seen::Status { id, status } => *id == sent.id && status & status::FAIL != 0,
        _ => false,
    };
    let browser = world.pages[sent.place].key;
    let mut tabs = world.pages.iter().filter(|page| page.key == browser);
    tabs.any(|page| page.seen.iter().any(failure))
}

/// Whether the message may not be lost: it was on the page's disk, or on the server's, or the
/// page that took it never died.
fn was_kept(world: &World, sent: &Promised) -> bool {
    let page = &world.pages[sent.place];
    let accepted = world.disk.stored_messages().contains(&(page.uid, sent.id));
    let on_disk = page.committed.contains(&sent.id) && !lost_since(page, sent);
    accepted || on_disk || sent.life == page.life
}

/// The disk of this page may have lost what was sent at that time.
fn lost_since(page: &Page, sent: &Promised) -> bool {
    page.memory_only || page.lost_at.is_some_and(|lost| lost >= sent.at)
}

fn standing(world: &World, sent: &Promised, user: &str) -> Standing {
    let Conversation::Group(gid) = sent.to else { return Standing::Member };
    let changes =
        world.memberships.iter().filter(|change| change.group == gid && change.user == user);
    let mut standing = Standing::Stranger;
    for change in changes {
        if change.answered > sent.at {
            return Standing::Open;
        }
        standing = if change.member { Standing::Member } else { Standing::Stranger };
    }
    standing
}

/// Whether this page's user should have received it.
fn is_for(world: &World, sent: &Promised, page: &Page) -> Standing {
    let from = &world.pages[sent.place].user;
    match &sent.to {
        Conversation::User(address) if page.user == *address => Standing::Member,
        Conversation::User(_) => Standing::Stranger,
        Conversation::Group(_) if page.user == *from => Standing::Stranger,
        Conversation::Group(_) => standing(world, sent, &page.user),
    }
}

fn arrives_or_is_refused(world: &World, sent: &Promised) -> Result<(), String> {
    let what = &sent.text;
    let sender = &world.pages[sent.place];
    let final_status = own(sender, sent.id).map(|message| message.status);
    // One tab may be refused what another one sends at a better moment.
    let taken = final_status.is_some_and(|status| status & status::FAIL == 0);
    let refused = was_refused(world, sent) && !taken;
    let may_send = standing(world, sent, &sender.user);
    if refused {
        if may_send == Standing::Member {
            return Err(format!("{what:?} was refused with status {final_status:?}"));
        }
        if let Some(place) = world.pages.iter().position(|page| !received(page, sent).is_empty()) {
            return Err(format!("{what:?} was refused and is at page {place}"));
        }
        return Ok(());
    }
    if !was_kept(world, sent) {
        return Ok(());
    }
    let mut expected = false;
    for (place, page) in world.pages.iter().enumerate() {
        let copies = received(page, sent).len();
        let wanted = match is_for(world, sent, page) {
            Standing::Stranger if copies > 0 => {
                return Err(format!("page {place} got {what:?}, which is not for it"));
            }
            Standing::Member if may_send == Standing::Member => true,
            _ => false,
        };
        expected |= wanted && page.user != sender.user;
        if wanted && copies != 1 && !lost_since(page, sent) {
            return Err(format!(
                "page {place} holds {what:?} {copies} times, its sender sees {final_status:?}"
            ));
        }
        let told = was_told(page, sent, true);
        if wanted && page.hears_from < sent.at && !told {
            return Err(format!("page {place} was never told of {what:?}"));
        }
        let copies = own(page, sent.id).is_some();
        let stored_here = place != sent.place || page.committed.contains(&sent.id);
        if page.user == sender.user && !copies && stored_here && !lost_since(page, sent) {
            return Err(format!("page {place} of the sender has lost its own {what:?}"));
        }
    }
    if sent.life == sender.life && !was_told(sender, sent, false) {
        return Err(format!("page {} was never told of its own {what:?}", sent.place));
    }
    if expected {
        for (place, page) in
            world.pages.iter().enumerate().filter(|(_, page)| page.user == sender.user)
        {
            if lost_since(page, sent) {
                continue;
            }
            let status = own(page, sent.id).map(|message| message.status);
            if status.is_some_and(|status| status < status::DELIVERED) {
                return Err(format!(
                    "{what:?} arrived, page {place} of its sender sees {status:?}"
                ));
            }
        }
    }
    Ok(())
}

/// Told in the last life of the page.
fn was_told(page: &Page, sent: &Promised, wanted: bool) -> bool {
    let last = page.seen.iter().rev().take_while(|seen| !matches!(seen, Seen::Reloaded { .. }));
    last.into_iter().any(
        |seen| matches!(seen, Seen::Message { incoming, id, .. } if *incoming == wanted && *id == sent.id),
    )
}

/// What one device has read, all devices of the user have read, and the sender knows.
fn is_read_everywhere(world: &World, sent: &Promised) -> Result<(), String> {
    let sender = &world.pages[sent.place];
    for (place, page) in world.pages.iter().enumerate() {
        let is_read = |message: &Message| message.status == status::RECEIVED_READ;
        if !received(page, sent).iter().any(is_read) {
            continue;
        }
        for (other_place, other) in world.pages.iter().enumerate() {
            if lost_since(other, sent) {
                continue;
            }
            let what = &sent.text;
            if other.user == page.user
                && received(other, sent).iter().any(|message| !is_read(message))
            {
                return Err(format!("page {place} has read {what:?}, page {other_place} has not"));
            }
            let Some(own) = own(other, sent.id).filter(|_| other.user == sender.user) else {
                continue;
            };
            if own.status < status::READ && page.user != sender.user {
                return Err(format!(
                    "page {place} has read {what:?}, page {other_place} of the sender sees {}",
                    own.status
                ));
            }
        }
    }
    Ok(())
}

/// What was for now is not on the server, and on no disk but its sender's.
fn is_kept_by_nobody(world: &World, sent: &Promised) -> Result<(), String> {
    let what = &sent.text;
    if world.disk.stored_messages().contains(&(world.pages[sent.place].uid, sent.id)) {
        return Err(format!("the server keeps {what:?}, which was for now"));
    }
    // Whose disk is gone keeps in memory what it knows, that too.
    let keeps = |page: &Page| !lost_since(page, sent) && !received(page, sent).is_empty();
    match world.pages.iter().position(keeps) {
        Some(place) => Err(format!("page {place} keeps {what:?}, which was for now")),
        None => Ok(()),
    }
}

/// The sender of what was for now is told what became of it: it waits no more, and who is said to
/// have it was told of it.
fn is_answered_truly(world: &World, sent: &Promised) -> Result<(), String> {
    let (what, sender) = (&sent.text, &world.pages[sent.place]);
    let Some(own) = own(sender, sent.id) else { return Ok(()) };
    if own.status == status::OUTBOX {
        return Err(format!("{what:?} was for now and still waits"));
    }
    let had = own.status & status::FAIL == 0 && own.status >= status::DELIVERED;
    let is_it =
        |seen: &Seen| matches!(seen, Seen::Message { incoming: true, id, .. } if *id == sent.id);
    if had && !world.pages.iter().any(|page| page.seen.iter().any(is_it)) {
        return Err(format!("{what:?} has status {}, and nobody was told of it", own.status));
    }
    Ok(())
}

fn none_twice(world: &World, place: Place, page: &Page) -> Result<(), String> {
    let mut told = BTreeSet::new();
    // On no disk: a page that is opened again knows nothing of it.
    let passing: BTreeSet<_> = world.passing.iter().map(|sent| sent.id).collect();
    for seen in &page.seen {
        match seen {
            // What was told is on the disk, unless the page was told that it is not.
            Seen::Reloaded { .. } if page.lost_at.is_some() => told.clear(),
            Seen::Reloaded { .. } => told.retain(|(_, _, id)| !passing.contains(id)),
            Seen::Message { incoming, sender, id, text }
                if !told.insert((*incoming, sender.clone(), *id)) =>
            {
                return Err(format!("page {place} is told of {text:?} twice"));
            }
            _ => {}
        }
    }
    let stored = page.stored();
    let ids: BTreeSet<_> = stored.iter().map(|message| message.key.clone()).collect();
    if ids.len() != stored.len() {
        return Err(format!("page {place} holds a message twice"));
    }
    Ok(())
}

fn statuses_climb(place: Place, page: &Page) -> Result<(), String> {
    let mut latest = BTreeMap::new();
    for seen in &page.seen {
        match seen {
            Seen::Reloaded { .. } if page.lost_at.is_some() => latest.clear(),
            Seen::Status { id, status } => {
                let before = latest.insert(*id, *status).unwrap_or(0);
                if *status < before && before & status::FAIL == 0 {
                    return Err(format!("page {place}: a status fell from {before} to {status}"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A page hears of a message it has sent before it hears how it fares.
fn own_message_before_its_status(world: &World, place: Place, page: &Page) -> Result<(), String> {
    let mut told = BTreeSet::new();
    let mut life_now = 0;
    for seen in &page.seen {
        match seen {
            Seen::Reloaded { life } => life_now = *life,
            Seen::Message { incoming: false, id, .. } => drop(told.insert((life_now, *id))),
            Seen::Status { id, .. } if !told.contains(&(life_now, *id)) => {
                let here = |sent: &&Promised| {
                    sent.id == *id && sent.place == place && sent.life == life_now
                };
                if let Some(sent) = world.promised.iter().chain(&world.passing).find(here) {
                    return Err(format!("page {place} hears of a status before {:?}", sent.text));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Never the same status twice in a row, online only after connecting, nothing after the end.
fn connection_follows_its_rules(place: Place, page: &Page) -> Result<(), String> {
    use ConnectionStatus::{AuthFail, Connecting, Online, SignOut, Suspend, Unknown};
    let mut before = Unknown;
    for seen in &page.seen {
        match seen {
            Seen::Reloaded { .. } => before = Unknown,
            Seen::Connection { status, .. } => {
                let over = [AuthFail, SignOut, Suspend].contains(&before);
                if *status == before || over || (*status == Online && before != Connecting) {
                    return Err(format!("page {place} is told {status:?} after {before:?}"));
                }
                before = *status;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Nobody holds what nobody sent to him.
fn nothing_invented(world: &World, place: Place, page: &Page) -> Result<(), String> {
    for message in page.stored() {
        let mut all = world.promised.iter().chain(&world.passing);
        let sent = all.find(|sent| sent.id == message.key.id);
        let Some(sent) = sent.filter(|sent| sent.text == text(&message)) else {
            return Err(format!("page {place} holds {:?}, which nobody sent", text(&message)));
        };
        let sender = &world.pages[sent.place].user;
        let right_sender = match message.key.incoming {
            true => message.key.sender == *sender,
            false => page.user == *sender,
        };
        let conversation = match &sent.to {
            Conversation::User(_) if message.key.incoming => Conversation::User(sender.clone()),
            to => to.clone(),
        };
        if !right_sender || message.conversation != conversation {
            return Err(format!("page {place} holds {:?} in the wrong conversation", sent.text));
        }
    }
    Ok(())
}

/// What one page sends to one destination is told, and stands in the store of everybody, in the
/// order in which it was sent.
fn order_of_each_sender(world: &World, place: Place, page: &Page) -> Result<(), String> {
    let sent_as: BTreeMap<_, _> =
        world.promised.iter().enumerate().map(|(index, sent)| (sent.id, (index, sent))).collect();
    let line = |sent: &Promised| (sent.place, format!("{:?}", sent.to));
    // Of a message that was in memory only, a late frame may come after the tab is gone. One that
    // was refused may be sent again by a page that was killed before it heard so.
    let counts = |sent: &Promised| {
        let page = &world.pages[sent.place];
        page.committed.contains(&sent.id) && standing(world, sent, &page.user) == Standing::Member
    };
    let mut latest: BTreeMap<(Place, String), usize> = BTreeMap::new();
    for seen in &page.seen {
        match seen {
            Seen::Reloaded { .. } => latest.clear(),
            Seen::Message { incoming: true, id, text, .. } => {
                let Some((index, sent)) = sent_as.get(id).filter(|(_, sent)| counts(sent)) else {
                    continue;
                };
                if latest.insert(line(sent), *index).is_some_and(|before| before > *index) {
                    return Err(format!("page {place} is told of {text:?} too late"));
                }
            }
            _ => {}
        }
    }
    for incoming in [true, false].into_iter().filter(|_| !world.clocks_turned) {
        let mut latest: BTreeMap<(Place, String), usize> = BTreeMap::new();
        for message in page.stored().iter().filter(|message| message.key.incoming == incoming) {
            let Some((index, sent)) = sent_as.get(&message.key.id).filter(|(_, sent)| counts(sent))
            else {
                continue;
            };
            if latest.insert(line(sent), *index).is_some_and(|before| before > *index) {
                return Err(format!("page {place} reads {:?} in the wrong place", sent.text));
            }
        }
    }
    Ok(())
}

/// What is on a page's disk is all that the server has for its user.
fn the_log_is_taken_to_its_end(world: &World, place: Place, page: &Page) -> Result<(), String> {
    let (cursor, end) = (page.disk.borrow().open().cursor, world.disk.end_of_log(page.uid));
    if page.client.is_none() || page.memory_only || cursor == Some(end) {
        return Ok(());
    }
    Err(format!("page {place} has taken the log to {cursor:?}, it goes to {end}"))
}

/// Every page knows the groups of its user.
fn memberships_converge(world: &World, place: Place, page: &Page) -> Result<(), String> {
    let mut expected = BTreeMap::new();
    for change in world.memberships.iter().filter(|change| change.user == page.user) {
        expected.insert(change.group, change.member);
    }
    let expected: BTreeSet<_> =
        expected.into_iter().filter(|(_, member)| *member).map(|(gid, _)| gid).collect();
    let Some(client) = &page.client else { return Ok(()) };
    let known: BTreeSet<_> = client.groups().into_iter().collect();
    if known != expected {
        return Err(format!("page {place} knows the groups {known:?}, not {expected:?}"));
    }
    for gid in known {
        let name = client.profile(&Conversation::Group(gid)).map(|profile| profile.name.clone());
        if name != world.group_names.get(&gid).cloned() {
            return Err(format!("page {place} knows group {gid} as {name:?}"));
        }
    }
    Ok(())
}

/// The number of unread messages is what the store says, for each conversation.
fn unread_counts_are_right(world: &mut World) -> Result<(), String> {
    for place in 0..world.pages.len() {
        let mut unread: BTreeMap<Option<Conversation>, u32> = BTreeMap::from([(None, 0)]);
        for message in world.pages[place].stored() {
            let is_new = u32::from(message.status == status::RECEIVED_NEW);
            *unread.entry(None).or_default() += is_new;
            *unread.entry(Some(message.conversation)).or_default() += is_new;
        }
        for (conversation, expected) in unread {
            let asked = conversation.clone();
            let Some(ticket) = world.with(place, |client, _| client.count_unread(asked)) else {
                continue;
            };
            world.pass(100);
            let counted = world.told(place).into_iter().rev().find_map(|told| match told {
                Told::UnreadCount { ticket: of, count } if *of == ticket => Some(*count),
                _ => None,
            });
            if counted != Some(expected) {
                return Err(format!(
                    "page {place} counts {counted:?} unread in {conversation:?}, not {expected}"
                ));
            }
        }
    }
    Ok(())
}
