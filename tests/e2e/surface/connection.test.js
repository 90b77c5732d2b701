// Being connected, as the page is told of it: the order of states, and what each of them means.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { World } from "../harness/world.js";
import { arrived, numbered, online, reached, received, seen, send } from "../harness/chat.js";

const world = World.forThisFile();
const states = async (page) => (await seen(page)).connection;
const told = (page, ...wanted) =>
  page.until((wanted) => {
    const all = chat.seen.connection;
    return wanted.every((status, at) => all[all.length - wanted.length + at] === status);
  }, wanted);

// Rules: 5.2.8.
test("states come once each: connecting, online, stopped, and again after start", async () => {
  const [ada] = await world.people("ada");
  const a = await world.visit(ada, "chat.html", { start: false });
  const before = await a.evaluate(() => [
    chat.api.getConnectionStatus(),
    chat.api.isOnline(),
    chat.api.getUid(),
    chat.api.getAddress(),
    chat.api.isAccountSuspended(),
    chat.api.isAccountPaid(),
  ]);
  assert.deepEqual(before, [0, false, 0, "", false, true]);
  assert.deepEqual(await a.evaluate(() => [chat.start(), chat.start()]), [0, 0]);
  await online(a);
  const after = await a.evaluate(() => [
    chat.api.isOnline(),
    chat.api.getAddress(),
    chat.api.getUid() > 0,
    Math.abs(chat.api.getTimestamp() - Date.now()) < 60_000,
    chat.api.getDeviceType(),
    chat.api.getAppId(),
    chat.api.getAppName(),
    chat.api.reconnect(),
  ]);
  assert.deepEqual(after, [true, ada.address, true, true, 4, ada.app, ada.app, true]);
  assert.equal(await a.evaluate(() => chat.stop()), 0);
  await told(a, 5);
  assert.equal(await a.evaluate(() => chat.start()), 0);
  await told(a, 5, 6, 1);
  assert.deepEqual(await states(a), [6, 1, 5, 6, 1]);
});

// Rules: 5.2.4.
test("a browser that says it is offline is told so at once, and online again at once", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html");
  await online(a);
  await a.raw.context().setOffline(true);
  await told(a, 8);
  await send(a, bob, ["written without a network"]);
  await a.raw.context().setOffline(false);
  await told(a, 8, 6, 1);
  await reached(a, 1, 1);
});

// Rules: 5.9.1, 7.31.
test("`new Mesibo()` is the default instance until somebody has signed in with it, then one of its own", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const page = await world.visit({ app: "x", name: "x", token: "" }, "chat.html", { start: false });
  const same = await page.evaluate(
    ([ada, bob]) => {
      const first = new Mesibo();
      const seen = [first === Mesibo.getInstance(), new Mesibo() === first];
      first.setAppName(ada.app);
      first.setAccessToken(ada.token);
      window.first = first;
      window.second = new Mesibo();
      second.setAppName(bob.app);
      second.setAccessToken(bob.token);
      window.got = [];
      second.addListener({ Mesibo_onMessage: (m) => m.isIncoming() && got.push(m.message) });
      first.start();
      second.start();
      return [...seen, second === first, Mesibo.getInstance() === first];
    },
    [ada, bob],
  );
  assert.deepEqual(same, [true, true, false, true]);
  await page.until(() => first.isOnline() && second.isOnline());
  // Two users of one page, each with profiles of their own.
  await page.evaluate((to) => {
    const m = first.getProfile(to, 0).newMessage();
    m.message = "from one instance to the other";
    m.send();
  }, bob.address);
  await page.until(() => got.length === 1);
  assert.deepEqual(
    await page.evaluate(
      (to) => [
        first.getProfile(to, 0) === second.getProfile(to, 0),
        first.getProfile(to, 0) === MesiboProfile.getProfile(to),
        MesiboProfile.getGroupProfile(77) === first.getGroupProfile(77),
        MesiboProfile.getSelfProfile() === first.getSelfProfile(),
        second.getSelfProfile().getAddress() === to,
      ],
      bob.address,
    ),
    [false, true, true, true, true],
  );
});

