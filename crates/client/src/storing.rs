//! The client's own database: opened, read at the start, answered, lost, and left to another user.

use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{Ticket, Uid};
use wire::limits::RECENT_PROFILES_MAX;
use wire::time::Now;

use crate::Output;
use crate::client::{Client, Pending};
use crate::commit::Then;
use crate::edits::Edits;
use crate::errand::Errands;
use crate::event::Event;
use crate::group::GroupRequests;
use crate::history::History;
use crate::inbox::Inbox;
use crate::message::Message;
use crate::port::store::{Opened, Part, Reply, Request, StoreError, Write};
use crate::port::tab::Tell;
use crate::profile::{KEYS_PLACE, Profiles, mark};
use crate::session::Link;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreState {
    Closed,
    Opening,
    Open,
}

/// What the page wants of its database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Database {
    pub(crate) name: Option<String>,
    /// `set_database` calls that wait for an answer.
    pub(crate) asked: u32,
    /// Of those, the ones the store is being opened for.
    pub(crate) opening: u32,
}

impl Client {
    pub(crate) fn open_store(&mut self) {
        if self.store != StoreState::Closed {
            return;
        }
        self.store = StoreState::Opening;
        self.database.opening += self.database.asked;
        self.database.asked = 0;
        let name = self.database.name.clone();
        self.outputs.push_back(Output::OpenStore { name, account: self.session.account() });
    }

    /// Another tab has written into it. One that the browser did not give is not asked for again:
    /// it may not answer, and others have none either, or not this one's.
    pub(crate) fn open_store_again(&mut self) {
        let refused = self.database.name.is_some() && !self.on_disk;
        if self.store == StoreState::Open && !refused {
            self.store = StoreState::Closed;
        }
        self.open_store();
    }

    pub(crate) fn on_store_opened(&mut self, now: Now, result: Result<Opened, StoreError>) {
        self.store = StoreState::Open;
        let wanted = self.database.name.is_some();
        self.on_disk = wanted && result.is_ok();
        let ok = match result {
            Ok(opened) => {
                self.restore(opened);
                wanted
            }
            Err(error) => {
                if wanted {
                    let text =
                        alloc::format!("{error}; messages are kept until the page is closed");
                    self.tell(Event::Error { text });
                }
                false
            }
        };
        // Else once the newest conversations are known, too: a page lists them from then on.
        if !ok {
            self.tell_opened(false);
        }
        if self.is_in_wrong_group() {
            self.drop_socket();
            self.leave_group();
            self.session.link = Link::Preparing;
        }
        self.go_on_connecting(now);
        self.go_on_reading_all();
    }

    fn tell_opened(&mut self, ok: bool) {
        for _ in 0..core::mem::take(&mut self.database.opening) {
            self.tell(Event::DatabaseOpened { ok });
        }
    }

    fn restore(&mut self, opened: Opened) {
        if let Some(cursor) = opened.cursor
            && !self.session.is_online()
        {
            self.inbox.restart(cursor);
            self.resumed = Some(cursor);
        }
        if let Some(account) = opened.account
            && self.session.uid == Uid(0)
        {
            self.session.uid = account.uid;
            self.session.address = account.address;
        }
        self.restore_outbox(opened.outbox);
        self.read_notices.restore(opened.reads);
        self.errands.restore(opened.errands);
        self.ages.restore(opened.ages);
        for profile in opened.profiles {
            if profile.address == KEYS_PLACE {
                if self.profiles.keys.is_empty() {
                    self.profiles.keys = profile.values;
                }
                continue;
            }
            let unsent = profile.local.marks & (mark::PUBLISH_UNSENT | mark::CONTACT_UNSENT);
            let of = self.profiles.restore(profile);
            if unsent != 0 {
                self.edits.restore(of);
            }
        }
        if self.on_disk {
            self.tabs.know(opened.newest);
        }
        self.catch_up();
        let request = Request::Summary { from: None, count: RECENT_PROFILES_MAX };
        self.ask(request, Pending::Recent);
    }

