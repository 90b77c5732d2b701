//! What a page asks to be changed in a group: its objects as the server's words, and back.

use wasm_bindgen::prelude::*;
use wire::id::GroupId;
use wire::mask::call;
use wire::proto::group_request::What;
use wire::proto::{Admit, GroupSettings, MembersPut, MembersRemove, Permissions, Pin};

use super::arguments::{optional_text, property, u32 as to_u32};
use super::page::Page;
use super::records::set;

/// A number, `None` when the page left it out.
fn optional(object: &JsValue, name: &str) -> Option<u32> {
    let value = property(object, name);
    (!value.is_null_or_undefined()).then(|| to_u32(&value))
}

/// An empty name is no name, and call flags count with `VALID` only: both stay as they are.
fn settings(object: &JsValue) -> GroupSettings {
    GroupSettings {
        name: optional_text(&property(object, "name")).filter(|name| !name.is_empty()),
        flags: optional(object, "flags"),
        call_flags: optional(object, "callFlags").filter(|flags| flags & call::VALID != 0),
        resolution: optional(object, "videoResolution"),
        expiry: optional(object, "expiry"),
        call_duration: optional(object, "callDuration"),
        ..GroupSettings::default()
    }
}

fn permissions(object: &JsValue) -> Permissions {
    Permissions {
        flags: to_u32(&property(object, "flags")),
        admin_flags: optional(object, "adminFlags"),
        expiry: optional(object, "expiry"),
        call_flags: optional(object, "callFlags"),
        call_duration: optional(object, "callDuration"),
        resolution: optional(object, "videoResolution"),
    }
}

fn pin(object: &JsValue) -> Pin {
    Pin {
        pin: to_u32(&property(object, "pin")),
        permissions: Some(permissions(&property(object, "permissions"))),
        expiry: to_u32(&property(object, "expiry")),
        uses: to_u32(&property(object, "count")),
        used: 0,
    }
}

/// A PIN as pages read it.
pub fn pin_object(pin: &Pin) -> JsValue {
    let (object, given) = (js_sys::Object::new(), js_sys::Object::new());
    let permissions = pin.permissions.unwrap_or_default();
    let numbers = [
        ("flags", permissions.flags),
        ("adminFlags", permissions.admin_flags.unwrap_or(0)),
        ("callFlags", permissions.call_flags.unwrap_or(0)),
        ("callDuration", permissions.call_duration.unwrap_or(0)),
        ("videoResolution", permissions.resolution.unwrap_or(0)),
        ("expiry", permissions.expiry.unwrap_or(0)),
    ];
    for (name, number) in numbers {
        set(&given, name, &number.into());
    }
    set(&object, "pin", &pin.pin.into());
    set(&object, "permissions", &given);
    set(&object, "expiry", &pin.expiry.into());
    set(&object, "count", &pin.uses.into());
    set(&object, "used", &pin.used.into());
    object.into()
}

impl Page {
    /// `verb` names a change; `js/groups.js` has made `addresses` and `object` of what the page
    /// passed.
    pub fn change_group(
        &self,
        gid: GroupId,
        verb: &str,
        addresses: Vec<String>,
        object: &JsValue,
        listener: JsValue,
    ) {
        let what = match verb {
            "create" => What::Create(settings(object)),
            "set" => What::Set(settings(object)),
            "put" => What::Put(MembersPut { addresses, permissions: Some(permissions(object)) }),
            "remove" => What::Remove(MembersRemove { addresses }),
            "admit" => What::Admit(Admit { addresses, admit: object.is_truthy() }),
            "delete" => What::Delete(true),
            "leave" => What::Leave(true),
            "join" => What::Join(to_u32(object)),
            "addPin" => What::AddPin(pin(object)),
            "editPin" => What::EditPin(pin(object)),
            _ => What::RemovePin(to_u32(object)),
        };
        let driver = self.driver;
        let ticket = driver.call(|client, _| client.change_group(gid, what));
        self.remember_asker(ticket, listener);
    }
}
