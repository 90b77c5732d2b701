// What the panels are built of: sections, switches, fields with a picture.
import { element, icon } from "/shared/dom.js";

/** A titled part of a panel. */
export function section(title, ...children) {
  return element("section", { class: "part" }, title && element("h3", {}, title), ...children);
}

/** A switch; `change(on)` is told. */
export function toggle(label, on, change) {
  const made = element(
    "button",
    {
      type: "button",
      role: "switch",
      class: "switch",
      "aria-checked": String(on),
      onclick() {
        const next = made.getAttribute("aria-checked") !== "true";
        made.setAttribute("aria-checked", String(next));
        change(next);
      },
    },
    element("span", {}, label),
    element("span", { class: "knob", "aria-hidden": "true" }),
  );
  return made;
}

/** A line of a panel that does something. */
export function action(drawing, text, act, { danger = false } = {}) {
  const look = {
    type: "button",
    class: danger ? "action danger" : "action",
    onclick: act,
  };
  return element("button", look, icon(drawing), text);
}

export function field(label, input) {
  return element("label", { class: "field" }, element("span", { class: "label" }, label), input);
}

/** A picture that can be chosen; `change(file)` is told, with null when it is taken away. */
export function pictureField(current, label, change) {
  const frame = element("span", { class: "face" }, current);
  const input = element("input", {
    type: "file",
    accept: "image/*",
    class: "for-screen-readers",
    "aria-label": label,
    onchange() {
      const [file] = input.files;
      if (!file) return;
      const src = URL.createObjectURL(file);
      const drawn = element("img", {
        src,
        alt: "",
        onload: () => URL.revokeObjectURL(src),
      });
      frame.replaceChildren(element("span", { class: "avatar" }, drawn));
      change(file);
    },
  });
  return element(
    "label",
    { class: "picture-field" },
    frame,
    input,
    element("span", { class: "button" }, icon("photo"), "Change picture"),
  );
}
