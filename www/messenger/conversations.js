// The list of conversations: newest first, then those nobody wrote in yet, then the archive.
import { element, icon } from "/shared/dom.js";
import { VirtualList } from "/shared/virtual.js";
import { drawEntry } from "./entry.js";

/** Conversations read at once. */
const PAGE = 100;
/** Height of a row, px; all have the same. */
const GUESS = 68;
/** Nearer to the end than this, more is read, px. */
const NEAR = 1000;
/** Between two counts of what is unread in a conversation, ms: a badge is as good a moment later. */
const COUNT_PACE = 250;

export const keyOf = (profile) => profile.getGroupId() || `@${profile.getAddress()}`;

export class Conversations {
  constructor(api, account, typing, open) {
    Object.assign(this, { api, typing, open });
    this.list = document.getElementById("conversations");
    this.scroller = this.list.parentElement;
    this.unread = new Map();
    this.counts = new Map();
    this.selected = null;
    this.archive = false;
    this.ready = false;
    this.others = account.peers.map(({ key }) => api.getProfile(key, 0));
    if (account.group?.gid) this.others.unshift(api.getProfile(null, account.group.gid));
    this.rows = new VirtualList(this.scroller, this.list, {
      guess: GUESS,
      draw: (row, drawn) => this.drawRow(row, drawn),
      moved: () => this.readMore(),
    });
    this.list.addEventListener("keydown", (event) => this.walk(event));
    this.session = MesiboReadSession.createReadSummarySession(this);
    this.session.read(PAGE);
    this.drawNow();
  }

  // Of the summary session.
  Mesibo_onMessage(message) {
    if (!message) this.ended = this.ready = true;
    else if (message.isLastMessage()) this.ready = true;
    this.draw();
  }
  Mesibo_onMessageStatus() {
    this.draw();
  }
  Mesibo_onMessageUpdate() {
    this.draw();
  }

  readMore() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    if (this.ended || !this.ready || scrollHeight - scrollTop - clientHeight > NEAR) return;
    this.ready = false;
    if (!this.session.read(PAGE)) this.ended = true;
  }

  add(profile) {
    if (!this.others.includes(profile)) this.others.push(profile);
    this.draw();
  }

  remove(profile) {
    this.others = this.others.filter((other) => other !== profile);
    this.draw();
  }

  select(profile) {
    this.selected = profile;
    this.draw();
  }

  /** All that are in the list or known, the newest first. */
  profiles() {
    const known = new Set();
    for (const message of this.session.getMessages()) {
      const profile = message.groupProfile ?? this.api.getProfile(message.peer, 0);
      if (profile) known.add(profile);
    }
    for (const profile of [...this.others, ...this.api.getSortedProfiles()]) known.add(profile);
    return [...known].filter((profile) => !profile.isSelfProfile());
  }

  /** Once for everything that happens in a frame. */
  draw() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      this.drawNow();
    });
  }

  drawNow() {
    const rows = new Map();
    const put = (profile, message) => {
      if (!profile || rows.has(profile) || profile.isHidden() || profile.isSelfProfile()) return;
      rows.set(profile, {
        key: keyOf(profile),
        kind: "entry",
        profile,
        message,
      });
    };
    for (const message of this.session.getMessages()) {
      put(message.groupProfile ?? this.api.getProfile(message.peer, 0), message);
    }
    for (const profile of [...this.others, ...this.api.getGroupProfiles()]) put(profile, null);
    const all = [...rows.values()];
    const shown = all.filter(({ profile }) => !profile.isArchived());
    const archived = all.filter(({ profile }) => profile.isArchived());
    if (archived.length) {
      shown.push({ key: "archive", kind: "archive", count: archived.length });
      if (this.archive) shown.push(...archived);
    }
    if (!all.length) shown.push({ key: "empty", kind: this.ready ? "empty" : "loading" });
    this.rows.setRows(shown);
    this.scroller.setAttribute("aria-busy", String(!this.ready));
  }

  /** How many are unread: in a flood of messages each count takes as long as all of them. */
  count(profile) {
    const asked = this.counts.get(profile);
    if (asked) return void (asked.again = true);
    const count = { again: false };
    this.counts.set(profile, count);
    profile.getUnreadMessageCount((unread) => {
      setTimeout(() => {
        this.counts.delete(profile);
        if (count.again) this.draw();
      }, COUNT_PACE);
      if ((this.unread.get(profile) ?? 0) === unread) return;
      this.unread.set(profile, unread);
      this.draw();
    });
  }

  drawRow(row, drawn) {
    if (row.kind === "archive") return this.drawArchive(row, drawn);
    if (row.kind === "empty") {
      const text = "No conversations yet. Start one with the plus button.";
      return element("li", { class: "empty" }, icon("chat"), element("p", {}, text));
    }
    if (row.kind === "loading") return element("li", { class: "empty" }, "Loading…");
    const { profile, message } = row;
    this.count(profile);
    const current = profile === this.selected;
    const state = {
      profile,
      message,
      current,
      // What is open is being read.
      unread: current ? 0 : (this.unread.get(profile) ?? 0),
      online: !profile.isGroup() && profile.isOnline(),
      typing: this.typing.text(profile),
      draft: current ? null : profile.getDraft(),
    };
    return drawEntry(state, drawn, this.open);
  }

  drawArchive({ count }, drawn) {
    const row = drawn ?? element("li", {}, element("button", { type: "button", class: "archive" }));
    const button = row.firstElementChild;
    button.onclick = () => {
      this.archive = !this.archive;
      this.draw();
    };
    button.setAttribute("aria-expanded", String(this.archive));
    button.replaceChildren(icon("archive"), `Archived (${count})`);
    return row;
  }

  /** Arrows walk through the list. */
  walk(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const key = event.target.closest("li")?.rowKey;
    if (!step || key === undefined) return;
    event.preventDefault();
    this.focusRow(this.rows.indexOf(key) + step);
  }

  focusRow(index) {
    const row = this.rows.rows[index];
    if (row) this.rows.reveal(row.key)?.querySelector("button")?.focus({ preventScroll: true });
    else if (index < 0) document.getElementById("search").focus();
  }
}
