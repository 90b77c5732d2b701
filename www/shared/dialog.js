// Dialogs: a title, what is in them, a way out. The browser keeps the focus inside and takes Escape.
import { element, iconButton } from "/shared/dom.js";

let count = 0;

/**
 * Opens one. `drawer` stands at the side of a wide screen; `closed` is called once it is gone.
 * Answers the element; it is removed when it closes.
 */
export function openDialog(title, content, { drawer = false, closed } = {}) {
  const id = `dialog-${++count}`;
  const heading = element("h2", { id, tabindex: -1 }, title);
  const dialog = element(
    "dialog",
    { class: drawer ? "drawer" : "box", "aria-labelledby": id },
    element("header", {}, heading, iconButton("close", "Close", { onclick: () => dialog.close() })),
    element("div", { class: "content" }, ...content),
  );
  // A press beside it: the backdrop belongs to the dialog.
  dialog.addEventListener("pointerdown", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  if (!dialog.querySelector("[autofocus]")) heading.focus();
  return dialog;
}

/** Asks before something that cannot be undone; resolves with the answer. */
export function confirm(title, text, yes) {
  return new Promise((resolve) => {
    let answer = false;
    const dialog = openDialog(
      title,
      [
        element("p", {}, text),
        element(
          "div",
          { class: "row" },
          element(
            "button",
            {
              type: "button",
              class: "button danger",
              onclick() {
                answer = true;
                dialog.close();
              },
            },
            yes,
          ),
          element(
            "button",
            {
              type: "button",
              class: "button",
              autofocus: true,
              onclick: () => dialog.close(),
            },
            "Cancel",
          ),
        ),
      ],
      { closed: () => resolve(answer) },
    );
  });
}

/** A line of a dialog that tells how something went. */
export const outcome = () => element("p", { class: "outcome", role: "status" });
