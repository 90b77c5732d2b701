// Presences: who is online, types, has a conversation open. Told at once, kept nowhere.

import { constants } from "./constants.js";
import { fieldOf } from "./hidden.js";
import { MesiboMessageProperties, engineOf } from "./record.js";
import { u32Of } from "./values.js";

const NO_DATA = new Uint8Array();

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

/** Makes the record of a presence. */
export function makePresence(fields, links) {
  const presence = Object.assign(new MesiboPresence(), fields);
  Object.assign(fieldOf(presence), links);
  return presence;
}
