//! The way to the server: sockets, the sign-in, what comes and what goes, and what is done when it breaks.

use alloc::string::String;
use wire::call as step;
use wire::code::Code;
use wire::frame::{decode_server, encode_client};
use wire::id::{DeviceKey, GroupId, Uid};
use wire::proto::{self, Hello, Pong, client_frame, server_frame};
use wire::time::{Duration, Now};

use crate::client::Client;
use crate::event::{ConnectionStatus as Status, Event};
use crate::history;
use crate::message::Conversation;
use crate::port::store::{Account, Write};
use crate::session::{Link, status_of};
use crate::storing::StoreState;
use crate::{Output, SocketId};

impl Client {
    /// Opens a socket when everything it needs is there.
    pub(crate) fn go_on_connecting(&mut self, now: Now) {
        if self.session.link != Link::Preparing {
            return;
        }
        if !self.session.has_network() {
            self.session.link = Link::NoNetwork;
            return self.set_status(Status::NoNetwork, "the browser has no network".into());
        }
        self.set_status(Status::Connecting, String::new());
        if self.store == StoreState::Open && self.session.device.is_some() && self.is_in_group() {
            let socket = self.session.open(now);
            match self.tabs.follows() {
                true => self.say_hello(now),
                false => self.outputs.push_back(Output::Connect { socket }),
            }
        }
    }

    /// What tells the tabs of one account and one database from others.
    pub(crate) fn group_of_tabs(&self) -> String {
        let database = self.database.name.as_deref().unwrap_or_default();
        alloc::format!("{}/{database}", self.session.account())
    }

    pub(crate) fn on_device(&mut self, now: Now, key: DeviceKey) {
        self.session.device = Some(key);
        self.go_on_connecting(now);
    }

    pub(crate) fn on_socket_opened(&mut self, socket: SocketId) {
        if !self.session.is_current(socket) {
            return;
        }
        let (Some(token), Some(device)) = (&self.session.token, self.session.device) else {
            return;
        };
        let hello = Hello {
            token: token.clone(),
            app: self.session.app.clone(),
            device: device.0.to_vec(),
            resume: self.resumed.map(|seq| seq.0),
            version: env!("CARGO_PKG_VERSION").into(),
            hidden: !self.showing.begin(self.visible),
        };
        let bytes = encode_client(client_frame::Body::Hello(hello));
        self.outputs.push_back(Output::Transmit { socket, bytes });
    }

    pub(crate) fn on_bytes(&mut self, now: Now, socket: SocketId, bytes: &[u8]) {
        use server_frame::Body;
        let body = decode_server(bytes);
        if let Ok(body) = &body {
            self.relay(body, bytes);
        }
        match body {
            Ok(Body::Welcome(welcome)) => self.on_welcome(now, socket, &welcome),
            Ok(Body::Refused(refused)) => {
                self.on_ended(
                    now,
                    Code::from_number(refused.code),
                    &refused.reason,
                    Duration::ZERO,
                );
            }
            Ok(Body::Goodbye(goodbye)) => {
                let code = Code::from_number(goodbye.code);
                let wait = Duration::from_millis(goodbye.retry_after_ms.into());
                self.on_ended(now, code.or(Some(Code::Overloaded)), &goodbye.reason, wait);
            }
            // Everything else makes sense only in a session.
            Ok(_) if !self.session.is_online() => {}
            Ok(Body::Ping(_)) if self.tabs.follows() => {}
            Ok(Body::Ping(ping)) => {
                self.transmit(client_frame::Body::Pong(Pong { sent: ping.sent }));
            }
            Ok(Body::Deliver(deliver)) => self.on_deliver(deliver.entries),
            Ok(Body::Accepted(accepted)) => {
                if !self.on_errand_answered(accepted.id, None)
                    && !self.on_read_accepted(accepted.id)
                {
                    self.on_accepted(now, &accepted);
                }
            }
            Ok(Body::Rejected(rejected)) => {
                if !self.on_errand_answered(rejected.id, Some(&rejected.reason)) {
                    self.on_rejected(now, &rejected);
                }
            }
            Ok(Body::Presence(presence)) => self.on_presence(now, &presence),
            Ok(Body::Profiles(profiles)) => self.on_profiles(&profiles),
            Ok(Body::GroupReply(reply)) => self.on_group_reply(&reply),
            Ok(Body::ProfileSaved(saved)) => self.on_profile_saved(&saved),
            Ok(Body::Contacts(contacts)) => self.on_contacts(&contacts),
            Ok(Body::Found(found)) => self.on_searched(&found),
            Ok(Body::RoomState(state)) => self.on_room_state(&state),
            Ok(Body::RoomUpdate(update)) => self.on_room_update(now, &update),
            Ok(Body::RoomRefused(refused)) => self.on_room_refused(&refused),
            Ok(Body::Call(call)) => self.on_call(now, call),
            Ok(Body::Answer(answer)) => self.on_answer(now, &answer),
            Ok(Body::RoomControl(control)) => self.on_room_control(control),
            Ok(Body::Subscriber(subscriber)) => self.on_subscriber(&subscriber),
            Ok(Body::UploadToken(next)) => {
                self.session.upload_token = next.token;
                self.session.ice_servers = next.ice_servers;
            }
            Ok(Body::History(part)) => self.on_history_part(part),
            Ok(Body::Unsupported(unsupported)) if unsupported.field == history::FRAME => {
                self.on_history_unsupported();
            }
            Ok(Body::Unsupported(unsupported)) => {
                let text = alloc::format!(
                    "the server does not know frame {}: it is older than this SDK",
                    unsupported.field
                );
                self.tell(Event::Error { text });
            }
            Err(error) => {
                let text = alloc::format!("a frame of the server cannot be read: {error}");
                self.tell(Event::Error { text });
            }
        }
    }

