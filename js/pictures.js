// Pictures of profiles. The first is the profile's URL; all of them, with their thumbnails, are a
// named value of a reserved name, so that they travel and have access levels as values do.

import { fieldOf } from "./hidden.js";
import { numberOf } from "./values.js";

// Longest sides and qualities: of the picture, and of its thumbnail in the profile itself.
const PICTURE = [1280, 0.8];
const THUMBNAILS = [
  [96, 0.5],
  [64, 0.4],
  [32, 0.3],
];
// Named values have 16 KiB together.
const THUMBNAIL_LENGTH_MAX = 3_000;
const PICTURES_MAX = 8;

/** The pictures of a profile that have to be uploaded: what was given, by index. */
const pendingOf = (profile) => (fieldOf(profile).pendingPictures ??= new Map());

/** One picture of a profile. The strings it gives stay the same while the picture does. */
export class MesiboProfileImage {
  _profile;
  _index;
  constructor(profile, index) {
    this._profile = profile;
    this._index = index;
  }
  _picture() {
    return this._profile._pictures()[this._index] ?? null;
  }
  getImage() {
    const url = this._picture()?.u;
    if (url) return url;
    return this._index ? null : sourceOf(this._profile._ask("GetProfileImage"));
  }
  getThumbnail() {
    return this._picture()?.t ?? this.getImage();
  }
  getImageOrThumbnail() {
    return this.getImage() ?? this.getThumbnail();
  }
  getUrl() {
    return this._picture()?.u ?? null;
  }
  _at(index) {
    return this._profile._pictures()[index] ? imageOf(this._profile, index) : null;
  }
  getNext() {
    return this._at(this._index + 1);
  }
  getPrevious() {
    return this._index ? this._at(this._index - 1) : null;
  }
  getIndex() {
    return this._index;
  }
  isEmpty() {
    return this.getImage() === null;
  }
  getProfile() {
    return this._profile;
  }
  getImagePath() {
    return this.getImage();
  }
  getThumbnailPath() {
    return this.getThumbnail();
  }
  getImageOrThumbnailPath() {
    return this.getImageOrThumbnail();
  }
}

const indexOf = (index) => Math.trunc(Math.max(0, numberOf(index)) || 0);

/** The same object for each index. */
export function imageOf(profile, index) {
  const images = (fieldOf(profile).images ??= []);
  return (images[indexOf(index)] ??= new MesiboProfileImage(profile, indexOf(index)));
}

/** All pictures: what is published, and over it what the page has changed. */
export function picturesOf(first, listed, profile) {
  const pictures = [...listed];
  // The backend may have given another first one.
  pictures[0] = first
    ? { u: first, t: listed[0]?.u === first ? listed[0].t : undefined }
    : undefined;
  for (const [index, { shown }] of pendingOf(profile)) pictures[index] = shown && { u: shown };
  return pictures;
}

/** A canvas as a data URL; `null` when another origin's picture is on it, which nobody may read. */
export function drawingOf(canvas, ...how) {
  try {
    return canvas.toDataURL(...how);
  } catch {
    return null;
  }
}

/** Where a picture can be seen: of a URL, an image or a canvas; `null` of anything else. */
function sourceOf(value) {
  if (typeof value === "string") return value || null;
  if (typeof value?.toDataURL === "function") return drawingOf(value);
  return typeof value?.src === "string" && value.src ? value.src : null;
}

/** What a data URL holds, as `{bytes, type}`; `null` when it is none, or not well formed. */
export function dataUrlBytes(url) {
  const [, type, base64, text] = /^data:([^;,]*)[^,]*?(;base64)?,(.*)$/s.exec(url) ?? [];
  if (text === undefined) return null;
  try {
    const plain = decodeURIComponent(text);
    if (!base64) return { bytes: new TextEncoder().encode(plain), type };
    return { bytes: Uint8Array.from(atob(plain), (c) => c.charCodeAt(0)), type };
  } catch {
    return null;
  }
}

export function dataUrlBlob(url) {
  const known = dataUrlBytes(url);
  return known && new Blob([known.bytes], { type: known.type });
}

