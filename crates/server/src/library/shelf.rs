//! What there is of each group: a small file of JSON for each medium, `library/<gid>/<id>.json`.
//!
//! Promises that what was put is there after a crash, whole or not at all.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use hub::medium_of;
use serde::{Deserialize, Serialize};
use wire::id::{AppId, GroupId, Uid};
use wire::limits::LIBRARY_GROUP_MAX;

use crate::clock::unix_seconds;
use crate::durable;
use crate::files::Name;

/// Something to be played.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Medium {
    /// 32 hexadecimal digits that nobody guesses and that tell nothing of the file's name
    /// (`hub::medium_of`).
    pub id: String,
    pub aid: u32,
    pub gid: u32,
    /// Who has uploaded it.
    pub uid: u32,
    /// The message that tells of it.
    pub mid: u64,
    /// What the file was called.
    pub title: String,
    /// Media type.
    pub kind: String,
    /// Bytes.
    pub size: u64,
    /// Seconds since 1970.
    pub ts: u64,
    /// Of the original, in the file service.
    pub name: String,
    /// Smaller copies, the largest first.
    #[serde(default)]
    pub renditions: Vec<Rendition>,
    /// Of a recording: who is seen and heard, 0 = it was not noted.
    #[serde(default)]
    pub of: u32,
    /// Of a recording: when that began, ms since 1970, and when this part of it begins, ms later.
    #[serde(default)]
    pub recording: Option<(u64, u64)>,
}

/// A copy in another size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// Lines of the picture.
    pub height: u32,
    /// Bytes.
    pub size: u64,
    /// In the file service.
    pub name: String,
}

impl Medium {
    /// A new one.
    pub fn of_file(
        aid: AppId,
        gid: GroupId,
        uid: Uid,
        name: &Name,
        title: &str,
        size: u64,
    ) -> Medium {
        Medium {
            id: medium_of(name.as_str()),
            aid: aid.0,
            gid: gid.0,
            uid: uid.0,
            title: title.to_owned(),
            kind: name.media_type().0.to_owned(),
            size,
            ts: unix_seconds(),
            name: name.as_str().to_owned(),
            ..Medium::default()
        }
    }

    /// `MESIBO_FILETYPE_*`
    pub fn file_type(&self) -> u32 {
        match self.kind.split('/').next() {
            Some("image") => 1,
            Some("video") => 2,
            Some("audio") => 3,
            _ => 10,
        }
    }

    /// Where a copy of this height is, the original for 0.
    pub fn name_of(&self, height: u32) -> Option<Name> {
        let copy = self.renditions.iter().find(|copy| copy.height == height);
        Name::read(copy.map_or(&self.name, |copy| &copy.name))
            .filter(|_| height == 0 || copy.is_some())
    }

    /// All its files.
    pub fn names(&self) -> Vec<String> {
        let copies = self.renditions.iter().map(|copy| copy.name.clone());
        copies.chain([self.name.clone()]).collect()
    }
}

/// See the module.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    /// Held while something is changed or removed: what is gone does not come back by a change.
    changing: Mutex<()>,
}

impl Shelf {
    pub fn open(folder: &Path) -> std::io::Result<Shelf> {
        std::fs::create_dir_all(folder)?;
        Ok(Shelf { folder: folder.to_owned(), changing: Mutex::default() })
    }

    /// Writes it down, over what was there.
    pub fn put(&self, medium: &Medium) -> std::io::Result<()> {
        let place = self.place(GroupId(medium.gid), &medium.id);
        durable::write(&place, &serde_json::to_vec(medium)?)
    }

    /// Adds a copy; `false` when the medium has gone meanwhile, or cannot be written.
    pub fn add(&self, medium: &Medium, copy: Rendition) -> bool {
        let _changing = self.changing.lock().expect("no panic while changing");
        let Some(mut now) = self.read(GroupId(medium.gid), &medium.id) else { return false };
        now.renditions.push(copy);
        self.put(&now).is_ok()
    }

    /// One, if it is there.
    pub fn read(&self, gid: GroupId, id: &str) -> Option<Medium> {
        let good = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let text = std::fs::read(self.place(gid, id)).ok().filter(|_| good)?;
        serde_json::from_slice(&text).ok()
    }

    /// One, wherever it is.
    pub fn find(&self, id: &str) -> Option<Medium> {
        let groups = std::fs::read_dir(&self.folder).ok()?;
        let gids = groups.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        gids.map(GroupId).find_map(|gid| self.read(gid, id))
    }

    /// All of a group, newest first.
    pub fn list(&self, gid: GroupId) -> Vec<Medium> {
        let Ok(entries) = std::fs::read_dir(self.folder.join(gid.0.to_string())) else {
            return Vec::new();
        };
        let id = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
        let media = entries.flatten().take(2 * LIBRARY_GROUP_MAX);
        let media = media.filter(|entry| entry.path().extension().is_some_and(|it| it == "json"));
        let mut media: Vec<_> =
            media.filter_map(|entry| self.read(gid, &id(entry.path())?)).collect();
        media.sort_by(|a, b| (b.ts, &b.id).cmp(&(a.ts, &a.id)));
        media
    }

    /// Groups that have something, with their apps.
    pub fn groups(&self) -> Vec<(AppId, GroupId)> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Vec::new() };
        let gids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let app = |gid| Some((AppId(self.list(gid).first()?.aid), gid));
        gids.map(GroupId).filter_map(app).collect()
    }

    /// Takes it away; as it was at last, with all its copies.
    pub fn remove(&self, medium: &Medium) -> Option<Medium> {
        let _changing = self.changing.lock().expect("no panic while changing");
        let gid = GroupId(medium.gid);
        let last = self.read(gid, &medium.id);
        if let Err(error) = std::fs::remove_file(self.place(gid, &medium.id)) {
            tracing::warn!(%error, "a medium cannot be removed from the library");
        }
        // Stays as long as there is something in it.
        let _ = std::fs::remove_dir(self.folder.join(medium.gid.to_string()));
        last
    }

    fn place(&self, gid: GroupId, id: &str) -> PathBuf {
        self.folder.join(gid.0.to_string()).join(format!("{id}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_on_the_shelf_is_found_newest_first_and_goes_with_its_group() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path()).unwrap();
        let (name, other) = (Name::draw("film.mp4", "").unwrap(), Name::draw("b", "").unwrap());
        let draw = |name: &Name, ts: u64| {
            let medium = Medium::of_file(AppId(1), GroupId(1000), Uid(7), name, "film.mp4", 9);
            Medium { ts, ..medium }
        };
        let (old, new) = (draw(&name, 1), draw(&other, 2));
        shelf.put(&old).unwrap();
        shelf.put(&new).unwrap();
        assert_eq!(shelf.list(GroupId(1000)), [new.clone(), old.clone()]);
        assert_eq!(shelf.groups(), [(AppId(1), GroupId(1000))]);
        assert_eq!(shelf.find(&hub::medium_of(name.as_str())), Some(old.clone()));
        assert_eq!(shelf.read(GroupId(1000), "../1000"), None);
        assert_eq!((old.file_type(), old.name_of(0)), (2, Some(name)));
        assert_eq!(old.name_of(360), None);
        let copy = Rendition { height: 360, size: 5, name: "copy".into() };
        assert!(shelf.add(&old, copy.clone()));
        assert_eq!(
            shelf.remove(&old).unwrap().renditions,
            std::slice::from_ref(&copy),
            "as it was at last"
        );
        assert!(!shelf.add(&old, copy), "what is gone does not come back");
        shelf.remove(&new);
        assert_eq!(shelf.groups(), []);
    }
}
