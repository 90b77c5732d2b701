// Storage that is missing, full, held by another tab, or taken away: the page is told, and goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { arrived, numbered, online, reached, received, send, SENT } from "./harness/chat.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();

const DATABASE = { database: "chat", start: false };

/** Opens the page after this has run in it, and keeps the errors it is told. */
async function opened(person, before, argument) {
  const page = await world.visit(person, "chat.html", { start: false });
  await page.raw.addInitScript(before, argument);
  await page.raw.goto("about:blank");
  await page.raw.goto(world.address(person, "chat.html", DATABASE));
  await page.evaluate(() => {
    globalThis.errors = [];
    chat.listener.Mesibo_onError = (text) => errors.push(text);
    chat.start();
  });
  return page;
}

/** Both ways still work, and what was said can be read. */
async function goesOn(page, person, other, peer) {
  await online(page);
  await send(page, peer, ["one", "two"]);
  await reached(page, SENT, 2);
  await send(other, person, ["three"]);
  await page.until(() => chat.seen.received.some((m) => m.text === "three"));
  await page.evaluate((peer) => chat.read(peer, 10), peer.address);
  await page.until((peer) => chat.shown(peer).length >= 3, peer.address);
  const shown = await page.evaluate((peer) => chat.shown(peer), peer.address);
  assert.deepEqual(shown.slice(-3), ["one", "two", "three"]);
}

// Rules: 5.6.5.
test("without IndexedDB a page is told so and works from memory", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const b = await world.visit(bob, "chat.html", {});
  const a = await opened(ada, () => {
    Object.defineProperty(globalThis, "indexedDB", { value: undefined });
  });
  await a.until(() => chat.seen.database === false);
  await goesOn(a, ada, b, bob);
});

test("a full storage loses nothing that is sent or received", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const b = await world.visit(bob, "chat.html", {});
  const a = await opened(ada, () => {
    const { put } = IDBObjectStore.prototype;
    globalThis.full = false;
    IDBObjectStore.prototype.put = function (...values) {
      if (globalThis.full) throw new DOMException("no room", "QuotaExceededError");
      return put.apply(this, values);
    };
  });
  await online(a);
  await a.evaluate(() => (globalThis.full = true));
  await send(a, bob, ["one"]);
  await reached(a, SENT, 1);
  await send(b, ada, ["two"]);
  await arrived(a, 1);
  assert.ok((await a.evaluate(() => errors)).some((text) => text.includes("full")));
  await arrived(b, 1);

  await a.evaluate(() => (globalThis.full = false));
  await send(a, bob, ["three"]);
  await reached(a, SENT, 2);
  await a.reload();
  await a.until(() => chat.seen.database === true);
  await a.evaluate((peer) => chat.read(peer, 10), bob.address);
  await a.until((peer) => chat.shown(peer).includes("three"), bob.address);
});

// Rules: 5.6.7.
test("a database that is deleted under a page is replaced by its memory", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const b = await world.visit(bob, "chat.html", {});
  const a = await opened(ada, () => {});
  await online(a);
  await send(a, bob, numbered("before", 3));
  await reached(a, SENT, 3);
  await a.evaluate(
    () =>
      new Promise((done, fail) => {
        indexedDB.databases().then((all) => {
          const { name } = all.find(({ name }) => name.startsWith("mesibo-chat-"));
          const request = indexedDB.deleteDatabase(name);
          request.onsuccess = done;
          request.onerror = fail;
        });
      }),
  );
  await a.until(() => errors.some((text) => text.includes("deleted")));
  await send(a, bob, ["one", "two"]);
  await reached(a, SENT, 5);
  await send(b, ada, ["three"]);
  await arrived(a, 1);
  await a.evaluate((peer) => chat.read(peer, 10), bob.address);
  await a.until((peer) => chat.shown(peer).length === 6, bob.address);
  assert.deepEqual(await a.evaluate((peer) => chat.shown(peer), bob.address), [
    ...numbered("before", 3),
    "one",
    "two",
    "three",
  ]);
});

test("a tab with an older version that holds the storage holds nobody up", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const b = await world.visit(bob, "chat.html", {});
  const a = await world.visit(ada, "chat.html", DATABASE);
  await a.until(() => chat.seen.database);
  // As an older version would have it: lower, and deaf.
  const older = await a.tab(world.server.url);
  await older.evaluate(async (to) => {
    const { name } = (await indexedDB.databases()).find(({ name }) =>
      name.startsWith("mesibo-chat-"),
    );
    await new Promise((done, fail) => {
      const request = indexedDB.deleteDatabase(name);
      request.onsuccess = done;
      request.onerror = fail;
    });
    await new Promise((done, fail) => {
      const request = indexedDB.open(name, 1);
      request.onsuccess = () => done((globalThis.held = request.result));
      request.onerror = fail;
    });
  }, null);
  await a.reload();
  await a.evaluate(() => {
    globalThis.errors = [];
    chat.listener.Mesibo_onError = (text) => errors.push(text);
    chat.start();
  });
  await a.until(() => chat.seen.database === false);
  await goesOn(a, ada, b, bob);
  await older.evaluate(() => held.close());
  await a.reload();
  await a.until(() => chat.seen.database === true);
});

test("a clock that jumps back and forth changes no order", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await opened(ada, () => {
    const { now } = Date;
    globalThis.jump = 0;
    Date.now = () => now() + globalThis.jump;
  });
  const HOUR = 3_600_000;
  const texts = [];
  for (const jump of [0, 5 * HOUR, -48 * HOUR, 24 * HOUR, -HOUR]) {
    await a.evaluate((jump) => (globalThis.jump = jump), jump);
    texts.push(`at ${jump}`);
    await send(a, bob, texts.slice(-1));
    if (jump < 0) await a.evaluate(() => (chat.stop(), chat.start()));
  }
  await reached(a, SENT, texts.length);
  const b = await world.visit(bob, "chat.html", {});
  await arrived(b, texts.length);
  assert.deepEqual(await received(b), texts);
  await a.reload();
  await a.until(() => chat.seen.database);
  // Still behind by two days, and never online.
  await a.evaluate(() => (globalThis.jump = -48 * 3_600_000));
  await send(a, bob, ["last"]);
  await a.until(() => chat.seen.own.length === 1);
  await a.evaluate((peer) => chat.read(peer, 10), bob.address);
  await a.until((peer) => chat.shown(peer).length === 6, bob.address);
  assert.deepEqual(await a.evaluate((peer) => chat.shown(peer), bob.address), [...texts, "last"]);
});

test("a database that is reset is empty, and its sessions begin anew", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html", { database: "chat" });
  await send(a, bob, numbered("hello", 3));
  await reached(a, SENT, 3);
  await a.evaluate((peer) => chat.read(peer, 10), bob.address);
  await a.until((peer) => chat.shown(peer).length === 3, bob.address);
  assert.equal(await a.evaluate(() => chat.api.resetDatabase(MESIBO_DBTABLE_ALL)), true);
  await a.until((peer) => chat.shown(peer).length === 0, bob.address);
  await send(a, bob, ["new"]);
  await reached(a, SENT, 4);
  await a.reload();
  await a.until(() => chat.seen.database);
  await a.evaluate((peer) => chat.read(peer, 10), bob.address);
  await a.until((peer) => chat.reader(peer).ended === 1, bob.address);
  assert.deepEqual(await a.evaluate((peer) => chat.shown(peer), bob.address), ["new"]);
});
