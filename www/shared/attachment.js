// The file of a message: a picture, a player or a link, and how far it is on its way.
import { element, icon } from "./dom.js";
import { Player } from "./player.js";
import { isVoice, sizeOf } from "./words.js";

/** Pictures larger than this are loaded in full only when they are opened, bytes. */
const FULL_UP_TO = 5 * 1024 * 1024;

export class Attachment {
  /** `open(message)` shows a picture large. */
  constructor(message, open) {
    this.message = message;
    this.open = open;
    this.element = element("div", { class: "attachment" });
    this.transfer = element("div", { class: "transfer" });
    this.element.append(this.content(), this.transfer);
    this.update();
  }

  content() {
    const { message } = this;
    if (message.isImage()) return this.picture();
    if (message.isVideo()) return this.video();
    if (message.isAudio()) return this.sound();
    return this.document();
  }

  picture() {
    const { message } = this;
    const small = message.getThumbnail();
    const label = message.getFileName() ? `Picture ${message.getFileName()}` : "Picture";
    const image = element("img", {
      alt: "",
      class: "picture",
      src: small,
      loading: "lazy",
    });
    const full = message.getFilePath();
    if (full && (!small || (message.size ?? 0) <= FULL_UP_TO)) {
      const better = new Image();
      better.onload = () => (image.src = full);
      better.onerror = () => small || this.gone("This picture cannot be loaded.");
      better.src = full;
    }
    const onclick = () => this.open?.(message);
    return element(
      "button",
      { type: "button", class: "open", "aria-label": `Open ${label}`, onclick },
      image,
    );
  }

  video() {
    const { message } = this;
    return element("video", {
      class: "picture",
      controls: true,
      playsinline: true,
      preload: "metadata",
      src: message.getFilePath(),
      poster: message.getThumbnail(),
      "aria-label": `Video ${message.getFileName() ?? ""}`.trim(),
      onerror: () => this.gone("This video cannot be played."),
    });
  }

  sound() {
    const { message } = this;
    const voice = isVoice(message);
    const label = voice ? "voice message" : (message.getFileName() ?? "audio");
    this.player = new Player(message.getFilePath(), label, {
      seconds: message.getDouble("seconds", 0),
      waveform: message.getString("waveform", ""),
    });
    const name = voice ? null : element("p", { class: "small cut" }, label);
    return element("div", {}, name, this.player.element);
  }

  document() {
    const { message } = this;
    const name = message.getFileName() ?? "File";
    return element(
      "a",
      {
        class: "document",
        href: message.getFilePath(),
        download: name,
        target: "_blank",
        rel: "noopener",
      },
      icon("file"),
      element(
        "span",
        { class: "lines" },
        element("span", { class: "name", dir: "auto" }, name),
        element("span", { class: "small quiet" }, message.size ? sizeOf(message.size) : "File"),
      ),
    );
  }

  gone(text) {
    this.element.firstElementChild.replaceWith(element("p", { class: "quiet small" }, text));
  }

  /** How far it is; nothing once it is there. */
  update() {
    const { message, transfer } = this;
    const moving = message.isUploadRequired() && !message.isFailed();
    transfer.hidden = !moving;
    if (!moving) return transfer.replaceChildren();
    const going = message.isFileTransferInProgress();
    const percent = message.getProgress();
    if (transfer.going !== going || !transfer.firstElementChild) {
      transfer.going = going;
      transfer.replaceChildren(...this.controls(going));
    }
    const [bar, text] = transfer.children;
    bar.value = percent;
    text.textContent = going ? `${percent} %` : "Waiting";
  }

  controls(going) {
    const { message } = this;
    const button = (drawing, label, onclick) =>
      element(
        "button",
        {
          type: "button",
          class: "button plain square",
          title: label,
          "aria-label": label,
          onclick,
        },
        icon(drawing),
      );
    return [
      element("progress", { max: 100, "aria-label": "Upload" }),
      element("span", { class: "small" }),
      going
        ? button("pause", "Pause upload", () => message.stopFileTransfer())
        : button("retry", "Continue upload", () => message.startFileTransfer()),
      button("close", "Cancel upload", () => {
        message.stopFileTransfer();
        message.delete();
      }),
    ];
  }
}
