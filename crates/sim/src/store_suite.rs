//! What every backend of the server's store has to do: one suite, run by each.

use bytes::Bytes;
use hub::port::call::CallSettings;
use hub::port::store::{
    Contact, DeviceId, Group, HistoryOf, LogRow, Member, NewMessage, Note, Outcome, Pin, Receipt,
    Reply, Request, Seen, StoreError, Token, TokenId, User,
};
use wire::id::{AppId, DeviceKey, GroupId, MessageId, Seq, Uid};
use wire::limits::{
    CONTACTS_MAX, CONTENT_BYTES_MAX, DEVICE_KEPT, EXPIRED_TOKEN_KEPT, HISTORY_RECEIPTS_MAX,
    LOG_BYTES_MAX, LOG_ENTRIES_MAX, MESSAGE_KEY_KEPT,
};
use wire::mask::{contact, group as mode, user as user_flag};
use wire::time::Timestamp;

use crate::app_suite::app_suite;
use crate::memory_store::SyncStore;
use crate::personal_suite::personal_suite;

pub(crate) const NOW: Timestamp = Timestamp(1_000_000);

/// Runs every case on a fresh store of its own. Panics with the name of what is wrong.
pub fn store_suite<S: SyncStore>(mut make: impl FnMut() -> S) {
    apps_and_users_get_numbers_and_keep_them(make());
    an_address_is_unique_in_its_app_only(make());
    a_token_is_found_by_its_hash_and_replaced_by_the_next(make());
    a_message_is_stored_once(make());
    a_changed_message_says_the_new_to_all_who_have_not_fetched_it(make());
    messages_of_one_request_keep_their_order_and_each_has_its_outcome(make());
    entries_are_read_back_in_order_and_expired_ones_left_out(make());
    everything_survives_reopening(make());
    no_number_is_given_twice_after_a_sudden_death(make());
    a_new_device_starts_where_the_furthest_has_come(make());
    a_log_is_trimmed_behind_the_last_of_the_devices(make());
    a_device_away_too_long_does_not_hold_the_log(make());
    a_full_log_refuses_messages_until_somebody_fetches(make());
    a_log_is_full_by_bytes_as_well(make());
    members_come_and_go_with_their_group(make());
    what_is_queued_of_a_group_goes_for_who_receives_no_more(make());
    a_deleted_user_leaves_nothing_behind(make());
    what_a_deleted_user_owned_goes_to_the_oldest_admin(make());
    every_field_comes_back_as_it_was_saved(make());
    a_message_to_who_is_gone_is_in_nobodys_log(make());
    a_group_message_reaches_those_whose_log_is_not_full(make());
    reading_goes_on_behind_the_last_place_looked_at(make());
    a_withdrawn_token_takes_its_devices_along(make());
    expired_messages_are_swept_when_nobody_sends_them_again(make());
    what_expires_before_it_is_fetched_is_told_once(make());
    expired_tokens_are_swept_with_their_devices(make());
    contacts_are_of_one_user_and_blocks_are_found_by_who_is_blocked(make());
    contacts_have_a_limit_and_what_exceeds_it_is_left_out(make());
    pins_come_and_go_with_their_group(make());
    own_copies_are_read_back_from_the_newest(make());
    own_copies_go_when_they_are_removed_or_swept(make());
    own_copies_say_who_has_the_message(make());
    only_who_wants_to_be_found_and_contacts_are_found(make());
    push_tokens_are_of_devices_and_go_with_them(make());
    personal_suite(&mut make);
    app_suite(&mut make);
}

fn own_copies_are_read_back_from_the_newest(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let carol = user(&mut store, AppId(1), "carol");
    let gid = save_group(&mut store, &[&ada, &bob]);
    let mut send = |ts: u64, id, sender: &User, group, to: &[&User], expires: u64| {
        let to: Vec<_> = to.iter().map(|user| user.uid).collect();
        let Request::Append { mut messages } = append_request(sender.uid, id, &to) else {
            unreachable!("that is what it makes")
        };
        let message = &mut messages[0].0;
        (message.ts, message.expires) = (Timestamp(ts), Timestamp(expires));
        (message.group, message.entry) = (group, Bytes::from(vec![id as u8]));
        perform(&mut store, Request::Append { messages });
    };
    let alone = GroupId(0);
    send(1, 1, &ada, alone, &[&bob, &ada], 99);
    send(2, 2, &bob, alone, &[&ada, &bob], 99);
    send(2, 3, &ada, gid, &[&bob, &ada], 99);
    send(3, 4, &ada, alone, &[&carol, &ada], 99);
    send(4, 5, &bob, alone, &[&bob], 99);
    send(5, 6, &bob, alone, &[&ada, &bob], 7);
    send(6, 7, &ada, alone, &[&bob, &ada], 99);
    let mut store = store.reopen();
    let read = |store: &mut _, uid, of, before, until, count| {
        let (until, now) = (Timestamp(until), Timestamp(10));
        let request = Request::ReadHistory { uid, of, before, after: None, until, count, now };
        let Reply::History(rows) = perform(store, request) else { panic!("no history") };
        let ids = rows.iter().map(|row| row.entry[0]).collect::<Vec<_>>();
        (ids, rows.last().map(|row| row.place))
    };
    let read_between = |store: &mut _, of, before, after, count| {
        let (uid, until, now) = (ada.uid, Timestamp(99), Timestamp(10));
        let request = Request::ReadHistory { uid, of, before, after, until, count, now };
        let Reply::History(rows) = perform(store, request) else { panic!("no history") };
        rows.iter().map(|row| row.entry[0]).collect::<Vec<_>>()
    };
    let with_bob = HistoryOf::User(bob.uid);
    let (ids, place) = read(&mut store, ada.uid, with_bob, None, 99, 2);
    assert_eq!(ids, [7, 2], "what has expired is not given");
    assert_eq!(read(&mut store, ada.uid, with_bob, place, 99, 2).0, [1]);
    assert_eq!(read_between(&mut store, with_bob, None, Some(0), 2), [2, 1], "the first ones");
    assert_eq!(read_between(&mut store, with_bob, None, place, 2), [7]);
    assert_eq!(read_between(&mut store, HistoryOf::All, None, place, 2), [4, 3]);
    assert_eq!(read_between(&mut store, HistoryOf::All, place, Some(0), 9), [1]);
    assert_eq!(read(&mut store, ada.uid, with_bob, None, 2, 9).0, [2, 1], "stored no later");
    assert_eq!(read(&mut store, ada.uid, with_bob, None, 0, 9).0, []);
    assert_eq!(read(&mut store, bob.uid, HistoryOf::User(bob.uid), None, 99, 9).0, [5]);
    assert_eq!(read(&mut store, carol.uid, HistoryOf::All, None, 99, 9).0, [4]);
    assert_eq!(read(&mut store, ada.uid, HistoryOf::All, None, 99, 9).0, [7, 4, 3, 2, 1]);
    let (ids, place) = read(&mut store, ada.uid, HistoryOf::Latest, None, 99, 2);
    assert_eq!(ids, [7, 4]);
    assert_eq!(read(&mut store, ada.uid, HistoryOf::Latest, place, 99, 2).0, [3]);
    assert_eq!(read(&mut store, bob.uid, HistoryOf::Group(gid), None, 99, 9).0, [3]);

    let request = Request::LoadGroup { gid };
    let Reply::Group(Some((group, _))) = perform(&mut store, request) else { panic!("no group") };
    let (put, remove, notes) = (vec![], vec![bob.uid], vec![]);
    perform(&mut store, Request::SaveGroup { group, put, remove, unqueue: vec![], notes });
    assert_eq!(read(&mut store, bob.uid, HistoryOf::Group(gid), None, 99, 9).0, []);
    assert_eq!(read(&mut store, bob.uid, HistoryOf::All, None, 99, 9).0, [7, 5, 2, 1]);

    // One that only its sender has a copy of stays in the conversation it was written in.
    let Request::Append { mut messages } = append_request(ada.uid, 8, &[ada.uid]) else {
        unreachable!("that is what it makes")
    };
    let message = &mut messages[0].0;
    (message.peer, message.ts, message.expires) = (bob.uid, Timestamp(7), Timestamp(99));
    message.entry = Bytes::from(vec![8]);
    perform(&mut store, Request::Append { messages });
    assert_eq!(read(&mut store, ada.uid, with_bob, None, 99, 2).0, [8, 7]);
    assert_eq!(read(&mut store, bob.uid, HistoryOf::All, None, 99, 9).0, [7, 5, 2, 1]);
}

