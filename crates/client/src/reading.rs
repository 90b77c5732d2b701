//! Read sessions: what a page reads of its conversations, newest first.
//!
//! A session reads from the store behind a position; what arrives while it is open belongs to it
//! too and is left out of later reads. Reading marks messages read and tells the senders, but
//! only while the page is visible.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use wire::limits::{FILTERED_READ_MAX, READ_COUNT_DEFAULT};
use wire::status;

use crate::Output;
use crate::client::{Client, Pending};
use crate::event::{Event, Origin, ReadSessionId};
use crate::message::{Conversation, Message, MessageKey};
use crate::port::store::{Position, Request};
use crate::sorted::{Map, Set};

/// Whether a text has another one in it, whatever their case. The host knows the cases of all
/// scripts: the browser has the tables, a download of them would be larger than this whole part.
pub type Search = fn(text: &str, wanted: &str) -> bool;

/// What a session reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One conversation.
    Conversation(Conversation),
    /// Everything.
    All,
    /// The latest message of each conversation.
    Summary,
}

/// How a session reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFilter {
    /// What.
    pub scope: Scope,
    /// Oldest first.
    pub fifo: bool,
    /// What is read is marked read, and its senders are told.
    pub receipts: bool,
    /// Only this thread, 0 = all.
    pub thread: u32,
    /// Only messages with this text, whatever its case.
    pub query: Option<String>,
    /// Bits of [`kind`].
    pub kinds: u32,
}

/// What kinds of messages a session has.
pub mod kind {
    /// Messages that are no call record.
    pub const MESSAGES: u32 = 1;
    /// Missed calls.
    pub const MISSED_CALLS: u32 = 2;
    /// Calls that came.
    pub const INCOMING_CALLS: u32 = 4;
    /// Calls that were made.
    pub const OUTGOING_CALLS: u32 = 8;
    /// Of these, only those with a file.
    pub const FILES: u32 = 16;
    /// Of these, only those of threads.
    pub const THREADS: u32 = 32;
    /// What a session has when the page says nothing.
    pub const DEFAULT: u32 = MESSAGES | MISSED_CALLS | INCOMING_CALLS | OUTGOING_CALLS;
}

impl SessionFilter {
    /// All of a scope, newest first.
    pub fn new(scope: Scope) -> SessionFilter {
        SessionFilter {
            scope,
            fifo: false,
            receipts: false,
            thread: 0,
            query: None,
            kinds: kind::DEFAULT,
        }
    }
}

/// A switch of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionChange {
    /// Oldest first.
    Fifo(bool),
    /// See [`SessionFilter::receipts`].
    Receipts(bool),
    /// Summary instead of all messages, and back.
    Summary(bool),
    /// See [`SessionFilter::thread`].
    Thread(u32),
    /// See [`SessionFilter::query`].
    Query(Option<String>),
    /// These of [`SessionFilter::kinds`] are on, or off.
    Kinds(u32, bool),
}

#[derive(Debug)]
struct ReadSession {
    filter: SessionFilter,
    /// Gets what arrives.
    active: bool,
    position: Option<Position>,
    /// Messages that were read, with those that match no filter.
    shown: u32,
    /// Everything there is was read.
    ended: bool,
    /// See [`Reading::synced`].
    synced: u64,
    /// Reads that wait for the one under way.
    queue: VecDeque<u32>,
    batch: Option<Batch>,
    /// Arrived while the session was open: the store has them, too.
    live: Set<MessageKey>,
    /// Read while the page was hidden.
    held: Vec<MessageKey>,
}

/// A read under way.
#[derive(Debug)]
struct Batch {
    wanted: u32,
    asked: u32,
    found: Vec<Message>,
    /// Messages were removed since the store was asked: what it answers may hold them.
    stale: bool,
}

