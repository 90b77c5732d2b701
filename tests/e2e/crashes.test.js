// Nothing is lost and nothing comes twice when servers, connections and pages die.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";
import {
  arrived,
  DELIVERED,
  numbered,
  online,
  reached,
  received,
  send,
  SENT,
} from "./harness/chat.js";

const world = World.forThisFile();
const COUNT = 20;

// Rules: 5.6.4.
test("what was accepted survives the server's sudden death and reaches who was offline", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html", { database: "chat" });
  const texts = numbered("hello", COUNT);
  await send(a, bob, texts);
  await reached(a, SENT, COUNT);

  await world.server.kill();
  await world.server.start();

  const b = await world.visit(bob, "chat.html", { database: "chat" });
  await arrived(b, COUNT);
  assert.deepEqual(await received(b), texts);
  await reached(a, DELIVERED, COUNT);
});

// Rules: 5.2.5, 5.12.1.
test("messages whose acceptance never came are sent again after cut and reload, and arrive once", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const front = await world.front();
  const a = await world.visit(ada, "chat.html", { database: "chat" }, { from: front.url });
  const b = await world.visit(bob, "chat.html", { database: "chat" });
  await Promise.all([online(a), online(b)]);

  // The first half is stored by the server, but the page never hears of it.
  front.deafen();
  const texts = numbered("hello", COUNT);
  await send(a, bob, texts.slice(0, COUNT / 2));
  await arrived(b, COUNT / 2);
  front.cut();
  await send(a, bob, texts.slice(COUNT / 2));
  // The messages are in the page's database once they are told.
  await a.until((count) => chat.seen.own.length >= count, COUNT);
  await a.reload();
  front.restore();

  await arrived(b, COUNT);
  await reached(a, DELIVERED, COUNT);
  // Something sent after them, so that a second copy would have come before it.
  await send(a, bob, ["last"]);
  await arrived(b, COUNT + 1);
  assert.deepEqual(await received(b), [...texts, "last"]);
});

// Rules: 5.2.3, 5.6.2.
test("with the server stopped a reloaded page shows its history and queues what is written", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const front = await world.front();
  const a = await world.visit(ada, "chat.html", { database: "chat" }, { from: front.url });
  const before = numbered("before", 5);
  await send(a, bob, before);
  await reached(a, SENT, before.length);

  await world.server.kill();
  await a.reload();
  await a.until(() => chat.seen.database === true);
  await a.evaluate((peer) => chat.read(peer, 50), bob.address);
  await a.until(([peer, count]) => chat.shown(peer).length >= count, [bob.address, before.length]);
  assert.deepEqual(await a.evaluate((peer) => chat.shown(peer), bob.address), before);
  const queued = numbered("queued", 3);
  await send(a, bob, queued);
  await a.until((count) => chat.seen.own.length >= count, queued.length);
  // Even what was written while nobody was there survives another reload.
  await a.reload();
  await world.server.start();

  const b = await world.visit(bob, "chat.html", { database: "chat" });
  await arrived(b, before.length + queued.length);
  assert.deepEqual(await received(b), [...before, ...queued]);
  await reached(a, DELIVERED, queued.length);
});

// Rules: 5.5.1, 5.5.7, 7.12, 7.28.
test("a conversation is read in pages, from the newest to the oldest", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const a = await world.visit(ada, "chat.html", { database: "chat" });
  const texts = numbered("hello", 25);
  await send(a, bob, texts);
  await reached(a, SENT, texts.length);
  await a.reload();
  await a.until(() => chat.seen.database === true);

  const shown = () => a.evaluate((peer) => chat.shown(peer), bob.address);
  const more = async (count, expected) => {
    await a.evaluate(([peer, count]) => chat.readMore(peer, count), [bob.address, count]);
    await a.until(([peer, count]) => chat.shown(peer).length >= count, [bob.address, expected]);
  };
  await a.evaluate((peer) => chat.read(peer, 10), bob.address);
  await a.until((peer) => chat.shown(peer).length >= 10, bob.address);
  assert.deepEqual(await shown(), texts.slice(15));
  await more(10, 20);
  assert.deepEqual(await shown(), texts.slice(5));
  await more(10, 25);
  assert.deepEqual(await shown(), texts);
  await a.until((peer) => chat.reader(peer).ended === 1, bob.address);
});
