// Files that will be sent with the next message: picked, dropped or pasted, shown before they go.
import { announce, element, icon, iconButton } from "/shared/dom.js";
import { sizeOf } from "/shared/words.js";

/** Files sent at once; more are left out, and that is said. */
const MOST = 20;

export class Attachments {
  /** `tray` shows them; `changed` is told when there are others. */
  constructor(tray, changed) {
    this.tray = tray;
    this.changed = changed;
    this.files = [];
  }

  /** An input to pick with, a place to drop on, a field to paste into. */
  take({ input, place, text }) {
    input.addEventListener("change", () => {
      this.add(input.files);
      // The same file may be chosen again.
      input.value = "";
    });
    text.addEventListener("paste", (event) => {
      if (!event.clipboardData.files.length) return;
      event.preventDefault();
      this.add(event.clipboardData.files);
    });
    let depth = 0;
    const over = (on) => place.classList.toggle("dropping", on);
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    place.addEventListener("dragenter", (event) => {
      if (hasFiles(event) && ++depth === 1) over(true);
    });
    place.addEventListener("dragleave", (event) => {
      if (hasFiles(event) && --depth === 0) over(false);
    });
    place.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    place.addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth = 0;
      over(false);
      this.add(event.dataTransfer.files);
    });
  }

  add(files) {
    for (const file of files) {
      if (this.files.length < MOST) this.files.push(file);
      else announce(`Only ${MOST} files are sent at once.`);
    }
    this.draw();
    announce(this.files.length === 1 ? "1 file attached" : `${this.files.length} files attached`);
  }

  remove(file) {
    this.files = this.files.filter((other) => other !== file);
    this.draw();
  }

  /** Gives them away. */
  empty() {
    const { files } = this;
    this.files = [];
    this.draw();
    return files;
  }

  draw() {
    this.tray.hidden = !this.files.length;
    this.tray.replaceChildren(...this.files.map((file) => this.item(file)));
    this.changed();
  }

  item(file) {
    const name = file.name || "Pasted file";
    return element(
      "li",
      {},
      this.picture(file),
      element(
        "span",
        { class: "lines" },
        element("span", { class: "cut", dir: "auto" }, name),
        element("span", { class: "small quiet" }, sizeOf(file.size)),
      ),
      iconButton("close", `Remove ${name}`, {
        onclick: () => this.remove(file),
      }),
    );
  }

  picture(file) {
    if (!file.type.startsWith("image/")) return icon("file");
    const src = URL.createObjectURL(file);
    const free = () => URL.revokeObjectURL(src);
    return element("img", { src, alt: "", onload: free, onerror: free });
  }
}
