//! What the page changes of profiles: names and marks of its own, kept here; contacts and blocks,
//! kept by the server; the own profile and those of groups it may modify, published.
//!
//! An edit shows at once, [`Client::save_profile`] keeps it, [`Client::reset_profile`] takes back
//! what was not saved. What has to reach the server is kept until it is answered, across
//! connections and, with a database, across reloads.

use alloc::string::String;
use alloc::vec::Vec;
use wire::id::GroupId;
use wire::limits::{CONTACTS_PER_FRAME_MAX, PROFILE_RECENT_MAX, PROFILE_VALUES_BYTES_MAX};
use wire::mask::{admin, contact, group, user};
use wire::proto::{self, Contacts, GroupSettings, ProfileSave, ProfileSaved, client_frame};

use crate::client::Client;
use crate::event::Event;
use crate::message::Conversation;
use crate::port::store::StoredProfile;
use crate::profile::{KEYS_PLACE, Local, mark};
use crate::sorted::{Map, Set};

/// A text of a profile that the page may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Field {
    /// Display name.
    Name = 0,
    /// Status line.
    Status = 1,
    /// URL of the picture.
    Image = 2,
    /// Named values: a JSON object of those that differ from the published ones.
    Values = 3,
    /// A message that is being written.
    Draft = 4,
}

impl Field {
    /// By its number.
    pub fn from_number(number: u32) -> Option<Field> {
        use Field::{Draft, Image, Name, Status, Values};
        [Name, Status, Image, Values, Draft].into_iter().find(|field| *field as u32 == number)
    }
}

impl Local {
    /// Changes a text.
    pub fn set(&mut self, field: Field, text: Option<String>) {
        match field {
            Field::Name => self.name = text,
            Field::Status => self.status = text,
            Field::Image => self.image = text,
            Field::Values => self.values = text,
            Field::Draft => self.draft = text,
        }
    }

    /// Sets or clears [`mark`].
    pub fn mark(&mut self, bits: u32, on: bool) {
        set_bits(&mut self.marks, bits & mark::ALL, on);
    }

    /// Sets or clears `wire::mask::contact`. Who becomes something again is not deleted.
    pub fn mark_contact(&mut self, bits: u32, on: bool) {
        set_bits(&mut self.contact, bits & contact::ALL, on);
        if on {
            self.marks &= !mark::DELETED;
        }
    }
}

/// What was sent: name, status, picture, values.
pub(crate) type Published = (Option<String>, Option<String>, Option<String>, Option<String>);

#[derive(Debug, Default)]
pub(crate) struct Edits {
    /// Profiles with something to send.
    unsent: Set<Conversation>,
    /// Sent and not answered.
    asked: Map<u32, Asked>,
    /// Told of even when nothing is new, once they are found.
    pub announced: Set<Conversation>,
    /// Something of their edits never came to the server.
    incomplete: Set<Conversation>,
}

#[derive(Debug)]
enum Asked {
    Contacts(Vec<proto::Contact>),
    Publish(Published),
}

impl Edits {
    /// Profile with something to send, found in the store.
    pub fn restore(&mut self, of: Conversation) {
        self.unsent.insert(of);
    }
}

impl Client {
    /// Another tab is gone: what it was telling the server is told again.
    pub(crate) fn adopt_edits(&mut self) {
        let unsent = mark::PUBLISH_UNSENT | mark::CONTACT_UNSENT;
        let own = self.profiles.own().kept.marks & unsent != 0;
        let others = self.profiles.places().filter(|(_, profile)| profile.kept.marks & unsent != 0);
        self.edits.unsent.extend(others.map(|(of, _)| of.clone()));
        if own {
            self.edits.unsent.insert(crate::profile::own_place());
        }
    }

    /// What another tab has stored of a profile. Unless that tab leads, what it says of the server
    /// may be old, and the store has it now.
    pub(crate) fn take_profile(&mut self, stored: &StoredProfile, of_server: bool) {
        if stored.address == KEYS_PLACE {
            self.profiles.keys.clone_from(&stored.values);
            return;
        }
        let of = crate::profile::place_of(stored);
        let was_member = self.profiles.is_member(GroupId(stored.gid));
        let changed = self.profiles.take(&of, stored, of_server);
        if self.tabs.leads() && self.profiles.stored(&of).as_ref() != Some(stored) {
            self.store_profile(&of);
        }
        if !changed {
            return;
        }
        let group = GroupId(stored.gid);
        match (was_member, self.profiles.is_member(group)) {
            (false, true) => self.tell(Event::GroupJoined { group, ticket: 0 }),
            (true, false) => self.tell(Event::GroupLeft { group, deleted: false }),
            _ => self.announce_profile(&of),
        }
    }

