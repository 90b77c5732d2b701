//! The part of the store's suite that is about apps as a whole: settings, lists, what is scheduled.

use std::collections::BTreeSet;
use std::net::IpAddr;

use bytes::Bytes;
use hub::port::apps::{AppReply, AppRequest, AppSettings, Filter, Scheduled, UsageRow, Used};
use hub::port::personal::{PersonalRequest, StoredFile};
use hub::port::store::{App, Group, HistoryOf, Member, Reply, Request, StoreError};
use wire::id::{AppId, GroupId, Seq, Uid};
use wire::time::{Duration, Timestamp};

use crate::memory_store::SyncStore;
use crate::store_suite::{NOW, append, append_request, issue, log, perform, save_group, user};

/// Runs every case on a fresh store of its own.
pub fn app_suite<S: SyncStore>(make: &mut impl FnMut() -> S) {
    settings_are_kept_and_names_stay_unique(make());
    a_new_token_of_an_app_takes_the_place_of_the_former(make());
    a_deleted_app_leaves_nothing_of_its_own_behind(make());
    users_are_listed_by_pattern_number_and_page(make());
    what_an_app_keeps_shorter_ends_earlier_though_it_is_stored_already(make());
    usage_is_added_up_by_day_and_month_and_users_are_counted_once(make());
    groups_are_listed_with_their_members_counted(make());
    one_token_is_deleted_by_its_hash_in_its_own_app(make());
    the_newest_tokens_stay_as_many_as_are_kept(make());
    what_is_scheduled_is_due_in_order_and_survives_reopening(make());
    groups_of_users_are_counted_as_long_as_they_are_in_them(make());
    files_of_an_app_are_added_up_until_they_are_gone(make());
}

fn ask(store: &mut impl SyncStore, request: AppRequest) -> AppReply {
    match perform(store, Request::OfApp(request)) {
        Reply::OfApp(reply) => reply,
        other => panic!("{other:?}"),
    }
}

fn app(store: &mut impl SyncStore, name: &str, hash: u8) -> App {
    match perform(store, Request::CreateApp { name: name.into(), hash: [hash; 32] }) {
        Reply::App(Some(app)) => app,
        other => panic!("no app: {other:?}"),
    }
}

fn settings_are_kept_and_names_stay_unique(mut store: impl SyncStore) {
    let (one, two) = (app(&mut store, "one", 1), app(&mut store, "two", 2));
    let settings = AppSettings {
        users_max: 7,
        url: "https://hook.example.test/\u{e4}".into(),
        webhook_version: Some(1),
        retention_days: -1,
        tokens_kept: u32::MAX,
        no_e2ee: true,
        ..AppSettings::default()
    };
    let changed = App { name: "first".into(), active: false, settings, ..one.clone() };
    assert_eq!(
        ask(&mut store, AppRequest::Save { app: Box::new(changed.clone()) }),
        AppReply::Done
    );
    let taken = AppRequest::Save { app: Box::new(App { name: "first".into(), ..two.clone() }) };
    assert_eq!(store.perform(Request::OfApp(taken)), Err(StoreError::Exists));
    let mut store = store.reopen();
    let found = perform(&mut store, Request::LoadApp { aid: one.aid });
    assert_eq!(found, Reply::App(Some(changed.clone())));
    assert_eq!(ask(&mut store, AppRequest::List), AppReply::Apps(vec![changed, two]));
}

