// The console as an operator uses it: apps, users, tokens, groups, who is there, webhooks.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { before, test } from "node:test";
import { isAccessibleAndFits, SCREENS } from "./harness/accessible.js";
import { online } from "./harness/chat.js";
import { ADMIN_KEY } from "./harness/server.js";
import { World } from "./harness/world.js";

const world = World.forThisFile([
  ...["--webhook-allow-http", "true", "--webhook-allow-private", "true"],
  // One more try, at once.
  ...["--webhook-retries", "0"],
]);

before(() => world.open());

/** A console with somebody before it who has the key. */
async function openConsole({ place = "", screen = "desktop" } = {}) {
  const page = await world.visit({}, "", {}, { at: `${world.server.url}/console/` });
  const { raw } = page;
  await raw.setViewportSize(SCREENS[screen]);
  await raw.emulateMedia({ reducedMotion: "reduce" });
  await raw.getByLabel("Admin key").fill(ADMIN_KEY);
  await raw.keyboard.press("Enter");
  await raw.getByRole("heading", { name: "Overview" }).waitFor();
  if (place) await go(raw, place);
  return raw;
}

async function go(raw, place) {
  await raw.getByRole("navigation").getByRole("link", { name: place }).click();
  await raw.getByRole("heading", { name: place, level: 1 }).waitFor();
}

/** A backend that takes events as it is told to. */
async function receiver() {
  const taken = [];
  const self = { taken, status: 503 };
  const http = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    if (self.status === 200) taken.push(JSON.parse(body));
    response.writeHead(self.status).end("MESIBO OK");
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  self.url = `http://127.0.0.1:${http.address().port}/hook`;
  self.stop = () => http.close();
  return self;
}

