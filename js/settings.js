// Settings of the engine, small values of the page, and what the browser knows: plain forwarding.

import { constants } from "./constants.js";
import { setCallWait } from "./calls.js";
import { endToEnd } from "./encryption.js";
import { fileKind } from "./file.js";
import { fieldOf } from "./hidden.js";
import { locationManager } from "./location.js";
import { asNumber, numberOf, textOf } from "./values.js";

const { MESIBO_RESULT_OK: OK, MESIBO_RESULT_FAIL: FAIL } = constants;

// `Mesibo::setting` of the engine.
const FOREGROUND = 0;
const ONLINE_MODE = 1;
const ONLINE_TARGET = 2;
const RETRACTION_INTERVAL = 3;
const LOCAL_POLICY = 4;
const REMOTE_POLICY = 5;
const TRANSFERS = 6;

const keysOf = (api) => JSON.parse(api._keys() || "{}");
const putKeys = (api, keys) => api._setKeys(JSON.stringify(keys));

function setForeground(api, context, screen, on) {
  api._setting(FOREGROUND, Boolean(on));
  queueMicrotask(() => api._tell("Foreground", [context, screen, Boolean(on)]));
  return true;
}

/** What `navigator.connection` says, as the API numbers it. */
function connectivity() {
  const { onLine, connection } = globalThis.navigator ?? {};
  if (onLine === false) return constants.MESIBO_CONNECTIVITY_DISCONNECTED;
  if (["wifi", "ethernet"].includes(connection?.type)) return constants.MESIBO_CONNECTIVITY_WIFI;
  if (connection?.type !== "cellular") return constants.MESIBO_CONNECTIVITY_UNKNOWN;
  const generation = connection.effectiveType?.slice(-2).toUpperCase();
  return constants[`MESIBO_CONNECTIVITY_${generation}`] ?? constants.MESIBO_CONNECTIVITY_UNKNOWN;
}

/** Methods of the API object. */
export const settingMethods = {
  setAppInForeground(context, screen, on) {
    return setForeground(this, context, screen, on);
  },
  setForegroundContext(context, screen, on) {
    setForeground(this, context, screen, on);
  },
  isAppInForeground() {
    return this._setting(FOREGROUND) !== 0;
  },
  setOnlineStatusMode(mode) {
    this._setting(ONLINE_MODE, mode);
  },
  setOnlineStatusTarget(target) {
    this._setting(ONLINE_TARGET, target);
  },
  /** 0: who watches sees the user online; everything else: contacts only. */
  setOnlineStatusPrivacy(privacy) {
    this._setting(ONLINE_TARGET, privacy ? constants.MESIBO_GROUP_CONTACTS : 0);
  },
  setMessageRetractionInterval(seconds) {
    if (!(asNumber(seconds) >= 0)) return FAIL;
    this._setting(RETRACTION_INTERVAL, seconds);
    return OK;
  },
  getMessageRetractionInterval() {
    return this._setting(RETRACTION_INTERVAL);
  },
  setMessageRetractionPolicy(mask) {
    this._setting(LOCAL_POLICY, mask);
    return OK;
  },
  setRemoteRetractionPolicy(mask) {
    this._setting(REMOTE_POLICY, mask);
    return OK;
  },
  enableFileTransfer(on = true) {
    this._setting(TRANSFERS, Boolean(on));
  },
  isFileTransferEnabled() {
    return this._setting(TRANSFERS) !== 0;
  },
  getUploadUrl() {
    return this._uploadTarget()[0];
  },
  getUploadAuthToken() {
    return this._uploadTarget()[1];
  },
  getFileType(name) {
    return fileKind(textOf(name));
  },

  setKey(key, value) {
    return putKeys(this, { ...keysOf(this), [textOf(key)]: textOf(value) });
  },
  readKey(key) {
    const keys = keysOf(this);
    const name = textOf(key);
    return Object.hasOwn(keys, name) ? keys[name] : null;
  },
  deleteKey(key) {
    const { [textOf(key)]: known, ...rest } = keysOf(this);
    return known !== undefined && putKeys(this, rest);
  },

  getNetworkConnectivity: connectivity,
  setPushToken(token, voip = false) {
    return this._setPushToken(textOf(token), Boolean(voip)) ? OK : FAIL;
  },
  setConfiguration(type, value) {
    (fieldOf(this).configuration ??= {})[textOf(type)] = value;
    setCallWait(this, textOf(type), numberOf(value));
  },
  setBufferLen() {
    return OK;
  },
  /** Our tokens do not say which app they are for, nor until when they hold. */
  getAppIdForAccessToken() {
    return "";
  },
  getAccessTokenValidity() {
    return 0;
  },
  getStartTimestamp() {
    return fieldOf(this).started ?? 0;
  },
  subscribeTransient(addresses) {
    const list = Array.isArray(addresses) ? addresses : [addresses];
    const known = list.map((address) => this.getProfile(address, 0));
    return known.some(Boolean) ? OK : constants.MESIBO_RESULT_BADREQ;
  },
  e2ee() {
    return (fieldOf(this).endToEnd ??= endToEnd());
  },
  getLocationManager() {
    return locationManager(this);
  },
};
