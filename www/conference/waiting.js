// The waiting room, above the people: for who may let in, who waits and what to do with them.
import { announce, arrange, avatar, element, iconButton } from "/shared/dom.js";

export class WaitingRoom {
  /** `changed(count)` is told how many wait. */
  constructor(api, group, changed) {
    this.group = group;
    this.place = document.getElementById("waiting");
    this.list = this.place.querySelector("ul");
    this.rows = new Map();
    api.addListener({
      Mesibo_onGroupMembersWaiting: (profile, members) => {
        if (profile !== group) return;
        const before = this.rows;
        this.draw(members);
        const come = members.filter(({ address }) => !before.has(address));
        if (come.length) announce(`${come[0].name || come[0].address} waits to be let in`);
        changed(members.length);
      },
    });
  }

  /** Rows that stay keep the focus. */
  draw(members) {
    const row = ({ address, name }) => this.rows.get(address) ?? this.row(address, name || address);
    this.rows = new Map(members.map((member) => [member.address, row(member)]));
    arrange(this.list, [...this.rows.values()]);
    this.place.hidden = !members.length;
  }

  row(address, name) {
    const decide = (admit) => () => this.group.admitMembers([address], admit);
    return element(
      "li",
      { class: "entry" },
      avatar(name, address),
      element("span", { class: "name", dir: "auto" }, name),
      iconButton("close", `Send away ${name}`, { onclick: decide(false) }),
      element(
        "button",
        { type: "button", class: "button primary", onclick: decide(true) },
        "Let in",
        element("span", { class: "for-screen-readers" }, ` ${name}`),
      ),
    );
  }
}
