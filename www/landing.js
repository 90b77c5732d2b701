// The landing page: with `#demo=…` it shows a card for each person of the demo.
import "/shared/product.js";
import { avatar, element, icon } from "/shared/dom.js";

/** What is behind `#demo=`: base64url of JSON; null when there is none or it is damaged. */
function demo() {
  const text = new URLSearchParams(location.hash.slice(1)).get("demo");
  if (!text) return null;
  try {
    const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0))));
  } catch {
    return null;
  }
}

function fragment({ app, users, group }, user) {
  const part = encodeURIComponent;
  const peers = users
    .filter((other) => other !== user)
    .map((other) => `${part(other.address)}:${part(other.name)}`);
  const room = group ? `&group=${group.gid}:${part(group.name)}` : "";
  const me = `app=${part(app)}&token=${part(user.token)}&name=${part(user.name)}`;
  return `#${me}&peers=${peers.join(",")}${room}`;
}

function card(world, user) {
  const behind = fragment(world, user);
  const link = (page, look, drawing, text) =>
    element(
      "a",
      // `noopener` also gives the window a session storage of its own.
      { class: `button ${look}`, href: `/${page}/${behind}`, target: "_blank", rel: "noopener" },
      icon(drawing),
      text,
      element("span", { class: "for-screen-readers" }, ` as ${user.name}`),
    );
  return element(
    "article",
    { class: "card" },
    element(
      "div",
      { class: "person" },
      avatar(user.name, user.address),
      element("h3", {}, user.name),
    ),
    element(
      "div",
      { class: "row" },
      link("messenger", "primary", "chat", "Open messenger"),
      world.group ? link("conference", "", "camera", "Open conference") : null,
    ),
  );
}

const world = demo();
if (world) {
  document.getElementById("people").append(...world.users.map((user) => card(world, user)));
  document.getElementById("demo").hidden = false;
}
