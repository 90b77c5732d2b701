//! What is known of users and groups, and what the server still has to be asked.

use alloc::string::String;
use alloc::vec::Vec;
use wire::codec::{Decode as _, Encode as _};
use wire::id::{GroupId, Uid};
use wire::limits::WATCHED_PER_FRAME_MAX;
use wire::proto::{self, Watch};
use wire::time::Timestamp;

use crate::message::Conversation;
use crate::port::store::{StoredProfile, Write};
use crate::sorted::{Map, Set};

/// A user or a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Empty for a group.
    pub address: String,
    /// 0 for a user.
    pub gid: u32,
    /// Uid of a user, 0 when not known.
    pub uid: Uid,
    /// Published name, may be empty.
    pub name: String,
    /// A name until a real one is known; not kept.
    pub temporary_name: Option<String>,
    /// Published status line.
    pub status: String,
    /// URL of the picture.
    pub image: String,
    /// Published named values, a JSON object; empty = none.
    pub values: String,
    /// The server has said who it is.
    pub looked_up: bool,
    /// What the page made of it; wins over what is published.
    pub local: Local,
    /// Of this, what was saved.
    pub kept: Local,
    /// When the user was online last, `Timestamp(0)` when never seen.
    pub last_seen: Timestamp,
    /// Of a group; `None` for a user and for a group not known yet.
    pub group: Option<GroupInfo>,
}

/// Marks of a profile that are known to this user only.
pub mod mark {
    #![allow(missing_docs)]
    pub const FAVORITE: u32 = 0x1;
    pub const ARCHIVED: u32 = 0x2;
    pub const MUTED: u32 = 0x4;
    pub const HIDDEN: u32 = 0x8;
    pub const MARKED: u32 = 0x10;
    pub const PRIVATE: u32 = 0x20;
    pub const DELETED: u32 = 0x40;
    /// Own profile: may be found by search.
    pub const SEARCHABLE: u32 = 0x80;
    /// Own profile: who watches it is not told of changes.
    pub const LAZY: u32 = 0x100;
    /// Own profile: the page has set one of the two above, or of the two below.
    pub const MANNER_EDITED: u32 = 0x200;
    /// Among the recent ones, whether there is a message or not.
    pub const RECENT: u32 = 0x400;
    /// Own profile: of those who watch it, only who is online is told of changes.
    pub const ONLINE_ONLY: u32 = 0x800;
    /// Own profile: of those who watch it, only whom the user talks with is told of changes.
    pub const RECENT_ONLY: u32 = 0x1000;
    /// What the page may set.
    pub const ALL: u32 = 0xffff;
    /// The server has not answered yet for what the user is to this one.
    pub const CONTACT_UNSENT: u32 = 0x1_0000;
    /// The server has not answered yet for the published part.
    pub const PUBLISH_UNSENT: u32 = 0x2_0000;
}

/// What the page made of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Local {
    /// Display name.
    pub name: Option<String>,
    /// Status line.
    pub status: Option<String>,
    /// URL of the picture.
    pub image: Option<String>,
    /// Named values that differ, a JSON object.
    pub values: Option<String>,
    /// A message that is being written.
    pub draft: Option<String>,
    /// [`mark`].
    pub marks: u32,
    /// `wire::mask::contact`.
    pub contact: u32,
}

/// Where the own profile is, before and after its address is known: no user can have an address
/// with a control character.
const OWN_PLACE: &str = "\u{0}self";

/// Where the page's own small values are kept among the profiles.
pub(crate) const KEYS_PLACE: &str = "\u{0}keys";

/// See [`OWN_PLACE`].
pub fn own_place() -> Conversation {
    Conversation::User(OWN_PLACE.into())
}

/// Where a profile of the store belongs.
pub(crate) fn place_of(stored: &StoredProfile) -> Conversation {
    match stored.gid {
        0 => Conversation::User(stored.address.clone()),
        gid => Conversation::Group(GroupId(gid)),
    }
}

pub(crate) fn is_own(of: &Conversation) -> bool {
    matches!(of, Conversation::User(address) if address == OWN_PLACE)
}

impl Profile {
    /// The name to show, empty when none is known.
    pub fn shown_name(&self) -> &str {
        let names = [self.local.name.as_deref(), Some(&self.name), self.temporary_name.as_deref()];
        let mut known = names.into_iter().flatten().filter(|name| !name.is_empty());
        known.next().unwrap_or_default()
    }
}

/// What is known of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupInfo {
    /// `wire::mask::group`.
    pub flags: u32,
    /// `wire::mask::call`.
    pub call_flags: u32,
    /// `MESIBO_RESOLUTION_*`.
    pub resolution: u32,
    /// Seconds of a member in a call, 0 = without limit.
    pub call_duration: u32,
    /// Not paused.
    pub active: bool,
    /// `Timestamp(0)` = never.
    pub expires: Timestamp,
    /// Address, empty when there is none.
    pub owner: String,
    /// What the user may do.
    pub rights: proto::Rights,
    /// Address of who changed it last, empty when not known.
    pub changed_by: String,
}

