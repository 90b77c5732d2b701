// The app itself: name, limits, its own token, its end.
import { element } from "/shared/dom.js";
import { confirm } from "/shared/dialog.js";
import { action, toggle } from "/shared/controls.js";
import { pushCards } from "./push.js";
import { ask, card, choice, doing, form, head, input, showSecret } from "./parts.js";

const count = (name, label, value) =>
  input(name, label, { type: "number", min: 0, value, required: true });

export function showAppToken(name, token) {
  const text = `The backend of ${name} uses it. It is shown this once: only its hash is kept.`;
  showSecret("App token", text, token);
}

export const settings = {
  place: "settings",
  title: "App",
  drawing: "gear",

  async open(view, { call, changed }) {
    const [{ app }, push] = await Promise.all([call("appget"), pushCards(call)]);
    const set = (fields) => call("appset", { app: fields });
    const policies = [
      ["replace", "The newest of an app id only"],
      ["keep", "All of them"],
    ];
    if (!policies.some(([value]) => value === app.token_policy)) {
      policies.push([
        app.token_policy,
        `The newest ${app.token_policy.split(":")[1]} of an app id`,
      ]);
    }
    const basics = form(
      [
        input("name", "Name", { value: app.name, required: true, minlength: 2, maxlength: 64 }),
        count("maxusers", "Users at most (0: any number)", app.q_users),
        count("maxgroups", "Groups at most (0: any number)", app.q_groups),
        count("maxmsgs", "Messages in a month at most (0: any number)", app.q_msgs),
        input(
          "retention",
          "Days messages are kept",
          { type: "number", min: -1, max: 36500, value: app.retention, required: true },
          "0: as long as their senders want. -1: the same, with copies for new devices.",
        ),
        count("upload_maxmb", "Largest file in MB (0: as the server has it)", app.upload_maxmb),
        choice("token_policy", "Which tokens of a user stay good", policies, app.token_policy),
      ],
      "Save app",
      async ({ name, token_policy, ...numbers }) => {
        const counts = Object.entries(numbers).map(([field, value]) => [field, Number(value)]);
        await set({ name, token_policy, ...Object.fromEntries(counts) });
        await changed();
        return "Saved.";
      },
    );
    const active = toggle("Switched on", Boolean(app.active), (on) =>
      doing(() => set({ active: on }).then(() => changed())),
    );
    const renew = async () => {
      const text = "The one there is stops working at once. Users stay signed in.";
      if (!(await confirm("Make a new app token?", text, "Make a new token"))) return;
      await doing(async () => showAppToken(app.name, (await call("apptoken")).token));
    };
    const remove = () =>
      ask(
        `Delete ${app.name}`,
        [
          element("p", {}, "Users, groups, messages and tokens of the app are deleted for ever."),
          input("name", "Write its name to confirm", { required: true }),
        ],
        "Delete app",
        async ({ name }) => {
          await call("appdel", { app: { name } });
          await changed(true);
        },
      );
    view.replaceChildren(
      head("App"),
      element(
        "div",
        { class: "stack" },
        card("Settings", basics, active),
        ...push,
        card(
          "Token of the backend",
          element("p", { class: "quiet" }, `Number of the app: ${app.aid}`),
          action("key", "Make a new app token", renew),
        ),
        card("End", action("trash", "Delete app", remove, { danger: true })),
      ),
    );
  },
};
