// Joins the engine (WebAssembly) and the records (JavaScript) into one API.

import * as core from "mesibo-core";
import { constants } from "./constants.js";
import { makeContactSynchronizer } from "./contacts.js";
import { MesiboDateTime } from "./datetime.js";
import {
  MesiboGroupPin,
  MesiboGroupSettings,
  MesiboMemberPermissions,
  engineMethods,
  groupMethods,
} from "./groups.js";
import {
  MesiboMessage,
  MesiboMessageProperties,
  MesiboPresence,
  hiddenOf,
  makePresence,
  putMessage,
  setDefaultEngine,
} from "./message.js";
import { MesiboProfileImage, profileMethods } from "./profile.js";

// Names of other generations: the same function under another name.
const ALIASES = {
  Mesibo: {
    setCredentials: "setAccessToken",
    setAppName: "setAppId",
    getAppName: "getAppId",
    setListener: "addListener",
    removeListner: "removeListener",
    random: "getUniqueMessageId",
  },
  MesiboProfile: { createPresence: "newPresence" },
  MesiboGroupCall: { publish: "createPublisher" },
  MesiboParticipant: {
    attach: "setVideoView",
    getPlayer: "getVideoView",
    getType: "getSid",
    getId: "getUid",
    isMe: "isLocal",
    muteStatus: "getMuteStatus",
  },
};

let api;

/** The API's classes, functions and constants, joined once the engine is instantiated. */
export function install() {
  if (api) return api;
  for (const [name, aliases] of Object.entries(ALIASES)) {
    const { prototype } = core[name];
    for (const [alias, current] of Object.entries(aliases)) prototype[alias] = prototype[current];
  }
  put(core.MesiboProfile.prototype, { ...profileMethods, ...groupMethods });
  put(core.Mesibo.prototype, engineMethods);
  class MesiboGroupProfile extends core.MesiboProfile {}
  class MesiboSelfProfile extends core.MesiboProfile {}
  const kinds = [core.MesiboProfile, MesiboGroupProfile, MesiboSelfProfile];

  // `new Mesibo()` gives the default instance while nobody has signed in with it.
  function Mesibo() {
    return core.Mesibo.create();
  }
  Mesibo.prototype = core.Mesibo.prototype;
  for (const name of ["getInstance", "version", "printVersion"]) Mesibo[name] = core.Mesibo[name];
  function MesiboReadSession(listener) {
    return core.MesiboReadSession.createReadSession(listener);
  }
  MesiboReadSession.prototype = core.MesiboReadSession.prototype;
  for (const name of ["createReadSession", "createReadSummarySession"]) {
    MesiboReadSession[name] = core.MesiboReadSession[name];
  }

  core.install({
    putMessage,
    makePresence,
    newMessage: (destination, engine) => {
      const message = new MesiboMessage(destination);
      hiddenOf(message).engine = engine;
      return message;
    },
    newPresence: (destination, engine) => {
      const presence = new MesiboPresence(destination);
      hiddenOf(presence).engine = engine;
      return presence;
    },
    newDateTime: (ts) => new MesiboDateTime(ts),
    setProfileKind: (profile, kind) => Object.setPrototypeOf(profile, kinds[kind].prototype),
  });
  setDefaultEngine(() => core.Mesibo.getInstance());

  core.MesiboProfile.getProfile = (address) => core.Mesibo.getInstance().getProfile(address, 0);
  core.MesiboProfile.getGroupProfile = (gid) => core.Mesibo.getInstance().getProfile(null, gid);
  core.MesiboProfile.getSelfProfile = () => core.Mesibo.getInstance().getSelfProfile();

  api = {
    Mesibo,
    MesiboProfile: core.MesiboProfile,
    MesiboGroupProfile,
    MesiboSelfProfile,
    MesiboProfileImage,
    MesiboGroupMember: core.MesiboGroupMember,
    MesiboGroupSettings,
    MesiboMemberPermissions,
    MesiboGroupPin,
    MesiboContactSynchronizer: makeContactSynchronizer(() => core.Mesibo.getInstance()),
    MesiboGroupCall: core.MesiboGroupCall,
    MesiboParticipant: core.MesiboParticipant,
    MesiboReadSession,
    MesiboMessageProperties,
    MesiboMessage,
    MesiboPresence,
    MesiboDateTime,
    array2String,
    ...constants,
  };
  return api;
}

/** Methods that do not show up when a page enumerates its objects. */
function put(prototype, methods) {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
  }
}

/** UTF-8 bytes to text; bounds are clipped, nothing gives nothing. */
export function array2String(data, offset = 0, length = undefined) {
  const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
  if (!(bytes instanceof Uint8Array)) return "";
  const whole = (value) => (typeof value === "number" && value > 0 ? Math.trunc(value) : 0);
  const start = Math.min(whole(offset), bytes.length);
  const end = length === undefined ? bytes.length : Math.min(bytes.length, start + whole(length));
  return new TextDecoder().decode(bytes.subarray(start, end));
}
