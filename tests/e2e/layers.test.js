// Pictures in several sizes: each page gets the one that fits its view, and none that it does not want.
import assert from "node:assert/strict";
import { test } from "node:test";
import { key } from "./harness/room.js";
import { World } from "./harness/world.js";

const world = World.forThisFile();

/** Ada publishes a picture of 1280 pixels, the others watch. */
async function watched(names, call = {}) {
  const people = await world.people("ada", ...names);
  const gid = await world.app.addGroup(
    "room",
    people.map((person) => person.address),
  );
  if (call.flags) await world.app.call("groupset", { group: { gid, call } });
  const pages = [];
  for (const [index, person] of people.entries()) {
    pages.push(await world.visit(person, "room.html", { group: gid, publish: index === 0 }));
    // The fake camera has 640 pixels if nobody asks for more.
    if (index > 0) continue;
    await pages[0].until(() => room.me().getVideoView()?.videoWidth > 0);
  }
  return { people, gid, pages };
}

/** Shows somebody's picture in a view of this many pixels. */
const show = (page, who, width) =>
  page.evaluate(
    ([who, width]) => {
      const view = room.of(who).getVideoView();
      view.style = width ? `width: ${width}px; height: ${(width * 3) / 4}px` : "display: none";
    },
    [who, width],
  );
/** The page says itself whether it wants to see somebody. */
const want = (page, who, wanted) =>
  page.evaluate(([who, wanted]) => void room.of(who).setVisible(wanted), [who, wanted]);
const gets = (page, width) =>
  page.until(async (width) => {
    const video = (await inbound()).find((one) => one.kind === "video");
    const before = window.framesBefore ?? 0;
    window.framesBefore = video?.frames ?? 0;
    return video?.width === width && video.frames > before;
  }, width);

test("a small view gets the small picture, a hidden one too, a large one the large, and one that is not wanted none", async () => {
  const { people, pages } = await watched(["bob", "carol"]);
  const [ada] = people;
  const [a, b, c] = pages;
  for (const page of [b, c]) {
    await page.until(() => room.views().some((view) => view.width > 0));
  }
  const sent = await a.evaluate(() => outbound());
  const rids = sent.filter((one) => one.kind === "video").map((one) => one.rid);
  assert.deepEqual(rids.sort(), ["0", "1"], "640 pixels and half of it");
  await show(b, key(ada), 200);
  await show(c, key(ada), 640);
  await gets(b, 320);
  await gets(c, 640);
  await show(b, key(ada), 800);
  await gets(b, 640);
  await show(b, key(ada), 0);
  await gets(b, 320);
  await want(b, key(ada), false);
  // Nothing comes any more while carol goes on.
  await b.until(async () => {
    const frames = (await inbound()).find((one) => one.kind === "video").frames;
    const before = window.still ?? { frames: -1, times: 0 };
    window.still = { frames, times: frames === before.frames ? before.times + 1 : 0 };
    return window.still.times > 10;
  });
  await gets(c, 640);
  await want(b, key(ada), true);
  await show(b, key(ada), 200);
  await gets(b, 320);
});

test("a picture that nobody wants is not sent, and is again as soon as somebody does", async () => {
  const { people, pages } = await watched(["bob"]);
  const [a, b] = pages;
  await b.until(() => room.views().some((view) => view.width > 0));
  await want(b, key(people[0]), false);
  const active = (wanted) =>
    a.until(async (wanted) => {
      const sent = (await outbound()).filter((one) => one.kind === "video");
      const active = sent.filter((one) => one.active).map((one) => one.rid);
      return JSON.stringify(active.sort()) === JSON.stringify(wanted);
    }, wanted);
  await active([]);
  await want(b, key(people[0]), true);
  await show(b, key(people[0]), 200);
  await active(["0"]);
  await gets(b, 320);
  await show(b, key(people[0]), 640);
  await active(["0", "1"]);
  await gets(b, 640);
});

test("a room whose settings do not want several pictures gets one", async () => {
  const flags = 0x7;
  const { pages } = await watched(["bob"], { flags });
  await pages[1].until(() => room.views().some((view) => view.width > 0));
  const sent = await pages[0].evaluate(() => outbound());
  assert.deepEqual(
    sent.filter((one) => one.kind === "video").map((one) => one.rid),
    [""],
  );
});

test("a camera that is changed for a smaller one is sent in the sizes it has, and in all again later", async () => {
  const { people, pages } = await watched(["bob"]);
  const [a, b] = pages;
  await b.until(() => room.views().some((view) => view.width > 0));
  await show(b, key(people[0]), 640);
  await gets(b, 640);
  const sends = (wanted) =>
    a.until(async (wanted) => {
      const sent = (await outbound()).filter((one) => one.kind === "video" && one.active);
      return JSON.stringify(sent.map((one) => [one.rid, one.width])) === JSON.stringify(wanted);
    }, wanted);
  await a.evaluate(() => room.me().changeVideoFormat(320, 240, 15));
  await sends([["0", 320]]);
  await gets(b, 320);
  await a.evaluate(() => room.me().changeVideoFormat(640, 480, 15));
  await gets(b, 640);
});

test("a picture whose size changes by itself, as that of a shared window, is sent in the sizes it has", async () => {
  const { people, pages } = await watched(["bob"]);
  const [a, b] = pages;
  await b.until(() => room.views().some((view) => view.width > 0));
  await show(b, key(people[0]), 640);
  await gets(b, 640);
  const becomes = (width, height) =>
    a.evaluate(
      ([width, height]) => {
        const [track] = room.me().getVideoView().srcObject.getVideoTracks();
        return track.applyConstraints({ width, height });
      },
      [width, height],
    );
  await becomes(320, 240);
  await gets(b, 320);
  await becomes(640, 480);
  await gets(b, 640);
});