// Rules: 1.4.9, 7.25, 1.4.8.
test("setListener adds, in order, each object once; removeListener takes one out, null all", async () => {
  const [ada] = await world.people("ada");
  const a = await world.visit(ada, "chat.html", { start: false });
  const results = await a.evaluate(() => {
    window.order = [];
    const make = (name) => ({ Mesibo_onConnectionStatus: (s) => order.push(`${name} ${s}`) });
    const [one, two, three] = ["one", "two", "three"].map(make);
    const { api } = chat;
    const added = [api.setListener(one), api.addListener(two), api.setListener(three)];
    const again = api.addListener(one);
    const removed = [api.removeListener(two), api.removeListener(two), api.removeListner({})];
    api.start();
    return { added, again, removed };
  });
  assert.deepEqual(results.added, [true, true, true]);
  assert.deepEqual(results.removed, [true, false, false]);
  await online(a);
  assert.deepEqual(await a.evaluate(() => order), ["one 6", "three 6", "one 1", "three 1"]);
  await a.evaluate(() => {
    chat.api.setListener(null);
    chat.api.stop();
  });
  await a.until(() => chat.api.getConnectionStatus() === 5);
  assert.equal(await a.evaluate(() => order.length), 4);
});

// Rules: 5.3.1.
test("coming online, what was queued here and what was queued there arrive, each in its order", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const front = await world.front();
  const settings = { server: front.url };
  const b = await world.visit(bob, "chat.html");
  await online(b);
  const a = await world.visit(ada, "chat.html", settings);
  await online(a);
  front.cut();
  // It tries again at once: the state may be another one already.
  await a.until(() => chat.seen.connection.includes(2));
  await send(a, bob, numbered("from here", 5));
  await send(b, ada, numbered("from there", 5));
  await reached(b, 1, 5);
  assert.equal((await seen(a)).received.length, 0);
  front.restore();
  await a.evaluate(() => chat.api.reconnect());
  await Promise.all([arrived(a, 5), arrived(b, 5)]);
  assert.deepEqual(await received(a), numbered("from there", 5));
  assert.deepEqual(await received(b), numbered("from here", 5));
});

// Rules: 5.1.5.
test("on plain http, where browsers give less, messages go both ways", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const from = world.server.url.replace("127.0.0.1", "insecure.test");
  const a = await world.visit(ada, "chat.html", {}, { from });
  const b = await world.visit(bob, "chat.html");
  assert.equal(await a.evaluate(() => isSecureContext), false);
  await Promise.all([online(a), online(b)]);
  await send(a, bob, ["from plain http"]);
  await arrived(b, 1);
  await send(b, ada, ["back"]);
  await arrived(a, 1);
  const warnings = a.lines.filter(({ type }) => type === "warning");
  assert.equal(warnings.length, 1, JSON.stringify(warnings));
  assert.match(warnings[0].text, /https/);
});

// Rules: 5.1.3.
test("where a page may not use WebAssembly, one line says so and what helps", async () => {
  const front = await world.front("script-src 'self'");
  const page = await world.visit({ token: "" }, "stored.html", {}, { from: front.url });
  const told = page.lines.filter(({ text }) => text.startsWith("mesibo:"));
  assert.equal(told.length, 1, JSON.stringify(page.lines));
  assert.match(told[0].text, /'wasm-unsafe-eval'/);
});

// Rules: 5.1.6.
test("a page of a file on disk sends and receives", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const folder = mkdtempSync(join(tmpdir(), "mesibo-file-page-"));
  const tag = (path) => `<script src="${world.server.url}${path}"></script>`;
  const page = `<!doctype html><meta charset="utf-8">${tag("/mesibo.js")}${tag("/test/chat.js")}`;
  writeFileSync(join(folder, "page.html"), page);
  try {
    const b = await world.visit(bob, "chat.html");
    const a = await world.visit(ada, "", {}, { at: `file://${join(folder, "page.html")}` });
    await Promise.all([online(a), online(b)]);
    await send(a, bob, ["from a file"]);
    await arrived(b, 1);
    await send(b, ada, ["back"]);
    await arrived(a, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// Rules: 5.2.10, 5.2.11.
test("a server that shuts down says so; each attempt is announced until it is back", async () => {
  const [ada] = await world.people("ada");
  const a = await world.visit(ada, "chat.html");
  await online(a);
  await world.server.stop();
  await a.until(() => chat.seen.connection.filter((status) => status === 6).length >= 3);
  assert.deepEqual((await states(a)).slice(0, 6), [6, 1, 22, 6, 7, 6]);
  await world.server.start();
  await a.evaluate(() => chat.api.reconnect());
  await online(a);
});
