// The app's webhook: where events go, which, and those that were given up, to be tried again.
import { element } from "/shared/dom.js";
import { confirm } from "/shared/dialog.js";
import {
  button,
  card,
  choice,
  doing,
  form,
  head,
  input,
  momentOf,
  number,
  pages,
  table,
  tick,
} from "./parts.js";

/** Bits of `notify`. */
const EVENTS = [
  [0x10, "A user comes"],
  [0x20, "A user goes"],
  [0x100, "A message to somebody who is there"],
  [0x200, "A message to somebody who is away"],
  [0x400, "Delivered"],
  [0x800, "Read"],
  [0x1000, "A message to nobody there is"],
  [0x2000, "An inbox is full"],
  [0x4000, "A call is over"],
  [0x8000, "Groups, and who joins or leaves"],
  [0x10000, "A sign-in"],
  [0x20000, "The server starts or stops"],
];

export const webhooks = {
  place: "webhooks",
  title: "Webhook",
  drawing: "link",

  async open(view, { call }) {
    this.call = call;
    this.waiting = element("p", { class: "quiet" });
    this.list = pages(
      async (after) => {
        const told = await call("hooksget", { after, count: 50 });
        const many = (count, text) =>
          `${number(count)} ${count === 1 ? "event" : "events"} ${text}`;
        this.waiting.textContent = `${many(told.waiting, "waiting")}, ${many(told.given_up, "given up")}`;
        return { rows: told.hooks, after: told.more ? told.hooks.at(-1).id : null };
      },
      (rows) => this.table(rows),
    );
    const settings = element("div");
    view.replaceChildren(
      head("Webhook"),
      element(
        "div",
        { class: "stack" },
        settings,
        card(
          "Given up",
          this.waiting,
          this.list,
          element(
            "div",
            { class: "row" },
            button("retry", "Try all again", () => this.change("hooksretry")),
            button("trash", "Delete all", () => this.deleteAll()),
          ),
        ),
      ),
    );
    const [{ app }] = await Promise.all([call("appget"), this.list.again()]);
    settings.replaceChildren(card("Where events go", this.settings(app)));
  },

  settings(app) {
    const ticks = EVENTS.map(([bit, words]) =>
      tick(`event-${bit}`, words, Boolean(app.notify & bit)),
    );
    const fields = [
      input("url", "URL", { type: "url", value: app.url, placeholder: "https://" }),
      input(
        "secret",
        "Secret",
        { type: "password", autocomplete: "new-password", maxlength: 128 },
        "Signs each request. Empty leaves the one that is set.",
      ),
      choice(
        "webhookversion",
        "Envelope",
        [
          ["2", "2, signed"],
          ["1", "1, carries the secret"],
          ["0", "0, the old form"],
        ],
        app.webhookversion,
      ),
      element(
        "fieldset",
        { class: "rights" },
        element("legend", { class: "label" }, "Events"),
        ...ticks,
      ),
    ];
    return form(fields, "Save webhook", async (values) => {
      const bits = EVENTS.filter(([bit]) => values[`event-${bit}`]).reduce(
        (all, [bit]) => all | bit,
        0,
      );
      const secret = values.secret ? { secret: values.secret } : {};
      const { url, webhookversion } = values;
      const notify = bits ? bits | 1 : 0;
      await this.call("appset", {
        app: { url, notify, webhookversion: Number(webhookversion), ...secret },
      });
      await this.list.again();
      return "Saved.";
    });
  },

  table(rows) {
    const columns = [
      ["Event", (row) => row.event.type ?? "event"],
      ["When", (row) => momentOf(row.ts)],
      ["Why", (row) => row.cause],
      ["Tries", (row) => number(row.tries), "wide"],
      [
        "",
        (row) => button("retry", "Try again", () => this.change("hooksretry", [row.id]), "plain"),
      ],
    ];
    return table("Events that were given up", columns, rows, "Nothing was given up.");
  },

  async change(op, ids) {
    const done = op === "hooksretry" ? "Sent again" : "Deleted";
    if (await doing(() => this.call(op, ids ? { ids } : {}), done)) await this.list.again();
  },

  async deleteAll() {
    const text = "The backend is never told of them.";
    if (await confirm("Delete all events that were given up?", text, "Delete")) {
      await this.change("hooksdel");
    }
  },
};
