// Verbs for several messages, and of older generations: each comes down to one of a message or of
// the engine. They only shape arguments.

import { constants } from "./constants.js";
import { MesiboDateTime } from "./datetime.js";
import { sendFile } from "./file.js";
import { MesiboHttp } from "./http.js";
import { startServiceWorker } from "./service-worker.js";

const { MESIBO_RESULT_OK, MESIBO_RESULT_FAIL, MESIBO_RESULT_BADREQ } = constants;

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

/** All up to now: a message of this very moment too. */
const now = (api) => api.getTimestamp() + 1;
const ago = (api, seconds) => api.getTimestamp() - Number(seconds) * 1000;
const destination = ({ peer, groupid }) => (groupid > 0 ? Number(groupid) : String(peer ?? ""));

/** Conversations nobody is in any more: groups that were left, profiles that were removed. */
function zombies(api, groupOnly) {
  const gone = (profile) =>
    profile._isGroup()
      ? !api.getGroupProfiles().includes(profile)
      : (profile._marks() & 0x40) !== 0;
  return api.getRecentProfiles().filter((p) => (p._isGroup() || !groupOnly) && gone(p));
}

export const mesiboVerbs = {
  deleteZombieMessages(groupOnly = false) {
    const removed = zombies(this, groupOnly).map((profile) => removeOf(profile, this, now(this)));
    return Promise.all(removed).then((all) => all.every(Boolean));
  },
  daysElapsed(ts) {
    return new MesiboDateTime(ts).getDaysElapsed();
  },
  startServiceWorker,
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
    const ts = Number(which);
    if (ts > 0) return Promise.resolve(this._removeBefore(null, 0, ts));
    if (!which?.peer && !which?.groupid) return Promise.resolve(false);
    return Promise.resolve(this._removeBefore(which.peer, which.groupid, now(this)));
  },
  deleteMessagesOlderThan(seconds) {
    return Promise.resolve(this._removeBefore(null, 0, ago(this, seconds)));
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
    return copy.send();
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
function removeOf(profile, api, before) {
  const own = Object.getPrototypeOf(profile);
  const [address, gid] = [own.getAddress.call(profile), own.getGroupId.call(profile)];
  return Promise.resolve(api._removeBefore(address, gid, before));
}

export const profileVerbs = {
  sendFile(id, f) {
    return sendFile(this._engine(), this, {}, id, f);
  },
  deleteMessages(ts) {
    const api = this._engine();
    return removeOf(this, api, Number(ts) > 0 ? Number(ts) : now(api));
  },
  deleteMessagesOlderThan(seconds) {
    const api = this._engine();
    return removeOf(this, api, ago(api, seconds));
  },
  clearMessages(ts) {
    return profileVerbs.deleteMessages.call(this, ts);
  },
};

export const sessionVerbs = {
  deleteMessage(id) {
    return remove(this._engine(), [id], false);
  },
};
