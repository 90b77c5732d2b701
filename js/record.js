// What messages and presences have in common. Both are records a page gets and makes: their data
// are own properties, so that pages read, set, spread, stringify and clone them; their verbs hand
// them to the engine.
//
// Links to other objects (profile, groupProfile, file) are accessors on the prototype: cloning
// and JSON skip them.

import { constants } from "./constants.js";
import { MesiboDateTime } from "./datetime.js";
import { fieldOf } from "./hidden.js";
import { callPage } from "./told.js";
import { asNumber, gidOf, numberOf, textOf, u32Of } from "./values.js";

export const STATUS = {
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

export function method(value) {
  return { value, configurable: true, writable: true };
}

function mark(record, name, on) {
  fieldOf(record)[name] = Boolean(on);
}

// What a page writes over an accessor is its own field from then on.
export function own(record, name, value) {
  const property = { value, writable: true, enumerable: true, configurable: true };
  Object.defineProperty(record, name, property);
}

export function setFlag(record, bit, on) {
  const flag = u32Of(record.flag);
  record.flag = on ? flag | bit : flag & ~bit;
}

export function later(record, callback, answer) {
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