    /// Changes a text; `None` takes the page's own away.
    pub fn edit_profile(&mut self, of: &Conversation, field: Field, text: Option<String>) {
        let profile = self.profiles.get_mut(of);
        profile.local.set(field, text);
        // Kept as it is typed.
        if field == Field::Draft {
            profile.kept.draft.clone_from(&profile.local.draft);
            self.store_profile(of);
        }
    }

    /// Sets or clears local marks, [`mark`].
    pub fn mark_profile(&mut self, of: &Conversation, bits: u32, on: bool) {
        self.profiles.get_mut(of).local.mark(bits, on);
    }

    /// Sets or clears what this user is to the own one, `wire::mask::contact`.
    pub fn mark_contact(&mut self, of: &Conversation, bits: u32, on: bool) {
        self.profiles.get_mut(of).local.mark_contact(bits, on);
    }

    /// A name until a real one is known.
    pub fn name_temporarily(&mut self, of: &Conversation, name: Option<String>) {
        self.profiles.get_mut(of).temporary_name = name;
    }

    /// Takes back what was not saved.
    pub fn reset_profile(&mut self, of: &Conversation) {
        let profile = self.profiles.get_mut(of);
        profile.local = profile.kept.clone();
    }

    /// Asks the server for a profile again.
    pub fn reload_profile(&mut self, of: &Conversation) {
        self.profiles.ask_for(of);
    }

    /// Keeps the edits on this side; nothing goes to the server.
    pub fn keep_profile(&mut self, of: &Conversation) {
        let profile = self.profiles.get_mut(of);
        profile.kept = profile.local.clone();
        self.store_profile(of);
        self.announce_profile(of);
    }

    /// Tells the page of a profile as if it had changed.
    pub fn announce_profile(&mut self, of: &Conversation) {
        match crate::profile::is_own(of) {
            true => self.tell(Event::SelfUpdated),
            false => self.tell(Event::ProfileUpdated { of: of.clone() }),
        }
    }

    /// Keeps the edits, and sends what is for the server. `values` are all named values together;
    /// `false` when they are too large. [`Event::ProfilePublished`] follows; it says `false` when
    /// they are not `complete`, because the host could not upload something.
    pub fn save_profile(&mut self, of: &Conversation, values: String, complete: bool) -> bool {
        if values.len() > PROFILE_VALUES_BYTES_MAX {
            return false;
        }
        if !complete {
            self.edits.incomplete.insert(of.clone());
        }
        let publishes = self.may_publish(of);
        let profile = self.profiles.get_mut(of);
        let Local { name, status, image, values: changed, marks, .. } = &mut profile.local;
        let manner = *marks & mark::MANNER_EDITED != 0;
        let texts = name.is_some() || status.is_some() || changed.is_some();
        let edited = texts || is_published(image) || manner;
        let pending_image = image.is_some() && !is_published(image);
        if publishes && edited {
            if changed.is_some() {
                *changed = Some(values);
            }
            profile.local.marks |= mark::PUBLISH_UNSENT;
        }
        let is_user = matches!(of, Conversation::User(_)) && !crate::profile::is_own(of);
        if is_user && profile.local.contact != profile.kept.contact {
            profile.local.marks |= mark::CONTACT_UNSENT;
        }
        profile.kept = profile.local.clone();
        let unsent = profile.local.marks & (mark::PUBLISH_UNSENT | mark::CONTACT_UNSENT) != 0;
        let subscribed = profile.local.contact & contact::SUBSCRIBED != 0;
        if is_user && subscribed {
            self.profiles.watch(of);
        }
        self.store_profile(of);
        match unsent {
            true => {
                self.edits.unsent.insert(of.clone());
            }
            // A picture of this page only has not reached anybody.
            false => self.on_saved(of, !(publishes && pending_image)),
        }
        true
    }

    /// Looks these users up, makes them what `bits` say, and tells of each that exists.
    pub fn sync_contacts(&mut self, addresses: Vec<String>, bits: u32) {
        for address in addresses {
            let of = Conversation::User(address);
            self.mark_contact(&of, bits, true);
            self.edits.announced.insert(of.clone());
            self.profiles.watch(&of);
            self.profiles.ask_for(&of);
            self.save_profile(&of, String::new(), true);
        }
    }

