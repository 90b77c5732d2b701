// Who is there now: sessions of the app, rooms with those who are in them.
import { arrange, avatar, element, icon } from "/shared/dom.js";
import { card, head, number, span, table, tag } from "./parts.js";

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

const person = (one) =>
  element(
    "li",
    { class: "line" },
    element("span", { class: "name", dir: "auto" }, one.address),
    element(
      "span",
      { class: "tags" },
      ...(one.streams.length ? one.streams.flatMap(stream) : [tag("Only watches")]),
      one.receiving ? tag(`receives ${one.receiving}`) : null,
    ),
  );

const room = (one) => {
  const made = card(
    one.name || `Group ${one.gid}`,
    element("p", { class: "quiet small" }, `Group ${one.gid} · ${number(one.people.length)} in it`),
    element("ul", { class: "lines-list" }, ...one.people.map(person)),
  );
  return made;
};

export const now = {
  place: "now",
  title: "Live",
  drawing: "pulse",

  open(view) {
    this.sessions = element("div");
    this.rooms = element("div", { class: "cards" });
    this.counts = [element("h2"), element("h2")];
    const stack = element("div", { class: "stack" });
    stack.append(this.counts[0], this.sessions, this.counts[1], this.rooms);
    view.replaceChildren(head("Live"), stack);
    this.shown = "";
    if (this.told) this.draw();
  },

  live(told) {
    this.told = told;
    if (this.sessions?.isConnected) this.draw();
  },

  draw() {
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
    arrange(this.rooms, rooms.length ? rooms.map(room) : [silent]);
  },
};
