//! What is known of users and groups, and what the server still has to be asked.

use alloc::string::String;
use alloc::vec::Vec;
use prost::Message as _;
use wire::id::{GroupId, Uid};
use wire::limits::WATCHED_PER_FRAME_MAX;
use wire::proto::{self, Watch};
use wire::time::Timestamp;

use crate::message::Conversation;
use crate::port::store::StoredProfile;
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
    /// Name the page gave it, wins over the published one.
    pub local_name: Option<String>,
    /// Published status line.
    pub status: String,
    /// URL of the picture.
    pub image: String,
    /// When the user was online last, `Timestamp(0)` when never seen.
    pub last_seen: Timestamp,
    /// Of a group; `None` for a user and for a group not known yet.
    pub group: Option<GroupInfo>,
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
    /// Not paused.
    pub active: bool,
    /// `Timestamp(0)` = never.
    pub expires: Timestamp,
    /// Address, empty when there is none.
    pub owner: String,
    /// What the user may do.
    pub rights: proto::Rights,
}

#[derive(Debug, Default)]
pub(crate) struct Profiles {
    known: Map<Conversation, Profile>,
    /// Held by the page: the server is asked, and asked again after each sign-in.
    watched: Set<Conversation>,
    /// Not asked since the last sign-in.
    unasked: Vec<Conversation>,
    own: Profile,
}

impl Profiles {
    pub fn get(&self, of: &Conversation) -> Option<&Profile> {
        self.known.get(of)
    }

    pub fn get_mut(&mut self, of: &Conversation) -> &mut Profile {
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
        let own = Profile {
            address: profile.address.clone(),
            uid: Uid(profile.uid),
            name: profile.name.clone(),
            status: profile.status.clone(),
            image: profile.image.clone(),
            ..Profile::default()
        };
        core::mem::replace(&mut self.own, own.clone()) != own
    }

    /// The page holds this profile from now on.
    pub fn watch(&mut self, of: &Conversation) {
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
        let before = profile.clone();
        profile.uid = Uid(user.uid);
        profile.name.clone_from(&user.name);
        profile.status.clone_from(&user.status);
        profile.image.clone_from(&user.image);
        profile.last_seen = Timestamp(user.last_seen);
        *profile != before
    }

    /// What the server says of a group; `true` when something visible changed.
    pub fn put_group(&mut self, group: &proto::Group) -> bool {
        let profile = self.get_mut(&Conversation::Group(GroupId(group.gid)));
        let before = profile.clone();
        profile.name.clone_from(&group.name);
        profile.status.clone_from(&group.status);
        profile.image.clone_from(&group.image);
        let rights = group.rights.or(profile.group.as_ref().map(|info| info.rights));
        profile.group = Some(GroupInfo {
            flags: group.flags,
            call_flags: group.call_flags,
            resolution: group.resolution,
            active: group.active,
            expires: Timestamp(group.expires),
            owner: group.owner.clone(),
            rights: rights.unwrap_or_default(),
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
        let profile = self.known.get(of)?;
        let group = profile.group.as_ref().map(|info| proto::Group {
            gid: profile.gid,
            name: profile.name.clone(),
            flags: info.flags,
            call_flags: info.call_flags,
            resolution: info.resolution,
            active: info.active,
            expires: info.expires.0,
            owner: info.owner.clone(),
            rights: Some(info.rights),
            image: profile.image.clone(),
            status: profile.status.clone(),
        });
        Some(StoredProfile {
            address: profile.address.clone(),
            gid: profile.gid,
            uid: profile.uid.0,
            name: profile.name.clone(),
            status: profile.status.clone(),
            image: profile.image.clone(),
            last_seen: profile.last_seen,
            group: group.map(|group| group.encode_to_vec()).unwrap_or_default(),
        })
    }

    /// What the store kept, unless the server has told meanwhile.
    pub fn restore(&mut self, stored: StoredProfile) {
        let of = match stored.gid {
            0 => Conversation::User(stored.address.clone()),
            gid => Conversation::Group(GroupId(gid)),
        };
        let profile = self.get_mut(&of);
        if profile.name.is_empty() {
            profile.name = stored.name;
            profile.status = stored.status;
            profile.image = stored.image;
        }
        profile.uid = Uid(profile.uid.0.max(stored.uid));
        profile.last_seen = profile.last_seen.max(stored.last_seen);
        if profile.group.is_none()
            && let Ok(group) = proto::Group::decode(&stored.group[..])
            && group.gid != 0
        {
            self.put_group(&group);
        }
    }
}
