// The records a page gets and makes: their data are own properties, so that pages read, set,
// spread, stringify and clone them; their verbs hand them to the engine.
//
// Links to other objects (profile, groupProfile, file) are accessors on the prototype: cloning
// and JSON skip them.

import { constants } from "./constants.js";
import { MesiboDateTime } from "./datetime.js";
import { contentToSend, withFile } from "./file.js";
import { fieldOf } from "./hidden.js";
import { callPage } from "./told.js";
import {
  asBoolean,
  asInteger,
  asNumber,
  asString,
  gidOf,
  numberOf,
  textOf,
  typed,
  u32Of,
  wholeOf,
} from "./values.js";

const STATUS = {
  OUTBOX: 0,
  SENT: 1,
  DELIVERED: 2,
  READ: 3,
  RECEIVEDNEW: 0x12,
  RECEIVEDREAD: 0x13,
  CALLMISSED: 0x15,
  CALLINCOMING: 0x16,
  CALLOUTGOING: 0x17,
  CUSTOM: 0x20,
  DELETED: 0x21,
  WIPED: 0x22,
  DATETIME: 0x24,
  HEADER: 0x25,
  INVISIBLE: 0x26,
  FAIL: 0x80,
};
const { MESIBO_FLAG_DELIVERYRECEIPT: DELIVERY, MESIBO_FLAG_READRECEIPT: READ_RECEIPT } = constants;
const UNSET_DEGREES = -720;
const NO_DATA = new Uint8Array();

let defaultEngine = () => {
  throw new Error("the SDK is not loaded");
};

/** Tells how to find the engine of records that pages make themselves. */
export function setDefaultEngine(find) {
  defaultEngine = find;
}

/** The engine that a record belongs to. */
export function engineOf(record) {
  return fieldOf(record).engine ?? defaultEngine();
}

export class MesiboMessageProperties {
  constructor(destination) {
    this.mid = 0;
    this.id = 0;
    this.refid = 0;
    this.rsid = 0;
    this.ts = 0;
    this.date = undefined;
    this.peer = "";
    this.groupid = 0;
    this.type = 0;
    this.expiry = -1;
    this.status = STATUS.OUTBOX;
    this.statusFlags = 0;
    this.flag = DELIVERY | READ_RECEIPT;
    this.origin = constants.MESIBO_ORIGIN_REALTIME;
    this.rcount = 0;
    this.rc = 0;
    if (typeof destination === "number") this.groupid = gidOf(destination);
    else if (typeof destination === "string") this.peer = destination;
    else if (destination) {
      // Past what the page may have hung on the profile under these names.
      const own = Object.getPrototypeOf(Object(destination));
      if (typeof own?.getGroupId !== "function") return;
      this.groupid = own.getGroupId.call(destination);
      this.peer = this.groupid ? "" : own.getAddress.call(destination);
    }
  }

  get profile() {
    const known = fieldOf(this);
    return known.profile ?? engineOf(this)._profileOf(this);
  }

  set profile(profile) {
    fieldOf(this).profile = profile;
  }

  get groupProfile() {
    const known = fieldOf(this);
    if (known.groupProfile !== undefined) return known.groupProfile;
    return this.isGroupMessage() ? engineOf(this).getProfile(null, this.groupid) : null;
  }

  set groupProfile(profile) {
    fieldOf(this).groupProfile = profile;
  }

