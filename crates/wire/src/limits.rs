//! Every limit of queue, buffer, retry and wait, with its reason and what happens at it.
//!
//! A limit that is not here does not exist. Sorted by room.

use core::time::Duration;

// ---- frames and messages -----------------------------------------------------------------

/// Largest frame either side may send, bytes.
///
/// The SDP of a large room needs about 200 KiB. A larger frame ends the session with
/// `FrameTooLarge`.
pub const FRAME_BYTES_MAX: usize = 256 * 1024;

/// Longest text, or binary payload, of a message, bytes (`client-api.md` 3.7.2).
///
/// The client answers `MESIBO_RESULT_BADREQ`.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Largest content of a message, encoded, bytes: the longest text, with a title and fields beside.
///
/// The client answers `MESIBO_RESULT_BADREQ`, the server `Rejected`; files go over HTTP.
pub const CONTENT_BYTES_MAX: usize = BODY_BYTES_MAX + 4 * 1024;

/// Longest address, bytes (`client-api.md` 5.13). Longer ones name nobody.
pub const ADDRESS_BYTES_MAX: usize = 63;

/// Longest display name of a user, group or stream, bytes. Longer ones are cut by the client
/// and refused by the server's HTTP API.
pub const NAME_BYTES_MAX: usize = 127;

/// Longest status line of a user or group, bytes. A longer one is refused.
pub const STATUS_BYTES_MAX: usize = 1_024;

/// Longest URL of a profile picture, bytes. A longer one is refused.
pub const IMAGE_URL_BYTES_MAX: usize = 2_048;

/// All named values of a profile together, bytes of JSON (`client-api.md` 5.13); `save` answers
/// `false` to more.
pub const PROFILE_VALUES_BYTES_MAX: usize = 16 * 1024;

/// Conversations that count as recent when only those are told of a changed profile: the newest ones.
/// The others see the change when they ask.
pub const PROFILE_RECENT_MAX: usize = 64;

/// Longest app id, bytes (`backend-api.md` 2.2). A longer one belongs to no token.
pub const APP_ID_BYTES_MAX: usize = 128;

/// Longest token, bytes; ours have 60. A longer one is malformed.
pub const TOKEN_BYTES_MAX: usize = 256;

/// Shortest token, bytes: old pages require more than 16.
pub const TOKEN_BYTES_MIN: usize = 17;

// ---- session -----------------------------------------------------------------------------

/// Longest wait for `Hello` after the socket opened. Then the session ends with `Silence`.
pub const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// Time between two pings of the server. 10,000 idle sessions cost 667 pings a second.
pub const PING_INTERVAL: Duration = Duration::from_secs(15);

/// Longest silence before a session counts as lost, by either side: three pings may go missing.
pub const SILENCE_MAX: Duration = Duration::from_secs(45);

/// Longest wait for `Welcome` after `Hello`, client side. Then the socket is closed and tried again.
pub const WELCOME_WITHIN: Duration = Duration::from_secs(15);

/// Shortest and longest wait before the client connects again; it doubles from the first to the
/// second and the actual wait is drawn between zero and it (full jitter), so that a restarted
/// server does not meet all its clients in one moment.
pub const RECONNECT_DELAY_MIN: Duration = Duration::from_millis(500);
/// See [`RECONNECT_DELAY_MIN`].
pub const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(30);

/// Frames a session may send in one second, on average; the burst is ten seconds' worth.
///
/// A person types a few a minute, a room with many streams sends hundreds at join. Beyond it the
/// session ends with `RateLimit`.
pub const FRAMES_PER_SECOND_MAX: u32 = 1_000;
/// Frames a session may send at once before the rate counts. See [`FRAMES_PER_SECOND_MAX`].
pub const FRAMES_BURST_MAX: u32 = 10_000;

/// Frames of one session that wait in the hub while something has to be loaded. Beyond it the
/// session ends with `Overloaded`; a client has no more than [`OUTBOX_IN_FLIGHT_MAX`] on the way.
pub const SESSION_PARKED_FRAMES_MAX: usize = 1_024;

/// Bytes that wait for one slow reader. Beyond it the session ends with `TooSlow` and resumes
/// from its log.
pub const SESSION_SEND_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Sessions of one user at the same time. The oldest ends with `SignedOut`.
pub const SESSIONS_PER_USER_MAX: usize = 16;

/// Users and groups one session may watch. Further ones are not told of changes.
pub const WATCHED_MAX: usize = 2_000;

// ---- log ---------------------------------------------------------------------------------

/// Log entries on their way to one device without an `Ack` (W of the design).
///
/// 1,024 small entries are about 200 KB; with 50 ms of round trip they allow 20,000 a second.
pub const WINDOW_ENTRIES: usize = 1_024;

/// Log entries read from the store at once.
pub const LOG_PAGE_ENTRIES: usize = 256;

/// Entries waiting in one user's log; then senders get `INBOX_FULL` (`backend-api.md` 5.1).
pub const LOG_ENTRIES_MAX: u64 = 10_000;

/// Bytes of the entries waiting in one user's log; then senders get `INBOX_FULL` (`backend-api.md` 5.1).
pub const LOG_BYTES_MAX: u64 = 100 * 1024 * 1024;

/// Messages in one answer to a question for the history. A longer wish is cut to it.
pub const HISTORY_PAGE_MAX: u32 = 256;

/// Members whose receipts come with an own message of the history, those with the lowest numbers; the
/// others' are known to devices that were there. With [`HISTORY_PAGE_MAX`] a page costs the store
/// 16,000 rows at most, some 15 ms.
pub const HISTORY_RECEIPTS_MAX: usize = 64;

/// What a question for the history counts as, in frames of [`FRAMES_PER_SECOND_MAX`]: it costs the
/// store a few milliseconds. So a session asks twenty a second on average; beyond it the session
/// ends with `RateLimit`.
pub const HISTORY_COST_FRAMES: u32 = 50;

/// Lifetime of a message whose sender gave none: one year (`backend-api.md` 5.2).
pub const EXPIRY_DEFAULT: Duration = Duration::from_secs(31_536_000);

// ---- files -------------------------------------------------------------------------------

/// Largest file, bytes, unless the server is told otherwise (`backend-api.md` 6.1). A larger one
/// is refused with HTTP 413 before it is read.
pub const FILE_BYTES_MAX: u64 = 50 * 1024 * 1024;

/// How long an upload token holds (`backend-api.md` 6.1). A session gets the next one when half
/// of it is over.
pub const UPLOAD_TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Uploads that are being received at the same time, by all users: each holds a file handle and
/// some 100 KB. A further one is answered `RATELIMIT`, or 503 with tus; clients try again.
pub const UPLOADS_AT_ONCE_MAX: usize = 256;

