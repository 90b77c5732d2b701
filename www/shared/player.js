// Sound in a message: one button, a line to move in, the time. One plays at a time in a page.
import { element, icon } from "./dom.js";
import { lengthOf } from "./words.js";

/** Bars of a waveform. */
export const BARS = 40;

let playing = null;

/** A waveform as text, one digit for each bar, so that it travels with the message. */
export const waveToText = (levels) => levels.map((level) => Math.round(level * 9)).join("");

function wave(text) {
  const bars = [...(/^\d+$/.test(text ?? "") ? text : "")].slice(0, BARS);
  return bars.map((digit) => element("span", { "data-level": digit }));
}

export class Player {
  /** `seconds` and `waveform` are known of voice messages only; `label` names it for readers. */
  constructor(src, label, { seconds = 0, waveform = "" } = {}) {
    this.sound = new Audio();
    this.sound.preload = seconds ? "none" : "metadata";
    this.sound.src = src;
    this.seconds = seconds;
    this.label = label;
    this.button = element("button", {
      type: "button",
      class: "button primary square",
    });
    this.line = element("input", {
      type: "range",
      min: 0,
      max: 1000,
      value: 0,
      "aria-label": `Position in ${label}`,
    });
    this.time = element("span", { class: "small" });
    this.bars = element("span", { class: "wave", "aria-hidden": "true" }, ...wave(waveform));
    this.element = element(
      "div",
      { class: this.bars.children.length ? "player waved" : "player" },
      this.button,
      element("span", { class: "track" }, this.bars, this.line),
      this.time,
    );
    this.button.addEventListener("click", () => this.toggle());
    this.line.addEventListener("input", () => this.seek());
    for (const event of ["timeupdate", "play", "pause", "ended", "durationchange"]) {
      this.sound.addEventListener(event, () => this.draw());
    }
    this.sound.addEventListener("error", () => this.fail());
    this.draw();
  }

  get length() {
    const { duration } = this.sound;
    // What a recorder made has no length of its own.
    return Number.isFinite(duration) && duration > 0 ? duration : this.seconds;
  }

  toggle() {
    if (!this.sound.paused) return this.sound.pause();
    if (playing !== this.sound) playing?.pause();
    playing = this.sound;
    this.sound.play().catch(() => this.fail());
  }

  stop() {
    this.sound.pause();
  }

  seek() {
    if (this.length) this.sound.currentTime = (this.line.value / 1000) * this.length;
  }

  fail() {
    this.time.textContent = "Cannot be played";
  }

  draw() {
    const { sound, line, bars, button } = this;
    const label = `${sound.paused ? "Play" : "Pause"} ${this.label}`;
    if (button.getAttribute("aria-label") !== label) {
      button.setAttribute("aria-label", label);
      button.replaceChildren(icon(sound.paused ? "play" : "pause"));
    }
    const part = this.length ? Math.min(1, sound.currentTime / this.length) : 0;
    const now = sound.ended ? 0 : part;
    line.value = String(Math.round(now * 1000));
    line.setAttribute("aria-valuetext", lengthOf(now * this.length));
    [...bars.children].forEach((bar, at) =>
      bar.classList.toggle("played", at < now * bars.children.length),
    );
    const shown = now > 0 ? sound.currentTime : this.length;
    this.time.textContent = shown ? lengthOf(shown) : "";
  }
}
