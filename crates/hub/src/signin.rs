//! From `Hello` to `Welcome`: token, user, device, groups.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use wire::code::Code;
use wire::id::{AppId, DeviceKey, GroupId, Seq, SessionId};
use wire::limits::{
    APP_ID_BYTES_MAX, CONTENT_BYTES_MAX, FRAME_BYTES_MAX, LOG_PAGE_ENTRIES, SESSIONS_PER_USER_MAX,
    TOKEN_BYTES_MAX, WINDOW_ENTRIES,
};
use wire::proto::{Contacts, Hello, Limits, Profile, Welcome, server_frame};

use crate::Output;
use crate::contacts::contact_portions;
use crate::directory::Needs;
use crate::hub::{Hub, Pending};
use crate::port::apps::AppRequest;
use crate::port::store::{Reply, Request, StoreError, Token};
use crate::sending::portions;
use crate::session::{Audience, Entering, Live, Stage};
use crate::token::hash_token;
use crate::trace::Person;
use wire::time::Timestamp;

impl Hub {
    pub(crate) fn on_hello(&mut self, id: SessionId, hello: &Hello) {
        if hello.token.is_empty() || hello.token.len() > TOKEN_BYTES_MAX {
            return self.end(id, Code::BadToken, "the token has an impossible length");
        }
        if DeviceKey::from_slice(&hello.device).is_none() {
            return self.end(id, Code::Protocol, "the device key must have 16 bytes");
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.stage = Stage::SigningIn;
        session.waiting = 1;
        let hash = hash_token(&hello.token);
        let mut hello = Hello { token: "".into(), ..hello.clone() };
        // Long enough to recognise it, short enough for a log.
        hello.app.truncate(hello.app.floor_char_boundary(APP_ID_BYTES_MAX + 1));
        self.ask(Request::FindToken { hash }, Pending::Token { session: id, hello });
    }

    pub(crate) fn on_token(
        &mut self,
        id: SessionId,
        hello: &Hello,
        result: Result<Reply, StoreError>,
    ) {
        if !self.sessions.contains_key(&id) {
            return;
        }
        let (token, user) = match result {
            Ok(Reply::Token(Some(found))) => found,
            Ok(_) => return self.end(id, Code::BadToken, "no such token"),
            Err(_) => return self.end(id, Code::Storage, "storage failed"),
        };
        if !token.any_app && !hello.app.is_empty() && hello.app != token.app {
            self.log(format!(
                "sign-in of user {} refused: the page set app id {:?}, the token is for {:?}",
                user.uid, hello.app, token.app
            ));
            return self.end(id, Code::WrongApp, "the token is for another app id");
        }
        if token.expires.is_some_and(|expires| expires <= self.now.wall) {
            return self.end(id, Code::TokenExpired, "the token has expired");
        }
        let Some(key) = DeviceKey::from_slice(&hello.device) else { return };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.stage = Stage::Opening(user.uid, token.id, Seq(0));
        self.arriving.insert((user.uid, id));
        let request =
            Request::OpenDevice { token: token.id, uid: user.uid, key, now: self.now.wall };
        let (resume, shown) = (hello.resume, !hello.hidden);
        self.directory.learn_user(user);
        self.ask(request, Pending::Device { session: id, token, key, resume, shown });
    }

    pub(crate) fn on_device(
        &mut self,
        id: SessionId,
        token: Token,
        (key, resume, shown): (DeviceKey, Option<u64>, bool),
        result: Result<Reply, StoreError>,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Ok(Reply::Device { device, cursor, head, trimmed }) = result else {
            return self.end(id, Code::Storage, "storage failed");
        };
        let Stage::Opening(_, _, told) = session.stage else { return };
        let uid = token.uid;
        // A store restored from a backup may be behind what the device has: its own word counts
        // for what it has, the log for what there is.
        let resumed_at = resume.map_or(cursor, |seq| Seq(seq).max(trimmed)).min(head);
        let gap = resume.is_some_and(|seq| Seq(seq) < trimmed);
        let live = Live {
            uid,
            // Known when it is welcomed.
            aid: AppId(0),
            address: String::new(),
            token: token.id,
            device,
            key,
            expires: token.expires,
            head: head.max(told),
            sent: resumed_at.min(cursor.max(trimmed)),
            has: resumed_at,
            acked: cursor,
            window: VecDeque::new(),
            gathered: Vec::new(),
            gathered_bytes: 0,
            outgoing: VecDeque::new(),
            storing: false,
            reading: false,
            page: LOG_PAGE_ENTRIES,
            acknowledging: false,
            acknowledge_next: None,
            rooms: Vec::new(),
            calls: Default::default(),
            // With the first one, when it is welcomed.
            renew_upload: Timestamp(0),
            recent: Vec::new(),
            shown,
            audience: Audience::All,
            searches: (0, self.now.instant),
        };
        let (groups, contacts, app) = (Vec::new(), Vec::new(), token.app);
        let entering = Entering { live, groups, contacts, resumed_at, gap, app };
        session.stage = Stage::Entering(Box::new(entering));
        // Memberships and contacts.
        session.waiting = 2;
        self.ask(Request::LoadMemberships { uid }, Pending::Memberships { session: id });
        self.ask(Request::LoadContacts { uid }, Pending::ContactList { session: id });
        if let Err(missing) = self.directory.blockers(uid).map(drop) {
            self.load_ahead(missing, id);
        }
    }

    pub(crate) fn on_memberships(&mut self, id: SessionId, result: Result<Reply, StoreError>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Stage::Entering(entering) = &mut session.stage else { return };
        let Ok(Reply::Groups(groups)) = result else {
            return self.end(id, Code::Storage, "storage failed");
        };
        entering.groups = groups;
        self.go_on(id);
    }

    pub(crate) fn on_contact_list(&mut self, id: SessionId, result: Result<Reply, StoreError>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Stage::Entering(entering) = &mut session.stage else { return };
        let Ok(Reply::Contacts(contacts)) = result else {
            return self.end(id, Code::Storage, "storage failed");
        };
        entering.contacts = contacts;
        self.go_on(id);
    }

    /// Welcomes the session as soon as the user and all its groups are in memory.
    pub(crate) fn try_welcome(&mut self, id: SessionId) -> Result<(), Needs> {
        let Some(session) = self.sessions.get(&id) else { return Ok(()) };
        let Stage::Entering(entering) = &session.stage else { return Ok(()) };
        let uid = entering.live.uid;
        let Some(user) = self.directory.user(uid)?.cloned() else {
            // Deleted while it signed in.
            self.end(id, Code::BadToken, "no such user");
            return Ok(());
        };
        if !user.active {
            self.end(id, Code::Suspended, "the account is switched off");
            return Ok(());
        }
        if !self.directory.app(user.aid)?.is_some_and(|app| app.active) {
            self.end(id, Code::Suspended, "the app is switched off");
            return Ok(());
        }
        self.directory.blockers(uid)?;
        let of = |gid: &GroupId| self.directory.group(user.aid, *gid);
        Needs::check(entering.groups.iter().map(of))?;
        let mut groups = Vec::with_capacity(entering.groups.len());
        for gid in &entering.groups {
            if let Some(roster) = of(gid)?
                && roster.member(uid, self.now.wall).is_some()
            {
                groups.push(self.group_for(roster, uid)?);
            }
        }
        // What does not fit follows in frames of its own.
        let mut groups = portions(groups).into_iter();
        let (upload_token, renew_upload) = self.upload_token(user.aid, uid);
        let mut contacts = contact_portions(&entering.contacts).into_iter();
        let welcome = Welcome {
            uid: uid.0,
            address: user.address.clone(),
            now: self.now.wall.0,
            resumed_at: entering.resumed_at.0,
            gap: entering.gap,
            limits: Some(Limits {
                frame_bytes: FRAME_BYTES_MAX as u32,
                content_bytes: CONTENT_BYTES_MAX as u32,
                window_entries: WINDOW_ENTRIES as u32,
            }),
            self_profile: Some(Profile { online: true, ..self.profile_of(&user) }),
            groups: groups.next().unwrap_or_default(),
            head: entering.live.head.0,
            upload_token,
            upload_url: self.upload_url(&user),
            ice_servers: self.ice_servers(uid),
            contacts: contacts.next().unwrap_or_default(),
        };
        if !self.may_sign_in(id, uid) {
            return Ok(());
        }
        self.sign_out_rivals(id);
        let Some(session) = self.sessions.get_mut(&id) else { return Ok(()) };
        let Stage::Entering(entering) = core::mem::replace(&mut session.stage, Stage::Silent)
        else {
            unreachable!("the stage was looked at above");
        };
        let address = user.address.clone();
        let Entering { live, app, .. } = *entering;
        let live = Live { aid: user.aid, address, renew_upload, ..live };
        session.stage = Stage::Live(Box::new(live));
        self.arriving.remove(&(uid, id));
        let (remote, at) = (session.remote, self.now.wall);
        self.ask(Request::OfApp(AppRequest::SignedIn { uid, remote, at }), Pending::Nothing);
        let person = Person { aid: user.aid, uid, address: user.address.clone() };
        self.output(Output::SignIn { remote, result: Ok(person) });
        self.send(id, server_frame::Body::Welcome(welcome));
        self.send_groups(id, groups.flatten().collect());
        for contacts in contacts {
            self.send(id, server_frame::Body::Contacts(Contacts { ticket: 0, contacts }));
        }
        self.use_session(user.aid);
        let seen_before = self.is_shown(uid);
        if self.online.add(uid, id) {
            self.hook_presence(uid, true);
        }
        self.hook_login(id, app);
        if !seen_before && self.is_shown(uid) {
            self.on_user_online(uid);
        }
        self.ring_late(uid, id);
        self.continue_log(id);
        Ok(())
    }

    /// One token is one browser, unless the operator allows more: the one that came first is signed
    /// out. Tabs of one browser live side by side, up to a limit.
    fn sign_out_rivals(&mut self, id: SessionId) {
        let Some(Stage::Entering(entering)) = self.sessions.get(&id).map(|found| &found.stage)
        else {
            return;
        };
        let (uid, token, key) = (entering.live.uid, entering.live.token, entering.live.key);
        let others = self.online.sessions(uid).to_vec();
        let device = |id: &SessionId| {
            let live = self.sessions.get(id).and_then(|session| session.live())?;
            (live.token == token && live.key != key).then_some(live.key)
        };
        // The other browsers of this token, oldest first.
        let mut rivals: Vec<DeviceKey> = Vec::new();
        for rival in others.iter().filter_map(device) {
            if !rivals.contains(&rival) {
                rivals.push(rival);
            }
        }
        rivals.truncate((rivals.len() + 1).saturating_sub(self.token_sessions));
        let mut staying = Vec::with_capacity(others.len());
        for other in others {
            let Some(live) = self.sessions.get(&other).and_then(|session| session.live()) else {
                continue;
            };
            if live.token == token && rivals.contains(&live.key) {
                self.end(other, Code::SignedOut, "signed in from another browser");
            } else {
                staying.push(other);
            }
        }
        let surplus = (staying.len() + 1).saturating_sub(SESSIONS_PER_USER_MAX);
        for other in staying.into_iter().take(surplus) {
            self.end(other, Code::SignedOut, "too many sessions of this user");
        }
    }
}
