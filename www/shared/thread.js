// The messages of one conversation in a scrolling log: reads history upwards, follows what is new.
//
// Relies on a read session, whose array is the truth; the log is brought to it once a frame.
import { announce, element, icon } from "./dom.js";
import { Bubble } from "./bubble.js";
import { VirtualList } from "./virtual.js";
import { dayName, dayOf, inOneLine, senderOf } from "./words.js";

/** Messages a read asks for: more than a tall screen shows. */
const PAGE = 50;
/** The same while looking for a message far up. */
const STRIDE = 500;
/** Nearer to the beginning than this, more is read, px. */
const NEAR = 1200;
/** Messages of one sender within this time belong together, ms. */
const TOGETHER = 5 * 60_000;
/** A bubble that was not measured yet, px. */
const GUESS = 64;

/** A row between messages. */
const loose = (kind) => ({ key: kind, kind, loose: true });

export class Thread {
  /** `log` is the scrolling element; `actions` are those of a bubble, `moved()` and `read()`. */
  constructor(log, profile, actions = {}) {
    this.log = log;
    this.profile = profile;
    this.actions = { jump: (mid) => this.jumpTo(mid), ...actions };
    this.list = element("ol");
    this.query = "";
    this.state = "idle";
    this.wanted = [];
    this.arrived = 0;
    log.replaceChildren(this.list);
    this.rows = new VirtualList(log, this.list, {
      guess: GUESS,
      toEnd: true,
      draw: (row, drawn) => this.drawRow(row, drawn),
      moved: () => this.onMoved(),
    });
    this.onKey = (event) => this.walk(event);
    log.addEventListener("keydown", this.onKey);
    this.session = profile.createReadSession(this);
    this.session.enableReadReceipt(true);
    // Counted before reading makes them read.
    profile.getUnreadMessageCount((count) => this.begin(count));
  }

  begin(unread) {
    if (this.closed) return;
    this.unread = unread;
    this.more();
  }

  /** No more callbacks, no more receipts. */
  close() {
    this.closed = true;
    this.session.stop();
    this.rows.close();
    this.log.removeEventListener("keydown", this.onKey);
    for (const { found } of this.wanted) found(false);
  }

  messages() {
    return this.session.getMessages().filter((message) => message.isMessage() || message.isCall());
  }

  /** Marks a text in all messages. */
  mark(query) {
    this.query = query;
    this.draw();
  }

  // ---- reading ----

  onMoved() {
    if (this.log.scrollTop < NEAR) this.more();
    if (this.rows.atEnd) this.arrived = 0;
    this.actions.moved?.();
  }

  more() {
    if (this.state !== "idle") return;
    this.state = "reading";
    if (!this.session.read(this.wanted.length ? STRIDE : PAGE)) this.onEnd();
  }

  /** What is stored here is read; the server may have more. */
  onEnd() {
    this.state = "syncing";
    this.draw();
    this.session.sync(PAGE, this);
  }

  Mesibo_onSync(_session, count) {
    if (this.closed || this.state !== "syncing") return;
    this.state = count > 0 ? "idle" : "ended";
    if (count > 0) this.more();
    else this.onBatch();
  }

  Mesibo_onMessage(message) {
    if (!message) return this.onEnd();
    if (message.isRealtimeMessage()) return this.onArrival(message);
    if (!message.isLastMessage()) return;
    this.state = "idle";
    this.onBatch();
  }

  onArrival(message) {
    this.actions.read?.();
    if (message.isIncoming()) {
      announce(`${senderOf(message)}: ${inOneLine(message)}`);
      if (!this.rows.atEnd) this.arrived += 1;
    } else {
      // What one writes oneself is looked at, and ends what was unread.
      this.unread = 0;
      this.rows.follow();
    }
    this.draw();
  }

  Mesibo_onMessageStatus() {
    this.draw();
  }
  Mesibo_onMessageUpdate() {
    this.draw();
  }

  /** More of the history is here. */
  onBatch() {
    this.actions.read?.();
    this.drawNow();
    this.place();
    const open = this.wanted.filter(({ mid, found }) => {
      if (this.rows.indexOf(mid) >= 0) return void found(true);
      return this.state !== "ended" || void found(false);
    });
    this.wanted = open;
    if (open.length || this.log.scrollTop < NEAR) this.more();
  }

