//! A world told by names: what the scenario tests are written in.
//!
//! A name is a page; a page called `a` belongs to user `a`, further devices of that user are
//! added with [`Scenario::with_device`]. Each verb gives the scenario back, so that a test reads
//! as what happens.

use std::collections::BTreeMap;

use client::event::{ConnectionStatus, Event};
use client::message::Conversation;
use hub::port::admin::{Operation, TokenWish, UserRef};
use wire::id::GroupId;

use crate::page::Page;
use crate::world::{Place, World};

/// See the module.
pub struct Scenario {
    /// The world it happens in, for what has no name here.
    pub world: World,
    places: BTreeMap<String, Place>,
}

impl Scenario {
    /// Nobody is there yet. Nothing happens by chance but the time things take.
    pub fn new(seed: u64) -> Scenario {
        Scenario { world: World::new(seed), places: BTreeMap::new() }
    }

    /// Tabs of one browser share a connection.
    pub fn with_sharing(mut self) -> Scenario {
        self.world.shares = true;
        self
    }

    /// Users with one page each, online.
    pub fn with_clients<const N: usize>(mut self, names: [&str; N]) -> Scenario {
        for name in names {
            let place = self.world.page(name);
            self.places.insert(name.into(), place);
        }
        self
    }

    /// Another device of a user, online.
    pub fn with_device(mut self, user: &str, name: &str) -> Scenario {
        let place = self.world.page(user);
        self.places.insert(name.into(), place);
        self
    }

    /// A user with a token of this app id, valid so many minutes (0: for ever), whose page sets
    /// another app id and is not opened yet.
    pub fn with_token(mut self, name: &str, app: &str, page_app: &str, minutes: u32) -> Scenario {
        let token = TokenWish { app: app.into(), any_app: false, expiry_minutes: minutes };
        let place = self.world.closed_page(name, token);
        self.world.pages[place].app = page_app.into();
        self.places.insert(name.into(), place);
        self
    }

    /// A second browser with the token of the first, not opened yet.
    pub fn with_second_browser(mut self, first: &str, name: &str) -> Scenario {
        let place = self.world.second_browser(self.place(first));
        self.places.insert(name.into(), place);
        self
    }

    /// Another tab of the browser a page is in, online.
    pub fn with_tab(mut self, first: &str, name: &str) -> Scenario {
        let place = self.world.tab_of(self.place(first));
        self.places.insert(name.into(), place);
        self.open_tab(name).drive()
    }

    /// The page of this name.
    pub fn place(&self, name: &str) -> Place {
        self.places[name]
    }

    /// The page of this name.
    pub fn page(&self, name: &str) -> &Page {
        &self.world.pages[self.places[name]]
    }

    // ---- what happens ------------------------------------------------------------------------

    /// The page sends texts to a user.
    pub fn send<const N: usize>(self, from: &str, to: &str, texts: [&str; N]) -> Scenario {
        let to = Conversation::User(to.into());
        self.send_all(from, to, texts.map(str::to_string).to_vec())
    }

    /// The page sends texts to a group.
    pub fn send_group<const N: usize>(self, from: &str, to: GroupId, texts: [&str; N]) -> Scenario {
        self.send_all(from, Conversation::Group(to), texts.map(str::to_string).to_vec())
    }

    /// The page sends the numbers `from..to` to a user.
    pub fn send_numbers(self, page: &str, to: &str, numbers: std::ops::Range<u32>) -> Scenario {
        let texts = numbers.map(|number| number.to_string()).collect();
        self.send_all(page, Conversation::User(to.into()), texts)
    }

    fn send_all(mut self, from: &str, to: Conversation, texts: Vec<String>) -> Scenario {
        let place = self.place(from);
        for text in texts {
            self.world.send(place, to.clone(), &text).expect("the message is taken");
        }
        self
    }

    /// The page reads its conversation with a user, with receipts.
    pub fn read(mut self, page: &str, with: &str) -> Scenario {
        self.world.read(self.places[page], Conversation::User(with.into()));
        self
    }

