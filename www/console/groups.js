// Groups of the app: who may do what, members with their rights, PINs.
import { avatar, element, iconButton } from "/shared/dom.js";
import { confirm, openDialog } from "/shared/dialog.js";
import { action, section, toggle } from "/shared/controls.js";
import {
  ask,
  button,
  choice,
  doing,
  form,
  head,
  input,
  number,
  pages,
  table,
  tag,
} from "./parts.js";
import { pageOf } from "./server.js";

/** Name, words, right of a member, bits of the group: "selected", then the third choice. */
const RIGHTS = [
  ["send", "Send messages", "cansend", 0x1, 0x2],
  ["recv", "Receive messages", "canrecv", 0x10, 0x20],
  ["pub", "Publish in the room", "canpub", 0x100, 0x200],
  ["sub", "Watch and listen", "cansub", 0x1000, 0x2000],
  ["list", "See who is in the room", "canlist", 0x10000, 0x20000],
];

function modeOf(flags, name, selected, other) {
  if (flags & other) return name === "recv" ? "roundrobin" : "anyone";
  return flags & selected ? "selected" : "members";
}

const modes = (name) => [
  ["members", "Members"],
  ["selected", "Only members who were given it"],
  name === "recv" ? ["roundrobin", "One member in turn"] : ["anyone", "Anybody of the app"],
];

