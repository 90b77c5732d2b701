// Files of messages: what pages give, what they read of it, and the objects of transfers.
//
// Takes apart what was given and makes small pictures of it. When something is sent, and what a
// failure means, the engine says.

import { constants } from "./constants.js";
import { fieldOf } from "./hidden.js";
import { MesiboMessage } from "./message.js";
import { dataUrlBlob, dataUrlBytes, drawingOf } from "./pictures.js";
import { engineOf } from "./record.js";
import { u32Of } from "./values.js";

const {
  MESIBO_FILETYPE_IMAGE: IMAGE,
  MESIBO_FILETYPE_VIDEO: VIDEO,
  MESIBO_FILETYPE_AUDIO: AUDIO,
  MESIBO_FILETYPE_LOCATION: LOCATION,
  MESIBO_FILETYPE_OTHER: OTHER,
} = constants;

const KINDS = [
  ["image/", IMAGE, /^(png|jpe?g|gif|webp|avif|bmp|heic|svg)$/],
  ["video/", VIDEO, /^(mp4|m4v|webm|mov|ogv|mkv|3gp)$/],
  ["audio/", AUDIO, /^(mp3|m4a|aac|ogg|oga|opus|wav|weba|flac|amr)$/],
];
// Longest sides of thumbnails and their qualities, the best first: the first that is small enough.
const THUMBNAILS = [
  [400, 0.7],
  [400, 0.4],
  [240, 0.5],
  [120, 0.5],
  [48, 0.5],
];
// What a page may want of a transfer; `src/api/file.rs` knows the same numbers.
const START = 0;
const STOP = 1;
const CANCEL = 2;
const PROGRESS = 3;
const RESULT = 4;

// URLs of blobs are of no use once nobody holds what they were made for.
const revoke = new FinalizationRegistry((url) => URL.revokeObjectURL(url));

function blobUrl(owner, blob) {
  const url = URL.createObjectURL(blob);
  revoke.register(owner, url);
  return url;
}

