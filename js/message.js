// The records a page gets and makes: their data are own properties, so that pages read, set,
// spread, stringify and clone them; their verbs hand them to the engine.
//
// Links to other objects (profile, groupProfile, file) are accessors on the prototype: cloning
// and JSON skip them.

import { constants } from "./constants.js";
import { MesiboDateTime } from "./datetime.js";
import { contentToSend, withFile } from "./file.js";
import { asBoolean, asInteger, asNumber, asString, typed } from "./values.js";

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
const {
  MESIBO_FLAG_DELIVERYRECEIPT: DELIVERY,
  MESIBO_FLAG_READRECEIPT: READ_RECEIPT,
} = constants;
const UNSET_DEGREES = -720;

// What is known of a record beside its data: which engine made it, objects it links to.
const hidden = new WeakMap();

/** What belongs to a record and is not the page's: its engine, its links. */
export function hiddenOf(record) {
  let known = hidden.get(record);
  if (!known) {
    known = {
      engine: null,
      incoming: undefined,
      profile: undefined,
      groupProfile: undefined,
    };
    hidden.set(record, known);
  }
  return known;
}

let defaultEngine = () => {
  throw new Error("the SDK is not loaded");
};

/** Tells how to find the engine of records that pages make themselves. */
export function setDefaultEngine(find) {
  defaultEngine = find;
}

