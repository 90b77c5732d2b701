// Starting something: a conversation with an address, a group, a group one is invited to.
import { element, icon } from "/shared/dom.js";
import { choices } from "./choose.js";
import { field, pictureField } from "/shared/controls.js";
import { openDialog, outcome } from "/shared/dialog.js";
import { MEMBER, refusal } from "./group-details.js";
import { showMenu } from "/shared/menu.js";

function form(title, content, verb, submit) {
  const status = outcome();
  const made = element(
    "form",
    {
      onsubmit(event) {
        event.preventDefault();
        submit(status, () => dialog.close());
      },
    },
    ...content,
    status,
    element("div", { class: "row" }, element("button", { class: "button primary" }, verb)),
  );
  const dialog = openDialog(title, [made]);
  made.querySelector("input:not([type=file])").focus();
}

function write(app) {
  const input = element("input", {
    required: true,
    maxlength: MESIBO_ADDRESSSTRING_MAXLENGTH,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
  });
  form("New conversation", [field("Address of the user", input)], "Open", (status, close) => {
    const address = input.value.trim();
    if (!address) return void (status.textContent = "Type the address of somebody.");
    if (address === app.api.getAddress()) return void (status.textContent = "That is you.");
    close();
    app.open(app.api.getProfile(address, 0));
  });
}

function group(app) {
  const name = element("input", {
    required: true,
    maxlength: 100,
    autocomplete: "off",
  });
  let picture = null;
  const initials = element("span", { class: "avatar", "data-tint": 0 }, icon("people"));
  const people = choices(app.profiles().filter((profile) => !profile.isGroup()));
  const content = [
    pictureField(initials, "Picture of the group", (file) => (picture = file)),
    field("Name of the group", name),
    people.element,
  ];
  form("New group", content, "Create group", (status, close) => {
    const title = name.value.trim();
    if (!title) return void (status.textContent = "A group needs a name.");
    const created = (made) => {
      const addresses = [...people.chosen].map((profile) => profile.getAddress());
      if (addresses.length) made.addMembers(addresses, MEMBER, 0);
      if (picture) {
        made.setImage(picture);
        made.save();
      }
      close();
      app.open(made);
    };
    const listener = {
      Mesibo_onGroupCreated: created,
      Mesibo_onGroupError: (_group, error) => (status.textContent = refusal(error)),
    };
    app.api.createGroup({ name: title }, listener);
    status.textContent = app.api.isOnline()
      ? "Creating the group…"
      : "The group is created as soon as you are online.";
  });
}

/** Group and PIN of an invitation link; null when it is none. */
export function invitation(link) {
  const [, gid, pin] = /[#&]join=(\d+)-(\d+)/.exec(link) ?? [];
  return gid ? { gid: Number(gid), pin: Number(pin) } : null;
}

/** Joins; `told(text)` hears how it goes. */
export function join(app, { gid, pin }, told) {
  app.api.getProfile(null, gid).join(pin, {
    Mesibo_onGroupJoined: (joined) => {
      told("");
      app.open(joined);
    },
    Mesibo_onGroupError: (_group, error) => told(refusal(error)),
  });
}

function joinByLink(app) {
  const input = element("input", {
    required: true,
    autocomplete: "off",
    inputmode: "url",
  });
  form("Join a group", [field("Invitation link", input)], "Join", (status, close) => {
    const invited = invitation(input.value);
    if (!invited) return void (status.textContent = "This is not an invitation link.");
    status.textContent = "Joining…";
    join(app, invited, (text) => (text ? (status.textContent = text) : close()));
  });
}

/** The menu of the plus button. */
export function startMenu(app, button) {
  showMenu(
    "New",
    [
      { icon: "chat", text: "New conversation", act: () => write(app) },
      { icon: "people", text: "New group", act: () => group(app) },
      { icon: "link", text: "Join a group", act: () => joinByLink(app) },
    ],
    button,
  );
}
