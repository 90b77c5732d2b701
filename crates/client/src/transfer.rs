//! Files on their way up: kept first, uploaded while connected, then their messages go.
//!
//! Relies on the host to keep what the page gave and to move the bytes. Promises that a message
//! with a file leaves the outbox only with a URL or as failed, that an attempt that fails while
//! there is no connection does not count, and that the page hears of progress ten times a second
//! at most.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use wire::id::MessageId;
use wire::limits::{
    FILE_PROGRESS_INTERVAL, THUMBNAIL_BYTES_MAX, UPLOAD_RETRY_MAX, UPLOAD_RETRY_MIN,
    UPLOAD_TRIES_MAX, UPLOADS_IN_FLIGHT_MAX,
};
use wire::status;
use wire::time::{Instant, Now};

use crate::Output;
use crate::client::Client;
use crate::commit::Then;
use crate::event::Event;
use crate::message::{Message, MessageKey};
use crate::port::store::Part;
use crate::port::transfer::{Command, Input, Target};
use crate::sorted::Map;

#[derive(Debug, Default)]
pub(crate) struct Transfers {
    running: Map<MessageId, Transfer>,
    /// The page's own service: URL and token.
    form: Option<(String, String)>,
    /// The page wants none: what has a file fails.
    pub off: bool,
}

#[derive(Debug)]
struct Transfer {
    stage: Stage,
    failures: u32,
    /// What the server has of it is of no use.
    fresh: bool,
    percent: u8,
    /// When the page heard of its progress last.
    told: Option<Instant>,
    /// Of a profile: there is no message.
    picture: bool,
    /// The page wants it to wait, and said so before it could go.
    held: bool,
}

/// How far a file is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The host reads and keeps it.
    Preparing,
    /// The message is being stored.
    Storing,
    /// For its turn, a connection, or the time of the next attempt.
    Waiting { until: Instant },
    /// The page is asked whether it does it itself.
    Asking,
    /// The host uploads.
    Uploading,
    /// The page uploads.
    ByPage,
    /// The page wants it to wait.
    Stopped,
    /// Uploaded; the message is being stored with its URL.
    Done,
}

/// How far a transfer is, for the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferState {
    /// 0 to 100.
    pub percent: u8,
    /// Neither stopped nor at its end.
    pub running: bool,
}

impl Transfers {
    pub fn len(&self) -> usize {
        self.running.len()
    }

    pub fn contains(&self, key: &MessageKey) -> bool {
        !key.incoming && self.running.contains_key(&key.id)
    }

    /// When the next attempt is due.
    pub fn deadline(&self) -> Instant {
        let due = self.running.values().filter_map(|transfer| match transfer.stage {
            Stage::Waiting { until } => Some(until),
            _ => None,
        });
        match self.has_turn() {
            true => due.min().unwrap_or(Instant::FAR_FUTURE),
            // The end of another one is waited for.
            false => Instant::FAR_FUTURE,
        }
    }

    pub fn add(&mut self, id: MessageId, stored: bool) {
        let stage = if stored { Stage::Waiting { until: Instant(0) } } else { Stage::Storing };
        self.running.entry(id).or_insert_with(|| Transfer::new(stage)).stage = stage;
    }

    fn set(&mut self, id: MessageId, stage: Stage) {
        if let Some(transfer) = self.running.get_mut(&id) {
            transfer.stage = stage;
        }
    }

    fn stage(&self, id: MessageId) -> Option<Stage> {
        Some(self.running.get(&id)?.stage)
    }

    fn has_turn(&self) -> bool {
        let busy =
            |transfer: &&Transfer| matches!(transfer.stage, Stage::Asking | Stage::Uploading);
        self.running.values().filter(busy).count() < UPLOADS_IN_FLIGHT_MAX
    }
}

impl Transfer {
    fn new(stage: Stage) -> Transfer {
        Transfer {
            stage,
            failures: 0,
            fresh: false,
            percent: 0,
            told: None,
            picture: false,
            held: false,
        }
    }
}

