// Verbs for several messages, and of older generations: each comes down to one of a message or of
// the engine. They only shape arguments.

import { constants } from "./constants.js";
import { MesiboDateTime } from "./datetime.js";
import { contentToSend, sendFile } from "./file.js";
import { fieldOf } from "./hidden.js";
import { MesiboHttp } from "./http.js";
import { enablePush, startServiceWorker } from "./service-worker.js";
import { gidOf, numberOf, textOf, u32Of } from "./values.js";

const { MESIBO_RESULT_OK, MESIBO_RESULT_FAIL, MESIBO_RESULT_BADREQ } = constants;
const { MESIBO_DBTABLE_MESSAGES, MESIBO_DBTABLE_PROFILES, MESIBO_DBTABLE_ALL } = constants;

/** The messages of these ids that are known. */
function messagesOf(api, ids) {
  return Array.from(ids, (id) => api.getMessage(id)).filter(Boolean);
}

// Recalled first: what is removed cannot be.
function remove(api, ids, remote) {
  const messages = messagesOf(api, ids);
  if (remote) for (const message of messages) api._recall(message);
  return Promise.resolve(api._remove(messages));
}

function wipe(api, ids, remote) {
  const messages = messagesOf(api, ids);
  if (!remote) return Promise.resolve(api._wipe(messages));
  return Promise.resolve(messages.map((message) => api._recall(message)).some(Boolean));
}

const EVERYWHERE = [null, 0];
/** All up to now: a message of this very moment too. */
const now = (api) => api.getTimestamp() + 1;
const ago = (api, seconds) => api.getTimestamp() - numberOf(seconds) * 1000;
const destination = ({ peer, groupid }) => gidOf(groupid) || textOf(peer);

// What was sent before a moment; nothing when it is none: a mistake must not empty a conversation.
function removeBefore(api, place, before, keep) {
  return Promise.resolve(before > 0 && api._removeBefore(...place, before, keep));
}

export const mesiboVerbs = {
  daysElapsed(ts) {
    return new MesiboDateTime(ts).getDaysElapsed();
  },
  startServiceWorker,
  enablePush,
  createhttpRequest() {
    return new MesiboHttp();
  },
  sendFile(parameters, id, f) {
    const to = destination(parameters ?? {});
    return sendFile(this, to, parameters ?? {}, id, f);
  },
  deleteMessage(id, remote = false) {
    return remove(this, [id], remote);
  },
  deleteMessages(which, remote = false) {
    if (Array.isArray(which)) return remove(this, which, remote);
    const to = destination(which ?? {});
    if (!to) return removeBefore(this, EVERYWHERE, numberOf(which), false);
    const place = typeof to === "number" ? [null, to] : [to, 0];
    return removeBefore(this, place, now(this), false);
  },
  deleteMessagesOlderThan(seconds) {
    return removeBefore(this, EVERYWHERE, ago(this, seconds), false);
  },
  // There are no keys to be cleared as long as nothing is encrypted.
  resetDatabase(tables) {
    const wanted = (table) => (u32Of(tables ?? MESIBO_DBTABLE_ALL) & table) !== 0;
    this._reset(wanted(MESIBO_DBTABLE_MESSAGES), wanted(MESIBO_DBTABLE_PROFILES));
    return Promise.resolve(true);
  },
  deleteZombieMessages(groupOnly = false) {
    this._removeZombies(Boolean(groupOnly));
    return Promise.resolve(true);
  },
  wipeMessage(id) {
    return wipe(this, [id], false);
  },
  wipeMessages(ids, remote = false) {
    return wipe(this, ids ?? [], remote);
  },
  wipeAndRecallMessage(id) {
    return wipe(this, [id], true);
  },
  wipeAndRecallMessages(ids) {
    return wipe(this, ids ?? [], true);
  },
  forwardMessage(parameters, id, forwarded) {
    const message = this.getMessage(forwarded);
    if (!message || !parameters) return MESIBO_RESULT_BADREQ;
    const copy = message.forward(destination(parameters));
    copy.setMessageId(id);
    // As all sends of its generation: the page shows it by itself.
    return this._send(copy, fieldOf(copy), false, contentToSend(copy));
  },
  resendMessage(_parameters, id) {
    return this.getMessage(id)?.resend() ? MESIBO_RESULT_OK : MESIBO_RESULT_FAIL;
  },
  cancel(_type, id) {
    const message = this.getMessage(id);
    if (!message?.isInOutbox()) return MESIBO_RESULT_FAIL;
    return this._remove([message]) ? MESIBO_RESULT_OK : MESIBO_RESULT_FAIL;
  },
};

