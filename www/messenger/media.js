// Pictures, videos and files of a conversation, the newest first.
import { element, icon } from "/shared/dom.js";
import { sizeOf, whenOf } from "/shared/words.js";
import { showPicture } from "./viewer.js";

/** Files shown at once. */
const PAGE = 100;

function item(message) {
  const small = message.getThumbnail() ?? (message.isImage() ? message.getFilePath() : null);
  const name = message.getFileName() ?? "File";
  if (message.isImage()) {
    const look = {
      type: "button",
      class: "thumb",
      "aria-label": `Open picture ${name}`,
    };
    const onclick = () => showPicture(message);
    return element("button", { ...look, onclick }, element("img", { src: small, alt: "" }));
  }
  const drawing = message.isVideo() ? "camera" : message.isAudio() ? "mic" : "file";
  return element(
    "a",
    {
      class: "document",
      href: message.getFilePath(),
      target: "_blank",
      rel: "noopener",
    },
    icon(drawing),
    element(
      "span",
      { class: "lines" },
      element("span", { class: "cut", dir: "auto" }, name),
      element(
        "span",
        { class: "small quiet" },
        `${sizeOf(message.size ?? 0)}, ${whenOf(message.ts)}`,
      ),
    ),
  );
}

export class Media {
  constructor(profile) {
    this.pictures = element("div", { class: "thumbs" });
    this.files = element("div", { class: "documents" });
    this.note = element("p", { class: "quiet small" }, "Looking…");
    this.more = element(
      "button",
      {
        type: "button",
        class: "button plain",
        hidden: true,
        onclick: () => this.read(),
      },
      "Show more",
    );
    this.element = element(
      "div",
      { class: "media" },
      this.pictures,
      this.files,
      this.note,
      this.more,
    );
    this.session = profile.createReadSession(this);
    this.session.enableFiles(true);
    this.read();
  }

  read() {
    if (!this.session.read(PAGE)) this.draw(true);
  }

  close() {
    this.session.stop();
  }

  Mesibo_onMessage(message) {
    if (!message) this.draw(true);
    else if (message.isLastMessage() || message.isRealtimeMessage()) this.draw(false);
  }

  draw(ended) {
    const usable = (m) => m.isMessage() && m.hasFile() && !m.isDeleted() && m.isFileReady();
    const all = this.session.getMessages().filter(usable).reverse();
    this.pictures.replaceChildren(...all.filter((m) => m.isImage()).map(item));
    this.files.replaceChildren(...all.filter((m) => !m.isImage()).map(item));
    this.note.hidden = all.length > 0;
    this.note.textContent = "No pictures or files yet.";
    this.more.hidden = ended;
  }
}
