// The own profile: name, status, picture, notifications, leaving.
import { forget } from "/shared/account.js";
import { element, face } from "/shared/dom.js";
import { action, field, pictureField, section, toggle } from "/shared/controls.js";
import { confirm, openDialog, outcome } from "/shared/dialog.js";

/** What others see, with a button that publishes it. */
function profileForm(app) {
  const self = app.api.getSelfProfile();
  const name = element("input", {
    value: self.getName() ?? "",
    maxlength: 100,
    autocomplete: "name",
  });
  const about = element("input", {
    value: self.getStatus() ?? "",
    maxlength: 140,
  });
  const status = outcome();
  let picture;
  const listener = {
    MesiboProfile_onPublish(profile, ok) {
      if (profile !== self) return;
      status.textContent = ok ? "Saved. Others see it now." : "It could not be saved. Try again.";
      app.changed();
    },
  };
  const form = element(
    "form",
    {
      onsubmit(event) {
        event.preventDefault();
        self.setName(name.value.trim() || null);
        self.setStatus(about.value.trim() || null);
        if (picture !== undefined) self.setImage(picture);
        status.textContent = app.api.isOnline()
          ? "Saving…"
          : "It is published as soon as you are online.";
        if (!self.save()) status.textContent = "This is too much text for a profile.";
      },
    },
    pictureField(face(self), "Your picture", (file) => (picture = file)),
    field("Your name", name),
    field("About you", about),
    toggle("Others find me by my name", self.getBoolean("findable", false), (on) => {
      self.setBoolean("findable", on);
      self.setSearchable(on);
      self.save();
    }),
    status,
    element("div", { class: "row" }, element("button", { class: "button primary" }, "Save")),
  );
  return { form, listener };
}

function notificationPart(notifications) {
  const note = element("p", { class: "quiet small", role: "status" }, notifications.describe());
  const change = async (on) => {
    const now = await notifications.turn(on);
    made.setAttribute("aria-checked", String(now));
    note.textContent = notifications.describe();
  };
  const made = toggle("Notifications on this device", notifications.on, change);
  return section("", made, note);
}

export function showMe(app) {
  const { form, listener } = profileForm(app);
  app.api.addListener(listener);
  const leave = async () => {
    const text = "This page forgets its token. Your messages stay on this device.";
    if (await confirm("Sign out?", text, "Sign out")) {
      app.api.stop();
      forget();
    }
  };
  openDialog(
    "You",
    [
      element(
        "div",
        { class: "details" },
        form,
        notificationPart(app.notifications),
        section(
          "",
          element("p", { class: "quiet small" }, `Your address: ${app.api.getAddress()}`),
        ),
        section("", action("exit", "Sign out", leave, { danger: true })),
      ),
    ],
    { drawer: true, closed: () => app.api.removeListener(listener) },
  );
}
