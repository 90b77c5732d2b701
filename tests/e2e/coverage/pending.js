// What has no test yet, and why: the one place where a name or rule may be left out.

/** Calls are issue 5: until `false` here, their names and rules need no test. */
const CALLS_ARE_COMING = true;

const CALL_OWNERS =
  /^(MesiboGroupCall|MesiboParticipant|MesiboGroupCallAdmin|MesiboParticipantAdmin)(\.|$)/;
const CALL_NAMES = new Set(
  (
    "setupVideoCall setupVoiceCall call answer hangup mute toggleAudioMute toggleVideoMute getMuteStatus " +
    "hold dtmf getActiveCall getActiveP2PCall getActiveGroupCall groupCall initGroupCall"
  )
    .split(" ")
    .map((name) => `Mesibo.${name}`),
);
const CALL_FIELDS = /\.(callFlags|callDuration|videoResolution)$/;
const CALL_CALLBACKS =
  /^(MesiboGroupcall(Admin)?_On|Mesibo_onCall|Mesibo_[oO]nParticipant|Mesibo_OnSubscriber|Mesibo_onPermission$|Mesibo_onLocalMedia$)/;
const CALL_RULES = new Set(
  "1.2.1 1.2.2 1.2.7 1.4.2 1.4.3 1.5.11 1.5.12 1.5.14 7.7 7.8 7.9 7.10 7.21 7.23 7.29".split(" "),
);

/** Whether it belongs to calls, which have their own issue. */
export function isWithCalls(key) {
  if (!CALLS_ARE_COMING) return false;
  return (
    CALL_OWNERS.test(key) ||
    CALL_FIELDS.test(key) ||
    CALL_NAMES.has(key) ||
    CALL_CALLBACKS.test(key) ||
    CALL_RULES.has(key)
  );
}

/** Being built right now: who builds it, and what. Empty when issue 3 is done. */
const PENDING = {};

/** Who builds it right now, if anybody. */
export function pending(key) {
  return Object.keys(PENDING).find((owner) => PENDING[owner].split(/\s+/).includes(key));
}