/// Whether a message has a file that is nowhere yet.
pub(crate) fn needs_upload(message: &Message) -> bool {
    let file = message.content.file.as_ref();
    !message.key.incoming && file.is_some_and(|file| file.url.is_empty() && !file.is_link())
}

impl Client {
    // ---- the page's verbs ------------------------------------------------------------------

    /// Files go to this service from now on; an empty URL is the server again.
    pub fn set_upload_url(&mut self, url: String, token: String) {
        self.transfers.form = (!url.is_empty()).then_some((url, token));
    }

    /// Where files go, when that is not this server, and what goes along as `auth`.
    pub fn upload_target(&self) -> (&str, &str) {
        match &self.transfers.form {
            Some((url, token)) => (url, token),
            None => (&self.session.upload_url, &self.session.upload_token),
        }
    }

    /// Off: no file is sent, messages with one fail.
    pub fn enable_transfers(&mut self, on: bool) {
        self.transfers.off = !on;
    }

    /// See [`Client::enable_transfers`].
    pub fn transfers_enabled(&self) -> bool {
        !self.transfers.off
    }

    /// How far the file of an own message is; `None` when none is on its way.
    pub fn transfer_state(&self, id: MessageId) -> Option<TransferState> {
        let transfer = self.transfers.running.get(&id)?;
        let running = !transfer.held && !matches!(transfer.stage, Stage::Stopped | Stage::Done);
        Some(TransferState { percent: transfer.percent, running })
    }

    /// The answer to [`Event::FileStart`]: the page does it itself, or not.
    pub fn begin_transfer(&mut self, id: MessageId, by_page: bool) {
        if self.transfers.stage(id) != Some(Stage::Asking) {
            return;
        }
        if by_page {
            return self.transfers.set(id, Stage::ByPage);
        }
        let file = self
            .memory
            .get(&MessageKey::outgoing(id))
            .and_then(|message| message.content.file.as_ref());
        let name = file.map(|file| file.name.clone()).unwrap_or_default();
        let (url, token) = self.upload_target();
        let (url, token) = (String::from(url), String::from(token));
        let Some(transfer) = self.transfers.running.get_mut(&id) else { return };
        transfer.stage = Stage::Uploading;
        let target = match url.is_empty() {
            false => Target::Form { url, token, uid: self.session.uid.0 },
            true => Target::Server { token, fresh: core::mem::take(&mut transfer.fresh) },
        };
        self.push(Output::Transfer(Command::Upload { id, name, target }));
    }

    /// Uploads a picture that the host holds under the number this gives, or goes on with one that
    /// it has kept; [`Event::PictureUploaded`] follows.
    pub fn upload_picture(&mut self, kept: Option<MessageId>) -> MessageId {
        let id = kept.unwrap_or_else(|| self.new_key(0).id);
        let stage = Stage::Waiting { until: Instant(0) };
        self.transfers.running.insert(id, Transfer { picture: true, ..Transfer::new(stage) });
        id
    }

    /// An uploaded picture is part of its profile: the host needs it no more once that is stored.
    pub fn forget_picture(&mut self, id: MessageId) {
        self.commits.then(Then::Placed(id), false);
    }

    pub(crate) fn forget_file(&mut self, id: MessageId) {
        self.push(Output::Transfer(Command::Forget { id }));
    }

    /// A picture has its fate; `false` when it is a file of a message. One that is uploaded is kept
    /// until it is part of its profile.
    fn end_picture(&mut self, id: MessageId, url: Option<&str>) -> bool {
        let picture = self.transfers.running.get(&id).is_some_and(|transfer| transfer.picture);
        if picture {
            self.transfers.running.remove(&id);
            if url.is_none() {
                self.forget_file(id);
            }
            self.tell(Event::PictureUploaded { id, url: url.map(Into::into) });
        }
        picture
    }