  getMessageId() {
    return this.mid;
  }
  setMessageId(id) {
    if (!this.mid && u32Of(id)) this.id = u32Of(id);
  }
  getStatus() {
    return this.status;
  }
  setStatus(status) {
    if (!this.mid || this.isCustom()) this.status = numberOf(status) || 0;
  }
  getExpiry() {
    return this.expiry;
  }
  setExpiry(seconds) {
    this.expiry = asNumber(seconds) ?? -1;
  }
  getType() {
    return this.type;
  }
  setType(type) {
    this.type = u32Of(type);
  }
  getOrigin() {
    return this.origin;
  }
  getFlags() {
    return this.flag;
  }
  setFlag(flag) {
    this.flag = u32Of(flag);
  }
  /** Several with commas between them, or a list, make a broadcast. */
  setPeer(address) {
    this.peer = textOf(address);
    if (this.peer.includes(",")) this.enableBroadcast(true);
  }
  setGroup(gid) {
    this.groupid = gidOf(gid);
  }
  setInReplyTo(mid) {
    this.refid = numberOf(mid) || 0;
  }
  setInReplyToMessage(message) {
    this.refid = message?.mid ?? 0;
  }
  getInReplyTo() {
    return this.refid;
  }
  setThreadId(thread) {
    fieldOf(this).thread = u32Of(thread);
  }
  getThreadId() {
    return fieldOf(this).thread ?? 0;
  }
  getTimestamp() {
    return new MesiboDateTime(this.ts);
  }
  getProfile() {
    return this.profile;
  }
  getPeerProfile() {
    return this.profile;
  }
  getGroupProfile() {
    return this.groupProfile;
  }
  getSenderProfile() {
    return this.isOutgoing() ? engineOf(this).getSelfProfile() : this.profile;
  }
  getCurrentStatusSender() {
    return fieldOf(this).reporter ?? null;
  }
  getCurrentStatus() {
    return fieldOf(this).reported ?? this.status;
  }
  getDeliveryTimestamp(peer, callback) {
    return receiptTime(this, peer, callback, "delivered");
  }
  getReadTimestamp(peer, callback) {
    return receiptTime(this, peer, callback, "read");
  }

  enableReadReceipt(on = true) {
    setFlag(this, READ_RECEIPT, on);
  }
  enableDeliveryReceipt(on = true) {
    setFlag(this, DELIVERY, on);
  }
  enableTransient(on = true) {
    setFlag(this, constants.MESIBO_FLAG_TRANSIENT, on);
  }
  enablePresence(on = true) {
    setFlag(this, constants.MESIBO_FLAG_PRESENCE, on);
  }
  enableBroadcast(on = true) {
    setFlag(this, constants.MESIBO_FLAG_BROADCAST, on);
  }
  enableCustom(on = true) {
    setFlag(this, constants.MESIBO_FLAG_SAVECUSTOM, on);
  }
  enableModify(on = true) {
    fieldOf(this).modify = Boolean(on);
  }
  setUserData(number) {
    fieldOf(this).userNumber = u32Of(number);
  }
  getUserData() {
    return fieldOf(this).userNumber ?? 0;
  }
  getCallDuration() {
    return fieldOf(this).callDuration ?? 0;
  }
  markDeleted(on = true) {
    mark(this, "markedDeleted", on);
  }
  markWiped(on = true) {
    mark(this, "markedWiped", on);
  }

  compare(address, gid) {
    if (address && typeof address === "object") return this.isFromSamePeer(address);
    const group = gidOf(gid);
    return group ? this.groupid === group : !this.groupid && this.peer === textOf(address);
  }
  isFromSamePeer(other) {
    return (
      Boolean(other) &&
      this.groupid === other.groupid &&
      (this.isGroupMessage() || this.peer === other.peer)
    );
  }
  isDestinedFor(profile) {
    if (typeof profile?.getGroupId !== "function") return false;
    const gid = profile.getGroupId();
    return gid || this.isGroupMessage() ? gid === this.groupid : profile.getAddress() === this.peer;
  }

