// What a profile is beside its engine: named values, marks, pictures, as plain forwarding.
//
// Only names that begin with `_` are called on profiles: pages hang fields of their own on them,
// and those may have the names of methods.

import { constants } from "./constants.js";
import { endToEnd } from "./encryption.js";
import { fieldOf } from "./hidden.js";
import { MesiboDateTime } from "./datetime.js";
import { locationOf } from "./location.js";
import { MesiboMessage } from "./message.js";
import {
  forgetPictures,
  hasPending,
  imageOf,
  picturesOf,
  setPicture,
  resumeUpload,
  uploadPictures,
} from "./pictures.js";
import { MesiboPresence } from "./presence.js";
import {
  asBoolean,
  asInteger,
  asNumber,
  asString,
  numberOf,
  textOf,
  typed,
  wholeOf,
} from "./values.js";

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
const RECENT = 0x400;
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
const VALUES_BYTES = 16 * 1024;

// Of the own profile, `client::mark`: who may be found, who is told of changes.
const SEARCHABLE = 0x80;
const LAZY = 0x100;
const ONLINE_ONLY = 0x800;
const RECENT_ONLY = 0x1000;
const MANNER_EDITED = 0x200;
// Access levels 1 to 15 that a user was given, among the bits of a contact.
const LEVELS_GIVEN = 0xfffe0000;

/** Levels as bits of a contact. */
export function levelBits(levels) {
  const list = Array.isArray(levels) ? levels : [];
  const given = list.map(numberOf).filter((level) => level > 0 && isLevel(level));
  return given.reduce((bits, level) => (bits | (1 << (level + 16))) >>> 0, 0);
}

function setManner(profile, bit, on) {
  profile._mark(bit, Boolean(on));
  profile._mark(MANNER_EDITED, true);
}

// What is wanted of a transfer (`src/api/file.rs`): what was uploaded is part of the profile.
const FORGET = 5;

// Reserved names of named values: pictures, and in edits that are not saved the access levels.
const PICTURES = "mesibo.images";
const LEVELS = "mesibo.levels";
const LEVEL_MAX = 15;

/**
 * Named values as the engine keeps them: a line with what everybody sees, then for each level a
 * line with its number and an object.
 */
function parse(text) {
  const values = {};
  const levels = {};
  for (const line of text ? text.split("\n") : []) {
    const [, level, object] = /^(?:(\d+) )?(.*)$/.exec(line);
    const some = JSON.parse(object);
    for (const name of Object.keys(some)) levels[name] = Number(level ?? 0);
    Object.assign(values, some);
  }
  Object.assign(levels, values[LEVELS]);
  delete values[LEVELS];
  delete levels[LEVELS];
  return { values, levels };
}

/** All named values: the published ones, and over them what the page has changed. */
function knownOf(profile) {
  const [published, own] = [parse(profile._read(VALUES)), parse(profile._read(OWN_VALUES))];
  const values = { ...published.values, ...own.values };
  for (const [name, value] of Object.entries(values)) if (value === null) delete values[name];
  return { values, levels: { ...published.levels, ...own.levels } };
}

function valuesOf(profile) {
  const { [PICTURES]: _, ...values } = knownOf(profile).values;
  return values;
}

/** As it is published. */
function published(profile) {
  const { values, levels } = knownOf(profile);
  const lines = [];
  for (const [name, value] of Object.entries(values)) {
    (lines[levels[name] ?? 0] ??= {})[name] = value;
  }
  lines[0] ??= {};
  const text = (values, level) => (level ? `${level} ` : "") + JSON.stringify(values);
  return lines.map(text).filter(Boolean).join("\n");
}

const isLevel = (level) => Number.isInteger(level) && level >= 0 && level <= LEVEL_MAX;

function change(profile, changed, level) {
  const own = parse(profile._read(OWN_VALUES));
  const levels = { ...own.levels, ...level };
  profile._edit(VALUES, JSON.stringify({ ...own.values, ...changed, [LEVELS]: levels }));
}