    /// Goes on with a transfer that was stopped, or at once with one that waits.
    pub fn start_transfer(&mut self, id: MessageId) -> bool {
        let Some(transfer) = self.transfers.running.get_mut(&id) else { return false };
        transfer.held = false;
        if matches!(transfer.stage, Stage::Stopped | Stage::Waiting { .. }) {
            transfer.stage = Stage::Waiting { until: Instant(0) };
        }
        true
    }

    /// Lets a transfer wait until it is started again; its message waits with it.
    pub fn stop_transfer(&mut self, id: MessageId) -> bool {
        let Some(transfer) = self.transfers.running.get_mut(&id) else { return false };
        let stage = transfer.stage;
        match stage {
            Stage::Preparing | Stage::Storing => transfer.held = true,
            Stage::Waiting { .. } => transfer.stage = Stage::Stopped,
            Stage::Asking | Stage::Uploading | Stage::ByPage => {
                transfer.stage = Stage::Stopped;
                self.interrupt(id, stage);
            }
            Stage::Stopped | Stage::Done => return false,
        }
        self.tell_progress(id, false);
        true
    }

    /// Gives a transfer up, for now or for good: then its message fails.
    pub fn cancel_transfer(&mut self, now: Now, id: MessageId, retry_later: bool) -> bool {
        let Some(stage) = self.transfers.stage(id) else { return false };
        match stage {
            Stage::Done => return false,
            // Nothing runs that could be tried again later.
            Stage::Preparing | Stage::Storing if retry_later => return false,
            Stage::Preparing => self.announce_unprepared(id),
            _ => self.interrupt(id, stage),
        }
        match retry_later {
            true => self.on_attempt_failed(now, id),
            false => self.settle(now, id.get(), status::FAIL, 0),
        }
        true
    }

    /// How far the page has come with a transfer of its own, 0 to 100.
    pub fn page_progress(&mut self, now: Now, id: MessageId, percent: u8) {
        if self.is_by_page(id) {
            self.on_progress(now, id, percent.min(100));
        }
    }

    /// What came of a transfer of the page.
    pub fn page_result(&mut self, now: Now, id: MessageId, url: Option<String>) {
        if !self.is_by_page(id) {
            return;
        }
        match url.filter(|url| !url.is_empty()) {
            Some(url) => self.on_uploaded(id, url),
            None => self.on_attempt_failed(now, id),
        }
    }

    /// A page that is asked may have begun already.
    fn is_by_page(&self, id: MessageId) -> bool {
        matches!(self.transfers.stage(id), Some(Stage::Asking | Stage::ByPage))
    }

    // ---- from send to the upload -----------------------------------------------------------

    /// A message with something to upload was taken.
    pub(crate) fn prepare_transfer(&mut self, now: Now, id: MessageId) {
        self.transfers.running.insert(id, Transfer::new(Stage::Preparing));
        if self.transfers.off {
            return self.on_missing(now, id, "the page has switched file transfer off");
        }
        self.push(Output::Transfer(Command::Prepare { id }));
    }

    /// The message is stored: its file may go, or is there and of no use here any more.
    pub(crate) fn on_transfer_stored(&mut self, now: Now, id: MessageId) {
        match self.transfers.stage(id) {
            Some(Stage::Storing) => {
                let held = self.transfers.running.get(&id).is_some_and(|transfer| transfer.held);
                let stage =
                    if held { Stage::Stopped } else { Stage::Waiting { until: now.instant } };
                self.transfers.set(id, stage);
            }
            Some(Stage::Done) => {
                self.transfers.running.remove(&id);
                self.forget_file(id);
            }
            _ => {}
        }
    }

    /// The message has its fate.
    pub(crate) fn drop_transfer(&mut self, id: MessageId) {
        if let Some(stage) = self.transfers.stage(id) {
            self.interrupt(id, stage);
            self.transfers.running.remove(&id);
        }
    }