fn own_copies_say_who_has_the_message(mut store: impl SyncStore) {
    let names: Vec<_> =
        (0..HISTORY_RECEIPTS_MAX).map(|number| format!("member {number}")).collect();
    let mut all: Vec<_> = ["ada", "bob", "carol"]
        .into_iter()
        .chain(names.iter().map(|it| &it[..]))
        .map(|name| user(&mut store, AppId(1), name))
        .collect();
    let stranger = all.pop().expect("there are some");
    let (ada, bob, carol) = (&all[0], &all[1], &all[2]);
    let to: Vec<_> = all[1..].iter().chain(all.first()).map(|user| user.uid).collect();
    perform(&mut store, append_request(ada.uid, 1, &to));
    let seen = |store: &mut _, uid| {
        let (of, until, now) = (HistoryOf::All, Timestamp(u64::MAX >> 1), Timestamp(0));
        let request =
            Request::ReadHistory { uid, of, before: None, after: None, until, count: 9, now };
        let Reply::History(rows) = perform(store, request) else { panic!("no history") };
        rows.into_iter().map(|row| row.receipts).collect::<Vec<_>>()
    };
    let note = |store: &mut _, by: Uid, read, at| {
        let id = MessageId::new(1).expect("a small number is an id");
        let receipt = Some(Receipt { id, by, read, at: Timestamp(at) });
        let notes = vec![Note { uid: ada.uid, entry: Bytes::from_static(b"x"), receipt }];
        perform(store, Request::AppendNotes { notes });
    };
    assert_eq!(seen(&mut store, ada.uid), [[]]);
    note(&mut store, bob.uid, false, 5);
    note(&mut store, bob.uid, true, 7);
    note(&mut store, bob.uid, false, 8);
    note(&mut store, carol.uid, true, 9);
    note(&mut store, stranger.uid, true, 9);
    let of = |user: &User, delivered, read| {
        let (delivered, read) = (Timestamp(delivered), Timestamp(read));
        Seen { uid: user.uid, address: user.address.clone(), delivered, read }
    };
    let both = [vec![of(bob, 5, 7), of(carol, 9, 9)]];
    assert_eq!(seen(&mut store, ada.uid), both, "the first time counts, of who got it");
    assert_eq!(seen(&mut store, bob.uid), [[]], "it is the sender's to know");
    let before = Some((HistoryOf::All, Timestamp(u64::MAX >> 2)));
    let remove =
        Request::RemoveFromHistory { uid: bob.uid, messages: vec![], before, notes: vec![] };
    perform(&mut store, remove);
    assert_eq!(seen(&mut store, bob.uid), Vec::<Vec<Seen>>::new());
    let mut store = store.reopen();
    assert_eq!(seen(&mut store, ada.uid), both, "a copy that is removed takes no receipt back");
    for member in &all[3..] {
        note(&mut store, member.uid, false, 9);
    }
    assert_eq!(seen(&mut store, ada.uid)[0].len(), HISTORY_RECEIPTS_MAX);
    perform(&mut store, Request::DeleteUser { uid: carol.uid, notes: vec![] });
    assert!(!seen(&mut store, ada.uid)[0].contains(&of(carol, 9, 9)), "who is gone is not named");
}

fn own_copies_go_when_they_are_removed_or_swept(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let carol = user(&mut store, AppId(1), "carol");
    let mut send = |ts: u64, id, to: &User| {
        let Request::Append { mut messages } = append_request(ada.uid, id, &[to.uid, ada.uid])
        else {
            unreachable!("that is what it makes")
        };
        messages[0].0.ts = Timestamp(ts);
        messages[0].0.expires = Timestamp(u64::MAX >> 2);
        messages[0].0.entry = Bytes::from(vec![id as u8]);
        perform(&mut store, Request::Append { messages });
    };
    (1..=4).for_each(|at| send(at, at, &bob));
    (5..=6).for_each(|at| send(at, at, &carol));
    let of = |store: &mut _, uid| {
        let (of, until, now) = (HistoryOf::All, Timestamp(99), NOW);
        let request =
            Request::ReadHistory { uid, of, before: None, after: None, until, count: 9, now };
        let Reply::History(rows) = perform(store, request) else { panic!("no history") };
        rows.iter().map(|row| row.entry[0]).collect::<Vec<_>>()
    };
    let remove = |store: &mut _, messages, before| {
        let request = Request::RemoveFromHistory { uid: ada.uid, messages, before, notes: vec![] };
        assert_eq!(perform(store, request), Reply::Appended(vec![]));
    };
    let id = |id| MessageId::new(id).expect("a small number is an id");
    remove(&mut store, vec![(ada.uid, id(4)), (bob.uid, id(3))], None);
    assert_eq!(of(&mut store, ada.uid), [6, 5, 3, 2, 1]);
    remove(&mut store, vec![], Some((HistoryOf::User(bob.uid), Timestamp(2))));
    assert_eq!(of(&mut store, ada.uid), [6, 5, 3, 2]);
    remove(&mut store, vec![], Some((HistoryOf::All, Timestamp(6))));
    assert_eq!(of(&mut store, ada.uid), [6]);
    assert_eq!(of(&mut store, bob.uid), [4, 3, 2, 1], "others keep theirs");
    perform(&mut store, Request::DeleteUser { uid: bob.uid, notes: vec![] });
    assert_eq!(of(&mut store, bob.uid), []);
}

fn only_who_wants_to_be_found_and_contacts_are_found(mut store: impl SyncStore) {
    let names = ["Ada Byron", "Adam 50%", "Ada away", "ada_x"];
    let addresses = ["ada", "adam", "away", "x"];
    let users: Vec<_> = std::iter::zip(addresses, names)
        .map(|(address, name)| {
            let known = user(&mut store, AppId(1), address);
            let flags = if address == "away" { 0 } else { user_flag::SEARCHABLE };
            let known = User { name: name.into(), flags, ..known };
            perform(&mut store, Request::SaveUser { user: known.clone() });
            known
        })
        .collect();
    let stranger = user(&mut store, AppId(2), "ada");
    let flags = user_flag::SEARCHABLE;
    perform(&mut store, Request::SaveUser { user: User { flags, name: "Ada".into(), ..stranger } });
    for (name, flags) in [("Ada's club", mode::SEARCHABLE), ("Ada's secret", 0)] {
        let group = Group { aid: AppId(1), name: name.into(), flags, ..Group::default() };
        perform(
            &mut store,
            Request::SaveGroup {
                group,
                put: vec![],
                remove: vec![],
                unqueue: vec![],
                notes: vec![],
            },
        );
    }
    let by = user(&mut store, AppId(1), "asker").uid;
    let mut store = store.reopen();
    let found = |store: &mut _, text: &str, contacts, after_uid, count| {
        let request = Request::Search {
            aid: AppId(1),
            by,
            text: text.into(),
            contacts,
            groups: contacts,
            after_uid,
            after_gid: GroupId(0),
            count,
        };
        let Reply::Found { users, groups } = perform(store, request) else { panic!("no answer") };
        let users: Vec<_> = users.into_iter().map(|user| user.address).collect();
        (users, groups.into_iter().map(|group| group.name).collect::<Vec<_>>())
    };
    assert_eq!(found(&mut store, "aDa", false, Uid(0), 9).0, ["ada", "adam", "x"]);
    assert_eq!(found(&mut store, "ada", false, Uid(0), 2).0, ["ada", "adam"]);
    assert_eq!(found(&mut store, "ada", false, users[1].uid, 2).0, ["x"]);
    assert_eq!(found(&mut store, "X", false, Uid(0), 9).0, ["x"], "by the whole address too");
    assert_eq!(found(&mut store, "0%", false, Uid(0), 9).0, ["adam"]);
    assert_eq!(found(&mut store, "a_", false, Uid(0), 9).0, ["x"], "no pattern");
    let friend = Contact { uid: users[2].uid, address: "away".into(), flags: contact::CONTACT };
    perform(&mut store, Request::SaveContacts { uid: by, contacts: vec![friend] });
    let (users, groups) = found(&mut store, "ada", true, Uid(0), 9);
    assert_eq!((users.len(), groups), (4, vec!["Ada's club".to_string()]));
    assert_eq!(found(&mut store, "ada", false, Uid(0), 9).0.len(), 3);
}