impl ReadSession {
    fn matches(&self, message: &Message, search: Search) -> bool {
        let in_scope = match &self.filter.scope {
            Scope::Conversation(conversation) => *conversation == message.conversation,
            Scope::All | Scope::Summary => true,
        };
        let kinds = self.filter.kinds;
        let kind = match message.status {
            status::CALL_MISSED => kind::MISSED_CALLS,
            status::CALL_INCOMING => kind::INCOMING_CALLS,
            status::CALL_OUTGOING => kind::OUTGOING_CALLS,
            // It holds the place of a conversation.
            status::EMPTY if self.filter.scope != Scope::Summary => return false,
            _ => kind::MESSAGES,
        };
        in_scope
            && kinds & kind != 0
            && (kinds & kind::FILES == 0
                || message.content.file.as_ref().is_some_and(|file| !file.is_link()))
            && (kinds & kind::THREADS == 0 || message.content.thread != 0)
            && (self.filter.thread == 0 || self.filter.thread == message.content.thread)
            && self.filter.query.as_ref().is_none_or(|query| contains(message, query, search))
    }

    fn is_filtered(&self) -> bool {
        self.filter.query.is_some() || self.filter.thread != 0 || self.filter.kinds != kind::DEFAULT
    }

    fn restart(&mut self) {
        self.position = None;
        self.shown = 0;
        self.ended = false;
        self.synced = 0;
        self.queue.clear();
        self.batch = None;
        self.live.clear();
    }
}

fn contains(message: &Message, query: &str, search: Search) -> bool {
    let text = core::str::from_utf8(&message.content.body).unwrap_or_default();
    let name = message.content.file.as_ref().map_or("", |file| file.name.as_str());
    [text, &message.content.title, &message.content.subtitle, name]
        .iter()
        .any(|text| search(text, query))
}

#[derive(Debug)]
pub(crate) struct Reading {
    search: Search,
    sessions: Map<ReadSessionId, ReadSession>,
    last_session: u32,
    last_question: u32,
    unread: Map<Conversation, u32>,
    questions: Map<u32, Question>,
}

/// For the number of unread messages, of a conversation or of all.
#[derive(Debug)]
struct Question {
    of: Option<Conversation>,
    /// The ticket under which the store was asked, for this one and others; 0 while it waits.
    asked: u32,
}

impl Reading {
    pub fn new(search: Search) -> Reading {
        Reading {
            search,
            sessions: Map::new(),
            last_session: 0,
            last_question: 0,
            unread: Map::new(),
            questions: Map::new(),
        }
    }

    /// The open sessions a new message belongs to; they have it from now on.
    pub fn match_arrived(&mut self, message: &Message) -> Vec<ReadSessionId> {
        let matched = self.matching(message);
        for id in &matched {
            if let Some(session) = self.sessions.get_mut(id) {
                session.live.insert(message.key.clone());
            }
        }
        matched
    }

    /// The open sessions a message belongs to, whether they have it yet or a read will bring it.
    pub fn matching(&self, message: &Message) -> Vec<ReadSessionId> {
        let open = self.sessions.iter().filter(|(_, session)| session.active);
        open.filter(|(_, session)| session.matches(message, self.search))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Summary sessions that have been read, and how much of them.
    pub fn summaries(&self) -> Vec<(ReadSessionId, u32)> {
        let summaries = self.sessions.iter().filter(|(_, session)| {
            let was_read = session.shown > 0 || session.ended;
            session.active && session.filter.scope == Scope::Summary && was_read
        });
        // Who has seen the end sees the conversations that began since, too.
        let since = |session: &ReadSession| if session.ended { READ_COUNT_DEFAULT } else { 0 };
        summaries.map(|(id, session)| (*id, session.shown + since(session))).collect()
    }

    /// Messages were removed: what is being read is read once more.
    pub fn removed(&mut self) {
        self.sessions.values_mut().filter_map(|session| session.batch.as_mut()).for_each(|batch| {
            batch.stale = true;
        });
    }

    /// Whether a session with receipts is open for this conversation.
    pub fn is_reading(&self, conversation: &Conversation) -> bool {
        self.sessions.values().any(|session| {
            session.active
                && session.filter.receipts
                && session.filter.scope == Scope::Conversation(conversation.clone())
        })
    }

    /// What a session reads; `None` when the page has dropped it.
    pub fn scope(&self, id: ReadSessionId) -> Option<Scope> {
        self.sessions.get(&id).map(|session| session.filter.scope.clone())
    }

    /// How many conversations a summary shows; `None` of other sessions.
    pub fn shown_of_summary(&self, id: ReadSessionId) -> Option<u32> {
        let session = self.sessions.get(&id)?;
        (session.filter.scope == Scope::Summary).then_some(session.shown)
    }

    /// There is more to read than there was; this session goes on there in the server's history.
    pub fn reopen(&mut self, id: ReadSessionId, synced: u64) {
        self.sessions.values_mut().for_each(|session| session.ended = false);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.synced = synced;
        }
    }

