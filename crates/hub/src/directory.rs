//! Users, groups and apps that are in memory, loaded on demand.
//!
//! Relies on the hub to ask the store for what is [`Missing`] and to put the answer here. What
//! is known not to exist is remembered too, until it is made.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;
use wire::id::{AppId, GroupId, Uid};
use wire::limits::DIRECTORY_ENTRIES_MAX;

use crate::port::store::{App, Group, Member, Request, TokenHash, User};

/// What has to be loaded before a decision can be made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Missing {
    User(Uid),
    Address(AppId, String),
    Group(GroupId),
    AppToken(TokenHash),
    App(AppId),
}

impl Missing {
    /// The question for the store.
    pub fn request(&self) -> Request {
        match self {
            Missing::User(uid) => Request::LoadUser { uid: *uid },
            Missing::Address(aid, address) => {
                Request::FindUser { aid: *aid, address: address.clone() }
            }
            Missing::Group(gid) => Request::LoadGroup { gid: *gid },
            Missing::AppToken(hash) => Request::FindApp { hash: *hash },
            Missing::App(aid) => Request::LoadApp { aid: *aid },
        }
    }
}

/// A group with its members.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    pub group: Group,
    pub members: HashMap<Uid, Member>,
}

#[derive(Debug, Default)]
pub(crate) struct Directory {
    users: HashMap<Uid, Option<Arc<User>>>,
    addresses: HashMap<AppId, HashMap<String, Option<Uid>>>,
    groups: HashMap<GroupId, Option<Roster>>,
    app_tokens: HashMap<TokenHash, Option<AppId>>,
    apps: HashMap<AppId, Option<App>>,
}

impl Directory {
    /// The user with this number, `None` when there is none.
    pub fn user(&self, uid: Uid) -> Result<Option<&Arc<User>>, Missing> {
        self.users.get(&uid).map(Option::as_ref).ok_or(Missing::User(uid))
    }

    /// The user with this address, `None` when there is none.
    pub fn find_user(&self, aid: AppId, address: &str) -> Result<Option<&Arc<User>>, Missing> {
        let known = self.addresses.get(&aid).and_then(|addresses| addresses.get(address));
        match known {
            None => Err(Missing::Address(aid, address.into())),
            Some(None) => Ok(None),
            Some(Some(uid)) => self.user(*uid),
        }
    }

    /// The group with this number, of this app only; `None` when there is none.
    pub fn group(&self, aid: AppId, gid: GroupId) -> Result<Option<&Roster>, Missing> {
        let known = self.groups.get(&gid).ok_or(Missing::Group(gid))?;
        Ok(known.as_ref().filter(|roster| roster.group.aid == aid))
    }

    /// To change the members of a group that is in memory.
    pub fn group_mut(&mut self, gid: GroupId) -> Option<&mut Roster> {
        self.groups.get_mut(&gid)?.as_mut()
    }

    /// The app of an app token.
    pub fn app_of_token(&self, hash: &TokenHash) -> Result<Option<&App>, Missing> {
        match self.app_tokens.get(hash) {
            None => Err(Missing::AppToken(*hash)),
            Some(None) => Ok(None),
            Some(Some(aid)) => self.app(*aid),
        }
    }

    /// The app with this number.
    pub fn app(&self, aid: AppId) -> Result<Option<&App>, Missing> {
        self.apps.get(&aid).map(Option::as_ref).ok_or(Missing::App(aid))
    }

    /// The store's answer to a missing user.
    pub fn put_user(&mut self, user: User) {
        let addresses = self.addresses.entry(user.aid).or_default();
        addresses.insert(user.address.clone(), Some(user.uid));
        self.users.insert(user.uid, Some(Arc::new(user)));
    }

    /// The store's answer to a missing group, or the group after a change.
    pub fn put_group(&mut self, group: Group, members: Vec<Member>) {
        let members = members.into_iter().map(|member| (member.uid, member)).collect();
        self.groups.insert(group.gid, Some(Roster { group, members }));
    }

    /// The store's answer to a missing app.
    pub fn put_app(&mut self, app: App, hash: Option<TokenHash>) {
        if let Some(hash) = hash {
            self.app_tokens.insert(hash, Some(app.aid));
        }
        self.apps.insert(app.aid, Some(app));
    }

    /// The store says that there is no such thing.
    pub fn put_nothing(&mut self, missing: &Missing) {
        match missing {
            Missing::User(uid) => {
                self.users.insert(*uid, None);
            }
            Missing::Address(aid, address) => {
                self.addresses.entry(*aid).or_default().insert(address.clone(), None);
            }
            Missing::Group(gid) => {
                self.groups.insert(*gid, None);
            }
            Missing::AppToken(hash) => {
                self.app_tokens.insert(*hash, None);
            }
            Missing::App(aid) => {
                self.apps.insert(*aid, None);
            }
        }
    }

    /// The user is no more.
    pub fn remove_user(&mut self, uid: Uid) {
        if let Some(Some(user)) = self.users.insert(uid, None)
            && let Some(addresses) = self.addresses.get_mut(&user.aid)
        {
            addresses.insert(user.address.clone(), None);
        }
        for roster in self.groups.values_mut().flatten() {
            roster.members.remove(&uid);
            if roster.group.owner == Some(uid) {
                roster.group.owner = None;
            }
        }
    }

    /// The group is no more.
    pub fn remove_group(&mut self, gid: GroupId) {
        self.groups.insert(gid, None);
    }

    /// Forgets what no session needs when there is too much. Everything can be loaded again.
    pub fn trim(
        &mut self,
        users_in_use: impl Fn(Uid) -> bool,
        groups_in_use: impl Fn(GroupId) -> bool,
    ) {
        if self.users.len() > DIRECTORY_ENTRIES_MAX {
            self.users.retain(|uid, _| users_in_use(*uid));
        }
        if self.addresses.values().map(HashMap::len).sum::<usize>() > DIRECTORY_ENTRIES_MAX {
            self.addresses.clear();
        }
        if self.groups.values().flatten().map(|roster| 1 + roster.members.len()).sum::<usize>()
            > DIRECTORY_ENTRIES_MAX
            || self.groups.len() > DIRECTORY_ENTRIES_MAX
        {
            self.groups.retain(|gid, _| groups_in_use(*gid));
        }
        if self.app_tokens.len() > DIRECTORY_ENTRIES_MAX {
            self.app_tokens.clear();
        }
    }
}