  isIncoming() {
    const { incoming } = fieldOf(this);
    if (this.isCall()) return false;
    return incoming ?? (this.status === STATUS.RECEIVEDNEW || this.status === STATUS.RECEIVEDREAD);
  }
  isOutgoing() {
    const { incoming } = fieldOf(this);
    if (this.isCustom() || this.isDate() || this.isHeader() || this.isCall()) return false;
    if (incoming !== undefined) return !incoming;
    return this.status <= STATUS.READ || this.isFailed();
  }
  isInOutbox() {
    return this.isMessage() && this.status === STATUS.OUTBOX;
  }
  isPending() {
    return this.isInOutbox();
  }
  isSent() {
    return this.status === STATUS.SENT;
  }
  isDelivered() {
    return this.status === STATUS.DELIVERED;
  }
  isReadByPeer() {
    return this.status === STATUS.READ;
  }
  isReadByUs() {
    return this.status === STATUS.RECEIVEDREAD;
  }
  isUnread() {
    return this.status === STATUS.RECEIVEDNEW;
  }
  isFailed() {
    return (u32Of(this.status) & STATUS.FAIL) !== 0;
  }
  isMessageStatusInProgress() {
    return this.isInOutbox() || Boolean(this.isFileTransferInProgress?.());
  }
  isMessage() {
    return (
      !this.isPresence() &&
      (this.status <= STATUS.RECEIVEDREAD || this.isFailed() || this.isDeleted() || this.isWiped())
    );
  }
  isDate() {
    return this.status === STATUS.DATETIME;
  }
  isHeader() {
    return this.status === STATUS.HEADER;
  }
  isInvisible() {
    return this.status === STATUS.INVISIBLE;
  }
  isCustom() {
    return this.status === STATUS.CUSTOM;
  }
  isSavedMessage() {
    return this.isCustom();
  }
  isCall() {
    return this.isMissedCall() || this.isIncomingCall() || this.isOutgoingCall();
  }
  isMissedCall() {
    return this.status === STATUS.CALLMISSED;
  }
  isIncomingCall() {
    return this.status === STATUS.CALLINCOMING;
  }
  isOutgoingCall() {
    return this.status === STATUS.CALLOUTGOING;
  }
  isGroupMessage() {
    return gidOf(this.groupid) > 0;
  }
  isRealtimeMessage() {
    return this.origin === constants.MESIBO_ORIGIN_REALTIME;
  }
  isDbMessage() {
    return this.origin === constants.MESIBO_ORIGIN_DBMESSAGE;
  }
  isDbSummaryMessage() {
    return this.origin === constants.MESIBO_ORIGIN_DBSUMMARY;
  }
  isDbPendingMessage() {
    return this.origin === constants.MESIBO_ORIGIN_PENDING;
  }
  isPendingMessage() {
    return this.isDbPendingMessage();
  }
  isLastMessage() {
    return Boolean(fieldOf(this).last);
  }
  isReply() {
    return numberOf(this.refid) > 0;
  }
  isForwarded() {
    return Boolean(fieldOf(this).forwarded);
  }
  isModified() {
    return Boolean(fieldOf(this).modified);
  }
  isModifiedByPeer() {
    return this.isModified() && this.isIncoming();
  }
  isUpdated() {
    return Boolean(fieldOf(this).updated);
  }
  isDeleted() {
    return this.status === STATUS.DELETED || Boolean(fieldOf(this).markedDeleted);
  }
  isWiped() {
    return this.status === STATUS.WIPED || Boolean(fieldOf(this).markedWiped);
  }
  isDeletedOrExpired() {
    const { MESIBO_MSGSTATUS_EXPIRED: EXPIRED } = constants;
    return this.isDeleted() || this.isWiped() || this.status === EXPIRED;
  }
  isVideoCall() {
    return this.isCall() && (this.type & constants.MESIBO_CALLFLAG_VIDEO) !== 0;
  }
  isVoiceCall() {
    return this.isCall() && !this.isVideoCall();
  }
  isPstnCall() {
    return false;
  }
  isDynamic() {
    return false;
  }
  isEndToEndEncrypted() {
    return false;
  }
  isEndToEndEncryptionStatus() {
    return this.status === constants.MESIBO_MSGSTATUS_E2E;
  }
  isChatListMessage() {
    return this.isDbSummaryMessage();
  }
  isPresence() {
    return this.presence !== undefined;
  }
}

// Numbers that travel with a message and are no fields of its record.
for (const [name, field] of Object.entries({
  Age: "age",
  AgeAfterDelivered: "ageDelivered",
  AgeAfterRead: "ageRead",
  Sensitivity: "sensitivity",
})) {
  Object.defineProperties(MesiboMessageProperties.prototype, {
    [`set${name}`]: method(function (number) {
      fieldOf(this)[field] = Math.max(0, numberOf(number)) >>> 0;
    }),
    [`get${name}`]: method(function () {
      return fieldOf(this)[field] ?? 0;
    }),
  });
}

function method(value) {
  return { value, configurable: true, writable: true };
}

