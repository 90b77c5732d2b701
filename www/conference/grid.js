// The grid: one tile a stream, all as large as the room on the screen allows.
import { avatar, element, icon } from "/shared/dom.js";

const SHAPE = 16 / 9;
/** Between tiles, px: `--space-2` of the style. */
const GAP = 8;

class Tile {
  constructor(participant, name) {
    const screen = participant.getSid() > 0;
    this.participant = participant;
    this.video = element("video", { autoplay: true, playsinline: true });
    this.mic = icon("mic-off", "muted");
    this.state = element("p", { class: "state" });
    this.caption = element("p", { class: "caption" }, element("span", { class: "name" }, name));
    this.element = element(
      "li",
      { class: "tile no-picture" },
      this.video,
      avatar(name, participant.getAddress() || name),
      this.caption,
      this.state,
    );
    this.element.classList.toggle("screen", screen);
    this.element.classList.toggle("mirrored", participant.isLocal() && !screen);
    // The own voice is never heard here.
    this.video.muted = participant.isLocal();
    this.setState(screen ? null : "Connecting…");
  }

  setPicture(on) {
    this.element.classList.toggle("no-picture", !on);
  }

  setMuted(on) {
    if (on) this.caption.prepend(this.mic);
    else this.mic.remove();
  }

  setTalking(on) {
    this.element.classList.toggle("talking", on);
  }

  setState(text) {
    this.state.hidden = !text;
    this.state.textContent = text ?? "";
  }
}

export class Grid {
  constructor(list) {
    this.list = list;
    this.tiles = new Map();
    new ResizeObserver(() => this.lay()).observe(list);
  }

  add(participant, name) {
    if (this.tiles.has(participant)) return;
    const tile = new Tile(participant, name);
    this.tiles.set(participant, tile);
    // A screen is what everybody looks at: first.
    if (participant.getSid() > 0) this.list.prepend(tile.element);
    else this.list.append(tile.element);
    this.lay();
  }

  remove(participant) {
    this.tiles.get(participant)?.element.remove();
    this.tiles.delete(participant);
    this.lay();
  }

  clear() {
    for (const participant of this.participants()) this.remove(participant);
  }

  tile(participant) {
    return this.tiles.get(participant);
  }

  participants() {
    return [...this.tiles.keys()];
  }

  /** The number of columns that makes the tiles largest. */
  lay() {
    const count = this.tiles.size;
    const { clientWidth, clientHeight } = this.list;
    if (!count || !clientWidth) return;
    // The list has a padding of a gap on both sides.
    const inner = clientWidth - 2 * GAP;
    let best = { area: 0 };
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const wide = (inner - GAP * (columns - 1)) / columns;
      const high = (clientHeight - GAP * (rows - 1)) / rows;
      // A tile may be as tall as wide: on a phone, faces fill the screen better than bars.
      const width = Math.min(wide, high * SHAPE);
      const height = Math.min(high, width / (inner < clientHeight ? 1 : SHAPE));
      if (width * height > best.area) best = { area: width * height, width, height };
    }
    this.list.style.setProperty("--tile-width", `${Math.floor(best.width)}px`);
    this.list.style.setProperty("--tile-height", `${Math.floor(best.height)}px`);
  }
}
