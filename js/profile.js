// What a profile is beside its engine: named values, marks, pictures, as plain forwarding.
//
// Only names that begin with `_` are called on profiles: pages hang fields of their own on them,
// and those may have the names of methods.

import { fieldOf } from "./hidden.js";
import { asBoolean, asInteger, asNumber, asString, typed } from "./values.js";

// `Field` of the engine.
const STATUS = 1;
const IMAGE = 2;
const VALUES = 3;
const DRAFT = 4;
const OWN_VALUES = 5;
const OWNER = 6;
const CHANGED_BY = 7;

// `client::mark` and `wire::mask::contact`.
const MARKS = {
  Favorite: 1,
  Archived: 2,
  Muted: 4,
  Hidden: 8,
  Marked: 0x10,
  Private: 0x20,
  Deleted: 0x40,
};
const LOOKED_UP = 0x100000;
const CONTACT = 1;
const SUBSCRIBED = 2;
const BLOCKED = 0x10;
const BLOCKS = {
  Message: ["Messages", 0x20],
  Call: ["Calls", 0x40],
  VideoCall: ["VideoCalls", 0x80],
  GroupMessage: ["GroupMessages", 0x100],
  Profile: ["Profile", 0x200],
  ProfileSubscription: ["ProfileSubscription", 0x400],
};
// A whole block is also one of these.
const PARTS = 0x20 | 0x40 | 0x80;

const NAME_LENGTH = 63;

const parse = (text) => (text ? JSON.parse(text) : {});

/** All named values: the published ones, and over them what the page has changed. */
function valuesOf(profile) {
  const values = { ...parse(profile._read(VALUES)), ...parse(profile._read(OWN_VALUES)) };
  for (const [name, value] of Object.entries(values)) if (value === null) delete values[name];
  return values;
}

function setValue(profile, name, value) {
  const text = String(name ?? "");
  if (!text || text.length > NAME_LENGTH) return;
  if (text === "status") return profile._edit(STATUS, value === null ? null : String(value));
  const own = parse(profile._read(OWN_VALUES));
  profile._edit(VALUES, JSON.stringify({ ...own, [text]: value }));
}

function getValue(profile, name) {
  if (name === "status") return profile._read(STATUS);
  return valuesOf(profile)[name];
}

// How each kind of value is written and read.
const KINDS = {
  String: [String, asString],
  Int: [Math.trunc, asInteger],
  Long: [Math.trunc, asInteger],
  Double: [Number, asNumber],
  Boolean: [Boolean, asBoolean],
};

