//! The loop: input in, drain outputs, perform each, arm the one timer.
//!
//! A page's call changes the client and returns; outputs are performed a microtask later, so
//! nothing calls back inside the call that caused it. No borrow is held while the page is called.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::ops::Deref;
use std::pin::Pin;

use client::message::Conversation;
use client::{Client, Input, Output, Profile};
use gloo_timers::callback::Timeout;
use wire::limits::{TIMER_MAX, TOLD_PER_TURN_MAX};
use wire::time::{Instant, Now};

use crate::api::page::Page;
use crate::browser::call::CallMedia;
use crate::browser::peer::Peers;
use crate::browser::playback::Playback;
use crate::browser::{
    clock, device,
    socket::Sockets,
    store::Store,
    surroundings::{Surroundings, is_page_visible},
    tabs::Tabs,
    text,
    transfer::Transfers,
    turn::Turns,
};

/// Does something that takes more than this turn.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    #[inline(never)]
    fn spawn(task: Pin<Box<dyn Future<Output = ()>>>) {
        wasm_bindgen_futures::spawn_local(task);
    }
    spawn(Box::pin(task));
}

/// The client while the page calls it.
struct Visit<'a> {
    client: RefMut<'a, Client>,
    now: Now,
    driver: &'a Driver,
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.driver.schedule();
    }
}

pub(crate) struct Driver {
    client: RefCell<Client>,
    pub page: Page,
    pub peers: Peers,
    pub call: CallMedia,
    pub playback: Playback,
    pub transfers: Transfers,
    sockets: Sockets,
    tabs: Tabs,
    turns: Turns,
    pub store: Store,
    surroundings: RefCell<Option<Surroundings>>,
    timer: RefCell<Option<Timeout>>,
    scheduled: Cell<bool>,
    draining: Cell<bool>,
    begun: Cell<bool>,
    itself: Engine,
    nobody: RefCell<Profile>,
}

/// A driver, for whatever belongs to it: it lives as long as the page, so that nobody has to ask
/// whether it is still there.
#[derive(Clone, Copy)]
pub(crate) struct Engine(&'static Cell<Option<&'static Driver>>);

impl Engine {
    pub fn new() -> Engine {
        let itself = Engine(Box::leak(Box::default()));
        let driver = Driver {
            client: RefCell::new(Client::new(clock::seed(), text::search)),
            page: Page::new(itself),
            peers: Peers::new(itself),
            call: CallMedia::new(itself),
            playback: Playback::new(itself),
            transfers: Transfers::new(itself),
            sockets: Sockets::new(itself),
            tabs: Tabs::new(itself),
            turns: Turns::new(itself),
            store: Store::new(itself),
            surroundings: RefCell::new(None),
            timer: RefCell::new(None),
            scheduled: Cell::new(false),
            draining: Cell::new(false),
            begun: Cell::new(false),
            itself,
            nobody: RefCell::default(),
        };
        itself.0.set(Some(Box::leak(Box::new(driver))));
        *itself.surroundings.borrow_mut() = Some(Surroundings::watch(itself));
        itself
    }
}

impl Deref for Engine {
    type Target = Driver;

    #[inline(never)]
    fn deref(&self) -> &Driver {
        self.0.get().expect("its parts do not use it while it is made")
    }
}

impl Driver {
    /// A call of the page: what it answers now, and whatever it causes a microtask later.
    pub fn call<R>(&self, verb: impl FnOnce(&mut Client, Now) -> R) -> R {
        let mut visit = self.visit();
        let now = visit.now;
        verb(&mut visit.client, now)
    }

    /// A question of the page: changes nothing.
    pub fn look<R>(&self, question: impl FnOnce(&Client) -> R) -> R {
        question(&self.client())
    }

    /// A question whose answer depends on the time.
    pub fn look_now<R>(&self, question: impl FnOnce(&Client, Now) -> R) -> R {
        question(&self.client(), clock::now())
    }

    /// What is known of a user or group; somebody never heard of when nothing is.
    pub fn profile(&self, of: &Conversation) -> Ref<'_, Profile> {
        let known = Ref::filter_map(self.client(), |client| client.profile(of));
        known.unwrap_or_else(|_| self.nobody.borrow())
    }

    // Whatever takes a closure is compiled once for each: the rest of it stands here, once.

    #[inline(never)]
    fn visit(&self) -> Visit<'_> {
        Visit { client: self.client.borrow_mut(), now: clock::now(), driver: self }
    }

    #[inline(never)]
    fn client(&self) -> Ref<'_, Client> {
        self.client.borrow()
    }

    /// The browser tells something, in a turn of its own.
    pub fn input(&self, input: Input) {
        self.client.borrow_mut().handle_input(clock::now(), input);
        self.drain();
    }

    /// The page starts: from now on the browser is asked who this is. Once is enough.
    pub fn begin(&self) {
        if self.begun.replace(true) {
            return;
        }
        self.client.borrow_mut().handle_input(clock::now(), Input::Visible(is_page_visible()));
        let driver = self.itself;
        spawn(async move {
            let key = device::key().await;
            driver.input(Input::Device(key));
        });
    }

    fn schedule(&self) {
        if self.scheduled.replace(true) {
            return;
        }
        let driver = self.itself;
        spawn(async move {
            driver.scheduled.set(false);
            // What the calls have caused goes out together.
            driver.input(Input::Tick);
        });
    }

    /// The turn that was asked for has come.
    pub fn go_on(&self) {
        self.draining.set(false);
        self.drain();
    }

    /// Performs all outputs. A listener that calls the page's API adds to them; the loop that
    /// called it goes on with what was added. What is much to tell takes several turns, and whatever
    /// comes in between is performed behind it.
    fn drain(&self) {
        if self.draining.replace(true) {
            return;
        }
        let mut told = 0;
        loop {
            if told == TOLD_PER_TURN_MAX {
                return self.turns.ask();
            }
            let output = self.client.borrow_mut().poll_output();
            match output {
                Output::Connect { socket } => self.sockets.open(socket, &self.page.server()),
                Output::Transmit { socket, bytes } => self.sockets.send(socket, &bytes),
                Output::Disconnect { socket } => self.sockets.close(socket),
                Output::OpenStore { name, account } => {
                    self.transfers.open(name.as_deref(), &account);
                    self.store.open(name, &account);
                }
                Output::Store { ticket, request } => self.store.ask(ticket, request),
                Output::Peer(command) => self.peers.perform(command),
                Output::Call(call, command) => self.call.perform(call, command),
                Output::Transfer(command) => self.transfers.perform(command),
                Output::Tab(command) => self.tabs.perform(command),
                Output::Event(event) => {
                    told += 1;
                    self.page.tell(*event);
                }
                Output::Wait(deadline) => {
                    self.arm(deadline);
                    break;
                }
            }
        }
        self.draining.set(false);
    }

    fn arm(&self, deadline: Instant) {
        let timer = (deadline != Instant::FAR_FUTURE).then(|| {
            let rest = deadline.since(clock::now().instant).min(TIMER_MAX);
            let itself = self.itself;
            // One millisecond more: a timer that fires early would only be armed again.
            Timeout::new((rest.as_millis() as u32).saturating_add(1), move || {
                let driver = itself;
                driver.input(Input::Tick);
            })
        });
        *self.timer.borrow_mut() = timer;
    }
}
