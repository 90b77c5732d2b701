//! Files on their way: what is uploaded when, what a failure means, what the page hears.

use alloc::vec;

use super::*;
use crate::Removal;
use crate::message::{File, Message, MessageKey};
use crate::port::transfer::{Command, Input as FileInput, Target};
use wire::id::MessageId;
use wire::limits::{
    FILE_PROGRESS_INTERVAL, THUMBNAIL_BYTES_MAX, UPLOAD_RETRY_MAX, UPLOAD_TRIES_MAX,
    UPLOADS_IN_FLIGHT_MAX,
};
use wire::status;
use wire::time::Duration;

#[test]
fn a_file_is_kept_then_announced_then_uploaded_and_then_its_message_goes() {
    let mut page = Page::online();
    let id = page.send_file();
    assert_eq!(page.transfers, [Command::Prepare { id }]);
    assert!(page.texts_told().is_empty(), "a reload would lose it");
    page.prepared(id);
    assert_eq!(page.texts_told(), ["file"]);
    assert!(page.starts(id), "the page is asked");
    page.client.begin_transfer(id, false);
    page.run();
    let target = Target::Server { token: "up.1".into(), fresh: false };
    assert_eq!(page.transfers[1], Command::Upload { id, name: "a.png".into(), target });
    assert!(page.texts_sent().is_empty());
    page.file(FileInput::Uploaded { id, url: "https://there/a.png".into() });
    assert_eq!(page.texts_sent(), ["file"]);
    assert_eq!(page.transfers[2], Command::Forget { id });
    let sent = page.message(id).content.file.expect("a file");
    assert_eq!((&*sent.url, sent.size, &*sent.mime), ("https://there/a.png", 100, "image/png"));
    page.accept(id.get());
    assert_eq!(page.message_statuses(), [status::SENT]);
    assert_eq!(page.client.transfer_state(id), None);
}

#[test]
fn a_picture_is_kept_until_its_profile_is_stored_and_goes_on_under_its_number() {
    let mut page = Page::online();
    let id = page.client.upload_picture(None);
    page.input(Input::Tick);
    assert!(matches!(page.transfers[..], [Command::Upload { .. }]));
    page.file(FileInput::Uploaded { id, url: "https://there/a.webp".into() });
    assert_eq!(page.transfers.len(), 1, "a reload before it is set would have to set it");
    page.client.forget_picture(id);
    page.run();
    assert_eq!(page.transfers[1..], [Command::Forget { id }]);

    assert_eq!(page.client.upload_picture(Some(id)), id);
    page.input(Input::Tick);
    assert!(matches!(page.transfers[2], Command::Upload { id: again, .. } if again == id));
    page.file(FileInput::Missing { id, reason: "another tab was faster".into() });
    assert_eq!(page.transfers[3..], [Command::Forget { id }]);
}

#[test]
fn messages_behind_a_file_do_not_wait_for_it() {
    let mut page = Page::online();
    let id = page.uploading();
    page.send("text");
    assert_eq!(page.texts_sent(), ["text"]);
    page.file(FileInput::Uploaded { id, url: "u".into() });
    assert_eq!(page.texts_sent(), ["text", "file"]);
}

#[test]
fn a_failed_attempt_is_repeated_later_and_the_last_one_fails_the_message() {
    let mut page = Page::online();
    let id = page.uploading();
    for failures in 1..UPLOAD_TRIES_MAX {
        let before = page.now.instant;
        page.file(FileInput::Failed { id, status: 500 });
        assert!(!page.starts(id), "not at once");
        while !page.starts(id) {
            page.keep_alive();
            page.wait();
        }
        assert!(page.now.instant.since(before) <= UPLOAD_RETRY_MAX, "attempt {failures}");
        page.forget();
        page.client.begin_transfer(id, false);
        page.run();
    }
    page.file(FileInput::Failed { id, status: 0 });
    assert_eq!(page.message_statuses(), [status::FAIL]);
    assert_eq!(page.client.transfer_state(id), None);

    // Again from the start, by the page's wish.
    page.forget();
    page.client.resend(&page.message(id).key).expect("it has failed");
    page.run();
    assert_eq!(page.message_statuses(), [status::OUTBOX]);
    assert!(page.starts(id));
}