/** One picture of a profile. The strings it gives stay the same while the picture does. */
export class MesiboProfileImage {
  #profile;
  constructor(profile) {
    this.#profile = profile;
  }
  getImage() {
    const url = this.#profile._read(IMAGE);
    return url ?? sourceOf(this.#profile._ask("GetProfileImage"));
  }
  getThumbnail() {
    return this.getImage();
  }
  getImageOrThumbnail() {
    return this.getImage();
  }
  getUrl() {
    return this.#profile._read(IMAGE) ?? null;
  }
  getNext() {
    return null;
  }
  getPrevious() {
    return null;
  }
  getIndex() {
    return 0;
  }
  isEmpty() {
    return this.getImage() === null;
  }
  getProfile() {
    return this.#profile;
  }
  getImagePath() {
    return this.getImage();
  }
  getThumbnailPath() {
    return this.getImage();
  }
  getImageOrThumbnailPath() {
    return this.getImage();
  }
}

/** Where a picture can be seen: of a URL, an image or a canvas; `null` of anything else. */
function sourceOf(value) {
  if (typeof value === "string") return value || null;
  if (typeof value?.toDataURL === "function") return value.toDataURL();
  return typeof value?.src === "string" && value.src ? value.src : null;
}

/** The file the page means: a `Blob`, or what an input has chosen. */
function fileOf(value) {
  if (value instanceof Blob) return value;
  return value?.files?.[0];
}

/** A picture that has not been uploaded: what was given to `setImage` last. */
export const pendingImage = (profile) => fieldOf(profile).pendingImage ?? null;

function setImage(profile, value, index) {
  if (index > 0) return false;
  const fields = fieldOf(profile);
  const element = typeof value === "string" && globalThis.document?.getElementById(value);
  const given = element || value;
  const file = fileOf(given);
  const url = file ? URL.createObjectURL(file) : sourceOf(given);
  if (given && !url) return false;
  if (fields.shown) URL.revokeObjectURL(fields.shown);
  fields.shown = file ? url : undefined;
  fields.pendingImage = file ?? (url?.startsWith("data:") ? url : undefined);
  profile._edit(IMAGE, url);
  return true;
}

/** The methods, to be put on the prototype of all profiles. */
export const profileMethods = {
  setOverrideName(name) {
    this._edit(0, name);
  },
  getFirstNameOrAddress(prefix) {
    return (
      Object.getPrototypeOf(this).getFirstName.call(this) ??
      Object.getPrototypeOf(this).getNameOrAddress.call(this, prefix)
    );
  },
  setStatus(status) {
    this._edit(STATUS, status);
  },
  hasValue(name) {
    return getValue(this, name) !== undefined;
  },
  getValue(name) {
    return getValue(this, name) ?? null;
  },
  getValues() {
    return valuesOf(this);
  },
  save() {
    return this._save(JSON.stringify(valuesOf(this)));
  },
  getImage() {
    return (fieldOf(this).image ??= new MesiboProfileImage(this));
  },
  setImage(value, index) {
    return setImage(this, value, index);
  },
  setImageUrl(url, index) {
    if (index > 0) return false;
    fieldOf(this).pendingImage = undefined;
    this._edit(IMAGE, url);
    return true;
  },
  prefetchImages() {
    return true;
  },
  setDraft(text) {
    this._edit(DRAFT, text);
  },
  getDraft() {
    return this._read(DRAFT) ?? null;
  },
  setUserData(data) {
    fieldOf(this).userData = data;
  },
  getUserData() {
    return fieldOf(this).userData;
  },
  getAdmin() {
    return this._read(OWNER) ?? null;
  },
  getLastAdmin() {
    const address = this._read(CHANGED_BY);
    return address ? this._profile(address) : null;
  },
  setContact(on = true) {
    this._markContact(CONTACT, Boolean(on));
  },
  isContact() {
    return (this._contact() & CONTACT) !== 0;
  },
  subscribe(on = true) {
    this._markContact(SUBSCRIBED, Boolean(on));
  },
  isSubscribed() {
    return (this._contact() & SUBSCRIBED) !== 0;
  },
  block(on = true) {
    this._markContact(BLOCKED, Boolean(on));
  },
  isBlocked() {
    return (this._contact() & BLOCKED) !== 0;
  },
  toggleBlock() {
    const on = (this._contact() & BLOCKED) === 0;
    this._markContact(BLOCKED, Boolean(on));
    return on;
  },
  isLookedup() {
    return (this._marks() & LOOKED_UP) !== 0;
  },
  isProfileSynced() {
    return (this._marks() & LOOKED_UP) !== 0;
  },
  removeLocalProfile() {
    this._remove(true, false);
  },
  removeSyncedProfile() {
    this._remove(false, true);
  },
  remove() {
    this._remove(true, true);
  },
  setDeleted() {
    this._mark(MARKS.Deleted, true);
  },
  getHashCode() {
    const gid = Object.getPrototypeOf(this).getGroupId.call(this);
    if (gid) return gid;
    let hash = 0;
    for (const unit of Object.getPrototypeOf(this).getAddress.call(this))
      hash = (hash * 31 + unit.codePointAt(0)) | 0;
    return hash;
  },
};
profileMethods.publish = profileMethods.save;

for (const [kind, [write, read]] of Object.entries(KINDS)) {
  profileMethods[`set${kind}`] = function (name, value) {
    setValue(this, name, value === undefined || value === null ? null : write(value));
  };
  profileMethods[`get${kind}`] = function (name, otherwise) {
    return typed(getValue(this, name), otherwise, read);
  };
}
for (const [name, bit] of Object.entries(MARKS)) {
  profileMethods[`is${name}`] = function () {
    return (this._marks() & bit) !== 0;
  };
}
const SETTERS = {
  Private: "setPrivate",
  Hidden: "setHidden",
  Muted: "setMuted",
  Favorite: "favorite",
  Archived: "archive",
  Marked: "setMark",
};
for (const [name, setter] of Object.entries(SETTERS)) {
  profileMethods[setter] = function (on = true) {
    this._mark(MARKS[name], Boolean(on));
  };
}
for (const [toggle, name] of Object.entries({
  toggleHidden: "Hidden",
  toggleMute: "Muted",
  toggleMark: "Marked",
})) {
  profileMethods[toggle] = function () {
    const on = (this._marks() & MARKS[name]) === 0;
    this._mark(MARKS[name], Boolean(on));
    return on;
  };
}
for (const [one, [many, bit]] of Object.entries(BLOCKS)) {
  profileMethods[`block${many}`] = function (on = true) {
    this._markContact(bit, Boolean(on));
  };
  profileMethods[`is${one}Blocked`] = function () {
    return (this._contact() & (bit | (bit & PARTS ? BLOCKED : 0))) !== 0;
  };
}