/** Takes what the page gives at once: it may empty its input right after. */
export function setPicture(profile, value, index) {
  const at = indexOf(index);
  if (at >= PICTURES_MAX) return false;
  const element = typeof value === "string" && globalThis.document?.getElementById(value);
  const given = element || value;
  const file = given instanceof Blob ? given : given?.files?.[0];
  const url = file ? URL.createObjectURL(file) : sourceOf(given);
  if (given && !url) return false;
  const blob = file ?? (url?.startsWith("data:") ? dataUrlBlob(url) : null);
  if (url?.startsWith("data:") && !blob) return false;
  forgetPicture(profile, at);
  pendingOf(profile).set(at, { blob, shown: url });
  return true;
}

function forgetPicture(profile, index) {
  const former = pendingOf(profile).get(index);
  if (former?.shown?.startsWith("blob:")) URL.revokeObjectURL(former.shown);
  pendingOf(profile).delete(index);
}

/** What was not saved is taken back. */
export function forgetPictures(profile) {
  for (const [index, { saved }] of [...pendingOf(profile)]) {
    if (!saved) forgetPicture(profile, index);
  }
}

async function scaled(bitmap, [side, quality]) {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const draw = (length) => Math.max(1, Math.round(length * scale));
  const canvas = new OffscreenCanvas(draw(bitmap.width), draw(bitmap.height));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/webp", quality });
}

async function thumbnail(bitmap) {
  for (const size of THUMBNAILS) {
    const bytes = new Uint8Array(await (await scaled(bitmap, size)).arrayBuffer());
    const url = `data:image/webp;base64,${btoa(String.fromCharCode(...bytes))}`;
    if (url.length <= THUMBNAIL_LENGTH_MAX) return url;
  }
  return undefined;
}

/** Whether something was set that is not saved. */
export const hasPending = (profile) => [...pendingOf(profile).values()].some((set) => !set.saved);

/**
 * Runs when no other tab of the browser does, or has closed: one tab at a time uploads a picture,
 * and keeps it to itself as long as it is open.
 */
const alone = (id, run) =>
  navigator.locks
    ? navigator.locks.request(`mesibo-picture-${id}`, () => new Promise(() => run?.()))
    : run?.();

/**
 * Uploads what was set. Gives what became of each picture, `{index, picture, id}`: what is to be
 * published, `undefined` when it is taken away, `null` when it could not be uploaded; and the number
 * it is kept by until it is published. `job` says whose it is, for when the page is left meanwhile.
 */
export const uploadPictures = (profile, engine, job) =>
  Promise.all(
    [...pendingOf(profile)].map(async ([index, set]) => {
      if (set.saved) return [];
      set.saved = true;
      const latest = (fieldOf(profile).savedPictures ??= []);
      latest[index] = set;
      const { blob, shown } = set;
      const made = { index, picture: shown ? { u: shown } : undefined };
      if (blob) {
        try {
          const bitmap = await createImageBitmap(blob);
          const [large, t] = [await scaled(bitmap, PICTURE), await thumbnail(bitmap)];
          const kept = { ...job, k: job.k + index, index, t };
          const u = await new Promise((resolve) => {
            made.id = engine._uploadPicture(large, kept, resolve);
            alone(made.id);
          });
          made.picture = u ? { u, t } : null;
        } catch (error) {
          console.warn("mesibo: a profile picture cannot be read:", error);
          made.picture = null;
        }
      }
      // Set again meanwhile: that one is saved by the next `save`.
      if (pendingOf(profile).get(index) === set) forgetPicture(profile, index);
      // And one that is saved already has taken its place, however long this one took.
      return latest[index] === set ? [made] : [];
    }),
  );

/** Goes on with a picture that was being uploaded when the page was left. */
export const resumeUpload = (engine, id, job, publish) =>
  alone(id, () =>
    engine._uploadPicture(id, job, (u) => {
      // Without one: another tab has published it, or it was refused.
      if (u) publish([{ index: job.index, picture: { u, t: job.t }, id }]);
    }),
  );