#[test]
fn what_fails_without_a_connection_does_not_count_and_goes_on_with_the_next_one() {
    let mut page = Page::online();
    let id = page.uploading();
    for _ in 0..UPLOAD_TRIES_MAX * 2 {
        page.lose_connection();
        page.file(FileInput::Failed { id, status: 0 });
        page.wait();
        assert!(!page.starts(id), "there is no connection");
        page.forget();
        page.welcome(0);
        assert!(page.starts(id), "at once when there is one");
        page.client.begin_transfer(id, false);
        page.run();
        page.forget();
    }
    page.file(FileInput::Uploaded { id, url: "u".into() });
    assert_eq!(page.texts_sent(), ["file"]);
}

#[test]
fn what_the_server_will_never_take_fails_at_once() {
    for refusal in [400, 403, 413, 415] {
        let mut page = Page::online();
        let id = page.uploading();
        page.file(FileInput::Failed { id, status: refusal });
        assert_eq!(page.message_statuses(), [status::FAIL], "HTTP {refusal}");
    }
}

#[test]
fn an_upload_that_the_server_has_forgotten_begins_afresh() {
    let mut page = Page::online();
    let id = page.uploading();
    page.file(FileInput::Failed { id, status: 404 });
    while !page.starts(id) {
        page.wait();
    }
    page.client.begin_transfer(id, false);
    page.run();
    let fresh = |command: &Command| {
        matches!(command, Command::Upload { target: Target::Server { fresh: true, .. }, .. })
    };
    assert!(page.transfers.last().is_some_and(fresh), "{:?}", page.transfers);
}

#[test]
fn a_file_that_waits_is_uploaded_after_a_reload_and_its_message_sent_once() {
    let mut page = Page::online();
    let id = page.uploading();
    let mut page = Page::with_store(page.store);
    page.start();
    page.welcome(0);
    assert!(page.starts(id));
    page.client.begin_transfer(id, false);
    page.run();
    page.file(FileInput::Uploaded { id, url: "u".into() });
    assert_eq!(page.texts_sent(), ["file"]);
    page.accept(id.get());

    let mut page = Page::with_store(page.store);
    page.start();
    page.welcome(0);
    assert!(!page.starts(id) && page.texts_sent().is_empty());
}

#[test]
fn a_file_that_is_gone_fails_its_message_also_before_it_was_stored() {
    let mut page = Page::online();
    let id = page.send_file();
    page.file(FileInput::Missing { id, reason: "not readable".into() });
    assert_eq!(page.texts_told(), ["file"], "told before it fails");
    assert_eq!(page.message_statuses(), [status::FAIL]);
    let id = page.uploading();
    page.forget();
    page.file(FileInput::Missing { id, reason: "deleted".into() });
    assert_eq!(page.message_statuses(), [status::FAIL]);
}

#[test]
fn progress_is_told_ten_times_a_second_at_most_and_the_end_always() {
    let mut page = Page::online();
    let id = page.uploading();
    page.forget();
    for sent in 0..1_000 {
        page.file(FileInput::Progress { id, sent, total: 1_000 });
        page.now.instant = page.now.instant + Duration::from_millis(1);
    }
    page.file(FileInput::Uploaded { id, url: "u".into() });
    let told = page.progress();
    let most = 1_000 / FILE_PROGRESS_INTERVAL.as_millis() as usize;
    assert!((most / 2..=most + 1).contains(&told.len()), "{told:?}");
    assert!(told.is_sorted() && told.last() == Some(&100), "{told:?}");
}