/// Uploads that one user has begun and not finished. A further one is refused with 429.
pub const UPLOADS_UNFINISHED_MAX: usize = 64;

/// How long an unfinished upload may be continued; then what was received is deleted.
pub const UPLOAD_UNFINISHED_KEPT: Duration = Duration::from_secs(24 * 3600);

/// Longest silence of somebody who uploads. What was received stays to be continued.
pub const UPLOAD_SILENCE_MAX: Duration = Duration::from_secs(30);

/// Largest text field of an upload form, bytes, and how many of them there may be. Ours have a
/// handful of short ones; a form beyond it is malformed.
pub const UPLOAD_FIELD_BYTES_MAX: usize = 4 * 1024;
/// See [`UPLOAD_FIELD_BYTES_MAX`].
pub const UPLOAD_FIELDS_MAX: usize = 32;

/// Bytes handed to the file store at once: the smallest part that S3 takes.
pub const FILE_PART_BYTES: usize = 5 * 1024 * 1024;

/// Files that are moved into the file store at the same time; each needs [`FILE_PART_BYTES`] of
/// memory. Others wait.
pub const FILES_FINISHING_MAX: usize = 4;

/// Largest picture that the server makes a small one of: 5,000 x 5,000 pixels. Larger ones, and such
/// that only say to be so large, stay as they are, without a small one.
pub const THUMBNAIL_SOURCE_PIXELS_MAX: u64 = 25_000_000;
/// See [`THUMBNAIL_SOURCE_PIXELS_MAX`]: longest side, for pictures of one row.
pub const THUMBNAIL_SIDE_MAX: u32 = 20_000;
/// See [`THUMBNAIL_SOURCE_PIXELS_MAX`]: bytes of the file, which some decoders read as a whole.
pub const THUMBNAIL_SOURCE_BYTES_MAX: u64 = 20 * 1024 * 1024;
/// See [`THUMBNAIL_SOURCE_PIXELS_MAX`]: bytes that a decoder may take for pixels, four of each.
pub const THUMBNAIL_MEMORY_MAX: u64 = 100 * 1024 * 1024;

/// Pictures made small at the same time, as each may take [`THUMBNAIL_MEMORY_MAX`] and a core for a
/// second. Others wait.
pub const THUMBNAILS_AT_ONCE_MAX: usize = 1;

/// How long an answer waits for a small picture; then it has none.
pub const THUMBNAIL_WAIT_MAX: Duration = Duration::from_secs(5);

/// Files one client uploads at the same time; further ones wait their turn. More would only
/// make each slower.
pub const UPLOADS_IN_FLIGHT_MAX: usize = 3;

/// Attempts to upload a file; then its message fails (`client-api.md` 3.11.2).
pub const UPLOAD_TRIES_MAX: u32 = 5;

/// Wait before the second attempt; it doubles with each, up to the second bound, and half of it
/// is drawn, so that clients of a restarted server do not come together. Attempts that fail
/// while there is no connection do not count.
pub const UPLOAD_RETRY_MIN: Duration = Duration::from_secs(1);
/// See [`UPLOAD_RETRY_MIN`].
pub const UPLOAD_RETRY_MAX: Duration = Duration::from_secs(30);

/// Shortest time between two reports of a transfer's progress (`client-api.md` 3.11.2): ten a
/// second. Those between are left out; the end is always told.
pub const FILE_PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Largest thumbnail in a message, bytes; it travels with every copy of it. A larger one is left
/// out.
pub const THUMBNAIL_BYTES_MAX: usize = 10 * 1024;

/// Longest wait for a thumbnail; then the message goes without one. Some browsers decode no video
/// before the user has touched the page.
pub const THUMBNAIL_WITHIN: Duration = Duration::from_secs(3);

/// How long a sender may change or recall a message (`client-api.md` 5.13). Later the server
/// answers `Rejected`, the page `MESIBO_RESULT_DENIED`.
pub const RETRACTION_MAX: Duration = Duration::from_secs(3_600);

/// Changes, removals and other requests that wait for the server in one browser. One more is
/// refused at once: a page offline for weeks does not make so many.
pub const ERRANDS_MAX: usize = 10_000;
/// Of those, so many are on their way at once.
pub const ERRANDS_IN_FLIGHT_MAX: usize = 64;

/// Messages whose end is waited for (`setAge`). One more stays until it is read again.
pub const AGES_MAX: usize = 100_000;

/// The small key-value store of a page, bytes of JSON. `setKey` beyond it answers `false`.
pub const KEYS_BYTES_MAX: usize = 64 * 1024;

/// Longest data of a presence, bytes; a longer one is not passed on.
pub const PRESENCE_DATA_BYTES_MAX: usize = 1_024;

/// Longest text to search for, bytes; a longer one finds nothing.
pub const SEARCH_BYTES_MAX: usize = 127;

/// Users, and groups, in one answer to a search; the rest is asked for behind the last.
pub const SEARCH_RESULTS_MAX: usize = 50;

/// Searches of one session in one minute: a person types a few. Further ones are answered
/// `limited`, so that nobody draws off who is there.
pub const SEARCHES_PER_MINUTE_MAX: u32 = 30;

/// Longest push token, bytes. A longer one is not kept.
pub const PUSH_TOKEN_BYTES_MAX: usize = 4_096;

/// Time between two push messages to somebody who does not come (`backend-api.md` 2.10). What comes
/// in between wakes nobody; calls do.
pub const PUSH_INTERVAL: Duration = Duration::from_secs(60);

/// How long after the start, and after a message was taken back, files are looked for that nothing names
/// any more: what is replaced in this time is named again.
pub const FILES_LEFT_AFTER: Duration = Duration::from_secs(5);

/// Files that are removed at once. The next ones follow [`FILES_LEFT_AFTER`] later, so that messages do not
/// wait for disks.
pub const FILES_LEFT_AT_ONCE: usize = 64;

/// How long a file stays that no message, picture or profile has ever named, where the operator has those
/// removed (`files.orphans`): its sending was not finished. A page has its uploads for a day, a phone in a
/// drawer for some weeks.
pub const FILE_UNNAMED_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// How long the link to a file of a user whose class has its files signed is good for whoever has it, as
/// a message brings it. Then it takes a token of the app.
pub const FILE_LINK_LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// Credentials of push services an app may have: one of Firebase, and some of Apple's for its apps. A
/// further one is refused (`QUOTA`).
pub const PUSH_CREDENTIALS_MAX: usize = 8;

/// Largest credential of a push service, bytes: Firebase's has 2.5 KB, Apple's 3 to 6. A larger one is
/// refused (`TOOLARGE`).
pub const PUSH_CREDENTIAL_BYTES_MAX: usize = 32 * 1024;