    /// Forgets what is kept here of a profile; with `synced` the server forgets the contact too.
    pub fn remove_profile(&mut self, of: &Conversation, local: bool, synced: bool) {
        let profile = self.profiles.get_mut(of);
        if synced {
            profile.local.contact = 0;
        }
        if local {
            let contact = profile.local.contact;
            profile.local = Local { contact, marks: mark::DELETED, ..Local::default() };
        }
        self.save_profile(of, String::new(), true);
    }

    fn may_publish(&self, of: &Conversation) -> bool {
        let info = self.profiles.get(of).and_then(|profile| profile.group.as_ref());
        crate::profile::is_own(of)
            || info.is_some_and(|info| info.rights.admin_flags & admin::MODIFY != 0)
    }

    /// Sends what waits.
    pub(crate) fn flush_edits(&mut self) {
        if !self.session.is_online() || self.edits.unsent.is_empty() {
            return;
        }
        let unsent = core::mem::take(&mut self.edits.unsent);
        let mut contacts = Vec::new();
        for of in unsent.iter() {
            let Some(profile) = self.profiles.get(of) else { continue };
            let kept = profile.kept.clone();
            if kept.marks & mark::CONTACT_UNSENT != 0 {
                let (address, flags) = (profile.address.clone(), kept.contact);
                contacts.push(proto::Contact { address, flags });
            }
            if kept.marks & mark::PUBLISH_UNSENT == 0 {
                continue;
            }
            let (name, status, values) = (kept.name, kept.status, kept.values);
            let set = |bit, flag| if kept.marks & bit != 0 { flag } else { 0 };
            let manner = (kept.marks & mark::MANNER_EDITED != 0).then(|| {
                set(mark::SEARCHABLE, user::SEARCHABLE)
                    | set(mark::LAZY, user::LAZY)
                    | set(mark::ONLINE_ONLY, user::ONLINE_ONLY)
                    | set(mark::RECENT_ONLY, user::RECENT_ONLY)
            });
            let image = kept.image.filter(|_| is_published(&profile.kept.image));
            if let Conversation::Group(gid) = of {
                let flags = profile.group.as_ref().map_or(0, |info| info.flags);
                let flags = manner.map(|manner| match manner & user::SEARCHABLE {
                    0 => flags & !group::SEARCHABLE,
                    _ => flags | group::SEARCHABLE,
                });
                let settings = GroupSettings {
                    flags,
                    name,
                    status,
                    image,
                    values,
                    ..GroupSettings::default()
                };
                self.publish_group(*gid, settings);
                continue;
            }
            let ticket = self.group_requests.ticket();
            let sent = (name.clone(), status.clone(), image.clone(), values.clone());
            self.edits.asked.insert(ticket, Asked::Publish(sent));
            let recent = match kept.marks & mark::RECENT_ONLY {
                0 => Vec::new(),
                _ => self.profiles.recent_addresses(PROFILE_RECENT_MAX),
            };
            let save = ProfileSave { ticket, name, status, image, values, flags: manner, recent };
            self.transmit(client_frame::Body::ProfileSave(save));
        }
        for contacts in contacts.chunks(CONTACTS_PER_FRAME_MAX) {
            let ticket = self.group_requests.ticket();
            self.edits.asked.insert(ticket, Asked::Contacts(contacts.to_vec()));
            let contacts = contacts.to_vec();
            self.transmit(client_frame::Body::Contacts(Contacts { ticket, contacts }));
        }
    }

    /// The connection is gone: what was not answered goes again.
    pub(crate) fn rewind_edits(&mut self) {
        for (_, asked) in core::mem::take(&mut self.edits.asked).iter() {
            match asked {
                Asked::Publish(_) => {
                    self.edits.unsent.insert(crate::profile::own_place());
                }
                Asked::Contacts(contacts) => {
                    for contact in contacts {
                        self.edits.unsent.insert(Conversation::User(contact.address.clone()));
                    }
                }
            }
        }
    }

    pub(crate) fn on_profile_saved(&mut self, saved: &ProfileSaved) {
        if let Some(Asked::Publish(sent)) = self.edits.asked.remove(&saved.ticket) {
            self.on_published(&crate::profile::own_place(), Some(sent), saved.ok);
        }
    }

