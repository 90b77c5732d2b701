// The overview: figures of the whole server, how many messages a second, what is on the disk.
import { element } from "/shared/dom.js";
import { bytes, card, head, number, span, tag } from "./parts.js";

/** Points of the chart: two minutes at one every two seconds. */
const POINTS = 60;

const SVG = "http://www.w3.org/2000/svg";

function drawing(name, properties) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(properties)) made.setAttribute(key, value);
  return made;
}

function chart(rates) {
  const top = Math.max(1, ...rates);
  // The newest is at the right edge.
  const left = ((POINTS - rates.length) / (POINTS - 1)) * 600;
  const at = (rate, index) =>
    `${left + (index / (POINTS - 1)) * 600},${(96 - (rate / top) * 88).toFixed(1)}`;
  const line = rates.map(at).join(" ");
  const made = drawing("svg", {
    class: "chart",
    viewBox: "0 0 600 100",
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": `Messages a second in the last two minutes, at most ${number(Math.round(top))}`,
  });
  if (rates.length > 1) {
    made.append(
      drawing("polygon", { class: "area", points: `${left},100 ${line} 600,100` }),
      drawing("polyline", { class: "line", points: line }),
    );
  }
  return made;
}

const tile = (label, value, more = null) =>
  element(
    "div",
    { class: "tile-figure" },
    element("dt", {}, label),
    element("dd", {}, element("span", { class: "value" }, value), more),
  );

const fact = (label, value) =>
  element("div", {}, element("dt", {}, label), element("dd", {}, value));

export const overview = {
  place: "overview",
  title: "Overview",
  drawing: "chart",
  rates: [],
  last: null,

  open(view) {
    this.body = element("div", { class: "stack" });
    view.replaceChildren(head("Overview"), this.body);
    if (this.told) this.draw();
  },

  /** Told every two seconds, also while another view is open: the chart goes on. */
  live(told) {
    const { accepted } = told.figures;
    if (this.last && told.uptime_ms > this.last.at) {
      const rate = ((accepted - this.last.accepted) * 1000) / (told.uptime_ms - this.last.at);
      this.rates = [...this.rates, Math.max(0, rate)].slice(-POINTS);
    }
    // A server that was started again counts from the beginning.
    this.last = { accepted, at: told.uptime_ms };
    this.told = told;
    if (this.body?.isConnected) this.draw();
  },

  draw() {
    const { figures: f, storage: s, uptime_ms, version } = this.told;
    const rate = this.rates.at(-1) ?? 0;
    const words = rate.toLocaleString([], { maximumFractionDigits: rate < 10 ? 1 : 0 });
    const most = number(Math.round(Math.max(0, ...this.rates)));
    const lost = f.hooks_given_up ? tag(`${number(f.hooks_given_up)} given up`, "bad") : null;
    this.body.replaceChildren(
      element(
        "dl",
        { class: "tiles-figures" },
        tile("Connections", number(f.sessions)),
        tile("Messages a second", words),
        tile("Rooms", number(f.rooms)),
        tile("Peer connections", number(f.peers)),
        tile("Webhook events waiting", number(f.hooks_waiting), lost),
        tile("Memory", bytes(f.memory)),
      ),
      card(
        "The last two minutes",
        chart(this.rates),
        element("p", { class: "quiet small" }, `At most ${most} messages a second`),
      ),
      element(
        "div",
        { class: "cards" },
        card(
          "Storage",
          element(
            "dl",
            { class: "facts" },
            fact("Messages, users, groups", bytes(s.database)),
            fact("Webhook queue", bytes(s.webhooks)),
            fact(`${s.all_files ? "" : "More than "}${number(s.file_count)} files`, bytes(s.files)),
            fact("Unfinished uploads", bytes(s.uploads)),
            fact("Free on the disk", bytes(s.free)),
          ),
        ),
        card(
          "Since the start",
          element(
            "dl",
            { class: "facts" },
            fact("Running for", span(uptime_ms / 1000)),
            fact("Messages accepted", number(f.accepted)),
            fact("Deliveries", number(f.deliveries)),
            fact("Backend operations", `${number(f.operations)}, ${number(f.refusals)} refused`),
            fact("Webhook events taken", number(f.hooks_delivered)),
            fact("Media packets in, out", `${number(f.packets_in)}, ${number(f.packets_out)}`),
            fact("Relayed for", `${number(f.relay_allocations)} now, ${bytes(f.relay_bytes)}`),
            fact("Push messages", `${number(f.pushes_sent)}, ${number(f.pushes_failed)} not taken`),
            fact("Version", version),
          ),
        ),
      ),
    );
  },
};
