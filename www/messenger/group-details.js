// The part of the panel that is about a group: name, picture, members, invitation, leaving.
import { announce, element, face, icon, iconButton, redraw } from "/shared/dom.js";
import { choose } from "./choose.js";
import { action, field, pictureField, section } from "/shared/controls.js";
import { confirm, outcome } from "/shared/dialog.js";
import { showMenu } from "/shared/menu.js";

/** Why the server refuses, in plain words. */
const REFUSALS = new Map([
  [MESIBO_GROUPERROR_NOTMEMBER, "You are not a member of this group."],
  [MESIBO_GROUPERROR_PERMISSION, "Your rights in this group do not allow that."],
  [MESIBO_GROUPERROR_BADPIN, "This invitation is not valid any more."],
  [MESIBO_GROUPERROR_ACCESSDENIED, "This group does not let you in."],
  [MESIBO_GROUPERROR_DELETED, "This group does not exist any more."],
]);
export const refusal = (error) => REFUSALS.get(error) ?? "The server refused that.";

export const inviteLink = (gid, pin) => `${location.origin}/messenger/#join=${gid}-${pin}`;

/** Rights of a new member: to write and read, to see who is there, to call. */
export const MEMBER = MESIBO_MEMBERFLAG_ALL;

class GroupPanel {
  constructor(app, group, close) {
    Object.assign(this, { app, group, close, members: [], pins: [] });
    this.list = element("ul", { class: "members" });
    this.count = element("h3", {}, "Members");
    this.invite = element("div", { class: "invite" });
    this.status = outcome();
    this.head = element("div", { class: "profile-head" });
    this.drawHead();
    this.load();
  }

  load() {
    this.group.getMembers(0, true, this);
    this.group.getSettings(this);
  }

  // Told by the group.
  Mesibo_onGroupMembers(_group, members) {
    if (!members.length) return;
    this.members = members;
    this.draw();
  }
  Mesibo_onGroupSettings(_group, _settings, _permissions, pins) {
    this.pins = pins;
    this.drawInvite();
  }
  Mesibo_onGroupMembersJoined() {
    this.load();
  }
  Mesibo_onGroupMembersRemoved() {
    this.load();
  }
  Mesibo_onGroupError(_group, error) {
    this.status.textContent = refusal(error);
  }

  /** What the global listener passes on. */
  get listener() {
    const mine = (act) => (group) => group === this.group && act();
    return {
      Mesibo_onGroupMembersJoined: mine(() => this.load()),
      Mesibo_onGroupMembersRemoved: mine(() => this.load()),
      Mesibo_onGroupLeft: mine(() => this.close()),
      Mesibo_onProfileUpdated: mine(() => this.drawHead()),
      Mesibo_onGroupError: (group, error) =>
        group === this.group && this.Mesibo_onGroupError(group, error),
    };
  }

  drawHead() {
    const { group, head } = this;
    if (head.contains(document.activeElement)) return;
    const name = group.getNameOrAddress();
    if (!group.canModify()) {
      const title = element("p", { class: "name", dir: "auto" }, name);
      return head.replaceChildren(face(group), title);
    }
    const input = element("input", {
      value: name,
      maxlength: 100,
      required: true,
    });
    input.addEventListener("change", () => {
      if (!input.value.trim()) return void (input.value = group.getNameOrAddress());
      group.setName(input.value.trim());
      group.save();
    });
    const change = (file) => {
      group.setImage(file);
      group.save();
      this.app.changed();
    };
    head.replaceChildren(
      pictureField(face(group), "Picture of the group", change),
      field("Name of the group", input),
    );
  }

  get parts() {
    const { group } = this;
    const add = action("plus", "Add members", () => this.add());
    add.hidden = !group.canAddMembers();
    const invite = section("Invitation", this.invite);
    const farewell = [
      group.isActive() && action("exit", "Leave group", () => this.leave(), { danger: true }),
      group.canRemoveGroup() &&
        action("trash", "Delete group for everybody", () => this.remove(), {
          danger: true,
        }),
    ];
    const members = element("section", { class: "part" }, this.count, add, this.list, this.status);
    return [members, invite, section("", ...farewell.filter(Boolean))];
  }

  draw() {
    const { members } = this;
    this.count.textContent = members.length === 1 ? "1 member" : `${members.length} members`;
    const rank = (member) => (member.isOwner() ? 0 : member.isAdmin() ? 1 : 2);
    const name = (member) => member.getProfile().getNameOrAddress();
    const sorted = [...members].sort((a, b) => rank(a) - rank(b) || name(a).localeCompare(name(b)));
    redraw(
      this.list,
      sorted.map((member) => this.member(member)),
    );
    this.drawInvite();
  }

