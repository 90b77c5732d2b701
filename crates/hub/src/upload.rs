//! Who may upload: short-lived upload tokens, and whose a token is.
//!
//! A session gets an upload token with its welcome and a new one before that ends, so that the
//! user token stays out of what is sent with files. It is bound to app and user and signed with
//! a key of the installation; nothing is stored for it. A user that is gone or switched off
//! uploads nothing, whatever it holds.

use alloc::format;
use alloc::string::String;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use wire::id::{AppId, SessionId, Ticket, Uid};
use wire::limits::{TOKEN_BYTES_MAX, UPLOAD_TOKEN_LIFETIME};
use wire::proto::{UploadToken, server_frame};
use wire::time::Timestamp;

use crate::Output;
use crate::hub::{Hub, Pending};
use crate::port::apps::{AppReply, AppRequest, feature, number, rate};
use crate::port::store::{App, Reply, Request, StoreError, User};
use crate::token::hash_token;

/// Signs upload tokens: 256 random bits that an installation keeps.
#[derive(Clone)]
pub struct UploadKey(pub [u8; 32]);

/// Kept out of logs.
impl core::fmt::Debug for UploadKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("UploadKey")
    }
}

/// Whose a token is, and what it may upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploader {
    /// Of which app.
    pub aid: AppId,
    /// Who.
    pub uid: Uid,
    /// Whether files are taken.
    pub leave: Leave,
    /// MiB of one file, 0 = as the installation has it.
    pub max_mb: u32,
    /// Bytes that the files of its app may still take, `None` = without limit. Told to who begins.
    pub bytes_left: Option<u64>,
    /// Its files are not for whoever has the URL.
    pub signed: bool,
    /// Below what its files are downloaded, empty = as the installation has it.
    pub download_url: String,
}

/// What a feature class leaves to an uploader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It may upload.
    Granted,
    /// It may not.
    NotAllowed,
    /// It has uploaded as often as it may for now.
    TooMany,
}

/// What an upload token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    aid: AppId,
    uid: Uid,
    /// Seconds since 1970.
    expires: u64,
}

impl UploadKey {
    /// `up.<aid>.<uid>.<expiry in seconds>.<HMAC-SHA256 in hex>`
    fn sign(&self, claim: Claim) -> String {
        let mut token = claim.text();
        token.push('.');
        for byte in self.mac(&claim).finalize().into_bytes() {
            token.push_str(&format!("{byte:02x}"));
        }
        token
    }

    /// What a token says, when this key has signed it.
    fn read(&self, token: &str) -> Option<Claim> {
        let mut parts = token.strip_prefix("up.")?.split('.');
        let claim = Claim {
            aid: AppId(parts.next()?.parse().ok()?),
            uid: Uid(parts.next()?.parse().ok()?),
            expires: parts.next()?.parse().ok()?,
        };
        let digits = parts.next().filter(|digits| digits.len() == 64 && digits.is_ascii())?;
        let mut mac = [0; 32];
        for (byte, digits) in mac.iter_mut().zip(digits.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        let good = parts.next().is_none() && self.mac(&claim).verify_slice(&mac).is_ok();
        good.then_some(claim)
    }

    fn mac(&self, claim: &Claim) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(claim.text().as_bytes());
        mac
    }
}

impl Claim {
    fn text(&self) -> String {
        format!("up.{}.{}.{}", self.aid.0, self.uid.0, self.expires)
    }
}

impl Hub {
    /// Sessions get upload tokens, signed with this key.
    pub fn with_upload_key(mut self, key: UploadKey) -> Hub {
        self.upload_key = Some(key);
        self
    }

    /// A token for this user, and when it is time for the next; empty without a key.
    pub(crate) fn upload_token(&self, aid: AppId, uid: Uid) -> (String, Timestamp) {
        let now = self.now.wall;
        let expires = now.after(UPLOAD_TOKEN_LIFETIME).0 / 1000;
        let token = self.upload_key.as_ref().map(|key| key.sign(Claim { aid, uid, expires }));
        (token.unwrap_or_default(), now.after(UPLOAD_TOKEN_LIFETIME / 2))
    }

    /// Where a user uploads instead of to this server: what its class says, else its app.
    pub(crate) fn upload_url(&self, user: &User) -> String {
        let app = self.directory.app(user.aid).ok().flatten();
        let of_app = app.map(|app| &app.settings.upload_url);
        let of_class = self.class_of(user).ok().flatten().map(|class| &class.upload_url);
        let mut urls = of_class.into_iter().chain(of_app);
        urls.find(|url| !url.is_empty()).cloned().unwrap_or_default()
    }

    /// A session that lasts longer than its upload token gets the next one.
    pub(crate) fn renew_upload_token(&mut self, id: SessionId) {
        let live = self.sessions.get(&id).and_then(|session| session.live());
        let Some(live) = live.filter(|live| live.renew_upload <= self.now.wall) else { return };
        let (token, renew) = self.upload_token(live.aid, live.uid);
        let ice_servers = self.ice_servers(live.uid);
        if let Some(live) = self.sessions.get_mut(&id).and_then(|session| session.live_mut()) {
            live.renew_upload = renew;
        }
        if !token.is_empty() || !ice_servers.is_empty() {
            let next = UploadToken { token, ice_servers };
            self.send(id, server_frame::Body::UploadToken(next));
        }
    }

