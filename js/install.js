// Joins the engine (WebAssembly) and the records (JavaScript) into one API.

import * as core from "mesibo-core";
import { constants } from "./constants.js";
import { callMethods, callProfileMethods } from "./calls.js";
import { makeContactSynchronizer } from "./contacts.js";
import { MesiboDateTime } from "./datetime.js";
import { mesiboVerbs, profileVerbs, sessionVerbs } from "./verbs.js";
import { MesiboFileTransfer, readFile, thumbnailOf, toBase64, transferOf } from "./file.js";
import { fieldOf } from "./hidden.js";
import { MesiboHttp } from "./http.js";
import {
  MesiboGroupPin,
  MesiboGroupSettings,
  MesiboMemberPermissions,
  engineMethods,
  groupMethods,
} from "./groups.js";
import { MesiboMessage, putMessage } from "./message.js";
import { MesiboPresence, makePresence } from "./presence.js";
import { MesiboMessageProperties, setDefaultEngine } from "./record.js";
import { initServiceWorker } from "./service-worker.js";
import { MesiboEndToEndEncryption } from "./encryption.js";
import {
  MesiboLocation,
  MesiboLocationConfig,
  MesiboLocationManager,
  onReserved,
} from "./location.js";
import { MesiboProfileImage } from "./pictures.js";
import { profileMethods, resumePicture } from "./profile.js";
import {
  MesiboGroupCallAdmin,
  MesiboParticipantAdmin,
  groupCallMethods,
  subscriberOf,
  participantMethods,
} from "./rooms.js";
import { makeProfileSearch } from "./search.js";
import { settingMethods } from "./settings.js";
import { callPage, methodOf } from "./told.js";
import { numberOf, textOf, u32Of } from "./values.js";

// Names of other generations: the same function under another name.
const ALIASES = {
  Mesibo: {
    setCredentials: "setAccessToken",
    setAppName: "setAppId",
    getAppName: "getAppId",
    setListener: "addListener",
    removeListner: "removeListener",
    random: "getUniqueMessageId",
    createHttpRequest: "createhttpRequest",
    setConfiuration: "setConfiguration",
    setOnlinestatusTarget: "setOnlineStatusTarget",
  },
  MesiboProfile: { createPresence: "newPresence", isCallInProgres: "isCallInProgress" },
  MesiboGroupCall: { publish: "createPublisher" },
  MesiboParticipant: {
    attach: "setVideoView",
    getPlayer: "getVideoView",
    getType: "getSid",
    getId: "getUid",
    isMe: "isLocal",
    isVideoCall: "hasVideo",
    muteStatus: "getMuteStatus",
    changeSource: "switchSource",
    getTalkTimstamp: "getTalkTimestamp",
  },
};

// What another function answers already, said in other words: shorter here than in the engine.
const SHORTCUTS = {
  Mesibo: {
    isOnline() {
      return this.getConnectionStatus() === constants.MESIBO_STATUS_ONLINE;
    },
    isAccountSuspended() {
      return this.getConnectionStatus() === constants.MESIBO_STATUS_SUSPEND;
    },
    isAccountPaid() {
      return true;
    },
    version: () => core.Mesibo.version(),
    // 4: a browser.
    getDeviceType() {
      return 4;
    },
    getSortedProfiles() {
      return this._sorted(false);
    },
    getUserProfile(address) {
      return this.getProfile(address);
    },
    getGroupProfile(gid) {
      return this.getProfile(null, gid);
    },
    getSenderMessageId(mid) {
      return u32Of(mid);
    },
  },
  MesiboProfile: {
    getFirstName() {
      return this.getName()?.split(/\s+/).find(Boolean) ?? null;
    },
    isValidDestination() {
      return this.isGroup() || this.getAddress() !== "";
    },
  },
};

/** A rectangle, pixels. */
class MesiboRect {
  constructor(left = 0, top = 0, right = 0, bottom = 0) {
    Object.assign(this, { left, top, right, bottom });
  }
}

/** How an image is to be shown: plain values of the page. */
class MesiboMediaProperties {
  crop = null;
  gravity = constants.MESIBO_CROP_GRAVITY_CENTER;
  maxSide = 0;
  quality = 0;
}

function printVersion(...words) {
  console.log(["mesibo", core.Mesibo.version(), ...words.map(textOf)].join(" "));
}

const lenders = new WeakMap();

/** Pages of 2022 ask the listener they have made for a summary, `this.getMessages()`. */
function lendMessages(listener, session) {
  if (typeof listener !== "object" || !listener) return;
  if (Object.getPrototypeOf(listener) !== Object.prototype) return;
  const isOwn = "getMessages" in listener && !lenders.has(listener);
  if (isOwn || !Object.isExtensible(listener)) return;
  lenders.set(listener, session);
  const value = () => lenders.get(listener).getMessages();
  Object.defineProperty(listener, "getMessages", { value, writable: true, configurable: true });
}

let api;

