// What has no test yet, and why: the one place where a name or rule may be left out.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

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

/** `pending.json`: who builds what right now. Empty when issue 3 is done; `renew.js` takes out what has a test. */
const file = join(import.meta.dirname, "pending.json");
const owners = JSON.parse(readFileSync(file, "utf8"));

/** Who builds it right now, if anybody. */
export function pending(key) {
  return Object.keys(owners).find((owner) => owners[owner].includes(key));
}

/** Keeps of the list what `isStillPending` says. */
export function keepPending(isStillPending) {
  const kept = Object.entries(owners)
    .map(([owner, keys]) => [owner, keys.filter(isStillPending)])
    .filter(([, keys]) => keys.length > 0);
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
}
