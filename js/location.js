// Where the device is, and whom the page lets know: places travel as presences from page to page,
// the server passes them on and keeps none, but for that of who wants to be found by distance, while
// it is connected. The browser is asked only after `start()`.

import { constants } from "./constants.js";
import { MesiboDateTime } from "./datetime.js";
import { fieldOf } from "./hidden.js";
import { tellListener } from "./told.js";
import { asNumber } from "./values.js";

// Kinds of the SDK's own presence.
const PLACE = 1;
const REQUEST = 2;
const ENDED = 3;
const EARTH_RADIUS = 6_371_000;
// Nobody shares longer than a day by one call.
const SHARE_SECONDS_MAX = 86_400;

const {
  MESIBO_RESULT_OK: OK,
  MESIBO_RESULT_FAIL: FAIL,
  MESIBO_PRESENCE_RESERVED: RESERVED,
} = constants;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class MesiboLocation {
  constructor(latitude = 0, longitude = 0) {
    this.latitude = latitude;
    this.longitude = longitude;
    this.altitude = 0;
    this.speed = 0;
    this.distance = 0;
    this.accuracy = 0;
    this.ts = 0;
    this.flags = 0;
  }
  getTimestamp() {
    return new MesiboDateTime(this.ts);
  }
}

export class MesiboLocationConfig {
  /** Metres; seconds. */
  minDistance = 0;
  minDistanceSharing = 0;
  minInterval = 0;
  maxInterval = 0;
  backgroundRefresh = false;
  fineLocation = true;
  aggressive = false;
}

/** Whether it is somewhere on earth. */
export const isPlace = ({ latitude, longitude }) =>
  Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;

/** Metres between two places. */
function distance(a, b) {
  const rad = (degrees) => (degrees * Math.PI) / 180;
  const [x, y] = [rad(b.latitude - a.latitude) / 2, rad(b.longitude - a.longitude) / 2];
  const h =
    Math.sin(x) ** 2 + Math.cos(rad(a.latitude)) * Math.cos(rad(b.latitude)) * Math.sin(y) ** 2;
  return 2 * EARTH_RADIUS * Math.asin(Math.sqrt(Math.min(1, h)));
}

export class MesiboLocationManager {
  _engine;
  _listeners = new Set();
  _config = new MesiboLocationConfig();
  _watch = null;
  _device = null;
  _custom = null;
  _customUntil = 0;
  _tracked = null;
  _shares = new Map();
  _searchable = { within: 0, told: null };

  constructor(engine) {
    this._engine = engine;
  }

  start(config) {
    Object.assign(this._config, config);
    const geolocation = globalThis.navigator?.geolocation;
    if (!geolocation) return FAIL;
    if (this._watch === null) {
      const options = {
        enableHighAccuracy: Boolean(this._config.fineLocation),
        maximumAge: (asNumber(this._config.minInterval) ?? 0) * 1000,
      };
      this._watch = geolocation.watchPosition(
        ({ coords, timestamp }) => this._onDevice(coords, timestamp),
        (error) => this._tell("LocationError", this._engine.getSelfProfile(), error.code),
        options,
      );
    }
    return OK;
  }
  stop() {
    if (this._watch !== null) navigator.geolocation.clearWatch(this._watch);
    this._watch = null;
    return OK;
  }
  addListener(listener) {
    this._listeners.add(listener);
    return true;
  }
  removeListener(listener) {
    return this._listeners.delete(listener);
  }
  /** Wins over the device's for `timeout` seconds, 0 = until `resetLocation`. */
  setLocation(location, timeout = 0) {
    const [latitude, longitude] = [asNumber(location?.latitude), asNumber(location?.longitude)];
    if (!isPlace({ latitude, longitude })) return false;
    const now = this._engine.getTimestamp();
    this._custom = Object.assign(new MesiboLocation(), location, { latitude, longitude });
    this._custom.ts ||= now;
    const seconds = asNumber(timeout) ?? 0;
    this._customUntil = seconds > 0 ? now + seconds * 1000 : Infinity;
    this._spread();
    return true;
  }
  resetLocation() {
    this._custom = null;
  }
  getDeviceLocation() {
    return this._device;
  }
  getCustomLocation() {
    return this._engine.getTimestamp() < this._customUntil ? this._custom : null;
  }
  getLocation() {
    return this.getCustomLocation() ?? this._device;
  }
  /** Places go to whom they are shared with, and to nobody else. */
  setAccessLevels() {
    return OK;
  }
  /** Who searches within these metres finds this user, as long as it is connected; 0: nobody. */
  setSearchableDistance(metres) {
    const within = Math.max(0, Math.trunc(asNumber(metres) ?? 0));
    this._searchable = { within, told: null };
    if (within) this._spread();
    else this._engine._sendPresence("", 0, RESERVED, 0, 0, new Uint8Array());
    return OK;
  }
  startDistanceTracking() {
    this._tracked = { from: this.getLocation(), metres: 0 };
  }
  stopDistanceTracking() {
    if (this._tracked) this._tracked.from = null;
  }
  getDistanceCovered() {
    return this._tracked?.metres ?? 0;
  }

