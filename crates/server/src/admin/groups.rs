//! Operations on groups, members and PINs (`backend-api.md` 2.4, 2.5).

use hub::port::admin::{
    ErrorCode, GroupFields, MemberFields, Operation, Param, PinAction, PinFields, UserRef,
};
use hub::port::apps::Filter;
use hub::port::call::CallFields;
use serde_json::Value;
use wire::id::{GroupId, Uid};
use wire::mask::{admin as admin_flag, call, group as mode, member as right, resolution};
use wire::time::Timestamp;

use super::fields::{Fields, Outcome, as_integer, boolean, integer, missing, refuse};
use super::users::page;

use Param as P;

pub const ADD: &[Param] = &[
    P::GroupName,
    P::GroupFlags,
    P::GroupModes,
    P::GroupExpiry,
    P::GroupExpiryExt,
    P::GroupActive,
    P::GroupPinned,
    P::GroupOwner,
    P::GroupCall,
    P::GroupStatus,
    P::GroupImage,
    P::GroupStart,
    P::GroupDuration,
    P::GroupLobby,
    P::Members,
    P::MemberSend,
    P::MemberReceive,
    P::MemberPublish,
    P::MemberSubscribe,
    P::MemberList,
    P::MemberRecord,
    P::MemberRights,
    P::MemberAdmin,
    P::MemberAdminFlags,
    P::MemberExpiry,
    P::MemberCall,
    P::MemberBusy,
];
pub const SET: &[Param] = &[
    P::Gid,
    P::GroupName,
    P::GroupFlags,
    P::GroupModes,
    P::GroupExpiry,
    P::GroupExpiryExt,
    P::GroupActive,
    P::GroupPinned,
    P::GroupOwner,
    P::GroupCall,
    P::GroupStatus,
    P::GroupImage,
    P::GroupStart,
    P::GroupDuration,
    P::GroupLobby,
    P::GroupType,
    P::Members,
    P::MemberSend,
    P::MemberReceive,
    P::MemberPublish,
    P::MemberSubscribe,
    P::MemberList,
    P::MemberRecord,
    P::MemberRights,
    P::MemberAdmin,
    P::MemberAdminFlags,
    P::MemberExpiry,
    P::MemberCall,
    P::MemberBusy,
];
pub const ONE: &[Param] = &[P::Gid];
pub const GET: &[Param] = &[P::GroupPattern, P::Gid, P::Count, P::After];
pub const EDIT_MEMBERS: &[Param] = &[
    P::Gid,
    P::Members,
    P::MembersRemove,
    P::MemberSend,
    P::MemberReceive,
    P::MemberPublish,
    P::MemberSubscribe,
    P::MemberList,
    P::MemberRecord,
    P::MemberRights,
    P::MemberAdmin,
    P::MemberAdminFlags,
    P::MemberExpiry,
    P::MemberCall,
    P::MemberBusy,
];
pub const GET_MEMBERS: &[Param] = &[P::Gid, P::MembersPending, P::Count, P::After];
pub const ADMIT: &[Param] = &[P::Gid, P::Members, P::MembersAdmit];
pub const RECORD: &[Param] = &[P::Gid, P::GroupRecord];
pub const PIN: &[Param] = &[
    P::Gid,
    P::Pin,
    P::PinSend,
    P::PinReceive,
    P::PinPublish,
    P::PinSubscribe,
    P::PinList,
    P::PinFlags,
    P::PinAdmin,
    P::PinExpiry,
    P::PinUses,
    P::PinDelete,
];

pub fn add(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::GroupAdd {
        fields: group_fields(fields)?,
        members: fields.list(P::Members)?,
        rights: member_fields(fields)?,
    })
}

pub fn set(fields: &Fields<'_>) -> Outcome<Operation> {
    refuse_by_type(fields)?;
    let changed = group_fields(fields)?;
    Ok(Operation::GroupSet {
        gid: gid(fields)?,
        // An empty name means unchanged.
        fields: GroupFields { name: changed.name.filter(|name| !name.is_empty()), ..changed },
        members: fields.list(P::Members)?,
        rights: member_fields(fields)?,
    })
}

