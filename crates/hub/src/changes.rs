//! Messages that change after they were sent: edited or recalled by their sender, or removed from
//! a user's own devices.
//!
//! The stored message is replaced, so that who has not fetched it gets what it says now, and
//! everybody who may have it is told.

use alloc::vec::Vec;
use bytes::Bytes;
use wire::code::Code;
use wire::codec::{Decode as _, Encode as _};
use wire::id::{AppId, GroupId, MessageId, SessionId, Uid};
use wire::limits::{CONTENT_BYTES_MAX, READ_MESSAGES_MAX, RETRACTION_MAX};
use wire::proto::{
    Accepted, Change, Changed, Content, Entry, Message, Remove, Removed, Target, entry,
    server_frame, target,
};

use crate::Output;
use crate::delivery::{EncodedEntry, note};
use crate::directory::{Missing, Needs};
use crate::hub::{Hub, Pending};
use crate::intercept::{Judged, Judgement, Look, changed};
use crate::messaging::fail;
use crate::port::hook::Verdict;
use crate::port::store::{Note, Reply, Request, StoreError};
use wire::time::Timestamp;

/// A change that waits for the message it is about.
#[derive(Clone, Debug)]
pub(crate) struct Changing {
    session: SessionId,
    ticket: u64,
    aid: AppId,
    sender: Uid,
    id: MessageId,
    to: Option<Target>,
    content: Option<Content>,
    /// Whose logs are told.
    audience: Vec<Uid>,
}

/// Notes for several logs whose sender waits for an answer.
#[derive(Debug)]
pub(crate) struct Noted {
    pub session: SessionId,
    pub ticket: u64,
    pub notes: Vec<Note>,
}

impl Hub {
    pub(crate) fn on_change(&mut self, session: SessionId, change: &Change) -> Result<(), Needs> {
        let live = self.sessions.get(&session).and_then(|session| session.live());
        let Some(live) = live else { return Ok(()) };
        let (uid, aid) = (live.uid, live.aid);
        let ticket = change.ticket;
        let Some(id) = MessageId::new(change.id) else {
            self.reject(session, ticket, fail("the message id is zero or not below 2^53"));
            return Ok(());
        };
        if change.content.as_ref().is_some_and(|content| content.encoded_len() > CONTENT_BYTES_MAX)
        {
            self.reject(session, ticket, fail("the content is larger than 68 KiB"));
            return Ok(());
        }
        let audience = self.audience(uid, aid, change.to.as_ref())?;
        let (to, content) = (change.to.clone(), change.content.clone());
        let message = Message {
            id: change.id,
            from_uid: uid.0,
            from: live.address.clone(),
            to: to.clone(),
            content: content.clone(),
            modified: true,
            ..Message::default()
        };
        let is_edit = content.is_some();
        let changing = Changing { session, ticket, aid, sender: uid, id, to, content, audience };
        if !is_edit {
            // What is taken back says nothing.
            self.find_changing(changing);
            return Ok(());
        }
        match self.look_at(aid, &message, Judged::Change(changing.clone().into())) {
            Look::Passed => self.find_changing(changing),
            Look::Asked(_) => {}
            Look::Consumed(_) => self.reject(session, ticket, fail("a word of it is not allowed")),
        }
        Ok(())
    }

    /// The backend of the app has said what becomes of an edit.
    pub(crate) fn on_change_judged(&mut self, changing: Changing, verdict: Verdict) {
        let (session, ticket) = (changing.session, changing.ticket);
        let content = changing.content.clone().unwrap_or_default();
        match self.judgement(changing.aid, verdict, &content) {
            Judgement::Passed => self.find_changing(changing),
            Judgement::Changed { text, title, subtitle } => {
                let content = Some(changed(content, (&text, &title, &subtitle)));
                self.find_changing(Changing { content, ..changing });
            }
            // There is nobody else who could have it: others have what it said before.
            Judgement::Consumed(_) => {
                self.reject(session, ticket, fail("the app's backend has refused it"));
            }
            Judgement::Refused(refusal) => self.reject(session, ticket, refusal),
        }
    }

    fn find_changing(&mut self, changing: Changing) {
        let request = Request::FindMessage { sender: changing.sender, id: changing.id };
        self.ask(request, Pending::Change(changing.into()));
    }

    /// Who is told of a change: everybody the message may have reached, the sender's devices too.
    pub(crate) fn audience(
        &self,
        uid: Uid,
        aid: AppId,
        to: Option<&Target>,
    ) -> Result<Vec<Uid>, Missing> {
        let mut audience = match to.and_then(|to| to.to.as_ref()) {
            None => Vec::new(),
            Some(target::To::Address(address)) => {
                let peer = self.directory.find_user(aid, address)?;
                peer.map(|peer| peer.uid).into_iter().collect()
            }
            Some(target::To::Group(gid)) => match self.directory.group(aid, GroupId(*gid))? {
                None => Vec::new(),
                Some(roster) => roster.receivers(self.now.wall).collect(),
            },
        };
        if !audience.contains(&uid) {
            audience.push(uid);
        }
        Ok(audience)
    }

