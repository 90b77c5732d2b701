// What was recorded here: a film for each stream, listed by the server and played from it.
import { element, iconButton } from "/shared/dom.js";
import { confirm, openDialog } from "/shared/dialog.js";
import { sizeOf, whenOf } from "/shared/words.js";

export class Recordings {
  /** With the token of the one who looks. */
  constructor(token, gid) {
    this.place = `/media/${gid}`;
    this.headers = { Authorization: `Bearer ${token}` };
  }

  async open() {
    const list = element("ul", { class: "recordings" });
    const note = element("p", { class: "quiet", role: "status" }, "Looking…");
    openDialog("Recordings", [note, list]);
    try {
      const answer = await fetch(this.place, { headers: this.headers });
      const { media = [] } = answer.ok ? await answer.json() : {};
      const recorded = media.filter(({ recording }) => recording);
      list.replaceChildren(...recorded.map((medium) => this.row(medium, note)));
      note.textContent = recorded.length ? "" : "Nothing was recorded here yet.";
    } catch {
      note.textContent = "The server cannot be reached. Close this and try again.";
    }
  }

  row(medium, note) {
    const { title, url, size, recording } = medium;
    const when = `${whenOf(recording.begun)}, ${sizeOf(size)}`;
    const row = element(
      "li",
      {},
      element("video", { src: url, controls: true, preload: "metadata", "aria-label": title }),
      element(
        "div",
        { class: "row" },
        element(
          "span",
          { class: "lines" },
          element("span", { class: "cut", dir: "auto" }, title),
          element("span", { class: "small quiet" }, when),
        ),
        iconButton("trash", `Delete the recording of ${title}`, {
          onclick: () => this.remove(medium, row, note),
        }),
      ),
    );
    return row;
  }

  async remove({ id, title }, row, note) {
    if (!(await confirm("Delete the recording?", `Of ${title}, for everybody.`, "Delete"))) return;
    const gone = await fetch(`${this.place}/${id}`, { method: "DELETE", headers: this.headers });
    if (gone.ok) row.remove();
    note.textContent = gone.ok ? "Deleted." : "Only who recorded it, or may record, can delete it.";
  }
}
