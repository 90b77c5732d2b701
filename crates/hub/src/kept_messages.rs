//! Messages that are kept: what a backend reads, deletes and takes back of them
//! (`backend-api.md` 2.6).
//!
//! Decides only; [`operations`](crate::operations) asks the store and tells everybody.

use alloc::vec::Vec;
use bytes::Bytes;
use wire::codec::Encode as _;
use wire::id::{AppId, MessageId, Uid};
use wire::proto::{Changed, Entry, Message, Removed, Target, entry, target};
use wire::status;
use wire::time::Timestamp;

use crate::changes::message_in;
use crate::delivery::{EncodedEntry, note};
use crate::directory::{Missing, Needs};
use crate::hub::Hub;
use crate::operations::{After, Asker, Job, Progress, refusal};
use crate::port::admin::{AdminError, ErrorCode, KeptRow, Param, Reply, UserRef, With};
use crate::port::apps::{AppRequest, Scheduled};
use crate::port::store::{Copied, HistoryOf, Request, User};

/// Messages of a user that are being taken back, one after the other.
#[derive(Debug)]
pub(crate) struct Recalling {
    aid: AppId,
    sender: Uid,
    rest: Vec<MessageId>,
    done: u32,
}

impl Hub {
    pub(crate) fn get_messages(
        &mut self,
        aid: AppId,
        user: &UserRef,
        with: Option<&With>,
        (before, after): (Option<u64>, Option<u64>),
        (count, deleted): (u32, bool),
    ) -> Result<Progress, Needs> {
        let user = match self.message_user(aid, user)? {
            Ok(user) => user,
            Err(error) => return Ok(error.into()),
        };
        let of = match self.kept_with(aid, with)? {
            Ok(of) => of,
            Err(refused) => return Ok(refused),
        };
        let (until, now) = (Timestamp(u64::MAX >> 1), self.now.wall);
        let request = Request::ReadHistory { uid: user.uid, of, before, after, until, count, now };
        let forward = before.is_none() && after.is_some();
        let read = After::MessagesRead { of: user.uid, forward, deleted };
        Ok(Progress::Ask(request, read))
    }

    pub(crate) fn delete_messages(
        &mut self,
        aid: AppId,
        user: &UserRef,
        with: Option<With>,
        (before, recall): (Timestamp, bool),
    ) -> Result<Progress, Needs> {
        let user = match self.message_user(aid, user)? {
            Ok(user) => user,
            Err(error) => return Ok(error.into()),
        };
        let of = match self.kept_with(aid, with.as_ref())? {
            Ok(of) => of,
            Err(refused) => return Ok(refused),
        };
        let mut notes = Vec::new();
        if recall {
            let to = with.map(|with| match with {
                With::User(address) => target::To::Address(address),
                With::Group(gid) => target::To::Group(gid.0),
            });
            let of = to.map(|to| Target { to: Some(to) });
            let removed = Removed { of, before: before.0, ..Removed::default() };
            notes.push(note(user.uid, entry::Body::Removed(removed)));
        }
        let request = Request::RemoveFromHistory {
            uid: user.uid,
            messages: Vec::new(),
            before: Some((of, before)),
            notes: notes.clone(),
        };
        Ok(Progress::Ask(request, After::MessagesDeleted { notes }))
    }

    /// Whose messages are meant.
    fn message_user(
        &self,
        aid: AppId,
        user: &UserRef,
    ) -> Result<Result<User, AdminError>, Missing> {
        let named =
            |param| if param == Param::UserUid { Param::MessageUid } else { Param::MessageUser };
        Ok(self.user(aid, user)?.map_err(|error| AdminError {
            params: error.params.into_iter().map(named).collect(),
            ..error
        }))
    }

    fn kept_with(
        &self,
        aid: AppId,
        with: Option<&With>,
    ) -> Result<Result<HistoryOf, Progress>, Needs> {
        Ok(match with {
            None => Ok(HistoryOf::All),
            Some(With::Group(gid)) => Ok(HistoryOf::Group(*gid)),
            Some(With::User(address)) => match self.directory.find_user(aid, address)? {
                Some(peer) => Ok(HistoryOf::User(peer.uid)),
                None => {
                    let cause = "no user of this app has this address";
                    Err(refusal(ErrorCode::NoUser, cause, &[Param::MessagePeer]).into())
                }
            },
        })
    }

    pub(crate) fn recall_messages(
        &mut self,
        aid: AppId,
        user: &UserRef,
        mids: Vec<MessageId>,
    ) -> Result<Progress, Needs> {
        let sender = match self.message_user(aid, user)? {
            Ok(user) => user.uid,
            Err(error) => return Ok(error.into()),
        };
        let recalling = Recalling { aid, sender, rest: mids.clone(), done: 0 };
        let request = AppRequest::Cancel { aid, sender, mids };
        Ok(Progress::Ask(Request::OfApp(request), After::Cancelled(recalling)))
    }