    /// The server has what was sent, or refused it. Edits made meanwhile stay.
    pub(crate) fn on_published(&mut self, of: &Conversation, sent: Option<Published>, ok: bool) {
        let profile = self.profiles.get_mut(of);
        if let (Some((name, status, image, values)), true) = (sent, ok) {
            let published = [&mut profile.name, &mut profile.status, &mut profile.image];
            for (place, text) in published.into_iter().zip([&name, &status, &image]) {
                if let Some(text) = text {
                    place.clone_from(text);
                }
            }
            if let Some(values) = &values {
                profile.values.clone_from(values);
            }
            for local in [&mut profile.local, &mut profile.kept] {
                let places =
                    [&mut local.name, &mut local.status, &mut local.image, &mut local.values];
                for (place, sent) in places.into_iter().zip([&name, &status, &image, &values]) {
                    if sent.is_some() && *place == *sent {
                        *place = None;
                    }
                }
            }
        }
        let kept = &profile.kept;
        let pending_image = kept.image.is_some() && !is_published(&kept.image);
        // Saved again meanwhile: that is on its way.
        if !self.edits.unsent.contains(of) {
            let done = !(mark::PUBLISH_UNSENT | mark::MANNER_EDITED);
            profile.local.marks &= done;
            profile.kept.marks &= done;
        }
        self.store_profile(of);
        self.on_saved(of, ok && !pending_image);
    }

    fn on_saved(&mut self, of: &Conversation, ok: bool) {
        let ok = !self.edits.incomplete.remove(of) && ok;
        self.tell(Event::ProfilePublished { of: of.clone(), ok });
        self.announce_profile(of);
    }

    // ---- contacts ----------------------------------------------------------------------------

    /// The server's word at sign-in replaces what was known.
    pub(crate) fn on_contact_list(&mut self, contacts: &[proto::Contact]) {
        let is_told = |address: &str| contacts.iter().any(|contact| contact.address == address);
        let gone = self.profiles.all().filter(|profile| {
            profile.gid == 0 && profile.kept.contact != 0 && !is_told(&profile.address)
        });
        for address in gone.map(|profile| profile.address.clone()).collect::<Vec<_>>() {
            self.put_contact(&address, 0);
        }
        for contact in contacts {
            self.put_contact(&contact.address, contact.flags);
        }
    }

    pub(crate) fn on_contacts(&mut self, told: &Contacts) {
        let asked = self.edits.asked.remove(&told.ticket).filter(|_| told.ticket != 0);
        let Some(Asked::Contacts(asked)) = asked else {
            for contact in &told.contacts {
                self.put_contact(&contact.address, contact.flags);
            }
            return;
        };
        for contact in asked {
            let of = Conversation::User(contact.address.clone());
            // Changed again meanwhile: that is on its way.
            if self.edits.unsent.contains(&of) {
                continue;
            }
            let profile = self.profiles.get_mut(&of);
            profile.local.marks &= !mark::CONTACT_UNSENT;
            profile.kept.marks &= !mark::CONTACT_UNSENT;
            let kept = told.contacts.iter().any(|told| told.address == contact.address);
            // An address of nobody, or one too many.
            if !kept {
                profile.local.contact = 0;
                profile.kept.contact = 0;
            }
            self.store_profile(&of);
            self.on_saved(&of, kept);
        }
    }

    fn put_contact(&mut self, address: &str, flags: u32) {
        let of = Conversation::User(address.into());
        let profile = self.profiles.get_mut(&of);
        let unsent = profile.kept.marks & mark::CONTACT_UNSENT != 0;
        if unsent || profile.kept.contact == flags {
            if flags != 0 {
                self.profiles.watch(&of);
            }
            return;
        }
        // An edit that is not saved yet stays.
        if profile.local.contact == profile.kept.contact {
            profile.local.contact = flags;
        }
        profile.kept.contact = flags;
        self.profiles.watch(&of);
        self.store_profile(&of);
        self.tell(Event::ProfileUpdated { of });
    }
}

/// A picture that only this page can show is not for the server.
fn is_published(image: &Option<String>) -> bool {
    let local = |url: &String| url.starts_with("blob:") || url.starts_with("data:");
    image.as_ref().is_some_and(|url| !local(url))
}

fn set_bits(flags: &mut u32, bits: u32, on: bool) {
    *flags = if on { *flags | bits } else { *flags & !bits };
}
