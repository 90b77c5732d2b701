//! The picture of a user, or of a group, set or taken away by a form (`backend-api.md` 6.1, 6.2: pages
//! of the first generation).
//!
//! Relies on the backend's operations to tell everybody concerned. Promises that nobody sets a picture
//! but their own, and that of groups whose settings they may change.

use hub::Uploader;
use hub::port::admin::{
    Credential, GroupFields, MemberFields, Operation, Reply, UserFields, UserRef,
};
use serde_json::{Map, Value, json};
use wire::id::{GroupId, Uid};
use wire::mask::admin as may;

use super::upload::Refusal;
use crate::Shared;
use crate::admin;

/// Whose picture an uploader changes.
#[derive(Clone, Copy, Debug)]
pub enum Owner {
    /// Of themselves.
    User(Uid),
    /// Of a group.
    Group(GroupId),
}

/// Whose picture it is, if the uploader may change it.
pub async fn owner(
    shared: &Shared,
    by: &Uploader,
    group: Option<GroupId>,
) -> Result<Owner, Refusal> {
    let Some(gid) = group.filter(|gid| gid.0 != 0) else { return Ok(Owner::User(by.uid)) };
    let row = admin::member(shared, by.aid, by.uid, gid).await.ok_or(Refusal::BadGroup)?;
    match row.effective_admin & may::MODIFY != 0 {
        true => Ok(Owner::Group(gid)),
        false => Err(Refusal::NotAllowed),
    }
}

/// Sets the picture, empty to take it away; what the answer says beside the file, `None` when it
/// could not be stored.
pub async fn set(
    shared: &Shared,
    by: &Uploader,
    owner: Owner,
    image: &str,
) -> Option<Map<String, Value>> {
    let image = Some(image.to_owned());
    let operation = match owner {
        Owner::User(uid) => Operation::UserSet {
            user: UserRef { uid: Some(uid), address: None },
            fields: UserFields { image, ..UserFields::default() },
            remove: None,
            token: None,
        },
        Owner::Group(gid) => Operation::GroupSet {
            gid,
            fields: GroupFields { image, ..GroupFields::default() },
            members: Vec::new(),
            rights: MemberFields::default(),
        },
    };
    let told = match admin::ask(shared, Credential::ForApp(by.aid), operation).await.ok()? {
        Reply::User { user, .. } => json!({
            "gid": 0, "address": user.address, "phone": user.address, "name": user.name,
            "status": user.status,
        }),
        Reply::Group { group, .. } => json!({
            "gid": group.gid.0, "address": "", "phone": "", "name": group.name,
            "status": group.status,
        }),
        _ => return None,
    };
    let Value::Object(mut told) = told else { return None };
    told.insert("profile".into(), 1.into());
    // Of a picture that is taken away.
    told.insert("tn".into(), "".into());
    Some(told)
}