fn groups_of_users_are_counted_as_long_as_they_are_in_them(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    save_group(&mut store, &[&ada, &bob]);
    save_group(&mut store, &[&ada]);
    let mut save = |group: Group, until: u64| {
        let put =
            vec![Member { uid: ada.uid, expires: Some(Timestamp(until)), ..Member::default() }];
        let (remove, notes) = (vec![], vec![]);
        perform(&mut store, Request::SaveGroup { group, put, remove, unqueue: vec![], notes });
    };
    save(Group { aid: AppId(1), ..Group::default() }, 20);
    save(Group { aid: AppId(1), expires: Some(Timestamp(10)), ..Group::default() }, 30);
    let mut count = |now: u64| {
        let (uids, now) = (vec![bob.uid, ada.uid, Uid(77)], Timestamp(now));
        match perform(&mut store, Request::CountMemberships { uids, now }) {
            Reply::MembershipCounts(counts) => counts,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(count(9), [(bob.uid, 1), (ada.uid, 4), (Uid(77), 0)]);
    assert_eq!(count(10)[1].1, 3, "a group has ended");
    assert_eq!(count(20)[1].1, 2, "and a membership");
}

fn files_of_an_app_are_added_up_until_they_are_gone(mut store: impl SyncStore) {
    let (one, two) = (app(&mut store, "one", 1), app(&mut store, "two", 2));
    let (ada, eve) = (user(&mut store, one.aid, "ada"), user(&mut store, two.aid, "eve"));
    let size = |store: &mut _, app: &App| match ask(store, AppRequest::FilesSize { aid: app.aid }) {
        AppReply::FilesSize(bytes) => bytes,
        other => panic!("{other:?}"),
    };
    assert_eq!(size(&mut store, &one), 0);
    for (uid, name, size) in [(ada.uid, "a", 5), (ada.uid, "b", 6), (eve.uid, "c", 7)] {
        let file = StoredFile { name: name.into(), size, ts: NOW };
        // Told twice, there once.
        for _ in 0..2 {
            let file = file.clone();
            perform(&mut store, Request::Personal(PersonalRequest::Filed { uid, file }));
        }
    }
    // They are there as long as others may have them.
    perform(&mut store, Request::DeleteUser { uid: ada.uid, notes: vec![] });
    let mut store = store.reopen();
    assert_eq!((size(&mut store, &one), size(&mut store, &two)), (11, 7));
    let names = vec!["b".to_owned(), "unknown".to_owned()];
    perform(&mut store, Request::Personal(PersonalRequest::Unfiled { names }));
    assert_eq!((size(&mut store, &one), size(&mut store, &two)), (5, 7));
}

fn a_new_token_of_an_app_takes_the_place_of_the_former(mut store: impl SyncStore) {
    let one = app(&mut store, "one", 1);
    ask(&mut store, AppRequest::ReplaceToken { aid: one.aid, hash: [9; 32] });
    assert_eq!(perform(&mut store, Request::FindApp { hash: [1; 32] }), Reply::App(None));
    assert_eq!(perform(&mut store, Request::FindApp { hash: [9; 32] }), Reply::App(Some(one)));
}

fn a_deleted_app_leaves_nothing_of_its_own_behind(mut store: impl SyncStore) {
    let (one, two) = (app(&mut store, "one", 1), app(&mut store, "two", 2));
    let (ada, bob) = (user(&mut store, one.aid, "ada"), user(&mut store, one.aid, "bob"));
    let other = user(&mut store, two.aid, "ada");
    issue(&mut store, ada.uid, "web", [5; 32]);
    issue(&mut store, other.uid, "web", [6; 32]);
    append(&mut store, ada.uid, 1, &[bob.uid, ada.uid]);
    let group = Group { aid: one.aid, ..Group::default() };
    let save =
        Request::SaveGroup { group, put: vec![], remove: vec![], unqueue: vec![], notes: vec![] };
    let Reply::GroupSaved { gid, .. } = perform(&mut store, save) else { panic!("no group") };
    ask(&mut store, AppRequest::Schedule { messages: vec![scheduled(one.aid, 1)] });

    assert_eq!(ask(&mut store, AppRequest::Delete { aid: one.aid }), AppReply::Done);
    assert_eq!(ask(&mut store, AppRequest::List), AppReply::Apps(vec![two]));
    assert_eq!(perform(&mut store, Request::LoadUser { uid: ada.uid }), Reply::User(None));
    assert_eq!(perform(&mut store, Request::FindToken { hash: [5; 32] }), Reply::Token(None));
    assert_eq!(perform(&mut store, Request::LoadGroup { gid }), Reply::Group(None));
    assert_eq!(log(&mut store, bob.uid, 0).len(), 0);
    let due = AppRequest::Due { now: Timestamp(9), count: 9 };
    assert_eq!(ask(&mut store, due), AppReply::Due(vec![], None));
    let found = perform(&mut store, Request::FindToken { hash: [6; 32] });
    assert!(matches!(found, Reply::Token(Some(_))), "another app's");
}

fn rows(store: &mut impl SyncStore, aid: AppId, filter: Filter) -> (Vec<Uid>, bool) {
    match ask(store, AppRequest::Users { aid, filter }) {
        AppReply::Users(rows, more) => (rows.iter().map(|row| row.user.uid).collect(), more),
        other => panic!("{other:?}"),
    }
}

fn users_are_listed_by_pattern_number_and_page(mut store: impl SyncStore) {
    let aid = AppId(1);
    let names = ["ada@a.test", "bob@a.test", "[b]?", "eve@b.test"];
    let [ada, bob, odd, eve] = names.map(|name| user(&mut store, aid, name).uid);
    user(&mut store, AppId(2), "ada@a.test");
    let filter = |pattern: &str| Filter { pattern: pattern.into(), count: 10, ..Filter::default() };
    assert_eq!(rows(&mut store, aid, filter("*")), (vec![ada, bob, odd, eve], false));
    assert_eq!(rows(&mut store, aid, filter("*@a.test")), (vec![ada, bob], false));
    assert_eq!(rows(&mut store, aid, filter("[b]?")), (vec![odd], false));
    assert_eq!(rows(&mut store, aid, filter("bob")), (vec![], false));
    let first = Filter { count: 2, ..filter("*") };
    assert_eq!(rows(&mut store, aid, first.clone()), (vec![ada, bob], true));
    let next = Filter { after: bob.0, ..first.clone() };
    assert_eq!(rows(&mut store, aid, next), (vec![odd, eve], false));
    let named = Filter { id: Some(eve.0), ..filter("*") };
    assert_eq!(rows(&mut store, aid, named), (vec![eve], false));
    let among =
        |wanted| Filter { among: Some((wanted, BTreeSet::from([bob, eve]))), ..first.clone() };
    assert_eq!(rows(&mut store, aid, among(true)), (vec![bob, eve], false));
    assert_eq!(rows(&mut store, aid, among(false)), (vec![ada, odd], false));
    let one = Filter { count: 1, ..among(false) };
    assert_eq!(rows(&mut store, aid, one), (vec![ada], true));

    let remote = IpAddr::from([192, 0, 2, 1]);
    ask(&mut store, AppRequest::SignedIn { uid: ada, remote, at: Timestamp(1) });
    issue(&mut store, ada, "phone", [1; 32]);
    issue(&mut store, ada, "web", [2; 32]);
    let filter = Filter { id: Some(ada.0), ..filter("*") };
    let AppReply::Users(rows, _) = ask(&mut store, AppRequest::Users { aid, filter }) else {
        panic!("no rows");
    };
    assert_eq!((rows[0].remote, rows[0].app.as_str()), (Some(remote), "web"));
}

fn what_an_app_keeps_shorter_ends_earlier_though_it_is_stored_already(mut store: impl SyncStore) {
    let one = app(&mut store, "one", 1);
    let (ada, bob) = (user(&mut store, one.aid, "ada").uid, user(&mut store, one.aid, "bob").uid);
    let other = user(&mut store, AppId(77), "eve").uid;
    for (sender, to) in [(ada, &[ada, bob][..]), (other, &[other])] {
        let Request::Append { mut messages } = append_request(sender, 1, to) else {
            unreachable!("that is what it makes")
        };
        messages[0].0.expires = NOW.after(Duration::from_secs(365 * 86_400));
        perform(&mut store, Request::Append { messages });
    }
    let keep = |store: &mut _, retention_days| {
        let settings = AppSettings { retention_days, ..AppSettings::default() };
        ask(store, AppRequest::Save { app: Box::new(App { settings, ..one.clone() }) });
        let sweep = Request::Sweep { now: NOW, count: 9 };
        while !matches!(perform(store, sweep.clone()), Reply::Swept(0)) {}
    };
    let after = |days: u64| NOW.after(Duration::from_secs(days * 86_400));
    let lives = |store: &mut _, uid, now| {
        let request = Request::ReadLog { uid, after: Seq(0), count: 9, now };
        let Reply::Log { rows, .. } = perform(store, request) else { panic!("no log") };
        let of = HistoryOf::All;
        let (before, after, until, count) = (None, None, NOW, 9);
        let request = Request::ReadHistory { uid, of, before, after, until, count, now };
        let Reply::History(copies) = perform(store, request) else { panic!("no history") };
        (rows.len(), copies.len())
    };
    keep(&mut store, -1);
    assert_eq!(lives(&mut store, bob, after(0)), (1, 1));
    keep(&mut store, 3);
    keep(&mut store, 5);
    assert_eq!(lives(&mut store, bob, after(2)), (1, 1));
    assert_eq!(lives(&mut store, bob, after(3)), (0, 0), "a longer time brings nothing back");
    let long_over = perform(&mut store, Request::Sweep { now: after(8), count: 9 });
    assert_eq!(long_over, Reply::Swept(1), "it leaves the disk");
}

fn usage_is_added_up_by_day_and_month_and_users_are_counted_once(mut store: impl SyncStore) {
    const DAY: u64 = 86_400_000;
    let aid = app(&mut store, "one", 1).aid;
    let (ada, bob) = (user(&mut store, aid, "ada").uid, user(&mut store, aid, "bob").uid);
    // 30 and 31 January, 1 February 1970.
    for (uid, day) in [(ada, 29), (ada, 29), (ada, 30), (bob, 30), (ada, 31)] {
        let remote = IpAddr::from([192, 0, 2, 1]);
        ask(&mut store, AppRequest::SignedIn { uid, remote, at: Timestamp(day * DAY) });
    }
    let one = Used { aid, peak: 2, messages: 3, bytes: 4, stored: 5, reads: 6, writes: 7 };
    for day in [29, 30, 30, 31] {
        let used = vec![one.clone(), Used { aid: AppId(9), ..one.clone() }];
        ask(&mut store, AppRequest::Use { used, at: Timestamp(day * DAY) });
    }
    let mut usage =
        |aid, monthly, count| match ask(&mut store, AppRequest::Usage { aid, monthly, count }) {
            AppReply::Usage(rows) => rows,
            other => panic!("{other:?}"),
        };
    let told = |rows: Vec<UsageRow>| {
        let row = |row: UsageRow| {
            (row.period, row.users, row.used.peak, row.used.messages, row.used.writes)
        };
        rows.into_iter().map(row).collect::<Vec<_>>()
    };
    let days = [(19700201, 1, 2, 3, 7), (19700131, 2, 2, 6, 14), (19700130, 1, 2, 3, 7)];
    assert_eq!(told(usage(aid, false, 9)), days);
    assert_eq!(told(usage(aid, false, 1)), days[..1]);
    let months = [(197002, 1, 2, 3, 7), (197001, 2, 2, 9, 21)];
    assert_eq!(told(usage(aid, true, 9)), months);
    assert_eq!(told(usage(AppId(9), true, 9)), [], "there is no such app");
    let sent = ask(&mut store, AppRequest::Sent { aid, month: 197001 });
    assert_eq!(sent, AppReply::Sent(9));
    assert_eq!(ask(&mut store, AppRequest::Sent { aid, month: 197003 }), AppReply::Sent(0));
    ask(&mut store, AppRequest::Delete { aid });
    assert_eq!(ask(&mut store, AppRequest::Sent { aid, month: 197001 }), AppReply::Sent(0));
}

fn groups_are_listed_with_their_members_counted(mut store: impl SyncStore) {
    let (ada, bob) = (user(&mut store, AppId(1), "ada"), user(&mut store, AppId(1), "bob"));
    let (crew, pair) = (save_group(&mut store, &[&ada]), save_group(&mut store, &[&ada, &bob]));
    let list = |store: &mut _, aid, pattern: &str, id: Option<GroupId>| {
        let id = id.map(|gid| gid.0);
        let filter = Filter { pattern: pattern.into(), id, count: 9, ..Filter::default() };
        match ask(store, AppRequest::Groups { aid, filter }) {
            AppReply::Groups(rows, false) => {
                rows.iter().map(|(group, count)| (group.gid, *count)).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(list(&mut store, AppId(1), "t*m", None), [(crew, 1), (pair, 2)]);
    assert_eq!(list(&mut store, AppId(1), "*", Some(pair)), [(pair, 2)]);
    assert_eq!(list(&mut store, AppId(1), "x*", None), []);
    assert_eq!(list(&mut store, AppId(2), "*", None), []);
    let counted = ask(&mut store, AppRequest::Count { aid: AppId(1) });
    assert_eq!(counted, AppReply::Counted { users: 2, groups: 2 });
}

fn one_token_is_deleted_by_its_hash_in_its_own_app(mut store: impl SyncStore) {
    let ada = user(&mut store, AppId(1), "ada");
    let id = issue(&mut store, ada.uid, "web", [1; 32]);
    let delete = |aid| AppRequest::DeleteToken { aid, hash: [1; 32] };
    assert_eq!(ask(&mut store, delete(AppId(2))), AppReply::TokenDeleted(None));
    assert_eq!(ask(&mut store, delete(AppId(1))), AppReply::TokenDeleted(Some((id, ada))));
    assert_eq!(perform(&mut store, Request::FindToken { hash: [1; 32] }), Reply::Token(None));
}

fn the_newest_tokens_stay_as_many_as_are_kept(mut store: impl SyncStore) {
    let ada = user(&mut store, AppId(1), "ada");
    let first = issue(&mut store, ada.uid, "web", [1; 32]);
    let second = issue(&mut store, ada.uid, "web", [2; 32]);
    issue(&mut store, ada.uid, "phone", [3; 32]);
    let token = hub::port::store::Token { uid: ada.uid, app: "web".into(), ..Default::default() };
    let keep = |hash, keep| Request::IssueToken { token: token.clone(), hash, keep };
    let Reply::TokenIssued { token: third, replaced } = perform(&mut store, keep([4; 32], 2))
    else {
        panic!("no token");
    };
    assert_eq!(replaced, [first]);
    let Reply::TokenIssued { mut replaced, .. } = perform(&mut store, keep([5; 32], 1)) else {
        panic!("no token");
    };
    replaced.sort_unstable();
    assert_eq!(replaced, [second, third]);
    let phone = perform(&mut store, Request::FindToken { hash: [3; 32] });
    assert!(matches!(phone, Reply::Token(Some(_))), "another app id's");
}

fn scheduled(aid: AppId, due: u64) -> Scheduled {
    let (due, only) = (Timestamp(due), vec![Uid(7), Uid(u32::MAX)]);
    Scheduled { id: 0, aid, due, message: Bytes::from_static(b"later"), only }
}

fn what_is_scheduled_is_due_in_order_and_survives_reopening(mut store: impl SyncStore) {
    let messages = [30, 10, 20].map(|due| scheduled(AppId(1), due));
    ask(&mut store, AppRequest::Schedule { messages: messages.to_vec() });
    let mut store = store.reopen();
    let due = |store: &mut _, now, count| match ask(
        store,
        AppRequest::Due { now: Timestamp(now), count },
    ) {
        AppReply::Due(due, next) => (due, next.map(|next| next.0)),
        other => panic!("{other:?}"),
    };
    assert_eq!(due(&mut store, 9, 9), (vec![], Some(10)));
    let (first, next) = due(&mut store, 25, 1);
    assert_eq!((first[0].due.0, first[0].only.len(), next), (10, 2, Some(20)));
    assert_eq!(first[0].message, Bytes::from_static(b"later"));
    let (both, next) = due(&mut store, 25, 9);
    assert_eq!((both.len(), next), (2, Some(30)));
    for Scheduled { id, .. } in both {
        ask(&mut store, AppRequest::Unschedule { id });
    }
    assert_eq!(due(&mut store, 25, 9), (vec![], Some(30)));
}