#[derive(Debug, Default)]
pub(crate) struct Profiles {
    known: Map<Conversation, Profile>,
    /// Held by the page: the server is asked, and asked again after each sign-in.
    watched: Set<Conversation>,
    /// Not asked since the last sign-in.
    unasked: Vec<Conversation>,
    own: Profile,
    /// The page's own small values, a JSON object.
    pub keys: String,
    /// Place of the last message of each conversation, as far as it was seen.
    recent: Map<Conversation, u64>,
}

impl Profiles {
    pub fn get(&self, of: &Conversation) -> Option<&Profile> {
        if is_own(of) { Some(&self.own) } else { self.known.get(of) }
    }

    pub fn get_mut(&mut self, of: &Conversation) -> &mut Profile {
        if is_own(of) {
            return &mut self.own;
        }
        self.known.entry(of.clone()).or_insert_with(|| match of {
            Conversation::User(address) => {
                Profile { address: address.clone(), ..Profile::default() }
            }
            Conversation::Group(gid) => Profile { gid: gid.0, ..Profile::default() },
        })
    }

    pub fn all(&self) -> impl Iterator<Item = &Profile> {
        self.known.values()
    }

    pub fn own(&self) -> &Profile {
        &self.own
    }

    pub fn put_own(&mut self, profile: &proto::Profile) -> bool {
        put_published(&mut self.own, profile)
    }

    /// A message of this conversation was seen.
    pub fn note_message(&mut self, of: &Conversation, order: u64) {
        let last = self.recent.entry(of.clone()).or_default();
        *last = order.max(*last);
    }

    /// Conversations by their last message, newest first; then those the page has marked.
    pub fn recent(&self) -> Vec<Conversation> {
        let mut recent = Set::new();
        for (of, order) in self.recent.iter() {
            recent.insert((*order, of));
        }
        for (of, profile) in self.known.iter() {
            if profile.local.marks & mark::RECENT != 0 && !self.recent.contains_key(of) {
                recent.insert((0, of));
            }
        }
        recent.as_slice().iter().rev().map(|(_, of)| (*of).clone()).collect()
    }

    /// Addresses of those the user talks with, the newest conversation first.
    pub fn recent_addresses(&self, most: usize) -> Vec<String> {
        let users = self.recent().into_iter().filter_map(|of| match of {
            Conversation::User(address) => Some(address),
            Conversation::Group(_) => None,
        });
        users.take(most).collect()
    }

    /// The server is asked for it, again if it was before.
    pub fn ask_for(&mut self, of: &Conversation) {
        if !is_own(of) && !self.unasked.contains(of) {
            self.unasked.push(of.clone());
        }
    }

    /// The page holds this profile from now on.
    pub fn watch(&mut self, of: &Conversation) {
        if is_own(of) {
            return;
        }
        self.get_mut(of);
        if self.watched.insert(of.clone()) {
            self.unasked.push(of.clone());
        }
    }

    /// The server forgot with the last session what it was asked.
    pub fn ask_again(&mut self) {
        self.unasked = self.watched.iter().cloned().collect();
    }

    /// The next question for the server.
    pub fn question(&mut self) -> Option<Watch> {
        let rest = self.unasked.len().saturating_sub(WATCHED_PER_FRAME_MAX);
        let mut watch = Watch::default();
        for of in self.unasked.drain(rest..) {
            match of {
                Conversation::User(address) => watch.addresses.push(address),
                Conversation::Group(gid) => watch.groups.push(gid.0),
            }
        }
        (!watch.addresses.is_empty() || !watch.groups.is_empty()).then_some(watch)
    }

    /// What the server says of a user; `true` when something visible changed.
    pub fn put_user(&mut self, user: &proto::Profile) -> bool {
        let profile = self.get_mut(&Conversation::User(user.address.clone()));
        put_published(profile, user)
    }

    /// What the server says of a group; `true` when something visible changed.
    pub fn put_group(&mut self, group: &proto::Group) -> bool {
        let profile = self.get_mut(&Conversation::Group(GroupId(group.gid)));
        let before = profile.clone();
        profile.name.clone_from(&group.name);
        profile.status.clone_from(&group.status);
        profile.image.clone_from(&group.image);
        if let Some(values) = &group.values {
            profile.values.clone_from(values);
        }
        profile.looked_up = true;
        let changed_by = profile.group.as_ref().map(|info| info.changed_by.clone());
        let rights = group.rights.or(profile.group.as_ref().map(|info| info.rights));
        profile.group = Some(GroupInfo {
            flags: group.flags,
            call_flags: group.call_flags,
            resolution: group.resolution,
            call_duration: group.call_duration,
            active: group.active,
            expires: Timestamp(group.expires),
            owner: group.owner.clone(),
            rights: rights.unwrap_or_default(),
            changed_by: changed_by.unwrap_or_default(),
        });
        *profile != before
    }