fn push_tokens_are_of_devices_and_go_with_them(mut store: impl SyncStore) {
    let ada = user(&mut store, AppId(1), "ada").uid;
    let token = issue(&mut store, ada, "web", [7; 32]);
    let key = DeviceKey([1; 16]);
    let request = Request::OpenDevice { token, uid: ada, key, now: NOW };
    let Reply::Device { device, .. } = perform(&mut store, request) else { panic!("no device") };
    let save = |store: &mut _, token: &str| {
        let request = Request::SavePushToken { device, token: token.into(), voip: true };
        assert_eq!(perform(store, request), Reply::Done);
    };
    save(&mut store, "old");
    save(&mut store, "new");
    let mut store = store.reopen();
    let of_ada =
        |store: &mut _| perform(store, Request::LoadPushTokens { uids: vec![Uid(99), ada] });
    let new = || Reply::PushTokens(vec![(ada, device, "new".into(), true)]);
    assert_eq!(of_ada(&mut store), new());
    let drop = |store: &mut _, token: &str| {
        perform(store, Request::DropPushToken { device, token: token.into() })
    };
    assert_eq!(drop(&mut store, "old"), Reply::Done);
    assert_eq!(of_ada(&mut store), new(), "the device has said something else meanwhile");
    drop(&mut store, "new");
    assert_eq!(of_ada(&mut store), Reply::PushTokens(vec![]));
    save(&mut store, "again");
    let bob = user(&mut store, AppId(1), "bob").uid;
    let bobs = issue(&mut store, bob, "web", [8; 32]);
    let request = Request::OpenDevice { token: bobs, uid: bob, key, now: NOW };
    let Reply::Device { device: other, .. } = perform(&mut store, request) else {
        panic!("no device")
    };
    let request = Request::SavePushToken { device: other, token: "again".into(), voip: false };
    perform(&mut store, request);
    assert_eq!(of_ada(&mut store), Reply::PushTokens(vec![]), "the browser is bob's now");
    save(&mut store, "last");
    perform(&mut store, Request::DeleteTokens { uid: ada, app: None });
    assert_eq!(of_ada(&mut store), Reply::PushTokens(vec![]));
}

fn contacts_are_of_one_user_and_blocks_are_found_by_who_is_blocked(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let carol = user(&mut store, AppId(1), "carol");
    let contact_of =
        |user: &User, flags| Contact { uid: user.uid, address: user.address.clone(), flags };
    let save = |store: &mut _, uid, contacts: Vec<Contact>| {
        let request = Request::SaveContacts { uid, contacts: contacts.clone() };
        assert_eq!(perform(store, request), Reply::Contacts(contacts));
    };
    save(
        &mut store,
        ada.uid,
        vec![contact_of(&carol, contact::CONTACT), contact_of(&bob, contact::BLOCKED)],
    );
    let level = contact::LEVELS & !(contact::LEVELS << 1);
    let carols = contact::CONTACT | contact::BLOCK_CALLS | level;
    save(&mut store, carol.uid, vec![contact_of(&bob, carols)]);
    let mut store = store.reopen();
    let blockers = perform(&mut store, Request::LoadBlockers { uid: bob.uid });
    let expected = vec![(ada.uid, contact::BLOCKED), (carol.uid, contact::BLOCK_CALLS | level)];
    assert_eq!(blockers, Reply::Blockers(expected));
    let none = perform(&mut store, Request::LoadBlockers { uid: carol.uid });
    assert_eq!(none, Reply::Blockers(vec![]), "a contact is no block");

    let of_ada = |store: &mut _| perform(store, Request::LoadContacts { uid: ada.uid });
    let both = vec![contact_of(&bob, contact::BLOCKED), contact_of(&carol, contact::CONTACT)];
    assert_eq!(of_ada(&mut store), Reply::Contacts(both), "in the order of uid");
    save(&mut store, ada.uid, vec![contact_of(&bob, 0)]);
    let one = Reply::Contacts(vec![contact_of(&carol, contact::CONTACT)]);
    assert_eq!(of_ada(&mut store), one);
    perform(&mut store, Request::DeleteUser { uid: carol.uid, notes: vec![] });
    assert_eq!(of_ada(&mut store), Reply::Contacts(vec![]));
    let blockers = perform(&mut store, Request::LoadBlockers { uid: bob.uid });
    assert_eq!(blockers, Reply::Blockers(vec![]), "who is gone blocks nobody");
}

fn contacts_have_a_limit_and_what_exceeds_it_is_left_out(mut store: impl SyncStore) {
    let ada = user(&mut store, AppId(1), "ada");
    let contact = |uid| Contact { uid: Uid(uid), address: String::new(), flags: contact::CONTACT };
    let mut contacts: Vec<_> = (1_000..=1_000 + CONTACTS_MAX as u32).map(contact).collect();
    let request = Request::SaveContacts { uid: ada.uid, contacts: contacts.clone() };
    let last = contacts.pop().expect("there are many");
    assert_eq!(perform(&mut store, request), Reply::Contacts(contacts.clone()));
    let known = vec![Contact { flags: contact::BLOCKED, ..contacts[0].clone() }];
    let request = Request::SaveContacts { uid: ada.uid, contacts: known.clone() };
    assert_eq!(perform(&mut store, request), Reply::Contacts(known), "a known one may change");
    let swap = vec![Contact { flags: 0, ..contacts[1].clone() }, last];
    let request = Request::SaveContacts { uid: ada.uid, contacts: swap.clone() };
    assert_eq!(perform(&mut store, request), Reply::Contacts(swap), "one goes, one comes");
}

fn pins_come_and_go_with_their_group(mut store: impl SyncStore) {
    let full = Pin {
        pin: u32::MAX,
        flags: u32::MAX,
        call_flags: u32::MAX,
        resolution: u32::MAX,
        call_duration_s: u32::MAX,
        admin_flags: u32::MAX,
        member_expiry_s: u32::MAX,
        expires: Some(Timestamp(1 << 52)),
        uses: u32::MAX,
        used: u32::MAX,
    };
    let bare = Pin { pin: 7, ..Pin::default() };
    let group = Group { aid: AppId(1), pins: vec![bare.clone(), full.clone()], ..Group::default() };
    let save = |store: &mut _, group: &Group| {
        let request = Request::SaveGroup {
            group: group.clone(),
            put: vec![],
            remove: vec![],
            unqueue: vec![],
            notes: vec![],
        };
        let Reply::GroupSaved { gid, .. } = perform(store, request) else { panic!("no group") };
        gid
    };
    let gid = save(&mut store, &group);
    let other = save(&mut store, &Group { pins: vec![bare.clone()], ..group.clone() });
    let mut store = store.reopen();
    let pins = |store: &mut _, gid| match perform(store, Request::LoadGroup { gid }) {
        Reply::Group(Some((group, _))) => group.pins,
        reply => panic!("no group: {reply:?}"),
    };
    assert_eq!(pins(&mut store, gid), [bare.clone(), full]);
    let used = Pin { used: 1, ..bare.clone() };
    save(&mut store, &Group { gid, pins: vec![used.clone()], ..group });
    assert_eq!(pins(&mut store, gid), [used]);
    perform(&mut store, Request::DeleteGroup { gid, notes: vec![] });
    assert_eq!(pins(&mut store, other), [bare], "another group's number is another");
}

