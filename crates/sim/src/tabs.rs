//! The tabs of a browser as it serves them: a lock for each group, one for each tab, a channel.
//!
//! What a tab has told before it is killed arrives. A frozen tab keeps its locks and hears nothing
//! until it thaws; what it was told meanwhile some browsers drop.

use std::collections::{BTreeMap, VecDeque};

use client::Input;
use client::port::tab::{Command, Input as TabInput, TabId};
use wire::id::DeviceKey;

use crate::planted::Planted;
use crate::world::{Place, World};

/// A page in one of its lives.
type Life = (Place, u32);

/// The groups of all browsers.
pub(crate) type Groups = BTreeMap<(DeviceKey, String), Group>;

/// The tabs of one browser with one account and one database.
#[derive(Debug, Default)]
pub(crate) struct Group {
    members: Vec<(Life, TabId)>,
    holder: Option<Life>,
    waiting: VecDeque<Life>,
    watchers: Vec<(Life, TabId)>,
    /// When the last words of one to another arrive.
    channel: BTreeMap<(Place, Place), u64>,
}

impl World {
    pub(crate) fn tab_command(&mut self, place: Place, command: Command) {
        let me = (place, self.pages[place].life);
        let key = self.pages[place].key;
        if let Command::Join { .. } = command
            && !self.shares
        {
            return self.page_later(0, place, me.1, Input::Tab(TabInput::Alone));
        }
        if let Command::Join { group, tab } = command {
            let group = self.groups.entry((key, group)).or_default();
            group.members.push((me, tab));
            group.waiting.push_back(me);
            self.page_later(1, place, me.1, Input::Tab(TabInput::Joined));
            return self.elect(2);
        }
        let of_mine = |group: &&mut Group| group.members.iter().any(|(member, _)| *member == me);
        let Some(group) = self.groups.values_mut().find(of_mine) else { return };
        match command {
            Command::Join { .. } => {}
            Command::Leave => self.leave_groups(place),
            Command::Steal => {
                group.waiting.retain(|waiting| *waiting != me);
                if let Some((other, life)) = group.holder.replace(me).filter(|held| *held != me) {
                    group.waiting.push_back((other, life));
                    self.page_later(1, other, life, Input::Tab(TabInput::Deposed));
                }
                self.page_later(1, place, me.1, Input::Tab(TabInput::Elected));
            }
            Command::Watch(tab) => {
                group.watchers.push((me, tab));
                self.tell_gone();
            }
            Command::Tell { number, tell } => {
                let from = group.members.iter().find(|(member, _)| *member == me);
                let from = from.map(|(_, tab)| *tab).unwrap_or_default();
                let longest = if self.chaotic { 30 } else { 3 };
                let others = group.members.iter().filter(|(member, _)| *member != me);
                let mut letters = Vec::new();
                for ((other, life), _) in others {
                    let last = group.channel.entry((place, *other)).or_default();
                    *last = (*last).max(self.time + self.chance.between(1, longest));
                    letters.push((*last - self.time, *other, *life));
                }
                for (after, other, life) in letters {
                    let told = TabInput::Told { from, number, tell: tell.clone() };
                    self.page_later(after, other, life, Input::Tab(told));
                }
            }
        }
    }

    /// The page lets go of all locks, or the browser does when it is gone.
    pub(crate) fn leave_groups(&mut self, place: Place) {
        for group in self.groups.values_mut() {
            group.members.retain(|((member, _), _)| *member != place);
            group.waiting.retain(|(waiting, _)| *waiting != place);
            group.holder = group.holder.filter(|(holder, _)| *holder != place);
            group.watchers.retain(|((watcher, _), _)| *watcher != place);
        }
        self.elect(1);
        self.tell_gone();
    }

    /// Locks that are free go to who waits first.
    fn elect(&mut self, after: u64) {
        let mut elected = Vec::new();
        for group in self.groups.values_mut().filter(|group| group.holder.is_none()) {
            group.holder = group.waiting.pop_front();
            elected.extend(group.holder);
        }
        for (place, life) in elected {
            self.page_later(after, place, life, Input::Tab(TabInput::Elected));
        }
    }

    fn tell_gone(&mut self) {
        let mut gone = Vec::new();
        for group in self.groups.values_mut() {
            let members = &group.members;
            let is_gone = |tab: &TabId| !members.iter().any(|(_, member)| member == tab);
            gone.extend(group.watchers.iter().filter(|(_, tab)| is_gone(tab)).copied());
            group.watchers.retain(|(_, tab)| !is_gone(tab));
        }
        for ((place, life), tab) in gone {
            if self.planted != Planted::ForgetTab {
                self.page_later(1, place, life, Input::Tab(TabInput::Gone(tab)));
            }
        }
    }

    /// A new tab of the browser this page is in, not opened yet.
    pub fn tab_of(&mut self, place: Place) -> Place {
        let page = self.pages[place].another_tab();
        self.pages.push(page);
        self.pages.len() - 1
    }

    /// The browser stops a hidden tab: it does nothing and hears nothing. `deaf`: nor later what
    /// other tabs tell meanwhile.
    pub fn freeze_tab(&mut self, place: Place, deaf: bool) {
        self.pages[place].frozen = self.pages[place].client.is_some();
        self.pages[place].deaf = deaf;
    }

    /// It goes on with everything that came meanwhile.
    pub fn thaw_tab(&mut self, place: Place) {
        self.pages[place].frozen = false;
        let life = self.pages[place].life;
        for input in std::mem::take(&mut self.pages[place].asleep) {
            self.page_input(place, life, input);
        }
    }

    /// Tabs of this browser, open or not.
    pub fn tabs(&self, place: Place) -> usize {
        let key = self.pages[place].key;
        self.pages.iter().filter(|page| page.key == key).count()
    }

    /// Pages of this browser that have a connection of their own.
    pub fn connections(&self, place: Place) -> usize {
        let key = self.pages[place].key;
        self.pages.iter().filter(|page| page.key == key && page.socket.is_some()).count()
    }
}
