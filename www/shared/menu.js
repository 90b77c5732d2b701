// A menu that opens beside a button or where one clicked: arrows, Home, End, letters, Escape.
import { element, icon } from "/shared/dom.js";

/** Room it keeps to the edges of the window, px. */
const MARGIN = 8;

let open = null;

function move(items, step) {
  const at = items.indexOf(document.activeElement);
  items[(at + step + items.length) % items.length].focus();
}

function onKey(event, menu, items) {
  if (event.key === "ArrowDown") move(items, 1);
  else if (event.key === "ArrowUp") move(items, -1);
  else if (event.key === "Home") items[0].focus();
  else if (event.key === "End") items.at(-1).focus();
  else if (event.key === "Escape" || event.key === "Tab") menu.close(true);
  else if (event.key.length === 1) {
    const letter = event.key.toLocaleLowerCase();
    items.find((item) => item.textContent.toLocaleLowerCase().startsWith(letter))?.focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Inside the window, below its anchor when there is room, else above it. */
function place(panel, anchor, point) {
  const room = { width: innerWidth, height: innerHeight };
  const size = panel.getBoundingClientRect();
  const at = anchor.getBoundingClientRect();
  let { x: left, y: top } = point ?? {
    x: at.right - size.width,
    y: at.bottom + 4,
  };
  if (top + size.height > room.height - MARGIN) top = (point ? point.y : at.top - 4) - size.height;
  const inside = (value, most) => Math.max(MARGIN, Math.min(value, most - MARGIN));
  panel.style.left = `${inside(left, room.width - size.width)}px`;
  panel.style.top = `${inside(top, room.height - size.height)}px`;
}

/** `items`: `{ icon, text, act, danger }`, missing ones are left out. */
export function showMenu(label, items, anchor, point = null) {
  open?.close(false);
  const before = document.activeElement;
  const menu = {
    close(back) {
      if (open !== menu) return;
      open = null;
      panel.remove();
      if (back) (before?.isConnected ? before : anchor).focus({ preventScroll: true });
    },
  };
  const buttons = items.filter(Boolean).map(({ icon: drawing, text, act, danger }) =>
    element(
      "button",
      {
        type: "button",
        role: "menuitem",
        tabindex: -1,
        class: danger ? "danger" : null,
        onclick() {
          menu.close(true);
          act();
        },
      },
      icon(drawing),
      text,
    ),
  );
  const panel = element("div", { class: "menu", role: "menu", "aria-label": label }, ...buttons);
  panel.addEventListener("keydown", (event) => onKey(event, menu, buttons));
  panel.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !panel.contains(event.relatedTarget)) menu.close(false);
  });
  anchor.closest("dialog, main, aside").append(panel);
  open = menu;
  place(panel, anchor, point);
  buttons[0].focus({ preventScroll: true });
}

// A press anywhere else, and what scrolls below it, closes it.
addEventListener("pointerdown", (event) => {
  if (!event.target.closest?.(".menu")) open?.close(false);
});
addEventListener("resize", () => open?.close(false));