    /// Somebody wants to upload with this upload token or user token.
    pub(crate) fn on_uploader(&mut self, ticket: Ticket, credential: &str, begins: bool) {
        let claim = self.upload_key.as_ref().and_then(|key| key.read(credential));
        let request = match claim {
            Some(claim) if claim.expires * 1000 <= self.now.wall.0 => None,
            Some(claim) => Some(Request::LoadUser { uid: claim.uid }),
            None if credential.is_empty() || credential.len() > TOKEN_BYTES_MAX => None,
            None => Some(Request::FindToken { hash: hash_token(credential) }),
        };
        match request {
            Some(request) => self.ask(request, Pending::Uploader { ticket, begins }),
            None => self.output(Output::Uploader { ticket, who: Ok(None) }),
        }
    }

    pub(crate) fn on_uploader_found(
        &mut self,
        ticket: Ticket,
        begins: bool,
        found: Result<Reply, StoreError>,
    ) {
        let now = self.now.wall;
        let user = match found {
            Ok(Reply::Token(Some((token, user)))) => {
                let expired = token.expires.is_some_and(|expires| expires <= now);
                Some(user).filter(|user| user.active && !expired)
            }
            Ok(Reply::User(Some(user))) => Some(user).filter(|user| user.active),
            Ok(_) => None,
            Err(error) => {
                self.log(format!("storage: {error}"));
                return self.output(Output::Uploader { ticket, who: Err(error) });
            }
        };
        let Some(user) = user else {
            return self.output(Output::Uploader { ticket, who: Ok(None) });
        };
        match self.directory.app(user.aid).map(|app| app.cloned()) {
            Ok(app) => self.answer_uploader(ticket, begins, &user, app),
            Err(missing) => {
                self.ask(missing.request(), Pending::UploaderApp { ticket, begins, user });
            }
        }
    }

    pub(crate) fn on_uploader_app(
        &mut self,
        ticket: Ticket,
        begins: bool,
        user: &User,
        found: Result<Reply, StoreError>,
    ) {
        match found {
            Ok(Reply::App(app)) => self.answer_uploader(ticket, begins, user, app),
            Ok(_) => self.output(Output::Uploader { ticket, who: Ok(None) }),
            Err(error) => {
                self.log(format!("storage: {error}"));
                self.output(Output::Uploader { ticket, who: Err(error) });
            }
        }
    }

    fn answer_uploader(&mut self, ticket: Ticket, begins: bool, user: &User, app: Option<App>) {
        let app = app.unwrap_or_default();
        let class = app.settings.classes.iter().find(|class| class.id == user.uac);
        let limits =
            [Some(app.settings.upload_max_mb), class.and_then(|it| it.limit(number::FILE_MB))];
        let max_mb = limits.into_iter().flatten().filter(|limit| *limit > 0).min();
        let leave = match class {
            Some(class) if class.denies(feature::UPLOAD) => Leave::NotAllowed,
            Some(class) if begins && !self.charge(user.uid, class, rate::UPLOAD) => Leave::TooMany,
            _ => Leave::Granted,
        };
        let who = Uploader {
            aid: user.aid,
            uid: user.uid,
            leave,
            max_mb: max_mb.unwrap_or(0),
            bytes_left: None,
            signed: class.is_some_and(|class| class.denies(feature::UNSIGNED)),
            download_url: app.settings.download_url.clone(),
        };
        if begins && self.guards.files_max_mb > 0 {
            let request = Request::OfApp(AppRequest::FilesSize { aid: who.aid });
            return self.ask(request, Pending::FilesSize { ticket, who });
        }
        self.output(Output::Uploader { ticket, who: Ok(Some(who)) });
    }

    /// How much the files of the app take is known, and so how much is left.
    pub(crate) fn on_files_size(
        &mut self,
        ticket: Ticket,
        who: Uploader,
        found: Result<Reply, StoreError>,
    ) {
        let who = match found {
            Ok(Reply::OfApp(AppReply::FilesSize(bytes))) => {
                let max = self.guards.files_max_mb.saturating_mul(1024 * 1024);
                Ok(Some(Uploader { bytes_left: Some(max.saturating_sub(bytes)), ..who }))
            }
            Ok(_) => Ok(None),
            Err(error) => {
                self.log(format!("storage: {error}"));
                Err(error)
            }
        };
        self.output(Output::Uploader { ticket, who });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIM: Claim = Claim { aid: AppId(3), uid: Uid(77), expires: 1_700_000_000 };

    #[test]
    fn a_token_says_what_was_signed() {
        let key = UploadKey([7; 32]);
        assert_eq!(key.read(&key.sign(CLAIM)), Some(CLAIM));
    }

    #[test]
    fn a_token_that_was_changed_or_signed_by_another_says_nothing() {
        let key = UploadKey([7; 32]);
        let token = key.sign(CLAIM);
        assert_eq!(UploadKey([8; 32]).read(&token), None);
        assert_eq!(key.read(&token.replace(".77.", ".78.")), None);
        assert_eq!(key.read(&token.replace("1700000000", "1800000000")), None);
        assert_eq!(key.read(&token[..token.len() - 2]), None);
        for broken in ["", "up.", "up.1.2.3", "up.1.2.3.zz", "up.a.b.c.d"] {
            assert_eq!(key.read(broken), None, "{broken:?}");
        }
    }
}