export const groups = {
  place: "groups",
  title: "Groups",
  drawing: "people",

  open(view, { call }) {
    this.call = call;
    this.list = pages(
      (after) => pageOf(call, "groupsget", { group: { name: "*" } }, "groups", "gid", after),
      (rows) => this.table(rows),
    );
    const add = button("plus", "New group", () => this.add(), "primary");
    view.replaceChildren(head("Groups", add), this.list);
    return this.list.again();
  },

  table(rows) {
    const name = (group) =>
      element(
        "button",
        { type: "button", class: "row-open", onclick: () => this.edit(group) },
        avatar(group.name || "#", group.gid),
        element(
          "span",
          { class: "lines" },
          element("span", { class: "name", dir: "auto" }, group.name || `Group ${group.gid}`),
          element("span", { class: "quiet small" }, `Number ${group.gid}`),
        ),
      );
    const columns = [
      ["Group", name],
      ["Members", (group) => number(group.members)],
      ["State", (group) => (group.active ? tag("Active", "good") : tag("Closed", "bad")), "wide"],
      ["In the room", (group) => (group.incall ? number(group.incall) : "–"), "wide"],
      ["Owner", (group) => group.owner || "–", "wide"],
    ];
    return table("Groups", columns, rows, "There are no groups yet.");
  },

  add() {
    const fields = [
      input("name", "Name", { required: true, maxlength: 127 }),
      input(
        "members",
        "Members",
        {},
        "Addresses with commas between them; more can be added later.",
      ),
    ];
    ask("New group", fields, "Make group", async ({ name, members }) => {
      const first = members.trim() ? { members: { m: members } } : {};
      await this.call("groupadd", { group: { name, ...first } });
      await this.list.again();
    });
  },

  edit(group) {
    const { gid } = group;
    const set = (op, more) => this.call(op, { group: { gid, ...more } });
    const again = () => this.list.again();
    const members = element("div");
    const pins = element("div");

    const rename = form(
      [input("name", "Name", { value: group.name, required: true, maxlength: 127 })],
      "Save name",
      async ({ name }) => {
        await set("groupset", { name });
        await again();
        return "Saved.";
      },
    );
    const permissions = form(
      RIGHTS.map(([name, words, , selected, other]) =>
        choice(`mode-${name}`, words, modes(name), modeOf(group.flag, name, selected, other)),
      ),
      "Save permissions",
      async (values) => {
        const chosen = RIGHTS.map(([name]) => [name, values[`mode-${name}`]]);
        await set("groupset", { permissions: Object.fromEntries(chosen) });
        await Promise.all([again(), drawMembers()]);
        return "Saved, and told to everybody who is connected.";
      },
    );
    const active = toggle("Open: messages and calls go", Boolean(group.active), (on) =>
      doing(() => set("groupset", { active: on }).then(again)),
    );

    const drawMembers = async () => {
      const shown = pages(
        (after) =>
          pageOf(this.call, "groupgetmembers", { group: { gid } }, "members", "uid", after),
        (rows) => element("ul", { class: "lines-list" }, ...rows.map(member)),
      );
      members.replaceChildren(shown);
      await shown.again();
    };

    const right = (row, [name, words, can]) => {
      const box = element("input", { type: "checkbox", checked: Boolean(row[can]) });
      box.addEventListener("change", () =>
        doing(() =>
          set("groupeditmembers", {
            members: { m: row.address, permissions: { [name]: box.checked } },
          }),
        ).then((done) => {
          if (!done) box.checked = !box.checked;
        }),
      );
      return element("label", { class: "tick" }, box, words);
    };
    const member = (row) => {
      const leave = async () => {
        const text = "They get nothing of the group any more.";
        if (!(await confirm(`Remove ${row.address}?`, text, "Remove"))) return;
        const gone = { members: { m: row.address, remove: true } };
        if (await doing(() => set("groupeditmembers", gone), "Removed")) {
          drawMembers();
          again();
        }
      };
      const rights = element(
        "fieldset",
        { class: "rights" },
        element("legend", { class: "for-screen-readers" }, `Rights of ${row.address}`),
        ...RIGHTS.map((one) => right(row, one)),
      );
      return element(
        "li",
        { class: "line member" },
        avatar(row.name || row.address, row.address, Boolean(row.online)),
        element(
          "details",
          {},
          element(
            "summary",
            {},
            element("span", { class: "name", dir: "auto" }, row.address),
            row.owner ? element("span", { class: "role" }, "Owner") : null,
            row.adminflags ? element("span", { class: "role" }, "Admin") : null,
          ),
          rights,
        ),
        iconButton("trash", `Remove ${row.address}`, { onclick: leave }),
      );
    };
    const join = form(
      [input("addresses", "Add members", { required: true, placeholder: "ada, bob" })],
      "Add",
      async ({ addresses }) => {
        const { group: told } = await set("groupeditmembers", { members: { m: addresses } });
        await Promise.all([drawMembers(), again()]);
        return told.failed?.length ? `No such users: ${told.failed.join(", ")}` : "Added.";
      },
    );

    const drawPins = (rows) => {
      const row = ({ pin, used, uses }) =>
        element(
          "li",
          { class: "line" },
          element("code", { class: "name" }, pin),
          element(
            "span",
            { class: "quiet small" },
            `used ${used}${uses ? ` of ${uses}` : ""} times`,
          ),
          iconButton("trash", `Remove PIN ${pin}`, {
            onclick: () =>
              doing(async () => {
                drawPins((await set("grouppin", { pin, delete: true })).pins);
              }),
          }),
        );
      const make = button("plus", "Make a PIN", () =>
        doing(async () => drawPins((await set("grouppin", { flags: 0x1f })).pins)),
      );
      pins.replaceChildren(
        rows.length
          ? element("ul", { class: "lines-list" }, ...rows.map(row))
          : element("p", { class: "quiet small" }, "Whoever has a PIN can join. There is none."),
        make,
      );
    };
    const remove = async () => {
      const text = "It ends for all members. This cannot be undone.";
      if (!(await confirm(`Delete ${group.name || gid}?`, text, "Delete group"))) return;
      if (await doing(() => set("groupdel"), "Deleted")) {
        dialog.close();
        again();
      }
    };
    const dialog = openDialog(
      group.name || `Group ${gid}`,
      [
        element(
          "div",
          { class: "details" },
          element("p", { class: "quiet small" }, `Number ${gid}`),
          rename,
          active,
          section("Members", members, join),
          section("Who may what", permissions),
          section("PINs", pins),
          section("", action("trash", "Delete group", remove, { danger: true })),
        ),
      ],
      { drawer: true },
    );
    doing(async () => {
      drawPins((await set("grouppin", {})).pins);
      await drawMembers();
    });
  },
};
