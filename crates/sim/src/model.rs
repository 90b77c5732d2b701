//! The promises, checked against what the pages saw and what is on their disks.
//!
//! None lost, none twice, order per conversation, statuses only climb, unread counts equal what
//! the store says.

use std::collections::{BTreeMap, BTreeSet};

use client::message::Conversation;
use wire::id::MessageId;
use wire::status;

use crate::world::{Page, Place, Promised, Seen, World, text};

/// Checks everything; the first broken promise in words. The world has to be healed before.
pub fn check(world: &World, members: &BTreeMap<u32, Vec<String>>) -> Result<(), String> {
    for (place, page) in world.pages.iter().enumerate() {
        none_twice(place, page)?;
        statuses_climb(place, page)?;
    }
    let kept: Vec<_> = world.promised.iter().filter(|sent| was_kept(world, sent)).collect();
    for sent in &kept {
        none_lost(world, sent, members)?;
    }
    for (place, page) in world.pages.iter().enumerate() {
        nothing_invented(world, place, page)?;
        order_of_each_sender(world, place, page)?;
    }
    Ok(())
}

/// A message whose tab was killed before it was stored was never promised.
fn was_kept(world: &World, sent: &Promised) -> bool {
    let page = &world.pages[sent.place];
    let told =
        |seen: &Seen| matches!(seen, Seen::Message { incoming: false, id, .. } if *id == sent.id);
    page.stored().iter().any(|message| !message.key.incoming && message.key.id == sent.id)
        || (page.seen.iter().any(told) && !died_unstored(page, sent.id))
}

/// The browser could not store it (the page was told), and the tab was killed before it was sent.
fn died_unstored(page: &Page, id: MessageId) -> bool {
    !page.stored().iter().any(|message| !message.key.incoming && message.key.id == id)
}

fn none_lost(
    world: &World,
    sent: &Promised,
    members: &BTreeMap<u32, Vec<String>>,
) -> Result<(), String> {
    let from = &world.pages[sent.place].user;
    for (place, page) in world.pages.iter().enumerate() {
        let expected = match &sent.to {
            Conversation::User(address) => page.user == *address,
            Conversation::Group(gid) => page.user != *from && members[&gid.0].contains(&page.user),
        };
        let stored = page.stored();
        let copies = |incoming: bool| {
            let same = stored.iter().filter(|m| m.key.incoming == incoming && m.key.id == sent.id);
            same.count()
        };
        if expected && copies(true) != 1 {
            let own = world.pages[sent.place].stored();
            let own = own.iter().find(|message| message.key.id == sent.id);
            return Err(format!(
                "page {place} holds {:?} {} times, its sender sees status {:?}",
                sent.text,
                copies(true),
                own.map(|message| message.status)
            ));
        }
        if page.user == *from && copies(false) != 1 {
            return Err(format!(
                "page {place} of the sender holds its own {:?} {} times",
                sent.text,
                copies(false)
            ));
        }
    }
    let own = world.pages[sent.place].stored();
    let own = own.iter().find(|message| !message.key.incoming && message.key.id == sent.id);
    let reached = own.is_some_and(|message| message.status >= status::DELIVERED);
    let alone = match &sent.to {
        Conversation::User(address) => *address == *from,
        Conversation::Group(gid) => members[&gid.0].len() < 2,
    };
    if !reached && !alone {
        let status = own.map(|message| message.status);
        return Err(format!("{:?} arrived, its sender sees status {status:?}", sent.text));
    }
    Ok(())
}

fn none_twice(place: Place, page: &Page) -> Result<(), String> {
    let mut told = BTreeSet::new();
    for seen in &page.seen {
        match seen {
            Seen::Reloaded => told.clear(),
            Seen::Message { incoming, sender, id, text } => {
                if !told.insert((*incoming, sender.clone(), *id)) {
                    return Err(format!("page {place} is told of {text:?} twice"));
                }
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
            // What was not stored before the tab was killed is told again.
            Seen::Reloaded => latest.clear(),
            Seen::Status { id, status } => {
                let before = latest.insert(*id, *status).unwrap_or(0);
                if *status < before {
                    return Err(format!("page {place}: a status fell from {before} to {status}"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Nobody holds what nobody sent to him.
fn nothing_invented(world: &World, place: Place, page: &Page) -> Result<(), String> {
    for message in page.stored() {
        let sent = world.promised.iter().find(|sent| sent.id == message.key.id);
        let Some(sent) = sent.filter(|sent| sent.text == text(&message)) else {
            return Err(format!("page {place} holds {:?}, which nobody sent", text(&message)));
        };
        let foreign = match &sent.to {
            Conversation::User(address) => message.key.incoming && *address != page.user,
            Conversation::Group(_) => false,
        };
        if foreign {
            return Err(format!("page {place} holds {:?}, sent to somebody else", sent.text));
        }
    }
    Ok(())
}

/// Within one life of a page, and within one life of the sender's page, messages of one sender to
/// one destination arrive in the order in which they were sent.
fn order_of_each_sender(world: &World, place: Place, page: &Page) -> Result<(), String> {
    let sent_as: BTreeMap<_, _> =
        world.promised.iter().enumerate().map(|(index, sent)| (sent.id, (index, sent))).collect();
    let mut latest: BTreeMap<(Place, String), usize> = BTreeMap::new();
    for seen in &page.seen {
        match seen {
            Seen::Reloaded => latest.clear(),
            Seen::Message { incoming: true, id, text, .. } => {
                let Some((index, sent)) = sent_as.get(id) else { continue };
                let line = (sent.place, format!("{:?}", sent.to));
                if latest.insert(line, *index).is_some_and(|before| before > *index) {
                    return Err(format!("page {place} is told of {text:?} too late"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
