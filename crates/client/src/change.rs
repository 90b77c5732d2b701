//! Messages that change after they were sent: edited, recalled, wiped, deleted.
//!
//! The page sees it at once; the server and everybody else are told as soon as there is a
//! connection.

use alloc::vec::Vec;
use wire::id::MessageId;
use wire::limits::RETRACTION_MAX;
use wire::proto::{self, Change, MessageRef, Remove, client_frame};
use wire::status;
use wire::time::{Duration, Now, Timestamp};

use crate::client::{Client, Pending};
use crate::event::Event;
use crate::message::{Content, Conversation, Message, MessageKey};
use crate::outbox::{SendError, check_content, place};
use crate::port::store::{Part, Request, Write};
use crate::profile::mark;

/// Later than any message, and with a place below 2^53.
const END_OF_TIME: Timestamp = Timestamp(1 << 42);

/// Why a message is not changed. Nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Received, failed, deleted, or too old; or not known here.
    #[error("only own messages of the last hour can be changed")]
    Denied,
    /// The new content is empty or too large.
    #[error(transparent)]
    Content(#[from] SendError),
    /// Over `limits::ERRANDS_MAX`.
    #[error("too many changes wait for the server already")]
    TooMany,
}

/// What is removed from the own devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// These.
    Messages(Vec<MessageKey>),
    /// All of a conversation, or of all conversations, sent before a moment.
    Before {
        /// `None` = all.
        conversation: Option<Conversation>,
        /// Exclusive.
        before: Timestamp,
        /// The conversation itself stays in the summary, empty.
        keep: bool,
    },
}

/// What of a message that changed may be changed, `MESIBO_RETRACT_*`.
#[derive(Debug)]
pub(crate) struct Retraction {
    interval: Duration,
    /// A recalled message is removed here, not only emptied.
    removes: bool,
    /// Which changes of others are taken.
    taken: u32,
}

impl Default for Retraction {
    fn default() -> Retraction {
        Retraction { interval: RETRACTION_MAX, removes: false, taken: MODIFY | RECALL }
    }
}

const MODIFY: u32 = 1;
/// Wipe or delete.
const RECALL: u32 = 2 | 4;
const DELETE: u32 = 4;

impl Client {
    /// How long an own message may be changed, seconds; no longer than the server allows.
    pub fn set_retraction_interval(&mut self, seconds: u32) {
        self.retraction.interval = Duration::from_secs(seconds.into()).min(RETRACTION_MAX);
    }

    /// See [`Client::set_retraction_interval`].
    pub fn retraction_interval(&self) -> u32 {
        self.retraction.interval.as_secs() as u32
    }

    /// `MESIBO_RETRACT_*`. Here: with DELETE a recalled message is removed, not only emptied.
    /// `remote`: which changes of others are taken.
    pub fn set_retraction_policy(&mut self, mask: u32, remote: bool) {
        match remote {
            true => self.retraction.taken = mask,
            false => self.retraction.removes = mask & DELETE != 0,
        }
    }

    /// Whether an own message may still be edited or recalled.
    pub fn may_change(&self, now: Now, key: &MessageKey) -> bool {
        self.memory.get(key).is_some_and(|message| self.is_changeable(now, message))
    }

    fn is_changeable(&self, now: Now, message: &Message) -> bool {
        let end = message.ts.after(self.retraction.interval);
        !message.key.incoming
            && message.status <= status::READ
            && self.session.server_time(now) <= end
    }

    /// Gives an own message new content.
    pub fn edit(
        &mut self,
        now: Now,
        key: &MessageKey,
        content: Content,
    ) -> Result<(), ChangeError> {
        check_content(&content)?;
        let message = self.changeable(now, key)?;
        // One that has not left yet simply says the new.
        let left = !self.is_waiting(key);
        // Its file is still on its way.
        let file = match left {
            true => content.file,
            false => content.file.or_else(|| message.content.file.clone()),
        };
        let content = Content { file, ..content };
        if left {
            self.tell_server(&message, Some(&content));
        }
        self.put_changed(Message { content, modified: left, ..message });
        Ok(())
    }

    /// Takes an own message back from everybody.
    pub fn recall(&mut self, now: Now, key: &MessageKey) -> Result<(), ChangeError> {
        let message = self.changeable(now, key)?;
        if self.is_waiting(key) {
            self.drop_from_outbox(key);
        } else {
            self.tell_server(&message, None);
        }
        match self.retraction.removes {
            true => self.apply_removal(Removal::Messages([key.clone()].into())),
            false => self.put_changed(emptied(message, status::DELETED)),
        }
        Ok(())
    }

