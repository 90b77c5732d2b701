// Users of the app, and their tokens: a token is shown once, when it is made.
import { avatar, element } from "/shared/dom.js";
import { confirm, openDialog } from "/shared/dialog.js";
import { action, section, toggle } from "/shared/controls.js";
import {
  ago,
  ask,
  button,
  doing,
  form,
  head,
  input,
  pages,
  showSecret,
  table,
  tag,
} from "./parts.js";
import { pageOf } from "./server.js";

const MINUTES_A_DAY = 1440;

const state = (user) =>
  !user.active ? tag("Suspended", "bad") : user.online ? tag("Online", "good") : tag("Away");

const tokenFields = () => [
  input(
    "appid",
    "App id",
    { value: "web", required: true, maxlength: 128 },
    "What the page sets with setAppName.",
  ),
  input("days", "Days it is good for", {
    type: "number",
    min: 0,
    max: 3650,
    value: 365,
    required: true,
  }),
];

const wish = ({ appid, days }) => ({ appid, expiry: Number(days) * MINUTES_A_DAY });

function showToken(user) {
  const text = `${user.address}'s page signs in with it. It is shown this once: only its hash is kept.`;
  showSecret("User token", text, user.token);
}

export const users = {
  place: "users",
  title: "Users",
  drawing: "person",

  open(view, { call }) {
    this.call = call;
    const filter = element("input", {
      type: "search",
      class: "filter",
      placeholder: "Address, * stands for anything",
      "aria-label": "Find users by address",
    });
    const pattern = () => {
      const text = filter.value.trim();
      return !text || text.includes("*") ? text || "*" : `*${text}*`;
    };
    this.list = pages(
      (after) => pageOf(call, "usersget", { user: { address: pattern() } }, "users", "uid", after),
      (rows) => this.table(rows),
    );
    filter.addEventListener("change", () => doing(this.list.again));
    const add = button("plus", "Add user", () => this.add(), "primary");
    view.replaceChildren(head("Users", add), filter, this.list);
    return this.list.again();
  },

  table(rows) {
    const name = (user) =>
      element(
        "button",
        { type: "button", class: "row-open", onclick: () => this.edit(user) },
        avatar(user.name || user.address, user.address),
        element(
          "span",
          { class: "lines" },
          element("span", { class: "name", dir: "auto" }, user.name || user.address),
          element("span", { class: "quiet small", dir: "auto" }, user.address),
        ),
      );
    const seen = (user) =>
      user.online ? "now" : user.lastonline ? ago(Date.now() / 1000 - user.lastonline) : "never";
    const columns = [
      ["User", name],
      ["State", state],
      ["Seen", seen, "wide"],
      ["Newest token", (user) => user.appid || "none", "wide"],
      ["Number", (user) => element("code", {}, user.uid), "wide"],
    ];
    return table("Users", columns, rows, "There are no such users.");
  },

  add() {
    const fields = [
      input(
        "address",
        "Address",
        { required: true, maxlength: 63 },
        "Names the user in this app: a mail address, a number, anything.",
      ),
      input("name", "Name", { maxlength: 127 }),
      ...tokenFields(),
    ];
    ask("Add user", fields, "Add and make a token", async ({ address, name, ...token }) => {
      const { user } = await this.call("useradd", { user: { address, name, token: wish(token) } });
      await this.list.again();
      showToken(user);
    });
  },

  edit(user) {
    const { uid, address } = user;
    const set = (op, more) => this.call(op, { user: { uid, address, ...more } });
    const again = () => this.list.again();
    const close = () => dialog.close();
    const rename = form(
      [input("name", "Name", { value: user.name, maxlength: 127 })],
      "Save name",
      async ({ name }) => {
        await set("userset", { name });
        await again();
        return "Saved.";
      },
    );
    const active = toggle("May sign in", Boolean(user.active), (on) =>
      doing(() => set("userset", { active: on }).then(again)),
    );
    const issue = form(tokenFields(), "Make a token", async (values) => {
      const { user } = await set("usertoken", { token: wish(values) });
      close();
      await again();
      showToken(user);
    });
    const withdraw = async () => {
      const text = "Whoever is signed in with one is signed out at once.";
      if (!(await confirm(`Withdraw all tokens of ${address}?`, text, "Withdraw"))) return;
      if (await doing(() => set("usertoken", { token: { remove: true } }), "Withdrawn")) again();
    };
    const remove = async () => {
      const text = "Messages to them, memberships and tokens go with them. This cannot be undone.";
      if (!(await confirm(`Delete ${address}?`, text, "Delete user"))) return;
      if (await doing(() => set("userdel"), "Deleted")) {
        close();
        again();
      }
    };
    const facts = element(
      "p",
      { class: "quiet small" },
      `Number ${uid}`,
      user.ip ? ` · last from ${user.ip}` : "",
    );
    const dialog = openDialog(
      address,
      [
        element(
          "div",
          { class: "details" },
          facts,
          rename,
          active,
          section("Tokens", issue, action("key", "Withdraw all tokens", withdraw)),
          section("", action("trash", "Delete user", remove, { danger: true })),
        ),
      ],
      { drawer: true },
    );
  },
};
