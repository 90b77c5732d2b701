//! What the page is told, in the order in which it is told.

use alloc::string::String;
use alloc::vec::Vec;
use wire::id::{GroupId, MessageId, StreamId};
use wire::proto;

use crate::change::Removal;
use crate::message::{Conversation, Message};

/// `MESIBO_STATUS_*` of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum ConnectionStatus {
    /// Not started.
    #[default]
    Unknown = 0,
    /// Signed in.
    Online = 1,
    /// The connection was lost.
    Offline = 2,
    /// Signed in elsewhere, or the token was withdrawn.
    SignOut = 3,
    /// The token or app id was refused.
    AuthFail = 4,
    /// `stop()`.
    Stopped = 5,
    /// An attempt is under way.
    Connecting = 6,
    /// An attempt failed.
    ConnectFailure = 7,
    /// The browser has no network.
    NoNetwork = 8,
    /// The account is switched off.
    Suspend = 10,
    /// The server is stopping.
    Shutdown = 22,
}

/// Number of a read session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadSessionId(pub u32);

/// Where a message object comes from, `MESIBO_ORIGIN_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It just happened.
    Realtime = 0,
    /// Read from the store.
    Database = 1,
    /// Read from the store, as an entry of the summary.
    Summary = 2,
    /// The page is asked whether it wants it.
    Filter = 4,
}

