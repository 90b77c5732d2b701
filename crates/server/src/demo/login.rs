//! Signing in with a phone number or an e-mail address and a code, as three generations of demo
//! pages do (`backend-api.md` 7.1).

use hub::port::admin::{AppFields, Credential, ErrorCode, Operation, Reply, TokenWish, UserFields};
use hub::port::store::App;
use serde_json::json;
use sha2::{Digest, Sha256};
use wire::limits::TOKEN_BYTES_MIN;

use super::{Asked, INVITATION, Outcome, fields};
use crate::admin::ask;

/// What pages take for a number.
const PHONE_DIGITS_MIN: usize = 9;
/// Shown by pages when it is longer than 8 characters.
const CODE_LETTERS_MIN: usize = 4;
/// All demo pages use one app id, on several devices of one person.
const TOKENS_KEPT: u32 = 5;
/// A year, in minutes.
const TOKEN_EXPIRY_MINUTES: u32 = 525_600;
/// Of a code that is drawn: attempts and seconds.
const CODE_TRIES: u32 = 5;
const CODE_EXPIRY_S: u32 = 300;

/// Who wants to sign in.
struct Identity {
    /// Name of the field it was given in.
    field: &'static str,
    given: String,
    address: String,
}

impl Asked<'_> {
    pub(super) async fn login(&self) -> Outcome {
        let who = self.identity()?;
        let by_mail = who.field == "email";
        let mut app_id = self.text("appid");
        if app_id.is_empty() && by_mail {
            app_id = "javascript".into();
        }
        if app_id.is_empty() {
            return Err("MISSINGAPPID");
        }
        let name = self.text("name");
        if by_mail && name.is_empty() {
            return Err("MISSINGNAME");
        }
        let app = self.app().await.ok_or("BADAPP")?;
        let code = [self.text("otp"), self.text("code")];
        let code = code.into_iter().find(|code| code.len() >= CODE_LETTERS_MIN);
        let Some(code) = code else { return self.offer_code(&app, &who).await };

        if self.demo.failures.too_many(self.origin.address) {
            return Err("BADCODE");
        }
        let fixed = self.demo.settings.code.as_ref();
        if fixed.is_some_and(|fixed| *fixed != code) {
            self.demo.failures.count(self.origin.address);
            return Err("BADCODE");
        }
        self.keep_tokens(&app).await;
        let operation = Operation::UserAdd {
            address: who.address.clone(),
            fields: UserFields {
                name: Some(name).filter(|name| !name.is_empty()),
                otp: fixed.is_none().then_some(code),
                ..UserFields::default()
            },
            token: Some(TokenWish {
                app: app_id,
                any_app: false,
                expiry_minutes: TOKEN_EXPIRY_MINUTES,
            }),
        };
        let (user, token) = match self.ask(&app, operation).await {
            Ok(Reply::User { user, token: Some(token), .. }) => (user, token),
            Err(error) if error.code == ErrorCode::BadOtp => {
                self.demo.failures.count(self.origin.address);
                return Err("BADCODE");
            }
            _ => return Err("BADUSER"),
        };
        let (upload, download) = self.shared.files.places(self.origin);
        let mut answer = fields(json!({
            "token": token.token,
            "uid": user.uid.0,
            "address": user.address,
            "name": user.name,
            "status": user.status,
            "photo": user.image,
            "tn": self.shared.files.thumbnail_at(&user.image).await,
            "cc": "",
            "urls": {"upload": upload, "download": download},
            "uploadurl": upload,
            "downloadurl": download,
            "fileurl": download,
            "share": self.share(),
            "invite": INVITATION,
        }));
        answer.insert(who.field.into(), who.given.into());
        Ok(answer)
    }

    fn identity(&self) -> Result<Identity, &'static str> {
        let mail = self.text("email").to_lowercase();
        if !mail.is_empty() {
            // Others see the address of a user, and should not see this.
            let hash = Sha256::digest(mail.as_bytes());
            let digits: String = hash[..10].iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok(Identity { field: "email", given: mail, address: format!("m{digits}") });
        }
        let phone: String =
            self.text("phone").chars().filter(|char| !char.is_whitespace()).collect();
        let phone = phone.trim_start_matches('+').trim_start_matches('0').to_owned();
        if phone.is_empty() {
            return Err(if self.conference { "MISSINGEMAIL" } else { "MISSINGPARA" });
        }
        if phone.len() < PHONE_DIGITS_MIN || !phone.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("BADUSER");
        }
        Ok(Identity { field: "phone", address: phone.clone(), given: phone })
    }

    /// Says where the code is.
    async fn offer_code(&self, app: &App, who: &Identity) -> Outcome {
        let message = match &self.demo.settings.code {
            Some(code) => format!("This is a demo: the code is {code}"),
            None => {
                let address = who.address.clone();
                let (tries, expiry_s) = (CODE_TRIES, CODE_EXPIRY_S);
                let operation = Operation::Otp { address, tries, expiry_s, reuse: true };
                let Ok(Reply::Otp(code)) = self.ask(app, operation).await else {
                    return Err("BADUSER");
                };
                // The one way to learn it: that is what the setting asks for.
                tracing::info!(code, "demo: somebody wants to sign in");
                "This is a demo: the code is in the log of the server".to_owned()
            }
        };
        Ok(fields(json!({"title": "Code", "message": message, "delay": 2000})))
    }

    /// Has an app keep several tokens of one person, unless it has a policy already.
    async fn keep_tokens(&self, app: &App) {
        if app.settings.tokens_kept == 0 {
            let changed = AppFields { tokens_kept: Some(TOKENS_KEPT), ..AppFields::default() };
            let operation = Operation::AppSet { aid: Some(app.aid), fields: changed };
            if let Err(error) = ask(self.shared, Credential::AdminKey, operation).await {
                tracing::warn!(cause = error.cause, "demo: token_policy cannot be set");
            }
        }
    }

    /// Nobody is signed in afterwards, whoever it was before.
    pub(super) async fn logout(&self) -> Outcome {
        let token = self.text("token");
        if token.len() >= TOKEN_BYTES_MIN
            && let Some(app) = self.app().await
        {
            let operation = Operation::TokenDelete { hash: hub::hash_token(&token) };
            // A token that is worth nothing is as good as deleted.
            let _ = self.ask(&app, operation).await;
        }
        Ok(fields(json!({})))
    }
}