fn every_field_comes_back_as_it_was_saved(mut store: impl SyncStore) {
    let saved = User {
        uid: Uid(0),
        aid: AppId(1),
        address: "ada \u{e4}\u{1f600}".into(),
        name: "Ada".into(),
        status: "here".into(),
        image: "https://img.example.test/a.png".into(),
        values: "{\"a\":1}".into(),
        active: false,
        flags: u32::MAX,
        pinned: true,
        groups_max: Some(0),
        uac: 7,
        e2ee: Some(false),
        last_online: Timestamp(1 << 52),
    };
    let Reply::User(Some(ada)) = perform(&mut store, Request::SaveUser { user: saved.clone() })
    else {
        panic!("no user");
    };
    assert_eq!(ada, User { uid: ada.uid, ..saved });
    let token = Token {
        id: TokenId(0),
        uid: ada.uid,
        app: "web".into(),
        any_app: true,
        expires: Some(Timestamp(1 << 52)),
    };
    let request = Request::IssueToken { token: token.clone(), hash: [7; 32], keep: 1 };
    let Reply::TokenIssued { token: id, replaced } = perform(&mut store, request) else {
        panic!("no token");
    };
    assert_eq!(replaced, []);

    let group = Group {
        gid: GroupId(0),
        aid: AppId(1),
        name: "team".into(),
        status: "busy".into(),
        image: "https://img.example.test/g.png".into(),
        values: "{\"b\":2}".into(),
        flags: u32::MAX,
        active: false,
        pinned: true,
        expires: Some(Timestamp(1 << 52)),
        expiry_extension_s: u32::MAX,
        owner: Some(ada.uid),
        pins: vec![],
        starts: Some(Timestamp(1 << 52)),
        duration_s: u32::MAX,
        call: CallSettings {
            flags: u32::MAX,
            resolution: u32::MAX,
            duration_s: 60,
            fps: 30,
            video_kbps: u32::MAX,
            audio_kbps: 24,
        },
        publishers_max: 7,
        lobby: true,
    };
    let member = Member {
        uid: ada.uid,
        given: 1,
        denied: u32::MAX - 1,
        admin_flags: u32::MAX,
        expires: Some(Timestamp(5)),
        call: CallSettings {
            flags: u32::MAX,
            resolution: 10,
            duration_s: 30,
            fps: 15,
            video_kbps: 300,
            audio_kbps: 16,
        },
        busy: true,
        pin: u32::MAX,
    };
    let request = Request::SaveGroup {
        group: group.clone(),
        put: vec![member.clone()],
        remove: vec![],
        unqueue: vec![],
        notes: vec![],
    };
    let Reply::GroupSaved { gid, .. } = perform(&mut store, request) else { panic!("no group") };

    let mut store = store.reopen();
    let found = perform(&mut store, Request::LoadUser { uid: ada.uid });
    assert_eq!(found, Reply::User(Some(ada.clone())));
    let found = perform(&mut store, Request::FindToken { hash: [7; 32] });
    assert_eq!(found, Reply::Token(Some((Token { id, ..token }, ada.clone()))));
    let found = perform(&mut store, Request::LoadGroup { gid });
    let group = Group { gid, ..group };
    assert_eq!(found, Reply::Group(Some((group.clone(), vec![(member.clone(), ada.clone())]))));

    // And as they are changed: absent is not zero.
    let bare = User { groups_max: None, active: true, pinned: false, ..ada };
    perform(&mut store, Request::SaveUser { user: bare.clone() });
    let found = perform(&mut store, Request::LoadUser { uid: bare.uid });
    assert_eq!(found, Reply::User(Some(bare.clone())));
    let group = Group { expires: None, owner: None, active: true, ..group };
    let member = Member { expires: None, given: 0, ..member };
    let put = vec![member.clone()];
    let request = Request::SaveGroup {
        group: group.clone(),
        put,
        remove: vec![],
        unqueue: vec![],
        notes: vec![],
    };
    perform(&mut store, request);
    let found = perform(&mut store, Request::LoadGroup { gid });
    assert_eq!(found, Reply::Group(Some((group, vec![(member, bare)]))));
}

fn a_message_to_who_is_gone_is_in_nobodys_log(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    perform(&mut store, Request::DeleteUser { uid: bob.uid, notes: vec![] });
    let reply = append(&mut store, ada.uid, 1, &[bob.uid, ada.uid]);
    assert_eq!(reply, appended(vec![(ada.uid, Seq(1))]));
    assert_eq!(log(&mut store, bob.uid, 0).len(), 0);
}

fn a_group_message_reaches_those_whose_log_is_not_full(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let carol = user(&mut store, AppId(1), "carol");
    let note = Note { uid: bob.uid, entry: Bytes::from_static(b"x"), receipt: None };
    let notes = vec![note; LOG_ENTRIES_MAX as usize];
    perform(&mut store, Request::AppendNotes { notes });
    let reply = append(&mut store, ada.uid, 1, &[bob.uid, carol.uid, ada.uid]);
    let places = vec![(carol.uid, Seq(1)), (ada.uid, Seq(1))];
    assert_eq!(reply, Outcome::Appended { places, full: vec![bob.uid] });
    // The sender's own log is never too full for what it sends.
    assert!(matches!(
        append(&mut store, bob.uid, 1, &[carol.uid, bob.uid]),
        Outcome::Appended { .. }
    ));
}

fn reading_goes_on_behind_the_last_place_looked_at(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    for id in 1..=5 {
        append(&mut store, ada.uid, id, &[bob.uid]);
    }
    let note = Note { uid: bob.uid, entry: Bytes::from_static(b"note"), receipt: None };
    perform(&mut store, Request::AppendNotes { notes: vec![note] });
    // Everything but the note has expired, and still the reader comes to the end.
    let late = Timestamp(NOW.0 + 3_600_000);
    let (mut after, mut found) = (Seq(0), Vec::new());
    for _ in 0..6 {
        let request = Request::ReadLog { uid: bob.uid, after, count: 2, now: late };
        let Reply::Log { rows, upto, head } = perform(&mut store, request) else {
            panic!("no log");
        };
        found.extend(rows.into_iter().map(|row| row.seq));
        assert!(upto > after || upto == head, "reading does not stand still");
        after = upto;
    }
    assert_eq!((found, after), (vec![Seq(6)], Seq(6)));
    let request = Request::ReadLog { uid: Uid(999), after: Seq(0), count: 2, now: NOW };
    let empty = Reply::Log { rows: vec![], upto: Seq(0), head: Seq(0) };
    assert_eq!(perform(&mut store, request), empty);
}

fn a_withdrawn_token_takes_its_devices_along(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let old = issue(&mut store, bob.uid, "web", [1; 32]);
    let (device, ..) = device(&mut store, old, bob.uid, 1);
    for id in 1..=3 {
        append(&mut store, ada.uid, id, &[bob.uid]);
    }
    acknowledge(&mut store, device, bob.uid, 1, NOW);
    perform(&mut store, Request::DeleteTokens { uid: bob.uid, app: None });
    // The queue is kept for the next token; the old device does not hold it back.
    let new = issue(&mut store, bob.uid, "web", [2; 32]);
    let (again, cursor, head) = self::device(&mut store, new, bob.uid, 1);
    assert_ne!(again, device);
    assert_eq!((cursor, head), (Seq(1), Seq(3)));
    acknowledge(&mut store, again, bob.uid, 3, NOW);
    assert_eq!(log(&mut store, bob.uid, 0).len(), 0);
}

