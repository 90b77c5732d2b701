//! Who may do what in a group: the table of `backend-api.md` 4.2, evaluated on every use.

use wire::mask::{admin, call, group as mode, member as right, resolution};
use wire::proto;

use crate::port::call::CallSettings;
use crate::port::store::{Group, Member, Pin};
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
    /// What may be sent in calls.
    pub call: CallSettings,
    /// When the membership ends.
    pub expires: Option<Timestamp>,
}

impl Rights {
    /// Evaluates all rules for this user. A membership that has ended is none.
    pub fn of(group: &Group, member: Option<&Member>, uid: Uid, now: Timestamp) -> Rights {
        let member = member.filter(|member| member.is_current(now));
        // Who is no member yet and becomes one by what it does, may do what a member may.
        let silent = Member::default();
        let joins = member.is_none() && adds_members(group, now) && !group.lobby;
        let own = member.map(|member| member.call).unwrap_or_default();
        let call = narrowed(group.call, own);
        let expires = member.and_then(|member| member.expires);
        if group.owner == Some(uid) && member.is_some() {
            return Rights {
                member: true,
                may: right::ALL | right::RECORD,
                admin_flags: admin::OWNER_ALL,
                call,
                expires,
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
            call,
            expires,
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
            call_flags: self.call.flags,
            call_duration: self.call.duration_s,
            resolution: self.call.resolution,
            record: self.allow(right::RECORD),
            fps: self.call.fps,
            video_kbps: self.call.video_kbps,
            audio_kbps: self.call.audio_kbps,
            expires: self.expires.map_or(0, |at| at.0),
        }
    }
}

/// Whether who is no member becomes one by what it does.
pub(crate) fn adds_members(group: &Group, now: Timestamp) -> bool {
    group.flags & mode::AUTO_ADD_MEMBER != 0 && !demands_pin(group, now)
}

/// Whether a group is joined by PIN only: then PINs that are not for everybody are for one user each.
pub(crate) fn demands_pin(group: &Group, now: Timestamp) -> bool {
    let mut shared = group.pins.iter().filter(|pin| pin.flags & right::SHARED_PIN != 0);
    shared.any(|pin| pin.expires.is_none_or(|at| at > now))
}

/// What a group allows in calls, and no more than this member may (`backend-api.md` 4.4).
fn narrowed(group: CallSettings, own: CallSettings) -> CallSettings {
    let kept = match own.flags & call::VALID {
        0 => u32::MAX,
        _ => own.flags | !call::KINDS,
    };
    CallSettings {
        flags: match group.flags & call::VALID {
            0 => own.flags,
            _ => group.flags & kept,
        },
        resolution: resolution::smaller(group.resolution, own.resolution),
        duration_s: smaller(group.duration_s, own.duration_s),
        fps: smaller(group.fps, own.fps),
        video_kbps: smaller(group.video_kbps, own.video_kbps),
        audio_kbps: smaller(group.audio_kbps, own.audio_kbps),
    }
}

/// What a member may in calls, and what a PIN gives beyond that.
pub(crate) fn widened(own: CallSettings, pin: &Pin) -> CallSettings {
    CallSettings {
        flags: match own.flags & pin.call_flags & call::VALID {
            0 => 0,
            _ => own.flags | pin.call_flags,
        },
        resolution: larger(resolution::smaller, own.resolution, pin.resolution),
        duration_s: larger(smaller, own.duration_s, pin.call_duration_s),
        ..own
    }
}

/// Of two limits that which is not the smaller one.
fn larger(smaller: fn(u32, u32) -> u32, one: u32, other: u32) -> u32 {
    if smaller(one, other) == one { other } else { one }
}

/// The smaller one of two limits; 0 is none.
pub(crate) fn smaller(one: u32, other: u32) -> u32 {
    match (one, other) {
        (0, limit) | (limit, 0) => limit,
        (one, other) => one.min(other),
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
            call: CallSettings {
                flags: call::VALID | call::AUDIO | call::VIDEO | call::TALKING,
                resolution: 3,
                duration_s: 60,
                video_kbps: 800,
                ..CallSettings::default()
            },
            ..Group::default()
        };
        let small = CallSettings {
            flags: call::VALID | call::AUDIO | call::SCREEN,
            resolution: 10,
            duration_s: 9,
            fps: 15,
            video_kbps: 300,
            audio_kbps: 24,
        };
        let large = CallSettings {
            resolution: 5,
            duration_s: 99,
            video_kbps: 900,
            ..CallSettings::default()
        };
        let in_calls = |group: &Group, call| {
            let member = Member { call, ..Member::default() };
            Rights::of(group, Some(&member), Uid(1), NOW).call
        };
        let flags = call::VALID | call::AUDIO | call::TALKING;
        assert_eq!(in_calls(&group, small), CallSettings { flags, ..small });
        assert_eq!(in_calls(&group, large), group.call);
        assert_eq!(in_calls(&group, CallSettings::default()), group.call);
        assert_eq!(in_calls(&Group::default(), small), small);
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
