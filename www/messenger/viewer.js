// A picture in the whole window, with its text, to save or close.
import { element, icon, iconButton } from "/shared/dom.js";
import { senderOf, momentOf } from "/shared/words.js";

export function showPicture(message) {
  const name = message.getFileName() ?? "Picture";
  const src = message.getFilePath() ?? message.getThumbnail();
  const title = `${senderOf(message)}, ${momentOf(message.ts)}`;
  const dialog = element(
    "dialog",
    { class: "viewer", "aria-label": name },
    element(
      "header",
      {},
      element("p", { class: "cut" }, title),
      element(
        "a",
        {
          class: "button plain square",
          href: src,
          download: name,
          "aria-label": "Save picture",
        },
        icon("download"),
      ),
      iconButton("close", "Close", { onclick: () => dialog.close() }),
    ),
    element("img", { src, alt: message.message || name }),
    message.message ? element("p", { class: "caption", dir: "auto" }, message.message) : null,
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
