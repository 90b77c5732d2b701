// Looking for a text in the open conversation: hits are marked, arrows go from one to the next.
import { announce } from "/shared/dom.js";

/** Hits read at once. */
const PAGE = 200;

export class Find {
  /** `bar` holds the field and buttons; `thread()` is the open one. */
  constructor(bar, thread) {
    this.bar = bar;
    this.thread = thread;
    this.field = bar.querySelector("input");
    this.count = bar.querySelector(".count");
    this.session = null;
    this.hits = [];
    this.field.addEventListener("input", () => this.look());
    bar.addEventListener("keydown", (event) => this.onKey(event));
    bar.querySelector(".older").addEventListener("click", () => this.go(1));
    bar.querySelector(".newer").addEventListener("click", () => this.go(-1));
    bar.querySelector(".done").addEventListener("click", () => this.close(true));
  }

  open() {
    this.bar.hidden = false;
    this.field.focus();
    this.field.select();
  }

  /** `back`: the focus was here. */
  close(back) {
    this.session?.stop();
    this.session = null;
    this.bar.hidden = true;
    this.field.value = "";
    this.thread()?.mark("");
    if (back) this.bar.dispatchEvent(new Event("closed"));
  }

  onKey(event) {
    if (event.key === "Escape") this.close(true);
    else if (event.key === "Enter" && event.target === this.field) this.go(event.shiftKey ? -1 : 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  look() {
    const query = this.field.value.trim();
    this.session?.stop();
    this.session = null;
    this.hits = [];
    this.at = -1;
    this.thread().mark(query);
    if (!query) return this.draw();
    this.session = this.thread().profile.createReadSession(this);
    this.session.setQuery(query);
    this.session.read(PAGE);
    this.state = "looking";
    this.draw();
  }

  Mesibo_onMessage(message) {
    if (message && !message.isLastMessage()) return;
    if (!message) this.state = "ended";
    else this.state = "more";
    // Newest first: that is the way one looks.
    const found = this.session.getMessages().filter((m) => m.isMessage() && !m.isDeleted());
    this.hits = found.map(({ mid }) => mid).reverse();
    this.draw();
    if (this.waiting) {
      this.waiting = false;
      this.go(1);
    }
  }

  go(step) {
    const next = this.at + step;
    if (next >= this.hits.length) {
      // The hit after the last one known.
      if (this.state === "more" && this.session.read(PAGE)) this.waiting = true;
      return;
    }
    if (next < 0) return;
    this.at = next;
    this.draw();
    this.thread().jumpTo(this.hits[next], false);
  }

  draw() {
    const { hits, at, state } = this;
    const all = state === "more" ? `${hits.length}+` : String(hits.length);
    let text = hits.length ? `${at + 1} of ${all}` : "";
    if (at < 0 && hits.length) text = `${all} found`;
    if (!hits.length && this.session && state !== "looking") text = "Not found";
    if (this.count.textContent !== text) this.count.textContent = text;
    if (text === "Not found") announce("Not found");
    this.bar.querySelector(".older").disabled = at + 1 >= hits.length && state !== "more";
    this.bar.querySelector(".newer").disabled = at <= 0;
  }
}