pub fn delete(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::GroupDelete { gid: gid(fields)? })
}

pub fn get(fields: &Fields<'_>) -> Outcome<Operation> {
    let pattern = fields.full_text(P::GroupPattern)?.unwrap_or_else(|| "*".into());
    let filter = Filter { pattern, id: fields.integer(P::Gid)?, ..page(fields)? };
    Ok(Operation::GroupsGet { filter })
}

pub fn edit_members(fields: &Fields<'_>) -> Outcome<Operation> {
    refuse_by_type(fields)?;
    let (gid, members) = gid_and_members(fields)?;
    if fields.boolean(P::MembersRemove)? == Some(true) {
        return Ok(Operation::MembersRemove { gid, members });
    }
    Ok(Operation::MembersEdit { gid, members, rights: member_fields(fields)? })
}

pub fn get_members(fields: &Fields<'_>) -> Outcome<Operation> {
    let Filter { after, count, .. } = page(fields)?;
    let pending = fields.boolean(P::MembersPending)?.unwrap_or(false);
    Ok(Operation::MembersGet { gid: gid(fields)?, pending, after: Uid(after), count })
}

pub fn admit(fields: &Fields<'_>) -> Outcome<Operation> {
    let (gid, members) = gid_and_members(fields)?;
    let admit = fields.boolean(P::MembersAdmit)?.unwrap_or(true);
    Ok(Operation::GroupAdmit { gid, members, admit })
}

pub fn record(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::GroupRecord { gid: gid(fields)?, on: fields.boolean(P::GroupRecord)? })
}

pub fn media(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::GroupMedia { gid: gid(fields)? })
}

pub fn pin(fields: &Fields<'_>) -> Outcome<Operation> {
    let gid = gid(fields)?;
    let pin = fields.integer(P::Pin)?;
    if fields.boolean(P::PinDelete)? == Some(true) {
        let Some(pin) = pin else { return Err(missing(&[P::Pin])) };
        return Ok(Operation::GroupPin { gid, action: PinAction::Remove(pin) });
    }
    let mut flags = fields.integer(P::PinFlags)?.map(present);
    let rights = [
        (P::PinSend, right::SEND),
        (P::PinReceive, right::RECV),
        (P::PinPublish, right::PUB),
        (P::PinSubscribe, right::SUB),
        (P::PinList, right::LIST),
    ];
    for (param, bit) in rights {
        if let Some(allowed) = fields.boolean(param)? {
            let others = flags.unwrap_or(0) & !bit;
            flags = Some(if allowed { others | bit } else { others });
        }
    }
    let put = PinFields {
        pin,
        flags,
        admin_flags: fields.integer(P::PinAdmin)?,
        expiry_s: fields.integer(P::PinExpiry)?,
        uses: fields.integer(P::PinUses)?,
    };
    let action = if put == PinFields::default() { PinAction::List } else { PinAction::Put(put) };
    Ok(Operation::GroupPin { gid, action })
}

fn refuse_by_type(fields: &Fields<'_>) -> Outcome<()> {
    if fields.value(P::GroupType).is_none() {
        return Ok(());
    }
    let cause = "permissions by message type are not part of this release";
    Err(refuse(ErrorCode::Unsupported, cause, P::GroupType))
}

fn gid_and_members(fields: &Fields<'_>) -> Outcome<(GroupId, Vec<String>)> {
    let (gid, members) = (fields.integer(P::Gid)?, fields.list(P::Members)?);
    match (gid, members.is_empty()) {
        (Some(gid), false) => Ok((GroupId(gid), members)),
        (None, true) => Err(missing(&[P::Gid, P::Members])),
        (Some(_), true) => Err(missing(&[P::Members])),
        (None, false) => Err(missing(&[P::Gid])),
    }
}

fn gid(fields: &Fields<'_>) -> Outcome<GroupId> {
    fields.integer(P::Gid)?.map(GroupId).ok_or_else(|| missing(&[P::Gid]))
}