/// Answer of a push service that is read, bytes: a short reason. The rest is not.
pub const PUSH_ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Users of whom it is remembered when they were woken. Beyond them all are forgotten, and may be
/// woken once too often.
pub const PUSHED_USERS_KEPT_MAX: usize = 100_000;

/// How long a push service keeps what it could not deliver, seconds: four weeks, as the services
/// allow. Then nobody is woken; the message itself still waits.
pub const PUSH_TTL_S_MAX: u32 = 28 * 86_400;

/// The same for a call that was missed, seconds: a day later it is in the history, and no news.
pub const PUSH_CALL_TTL_S: u32 = 86_400;

/// Characters of a message that a notification shows: the payload has to stay below 4,096 bytes
/// (RFC 8030 section 7.2). The rest is cut off.
pub const PUSH_ALERT_CHARS_MAX: usize = 200;

/// Media of one group that can be played on demand. One more upload is refused (`QUOTA`): all of
/// them are listed at once.
pub const LIBRARY_GROUP_MAX: usize = 1_000;

/// How long a link to such a medium is good. Then the page asks for another one.
pub const LIBRARY_LINK_LIFETIME: Duration = Duration::from_secs(6 * 3600);

/// Videos that wait for their smaller copies. A further one is played as it was uploaded.
pub const RENDITIONS_WAITING_MAX: usize = 100;

/// How long one copy may take. Then the program is killed, and there is no such copy.
pub const RENDITION_WITHIN: Duration = Duration::from_secs(3600);

/// Lines of the copies that are made, the largest first; a copy that is not smaller than the
/// original is not kept.
pub const RENDITION_HEIGHTS: [u32; 2] = [720, 360];

/// Push messages that wait for one service. A further one is dropped and counted: its service is
/// slower than what is written.
pub const PUSH_WAITING_MAX: usize = 4_096;

/// Requests to one push service at the same time: 32 at 50 ms each are 640 a second.
pub const PUSH_AT_ONCE_MAX: usize = 32;

/// Push services that are asked at the same time; there are a handful in the world, but a client
/// may name any. What is for a further one is dropped and counted.
pub const PUSH_SERVICES_MAX: usize = 256;

/// How long the task of a push service waits for something to do. Then it ends; a later message
/// starts another one.
pub const PUSH_IDLE_MAX: Duration = Duration::from_secs(60);

/// Wait before a push message is tried a second and last time, when its service may recover.
pub const PUSH_RETRY_AFTER: Duration = Duration::from_secs(5);

/// How long a push service may take to answer. Then it counts as not reached.
pub const PUSH_WITHIN: Duration = Duration::from_secs(10);

/// How long the signature of a request to a push service holds (RFC 8292 allows 24 h).
pub const PUSH_SIGNED_FOR: Duration = Duration::from_secs(12 * 3600);

// ---- client ------------------------------------------------------------------------------

/// Messages sent and not yet answered by the server. Further ones wait in the outbox, so that a
/// long offline queue does not fill the server's buffers.
pub const OUTBOX_IN_FLIGHT_MAX: usize = 256;

/// Messages waiting in the outbox; a further `send` answers `MESIBO_RESULT_BUFFERFULL`.
pub const OUTBOX_MAX: usize = 100_000;

/// Attempts to store one transaction in the browser. What fails so often stays in memory only, is
/// acknowledged all the same (the log would stand still), and the page is told.
pub const COMMIT_TRIES_MAX: u32 = 3;

/// Messages the client keeps in memory beside its store. The oldest are read again when needed.
pub const MESSAGES_IN_MEMORY_MAX: usize = 20_000;

/// Messages one `read` gives when the page names no number (`client-api.md` 3.9.2).
pub const READ_COUNT_DEFAULT: u32 = 100;

/// Messages asked of the store at once when few pass a session's filter, or when they are counted:
/// the page waits some 20 ms for the browser to hand over so many.
pub const FILTERED_READ_MAX: u32 = 1_024;

/// Shortest time between two typing notices to the same destination (`client-api.md` 3.2.3).
pub const TYPING_INTERVAL: Duration = Duration::from_secs(3);

/// How long a presence holds without a new sign of life (`client-api.md` 3.8.4).
pub const ONLINE_VALID: Duration = Duration::from_secs(90);
/// See [`ONLINE_VALID`].
pub const TYPING_VALID: Duration = Duration::from_secs(10);

/// Questions and changes about groups that wait for a connection or an answer. A further one is
/// answered `MESIBO_GROUPERROR_GENERAL`.
pub const GROUP_REQUESTS_MAX: usize = 1_024;

/// Listeners given to group methods that are remembered for what their change causes. The oldest
/// is forgotten: what follows so late reaches the global listeners only.
pub const GROUP_ASKERS_MAX: usize = 256;

/// Questions of a page for the server's history that wait; a further one is answered with nothing.
pub const SYNCS_MAX: usize = 64;

/// Conversations whose last message is looked up when the store opens, for the list of recent
/// profiles. Older ones come in when they are read.
pub const RECENT_PROFILES_MAX: u32 = 100;

// ---- one-to-one calls --------------------------------------------------------------------

/// How long a call rings before the caller's client gives it up with `NOANSWER`, unless the page
/// wants another time (`client-api.md` 3.13).
pub const CALL_RING: Duration = Duration::from_secs(45);

/// How long a call rings at most, whatever the page wants; then the server ends it.
pub const CALL_RING_MAX: Duration = Duration::from_secs(120);

/// How long the server keeps the place of a side whose connection was lost. A restart of the server
/// and a client's first attempts take a few seconds; then the other side is told `NETWORKERROR`.
pub const CALL_RETURN_WITHIN: Duration = Duration::from_secs(30);

/// Longest way from the answer to media that flows both ways, unless the page wants another time.
/// Then the call ends with `NETWORKERROR`. Through a relay and over TCP it takes a few seconds.
pub const CALL_CONNECT_WITHIN: Duration = Duration::from_secs(30);

/// How long media may be gone before the call ends with `NETWORKERROR`: as long as people wait who
/// see that it reconnects.
pub const CALL_LOST_MAX: Duration = Duration::from_secs(30);

/// How long a lost path may mend itself before a new one is looked for.
pub const CALL_RESTART_AFTER: Duration = Duration::from_secs(2);

/// Time between two searches for a new path.
pub const CALL_RESTART_INTERVAL: Duration = Duration::from_secs(8);

/// Ends of calls that the server has not been told of, in one page. The oldest is forgotten: the
/// server ends that call by itself after [`CALL_RETURN_WITHIN`].
pub const CALL_ENDS_UNSAID_MAX: usize = 8;

/// Candidates that wait until the description they belong to is sent. Browsers find some ten.
pub const CALL_CANDIDATES_MAX: usize = 128;