    /// The user is no longer a member; `true` when it was one.
    pub fn leave_group(&mut self, gid: GroupId) -> bool {
        let profile = self.known.get_mut(&Conversation::Group(gid));
        match profile.and_then(|profile| profile.group.as_mut()) {
            Some(info) => core::mem::take(&mut info.rights).member,
            None => false,
        }
    }

    pub fn is_member(&self, gid: GroupId) -> bool {
        let info = self.known.get(&Conversation::Group(gid)).and_then(|found| found.group.as_ref());
        info.is_some_and(|info| info.rights.member)
    }

    /// Groups the user is a member of.
    pub fn groups(&self) -> Vec<GroupId> {
        let members = self
            .known
            .values()
            .filter(|profile| profile.group.as_ref().is_some_and(|info| info.rights.member));
        members.map(|profile| GroupId(profile.gid)).collect()
    }

    /// As the store keeps it.
    pub fn stored(&self, of: &Conversation) -> Option<StoredProfile> {
        let profile = self.get(of)?;
        let group = profile.group.as_ref().map(|info| proto::Group {
            gid: profile.gid,
            name: profile.name.clone(),
            flags: info.flags,
            call_flags: info.call_flags,
            resolution: info.resolution,
            call_duration: info.call_duration,
            active: info.active,
            expires: info.expires.0,
            owner: info.owner.clone(),
            rights: Some(info.rights),
            image: profile.image.clone(),
            status: profile.status.clone(),
            values: None,
        });
        Some(StoredProfile {
            address: if is_own(of) { OWN_PLACE.into() } else { profile.address.clone() },
            gid: profile.gid,
            uid: profile.uid.0,
            name: profile.name.clone(),
            status: profile.status.clone(),
            image: profile.image.clone(),
            last_seen: profile.last_seen,
            group: group.map(|group| group.encode_to_vec()).unwrap_or_default(),
            values: profile.values.clone(),
            local: profile.kept.clone(),
        })
    }

    /// Where each profile is.
    pub fn places(&self) -> impl Iterator<Item = (&Conversation, &Profile)> {
        self.known.iter()
    }

    /// What a tab that has just come does not find in the store, or not as it is: the own
    /// profile, groups, contacts.
    pub fn of_welcome(&self) -> Vec<Write> {
        let told = self.known.iter().filter(|(_, p)| p.gid != 0 || p.kept.contact != 0);
        let places = told.map(|(of, _)| of.clone()).chain([own_place()]);
        let stored = places.filter_map(|of| self.stored(&of));
        stored.map(|stored| Write::Profile(stored.into())).collect()
    }

    /// What another tab has stored: what the page made of it and, `of_server`, what the server
    /// says; `true` when something changed.
    pub fn take(&mut self, of: &Conversation, stored: &StoredProfile, of_server: bool) -> bool {
        let profile = self.get_mut(of);
        let before = profile.clone();
        if of_server {
            profile.name.clone_from(&stored.name);
            profile.status.clone_from(&stored.status);
            profile.image.clone_from(&stored.image);
            profile.values.clone_from(&stored.values);
        }
        profile.last_seen = profile.last_seen.max(stored.last_seen);
        profile.uid = Uid(profile.uid.0.max(stored.uid));
        // An edit that is not saved yet stays.
        if profile.local == profile.kept {
            profile.local = stored.local.clone();
        }
        profile.kept = stored.local.clone();
        let changed = *profile != before;
        let group = proto::Group::decode(&stored.group[..]).ok();
        let group = group.filter(|group| group.gid != 0 && of_server);
        group.is_some_and(|group| self.put_group(&group)) | changed
    }

    /// What the store kept, unless the server has told meanwhile.
    pub fn restore(&mut self, stored: StoredProfile) -> Conversation {
        let of = place_of(&stored);
        let profile = self.get_mut(&of);
        if profile.name.is_empty() {
            profile.name = stored.name;
            profile.status = stored.status;
            profile.image = stored.image;
            profile.values = stored.values;
        }
        // What the page has said since it was loaded counts more.
        if profile.kept == Local::default() {
            if profile.local == Local::default() {
                profile.local = stored.local.clone();
            }
            profile.kept = stored.local;
        }
        profile.uid = Uid(profile.uid.0.max(stored.uid));
        profile.last_seen = profile.last_seen.max(stored.last_seen);
        if profile.group.is_none()
            && let Ok(group) = proto::Group::decode(&stored.group[..])
            && group.gid != 0
        {
            self.put_group(&group);
        }
        of
    }
}

/// What the server says of a user; `true` when something visible changed.
fn put_published(profile: &mut Profile, user: &proto::Profile) -> bool {
    let before = profile.clone();
    profile.address.clone_from(&user.address);
    profile.uid = Uid(user.uid);
    profile.looked_up = user.uid != 0;
    profile.name.clone_from(&user.name);
    profile.status.clone_from(&user.status);
    profile.image.clone_from(&user.image);
    profile.values.clone_from(&user.values);
    profile.last_seen = Timestamp(user.last_seen);
    if !user.name.is_empty() {
        profile.temporary_name = None;
    }
    *profile != before
}