    /// Erases what messages say on this device; their places stay.
    pub fn wipe(&mut self, keys: &[MessageKey]) {
        for key in keys {
            if let Some(message) = self.memory.get(key).cloned() {
                self.put_changed(emptied(message, status::WIPED));
            }
        }
    }

    /// Removes messages from the own devices.
    pub fn remove(&mut self, removal: Removal) -> Result<(), ChangeError> {
        if !self.takes_errands() {
            return Err(ChangeError::TooMany);
        }
        let (messages, of, before, keep) = match &removal {
            Removal::Messages(keys) => (
                keys.iter().filter_map(|key| self.reference(key)).collect(),
                None,
                Timestamp(0),
                false,
            ),
            Removal::Before { conversation, before, keep } => {
                (Vec::new(), conversation.as_ref().map(Into::into), *before, *keep)
            }
        };
        let before = before.0;
        self.run_errand(None, |ticket| {
            client_frame::Body::Remove(Remove { ticket, messages, of, before, keep })
        });
        self.apply_removal(removal);
        Ok(())
    }

    fn changeable(&self, now: Now, key: &MessageKey) -> Result<Message, ChangeError> {
        let message = self.memory.get(key).filter(|message| self.is_changeable(now, message));
        let message = message.cloned().ok_or(ChangeError::Denied)?;
        self.takes_errands().then_some(message).ok_or(ChangeError::TooMany)
    }

    fn tell_server(&mut self, message: &Message, content: Option<&Content>) {
        let (id, to) = (message.key.id, Some((&message.conversation).into()));
        let content = content.map(proto::Content::from);
        self.run_errand(Some(id), |ticket| {
            client_frame::Body::Change(Change { ticket, id: id.get(), to, content })
        });
    }

    /// How the server and the other devices call a message.
    fn reference(&self, key: &MessageKey) -> Option<MessageRef> {
        let from_uid = match key.incoming {
            true => self.memory.get(key)?.sender_uid.0,
            false => 0,
        };
        Some(MessageRef { from_uid, id: key.id.get(), receipt: false })
    }

    fn put_changed(&mut self, message: Message) {
        self.announce_sent(&message.key);
        self.commits.write(Write::Message(message.clone().into(), Part::Content));
        let sessions = self.reading.matching(&message);
        self.keep(message.clone());
        self.tell(Event::MessageUpdate { message, sessions });
    }

    /// Empties the store of this device: of all messages, of all profiles. Sessions begin anew.
    pub fn reset_store(&mut self, messages: bool, profiles: bool) {
        if messages {
            let before = END_OF_TIME;
            self.apply_removal(Removal::Before { conversation: None, before, keep: false });
            self.reading.restart_sessions();
        }
        if profiles {
            self.commits.write(Write::ForgetProfiles);
        }
    }

    /// Removes conversations with groups the user has left and, unless only those, with people whose
    /// profile was deleted; from this device.
    pub fn remove_zombies(&mut self, only_groups: bool) {
        let request = Request::Summary { from: None, count: u32::MAX };
        self.ask_behind_writes(request, Pending::Zombies(only_groups));
    }

    pub(crate) fn on_zombies(&mut self, only_groups: bool, latest: &[Message]) {
        for message in latest {
            let conversation = message.conversation.clone();
            let is_gone = match &conversation {
                Conversation::Group(gid) => !self.profiles.is_member(*gid),
                Conversation::User(_) if only_groups => false,
                of => {
                    let profile = self.profiles.get(of);
                    profile.is_some_and(|profile| profile.local.marks & mark::DELETED != 0)
                }
            };
            if is_gone {
                let (conversation, before) = (Some(conversation), END_OF_TIME);
                self.apply_removal(Removal::Before { conversation, before, keep: false });
            }
        }
    }

    // ---- what the log says -------------------------------------------------------------------

    /// The messages a change is about: a message to oneself is two.
    pub(crate) fn changed_keys(&self, changed: &proto::Changed) -> Vec<MessageKey> {
        let Some(id) = MessageId::new(changed.id) else { return Vec::new() };
        let incoming = MessageKey { incoming: true, sender: changed.from.clone(), id };
        match self.is_self(changed.from_uid) {
            true => alloc::vec![MessageKey::outgoing(id), incoming],
            false => alloc::vec![incoming],
        }
    }