  member(member) {
    const profile = member.getProfile();
    const self = profile.isSelfProfile();
    const name = self ? "You" : profile.getNameOrAddress();
    const role = member.isOwner() ? "Owner" : member.isAdmin() ? "Admin" : "";
    const menu = iconButton("more", `Actions for ${name}`, {
      "aria-haspopup": "menu",
    });
    menu.addEventListener("click", () => this.menu(member, menu));
    return element(
      "li",
      { class: "choice" },
      face(profile, !self && profile.isOnline()),
      element(
        "span",
        { class: "lines" },
        element("span", { class: "name cut", dir: "auto" }, name),
      ),
      role ? element("span", { class: "role" }, role) : null,
      self ? null : menu,
    );
  }

  menu(member, button) {
    const { group } = this;
    const profile = member.getProfile();
    const address = member.getAddress();
    const admin = (flags) => () => group.addMembers([address], MEMBER, flags, this);
    const remove = async () => {
      const name = profile.getNameOrAddress();
      const text = "They get no messages of the group any more.";
      if (await confirm(`Remove ${name}?`, text, "Remove")) group.removeMembers([address], this);
    };
    const write = () => {
      this.close();
      this.app.open(profile);
    };
    const free = !member.isOwner();
    showMenu(
      `Actions for ${profile.getNameOrAddress()}`,
      [
        { icon: "chat", text: "Write", act: write },
        free &&
          !member.isAdmin() &&
          group.canAddAdmins() && {
            icon: "star",
            text: "Make admin",
            act: admin(MESIBO_ADMINFLAG_ALL & ~MESIBO_ADMINFLAG_OWNER),
          },
        free &&
          member.isAdmin() &&
          group.canRemoveAdmins() && {
            icon: "star",
            text: "Take admin rights",
            act: admin(0),
          },
        free &&
          group.canRemoveMembers() && {
            icon: "trash",
            text: "Remove",
            act: remove,
            danger: true,
          },
      ],
      button,
    );
  }

  async add() {
    const here = new Set(this.members.map((member) => member.getProfile()));
    const others = this.app.profiles().filter((p) => !p.isGroup() && !here.has(p));
    const chosen = await choose("Add members", others, "Add");
    const addresses = chosen.map((profile) => profile.getAddress());
    if (addresses.length) this.group.addMembers(addresses, MEMBER, 0, this);
  }

  // ---- invitation ----

  drawInvite() {
    const { group, pins } = this;
    if (!pins.length) {
      const create = () => group.addPin({ flags: MEMBER }, this);
      const make = action("link", "Make an invitation link", create);
      const nobody = element("p", { class: "quiet small" }, "Ask an admin for an invitation link.");
      return redraw(this.invite, [group.canAdmin() ? make : nobody]);
    }
    redraw(
      this.invite,
      pins.map((pin) => this.pin(pin)),
    );
  }

  pin({ pin }) {
    const { group } = this;
    const link = inviteLink(group.getGroupId(), pin);
    const input = element("input", {
      value: link,
      readonly: true,
      "aria-label": "Invitation link",
    });
    const copy = async () => {
      input.select();
      await navigator.clipboard?.writeText(link).catch(() => {});
      announce("Link copied");
      this.status.textContent = "Link copied.";
    };
    return element(
      "div",
      { class: "invitation" },
      element("p", { class: "quiet small" }, "Whoever has this link can join."),
      input,
      element(
        "div",
        { class: "row" },
        element("button", { type: "button", class: "button", onclick: copy }, icon("copy"), "Copy"),
        element(
          "button",
          {
            type: "button",
            class: "button",
            onclick: () => group.removePin(pin, this),
          },
          "Withdraw",
        ),
      ),
    );
  }

  // ---- going ----

  async leave() {
    const text = "You get no messages of it any more. What came so far stays.";
    if (await confirm("Leave this group?", text, "Leave")) this.group.leave();
  }

  async remove() {
    const text = "It ends for all members. This cannot be undone.";
    if (await confirm("Delete this group?", text, "Delete group")) this.group.deleteGroup();
  }
}

/** Head, sections and listener for the panel of a group. */
export const groupParts = (app, group, close) => new GroupPanel(app, group, close);
