// The list of conversations: newest first, then those the page was told of and nobody wrote in yet.
import { arrange, avatar, element } from "/shared/dom.js";

/** Conversations read at once. */
const PAGE = 100;

function when(message) {
  const at = message.getTimestamp();
  if (at.isToday())
    return new Date(message.ts).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return at.getDate(undefined, "", "Yesterday");
}

function summary(message, profile) {
  const text = message.isDeleted() ? "Message deleted" : (message.message ?? "");
  if (message.isOutgoing()) return `You: ${text}`;
  return profile.isGroup() ? `${message.profile.getNameOrAddress()}: ${text}` : text;
}

export class Conversations {
  constructor(api, account, typing, open) {
    this.api = api;
    this.typing = typing;
    this.open = open;
    this.list = document.getElementById("conversations");
    this.entries = new Map();
    this.unread = new Map();
    this.selected = null;
    this.others = account.peers.map(({ key }) => api.getProfile(key, 0));
    if (account.group) this.others.unshift(api.getProfile(null, account.group.gid));
    this.session = MesiboReadSession.createReadSummarySession(this);
    this.session.read(PAGE);
    this.draw();
  }

  // Of the summary session.
  Mesibo_onMessage() {
    this.draw();
  }
  Mesibo_onMessageStatus() {
    this.draw();
  }

  add(profile) {
    if (!this.others.includes(profile)) this.others.push(profile);
    this.draw();
  }

  select(profile) {
    this.selected = profile;
    this.draw();
  }

  /** Once for everything that happens in a turn. */
  draw() {
    if (this.due) return;
    this.due = true;
    queueMicrotask(() => {
      this.due = false;
      this.drawNow();
    });
  }

  drawNow() {
    const rows = new Map();
    for (const message of this.session.getMessages()) {
      const profile = message.groupProfile ?? this.api.getProfile(message.peer, 0);
      if (profile && !rows.has(profile)) rows.set(profile, message);
    }
    for (const profile of [...this.others, ...this.api.getGroupProfiles()]) {
      if (!rows.has(profile)) rows.set(profile, null);
    }
    const shown = [...rows].map(([profile, message]) => this.entry(profile, message));
    if (shown.length) arrange(this.list, shown);
    else {
      const text = "No conversations yet. Start one with the plus button.";
      this.list.replaceChildren(element("li", { class: "empty" }, text));
    }
  }

  entry(profile, message) {
    let row = this.entries.get(profile);
    if (!row) {
      const onclick = () => this.open(profile);
      row = element("li", {}, element("button", { type: "button", class: "entry", onclick }));
      this.entries.set(profile, row);
    }
    profile.getUnreadMessageCount((count) => {
      if ((this.unread.get(profile) ?? 0) === count) return;
      this.unread.set(profile, count);
      this.draw();
    });
    const name = profile.getNameOrAddress();
    const unread = this.unread.get(profile) ?? 0;
    const online = !profile.isGroup() && profile.isOnline();
    const last =
      this.typing.text(profile) || (message ? summary(message, profile) : "No messages yet");
    const time = message ? when(message) : "";
    const current = profile === this.selected;
    // Drawn only when it looks different: focus and pointer stay undisturbed.
    const look = JSON.stringify([name, unread, online, last, time, current]);
    if (row.look === look) return row;
    row.look = look;
    const button = row.firstElementChild;
    button.setAttribute("aria-current", String(current));
    button.replaceChildren(
      avatar(name, profile.getAddress() || profile.getGroupId(), online),
      element(
        "span",
        { class: "lines" },
        element(
          "span",
          { class: "line" },
          element("span", { class: "cut name" }, name),
          online ? element("span", { class: "for-screen-readers" }, "online") : null,
          time ? element("time", { class: "small" }, time) : null,
        ),
        element(
          "span",
          { class: "line" },
          element("span", { class: "cut last" }, last),
          unread
            ? element(
                "span",
                { class: "badge" },
                unread > 99 ? "99+" : String(unread),
                element("span", { class: "for-screen-readers" }, " unread"),
              )
            : null,
        ),
      ),
    );
    return row;
  }
}