    /// The message is found, or was never there.
    pub(crate) fn on_change_found(
        &mut self,
        changing: Changing,
        result: Result<Reply, StoreError>,
    ) {
        let (session, ticket) = (changing.session, changing.ticket);
        let Ok(Reply::Message(found)) = result else {
            return self.end(session, Code::Storage, "storage failed");
        };
        let Some((ts, message)) = found.and_then(|(ts, entry)| Some((ts, message_in(&entry)?)))
        else {
            return self.reject(session, ticket, fail("there is no such message"));
        };
        if message.to != changing.to {
            return self.reject(session, ticket, fail("the message went somewhere else"));
        }
        if self.now.wall > ts.after(RETRACTION_MAX) {
            return self.reject(session, ticket, fail("the message is too old to be changed"));
        }
        if message.recalled && changing.content.is_some() {
            return self.reject(session, ticket, fail("the message was recalled"));
        }
        self.store_change(changing, message);
    }

    fn store_change(&mut self, changing: Changing, message: Message) {
        let Changing { session, ticket, aid: _, sender, id, to: _, content, audience } = changing;
        let changed = Changed {
            from_uid: sender.0,
            from: message.from.clone(),
            id: id.get(),
            content: content.clone(),
            ts: self.now.wall.0,
        };
        let recalled = content.is_none();
        let modified = !recalled;
        if recalled {
            self.tell_recalled(&message, sender, id);
        }
        let message = Message { content, modified, recalled, ..message };
        let entry = Entry { body: Some(entry::Body::Message(message)) }.encode_to_vec();
        let changed = EncodedEntry::new(entry::Body::Changed(changed));
        let notes: Vec<_> = audience.into_iter().map(|uid| changed.to(uid)).collect();
        let request =
            Request::ChangeMessage { sender, id, entry: entry.into(), notes: notes.clone() };
        self.ask(request, Pending::Noted(Noted { session, ticket, notes }));
    }

    /// The host forgets what came with a message to a group. Before the change is on disk: a recall
    /// that was not stored is asked for again.
    pub(crate) fn tell_recalled(&mut self, message: &Message, sender: Uid, id: MessageId) {
        if let Some(target::To::Group(gid)) = message.to.as_ref().and_then(|to| to.to.as_ref())
            && message.content.as_ref().is_some_and(|content| content.file.is_some())
        {
            self.output(Output::Recalled { gid: GroupId(*gid), sender, id });
        }
    }

    pub(crate) fn on_remove(&mut self, session: SessionId, remove: &Remove) -> Result<(), Needs> {
        let live = self.sessions.get(&session).and_then(|session| session.live());
        let Some((uid, aid)) = live.map(|live| (live.uid, live.aid)) else { return Ok(()) };
        let ticket = remove.ticket;
        if remove.messages.len() > READ_MESSAGES_MAX {
            self.reject(session, ticket, fail("too many messages in one removal"));
            return Ok(());
        }
        // A conversation with nobody has nothing to be removed.
        let of = self.history_of(aid, remove.of.as_ref())?;
        let before = of.filter(|_| remove.before > 0).map(|of| (of, Timestamp(remove.before)));
        let sender = |from_uid| if from_uid == 0 { uid } else { Uid(from_uid) };
        let named = remove.messages.iter();
        let gone = named.filter_map(|of| Some((sender(of.from_uid), MessageId::new(of.id)?)));
        let gone = gone.collect();
        let Remove { ticket: _, messages, of, before: until, keep } = remove.clone();
        let removed = Removed { messages, of, before: until, keep };
        let notes = alloc::vec![note(uid, entry::Body::Removed(removed))];
        let request =
            Request::RemoveFromHistory { uid, messages: gone, before, notes: notes.clone() };
        self.ask(request, Pending::Noted(Noted { session, ticket, notes }));
        Ok(())
    }

    /// The notes are on disk: who asked is answered, who is online is told.
    pub(crate) fn on_noted(&mut self, noted: Noted, result: Result<Reply, StoreError>) {
        let Noted { session, ticket, notes } = noted;
        if result.is_err() {
            return self.end(session, Code::Storage, "storage failed");
        }
        let accepted = Accepted { id: ticket, ts: self.now.wall.0, recipients: 0 };
        self.send(session, server_frame::Body::Accepted(accepted));
        self.on_notes(&notes, result);
    }
}

pub(crate) fn message_in(entry: &Bytes) -> Option<Message> {
    match Entry::decode(&entry[..]).ok()?.body? {
        entry::Body::Message(message) => Some(message),
        _ => None,
    }
}