#[test]
fn a_page_that_takes_over_says_how_far_it_is_and_where_the_file_is() {
    let mut page = Page::online();
    let id = page.asked_file();
    page.client.begin_transfer(id, true);
    page.run();
    assert!(!page.transfers.iter().any(|command| matches!(command, Command::Upload { .. })));
    page.client.page_progress(page.now, id, 40);
    page.client.page_result(page.now, id, Some("https://page/a".into()));
    page.run();
    assert_eq!(page.progress(), [40, 100]);
    assert_eq!(page.texts_sent(), ["file"]);
}

#[test]
fn a_transfer_that_was_stopped_waits_until_it_is_started_again() {
    let mut page = Page::online();
    let id = page.uploading();
    assert!(page.client.stop_transfer(id));
    page.run();
    assert_eq!(page.transfers.last(), Some(&Command::Abort { id }));
    assert!(!page.client.transfer_state(id).expect("it is known").running);
    page.lose_connection();
    page.wait();
    page.forget();
    page.welcome(0);
    assert!(!page.starts(id));
    assert!(page.client.start_transfer(id));
    page.input(Input::Tick);
    assert!(page.starts(id));
    assert!(page.client.cancel_transfer(page.now, id, false));
    page.run();
    assert_eq!(page.message_statuses(), [status::FAIL]);
}

#[test]
fn a_transfer_that_is_stopped_right_after_send_waits_until_it_is_started() {
    let mut page = Page::online();
    let id = page.send_file();
    assert!(page.client.stop_transfer(id));
    assert!(!page.client.transfer_state(id).expect("it is known").running);
    page.prepared(id);
    assert!(!page.starts(id));
    assert!(page.client.start_transfer(id));
    page.input(Input::Tick);
    assert!(page.starts(id));
}

#[test]
fn a_transfer_that_is_cancelled_right_after_send_fails_its_message() {
    let mut page = Page::online();
    let id = page.send_file();
    assert!(page.client.cancel_transfer(page.now, id, false));
    page.prepared(id);
    assert!(!page.starts(id));
    assert_eq!(page.message_statuses(), [status::FAIL]);
}

#[test]
fn files_have_their_turn_in_the_order_in_which_they_were_sent() {
    let mut page = Page::online();
    page.lose_connection();
    let ids: Vec<_> = (0..9).map(|_| page.send_file()).collect();
    ids.iter().rev().for_each(|id| page.prepared(*id));
    page.wait();
    page.welcome(0);
    let asked: Vec<_> = ids.iter().filter(|id| page.starts(**id)).copied().collect();
    assert_eq!(asked, ids[..UPLOADS_IN_FLIGHT_MAX]);
}

#[test]
fn a_message_that_is_removed_takes_its_file_along() {
    let mut page = Page::online();
    let id = page.uploading();
    let removal = Removal::Messages(vec![page.message(id).key]);
    page.client.remove(removal).expect("it is taken");
    page.run();
    let ended = [Command::Abort { id }, Command::Forget { id }];
    assert!(page.transfers.ends_with(&ended), "{:?}", page.transfers);
    page.file(FileInput::Uploaded { id, url: "u".into() });
    assert!(page.texts_sent().is_empty());
}

#[test]
fn a_message_that_is_edited_while_its_file_is_on_its_way_keeps_it() {
    let mut page = Page::online();
    let id = page.uploading();
    let content = draft("new", None).content;
    page.client.edit(page.now, &page.message(id).key, content).expect("it is own");
    page.file(FileInput::Uploaded { id, url: "u".into() });
    assert_eq!(page.texts_sent(), ["new"]);
    assert_eq!(page.message(id).content.file.expect("a file").url, "u");
}

#[test]
fn the_pages_own_service_gets_its_token_and_a_thumbnail_too_large_is_left_out() {
    let mut page = Page::online();
    page.client.set_upload_url("https://page/up".into(), "secret".into());
    let id = page.send_file();
    let thumbnail = vec![0; THUMBNAIL_BYTES_MAX + 1].into();
    page.file(FileInput::Prepared { id, size: 1, mime: String::new(), thumbnail });
    assert!(page.message(id).content.file.expect("a file").thumbnail.is_empty());
    page.client.begin_transfer(id, false);
    page.run();
    let target = Target::Form { url: "https://page/up".into(), token: "secret".into(), uid: 1 };
    let upload = Command::Upload { id, name: "a.png".into(), target };
    assert_eq!(page.transfers.last(), Some(&upload));
}

