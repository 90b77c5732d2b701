//! Groups of the messenger pages of 2019 (`backend-api.md` 7.2): what their members do with them. Pages
//! of today do this over their own connection.
//!
//! Promises that nobody does more to a group than it may as a member.

use hub::port::admin::{GroupFields, MemberFields, MemberRow, Operation, Reply};
use hub::port::apps::Filter;
use hub::port::store::Group;
use serde_json::{Map, Value, json};
use wire::id::{GroupId, Uid};
use wire::limits::ADMIN_LIST_MAX;
use wire::mask::admin as may;

use super::{Asked, Caller, Outcome, fields};
use crate::admin;
use crate::clock::unix_seconds;

impl Asked<'_> {
    /// Makes a group, or changes its name and picture; `m` are members to add.
    pub(super) async fn set_group(&self, caller: &Caller) -> Outcome {
        let (name, members) = (self.text("name"), self.list("m"));
        let named = GroupFields {
            name: Some(name.clone()).filter(|name| !name.is_empty()),
            image: self.picture.clone(),
            ..GroupFields::default()
        };
        let gid = match self.gid() {
            Some(gid) => {
                let row = self.member_with(caller, gid, may::MODIFY).await?;
                let (nobody, rights) = (Vec::new(), MemberFields::default());
                let set = Operation::GroupSet { gid, fields: named, members: nobody, rights };
                self.ask(&caller.app, set).await.map_err(|_| "BADGROUP")?;
                if !members.is_empty() && row.effective_admin & may::ADD_USER != 0 {
                    let rights = MemberFields::default();
                    let edit = Operation::MembersEdit { gid, members, rights };
                    self.ask(&caller.app, edit).await.map_err(|_| "BADUSER")?;
                }
                gid
            }
            None if name.is_empty() => return Err("MISSINGNAME"),
            None => {
                let owner = caller.named();
                let own = GroupFields { owner: Some(owner), expiry_s: Some(0), ..named };
                let add =
                    Operation::GroupAdd { fields: own, members, rights: MemberFields::default() };
                match self.ask(&caller.app, add).await {
                    Ok(Reply::Group { group, .. }) => group.gid,
                    _ => return Err("BADGROUP"),
                }
            }
        };
        self.group_told(caller, gid).await
    }

    /// The owner deletes the group, another member leaves it.
    pub(super) async fn delete_group(&self, caller: &Caller) -> Outcome {
        let gid = self.gid().ok_or("BADGROUP")?;
        let row = self.member_with(caller, gid, 0).await?;
        let members = [caller.user.address.clone()].into();
        let operation = match row.owner {
            true => Operation::GroupDelete { gid },
            false => Operation::MembersRemove { gid, members },
        };
        self.ask(&caller.app, operation).await.map_err(|_| "BADGROUP")?;
        Ok(fields(json!({"gid": gid.0})))
    }

    pub(super) async fn edit_group_members(&self, caller: &Caller) -> Outcome {
        let (gid, members) = self.group_and_members()?;
        let removes = self.is_on("delete");
        let needed = if removes { may::REM_USER } else { may::ADD_USER };
        let row = self.member_with(caller, gid, needed).await?;
        let operation = match removes {
            true => {
                let members = self.removable(caller, &row, gid, members).await?;
                Operation::MembersRemove { gid, members }
            }
            false => {
                let rights = MemberFields::default();
                Operation::MembersEdit { gid, members, rights }
            }
        };
        self.ask(&caller.app, operation).await.map_err(|_| "BADUSER")?;
        self.members_told(caller, gid).await
    }

    pub(super) async fn set_admin(&self, caller: &Caller) -> Outcome {
        let (gid, members) = self.group_and_members()?;
        let makes = self.is_on("admin");
        let needed = if makes { may::ADD_ADMIN } else { may::REM_ADMIN };
        let row = self.member_with(caller, gid, needed).await?;
        let rows = self.rows(caller, gid).await?;
        let is_member = |address: &String| rows.iter().any(|row| row.user.address == *address);
        if !members.iter().all(is_member) {
            return Err("NOTMEMBER");
        }
        // Nobody gives more than it has.
        let admin_flags = Some(if makes { row.effective_admin & may::ALL } else { 0 });
        let rights = MemberFields { admin_flags, ..MemberFields::default() };
        let edit = Operation::MembersEdit { gid, members, rights };
        self.ask(&caller.app, edit).await.map_err(|_| "BADUSER")?;
        self.members_told(caller, gid).await
    }

    pub(super) async fn get_group(&self, caller: &Caller) -> Outcome {
        let gid = self.gid().ok_or("BADGROUP")?;
        self.member_with(caller, gid, 0).await?;
        self.group_told(caller, gid).await
    }

    /// The caller as a member who may do this.
    pub(super) async fn member_with(
        &self,
        caller: &Caller,
        gid: GroupId,
        needed: u32,
    ) -> Result<MemberRow, &'static str> {
        let row = admin::member(self.shared, caller.app.aid, caller.user.uid, gid).await;
        let row = row.ok_or("NOTMEMBER")?;
        match row.effective_admin & needed == needed {
            true => Ok(row),
            false => Err("BADGROUP"),
        }
    }

    /// A group as its members' pages show it.
    async fn group_told(&self, caller: &Caller, gid: GroupId) -> Outcome {
        let filter = Filter { pattern: "*".into(), id: Some(gid.0), count: 1, ..Filter::default() };
        let reply = self.ask(&caller.app, Operation::GroupsGet { filter }).await;
        let Ok(Reply::Groups(found, _)) = reply else { return Err("BADGROUP") };
        let group = found.into_iter().next().ok_or("BADGROUP")?.group;
        self.told_of(caller, &group).await
    }

    /// The same for a group that is known.
    pub(super) async fn told_of(&self, caller: &Caller, group: &Group) -> Outcome {
        let mut told = self.members_told(caller, group.gid).await?;
        told.extend(fields(json!({
            "name": group.name,
            "photo": group.image,
            "ts": unix_seconds().to_string(),
        })));
        Ok(told)
    }

    /// How many admins there are, and all members with those first.
    async fn members_told(&self, caller: &Caller, gid: GroupId) -> Outcome {
        let mut rows = self.rows(caller, gid).await?;
        let is_admin = |row: &MemberRow| row.owner || row.member.admin_flags != 0;
        rows.sort_by_key(|row| (!is_admin(row), row.user.uid));
        let admins = rows.iter().filter(|row| is_admin(row)).count();
        let addresses: Vec<_> = rows.iter().map(|row| row.user.address.as_str()).collect();
        let members = format!("{admins}:{}", addresses.join(","));
        Ok(Map::from_iter([
            ("gid".to_owned(), Value::from(gid.0)),
            ("members".to_owned(), members.into()),
        ]))
    }

    async fn rows(&self, caller: &Caller, gid: GroupId) -> Result<Vec<MemberRow>, &'static str> {
        let (mut all, mut after) = (Vec::new(), Uid(0));
        loop {
            let get = Operation::MembersGet { gid, pending: false, after, count: ADMIN_LIST_MAX };
            let reply = self.ask(&caller.app, get).await;
            let Ok(Reply::Members { members, more }) = reply else { return Err("BADGROUP") };
            after = members.last().map_or(after, |row| row.user.uid);
            all.extend(members);
            if !more {
                return Ok(all);
            }
        }
    }

    /// The owner is not sent away, nor an admin by who may not do that.
    async fn removable(
        &self,
        caller: &Caller,
        by: &MemberRow,
        gid: GroupId,
        members: Vec<String>,
    ) -> Result<Vec<String>, &'static str> {
        let stays = |row: &MemberRow| {
            let is_admin = row.member.admin_flags != 0 && by.effective_admin & may::REM_ADMIN == 0;
            row.owner || is_admin && row.user.uid != caller.user.uid
        };
        let rows = self.rows(caller, gid).await?;
        let staying: Vec<_> = rows.iter().filter(|row| stays(row)).collect();
        let goes = |address: &String| staying.iter().all(|row| row.user.address != *address);
        let members: Vec<_> = members.into_iter().filter(goes).collect();
        if members.is_empty() { Err("BADUSER") } else { Ok(members) }
    }

    fn group_and_members(&self) -> Result<(GroupId, Vec<String>), &'static str> {
        let (gid, members) = (self.gid().ok_or("BADGROUP")?, self.list("m"));
        if members.is_empty() { Err("MISSINGPARA") } else { Ok((gid, members)) }
    }

    /// A group that is named, `None` when it is a new one.
    pub(super) fn gid(&self) -> Option<GroupId> {
        self.text("gid").parse().ok().filter(|gid| *gid != 0).map(GroupId)
    }

    /// Texts with commas between them, or repeated.
    fn list(&self, name: &str) -> Vec<String> {
        let given = match self.parameters.get(name) {
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text.as_str()],
            _ => Vec::new(),
        };
        let items = given.iter().flat_map(|text| text.split(','));
        items.map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }
}