function mark(record, name, on) {
  fieldOf(record)[name] = Boolean(on);
}

// What a page writes over an accessor is its own field from then on.
function own(record, name, value) {
  const property = { value, writable: true, enumerable: true, configurable: true };
  Object.defineProperty(record, name, property);
}

function setFlag(record, bit, on) {
  const flag = u32Of(record.flag);
  record.flag = on ? flag | bit : flag & ~bit;
}

function later(record, callback, answer) {
  queueMicrotask(() => callPage(callback, record, [answer]));
}

// One answer for each question, later; without a callback what is known now.
function receiptTime(record, peer, callback, which) {
  const receipts = fieldOf(record).receipts ?? {};
  const address = textOf(peer?.getAddress?.() ?? peer) || Object.keys(receipts)[0];
  const ts = receipts[address]?.[which] ?? 0;
  const at = ts > 0 ? new MesiboDateTime(ts) : null;
  if (typeof callback === "function") later(record, callback, at);
  return at;
}

export class MesiboMessage extends withFile(MesiboMessageProperties) {
  constructor(destination) {
    super(destination);
    this.message = undefined;
    this.data = undefined;
    this.title = undefined;
    this.subtitle = undefined;
    this.footer = undefined;
    this.latitude = UNSET_DEGREES;
    this.longitude = UNSET_DEGREES;
    this.filetype = undefined;
    this.fileurl = undefined;
    this.launchurl = undefined;
    this.size = undefined;
    this.tn = undefined;
  }

  // As an entry of a list a message is a contact as well: pages of the first generations draw it,
  // open it and write on it.
  get address() {
    return this.isGroupMessage() ? "" : this.peer;
  }
  set address(address) {
    own(this, "address", address);
  }
  get name() {
    const { profile, groupProfile } = this;
    return (groupProfile ?? profile)?.getNameOrAddress() ?? "";
  }
  set name(name) {
    own(this, "name", name);
  }
  get picture() {
    const { profile, groupProfile } = this;
    return (groupProfile ?? profile)?.getImage().getImageOrThumbnail() ?? undefined;
  }
  set picture(url) {
    own(this, "picture", url);
  }
  /** Of a group whose members the page has said. */
  get members() {
    return fieldOf(this.groupProfile ?? this).members;
  }
  set members(members) {
    own(this, "members", members);
  }
  get lastMessage() {
    return this;
  }
  set lastMessage(message) {
    own(this, "lastMessage", message);
  }

  canSend() {
    const reachable = this.isGroupMessage() || Boolean(this.peer);
    return reachable && Boolean(this.message || this.data?.byteLength || this.isRichMessage());
  }
  send() {
    const extras = fieldOf(this);
    if (extras.modify && this.mid) return this.sendUpdate();
    takeText(this);
    const several =
      u32Of(this.flag) & constants.MESIBO_FLAG_BROADCAST ? addressesOf(this.peer) : [];
    if (several.length > 1) return broadcast(this, several);
    return engineOf(this)._send(this, extras, true, contentToSend(this));
  }
  /** Kept here, never sent. What would have to be uploaded is nowhere then. */
  save() {
    if (contentToSend(this)) return constants.MESIBO_RESULT_BADREQ;
    setFlag(this, constants.MESIBO_FLAG_SAVECUSTOM, true);
    takeText(this);
    return engineOf(this)._send(this, fieldOf(this), false);
  }
  /** For who is there now: stored nowhere. */
  sendPresence() {
    this.enablePresence(true);
    this.enableTransient(true);
    return this.send();
  }
  sendToWebhook() {
    console.warn("mesibo: sendToWebhook: this server has no webhook");
    return constants.MESIBO_RESULT_FAIL;
  }
  resend() {
    return engineOf(this)._resend(this);
  }
  sendUpdate() {
    takeText(this);
    return engineOf(this)._edit(this, fieldOf(this));
  }

  delete() {
    return Promise.resolve(engineOf(this)._remove([this]));
  }
  wipe() {
    return Promise.resolve(engineOf(this)._wipe([this]));
  }
  recall() {
    return Promise.resolve(engineOf(this)._recall(this));
  }
  // A recalled message is wiped here as well: only its place stays.
  wipeAndRecall() {
    return this.recall();
  }
  mayBeRetracted() {
    return engineOf(this)._mayChange(this);
  }

