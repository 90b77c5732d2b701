//! A member of a group.

use client::event::Member;
use wasm_bindgen::prelude::*;

use super::records::set;

/// `MesiboGroupMember`
#[wasm_bindgen]
pub struct MesiboGroupMember {
    member: Member,
    profile: JsValue,
}

impl MesiboGroupMember {
    pub(crate) fn new(member: Member, profile: JsValue) -> MesiboGroupMember {
        MesiboGroupMember { member, profile }
    }
}

#[wasm_bindgen]
impl MesiboGroupMember {
    #[wasm_bindgen(js_name = getProfile)]
    pub fn get_profile(&self) -> JsValue {
        self.profile.clone()
    }

    #[wasm_bindgen(js_name = getAddress)]
    pub fn get_address(&self) -> String {
        self.member.address.clone()
    }

    #[wasm_bindgen(js_name = isOwner)]
    pub fn is_owner(&self) -> bool {
        self.member.owner
    }

    #[wasm_bindgen(js_name = isAdmin)]
    pub fn is_admin(&self) -> bool {
        self.member.owner || self.member.admin_flags != 0
    }

    #[wasm_bindgen(js_name = getPermissions)]
    pub fn get_permissions(&self) -> JsValue {
        let permissions = js_sys::Object::new();
        set(&permissions, "flags", &self.member.flags.into());
        set(&permissions, "adminFlags", &self.member.admin_flags.into());
        permissions.into()
    }
}
