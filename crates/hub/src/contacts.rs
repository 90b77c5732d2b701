//! What users are to each other: contacts, subscriptions, blocks, and what of a profile a blocked
//! one sees.
//!
//! Relies on the directory to know who blocks each user that has a live session. Promises that a
//! block holds from the moment it is stored.

use alloc::string::String;
use alloc::vec::Vec;
use wire::code::Code;
use wire::id::{AppId, SessionId, Uid};
use wire::limits::CONTACTS_PER_FRAME_MAX;
use wire::mask::{contact, presence as code};
use wire::proto::{self, Contacts, Profile, server_frame};

use crate::directory::{Missing, Needs};
use crate::hub::{Hub, Pending};
use crate::messaging::is_address;
use crate::operations::{After, Progress};
use crate::port::admin::{self, UserRef};
use crate::port::store::{Contact, Reply, Request, StoreError, User};
use crate::presence::presence_of;
use crate::sending::portions;

impl Hub {
    pub(crate) fn on_contacts(&mut self, id: SessionId, told: &Contacts) -> Result<(), Needs> {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else {
            return Ok(());
        };
        let (uid, aid) = (live.uid, live.aid);
        let named = || told.contacts.iter().take(CONTACTS_PER_FRAME_MAX);
        let find = |address: &String| match is_address(address) {
            true => self.directory.find_user(aid, address),
            false => Ok(None),
        };
        Needs::check(named().map(|contact| find(&contact.address).map(drop)))?;
        let mut contacts = Vec::new();
        for told in named() {
            if let Some(user) = find(&told.address)?
                && user.uid != uid
            {
                let flags = told.flags & contact::ALL;
                contacts.push(Contact { uid: user.uid, address: told.address.clone(), flags });
            }
        }
        let pending = Pending::Contacts { session: id, uid, ticket: told.ticket };
        self.ask(Request::SaveContacts { uid, contacts }, pending);
        Ok(())
    }

    pub(crate) fn on_contacts_saved(
        &mut self,
        id: SessionId,
        uid: Uid,
        ticket: u32,
        result: Result<Reply, StoreError>,
    ) {
        let Ok(Reply::Contacts(saved)) = result else {
            // No answer: the client says it again when it is back.
            return self.end(id, Code::Storage, "storage failed");
        };
        for contact in &saved {
            let blocks = contact.flags & (contact::BLOCK_ANY | contact::LEVELS);
            let loading = self.is_loading(&Missing::Blockers(contact.uid));
            let before = self.directory.put_block(uid, contact.uid, blocks, loading);
            if (before ^ blocks) & contact::BLOCKED != 0 {
                self.tell_each_other(uid, contact.uid);
            }
            if (before ^ blocks) & contact::LEVELS != 0 {
                self.tell_levels(uid, contact.uid);
            }
        }
        for contacts in contact_portions(&saved) {
            let others = Contacts { ticket: 0, contacts };
            for session in self.online.sessions(uid).to_vec() {
                if session != id {
                    self.send(session, server_frame::Body::Contacts(others.clone()));
                }
            }
        }
        self.follow_contacts(uid);
        let contacts = contact_portions(&saved).into_iter().flatten().collect();
        self.send(id, server_frame::Body::Contacts(Contacts { ticket, contacts }));
    }

    /// As the user would do it itself.
    pub(crate) fn edit_contacts(
        &mut self,
        aid: AppId,
        user: &UserRef,
        add: &[String],
        remove: &[String],
    ) -> Result<Progress, Needs> {
        let uid = match self.user(aid, user)? {
            Ok(user) => user.uid,
            Err(error) => return Ok(error.into()),
        };
        let (add, _) = self.users(aid, add)?;
        let (remove, _) = self.users(aid, remove)?;
        let mut contacts = Vec::with_capacity(add.len());
        for other in add.into_iter().filter(|other| *other != uid) {
            let Some(user) = self.directory.user(other)? else { continue };
            let (address, flags) = (user.address.clone(), contact::CONTACT);
            contacts.push(Contact { uid: other, address, flags });
        }
        let after = After::ContactsLoaded { uid, add: contacts, remove };
        Ok(Progress::Ask(Request::LoadContacts { uid }, after))
    }

    pub(crate) fn on_contacts_loaded(
        &mut self,
        uid: Uid,
        known: Vec<Contact>,
        (add, remove): (Vec<Contact>, Vec<Uid>),
    ) -> Progress {
        let of = |uid: Uid| known.iter().find(|contact| contact.uid == uid);
        // What else a contact is, such as blocked, it stays.
        let added = add.into_iter().filter_map(|contact| {
            let flags = of(contact.uid).map_or(0, |known| known.flags);
            let is_new = flags & contact.flags == 0;
            is_new.then_some(Contact { flags: flags | contact.flags, ..contact })
        });
        let removed = known
            .iter()
            .filter(|known| remove.contains(&known.uid) && known.flags & contact::CONTACT != 0);
        let removed = removed
            .map(|known| Contact { flags: known.flags & !contact::CONTACT, ..known.clone() });
        let contacts: Vec<_> = added.chain(removed).collect();
        if contacts.is_empty() {
            return self.contacts_told(&known);
        }
        Progress::Ask(Request::SaveContacts { uid, contacts }, After::ContactsSaved { uid, known })
    }