  forward(profile) {
    const copy = new MesiboMessage(profile);
    for (const name of FORWARDED) copy[name] = this[name];
    for (const name of FORWARDED_HIDDEN) fieldOf(copy)[name] = fieldOf(this)[name];
    fieldOf(copy).forwarded = this.markForwarded !== false;
    return copy;
  }
  setForwarded(_mids) {
    fieldOf(this).forwarded = true;
  }
  setForwardedMid(_mid) {
    fieldOf(this).forwarded = true;
  }
  reply() {
    return answerTo(this, gidOf(this.groupid) || this.peer);
  }
  replyToPeer() {
    return answerTo(this, this.peer);
  }
  getRepliedToMessage(callback) {
    if (!this.refid) {
      if (typeof callback === "function") later(this, callback, null);
      return null;
    }
    return engineOf(this).getMessage(this.refid, callback, this.peer);
  }

  setString(name, value) {
    setField(this, name, value, textOf);
  }
  setInt(name, value) {
    setField(this, name, value, wholeOf);
  }
  setLong(name, value) {
    setField(this, name, value, wholeOf);
  }
  setDouble(name, value) {
    setField(this, name, value, numberOf);
  }
  setBoolean(name, value) {
    setField(this, name, value, Boolean);
  }
  getString(name, otherwise) {
    return typed(fieldsOf(this)[textOf(name)], otherwise, asString);
  }
  getInt(name, otherwise) {
    return typed(fieldsOf(this)[textOf(name)], otherwise, asInteger);
  }
  getLong(name, otherwise) {
    return typed(fieldsOf(this)[textOf(name)], otherwise, asInteger);
  }
  getDouble(name, otherwise) {
    return typed(fieldsOf(this)[textOf(name)], otherwise, asNumber);
  }
  getBoolean(name, otherwise) {
    return typed(fieldsOf(this)[textOf(name)], otherwise, asBoolean);
  }
  setObject(object) {
    fieldOf(this).object = object;
  }
  getObject() {
    return fieldOf(this).object;
  }
  setUiContext(context) {
    fieldOf(this).uiContext = context;
  }
  getUiContext() {
    return fieldOf(this).uiContext;
  }

  hasLocation() {
    return numberOf(this.latitude) > UNSET_DEGREES && numberOf(this.longitude) > UNSET_DEGREES;
  }
  isRichMessage() {
    return Boolean(
      this.hasFile() || this.hasThumbnail() || this.title || this.launchurl || this.hasLocation(),
    );
  }
  isMatureContent() {
    return Boolean(this.matureContent);
  }
  getContent() {
    return this.data ?? this.message;
  }
  /** Properties of images, as fields of a plain object: they are taken as they are. */
  setMediaProperties(properties) {
    if (!properties || typeof properties !== "object") return false;
    fieldOf(this).mediaProperties = properties;
    return true;
  }
  isPlainMessage() {
    return this.isMessage() && !this.isRichMessage();
  }

  cloneDate() {
    const date = answerTo(this, gidOf(this.groupid) || this.peer);
    Object.assign(date, { peer: this.peer, refid: 0 });
    date.ts = this.ts;
    date.date = new MesiboDateTime(this.ts);
    date.status = STATUS.DATETIME;
    return date;
  }
}

for (const field of ["title", "subtitle", "footer", "message", "data", "latitude", "longitude"]) {
  const name = field[0].toUpperCase() + field.slice(1);
  Object.defineProperty(
    MesiboMessage.prototype,
    `set${name}`,
    method(function (value) {
      this[field] = value;
    }),
  );
  if (field === "message" || field === "data") continue;
  Object.defineProperty(
    MesiboMessage.prototype,
    `get${name}`,
    method(function () {
      return this[field];
    }),
  );
}