fn expired_messages_are_swept_when_nobody_sends_them_again(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    for id in 1..=5 {
        append(&mut store, ada.uid, id, &[bob.uid, ada.uid]);
    }
    let end = NOW.after(MESSAGE_KEY_KEPT);
    let Request::Append { mut messages } = append_request(ada.uid, 6, &[bob.uid]) else {
        unreachable!("that is what it makes")
    };
    messages[0].0.expires = Timestamp(end.0 + 1);
    perform(&mut store, Request::Append { messages });
    append(&mut store, bob.uid, 1, &[bob.uid]);

    // They expired long ago, and yet somebody may send them again.
    let just_before = Timestamp(end.0 - 1);
    assert_eq!(sweep(&mut store, just_before, 100), 0);
    assert_eq!(append(&mut store, ada.uid, 1, &[bob.uid]), Outcome::Duplicate { ts: NOW });
    let is_there = |store: &mut _, sender: &User, id| {
        let id = MessageId::new(id).expect("a small number is an id");
        let reply = perform(store, Request::FindMessage { sender: sender.uid, id });
        matches!(reply, Reply::Message(Some((NOW, _))))
    };
    let swept: Vec<_> = (0..4).map(|_| sweep(&mut store, end, 2)).collect();
    assert_eq!(swept[..2], [2, 2], "in small steps");
    assert!((1..=5).all(|id| !is_there(&mut store, &ada, id)));
    assert!(is_there(&mut store, &ada, 6), "it has not expired");
    let request = Request::ReadLog { uid: bob.uid, after: Seq(0), count: 100, now: end };
    let Reply::Log { rows, .. } = perform(&mut store, request) else { panic!("no log") };
    let seqs: Vec<_> = rows.iter().map(|row| row.seq).collect();
    assert_eq!(seqs, [Seq(6)], "what a log says of the others is not read");
}

fn what_expires_before_it_is_fetched_is_told_once(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let carol = user(&mut store, AppId(1), "carol");
    let token = issue(&mut store, bob.uid, "web", [1; 32]);
    let (device, ..) = device(&mut store, token, bob.uid, 1);
    for id in 1..=4 {
        let Request::Append { mut messages } =
            append_request(ada.uid, id, &[bob.uid, carol.uid, ada.uid])
        else {
            unreachable!("that is what it makes")
        };
        messages[0].0.watched = id != 3;
        perform(&mut store, Request::Append { messages });
    }
    acknowledge(&mut store, device, bob.uid, 1, NOW);
    let ask = |store: &mut _, uid, ms, count| {
        let request = Request::TakeExpired { uid, now: Timestamp(NOW.0 + ms), count };
        let Reply::Expired(expired, more) = perform(store, request) else { panic!("not looked") };
        let who: Vec<_> =
            expired.iter().map(|expired| (expired.uid, &expired.address[..])).collect();
        assert!(expired.iter().all(|it| it.aid == AppId(1) && *it.entry == *b"message"));
        (who.iter().map(|(uid, address)| (*uid, address.to_string())).collect::<Vec<_>>(), more)
    };
    assert_eq!(ask(&mut store, None, 59_999, 9), (vec![], false));
    let of = |user: &User, count| vec![(user.uid, user.address.clone()); count];
    assert_eq!(ask(&mut store, Some(carol.uid), 60_000, 2), (of(&carol, 2), true));
    let mut store = store.reopen();
    let mut rest = Vec::new();
    while let (some, true) = ask(&mut store, None, 60_000, 1) {
        rest.extend(some);
    }
    rest.sort_unstable();
    assert_eq!(rest, [of(&bob, 2), of(&carol, 1)].concat(), "not what bob has had, nor the sender");
}

fn expired_tokens_are_swept_with_their_devices(mut store: impl SyncStore) {
    let bob = user(&mut store, AppId(1), "bob");
    let mut token = |hash, expires| {
        let token = Token { uid: bob.uid, app: "web".into(), expires, ..Token::default() };
        match perform(&mut store, Request::IssueToken { token, hash, keep: u32::MAX }) {
            Reply::TokenIssued { token, .. } => token,
            other => panic!("no token: {other:?}"),
        }
    };
    let (old, forever) = (token([1; 32], Some(NOW)), token([2; 32], None));
    token([3; 32], Some(Timestamp(NOW.0 + 1)));
    device(&mut store, old, bob.uid, 1);
    let (present, ..) = device(&mut store, forever, bob.uid, 2);
    let note = Note { uid: bob.uid, entry: Bytes::from_static(b"x"), receipt: None };
    perform(&mut store, Request::AppendNotes { notes: vec![note] });
    acknowledge(&mut store, present, bob.uid, 1, NOW);
    assert_eq!(log(&mut store, bob.uid, 0).len(), 1, "the old device holds the log");

    let end = NOW.after(EXPIRED_TOKEN_KEPT);
    assert_eq!(sweep(&mut store, Timestamp(end.0 - 1), 100), 0);
    assert_eq!(sweep(&mut store, end, 100), 1);
    let is_there = |store: &mut _, hash| {
        matches!(perform(store, Request::FindToken { hash }), Reply::Token(Some(_)))
    };
    let there = [[1; 32], [2; 32], [3; 32]].map(|hash| is_there(&mut store, hash));
    assert_eq!(there, [false, true, true]);
    acknowledge(&mut store, present, bob.uid, 1, NOW);
    assert_eq!(log(&mut store, bob.uid, 0).len(), 0, "its device does not hold it any more");
}

fn apps_and_users_get_numbers_and_keep_them(mut store: impl SyncStore) {
    let hash = [1; 32];
    let made = perform(&mut store, Request::CreateApp { name: "one".into(), hash });
    let Reply::App(Some(app)) = made.clone() else { panic!("no app: {made:?}") };
    assert_ne!(app.aid, AppId(0));
    assert_eq!(perform(&mut store, Request::FindApp { hash }), made);
    assert_eq!(perform(&mut store, Request::LoadApp { aid: app.aid }), made);
    assert_eq!(perform(&mut store, Request::FindApp { hash: [2; 32] }), Reply::App(None));
    let again = store.perform(Request::CreateApp { name: "one".into(), hash: [3; 32] });
    assert_eq!(again, Err(StoreError::Exists));

    let ada = user(&mut store, app.aid, "ada");
    let bob = user(&mut store, app.aid, "bob");
    assert_ne!(ada.uid, bob.uid);
    let renamed = User { name: "Ada L".into(), ..ada.clone() };
    perform(&mut store, Request::SaveUser { user: renamed.clone() });
    assert_eq!(
        perform(&mut store, Request::LoadUser { uid: ada.uid }),
        Reply::User(Some(renamed.clone()))
    );
    let at = Timestamp(77);
    perform(&mut store, Request::SetLastOnline { uid: ada.uid, at });
    let found = perform(&mut store, Request::FindUser { aid: app.aid, address: "ada".into() });
    assert_eq!(found, Reply::User(Some(User { last_online: at, ..renamed })));
    assert_eq!(perform(&mut store, Request::LoadUser { uid: Uid(999) }), Reply::User(None));
}

fn an_address_is_unique_in_its_app_only(mut store: impl SyncStore) {
    let ada = user(&mut store, AppId(1), "ada");
    let twin = User { uid: Uid(0), ..ada };
    assert_eq!(store.perform(Request::SaveUser { user: twin.clone() }), Err(StoreError::Exists));
    user(&mut store, AppId(2), "ada");
}

fn a_token_is_found_by_its_hash_and_replaced_by_the_next(mut store: impl SyncStore) {
    let ada = user(&mut store, AppId(1), "ada");
    let first = issue(&mut store, ada.uid, "web", [1; 32]);
    let phone = issue(&mut store, ada.uid, "phone", [2; 32]);
    let Reply::Token(Some((token, owner))) =
        perform(&mut store, Request::FindToken { hash: [1; 32] })
    else {
        panic!("the token is not found");
    };
    assert_eq!((token.id, token.app.as_str(), owner), (first, "web", ada.clone()));

    let wanted = Token { uid: ada.uid, app: "web".into(), ..Token::default() };
    let request = Request::IssueToken { token: wanted, hash: [3; 32], keep: 1 };
    let Reply::TokenIssued { token: second, replaced } = perform(&mut store, request) else {
        panic!("no token");
    };
    assert_eq!(replaced, [first]);
    assert_eq!(perform(&mut store, Request::FindToken { hash: [1; 32] }), Reply::Token(None));

    let request = Request::DeleteTokens { uid: ada.uid, app: Some("web".into()) };
    assert_eq!(perform(&mut store, request), Reply::TokensDeleted(vec![second]));
    let request = Request::DeleteTokens { uid: ada.uid, app: None };
    assert_eq!(perform(&mut store, request), Reply::TokensDeleted(vec![phone]));
}