function setValue(profile, name, value, level) {
  const text = textOf(name);
  if (!text || text.length > NAME_LENGTH || text === PICTURES || text === LEVELS) return;
  if (text === "status") return profile._edit(STATUS, value === null ? null : textOf(value));
  change(profile, { [text]: value }, isLevel(level) ? { [text]: level } : undefined);
}

function setLevels(profile, names, level) {
  if (!isLevel(level)) return;
  const { values } = knownOf(profile);
  const known = names.filter((name) => Object.hasOwn(values, name));
  const same = (of) => Object.fromEntries(known.map((name) => [name, of(name)]));
  change(
    profile,
    same((name) => values[name]),
    same(() => level),
  );
}

function getValue(profile, name) {
  const text = textOf(name);
  return text === "status" ? profile._read(STATUS) : valuesOf(profile)[text];
}

// How each kind of value is written and read.
const KINDS = {
  String: [textOf, asString],
  Int: [wholeOf, asInteger],
  Long: [wholeOf, asInteger],
  Double: [numberOf, asNumber],
  Boolean: [Boolean, asBoolean],
};

/** Publishes; with new pictures once they are uploaded, or could not be. */
function save(profile) {
  const text = published(profile);
  if (!hasPending(profile)) return profile._save(text);
  // A list of pictures with their thumbnails comes to it.
  if (new TextEncoder().encode(text).length > VALUES_BYTES) return false;
  // The rest of it survives a reload as the pictures do.
  profile._keep();
  const engine = profile._engine();
  const { getAddress, getGroupId } = Object.getPrototypeOf(profile);
  const own = profile === engine.getSelfProfile();
  const [address, gid] = own ? [null, 0] : [getAddress.call(profile), getGroupId.call(profile)];
  const level = fieldOf(profile).pictureLevel ?? 0;
  const job = { k: `${address ?? ""}/${gid}/`, address, gid, level };
  uploadPictures(profile, engine, job).then((made) => publish(profile, made.flat(), level));
  return true;
}

/** Publishes a profile with pictures that have been uploaded, or could not be. */
function publish(profile, made, level) {
  const first = profile._read(IMAGE) ?? undefined;
  const pictures = [...(knownOf(profile).values[PICTURES] ?? [])];
  if (pictures[0]?.u !== first) pictures[0] = first && { u: first };
  for (const { index, picture } of made) if (picture !== null) pictures[index] = picture;
  const empty = !pictures.some(Boolean);
  const list = Array.from(pictures, (picture) => picture ?? null);
  change(profile, { [PICTURES]: empty ? null : list }, { [PICTURES]: level });
  // What not everybody may see is not the picture of the profile.
  profile._edit(IMAGE, level ? null : (pictures[0]?.u ?? null));
  const incomplete = made.some(({ picture }) => picture === null);
  if (!profile._save(published(profile), incomplete)) {
    console.warn("mesibo: the profile is too large with its pictures: 16 KiB is the limit");
  }
  for (const { id, picture } of made) if (id && picture) profile._engine()._transfer(id, FORGET);
}

/** Goes on with a picture that was being uploaded when the page was left. */
export function resumePicture(engine, id, job) {
  const { address, gid, level } = job;
  const own = address === null;
  const profile = () => (own ? engine.getSelfProfile() : engine.getProfile(address, gid));
  resumeUpload(engine, id, job, (made) => publish(profile(), made, level));
}

/** A record that goes to a profile, by its engine. */
function recordTo(profile, Record) {
  const record = new Record(profile);
  fieldOf(record).engine = profile._engine();
  return record;
}

