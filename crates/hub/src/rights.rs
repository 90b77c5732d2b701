//! Who may do what in a group: the table of `backend-api.md` 4.2, evaluated on every use.

use wire::mask::{admin, call, group as mode, member as right, resolution};
use wire::proto;

use crate::port::store::{Group, Member};
use wire::id::Uid;
use wire::time::Timestamp;

/// What one user may do in one group now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Is a member.
    pub member: bool,
    /// `wire::mask::member` bits that are effective.
    pub may: u32,
    /// `wire::mask::admin`.
    pub admin_flags: u32,
    /// `wire::mask::call`: what may be sent in calls.
    pub call_flags: u32,
    /// `MESIBO_RESOLUTION_*`: the largest picture.
    pub resolution: u32,
    /// Seconds in a call, 0 = without limit.
    pub call_duration_s: u32,
}

impl Rights {
    /// Evaluates all rules for this user. A membership that has ended is none.
    pub fn of(group: &Group, member: Option<&Member>, uid: Uid, now: Timestamp) -> Rights {
        let member = member.filter(|member| member.is_current(now));
        // Who is no member yet and becomes one by what it does, may do what a member may.
        let silent = Member::default();
        let joins = member.is_none() && group.flags & mode::AUTO_ADD_MEMBER != 0 && !group.lobby;
        let in_calls = Rights::in_calls(group, member);
        if group.owner == Some(uid) && member.is_some() {
            return Rights {
                member: true,
                may: right::ALL | right::RECORD,
                admin_flags: admin::OWNER_ALL,
                ..in_calls
            };
        }
        let modes = [
            (right::SEND, mode::SEND_BY_SELECTED, mode::SEND_BY_ANYONE),
            // No "received by anyone": a message needs a log to go to.
            (right::RECV, mode::RECV_BY_SELECTED, 0),
            (right::PUB, mode::PUB_BY_SELECTED, mode::PUB_BY_ANYONE),
            (right::SUB, mode::SUB_BY_SELECTED, mode::SUB_BY_ANYONE),
            (right::LIST, mode::LIST_BY_SELECTED, mode::LIST_BY_ANYONE),
        ];
        let mut may = 0;
        for (bit, selected, anyone) in modes {
            let for_anyone = group.flags & anyone != 0;
            let allowed = match member.or(joins.then_some(&silent)) {
                None => for_anyone,
                Some(member) if member.denied & bit != 0 => false,
                Some(member) if member.given & bit != 0 => true,
                // "Anyone" wins when both are set.
                Some(_) => for_anyone || group.flags & selected == 0,
            };
            if allowed {
                may |= bit;
            }
        }
        if member.is_some_and(|member| member.given & right::RECORD != 0) {
            may |= right::RECORD;
        }
        Rights {
            member: member.is_some(),
            may,
            admin_flags: member.map_or(0, |member| member.admin_flags),
            ..in_calls
        }
    }

    /// What the group allows in calls, narrowed by what this member may (`backend-api.md` 4.4).
    fn in_calls(group: &Group, member: Option<&Member>) -> Rights {
        let own = member.cloned().unwrap_or_default();
        let kept =
            |flags: u32| if flags & call::VALID == 0 { u32::MAX } else { flags | !call::KINDS };
        let call_flags = match group.call_flags & call::VALID {
            0 => own.call_flags,
            _ => group.call_flags & kept(own.call_flags),
        };
        let limits = [group.call_duration_s, own.call_duration_s];
        Rights {
            call_flags,
            resolution: resolution::smaller(group.resolution, own.resolution),
            call_duration_s: limits.into_iter().filter(|limit| *limit > 0).min().unwrap_or(0),
            ..Rights::default()
        }
    }

    /// Whether this `wire::mask::member` right is there.
    pub fn allow(self, bit: u32) -> bool {
        self.may & bit != 0
    }

