// Groups: the shapes in which pages pass settings, members and PINs, made one; the objects they
// may construct.

import { constants } from "./constants.js";
import { fieldOf } from "./hidden.js";
import { textOf } from "./values.js";

const {
  MESIBO_RESULT_OK: OK,
  MESIBO_RESULT_FAIL: FAIL,
  MESIBO_RESULT_BADREQ: BAD_REQUEST,
} = constants;

export class MesiboGroupSettings {
  constructor(settings) {
    this.name = "";
    this.flags = 0;
    this.callFlags = 0;
    this.callDuration = 0;
    this.videoResolution = 0;
    this.expiry = 0;
    Object.assign(this, settings);
  }
}

export class MesiboMemberPermissions {
  constructor(permissions) {
    this.flags = 0;
    this.adminFlags = 0;
    this.callFlags = 0;
    this.callDuration = 0;
    this.videoResolution = 0;
    this.expiry = 0;
    Object.assign(this, permissions);
  }
}

export class MesiboGroupPin {
  constructor(pin) {
    this.pin = 0;
    this.permissions = new MesiboMemberPermissions();
    Object.assign(this, pin);
  }
}

/** A list, or addresses with commas between them. */
function addressesOf(list) {
  const all = Array.isArray(list) ? list : textOf(list).split(",");
  const texts = all.map((address) => textOf(address?.getAddress?.() ?? address).trim());
  return texts.filter(Boolean);
}

const listenerOf = (value) =>
  typeof value === "function" || typeof value === "object" ? value : null;

// Eight digits that nobody guesses; the server takes the next free number.
const drawPin = () => 10_000_000 + (crypto.getRandomValues(new Uint32Array(1))[0] % 90_000_000);

function change(profile, verb, object, listener, addresses = []) {
  if (!profile._isGroup()) return FAIL;
  fieldOf(profile).requestId = (fieldOf(profile).requestId ?? 0) + 1;
  profile._change(verb, addresses, object, listenerOf(listener));
  return OK;
}

function changeMembers(profile, verb, list, object, listener) {
  const addresses = addressesOf(list);
  if (!addresses.length) return profile._isGroup() ? BAD_REQUEST : FAIL;
  return change(profile, verb, object, listener, addresses);
}

// A listener is an object or a function; permissions are an object with what they allow.
function addMembers(profile, list, second, third, fourth) {
  const positional = typeof second !== "object" || second === null;
  const permissions = positional ? { flags: second, adminFlags: third } : second;
  return changeMembers(profile, "put", list, permissions, positional ? fourth : third);
}

const removeMembers = (profile, list, listener) =>
  changeMembers(profile, "remove", list, null, listener);

/** The methods, to be put on the prototype of all profiles: on a user they fail softly. */
export const groupMethods = {
  setProperties(settings, listener) {
    return change(this, "set", settings ?? {}, listener);
  },
  addMembers(list, second, third, fourth) {
    return addMembers(this, list, second, third, fourth);
  },
  addMember(address, permissions, pin) {
    return addMembers(this, [address], permissions, pin);
  },
  removeMembers(list, listener) {
    return removeMembers(this, list, listener);
  },
  removeMember(address, listener) {
    return removeMembers(this, [address], listener);
  },
  admitMembers(list, admit = true, listener) {
    return changeMembers(this, "admit", list, Boolean(admit), listener);
  },
  deleteGroup() {
    return change(this, "delete") === OK;
  },
  leave() {
    change(this, "leave");
  },
  join(pin, listener) {
    change(this, "join", pin, listener);
  },
  addPin(permissions, listener, expiry, count) {
    change(
      this,
      "addPin",
      { pin: drawPin(), permissions: permissions ?? {}, expiry, count },
      listener,
    );
  },
  editPin(pin, permissions, expiry, count, listener) {
    return (
      change(this, "editPin", { pin, permissions: permissions ?? {}, expiry, count }, listener) ===
      OK
    );
  },
  removePin(pin, listener) {
    return change(this, "removePin", pin, listener) === OK;
  },
  getRequestId() {
    return fieldOf(this).requestId ?? 0;
  },
  getGroupProfile() {
    return this._isGroup() ? this : null;
  },
};

// By the own admin flags last received.
const RIGHTS = {
  isOwner: constants.MESIBO_ADMINFLAG_OWNER,
  canAdmin: constants.MESIBO_OWNERFLAG_ALL,
  canModify: constants.MESIBO_ADMINFLAG_MODIFY,
  canAddMembers: constants.MESIBO_ADMINFLAG_ADDUSER,
  canRemoveMembers: constants.MESIBO_ADMINFLAG_REMUSER,
  canAddAdmins: constants.MESIBO_ADMINFLAG_ADDADMIN,
  canRemoveAdmins: constants.MESIBO_ADMINFLAG_REMADMIN,
  canRemoveOwner: constants.MESIBO_ADMINFLAG_REMOWNER,
  canRemoveGroup: constants.MESIBO_ADMINFLAG_REMGROUP,
};
for (const [name, flag] of Object.entries(RIGHTS)) {
  groupMethods[name] = function () {
    return (this._adminFlags() & flag) !== 0;
  };
}

/** The methods of the API object. */
export const engineMethods = {
  createGroup(first, second, third) {
    const named = typeof first === "string";
    const settings = named ? { name: first, flags: second } : (first ?? {});
    if (!settings.name || !this._hasToken()) return false;
    this._createGroup(settings, listenerOf(named ? third : second));
    return true;
  },
  getUserProfileIfExists(address) {
    return this.getProfileIfExists(address, 0);
  },
  getGroupProfileIfExists(gid) {
    return this.getProfileIfExists(null, gid);
  },
  /** First generation: what the page itself knows of somebody; nothing goes to the server. */
  setContact(contact) {
    const profile = this.getProfile(contact?.address, contact?.groupid);
    if (!profile) return null;
    if (contact.name !== undefined) profile._edit(0, contact.name);
    if (contact.status !== undefined) profile._edit(1, contact.status);
    if (contact.picture !== undefined) profile._edit(2, contact.picture);
    if (contact.members !== undefined) fieldOf(profile).members = textOf(contact.members);
    if (contact.hidden !== undefined) profile._mark(8, Boolean(contact.hidden));
    profile._keep();
    return profile;
  },
};