/** How messages behave unless they say otherwise (`client-api.md` 3.7.1). */
const BEHAVIOUR = {
  copyFiles: true,
  urlPreview: true,
  urlPreviewServer: true,
  urlPreviewCache: true,
  urlPreviewShare: true,
  extractUrlFromMessage: true,
  sendFileName: true,
  imageProcessing: true,
  sendThumbnail: true,
  extractThumbnail: true,
  sendHqThumbnail: false,
  horizontalThumbnail: false,
  verticalThumbnail: false,
  matureContent: false,
  emojify: true,
  contentRating: 0,
  saveImageUrl: false,
  saveVideoUrl: false,
  saveAudioUrl: false,
  saveAllFileUrl: false,
  thumbnailMaxSide: 400,
  thumbnailAspectRatio: 0,
  maxPreviewSize: 0,
  trackingProtectionLevel: 0,
  passthroughSize: 0,
  urlTransferSize: 0,
  urlPreviewExpiry: 0,
  secureDownload: false,
  openExternally: false,
  markForwarded: true,
};

// On the prototype: a message has a field of its own as soon as the page sets one.
function behave(given) {
  for (const name of Object.keys(BEHAVIOUR)) {
    const value = given[name] ?? BEHAVIOUR[name];
    Object.defineProperty(MesiboMessage.prototype, name, method(value));
  }
}
behave(BEHAVIOUR);
MesiboMessage.initDefaults = () => behave(BEHAVIOUR);
MesiboMessage.setDefaults = (message) => behave(message ?? BEHAVIOUR);

const addressesOf = (peer) => [
  ...new Set(
    textOf(peer)
      .split(",")
      .map((address) => address.trim())
      .filter(Boolean),
  ),
];

// One copy for each: the message given has the id of the first.
function broadcast(message, addresses) {
  const results = addresses.map((address, index) => {
    const copy = index ? message.forward(address) : message;
    const { type, expiry, flag } = message;
    Object.assign(copy, { type, expiry, flag, peer: address });
    const { age, ageDelivered, ageRead, thread } = fieldOf(message);
    Object.assign(fieldOf(copy), { age, ageDelivered, ageRead, thread });
    fieldOf(copy).forwarded = Boolean(fieldOf(message).forwarded);
    return engineOf(message)._send(copy, fieldOf(copy), true, contentToSend(copy));
  });
  return results.find((result) => result !== constants.MESIBO_RESULT_OK) ?? results[0];
}

export class MesiboPresence extends MesiboMessageProperties {
  constructor(destination) {
    super(destination);
    this.presence = 0;
    this.value = 0;
    this.interval = 0;
  }

  send(presence, value, interval) {
    this.presence = u32Of(presence ?? this.presence);
    return engineOf(this)._sendPresence(
      this.peer,
      this.groupid,
      this.presence,
      u32Of(value ?? this.value),
      u32Of(interval ?? this.interval),
      NO_DATA,
    );
  }
  sendActivity(activity, value, interval) {
    return this.send(activity, value, interval);
  }
  sendTyping() {
    return this.send(constants.MESIBO_PRESENCE_TYPING);
  }
  sendTypingCleared() {
    return this.send(constants.MESIBO_PRESENCE_TYPINGCLEARED);
  }
  sendJoined() {
    return this.send(constants.MESIBO_PRESENCE_JOINED);
  }
  sendLeft() {
    return this.send(constants.MESIBO_PRESENCE_LEFT);
  }
  sendOnline() {
    return this.send(constants.MESIBO_PRESENCE_ONLINE);
  }
  sendOffline() {
    return this.send(constants.MESIBO_PRESENCE_OFFLINE);
  }
  sendRequest() {
    return this.send(constants.MESIBO_PRESENCE_REQUEST);
  }
  sendChatting() {
    return this.send(constants.MESIBO_PRESENCE_CHATTING);
  }

  isRequest() {
    return this.presence === constants.MESIBO_PRESENCE_REQUEST;
  }
  isOnline() {
    return this.presence === constants.MESIBO_PRESENCE_ONLINE;
  }
  isOffline() {
    return this.presence === constants.MESIBO_PRESENCE_OFFLINE;
  }
  isTyping() {
    return this.presence === constants.MESIBO_PRESENCE_TYPING;
  }
  isTypingCleared() {
    return this.presence === constants.MESIBO_PRESENCE_TYPINGCLEARED;
  }
  isChatting() {
    return this.presence === constants.MESIBO_PRESENCE_CHATTING;
  }
  hasJoined() {
    return this.presence === constants.MESIBO_PRESENCE_JOINED;
  }
  hasLeft() {
    return this.presence === constants.MESIBO_PRESENCE_LEFT;
  }
}

