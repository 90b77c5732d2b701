// Choosing people and groups: for forwarding, for the members of a group.
import { element, face } from "/shared/dom.js";
import { openDialog } from "/shared/dialog.js";

function row(profile, type, chosen) {
  const address = profile.getAddress();
  const name = profile.getNameOrAddress();
  const input = element("input", { type, name: "chosen" });
  input.addEventListener("change", () => {
    if (type === "radio") chosen.clear();
    if (input.checked) chosen.add(profile);
    else chosen.delete(profile);
  });
  const made = element(
    "li",
    {},
    element(
      "label",
      { class: "choice" },
      input,
      face(profile),
      element(
        "span",
        { class: "lines" },
        element("span", { class: "name cut", dir: "auto" }, name),
        element("span", { class: "small quiet cut" }, profile.isGroup() ? "Group" : address),
      ),
    ),
  );
  made.words = `${name} ${address}`.toLocaleLowerCase();
  return made;
}

/** The list with a field that narrows it; `chosen` is the set of those that are ticked. */
export function choices(profiles, { several = true, chosen = new Set() } = {}) {
  const rows = profiles.map((profile) => row(profile, several ? "checkbox" : "radio", chosen));
  const nobody = element("p", { class: "quiet" }, "Nobody of that name.");
  const list = element("ul", { class: "choices" }, ...rows);
  const field = element("input", {
    type: "search",
    "aria-label": "Find a person",
    placeholder: "Find a person",
    autocomplete: "off",
  });
  const narrow = () => {
    const words = field.value.trim().toLocaleLowerCase();
    for (const one of rows) one.hidden = !one.words.includes(words);
    nobody.hidden = rows.some((one) => !one.hidden);
  };
  field.addEventListener("input", narrow);
  narrow();
  return {
    element: element("div", { class: "chooser" }, field, list, nobody),
    chosen,
  };
}

/** Asks for some of the profiles; resolves with a list, empty when nobody was chosen. */
export function choose(title, profiles, verb, options = {}) {
  return new Promise((resolve) => {
    const { element: list, chosen } = choices(profiles, options);
    let answer = [];
    const form = element(
      "form",
      {
        onsubmit(event) {
          event.preventDefault();
          answer = [...chosen];
          dialog.close();
        },
      },
      list,
      element("div", { class: "row" }, element("button", { class: "button primary" }, verb)),
    );
    const dialog = openDialog(title, [form], { closed: () => resolve(answer) });
    dialog.querySelector("input").focus();
  });
}
