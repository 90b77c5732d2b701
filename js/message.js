// Messages: what they say, what can be done with them, and how the engine brings them up to date.

import { constants } from "./constants.js";
import { MesiboDateTime } from "./datetime.js";
import { contentToSend, withFile } from "./file.js";
import { fieldOf } from "./hidden.js";
import {
  MesiboMessageProperties,
  STATUS,
  engineOf,
  later,
  method,
  own,
  setFlag,
} from "./record.js";
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

const UNSET_DEGREES = -720;

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

  // What pages ask of `getTimestamp()`, without it.
  getDate(monthFirst, today, yesterday) {
    return this.getTimestamp().getDate(monthFirst, today, yesterday);
  }
  getDateVerbal(...how) {
    return this.getDate(...how);
  }
  getTime(seconds) {
    return this.getTimestamp().getTime(seconds);
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
