// Calls and rooms where nothing but the relay is let through: by UDP, and where only TCP is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { flows } from "./harness/media.js";
import { World } from "./harness/world.js";

// `turn.only` is a setting for operators: nobody learns another's address.
const world = World.forThisFile(["--turn-only", "true"]);

const CONNECTED = 0x30;

/** Media goes both ways, by nothing but this way. */
async function flowsOnly(pages, way) {
  for (const page of pages) {
    await flows(page, "video");
    await flows(page, "audio");
    const ways = await page.evaluate(() => ways());
    assert.ok(ways.length > 0 && ways.every((it) => it === way), `${ways} is ${way}`);
  }
}

for (const [title, through, way, other] of [
  ["two Chromium pages", "transport=udp", "udp", "chromium"],
  ["two Chromium pages in networks of TCP", "transport=tcp", "tcp", "chromium"],
  ["Chromium and Firefox", "transport=", "", "firefox"],
]) {
  test(`${title} call one another through the relay`, async () => {
    const people = await world.people("ada", "bob");
    const kinds = [world.chromium(), world[other]()];
    const pages = await Promise.all(
      people.map((person, index) =>
        world.visit(
          person,
          "call.html",
          { through, answers: index > 0 },
          { browser: kinds[index] },
        ),
      ),
    );
    for (const page of pages) await page.until(() => phone.seen.connection.at(-1) === 1);
    await pages[0].evaluate((to) => phone.dial(to, true), people[1].address);
    for (const page of pages) {
      await page.until((status) => phone.statuses().at(-1) === status, CONNECTED);
    }
    if (way) await flowsOnly(pages, way);
    else await Promise.all(pages.map((page) => flows(page, "video")));
  });
}

for (const [through, way] of [
  ["transport=udp", "udp"],
  ["transport=tcp", "tcp"],
]) {
  test(`a room is heard and seen through the relay, ${through}`, async () => {
    const people = await world.people("ada", "bob");
    const addresses = people.map((person) => person.address);
    const group = await world.app.addGroup("relayed", addresses);
    const pages = await Promise.all(
      people.map((person) => world.visit(person, "room.html", { group, through })),
    );
    await flowsOnly(pages, way);
  });
}
