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

/** A drawing of `/style/icons.svg`; decoration unless it has a label. */
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
  use.setAttribute("href", `/style/icons.svg#${name}`);
  made.append(use);
  return made;
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
