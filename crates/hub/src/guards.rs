//! Guards that an operator may set (`backend-api.md` 4.9, 6.6): how many members a group has, how many
//! groups a user is in, how much the files of an app take. Off by default.
//!
//! Relies on operations being done one at a time, so that nothing changes between the count and what is
//! allowed by it. Counts are looked up only where a guard is set.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use wire::id::Uid;

use crate::directory::{Needs, Roster};
use crate::hub::Hub;
use crate::operations::{After, Job, Progress, refusal};
use crate::port::admin::{AdminError, ErrorCode, Param};
use crate::port::store::Request;

/// What an operator limits in every app; 0 = without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guards {
    /// Members of a group.
    pub members_max: u32,
    /// Groups that a user is a member of.
    pub groups_per_user_max: u32,
    /// MiB of all files of an app.
    pub files_max_mb: u64,
}

impl Hub {
    /// Limits what apps may have, whatever they ask for.
    pub fn with_guards(mut self, guards: Guards) -> Hub {
        self.guards = guards;
        self
    }

    /// Of users who are to be members, those who are already or for whom there is room; the
    /// addresses of the others are among `failed`. `Err` asks the store first.
    pub(crate) fn with_room(
        &self,
        job: &Job,
        roster: &Roster,
        uids: Vec<Uid>,
        failed: &mut Vec<String>,
    ) -> Result<Result<Vec<Uid>, Progress>, Needs> {
        let is_new = |uid: &Uid| roster.member(*uid, self.now.wall).is_none();
        let Guards { members_max, groups_per_user_max, .. } = self.guards;
        if (members_max == 0 && groups_per_user_max == 0) || !uids.iter().any(is_new) {
            return Ok(Ok(uids));
        }
        let mut groups_of = &BTreeMap::new();
        if groups_per_user_max > 0 {
            let Some(counted) = &job.groups_of else {
                let uids = uids.into_iter().filter(is_new).collect();
                let request = Request::CountMemberships { uids, now: self.now.wall };
                return Ok(Err(Progress::Ask(request, After::MembershipsCounted)));
            };
            groups_of = counted;
        }
        let mut room = self.room_in(roster);
        let mut fitting = Vec::with_capacity(uids.len());
        for uid in uids {
            let groups = groups_of.get(&uid).copied().unwrap_or(0);
            let is_in_too_many = groups_per_user_max > 0 && groups >= groups_per_user_max;
            if !is_new(&uid) {
                fitting.push(uid);
            } else if room > 0 && !is_in_too_many {
                room -= 1;
                fitting.push(uid);
            } else if let Some(user) = self.directory.user(uid)? {
                failed.push(user.address.clone());
            }
        }
        Ok(Ok(fitting))
    }

    /// How many further members a group may have.
    pub(crate) fn room_in(&self, roster: &Roster) -> usize {
        let max = match self.guards.members_max {
            0 => usize::MAX,
            max => max as usize,
        };
        if roster.members.len() < max {
            return max - roster.members.len();
        }
        // Those whose membership has ended take no room; they are looked for only when there seems to
        // be none left.
        let now = self.now.wall;
        max.saturating_sub(roster.members.values().filter(|member| member.is_current(now)).count())
    }
}

/// None of those who were to be members may be.
pub(crate) fn no_room(param: Param) -> AdminError {
    let cause = "the group has as many members as it may, or these users are in as many groups as \
                 they may (groups.max_members, groups.max_groups_per_user of the installation)";
    refusal(ErrorCode::Quota, cause, &[param])
}