    fn on_welcome(&mut self, now: Now, socket: SocketId, welcome: &proto::Welcome) {
        self.session.enter(now, socket);
        self.session.set_clock(now, welcome.now);
        let account = Account { uid: Uid(welcome.uid), address: welcome.address.clone() };
        if self.session.uid != account.uid || self.session.address != account.address {
            self.session.uid = account.uid;
            self.session.address.clone_from(&account.address);
            self.commits.write(Write::Account(account));
        }
        self.inbox.resume(self.resumed, wire::id::Seq(welcome.resumed_at));
        self.resumed = Some(self.inbox.stored);
        self.commits.write(Write::Cursor(self.inbox.stored));
        self.session.upload_token.clone_from(&welcome.upload_token);
        self.session.upload_url.clone_from(&welcome.upload_url);
        self.session.ice_servers.clone_from(&welcome.ice_servers);
        self.set_status(Status::Online, String::new());
        if let Some(own) = &welcome.self_profile
            && self.profiles.put_own(own)
        {
            self.tell(Event::SelfUpdated);
        }
        self.on_memberships(&welcome.groups);
        self.on_contact_list(&welcome.contacts);
        self.adopt_uploads();
        self.tell_online(now);
        self.on_signed_in(now);
    }

    /// Signed in, by a connection of its own or of another tab.
    pub(crate) fn on_signed_in(&mut self, now: Now) {
        self.profiles.ask_again();
        self.enter_rooms_again();
        self.return_to_call();
        self.hurry_transfers(now);
    }

    /// The server's word on memberships is the whole truth.
    fn on_memberships(&mut self, groups: &[proto::Group]) {
        for gid in self.profiles.groups() {
            if !groups.iter().any(|group| group.gid == gid.0) {
                self.profiles.leave_group(gid);
                self.store_profile(&Conversation::Group(gid));
                self.tell(Event::GroupLeft { group: gid, deleted: false });
            }
        }
        for group in groups {
            let gid = GroupId(group.gid);
            let joined = !self.profiles.is_member(gid);
            let changed = self.profiles.put_group(group);
            let of = Conversation::Group(gid);
            if joined {
                self.tell(Event::GroupJoined { group: gid, ticket: 0 });
            } else if changed {
                self.tell(Event::ProfileUpdated { of: of.clone() });
            }
            if changed {
                self.store_profile(&of);
            }
        }
    }

    /// The server refused or ended the session.
    fn on_ended(&mut self, now: Now, code: Option<Code>, reason: &str, wait: Duration) {
        let (status, text) = status_of(code, reason);
        self.tell_offline(code);
        self.drop_socket();
        if code.is_some_and(|code| !code.may_retry()) {
            self.leave_group();
            self.session.link = Link::Idle;
            self.finish_call(step::NETWORK_ERROR, false);
            return self.set_status(status, text);
        }
        self.session.back_off(now, &mut self.chance, wait);
        self.set_status(status, text);
    }

    pub(crate) fn on_connection_lost(&mut self, now: Now, code: Option<Code>) {
        let was_online = self.session.is_online();
        if code.is_some() {
            return self.on_ended(now, code, "", code.map_or(Duration::ZERO, Code::retry_after));
        }
        self.tell_offline(None);
        self.drop_socket();
        self.session.back_off(now, &mut self.chance, Duration::ZERO);
        let (status, reason) = match (was_online, self.session.link) {
            (_, Link::NoNetwork) => (Status::NoNetwork, "the browser has no network"),
            (true, _) => (Status::Offline, "the connection was lost"),
            (false, _) => (Status::ConnectFailure, "the server cannot be reached"),
        };
        self.set_status(status, reason.into());
    }

    /// Lets go of the socket; what was under way goes again with the next.
    pub(crate) fn drop_socket(&mut self) {
        if let Link::Opening { socket, .. } | Link::Online { socket } = self.session.link
            && !self.tabs.follows()
        {
            self.outputs.push_back(Output::Disconnect { socket });
        }
        self.outbox.rewind();
        self.inbox.rewind();
        self.read_notices.rewind();
        self.errands.rewind();
        self.history.rewind();
        self.presences.forget();
        self.suspend_rooms();
        if self.resumed.is_some() {
            self.resumed = Some(self.inbox.stored);
        }
        self.rewind_groups();
        self.rewind_edits();
    }

    pub(crate) fn on_network(&mut self, now: Now, online: bool) {
        self.session.set_network(online);
        if online {
            self.look_for_paths(now);
            self.look_for_call_path(now);
            return self.hurry(now);
        }
        if self.session.is_started() {
            self.tell_offline(None);
            self.drop_socket();
            self.session.link = Link::NoNetwork;
            self.set_status(Status::NoNetwork, "the browser has no network".into());
        }
    }

    /// An attempt now, when one is due later.
    pub(crate) fn hurry(&mut self, now: Now) {
        self.session.forget_failures();
        if matches!(self.session.link, Link::Waiting { .. } | Link::NoNetwork) {
            self.session.link = Link::Preparing;
            self.go_on_connecting(now);
        }
    }

    pub(crate) fn on_deadline(&mut self, now: Now) {
        self.end_messages(now);
        if now.instant < self.session.deadline() {
            return;
        }
        match self.session.link {
            Link::Waiting { .. } => {
                self.session.link = Link::Preparing;
                self.go_on_connecting(now);
            }
            Link::Opening { .. } | Link::Online { .. } => self.on_connection_lost(now, None),
            Link::Idle | Link::Preparing | Link::NoNetwork => {}
        }
    }
}