  /** At first sight: where the unread messages begin. */
  place() {
    if (this.placed) return;
    this.placed = true;
    if (this.rows.indexOf("unread") < 0) return this.rows.scrollToEnd();
    this.rows.show("unread", 0.15);
    // When all of them are in view that is the end, too, and what comes is followed.
    this.rows.noteEnd();
  }

  // ---- going somewhere ----

  /** Shows a message, however far up it is; resolves with whether it is there. */
  async jumpTo(mid, focus = true) {
    const found = await new Promise((resolve) => {
      if (this.rows.indexOf(mid) >= 0) return resolve(true);
      if (this.state === "ended") return resolve(false);
      this.wanted.push({ mid, found: resolve });
      this.more();
    });
    if (this.closed) return false;
    if (!found) {
      announce("This message is not on this device.");
      return false;
    }
    const row = this.rows.show(mid, 0.35);
    row.classList.remove("found");
    requestAnimationFrame(() => row.classList.add("found"));
    if (focus) row.bubble.body.focus({ preventScroll: true });
    return true;
  }

  toEnd() {
    this.arrived = 0;
    this.rows.scrollToEnd();
    this.actions.moved?.();
  }

  /** Arrows walk from message to message. */
  walk(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const at = document.activeElement.closest(".said")?.rowKey;
    if (document.activeElement !== this.log && !document.activeElement.matches(".message")) return;
    if (["ContextMenu", "Enter"].includes(event.key) && at !== undefined && this.actions.menu) {
      event.preventDefault();
      const { bubble } = this.rows.elementOf(at);
      return this.actions.menu(bubble.message, bubble);
    }
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const { rows } = this.rows;
    let next = at === undefined ? (step < 0 ? rows.length - 1 : 0) : this.rows.indexOf(at) + step;
    while (rows[next] && !rows[next].message) next += step;
    if (!rows[next]) return;
    this.rows.reveal(rows[next].key)?.bubble.body.focus({ preventScroll: true });
  }

  // ---- drawing ----

  /** Once for everything that happens in a frame. */
  draw() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      if (!this.closed) this.drawNow();
    });
  }

  drawNow() {
    const messages = this.messages();
    this.rows.setRows(this.rowsOf(messages));
    this.actions.moved?.();
  }

  rowsOf(messages) {
    const rows = [];
    const unread = this.firstUnread(messages);
    let [dayEnd, before] = [-Infinity, null];
    if (this.state === "ended" && !messages.length) rows.push(loose("nothing"));
    if (this.state === "reading" && messages.length) rows.push(loose("reading"));
    for (const message of messages) {
      const { ts } = message;
      if (!(ts < dayEnd)) {
        const day = dayOf(ts);
        // 25 hours, then back to midnight: a day may be longer than others.
        dayEnd = dayOf(day + 25 * 3_600_000);
        rows.push({ ...loose("day"), key: `day ${day}`, ts });
        before = null;
      }
      if (message === unread) {
        rows.push(loose("unread"));
        before = null;
      }
      const follows =
        before !== null &&
        before.isOutgoing() === message.isOutgoing() &&
        before.peer === message.peer &&
        ts - before.ts < TOGETHER;
      rows.push({ key: message.mid, kind: "message", message, follows });
      before = message;
    }
    return rows;
  }

  /** The first of those that were unread when the conversation was opened. */
  firstUnread(messages) {
    if (!this.unread) return null;
    if (this.unreadMessage) return this.unreadMessage;
    let [left, first] = [this.unread, null];
    for (let at = messages.length - 1; at >= 0 && left > 0; at--) {
      if (!messages[at].isIncoming()) continue;
      first = messages[at];
      left -= 1;
    }
    this.unreadMessage = first;
    return first;
  }

  drawRow(row, drawn) {
    switch (row.kind) {
      case "message": {
        const bubble = drawn?.bubble ?? new Bubble(row.message, this.actions);
        bubble.update(row.follows, this.query);
        return bubble.element;
      }
      case "day":
        return drawn ?? element("li", { class: "day" }, element("span", {}, dayName(row.ts)));
      case "unread":
        return drawn ?? element("li", { class: "unread" }, element("span", {}, "Unread messages"));
      case "reading":
        return drawn ?? element("li", { class: "reading" }, "Reading older messages…");
      default:
        return drawn ?? this.nothing();
    }
  }

  nothing() {
    const text = `No messages yet. Say hello to ${this.profile.getNameOrAddress()}.`;
    return element("li", { class: "empty" }, icon("chat"), element("p", {}, text));
  }
}