/// Calls one user may start in a minute; a further one is answered `NOTALLOWED`.
pub const CALL_STARTS_PER_MINUTE_MAX: u32 = 30;

/// Offers, answers, candidates and notices of one side that are passed on in ten seconds. Further
/// ones are dropped: a call needs a few dozen when it begins.
pub const CALL_SIGNALS_MAX: u32 = 300;
/// See [`CALL_SIGNALS_MAX`].
pub const CALL_SIGNALS_WINDOW: Duration = Duration::from_secs(10);

/// Longest offer or answer, bytes; a longer one is dropped. A call has two media lines, some 8 KB.
pub const CALL_SDP_BYTES_MAX: usize = 32 * 1024;

/// How often, and for how long, an element of the page that is not there yet is looked for
/// (`client-api.md` 3.13). Then the call goes on without it.
pub const CALL_VIEW_INTERVAL: Duration = Duration::from_millis(50);
/// See [`CALL_VIEW_INTERVAL`].
pub const CALL_VIEW_TRIES: u32 = 100;

// ---- rooms -------------------------------------------------------------------------------

/// Streams one session may publish in one room: a camera and several screens.
pub const STREAMS_PER_SESSION_MAX: usize = 16;

/// Streams one session may receive in one room: what an SDP of [`FRAME_BYTES_MAX`] can hold.
pub const SUBSCRIPTIONS_MAX: usize = 200;

/// Longest wait for the answer to an offer, client side. Then a new peer connection is made.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(15);

// ---- media -------------------------------------------------------------------------------

/// Media lines in one offer: [`SUBSCRIPTIONS_MAX`] and [`STREAMS_PER_SESSION_MAX`] with audio and
/// video each, and room to spare. An offer with more is refused.
pub const MEDIA_LINES_MAX: usize = 512;

/// Peer connections of one media loop; a further one is refused. Each costs about 200 KB.
pub const PEERS_MAX: usize = 20_000;

/// Addresses from which one peer may send at the same time: its interfaces and their successors
/// after a change of network. The oldest is forgotten, and known again at its next binding request.
pub const PEER_ADDRESSES_MAX: usize = 8;

/// How long the address that was negotiated with a peer has to be silent, while the peer is heard at
/// another one that it has proven, before it is sent to there. Who receives pictures reports on them
/// several times a second, who sends sends more often. Shorter, and one with two networks that is quiet on both
/// would be sent to by turns.
pub const PATH_SILENT_AFTER: Duration = Duration::from_secs(1);

/// Longest silence of a peer before it counts as disconnected. Browsers renew their consent every
/// 2.5 s (Chromium) or 5 s (Firefox), so one check may go missing.
pub const PEER_SILENCE_MAX: Duration = Duration::from_secs(11);

/// Shortest time between two key frame requests to one publisher; further requests wait for its
/// end and become one. libwebrtc ignores what comes within 300 ms of a request it answered; the
/// rest is for jitter on the way.
pub const KEY_FRAME_INTERVAL: Duration = Duration::from_millis(350);

/// How long a subscriber waits for a key frame before the publisher is asked again: the request or
/// the answer was lost.
pub const KEY_FRAME_WAIT: Duration = Duration::from_millis(500);

/// Encodings of one picture (simulcast). Further ones are not forwarded: three sizes, each half of
/// the next, serve every view.
pub const VIDEO_LAYERS_MAX: usize = 3;

/// An encoding of which nothing came for so long is not chosen: the publisher's link or processor
/// does not carry it. A screen that stands still sends a picture a second.
pub const LAYER_SILENT_AFTER: Duration = Duration::from_millis(1_500);

/// An encoding that nobody watches for so long need not be sent. Shorter, and somebody who leafs
/// through a page of pictures would wait for each.
pub const LAYER_UNWATCHED_AFTER: Duration = Duration::from_secs(3);

/// Bits a second that a layer is taken to need before it was measured, the smallest first.
pub const LAYER_BITS_ASSUMED: [u64; VIDEO_LAYERS_MAX] = [150_000, 500_000, 1_500_000];

/// Bits a second that a subscriber's link is taken to carry before it was measured: a video call.
/// More, and thin links begin with a loss; less, and others begin with small pictures.
pub const LINK_BITS_FIRST: u64 = 2_000_000;

/// How often it is looked at what a link carries, and how well.
pub const LINK_MEASURED_EVERY: Duration = Duration::from_millis(500);

/// Shortest time between two notices of how well somebody's link does. Everybody in the room gets
/// them.
pub const QUALITY_INTERVAL: Duration = Duration::from_secs(2);

/// How long a link has to be too thin for a picture before it is kept back.
pub const LINK_THIN_AFTER: Duration = Duration::from_millis(1_500);

/// When a picture that was kept back for a thin link is tried again: sound suffers for as long as it
/// takes to see that the link is still thin.
pub const LINK_TRIED_AGAIN_AFTER: Duration = Duration::from_secs(20);

/// How long a picture that is shown larger waits for its layer before the link is measured anew from
/// scratch: the WebRTC stack has probed by then, if it does.
pub const LINK_MEASURED_ANEW_AFTER: Duration = Duration::from_millis(750);

/// How often that is done at most: each time costs a thin link a moment of delay.
pub const LINK_MEASURED_ANEW_EVERY: Duration = Duration::from_secs(5);

/// How often it is decided anew what each link carries.
pub const ALLOCATION_INTERVAL: Duration = Duration::from_millis(250);

/// Packets of one video track kept for one subscriber to be sent again: three seconds of
/// 2.5 Mbit/s. Older ones are not repaired, the subscriber asks for a key frame.
pub const RESEND_PACKETS_MAX: usize = 800;

/// Streams a media loop remembers, published, wanted or paused. Commands about further ones
/// have no effect.
pub const PUBLICATIONS_MAX: usize = 100_000;

/// How long a packet for many subscribers waits for those behind it: what pacers of browsers send in one go
/// arrives within it. Longer, and it would be noticed as delay; without it each packet costs as much
/// as a burst.
pub const HELD_FOR: Duration = Duration::from_millis(1);

/// Receives from the socket before what they cause is sent. More would delay the first.
pub const MEDIA_BATCH_MAX: usize = 32;

/// Bytes handed to the kernel in one send, as datagrams of one size to one peer: what fits into
/// an IP packet before it is cut (GSO). What does not fit goes in the next one.
pub const MEDIA_SEND_BYTES_MAX: usize = 60_000;

/// Speakers of a room that are told in their order. Further ones have spoken long ago: no page shows
/// so many large.
pub const SPEAKERS_TOLD_MAX: usize = 12;

/// How often a picture that is recorded gets a key frame: who seeks in the recording goes to one. The
/// encoders of browsers make one every 100 s by themselves; each costs as much as some 10 others.
pub const RECORDED_KEY_FRAME_EVERY: Duration = Duration::from_secs(10);

