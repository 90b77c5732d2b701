// The console: who is signed in, which app, which view, and what is told every two seconds.
//
// `#1/users` names app and view. Relies on the session's cookie, which scripts cannot read.
import "/shared/product.js";
import { announce, element, icon } from "/shared/dom.js";
import { groups } from "./groups.js";
import { now } from "./now.js";
import { overview } from "./overview.js";
import { ask, input } from "./parts.js";
import { app, installation, live, signIn, signOut, SignedOut } from "./server.js";
import { settings, showAppToken } from "./settings.js";
import { usage } from "./usage.js";
import { users } from "./users.js";
import { webhooks } from "./webhooks.js";

/** Time between two looks at what is there, ms. */
const LOOK_EVERY_MS = 2000;

const VIEWS = [overview, now, users, groups, webhooks, usage, settings];
const byId = (id) => document.getElementById(id);
const view = byId("view");
const chooser = byId("app");

let apps = [];
let timer = null;

/** What the address says; the first app and the overview when it says nothing that is there. */
function wanted() {
  const [aid, place] = location.hash.slice(1).split("/");
  return {
    aid: (apps.find((app) => String(app.aid) === aid) ?? apps[0])?.aid ?? 0,
    current: VIEWS.find((view) => view.place === place) ?? overview,
  };
}

function trouble(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = !text;
}

/** Does it, and asks for the key when the session is over. */
async function safely(what) {
  try {
    await what();
    trouble("");
  } catch (error) {
    if (error instanceof SignedOut) return showSignIn();
    trouble(error.message);
  }
}

async function look() {
  clearTimeout(timer);
  await safely(async () => {
    const told = await live(wanted().aid);
    for (const view of VIEWS) view.live?.(told);
  });
  if (!byId("console").hidden) timer = setTimeout(look, LOOK_EVERY_MS);
}

async function readApps() {
  ({ apps } = await installation("appsget"));
  chooser.replaceChildren(
    ...apps.map((app) =>
      element("option", { value: app.aid }, app.active ? app.name : `${app.name} (off)`),
    ),
  );
  chooser.disabled = !apps.length;
}

function drawPlaces(aid, current) {
  const links = VIEWS.map(({ place, title, drawing }) =>
    element(
      "a",
      { href: `#${aid}/${place}`, "aria-current": place === current.place ? "page" : null },
      icon(drawing),
      element("span", {}, title),
    ),
  );
  byId("places").replaceChildren(...links);
}

const welcome = () =>
  element(
    "div",
    { class: "empty" },
    icon("chat"),
    element("h1", {}, "Make the first app"),
    element("p", {}, "An app has users and groups of its own; its token belongs on your backend."),
    element("button", { type: "button", class: "button primary", onclick: addApp }, "New app"),
  );

/** Shows the view of the address; the focus goes there when somebody has chosen it. */
async function show(moved = false) {
  const { aid, current } = wanted();
  chooser.value = aid;
  drawPlaces(aid, current);
  if (!apps.length && current !== overview) return view.replaceChildren(welcome());
  await safely(() => current.open(view, { call: app(aid), changed }));
  if (moved) {
    view.focus();
    announce(current.title);
  }
}

/** The app has changed, or is gone. */
async function changed(gone = false) {
  await readApps();
  if (gone) location.hash = "";
  else chooser.value = wanted().aid;
}

function addApp() {
  const name = input("name", "Name", { required: true, minlength: 2, maxlength: 64 });
  ask("New app", [name], "Make app", async (values) => {
    const told = await installation("appadd", { name: values.name });
    await readApps();
    location.hash = `#${told.app.aid}/users`;
    showAppToken(told.app.name, told.token);
  });
}

function showSignIn() {
  clearTimeout(timer);
  byId("console").hidden = true;
  view.replaceChildren();
  document.querySelector("dialog")?.close();
  byId("sign-in").hidden = false;
  byId("key").focus();
}

async function enter() {
  await readApps();
  byId("sign-in").hidden = true;
  byId("console").hidden = false;
  await show();
  await look();
}

byId("sign-in")
  .querySelector("form")
  .addEventListener("submit", async (event) => {
    event.preventDefault();
    const refused = byId("refused");
    refused.textContent = "";
    try {
      await signIn(byId("key").value);
      byId("key").value = "";
      await enter();
    } catch (error) {
      refused.textContent = error.message;
      byId("key").select();
    }
  });
byId("sign-out").addEventListener("click", () => safely(signOut).then(showSignIn));
byId("new-app").addEventListener("click", addApp);
chooser.addEventListener("change", () => {
  location.hash = `#${chooser.value}/${wanted().current.place}`;
});
addEventListener("hashchange", () => show(true).then(look));
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden && !byId("console").hidden) look();
});

enter().catch(showSignIn);