/// Something the page is told. State is changed before: what a getter answers inside the
/// callback is what the callback announces.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The connection's status changed.
    Connection {
        /// To this.
        status: ConnectionStatus,
        /// One line for the console that says why, empty when there is nothing to say.
        reason: String,
    },
    /// The database asked for with `set_database` is there, or not.
    DatabaseOpened {
        /// It is there.
        ok: bool,
    },
    /// A message came, was sent from here with `announce`, or from another device.
    Message {
        /// The message.
        message: Message,
        /// Read sessions it belongs to.
        sessions: Vec<ReadSessionId>,
        /// Tell listeners. `false`: only session arrays change (legacy sends).
        announce: bool,
    },
    /// Messages came: the host asks the page for each of `Client::unfiltered` whether it wants it,
    /// and has to answer by `Client::pass`. Nothing is stored or told before.
    Filter,
    /// The status of a sent message changed.
    MessageStatus {
        /// As it is now.
        message: Message,
        /// Group messages: whose report it is.
        reporter: Option<String>,
        /// The status reported, which may be lower than the message's own.
        reported: u32,
        /// Read sessions it belongs to.
        sessions: Vec<ReadSessionId>,
    },
    /// A message was edited, recalled or wiped, here or elsewhere.
    MessageUpdate {
        /// As it is now.
        message: Message,
        /// Read sessions it belongs to.
        sessions: Vec<ReadSessionId>,
    },
    /// Messages are gone, from the arrays too.
    Removed {
        /// Which ones.
        removal: Removal,
    },
    /// The answer to a question for a message; `None` when it is not known here.
    Found {
        /// Of the question.
        ticket: u32,
        /// The message.
        message: Option<Message>,
    },
    /// What a summary session shows now, newest first.
    SummaryChanged {
        /// Which session.
        session: ReadSessionId,
        /// All of it.
        messages: Vec<Message>,
    },
    /// An incoming message became read, here or on another device. No callback; objects change.
    MessageRead {
        /// As it is now.
        message: Message,
    },
    /// The answer to a `read`: put them into the array, tell each, then the end.
    SessionRead {
        /// Which session.
        session: ReadSessionId,
        /// In the order in which listeners are told (newest first, or oldest first with fifo).
        messages: Vec<Message>,
        /// Database or Summary.
        origin: Origin,
        /// Fewer than asked: listeners get `null` behind them.
        end: bool,
    },
    /// The answer to a question for the number of unread messages.
    UnreadCount {
        /// Of the question.
        ticket: u32,
        /// The number.
        count: u32,
    },
    /// The answer to a question for the numbers of messages.
    Counted {
        /// Of the question.
        ticket: u32,
        /// Statuses, and how many messages have each.
        counts: Vec<(u32, u32)>,
    },
    /// The answer to a `sync`: older messages the server had.
    SessionSync {
        /// Which session.
        session: ReadSessionId,
        /// How many were found.
        count: u32,
    },
    /// A file is about to be uploaded. The page may do it itself: the host has to answer by
    /// `Client::begin_transfer`.
    FileStart {
        /// Whose file.
        message: Message,
    },
    /// The answer to `Client::upload_picture`; the host keeps the picture until
    /// `Client::forget_picture`.
    PictureUploaded {
        /// Its number.
        id: MessageId,
        /// Where it is; `None`: it could not be uploaded.
        url: Option<String>,
    },
    /// A transfer that the page does itself shall end.
    FileStop {
        /// Whose file.
        message: Message,
    },
    /// A file has come further, is uploaded, or waits.
    FileProgress {
        /// As it is now; with a URL once it is uploaded.
        message: Message,
        /// Read sessions it belongs to.
        sessions: Vec<ReadSessionId>,
        /// 0 to 100.
        percent: u8,
        /// Goes on.
        running: bool,
    },
    /// Somebody is online, offline, typing, …; the profile says so already.
    Presence {
        /// Who.
        from: String,
        /// In which group, if any.
        group: Option<GroupId>,
        /// `MESIBO_PRESENCE_*`.
        presence: u32,
        /// With codes of the application.
        value: u32,
        /// Seconds it is valid.
        interval: u32,
        /// Of codes that have some.
        data: Vec<u8>,
    },
    /// The answer to a search.
    Searched {
        /// Of the question.
        ticket: u32,
        /// Whom it has found.
        found: Vec<Conversation>,
        /// There are more: the last uid and gid to go on behind; `None` at the end.
        more: Option<(u32, u32)>,
        /// Nothing was looked for: there were too many questions.
        limited: bool,
    },
    /// A visible field of a profile changed.
    ProfileUpdated {
        /// Whose.
        of: Conversation,
    },
    /// The own profile became known or changed.
    SelfUpdated,
    /// Edits of a profile reached the server, or failed; or there was nothing to send.
    ProfilePublished {
        /// Whose.
        of: Conversation,
        /// They did.
        ok: bool,
    },
    /// A group the page asked for exists.
    GroupCreated {
        /// Which group.
        group: GroupId,
        /// Of the question.
        ticket: u32,
    },
    /// The user became a member.
    GroupJoined {
        /// Which group.
        group: GroupId,
        /// Of the question, 0 when there was none.
        ticket: u32,
    },
    /// The user is no longer a member.
    GroupLeft {
        /// Which group.
        group: GroupId,
        /// The group does not exist any more.
        deleted: bool,
    },
    /// Others joined.
    GroupMembersJoined {
        /// Which group.
        group: GroupId,
        /// Of the question, 0 when there was none.
        ticket: u32,
        /// Who.
        members: Vec<Member>,
    },
    /// Others left.
    GroupMembersRemoved {
        /// Which group.
        group: GroupId,
        /// Of the question, 0 when there was none.
        ticket: u32,
        /// Who.
        members: Vec<Member>,
    },
    /// Answer to a question for settings, or to a change of settings or PINs.
    GroupSettings {
        /// Which group.
        group: GroupId,
        /// Of the question.
        ticket: u32,
        /// Those the user may see.
        pins: Vec<proto::Pin>,
    },
    /// Answer to a question for members.
    GroupMembers {
        /// Which group.
        group: GroupId,
        /// Of the question.
        ticket: u32,
        /// Who.
        members: Vec<Member>,
    },
    /// Who waits to be let in by the user, or others; all of them.
    GroupWaiting {
        /// Which group.
        group: GroupId,
        /// Who; nobody any more.
        members: Vec<Member>,
    },
    /// A group operation was refused.
    GroupError {
        /// Which group, 0 when it was to be created.
        group: GroupId,
        /// Of the question, 0 when there was none.
        ticket: u32,
        /// `MESIBO_GROUPERROR_*`.
        error: u32,
        /// Not yet: somebody may let the user in.
        waiting: bool,
    },
    /// Somebody calls.
    Call {
        /// The page's number of the call.
        call: u32,
        /// Who.
        from: String,
        /// About pictures, too.
        video: bool,
    },
    /// A call goes on, or ends.
    CallStatus {
        /// The page's number of the call.
        call: u32,
        /// `MESIBO_CALLSTATUS_*`.
        status: u32,
    },
    /// The conference tells something.
    Room {
        /// Which room.
        room: GroupId,
        /// What.
        event: RoomEvent,
    },
    /// Something unexpected that the page should know.
    Error {
        /// What happened, and what would help.
        text: String,
    },
}

