// The harness itself, so that a red end-to-end test is about what it says it is about.
import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness/world.js";

const world = World.forThisFile();

test("a person added by the backend has a token, and pages see settings behind the #", async () => {
  const [ada] = await world.people("ada");
  assert.ok(ada.token.length > 40 && ada.uid > 0);
  for (const browser of ["chromium", "firefox"]) {
    const at = `${world.server.url}/test/blank.html`;
    const page = await (await world[browser]()).open(`${at}#${encodeURIComponent('{"a":1}')}`);
    await page.until(
      (wanted) => JSON.parse(decodeURIComponent(location.hash.slice(1))).a === wanted,
      1,
    );
    assert.equal(await page.evaluate(async (n) => n + 1, 1), 2);
    await page.close();
  }
});

test("a killed server comes back on its port with its data", async () => {
  const { url } = world.server;
  const [ada] = await world.people("ada");
  const gid = await world.app.addGroup("kept", [ada.address]);
  await world.server.kill();
  await assert.rejects(fetch(`${url}/healthz`));
  await world.server.start();
  assert.equal(world.server.url, url);
  const { members } = await world.app.call("groupgetmembers", { group: { gid } });
  assert.deepEqual(
    members.map((member) => member.address),
    [ada.address],
  );
});

test("a front passes WebSockets through, cuts them, and serves pages without the server", async () => {
  const front = await world.front();
  const page = await world.openPage(`${front.url}/test/blank.html`);
  const open = () => {
    window.socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws`, "mesibo.v1");
    return new Promise((resolve) => {
      socket.onopen = () => resolve("open");
      socket.onerror = () => resolve("refused");
    });
  };
  assert.equal(await page.evaluate(open), "open");
  front.cut();
  await page.until(() => socket.readyState === WebSocket.CLOSED);
  assert.equal(await page.evaluate(open), "refused");
  front.restore();
  assert.equal(await page.evaluate(open), "open");
  await world.server.kill();
  await page.reload();
  assert.equal(await page.evaluate(() => document.title), "Blank");
  await world.server.start();
});
