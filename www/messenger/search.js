// Looking for people, groups and messages, in place of the list of conversations.
import { arrange, element, face, icon } from "/shared/dom.js";
import { marked } from "/shared/text.js";
import { inOneLine, senderOf, whenOf } from "/shared/words.js";

/** Messages shown at first, and with each step further. */
const PAGE = 30;
/** Text before the first hit in a line of a result, characters. */
const BEFORE = 24;
/** People shown. */
const PEOPLE = 20;
/** The server is asked once nothing was typed for so long, ms: it answers so many a minute. */
const PAUSE = 400;

/** The part of a text around the first hit. */
function around(text, query) {
  const at = text.toLocaleLowerCase().indexOf(query.toLocaleLowerCase());
  return at > BEFORE ? `…${text.slice(at - BEFORE)}` : text;
}

export class Search {
  /** `known()` gives profiles; `open(profile, mid)` goes there. */
  constructor(api, known, open) {
    Object.assign(this, { api, known, open });
    this.field = document.getElementById("search");
    this.results = document.getElementById("results");
    this.list = document.getElementById("list-scroller");
    this.clear = document.getElementById("search-clear");
    this.session = null;
    this.strangers = [];
    this.directory = new MesiboProfileSearch();
    this.directory.setListener(this);
    this.field.addEventListener("input", () => this.look());
    this.field.addEventListener("keydown", (event) => this.onKey(event));
    this.clear.addEventListener("click", () => this.end());
    this.results.addEventListener("keydown", (event) => this.walk(event));
  }

  focus() {
    this.field.focus();
    this.field.select();
  }

  end() {
    this.field.value = "";
    this.look();
    this.field.focus();
  }

  onKey(event) {
    if (event.key === "Escape" && this.field.value) {
      event.stopPropagation();
      this.end();
    }
    const place = this.results.hidden ? this.list : this.results;
    if (event.key === "ArrowDown") place.querySelector("button")?.focus();
    else if (event.key === "Enter") this.results.querySelector("button")?.click();
    else return;
    event.preventDefault();
  }

  walk(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...this.results.querySelectorAll("button")];
    (all[all.indexOf(document.activeElement) + step] ?? this.field).focus();
  }

  look() {
    const query = this.field.value.trim();
    this.session?.stop();
    this.session = null;
    this.query = query;
    this.strangers = [];
    clearTimeout(this.pause);
    this.clear.hidden = this.field.value === "";
    this.results.hidden = !query;
    this.list.hidden = Boolean(query);
    if (!query) return;
    this.state = "looking";
    this.session = MesiboReadSession.createReadSession(this);
    this.session.setQuery(query);
    this.session.read(PAGE);
    this.pause = setTimeout(() => this.askServer(), PAUSE);
    this.draw();
  }

  /** Who wants to be found, and is not known here. */
  askServer() {
    this.directory.setQuery(this.query);
    this.directory.search();
  }

  Mesibo_onProfileSearchResults(found) {
    if (!this.session) return;
    this.strangers = found;
    this.draw();
  }

  Mesibo_onMessage(message) {
    if (!message) this.state = "ended";
    else if (message.isLastMessage()) this.state = "more";
    else return;
    this.draw();
  }

  draw() {
    const { query, session } = this;
    const people = this.people(query);
    const found = session.getMessages().filter((m) => m.isMessage() && !m.isDeleted());
    const others = this.strangers.filter((p) => !people.includes(p) && !p.isSelfProfile());
    const parts = [];
    if (people.length) {
      parts.push(
        this.part(
          "People and groups",
          people.map((profile) => this.person(profile)),
        ),
      );
    }
    if (found.length) {
      parts.push(
        this.part(
          "Messages",
          found.reverse().map((m) => this.message(m)),
        ),
      );
    }
    if (this.state === "more") parts.push(this.further());
    if (others.length) {
      parts.push(
        this.part(
          "More people",
          others.map((profile) => this.person(profile)),
        ),
      );
    }
    const stranger = this.stranger(query, people);
    if (stranger) parts.push(this.part("New conversation", [stranger]));
    const text = {
      looking: "Searching…",
      ended: found.length ? "" : "No message says that.",
    };
    const note =
      text[this.state] && element("p", { class: "note", role: "status" }, text[this.state]);
    // Drawn anew under somebody who walks through it.
    const of = document.activeElement.closest("#results [data-of]")?.dataset.of;
    arrange(this.results, note ? [...parts, note] : parts);
    if (of) this.results.querySelector(`[data-of="${CSS.escape(of)}"]`)?.focus();
  }

  part(title, rows) {
    return element("section", {}, element("h2", {}, title), element("ul", {}, ...rows));
  }

  people(query) {
    const words = query.toLocaleLowerCase();
    const is = (profile) =>
      `${profile.getNameOrAddress()} ${profile.getAddress()}`.toLocaleLowerCase().includes(words);
    return this.known().filter(is).slice(0, PEOPLE);
  }

  /** `of` names what it leads to among the results. */
  row(profile, of, first, second, go) {
    return element(
      "li",
      {},
      element(
        "button",
        { type: "button", class: "entry", "data-of": of, onclick: go },
        face(profile),
        element("span", { class: "lines" }, first, second),
      ),
    );
  }

  person(profile) {
    const name = element("span", { class: "cut name", dir: "auto" });
    name.append(...marked(profile.getNameOrAddress(), this.query));
    const second = profile.isGroup() ? "Group" : profile.getAddress();
    const line = element("span", { class: "cut last" }, second);
    const of = `person ${profile.getAddress() || profile.getGroupId()}`;
    return this.row(profile, of, name, line, () => this.open(profile));
  }

  /** Anybody can be written to whose address is known. */
  stranger(query, people) {
    if (/\s/.test(query) || people.some((profile) => profile.getAddress() === query)) return null;
    if (query.length > MESIBO_ADDRESSSTRING_MAXLENGTH) return null;
    const onclick = () => this.open(this.api.getProfile(query, 0));
    const text = `Write to ${query}`;
    return element(
      "li",
      {},
      element(
        "button",
        { type: "button", class: "entry", "data-of": "stranger", onclick },
        icon("chat"),
        text,
      ),
    );
  }

  message(message) {
    const profile = message.groupProfile ?? this.api.getProfile(message.peer, 0);
    const text = element("span", { class: "cut last", dir: "auto" });
    text.append(
      `${senderOf(message)}: `,
      ...marked(around(inOneLine(message), this.query), this.query),
    );
    const first = element(
      "span",
      { class: "line" },
      element("span", { class: "cut name", dir: "auto" }, profile.getNameOrAddress()),
      element("time", { class: "small" }, whenOf(message.ts)),
    );
    const of = `message ${message.mid}`;
    return this.row(profile, of, first, text, () => this.open(profile, message.mid));
  }

  further() {
    const onclick = () => {
      this.state = "looking";
      if (!this.session.read(PAGE)) this.Mesibo_onMessage(null);
    };
    const look = { type: "button", class: "button plain", "data-of": "further", onclick };
    return element("button", look, "Show more");
  }
}