    /// What was to be sent later is not; the others have been sent.
    pub(crate) fn on_cancelled(
        &mut self,
        mut recalling: Recalling,
        cancelled: &[Scheduled],
    ) -> Progress {
        // One may be due already, and wait for its turn behind this operation.
        let is_cancelled = |job: &Job| match &job.asker {
            Asker::Clock(due) => cancelled.iter().any(|cancelled| cancelled.id == due.id),
            _ => false,
        };
        let waiting = self.operations.queue.len();
        self.operations.queue.retain(|job| !is_cancelled(job));
        for _ in self.operations.queue.len()..waiting {
            self.on_clock_done(true);
        }
        let sender = recalling.sender;
        recalling.rest.retain(|mid| cancelled.iter().all(|due| !due.is_of(sender, &[*mid])));
        recalling.done = cancelled.len() as u32;
        self.recall_next(recalling)
    }

    pub(crate) fn recall_next(&mut self, recalling: Recalling) -> Progress {
        match recalling.rest.last() {
            Some(id) => {
                let request = Request::FindMessage { sender: recalling.sender, id: *id };
                Progress::Ask(request, After::Recalling(recalling))
            }
            None if recalling.done == 0 => {
                let cause = "none of the messages is kept; mid is a number of this user's messages";
                refusal(ErrorCode::NotFound, cause, &[Param::MessageIds]).into()
            }
            None => Progress::Answered(Reply::Deleted(Some(recalling.done))),
        }
    }

    /// Says nothing any more from now on; whoever has it or may get it is told.
    pub(crate) fn on_recall_found(
        &mut self,
        mut recalling: Recalling,
        found: Option<(Timestamp, Bytes)>,
    ) -> Progress {
        let message = found.and_then(|(_, entry)| message_in(&entry));
        let found = message.is_some();
        let (Some(message), Some(id)) =
            (message.filter(|message| !message.recalled), recalling.rest.last().copied())
        else {
            // One that was taken back before is as good as one that is now.
            recalling.rest.pop();
            recalling.done += u32::from(found);
            return self.recall_next(recalling);
        };
        let (aid, sender) = (recalling.aid, recalling.sender);
        // The same message is looked up again when its recipients are known.
        let audience = match self.audience(sender, aid, message.to.as_ref()) {
            Ok(audience) => audience,
            Err(missing) => return Progress::Load(missing.into()),
        };
        recalling.rest.pop();
        recalling.done += 1;
        self.tell_recalled(&message, sender, id);
        let changed = Changed {
            from_uid: sender.0,
            from: message.from.clone(),
            id: id.get(),
            content: None,
            ts: self.now.wall.0,
        };
        let changed = EncodedEntry::new(entry::Body::Changed(changed));
        let notes: Vec<_> = audience.into_iter().map(|uid| changed.to(uid)).collect();
        let message = Message { content: None, modified: false, recalled: true, ..message };
        let entry = Entry { body: Some(entry::Body::Message(message)) }.encode_to_vec().into();
        let request = Request::ChangeMessage { sender, id, entry, notes: notes.clone() };
        Progress::Ask(request, After::Recalled(recalling, notes))
    }
}

/// What was taken back is shown to who asks for it, as a place where something was.
pub(crate) fn read_messages(
    of: Uid,
    rows: Vec<Copied>,
    (forward, deleted): (bool, bool),
) -> Progress {
    // Also when none of them is shown, there may be more behind them.
    let next = if forward { rows.first() } else { rows.last() }.map(|row| row.place);
    let rows = rows.into_iter().filter_map(|row| {
        let message = message_in(&row.entry).filter(|message| deleted || !message.recalled)?;
        Some(KeptRow { place: row.place, status: status_of(of, &row, &message), message })
    });
    Progress::Answered(Reply::Messages { rows: rows.collect(), next })
}

/// Of a message to a group, that of whoever has come furthest with it.
fn status_of(of: Uid, row: &Copied, message: &Message) -> u32 {
    let is_own = message.from_uid == of.0;
    let is_read = row.receipts.iter().any(|seen| seen.read > Timestamp(0));
    match (message.recalled, is_own) {
        (true, _) => status::DELETED,
        (false, false) => status::RECEIVED_NEW,
        (false, true) if is_read => status::READ,
        (false, true) if !row.receipts.is_empty() => status::DELIVERED,
        (false, true) => status::SENT,
    }
}