/// How long a packet that is missing in a recording is waited for: several round trips of asking
/// for it again. Then the picture stands still until the next key frame.
pub const RECORDED_REPAIR_WITHIN: Duration = Duration::from_secs(1);

/// Packets that wait behind a missing one, for each track: a second of 5 Mbit/s. Beyond it the
/// missing one counts as lost.
pub const RECORDED_PACKETS_WAITING_MAX: usize = 600;

/// Bytes of one recorded frame. A larger one is left out, and those up to the next key frame: a key
/// frame of 4K at its best has 2 MB.
pub const RECORDED_FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Frames waiting for the disk, of all recordings: 10 s of twenty streams. Beyond it pictures are
/// left out up to their next key frame.
pub const RECORDED_FRAMES_WAITING_MAX: usize = 16_384;

/// Streams recorded at a time. Of further ones nothing is recorded: 100 pictures of 2 Mbit/s are
/// what a disk of 25 MB/s takes.
pub const RECORDED_STREAMS_MAX: usize = 100;

/// How long one recording of a room may take. Then it ends, and everybody there is told.
pub const RECORDING_LASTS_MAX: Duration = Duration::from_secs(4 * 3600);

/// Bytes of all files of one recording. Then it ends, and everybody there is told: four hours of
/// ten streams of 1.5 Mbit/s.
pub const RECORDING_BYTES_MAX: u64 = 30_000_000_000;

/// How long of a recording is in memory and not in its file: what a crash costs.
pub const RECORDED_CLUSTER_LASTS_MAX: Duration = Duration::from_secs(1);

/// How long the file of a stream waits for its sound or picture when it has only the other one.
/// What comes later begins another file.
pub const RECORDED_TRACKS_WITHIN: Duration = Duration::from_secs(3);

/// Recordings that are written and wait for the library. A further one is taken at the next start.
pub const RECORDINGS_WAITING_MAX: usize = 1_000;

/// Media loops of one server, each with a core of its own. One more than that is not started: the one
/// thread that reads the port for them would not keep up.
pub const MEDIA_LOOPS_MAX: usize = 64;

/// How long a media loop may do nothing, not even show that it is there, which it does every second,
/// before nobody more is let into its rooms. A key frame for a thousand viewers takes less than one.
pub const MEDIA_STILL_AFTER: Duration = Duration::from_secs(5);

/// How often it is looked at that.
pub const MEDIA_WATCHED_EVERY: Duration = Duration::from_secs(1);

/// Commands waiting for a media loop; a further one is handed back and its caller says so.
pub const MEDIA_COMMANDS_MAX: usize = 4_096;

/// Events of a media loop waiting for the server. Beyond it notices of who talks are dropped
/// and no further command is taken until some are gone.
pub const MEDIA_EVENTS_MAX: usize = 4_096;

/// Processor time of a media loop, percent of its core, from which on nobody more is let into its rooms and
/// no further stream is taken there, unless the operator sets another one: `RoomRefused` says so. Near 100 packets would wait for each other, and
/// everybody would see it.
pub const MEDIA_LOAD_MAX_PERCENT: u32 = 80;

/// Below this part of it there is room again: 65 % for 80 %. Nearer to 1, and whoever is let in would close
/// the door.
pub const MEDIA_LOAD_AGAIN: f64 = 65.0 / 80.0;

/// Receive and send buffer of the media socket, and what may wait for each loop, bytes: 100 ms of
/// 300 Mbit/s. What exceeds it is dropped; receivers ask for it again.
pub const MEDIA_SOCKET_BYTES: usize = 4 * 1024 * 1024;

// ---- relay (TURN) ------------------------------------------------------------------------

/// How long the credential of a relay holds. A session gets the next one with its upload token, when
/// half of it is over; what was allocated before goes on.
pub const RELAY_CREDENTIAL_LIFETIME: Duration = UPLOAD_TOKEN_LIFETIME;

/// Allocations of one user at the same time: a browser makes one for each connection, address of
/// its own and way to the relay; rooms, calls and devices add up. A further one is answered 486.
pub const RELAY_ALLOCATIONS_PER_USER_MAX: usize = 48;

/// Clients of the relay at the same time, each with a task and a socket. Further ones are not heard.
pub const RELAY_CLIENTS_MAX: usize = 10_000;

/// Of those, who has not yet proven who it is. UDP sources can be forged: further ones are not heard
/// until some have proven themselves or [`RELAY_IDLE_MAX`] is over.
pub const RELAY_UNPROVEN_MAX: usize = 1_000;

/// How long somebody without an allocation is remembered after it was last heard. Browsers repeat
/// an unanswered request for 8 s.
pub const RELAY_IDLE_MAX: Duration = Duration::from_secs(10);

/// Longest message over the relay, bytes: a datagram of the Internet with room for its frame. A
/// longer one is cut by UDP and ends a TCP connection.
pub const RELAY_MESSAGE_BYTES_MAX: usize = 4_096;

/// Messages waiting for, or from, one client of the relay: 100 ms of 30 Mbit/s. Further ones are
/// dropped, as any network would.
pub const RELAY_QUEUE_MAX: usize = 256;

/// Bytes a second that one allocation may relay in each direction, and at once: 32 Mbit/s, a room of
/// many pictures. What exceeds it is dropped.
pub const RELAY_BYTES_PER_SECOND_MAX: u64 = 4_000_000;

/// How long a TCP client of the relay may take to read what it is sent. Then it is closed.
pub const RELAY_WRITE_WITHIN: Duration = Duration::from_secs(10);

/// Tries to find one port number that is free for both UDP and TCP, when any will do.
pub const RELAY_PORT_TRIES: u32 = 32;

// ---- hub ---------------------------------------------------------------------------------

/// Users, and members of groups, that the server keeps in memory without a session needing them:
/// about 30 MB. Beyond it they are forgotten and loaded again when needed.
pub const DIRECTORY_ENTRIES_MAX: usize = 100_000;

/// Bytes that wait for a session before it gets no more of its log until some are gone. Well
/// below [`SESSION_SEND_BYTES_MAX`], so that only what cannot wait reaches that one.
pub const SESSION_LOG_BYTES_MAX: usize = 512 * 1024;

/// Users, groups and apps that are being loaded at the same time, in all. A session that needs a
/// further one ends with `Overloaded`.
pub const LOADS_MAX: usize = 100_000;

/// Users and groups loaded at once for one frame or one operation; the rest follows after them.
pub const LOADS_AT_ONCE_MAX: usize = 256;