/** The engine that a record belongs to. */
export function engineOf(record) {
  return hiddenOf(record).engine ?? defaultEngine();
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
    if (typeof destination === "number") this.groupid = destination;
    else if (typeof destination === "string") this.peer = destination;
    else if (destination && typeof destination.getGroupId === "function") {
      // Past what the page may have hung on the profile under these names.
      const own = Object.getPrototypeOf(destination);
      this.groupid = own.getGroupId.call(destination);
      this.peer = this.groupid ? "" : own.getAddress.call(destination);
    }
  }

  get profile() {
    const known = hiddenOf(this);
    return known.profile ?? engineOf(this)._profileOf(this);
  }

  set profile(profile) {
    hiddenOf(this).profile = profile;
  }

  get groupProfile() {
    const known = hiddenOf(this);
    if (known.groupProfile !== undefined) return known.groupProfile;
    return this.groupid > 0
      ? engineOf(this).getProfile(null, this.groupid)
      : null;
  }

  set groupProfile(profile) {
    hiddenOf(this).groupProfile = profile;
  }

  getMessageId() {
    return this.mid;
  }
  setMessageId(id) {
    if (!this.mid && id >>> 0) this.id = id >>> 0;
  }
  getStatus() {
    return this.status;
  }
  setStatus(status) {
    if (!this.mid || this.isCustom()) this.status = Number(status) || 0;
  }
  getExpiry() {
    return this.expiry;
  }
  setExpiry(seconds) {
    this.expiry = Number(seconds);
  }
  getType() {
    return this.type;
  }
  setType(type) {
    this.type = type >>> 0;
  }
  getOrigin() {
    return this.origin;
  }
  getFlags() {
    return this.flag;
  }
  setFlag(flag) {
    this.flag = flag >>> 0;
  }
  setPeer(address) {
    this.peer = String(address ?? "");
  }
  setGroup(gid) {
    this.groupid = gid >>> 0;
  }
  setInReplyTo(mid) {
    this.refid = Number(mid) || 0;
  }
  setInReplyToMessage(message) {
    this.refid = message?.mid ?? 0;
  }
  getInReplyTo() {
    return this.refid;
  }
  setThreadId(thread) {
    hiddenOf(this).thread = thread >>> 0;
  }
  getThreadId() {
    return hiddenOf(this).thread ?? 0;
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
    return hiddenOf(this).reporter ?? null;
  }
  getCurrentStatus() {
    return hiddenOf(this).reported ?? this.status;
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
    hiddenOf(this).modify = Boolean(on);
  }

  compare(address, gid) {
    if (address && typeof address === "object")
      return this.isFromSamePeer(address);
    return gid > 0
      ? this.groupid === Number(gid)
      : !this.groupid && this.peer === address;
  }
  isFromSamePeer(other) {
    return (
      Boolean(other) &&
      this.groupid === other.groupid &&
      (this.groupid > 0 || this.peer === other.peer)
    );
  }
  isDestinedFor(profile) {
    if (!profile) return false;
    const gid = profile.getGroupId();
    return gid > 0 || this.groupid > 0
      ? gid === this.groupid
      : profile.getAddress() === this.peer;
  }

  isIncoming() {
    if (this.isCall()) return false;
    const { incoming } = hiddenOf(this);
    return (
      incoming ??
      (this.status === STATUS.RECEIVEDNEW ||
        this.status === STATUS.RECEIVEDREAD)
    );
  }
  isOutgoing() {
    if (this.isCall()) return false;
    const { incoming } = hiddenOf(this);
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
    return (this.status & STATUS.FAIL) !== 0;
  }
  isMessageStatusInProgress() {
    return this.isInOutbox();
  }
  isMessage() {
    return (
      !this.isPresence() &&
      (this.status <= STATUS.RECEIVEDREAD ||
        this.isFailed() ||
        this.isDeleted() ||
        this.isWiped())
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
    return (
      this.isMissedCall() || this.isIncomingCall() || this.isOutgoingCall()
    );
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
  isVideoCall() {
    return this.isCall() && (this.type & constants.MESIBO_CALLFLAG_VIDEO) !== 0;
  }
  isVoiceCall() {
    return this.isCall() && !this.isVideoCall();
  }
  isPstnCall() {
    return false;
  }
  getCallDuration() {
    return hiddenOf(this).duration ?? 0;
  }
  isGroupMessage() {
    return this.groupid > 0;
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
    return Boolean(hiddenOf(this).last);
  }
  isReply() {
    return this.refid > 0;
  }
  isForwarded() {
    return Boolean(hiddenOf(this).forwarded);
  }
  isModified() {
    return Boolean(hiddenOf(this).modified);
  }
  isModifiedByPeer() {
    return this.isModified() && this.isIncoming();
  }
  isUpdated() {
    return this.isModified();
  }
  isDeleted() {
    return this.status === STATUS.DELETED;
  }
  isWiped() {
    return this.status === STATUS.WIPED;
  }
  isDeletedOrExpired() {
    return (
      this.isDeleted() ||
      this.isWiped() ||
      this.status === constants.MESIBO_MSGSTATUS_EXPIRED
    );
  }
  isPresence() {
    return this.presence !== undefined;
  }
}

function setFlag(record, bit, on) {
  record.flag = on ? record.flag | bit : record.flag & ~bit;
}

// One answer for each question, later; without a callback what is known now.
function receiptTime(record, peer, callback, which) {
  const receipts = hiddenOf(record).receipts ?? {};
  const address = peer?.getAddress?.() ?? peer ?? Object.keys(receipts)[0];
  const ts = receipts[address]?.[which] ?? 0;
  const at = ts > 0 ? new MesiboDateTime(ts) : null;
  if (typeof callback === "function") queueMicrotask(() => callback(at));
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

  canSend() {
    const reachable = this.groupid > 0 || Boolean(this.peer);
    return (
      reachable &&
      Boolean(
        this.message ||
        this.data?.byteLength ||
        this.title ||
        this.hasFile() ||
        this.hasLocation(),
      )
    );
  }
  send() {
    const extras = hiddenOf(this);
    if (extras.modify && this.mid) return this.sendUpdate();
    takeText(this);
    return engineOf(this)._send(this, extras, true, contentToSend(this));
  }
  resend() {
    return engineOf(this)._resend(this);
  }
  sendUpdate() {
    takeText(this);
    return engineOf(this)._edit(this, hiddenOf(this));
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
    const { engine, fields } = hiddenOf(this);
    Object.assign(hiddenOf(copy), {
      engine,
      fields,
      forwarded: this.markForwarded !== false,
    });
    return copy;
  }
  setForwarded(_mids) {
    hiddenOf(this).forwarded = true;
  }
  setForwardedMid(_mid) {
    hiddenOf(this).forwarded = true;
  }
  reply() {
    return answerTo(this, this.groupid > 0 ? this.groupid : this.peer);
  }
  replyToPeer() {
    return answerTo(this, this.peer);
  }
  getRepliedToMessage(callback) {
    if (!this.refid) {
      if (typeof callback === "function") queueMicrotask(() => callback(null));
      return null;
    }
    return engineOf(this).getMessage(this.refid, callback, this.peer);
  }

  setString(name, value) {
    setField(this, name, value, String);
  }
  setInt(name, value) {
    setField(this, name, value, (number) => Math.trunc(number) | 0);
  }
  setLong(name, value) {
    setField(this, name, value, Math.trunc);
  }
  setDouble(name, value) {
    setField(this, name, value, Number);
  }
  setBoolean(name, value) {
    setField(this, name, value, Boolean);
  }
  getString(name, otherwise) {
    return typed(fieldsOf(this)[name], otherwise, asString);
  }
  getInt(name, otherwise) {
    return typed(fieldsOf(this)[name], otherwise, asInteger);
  }
  getLong(name, otherwise) {
    return typed(fieldsOf(this)[name], otherwise, asInteger);
  }
  getDouble(name, otherwise) {
    return typed(fieldsOf(this)[name], otherwise, asNumber);
  }
  getBoolean(name, otherwise) {
    return typed(fieldsOf(this)[name], otherwise, asBoolean);
  }
  setObject(object) {
    hiddenOf(this).object = object;
  }
  getObject() {
    return hiddenOf(this).object;
  }
  setUiContext(context) {
    hiddenOf(this).uiContext = context;
  }
  getUiContext() {
    return hiddenOf(this).uiContext;
  }

  hasLocation() {
    return this.latitude > UNSET_DEGREES && this.longitude > UNSET_DEGREES;
  }
  isRichMessage() {
    return Boolean(
      this.hasFile() || this.tn || this.title || this.hasLocation(),
    );
  }
  isPlainMessage() {
    return this.isMessage() && !this.isRichMessage();
  }

  cloneDate() {
    const date = new MesiboMessage();
    date.ts = this.ts;
    date.date = new MesiboDateTime(this.ts);
    date.status = STATUS.DATETIME;
    return date;
  }
}

export class MesiboPresence extends MesiboMessageProperties {
  constructor(destination) {
    super(destination);
    this.presence = 0;
    this.value = 0;
    this.interval = 0;
  }

  send(presence = this.presence, value = this.value, interval = this.interval) {
    this.presence = presence >>> 0;
    return engineOf(this)._sendPresence(
      this.peer,
      this.groupid,
      this.presence,
      value >>> 0,
      interval >>> 0,
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

/** What a message without them says; one that was recalled says nothing else. */
const WITHOUT_CONTENT = {
  title: undefined,
  subtitle: undefined,
  footer: undefined,
  latitude: UNSET_DEGREES,
  longitude: UNSET_DEGREES,
  filetype: undefined,
  fileurl: undefined,
  launchurl: undefined,
  size: undefined,
  tn: undefined,
};

// A page that gave a known message another text means that, not the bytes it came with.
function takeText(message) {
  const { text } = hiddenOf(message);
  if (text !== undefined && message.message !== text) message.data = undefined;
}

function answerTo(message, destination) {
  const answer = new MesiboMessage(destination);
  const { engine, thread } = hiddenOf(message);
  Object.assign(hiddenOf(answer), { engine, thread });
  answer.refid = message.mid;
  return answer;
}

// Custom fields travel as the text of one JSON object.
function fieldsOf(message) {
  try {
    return JSON.parse(hiddenOf(message).fields || "{}");
  } catch {
    return {};
  }
}

function setField(message, name, value, convert) {
  const fields = fieldsOf(message);
  if (value === null || value === undefined) delete fields[name];
  else fields[String(name)] = convert(value);
  hiddenOf(message).fields = Object.keys(fields).length
    ? JSON.stringify(fields)
    : "";
}

/**
 * Makes, or brings up to date, the record of a message.
 *
 * `fields` are the own properties, `links` what stays hidden.
 */
export function putMessage(record, fields, links) {
  const message = record ?? new MesiboMessage();
  Object.assign(message, WITHOUT_CONTENT, fields);
  message.message = decoder.decode(fields.data);
  Object.assign(hiddenOf(message), links, { text: message.message });
  if (fields.ts && message.date?.ts !== fields.ts)
    message.date = new MesiboDateTime(fields.ts);
  return message;
}

/** Makes the record of a presence. */
export function makePresence(fields, links) {
  const presence = Object.assign(new MesiboPresence(), fields);
  Object.assign(hiddenOf(presence), links);
  return presence;
}