test("without the key nothing is told, and pages of other origins cannot ask", async () => {
  const { url } = world.server;
  const post = (path, headers, body) =>
    fetch(`${url}/console/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const ours = { "content-type": "application/json", "x-console": "1" };
  assert.equal((await post("session", ours, { key: "not the key" })).status, 401);
  assert.equal((await post("backend", ours, { op: "appsget" })).status, 401);
  assert.equal((await fetch(`${url}/console/live?aid=1`, { headers: ours })).status, 401);
  const signedIn = await post("session", ours, { key: ADMIN_KEY });
  assert.equal(signedIn.status, 204);
  const [set] = signedIn.headers.getSetCookie();
  assert.match(set, /; HttpOnly; SameSite=Strict/);
  const cookie = set.split(";")[0];
  const known = await post("backend", { ...ours, cookie }, { op: "appsget" });
  assert.equal((await known.json()).apps[0].name, "world");
  // What a form of another origin can send: the cookie perhaps, the header never.
  const foreign = await post(
    "backend",
    { "content-type": "text/plain", cookie },
    { op: "appsget" },
  );
  assert.equal(foreign.status, 403);
  await fetch(`${url}/console/session`, { method: "DELETE", headers: { ...ours, cookie } });
  assert.equal((await post("backend", { ...ours, cookie }, { op: "appsget" })).status, 401);
});

test("an operator makes an app, a user, a token that is shown once, and a group", async () => {
  const raw = await openConsole();
  await raw.getByRole("button", { name: "New app" }).click();
  await raw.getByRole("dialog").getByLabel("Name").fill("bakery");
  await raw.keyboard.press("Enter");
  const secret = raw.getByRole("dialog", { name: "App token" });
  const appToken = await secret.getByLabel("App token").last().inputValue();
  assert.match(appToken, /^[0-9a-z]{64}$/);
  await secret.getByRole("button", { name: "Close" }).click();
  await secret.waitFor({ state: "detached" });
  assert.ok(!(await raw.content()).includes(appToken));

  await raw.getByRole("button", { name: "Add user" }).click();
  const dialog = raw.getByRole("dialog", { name: "Add user" });
  await dialog.getByLabel("Address").fill("ada");
  await dialog.getByLabel("Name").fill("Ada");
  await dialog.getByLabel("App id").fill("bakery");
  await dialog.getByRole("button", { name: "Add and make a token" }).click();
  const shown = raw.getByRole("dialog", { name: "User token" });
  const token = await shown.getByLabel("User token").last().inputValue();
  await shown.getByRole("button", { name: "Close" }).click();
  await shown.waitFor({ state: "detached" });
  await raw.getByRole("button", { name: "Ada" }).waitFor();
  assert.ok(!(await raw.content()).includes(token), "the token is nowhere any more");

  const ada = { app: "bakery", token, name: "Ada" };
  await go(raw, "Live");
  await raw.getByText("Nobody of this app is connected.").waitFor();
  const page = await world.visit(ada, "chat.html");
  await online(page);
  await raw.getByRole("table", { name: "Sessions" }).getByText("Ada", { exact: true }).waitFor();

  await go(raw, "Groups");
  await raw.getByRole("button", { name: "New group" }).click();
  await raw.getByRole("dialog").getByLabel("Name").fill("Crew");
  await raw.getByRole("dialog").getByLabel("Members").fill("ada");
  await raw.getByRole("button", { name: "Make group" }).click();
  await raw.getByRole("button", { name: "Crew" }).click();
  const drawer = raw.getByRole("dialog", { name: "Crew" });
  await drawer.getByText("ada", { exact: true }).click();
  const publish = drawer.getByRole("group", { name: "Rights of ada" }).getByLabel("Publish");
  assert.ok(await publish.isChecked());
  await publish.uncheck();
  const app = (op, parameters) => world.admin.call({ op, token: appToken, ...parameters });
  const { groups } = await app("groupsget", { group: { name: "Crew" } });
  const group = { gid: groups[0].gid };
  const may = async () => (await app("groupgetmembers", { group })).members[0].canpub;
  while ((await may()) !== 0);
  await drawer.getByLabel("Publish in the room").last().selectOption("selected");
  await drawer.getByRole("button", { name: "Save permissions" }).click();
  await drawer.getByText("Saved, and told to everybody").waitFor();
  assert.equal((await app("groupsget", { group: { name: "Crew" } })).groups[0].flag & 0x100, 0x100);
  await drawer.getByRole("button", { name: "Close" }).click();

  await go(raw, "Users");
  await raw.getByRole("button", { name: "Ada" }).click();
  await raw.getByRole("switch", { name: "May sign in" }).click();
  await raw.keyboard.press("Escape");
  await raw.getByRole("cell", { name: "Suspended" }).waitFor();
  await go(raw, "Live");
  await raw.getByText("Nobody of this app is connected.").waitFor();
});

test("rooms are shown with those who are in them and what they publish", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const gid = await world.app.addGroup("Stand-up", [ada.address, bob.address]);
  const raw = await openConsole({ place: "Live" });
  const group = { gid, name: "Stand-up" };
  const at = (person) => ({ at: world.demoAddress("conference", person, { group }) });
  const page = await world.visit(ada, "", {}, at(ada));
  await page.raw.getByRole("button", { name: "Join" }).click();
  const room = raw.getByRole("region", { name: "Stand-up" });
  await room.getByText("Microphone").waitFor();
  await room.getByText("Camera", { exact: true }).waitFor();
  await page.raw.getByRole("button", { name: "Microphone" }).click();
  await room.getByText("Muted").waitFor();
  await room.getByText(/(Good|Fair|Poor) link/).waitFor();
  await room.getByRole("button", { name: "Record" }).click();
  await room.getByText("Recorded").waitFor();
  await room.getByRole("button", { name: "End recording" }).click();
  await room.getByRole("button", { name: "Record" }).waitFor();
  await page.raw.getByRole("button", { name: "Leave" }).click();
  await raw.getByText("No room has anybody in it.").waitFor();
});

test("who waits to be let in is let in, or sent away", async () => {
  const [ada, bob, eve] = await world.people("ada", "bob", "eve");
  const gid = await world.app.addGroup("Doctor", [ada.address]);
  await world.app.call("groupset", { group: { gid, lobby: true } });
  const { pins } = await world.app.call("grouppin", { group: { gid, flags: 0x1f } });
  const raw = await openConsole({ place: "Live" });
  const pages = await Promise.all(
    [bob, eve].map(async (person) => {
      const page = await world.visit(person, "chat.html");
      await online(page);
      await page.evaluate(({ gid, pin }) => void chat.api.getProfile(null, gid).join(pin, {}), {
        gid,
        pin: String(pins[0].pin),
      });
      return page;
    }),
  );
  const card = raw.getByRole("region", { name: "Waiting to be let in" });
  const line = (person) => card.getByRole("listitem").filter({ hasText: person.address });
  await line(eve).waitFor();
  await line(bob).waitFor();
  await isAccessibleAndFits(raw, "two are waiting");
  await line(bob).getByRole("button", { name: "Let in" }).click();
  await line(bob).waitFor({ state: "detached" });
  await line(eve).getByRole("button", { name: "Send away" }).click();
  await card.waitFor({ state: "detached" });
  const { members } = await world.app.call("groupgetmembers", { group: { gid } });
  const addresses = members.map(({ address }) => address).sort();
  assert.deepEqual(addresses, [ada.address, bob.address].sort());
  await Promise.all(pages.map((page) => page.close()));
});

test("limits and push messages of an app are set, and usage says how far it is", async () => {
  const [ada] = await world.people("ada");
  const raw = await openConsole({ place: "App" });
  await raw.getByLabel("Messages in a month at most").fill("1000000");
  await raw.getByLabel("Days messages are kept").fill("30");
  await raw.getByRole("button", { name: "Save app" }).click();
  await raw.getByText("Saved.").waitFor();
  const { app } = await world.app.call("appget");
  assert.deepEqual([app.q_msgs, app.retention], [1_000_000, 30]);
  await raw.getByRole("switch", { name: "Notifications say who wrote what" }).click();
  await raw.getByLabel("Sound of what is shown").fill("bell");
  await raw.getByRole("button", { name: "Save push options" }).click();
  const pushes = raw.getByRole("region", { name: "Push messages" });
  await pushes.getByText("Saved.").waitFor();
  const { push } = await world.app.call("pushset");
  assert.deepEqual([push.background, push.sound], [0, "bell"]);
  const file = { name: "shop.json", mimeType: "application/json", buffer: Buffer.from("{}") };
  await raw.getByLabel("Service account").setInputFiles(file);
  await raw.getByRole("button", { name: "Add credential" }).click();
  await raw.getByText("the file is no service account").waitFor();
  await raw.getByLabel("Address of a user").fill(ada.address);
  await raw.getByRole("button", { name: "Send one to try" }).click();
  await raw.getByText("No device of this user").waitFor();
  await isAccessibleAndFits(raw, "push messages");
  await go(raw, "Usage");
  await raw.getByText("of 1,000,000").waitFor();
  await world.app.call("appset", { app: { maxmsgs: 0, retention: 0, pushflags: 0 } });
});

test("events that a webhook has not taken are seen and sent again", async () => {
  const hook = await receiver();
  const [ada] = await world.people("ada");
  const raw = await openConsole({ place: "Webhook" });
  await raw.getByLabel("URL").fill(hook.url);
  await raw.getByLabel("Groups, and who joins or leaves").check();
  await raw.getByRole("button", { name: "Save webhook" }).click();
  await raw.getByText("Saved.").waitFor();
  await world.app.addGroup("Hooked", [ada.address]);
  const events = raw.getByRole("table", { name: "Events that were given up" });
  while (!(await events.count())) {
    await go(raw, "Overview");
    await go(raw, "Webhook");
    await raw.getByText(/given up$/).waitFor();
  }
  await isAccessibleAndFits(raw, "events that were given up");
  hook.status = 200;
  await raw.getByRole("button", { name: "Try all again" }).click();
  await raw.getByText("Nothing was given up.").waitFor();
  while (!hook.taken.length) await raw.evaluate(() => new Promise(requestAnimationFrame));
  assert.equal(hook.taken[0].events[0].type, "group");
  hook.stop();
});

test("a reload goes on, and who signs out is out", async () => {
  const raw = await openConsole({ place: "Users" });
  await raw.reload();
  await raw.getByRole("heading", { name: "Users" }).waitFor();
  await raw.getByRole("button", { name: "Sign out" }).click();
  await raw.getByLabel("Admin key").waitFor();
  await raw.reload();
  await raw.getByLabel("Admin key").waitFor();
  await raw.getByLabel("Admin key").fill("a wrong key");
  await raw.keyboard.press("Enter");
  await raw.getByText("this is not the admin key").waitFor();
});

for (const screen of Object.keys(SCREENS)) {
  test(`every view of the console is accessible and fits, on a ${screen}`, async () => {
    const [ada, bob] = await world.people("ada", "bob");
    await world.app.addGroup("A group", [ada.address, bob.address]);
    const ours = await world.visit(ada, "chat.html");
    const raw = await openConsole({ screen });
    await raw.getByText("Connections", { exact: true }).waitFor();
    await isAccessibleAndFits(raw, "overview");
    await go(raw, "Live");
    await raw.getByRole("table", { name: "Sessions" }).waitFor();
    await isAccessibleAndFits(raw, "live");
    await go(raw, "Users");
    await raw.getByRole("button", { name: "bob" }).last().click();
    await isAccessibleAndFits(raw, "a user");
    await raw.keyboard.press("Escape");
    await raw.getByRole("button", { name: "Add user" }).click();
    await isAccessibleAndFits(raw, "a new user");
    await raw.keyboard.press("Escape");
    await isAccessibleAndFits(raw, "users");
    await go(raw, "Groups");
    await raw.getByRole("button", { name: "A group" }).last().click();
    await raw.getByRole("dialog").getByText(ada.address, { exact: true }).click();
    await isAccessibleAndFits(raw, "a group");
    await raw.keyboard.press("Escape");
    await isAccessibleAndFits(raw, "groups");
    await go(raw, "Webhook");
    await raw.getByLabel("URL").waitFor();
    await isAccessibleAndFits(raw, "webhook");
    await go(raw, "Usage");
    await raw.getByRole("table", { name: "Days" }).waitFor();
    await isAccessibleAndFits(raw, "usage");
    await go(raw, "App");
    await raw.getByRole("button", { name: "Save app" }).waitFor();
    await isAccessibleAndFits(raw, "app");
    await ours.close();
  });
}
