//! What the backend does with the PINs of a group (`backend-api.md` 4.7). What clients do with
//! them stands in [`group_requests`](crate::group_requests); both save the same group.

use alloc::vec::Vec;
use wire::id::{AppId, GroupId};
use wire::limits::PINS_PER_GROUP_MAX;
use wire::time::Duration;

use crate::directory::Needs;
use crate::hub::Hub;
use crate::operations::{Progress, no_group, refusal};
use crate::port::admin::{ErrorCode, Param, PinAction, PinFields, Reply};
use crate::port::store::Pin;
use crate::user_operations::number;

/// Pages take no smaller ones.
const PIN_MIN: u32 = 100_000;
/// Of eight digits, the first not 0.
const DRAWN_FROM: u32 = 10_000_000;
const DRAWN_COUNT: u64 = 90_000_000;

impl Hub {
    pub(crate) fn change_pins(
        &mut self,
        aid: AppId,
        gid: GroupId,
        action: PinAction,
        entropy: &[u8; 64],
    ) -> Result<Progress, Needs> {
        let Some(roster) = self.directory.group(aid, gid)?.cloned() else {
            return Ok(no_group().into());
        };
        let mut after = roster.clone();
        let pins = &mut after.group.pins;
        match action {
            PinAction::List => return Ok(Progress::Answered(Reply::Pins(pins.clone()))),
            PinAction::Remove(number) => {
                let before = pins.len();
                pins.retain(|pin| pin.pin != number);
                if pins.len() == before {
                    let cause = "the group has no such pin";
                    return Ok(refusal(ErrorCode::NotFound, cause, &[Param::Pin]).into());
                }
                after.end_with_pin(number);
            }
            PinAction::Put(fields) => {
                if fields.pin.is_some_and(|pin| pin < PIN_MIN) {
                    let cause = "a pin has at least six digits, the first not 0";
                    return Ok(refusal(ErrorCode::BadParam, cause, &[Param::Pin]).into());
                }
                let now = self.now.wall;
                let known = pins.iter().position(|pin| Some(pin.pin) == fields.pin);
                let pin = match known {
                    Some(known) => pins.remove(known),
                    None => {
                        pins.retain(|pin| pin.expires.is_none_or(|at| at > now));
                        Pin {
                            pin: fields.pin.unwrap_or_else(|| drawn(pins, entropy)),
                            ..Pin::default()
                        }
                    }
                };
                if pins.len() >= PINS_PER_GROUP_MAX {
                    let cause = "the group has as many pins as it may";
                    return Ok(refusal(ErrorCode::Quota, cause, &[]).into());
                }
                let PinFields { pin: _, flags, admin_flags, expiry_s, uses } = fields;
                let expires = match expiry_s {
                    None => pin.expires,
                    Some(0) => None,
                    Some(seconds) => Some(now.after(Duration::from_secs(seconds.into()))),
                };
                pins.push(Pin {
                    flags: flags.unwrap_or(pin.flags),
                    admin_flags: admin_flags.unwrap_or(pin.admin_flags),
                    expires,
                    uses: uses.unwrap_or(pin.uses),
                    ..pin
                });
                pins.sort_unstable_by_key(|pin| pin.pin);
            }
        }
        let reply = Reply::Pins(after.group.pins.clone());
        self.save_group(&roster, after, &[], reply)
    }
}

/// A number that the group does not have yet.
fn drawn(pins: &[Pin], entropy: &[u8; 64]) -> u32 {
    let taken: Vec<_> = pins.iter().map(|pin| pin.pin).collect();
    let start = number(entropy);
    let candidates = (0..).map(|step: u64| start.wrapping_add(step) % DRAWN_COUNT);
    let mut candidates = candidates.map(|place| DRAWN_FROM + place as u32);
    candidates.find(|pin| !taken.contains(pin)).unwrap_or(DRAWN_FROM)
}
