// What was recorded here: a film for each stream, listed by the server and played from it.
import { element, iconButton } from "/shared/dom.js";
import { confirm, openDialog, outcome } from "/shared/dialog.js";
import { sizeOf, whenOf } from "/shared/words.js";

// A film is there some time after its recording has ended: it is sealed and stored first.
const LOOK_EVERY_MS = 2_000;

const wordsFor = (films) => {
  if (!films) return "The recordings cannot be listed now.";
  return films.length ? "" : "Nothing was recorded here yet.";
};

export class Recordings {
  /** With the token of the one who looks. */
  constructor(token, gid) {
    this.place = `/media/${gid}`;
    this.headers = { Authorization: `Bearer ${token}` };
  }

  /** Shows them, and those that come while one looks. */
  open() {
    const list = element("ul", { class: "recordings" });
    const note = element("p", { class: "quiet", role: "status" }, "Looking…");
    const deleted = outcome();
    const rows = new Map();
    let next;
    const dialog = openDialog("Recordings", [note, list, deleted], {
      closed: () => clearTimeout(next),
    });
    const look = async () => {
      const films = await this.films();
      if (films) this.show(films, rows, list, deleted);
      note.textContent = wordsFor(films);
      if (dialog.open) next = setTimeout(look, LOOK_EVERY_MS);
    };
    look();
  }

  /** What the server has; nothing when it does not say. */
  async films() {
    try {
      const answer = await fetch(this.place, { headers: this.headers });
      const { media } = await answer.json();
      return media?.filter(({ recording }) => recording);
    } catch {
      return undefined;
    }
  }

  /** Rows that are there stay as they are: one of them may be playing. */
  show(films, rows, list, deleted) {
    const there = new Set(films.map(({ id }) => id));
    for (const [id, row] of rows) {
      if (there.has(id)) continue;
      row.remove();
      rows.delete(id);
    }
    films.forEach((film, index) => {
      if (rows.has(film.id)) return;
      const row = this.row(film, deleted);
      rows.set(film.id, row);
      list.insertBefore(row, list.children[index] ?? null);
    });
  }

  row(medium, deleted) {
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
          onclick: () => this.remove(medium, row, deleted),
        }),
      ),
    );
    return row;
  }

  async remove({ id, title }, row, deleted) {
    if (!(await confirm("Delete the recording?", `Of ${title}, for everybody.`, "Delete"))) return;
    const gone = await fetch(`${this.place}/${id}`, { method: "DELETE", headers: this.headers });
    if (gone.ok) row.remove();
    deleted.textContent = gone.ok
      ? "Deleted."
      : "Only who recorded it, or may record, can delete it.";
  }
}
