//! What was done to the installation, when and by whom: a line of JSON in `audit.log` of the data
//! folder for each operation that changes something, refused ones included.
//!
//! Says numbers of users and groups, and no token, name, address of a user or text.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use hub::port::admin::{AdminError, Credential, Reply};
use serde_json::json;
use wire::limits::AUDIT_BYTES_MAX;

use super::envelope::name_and_code;
use crate::random;

/// Operations that change nothing, and messages, of which there are too many.
const LEFT_OUT: [&str; 11] = [
    "groupgetmedia",
    "usersget",
    "groupsget",
    "groupgetmembers",
    "appget",
    "appsget",
    "appstats",
    "uacget",
    "messagesget",
    "hooksget",
    "message",
];

/// Names one request in logs and in the answer.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl RequestId {
    pub fn draw() -> RequestId {
        // Without random numbers nothing else works either, and says so.
        RequestId(random::hex::<6>().unwrap_or_default())
    }
}

/// See the module.
#[derive(Debug)]
pub struct Audit {
    path: PathBuf,
    file: Mutex<(File, u64)>,
}

impl Audit {
    /// Goes on with what is there.
    pub fn open(data: &Path) -> anyhow::Result<Audit> {
        let path = data.join("audit.log");
        let file = begin(&path).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Audit { path, file: Mutex::new(file) })
    }

    /// An operation was done, or refused.
    pub fn note(
        &self,
        op: &str,
        request: &RequestId,
        (by, remote): (&Credential, IpAddr),
        result: &Result<Reply, AdminError>,
    ) {
        if LEFT_OUT.contains(&op) {
            return;
        }
        let by = match by {
            Credential::None => "nobody".to_owned(),
            Credential::AdminKey => "operator".to_owned(),
            Credential::ForApp(aid) => format!("operator for app {aid}"),
            // Enough to tell two backends apart, and of no use to anybody else.
            Credential::App(hash) => format!("token {:02x}{:02x}{:02x}", hash[0], hash[1], hash[2]),
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut line = json!({
            "ts": since.as_millis() as u64,
            "request": request.0,
            "op": op,
            "by": by,
            "from": remote.to_string(),
        });
        match result {
            Ok(Reply::User { user, .. } | Reply::Personal { user, .. }) => {
                line["uid"] = user.uid.0.into()
            }
            Ok(Reply::Group { group, .. }) => line["gid"] = group.gid.0.into(),
            Ok(Reply::MembersEdited { gid, .. } | Reply::Recording { gid, .. }) => {
                line["gid"] = gid.0.into()
            }
            Ok(Reply::AppRow(app) | Reply::PushSettings(app)) => line["aid"] = app.aid.0.into(),
            Ok(Reply::App { aid, .. }) => line["aid"] = aid.0.into(),
            Ok(_) => {}
            Err(error) => line["error"] = name_and_code(error.code).0.into(),
        }
        if let Err(error) = self.write(&line.to_string()) {
            tracing::error!(%error, "audit.log cannot be written");
        }
    }

    fn write(&self, line: &str) -> std::io::Result<()> {
        let mut file = self.file.lock().expect("no panic while writing");
        if file.1 >= AUDIT_BYTES_MAX {
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
            *file = begin(&self.path)?;
        }
        file.0.write_all(format!("{line}\n").as_bytes())?;
        file.1 += line.len() as u64 + 1;
        Ok(())
    }
}

fn begin(path: &Path) -> std::io::Result<(File, u64)> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_of_operations_is_put_aside_and_a_new_one_begun() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        File::create(&path).unwrap().set_len(AUDIT_BYTES_MAX).unwrap();
        let audit = Audit::open(folder.path()).unwrap();
        let by = (&Credential::None, IpAddr::from([192, 0, 2, 1]));
        let request = RequestId::draw();
        for op in ["userdel", "usersget", "appdel"] {
            audit.note(op, &request, by, &Ok(Reply::Done));
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains(&request.0) && text.contains("192.0.2.1"), "{text}");
        assert!(folder.path().join("audit.log.1").exists());
    }
}