fn a_message_is_stored_once(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let to = vec![bob.uid, ada.uid];
    let first = append(&mut store, ada.uid, 7, &to);
    assert_eq!(first, appended(vec![(bob.uid, Seq(1)), (ada.uid, Seq(1))]));
    assert_eq!(append(&mut store, ada.uid, 7, &to), Outcome::Duplicate { ts: NOW });
    let find = |sender, id| Request::FindMessage { sender, id: MessageId::new(id).unwrap() };
    let stored = perform(&mut store, find(ada.uid, 7));
    assert!(matches!(stored, Reply::Message(Some((NOW, _)))));
    assert_eq!(perform(&mut store, find(ada.uid, 8)), Reply::Message(None));
    assert_eq!(perform(&mut store, find(bob.uid, 7)), Reply::Message(None));
    // The same id of another sender is another message.
    let other = append(&mut store, bob.uid, 7, &to);
    assert_eq!(other, appended(vec![(bob.uid, Seq(2)), (ada.uid, Seq(2))]));
    assert_eq!(log(&mut store, bob.uid, 0).len(), 2);
}

fn a_changed_message_says_the_new_to_all_who_have_not_fetched_it(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    append(&mut store, ada.uid, 7, &[bob.uid]);
    let note = Note { uid: bob.uid, entry: Bytes::from_static(b"it changed"), receipt: None };
    let (sender, id) = (ada.uid, MessageId::new(7).unwrap());
    let entry = Bytes::from_static(b"new");
    let change = Request::ChangeMessage { sender, id, entry: entry.clone(), notes: vec![note] };
    assert_eq!(perform(&mut store, change), Reply::Appended(vec![(bob.uid, Seq(2))]));
    let mut store = store.reopen();
    let found = perform(&mut store, Request::FindMessage { sender, id });
    assert_eq!(found, Reply::Message(Some((NOW, entry.clone()))));
    let entries: Vec<_> = log(&mut store, bob.uid, 0).into_iter().map(|row| row.entry).collect();
    assert_eq!(entries, [entry, Bytes::from_static(b"it changed")]);
    assert_eq!(append(&mut store, ada.uid, 7, &[bob.uid]), Outcome::Duplicate { ts: NOW });
}

fn messages_of_one_request_keep_their_order_and_each_has_its_outcome(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let carol = user(&mut store, AppId(1), "carol");
    let note = Note { uid: carol.uid, entry: Bytes::from_static(b"x"), receipt: None };
    perform(&mut store, Request::AppendNotes { notes: vec![note; LOG_ENTRIES_MAX as usize] });
    append(&mut store, ada.uid, 2, &[bob.uid]);
    let one = |id, to: &[Uid]| match append_request(ada.uid, id, to) {
        Request::Append { mut messages } => messages.remove(0),
        _ => unreachable!("that is what it makes"),
    };
    let messages = vec![
        one(1, &[bob.uid, ada.uid]),
        one(2, &[bob.uid, ada.uid]),
        one(3, &[carol.uid, ada.uid]),
        one(4, &[bob.uid]),
        one(4, &[bob.uid]),
    ];
    let outcomes = vec![
        appended(vec![(bob.uid, Seq(2)), (ada.uid, Seq(1))]),
        Outcome::Duplicate { ts: NOW },
        Outcome::Full,
        appended(vec![(bob.uid, Seq(3))]),
        Outcome::Duplicate { ts: NOW },
    ];
    let request = Request::Append { messages };
    assert_eq!(perform(&mut store, request), Reply::Stored(outcomes));
    let ids: Vec<_> = log(&mut store, bob.uid, 0).iter().map(|row| row.message).collect();
    let ids: Vec<_> = ids.into_iter().map(|message| message.expect("a message").id.get()).collect();
    assert_eq!(ids, [2, 1, 4]);
}

fn entries_are_read_back_in_order_and_expired_ones_left_out(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    append(&mut store, ada.uid, 1, &[bob.uid]);
    let note = Note { uid: bob.uid, entry: Bytes::from_static(b"note"), receipt: None };
    let reply = perform(&mut store, Request::AppendNotes { notes: vec![note] });
    assert_eq!(reply, Reply::Appended(vec![(bob.uid, Seq(2))]));
    append(&mut store, ada.uid, 3, &[bob.uid]);

    let rows = log(&mut store, bob.uid, 0);
    let seqs: Vec<_> = rows.iter().map(|row| row.seq.0).collect();
    assert_eq!(seqs, [1, 2, 3]);
    assert_eq!(rows[1].entry, Bytes::from_static(b"note"));
    assert_eq!(rows[1].message, None);
    let message = rows[2].message.expect("a message");
    assert_eq!((message.sender, message.id), (ada.uid, MessageId::new(3).unwrap()));

    let request = Request::ReadLog { uid: bob.uid, after: Seq(1), count: 1, now: NOW };
    let Reply::Log { rows, upto, head } = perform(&mut store, request) else { panic!("no log") };
    assert_eq!((rows.len(), upto, head), (1, Seq(2), Seq(3)));

    let late = Timestamp(NOW.0 + 3_600_000);
    let request = Request::ReadLog { uid: bob.uid, after: Seq(0), count: 9, now: late };
    let Reply::Log { rows, upto, .. } = perform(&mut store, request) else { panic!("no log") };
    assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [Seq(2)]);
    assert_eq!(upto, Seq(3));
}

fn everything_survives_reopening(mut store: impl SyncStore) {
    let hash = [9; 32];
    perform(&mut store, Request::CreateApp { name: "one".into(), hash });
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let token = issue(&mut store, bob.uid, "web", [1; 32]);
    append(&mut store, ada.uid, 1, &[bob.uid, ada.uid]);
    append(&mut store, ada.uid, 2, &[bob.uid, ada.uid]);
    let device = device(&mut store, token, bob.uid, 1).0;
    acknowledge(&mut store, device, bob.uid, 1, NOW);
    let gid = save_group(&mut store, &[&ada, &bob]);

    let mut store = store.reopen();
    assert!(matches!(perform(&mut store, Request::FindApp { hash }), Reply::App(Some(_))));
    assert_eq!(append(&mut store, ada.uid, 2, &[bob.uid]), Outcome::Duplicate { ts: NOW });
    assert_eq!(self::device(&mut store, token, bob.uid, 1), (device, Seq(1), Seq(2)));
    assert_eq!(log(&mut store, bob.uid, 1).len(), 1);
    let Reply::Group(Some((group, members))) = perform(&mut store, Request::LoadGroup { gid })
    else {
        panic!("the group is gone");
    };
    assert_eq!((group.name.as_str(), members.len()), ("team", 2));
    let next = user(&mut store, AppId(1), "carol");
    assert!(next.uid > bob.uid, "numbers are never used again");
}

fn no_number_is_given_twice_after_a_sudden_death(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let token = issue(&mut store, bob.uid, "web", [1; 32]);
    let device = self::device(&mut store, token, bob.uid, 1).0;
    append(&mut store, ada.uid, 1, &[bob.uid]);
    append(&mut store, ada.uid, 2, &[bob.uid]);
    acknowledge(&mut store, device, bob.uid, 2, NOW);
    let mut store = store.kill();
    let third = append(&mut store, ada.uid, 3, &[bob.uid]);
    assert_eq!(third, appended(vec![(bob.uid, Seq(3))]));
    let (same, cursor, head) = self::device(&mut store, token, bob.uid, 1);
    assert_eq!((same, head), (device, Seq(3)));
    let waiting = log(&mut store, bob.uid, cursor.0).len() as u64;
    assert_eq!(waiting, 3 - cursor.0, "what is forgotten to be acknowledged is there again");
}

