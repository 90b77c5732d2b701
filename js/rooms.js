// Group calls and participants: what pages ask for in many words. Streams, rights and who is told
// are the engine's.

import { facing, nextCamera } from "./cameras.js";
import { constants } from "./constants.js";
import { fieldOf } from "./hidden.js";
import { sorted } from "./sorted.js";
import { statsOf } from "./stats.js";
import { GROUP_CALL, callPage, methodOf } from "./told.js";
import { numberOf, textOf, wholeOf } from "./values.js";

const {
  MESIBOCALL_VIDEOSOURCE_CAMERADEFAULT: CAMERA,
  MESIBOCALL_VIDEOSOURCE_CAMERAREAR: REAR,
  MESIBOCALL_VIDEOSOURCE_SCREEN: SCREEN,
  MESIBO_AUDIODEVICE_SPEAKER: SPEAKER,
  MESIBO_AUDIODEVICE_DEFAULT: DEFAULT,
} = constants;

// As RoomControl of the protocol counts them.
const MUTE = 1;
const STOP = 2;
const PUBLISH = 3;
const SUBSCRIBE = 4;
const FULL_SCREEN = 5;
const LEAVE = 6;
const RECORD = 7;

/**
 * The engine's own methods of participants and of group calls: pages hang on these objects what they
 * like, under the same names too.
 */
let engine, room;

const list = (values) => (Array.isArray(values) ? values : values ? [values] : []);
const isParticipant = (value) => typeof value?._key === "function";

/** What an admin may ask of the publisher of one stream. */
export class MesiboParticipantAdmin {
  constructor(participant) {
    fieldOf(this).participant = participant;
  }
  mute(audio, video, enable) {
    ask(fieldOf(this).participant, MUTE, { audio, video, enable });
  }
  toggleAudioMute() {
    return toggle(this, false);
  }
  toggleVideoMute() {
    return toggle(this, true);
  }
  hangup() {
    ask(fieldOf(this).participant, STOP);
  }
  publish(sid = 0, source = 0, index = 0, audio = true, video = true) {
    ask(fieldOf(this).participant, PUBLISH, { sid, source, index, audio, video });
  }
  subscribe(publisher, audio = true, video = true) {
    if (!isParticipant(publisher)) return console.warn("mesibo: subscribe needs a participant");
    const about = publisher._key();
    ask(fieldOf(this).participant, SUBSCRIBE, { about, audio, video });
  }
}

function toggle(admin, video) {
  const { participant } = fieldOf(admin);
  const enable = !engine.getMuteStatus.call(participant, video, true);
  ask(participant, MUTE, { audio: !video, video, enable });
  return enable;
}

/** Of the publisher of a remote stream; an own one is the page's to change. */
function ask(participant, verb, wanted) {
  const stream = engine.isLocal.call(participant) ? 0 : participant._key();
  if (stream) engine.getGroupCall.call(participant)._control(verb, { ...wanted, stream });
}

function askAll(participants, verb, wanted) {
  for (const participant of list(participants).filter(isParticipant))
    ask(participant, verb, wanted);
}

/** What an admin may ask of several, or of everybody. */
export class MesiboGroupCallAdmin {
  constructor(call) {
    fieldOf(this).call = call;
  }
  mute(participants, audio, video, enable) {
    askAll(participants, MUTE, { audio, video, enable });
  }
  muteAll(audio, video, enable) {
    askAll(room.getParticipants.call(fieldOf(this).call), MUTE, { audio, video, enable });
  }
  hangup(participants) {
    askAll(participants, STOP);
  }
  hangupAll() {
    fieldOf(this).call._control(LEAVE);
  }
  fullscreen(participant) {
    if (!isParticipant(participant)) return;
    fieldOf(this).call._control(FULL_SCREEN, { about: participant._key() });
  }
}

/** Who watches an own stream: says who it is as participants do, and as the first generation reads it. */
class Subscriber {
  getName() {
    return this.name;
  }
  getAddress() {
    return this.address;
  }
  getUid() {
    return this.uid;
  }
  getId() {
    return this.uid;
  }
  getSid() {
    return 0;
  }
  getProfile() {
    return this.profile;
  }
  isLocal() {
    return false;
  }
}

/** The same object for as long as somebody watches any of the own streams in this room. */
export function subscriberOf(call, fields, joined) {
  const own = fieldOf(call);
  own.subscribers ??= new Map();
  const known = own.subscribers.get(fields.address) ?? { who: new Subscriber(), streams: 0 };
  known.streams += joined ? 1 : -1;
  if (known.streams > 0) own.subscribers.set(fields.address, known);
  else own.subscribers.delete(fields.address);
  return Object.assign(known.who, fields);
}