    /// A change that was made elsewhere, or came back from the server.
    pub(crate) fn apply_changed(&mut self, changed: &proto::Changed) {
        for key in self.changed_keys(changed) {
            let Some(message) = self.memory.get(&key).cloned() else { continue };
            if message.status == status::DELETED || message.status == status::WIPED {
                continue;
            }
            let kind = if changed.content.is_some() { MODIFY } else { RECALL };
            if key.incoming && self.retraction.taken & kind == 0 {
                continue;
            }
            if self.retraction.removes && changed.content.is_none() {
                self.apply_removal(Removal::Messages([key].into()));
                continue;
            }
            let message = match &changed.content {
                None => emptied(message, status::DELETED),
                Some(content) => {
                    let content = Content::from(content.clone());
                    if message.content == content {
                        continue;
                    }
                    Message { content, modified: true, ..message }
                }
            };
            self.put(&message, Part::Content);
            let sessions = self.reading.matching(&message);
            self.keep(message.clone());
            self.inbox.tell_when_stored(Event::MessageUpdate { message, sessions });
        }
    }

    /// Messages were removed on another own device.
    pub(crate) fn apply_removed(&mut self, removed: &proto::Removed) {
        let keys = removed.messages.iter().filter_map(|reference| match reference.from_uid {
            0 => MessageId::new(reference.id).map(MessageKey::outgoing),
            _ => self.key_of(reference),
        });
        let keys: Vec<_> = keys.collect();
        if !keys.is_empty() {
            self.apply_removal(Removal::Messages(keys));
        }
        if removed.before > 0 {
            let conversation = removed.of.as_ref().and_then(Conversation::of);
            let before = Timestamp(removed.before);
            self.apply_removal(Removal::Before { conversation, before, keep: removed.keep });
        }
    }

    pub(crate) fn apply_removal(&mut self, removal: Removal) {
        match &removal {
            Removal::Messages(keys) => {
                for key in keys {
                    self.forget_message(key);
                    self.commits.write(Write::DeleteMessage(key.clone()));
                }
            }
            Removal::Before { conversation, before, keep } => {
                let ts = *before;
                let before = place(*before, 0);
                self.forget_before(conversation.as_ref(), before);
                let conversation = conversation.clone();
                self.commits
                    .write(Write::DeleteBefore { conversation: conversation.clone(), before });
                if let Some(conversation) = conversation.filter(|_| *keep) {
                    let place = self.empty_place(conversation, ts, before - 1);
                    self.commits.write(Write::Message(place.into(), Part::Past));
                }
            }
        }
        self.tell(Event::Removed { removal });
        self.refresh_summaries();
    }

    pub(crate) fn forget_message(&mut self, key: &MessageKey) {
        self.drop_from_outbox(key);
        self.memory.remove(key);
    }

    pub(crate) fn forget_before(&mut self, conversation: Option<&Conversation>, before: u64) {
        let gone = |message: &Message| {
            message.order < before && conversation.is_none_or(|of| *of == message.conversation)
        };
        for key in self.outbox.unannounced() {
            if self.memory.get(&key).is_some_and(gone) {
                self.announce_sent(&key);
            }
        }
        for key in self.memory.take(gone) {
            self.drop_from_outbox(&key);
        }
    }

    /// Whether an own message has not left yet, as far as this tab can know.
    fn is_waiting(&self, key: &MessageKey) -> bool {
        !self.tabs.follows() && self.outbox.is_waiting(key)
    }

    /// The latest of a conversation may be another one now.
    pub(crate) fn refresh_summaries(&mut self) {
        self.reading.removed();
        for (session, count) in self.reading.summaries() {
            let request = Request::Summary { from: None, count };
            self.ask_behind_writes(request, Pending::Summary(session));
        }
    }

    /// What is left of a conversation without messages.
    fn empty_place(&mut self, conversation: Conversation, ts: Timestamp, order: u64) -> Message {
        let peer = match &conversation {
            Conversation::User(address) => address.clone(),
            Conversation::Group(_) => Default::default(),
        };
        Message {
            key: self.new_key(0),
            conversation,
            peer,
            sender_uid: self.session.uid,
            kind: 0,
            flags: 0,
            expiry: None,
            ts,
            order,
            status: status::EMPTY,
            content: Content::default(),
            modified: false,
            recipients: 0,
            duration: 0,
            receipts: Default::default(),
        }
    }

    /// Forgets a message that waits to be sent. The page hears of it before it hears that it is gone.
    fn drop_from_outbox(&mut self, key: &MessageKey) {
        self.announce_sent(key);
        self.discard_file(key);
        self.outbox.forget(key);
    }
}

/// A message of which only the place is left.
fn emptied(message: Message, status: u32) -> Message {
    let thread = message.content.thread;
    Message { content: Content { thread, ..Content::default() }, status, ..message }
}
