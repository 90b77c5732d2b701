// Who is there now: sessions of the app, rooms with those who are in them.
import { announce, arrange, avatar, element, icon } from "/shared/dom.js";
import { button, card, doing, head, number, span, table, tag } from "./parts.js";

/** `MESIBOCALL_VIDEOSOURCE_SCREEN` */
const SCREEN = 4;

const who = (row) =>
  element(
    "span",
    { class: "who" },
    avatar(row.name || row.address, row.address, row.shown),
    element(
      "span",
      { class: "lines" },
      element("span", { class: "name", dir: "auto" }, row.name || row.address),
      element("span", { class: "quiet small", dir: "auto" }, row.address),
    ),
  );

function stream(one) {
  const video = one.source === SCREEN ? "Screen" : one.video_muted ? "Camera off" : "Camera";
  const tags = [
    one.audio && tag(one.audio_muted ? "Muted" : "Microphone", one.talking ? "good" : ""),
    one.video && tag(video),
  ];
  return tags.filter(Boolean);
}

/** How well the link of somebody does who publishes, from 1 to 100; a fine one is not mentioned (0). */
function link(one) {
  if (!one.streams.length) return null;
  const worst = Math.min(...one.streams.map(({ quality }) => quality || 100));
  if (worst >= 70) return tag("Good link", "good");
  return worst >= 40 ? tag("Fair link", "warn") : tag("Poor link", "bad");
}

const person = (one) =>
  element(
    "li",
    { class: "line" },
    element("span", { class: "name", dir: "auto" }, one.address),
    element(
      "span",
      { class: "tags" },
      ...(one.streams.length ? one.streams.flatMap(stream) : [tag("Only watches")]),
      link(one),
      one.receiving ? tag(`receives ${one.receiving}`) : null,
    ),
  );

function room(one, call) {
  const record = (on) =>
    doing(
      () => call("grouprecord", { group: { gid: one.gid, record: on } }),
      on ? "Everybody in the room is told that it is recorded" : "Recording ended",
    );
  return card(
    one.name || `Group ${one.gid}`,
    element(
      "p",
      { class: "quiet small" },
      `Group ${one.gid} · ${number(one.people.length)} in it `,
      one.recording ? tag("Recorded", "bad") : null,
    ),
    element("ul", { class: "lines-list" }, ...one.people.map(person)),
    one.recording
      ? button("stop", "End recording", () => record(false))
      : button("record", "Record", () => record(true)),
  );
}

/** Somebody who is to be let into a group, or sent away. */
function waiter(one, call) {
  const decide = (admit, said) =>
    doing(
      () => call("groupadmit", { group: { gid: one.gid, m: one.address, admit } }),
      `${one.address} was ${said}`,
    );
  return element(
    "li",
    { class: "line" },
    element(
      "span",
      { class: "lines" },
      element("span", { class: "name", dir: "auto" }, one.address),
      element("span", { class: "quiet small" }, `wants into ${one.group || `group ${one.gid}`}`),
    ),
    element(
      "span",
      { class: "row" },
      button("tick", "Let in", () => decide(true, "let in"), "primary"),
      button("close", "Send away", () => decide(false, "sent away")),
    ),
  );
}

export const now = {
  place: "now",
  title: "Live",
  drawing: "pulse",

  open(view, { call }) {
    this.call = call;
    this.waiting = element("div");
    this.sessions = element("div");
    this.rooms = element("div", { class: "cards" });
    this.counts = [element("h2"), element("h2")];
    const stack = element("div", { class: "stack" });
    stack.append(this.waiting, this.counts[0], this.sessions, this.counts[1], this.rooms);
    view.replaceChildren(head("Live"), stack);
    this.drawn = {};
    if (this.told) this.draw();
  },

  live(told) {
    this.told = told;
    if (this.sessions?.isConnected) this.draw();
  },

  /** Draws a part anew when it has changed: what has the focus stays what it is. */
  part(name, told, draw) {
    const text = JSON.stringify(told);
    if (this.drawn[name] === text) return;
    this.drawn[name] = text;
    draw();
  },

  drawWaiting(waiting) {
    if (!waiting.length) return this.waiting.replaceChildren();
    const rows = waiting.map((one) => waiter(one, this.call));
    this.waiting.replaceChildren(
      card("Waiting to be let in", element("ul", { class: "lines-list" }, ...rows)),
    );
    announce(`${number(waiting.length)} waiting to be let in`);
  },

  draw() {
    const { waiting } = this.told;
    this.part("waiting", waiting, () => this.drawWaiting(waiting));
    const { sessions, rooms, session_count: all, room_count: allRooms } = this.told;
    this.counts[0].textContent = all === 1 ? "1 session" : `${number(all)} sessions`;
    this.counts[1].textContent = allRooms === 1 ? "1 room" : `${number(allRooms)} rooms`;
    const columns = [
      ["User", who],
      ["Connected for", (row) => span(row.seconds)],
      ["From", (row) => element("code", {}, row.ip), "wide"],
      ["Browser", (row) => element("code", {}, row.device), "wide"],
      ["Rooms", (row) => (row.rooms ? number(row.rooms) : "–"), "wide"],
      [
        "Not acknowledged",
        (row) => (row.behind ? tag(number(row.behind), row.behind > 500 ? "warn" : "") : "–"),
        "wide",
      ],
    ];
    const nothing = "Nobody of this app is connected.";
    this.sessions.replaceChildren(table("Sessions", columns, sessions, nothing));
    const silent = element("p", { class: "empty" }, icon("people"), "No room has anybody in it.");
    const { call } = this;
    this.part("rooms", rooms, () =>
      arrange(this.rooms, rooms.length ? rooms.map((one) => room(one, call)) : [silent]),
    );
  },
};