/// JSON names of the permissions of a group: bits for members, "selected", "anyone".
const MODES: [(&str, u32, u32); 5] = [
    ("send", mode::SEND_BY_SELECTED, mode::SEND_BY_ANYONE),
    ("recv", mode::RECV_BY_SELECTED, mode::RECV_ROUND_ROBIN),
    ("pub", mode::PUB_BY_SELECTED, mode::PUB_BY_ANYONE),
    ("sub", mode::SUB_BY_SELECTED, mode::SUB_BY_ANYONE),
    ("list", mode::LIST_BY_SELECTED, mode::LIST_BY_ANYONE),
];

/// Bits to clear and then to set.
fn mode_change(fields: &Fields<'_>) -> Outcome<(u32, u32)> {
    let (mut clear, mut set) = (0, 0);
    let Some(Value::Object(modes)) = fields.object(P::GroupModes) else { return Ok((0, 0)) };
    for (name, selected, other) in MODES {
        let Some(value) = modes.get(name).filter(|value| !value.is_null()) else { continue };
        clear |= selected | other;
        set |= match value.as_str() {
            Some("members") => 0,
            Some("selected") => selected,
            Some("anyone") if name != "recv" => other,
            Some("roundrobin") if name == "recv" => other,
            _ => {
                let cause = "a permission is members, selected or anyone (recv: roundrobin)";
                return Err(refuse(ErrorCode::BadParam, cause, P::GroupModes));
            }
        };
    }
    Ok((clear, set))
}

/// JSON names of the bits of a room's settings.
pub const CALL_NAMES: [(&str, u32); 12] = [
    ("audio", call::AUDIO),
    ("video", call::VIDEO),
    ("data", call::DATA),
    ("screen", call::SCREEN),
    ("simulcast", call::SIMULCAST),
    ("ratio43", call::RATIO_43),
    ("record", call::RECORD),
    ("talking", call::TALKING),
    ("fixedbitrate", call::FIXED_BITRATE),
    ("fixedresolution", call::FIXED_RESOLUTION),
    ("fixedfps", call::FIXED_FPS),
    ("h264", call::H264),
];

/// Settings of calls, of a room or of a member.
fn call_fields(fields: &Fields<'_>, param: Param) -> Outcome<CallFields> {
    let number = |name| call_number(fields, param, name);
    let mut found = CallFields {
        flags: number("flags")?,
        change: (0, 0),
        resolution: number("resolution")?,
        duration_s: number("duration")?,
        fps: number("fps")?,
        video_kbps: number("videobitrate")?,
        audio_kbps: number("audiobitrate")?,
    };
    for (name, bit) in CALL_NAMES {
        match call_setting(fields, param, name).map(|value| boolean(value, param)).transpose()? {
            Some(true) => found.change.1 |= bit,
            Some(false) => found.change.0 |= bit,
            None => {}
        }
    }
    known_resolution(found.resolution, param)?;
    Ok(found)
}

/// A code that stands for no size would be no limit, which is not what was meant.
fn known_resolution(code: Option<u32>, param: Param) -> Outcome<()> {
    match code.is_none_or(|code| code == 0 || resolution::lines(code).is_some()) {
        true => Ok(()),
        false => Err(refuse(ErrorCode::BadParam, "there is no such resolution", param)),
    }
}

fn call_setting<'a>(fields: &'a Fields<'_>, param: Param, name: &str) -> Option<&'a Value> {
    let Some(Value::Object(call)) = fields.object(param) else { return None };
    call.get(name).filter(|value| !value.is_null())
}

fn call_number(fields: &Fields<'_>, param: Param, name: &str) -> Outcome<Option<u32>> {
    call_setting(fields, param, name).map_or(Ok(None), |value| integer(value, param))
}