    pub(crate) fn on_contacts_edited(
        &mut self,
        uid: Uid,
        mut known: Vec<Contact>,
        saved: &[Contact],
    ) -> Progress {
        for contacts in contact_portions(saved) {
            let told = Contacts { ticket: 0, contacts };
            for session in self.online.sessions(uid).to_vec() {
                self.send(session, server_frame::Body::Contacts(told.clone()));
            }
        }
        self.follow_contacts(uid);
        known.retain(|known| saved.iter().all(|saved| saved.uid != known.uid));
        known.extend_from_slice(saved);
        known.sort_unstable_by_key(|contact| contact.uid);
        self.contacts_told(&known)
    }

    fn contacts_told(&self, known: &[Contact]) -> Progress {
        let contacts = known.iter().filter(|known| known.flags & contact::CONTACT != 0);
        let users = contacts.map(|contact| self.directory.user(contact.uid));
        match Needs::check(users.clone()) {
            // All is changed already when it is gone through again.
            Err(needs) => Progress::Load(needs),
            Ok(()) => {
                let users = users.filter_map(|user| Some((**user.ok()??).clone()));
                Progress::Answered(admin::Reply::Contacts(users.collect()))
            }
        }
    }

    /// The other may see other values now: who watches is told.
    fn tell_levels(&mut self, uid: Uid, other: Uid) {
        let Ok(Some(user)) = self.directory.user(uid).map(|user| user.cloned()) else { return };
        for session in self.online.sessions(other).to_vec() {
            if self.watchers.of(uid).contains(&session) {
                self.tell_profile_to(&user, session);
            }
        }
    }

    /// One has blocked the other or taken it back: both see at once what they may see now.
    fn tell_each_other(&mut self, one: Uid, other: Uid) {
        for (seen, by) in [(one, other), (other, one)] {
            let Ok(Some(user)) = self.directory.user(seen) else { continue };
            let address = user.address.clone();
            for session in self.online.sessions(by).to_vec() {
                if !self.watchers.of(seen).contains(&session) {
                    continue;
                }
                let visible = !self.is_blocked_from(seen, session, 0);
                let presence = match visible && self.is_shown_to(seen, by) {
                    true => code::ONLINE,
                    false => code::OFFLINE,
                };
                self.send_droppable(session, &presence_of(seen, address.clone(), presence));
            }
        }
    }

    /// Whether a user's presence is not for this session: one has blocked the other, or the user
    /// has taken away one of these things.
    pub(crate) fn is_blocked_from(&self, uid: Uid, session: SessionId, ways: u32) -> bool {
        let live = self.sessions.get(&session).and_then(|session| session.live());
        live.is_some_and(|live| {
            self.directory.blocks(uid, live.uid, contact::BLOCKED | ways)
                || self.directory.blocks(live.uid, uid, contact::BLOCKED)
        })
    }

    /// A user as this other one sees it.
    pub(crate) fn profile_for(&self, user: &User, viewer: Uid) -> Profile {
        let mut profile = self.profile_of(user);
        let blocks = |ways| self.directory.blocks(user.uid, viewer, ways);
        let away = self.directory.blocks(viewer, user.uid, contact::BLOCKED);
        if user.uid != viewer {
            profile.online = self.is_shown_to(user.uid, viewer);
            let levels = self.directory.blocked(user.uid, viewer) & contact::LEVELS;
            profile.values = visible_values(&profile.values, levels);
        }
        if away || blocks(contact::BLOCKED | contact::BLOCK_SUBSCRIPTION) {
            profile.online = false;
            profile.last_seen = 0;
        }
        if blocks(contact::BLOCK_PROFILE) {
            profile = Profile { address: profile.address, uid: profile.uid, ..Profile::default() };
        }
        profile
    }
}

/// Of named values those that everybody sees, and those of these levels (`proto::Profile`).
fn visible_values(values: &str, levels: u32) -> String {
    let mut visible = String::new();
    for line in values.lines() {
        let level = line.split(' ').next().and_then(|level| level.parse::<u32>().ok());
        if level.is_none_or(|level| level < 16 && levels & (1 << (level + 16)) != 0) {
            if !visible.is_empty() {
                visible.push('\n');
            }
            visible.push_str(line);
        }
    }
    visible
}

/// Contacts as the client is told, cut so that each part fits into a frame.
pub(crate) fn contact_portions(contacts: &[Contact]) -> Vec<Vec<proto::Contact>> {
    let told = contacts
        .iter()
        .map(|contact| proto::Contact { address: contact.address.clone(), flags: contact.flags });
    portions(told.collect())
}
