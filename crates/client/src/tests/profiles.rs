//! What the page makes of profiles, and what of it reaches the server.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use wire::limits::{CONTACTS_PER_FRAME_MAX, PROFILE_VALUES_BYTES_MAX};
use wire::mask::{contact, user};
use wire::proto::{self, Contacts, ProfileSave, ProfileSaved, client_frame, server_frame};

use super::{Page, friend};
use crate::event::Event;
use crate::message::Conversation;
use crate::port::store::StoredProfile;
use crate::profile::{mark, own_place};
use crate::{Field, Input};

#[test]
fn an_edit_shows_at_once_and_is_taken_back_unless_it_is_saved() {
    let mut page = Page::online();
    page.edit(Field::Name, "Fred");
    page.client.mark_contact(&friend(), contact::BLOCKED, true);
    assert_eq!(page.client.profile(&friend()).map(|p| p.shown_name()), Some("Fred"));
    page.client.reset_profile(&friend());
    let profile = page.client.profile(&friend()).expect("known");
    assert_eq!((profile.shown_name(), profile.local.contact), ("", 0));

    page.edit(Field::Name, "Fred");
    page.save(&friend());
    page.edit(Field::Name, "other");
    page.client.reset_profile(&friend());
    assert_eq!(page.client.profile(&friend()).map(|p| p.shown_name()), Some("Fred"));
    // The name of another is the page's own business.
    assert_eq!(page.saves().len() + page.contacts_sent().len(), 0);
    assert!(page.events.contains(&Event::ProfilePublished { of: friend(), ok: true }));
}

#[test]
fn the_own_profile_is_published_and_told_when_the_server_has_it() {
    let mut page = Page::online();
    let own = own_place();
    page.client.edit_profile(&own, Field::Name, Some("Me".into()));
    page.client.edit_profile(&own, Field::Values, Some("{\"a\":1}".into()));
    assert!(page.client.save_profile(&own, "{\"a\":1,\"b\":2}".into(), true));
    page.input(Input::Tick);
    assert_eq!(page.events, []);
    let save = page.saves().remove(0);
    assert_eq!((save.name.as_deref(), save.status), (Some("Me"), None));
    assert_eq!(save.values.as_deref(), Some("{\"a\":1,\"b\":2}"), "all of them");
    page.server(server_frame::Body::ProfileSaved(ProfileSaved { ticket: save.ticket, ok: true }));
    let told = [Event::ProfilePublished { of: own.clone(), ok: true }, Event::SelfUpdated];
    assert_eq!(page.events, told);
    let profile = page.client.self_profile();
    assert_eq!((profile.name.as_str(), profile.local.name.clone()), ("Me", None));
}

#[test]
fn a_refused_profile_is_told_and_not_sent_again() {
    let mut page = Page::online();
    let own = own_place();
    page.client.edit_profile(&own, Field::Status, Some("x".repeat(9_999)));
    page.save(&own);
    let ticket = page.saves().remove(0).ticket;
    page.server(server_frame::Body::ProfileSaved(ProfileSaved { ticket, ok: false }));
    assert!(page.events.contains(&Event::ProfilePublished { of: own, ok: false }));
    page.reconnect();
    assert_eq!(page.saves(), []);
}

#[test]
fn what_was_saved_offline_is_published_later_even_after_a_reload() {
    let mut page = Page::new();
    page.client.set_database(Some("db".into()));
    page.run();
    page.client.edit_profile(&own_place(), Field::Name, Some("Me".into()));
    page.save(&own_place());
    page.client.mark_contact(&friend(), contact::CONTACT, true);
    page.save(&friend());
    let mut page = Page::with_store(page.store);
    page.client.set_database(Some("db".into()));
    page.start();
    page.welcome(0);
    assert_eq!(page.saves().remove(0).name.as_deref(), Some("Me"));
    assert_eq!(page.contacts_sent(), [("friend".to_string(), contact::CONTACT)]);
}