/// How long a message's key is kept at least, so that it is recognised when it is sent again: a
/// client that was offline for a week has sent it before, or asks its user. An expired message is
/// swept after that.
pub const MESSAGE_KEY_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long an expired token is kept, so that its client is told that it has expired, and not that
/// there is none.
pub const EXPIRED_TOKEN_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How often a certificate that was had by ACME is looked at for its end: clocks are set meanwhile.
pub const ACME_LOOKED_AT_EVERY: Duration = Duration::from_secs(12 * 3600);
/// How long the ACME server may take for each step of an order; then the order is given up.
pub const ACME_ORDER_WITHIN: Duration = Duration::from_secs(90);
/// When an order that failed is tried again. Doubled each time, up to [`ACME_RETRY_AFTER_MAX`]: Let's
/// Encrypt allows five failures an hour.
pub const ACME_RETRY_AFTER: Duration = Duration::from_secs(60);
/// See [`ACME_RETRY_AFTER`].
pub const ACME_RETRY_AFTER_MAX: Duration = Duration::from_secs(6 * 3600);

/// How long what apps use is counted in memory before it is written down; a crash loses so much of it.
pub const USAGE_INTERVAL: Duration = Duration::from_secs(60);
/// How long a day stays in the list of what an app has used; months stay for ever.
pub const USAGE_DAYS_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

/// Time between two sweeps of the store, and from the start to the first.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(3600);

/// Rows one step of a sweep removes: a few milliseconds, in which nobody else is served. The next
/// step follows after [`SWEEP_PAUSE`] as long as there is more.
pub const SWEEP_ROWS_MAX: usize = 256;
/// Rows one step of an erasure looks at: some ten milliseconds, in which nobody else is served. The
/// next step follows as long as there are more.
pub const ERASE_ROWS_MAX: usize = 4_096;
/// Messages one step looks at when an app keeps its messages for a shorter time than before: some ten
/// milliseconds, in which nobody else is served. The next step follows after [`SWEEP_PAUSE`].
pub const SHORTENED_AT_ONCE: i64 = 4_096;
/// See [`SWEEP_ROWS_MAX`].
pub const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// Messages of one session that are stored with one request; the others wait for its answer. As
/// many as a client has on the way, and few enough that one sender does not hold all others up.
pub const APPEND_MESSAGES_MAX: usize = OUTBOX_IN_FLIGHT_MAX;

/// Operations of backends that wait their turn; a further one is answered `RATELIMIT`.
pub const OPERATIONS_WAITING_MAX: usize = 1_024;

/// Addresses in one message of a backend (`backend-api.md` 2.6); more are answered `TOOLARGE`.
pub const LETTER_ADDRESSES_MAX: usize = 1_000;

/// Scheduled messages that are taken up together when they are due; the rest follows behind them.
/// Few enough that operations of backends do not wait long.
pub const SCHEDULED_AT_ONCE_MAX: usize = 64;

/// Largest thumbnail in a message of a backend, bytes (`backend-api.md` 2.6); a larger one is
/// answered `TOOLARGE`.
pub const LETTER_THUMBNAIL_BYTES_MAX: usize = 32 * 1024;

/// Wrong attempts that a backend may allow for a one-time code, and seconds it may live; more is
/// answered `BADPARAM`. Six digits are guessed by whoever may try without end.
pub const OTP_TRIES_MAX: u32 = 100;
/// See [`OTP_TRIES_MAX`].
pub const OTP_EXPIRY_S_MAX: u32 = 86_400;

/// Longest URL, credential or token among the settings of an app, bytes; a longer one is answered
/// `BADPARAM`.
pub const APP_SETTING_BYTES_MAX: usize = 1_024;

/// One-time codes that are remembered. Beyond it those that have expired are forgotten, and when
/// there are none, all: their users ask for another.
pub const OTPS_KEPT_MAX: usize = 100_000;

/// Operations an app may ask for in a second, and at once, unless the operator says otherwise
/// (`backend-api.md` 1.3); a further one is answered `RATELIMIT`.
pub const OPERATIONS_PER_SECOND: u32 = 50;
/// See [`OPERATIONS_PER_SECOND`].
pub const OPERATIONS_BURST: u32 = 200;

/// Read messages told in one `Read`. A longer one is answered `Rejected`; the page's client sends
/// fewer at once.
pub const READ_MESSAGES_MAX: usize = 4_096;

/// Members of a group up to which typing and other presence is passed on to it. In a larger one
/// it would cost more than it tells.
pub const PRESENCE_MEMBERS_MAX: usize = 2_000;

/// Rooms one session may be in at the same time; a further `RoomEnter` is refused.
pub const ROOMS_PER_SESSION_MAX: usize = 64;

/// Members that are told one by one when the membership of a group changes. In a larger group
/// only those online are told; the others see it when they ask.
pub const MEMBERS_TOLD_MAX: usize = 1_000;

/// A device not seen for so long does not hold back the trimming of its user's log
/// (`backend-api.md` 5.5); when it comes back it is told of the gap.
pub const DEVICE_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Members in one answer to a question for them; the rest is asked for behind the last.
pub const MEMBERS_PER_REPLY_MAX: usize = 500;

/// Contacts in one frame of a client; it sends the rest in further ones, the server takes no more.
pub const CONTACTS_PER_FRAME_MAX: usize = 200;

/// Addresses in one change of members by a client; one with more is answered
/// `MESIBO_GROUPERROR_GENERAL`.
pub const MEMBERS_PER_REQUEST_MAX: usize = 2_000;

/// Contacts and blocks of one user. Further ones are not kept, and the user's device is told so.
pub const CONTACTS_MAX: usize = 10_000;

/// Contacts that a page of the demo login is told of at once. Its user may have more.
pub const DEMO_CONTACTS_MAX: usize = 1_000;

/// Groups that a page of the demo login is told with its contacts. Its user may have more.
pub const DEMO_GROUPS_MAX: usize = 500;

/// Feature classes of one app; a further one is refused with `QUOTA`. All are in memory with the app.
pub const CLASSES_MAX: usize = 100;
/// What was given of one class; more is refused with `TOOLARGE`. The full example of `backend-api.md`
/// 2.11 has 3 KiB.
pub const CLASS_BYTES_MAX: usize = 16 * 1024;
/// Windows of one rate of a class, each with its own limit; further ones are refused with `BADPARAM`.
pub const CLASS_WINDOWS_MAX: usize = 8;
/// Users and kinds whose rates are counted; when there are more, all are counted from 0 again.
pub const CLASS_RATES_KEPT_MAX: usize = 100_000;

/// Users who wait to be let into one group; a further one is refused and has to try again.
pub const LOBBY_MAX: usize = 1_000;
/// How long one waits (`backend-api.md` 4.8); then it has to ask again.
pub const LOBBY_WAIT_MAX: Duration = Duration::from_secs(3_600);

