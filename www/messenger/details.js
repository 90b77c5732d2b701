// The panel of a conversation: who it is, what they share, and what one may do with it.
import { element, face } from "/shared/dom.js";
import { rich } from "/shared/text.js";
import { presenceOf } from "/shared/words.js";
import { action, field, section, toggle } from "/shared/controls.js";
import { confirm, openDialog } from "/shared/dialog.js";
import { groupParts } from "./group-details.js";
import { Media } from "./media.js";

function head(profile) {
  const address = profile.getAddress();
  return element(
    "div",
    { class: "profile-head" },
    face(profile),
    element("p", { class: "name", dir: "auto" }, profile.getNameOrAddress()),
    address ? element("p", { class: "quiet" }, address) : null,
    element("p", { class: "quiet presence" }, profile.isGroup() ? "Group" : presenceOf(profile)),
    profile.getStatus()
      ? element("p", { class: "about", dir: "auto" }, ...rich(profile.getStatus()))
      : null,
  );
}

/** The name a user has here only. */
function ownName(profile) {
  const input = element("input", {
    value: profile.getName() ?? "",
    maxlength: 100,
  });
  input.addEventListener("change", () => {
    profile.setOverrideName(input.value.trim() || null);
    profile.save();
  });
  return field("Name shown to you", input);
}

/** What one keeps to oneself about a conversation. */
function marks(app, profile) {
  const keep = (change) => (on) => {
    change(on);
    profile.save();
    app.changed();
  };
  return section(
    "",
    toggle(
      "Mute notifications",
      profile.isMuted(),
      keep((on) => profile.setMuted(on)),
    ),
    toggle(
      "Archive",
      profile.isArchived(),
      keep((on) => profile.archive(on)),
    ),
  );
}

function farewell(app, profile, close) {
  const name = profile.getNameOrAddress();
  const remove = async () => {
    const text = `All messages with ${name} disappear from your devices.`;
    if (!(await confirm("Delete this conversation?", text, "Delete conversation"))) return;
    await profile.deleteMessages();
    close();
    app.forget(profile);
  };
  const block = async () => {
    const on = !profile.isBlocked();
    const text = `${name} cannot write to you any more, and is not told.`;
    if (on && !(await confirm(`Block ${name}?`, text, "Block"))) return;
    profile.block(on);
    profile.save();
    app.changed();
    close();
  };
  const blocking = profile.isBlocked() ? `Unblock ${name}` : `Block ${name}`;
  return section(
    "",
    profile.isGroup() ? null : action("block", blocking, block, { danger: true }),
    action("trash", "Delete conversation", remove, { danger: true }),
  );
}

/** Opens the panel; `find()` begins to search in the conversation. */
export function showDetails(app, profile, find) {
  const place = element("div", { class: "details" });
  const media = new Media(profile);
  const dialog = openDialog(profile.isGroup() ? "Group" : "Contact", [place], {
    drawer: true,
    closed() {
      media.close();
      app.api.removeListener(listener);
    },
  });
  const close = () => dialog.close();
  const search = action("search", "Search in this conversation", () => {
    close();
    find();
  });
  const group = profile.isGroup() ? groupParts(app, profile, close) : null;
  place.append(
    group?.head ?? head(profile),
    section("", search),
    marks(app, profile),
    ...(group?.parts ?? [section("", ownName(profile))]),
    section("Pictures and files", media.element),
    farewell(app, profile, close),
  );
  const draw = () => {
    const line = place.querySelector(".presence");
    if (line && !profile.isGroup()) line.textContent = presenceOf(profile);
  };
  const listener = {
    Mesibo_onPresence: draw,
    Mesibo_onProfileUpdated(changed) {
      if (changed !== profile || profile.isGroup()) return;
      place.firstElementChild.replaceWith(head(profile));
    },
    ...group?.listener,
  };
  app.api.addListener(listener);
}