/** Has the engine know how large the view of somebody's picture is, for as long as it is its view. */
function follow(participant) {
  const own = fieldOf(participant);
  own.unfollow?.();
  own.unfollow = null;
  const view = engine.getVideoView.call(participant);
  if (!view || engine.isLocal.call(participant)) return;
  let seen = true;
  own.tellView = () => {
    if (engine.getVideoView.call(participant) !== view) return follow(participant);
    const { visible, fullscreen, priority } = displayOf(participant);
    const hidden = document.hidden && document.pictureInPictureElement !== view;
    // A view that takes the size of its picture would keep it small.
    const any = fullscreen || view.clientWidth === view.videoWidth;
    const sides = [view.clientWidth, view.clientHeight].map((side) => {
      if (!visible) return 0;
      // Not seen now: small, but there. Pages wait for a first picture before they show a view, or
      // draw it elsewhere.
      if (!seen || hidden || !side) return 1;
      return any ? 0xffff : Math.round(side * devicePixelRatio);
    });
    participant._view(...sides, priority);
  };
  const sizes = new ResizeObserver(own.tellView);
  const places = new IntersectionObserver((entries) => {
    seen = entries.at(-1).isIntersecting;
    own.tellView();
  });
  for (const observer of [sizes, places]) observer.observe(view);
  document.addEventListener("visibilitychange", own.tellView);
  own.unfollow = () => {
    for (const observer of [sizes, places]) observer.disconnect();
    document.removeEventListener("visibilitychange", own.tellView);
    own.tellView = null;
  };
}

/** An own stream: a wish to those who watch. Another's: how important it is here. */
function display(participant, wanted) {
  const { visible, fullscreen, priority } = { ...displayOf(participant), ...wanted };
  const within = Math.min(Math.max(wholeOf(priority) || 0, 0), 0xffff);
  const own = fieldOf(participant);
  own.display = { visible: Boolean(visible), fullscreen: Boolean(fullscreen), priority: within };
  if (engine.isLocal.call(participant)) {
    participant._suggest(1 | (visible ? 2 : 0) | (fullscreen ? 4 : 0) | (within << 8));
  }
  own.tellView?.();
  return true;
}

function adminOf(participant) {
  const call = engine.getGroupCall.call(participant);
  if (!call || !room.hasAdminPermissions.call(call)) return null;
  return (fieldOf(participant).admin ??= new MesiboParticipantAdmin(participant));
}

const facingOf = (participant) => facing(participant._stream());

/** Methods of participants, which go on with those of the engine. */
export function participantMethods(ofEngine) {
  engine = ofEngine;
  return methods;
}

const methods = {
  setVideoView(element, callback, interval, tries) {
    const attached = (there) => {
      follow(this);
      if (typeof callback === "function") callback(there);
    };
    engine.setVideoView.call(this, element, attached, interval, tries);
    follow(this);
  },
  call(first, second, third, fourth, fifth) {
    const done = engine.call.call(this, first, second, third, fourth, fifth);
    follow(this);
    return done;
  },
  isPublisher() {
    return true;
  },
  isVideoLandscape() {
    return engine.getAspectRatio.call(this) >= 1;
  },
  getStats() {
    return statsOf(this, engine.getGroupCall.call(this)?._peer());
  },
  toggleAudioMute() {
    return engine.toggleMute.call(this, false);
  },
  toggleVideoMute() {
    return engine.toggleMute.call(this, true);
  },
  getUserData() {
    return fieldOf(this).data;
  },
  setUserData(data) {
    fieldOf(this).data = data;
  },
  switchCamera() {
    const change = (...to) => engine.setVideoSource.call(this, ...to);
    nextCamera(this, this._stream(), engine.getVideoSource.call(this), change);
  },
  switchSource(source) {
    const other = engine.getVideoSource.call(this) === SCREEN ? CAMERA : SCREEN;
    engine.setVideoSource.call(this, source ?? other);
  },
  isFrontCamera() {
    const side = facingOf(this);
    const source = engine.getVideoSource.call(this);
    return source !== SCREEN && (side ? side === "user" : source !== REAR);
  },
  changeVideoFormat(width, height, frameRate) {
    const given = Object.entries({ width, height, frameRate });
    const wanted = given.map(([name, value]) => [name, numberOf(value)]).filter(([, n]) => n > 0);
    const [track] = (engine.isLocal.call(this) && this._stream()?.getVideoTracks()) || [];
    track
      ?.applyConstraints(Object.fromEntries(wanted))
      .catch((error) => console.warn("mesibo: this camera has no such format:", error.message));
  },
  setVisibility(visible = true, fullscreen = false, priority = 0) {
    return display(this, { visible, fullscreen, priority });
  },
  setVisible(visible = true) {
    return display(this, { visible });
  },
  setFullscreen(fullscreen = true) {
    return display(this, { fullscreen });
  },
  setPriority(priority) {
    return display(this, { priority });
  },
  /** As the first generation has it: the browser shows nothing else. */
  fullScreen(on = true) {
    const view = engine.getVideoView.call(this);
    const refused = (error) => console.warn("mesibo: no full screen:", error.message);
    if (on) view?.requestFullscreen?.().catch(refused);
    else if (view && document.fullscreenElement === view) document.exitFullscreen().catch(refused);
    return display(this, { fullscreen: on });
  },
  isVisible() {
    return displayOf(this).visible;
  },
  isFullscreen() {
    return displayOf(this).fullscreen;
  },
  getPriority() {
    return displayOf(this).priority;
  },
  getAdmin() {
    return adminOf(this);
  },
  adminMute(audio, video, enable) {
    if (adminOf(this)) ask(this, MUTE, { audio, video, enable });
  },
};