const decoder = new TextDecoder();

/** What goes along when a message is forwarded. */
const FORWARDED = [
  "message",
  "data",
  "type",
  "title",
  "subtitle",
  "footer",
  "latitude",
  "longitude",
  "filetype",
  "fileurl",
  "launchurl",
  "size",
  "tn",
];

// The file itself goes along too: one that is not uploaded yet is uploaded for each.
const FORWARDED_HIDDEN = [
  "engine",
  "fields",
  "text",
  "name",
  "mime",
  "kind",
  "content",
  "blob",
  "thumbnail",
  "sensitivity",
  "userNumber",
];

// A page that gave a known message another text means that, not the bytes it came with.
function takeText(message) {
  const { text } = fieldOf(message);
  if (text !== undefined && message.message !== text) message.data = undefined;
}

function answerTo(message, destination) {
  const answer = new MesiboMessage(destination);
  const { engine, thread } = fieldOf(message);
  Object.assign(fieldOf(answer), { engine, thread });
  answer.refid = message.mid;
  return answer;
}

// Custom fields travel as the text of one JSON object.
function fieldsOf(message) {
  try {
    return JSON.parse(fieldOf(message).fields || "{}");
  } catch {
    return {};
  }
}

function setField(message, name, value, convert) {
  const fields = fieldsOf(message);
  if (value === null || value === undefined) delete fields[textOf(name)];
  else fields[textOf(name)] = convert(value);
  fieldOf(message).fields = Object.keys(fields).length ? JSON.stringify(fields) : "";
}

/**
 * Makes, or brings up to date, the record of a message: `of` are its numbers, `own` are own properties
 * that few messages have, `links` is what stays hidden.
 */
export function putMessage(
  record,
  engine,
  of,
  data,
  peer,
  title,
  subtitle,
  footer,
  fields,
  own,
  links,
) {
  const message = record ?? new MesiboMessage();
  // What the page froze stays as it was.
  if (Object.isFrozen(message)) return message;
  const hidden = fieldOf(message);
  const text = decoder.decode(data);
  // Shown before, and not what it was then.
  const shown = hidden.incoming !== undefined && hidden.text !== undefined;
  if (shown && (fields !== hidden.fields || text !== hidden.text)) hidden.updated = true;
  const [ts] = of;
  Object.assign(
    message,
    {
      ts,
      mid: of[1],
      id: of[2],
      refid: of[3],
      peer,
      groupid: of[4],
      type: of[5],
      expiry: of[6],
      status: of[7],
      flag: of[8],
      origin: of[9],
      rcount: of[10],
      rc: of[11],
      data: data.slice(),
      message: text,
      // One that was recalled says nothing else.
      title: title || undefined,
      subtitle: subtitle || undefined,
      footer: footer || undefined,
      latitude: UNSET_DEGREES,
      longitude: UNSET_DEGREES,
      filetype: undefined,
      fileurl: undefined,
      launchurl: undefined,
      size: undefined,
      tn: undefined,
    },
    own,
  );
  Object.assign(
    hidden,
    {
      engine,
      text,
      fields,
      incoming: of[12] > 0,
      last: of[13] > 0,
      forwarded: of[14] > 0,
      modified: of[15] > 0,
      callDuration: of[16],
      thread: of[17],
      age: of[18],
      ageDelivered: of[19],
      ageRead: of[20],
      sensitivity: of[21],
      userNumber: of[22],
    },
    links,
  );
  if (ts && message.date?.ts !== ts) message.date = new MesiboDateTime(ts);
  return message;
}

/** Makes the record of a presence. */
export function makePresence(fields, links) {
  const presence = Object.assign(new MesiboPresence(), fields);
  Object.assign(fieldOf(presence), links);
  return presence;
}