// Past what the page may have hung on the profile under these names.
function placeOf(profile) {
  const own = Object.getPrototypeOf(profile);
  return [own.getAddress.call(profile), own.getGroupId.call(profile)];
}

// Up to a moment, or all when none is said.
function removeOf(profile, ts, keep) {
  const api = profile._engine();
  const before = ts === undefined || ts === null || ts === 0 ? now(api) : numberOf(ts);
  return removeBefore(api, placeOf(profile), before, keep);
}

// What was counted last, for those who ask without waiting: of a conversation, or of a session.
const counted = new WeakMap();

const {
  MESIBO_MSGSTATUS_SENT: SENT,
  MESIBO_MSGSTATUS_READ: READ,
  MESIBO_MSGSTATUS_RECEIVEDNEW: RECEIVEDNEW,
  MESIBO_MSGSTATUS_RECEIVEDREAD: RECEIVEDREAD,
  MESIBO_MSGSTATUS_FAIL: FAIL,
} = constants;

// The number known now; the exact one goes to the callback.
function countOf(object, api, place, thread, status, callback) {
  const matches = typeof status === "function" ? status : (one) => one === status;
  const sum = (counts) => {
    let sum = 0;
    for (let at = 0; at < counts.length; at += 2) if (matches(counts[at])) sum += counts[at + 1];
    return sum;
  };
  const known = counted.get(object) ?? {};
  counted.set(object, known);
  api._countMessages(...place, thread, (counts) => {
    known[thread] = counts;
    if (typeof callback === "function") callback.call(object, sum(counts));
  });
  return sum(known[thread] ?? []);
}

const COUNTED = {
  Total: () => true,
  Sent: (status) => status >= SENT && status <= READ,
  Received: (status) => status === RECEIVEDNEW || status === RECEIVEDREAD,
  Failed: (status) => (status & FAIL) !== 0,
};

// `count(object, thread, status, callback)` as the methods of a class.
function counting(count) {
  const methods = {};
  for (const [name, matches] of Object.entries(COUNTED)) {
    methods[`get${name}MessageCount`] = function (callback) {
      return count(this, 0, matches, callback);
    };
  }
  return methods;
}

const ofStatus = (status) => (numberOf(status) >= 0 ? numberOf(status) : COUNTED.Total);

const countOfProfile = (profile, thread, status, callback) =>
  countOf(profile, profile._engine(), placeOf(profile), thread, status, callback);

function countOfSession(session, thread, status, callback) {
  const profile = session.getProfile();
  const place = profile ? placeOf(profile) : [null, 0];
  return countOf(session, session._engine(), place, thread, status, callback);
}

export const profileVerbs = {
  sendFile(id, f) {
    return sendFile(this._engine(), this, {}, id, f);
  },
  deleteMessages(ts) {
    return removeOf(this, ts, false);
  },
  deleteMessagesOlderThan(seconds) {
    const api = this._engine();
    return removeBefore(api, placeOf(this), ago(api, seconds), false);
  },
  clearMessages(ts) {
    return removeOf(this, ts, true);
  },
  ...counting(countOfProfile),
  getMessageCount(thread, status, callback) {
    if (typeof status === "function") return this.getMessageCount(thread, undefined, status);
    return countOfProfile(this, u32Of(thread), ofStatus(status), callback);
  },
  unread(callback) {
    return this.getUnreadMessageCount(callback);
  },
  markUnread() {
    this._engine()._mark(...placeOf(this), true, false);
    return this.getUnreadMessageCount();
  },
  markRead(sendReceipt = false) {
    const known = this.getUnreadMessageCount();
    this._engine()._mark(...placeOf(this), false, Boolean(sendReceipt));
    return known;
  },
};

// Bits of `client::kind`.
const KINDS = {
  Messages: 1,
  MissedCalls: 2,
  IncomingCalls: 4,
  OutgoingCalls: 8,
  Calls: 14,
  Files: 16,
  Threads: 32,
};

const switches = {};
for (const [name, kinds] of Object.entries(KINDS)) {
  switches[`enable${name}`] = function (on = true) {
    this._enable(kinds, on);
  };
}

export const sessionVerbs = {
  ...switches,
  ...counting(countOfSession),
  getMessageCount(status, callback) {
    if (typeof status === "function") return this.getMessageCount(undefined, status);
    return countOfSession(this, 0, ofStatus(status), callback);
  },
  getUnreadMessageCount(callback) {
    return this.getUnreadCount(callback);
  },
  isReading(message) {
    return this._engine().isReading(message);
  },
  deleteMessage(id) {
    return remove(this._engine(), [id], false);
  },
};