    /// As the client is told.
    pub fn to_wire(self) -> proto::Rights {
        proto::Rights {
            member: self.member,
            send: self.allow(right::SEND),
            receive: self.allow(right::RECV),
            publish: self.allow(right::PUB),
            subscribe: self.allow(right::SUB),
            list: self.allow(right::LIST),
            admin_flags: self.admin_flags,
            call_flags: self.call_flags,
            call_duration: self.call_duration_s,
            resolution: self.resolution,
            record: self.allow(right::RECORD),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    /// `backend-api.md` 4.2, line by line: mode, then not a member, not given, 1, 0.
    #[test]
    fn the_table_of_effective_rights_holds_for_every_right() {
        let rights = [
            (right::SEND, mode::SEND_BY_SELECTED, mode::SEND_BY_ANYONE),
            (right::PUB, mode::PUB_BY_SELECTED, mode::PUB_BY_ANYONE),
            (right::SUB, mode::SUB_BY_SELECTED, mode::SUB_BY_ANYONE),
            (right::LIST, mode::LIST_BY_SELECTED, mode::LIST_BY_ANYONE),
        ];
        for (bit, selected, anyone) in rights {
            let table = [
                (anyone, [true, true, true, false]),
                (selected | anyone, [true, true, true, false]),
                (0, [false, true, true, false]),
                (selected, [false, false, true, false]),
            ];
            for (flags, expected) in table {
                let group = Group { flags, ..Group::default() };
                let silent = Member { uid: Uid(1), ..Member::default() };
                let given = Member { given: bit, ..silent.clone() };
                let denied = Member { denied: bit, ..silent.clone() };
                let members = [None, Some(&silent), Some(&given), Some(&denied)];
                let found =
                    members.map(|member| Rights::of(&group, member, Uid(1), NOW).allow(bit));
                assert_eq!(found, expected, "right {bit:#x}, flags {flags:#x}");
            }
        }
    }

    #[test]
    fn a_member_may_do_less_in_calls_than_its_group_and_never_more() {
        let group = Group {
            call_flags: call::VALID | call::AUDIO | call::VIDEO | call::TALKING,
            resolution: 3,
            call_duration_s: 60,
            ..Group::default()
        };
        let flags = call::VALID | call::AUDIO | call::SCREEN;
        let small =
            Member { call_flags: flags, resolution: 10, call_duration_s: 9, ..Member::default() };
        let large = Member { resolution: 5, call_duration_s: 99, ..Member::default() };
        let in_calls = |member: &Member| {
            let rights = Rights::of(&group, Some(member), Uid(1), NOW);
            (rights.call_flags, rights.resolution, rights.call_duration_s)
        };
        assert_eq!(in_calls(&small), (call::VALID | call::AUDIO | call::TALKING, 10, 9));
        assert_eq!(in_calls(&large), (group.call_flags, 3, 60));
        assert_eq!(in_calls(&Member::default()), (group.call_flags, 3, 60));
        let any = Rights::of(&Group::default(), Some(&small), Uid(1), NOW);
        assert_eq!((any.call_flags, any.resolution, any.call_duration_s), (flags, 10, 9));
    }

    #[test]
    fn the_owner_may_everything() {
        let group =
            Group { flags: mode::SEND_BY_SELECTED, owner: Some(Uid(1)), ..Group::default() };
        let member = Member { uid: Uid(1), denied: right::SEND, ..Member::default() };
        let rights = Rights::of(&group, Some(&member), Uid(1), NOW);
        assert!(rights.allow(right::SEND));
        assert_eq!(rights.admin_flags, admin::OWNER_ALL);
    }

    #[test]
    fn nobody_receives_messages_without_being_a_member() {
        let group = Group { flags: mode::SEND_BY_ANYONE, ..Group::default() };
        assert!(!Rights::of(&group, None, Uid(1), NOW).allow(right::RECV));
    }

    #[test]
    fn a_membership_ends_by_itself() {
        let group = Group { owner: Some(Uid(1)), ..Group::default() };
        let member = Member { uid: Uid(1), expires: Some(NOW), ..Member::default() };
        assert_eq!(Rights::of(&group, Some(&member), Uid(1), NOW), Rights::default());
        let earlier = Timestamp(NOW.0 - 1);
        assert!(Rights::of(&group, Some(&member), Uid(1), earlier).member);
    }

    #[test]
    fn who_becomes_a_member_by_itself_may_what_silent_members_may() {
        let group =
            Group { flags: mode::AUTO_ADD_MEMBER | mode::PUB_BY_SELECTED, ..Group::default() };
        let rights = Rights::of(&group, None, Uid(1), NOW);
        assert!(!rights.member && rights.allow(right::SEND) && !rights.allow(right::PUB));
    }
}
