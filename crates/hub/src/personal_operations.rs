//! Operations on everything that is kept of one user: telling it, and taking it out.
//!
//! Erasing goes from the outside in, so that one that was interrupted can be asked for again: the user
//! is shut out and others are told that it left their groups; the host removes files and events; what
//! records of others say goes step by step; the user itself goes last.

use alloc::boxed::Box;
use alloc::vec::Vec;
use wire::id::{AppId, GroupId};
use wire::limits::ERASE_ROWS_MAX;

use crate::Person;
use crate::changes::message_in;
use crate::directory::Needs;
use crate::hub::Hub;
use crate::operations::{After, Progress, storage_failed};
use crate::port::admin::{Reply, UserRef};
use crate::port::personal::{ErasePlace, Known, PersonalReply, PersonalRequest};
use crate::port::store::{Request, User};

/// What a question about everything of a user is for.
#[derive(Debug)]
pub(crate) enum Personal {
    /// To be told, with the messages behind it.
    Known(User, u32),
    /// To be told, and what comes before them.
    Messages(User, Option<Box<Known>>, u32),
    /// For its files.
    Files(User),
    /// To be taken out.
    Erase(User),
}

impl Hub {
    pub(crate) fn export_user(
        &mut self,
        aid: AppId,
        user: &UserRef,
        (after, count): (u64, u32),
    ) -> Result<Progress, Needs> {
        let user = match self.user(aid, user)? {
            Ok(user) => user,
            Err(error) => return Ok(error.into()),
        };
        let uid = user.uid;
        Ok(match after {
            0 => personal(PersonalRequest::Known { uid }, Personal::Known(user, count)),
            _ => {
                let request = PersonalRequest::Messages { uid, after, count };
                personal(request, Personal::Messages(user, None, count))
            }
        })
    }

    pub(crate) fn erase_user(
        &mut self,
        aid: AppId,
        user: &UserRef,
        memberships: Option<&[GroupId]>,
        rest: bool,
    ) -> Result<Progress, Needs> {
        let user = match self.user(aid, user)? {
            Ok(user) => user,
            Err(error) => return Ok(error.into()),
        };
        if rest {
            return Ok(erase(user, ErasePlace::START));
        }
        if user.active {
            let request = Request::SaveUser { user: User { active: false, ..user } };
            return Ok(Progress::Ask(request, After::UserShutOut));
        }
        let Some(memberships) = memberships else {
            let request = Request::LoadMemberships { uid: user.uid };
            return Ok(Progress::Ask(request, After::Memberships));
        };
        let notes = self.leaving_notes(aid, user.uid, memberships)?;
        let request = Request::AppendNotes { notes: notes.clone() };
        Ok(Progress::Ask(request, After::LeavingTold { user, notes }))
    }

    pub(crate) fn follow_personal(&mut self, of: Personal, reply: PersonalReply) -> Progress {
        match (of, reply) {
            (Personal::Known(user, count), PersonalReply::Known(known)) => {
                let request = PersonalRequest::Messages { uid: user.uid, after: 0, count };
                personal(request, Personal::Messages(user, Some(Box::new(known)), count))
            }
            (Personal::Messages(user, known, count), PersonalReply::Messages(rows)) => {
                let full = rows.len() == count as usize;
                let next = rows.last().map(|(place, _)| *place).filter(|_| full);
                let messages = rows.iter().filter_map(|(_, entry)| message_in(entry)).collect();
                Progress::Answered(Reply::Personal { user, known, messages, next })
            }
            (Personal::Files(user), PersonalReply::Known(known)) => {
                let files = known.files.into_iter().map(|file| file.name).collect();
                Progress::Answered(Reply::Erasing { user, files })
            }
            (Personal::Erase(user), PersonalReply::Erased(Some(next))) => erase(user, next),
            (Personal::Erase(user), PersonalReply::Erased(None)) => {
                self.otps.forget(user.aid, &user.address);
                let request = Request::DeleteUser { uid: user.uid, notes: Vec::new() };
                Progress::Ask(request, After::UserDeleted { user, notes: Vec::new() })
            }
            (of, reply) => {
                self.log(alloc::format!("the store answered {of:?} with {reply:?}"));
                Progress::Refused(storage_failed())
            }
        }
    }

    /// Others have been told that the user left.
    pub(crate) fn after_leaving(user: User) -> Progress {
        personal(PersonalRequest::Known { uid: user.uid }, Personal::Files(user))
    }
}

fn personal(request: PersonalRequest, of: Personal) -> Progress {
    Progress::Ask(Request::Personal(request), After::Personal(of))
}

fn erase(user: User, from: ErasePlace) -> Progress {
    let request = PersonalRequest::Erase { who: Person::from(&user), from, count: ERASE_ROWS_MAX };
    personal(request, Personal::Erase(user))
}
