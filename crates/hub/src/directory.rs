//! Users, groups and apps that are in memory, loaded on demand.
//!
//! Relies on the hub to ask the store for what is [`Missing`] and to put the answer here. What
//! is known not to exist is remembered too, until it is made.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;
use wire::id::{AppId, GroupId, Uid};
use wire::limits::{DIRECTORY_ENTRIES_MAX, LOADS_AT_ONCE_MAX};
use wire::mask::member as right;
use wire::time::Timestamp;

use crate::port::apps::AppRequest;
use crate::port::store::{App, Group, Member, Request, TokenHash, User};
use crate::rights::Rights;

/// What has to be loaded before a decision can be made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Missing {
    User(Uid),
    Address(AppId, String),
    Group(GroupId),
    AppToken(TokenHash),
    App(AppId),
    Blockers(Uid),
    /// Messages an app has sent in a month.
    Sent(AppId, u32),
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
            Missing::Blockers(uid) => Request::LoadBlockers { uid: *uid },
            Missing::Sent(aid, month) => {
                Request::OfApp(AppRequest::Sent { aid: *aid, month: *month })
            }
        }
    }
}

/// All that is missing for one decision, loaded together.
#[derive(Debug)]
pub(crate) struct Needs(pub Vec<Missing>);

impl From<Missing> for Needs {
    fn from(missing: Missing) -> Needs {
        Needs(alloc::vec![missing])
    }
}

impl Needs {
    /// Goes through look-ups a decision is going to make; what is missing is loaded at once
    /// rather than one after the other.
    pub fn check<T>(lookups: impl Iterator<Item = Result<T, Missing>>) -> Result<(), Needs> {
        let missing: Vec<_> = lookups.filter_map(Result::err).take(LOADS_AT_ONCE_MAX).collect();
        if missing.is_empty() { Ok(()) } else { Err(Needs(missing)) }
    }
}

/// A group with its members.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    pub group: Group,
    /// In order, so that the same inputs always lead to the same outputs.
    pub members: BTreeMap<Uid, Member>,
}

impl Roster {
    /// The member with this number whose membership has not ended.
    pub fn member(&self, uid: Uid, now: Timestamp) -> Option<&Member> {
        self.members.get(&uid).filter(|member| member.is_current(now))
    }

    /// What this user may do here now.
    pub fn rights(&self, uid: Uid, now: Timestamp) -> Rights {
        Rights::of(&self.group, self.members.get(&uid), uid, now)
    }

    /// A user is no more: what it owned goes to the oldest of the admins, by number, whose membership has no
    /// end.
    pub fn lose(&mut self, uid: Uid) {
        self.members.remove(&uid);
        if self.group.owner == Some(uid) {
            let stays = |member: &&Member| member.admin_flags != 0 && member.expires.is_none();
            self.group.owner = self.members.values().find(stays).map(|member| member.uid);
        }
    }

    /// A PIN is no more, nor are memberships that go with it.
    pub fn end_with_pin(&mut self, pin: u32) {
        let owner = self.group.owner;
        self.members.retain(|uid, member| {
            let goes = member.pin == pin && member.given & right::DELETE_WITH_PIN != 0;
            !goes || owner == Some(*uid)
        });
    }

    /// Whom a message to this group reaches now.
    pub fn receivers(&self, now: Timestamp) -> impl Iterator<Item = Uid> {
        let receives = move |member: &&Member| {
            Rights::of(&self.group, Some(member), member.uid, now).allow(right::RECV)
        };
        self.members.values().filter(receives).map(|member| member.uid)
    }
}