    /// The message is removed or taken back: nobody will send its file.
    pub(crate) fn discard_file(&mut self, key: &MessageKey) {
        if self.transfers.contains(key) || self.memory.get(key).is_some_and(needs_upload) {
            self.drop_transfer(key.id);
            self.forget_file(key.id);
        }
    }

    /// Another user: nothing of the former one goes on.
    pub(crate) fn drop_transfers(&mut self) {
        for id in self.transfers.running.keys().copied().collect::<Vec<_>>() {
            self.drop_transfer(id);
        }
    }

    /// Begins the transfers whose turn it is, in the order in which they were sent.
    pub(crate) fn flush_transfers(&mut self, now: Now) {
        while self.session.is_online() && self.transfers.has_turn() {
            let due = |stage| matches!(stage, Stage::Waiting { until } if until <= now.instant);
            let waiting = self.transfers.running.iter().filter(|(_, of)| due(of.stage));
            let place =
                |id| self.memory.get(&MessageKey::outgoing(id)).map(|message| message.order);
            let Some(id) = waiting.map(|(id, _)| *id).min_by_key(|id| place(*id)) else { return };
            self.transfers.set(id, Stage::Asking);
            match self.memory.get(&MessageKey::outgoing(id)).cloned() {
                Some(message) => self.tell(Event::FileStart { message }),
                None => self.begin_transfer(id, false),
            }
        }
    }

    /// Connected: what had to wait for it goes at once.
    pub(crate) fn hurry_transfers(&mut self, now: Now) {
        for transfer in self.transfers.running.values_mut() {
            if matches!(transfer.stage, Stage::Waiting { .. }) {
                transfer.stage = Stage::Waiting { until: now.instant };
            }
        }
    }

    // ---- what the host tells ---------------------------------------------------------------

    pub(crate) fn on_transfer(&mut self, now: Now, input: Input) {
        match input {
            Input::Prepared { id, size, mime, thumbnail } => {
                self.on_prepared(id, size, mime, thumbnail);
            }
            Input::Missing { id, reason } => self.on_missing(now, id, &reason),
            Input::Progress { id, sent, total } => {
                if self.transfers.stage(id) == Some(Stage::Uploading) {
                    let percent = (sent.min(total) * 100).checked_div(total).unwrap_or(100);
                    self.on_progress(now, id, percent as u8);
                }
            }
            Input::Uploaded { id, url } => {
                if self.transfers.stage(id) == Some(Stage::Uploading) {
                    self.on_uploaded(id, url);
                }
            }
            Input::Failed { id, status } => {
                if self.transfers.stage(id) == Some(Stage::Uploading) {
                    self.on_failed(now, id, status);
                }
            }
        }
    }

    fn on_prepared(&mut self, id: MessageId, size: u64, mime: String, thumbnail: Bytes) {
        if self.transfers.stage(id) != Some(Stage::Preparing) {
            return;
        }
        let Some(message) = self.memory.get_mut(&MessageKey::outgoing(id)) else { return };
        if let Some(file) = &mut message.content.file {
            file.size = size;
            if !mime.is_empty() {
                file.mime = mime;
            }
            if file.thumbnail.is_empty() && thumbnail.len() <= THUMBNAIL_BYTES_MAX {
                file.thumbnail = thumbnail;
            }
        }
        let message = message.clone();
        self.put_into_outbox(&message, Part::New);
    }

    fn on_missing(&mut self, now: Now, id: MessageId, reason: &str) {
        let Some(stage) = self.transfers.stage(id) else { return };
        if self.end_picture(id, None) {
            return;
        }
        self.tell(Event::Error { text: format!("a file cannot be sent: {reason}") });
        if stage == Stage::Preparing {
            self.announce_unprepared(id);
        }
        self.settle(now, id.get(), status::FAIL, 0);
    }

