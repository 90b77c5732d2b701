//! Finding users and groups that want to be found, and nobody else.
//!
//! Relies on the store to look only among those that opted in, and among the asker's contacts.
//! Promises that who has blocked the asker is not found, and that questions are few.

use alloc::string::String;
use alloc::vec::Vec;
use wire::code::Code;
use wire::id::{AppId, GroupId, SessionId, Uid};
use wire::limits::{SEARCH_BYTES_MAX, SEARCH_RESULTS_MAX, SEARCHES_PER_MINUTE_MAX};
use wire::mask::contact;
use wire::proto::{self, Found, Search, server_frame};
use wire::time::{Duration, Timestamp};

use crate::hub::{Hub, Pending};
use crate::nearby::Place;
use crate::port::store::{Reply, Request, StoreError, User};

const MINUTE: Duration = Duration::from_secs(60);

impl Hub {
    pub(crate) fn on_search(&mut self, id: SessionId, search: &Search) {
        let now = self.now.instant;
        let Some(live) = self.sessions.get_mut(&id).and_then(|session| session.live_mut()) else {
            return;
        };
        if now >= live.searches.1 + MINUTE {
            live.searches = (0, now);
        }
        live.searches.0 += 1;
        let limited = live.searches.0 > SEARCHES_PER_MINUTE_MAX;
        let (uid, aid) = (live.uid, live.aid);
        let text = search.text.trim();
        let here = Place::new(
            search.latitude.unwrap_or_default(),
            search.longitude.unwrap_or_default(),
            search.within,
        );
        let is_wanted = search.within > 0 || !text.is_empty();
        if limited || !is_wanted || here.is_none() || text.len() > SEARCH_BYTES_MAX {
            let found = Found { ticket: search.ticket, limited, ..Found::default() };
            return self.send(id, server_frame::Body::Found(found));
        }
        if let Some(here) = here.filter(|here| here.within > 0) {
            let (users, groups) = (self.find_near(aid, uid, search, here), Vec::new());
            return self.on_found(id, search, Ok(Reply::Found { users, groups }));
        }
        let request = Request::Search {
            aid,
            by: uid,
            text: String::from(text),
            contacts: search.contacts,
            groups: search.groups,
            after_uid: Uid(search.after_uid),
            after_gid: GroupId(search.after_gid),
            count: SEARCH_RESULTS_MAX,
        };
        self.ask(request, Pending::Search { session: id, search: search.clone() });
    }

    /// Users whose pages have said that they may be found there. They are online, so the directory
    /// has them.
    fn find_near(&self, aid: AppId, by: Uid, search: &Search, here: Place) -> Vec<User> {
        let text = search.text.trim().to_ascii_lowercase();
        let named = |user: &User| {
            user.name.to_ascii_lowercase().contains(&text)
                || user.address.eq_ignore_ascii_case(&text)
        };
        let near = self.nearby.find(aid, Uid(search.after_uid), here).filter(|uid| *uid != by);
        let users = near.filter_map(|uid| self.directory.user(uid).ok().flatten());
        let users = users.filter(|user| named(user)).take(SEARCH_RESULTS_MAX);
        users.map(|user| User::clone(user)).collect()
    }

    pub(crate) fn on_found(
        &mut self,
        id: SessionId,
        search: &Search,
        result: Result<Reply, StoreError>,
    ) {
        let Some(live) = self.sessions.get(&id).and_then(|session| session.live()) else { return };
        let by = live.uid;
        let Ok(Reply::Found { users, groups }) = result else {
            return self.end(id, Code::Storage, "storage failed");
        };
        let full = users.len() >= SEARCH_RESULTS_MAX || groups.len() >= SEARCH_RESULTS_MAX;
        let hidden = contact::BLOCKED | contact::BLOCK_PROFILE;
        let since = Timestamp(search.seen_since);
        let seen = users.iter().filter(|user| {
            let recent = user.last_online >= since || self.is_shown_to(user.uid, by);
            recent && !self.directory.blocks(user.uid, by, hidden)
        });
        let users: Vec<_> = seen.map(|user| self.profile_for(user, by)).collect();
        // What a group shows to who is no member.
        let groups = groups.into_iter().map(|group| proto::Group {
            gid: group.gid.0,
            name: group.name,
            image: group.image,
            status: group.status,
            active: group.active,
            ..proto::Group::default()
        });
        let groups = groups.collect();
        let found = Found { ticket: search.ticket, users, groups, more: full, limited: false };
        self.send(id, server_frame::Body::Found(found));
    }
}
