// The messages of one conversation in a scrolling log: reads history upwards, follows what is new.
//
// Relies on a read session; its array is the truth, the log is brought to it after each event.
import { announce, arrange, element, icon } from "./dom.js";

/** Messages a read asks for: more than a tall screen shows. */
const PAGE = 30;
/** Nearer to an edge than this counts as being there, px. */
const NEAR = 120;

const time = (ts) => new Date(ts).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function dayOf(message) {
  return message.getTimestamp().getDate(undefined, "Today", "Yesterday");
}

/** How far an own message has come. */
function progress(message) {
  if (message.isFailed()) return ["alert", "Not sent", "failed"];
  if (message.isReadByPeer()) return ["ticks", "Read", "read"];
  if (message.isDelivered()) return ["ticks", "Delivered", ""];
  if (message.isSent()) return ["tick", "Sent", ""];
  return ["clock", "Waiting to be sent", ""];
}

export class Thread {
  /** `log` is the scrolling element; its list is made here. */
  constructor(log, profile) {
    this.log = log;
    this.profile = profile;
    this.list = element("ol");
    this.bubbles = new Map();
    this.days = new Map();
    this.reading = false;
    this.ended = false;
    log.replaceChildren(this.list);
    this.onScroll = () => this.readMore();
    log.addEventListener("scroll", this.onScroll, { passive: true });
    this.session = profile.createReadSession(this);
    this.session.enableReadReceipt(true);
    this.more();
  }

  /** No more callbacks, no more receipts. */
  close() {
    this.session.stop();
    this.log.removeEventListener("scroll", this.onScroll);
  }

  readMore() {
    if (this.log.scrollTop < NEAR) this.more();
  }

  more() {
    if (this.reading || this.ended) return;
    this.reading = true;
    if (!this.session.read(PAGE)) this.onEnd();
  }

  onEnd() {
    this.reading = false;
    this.ended = true;
    this.draw();
  }

  Mesibo_onMessage(message) {
    if (!message) return this.onEnd();
    if (message.isRealtimeMessage()) {
      if (message.isIncoming()) {
        announce(`${message.profile.getNameOrAddress()}: ${message.message ?? ""}`);
      }
      return this.draw(message.isOutgoing());
    }
    if (!message.isLastMessage()) return;
    this.reading = false;
    this.draw();
    // A screen taller than one read.
    if (this.log.scrollHeight <= this.log.clientHeight + NEAR) this.more();
  }

  Mesibo_onMessageStatus(message) {
    const bubble = this.bubbles.get(message.mid);
    if (bubble) this.drawFoot(bubble, message);
  }

  Mesibo_onMessageUpdate() {
    this.draw();
  }

  /** Brings the log to the session's array; stays where the reader is, or at the end. */
  draw(toEnd = false) {
    const { log } = this;
    const fromEnd = log.scrollHeight - log.scrollTop;
    const atEnd = toEnd || fromEnd - log.clientHeight < NEAR;
    const atTop = log.scrollTop < NEAR;
    const rows = [];
    let day = null;
    let before = null;
    for (const message of this.session.getMessages()) {
      if (!message.isMessage()) continue;
      const today = dayOf(message);
      if (today !== day) {
        rows.push(this.separator(today));
        before = null;
      }
      day = today;
      rows.push(this.bubble(message, before));
      before = message;
    }
    if (rows.length || !this.ended) arrange(this.list, rows);
    else this.list.replaceChildren(this.nothing());
    if (atEnd) log.scrollTop = log.scrollHeight;
    else if (atTop) log.scrollTop = log.scrollHeight - fromEnd;
  }

  nothing() {
    const text = `No messages yet. Say hello to ${this.profile.getNameOrAddress()}.`;
    return element("li", { class: "empty" }, icon("chat"), element("p", {}, text));
  }

  separator(day) {
    if (!this.days.has(day)) this.days.set(day, element("li", { class: "day" }, day));
    return this.days.get(day);
  }

  bubble(message, before) {
    const own = message.isOutgoing();
    const follows = before && before.isOutgoing() === own && before.peer === message.peer;
    let bubble = this.bubbles.get(message.mid);
    if (!bubble) {
      bubble = element(
        "li",
        { class: own ? "message own" : "message" },
        element("p", { class: "sender" }),
        element("p", { class: "text" }),
        element("p", { class: "foot" }),
      );
      this.bubbles.set(message.mid, bubble);
      this.drawFoot(bubble, message);
    }
    bubble.classList.toggle("first", !follows);
    const [sender, text] = bubble.children;
    sender.hidden = own || !message.isGroupMessage() || follows;
    if (!sender.hidden) sender.textContent = message.profile.getNameOrAddress();
    const words = message.isDeleted() ? "This message was deleted" : (message.message ?? "");
    if (text.textContent !== words) text.textContent = words;
    return bubble;
  }

  drawFoot(bubble, message) {
    const foot = bubble.lastElementChild;
    const at = element("time", { datetime: new Date(message.ts).toISOString() }, time(message.ts));
    foot.replaceChildren(at);
    if (!message.isOutgoing()) return;
    const [drawing, label, look] = progress(message);
    foot.append(element("span", { class: look }, icon(drawing, label)));
    if (!message.isFailed()) return;
    foot.prepend(
      element("span", { class: "failed" }, "Not sent"),
      element(
        "button",
        { type: "button", class: "button", onclick: () => message.resend() },
        "Send again",
      ),
    );
  }
}