/** By MIME type, then by the ending of a name or URL. */
function kindOf(mime, name) {
  const ending = /\.(\w+)(?:[?#].*)?$/.exec(name)?.[1].toLowerCase();
  const known =
    KINDS.find(([word]) => mime.startsWith(word)) ?? KINDS.find(([, , all]) => all.test(ending));
  return known ? known[1] : OTHER;
}

/** By the ending of a name. */
export const fileKind = (name) => kindOf("", name);

/** The last part of a URL's path, when it looks like the name of a file. */
const nameIn = (url) => /^https?:[^?#]*\/([^/?#]+\.\w{1,8})(?:[?#]|$)/.exec(url)?.[1] ?? "";

const is = (value, name) =>
  typeof globalThis[name] === "function" && value instanceof globalThis[name];

const drawn = (element, width, height) => () => {
  const canvas = new OffscreenCanvas(width || 1, height || 1);
  canvas.getContext("2d").drawImage(element, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob();
};

/**
 * What the page gave, as `{kind, name, mime, size}` with one way to it: `data` (a blob, or a
 * promise of one), `src` (a URL to read) or `draw`; `url` alone is a file that is somewhere
 * already; `null` when it is nothing.
 */
function contentOf(x) {
  if (typeof x === "string") {
    const element = globalThis.document?.getElementById(x);
    if (element) return contentOf(element);
    if (/^https?:\/\//i.test(x)) return { url: x, kind: kindOf("", x), name: nameIn(x) };
    if (/^blob:/i.test(x)) return { src: x, kind: OTHER, name: "" };
    const mime = /^data:([^;,]*)/i.exec(x)?.[1];
    return mime === undefined ? null : { src: x, mime, kind: kindOf(mime, ""), name: "" };
  }
  if (x instanceof ArrayBuffer || ArrayBuffer.isView(x)) x = new Blob([x]);
  if (is(x, "Blob")) {
    const name = x.name ?? "";
    return { data: x, mime: x.type, size: x.size, kind: kindOf(x.type, name), name };
  }
  if (is(x, "HTMLInputElement")) return x.files?.length ? contentOf(x.files[0]) : null;
  if (is(x, "HTMLCanvasElement")) {
    const data = new Promise((resolve) => x.toBlob(resolve));
    return { data, mime: "image/png", kind: IMAGE, name: "" };
  }
  if (is(x, "OffscreenCanvas")) {
    return { data: x.convertToBlob(), mime: "image/png", kind: IMAGE, name: "" };
  }
  const src = x?.currentSrc || x?.src || undefined;
  const name = src ? nameIn(src) : "";
  if (is(x, "HTMLImageElement") && src) {
    return { src, draw: drawn(x, x.naturalWidth, x.naturalHeight), kind: IMAGE, name };
  }
  if (is(x, "HTMLVideoElement")) {
    return { src, draw: drawn(x, x.videoWidth, x.videoHeight), kind: src ? VIDEO : IMAGE, name };
  }
  return is(x, "HTMLAudioElement") && src ? { src, kind: AUDIO, name } : null;
}

/** What is still to be uploaded; nothing once it is somewhere. */
export function contentToSend(message) {
  const {
    blob,
    name,
    mime,
    content = blob && { ...contentOf(blob), name, mime },
  } = fieldOf(message);
  if (!content || message.fileurl) return undefined;
  const { sendThumbnail, extractThumbnail, thumbnailMaxSide, tn } = message;
  return {
    ...content,
    given: tn?.byteLength ? undefined : fieldOf(message).thumbnail,
    thumbnail: sendThumbnail && extractThumbnail && !tn?.byteLength,
    side: thumbnailMaxSide > 0 ? thumbnailMaxSide : undefined,
  };
}

/** Reads what was given; `fetched` is what was at its `src`, when that could be had. */
export async function readFile(content, fetched) {
  const blob = fetched ?? (await (content.data ?? content.draw?.()));
  if (!blob) throw new Error("it cannot be read");
  return blob;
}

/** A small picture of a file as bytes, at most `limit` of them; `null` when there is none. */
export async function thumbnailOf(content, blob, limit) {
  if (content.given && content.given.size <= limit) {
    return new Uint8Array(await content.given.arrayBuffer());
  }
  const kind = content.thumbnail ? kindOf(blob.type, content.name) : 0;
  if (kind !== IMAGE && !(kind === VIDEO && globalThis.document)) return null;
  const picture = await (kind === IMAGE ? createImageBitmap(blob) : firstFrame(blob));
  for (const [side, quality] of THUMBNAILS) {
    const longest = Math.min(side, content.side ?? side);
    const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
    const draw = (length) => Math.max(1, Math.round(length * scale));
    const canvas = new OffscreenCanvas(draw(picture.width), draw(picture.height));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const small = await canvas.convertToBlob({ type: "image/webp", quality });
    if (small.size <= limit) return new Uint8Array(await small.arrayBuffer());
  }
  return null;
}

function firstFrame(blob) {
  const video = document.createElement("video");
  const url = URL.createObjectURL(blob);
  const frame = new Promise((resolve, reject) => {
    video.onloadeddata = () => resolve(createImageBitmap(video));
    video.onerror = reject;
  });
  video.muted = true;
  video.preload = "auto";
  video.src = url;
  return frame.finally(() => URL.revokeObjectURL(url));
}

/** Base64 of UTF-8. */
export const toBase64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** What `message.file` is. */
class MesiboFile {
  /** Shows the picture: the service worker answers from its cache when there is one. */
  loadImageFromCache(x) {
    const image = typeof x === "string" ? globalThis.document?.getElementById(x) : x;
    if (image) image.src = this.url;
  }
}

/** The parts of a message that are about its file. A declaration: message.js needs it first. */
export function withFile(Base) {
  return class extends Base {
    get file() {
      if (this.filetype === undefined) return undefined;
      const known = fieldOf(this);
      known.file ??= new MesiboFile();
      return Object.assign(known.file, {
        type: this.filetype,
        subtype: 0,
        url: this.getFilePath() ?? "",
        path: this.getFilePath() ?? "",
        name: this.getFileName() ?? "",
        mimeType: this.getMimeType() ?? "",
        size: this.size ?? 0,
        progress: this.getProgress(),
        source: constants.MESIBO_FILESOURCE_MESSAGE,
        object: known.blob ?? known.content?.data,
      });
    }
    set file(x) {
      this.setContent(x);
    }

    setContent(x) {
      const content = contentOf(x);
      if (!content) return false;
      const known = fieldOf(this);
      if (this.sendFileName === false) content.name = "";
      known.content = content.url ? undefined : content;
      known.blob = is(content.data, "Blob") ? content.data : undefined;
      known.localUrl = undefined;
      known.name = content.name;
      known.mime = content.mime ?? "";
      this.fileurl = content.url;
      this.filetype = known.kind || content.kind;
      this.size = content.size;
      if (content.name) this.title ??= content.name;
      return true;
    }
    /** A picture of the page's own instead of the one that is made. */
    setThumbnail(x) {
      if (typeof x?.toDataURL === "function") {
        x = dataUrlBytes(drawingOf(x, "image/webp", 0.6))?.bytes;
      }
      if (typeof x === "string") x = dataUrlBlob(x) ?? globalThis.document?.getElementById(x);
      if (is(x, "HTMLImageElement")) return drawThumbnail(this, x);
      if (is(x, "Blob")) {
        // A page that sends before it is read means this one all the same.
        fieldOf(this).thumbnail = x;
        x.arrayBuffer().then((bytes) => (this.tn = new Uint8Array(bytes)));
        return true;
      }
      if (!(x instanceof ArrayBuffer || ArrayBuffer.isView(x))) return false;
      // Of a view its own part; a copy, which the page does not change any more.
      const { buffer = x, byteOffset, byteLength } = x;
      this.tn = new Uint8Array(buffer, byteOffset, byteLength).slice();
      return true;
    }
    replaceThumbnail(x) {
      return this.setThumbnail(x);
    }
    replaceThumbnailImage(x) {
      return this.setThumbnail(x);
    }
    replaceThumbnailWithLocation() {
      console.warn("mesibo: replaceThumbnailWithLocation: no map service is part of this version");
      return false;
    }
    setContentType(type) {
      fieldOf(this).kind = u32Of(type);
      if (this.filetype !== undefined) this.filetype = u32Of(type);
    }
    sendFileURL(url, type) {
      this.setContentType(type);
      return this.setContent(url) ? this.send() : constants.MESIBO_RESULT_BADREQ;
    }

    hasFile() {
      return this.filetype !== undefined && this.filetype !== LOCATION;
    }
    getFile() {
      return this.file ?? null;
    }
    isFileReady() {
      return this.hasFile() && this.getFilePath() !== null;
    }
    isFilePending() {
      return this.hasFile() && !this.isFileReady();
    }
    getFileType() {
      return this.filetype ?? null;
    }
    getMimeType() {
      return (this.hasFile() && (fieldOf(this).mime || fieldOf(this).blob?.type)) || null;
    }
    getFileName() {
      return (this.hasFile() && (fieldOf(this).name || this.title)) || null;
    }
    getFileSize() {
      return this.hasFile() ? (this.size ?? 0) : null;
    }
    getFilePath() {
      if (!this.hasFile()) return null;
      const known = fieldOf(this);
      if (this.fileurl) return this.fileurl;
      if (known.blob) known.localUrl ??= blobUrl(this, known.blob);
      return known.localUrl ?? known.content?.src ?? null;
    }
    isImage() {
      return this.filetype === IMAGE;
    }
    isVideo() {
      return this.filetype === VIDEO;
    }
    isAudio() {
      return this.filetype === AUDIO;
    }
    isDocument() {
      return this.hasFile() && !this.isImage() && !this.isVideo() && !this.isAudio();
    }
    hasImage() {
      return this.isImage() && this.isFileReady();
    }
    hasVideo() {
      return this.isVideo() && this.isFileReady();
    }
    hasAudio() {
      return this.isAudio() && this.isFileReady();
    }
    hasDocument() {
      return this.isDocument() && this.isFileReady();
    }
    hasThumbnail() {
      return Boolean(this.tn?.byteLength);
    }
    getThumbnail() {
      if (!this.hasThumbnail()) return null;
      const known = fieldOf(this);
      if (known.pictured !== this.tn) {
        known.picture = blobUrl(this.tn, new Blob([this.tn]));
        known.pictured = this.tn;
      }
      return known.picture;
    }

    getProgress() {
      const percent = engineOf(this)._progress(this.mid);
      return percent < 0 ? (this.fileurl ? 100 : 0) : percent;
    }
    isFileTransferInProgress() {
      return engineOf(this)._isTransferring(this.mid);
    }
    isFileTransferRequired() {
      return this.isUploadRequired();
    }
    isUploadRequired() {
      return this.hasFile() && !this.fileurl && this.isOutgoing();
    }
    // The browser downloads by itself what a page shows.
    isDownloadRequired() {
      return false;
    }
    isFileTransferFailed() {
      return this.isFailed() && this.isUploadRequired();
    }
    startFileTransfer() {
      return this.isFailed() ? this.resend() : engineOf(this)._transfer(this.mid, START);
    }
    stopFileTransfer() {
      return engineOf(this)._transfer(this.mid, STOP);
    }
    toggleFileTransfer() {
      return this.isFileTransferInProgress() ? this.stopFileTransfer() : this.startFileTransfer();
    }
  };
}

// The message that a transfer belongs to.
const messageOf = (transfer) => fieldOf(transfer).message;

/** A file on its way, as listeners get it. */
export class MesiboFileTransfer {
  getPath() {
    const { blob } = fieldOf(messageOf(this));
    return blob ?? this.getUrl();
  }
  getUrl() {
    return messageOf(this).fileurl ?? "";
  }
  getUserObject() {
    return messageOf(this);
  }
  start() {
    return messageOf(this).startFileTransfer();
  }
  cancel(retryLater = false) {
    return this._tell(CANCEL, retryLater);
  }
  setProgress(percent) {
    this.progress = percent;
    return this._tell(PROGRESS, percent);
  }
  setResult(ok, url) {
    this.result = Boolean(ok);
    return this._tell(RESULT, ok, url);
  }
  setFileTransferContext(context) {
    fieldOf(messageOf(this)).context = context;
  }
  getFileTransferContext() {
    return fieldOf(messageOf(this)).context;
  }
  _tell(verb, value, url) {
    return engineOf(messageOf(this))._transfer(this.mid, verb, value, url);
  }
}

/** The transfer of a message: the same object each time, as it is now. */
export function transferOf(message, progress, inProgress) {
  const known = fieldOf(message);
  if (!known.transfer) {
    known.transfer = Object.assign(new MesiboFileTransfer(), {
      upload: true,
      priority: 0,
      origin: message.origin,
      source: constants.MESIBO_FILESOURCE_MESSAGE,
      imageIndex: 0,
      secure: false,
      externalLink: false,
      notifyProgress: true,
    });
    fieldOf(known.transfer).message = message;
  }
  const result = Boolean(message.fileurl);
  const { mid, ts } = message;
  return Object.assign(known.transfer, { mid, ts, progress, inProgress, result });
}

// An image of another origin cannot be read.
function drawThumbnail(message, image) {
  const canvas = document.createElement("canvas");
  const scale = Math.min(
    1,
    THUMBNAILS[0][0] / Math.max(image.naturalWidth, image.naturalHeight, 1),
  );
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return message.setThumbnail(canvas);
}

/** The sends of the first generations: a file that is at a URL, or is to be uploaded. */
export function sendFile(engine, to, parameters, id, f) {
  if (!f || typeof f !== "object") return constants.MESIBO_RESULT_BADREQ;
  const message = new MesiboMessage(to);
  fieldOf(message).engine = engine;
  for (const name of ["type", "expiry", "flag"]) message[name] = parameters[name] ?? message[name];
  const type = f.filetype ?? f.type;
  if (type !== undefined) message.setContentType(type);
  if (!message.setContent(f.file ?? f.fileurl ?? f.url)) return constants.MESIBO_RESULT_BADREQ;
  message.title = f.title ?? message.title;
  message.message = f.message;
  message.launchurl = f.launchurl;
  message.size = f.size ?? message.size;
  // Bytes, or a data URL; a small picture that is none of them is none.
  message.setThumbnail(typeof f.tn === "string" ? dataUrlBytes(f.tn)?.bytes : f.tn);
  message.setMessageId(id);
  const result = engine._send(message, fieldOf(message), false, contentToSend(message));
  // The page may have frozen them.
  if (!parameters.id) Reflect.set(Object(parameters), "id", message.id);
  return result;
}
