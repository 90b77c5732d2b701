// One-to-one calls: the shapes in which pages ask for them. What happens is decided in the engine.

import { nextCamera } from "./cameras.js";
import { constants } from "./constants.js";
import { fieldOf } from "./hidden.js";
import { textOf } from "./values.js";

const {
  MESIBO_RESULT_OK: OK,
  MESIBO_RESULT_FAIL: FAIL,
  MESIBO_MUTESTATUS_AUDIO: AUDIO,
  MESIBO_MUTESTATUS_VIDEO: VIDEO,
  MESIBO_MUTESTATUS_HOLD: HOLD,
  MESIBOCALL_VIDEOSOURCE_CAMERADEFAULT: CAMERA,
  MESIBOCALL_VIDEOSOURCE_SCREEN: SCREEN,
} = constants;

// As src/api/call.rs counts them.
const ANSWER = 0;
const HANGUP = 1;
const MUTE = 2;
const TONES = 3;
const WAITS = {
  [constants.MESIBO_CONFIGTYPE_CALLREQTO]: 4,
  [constants.MESIBO_CONFIGTYPE_CALLANSTO]: 5,
  [constants.MESIBO_CONFIGTYPE_CALLCONNECTTO]: 6,
};

const possible = () => typeof RTCPeerConnection === "function";
const result = (done) => (done ? OK : FAIL);

/** `[address, is about pictures, what is muted, source]`; without a call the address is empty. */
const active = (api) => api._activeCall();
const muted = (api) => active(api)[2];
const source = (api) => active(api)[3];

function mute(api, mask, on) {
  return result(api._callVerb(MUTE, mask, on));
}

function toggle(api, bit) {
  const on = (muted(api) & bit) === 0;
  return mute(api, bit, on) === OK && on;
}

/** A time of `setConfiguration` that is about calls, in seconds. */
export function setCallWait(api, type, seconds) {
  if (type in WAITS && seconds > 0) api._callVerb(WAITS[type], seconds, false);
}

/** The methods of the API object. */
export const callMethods = {
  setupVideoCall(local, remote, video = true) {
    this._setupCall(Boolean(video), local ?? null, remote ?? null);
    return true;
  },
  setupVoiceCall(audio) {
    this._setupCall(false, null, audio ?? null);
    return true;
  },
  call(address, video) {
    return possible() ? this._call(address ?? "", video) : FAIL;
  },
  answer(video = true) {
    return result(possible() && this._callVerb(ANSWER, 0, Boolean(video)));
  },
  hangup(callid = 0) {
    return result(this._callVerb(HANGUP, callid, false));
  },
  // Documented: `enable` mutes. One page mutes by `(true, false, false)` and takes that back by
  // `(false, false, true)`: read so when nothing of it is muted yet.
  mute(audio, video, enable) {
    const mask = (audio ? AUDIO : 0) | (video ? VIDEO : 0);
    const own = fieldOf(this);
    if (enable || (muted(this) & mask) !== 0) {
      if (mask) return mute(this, mask, Boolean(enable));
      const remembered = own.mutedByOther ?? 0;
      own.mutedByOther = 0;
      return mute(this, remembered, false);
    }
    if (mask === 0) return result(active(this)[0]);
    console.info("mesibo: mute(…, false) with nothing muted is taken as a wish to mute");
    own.mutedByOther = (own.mutedByOther ?? 0) | mask;
    return mute(this, mask, true);
  },
  toggleAudioMute() {
    return toggle(this, AUDIO);
  },
  toggleVideoMute() {
    return toggle(this, VIDEO);
  },
  getMuteStatus() {
    return muted(this);
  },
  hold(on = true) {
    return mute(this, HOLD, Boolean(on));
  },
  dtmf(digit) {
    const tones = textOf(digit);
    return result(/^[0-9*#]+$/.test(tones) && this._callVerb(TONES, tones, false));
  },
  setVideoSource(source, index) {
    this._setCallSource(source, index);
  },
  getVideoSource() {
    return source(this);
  },
  setMicrophone(device) {
    this._setMicrophone(textOf(device));
  },
  switchCamera() {
    const change = (...to) => this._setCallSource(...to);
    nextCamera(this, this._callStream(), source(this), change);
  },
  switchSource(other) {
    this._setCallSource(other ?? (source(this) === SCREEN ? CAMERA : SCREEN), 0);
  },
  getActiveP2PCall() {
    const [address] = active(this);
    return address ? this.getProfile(address, 0) : null;
  },
  getActiveCall() {
    return this.getActiveP2PCall() ?? this.getActiveGroupCall();
  },
  getActiveGroupCall() {
    return this.getGroupProfiles().find((group) => group._inRoom()) ?? null;
  },
};

// Of a call, or of a room of this group that the page is in: is it about pictures?
function callWith(profile) {
  if (profile._isGroup()) return profile._inRoom() || undefined;
  const [address, video] = active(profile._engine());
  return address && address === Object.getPrototypeOf(profile).getAddress.call(profile)
    ? video
    : undefined;
}

/** The methods of profiles. */
export const callProfileMethods = {
  isCallInProgress() {
    return callWith(this) !== undefined;
  },
  isVideoCallInProgress() {
    return callWith(this) === true;
  },
  isVoiceCallInProgress() {
    return callWith(this) === false;
  },
};