    /// Where a session goes on in the server's history, 0 = it has not begun.
    pub fn synced(&self, id: ReadSessionId) -> u64 {
        self.sessions.get(&id).map_or(0, |session| session.synced)
    }

    /// Sessions read from the newest again.
    pub fn restart_sessions(&mut self) {
        self.sessions.values_mut().for_each(ReadSession::restart);
    }

    /// Another user: positions of the former one mean nothing.
    pub fn restart_all(&mut self) {
        self.restart_sessions();
        self.unread.clear();
        self.questions.clear();
    }
}

impl Client {
    /// A new session. Nothing happens before it reads or starts.
    pub fn open_session(&mut self, filter: SessionFilter) -> ReadSessionId {
        self.reading.last_session += 1;
        let id = ReadSessionId(self.reading.last_session);
        let session = ReadSession {
            filter,
            active: false,
            position: None,
            shown: 0,
            ended: false,
            synced: 0,
            queue: VecDeque::new(),
            batch: None,
            live: Set::new(),
            held: Vec::new(),
        };
        self.reading.sessions.insert(id, session);
        id
    }

    /// Turns a switch.
    pub fn configure_session(&mut self, id: ReadSessionId, change: SessionChange) {
        let Some(session) = self.reading.sessions.get_mut(&id) else { return };
        match change {
            SessionChange::Fifo(on) => session.filter.fifo = on,
            SessionChange::Receipts(on) => session.filter.receipts = on,
            SessionChange::Thread(thread) => session.filter.thread = thread,
            SessionChange::Kinds(kinds, true) => session.filter.kinds |= kinds,
            SessionChange::Kinds(kinds, false) => session.filter.kinds &= !kinds,
            SessionChange::Query(query) => {
                session.filter.query = query.filter(|query| !query.is_empty());
            }
            SessionChange::Summary(on) => {
                if !matches!(session.filter.scope, Scope::Conversation(_)) {
                    session.filter.scope = if on { Scope::Summary } else { Scope::All };
                }
            }
        }
    }

    /// Reads the next messages, `count` 0 = the default. Answers 0 when the end is known already,
    /// else `count`; [`Event::SessionRead`] follows.
    pub fn read(&mut self, id: ReadSessionId, count: u32) -> u32 {
        let count = if count == 0 { READ_COUNT_DEFAULT } else { count };
        self.start_session(id);
        let Some(session) = self.reading.sessions.get_mut(&id) else { return 0 };
        let ended = session.ended;
        session.queue.push_back(count);
        self.go_on_reading(id);
        if ended { 0 } else { count }
    }

    /// Gets what arrives from now on, without reading.
    pub fn start_session(&mut self, id: ReadSessionId) {
        let Some(session) = self.reading.sessions.get_mut(&id) else { return };
        session.active = true;
        if session.position.is_none() {
            self.join_untold(id);
        }
    }

    /// What has arrived or was sent and waits to be told belongs to a session that begins: the store
    /// may have it already, and it would come a second time with what is read.
    fn join_untold(&mut self, id: ReadSessionId) {
        let search = self.reading.search;
        let Some(session) = self.reading.sessions.get_mut(&id) else { return };
        let mut join = |message: &Message, sessions: &mut Vec<ReadSessionId>| {
            if !session.matches(message, search) {
                return false;
            }
            session.live.insert(message.key.clone());
            let joins = !sessions.contains(&id);
            if joins {
                sessions.push(id);
            }
            joins
        };
        for (key, sessions) in self.outbox.unannounced_mut() {
            if let Some(message) = self.memory.get(key) {
                join(message, sessions);
            }
        }
        for event in self.inbox.untold() {
            if let Event::Message { message, sessions, .. } = event {
                join(message, sessions);
            }
        }
        let mut shown = Vec::new();
        for output in &mut self.outputs {
            if let Output::Event(event) = output
                && let Event::Message { message, sessions, .. } = &mut **event
                && join(message, sessions)
                && message.key.incoming
            {
                shown.push(message.key.clone());
            }
        }
        self.mark_read_in(id, shown);
    }