/// PINs of one group; a further one is refused with `MESIBO_GROUPERROR_GENERAL`.
pub const PINS_PER_GROUP_MAX: usize = 100;

/// Wrong PINs of one user within [`PIN_WINDOW`] (`backend-api.md` 4.7). After the last, every
/// PIN is refused with `MESIBO_GROUPERROR_ACCESSDENIED` for [`PIN_BLOCKED`].
pub const PIN_FAILURES_MAX: u32 = 5;
/// The same for one address: a household or an office behind it shares them.
pub const PIN_FAILURES_PER_ADDRESS_MAX: u32 = 20;
/// See [`PIN_FAILURES_MAX`].
pub const PIN_WINDOW: Duration = Duration::from_secs(600);
/// See [`PIN_FAILURES_MAX`].
pub const PIN_BLOCKED: Duration = Duration::from_secs(60);
/// Users whose wrong PINs are remembered. Beyond it those whose window is over are forgotten, and
/// when there are none, all.
pub const PIN_FAILURES_KEPT_MAX: usize = 100_000;

// ---- server ------------------------------------------------------------------------------

/// Requests that share one transaction and one fsync. More would only make the first wait longer.
pub const STORE_BATCH_MAX: usize = 1_024;

/// Requests waiting for the store. Beyond it the hub takes no more frames from the sockets until
/// some are answered, so that a slow disk slows senders and nothing piles up.
pub const STORE_REQUESTS_MAX: usize = 16_384;

/// How long what a device has acknowledged may be in memory only. A server that dies meanwhile
/// offers it again, and the device knows it; shorter costs each message the rows of its log's place.
pub const ACKNOWLEDGED_WRITTEN_WITHIN: Duration = Duration::from_millis(200);

/// How often a disk that does not take what is written is tried again. A server is ready at most so much
/// later than its disk; sooner would fill the log of one that stays broken.
pub const DISK_LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// The store's own copy of what it reads and changes most, in kilobytes; the system's is behind it.
pub const STORE_CACHE_KILOBYTES: u32 = 16_384;

/// Rows after which the write-ahead log is moved into the database, beside the thread that writes.
/// Each time both files are synced, and commits wait for the same disk meanwhile. More often, half
/// of all messages take a tenth longer; more rarely, the slowest hundredth waits for more at once.
pub const CHECKPOINT_AFTER_ROWS: u32 = 4_096;

/// Time after which it is moved however little it is, with the next commit: what was deleted stands
/// in the database until then.
pub const CHECKPOINT_AFTER: Duration = Duration::from_secs(30);

/// Frames of the write-ahead log, 4 KB each, that may wait to be moved. Beyond it the thread that
/// writes moves the rest itself, once, so that the log begins again and does not grow.
pub const CHECKPOINT_BEHIND_MAX: u32 = 32_768;

/// Logs whose place the store keeps in memory: about 4 MB. Beyond it all are forgotten and read
/// again when needed.
pub const LOGS_KNOWN_MAX: usize = 20_000;

/// Frames and other inputs waiting for the hub; beyond it sockets are not read.
pub const HUB_INPUTS_MAX: usize = 4_096;

/// Bytes read from a socket at once, into a buffer that all sockets of a thread share.
pub const SOCKET_READ_BYTES_MAX: usize = 16 * 1024;

/// Bytes put together before a socket gets them, in a buffer that all sockets of a thread share;
/// a larger frame goes alone.
pub const SOCKET_WRITE_BYTES_MAX: usize = 64 * 1024;

/// Longest head of a WebSocket frame of the server, bytes (RFC 6455 section 5.2, without a mask).
pub const WEBSOCKET_HEAD_BYTES_MAX: usize = 10;

/// Longest wait for a client to take what is left for it and to hang up. Then it is cut off.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// Longest TLS handshake. Then the connection is closed: it may be one of many that only wait.
pub const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Longest wait for the head of a request, counted from the connection or the end of the request
/// before. Then the connection is closed; a browser opens another one when it needs it.
pub const REQUEST_HEAD_WITHIN: Duration = Duration::from_secs(30);

/// How long no connection is taken when the system gives none, because all files of the process are
/// in use: others have to end first.
pub const ACCEPT_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// One in so many of the files the process may have open is kept from connections, for the store,
/// uploads and what is asked of other services. Further connections are closed at once.
pub const OPEN_FILES_KEPT_OF: u64 = 8;

/// How often the files of the certificate are looked at.
pub const CERTIFICATE_LOOKED_AT_EVERY: Duration = Duration::from_secs(60);

/// Largest body of an admin request, bytes (`backend-api.md` 1.2); beyond it HTTP 413.
pub const ADMIN_BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long the body of an operation may take to come, whatever of it has come: who sends a byte now and
/// then does not hold a connection for hours. Answered with HTTP status 408.
pub const ADMIN_BODY_WITHIN: Duration = Duration::from_secs(30);

/// Failed sign-ins of backends from one address in ten seconds' worth of minutes: ten a minute,
/// then `RATELIMIT` for a minute (`backend-api.md` 1.3).
pub const ADMIN_FAILURES_PER_MINUTE_MAX: u32 = 10;

/// Events that wait for the webhook of one app, and their bytes; beyond it the oldest is given up
/// (`backend-api.md` 2.9.1).
pub const WEBHOOK_QUEUE_MAX: usize = 10_000;
/// See [`WEBHOOK_QUEUE_MAX`].
pub const WEBHOOK_QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Events of one app that were given up and are kept to be tried again by hand, and their bytes;
/// beyond it the oldest is deleted and counted.
pub const WEBHOOK_DEAD_MAX: usize = 10_000;
/// See [`WEBHOOK_DEAD_MAX`].
pub const WEBHOOK_DEAD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Events that wait to be written down; beyond it, when the disk stands still, further ones are
/// dropped and counted.
pub const WEBHOOK_UNWRITTEN_MAX: usize = 10_000;
/// Waits before the tries that follow the first, seconds, unless the operator has set others: the
/// first three as the specification has them, the others for an endpoint that is being mended. An
/// event is given up after the last.
pub const WEBHOOK_RETRIES_S: [u64; 5] = [1, 10, 60, 300, 1_800];
/// Longest list of waits an operator may set.
pub const WEBHOOK_RETRIES_MAX: usize = 20;
/// Of the answer of a webhook so much is read, bytes, when it has to say `MESIBO OK`.
pub const WEBHOOK_ANSWER_BYTES_MAX: usize = 1_024;
/// Of those, so many go with one request.
pub const WEBHOOK_BATCH_MAX: usize = 50;
/// Longest wait for a connection to a webhook, and for its answer; then it is tried again.
pub const WEBHOOK_CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// See [`WEBHOOK_CONNECT_WITHIN`].
pub const WEBHOOK_WITHIN: Duration = Duration::from_secs(10);
/// Users of whom it was said that messages wait. Beyond it all are forgotten, and it is said again.
pub const HOOKED_USERS_KEPT_MAX: usize = 100_000;

