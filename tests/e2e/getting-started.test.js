// The page of the oldest documents runs as it is written there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";
import { until } from "./harness/until.js";

const world = World.forThisFile();

// Rules: 5.2.1.
test("an object that is its own listener sends, receives, and sees its statuses", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const [a, b] = await Promise.all(
    [ada, bob].map((person) => world.visit(person, "getting-started.html")),
  );
  assert.equal(await a.evaluate(() => page.result), 0);
  // Sent without waiting for anything: what needs the connection waits for it.
  const id = await a.evaluate((to) => page.send(to, "hello"), bob.address);
  assert.ok(id > 0);
  await b.until(() => page.received.length > 0);
  assert.deepEqual(await b.evaluate(() => page.received), [{ peer: ada.address, text: "hello" }]);
  await a.until((id) => page.messageStatus.some((s) => s.id === id && s.status === 2), id);
  assert.deepEqual(await a.evaluate(() => page.status), [6, 1]);
});

// Rules: 1.2.1, 1.2.2, 1.5.11, 1.5.12.
test("initGroupCall, setRoom and call straight after start, while offline, become a call", async () => {
  const [ada, bob] = await world.people("ada", "bob");
  const group = await world.app.addGroup("room", [ada.address, bob.address]);
  const visit = (person) => {
    const settings = { group, address: person.address };
    return world.visit(person, "getting-started.html", settings);
  };
  const pages = await Promise.all([visit(ada), visit(bob)]);
  for (const [at, other] of [
    [0, "bob"],
    [1, "ada"],
  ]) {
    await pages[at].until((name) => page.participants.includes(name), other);
    await pages[at].until((name) => page.streams.some((s) => s.name === name && !s.local), other);
    await pages[at].until(() => page.streams.some((s) => s.local));
    const first = (await pages[at].evaluate(() => inbound())).find((s) => s.kind === "video");
    await until("decoded pictures", async () => {
      const now = (await pages[at].evaluate(() => inbound())).find((s) => s.kind === "video");
      return now && now.frames > (first?.frames ?? 0);
    });
    const shown = () => document.getElementById("remoteVideo").videoWidth > 0;
    await pages[at].until(shown);
  }
});

// Rules: 7.1.
test("a wrong token is refused by the page's own check", async () => {
  const nobody = { app: "world", name: "nobody", token: "" };
  const page = await world.visit(nobody, "getting-started.html");
  assert.equal(await page.evaluate(() => window.page.result), -1);
});
