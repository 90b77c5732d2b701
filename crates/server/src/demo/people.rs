//! Contacts and profiles of the messenger pages of 2019 (`backend-api.md` 7.2). Pages of today do this
//! over their own connection.

use hub::port::admin::{GroupFields, MemberFields, Operation, Reply, UserFields};
use hub::port::store::{Group, User};
use serde_json::{Value, json};
use wire::limits::{CONTACTS_MAX, DEMO_CONTACTS_MAX, DEMO_GROUPS_MAX};
use wire::mask::admin as may;

use super::{Asked, Caller, Outcome, fields};
use crate::clock::unix_seconds;

impl Asked<'_> {
    /// Whoever of some numbers there is becomes a contact; without numbers, all contacts and groups.
    /// When something has changed is not kept, so everything is new each time.
    pub(super) async fn get_contacts(&self, caller: &Caller) -> Outcome {
        let phones = self.phones();
        let reset = self.is_on("reset");
        if reset {
            let all = self.contacts(caller, Vec::new(), Vec::new()).await?;
            let all = all.into_iter().map(|user| user.address).collect();
            self.contacts(caller, Vec::new(), all).await?;
        }
        let mut found = self.contacts(caller, phones.clone(), Vec::new()).await?;
        if !phones.is_empty() {
            found.retain(|user| phones.contains(&user.address));
        }
        found.truncate(DEMO_CONTACTS_MAX);
        let mut rows = Vec::with_capacity(found.len());
        for user in &found {
            rows.push(self.row(user).await);
        }
        if phones.is_empty() {
            for group in self.groups_of(caller).await?.iter().take(DEMO_GROUPS_MAX) {
                let told = self.told_of(caller, group).await?;
                let mut row = json!({"status": "", "phone": ""});
                for (name, value) in told {
                    row[name] = match value {
                        Value::Number(number) => number.to_string().into(),
                        value => value,
                    };
                }
                rows.push(row);
            }
        }
        let own = &caller.user;
        let (upload, download) = self.shared.files.places(self.origin);
        Ok(fields(json!({
            "contacts": rows,
            "u": {
                "name": own.name,
                "status": own.status,
                "phone": own.address,
                "photo": own.image,
                "ts": unix_seconds().to_string(),
                "connection_status": "",
            },
            "urls": {"upload": upload, "download": download},
            "share": self.share(),
        })))
    }

    pub(super) async fn delete_contacts(&self, caller: &Caller) -> Outcome {
        let phones = self.phones();
        if phones.is_empty() {
            return Err("MISSINGPARA");
        }
        self.contacts(caller, Vec::new(), phones).await?;
        Ok(fields(json!({})))
    }

    /// The own name, status and picture, or those of a group.
    pub(super) async fn set_profile(&self, caller: &Caller) -> Outcome {
        let given = |name| Some(self.text(name)).filter(|text| !text.is_empty());
        let (name, status, image) = (given("name"), given("status"), self.picture.clone());
        let operation = match self.gid() {
            None => {
                let user = caller.named();
                let changed = UserFields { name, status, image, ..UserFields::default() };
                Operation::UserSet { user, fields: changed, remove: None, token: None }
            }
            Some(gid) => {
                self.member_with(caller, gid, may::MODIFY).await?;
                let changed = GroupFields { name, status, image, ..GroupFields::default() };
                let (members, rights) = (Vec::new(), MemberFields::default());
                Operation::GroupSet { gid, fields: changed, members, rights }
            }
        };
        self.ask(&caller.app, operation).await.map_err(|_| "MISSINGPARA")?;
        Ok(fields(json!({})))
    }

    async fn contacts(
        &self,
        caller: &Caller,
        add: Vec<String>,
        remove: Vec<String>,
    ) -> Result<Vec<User>, &'static str> {
        let user = caller.named();
        match self.ask(&caller.app, Operation::Contacts { user, add, remove }).await {
            Ok(Reply::Contacts(users)) => Ok(users),
            _ => Err("BADUSER"),
        }
    }

    async fn groups_of(&self, caller: &Caller) -> Result<Vec<Group>, &'static str> {
        let user = caller.named();
        let export = Operation::UserExport { user, after: 0, count: 1 };
        match self.ask(&caller.app, export).await {
            Ok(Reply::Personal { known: Some(known), .. }) => {
                Ok(known.groups.into_iter().map(|(group, _)| group).collect())
            }
            _ => Err("BADUSER"),
        }
    }

    /// Numbers with commas between them, as people write them.
    fn phones(&self) -> Vec<String> {
        let phones = self.text("phones");
        let phones = phones.split(',').map(|phone| {
            let phone: String = phone.chars().filter(|char| !char.is_whitespace()).collect();
            phone.trim_start_matches('+').trim_start_matches('0').to_owned()
        });
        phones.filter(|phone| !phone.is_empty()).take(CONTACTS_MAX).collect()
    }

    /// Somebody as a contact; all values are texts.
    async fn row(&self, user: &User) -> Value {
        let mut row = json!({
            "name": user.name,
            "status": user.status,
            "phone": user.address,
            "photo": user.image,
            "gid": "0",
            "ts": unix_seconds().to_string(),
        });
        let small = self.shared.files.known_thumbnail_at(&user.image).await;
        if !small.is_empty() {
            row["tn"] = small.into();
        }
        row
    }
}
