// How the media of everybody does, in figures, drawn anew each second while somebody looks.
import { arrange, element } from "/shared/dom.js";

const EVERY = 1000;

const rate = (bits) =>
  bits >= 1e6 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bits / 1e3)} kbit/s`;
const percent = (part) => `${(part * 100).toFixed(1)} %`;
const time = (ms) => (ms === null ? null : `${ms} ms`);
const LIMITS = { bandwidth: "the link", cpu: "this computer", other: "something else" };

/** `[what, figure]` of a stream; what is not known is left out. */
function rows({ roundTrip, audio, video }, local) {
  const all = [];
  if (video) {
    const { width, height, frameRate, freezes, frozen } = video;
    all.push(["Picture", width > 0 ? `${width} × ${height}, ${frameRate}/s` : "none"]);
    all.push(["Picture codec", video.codec], ["Picture rate", rate(video.bitrate)]);
    all.push(["Picture lost", percent(video.loss)]);
    if (local) {
      all.push(["Sizes sent", String(video.layers)]);
      all.push(["Kept small by", LIMITS[video.limitedBy]]);
    } else all.push(["Freezes", freezes ? `${freezes}, ${frozen} ms in all` : "none"]);
  }
  if (audio) {
    all.push(["Sound codec", audio.codec], ["Sound rate", rate(audio.bitrate)]);
    all.push(["Sound lost", percent(audio.loss)]);
  }
  all.push(["Jitter", time(video?.jitter ?? audio?.jitter ?? null)]);
  all.push(["To the server and back", time(roundTrip)]);
  return all.filter(([, figure]) => figure);
}

class Card {
  constructor(name) {
    this.name = name;
    this.list = element("dl");
    this.element = element("section", {}, element("h3", { dir: "auto" }, name), this.list);
  }

  draw(stats, local) {
    const found = stats ? rows(stats, local) : [["Media", "none yet"]];
    const row = ([what, figure]) =>
      element("div", {}, element("dt", {}, what), element("dd", {}, figure));
    this.list.replaceChildren(...found.map(row));
  }
}

export class Statistics {
  /** `streams()`: `[name, participant]` of each. */
  constructor(streams) {
    this.streams = streams;
    this.place = document.querySelector("#statistics .figures");
    this.cards = new Map();
  }

  open(on) {
    clearInterval(this.clock);
    if (!on) return;
    this.draw();
    this.clock = setInterval(() => this.draw(), EVERY);
  }

  async draw() {
    const streams = this.streams();
    const told = await Promise.all(streams.map(([, participant]) => participant.getStats()));
    const shown = new Map();
    for (const [at, [name, participant]] of streams.entries()) {
      const before = this.cards.get(participant);
      const card = before?.name === name ? before : new Card(name);
      card.draw(told[at], participant.isLocal());
      shown.set(participant, card);
    }
    this.cards = shown;
    arrange(
      this.place,
      [...shown.values()].map((card) => card.element),
    );
  }
}