/** The API's classes, functions and constants, joined once the engine is instantiated. */
export function install() {
  if (api) return api;
  if (globalThis.isSecureContext === false) {
    console.warn("mesibo: without https this page has no camera, microphone or service worker");
  }
  const MesiboContactSynchronizer = makeContactSynchronizer(() => core.Mesibo.getInstance());
  for (const [name, shortcuts] of Object.entries(SHORTCUTS)) put(core[name].prototype, shortcuts);
  const { start } = core.Mesibo.prototype;
  put(core.Mesibo.prototype, {
    ...mesiboVerbs,
    ...engineMethods,
    ...settingMethods,
    ...callMethods,
  });
  put(core.Mesibo.prototype, {
    start() {
      const { MESIBO_STATUS_UNKNOWN, MESIBO_STATUS_STOPPED } = constants;
      const status = this.getConnectionStatus();
      if (status === MESIBO_STATUS_UNKNOWN || status === MESIBO_STATUS_STOPPED) {
        fieldOf(this).started = this.getTimestamp();
      }
      MesiboContactSynchronizer._again(this);
      return start.call(this);
    },
  });
  put(core.MesiboProfile.prototype, { ...profileVerbs, ...profileMethods, ...groupMethods });
  put(core.MesiboProfile.prototype, callProfileMethods);
  put(core.MesiboReadSession.prototype, sessionVerbs);
  // Where the engine has an object is no field of it that JSON, cloning or a loop should find.
  for (const { prototype } of Object.values(core).filter((made) => made.prototype?.free)) {
    Object.defineProperty(prototype, "__wbg_ptr", {
      set(value) {
        const place = { value, configurable: true, writable: true };
        Object.defineProperty(this, "__wbg_ptr", place);
      },
    });
  }
  for (const [kind, methods] of [
    [core.MesiboParticipant, participantMethods],
    [core.MesiboGroupCall, groupCallMethods],
  ]) {
    put(kind.prototype, methods(methodsOf(kind.prototype)));
  }
  for (const [name, aliases] of Object.entries(ALIASES)) {
    const { prototype } = core[name];
    const current = ([alias, name]) => [alias, prototype[name]];
    put(prototype, Object.fromEntries(Object.entries(aliases).map(current)));
  }
  class MesiboGroupProfile extends core.MesiboProfile {}
  class MesiboSelfProfile extends core.MesiboProfile {}
  const kinds = [core.MesiboProfile, MesiboGroupProfile, MesiboSelfProfile];

  // `new Mesibo()` gives the default instance while nobody has signed in with it.
  function Mesibo() {
    return extended(core.Mesibo.create(), Mesibo, new.target);
  }
  Mesibo.prototype = core.Mesibo.prototype;
  put(Mesibo.prototype, { constructor: Mesibo });
  for (const name of ["getInstance", "version"]) Mesibo[name] = core.Mesibo[name];
  Mesibo.printVersion = printVersion;
  Mesibo.initServiceWorker = initServiceWorker;
  function MesiboReadSession(listener) {
    const session = core.MesiboReadSession.createReadSession(listener);
    lendMessages(listener, session);
    return extended(session, MesiboReadSession, new.target);
  }
  MesiboReadSession.prototype = core.MesiboReadSession.prototype;
  put(MesiboReadSession.prototype, { constructor: MesiboReadSession });
  for (const name of ["createReadSession", "createReadSummarySession"]) {
    MesiboReadSession[name] = core.MesiboReadSession[name];
  }

  MesiboReadSession.getSession = (id) =>
    core.MesiboReadSession._active().find((session) => session.getSession() === numberOf(id)) ??
    null;
  put(MesiboMessageProperties.prototype, {
    // The page may have replaced what a session has under this name.
    getReadSession() {
      const { _active, prototype } = core.MesiboReadSession;
      const isThis = ({ mid }) => mid === this.mid;
      const has = (session) => prototype.getMessages.call(session).some(isThis);
      return _active().find(has) ?? null;
    },
  });
  MesiboReadSession.endAllSessions = () => {
    for (const session of core.MesiboReadSession._active()) session.stop();
  };

  core.install({
    onReserved,
    putMessage,
    makePresence,
    readFile,
    thumbnailOf,
    resumePicture,
    transfer: transferOf,
    toBase64,
    method: methodOf,
    call: callPage,
    subscriber: subscriberOf,
    isIncoming: (record) => Boolean(fieldOf(record).incoming),
    setProfileKind: (profile, kind) => Object.setPrototypeOf(profile, kinds[kind].prototype),
  });
  setDefaultEngine(() => core.Mesibo.getInstance());
  MesiboLocationManager.getInstance = () => core.Mesibo.getInstance().getLocationManager();

  core.MesiboProfile.getProfile = (address) => core.Mesibo.getInstance().getProfile(address, 0);
  core.MesiboProfile.getGroupProfile = (gid) => core.Mesibo.getInstance().getProfile(null, gid);
  core.MesiboProfile.get = (hash) =>
    core.Mesibo.getInstance()
      ._sorted(true)
      .find((profile) => profile.getHashCode() === hash) ?? null;
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
    MesiboContactSynchronizer,
    MesiboProfileSearch: makeProfileSearch(() => core.Mesibo.getInstance()),
    MesiboLocation,
    MesiboLocationConfig,
    MesiboLocationManager,
    MesiboEndToEndEncryption,
    MesiboMediaProperties,
    MesiboRect,
    MesiboGroupCall: core.MesiboGroupCall,
    MesiboParticipant: core.MesiboParticipant,
    MesiboGroupCallAdmin,
    MesiboParticipantAdmin,
    MesiboReadSession,
    MesiboMessageProperties,
    MesiboMessage,
    MesiboPresence,
    MesiboDateTime,
    MesiboFileTransfer,
    MesiboHttp,
    array2String,
    ...constants,
  };
  // What consoles and frameworks call them, whatever a bundler made of their names.
  for (const [name, value] of Object.entries(api)) {
    if (typeof value === "function") put(value, { name });
  }
  return api;
}

/** An object of the engine; of a class that the page made of ours, when it is that which is made. */
function extended(object, ours, made) {
  return made && made !== ours ? Object.setPrototypeOf(object, made.prototype) : object;
}

/** What a class has now, by name. */
function methodsOf(prototype) {
  const all = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  return Object.fromEntries(all.map(([name, { value }]) => [name, value]));
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
