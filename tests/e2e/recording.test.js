// Recordings: a host begins and ends them, everybody knows, members play them; a crash loses little.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./harness/until.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();

const ask = (person, path, method = "GET") =>
  fetch(`${world.server.url}/media/${path}`, {
    method,
    headers: { authorization: `Bearer ${person.token}` },
  });
const list = async (person, gid) => (await (await ask(person, gid)).json()).media;

/** Ada, who may record, and Bob publish and see each other. */
async function room() {
  const people = await world.people("ada", "bob", "eve", "carol");
  const [ada, bob, , carol] = people;
  const gid = await world.app.addGroup("room", [ada.address, bob.address, carol.address]);
  await world.app.editMembers(gid, [ada.address], { record: true });
  const pages = [];
  for (const person of [ada, bob]) {
    pages.push(await world.visit(person, "room.html", { group: gid }));
  }
  for (const page of pages) {
    await page.until(() => room.views().some(({ width }) => width > 0));
  }
  return { people, gid, pages };
}

const told = (page, wanted) =>
  page.until(
    (wanted) =>
      JSON.stringify(room.seen.recording) === JSON.stringify(wanted) &&
      room.call.isRecording() === wanted.at(-1),
    wanted,
  );

/** Until so much of the picture has gone by in a page. */
const watched = (page, seconds) =>
  page.evaluate(
    (seconds) =>
      new Promise((done) => {
        const video = [...document.querySelectorAll("video")].find(({ id }) => id !== "me");
        const begun = video.currentTime;
        video.ontimeupdate = () => video.currentTime - begun >= seconds && done();
      }),
    seconds,
  );

/**
 * Plays a recording, as a page would; goes to its middle, and from there to its end. How many
 * pictures that shows is the encoder's: a busy one leaves most of them out.
 */
const play = (page, url) =>
  page.evaluate(async (url) => {
    const video = document.createElement("video");
    Object.assign(video, { src: url, muted: true, crossOrigin: "anonymous" });
    document.body.append(video);
    await video.play();
    const { duration } = video;
    await new Promise((seeked) => {
      video.onseeked = seeked;
      video.currentTime = duration / 2;
    });
    await new Promise((ended) => {
      video.onended = ended;
    });
    const { totalVideoFrames: frames } = video.getVideoPlaybackQuality();
    video.remove();
    const { videoWidth: width, webkitAudioDecodedByteCount: sound } = video;
    return { duration, width, frames, sound };
  }, url);

test("a host records, everybody is told, and members play one file for each stream", async () => {
  const { people, gid, pages } = await room();
  const [ada, bob, eve, carol] = people;
  const [a, b] = pages;
  const may = (page) => page.evaluate(() => [room.call.canRecord(), room.call.startRecording()]);
  assert.deepEqual(await may(b), [false, false]);
  assert.deepEqual(await may(a), [true, true]);
  await told(a, [true]);
  await told(b, [true]);
  await watched(b, 4);
  // Who comes later knows it, too.
  const late = await world.visit(carol, "room.html", { group: gid, publish: false });
  await told(late, [true]);
  await late.close();
  assert.equal(await a.evaluate(() => room.call.stopRecording()), true);
  await told(a, [true, false]);
  await told(b, [true, false]);
  await until("both are kept", async () => (await list(bob, gid)).length === 2);
  const kept = await list(bob, gid);
  assert.deepEqual(kept.map(({ title, type }) => [title, type]).sort(), [
    [ada.name, "video/webm"],
    [bob.name, "video/webm"],
  ]);
  const [first, second] = kept;
  assert.equal(first.recording.begun, second.recording.begun);
  for (const { url } of kept) {
    const { duration, width, frames, sound } = await play(b, url);
    assert.ok(frames > 0, "no picture");
    assert.ok(duration >= 3 && duration < 30, `${duration} s`);
    assert.ok(width >= 320, `${width} pixels`);
    assert.ok(sound > 1_000, `${sound} bytes of sound`);
  }
  assert.equal((await ask(eve, gid)).status, 403);
  assert.equal((await ask(bob, `${gid}/${first.id}`, "DELETE")).status, 403);
  assert.equal((await ask(ada, `${gid}/${first.id}`, "DELETE")).status, 204);
  assert.equal((await ask(ada, `${gid}/${first.id}`, "DELETE")).status, 404);
  assert.deepEqual(
    (await list(bob, gid)).map(({ id }) => id),
    [second.id],
  );
});

test("what was recorded before a crash is there after it", async () => {
  const { people, gid, pages } = await room();
  await pages[0].evaluate(() => room.call.startRecording());
  await told(pages[1], [true]);
  await watched(pages[1], 5);
  await world.server.kill();
  await world.server.start();
  await until("they are mended", async () => (await list(people[1], gid)).length === 2);
  for (const { url } of await list(people[1], gid)) {
    const { duration, width, frames } = await play(pages[1], url);
    assert.ok(frames > 0, "no picture");
    assert.ok(duration >= 1 && duration < 30, `${duration} s`);
    assert.ok(width >= 320, `${width} pixels`);
  }
  // The pages are back in the room, which is not recorded any more.
  await told(pages[1], [true, false]);
});
