// On-demand media: what was uploaded to a group is played by its members, and by nobody else.
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { online } from "./harness/chat.js";
import { until } from "./harness/until.js";
import { World } from "./harness/world.js";

// A program in the place of ffmpeg: its copy is the first half of the original, which is smaller, and
// tells that it was made. That the real one is asked rightly is tried by hand (docs/testing.md).
const folder = mkdtempSync(join(tmpdir(), "mesibo-ffmpeg-"));
const ffmpeg = join(folder, "ffmpeg");
const SCRIPT = `#!/bin/sh
[ "$1" = -version ] && exit 0
while [ $# -gt 1 ]; do [ "$1" = -i ] && source="$2"; shift; done
head -c $(($(wc -c < "$source") / 2)) "$source" > "$1"
`;
writeFileSync(ffmpeg, SCRIPT);
chmodSync(ffmpeg, 0o755);
after(() => rmSync(folder, { recursive: true, force: true }));

const world = World.forThisFile(["--ffmpeg", ffmpeg]);

const media = (person, path) =>
  fetch(`${world.server.url}/media/${path}`, {
    headers: { authorization: `Bearer ${person.token}` },
  });
const list = async (person, gid) => (await (await media(person, gid)).json()).media;

async function upload(person, gid, name, bytes, more = {}) {
  const form = new FormData();
  const fields = { op: "upload", auth: person.token, gid, source: "stream", ...more };
  for (const [key, value] of Object.entries(fields)) form.append(key, value);
  form.append("file", new Blob([bytes]), name);
  return (await fetch(`${world.server.url}/upload`, { method: "POST", body: form })).json();
}

/** A group with somebody who publishes and somebody who watches. */
async function group() {
  const [ada, bob, eve] = await world.people("ada", "bob", "eve");
  const gid = await world.app.addGroup("Cinema", [ada.address, bob.address]);
  return { ada, bob, eve, gid };
}

test("members list and play what was uploaded to their group, from any place in it", async () => {
  const { ada, bob, gid } = await group();
  const page = await world.visit(bob, "chat.html");
  await online(page);
  // A second of a picture that changes, as this browser records it.
  const film = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    const pen = canvas.getContext("2d");
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: "video/webm" });
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.start();
    for (let frame = 0; frame < 30; frame++) {
      pen.fillStyle = `hsl(${frame * 12} 80% 50%)`;
      pen.fillRect(0, 0, 300, 150);
      await new Promise(requestAnimationFrame);
    }
    await new Promise((stopped) => {
      recorder.onstop = stopped;
      recorder.stop();
    });
    return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
  });
  const told = await upload(ada, gid, "film.webm", Uint8Array.from(film));
  assert.equal(told.result, true, JSON.stringify(told));
  await page.until(async () => (await chat.ask("answer")).received.length === 1);
  const message = await page.evaluate(async () => (await chat.ask("answer")).received[0]);
  assert.deepEqual([message.mid, message.group], [told.mid, gid]);

  const [medium] = await list(bob, gid);
  assert.deepEqual([medium.title, medium.size, medium.mid], ["film.webm", film.length, told.mid]);
  const played = await page.evaluate(async (url) => {
    const video = document.createElement("video");
    Object.assign(video, { src: url, muted: true, crossOrigin: "anonymous" });
    document.body.append(video);
    await video.play();
    await new Promise((seeked) => {
      video.onseeked = seeked;
      video.currentTime = 0.2;
    });
    return [video.videoWidth, video.error];
  }, medium.url);
  assert.deepEqual(played, [300, null]);
  const part = await fetch(medium.url, { headers: { range: "bytes=4-7" } });
  assert.equal(part.status, 206);
  assert.deepEqual([...new Uint8Array(await part.arrayBuffer())], film.slice(4, 8));
  assert.match(part.headers.get("cache-control"), /private/);

  await until("smaller copies", async () => (await list(bob, gid))[0].qualities.length === 2);
  const [{ qualities }] = await list(bob, gid);
  assert.deepEqual(
    qualities.map(({ height }) => height),
    [720, 360],
  );
  const copy = await (await fetch(qualities[1].url)).arrayBuffer();
  assert.equal(copy.byteLength, Math.floor(film.length / 2));
});

test("who is no member gets nothing, and who is none any more neither", async () => {
  const { ada, bob, eve, gid } = await group();
  await upload(ada, gid, "song.mp3", "la la la");
  const [{ id, url }] = await list(bob, gid);
  assert.equal((await media(eve, gid)).status, 403);
  assert.equal((await media(eve, `${gid}/${id}`)).status, 403);
  assert.equal(
    (await media(eve, `${gid}/${"0".repeat(32)}`)).status,
    403,
    "not even what there is",
  );
  assert.equal((await media({ token: "nobody" }, gid)).status, 401);
  assert.equal((await fetch(url)).status, 200);
  assert.equal((await fetch(url.replace(`u=${bob.uid}`, `u=${eve.uid}`))).status, 403);
  assert.equal((await fetch(url.replace("&q=0", "&q=360"))).status, 403);
  assert.equal((await upload(eve, gid, "spam.mp3", "x")).error, "NOTALLOWED");
  await world.app.editMembers(gid, [bob.address], { pub: false, sub: false });
  assert.equal((await fetch(url)).status, 403, "at once");
  assert.equal((await upload(bob, gid, "mine.mp3", "x")).error, "NOTALLOWED");
  await world.app.editMembers(gid, [bob.address]);
  assert.equal((await fetch(url)).status, 200);
  await world.app.removeMembers(gid, [bob.address]);
  assert.equal((await fetch(url)).status, 403);
  assert.equal((await list(ada, gid)).length, 1);
});

test("a medium goes with its message", async () => {
  const { ada, bob, gid } = await group();
  const first = await upload(ada, gid, "one.mp4", "a film, nearly");
  await upload(ada, gid, "two.mp4", "another one");
  const before = await list(bob, gid);
  assert.equal(before.length, 2);
  const { url } = before.find(({ mid }) => mid === first.mid);
  await world.app.call("messagedel", { message: { address: ada.address, mid: [first.mid] } });
  await until("one is gone", async () => (await list(bob, gid)).length === 1);
  assert.equal((await list(bob, gid))[0].title, "two.mp4");
  const told = await world.app.call("groupgetmedia", { group: { gid } });
  assert.deepEqual(
    told.media.map(({ title, url }) => [title, url]),
    [["two.mp4", undefined]],
  );
  assert.equal((await fetch(url)).status, 404);
});
