// Elements in one line: `element("p", { class: "small" }, "text")`. Text is never parsed as HTML.

/** An element; properties that start with `on` are event listeners, `null` and `false` are left out. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Draws children anew, unless they look as they do already: who is pressing one of them keeps it. */
export function redraw(place, children) {
  const alike = (child, index) => child.isEqualNode(place.children[index]);
  if (children.length === place.children.length && children.every(alike)) return;
  place.replaceChildren(...children);
}

const DRAWINGS = "/style/icons.svg";

/** The drawings become part of the page: one that is needed later is there without a network. */
async function takeDrawings() {
  const text = await (await fetch(DRAWINGS)).text();
  const { documentElement } = new DOMParser().parseFromString(text, "image/svg+xml");
  documentElement.setAttribute("hidden", "");
  // Names of their own among the ids of the page.
  for (const symbol of documentElement.children) symbol.id = `drawing-${symbol.id}`;
  document.body.append(document.importNode(documentElement, true));
  const places = [document, ...[...document.querySelectorAll("template")].map((t) => t.content)];
  for (const use of places.flatMap((place) => [...place.querySelectorAll("use")])) {
    use.setAttribute("href", use.getAttribute("href").replace(`${DRAWINGS}#`, "#drawing-"));
  }
}
await takeDrawings();

/** A drawing of the page; decoration unless it has a label. */
export function icon(name, label = null) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  made.setAttribute("class", "icon");
  if (label) {
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", label);
  } else {
    made.setAttribute("aria-hidden", "true");
  }
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#drawing-${name}`);
  made.append(use);
  return made;
}

/** A button with a drawing and a name only readers hear; `more` are properties. */
export function iconButton(drawing, label, more = {}) {
  return element(
    "button",
    {
      type: "button",
      class: "button plain square",
      title: label,
      "aria-label": label,
      ...more,
    },
    icon(drawing),
  );
}

/** Up to two initials on a colour that belongs to the name. */
export function avatar(name, key = name, online = false) {
  const words = name.trim().split(/\s+/);
  const initials = words
    .slice(0, 2)
    .map((word) => [...word][0] ?? "")
    .join("");
  let sum = 0;
  for (const character of String(key)) sum = (sum * 31 + character.codePointAt(0)) % 6007;
  const look = {
    class: online ? "avatar online" : "avatar",
    "data-tint": sum % 6,
    "aria-hidden": "true",
  };
  return element("span", look, initials.toLocaleUpperCase());
}

/** The picture of a user or group, or the initials. */
export function face(profile, online = false) {
  const drawn = avatar(
    profile.getNameOrAddress(),
    profile.getAddress() || profile.getGroupId(),
    online,
  );
  const src = profile.getImage().getImageOrThumbnail();
  // A picture that cannot be loaded leaves the initials.
  if (src)
    drawn.append(
      element("img", {
        src,
        alt: "",
        onerror: (event) => event.target.remove(),
      }),
    );
  return drawn;
}

/** Brings the children of a parent to exactly these, in this order; what stays is not touched. */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}

/** Says something to those who listen to the page. */
export function announce(text) {
  const region = document.getElementById("announcements");
  // Some readers stay silent when the same text comes again.
  region.replaceChildren(element("p", {}, text));
}