    /// The network of this page is gone until it is restored.
    pub fn cut(mut self, page: &str) -> Scenario {
        let place = self.place(page);
        self.world.pages[place].reachable = false;
        self.world.cut(place);
        self
    }

    /// Its network is back.
    pub fn restore(mut self, page: &str) -> Scenario {
        let place = self.place(page);
        self.world.pages[place].reachable = true;
        self
    }

    /// Its connection dies, and nobody is told.
    pub fn silence(mut self, page: &str) -> Scenario {
        self.world.silence(self.places[page]);
        self
    }

    /// The tab is killed.
    pub fn kill_tab(mut self, page: &str) -> Scenario {
        self.world.kill_tab(self.places[page]);
        self
    }

    /// The browser stops the tab.
    pub fn freeze_tab(mut self, page: &str) -> Scenario {
        self.world.freeze_tab(self.places[page], false);
        self
    }

    /// The browser stops the tab, and drops what other tabs tell it meanwhile.
    pub fn freeze_deaf_tab(mut self, page: &str) -> Scenario {
        self.world.freeze_tab(self.places[page], true);
        self
    }

    /// The tab goes on.
    pub fn thaw_tab(mut self, page: &str) -> Scenario {
        self.world.thaw_tab(self.places[page]);
        self
    }

    /// The tab is opened on the same disk.
    pub fn open_tab(mut self, page: &str) -> Scenario {
        self.world.open_tab(self.places[page]);
        self
    }

    /// The browser deletes the page's storage.
    pub fn lose_store(mut self, page: &str) -> Scenario {
        self.world.lose_store(self.places[page]);
        self
    }

    /// kill -9.
    pub fn kill_server(mut self) -> Scenario {
        self.world.kill_server();
        self
    }

    /// SIGTERM.
    pub fn stop_server(mut self) -> Scenario {
        self.world.stop_server();
        self
    }

    /// The server is started again.
    pub fn start_server(mut self) -> Scenario {
        self.world.start_server();
        self
    }

    /// The backend deletes all tokens of a user.
    pub fn delete_tokens(mut self, user: &str) -> Scenario {
        let user = UserRef { uid: None, address: Some(user.into()) };
        self.world.admin(Operation::UserTokenDelete { user, app: None });
        self
    }

    /// Anything the page does.
    pub fn act<R>(
        mut self,
        page: &str,
        act: impl FnOnce(&mut client::Client, wire::time::Now) -> R,
    ) -> Scenario {
        self.world.with(self.places[page], act).expect("its tab is open");
        self
    }

    /// Anything that happens to the world.
    pub fn then(mut self, happens: impl FnOnce(&mut World)) -> Scenario {
        happens(&mut self.world);
        self
    }

    /// This much time passes, ms.
    pub fn pass(mut self, ms: u64) -> Scenario {
        self.world.pass(ms);
        self
    }

    /// Time passes until nothing is on its way any more.
    pub fn drive(mut self) -> Scenario {
        self.world.drive();
        self
    }

    // ---- what can be seen --------------------------------------------------------------------

    /// Texts the page was told it received.
    pub fn received(&self, page: &str) -> Vec<String> {
        self.page(page).texts(true)
    }

    /// Texts the page was told were sent, here or from another device.
    pub fn sent(&self, page: &str) -> Vec<String> {
        self.page(page).texts(false)
    }

    /// Texts in the page's store, received or own ones, oldest first.
    pub fn stored(&self, page: &str, incoming: bool) -> Vec<String> {
        let messages = self.page(page).stored();
        let wanted = messages.iter().filter(|message| message.key.incoming == incoming);
        wanted.map(crate::page::text).collect()
    }

    /// Statuses of the own messages in the page's store, oldest first.
    pub fn statuses(&self, page: &str) -> Vec<u32> {
        let messages = self.page(page).stored();
        let own = messages.iter().filter(|message| !message.key.incoming);
        own.map(|message| message.status).collect()
    }

    /// What the page was told of its connection.
    pub fn connection(&self, page: &str) -> Vec<ConnectionStatus> {
        self.page(page).statuses()
    }

    /// Anything else it was told.
    pub fn told(&self, page: &str) -> Vec<&Event> {
        self.world.told(self.places[page])
    }
}