impl Member {
    /// Whether the membership has not ended.
    pub(crate) fn is_current(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Directory {
    users: HashMap<Uid, Option<Arc<User>>>,
    addresses: HashMap<AppId, HashMap<String, Option<Uid>>>,
    groups: HashMap<GroupId, Option<Roster>>,
    app_tokens: HashMap<TokenHash, Option<AppId>>,
    apps: HashMap<AppId, Option<App>>,
    /// Who blocks a user, and how: `wire::mask::contact`.
    blockers: HashMap<Uid, BTreeMap<Uid, u32>>,
    /// Blocks (by, of, how) that were stored while the blockers of that user were being loaded.
    blocks_overtaking: Vec<(Uid, Uid, u32)>,
    /// Entries added since what nobody needs was last forgotten.
    added: usize,
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

    /// A group that stays in memory because somebody is in its room; `None` when it is no more.
    pub fn group_in_use(&self, gid: GroupId) -> Option<&Roster> {
        self.groups.get(&gid)?.as_ref()
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

    /// Who blocks this user.
    pub fn blockers(&self, uid: Uid) -> Result<&BTreeMap<Uid, u32>, Missing> {
        self.blockers.get(&uid).ok_or(Missing::Blockers(uid))
    }

    /// Whether `by` blocks `uid` in one of these ways. `uid` is somebody with a live session, of
    /// whom it is known.
    pub fn blocks(&self, by: Uid, uid: Uid, ways: u32) -> bool {
        self.blocked(by, uid) & ways != 0
    }

    /// What `by` has said of `uid`: how it blocks it, what it lets it see. See
    /// [`Directory::blocks`].
    pub fn blocked(&self, by: Uid, uid: Uid) -> u32 {
        let found = self.blockers.get(&uid).and_then(|blockers| blockers.get(&by));
        found.copied().unwrap_or(0)
    }

    /// A block is stored, or taken back with `flags` 0; gives what it was before. `loading` says
    /// that the blockers of `uid` are on their way from the store, perhaps without it.
    pub fn put_block(&mut self, by: Uid, uid: Uid, flags: u32, loading: bool) -> u32 {
        let Some(blockers) = self.blockers.get_mut(&uid) else {
            if loading {
                self.blocks_overtaking.push((by, uid, flags));
            }
            return 0;
        };
        let before = match flags {
            0 => blockers.remove(&by),
            flags => blockers.insert(by, flags),
        };
        before.unwrap_or(0)
    }

    /// The store told who blocks a user.
    pub fn learn_blockers(&mut self, uid: Uid, blockers: Vec<(Uid, u32)>) {
        self.added += 1 + blockers.len();
        self.blockers.entry(uid).or_insert_with(|| blockers.into_iter().collect());
        let overtaking = core::mem::take(&mut self.blocks_overtaking);
        for (by, of, flags) in overtaking {
            if of == uid {
                self.put_block(by, of, flags, false);
            } else {
                self.blocks_overtaking.push((by, of, flags));
            }
        }
    }

    /// The user as it is after a change.
    pub fn put_user(&mut self, user: User) {
        let addresses = self.addresses.entry(user.aid).or_default();
        addresses.insert(user.address.clone(), Some(user.uid));
        let former = self.users.insert(user.uid, Some(Arc::new(user)));
        self.added += usize::from(former.is_none());
    }

    /// A user the store told of. What is known already is newer: a change may have been stored
    /// while the answer was on its way.
    pub fn learn_user(&mut self, user: User) {
        match self.users.get(&user.uid) {
            None => self.put_user(user),
            // Only the way to it was missing.
            Some(Some(known)) if known.address == user.address => {
                let addresses = self.addresses.entry(user.aid).or_default();
                addresses.insert(user.address, Some(user.uid));
            }
            Some(_) => {}
        }
    }

    /// The group as it is after a change.
    pub fn put_group(&mut self, group: Group, members: impl IntoIterator<Item = Member>) {
        let members: BTreeMap<_, _> =
            members.into_iter().map(|member| (member.uid, member)).collect();
        let count = 1 + members.len();
        let former = self.groups.insert(group.gid, Some(Roster { group, members })).flatten();
        self.added += count.saturating_sub(former.map_or(0, |roster| roster.members.len()));
    }

    /// A group the store told of. See [`Directory::learn_user`].
    pub fn learn_group(&mut self, group: Group, members: Vec<(Member, User)>) {
        let mut present = Vec::with_capacity(members.len());
        for (member, user) in members {
            self.learn_user(user);
            if self.users.get(&member.uid).is_some_and(Option::is_some) {
                present.push(member);
            }
        }
        if !self.groups.contains_key(&group.gid) {
            self.put_group(group, present);
        }
    }

    /// An app, and the hash of its token when it was found by it.
    pub fn put_app(&mut self, app: App, hash: Option<TokenHash>) {
        if let Some(hash) = hash {
            self.app_tokens.insert(hash, Some(app.aid));
        }
        self.apps.insert(app.aid, Some(app));
    }

    /// The app has another token.
    pub fn replace_app_token(&mut self, aid: AppId, hash: TokenHash) {
        self.app_tokens.retain(|_, of| *of != Some(aid));
        self.app_tokens.insert(hash, Some(aid));
    }

    /// The app is no more, nor is anything of it.
    pub fn remove_app(&mut self, aid: AppId) {
        self.app_tokens.retain(|_, of| *of != Some(aid));
        self.apps.insert(aid, None);
        self.addresses.remove(&aid);
        self.users.retain(|_, user| user.as_ref().is_none_or(|user| user.aid != aid));
        self.groups.retain(|_, roster| roster.as_ref().is_none_or(|it| it.group.aid != aid));
    }

    /// The store says that there is no such thing. See [`Directory::learn_user`].
    pub fn learn_nothing(&mut self, missing: &Missing) {
        self.added += 1;
        match missing {
            Missing::User(uid) => {
                self.users.entry(*uid).or_insert(None);
            }
            Missing::Address(aid, address) => {
                let addresses = self.addresses.entry(*aid).or_default();
                addresses.entry_ref(address.as_str()).or_insert(None);
            }
            Missing::Group(gid) => {
                self.groups.entry(*gid).or_insert(None);
            }
            Missing::AppToken(hash) => {
                self.app_tokens.entry(*hash).or_insert(None);
            }
            Missing::App(aid) => {
                self.apps.entry(*aid).or_insert(None);
            }
            // The store always knows.
            Missing::Sent(..) => {}
            Missing::Blockers(uid) => {
                self.blockers.entry(*uid).or_default();
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
        self.blockers.remove(&uid);
        for blockers in self.blockers.values_mut() {
            blockers.remove(&uid);
        }
        for roster in self.groups.values_mut().flatten() {
            roster.lose(uid);
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
        // Counting additions instead of entries: what is in use may be more than the limit, and
        // is not looked through again for each further entry.
        if self.added <= DIRECTORY_ENTRIES_MAX {
            return;
        }
        self.added = 0;
        self.users.retain(|uid, _| users_in_use(*uid));
        self.blockers.retain(|uid, _| users_in_use(*uid));
        self.groups.retain(|gid, _| groups_in_use(*gid));
        self.addresses.clear();
        self.app_tokens.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(uid: u32, address: &str) -> User {
        User { uid: Uid(uid), aid: AppId(1), address: address.into(), ..User::default() }
    }

    #[test]
    fn an_answer_that_was_overtaken_by_a_change_is_not_believed() {
        let mut directory = Directory::default();
        directory.put_user(User { name: "new".into(), ..user(1, "ada") });
        directory.learn_user(User { name: "old".into(), ..user(1, "ada") });
        directory.learn_nothing(&Missing::Address(AppId(1), "ada".into()));
        let found = directory.find_user(AppId(1), "ada").unwrap().unwrap();
        assert_eq!(found.name, "new");

        directory.remove_user(Uid(1));
        let group = Group { gid: GroupId(1000), aid: AppId(1), ..Group::default() };
        let member = Member { uid: Uid(1), ..Member::default() };
        directory.learn_group(group, alloc::vec![(member, user(1, "ada"))]);
        let roster = directory.group(AppId(1), GroupId(1000)).unwrap().unwrap();
        assert!(roster.members.is_empty());
        assert!(directory.user(Uid(1)).unwrap().is_none());
    }

    #[test]
    fn a_block_that_overtakes_the_loading_of_blocks_holds() {
        let mut directory = Directory::default();
        assert_eq!(directory.put_block(Uid(1), Uid(2), 4, true), 0);
        assert_eq!(directory.put_block(Uid(3), Uid(2), 0, true), 0);
        directory.learn_blockers(Uid(9), Vec::new());
        directory.learn_blockers(Uid(2), alloc::vec![(Uid(3), 1)]);
        assert!(directory.blocks(Uid(1), Uid(2), 4));
        assert!(!directory.blocks(Uid(3), Uid(2), 1), "taken back meanwhile");
        assert_eq!(directory.put_block(Uid(1), Uid(2), 0, false), 4);
        assert!(!directory.blocks(Uid(1), Uid(2), u32::MAX));
    }

    #[test]
    fn what_nobody_uses_is_forgotten_when_there_is_too_much() {
        let mut directory = Directory::default();
        for uid in 1..=DIRECTORY_ENTRIES_MAX as u32 + 1 {
            directory.put_user(user(uid, &alloc::format!("user {uid}")));
        }
        directory.trim(|uid| uid == Uid(7), |_| false);
        assert!(directory.user(Uid(7)).is_ok());
        assert_eq!(directory.user(Uid(8)), Err(Missing::User(Uid(8))));
        assert!(matches!(directory.find_user(AppId(1), "user 7"), Err(Missing::Address(..))));
        directory.learn_user(user(7, "user 7"));
        assert!(directory.find_user(AppId(1), "user 7").unwrap().is_some());
    }
}
