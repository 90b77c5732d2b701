// What messages, people and times are called: the same words in the list, the log and notifications.

const KINDS = new Map([
  [MESIBO_FILETYPE_IMAGE, "Picture"],
  [MESIBO_FILETYPE_VIDEO, "Video"],
  [MESIBO_FILETYPE_AUDIO, "Audio"],
]);

const clock = new Intl.DateTimeFormat([], {
  hour: "2-digit",
  minute: "2-digit",
});
const weekday = new Intl.DateTimeFormat([], {
  weekday: "long",
  day: "numeric",
  month: "long",
});
const full = new Intl.DateTimeFormat([], {
  day: "numeric",
  month: "long",
  year: "numeric",
});
const short = new Intl.DateTimeFormat([], { day: "numeric", month: "short" });
const numeric = new Intl.DateTimeFormat([], {
  day: "numeric",
  month: "short",
  year: "numeric",
});
const moment = new Intl.DateTimeFormat([], {
  dateStyle: "medium",
  timeStyle: "short",
});

export const timeOf = (ts) => clock.format(ts);
export const momentOf = (ts) => moment.format(ts);

/** When the day of a time begins, ms. */
export const dayOf = (ts) => new Date(ts).setHours(0, 0, 0, 0);

const daysAgo = (ts) => Math.round((dayOf(Date.now()) - dayOf(ts)) / 86_400_000);

/** The name of a day between messages. */
export function dayName(ts) {
  const ago = daysAgo(ts);
  if (ago === 0) return "Today";
  if (ago === 1) return "Yesterday";
  return (ago > 0 && ago < 300 ? weekday : full).format(ts);
}

/** A time as short as a list needs it: of today the time, else the day. */
export function whenOf(ts) {
  const ago = daysAgo(ts);
  if (ago === 0) return timeOf(ts);
  if (ago === 1) return "Yesterday";
  return (ago > 0 && ago < 300 ? short : numeric).format(ts);
}

export function lengthOf(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function sizeOf(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] = bytes < 1024 * 1024 ? [bytes / 1024, "KB"] : [bytes / 1024 / 1024, "MB"];
  return `${value.toLocaleString([], { maximumFractionDigits: value < 10 ? 1 : 0 })} ${unit}`;
}

/** Whether a message is a note spoken in the messenger. */
export const isVoice = (message) => message.isAudio() && message.getBoolean("voice", false);

export const isGone = (message) => message.isDeleted() || message.isWiped();

/** What a file is called when there is no text. */
function fileName(message) {
  if (isVoice(message)) return "Voice message";
  return KINDS.get(message.filetype) ?? message.getFileName() ?? "File";
}

/** A call that is over, in words. */
export function callOf(message) {
  const kind = message.isVideoCall() ? "video call" : "voice call";
  if (message.isMissedCall()) return `Missed ${kind}`;
  const seconds = message.getCallDuration();
  const whole = kind[0].toUpperCase() + kind.slice(1);
  if (seconds) return `${whole}, ${lengthOf(seconds)}`;
  return message.isOutgoingCall() ? `${whole}, not answered` : whole;
}

/** A message in one line. */
export function inOneLine(message) {
  if (isGone(message)) return "Message deleted";
  if (message.hasLocation()) return "Location";
  if (message.isCall()) return callOf(message);
  const text = message.message ?? "";
  if (message.hasFile()) return text ? `${fileName(message)}: ${text}` : fileName(message);
  return text.replace(/\s+/gu, " ");
}

/** Who wrote a message, from here. */
export const senderOf = (message) =>
  message.isOutgoing() ? "You" : (message.profile?.getNameOrAddress() ?? message.peer);

/** How far an own message has come: drawing, name, look. */
export function progressOf(message) {
  if (message.isFailed()) return ["alert", "Not sent", "failed"];
  if (message.isReadByPeer()) return ["ticks", "Read", "read"];
  if (message.isDelivered()) return ["ticks", "Delivered", ""];
  if (message.isSent()) return ["tick", "Sent", ""];
  return ["clock", "Waiting to be sent", ""];
}

/** Whether somebody is there, in words. */
export function presenceOf(profile) {
  if (profile.isBlocked()) return "Blocked";
  if (profile.isOnline()) return "Online";
  const seen = profile.getLastSeen();
  return seen ? `Last seen ${seen.getDateInNaturalLanguage()}` : "Offline";
}