const displayOf = (participant) =>
  fieldOf(participant).display ?? { visible: true, fullscreen: false, priority: 0 };

// ---- where sound comes from ---------------------------------------------------------------------

// What browsers call devices in their labels, `MESIBO_AUDIODEVICE_*`.
const LABELS = [
  [constants.MESIBO_AUDIODEVICE_BLUETOOTH, /bluetooth|airpods|hands-?free/i],
  [constants.MESIBO_AUDIODEVICE_HEADSET, /head(set|phone)|earbud|wired/i],
  [constants.MESIBO_AUDIODEVICE_EARPIECE, /earpiece|receiver/i],
  [SPEAKER, /speaker|built-?in|internal/i],
];
const kindOf = ({ label }) => LABELS.find(([, words]) => words.test(label))?.[0] ?? DEFAULT;

async function outputs() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices.filter(({ kind }) => kind === "audiooutput");
}

const canChoose = () => "setSinkId" in HTMLMediaElement.prototype;
const active = (devices) => {
  const chosen = devices.find(({ deviceId }) => deviceId === "default") ?? devices[0];
  return chosen ? kindOf(chosen) : DEFAULT;
};

/** Tells the room's listeners when the browser plays through another device, until it is left. */
function watchDevices(call) {
  const own = fieldOf(call);
  const { mediaDevices } = navigator;
  if (own.devices || !mediaDevices?.addEventListener) return;
  outputs().then((devices) => (own.device = active(devices)));
  own.devices = async () => {
    const before = own.device;
    own.device = active(await outputs());
    if (own.device === before) return;
    for (const listener of call._listeners()) {
      const method = methodOf(listener, GROUP_CALL, "AudioDeviceChanged");
      if (method) callPage(method, listener, [own.device, before]);
    }
  };
  mediaDevices.addEventListener("devicechange", own.devices);
}

function stopWatching(call) {
  const own = fieldOf(call);
  if (own.devices) navigator.mediaDevices.removeEventListener("devicechange", own.devices);
  own.devices = null;
}

/** Methods of group calls, which go on with those of the engine. */
export function groupCallMethods(ofEngine) {
  room = ofEngine;
  return callMethods;
}

const callMethods = {
  join(listener, admin) {
    watchDevices(this);
    return room.join.call(this, listener, admin);
  },
  leave() {
    stopWatching(this);
    groupCallSound(this, null);
    fieldOf(this).subscribers = null;
    return room.leave.call(this);
  },
  getAdmin() {
    if (!room.hasAdminPermissions.call(this)) return null;
    return (fieldOf(this).admin ??= new MesiboGroupCallAdmin(this));
  },
  setAudioDevice(device, enable = true) {
    if (!canChoose()) return false;
    if (!enable || device === DEFAULT) this._setSink("");
    else if (typeof device === "string") this._setSink(device);
    else {
      outputs().then((devices) => {
        const found = devices.find((output) => kindOf(output) === numberOf(device));
        if (found) this._setSink(found.deviceId);
        else console.warn("mesibo: there is no such audio device; sound stays where it is");
      });
    }
    return true;
  },
  playInCallSound(url, volume = 1, loops = 0) {
    const sound = new Audio(textOf(url));
    sound.volume = Math.min(Math.max(numberOf(volume) || 0, 0), 1);
    let left = numberOf(loops);
    sound.loop = left === -1;
    const play = () =>
      sound.play().catch((error) => console.warn("mesibo: no sound:", error.message));
    sound.addEventListener("ended", () => left-- > 0 && play());
    groupCallSound(this, sound);
    play();
  },
  stopInCallSound() {
    groupCallSound(this, null);
  },
  startRecording() {
    return record(this, true);
  },
  stopRecording() {
    return record(this, false);
  },
  isRecording() {
    return (this._recording() & 1) !== 0;
  },
  canRecord() {
    return (this._recording() & 2) !== 0;
  },
  sortStreams(listener, views, width, height, start = 0, size = 0, params = {}) {
    const place = { width, height, start, size };
    // The server says who has the word.
    const speakers = room.getSpeakers.call(this);
    const all = list(views);
    return sorted({ engine, isParticipant, speakers }, listener, all, place, params ?? {});
  },
};

function record(call, enable) {
  const may = (call._recording() & 2) !== 0;
  if (may) call._control(RECORD, { enable });
  else console.warn("mesibo: recording needs the room to be entered and the right to record");
  return may;
}

function groupCallSound(call, sound) {
  const own = fieldOf(call);
  own.sound?.pause();
  own.sound = sound;
}