  _onDevice(coords, ts) {
    const { latitude, longitude, altitude, speed, accuracy } = coords;
    const place = new MesiboLocation(latitude, longitude);
    Object.assign(place, { altitude: altitude ?? 0, speed: speed ?? 0, accuracy, ts });
    const former = this._device;
    if (former && distance(former, place) < this._config.minDistance) return;
    place.distance = former ? distance(former, place) : 0;
    this._device = place;
    if (this._tracked) {
      if (this._tracked.from) this._tracked.metres += distance(this._tracked.from, place);
      this._tracked.from &&= place;
    }
    this._tell("DeviceLocation", place);
    this._spread();
  }

  /** Tells everybody it is shared with, unless they know nearly that place. */
  _spread() {
    const place = this.getLocation();
    const now = this._engine.getTimestamp();
    const { within, told } = this._searchable;
    // Nearer than a tenth of the distance makes no difference to who is near.
    if (within && place && !(told && distance(told, place) < within / 10)) {
      this._searchable.told = place;
      const data = new DataView(new ArrayBuffer(16));
      data.setFloat64(0, place.latitude, true);
      data.setFloat64(8, place.longitude, true);
      this._engine._sendPresence("", 0, RESERVED, within, 0, new Uint8Array(data.buffer));
    }
    for (const [profile, share] of this._shares) {
      if (now > share.until) this._shares.delete(profile);
      else if (place && !(share.told && distance(share.told, place) < share.minDistance)) {
        share.told = place;
        const { latitude, longitude, altitude, speed, accuracy, ts } = place;
        const told = [latitude, longitude, altitude, speed, accuracy, ts, share.until];
        sendReserved(this._engine, profile, PLACE, told);
      }
    }
  }

  _share(profile, seconds, minDistance) {
    if (!(seconds > 0)) return FAIL;
    const until = this._engine.getTimestamp() + Math.min(seconds, SHARE_SECONDS_MAX) * 1000;
    const metres = minDistance ?? this._config.minDistanceSharing;
    this._shares.set(profile, { until, minDistance: metres, told: null });
    this._spread();
    return OK;
  }
  _endSharing(profile) {
    if (!this._shares.delete(profile)) return FAIL;
    sendReserved(this._engine, profile, ENDED, []);
    return OK;
  }
  _tell(name, ...values) {
    for (const listener of [...this._listeners]) tellListener(listener, name, ...values);
  }
}

function sendReserved(engine, profile, kind, value) {
  const data = encoder.encode(JSON.stringify(value));
  const own = Object.getPrototypeOf(profile);
  engine._sendPresence(own.getAddress.call(profile), 0, RESERVED, kind, 0, data);
}

/** Of one profile: what its user shares with this one, and the other way round. */
export class MesiboProfileLocation {
  _profile;
  _asked = 0;
  _place = null;
  _until = 0;

  constructor(profile) {
    this._profile = profile;
  }
  get _manager() {
    return locationManager(this._profile._engine());
  }
  /** For so many seconds, at most a day. */
  share(duration, minDistance) {
    if (this._profile._isGroup()) return FAIL;
    return this._manager._share(this._profile, asNumber(duration) ?? 0, asNumber(minDistance));
  }
  endSharing() {
    return this._manager._endSharing(this._profile);
  }
  /** Asks the other page to share; it decides. */
  subscribe(duration, maxDistance = 0) {
    const seconds = asNumber(duration) ?? 0;
    if (this._profile._isGroup() || !(seconds > 0)) return FAIL;
    this._asked = this._now() + seconds * 1000;
    sendReserved(this._profile._engine(), this._profile, REQUEST, [seconds, maxDistance]);
    return OK;
  }
  cancelSubscription() {
    this._asked = 0;
    this._place = null;
    return OK;
  }
  /** 0: nothing; 1: asked for; 2: the other shares. */
  getSubscriptionStatus() {
    if (this.get()) return 2;
    return this._now() < this._asked ? 1 : 0;
  }
  get() {
    return this._now() < this._until ? this._place : null;
  }

  _now() {
    return this._profile._engine().getTimestamp();
  }
  /** The other page has told something. */
  _take(kind, value) {
    const manager = this._manager;
    if (kind === REQUEST) return manager._tell("LocationRequest", this._profile, value[0]);
    if (kind === ENDED) return void (this._until = 0);
    const known = this.get() !== null;
    const [latitude, longitude, altitude, speed, accuracy, ts, until] = value.map(Number);
    if (kind !== PLACE || ![latitude, longitude, until].every(Number.isFinite)) return;
    const place = new MesiboLocation(latitude, longitude);
    this._place = Object.assign(place, { altitude, speed, accuracy, ts });
    this._until = until;
    const left = Math.max(0, Math.round((until - this._now()) / 1000));
    if (!known) manager._tell("LocationShared", this._profile, left);
    manager._tell("LocationReceived", this._profile);
  }
}

export const locationManager = (engine) =>
  (fieldOf(engine).locations ??= new MesiboLocationManager(engine));

export const locationOf = (profile) =>
  (fieldOf(profile).location ??= new MesiboProfileLocation(profile));

/** A presence of the SDK itself has come. */
export function onReserved(profile, kind, bytes) {
  let value;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    return;
  }
  if (Array.isArray(value)) locationOf(profile)._take(kind, value);
}
