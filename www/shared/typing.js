// Who is typing in a conversation: told by presences, forgotten when they expire.

/** How often what has expired without a callback is looked for, ms. */
const LOOK = 2000;

export class Typing {
  /** `changed` is called whenever the text may be another. */
  constructor(changed) {
    this.changed = changed;
    this.seen = new Set();
    setInterval(() => this.seen.size && this.changed(), LOOK);
  }

  /** True when the presence was about typing. */
  on(presence) {
    if (!presence.isTyping() && !presence.isTypingCleared()) return false;
    this.seen.add(presence.profile);
    this.changed();
    return true;
  }

  /** `Bob is typing…`, or nothing. */
  text(profile) {
    const gid = profile.getGroupId();
    if (!gid) return profile.isTyping() ? "typing…" : "";
    const names = [];
    for (const member of this.seen) {
      if (member.isTypingInGroup(gid)) names.push(member.getNameOrAddress());
    }
    if (!names.length) return "";
    return `${names.join(", ")} ${names.length === 1 ? "is" : "are"} typing…`;
  }
}
