//! Conference rooms of the pages of 2020: made, joined with a number, listed
//! (`backend-api.md` 7.2). Pages of today do this over their own connection.

use hub::port::admin::{
    GroupFields, GroupRow, MemberFields, Operation, PinAction, PinFields, Reply,
};
use hub::port::apps::Filter;
use hub::port::call::CallFields;
use hub::port::store::Pin;
use serde_json::{Value, json};
use wire::id::GroupId;
use wire::limits::ADMIN_LIST_MAX;
use wire::mask::member as right;

use super::{Asked, Caller, Outcome, fields};

/// What a number of a room gives.
const PARTICIPANT: u32 = right::ALL;
const VIEWER: u32 = right::ALL & !right::PUB;

impl Asked<'_> {
    pub(super) async fn make_room(&self, caller: &Caller) -> Outcome {
        let name = self.text("name");
        let resolution = self.text("resolution").parse().unwrap_or(0);
        if name.is_empty() {
            return Err("MISSINGPARA");
        }
        let owner = caller.named();
        let room = Operation::GroupAdd {
            fields: GroupFields {
                name: Some(name.clone()),
                call: CallFields { resolution: Some(resolution), ..CallFields::default() },
                owner: Some(owner),
                ..GroupFields::default()
            },
            members: Vec::new(),
            rights: MemberFields::default(),
        };
        let Ok(Reply::Group { group, .. }) = self.ask(&caller.app, room).await else {
            return Err("BADGROUP");
        };
        let mut numbers = Vec::new();
        for flags in [PARTICIPANT, VIEWER] {
            let put = PinFields { flags: Some(flags), ..PinFields::default() };
            let action = PinAction::Put(put);
            let pins = self.ask(&caller.app, Operation::GroupPin { gid: group.gid, action }).await;
            let Ok(Reply::Pins(pins)) = pins else { return Err("BADGROUP") };
            let pin = pins.iter().find(|pin| pin.flags == flags).ok_or("BADGROUP")?;
            numbers.push(pin.pin.to_string());
        }
        Ok(fields(json!({
            "gid": group.gid.0,
            "name": name,
            "type": self.text("type"),
            "resolution": resolution,
            "publish": 1,
            "pin": numbers[0],
            "spin": numbers[1],
        })))
    }

    pub(super) async fn join_room(&self, caller: &Caller) -> Outcome {
        // Numbers are short: who guesses is made to wait, and told the same of rooms there are not.
        if self.demo.failures.too_many(self.origin.address) {
            return Err("BADGROUP");
        }
        let gid = self.text("gid").parse().map_err(|_| "BADGROUP")?;
        let room = self.rooms(caller, Some(gid)).await.into_iter().next();
        let owner = room.as_ref().is_some_and(|room| room.owner == caller.user.address);
        if owner && let Some(room) = &room {
            let mut answer = self.told(room, 1);
            answer.extend(numbers_of(room));
            return Ok(answer);
        }
        let pin = self.text("pin").parse::<u32>().ok();
        let usable = |room: GroupRow| {
            let found = room.group.pins.iter().find(|known| Some(known.pin) == pin)?;
            // One that ends is counted where it is used over a connection, not here.
            let endless = found.uses == 0 && found.expires.is_none();
            // So is one that is for one user, in a room that others enter with a shared one.
            let is_shared = |pin: &Pin| pin.flags & right::SHARED_PIN != 0;
            let for_one = room.group.pins.iter().any(is_shared) && !is_shared(found);
            let flags = (endless && !for_one).then_some(found.flags)?;
            Some((room, flags))
        };
        let Some((room, flags)) = room.and_then(usable) else {
            self.demo.failures.count(self.origin.address);
            return Err("BADGROUP");
        };
        let rights = MemberFields {
            given: flags & right::ALL,
            denied: right::ALL & !flags,
            ..MemberFields::default()
        };
        let members = [caller.user.address.clone()].into();
        let join = Operation::MembersEdit { gid: GroupId(gid), members, rights };
        self.ask(&caller.app, join).await.map_err(|_| "BADGROUP")?;
        Ok(self.told(&room, u8::from(flags & right::PUB != 0)))
    }

    pub(super) async fn list_rooms(&self, caller: &Caller) -> Outcome {
        let rooms = self.rooms(caller, None).await;
        let rooms = rooms.iter().filter(|room| room.owner == caller.user.address);
        let rows = rooms.map(|room| {
            let mut row = fields(json!({
                "uid": caller.user.uid.0, "gid": room.group.gid.0, "name": room.group.name
            }));
            row.extend(numbers_of(room));
            Value::Object(row)
        });
        let rows: Vec<_> = rows.collect();
        Ok(fields(json!({"count": rows.len(), "rooms": rows})))
    }

    async fn rooms(&self, caller: &Caller, gid: Option<u32>) -> Vec<GroupRow> {
        let filter =
            Filter { pattern: "*".into(), id: gid, count: ADMIN_LIST_MAX, ..Filter::default() };
        match self.ask(&caller.app, Operation::GroupsGet { filter }).await {
            Ok(Reply::Groups(rooms, _)) => rooms,
            _ => Vec::new(),
        }
    }

    fn told(&self, room: &GroupRow, publish: u8) -> serde_json::Map<String, Value> {
        fields(json!({
            "gid": room.group.gid.0,
            "name": room.group.name,
            "type": self.text("type"),
            "publish": publish,
        }))
    }
}

/// The number that lets publish, and the one that does not.
fn numbers_of(room: &GroupRow) -> serde_json::Map<String, Value> {
    let number = |publishes: bool| {
        let mut pins = room.group.pins.iter();
        let found = pins.find(|pin| (pin.flags & right::PUB != 0) == publishes);
        found.map(|pin| pin.pin.to_string()).unwrap_or_default()
    };
    fields(json!({"pin": number(true), "spin": number(false)}))
}