#[test]
fn values_that_are_too_large_are_not_saved() {
    let mut page = Page::online();
    let own = own_place();
    page.client.edit_profile(&own, Field::Values, Some("{}".into()));
    assert!(!page.client.save_profile(&own, "x".repeat(PROFILE_VALUES_BYTES_MAX + 1), true));
    assert!(page.client.save_profile(&own, "x".repeat(PROFILE_VALUES_BYTES_MAX), true));
}

#[test]
fn a_picture_that_was_not_uploaded_is_shown_here_and_said_not_to_be_published() {
    let mut page = Page::online();
    let own = own_place();
    page.client.edit_profile(&own, Field::Image, Some("blob:x".into()));
    page.save(&own);
    assert_eq!(page.saves(), []);
    assert!(page.events.contains(&Event::ProfilePublished { of: own.clone(), ok: false }));
    page.forget();
    page.client.edit_profile(&own, Field::Name, Some("Me".into()));
    page.save(&own);
    let save = page.saves().remove(0);
    assert_eq!((save.name.as_deref(), save.image), (Some("Me"), None));
    let saved = ProfileSaved { ticket: save.ticket, ok: true };
    page.server(server_frame::Body::ProfileSaved(saved));
    assert!(page.events.contains(&Event::ProfilePublished { of: own, ok: false }));
}

#[test]
fn contacts_are_told_to_the_server_in_parts_and_again_when_they_were_not_answered() {
    let mut page = Page::online();
    let count = CONTACTS_PER_FRAME_MAX + 1;
    let addresses = (0..count).map(|index| alloc::format!("u{index:04}")).collect();
    page.client.sync_contacts(addresses, contact::CONTACT);
    page.input(Input::Tick);
    let frames = || -> fn(&client_frame::Body) -> bool {
        |frame| matches!(frame, client_frame::Body::Contacts(_))
    };
    assert_eq!(page.frames.iter().filter(|frame| frames()(frame)).count(), 2);
    assert_eq!(page.contacts_sent().len(), count);
    page.reconnect();
    assert_eq!(page.contacts_sent().len(), count);
    let tickets: Vec<_> = page
        .frames
        .iter()
        .filter_map(|frame| match frame {
            client_frame::Body::Contacts(contacts) => Some(contacts.clone()),
            _ => None,
        })
        .collect();
    for contacts in tickets {
        page.server(server_frame::Body::Contacts(contacts));
    }
    page.reconnect();
    assert_eq!(page.contacts_sent(), []);
}

#[test]
fn users_that_were_looked_up_are_told_each_and_unknown_ones_are_not() {
    let mut page = Page::online();
    let ada = proto::Profile { address: "ada".into(), uid: 5, ..Default::default() };
    let profiles = || {
        let ghost = proto::Profile { address: "ghost".into(), ..Default::default() };
        let users = vec![ada.clone(), ghost];
        server_frame::Body::Profiles(proto::Profiles { users, groups: vec![] })
    };
    page.server(profiles());
    page.forget();
    page.client.sync_contacts(vec!["ada".into(), "ghost".into()], 0);
    page.input(Input::Tick);
    page.forget();
    page.server(profiles());
    let of = Conversation::User("ada".into());
    assert_eq!(page.events, [Event::ProfileUpdated { of }], "told although nothing is new");
}

#[test]
fn the_servers_list_of_contacts_replaces_what_was_known() {
    let mut page = Page::online();
    let contacts = |list: &[(&str, u32)]| {
        let contact = |(address, flags): &(&str, u32)| proto::Contact {
            address: address.to_string(),
            flags: *flags,
        };
        Contacts { ticket: 0, contacts: list.iter().map(contact).collect() }
    };
    let told = contacts(&[("ada", contact::CONTACT), ("bob", contact::BLOCKED)]);
    page.server(server_frame::Body::Contacts(told));
    page.lose_connection();
    page.wait();
    page.forget();
    page.open_socket();
    page.server(server_frame::Body::Welcome(proto::Welcome {
        uid: 1,
        address: "me".into(),
        contacts: contacts(&[("bob", contact::BLOCKED)]).contacts,
        ..Default::default()
    }));
    let flags = |address: &str| {
        let of = Conversation::User(address.into());
        page.client.profile(&of).map(|profile| profile.local.contact)
    };
    assert_eq!((flags("ada"), flags("bob")), (Some(0), Some(contact::BLOCKED)));
}