    /// Listeners know a message before they hear that it failed.
    fn announce_unprepared(&mut self, id: MessageId) {
        if let Some(message) = self.memory.get(&MessageKey::outgoing(id)).cloned() {
            self.announce_sent(&message.key);
            self.put_into_outbox(&message, Part::New);
        }
    }

    fn on_progress(&mut self, now: Now, id: MessageId, percent: u8) {
        let Some(transfer) = self.transfers.running.get_mut(&id) else { return };
        let early = transfer.told.is_some_and(|told| now.instant < told + FILE_PROGRESS_INTERVAL);
        if transfer.percent == percent || early {
            return;
        }
        transfer.percent = percent;
        transfer.told = Some(now.instant);
        self.tell_progress(id, true);
    }

    fn on_uploaded(&mut self, id: MessageId, url: String) {
        if self.end_picture(id, Some(&url)) {
            return;
        }
        let Some(transfer) = self.transfers.running.get_mut(&id) else { return };
        transfer.stage = Stage::Done;
        transfer.percent = 100;
        let Some(message) = self.memory.get_mut(&MessageKey::outgoing(id)) else { return };
        if let Some(file) = &mut message.content.file {
            file.url = url;
        }
        let message = message.clone();
        self.store_for_sending(&message);
        self.tell_progress(id, false);
    }

    fn on_failed(&mut self, now: Now, id: MessageId, status: u16) {
        match status {
            // Too large, not allowed, malformed: the next attempt would end in the same way.
            400 | 403 | 413 | 415 => {
                let text = match status {
                    413 => "a file is larger than the server takes".to_owned(),
                    _ => format!("the server does not take a file (HTTP {status})"),
                };
                self.tell(Event::Error { text });
                if !self.end_picture(id, None) {
                    self.settle(now, id.get(), status::FAIL, 0);
                }
                return;
            }
            // What was begun is not there any more.
            404 | 410 => {
                if let Some(transfer) = self.transfers.running.get_mut(&id) {
                    transfer.fresh = true;
                }
            }
            _ => {}
        }
        self.on_attempt_failed(now, id);
    }

    /// Tries again later, or gives up.
    fn on_attempt_failed(&mut self, now: Now, id: MessageId) {
        let online = self.session.is_online();
        let Some(transfer) = self.transfers.running.get_mut(&id) else { return };
        transfer.failures += u32::from(online);
        let failures = transfer.failures;
        if failures >= UPLOAD_TRIES_MAX {
            let text = format!("a file could not be uploaded in {failures} attempts");
            self.tell(Event::Error { text });
            if !self.end_picture(id, None) {
                self.settle(now, id.get(), status::FAIL, 0);
            }
            return;
        }
        let bound = UPLOAD_RETRY_MIN * 2u32.saturating_pow(failures.saturating_sub(1));
        let half = bound.min(UPLOAD_RETRY_MAX) / 2;
        let jitter = self.chance.below(half.as_millis() as u64 + 1);
        let until = now.instant + half + core::time::Duration::from_millis(jitter);
        self.transfers.set(id, Stage::Waiting { until });
        self.tell_progress(id, false);
    }

    // ---- telling ---------------------------------------------------------------------------

    fn interrupt(&mut self, id: MessageId, stage: Stage) {
        match stage {
            Stage::Uploading => self.push(Output::Transfer(Command::Abort { id })),
            Stage::ByPage => {
                if let Some(message) = self.memory.get(&MessageKey::outgoing(id)).cloned() {
                    self.tell(Event::FileStop { message });
                }
            }
            _ => {}
        }
    }

    fn tell_progress(&mut self, id: MessageId, running: bool) {
        let Some(transfer) = self.transfers.running.get(&id) else { return };
        let percent = transfer.percent;
        let Some(message) = self.memory.get(&MessageKey::outgoing(id)).cloned() else { return };
        let sessions = self.reading.matching(&message);
        self.tell(Event::FileProgress { message, sessions, percent, running });
    }
}