    /// Gets nothing more.
    pub fn stop_session(&mut self, id: ReadSessionId) {
        if let Some(session) = self.reading.sessions.get_mut(&id) {
            session.active = false;
            session.queue.clear();
            session.batch = None;
            session.held.clear();
        }
    }

    /// Reads from the newest again.
    pub fn restart_session(&mut self, id: ReadSessionId) {
        if let Some(session) = self.reading.sessions.get_mut(&id) {
            session.restart();
        }
    }

    /// The page has dropped it.
    pub fn close_session(&mut self, id: ReadSessionId) {
        self.reading.sessions.remove(&id);
    }

    /// Asks for the number of unread messages; [`Event::UnreadCount`] with this ticket follows.
    ///
    /// A count takes as long as there are unread messages. Pages ask for each message that comes, so
    /// the store counts once for all who have asked while it was counting.
    pub fn count_unread(&mut self, conversation: Option<Conversation>) -> u32 {
        self.reading.last_question += 1;
        let ticket = self.reading.last_question;
        let question = Question { of: conversation.clone(), asked: 0 };
        let counting = self.reading.questions.values().any(|other| other.of == conversation);
        self.reading.questions.insert(ticket, question);
        if !counting {
            self.ask_unread(conversation, ticket);
        }
        ticket
    }

    /// Asks the store for all who wait for this.
    fn ask_unread(&mut self, conversation: Option<Conversation>, ticket: u32) {
        for question in self.reading.questions.values_mut() {
            if question.of == conversation {
                question.asked = ticket;
            }
        }
        self.ask_behind_writes(Request::Unread { conversation }, Pending::Unread(ticket));
    }

    /// The number last counted.
    pub fn unread(&self, conversation: &Conversation) -> u32 {
        self.reading.unread.get(conversation).copied().unwrap_or(0)
    }

    /// Whether a session with receipts is open for this conversation.
    pub fn is_reading(&self, conversation: &Conversation) -> bool {
        self.reading.is_reading(conversation)
    }

    pub(crate) fn on_unread(&mut self, ticket: u32, count: u32) {
        let Some(question) = self.reading.questions.get(&ticket) else { return };
        let of = question.of.clone();
        if let Some(conversation) = &of {
            self.reading.unread.insert(conversation.clone(), count);
        }
        let questions = self.reading.questions.iter();
        let answered = questions.filter(|(_, question)| question.asked == ticket);
        let answered: Vec<_> = answered.map(|(ticket, _)| *ticket).collect();
        for ticket in answered {
            self.reading.questions.remove(&ticket);
            self.tell(Event::UnreadCount { ticket, count });
        }
        // They may know of what was written since.
        let mut waiting = self.reading.questions.iter().filter(|(_, question)| question.of == of);
        let next = waiting.next().map(|(ticket, _)| *ticket);
        drop(waiting);
        if let Some(ticket) = next {
            self.ask_unread(of, ticket);
        }
    }

    fn go_on_reading(&mut self, id: ReadSessionId) {
        if !self.is_store_open() {
            return;
        }
        let Some(session) = self.reading.sessions.get_mut(&id) else { return };
        if session.batch.is_some() {
            return;
        }
        let Some(wanted) = session.queue.pop_front() else { return };
        session.batch = Some(Batch { wanted, asked: 0, found: Vec::new(), stale: false });
        self.read_page(id);
    }

    /// What waited for the store to open.
    pub(crate) fn go_on_reading_all(&mut self) {
        let ids: Vec<_> = self.reading.sessions.keys().copied().collect();
        for id in ids {
            self.go_on_reading(id);
        }
    }

