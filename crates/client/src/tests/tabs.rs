//! Several tabs of one browser, seen from one of them.

use alloc::vec;

use super::{Page, message};
use crate::Input;
use crate::port::tab;

#[test]
fn what_came_while_a_tab_was_stopped_is_told_also_before_it_has_read_its_store() {
    let mut other = Page::online();
    other.deliver(vec![message(1, 1, "friend", "me", "there before")]);
    let mut page = Page::with_store(other.store.clone());
    page.shares = true;
    page.answers = false;
    page.client.set_database(Some("db".into()));
    page.start();
    page.welcome(1);
    // It is stopped; another tab takes over.
    other.deliver(vec![message(2, 2, "friend", "me", "meanwhile")]);
    page.store = other.store.clone();
    page.input(Input::Tab(tab::Input::Deposed));
    page.answer();
    assert_eq!(page.texts_told(), ["meanwhile"]);
}