/// A member of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Address.
    pub address: String,
    /// Uid.
    pub uid: u32,
    /// Display name, may be empty.
    pub name: String,
    /// Effective `MESIBO_MEMBERFLAG_*`.
    pub flags: u32,
    /// `MESIBO_ADMINFLAG_*`.
    pub admin_flags: u32,
    /// Is the owner.
    pub owner: bool,
}

/// A stream in a room: an own one by the page's number, or somebody's by the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamRef {
    /// Own.
    Own(u32),
    /// Somebody's.
    Remote(StreamId),
}

/// Something that happened in a conference.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomEvent {
    /// The room was entered, first or again.
    Entered,
    /// A publisher is there.
    PublisherJoined(StreamId),
    /// A publisher is gone. A running subscription was told `HungUp` before.
    PublisherLeft(StreamId),
    /// Name, mute or talking of any participant changed.
    ParticipantChanged(StreamRef),
    /// Somebody began or ended to watch an own stream.
    Subscriber {
        /// Own stream.
        sid: u32,
        /// Who.
        address: String,
        /// Uid.
        uid: u32,
        /// Display name.
        name: String,
        /// Began.
        joined: bool,
    },
    /// Media can flow, or the path is lost for the moment.
    Connected {
        /// Which running call.
        stream: StreamRef,
        /// Flows.
        connected: bool,
    },
    /// The picture is there, or changed its shape. Own: capture is ready.
    Video {
        /// Which running call.
        stream: StreamRef,
        /// Pixels, 0 when not known yet.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Sound is there.
    Audio(StreamRef),
    /// Mute changed.
    Mute {
        /// Which running call.
        stream: StreamRef,
        /// Audio is muted now.
        audio: bool,
        /// Video is muted now.
        video: bool,
        /// The other side did it.
        remote: bool,
    },
    /// Voice activity changed.
    Talking {
        /// Which running call.
        stream: StreamRef,
        /// Speaks.
        talking: bool,
    },
    /// Another camera or screen is what it shows now.
    SourceChanged(StreamRef),
    /// The publisher suggests how to show it, see [`crate::Stream::display`].
    Display(StreamId),
    /// Who has the word, or who has spoken last, has changed: see [`crate::Room::speakers`].
    Speakers,
    /// What is sent in the room is being recorded from now on, or no more.
    Recording(bool),
    /// An admin asks for something; whether it is done is the page's to say.
    Control(proto::RoomControl),
    /// The link of a participant does better or worse.
    Quality {
        /// Whose.
        stream: StreamRef,
        /// 1 to 100, the best.
        quality: u32,
    },
    /// The call ended, not by the own `hang_up`. `MESIBOCALL_HANGUP_REASON_*`.
    HungUp {
        /// Which call.
        stream: StreamRef,
        /// Why.
        reason: u32,
    },
    /// Entering or publishing was refused. `MESIBO_GROUPERROR_*`.
    Refused {
        /// The own stream that may not be published; `None` = the room.
        sid: Option<u32>,
        /// Why.
        error: u32,
        /// For the console.
        reason: String,
        /// Not yet: somebody may let the user in.
        waiting: bool,
    },
    /// Camera or microphone could not be had for this own stream.
    CaptureFailed {
        /// Own stream.
        sid: u32,
        /// For the console.
        reason: String,
    },
}
