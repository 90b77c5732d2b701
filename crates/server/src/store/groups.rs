//! Groups with their members and PINs.

use hub::port::call::CallSettings;
use hub::port::store::{Group, Member, Pin, User};
use rusqlite::{Connection, OptionalExtension, Row, params};
use wire::id::{AppId, GroupId, Uid};
use wire::time::Timestamp;

use super::files;
use super::sqlite::{Sql, signed, time};
use super::users::{USER_COLUMN_COUNT, USER_COLUMNS, Wanted, user};

/// A group with its members and who they are.
pub(super) type Roster = (Group, Vec<(Member, User)>);

pub(super) fn find_groups(db: &Connection, wanted: &Wanted<'_>, after: GroupId) -> Sql<Vec<Group>> {
    let sql = format!(
        "SELECT {GROUP_COLUMNS} FROM groups WHERE aid = ? AND gid > ? AND flags & 1048576 <> 0
         AND instr(lower(name), lower(?)) ORDER BY gid LIMIT ?"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let given = params![wanted.aid.0, after.0, wanted.text, wanted.count as i64];
    statement.query_map(given, group)?.collect()
}

/// Columns of [`group`].
pub(super) const GROUP_COLUMNS: &str = "gid, aid, name, status, image, flags, call_flags, \
                                        resolution, active, pinned, expires, \
                                        expiry_extension_s, owner, profile, \
                                        starts, duration_s, call_duration_s, lobby, \
                                        fps, video_kbps, audio_kbps, publishers_max";

/// The group without its PINs.
pub(super) fn group(row: &Row<'_>) -> Sql<Group> {
    Ok(Group {
        gid: GroupId(row.get(0)?),
        aid: AppId(row.get(1)?),
        name: row.get(2)?,
        status: row.get(3)?,
        image: row.get(4)?,
        flags: row.get(5)?,
        call: CallSettings {
            flags: row.get(6)?,
            resolution: row.get(7)?,
            duration_s: row.get(16)?,
            fps: row.get(18)?,
            video_kbps: row.get(19)?,
            audio_kbps: row.get(20)?,
        },
        active: row.get(8)?,
        pinned: row.get(9)?,
        expires: time(row.get(10)?),
        expiry_extension_s: row.get(11)?,
        owner: row.get::<_, Option<u32>>(12)?.map(Uid),
        values: row.get(13)?,
        starts: time(row.get(14)?),
        duration_s: row.get(15)?,
        lobby: row.get(17)?,
        publishers_max: row.get(21)?,
        pins: Vec::new(),
    })
}

/// Columns of [`member`].
pub(super) const MEMBER_COLUMNS: &str = "m.given, m.denied, m.admin_flags, m.expires, m.call_flags, \
                                         m.resolution, m.call_duration_s, m.busy, \
                                         m.fps, m.video_kbps, m.audio_kbps, m.pin";

/// The member whose [`MEMBER_COLUMNS`] begin at this column.
pub(super) fn member(row: &Row<'_>, at: usize, uid: Uid) -> Sql<Member> {
    Ok(Member {
        uid,
        given: row.get(at)?,
        denied: row.get(at + 1)?,
        admin_flags: row.get(at + 2)?,
        expires: time(row.get(at + 3)?),
        busy: row.get(at + 7)?,
        call: CallSettings {
            flags: row.get(at + 4)?,
            resolution: row.get(at + 5)?,
            duration_s: row.get(at + 6)?,
            fps: row.get(at + 8)?,
            video_kbps: row.get(at + 9)?,
            audio_kbps: row.get(at + 10)?,
        },
        pin: row.get(at + 11)?,
    })
}

pub(super) fn load_group(db: &Connection, gid: GroupId) -> Sql<Option<Roster>> {
    let group = db
        .prepare_cached(&format!("SELECT {GROUP_COLUMNS} FROM groups WHERE gid = ?"))?
        .query_row([gid.0], group)
        .optional()?;
    let Some(group) = group else { return Ok(None) };
    let group = Group { pins: load_pins(db, gid)?, ..group };
    let sql = format!(
        "SELECT {USER_COLUMNS}, {MEMBER_COLUMNS}
         FROM members m JOIN users u USING (uid) WHERE m.gid = ?"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let members = statement.query_map([gid.0], |row| {
        let user = user(row, 0)?;
        Ok((member(row, USER_COLUMN_COUNT, user.uid)?, user))
    })?;
    let members = members.collect::<Sql<Vec<_>>>()?;
    Ok(Some((group, members)))
}

/// In how many groups each of these is, as long as it is in the group and the group is there.
pub(super) fn count_memberships(
    db: &Connection,
    uids: Vec<Uid>,
    now: Timestamp,
) -> Sql<Vec<(Uid, u32)>> {
    let mut statement = db.prepare_cached(
        "SELECT count(*) FROM members m JOIN groups g USING (gid)
         WHERE m.uid = ?1 AND coalesce(m.expires, ?2 + 1) > ?2 AND coalesce(g.expires, ?2 + 1) > ?2",
    )?;
    let count = |uid: Uid| {
        let groups = statement.query_row(params![uid.0, signed(now.0)], |row| row.get(0))?;
        Ok((uid, groups))
    };
    uids.into_iter().map(count).collect()
}

