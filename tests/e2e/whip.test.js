// Broadcasters and players that are not ours: whip-whep of npm, in the same rooms as our pages.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { build } from "esbuild";
import { World } from "./harness/world.js";

const world = World.forThisFile();
let clients;
before(async () => {
  const contents = `export * from "whip-whep/whip.js"; export * from "whip-whep/whep.js"`;
  const stdin = { contents, resolveDir: import.meta.dirname };
  const made = await build({
    stdin,
    bundle: true,
    write: false,
    format: "iife",
    globalName: "its",
  });
  clients = `${made.outputFiles[0].text}; Object.assign(window, its)`;
});

async function room(...names) {
  const people = await world.people(...names);
  const gid = await world.app.addGroup(
    "room",
    people.map((person) => person.address),
  );
  return { people, gid };
}

/** A page that has none of our SDK's connections, only theirs. */
async function stranger() {
  const [somebody] = await world.people("somebody");
  const page = await world.visit(somebody, "room.html", { group: 0, publish: false });
  await page.evaluate(clients);
  return page;
}

const publish = (page, path, token) =>
  page.evaluate(
    async ([path, token]) => {
      const pc = new RTCPeerConnection();
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
      for (const track of stream.getTracks()) {
        pc.addTransceiver(track, { direction: "sendonly", streams: [stream] });
      }
      window.whip = new WHIPClient();
      await whip.publish(pc, new URL(path, location.href).href, token);
    },
    [path, token],
  );

const view = (page, path, token) =>
  page.evaluate(
    async ([path, token]) => {
      const pc = new RTCPeerConnection();
      for (const kind of ["audio", "video"]) pc.addTransceiver(kind, { direction: "recvonly" });
      window.whep = new WHEPClient();
      await whep.view(pc, new URL(path, location.href).href, token);
    },
    [path, token],
  );

const seesAndHears = (page) =>
  page.until(async () => {
    const all = await inbound();
    const frames = all.some((one) => one.kind === "video" && one.frames > 5);
    return frames && all.some((one) => one.kind === "audio" && one.packets > 20);
  });

test("who comes by WHIP is seen by pages and by WHEP, with its name, and is gone when it says so", async () => {
  const { people, gid } = await room("ada", "bob", "carol");
  const [ada, bob, carol] = people;
  const watcher = await world.visit(bob, "room.html", { group: gid, publish: false });
  const studio = await stranger();
  await publish(studio, `/whip/${gid}?name=studio`, ada.token);
  await watcher.until((who) => room.present().includes(who), `${ada.address}/0`);
  assert.equal(
    await watcher.evaluate((who) => room.of(who).getName(), `${ada.address}/0`),
    "studio",
  );
  await seesAndHears(watcher);

  const player = await stranger();
  await view(player, `/whep/${gid}?publisher=${ada.address}`, carol.token);
  await seesAndHears(player);
  await player.evaluate(() => whep.stop());
  await studio.evaluate(() => whip.stop());
  await watcher.until(() => room.present().length === 0);
});

test("a page is watched by WHEP", async () => {
  const { people, gid } = await room("ada", "bob");
  const [ada, bob] = people;
  const publisher = await world.visit(ada, "room.html", { group: gid, name: "ada" });
  await publisher.until(() => room.seen.events.some((event) => event.what === "connected"));
  const player = await stranger();
  await view(player, `/whep/${gid}`, bob.token);
  await seesAndHears(player);
});

test("a broadcaster that dies without a word is gone, too", async () => {
  const { people, gid } = await room("ada", "bob");
  const [ada, bob] = people;
  const watcher = await world.visit(bob, "room.html", { group: gid, publish: false });
  const studio = await stranger();
  await publish(studio, `/whip/${gid}`, ada.token);
  await seesAndHears(watcher);
  await studio.crash();
  await watcher.until(() => room.present().length === 0);
});

test("tokens and rights hold for them as for everybody", async () => {
  const { people, gid } = await room("ada", "bob");
  const [ada, bob] = people;
  await world.app.editMembers(gid, [bob.address], { pub: false });
  const url = (path) => `${world.server.url}${path}`;
  const offer = await (
    await stranger()
  ).evaluate(async () => {
    const pc = new RTCPeerConnection();
    pc.addTransceiver("video", { direction: "sendonly" });
    return (await pc.createOffer()).sdp;
  });
  const ask = async (path, token, more = {}) => {
    const headers = { "content-type": "application/sdp" };
    if (token) headers.authorization = `Bearer ${token}`;
    const asked = {
      method: "POST",
      headers: { ...headers, ...more.headers },
      body: offer,
      ...more,
    };
    const response = await fetch(url(path), { ...asked, headers: asked.headers });
    return response;
  };
  const status = async (...asked) => (await ask(...asked)).status;
  assert.equal(await status(`/whip/${gid}`), 401);
  assert.equal(await status(`/whip/${gid}`, "worthless and long enough"), 401);
  assert.equal(await status(`/whip/${gid}`, bob.token), 403);
  assert.equal(await status(`/whip/${gid + 1000}`, ada.token), 403);
  assert.equal(await status(`/whip/${gid}`, ada.token, { body: "hello" }), 400);
  const plain = { headers: { "content-type": "text/plain", authorization: `Bearer ${ada.token}` } };
  assert.equal(await status(`/whip/${gid}`, ada.token, plain), 415);
  const nobody = await ask(`/whep/${gid}`, ada.token);
  assert.deepEqual([nobody.status, nobody.headers.get("retry-after")], [409, "2"]);

  const made = await ask(`/whip/${gid}`, ada.token);
  assert.equal(made.status, 201);
  assert.equal(made.headers.get("content-type"), "application/sdp");
  assert.equal(made.headers.get("access-control-allow-origin"), "*");
  assert.match(await made.text(), /a=recvonly/);
  const [place, tag] = [made.headers.get("location"), made.headers.get("etag")];
  const fragment = /a=ice-ufrag:(\S+)/.exec(offer)[1];
  const patch = async (fragment, match) => {
    const headers = { "content-type": "application/trickle-ice-sdpfrag", "if-match": match };
    const body = `a=ice-ufrag:${fragment}\r\na=ice-pwd:x\r\n`;
    return (await fetch(url(place), { method: "PATCH", headers, body })).status;
  };
  assert.equal(await patch(fragment, tag), 204);
  assert.equal(await patch(fragment, '"other"'), 412);
  assert.equal(await patch("other", "*"), 422);
  const end = async () => (await fetch(url(place), { method: "DELETE" })).status;
  assert.deepEqual([await end(), await end()], [200, 404]);
  const preflight = await fetch(url(`/whip/${gid}`), { method: "OPTIONS" });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get("access-control-allow-methods"), /DELETE/);
});