#[test]
fn a_temporary_name_gives_way_to_a_real_one() {
    let mut page = Page::online();
    page.client.name_temporarily(&friend(), Some("somebody".into()));
    let name = |page: &Page| page.client.profile(&friend()).map(|p| p.shown_name().to_string());
    assert_eq!(name(&page).as_deref(), Some("somebody"));
    let user =
        proto::Profile { address: "friend".into(), uid: 2, name: "F".into(), ..Default::default() };
    let profiles = proto::Profiles { users: vec![user], groups: vec![] };
    page.server(server_frame::Body::Profiles(profiles));
    assert_eq!(name(&page).as_deref(), Some("F"));
}

#[test]
fn profiles_are_in_the_order_of_their_last_message_also_after_a_reload() {
    let mut page = Page::online();
    page.deliver(vec![
        super::message(1, 1, "ada", "me", "x"),
        super::message(2, 2, "bob", "me", "y"),
    ]);
    let recent = |page: &Page| -> Vec<Conversation> { page.client.recent_profiles() };
    let expected = ["bob", "ada"].map(|address| Conversation::User(address.into()));
    assert_eq!(recent(&page), expected);
    let mut page = Page::with_store(page.store);
    page.client.set_database(Some("db".into()));
    page.run();
    assert_eq!(recent(&page), expected);
}

#[test]
fn drafts_and_marks_are_kept_in_the_store() {
    let mut page = Page::online();
    page.edit(Field::Draft, "half a sen");
    page.client.mark_profile(&friend(), mark::MUTED | mark::PUBLISH_UNSENT, true);
    page.save(&friend());
    let stored: Vec<StoredProfile> = page.store.open().profiles;
    let local = &stored.iter().find(|profile| profile.address == "friend").expect("kept").local;
    assert_eq!((local.draft.as_deref(), local.marks), (Some("half a sen"), mark::MUTED));
}

#[test]
fn who_wants_only_recent_ones_to_be_told_says_who_they_are_with_each_change() {
    let mut page = Page::online();
    let own = own_place();
    page.client.mark_profile(&friend(), mark::RECENT, true);
    page.client.edit_profile(&own, Field::Name, Some("Me".into()));
    page.save(&own);
    page.client.mark_profile(&own, mark::RECENT_ONLY | mark::MANNER_EDITED, true);
    page.save(&own);
    let [first, second] = page.saves().try_into().expect("two");
    assert_eq!((first.flags, first.recent.len()), (None, 0));
    assert_eq!((second.flags, second.recent), (Some(user::RECENT_ONLY), vec!["friend".into()]));
}

// ---- helpers -----------------------------------------------------------------------------

impl Page {
    fn edit(&mut self, field: Field, text: &str) {
        self.client.edit_profile(&friend(), field, Some(text.into()));
    }

    fn save(&mut self, of: &Conversation) {
        assert!(self.client.save_profile(of, String::new(), true));
        self.input(Input::Tick);
    }

    fn reconnect(&mut self) {
        self.lose_connection();
        self.wait();
        self.forget();
        self.welcome(0);
    }

    fn saves(&self) -> Vec<ProfileSave> {
        let save = |frame: &client_frame::Body| match frame {
            client_frame::Body::ProfileSave(save) => Some(save.clone()),
            _ => None,
        };
        self.frames.iter().filter_map(save).collect()
    }

    fn contacts_sent(&self) -> Vec<(String, u32)> {
        let sent = self.frames.iter().filter_map(|frame| match frame {
            client_frame::Body::Contacts(contacts) => Some(contacts.contacts.clone()),
            _ => None,
        });
        sent.flatten().map(|contact| (contact.address, contact.flags)).collect()
    }
}