/** The methods, to be put on the prototype of all profiles. */
export const profileMethods = {
  isGroup() {
    return this._isGroup();
  },
  isTyping() {
    return this._isTyping();
  },
  isTypingInGroup(gid) {
    return this._isTyping(gid ?? 0);
  },
  isChatting() {
    return this._isChatting();
  },
  isChattingInGroup(gid) {
    return this._isChatting(gid ?? 0);
  },
  getLastSeen() {
    const ts = this._lastSeen();
    if (!ts) return null;
    const seen = new MesiboDateTime(ts);
    // Pages of 2022 take it for a number: the seconds since then, 0 of who is online.
    const valueOf = () => (this.isOnline() ? 0 : seen.getSecondsElapsed());
    return Object.defineProperty(seen, "valueOf", { value: valueOf });
  },
  newMessage() {
    return recordTo(this, MesiboMessage);
  },
  newPresence() {
    return recordTo(this, MesiboPresence);
  },
  sendTyping() {
    return this._tell(constants.MESIBO_PRESENCE_TYPING);
  },
  sendJoined() {
    return this._tell(constants.MESIBO_PRESENCE_JOINED);
  },
  sendLeft() {
    return this._tell(constants.MESIBO_PRESENCE_LEFT);
  },
  setName(name) {
    this._edit(0, name);
  },
  getStatus() {
    return this._read(STATUS) ?? "";
  },
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
    const status = this._read(STATUS);
    return status ? { ...valuesOf(this), status } : valuesOf(this);
  },
  save() {
    return save(this);
  },
  reset() {
    forgetPictures(this);
    this._reset();
  },
  _pictures() {
    const listed = knownOf(this).values[PICTURES] ?? [];
    return picturesOf(this._read(IMAGE) ?? listed[0]?.u, listed, this);
  },
  getImage(index) {
    return imageOf(this, index);
  },
  // Of the first picture, as pages of 2021 to 2023 ask.
  getThumbnail() {
    return imageOf(this, 0).getThumbnail();
  },
  getImageOrThumbnail() {
    return imageOf(this, 0).getImageOrThumbnail();
  },
  setImage(value, index, level) {
    if (isLevel(level)) fieldOf(this).pictureLevel = level;
    return setPicture(this, value, index);
  },
  setImageUrl(url, index, level) {
    if (isLevel(level)) fieldOf(this).pictureLevel = level;
    return setPicture(this, textOf(url) || null, index);
  },
  /** The browser fetches what a page shows, and keeps it. */
  prefetchImages() {
    return true;
  },
  setAccessLevel(name, level) {
    setLevels(this, [textOf(name)], numberOf(level));
  },
  resetAccessLevels() {
    setLevels(this, Object.keys(valuesOf(this)), 0);
  },
  setSearchable(on = true) {
    setManner(this, SEARCHABLE, on);
  },
  /** Deprecated: only SEARCHABLE lets others find the user. */
  setVisibility(visibility) {
    setManner(this, SEARCHABLE, visibility === constants.MESIBO_VISIBILITY_SEARCHABLE);
  },
  /** Who of those who watch is told of changes; the others see them when they ask. */
  setSyncType(type) {
    const { MESIBO_SYNCTYPE_ONLINEONLY, MESIBO_SYNCTYPE_RECENTONLY } = constants;
    setManner(this, LAZY, type === constants.MESIBO_SYNCTYPE_LAZY);
    setManner(this, ONLINE_ONLY, type === MESIBO_SYNCTYPE_ONLINEONLY);
    setManner(this, RECENT_ONLY, type === MESIBO_SYNCTYPE_RECENTONLY);
  },
  setProfileAccessLevels(levels) {
    this._markContact(LEVELS_GIVEN, false);
    this._markContact(levelBits(levels), true);
  },
  /** Takes away what the other was given to see of the own profile, and blocks the rest. */
  requestProfileRemoval(on = true) {
    this._markContact(LEVELS_GIVEN, false);
    this._markContact(BLOCKS.Profile[1], Boolean(on));
  },
  /** Among the recent ones without a message, too. */
  setRecent(on = true) {
    this._mark(RECENT, Boolean(on));
  },
  isSyncedProfileRecent() {
    return this._engine().getRecentProfiles().includes(this);
  },
  isUpdateRealtime() {
    return this._isGroup() || (this._contact() & (CONTACT | SUBSCRIBED)) !== 0;
  },
  subscribeTransient() {
    return this._isGroup() ? constants.MESIBO_RESULT_FAIL : constants.MESIBO_RESULT_OK;
  },
  e2ee() {
    return (fieldOf(this).endToEnd ??= endToEnd());
  },
  location() {
    return locationOf(this);
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
  profileMethods[`set${kind}`] = function (name, value, level) {
    setValue(this, name, value === undefined || value === null ? null : write(value), level);
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