    fn read_page(&mut self, id: ReadSessionId) {
        let Some(session) = self.reading.sessions.get_mut(&id) else { return };
        let filtered = session.is_filtered();
        let Some(batch) = &mut session.batch else { return };
        let filter = &session.filter;
        let missing = batch.wanted - batch.found.len() as u32;
        // A filter lets little through: larger pages save ways to the store.
        let more = READ_COUNT_DEFAULT.max(2 * batch.asked).min(FILTERED_READ_MAX);
        batch.asked = if filtered { missing.max(more) } else { missing };
        let (from, count, query) = (session.position.clone(), batch.asked, filter.query.clone());
        let request = match &filter.scope {
            Scope::Summary => Request::Summary { from, count },
            Scope::All => {
                Request::Read { conversation: None, from, count, fifo: filter.fifo, query }
            }
            Scope::Conversation(conversation) => {
                let conversation = Some(conversation.clone());
                Request::Read { conversation, from, count, fifo: filter.fifo, query }
            }
        };
        self.ask_behind_writes(request, Pending::Read(id));
    }

    pub(crate) fn on_read_page(&mut self, id: ReadSessionId, page: Vec<Message>) {
        let batch = self.reading.sessions.get_mut(&id).and_then(|session| session.batch.as_mut());
        if batch.is_some_and(|batch| core::mem::take(&mut batch.stale)) {
            return self.read_page(id);
        }
        let scope = self.reading.scope(id);
        if scope.is_some_and(|scope| scope != Scope::Summary) {
            self.take_page(&page);
        }
        let search = self.reading.search;
        let Some(session) = self.reading.sessions.get_mut(&id) else { return };
        let Some(mut batch) = session.batch.take() else { return };
        let mut exhausted = (page.len() as u32) < batch.asked;
        let summary = session.filter.scope == Scope::Summary;
        for message in page {
            if batch.found.len() as u32 == batch.wanted {
                exhausted = false;
                break;
            }
            session.shown += 1;
            session.position = Some(Position { order: message.order, key: message.key.clone() });
            // A summary shows the latest of a conversation, whenever it came.
            let known = !summary && session.live.contains(&message.key);
            if !known && session.matches(&message, search) {
                batch.found.push(message);
            }
        }
        let end = (batch.found.len() as u32) < batch.wanted;
        if end && !exhausted {
            session.batch = Some(batch);
            return self.read_page(id);
        }
        session.ended |= end;
        let origin = if summary { Origin::Summary } else { Origin::Database };
        // What is in memory is newer than what the store gave.
        let messages: Vec<_> =
            batch.found.into_iter().map(|message| self.newest(message)).collect();
        let keys: Vec<_> = messages.iter().map(|message| message.key.clone()).collect();
        self.tell(Event::SessionRead { session: id, messages, origin, end });
        self.mark_read_in(id, keys);
        self.go_on_reading(id);
    }

    /// The latest messages as they are after some are gone.
    pub(crate) fn on_summary(&mut self, id: ReadSessionId, page: Vec<Message>) {
        let Some(session) = self.reading.sessions.get(&id) else { return };
        let search = self.reading.search;
        let matching: Vec<_> = page.into_iter().filter(|m| session.matches(m, search)).collect();
        let messages = matching.into_iter().map(|message| self.newest(message)).collect();
        self.tell(Event::SummaryChanged { session: id, messages });
    }

    fn newest(&mut self, stored: Message) -> Message {
        match self.memory.get(&stored.key) {
            Some(known) => known.clone(),
            // It is told with those before it.
            None if self.is_unheard(&stored) => stored,
            None => {
                self.keep(stored.clone());
                stored
            }
        }
    }

    /// Messages were shown in these sessions as they arrived.
    pub(crate) fn on_shown(&mut self, sessions: &[ReadSessionId], key: &MessageKey) {
        for id in sessions {
            self.mark_read_in(*id, alloc::vec![key.clone()]);
        }
    }

    fn mark_read_in(&mut self, id: ReadSessionId, keys: Vec<MessageKey>) {
        let visible = self.visible;
        let Some(session) = self.reading.sessions.get_mut(&id) else { return };
        let scope_reads = matches!(session.filter.scope, Scope::Conversation(_));
        if !session.filter.receipts || !session.active || !scope_reads {
            return;
        }
        if !visible {
            session.held.extend(keys);
            return;
        }
        self.mark_read(&keys);
    }

    /// The page is seen again: what was held back is read now.
    pub(crate) fn read_what_was_held(&mut self) {
        let sessions = self.reading.sessions.values_mut();
        let held: Vec<_> =
            sessions.flat_map(|session| core::mem::take(&mut session.held)).collect();
        self.mark_read(&held);
    }
}