#[test]
fn files_go_where_the_app_wants_them_unless_the_page_says_otherwise() {
    let mut page = Page::new();
    page.start();
    page.open_socket();
    page.server(server_frame::Body::Welcome(proto::Welcome {
        uid: 1,
        address: "me".into(),
        upload_token: "up.1".into(),
        upload_url: "https://app/up".into(),
        ..proto::Welcome::default()
    }));
    assert_eq!(page.client.upload_target(), ("https://app/up", "up.1"));
    let id = page.uploading();
    let target = Target::Form { url: "https://app/up".into(), token: "up.1".into(), uid: 1 };
    let upload = Command::Upload { id, name: "a.png".into(), target };
    assert_eq!(page.transfers.last(), Some(&upload));
    page.client.set_upload_url("https://page/up".into(), "secret".into());
    assert_eq!(page.client.upload_target(), ("https://page/up", "secret"));
}

#[test]
fn a_few_files_go_at_a_time_and_the_next_when_one_is_there() {
    let mut page = Page::online();
    let ids: Vec<_> = (0..UPLOADS_IN_FLIGHT_MAX + 1).map(|_| page.send_file()).collect();
    for id in &ids {
        page.prepared(*id);
    }
    let started = ids.iter().filter(|id| page.starts(**id)).count();
    assert_eq!(started, UPLOADS_IN_FLIGHT_MAX);
    for id in &ids {
        page.client.begin_transfer(*id, false);
    }
    page.run();
    let first = *ids.iter().find(|id| page.starts(**id)).expect("one has begun");
    page.file(FileInput::Uploaded { id: first, url: "u".into() });
    assert!(ids.iter().all(|id| page.starts(*id)));
}

// ---- below: what the tests are made of -------------------------------------------------------

impl Page {
    fn send_file(&mut self) -> MessageId {
        let mut draft = draft("file", None);
        let (name, mime) = ("a.png".into(), "image/png".into());
        draft.content.file = Some(File { kind: 1, name, mime, ..File::default() });
        let sent = self.client.send(self.now, draft).expect("it is taken");
        self.input(Input::Tick);
        sent.message.key.id
    }

    fn prepared(&mut self, id: MessageId) {
        let (mime, thumbnail) = ("image/png".into(), vec![1, 2].into());
        self.file(FileInput::Prepared { id, size: 100, mime, thumbnail });
    }

    /// A file whose turn it is.
    fn asked_file(&mut self) -> MessageId {
        let id = self.send_file();
        self.prepared(id);
        assert!(self.starts(id));
        id
    }

    fn uploading(&mut self) -> MessageId {
        let id = self.asked_file();
        self.client.begin_transfer(id, false);
        self.run();
        self.events.retain(|event| !matches!(event, Event::FileStart { .. }));
        id
    }

    fn file(&mut self, input: FileInput) {
        self.input(Input::Transfer(input));
    }

    /// Whether the page was asked about this transfer.
    fn starts(&self, id: MessageId) -> bool {
        let asked =
            |event: &Event| matches!(event, Event::FileStart { message } if message.key.id == id);
        self.events.iter().any(asked)
    }

    fn progress(&self) -> Vec<u8> {
        let percent = |event: &Event| match event {
            Event::FileProgress { percent, .. } => Some(*percent),
            _ => None,
        };
        self.events.iter().filter_map(percent).collect()
    }

    fn message(&self, id: MessageId) -> Message {
        let key = MessageKey { incoming: false, sender: String::new(), id };
        self.client.message(&key).expect("it is known").clone()
    }

    /// The server is heard of.
    fn keep_alive(&mut self) {
        self.server(server_frame::Body::Ping(proto::Ping { sent: 1 }));
    }
}