/// Longest wait for what an app's backend says of a message before it is accepted, that for its turn
/// included (`backend-api.md` 9); then its setting says whether the message goes.
pub const INTERCEPT_WITHIN: Duration = Duration::from_millis(500);
/// Messages that the backend of one app is asked about at the same time; further ones wait for their
/// turn.
pub const INTERCEPTS_AT_ONCE_MAX: usize = 64;
/// Answers that have failed one after the other: a backend that is down is asked no more for a while,
/// and its senders do not wait for it.
pub const INTERCEPT_FAILURES_MAX: u32 = 5;
/// How long that is; then one message is asked about, and the answer decides.
pub const INTERCEPT_REST: Duration = Duration::from_secs(10);
/// Of an answer so much is read, bytes: a message with new texts, each character escaped in JSON.
pub const INTERCEPT_ANSWER_BYTES_MAX: usize = 512 * 1024;
/// Words of an app's filter, and bytes of one: looked up in each message.
pub const WORDS_MAX: usize = 1_000;
/// See [`WORDS_MAX`].
pub const WORD_BYTES_MAX: usize = 64;

/// App tokens whose addresses are remembered when `admin.max_source_ips` is set. Beyond it all are
/// forgotten and counted anew.
pub const ADMIN_SOURCES_KEPT_MAX: usize = 10_000;

/// Groups with turns of which it is remembered whose the last was. Beyond it all begin anew.
pub const GROUP_TURNS_KEPT_MAX: usize = 10_000;

/// What the doctor (`mesibo-server check`) is content with: free space in MiB; open files; how
/// long a write may take to be on the disk; how long a packet may take to come back; and seconds
/// since 1970 that no clock which is set shows less of.
pub const CHECK_DISK_FREE_MB_MIN: u64 = 512;
/// See [`CHECK_DISK_FREE_MB_MIN`].
pub const CHECK_FILES_MIN: u64 = 16_384;
/// See [`CHECK_DISK_FREE_MB_MIN`].
pub const CHECK_SYNC_MAX: Duration = Duration::from_millis(20);
/// See [`CHECK_DISK_FREE_MB_MIN`].
pub const CHECK_UDP_WITHIN: Duration = Duration::from_secs(1);
/// See [`CHECK_DISK_FREE_MB_MIN`].
pub const CHECK_CLOCK_S_MIN: u64 = 1_735_689_600;

/// Bytes of the log of operations; then it is kept as `audit.log.1` and a new one begun.
pub const AUDIT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Connections at a port of its own for metrics; a further one is closed at once. Monitoring has one or two.
pub const METRICS_CONNECTIONS_MAX: usize = 32;

/// Rows listed at once by the admin API (`backend-api.md` 2.2) unless the operator has set another number;
/// more are clamped to it.
pub const ADMIN_LIST_MAX: u32 = 1_000;
/// The highest number an operator may set: such a list is some MB, which the hub makes while nobody else
/// is served.
pub const ADMIN_LIST_SETTING_MAX: u32 = 10_000;

/// Sessions, and rooms, of an app that the operator sees at once; the newest sessions and the rooms
/// with the lowest numbers. Looked at every few seconds, while the hub waits.
pub const LIVE_ROWS_MAX: usize = 500;

/// How long the console stays signed in. Then the admin key is asked for again.
pub const CONSOLE_SESSION_MAX: Duration = Duration::from_secs(12 * 3600);

/// Consoles that are signed in at once. One more signs the oldest out.
pub const CONSOLE_SESSIONS_MAX: usize = 16;

/// Files whose sizes are added up for the console. What is beyond them is not counted, and the
/// console says "more than".
pub const CONSOLE_FILES_COUNTED_MAX: usize = 200_000;

/// How old a sum of file sizes may be before it is made again: it reads a whole folder.
pub const CONSOLE_STORAGE_AGE_MAX: Duration = Duration::from_secs(60);

/// How much later than the one before it each session is asked to come back when the server stops:
/// a thousand sign-ins a second leave room for the messages of those who are there.
pub const RETURN_STEP: Duration = Duration::from_millis(1);

/// Longest wait for sessions to close when the server stops; then it stops all the same.
pub const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Profiles asked for in one frame; further ones go into the next.
pub const WATCHED_PER_FRAME_MAX: usize = 200;

/// Log entries that the client stores in one transaction. Each costs the same beside its messages, so
/// larger ones would gain little more, and the page is told of nothing before the last is stored.
pub const INBOX_BATCH_MAX: usize = 256;

/// Messages that are given to the database in one turn of the page's event loop: 3 ms of it, 0.1 ms
/// each on a busy machine. The rest of the transaction waits for its answer.
pub const PUTS_PER_TURN: usize = 32;

/// Things a page is told in one turn of its event loop: a millisecond or two of ours. The rest waits
/// for the next turn, so that a page that is told of thousands still takes its user's keys.
pub const TOLD_PER_TURN_MAX: usize = 32;

/// Messages told to the server as read in one frame.
pub const READS_PER_FRAME_MAX: usize = 256;

/// How long the path of a room's media may be lost before another is looked for (ICE restart). ICE
/// recovers shorter gaps by itself; browsers say so 5 s after the last sign of life.
pub const PEER_RESTART_AFTER: Duration = Duration::from_secs(1);

/// How long a search for another path may take before a new peer connection is made: an answer, a
/// relay and a handshake of a slow link.
pub const PEER_RESTART_WITHIN: Duration = Duration::from_secs(6);

/// New peer connections in vain, one after the other, before the room is entered again: what client
/// and server know of each other may be wrong.
pub const PEER_TRIES_MAX: u32 = 3;

/// How often a tab that is seen asks whether the leading tab lives. A frozen one keeps its lock, so
/// nothing but silence tells; the question is a message between tabs, not one to the server.
pub const TAB_PING_INTERVAL: Duration = Duration::from_millis(250);

/// How long it has to answer. Then the lock is taken from it: with the time to the next question
/// and a sign-in this is below a second. One that was only busy follows from then on.
pub const TAB_SILENCE_MAX: Duration = Duration::from_millis(500);

/// Of the messages that were stored before a tab heard the others it looks at so many: the newest
/// ones. Older ones it does not announce; they are in the store, where sessions read them.
pub const CATCH_UP_MESSAGES_MAX: u32 = 256;

/// Longest time a browser's timer takes: `setTimeout` counts in 31 bits of milliseconds. A later
/// deadline is looked at again then.
pub const TIMER_MAX: Duration = Duration::from_millis(i32::MAX as u64 - 1);
