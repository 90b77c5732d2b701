// A voice message: recorded with a level that can be seen, listened to, then sent or thrown away.
import { announce, element, icon, iconButton } from "/shared/dom.js";
import { BARS, Player, waveToText } from "/shared/player.js";
import { lengthOf } from "/shared/words.js";

/** Longest recording, s: a quarter of an hour of speech is 3 MB. */
const LONGEST = 900;
/** How often the level is taken, ms. */
const STEP = 100;
/** Speech is quieter than the loudest sound there is. */
const GAIN = 3.5;
const KINDS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

/** The levels of a whole recording as so many bars: the loudest of each part. */
function squeeze(levels) {
  const part = Math.max(1, levels.length / BARS);
  const bars = Math.min(BARS, levels.length);
  return Array.from({ length: bars }, (_, at) =>
    Math.max(...levels.slice(Math.floor(at * part), Math.ceil((at + 1) * part))),
  );
}

export class Voice {
  /** `place` is shown instead of the composer; `send(file, facts)` takes what was recorded. */
  constructor(place, send, ended) {
    Object.assign(this, { place, send, ended });
    this.recorder = null;
  }

  static get possible() {
    return Boolean(navigator.mediaDevices?.getUserMedia && globalThis.MediaRecorder);
  }

  async start() {
    if (this.busy) return;
    this.busy = true;
    this.show(element("p", { class: "quiet" }, "Waiting for the microphone…"));
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      return this.refuse(error);
    }
    // Left while the browser was asking.
    if (!this.busy) return this.release();
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    this.recorder = new MediaRecorder(this.stream, mimeType ? { mimeType } : {});
    this.parts = [];
    this.levels = [];
    this.recorder.ondataavailable = ({ data }) => this.parts.push(data);
    this.recorder.onstop = () => this.preview();
    this.recorder.start();
    this.begun = performance.now();
    this.drawRecording();
    this.listen();
    announce("Recording");
  }

  refuse(error) {
    const known = {
      NotAllowedError: "The microphone is not allowed here. Allow it in the browser's settings.",
      NotFoundError: "There is no microphone.",
    };
    const text = known[error.name] ?? "The microphone cannot be used.";
    this.show(
      element("p", { class: "outcome bad", role: "alert" }, text),
      iconButton("close", "Close", { onclick: () => this.cancel() }),
    );
  }

  listen() {
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 1024;
    this.context.createMediaStreamSource(this.stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
      this.levels.push(Math.min(1, Math.sqrt(power) * GAIN));
      this.drawLevel();
      if (this.seconds >= LONGEST) this.stop();
    }, STEP);
  }

  get seconds() {
    return (performance.now() - this.begun) / 1000;
  }

  drawRecording() {
    this.time = element("span", { class: "time", role: "timer" }, "0:00");
    this.bars = element("span", { class: "wave", "aria-hidden": "true" });
    this.show(
      iconButton("trash", "Discard recording", {
        onclick: () => this.cancel(),
      }),
      element("span", { class: "recording", "aria-hidden": "true" }),
      this.time,
      this.bars,
      iconButton("stop", "Stop recording", { onclick: () => this.stop() }),
    );
    this.place.querySelector("button:last-child").focus();
  }

  drawLevel() {
    const text = lengthOf(Math.floor(this.seconds));
    if (this.time.textContent !== text) this.time.textContent = text;
    const level = Math.round(this.levels.at(-1) * 9);
    this.bars.append(element("span", { class: "played", "data-level": level }));
    if (this.bars.children.length > BARS) this.bars.firstElementChild.remove();
  }

  stop() {
    if (this.recorder?.state !== "recording") return;
    this.length = this.seconds;
    this.recorder.stop();
    this.release();
  }

  preview() {
    if (!this.busy) return;
    const type = this.recorder.mimeType || "audio/webm";
    const ending = { "audio/mp4": "m4a", "audio/ogg": "ogg" }[type.split(";")[0]] ?? "webm";
    const file = new File(this.parts, `voice.${ending}`, {
      type: type.split(";")[0],
    });
    const facts = {
      seconds: this.length,
      waveform: waveToText(squeeze(this.levels)),
    };
    this.url = URL.createObjectURL(file);
    this.player = new Player(this.url, "recording", facts);
    const sendIt = () => {
      this.send(file, facts);
      this.cancel();
    };
    this.show(
      iconButton("trash", "Discard recording", {
        onclick: () => this.cancel(),
      }),
      this.player.element,
      element(
        "button",
        {
          type: "button",
          class: "button primary square",
          "aria-label": "Send",
          onclick: sendIt,
        },
        icon("send"),
      ),
    );
    this.place.querySelector("button:last-child").focus();
    announce(`Recorded ${lengthOf(this.length)}`);
  }

  show(...children) {
    this.place.hidden = false;
    this.place.replaceChildren(...children);
  }

  release() {
    clearInterval(this.timer);
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.context?.close();
    this.stream = this.context = null;
  }

  /** Throws away what there is. */
  cancel() {
    if (!this.busy) return;
    this.busy = false;
    if (this.recorder?.state === "recording") this.recorder.stop();
    this.recorder = null;
    this.release();
    this.player?.stop();
    this.player = null;
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
    this.place.hidden = true;
    this.place.replaceChildren();
    this.ended();
  }
}
