// The pictures: one tile a stream, all alike or the speaker large; one can be pinned.
import { avatar, element, icon, iconButton } from "/shared/dom.js";
import { even, speaker } from "./layout.js";

/** Below these a link is worth a mark, of 100. */
const [WEAK, VERY_WEAK] = [70, 40];

class Tile {
  constructor(participant, name, pin) {
    this.isScreen = participant.getSid() > 0;
    this.participant = participant;
    this.name = name;
    this.video = element("video", { autoplay: true, playsinline: true });
    this.mic = icon("mic-off", "muted");
    this.hand = icon("hand", "hand raised");
    this.link = element("span", { class: "link" });
    this.state = element("p", { class: "state" });
    this.caption = element("p", { class: "caption" }, element("span", { class: "name" }, name));
    this.pin = iconButton("pin", `Pin ${name}`, { "aria-pressed": "false", onclick: pin });
    this.pin.classList.add("pin");
    this.element = element(
      "li",
      { class: "tile no-picture", ondblclick: pin },
      this.video,
      avatar(name, participant.getAddress() || name),
      this.caption,
      this.state,
      this.pin,
    );
    this.element.classList.toggle("screen", this.isScreen);
    this.element.classList.toggle("mirrored", participant.isLocal() && !this.isScreen);
    // The own voice is never heard here.
    this.video.muted = participant.isLocal();
    this.setState(this.isScreen ? null : "Connecting…");
  }

  setPicture(on) {
    this.element.classList.toggle("no-picture", !on);
  }

  setMuted(on) {
    if (on) this.caption.prepend(this.mic);
    else this.mic.remove();
  }

  setHand(up) {
    if (up) this.caption.append(this.hand);
    else this.hand.remove();
  }

  /** 1 to 100; nothing is said of a good link. */
  setQuality(quality) {
    if (quality >= WEAK) return this.link.remove();
    const weak = quality >= VERY_WEAK;
    const words = weak ? "weak connection" : "very weak connection";
    this.link.replaceChildren(icon(weak ? "signal-weak" : "signal-very-weak", words));
    this.link.title = words;
    this.caption.append(this.link);
  }

  setTalking(on) {
    this.element.classList.toggle("talking", on);
  }

  setState(text) {
    this.state.hidden = !text;
    this.state.textContent = text ?? "";
  }

  /** Without a place it is heard and not seen. */
  put(place) {
    this.element.hidden = !place;
    for (const side of ["x", "y", "width", "height"]) {
      if (place) this.element.style.setProperty(`--${side}`, `${Math.floor(place[side])}px`);
    }
  }
}

export class Grid {
  constructor(list) {
    this.list = list;
    this.tiles = new Map();
    /** Who has the word, then who has spoken last. */
    this.speakers = [];
    /** One large, or all alike. */
    this.speaker = false;
    this.pinned = null;
    new ResizeObserver(() => this.lay()).observe(list);
  }

  add(participant, name) {
    if (this.tiles.has(participant)) return;
    const tile = new Tile(participant, name, () => this.togglePin(tile));
    this.tiles.set(participant, tile);
    // A screen is what everybody looks at: first.
    if (tile.isScreen) this.list.prepend(tile.element);
    else this.list.append(tile.element);
    this.lay();
  }

  remove(participant) {
    const tile = this.tiles.get(participant);
    if (this.pinned === tile) this.pinned = null;
    tile?.element.remove();
    this.tiles.delete(participant);
    this.lay();
  }

  clear() {
    for (const participant of this.participants()) this.remove(participant);
  }

  tile(participant) {
    return this.tiles.get(participant);
  }

  /** `[name, participant]` of each picture, as they stand. */
  named() {
    const at = (tile) => [...this.list.children].indexOf(tile.element);
    const tiles = [...this.tiles.values()].sort((a, b) => at(a) - at(b));
    return tiles.map(({ name, participant }) => [name, participant]);
  }

  participants() {
    return [...this.tiles.keys()];
  }

  setTalking(participant, talking) {
    this.tile(participant)?.setTalking(talking);
  }

  /** Participants in the order in which they have spoken, the last first. */
  setSpeakers(speakers) {
    this.speakers = speakers;
    this.lay();
  }

  setSpeaker(on) {
    this.speaker = on;
    if (!on) this.pinned = null;
    this.lay();
  }

  /** Shown large until it is let go. */
  togglePin(tile) {
    this.pinned = this.pinned === tile ? null : tile;
    if (this.pinned) this.speaker = true;
    this.lay();
    this.list.dispatchEvent(new Event("layout"));
  }

  pin(participant) {
    const tile = this.tile(participant);
    if (tile && this.pinned !== tile) this.togglePin(tile);
  }

  /** The one to look at: pinned, a screen, who has the word, anybody but oneself. */
  main() {
    if (this.pinned) return this.pinned;
    const all = [...this.tiles.values()];
    const others = all.filter((tile) => !tile.participant.isLocal());
    const screen = others.find((tile) => tile.isScreen);
    const speaker = this.speakers
      .map((one) => this.tile(one))
      .find((tile) => others.includes(tile));
    return screen ?? speaker ?? others[0] ?? all[0];
  }

  lay() {
    const room = { width: this.list.clientWidth, height: this.list.clientHeight };
    if (!this.tiles.size || !room.width) return;
    const shown = new Map([...this.tiles.values()].map((tile) => [tile.element, tile]));
    let tiles = [...this.list.children].map((child) => shown.get(child));
    const main = this.speaker ? this.main() : null;
    if (main) tiles = [main, ...tiles.filter((tile) => tile !== main)];
    const places = main ? speaker(tiles.length - 1, room) : even(tiles.length, room);
    for (const [at, tile] of tiles.entries()) {
      tile.put(places[at]);
      tile.pin.setAttribute("aria-pressed", String(tile === this.pinned));
    }
  }
}