fn group_fields(fields: &Fields<'_>) -> Outcome<GroupFields> {
    let mut call = call_fields(fields, P::GroupCall)?;
    // Packed: bits 0..23 call flags, 24..31 resolution; -1 leaves both.
    if let Some(value) = fields.flat(P::GroupCall)
        && let Some(packed) = integer(value, P::GroupCall)?
    {
        call.flags = call.flags.or(Some(packed & 0x00ff_ffff));
        call.resolution = call.resolution.or(Some(packed >> 24));
        known_resolution(call.resolution, P::GroupCall)?;
    }
    let owner = match fields.object(P::GroupOwner) {
        None => None,
        Some(value) => Some(match as_integer(value) {
            Some(uid) => UserRef { uid: Some(Uid(uid)), address: None },
            None => UserRef { uid: None, address: fields.text(P::GroupOwner)? },
        }),
    };
    Ok(GroupFields {
        name: fields.text(P::GroupName)?,
        status: fields.text(P::GroupStatus)?,
        image: fields.text(P::GroupImage)?,
        values: None,
        flags: fields.integer(P::GroupFlags)?,
        flags_change: mode_change(fields)?,
        call,
        publishers_max: call_number(fields, P::GroupCall, "maxpublishers")?,
        starts: fields.number(P::GroupStart)?.map(|at| Timestamp((at * 1000.0) as u64)),
        duration_s: fields.integer(P::GroupDuration)?,
        lobby: fields.boolean(P::GroupLobby)?,
        expiry_s: fields.integer(P::GroupExpiry)?,
        expiry_extension_s: fields.integer(P::GroupExpiryExt)?,
        active: fields.boolean(P::GroupActive)?,
        pinned: fields.boolean(P::GroupPinned)?,
        owner,
    })
}

/// JSON names of the admin rights.
const ADMIN_NAMES: [(&str, u32); 13] = [
    ("modify", admin_flag::MODIFY),
    ("adduser", admin_flag::ADD_USER),
    ("remuser", admin_flag::REM_USER),
    ("addadmin", admin_flag::ADD_ADMIN),
    ("remadmin", admin_flag::REM_ADMIN),
    ("remowner", admin_flag::REM_OWNER),
    ("remgroup", admin_flag::REM_GROUP),
    ("callcontrol", admin_flag::CALL_CONTROL),
    ("hangup", admin_flag::HANGUP),
    ("owner", admin_flag::OWNER),
    ("addpin", admin_flag::ADD_PIN),
    ("removepin", admin_flag::REMOVE_PIN),
    ("listpin", admin_flag::LIST_PIN),
];

/// What "cannot leave by itself" was called at first.
const NO_SELF_DELETE_OLD: u32 = 0x800;

/// Member flags as they are called now.
fn present(flags: u32) -> u32 {
    match flags & NO_SELF_DELETE_OLD {
        0 => flags,
        _ => flags & !NO_SELF_DELETE_OLD | right::NO_SELF_DELETE,
    }
}

fn member_fields(fields: &Fields<'_>) -> Outcome<MemberFields> {
    let rights = [
        (P::MemberSend, right::SEND),
        (P::MemberReceive, right::RECV),
        (P::MemberPublish, right::PUB),
        (P::MemberSubscribe, right::SUB),
        (P::MemberList, right::LIST),
        (P::MemberRecord, right::RECORD),
    ];
    let mut changed = MemberFields::default();
    if let Some(flags) = fields.integer(P::MemberRights)?.map(present) {
        changed.given = flags & right::SETTABLE;
        changed.denied = right::SETTABLE & !flags;
    }
    for (param, bit) in rights {
        match fields.boolean(param)? {
            None => {}
            Some(true) => {
                changed.given |= bit;
                changed.denied &= !bit;
            }
            Some(false) => {
                changed.denied |= bit;
                changed.given &= !bit;
            }
        }
    }
    changed.admin_flags = fields.integer(P::MemberAdminFlags)?;
    if let Some(Value::Object(admin)) = fields.object(P::MemberAdmin) {
        let mut flags = changed.admin_flags.unwrap_or(0);
        for (name, bit) in ADMIN_NAMES {
            if let Some(value) = admin.get(name).filter(|value| !value.is_null())
                && boolean(value, P::MemberAdmin)?
            {
                flags |= bit;
            }
        }
        changed.admin_flags = Some(flags);
    }
    changed.expiry_s = fields.integer(P::MemberExpiry)?;
    changed.call = call_fields(fields, P::MemberCall)?;
    changed.busy = fields.boolean(P::MemberBusy)?;
    Ok(changed)
}