fn a_new_device_starts_where_the_furthest_has_come(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let token = issue(&mut store, bob.uid, "web", [1; 32]);
    for id in 1..=5 {
        append(&mut store, ada.uid, id, &[bob.uid]);
    }
    let (first, cursor, head) = device(&mut store, token, bob.uid, 1);
    assert_eq!((cursor, head), (Seq(0), Seq(5)), "what nobody has fetched is not lost");
    acknowledge(&mut store, first, bob.uid, 3, NOW);
    let (second, cursor, _) = device(&mut store, token, bob.uid, 2);
    assert_ne!(first, second);
    assert_eq!(cursor, Seq(3), "what somebody has fetched is not repeated");
    // A cursor never moves back.
    acknowledge(&mut store, first, bob.uid, 2, NOW);
    assert_eq!(device(&mut store, token, bob.uid, 1).1, Seq(3));
}

fn a_log_is_trimmed_behind_the_last_of_the_devices(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let token = issue(&mut store, bob.uid, "web", [1; 32]);
    let (first, ..) = device(&mut store, token, bob.uid, 1);
    let (second, ..) = device(&mut store, token, bob.uid, 2);
    for id in 1..=4 {
        append(&mut store, ada.uid, id, &[bob.uid]);
    }
    acknowledge(&mut store, first, bob.uid, 4, NOW);
    assert_eq!(log(&mut store, bob.uid, 0).len(), 4, "the second device has nothing yet");
    acknowledge(&mut store, second, bob.uid, 3, NOW);
    assert_eq!(log(&mut store, bob.uid, 0).len(), 1);
    let request = Request::OpenDevice { token, uid: bob.uid, key: DeviceKey([2; 16]), now: NOW };
    let Reply::Device { trimmed, cursor, .. } = perform(&mut store, request) else {
        panic!("no device");
    };
    assert_eq!((trimmed, cursor), (Seq(3), Seq(3)));
    assert_eq!(append(&mut store, ada.uid, 4, &[bob.uid]), Outcome::Duplicate { ts: NOW });
}

fn a_device_away_too_long_does_not_hold_the_log(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let token = issue(&mut store, bob.uid, "web", [1; 32]);
    device(&mut store, token, bob.uid, 1);
    let (present, ..) = device(&mut store, token, bob.uid, 2);
    append(&mut store, ada.uid, 1, &[bob.uid]);
    let later = Timestamp(NOW.0 + DEVICE_KEPT.as_millis() as u64 + 1);
    acknowledge(&mut store, present, bob.uid, 1, later);
    assert_eq!(log(&mut store, bob.uid, 0).len(), 0);
}

fn a_full_log_refuses_messages_until_somebody_fetches(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let token = issue(&mut store, bob.uid, "web", [1; 32]);
    let (device, ..) = device(&mut store, token, bob.uid, 1);
    let note = Note { uid: bob.uid, entry: Bytes::from_static(b"x"), receipt: None };
    let notes = vec![note; LOG_ENTRIES_MAX as usize];
    perform(&mut store, Request::AppendNotes { notes });
    let to = [bob.uid, ada.uid];
    assert_eq!(append(&mut store, ada.uid, 1, &to), Outcome::Full);
    assert_eq!(log(&mut store, ada.uid, 0).len(), 0, "nothing of a refused request happens");
    acknowledge(&mut store, device, bob.uid, 1, NOW);
    assert!(matches!(append(&mut store, ada.uid, 1, &to), Outcome::Appended { .. }));
}

fn a_log_is_full_by_bytes_as_well(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let token = issue(&mut store, bob.uid, "web", [1; 32]);
    let (device, ..) = device(&mut store, token, bob.uid, 1);
    // As large as an entry may become, so that there are as few as possible.
    let entry = Bytes::from(vec![b'x'; 2 * CONTENT_BYTES_MAX]);
    let note = Note { uid: bob.uid, entry, receipt: None };
    let room = LOG_BYTES_MAX as usize / note.entry.len();
    for _ in 0..room {
        perform(&mut store, Request::AppendNotes { notes: vec![note.clone()] });
    }
    let large = |store: &mut _, id| {
        let Request::Append { mut messages } = append_request(ada.uid, id, &[bob.uid, ada.uid])
        else {
            unreachable!("that is what it makes")
        };
        messages[0].0.entry = note.entry.clone();
        match perform(store, Request::Append { messages }) {
            Reply::Stored(outcomes) => outcomes[0].clone(),
            other => panic!("not stored: {other:?}"),
        }
    };
    assert_eq!(large(&mut store, 1), Outcome::Full);
    let mut store = store.reopen();
    assert_eq!(large(&mut store, 1), Outcome::Full, "counted again");
    acknowledge(&mut store, device, bob.uid, 1, NOW);
    assert!(matches!(large(&mut store, 1), Outcome::Appended { .. }));
    assert_eq!(large(&mut store, 2), Outcome::Full);
}

fn members_come_and_go_with_their_group(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let gid = save_group(&mut store, &[&ada, &bob]);
    assert!(gid >= GroupId::FIRST);
    let request = Request::LoadMemberships { uid: bob.uid };
    assert_eq!(perform(&mut store, request.clone()), Reply::Groups(vec![gid]));

    let Reply::Group(Some((group, members))) = perform(&mut store, Request::LoadGroup { gid })
    else {
        panic!("no group");
    };
    let promoted = Member { admin_flags: 0x400, denied: 4, ..members[0].0.clone() };
    let saved = perform(
        &mut store,
        Request::SaveGroup {
            group: Group { name: "crew".into(), owner: Some(ada.uid), ..group },
            put: vec![promoted.clone()],
            remove: vec![bob.uid, Uid(999)],
            unqueue: vec![],
            notes: vec![Note { uid: bob.uid, entry: Bytes::from_static(b"left"), receipt: None }],
        },
    );
    assert_eq!(saved, Reply::GroupSaved { gid, places: vec![(bob.uid, Seq(1))] });
    let Reply::Group(Some((group, members))) = perform(&mut store, Request::LoadGroup { gid })
    else {
        panic!("no group");
    };
    assert_eq!((group.name.as_str(), group.owner), ("crew", Some(ada.uid)));
    assert_eq!(members, [(promoted, ada)]);
    assert_eq!(perform(&mut store, request), Reply::Groups(vec![]));

    perform(&mut store, Request::DeleteGroup { gid, notes: vec![] });
    assert_eq!(perform(&mut store, Request::LoadGroup { gid }), Reply::Group(None));
    assert!(save_group(&mut store, &[]) > gid, "numbers are never used again");
}

fn what_is_queued_of_a_group_goes_for_who_receives_no_more(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let carol = user(&mut store, AppId(1), "carol");
    let (phone, laptop) = (1, 2);
    let token = issue(&mut store, bob.uid, "web", [1; 32]);
    let (phone, ..) = device(&mut store, token, bob.uid, phone);
    device(&mut store, token, bob.uid, laptop);
    let all = [ada.uid, bob.uid, carol.uid];
    let gid = save_group(&mut store, &[&ada, &bob, &carol]);
    let send = |store: &mut _, id, sender, group| {
        let Request::Append { mut messages } = append_request(sender, id, &all) else {
            unreachable!("that is what it makes")
        };
        (messages[0].0.group, messages[0].0.entry) = (group, Bytes::from(vec![id as u8]));
        perform(store, Request::Append { messages })
    };
    let alone = GroupId(0);
    for (id, sender, group) in [
        (1, ada.uid, gid),
        (2, ada.uid, gid),
        (3, ada.uid, alone),
        (4, bob.uid, gid),
        (5, ada.uid, gid),
    ] {
        send(&mut store, id, sender, group);
    }
    acknowledge(&mut store, phone, bob.uid, 1, NOW);
    let Reply::Group(Some((group, _))) = perform(&mut store, Request::LoadGroup { gid }) else {
        panic!("no group");
    };
    let (put, remove, notes) = (vec![], vec![], vec![]);
    let unqueue = vec![bob.uid];
    perform(&mut store, Request::SaveGroup { group, put, remove, unqueue, notes });
    let seqs =
        |store: &mut _, uid| -> Vec<_> { log(store, uid, 0).iter().map(|row| row.seq.0).collect() };
    assert_eq!(seqs(&mut store, bob.uid), [1, 3, 4], "what one device has, the others get");
    assert_eq!(seqs(&mut store, carol.uid), [1, 2, 3, 4, 5]);
    let mut store = store.kill();
    let Reply::Stored(outcomes) = send(&mut store, 6, ada.uid, gid) else { panic!("not stored") };
    let places = [ada.uid, bob.uid, carol.uid].map(|uid| (uid, Seq(6)));
    assert_eq!(outcomes, [appended(places.into())], "no number is given twice");
    let copies = |store: &mut _, uid| -> Vec<_> {
        let of = HistoryOf::Group(gid);
        let (before, after, until, now) = (None, None, NOW, NOW);
        let request = Request::ReadHistory { uid, of, before, after, until, count: 9, now };
        let Reply::History(rows) = perform(store, request) else { panic!("no history") };
        rows.iter().map(|row| row.entry[0]).collect()
    };
    assert_eq!(copies(&mut store, bob.uid), [6, 4, 1]);
    assert_eq!(copies(&mut store, carol.uid), [6, 5, 4, 2, 1]);

    // What it has said may be forgotten; it says so again.
    acknowledge(&mut store, phone, bob.uid, 1, NOW);
    perform(&mut store, Request::DeleteGroup { gid, notes: vec![] });
    assert_eq!(seqs(&mut store, bob.uid), [1, 3, 4]);
    assert_eq!(seqs(&mut store, carol.uid), [3], "what is queued of a group goes with it");
}