    pub(crate) fn on_stored(
        &mut self,
        now: Now,
        ticket: Ticket,
        result: Result<Reply, StoreError>,
    ) {
        let Some(pending) = self.pending.remove(&ticket) else { return };
        if let Err(error) = &result {
            if matches!(pending, Pending::Commit) && self.commits.failed() {
                return;
            }
            // It goes on from memory; the page is told that a reload would lose it.
            let text = alloc::format!("{error}; what is new is kept until the page is closed");
            self.tell(Event::Error { text });
        }
        match (pending, result) {
            (Pending::Commit, _) => {
                if !self.commits.told().is_empty() {
                    self.tell_tabs(Tell::Written);
                }
                for then in self.commits.done() {
                    match then {
                        Then::Sendable(key) => self.on_sendable(now, &key),
                        Then::Inbox => self.on_inbox_stored(),
                        Then::Placed(id) => self.forget_file(id),
                        Then::Synced(count) => self.finish_sync(count),
                        Then::Ask(question) => self.ask_behind_marks(question.0, question.1),
                    }
                }
            }
            (Pending::Inbox, Ok(Reply::Messages(messages))) => self.on_inbox_loaded(messages),
            (Pending::Inbox, _) => self.on_inbox_loaded(Vec::new()),
            (Pending::Read(id), Ok(Reply::Messages(messages))) => self.on_read_page(id, messages),
            (Pending::Read(id), _) => self.on_read_page(id, Vec::new()),
            (Pending::Summary(session), Ok(Reply::Messages(messages))) => {
                self.on_summary(session, messages);
            }
            (Pending::Summary(_), _) => {}
            (Pending::SyncedSummary { session, count }, answer) => {
                if let Ok(Reply::Messages(messages)) = answer {
                    self.on_summary(session, messages);
                }
                self.tell(Event::SessionSync { session, count });
            }
            (Pending::HistoryBegins, Ok(Reply::Messages(messages))) => {
                self.on_history_begins(messages.first());
            }
            (Pending::HistoryBegins, _) => self.on_history_begins(None),
            (Pending::HistoryKnown, Ok(Reply::Messages(messages))) => {
                self.on_history_known(&messages);
            }
            (Pending::HistoryKnown, _) => self.finish_sync(0),
            (Pending::Find(ticket, sender), Ok(Reply::Messages(messages))) => {
                let wanted = |message: &Message| {
                    sender.is_empty() || !message.key.incoming || message.key.sender == sender
                };
                self.on_found(ticket, messages.into_iter().find(wanted));
            }
            (Pending::Find(ticket, _), _) => self.on_found(ticket, None),
            (Pending::Count(ticket), Ok(Reply::Messages(page))) => {
                self.on_count_page(ticket, &page)
            }
            (Pending::Count(ticket), _) => self.on_count_page(ticket, &[]),
            (Pending::MarkRead(of, tells), Ok(Reply::Messages(page))) => {
                self.on_unread_messages(of, tells, page);
            }
            (Pending::MarkUnread, Ok(Reply::Messages(page))) => self.on_newest(page),
            (Pending::Zombies(only_groups), Ok(Reply::Messages(latest))) => {
                self.on_zombies(only_groups, &latest);
            }
            (Pending::MarkRead(..) | Pending::MarkUnread | Pending::Zombies(_), _) => {}
            (Pending::Unread(ticket), Ok(Reply::Count(count))) => self.on_unread(ticket, count),
            (Pending::Unread(ticket), _) => self.on_unread(ticket, 0),
            (Pending::Waiting, Ok(Reply::Messages(messages))) => self.on_waiting(messages),
            (Pending::Waiting, _) => {}
            (Pending::CatchUp, Ok(Reply::Messages(messages))) => {
                self.on_caught_up(now, messages);
            }
            (Pending::CatchUp, _) => self.on_caught_up(now, Vec::new()),
            (Pending::Recent, Ok(Reply::Messages(messages))) => {
                for message in messages {
                    self.profiles.note_message(&message.conversation, message.order);
                    self.outbox.come_behind(&message);
                }
                self.tell_opened(true);
            }
            (Pending::Recent, _) => self.tell_opened(true),
        }
        if !self.is_marking() {
            for (request, pending) in core::mem::take(&mut self.held) {
                self.ask_behind_writes(request, pending);
            }
        }
    }

    pub(crate) fn on_store_lost(&mut self, now: Now) {
        self.on_disk = false;
        self.be_alone(now);
        let text = "the browser deleted this page's storage; messages are kept until it is closed";
        self.tell(Event::Error { text: text.into() });
        // What is known goes into the memory that serves from now on.
        for message in self.memory.all() {
            self.commits.repeat(Write::Message(message.clone().into(), Part::Past));
        }
    }

    /// Another user signs in: nothing of the former one is kept.
    pub(crate) fn change_user(&mut self) {
        // Answers of the former store are for nobody; its last writes go there and nowhere else.
        self.pending.clear();
        self.held.clear();
        let rest = self.commits.leave();
        if self.store == StoreState::Open
            && let Some(request) = rest
        {
            self.next_ticket += 1;
            let ticket = Ticket(self.next_ticket);
            self.outputs.push_back(Output::Store { ticket, request });
        }
        self.drop_transfers();
        self.outbox.clear();
        self.errands = Errands::default();
        self.history = History::default();
        self.ages.clear();
        self.inbox = Inbox::default();
        self.reading.restart_all();
        self.read_notices.clear();
        self.profiles = Profiles::default();
        self.edits = Edits::default();
        self.group_requests = GroupRequests::new(self.chance.draw());
        self.presences.forget();
        self.memory.clear();
        self.session.uid = Uid(0);
        self.session.address.clear();
        self.resumed = None;
        self.tabs.change_store();
        self.store = StoreState::Closed;
    }
}