pub(super) fn save_group(
    db: &Connection,
    group: Group,
    put: Vec<Member>,
    remove: Vec<Uid>,
) -> Sql<GroupId> {
    let new = group.gid == GroupId(0);
    db.prepare_cached(
        "INSERT INTO groups (gid, aid, name, status, image, flags, call_flags, resolution, active,
                             pinned, expires, expiry_extension_s, owner, profile, starts,
                             duration_s, call_duration_s, lobby, fps, video_kbps, audio_kbps,
                             publishers_max)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (gid) DO UPDATE SET
           name = excluded.name, status = excluded.status, image = excluded.image,
           flags = excluded.flags, call_flags = excluded.call_flags,
           resolution = excluded.resolution, active = excluded.active, pinned = excluded.pinned,
           expires = excluded.expires, expiry_extension_s = excluded.expiry_extension_s,
           owner = excluded.owner, profile = excluded.profile, starts = excluded.starts,
           duration_s = excluded.duration_s, call_duration_s = excluded.call_duration_s,
           lobby = excluded.lobby, fps = excluded.fps, video_kbps = excluded.video_kbps,
           audio_kbps = excluded.audio_kbps, publishers_max = excluded.publishers_max",
    )?
    .execute(params![
        (!new).then_some(group.gid.0),
        group.aid.0,
        group.name,
        group.status,
        &group.image,
        group.flags,
        group.call.flags,
        group.call.resolution,
        group.active,
        group.pinned,
        group.expires.map(|at| signed(at.0)),
        group.expiry_extension_s,
        group.owner.map(|uid| uid.0),
        &group.values,
        group.starts.map(|at| signed(at.0)),
        group.duration_s,
        group.call.duration_s,
        group.lobby,
        group.call.fps,
        group.call.video_kbps,
        group.call.audio_kbps,
        group.publishers_max
    ])?;
    let gid = if new { GroupId(db.last_insert_rowid() as u32) } else { group.gid };
    let said = [group.image.as_bytes(), group.values.as_bytes()];
    files::replace(db, files::of_group(gid), &said)?;
    save_pins(db, gid, group.pins, new)?;
    for uid in remove {
        db.prepare_cached("DELETE FROM members WHERE gid = ? AND uid = ?")?
            .execute([gid.0, uid.0])?;
    }
    for member in put {
        db.prepare_cached(
            "INSERT OR REPLACE INTO members (gid, uid, given, denied, admin_flags, expires,
                                             call_flags, resolution, call_duration_s, busy, fps,
                                             video_kbps, audio_kbps, pin)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            gid.0,
            member.uid.0,
            member.given,
            member.denied,
            member.admin_flags,
            member.expires.map(|at| signed(at.0)),
            member.call.flags,
            member.call.resolution,
            member.call.duration_s,
            member.busy,
            member.call.fps,
            member.call.video_kbps,
            member.call.audio_kbps,
            member.pin
        ])?;
    }
    Ok(gid)
}

pub(super) fn load_pins(db: &Connection, gid: GroupId) -> Sql<Vec<Pin>> {
    let mut statement = db.prepare_cached(
        "SELECT pin, flags, admin_flags, member_expiry_s, expires, uses, used, call_flags,
                resolution, call_duration_s
         FROM pins WHERE gid = ? ORDER BY pin",
    )?;
    let pins = statement.query_map([gid.0], |row| {
        Ok(Pin {
            pin: row.get(0)?,
            flags: row.get(1)?,
            admin_flags: row.get(2)?,
            member_expiry_s: row.get(3)?,
            expires: time(row.get(4)?),
            uses: row.get(5)?,
            used: row.get(6)?,
            call_flags: row.get(7)?,
            resolution: row.get(8)?,
            call_duration_s: row.get(9)?,
        })
    })?;
    pins.collect()
}

/// Writes the PINs of a group where they have changed.
pub(super) fn save_pins(db: &Connection, gid: GroupId, pins: Vec<Pin>, new: bool) -> Sql<()> {
    let former = if new { Vec::new() } else { load_pins(db, gid)? };
    for gone in former.iter().filter(|former| pins.iter().all(|pin| pin.pin != former.pin)) {
        db.execute("DELETE FROM pins WHERE gid = ? AND pin = ?", [gid.0, gone.pin])?;
    }
    for pin in pins.into_iter().filter(|pin| !former.contains(pin)) {
        db.prepare_cached(
            "INSERT OR REPLACE INTO pins
               (gid, pin, flags, admin_flags, member_expiry_s, expires, uses, used, call_flags,
                resolution, call_duration_s)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            gid.0,
            pin.pin,
            pin.flags,
            pin.admin_flags,
            pin.member_expiry_s,
            pin.expires.map(|at| signed(at.0)),
            pin.uses,
            pin.used,
            pin.call_flags,
            pin.resolution,
            pin.call_duration_s
        ])?;
    }
    Ok(())
}