fn a_deleted_user_leaves_nothing_behind(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    issue(&mut store, bob.uid, "web", [1; 32]);
    let gid = save_group(&mut store, &[&ada, &bob]);
    append(&mut store, ada.uid, 1, &[bob.uid]);
    let notes = vec![Note { uid: ada.uid, entry: Bytes::from_static(b"bob left"), receipt: None }];
    let reply = perform(&mut store, Request::DeleteUser { uid: bob.uid, notes });
    assert_eq!(reply, Reply::Appended(vec![(ada.uid, Seq(1))]));
    assert_eq!(perform(&mut store, Request::FindToken { hash: [1; 32] }), Reply::Token(None));
    assert_eq!(perform(&mut store, Request::LoadUser { uid: bob.uid }), Reply::User(None));
    assert_eq!(log(&mut store, bob.uid, 0).len(), 0);
    let Reply::Group(Some((_, members))) = perform(&mut store, Request::LoadGroup { gid }) else {
        panic!("no group");
    };
    assert_eq!(members.len(), 1);
    let again = user(&mut store, AppId(1), "bob");
    assert_ne!(again.uid, bob.uid);
}

fn what_a_deleted_user_owned_goes_to_the_oldest_admin(mut store: impl SyncStore) {
    let users = ["ada", "bob", "carol", "dave", "eve"].map(|it| user(&mut store, AppId(1), it));
    let [ada, bob, carol, dave, eve] = users.map(|user| user.uid);
    let admin = |uid, expires| Member { uid, admin_flags: 1, expires, ..Member::default() };
    let mut make = |put: Vec<Member>| {
        let group = Group { aid: AppId(1), owner: Some(ada), ..Group::default() };
        let (remove, unqueue, notes) = (vec![], vec![], vec![]);
        match perform(&mut store, Request::SaveGroup { group, put, remove, unqueue, notes }) {
            Reply::GroupSaved { gid, .. } => gid,
            other => panic!("no group: {other:?}"),
        }
    };
    let plain = Member { uid: bob, ..Member::default() };
    let ending = admin(carol, Some(Timestamp(NOW.0 + 1)));
    let with_admins =
        make(vec![admin(ada, None), plain.clone(), ending, admin(eve, None), admin(dave, None)]);
    let without = make(vec![admin(ada, None), plain]);
    perform(&mut store, Request::DeleteUser { uid: ada, notes: vec![] });
    let mut store = store.reopen();
    for (gid, owner) in [(with_admins, Some(dave)), (without, None)] {
        let Reply::Group(Some((group, _))) = perform(&mut store, Request::LoadGroup { gid }) else {
            panic!("no group");
        };
        assert_eq!(group.owner, owner);
    }
}

// ---- helpers -----------------------------------------------------------------------------

pub(crate) fn perform(store: &mut impl SyncStore, request: Request) -> Reply {
    store.perform(request.clone()).unwrap_or_else(|error| panic!("{request:?}: {error}"))
}

pub(crate) fn user(store: &mut impl SyncStore, aid: AppId, address: &str) -> User {
    let user = User { aid, address: address.into(), active: true, ..User::default() };
    match perform(store, Request::SaveUser { user }) {
        Reply::User(Some(user)) => user,
        other => panic!("no user: {other:?}"),
    }
}

pub(crate) fn issue(store: &mut impl SyncStore, uid: Uid, app: &str, hash: [u8; 32]) -> TokenId {
    let token = Token { uid, app: app.into(), ..Token::default() };
    match perform(store, Request::IssueToken { token, hash, keep: u32::MAX }) {
        Reply::TokenIssued { token, .. } => token,
        other => panic!("no token: {other:?}"),
    }
}

pub(crate) fn append_request(sender: Uid, id: u64, to: &[Uid]) -> Request {
    let message = NewMessage {
        sender,
        id: MessageId::new(id).expect("a small number is an id"),
        flags: 3,
        group: GroupId(0),
        peer: Uid(0),
        ts: NOW,
        expires: Timestamp(NOW.0 + 60_000),
        watched: false,
        entry: Bytes::from_static(b"message"),
    };
    Request::Append { messages: vec![(message, to.to_vec())] }
}

/// Stored, in all the logs it was for.
fn appended(places: Vec<(Uid, Seq)>) -> Outcome {
    Outcome::Appended { places, full: Vec::new() }
}

pub(crate) fn append(store: &mut impl SyncStore, sender: Uid, id: u64, to: &[Uid]) -> Outcome {
    match perform(store, append_request(sender, id, to)) {
        Reply::Stored(mut outcomes) => outcomes.pop().expect("one outcome"),
        other => panic!("not stored: {other:?}"),
    }
}

fn sweep(store: &mut impl SyncStore, now: Timestamp, count: usize) -> usize {
    match perform(store, Request::Sweep { now, count }) {
        Reply::Swept(removed) => removed,
        other => panic!("not swept: {other:?}"),
    }
}

pub(crate) fn log(store: &mut impl SyncStore, uid: Uid, after: u64) -> Vec<LogRow> {
    let request = Request::ReadLog { uid, after: Seq(after), count: 100, now: NOW };
    match perform(store, request) {
        Reply::Log { rows, .. } => rows,
        other => panic!("no log: {other:?}"),
    }
}

fn device(store: &mut impl SyncStore, token: TokenId, uid: Uid, key: u8) -> (DeviceId, Seq, Seq) {
    let key = DeviceKey([key; 16]);
    match perform(store, Request::OpenDevice { token, uid, key, now: NOW }) {
        Reply::Device { device, cursor, head, .. } => (device, cursor, head),
        other => panic!("no device: {other:?}"),
    }
}

fn acknowledge(store: &mut impl SyncStore, device: DeviceId, uid: Uid, seq: u64, now: Timestamp) {
    let notes = Vec::new();
    perform(store, Request::Acknowledge { device, uid, seq: Seq(seq), notes, now });
}

pub(crate) fn save_group(store: &mut impl SyncStore, members: &[&User]) -> GroupId {
    let group = Group { aid: AppId(1), name: "team".into(), active: true, ..Group::default() };
    let put = members.iter().map(|user| Member { uid: user.uid, given: 1, ..Member::default() });
    let (put, remove, notes) = (put.collect(), Vec::new(), Vec::new());
    match perform(store, Request::SaveGroup { group, put, remove, unqueue: vec![], notes }) {
        Reply::GroupSaved { gid, .. } => gid,
        other => panic!("no group: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory_store::MemoryStore;

    #[test]
    fn the_memory_store_passes_the_suite() {
        store_suite(MemoryStore::default);
    }
}
